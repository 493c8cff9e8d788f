"""What the recipe keeps of one field."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from inspect_tool.model import FieldMeasurement
from inspect_tool.model.row import Row, column
from inspect_tool.recipes._colors import Color

Variant: TypeAlias = Literal[
    "wider",
    "narrower",
    "without specks",
    "gray lower",
    "gray higher",
    "aspect lower",
    "aspect higher",
    "joined less",
    "joined more",
    "cut less",
    "cut more",
    "cut wider",
    "cut longer",
]
"""Other ways to measure the same particles: outlines a part of a pixel off, without specks of the gray of sulfides,
other limits of type, other gaps bridged, globules that the frame cuts counted or not, what it cuts as wide as it may be
beyond it, its fragments as long as the others of their stringer."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Numbers(Row):
    """What follows from one segmentation, so that alternatives have it too."""

    inclusion_percent: float
    particles: int  # that count
    count: float  # of them those that do not touch the top or the left edge: without bias for the frame
    length_um: Mapping[str, float]  # of type a, b, c, by the edition of the job
    longest_um: float
    worst: Mapping[str, float]  # total of the worst field by <edition>.<series>: length [um], number, diameter [um]
    index_sums: Mapping[str, float] = field(metadata=column(None))  # number times factor by <edition>.<group>
    largest_sizes: Mapping[str, float] = field(metadata=column(None))  # by <edition>.<type> that there is


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Values(Row):
    """One field."""

    numbers: Numbers
    variants: Mapping[Variant, Numbers] = field(metadata=column(None))
    below_minimum: int  # particles that are too small to count
    too_thin: int  # inclusions below the least width that the edition of the job rates
    oversize: int  # and wider than its widest series, or longer than a field
    joined: int  # inclusions of several particles
    sulfide_darkness: float | None  # below which an inclusion is a sulfide; None: they are a class of their own
    sulfides_told: int  # 1: stated, or two humps of darkness were found in the field
    direction_deg: float  # rolling direction that was taken
    direction_found: int  # 1: found in the field, 0: stated, or along the rows as too few are elongated
    aligned_percent: float | None  # length of elongated inclusions within the tolerance of that direction
    area_px2: float  # that counts
    area_mm2: float | None
    color: Color
    half_pixel_percent: float  # area that half a pixel of outline is
    inner_scatter_percent: float  # standard uncertainty of the area share, by what varies inside
    inner_scatter_dof: float


Measured: TypeAlias = FieldMeasurement[Values, Numbers]
