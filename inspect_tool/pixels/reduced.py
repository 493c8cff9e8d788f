"""Images made smaller or larger, whether they are held or stored: the same pixels either way."""

from collections.abc import Callable, Iterator
from math import ceil, floor
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import Mask, Samples
from inspect_tool.pixels.parts import strips
from inspect_tool.pixels.stored import StoredImage, zeros_like

_BAND_PX = 1 << 22  # that are looked at in one go


def area_mean(image: Samples, size: tuple[int, int], of: Callable[[slice], Samples] | None = None) -> Samples:
    """Mean over the area of every pixel of a smaller picture, as ``cv2.resize`` with INTER_AREA gives it.

    Parameters
    ----------
    image : array, stored image or mask of bits, (rows, columns), or but for bits (rows, columns, channels)
    size : (columns, rows)
        Of the picture, as OpenCV has it.
    of : callable, optional
        Gives the values of some rows; else they are those of the image.
    """
    read = of or image.__getitem__
    if isinstance(image, np.ndarray):
        return np.asarray(cv2.resize(read(slice(0, image.shape[0])), size, interpolation=cv2.INTER_AREA))
    return np.concatenate(list(_area_bands(read, image.shape, size)))


def _area_bands(read: Callable[[slice], Samples], shape: tuple[int, ...], size: tuple[int, int]) -> Iterator[Samples]:
    """Give the rows of the smaller picture from the top on, some at a time."""
    rows, columns = shape[:2]
    if rows % size[1] or columns % size[0]:
        yield from _by_shares(read, shape, size)
        return
    by = rows // size[1]
    step = max(1, _BAND_PX // (by * columns))
    for first in range(0, size[1], step):
        count = min(step, size[1] - first)
        part = read(slice(first * by, (first + count) * by))
        made = cv2.resize(part, (size[0], count), interpolation=cv2.INTER_AREA)
        yield made.reshape(count, size[0], *shape[2:])


def _by_shares(read: Callable[[slice], Samples], shape: tuple[int, ...], size: tuple[int, int]) -> Iterator[Samples]:
    """Add up the shares of columns, then those of rows, in the order and in the precision of OpenCV."""
    across = _shares(shape[1], size[0])
    down = [(row, to, share) for to, taken in enumerate(_shares(shape[0], size[1])) for row, share in taken]
    most = max(map(len, across))
    column = np.array([[at for at, _ in one] + [one[-1][0]] * (most - len(one)) for one in across])
    weight = np.array([[w for _, w in one] + [0.0] * (most - len(one)) for one in across], np.float32)
    weight = weight.reshape(*weight.shape, *(1 for _ in shape[2:]))
    made = np.zeros((1, size[0], *shape[2:]), np.float32)
    k = 0
    for top, bottom in strips(shape):
        part = read(slice(top, bottom))
        narrow = np.zeros((bottom - top, *made.shape[1:]), np.float32)
        for i in range(most):
            narrow += part[:, column[:, i]].astype(np.float32) * weight[:, i]
        while k < len(down) and down[k][0] < bottom:
            row, to, share = down[k]
            made += np.float32(share) * narrow[row - top]
            k += 1
            if k == len(down) or down[k][1] > to:
                yield made if part.dtype.kind == "f" else np.rint(made).astype(part.dtype)
                made = np.zeros_like(made)


def _shares(length: int, few: int) -> list[list[tuple[int, float]]]:
    """Pixels of a line that lie in each of the fewer ones, with the share of each."""
    by = length / few
    found = []
    for to in range(few):
        start, end = to * by, to * by + by
        width = min(by, length - start)
        last = min(floor(end), length - 1)
        first = min(ceil(start), last)
        taken = [(first - 1, (first - start) / width)] if first - start > 1e-3 else []
        taken += [(at, 1.0 / width) for at in range(first, last)]
        if end - last > 1e-3:
            taken.append((last, min(min(end - last, 1.0), width) / width))
        found.append(taken)
    return found


def every(image: Samples, by: int, roi: Mask | None = None) -> Samples:
    """Every so many pixels of an image, row by row; with a region, of those in it."""
    if isinstance(image, np.ndarray):
        return (image.ravel() if roi is None else image[roi])[::by]
    taken, seen = [np.zeros(0, image.dtype)], 0
    for top, bottom in strips(image.shape):
        part = image[top:bottom].ravel() if roi is None else image[top:bottom][roi[top:bottom]]
        taken.append(part[-seen % by :: by])
        seen += len(part)
    return np.concatenate(taken)


def nearest(image: Samples, size: tuple[int, int], *, exact: bool = False) -> Samples:
    """Pixels of an image for a picture of another size, as ``cv2.resize`` with INTER_NEAREST takes them.

    ``exact``: with INTER_NEAREST_EXACT, those in whose middle the new ones have theirs.
    """
    rows, columns = nearest_places(image.shape, size, exact=exact)
    picked: Samples = np.concatenate([image[int(row) : int(row) + 1][:, columns] for row in rows])
    return picked


def nearest_places(
    shape: tuple[int, ...], size: tuple[int, int], *, exact: bool = False
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Row and column of an image for each row and column of a picture of (columns, rows)."""
    how = cv2.INTER_NEAREST_EXACT if exact else cv2.INTER_NEAREST
    columns, rows = (
        cv2.resize(np.arange(length, dtype=np.float32)[None], (few, 1), interpolation=how)[0].astype(np.intp)
        for length, few in zip(shape[1::-1], size, strict=True)
    )
    return rows, columns


def bilinear(image: Samples, shape: tuple[int, ...], area: tuple[slice, slice]) -> NDArray[np.float32]:
    """Part of an image brought to another shape, bilinear.

    Parameters
    ----------
    image : array (rows, columns) or (rows, columns, channels), or stored image
    shape : (rows, columns)
        Of the whole of the other one.
    area : pair of slices
        Of it that is wanted, with a start and a stop.
    """
    near, places = [], []
    for size, few, cut in zip(shape, image.shape, area, strict=False):
        low, high, share = _between(few, size, cut)
        near.append(slice(int(low[0]), int(high[-1]) + 1))
        places.append((low - low[0], high - low[0], share))
    part = image[near[0], near[1]]
    beyond = (1,) * (part.ndim - 2)
    (top, bottom, down), (left, right, across) = places
    down, across = down.reshape(-1, 1, *beyond), across.reshape(-1, *beyond)
    rows = part[top] * (1 - down) + part[bottom] * down
    return np.asarray(rows[:, left] * (1 - across) + rows[:, right] * across, np.float32)


def between_rows(image: NDArray[np.float32], rows: int, area: slice) -> NDArray[np.float32]:
    """Some of the rows of an image that is made so many rows high, linear between its own."""
    low, high, share = _between(len(image), rows, area)
    return image[low] * (1 - share[:, None]) + image[high] * share[:, None]


def _between(few: int, many: int, cut: slice) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Pixel before and after each of those of a line with more of them, and the share of the latter."""
    at = np.clip((np.arange(cut.start, cut.stop) + 0.5) * few / many - 0.5, 0, few - 1)
    low = np.minimum(at.astype(np.intp), max(few - 2, 0))
    return low, np.minimum(low + 1, few - 1), (at - low).astype(np.float32)


def scaled(image: Samples, size: tuple[int, int], how: Literal["area", "bilinear", "nearest"]) -> Samples:
    """Give an image another size: means of areas for a smaller one, bilinear for a larger one, or pixels of it.

    Parameters
    ----------
    image : array or stored image
        (rows, columns); but for "nearest" of an array also (rows, columns, channels). The other one is of its kind.
    size : (columns, rows)
        Wanted, as OpenCV has it.
    """
    made = zeros_like(image, image.dtype, (size[1], size[0], *image.shape[2:]))
    if how == "area":
        if not isinstance(image, StoredImage):
            return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
        top = 0
        for band in _area_bands(image.__getitem__, image.shape, size):
            made[top : top + len(band)] = band
            top += len(band)
        return made
    row, column = nearest_places(image.shape, size)
    for top, bottom in strips(made.shape):
        if how == "nearest":
            near = row[top:bottom]
            made[top:bottom] = image[near[0] : near[-1] + 1][near - near[0]][:, column]
        else:
            values = bilinear(image, made.shape, (slice(top, bottom), slice(0, size[0])))
            made[top:bottom] = values if image.dtype.kind == "f" else np.rint(values)
    return made
