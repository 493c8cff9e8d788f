"""Statistics over fields: the field is the statistical unit, never the pixel.

Fields of one section are one set of data; sections of one specimen are set means that are averaged
(ASTM E562: sections are reported separately and combined as the mean of their means). With several
sections they are the sample: how their means scatter holds what differs between sections as well as
what differs between the fields of one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from inspect_tool.languages import Text
from inspect_tool.model import Component
from inspect_tool.statistics.uncertainty import coverage_factor


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldStatistics:
    """Mean and spread of one quantity over fields. None: cannot be told from this many fields."""

    mean: float
    n: int  # fields
    s: float | None  # standard deviation between the fields of a section (n - sections)
    u_mean: float | None  # standard uncertainty of the mean
    dof: int | None  # of u_mean: fields - 1 with one section, else sections - 1
    ci95: float | None  # half width of the 95 % confidence interval, Student t
    ra_percent: float | None  # relative accuracy, 100 ci95 / mean
    sections: tuple[tuple[str, float, int, float | None], ...]  # name, mean, n, ci95 within the section


def field_statistics(values: Sequence[float], sections: Sequence[str] | None = None) -> FieldStatistics:
    """Mean, s, 95 % confidence interval and relative accuracy of one value per field.

    With one section u is s / √n. With several the mean is the mean of the m section means, and u is
    s / √m with the standard deviation of those means and m - 1 degrees of freedom: an unbiased estimate of
    the variance whatever part of it lies between sections (one-way random effects; Cochran, Sampling
    Techniques, 3rd ed. 1977, 10.3), and whatever the number of fields of each.

    Parameters
    ----------
    values : sequence of float
        One per field.
    sections : sequence of str, optional
        Section of every field; None: all of one section.

    Returns
    -------
    FieldStatistics
        ``u_mean``, ``dof``, ``ci95`` and ``ra_percent`` are None with a single field.

    Examples
    --------
    >>> found = field_statistics([85, 92, 78, 88, 95])
    >>> round(found.mean, 2), round(found.s, 4), round(found.ra_percent, 3)
    (87.6, 6.5803, 9.327)
    """
    x = np.asarray(values, dtype=float)
    names = np.asarray(["1"] * len(x) if sections is None else list(sections))
    groups = [(name, x[names == name]) for name in dict.fromkeys(names.tolist())]
    means = np.asarray([group.mean() for _, group in groups])
    within = len(x) - len(groups)
    sample = means if len(groups) > 1 else x
    u_mean = ci95 = None
    mean, dof = float(means.mean()), len(sample) - 1
    if dof:
        u_mean = float(sample.std(ddof=1)) / sqrt(len(sample))
        ci95 = coverage_factor(dof) * u_mean
    return FieldStatistics(
        mean=mean,
        n=len(x),
        s=sqrt(sum(float(((group - group.mean()) ** 2).sum()) for _, group in groups) / within) if within else None,
        u_mean=u_mean,
        dof=dof or None,
        ci95=ci95,
        ra_percent=100 * ci95 / abs(mean) if ci95 is not None and mean else None,
        sections=tuple((name, float(group.mean()), len(group), _ci95(group)) for name, group in groups),
    )


def scatter_line(found: FieldStatistics) -> tuple[Component, ...]:
    """Line of the budget for the scatter that the fields show, in the unit of the values; none with a single field.

    >>> [(line.name, line.dof) for line in scatter_line(field_statistics([4, 5, 6, 9], ["a", "a", "b", "b"]))]
    [('between sections', 1)]
    """
    if found.u_mean is None:
        return ()
    if len(found.sections) == 1:
        name, basis = Text("budget.between_fields"), Text("statistics.basis_between_fields", n=found.n, s=found.s)
    else:
        m = len(found.sections)
        name, basis = (
            Text("budget.between_sections"),
            Text("statistics.basis_between_sections", m=m, u_mean=found.u_mean * sqrt(m)),
        )
    return (Component(name=name, u=found.u_mean, kind="A", dof=found.dof, basis=basis),)


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
