"""What the recipe keeps of one field."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from inspect_tool.model import FieldMeasurement
from inspect_tool.model.row import Row


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layer(Row):
    """One layer of one segmentation of one field."""

    mean_thickness_um: float
    minimum_thickness_um: float
    maximum_thickness_um: float
    thickness_sd_um: float
    chords: int
    chords_missed: int  # places where a chord met the edge of the field or no second interface
    area_over_length_um: (
        float  # area between the interfaces over the length of the middle line, another way to the mean
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scatter(Row):
    """How far the mean thickness of a field may lie from that of the specimen, by what varies along the layer."""

    inner_scatter_um: float | None  # None: too few chords
    inner_scatter_dof: float | None
    line_um: float  # length of the middle line that chords were found on


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
