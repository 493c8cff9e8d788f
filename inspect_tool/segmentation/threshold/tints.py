"""Dark things in a matrix of grains of many tints: no gray of the image is theirs, but they are darkest where they lie.

The matrix around every pixel is, color by color, the median of a window that grains and dark things share; each color
is taken over its own matrix, and all count the same. What is darker than half of it is surely no grain, and says how
dark black is here. The level lies half-way between black and the matrix, as that of other methods lies half-way up the
edges.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.images import color
from inspect_tool.images.preprocess import denoise
from inspect_tool.model import Mask

MATRIX = 170.0
"""Gray value that the matrix has in an image over it; brighter things are cut at one and a half times as much."""

OVER_MATRIX = "over the matrix"
"""Name of the method, among those that were taken."""

_SURE = 0.5  # of the matrix around: darker pieces are no grains
_FEWEST_PX = 9  # of a piece that tells how dark black is
_WINDOW_PX = 127  # of the median; where it is wider, on a smaller picture


def is_tinted(picture: NDArray[np.uint8] | None, roi: Mask | None) -> bool:
    """Whether the color of a picture varies over it as that of grains of many tints does; a gray one says nothing."""
    if picture is None:
        return False
    return color.spread_inside(picture, np.zeros(picture.shape[:2], np.bool_), roi) > color.MANY_TINTS


def over_matrix(picture: NDArray[np.uint8], roi: Mask | None, window_px: int, denoise_px: int) -> NDArray[np.uint8]:
    """Divide an image by the matrix around every pixel, color by color, and take the mean of all colors.

    Parameters
    ----------
    picture : array of shape (rows, columns) or (rows, columns, 3)
        0 is black.
    roi : bool array, optional
        Pixels that count; the median of all of them stands for the others.
    window_px : int
        Side of the window: grains are smaller or as large, and dark things fill less than half of it.
    denoise_px : int
        Side of a median before, odd; 1: none.

    Returns
    -------
    uint8 array of shape (rows, columns)
        ``MATRIX`` times the share.
    """
    shape = picture.shape[:2]
    channels = [picture] if picture.ndim == 2 else [np.ascontiguousarray(picture[..., k]) for k in range(3)]
    factor = max(1, -(-window_px // _WINDOW_PX))
    size = (max(1, shape[1] // factor), max(1, shape[0] // factor))
    total = np.zeros(shape, np.float32)
    for one in channels:
        smooth = np.asarray(denoise(one, size=denoise_px), np.uint8) if denoise_px > 1 else one
        counted = smooth if roi is None else np.where(roi, smooth, np.uint8(np.median(smooth[roi])))
        small = counted if factor == 1 else cv2.resize(counted, size, interpolation=cv2.INTER_AREA)
        median = np.asarray(cv2.medianBlur(small, (window_px // factor) | 1), np.float32)
        matrix = median if factor == 1 else cv2.resize(median, shape[::-1], interpolation=cv2.INTER_LINEAR)
        total += smooth / np.maximum(matrix, 1.0)
    return np.asarray(np.clip(np.rint(MATRIX / len(channels) * total), 0, 255), np.uint8)


def black_of(gray: NDArray[np.uint8], roi: Mask | None) -> float | None:
    """Gray value of what is black in an image over its matrix; None: nothing is clearly darker than the matrix."""
    dark = gray < _SURE * MATRIX
    if roi is not None:
        dark &= roi
    n, numbers = cv2.connectedComponents(dark.view(np.uint8), connectivity=8)
    pieces = np.asarray(numbers, np.int32)
    area = np.bincount(pieces.ravel(), minlength=n)
    darkest = np.full(n, np.inf)
    np.minimum.at(darkest, pieces[dark], gray[dark])
    telling = area >= _FEWEST_PX
    telling[0] = False
    if not telling.any():
        return None
    order = np.argsort(darkest[telling], kind="stable")
    reached = np.cumsum(area[telling][order])
    at = int(np.searchsorted(reached, reached[-1] / 2))
    return float(darkest[telling][order][at])
