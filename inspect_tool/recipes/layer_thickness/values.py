"""What the recipe keeps of one field. A length has the unit of the field: um, or px where there is no scale."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default
from typing import TypeAlias

from inspect_tool.model import FieldMeasurement
from inspect_tool.model.row import Row, column
from inspect_tool.recipes._common import Length


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layer(Row):
    """One layer of one segmentation of one field."""

    mean_thickness: Length = default(metadata=column("mean_thickness_{}"))
    minimum_thickness: Length = default(metadata=column("minimum_thickness_{}"))
    maximum_thickness: Length = default(metadata=column("maximum_thickness_{}"))
    thickness_sd: Length = default(metadata=column("thickness_sd_{}"))
    thickness_variation_percent: float  # standard deviation over the mean
    chords: int
    chords_missed: int  # places where a chord met the edge of the field or no second interface
    # area between the interfaces over the length of the middle line: another way to the mean
    area_over_length: Length = default(metadata=column("area_over_length_{}"))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scatter(Row):
    """How far the mean thickness of a field may lie from that of the specimen, by what varies along the layer."""

    inner_scatter: Length = default(metadata=column("inner_scatter_{}"))  # none: too few chords
    inner_scatter_dof: float | None
    line: Length = default(metadata=column("line_{}"))  # length of the middle line that chords were found on


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Numbers(Row):
    """What follows from one segmentation, so that alternatives have it too."""

    layers: Mapping[str, Layer]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Values(Row):
    """One field."""

    numbers: Numbers
    scatter: Mapping[str, Scatter]
    others_without_layer: int  # other plausible segmentations in which no layer parts the field


Measured: TypeAlias = FieldMeasurement[Values, Numbers]
