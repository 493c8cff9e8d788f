"""ASTM E2109: porosity of thermal spray coatings; pores and linear detachments are kept apart."""

from inspect_tool.errors import MeasurementError


def elongation(length: float, area: float) -> float:
    """Length over mean width of a feature, F_max²/A. [1]

    A disc has 4/π = 1.27, a straight crack of length l and width w has l/w. Unlike F_min/F_max it
    stays large for a crack that is bent.

    Parameters
    ----------
    length : float
        Largest Feret diameter.
    area : float
        Area, in the square of the unit of ``length``.

    Examples
    --------
    >>> elongation(40.0, 80.0)
    20.0
    """
    if not (length > 0 and area > 0):
        msg = f"elongation needs length and area > 0, got {length:g} and {area:g}"
        raise MeasurementError(msg)
    return length**2 / area


def is_linear(length: float, area: float, limit: float) -> bool:
    """Whether a feature is a linear detachment or crack and not a pore: elongation at or above ``limit``.

    Examples
    --------
    >>> is_linear(40.0, 80.0, 10.0), is_linear(20.0, 314.0, 10.0)
    (True, False)
    """
    return elongation(length, area) >= limit
