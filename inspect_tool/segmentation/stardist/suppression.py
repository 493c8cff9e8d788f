"""The choice among candidates (non-maximum suppression): the most probable stays, what shares too much with it goes.

Greedy, as in StarDist: a candidate goes where more than a given part of the smaller area is shared with one that stays
and goes before it. One below a probability never removes one above it, so that one choice at the lowest threshold holds
the choices at all higher ones. Candidates of a coarser scale go before those of a finer one: they are large objects, of
which the finer scale sees pieces.

Of more candidates than can be held the choice is made in windows, and is that among all of them at once. Whether a
candidate stays follows from those that reach it, and only one choice obeys that rule for every candidate: the greedy
one. So where each window, which sees beyond its own part, leaves the same candidates as its neighbors wherever
something reaches into it, all of them together are that choice. Where two differ, both are made again and see farther.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod, sqrt

import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import Samples
from inspect_tool.segmentation.stardist.polygons import Floats, Stars, joined

HELD = 400_000
"""Candidates that are looked at at a time, about 450 MB when 32 rays each; of more, windows are."""

_SLACK_PX = 4.0  # areas are shared in whole pixels
_RAYS_FROM = 4  # row, column, probability, level come before them

Ids = NDArray[np.int64]
Cell = tuple[int, int]


def packed(stars: Stars) -> Floats:
    """Candidates as one row of numbers each."""
    return np.concatenate(
        [stars.points, stars.probability[:, None], stars.level[:, None].astype(np.float32), stars.rays], axis=1
    )


def unpacked(values: Floats) -> Stars:
    """Candidates of such rows."""
    return Stars(
        points=np.ascontiguousarray(values[:, :2]),
        probability=np.ascontiguousarray(values[:, 2]),
        level=values[:, 3].astype(np.int8),
        rays=np.ascontiguousarray(values[:, _RAYS_FROM:]),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """Candidates that lie near one another, held or on the disk, and what is known of them."""

    values: Samples  # rows as ``packed`` makes them
    rows: slice  # of these
    low: Floats  # (2,) smallest row and column of a point [px]
    high: Floats  # largest
    longest: float  # ray [px]

    def __len__(self) -> int:
        return int(self.rows.stop - self.rows.start)

    def stars(self) -> Stars:
        """Give the candidates."""
        return unpacked(self.values[self.rows])


def parts_of(values: Samples, counts: Sequence[int]) -> Iterator[Part]:
    """Give the parts of rows of numbers that follow one another, each of so many; empty ones are left out."""
    first = 0
    for count in counts:
        rows = slice(first, first + count)
        first += count
        if count:
            stars = unpacked(values[rows])
            yield Part(
                values=values,
                rows=rows,
                low=stars.points.min(axis=0),
                high=stars.points.max(axis=0),
                longest=float(stars.rays.max()),
            )


def chosen(stars: Stars, nms_threshold: float) -> Stars:
    """Candidates that remain, most probable first; equal ones by row and column, so that the order is fixed."""
    stars = stars[_order(stars)]
    return stars[remaining(stars, nms_threshold)]


def remaining(stars: Stars, nms_threshold: float) -> NDArray[np.bool_]:
    """Which candidates remain, of those that go before others given first."""
    from stardist.nms import non_maximum_suppression_inds

    if len(stars) < 2:
        return np.ones(len(stars), bool)
    kept = non_maximum_suppression_inds(
        stars.rays, stars.points, stars.probability, thresh=nms_threshold, use_bbox=True, use_kdtree=True, verbose=0
    )
    return np.asarray(kept, bool)


def chosen_of(parts: Sequence[Part], rays: int, nms_threshold: float, held: int = HELD) -> Stars:
    """Choose among all candidates of several parts, see ``chosen``.

    Parameters
    ----------
    parts : sequence of Part
    rays : int
        Number of rays.
    nms_threshold : float
        Largest shared part of the smaller area.
    held : int
        Candidates from which on they are looked at in windows; the choice is the same.
    """
    count = sum(len(part) for part in parts)
    if count <= held:
        return chosen(joined((part.stars() for part in parts), rays), nms_threshold)
    stars = joined(_in_windows(_Windows.over(parts, held), nms_threshold), rays)
    return stars[_order(stars)]


def _order(stars: Stars) -> NDArray[np.intp]:
    order: NDArray[np.intp] = np.lexsort((stars.points[:, 1], stars.points[:, 0], -stars.probability, -stars.level))
    return order


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Windows:
    """Where windows lie: squares side by side, each with what may reach into it."""

    parts: Sequence[Part]
    corner: Floats  # (2,) [px]
    side: float  # not shorter than ``reach`` [px]
    grid: Cell  # rows and columns of windows
    reach: float  # candidates whose points lie farther apart share nothing [px]

    @classmethod
    def over(cls, parts: Sequence[Part], held: int) -> "_Windows":
        """Lay windows with about so many candidates each."""
        corner = np.min([part.low for part in parts], axis=0)
        extent = np.max([part.high for part in parts], axis=0) - corner + 1
        reach = 2 * max(part.longest for part in parts) + _SLACK_PX
        even = sqrt(held * prod(extent.tolist()) / sum(len(part) for part in parts))
        side = max(reach, even - 4 * reach)
        rows, columns = (int(length // side) + 1 for length in extent)
        return cls(parts=parts, corner=corner, side=side, grid=(rows, columns), reach=reach)

    def cells(self, points: Floats) -> NDArray[np.intp]:
        """Row and column of the window that each point belongs to."""
        return ((points - self.corner) / self.side).astype(np.intp)

    def bounds(self, cell: Cell, beyond: float) -> tuple[Floats, Floats]:
        """Smallest and largest row and column of a window and so far beyond it."""
        low = self.corner + np.multiply(cell, self.side)
        return low - beyond, low + self.side + beyond

    def inside(self, cell: Cell, points: Floats, beyond: float) -> NDArray[np.bool_]:
        """Whether points lie in a window, or so far beyond it."""
        low, high = self.bounds(cell, beyond)
        found: NDArray[np.bool_] = ((points >= low) & (points <= high)).all(axis=1)
        return found

    def around(self, cell: Cell, beyond: float) -> tuple[Stars, Ids]:
        """Candidates of a window and so far beyond it, with their places among all candidates."""
        low, high = self.bounds(cell, beyond)
        some, ids, first = [], [np.zeros(0, np.int64)], 0
        for part in self.parts:
            if (part.low <= high).all() and (part.high >= low).all():
                stars = part.stars()
                mine = self.inside(cell, stars.points, beyond)
                some.append(stars[mine])
                ids.append(first + np.flatnonzero(mine))
            first += len(part)
        return joined(some, self.parts[0].values.shape[1] - _RAYS_FROM), np.concatenate(ids)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Seen:
    """What remains in a window, and as far beyond it as something reaches into it."""

    stars: Stars
    ids: Ids
    own: NDArray[np.bool_]  # which of them belong to the window


def _in_windows(windows: _Windows, nms_threshold: float) -> Iterator[Stars]:
    """Choose window by window until all of them agree."""
    beyond = dict.fromkeys(product(range(windows.grid[0]), range(windows.grid[1])), 2 * windows.reach)
    seen: dict[Cell, _Seen] = {}
    again = set(beyond)
    while again:
        for cell in again:
            seen[cell] = _seen(windows, cell, beyond[cell], nms_threshold)
        again = {one for cell in beyond for one in _unlike(windows, seen, cell)}
        for cell in again:
            beyond[cell] *= 2
    return (one.stars[one.own] for one in seen.values())


def _seen(windows: _Windows, cell: Cell, beyond: float, nms_threshold: float) -> _Seen:
    stars, ids = windows.around(cell, beyond)
    order = _order(stars)
    stars, ids = stars[order], ids[order]
    kept = remaining(stars, nms_threshold) & windows.inside(cell, stars.points, windows.reach)
    own = (windows.cells(stars.points[kept]) == cell).all(axis=1)
    return _Seen(stars=stars[kept], ids=ids[kept], own=own)


def _unlike(windows: _Windows, seen: dict[Cell, _Seen], cell: Cell) -> set[Cell]:
    """Windows that do not agree on what reaches into one of them: none, or that one and others."""
    mine = seen[cell]
    found = set()
    for down, right in product((-1, 0, 1), repeat=2):
        other = (cell[0] + down, cell[1] + right)
        theirs = seen.get(other)
        if theirs is None or other == cell:
            continue
        reaches = theirs.own & windows.inside(cell, theirs.stars.points, windows.reach)
        here = (windows.cells(mine.stars.points) == other).all(axis=1)
        if not np.array_equal(np.sort(theirs.ids[reaches]), np.sort(mine.ids[here])):
            found |= {cell, other}
    return found
