"""Settings of the recipe, and the quantities it gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from inspect_tool.model import (
    Quantity,
)
from inspect_tool.ranges import Above0, From0
from inspect_tool.recipes import _shapes

STANDARDS: tuple[str, ...] = ("astm_e1245_2016", "astm_e562_2019", "iso_9042_1988")
ANALYSIS, COUNT = STANDARDS[:2]  # of the share by image analysis, and of the count of points

QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        "area_percent.*": Quantity(title="Area fraction", unit="%", needs_scale=False),
        "point_percent.*": Quantity(title="Point count", unit="%", needs_scale=False),
        "mean_free_path_um.*": Quantity(title="Mean free path", unit="um", needs_scale=True),
        "mean_spacing_um.*": Quantity(title="Mean spacing along a line", unit="um", needs_scale=True),
        "mean_intercept_um.*": Quantity(title="Mean intercept length", unit="um", needs_scale=True),
        "worst_field_percent.*": Quantity(title="Largest area fraction of a field", unit="%", needs_scale=False),
        "mean_area_um2.*": Quantity(title="Mean area of a feature", unit="um2", needs_scale=True),
        "intercepts_per_mm.*": Quantity(title="Interceptions per line length", unit="1/mm", needs_scale=True),
        "intercepts_per_mm_horizontal.*": Quantity(
            title="Interceptions per length of horizontal lines", unit="1/mm", needs_scale=True
        ),
        "intercepts_per_mm_vertical.*": Quantity(
            title="Interceptions per length of vertical lines", unit="1/mm", needs_scale=True
        ),
        "contiguity.*": Quantity(title="Contiguity", unit="1", needs_scale=False),
        "count_per_mm2.*": Quantity(title="Features per area", unit="1/mm2", needs_scale=True),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of the recipe."""

    wanted_ra_percent: Above0[float] = 10.0  # relative accuracy that the planning of fields aims at [%]
    grid_points: From0[int] = 0  # 16, 25, 49, 100 ...; 0: from the area share of the field, after E562
    seed: From0[int] = 1  # of the random start of the grid
    smallest_feature_px2: Above0[int] = 9  # smaller features are not counted; they stay in the area share [px2]
    axis: Literal["auto", "none", "horizontal", "vertical"] = "auto"  # deformation axis in the images; auto: from N_L
    expected_shape: _shapes.Expected = "auto"  # auto: compact, or a network of lines; any: lines among it too, or few
    tinted_grains: bool = False  # grains of a class differ in color: color inside a class is no doubt then
    counts: str = ""  # table of a manual point count: specimen, field, grid_points and one column per class
