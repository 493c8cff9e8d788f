"""Plates burned into a picture: rectangles of one value that carry a label, and the scale bar beside them."""

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import GrayImage
from inspect_tool.scale.bar.finding import find_bars
from inspect_tool.scale.bar.footer import to_8bit

Box = tuple[int, int, int, int]  # top, left, height, width

_FLAT = 12  # gray levels that compression moves white and black
_INK = 60  # gray levels between a plate and what is written on it
_LEAST_PX = (8, 24)  # height and width
_WIDEST = 0.8  # of the picture: what is wider is a data bar, which has its own setting [1]
_SIDE = 0.85  # share of each side that has the value of the plate: what is photographed is ragged
_WRITTEN = (0.03, 0.5)  # share of the plate that is ink
_LETTERS = 3


def written(pixels: GrayImage, color: NDArray[np.uint8] | None = None) -> list[Box]:
    """Places of a picture where a program has written, and not a camera: plates with their scale bars.

    Parameters
    ----------
    pixels : array, (rows, columns)
        Gray values.
    color : array of uint8, (rows, columns, 3), optional
        RGB, for bars that are no brighter than the specimen.

    Returns
    -------
    list of (top, left, height, width)
        White or black rectangles with at least three letters on them, and drawn bars no farther from one than its
        height. [px]
    """
    plates = list(_plates(to_8bit(pixels)))
    if not plates:
        return []
    bars = {bar.box for bar in find_bars(pixels, color) if bar.clean}
    return plates + sorted(box for box in bars if any(_beside(box, plate) for plate in plates))


def _plates(plane: NDArray[np.uint8]) -> Iterator[Box]:
    for ground, mask in ((255, plane >= 255 - _FLAT), (0, plane <= _FLAT)):
        count, _, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=4)
        least = (stats[:, cv2.CC_STAT_HEIGHT] >= _LEAST_PX[0]) & (stats[:, cv2.CC_STAT_WIDTH] >= _LEAST_PX[1])
        solid = 2 * stats[:, cv2.CC_STAT_AREA] >= stats[:, cv2.CC_STAT_HEIGHT] * stats[:, cv2.CC_STAT_WIDTH]
        for left, top, wide, tall, _ in stats[1:count][(least & solid)[1:]].tolist():
            area = (slice(top, top + tall), slice(left, left + wide))
            inside = mask[area]
            sides = (inside[0], inside[-1], inside[:, 0], inside[:, -1])
            if wide > _WIDEST * plane.shape[1] or min(float(side.mean()) for side in sides) < _SIDE:
                continue
            ink = np.abs(plane[area].astype(np.int16) - ground) > _INK
            if _WRITTEN[0] <= ink.mean() <= _WRITTEN[1] and _letters(ink) >= _LETTERS:
                yield top, left, tall, wide


def _letters(ink: NDArray[np.bool_]) -> int:
    """Pieces that stand on one line and are taller than a third of the plate."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(ink.view(np.uint8), connectivity=8)
    tall = stats[1:count, cv2.CC_STAT_HEIGHT]
    return int(np.count_nonzero((tall >= len(ink) / 3) & (stats[1:count, cv2.CC_STAT_WIDTH] <= 2 * tall)))


def _beside(box: Box, plate: Box) -> bool:
    more = plate[2]
    return (
        plate[0] - more < box[0] + box[2]
        and box[0] < plate[0] + plate[2] + more
        and plate[1] - more < box[1] + box[3]
        and box[1] < plate[1] + plate[3] + more
    )
