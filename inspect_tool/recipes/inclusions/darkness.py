"""How much darker than the matrix an inclusion is: sulfides are gray, oxides and silicates nearly black."""

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import GrayImage, LabelImage, Mask

_BLOCK_PX = 48  # side of the blocks in which the gray of the matrix is taken: inclusions fill less than half of each
_RIM_PX = 3  # around a particle: what blur has spread of its darkness

Floats = NDArray[np.float64]


def darkness(pixels: GrayImage, labels: LabelImage, roi: Mask | None = None) -> Floats:
    """Darkness of every particle, as a share of the gray of the matrix around it.

    The gray that is missing in the particle and its rim is added up and spread over its own area: blur moves it, and
    takes nothing away, so that thin particles are not taken for lighter ones.

    Parameters
    ----------
    pixels : array of shape (rows, columns)
        Gray image; a level of 0 is black.
    labels : int32 array of shape (rows, columns)
        Numbers of the particles, 1 to n without gaps.
    roi : bool array, optional
        Where the image counts.

    Returns
    -------
    array of shape (n,)
        0: as bright as the matrix; 1: black.
    """
    n = int(labels.max(initial=0))
    if not n:
        return np.zeros(0)
    gray = np.asarray(pixels, np.float32)
    missing = 1 - gray / _matrix(gray, roi)
    rim = cv2.dilate(labels.astype(np.float32), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _RIM_PX + 1,) * 2))
    around = np.where(labels > 0, labels, rim.astype(np.int32))
    if roi is not None:
        around = np.where(roi, around, 0)
    near = around > 0
    lost = np.bincount(around[near], missing[near].astype(np.float64), n + 1)[1:]
    area = np.bincount(labels[labels > 0], minlength=n + 1)[1:]
    return np.asarray(np.clip(lost / np.maximum(area, 1), 0.0, 1.0))


def _matrix(gray: NDArray[np.float32], roi: Mask | None) -> NDArray[np.float32]:
    """Gray of the matrix at every pixel: medians of blocks, carried between their centers."""
    rows, columns = (max(round(side / _BLOCK_PX), 1) for side in gray.shape)
    top, left = (
        np.linspace(0, side, number + 1).astype(int) for side, number in zip(gray.shape, (rows, columns), strict=True)
    )
    whole = float(np.median(gray if roi is None else gray[roi]))
    grid = np.full((rows, columns), whole, np.float32)
    for i in range(rows):
        for j in range(columns):
            block = gray[top[i] : top[i + 1], left[j] : left[j + 1]]
            if roi is not None:
                block = block[roi[top[i] : top[i + 1], left[j] : left[j + 1]]]
            if block.size:
                grid[i, j] = np.median(block)
    carried = cv2.resize(grid, (gray.shape[1], gray.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.maximum(carried, 1.0)
