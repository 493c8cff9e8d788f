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


_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_BYTE = 8
_FORMS = {1: (1, 0), 8: (8, 0), 16: (16, 0), 24: (8, 2)}
"""Bits of a pixel: those of a sample, and the number of gray or of red, green and blue."""
_NONE, _UP = 0, 2  # filters of rows: as they are, and less the row above
_BLOCK = 1 << 22  # bytes that are packed or unpacked in one go
_LARGEST_ROWS = 2_500_000_000  # bytes: 20 Gpx of one bit


def encode_rows(rows: Iterator[NDArray[np.uint8]], shape: tuple[int, int], bits: int) -> bytes:
    """Write an image as PNG from rows that come band by band, as they are stored.

    Parameters
    ----------
    rows : iterator of (n, bytes of a row) arrays
        With 1 bit eight columns in a byte, the first one in its highest bit, as ``numpy.packbits`` makes them.
    shape : (rows, columns)
    bits : 1, 8, 16 or 24
        For each pixel: gray, or with 24 red, green and blue.
    """
    packer = zlib.compressobj(6)
    depth, color = _FORMS[bits]
    head = struct.pack(">IIBBBBB", shape[1], shape[0], depth, color, 0, 0, 0)
    made = [_SIGNATURE, _chunk(b"IHDR", head)]
    way = _UP if bits > _BYTE else _NONE  # of numbers that change along a row, most are those of the row above
    above = np.zeros((1, -(-shape[1] * bits // 8)), np.uint8)
    for band in rows:
        stored = band if way == _NONE else band - np.concatenate([above, band[:-1]])
        above = band[-1:]
        plain = np.pad(stored, [(0, 0), (1, 0)])
        plain[:, 0] = way  # each row begins with the filter that it was made with
        if data := packer.compress(plain.tobytes()):
            made.append(_chunk(b"IDAT", data))
    return b"".join([*made, _chunk(b"IDAT", packer.flush()), _chunk(b"IEND", b"")])


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def decode_rows(data: bytes, shape: tuple[int, int], where: str = "mask") -> tuple[Iterator[NDArray[np.uint8]], int]:
    """Read such an image back, band by band as it was given; gives also its bits for each pixel.

    Raises
    ------
    ReadError
        Not such a PNG, or of another size; when the bands are read: it is cut off or damaged.
    """
    head = data[16:29] if data[:8] == _SIGNATURE and data[12:16] == b"IHDR" else b""
    columns, rows, depth, color, *way = struct.unpack(">IIBBBBB", head) if len(head) == 13 else (0, 0, 0, 0)
    bits = next((bits for bits, form in _FORMS.items() if form == (depth, color)), 0)
    width = -(-columns * bits // 8)
    if way != [0, 0, 0] or not bits or len(data) > _LARGEST_FILE or rows * width > _LARGEST_ROWS:
        msg = f"{where}: cannot be read as a mask: is not a PNG of 1 or 8 bit gray, of 16 or of RGB, or is too large"
        raise ReadError(msg)
    if (rows, columns) != shape:
        msg = f"{where}: has {rows} x {columns} pixels, the report states {shape[0]} x {shape[1]}"
        raise ReadError(msg)
    return _rows_of(data, rows, width, where), bits


def _rows_of(data: bytes, rows: int, width: int, where: str) -> Iterator[NDArray[np.uint8]]:
    unpacker, left, done = zlib.decompressobj(), b"", 0
    above = np.zeros((1, width), np.uint8)
    try:
        for part in _stored(data):
            while part and not unpacker.eof:
                left += unpacker.decompress(part, _BLOCK)
                part = unpacker.unconsumed_tail
                n = min(len(left) // (width + 1), rows - done)
                band = np.frombuffer(left, np.uint8, n * (width + 1)).reshape(n, width + 1)
                stored = band[:, 1:]
                if n and (band[:, 0] == _UP).all():
                    stored = np.cumsum(np.concatenate([above, stored]), axis=0, dtype=np.uint8)[1:]
                    above = stored[-1:]
                elif band[:, 0].any():
                    msg = "its rows are filtered"
                    raise ValueError(msg)
                yield stored
                left, done = left[n * (width + 1) :], done + n
        if done < rows:
            msg = f"it has {done} of {rows} rows"
            raise ValueError(msg)
    except (ValueError, struct.error, zlib.error) as error:
        msg = f"{where}: cannot be read as a mask: {error}"
        raise ReadError(msg) from None


def _stored(data: bytes) -> Iterator[bytes]:
    """What is packed in a PNG, piece by piece."""
    place = 8
    while data[place + 4 : place + 8] != b"IEND":
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        if kind == b"IDAT":
            yield data[place + 8 : place + 8 + length]
        place += length + 12


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
