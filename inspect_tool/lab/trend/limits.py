"""Limits that are wider the fewer values they were made of, so that false alarms are as rare as with known ones.

The mean and the standard deviation of a few values are themselves uncertain, and an error of them makes false alarms on
one side. What is kept is the chance of at least one false alarm within the next 100 values, averaged over all that so
many values of a steady process can give: that of known limits, 24 % of a single value beyond three standard deviations
and 19 % of a CUSUM with h = 5.

References
----------
Hillier, X̄ and R-chart control limits based on a small number of subgroups, Journal of Quality Technology 1 (1969) 17.
Quesenberry, The effect of sample size on estimated limits for X̄ and X control charts, ibid. 25 (1993) 237. Jones, Champ
and Rigdon, The run length distribution of the CUSUM with estimated parameters, ibid. 36 (2004) 95.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import numpy as np

from inspect_tool.lab.trend.charts import Floats, degrees_of_freedom
from inspect_tool.lab.trend.constants import c4
from inspect_tool.lab.trend.run_lengths import both_sides_of_ewma, quiet, upper_cusum

ENOUGH = 100
"""Values from which on limits are not widened."""
WITHIN = 100
"""Next values that the chance of a false alarm is stated for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Widths:
    """Half widths of limits. [standard deviations]"""

    single: float = 3.0  # of a single value (rule 1)
    cusum: float = 5.0  # decision interval h
    ewma: float = 2.962  # L, of the average once it has run in


KNOWN = Widths()
"""Where mean and standard deviation are known: 370, 465 and 500 values to a false alarm in the mean."""


def widths(n: int) -> Widths:
    """Half widths of limits made of ``n`` values.

    >>> widths(100) == KNOWN
    True
    """
    if n >= ENOUGH:
        return KNOWN
    return Widths(
        single=_wide_enough(quiet_single, n, KNOWN.single),
        cusum=_wide_enough(quiet_cusum, n, KNOWN.cusum),
        ewma=_wide_enough(quiet_ewma, n, KNOWN.ewma),
    )


def false_alarms(chart: Callable[[float, Floats, Floats], Floats], width: float, n: int | None = None) -> float:
    """Chance of a false alarm within the next 100 values, of limits made of ``n`` values; None: of known ones. [1]

    >>> round(false_alarms(quiet_single, 3.0), 3)
    0.237
    """
    from scipy.special import roots_hermitenorm

    if n is None:
        return 1 - float(chart(width, np.zeros(1), np.ones(1))[0])
    errors, weights = roots_hermitenorm(7)
    shifts = np.repeat(errors / sqrt(n), len(_PARTS))
    ratios = np.tile(_ratios(degrees_of_freedom(n)), len(errors))
    shares = np.repeat(weights / weights.sum(), len(_PARTS)) / len(_PARTS)
    return 1 - float((shares * chart(width, -shifts / ratios, 1 / ratios)).sum())


def quiet_single(width: float, mean: Floats, sigma: Floats) -> Floats:
    """Probability that none of the next 100 values is beyond its limits, of values with that mean and that sigma."""
    from scipy.special import ndtr

    within: Floats = ndtr((width - mean) / sigma) - ndtr((-width - mean) / sigma)
    return within**WITHIN


def quiet_cusum(width: float, mean: Floats, sigma: Floats) -> Floats:
    """Probability that neither sum of a CUSUM alarms within the next 100 values."""
    up, down = (quiet(upper_cusum(width, side * mean, sigma), WITHIN) for side in (1, -1))
    return up * down


def quiet_ewma(width: float, mean: Floats, sigma: Floats) -> Floats:
    """Probability that an EWMA stays between its limits for the next 100 values."""
    return quiet(both_sides_of_ewma(width, mean, sigma), WITHIN)


_PARTS = (np.arange(11) + 0.5) / 11  # of equal probability


def _ratios(dof: float) -> Floats:
    """Standard deviations that so many degrees of freedom give, over the true one; their mean is 1."""
    from scipy.special import chdtri

    return np.asarray(np.sqrt(chdtri(dof, _PARTS) / dof) / c4(dof))


def _wide_enough(chart: Callable[[float, Floats, Floats], Floats], n: int, known: float) -> float:
    stated = false_alarms(chart, known)
    low, high = known, 4 * known
    while high - low > 1e-3:
        middle = (low + high) / 2
        low, high = (middle, high) if false_alarms(chart, middle, n) > stated else (low, middle)
    return high
