"""Areal porosity: the share itself, what chance does to it, and how far a shift of the pore edges moves it."""

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


def chance_ra_percent(squares: float, total: float) -> float:
    """Relative accuracy (95 %) that chance allows for pores thrown at random: 196 √ΣA² / ΣA. [%]

    The number of pores is then Poisson distributed and the sum of their areas compound Poisson; for n pores of one size
    this is 196/√n. Clustered pores scatter more.

    Parameters
    ----------
    squares : float
        Sum of the squared areas, in any unit.
    total : float
        Sum of the areas, in the same unit.

    Examples
    --------
    >>> [round(chance_ra_percent(float(n), float(n))) for n in (25, 100, 400)]
    [39, 20, 10]
    """
    if not total > 0:
        msg = f"relative accuracy needs at least one pore, got an area of {total:g}"
        raise MeasurementError(msg)
    return 196 * sqrt(squares) / total


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
