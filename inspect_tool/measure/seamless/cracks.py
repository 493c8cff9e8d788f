"""Outlines of objects that a seam cuts: followed edge by edge of their pixels, in each window by itself.

An outline runs along the edges between pixels of the object and others, the object on its right hand. What follows on
an edge is told by the four pixels around its end, so that each window knows the steps of its own edges, and its pieces
of an outline join those of its neighbors by the number of the edge that they go on with. The steps are those of the
8-connected chain code: from pixel to pixel along edges, none where the outline turns around a pixel.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import cv2
import diplib
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from inspect_tool.measure.outlines import Outline
from inspect_tool.model import LabelImage

RIM_PX = 2
"""What must be known of the pixels around a window: of the edge before the edge before."""

# sides of a pixel in the order of the outline: top (to the right), right (down), bottom (to the left), left (up)
_OUT = np.array([(-1, 0), (0, 1), (1, 0), (0, -1)])
_ON = np.array([(0, 1), (1, 0), (0, -1), (-1, 0)])
_TURN = -1  # no step: the outline turns around the pixel that it is on

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fragments:
    """Pieces of outlines in one window: n of them, each as long as the window holds it."""

    label: Integers  # (n,) number, in the window, of the object
    steps: Integers  # (3, n): steps along pixels, steps across their corners, changes of direction
    area8: Integers  # (n,) share of each in 8 times the area inside the outline, negative of a hole [px2]
    hull: Integers  # (m, 2): x and y of what may be a corner of the hull, in half pixels, fragment by fragment
    hull_of: Integers  # (m,) the fragment of each
    entry: Integers  # (2, k): number of an edge that an outline comes in by, and its fragment
    exit: Integers  # (2, k): number of the edge of another window that an outline goes on with, and its fragment


def fragments(labels: LabelImage, numbers: LabelImage, origin: tuple[int, int], columns: int) -> Fragments:
    """Follow the outlines of objects through one window.

    Parameters
    ----------
    labels : array of int, (rows + 4, columns + 4)
        Number of the object of every pixel of the window and of a rim of ``RIM_PX``, which is 0 beyond the image;
        pixels of one object have one number, in the rim as well.
    numbers : array of int, (rows, columns)
        Number, in the window, of the objects whose outlines are wanted; else 0.
    origin : (row, column)
        Of the window in the image. [px]
    columns : int
        Of the image. [px]
    """
    flat = cast("LabelImage", np.ascontiguousarray(labels).ravel())
    width = labels.shape[1]
    out, on = _OUT @ (width, 1), _ON @ (width, 1)
    inner = np.zeros(labels.shape, np.int32)
    inner[RIM_PX:-RIM_PX, RIM_PX:-RIM_PX] = numbers
    pixels = np.flatnonzero(inner)
    edges = [(pixels[flat[pixels + out[side]] != flat[pixels]], side) for side in range(4)]
    at = np.concatenate([one for one, _ in edges])
    side = np.concatenate([np.full(len(one), number) for one, number in edges])

    def before(at: Integers, side: Integers) -> tuple[Integers, Integers, Integers]:
        """Pixel and side of the edge before each, and the step between them."""
        across, along = at + out[side] - on[side], at - on[side]
        is_across = flat[across] == flat[at]
        is_along = ~is_across & (flat[along] == flat[at])
        step = np.where(is_across, (-1 - 2 * side) % 8, np.where(is_along, -2 * side % 8, _TURN))
        from_pixel = np.where(is_across, across, np.where(is_along, along, at))
        return from_pixel, np.where(is_across, side + 1, np.where(is_along, side, side - 1)) % 4, step

    from_at, from_side, step = before(at, side)
    # the step before: the outline may turn around its pixel up to three times in between
    last, here, there = np.full(len(at), _TURN), from_at, from_side
    for _ in range(4):
        earlier_at, earlier_side, earlier = before(here, there)
        last = np.where(last == _TURN, earlier, last)
        here, there = np.where(last == _TURN, earlier_at, here), np.where(last == _TURN, earlier_side, there)
    moves = step != _TURN
    counted = np.stack([moves & (step % 2 == 0), moves & (step % 2 == 1), moves & (last != step)])

    number = at * 4 + side
    order = np.argsort(number)
    came_from = from_at * 4 + from_side
    place = np.minimum(np.searchsorted(number, came_from, sorter=order), len(at) - 1) if len(at) else number
    known = number[order[place]] == came_from if len(at) else np.zeros(0, np.bool_)
    graph = coo_array(
        (np.ones(int(known.sum()), np.int8), (np.flatnonzero(known), order[place[known]])), shape=(len(at), len(at))
    )
    n, found = connected_components(graph, directed=False) if len(at) else (0, np.zeros(0))
    fragment: Integers = np.asarray(found, np.int64)

    def in_image(at: Integers, side: Integers) -> Integers:
        row, column = np.divmod(at, width)
        found: Integers = ((row - RIM_PX + origin[0]) * columns + column - RIM_PX + origin[1]) * 4 + side
        return found

    def middle(at: Integers, side: Integers) -> tuple[Integers, Integers]:
        row, column = np.divmod(at, width)
        y = 2 * (row - RIM_PX + origin[0]) + _OUT[side, 0]
        return 2 * (column - RIM_PX + origin[1]) + _OUT[side, 1], y

    (x, y), (x0, y0) = middle(at, side), middle(from_at, from_side)
    area8, label = np.zeros(n, np.int64), np.zeros(n, np.int64)
    np.add.at(area8, fragment, x0 * y - x * y0)
    label[fragment] = inner.ravel()[at]
    followers, follows = _after(flat, at, side, out, on)
    leaves = ~np.isin(followers * 4 + follows, number)
    corner, corner_of = _hulls(np.column_stack([x, y]), fragment, n)
    return Fragments(
        label=label,
        steps=np.array([np.bincount(fragment[one], minlength=n) for one in counted], dtype=np.int64).reshape(3, n),
        area8=area8,
        hull=corner,
        hull_of=corner_of,
        entry=np.stack([in_image(at, side)[~known], fragment[~known]]).astype(np.int64),
        exit=np.stack([in_image(followers, follows)[leaves], fragment[leaves]]).astype(np.int64),
    )


def _after(flat: LabelImage, at: Integers, side: Integers, out: Integers, on: Integers) -> tuple[Integers, Integers]:
    """Pixel and side of the edge that follows each."""
    across, along = at + out[side] + on[side], at + on[side]
    is_across = flat[across] == flat[at]
    is_along = ~is_across & (flat[along] == flat[at])
    pixel = np.where(is_across, across, np.where(is_along, along, at))
    return pixel, np.where(is_across, side - 1, np.where(is_along, side, side + 1)) % 4


def _hulls(points: Integers, fragment: Integers, n: int) -> tuple[Integers, Integers]:
    """Corners of the hull of the points of each fragment, and the fragment of each corner."""
    order = np.argsort(fragment, kind="stable")
    ends = np.cumsum(np.bincount(fragment, minlength=n))
    corners, of = [np.zeros((0, 2), np.int64)], [np.zeros(0, np.int64)]
    for k, (start, end) in enumerate(zip([0, *ends.tolist()], ends.tolist(), strict=False)):
        own = points[order[start:end]]
        if len(own) > 3:
            own = cv2.convexHull(own.astype(np.int32))[:, 0].astype(np.int64)
        corners.append(own)
        of.append(np.full(len(own), k))
    return np.concatenate(corners), np.concatenate(of)


def outline_of(steps: Sequence[int], points: Integers, first: tuple[int, int], goes_below: bool) -> Outline:
    """Put an outline together, to the same numbers as ``outlines.outlines`` gives of the whole object.

    Parameters
    ----------
    steps : three integers
        Steps along pixels, steps across their corners, changes of direction.
    points : array of int, (n, 2)
        x and y in half pixels: all corners of the hull, and others inside it.
    first : (row, column)
        First pixel of the object, row by row. [px]
    goes_below : bool
        Whether the pixel below the first one, or that on the left of it, belongs to the object.
    """
    along, across, turns = steps
    # Vossepoel and Smeulders, as DIPlib has it
    length = along * 0.980 + across * 1.406 - turns * 0.091
    hull = _convex(points)
    # the chain code begins where the outline comes to the first pixel: on its left, or else below it
    x, y = 2 * first[1], 2 * first[0]
    below, left, top = (x, y + 1), (x - 1, y), (x, y - 1)
    begins = (top,) if along + across == 0 else (left, top) if goes_below else (below, left, top)
    corners = [tuple(corner) for corner in hull.tolist()]
    begin = next(corners.index(corner) for corner in begins if corner in corners)
    whole = diplib.Polygon(np.roll(hull, -begin, axis=0) / 2).ConvexHull()
    return Outline(length=length + np.pi, hull=np.array(whole))


def _convex(points: Integers) -> Integers:
    """Corners of the hull, none of them between two others on a line, clockwise as seen on the picture."""
    ordered = np.unique(points, axis=0).tolist()
    lower: list[tuple[int, int]] = []
    upper: list[tuple[int, int]] = []
    for chain, every in ((lower, ordered), (upper, ordered[::-1])):
        for x, y in every:
            while len(chain) > 1:
                (x0, y0), (x1, y1) = chain[-2:]
                if (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) > 0:
                    break
                chain.pop()
            chain.append((x, y))
    return np.array([*lower[:-1], *upper[:-1]], dtype=np.int64)
