"""COCO files: outlines and run lengths of the objects of many images; the origin is the corner of the first pixel."""

from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from inspect_tool.errors import ReadError
from inspect_tool.model import Mask
from inspect_tool.training.shapes import Shape


def shapes(where: str, data: Mapping[str, object], shape: tuple[int, int], image: str) -> Iterator[Shape]:
    """Read the objects of one image, which is found by its file name.

    Raises
    ------
    ReadError
        The image is not in the file or has another size, or an object cannot be understood.
    """
    entry = _image(where, data, image)
    size = entry.get("height"), entry.get("width")
    if None not in size and size != shape:
        msg = (
            f"{where}: image '{entry.get('file_name')}' has {size[0]} x {size[1]} px (rows x columns) there, this one"
            f" has {shape[0]} x {shape[1]}; give the annotation of this image"
        )
        raise ReadError(msg)
    names = {item["id"]: item["name"] for item in _list(where, data, "categories", ("id", "name"))}
    for i, item in enumerate(_list(where, data, "annotations", ("image_id", "category_id"))):
        if item["image_id"] != entry["id"]:
            continue
        named = f"{where}: annotation {item.get('id', i)}"
        if item["category_id"] not in names:
            msg = f"{named}: its category {item['category_id']} is not in 'categories'; export the file again"
            raise ReadError(msg)
        yield from _object(named, item, str(names[item["category_id"]]), i, shape)


def _image(where: str, data: Mapping[str, object], image: str) -> Mapping[str, object]:
    """Entry of the image: the same name, else the same name without folder, else without suffix."""
    entries = _list(where, data, "images", ("id", "file_name"))
    if not image and len(entries) == 1:
        return entries[0]
    if not image:
        msg = f"{where}: holds {len(entries)} images; say which one is meant by its file name"
        raise ReadError(msg)
    wanted = PurePosixPath(Path(image).as_posix())
    paths = [PurePosixPath(str(item["file_name"]).replace("\\", "/")) for item in entries]
    parts: tuple[Callable[[PurePosixPath], str], ...] = (str, attrgetter("name"), attrgetter("stem"))
    for part in parts:
        found = [entry for entry, path in zip(entries, paths, strict=True) if part(path) == part(wanted)]
        if len(found) == 1:
            return found[0]
        if found:
            msg = f"{where}: {len(found)} of its images are called '{wanted.name}'; give them different names"
            raise ReadError(msg)
    some = ", ".join(path.name for path in paths[:4]) + (", ..." if len(paths) > 4 else "")
    msg = f"{where}: has no image '{wanted.name}'; its {len(paths)} images are {some or 'none'}"
    raise ReadError(msg)


def _list(where: str, data: Mapping[str, object], key: str, needed: tuple[str, ...]) -> list[Mapping[str, Any]]:
    listed = data.get(key)
    if not isinstance(listed, list):
        msg = f"{where}: has no list '{key}'; export it as COCO object detection"
        raise ReadError(msg)
    for i, item in enumerate(listed):
        lacking = [name for name in needed if not isinstance(item, dict) or name not in item]
        if lacking:
            msg = f"{where}: {key}[{i}] has no '{lacking[0]}'; export the file again"
            raise ReadError(msg)
    return listed


def _object(where: str, item: Mapping[str, object], name: str, number: int, shape: tuple[int, int]) -> Iterator[Shape]:
    """One object: run lengths, or the union of its outlines."""
    where = f"{where} '{name}'"
    found, crowd = item.get("segmentation"), bool(item.get("iscrowd", 0))
    if isinstance(found, dict):
        yield Shape(where=where, name=name, mask=_runs(where, found, shape), crowd=crowd)
        return
    if not isinstance(found, list) or not found:
        msg = f"{where}: has no outline (a box is none); draw it, or delete the annotation"
        raise ReadError(msg)
    for part in found:
        try:
            points = np.asarray(part, dtype=float).reshape(-1, 2)
        except (TypeError, ValueError):
            points = np.empty((0, 2))
        if len(points) < 3 or not np.isfinite(points).all():
            msg = f"{where}: an outline is a list x1, y1, x2, y2, x3, y3, ... of numbers; draw it again"
            raise ReadError(msg)
        yield Shape(
            where=where, name=name, outlines=(points[:, ::-1] - 0.5,), group=f"annotation {number}", crowd=crowd
        )


def _runs(where: str, found: Mapping[str, object], shape: tuple[int, int]) -> Mask:
    """Mask from run lengths: outside and inside by turns, column by column."""
    size, counts = found.get("size"), found.get("counts")
    if size != list(shape):
        msg = f"{where}: run lengths of size {size}, the image has {list(shape)}; export the file again"
        raise ReadError(msg)
    runs = _decompressed(counts) if isinstance(counts, str) else counts
    try:
        lengths = np.asarray(runs, dtype=np.int64)
    except (TypeError, ValueError, OverflowError):
        lengths = np.empty(0, dtype=np.int64)
    if lengths.ndim != 1 or (lengths < 0).any() or int(lengths.sum()) != shape[0] * shape[1]:
        msg = f"{where}: the run lengths do not fill {shape[0]} x {shape[1]} px; export the file again"
        raise ReadError(msg)
    inside = np.repeat(np.arange(len(lengths)) % 2 == 1, lengths)
    mask: Mask = inside.reshape(shape[1], shape[0]).T
    return mask


def _decompressed(text: str) -> list[int] | None:
    """Run lengths from their compressed text; None where it is none.

    Groups of 5 bits per character, low group first, 48 added; bit 5 says that more follow, bit 4 of the last is the
    sign. From the fourth number on, differences to the number before the previous one are stored.
    """
    numbers: list[int] = []
    value = shift = 0
    for code in text.encode("ascii", errors="replace"):
        bits = code - 48
        if not 0 <= bits < 64 or shift > 60:
            return None
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        numbers.append(value + (numbers[-2] if len(numbers) > 2 else 0))
        value = shift = 0
    return numbers if shift == 0 else None
