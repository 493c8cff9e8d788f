"""Test figures of the grain size methods: where they are put, what they count, and how they are drawn.

Figures keep the geometry of the standard, scaled to the field: a figure of a given size on the
specimen is the standard figure at some magnification. Where the user states none, the nearest one
of the R10 series of preferred numbers is taken, so that the fields of a job share one figure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import MeasurementError
from inspect_tool.languages import Text
from inspect_tool.measure import planimetric
from inspect_tool.measure.edges import Window
from inspect_tool.measure.intercepts import LineCount, TestLine, circle, count_line, parallel_lines
from inspect_tool.model import LabelImage, Mark
from inspect_tool.standards.formulas.astm_e112 import CircleRule

FloatArray = NDArray[np.float64]
HitStyle: TypeAlias = Literal["half hit", "hit", "double hit"]

ORIENTATIONS_DEG = (0.0, 45.0, 90.0, 135.0)
_R10 = (1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0)
_LINE_SHARE = 0.9  # length of Heyn lines over the short side of the field
_PLACEMENTS_PER_SIDE = 4  # chosen when the user states none
TRIPLE_ON_CIRCLE, TRIPLE_ON_LINE = 2.0, 1.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LineFigure:
    """Test lines of one field and what each of them met; ``per_placement`` lines belong together."""

    lines: tuple[TestLine, ...]
    counts: tuple[LineCount, ...]
    per_placement: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CircleGrains:
    """Jeffries circles of one field and the grains of each."""

    centers: tuple[tuple[float, float], ...]
    diameter_px: float
    counts: tuple[planimetric.AreaCount, ...]


def preferred_magnification(wanted: float, *, at_least: float = 0.0) -> float:
    """Nearest number of the R10 series, but not below a smallest one. [x]

    >>> preferred_magnification(428.0), preferred_magnification(428.0, at_least=401.0)
    (400.0, 500.0)
    """
    decade = floor(log10(max(wanted, at_least)))
    series = [step * 10.0**power for power in range(decade - 1, decade + 3) for step in _R10]
    allowed = [step for step in series if step >= at_least]
    return min(allowed, key=lambda step: abs(log10(step / wanted)))


def magnification_that_fits(
    window: Window, *, drawn_mm: float, wanted_px: float, smallest_px: float, pixel_um: float, where: str
) -> float:
    """Magnification at which a figure is about as wide as wanted and fits into the window. [x]

    Parameters
    ----------
    window : (top, left, height, width)
    drawn_mm : float
        Width of the figure as the standard draws it. [mm]
    wanted_px, smallest_px : float
        Width that is wanted, and below which the figure is of no use. [px]
    pixel_um : float
    where : str
        Begins the message.

    Raises
    ------
    MeasurementError
        The field is smaller than the smallest figure of use.
    """
    room = _room(window)
    if room < smallest_px:
        raise MeasurementError(
            Text("measure.error_field_too_small", where=where, room_px=max(room, 0), smallest_px=smallest_px)
        )
    drawn_um = drawn_mm * 1e3
    return preferred_magnification(drawn_um / (wanted_px * pixel_um), at_least=drawn_um / (room * pixel_um))


def fitting_diameter(window: Window, *, drawn_mm: float, magnification: float, pixel_um: float, where: str) -> float:
    """Width of a figure at a magnification [px]; a ``MeasurementError`` when it does not fit into the window."""
    diameter_um = drawn_mm * 1e3 / magnification
    room_um = _room(window) * pixel_um
    if diameter_um > room_um * (1 + 1e-9):
        raise MeasurementError(
            Text(
                "measure.error_figure_does_not_fit",
                where=where,
                room_um=room_um,
                diameter_um=diameter_um,
                magnification=magnification,
            )
        )
    return diameter_um / pixel_um


def centers(window: Window, diameter_px: float, placements: int = 0) -> tuple[tuple[float, float], ...]:
    """Middles of figures that do not overlap, on a regular pattern chosen without looking at the grains.

    Parameters
    ----------
    placements : int
        At most so many per side of the window; 0: as many as fit, at most 4.

    Examples
    --------
    >>> centers((0, 0, 100, 200), 90.0)
    ((49.5, 49.5), (49.5, 149.5))
    """
    top, left, height, width = window
    most = placements or _PLACEMENTS_PER_SIDE
    down, right = (max(1, min(most, int(side / (diameter_px + 1)))) for side in (height, width))
    return tuple(
        (top + height * (i + 0.5) / down - 0.5, left + width * (j + 0.5) / right - 0.5)
        for i in range(down)
        for j in range(right)
    )


def count_circles(
    labels: LabelImage,
    at: Sequence[tuple[float, float]],
    diameters_px: Sequence[float],
    *,
    triple_point_px: float,
) -> LineFigure:
    """Count concentric circles (Abrams: three, Hilliard: one) at every placement."""
    lines = tuple(circle(center, diameter) for center in at for diameter in diameters_px)
    return LineFigure(
        lines=lines,
        counts=tuple(
            count_line(labels, line, triple_weight=TRIPLE_ON_CIRCLE, triple_point_px=triple_point_px) for line in lines
        ),
        per_placement=len(diameters_px),
    )


def line_length_px(window: Window) -> float:
    """Length of a straight test line: in every orientation it stays inside the window. [px]"""
    return _LINE_SHARE * (min(window[2], window[3]) - 1)


def count_lines(labels: LabelImage, window: Window, per_orientation: int, *, triple_point_px: float) -> LineFigure:
    """Count straight lines of one length in four orientations, spread over the window (Heyn)."""
    length = line_length_px(window)
    lines = tuple(line for angle in ORIENTATIONS_DEG for line in parallel_lines(window, angle, length, per_orientation))
    return LineFigure(
        lines=lines,
        counts=tuple(
            count_line(labels, line, triple_weight=TRIPLE_ON_LINE, triple_point_px=triple_point_px) for line in lines
        ),
        per_placement=len(lines),
    )


def count_circle_grains(
    labels: LabelImage, at: Sequence[tuple[float, float]], diameter_px: float, rule: CircleRule
) -> CircleGrains:
    """Count the grains of a circle at every placement (Jeffries)."""
    return CircleGrains(
        centers=tuple(at),
        diameter_px=diameter_px,
        counts=tuple(planimetric.count_circle(labels, center, diameter_px, rule) for center in at),
    )


# ------------------------------------------------------------------------------------------------- drawing


def line_marks(figure: LineFigure) -> tuple[Mark, ...]:
    """Draw test lines and every counted hit; one group of points for each weight."""
    marks = [_outline(line) for line in figure.lines]
    hits = np.concatenate([count.hits for count in figure.counts])
    weights = np.concatenate([count.weights for count in figure.counts])
    for weight in np.unique(weights).tolist():
        style: HitStyle = "hit" if weight == 1 else "half hit" if weight < 1 else "double hit"
        marks.append(
            Mark(kind="points", points=_points(hits[weights == weight]), style=style, label=f"counts {weight:g}")
        )
    return tuple(marks)


def circle_marks(figure: CircleGrains, at: FloatArray) -> tuple[Mark, ...]:
    """Draw Jeffries circles, with a point in every grain that counts.

    Parameters
    ----------
    at : float array of shape (labels + 1, 2)
        Where the point of each label goes: (row, column). [px]
    """
    inside = np.concatenate([count.inside for count in figure.counts])
    cut = np.concatenate([count.cut for count in figure.counts])
    return (
        *(_outline(circle(center, figure.diameter_px)) for center in figure.centers),
        *_grain_marks(at, inside, "hit", "counts 1"),
        *_grain_marks(at, cut, "half hit", "counts 0.5"),
    )


def rectangle_marks(window: Window, count: planimetric.AreaCount, at: FloatArray) -> tuple[Mark, ...]:
    """Draw a Saltykov rectangle, with a point in every grain that counts; ``at`` as for ``circle_marks``."""
    top, left, height, width = window
    bottom, right = top + height - 1.0, left + width - 1.0
    corners = ((float(top), float(left)), (float(top), right), (bottom, right), (bottom, float(left)))
    in_corner = np.asarray(sorted(set(count.corners)), dtype=np.int32)
    return (
        Mark(kind="path", points=(*corners, corners[0])),
        *_grain_marks(at, count.inside, "hit", "counts 1"),
        *_grain_marks(at, count.cut, "half hit", "counts 0.5"),
        *_grain_marks(at, in_corner, "half hit", "counts 0.25 per corner"),
    )


def _outline(line: TestLine) -> Mark:
    if not line.closed:
        return Mark(kind="path", points=_points(line.points[[0, -1]]))
    # chords of three pixels lie less than a tenth of a pixel inside a circle of 20 px and more
    every = max(1, round(3.0 / line.step_px))
    points = _points(line.points[::every])
    return Mark(kind="path", points=(*points, points[0]))


def _grain_marks(at: FloatArray, numbers: NDArray[np.int32], style: HitStyle, label: str) -> tuple[Mark, ...]:
    if not len(numbers):
        return ()
    return (Mark(kind="points", points=_points(at[numbers]), style=style, label=label),)


def _points(positions: FloatArray) -> tuple[tuple[float, float], ...]:
    return tuple((row, column) for row, column in positions.tolist())


def _room(window: Window) -> float:
    """Widest circle that stays between the centers of the outermost pixels. [px]"""
    return min(window[2], window[3]) - 1.0
