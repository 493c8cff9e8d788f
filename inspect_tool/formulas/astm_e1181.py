"""Names of duplex grain structures (ASTM E1181); the gates are unverified and only lead to a warning."""

from typing import Literal

from inspect_tool.model import Standard
from inspect_tool.standards import constant

DuplexType = Literal["none", "isolated coarse grains", "wide range", "bimodal"]


def duplex_type(
    *,
    coarsest_difference_g: float,
    coarse_area_percent: float,
    range_g: float,
    mode_distance_g: float,
    mode_area_percent: float,
    standard: Standard,
) -> DuplexType:
    """Name the random duplex condition that a distribution of grain sizes looks like.

    Parameters
    ----------
    coarsest_difference_g : float
        Grain size number of the average minus that of the coarsest grain. [G]
    coarse_area_percent : float
        Area of the grains that are that much coarser. [%]
    range_g : float
        Span of grain size numbers that holds most of the area. [G]
    mode_distance_g, mode_area_percent : float
        Distance of two modes of the area-weighted distribution [G], and the area they hold. [%]
        0 where there is one mode.
    """
    if (
        mode_distance_g >= constant(standard, "bimodal_difference").value
        and mode_area_percent >= constant(standard, "bimodal_area").value
    ):
        return "bimodal"
    if range_g >= constant(standard, "wide_range").value:
        return "wide range"
    if (
        coarsest_difference_g >= constant(standard, "coarse_difference").value
        and 0 < coarse_area_percent <= constant(standard, "coarse_area").value
    ):
        return "isolated coarse grains"
    return "none"
