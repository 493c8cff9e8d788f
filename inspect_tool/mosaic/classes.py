"""A huge image told apart window by window: its levels, its classes, and where it shows specimen."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from inspect_tool import __version__
from inspect_tool.errors import BackendError, MeasurementError, ReadError
from inspect_tool.evidence.provenance import package_sha256
from inspect_tool.files import plain, sha256_bytes, sha256_source
from inspect_tool.images import readers
from inspect_tool.images.readers import PixelWindows
from inspect_tool.measure.seamless.windows import Box, Window, check_coverage, windows
from inspect_tool.model import Calibration, Samples
from inspect_tool.mosaic.request import Request
from inspect_tool.mosaic.specimen import blanked, specimen_of
from inspect_tool.pixels.bits import BitClasses, BitMask, as_mask
from inspect_tool.pixels.kept import Arrays, read_part, write_part
from inspect_tool.pixels.reduced import every
from inspect_tool.segmentation.threshold import by_windows
from inspect_tool.segmentation.threshold.by_windows import DEPTHS, Levels
from inspect_tool.segmentation.threshold.gray_levels import Histogram
from inspect_tool.segmentation.threshold.image import ends_of, in_eight_bits, sample_step
from inspect_tool.segmentation.threshold.settings import may_take_hues

Progress = Callable[[int, int, str], object]

_PICTURE_PX = 2000  # longer side of the small picture, at most
_MOST_STEP = 16  # pixels that one of it stands for, at most: windows are whole in it


def silent(_done: int, _total: int, _text: str) -> None:
    """Report no progress."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Classes:
    """The classes of an image that is open; they take a bit for each pixel and class."""

    image: PixelWindows  # as it is read; what is no specimen has the median of the specimen
    sha256: str
    scale: Calibration  # what the file itself says
    levels: Levels  # in 8 bits; in the gray values of the file offset + by * level
    offset: float
    by: float
    histogram: Histogram  # of the gray values that the levels were applied to, inside the specimen
    labels: BitClasses  # classes above 0 inside the specimen
    roi: BitMask | None  # the specimen; None: all of the image
    others: Callable[[], Iterator[tuple[str, BitClasses]]]  # by other levels that are as plausible, one at a time
    coverage: NDArray[np.uint8]  # how often each window of the grid was told apart: once
    known: int  # windows that were told apart before the last run was stopped
    picture: NDArray[np.uint8]  # gray values of every so many pixels
    step: int  # how many

    @property
    def named(self) -> dict[int, str]:
        """Classes of interest first, the matrix last."""
        names = self.levels.classes
        return {number: names[number] for number in sorted(names, key=lambda n: (n == 0, n))}


@contextmanager
def classes_of(asked: Request, records: Path, progress: Progress = silent) -> Iterator[Classes]:
    """Tell the classes of an image apart; it is open as long as the block lasts.

    Parameters and errors are those of ``measure``.
    """
    asked.check()
    digest = sha256_source(asked.image)
    with readers.windows(asked.image, asked.which) as image:
        if image.dtype not in DEPTHS:
            msg = f"{asked.image}: pixels of type {image.dtype}; by windows, images of 8 and 16 bits are measured"
            raise ReadError(msg)
        read = image.as_read()
        if read.color is not None and may_take_hues(asked.threshold):
            msg = f"{asked.image}: is in color, which may tell two classes apart; give channel 'gray'"
            raise ReadError(msg)
        cut = windows(image.shape, asked.side_px)
        roi = specimen_of(image, cut, asked.blank, asked.blank_px)
        filled = blanked(read, roi)
        gray, offset, by = _eight_bit(filled, roi, str(asked.image))
        shown = read if read.dtype == np.uint8 else _in_eight_bits(read, offset, by)
        histogram = np.zeros(256)
        for window in _told(cut, progress, "gray values"):
            smooth = _smooth(gray, window, asked)[window.inner(by_windows.reach_px(asked.threshold))]
            histogram += by_windows.counted(smooth, None if roi is None else roi[window.core])
        if not histogram.any():
            msg = f"{asked.image}: no pixel shows the specimen; check blank = {list(asked.blank)}"
            raise MeasurementError(msg)
        given = tuple((level - offset) / by for level in asked.threshold.levels)
        levels = by_windows.found_levels(histogram, replace(asked.threshold, levels=given), str(asked.image))
        folder = records / folder_for({**asdict(asked), "image": digest})
        folder.mkdir(parents=True, exist_ok=True)
        step, known = step_of(image.shape), 0
        for window in _told(cut, progress, "classes"):
            if _part_of(folder, window) is not None:
                known += 1
                continue
            made = _told_apart(_smooth(gray, window, asked), roi, window, levels, asked)
            made["picture"] = np.ascontiguousarray(shown.read(window.core)[::step, ::step])
            write_part(folder / f"{window.number:06d}.npz", made)
        labels, picture, coverage = _together(cut, folder, levels, step, str(asked.image))

        def others() -> Iterator[tuple[str, BitClasses]]:
            for name in levels.others:
                yield name, _together(cut, folder, levels, step, str(asked.image), name)[0]

        yield Classes(
            image=filled,
            sha256=digest,
            scale=image.calibration,
            levels=levels,
            offset=offset,
            by=by,
            histogram=histogram,
            labels=labels,
            roi=roi,
            others=others,
            coverage=coverage,
            known=known,
            picture=picture,
            step=step,
        )


def _eight_bit(image: PixelWindows, roi: BitMask | None, where: str) -> tuple[PixelWindows, float, float]:
    """Bring an image to 8 bits as the backend brings one that is held whole: gray = offset + step * value."""
    if image.dtype == np.uint8:
        return image, 0.0, 1.0
    shown = image.size if roi is None else roi.sum()
    if not shown:
        msg = f"{where}: no pixel shows the specimen"
        raise MeasurementError(msg)
    low, high = ends_of(every(cast("Samples", image), sample_step(shown), as_mask(roi)))
    if not high > low:
        msg = f"{where}: the image is constant (gray value {low:g}); there is nothing to tell apart"
        raise BackendError(msg)
    offset, step = low, (high - low) / 255
    return _in_eight_bits(image, offset, step), offset, step


def _in_eight_bits(real: PixelWindows, offset: float, step: float) -> PixelWindows:
    return replace(real, dtype=np.dtype(np.uint8), read=partial(_read_in_eight_bits, real, offset, step))


def _read_in_eight_bits(real: PixelWindows, offset: float, step: float, box: Box) -> NDArray[np.uint8]:
    return in_eight_bits(real.read(box), offset, step)


def _told(cut: Sequence[Window], progress: Progress, text: str) -> Iterator[Window]:
    for window in cut:
        progress(window.number, len(cut), text)
        yield window


def folder_for(stated: Mapping[str, Any]) -> str:
    """Name of a folder for what is made by this code of what is stated: image, settings, whatever decides about it."""
    made_by = {**plain(stated), "software": __version__, "code": package_sha256(".py")}
    return sha256_bytes(json.dumps(made_by, sort_keys=True).encode())[:32]


def _smooth(image: PixelWindows, window: Window, asked: Request) -> NDArray[np.uint8]:
    """Gray values of a window and its rim, as levels are applied to them."""
    return by_windows.smoothed(image.read(window.around(by_windows.rim_px(asked.threshold))), asked.threshold)[
        _settled(window, asked)
    ]


def _settled(window: Window, asked: Request) -> Box:
    """The core and what ``labels_of`` looks at around it, in what was read."""
    rim = by_windows.rim_px(asked.threshold)
    outer, inner = window.around(rim), window.around(by_windows.reach_px(asked.threshold))
    rows, columns = (slice(b.start - a.start, b.stop - a.start) for a, b in zip(outer, inner, strict=True))
    return rows, columns


def _told_apart(
    smooth: NDArray[np.uint8], roi: BitMask | None, window: Window, levels: Levels, asked: Request
) -> Arrays:
    """Classes of one window by its levels and by the others, a bit for each pixel."""
    core = window.inner(by_windows.reach_px(asked.threshold))
    inside = None if roi is None else roi[window.core]
    made: Arrays = {}
    for name, by in {"": levels.levels, **levels.others}.items():
        labels = by_windows.labels_of(smooth, by, levels, asked.threshold)[core]
        for number in levels.classes:
            if number:
                mask = labels == number
                made[f"{name}.{number}"] = np.packbits(mask if inside is None else mask & inside, axis=1)
    return made


def _part_of(folder: Path, window: Window) -> Arrays | None:
    """What is kept of a window, if it is there and whole."""
    return read_part(folder / f"{window.number:06d}.npz")


def step_of(shape: tuple[int, int]) -> int:
    """How many pixels a pixel of the small picture stands for: a power of two."""
    step = 1
    while max(shape) / step > _PICTURE_PX and step < _MOST_STEP:
        step *= 2
    return step


def _together(
    cut: Sequence[Window], folder: Path, levels: Levels, step: int, where: str, name: str = ""
) -> tuple[BitClasses, NDArray[np.uint8], NDArray[np.uint8]]:
    """Put the windows together: classes by the levels of this name, the picture, and the coverage map."""
    shape = cut[0].shape
    numbers = [number for number in levels.classes if number]
    bits = {number: np.zeros((shape[0], -(-shape[1] // 8)), np.uint8) for number in numbers}
    picture = np.zeros([-(-length // step) for length in shape], np.uint8)
    seen = []
    for window in cut:
        record = _part_of(folder, window)
        if record is None:
            continue
        seen.append(window)
        rows, columns = window.core
        for number in numbers:
            bits[number][rows, columns.start // 8 : -(-columns.stop // 8)] = record[f"{name}.{number}"]
        part = record["picture"]
        top, left = rows.start // step, columns.start // step
        picture[top : top + part.shape[0], left : left + part.shape[1]] = part
    coverage = check_coverage(shape, seen, where)
    return BitClasses({number: BitMask(held, shape) for number, held in bits.items()}, shape), picture, coverage
