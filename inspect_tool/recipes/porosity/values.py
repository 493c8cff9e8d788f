"""What the recipe keeps of one field. A length has the unit of the field: um, or px where there is no scale."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default
from typing import Literal, TypeAlias

from inspect_tool.measure.feature_sizes import FeatureAreas
from inspect_tool.model import FieldMeasurement
from inspect_tool.model.row import Row, column
from inspect_tool.recipes._colors import Color

Unit: TypeAlias = Literal["um", "px"]
Length: TypeAlias = Mapping[Unit, float]
"""A length, or what is made of lengths, under its one unit."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Numbers(Row):
    """What follows from one segmentation, so that alternatives have it too."""

    porosity_percent: float
    pores: float
    pores_cut: float
    pores_counted: float  # weighted for the frame
    mean_pore_ecd: Length = default(metadata=column("mean_pore_ecd_{}"))
    largest_pore_feret: Length = default(metadata=column("largest_pore_feret_{}"))
    below_minimum_percent: float  # of the area: objects smaller than what is measured
    below_minimum: float
    left_out_percent: float  # of the area: what does not count by its size in um
    left_out: float
    edge_shift_percent: float  # area that the edges move over when they move by half a pixel
    linear_percent: float
    linear: float
    size_weight: float  # sums over whole pores, each weighted by how rarely one of its size is whole
    ecd_weighted: Length = default(metadata=column("ecd_weighted_{}"))
    ecd_squared: Length = default(metadata=column("ecd_squared_{}2"))
    ecd_linear: Length = default(metadata=column("ecd_linear_{}"))
    size_weight_squared: float
    largest_pore_sqrt_area: Length = default(metadata=column("largest_pore_sqrt_area_{}"))
    pore_ecd: Mapping[str, float] = default(metadata=column("pore_ecd_{}"))  # by share and unit, e.g. "d50_um"
    area_squared: float  # sum of the squares of the area shares of the pores [1]
    area_squared_most: float
    field_area: Mapping[Literal["mm2", "px2"], float] = default(metadata=column("field_area_{}"))
    surface_distance: Mapping[str, float] = default(metadata=column("surface_distance_{}"))  # as pore_ecd
    pore_count_per_mm2: float | None
    hardmetal_percent: Mapping[str, float]  # by type of pore; empty: not presented so
    large_pores_per_cm2: Mapping[str, float]  # by class
    reference_porosity_percent: float | None  # None: no reference area is asked for
    reference_pore_count: float | None
    worst_field_percent: float | None = None  # of the worst square; None: none is asked for


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Neighbors(Row):
    """How pores lie beside each other."""

    clusters: int
    clusters_pores: int
    clusters_least: int  # gaps a pixel longer
    clusters_most: int  # gaps a pixel shorter
    pore_neighbour_ratio_min: float | None  # None: fewer than two pores
    pore_neighbour_diameter_px: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Whole(Row):
    """Pores that lie wholly in the field, one by one, for what is read off those of all fields together."""

    ecd: tuple[float, ...]  # in the unit of the field
    weight: tuple[float, ...]  # how rarely one of its size is whole [1]
    surface_distance: tuple[float, ...]  # of all pores, in the unit of the field; empty: it shows no surface


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Values(Row):
    """One field."""

    numbers: Numbers
    inner_scatter_percent: float
    inner_scatter_dof: float
    areas: FeatureAreas | None = default(metadata=column(None))  # None: of a report from before they were asked for
    neighbors: Neighbors
    shallow_percent: float | None  # None: no pore, or no gray difference to tell
    line_percent: Mapping[Literal["pores"], float]
    cells_percent: Mapping[Literal["pores"], float]
    hole_percent: float
    color: Color
    whole: Whole = default(metadata=column(None))


Measured: TypeAlias = FieldMeasurement[Values, Numbers]
