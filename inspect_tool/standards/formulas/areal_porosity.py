"""Areal porosity: the share itself, what chance does to it, and how far a shift of the pore edges moves it."""

from collections.abc import Sequence
from math import sqrt

from inspect_tool.errors import MeasurementError


def porosity_percent(pore_area: float, reference_area: float) -> float:
    """Areal porosity, 100 ΣA_pore / A_ref. [%]

    Both areas in one unit; the reference area holds no mount, no mask and nothing else that is not metal or pore.

    Examples
    --------
    >>> porosity_percent(36730.0, 2595840.0)  # doctest: +ELLIPSIS
    1.41...
    """
    if not reference_area > 0:
        msg = f"reference area must be > 0, got {reference_area:g}: nothing of the field counts"
        raise MeasurementError(msg)
    return 100.0 * pore_area / reference_area


def poisson_ra_percent(pores: float) -> float:
    """Relative accuracy (95 %) that chance allows for ``pores`` pores of about one size: 196/√n. [%]

    Examples
    --------
    >>> [round(poisson_ra_percent(n)) for n in (25, 100, 400)]
    [39, 20, 10]
    """
    if not pores > 0:
        msg = f"relative accuracy needs at least one pore, got {pores:g}"
        raise MeasurementError(msg)
    return 196.0 / sqrt(pores)


def random_scatter(areas: Sequence[float]) -> float:
    """Relative standard uncertainty of the summed area of pores thrown at random, √ΣA²/ΣA. [1]

    The number of pores is then Poisson distributed and the sum compound Poisson; for n pores of one
    size this is 1/√n. Clustered pores scatter more.

    Examples
    --------
    >>> random_scatter([3.0] * 100)
    0.1
    """
    total = sum(areas)
    if not total > 0:
        msg = "scatter of the pore area needs at least one pore"
        raise MeasurementError(msg)
    return sqrt(sum(area**2 for area in areas)) / total


def edge_shift_percent(shift: float, outline: float, reference_area: float) -> float:
    """Change of the porosity when every pore edge moves by ``shift``: 100 shift L / A_ref. [%]

    Examples
    --------
    Ten pores of 20 px diameter in 1000 x 1000 px, half a pixel:

    >>> round(edge_shift_percent(0.5, 10 * 3.14159 * 20, 1e6), 4)
    0.0314
    """
    if not reference_area > 0:
        msg = f"reference area must be > 0, got {reference_area:g}: nothing of the field counts"
        raise MeasurementError(msg)
    return 100.0 * shift * outline / reference_area
