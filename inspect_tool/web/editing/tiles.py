"""Tiles of a picture and of its labels at every size, cut when they are asked for: nothing is kept.

Level ``levels - 1`` has the pixels of the image, each level below half as many in a row. The picture is averaged where
it is made smaller; labels are sampled, so that outlines are one pixel wide at any size. Larger than 1:1 the browser
shows pixels as squares.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inspect_tool.errors import ReadError
from inspect_tool.model import LabelImage
from inspect_tool.plugins import Output
from inspect_tool.report.field_pictures import BOUNDARY, CLASS_COLORS

SIDE = 512
"""Rows and columns of a tile. [px]"""

Layer = Literal["picture", "outlines", "labels"]
_SEEN = 110  # opacity of the color of an object, of 255
_FACTOR = 97  # spreads neighboring numbers over the palette


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """Which tile: level, and place along columns and rows."""

    level: int
    x: int
    y: int


def levels(shape: tuple[int, int]) -> int:
    """Sizes that there are of an image, the smallest of one pixel.

    >>> levels((512, 1024))
    11
    """
    return (max(shape) - 1).bit_length() + 1


def picture(image: NDArray[np.uint8], tile: Tile) -> bytes:
    """Cut a tile of a picture, (rows, columns) or with 3 colors, as PNG.

    Raises
    ------
    ReadError
        There is no such tile.
    """
    rows, columns, step = _part((image.shape[0], image.shape[1]), tile)
    part = image[rows, columns]
    if step > 1:
        size = (-(-part.shape[1] // step), -(-part.shape[0] // step))
        part = cv2.resize(part, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    return _png(Image.fromarray(part))


def outlines(labels: LabelImage, tile: Tile) -> bytes:
    """Draw where labels change, on a transparent tile. Raises as ``picture``."""
    rows, columns, step = _part((labels.shape[0], labels.shape[1]), tile)
    wide = (slice(rows.start, rows.stop + step), slice(columns.start, columns.stop + step))
    part = labels[wide][::step, ::step]
    height, width = -(-(rows.stop - rows.start) // step), -(-(columns.stop - columns.start) // step)
    edge = np.zeros(part.shape, np.uint8)
    edge[:-1] |= part[:-1] != part[1:]
    edge[:, :-1] |= part[:, :-1] != part[:, 1:]
    return _palette_png(edge[:height, :width], {1: (*BOUNDARY, 255)})


def labels(numbers: LabelImage, kind: Output, tile: Tile) -> bytes:
    """Draw every object or class in a translucent color, background clear. Raises as ``picture``."""
    rows, columns, step = _part((numbers.shape[0], numbers.shape[1]), tile)
    part = numbers[rows, columns][::step, ::step]
    if kind == "classes":
        colors = {
            i: (*CLASS_COLORS[(i - 1) % len(CLASS_COLORS)], _SEEN) for i in range(1, int(part.max(initial=0)) + 1)
        }
        return _palette_png(part.astype(np.uint8), colors)
    shown = np.where(part > 0, part * _FACTOR % 255 + 1, 0).astype(np.uint8)
    return _palette_png(shown, {i: (*_hue(i), _SEEN) for i in range(1, 256)})


def _part(shape: tuple[int, int], tile: Tile) -> tuple[slice, slice, int]:
    """Rows and columns of the image that a tile shows, and how many of them make one of its pixels."""
    last = levels(shape) - 1
    step = 1 << max(0, last - tile.level)
    top, left = tile.y * SIDE * step, tile.x * SIDE * step
    if not 0 <= tile.level <= last or top >= shape[0] or left >= shape[1]:
        msg = f"there is no tile {tile.x}, {tile.y} of level {tile.level}"
        raise ReadError(msg)
    return slice(top, min(top + SIDE * step, shape[0])), slice(left, min(left + SIDE * step, shape[1])), step


def _hue(number: int) -> tuple[int, int, int]:
    """A bright color for a number, 1 to 255."""
    sector, rest = divmod((number - 1) * 6, 255)
    up, down = rest, 255 - rest
    return ((255, up, 0), (down, 255, 0), (0, 255, up), (0, down, 255), (up, 0, 255), (255, 0, down))[sector]


def _palette_png(indices: NDArray[np.uint8], colors: Mapping[int, tuple[int, int, int, int]]) -> bytes:
    image = Image.fromarray(indices)
    table = [colors.get(i, (0, 0, 0, 0)) for i in range(256)]
    image.putpalette([value for color in table for value in color[:3]])
    return _png(image, transparency=bytes(color[3] for color in table))


def _png(image: Image.Image, **more: bytes) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1, **more)
    return file.getvalue()
