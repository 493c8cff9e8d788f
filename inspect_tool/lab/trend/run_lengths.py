"""How long until a false alarm: average run lengths, and the chance of one within so many values.

A chart is a Markov chain over classes of its sum or average; values are normal with a mean and a standard deviation in
units of those that the limits were made with.

References
----------
Brook and Evans, An approach to the probability distribution of CUSUM run length, Biometrika 59 (1972) 539. Lucas and
Saccucci, Exponentially weighted moving average control schemes: properties and enhancements, Technometrics 32 (1990) 1.
"""

from dataclasses import dataclass

import numpy as np

from inspect_tool.lab.trend.alarms import SHARE, SLACK, ewma_limit
from inspect_tool.lab.trend.charts import Floats

_CLASSES = 51  # of a sum or an average


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chain:
    """Probabilities from class to class of a chart without an alarm, (..., m, m), and the class that it starts in."""

    steps: Floats
    start: int


def average_run_length(chain: Chain) -> float:
    """Mean number of values until an alarm."""
    m = chain.steps.shape[-1]
    return float(np.linalg.solve(np.eye(m) - chain.steps, np.ones(m))[chain.start])


def quiet(chain: Chain, values: int) -> Floats:
    """Probability of no alarm within so many values, (...)."""
    kept = np.ones((*chain.steps.shape[:-1], 1))
    for _ in range(values):
        kept = chain.steps @ kept
    return np.asarray(kept[..., chain.start, 0])


def upper_cusum(
    interval: float, mean: Floats | float = 0.0, sigma: Floats | float = 1.0, slack: float = SLACK
) -> Chain:
    """Chain of the upper sum of a CUSUM; the lower one is that of the mean with the other sign.

    >>> round(average_run_length(upper_cusum(5.0)) / 2, -1)  # of both sums; 465 with finer classes
    460.0
    """
    from scipy.special import ndtr

    mean, sigma = np.asarray(mean)[..., None], np.asarray(sigma)[..., None]
    wide = 2 * interval / (2 * _CLASSES - 1)
    classes = np.arange(_CLASSES)
    edges = wide * (np.arange(2 * _CLASSES) - _CLASSES + 0.5)  # from class to class, by how many they are apart
    below = ndtr((edges + slack - mean) / sigma)
    apart = classes[None, :] - classes[:, None] + _CLASSES
    steps = np.diff(below, axis=-1)[..., apart - 1]
    steps[..., 0] = below[..., apart[:, 0]]  # all that is below stays at 0
    return Chain(steps=steps, start=0)


def both_sides_of_ewma(
    factor: float, mean: Floats | float = 0.0, sigma: Floats | float = 1.0, share: float = SHARE
) -> Chain:
    """Chain of an EWMA between its limits.

    >>> round(average_run_length(both_sides_of_ewma(2.962)), -1)
    500.0
    """
    from scipy.special import ndtr

    mean, sigma = np.asarray(mean)[..., None, None], np.asarray(sigma)[..., None, None]
    wide = 2 * ewma_limit(factor, share) / _CLASSES
    at = wide * (np.arange(_CLASSES) - _CLASSES // 2)
    edges = wide * (np.arange(_CLASSES + 1) - _CLASSES / 2)
    below = ndtr(((edges[None, :] - (1 - share) * at[:, None]) / share - mean) / sigma)
    return Chain(steps=np.diff(below, axis=-1), start=_CLASSES // 2)
