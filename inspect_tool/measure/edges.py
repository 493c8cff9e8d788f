"""Grains at the frame: who is cut, and weights that undo the loss of those who are.

A large grain is cut by the frame more often than a small one, so that the whole grains of a field
are too small on average. The weights of Miles and Lantuejoul give every whole grain the inverse of
its chance to lie wholly inside the frame; the number per area is then free of that bias. So would the mean
of the areas be, if every grain could be whole: the largest cannot, and hold a great deal of the area. The area
of a mosaic is known, so that its mean grain is what the number leaves to each.
"""

import numpy as np
from numpy.typing import NDArray

from inspect_tool.measure.flooding import strips
from inspect_tool.model import LabelImage
from inspect_tool.standards.formulas import iso_13322_1

Window = tuple[int, int, int, int]
"""Rectangle of pixels: top, left, height, width."""

FloatArray = NDArray[np.float64]


def present_labels(labels: LabelImage) -> NDArray[np.int32]:
    """Numbers above 0 of a label image, increasing.

    >>> present_labels(np.array([[7, -1, 0], [2, 2, 7]], dtype=np.int32)).tolist()
    [2, 7]
    """
    # consecutive pixels are mostly of one label: what remains of each strip is small
    found = [np.zeros(0, np.int32)]
    for rows in strips(labels.shape):
        strip = labels[rows]
        new = np.ones(strip.shape, bool)
        np.not_equal(strip[:, 1:], strip[:, :-1], out=new[:, 1:])
        found.append(np.unique(strip[new]))
    together = np.unique(np.concatenate(found))
    return np.asarray(together[together > 0], dtype=np.int32)


def labels_on_frame(labels: LabelImage, window: Window) -> NDArray[np.int32]:
    """Numbers of the grains that touch the outermost pixels of a window.

    >>> labels_on_frame(np.array([[1, 1, 1], [1, 2, 1], [1, 1, 3]], dtype=np.int32), (0, 0, 3, 3)).tolist()
    [1, 3]
    """
    top, left, height, width = window
    part = labels[top : top + height, left : left + width]
    found = np.unique(np.concatenate([part[0], part[-1], part[:, 0], part[:, -1]]))
    return np.asarray(found[found > 0], dtype=np.int32)


def chance_to_be_whole(height_px: FloatArray, width_px: FloatArray, window: Window) -> FloatArray:
    """Chance that a grain of this height and width lies wholly inside a window and touches no outer pixel. [1]

    Examples
    --------
    >>> chance_to_be_whole(np.array([1.0, 5.0]), np.array([1.0, 5.0]), (0, 0, 10, 10)).tolist()
    [0.64, 0.16]
    """
    _, _, height, width = window
    # a grain of h pixel rows fits into the H - 2 inner rows in H - 1 - h places
    chance = iso_13322_1.chance_to_be_whole(height_px + 1, width_px + 1, height, width)
    return np.asarray(chance, dtype=np.float64)


def weighted_number(height_px: FloatArray, width_px: FloatArray, window: Window) -> float:
    """Number of grains that belong to a window, from its whole grains alone, free of edge bias.

    Every whole grain stands for as many as its chance to be whole says. A grain too large to be whole anywhere
    in the window is missed: one of a number, while its area would be missed from any mean of the areas.

    Parameters
    ----------
    height_px, width_px : float arrays of shape (grains,)
        Bounding box of the grains that touch no outer pixel of the window. [px]
    window : (top, left, height, width)

    Returns
    -------
    float
        0 when there is no whole grain.
    """
    chance = chance_to_be_whole(height_px, width_px, window)
    return float((1.0 / chance[chance > 0]).sum())
