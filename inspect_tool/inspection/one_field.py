"""One field from its image to its measurement: read, scale, region, quality, segment, measure."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as default
from functools import lru_cache, partial
from typing import Any, Literal

from inspect_tool import plugins, registry
from inspect_tool.errors import CalibrationError, MeasurementError, ReadError
from inspect_tool.evidence import edits
from inspect_tool.files import (
    plain,
)
from inspect_tool.images import colored_marks, quality, readers, specimen_area
from inspect_tool.images.region import apply_region, orientation, stored_box, to_square_pixels
from inspect_tool.inspection.job_plan import Plan, Source, plugins_of
from inspect_tool.languages import Text
from inspect_tool.measure.recall import Recall
from inspect_tool.model import (
    Alternatives,
    Editions,
    FieldMeasurement,
    Job,
    Micrograph,
    Region,
    ScaleSource,
    Segmentation,
    Selection,
    Statement,
    no_alternatives,
)
from inspect_tool.scale import laboratory_files
from inspect_tool.scale.bar import BarReading, find_footer, read_bar, written
from inspect_tool.scale.calibration import settle
from inspect_tool.segmentation import choice
from inspect_tool.validation.features import with_features


def measured_labels(
    recipe: str,
    micrograph: Micrograph,
    segmentation: Segmentation,
    settings: object,
    editions: Editions,
    recall: Recall | None = None,
) -> tuple[Segmentation, FieldMeasurement, Statement | None]:
    """Measure labels, wherever they come from, with a recipe by name.

    ``recall`` holds what is known of the field, for recipes that measure only what changed since.

    Returns
    -------
    Segmentation
        As the recipe took it, with its alternatives.
    FieldMeasurement
    Statement or None
        The step that made the labels answer the question of the recipe.
    """
    module = registry.load("recipe", recipe)
    taken, step = choice.answer(recipe, module, segmentation, micrograph.roi)
    if recall is not None and isinstance(module, plugins.MeasuresAgain):
        return taken, module.measure_again(micrograph, taken, settings, editions, recall), step
    measurement: FieldMeasurement = module.measure_field(micrograph, taken, settings, editions)
    return taken, measurement, step


def measured_before(
    recipe: str, micrograph: Micrograph, raw: Segmentation, *, settings: object, editions: Editions
) -> FieldMeasurement | None:
    """Measure the segmentation of an edited field as the backend gave it; None where it holds nothing to measure."""
    try:
        _, found, _ = measured_labels(recipe, micrograph, raw, settings, editions)
    except MeasurementError:
        return None
    return found


def judge_image(planned: Plan, source: Source, micrograph: Micrograph) -> tuple[quality.Figure, ...]:
    """Judge an image before it is measured; with masks of the user's own it is a picture only, and never refused.

    Raises
    ------
    MeasurementError
        It is not fit to be measured, and the job does not accept it.
    """
    return judged(
        planned, source, quality.image_figures(micrograph.pixels, micrograph.roi, planned.limits, source.name)
    )


def judge_structure(
    planned: Plan,
    source: Source,
    segmentation: Segmentation,
    measurement: FieldMeasurement,
    figures: Sequence[quality.Figure],
) -> tuple[quality.Figure, ...]:
    """Judge what was segmented by the image it comes from, one field alone; gives the figures of both.

    Raises
    ------
    MeasurementError
        As ``judge_image``.
    """
    found = quality.structure_figures(segmentation, measurement.values, figures, planned.limits)
    return judged(planned, source, found)


def judged(planned: Plan, source: Source, figures: Sequence[quality.Figure]) -> tuple[quality.Figure, ...]:
    """Give figures of an image with the acceptances of a job; a red one that is not accepted is refused."""
    return tuple(figures) if source.mask else quality.judged(figures, planned.job.accept)


def measured_field(
    planned: Plan,
    source: Source,
    micrograph: Micrograph,
    model: object,
    *,
    alternatives: bool = True,
    keep: Callable[[str, Segmentation], None] | None = None,
    entries: Sequence[edits.Entry] = (),
) -> tuple[Segmentation, FieldMeasurement, Statement | None]:
    """Segment one field with the backend of a plan and measure it with its recipe.

    Parameters
    ----------
    planned : Plan
    source : Source
        One of its sources.
    micrograph : Micrograph
        As read from it.
    model : Any
        What ``load`` of the backend gave.
    alternatives : bool
        Measure the plausible other segmentations too, for the segmentation line of the budgets.
    keep : callable, optional
        Gets every segmentation as the backend gave it, with its name; that of the measured one is empty.
    entries : sequence of edits.Entry
        Corrections by hand of this field, laid over every segmentation before it is measured.

    Returns
    -------
    Segmentation
        As the recipe took it; without its alternatives, which hold memory.
    FieldMeasurement
    Statement or None
        The step that made the labels answer the question of the recipe.
    """
    try:
        segmentation = segmented(planned, source, micrograph, model)
        alone = replace(segmentation, alternatives=no_alternatives)
        if keep is not None:
            keep("", alone)
            segmentation = replace(segmentation, alternatives=partial(keeping, segmentation.alternatives, keep))
        corrected = edits.applied(segmentation if alternatives else alone, entries, source.name)
        taken, measurement, step = measured_labels(
            planned.job.recipe, micrograph, corrected, planned.settings, planned.editions
        )
    except MemoryError:
        msg = f"{source.name}: not enough memory for {micrograph.pixels.shape[1]} x {micrograph.pixels.shape[0]} pixels"
        raise MeasurementError(msg) from None
    if not source.mask:  # what a person drew has no error of a backend
        measurement = with_features(measurement, micrograph, taken)
    return replace(taken, alternatives=no_alternatives), measurement, step


def segmented(planned: Plan, source: Source, micrograph: Micrograph, model: object) -> Segmentation:
    """Segment one field with the backend of a plan; as ``measured_field`` does, without edits."""
    backend = registry.load("backend", planned.backend)
    found: Segmentation = backend.segment(model, micrograph, settings_for(planned, source))
    return found


def settings_for(planned: Plan, source: Source) -> Any:
    """Settings of the backend for one image: with its own mask where the user gave one."""
    settings = planned.backend_settings
    return replace(settings, masks=(source.mask,)) if source.mask else settings


def keeping(
    alternatives: Alternatives, keep: Callable[[str, Segmentation], None]
) -> Iterator[tuple[str, Segmentation]]:
    """Give other segmentations one at a time, each handed to ``keep`` before."""

    def kept(named: tuple[str, Segmentation]) -> tuple[str, Segmentation]:
        keep(*named)
        return named

    return map(kept, alternatives())  # which, unlike a generator, holds none while it is measured


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A backend with its settings, which may be tables and have no hash of their own."""

    backend: str
    stated: str
    files: tuple[tuple[str, int, int], ...]  # of its model: path, size [B], time of the last change [ns]
    settings: Any = default(compare=False)


def model_of(planned: Plan) -> Any:
    """Load the model of a backend once per process, settings and files: weights that were trained anew are other ones.

    A folder that holds other files under the same name is noticed by their sizes and times.
    """
    stated = json.dumps(plain(planned.backend_settings), sort_keys=True)
    files = tuple(_files_of_models(planned))
    return _model(_Asked(backend=planned.backend, stated=stated, files=files, settings=planned.backend_settings))


def _files_of_models(planned: Plan) -> Iterator[tuple[str, int, int]]:
    for module, table in plugins_of(planned):
        for key in plugins.models_of(module):
            folder = planned.path.parent / str(table.get(key) or "")
            if table.get(key) and folder.is_dir():
                facts = ((file, file.stat()) for file in sorted(folder.iterdir()))
                yield from ((str(file), one.st_size, one.st_mtime_ns) for file, one in facts)


@lru_cache(maxsize=1)  # loading weights takes longer than using them
def _model(asked: _Asked) -> Any:
    return registry.load("backend", asked.backend).load(asked.settings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What of an image is beside its structure: found when it is looked at, and not once more when it is measured."""

    bar: BarReading | None
    region: Region  # that of the job, without writing and a data bar
    areas: tuple[specimen_area.Packed, ...]  # that are no specimen; empty too where the job says what counts


def read_source(planned: Plan, source: Source, beside: Beside | None = None) -> Micrograph:
    """Read one image with its place in the job, its scale and the region that counts.

    ``beside``: what was found when the same image was read before.
    """
    return read_and_found(planned, source, beside)[0]


def read_and_found(planned: Plan, source: Source, beside: Beside | None = None) -> tuple[Micrograph, Beside]:
    """Read one image as ``read_source`` does; gives also what was found beside its structure."""
    if source.unread:
        raise ReadError(source.unread)
    micrograph = replace(
        readers.read(source.path, selection(planned.job)),
        path=source.name,
        sha256=source.sha256,
        specimen=source.specimen,
        section=source.section,
        plane=source.plane,
        field=source.field,
    )
    if planned.job.modality != "unknown":
        micrograph = replace(micrograph, modality=planned.job.modality)
    if source.stated is not None:
        laboratory_files.check_image(
            source.stated, micrograph.pixels.shape, micrograph.path, micrograph.meta.get("binning", "")
        )
    bar = bar_of(micrograph, planned.job.scale_bar) if beside is None else beside.bar
    told = None if bar is None or bar.pixel_um is None else told_by(bar)
    micrograph = settle(_noted(micrograph, bar), source.stated, told)
    asked = planned.job.region
    region = _without_writing(micrograph, asked, bar) if beside is None else beside.region
    cut = apply_region(micrograph, region, planned.path.parent)
    if asked.colored_marks == "auto" and not source.mask:  # who drew a mask has seen the marks
        cut = colored_marks.leave_out(cut)
    stated = asked.rectangle is not None or asked.polygon or asked.mask or asked.exclude
    areas: list[specimen_area.Area] = []
    if beside is not None:
        areas = [specimen_area.unpacked(area) for area in beside.areas]
    elif asked.specimen == "auto" and not stated:  # who states the region has seen what counts
        recipe = registry.load("recipe", planned.job.recipe)
        mounted = cut.modality != "xray" and plugins.is_mounted(recipe)
        surface = plugins.shows_surface(recipe)
        areas = specimen_area.areas(cut.pixels, cut.roi, mounted=mounted, surface=surface)
    cut = specimen_area.without(cut, areas)
    found = Beside(bar=bar, region=region, areas=tuple(specimen_area.packed(area) for area in areas))
    return to_square_pixels(cut), found


def bar_of(micrograph: Micrograph, wanted: Literal["auto", "off", "required"]) -> BarReading | None:
    """What a bar burned into the picture says; one that must be read and cannot be is an error."""
    if wanted == "off":
        return None
    bar = read_bar(micrograph.pixels, micrograph.color)
    if wanted == "required" and bar.pixel_um is None:
        msg = f'{micrograph.path}: scale_bar = "required", but {bar.note or "the picture holds no scale bar"}'
        raise CalibrationError(msg)
    return bar


def told_by(bar: BarReading) -> ScaleSource:
    """Give the scale that a bar in the picture tells."""
    assert bar.pixel_um is not None
    return ScaleSource(kind="scale bar", pixel_um=bar.pixel_um, u_rel=bar.u_rel, note=bar.note)


def _noted(micrograph: Micrograph, bar: BarReading | None) -> Micrograph:
    """Tell of a bar that was seen and not read, so that nobody takes it for compared."""
    if bar is None or bar.status != "refused":
        return micrograph
    return replace(
        micrograph, meta={**micrograph.meta, "scale bar in the picture": Text("scale.bar_not_used", note=bar.note)}
    )


def _without_writing(micrograph: Micrograph, region: Region, bar: BarReading | None) -> Region:
    """Leave out of the region what is no specimen: a data bar at the foot, a bar and its label in the picture.

    A footer that the job states is taken as it is, 0 too.
    """
    height = micrograph.pixels.shape[0]
    if region.footer_px is None:
        found = find_footer(micrograph.pixels, micrograph.color) if bar is None else bar.footer_px
        region = replace(region, footer_px=found)
    kept = height - (region.footer_px or 0)
    read = [bar.box] if bar is not None and bar.status == "read" and bar.box is not None else []
    boxes = [
        stored_box(
            (top, left, min(tall, kept - top), wide),
            (height, micrograph.pixels.shape[1]),
            orientation(micrograph.meta),
        )
        for top, left, tall, wide in (*read, *written(micrograph.pixels, micrograph.color))
        if top < kept
    ]
    return replace(region, exclude=(*region.exclude, *boxes))


def selection(job: Job) -> Selection:
    """Plane of the files that a job asks for."""
    return Selection(page=job.page, scene=job.scene, channel=job.channel, z=job.z, time=job.time)
