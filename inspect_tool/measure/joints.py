"""Areas of joints and of their voids from labels: counted pixels, nothing assumed.

Labels are 0 background, 1 joint (solder), 2 void, 3 via; ``objects`` numbers the joints. A pixel is one
thing only, so overlapping projections count once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import hypot
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import LabelImage, Mask

JOINT, VOID, VIA = 1, 2, 3
_STRIP = 256  # rows
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
    labels: LabelImage, objects: LabelImage, min_void_px: float = 0.0, whole: Mask | None = None
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

    Returns
    -------
    Joints, Voids
        Voids are 8-connected; one that lies in two joints is one void in each.
    """
    numbers = np.nonzero(_present(objects))[0]
    numbers = numbers[numbers > 0]
    size = int(numbers[-1]) + 1 if len(numbers) else 1
    void_map, voids = _voids(labels, objects, min_void_px)
    is_void = void_map > 0
    del void_map
    area = np.zeros(size, np.int64)
    void_area, via_area = area.copy(), area.copy()
    row_sum, column_sum = np.zeros(size), np.zeros(size)
    box = np.zeros((size, 4), np.int64)
    box[:, :2] = max(objects.shape)
    for top, strip in _strips(objects):
        rows, columns = np.nonzero(strip)
        owner = strip[rows, columns]
        rows += top
        area += np.bincount(owner, minlength=size)
        row_sum += np.bincount(owner, weights=rows, minlength=size)  # sums of whole numbers: exact in any order
        column_sum += np.bincount(owner, weights=columns, minlength=size)
        np.minimum.at(box[:, 0], owner, rows)
        np.minimum.at(box[:, 1], owner, columns)
        np.maximum.at(box[:, 2], owner, rows + 1)
        np.maximum.at(box[:, 3], owner, columns + 1)
        void_area += np.bincount(owner[is_void[rows, columns]], minlength=size)
        via_area += np.bincount(owner[labels[rows, columns] == VIA], minlength=size)
    largest = np.zeros(size, np.int64)
    np.maximum.at(largest, voids.joint, voids.area)
    pick = numbers
    n = np.maximum(area, 1)
    return (
        Joints(
            number=numbers.astype(np.int64),
            row=(row_sum / n)[pick],
            column=(column_sum / n)[pick],
            area=area[pick],
            void_area=void_area[pick],
            via_area=via_area[pick],
            voids=np.bincount(voids.joint, minlength=size)[pick].astype(np.int64),
            largest_void=largest[pick],
            void_edge=_sides(objects, size, is_void)[pick],
            joint_edge=_sides(objects, size)[pick],
            touches_edge=_touching(objects, whole, size)[pick],
            box=box[pick],
        ),
        voids,
    )


def _voids(labels: LabelImage, objects: LabelImage, min_void_px: float) -> tuple[LabelImage, Voids]:
    """Number the voids that count, joint by joint."""
    inside = np.where(labels == VOID, objects, 0)
    count, connected, stats, middle = cv2.connectedComponentsWithStats(
        (inside > 0).astype(np.uint8), connectivity=8, ltype=cv2.CV_32S
    )
    parts: LabelImage = np.asarray(connected, dtype=np.int32)
    # joints that touch: a void across both is a void of each
    first = np.zeros(count, np.int32)
    first[parts.ravel()] = inside.ravel()
    crossing = any(((own > 0) & (inside[top : top + len(own)] != first[own])).any() for top, own in _strips(parts))
    if crossing:
        pairs = np.stack([parts.ravel(), inside.ravel()], axis=1)[parts.ravel() > 0]
        kinds, index = np.unique(pairs, axis=0, return_inverse=True)
        parts = np.zeros_like(parts)
        parts[inside > 0] = index.ravel() + 1
        area = np.bincount(parts.ravel())[1:].astype(np.int64)
        joint = kinds[:, 1].astype(np.int64)
        rows, columns = np.nonzero(parts)
        row = np.bincount(parts[rows, columns], weights=rows)[1:] / area
        column = np.bincount(parts[rows, columns], weights=columns)[1:] / area
    else:
        area, joint = stats[1:, 4].astype(np.int64), first[1:].astype(np.int64)
        column = np.asarray(middle[1:, 0], dtype=np.float64)
        row = np.asarray(middle[1:, 1], dtype=np.float64)
    del inside
    counts = area >= np.pi / 4 * min_void_px**2
    renumber = np.concatenate([[0], np.where(counts, np.cumsum(counts), 0)]).astype(np.int32)
    for _, own in _strips(parts):
        own[:] = renumber[own]
    return parts, Voids(
        joint=joint[counts],
        row=row[counts],
        column=column[counts],
        area=area[counts],
    )


def _present(objects: LabelImage) -> NDArray[np.bool_]:
    """Tell for every number up to the largest one if it occurs."""
    there = np.zeros(int(objects.max(initial=0)) + 1, bool)
    for _, strip in _strips(objects):
        there[strip] = True
    return there


def _strips(image: LabelImage) -> Iterator[tuple[int, LabelImage]]:
    """Cut an image into strips of rows, each with its first row, to bound the memory of what is made of them."""
    for top in range(0, image.shape[0], _STRIP):
        yield top, image[top : top + _STRIP]


def _sides(objects: LabelImage, size: int, only: Mask | None = None) -> Counts:
    """Pixel sides of each object, or of its part in ``only``, that border on something else or the image border."""
    total = np.zeros(size, np.int64)
    above = np.zeros((1, objects.shape[1]), objects.dtype)
    for top, strip in _strips(objects):
        own = strip if only is None else strip * only[top : top + len(strip)]
        down = np.concatenate([above, own])
        across = np.pad(own, ((0, 0), (1, 1)))
        above = own[-1:].copy()
        for a, b in ((down[1:], down[:-1]), (across[:, 1:], across[:, :-1])):
            differ = a != b
            total += np.bincount(a[differ], minlength=size) + np.bincount(b[differ], minlength=size)
    last = above[above > 0]
    total += np.bincount(last, minlength=size)  # the lower border of the image
    return total


def _touching(objects: LabelImage, whole: Mask | None, size: int) -> NDArray[np.bool_]:
    inner = np.ones(objects.shape, np.uint8) if whole is None else whole.astype(np.uint8)
    deep = cv2.erode(inner, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    touching = np.zeros(size, bool)
    touching[objects[deep == 0]] = True
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
    rows, columns = np.nonzero(objects == number)
    (c0, r0), (width, height), angle = cv2.minAreaRect(np.stack([columns, rows], axis=1).astype(np.float32))
    turn = np.deg2rad(angle)
    axis = np.array([np.cos(turn), np.sin(turn)])  # (column, row) direction of the "width" side
    if abs(axis[0]) < abs(axis[1]):
        axis, (width, height) = np.array([axis[1], -axis[0]]), (height, width)
    if axis[0] < 0:
        axis = -axis

    def local(r: NDArray[np.intp] | Reals, c: NDArray[np.intp] | Reals) -> tuple[Reals, Reals]:
        return (c - c0) * axis[0] + (r - r0) * axis[1], (r - r0) * axis[0] - (c - c0) * axis[1]

    void_map, voids = _voids(labels, np.where(objects == number, objects, 0), min_void_px)
    right, down = local(rows, columns)
    quarter = (down >= 0).astype(np.intp) * 2 + (right >= 0)
    kind = labels[rows, columns]
    available = np.bincount(quarter[kind != VIA], minlength=4)
    void = np.bincount(quarter[void_map[rows, columns] > 0], minlength=4)
    shares = {name: 100.0 * void[i] / available[i] if available[i] else 0.0 for i, name in enumerate(QUADRANTS)}
    total = int(available.sum())
    corner = across_share = 0.0
    across: Literal["", "length", "width"] = ""
    for i, area in enumerate(voids.area.tolist(), start=1):
        r, c = np.nonzero(void_map == i)
        x, y = local(r, c)
        left, rest = x.min() <= -width / 2 + reach_px, x.max() >= width / 2 - reach_px
        top, bottom = y.min() <= -height / 2 + reach_px, y.max() >= height / 2 - reach_px
        share = 100.0 * area / total
        if (left or rest) and (top or bottom):
            corner = max(corner, share)
        if ((left and rest) or (top and bottom)) and share > across_share:
            across_share = share
            sideways = bool(left and rest)
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


def gray_noise(gray: NDArray[np.float32], mask: Mask) -> float:
    """Standard deviation of the gray noise inside a mask, blind to slopes and edges. [gray levels].

    Median absolute second difference along rows, scaled for normal noise.
    """
    second = gray[:, 2:] - 2 * gray[:, 1:-1] + gray[:, :-2]
    inside = mask[:, 2:] & mask[:, 1:-1] & mask[:, :-2]
    if not inside.any():
        return 0.0
    return float(1.4826 * np.median(np.abs(second[inside])) / hypot(1, 2, 1))
