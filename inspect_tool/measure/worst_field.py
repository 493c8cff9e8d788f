"""Worst field: the square of given side in which the total of features is largest, wherever it lies in the image.

Features are given as weights at pixels: 1 at every pixel for their area, 1 at one pixel for their number, pieces of
length along their axes for their length. What the square cuts counts with the part that lies in it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import Mask
from inspect_tool.pixels.parts import strips

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstField:
    """The worst square: its first row and column, its height and width, and the total of the weights in it."""

    top_px: int
    left_px: int
    height_px: int  # that of the image where the image is lower
    width_px: int
    total: float  # in the unit of the weights


def worst_square(rows: Ints, columns: Ints, weights: Floats, shape: tuple[int, int], side_px: int) -> WorstField:
    """Find the square with the largest total among all positions of it in an image.

    Every position is compared, by the pixel. Rows in which nothing enters or leaves are passed over, and in the others
    the totals of all positions along the row come from one running sum: the cost is linear in the pixels of the image
    at most, whatever the side.

    Parameters
    ----------
    rows, columns : int arrays of shape (n,)
        Pixels with a weight, in any order; of one that is named twice the weights add up.
    weights : float array of shape (n,)
        None of them negative.
    shape : (rows, columns)
        Of the image. [px]
    side_px : int
        Of the square, 1 or more; where the image is smaller, the square is cut to it. [px]

    Returns
    -------
    WorstField
        Of equal ones the first, by rows. Without weights the square at the top left.

    Examples
    --------
    >>> rows, columns = np.array([2, 3, 9]), np.array([2, 5, 9])
    >>> worst_square(rows, columns, np.array([1.0, 1.0, 1.5]), (10, 10), 4)
    WorstField(top_px=0, left_px=2, height_px=4, width_px=4, total=2.0)
    """
    height, width = min(side_px, shape[0]), min(side_px, shape[1])
    order = np.argsort(rows, kind="stable")
    row, column, weight = rows[order], columns[order], weights[order]
    best, at = -1.0, (0, 0)
    for top, across in _rows_of_squares(row, column, weight, shape, height):
        summed = np.concatenate([[0.0], np.cumsum(across)])
        totals = summed[width:] - summed[: len(summed) - width]
        left = int(totals.argmax())
        if totals[left] > best * (1 + 1e-12):
            best, at = float(totals[left]), (top, left)
    top, left = at
    inside = (row >= top) & (row < top + height) & (column >= left) & (column < left + width)
    return WorstField(top_px=top, left_px=left, height_px=height, width_px=width, total=float(weight[inside].sum()))


def worst_square_of_mask(mask: Mask, side_px: int) -> WorstField:
    """Find the square with the largest area of a mask, as ``worst_square`` does with 1 at every pixel of it.

    Row by row, so that nothing grows with the area.

    Examples
    --------
    >>> mask = np.zeros((10, 10), np.bool_)
    >>> mask[2:4, 3:7] = True
    >>> worst_square_of_mask(mask, 4)
    WorstField(top_px=0, left_px=3, height_px=4, width_px=4, total=8.0)
    """
    shape = mask.shape
    height, width = min(side_px, shape[0]), min(side_px, shape[1])
    across = np.zeros(shape[1], np.int64)
    best, at = -1, (0, 0)
    leaving = _by_row(mask)
    for row, entering in enumerate(_by_row(mask)):
        across += entering
        top = row - height + 1
        if top < 0:
            continue
        if top == 0 or entering.any():  # else the square above holds as much
            summed = np.concatenate([[0], np.cumsum(across)])
            totals = summed[width:] - summed[: len(summed) - width]
            left = int(totals.argmax())
            if totals[left] > best:
                best, at = int(totals[left]), (top, left)
        across -= next(leaving)
    return WorstField(top_px=at[0], left_px=at[1], height_px=height, width_px=width, total=float(best))


def _by_row(mask: Mask) -> Iterator[Mask]:
    """Rows of a mask, one after the other."""
    for top, bottom in strips(mask.shape):
        yield from mask[top:bottom]


def fields_of(shape: tuple[int, int], side_px: int) -> Iterator[tuple[int, int]]:
    """First row and column of the whole squares of a side that lie side by side in an image.

    >>> list(fields_of((100, 250), 100))
    [(0, 0), (0, 100)]
    """
    for top in range(0, shape[0] - side_px + 1, side_px):
        for left in range(0, shape[1] - side_px + 1, side_px):
            yield top, left


def _rows_of_squares(
    row: Ints, column: Ints, weight: Floats, shape: tuple[int, int], height: int
) -> Iterator[tuple[int, Floats]]:
    """First row of the squares, and the weights of their rows added up by column, wherever these change."""
    last = shape[0] - height
    # the best square may be moved down until a row that counts is about to leave it: its first row then counts
    tops = np.unique(np.concatenate([[0], np.clip(row - height + 1, 0, last)]))
    across = np.zeros(shape[1])
    begin = end = 0
    for top in tops.tolist():
        leaves = int(np.searchsorted(row, top))
        enters = int(np.searchsorted(row, top + height))
        if leaves >= end:
            across[:] = 0.0
            begin = end = leaves
        np.subtract.at(across, column[begin:leaves], weight[begin:leaves])
        np.add.at(across, column[end:enters], weight[end:enters])
        begin, end = leaves, enters
        yield top, across
