"""What the recipe keeps of one field. A length has the unit of the field: um, or px where there is no scale."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default
from typing import Literal, TypeAlias

from inspect_tool.model import FieldMeasurement
from inspect_tool.model.row import Row, column

Unit: TypeAlias = Literal["um", "px"]
Length: TypeAlias = Mapping[Unit, float]
"""A length under its one unit."""
Phase: TypeAlias = Literal["fibre", "void", "resin_rich"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Numbers(Row):
    """What follows from one segmentation, so that alternatives have it too."""

    fibers: float  # of the least size and more, cut ones too
    fibers_cut: float
    fibers_counted: float  # whole ones, weighted for the frame
    fibers_measured: float
    touching_percent: float  # of the fibers: they touch another
    area: Mapping[Phase, float] = default(metadata=column("{}_percent"))  # void, resin rich: where they are known
    resin_rich_beyond: Length = default(metadata=column("resin_rich_beyond_{}"))  # distance from any fiber
    fibre_count_per_mm2: float | None
    mean_diameter: Length = default(metadata=column("mean_fibre_diameter_{}"))
    diameter_sd: Length = default(metadata=column("fibre_diameter_sd_{}"))
    mean_fibre_tilt_deg: float | None  # None: no whole fiber
    tensor: Mapping[str, float] = default(metadata=column("orientation_{}"))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scatter(Row):
    """How far the share of one field may lie from that of the specimen, see ``measure.share_scatter``."""

    inner_scatter_percent: float
    inner_scatter_dof: float
    half_pixel_percent: float  # what half a pixel of outline is


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Values(Row):
    """One field."""

    numbers: Numbers
    field_area: Mapping[Literal["mm2", "px2"], float] = default(metadata=column("field_area_{}"))
    mean_diameter_px: float  # 0: no whole fiber
    scatter: Mapping[Phase, Scatter]


Measured: TypeAlias = FieldMeasurement[Values, Numbers]
