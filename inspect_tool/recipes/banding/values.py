"""What the recipe keeps of one field."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from inspect_tool.model import FieldMeasurement
from inspect_tool.model.row import Row


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Numbers(Row):
    """What follows from one segmentation, so that alternatives have it too."""

    across_per_px: float  # interceptions of the bands per length of line across the axis
    along_per_px: float  # and along it
    banded_percent: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Values(Row):
    """One field."""

    numbers: Numbers
    coarse: Mapping[str, Numbers]  # were all chords left out that are shorter than so many pixels
    across_px: float  # size of the field across the axis


Measured: TypeAlias = FieldMeasurement[Values, Numbers]
