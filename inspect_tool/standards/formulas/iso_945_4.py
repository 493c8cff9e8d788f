"""Form and size of graphite particles, ISO 945-4, ISO 945-1, ASTM E2567 and ISO 16112: numbers to numbers."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

_SIZES = (1000.0, 500.0, 250.0, 120.0, 60.0, 30.0, 15.0)  # lower ends of classes 1 to 7, ISO 945-1 [um]


def nodule_weight(
    roundness: ArrayLike, nodule: float, intermediate: float, intermediate_weight: float
) -> NDArray[np.float64]:
    """What each particle counts as a nodule.

    Parameters
    ----------
    roundness : array, (n,)
        Shape factor 4 A / (π F_max²). [1]
    nodule, intermediate : float
        Shape factor from which on a particle is a nodule, and from which on it lies in between. [1]
    intermediate_weight : float
        What those in between count: one half by ISO 16112, nothing by ISO 945-4 and ASTM E2567. [1]

    Returns
    -------
    array, (n,)
        1, the weight, or 0.

    Examples
    --------
    >>> nodule_weight([0.99, 0.55, 0.4], 0.625, 0.525, 0.5).tolist()
    [1.0, 0.5, 0.0]
    """
    factor = np.asarray(roundness, np.float64)
    return np.where(factor >= nodule, 1.0, np.where(factor >= intermediate, intermediate_weight, 0.0))


def nodular_area(
    area: ArrayLike, roundness: ArrayLike, nodule: float, intermediate: float, intermediate_weight: float
) -> float:
    """Area of the nodules, and the part of those in between that counts. [unit of the areas]

    >>> nodular_area([10.0, 20.0], [0.9, 0.5], 0.6, 0.6, 0.0)
    10.0
    """
    return float(
        np.dot(np.asarray(area, np.float64), nodule_weight(roundness, nodule, intermediate, intermediate_weight))
    )


def size_class(feret_max_um: float) -> int:
    """Size class of ISO 945-1 by the largest dimension, 1 (largest) to 8.

    >>> size_class(1200.0), size_class(45.0), size_class(12.0)
    (1, 6, 8)
    """
    return next((number for number, low in enumerate(_SIZES, start=1) if feret_max_um >= low), len(_SIZES) + 1)
