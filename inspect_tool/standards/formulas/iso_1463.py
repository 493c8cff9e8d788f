"""Thickness of layers in cross sections, ISO 1463: numbers to numbers."""

from math import cos, radians

from inspect_tool.errors import MeasurementError


def true_thickness(measured: float, tilt_deg: float) -> float:
    """Thickness of a layer from that in a section which is not normal to the surface.

    Parameters
    ----------
    measured : float
        In the section. [any length]
    tilt_deg : float
        Angle between the section and the normal of the surface. [deg]

    Returns
    -------
    float
        The section shows the thickness divided by the cosine of the tilt. [same length]

    Examples
    --------
    >>> round(true_thickness(10.154266, 10.0), 4)
    10.0
    """
    if not 0 <= tilt_deg < 90:
        msg = f"the tilt of a section must lie between 0 and 90 degrees, got {tilt_deg:g}"
        raise MeasurementError(msg)
    return measured * cos(radians(tilt_deg))
