"""Count grain boundaries along test lines: drawn figures, and every row, column and diagonal of a field.

Label images of grains hold one positive number per grain. 0 is no grain (outside the specimen) and
ends a line there; ``SECOND_PHASE`` is a phase between the grains, which is crossed but not counted.

A drawn line is sampled every tenth of a pixel. Between pixel centers the grain at a point is the one
with the largest bilinear share of the four pixels around it, so that a slanting boundary is a smooth
line and not a staircase. What is counted:

===================================  ====================  =======================
event                                intersections P       intercepts N
===================================  ====================  =======================
boundary crossed                     1                     1
boundary touched (tangent)           1                     1
triple point, straight line          1 1/2                 1 1/2
triple point, circle                 2                     2
line ends inside a grain             0                     1/2 for the cut segment
line ends on a boundary              1/2                   1 for the whole segment
boundary to the second phase         1                     1/2
===================================  ====================  =======================

With half a segment at each end, N and P of one phase are the same number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil, cos, pi, radians, sin

import numpy as np
from numpy.typing import NDArray

from inspect_tool.measure.flooding import strips
from inspect_tool.measure.recall import ANEW, Parts, rows_of
from inspect_tool.model import LabelImage
from inspect_tool.pixels.stored import StoredImage

SECOND_PHASE = -1
STEP_PX = 0.1
FLICKER_PX = 1.5  # crossings of the same boundary closer than this are one crossing, or a touch, or pixel noise
TOUCH_PX = 0.25  # a line that a shift of this size takes clear of a boundary, or across it twice, touches it
JUNCTION_PX = 2.0  # crossings of the boundaries that meet in a triple point, this close to it, belong to it
END_PX = 0.05  # a line that ends this close to a boundary ends on it
# Lines from pixel to pixel lose a chord that fits between two of their points. All of it happens in the corners
# of grains: per step and junction 0.094 where three boundaries meet at 120 deg (integral of the chords shorter
# than the step over all directions), 0.14 in Poisson-Voronoi mosaics
LOST_PER_JUNCTION, LOST_SPREAD = 0.12, 0.025
DIRECTIONS = (0, 45, 90, 135)  # [deg] 0 along rows, counter-clockwise

# pixels of columns that are looked at in one go: of a stored image every row is read for some of its columns
_HELD_PX, _STORED_PX = 1 << 20, 1 << 23

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TestLine:
    """A straight line or a circle in an image; positions are (row, column). [px]"""

    points: FloatArray  # (n, 2), evenly spaced; a closed line does not repeat its first point
    step_px: float
    closed: bool
    angle_deg: float | None = None  # of a straight line

    __test__ = False  # not a test, whatever pytest thinks of the name


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LineCount:
    """What one test line met."""

    length_px: float  # inside the field: grains and second phase
    grain_length_px: float  # inside grains
    intersections: float  # P
    intercepts: float  # N, of the grains
    triple_points: int
    tangents: int
    hits: FloatArray  # (n, 2) positions (row, column)
    weights: FloatArray  # (n,) what each hit counts


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectionCount:
    """All parallel lines of one direction through a whole field."""

    intercepts: float
    length_px: float  # inside grains
    total_length_px: float  # inside grains and second phase


def circle(center: tuple[float, float], diameter_px: float) -> TestLine:
    """Circle as a test line; its length is exact whatever the sampling."""
    n = max(16, ceil(pi * diameter_px / STEP_PX))
    angle = 2 * pi * (np.arange(n) + 0.5) / n
    points = np.stack(
        [center[0] - diameter_px / 2 * np.sin(angle), center[1] + diameter_px / 2 * np.cos(angle)], axis=1
    )
    return TestLine(points=points, step_px=pi * diameter_px / n, closed=True)


def straight(start: tuple[float, float], end: tuple[float, float]) -> TestLine:
    """Straight test line between two points."""
    d_row, d_column = end[0] - start[0], end[1] - start[1]
    length = float(np.hypot(d_row, d_column))
    n = max(2, ceil(length / STEP_PX) + 1)
    points = np.stack([np.linspace(start[0], end[0], n), np.linspace(start[1], end[1], n)], axis=1)
    angle = float(np.degrees(np.arctan2(-d_row, d_column))) % 180.0
    return TestLine(points=points, step_px=length / (n - 1), closed=False, angle_deg=angle)


def parallel_lines(
    window: tuple[int, int, int, int], angle_deg: float, length_px: float, number: int
) -> tuple[TestLine, ...]:
    """Lines of one orientation and length, spread over a window (top, left, height, width).

    Their middles stand on the perpendicular through the center of the window, as far apart as the
    window allows; with two or more per orientation the figure does not radiate from one point.
    """
    top, left, height, width = window
    center = (top + (height - 1) / 2, left + (width - 1) / 2)
    along = (-sin(radians(angle_deg)), cos(radians(angle_deg)))
    across = (-cos(radians(angle_deg)), -sin(radians(angle_deg)))
    # how far a line of this length may be moved across before one of its ends leaves the window
    room = [
        (extent - 1 - length_px * abs(a)) / 2 / abs(b) if abs(b) > 1e-9 else np.inf
        for extent, a, b in ((height, along[0], across[0]), (width, along[1], across[1]))
    ]
    reach = max(0.0, min(room))
    lines = []
    for i in range(number):
        shift = reach * (2 * (i + 0.5) / number - 1)
        middle = (center[0] + shift * across[0], center[1] + shift * across[1])
        half = length_px / 2
        lines.append(
            straight(
                (middle[0] - half * along[0], middle[1] - half * along[1]),
                (middle[0] + half * along[0], middle[1] + half * along[1]),
            )
        )
    return tuple(lines)


def count_line(
    labels: LabelImage,
    line: TestLine,
    *,
    triple_weight: float,
    triple_point_px: float = 0.25,
) -> LineCount:
    """Count what a test line meets in a label image.

    Parameters
    ----------
    labels : int32 array of shape (rows, columns)
        Grains > 0, 0 no grain, ``SECOND_PHASE``.
    line : TestLine
        Must lie inside the image.
    triple_weight : float
        What a triple point counts: 1.5 on straight lines, 2 on circles (ASTM E112).
    triple_point_px : float
        A line that passes a point where three grains meet closer than this goes through it;
        at most 0.5. [px]

    Examples
    --------
    >>> found = count_line(np.array([[1, 1, 2, 2, 3]], dtype=np.int32), straight((0, 0), (0, 4)), triple_weight=1.5)
    >>> found.intersections, found.intercepts
    (2.0, 2.0)
    """
    quads, shares = _around(labels, line.points)
    seen = _largest_share(quads, shares)
    places, before, after = _crossings(seen, line)
    places, before, after, is_even = _without_flicker(places, before, after, line)
    # an even number of crossings is a touch, or the roughness of a boundary between pixels
    is_tangent = np.zeros(len(places), dtype=np.bool_)
    for i in np.flatnonzero(is_even):
        is_tangent[i] = _touches(labels, line, places[i], before[i])
    real = ~is_even | is_tangent
    places, before, after, is_tangent = places[real], before[real], after[real], is_tangent[real]
    weights = np.ones(len(places))
    triple = _triple_points(quads, line, triple_point_px)
    is_triple = np.zeros(len(places), dtype=np.bool_)
    keep = np.ones(len(places), dtype=np.bool_)
    for place, corner in triple:
        near = np.flatnonzero(
            keep
            & ~is_triple
            & (_distance(places, place, line) <= JUNCTION_PX)
            & np.isin(before, corner)
            & np.isin(after, corner)
        )
        if len(near):
            keep[near[1:]] = False
            places[near[0]] = place
            weights[near[0]] = triple_weight
            is_triple[near[0]] = True
            is_tangent[near[0]] = False
    places, before, after = places[keep], before[keep], after[keep]
    weights, is_triple, is_tangent = weights[keep], is_triple[keep], is_tangent[keep]
    sides = ((before > 0).astype(float) + (after > 0)) / 2
    if not line.closed:
        # a change at the very end is no crossing: the line ends on that boundary
        last = len(line.points) - 1
        at_start, at_end = places * line.step_px <= END_PX * 1.01, (last - places) * line.step_px <= END_PX * 1.01
        weights[at_start | at_end] = 0.5
        sides[at_start], sides[at_end] = after[at_start] > 0, before[at_end] > 0
    intercepts = float((weights * sides).sum())
    if not line.closed:
        ends, end_places, end_sides = _ends_on_boundary(labels, line, seen)
        places = np.concatenate([places, end_places])
        weights = np.concatenate([weights, np.full(ends, 0.5)])
        intercepts += float(end_sides.sum())
    order = np.argsort(places, kind="stable")
    in_field, in_grain = seen != 0, seen > 0
    return LineCount(
        length_px=_length(in_field, line),
        grain_length_px=_length(in_grain, line),
        intersections=float(weights.sum()),
        intercepts=intercepts,
        triple_points=int(is_triple.sum()),
        tangents=int(is_tangent.sum()),
        hits=_positions(places[order], line),
        weights=weights[order],
    )


def directional_counts(labels: LabelImage, parts: Parts = ANEW) -> dict[int, DirectionCount]:
    """Count label changes along every row, column and diagonal of a field.

    Neighboring pixel centers on a line are compared, so that the length of the lines is known
    exactly. A change between two grains is one intercept, a change to the second phase half of
    one; a line ends at pixels without a grain.

    Returns
    -------
    dict
        Direction [deg] (0 along rows, 45, 90, 135; counter-clockwise) to ``DirectionCount``.

    Examples
    --------
    >>> directional_counts(np.array([[1, 1, 2, 2, 3]], dtype=np.int32))[0]
    DirectionCount(intercepts=2.0, length_px=4.0, total_length_px=4.0)
    """
    height, width = labels.shape
    found = {}
    for direction in DIRECTIONS:
        down, right = int(direction != 0), int(direction != 90)
        step = 2**0.5 if down and right else 1.0
        n = length = total = 0.0
        for rows in strips((height - down, width - right)):
            counted = partial(_changes_along, labels, rows, direction)
            here = parts.part(("changes", direction), rows_of(labels, rows, below=1), counted)
            n, length, total = n + here[0], length + here[1], total + here[2]
        found[direction] = DirectionCount(intercepts=n, length_px=length * step, total_length_px=total * step)
    return found


def _changes_along(labels: LabelImage, rows: slice, direction: int) -> tuple[float, float, float]:
    part = labels[rows.start : rows.stop + int(direction != 0)]
    match direction:
        case 0:
            return changes(part[:, :-1], part[:, 1:])
        case 45:
            return changes(part[1:, :-1], part[:-1, 1:])
        case 90:
            return changes(part[:-1], part[1:])
    return changes(part[:-1, :-1], part[1:, 1:])


def changes(a: LabelImage, b: LabelImage) -> tuple[float, float, float]:
    """Count intercepts between neighboring pixels, and how many steps lie in grains, and in grains and second phase."""
    grain_a, grain_b = a > 0, b > 0
    both = grain_a & grain_b
    mixed = (grain_a & (b == SECOND_PHASE)) | (grain_b & (a == SECOND_PHASE))
    half = 0.5 * np.count_nonzero(mixed)
    return (
        float(np.count_nonzero(both & (a != b))) + half,
        float(np.count_nonzero(both)) + half,
        float(np.count_nonzero((a != 0) & (b != 0))),
    )


def junctions(labels: LabelImage, parts: Parts = ANEW) -> int:
    """Points where three grains meet; a square of four pixels that are all different holds two of them.

    >>> junctions(np.array([[1, 1], [2, 3]], dtype=np.int32)), junctions(np.array([[1, 2], [3, 4]], dtype=np.int32))
    (1, 2)
    """
    found = 0
    for rows in strips((labels.shape[0] - 1, labels.shape[1])):
        counted = partial(_junctions_in, labels[rows.start : rows.stop + 1])
        found += parts.part("junctions", rows_of(labels, rows, below=1), counted)
    return found


def _junctions_in(part: LabelImage) -> int:
    around = np.stack([part[:-1, :-1], part[:-1, 1:], part[1:, 1:], part[1:, :-1]])
    # fewer than three changes on the way round are one grain or two
    at = np.flatnonzero((around != np.roll(around, 1, axis=0)).sum(axis=0, dtype=np.int8).ravel() >= 3)
    corner = np.sort(around.reshape(4, -1)[:, at], axis=0)
    kinds = 1 + (corner[1:] != corner[:-1]).sum(axis=0)
    return int(np.maximum(kinds - 2, 0)[corner[0] > 0].sum())


def chord_lengths(labels: LabelImage, parts: Parts = ANEW) -> FloatArray:
    """Lengths of whole chords inside one grain along rows and columns. [px]

    Chords that end at the frame, at the second phase's outside or at pixels without a grain are left
    out (ASTM E1382), so that their mean is not the mean intercept of the counts: long chords are
    cut more often.

    Examples
    --------
    >>> chord_lengths(np.array([[1, 1, 2, 2, 2, 3]], dtype=np.int32)).tolist()
    [3.0]
    """
    found, every = [np.empty(0)], slice(0, labels.shape[0])
    if labels.shape[1] >= 3:
        found += [
            parts.part("chords", rows_of(labels, rows), partial(_chords_in, labels[rows]))
            for rows in strips(labels.shape)
        ]
    if labels.shape[0] >= 3:
        at_once = _STORED_PX if isinstance(labels, StoredImage) else _HELD_PX
        found += [
            parts.part("chords down", (every, columns), partial(_chords_in, labels[:, columns].T))
            for columns in strips(labels.shape[::-1], at_once)
        ]
    return np.concatenate(found)


def _chords_in(rows: LabelImage) -> FloatArray:
    row, column = np.nonzero(rows[:, 1:] != rows[:, :-1])
    # consecutive changes in one row enclose a chord
    same_row = row[1:] == row[:-1]
    first = rows[row[:-1], column[:-1] + 1]
    left, right = rows[row[:-1], column[:-1]], rows[row[1:], column[1:] + 1]
    whole = same_row & (first > 0) & (left != 0) & (right != 0)
    lengths: FloatArray = (column[1:] - column[:-1])[whole].astype(np.float64)
    return lengths


def alternate(counts: Sequence[LineCount]) -> float:
    """Intersections when every second triple point counts two and the others one (ASTM E1382)."""
    triples = sum(count.triple_points for count in counts)
    plain = sum(count.intersections - float(count.weights[count.weights > 1].sum()) for count in counts)
    return plain + triples + triples // 2


# ------------------------------------------------------------------------------------------------- sampling


def _around(labels: LabelImage, points: FloatArray) -> tuple[NDArray[np.int32], FloatArray]:
    """Labels of the four pixels around each point, shape (4, n), and their bilinear shares."""
    rows, columns = labels.shape
    row = np.clip(points[:, 0], 0, rows - 1)
    column = np.clip(points[:, 1], 0, columns - 1)
    r0 = np.minimum(row.astype(np.intp), max(rows - 2, 0))
    c0 = np.minimum(column.astype(np.intp), max(columns - 2, 0))
    r1, c1 = np.minimum(r0 + 1, rows - 1), np.minimum(c0 + 1, columns - 1)
    down, right = row - r0, column - c0
    quads = np.stack([labels[r0, c0], labels[r0, c1], labels[r1, c0], labels[r1, c1]])
    shares = np.stack([(1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right])
    return quads, shares


def _largest_share(quads: NDArray[np.int32], shares: FloatArray) -> NDArray[np.int32]:
    seen: NDArray[np.int32] = quads[0].copy()
    # most points lie inside one grain: only the others need their shares added up
    mixed = np.flatnonzero((quads[0] != quads[1]) | (quads[0] != quads[2]) | (quads[0] != quads[3]))
    some, weight = quads[:, mixed], shares[:, mixed]
    together = np.stack([(weight * (some == some[k])).sum(axis=0) for k in range(4)])
    seen[mixed] = some[together.argmax(axis=0), np.arange(len(mixed))]
    return seen


def _crossings(seen: NDArray[np.int32], line: TestLine) -> tuple[FloatArray, NDArray[np.int32], NDArray[np.int32]]:
    """Places (in samples) where the label changes, and the labels before and after; 0 ends a line."""
    following = np.roll(seen, -1) if line.closed else seen[1:]
    first = seen if line.closed else seen[:-1]
    at = np.flatnonzero((first != following) & (first != 0) & (following != 0))
    return at + 0.5, first[at], following[at]


def _without_flicker(
    places: FloatArray, before: NDArray[np.int32], after: NDArray[np.int32], line: TestLine
) -> tuple[FloatArray, NDArray[np.int32], NDArray[np.int32], NDArray[np.bool_]]:
    """Join crossings of one boundary that are closer than a pixel and a half.

    An odd number of them is one crossing; the last answer is True where the number is even.
    """
    n = len(places)
    if n < 2:
        return places, before, after, np.zeros(n, dtype=np.bool_)
    if line.closed:
        # begin after the widest gap, so that no group is torn where the circle begins
        gaps = np.diff(places, append=places[0] + len(line.points))
        first = (int(gaps.argmax()) + 1) % n
        places = np.concatenate([places[first:], places[:first] + len(line.points)])
        before, after = np.roll(before, -first), np.roll(after, -first)
    joined = (np.diff(places) * line.step_px <= FLICKER_PX) & (before[1:] == after[:-1]) & (after[1:] == before[:-1])
    start = np.flatnonzero(np.concatenate([[True], ~joined]))
    size = np.diff(np.append(start, n))
    middle = np.add.reduceat(places, start) / size
    if line.closed:
        middle %= len(line.points)
    return middle, before[start], after[start + size - 1], size % 2 == 0


def _touches(labels: LabelImage, line: TestLine, place: float, grain: int) -> bool:
    """Tell a touch from pixel noise.

    Shifted to one side a line that touches stays in its grain, shifted to the other it leaves it and returns.
    """
    n = len(line.points)
    radius = n * line.step_px / (2 * pi) if line.closed else 100.0
    reach = ceil((1.5 * np.sqrt(2 * radius * TOUCH_PX) + 1) / line.step_px)
    at = round(place) + np.arange(-reach, reach + 1)
    if line.closed:
        at %= n
    elif at[0] < 1 or at[-1] > n - 2:
        return False
    along = line.points[(at + 1) % n] - line.points[at - 1]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.hypot(*along.T)[:, None]
    stays, returns = 0, 0
    for side in (TOUCH_PX, -TOUCH_PX):
        seen = _largest_share(*_around(labels, line.points[at] + side * across)) == grain
        stays += bool(seen.all())
        returns += bool(seen[0] and seen[-1] and not seen.all())
    return stays == 1 and returns == 1


def _triple_points(quads: NDArray[np.int32], line: TestLine, limit_px: float) -> list[tuple[float, NDArray[np.int32]]]:
    """Places (in samples) where the line passes a corner of three grains, and the labels there."""
    a, b, c, d = quads
    kinds = 1 + (b != a) + ((c != a) & (c != b)) + ((d != a) & (d != b) & (d != c))
    candidates = np.flatnonzero((kinds >= 3) & (quads.min(axis=0) != 0))
    if not len(candidates):
        return []
    # a corner is the middle of the square of four pixel centers that the sample lies in
    points = line.points[candidates]
    corner = np.floor(points) + 0.5
    distance = np.hypot(*(points - corner).T)
    close = distance <= limit_px
    candidates, corner, distance = candidates[close], corner[close], distance[close]
    found = []
    start = 0
    for stop in range(1, len(candidates) + 1):
        if stop == len(candidates) or (corner[stop] != corner[start]).any():
            nearest = start + int(distance[start:stop].argmin())
            found.append((float(candidates[nearest]), np.unique(quads[:, candidates[nearest]])))
            start = stop
    return found


def _distance(places: FloatArray, place: float, line: TestLine) -> FloatArray:
    away = np.abs(places - place)
    if line.closed:
        away = np.minimum(away, len(line.points) - away)
    return np.asarray(away * line.step_px, dtype=np.float64)


def _ends_on_boundary(
    labels: LabelImage, line: TestLine, seen: NDArray[np.int32]
) -> tuple[int, FloatArray, FloatArray]:
    """Ends of a straight line that lie on a boundary: how many, where, and what they add to N."""
    places, sides = [], []
    direction = (line.points[-1] - line.points[0]) / max(float(np.hypot(*(line.points[-1] - line.points[0]))), 1e-12)
    last = len(line.points) - 1
    for place, end, outward in ((0, line.points[0], -direction), (last, line.points[-1], direction)):
        beyond, inside = (
            int(_largest_share(*_around(labels, (end + sign * END_PX * outward)[None]))[0]) for sign in (1, -1)
        )
        if beyond != inside and beyond != 0 and inside != 0:
            changed = seen[1] != seen[0] if place == 0 else seen[-2] != seen[-1]
            if not changed:  # else the change itself was counted already
                places.append(float(place))
                sides.append(0.5 * (inside > 0))
    return len(places), np.asarray(places, dtype=np.float64), np.asarray(sides, dtype=np.float64)


def _length(inside: NDArray[np.bool_], line: TestLine) -> float:
    if line.closed:
        return float(np.count_nonzero(inside) * line.step_px)
    return float((np.count_nonzero(inside[:-1]) + np.count_nonzero(inside[1:])) / 2 * line.step_px)


def _positions(places: FloatArray, line: TestLine) -> FloatArray:
    n = len(line.points)
    low = np.floor(places).astype(np.intp)
    share = (places - low)[:, None]
    following = (low + 1) % n if line.closed else np.minimum(low + 1, n - 1)
    between = line.points[low % n] * (1 - share) + line.points[following] * share
    return np.asarray(between, dtype=np.float64)
