"""An image that is open to be read window by window, and never held whole."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from inspect_tool.model import Calibration, Samples

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
