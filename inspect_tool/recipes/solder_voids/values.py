"""What the recipe keeps of one image."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default
from typing import Literal, TypeAlias

from inspect_tool.model import FieldMeasurement
from inspect_tool.model.row import Number, Row, column

Share: TypeAlias = Literal["void_percent", "largest_void_percent", "void_diameter_percent"]
SHARES: tuple[Share, ...] = ("void_percent", "largest_void_percent", "void_diameter_percent")
Lines: TypeAlias = Mapping[Share, Mapping[str, tuple[float, ...]]]
"""Share -> line of the budget -> standard uncertainty of every joint [%]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shares(Row):
    """Void shares over the joints of an image that count. [%]"""

    void_percent_max: float = default(metadata=column("void_percent.max"))
    largest_void_percent_max: float = default(metadata=column("largest_void_percent.max"))
    void_diameter_percent_max: float = default(metadata=column("void_diameter_percent.max"))
    void_percent_mean: float = default(metadata=column("void_percent.mean"))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quality(Row):
    """What is read off the gray values; None: not looked at by the version that read them."""

    contrast_to_noise: float
    clipped_percent: float
    joints_lighter_in_the_middle: int
    joints_unevenly_covered: int | None = None
    unevenly_covered: str | None = None  # their names
    joints_crossed: int | None = None
    crossed: str | None = None
    joints_unsure: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Values(Row):
    """One image."""

    joints: int
    joints_at_edge: int
    shares: Shares | None  # None: no joint counts
    voids: int
    smallest_joint_px: float  # equivalent diameter [px]
    quality: Quality
    largest_joint_of_image_percent: float
    layout_guessed: int  # 0 or 1
    round_regions_left_out: int
    smallest_void_px: float  # equivalent diameter [px]
    lines: Lines = default(metadata=column(None))


Measured: TypeAlias = FieldMeasurement[Values]


def quality_in(kept: Mapping[str, Number]) -> Quality:
    """Read what was kept of the gray values; names of another version are left."""

    def count(name: str) -> int | None:
        return int(kept[name]) if name in kept else None

    def names(name: str) -> str | None:
        return str(kept[name]) if name in kept else None

    return Quality(
        contrast_to_noise=float(kept["contrast_to_noise"]),
        clipped_percent=float(kept["clipped_percent"]),
        joints_lighter_in_the_middle=int(kept["joints_lighter_in_the_middle"]),
        joints_unevenly_covered=count("joints_unevenly_covered"),
        unevenly_covered=names("unevenly_covered"),
        joints_crossed=count("joints_crossed"),
        crossed=names("crossed"),
        joints_unsure=int(kept["joints_unsure"]),
    )
