"""ASTM E2283: the largest feature to be expected in an area, from the largest one of each of several fields.

Maxima of equal areas follow a Gumbel distribution, fitted by maximum likelihood. Written there for inclusions;
for pores it is Murakami's use of the square root of the area.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt

import numpy as np

from inspect_tool.errors import MeasurementError
from inspect_tool.languages import Text
from inspect_tool.statistics.uncertainty import coverage_factor

_DRAWS = 4000
_STEPS = 25
_MANY = 200  # fields from which on the standard error is all there is: the interval is 2 % too short there


@dataclass(frozen=True, slots=True, kw_only=True)
class Gumbel:
    """Location and scale of the largest values of n equal areas, in their unit."""

    location: float
    scale: float
    n: int


def fit(maxima: Sequence[float]) -> Gumbel:
    """Fit a Gumbel distribution by maximum likelihood.

    Raises
    ------
    MeasurementError
        Fewer than 3 values, or all the same.

    Examples
    --------
    >>> found = fit([10.0, 12.0, 14.0, 15.0, 20.0])
    >>> round(found.location, 2), round(found.scale, 2)
    (12.62, 2.68)

    References
    ----------
    ASTM E2283, calculation of delta and lambda by maximum likelihood.
    """
    from scipy.optimize import brentq

    x = np.asarray(maxima, dtype=float)
    spread = float(np.ptp(x)) if len(x) else 0.0
    if len(x) < 3 or spread == 0:
        raise MeasurementError(Text("measure.error_no_distribution", fields=len(x)))
    above = x - x.min()  # the exponentials stay between 0 and 1

    def rest(scale: float) -> float:
        weight = np.exp(-above / scale)
        return scale - float(above.mean()) + float((above * weight).sum() / weight.sum())

    scale = float(brentq(rest, spread * 1e-3, spread * 2))
    location = float(x.min()) - scale * log(float(np.exp(-above / scale).mean()))
    return Gumbel(location=location, scale=scale, n=len(x))


def largest_in(found: Gumbel, areas: float) -> tuple[float, float]:
    """Largest feature to be expected in so many times the area of a field, and its standard uncertainty.

    Parameters
    ----------
    found : Gumbel
    areas : float
        Return period T: area that is asked for over the area of a field, > 1. [1]

    Examples
    --------
    >>> value, u = largest_in(Gumbel(location=12.0, scale=3.0, n=24), 1000.0)
    >>> round(value, 2), round(u, 2)
    (32.72, 3.55)

    References
    ----------
    ASTM E2283, characteristic size at the return period, and its standard error.
    """
    if not areas > 1:
        msg = f"the area that is asked for must be larger than a field, got {areas:.3g} fields"
        raise MeasurementError(msg)
    y = _reduced(areas)
    return found.location + found.scale * y, found.scale * sqrt((1.109 + 0.514 * y + 0.608 * y**2) / found.n)


def half_width(found: Gumbel, areas: float) -> float:
    """Half width about ``largest_in`` that holds the true value of that period in 95 % of all fits to n fields.

    The standard error is that of many fields; the scale that few of them give is low and scatters more. How far a
    fitted value lies from the true one, over the fitted scale, depends on n and the period alone: its 95 % quantile is
    that of 4000 drawn samples, the same ones every time.

    Examples
    --------
    >>> found = Gumbel(location=12.0, scale=3.0, n=24)
    >>> round(half_width(found, 1000.0) / largest_in(found, 1000.0)[1], 1)  # 2.1 by the Student factor
    2.5

    References
    ----------
    J. F. Lawless, Statistical Models and Methods for Lifetime Data (1982), pivotal quantities of location and scale.
    """
    y = _reduced(areas)
    if found.n > _MANY:
        return coverage_factor(None) * largest_in(found, areas)[1]
    x = np.random.default_rng(0).gumbel(size=(_DRAWS, found.n))
    lowest = x.min(axis=1, keepdims=True)
    above = x - lowest
    mean, scale = above.mean(axis=1), 0.78 * x.std(axis=1)
    for _ in range(_STEPS):  # Newton's for the scale of maximum likelihood
        weight = np.exp(-above / scale[:, None])
        weight /= weight.sum(axis=1, keepdims=True)
        first, second = (weight * above).sum(axis=1), (weight * above**2).sum(axis=1)
        step = (scale - mean + first) / (1 + (second - first**2) / scale**2)
        scale = np.maximum(scale - step, 0.3 * scale)
    location = lowest[:, 0] - scale * np.log(np.exp(-above / scale[:, None]).mean(axis=1))
    return found.scale * float(np.quantile(np.abs((location - y) / scale + y), 0.95))


def _reduced(areas: float) -> float:
    """Quantile of the standard Gumbel distribution that so many areas exceed once."""
    return -log(-log(1 - 1 / areas))
