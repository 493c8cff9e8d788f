"""What the recipe keeps of one field. By class: the matrix last, or left out where it has no such number."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default
from typing import TypeAlias

from inspect_tool.measure.feature_sizes import FeatureAreas
from inspect_tool.model import FieldMeasurement
from inspect_tool.model.row import Row, column
from inspect_tool.recipes._colors import Color


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lines(Row):
    """What lines over the whole field say of a class."""

    half_pixel_percent: float  # area that its boundary moves over when it moves by half a pixel [%]
    intercepts_per_mm: float | None  # None: of the matrix, or without a scale
    intercepts_per_mm_horizontal: float | None
    intercepts_per_mm_vertical: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shares(Row):
    """What follows from a class image alone, so that alternatives have it too."""

    area_percent: Mapping[str, float]
    lines: Mapping[str, Lines]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InnerScatter(Row):
    """Standard uncertainty of the share of a class by what varies inside the field."""

    inner_scatter_percent: float
    inner_scatter_dof: float
    areas: FeatureAreas | None = default(metadata=column(None))  # None: of a report from before they were asked for


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contacts(Row):
    """Crossings of lines with boundaries of the objects of a class: with each other, with the matrix."""

    contacts_like: int
    contacts_matrix: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Features(Row):
    """The connected features of a class of interest."""

    count: int  # of the declared size and larger
    too_small_percent: float  # of the area of the class
    count_per_mm2: float | None  # None: without a scale
    line_percent: float  # see measure.class_shape
    cells_percent: float
    rim_percent: float | None  # None: of two classes, neither lies between others


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Values(Row):
    """One field."""

    shares: Shares
    inner_scatter: Mapping[str, InnerScatter]
    grid_points: int
    points: Mapping[str, float]
    contacts: Mapping[str, Contacts]  # empty: the segmentation has no objects
    features: Mapping[str, Features]
    color: Color


Measured: TypeAlias = FieldMeasurement[Values, Shares]
