"""Nikon ND2 through nd2; the map of the file is checked first, because a missing frame would come out black."""

import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from inspect_tool.errors import ReadError
from inspect_tool.images.readers import _planes
from inspect_tool.images.readers.raster import (
    MAX_COMPRESSION,
    SQUARE_WITHIN,
    Raster,
    Scale,
    careful,
    check_size,
    micrograph,
    missing,
    scale_of,
)
from inspect_tool.languages import Text, Words
from inspect_tool.model import Calibration, Micrograph, Selection

if TYPE_CHECKING:
    from nd2 import ND2File

SUFFIXES = (".nd2",)

_MAGIC = 0x0ABECEDA
_CHUNK = struct.Struct("<IIQ")  # magic, length of the name, length of the data
_MAP_NAME, _MAP_END = b"ND2 FILEMAP SIGNATURE NAME 0001!", b"ND2 CHUNK MAP SIGNATURE 0000001!"
_FRAME_OFFSET = 4096  # from the head of a frame to its first pixel, a time stamp before it included [byte]
_METADATA = (b"ImageAttributes", b"ImageMetadata", b"ImageTextInfo")
_TIME = 2  # number of an axis that is none of space
_LOOPS = {"TimeLoop": "time", "NETimeLoop": "time", "XYPosLoop": "scene", "ZStackLoop": "z", "CustomLoop": "page"}


def recognizes(head: bytes) -> bool:
    """Whether a file that starts with these bytes is an ND2 (not the old kind, which is a JPEG 2000)."""
    return head.startswith(_MAGIC.to_bytes(4, "little"))


def read(path: Path, which: Selection = Selection()) -> Micrograph:
    """Read one plane of an ND2 file.

    Parameters
    ----------
    path : Path
        The file.
    which : Selection
        ``scene`` is the stage position; channel, z and time; each may be left out when the file has one.

    Returns
    -------
    Micrograph
        Its calibration is the one that the file states, if it says that it was calibrated.

    Raises
    ------
    ReadError
        The file is damaged, too large, a color image, or has several planes and none was chosen; or the extra
        ``nd2`` is not installed.
    """
    with _opened(path) as file:
        plane = _plane(path, file, which)
        frame = file.read_frame(plane.frame).reshape(plane.shape)
        # a copy: the frame lies in the file that is closed now
        raster = Raster(
            samples=np.array(frame[plane.channel]), notes=plane.notes, calibration=plane.scale.calibration()
        )
        del frame
    return micrograph(path, raster)


def scale(path: Path, which: Selection = Selection()) -> Calibration:
    """Tell what the file says of its scale; no pixel is decoded."""
    with _opened(path) as file:
        return _plane(path, file, which).scale.calibration()


@contextmanager
def _opened(path: Path) -> "Iterator[ND2File]":
    try:
        from nd2 import ND2File
    except ImportError:
        raise missing(path, "ND2", "nd2") from None
    with careful(path, "ND2 file", "nd2"):
        _check_metadata(path)
        with ND2File(path) as file:
            yield file


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plane:
    """The plane that was chosen, checked as far as header and map of the file tell."""

    frame: int
    channel: int
    shape: tuple[int, int, int]  # channels, rows, columns of a frame
    scale: Scale
    notes: dict[str, Words]


def _plane(path: Path, file: "ND2File", which: Selection) -> _Plane:
    held = file.attributes
    height, width, components = int(held.heightPx), int(held.widthPx or 0), int(held.componentCount)
    bits, row = int(held.bitsPerComponentInMemory), int(held.widthBytes or 0)
    packed = held.compressionType == "lossless"
    check_size(path, height, width, components, bits, factor=MAX_COMPRESSION if packed else 1)
    if held.compressionType == "lossy" or held.tileWidthPx or bits % 8:
        found = "lossy compression" if held.compressionType == "lossy" else f"tiles or {bits} bit"
        msg = f"{path}: an ND2 with {found} is not read; export the image as TIFF"
        raise ReadError(msg)
    if components // (held.channelCount or 1) != 1:
        msg = f"{path}: a color ND2 does not say which of its colors comes first; export the image as RGB TIFF"
        raise ReadError(msg)
    loops = [(_LOOPS.get(loop.type, "page"), loop) for loop in file.experiment]
    if len({axis for axis, _ in loops}) < len(loops):
        msg = f"{path}: has two loops of one kind, which cannot be told apart; export the image that counts as TIFF"
        raise ReadError(msg)
    # a file without a list of loops may still hold a series of frames
    frames = int(held.sequenceCount)
    positions: dict[str, _planes.Positions] = {
        axis: [point.name or "" for point in loop.parameters.points] if loop.type == "XYPosLoop" else int(loop.count)
        for axis, loop in loops
    } or {"page": frames}
    stated = _stated(file)
    names = _channel_names(stated)
    axes = {**positions, "channel": names if len(names) == components else components}
    at = _planes.chosen(path, axes, which)
    sizes = [int(loop.count) for _, loop in loops] or [frames]
    frame = 0
    for axis, size in zip(positions, sizes, strict=True):
        frame = frame * size + at[axis]
    if row < width * components * bits // 8:
        msg = f"{path}: {row} bytes per row promised for {width} px of {components} x {bits} bit; the file is damaged"
        raise ReadError(msg)
    _check_frame(path, frame, 1 if packed else height * row, prod(sizes))
    used = int(held.bitsPerComponentSignificant)
    return _Plane(
        frame=frame,
        channel=at["channel"],
        shape=(components, height, width),
        scale=_scale(stated),
        notes={
            "format": "ND2",
            "compression": "deflate" if packed else Text("readers.none"),
            **_planes.notes(axes, at),
            **({} if used == bits else {"bits per pixel": Text("readers.bits_in_use", stored=used, bits=bits)}),
        },
    )


def _stated(file: "ND2File") -> Mapping[str, object]:
    """What the file says of its picture, under the names of the format."""
    name = "ImageMetadataSeqLV|0" if file.version >= (3, 0) else "ImageMetadataSeq|0"
    found = file.unstructured_metadata(strip_prefix=False, include={name})[name]
    stated: Mapping[str, object] = found.get("SLxPictureMetadata", found)
    return stated


def _channel_names(stated: Mapping[str, Any]) -> list[str]:
    planes = stated.get("sPicturePlanes", {})
    listed = planes.get("sPlaneNew") or planes.get("sPlane") or {}
    return [str(item.get("sDescription") or "") for item in listed.values()]


def _scale(stated: Mapping[str, Any]) -> Scale:
    """Pixel size of the calibration [um]: one number for both axes, so the pixel must not be said to be oblong."""
    if not stated.get("bCalibrated"):
        return Scale(note=Text("readers.nd2_not_calibrated"))
    size, aspect = float(stated.get("dCalibration") or 0.0), float(stated.get("dAspect") or 1.0)
    if any(stated.get(f"ePicture{axis}Axis") == _TIME for axis in "XY"):
        return Scale(note=Text("readers.nd2_time"), refused=True)
    if aspect > 0 and abs(aspect - 1) > SQUARE_WITHIN:
        return Scale(note=Text("readers.nd2_aspect", pixel_um=size, aspect=aspect), refused=True)
    return scale_of(size, size, "ND2 calibration")


# ------------------------------------------------------------------------------------------------- file structure


def _check_metadata(path: Path) -> None:
    """Look at the metadata before the library does: old versions are XML, which must declare no entities."""
    size = path.stat().st_size
    with path.open("rb") as file:
        for name, position in _map(path, file, size).items():
            if name.startswith(_METADATA):
                _, length = _chunk(path, file, position, size)
                text = file.read(length).replace(b"\0", b"").decode("latin-1")
                if "<!DOCTYPE" in text or "<!ENTITY" in text:
                    msg = f"{path}: the metadata declare a document type, which no microscope writes; it is not read"
                    raise ReadError(msg)


def _check_frame(path: Path, frame: int, least: int, frames: int) -> None:
    """A frame must be there as a whole: the library gives zeros for one that is not."""
    size = path.stat().st_size
    with path.open("rb") as file:
        position = _map(path, file, size).get(b"ImageDataSeq|%d!" % frame)
        if position is None:
            msg = f"{path}: frame {frame} of {frames} was not recorded, or is missing; choose another one"
            raise ReadError(msg)
        start, length = _chunk(path, file, position, size)
    if start + 8 != position + _FRAME_OFFSET or length - 8 < least:
        msg = f"{path}: frame {frame} has {length - 8} of {least} bytes; the file is truncated or damaged"
        raise ReadError(msg)


def _map(path: Path, file: BinaryIO, size: int) -> Mapping[bytes, int]:
    """Names of the chunks of the file and where they begin; the end of the file says where this map is."""
    file.seek(max(size - 40, 0))
    end = file.read(40)
    if end[:32] != _MAP_END:
        msg = f"{path}: the map at the end of the ND2 file is missing; it is truncated or damaged"
        raise ReadError(msg)
    start, length = _chunk(path, file, int.from_bytes(end[32:], "little"), size, _MAP_NAME)
    file.seek(start)
    data = file.read(length)
    found, at = {}, 0
    while (after := data.find(b"!", at) + 1) and data[at:after] != _MAP_END:
        found[data[at:after]], _ = struct.unpack_from("<QQ", data, after)
        at = after + 16
    return found


def _chunk(path: Path, file: BinaryIO, position: int, size: int, name: bytes = b"") -> tuple[int, int]:
    """Where the data of a chunk begin, and how many bytes they have; leaves the file there."""
    magic, letters, length = 0, 0, 0
    if position + _CHUNK.size <= size:
        file.seek(position)
        magic, letters, length = _CHUNK.unpack(file.read(_CHUNK.size))
    start = position + _CHUNK.size + letters
    if magic != _MAGIC or start + length > size or not file.read(letters).startswith(name):
        msg = f"{path}: a part of the ND2 file is missing (at byte {position}); it is truncated or damaged"
        raise ReadError(msg)
    return start, length
