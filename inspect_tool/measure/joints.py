"""Areas of joints and of their voids from labels: counted pixels, nothing assumed.

Labels are 0 background, 1 joint (solder), 2 void, 3 via; ``objects`` numbers the joints. A pixel is one
thing only, so overlapping projections count once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import hypot
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import GrayImage, LabelImage, Mask
from inspect_tool.pixels.parts import connected_parts, strips

JOINT, VOID, VIA = 1, 2, 3
_NEAR = 16  # px
QUADRANTS = ("upper left", "upper right", "lower left", "lower right")

Counts = NDArray[np.int64]
Reals = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Joints:
    """One entry per joint, in the order of ``number``; areas and lengths in pixels."""

    number: Counts
    row: Reals
    column: Reals
    area: Counts  # solder, voids and vias
    void_area: Counts  # union of all voids
    via_area: Counts
    voids: Counts
    largest_void: Counts  # area
    void_edge: Counts  # pixel sides between void and anything else
    joint_edge: Counts  # pixel sides between joint and anything else
    touches_edge: NDArray[np.bool_]
    box: Counts  # top, left, bottom, right, half-open


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Voids:
    """One entry per void; areas in pixels."""

    joint: Counts  # number
    row: Reals
    column: Reals
    area: Counts


def number_joints(labels: LabelImage) -> LabelImage:
    """Number the connected joints (8-connected, voids and vias included) of a label image from 1.

    >>> number_joints(np.array([[1, 2, 0, 1]], dtype=np.int32)).tolist()
    [[1, 1, 0, 2]]
    """
    _, numbers = cv2.connectedComponents((labels > 0).astype(np.uint8), connectivity=8, ltype=cv2.CV_32S)
    return np.asarray(numbers, dtype=np.int32)


def measure_voids(
    labels: LabelImage,
    objects: LabelImage,
    min_void_px: float = 0.0,
    whole: Mask | None = None,
    *,
    moved: bool = False,
) -> tuple[Joints, Voids]:
    """Count the areas of joints and voids.

    Parameters
    ----------
    labels : int32 array (rows, columns)
    objects : int32 array (rows, columns)
        Joint numbers, 0 where there is no joint.
    min_void_px : float
        Equivalent diameter below which a void does not count; its pixels count as solder. [px]
    whole : boolean array, optional
        Where the image counts; a joint that reaches its border or that of the image touches the edge.
    moved : bool
        The outlines of the joints are those of the labels, near those of ``objects``: see ``numbers_of_moved``.

    Returns
    -------
    Joints, Voids
        Voids are 8-connected; one that lies in two joints is one void in each.
    """

    def owners(top: int, bottom: int) -> LabelImage:
        return numbers_of_moved(labels, objects, top, bottom) if moved else objects[top:bottom]

    size = int(objects.max(initial=0)) + 1
    voids, counted = _voids(labels, owners, size, min_void_px)
    area = np.zeros(size, np.int64)
    void_area, via_area, void_edge, joint_edge = area.copy(), area.copy(), area.copy(), area.copy()
    row_sum, column_sum = np.zeros(size), np.zeros(size)
    box = np.zeros((size, 4), np.int64)
    box[:, :2] = max(objects.shape)
    above: LabelImage = np.zeros((1, objects.shape[1]), np.int32)
    void_above = above
    for top, bottom in strips(objects.shape):
        strip, is_void = owners(top, bottom), counted(top, bottom) > 0
        rows, columns = np.nonzero(strip)
        owner = strip[rows, columns]
        void_area += np.bincount(owner[is_void[rows, columns]], minlength=size)
        via_area += np.bincount(owner[labels[top:bottom][rows, columns] == VIA], minlength=size)
        rows += top
        area += np.bincount(owner, minlength=size)
        row_sum += np.bincount(owner, weights=rows, minlength=size)  # sums of whole numbers: exact in any order
        column_sum += np.bincount(owner, weights=columns, minlength=size)
        np.minimum.at(box[:, 0], owner, rows)
        np.minimum.at(box[:, 1], owner, columns)
        np.maximum.at(box[:, 2], owner, rows + 1)
        np.maximum.at(box[:, 3], owner, columns + 1)
        joint_edge += _sides(strip, above, size)
        of_void = strip * is_void
        void_edge += _sides(of_void, void_above, size)
        above, void_above = strip[-1:].copy(), of_void[-1:]
    joint_edge += np.bincount(above.ravel(), minlength=size)  # the lower border of the image
    void_edge += np.bincount(void_above.ravel(), minlength=size)
    largest = np.zeros(size, np.int64)
    np.maximum.at(largest, voids.joint, voids.area)
    pick = np.nonzero(area)[0]
    return (
        Joints(
            number=pick.astype(np.int64),
            row=(row_sum[pick] / area[pick]),
            column=(column_sum[pick] / area[pick]),
            area=area[pick],
            void_area=void_area[pick],
            via_area=via_area[pick],
            voids=np.bincount(voids.joint, minlength=size)[pick].astype(np.int64),
            largest_void=largest[pick],
            void_edge=void_edge[pick],
            joint_edge=joint_edge[pick],
            touches_edge=_touching(owners, objects.shape, whole, size)[pick],
            box=box[pick],
        ),
        voids,
    )


def numbers_of_moved(labels: LabelImage, objects: LabelImage, top: int, bottom: int) -> LabelImage:
    """Number the joints in some rows of labels whose outlines lie near those of ``objects``.

    A pixel keeps its number; one that had none has that of the nearest joint within 16 px.
    """
    start = max(top - _NEAR, 0)
    own = objects[start : bottom + _NEAR]
    numbers = np.where(labels[top:bottom] > 0, objects[top:bottom], 0)
    added = (labels[top:bottom] > 0) & (numbers == 0)
    if not (added.any() and own.any()):
        return numbers
    distance, index = cv2.distanceTransformWithLabels(
        (own == 0).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    rows = slice(top - start, bottom - start)
    inside = own > 0
    number = np.zeros(int(index.max()) + 1, np.int32)
    number[index[inside]] = own[inside]
    added &= distance[rows] <= _NEAR
    numbers[added] = number[index[rows][added]]
    return numbers


def _voids(
    labels: LabelImage, owners: Callable[[int, int], LabelImage], size: int, min_void_px: float
) -> tuple[Voids, Callable[[int, int], LabelImage]]:
    """Measure the voids that count, joint by joint, and say how they are numbered in the rows of a strip, from 1."""
    parts = connected_parts(lambda top, bottom: (labels[top:bottom] == VOID) & (owners(top, bottom) > 0), labels.shape)

    def pieces(top: int, bottom: int) -> tuple[NDArray[np.intp], NDArray[np.intp], Counts]:
        """Rows and columns of void pixels and what they belong to: a void across two joints is a void of each."""
        part = parts.rows(top, bottom)
        rows, columns = np.nonzero(part)
        return rows, columns, part[rows, columns].astype(np.int64) * size + owners(top, bottom)[rows, columns]

    found = []
    for top, bottom in strips(labels.shape):
        rows, columns, piece = pieces(top, bottom)
        kinds, index = np.unique(piece, return_inverse=True)
        sums = [np.bincount(index, weights=w, minlength=len(kinds)) for w in (np.ones(len(rows)), rows + top, columns)]
        found.append((kinds, *sums))
    every, *per_strip = (np.concatenate(column) for column in zip(*found, strict=True))
    kinds, index = np.unique(every, return_inverse=True)
    n, row_sum, column_sum = (np.bincount(index, weights=w, minlength=len(kinds)) for w in per_strip)
    counts = n >= np.pi / 4 * min_void_px**2
    number = np.where(counts, np.cumsum(counts), 0).astype(np.int32)

    def numbered(top: int, bottom: int) -> LabelImage:
        void = np.zeros((bottom - top, labels.shape[1]), np.int32)
        rows, columns, piece = pieces(top, bottom)
        void[rows, columns] = number[np.searchsorted(kinds, piece)]
        return void

    return (
        Voids(
            joint=(kinds % size)[counts],
            row=(row_sum / n)[counts],
            column=(column_sum / n)[counts],
            area=n.astype(np.int64)[counts],
        ),
        numbered,
    )


def _sides(own: LabelImage, above: LabelImage, size: int) -> Counts:
    """Pixel sides of each object in a strip that border on something else; its lower border is not looked at."""
    down = np.concatenate([above, own])
    across = np.pad(own, ((0, 0), (1, 1)))
    total = np.zeros(size, np.int64)
    for a, b in ((down[1:], down[:-1]), (across[:, 1:], across[:, :-1])):
        differ = a != b
        total += np.bincount(a[differ], minlength=size) + np.bincount(b[differ], minlength=size)
    return total


def _touching(
    owners: Callable[[int, int], LabelImage], shape: tuple[int, ...], whole: Mask | None, size: int
) -> NDArray[np.bool_]:
    """Tell which objects come within a pixel of where the image ends."""
    touching = np.zeros(size, bool)
    for top, bottom in strips(shape):
        start = max(top - 1, 0)
        inner = np.ones((min(bottom + 1, shape[0]) - start, shape[1]), np.uint8)
        if whole is not None:
            inner[:] = whole[start : bottom + 1]
        inner = np.pad(inner, ((int(top == 0), int(bottom == shape[0])), (1, 1)))
        deep = cv2.erode(inner, np.ones((3, 3), np.uint8))[1:-1, 1:-1]
        touching[owners(top, bottom)[deep == 0]] = True
    return touching


@dataclass(frozen=True, slots=True, kw_only=True)
class DieAttach:
    """Where the voids of one rectangular joint lie, in its own axes; shares of the joint's or quadrant's area. [%]."""

    quadrants: dict[str, float]  # void share of each quadrant of the available area
    worst_quadrant: str
    corner_void: float  # largest void that reaches two adjacent sides, share of the joint; 0: none
    across_void: float  # largest void that runs from side to opposite side; 0: none
    across: Literal["", "length", "width"]


def die_attach(
    labels: LabelImage, objects: LabelImage, number: int, min_void_px: float = 0.0, reach_px: float = 2.5
) -> DieAttach:
    """Quadrants, corner voids and voids across of one joint.

    The axes are those of the smallest rectangle around the joint; quadrants meet at its center. A void
    reaches a side when it comes within ``reach_px`` of it.

    References
    ----------
    The geometry MIL-STD-883 methods 2012 (across the full length or width) and 2030 (corner, quadrant) speak of.
    """
    mask = objects == number
    (top, bottom), (left, right) = (np.nonzero(mask.any(axis=axis))[0][[0, -1]].tolist() for axis in (1, 0))
    top, left = top // 2 * 2, left // 2 * 2  # voids are numbered as in the whole image
    box = slice(top, bottom + 1), slice(left, right + 1)
    own, kinds = mask[box].astype(np.int32), labels[box]
    del mask
    rows, columns = np.nonzero(own)
    kind = kinds[rows, columns]
    rows += top
    columns += left
    (c0, r0), (width, height), angle = cv2.minAreaRect(np.stack([columns, rows], axis=1).astype(np.float32))
    turn = np.deg2rad(angle)
    axis = np.array([np.cos(turn), np.sin(turn)])  # (column, row) direction of the "width" side
    if abs(axis[0]) < abs(axis[1]):
        axis, (width, height) = np.array([axis[1], -axis[0]]), (height, width)
    if axis[0] < 0:
        axis = -axis

    def local(r: NDArray[np.intp] | Reals, c: NDArray[np.intp] | Reals) -> tuple[Reals, Reals]:
        return (c - c0) * axis[0] + (r - r0) * axis[1], (r - r0) * axis[0] - (c - c0) * axis[1]

    voids, numbered = _voids(kinds, lambda first, last: own[first:last], 2, min_void_px)
    void_map = np.concatenate([numbered(first, last) for first, last in strips(own.shape)])
    x, y = local(rows, columns)
    quarter = (y >= 0).astype(np.intp) * 2 + (x >= 0)
    available = np.bincount(quarter[kind != VIA], minlength=4)
    void = np.bincount(quarter[void_map[rows - top, columns - left] > 0], minlength=4)
    shares = {name: 100.0 * void[i] / available[i] if available[i] else 0.0 for i, name in enumerate(QUADRANTS)}
    total = int(available.sum())
    corner = across_share = 0.0
    across: Literal["", "length", "width"] = ""
    for i, area in enumerate(voids.area.tolist(), start=1):
        r, c = np.nonzero(void_map == i)
        x, y = local(r + top, c + left)
        near, far = x.min() <= -width / 2 + reach_px, x.max() >= width / 2 - reach_px
        upper, lower = y.min() <= -height / 2 + reach_px, y.max() >= height / 2 - reach_px
        share = 100.0 * area / total
        if (near or far) and (upper or lower):
            corner = max(corner, share)
        if ((near and far) or (upper and lower)) and share > across_share:
            across_share = share
            sideways = bool(near and far)
            across = "length" if sideways == (width >= height) else "width"
    return DieAttach(
        quadrants=shares,
        worst_quadrant=max(shares, key=lambda name: shares[name]),
        corner_void=corner,
        across_void=across_share,
        across=across,
    )


def outline(objects: LabelImage, number: int, box: tuple[int, int, int, int]) -> tuple[tuple[float, float], ...]:
    """Outer outline of one joint as (row, column) points, closed. [px]."""
    top, left, bottom, right = box
    mask = (objects[top:bottom, left:right] == number).astype(np.uint8)
    lines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    points = cv2.approxPolyDP(max(lines, key=len), 0.4, closed=True)[:, 0, :]
    closed = [*points.tolist(), points[0].tolist()]
    return tuple((float(y + top), float(x + left)) for x, y in closed)


def gray_noise(gray: GrayImage, mask: Mask) -> float:
    """Standard deviation of the gray noise inside a mask, blind to slopes and edges. [gray levels].

    Median absolute second difference along rows, scaled for normal noise.
    """
    second = np.empty(np.count_nonzero(mask), np.float32)
    n = 0
    for top, bottom in strips(mask.shape):
        own, inside = gray[top:bottom].astype(np.float32), mask[top:bottom]
        chosen = inside[:, 2:] & inside[:, 1:-1] & inside[:, :-2]
        found = (own[:, 2:] - 2 * own[:, 1:-1] + own[:, :-2])[chosen]
        second[n : n + len(found)] = np.abs(found)
        n += len(found)
    if not n:
        return 0.0
    return float(1.4826 * np.median(second[:n], overwrite_input=True) / hypot(1, 2, 1))
