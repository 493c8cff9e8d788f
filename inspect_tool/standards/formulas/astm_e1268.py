"""Degree of banding or orientation of microstructures, ASTM E1268: numbers to numbers."""

from math import pi

from inspect_tool.errors import MeasurementError


def _check(across: float) -> None:
    if not across > 0:
        msg = f"there are no bands: {across:g} interceptions per mm across the axis"
        raise MeasurementError(msg)


def anisotropy_index(across: float, along: float) -> float:
    """Interceptions per length across the deformation axis over those along it; 1 where there is no direction.

    >>> anisotropy_index(40.0, 10.0)
    4.0
    """
    _check(across)
    if not along > 0:
        msg = "no line along the axis meets the end of a band: the anisotropy index has no value"
        raise MeasurementError(msg)
    return across / along


def orientation_degree(across: float, along: float) -> float:
    """Degree of orientation Ω12; 0 without a direction, 1 where all boundaries run along the axis.

    (across - along) / (across + (π/2 - 1) along)

    >>> round(orientation_degree(40.0, 10.0), 4)
    0.6563
    """
    _check(across)
    return (across - along) / (across + (pi / 2 - 1) * along)


def band_spacing_um(across: float) -> float:
    """Mean distance of the centers of neighboring bands, from interceptions per mm. [um]

    >>> band_spacing_um(40.0)
    25.0
    """
    _check(across)
    return 1e3 / across


def mean_free_path_um(share: float, across: float) -> float:
    """Mean distance from the edge of a band to the next one, from the area share of the bands [1]. [um]

    >>> round(mean_free_path_um(0.3, 40.0), 6)
    17.5
    """
    _check(across)
    return (1 - share) * 1e3 / across
