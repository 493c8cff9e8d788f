"""Count grains in a rectangle (Saltykov) or a circle (Jeffries) of a label image."""

from dataclasses import dataclass
from math import pi

import numpy as np
from numpy.typing import NDArray

from inspect_tool.measure.edges import Window, labels_on_frame, present_labels, strips_of
from inspect_tool.measure.recall import ANEW, Parts
from inspect_tool.model import LabelImage
from inspect_tool.standards.formulas.astm_e112 import CircleRule, grains_in_circle, grains_in_rectangle


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AreaCount:
    """Grains of one test figure."""

    inside: NDArray[np.int32]  # labels of the grains completely inside
    cut: NDArray[np.int32]  # labels cut by the figure, corner grains of a rectangle not among them
    corners: tuple[int, ...]  # label in each corner of a rectangle that lies in a grain
    grains: float  # equivalent number
    area_px2: float  # of the figure, without pixels that hold no grain


def count_rectangle(labels: LabelImage, window: Window, parts: Parts = ANEW) -> AreaCount:
    """Count the grains of a rectangle: inside 1, cut by a side 1/2, in a corner 1/4 per corner.

    A grain that has one of the outermost pixels counts as cut: whether it goes on outside cannot be seen. The
    sides of the rectangle therefore run through the centers of these pixels, and its area is one pixel less
    than the window in both directions, less the share of pixels that hold no grain or the second phase.

    Examples
    --------
    >>> found = count_rectangle(np.array([[1, 1, 1], [1, 2, 3], [1, 1, 1]], dtype=np.int32), (0, 0, 3, 3))
    >>> found.grains, found.area_px2
    (2.5, 4.0)
    """
    top, left, height, width = window
    present = present_labels(labels, parts, window)
    at_corners = [int(labels[r, c]) for r in (top, top + height - 1) for c in (left, left + width - 1)]
    corners = tuple(number for number in at_corners if number > 0)
    frame = labels_on_frame(labels, window)
    held = sum(int(np.count_nonzero(part > 0)) for part in strips_of(labels, window))
    cut = frame[~np.isin(frame, corners)]
    inside = present[~np.isin(present, frame)]
    return AreaCount(
        inside=inside,
        cut=cut,
        corners=corners,
        grains=grains_in_rectangle(len(inside), len(cut), len(corners)),
        area_px2=(height - 1) * (width - 1) * held / (height * width),
    )


def count_circle(
    labels: LabelImage, center: tuple[float, float], diameter_px: float, rule: CircleRule = "edition"
) -> AreaCount:
    """Count the grains of a circle: inside 1, cut by the circle 1/2; the rule says if one grain is taken off.

    A pixel belongs to the circle when its center does. The area is that of the true circle, less the
    share of its pixels that hold no grain or the second phase.
    """
    radius = diameter_px / 2
    top, bottom = int(max(0, np.ceil(center[0] - radius))), int(center[0] + radius) + 1
    left, right = int(max(0, np.ceil(center[1] - radius))), int(center[1] + radius) + 1
    # one more pixel all round, so that a grain that only just leaves the circle is seen to leave it
    y, x = slice(max(0, top - 1), bottom + 1), slice(max(0, left - 1), right + 1)
    part = labels[y, x]
    row = np.arange(y.start, y.start + part.shape[0])[:, None] - center[0]
    column = np.arange(x.start, x.start + part.shape[1])[None, :] - center[1]
    disc = row**2 + column**2 <= radius**2
    within, numbers = part[disc], np.unique(part[~disc])
    present = np.unique(within)
    present = present[present > 0]
    leaves = np.isin(present, numbers)
    share = np.count_nonzero(within > 0) / max(1, within.size)
    return AreaCount(
        inside=present[~leaves],
        cut=present[leaves],
        corners=(),
        grains=grains_in_circle(int((~leaves).sum()), int(leaves.sum()), rule),
        area_px2=pi * radius**2 * share,
    )
