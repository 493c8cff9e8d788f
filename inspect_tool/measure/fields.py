"""Statistics over fields: the field is the statistical unit, never the pixel.

Fields of one section are one set of data; sections of one specimen are set means that are averaged
(ASTM E562: sections are reported separately and combined as the mean of their means).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from inspect_tool.uncertainty import coverage_factor


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldStatistics:
    """Mean and spread of one quantity over fields. None: cannot be told from this many fields."""

    mean: float
    n: int  # fields
    s: float | None  # standard deviation between fields (n - 1)
    u_mean: float | None  # standard uncertainty of the mean
    dof: int | None
    ci95: float | None  # half width of the 95 % confidence interval, Student t
    ra_percent: float | None  # relative accuracy, 100 ci95 / mean
    sections: tuple[tuple[str, float, int, float | None], ...]  # name, mean, n, ci95


def field_statistics(values: Sequence[float], sections: Sequence[str] | None = None) -> FieldStatistics:
    """Mean, s, 95 % confidence interval and relative accuracy of one value per field.

    With several sections the mean is the mean of the section means and its variance comes from
    the fields within each section.

    >>> found = field_statistics([85, 92, 78, 88, 95])
    >>> round(found.mean, 2), round(found.s, 4), round(found.ra_percent, 3)
    (87.6, 6.5803, 9.327)
    """
    x = np.asarray(values, dtype=float)
    names = np.asarray(["1"] * len(x) if sections is None else list(sections))
    groups = [(name, x[names == name]) for name in dict.fromkeys(names.tolist())]
    mean = float(np.mean([group.mean() for _, group in groups]))
    rows = tuple((name, float(group.mean()), len(group), _ci95(group)) for name, group in groups)
    dof = len(x) - len(groups)
    if any(len(group) < 2 for _, group in groups):
        return FieldStatistics(
            mean=mean, n=len(x), s=None, u_mean=None, dof=None, ci95=None, ra_percent=None, sections=rows
        )
    pooled = sum(float(((group - group.mean()) ** 2).sum()) for _, group in groups) / dof
    u_mean = sqrt(sum(pooled / len(group) for _, group in groups)) / len(groups)
    ci95 = coverage_factor(dof) * u_mean
    return FieldStatistics(
        mean=mean,
        n=len(x),
        s=sqrt(pooled),
        u_mean=u_mean,
        dof=dof,
        ci95=ci95,
        ra_percent=100 * ci95 / abs(mean) if mean else None,
        sections=rows,
    )


def fields_for_accuracy(found: FieldStatistics, wanted_percent: float) -> int | None:
    """Total number of fields that should reach a wanted relative accuracy; None: not known from these fields.

    The spread between fields is taken as found; the Student factor is that of the new number.

    >>> fields_for_accuracy(field_statistics([85, 92, 78, 88, 95]), 5.0)
    12
    """
    if found.s is None or found.mean == 0:
        return None
    wanted = abs(found.mean) * wanted_percent / 100
    for n in range(2, 100_000):
        if coverage_factor(n - 1) * found.s / sqrt(n) <= wanted:
            return n
    return None


def _ci95(group: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float | None:
    if len(group) < 2:
        return None
    return float(coverage_factor(len(group) - 1) * group.std(ddof=1) / sqrt(len(group)))
