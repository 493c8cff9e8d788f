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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Numbers(Row):
    """What follows from one segmentation, so that alternatives have it too."""

    particles: float  # of the least size and more, cut ones too
    particles_cut: float
    particles_counted: float  # weighted for the frame
    particles_measured: float  # whole, and neither concave nor satellites where these are left out
    particles_concave: float
    satellites: float
    below_minimum: float
    area_percent: float  # of the field, all particles
    concave_area_percent: float  # of the area of all particles
    touching_percent: float  # of the particles: they touch another
    particle_count_per_mm2: float | None
    size: Mapping[str, float] = default(metadata=column("particle_{}"))  # e.g. "d50_um.number"
    mean_ecd: Length = default(metadata=column("mean_particle_ecd_{}"))
    sauter: Length = default(metadata=column("sauter_diameter_{}"))
    largest_feret: Length = default(metadata=column("largest_particle_feret_{}"))
    particle_aspect_ratio: float | None  # None: no particle is measured
    particle_circularity: float | None
    satellite_percent: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Values(Row):
    """One field."""

    numbers: Numbers
    field_area: Mapping[Literal["mm2", "px2"], float] = default(
        metadata=column("field_area_{}")
    )  # that counts refer to
    counted_squared: float  # sum of the squared weights of the counted particles
    crowding: float  # scatter of the number between parts of the field, over that of chance [1]
    crowding_dof: float  # 0: too few particles to tell
    largest_of_frame_percent: float  # side of the largest upright box over that side of the field


Measured: TypeAlias = FieldMeasurement[Values, Numbers]
