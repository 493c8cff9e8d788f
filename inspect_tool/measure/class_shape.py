"""Shape of a class as a whole: how much lies in lines, in rims of others, and how much is missing in holes.

Labels tell what has the gray of a phase, not what it is. Scratches and etched boundaries are lines among grains or
pores, the gray between a bright and a dark phase is a rim where they touch, and a pore whose floor reflects light is a
ring.
"""

from collections.abc import Iterator
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import LabelImage, Mask
from inspect_tool.pixels.bits import BitMask
from inspect_tool.pixels.distances import distances
from inspect_tool.pixels.parts import connected_parts, strips

_WIDTHS_PX = (3, 7, 15)  # a line is narrower than one of these; half of it is the radius of an opening
_LONG = 8.0  # and its area is this many times the square of its width; a disc has 0.8, a square 1
_LEAST_PX2 = 30  # smaller remains are ragged outlines
_CELLS = 8  # along rows and columns
_ROWS = 256  # of a band, at least
_BAND_PX = 1 << 21  # that are looked at together
_REACH_PX = 12  # how far a thin mask is looked at around some rows, at first: it is hardly thicker
_RIM_REACH_PX = 24  # beyond what tells of a rim
_RIM_PX = 7  # a rim is narrower: what a blur of 1 to 2 px leaves between two grays


def line_percent(mask: Mask) -> float:
    """Share of the area of a class that lies in lines: thin, long parts, free or attached to others. [%]

    A part counts where an opening takes it away (it is thin) and its area is at least eight times the square of the
    width of the largest circle in it (it is long). Cost is linear in pixels.

    Examples
    --------
    >>> scene = np.zeros((60, 80), bool)
    >>> scene[30:33, 5:75] = True
    >>> line_percent(scene)
    100.0
    >>> scene[10:20, 10:20] = True
    >>> round(line_percent(scene))
    68
    """
    total = int(mask.sum())
    if not total:
        return 0.0
    found: BitMask | None = None
    for width in _WIDTHS_PX:
        long = _long_parts(_thinner(mask, width))
        found = long if found is None else found | long
    assert found is not None
    return 100 * found.sum() / total


def cells_percent(mask: Mask) -> float:
    """Share of the cells of a grid of 8 x 8 over a field in which a class is found: a network is in most. [%]

    Examples
    --------
    >>> scene = np.zeros((80, 80), bool)
    >>> scene[41:43] = True
    >>> cells_percent(scene)
    12.5
    """
    cells = [min(_CELLS, length) for length in mask.shape]
    rows, columns = ([i * length // n for i in range(n)] for n, length in zip(cells, mask.shape, strict=True))
    seen = np.zeros((len(rows), mask.shape[1]), np.bool_)
    for i, (start, stop) in enumerate(pairwise([*rows, mask.shape[0]])):
        for top in range(start, stop, _ROWS):
            seen[i] |= mask[top : min(top + _ROWS, stop)].any(axis=0)
    held = np.logical_or.reduceat(seen, columns, axis=1)
    return 100 * float(held.mean())


def rim_percent(labels: LabelImage, number: int, roi: Mask | None = None) -> float:
    """Share of the area of a class in thin rims where two other classes meet, with one of them on either side. [%]

    Parameters
    ----------
    labels : array of int, (rows, columns)
        Class numbers.
    number : int
        Of the class that is judged.
    roi : array of bool, optional
        True where the image counts.

    Examples
    --------
    >>> scene = np.zeros((60, 80), np.int32)
    >>> scene[:, 40:43], scene[:, 43:] = 1, 2
    >>> rim_percent(scene, 1)
    100.0
    >>> scene[:, 43:] = 0
    >>> rim_percent(scene, 1)
    0.0
    """
    total = thin = 0
    for rows, around in _bands(labels.shape, _RIM_REACH_PX):
        part = labels[around]
        if roi is not None:
            part = np.where(roi[around], part.astype(np.int16), np.int16(-1))
        own = part[rows] == number
        if own.any():
            total += int(np.count_nonzero(own))
            thin += int(np.count_nonzero(_rims(part, number)[rows]))
    return 100 * thin / total if total else 0.0


def _rims(labels: LabelImage, number: int) -> Mask:
    """Pixels of a class in thin rims between two others; -1: outside the region."""
    mask = labels == number
    radius = (_RIM_PX + 1) / 2
    thin = mask & (_away(_away(~mask) > radius) > radius)
    beside = np.zeros(mask.shape, np.uint8)
    for other in np.unique(labels):
        if other not in (number, -1):
            beside += _away(labels == other) <= _RIM_PX + 1
    found: Mask = thin & (beside > 1)
    return found


def hole_percent(mask: Mask) -> float:
    """Share of the filled area of the objects of a class that holes take, which are smaller than the object around. [%]

    Objects are 8-connected, holes 4-connected; what is larger than the object around it is enclosed, not a hole in it.

    Examples
    --------
    >>> ring = np.zeros((20, 20), bool)
    >>> ring[2:12, 2:12] = True
    >>> ring[5:10, 5:10] = False
    >>> hole_percent(ring)
    25.0
    """
    objects = connected_parts(lambda top, bottom: mask[top:bottom], mask.shape)
    rest = connected_parts(lambda top, bottom: ~mask[top:bottom], mask.shape, connectivity=4)
    top, left, bottom, right = rest.box.T
    enclosed = (left > 0) & (top > 0) & (right < mask.shape[1]) & (bottom < mask.shape[0])
    enclosed[0] = False
    if not enclosed.any():
        return 0.0
    around = np.zeros(len(rest.area), np.int64)  # area of the object above the first pixel of each
    above = np.zeros(mask.shape[1], np.int32)
    for first, end in strips(mask.shape):
        numbers, own = rest.rows(first, end), objects.rows(first, end)
        row, column = np.nonzero(enclosed[numbers])
        number = numbers[row, column]
        begins = (row + first == top[number]) & (around[number] == 0)
        row, column, number = row[begins], column[begins], number[begins]
        around[number] = objects.area[np.where(row > 0, own[row - 1, column], above[column])]
        above = own[-1]
    area = rest.area[enclosed]
    holes = int(area[area < around[enclosed]].sum())
    total = int(objects.area.sum())
    return 100 * holes / (total + holes)


def _away(mask: Mask) -> NDArray[np.float32]:
    """Distance of every pixel to the nearest one of a mask, alike in all directions; far where it is empty. [px]"""
    return distances(~mask)


def _bands(shape: tuple[int, ...], reach: int) -> Iterator[tuple[slice, slice]]:
    """Rows of an image in bands, where they lie in what is around them, and that: wider by a reach on both sides."""
    tall = max(_ROWS, _BAND_PX // max(1, shape[1]))
    for top in range(0, shape[0], tall):
        bottom, low = min(top + tall, shape[0]), max(0, top - reach)
        yield slice(top - low, bottom - low), slice(low, min(shape[0], bottom + reach))


def _made(shape: tuple[int, ...], bands: Iterator[Mask]) -> BitMask:
    """Put a mask together of bands of its rows."""
    return BitMask(np.concatenate([np.packbits(band, axis=1) for band in bands]), (shape[0], shape[1]))


def _thinner(mask: Mask, width: int) -> BitMask:
    """What no circle wider than a width covers."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width + 2, width + 2))

    def thin() -> Iterator[Mask]:
        for rows, around in _bands(mask.shape, 2 * (width + 2)):
            part = np.ascontiguousarray(mask[around]).view(np.uint8)
            opened = np.asarray(cv2.dilate(cv2.erode(part, disc), disc), np.uint8)
            yield (part & ~opened)[rows].view(np.bool_)

    return _made(mask.shape, thin())


def _long_parts(thin: BitMask) -> BitMask:
    """The connected parts of a thin mask that are much longer than wide."""
    parts = connected_parts(lambda top, bottom: thin[top:bottom], thin.shape)
    width = np.zeros(len(parts.area))
    for top, bottom in strips(thin.shape):
        numbers = parts.rows(top, bottom)
        inside = numbers > 0
        if inside.any():
            depth = _depth(thin, top, bottom)[inside]
            np.maximum.at(width, numbers[inside].astype(np.intp), 2 * depth - 1)
    long = (parts.area >= _LEAST_PX2) & (parts.area >= _LONG * width**2)
    long[0] = False
    return _made(thin.shape, (long[parts.rows(top, bottom)] for top, bottom in strips(thin.shape)))


def _depth(mask: BitMask, top: int, bottom: int) -> NDArray[np.float32]:
    """Distance of the pixels of some rows to the nearest one outside of a mask, as of the whole mask. [px]"""
    reach = _REACH_PX
    while True:
        low, high = max(0, top - reach), min(mask.shape[0], bottom + reach)
        wide = cv2.distanceTransform(mask[low:high].view(np.uint8), cv2.DIST_L2, 3)
        depth = np.asarray(wide, np.float32)[top - low : bottom - low]
        # what is nearer than the reach has been seen; farther things may lie beyond
        if (low == 0 and high == mask.shape[0]) or float(depth.max()) < reach - 1:
            return depth
        reach *= 4
