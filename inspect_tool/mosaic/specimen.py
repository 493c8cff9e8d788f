"""Where a huge image shows no specimen: black corners and gaps between tiles, one bit for each pixel."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial, reduce
from operator import and_

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.images.readers import PixelWindows
from inspect_tool.measure.seamless.windows import Box, Window
from inspect_tool.model import Mask, Samples
from inspect_tool.pixels.bits import BitMask
from inspect_tool.pixels.parts import connected_parts, strips
from inspect_tool.segmentation.threshold.gray_levels import median_of

_LONG = 4  # times the side of the square: a straight gap between two tiles


def specimen_of(image: PixelWindows, cut: Sequence[Window], blank: Sequence[int], side_px: int) -> BitMask | None:
    """Find the areas of one gray value that are wide, or straight and long: no specimen, however they are bounded.

    ``blank`` are the values. A square of ``side_px`` fits into a wide one, a line along a row or a column four times as
    long into a narrow gap. Such an area is 8-connected, whatever windows it goes through. Others are left: they may be
    pores.

    Returns
    -------
    BitMask or None
        The specimen; None: all of the image.
    """
    values = {value for window in cut for value, seeds in _seeds(image, window, blank, side_px).items() if seeds.any()}
    masks = [_shown(image, cut, value, side_px) for value in sorted(values)]
    return reduce(and_, masks) if masks else None


def blanked(image: PixelWindows, roi: BitMask | None) -> PixelWindows:
    """Give what is no specimen the median of the specimen, as an image that is held whole gets it.

    ``image``: as ``as_read`` gives it, so that no filter finds a structure where the specimen ends.
    """
    if roi is None or not roi.any():
        return image
    counts = np.zeros((1, 1 << 16), np.int64)
    colors = np.zeros((3, 1 << 8), np.int64)
    for top, bottom in strips(image.shape):
        _count(counts, image[top:bottom][roi[top:bottom]][:, None])
        if image.color is not None:
            _count(colors, image.color((slice(top, bottom), slice(0, image.shape[1])))[roi[top:bottom]])
    value = image.dtype.type(median_of(counts[0]))
    filled = replace(image, read=partial(_read_blanked, image, roi, value))
    if image.color is None:
        return filled
    return replace(
        filled, color=partial(_color_blanked, image.color, roi, np.array([median_of(one) for one in colors], np.uint8))
    )


def _count(counts: NDArray[np.int64], values: Samples) -> None:
    """Count whole numbers, (pixels, channels), for each channel; in place."""
    for channel, own in zip(counts, values.T, strict=True):
        channel += np.bincount(own.astype(np.intp), minlength=len(channel))


def _read_blanked(image: PixelWindows, roi: BitMask, value: "np.generic", box: Box) -> Samples:
    return np.where(roi[box], image.read(box), value)


def _color_blanked(
    color: Callable[[Box], NDArray[np.uint8]], roi: BitMask, value: NDArray[np.uint8], box: Box
) -> NDArray[np.uint8]:
    return np.where(roi[box][..., None], color(box), value)


def _seeds(image: PixelWindows, window: Window, blank: Sequence[int], side: int) -> dict[int, Mask]:
    """Pixels of a window, by their gray value, around which a square or a line of it lies; values with none left out.

    None of them reaches beyond the frame of the image.
    """
    long = _LONG * side
    shapes = [np.ones(size, np.uint8) for size in ((side, side), (1, long), (long, 1))]
    part = image.read(window.around(long // 2))
    found = {}
    for value in blank:
        flat = np.asarray(part == value, np.uint8)
        if np.count_nonzero(flat) < min(side**2, long):
            continue
        around = sum(cv2.erode(flat, one, borderType=cv2.BORDER_CONSTANT, borderValue=0) for one in shapes)
        found[value] = np.asarray(around)[window.inner(long // 2)] > 0
    return found


def _shown(image: PixelWindows, cut: Sequence[Window], value: int, side_px: int) -> BitMask:
    """Everything but the areas of one gray value that are no specimen."""
    flat, seeds = (BitMask(np.zeros((image.shape[0], -(-image.shape[1] // 8)), np.uint8), image.shape) for _ in "12")
    for window in cut:
        rows, columns = window.core[0], slice(window.core[1].start // 8, -(-window.core[1].stop // 8))
        flat.bits[rows, columns] = np.packbits(image.read(window.core) == value, axis=1)
        found = _seeds(image, window, (value,), side_px)
        if value in found:
            seeds.bits[rows, columns] = np.packbits(found[value], axis=1)
    parts = connected_parts(lambda top, bottom: flat[top:bottom], image.shape)
    blank = np.zeros(len(parts.area), np.bool_)
    for top, bottom in strips(image.shape):
        if seeds.bits[top:bottom].any():
            blank[parts.rows(top, bottom)[seeds[top:bottom]]] = True
    for top, bottom in strips(image.shape):  # in place: a strip is asked for before it is filled
        flat.bits[top:bottom] = np.packbits(~blank[parts.rows(top, bottom)], axis=1)
    return flat
