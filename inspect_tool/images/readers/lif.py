"""Leica LIF: liffile finds images and memory blocks, the plane is cut out by the strides that the header states."""

import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from inspect_tool.errors import ReadError
from inspect_tool.images.readers import _planes
from inspect_tool.images.readers.raster import (
    UNIT_UM,
    Raster,
    Scale,
    careful,
    check_size,
    micrograph,
    missing,
    parse_xml,
    scale_of,
)
from inspect_tool.languages import Text, Words
from inspect_tool.model import Calibration, Micrograph, Samples, Selection

if TYPE_CHECKING:
    from liffile import LifFile

SUFFIXES = (".lif",)

_START = struct.Struct("<IIBI")  # 0x70, bytes that follow, 0x2A, letters of the header in UTF-16
_OBJECT_FILE = "LMS_Object_File".encode("utf-16-le")  # a LOF begins as a LIF does
_X, _Y = 1, 2
_AXIS = {3: "z", 4: "time"}
_OTHER = {5: "wavelengths", 6: "rotations", 7: "slices", 8: "slices", 9: "wavelengths", 10: "tiles", 11: "loops"}
_RGB = {1: 0, 2: 1, 3: 2}  # ChannelTag of red, green and blue to the sample of an RGB pixel


def recognizes(head: bytes) -> bool:
    """Whether a file that starts with these bytes is a LIF."""
    if len(head) < _START.size + len(_OBJECT_FILE):
        return False
    first, _, second, _ = _START.unpack_from(head)
    return first == 0x70 and second == 0x2A and not head[_START.size :].startswith(_OBJECT_FILE)


def read(path: Path, which: Selection = Selection()) -> Micrograph:
    """Read one plane of a LIF file.

    Parameters
    ----------
    path : Path
        The file.
    which : Selection
        ``scene`` is the image, by its number or by its path in the project; channel, z and time; ``page`` is the
        position on a further axis (the tiles of a mosaic that was not stitched, say), where there is one.

    Returns
    -------
    Micrograph
        Its calibration is the physical length that the file states over the number of steps.

    Raises
    ------
    ReadError
        The file is damaged, too large, of an unknown kind, or has several planes and none was chosen; or the
        extra ``lif`` is not installed.
    """
    with _opened(path) as file:
        plane = _plane(path, file, which)
        raster = Raster(samples=_samples(path, file, plane), notes=plane.notes, calibration=plane.scale.calibration())
    return micrograph(path, raster)


def scale(path: Path, which: Selection = Selection()) -> Calibration:
    """Tell what the file says of its scale; no pixel is read."""
    with _opened(path) as file:
        return _plane(path, file, which).scale.calibration()


@contextmanager
def _opened(path: Path) -> "Iterator[LifFile]":
    try:
        from liffile import LifFile
    except ImportError:
        raise missing(path, "LIF", "lif") from None
    with careful(path, "LIF file", "liffile"):
        _check_header(path)
        with LifFile(path) as file:
            yield file


def _check_header(path: Path) -> None:
    """Look at the XML header before the library parses it: it must be whole, and declare no entities."""
    size = path.stat().st_size
    with path.open("rb") as file:
        letters = _START.unpack(file.read(_START.size))[3]
        if 2 * letters > size - _START.size:
            msg = f"{path}: the header promises {2 * letters} bytes, the file has {size}; it is truncated or damaged"
            raise ReadError(msg)
        parse_xml(path, file.read(2 * letters).decode("utf-16-le"), "the header of the LIF file")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plane:
    """The plane that was chosen: where its samples lie in the file. [byte]"""

    shape: tuple[int, int]
    dtype: np.dtype[np.generic]
    strides: tuple[int, int]
    offsets: tuple[int, ...]  # of the first pixel: one, or those of red, green and blue
    scale: Scale
    notes: dict[str, Words]


def _plane(path: Path, file: "LifFile", which: Selection) -> _Plane:
    images = [image for image in file.images if not image.is_flim]
    if not images:
        msg = f"{path}: the LIF file holds no image; export it again"
        raise ReadError(msg)
    scenes = [str(image.path) for image in images]
    number = _planes.chosen(path, {"scene": scenes}, Selection(scene=which.scene))["scene"]
    image = images[number]
    described = "./Data/Image/ImageDescription"
    elements = image.xml_element.iterfind(f"{described}/Dimensions/*")
    dimensions = {int(item.attrib["DimID"]): item.attrib for item in elements}
    channels = [item.attrib for item in image.xml_element.iterfind(f"{described}/Channels/ChannelDescription")]
    if not {_X, _Y} <= dimensions.keys() or not channels:
        msg = f"{path}: image {number} ('{image.path}') is no picture of width and height; export the one that counts"
        raise ReadError(msg)
    extra = [name for name in _OTHER if name in dimensions and _count(dimensions[name]) > 1]
    if len(extra) > 1:
        found = " and ".join(f"{_count(dimensions[name])} {_OTHER[name]}" for name in extra)
        msg = f"{path}: has {found}, which cannot be chosen here; export the one that counts"
        raise ReadError(msg)
    colors = _is_rgb(channels)
    axes: dict[str, _planes.Positions] = {
        "scene": scenes,
        "channel": 1 if colors else [item.get("LUTName", "") for item in channels],
        **{axis: _count(dimensions[name]) for name, axis in _AXIS.items() if name in dimensions},
    }
    if extra:
        axes["page"] = _count(dimensions[extra[0]])
    at = _planes.chosen(path, axes, which)
    taken = sorted(channels, key=lambda item: _RGB[int(item["ChannelTag"])]) if colors else [channels[at["channel"]]]
    dtype = _dtype(path, taken[0])
    height, width = _count(dimensions[_Y]), _count(dimensions[_X])
    check_size(path, height, width, len(taken), 8 * dtype.itemsize, factor=1)
    strides = int(dimensions[_Y]["BytesInc"]), int(dimensions[_X]["BytesInc"])
    steps = {name: at[axis] for name, axis in _AXIS.items() if name in dimensions} | dict.fromkeys(extra, at["page"])
    start = sum(index * int(dimensions[name]["BytesInc"]) for name, index in steps.items())
    block = image.memory_block
    offsets = tuple(start + int(item["BytesInc"]) for item in taken)
    last = max(offsets) + (height - 1) * strides[0] + (width - 1) * strides[1] + dtype.itemsize
    if min(*offsets, *strides, dtype.itemsize) < 0 or strides[1] < dtype.itemsize or last > block.size:
        msg = f"{path}: the plane needs {last} bytes, its memory block has {block.size}; the file is damaged"
        raise ReadError(msg)
    return _Plane(
        shape=(height, width),
        dtype=dtype,
        strides=strides,
        offsets=tuple(block.offset + offset for offset in offsets),
        scale=_scale(dimensions),
        notes={
            "format": "LIF",
            "compression": Text("readers.none"),
            **_planes.notes(axes, at),
            **_depth(taken[0], dtype),
        },
    )


def _samples(path: Path, file: "LifFile", plane: _Plane) -> Samples:
    (height, width), (tall, wide) = plane.shape, plane.strides
    length = (height - 1) * tall + (width - 1) * wide + plane.dtype.itemsize
    samples = np.empty((height, width, len(plane.offsets)), dtype=plane.dtype)
    for number, offset in enumerate(plane.offsets):
        file.filehandle.seek(offset)
        data = file.filehandle.read(length)
        if len(data) != length:
            msg = f"{path}: {length} bytes of pixels promised, {len(data)} there; the file is truncated or damaged"
            raise ReadError(msg)
        samples[:, :, number] = np.ndarray(plane.shape, plane.dtype, data, strides=plane.strides)
    return samples if len(plane.offsets) > 1 else samples[:, :, 0]


def _count(dimension: Mapping[str, str]) -> int:
    return int(dimension["NumberOfElements"])


def _is_rgb(channels: Sequence[Mapping[str, str]]) -> bool:
    """Whether the channels are the colors of one image: each pixel holds a red, a green and a blue sample."""
    if sorted(int(item["ChannelTag"]) for item in channels) != sorted(_RGB):
        return False
    places = sorted(int(item["BytesInc"]) for item in channels)
    sample = (int(channels[0]["Resolution"]) + 7) // 8
    return places == [0, sample, 2 * sample]


def _dtype(path: Path, channel: Mapping[str, str]) -> np.dtype[np.generic]:
    bits, kind = int(channel["Resolution"]), {0: "u", 1: "f"}.get(int(channel["DataType"]))
    size = next((size for size in (1, 2, 4, 8) if bits <= 8 * size), 0)
    if kind is None or bits < 1 or not size or (kind == "f" and size == 1):
        msg = f"{path}: samples of {bits} bit and type {channel['DataType']} are not read; export the image"
        raise ReadError(msg)
    return np.dtype(f"<{kind}{size}")


def _depth(channel: Mapping[str, str], dtype: np.dtype[np.generic]) -> dict[str, Words]:
    bits, held = int(channel["Resolution"]), 8 * dtype.itemsize
    return {} if bits == held else {"bits per pixel": Text("readers.bits_in_use", stored=bits, bits=held)}


def _scale(dimensions: Mapping[int, Mapping[str, str]]) -> Scale:
    """Pixel size: the physical length lies between the middles of the first and the last pixel."""
    sizes = []
    for name, axis in ((_X, "X"), (_Y, "Y")):
        item = dimensions[name]
        length, unit = abs(float(item["Length"])), item.get("Unit", "")
        factor = UNIT_UM.get(unit.lower())
        if not length or _count(item) < 2:
            return Scale(note=Text("readers.no_scale_in_file"))
        if factor is None:
            return Scale(note=Text("readers.lif_no_length", axis=axis, unit=unit))
        sizes.append(length * factor / (_count(item) - 1))
    return scale_of(sizes[0], sizes[1], "LIF physical length")
