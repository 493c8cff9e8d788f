"""Solder joints and their voids in X-ray transmission images.

Joints are given (shapes, a CSV of positions, a mask) or found. Voids are found inside each joint
against that joint's own solder background, so that the dome of a ball or the shading of a large pad
does not decide what a void is.

Joints and voids are found by one principle: of all nested gray-level regions of the image, those
are kept whose outline lies on the steepest gray-level edge. For a step edge blurred by the focal
spot this is the true outline. On a round shoulder, as of a spherical void or the side of a ball, the steepest
edge lies up to a pixel inside the rim; how round the shoulders of an image are shows in the height of
their steepest edge between ground and middle, and the outlines are moved to the rim by what blurred
discs and balls of that shape need. A region counts as a void when it stands
out against the solder around it by a share of the joint's own contrast and by a multiple of the local
noise, is at least as large as the stated minimum size, and does not just continue a ramp.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import pi
from pathlib import Path
from time import perf_counter
from typing import Any, Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import BackendError, SettingsError
from inspect_tool.model import LabelImage, Mask, Micrograph, Segmentation

KINDS: tuple[Literal["semantic", "instance"], ...] = ("semantic",)
PATHS = ("positions", "joint_mask")
CLASSES = {0: "background", 1: "joint", 2: "void"}
VIA = 3

Gray: TypeAlias = NDArray[np.float32]
Floats: TypeAlias = NDArray[np.float64]
Box: TypeAlias = tuple[slice, slice]

_LEVELS = 48  # gray levels between the weakest void and the brightest one
_EDGE_SHARE = 0.07  # of the local contrast: how far a plausible outline lies from the one that was drawn
_DOUBT = 0.45  # evidence between this and 1/this of what is asked for: a void that may or may not be one
_CROSS = np.ones((3, 3), np.uint8)

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
_FURTHEST = 2.0  # px that an outline is moved from the steepest edge


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A joint, void or via in pixels of the image; give exactly one of the three outlines."""

    name: str = ""
    rectangle: tuple[float, float, float, float] | None = None  # top, left, height, width
    polygon: tuple[tuple[float, float], ...] = ()  # (row, column) corners
    circle: tuple[float, float, float] | None = None  # row, column, diameter


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What to look for. Lengths are pixels of the image, contrasts are shares of the joint's own contrast."""

    layout: Literal["auto", "balls", "pads", "die"] = "auto"  # what is in the image: solder balls, pads, or one die
    polarity: Literal["auto", "solder dark", "solder bright"] = "auto"  # dark: as more metal absorbs more
    joints: tuple[Shape, ...] = ()  # outlines to measure in; empty: they are looked for (docs/solder_voids.md)
    positions: str = ""  # CSV: name,row,column,diameter or name,row,column,height,width
    joint_mask: str = ""  # image: 0 outside; other values number the joints (one value: connected parts)
    outline: Literal["given", "found"] = "given"  # given joints: take the shape, or look for the edge near it
    voids: tuple[Shape, ...] = ()  # drawn by hand: nothing else counts as a void, overlaps count once
    vias: tuple[Shape, ...] = ()  # plated holes in the pad: neither solder nor void
    find_vias: bool = False  # true: look for round, sharp ones, nearly as light as the surroundings
    straight_bands: Literal["ignore", "count"] = "ignore"  # leads and wires that cross a joint
    void_polarity: Literal["lighter", "darker"] = "lighter"  # of a void against its solder, in transmission
    min_void_px: float = 3.0  # equivalent diameter of the smallest void that counts [px]
    min_contrast: float = 0.04  # of a void, as a share of joint against surroundings [1]
    significance: float = 12.0  # contrast x sqrt(area) in units of the local noise
    min_joint_px: float = 12.0  # equivalent diameter of the smallest joint that is looked for [px]
    surface_degree: int | None = None  # of the polynomial solder background; None: 2 for round joints, 4 for others


def load(settings: Settings) -> None:
    """Check what can be checked without an image; there is nothing to load."""
    given = sum((bool(settings.joints), bool(settings.positions), bool(settings.joint_mask)))
    if given > 1:
        msg = "backend joints: give one of 'joints', 'positions' and 'joint_mask', not several"
        raise SettingsError(msg)
    for key in ("joints", "voids", "vias"):
        for i, shape in enumerate(getattr(settings, key)):
            _check_shape(shape, f"backend.{key}.{i}")
    for key, low in (("min_void_px", 1.0), ("min_joint_px", 4.0), ("significance", 0.0), ("min_contrast", 0.0)):
        if getattr(settings, key) < low:
            msg = f"backend.{key}: got {getattr(settings, key):g}, must be >= {low:g}"
            raise SettingsError(msg)
    if settings.surface_degree is not None and not 0 <= settings.surface_degree <= 6:
        msg = f"backend.surface_degree: got {settings.surface_degree}, must be 0 to 6"
        raise SettingsError(msg)


def segment(model: None, micrograph: Micrograph, settings: Settings) -> Segmentation:  # noqa: ARG001 - contract
    """Label solder 1, voids 2 and vias 3; ``objects`` numbers the joints.

    Returns
    -------
    Segmentation
        Semantic. ``settings`` holds the joint names in the order of their numbers, the polarity
        and layout that were found, and the contrast and noise of the joints.
    """
    started = perf_counter()
    gray = micrograph.pixels.astype(np.float32)
    where = micrograph.path or "image"
    if not np.isfinite(gray).all():
        msg = f"{where}: holds values that are not numbers; repair the image"
        raise BackendError(msg)
    if float(np.ptp(gray)) <= 0:
        msg = f"{where}: every pixel has the same gray value; check the file"
        raise BackendError(msg)
    gray = _eight_bit_scale(gray, micrograph.pixels.dtype)
    inside = np.ones(gray.shape, bool) if micrograph.roi is None else micrograph.roi
    objects, names, image, found = _joints(gray, inside, settings, where)
    labels, support, details = _labels(image, objects, settings)
    labels[~inside] = 0
    objects[~inside] = 0
    has_vias = bool((labels == VIA).any())
    return Segmentation(
        labels=labels,
        classes={**CLASSES, VIA: "via"} if has_vias else dict(CLASSES),
        kind="semantic",
        backend="joints",
        objects=objects,
        probability=None if settings.voids else support,
        settings={
            **{
                key: getattr(settings, key)
                for key in (
                    "outline", "straight_bands", "void_polarity", "min_void_px", "min_contrast",
                    "significance", "min_joint_px", "surface_degree", "find_vias",
                )
            },
            **found,
            **details,
            "joint_names": names,
        },
        seconds=perf_counter() - started,
        coverage=float(inside.mean()),
    )  # fmt: skip


def alternatives(
    model: None, micrograph: Micrograph, settings: Settings, segmentation: Segmentation
) -> Iterator[tuple[str, Segmentation]]:
    """Yield the same joints with outlines at other plausible gray levels.

    The outline of every void and of every joint is moved to the gray level that lies 7 % of the local
    contrast lower or higher, within two pixels of where it was; given outlines are not moved. Voids that just
    count, or just do not, are left out or taken in.
    """
    load(settings)
    del model
    gray = _eight_bit_scale(micrograph.pixels.astype(np.float32), micrograph.pixels.dtype)
    dark = segmentation.settings["polarity"] == "solder dark"
    image = _smoothed(gray if dark else 255 - gray, 0.8)
    lighter = settings.void_polarity == "lighter"
    assert segmentation.objects is not None  # made by segment above
    joint = segmentation.objects > 0
    if not settings.voids:
        void = segmentation.labels == 2
        assert segmentation.probability is not None
        for name, doubtful in (
            ("faint voids -", void & (segmentation.probability < 0.9)),
            ("faint voids +", ~void & (segmentation.probability > 0.1)),
        ):
            if doubtful.any():
                changed = np.where(doubtful, 1 if name.endswith("-") else 2, segmentation.labels)
                labels = np.where(segmentation.labels == VIA, VIA, changed).astype(np.int32)
                yield name, _with_labels(segmentation, labels, segmentation.objects)
        for name, share in (("void edge -", -_EDGE_SHARE), ("void edge +", _EDGE_SHARE)):
            moved = moved_outline(image if lighter else -image, void, joint & (segmentation.labels != VIA), share)
            labels = np.where(moved, 2, np.where(void, 1, segmentation.labels)).astype(np.int32)
            yield name, _with_labels(segmentation, labels, segmentation.objects)
    if not (settings.joints or settings.positions or settings.joint_mask) or settings.outline == "found":
        everywhere = np.ones(joint.shape, bool) if micrograph.roi is None else micrograph.roi
        for name, share in (("joint edge -", -_EDGE_SHARE), ("joint edge +", _EDGE_SHARE)):
            moved = moved_outline(-image, joint, everywhere, share)
            objects = np.where(moved, _nearest(segmentation.objects), 0).astype(np.int32)
            labels = np.where(moved, np.maximum(segmentation.labels, 1), 0).astype(np.int32)
            yield name, _with_labels(segmentation, labels, objects)


# ------------------------------------------------------------------------------------------------- outlines


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rims:
    """Bright regions of an image and the gray values beside their outlines, one entry per region, 0 is none."""

    parts: LabelImage
    near: LabelImage  # number of a region within five pixels
    in_px: Gray  # distance from the outline
    out_px: Gray
    deepest: Floats  # largest distance from the outline, inside
    area: Floats
    length: Floats  # of the outline
    high: Floats  # three pixels inside and deeper
    core: Floats  # deeper than half way to the deepest pixel
    low: Floats  # around
    edge: Floats  # at the outline
    steep: Floats  # gradient at the outline [gray levels/px]


def _rims(image: Gray, lab: LabelImage, allowed: Mask) -> _Rims:
    count, region = int(lab.max()) + 1, lab > 0
    out_px = np.asarray(cv2.distanceTransform((~region).astype(np.uint8), cv2.DIST_L2, 5), dtype=np.float32)
    in_px = np.asarray(cv2.distanceTransform(region.astype(np.uint8), cv2.DIST_L2, 5), dtype=np.float32)
    near = cv2.dilate(lab.astype(np.float32), np.ones((11, 11), np.uint8)).astype(np.int32)
    deepest = np.zeros(count, np.float32)
    np.maximum.at(deepest, lab.ravel(), in_px.ravel())
    gradient = _gradient(image)
    rim_in, rim_out = region & (in_px <= 1.5), allowed & (out_px > 0) & (out_px <= 1.5)
    sides = np.zeros(count)
    padded = np.pad(lab, 1)
    for a, b in ((padded[1:], padded[:-1]), (padded[:, 1:], padded[:, :-1])):
        differ = a != b
        sides += np.bincount(a[differ], minlength=count) + np.bincount(b[differ], minlength=count)
    return _Rims(
        parts=lab,
        near=near,
        in_px=in_px,
        out_px=out_px,
        deepest=deepest.astype(np.float64),
        area=np.bincount(lab.ravel(), minlength=count).astype(np.float64),
        length=pi / 4 * sides,  # pixel sides of a smooth outline are 4/pi times its length
        high=_means(image, lab, region & (in_px >= np.minimum(3.0, deepest[lab])), count),
        core=_means(image, lab, region & (in_px >= deepest[lab] / 2), count),
        low=_means(image, near, allowed & (out_px > 2.5) & (out_px <= 5), count),
        edge=(_means(image, lab, rim_in, count) + _means(image, near, rim_out, count)) / 2,
        steep=(_means(gradient, lab, rim_in, count) + _means(gradient, near, rim_out, count)) / 2,
    )


def moved_outline(image: Gray, region: Mask, allowed: Mask, share: float) -> Mask:
    """Move the outline of bright regions to another gray level, by at most two pixels.

    Parameters
    ----------
    image : array (rows, columns)
        Gray values in which the regions are brighter than their surroundings.
    region : boolean array
    allowed : boolean array
        Where regions may grow.
    share : float
        Of the local contrast; > 0 grows (a lower level), < 0 shrinks. [1]

    Returns
    -------
    boolean array
    """
    if not region.any():
        return region.copy()
    rims = _rims(image, _connected(region), allowed)
    contrast = rims.high - rims.low
    known = np.isfinite(contrast) & (contrast > 0) & np.isfinite(rims.edge)
    level = np.where(known, rims.edge - share * contrast, np.inf if share > 0 else -np.inf).astype(np.float32)
    if share > 0:
        grown = allowed & (rims.out_px > 0) & (rims.out_px <= 2) & (rims.near > 0) & (image >= level[rims.near])
        return np.asarray(region | grown, dtype=bool)
    return np.asarray(region & ~((rims.in_px <= 2) & (image < level[rims.parts])), dtype=bool)


def _connected(region: Mask) -> LabelImage:
    _, parts = cv2.connectedComponents(region.astype(np.uint8), connectivity=8, ltype=cv2.CV_32S)
    return np.asarray(parts, dtype=np.int32)


def _edge_shape(rims: _Rims) -> tuple[Floats, Floats, Floats]:
    """Height of the outline between ground and middle, radius in widths of the edge, and that width. [1], [1], [px]."""
    contrast = rims.core - rims.low
    with np.errstate(invalid="ignore", divide="ignore"):
        radius = np.sqrt(rims.area / pi)
        width = np.where((contrast > 0) & (rims.steep > 0), contrast / rims.steep, np.nan)
        height = np.where(contrast > 0, (rims.edge - rims.low) / contrast, np.nan)
        return np.asarray(height), np.asarray(radius / width, dtype=np.float64), np.asarray(width)


def _roundness_of_edges(rims: Sequence[_Rims], usual: float) -> float:
    """Find how round the shoulder of the regions of one image is: p of thickness (1 - (d/r)^2)^p.

    0 is a step (flat walls), 0.5 a sphere. The p whose outlines lie as high as the ones that were found, in least
    absolute deviation with the length of the outlines as weight; ``usual`` counts as much as 30 px of outline.
    """
    found = [_edge_shape(each) for each in rims]
    heights = np.concatenate([height for height, _, _ in found])
    widths = np.concatenate([width for _, width, _ in found])
    lengths = np.concatenate([each.length for each in rims])
    told = np.isfinite(heights) & np.isfinite(widths) & (widths >= 1.15)
    trial = np.linspace(_ROUNDNESS[0], _ROUNDNESS[-1], 41)
    curves = np.array([np.interp(widths[told], _WIDTHS, row) for row in _HEIGHTS])  # p, region
    prior = np.interp([usual, *trial], _ROUNDNESS, [row[6] for row in _HEIGHTS])
    cost = 30 * np.abs(prior[1:] - prior[0])
    for k, p in enumerate(trial.tolist()):
        i = min(int(np.searchsorted(_ROUNDNESS, p, side="right")) - 1, len(_ROUNDNESS) - 2)
        t = (p - _ROUNDNESS[i]) / (_ROUNDNESS[i + 1] - _ROUNDNESS[i])
        expected = (1 - t) * curves[i] + t * curves[i + 1]
        cost[k] += float((lengths[told] * np.abs(heights[told] - expected)).sum())
    return float(trial[int(np.argmin(cost))])


def _ways_to_rim(rims: _Rims, roundness: float) -> Floats:
    """How far the rim of each region lies outside its steepest edge. [px]."""
    _, widths, width = _edge_shape(rims)
    rows = np.array([np.interp(np.nan_to_num(widths), _WIDTHS, row) for row in _SHIFTS])
    i = min(int(np.searchsorted(_ROUNDNESS, roundness, side="right")) - 1, len(_ROUNDNESS) - 2)
    t = (roundness - _ROUNDNESS[i]) / (_ROUNDNESS[i + 1] - _ROUNDNESS[i])
    return np.asarray(np.nan_to_num(((1 - t) * rows[i] + t * rows[i + 1]) * width), dtype=np.float64)


def _grown_by(image: Gray, rims: _Rims, allowed: Mask, way: Floats) -> LabelImage:
    """Move outlines outwards by parts of a pixel, at most two pixels.

    As many pixels are added as the way times the length of the outline asks for, those first that are
    highest on the edge.
    """
    way = np.clip(way, 0, _FURTHEST)
    more = np.rint(rims.length * way + pi * way**2).astype(np.intp)
    r, c = np.nonzero(allowed & (rims.parts == 0) & (rims.near > 0) & (rims.out_px <= _FURTHEST + 1))
    owner = rims.near[r, c]
    order = np.lexsort((rims.out_px[r, c] - image[r, c] / np.maximum(rims.steep[owner], 1e-6), owner))
    r, c, owner = r[order], c[order], owner[order]
    taken = np.arange(len(owner)) - np.searchsorted(owner, owner) < more[owner]
    moved = rims.parts.copy()
    moved[r[taken], c[taken]] = owner[taken]
    return moved


def _means(image: Gray, labels: LabelImage, where: Mask, count: int) -> Floats:
    chosen = labels[where]
    n = np.bincount(chosen, minlength=count)
    total = np.bincount(chosen, weights=image[where], minlength=count)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(total / n, dtype=np.float64)


def _nearest(objects: LabelImage) -> LabelImage:
    """Number of the nearest object for every pixel."""
    _, index = cv2.distanceTransformWithLabels(
        (objects == 0).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    number = np.zeros(int(index.max()) + 1, np.int32)
    inside = objects > 0
    number[index[inside]] = objects[inside]
    return np.asarray(number[index], dtype=np.int32)


def _with_labels(segmentation: Segmentation, labels: LabelImage, objects: LabelImage) -> Segmentation:
    return Segmentation(
        labels=labels,
        classes=segmentation.classes,
        kind="semantic",
        backend=segmentation.backend,
        settings=segmentation.settings,
        objects=objects,
        coverage=segmentation.coverage,
    )


# ----------------------------------------------------------------------------------- nested gray-level regions


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Nest:
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


def _nested_regions(
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
) -> _Nest:
    """Regions ``image >= level`` for falling levels, each with the steepness of its outline."""
    inner = cv2.erode(mask.astype(np.uint8), _CROSS, borderValue=0) > 0
    parts: list[tuple[Any, ...]] = []
    parent: list[NDArray[np.intp]] = []
    before: NDArray[np.intp] = np.empty(0, np.intp)
    rows_before = columns_before = before
    total = 0
    for level in levels:
        bright = ((image >= level) & mask).astype(np.uint8)
        if fill:
            bright = _filled(bright)
        count, lab, stats, _ = cv2.connectedComponentsWithStats(bright, connectivity=4, ltype=cv2.CV_32S)
        er, ec = np.nonzero(bright & (cv2.erode(bright, _CROSS, borderValue=0) == 0))
        owner = lab[er, ec]
        free = inner[er, ec]
        length = np.bincount(owner, minlength=count)
        free_length = np.bincount(owner, weights=free, minlength=count)
        steep = np.bincount(owner, weights=gradient[er, ec] * free, minlength=count)
        # the outline runs between the outermost pixels of the region and the first ones outside
        wide = cv2.dilate(lab.astype(np.float32), _CROSS).astype(np.int32)
        outer = np.where((bright == 0) & inner, wide, 0)
        outer_length = np.bincount(outer.ravel(), minlength=count)
        outer_steep = np.bincount(outer.ravel(), weights=gradient.ravel(), minlength=count)
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
    return _Nest(
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


def _filled(bright: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Fill the holes of a binary image."""
    padded = np.pad(1 - bright, 1, constant_values=1)
    _, holes = cv2.connectedComponents(padded, connectivity=4)
    return np.asarray(bright | (holes[1:-1, 1:-1] > 1), dtype=np.uint8)


def _smoothed(image: Gray, sigma: float) -> Gray:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), dtype=np.float32)


def _gradient(image: Gray) -> Gray:
    """Length of the gray-level gradient. [gray levels/px]."""
    dy = cv2.Sobel(image, cv2.CV_32F, 0, 1, ksize=3) / 8
    dx = cv2.Sobel(image, cv2.CV_32F, 1, 0, ksize=3) / 8
    return np.asarray(np.hypot(dx, dy), dtype=np.float32)


# ---------------------------------------------------------------------------------------------------- joints


def _joints(
    gray: Gray, inside: Mask, settings: Settings, where: str
) -> tuple[LabelImage, tuple[str, ...], Gray, dict[str, Any]]:
    """Joint numbers, their names, the image with dark solder, and what was found about it."""
    shape = gray.shape
    if settings.joints or settings.positions or settings.joint_mask:
        if settings.joint_mask:
            objects, names = _joints_of_mask(Path(settings.joint_mask), shape)
            source = f"mask {Path(settings.joint_mask).name}"
        elif settings.positions:
            objects, names = _drawn(read_positions(Path(settings.positions)), shape, where)
            source = f"positions {Path(settings.positions).name}"
        else:
            objects, names = _drawn(settings.joints, shape, where)
            source = "shapes of the job"
        objects[~inside] = 0
        polarity = settings.polarity if settings.polarity != "auto" else _polarity_of_joints(gray, objects)
        image = gray if polarity == "solder dark" else 255 - gray
        if settings.outline == "found":
            objects = _balls_at_rim(image, inside, _edges_near(image, inside, objects))
        return objects, names, image, {"polarity": polarity, "layout": "given", "joints": source}
    polarities = [settings.polarity] if settings.polarity != "auto" else _likely_polarities(gray, inside)
    for polarity in polarities:
        image = gray if polarity == "solder dark" else 255 - gray
        objects, layout = _found(image, inside, settings)
        if objects.any():
            names = tuple(str(i + 1) for i in range(int(objects.max())))
            return objects, names, image, {"polarity": polarity, "layout": layout, "joints": "found in the image"}
    msg = (
        f"{where}: no joint found ({' or '.join(polarities)}, layout '{settings.layout}', diameter >= "
        f"{settings.min_joint_px:g} px); give [backend] joints, positions or joint_mask"
    )
    raise BackendError(msg)


def _likely_polarities(gray: Gray, inside: Mask) -> list[Literal["solder dark", "solder bright"]]:
    """Order the polarities: what lies along the border of the image is rather not solder."""
    smooth = cv2.GaussianBlur(gray, (0, 0), 1.5).astype(np.uint8)
    level, _ = cv2.threshold(smooth[inside].reshape(-1, 1), 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    border = np.concatenate([smooth[0], smooth[-1], smooth[:, 0], smooth[:, -1]])
    # solder is dark in transmission; only a border that is clearly dark speaks for an inverted picture
    return ["solder bright", "solder dark"] if (border <= level).mean() > 0.75 else ["solder dark", "solder bright"]


def _polarity_of_joints(gray: Gray, objects: LabelImage) -> Literal["solder dark", "solder bright"]:
    joint = objects > 0
    around = (cv2.dilate(joint.astype(np.uint8), np.ones((13, 13), np.uint8)) > 0) & ~joint
    if not around.any() or not joint.any():
        return "solder dark"
    return "solder bright" if np.median(gray[joint]) > np.median(gray[around]) else "solder dark"


def _found(image: Gray, inside: Mask, settings: Settings) -> tuple[LabelImage, str]:
    """Find joints: dark regions with the steepest closed outlines, then those that belong to one layout."""
    step = 2 if image.size > 500_000 else 1
    small = cv2.resize(image, None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA) if step > 1 else image
    mask = inside if step == 1 else cv2.resize(inside.astype(np.uint8), small.shape[::-1], interpolation=0) > 0
    bright = np.asarray(255 - cv2.GaussianBlur(cv2.medianBlur(small, 3), (0, 0), 1.2), dtype=np.float32)
    low, high = np.percentile(bright[mask], [1, 99.5])
    if high - low < 3:
        return np.zeros(image.shape, np.int32), settings.layout
    levels = np.linspace(low + 0.04 * (high - low), high, 40)[::-1].tolist()
    least = pi / 4 * (settings.min_joint_px / step) ** 2
    if settings.layout in ("pads", "die"):
        least = max(least, {"pads": 0.002, "die": 0.05}[settings.layout] * mask.sum())
    nest = _nested_regions(
        bright,
        mask,
        _gradient(bright),
        levels,
        min_area=least,
        max_area=0.97 * float(mask.sum()),
        max_contact=0.45,
        min_roundness=0.12,
        fill=True,
    )
    candidates: list[tuple[int, Box, Mask, float, float]] = []
    todo = list(nest.roots)
    while todo:
        i = todo.pop()
        if not nest.kept[i]:
            todo += nest.children[i]
            continue
        left, top, width, height = nest.box[i].tolist()
        box = (slice(top, top + height), slice(left, left + width))
        part = _filled(((bright[box] >= nest.level[i]) & mask[box]).astype(np.uint8))
        _, lab = cv2.connectedComponents(part, connectivity=4)
        region = lab == lab[nest.row[i] - top, nest.column[i] - left]
        candidates.append((i, box, region, _roundness(region), float(nest.score[i])))
    candidates = _dark_inside(candidates, bright)
    chosen, layout = _of_one_layout(candidates, settings.layout)
    objects = np.zeros(image.shape, np.int32)
    regions = []
    for i, box, region, _, _ in chosen:
        full: Box
        if step > 1:
            full = (
                slice(box[0].start * step, min(box[0].stop * step, image.shape[0])),
                slice(box[1].start * step, min(box[1].stop * step, image.shape[1])),
            )
            size = (full[1].stop - full[1].start, full[0].stop - full[0].start)
            region = cv2.resize(region.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
        else:
            full = box
        regions.append(_at_steepest_edge(image, inside, full, region, 255 - float(nest.level[i])))
    for number, (box, region) in enumerate(_in_reading_order(regions), start=1):
        objects[box][region & (objects[box] == 0)] = number
    return _balls_at_rim(image, inside, objects), layout


def _balls_at_rim(image: Gray, inside: Mask, objects: LabelImage) -> LabelImage:
    """Move the outlines of balls from the steepest edge to the rim, which lies outside it: their side is round.

    All balls of an image are alike and move by one way. The edges of other joints are steps and stay.
    """
    discs = [_is_disc(objects[box] == number) for number, box in _boxes(objects)]
    if 2 * sum(discs) <= len(discs):
        return objects
    dark = _smoothed(255 - image, 0.8)
    rims = _rims(dark, objects, inside)
    height, _, width = (values[np.isfinite(values)] for values in _edge_shape(rims))
    if not (len(height) and len(width)):
        return objects
    middle = float(np.median(height))
    way = float(np.interp(middle, *_BALL_EDGE)) * middle * float(np.median(width))
    return _grown_by(dark, rims, inside, np.full(len(rims.area), way))


def _dark_inside(
    candidates: list[tuple[int, Box, Mask, float, float]], bright: Gray
) -> list[tuple[int, Box, Mask, float, float]]:
    """Leave out rings and faint shapes: the inside of a joint differs from its surroundings as that of the others."""
    contrast = []
    for _, box, region, _, _ in candidates:
        wide = _grown(box, 6, bright.shape)
        own = np.zeros((wide[0].stop - wide[0].start, wide[1].stop - wide[1].start), np.uint8)
        top, left = box[0].start - wide[0].start, box[1].start - wide[1].start
        own[top : top + region.shape[0], left : left + region.shape[1]] = region
        around = (cv2.dilate(own, np.ones((11, 11), np.uint8)) > 0) & (cv2.dilate(own, np.ones((5, 5), np.uint8)) == 0)
        outside = float(np.median(bright[wide][around])) if around.any() else float(bright.min())
        contrast.append(float(np.median(bright[wide][own > 0])) - outside)
    if not contrast:
        return candidates
    weight = np.array([region.sum() for _, _, region, _, _ in candidates], dtype=float)
    typical = contrast[int(np.argmax(weight * np.maximum(contrast, 0)))]
    return [each for each, found in zip(candidates, contrast, strict=True) if found >= 0.5 * typical]


def _roundness(region: Mask) -> float:
    """Area of a region over that of a disc as wide as its longer extent."""
    height, width = region.shape
    return float(region.sum() / (pi / 4 * max(height, width) ** 2))


def _is_disc(region: Mask) -> bool:
    """Tell a ball from other joints: it fills four fifths of the smallest circle around it."""
    outlines, _ = cv2.findContours(region.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    _, radius = cv2.minEnclosingCircle(max(outlines, key=len))
    return bool(region.sum() >= 0.8 * pi * (radius + 0.25) ** 2)


def _of_one_layout(
    candidates: list[tuple[int, Box, Mask, float, float]], layout: str
) -> tuple[list[tuple[int, Box, Mask, float, float]], str]:
    if not candidates:
        return [], layout
    area = np.array([region.sum() for _, _, region, _, _ in candidates], dtype=float)
    score = np.array([each[4] for each in candidates])
    strong = score >= 0.35 * score.max()
    round_ones = np.array([0.80 <= each[3] <= 1.15 and _solid(each[2]) for each in candidates]) & strong
    if layout in ("auto", "balls") and round_ones.any():
        usual = float(np.median(area[round_ones & (area >= 0.25 * np.max(area[round_ones]))]))
        alike = round_ones & (area > 0.4 * usual) & (area < 2.5 * usual)
        if layout == "balls" or (alike.sum() >= 4 and area[alike].sum() > 0.5 * area[strong].sum()):
            # the others of the array: cut by the image edge or joined to a trace
            also = strong & (area > 0.25 * usual) & (area < 2.5 * usual)
            return [each for each, keep in zip(candidates, also, strict=True) if keep], "balls"
    if layout == "balls":
        return [], layout
    weight = area * score
    if layout == "die":
        return [candidates[int(np.argmax(weight))]], "die"
    large = strong & (area >= 0.15 * area[np.argmax(weight)])
    chosen = [each for each, keep in zip(candidates, large, strict=True) if keep]
    return chosen, "pads" if layout == "pads" or len(chosen) > 1 else "die"


def _solid(region: Mask) -> bool:
    outlines, _ = cv2.findContours(region.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = cv2.contourArea(cv2.convexHull(max(outlines, key=len)))
    return bool(region.sum() >= 0.85 * hull)


def _at_steepest_edge(image: Gray, inside: Mask, box: Box, region: Mask, level: float) -> tuple[Box, Mask]:
    """Draw the outline of one dark region again at full resolution, at the level with the steepest edge."""
    wide = _grown(box, 6, image.shape)
    crop = _smoothed(image[wide], 0.8)
    seed = np.zeros(crop.shape, bool)
    seed[
        box[0].start - wide[0].start : box[0].stop - wide[0].start,
        box[1].start - wide[1].start : box[1].stop - wide[1].start,
    ] = region
    near = cv2.dilate(seed.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    sure = cv2.erode(seed.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    around = near & ~cv2.dilate(seed.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    rim = seed & ~sure
    if not (sure.any() and around.any() and rim.any()):
        return wide, seed & inside[wide]
    gradient = _gradient(crop)
    inner = np.ones(crop.shape, bool)
    inner[[0, -1]] = False
    inner[:, [0, -1]] = False
    low, high = float(np.percentile(crop[rim], 10)), float(np.percentile(crop[around], 60))
    best, best_region = -1.0, seed
    for candidate in [level, *np.linspace(low, high, 16)[1:-1].tolist()]:
        drawn = _filled((((crop <= candidate) & near) | sure).astype(np.uint8))
        inside_edge = (drawn > 0) & (cv2.erode(drawn, _CROSS) == 0) & inner
        outside_edge = (drawn == 0) & (cv2.dilate(drawn, _CROSS) > 0) & inner
        if not (inside_edge.any() and outside_edge.any()):
            continue
        # the outline runs between the outermost pixels of the region and the first ones outside
        steep = float(gradient[inside_edge].mean() + gradient[outside_edge].mean()) / 2
        if steep > best:
            best, best_region = steep, drawn > 0
    count, lab, stats, _ = cv2.connectedComponentsWithStats(best_region.astype(np.uint8), connectivity=4)
    if count > 2:
        best_region = lab == 1 + int(np.argmax(stats[1:, 4]))
    return wide, best_region & inside[wide]


def _edges_near(image: Gray, inside: Mask, objects: LabelImage) -> LabelImage:
    """Move given outlines to the steepest edge near them."""
    found = np.zeros_like(objects)
    for number, box in _boxes(objects):
        given = objects[box] == number
        for _ in range(3):  # each round reaches four pixels
            middle = float(np.median(image[box][given]))
            box, given = _at_steepest_edge(image, inside, box, given, middle)
        found[box][given & (found[box] == 0)] = number
    return found


def _in_reading_order(regions: list[tuple[Box, Mask]]) -> list[tuple[Box, Mask]]:
    """Sort by rows of joints, then from left to right."""
    if not regions:
        return []
    middle = [((box[0].start + box[0].stop) / 2, (box[1].start + box[1].stop) / 2) for box, _ in regions]
    height = float(np.median([box[0].stop - box[0].start for box, _ in regions]))
    order = sorted(range(len(regions)), key=lambda i: middle[i][0])
    lines: list[list[int]] = []
    for i in order:
        if lines and middle[i][0] - middle[lines[-1][0]][0] < height / 2:
            lines[-1].append(i)
        else:
            lines.append([i])
    return [regions[i] for line in lines for i in sorted(line, key=lambda i: middle[i][1])]


# ----------------------------------------------------------------------------------------------- given joints


def read_positions(path: Path) -> tuple[Shape, ...]:
    """Read joint positions from a CSV: name,row,column,diameter, or name,row,column,height,width. [px].

    Rows and columns are those of the joint's center. Anything wrong is a ``SettingsError`` that names line and column.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        msg = f"{path.name}: not UTF-8 text; save it as CSV UTF-8"
        raise SettingsError(msg) from None
    except OSError as error:
        msg = f"{path.name}: cannot be read: {error.strerror}"
        raise SettingsError(msg) from None
    first = text.split("\n", 1)[0]
    reader = csv.reader(text.splitlines(), delimiter=";" if first.count(";") > first.count(",") else ",")
    head = [name.strip() for name in next(reader, [])]
    for needed in ("name", "row", "column"):
        if needed not in head:
            msg = f"{path.name} line 1: column '{needed}' is missing; the columns are name,row,column,diameter"
            raise SettingsError(msg)
    if not ("diameter" in head or {"height", "width"} <= set(head)):
        msg = f"{path.name} line 1: give column 'diameter', or 'height' and 'width'"
        raise SettingsError(msg)
    shapes: list[Shape] = []
    seen: dict[str, int] = {}
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        line = reader.line_num
        if len(cells) != len(head):
            msg = f"{path.name} line {line}: has {len(cells)} cells, the head has {len(head)}"
            raise SettingsError(msg)
        texts = dict(zip(head, (cell.strip() for cell in cells), strict=True))
        name = texts["name"]
        if not name or name in seen:
            what = f"'{name}' stands already in line {seen[name]}" if name else "is empty"
            msg = f"{path.name} line {line}, column 'name': {what}; every joint needs its own name"
            raise SettingsError(msg)
        seen[name] = line
        row, column = (_number(texts, key, path.name, line) for key in ("row", "column"))
        if texts.get("diameter"):
            circle = (row, column, _number(texts, "diameter", path.name, line, positive=True))
            shapes.append(Shape(name=name, circle=circle))
        else:
            height, width = (
                _number(texts, key if key in texts else "diameter", path.name, line, positive=True)
                for key in ("height", "width")
            )
            shapes.append(Shape(name=name, rectangle=(row - height / 2, column - width / 2, height, width)))
    if not shapes:
        msg = f"{path.name}: holds no joint; give one line per joint"
        raise SettingsError(msg)
    return tuple(shapes)


def _number(texts: Mapping[str, str], key: str, file: str, line: int, *, positive: bool = False) -> float:
    try:
        value = float(texts[key])
    except ValueError:
        value = float("nan")
    if not np.isfinite(value) or (positive and value <= 0):
        must = "a number > 0" if positive else "a number"
        msg = f"{file} line {line}, column '{key}': got '{texts[key]}', must be {must} of pixels, with a decimal point"
        raise SettingsError(msg)
    return value


def _joints_of_mask(path: Path, shape: tuple[int, ...]) -> tuple[LabelImage, tuple[str, ...]]:
    data = np.frombuffer(path.read_bytes(), np.uint8)
    mask = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    if mask is None:
        msg = f"{path.name}: not an image; give the joint mask as PNG or TIFF"
        raise BackendError(msg)
    if mask.ndim == 3:
        mask = mask[..., :3].max(axis=2)
    if mask.shape != shape:
        msg = f"{path.name}: the mask is {mask.shape[0]} x {mask.shape[1]} px, the image {shape[0]} x {shape[1]} px"
        raise BackendError(msg)
    values = np.unique(mask)
    values = values[values > 0]
    if not len(values):
        msg = f"{path.name}: the joint mask is empty; mark the joints with values above 0"
        raise BackendError(msg)
    if len(values) == 1:
        count, lab = cv2.connectedComponents((mask > 0).astype(np.uint8), connectivity=4)
        return np.asarray(lab, dtype=np.int32), tuple(str(i) for i in range(1, count))
    objects = np.searchsorted(values, mask).astype(np.int32) + 1
    objects[mask == 0] = 0
    return objects, tuple(str(value) for value in values.tolist())


def _drawn(shapes: Sequence[Shape], shape: tuple[int, ...], where: str) -> tuple[LabelImage, tuple[str, ...]]:
    """Draw given joints; a pixel belongs to a shape when its center lies inside."""
    objects = np.zeros(shape, np.int32)
    names = []
    for i, each in enumerate(shapes):
        name = each.name or str(i + 1)
        box, mask = drawn_shape(each, shape)
        if not mask.any():
            msg = f"{where}: joint '{name}' lies outside the image of {shape[0]} x {shape[1]} px; check its position"
            raise BackendError(msg)
        objects[box][mask & (objects[box] == 0)] = i + 1
        names.append(name)
    for i, name in enumerate(names):
        if name in names[:i]:
            msg = f"backend.joints: the name '{name}' is given twice; every joint needs its own name"
            raise SettingsError(msg)
    return objects, tuple(names)


def drawn_shape(shape: Shape, size: tuple[int, ...]) -> tuple[Box, Mask]:
    """Pixels whose centers lie inside a shape, as a box and a mask within it."""
    if shape.circle is not None:
        row, column, diameter = shape.circle
        corners = [(row - diameter / 2, column - diameter / 2), (row + diameter / 2, column + diameter / 2)]
    elif shape.rectangle is not None:
        top, left, height, width = shape.rectangle
        corners = [(top, left), (top + height, left + width)]
    else:
        corners = list(shape.polygon)
    (top, left), (bottom, right) = np.min(corners, axis=0), np.max(corners, axis=0)
    rows = slice(int(np.clip(np.floor(top), 0, size[0])), int(np.clip(np.ceil(bottom) + 1, 0, size[0])))
    columns = slice(int(np.clip(np.floor(left), 0, size[1])), int(np.clip(np.ceil(right) + 1, 0, size[1])))
    r, c = np.mgrid[rows, columns]
    if shape.circle is not None:
        mask = (r - shape.circle[0]) ** 2 + (c - shape.circle[1]) ** 2 <= (shape.circle[2] / 2) ** 2
    elif shape.rectangle is not None:
        mask = (r >= top) & (r < bottom) & (c >= left) & (c < right)
    else:
        mask = _inside_polygon(r, c, corners)
    return (rows, columns), np.asarray(mask, dtype=bool)


def _inside_polygon(r: NDArray[Any], c: NDArray[Any], corners: Sequence[tuple[float, float]]) -> Mask:
    """Even-odd rule for pixel centers."""
    inside = np.zeros(r.shape, bool)
    for (r0, c0), (r1, c1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if r0 == r1:
            continue
        crosses = (r >= min(r0, r1)) & (r < max(r0, r1)) & (c < c0 + (r - r0) * (c1 - c0) / (r1 - r0))
        inside ^= crosses
    return inside


def _check_shape(shape: Shape, where: str) -> None:
    given = sum((shape.rectangle is not None, bool(shape.polygon), shape.circle is not None))
    if given != 1:
        msg = f"{where}: give one of 'circle', 'rectangle' and 'polygon', got {given}"
        raise SettingsError(msg)
    if shape.polygon and len(shape.polygon) < 3:
        msg = f"{where}.polygon: got {len(shape.polygon)} corners, must be at least 3"
        raise SettingsError(msg)
    sizes = shape.circle[2:] if shape.circle else shape.rectangle[2:] if shape.rectangle else (1.0,)
    if min(sizes) <= 0:
        msg = f"{where}: got a size of {min(sizes):g} px, must be > 0"
        raise SettingsError(msg)


# ------------------------------------------------------------------------------------------------------ voids


def _labels(image: Gray, objects: LabelImage, settings: Settings) -> tuple[LabelImage, Gray, dict[str, Any]]:
    """Label the voids and vias of every joint."""
    labels = (objects > 0).astype(np.int32)
    support = np.zeros(image.shape, np.float32)
    bands = found_vias = 0
    contrasts, noises = [], []
    joints: list[tuple[Box, _Voids, _Rims, Mask]] = []
    via = np.zeros(image.shape, bool)
    for shape in settings.vias:
        box, mask = drawn_shape(shape, image.shape)
        via[box] |= mask
    if settings.voids:
        for shape in settings.voids:
            box, mask = drawn_shape(shape, image.shape)
            labels[box][mask & (objects[box] > 0)] = 2
    else:
        for number, tight in _boxes(objects):
            box = _grown(tight, 8, image.shape)
            joint = objects[box] == number
            free = joint & ~via[box]
            surroundings = (objects[box] == 0) & ~via[box]
            found = _voids_of_joint(image[box], free, surroundings, settings)
            support[box] = np.maximum(support[box], found.support)
            free &= ~found.via
            joints.append((box, found, _rims(found.value, _connected(found.void), free), free))
            via[box] |= found.via
            bands += found.bands
            found_vias += found.vias
            contrasts.append(found.contrast)
            noises.append(found.noise)
    if joints:
        # bubbles in a ball are rather round, those in a thin layer between two plates have walls
        round_ones = sum(found.disc for _, found, _, _ in joints)
        usual = 0.3 if 2 * round_ones > len(joints) else 0.0
        roundness = _roundness_of_edges([rims for _, _, rims, _ in joints], usual)
        for box, found, rims, free in joints:
            moved = _grown_by(found.value, rims, free, _ways_to_rim(rims, roundness))
            labels[box][moved > 0] = 2
            best = np.zeros(int(rims.parts.max()) + 1, np.float32)
            np.maximum.at(best, rims.parts.ravel(), np.where(found.void, found.support, np.float32(0)).ravel())
            support[box] = np.where(moved > 0, best[moved], support[box])
    labels[via & (objects > 0)] = VIA
    details: dict[str, Any] = {"voids": "drawn by hand" if settings.voids else "found in the image"}
    if contrasts:
        details |= {
            "joint_contrast": round(float(np.median(contrasts)), 2),
            "gray_noise": round(float(np.median(noises)), 2),
            "straight_bands_ignored": bands,
            "vias_found": found_vias,
        }
    if joints:
        details["void_edge_roundness"] = round(roundness, 2)
    if settings.vias:
        details["vias_given"] = len(settings.vias)
    return labels, support, details


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Voids:
    void: Mask
    via: Mask
    support: Gray  # 1 a void beyond doubt, 0.75 it just counts, 0.25 it just does not, 0 solder
    contrast: float  # joint against surroundings [gray levels]
    noise: float  # [gray levels]
    value: Gray  # image above the solder background
    disc: bool = False  # the joint is round
    bands: int = 0
    vias: int = 0


def _voids_of_joint(image: Gray, joint: Mask, surroundings: Mask, settings: Settings) -> _Voids:
    none = np.zeros(joint.shape, bool)
    joint8 = joint.astype(np.uint8)
    core = cv2.erode(joint8, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5)), borderValue=0) > 0
    if core.sum() < 30:
        return _Voids(void=none, via=none, support=none.astype(np.float32), contrast=0.0, noise=0.0, value=image)
    noise = float(1.4826 * np.median(np.abs(image - cv2.medianBlur(image, 3))[joint]))
    around = surroundings & (cv2.dilate(joint8, np.ones((9, 9), np.uint8)) > 0)
    around &= cv2.dilate(joint8, _CROSS) == 0
    low, middle, high = np.percentile(image[joint], [20, 50, 98])
    light = float(np.median(image[around])) if around.sum() >= 20 else float(high)
    contrast = max(light - float(middle), float(high - low), 2.0)
    noisy = noise > 0.04 * contrast
    smooth = _smoothed(np.asarray(cv2.medianBlur(image, 5), np.float32), 1.2) if noisy else _smoothed(image, 0.8)
    round_one = _is_disc(joint)
    degree = settings.surface_degree if settings.surface_degree is not None else 2 if round_one else 4
    first = _voids_above(
        image, smooth, joint, core, none, degree, 25 if round_one else 0, light, contrast, noise, settings
    )
    if not round_one or first.void.sum() < 0.08 * core.sum():
        return first
    # a large void of a ball pulls the background up, its middle most of all: once more, without it
    wide = cv2.dilate(first.void.astype(np.uint8), np.ones((5, 5), np.uint8))
    known = _filled(np.asarray(wide, dtype=np.uint8)) > 0
    if (core & ~known).sum() < 0.2 * core.sum():
        return first
    return _voids_above(image, smooth, joint, core, known, degree, 50, light, contrast, noise, settings)


def _voids_above(
    image: Gray,
    smooth: Gray,
    joint: Mask,
    core: Mask,
    known: Mask,
    degree: int,
    share: int,
    light: float,
    contrast: float,
    noise: float,
    settings: Settings,
) -> _Voids:
    """Regions that stand out from the solder background, which is fitted without the ``known`` voids.

    ``share`` is the percentile for ``_shoulder``; 0: the joint has none.
    """
    none = np.zeros(joint.shape, bool)
    support = np.zeros(joint.shape, np.float32)
    value = smooth - _shoulder(smooth, joint, core & ~known, share) if share else smooth
    value = value - _solder_surface(value, core & ~known, degree)
    if settings.void_polarity == "darker":
        value = -value
    weakest = max(0.4 * settings.min_contrast * contrast, 0.5)
    strongest = float(np.percentile(value[core], 99.95))
    if strongest <= weakest:
        return _Voids(void=none, via=none, support=support, contrast=contrast, noise=noise, value=value, disc=share > 0)
    nest = _nested_regions(
        value,
        core,
        _gradient(value),
        np.linspace(weakest, strongest, _LEVELS)[::-1].tolist(),
        min_area=pi / 4 * settings.min_void_px**2,
        max_area=0.9 * float(core.sum()),
        max_contact=0.4,
        min_roundness=0.15,
    )
    void, via = none.copy(), none.copy()
    bands = vias = 0
    todo = list(nest.roots)
    while todo:
        i = todo.pop()
        if not nest.kept[i]:
            todo += nest.children[i]
            continue
        box, region = _region(nest, i, value, core)
        step, spread, ramp = _step(value[box], region, core[box])
        shape_right = nest.score[i] > 0.06 * step and ramp < 0.5 * step and step >= 3 * spread
        # how often the region stands out as much as it must
        evidence = min(
            step / max(settings.min_contrast * contrast * (1 + 8 * nest.contact[i]), 1e-6),
            step * (region.sum() / 12) ** 0.5 / max(settings.significance * spread, 1e-6),
        )
        if not (shape_right and evidence >= 1):
            if shape_right and evidence >= _DOUBT:
                support[box] = np.maximum(support[box], np.where(region, np.float32(0.25), np.float32(0)))
            todo += nest.children[i]
        elif settings.straight_bands == "ignore" and nest.contact[i] > 0 and _is_band(region):
            bands += 1
        elif settings.find_vias and _is_via(image[box], region, light, contrast):
            via[box] |= region
            vias += 1
        else:
            if nest.contact[i] > 0:  # the core stops two pixels short of the joint's edge
                near = cv2.dilate(region.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
                region = region | (near & joint[box] & ~core[box] & (value[box] >= nest.level[i]))
            void[box] |= region
            sure = np.float32(1.0 if evidence >= 1 / _DOUBT else 0.75)
            support[box] = np.maximum(support[box], np.where(region, sure, np.float32(0)))
    void &= joint
    return _Voids(
        void=void,
        via=via & joint,
        support=np.where(void, np.maximum(support, np.float32(0.75)), np.where(joint, support, np.float32(0))),
        contrast=contrast,
        noise=noise,
        value=value,
        disc=share > 0,
        bands=bands,
        vias=vias,
    )


def _shoulder(image: Gray, joint: Mask, solder: Mask, share: int) -> Gray:
    """Gray value of void-free solder by its distance from the joint's outline.

    The side of a ball is lighter the nearer it is to the outline. The profile only falls towards the inside: a
    void in the middle of the joint does not lift it. ``share`` is the percentile that stands for the solder at
    one distance.
    """
    depth = cv2.distanceTransform(np.pad(joint, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    ring = np.minimum(depth, float(np.percentile(depth[solder], 98))).astype(np.intp)
    order = np.argsort(ring[solder], kind="stable")
    values, rings = image[solder][order], ring[solder][order]
    starts = np.searchsorted(rings, np.arange(int(rings[-1]) + 2))
    sizes = np.diff(starts)
    filled = np.nonzero(sizes >= 8)[0]
    if not len(filled):
        return np.full(image.shape, float(np.median(values)), np.float32)
    profile = [float(np.percentile(values[starts[i] : starts[i + 1]], share)) for i in filled.tolist()]
    return np.interp(depth, filled + 0.5, np.minimum.accumulate(profile)).astype(np.float32)


def _solder_surface(image: Gray, core: Mask, degree: int) -> Gray:
    """Fit a smooth surface to the solder; what is brighter (voids) counts little.

    Iteratively reweighted least squares with a weight that falls faster above the surface than below it.
    """
    rows, columns = np.nonzero(core)
    pick = np.linspace(0, len(rows) - 1, min(len(rows), 6000)).astype(np.intp)
    r0, c0 = rows.mean(), columns.mean()
    r_half, c_half = max(np.ptp(rows) / 2, 1), max(np.ptp(columns) / 2, 1)
    powers = [(i, j) for i in range(degree + 1) for j in range(degree + 1 - i)]
    if len(rows) < 20 * len(powers):
        powers = [(0, 0), (0, 1), (1, 0)]
    y, x = (rows[pick] - r0) / r_half, (columns[pick] - c0) / c_half
    terms = np.stack([y**i * x**j for i, j in powers], axis=-1)
    z = image[rows[pick], columns[pick]].astype(np.float64)
    weights = np.ones(len(z))
    solution = np.zeros(len(powers))
    for _ in range(8):
        weighted = terms * weights[:, None]
        solution = np.linalg.solve(weighted.T @ terms + 1e-6 * np.eye(len(powers)), weighted.T @ z)
        rest = z - terms @ solution
        below = rest[rest < np.median(rest)]
        spread = max(1.4826 * float(np.median(np.abs(below))), 0.5) if len(below) else 0.5
        scaled = rest / np.where(rest > 0, 1.5 * spread, 3 * spread)
        weights = np.where(rest > 0, 1 / (1 + scaled**2) ** 2, 1 / (1 + scaled**2))
    y_all = (np.arange(image.shape[0]) - r0) / r_half
    x_all = (np.arange(image.shape[1]) - c0) / c_half
    surface = np.zeros(image.shape)
    for i in range(degree + 1):
        row = sum((k * x_all**j for k, (power, j) in zip(solution, powers, strict=True) if power == i), 0 * x_all)
        surface += np.outer(y_all**i, row)
    return surface.astype(np.float32)


def _region(nest: _Nest, i: int, value: Gray, core: Mask) -> tuple[Box, Mask]:
    left, top, width, height = nest.box[i].tolist()
    box = _grown((slice(top, top + height), slice(left, left + width)), 10, value.shape)
    _, lab = cv2.connectedComponents(((value[box] >= nest.level[i]) & core[box]).astype(np.uint8), connectivity=4)
    return box, lab == lab[nest.row[i] - box[0].start, nest.column[i] - box[1].start]


def _step(value: Gray, region: Mask, core: Mask) -> tuple[float, float, float]:
    """Contrast across the outline of a region, spread of the solder beside it, and how far it just goes on falling."""
    out_px = cv2.distanceTransform((~region).astype(np.uint8), cv2.DIST_L2, 3)
    ring = (out_px > 1.5) & (out_px <= 5) & core
    if ring.sum() < 8:
        return 0.0, 1.0, 0.0
    in_px = cv2.distanceTransform(region.astype(np.uint8), cv2.DIST_L2, 3)
    band = (in_px >= min(2.0, float(in_px.max()))) & (in_px <= 4)
    beside = value[ring]
    low = float(np.median(beside))
    spread = max(1.4826 * float(np.median(np.abs(beside - low))), 0.8 * float(beside.std()), 1e-3)
    far = (out_px > 5) & (out_px <= 8.5) & core
    ramp = low - float(np.median(value[far])) if far.sum() >= 8 else 0.0
    return float(np.median(value[band])) - low, spread, ramp


def _is_band(region: Mask) -> bool:
    """Tell a straight strip of even width, as a lead or wire throws it, from a void."""
    outlines, _ = cv2.findContours(region.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    _, (a, b), _ = cv2.minAreaRect(max(outlines, key=len))
    short, long = min(a, b) + 1, max(a, b) + 1
    return bool(long >= 3 * short and _filled(region.astype(np.uint8)).sum() >= 0.75 * short * long)


def _is_via(image: Gray, region: Mask, light: float, contrast: float) -> bool:
    """Tell a plated hole: very round, and nearly as light as what lies around the joint."""
    outlines, _ = cv2.findContours(region.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    _, radius = cv2.minEnclosingCircle(max(outlines, key=len))
    disc = region.sum() >= 0.85 * pi * (radius + 0.25) ** 2
    return bool(disc and float(np.median(image[region])) >= light - 0.15 * contrast)


def _boxes(objects: LabelImage) -> list[tuple[int, Box]]:
    from scipy.ndimage import find_objects

    return [(i + 1, box) for i, box in enumerate(find_objects(objects)) if box is not None]


def _grown(box: Box, by: int, shape: tuple[int, ...]) -> Box:
    rows, columns = box
    return (
        slice(max(rows.start - by, 0), min(rows.stop + by, shape[0])),
        slice(max(columns.start - by, 0), min(columns.stop + by, shape[1])),
    )


def _eight_bit_scale(gray: Gray, kind: np.dtype[Any]) -> Gray:
    """Bring gray values to 0..255; 8-bit images stay as they are, others are stretched over their range."""
    if kind == np.uint8:
        return gray
    low, high = float(gray.min()), float(gray.max())
    return np.asarray((gray - low) * np.float32(255 / max(high - low, 1e-12)), dtype=np.float32)
