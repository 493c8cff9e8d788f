"""What the recipe keeps of one field."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from inspect_tool.model import FieldMeasurement
from inspect_tool.model.row import Row


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Whole(Row):
    """Interceptions from the longer chords alone, carried back to all of them, see ``measure/short_chords.py``."""

    across_whole_per_px: float
    along_whole_per_px: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Numbers(Row):
    """What follows from one segmentation, so that alternatives have it too."""

    across_per_px: float  # interceptions of the bands per length of line across the axis, as they are counted
    along_per_px: float  # and along it
    banded_percent: float
    whole: Whole


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Values(Row):
    """One field."""

    numbers: Numbers
    whole_from: Mapping[str, Whole]  # were chords from so many pixels on taken as they are found
    across_px: float  # size of the field across the axis


Measured: TypeAlias = FieldMeasurement[Values, Numbers]
