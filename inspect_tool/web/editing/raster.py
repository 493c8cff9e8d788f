"""Which pixels a line or an outline covers, by whole numbers alone: the same on every computer.

A point is the center of a pixel, (column, row). A pixel belongs to a line when its center lies at most ``radius`` + 1/2
from it, which makes the thinnest line (radius 0) 8-connected; it belongs to an outline when its center lies within it
(even-odd rule) or on the thinnest line along it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isqrt
from typing import TypeAlias

import numpy as np

from inspect_tool.model import Mask

Point: TypeAlias = tuple[int, int]
"""Column and row of a pixel."""

_BAND = 128  # rows that are looked at together: memory and time of a long slant line stay small


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Part of an image, half-open. [px]"""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def part(self) -> tuple[slice, slice]:
        """As an index of the image."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.bottom - self.top, self.right - self.left

    def within(self, outer: "Box") -> tuple[slice, slice]:
        """As an index of the part of a larger box."""
        return (
            slice(self.top - outer.top, self.bottom - outer.top),
            slice(self.left - outer.left, self.right - outer.left),
        )

    def grown(self, by: int, shape: tuple[int, ...]) -> "Box":
        """Larger by some pixels on every side, as far as the image reaches."""
        return Box(
            top=max(0, self.top - by),
            left=max(0, self.left - by),
            bottom=min(shape[0], self.bottom + by),
            right=min(shape[1], self.right + by),
        )

    def joined(self, other: "Box") -> "Box":
        """The smallest box around both."""
        return Box(
            top=min(self.top, other.top),
            left=min(self.left, other.left),
            bottom=max(self.bottom, other.bottom),
            right=max(self.right, other.right),
        )


def box_of(points: Sequence[Point], radius: int, shape: tuple[int, ...]) -> Box:
    """Part of an image that a line can cover, with one pixel around it."""
    columns, rows = [x for x, _ in points], [y for _, y in points]
    box = Box(top=min(rows), left=min(columns), bottom=max(rows) + 1, right=max(columns) + 1)
    return box.grown(radius + 1, shape)


def line(points: Sequence[Point], radius: int, box: Box) -> Mask:
    """Pixels of a box that a line through points covers.

    >>> line([(0, 0), (3, 1)], 0, Box(top=0, left=0, bottom=2, right=4)).astype(int).tolist()
    [[1, 1, 0, 0], [0, 0, 1, 1]]
    """
    mask = np.zeros(box.shape, np.bool_)
    moved = [(x - box.left, y - box.top) for x, y in points]
    for start, end in pairwise(moved if len(moved) > 1 else [*moved, *moved]):
        if abs(end[1] - start[1]) >= abs(end[0] - start[0]):
            _segment(mask, start, end, radius)
        else:
            _segment(mask.T, (start[1], start[0]), (end[1], end[0]), radius)
    return mask


def _segment(mask: Mask, start: Point, end: Point, radius: int) -> None:
    """Cover pixels along a segment that goes further over rows than over columns, in bands of rows."""
    (ax, ay), (dx, dy) = start, (end[0] - start[0], end[1] - start[1])
    length2, reach = dx * dx + dy * dy, 2 * (radius + 1)
    near2 = (2 * radius + 1) ** 2  # of twice the distance
    across = isqrt(near2 * length2)
    low, high = min(ay, end[1]) - radius - 1, max(ay, end[1]) + radius + 2
    for top in range(max(0, low), min(mask.shape[0], high), _BAND):
        bottom = min(top + _BAND, mask.shape[0], high)
        ends = [ax + dx * (min(max(row, min(ay, end[1])), max(ay, end[1])) - ay) // (dy or 1) for row in (top, bottom)]
        left, right = max(0, min(ends) - reach), min(mask.shape[1], max(ends) + reach + 1)
        if left >= right:
            continue
        y = np.arange(top, bottom, dtype=np.int64)[:, None] - ay
        x = np.arange(left, right, dtype=np.int64)[None] - ax
        along = x * dx + y * dy
        covered = 4 * (x * x + y * y) <= near2
        if length2:
            covered |= 4 * ((x - dx) ** 2 + (y - dy) ** 2) <= near2
            covered |= (along >= 0) & (along <= length2) & (2 * np.abs(x * dy - y * dx) <= across)
        mask[top:bottom, left:right] |= covered


def filled(points: Sequence[Point], box: Box) -> Mask:
    """Pixels of a box that lie within or on the outline through points, which closes itself.

    >>> filled([(0, 0), (3, 0), (0, 3)], Box(top=0, left=0, bottom=4, right=4)).astype(int).tolist()
    [[1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0]]
    """
    turns = np.zeros((box.shape[0], box.shape[1] + 1), np.int32)
    closed = [*points, points[0]]
    for (ax, ay), (bx, by) in pairwise(closed):
        if ay == by:
            continue
        (ax, ay), (bx, by) = ((ax, ay), (bx, by)) if ay < by else ((bx, by), (ax, ay))
        rows = np.arange(max(ay, box.top), min(by, box.bottom), dtype=np.int64)
        # the first column whose center is not left of where the edge crosses the row
        columns = ax - ((ay - rows) * (bx - ax) // (by - ay))
        turns[rows - box.top, np.clip(columns - box.left, 0, box.shape[1])] += 1
    inside: Mask = np.cumsum(turns[:, :-1], axis=1) % 2 == 1
    return inside | line(closed, 0, box)
