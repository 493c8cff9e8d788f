"""Settings, quantities and presentations of the porosity recipe."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default
from types import MappingProxyType
from typing import Annotated, Literal

from typing_extensions import Doc

from inspect_tool.languages import Text
from inspect_tool.measure import reference_area
from inspect_tool.model import Quantity, Standard
from inspect_tool.ranges import Above0, From0
from inspect_tool.recipes._shapes import Expected

QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        "porosity_percent": Quantity(title=Text("porosity.porosity"), unit="%", needs_scale=False),
        "pore_count_per_mm2": Quantity(title=Text("porosity.title_pores_per_area"), unit="1/mm2", needs_scale=True),
        "largest_pore_feret_um": Quantity(title=Text("porosity.title_largest_pore_feret"), unit="um", needs_scale=True),
        "mean_pore_ecd_um": Quantity(title=Text("porosity.title_mean_pore_ecd"), unit="um", needs_scale=True),
        "pore_ecd_um.*": Quantity(title=Text("porosity.title_pore_ecd_percentile"), unit="um", needs_scale=True),
        "largest_pore_sqrt_area_um": Quantity(
            title=Text("porosity.title_largest_pore_sqrt_area"), unit="um", needs_scale=True
        ),
        "part_pore_sqrt_area_um": Quantity(
            title=Text("porosity.title_largest_pore_expected"),
            unit="um",
            needs_scale=True,
            needs_setting="part_area_mm2",
        ),
        "pore_surface_distance_um.*": Quantity(
            title=Text("porosity.title_surface_distance"), unit="um", needs_scale=True
        ),
        "pore_neighbour_ratio_min": Quantity(
            title=Text("porosity.title_neighbour_gap_ratio"), unit="1", needs_scale=False
        ),
        "pore_nests": Quantity(title=Text("porosity.title_pore_clusters"), unit="counts", needs_scale=False),
        "reference_porosity_percent": Quantity(
            title=Text("porosity.title_reference_area_porosity"), unit="%", needs_scale=False
        ),
        "reference_pore_count": Quantity(
            title=Text("porosity.title_reference_area_pores"), unit="counts", needs_scale=False
        ),
        "worst_field_percent": Quantity(
            title=Text("porosity.title_worst_field"), unit="%", needs_scale=True, needs_setting="worst_field_um"
        ),
        "linear_percent": Quantity(title=Text("porosity.title_linear_detachments"), unit="%", needs_scale=False),
        "hardmetal_percent.*": Quantity(title=Text("porosity.title_apparent_porosity"), unit="%", needs_scale=True),
        "large_pores_per_cm2.*": Quantity(
            title=Text("porosity.title_large_pores_per_area"), unit="1/cm2", needs_scale=True
        ),
    }
)

Presentation = Literal["auto", "areal", "casting", "thermal_spray", "hardmetal"]

_PRESENTATIONS: Mapping[str, Presentation] = MappingProxyType(
    {
        "VDG P 201": "casting",
        "BDG P 202": "casting",
        "ASTM E2109": "thermal_spray",
        "ASTM B276": "hardmetal",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceArea:
    """Reference area of a casting; it is slid over every field to its worst place."""

    shape: reference_area.Shape = "square"
    size_mm: Annotated[Above0[float], Doc("side, diameter, base of the triangle or width of the rectangle [mm]")] = 0.0
    height_mm: Annotated[From0[float], Doc("of a triangle or rectangle; 0: as size_mm [mm]")] = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of the recipe."""

    presentation: Annotated[Presentation, Doc("auto: by the standard of the job")] = "auto"
    classes: Annotated[tuple[str, ...], Doc("names of the classes that are pores; empty: class 1")] = ()
    minimum_px2: Annotated[
        Above0[int], Doc("smaller dark spots cannot be measured: their share is reported apart [px2]")
    ] = 9
    minimum_um: Annotated[
        From0[float], Doc("pores of a smaller largest Feret do not count, e.g. by the drawing; 0: all [um]")
    ] = 0.0
    count_rule: Annotated[
        Literal["half", "two_edges"], Doc("pores cut by the edge: half each, or those at two edges only")
    ] = "half"
    size_by: Annotated[Literal["ecd", "feret_max"], Doc("diameter of the size classes")] = "ecd"
    size_classes_um: Annotated[
        tuple[Above0[float], ...], Doc("upper bounds, ascending; empty: 1, 2, 5, 10 ... [um]")
    ] = ()
    cluster_gap: Annotated[
        Above0[float], Doc("pores closer than this times the smaller diameter make a cluster [1]")
    ] = 1.0
    linear_elongation: Annotated[
        From0[float], Doc("F_max²/A from which it is a crack; 0: by the standard, else never [1]")
    ] = 0.0
    reference_area: Annotated[
        ReferenceArea | None, Doc('slid to the worst place, e.g. { shape = "square", size_mm = 5.0 }')
    ] = None
    expected_shape: Annotated[Expected, Doc("no lines; auto: or a network of lines; any: cracks are meant")] = "compact"
    tinted_grains: Annotated[
        bool, Doc("grains of the metal differ in color: only color inside the pores is a doubt then")
    ] = False
    part_area_mm2: Annotated[
        From0[float], Doc("of the part that the largest pore is to be expected in; 0: not asked for [mm2]")
    ] = 0.0
    worst_field_um: Annotated[
        From0[float], Doc("side of a square that is moved to its worst place in each field; 0: not asked for [um]")
    ] = 0.0
    key_symbols: Annotated[Mapping[str, str], Doc("BDG P 202: symbol of the drawing -> quantity")] = default(
        default_factory=dict
    )


def presentation(settings: Settings, standard: Standard) -> Presentation:
    """How the results are presented: the setting, or what belongs to the standard."""
    if settings.presentation != "auto":
        return settings.presentation
    return _PRESENTATIONS.get(standard.follows, "areal")
