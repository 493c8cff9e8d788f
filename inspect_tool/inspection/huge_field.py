"""One field that is too large to be held: read, told apart and measured by windows, by the same recipe."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import MeasurementError
from inspect_tool.images import quality, readers
from inspect_tool.images.readers import PixelWindows
from inspect_tool.inspection.job_plan import Plan, Source
from inspect_tool.inspection.one_field import judged, keeping, measured_labels, model_of, segmented, selection
from inspect_tool.languages import Text
from inspect_tool.measure.seamless.tables import SIDE_PX
from inspect_tool.measure.seamless.windows import windows
from inspect_tool.model import (
    Calibration,
    FieldMeasurement,
    GrayImage,
    LabelImage,
    Mask,
    Micrograph,
    Notable,
    Segmentation,
    Statement,
    Told,
    no_alternatives,
    stated,
)
from inspect_tool.mosaic import Request
from inspect_tool.mosaic.classes import Classes, classes_of, folder_for, step_of
from inspect_tool.mosaic.request import not_imaged
from inspect_tool.mosaic.specimen import blanked, specimen_of
from inspect_tool.pixels.bits import BitClasses, BitMask, as_labels, as_mask, sampled
from inspect_tool.pixels.parts import strips
from inspect_tool.pixels.stored import StoredImage
from inspect_tool.scale import laboratory_files
from inspect_tool.scale.calibration import settle
from inspect_tool.segmentation.threshold import by_windows
from inspect_tool.segmentation.threshold.image import ends_of, in_eight_bits
from inspect_tool.validation.features import with_features

if TYPE_CHECKING:
    from inspect_tool.report.field_pictures import FieldFiles

_LOOKED_AT, _SIDE_PX = 3, 1536  # windows along each side whose quality is judged, and their size
_BLANK_PX = 64  # side of a square, or a quarter of a line, that an area of no specimen holds
_WIDEST_PX = 4096  # of a picture of a feature; larger ones are drawn from the small picture


def seen(planned: Plan, source: Source) -> tuple[Calibration, tuple[quality.Figure, ...]]:
    """Look at an image before it is measured: its scale, and the worst quality of nine windows spread over it.

    Raises
    ------
    InspectError
        It cannot be read, has no scale, or is not fit to be measured.
    """
    with readers.windows(source.path, selection(planned.job)) as image:
        roi = _specimen(planned, image)
        micrograph = _micrograph(planned, source, blanked(image.as_read(), roi))
        parts = []
        for box in _spread(image.shape):
            inside = None if roi is None else roi[box]
            if inside is None or 2 * np.count_nonzero(inside) > inside.size:
                pixels = np.ascontiguousarray(micrograph.pixels[box])
                parts.append(quality.image_figures(pixels, inside, planned.limits, source.name))
    if not parts:
        msg = f"{source.name}: none of the windows that are looked at shows specimen"
        raise MeasurementError(msg)
    return micrograph.calibration, judged(planned, source, quality.worst_of(parts))


def _spread(shape: tuple[int, int]) -> Iterator[tuple[slice, slice]]:
    """Boxes spread evenly over an image."""
    places = []
    for length in shape:
        side = min(_SIDE_PX, length)
        middles = [(2 * i + 1) * length // (2 * _LOOKED_AT) for i in range(_LOOKED_AT)]
        starts = dict.fromkeys(min(max(0, middle - side // 2), length - side) for middle in middles)
        places.append([slice(start, start + side) for start in starts])
    for rows in places[0]:
        for columns in places[1]:
            yield rows, columns


def _specimen(planned: Plan, image: PixelWindows) -> BitMask | None:
    return specimen_of(image, windows(image.shape, SIDE_PX), _blank(planned, image), _BLANK_PX)


def _blank(planned: Plan, image: PixelWindows) -> tuple[int, ...]:
    """Gray values where nothing was imaged, as far as the job lets them be looked for."""
    return not_imaged(image.dtype) if planned.job.region.specimen == "auto" else ()


def _request(planned: Plan, source: Source, image: PixelWindows) -> Request:
    return Request(
        image=source.path,
        threshold=planned.backend_settings,
        which=selection(planned.job),
        blank=_blank(planned, image),
        blank_px=_BLANK_PX,
    )


def _micrograph(planned: Plan, source: Source, image: PixelWindows) -> Micrograph:
    """An open image with its place in the job and its scale; its pixels are read as they are asked for."""
    micrograph = Micrograph(
        pixels=cast("GrayImage", image),  # measures that work row by row take it as an array
        calibration=image.calibration,
        modality=planned.job.modality,
        path=source.name,
        sha256=source.sha256,
        specimen=source.specimen,
        section=source.section,
        plane=source.plane,
        field=source.field,
        meta={"windows": Text("readers.by_windows")},
    )
    if source.stated is not None:
        laboratory_files.check_image(source.stated, image.shape, source.name, "")
    settled = settle(micrograph, source.stated, None)
    if settled.calibration.pixel_y_um not in (None, settled.calibration.pixel_um):
        msg = f"{source.name}: pixels that are not square are not measured by windows; resample the image"
        raise MeasurementError(msg)
    return settled


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Seen:
    """What the pictures of a field show."""

    labels: LabelImage  # classes or grains
    roi: BitMask | None  # the specimen; None: all of the image
    picture: NDArray[np.uint8]  # gray values of every so many pixels
    step: int  # how many
    colors: NDArray[np.uint8] | None = None  # of these pixels


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HugeField:
    """A field that was measured by windows; its image is open."""

    micrograph: Micrograph
    segmentation: Segmentation
    measurement: FieldMeasurement
    step: Statement | None
    seen: _Seen

    def pictures(self, folder: Path, stem: str) -> "FieldFiles":
        """Write the pictures of the field, made small."""
        from inspect_tool.report import field_pictures

        by = self.seen.step
        marks = tuple(
            replace(mark, points=tuple((row / by, column / by) for row, column in mark.points))
            for mark in self.measurement.marks
        )
        small, labels = self._small()
        files = field_pictures.write_field(folder, stem, small, labels, marks)
        return replace(files, scale=files.scale / by)

    def picture(self) -> bytes:
        """Draw the field without anything over it, made small."""
        from inspect_tool.report import field_pictures

        return field_pictures.field_picture(self._small()[0])[0]

    def thumbnail(self, notable: Notable) -> bytes:
        """Draw one feature with its surroundings."""
        from inspect_tool.report import field_pictures

        top, left, bottom, right = notable.box
        side = max(32, round(1.8 * max(bottom - top, right - left)))
        if side > _WIDEST_PX:
            by = self.seen.step
            small, labels = self._small()
            box = (top // by, left // by, -(-bottom // by), -(-right // by))
            return field_pictures.thumbnail(small, labels, replace(notable, box=box))
        rows, columns = (
            slice(max(0, middle - side), min(length, middle + side))
            for middle, length in zip(((top + bottom) // 2, (left + right) // 2), self.seen.labels.shape, strict=True)
        )
        pixels, color = self.micrograph.pixels, self.micrograph.color
        part = replace(
            self.micrograph,
            pixels=np.ascontiguousarray(pixels[rows, columns]),
            color=None if color is None else color[rows, columns],
            shown=np.ascontiguousarray(pixels[rows, columns] if color is None else color[rows, columns]),
            roi=None if self.seen.roi is None else self.seen.roi[rows, columns],
        )
        labels = replace(self.segmentation, labels=self.seen.labels[rows, columns], alternatives=no_alternatives)
        box = (top - rows.start, left - columns.start, bottom - rows.start, right - columns.start)
        return field_pictures.thumbnail(part, labels, replace(notable, box=box))

    def _small(self) -> tuple[Micrograph, Segmentation]:
        """Every so many pixels of the image and of its labels."""
        by, roi = self.seen.step, self.seen.roi
        pixel_um = self.micrograph.calibration.pixel_um
        scale = replace(self.micrograph.calibration, pixel_um=None if pixel_um is None else pixel_um * by)
        counts = None if roi is None else cast("Mask", sampled(roi, by))
        picture, colors = self.seen.picture, self.seen.colors
        shown = picture if colors is None else colors
        small = replace(self.micrograph, pixels=picture, color=colors, shown=shown, roi=counts, calibration=scale)
        labels = replace(self.segmentation, labels=sampled(self.seen.labels, by), alternatives=no_alternatives)
        return small, labels


@contextmanager
def measured(
    planned: Plan, source: Source, records: Path | None, keep: Callable[[str, Segmentation], None]
) -> Iterator[HugeField]:
    """Tell a huge image apart and measure it with the recipe of a plan; it is open as long as the block lasts.

    ``records`` keeps its windows, see ``mosaic.measure``; None: for as long as this takes. ``keep`` gets
    every segmentation, with its name; that of the measured one is empty.
    """
    started = time.perf_counter()
    with ExitStack() as stack:
        kept = records or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="inspect_tool_")))
        if (asked := _by_levels(planned, source)) is not None:
            found = stack.enter_context(classes_of(asked, kept))
            micrograph = _with_specimen(_micrograph(planned, source, found.image), found.roi)
            segmentation = _segmentation(planned, found, time.perf_counter() - started)
            seen = _Seen(labels=segmentation.labels, roi=found.roi, picture=found.picture, step=found.step)
        else:
            micrograph, segmentation, seen = _on_the_disk(planned, source, kept, goes_on=records is not None)
        keep("", replace(segmentation, alternatives=no_alternatives))
        segmentation = replace(segmentation, alternatives=partial(keeping, segmentation.alternatives, keep))
        taken, measurement, step = measured_labels(
            planned.job.recipe, micrograph, segmentation, planned.settings, planned.editions
        )
        if not source.mask:  # what a person drew has no error of a backend
            measurement = with_features(measurement, micrograph, taken)
        yield HugeField(
            micrograph=micrograph,
            segmentation=replace(taken, alternatives=no_alternatives),
            measurement=measurement,
            step=step,
            seen=seen,
        )


def _by_levels(planned: Plan, source: Source) -> Request | None:
    """What is asked where each window can be told apart by itself; None: it cannot, nor where colors may decide."""
    if planned.backend != "threshold" or not by_windows.is_by_levels(planned.backend_settings):
        return None
    with readers.windows(source.path, selection(planned.job)) as image:
        return _request(planned, source, image) if image.color is None else None


def _on_the_disk(
    planned: Plan, source: Source, folder: Path, *, goes_on: bool
) -> tuple[Micrograph, Segmentation, _Seen]:
    """Segment an image with the backend of the job, every image that this takes on the disk.

    ``goes_on``: what it makes is kept for the next run, if this one is stopped.
    """
    model = model_of(planned)
    parts = folder / _made_of(planned, source, model)
    parts.mkdir(parents=True, exist_ok=True)
    micrograph, seen = _stored(planned, source, folder, parts if goes_on else None)
    segmentation = segmented(planned, source, micrograph, model)
    return micrograph, segmentation, seen(segmentation.labels)


def _stored(
    planned: Plan, source: Source, folder: Path, parts: Path | None
) -> tuple[Micrograph, Callable[[LabelImage], _Seen]]:
    """Read an image into files, and what its pictures show but for its labels. The tiles that were decoded are gone."""
    with readers.windows(source.path, selection(planned.job)) as opened:
        roi = _specimen(planned, opened)
        read = opened.as_read()
        filled = blanked(read, roi)
        micrograph = _with_specimen(_micrograph(planned, source, filled), roi)
        pixels = StoredImage(read.shape, read.dtype, folder, parts)
        colors = None if filled.color is None else StoredImage((*read.shape, 3), np.uint8, folder)
        for top, bottom in strips(read.shape):
            pixels[top:bottom] = filled[top:bottom]
            if filled.color is not None and colors is not None:
                colors[top:bottom] = filled.color((slice(top, bottom), slice(0, read.shape[1])))
        step = step_of(read.shape)
        picture = sampled(read, step)
    if picture.dtype != np.uint8:
        low, high = ends_of(picture.ravel())
        picture = in_eight_bits(picture, low, (high - low) / 255)
    stored = replace(micrograph, pixels=cast("GrayImage", pixels), color=cast("NDArray[np.uint8] | None", colors))
    small = None if colors is None else sampled(colors, step)

    def seen(labels: LabelImage) -> _Seen:
        return _Seen(labels=labels, roi=roi, picture=picture, step=step, colors=small)

    return stored, seen


def _made_of(planned: Plan, source: Source, model: object) -> str:
    """Name of the folder of what is made of an image: it says by what."""
    return folder_for(
        {
            "image": source.sha256,
            "plane": selection(planned.job),
            "specimen": planned.job.region.specimen,
            "backend": planned.backend,
            "settings": planned.backend_settings,
            "model": getattr(model, "made_of", None),
        }
    )


def _with_specimen(micrograph: Micrograph, roi: BitMask | None) -> Micrograph:
    """Leave out what is no specimen, and say how much that is."""
    if roi is None:
        return micrograph
    out = 1 - roi.sum() / roi.size
    meta = {
        **micrograph.meta,
        "left_out_percent": f"{100 * out:.3g}",
        "left_out_as": Text("readers.fill_of_one_value"),
    }
    return replace(micrograph, roi=as_mask(roi), meta=meta)


def _segmentation(planned: Plan, found: Classes, seconds: float) -> Segmentation:
    settings, levels = planned.backend_settings, found.levels

    def with_labels(labels: BitClasses, shift: float, by: tuple[float, ...]) -> Segmentation:
        return Segmentation(
            labels=as_labels(labels),
            classes=dict(levels.classes),
            kind="semantic",
            backend="threshold",
            settings={
                **{name: getattr(settings, name) for name in settings.__slots__},
                "denoise_px": by_windows.side_px(settings),
                "shift": shift,
                "levels_found": [found.offset + found.by * level for level in by],
                "windows": int(found.coverage.sum()),
                "own_gray": None,
                **stated(Told(method_taken=settings.method, phase_taken=levels.phase, own_gray=levels.own_gray)),
            },
            seconds=seconds,
        )

    def others() -> Iterator[tuple[str, Segmentation]]:
        for name, labels in found.others():
            yield name, with_labels(labels, levels.shifts[name], levels.others[name])

    return replace(with_labels(found.labels, 0.0, levels.levels), alternatives=others)
