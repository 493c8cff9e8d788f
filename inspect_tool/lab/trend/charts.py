"""Charts of single values and their moving ranges (I-MR).

References
----------
Shewhart, Economic control of quality of manufactured product (1931). Cryer and Ryan, The estimation of sigma for an
X chart: MR/d2 or S/c4?, Journal of Quality Technology 22 (1990) 187: variance of the mean moving range.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi, sqrt

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import MeasurementError
from inspect_tool.lab.trend.constants import c4, constants

Floats = NDArray[np.float64]

LEAST = 3
"""Values that a moving range can be averaged over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """What values scatter about, and how much from one to the next."""

    n: int
    center: float  # mean
    sigma: float  # mean moving range over d2
    mean_range: float  # mean moving range


def level(values: Sequence[float] | Floats) -> Level:
    """Center and standard deviation of values in their order, in their unit.

    The standard deviation comes from the moving ranges: a drift or a step widens it little.

    Raises
    ------
    MeasurementError
        Fewer than three values, one that is no number, or all are equal.

    Examples
    --------
    >>> found = level([49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1])
    >>> round(found.center, 2), round(found.mean_range, 4)
    (50.81, 1.8778)
    """
    x = np.asarray(values, dtype=float)
    if len(x) < LEAST or not np.isfinite(x).all():
        msg = f"trend: needs {LEAST} finite values at least, got {int(np.isfinite(x).sum())}"
        raise MeasurementError(msg)
    mean_range = float(moving_ranges(x).mean())
    if mean_range <= 1e-12 * float(np.abs(x).max()):
        msg = f"trend: all {len(x)} values are {x[0]:g}; without scatter there are no limits"
        raise MeasurementError(msg)
    return Level(n=len(x), center=float(x.mean()), sigma=mean_range / constants(2).d2, mean_range=mean_range)


def moving_ranges(values: Floats) -> Floats:
    """Differences of neighbors without sign, (n - 1,)."""
    return np.asarray(np.abs(np.diff(values)), float)


def range_limit(found: Level) -> float:
    """Upper limit of a moving range, D4 times their mean; the lower one is 0."""
    return constants(2).upper * found.mean_range


def degrees_of_freedom(n: int) -> float:
    """Degrees of freedom of the standard deviation from the mean moving range of ``n`` normal values, some 0.6 n.

    The standard deviation of a sample with as many has the same relative variance. Neighboring ranges share a value:
    their covariance is that of the sizes of two normal differences that are correlated by -1/2.

    >>> round(degrees_of_freedom(25), 1)
    14.9
    """
    variance = 2 - 4 / pi  # of one range
    covariance = 4 / pi * (sqrt(0.75) + pi / 12) - 4 / pi  # of neighbors
    relative = ((n - 1) * variance + 2 * (n - 2) * covariance) / (n - 1) ** 2 / (4 / pi)
    low, high = 0.1, 2.0 * n
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if 1 / c4(middle) ** 2 - 1 > relative else (low, middle)
    return low
