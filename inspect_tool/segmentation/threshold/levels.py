"""Classes by levels of the whole image."""

from functools import partial
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import BackendError
from inspect_tool.segmentation.threshold.bands import by_bands
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
