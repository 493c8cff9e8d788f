"""Objects of an image put together from what its windows tell: the same table as of the image measured whole."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from inspect_tool.errors import MeasurementError
from inspect_tool.measure.outlines import Outline
from inspect_tool.measure.pixel_sums import PixelSums, joined
from inspect_tool.measure.regions import table_of
from inspect_tool.measure.seamless.cracks import Integers, outline_of
from inspect_tool.measure.seamless.pieces import Pieces
from inspect_tool.measure.seamless.windows import check_coverage

_MOST = float(np.iinfo(np.int64).max)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Objects:
    """The objects of an image, n of them, labeled as those of the whole image are."""

    sums: PixelSums
    touches_edge: NDArray[np.bool_]
    outlines: Sequence[Outline]
    number: tuple[Integers, ...]  # window by window: label of the object of each piece, from piece 1 on

    def table(self, pixel_um: float | None = None, *, shape_factors: bool = True) -> pd.DataFrame:
        """Tabulate them; the columns and the numbers are those of ``regions.region_table``."""
        return table_of(self.sums, self.outlines, self.touches_edge, pixel_um, shape_factors=shape_factors)


def objects_of(windows: Sequence[Pieces], where: str) -> Objects:
    """Join the pieces of all windows of an image.

    Parameters
    ----------
    windows : sequence of Pieces
        Of every window of one image, in their order.
    where : str
        Name of the image, for errors.

    Raises
    ------
    MeasurementError
        A window is missing; the image is too large for exact sums; a label that the windows were told is not one
        connected object.
    """
    shape = windows[0].window.shape
    check_coverage(shape, (one.window for one in windows), where)
    if float(shape[0]) * shape[1] * max(shape) ** 2 > _MOST:
        msg = f"{where}: {shape[1]} x {shape[0]} px; second moments are exact up to about 50 000 x 50 000 px"
        raise MeasurementError(msg)
    counts = [len(one.name) for one in windows]
    start = np.concatenate([[0], np.cumsum(counts)])
    name = np.concatenate([one.name for one in windows])
    group = _by_name(name) if name.any() else _by_touch(windows, start)
    block = np.concatenate([one.block for one in windows])
    n = int(group.max(initial=-1)) + 1
    if not name.any():  # numbered as connected components of the whole mask are
        width = shape[1] // 2 + 1
        earliest = np.full(n, np.iinfo(np.int64).max)
        np.minimum.at(earliest, group, block[:, 0] * width + block[:, 1])
        rank = np.empty(n, np.int64)
        rank[np.argsort(earliest)] = np.arange(n)
        group = rank[group]
    pieces = PixelSums(
        label=np.arange(1, len(group) + 1),
        sums=np.concatenate([one.sums.sums for one in windows], axis=1),
        box=np.concatenate([one.sums.box for one in windows]),
    )
    sums = joined(pieces, group, n)
    label = np.arange(1, n + 1) if not name.any() else np.unique(name)
    touches = np.zeros(n, np.bool_)
    np.logical_or.at(touches, group, np.concatenate([one.touches_edge for one in windows]))
    sums = PixelSums(label=label, sums=sums.sums, box=sums.box)
    return Objects(
        sums=sums,
        touches_edge=touches,
        outlines=_outlines(windows, start, group, sums, where),
        number=tuple(label[group[first : first + count]] for first, count in zip(start, counts, strict=False)),
    )


def _by_name(name: Integers) -> Integers:
    group: Integers = np.unique(name, return_inverse=True)[1].astype(np.int64)
    return group


def _by_touch(windows: Sequence[Pieces], start: Integers) -> Integers:
    """Object of every piece: pieces are one object where they touch across a seam, along it or by a corner."""
    pairs = [np.zeros((0, 2), np.int64)]
    for axis, (before, after) in enumerate(((1, 0), (3, 2))):
        at = _by_place(windows, axis)
        for seam in range(len(at) - 1):
            lines = [
                np.concatenate([_numbered(windows[k].rim[side], int(start[k])) for k in places])
                for places, side in ((at[seam], before), (at[seam + 1], after))
            ]
            one, other = lines
            for a, b in ((one, other), (one[1:], other[:-1]), (one[:-1], other[1:])):
                touch = np.unique(np.stack([a, b], axis=1)[(a > 0) & (b > 0)], axis=0)
                pairs.append(touch - 1)
    every = np.concatenate(pairs)
    total = int(start[-1])
    graph = coo_array((np.ones(len(every), np.int8), (every[:, 0], every[:, 1])), shape=(total, total))
    group: Integers = connected_components(graph, directed=False)[1].astype(np.int64) if total else np.zeros(0, int)
    return group


def _by_place(windows: Sequence[Pieces], axis: int) -> list[list[int]]:
    """Windows of each row of windows, or of each column of them, in their order."""
    place: Callable[[int], int] = (
        (lambda k: windows[k].window.row) if axis == 0 else (lambda k: windows[k].window.column)
    )
    found: list[list[int]] = [[] for _ in range(max(map(place, range(len(windows)))) + 1)]
    for k in range(len(windows)):
        found[place(k)].append(k)
    return found


def _numbered(line: NDArray[np.int32], first: int) -> Integers:
    """Numbers of pieces over all windows, from 1; 0 stays."""
    numbers: Integers = np.where(line > 0, line.astype(np.int64) + first, 0)
    return numbers


def _outlines(
    windows: Sequence[Pieces], start: Integers, group: Integers, sums: PixelSums, where: str
) -> list[Outline]:
    """Outlines of all objects: of those that a window holds whole as it found them, of the others joined."""
    found: list[Outline | None] = [None] * len(sums.label)
    for before, one in zip(start.tolist(), windows, strict=False):
        ends = np.cumsum(one.corners)
        for k in np.flatnonzero(~one.is_open).tolist():
            if found[group[before + k]] is not None:
                raise _in_pieces(where, int(sums.label[group[before + k]]))
            hull = one.hull[ends[k] - one.corners[k] : ends[k]]
            found[group[before + k]] = Outline(length=float(one.length[k]), hull=hull)
    number = group[np.concatenate([np.zeros(0, np.int64), *_fragment_pieces(windows, start)])]
    first = np.concatenate([one.first for one in windows])
    goes_below = np.concatenate([one.goes_below for one in windows])
    order = np.lexsort((first[:, 1], first[:, 0], group))
    earliest = order[np.searchsorted(group[order], np.arange(len(sums.label)))]  # the piece with the first pixel
    contour = _contours(windows)
    n = int(contour.max(initial=-1)) + 1
    steps = np.zeros((3, n), np.int64)
    area8 = np.zeros(n, np.int64)
    for total, values in zip(steps, np.concatenate([one.fragments.steps for one in windows], axis=1), strict=True):
        np.add.at(total, contour, values)
    np.add.at(area8, contour, np.concatenate([one.fragments.area8 for one in windows]))
    owner = np.zeros(n, np.int64)
    owner[contour] = number
    outer = np.flatnonzero(area8 > 0)
    points, of = _points(windows)
    order = np.argsort(contour[of], kind="stable")
    ends = np.cumsum(np.bincount(contour[of], minlength=n))
    for k in outer.tolist():
        if found[owner[k]] is not None:
            raise _in_pieces(where, int(sums.label[owner[k]]))
        own = points[order[(ends[k - 1] if k else 0) : ends[k]]]
        head = earliest[owner[k]]
        row, column = first[head].tolist()
        found[owner[k]] = outline_of(steps[:, k].tolist(), own, (row, column), bool(goes_below[head]))
    complete = [one for one in found if one is not None]
    if len(complete) < len(found):
        raise _in_pieces(where, int(sums.label[found.index(None)]))
    return complete


def _in_pieces(where: str, label: int) -> MeasurementError:
    return MeasurementError(f"{where}: object {label} of the label image is in several pieces; number each by itself")


def _fragment_pieces(windows: Iterable[Pieces], start: Integers) -> Iterable[Integers]:
    return (one.fragments.label - 1 + first for one, first in zip(windows, start.tolist(), strict=False))


def _points(windows: Sequence[Pieces]) -> tuple[Integers, Integers]:
    """What may be a corner of a hull, and the fragment of each, over all windows."""
    before = np.cumsum([0, *(len(one.fragments.label) for one in windows)])
    of = [one.fragments.hull_of + first for one, first in zip(windows, before.tolist(), strict=False)]
    return np.concatenate([one.fragments.hull for one in windows]), np.concatenate(of).astype(np.int64)


def _contours(windows: Sequence[Pieces]) -> Integers:
    """Outline of every fragment, over all windows: those that go on in each other are one."""
    before = np.cumsum([0, *(len(one.fragments.label) for one in windows)])
    shifts = [np.array([[0], [first]]) for first in before[:-1].tolist()]
    entry = np.concatenate([one.fragments.entry + by for one, by in zip(windows, shifts, strict=True)], axis=1)
    leaves = np.concatenate([one.fragments.exit + by for one, by in zip(windows, shifts, strict=True)], axis=1)
    order = np.argsort(entry[0])
    place = np.searchsorted(entry[0], leaves[0], sorter=order)
    total = int(before[-1])
    joins = (leaves[1], entry[1][order[place]])
    graph = coo_array((np.ones(len(place), np.int8), joins), shape=(total, total))
    contour: Integers = connected_components(graph, directed=False)[1].astype(np.int64) if total else np.zeros(0, int)
    return contour
