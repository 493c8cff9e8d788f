"""Grains at the frame: who is cut, and weights that undo the loss of those who are.

A large grain is cut by the frame more often than a small one, so that the whole grains of a field
are too small on average. The weights of Miles and Lantuejoul give every whole grain the inverse of
its chance to lie wholly inside the frame; the number per area is then free of that bias. So would the mean
of the areas be, if every grain could be whole: the largest cannot, and hold a great deal of the area. The area
of a mosaic is known, so that its mean grain is what the number leaves to each.
"""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from inspect_tool.measure.flooding import strips
from inspect_tool.measure.recall import ANEW, Parts, rows_of
from inspect_tool.model import LabelImage, Mask
from inspect_tool.pixels.distances import distances
from inspect_tool.standards.formulas import iso_13322_1

if TYPE_CHECKING:
    import pandas as pd

Window = tuple[int, int, int, int]
"""Rectangle of pixels: top, left, height, width."""

FloatArray = NDArray[np.float64]

BLURRED_PX = 2
"""What lies nearer to the edge may touch it: a gap of one pixel is closed by the blur of a picture. [px]"""


def present_labels(labels: LabelImage, parts: Parts = ANEW, window: Window | None = None) -> NDArray[np.int32]:
    """Numbers above 0 of a label image, or of a window of it, increasing.

    >>> present_labels(np.array([[7, -1, 0], [2, 2, 7]], dtype=np.int32)).tolist()
    [2, 7]
    """
    # consecutive pixels are mostly of one label: what remains of each strip is small
    found = [np.zeros(0, np.int32)]
    if window is None or window == (0, 0, *labels.shape):
        found += [
            parts.part("present", rows_of(labels, rows), partial(_present_in, labels[rows]))
            for rows in strips(labels.shape)
        ]
    else:
        found += [_present_in(part) for part in strips_of(labels, window)]
    together = np.unique(np.concatenate(found))
    return np.asarray(together[together > 0], dtype=np.int32)


def strips_of(labels: LabelImage, window: Window) -> Iterator[LabelImage]:
    """Rows of a window of a label image, about a million pixels at a time."""
    top, left, height, width = window
    for rows in strips((height, width)):
        yield labels[top + rows.start : top + rows.stop, left : left + width]


def _present_in(strip: LabelImage) -> NDArray[np.int32]:
    new = np.ones(strip.shape, bool)
    np.not_equal(strip[:, 1:], strip[:, :-1], out=new[:, 1:])
    return np.asarray(np.unique(strip[new]), dtype=np.int32)


def labels_on_frame(labels: LabelImage, window: Window) -> NDArray[np.int32]:
    """Numbers of the grains that touch the outermost pixels of a window.

    >>> labels_on_frame(np.array([[1, 1, 1], [1, 2, 1], [1, 1, 3]], dtype=np.int32), (0, 0, 3, 3)).tolist()
    [1, 3]
    """
    top, left, height, width = window
    rows, columns = slice(top, top + height), slice(left, left + width)
    lines = (
        labels[top, columns],
        labels[top + height - 1, columns],
        labels[rows, left],
        labels[rows, left + width - 1],
    )
    found = np.unique(np.concatenate(lines))
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


def whole_weights(labels: LabelImage, table: "pd.DataFrame", roi: Mask | None, *, margin_px: int = 1) -> FloatArray:
    """How many objects each whole one stands for, the inverse of its chance to be whole; 0: it is cut. [1]

    In a rectangle by the upright box around it. In a region of any shape an object counts if the circle about its
    centroid that holds it lies inside, and stands for the share of the region in which such a center may lie.

    Parameters
    ----------
    labels : int32 array of shape (rows, columns)
        Objects; 0 is background.
    table : DataFrame
        ``regions.region_table`` of them, with this ``roi``.
    roi : bool array of shape (rows, columns), optional
        True where the image counts, somewhere at least.
    margin_px : int
        What lies nearer to the edge counts as cut: 1 keeps out what touches it, ``BLURRED_PX`` also what may. [px]
    """
    height, width = labels.shape
    whole = ~table["touches_edge"].to_numpy()
    if roi is None:
        top, left, bottom, right = (
            table[f"{side}_px"].to_numpy(dtype=np.float64) for side in ("top", "left", "bottom", "right")
        )
        near = np.minimum.reduce([top, left, height - bottom, width - right])
        whole &= near >= margin_px
        more = 2.0 * (margin_px - 1)  # of a larger object without the margin, which has as many places
        chance = chance_to_be_whole(bottom - top + more, right - left + more, (0, 0, height, width))
        return np.where(whole & (chance > 0), 1 / np.where(chance > 0, chance, 1.0), 0.0)
    depth = distances(np.pad(roi, 1))[1:-1, 1:-1]
    reach = _reaches(labels, table) + (margin_px - 1)
    at = table["row_px"].round().astype(int).to_numpy(), table["column_px"].round().astype(int).to_numpy()
    ordered = np.sort(depth[roi])
    places = len(ordered) - np.searchsorted(ordered, reach, side="right")
    counts = whole & (depth[at] > reach)
    return np.where(counts, float(len(ordered)) / np.maximum(places, 1), 0.0)


def _reaches(labels: LabelImage, table: "pd.DataFrame") -> FloatArray:
    """Distance of the farthest corner of a pixel of each particle from the center of the pixel at its centroid. [px]"""
    numbers = table["feature"].to_numpy()
    row, column = np.nonzero(labels)
    at = np.searchsorted(numbers, labels[row, column])
    away = np.hypot(row - table["row_px"].round().to_numpy()[at], column - table["column_px"].round().to_numpy()[at])
    reach = np.zeros(len(table))
    np.maximum.at(reach, at, away)
    return reach + 1.5  # no pixel beside the particle, along the diagonals either, lies outside of the region
