"""How an image is cut into windows, and the proof that every one of them was measured."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import MeasurementError, SettingsError
from inspect_tool.model import Samples

Box = tuple[slice, slice]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A part of an image. Positions are (row, column), half-open. [px]"""

    number: int  # from 0, row by row
    row: int  # of the windows, from 0
    column: int
    core: Box  # the pixels that it owns: each pixel of the image has one owner
    shape: tuple[int, int]  # of the image

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the core."""
        return self.core[0].stop - self.core[0].start, self.core[1].stop - self.core[1].start

    def around(self, rim_px: int) -> Box:
        """The core and so many pixels on all sides, as far as the image reaches."""
        rows, columns = (
            slice(max(0, cut.start - rim_px), min(length, cut.stop + rim_px))
            for cut, length in zip(self.core, self.shape, strict=True)
        )
        return rows, columns

    def inner(self, rim_px: int) -> Box:
        """Where the core lies in what ``around`` gives."""
        rows, columns = (
            slice(own.start - wide.start, own.stop - wide.start)
            for own, wide in zip(self.core, self.around(rim_px), strict=True)
        )
        return rows, columns


def windows(shape: tuple[int, int], side_px: int) -> tuple[Window, ...]:
    """Cut an image into windows of a side, row by row; the last of a row or column may be smaller.

    Parameters
    ----------
    shape : (rows, columns)
        Of the image. [px]
    side_px : int
        Even, so that squares of 2 x 2 pixels, by which objects are numbered, are those of the whole image. [px]

    Examples
    --------
    >>> [window.core for window in windows((4, 6), 4)]
    [(slice(0, 4, None), slice(0, 4, None)), (slice(0, 4, None), slice(4, 6, None))]
    """
    if side_px < 2 or side_px % 2:
        msg = f"the side of a window is an even number of pixels, got {side_px}"
        raise SettingsError(msg)
    found: list[Window] = []
    for row, top in enumerate(range(0, shape[0], side_px)):
        for column, left in enumerate(range(0, shape[1], side_px)):
            core = (slice(top, min(top + side_px, shape[0])), slice(left, min(left + side_px, shape[1])))
            found.append(Window(number=len(found), row=row, column=column, core=core, shape=shape))
    return tuple(found)


def padded(part: Samples, window: Window, rim_px: int, beyond: int = 0) -> Samples:
    """Fill up what ``around`` gave of an image where the rim lies beyond its frame."""
    around = window.around(rim_px)
    before = [rim_px - (own.start - wide.start) for own, wide in zip(window.core, around, strict=True)]
    after = [rim_px - (wide.stop - own.stop) for own, wide in zip(window.core, around, strict=True)]
    made: Samples = np.pad(part, [*zip(before, after, strict=True)], constant_values=beyond)
    return made


def check_coverage(shape: tuple[int, int], measured: Iterable[Window], where: str) -> NDArray[np.uint8]:
    """Refuse an image of which a window is missing or was measured twice.

    Returns
    -------
    array of uint8, (rows of windows, columns of windows)
        How often each place of the grid was measured: once.

    Raises
    ------
    MeasurementError
        The windows do not cover the image once.
    """
    every = list(measured)
    count = np.zeros(
        (max((w.row for w in every), default=0) + 1, max((w.column for w in every), default=0) + 1), np.uint8
    )
    owned = 0
    for window in every:
        count[window.row, window.column] += 1
        owned += window.size[0] * window.size[1]
    wrong = np.argwhere(count != 1)
    if len(wrong) or owned != shape[0] * shape[1]:
        row, column = wrong[0] if len(wrong) else count.shape
        msg = (
            f"{where}: the windows cover {owned} of {shape[0] * shape[1]} pixels, that of row {row} and column {column}"
            " was not measured once; run the job again"
        )
        raise MeasurementError(msg)
    return count
