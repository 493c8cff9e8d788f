"""Watershed and h-maxima of large images, tile by tile: memory stays that of one tile besides the answer.

Each tile is flooded from its markers and from every pixel of its inner borders. A path that leaves the tile
passes such a pixel, so that a pixel of the tile belongs to the source that it floods from, whatever lies
outside. Which marker each border pixel belongs to is then a minimum spanning forest over few sources. The
answer is that of one flood over the whole image but for ties.
"""

from collections.abc import Callable, Iterator
from functools import partial
from math import ceil

import cv2
import diplib as dip
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree
from skimage.segmentation import watershed

from inspect_tool.model import LabelImage, Mask
from inspect_tool.pixels.kept import Arrays, made_once
from inspect_tool.pixels.stored import zeros_like

FloatImage = NDArray[np.float32]
Area = tuple[slice, slice]
Landscape = Callable[[Area], FloatImage]
TILE_PX = 768  # the flood needs about 80 bytes for each pixel of a tile


def tiles(shape: tuple[int, ...], halo_px: int = 0) -> Iterator[tuple[Area, Area, Area]]:
    """Cut an image into tiles of like size.

    Yields
    ------
    tile : its rows and columns in the image
    wide : the same with ``halo_px`` all round, within the image
    inner : place of the tile in ``wide``
    """
    cuts = [np.linspace(0, size, ceil(size / TILE_PX) + 1).astype(int).tolist() for size in shape[:2]]
    for top, bottom in zip(cuts[0][:-1], cuts[0][1:], strict=True):
        for left, right in zip(cuts[1][:-1], cuts[1][1:], strict=True):
            tile = (slice(top, bottom), slice(left, right))
            wide = (
                slice(max(0, top - halo_px), min(shape[0], bottom + halo_px)),
                slice(max(0, left - halo_px), min(shape[1], right + halo_px)),
            )
            yield tile, wide, inside(tile, wide)


def inside(tile: Area, wide: Area) -> Area:
    """Place of one area in another one."""
    rows, columns = (slice(a.start - b.start, a.stop - b.start) for a, b in zip(tile, wide, strict=True))
    return rows, columns


def strips(shape: tuple[int, ...], pixels: int = 1 << 20) -> Iterator[slice]:
    """Rows of an image, about a million pixels at a time."""
    step = max(1, pixels // max(1, shape[1]))
    for top in range(0, shape[0], step):
        yield slice(top, min(shape[0], top + step))


def h_maxima(image: FloatImage, height: float, roi: Mask) -> tuple[NDArray[np.intp], NDArray[np.int32]]:
    """Maxima that stand at least ``height`` above the saddles round them.

    Returns
    -------
    at : array, shape (n,)
        Pixels of the maxima inside the region, as numbers into the flat image.
    number : array, shape (n,)
        1.. for each 4-connected part.
    """
    found = made_once(image, "maxima", lambda: _h_maxima(image, height, roi))
    return found["at"], found["number"]


def _h_maxima(image: FloatImage, height: float, roi: Mask) -> Arrays:
    solid = _reconstructed(image, height)
    found = []
    columns = image.shape[1]
    for tile, wide, inner in tiles(image.shape, 1):
        top = np.asarray(dip.Maxima(dip.Image(np.ascontiguousarray(solid[wide]))))[inner]
        row, column = np.nonzero(top)
        found.append((row + tile[0].start) * columns + column + tile[1].start)
    at = np.sort(np.concatenate(found))
    at = _true_maxima(at, solid)
    at = at[roi[np.divmod(at, columns)]]
    return {"at": at, "number": (_parts(at, columns, ((0, 1), (1, 0))) + 1).astype(np.int32)}


def _reconstructed(image: FloatImage, height: float) -> FloatImage:
    """Raise the lowered image below the image, tile by tile until nothing moves: the limit is that of the whole."""
    low: FloatImage = zeros_like(image, np.float32)
    for rows in strips(image.shape):
        low[rows] = image[rows] - np.float32(height)
    cut = list(tiles(image.shape, 1))
    waiting = dict.fromkeys(range(len(cut)))
    while waiting:
        k = next(iter(waiting))
        del waiting[k]
        tile, wide, inner = cut[k]
        raised = dip.MorphologicalReconstruction(
            dip.Image(np.ascontiguousarray(low[wide])), dip.Image(np.ascontiguousarray(image[wide]))
        )
        new, old = np.asarray(raised)[inner], low[tile]
        moved = [bool((new[side] != old[side]).any()) for side in (0, -1, (slice(None), 0), (slice(None), -1))]
        low[tile] = new
        if any(moved):
            waiting |= {other: None for other, (near, _, _) in enumerate(cut) if other != k and _touch(near, wide)}
    return low


def _touch(tile: Area, wide: Area) -> bool:
    return all(a.start < b.stop and b.start < a.stop for a, b in zip(tile, wide, strict=True))


def _true_maxima(at: NDArray[np.intp], image: FloatImage) -> NDArray[np.intp]:
    """Leave out plateaus that go on in the next tile, where something higher stands beside them."""
    rows, columns = image.shape
    part = _parts(at, columns, ((0, 1), (1, -1), (1, 0), (1, 1)))
    row, column = np.divmod(at, columns)
    edge = np.zeros(len(at), bool)
    for axis, place in enumerate((row, column)):
        ends = {end for tile, _, _ in tiles(image.shape) for end in (tile[axis].start, tile[axis].stop - 1)}
        edge |= np.isin(place, list(ends))
    edge_row, edge_column, edge_part = row[edge], column[edge], part[edge]
    level = image[edge_row, edge_column]
    lost = np.zeros(int(part.max(initial=-1)) + 1, bool)
    for down, right in ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)):
        r, c = edge_row + down, edge_column + right
        within = (r >= 0) & (r < rows) & (c >= 0) & (c < columns)
        r, c = r[within], c[within]
        same = image[r, c] == level[within]
        lost[edge_part[within][same & (_place(at, r * columns + c) < 0)]] = True
    kept: NDArray[np.intp] = at[~lost[part]]
    return kept


def _place(at: NDArray[np.intp], wanted: NDArray[np.intp]) -> NDArray[np.intp]:
    """Place of numbers in an increasing list, -1 where they are not in it."""
    if not len(at):
        return np.full(len(wanted), -1)
    place = np.minimum(np.searchsorted(at, wanted), len(at) - 1)
    return np.asarray(np.where(at[place] == wanted, place, -1), np.intp)


def _parts(at: NDArray[np.intp], columns: int, steps: tuple[tuple[int, int], ...]) -> NDArray[np.int32]:
    """Number the connected parts, from 0, of pixels in increasing order; ``steps`` lead to the later neighbors."""
    first, second = [], []
    column = at % columns
    for down, right in steps:
        valid = np.flatnonzero((column + right >= 0) & (column + right < columns))
        near = _place(at, at[valid] + down * columns + right)
        first.append(valid[near >= 0])
        second.append(near[near >= 0])
    i, j = np.concatenate(first), np.concatenate(second)
    graph = coo_array((np.ones(len(i), bool), (i, j)), shape=(len(at), len(at)))
    return np.asarray(connected_components(graph, directed=False)[1], np.int32)


def basins(landscape: Landscape, roi: Mask, at: NDArray[np.intp], number: NDArray[np.int32]) -> LabelImage:
    """Flood a landscape from markers; every pixel of the region gets the number of a marker (4-connected).

    Parameters
    ----------
    landscape : function
        Gives the landscape of a part of the image.
    roi : array of bool, shape (rows, columns)
        What no marker reaches in it, and all outside, is 0.
    at : array, shape (n,)
        Marker pixels, as numbers into the flat image.
    number : array, shape (n,)
        Number of each marker pixel, 1 and up.
    """
    labels: LabelImage = zeros_like(roi, np.int32)
    labels[np.divmod(at, roi.shape[1])] = number
    count = last = int(number.max(initial=0))
    edges: list[NDArray[np.float64]] = []

    def flooded(tile: Area, before: int) -> Arrays:
        height, free = landscape(tile), roi[tile]
        seeds = np.array(labels[tile])
        ring = _inner_border(tile, roi.shape) & free & (seeds == 0)
        sources = int(np.count_nonzero(ring))
        seeds[ring] = np.arange(before + 1, before + 1 + sources)
        found = watershed(height, seeds, mask=free)  # type: ignore[no-untyped-call]
        passes = _needed(_passes(found, height, count), count)
        return {"labels": found, "passes": passes, "sources": np.array(sources)}

    for k, (tile, _, _) in enumerate(tiles(roi.shape)):
        part = made_once(roi, f"flood {k}", partial(flooded, tile, last))
        labels[tile] = part["labels"]
        last += int(part["sources"])
        edges.append(part["passes"])
    for axis, other in ((0, 1), (1, 0)):
        for start in sorted({tile[axis].start for tile, _, _ in tiles(roi.shape)} - {0}):
            for tile, _, _ in tiles(roi.shape):
                if tile[axis].start == start:
                    both = [slice(start - 1, start + 1)] * 2
                    both[other] = tile[other]
                    area = (both[0], both[1])
                    edges.append(_passes(labels[area], landscape(area), count))
    if last > count:
        owner = _forest(np.concatenate(edges), count, last)
        for rows in strips(labels.shape):
            labels[rows] = owner[labels[rows]]
    return labels


def numbered(mask: Mask) -> NDArray[np.int32]:
    """Numbers 1..n for the 4-connected parts of a mask."""
    return np.asarray(cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)[1], np.int32)


def _inner_border(tile: Area, shape: tuple[int, ...]) -> Mask:
    """Pixels of a tile that have neighbors in other tiles."""
    rows, columns = tile
    found = np.zeros((rows.stop - rows.start, columns.stop - columns.start), bool)
    found[0] |= rows.start > 0
    found[-1] |= rows.stop < shape[0]
    found[:, 0] |= columns.start > 0
    found[:, -1] |= columns.stop < shape[1]
    return found


def _passes(labels: LabelImage, height: FloatImage, count: int) -> NDArray[np.float64]:
    """Lowest pass between neighbors of which one at least is no marker: number, number, higher, lower side."""
    found = []
    for first, second in (
        ((slice(None), slice(None, -1)), (slice(None), slice(1, None))),
        ((slice(None, -1), slice(None)), (slice(1, None), slice(None))),
    ):
        a, b = labels[first], labels[second]
        at = (a != b) & (a > 0) & (b > 0) & ((a > count) | (b > count))
        low, high = np.minimum(a[at], b[at]), np.maximum(a[at], b[at])
        one, two = height[first][at], height[second][at]
        found.append(np.stack([low, high, np.maximum(one, two), np.minimum(one, two)], axis=1))
    return _lowest(np.concatenate(found).astype(np.float64))


def _lowest(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    edges = edges[np.lexsort(edges.T[::-1])]
    new = np.ones(len(edges), bool)
    new[1:] = (edges[1:, :2] != edges[:-1, :2]).any(axis=1)
    kept: NDArray[np.float64] = edges[new]
    return kept


def _needed(edges: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Passes of a tile that a forest over the whole image can use: of those that make a ring the highest is in none."""
    order = _rising(edges)
    ends = np.where(edges[order, :2] <= count, 0, edges[order, :2])  # markers are never joined, and count as one
    nodes, place = np.unique(ends, return_inverse=True)
    first, second = place.reshape(-1, 2).T
    _, lowest = np.unique(first * len(nodes) + second, return_index=True)
    weight = np.arange(1.0, len(order) + 1)[lowest]
    graph = coo_array((weight, (first[lowest], second[lowest])), shape=(len(nodes), len(nodes)))
    kept = minimum_spanning_tree(graph).tocoo().data.astype(np.intp) - 1
    return np.asarray(edges[np.sort(order[kept])])


def _rising(edges: NDArray[np.float64]) -> NDArray[np.intp]:
    # of two ways at one level a pixel is flooded from the lower neighbor
    return np.asarray(np.lexsort((edges[:, 3], edges[:, 2])), np.intp)


def _forest(edges: NDArray[np.float64], count: int, last: int) -> NDArray[np.int32]:
    """Marker 1..count of every source ..last: the one that is reached over the lowest passes, 0 if there is none."""
    edges = _lowest(edges)
    order = _rising(edges)
    # rising weights from 2; the markers hang on node 0 with weight 1, so that no two of them are joined
    first = np.concatenate([np.zeros(count), edges[order, 0]]).astype(np.intp)
    second = np.concatenate([np.arange(1, count + 1), edges[order, 1]]).astype(np.intp)
    weight = np.concatenate([np.ones(count), np.arange(2.0, len(order) + 2)])
    tree = minimum_spanning_tree(coo_array((weight, (first, second)), shape=(last + 1, last + 1))).tocoo()
    kept = tree.data > 1
    forest = coo_array((tree.data[kept], (tree.row[kept], tree.col[kept])), shape=tree.shape)
    part = connected_components(forest, directed=False)[1]
    owner = np.zeros(int(part.max()) + 1, np.int32)
    owner[part[1 : count + 1]] = np.arange(1, count + 1)
    return np.asarray(owner[part], np.int32)
