"""How far the mean of a series along a line may lie from that of what the line is taken from, neighbors being alike."""

from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

_BLOCKS = 64  # of a series: their means have the same integral as its values
_LEAST = 4  # values of a series that tells anything
_RANGES = (0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64)  # of the correlation, over the length of the series
_NUGGETS = (0.0, 0.5, 0.9)  # share of the variance that is of a value alone
_STRONG = 0.5  # of the expected power of the strongest wave: weaker ones tell of roughness, not of the level
_ROUNDING = 1e-9

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesScatter:
    """Standard uncertainty of the mean of a series as an estimate of that of the whole it is a piece of."""

    u: float  # in the unit of the values
    dof: float


def series_scatter(values: Floats) -> SeriesScatter | None:
    """Estimate the scatter of the mean between series like this one from how its values vary along it.

    Model correlations of all ranges and nuggets are weighed by how likely they make the powers of the waves in the
    series; each says by how much the variance of the mean differs from the power of its strongest waves, whose level is
    measured. The degrees of freedom are those of the waves that were read, less what the models disagree by. What
    varies over lengths beyond that of the series is not in it.

    Parameters
    ----------
    values : array, (n,)
        At even distances.

    Returns
    -------
    SeriesScatter or None
        None: fewer than four values.

    References
    ----------
    Variance of a mean from the spectrum near 0: Heidelberger and Welch, Communications of the ACM 24 (1981) 233.
    Likelihood of a periodogram with its expectation: Sykulski et al., Biometrika 106 (2019) 251.

    Examples
    --------
    Independent values: the standard deviation over the root of their number, roughly.

    >>> found = series_scatter(np.random.default_rng(1).normal(10.0, 2.0, 400))
    >>> 0.07 < found.u < 0.13
    True
    """
    n = len(values)
    if n < _LEAST:
        return None
    edges = np.unique(np.round(np.linspace(0, n, min(n, _BLOCKS) + 1)).astype(np.intp))
    blocks = np.add.reduceat(np.asarray(values, np.float64), edges[:-1]) / np.diff(edges)
    power = dct(blocks - blocks.mean(), norm="ortho")[1:] ** 2
    if not power.any():
        return SeriesScatter(u=0.0, dof=float(power.size))
    expected, endless = _models(len(blocks))
    misfit = power.size * np.log((power / expected).mean(axis=1)) + np.log(expected).sum(axis=1)
    weight = np.exp((misfit.min() - misfit) / 2)
    weight /= weight.sum()
    strong = expected >= _STRONG * expected.max(axis=1, keepdims=True)
    known = np.where(strong, expected, 0.0).sum(axis=1)
    variance = endless * (strong @ power) / known
    mean = float(weight @ variance)
    unsure = float(weight @ (2 / strong.sum(axis=1))) + float(weight @ (variance / mean - 1) ** 2)
    return SeriesScatter(u=sqrt(mean), dof=max(2 / unsure, 1.0))


@lru_cache(maxsize=8)
def _models(n: int) -> tuple[Floats, Floats]:
    """Expected power of the waves of n values of unit variance, (models, waves), and variance of their mean."""
    apart = np.abs(np.arange(n)[:, None] - np.arange(n)) / n
    alone = np.eye(n)
    bells = [shape(apart / reach) for reach in _RANGES for shape in (_exponential, _gaussian)]
    made = [alone, *(nugget * alone + (1 - nugget) * bell for nugget in _NUGGETS for bell in bells)]
    powers = [np.diag(dct(dct(one, axis=0, norm="ortho"), axis=1, norm="ortho"))[1:] for one in made]
    endless = np.asarray([one.mean() for one in made])
    expected = np.asarray(powers)
    return np.maximum(expected, _ROUNDING * expected.max(axis=1, keepdims=True)), endless


def _exponential(far: Floats) -> Floats:
    return np.asarray(np.exp(-far))


def _gaussian(far: Floats) -> Floats:
    return np.asarray(np.exp(-(far**2)))
