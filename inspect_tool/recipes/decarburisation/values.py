"""What the recipe keeps of one field. A length has the unit of the field: um, or px where there is no scale."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default
from typing import TypeAlias

from inspect_tool.model import FieldMeasurement
from inspect_tool.model.row import Row, column
from inspect_tool.recipes._common import Length


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Numbers(Row):
    """What follows from one segmentation, so that alternatives have it too."""

    total_depth: Length = default(metadata=column("mean_total_depth_{}"))
    complete_depth: Length = default(metadata=column("mean_complete_depth_{}"))
    partial_depth: Length = default(metadata=column("mean_partial_depth_{}"))
    core_ferrite_percent: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Doubt(Row):
    """What one field leaves open of one depth, or of the core's ferrite in percent."""

    inner: Length = default(metadata=column("inner_{}"))  # what varies along the surface; none: too short
    inner_dof: float | None
    shapes: Length = default(metadata=column("shapes_{}"))  # what the shapes of the profile disagree by


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Values(Row):
    """One field."""

    numbers: Numbers
    surface_recovered_percent: float  # share of the core's structure at the surface
    doubts: Mapping[str, Doubt]
    core_inner_percent: float | None
    core_inner_dof: float | None
    structure: Length = default(metadata=column("structure_{}"))  # depth over which neighbors go together
    unchanged_percent: float  # probability that the core reaches the surface
    bound: Length = default(metadata=column("bound_{}"))  # of the total depth, were there any
    beyond_percent: float  # probability that less core is seen behind the total depth than is asked for
    surface: Length = default(metadata=column("surface_{}"))  # length of it
    reach: Length = default(metadata=column("reach_{}"))  # how deep the specimen is seen
    rim_percent: float  # more of other structure at the very surface than deeper down, over that of the core
    places_apart_percent: float  # mean of the places against the depth of the mean profile
    others_without_depth: int  # other plausible segmentations that give no depth


Measured: TypeAlias = FieldMeasurement[Values, Numbers]
