"""Settings of the recipe, and the quantities it gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated

from typing_extensions import Doc

from inspect_tool.languages import Text
from inspect_tool.model import Quantity
from inspect_tool.ranges import Above0, From0, Percent

MEAN, LEAST, MOST = (f"{name}_thickness_um.*" for name in ("mean", "minimum", "maximum"))
SPREAD, VARIATION = "thickness_sd_um.*", "thickness_variation_percent.*"

QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        MEAN: Quantity(title=Text("layer_thickness.title_mean"), unit="um", needs_scale=True),
        LEAST: Quantity(title=Text("layer_thickness.title_minimum"), unit="um", needs_scale=True),
        MOST: Quantity(title=Text("layer_thickness.title_maximum"), unit="um", needs_scale=True),
        SPREAD: Quantity(title=Text("layer_thickness.title_sd"), unit="um", needs_scale=True),
        VARIATION: Quantity(title=Text("layer_thickness.title_variation"), unit="%", needs_scale=False),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of the recipe."""

    layers: Annotated[tuple[str, ...], Doc("classes that are layers; none: every class but the first")] = ("layer",)
    inside: Annotated[
        tuple[str, ...], Doc("classes that lie inside the layers and count as a part of them, e.g. cracks")
    ] = ()
    bridge_px: Annotated[From0[int], Doc("gaps of a layer up to so wide are closed, e.g. cracks [px]")] = 3
    chords: Annotated[Above0[int], Doc("chords that are measured in a field, at even distances along the layer")] = 200
    tilt_deg: Annotated[
        Percent | None,
        Doc("largest tilt of the section against the normal of the surface; none: not stated [deg]"),
    ] = None
