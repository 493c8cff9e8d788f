"""Settings of the recipe, and the quantities it gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Literal

from typing_extensions import Doc

from inspect_tool.languages import Text
from inspect_tool.model import Quantity

INDEX, DEGREE, SPACING, PATH, ACROSS, ALONG = (
    "anisotropy_index",
    "orientation_degree",
    "band_spacing_um",
    "mean_free_path_um",
    "interceptions_across_per_mm",
    "interceptions_along_per_mm",
)

QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        INDEX: Quantity(title=Text("banding.title_index"), unit="1", needs_scale=False),
        DEGREE: Quantity(title=Text("banding.title_degree"), unit="1", needs_scale=False),
        SPACING: Quantity(title=Text("banding.title_spacing"), unit="um", needs_scale=True),
        PATH: Quantity(title=Text("banding.title_path"), unit="um", needs_scale=True),
        ACROSS: Quantity(title=Text("banding.title_across"), unit="1/mm", needs_scale=True),
        ALONG: Quantity(title=Text("banding.title_along"), unit="1/mm", needs_scale=True),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of the recipe."""

    banded: Annotated[str, Doc("name of the class that lies in bands; empty: class 1")] = ""
    axis: Annotated[
        Literal["horizontal", "vertical"], Doc("deformation axis in the images: the direction that the bands run in")
    ] = "horizontal"
