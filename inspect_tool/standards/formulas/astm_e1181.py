"""Random duplex grain structures (ASTM E1181); the gates are unverified and only lead to a warning."""

from collections.abc import Sequence
from dataclasses import dataclass

from inspect_tool.model import Standard
from inspect_tool.standards.editions import constant


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


def result_text(kind: str, area_percent: Sequence[float], g: Sequence[float]) -> str:
    """Result of a duplex structure in the words of the standard: type, and area and number of each part.

    Numbers are rounded to the nearest half, areas to 5 %, but to 1 % where 5 % would leave nothing of a part.

    >>> result_text("Bimodal", [43.8, 56.2], [8.1, 2.9])
    'Duplex, Bimodal, 45 % ASTM No. 8, 55 % ASTM No. 3'
    """
    step = 5 if min(area_percent) >= 5 else 1
    parts = [
        f"{step * round(percent / step)} % ASTM No. {round(2 * number) / 2 + 0.0:g}"
        for percent, number in zip(area_percent, g, strict=True)
    ]
    return ", ".join([f"Duplex, {kind}", *parts])
