"""Direction of a straight round fiber from the ellipse that a plane section makes of it.

Axes: 1 along the rows of the image, 2 up its columns, 3 out of the section. Every function takes numbers or arrays of
one shape.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Numbers: TypeAlias = float | NDArray[np.float64]


def tilt_deg(minor: Numbers, major: Numbers) -> Any:
    """Angle between a fiber and the normal of the section, arccos(minor / major). [deg]

    Parameters
    ----------
    minor, major : numbers or arrays
        Axes of the ellipse in one unit; the minor one is the diameter of the fiber.

    Examples
    --------
    >>> round(float(tilt_deg(7.0, 14.0)), 9)
    60.0
    """
    return np.degrees(np.arccos(np.clip(np.asarray(minor) / np.asarray(major), 0.0, 1.0)))


def direction_tensor(tilt_deg: Numbers, trace_deg: Numbers) -> Mapping[str, Any]:
    """Components p_i p_j of a direction that an ellipse tells without ambiguity: a11, a22, a33 and a12. [1]

    The fiber may rise along its trace or against it: (θ, φ) and (θ, φ + 180°) make the same ellipse. a13 and a23 change
    their sign between the two, and are not known.

    Parameters
    ----------
    tilt_deg : numbers or array
        From the normal of the section. [deg]
    trace_deg : numbers or array
        Of the major axis, from the rows, counter-clockwise. [deg]

    References
    ----------
    Advani and Tucker, J. Rheology 31 (1987) 751; the ambiguity: Bay and Tucker, Polymer Composites 13 (1992) 317.

    Examples
    --------
    >>> found = direction_tensor(60.0, 0.0)
    >>> round(float(found["a11"]), 9), round(float(found["a33"]), 9)
    (0.75, 0.25)
    """
    tilt, trace = np.radians(tilt_deg), np.radians(trace_deg)
    flat = np.sin(tilt) ** 2
    return {
        "a11": flat * np.cos(trace) ** 2,
        "a22": flat * np.sin(trace) ** 2,
        "a33": np.cos(tilt) ** 2,
        "a12": flat * np.sin(trace) * np.cos(trace),
    }


def without_noise(ratio: Numbers, noise: Numbers) -> Any:
    """Ratio of the axes as it would be without noise of the outline, which only ever makes an ellipse longer. [1]

    The difference of the squared axes over their sum is the length of a vector (along twice the trace). Noise adds
    twice the variance of one of its components to the mean of its square, as to a Rician amplitude.

    Parameters
    ----------
    ratio : numbers or array
        Minor over major axis.
    noise : numbers or array
        Standard deviation of a component of that vector. [1]

    Examples
    --------
    A ratio of 0.6 is a vector of length 0.64 / 1.36; noise of that size over √2 explains it all:

    >>> round(float(without_noise(0.6, 0.64 / 1.36 / 2**0.5)), 6), round(float(without_noise(0.6, 0.0)), 6)
    (1.0, 0.6)
    """
    squared = np.square(np.asarray(ratio, dtype=np.float64))
    length = (1 - squared) / (1 + squared)
    left = np.sqrt(np.maximum(length**2 - 2 * np.square(noise) * (1 + 1e-12), 0.0))
    return np.sqrt((1 - left) / (1 + left))
