"""Points of different objects that are direct neighbors: joined by an edge of the Delaunay triangulation of all.

Of very many points the triangulation is made tile by tile. A triangle is one of the whole where no point lies in the
circle through its corners, so that a tile is sure of those whose circle it has seen, as far as the circle reaches to
where there are points at all. A point is done where all triangles around it are such; the others, along the frame and
around wide gaps, are triangulated together with the neighbors that they are known to have.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay, QhullError

MOST = 1_000_000
"""Points that are triangulated at once; qhull takes some 0.5 kB for each."""

_PER_TILE = 200_000
_RIM = 0.25  # of the side of a tile
_WIDEST = 1e7  # radius [px] from which on a circle is not known well enough to be relied on
_SHAKE_PX = 1e-3
_SLACK_PX = 1.0  # what a tile must have seen beyond a circle

Points = NDArray[np.int32]
Floats = NDArray[np.float64]
Places = NDArray[np.intp]


def neighbors_of_others(points: Points, label: NDArray[np.int32], most: int = MOST) -> Places:
    """Pairs of points of different objects that are joined by an edge, as places in ``points``, (n, 2).

    Parameters
    ----------
    points : int array of shape (n, 2)
        Row and column of each, different and ordered by rows. [px]
    label : int array of shape (n,)
        Number of the object of each.
    most : int
        Points that are triangulated at once.
    """
    # a thousandth of a pixel off the grid halves the time: four points of a square no longer tie
    shaken = points + np.random.default_rng(0).uniform(-_SHAKE_PX, _SHAKE_PX, points.shape)
    if len(points) <= most:
        return _apart(_edges_at_once(points, shaken), label)
    return _edges_by_tiles(shaken, label, min(_PER_TILE, most))


def _apart(edges: Places, label: NDArray[np.int32]) -> Places:
    apart: Places = edges[label[edges[:, 0]] != label[edges[:, 1]]]
    return apart


def _edges_at_once(points: Points, shaken: Floats) -> Places:
    """Index pairs that hold every edge; for points on one line the neighbors along it."""
    try:
        corners = Delaunay(shaken if np.ptp(points, axis=0).all() else points).simplices
    except QhullError:
        order = np.lexsort((points[:, 1], points[:, 0]))
        chain: Places = np.column_stack([order[:-1], order[1:]])
        return chain
    return _sides(corners.astype(np.intp))


def _sides(corners: Places) -> Places:
    return np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Tile:
    """What one tile is sure of; places are those of all points."""

    edges: Places  # of points of different objects
    between: Places  # (n, 3) sure triangles of a point that is done here and of one that is not
    open: Places  # points of the tile whose triangles it is not sure of


def _edges_by_tiles(points: Floats, label: NDArray[np.int32], per_tile: int) -> Places:
    tiles = list(_tiles(points, label, per_tile))
    left = np.concatenate([tile.open for tile in tiles])
    is_left = np.zeros(len(points), np.bool_)
    is_left[left] = True
    between = np.concatenate([tile.between for tile in tiles])
    between = between[is_left[between].any(axis=1)]
    wanted = is_left.copy()
    wanted[between.ravel()] = True
    places = np.flatnonzero(wanted)
    corners = places[Delaunay(points[places]).simplices] if len(left) else np.zeros((0, 3), np.intp)
    # around a point all of whose neighbors are here, the triangles are those of the whole
    rest = _sides(corners[is_left[corners].any(axis=1)])
    return np.concatenate([*(tile.edges for tile in tiles), _apart(rest, label)])


def _tiles(points: Floats, label: NDArray[np.int32], per_tile: int) -> Iterator[_Tile]:
    first, last = points.min(axis=0), points.max(axis=0)
    side = sqrt(max(float(np.prod(last - first)), 1.0) * per_tile / len(points))
    rows, columns = (int(length // side) + 1 for length in (last - first).tolist())
    order = points[:, 0].argsort(kind="stable")
    row = points[order, 0]
    for i in range(rows):
        top = first[0] + i * side
        band = order[slice(*np.searchsorted(row, [top - _RIM * side, top + (1 + _RIM) * side]))]
        for j in range(columns):
            core = np.array([top, first[1] + j * side])
            seen = points[band, 1] >= core[1] - _RIM * side
            seen &= points[band, 1] < core[1] + (1 + _RIM) * side
            yield _tile(points, band[seen], label, core, side, (first, last))


def _tile(
    points: Floats, around: Places, label: NDArray[np.int32], core: Floats, side: float, frame: tuple[Floats, Floats]
) -> _Tile:
    """Triangulate the points around a tile. ``core``: its first row and column; ``frame``: of all points."""
    at = points[around] - core
    owned = ((at >= 0) & (at < side)).all(axis=1)
    none = np.zeros((0, 2), np.intp), np.zeros((0, 3), np.intp)
    if not owned.any():
        return _Tile(edges=none[0], between=none[1], open=np.zeros(0, np.intp))
    try:
        found = Delaunay(at)
    except (QhullError, ValueError):  # few points, or all on one line
        return _Tile(edges=none[0], between=none[1], open=around[owned])
    corners = found.simplices.astype(np.intp)
    sure = _is_sure(at[corners], side, (frame[0] - core, frame[1] - core))
    is_open = np.ones(len(at), np.bool_)
    is_open[corners] = False
    is_open[corners[~sure]] = True
    is_open[found.convex_hull] = True
    done = owned & ~is_open
    mine = corners[sure & done[corners].any(axis=1)]
    return _Tile(
        edges=_apart(around[_sides(mine)], label),
        between=around[mine[~done[mine].all(axis=1)]],
        open=around[owned & is_open],
    )


def _is_sure(corners: Floats, side: float, frame: tuple[Floats, Floats]) -> NDArray[np.bool_]:
    """Whether a tile has seen all of the circle through each triangle that lies in the frame of all points.

    ``corners``: (n, 3, 2), counted from the first row and column of the tile, as the frame.
    """
    a, b, c = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    twice = 2 * (b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0])
    bb, cc = (b**2).sum(axis=1), (c**2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        to = np.stack([c[:, 1] * bb - b[:, 1] * cc, b[:, 0] * cc - c[:, 0] * bb], axis=1) / twice[:, None]
    radius2 = (to**2).sum(axis=1)
    sure: NDArray[np.bool_] = radius2 < _WIDEST**2
    middle = np.where(sure[:, None], a + to, 0.0)
    low, high = frame
    away = np.maximum(np.maximum(low - middle, middle - high), 0.0)  # of the middle from the frame
    for axis in (0, 1):
        half = np.sqrt(np.maximum(np.where(sure, radius2, 0.0) - away[:, 1 - axis] ** 2, 0.0))
        begins = np.maximum(middle[:, axis] - half, low[axis])
        ends = np.minimum(middle[:, axis] + half, high[axis])
        sure &= (begins >= -_RIM * side + _SLACK_PX) | (low[axis] >= -_RIM * side)
        sure &= (ends <= (1 + _RIM) * side - _SLACK_PX) | (high[axis] < (1 + _RIM) * side)
    return sure
