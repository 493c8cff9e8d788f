"""An image that is open to be read window by window, and never held whole."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from inspect_tool.model import Calibration, Samples
from inspect_tool.pixels.parts import strips

Box = tuple[slice, slice]

MOST_IN_PART = 64_000_000
"""Pixels of the largest tile, strip or chunk that an image read by windows may be stored in."""

KEPT_BYTES = 200_000_000
"""Of decoded tiles, which windows beside each other share."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PixelWindows:
    """One plane of an image file that is open."""

    shape: tuple[int, int]  # rows, columns
    dtype: "np.dtype[np.generic]"  # of the samples
    calibration: Calibration  # what the file itself says
    read: Callable[[Box], Samples]  # samples in a box of rows and columns with a start and a stop, as they are stored

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
        """Give it with the gray values that ``read`` of the image whole gives: 8 bit, or real."""
        if self.dtype == np.uint8:
            return self
        return replace(self, dtype=np.dtype(np.float32), read=lambda box: self.read(box).astype(np.float32))

    def min(self) -> float:
        """Smallest sample."""
        return min(float(part.min()) for part in self._rows())

    def max(self) -> float:
        """Largest sample."""
        return max(float(part.max()) for part in self._rows())

    def _rows(self) -> Iterator[Samples]:
        return (self[top:bottom] for top, bottom in strips(self.shape))
