"""Fields measured one by one or side by side, each with its pictures and its record."""

import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inspect_tool.errors import InspectError
from inspect_tool.evidence import edits
from inspect_tool.evidence.masks import Keeper
from inspect_tool.files import (
    plain,
)
from inspect_tool.images import quality
from inspect_tool.inspection import lost_fields, windowed
from inspect_tool.inspection.job_plan import Plan, Progress
from inspect_tool.inspection.journal import Journal, alone, keep, moved, resumed
from inspect_tool.inspection.lean import shared
from inspect_tool.inspection.one_field import (
    Beside,
    judge_image,
    measured_before,
    measured_field,
    model_of,
    read_and_found,
    read_source,
    segmented,
)
from inspect_tool.inspection.workers import Machines, each, hands
from inspect_tool.model import (
    Calibration,
    FieldMeasurement,
    LostField,
    Micrograph,
    MicrographRecord,
    Notable,
    Segmentation,
    Statement,
    Thumbnail,
)
from inspect_tool.scale.calibration import same_scale

if TYPE_CHECKING:
    from inspect_tool.report.field_pictures import FieldFiles

WORST = 10  # features shown as thumbnails


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """What remains of one field: its tables, its record and its pictures on disk."""

    measurement: FieldMeasurement
    record: MicrographRecord
    thumbnails: tuple[Thumbnail, ...]
    step: Statement | None  # how the labels were made to answer the question, where that took a step
    figures: tuple[quality.Figure, ...] = ()  # of image quality
    edited: edits.Edited | None = None  # what corrections by hand changed
    before: FieldMeasurement | None = None  # without them; None too where that cannot be measured

    @property
    def stopped(self) -> bool:
        """Whether the quality gate would stop the image, and the job accepts it."""
        return any(figure.accepted for figure in self.figures)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What looking at an image showed: that it can be read and measured, its scale and its quality."""

    calibration: Calibration
    figures: tuple[quality.Figure, ...]
    beside: Beside | None = None  # None: it was measured before, or is measured by windows


def look(
    planned: Plan, pool: Executor | None = None, known: Mapping[int, Seen] | None = None
) -> dict[int, Seen | LostField]:
    """Look at every image of a job, and at its mask, before any is measured: the last one must not cost the others.

    ``known`` are those that were seen before, by their index.

    Returns
    -------
    dict
        By the index of the image: what was seen, or what the job goes on without.

    Raises
    ------
    InspectError
        Names every image that cannot be used, or says that their scales differ.
    """
    seen = dict(known or {})
    todo = [i for i in range(len(planned.sources)) if i not in seen]
    answers = dict(zip(todo, each(pool, _seen, [(alone(planned, i),) for i in todo], lambda *_: None), strict=True))
    refused = {i: answer for i, answer in answers.items() if isinstance(answer, InspectError)}
    found: dict[int, Seen | LostField] = dict(lost_fields.skipped(planned, refused))
    seen = dict(sorted((seen | {i: answer for i, answer in answers.items() if isinstance(answer, Seen)}).items()))
    same_scale(
        [one.calibration for one in seen.values()],
        planned.job.mixed_scales,
        [planned.sources[i].name for i in seen],
    )
    return found | seen


def check_images(planned: Plan) -> tuple[Beside, ...]:
    """Read every image of a job before any is measured: a damaged one, or another scale, must not be found last.

    Returns
    -------
    tuple of Beside
        What of each image is beside its structure, so that it need not be found once more.

    Raises
    ------
    ReadError, CalibrationError
        Names the image.
    """
    scales: list[Calibration] = []
    found: list[Beside] = []
    for source in planned.sources:
        micrograph, beside = read_and_found(planned, source)
        scales.append(micrograph.calibration)
        found.append(beside)
    same_scale(scales, planned.job.mixed_scales, [source.name for source in planned.sources])
    return tuple(found)


def _seen(planned: Plan) -> Seen | InspectError:
    (source,) = planned.sources
    try:
        if windowed.is_huge(planned, source):
            from inspect_tool.inspection import huge_field

            calibration, figures = huge_field.seen(planned, source)
            return Seen(calibration=calibration, figures=figures)
        micrograph, beside = read_and_found(planned, source)
        figures = judge_image(planned, source, micrograph)
        if source.mask:
            segmented(planned, source, micrograph, model_of(planned))
    except InspectError as error:
        return error
    return Seen(calibration=micrograph.calibration, figures=figures, beside=beside)


def measure_all(
    planned: Plan,
    folder: Path,
    workers: int,
    progress: Progress,
    executor: Executor | Machines | None = None,
    journal: Journal | None = None,
    records: Path | None = None,
) -> tuple[list[Outcome], tuple[LostField, ...]]:
    """Measure every field of a job, side by side where there are workers or an executor of the caller's.

    With a ``journal`` each is kept there as soon as it is measured, and what it holds of them is not measured again.
    ``records`` is the folder that keeps the windows of huge images; None: they are kept for this run alone.

    Returns
    -------
    list of Outcome
        In the order of the images.
    tuple of LostField
        Images that the job goes on without.
    """
    count = len(planned.sources)
    total = count + len(planned.job.exports)
    lost: dict[int, LostField] = {}
    lean = _lean()
    done: dict[int, Outcome] = {} if journal is None else resumed(journal, planned, lean)
    with hands(executor, min(workers, count), planned, folder) as pool:
        seen: dict[int, Seen | None] = {0: None}
        if count > 1:
            if done:
                progress(0, total, f"{len(done)} of {count} fields were measured before the last run was stopped")
            progress(0, total, f"looking at {count - len(done)} images")
            known = {i: Seen(calibration=one.record.calibration, figures=one.figures) for i, one in done.items()}
            looked = look(planned, pool, known)
            lost = {i: one for i, one in looked.items() if isinstance(one, LostField)}
            seen = {i: one for i, one in sorted(looked.items()) if isinstance(one, Seen)}
        todo = [i for i in seen if i not in done]
        before, ways = len(lost) + len(done), lost_fields.ways_on(planned)
        # as a text: a machine of a cluster writes windows to their place, and not into a folder of the one try
        kept = None if records is None else str(records.absolute())
        answers = each(
            pool,
            _measured_or_refused,
            [(alone(planned, i), i, folder, seen[i], journal, ways[i], kept) for i in todo],
            lambda count, k: progress(before + count, total, planned.sources[todo[k]].name),
            lean,
        )
    refused = {i: one for i, one in zip(todo, answers, strict=True) if isinstance(one, InspectError)}
    lost |= lost_fields.skipped(planned, refused, lost)
    done |= {i: one for i, one in zip(todo, answers, strict=True) if isinstance(one, Outcome)}
    outcomes = [done[i] for i in sorted(done)]
    if journal is not None:
        moved(journal, folder)
    if not any(source.mask for source in planned.sources):
        quality.stop_if_all([outcome.figures for outcome in outcomes], planned.job.accept)
    return outcomes, tuple(lost[i] for i in sorted(lost))


def _lean() -> Callable[[Any], Any]:
    """Give a function that takes from one field after the other what the job needs no more, whatever comes later.

    That is features that are not among the worst of the job.
    """
    largest: list[float] = []
    share = shared({})

    def lean(answer: Any) -> Any:
        if not isinstance(answer, Outcome):
            return answer
        largest[:] = sorted((*largest, *(shown.value for shown in answer.thumbnails)), reverse=True)[:WORST]
        shown = tuple(one for one in answer.thumbnails if len(largest) < WORST or one.value >= largest[-1])
        return share(replace(answer, thumbnails=shown))

    return lean


def _light(outcome: Outcome) -> Outcome:
    """A field without what its pictures were drawn from: where it was measured, so that it is not sent and kept."""
    return replace(outcome, measurement=replace(outcome.measurement, marks=(), worst=()))


def _measured_or_refused(
    planned: Plan,
    index: int,
    folder: Path,
    seen: Seen | None,
    journal: Journal | None,
    advice: str | None,
    records: str | None = None,
) -> Outcome | InspectError:
    """Measure the one field of a plan; what the job may go on without is given back, and leaves no file behind.

    ``index`` is its place in the job. ``advice``: how to go on without it; None: the job does.
    """
    model = model_of(planned)  # what is wrong with it is wrong for every field
    folder = folder if journal is None else journal.folder
    try:
        measured = _light(_measure_one(planned, index, folder, model, seen, records))
        if journal is not None and measured.edited is None:  # pictures of edits have names of their own
            keep(journal, planned, index, stem(index, planned.sources[0].name), measured)
        return measured
    except lost_fields.OF_ONE_IMAGE as error:
        if advice is not None:
            msg = f"{error}{advice}"
            raise type(error)(msg) from None
        for path in folder.glob(f"*/{stem(index, planned.sources[0].name)}[._]*"):
            path.unlink()
        return error


def _measure_one(
    planned: Plan, index: int, folder: Path, model: object, seen: Seen | None, records: str | None = None
) -> Outcome:
    (source,) = planned.sources
    if windowed.is_huge(planned, source):
        return _measure_huge(planned, index, folder, None if seen is None else seen.figures, records)
    micrograph = read_source(planned, source, None if seen is None else seen.beside)
    figures = judge_image(planned, source, micrograph) if seen is None else seen.figures
    keep = Keeper(folder, stem(index, source.name))
    entries = edits.of_image(planned.ledger, source.sha256)
    raw: list[Segmentation] = []
    given: dict[
        str, object
    ] = {}  # what the kept masks hold: objects that the recipe takes as one class are objects still

    def kept(name: str, segmentation: Segmentation) -> None:
        keep(name, segmentation)
        if not name:
            given["kind"] = segmentation.kind
            given["classes"] = {str(number): title for number, title in segmentation.classes.items()}
        if entries and not name:
            raw.append(segmentation)

    segmentation, measurement, step = measured_field(planned, source, micrograph, model, keep=kept, entries=entries)
    edited, before = None, None
    if entries:
        edited = edits.edited_field(entries, raw[0], edits.applied(raw[0], entries, source.name), micrograph.roi)
        before = measured_before(
            planned.job.recipe, micrograph, raw[0], settings=planned.settings, editions=planned.editions
        )
        _edited_places(folder, micrograph, raw[0], entries)
    figures = quality.with_acceptances(
        quality.structure_figures(segmentation, measurement.values, figures, planned.limits), planned.job.accept
    )
    outcome = field_pictures(planned, index, folder, micrograph, segmentation, measurement, step)
    record = replace(
        outcome.record,
        evidence=keep.evidence(micrograph, measurement, before),
        segmentation={**outcome.record.segmentation, **given},
    )
    return replace(outcome, record=record, figures=figures, edited=edited, before=before)


def _measure_huge(
    planned: Plan, index: int, folder: Path, figures: tuple[quality.Figure, ...] | None, records: str | None
) -> Outcome:
    """Measure a field by windows."""
    from inspect_tool.inspection import huge_field

    (source,) = planned.sources
    if figures is None:
        figures = huge_field.seen(planned, source)[1]
    keep = Keeper(folder, stem(index, source.name))
    with huge_field.measured(planned, source, None if records is None else Path(records), keep) as field:
        files = field.pictures(folder, stem(index, source.name))
        outcome = described(
            planned,
            index,
            folder,
            field.micrograph,
            field.segmentation,
            field.measurement,
            field.step,
            files,
            field.thumbnail,
        )
        figures = quality.with_acceptances(
            quality.structure_figures(field.segmentation, field.measurement.values, figures, planned.limits),
            planned.job.accept,
        )
        evidence = keep.evidence(field.micrograph, field.measurement)
    segmentation = {
        **outcome.record.segmentation,
        "kind": field.segmentation.kind,
        "classes": {str(number): title for number, title in field.segmentation.classes.items()},
    }
    record = replace(outcome.record, evidence=evidence, segmentation=segmentation)
    return replace(outcome, record=record, figures=figures)


def _edited_places(folder: Path, micrograph: Micrograph, raw: Segmentation, entries: Sequence[edits.Entry]) -> None:
    """Write a picture of the place that each edit of a field changed, before and after it."""
    from inspect_tool.report import field_pictures

    before = raw
    for entry in entries:
        after = edits.applied(before, [entry], micrograph.path)
        _write(folder / edits.picture_name(entry.edit.number), field_pictures.edited_place(micrograph, before, after))
        before = after


def field_pictures(
    planned: Plan,
    index: int,
    folder: Path,
    micrograph: Micrograph,
    segmentation: Segmentation,
    measurement: FieldMeasurement,
    step: Statement | None,
) -> Outcome:
    """Write the pictures of one field and describe them."""
    from inspect_tool.report import field_pictures

    (source,) = planned.sources
    files = field_pictures.write_field(folder, stem(index, source.name), micrograph, segmentation, measurement.marks)
    return described(
        planned,
        index,
        folder,
        micrograph,
        segmentation,
        measurement,
        step,
        files,
        lambda notable: field_pictures.thumbnail(micrograph, segmentation, notable),
    )


def described(
    planned: Plan,
    index: int,
    folder: Path,
    micrograph: Micrograph,
    segmentation: Segmentation,
    measurement: FieldMeasurement,
    step: Statement | None,
    files: "FieldFiles",
    drawn: Callable[[Notable], bytes],
) -> Outcome:
    """Describe one field whose pictures are written; ``drawn`` gives the picture of a notable feature."""
    (source,) = planned.sources
    height, width = micrograph.pixels.shape
    thumbnails = []
    for notable in [one for one in measurement.worst if one.apart][:WORST]:
        shown = thumbnail(index, measurement, notable)
        _write(folder / shown.file, drawn(notable))
        thumbnails.append(shown)
    record = MicrographRecord(
        image=source.name,
        sha256=source.sha256,
        specimen=source.specimen,
        section=source.section,
        plane=source.plane,
        field=source.field,
        height_px=height,
        width_px=width,
        calibration=micrograph.calibration,
        modality=micrograph.modality,
        meta=dict(micrograph.meta),
        segmentation={
            "backend": segmentation.backend,
            "kind": segmentation.kind,
            "classes": {str(number): name for number, name in segmentation.classes.items()},
            "settings": plain(segmentation.settings),
            "weights_sha256": segmentation.weights_sha256,
            "coverage": segmentation.coverage,
            "seconds": round(segmentation.seconds, 3),
        },
        picture=files.picture,
        picture_scale=files.scale,
        layers=files.layers,
        overlay=files.overlay,
        notes=measurement.notes,
        scale_sources=micrograph.scale_sources,
    )
    return Outcome(measurement=measurement, record=record, thumbnails=tuple(thumbnails), step=step)


def thumbnail(index: int, measurement: FieldMeasurement, notable: Notable) -> Thumbnail:
    """Describe the picture of a notable feature of the field of this index."""
    return Thumbnail(
        image=measurement.image,
        specimen=measurement.specimen,
        field=measurement.field,
        feature=notable.feature,
        value=notable.value,
        unit=notable.unit,
        caption=notable.caption,
        file=f"thumbnails/{stem(index, measurement.image)}_{notable.feature}.jpg",
    )


def stem(index: int, image: str) -> str:
    """File name of what is written of a field, without suffix."""
    return f"{index + 1:03d}_{re.sub(r'[^A-Za-z0-9_-]+', '_', Path(image).stem)[:40]}"


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
