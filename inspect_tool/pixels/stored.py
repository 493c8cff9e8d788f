"""Images of numbers that are too large to be held: kept in a file, indexed as arrays are.

What is asked for comes as an array. The file has no name and is gone with the image; nothing of it stays mapped between
two calls, so that memory is that of what is asked for.
"""

import mmap
import os
import tempfile
import weakref
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import DTypeLike, NDArray

from inspect_tool.model import Samples
from inspect_tool.pixels.parts import strips
from inspect_tool.pixels.png import decode_rows, encode_rows

_MAPPED_BYTES = 1 << 25  # of an image, at a time
_PLACES = 512  # single pixels that are looked at in one go: each maps several pages


class StoredImage:
    """An image of (rows, columns) numbers in a file, 0 at first; with a third length of that many for each pixel.

    Parameters
    ----------
    shape : (rows, columns) or (rows, columns, channels)
    dtype : numpy type
    folder : Path, optional
        On whose disk it is kept; None: where temporary files are.
    parts : Path, optional
        Folder for what is made of it, see ``kept.made_once``; None: that is not kept.
    """

    def __init__(
        self, shape: tuple[int, ...], dtype: DTypeLike, folder: Path | None = None, parts: Path | None = None
    ) -> None:
        self.shape = tuple(map(int, shape))
        self.dtype = np.dtype(dtype)
        self.parts = parts
        self._folder = folder
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - open as long as the image is there
        weakref.finalize(self, self._file.close)
        os.truncate(self._file.fileno(), max(1, self.size * self.dtype.itemsize))

    @property
    def ndim(self) -> int:
        """2, or 3 with channels."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Numbers that it holds: pixels, or channels of all of them."""
        return prod(self.shape)

    def like(self, dtype: DTypeLike, shape: tuple[int, ...] | None = None) -> "StoredImage":
        """Give another one beside it, all 0; ``shape``: as of this class, else that of this one."""
        return StoredImage(shape or self.shape, dtype, self._folder, self.parts)

    def __getitem__(self, index: Any) -> Any:
        """Give what an array would give."""
        index = _in_two(index)
        if any(isinstance(one, int) for one in index):  # a line, or a pixel, out of a box that is a pixel wide
            thin = [
                slice(one % length, one % length + 1) if isinstance(one, int) else one
                for one, length in zip(index, self.shape, strict=False)
            ]
            return self[thin[0], thin[1]][tuple(0 if isinstance(one, int) else slice(None) for one in index)]
        if _is_box(index):
            rows, columns = (range(length)[cut] for cut, length in zip(index, self.shape, strict=False))
            made = np.empty((len(rows), len(columns), *self.shape[2:]), self.dtype)
            for band in self._bands(rows):
                made[band] = self._mapped(rows[band.start], rows[band.stop - 1] + 1)[:: rows.step, index[1]]
            return made
        places = [one.ravel() for one in np.broadcast_arrays(*index)]
        found = np.empty((len(places[0]), *self.shape[2:]), self.dtype)
        for part in _places(len(found)):
            top, bottom = int(places[0][part].min()), int(places[0][part].max()) + 1
            found[part] = self._mapped(top, bottom)[places[0][part] - top, places[1][part]]
        return found.reshape(*np.broadcast_shapes(*(one.shape for one in index)), *self.shape[2:])

    def __setitem__(self, index: Any, values: Any) -> None:
        """Keep values in a box, or at pairs of rows and columns."""
        if _is_box(index := _in_two(index)):
            rows, columns = (range(length)[cut] for cut, length in zip(index, self.shape, strict=False))
            given = np.broadcast_to(values, (len(rows), len(columns), *self.shape[2:]))
            for band in self._bands(rows):
                self._mapped(rows[band.start], rows[band.stop - 1] + 1)[:, index[1]] = given[band]
            return
        given = np.broadcast_to(values, (*index[0].shape, *self.shape[2:]))
        for part in _places(len(index[0])):
            top, bottom = int(index[0][part].min()), int(index[0][part].max()) + 1
            self._mapped(top, bottom)[index[0][part] - top, index[1][part]] = given[part]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Give all of it as an array."""
        return np.asarray(self[:], dtype)

    def max(self, initial: Any = None) -> Any:
        """Largest number."""
        found = [self[top:bottom].max() for top, bottom in strips(self.shape)]
        return max(found if initial is None else [initial, *found])

    def min(self) -> Any:
        """Smallest number."""
        return min(self[top:bottom].min() for top, bottom in strips(self.shape))

    def any(self) -> bool:
        """Whether one is not 0."""
        return any(bool(self[top:bottom].any()) for top, bottom in strips(self.shape))

    def all(self) -> bool:
        """Whether none is 0."""
        return all(bool(self[top:bottom].all()) for top, bottom in strips(self.shape))

    def _mapped(self, top: int, bottom: int) -> NDArray[Any]:
        """Map some rows; they are unmapped with the array."""
        width = self._row_bytes()
        start = top * width // mmap.ALLOCATIONGRANULARITY * mmap.ALLOCATIONGRANULARITY
        held = mmap.mmap(self._file.fileno(), bottom * width - start, offset=start)
        return np.ndarray((bottom - top, *self.shape[1:]), self.dtype, held, offset=top * width - start)

    def _row_bytes(self) -> int:
        return prod(self.shape[1:]) * self.dtype.itemsize

    def _bands(self, rows: range) -> Iterator[slice]:
        tall = max(1, _MAPPED_BYTES // max(1, self._row_bytes() * abs(rows.step)))
        return (slice(first, min(first + tall, len(rows))) for first in range(0, len(rows), tall))


def _in_two(index: Any) -> tuple[Any, Any]:
    rows, columns = index if isinstance(index, tuple) else (index, slice(None))
    return rows, columns


def _is_box(index: tuple[Any, Any]) -> bool:
    return isinstance(index[0], slice) and isinstance(index[1], slice)


def _places(count: int) -> Iterator[slice]:
    return (slice(first, first + _PLACES) for first in range(0, count, _PLACES))


def zeros_like(image: Samples, dtype: DTypeLike, shape: tuple[int, ...] | None = None) -> NDArray[Any]:
    """Give an image that is all 0: on the disk where the other one is, else in memory.

    ``shape``: its rows and columns, and channels if it has some; None: those of the other one.
    """
    if isinstance(image, StoredImage):
        return cast("NDArray[Any]", image.like(dtype, shape))
    return np.zeros(shape or image.shape, dtype)


def encode_stored(image: StoredImage) -> bytes:
    """Write numbers from 0 on as PNG, in the form of ``png.encode``."""
    largest = int(image.max(initial=0))
    bits = 8 if largest < 1 << 8 else 16 if largest < 1 << 16 else 24
    rows = (_stored_as(image[top:bottom], bits) for top, bottom in strips(image.shape))
    return encode_rows(rows, (image.shape[0], image.shape[1]), bits)


def _stored_as(part: Samples, bits: int) -> NDArray[np.uint8]:
    rows = len(part)
    if bits == 24:
        return np.ascontiguousarray(part, "<u4").view(np.uint8).reshape(rows, -1, 4)[..., :3].reshape(rows, -1)
    return np.ascontiguousarray(part, f">u{bits // 8}").view(np.uint8).reshape(rows, -1)


def decode_stored(data: bytes, shape: tuple[int, int], where: str = "mask") -> StoredImage:
    """Read such numbers back into a file.

    Raises
    ------
    ReadError
        As ``png.decode_rows``.
    """
    bands, bits = decode_rows(data, shape, where)
    image, top = StoredImage(shape, np.int32), 0
    numbers: NDArray[Any]
    for band in bands:
        if bits == 1:
            numbers = np.unpackbits(band, axis=1, count=shape[1])
        elif bits == 24:
            numbers = band.reshape(len(band), -1, 3).astype(np.int32) @ np.array([1, 1 << 8, 1 << 16], np.int32)
        else:
            numbers = np.ascontiguousarray(band).view(f">u{bits // 8}")
        image[top : top + len(band)] = numbers
        top += len(band)
    return image
