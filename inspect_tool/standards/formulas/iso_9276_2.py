"""ISO 9276-2: average sizes and moments of a particle size distribution, from number to volume.

The type of quantity r is the power of the size that a particle counts with: 0 by number, 3 by volume, of spheres of
the measured diameter where only a projected area is known.
"""

from math import exp

import numpy as np
from numpy.typing import ArrayLike

from inspect_tool.errors import MeasurementError
from inspect_tool.statistics.weighted import weighted_quantile


def quantile(sizes: ArrayLike, weights: ArrayLike, share: float, power: float) -> float:
    """Size that a share of the particles does not reach, by number (``power`` 0) or by volume (3).

    Half of what a particle counts lies on either side of its size; between two particles the distribution is a
    straight line.

    Parameters
    ----------
    sizes, weights : one-dimensional arrays
        Sizes of the particles, and how many of one size each stands for.
    share : float
        0.5 for the median. [1]
    power : float
        Type of quantity.

    Examples
    --------
    Three discs of 1, 2 and 3: by number the middle one, by volume far nearer to the largest.

    >>> quantile([1.0, 2.0, 3.0], [1.0, 1.0, 1.0], 0.5, 0.0)
    2.0
    >>> round(quantile([1.0, 2.0, 3.0], [1.0, 1.0, 1.0], 0.5, 3.0), 4)
    2.7429
    """
    x, w = np.asarray(sizes, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    order = np.lexsort((w, x))  # of equal sizes with different weights the order would tell, and particles have none
    return weighted_quantile(x[order], (w * x**power)[order], share)


def mean_diameter(sizes: ArrayLike, weights: ArrayLike, p: float, q: float) -> float:
    """Mean diameter as a ratio of moments, (Σ w x^p / Σ w x^q)^(1/(p - q)): D[1,0] by number, D[3,2] of Sauter.

    Parameters
    ----------
    sizes, weights : one-dimensional arrays
        Sizes of the particles, and how many of one size each stands for.
    p, q : float
        Powers, not equal.

    Raises
    ------
    MeasurementError
        There is no particle.

    Examples
    --------
    >>> mean_diameter([1.0, 2.0, 3.0], [1.0, 1.0, 1.0], 1, 0), round(mean_diameter([1, 2, 3], [1, 1, 1], 3, 2), 4)
    (2.0, 2.5714)
    """
    x, w = np.asarray(sizes, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    below = float((w * x**q).sum())
    if not below > 0:
        msg = "a mean diameter needs at least one particle"
        raise MeasurementError(msg)
    return float((float((w * x**p).sum()) / below) ** (1 / (p - q)))


def lognormal_size(median: float, sigma: float, square: float, z: float) -> float:
    """Size of a lognormal distribution, median x exp(square σ² + z σ), whose median and ln-width are known by number.

    From one type of quantity to another the median moves by exp(r σ²) and σ stays (Hatch and Choate 1929): the quantile
    of type r has ``square`` r and the ``z`` of its share. The mean diameter D[p,q] with p - q = 1 has (p + q)/2 and 0.

    Parameters
    ----------
    median : float
        By number, in any unit.
    sigma : float
        Standard deviation of the logarithm of the sizes, ln of the geometric standard deviation. [1]

    Examples
    --------
    >>> round(lognormal_size(10.0, 0.5, 3.0, 0.0), 3)
    21.17
    """
    return median * exp(square * sigma**2 + z * sigma)
