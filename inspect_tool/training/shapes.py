"""Drawn shapes to label images: outlines with holes, lines and pieces of masks, one object each.

Positions are (row, column) with the origin at the center of the top-left pixel; readers of formats whose origin
is the corner of that pixel take half a pixel off first. A pixel belongs to an outline when its center lies inside.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import ReadError
from inspect_tool.images.region import outlines_mask
from inspect_tool.model import LabelImage, Mask

Points = NDArray[np.float64]
Window = tuple[slice, slice]

_PIECE_PX = 64.0  # long lines are drawn in pieces, so that no window is much larger than the line in it


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shape:
    """One drawn thing. Exactly one of ``outlines``, ``line`` and ``mask`` is given."""

    where: str  # names the file and the shape, for messages
    name: str  # of the class, as the file has it
    outlines: tuple[Points, ...] = ()  # (corners, 2) each: an outline inside another is a hole [px]
    line: Points | None = None  # (points, 2), open [px]
    width_px: float = 1.0  # of the line [px]
    mask: Mask | None = None  # a piece of the image, whose first pixel is at ``corner``
    corner: tuple[int, int] = (0, 0)  # row, column [px]
    group: str = ""  # shapes of one class and one group are one object; empty: an object of its own
    number: int = 0  # of the class, where the file has one; 0: not stated
    crowd: bool = False  # many objects in one shape: says the class, not the objects


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Drawn:
    window: Window
    mask: Mask
    area: int


def drawn(shapes: Sequence[Shape], numbers: Sequence[int], shape: tuple[int, int], blank: int) -> LabelImage:
    """Paint shapes into a label image: the larger first, so that what lies inside another shape is seen.

    Parameters
    ----------
    shapes : sequence of Shape
        As read.
    numbers : sequence of int
        Label of each shape.
    shape : (rows, columns)
        Size of the image. [px]
    blank : int
        Label where no shape is.

    Raises
    ------
    ReadError
        A shape lies wholly outside the image.
    """
    labels = np.full(shape, blank, dtype=np.int32)
    pieces = [_drawn(item, shape) for item in shapes]
    for i in sorted(range(len(pieces)), key=lambda at: -pieces[at].area):
        labels[pieces[i].window][pieces[i].mask] = numbers[i]
    return labels


def rectangle(top: float, left: float, bottom: float, right: float) -> Points:
    """Corners of an upright rectangle. [px]"""
    return np.array([(top, left), (top, right), (bottom, right), (bottom, left)], dtype=float)


def ellipse(row: float, column: float, radius_row: float, radius_column: float) -> Points:
    """Corners of a polygon that leaves an upright ellipse by less than a hundredth of a pixel. [px]"""
    largest = max(radius_row, radius_column, 1.0)
    corners = min(max(int(np.ceil(np.pi / np.arccos(1 - 0.01 / largest))), 16), 20_000)
    angle = 2 * np.pi * np.arange(corners) / corners
    return np.stack([row + radius_row * np.sin(angle), column + radius_column * np.cos(angle)], axis=1)


def _drawn(item: Shape, shape: tuple[int, int]) -> _Drawn:
    if item.mask is not None:
        return _placed(item, item.mask, shape)
    points = item.line if item.line is not None else np.concatenate(item.outlines)
    margin = item.width_px / 2 if item.line is not None else 0.0
    window = _window(item, points, margin, shape)
    size = (window[0].stop - window[0].start, window[1].stop - window[1].start)
    origin = np.array([window[0].start, window[1].start], dtype=float)
    if item.line is not None:
        mask = _line_mask(item.line - origin, item.width_px, size)
    else:
        mask = outlines_mask([outline - origin for outline in item.outlines], size)
    return _Drawn(window=window, mask=mask, area=int(np.count_nonzero(mask)))


def _placed(item: Shape, mask: Mask, shape: tuple[int, int]) -> _Drawn:
    """Cut a piece of a mask at the edge of the image."""
    top, left = item.corner
    low = max(top, 0), max(left, 0)
    high = min(top + mask.shape[0], shape[0]), min(left + mask.shape[1], shape[1])
    if low[0] >= high[0] or low[1] >= high[1]:
        raise ReadError(_outside(item, shape))
    inside = mask[low[0] - top : high[0] - top, low[1] - left : high[1] - left]
    window = slice(low[0], high[0]), slice(low[1], high[1])
    return _Drawn(window=window, mask=inside, area=int(np.count_nonzero(inside)))


def _window(item: Shape, points: Points, margin: float, shape: tuple[int, int]) -> Window:
    """Rows and columns of the image that a shape can reach."""
    low, high = points.min(axis=0) - margin, points.max(axis=0) + margin
    if (high < -0.5).any() or (low > np.array(shape) - 0.5).any():
        raise ReadError(_outside(item, shape))
    first = np.clip(np.floor(low), 0, np.array(shape) - 1).astype(int)
    last = np.clip(np.ceil(high), 0, np.array(shape) - 1).astype(int)
    return slice(int(first[0]), int(last[0]) + 1), slice(int(first[1]), int(last[1]) + 1)


def _outside(item: Shape, shape: tuple[int, int]) -> str:
    return (
        f"{item.where}: lies outside the image of {shape[0]} x {shape[1]} px (rows x columns);"
        " is this the annotation of another image?"
    )


def _line_mask(points: Points, width: float, shape: tuple[int, int]) -> Mask:
    """Pixels whose center is at most half the width away from an open line."""
    mask = np.zeros(shape, dtype=np.bool_)
    for start, end in _pieces(points):
        low = np.clip(np.floor(np.minimum(start, end) - width / 2), 0, None).astype(int)
        high = np.ceil(np.maximum(start, end) + width / 2).astype(int) + 1
        rows, columns = np.ogrid[low[0] : min(high[0], shape[0]), low[1] : min(high[1], shape[1])]
        if rows.size == 0 or columns.size == 0:
            continue
        along = end - start
        length = float(along @ along)
        down, right = rows - start[0], columns - start[1]
        place = np.clip((down * along[0] + right * along[1]) / length, 0, 1) if length > 0 else 0.0
        near = (down - place * along[0]) ** 2 + (right - place * along[1]) ** 2 <= (width / 2) ** 2 + 1e-9
        mask[rows.ravel()[0] : rows.ravel()[-1] + 1, columns.ravel()[0] : columns.ravel()[-1] + 1] |= near
    return mask


def _pieces(points: Points) -> Iterator[tuple[Points, Points]]:
    for start, end in pairwise(points):
        count = max(int(np.ceil(np.hypot(*(end - start)) / _PIECE_PX)), 1)
        steps = np.linspace(start, end, count + 1)
        yield from pairwise(steps)
