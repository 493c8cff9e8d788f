"""Outlines of joints and voids: how steep and how round their edges are, and where the true rim lies."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import pi

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import LabelImage, Mask
from inspect_tool.pixels.parts import Area, Parts, Rows, strips
from inspect_tool.segmentation.joints.regions import Box, Floats, Gray, Levels, boxes, gradient_of, grown, is_disc

# Blurred discs of thickness (1 - (d/r)^2)^p, smoothed and outlined as here. For every p of _ROUNDNESS over _WIDTHS,
# the radius of the outline in widths of the edge (contrast over steepest gradient): how high the outline lies
# between the ground (0) and the middle (1), and how many widths it lies inside the true rim.
_ROUNDNESS = (0.0, 0.2, 0.5, 0.8)
_WIDTHS = (0.6, 0.7, 0.85, 1.0, 1.3, 1.7, 2.2, 3.0, 4.5, 6.5, 9.0, 13.0)
_HEIGHTS = (
    (0.70, 0.65, 0.58, 0.54, 0.51, 0.50, 0.495, 0.495, 0.49, 0.49, 0.49, 0.49),
    (0.70, 0.65, 0.575, 0.53, 0.485, 0.455, 0.43, 0.405, 0.37, 0.335, 0.31, 0.28),
    (0.70, 0.65, 0.58, 0.525, 0.46, 0.39, 0.335, 0.265, 0.19, 0.13, 0.095, 0.065),
    (0.70, 0.65, 0.58, 0.51, 0.415, 0.31, 0.20, 0.09, 0.05, 0.03, 0.02, 0.01),
)
_SHIFTS = (
    (0.02, 0.03, 0.05, 0.06, 0.055, 0.037, 0.03, 0.02, 0.01, 0.005, 0.005, 0.005),
    (0.05, 0.07, 0.11, 0.13, 0.125, 0.115, 0.105, 0.095, 0.082, 0.07, 0.065, 0.06),
    (0.11, 0.15, 0.19, 0.225, 0.23, 0.20, 0.175, 0.145, 0.105, 0.08, 0.06, 0.045),
    (0.15, 0.18, 0.26, 0.33, 0.315, 0.25, 0.175, 0.12, 0.08, 0.06, 0.04, 0.03),
)
# Blurred images of balls (truncated spheres of 0.6 to 1 diameter, Beer-Lambert exponent 0.5 to 2.5): height of the
# steepest edge between ground and middle -> its way to the rim over the length in which the edge rises to there;
# at 0.5 it is a step.
_BALL_EDGE = ((0.2, 0.42, 0.5), (0.48, 0.33, 0.0))
_ROUNDEST = 0.55  # of a void: a sphere, a little more so as the light falls off exponentially
_FURTHEST = 2.0  # px that an outline is moved from the steepest edge
_REACH = 12  # px around a region: five to the farthest pixel that is looked at, as many to what else is near that one


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rims:
    """Bright regions of an image and the gray values beside their outlines, one entry per region, 0 is none."""

    parts: LabelImage
    near: LabelImage  # number of a region within five pixels
    in_px: Gray  # distance from the outline
    out_px: Gray
    deepest: Floats  # largest distance from the outline, inside
    area: Floats
    length: Floats  # of the outline toward what is no region
    high: Floats  # three pixels inside and deeper
    core: Floats  # deeper than half way to the deepest pixel
    low: Floats  # around
    edge: Floats  # at the outline
    steep: Floats  # gradient at the outline [gray levels/px]


def rims_of(image: Gray, lab: LabelImage, allowed: Mask) -> Rims:
    """Gray values beside the outlines of numbered bright regions; only ``allowed`` pixels count outside them."""
    count, region = int(lab.max()) + 1, lab > 0
    out_px = np.asarray(cv2.distanceTransform((~region).astype(np.uint8), cv2.DIST_L2, 5), dtype=np.float32)
    in_px = np.asarray(cv2.distanceTransform(region.astype(np.uint8), cv2.DIST_L2, 5), dtype=np.float32)
    near = cv2.dilate(lab.astype(np.float32), np.ones((11, 11), np.uint8)).astype(np.int32)
    deepest, area = np.zeros(count, np.float32), np.zeros(count, np.intp)
    sides = np.zeros(count)
    for top, bottom in strips(lab.shape):
        np.maximum.at(deepest, lab[top:bottom].ravel(), in_px[top:bottom].ravel())
        area += np.bincount(lab[top:bottom].ravel(), minlength=count)
    padded = np.pad(lab, 1)
    for a, b in ((padded[1:], padded[:-1]), (padded[:, 1:], padded[:, :-1])):
        differ = (a == 0) != (b == 0)
        sides += np.bincount(a[differ], minlength=count) + np.bincount(b[differ], minlength=count)
    del padded, differ, a, b
    rim_in, rim_out = region & (in_px <= 1.5), allowed & (out_px > 0) & (out_px <= 1.5)
    high = _means(image, lab, region & (in_px >= np.minimum(np.float32(3), deepest)[lab]), count)
    core = _means(image, lab, region & (in_px >= (deepest / 2)[lab]), count)
    low = _means(image, near, allowed & (out_px > 2.5) & (out_px <= 5), count)
    gradient = gradient_of(image)
    return Rims(
        parts=lab,
        near=near,
        in_px=in_px,
        out_px=out_px,
        deepest=deepest.astype(np.float64),
        area=area.astype(np.float64),
        length=pi / 4 * sides,  # pixel sides of a smooth outline are 4/pi times its length
        high=high,
        core=core,
        low=low,
        edge=(_means(image, lab, rim_in, count) + _means(image, near, rim_out, count)) / 2,
        steep=(_means(gradient, lab, rim_in, count) + _means(gradient, near, rim_out, count)) / 2,
    )


def moved_outline(
    image: Area[Gray], parts: Parts, allowed: Callable[[Box], Mask], share: float
) -> Iterator[tuple[Box, Mask]]:
    """Move the outline of bright regions to another gray level, by at most two pixels.

    Parameters
    ----------
    image : gives the gray values in a box
        In which the regions are brighter than their surroundings.
    parts : Parts
        The regions.
    allowed : callable
        Where in a box regions may grow.
    share : float
        Of the local contrast; > 0 grows (a lower level), < 0 shrinks. [1]

    Yields
    ------
    box, mask
        The pixels in a box that a region gets (``share`` > 0) or loses.
    """
    numbers = Rows(parts.rows, parts.shape)
    tight = ((slice(top, bottom), slice(left, right)) for top, left, bottom, right in parts.box[1:].tolist())
    for box, own, gray, rims in _rims_apart(image, enumerate(tight, start=1), numbers, parts.shape, allowed):
        contrast = float(rims.high[own] - rims.low[own])
        edge = float(rims.edge[own])
        if not (np.isfinite(contrast) and contrast > 0 and np.isfinite(edge)):
            continue
        level = np.float32(edge - share * contrast)
        if share > 0:
            near = (rims.near == own) & (rims.out_px > 0) & (rims.out_px <= 2)
            yield box, near & allowed(box) & (gray >= level)
        else:
            yield box, (rims.parts == own) & (rims.in_px <= 2) & (gray < level)


def _rims_apart(
    image: Area[Gray],
    regions: Iterable[tuple[int, Box]],
    numbered: Area[LabelImage],
    shape: tuple[int, ...],
    allowed: Callable[[Box], Mask],
) -> Iterator[tuple[Box, int, Gray, Rims]]:
    """Rims of numbered bright regions one by one: a box, the number of the region in it, gray values in it, its rims.

    The box reaches so far that all within five pixels of the region is as in the whole image; other
    regions in the box may be cut, and only what belongs to the number is complete.
    """
    for number, tight in regions:
        box = grown(tight, _REACH, shape)
        lab = numbered[box]
        numbers = np.unique(np.concatenate([np.unique(lab[top:bottom]) for top, bottom in strips(lab.shape)] + [[0]]))
        parts = np.empty(lab.shape, np.int32)
        for top, bottom in strips(lab.shape):
            parts[top:bottom] = np.searchsorted(numbers, lab[top:bottom])
        del lab
        gray = image[box]
        yield box, int(np.searchsorted(numbers, number)), gray, rims_of(gray, parts, allowed(box))


def edge_shape(rims: Rims) -> tuple[Floats, Floats, Floats]:
    """Height of the outline between ground and middle, radius in widths of the edge, and that width. [1], [1], [px]."""
    contrast = rims.core - rims.low
    with np.errstate(invalid="ignore", divide="ignore"):
        radius = np.sqrt(rims.area / pi)
        width = np.where((contrast > 0) & (rims.steep > 0), contrast / rims.steep, np.nan)
        height = np.where(contrast > 0, (rims.edge - rims.low) / contrast, np.nan)
        return np.asarray(height), np.asarray(radius / width, dtype=np.float64), np.asarray(width)


def roundness_of_edges(
    shapes: Sequence[tuple[Floats, Floats, Floats]], lengths: Sequence[Floats], usual: float
) -> float:
    """Find how round the shoulder of the regions of one image is: p of thickness (1 - (d/r)^2)^p.

    0 is a step (flat walls), 0.5 a sphere. The p whose outlines lie as high as the ones that were found (their
    ``edge_shape``), in least absolute deviation with the length of the outlines as weight; ``usual`` counts as much as
    30 px of outline.
    """
    heights = np.concatenate([height for height, _, _ in shapes])
    widths = np.concatenate([width for _, width, _ in shapes])
    weights = np.concatenate(lengths)
    told = np.isfinite(heights) & np.isfinite(widths) & (widths >= 1.15)
    trial = np.linspace(_ROUNDNESS[0], _ROUNDEST, 41)
    curves = np.array([np.interp(widths[told], _WIDTHS, row) for row in _HEIGHTS])  # p, region
    prior = np.interp([usual, *trial], _ROUNDNESS, [row[6] for row in _HEIGHTS])
    cost = 30 * np.abs(prior[1:] - prior[0])
    for k, p in enumerate(trial.tolist()):
        expected = _at_roundness(p, curves)
        cost[k] += float((weights[told] * np.abs(heights[told] - expected)).sum())
    return float(trial[int(np.argmin(cost))])


def ways_to_rim(shape: tuple[Floats, Floats, Floats], roundness: float) -> Floats:
    """How far the rim of each region of that ``edge_shape`` lies outside its steepest edge. [px]."""
    _, widths, width = shape
    rows = np.array([np.interp(np.nan_to_num(widths), _WIDTHS, row) for row in _SHIFTS])
    return np.asarray(np.nan_to_num(_at_roundness(roundness, rows) * width), dtype=np.float64)


def _at_roundness(p: float, rows: Floats) -> Floats:
    """Interpolate between the rows of an array (one per p of ``_ROUNDNESS``, columns)."""
    i = min(int(np.searchsorted(_ROUNDNESS, p, side="right")) - 1, len(_ROUNDNESS) - 2)
    t = (p - _ROUNDNESS[i]) / (_ROUNDNESS[i + 1] - _ROUNDNESS[i])
    return np.asarray((1 - t) * rows[i] + t * rows[i + 1], dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fringe:
    """Pixels around the regions of a ``Rims`` by which these may grow: region by region, the highest first."""

    row: NDArray[np.int32]
    column: NDArray[np.int32]
    owner: NDArray[np.int32]
    length: Floats  # of the outline of each region

    def taken(self, way: Floats) -> Mask:
        """Tell the pixels that regions get whose outlines move outwards by parts of a pixel, at most by two.

        As many as the way times the length of the outline asks for, those first that are highest on the edge.
        """
        way = np.clip(way, 0, _FURTHEST)
        more = np.rint(self.length * way + pi * way**2).astype(np.intp)
        taken = np.arange(len(self.owner)) - np.searchsorted(self.owner, self.owner) < more[self.owner]
        return np.asarray(taken, dtype=np.bool_)


def fringe_of(image: Gray, rims: Rims, allowed: Mask) -> Fringe:
    """Find the pixels by which the regions of ``rims`` may grow."""
    r, c = np.nonzero(allowed & (rims.parts == 0) & (rims.near > 0) & (rims.out_px <= _FURTHEST + 1))
    owner = rims.near[r, c]
    order = np.lexsort((rims.out_px[r, c] - image[r, c] / np.maximum(rims.steep[owner], 1e-6), owner))
    return Fringe(
        row=r[order].astype(np.int32), column=c[order].astype(np.int32), owner=owner[order], length=rims.length
    )


def balls_at_rim(image: Levels, inside: Mask, objects: LabelImage) -> LabelImage:
    """Move the outlines of balls from the steepest edge to the rim, which lies outside it: their side is round.

    All balls of an image are alike and move by one way. The edges of other joints are steps and stay.
    """
    joints = boxes(objects)
    discs = [is_disc(objects[box] == number) for number, box in joints]
    if 2 * sum(discs) <= len(discs):
        return objects

    def balls() -> Iterator[tuple[Box, int, Gray, Rims]]:
        dark = Rows(lambda top, bottom: image.blurred(top, bottom, 0.8, inverted=True), image.shape)
        return _rims_apart(dark, joints, objects, objects.shape, lambda box: inside[box])

    shapes = np.array([[float(values[own]) for values in edge_shape(rims)] for _, own, _, rims in balls()])
    height, width = (values[np.isfinite(values)] for values in (shapes[:, 0], shapes[:, 2]))
    if not (len(height) and len(width)):
        return objects
    middle = float(np.median(height))
    way = float(np.interp(middle, *_BALL_EDGE)) * middle * float(np.median(width))
    moved = objects.copy()
    for (number, _), (box, own, gray, rims) in zip(joints, balls(), strict=True):
        fringe = fringe_of(gray, rims, inside[box])
        added = fringe.taken(np.full(len(rims.area), way)) & (fringe.owner == own)
        moved[box][fringe.row[added], fringe.column[added]] = number
    return moved


def _means(image: Gray, labels: LabelImage, where: Mask, count: int) -> Floats:
    n, total = np.zeros(count, np.intp), np.zeros(count)
    for top, bottom in strips(labels.shape):
        chosen = labels[top:bottom][where[top:bottom]]
        n += np.bincount(chosen, minlength=count)
        np.add.at(total, chosen, image[top:bottom][where[top:bottom]].astype(np.float64))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(total / n, dtype=np.float64)
