"""Nested gray-level regions of an image, and the one with the steepest outline among those that lie inside each other.

Of all regions ``image >= level`` those are kept whose edge is at least as steep as that of what lies inside them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import pi
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import GrayImage, LabelImage, Mask

Gray: TypeAlias = NDArray[np.float32]
Floats: TypeAlias = NDArray[np.float64]
Box: TypeAlias = tuple[slice, slice]

CROSS = np.ones((3, 3), np.uint8)
MARGIN = 10  # px around a region: as far as its surroundings are looked at
MAX_CONTACT, MIN_ROUNDNESS, MAX_SHARE = 0.4, 0.15, 0.9  # of a void: see nested_regions; its share of the core [1]
_EDGE = 0.45  # of the median gradient along an outline: less is no edge like the rest of it [1]
_BESIDE = 16  # rows; a blur looks at four standard deviations


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Levels:
    """Gray values of 0 to 255 of an image, made for the part that is asked for."""

    pixels: GrayImage
    low: float = 0.0  # gray value that becomes 0
    factor: np.float32 | None = None  # None: the values are those of the pixels
    inverted: bool = False  # 255 less the value

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns of the image."""
        return self.pixels.shape

    def __getitem__(self, part: Box | slice) -> Gray:
        """Gray values of a box, or of some rows."""
        gray = self.pixels[part].astype(np.float32)
        if self.factor is not None:
            gray = (gray - self.low) * self.factor
        return 255 - gray if self.inverted else gray

    def blurred(self, top: int, bottom: int, sigma: float, *, inverted: bool = False) -> Gray:
        """Rows from ``top`` to before ``bottom`` of the image, or of 255 less it, blurred with a Gaussian."""
        start = max(top - _BESIDE, 0)
        rows = self[start : bottom + _BESIDE]
        return smoothed(255 - rows if inverted else rows, sigma)[top - start : bottom - start]


def eight_bit_scale(pixels: GrayImage) -> Levels:
    """Bring gray values to 0..255; 8-bit images stay as they are, others are stretched over their range."""
    if pixels.dtype == np.uint8:
        return Levels(pixels=pixels)
    low, high = float(pixels.min()), float(pixels.max())
    return Levels(pixels=pixels, low=low, factor=np.float32(255 / max(high - low, 1e-12)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Nest:
    """Bright regions of an image at falling gray levels; a child lies inside its parent."""

    level: Floats
    row: NDArray[np.intp]  # of one pixel of the region
    column: NDArray[np.intp]
    area: NDArray[np.intp]
    score: Floats  # mean gradient along the outline [gray levels/px], 0 for a region of the wrong shape
    contact: Floats  # share of the outline on the border of the mask
    box: NDArray[np.intp]  # left, top, width, height
    children: list[list[int]]
    kept: NDArray[np.bool_]  # its edge is at least as steep as that of what lies inside it
    roots: list[int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidate:
    """A region that may be a void, in a box of the image."""

    box: Box
    region: Mask
    score: float  # mean gradient along the outline [gray levels/px], 0 for a region of the wrong shape
    contact: float  # share of the outline on the border of the mask
    level: float  # gray value from which on it was drawn
    even: float = 1.0  # share of the outline that is an edge as its middle is


def nested_regions(
    image: Gray,
    mask: Mask,
    gradient: Gray,
    levels: Sequence[float],
    *,
    min_area: float,
    max_area: float,
    max_contact: float,
    min_roundness: float,
    fill: bool = False,
) -> Nest:
    """Regions ``image >= level`` for falling levels, each with the steepness of its outline.

    Parameters
    ----------
    image, gradient : array (rows, columns)
        Gray values and the length of their gradient. [gray levels], [gray levels/px]
    mask : boolean array (rows, columns)
        Where regions may lie.
    levels : sequence of float
        Falling.
    min_area, max_area : float
        A region below the smallest is left out, one above the largest is not chosen. [px^2]
    max_contact : float
        Share of the outline that may lie on the border of the mask. [1]
    min_roundness : float
        Least 4 pi area / length^2. [1]
    fill : bool
        Regions have no holes.
    """
    inner = cv2.erode(mask.astype(np.uint8), CROSS, borderValue=0) > 0
    parts: list[tuple[Any, ...]] = []
    parent: list[NDArray[np.intp]] = []
    before: NDArray[np.intp] = np.empty(0, np.intp)
    rows_before = columns_before = before
    total = 0
    for level in levels:
        bright = ((image >= level) & mask).astype(np.uint8)
        if fill:
            bright = filled(bright)
        count, lab, stats, _ = cv2.connectedComponentsWithStats(bright, connectivity=4, ltype=cv2.CV_32S)
        er, ec = np.nonzero(bright & (cv2.erode(bright, CROSS, borderValue=0) == 0))
        owner = lab[er, ec]
        free = inner[er, ec]
        length = np.bincount(owner, minlength=count)
        free_length = np.bincount(owner, weights=free, minlength=count)
        steep = np.bincount(owner, weights=gradient[er, ec] * free, minlength=count)
        # the outline runs between the outermost pixels of the region and the first ones outside
        outside = np.nonzero(inner & (cv2.dilate(bright, CROSS) > bright))
        outer = cv2.dilate(lab.astype(np.float32), CROSS)[outside].astype(np.int32)
        outer_length = np.bincount(outer, minlength=count)
        outer_steep = np.bincount(outer, weights=gradient[outside], minlength=count)
        first = np.zeros(count, np.intp)
        first[owner[::-1]] = np.arange(len(owner))[::-1]
        area = stats[:, 4].astype(np.intp)
        chosen = np.nonzero(area >= min_area)[0]
        chosen = chosen[chosen > 0]
        number = np.full(count, -1, np.intp)
        number[chosen] = total + np.arange(len(chosen))
        if len(before):
            parent.append(number[lab[rows_before, columns_before]])
        contact = 1 - free_length[chosen] / length[chosen]
        roundness = 4 * pi * area[chosen] / (1.1 * length[chosen]) ** 2
        right = (area[chosen] <= max_area) & (contact <= max_contact) & (roundness >= min_roundness)
        both = (
            steep[chosen] / np.maximum(free_length[chosen], 1)
            + outer_steep[chosen] / np.maximum(outer_length[chosen], 1)
        ) / 2
        score = np.where(right, both, 0.0)
        rows_before, columns_before = er[first[chosen]], ec[first[chosen]]
        before = number[chosen]
        total += len(chosen)
        parts.append((
            np.full(len(chosen), level), rows_before, columns_before, area[chosen], score, contact,
            stats[chosen, :4].astype(np.intp), free_length[chosen],
        ))  # fmt: skip
    parent.append(np.full(len(before), -1, np.intp))
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    parents = np.concatenate(parent)
    children: list[list[int]] = [[] for _ in range(total)]
    kept = np.zeros(total, bool)
    weight = np.zeros(total)
    pull = np.zeros(total)  # steepness x length of the best choice inside
    covered = np.zeros(total)  # area of the best choice inside
    score, free_length, area = columns[4], columns[7], columns[3]
    for i, up in enumerate(parents.tolist()):
        inside = pull[i] / weight[i] if weight[i] > 0 else 0.0
        if fill:  # a mark inside a joint may have a steeper edge than the joint
            inside *= (covered[i] / area[i]) ** 0.5
        if score[i] > 0 and score[i] >= inside:
            kept[i] = True
            weight[i], pull[i], covered[i] = free_length[i], score[i] * free_length[i], area[i]
        if up >= 0:
            children[up].append(i)
            weight[up] += weight[i]
            pull[up] += pull[i]
            covered[up] += covered[i]
    return Nest(
        level=columns[0],
        row=columns[1],
        column=columns[2],
        area=area,
        score=score,
        contact=columns[5],
        box=columns[6],
        children=children,
        kept=kept,
        roots=[i for i, up in enumerate(parents.tolist()) if up < 0],
    )


def kept_regions(nest: Nest, todo: list[int]) -> Iterator[int]:
    """Take regions from ``todo`` until it is empty: the kept ones, else those kept inside them.

    What the caller adds to ``todo``, as the children of a region it does not want, is looked at next.
    """
    while todo:
        i = todo.pop()
        if nest.kept[i]:
            yield i
        else:
            todo += nest.children[i]


def region_of(nest: Nest, i: int, image: Gray, mask: Mask, *, margin: int = 0, fill: bool = False) -> tuple[Box, Mask]:
    """Draw region ``i`` of the image and mask it was found in: a box with ``margin`` pixels around it, and a mask."""
    left, top, width, height = nest.box[i].tolist()
    box = grown((slice(top, top + height), slice(left, left + width)), margin, image.shape)
    bright = ((image[box] >= nest.level[i]) & mask[box]).astype(np.uint8)
    _, lab = cv2.connectedComponents(filled(bright) if fill else bright, connectivity=4)
    return box, lab == lab[nest.row[i] - box[0].start, nest.column[i] - box[1].start]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """What the outline of a region is like."""

    steep: float  # mean gradient along it [gray levels/px]
    even: float  # share of it whose gradient is like that of the rest [1]
    contact: float  # share of it on the border of the mask [1]
    roundness: float  # 4 pi area / length^2 [1]


def outline_of(region: Mask, gradient: Gray, inner: Mask) -> Outline:
    """Describe the outline of a region; ``inner`` is the mask it lies in without its outermost pixels."""
    drawn = region.astype(np.uint8)
    edge = region & (cv2.erode(drawn, CROSS, borderValue=0) == 0)
    free = edge & inner
    outside = (cv2.dilate(drawn, CROSS) > drawn) & inner
    length = np.count_nonzero(edge)
    sides = [gradient[side] for side in (free, outside)]
    both = np.concatenate(sides)
    return Outline(
        steep=sum(float(side.mean()) if len(side) else 0.0 for side in sides) / 2,
        even=float(np.mean(both >= _EDGE * np.median(both))) if len(both) else 0.0,
        contact=1 - np.count_nonzero(free) / length,
        roundness=4 * pi * np.count_nonzero(region) / (1.1 * length) ** 2,
    )


def boxes(objects: LabelImage) -> list[tuple[int, Box]]:
    """Numbers of the objects of a label image with their bounding boxes, in rising order."""
    from scipy.ndimage import find_objects

    return [(i + 1, box) for i, box in enumerate(find_objects(objects)) if box is not None]


def grown(box: Box, by: int, shape: tuple[int, ...]) -> Box:
    """Grow a box by so many pixels on every side, within an image of that shape."""
    rows, columns = box
    return (
        slice(max(rows.start - by, 0), min(rows.stop + by, shape[0])),
        slice(max(columns.start - by, 0), min(columns.stop + by, shape[1])),
    )


def widened(box: Box, region: Mask, by: int, shape: tuple[int, ...]) -> tuple[Box, Mask]:
    """Grow a box by so many pixels on every side, and the mask of the region in it with it."""
    wide = grown(box, by, shape)
    own = np.zeros((wide[0].stop - wide[0].start, wide[1].stop - wide[1].start), bool)
    top, left = box[0].start - wide[0].start, box[1].start - wide[1].start
    own[top : top + region.shape[0], left : left + region.shape[1]] = region
    return wide, own


def connected(region: Mask) -> LabelImage:
    """Number the connected parts of a region; pixels that touch at a corner are connected."""
    _, parts = cv2.connectedComponents(region.astype(np.uint8), connectivity=8, ltype=cv2.CV_32S)
    return np.asarray(parts, dtype=np.int32)


def filled(bright: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Fill the holes of a binary image."""
    padded = np.pad(1 - bright, 1, constant_values=1)
    _, holes = cv2.connectedComponents(padded, connectivity=4)
    return np.asarray(bright | (holes[1:-1, 1:-1] > 1), dtype=np.uint8)


def smoothed(image: Gray, sigma: float) -> Gray:
    """Blur with a Gaussian of that standard deviation. [px]."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), dtype=np.float32)


def gradient_of(image: Gray) -> Gray:
    """Length of the gray-level gradient. [gray levels/px]."""
    dy = np.asarray(cv2.Sobel(image, cv2.CV_32F, 0, 1, ksize=3), dtype=np.float32)
    dx = np.asarray(cv2.Sobel(image, cv2.CV_32F, 1, 0, ksize=3), dtype=np.float32)
    dy /= 8
    dx /= 8
    return np.hypot(dx, dy, out=dx)


def outer_outline(region: Mask) -> NDArray[np.int32]:
    """Outermost pixels of a region, of its longest part if there are several; (n, 1, 2): column, row."""
    outlines, _ = cv2.findContours(region.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(max(outlines, key=len), dtype=np.int32)


def is_disc(region: Mask, share: float = 0.8) -> bool:
    """Tell balls and holes from other shapes: they fill that share of the smallest circle around them."""
    _, radius = cv2.minEnclosingCircle(outer_outline(region))
    return bool(region.sum() >= share * pi * (radius + 0.25) ** 2)
