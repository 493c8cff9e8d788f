"""Shape factors, each under a name that says which formula it is: the usual names collide.

Two different numbers are called "circularity": 4πA/P² (ImageJ, scikit-image) is the square of
√(4πA/P²) (ISO 9276-6). Perimeter factors depend on the resolution and on the perimeter estimator;
Feret factors do not. Factors of a pixel image may come out slightly above 1; they are not clipped.

Every function takes numbers or arrays of one shape; lengths in one unit, areas in its square.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Numbers: TypeAlias = float | NDArray[np.float64]

FORMULAS: Mapping[str, str] = {
    "circularity_4pi": "4πA/P² (ImageJ, scikit-image)",
    "circularity_iso": "√(4πA/P²) (ISO 9276-6)",
    "roundness": "4A/(πF_max²) (ISO 945-4, ASTM E2567)",
    "compactness": "√(4A/π)/F_max (ISO 9276-6)",
    "aspect_ratio": "F_min/F_max (ISO 9276-6)",
    "solidity": "A/A_convex (ISO 9276-6)",
}
"""Name of each shape factor (and column of the feature table) -> its formula, as the report prints it."""


def equivalent_diameter(area: Numbers) -> Any:
    """Diameter of the circle of the same area (ECD), √(4A/π).

    >>> round(float(equivalent_diameter(100.0)), 4)
    11.2838
    """
    return np.sqrt(4.0 * np.asarray(area) / np.pi)


def circularity_4pi(area: Numbers, perimeter: Numbers) -> Any:
    """Circularity 4πA/P² as ImageJ and scikit-image users know it; 1 for a circle.

    A square of side 1:

    >>> round(float(circularity_4pi(1.0, 4.0)), 4)
    0.7854
    """
    return 4.0 * np.pi * np.asarray(area) / np.square(perimeter)


def circularity_iso(area: Numbers, perimeter: Numbers) -> Any:
    """Circularity √(4πA/P²) of ISO 9276-6; 1 for a circle. Not the ImageJ number.

    >>> round(float(circularity_iso(1.0, 4.0)), 4)
    0.8862
    """
    return np.sqrt(circularity_4pi(area, perimeter))


def roundness(area: Numbers, feret_max: Numbers) -> Any:
    """Roundness 4A/(πF_max²): area over that of the circle around the largest caliper.

    A square of side 1, and an ellipse with axes 2 and 1:

    >>> round(float(roundness(1.0, 2**0.5)), 4)
    0.6366
    >>> round(float(roundness(np.pi / 4 * 2 * 1, 2.0)), 4)
    0.5
    """
    return 4.0 * np.asarray(area) / (np.pi * np.square(feret_max))


def compactness(area: Numbers, feret_max: Numbers) -> Any:
    """Compactness ECD/F_max of ISO 9276-6, the square root of ``roundness``.

    >>> round(float(compactness(1.0, 2**0.5)), 4)
    0.7979
    """
    return np.sqrt(roundness(area, feret_max))


def aspect_ratio(feret_min: Numbers, feret_max: Numbers) -> Any:
    """Aspect ratio F_min/F_max of ISO 9276-6, at most 1; some programs print the reciprocal.

    >>> float(aspect_ratio(10.0, 40.0))
    0.25
    """
    return np.asarray(feret_min) / np.asarray(feret_max)


def solidity(area: Numbers, convex_area: Numbers) -> Any:
    """Solidity A/A_convex; 1 for a convex shape.

    An L of three unit squares in a hull of area 3.5:

    >>> round(float(solidity(3.0, 3.5)), 4)
    0.8571
    """
    return np.asarray(area) / np.asarray(convex_area)
