"""Regions of an image and the boundaries between them: sums over both, and which regions are really parted.

Pure functions on arrays. Regions are merged where the boundary between them has no support in a map of line or step
strength (``strength``); all that merging needs to know are sums over regions and over the pixel pairs between them.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from functools import partial
from math import ceil
from typing import Any

import cv2
import diplib as dip
import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import watershed

from inspect_tool.measure.flooding import numbered, strips
from inspect_tool.model import LabelImage, Mask, Samples
from inspect_tool.pixels.kept import Arrays, made_once
from inspect_tool.pixels.stored import zeros_like

FloatImage = NDArray[np.float32]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Regions:
    """Sums over the pixels of regions and over the pixel pairs between them: all that merging needs to know."""

    nodes: Floats  # (7, largest label + 1): pixels, gray, row, column, row², column², row x column
    best: Floats  # (largest label + 1,): extreme gray level of the interior
    pairs: NDArray[np.int64]  # (n, 2): labels of neighbors, smaller first
    sides: Floats  # (6 + m, n): pixel pairs, row, column, row², column², row x column, m weights


def known(labels: LabelImage, make: Callable[[], Regions]) -> Regions:
    """Give the sums of the regions of an image as a run that was stopped has left them, else make them."""

    def sums() -> Arrays:
        made = make()
        return {field.name: getattr(made, field.name) for field in fields(made)}

    return Regions(**made_once(labels, "regions", sums))


def touching(labels: LabelImage, rows: int) -> tuple[NDArray[np.int64], NDArray[np.intp], NDArray[np.intp]]:
    """Pixel pairs on both sides of the boundaries in the first ``rows`` rows, and toward the row after them.

    Returns
    -------
    pairs : array, shape (n, 2)
        Labels, smaller first.
    first, second : arrays, shape (2, n)
        Row and column of both pixels.
    """
    pairs, firsts = [], []
    for a, b in (
        (labels[:rows, :-1], labels[:rows, 1:]),
        (labels[: min(rows, len(labels) - 1)], labels[1 : rows + 1]),
    ):
        at = np.nonzero((a != b) & (a > 0) & (b > 0))
        pairs.append(np.stack([np.minimum(a[at], b[at]), np.maximum(a[at], b[at])], axis=1))
        firsts.append(np.stack(at))
    across = len(firsts[0][0])
    first = np.concatenate(firsts, axis=1)
    second = first.copy()
    second[1, :across] += 1
    second[0, across:] += 1
    return np.concatenate(pairs).astype(np.int64), first, second


def region_sums(
    labels: LabelImage, rows: int, top: int, count: int, image: FloatImage, extreme: FloatImage, weights: list[Floats]
) -> Regions:
    """Sums over a strip of an image; those of all strips are put together by ``joined``.

    Parameters
    ----------
    labels : array, shape (rows + 1 or, at the end of the image, rows, columns), int32
    rows : int
        The row after them is looked at for pairs only.
    top : int
        Number of the first row in the image.
    count : int
        Largest label of the image.
    image, extreme : arrays, shape (rows, columns), float32
        Gray level, and the one whose largest value is kept as ``best``.
    weights : list of arrays, one value for each pair of ``touching``
    """
    flat = labels[:rows].ravel()
    row, column = np.indices((rows, labels.shape[1]), dtype=np.float64)
    row, column = (row + top).ravel(), column.ravel()
    nodes = np.empty((7, count + 1))
    nodes[0] = np.bincount(flat, minlength=count + 1)
    for k, part in enumerate((image.ravel(), row, column, row**2, column**2, row * column), 1):
        nodes[k] = np.bincount(flat, part, count + 1)
    best = np.full(count + 1, -np.inf)
    np.maximum.at(best, flat, extreme.ravel().astype(np.float64))
    pairs, first, second = touching(labels, rows)
    pairs, sides = sum_by_pair(pairs, [*side_moments(first, second, top), *weights])
    return Regions(nodes=nodes, best=best, pairs=pairs, sides=np.stack(sides))


def side_moments(first: NDArray[np.intp], second: NDArray[np.intp], top: int) -> list[Floats]:
    """What the sides of ``Regions`` begin with, for each pixel pair of ``touching``: 1, row, column and their products.

    ``top`` is the number of the first row in the image.
    """
    r, c = (first + second) / 2.0
    r += top
    return [np.ones(len(r)), r, c, r**2, c**2, r * c]


def joined(parts: Iterable[Regions], owner: NDArray[np.integer[Any]] | None = None) -> Regions:
    """Put the sums of strips together, or those of regions that become one (``owner``: new label of every old one)."""
    whole = _added(iter(parts))
    if owner is None:
        return whole
    count = int(owner.max()) + 1
    best = np.full(count, -np.inf)
    np.maximum.at(best, owner, whole.best)
    moved = np.sort(owner[whole.pairs], axis=1).astype(np.int64)
    kept = moved[:, 0] != moved[:, 1]
    pairs, sides = sum_by_pair(moved[kept], list(whole.sides[:, kept]))
    return Regions(
        nodes=np.stack([np.bincount(owner, row, count) for row in whole.nodes]),
        best=best,
        pairs=pairs,
        sides=np.stack(sides),
    )


def _added(parts: Iterator[Regions]) -> Regions:
    """Add up the sums of strips, in their order."""
    whole = next(parts)
    nodes, best = whole.nodes.copy(), whole.best.copy()
    pairs, sides = [whole.pairs], [whole.sides]
    for part in parts:
        nodes += part.nodes
        np.maximum(best, part.best, out=best)
        pairs.append(part.pairs)
        sides.append(part.sides)
        # not with every strip, or all pairs are sorted once for each
        if sum(map(len, pairs[1:])) > len(pairs[0]):
            pairs, sides = _summed(pairs, sides)
    (together,), (of_sides,) = (pairs, sides) if len(pairs) == 1 else _summed(pairs, sides)
    return Regions(nodes=nodes, best=best, pairs=together, sides=of_sides)


def _summed(pairs: list[NDArray[np.int64]], sides: list[Floats]) -> tuple[list[NDArray[np.int64]], list[Floats]]:
    found, sums = sum_by_pair(np.concatenate(pairs), list(np.concatenate(sides, axis=1)))
    return [found], [np.stack(sums)]


def sum_by_pair(
    pairs: NDArray[np.int64], weights: list[NDArray[np.float64]]
) -> tuple[NDArray[np.int64], list[NDArray[np.float64]]]:
    """Add up weights over equal pairs."""
    if not len(pairs):
        return pairs, [np.zeros(0) for _ in weights]
    size = int(pairs.max()) + 1
    keys, inverse = np.unique(pairs[:, 0] * size + pairs[:, 1], return_inverse=True)
    sums = [np.bincount(inverse, weight, len(keys)).astype(np.float64) for weight in weights]
    return np.stack([keys // size, keys % size], axis=1), sums


def merge_unsupported(
    count: int, pairs: NDArray[np.int64], support: NDArray[np.float64], length: NDArray[np.float64], level: float
) -> NDArray[np.int32]:
    """Merge neighboring regions, weakest boundary first, until every boundary has the wanted mean support.

    The support of a merged boundary is the length-weighted mean of its parts, so that joining
    mutually weakest neighbors in rounds gives the same result as joining one pair at a time.

    Parameters
    ----------
    count : int
        Largest label.
    pairs : array, shape (n, 2)
        Labels of neighbors.
    support, length : arrays, shape (n,)
        Sum of the support along the boundary of the pair, and its length.
    level : float
        Boundaries with a mean support below it vanish.

    Returns
    -------
    array, shape (count + 1,)
        New label of every old one, 0 stays 0.
    """
    owner = np.arange(count + 1)
    while len(pairs):
        chosen = weakest_of_both(count + 1, pairs, support / length, level)
        if not chosen.any():
            break
        new = np.arange(count + 1)
        new[pairs[chosen, 1]] = pairs[chosen, 0]  # mutual choice: every region is in one pair at most
        owner = new[owner]
        moved = new[pairs]
        moved = np.sort(moved[moved[:, 0] != moved[:, 1]], axis=1)
        kept = new[pairs[:, 0]] != new[pairs[:, 1]]
        pairs, (support, length) = sum_by_pair(moved, [support[kept], length[kept]])
    return owner.astype(np.int32)


def weakest_of_both(count: int, pairs: NDArray[np.int64], strength: Floats, level: float) -> Mask:
    """Pairs of neighbors below a level that are the weakest pair of both: every region is in one of them at most."""
    order = np.argsort(strength, kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    weakest = np.full(count, len(order), np.int64)
    np.minimum.at(weakest, pairs[:, 0], rank)
    np.minimum.at(weakest, pairs[:, 1], rank)
    return np.asarray((strength < level) & (weakest[pairs[:, 0]] == rank) & (weakest[pairs[:, 1]] == rank), bool)


def otsu(values: NDArray[np.float32], bins: int = 256) -> float:
    """Level that parts values into two classes of least spread (Otsu 1979)."""
    histogram, edges = np.histogram(values, bins)
    centers = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(histogram)
    above = below[-1] - below
    sums = np.cumsum(histogram * centers)
    with np.errstate(invalid="ignore", divide="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    between = np.nan_to_num(between)
    best = np.flatnonzero(between >= between.max() * (1 - 1e-12))
    return float(edges[int(best.mean()) + 1])


def without_small_parts(mask: Mask, extent_px: float) -> Mask:
    """Remove 8-connected parts whose bounding box is shorter than ``extent_px`` in both directions."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    keep = np.maximum(stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]) >= extent_px
    keep[0] = False
    return np.asarray(keep[labels], bool)


def small_given_away(regions: Regions, smallest_px: int, doubtful: Mask) -> NDArray[np.int32]:
    """Give regions smaller than ``smallest_px`` to the neighbor with the longest common boundary.

    A small region without neighbor stays.

    Parameters
    ----------
    doubtful : array of bool, shape (largest label + 1,)
        Regions that are given away whatever their size.

    Returns
    -------
    array, shape (largest label + 1,)
        New label of every old one, 1..n; 0 for what has no pixel.
    """
    owner = np.arange(len(regions.best))
    area, pairs, length = regions.nodes[0], regions.pairs, regions.sides[0]
    while True:
        both = np.concatenate([pairs, pairs[:, ::-1]])
        lengths = np.concatenate([length, length])
        # what is small or doubtful goes into what is neither, or into something larger (ties by number): no circles
        giver, taker = both[:, 0], both[:, 1]
        leaving = (area < smallest_px) | doubtful
        larger = (area[taker] > area[giver]) | ((area[taker] == area[giver]) & (taker < giver))
        chosen = leaving[giver] & (larger | ~leaving[taker])
        if not chosen.any():
            break
        giver, taker, lengths = giver[chosen], taker[chosen], lengths[chosen]
        order = np.lexsort((lengths, giver))
        last = np.append(giver[order][1:] != giver[order][:-1], True)
        target = np.arange(len(area))
        target[giver[order][last]] = taker[order][last]
        while not np.array_equal(target, target[target]):
            target = target[target]
        owner = target[owner]
        area = np.bincount(target, area, len(area))
        moved = np.sort(target[pairs], axis=1)
        kept = moved[:, 0] != moved[:, 1]
        pairs, (length,) = sum_by_pair(moved[kept], [length[kept]])
    numbers = np.zeros(len(area), np.int32)
    present = np.flatnonzero(area)
    present = present[present > 0]
    numbers[present] = np.arange(1, len(present) + 1)
    return np.asarray(numbers[owner], np.int32)


def parted_by_distance(distance: FloatImage, mask: Mask, depth: float) -> LabelImage:
    """Part touching round objects where the neck is narrower than (1 - depth) times the smaller object.

    Parameters
    ----------
    distance : array, shape (rows, columns), float32
        Distance of every object pixel to the background. [px]
    """
    # a dynamic relative to the size of the object: on the logarithm it is one number
    solid = np.asarray(dip.HMaxima(dip.Image(distance), 0.75))  # steps of the pixel grid are no objects
    height = np.log(np.maximum(solid, 0.5)).astype(np.float32)
    peaks = np.asarray(dip.Maxima(dip.Image(np.asarray(dip.HMaxima(dip.Image(height), -float(np.log(1 - depth)))))))
    return flooded(-distance, numbered(peaks & mask), mask)


def flooded(landscape: FloatImage, markers: NDArray[np.int32], roi: Mask) -> LabelImage:
    """Flood a landscape from markers; every pixel of the region gets the label of a basin (4-connected)."""
    return np.asarray(watershed(landscape, markers, mask=roi), np.int32)  # type: ignore[no-untyped-call]


def largest_nearby(strength: FloatImage) -> FloatImage:
    """Largest value in 3 x 3 pixels: a boundary between pixels may lie one pixel beside the crest."""
    return np.asarray(cv2.dilate(strength, np.ones((3, 3), np.uint8)), np.float32)


def crest_lines(strength: FloatImage, roi: Mask) -> Mask:
    """Crests of a strength map, one or two pixels wide: where the basins of all its minima meet."""
    basins = flooded(strength, numbered(np.asarray(dip.Minima(dip.Image(strength))) & roi), roi)
    crest = np.zeros(strength.shape, bool)
    crest[:, 1:] |= basins[:, 1:] != basins[:, :-1]
    crest[1:] |= basins[1:] != basins[:-1]
    return crest


def mean_distance(strength: Samples, crest: Mask | None, levels: NDArray[np.float64], shortest_px: float) -> FloatImage:
    """Mean over several levels of the distance to the crests above the level, small parts left out. [px]

    Without crests everything above the level counts, as in a map that shows lines and nothing else.
    Made strip by strip. The rows looked at above and below a strip are more than the distances found in it.
    """
    total: FloatImage = zeros_like(strength, np.float32)
    height, width = strength.shape
    around = ceil(shortest_px) + 1
    reach = np.full(len(levels), 96)

    def mean(rows: slice) -> Arrays:
        k, summed = 0, np.zeros((rows.stop - rows.start, width), np.float32)
        while k < len(levels):
            top, bottom = max(0, rows.start - reach[k]), min(height, rows.stop + reach[k])
            first, last = max(0, top - around), min(height, bottom + around)
            above = strength[first:last].astype(np.float32) > np.float32(levels[k])
            lines = without_small_parts(above if crest is None else above & crest[first:last], shortest_px)
            free = np.logical_not(lines[top - first : bottom - first]).view(np.uint8)
            distance = cv2.distanceTransform(free, cv2.DIST_L2, 5)[rows.start - top : rows.stop - top]
            if (top > 0 or bottom < height) and distance.max() > reach[k]:
                reach[k] *= 2
                continue
            summed += np.minimum(distance, sum(strength.shape))  # without any line it has no bound
            k += 1
        return {"mean": summed / np.float32(len(levels))}

    for k, rows in enumerate(strips(strength.shape, max(1 << 20, width << 8))):  # high beside what is around them
        total[rows] = made_once(strength, f"distance {k}", partial(mean, rows))["mean"]
    return total


def away_from_junctions(labels: LabelImage, radius_px: float) -> FloatImage:
    """1 where no point at which three regions meet lies within a radius, else 0.

    A boundary ends on other boundaries; what is seen there speaks for them, not for it.
    """
    a, b, c, d = labels[:-1, :-1], labels[:-1, 1:], labels[1:, :-1], labels[1:, 1:]
    distinct = 1 + (b != a) + ((c != a) & (c != b)) + ((d != a) & (d != b) & (d != c))
    junction = np.ones(labels.shape, np.uint8)
    junction[:-1, :-1] = distinct < 3
    distance = cv2.distanceTransform(junction, cv2.DIST_L2, 5)
    return (distance > radius_px).astype(np.float32)


def line_like_regions(area: Floats, best: Floats, limit: float, largest_px: float) -> Mask:
    """Regions without an interior: nowhere above ``limit``, and not large.

    Clusters of carbides, pits and double lines enclose such islands; they are boundary, not grain.

    Parameters
    ----------
    area, best : arrays, shape (largest label + 1,)
        Of ``Regions``.
    """
    small = area < largest_px
    small[0] = False
    return np.asarray(small & (best < limit), bool)
