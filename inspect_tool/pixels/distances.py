"""Distances of pixels, the same wherever in memory an image lies."""

import cv2
import numpy as np
from numpy.typing import NDArray

_ROWS = 256  # at a time, so that double precision costs no second image


def distances(inside: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Distance of every pixel from the nearest one that is not inside, center to center. [px]

    OpenCV's exact transform is off by some 1e-5 px, and by other amounts where the same image lies elsewhere in memory,
    so that a number read off it is not found again to all its digits. Its square is a whole number: rounded to that it
    is exact, to the precision of the result, up to 2000 px, and beyond it as near as before.

    Parameters
    ----------
    inside : array of bool, (rows, columns)

    Examples
    --------
    >>> distances(np.array([[False, True, True], [True, True, True]])).round(3).tolist()
    [[0.0, 1.0, 2.0], [1.0, 1.4140000343322754, 2.2360000610351562]]
    """
    found = np.asarray(
        cv2.distanceTransform(inside.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE), dtype=np.float32
    )
    for first in range(0, len(found), _ROWS):
        part = found[first : first + _ROWS]
        np.copyto(part, np.sqrt(np.rint(np.square(part, dtype=np.float64))), casting="same_kind")
    return found
