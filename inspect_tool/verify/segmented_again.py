"""The images of a report read and segmented again."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from inspect_tool.errors import InspectError, ReadError
from inspect_tool.evidence import edits, masks
from inspect_tool.evidence.dossier import Dossier
from inspect_tool.files import plain, sha256_file
from inspect_tool.images import quality
from inspect_tool.inspection import job_plan, lost_fields, one_field
from inspect_tool.inspection.job_plan import Progress
from inspect_tool.model import (
    Job,
    LabelImage,
    LostField,
    MicrographRecord,
    Report,
    Segmentation,
)
from inspect_tool.pixels.parts import strips
from inspect_tool.report import field_pictures
from inspect_tool.verify import overlays
from inspect_tool.verify.differences import contained, differences
from inspect_tool.verify.findings import LOOSE, Finding
from inspect_tool.verify.recompute import (
    Work,
    asked_of,
    name_of_check,
    name_of_table,
    names_read_off,
    pictures_shown,
    reader_of,
)


def image_findings(dossier: Dossier, work: Work, folder: Path, progress: Progress) -> Iterator[Finding]:
    """Compare the images by their hashes, segment them again, and compare the masks."""
    report = dossier.report
    if not folder.is_dir():
        msg = f"{folder}: is not a folder"
        raise ReadError(msg)
    by_name: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            by_name.setdefault(path.name, []).append(path)
    files: list[Path] = []
    for record in report.micrographs:
        named = by_name.get(Path(record.image).name, [])
        same = next((path for path in named if sha256_file(path) == record.sha256), None)
        if same is not None:
            files.append(same)
        else:
            text = "is another picture than the one that was measured" if named else f"is not in {folder}"
            yield Finding(part="images", state="differs", text=f"{record.image}: {text}")
    if len(files) < len(report.micrographs):
        yield Finding(part="segmentation", state="not checked", text="needs every image")
        return
    yield Finding(part="images", state="verified", text=f"{len(files)} images have the stated SHA-256")
    try:
        asked = asked_of(work, report)
        sources = tuple(
            source_of(asked.job, record, path) for record, path in zip(report.micrographs, files, strict=True)
        )
        planned = job_plan.plan(
            work.folder / "job.toml",
            job=asked.job,
            folder=folder,
            sources=sources,
            spec_files=asked.spec_files,
            editions=asked.editions,
        )
        figures: list[quality.Figure] = []
        for i, record in enumerate(report.micrographs):
            progress(i, len(files), f"segmenting {record.image}")
            entries = edits.of_image(asked.ledger, record.sha256)
            found, judged = _segmented_again(dossier, planned, i, record, entries)
            yield from found
            figures += judged
        yield from _judged_again(report, planned, figures)
        yield from _lost_again(asked.job, report, planned, by_name)
    except InspectError as error:
        yield Finding(part="segmentation", state="not checked", text=str(error))


def _lost_again(
    job: Job, report: Report, planned: job_plan.Plan, by_name: Mapping[str, Sequence[Path]]
) -> Iterator[Finding]:
    """Try to measure the images that the report goes on without: who leaves one out must not have been able to."""
    for lost in report.lost:
        named = by_name.get(Path(lost.image).name, [])
        same = next((path for path in named if lost.sha256 and sha256_file(path) == lost.sha256), None)
        if same is None:
            text = f"{lost.image}: that it cannot be measured; the file is not in the folder"
            yield Finding(part="images", state="not checked", text=text)
            continue
        alone = replace(planned, sources=(source_of(job, lost, same),), ledger=())
        try:
            micrograph = one_field.read_source(alone, alone.sources[0])
            one_field.judge_image(alone, alone.sources[0], micrograph)
            one_field.measured_field(alone, alone.sources[0], micrograph, one_field.model_of(alone))
        except lost_fields.OF_ONE_IMAGE as error:
            yield Finding(part="images", state="verified", text=f"{lost.image}: cannot be measured: {error}")
        else:
            text = f"{lost.image}: can be measured, the report says that it cannot: {lost.reason}"
            yield Finding(part="images", state="differs", text=text)


def source_of(job: Job, record: MicrographRecord | LostField, path: Path) -> job_plan.Source:
    """The image of a record as the job would name it."""
    own = [one for one in job.specimens if (one.id, one.section) == (record.specimen, record.section)]
    return job_plan.Source(
        path=path,
        name=record.image,
        sha256=record.sha256,
        specimen=record.specimen,
        section=record.section,
        plane=record.plane if isinstance(record, MicrographRecord) else "not stated",
        field=record.field,
        stated=(own[0].calibration if own else None) or job.calibration,
    )


def _segmented_again(
    dossier: Dossier,
    planned: job_plan.Plan,
    index: int,
    record: MicrographRecord,
    entries: Sequence[edits.Entry],
) -> tuple[list[Finding], tuple[quality.Figure, ...]]:
    """What came out for one field, and the figures of its image and of what was segmented in it."""
    source = planned.sources[index]
    _, stated = masks.field(record, reader_of(dossier))
    kept = {"": stated, **dict(stated.alternatives())}
    unlike: list[str] = []

    def compare(name: str, segmentation: Segmentation) -> None:
        one = kept.pop(name, None)
        what = f"other segmentation '{name}'" if name else "mask"
        if one is None or one.labels.shape != segmentation.labels.shape:
            unlike.append(f"{what}: is not among the kept ones")
            return
        share = _unlike(one.labels, segmentation.labels) / one.labels.size
        if share:
            unlike.append(f"{what}: {100 * share:.3g} % of the pixels differ")
        if (one.objects is None) != (segmentation.objects is None) or (
            one.objects is not None and not np.array_equal(one.objects, segmentation.objects)  # type: ignore[arg-type]
        ):
            unlike.append(f"{what}: the numbers of the objects differ")

    if masks.is_windowed(record):
        from inspect_tool.inspection import huge_field

        seen = huge_field.seen(planned, source)[1]
        with huge_field.measured(planned, source, None, compare) as field:
            taken, measured, drawn = field.segmentation, field.measurement, field.picture()
    else:
        micrograph = one_field.read_source(planned, source)
        seen = quality.image_figures(micrograph.pixels, micrograph.roi, planned.limits, record.image)
        model = one_field.model_of(planned)
        taken, measured, _ = one_field.measured_field(planned, source, micrograph, model, keep=compare, entries=entries)
        drawn = field_pictures.field_picture(micrograph)[0]
    unlike += [f"other segmentation '{name}': was not made again" for name in kept if name]
    said = record.evidence.read_off if record.evidence is not None else {}
    unlike += differences(plain(said), plain(measured.read_off), "read off the image:", LOOSE)
    found = [Finding(part="segmentation", state="differs", text=f"{record.image}: {text}") for text in unlike]
    if not unlike:
        text, read = f"{record.image}: segmented again, the same masks", tuple(names_read_off(measured))
        found.append(Finding(part="segmentation", state="verified", text=text, of_images=read))
    picture = pictures_shown(dossier)(record.picture)
    if picture is not None and not overlays.same_picture(picture, drawn):
        text = f"{record.picture}: is not the picture of the image {record.image}"
        found.append(Finding(part="pictures", state="differs", text=text))
    return found, quality.structure_figures(taken, measured.values, seen, planned.limits)


def _unlike(one: LabelImage, other: LabelImage) -> int:
    """Pixels in which two label images differ, of arrays or of bits."""
    return sum(int(np.count_nonzero(one[top:bottom] != other[top:bottom])) for top, bottom in strips(one.shape))


def _judged_again(report: Report, planned: job_plan.Plan, figures: Sequence[quality.Figure]) -> Iterator[Finding]:
    """Compare the table and the checks of the image quality with figures that were read off the images again."""
    again = quality.with_acceptances(figures, planned.job.accept)
    table = quality.table(again, [record.image for record in report.micrographs])
    checks = quality.as_checks(again, planned.limits, quality.default_limits(planned.job.recipe))
    unlike = [
        *contained(plain(report.tables), [plain(table)], "tables", ("title",), LOOSE),
        *contained(plain(report.checks), plain(checks), "checks", ("name", "specimen", "scope"), LOOSE),
    ]
    read = (name_of_table(table), *map(name_of_check, checks))
    for text in unlike:
        yield Finding(part="image quality", state="differs", text=text, of_images=read)
    if not unlike:
        text = f"{len(checks)} checks and the figures of {len(report.micrographs)} images: read off again, the same"
        yield Finding(part="image quality", state="verified", text=text, of_images=read)
