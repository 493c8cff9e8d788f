"""Largest grain observed (ASTM E930): its grain size number, and whether the method may be used at all."""

from dataclasses import dataclass

from inspect_tool.model import Standard
from inspect_tool.standards.editions import constant
from inspect_tool.standards.formulas import astm_e112


@dataclass(frozen=True, slots=True, kw_only=True)
class LargestGrain:
    """As large as (ALA) grain against the rest."""

    g_average: float
    g_ala: float
    eligible: bool


def caliper_area_um2(longest_um: float, across_um: float, standard: Standard) -> float:
    """Area of a grain section from its largest caliper and the largest caliper at right angles to it.

    Measuring procedure: the section is taken as an ellipse.

    >>> from inspect_tool.standards.editions import load_standard
    >>> round(caliper_area_um2(100.0, 50.0, load_standard("astm_e930_2018")), 1)
    3925.0
    """
    return constant(standard, "ellipse_factor").value * longest_um * across_um


def method_applies(difference_g: float, coarse_area_percent: float, standard: Standard) -> bool:
    """Tell whether the method may be used: outliers coarse enough, on a small enough part of the area.

    Parameters
    ----------
    difference_g : float
        Grain size number of the rest minus that of the largest grain. [G]
    coarse_area_percent : float
        Area of the grains that are so much coarser. [%]
    """
    return (
        difference_g >= constant(standard, "outlier_difference").value
        and 0 < coarse_area_percent <= constant(standard, "outlier_area").value
    )


def largest_grain(
    average_area_um2: float,
    largest_area_um2: float,
    coarse_area_fraction: float,
    standard: Standard,
    grain_size_standard: Standard,
) -> LargestGrain:
    """Grain size number of the largest section, and the gate of the method.

    Parameters
    ----------
    average_area_um2 : float
        Mean area of the other grains. [um2]
    largest_area_um2 : float
        Area of the largest section. [um2]
    coarse_area_fraction : float
        Share of the area that such outliers cover. [1]
    standard, grain_size_standard : Standard
        E930 for the gate, E112 for the number.

    References
    ----------
    ASTM E930-18: outliers at least 3 numbers coarser than the rest on at most 5 % of the area.
    """
    average = astm_e112.g_from_mean_area(average_area_um2, grain_size_standard)
    ala = astm_e112.g_from_mean_area(largest_area_um2, grain_size_standard)
    return LargestGrain(
        g_average=average,
        g_ala=ala,
        eligible=method_applies(average - ala, 100.0 * coarse_area_fraction, standard),
    )
