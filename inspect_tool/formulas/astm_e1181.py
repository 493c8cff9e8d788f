"""Random duplex grain structures (ASTM E1181); the gates are unverified and only lead to a warning."""

from dataclasses import dataclass

from inspect_tool.model import Standard
from inspect_tool.standards import constant


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplex:
    """Which random duplex conditions a distribution of grain sizes meets."""

    isolated_coarse: bool
    wide_range: bool
    bimodal: bool


def duplex_conditions(
    *,
    coarsest_difference_g: float,
    coarse_area_percent: float,
    range_g: float,
    mode_distance_g: float,
    mode_area_percent: float,
    standard: Standard,
) -> Duplex:
    """Tell which random duplex conditions a distribution of grain sizes meets.

    Parameters
    ----------
    coarsest_difference_g : float
        Grain size number of the rest minus that of the coarsest grain. [G]
    coarse_area_percent : float
        Area of the grains that are so much coarser. [%]
    range_g : float
        Span of grain size numbers that holds most of the area. [G]
    mode_distance_g, mode_area_percent : float
        Distance of two modes of the area-weighted distribution [G], and the area they hold. [%]
        0 where there is one mode.
    standard : Standard
        Edition of ASTM E1181 with the gates.
    """
    gate = {
        name: constant(standard, name).value
        for name in ("coarse_difference", "coarse_area", "wide_range", "bimodal_difference", "bimodal_area")
    }
    return Duplex(
        isolated_coarse=coarsest_difference_g >= gate["coarse_difference"]
        and 0 < coarse_area_percent <= gate["coarse_area"],
        wide_range=range_g >= gate["wide_range"],
        bimodal=mode_distance_g >= gate["bimodal_difference"] and mode_area_percent >= gate["bimodal_area"],
    )
