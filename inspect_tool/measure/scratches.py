"""Lines that are no boundaries, and boundaries that are etched wide and dark, in which nothing is a grain.

Grinding and polishing leave straight parallel scratches across all grains. The boundaries of grains have many
directions, or, in a worked structure, lean toward one; only scratches are a peak of a few degrees above what is beside
it. What is straight and runs along such a peak parts nothing.

A boundary that is etched deeply is a groove, wide and black. Both of its sides are edges, so that the room between them
looks like a long thin grain, and a pit at a triple point like a small one: black regions that are thin go to their
neighbors. A polishing scratch in the same field is thinner than the grooves. Only where a field holds both populations
is a thin line taken for a scratch: in a field with one width of boundaries a faint line is a boundary that took less
etch, and stays.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, pi, radians, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from inspect_tool.measure import boundaries, twins
from inspect_tool.measure.boundaries import FloatImage, Floats, Regions
from inspect_tool.measure.flooding import strips
from inspect_tool.model import GrayImage, LabelImage, Mask
from inspect_tool.pixels.reduced import area_mean, bilinear, nearest
from inspect_tool.pixels.stored import zeros_like

SCALES = (0.025, 0.06)  # standard deviations of the two filters that look across a line, over the mean grain [1]
STRONG = 0.7  # share of the boundary length below the strength of the usual strong boundary [1]
FAINT = 0.4  # strength of a thin line, over the strong boundary [1]
CLEAR = 0.3  # depth of a thin line in the narrower filter, over that of the strong boundary: below is noise [1]
BLACK = 0.65  # least depth of a groove, and of the strong boundary, of the gray level of the grains [1]
WIDER = 1.5  # width of the strong boundary over that of the thin lines [1]
SHARE = 0.05  # least share of the boundary length in thin lines [1]
THIN = 0.3  # twice its area over its outline, over the side of the mean grain: of a compact grain it is 0.5 [1]
MOSTLY = 0.5  # share of the black area in thin regions: beside black grains, or a black phase, it is small [1]
LEVEL, LEVEL_SHIFT = (
    0.55,
    0.1,
)  # strength over that of the strong boundary below which a line parts nothing, and what is as plausible [1]
ALONG, BESIDE, ACROSS = radians(5), radians(25), radians(50)  # of a direction, on either side: as scratches run, beside
# them up to here, and across from here on; twice that of the first is neither
PEAK = 4.0  # boundary length along scratches over that beside them, per degree; of grains at most 3 by chance [1]
LEANING = 2.5  # of that beside over that across: of grains drawn out by half it is 2 [1]
ONLY = 2.0  # boundary length along scratches over that along any other direction: of a lattice it is 1 [1]
FEWEST = 20  # straight lines along one direction
JUNCTION = 0.12  # radius about triple points where a line is not judged, over the mean grain [1]
JUNCTION_WEIGHT = 0.1
_AREA, _DARK = 0, 1  # rows of the nodes
_LENGTH, _WEIGHT, _NARROW, _WIDE = 0, 1, 2, 3  # rows of the sides: pixel pairs, those that count, darkness by filter


def seen(labels: LabelImage, pixels: GrayImage) -> Regions:
    """Darkness of every region and of the lines between them.

    Parameters
    ----------
    labels : array, shape (rows, columns), int32
        1..n, without boundary pixels; 0 is outside.
    pixels : array, shape (rows, columns)
        Gray levels.

    Returns
    -------
    Regions
        Nodes: pixels, sum of the darkness. Sides: pixel pairs, weight, sums of the weighted darkness by filter. The
        darkness is 0 at the gray level of the grains about it and 1 at zero. [1]
    """
    count = int(labels.max())
    area = sum(int(np.count_nonzero(labels[rows])) for rows in strips(labels.shape))
    grain_px = sqrt(area / max(count, 1))
    sigmas = [max(1.0, scale * grain_px) for scale in SCALES]
    level = _grain_level(pixels, labels, grain_px)
    halo = ceil(4 * sigmas[-1]) + 2
    height, width = labels.shape
    radius_px = JUNCTION * grain_px

    def parts() -> Iterator[Regions]:
        for rows in strips(labels.shape, 1 << 19):
            number = rows.stop - rows.start
            top, bottom = max(0, rows.start - halo), min(height, rows.stop + 1 + halo)
            wide = (slice(top, bottom), slice(0, width))
            dark = 1 - pixels[wide].astype(np.float32) / bilinear(level, labels.shape, wide)
            free = boundaries.away_from_junctions(labels[wide], radius_px)[rows.start - top :]
            strip = labels[rows.start : rows.stop + 1]
            pairs, first, second = boundaries.touching(strip, number)
            weight = np.where(free[tuple(first)] + free[tuple(second)] > 0, 1.0, JUNCTION_WEIGHT)
            across = []
            for sigma_px in sigmas:
                blurred = np.asarray(cv2.GaussianBlur(dark, (0, 0), sigma_px), np.float32)
                near = boundaries.largest_nearby(blurred)[rows.start - top :]
                across.append(weight * np.maximum(near[tuple(first)], near[tuple(second)]))
            pairs, sides = boundaries.sum_by_pair(pairs, [np.ones(len(weight)), weight, *across])
            flat = strip[:number].ravel()
            inner = dark[rows.start - top :][:number]
            yield Regions(
                nodes=np.stack([np.bincount(flat, part, count + 1) for part in (None, inner.ravel())]).astype(
                    np.float64
                ),
                best=np.zeros(count + 1),
                pairs=pairs,
                sides=np.stack(sides),
            )

    return boundaries.joined(parts())


def _grain_level(pixels: GrayImage, labels: LabelImage, grain_px: float) -> FloatImage:
    """Gray level of the grains about every place: mean of what is brighter than the mean; on a picture of 256 px."""
    shrink = max(1.0, max(pixels.shape) / 256)
    size = (max(1, round(pixels.shape[1] / shrink)), max(1, round(pixels.shape[0] / shrink)))
    inside = (nearest(labels, size) > 0).astype(np.float32)
    gray = area_mean(pixels, size).astype(np.float32)
    side = 2 * ceil(grain_px / shrink) + 1

    def mean(share: FloatImage) -> FloatImage:
        over = cv2.blur(share, (side, side))
        return np.asarray(cv2.blur(gray * share, (side, side)) / np.maximum(over, 1e-6), np.float32)

    bright = mean(inside * (gray >= mean(inside)))
    return np.maximum(bright, np.float32(1.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Etch:
    """What the dark boundaries of a field are like."""

    direction: float | None = None  # of parallel scratches, from the columns toward the rows [rad]
    grooved: bool = False  # whether black thin regions are the room in boundaries
    strength: float | None = None  # of boundaries beside which thin lines are scratches, in the wider filter [1]


def etch_of(labels: LabelImage, pixels: GrayImage, *, scratches: bool) -> Etch:
    """Tell from the grains of a field, as of ``seen``, what its boundaries are like.

    ``scratches``: whether scratches are to be left out where they are some.
    """
    direction = _direction(_outlines(labels, int(labels.max()))) if scratches else None
    if direction is not None:
        whole: LabelImage = zeros_like(labels, np.int32)
        for rows in strips(labels.shape):
            whole[rows] = labels[rows]
        _merge_parallel(whole, direction)
        labels = whole
    regions = seen(labels, pixels)
    strength = _strength(regions) if scratches else None
    if strength is not None:
        regions = boundaries.joined([regions], _without_thin_lines(regions, strength))
    black, thin = _in_grooves(regions)
    area = regions.nodes[_AREA]
    grooved = bool(area[thin].sum() > MOSTLY * area[black].sum())
    return Etch(direction=direction, grooved=grooved, strength=strength)


def without_scratches(
    labels: LabelImage, pixels: GrayImage, regions: Regions, etch: Etch, shift: float = 0.0
) -> tuple[Regions, int, float]:
    """Join in a label image what scratches part, and share what lies in grooves among the grains.

    Parameters
    ----------
    labels, pixels : arrays
        As of ``seen``; the labels are changed.
    regions : Regions
        Of the labels.
    etch : Etch
        Of the field, by its main segmentation.
    shift : float
        Toward a segmentation that keeps more (1) or less (-1). [1]

    Returns
    -------
    regions : Regions
        Of the new labels. Nodes: pixels first. Sides: pixel pairs and their moments first.
    lines : int
        Boundaries between two regions that were left out.
    share : float
        Of the boundary length that was left out. [1]
    """
    lines, kept = 0, 1.0
    if etch.direction is not None:
        owner, some, share = _merge_parallel(labels, etch.direction)
        regions, lines, kept = boundaries.joined([regions], owner), some, 1 - share
    if etch.strength is not None:
        owner, some, share = merge_thin_lines(labels, pixels, etch.strength, -shift * LEVEL_SHIFT)
        regions, lines, kept = boundaries.joined([regions], owner), lines + some, kept * (1 - share)
    if etch.grooved:
        regions = merge_grooves(labels, pixels)
    return regions, lines, 1 - kept


def _directions(regions: Regions) -> tuple[Floats, Floats]:
    """Direction of the sides of regions from the columns toward the rows [rad], and their length; 0 if not straight."""
    line = twins.rectangles(regions.sides[0], list(regions.sides[1:6]))
    straight = line.width <= np.maximum(twins.STRAIGHT[0], twins.STRAIGHT[1] * line.length)
    long = line.length >= twins.SHORTEST_LINE_PX
    return np.arctan2(line.axis[:, 0], line.axis[:, 1]), np.where(straight & long, line.length, 0.0)


def _off(angle: Floats, direction: float) -> Floats:
    """Angle between lines and a direction, up to a right one. [rad]"""
    apart = np.abs(angle - direction) % pi
    return np.asarray(np.minimum(apart, pi - apart), np.float64)


def _direction(regions: Regions) -> float | None:
    """Direction in which straight lines run that are no boundaries; None: grains do not have more than usual in any."""
    angle, length = _directions(regions)
    steps = np.arange(0.0, pi, radians(1))
    of_step = np.array([length[_off(angle, step) <= ALONG].sum() for step in steps.tolist()])
    most = float(steps[of_step.argmax()])
    near = (_off(angle, most) <= ALONG) & (length > 0)
    direction = float(np.angle((length[near] * np.exp(2j * angle[near])).sum()) / 2)
    off = _off(angle, direction)
    along = length[off <= ALONG].sum() / ALONG
    beside = length[(off > 2 * ALONG) & (off <= BESIDE)].sum() / (BESIDE - 2 * ALONG)
    across = length[off > ACROSS].sum() / (pi / 2 - ACROSS)
    other = of_step[_off(steps, direction) > 2 * ALONG].max() / ALONG
    sharp = along > max(PEAK * beside, PEAK / LEANING * across, ONLY * other)
    return direction if sharp and beside <= LEANING * across and np.count_nonzero(near) >= FEWEST else None


def _merge_parallel(labels: LabelImage, direction: float) -> tuple[NDArray[np.int32], int, float]:
    """Join what straight lines along a direction part; owner, lines and share as of ``merge_thin_lines``."""
    regions = _outlines(labels, int(labels.max()))
    angle, length = _directions(regions)
    along = (length > 0) & (_off(angle, direction) <= ALONG)
    joint = csr_array((along[along], tuple(regions.pairs[along].T)), shape=(len(regions.best),) * 2)
    owner = _numbered(connected_components(joint, directed=False)[1], regions)
    return owner, *_left_out(labels, regions, owner)


def _in_grooves(regions: Regions) -> tuple[Mask, Mask]:
    """Regions that are black, and those of them that are thin."""
    area = regions.nodes[_AREA]
    black = (area > 0) & (regions.nodes[_DARK] >= BLACK * area)
    black[0] = False
    others = area[1:][(area[1:] > 0) & ~black[1:]]
    if not others.size:
        return black, np.zeros_like(black)
    outline = pi / 4 * np.bincount(regions.pairs.ravel(), np.repeat(regions.sides[_LENGTH], 2), len(area))
    return black, black & (2 * area < THIN * sqrt(others.mean()) * outline)


def _strength(regions: Regions) -> float | None:
    """Strength of the boundaries of a field, where thin lines beside them are scratches; else None."""
    judged = regions.sides[_WEIGHT] >= 1
    if not judged.any():
        return None
    weight = regions.sides[_WEIGHT, judged]
    narrow, wide = dark = regions.sides[_NARROW:, judged] / weight
    order = np.argsort(wide)
    upto = np.cumsum(weight[order])
    strength = float(wide[order[np.searchsorted(upto, STRONG * upto[-1])]])
    strong = wide >= strength
    usual = np.average(dark[:, strong], axis=1, weights=weight[strong])
    thin = (wide < FAINT * strength) & (narrow >= CLEAR * usual[0])
    if usual[0] < BLACK or weight[thin].sum() < SHARE * weight.sum():
        return None
    faint = np.average(dark[:, thin], axis=1, weights=weight[thin])
    return None if _width(usual) < WIDER * _width(faint) else strength


def _width(dark: Floats) -> float:
    """Standard deviation of a line that two filters see so dark, over that of the narrower one."""
    wider = (SCALES[1] / SCALES[0]) ** 2
    ratio = min(max(float(dark[1] / dark[0]), 0.0), 0.99) ** 2
    return sqrt(max(wider * ratio - 1, 0.0) / (1 - ratio))


def merge_grooves(labels: LabelImage, pixels: GrayImage) -> Regions:
    """Share what lies in black grooves among the grains beside it, step by step along rows and columns.

    Parameters
    ----------
    labels, pixels : arrays
        As of ``seen``; the labels are changed.

    Returns
    -------
    Regions
        Of the new labels. Nodes: pixels. Sides: pixel pairs and their moments.
    """
    regions = seen(labels, pixels)
    area, (_, thin) = regions.nodes[_AREA], _in_grooves(regions)
    grains = (area > 0) & ~thin
    grains[0] = False
    number = np.where(grains, np.cumsum(grains), np.where(thin, -1, 0)).astype(np.int32)
    halo = ceil(sqrt(area[grains].mean())) if grains.any() else 0
    before = np.zeros((0, labels.shape[1]), np.int32)  # rows above, as they were
    for rows in strips(labels.shape):
        near = np.concatenate([before, labels[rows.start : rows.stop + halo]])
        size, first = rows.stop - rows.start, len(before)
        before = near[: first + size][max(0, first + size - halo) :]
        labels[rows] = _shared(number[near])[first : first + size]
    return _outlines(labels, int(number.max()))


def _shared(numbers: NDArray[np.int32]) -> NDArray[np.int32]:
    """Fill -1 with the numbers beside it, one pixel deeper in every step; 0 where none is beside it."""
    framed = np.zeros((numbers.shape[0] + 2, numbers.shape[1] + 2), np.int32)
    framed[1:-1, 1:-1] = numbers
    flat, width = framed.ravel(), framed.shape[1]
    empty = np.flatnonzero(flat < 0)
    while empty.size:
        beside = np.max([flat[empty + step] for step in (-width, -1, 1, width)], axis=0)
        if not (beside > 0).any():
            break
        flat[empty[beside > 0]] = beside[beside > 0]
        empty = empty[beside <= 0]
    flat[empty] = 0
    return framed[1:-1, 1:-1]


def _outlines(labels: LabelImage, count: int) -> Regions:
    """Pixels of regions, and the pixel pairs between them with their moments."""

    def parts() -> Iterator[Regions]:
        for rows in strips(labels.shape, 1 << 19):
            number = rows.stop - rows.start
            strip = labels[rows.start : rows.stop + 1]
            pairs, first, second = boundaries.touching(strip, number)
            pairs, sides = boundaries.sum_by_pair(pairs, boundaries.side_moments(first, second, rows.start))
            area = np.bincount(strip[:number].ravel(), minlength=count + 1).astype(np.float64)
            yield Regions(nodes=area[None], best=np.zeros(count + 1), pairs=pairs, sides=np.stack(sides))

    return boundaries.joined(parts())


def merge_thin_lines(
    labels: LabelImage, pixels: GrayImage, strength: float, shift: float = 0.0
) -> tuple[NDArray[np.int32], int, float]:
    """Join in a label image what thin lines part, faintest first.

    Parameters
    ----------
    labels, pixels : arrays
        As of ``seen``; the labels are changed.
    strength : float
        Of ``Etch``. [1]
    shift : float
        Of the level below which a line is thin, over the strength of the boundaries. [1]

    Returns
    -------
    owner : array, shape (n + 1,)
        New label of every old one.
    lines : int
        Boundaries between two regions that were left out.
    share : float
        Of the boundary length that was left out. [1]
    """
    regions = seen(labels, pixels)
    owner = _without_thin_lines(regions, strength, shift)
    return owner, *_left_out(labels, regions, owner)


def _left_out(labels: LabelImage, regions: Regions, owner: NDArray[np.int32]) -> tuple[int, float]:
    """Give the labels their new numbers; the lines between two regions that are one now, and their share."""
    left_out = owner[regions.pairs[:, 0]] == owner[regions.pairs[:, 1]]
    length = regions.sides[_LENGTH]
    for rows in strips(labels.shape):
        labels[rows] = owner[labels[rows]]
    return int(np.count_nonzero(left_out)), float(length[left_out].sum() / length.sum())


def _without_thin_lines(regions: Regions, strength: float, shift: float = 0.0) -> NDArray[np.int32]:
    """Number 1..m of every region without the lines that are thin."""
    count, seen_of = len(regions.best) - 1, regions.sides[_WIDE] / strength
    owner = boundaries.merge_unsupported(count, regions.pairs, seen_of, regions.sides[_WEIGHT], LEVEL + shift)
    return _numbered(owner, regions)


def _numbered(owner: NDArray[np.int32], regions: Regions) -> NDArray[np.int32]:
    """Numbers 1..m of regions that belong together; 0 stays 0."""
    present = np.bincount(owner[regions.nodes[_AREA] > 0], minlength=len(owner)) > 0
    present[owner[0]] = False
    return np.where(present, np.cumsum(present), 0)[owner].astype(np.int32)
