"""Grains as they look on a real specimen: bent and ragged shapes, many kinds of etch, color; for training and trials.

``grains`` draws fields whose size is known from a formula. This module draws what a formula does not cover:
grains of any shape whose exact outlines are the label image that is given with the picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, hypot, pi, sin, sqrt
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from inspect_tool.model import LabelImage, Mask
from inspect_tool.synthetic._drawing import blurred, to_8bit, window_about
from inspect_tool.synthetic._outlines import Outline, darken
from inspect_tool.synthetic._random import cloud, pair_noise
from inspect_tool.synthetic.field import Gray, Image, Shape

FINE = 2  # drawn at so many times the resolution, then averaged
SMALLEST = 0.04  # smallest grain, share of the mean area of the nuclei


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """Shapes and sizes of grains."""

    mean_intercept_px: float = 30.0  # about; merged and lost grains make it larger [px]
    regular: float = 0.0  # 0: nuclei at random; 1: on a hexagonal lattice [1]
    spread: float = 0.0  # of the logarithm of the sizes; 0: Voronoi cells [1]
    stretch: float = 1.0  # length over width
    angle: float = 0.0  # of the stretch, from the rows [rad]
    bend: float = 0.0  # rms slope of boundaries bent over about a third of a grain [1]
    ragged: float = 0.0  # the same over a tenth of a grain [1]
    merged: float = 0.0  # share of nuclei whose cell is joined with a neighbor: grains that are not convex


@dataclass(frozen=True, slots=True, kw_only=True)
class Etch:
    """What etching and light make visible. Gray values as shares of the full range."""

    line: Literal["dark", "bright", "relief", "none"] = "dark"
    ground: float = 0.8  # gray value of the grains
    depth: float = 0.7  # of the lines, over the way to black (or white)
    line_px: float = 2.0  # mean width of the lines [px]
    faint: float = 0.0  # share of boundaries that are hardly etched
    broken: float = 0.0  # share of the length of the boundaries that is missing, here and there
    facets: float = 0.03  # standard deviation of the gray value from grain to grain
    gradient: float = 0.0  # change of the gray value over one grain
    texture: float = 0.01  # mottling inside the grains
    striation: float = 0.0  # deformation lines inside the grains
    twins: float = 0.0  # share of grains that carry annealing twins: no grains
    twin_line: float = 0.5  # depth of the lines at twins, over that of the boundaries
    specks_per_mpx: float = 0.0  # precipitates and pits
    clusters_per_mpx: float = 0.0  # carbides where boundaries meet
    cluster_px: float = 5.0  # largest spread of a cluster [px]
    large_specks: float = 0.0  # share of specks with a radius of 2 to 5 px, half of them with a light middle
    strays_per_mpx: float = 0.0  # short lines inside grains that part nothing: subgrains, slip, residue of polishing
    color: float = 0.0  # how colored the grains are (tint etch); 0 gives a gray picture


def irregular_grains(
    *, seed: int, structure: Structure, etch: Etch, shape_px: Shape = (512, 512)
) -> tuple[NDArray[np.uint8], LabelImage]:
    """Draw a field of grains.

    Parameters
    ----------
    seed : int
        The same seed gives the same field.
    structure, etch
        Shapes, and what is seen of them.
    shape_px : tuple of int
        Rows, columns.

    Returns
    -------
    pixels : ndarray of uint8
        (rows, columns), or (rows, columns, 3) with ``etch.color`` > 0.
    labels : ndarray of int32
        Grain numbers 1, 2, ... without boundary pixels; every grain is 4-connected. Twins, specks and clusters are
        no grains.

    Examples
    --------
    >>> pixels, labels = irregular_grains(seed=1, structure=Structure(), etch=Etch(), shape_px=(48, 64))
    >>> pixels.shape, pixels.dtype, bool((labels > 0).all())
    ((48, 64), dtype('uint8'), True)
    """
    rng = np.random.default_rng(seed)
    fine = (FINE * shape_px[0], FINE * shape_px[1])
    labels = _mosaic(rng, fine, structure)
    picture = _painted(rng, labels, structure.mean_intercept_px * 4 / pi * FINE, etch)
    small = cv2.resize(picture, (shape_px[1], shape_px[0]), interpolation=cv2.INTER_AREA)
    small = np.asarray(small, np.float32).reshape(*shape_px, -1)
    coarse = _whole(np.ascontiguousarray(labels[::FINE, ::FINE]), 4)
    for channel in range(small.shape[2]):
        # the same seed in every channel: specks are not colored
        small[..., channel] = _specked(np.random.default_rng(seed + 1), small[..., channel].copy(), coarse, etch)
    pixels: Image = to_8bit(small)
    return (pixels if etch.color > 0 else pixels[..., 0]), coarse


# ------------------------------------------------------------------------------------------------------- shapes


def _mosaic(rng: np.random.Generator, shape: Shape, structure: Structure) -> LabelImage:
    pitch = structure.mean_intercept_px * 4 / pi * FINE
    grid = np.moveaxis(np.indices(shape, dtype=np.float32), 0, -1).copy()
    for slope, share in ((structure.bend, 0.35), (structure.ragged, 0.1)):
        length = max(share * pitch, 3.0)
        if slope > 0:
            grid += np.stack([slope * length * cloud(rng, shape, length) for _ in range(2)], axis=-1)
    c, s = cos(structure.angle), sin(structure.angle)
    turn = np.array([[c, s], [-s, c]], np.float32)
    grid -= np.array(shape, np.float32) / 2
    at = grid.reshape(-1, 2) @ turn.T * np.array([sqrt(structure.stretch), 1 / sqrt(structure.stretch)], np.float32)
    reach = np.abs(at).max(axis=0) + 2 * pitch
    seeds = _nuclei(rng, reach, pitch, structure.regular)
    points = at
    if structure.spread > 0:
        radius = 0.45 * pitch * np.exp(structure.spread * rng.standard_normal(len(seeds)) - structure.spread**2)
        lift = np.sqrt((radius**2).max() - radius**2)
        seeds = np.column_stack([seeds, lift])
        points = np.column_stack([at, np.zeros(len(at), np.float32)])
    owner = cKDTree(seeds).query(points)[1].reshape(shape)
    labels = np.asarray(np.unique(owner, return_inverse=True)[1].reshape(shape) + 1, np.int32)
    if structure.merged > 0:
        pairs = _neighbors(labels)
        chosen = pairs[rng.uniform(size=len(pairs)) < structure.merged / 3]  # a cell has six neighbors, a pair two
        count = int(labels.max()) + 1
        graph = coo_array((np.ones(len(chosen), bool), tuple(chosen.T)), shape=(count, count))
        labels = (connected_components(graph, directed=False)[1] + 1).astype(np.int32)[labels]
    return _whole(labels, SMALLEST * pitch**2)


def _nuclei(rng: np.random.Generator, reach: NDArray[np.float32], pitch: float, regular: float) -> NDArray[np.float64]:
    if regular <= 0:
        count = rng.poisson(4 * float(reach.prod()) / pitch**2)
        return rng.uniform(-reach, reach, (count, 2))
    side = pitch * sqrt(2 / sqrt(3))
    rows = np.arange(-reach[0], reach[0] + side, side * sqrt(3) / 2)
    columns = np.arange(-reach[1], reach[1] + side, side)
    lattice = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1)
    lattice[1::2, :, 1] += side / 2
    nuclei: NDArray[np.float64] = lattice.reshape(-1, 2) + (1 - regular) * 0.6 * pitch * rng.standard_normal(
        (lattice.size // 2, 2)
    )
    return nuclei


def _neighbors(labels: LabelImage) -> NDArray[np.int64]:
    size = int(labels.max()) + 1
    keys = []
    for a, b in ((labels[:, :-1], labels[:, 1:]), (labels[:-1], labels[1:])):
        at = a != b
        keys.append(np.minimum(a[at], b[at]).astype(np.int64) * size + np.maximum(a[at], b[at]))
    key = np.unique(np.concatenate(keys))
    return np.stack([key // size, key % size], axis=1)


def _whole(labels: LabelImage, smallest_px: float) -> LabelImage:
    """Number every 4-connected piece; pieces that are too small go to the nearest one that is not."""
    from skimage.measure import label

    pieces = label(labels, background=0, connectivity=1)  # type: ignore[no-untyped-call]
    small = (np.bincount(pieces.ravel()) < smallest_px)[pieces]
    if small.any() and not small.all():
        nearest, place = _nearest(~small)
        pieces = pieces.ravel()[place[nearest]]
        pieces = label(pieces, background=0, connectivity=1)  # type: ignore[no-untyped-call]
    return np.asarray(np.unique(pieces, return_inverse=True)[1].reshape(labels.shape) + 1, np.int32)


def _nearest(mask: Mask) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """Nearest pixel of a mask: a number for each pixel, and the place in the flat image for each number."""
    _, nearest = cv2.distanceTransformWithLabels(
        np.logical_not(mask).view(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    place = np.zeros(int(nearest.max()) + 1, np.intp)
    place[nearest[mask]] = np.flatnonzero(mask)
    return np.asarray(nearest, np.int32), place


# -------------------------------------------------------------------------------------------------------- looks


def _painted(rng: np.random.Generator, labels: LabelImage, pitch: float, etch: Etch) -> Gray:
    """Paint a picture at the fine resolution; 3 channels if it is colored, else 2-dimensional."""
    shape = labels.shape
    count = int(labels.max()) + 1
    latent = rng.standard_normal((count, 2)).astype(np.float32)
    inside = _inside(rng, labels, pitch, etch)
    twin, twin_lines = _twins(rng, labels, etch)
    cover, low_side, chance, patchy = _lines(rng, labels, pitch, etch)
    strength = etch.depth * np.float32(0.65) + np.float32(0.35 * etch.depth) * chance
    strength = strength * np.clip(1 + 0.15 * patchy, 0, 1.1)
    cover = np.maximum(cover * strength, etch.depth * etch.twin_line * twin_lines)

    def channel(shade: NDArray[np.float32], amount: float) -> Gray:
        gray = etch.ground + (shade * amount)[labels] + inside + twin * max(amount, 0.02)
        if etch.line == "dark":
            gray = gray * (1 - cover)
        elif etch.line == "bright":
            gray = gray + cover * (1 - gray)
        elif etch.line == "relief":
            gray = gray + cover * np.where(low_side, 0.5, -0.5)
        return np.asarray(gray, np.float32)

    if etch.color <= 0:
        return blurred(channel(latent[:, 0], etch.facets), 0.5 * FINE)
    # a tint etch moves the colors of all grains on a curve or a small patch of the color space
    mixing = rng.standard_normal((3, 2)).astype(np.float32)
    mixing /= np.linalg.norm(mixing)
    cast = 0.12 * etch.color * rng.standard_normal(3)
    channels = [
        blurred(
            channel(etch.color * 1.7 * latent @ mixing[k] + latent[:, 0] * (1 - etch.color), etch.facets), 0.5 * FINE
        )
        + np.float32(cast[k])
        for k in range(3)
    ]
    assert channels[0].shape == shape
    return np.dstack(channels)


def _inside(rng: np.random.Generator, labels: LabelImage, pitch: float, etch: Etch) -> Gray:
    """What is seen inside the grains: mottling, gradients, deformation lines."""
    shape = labels.shape
    count = int(labels.max()) + 1
    inside = etch.texture * (0.7 * cloud(rng, shape, 0.25 * pitch) + 0.6 * cloud(rng, shape, 2.5 * FINE))
    if etch.gradient <= 0 and etch.striation <= 0:
        return inside
    row, column = (part.astype(np.float32) for part in np.indices(shape, sparse=True))
    angle = rng.uniform(0, pi, count)
    if rng.uniform() < 0.5:  # rolled material: lines of all grains are about parallel
        angle = rng.uniform(0, pi) + 0.35 * rng.standard_normal(count)
    sine, cosine = np.sin(angle).astype(np.float32), np.cos(angle).astype(np.float32)
    across = row * cosine[labels] - column * sine[labels]
    if etch.gradient > 0:
        size = np.bincount(labels.ravel(), minlength=count)
        mean = np.bincount(labels.ravel(), across.ravel(), count) / np.maximum(size, 1)
        slope = etch.gradient * rng.standard_normal(count) / np.maximum(np.sqrt(size), 4)
        inside = inside + (across - mean.astype(np.float32)[labels]) * slope.astype(np.float32)[labels]
    if etch.striation > 0:
        period = (FINE * rng.uniform(4, 14, count)).astype(np.float32)
        amount = (etch.striation * np.maximum(rng.standard_normal(count), 0)).astype(np.float32)
        wobble = 1.2 * cloud(rng, shape, 0.3 * pitch)
        wave = np.sin(across * (2 * pi / period)[labels] + wobble)
        inside = inside + amount[labels] * wave * np.clip(0.5 + 0.6 * cloud(rng, shape, 0.4 * pitch), 0, 1)
    return np.asarray(inside, np.float32)


def _lines(rng: np.random.Generator, labels: LabelImage, pitch: float, etch: Etch) -> tuple[Gray, Mask, Gray, Gray]:
    """How much boundaries cover, on which side of them a pixel lies, and two noises that belong to them."""
    shape = labels.shape
    other = labels.copy()
    for axis in (0, 1):
        first, second = [slice(None)] * 2, [slice(None)] * 2
        first[axis], second[axis] = slice(None, -1), slice(1, None)
        a, b = labels[tuple(first)], labels[tuple(second)]
        for here, there, values in ((first, a, b), (second, b, a)):
            part = other[tuple(here)]
            new = (values != there) & (part == there)
            part[new] = values[new]
    edge = other != labels
    if not edge.any():
        nothing = np.zeros(shape, np.float32)
        return nothing, np.zeros(shape, bool), nothing, nothing
    distance = cv2.distanceTransform(np.logical_not(edge).view(np.uint8), cv2.DIST_L2, 5)
    nearest, place = _nearest(edge)
    flat, beyond = labels.ravel()[place], other.ravel()[place]
    low, high = (np.minimum(flat, beyond).astype(np.intp), np.maximum(flat, beyond).astype(np.intp))
    salt = int(rng.integers(1 << 30))
    chance = pair_noise(low, high, salt).astype(np.float32)
    width = (0.65 + 0.7 * pair_noise(low, high, salt + 1)).astype(np.float32)
    seen = np.ones(len(place), np.float32)
    faint = pair_noise(low, high, salt + 2) < etch.faint
    seen[faint] = 0.03 + 0.4 * chance[faint]
    if etch.broken > 0:
        gaps = cloud(rng, shape, max(0.35 * pitch, 6 * FINE)).ravel()[place]
        level = float(np.quantile(gaps, etch.broken))
        seen *= np.clip((gaps - level) / 0.25, rng.uniform(0, 0.25), 1).astype(np.float32)
    half = FINE * etch.line_px / 2 * width[nearest]
    patchy = cloud(rng, shape, 0.3 * pitch).ravel()[place][nearest]
    half = half * np.clip(1 + 0.25 * patchy, 0.5, 1.7)
    gap = distance + 0.5
    cover = np.clip(half - gap + 0.5, 0, 1)
    shoulder = rng.uniform(0.05, 0.25) * np.exp(-((gap / (1.8 * half + FINE)) ** 2))
    cover = np.maximum(cover, shoulder) * seen[nearest]
    low_side = labels == low.astype(np.int32)[nearest]
    return np.asarray(cover, np.float32), low_side, chance[nearest], np.asarray(patchy, np.float32)


def _twins(rng: np.random.Generator, labels: LabelImage, etch: Etch) -> tuple[Gray, Gray]:
    """Parallel-sided bands in a share of the grains: their difference in shade, and the lines at their sides."""
    shape = labels.shape
    count = int(labels.max()) + 1
    step, lines = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    if etch.twins <= 0:
        return step, lines
    row, column = (part.astype(np.float32) for part in np.indices(shape, sparse=True))
    size = np.maximum(np.bincount(labels.ravel(), minlength=count), 1)
    angle = rng.uniform(0, pi, count)
    sine, cosine = np.sin(angle).astype(np.float32), np.cos(angle).astype(np.float32)
    across = row * cosine[labels] - column * sine[labels]
    mean = np.bincount(labels.ravel(), across.ravel(), count) / size
    across = across - mean.astype(np.float32)[labels]
    scale = np.sqrt(size)
    twinned = (rng.uniform(size=count) < etch.twins) & (scale > 9 * FINE)
    shade = (rng.choice([-1.0, 1.0], count) * rng.uniform(0.3, 1.6, count)).astype(np.float32)
    bands = rng.integers(1, 3, count)
    middle = rng.uniform(-0.22, 0.22, count) * scale
    for band in range(2):
        here = (twinned & (bands > band))[labels]
        half = np.maximum(rng.uniform(0.03, 0.14, count) * scale, 1.2 * FINE).astype(np.float32)
        place = (middle + band * rng.choice([-1.0, 1.0], count) * rng.uniform(0.25, 0.4, count) * scale).astype(
            np.float32
        )
        inside = half[labels] - np.abs(across - place[labels])
        step += here * shade[labels] * np.clip(inside + 0.5, 0, 1)
        lines = np.maximum(lines, here * np.clip(FINE * etch.line_px / 2.5 - np.abs(inside) + 0.5, 0, 1))
    return step, lines


def _specked(rng: np.random.Generator, picture: Gray, labels: LabelImage, etch: Etch) -> Gray:
    """Draw precipitates and pits anywhere, clusters of carbides on the boundaries, and stray lines, in place."""
    rows, columns = picture.shape
    megapixels = picture.size / 1e6
    deep = rng.uniform(0.3, 0.9)
    for _ in range(rng.poisson(etch.strays_per_mpx * megapixels)):
        _draw_stray(rng, picture, etch)
    for _ in range(rng.poisson(etch.specks_per_mpx * megapixels)):
        row, column, radius = rng.uniform(0, rows), rng.uniform(0, columns), rng.uniform(0.6, 2.6)
        large = etch.large_specks > 0 and rng.uniform() < etch.large_specks
        if large:
            radius = rng.uniform(2, 5)
        darken(picture, Outline.disc(row, column, radius), deep * rng.uniform(0.5, 1))
        if large and rng.uniform() < 0.5:  # a pit that shines in its middle, or a ring about a particle
            darken(picture, Outline.disc(row, column, radius * rng.uniform(0.3, 0.7)), -rng.uniform(0.3, 1.2))
    edge = np.flatnonzero((labels[:-1, :-1] != labels[1:, :-1]) & (labels[:-1, :-1] != labels[:-1, 1:]))
    for _ in range(rng.poisson(etch.clusters_per_mpx * megapixels) if len(edge) else 0):
        row, column = np.divmod(edge[rng.integers(len(edge))], columns - 1)
        _draw_cluster(rng, picture, (float(row), float(column)), deep, etch.cluster_px)
    return np.asarray(np.minimum(picture, 1), np.float32)


def _draw_stray(rng: np.random.Generator, picture: Gray, etch: Etch) -> None:
    """Draw a short bent line with free ends, thinner and weaker than the boundaries."""
    at = rng.uniform((0, 0), picture.shape)
    angle, turn = rng.uniform(0, 2 * pi), rng.normal(0, 0.12)
    points = [at]
    for _ in range(int(rng.integers(4, 16))):
        angle += turn
        points.append(points[-1] + 2.5 * np.array([sin(angle), cos(angle)]))
    window, _ = window_about(picture.shape, float(at[0]), float(at[1]), 44)
    picture = picture[window]
    canvas = np.zeros(picture.shape, np.uint8)
    places = np.rint(16 * (np.array(points) - (window[0].start, window[1].start))[:, ::-1]).astype(np.int32)
    cv2.polylines(canvas, [places], isClosed=False, color=255, thickness=1, lineType=cv2.LINE_AA, shift=4)
    strength = np.float32(etch.depth * rng.uniform(0.15, 0.7) * (0.4 if etch.line in ("none", "relief") else 1) / 255)
    cover = strength * cv2.GaussianBlur(canvas.astype(np.float32), (0, 0), rng.uniform(0.3, 0.8))
    picture += cover * (1 - picture) if etch.line == "bright" else -cover * picture


def _draw_cluster(rng: np.random.Generator, picture: Gray, at: Sequence[float], deep: float, spread_px: float) -> None:
    reach = rng.uniform(1.0, spread_px)
    lengthened, angle = rng.uniform(1, 3), rng.uniform(0, pi)
    for _ in range(int(rng.integers(2, round(2.8 * spread_px)))):
        u, v = reach * lengthened * rng.standard_normal(), reach * rng.standard_normal()
        u, v = (u, v) if hypot(u, v) < 2.4 * spread_px else (0.0, 0.0)
        spot = Outline.disc(
            at[0] + u * sin(angle) + v * cos(angle),
            at[1] + u * cos(angle) - v * sin(angle),
            rng.uniform(0.6, 1.8),
        )
        darken(picture, spot, deep * rng.uniform(0.4, 1))
