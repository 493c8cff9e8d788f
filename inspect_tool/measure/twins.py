"""Annealing twins: straight parallel-sided lamellae inside a grain, which most grain size rules do not count.

A region is taken for a lamella only where its shape leaves little doubt; everything else stays a
grain. What this cannot see: a twin at the side of a grain (one straight boundary only), and a lamella
that the segmentation has joined with something else.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspect_tool.measure.boundaries import Regions, joined

Floats = NDArray[np.float64]

SLENDER = 2.5  # least length over width of a lamella
FILLED = 0.88  # least area over that of the rectangle of the same second moments: bent or ragged regions have less
PARALLEL = 0.9945  # least cosine between a side and the axis of the lamella: 6 degrees
SIDE = 0.8  # least length of a straight side over that of the lamella
NARROW = 0.6  # largest width of a lamella over that of the larger part of the grain
ALIKE = 0.05  # difference in gray level, over the mean, that two parts of one grain may show anyway
ENCLOSED = 0.8  # share of the outline that one neighbor must hold to enclose a lamella
ROUNDS = 2  # a grain cut by several lamellae is put together step by step


def without_twins(regions: Regions) -> tuple[NDArray[np.int32], int]:
    """Merge clear twin lamellae with the grain they lie in.

    A lamella is slender, straight and parallel-sided and much narrower than its grain. It either parts the
    grain, with one straight side each towards two regions that are more alike in gray level than either is like
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


def _owners(regions: Regions) -> tuple[NDArray[np.intp], int]:
    count = len(regions.best) - 1
    area, total, *moments = regions.nodes
    gray = total / np.maximum(area, 1)
    shape = _rectangles(area, moments)

    pairs, length = regions.pairs, regions.sides[0]
    side = _rectangles(length, list(regions.sides[1:6]))
    outline = np.bincount(pairs[:, 0], length, count + 1) + np.bincount(pairs[:, 1], length, count + 1)

    slender = (shape.length >= SLENDER * shape.width) & (area >= FILLED * shape.length * shape.width) & (area > 0)
    slender[0] = False
    owner = np.arange(count + 1)
    taken = np.zeros(count + 1, bool)
    for lamella in np.flatnonzero(slender).tolist():
        at = np.flatnonzero((pairs[:, 0] == lamella) | (pairs[:, 1] == lamella))
        other = pairs[at].sum(axis=1) - lamella
        partners = _partners(lamella, at, other, gray, shape, side, length / outline[lamella])
        if not partners:
            continue
        taken[lamella] = True
        roots = {_root(owner, number) for number in (lamella, *partners)}
        for root in roots:
            owner[root] = min(roots)
    return np.array([_root(owner, number) for number in range(count + 1)]), int(taken.sum())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Shape:
    """Center, axis (unit vector), length and width of point sets: the rectangle of the same second moments. [px]"""

    row: Floats
    column: Floats
    axis: Floats
    length: Floats
    width: Floats


def _rectangles(n: Floats, sums: list[Floats]) -> _Shape:
    n = np.maximum(n, 1)
    row, column = sums[0] / n, sums[1] / n
    rr, cc, rc = sums[2] / n - row**2, sums[3] / n - column**2, sums[4] / n - row * column
    root = np.sqrt((rr - cc) ** 2 + 4 * rc**2)
    angle = 0.5 * np.arctan2(2 * rc, cc - rr)
    return _Shape(
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
    shape: _Shape,
    side: _Shape,
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


def _root(owner: NDArray[np.intp], number: int) -> int:
    while owner[number] != number:
        number = int(owner[number])
    return number
