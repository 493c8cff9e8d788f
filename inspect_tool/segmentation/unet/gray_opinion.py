"""The gray values as a second opinion on the classes of a network that were trained on phases of different gray.

A network answers with the same assurance on a picture of a kind that it never saw. Where its classes do not differ in
gray, it did not see the phases; where the gray level half way between them draws another border than the network did,
the difference belongs into the uncertainty.
"""

from collections.abc import Collection, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.measure.flooding import strips
from inspect_tool.model import GrayImage, LabelImage, Mask
from inspect_tool.pixels.bits import classes_like
from inspect_tool.pixels.stored import zeros_like

_BLUR_PX = 1.0  # standard deviation of the smoothing before gray values are compared: noise of single pixels
_REACH_PX = 5  # that the smoothing looks at, to either side
_SAMPLE_PX = 2_000_000  # pixels that medians are taken of
_NORMAL = 1.4826  # median absolute deviation of a normal distribution to its standard deviation


def smoothed(pixels: GrayImage) -> NDArray[np.float32]:
    """Gray values as the referee sees them; not whole numbers, or a level between two of them would move the border."""
    made: NDArray[np.float32] = zeros_like(pixels, np.float32)
    for rows in strips(pixels.shape):
        top = max(0, rows.start - _REACH_PX)
        blurred = cv2.GaussianBlur(pixels[top : rows.stop + _REACH_PX].astype(np.float32), (0, 0), _BLUR_PX)
        made[rows] = blurred[rows.start - top : rows.stop - top]
    return made


def separation(gray: NDArray[np.float32], labels: LabelImage, number: int, roi: Mask | None = None) -> float | None:
    """Distance of the gray medians of class 0 and another class over the mean of their spreads; None: one is empty. [1]

    Two normal distributions that overlap in a quarter of their area are 2.3 apart; equal ones 0.

    >>> gray = np.array([[10, 11, 12, 50, 51, 52]], dtype=np.float32)
    >>> round(separation(gray, np.array([[0, 0, 0, 1, 1, 1]], dtype=np.uint8), 1), 1)
    27.0
    """
    values = [_values(gray, labels, one, roi) for one in (0, number)]
    if not all(len(one) for one in values):
        return None
    matrix, other = (float(np.median(one)) for one in values)
    spread = sum(_NORMAL * float(np.median(np.abs(one - np.median(one)))) for one in values) / 2
    return abs(other - matrix) / max(spread, 0.5)  # half a gray level: pictures without noise


def by_level(
    gray: NDArray[np.float32], labels: LabelImage, number: int, roi: Mask | None = None, *, classes: Collection[int]
) -> LabelImage:
    """Tell class 0 from another class by the level half way between their medians; all others stay as they are.

    ``classes``: the numbers of all of them but 0.
    """
    matrix, other = (float(np.median(_values(gray, labels, one, roi))) for one in (0, number))

    def bands() -> Iterator[tuple[slice, NDArray[np.uint8]]]:
        for rows in strips(gray.shape):
            changed = np.array(labels[rows])
            between = (gray[rows] > (matrix + other) / 2) == (other > matrix)
            these = (changed == 0) | (changed == number)
            if roi is not None:
                these &= roi[rows]
            changed[these & between] = number
            changed[these & ~between] = 0
            yield rows, changed

    return classes_like(gray, classes, bands())


def _values(gray: NDArray[np.float32], labels: LabelImage, number: int, roi: Mask | None) -> NDArray[np.float32]:
    step = max(1, int((gray.size / _SAMPLE_PX) ** 0.5))
    chosen = labels[::step, ::step] == number
    if roi is not None:
        chosen &= roi[::step, ::step]
    values: NDArray[np.float32] = gray[::step, ::step][chosen]
    return values
