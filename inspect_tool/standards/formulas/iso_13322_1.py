"""ISO 13322-1: static image analysis of particles. Edge of the frame, and how many particles are needed."""

from math import log
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import MeasurementError
from inspect_tool.statistics.uncertainty import coverage_factor

Numbers: TypeAlias = float | NDArray[np.float64]


def chance_to_be_whole(height: Numbers, width: Numbers, frame_height: float, frame_width: float) -> Any:
    """Chance that a particle thrown into a frame lies wholly inside, (Z1 - x1)(Z2 - x2) / (Z1 Z2). [1]

    Every whole particle is counted with its inverse (Miles and Lantuéjoul).

    Parameters
    ----------
    height, width : numbers or arrays of one shape
        Calipers of the particle along the sides of the frame.
    frame_height, frame_width : float
        Sides of the frame in the same unit.

    References
    ----------
    Miles, On the elimination of edge effects in planar sampling, Stochastic Geometry (1974);
    Lantuejoul, On the estimation of mean values in individual analysis of particles, Microscopica Acta,
    Suppl. 4 (1980).

    Examples
    --------
    >>> float(chance_to_be_whole(100.0, 50.0, 1000.0, 500.0))
    0.81
    """
    free = np.maximum(0.0, frame_height - np.asarray(height)) * np.maximum(0.0, frame_width - np.asarray(width))
    return free / (frame_height * frame_width)


def particles_needed(gsd: float, error: float, moment: float, power: float) -> float:
    """Number of particles after which chance leaves a relative error of a mean or a median of lognormal sizes, 95 %.

    ln of the mean of x^α that counts with x^β is α ln x50 + α (β + α/2) σ². With the median of n particles known to
    σ/√n and σ to σ/√(2n), independently of each other, its variance is α² σ² (1 + 2 c² σ²) / n with c = β + α/2. The
    median of type r has no α²/2: ``moment`` 0 gives it, with α = 1 and c = r. A planning aid, derived here.

    Parameters
    ----------
    gsd : float
        Geometric standard deviation of the sizes, exp(σ), above 1. [1]
    error : float
        Half width of the 95 % interval over the value. [1]
    moment : float
        α of a mean; 0: a median.
    power : float
        β, the type of quantity: 0 by number, 3 by volume.

    Examples
    --------
    >>> round(particles_needed(1.6, 0.05, 1.0, 0.0)), round(particles_needed(1.6, 0.05, 1.0, 3.0))
    (377, 2177)
    """
    if not (gsd > 1 and error > 0):
        msg = f"the number of particles needs a gsd above 1 and an error above 0, got {gsd:g} and {error:g}"
        raise MeasurementError(msg)
    sigma, alpha = log(gsd), moment or 1.0
    center = power + moment / 2
    return (coverage_factor(None) / error) ** 2 * alpha**2 * sigma**2 * (1 + 2 * center**2 * sigma**2)
