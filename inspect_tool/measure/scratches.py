"""Scratches that an etch has made visible: thin faint lines among boundaries that are etched wide and dark.

A boundary that is etched deeply is a groove, wide and black; a polishing scratch in the same field is thinner. Only
where a field holds both populations is a thin line taken for a scratch: in a field with one width of boundaries a faint
line is a boundary that took less etch, and stays. Pits at triple points, as black as the boundaries about them, are no
grains either.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.measure import boundaries
from inspect_tool.measure.boundaries import FloatImage, Floats, Regions
from inspect_tool.measure.flooding import strips
from inspect_tool.model import GrayImage, LabelImage
from inspect_tool.pixels.reduced import area_mean, bilinear, nearest

SCALES = (0.025, 0.06)  # standard deviations of the two filters that look across a line, over the mean grain [1]
STRONG = 0.7  # share of the boundary length below the strength of the usual strong boundary [1]
FAINT = 0.4  # strength of a thin line, over the strong boundary [1]
CLEAR = 0.3  # depth of a thin line in the narrower filter, over that of the strong boundary: below is noise [1]
BLACK = 0.65  # least depth of the strong boundary, of the gray level of the grains [1]
WIDER = 1.5  # width of the strong boundary over that of the thin lines [1]
SHARE = 0.05  # least share of the boundary length in thin lines [1]
PIT, PIT_AREA = 0.7, 0.2  # darkness of a pit over that of the boundary, and its area over the mean grain [1]
LEVEL, LEVEL_SHIFT = (
    0.55,
    0.1,
)  # strength over that of the strong boundary below which a line parts nothing, and what is as plausible [1]
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
class Grooves:
    """Boundaries that are etched wide and dark, in a field that shows thin lines beside them."""

    strength: float  # darkness in the wider filter that 70 % of the boundary length falls short of [1]
    darkness: float  # of the stronger ones, in the narrower filter [1]


def grooves(regions: Regions) -> Grooves | None:
    """What the boundaries of a field are like, where thin lines beside them are none; else None.

    Parameters
    ----------
    regions : Regions
        Of ``seen``.
    """
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
    if _width(usual) < WIDER * _width(faint):
        return None
    return Grooves(strength=strength, darkness=float(usual[0]))


def _width(dark: Floats) -> float:
    """Standard deviation of a line that two filters see so dark, over that of the narrower one."""
    wider = (SCALES[1] / SCALES[0]) ** 2
    ratio = min(max(float(dark[1] / dark[0]), 0.0), 0.99) ** 2
    return sqrt(max(wider * ratio - 1, 0.0) / (1 - ratio))


def merge_thin_lines(
    labels: LabelImage, pixels: GrayImage, strong: Grooves, shift: float = 0.0
) -> tuple[NDArray[np.int32], int, float]:
    """Join in a label image what thin lines part, faintest first, and give pits to their neighbors.

    Parameters
    ----------
    labels, pixels : arrays
        As of ``seen``; the labels are changed.
    strong : Grooves
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
    weight = regions.sides[_WEIGHT]
    strength = regions.sides[_WIDE] / strong.strength
    owner = boundaries.merge_unsupported(len(regions.best) - 1, regions.pairs, strength, weight, LEVEL + shift)
    left_out = owner[regions.pairs[:, 0]] == owner[regions.pairs[:, 1]]
    whole = boundaries.joined([regions], owner)
    area = whole.nodes[_AREA]
    dark = whole.nodes[_DARK] / np.maximum(area, 1)
    pits = (dark >= PIT * strong.darkness) & (area < PIT_AREA * area[1:][area[1:] > 0].mean())
    pits[0] = False
    owner = boundaries.small_given_away(whole, 0, pits)[owner]
    for rows in strips(labels.shape):
        labels[rows] = owner[labels[rows]]
    length = regions.sides[_LENGTH]
    return owner, int(np.count_nonzero(left_out)), float(length[left_out].sum() / length.sum())
