"""ASTM E2283: the largest feature to be expected in an area, from the largest one of each of several fields.

Maxima of equal areas follow a Gumbel distribution, fitted by maximum likelihood. Written there for inclusions;
for pores it is Murakami's use of the square root of the area.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt

import numpy as np

from inspect_tool.errors import MeasurementError


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
        msg = f"the largest features of {len(x)} fields have no distribution: 3 or more that differ are needed"
        raise MeasurementError(msg)
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
    y = -log(-log(1 - 1 / areas))
    return found.location + found.scale * y, found.scale * sqrt((1.109 + 0.514 * y + 0.608 * y**2) / found.n)
