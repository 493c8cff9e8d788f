"""What a window tells, kept as a file: an image that was stopped goes on where it was."""

import io
import zlib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any
from zipfile import BadZipFile

import numpy as np

from inspect_tool.errors import ReadError
from inspect_tool.measure.pixel_sums import PixelSums
from inspect_tool.measure.seamless.cracks import Fragments
from inspect_tool.measure.seamless.pieces import Pieces
from inspect_tool.measure.seamless.windows import Window

_RIM = ("rim_top", "rim_bottom", "rim_left", "rim_right")
_PARTS: Mapping[str, type[Any]] = {"sums": PixelSums, "fragments": Fragments}


def arrays_of(pieces: Pieces) -> dict[str, np.ndarray[Any, Any]]:
    """Name every array of the pieces of a window."""
    made: dict[str, np.ndarray[Any, Any]] = dict(zip(_RIM, pieces.rim, strict=True))
    for field in fields(Pieces):
        value = getattr(pieces, field.name)
        if isinstance(value, np.ndarray):
            made[field.name] = value
    for name, kind in _PARTS.items():
        part = getattr(pieces, name)
        made |= {f"{name}.{field.name}": getattr(part, field.name) for field in fields(kind)}
    return made


def pieces_from(window: Window, arrays: Mapping[str, np.ndarray[Any, Any]]) -> Pieces:
    """Put the pieces of a window together again."""
    parts = {
        name: kind(**{field.name: arrays[f"{name}.{field.name}"] for field in fields(kind)})
        for name, kind in _PARTS.items()
    }
    own = {field.name: arrays[field.name] for field in fields(Pieces) if field.name in arrays}
    top, bottom, left, right = (arrays[name] for name in _RIM)
    return Pieces(window=window, rim=(top, bottom, left, right), **own, **parts)


def packed(arrays: Mapping[str, np.ndarray[Any, Any]]) -> bytes:
    """Write named arrays as one file."""
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def unpacked(data: bytes, where: str) -> dict[str, np.ndarray[Any, Any]]:
    """Read named arrays back.

    Raises
    ------
    ReadError
        The file is not whole.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as held:
            return dict(held)
    except (OSError, ValueError, EOFError, KeyError, BadZipFile, zlib.error) as error:
        msg = f"{where}: is no record of a window ({' '.join(str(error).split())[:80]}); delete it"
        raise ReadError(msg) from None
