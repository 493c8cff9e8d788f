"""What an image that was given says at a glance: its size, a small picture, and how well its scale stands.

The file may come from anywhere: the readers look at it in a process of bounded time and memory, and whatever happens
there refuses that file in one line.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from inspect_tool.bounded import Bounds, answered
from inspect_tool.errors import InspectError, ReadError, SeveralPlanesError
from inspect_tool.evidence.provenance import now
from inspect_tool.images import readers
from inspect_tool.inspection.one_field import bar_of, told_by
from inspect_tool.model import Calibration, Micrograph, Selection
from inspect_tool.report import field_pictures
from inspect_tool.scale import laboratory_files
from inspect_tool.scale.standing import Standing, standing

T = TypeVar("T")

BOUNDS = Bounds(seconds=120, patience_s=400.0, memory=6 << 30)
"""What reading one image may take: 256 Mpx of gray took 13 s of processor time and 1.8 GB; 500 Mpx is the largest."""

THUMBNAIL_PX = 320
PICTURE_PX = 6000
"""Longest side of the picture in which ends are placed; a larger image is shown smaller."""

_PICTURE_BYTES = 32 << 20
_FIRST = Selection(page=0, scene=0, channel=0, z=0, time=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What an image says at a glance."""

    rows: int
    columns: int
    thumbnail: bytes  # JPEG
    scale: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An image as it is shown to a person."""

    jpeg: bytes
    rows: int  # of the image
    columns: int
    step_px: float  # pixels of the image per pixel of the picture, 1 at least


def looked(path: Path, name: str, calibrations: Sequence[Path] = (), bounds: Bounds = BOUNDS) -> Seen:
    """Look at an image in a process of its own.

    Parameters
    ----------
    path : Path
    name : str
        How messages call it.
    calibrations : sequence of Path
        Calibration files that somebody gave for it, the best first.
    bounds : Bounds

    Raises
    ------
    ReadError
        It is no image that can be read, or it takes too much time or memory.
    """
    return _away(_looked, path, name, bounds, tuple(calibrations))


def picture(path: Path, name: str, bounds: Bounds = BOUNDS) -> Picture:
    """Draw an image for a person, in a process of its own; raises as ``looked``."""
    return _away(_picture, path, name, bounds)


def _away(work: Callable[..., T], path: Path, name: str, bounds: Bounds, *more: object) -> T:
    answer = answered(work, bounds, (path, *more))
    if answer is None:
        msg = f"{name}: reading it took more than {bounds.seconds} s or {bounds.memory >> 20} MB, or crashed the reader"
        raise ReadError(msg)
    if answer.error is not None:
        said = str(answer.error).replace(f"{path}: ", "").replace(str(path), name)
        msg = f"{name}: {said}" if isinstance(answer.error, InspectError) else f"{name}: cannot be read ({said})"
        raise ReadError(msg)
    return answer.value  # type: ignore[no-any-return]  # what work returned, through a pipe


def _looked(path: Path, calibrations: tuple[Path, ...]) -> Seen:
    micrograph, note = _read(path)
    rows, columns = micrograph.pixels.shape
    bar = bar_of(micrograph, "auto")
    found = standing(
        micrograph,
        None if bar is None or bar.pixel_um is None else told_by(bar),
        [laboratory_files.resolve(Calibration(file=each.name), each.parent, each.name) for each in calibrations],
        now().date(),
        bar.note if bar is not None and bar.status == "refused" else "",
    )
    found = replace(found, reason=f"{note}{found.reason}")
    thumbnail = field_pictures.bare_picture(micrograph, THUMBNAIL_PX)
    return Seen(rows=rows, columns=columns, thumbnail=thumbnail, scale=found)


def _picture(path: Path) -> Picture:
    micrograph, _ = _read(path)
    rows, columns = micrograph.pixels.shape
    step_px = max(1.0, max(rows, columns) / PICTURE_PX)
    jpeg = field_pictures.bare_picture(micrograph, PICTURE_PX, _PICTURE_BYTES)
    return Picture(jpeg=jpeg, rows=rows, columns=columns, step_px=step_px)


def _read(path: Path) -> tuple[Micrograph, str]:
    """The image, of a file with several the first; and what is to be said of that."""
    try:
        return readers.read(path), ""
    except SeveralPlanesError:
        return readers.read(path, _FIRST), "first of several images in the file: "
