"""From measured fields to the report and its files."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from inspect_tool import plugins, registry
from inspect_tool.evidence import edits
from inspect_tool.evidence.masks import FOLDER
from inspect_tool.files import (
    plain,
    sha256_bytes,
    sha256_file,
)
from inspect_tool.images import quality, region, specimen_area
from inspect_tool.inspection import supersede
from inspect_tool.inspection.conclusion import Asked, Measured, verdicts
from inspect_tool.inspection.field_record import WORST, Outcome
from inspect_tool.inspection.job_plan import EXPORT_ORDER, PAGES, Plan, Progress
from inspect_tool.languages import Text
from inspect_tool.model import (
    Attachment,
    Check,
    Findings,
    Job,
    LostField,
    MicrographRecord,
    Provenance,
    Report,
    Role,
    Thumbnail,
)
from inspect_tool.plugins import Recipe
from inspect_tool.referee import history
from inspect_tool.referee import ledger as referee
from inspect_tool.report.template_process import confined
from inspect_tool.scale import calibration
from inspect_tool.standards import verified
from inspect_tool.standards.editions import OWN

PICTURES = ("pictures", "overlays", "thumbnails")  # folders of a report


def asked_of(planned: Plan, replaced: Report | None = None) -> Asked:
    """What a planned job asks for; ``replaced``: the report that the new one replaces."""
    return Asked(
        job=planned.job,
        recipe=registry.load("recipe", planned.job.recipe),
        settings=planned.settings,
        editions=planned.editions,
        requirements=planned.requirements,
        criteria=planned.criteria,
        spec_files=planned.spec_files,
        ledger=planned.ledger,
        refereed=planned.refereed,
        samples=planned.samples,
        validation=None if planned.validation is None else planned.validation.validation,
        replaced=replaced,
    )


def measured_of(planned: Plan, outcomes: Sequence[Outcome], folder: Path, lost: Sequence[LostField] = ()) -> Measured:
    """What the fields of a job gave, their masks in ``folder``; ``lost``: those that it goes on without."""
    figures = [figure for outcome in outcomes for figure in outcome.figures]
    return Measured(
        fields=[outcome.measurement for outcome in outcomes],
        records=[outcome.record for outcome in outcomes],
        steps=[outcome.step for outcome in outcomes if outcome.step is not None],
        seen=[quality.table(figures, [outcome.record.image for outcome in outcomes])],
        stopped=any(outcome.stopped for outcome in outcomes),
        edited=[outcome.edited for outcome in outcomes if outcome.edited is not None],
        before={i: outcome.before for i, outcome in enumerate(outcomes) if outcome.edited is not None},
        read=lambda file: (folder / file).read_bytes(),
        made_with=supersede.settings_of(
            plain(planned.settings), {"name": planned.backend, **plain(planned.backend_settings)}
        ),
        lost=lost,
    )


def scale_checks(records: Sequence[MicrographRecord], today: date) -> tuple[Check, ...]:
    """Judge the scales of a job: what stands behind them, and whether all that tells one agrees."""
    return (
        *calibration.checks([record.calibration for record in records], today),
        *calibration.agreement(record.scale_sources for record in records),
        *calibration.magnification_planes(record.calibration for record in records if record.modality == "xray"),
    )


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
        turn = region.orientation(record.meta)
        if drawn and turn > 1 and (turn < 5 or record.height_px == record.width_px):
            found.append(Text("inspection.warning_image_turned_upright", image=record.image, turn=turn))
    return tuple(found)


def report_of(
    asked: Asked,
    measured: Measured,
    findings: Findings,
    *,
    job_name: str,
    checks: Sequence[Check],
    worst: Sequence[Thumbnail],
    provenance: Provenance,
    attachments: Sequence[Attachment],
    template_sha256: str = "",
    language: str = "",
    issued: str = "",
    told: bool = True,
) -> Report:
    """Build the report of what a job found, with its verdicts.

    ``checks`` stand after those of the findings; ``told``: it says of every edition whose values were compared, which
    reports of earlier versions do not.
    """
    from inspect_tool.report.build import build

    return build(
        job_name=job_name,
        job=asked.job,
        standard=asked.editions.job,
        findings=findings,
        micrographs=measured.records,
        checks=checks,
        conformities=verdicts(asked, measured, findings),
        worst=worst,
        provenance=provenance,
        title=asked.recipe.TITLE,
        warnings=remarks(asked.job, measured.records, asked.samples),
        criteria=asked.criteria,
        attachments=attachments,
        lost=measured.lost,
        editions=verified.records(asked.recipe, asked.settings, asked.editions, (*findings.checks, *checks))
        if told
        else (),
        template_sha256=template_sha256,
        language=language,
        issued=issued,
    )


def remove_pictures(folder: Path, kept: Sequence[Thumbnail]) -> None:
    """Remove the pictures of features that are not among the worst of the job."""
    names = {Path(one.file).name for one in kept}
    for path in (folder / "thumbnails").glob("*"):
        if path.name not in names and not edits.is_picture(path.name):
            path.unlink()


def picture_files(
    planned: Plan, folder: Path, records: Sequence[MicrographRecord], findings: Findings
) -> Iterator[Attachment]:
    """The pictures in the folder of a report, those on paper as paper shows them too."""
    from inspect_tool.report.build import table
    from inspect_tool.report.selection import shown_fields
    from inspect_tool.report.template import load_settings

    sizes = load_settings(planned.template).sizes
    fields = table("Fields", findings.measurements.fields)
    shown = [records[i] for i in shown_fields(fields, records, findings.results, sizes.most_fields)]
    printed = {file: sizes.picture_px for record in (records[0], *shown) for file in (record.picture, record.overlay)}
    for name in PICTURES:
        for path in sorted((folder / name).glob("*")):
            yield _picture(folder, path, printed)


def typesetting(planned: Plan) -> str:
    """How this machine sets the samples of the template; empty: nothing is printed."""
    if "pdf" not in planned.job.exports:
        return ""
    from inspect_tool.report.exporters.pdf import typesetting

    return typesetting(planned.template)


def _picture(folder: Path, path: Path, printed: Mapping[str, int]) -> Attachment:
    """A picture with its hash, and that of what paper shows; ``printed``: longest side of the printed ones."""
    from inspect_tool.report.field_pictures import reduced

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
    (folder / "job.toml").write_bytes(planned.text or planned.path.read_bytes())
    (folder / FOLDER).mkdir(exist_ok=True)
    found = [_attachment(folder, folder / "job.toml", "job")]
    for name, path in sorted(planned.editions.files.items()):
        copy = folder / FOLDER / name
        copy.write_bytes(path.read_bytes())
        found.append(_attachment(folder, copy, _role_of(name)))
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


def _role_of(name: str) -> Role:
    """What the copy of a file of an edition is, by its name."""
    if name.startswith(verified.COPY):
        return "comparison"
    return "own standard" if name.startswith(OWN) else "standard"


def _attachment(folder: Path, path: Path, role: Role) -> Attachment:
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
