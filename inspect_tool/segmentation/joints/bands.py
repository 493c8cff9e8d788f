"""Straight strips in or on a joint, of the gray of a void: leads, wires, gaps in the copper behind it, ledges of a die.

Bubbles have no straight sides. A strip that ends at the outline of its joint, or runs along it, is no void. Where it
runs into one, the two are found as one region, and the strip is cut off.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import Mask
from inspect_tool.segmentation.joints.regions import Floats, filled, outer_outline

_NARROWEST_PX, _NEXT = 2.0, 1.35  # half width of the strips that are looked for first, and factor to the next
_LEAST_PX2 = 30  # of a strip
_LONG = 1.5  # times its width: each of its sides
_PARALLEL = 0.15  # sine of the angle between them
_EVEN = 1.6  # factor by which widths of one strip may differ: by its depth, between its sides, at its end
_ALONG = 6.0  # times as long as it reaches into the joint: a strip along the outline; the cap of a disc has 3 at most
_REACH = 0.95  # share of a strip that reaches no farther: its side may be ragged
_AT_PX, _NEAR_PX = 1.5, 8.0  # of the outline; a fillet may part a strip along it from it


def is_band(region: Mask) -> bool:
    """Tell a straight strip of even width, as a lead or wire throws it, from a void."""
    _, (a, b), _ = cv2.minAreaRect(outer_outline(region))
    short, long = min(a, b) + 1, max(a, b) + 1
    return bool(long >= 3 * short and filled(region.astype(np.uint8)).sum() >= 0.75 * short * long)


def without_bands(region: Mask, core: Mask) -> Mask:
    """Cut off a region the straight strips that end at the outline of the joint, or run along it.

    Looked at is what lies near the outline and what a disc does not reach within the region, for growing discs: a strip
    is what is narrower than the void that it runs into.

    Parameters
    ----------
    region, core : boolean array (rows, columns)
        What may be a void, and the joint without the blurred edge of its outline.
    """
    from_outline = _distance(core, outside=1)
    left = region
    half_px, widest = 0.0, _NARROWEST_PX
    while half_px < widest and (near := left & (from_outline < _NEAR_PX)).any():
        half_px = max(_NEXT * half_px, _NARROWEST_PX)
        depth = _distance(left)
        widest = float(depth.max())
        narrow = left if half_px >= widest else left & (_distance(depth <= half_px, outside=1) > half_px)
        _, parts, stats, _ = cv2.connectedComponentsWithStats(narrow.astype(np.uint8), connectivity=8)
        strips = np.zeros(len(stats), bool)
        for number in np.unique(parts[near & narrow]).tolist():
            column, row, wide, high, area = stats[number].tolist()
            box = np.s_[row : row + high, column : column + wide]
            strips[number] = area >= _LEAST_PX2 and _is_strip(parts[box] == number, from_outline[box])
        if strips.any():
            left = left & ~strips[parts]
    return left


def _distance(region: Mask, outside: int = 0) -> NDArray[np.float32]:
    """Distance of every pixel of a region from what is not of it; around the picture is more of it, or not. [px]."""
    padded = np.pad(region.astype(np.uint8), 1, constant_values=outside)
    return np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1], np.float32)


def _is_strip(part: Mask, from_outline: NDArray[np.float32]) -> bool:
    """Tell a strip along the outline of the joint, or one between two straight parallel sides that ends there."""
    area = np.count_nonzero(part)
    width = 4 * float(_distance(part)[part].mean())  # of a strip the mean depth is a quarter of its width
    reach = float(np.quantile(from_outline[part], _REACH))
    if reach <= _EVEN * width + _NEAR_PX and area >= _ALONG * width * reach:
        return True
    end = np.count_nonzero(part & (from_outline < _AT_PX))
    corners = cv2.approxPolyDP(outer_outline(part), max(1.0, 0.15 * width), closed=True)[:, 0].astype(np.float64)
    sides = np.roll(corners, -1, axis=0) - corners
    long = np.hypot(*sides.T)
    first, second = np.argsort(long)[::-1][:2]
    along = sides[first] / long[first]
    apart = abs(_cross(along, corners[second] + sides[second] / 2 - corners[first]))
    return bool(
        long[second] >= _LONG * width
        and abs(_cross(along, sides[second])) <= _PARALLEL * long[second]
        and apart * long[second] >= area / 2
        and all(1 / _EVEN <= other / width <= _EVEN for other in (apart, end))
    )


def _cross(one: Floats, other: Floats) -> float:
    return float(one[0] * other[1] - one[1] * other[0])
