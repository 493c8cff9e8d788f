"""Pixels of objects added up: areas, first and second moments and boxes, in whole numbers and so exact.

Whole numbers add up to the same whatever the parts of an image that they are counted in: strips of one that fits in
memory, windows of one that does not.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import MeasurementError
from inspect_tool.measure.recall import ANEW, Numbers, Parts, rows_of
from inspect_tool.model import LabelImage

_STRIP_PX = 1 << 20  # pixels that are looked at in one go: bounds the memory of the sums
_WIDEST_PX = 150_000  # the sums of a strip stay below 2^53, where floats are whole numbers
_FAR = np.iinfo(np.int64).max

Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PixelSums:
    """Sums over the pixels of n objects. [px]"""

    label: Whole  # (n,), increasing
    sums: Whole  # (6, n): pixels, row, column, row², column², row x column
    box: Whole  # (n, 4): top, left, bottom, right, half-open

    @property
    def area(self) -> NDArray[np.float64]:
        """Pixels of each object."""
        area: NDArray[np.float64] = self.sums[0].astype(np.float64)
        return area

    @property
    def centroid(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Row and column of the center of each object."""
        return self.sums[1] / self.area, self.sums[2] / self.area

    @property
    def moments(self) -> NDArray[np.float64]:
        """Variance of the columns, of the rows, and covariance of the pixels of each object, (n, 3)."""
        n, (y, x) = self.area, self.centroid
        yy, xx, xy = (total / n for total in self.sums[3:])
        return np.column_stack([xx - x**2, yy - y**2, xy - x * y])

    def moved(self, rows: int, columns: int) -> "PixelSums":
        """Give the sums of the same objects, so many rows and columns farther down and right."""
        n, y, x, yy, xx, xy = self.sums
        return replace(
            self,
            sums=np.stack(
                [
                    n,
                    y + n * rows,
                    x + n * columns,
                    yy + 2 * rows * y + n * rows**2,
                    xx + 2 * columns * x + n * columns**2,
                    xy + columns * y + rows * x + n * rows * columns,
                ]
            ),
            box=self.box + np.array([rows, columns, rows, columns]),
        )


def pixel_sums(image: LabelImage, parts: Parts = ANEW) -> PixelSums:
    """Add up the pixels of every object of a label image; 0 is background.

    Examples
    --------
    >>> found = pixel_sums(np.array([[0, 7, 7], [0, 0, 7]], dtype=np.int32))
    >>> found.label.tolist(), found.sums[:, 0].tolist(), found.box.tolist()
    ([7], [3, 1, 5, 1, 9, 2], [[0, 1, 2, 3]])
    """
    if image.shape[1] > _WIDEST_PX:
        msg = f"a label image of {image.shape[1]} columns cannot be added up in one go, at most {_WIDEST_PX} can"
        raise MeasurementError(msg)
    top_label = int(image.max(initial=0))
    if top_label <= 4 * image.size:  # number -> place, directly
        return _sums_of_image(image, np.arange(top_label + 1), parts)
    return _sums_of_image(image, np.unique(image), parts)


def joined(pieces: PixelSums, group: NDArray[np.intp], n: int) -> PixelSums:
    """Add up the sums of pieces to those of the n objects that they belong to; ``group``: the object of each piece.

    Objects are labeled from 1 in the order of their numbers in ``group``.
    """
    sums = np.zeros((6, n), np.int64)
    for total, values in zip(sums, pieces.sums, strict=True):
        np.add.at(total, group, values)
    box = np.empty((n, 4), np.int64)
    box[:, :2], box[:, 2:] = _FAR, -1
    np.minimum.at(box[:, :2], group, pieces.box[:, :2])
    np.maximum.at(box[:, 2:], group, pieces.box[:, 2:])
    return PixelSums(label=np.arange(1, n + 1), sums=sums, box=box)


_Part = tuple[Numbers, Whole, Whole]


def _sums_of_image(image: LabelImage, known: Numbers, parts: Parts) -> PixelSums:
    """Add up the sums of strips; ``known`` holds all labels, increasing."""
    height, width = image.shape
    direct = len(known) == 0 or known[-1] == len(known) - 1
    total = np.zeros((6, len(known)), np.int64)
    box = np.empty((len(known), 4), np.int64)
    box[:, :2], box[:, 2:] = _FAR, -1
    step = max(1, _STRIP_PX // max(width, 1))
    for first in range(0, height, step):
        rows = slice(first, first + step)
        measure: Callable[[], _Part] = partial(_sums_of_runs, image[rows], first, direct)
        numbers, sums, around = parts.part("pixel sums", rows_of(image, rows), measure)
        place = numbers if direct else np.searchsorted(known, numbers)
        total[:, place] += sums
        box[place, :2] = np.minimum(box[place, :2], around[:, :2])
        box[place, 2:] = np.maximum(box[place, 2:], around[:, 2:])
    seen = np.flatnonzero(total[0])
    return PixelSums(label=np.asarray(known[seen], dtype=np.int64), sums=total[:, seen], box=box[seen])


def _sums_of_runs(strip: LabelImage, first: int, direct: bool) -> _Part:
    """Add up the runs of equal labels along the rows of a strip, whose first row is ``first``.

    Returns
    -------
    numbers : int array of shape (n,)
        Of the objects in the strip, increasing.
    sums, box : int arrays of shape (6, n) and (n, 4)
        As in ``PixelSums``.
    """
    change = np.ones(strip.shape, dtype=bool)
    np.not_equal(strip[:, 1:], strip[:, :-1], out=change[:, 1:])
    begin = np.flatnonzero(change)
    label = strip.ravel()[begin]
    length = np.diff(begin, append=strip.size)
    row, left = np.divmod(begin, strip.shape[1])
    keep = label != 0
    label, length, row, left = label[keep], length[keep], row[keep], left[keep]
    numbers: Numbers
    if direct:
        numbers = np.flatnonzero(np.bincount(label))
        places = np.zeros(int(numbers[-1]) + 1 if len(numbers) else 0, np.intp)
        places[numbers] = np.arange(len(numbers))
        place = places[label]
    else:
        numbers, place = np.unique(label, return_inverse=True)
    columns = length * left + length * (length - 1) // 2
    squares = length * left**2 + left * length * (length - 1) + (length - 1) * length * (2 * length - 1) // 6
    weights = (length, length * row, columns, length * row**2, squares, row * columns)
    sums = np.array([np.bincount(place, weights=one, minlength=len(numbers)) for one in weights])
    box = np.empty((len(numbers), 4), np.int64)
    box[:, :2], box[:, 2:] = _FAR, -1
    np.minimum.at(box[:, 0], place, row)
    np.minimum.at(box[:, 1], place, left)
    np.maximum.at(box[:, 2], place, row + 1)
    np.maximum.at(box[:, 3], place, left + length)
    alone = PixelSums(label=numbers.astype(np.int64), sums=sums.astype(np.int64), box=box).moved(first, 0)
    return numbers, alone.sums, alone.box
