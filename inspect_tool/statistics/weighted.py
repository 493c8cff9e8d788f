"""Quantiles of values that do not count the same."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def weighted_quantile(values: ArrayLike, weights: ArrayLike, share: float) -> float:
    """Value below which a share of the weight lies; half the weight of a value lies on either side of it.

    Between two values the distribution is a straight line; below the first and above the last it ends.

    Parameters
    ----------
    values, weights : one-dimensional arrays
        Values in any unit and order, and how much each counts; at least one.
    share : float
        Wanted share [1].

    Examples
    --------
    >>> weighted_quantile([3.0, 1.0, 2.0], np.ones(3), 0.5)
    2.0
    """
    x, middle = cumulated(values, weights)
    return float(np.interp(share, middle, x))


def cumulated(values: ArrayLike, weights: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values in their order, and the share of the weight up to the middle of each. [1]"""
    x, heavy = np.asarray(values, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    order = np.argsort(x)  # equal values in any order, as in reports that were made before
    heavy = heavy[order]
    return x[order], (np.cumsum(heavy) - heavy / 2) / heavy.sum()


def effective_number(weights: ArrayLike) -> float:
    """Number of values of one weight whose mean would scatter as much, (Σw)² / Σw² (Kish 1965). 0: there is none.

    >>> effective_number([1.0, 1.0, 1.0]), round(effective_number([27.0, 8.0, 1.0]), 3)
    (3.0, 1.632)
    """
    w = np.asarray(weights, dtype=np.float64)
    squares = float((w**2).sum())
    return float(w.sum()) ** 2 / squares if squares > 0 else 0.0
