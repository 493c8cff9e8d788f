"""Annealing twins: straight parallel-sided lamellae inside a grain, which most grain size rules do not count.

A region is taken for a lamella only where its shape leaves little doubt; everything else stays a
grain. Two signs are known: the tint and outline of the region (``without_twins``), and how the two lines that
bound it end (``without_twin_lines``), which also holds where a twin is etched like a grain boundary. What
this cannot see: a twin at the side of a grain (one straight boundary only), and a lamella
that the segmentation has joined with something else.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from math import acos, degrees, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from inspect_tool.measure.boundaries import Regions, joined
from inspect_tool.measure.flooding import strips
from inspect_tool.model import LabelImage

Floats = NDArray[np.float64]

SLENDER = 2.5  # least length over width of a lamella
FILLED = 0.88  # least area over that of the rectangle of the same second moments: bent or ragged regions have less
PARALLEL = 0.9945  # least cosine between a side and the axis of the lamella: 6 degrees
SIDE = 0.8  # least length of a straight side over that of the lamella
NARROW = 0.6  # largest width of a lamella over that of the larger part of the grain
ALIKE = 0.05  # difference in gray level, over the mean, that two parts of one grain may show anyway
ENCLOSED = 0.8  # share of the outline that one neighbor must hold to enclose a lamella
OPENING = (0.405, 0.34)
"""Least share of the discs about the ends of twin lines that lies beyond the grain: half where its boundary runs on.

Mean over the ends of lines that are exactly parallel, at first and where the field is known to have twins. [1]"""
OPENING_PER_DEGREE = 0.048  # of it that lines need more where they are not parallel: twins are, grains seldom [1/deg]
OF_ONE = 0.28  # least share of the largest region beyond [1]
OPENING_SHIFT = 0.06  # of the mean share that is as plausible
DISC_PX = 8  # radius of the discs
_DISC = np.hypot(*(np.indices((2 * DISC_PX, 2 * DISC_PX)) - DISC_PX + 0.5)) <= DISC_PX
STRAIGHT = (3.0, 0.08)  # greatest width of a straight line, and over its length [px, 1]
SHORTEST_LINE_PX = 10.0  # shorter lines have no direction
ALONG = 0.988  # least cosine between two parallel lines: 9 degrees
CHANCE, LAMELLAR = 0.01, 0.6
"""Shares of lamellae among the regions: of grains without twins so many look so, give or take the root of their
number; beyond the last one the structure is lamellar and not twinned."""
ROUNDS = 2  # a grain cut by several lamellae is put together step by step


def without_twins(regions: Regions) -> tuple[NDArray[np.int32], int]:
    """Merge clear twin lamellae with the grain they lie in.

    A lamella is slender, straight and parallel-sided and much narrower than its grain. It either parts the
    grain, with one straight side each toward two regions that are more alike in gray level than either is like
    the lamella, or ends inside the grain, which then encloses it.

    Parameters
    ----------
    regions : Regions
        With labels 1..n, and gray levels over their surroundings. [1]

    Returns
    -------
    owner : array, shape (n + 1,)
        New label of every region, 1..m.
    lamellae : int
        Number of regions that were taken for a lamella.
    """
    total = 0
    whole = np.arange(len(regions.best), dtype=np.int32)
    for _ in range(ROUNDS):
        owner, lamellae = _owners(regions)
        if not lamellae:
            break
        total += lamellae
        _, numbers = np.unique(owner, return_inverse=True)
        whole = numbers.astype(np.int32)[whole]
        regions = joined([regions], numbers)
    return whole, total


def without_twin_lines(
    labels: LabelImage, pairs: NDArray[np.int64], sides: Floats, shift: float = 0.0
) -> tuple[NDArray[np.int32], int]:
    """Merge what twin lines part, by how the lines end.

    Three grain boundaries meet at about 120 degrees. A twin line ends on the boundary of its grain, which runs on
    straight: what lies beyond fills half of a disc about that end. Both lines of a twin are traces of one plane of
    the crystal: the more exactly they are parallel, the less must their ends show. A region between two such lines
    is a twin, and one grain with the regions on the other side of both lines. Only a field with more of them than
    chance makes has twins.

    Parameters
    ----------
    labels : array, shape (rows, columns), int32
        1..n, without boundary pixels; 0 is outside.
    pairs, sides : arrays
        As in ``Regions``: which labels touch, and the first six rows of where they do.
    shift : float
        Of the share of the discs that must lie beyond. [1]

    Returns
    -------
    owner : array, shape (n + 1,)
        New label of every region, 1..m.
    lamellae : int
        Number of regions that were taken for a lamella.
    """
    count = int(labels.max())
    none = np.arange(count + 1, dtype=np.int32)
    found = list(_lamellae(labels, pairs, sides))
    for least in (OPENING[0], OPENING[1] + shift):
        taken = [(lamella, grain) for lamella, grain, beyond in found if beyond >= least]
        lamellae = len({lamella for lamella, _ in taken})
        if not CHANCE * count + 3 * sqrt(CHANCE * count) < lamellae <= LAMELLAR * count:
            return none, 0
    owner = _united((grain for _, grain in taken), count)
    return np.unique(owner, return_inverse=True)[1].astype(np.int32), lamellae


def merge_twin_lines(labels: LabelImage, regions: Regions, shift: float = 0.0) -> int:
    """Merge in a label image what twin lines part, crossing ones step by step; see ``without_twin_lines``.

    Returns
    -------
    int
        Number of regions that were taken for a lamella.
    """
    total = 0
    for _ in range(ROUNDS):
        owner, lamellae = without_twin_lines(labels, regions.pairs, regions.sides, shift)
        if not lamellae or int(owner.max()) < 2:
            break
        total += lamellae
        regions = joined([regions], owner)
        for rows in strips(labels.shape):
            labels[rows] = owner[labels[rows]]
    return total


class _Line(NamedTuple):
    """A boundary of two regions as a line, in plain numbers: many are compared one by one."""

    row: float
    column: float
    down: float
    right: float
    length: float


def _lamellae(labels: LabelImage, pairs: NDArray[np.int64], sides: Floats) -> Iterator[tuple[int, set[int], float]]:
    """Regions between two parallel lines, with those on the other side of them, and how much lies beyond the ends.

    What lies beyond is the mean share of the discs, less what lines need more that are not exactly parallel.
    """
    line = rectangles(sides[0], list(sides[1:6]))
    columns = (line.row, line.column, line.axis[:, 0], line.axis[:, 1], line.length)
    each = [_Line(*values) for values in zip(*(column.tolist() for column in columns), strict=True)]
    straight = line.width <= np.maximum(STRAIGHT[0], STRAIGHT[1] * line.length)
    lines_of: dict[int, list[int]] = {}
    for at in np.flatnonzero(straight & (line.length >= SHORTEST_LINE_PX)).tolist():
        for number in pairs[at].tolist():
            lines_of.setdefault(number, []).append(at)
    couples = [
        (lamella, both)
        for lamella, lines in lines_of.items()
        for both in combinations(lines, 2)
        if _parallel(each[both[0]], each[both[1]])
    ]
    ends = _ends(labels, pairs[sorted({at for _, both in couples for at in both})])
    for lamella, both in couples:
        grain = {number for at in both for number in pairs[at].tolist()}
        at_ends = [end for at in both for end in ends.get(tuple(pairs[at].tolist()), ())]
        if at_ends:
            beyond = float(np.mean([_beyond(labels, *end, (0, *grain)) for end in at_ends]))
            off = degrees(acos(min(1.0, abs(float(line.axis[both[0]] @ line.axis[both[1]])))))
            yield lamella, grain, beyond - OPENING_PER_DEGREE * off


def _parallel(one: _Line, two: _Line) -> bool:
    """Whether two lines run beside each other, nearer than they are long."""
    shorter, longer = (one.length, two.length) if one.length < two.length else (two.length, one.length)
    if shorter < 0.4 * longer or abs(one.down * two.down + one.right * two.right) < ALONG:
        return False
    row, column = two.row - one.row, two.column - one.column
    across = abs(row * one.right - column * one.down)
    return across <= longer and abs(row * one.down + column * one.right) <= 0.5 * longer


def _ends(labels: LabelImage, pairs: NDArray[np.int64]) -> dict[tuple[int, ...], list[tuple[int, int]]]:
    """Where the boundary of two regions ends on a third one: the pixel above and left of each such corner.

    ``pairs`` are those whose ends are wanted, smaller number first.
    """
    size = int(labels.max()) + 1
    wanted = pairs[:, 0] * size + pairs[:, 1]
    found: dict[tuple[int, ...], list[tuple[int, int]]] = {}
    for rows in strips(labels.shape):
        part = labels[rows.start : rows.stop + 1]
        a, b, c, d = part[:-1, :-1], part[:-1, 1:], part[1:, :-1], part[1:, 1:]
        distinct = 1 + (b != a) + ((c != a) & (c != b)) + ((d != a) & (d != b) & (d != c))
        row, column = np.nonzero(distinct >= 3)
        corners = np.sort([one[row, column] for one in (a, b, c, d)], axis=0).astype(np.int64)
        keys = np.array([corners[i] * size + corners[j] for i, j in combinations(range(4), 2)])
        which, at = np.nonzero(np.isin(keys, wanted))
        for k, pair in np.unique(np.stack([at, keys[which, at]], axis=1), axis=0).tolist():
            found.setdefault(divmod(pair, size), []).append((int(row[k]) + rows.start, int(column[k])))
    return found


def _beyond(labels: LabelImage, row: int, column: int, grain: tuple[int, ...]) -> float:
    """Share of the disc about a corner of four pixels that lies in none of some regions; 0.5 at the image edge.

    Where no region beyond is larger than ``OF_ONE``, four corners meet and no boundary runs on: the share of that one.
    """
    top, left = row - DISC_PX + 1, column - DISC_PX + 1
    near = labels[max(0, top) : top + 2 * DISC_PX, max(0, left) : left + 2 * DISC_PX]
    if near.shape != _DISC.shape:
        return 0.5
    beyond = near[_DISC]
    for number in grain:  # few: quicker than a search
        beyond = beyond[beyond != number]
    largest = float(np.unique(beyond, return_counts=True)[1].max(initial=0)) / _DISC.sum()
    return largest if largest < OF_ONE else len(beyond) / float(_DISC.sum())


def _owners(regions: Regions) -> tuple[NDArray[np.intp], int]:
    count = len(regions.best) - 1
    area, total, *moments = regions.nodes
    gray = total / np.maximum(area, 1)
    shape = rectangles(area, moments)

    pairs, length = regions.pairs, regions.sides[0]
    side = rectangles(length, list(regions.sides[1:6]))
    outline = np.bincount(pairs[:, 0], length, count + 1) + np.bincount(pairs[:, 1], length, count + 1)

    slender = (shape.length >= SLENDER * shape.width) & (area >= FILLED * shape.length * shape.width) & (area > 0)
    slender[0] = False
    grains: list[tuple[int, ...]] = []
    for lamella in np.flatnonzero(slender).tolist():
        at = np.flatnonzero((pairs[:, 0] == lamella) | (pairs[:, 1] == lamella))
        other = pairs[at].sum(axis=1) - lamella
        partners = _partners(lamella, at, other, gray, shape, side, length / outline[lamella])
        if partners:
            grains.append((lamella, *partners))
    return _united(grains, count), len(grains)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shape:
    """Center, axis (unit vector), length and width of point sets: the rectangle of the same second moments. [px]"""

    row: Floats
    column: Floats
    axis: Floats
    length: Floats
    width: Floats


def rectangles(n: Floats, sums: list[Floats]) -> Shape:
    """Rectangles of the second moments of point sets: numbers of points, and sums of row, column and their products."""
    n = np.maximum(n, 1)
    row, column = sums[0] / n, sums[1] / n
    rr, cc, rc = sums[2] / n - row**2, sums[3] / n - column**2, sums[4] / n - row * column
    root = np.sqrt((rr - cc) ** 2 + 4 * rc**2)
    angle = 0.5 * np.arctan2(2 * rc, cc - rr)
    return Shape(
        row=row,
        column=column,
        axis=np.stack([np.sin(angle), np.cos(angle)], axis=-1),
        # a rectangle of side a has the variance a**2 / 12, and a pixel is a square of side 1
        length=np.sqrt(12 * np.maximum((rr + cc + root) / 2, 0) + 1),
        width=np.sqrt(12 * np.maximum((rr + cc - root) / 2, 0) + 1),
    )


def _partners(
    lamella: int,
    at: NDArray[np.intp],
    other: NDArray[np.int64],
    gray: Floats,
    shape: Shape,
    side: Shape,
    share: Floats,
) -> tuple[int, ...]:
    """Regions that make one grain with a slender region; none if it is no clear lamella."""
    width, length = shape.width[lamella], shape.length[lamella]
    largest = int(np.argmax(share[at]))
    if share[at][largest] >= ENCLOSED and width <= NARROW * shape.width[other[largest]]:
        return (int(other[largest]),)
    axis = shape.axis[lamella]
    straight = side.width[at] <= np.maximum(3.0, 0.3 * width)
    parallel = np.abs(side.axis[at] @ axis) >= PARALLEL
    long = side.length[at] >= SIDE * length
    fit = straight & parallel & long
    across = (side.row[at] - shape.row[lamella]) * axis[1] - (side.column[at] - shape.column[lamella]) * axis[0]
    left, right = np.flatnonzero(fit & (across < 0)), np.flatnonzero(fit & (across > 0))
    if len(left) != 1 or len(right) != 1:
        return ()
    one, two = int(other[left[0]]), int(other[right[0]])
    if width > NARROW * max(shape.width[one], shape.width[two]):  # as wide as its neighbors: lamellar structure
        return ()
    difference = abs(gray[one] - gray[two])
    contrast = min(abs(gray[lamella] - gray[one]), abs(gray[lamella] - gray[two]))
    return (one, two) if difference <= max(ALIKE, 0.5 * contrast) else ()


def _united(groups: Iterable[Iterable[int]], count: int) -> NDArray[np.intp]:
    """Give the regions 0 ... count of groups, and of groups that share a region, the smallest of their numbers.

    >>> _united([(4, 2), (5, 6), (6, 4)], 7).tolist()
    [0, 1, 2, 3, 2, 2, 2, 7]
    """
    ends = np.array([(min(group), number) for group in map(tuple, groups) for number in group], np.intp).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends), bool), (ends[:, 0], ends[:, 1])), shape=(count + 1, count + 1))
    part = connected_components(graph, directed=False)[1]
    _, smallest = np.unique(part, return_index=True)
    return np.asarray(smallest[part], np.intp)
