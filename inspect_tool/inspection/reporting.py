"""From measured fields to the report and its files."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Literal

from inspect_tool import plugins, registry
from inspect_tool.acceptance.criteria import judged
from inspect_tool.errors import MeasurementError
from inspect_tool.evidence import edits
from inspect_tool.evidence.masks import FOLDER
from inspect_tool.files import (
    sha256_bytes,
    sha256_file,
)
from inspect_tool.images import preprocess, quality, specimen_area
from inspect_tool.inspection import supersede
from inspect_tool.inspection.conclusion import concluded
from inspect_tool.inspection.field_record import WORST, Outcome, measure_all
from inspect_tool.inspection.job_plan import EXPORT_ORDER, PAGES, Plan, Progress, silent
from inspect_tool.languages import Text
from inspect_tool.model import (
    Attachment,
    Check,
    Editions,
    FieldMeasurement,
    Findings,
    Job,
    MicrographRecord,
    Report,
    Requirement,
    Standard,
    Table,
    Thumbnail,
)
from inspect_tool.plugins import Recipe
from inspect_tool.referee import history
from inspect_tool.referee import ledger as referee
from inspect_tool.referee.correction import Correction, corrected
from inspect_tool.referee.population import population
from inspect_tool.report.confined import confined
from inspect_tool.scale import calibration

PICTURES = ("pictures", "overlays", "thumbnails")  # folders of a report


def measured(
    planned: Plan, folder: Path, workers: int = 1, progress: Progress | None = None
) -> tuple[list[MicrographRecord], Findings]:
    """Measure a planned job without a report; a folder gets the masks that its records name."""
    outcomes = measure_all(planned, folder, workers, progress or silent)
    recipe = registry.load("recipe", planned.job.recipe)
    fields = [outcome.measurement for outcome in outcomes]
    validation = None if planned.validation is None else planned.validation.validation
    found = concluded(
        recipe,
        fields,
        planned.settings,
        planned.editions,
        [one.quantity for one in planned.requirements],
        validation,
        stopped=any(outcome.stopped for outcome in outcomes),
    )
    return records_of(outcomes), found


def correction_of(
    job: Job,
    settings: object,
    editions: Editions,
    given: referee.Given | None,
    ledger: Sequence[edits.Entry],
    records: Sequence[MicrographRecord],
    read: Callable[[str], bytes],
) -> Correction | None:
    """What the answers that a job names say of its results; None: it names none. ``read`` gives the kept masks."""
    if given is None:
        return None
    recipe = registry.load("recipe", job.recipe)
    return corrected(population(job.recipe, recipe, settings, editions, records, read, ledger), given)


def issued(
    job: Job,
    standard: Standard,
    requirements: Sequence[Requirement],
    findings: Findings,
    records: Sequence[MicrographRecord],
    settings: Mapping[str, object],
) -> supersede.Issued:
    """What a new report says, as far as it is compared with the one it replaces."""
    return supersede.Issued(
        results=findings.results,
        conformities=judged(requirements, findings, [record.specimen for record in records]),
        images={record.sha256: record.image for record in records},
        header=job.header,
        standard=standard.name,
        settings=settings,
        edits=supersede.edits_of(findings.tables),
    )


def findings_before(
    recipe: Recipe,
    settings: object,
    editions: Editions,
    fields: Sequence[FieldMeasurement],
    before: Mapping[int, FieldMeasurement | None],
) -> Findings | None:
    """What a job finds without its edits; ``before`` holds the raw measurements by the index of their field.

    Values only: without other segmentations the budgets lack a line.
    """
    raw = [replace(found, alternatives={}) for i, field in enumerate(fields) if (found := before.get(i, field))]
    if len(raw) < len(fields):
        return None
    try:
        findings: Findings = recipe.combine(raw, settings, editions)
    except MeasurementError:
        return None
    return findings


def records_of(outcomes: Sequence[Outcome]) -> list[MicrographRecord]:
    """Give what the report says of every field."""
    return [outcome.record for outcome in outcomes]


def before_edits(planned: Plan, recipe: Recipe, outcomes: Sequence[Outcome]) -> Findings | None:
    """Find what the job would say without its edits by hand; None where it has none."""
    before = {i: outcome.before for i, outcome in enumerate(outcomes) if outcome.edited is not None}
    if not before:
        return None
    measured = [outcome.measurement for outcome in outcomes]
    return findings_before(recipe, planned.settings, planned.editions, measured, before)


def scale_checks(records: Sequence[MicrographRecord], today: date) -> tuple[Check, ...]:
    """Judge the scales of a job: what stands behind them, and whether all that tells one agrees."""
    return (
        *calibration.checks([record.calibration for record in records], today),
        *calibration.agreement(record.scale_sources for record in records),
        *calibration.magnification_planes(record.calibration for record in records if record.modality == "xray"),
    )


def doubted_fields(seen: Table, job: Job, records: Sequence[MicrographRecord]) -> list[Check]:
    """Doubts on specimens in some fields of which what was found is too fine or too blurred; none on masks of a person.

    ``seen`` is the table of the image quality of a run.
    """
    if any(record.segmentation["backend"] == "labels" for record in records):
        return []
    return quality.doubts(seen, [record.specimen for record in records], quality.limits_of(job, "job"), job.accept)


def remarks(job: Job, records: Iterable[MicrographRecord], samples: Sequence[referee.Entry] = ()) -> tuple[str, ...]:
    """Sentences for page 1 on what of the images counts, what only a person can tell of it, and has told in vain.

    ``samples`` is the ledger of checks by hand.
    """
    records = list(records)
    found = list(specimen_area.told(records))
    if job.referee is None and (told := history.unused(samples)):
        found.append(told)
    for record in records:
        drawn = bool(job.region.mask) or record.segmentation["backend"] == "labels"
        turn = preprocess.orientation(record.meta)
        if drawn and turn > 1 and (turn < 5 or record.height_px == record.width_px):
            found.append(Text("inspection.warning_image_turned_upright", image=record.image, turn=turn))
    return tuple(found)


def report_of(
    planned: Plan,
    recipe: Recipe,
    outcomes: Sequence[Outcome],
    findings: Findings,
    checks: tuple[Check, ...],
    folder: Path,
    made_by: Any,
    carried: tuple[Attachment, ...],
) -> Report:
    """Build the report of measured fields, with its verdicts."""
    from inspect_tool.report.build import build, table
    from inspect_tool.report.render import language_of, load_settings, template_sha256
    from inspect_tool.report.selection import shown_fields

    sizes = load_settings(planned.template).sizes
    records = records_of(outcomes)
    fields = table("Fields", findings.measurements.fields)
    shown = [records[i] for i in shown_fields(fields, records, findings.results, sizes.most_fields)]
    printed = {file: sizes.picture_px for record in (records[0], *shown) for file in (record.picture, record.overlay)}
    thumbnails = [shown for outcome in outcomes for shown in outcome.thumbnails]
    worst = worst_first(thumbnails)
    for one in thumbnails:
        if one not in worst:
            (folder / one.file).unlink()
    pictures = [path for name in PICTURES for path in sorted((folder / name).glob("*"))]
    return build(
        job_name=planned.path.stem,
        job=planned.job,
        standard=planned.editions.job,
        findings=findings,
        micrographs=records,
        checks=checks,
        conformities=judged(planned.requirements, findings, [source.specimen for source in planned.sources]),
        worst=worst,
        provenance=made_by,
        title=recipe.TITLE,
        warnings=remarks(planned.job, records_of(outcomes), planned.samples),
        criteria=planned.criteria,
        attachments=(*carried, *(_picture(folder, path, printed) for path in pictures)),
        template_sha256=template_sha256(planned.template),
        language=language_of(planned.job.language, planned.template),
    )


def typesetting(planned: Plan) -> str:
    """How this machine sets the samples of the template; empty: nothing is printed."""
    if "pdf" not in planned.job.exports:
        return ""
    from inspect_tool.report.exporters.pdf import typesetting

    return typesetting(planned.template)


def _picture(folder: Path, path: Path, printed: Mapping[str, int]) -> Attachment:
    """A picture with its hash, and that of what paper shows; ``printed``: longest side of the printed ones."""
    from inspect_tool.report.figures import reduced

    made = _attachment(folder, path, "picture")
    if made.file not in printed:
        return made
    shown = sha256_bytes(reduced(path.read_bytes(), printed[made.file]))
    return made if shown == made.sha256 else replace(made, printed_sha256=shown)


def worst_first(thumbnails: Sequence[Thumbnail]) -> list[Thumbnail]:
    """The worst features of a job, as many as are shown."""
    return sorted(thumbnails, key=lambda item: -item.value)[:WORST]


def carried_files(
    planned: Plan,
    recipe: Recipe,
    folder: Path,
    replaced: supersede.Replaced | None,
) -> tuple[Attachment, ...]:
    """Copy into the report folder what the numbers rest on besides the masks: job, standards, tables of the job."""
    (folder / "job.toml").write_bytes(planned.path.read_bytes())
    (folder / FOLDER).mkdir(exist_ok=True)
    found = [_attachment(folder, folder / "job.toml", "job")]
    for name, path in sorted(planned.editions.files.items()):
        copy = folder / FOLDER / name
        copy.write_bytes(path.read_bytes())
        found.append(_attachment(folder, copy, "own standard" if name.startswith("own-") else "standard"))
    for file in planned.spec_files:
        copy = folder / FOLDER / f"spec-{file.path.name}"
        copy.write_bytes(file.path.read_bytes())
        found.append(_attachment(folder, copy, "spec"))
    for name, data in referee.files(planned.refereed, planned.samples):
        copy = folder / FOLDER / f"referee-{name}"
        copy.write_bytes(data)
        found.append(_attachment(folder, copy, "referee"))
    for key in plugins.paths_of(recipe):
        if getattr(planned.settings, key):
            path = Path(getattr(planned.settings, key))
            copy = folder / FOLDER / f"input-{path.name}"
            copy.write_bytes(path.read_bytes())
            found.append(replace(_attachment(folder, copy, "input"), key=key))
    if planned.validation is not None:
        copy = folder / FOLDER / "validation.toml"
        copy.write_bytes(planned.validation.path.read_bytes())
        found.append(_attachment(folder, copy, "validation"))
    for entry in planned.ledger:
        for name, data in (
            (edits.text_name(entry.edit), entry.text),
            (edits.difference_name(entry.edit), entry.difference),
        ):
            copy = folder / FOLDER / f"edit-{name}"
            copy.write_bytes(data)
            found.append(_attachment(folder, copy, "edit"))
    if replaced is not None:
        copy = folder / FOLDER / "replaced-report.json"
        copy.write_bytes(replaced.json)
        found.append(_attachment(folder, copy, "replaced"))
    return tuple(found)


def _attachment(
    folder: Path,
    path: Path,
    role: Literal[
        "job", "standard", "own standard", "spec", "input", "picture", "edit", "replaced", "referee", "validation"
    ],
) -> Attachment:
    return Attachment(file=path.relative_to(folder).as_posix(), sha256=sha256_file(path), role=role)


def export(planned: Plan, report: Report, folder: Path, progress: Progress, fields: int) -> None:
    """Write the files that a job asks for, the PDF last."""
    wanted = [name for name in EXPORT_ORDER if name in planned.job.exports]
    wanted += [name for name in planned.job.exports if name not in EXPORT_ORDER]
    total = fields + len(wanted)
    for i, name in enumerate(wanted):
        progress(fields + i, total, name.upper())
        write = registry.load("exporter", name).write
        if name in PAGES:
            confined(planned.template, fields, write, report, folder, planned.template)
        else:
            write(report, folder, planned.template)
    progress(total, total, "done")
