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
from math import log, sqrt
from typing import TypeAlias

import numpy as np

from inspect_tool.lab.trend.charts import Floats, degrees_of_freedom
from inspect_tool.lab.trend.constants import c4
from inspect_tool.lab.trend.run_lengths import both_sides_of_ewma, quiet, upper_cusum

ENOUGH = 100
"""Values from which on limits are not widened."""
WITHIN = 100
"""Next values that the chance of a false alarm is stated for."""


SINGLE, CUSUM, EWMA = 3.0, 5.0, 2.962
"""Half widths for a known mean and standard deviation, in that: of a single value, h of the CUSUM, L of the EWMA.

They give 370, 465 and 500 values to a false alarm in the mean.
"""

Chart: TypeAlias = Callable[[float, Floats, Floats], Floats]
"""Probability of no alarm within the next values, of a half width and of the mean and standard deviation of these."""


def widened(chart: Chart, known: float, n: int) -> float:
    """Half width of limits made of ``n`` values. [standard deviations]

    Parameters
    ----------
    chart : callable
        ``quiet_single``, ``quiet_cusum`` or ``quiet_ewma``.
    known : float
        Half width where mean and standard deviation are known.
    n : int
        Values that the limits are made of; from 100 on they are not widened.

    Examples
    --------
    >>> round(widened(quiet_single, SINGLE, 25), 2), widened(quiet_single, SINGLE, 100)
    (3.32, 3.0)
    """
    if n >= ENOUGH:
        return known
    stated = log(false_alarms(chart, known))
    width, before = known * (1 + 10 / n), known
    apart = log(false_alarms(chart, before, n)) - stated
    while abs(width - before) > _CLOSE:  # secants: what is left falls smoothly with the width
        now = log(false_alarms(chart, width, n)) - stated
        width, before, apart = width - now * (width - before) / (now - apart), width, now
    return width


def false_alarms(chart: Chart, width: float, n: int | None = None) -> float:
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
_CLOSE = 1e-3  # of a width


def _ratios(dof: float) -> Floats:
    """Standard deviations that so many degrees of freedom give, over the true one; their mean is 1."""
    from scipy.special import chdtri

    return np.asarray(np.sqrt(chdtri(dof, _PARTS) / dof) / c4(dof))
