"""Share of an area that cells cover, and objects per area: numbers to numbers."""

from inspect_tool.errors import MeasurementError


def covered_percent(covered: float, area: float) -> float:
    """Share of the area that cells cover.

    Parameters
    ----------
    covered : float
        Area under cells. [any area unit]
    area : float
        Area that was looked at. [same unit]

    Returns
    -------
    float
        100 covered / area. [%]

    Examples
    --------
    >>> covered_percent(30.0, 120.0)
    25.0
    """
    if not area > 0:
        msg = f"the area that counts must be > 0, got {area:g}; look at [region]"
        raise MeasurementError(msg)
    return 100 * covered / area


def per_area(number: float, area: float) -> float:
    """Objects per area.

    Parameters
    ----------
    number : float
        Objects of the frame: each whole one with the inverse of its chance to be whole
        (``iso_13322_1.chance_to_be_whole``), those that the edge cuts left out. [1]
    area : float
        Of the frame. [any area unit]

    Returns
    -------
    float
        number / area. [1 / area unit]

    Examples
    --------
    >>> per_area(20, 0.4)
    50.0
    """
    if not area > 0:
        msg = f"the area that counts must be > 0, got {area:g}; look at [region]"
        raise MeasurementError(msg)
    return number / area
