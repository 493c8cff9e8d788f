"""Detections that may overlap to labels that do not: the higher score lies on top."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import LabelImage, Mask
from inspect_tool.segmentation.maskrcnn.network import Detections


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Painted:
    """Labels, and what was lost where objects cover one another.

    Attributes
    ----------
    labels : ndarray of int32
        (rows, columns), numbered from 1 in the order of the scores.
    areas_px2, visible_px2 : ndarray of int64
        (n,): what each object covers, and what is left of it below those with higher scores. [px]
    hidden : int
        Detections left out because more than ``hidden_share`` of them lay below others.
    """

    labels: LabelImage
    areas_px2: NDArray[np.int64]
    visible_px2: NDArray[np.int64]
    hidden: int

    @property
    def covered(self) -> int:
        """Objects of which a part lies below others."""
        return int((self.visible_px2 < self.areas_px2).sum())


def painted(
    found: Detections,
    shape: tuple[int, int],
    roi: Mask | None,
    *,
    mask_threshold: float,
    hidden_share: float,
    least_px2: int,
) -> Painted:
    """Lay the objects on the image, the best first; a pixel belongs to the first that covers it.

    Parameters
    ----------
    found : Detections
        In any order.
    shape : tuple of int
        Rows and columns of the image.
    roi : ndarray of bool, optional
        Nothing is painted outside.
    mask_threshold : float
        Probability from which a pixel belongs to its object. [1]
    hidden_share : float
        An object of which more lies below others is the same one seen twice, or cannot be told from that. [1]
    least_px2 : int
        Smaller objects are dropped. [px]
    """
    labels = np.zeros(shape, np.int32)
    areas, visible = [], []
    hidden = 0
    # of equal scores the upper, then the left one is first, whatever tile it came from
    for n in np.lexsort((found.boxes[:, 0], found.boxes[:, 1], -found.scores)):
        rows, columns, inside = patch(found.boxes[n], found.masks[n], shape, mask_threshold)
        if roi is not None:
            inside &= roi[rows, columns]
        area = int(np.count_nonzero(inside))
        if area < max(least_px2, 1):
            continue
        free = inside & (labels[rows, columns] == 0)
        seen = int(np.count_nonzero(free))
        if seen < (1 - hidden_share) * area or seen == 0:
            hidden += 1
            continue
        areas.append(area)
        visible.append(seen)
        labels[rows, columns][free] = len(areas)
    return Painted(
        labels=labels, areas_px2=np.array(areas, np.int64), visible_px2=np.array(visible, np.int64), hidden=hidden
    )


def patch(
    box: NDArray[np.float32], mask: NDArray[np.uint8], shape: tuple[int, int], threshold: float
) -> tuple[slice, slice, Mask]:
    """Pixels of one object: the rows and columns of its box, and which of them belong to it.

    Of several pieces the largest counts. The probability is linear between the centers of cells and 0 beyond the box,
    so that it is half of the outermost cell's on the edge of the box.
    """
    cuts, places = [], []
    for low, high, size, cells in (
        (box[1], box[3], shape[0], mask.shape[0]),
        (box[0], box[2], shape[1], mask.shape[1]),
    ):
        begin, end = max(0, int(np.ceil(low))), min(size, int(np.floor(high)) + 1)
        at = np.arange(begin, max(begin, end), dtype=np.float32)
        cuts.append(slice(begin, max(begin, end)))
        places.append((at - low) * np.float32(cells / max(high - low, 1e-3)) - np.float32(0.5))
    if not places[0].size or not places[1].size:
        return cuts[0], cuts[1], np.zeros((places[0].size, places[1].size), bool)
    x, y = np.meshgrid(places[1], places[0])
    probability = cv2.remap(mask.astype(np.float32), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return cuts[0], cuts[1], _largest_piece(probability >= 255 * threshold)


def _largest_piece(inside: Mask) -> Mask:
    """An object is in one piece: specks beside it would stretch its diameters."""
    count, numbered, facts, _ = cv2.connectedComponentsWithStats(inside.astype(np.uint8), connectivity=8)
    if count <= 2:
        return inside
    return np.asarray(numbered == 1 + int(np.argmax(facts[1:, cv2.CC_STAT_AREA])), bool)
