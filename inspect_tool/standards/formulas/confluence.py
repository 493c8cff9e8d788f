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


def per_area(whole: float, cut: float, area: float) -> float:
    """Objects per area, those that the frame cuts as halves.

    The number of objects that touch a window, less half of those that its edge cuts, is the number per area times its
    area, up to the corners: of the two windows that share an edge each has half of what lies on it.

    Parameters
    ----------
    whole, cut : float
        Objects inside the frame, and objects that it cuts. [1]
    area : float
        Of the frame. [any area unit]

    Returns
    -------
    float
        (whole + cut / 2) / area. [1 / area unit]

    Examples
    --------
    >>> per_area(17, 6, 0.4)
    50.0
    """
    if not area > 0:
        msg = f"the area that counts must be > 0, got {area:g}; look at [region]"
        raise MeasurementError(msg)
    return (whole + cut / 2) / area
