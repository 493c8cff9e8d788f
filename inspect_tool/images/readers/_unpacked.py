"""How much a packed chunk unpacks to, told before it is unpacked: a few bytes can fill any memory."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable
from io import BytesIO

_ZSTD, _SKIPPED = 0xFD2FB528, 0x184D2A50  # magic numbers of a frame and of a frame without content (RFC 8878, 3.1)
_BLOCK = 128 * 1024  # most that a compressed block of zstd unpacks to (RFC 8878, 3.1.1.2.4) [byte]


def unpacked_size(codec: str, data: bytes, limit: int) -> int:
    """Size that a chunk unpacks to, or at least that it is beyond a limit.

    Parameters
    ----------
    codec : str
        One of ``PACKING``.
    data : bytes
        The packed chunk.
    limit : int
        Where a size is not written in the chunk, no more than this is unpacked to find it. [byte]

    Returns
    -------
    int
        Size, a number above the limit where there is more, or (zstd without a stated size) an upper bound. [byte]

    Raises
    ------
    ValueError, OSError, EOFError, zlib.error, lzma.LZMAError
        The chunk is damaged.
    """
    return PACKING[codec](data, limit)


def _zstd(data: bytes, limit: int) -> int:  # noqa: ARG001 - one shape
    """What the first frame states; without it every block of every frame counts, a compressed one as a full one."""
    at = total = 0
    while at + 4 <= len(data):
        magic = int.from_bytes(data[at : at + 4], "little")
        if magic & ~0xF == _SKIPPED:
            at += 8 + int.from_bytes(data[at + 4 : at + 8], "little")
            continue
        if magic != _ZSTD:
            msg = "no frame of zstd"
            raise ValueError(msg)
        flags = data[at + 4]
        single = flags >> 5 & 1
        stated = (single, 2, 4, 8)[flags >> 6]
        at += 5 + (1 - single) + (0, 1, 2, 4)[flags & 3]
        if stated:
            return int.from_bytes(data[at : at + stated], "little") + (256 if stated == 2 else 0)
        last = 0
        while not last:
            head = int.from_bytes(data[at : at + 3], "little")
            last, kind, size = head & 1, head >> 1 & 3, head >> 3
            if at + 3 > len(data):
                msg = "a block of zstd is cut off"
                raise ValueError(msg)
            at += 3 + (1 if kind == 1 else size)
            total += _BLOCK if kind == 2 else size
        at += 4 * (flags >> 2 & 1)
    return total


def _zlib(data: bytes, limit: int) -> int:
    return len(zlib.decompressobj().decompress(data, limit + 1))


def _gzip(data: bytes, limit: int) -> int:
    return len(gzip.GzipFile(fileobj=BytesIO(data)).read(limit + 1))


def _bz2(data: bytes, limit: int) -> int:
    return len(bz2.BZ2File(BytesIO(data)).read(limit + 1))


def _lzma(data: bytes, limit: int) -> int:
    return len(lzma.LZMAFile(BytesIO(data)).read(limit + 1))


PACKING: dict[str, Callable[[bytes, int], int]] = {
    "zstd": _zstd,
    "blosc": lambda data, _: int.from_bytes(data[4:8], "little"),  # its header, second number
    "lz4": lambda data, _: int.from_bytes(data[:4], "little"),  # numcodecs writes it before the block
    "zlib": _zlib,
    "gzip": _gzip,
    "bz2": _bz2,
    "lzma": _lzma,
}
