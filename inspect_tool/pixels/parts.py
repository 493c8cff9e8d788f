"""Connected parts of the mask of a large image, numbered strip by strip, never held as one label image.

Strips also serve what else is wanted row by row or box by box of an image, so that memory does not grow with it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, Literal, Protocol, TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from inspect_tool.model import LabelImage, Mask, Samples

_PIXELS = 1 << 18  # of a strip
_KEPT = 16  # strips

Values = TypeVar("Values", bound=Samples)
Given = TypeVar("Given", bound=Samples, covariant=True)


class Area(Protocol[Given]):
    """What gives the values of an image in a box of it: an array, or ``Rows``."""

    def __getitem__(self, box: tuple[slice, slice], /) -> Given: ...


def strip_rows(shape: tuple[int, ...]) -> int:
    """Rows of a strip of about a quarter of a million pixels; an even number, see ``connected_parts``."""
    return max(1, _PIXELS // (2 * max(1, shape[1]))) * 2


def strips(shape: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """First row and the row after the last one of every strip of an image."""
    step = strip_rows(shape)
    for top in range(0, shape[0], step):
        yield top, min(top + step, shape[0])


class Rows(Generic[Values]):
    """An image of which rows are made as they are asked for; the last few strips are kept for the next box.

    Parameters
    ----------
    make : callable
        Values of the rows from the first to before the second number.
    shape : tuple of int
        Of the image.
    """

    def __init__(self, make: Callable[[int, int], Values], shape: tuple[int, ...]) -> None:
        self._make, self._shape = make, shape
        self._made: dict[int, Values] = {}

    def _strip(self, i: int) -> Values:
        if i not in self._made:
            step = strip_rows(self._shape)
            for old in sorted(self._made)[: len(self._made) - _KEPT + 1]:
                del self._made[old]
            self._made[i] = self._make(i * step, min((i + 1) * step, self._shape[0]))
        return self._made[i]

    def __getitem__(self, box: tuple[slice, slice], /) -> Values:
        """Values in a box of rows and columns with a start and a stop."""
        (top, bottom), columns, step = (box[0].start, box[0].stop), box[1], strip_rows(self._shape)
        wanted = np.empty((bottom - top, columns.stop - columns.start), self._strip(top // step).dtype)
        for i in range(top // step, (bottom - 1) // step + 1):
            first, last = max(top, i * step), min(bottom, (i + 1) * step)
            wanted[first - top : last - top] = self._strip(i)[first - i * step : last - i * step, columns]
        return cast("Values", wanted)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parts:
    """Connected parts of a mask, numbered from 1; entry 0 of an array stands for what is outside."""

    mask: Callable[[int, int], Mask]
    shape: tuple[int, ...]
    box: NDArray[np.intp]  # top, left, bottom, right, half-open
    area: NDArray[np.int64]  # pixels of each; 0 of what is outside
    numbers: tuple[NDArray[np.int32], ...]  # strip by strip: number of every part of the strip by itself
    connectivity: Literal[4, 8] = 8
    alone: tuple[LabelImage, ...] = ()  # parts of every strip by itself, where strips are few; else found again

    def _alone(self, top: int, bottom: int) -> LabelImage:
        if self.alone:
            return self.alone[top // strip_rows(self.shape)]
        return _alone(self.mask(top, bottom), self.connectivity)[0]

    def rows(self, top: int, bottom: int) -> LabelImage:
        """Numbers of the parts in the rows of one strip."""
        own = self._alone(top, bottom)
        return np.asarray(self.numbers[top // strip_rows(self.shape)][own], np.int32)

    def sums(self, of: Callable[[int, int, LabelImage, int], NDArray[np.intp]]) -> NDArray[np.intp]:
        """Sums over each part, from what ``of`` gives for the parts of every strip by itself.

        Parameters
        ----------
        of : callable
            Gives (k, n) sums, for the rows from the first to before the second number, the n numbers in them.

        Returns
        -------
        array, (k, parts)
            Of which the first, what is outside, holds nothing.
        """
        total = np.zeros((0, len(self.area)), np.intp)
        for (top, bottom), numbers in zip(strips(self.shape), self.numbers, strict=True):
            own = self._alone(top, bottom)
            table = of(top, bottom, own, len(numbers))
            total = total if len(total) else np.zeros((len(table), len(self.area)), np.intp)
            for row, values in zip(total, table, strict=True):
                np.add.at(row, numbers[1:], values[1:])
        return total

    def places(self, chosen: Mask) -> Iterator[tuple[slice, Mask]]:
        """Rows of every strip that holds chosen parts, and which of its pixels are theirs.

        ``chosen``: (parts,), of which the first does not count. The mask may change in the rows that were given.
        """
        for (top, bottom), numbers in zip(strips(self.shape), self.numbers, strict=True):
            mine = chosen[numbers] & (numbers > 0)
            if mine.any():
                own = self._alone(top, bottom)
                yield slice(top, bottom), mine[own]


def _alone(mask: Mask, connectivity: Literal[4, 8]) -> tuple[LabelImage, NDArray[np.int32]]:
    _, parts, stats, _ = cv2.connectedComponentsWithStats(
        mask.astype(np.uint8), connectivity=connectivity, ltype=cv2.CV_32S
    )
    return np.asarray(parts, np.int32), np.asarray(stats, np.int32)


def connected_parts(mask: Callable[[int, int], Mask], shape: tuple[int, ...], connectivity: Literal[4, 8] = 8) -> Parts:
    """Number the connected parts of a mask.

    The numbers of 8-connected ones are those of ``cv2.connectedComponents`` of the whole mask: parts in the order of
    the first square of 2 x 2 pixels that they are in. Strips begin at even rows, so that their squares are those of the
    whole.

    Parameters
    ----------
    mask : callable
        Mask of the rows from the first to before the second number.
    shape : tuple of int
        Rows and columns of the whole mask.
    connectivity : 4 or 8
        Whether pixels that share a corner alone are apart.
    """
    if strip_rows(shape) >= shape[0]:
        return _parts_of_one_strip(mask, shape, connectivity)
    counts, boxes, pairs = [0], [np.zeros((0, 4), np.intp)], [np.zeros((0, 2), np.intp)]
    areas = [np.zeros(0, np.int64)]
    above = np.zeros(shape[1], np.intp)
    kept: list[LabelImage] = []
    for i, (top, bottom) in enumerate(strips(shape)):
        own, stats = _alone(mask(top, bottom), connectivity)
        if i < _KEPT:
            kept.append(own)
        else:
            kept.clear()
        boxes.append(_boxes(stats, top))
        areas.append(stats[1:, cv2.CC_STAT_AREA].astype(np.int64))
        before = sum(counts)
        upper = np.where(own[0] > 0, own[0] + before, 0)
        beside = ((above, upper), (above[1:], upper[:-1]), (above[:-1], upper[1:]))
        for a, b in beside if connectivity == 8 else beside[:1]:
            both = (a > 0) & (b > 0)
            pairs.append(np.unique(np.stack([a[both], b[both]], axis=1), axis=0).astype(np.intp))
        above = np.where(own[-1] > 0, own[-1] + before, 0)
        counts.append(len(stats) - 1)
    total = sum(counts)
    joined = np.concatenate(pairs) - 1
    graph = coo_array((np.ones(len(joined), np.int8), (joined[:, 0], joined[:, 1])), shape=(total, total))
    _, group = connected_components(graph, directed=False)
    _, first_of, group = np.unique(group, return_index=True, return_inverse=True)
    number = np.empty(len(first_of), np.int32)
    number[np.argsort(first_of)] = np.arange(1, len(first_of) + 1)  # in the order of their first pieces
    every = number[group.ravel()]
    box = np.zeros((len(first_of) + 1, 4), np.intp)
    box[1:, :2] = max(shape)
    pieces = np.concatenate(boxes)
    np.minimum.at(box[:, 0], every, pieces[:, 0])
    np.minimum.at(box[:, 1], every, pieces[:, 1])
    np.maximum.at(box[:, 2], every, pieces[:, 2])
    np.maximum.at(box[:, 3], every, pieces[:, 3])
    ends = np.cumsum(counts)
    numbers = tuple(np.concatenate([np.zeros(1, np.int32), every[start:end]]) for start, end in pairwise(ends.tolist()))
    area = np.zeros(len(first_of) + 1, np.int64)
    np.add.at(area, every, np.concatenate(areas))
    return Parts(
        mask=mask, shape=shape, box=box, area=area, numbers=numbers, connectivity=connectivity, alone=tuple(kept)
    )


def _boxes(stats: NDArray[np.int32], top: int) -> NDArray[np.intp]:
    """Boxes of the parts of a strip that begins at this row: top, left, bottom, right, half-open."""
    left, first, width, height = stats[1:, :4].T.astype(np.intp)
    return np.stack([first + top, left, first + top + height, left + width], axis=1)


def _parts_of_one_strip(mask: Callable[[int, int], Mask], shape: tuple[int, ...], connectivity: Literal[4, 8]) -> Parts:
    """Parts of an image that is one strip, of which nothing is to be joined; most fields are small."""
    own, stats = _alone(mask(0, shape[0]), connectivity)
    area = stats[:, cv2.CC_STAT_AREA].astype(np.int64)
    area[0] = 0
    outside = np.zeros((1, 4), np.intp)
    return Parts(
        mask=mask,
        shape=shape,
        box=np.concatenate([outside, _boxes(stats, 0)]),
        area=area,
        numbers=(np.arange(len(stats), dtype=np.int32),),
        connectivity=connectivity,
        alone=(own,),
    )
