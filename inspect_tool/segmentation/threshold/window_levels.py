"""Two classes by the gray values in a square window around every pixel: its mean, or Sauvola's level.

The window may be an eighth of the image wide. Sums over it are whole numbers, carried on from row to row, so that they
are exact for any window, whether the image is held or stored, and little of it is in memory.
"""

from collections.abc import Iterator
from typing import cast

import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import Mask, Samples
from inspect_tool.pixels.stored import zeros_like
from inspect_tool.segmentation.threshold.bands import bands

Sums = NDArray[np.int64]
Floats = NDArray[np.float32]


def window_levels(gray: NDArray[np.uint8], window_px: int, sauvola_k: float | None) -> Floats:
    """Mean of a square window, or Sauvola's level, which lies below it where the window has little contrast.

    J. Sauvola, M. Pietikainen, Pattern Recogn. 33 (2000) 225, with R the largest of the deviations.

    Parameters
    ----------
    gray : array or stored image, (rows, columns)
        Mirrored beyond its frame.
    window_px : int
        Side of the window, odd, at most one more than the shorter side of the image.
    sauvola_k : float or None
        Share of the contrast that lowers the level; None: the mean.

    Returns
    -------
    image of float32, which lies where the gray values do
    """
    levels = cast("Floats", zeros_like(gray, np.float32))
    area = window_px**2
    for rows, total in window_sums(gray, window_px):
        levels[rows] = total / area
    if sauvola_k is None:
        return levels
    deviation, largest = cast("Floats", zeros_like(gray, np.float32)), 1e-6
    for (rows, total), (_, squares) in zip(
        window_sums(gray, window_px), window_sums(gray, window_px, power=2), strict=True
    ):
        mean = total / area
        deviation[rows] = found = np.sqrt(np.maximum(squares / area - mean * mean, 0)).astype(np.float32)
        largest = max(largest, float(found.max()))
    for rows in bands(gray.shape):
        levels[rows] *= 1 + np.float32(sauvola_k) * (deviation[rows] / np.float32(largest) - 1)
    return levels


def window_sums(gray: NDArray[np.uint8], window_px: int, power: int = 1) -> Iterator[tuple[slice, Sums]]:
    """Sums of a power of the gray values over the window around every pixel, band by band: rows, and (rows, columns).

    >>> [sums.tolist() for _, sums in window_sums(np.array([[1, 2, 3]], np.uint8), 1, power=2)]
    [[[1, 4, 9]]]
    """
    half = window_px // 2
    carried = np.zeros(gray.shape[1], np.int64)  # down the window around the row before
    for row in range(-half - 1, half):
        carried += _powers(gray, np.array([row]), power)[0]
    for rows in bands(gray.shape):
        at = np.arange(rows.start, rows.stop)
        down = np.cumsum(_powers(gray, at + half, power) - _powers(gray, at - half - 1, power), axis=0) + carried
        carried = down[-1]
        along = np.cumsum(np.pad(down, ((0, 0), (half + 1, half)), mode="symmetric"), axis=1)
        yield rows, along[:, window_px:] - along[:, :-window_px]


def _powers(gray: NDArray[np.uint8], at: NDArray[np.intp], power: int) -> Sums:
    """Powers of the gray values in some rows, mirrored beyond the frame."""
    height = gray.shape[0]
    inside = np.where(at < 0, -at - 1, np.where(at < height, at, 2 * height - 1 - at))
    low = int(inside.min())
    rows: Sums = gray[low : int(inside.max()) + 1][inside - low].astype(np.int64) ** power
    return rows


def mean_of(levels: Samples, roi: Mask | None) -> float:
    """Mean of the levels, of those that count."""
    total, number = 0.0, 0
    for rows in bands(levels.shape):
        some = levels[rows] if roi is None else levels[rows][roi[rows]]
        total += float(some.sum(dtype=np.float64))
        number += some.size
    return total / number
