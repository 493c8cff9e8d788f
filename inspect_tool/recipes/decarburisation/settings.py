"""Settings of the recipe, and the quantities it gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Literal, TypeAlias, get_args

from annotated_types import Ge, Le
from typing_extensions import Doc

from inspect_tool.languages import Text
from inspect_tool.model import Quantity
from inspect_tool.ranges import From0, Percent

Depth: TypeAlias = Literal["total", "complete", "partial"]
Which: TypeAlias = Literal["mean", "minimum", "maximum"]

DEPTHS: tuple[Depth, ...] = get_args(Depth)
WHICH: tuple[Which, ...] = get_args(Which)
CORE = "core_ferrite_percent"


def quantity_of(which: Which, depth: Depth) -> str:
    """Name of the quantity of a depth.

    >>> quantity_of("mean", "total")
    'mean_total_depth_um'
    """
    return f"{which}_{depth}_depth_um"


QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        quantity_of(which, depth): Quantity(
            title=Text(f"decarburisation.title_{which}_{depth}"), unit="um", needs_scale=True
        )
        for depth in DEPTHS
        for which in WHICH
    }
    | {CORE: Quantity(title=Text("decarburisation.title_core"), unit="%", needs_scale=False)}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of the recipe."""

    ferrite: Annotated[str, Doc("class that is left where the carbon is gone")] = "ferrite"
    outside: Annotated[
        tuple[str, ...],
        Doc("classes that lie beyond the surface, e.g. mount and oxide; mount that is found in the picture counts too"),
    ] = ("mount",)
    reached_percent: Annotated[
        float,
        Ge(80),
        Le(99),
        Doc("share of the core's structure that has come back at the total depth; complete: what is left to 100 [%]"),
    ] = 95.0
    places: Annotated[int, Ge(1), Le(32), Doc("places along the surface that a field is parted in")] = 5
    crack_px: Annotated[From0[int], Doc("openings of the surface up to so wide are cracks and no surface [px]")] = 12
    tilt_deg: Annotated[
        Percent | None,
        Doc("largest tilt of the section against the normal of the surface; none: not stated [deg]"),
    ] = None
