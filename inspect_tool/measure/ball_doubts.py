"""What the gray values of a ball tell against its void share: a hollow middle, an edge beside it, a band across it.

A sound ball is one smooth body of solder with bubbles in it. What else lies in the way of the rays (a component of the
other side, a trace, a lead) may be taken for a void or hide one.
"""

from collections.abc import Iterator
from math import ceil, pi, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.measure.joints import JOINT, VOID, Joints
from inspect_tool.model import GrayImage, LabelImage, Mask, Segmentation

_FILLED = 0.88  # of its box, at most, by a ball
_ARC = 5.0  # px of a sector of the ring around a joint: as wide as a wire
_UNEVEN = 0.17  # of the contrast of a joint
_SIDE = 300  # px of a ball in which bands are looked for: a larger one is reduced
_RINGS = 16  # of solder at one depth, over the radius
_STEP = 0.05  # of the contrast of a ball: solder that lies so far off its ring is no part of one body
_BAND = 0.03  # share of a ball that such solder covers
_SOLID = 0.83  # share of its convex hull that a void fills, also one of bubbles that overlap
_LONG = 2.5  # length over width of a void of bubbles, at most
_BUBBLE = 0.015  # share of a ball from which on a void has a shape

Gray = NDArray[np.float32]
Floats = NDArray[np.float64]


def is_round(found: Joints, i: int) -> bool:
    """Tell whether a joint is a whole ball: it fills π/4 of its box, a pad of straight sides nearly all of it."""
    top, left, bottom, right = found.box[i].tolist()
    height, width = bottom - top, right - left
    return bool(
        not found.touches_edge[i] and 0.8 < height / width < 1.25 and 0.7 <= found.area[i] / (height * width) <= _FILLED
    )


def of_bubbles(region: Mask) -> bool:
    """Tell a void that may be bubbles, also some that overlap, from a band or the side of a ball.

    >>> rows, columns = np.ogrid[:40, :40]
    >>> of_bubbles((rows - 20) ** 2 + (columns - 20) ** 2 < 100), of_bubbles((abs(rows - 20) < 3) & (columns > 1))
    (True, False)
    """
    outlines, _ = cv2.findContours(region.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(outlines, key=len)
    _, (a, b), _ = cv2.minAreaRect(outline)
    hull = cv2.fillConvexPoly(np.zeros(region.shape, np.uint8), cv2.convexHull(outline), 1)
    return bool(
        max(a, b) + 1 <= _LONG * (min(a, b) + 1) and np.count_nonzero(region & (hull > 0)) >= _SOLID * hull.sum()
    )


def hollow(pixels: GrayImage, segmentation: Segmentation, objects: LabelImage, found: Joints) -> int:
    """Count round joints whose solder is lighter in the middle than near the rim.

    A ball is thickest in its middle. Where what is left as solder lets more through there than near the rim, a void
    as wide as most of the ball was probably taken for solder.
    """
    sign = -1.0 if segmentation.told.polarity == "solder bright" else 1.0
    count = 0
    for i, (top, left, bottom, right) in enumerate(found.box.tolist()):
        if not is_round(found, i):
            continue
        box = slice(top, bottom), slice(left, right)
        rows, columns = np.ogrid[top:bottom, left:right]
        share = np.hypot(rows - found.row[i], columns - found.column[i]) / sqrt(found.area[i] / pi)
        own = objects[box] == found.number[i]
        voids = (own & (segmentation.labels[box] != JOINT)).astype(np.uint8)
        solder = own & (cv2.dilate(voids, np.ones((7, 7), np.uint8)) == 0)  # away from the blurred edges of voids
        middle, rim = solder & (share < 0.55), solder & (share > 0.7) & (share < 0.88)
        edge = (share > 1.1) & (objects[box] == 0)
        if np.count_nonzero(middle) < 0.15 * np.count_nonzero(own & (share < 0.55)) or not (rim.any() and edge.any()):
            continue  # the middle is void already
        inner, outer, around = (float(np.median(pixels[box][part].astype(np.float32))) for part in (middle, rim, edge))
        count += sign * (inner - outer) > 0.1 * sign * (around - outer) > 0
    return count


def unevenly_covered(pixels: GrayImage, objects: LabelImage, found: Joints) -> list[int]:
    """Find the round joints that something else lies over with an edge, by their place in ``found``.

    The edge of a component of the other side, a trace or a wire that ends or crosses at a ball shows around it: sectors
    of a ring beside the ball differ by more than ``_UNEVEN`` of the contrast of the ball, even shading apart.
    """
    uneven = []
    for i, (top, left, bottom, right) in enumerate(found.box.tolist()):
        if not is_round(found, i):
            continue
        radius = sqrt(found.area[i] / pi)
        reach = round(0.4 * radius)
        box = slice(max(top - reach, 0), bottom + reach), slice(max(left - reach, 0), right + reach)
        gray, own = pixels[box].astype(np.float32), objects[box]
        rows = np.arange(box[0].start, box[0].start + gray.shape[0])[:, None] - found.row[i]
        columns = np.arange(box[1].start, box[1].start + gray.shape[1])[None] - found.column[i]
        away = np.hypot(rows, columns) - radius
        others = cv2.dilate((own > 0).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        ring = (away > 2.5) & (away < 0.3 * radius) & ~others
        sectors = round(2 * pi * 1.15 * radius / _ARC)
        sector = ((np.arctan2(rows, columns) / (2 * pi) + 0.5) * sectors).astype(np.intp).clip(0, sectors - 1)
        told = [(k, float(np.median(gray[part]))) for k in range(sectors) if (part := ring & (sector == k)).sum() >= 5]
        if len(told) < sectors / 2:
            continue
        angle, level = 2 * pi / sectors * np.array([k for k, _ in told]), np.array([gray for _, gray in told])
        shading = np.stack([np.ones_like(angle), np.cos(angle), np.sin(angle)], axis=1)
        rest = level - shading @ np.linalg.lstsq(shading, level, rcond=None)[0]
        contrast = abs(float(np.median(level)) - float(np.median(gray[own == found.number[i]])))
        if np.ptp(rest) > _UNEVEN * contrast:
            uneven.append(i)
    return uneven


def crossed(pixels: GrayImage, labels: LabelImage, objects: LabelImage, found: Joints) -> list[int]:
    """Find the balls that something lies over which is no bubble, by their place in ``found``.

    Solder of one ball has one gray value at one depth below its outline, even shading apart: a band of it that is
    lighter or darker is something else in the way of the rays, or a void that was missed. A void that is long, or
    notched as bubbles that overlap are not, has such a band in it.
    """
    return [
        i for i in range(len(found.number)) if is_round(found, i) and _is_crossed(pixels, labels, objects, found, i)
    ]


def _is_crossed(pixels: GrayImage, labels: LabelImage, objects: LabelImage, found: Joints, i: int) -> bool:
    top, left, bottom, right = found.box[i].tolist()
    reach = ceil(0.15 * (bottom - top)) + 3
    box = slice(max(top - reach, 0), bottom + reach), slice(max(left - reach, 0), right + reach)
    step = max(1, round((bottom - top) / _SIDE))
    own = objects[box][::step, ::step] == found.number[i]
    void = own & (labels[box][::step, ::step] == VOID)
    area = np.count_nonzero(own)
    void = (
        cv2.morphologyEx(void.astype(np.uint8), cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5)))
        > 0
    )
    if any(not of_bubbles(part) for part in _parts(void, _BUBBLE * area)):
        return True
    gray = pixels[box].astype(np.float32)
    if step > 1:
        gray = np.asarray(cv2.resize(gray, own.shape[::-1], interpolation=cv2.INTER_AREA), np.float32)
    radius = sqrt(area / pi)
    depth = cv2.distanceTransform(np.pad(own, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    other = own & (labels[box][::step, ::step] != JOINT)
    beside = cv2.dilate(other.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0  # the blurred edges of voids
    solder = own & ~beside & (depth > max(3.0, 0.12 * radius))
    outside = cv2.distanceTransform((~own).astype(np.uint8), cv2.DIST_L2, 5)
    around = (outside > 2) & (outside < 0.25 * radius + 2) & (objects[box][::step, ::step] == 0)
    if np.count_nonzero(solder) < 30 or not around.any():
        return False
    contrast = abs(float(np.median(gray[around])) - float(np.median(gray[solder])))
    rest = np.zeros(own.shape, np.float32)
    rest[solder] = _off_its_ring(_smooth_within(gray, solder), solder, depth / radius, contrast)
    least = _BAND * area
    return any(next(_parts(sign * rest > _STEP * contrast, least), None) is not None for sign in (1, -1))


def _off_its_ring(gray: Gray, solder: Mask, depth: Gray, contrast: float) -> Gray:
    """Gray values of solder less those of most of it at the same depth, and less a plane of shading.

    ``depth`` is in radii. Ring and plane are fitted in turn, the plane with little weight on what is far off its ring.
    """
    rows, columns = np.nonzero(solder)
    size = max(solder.shape)
    terms = np.stack([np.ones(len(rows)), rows / size - 0.5, columns / size - 0.5], axis=1)
    values = gray[solder].astype(np.float64)
    ring = (_RINGS * depth[solder]).astype(np.intp)
    plane = np.zeros(len(values))
    for _ in range(5):
        # a band lies over less than two thirds of a ring
        usual = np.zeros(int(ring.max()) + 1)
        for k in np.unique(ring).tolist():
            usual[k] = np.percentile((values - plane)[ring == k], 30)
        rest = values - usual[ring]
        weight = 1 / (1 + ((rest - plane) / (0.02 * contrast + 1e-9)) ** 2)
        plane = terms @ np.linalg.solve((terms * weight[:, None]).T @ terms, (terms * weight[:, None]).T @ rest)
    return (rest - plane).astype(np.float32)


def _smooth_within(gray: Gray, mask: Mask) -> Gray:
    """Blur over one and a half pixels, over the pixels of a mask alone."""
    inside = mask.astype(np.float32)
    weight = np.maximum(cv2.GaussianBlur(inside, (0, 0), 1.5), 1e-3)
    return np.asarray(cv2.GaussianBlur(gray * inside, (0, 0), 1.5) / weight, dtype=np.float32)


def _parts(mask: Mask, least: float) -> Iterator[Mask]:
    """Connected parts of a mask of at least that many pixels."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    return (parts == k for k in range(1, count) if stats[k, cv2.CC_STAT_AREA] >= least)
