"""Where a huge image shows no specimen: black corners and gaps between tiles, one bit for each pixel."""

from collections.abc import Sequence
from functools import reduce
from operator import and_

import cv2
import numpy as np

from inspect_tool.images.readers import PixelWindows
from inspect_tool.measure.regions import connected
from inspect_tool.measure.seamless import cracks
from inspect_tool.measure.seamless.objects import objects_of
from inspect_tool.measure.seamless.pieces import pieces_of_mask
from inspect_tool.measure.seamless.windows import Window
from inspect_tool.mosaic.request import Request
from inspect_tool.pixels.bits import BitMask

_LONG = 4  # times the side of the square: a straight gap between two tiles


def specimen_of(image: PixelWindows, cut: Sequence[Window], asked: Request) -> BitMask | None:
    """Find the areas of one gray value that are wide, or straight and long: no specimen, however they are bounded.

    A square of ``blank_px`` fits into a wide one, a line along a row or a column four times as long into a narrow gap.
    Such an area is 8-connected, whatever windows it goes through. Others are left: they may be pores.

    Returns
    -------
    BitMask or None
        The specimen; None: all of the image.
    """
    masks = [_shown(image, cut, value, asked) for value in asked.blank]
    found = [mask for mask in masks if mask is not None]
    return reduce(and_, found) if found else None


def _shown(image: PixelWindows, cut: Sequence[Window], value: int, asked: Request) -> BitMask | None:
    """Everything but the areas of one gray value that are no specimen; None: there are none."""
    side, long = asked.blank_px, _LONG * asked.blank_px
    shapes = [np.ones(size, np.uint8) for size in ((side, side), (1, long), (long, 1))]
    rim = long // 2 + cracks.RIM_PX
    found, holds = [], []
    for window in cut:
        flat = np.asarray(image.read(window.around(rim)) == value, np.uint8)
        inner = window.inner(rim)
        # pixels, of the area itself, around which a square or a line of it lies; none reaches beyond the frame
        around = sum(cv2.erode(flat, one, borderType=cv2.BORDER_CONSTANT, borderValue=0) for one in shapes)
        outer, near = window.around(rim), window.around(cracks.RIM_PX)
        seen = tuple(slice(b.start - a.start, b.stop - a.start) for a, b in zip(outer, near, strict=True))
        found.append(pieces_of_mask(flat[seen[0], seen[1]].astype(np.bool_), window))
        numbers = connected(flat[inner].astype(np.bool_))
        holds.append(np.unique(numbers[np.asarray(around)[inner] > 0]))
    objects = objects_of(found, str(asked.image))
    blank = np.zeros(len(objects.sums.label) + 1, np.bool_)
    for number, has in zip(objects.number, holds, strict=True):
        blank[number[has - 1]] = True
    if not blank.any():
        return None
    bits = np.zeros((image.shape[0], -(-image.shape[1] // 8)), np.uint8)
    for window, number in zip(cut, objects.number, strict=True):
        rows, columns = window.core
        numbers = connected(np.asarray(image.read(window.core) == value, np.bool_))
        counts = ~np.concatenate([[False], blank[number]])[numbers]
        bits[rows, columns.start // 8 : -(-columns.stop // 8)] = np.packbits(counts, axis=1)
    return BitMask(bits, image.shape)
