"""Masks and classes of an image with one bit for each pixel, for images whose arrays would be too large.

They are indexed as arrays are and give arrays of what is asked for; measures that work row by row, or box by box, take
them as they are. ``numpy.asarray`` makes all of it an array, of one byte for each pixel.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import ReadError
from inspect_tool.model import LabelImage, Mask, Samples
from inspect_tool.pixels.parts import Parts, Rows, connected_parts, strips
from inspect_tool.pixels.png import decode_rows, encode_rows
from inspect_tool.pixels.stored import StoredImage

Places: TypeAlias = NDArray[np.intp]
Index: TypeAlias = slice | tuple[slice, slice] | tuple[Places, Places]


@dataclass(frozen=True, slots=True, eq=False)
class BitMask:
    """A mask of (rows, columns) pixels, eight columns in a byte."""

    bits: NDArray[np.uint8]  # (rows, columns / 8)
    shape: tuple[int, int]
    dtype = np.dtype(np.bool_)
    ndim = 2

    @property
    def size(self) -> int:
        """Pixels."""
        return self.shape[0] * self.shape[1]

    def __getitem__(self, index: Index) -> Mask:
        """Give some rows, a box of rows and columns, or the pixels at pairs of rows and columns."""
        if isinstance(index, slice):
            return np.unpackbits(self.bits[index], axis=1, count=self.shape[1]).view(np.bool_)
        rows, columns = index
        if isinstance(columns, slice):
            start, stop, step = columns.indices(self.shape[1])
            first = start // 8
            held = np.unpackbits(self.bits[rows, first : -(-stop // 8)], axis=1)
            return np.ascontiguousarray(held[:, start - 8 * first : stop - 8 * first : step]).view(np.bool_)
        found: Mask = (self.bits[rows, columns >> 3] >> (7 - (columns & 7)) & 1).astype(np.bool_)
        return found

    def __and__(self, other: "BitMask") -> "BitMask":
        """Give what both hold."""
        return BitMask(self.bits & other.bits, self.shape)

    def __or__(self, other: "BitMask") -> "BitMask":
        """Give what one of them holds."""
        return BitMask(self.bits | other.bits, self.shape)

    def __invert__(self) -> "BitMask":
        """Give the rest."""
        return BitMask(~self.bits, self.shape)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Give all of it as an array."""
        made = np.empty(self.shape, np.bool_)
        for top, bottom in strips(self.shape):
            made[top:bottom] = self[top:bottom]
        return made if dtype is None else made.astype(dtype, copy=False)

    def any(self) -> bool:
        """Whether it holds a pixel."""
        return any(bool(self[top:bottom].any()) for top, bottom in strips(self.shape))

    def sum(self) -> int:
        """Count the pixels that it holds."""
        return sum(int(np.count_nonzero(self[top:bottom])) for top, bottom in strips(self.shape))


@dataclass(frozen=True, slots=True, eq=False)
class BitClasses:
    """A class image of (rows, columns) pixels: a mask for each class above 0, and class 0 where there is none."""

    masks: Mapping[int, BitMask]
    shape: tuple[int, int]
    dtype = np.dtype(np.uint8)
    ndim = 2

    @property
    def size(self) -> int:
        """Pixels."""
        return self.shape[0] * self.shape[1]

    def __getitem__(self, index: Index) -> NDArray[np.uint8]:
        """Give class numbers, as ``BitMask`` gives its pixels."""
        found: NDArray[np.uint8] | None = None
        for number, mask in self.masks.items():
            own = mask[index].view(np.uint8) * np.uint8(number)
            found = own if found is None else found + own
        assert found is not None
        return found

    def __eq__(self, number: object) -> Any:
        """Give the mask of a class."""
        if number == 0:
            every = list(self.masks.values())
            held = every[0]
            for mask in every[1:]:
                held = held | mask
            return ~held
        return self.masks[number]  # type: ignore[index]  # a class number, as of an array

    __hash__ = None  # type: ignore[assignment]  # as of an array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Give all of it as an array."""
        made = np.empty(self.shape, np.uint8)
        for top, bottom in strips(self.shape):
            made[top:bottom] = self[top:bottom]
        return made if dtype is None else made.astype(dtype, copy=False)

    @property
    def T(self) -> "_Turned":  # noqa: N802 - as of an array
        """Give it with rows for columns."""
        return _Turned(self)

    def min(self) -> int:
        """Smallest number that there can be."""
        return 0

    def any(self) -> bool:
        """Whether a pixel is of a class above 0."""
        return any(bool(mask.bits.any()) for mask in self.masks.values())


@dataclass(frozen=True, slots=True, eq=False)
class BitObjects:
    """The 8-connected objects of a mask by their numbers, made as they are asked for."""

    parts: Parts
    numbers: NDArray[np.int32]  # of every part; 0: it is no object, as what is outside (entry 0)
    shape: tuple[int, int]
    dtype = np.dtype(np.int32)
    ndim = 2

    @property
    def size(self) -> int:
        """Pixels."""
        return self.shape[0] * self.shape[1]

    def renumbered(self, numbers: NDArray[np.int32]) -> "BitObjects":
        """Give each object another number; ``numbers``: that of every one, 0 is left out."""
        return replace(self, numbers=numbers[self.numbers])

    def __getitem__(self, index: slice | tuple[slice, slice]) -> NDArray[np.int32]:
        """Give some rows, or a box of rows and columns, as an array would."""
        rows, columns = (index, slice(None)) if isinstance(index, slice) else index
        (top, bottom, _), (left, right, _) = rows.indices(self.shape[0]), columns.indices(self.shape[1])
        found = Rows(self.parts.rows, self.shape)[slice(top, bottom), slice(left, right)]
        return np.asarray(self.numbers[found], np.int32)

    def __eq__(self, number: object) -> Any:
        """Give the mask of what is no object: of number 0."""
        return ~(self != number)

    def __ne__(self, number: object) -> Any:
        """Give the mask of all objects: of the numbers that are not 0."""
        if number != 0:
            msg = f"objects of a mask of bits are told from 0, got {number}"
            raise ValueError(msg)
        held = self.numbers != 0
        rows = [np.packbits(held[self.parts.rows(top, bottom)], axis=1) for top, bottom in strips(self.shape)]
        return BitMask(np.concatenate(rows), self.shape)

    __hash__ = None  # type: ignore[assignment]  # as of an array


def objects_of_bits(mask: BitMask) -> BitObjects:
    """Number the 8-connected objects of a mask as ``cv2.connectedComponents`` does."""
    parts = connected_parts(lambda top, bottom: mask[top:bottom], mask.shape)
    return BitObjects(parts, np.arange(len(parts.area), dtype=np.int32), mask.shape)


def as_mask(mask: BitMask | None) -> Mask | None:
    """Hand a mask of bits to what takes an array row by row, and is typed so."""
    return cast("Mask | None", mask)


def as_labels(classes: BitClasses | BitObjects) -> LabelImage:
    """Hand classes or objects of bits to what takes an array row by row, and is typed so."""
    return cast("LabelImage", classes)


def encode_bits(image: BitMask | BitClasses) -> bytes:
    """Write a mask, or classes, as PNG: 1 bit for each pixel where there is one class, else 8 bits."""
    masks = [image] if isinstance(image, BitMask) else list(image.masks.values())
    if isinstance(image, BitMask) or [*image.masks] == [1]:
        (mask,) = masks
        rest = np.uint8((0xFF << (-mask.shape[1] % 8)) & 0xFF)  # the last byte of a row, as far as there are columns

        def rows(top: int, bottom: int) -> NDArray[np.uint8]:
            made = mask.bits[top:bottom].copy()
            made[:, -1] &= rest
            return made

        return encode_rows((rows(top, bottom) for top, bottom in strips(mask.shape)), mask.shape, 1)
    return encode_rows((image[top:bottom] for top, bottom in strips(image.shape)), image.shape, 8)


def decode_bits(data: bytes, shape: tuple[int, int], classes: Collection[int], where: str = "mask") -> BitClasses:
    """Read classes back; ``classes``: their numbers above 0. Of a mask it is the class 1.

    Raises
    ------
    ReadError
        As ``png.decode_rows``; or a class that is none of these.
    """
    rows, bits = decode_rows(data, shape, where)
    held = _without_pixels(classes, shape)
    if bits > 8:
        msg = f"{where}: numbers objects, the report states classes"
        raise ReadError(msg)
    if bits == 1 and [*held] != [1]:
        msg = f"{where}: has one class, the report states {len(held)}"
        raise ReadError(msg)
    top = 0
    for band in rows:
        if bits == 1:
            held[1][top : top + len(band)] = band
        else:
            if band.size and not np.isin(np.flatnonzero(np.bincount(band.ravel())), [0, *held]).all():
                msg = f"{where}: holds a class that the report does not state"
                raise ReadError(msg)
            _fill(held, slice(top, top + len(band)), band)
        top += len(band)
    return BitClasses({number: BitMask(mask, shape) for number, mask in held.items()}, shape)


def classes_like(
    image: Samples, classes: Collection[int], bands: Iterable[tuple[slice, NDArray[np.uint8]]]
) -> LabelImage:
    """Put a class image together from bands of rows: a byte for each pixel where an image is held, bits where stored.

    ``classes``: their numbers above 0.
    """
    if not isinstance(image, StoredImage):
        labels = np.empty(image.shape, np.uint8)
        for rows, band in bands:
            labels[rows] = band
        return labels
    held = _without_pixels(classes, image.shape)
    for rows, band in bands:
        _fill(held, rows, band)
    return as_labels(BitClasses({n: BitMask(mask, image.shape) for n, mask in held.items()}, image.shape))


def _without_pixels(classes: Collection[int], shape: tuple[int, int]) -> dict[int, NDArray[np.uint8]]:
    return {number: np.zeros((shape[0], -(-shape[1] // 8)), np.uint8) for number in classes}


def _fill(held: Mapping[int, NDArray[np.uint8]], rows: slice, band: NDArray[np.uint8]) -> None:
    for number, mask in held.items():
        mask[rows] = np.packbits(band == number, axis=1)


def sampled(image: Any, by: int) -> NDArray[Any]:
    """Every so many rows and columns of what is asked for row by row."""
    tall = 64 * by
    return np.concatenate([image[top : top + tall][::by, ::by] for top in range(0, image.shape[0], tall)])


@dataclass(frozen=True, slots=True, eq=False)
class _Turned:
    """A class image with rows for columns."""

    of: BitClasses

    @property
    def shape(self) -> tuple[int, int]:
        return self.of.shape[::-1]

    def __getitem__(self, rows: slice) -> NDArray[np.uint8]:
        return self.of[slice(0, self.of.shape[0]), rows].T
