"""Whether a class is the shaded side of a relief: what belongs to it shines on the other side, always the same one."""

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.measure.gray import grays_of
from inspect_tool.model import GrayImage, Mask
from inspect_tool.pixels.parts import strips

_REACH_PX = 16  # the other side is looked for so near to the class
_AS_FAR = 0.5  # from the matrix, of the distance of the class, on the other side of it [1]
_NOISE = 3.0  # standard deviations of the matrix, which noise does not reach
_QUARTILES = 1.349  # between those of a normal distribution [standard deviations]


def relief_percent(pixels: GrayImage, phase: Mask, roi: Mask | None = None) -> float:
    """Area that shines on one side of a class, over the area of the class. [%]

    Light that falls aslant, differential interference contrast and secondary electrons show a pit or a hill as a dark
    and a bright side. Both belong to it, and a gray level takes one of them. What is as far from the gray of the matrix
    as half the class, on the other side of it and beyond its noise, and lies within 16 px of the class is added up as
    vectors that lead away from the class: a bright rim all around, and bright things beside it by chance, add up to
    nothing.

    Parameters
    ----------
    pixels : array, (rows, columns)
        Gray values.
    phase : array of bool, (rows, columns)
        True on the class.
    roi : array of bool, (rows, columns), optional
        True where the image counts.

    Examples
    --------
    >>> gray = np.full((60, 60), 120)
    >>> gray[20:24, 10:50], gray[24:28, 10:50] = 40, 200
    >>> round(relief_percent(gray, gray < 80))
    100
    >>> gray[16:20, 10:50] = 200
    >>> round(relief_percent(gray, gray < 80))
    0
    """
    matrix = ~phase if roi is None else ~phase & roi
    inside, around = grays_of(pixels, phase), grays_of(pixels, matrix)
    if not inside.pixels or not around.pixels:
        return 0.0
    level = around.quantile(0.5)
    depth = level - inside.quantile(0.5)
    scatter = (around.quantile(0.75) - around.quantile(0.25)) / _QUARTILES
    beyond = level + np.sign(depth) * max(_AS_FAR * abs(depth), _NOISE * scatter)
    total: NDArray[np.float64] = np.zeros(2)
    for top, bottom in strips(phase.shape):
        low = max(0, top - _REACH_PX - 2)
        part = np.s_[low : bottom + _REACH_PX + 2]
        if not phase[part].any():
            continue
        away = cv2.distanceTransform((~phase[part]).view(np.uint8), cv2.DIST_L2, 5)
        shines = (pixels[part] > beyond) if depth > 0 else (pixels[part] < beyond)
        shines = (shines & matrix[part] & (away <= _REACH_PX))[top - low :][: bottom - top]
        slopes = [
            cv2.Sobel(away, cv2.CV_32F, *order)[top - low :][: bottom - top][shines] for order in ((0, 1), (1, 0))
        ]
        length = np.maximum(np.hypot(*slopes), 1e-6)
        total += [float((slope / length).sum()) for slope in slopes]
    return 100 * float(np.hypot(*total)) / inside.pixels
