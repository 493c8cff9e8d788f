"""Label images as PNG, and Pillow with limits of our own."""

import io
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import ReadError

LARGEST_PX = 170_000_000
"""Pixels of the largest mask that is written or read."""

RUNS: Mapping[str, int] = {"compress_level": 6, "compress_type": zlib.Z_RLE}
"""How Pillow writes pictures of long equal runs as PNG: in half the time of zlib's default, and smaller."""

_LARGEST_FILE = 200_000_000


def encode(numbers: NDArray[np.integer[Any]]) -> bytes:
    """Write a label image as PNG: 8 or 16 bit gray, or RGB with number = R + 256 G + 65536 B where that is too small.

    >>> decode(encode(np.array([[0, 70000]])), (1, 2)).tolist()
    [[0, 70000]]
    """
    from PIL import Image

    largest = int(numbers.max(initial=0))
    if largest < 1 << 8:
        image = Image.fromarray(numbers.astype(np.uint8))
    elif largest < 1 << 16:
        image = Image.fromarray(numbers.astype(np.uint16))
    else:
        image = Image.fromarray(np.stack([numbers >> shift & 255 for shift in (0, 8, 16)], axis=-1).astype(np.uint8))
    file = io.BytesIO()
    image.save(file, "PNG", **RUNS)
    return file.getvalue()


def decode(data: bytes, shape: tuple[int, int], where: str = "mask") -> NDArray[np.int32]:
    """Read a label image back; it must have the shape that the report states.

    Raises
    ------
    ReadError
        Not such a PNG, of another size, too large, or cut off.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        if len(data) > _LARGEST_FILE or not 0 < shape[0] * shape[1] <= LARGEST_PX:
            msg = "is too large"
            raise ValueError(msg)
        with own_limits(), Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            if image.size != (shape[1], shape[0]):
                msg = f"has {image.size[1]} x {image.size[0]} pixels, the report states {shape[0]} x {shape[1]}"
                raise ValueError(msg)
            if image.mode not in ("L", "I;16", "RGB"):
                msg = f"is of mode {image.mode}, must be gray or RGB"
                raise ValueError(msg)
            numbers = np.asarray(image)
    except UnidentifiedImageError:
        msg = f"{where}: is not a PNG image"
        raise ReadError(msg) from None
    except (OSError, EOFError, SyntaxError, ValueError, RuntimeError, LookupError, struct.error, zlib.error) as error:
        msg = f"{where}: cannot be read as a mask: {error}"
        raise ReadError(msg) from None
    if numbers.ndim == 3:
        return numbers.astype(np.int32) @ np.array([1, 1 << 8, 1 << 16], np.int32)
    return numbers.astype(np.int32)


@contextmanager
def own_limits() -> Iterator[None]:
    """Undo what other libraries set in Pillow for the whole process.

    Pillow has a size limit of its own, by a warning and then an error; ours is checked before decoding. WeasyPrint lets
    truncated images pass, gray where they end; here they are an error.
    """
    from PIL import Image, ImageFile

    before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
    Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = None, False
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = before
