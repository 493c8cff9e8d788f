"""What the recipe keeps of one field."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from inspect_tool.model import FieldMeasurement
from inspect_tool.model.row import Row

Edge: TypeAlias = Literal["wider", "narrower"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shares(Row):
    """Whole particles of the least size, by the side of the limit of the shape factor that they lie on."""

    counted: int
    nodules: int
    counted_weight: float  # whole ones, for those that the frame cuts
    nodules_weight: float
    counted_area_px2: float  # weighted likewise
    nodular_area_px2: float  # of nodules, and the part of those in between that an edition gives them


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Numbers(Row):
    """What follows from one segmentation, so that alternatives have it too."""

    shares: Shares
    by_other: Mapping[str, Shares]  # by the limits of the other editions that the particles are rated by
    nodules_weighted: float  # for those that the frame cuts
    graphite_percent: float
    below_minimum: int  # whole particles that are too small to count
    cut: int  # by the frame


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Values(Row):
    """One field."""

    numbers: Numbers
    outlines: Mapping[Edge, Shares]  # were every outline moved by half a pixel
    outlines_by_other: Mapping[str, Shares]  # the same by <edition>.<edge>
    near_percent: float  # counted area with a shape factor within 0.05 of the limit
    area_px2: float  # that counts
    area_mm2: float | None
    half_pixel_percent: float  # area of graphite that half a pixel of outline is
    inner_scatter_percent: float  # standard uncertainty of the share of graphite, by what varies inside
    inner_scatter_dof: float


Measured: TypeAlias = FieldMeasurement[Values, Numbers]
