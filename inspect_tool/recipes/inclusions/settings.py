"""Settings of the recipe, and the quantities it gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Literal

from typing_extensions import Doc

from inspect_tool.languages import Text
from inspect_tool.model import Quantity
from inspect_tool.ranges import Above0, From0, Share

SEVERITY, INDEX, LARGEST, PERCENT, COUNT, LENGTH, LONGEST = (
    "severity",
    "total_index",
    "largest_size",
    "inclusion_percent",
    "inclusion_count_per_mm2",
    "length_per_area",
    "longest_inclusion_um",
)

QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        f"{SEVERITY}.*": Quantity(title=Text("inclusions.title_severity"), unit="1", needs_scale=True),
        f"{INDEX}.*": Quantity(title=Text("inclusions.title_index"), unit="1", needs_scale=True),
        f"{LARGEST}.*": Quantity(title=Text("inclusions.title_largest"), unit="1", needs_scale=True),
        PERCENT: Quantity(title=Text("inclusions.title_percent"), unit="%", needs_scale=False),
        COUNT: Quantity(title=Text("inclusions.title_count"), unit="1/mm2", needs_scale=True),
        f"{LENGTH}.*": Quantity(title=Text("inclusions.title_length"), unit="1/mm", needs_scale=True),
        LONGEST: Quantity(title=Text("inclusions.title_longest"), unit="um", needs_scale=True),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of the recipe."""

    classes: Annotated[tuple[str, ...], Doc("names of the classes that are inclusions; empty: class 1")] = ()
    sulfides: Annotated[
        tuple[str, ...],
        Doc("names of those of them that are sulfides, where the segmentation tells them; empty: told by gray"),
    ] = ()
    sulfide_darkness: Annotated[
        Share | Literal["auto"],
        Doc(
            "an inclusion that is darker than the matrix by less than this share of its gray is a sulfide; auto: "
            "between the two humps of darkness of each field, and 0.68 where it has not two [1]"
        ),
    ] = "auto"
    rolling_direction_deg: Annotated[
        float | Literal["auto"],
        Doc(
            "0: along the rows, counter-clockwise; auto: that of the elongated inclusions of each field, and along the "
            "rows where there are too few [deg]"
        ),
    ] = "auto"
    also_by: Annotated[
        tuple[str, ...],
        Doc(
            "editions that the same inclusions are rated by besides that of the job: e.g. astm_e45_2018, or a file of "
            "your own that ends in .toml, from the folder of the job"
        ),
    ] = ()
    minimum_um: Annotated[
        Above0[float], Doc("particles with a smaller largest dimension are no inclusions: pits, dust [um]")
    ] = 3.0
    minimum_px2: Annotated[From0[int], Doc("smaller particles are left out, too [px2]")] = 4
