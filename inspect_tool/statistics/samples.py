"""What chance does to means over objects that a few fields show, each with a weight of its own.

Objects are taken as thrown at random: each counts with the square of its weight (compound Poisson). Where fields, or
sections, differ by more than that, the excess is a line of its own with the Student factor of so few of them.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from inspect_tool.statistics.uncertainty import coverage_factor
from inspect_tool.statistics.weighted import effective_number

Floats = NDArray[np.float64]

_BY_CHANCE = 0.2  # differences of groups that chance makes as often are not counted beside it


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """Objects of one specimen, and the group of fields that each was found in."""

    size: Floats  # (n,) in any unit
    weight: Floats  # (n,) what each counts, e.g. the inverse of its chance to be whole [1]
    group: NDArray[np.int64]  # (n,) 0 ... groups - 1
    groups: int  # fields of one section, or sections where there are several


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """A value with the limits that chance leaves, 95 %."""

    value: float
    alone: tuple[float, float]  # by the objects alone
    dof: float  # of these
    together: tuple[float, float]  # with what groups differ beyond them
    effective: float  # objects that the value rests on
    modeled: bool  # a lognormal distribution had a part in the limits


def average(sample: Sample, values: Floats) -> Limits:
    """Weighted mean of a number that each object has, with its limits."""
    value = float(np.average(values, weights=sample.weight))
    effective = effective_number(sample.weight)
    alone, together = half_widths(sample, sample.weight * (values - value), float(sample.weight.sum()), effective)
    return Limits(
        value=value,
        alone=(value - alone, value + alone),
        dof=freedom(effective),
        together=(value - together, value + together),
        effective=effective,
        modeled=False,
    )


def half_widths(sample: Sample, parts: Floats, total: float, effective: float) -> tuple[float, float]:
    """Half widths of Σ parts / total: by the objects alone, and with what the groups differ beyond them."""
    own, beyond = errors(sample, parts, total)
    reach = coverage_factor(freedom(effective)) * own
    return reach, sqrt(reach**2 + (factor(sample.groups) * beyond) ** 2)


def freedom(effective: float) -> float:
    """Degrees of freedom of a standard error that rests on so many objects; 1 at least."""
    return max(effective - 1, 1.0)


def factor(groups: int) -> float:
    """Student factor, 95 %, of so many groups; 0: one tells nothing of what groups differ."""
    return coverage_factor(groups - 1) if groups > 1 else 0.0


def errors(sample: Sample, parts: Floats, total: float) -> tuple[float, float]:
    """Standard error of Σ parts / total by the objects alone, and what the groups differ beyond it."""
    n = len(parts)
    own = sqrt(float((parts**2).sum()) * n / max(n - 1, 1)) / total
    if sample.groups < 2:
        return own, 0.0
    return own, excess(np.bincount(sample.group, parts, sample.groups) / total, own)


def excess(rests: Floats, own: float) -> float:
    """What groups scatter beyond a standard error that is known without them; 0 where chance may make as much.

    Parameters
    ----------
    rests : array of shape (groups,)
        What each group adds to the error of a sum over all of them; together they are 0.
    own : float
        That standard error of the sum.
    """
    from scipy.special import chdtri

    m = len(rests)
    if m < 2:
        return 0.0
    between = m / (m - 1) * float((rests**2).sum())
    by_chance = own**2 * float(chdtri(m - 1, _BY_CHANCE)) / (m - 1)
    return sqrt(max(between - own**2, 0.0)) if between > by_chance else 0.0
