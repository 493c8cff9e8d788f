"""Shape of a class as a whole: how much lies in lines, in rims of others, and how much is missing in holes.

Labels tell what has the gray of a phase, not what it is. Scratches and etched boundaries are lines among grains or
pores, the gray between a bright and a dark phase is a rim where they touch, and a pore whose floor reflects light is a
ring.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import LabelImage, Mask

_WIDTHS_PX = (3, 7, 15)  # a line is narrower than one of these; half of it is the radius of an opening
_LONG = 8.0  # and its area is this many times the square of its width; a disc has 0.8, a square 1
_LEAST_PX2 = 30  # smaller remains are ragged outlines
_CELLS = 8  # along rows and columns
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
    total = int(np.count_nonzero(mask))
    if not total:
        return 0.0
    found = np.zeros(mask.shape, np.bool_)
    whole = mask.view(np.uint8)
    for width in _WIDTHS_PX:
        found |= _long_parts(whole & ~_opened(whole, width))
    return 100 * int(np.count_nonzero(found)) / total


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
    held = np.logical_or.reduceat(np.logical_or.reduceat(mask, rows, axis=0), columns, axis=1)
    return 100 * float(held.mean())


def rim_percent(labels: LabelImage, number: int) -> float:
    """Share of the area of a class in thin rims where two other classes meet, with one of them on either side. [%]

    Parameters
    ----------
    labels : array of int, (rows, columns)
        Class numbers; -1 where the image does not count.
    number : int
        Of the class that is judged.

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
    mask = labels == number
    total = int(np.count_nonzero(mask))
    if not total:
        return 0.0
    radius = (_RIM_PX + 1) / 2
    thin = mask & (_away(_away(~mask) > radius) > radius)
    beside = np.zeros(mask.shape, np.uint8)
    for other in np.unique(labels):
        if other not in (number, -1):  # -1: outside the region
            beside += _away(labels == other) <= _RIM_PX + 1
    return 100 * int(np.count_nonzero(thin & (beside > 1))) / total


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
    _, numbers, boxes, _ = cv2.connectedComponentsWithStats((~mask).view(np.uint8), connectivity=4)
    left, top = boxes[:, cv2.CC_STAT_LEFT], boxes[:, cv2.CC_STAT_TOP]
    right, bottom = left + boxes[:, cv2.CC_STAT_WIDTH], top + boxes[:, cv2.CC_STAT_HEIGHT]
    enclosed = (left > 0) & (top > 0) & (right < mask.shape[1]) & (bottom < mask.shape[0])
    enclosed[0] = False
    if not enclosed.any():
        return 0.0
    found = np.flatnonzero(enclosed)
    # above any pixel of its top row lies the object around it
    columns = [left[i] + int(np.argmax(numbers[top[i], left[i] : right[i]] == i)) for i in found]
    del numbers  # as large as the image of the objects
    _, objects, sizes, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    area = boxes[found, cv2.CC_STAT_AREA]
    around = sizes[objects[top[found] - 1, columns], cv2.CC_STAT_AREA]
    holes = int(area[area < around].sum())
    total = int(np.count_nonzero(mask))
    return 100 * holes / (total + holes)


def _away(mask: Mask) -> NDArray[np.float32]:
    """Distance of every pixel to the nearest one of a mask, alike in all directions; far where it is empty. [px]"""
    found = cv2.distanceTransform((~mask).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(found, dtype=np.float32)


def _opened(mask: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    """What circles wider than a width cover."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width + 2, width + 2))
    kept = cv2.dilate(cv2.erode(mask, disc), disc)
    return np.asarray(kept, dtype=np.uint8)


def _long_parts(parts: NDArray[np.uint8]) -> Mask:
    """The connected parts that are much longer than wide."""
    inside = parts.view(np.bool_)
    depth = cv2.distanceTransform(parts, cv2.DIST_L2, 3)[inside]  # before the numbers: each image has 4 bytes per pixel
    n, numbers, boxes, _ = cv2.connectedComponentsWithStats(parts, connectivity=8)
    width = np.zeros(n)
    np.maximum.at(width, numbers[inside].astype(np.intp), 2 * depth.astype(np.float32) - 1)
    area = boxes[:, cv2.CC_STAT_AREA]
    long = (area >= _LEAST_PX2) & (area >= _LONG * width**2)
    long[0] = False
    return np.asarray(long[numbers], dtype=np.bool_)
