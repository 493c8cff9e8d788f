"""Small pictures of images, whether these are held or stored: the same pixels either way."""

from collections.abc import Callable
from math import ceil, floor

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import Samples
from inspect_tool.pixels.parts import strips
from inspect_tool.pixels.stored import StoredImage

_BAND_PX = 1 << 22  # that are looked at in one go


def area_mean(image: Samples, size: tuple[int, int], of: Callable[[slice], Samples] | None = None) -> Samples:
    """Mean over the area of every pixel of a smaller picture, as ``cv2.resize`` with INTER_AREA gives it.

    Parameters
    ----------
    image : array or stored image, (rows, columns)
    size : (columns, rows)
        Of the picture, as OpenCV has it.
    of : callable, optional
        Gives the values of some rows; else they are those of the image.
    """
    read = of or image.__getitem__
    rows, columns = image.shape
    if not isinstance(image, StoredImage):
        return np.asarray(cv2.resize(read(slice(0, rows)), size, interpolation=cv2.INTER_AREA))
    if rows % size[1] == 0 and columns % size[0] == 0:
        by = rows // size[1]
        step = max(1, _BAND_PX // (by * columns))
        bands = [(first, min(first + step, size[1])) for first in range(0, size[1], step)]
        return np.concatenate(
            [
                cv2.resize(read(slice(a * by, b * by)), (size[0], b - a), interpolation=cv2.INTER_AREA).reshape(
                    b - a, -1
                )
                for a, b in bands
            ]
        )
    return _by_shares(read, image.shape, size)


def _by_shares(read: Callable[[slice], Samples], shape: tuple[int, ...], size: tuple[int, int]) -> Samples:
    """Add up the shares of columns, then those of rows, in the order and in the precision of OpenCV."""
    across = _shares(shape[1], size[0])
    down = [(row, to, share) for to, taken in enumerate(_shares(shape[0], size[1])) for row, share in taken]
    most = max(map(len, across))
    column = np.array([[at for at, _ in one] + [one[-1][0]] * (most - len(one)) for one in across])
    weight = np.array([[w for _, w in one] + [0.0] * (most - len(one)) for one in across], np.float32)
    made = np.zeros((size[1], size[0]), np.float32)
    dtype: np.dtype[np.generic] = np.dtype(np.float32)
    k = 0
    for top, bottom in strips(shape):
        part = read(slice(top, bottom))
        dtype = part.dtype
        narrow = np.zeros((bottom - top, size[0]), np.float32)
        for i in range(most):
            narrow += part[:, column[:, i]].astype(np.float32) * weight[:, i]
        while k < len(down) and down[k][0] < bottom:
            row, to, share = down[k]
            made[to] += np.float32(share) * narrow[row - top]
            k += 1
    return made if dtype.kind == "f" else np.rint(made).astype(dtype)


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


def nearest(image: Samples, size: tuple[int, int]) -> Samples:
    """Pixels of an image for a picture of another size, as ``cv2.resize`` with INTER_NEAREST takes them."""
    rows, columns = nearest_places(image.shape, size)
    picked: Samples = np.concatenate([image[int(row) : int(row) + 1][:, columns] for row in rows])
    return picked


def nearest_places(shape: tuple[int, ...], size: tuple[int, int]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Row and column of an image for each row and column of a picture of (columns, rows)."""
    columns, rows = (
        cv2.resize(np.arange(length, dtype=np.float32)[None], (few, 1), interpolation=cv2.INTER_NEAREST)[0].astype(
            np.intp
        )
        for length, few in zip(shape[::-1], size, strict=True)
    )
    return rows, columns
