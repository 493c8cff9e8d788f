"""Zeiss CZI through pylibCZIrw; sizes, positions and scale are read from the file itself before a pixel is decoded."""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import BinaryIO
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import ReadError
from inspect_tool.images.readers import _planes
from inspect_tool.images.readers.raster import (
    MAX_COMPRESSION,
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
from inspect_tool.model import Calibration, Micrograph, Selection

SUFFIXES = (".czi",)


# number of a pixel type: samples per pixel, bits per sample, name
_PIXELS = {
    0: (1, 8, "Gray8"),
    1: (1, 16, "Gray16"),
    2: (1, 32, "Gray32Float"),
    3: (3, 8, "Bgr24"),
    4: (3, 16, "Bgr48"),
    8: (3, 32, "Bgr96Float"),
}
_COMPRESSION = {
    0: "none",
    1: "JPEG (lossy)",
    2: "LZW",
    4: "JPEG XR (the file does not say whether lossy)",
    5: "Zstandard",
    6: "Zstandard",
}
_LOSSY = (1, 4)
_AXES = {"scene": "S", "channel": "C", "z": "Z", "time": "T"}
_OTHER = {"R": "rotations", "I": "illuminations", "H": "phases", "V": "views", "B": "blocks"}

_HEADER, _DIRECTORY, _METADATA, _TILE = b"ZISRAWFILE", b"ZISRAWDIRECTORY", b"ZISRAWMETADATA", b"ZISRAWSUBBLOCK"
_MOST_TILES = 5_000_000


def recognizes(head: bytes) -> bool:
    """Whether a file that starts with these bytes is a CZI."""
    return head.startswith(_HEADER)


def read(path: Path, which: Selection = Selection()) -> Micrograph:
    """Read one plane of a CZI file, at full resolution; the tiles of a mosaic are put together.

    What no tile covers does not count.

    Parameters
    ----------
    path : Path
        The file.
    which : Selection
        Scene, channel, z and time; each may be left out when the file has one.

    Returns
    -------
    Micrograph
        Its calibration is the scaling that the file states.

    Raises
    ------
    ReadError
        The file is damaged, too large, of an unknown kind, or has several planes and none was chosen; or the
        extra ``czi`` is not installed.
    """
    try:
        from pylibCZIrw import czi
    except ImportError:
        raise missing(path, "CZI", "czi") from None
    with careful(path, "CZI file"):
        plane = _plane(path, which)
        scene = plane.place.get("S")
        with czi.open_czi(str(path)) as file:
            pixels = file.read(
                roi=plane.box,
                plane={name: start for name, start in plane.place.items() if name != "S"},
                scene=scene,
                pixel_type=_PIXELS[plane.kind][2],
            )
            samples = np.array(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels[:, :, ::-1])  # blue comes first
        if samples.shape[:2] != plane.shape:
            msg = f"{path}: {samples.shape[1]} x {samples.shape[0]} px came out of a plane of {plane.box[2:]} px"
            raise ReadError(msg)
    raster = Raster(
        samples=samples,
        notes=plane.notes,
        calibration=plane.scale.calibration(),
        lossy=plane.lossy,
        alpha=_covered(plane),
    )
    return micrograph(path, raster)


def scale(path: Path, which: Selection = Selection()) -> Calibration:
    """Tell what the file says of its scale; no pixel is decoded."""
    with careful(path, "CZI file"):
        return _plane(path, which).scale.calibration()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tile:
    """One sub-block: where it lies in the file and in the image."""

    kind: int
    position: int  # [byte]
    compression: int
    start: Mapping[str, int]  # dimension to start
    size: Mapping[str, int]  # dimension to size; X and Y at full resolution [px]
    stored: tuple[int, int]  # width and height as stored [px]

    def is_full(self) -> bool:
        return self.stored == (self.size["X"], self.size["Y"])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plane:
    """The plane that was chosen, checked as far as the directory of the file tells."""

    kind: int
    box: tuple[int, int, int, int]  # left, top, width, height, in the coordinates of the file [px]
    shape: tuple[int, int]
    place: Mapping[str, int]  # dimension to start
    tiles: Sequence[_Tile]
    lossy: bool
    scale: Scale
    notes: dict[str, Words]


def _plane(path: Path, which: Selection) -> _Plane:
    with path.open("rb") as file:
        size = path.stat().st_size
        directory, metadata = _header(path, file)
        tiles = [tile for tile in _tiles(path, file, directory, size) if tile.is_full()]
        if not tiles:
            msg = f"{path}: the CZI file holds no image; export it again"
            raise ReadError(msg)
        root = _xml(path, file, metadata, size)
        starts = {
            name: sorted({tile.start[name] for tile in tiles if name in tile.start}) for name in _dimensions(tiles)
        }
        for name, what in _OTHER.items():
            if len(starts.get(name, ())) > 1:
                msg = f"{path}: has {len(starts[name])} {what}, which cannot be chosen here; export the one that counts"
                raise ReadError(msg)
        names = {"scene": _scene_names(root), "channel": _channel_names(root)}
        axes: dict[str, _planes.Positions] = {
            axis: [names.get(axis, {}).get(start, "") for start in starts[name]]
            for axis, name in _AXES.items()
            if name in starts
        }
        at = _planes.chosen(path, axes, which)
        place = {name: found[0] for name, found in starts.items() if name in _OTHER}
        place.update({name: starts[name][at[axis]] for axis, name in _AXES.items() if name in starts})
        mine = [tile for tile in tiles if all(tile.start.get(name, start) == start for name, start in place.items())]
        if not mine:
            msg = f"{path}: the plane that was chosen was not recorded"
            raise ReadError(msg)
        kinds = {tile.kind for tile in mine}
        if len(kinds) > 1 or mine[0].kind not in _PIXELS:
            msg = f"{path}: pixel type {', '.join(map(str, sorted(kinds)))} is not read; export it as gray or RGB"
            raise ReadError(msg)
        box = _box(mine)
        _check(path, file, mine, box, size)
    compressions = {tile.compression for tile in mine}
    notes: dict[str, Words] = {
        "format": "CZI",
        "compression": ", ".join(dict.fromkeys(_COMPRESSION[item] for item in sorted(compressions))),
        **_planes.notes(axes, at),
    }
    if len(mine) > 1:
        notes["mosaic"] = Text("readers.tiles_put_together", count=len(mine))
    return _Plane(
        kind=mine[0].kind,
        box=box,
        shape=(box[3], box[2]),
        place=place,
        tiles=mine,
        lossy=bool(compressions & set(_LOSSY)),
        scale=_scale(root),
        notes=notes,
    )


def _dimensions(tiles: Sequence[_Tile]) -> list[str]:
    return sorted({name for tile in tiles for name in tile.start if name in _OTHER or name in _AXES.values()})


def _box(tiles: Sequence[_Tile]) -> tuple[int, int, int, int]:
    left, top = (min(tile.start[name] for tile in tiles) for name in "XY")
    right, bottom = (max(tile.start[name] + tile.size[name] for tile in tiles) for name in "XY")
    return left, top, right - left, bottom - top


def _covered(plane: _Plane) -> NDArray[np.bool_] | None:
    """Where the tiles of a mosaic lie; None where they cover everything."""
    if len(plane.tiles) == 1:
        return None
    covered = np.zeros(plane.shape, dtype=np.bool_)
    for tile in plane.tiles:
        top, left = tile.start["Y"] - plane.box[1], tile.start["X"] - plane.box[0]
        covered[top : top + tile.size["Y"], left : left + tile.size["X"]] = True
    return None if covered.all() else covered


# ------------------------------------------------------------------------------------------------- file structure
# segment: 16 bytes of name, two 64-bit sizes (allocated, used); all numbers are little-endian


def _segment(path: Path, file: BinaryIO, position: int, name: bytes, size: int) -> int:
    """Number of bytes after the head of a segment; one that is not there, or not whole, is a ``ReadError``."""
    found, used = b"", 0
    if 0 < position <= size - 32:
        file.seek(position)
        found, _, used = struct.unpack("<16sqq", file.read(32))
    if found.rstrip(b"\0") != name or not 0 <= used <= size - position - 32:
        msg = f"{path}: a part of the CZI file is missing (no whole {name.decode()}); it is truncated or damaged"
        raise ReadError(msg)
    return int(used)


def _header(path: Path, file: BinaryIO) -> tuple[int, int]:
    """Positions of the directory of tiles and of the metadata."""
    file.seek(0)
    head = file.read(32 + 72)
    part, directory, metadata, pending = struct.unpack_from("<iqqi", head, 32 + 48)
    if pending or part:
        found = "was not closed" if pending else f"is part {part} of several"
        msg = f"{path}: the CZI file {found}; save it whole from the program that wrote it"
        raise ReadError(msg)
    return directory, metadata


def _tiles(path: Path, file: BinaryIO, position: int, size: int) -> Iterator[_Tile]:
    used = _segment(path, file, position, _DIRECTORY, size)
    data = file.read(used)
    (count,) = struct.unpack_from("<i", data)
    if not 0 <= count <= _MOST_TILES:
        msg = f"{path}: the directory promises {count} tiles; the file is damaged"
        raise ReadError(msg)
    at = 128
    for _ in range(count):
        tile, at = _entry(path, data, at)
        yield tile


def _entry(path: Path, data: bytes, at: int) -> tuple[_Tile, int]:
    """One entry of the directory, and where the next one begins."""
    schema, kind, position, _part, compression, dimensions = struct.unpack_from("<2siqii6xi", data, at)
    at += 32
    start, size, stored = {}, {}, {}
    for _ in range(dimensions):
        name, start_at, extent, _coordinate, stored_extent = struct.unpack_from("<4siifi", data, at)
        key = name.rstrip(b"\0").decode("ascii", "replace")
        start[key], size[key], stored[key] = start_at, extent, stored_extent or extent
        at += 20
    if schema != b"DV" or not {"X", "Y"} <= start.keys() or compression not in _COMPRESSION:
        msg = f"{path}: an entry of the directory is not readable (compression {compression}); the file is damaged"
        raise ReadError(msg)
    tile = _Tile(
        kind=kind,
        position=position,
        compression=compression,
        start=start,
        size=size,
        stored=(stored["X"], stored["Y"]),
    )
    return tile, at


def _check(path: Path, file: BinaryIO, tiles: Sequence[_Tile], box: tuple[int, int, int, int], size: int) -> None:
    """Size of the plane, and of every tile against the bytes that are there: what is missing would come out black."""
    samples, bits, _ = _PIXELS[tiles[0].kind]
    check_size(path, box[3], box[2], samples, bits, factor=inf)  # a mosaic may have holes
    for tile in tiles:
        width, height = tile.stored
        known = 1 if tile.compression == 0 else MAX_COMPRESSION if tile.compression == 1 else inf
        check_size(path, height, width, samples, bits, factor=known)
        used = _segment(path, file, tile.position, _TILE, size)
        _, _, held = struct.unpack("<iiq", file.read(16))
        promised = width * height * samples * bits // 8
        if not 0 < held <= used or (tile.compression == 0 and held < promised):
            msg = f"{path}: a tile of {width} x {height} px has {held} bytes; the file is truncated or damaged"
            raise ReadError(msg)


def _xml(path: Path, file: BinaryIO, position: int, size: int) -> ElementTree.Element:
    used = _segment(path, file, position, _METADATA, size)
    length, _ = struct.unpack("<ii", file.read(8))
    if not 0 < length <= used:
        msg = f"{path}: the metadata have {length} of {used} bytes; the file is damaged"
        raise ReadError(msg)
    file.seek(position + 32 + 256)
    return parse_xml(path, file.read(length).decode("utf-8").strip("\0"), "the metadata of the CZI file")


def _scale(root: ElementTree.Element) -> Scale:
    """Pixel size [m] of the scaling that the file states."""
    values = []
    for axis in "XY":
        item = root.find(f".//Scaling/Items/Distance[@Id='{axis}']/Value")
        try:
            values.append(float(item.text or "") if item is not None else 0.0)
        except ValueError:
            return Scale(note=Text("readers.czi_no_number", axis=axis), refused=True)
    if not all(values):
        return Scale(note=Text("readers.no_scale_in_file"))
    return scale_of(values[0] * 1e6, values[1] * 1e6, "CZI scaling")


def _channel_names(root: ElementTree.Element) -> dict[int, str]:
    found = root.findall("./Metadata/Information/Image/Dimensions/Channels/Channel")
    return {number: item.get("Name") or "" for number, item in enumerate(found)}


def _scene_names(root: ElementTree.Element) -> dict[int, str]:
    found = root.findall("./Metadata/Information/Image/Dimensions/S/Scenes/Scene")
    return {int(item.get("Index", number)): item.get("Name") or "" for number, item in enumerate(found)}
