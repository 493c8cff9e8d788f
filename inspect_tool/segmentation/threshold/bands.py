"""Work on an image band by band, so that little of it is in memory at a time, whether it is held or stored."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from inspect_tool.model import Samples
from inspect_tool.pixels.stored import zeros_like

BLOCK = 4
"""Side of the blocks that a band holds whole. [px]"""

_BAND_PX = 1 << 20  # pixels that are worked on at a time


def bands(shape: tuple[int, ...]) -> Iterator[slice]:
    """Rows of an image in bands of whole blocks."""
    tall = max(8, _BAND_PX // shape[1] // BLOCK) * BLOCK
    for start in range(0, shape[0], tall):
        yield slice(start, min(start + tall, shape[0]))


def by_bands(
    of: Callable[..., Samples], *images: Samples, rim: int = 0, dtype: DTypeLike = np.uint8
) -> NDArray[np.uint8]:
    """What a function makes of images of one size; it lies where the first of them does.

    Parameters
    ----------
    of : callable
        Gives an array as large as those it gets: one band of each image.
    rim : int
        How far it looks around a pixel. [px]
    dtype : numpy type
        Of what it makes.
    """
    made = zeros_like(images[0], dtype)
    for rows in bands(made.shape):
        low, high = max(0, rows.start - rim), min(made.shape[0], rows.stop + rim)
        made[rows] = of(*(image[low:high] for image in images))[rows.start - low : rows.stop - low]
    return made


def put(image: NDArray[Any], rows: slice, where: NDArray[np.bool_], value: int) -> None:
    """Give pixels of some rows a value; in place."""
    band = image[rows]  # of a stored image a copy
    band[where] = value
    image[rows] = band


def count(image: Samples, value: int, roi: NDArray[np.bool_] | None = None) -> int:
    """Pixels that have a value, of those that count."""
    return sum(
        int(np.count_nonzero(image[rows] == value if roi is None else (image[rows] == value) & roi[rows]))
        for rows in bands(image.shape)
    )
