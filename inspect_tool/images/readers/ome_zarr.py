"""OME-Zarr (NGFF 0.4 and 0.5): a folder of chunks; the finest level of the pyramid is read."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from lzma import LZMAError
from math import inf, prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import ReadError
from inspect_tool.images.readers import _planes
from inspect_tool.images.readers._unpacked import PACKING, unpacked_size
from inspect_tool.images.readers._windows import MOST_IN_PART, Box, PixelWindows
from inspect_tool.images.readers.raster import (
    MAX_PIXELS,
    MAX_WINDOWED,
    UNIT_UM,
    Raster,
    Scale,
    careful,
    check_size,
    micrograph,
    missing,
    placeholder,
    scale_from_density,
    scale_of,
)
from inspect_tool.languages import Text, Words, named
from inspect_tool.model import Calibration, Micrograph, Samples, Selection

SUFFIXES = (".zarr",)

_VERSIONS = ("0.4", "0.5")
_SPACE = ("y", "x")
_AXIS = {"c": "channel", "z": "z", "t": "time"}
# chunks are decoded by these only: others could run code (pickle), or lose what was measured
_CODECS = {
    *("bytes", "transpose", "blosc", "gzip", "zstd", "zlib", "lz4", "lzma", "bz2", "crc32c", "sharding_indexed"),
    *("shuffle", "delta"),
}
_LONGEST_METADATA = 50_000_000  # [byte]
_MOST_CHUNKS = 1_000_000  # of one plane
# most a chunk may unpack to, in sizes of its samples: filters widen them; full blocks count where no size is stated
_WIDEST, _SLACK = 8, 1 << 17  # [1], [byte]


def recognizes(head: bytes) -> bool:  # noqa: ARG001 - the same question is put to every reader
    """No file is an OME-Zarr image; a folder is, see :func:`recognizes_folder`."""
    return False


def recognizes_folder(path: Path) -> bool:
    """Whether a folder holds an OME-Zarr image (or plate, which is refused by name when it is read)."""
    if not any((path / name).is_file() for name in ("zarr.json", ".zattrs", ".zgroup")):
        return path.name.lower().endswith(SUFFIXES)
    try:
        found = _attributes(path)
    except ReadError:
        return True
    return any(name in found for name in ("multiscales", "plate", "bioformats2raw.layout")) or path.suffix in SUFFIXES


def read(path: Path, which: Selection = Selection()) -> Micrograph:
    """Read one plane of an OME-Zarr image at full resolution.

    Parameters
    ----------
    path : Path
        The folder.
    which : Selection
        Scene (one of several images in the folder), channel, z and time; each may be left out when there is one.

    Returns
    -------
    Micrograph
        Its calibration is the scale of the finest level, if its axes have a unit of length.

    Raises
    ------
    ReadError
        The folder is damaged, lacks a chunk of the plane, is too large, of an unknown version, or has several planes
        and none was chosen; or the extra ``zarr`` is not installed.
    """
    try:
        import zarr
    except ImportError:
        raise missing(path, "OME-Zarr", "zarr") from None
    with careful(path, "OME-Zarr image", also=(LZMAError,)):
        plane = _plane(path, which)
        stored = zarr.open_array(str(plane.array), mode="r")
        if stored.shape != plane.shape or stored.dtype != plane.dtype:
            msg = f"{path}: the array is {stored.shape} of {stored.dtype}, its metadata say {plane.shape}"
            raise ReadError(msg)
        _check_chunks(path, stored, plane)
        samples = np.asarray(stored[plane.index])
    notes = {"format": "OME-Zarr", "compression": ", ".join(plane.codecs) or Text("readers.none"), **plane.notes}
    return micrograph(path, Raster(samples=samples, notes=notes, calibration=plane.scale.calibration()))


@contextmanager
def windows(path: Path, which: Selection = Selection()) -> Iterator[PixelWindows]:
    """Open one plane at full resolution to be read window by window.

    Raises
    ------
    ReadError
        As ``read``.
    """
    try:
        import zarr
    except ImportError:
        raise missing(path, "OME-Zarr", "zarr") from None
    with careful(path, "OME-Zarr image", also=(LZMAError,)):
        plane = _plane(path, which, most=MAX_WINDOWED)
        stored = zarr.open_array(str(plane.array), mode="r")
        if stored.shape != plane.shape or stored.dtype != plane.dtype:
            msg = f"{path}: the array is {stored.shape} of {stored.dtype}, its metadata say {plane.shape}"
            raise ReadError(msg)
        _check_chunks(path, stored, plane)
        if prod(stored.shards or stored.chunks) > MOST_IN_PART:
            msg = f"{path}: chunks of {prod(stored.chunks) // 1_000_000} Mpx; by windows, write it with smaller ones"
            raise ReadError(msg)

        height, width = (n for n, at in zip(plane.shape, plane.index, strict=True) if isinstance(at, slice))

    def read(box: Box) -> Samples:
        places = iter(box)
        index = tuple(next(places) if isinstance(at, slice) else at for at in plane.index)
        with careful(path, "OME-Zarr image", also=(LZMAError,)):
            found: Samples = np.asarray(stored[index])
        return found

    yield PixelWindows(shape=(height, width), dtype=plane.dtype, calibration=plane.scale.calibration(), read=read)


def scale(path: Path, which: Selection = Selection()) -> Calibration:
    """Tell what the metadata say of the scale; no chunk is decoded."""
    with careful(path, "OME-Zarr image"):
        return _plane(path, which).scale.calibration()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plane:
    """The plane that was chosen, checked as far as the metadata tell."""

    array: Path
    shape: tuple[int, ...]  # of the whole array
    dtype: np.dtype[Any]
    index: tuple[int | slice, ...]  # of the plane in it
    codecs: tuple[str, ...]
    scale: Scale
    notes: dict[str, Words]


def _plane(path: Path, which: Selection, most: int = MAX_PIXELS) -> _Plane:
    images = _images(path)
    scenes = [name for name, _, _ in images]
    number = _planes.chosen(path, {"scene": scenes}, Selection(scene=which.scene))["scene"]
    _, folder, image = images[number]
    names, units = _axes(path, image)
    levels = [(_inside(path, folder, item["path"]), item) for item in image["datasets"]]
    arrays = [(_array(path, place), place, item) for place, item in levels]
    (shape, dtype, chunks, codecs), place, item = max(arrays, key=lambda found: prod(found[0][0]))
    if len(shape) != len(names) or min(shape) < 1:
        msg = f"{path}: axes {', '.join(names)} for an array of {' x '.join(map(str, shape))}; the metadata are damaged"
        raise ReadError(msg)
    held = dict(zip(names, shape, strict=True))
    labels = _channel_names(folder)
    axes: dict[str, _planes.Positions] = {"scene": scenes}
    for name, axis in _AXIS.items():
        if name in held:
            named = axis == "channel" and len(labels) == held[name]
            axes[axis] = labels if named else held[name]
    at = _planes.chosen(path, axes, which)
    check_size(path, held["y"], held["x"], 1, 8 * dtype.itemsize, factor=inf, most=most)
    check_size(path, max(prod(chunks[:-1]), 1), chunks[-1], 1, 8 * dtype.itemsize, factor=inf)
    return _Plane(
        array=place,
        shape=shape,
        dtype=dtype,
        index=tuple(slice(None) if name in _SPACE else at[_AXIS[name]] for name in names),
        codecs=tuple(codecs),
        scale=_scale(names, units, [image.get("coordinateTransformations"), item.get("coordinateTransformations")]),
        notes=_planes.notes(axes, at),
    )


def _images(path: Path) -> list[tuple[str, Path, Mapping[str, Any]]]:
    """Name, folder and metadata of every image in the folder."""
    found = _attributes(path)
    if "plate" in found:
        msg = f"{path}: is a plate of many wells; name the folder of one image in it, for example '{path.name}/A/1/0'"
        raise ReadError(msg)
    folders = [path]
    if "multiscales" not in found and "bioformats2raw.layout" in found:  # images are in folders 0, 1, 2, ...
        folders = sorted((item for item in path.iterdir() if item.name.isdecimal()), key=lambda item: int(item.name))
    images = []
    for folder in folders:
        for image in _attributes(folder).get("multiscales", ()):
            name = str(image.get("name") or "")
            images.append((name or ("" if folder == path else folder.name), folder, image))
    if not images:
        msg = f"{path}: holds no OME-Zarr image (no 'multiscales' in its metadata); versions 0.4 and 0.5 are read"
        raise ReadError(msg)
    return images


def _attributes(folder: Path) -> Mapping[str, Any]:
    """OME metadata of a group: of version 0.5 under "ome" in zarr.json, of version 0.4 in .zattrs."""
    if (folder / "zarr.json").is_file():
        found = _json(folder / "zarr.json").get("attributes", {})
        ome = found.get("ome") if isinstance(found, dict) else None
        return ome if isinstance(ome, dict) else {}
    return _json(folder / ".zattrs") if (folder / ".zattrs").is_file() else {}


def _json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _LONGEST_METADATA:
            msg = f"{path}: has {path.stat().st_size} bytes, which no metadata have"
            raise ReadError(msg)
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        msg = f"{path}: cannot be read as metadata ({' '.join(str(error).split())[:120]}); the image is damaged"
        raise ReadError(msg) from None
    if not isinstance(found, dict):
        msg = f"{path}: holds no table of metadata; the image is damaged"
        raise ReadError(msg)
    return found


def _axes(path: Path, image: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Names and units of the axes, in the order of the array."""
    version = str(image.get("version", "0.5"))  # 0.5 writes it beside the images
    axes = image.get("axes", ())
    if version not in _VERSIONS or not axes or not all(isinstance(axis, dict) for axis in axes):
        msg = f"{path}: version {version} of OME-Zarr is not read; versions 0.4 and 0.5 are, so convert it"
        raise ReadError(msg)
    names = [str(axis.get("name", "")) for axis in axes]
    if sorted(names) != sorted({*names}) or not {*_SPACE} <= {*names} or not {*names} <= {*_SPACE, *_AXIS}:
        msg = f"{path}: axes {', '.join(names)}; x and y are needed, and z, c and t are all that may be beside them"
        raise ReadError(msg)
    if names.index("y") > names.index("x"):
        msg = f"{path}: axes {', '.join(names)}: x stands before y, which no writer does"
        raise ReadError(msg)
    return names, [str(axis.get("unit") or "") for axis in axes]


def _inside(path: Path, folder: Path, name: object) -> Path:
    """Folder of an array; one outside of the image is refused."""
    found = folder / str(name)
    if not found.resolve().is_relative_to(path.resolve()):
        msg = f"{path}: the array '{name}' lies outside of the image; the metadata are damaged"
        raise ReadError(msg)
    return found


def _array(path: Path, place: Path) -> tuple[tuple[int, ...], np.dtype[Any], tuple[int, ...], list[str]]:
    """Shape, type, chunk shape and codecs of an array, by its own metadata."""
    if (place / "zarr.json").is_file():
        held = _json(place / "zarr.json")
        kind, chunks = held["data_type"], held["chunk_grid"]["configuration"]["chunk_shape"]
        codecs = list(_codecs(held["codecs"]))
    elif (place / ".zarray").is_file():
        held = _json(place / ".zarray")
        kind, chunks = held["dtype"], held["chunks"]
        codecs = [str(item["id"]) for item in [held.get("compressor"), *(held.get("filters") or ())] if item]
    else:
        msg = f"{path}: the array '{place.name}' is missing; the image is not whole"
        raise ReadError(msg)
    dtype = np.dtype(kind if isinstance(kind, str) else "V")
    unknown = [name for name in codecs if name not in _CODECS]
    packing = [name for name in codecs if name in PACKING]
    packing += [name for name in codecs if name == "sharding_indexed"][1:]  # a shard in a shard
    if len(packing) > 1:
        msg = f"{path}: chunks are packed more than once ({', '.join(packing)}); write them with one codec"
        raise ReadError(msg)
    if unknown or dtype.kind not in "iufb":
        found = f"codec '{unknown[0]}'" if unknown else f"pixels of kind {kind}"
        msg = f"{path}: {found} is not read; convert the image to one without"
        raise ReadError(msg)
    shape = tuple(int(size) for size in held["shape"])
    sizes = tuple(int(size) for size in chunks)
    if len(sizes) != len(shape) or not sizes or min(sizes) < 1:
        msg = f"{path}: chunks of {sizes} for an array of {shape}; the metadata are damaged"
        raise ReadError(msg)
    return shape, dtype, sizes, [name for name in codecs if name not in ("bytes", "transpose")]


def _codecs(items: Sequence[Any]) -> Iterator[str]:
    """Names of codecs, those inside of a shard included."""
    for item in items:
        yield str(item["name"]).removeprefix("numcodecs.")
        for key in ("codecs", "index_codecs"):
            yield from _codecs(item.get("configuration", {}).get(key, ()))


def _check_chunks(path: Path, stored: Any, plane: _Plane) -> None:
    """Every chunk of the plane must be a file: a missing one would come out as one gray value."""
    sizes = stored.shards or stored.chunks
    spans = [
        range(-(-length // size)) if isinstance(at, slice) else range(at // size, at // size + 1)
        for at, length, size in zip(plane.index, plane.shape, sizes, strict=True)
    ]
    if prod(map(len, spans)) > _MOST_CHUNKS:
        msg = f"{path}: the plane has {prod(map(len, spans))} chunks; write it with larger ones"
        raise ReadError(msg)
    for place in product(*spans):
        key = stored.metadata.encode_chunk_key(place)
        if not (plane.array / key).is_file():
            msg = (
                f"{path}: chunk {plane.array.name}/{key} is missing and would be read as one gray value;"
                " if the image is really empty there, write it with its empty chunks"
            )
            raise ReadError(msg)
        _check_unpacked(path, stored, plane, key)


def _check_unpacked(path: Path, stored: Any, plane: _Plane, key: str) -> None:
    """No chunk may unpack to far more than its samples: it would fill the memory before zarr compares them."""
    limit = _WIDEST * prod(stored.chunks) * plane.dtype.itemsize + _SLACK
    file = plane.array / key
    inner = prod(stored.shards) // prod(stored.chunks) if stored.shards else 1
    codec = next((name for name in plane.codecs if name in PACKING), "")
    sizes = [file.stat().st_size // inner]
    if codec and sizes[0] <= limit:
        data = file.read_bytes()
        parts = _shard_parts(stored, data, inner) if stored.shards else [data]
        sizes = [unpacked_size(codec, part, limit) for part in parts]
    if max(sizes, default=0) > limit:
        msg = (
            f"{path}: chunk {plane.array.name}/{key} unpacks to {max(sizes)} bytes or more, its samples are"
            f" {prod(stored.chunks) * plane.dtype.itemsize}; the image is damaged"
        )
        raise ReadError(msg)


def _shard_parts(stored: Any, data: bytes, count: int) -> list[bytes]:
    """Chunks that a shard holds, by its index: offset and size of each, both of all ones where it is empty."""
    codec = stored.metadata.codecs[0]
    length = 16 * count
    check = 4 * (len(codec.index_codecs) - 1)  # a CRC-32C behind the numbers
    at = 0 if codec.index_location.value == "start" else len(data) - length - check
    index = np.frombuffer(data, "<u8", 2 * count, at).reshape(-1, 2)
    return [data[int(start) : int(start) + int(size)] for start, size in index if int(size) <= len(data)]


def _scale(names: Sequence[str], units: Sequence[str], transforms: Sequence[Any]) -> Scale:
    """Pixel size: the scale of the level times that of the image, in the unit of the axes."""
    factors: NDArray[np.float64] = np.ones(len(names))
    for item in [step for steps in transforms for step in steps or ()]:
        if item.get("type") == "scale":
            if "scale" not in item:
                return Scale(note=Text("readers.scale_in_own_file"), refused=True)
            factors = factors * np.asarray(item["scale"], dtype=np.float64)
    x, y = (names.index(name) for name in ("x", "y"))
    what = named("readers", "OME-Zarr scale")
    if not (np.isfinite(factors).all() and min(factors[x], factors[y]) > 0):
        note = Text("readers.is_no_size", what=what, x=float(factors[x]), y=float(factors[y]))
        return Scale(note=note, refused=True)
    if not units[x] and not units[y]:
        return scale_from_density(1 / float(factors[x]), 1 / float(factors[y]), "", what)
    um = [UNIT_UM.get(units[axis].lower()) for axis in (x, y)]
    if um[0] is None or um[1] is None:
        note = Text("readers.units_are_no_lengths", what=what, one=units[x], other=units[y])
        return Scale(note=note, refused=True)
    if placeholder(float(factors[x]), float(factors[y])):
        return Scale(note=Text("readers.placeholder", what=what, unit=units[x]))
    return scale_of(float(factors[x]) * um[0], float(factors[y]) * um[1], what)


def _channel_names(folder: Path) -> list[str]:
    channels = (_attributes(folder).get("omero") or {}).get("channels") or ()
    return [str(item.get("label") or "") for item in channels]
