"""Constants of control charts, computed from the normal distribution and not copied from a table.

References
----------
Tippett, On the extreme individuals and the range of samples taken from a normal population, Biometrika 17 (1925) 364.
Hartley, The range in random samples, Biometrika 32 (1942) 334.
"""

from dataclasses import dataclass
from math import exp, lgamma, pi, sqrt

import numpy as np

_REACH, _STEP, _NODES = 9.0, 0.05, 100  # of the integrals [standard deviations]: exact to ten digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Constants:
    """Constants for samples of one size of a normal population. [1]"""

    d2: float  # mean of the range, in standard deviations
    d3: float  # standard deviation of the range
    c4: float  # mean of the standard deviation (n - 1)
    a2: float  # limits of a mean, in mean ranges: 3 / (d2 √n)
    lower: float  # D3: lower limit of a range, in mean ranges
    upper: float  # D4: upper limit of a range, in mean ranges


def constants(n: int) -> Constants:
    """Compute the constants for samples of ``n`` >= 2.

    >>> found = constants(2)
    >>> round(found.d2, 3), round(found.c4, 4), round(found.a2, 3), round(found.upper, 3)
    (1.128, 0.7979, 1.88, 3.267)
    """
    from scipy.special import ndtr, roots_legendre

    # P(R <= r) = n ∫ φ(x) (Φ(x + r) - Φ(x))^(n - 1) dx, and E R^k = k ∫ r^(k - 1) P(R > r) dr
    x = np.arange(-_REACH, _REACH + _STEP / 2, _STEP)
    nodes, weights = roots_legendre(_NODES)
    r, weights = _REACH * (nodes + 1), _REACH * weights
    density = np.exp(-(x**2) / 2) / sqrt(2 * pi)
    beyond = 1 - n * _STEP * (density * (ndtr(x + r[:, None]) - ndtr(x)) ** (n - 1)).sum(axis=1)
    d2 = float(weights @ beyond)
    d3 = sqrt(2 * float(weights @ (r * beyond)) - d2**2)
    return Constants(
        d2=d2,
        d3=d3,
        c4=c4(n - 1),
        a2=3 / (d2 * sqrt(n)),
        lower=max(0.0, 1 - 3 * d3 / d2),
        upper=1 + 3 * d3 / d2,
    )


def c4(dof: float) -> float:
    """Mean of a standard deviation of so many degrees of freedom over the true one; they need not be whole.

    >>> round(c4(4), 4)
    0.94
    """
    return sqrt(2 / dof) * exp(lgamma((dof + 1) / 2) - lgamma(dof / 2))
