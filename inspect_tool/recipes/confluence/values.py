"""What the recipe keeps of one field."""

from dataclasses import dataclass
from typing import TypeAlias

from inspect_tool.model import FieldMeasurement
from inspect_tool.model.row import Row


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Numbers(Row):
    """What follows from one segmentation, so that alternatives have it too; None: not asked, or without a scale."""

    covered_percent: float | None
    half_pixel_percent: float | None  # area that the outline moves over when it moves by half a pixel [%]
    counted: int | None  # objects of the least size and more
    counted_cut: int | None  # of these the frame cuts so many
    below_minimum: int | None  # whole ones
    counted_per_mm2: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Values(Row):
    """One field."""

    numbers: Numbers
    area_px2: float  # that counts
    area_mm2: float | None
    inner_scatter_percent: float | None  # standard uncertainty of what is covered, by what varies inside
    inner_scatter_dof: float | None
    counted_scatter_percent: float | None  # the same of the pixels that are centers of counted objects
    counted_scatter_dof: float | None


Measured: TypeAlias = FieldMeasurement[Values, Numbers]
