"""Shape of a class as a whole: how much of its area lies in lines, in rims between other classes, around bright floors.

Labels tell what has the gray of a phase, not what it is. Scratches and etched boundaries are lines among grains or pores; the blur
between a bright and a dark phase has the gray of a third one and lies as a rim around it.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import LabelImage, Mask

_WIDTHS_PX = (3, 7, 15)  # a line is narrower than one of these; half of it is the radius of an opening
_LONG = 8.0  # and its area is this many times the square of its width; a disc has 0.8, a square 1
_LEAST_PX2 = 30  # smaller remains are ragged outlines


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


def _opened(mask: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    """What circles wider than a width cover."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width + 2, width + 2))
    kept = cv2.dilate(cv2.erode(mask, disc), disc)
    return np.asarray(kept, dtype=np.uint8)


def _long_parts(parts: NDArray[np.uint8]) -> Mask:
    """The connected parts that are much longer than wide."""
    n, numbers, boxes, _ = cv2.connectedComponentsWithStats(parts, connectivity=8)
    depth = cv2.distanceTransform(parts, cv2.DIST_L2, 3)
    inside = parts > 0
    width = np.zeros(n)
    np.maximum.at(width, numbers[inside], 2 * depth[inside] - 1)
    area = boxes[:, cv2.CC_STAT_AREA]
    long = (area >= _LEAST_PX2) & (area >= _LONG * width**2)
    long[0] = False
    return np.asarray(long[numbers], dtype=np.bool_)
