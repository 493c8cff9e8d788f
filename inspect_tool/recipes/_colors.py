"""What the color of the images says of classes that were told apart in them: checks for recipes of areas."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from inspect_tool.acceptance import plausibility
from inspect_tool.images.color import MANY_TINTS, spread_inside
from inspect_tool.languages import Text
from inspect_tool.measure.gray import read_off
from inspect_tool.model import Check, LabelImage, Mask, Micrograph, Segmentation
from inspect_tool.model.row import Row

SPREAD = "color_spread"
"""Name under which the spread of color inside the classes is read off an image. [gray levels]"""

_SAME_AXIS = 0.7  # cosine between the axes of two fields: half a right angle


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Color(Row):
    """What a field keeps of its color: the spread inside its classes, the axis along which they were told apart."""

    color_spread: float | None  # None: gray, or drawn by a person
    color_red_weight: float | None  # None: told apart by gray
    color_green_weight: float | None
    color_blue_weight: float | None


Seen: TypeAlias = tuple[Color, str]
"""What a field keeps of its color, and the name of its image."""


def spread_of(
    micrograph: Micrograph, backend: str, labels: LabelImage | Mask, classes: tuple[int, ...] = ()
) -> float | None:
    """Spread of color inside some classes, or all; None for a gray image, or where a person drew the classes."""

    def read() -> float | None:
        if micrograph.color is None or backend == "labels":
            return None
        return spread_inside(micrograph.color, labels, micrograph.roi, classes)

    return read_off(micrograph, SPREAD, read)


def color_of(spread: float | None, segmentation: Segmentation) -> Color:
    """Put together what a field keeps of its color."""
    red, green, blue = segmentation.told.color_weights or (None, None, None)
    return Color(color_spread=spread, color_red_weight=red, color_green_weight=green, color_blue_weight=blue)


def checks_of(seen: Sequence[Seen], specimen: str, what: str) -> list[Check]:
    """Doubts of one specimen: areas of other colors inside a class, fields told apart by different colors.

    Parameters
    ----------
    seen : sequence of Seen
        Of its fields.
    specimen : str
    what : str
        Where color was looked at, e.g. "the classes".
    """
    made = []
    spreads = [(color.color_spread, image) for color, image in seen if color.color_spread is not None]
    if spreads:
        worst, image = max(spreads)
        made.append(
            plausibility.check(
                Text("recipes.check_color_spread", what=what),
                worst,
                "<=",
                MANY_TINTS,
                Text("recipes.gray_levels"),
                clause=Text("recipes.clause_color_spread"),
                specimen=specimen,
                note=Text("recipes.note_worst_field_of_color", image=image),
            )
        )
    axes = [axis for axis in (_axis(color) for color, _ in seen) if axis is not None]
    if len(axes) > 1:
        least = min(float(axes[0] @ axis) for axis in axes)
        made.append(
            plausibility.check(
                Text("recipes.check_same_color_axis"),
                least,
                ">=",
                _SAME_AXIS,
                "1",
                clause=Text("recipes.clause_same_color_axis"),
                specimen=specimen,
                note=Text("recipes.note_same_color_axis"),
            )
        )
    return made


def warnings_of(seen: Sequence[Seen], specimen: str, phase: str) -> list[str]:
    """Say on page 1 that color told the classes apart, and which one is which."""
    n = sum(_axis(color) is not None for color, _ in seen)
    if not n:
        return []
    return [Text("recipes.warning_hues_told_by_color", specimen=specimen, n=n, n_fields=len(seen), phase=phase)]


def _axis(color: Color) -> NDArray[np.float64] | None:
    if color.color_red_weight is None:
        return None
    axis = np.array([color.color_red_weight, color.color_green_weight, color.color_blue_weight])
    return np.asarray(axis / np.linalg.norm(axis))
