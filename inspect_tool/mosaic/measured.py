"""A huge image measured: its levels, its windows one by one, and what they make together."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspect_tool import __version__
from inspect_tool.errors import MeasurementError, ReadError
from inspect_tool.evidence.provenance import package_sha256
from inspect_tool.files import plain, sha256_bytes, sha256_source, write_whole
from inspect_tool.images import readers
from inspect_tool.images.readers import PixelWindows
from inspect_tool.measure.fraction import LineCounts
from inspect_tool.measure.seamless import counts, cracks
from inspect_tool.measure.seamless.objects import objects_of
from inspect_tool.measure.seamless.pieces import pieces_of_mask
from inspect_tool.measure.seamless.record import arrays_of, packed, pieces_from, unpacked
from inspect_tool.measure.seamless.windows import Box, Window, check_coverage, windows
from inspect_tool.mosaic.request import Request
from inspect_tool.mosaic.specimen import Specimen, specimen_of
from inspect_tool.segmentation.threshold import by_windows
from inspect_tool.segmentation.threshold.by_windows import Levels

Progress = Callable[[int, int, str], object]
Arrays = dict[str, NDArray[Any]]

_PICTURE_PX = 2000  # longer side of the small picture, at most
_LINES = ("across_rows", "across_columns", "length_rows_px", "length_columns_px")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mosaic:
    """What was measured of a huge image."""

    shape: tuple[int, int]  # rows, columns [px]
    sha256: str  # of the image
    pixel_um: float | None  # [um/px]
    scale: str  # where the pixel size comes from
    levels: Levels
    areas_px: Mapping[str, int]  # by class, inside the specimen; the matrix last
    others_percent: Mapping[str, Mapping[str, float]]  # shares by other levels that are as plausible
    lines: Mapping[str, LineCounts]  # interceptions of each class
    features: pd.DataFrame  # one row for each connected feature of the classes of interest
    coverage: NDArray[np.uint8]  # how often each window of the grid was measured: once
    picture: NDArray[np.uint8]  # (rows, columns, 3) the image made small, classes tinted, no specimen hatched
    windows_known: int  # that were measured before the last run was stopped

    @property
    def specimen_px(self) -> int:
        """Pixels that count."""
        return sum(self.areas_px.values())

    @property
    def percent(self) -> Mapping[str, float]:
        """Area share of every class in the specimen. [%]"""
        return {name: 100.0 * area / self.specimen_px for name, area in self.areas_px.items()}


def measure(asked: Request, records: Path, progress: Progress = lambda *_: None) -> Mosaic:
    """Measure the classes of an image of any size window by window.

    Parameters
    ----------
    asked : Request
    records : Path
        Folder that keeps what each window told as soon as it is measured: a run that was stopped goes on there. Of
        another image, other settings or another version it is not taken. It may be deleted at any time.
    progress : callable, optional
        Called with (windows done, windows in all, text).

    Raises
    ------
    ReadError, SettingsError, BackendError, MeasurementError
        The image cannot be read by windows, or told apart by them; a window was not measured.
    """
    asked.check()
    digest = sha256_source(asked.image)
    with readers.windows(asked.image, asked.which) as image:
        if image.dtype != np.uint8:
            msg = f"{asked.image}: pixels of type {image.dtype}; by windows, 8-bit gray images are measured"
            raise ReadError(msg)
        cut = windows(image.shape, asked.side_px)
        specimen = specimen_of(image, cut, asked)
        histogram = sum(_histogram(image, specimen, window, asked) for window in _told(cut, progress, "gray values"))
        levels = by_windows.found_levels(np.asarray(histogram), asked.threshold, str(asked.image))
        folder = records / _key(asked, digest)
        folder.mkdir(parents=True, exist_ok=True)
        known = 0
        for window in _told(cut, progress, "measuring"):
            if _record(folder, window) is not None:
                known += 1
                continue
            made = _measured(image, specimen, window, levels, asked)
            write_whole(folder / f"{window.number:06d}.npz", packed(made))
        shape, scale = image.shape, image.calibration
    found = _together(cut, folder, levels, asked)
    pixel_um = asked.pixel_um or (scale.pixel_um if scale.pixel_y_um is None else None)
    return Mosaic(
        shape=shape,
        sha256=digest,
        pixel_um=pixel_um,
        scale="stated" if asked.pixel_um else str(scale.note),
        levels=levels,
        features=_features(cut, folder, levels, pixel_um, str(asked.image)),
        windows_known=known,
        **found,
    )


def _told(cut: Sequence[Window], progress: Progress, text: str) -> Iterator[Window]:
    for window in cut:
        progress(window.number, len(cut), text)
        yield window


def _key(asked: Request, digest: str) -> str:
    """What decides about every window, as the name of a folder."""
    stated = {**plain(asdict(asked)), "image": digest, "software": __version__, "code": package_sha256(".py")}
    return sha256_bytes(json.dumps(stated, sort_keys=True).encode())[:32]


def _record(folder: Path, window: Window) -> Arrays | None:
    """What a window told, if it is there and whole."""
    path = folder / f"{window.number:06d}.npz"
    with suppress(OSError, ReadError):
        return unpacked(path.read_bytes(), str(path))
    return None


def _within(outer: Box, inner: Box) -> Box:
    rows, columns = (slice(b.start - a.start, b.stop - a.start) for a, b in zip(outer, inner, strict=True))
    return rows, columns


def _histogram(image: PixelWindows, specimen: Specimen, window: Window, asked: Request) -> NDArray[np.float64]:
    rim = by_windows.rim_px(asked.threshold)
    smooth = by_windows.smoothed(image.read(window.around(rim)), asked.threshold)[window.inner(rim)]
    return by_windows.counted(smooth, specimen.part(window.core))


def _measured(image: PixelWindows, specimen: Specimen, window: Window, levels: Levels, asked: Request) -> Arrays:
    """Measure one window; all that is kept of it."""
    near = window.around(cracks.RIM_PX)
    rim = cracks.RIM_PX + by_windows.rim_px(asked.threshold)
    outer = window.around(rim)
    smooth = by_windows.smoothed(image.read(outer), asked.threshold)
    seen, core = _within(outer, near), window.inner(cracks.RIM_PX)
    roi = specimen.part(near)
    made: Arrays = {}

    def labels_by(by: tuple[float, ...]) -> NDArray[Any]:
        labels = np.ascontiguousarray(by_windows.labels_of(smooth, by, levels, asked.threshold)[seen])
        if roi is not None:
            labels[~roi] = 0
        return labels

    def areas(labels: NDArray[Any]) -> NDArray[np.int64]:
        inside = labels[core].ravel() if roi is None else labels[core][roi[core]]
        return np.bincount(inside, minlength=len(levels.order))

    labels = labels_by(levels.levels)
    made["areas"] = areas(labels)
    made["others"] = np.array([areas(labels_by(by)) for by in levels.others.values()])
    lines = _within(near, window.around(counts.RIM_PX))
    for number in levels.classes:
        mask = labels == number
        found = counts.lines_of_mask(mask[lines], window, None if roi is None else roi[lines])
        made[f"lines.{number}"] = np.array([getattr(found, name) for name in _LINES])
        if number:
            pieces = arrays_of(pieces_of_mask(mask if roi is None else mask & roi, window, roi))
            made |= {f"{number}.{name}": values for name, values in pieces.items()}
    step = _step(window.shape)
    size = tuple(-(-length // step) for length in window.size)
    inside = np.ones(window.size, np.uint8) if roi is None else roi[core].view(np.uint8)
    shown = np.dstack([smooth[_within(outer, window.core)], labels[core].astype(np.uint8), inside])
    made["picture"] = cv2.resize(shown, size[::-1], interpolation=cv2.INTER_NEAREST)
    return made


def _step(shape: tuple[int, int]) -> int:
    """How many pixels a pixel of the small picture stands for: a power of two, so that windows are whole in it."""
    step = 1
    while max(shape) / step > _PICTURE_PX and step < 16:
        step *= 2
    return step


def _together(cut: Sequence[Window], folder: Path, levels: Levels, asked: Request) -> dict[str, Any]:
    """What is counted, added up over all windows, one record in memory at a time."""
    where, shape = str(asked.image), cut[0].shape
    areas, others = np.zeros(len(levels.order), np.int64), np.zeros((len(levels.others), len(levels.order)), np.int64)
    lines = {number: np.zeros(len(_LINES)) for number in levels.classes}
    step, seen = _step(shape), []
    picture = np.zeros((*(-(-length // step) for length in shape), 3), np.uint8)
    for window in cut:
        record = _record(folder, window)
        if record is None:
            continue
        seen.append(window)
        areas += record["areas"]
        others += record["others"].reshape(others.shape)
        for number, total in lines.items():
            total += record[f"lines.{number}"]
        top, left = (own.start // step for own in window.core)
        part = record["picture"]
        picture[top : top + part.shape[0], left : left + part.shape[1]] = part
    coverage = check_coverage(shape, seen, where)
    if not areas.sum():
        msg = f"{where}: no pixel shows the specimen; check blank = {asked.blank}"
        raise MeasurementError(msg)
    named = _named(levels)
    return {
        "areas_px": {name: int(areas[number]) for number, name in named.items()},
        "others_percent": {
            name: {title: 100.0 * float(row[number]) / float(row.sum()) for number, title in named.items()}
            for name, row in zip(levels.others, others, strict=True)
        },
        "lines": {
            title: LineCounts(**dict(zip(_LINES, lines[number].tolist(), strict=True)))
            for number, title in named.items()
        },
        "coverage": coverage,
        "picture": _tinted(picture),
    }


def _named(levels: Levels) -> dict[int, str]:
    """Classes of interest first, the matrix last."""
    return {number: levels.classes[number] for number in sorted(levels.classes, key=lambda n: (n == 0, n))}


def _features(cut: Sequence[Window], folder: Path, levels: Levels, pixel_um: float | None, where: str) -> pd.DataFrame:
    """Tabulate the connected features of every class of interest, numbered through."""
    tables: list[pd.DataFrame] = []
    for number, name in _named(levels).items():
        if number == 0:
            continue
        held = []
        for window in cut:
            record = _record(folder, window)
            if record is not None:
                own = {key.split(".", 1)[1]: array for key, array in record.items() if key.startswith(f"{number}.")}
                held.append(pieces_from(window, own))
        table = objects_of(held, where).table(pixel_um, shape_factors=False)
        table.insert(1, "class", name)
        table["feature"] += sum(len(other) for other in tables)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


_TINTS = (
    (214, 69, 65),
    (38, 120, 178),
    (44, 160, 44),
    (148, 103, 189),
    (255, 127, 14),
    (23, 190, 207),
    (227, 119, 194),
)


def _tinted(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Tint the classes of interest of the small picture, and hatch what is no specimen."""
    gray, labels, inside = (picture[..., channel] for channel in range(3))
    made: NDArray[np.uint8] = np.repeat(gray[..., None], 3, axis=2)
    for number in np.unique(labels[labels > 0]).tolist():
        at = labels == number
        made[at] = (0.5 * made[at] + 0.5 * np.array(_TINTS[(number - 1) % len(_TINTS)])).astype(np.uint8)
    rows, columns = np.indices(gray.shape)
    made[inside == 0] = np.where(((rows + columns) % 8 < 2)[..., None], 170, 235)[inside == 0].astype(np.uint8)
    return made
