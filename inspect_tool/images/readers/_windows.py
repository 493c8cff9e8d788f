"""An image that is open to be read window by window, and never held whole."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from inspect_tool.images.readers.raster import gray, is_gray
from inspect_tool.model import Calibration, Samples
from inspect_tool.pixels.parts import strips

Box = tuple[slice, slice]

MOST_IN_PART = 64_000_000
"""Pixels of the largest tile, strip or chunk that an image read by windows may be stored in."""

KEPT_BYTES = 200_000_000
"""Of decoded tiles, which windows beside each other share."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PixelWindows:
    """One plane of an image file that is open.

    What is stored in colors has its gray values where gray values are asked for. Whether it shows colors at all, and
    not one value in all three, is known when all of it has been looked at: ``as_read`` does.
    """

    shape: tuple[int, int]  # rows, columns
    dtype: "np.dtype[np.generic]"  # of the samples
    calibration: Calibration  # what the file itself says
    read: Callable[[Box], Samples]  # gray values in a box of rows and columns with a start and a stop, as stored
    color: Callable[[Box], NDArray[np.uint8]] | None = None  # red, green and blue in a box; None: stored in gray
    tolerance: int = 0  # by which compression may part the channels of a gray image [gray levels]

    @property
    def size(self) -> int:
        """Pixels."""
        return self.shape[0] * self.shape[1]

    def __getitem__(self, index: slice | Box) -> Samples:
        """Give some rows, or a box of rows and columns, as an array of it would."""
        rows, columns = (index, slice(None)) if isinstance(index, slice) else index
        (top, bottom, _), (left, right, _) = rows.indices(self.shape[0]), columns.indices(self.shape[1])
        return self.read((slice(top, bottom), slice(left, right)))

    def as_read(self) -> "PixelWindows":
        """Give it with what ``read`` of the image whole gives: 8 bit, or real; in colors if it shows some."""
        if self.color is not None and self._is_gray(self.color):
            return replace(self, read=partial(_green, self.color), color=None)
        if self.dtype == np.uint8:
            return self
        return replace(self, dtype=np.dtype(np.float32), read=lambda box: self.read(box).astype(np.float32))

    def min(self) -> float:
        """Smallest sample."""
        return min(float(part.min()) for part in self._rows())

    def max(self) -> float:
        """Largest sample."""
        return max(float(part.max()) for part in self._rows())

    def _is_gray(self, color: Callable[[Box], NDArray[np.uint8]]) -> bool:
        across = slice(0, self.shape[1])
        return all(is_gray(color((slice(top, bottom), across)), self.tolerance) for top, bottom in strips(self.shape))

    def _rows(self) -> Iterator[Samples]:
        return (self[top:bottom] for top, bottom in strips(self.shape))


def gray_of(color: Callable[[Box], NDArray[np.uint8]], box: Box) -> Samples:
    """Give the gray values of an image in colors."""
    return gray(color(box))


def _green(color: Callable[[Box], NDArray[np.uint8]], box: Box) -> Samples:
    return np.ascontiguousarray(color(box)[:, :, 1])
