"""What a click-conditioned network is told beside the gray values: where was clicked, and what was found before.

K. Sofiiuk, I. Petrov, A. Konushin, "Reviving iterative training with mask guidance for interactive segmentation",
ICIP 2022, arXiv 2102.06583: clicks as discs, and the mask of the click before.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.pixels.distances import distances

CHANNELS = 5  # gray, clicks inside, clicks outside, mask of before, gray against that under the clicks
SIDE = 128  # of a crop [px]
CLICK_PX = 3  # radius of a click in a crop [px]
BOX = 0.5  # what the mask of before says inside of a box that was drawn: perhaps [1]
OUTSIDE = -0.5  # gray value beyond the edge of the image, which no structure has


def discs(clicks: Sequence[tuple[float, float]], side: int = SIDE) -> NDArray[np.float32]:
    """Map of clicks, 1 within ``CLICK_PX`` of one: (side, side).

    Parameters
    ----------
    clicks : sequence of (row, column)
        In the crop. [px]
    """
    made = np.zeros((side, side), np.float32)
    for row, column in clicks:
        cv2.circle(made, (round(column), round(row)), CLICK_PX, 1.0, thickness=-1)
    return made


def against_clicks(gray: Any, inside: Any) -> Any:
    """Gray values less their mean under the clicks in the object; 0 where there is no click.

    What a network would else have to carry from the click to every pixel. Takes arrays and tensors.

    Parameters
    ----------
    gray, inside : ndarray or Tensor
        (..., rows, columns): normalized gray values, and the map of clicks.
    """
    count = inside.sum(axis=(-2, -1), keepdims=True)
    mean = (gray * inside).sum(axis=(-2, -1), keepdims=True) / (count + (count == 0))
    return (gray - mean) * (count > 0)


def next_click(truth: NDArray[np.bool_], found: NDArray[np.bool_]) -> tuple[int, int, bool] | None:
    """Where somebody clicks next: the middle of the largest error; row, column, and whether it lies in the object.

    The middle is the pixel farthest from the edge of the error; none is left when the two masks are equal.

    >>> truth = np.zeros((9, 9), bool)
    >>> truth[2:7, 1:8] = True
    >>> next_click(truth, np.zeros((9, 9), bool)), next_click(truth, truth)
    ((4, 3, True), None)
    """
    best: tuple[float, NDArray[np.bool_], bool] | None = None
    for error, inside in ((truth & ~found, True), (found & ~truth, False)):
        count, labels, stats, _ = cv2.connectedComponentsWithStats(error.astype(np.uint8), connectivity=4)
        if count < 2:
            continue
        largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
        area = float(stats[largest, cv2.CC_STAT_AREA])
        if best is None or area > best[0]:
            best = (area, labels == largest, inside)
    if best is None:
        return None
    _, region, inside = best
    depth = distances(np.pad(region, 1))[1:-1, 1:-1]
    row, column = np.unravel_index(int(np.argmax(depth)), depth.shape)
    return int(row), int(column), inside
