"""Classes by levels of the whole image, and two classes by the level of a window around every pixel."""

from functools import partial
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import BackendError
from inspect_tool.segmentation.threshold.bands import bands, by_bands
from inspect_tool.segmentation.threshold.edges import floats
from inspect_tool.segmentation.threshold.gray_levels import (
    TRANSITION_PX,
    Histogram,
    class_means,
    li,
    otsu,
    triangle,
    without_transitions,
)


def levels_of(histogram: Histogram, n: int, method: str, fixed: list[float], path: str) -> list[float]:
    """Levels between neighboring classes; a pixel at the level belongs to the darker one."""
    if method == "fixed":
        return fixed
    if np.count_nonzero(histogram) < n:
        msg = f"{path}: {np.count_nonzero(histogram)} gray values cannot make {n} classes; give fewer classes"
        raise BackendError(msg)
    match method:
        case "li":
            return [li(histogram)]
        case "triangle":
            return [triangle(histogram)]
        case _:
            return otsu(histogram, n)


def moved_levels(histogram: Histogram, levels: list[float], shift: float) -> list[float]:
    """Levels moved by a share of the contrast of the classes on both sides of each.

    Neighboring levels move against each other: together they would leave a class between them as it is.
    """
    means = class_means(histogram, levels)
    moves = [shift * (-1) ** i * (bright - dark) for i, (dark, bright) in enumerate(pairwise(means))]
    return [level + move for level, move in zip(levels, moves, strict=True)]


def ranks_of(gray: NDArray[np.uint8], levels: list[float], method: str) -> NDArray[np.uint8]:
    """Class of every pixel by levels of the whole image, 0 for the darkest."""
    table = np.searchsorted(np.asarray(levels), np.arange(256), side="left").astype(np.uint8)
    ranks = by_bands(lambda part: cv2.LUT(part, table), gray)
    if method != "multi_otsu" or len(levels) < 2:
        return ranks
    return by_bands(partial(without_transitions, n=len(levels) + 1), ranks, gray, rim=TRANSITION_PX)


def window_levels(gray: NDArray[np.uint8], window_px: int, sauvola_k: float | None) -> NDArray[np.float32]:
    """Mean of a square window, or Sauvola's level, which lies below it where the window has little contrast.

    J. Sauvola, M. Pietikainen, Pattern Recogn. 33 (2000) 225, with R half the range of the deviations.
    """
    size = (window_px, window_px)
    mean = floats(cv2.boxFilter(gray, cv2.CV_32F, size, borderType=cv2.BORDER_REFLECT))
    if sauvola_k is None:
        return mean
    deviation = floats(cv2.sqrBoxFilter(gray, cv2.CV_32F, size, borderType=cv2.BORDER_REFLECT))
    for rows in bands(gray.shape):
        deviation[rows] -= mean[rows] * mean[rows]
    np.sqrt(np.maximum(deviation, 0, out=deviation), out=deviation)
    deviation /= max(1e-6, float(deviation.max()))
    for rows in bands(gray.shape):
        mean[rows] *= 1 + np.float32(sauvola_k) * (deviation[rows] - 1)
    return mean
