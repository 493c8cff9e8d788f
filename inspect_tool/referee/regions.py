"""Strata of a field: what the program took every pixel for, and whether another reading of it is near."""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import LabelImage, Mask

Strata: TypeAlias = NDArray[np.uint8]

OUTSIDE = 255
"""Code of a pixel that does not count; the others are twice the number of the class, plus 1 where it is unsure."""

MOST_CLASSES = 8
"""As many as a person can tell apart by keys."""

_NEAR_PX = 2  # from a boundary: as far as edges of one structure are set apart by two good methods
_BAND = 256  # rows that are worked on at a time


def strata_of(classes: NDArray[np.uint8], differs: Mask | None = None, roi: Mask | None = None) -> Strata:
    """Cut a field into strata.

    Parameters
    ----------
    classes : array of uint8, (rows, columns)
        Class of every pixel, from 0 to ``MOST_CLASSES`` - 1.
    differs : array of bool, (rows, columns), optional
        True where another segmentation has another class.
    roi : array of bool, (rows, columns), optional
        True where the field counts.

    Examples
    --------
    A line of one class and another, unsure for two pixels to either side of the boundary:

    >>> strata_of(np.array([[0, 0, 0, 0, 1, 1, 1]], np.uint8)).tolist()
    [[0, 0, 1, 1, 3, 3, 2]]
    """
    square = np.ones((2 * _NEAR_PX + 1, 2 * _NEAR_PX + 1), np.uint8)
    unsure = cv2.dilate(classes, square) != cv2.erode(classes, square)
    if differs is not None:
        unsure |= differs
    strata: Strata = 2 * classes + unsure
    if roi is not None:
        strata[~roi] = OUTSIDE
    return strata


def differing(labels: LabelImage, others: Iterable[LabelImage]) -> Mask:
    """Tell where any of several label images is not like the first one."""
    found = np.zeros(labels.shape, bool)
    for other in others:
        found |= other != labels
    return found


def counted(strata: Strata) -> tuple[int, ...]:
    """Count the pixels of every stratum.

    >>> counted(np.array([[0, 1, 1, 3, OUTSIDE]], np.uint8))[:4]
    (1, 2, 0, 1)
    """
    found = np.zeros(OUTSIDE + 1, np.int64)
    for start in range(0, len(strata), _BAND):  # bincount makes a copy with 8 bytes per pixel
        found += np.bincount(strata[start : start + _BAND].ravel(), minlength=OUTSIDE + 1)
    return tuple(found[: 2 * MOST_CLASSES].tolist())


def located(strata: Strata, code: int, ranks: Sequence[int]) -> list[tuple[int, int]]:
    """Find pixels of a stratum by their ranks, from 0, in reading order.

    >>> located(np.array([[0, 1], [1, 1]], np.uint8), 1, [2, 0])
    [(1, 1), (0, 1)]
    """
    ends = np.concatenate([(strata[i : i + _BAND] == code).sum(axis=1) for i in range(0, len(strata), _BAND)]).cumsum()
    rows = np.searchsorted(ends, ranks, side="right").tolist()
    before = [int(ends[row - 1]) if row else 0 for row in rows]
    return [
        (row, int(np.flatnonzero(strata[row] == code)[rank - start]))
        for row, rank, start in zip(rows, ranks, before, strict=True)
    ]
