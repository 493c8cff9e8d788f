"""Settings of the recipe, and the quantities it gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Literal

from typing_extensions import Doc

from inspect_tool.languages import Text
from inspect_tool.model import (
    Quantity,
)
from inspect_tool.ranges import Above0, From0
from inspect_tool.recipes import _shapes

STANDARDS: tuple[str, ...] = ("astm_e1245_2016", "astm_e562_2019", "iso_9042_1988")
ANALYSIS, COUNT = STANDARDS[:2]  # of the share by image analysis, and of the count of points

QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        "area_percent.*": Quantity(title=Text("phase_fraction.title_area_fraction"), unit="%", needs_scale=False),
        "point_percent.*": Quantity(title=Text("phase_fraction.title_point_count"), unit="%", needs_scale=False),
        "mean_free_path_um.*": Quantity(title=Text("phase_fraction.title_mean_free_path"), unit="um", needs_scale=True),
        "mean_spacing_um.*": Quantity(title=Text("phase_fraction.title_mean_spacing"), unit="um", needs_scale=True),
        "mean_intercept_um.*": Quantity(
            title=Text("phase_fraction.title_mean_intercept_length"), unit="um", needs_scale=True
        ),
        "worst_field_percent.*": Quantity(title=Text("phase_fraction.title_worst_field"), unit="%", needs_scale=False),
        "mean_area_um2.*": Quantity(title=Text("phase_fraction.title_mean_feature_area"), unit="um2", needs_scale=True),
        "intercepts_per_mm.*": Quantity(
            title=Text("phase_fraction.title_interceptions"), unit="1/mm", needs_scale=True
        ),
        "intercepts_per_mm_horizontal.*": Quantity(
            title=Text("phase_fraction.title_interceptions_horizontal"), unit="1/mm", needs_scale=True
        ),
        "intercepts_per_mm_vertical.*": Quantity(
            title=Text("phase_fraction.title_interceptions_vertical"), unit="1/mm", needs_scale=True
        ),
        "contiguity.*": Quantity(title=Text("phase_fraction.title_contiguity"), unit="1", needs_scale=False),
        "count_per_mm2.*": Quantity(
            title=Text("phase_fraction.title_features_per_area"), unit="1/mm2", needs_scale=True
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of the recipe."""

    wanted_ra_percent: Annotated[Above0[float], Doc("relative accuracy that the planning of fields aims at [%]")] = 10.0
    grid_points: Annotated[From0[int], Doc("16, 25, 49, 100 ...; 0: from the area share of the field, after E562")] = 0
    seed: Annotated[From0[int], Doc("of the random start of the grid")] = 1
    smallest_feature_px2: Annotated[
        Above0[int], Doc("smaller features are not counted; they stay in the area share [px2]")
    ] = 9
    axis: Annotated[
        Literal["auto", "none", "horizontal", "vertical"], Doc("deformation axis in the images; auto: from N_L")
    ] = "auto"
    expected_shape: Annotated[
        _shapes.Expected, Doc("auto: compact, or a network of lines; any: lines among it too, or few")
    ] = "auto"
    tinted_grains: Annotated[bool, Doc("grains of a class differ in color: color inside a class is no doubt then")] = (
        False
    )
    counts: Annotated[
        str, Doc("table of a manual point count: specimen, field, grid_points and one column per class")
    ] = ""
