"""Alarms over values in units of their standard deviation: CUSUM, EWMA, and the rules of Nelson.

References
----------
Page, Continuous inspection schemes, Biometrika 41 (1954) 100. Roberts, Control chart tests based on geometric moving
averages, Technometrics 1 (1959) 239. Nelson, The Shewhart control chart - tests for special causes, Journal of Quality
Technology 16 (1984) 237.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from inspect_tool.lab.trend.charts import Floats

Bools = NDArray[np.bool_]

SLACK = 0.5
"""Reference value k of the CUSUM [standard deviations]: it finds steps of twice that the soonest."""
SHARE = 0.2
"""Weight of a new value in the EWMA. [1]"""
NELSON: Mapping[int, int] = MappingProxyType({1: 1, 2: 9, 3: 6, 4: 14, 5: 3, 6: 5, 7: 15, 8: 8})
"""Number of each rule to the values that it looks at."""


def cusum(z: Floats, interval: float, slack: float = SLACK) -> tuple[Floats, Floats, Bools]:
    """Tabular CUSUM; after an alarm both sums begin anew.

    Parameters
    ----------
    z : array of shape (n,)
        Values less center, over the standard deviation.
    interval : float
        Decision interval h [standard deviations].
    slack : float
        Reference value k [standard deviations].

    Returns
    -------
    arrays of shape (n,)
        Upper sum, lower sum (as a positive number), and whether one of them is above ``interval``.

    Examples
    --------
    >>> up, down, alarm = cusum(np.array([1.0, 3.0, 3.0]), 5.0)
    >>> up.tolist(), alarm.tolist()
    ([0.5, 3.0, 5.5], [False, False, True])
    """
    up, down, alarms = np.zeros(len(z)), np.zeros(len(z)), np.zeros(len(z), bool)
    high = low = 0.0
    for i, value in enumerate(z.tolist()):
        high, low = max(0.0, high + value - slack), max(0.0, low - value - slack)
        up[i], down[i], alarms[i] = high, low, max(high, low) > interval
        if alarms[i]:
            high = low = 0.0
    return up, down, alarms


def ewma(z: Floats, factor: float, share: float = SHARE) -> tuple[Floats, Bools]:
    """Exponentially weighted moving average; after an alarm it begins anew.

    Parameters
    ----------
    z : array of shape (n,)
        Values less center, over the standard deviation.
    factor : float
        L: half width of the limits, in standard deviations of the average once it has run in.
    share : float
        Weight of a new value. [1]

    Returns
    -------
    arrays of shape (n,)
        The average [standard deviations of a value], and whether it is beyond its limit.
    """
    limit = ewma_limit(factor, share)
    average, alarms, now = np.zeros(len(z)), np.zeros(len(z), bool), 0.0
    for i, value in enumerate(z.tolist()):
        now += share * (value - now)
        average[i], alarms[i] = now, abs(now) > limit
        if alarms[i]:
            now = 0.0
    return average, alarms


def ewma_limit(factor: float, share: float = SHARE) -> float:
    """Half width of the limits of an EWMA that has run in. [standard deviations of a value]

    >>> round(ewma_limit(3.0, 0.2), 3)
    1.0
    """
    return float(factor * np.sqrt(share / (2 - share)))


def nelson(z: Floats, rule: int, factor: float = 3.0) -> Bools:
    """Where one of Nelson's eight rules is met: at the last of the values that it looks at.

    Parameters
    ----------
    z : array of shape (..., n)
        Values less center, over the standard deviation.
    rule : int
        1 a value beyond ``factor``; 2 nine on one side; 3 six that rise or fall; 4 fourteen up and down by turns; 5 two
        of three beyond 2 on one side; 6 four of five beyond 1 on one side; 7 fifteen within 1; 8 eight beyond 1.
    factor : float
        Limits of rule 1 [standard deviations]; those of the others are two thirds and one third of it.

    Returns
    -------
    array of shape (..., n)
    """
    two, one = 2 * factor / 3, factor / 3
    met = np.zeros(z.shape, bool)
    length = NELSON[rule]
    if z.shape[-1] < length:
        return met
    run = sliding_window_view(z, length, axis=-1)
    steps = np.sign(np.diff(run, axis=-1))
    match rule:
        case 1:
            found = np.abs(run[..., 0]) > factor
        case 2:
            found = _on_one_side(run, 0.0, 9)
        case 3:
            found = np.abs(steps.sum(axis=-1)) == 5
        case 4:
            found = (steps[..., 1:] * steps[..., :-1] == -1).all(axis=-1)
        case 5:
            found = _on_one_side(run, two, 2)
        case 6:
            found = _on_one_side(run, one, 4)
        case 7:
            found = (np.abs(run) < one).all(axis=-1)
        case _:
            found = (np.abs(run) > one).all(axis=-1)
    met[..., length - 1 :] = found
    return met


def _on_one_side(run: Floats, limit: float, least: int) -> Bools:
    high, low = (run > limit).sum(axis=-1), (run < -limit).sum(axis=-1)
    return np.asarray(np.maximum(high, low) >= least)
