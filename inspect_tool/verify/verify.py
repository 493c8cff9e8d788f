"""Verify a report: recompute all it states from the masks and rules it carries, and compare with what it says.

Without the images and without a backend; with the images at hand they are compared by their hashes and segmented
again. What this proves: the report, its pages and its files belong together, and its numbers follow from its masks by
the stated rules. What it does not prove: who made it (that is what a signature is for), and that a mask shows the
structure (that is what the pictures, and the images, are for).
"""

import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

import inspect_tool
from inspect_tool import __version__, plugins, registry
from inspect_tool.acceptance import criteria, specs
from inspect_tool.errors import InspectError, OutputError, ReadError
from inspect_tool.evidence import audit, edits, masks, trail_checks, trail_reports
from inspect_tool.evidence.dossier import Dossier, of_pdf, open_dossier
from inspect_tool.evidence.provenance import package_versions, platform_name
from inspect_tool.files import checked, load_job, parse_report, plain, sha256_bytes, sha256_file
from inspect_tool.images import quality, specimen_area
from inspect_tool.inspection import field_record, job_plan, one_field, reporting, supersede
from inspect_tool.inspection.conclusion import concluded
from inspect_tool.model import (
    Check,
    Criteria,
    FieldMeasurement,
    Job,
    MicrographRecord,
    Report,
    Requirement,
    Segmentation,
    Standard,
    Statement,
    Table,
    Thumbnail,
)
from inspect_tool.plugins import Recipe
from inspect_tool.referee import ledger as referee
from inspect_tool.report import figures
from inspect_tool.report.build import build, report_digest, report_id
from inspect_tool.report.exporters.csv import csv_text
from inspect_tool.segmentation import question
from inspect_tool.standards.editions import load_standard, shelf
from inspect_tool.validation.features import with_features
from inspect_tool.validation.values import Validation, load_validation
from inspect_tool.verify import drawn_again, pages, pdf_compare

State = Literal["verified", "differs", "not checked"]
Progress = Callable[[int, int, str], None]

STRICT, LOOSE = 1e-9, 1e-6
"""Relative difference of equal numbers: on the platform and libraries of the run, and on others [1]."""

Part = Literal[
    "digest",
    "files",
    "audit trail",
    "numbers",
    "pictures",
    "HTML page",
    "PDF pages",
    "images",
    "segmentation",
    "image quality",
]
_PARTS = get_args(Part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    part: Part
    state: State
    text: str
    of_images: tuple[str, ...] = ()  # names of what is read off the images, among what was looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What came out, in the order of the parts."""

    report: str  # its identification
    digest: str
    made_with: str  # software and version of the report
    verified: bool  # nothing that was looked at differs
    unseen: str  # why the look of the pages was not checked, so that it proves nothing; empty: it was
    as_stated: tuple[str, ...]  # what was not checked since it is read off the images
    findings: tuple[Finding, ...]


def verify(
    path: str | Path, *, images: Path | None = None, template: Path | None = None, progress: Progress | None = None
) -> Verification:
    """Verify a report.

    Parameters
    ----------
    path : path
        The PDF, ``report.json``, or the folder of a report.
    images : Path, optional
        Folder that holds the images, at any depth: they are compared by their hashes and segmented again.
    template : Path, optional
        Folder of the laboratory's own template, where the report was made with one.
    progress : callable, optional
        Called with (fields done, fields in all, text).

    Raises
    ------
    ReadError
        The report cannot be read, or holds nothing that it could be recomputed from.
    """
    dossier = open_dossier(Path(path))
    report = dossier.report
    _check_evidence(dossier)
    findings = [*_digest(report), *_files(dossier)]
    changed = {item.text.split(":", 1)[0] for item in findings if item.state == "differs"}
    findings += _trail(dossier, Path(path))
    with tempfile.TemporaryDirectory(prefix="inspect_tool_") as folder:
        work = _Work(Path(folder))
        findings += _numbers(dossier, work, changed, progress or _silent)
        look = _look(dossier, template)
        findings += pages_findings(dossier, work.folder, look)
        if images is not None:
            again = list(_images(dossier, work, images, progress or _silent))
            read = {name for item in again for name in item.of_images}
            findings = [item for item in findings if not item.of_images or not read.issuperset(item.of_images)]
            findings += again
    ordered = sorted(findings, key=lambda item: _PARTS.index(item.part))
    return Verification(
        report=report.id,
        digest=report.digest,
        made_with=f"{report.provenance.software} {report.provenance.version}",
        verified=all(item.state != "differs" for item in ordered),
        unseen=look.gap,
        as_stated=tuple(name for item in ordered if item.state == "not checked" for name in item.of_images),
        findings=tuple(ordered),
    )


def _check_evidence(dossier: Dossier) -> None:
    """Refuse a report that holds nothing to recompute it from."""
    report, name = dossier.report, dossier.name
    if not report.digest and not report.attachments and not any(record.evidence for record in report.micrographs):
        msg = f"{name}: cannot be recomputed: made without masks (by an earlier version)"
        raise ReadError(msg)
    for record in report.micrographs:
        if record.evidence is None or record.evidence.gap:
            why = record.evidence.gap if record.evidence is not None else "the report names no masks of it"
            msg = f"{name}: cannot be recomputed: {record.image}: {why}"
            raise ReadError(msg)
    if dossier.pdf is not None and not masks.attached(report):
        msg = f"{name}: cannot be recomputed: its masks are too large for the PDF; verify the report folder"
        raise ReadError(msg)


# ------------------------------------------------------------------------------------------- digest and files


def _digest(report: Report) -> Iterator[Finding]:
    if report_digest(report) != report.digest:
        yield Finding(
            part="digest",
            state="differs",
            text=f"report.json: its content has the digest {report_digest(report)[:16]}..., it states "
            f"{report.digest[:16] or 'none'}...: something in it was changed",
        )
    elif report_id(report) != report.id:
        yield Finding(
            part="digest", state="differs", text=f"report.json: identification {report.id}, must be {report_id(report)}"
        )
    else:
        yield Finding(part="digest", state="verified", text=f"digest {report.digest} and identification {report.id}")


def _files(dossier: Dossier) -> Iterator[Finding]:
    """Compare every file that the report names with its hash, and every table with the report."""
    report = dossier.report
    named = [(item.file, item.sha256) for item in report.attachments if dossier.folder or item.role != "picture"]
    named += [(mask.file, mask.sha256) for mask in masks.masks_of(report)]
    good = 0
    for file, sha256 in named:
        data = dossier.read(file)
        if data is None:
            yield Finding(part="files", state="differs", text=f"{file}: is missing")
        elif sha256_bytes(data) != sha256:
            yield Finding(part="files", state="differs", text=f"{file}: was changed: its SHA-256 is not the stated one")
        else:
            good += 1
    tables = {"features.csv": report.features, "fields.csv": report.fields}
    for file, table in tables.items():
        data = dossier.read(file)
        if data is not None and data != csv_text(table).encode():
            yield Finding(
                part="files",
                state="differs",
                text=f"{file}: is not the table of the report{_line(data, csv_text(table))}",
            )
        elif data is not None:
            good += 1
        elif dossier.pdf is not None and file == "features.csv":
            yield Finding(part="files", state="differs", text=f"{file}: is missing")
    known = {Path(file).name for file, _ in named} | set(tables) | {"report.json"}
    for name in dossier.names:
        if name not in known:
            yield Finding(part="files", state="differs", text=f"{name}: is attached, but the report does not name it")
    jobs = [item for item in report.attachments if item.role == "job"]
    if [item.sha256 for item in jobs] != [report.provenance.job_sha256]:
        yield Finding(part="files", state="differs", text="job.toml: is not the job whose hash the provenance states")
    yield Finding(part="files", state="verified", text=f"{good} masks, attachments, pictures and tables are as stated")
    if dossier.pdf is not None and not report.template_sha256:  # later ones state the hashes of what paper shows
        yield Finding(part="files", state="not checked", text="pictures on the pages: their files are not in the PDF")
    if dossier.folder is not None and (dossier.folder / "report.xlsx").is_file():
        yield Finding(part="files", state="not checked", text="report.xlsx: workbooks are not looked at")


def _trail(dossier: Dossier, path: Path) -> Iterator[Finding]:
    """Compare a report with the audit trail of its project folder, where there is one."""
    file = path if dossier.folder is None else dossier.folder / "report.json"
    project = audit.project_folder(file)
    if not (project / audit.LOG).exists():
        yield Finding(part="audit trail", state="not checked", text="there is none beside the report")
        return
    try:
        trail = audit.read(project)
    except ReadError as error:
        yield Finding(part="audit trail", state="not checked", text=str(error))
        return
    inside = dossier.folder is not None and dossier.folder.resolve().parent == project.resolve()
    name = file.resolve().parent.name if inside else ""
    unlike, missing = trail_reports.against_trail(trail.entries, plain(dossier.report), name, dossier.folder)
    where = project / audit.LOG
    by_hand = trail_checks.against_report(trail.entries, plain(dossier.report), name)
    for text in (*trail.problems, *unlike, *by_hand):
        yield Finding(part="audit trail", state="differs", text=f"{where}: {text}")
    for text in missing:
        yield Finding(part="audit trail", state="not checked", text=f"{where}: {text}")
    if not trail.problems and not unlike and not missing and not by_hand:
        yield Finding(part="audit trail", state="verified", text=f"{where} tells the same of this report and its edits")


def _line(data: bytes, wanted: str) -> str:
    """Say which line of a text differs first."""
    found = data.decode(errors="replace").splitlines()
    lines = wanted.splitlines()
    for i, (one, other) in enumerate(zip(found, lines, strict=False), start=1):
        if one != other:
            return f": line {i} is '{one[:60]}', must be '{other[:60]}'"
    return f": {len(found)} lines, must be {len(lines)}"


# ------------------------------------------------------------------------------------------------- the numbers


class _Work:
    """A passing folder with the job, the standards, the acceptance criteria and the tables that a report carries."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.standards = folder / "standards"
        self.standards.mkdir()
        self.specs = folder / "specs"
        self.specs.mkdir()
        self.edits = folder / "edits"
        self.referee = folder / "referee"
        self.replaced = folder / "replaced.json"
        self.validation = folder / "validation.toml"
        self.inputs: dict[str, str] = {}

    def fill(self, dossier: Dossier) -> None:
        for item in dossier.report.attachments:
            if item.role == "picture":
                continue
            data = dossier.read(item.file)
            if data is None:
                msg = f"{item.file}: is missing"
                raise ReadError(msg)
            name = Path(item.file).name
            if item.role == "edit":
                self.edits.mkdir(exist_ok=True)
                path = self.edits / name.removeprefix("edit-")
            elif item.role == "referee":
                self.referee.mkdir(exist_ok=True)
                name = name.removeprefix("referee-")
                path = (self.folder if name == referee.ANSWERS_FILE else self.referee) / name
            elif item.role == "replaced":
                path = self.replaced
            elif item.role == "validation":
                path = self.validation
            elif item.role == "job":
                path = self.folder / "job.toml"
            elif item.role == "input":
                path = self.folder / name.removeprefix("input-")
                self.inputs[item.key] = str(path)
            elif item.role == "spec":
                path = self.specs / name.removeprefix("spec-")
            else:
                path = (
                    (self.folder / name.removeprefix("own-")) if item.role == "own standard" else self.standards / name
                )
            if path.exists():  # a name that is nothing but its prefix, leads out, or stands for another file
                msg = f"{item.file}: is no name of such a file"
                raise ReadError(msg)
            path.write_bytes(data)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What the job of a report asks for, read again."""

    job: Job
    recipe: Recipe
    settings: Any
    standard: Standard
    requirements: tuple[Requirement, ...]
    criteria: Criteria
    spec_files: tuple[specs.SpecFile, ...]
    ledger: tuple[edits.Entry, ...]
    refereed: referee.Given | None
    replaced: Report | None
    validation: Validation | None


def _asked(work: _Work, report: Report) -> _Asked:
    job = load_job(work.folder / "job.toml")
    recipe = registry.load("recipe", job.recipe)
    settings = checked(recipe.Settings, job.settings, "job.toml", under="settings")
    inputs = {key: path for key, path in work.inputs.items() if key in plugins.paths_of(recipe)}
    settings = replace(settings, **inputs)
    name = job.standard or recipe.STANDARDS[0]
    standard = load_standard(str(work.folder / Path(name).name) if name.endswith(".toml") else name)
    day = date.fromisoformat(report.provenance.started[:10])
    spec_files: tuple[specs.SpecFile, ...] = ()
    if job.spec:
        spec_files = criteria.spec_files_of(replace(job, specs=work.specs.name), work.folder, day, "job.toml")
    requirements = criteria.requirements_of(job, recipe, settings, "job.toml", spec_files)
    return _Asked(
        job=job,
        recipe=recipe,
        settings=settings,
        standard=standard,
        requirements=requirements,
        criteria=criteria.criteria_of(job, recipe, requirements, "job.toml", spec_files, day),
        spec_files=spec_files,
        ledger=edits.read(work.edits),
        refereed=referee.given(work.folder / referee.ANSWERS_FILE, work.referee) if job.referee is not None else None,
        replaced=parse_report(work.replaced.read_bytes(), "replaced-report.json")
        if job.supersedes and work.replaced.is_file()
        else None,
        validation=load_validation(work.validation) if work.validation.is_file() else None,
    )


_UNFIT = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""How a recipe fails on forged values: what was read off an image has no stated type."""


def _place(error: BaseException) -> str:
    """Module and line of this package in which an error arose."""
    home = Path(inspect_tool.__file__).parent
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(home)]
    return f"{Path(frames[-1].filename).relative_to(home).as_posix()}, line {frames[-1].lineno}"


def _numbers(dossier: Dossier, work: _Work, changed: set[str], progress: Progress) -> Iterator[Finding]:
    """Recompute the report from its masks and compare."""
    report = dossier.report
    try:
        work.fill(dossier)
        with shelf(work.standards):
            asked = _asked(work, report)
            found, seen, pictures = _recomputed(dossier, asked, progress)
    except InspectError as error:
        if not changed:  # nothing was changed, and still it cannot be read
            msg = f"{dossier.name}: cannot be recomputed: {error}"
            raise ReadError(msg) from None
        yield Finding(part="numbers", state="differs", text=f"cannot be recomputed: {error}")
        return
    except _UNFIT as error:
        told = f"{type(error).__name__}: {' '.join(str(error).split())} ({_place(error)})"
        if not changed:
            msg = (
                f"{dossier.name}: cannot be recomputed: {told}; no change was seen in it: either what it says was read "
                "off the images is forged, digest and all, or this is a fault of inspect-tool: report it with this line"
            )
            raise ReadError(msg) from error
        yield Finding(part="numbers", state="differs", text=f"cannot be recomputed: {told}")
        return
    same = _same_libraries(report)
    unlike = [*_stated(report, asked), *_compared(report, found, STRICT if same else LOOSE)]
    for text in unlike:
        yield Finding(part="numbers", state="differs", text=text)
    if not unlike:
        count = f"{len(found.results)} results with their budgets, {len(found.checks)} checks, "
        count += f"{len(found.conformities)} verdicts, {len(found.features.rows)} features, tables and charts"
        how = "equal to 1e-9" if same else "equal to 1e-6 (made on another platform or with other libraries)"
        if report.provenance.version != __version__:
            how += f"; recomputed by version {__version__}, made by {report.provenance.version}"
        yield Finding(part="numbers", state="verified", text=f"{count}: {how}")
    yield from _pictures(pictures)
    checks = [_check(check) for check in report.checks if not _has(check, found.checks)]
    for names in (seen, *([name] for name in checks)):
        if names:
            text = f"needs the image: {', '.join(names)}"
            yield Finding(part="numbers", state="not checked", text=text, of_images=tuple(names))


def _pictures(found: Sequence[tuple[int, Sequence[str]]]) -> Iterator[Finding]:
    """What came out of drawing the layers of every field again."""
    for text in (text for _, unlike in found for text in unlike):
        yield Finding(part="pictures", state="differs", text=text)
    count = sum(number for number, _ in found)
    if count and not any(unlike for _, unlike in found):
        text = f"{count} overlays and outlines show what the masks draw"
        yield Finding(part="pictures", state="verified", text=text)
    if missing := sum(not number for number, _ in found):
        text = f"overlays of {missing} fields: their picture and layers are not in the PDF"
        yield Finding(part="pictures", state="not checked", text=text)


def _recomputed(
    dossier: Dossier, asked: _Asked, progress: Progress
) -> tuple[Report, list[str], list[tuple[int, list[str]]]]:
    """The report as it follows from masks and rules; the names of values that were read off the images; and of every
    field how many of its pictures could be compared with the masks, and what differs.

    Its checks are those that could be recomputed; the report may hold more of them.
    """
    report = dossier.report
    fields: list[FieldMeasurement] = []
    chords: list[float | None] = []
    steps: list[Statement] = []
    worst: list[Thumbnail] = []
    records: list[MicrographRecord] = []
    seen: dict[str, None] = {}
    before: dict[int, FieldMeasurement | None] = {}
    corrected: list[edits.Edited] = []
    pictures: list[tuple[int, list[str]]] = []
    shown, exact = _shown(dossier), dossier.folder is not None and _same_libraries(report)
    for i, record in enumerate(report.micrographs):
        progress(i, len(report.micrographs), record.image)
        taken, measured, step = measured_again(dossier, asked, record)
        pictures.append(drawn_again.differences(record, taken, measured, shown, exact))
        if mine := edits.of_image(asked.ledger, record.sha256):
            edited, before[i] = _edited_again(dossier, asked, record, mine)
            corrected.append(edited)
        fields.append(measured)
        chords.append(quality.structure_px(taken.labels, taken.kind))
        steps += [step] if step is not None else []
        worst += [field_record.thumbnail(i, measured, notable) for notable in measured.worst[: field_record.WORST]]
        records.append(replace(record, notes=measured.notes))
        seen |= dict.fromkeys(_read_off(measured))
    findings = concluded(
        asked.recipe,
        fields,
        asked.settings,
        asked.standard,
        [requirement.quantity for requirement in asked.requirements],
        asked.validation,
        reporting.correction_of(
            asked.job,
            asked.settings,
            asked.standard,
            asked.refereed,
            asked.ledger,
            report.micrographs,
            _reader(dossier),
        ),
        stopped=any(check.accepted for check in report.checks),
    )
    findings = replace(findings, checks=(*findings.checks, *specimen_area.checks(report.micrographs)))
    raw = reporting.findings_before(asked.recipe, asked.settings, asked.standard, fields, before) if corrected else None
    findings = edits.told(findings, raw, corrected, asked.job.edit_cap)
    made_with = supersede.settings_of(report.provenance.settings, report.provenance.backend)
    findings = supersede.told(
        findings,
        asked.replaced,
        asked.job.supersedes_reason,
        reporting.issued(asked.job, asked.standard, asked.requirements, findings, report.micrographs, made_with),
    )
    seen_tables = tuple(  # figures of the images, and the chords of what was segmented in them
        quality.with_chords(table, chords) for table in report.tables if table.title == quality.TABLE
    )
    doubts = [one for table in seen_tables for one in reporting.doubted_fields(table, asked.job, report.micrographs)]
    findings = replace(
        findings,
        checks=(*findings.checks, *doubts),
        statements=(*dict.fromkeys(steps), *findings.statements),
        tables=(*findings.tables, *seen_tables),
    )
    seen |= dict.fromkeys(_table(table) for table in seen_tables)
    day = criteria.date_of_work(asked.job, date.fromisoformat(report.provenance.started[:10]))
    known = reporting.scale_checks(report.micrographs, day)
    others = [check for check in report.checks[len(findings.checks) :] if not _has(check, known)]
    made = build(
        job_name=report.job,
        job=asked.job,
        standard=asked.standard,
        findings=findings,
        micrographs=records,
        checks=[*known, *others],
        conformities=criteria.judged(asked.requirements, findings, [field.specimen for field in fields]),
        worst=reporting.worst_first(worst),
        provenance=report.provenance,
        title=asked.recipe.TITLE,
        warnings=reporting.remarks(asked.job, records),
        attachments=report.attachments,
        criteria=asked.criteria,
    )
    return replace(made, checks=(*findings.checks, *known)), list(seen), pictures


def _read_off(measured: FieldMeasurement) -> list[str]:
    """Names of what a field read off its image."""
    names = [
        name for key, value in measured.read_off.items() for name in (value if isinstance(value, Mapping) else [key])
    ]
    return [name.replace("_", " ") for name in names]


def _table(table: Table) -> str:
    return f"table '{table.title}'"


def _check(check: Check) -> str:
    return f"check '{check.name}'"


def _same_libraries(report: Report) -> bool:
    return (report.provenance.platform, dict(report.provenance.packages)) == (platform_name(), package_versions())


def _shown(dossier: Dossier) -> Callable[[str], bytes | None]:
    """Reader of the pictures that a report shows: its files, or what its PDF holds of them, known by the hashes."""
    if dossier.folder is not None:
        return dossier.read
    stored = pdf_compare.pictures(dossier.document)
    stated = {item.file: (item.sha256, item.printed_sha256) for item in dossier.report.attachments}
    return lambda file: next((stored[one] for one in stated.get(file, ()) if one in stored), None)


def _has(check: Check, known: Sequence[Check]) -> bool:
    return any((check.name, check.specimen, check.scope) == (one.name, one.specimen, one.scope) for one in known)


def measured_again(
    dossier: Dossier, asked: "_Asked", record: MicrographRecord
) -> tuple[Segmentation, FieldMeasurement, Statement | None]:
    """Measure one field on its kept masks, as the run did on its segmentations; with what it was measured on."""
    micrograph, segmentation = masks.field(record, _reader(dossier))
    corrected = edits.applied(segmentation, edits.of_image(asked.ledger, record.sha256), record.image)
    taken, step = question.answer(asked.job.recipe, asked.recipe, corrected, micrograph.roi)
    measured: FieldMeasurement = asked.recipe.measure_field(micrograph, taken, asked.settings, asked.standard)
    return taken, with_features(measured, micrograph, taken), step


def _edited_again(
    dossier: Dossier, asked: _Asked, record: MicrographRecord, entries: Sequence[edits.Entry]
) -> tuple[edits.Edited, FieldMeasurement | None]:
    """What the edits of one field did to it, and its measurement without them."""
    micrograph, raw = masks.field(record, _reader(dossier))
    assert record.evidence is not None
    edited = edits.edited_field(entries, raw, edits.applied(raw, entries, record.image), micrograph.roi)
    micrograph = replace(micrograph, read_off=record.evidence.read_off_before)
    before = one_field.measured_before(
        asked.job.recipe, micrograph, raw, settings=asked.settings, standard=asked.standard
    )
    return edited, before


def _reader(dossier: Dossier) -> Callable[[str], bytes]:
    def read(file: str) -> bytes:
        data = dossier.read(file)
        if data is None:
            msg = f"{file}: is missing"
            raise ReadError(msg)
        return data

    return read


# ------------------------------------------------------------------------------------------------- comparing


def _stated(report: Report, asked: _Asked) -> Iterator[str]:
    """What the report repeats of the job, compared with the job."""
    job, made = asked.job, report.provenance
    paths = {*plugins.paths_of(asked.recipe)}
    wanted = {key: value for key, value in plain(asked.settings).items() if key not in paths}
    yield from differences(made.settings, wanted, "provenance settings", STRICT, only=wanted)
    backend = registry.load("backend", str(job.backend.get("name", asked.recipe.BACKEND["name"])))
    files = {*plugins.paths_of(backend), *plugins.models_of(backend), "masks"}
    table = {**(job.backend or asked.recipe.BACKEND)}
    known = {key: plain(value) for key, value in table.items() if key not in files}
    yield from differences(made.backend, known, "provenance backend", STRICT, only=known)
    specimens = {one.id: one for one in job.specimens}
    for record in report.micrographs:
        own = specimens.get(record.specimen)
        where = f"micrograph {record.image}"
        if job.specimens and own is None:
            yield f"{where} specimen: the job knows no '{record.specimen}'"
            continue
        stated = (own.calibration if own is not None else None) or job.calibration
        if stated is not None and stated.pixel_um is not None:
            side = max(stated.pixel_um, stated.pixel_y_um or 0.0)  # pixels that are not square were made so
            for name in ("pixel_um", "u_rel", "source", "certificate", "valid_until"):
                said, asks = getattr(record.calibration, name), side if name == "pixel_um" else getattr(stated, name)
                if asks and not _equal(plain(said), plain(asks), STRICT):
                    yield f"{where} calibration {name}: report {plain(said)!r}, the job states {plain(asks)!r}"
        if record.segmentation["backend"] != made.backend["name"]:
            yield f"{where} segmentation backend: '{record.segmentation['backend']}', run with '{made.backend['name']}'"


def _compared(report: Report, found: Report, tolerance: float) -> Iterator[str]:
    """Every number and text that follows from masks and rules, report against recomputed."""
    ours, theirs = plain(found), plain(report)
    for key in (
        "title",
        "recipe",
        "template",
        "header",
        "standard",
        "verdict",
        "conforming",
        "not_stated",
        "criteria",
        "lot",
    ):
        yield from differences(theirs[key], ours[key], key, tolerance)
    for key in ("results", "conformities", "fields", "features", "tables", "charts", "worst"):
        yield from differences(theirs[key], ours[key], key, tolerance)
    for key, names in (("checks", ("name", "specimen", "scope")), ("statements", ("name",)), ("warnings", ())):
        yield from _contained(theirs[key], ours[key], key, names, tolerance)
    for i, (record, again) in enumerate(zip(theirs["micrographs"], ours["micrographs"], strict=True), start=1):
        yield from _contained(record["notes"], again["notes"], f"micrograph {i} notes", (), tolerance)
    for check in report.checks:
        judged = check.value is not None and (
            check.value >= check.limit if check.relation == ">=" else check.value <= check.limit
        )
        if check.scope == "image" and check.value is not None and judged != check.passed:
            yield f"checks '{check.name}' passed: {check.passed}, but {check.value:g} {check.relation} {check.limit:g}"
        elif not _has(check, found.checks) and check.scope not in ("image", "calibration"):
            yield f"checks '{check.name}': in the report, not found by recomputing"


def differences(
    stated: Any, found: Any, where: str, tolerance: float, only: Iterable[str] | None = None
) -> Iterator[str]:
    """Name every place where plain data differ: the report first, then what was recomputed.

    >>> list(differences({"results": [{"quantity": "g", "value": 7.0}]}, {"results": [{"quantity": "g", "value": 8.0}]},
    ...     "report", 1e-9))
    ["report results 'g' value: report 7.0, recomputed 8.0"]
    """
    if isinstance(stated, Mapping) and isinstance(found, Mapping):
        if "columns" in found and "rows" in found and stated.get("columns") == found["columns"]:
            yield from _cells(stated, found, where, tolerance)
            return
        keys = only if only is not None else dict.fromkeys([*stated, *found])
        for key in keys:
            yield from differences(stated.get(key), found.get(key), f"{where} {key}", tolerance)
    elif isinstance(stated, list) and isinstance(found, list) and (stated or found):
        if len(stated) != len(found):
            yield f"{where}: report has {len(stated)} entries, recomputed {len(found)}"
        for i, (one, other) in enumerate(zip(stated, found, strict=False), start=1):
            yield from differences(one, other, f"{where} {_label(other, i)}", tolerance)
    elif not _equal(stated, found, tolerance):
        yield f"{where}: report {_short(stated)}, recomputed {_short(found)}"


def _cells(stated: Mapping[str, Any], found: Mapping[str, Any], where: str, tolerance: float) -> Iterator[str]:
    yield from differences([stated.get("title"), stated.get("note")], [found["title"], found["note"]], where, tolerance)
    rows, others = stated.get("rows", []), found["rows"]
    if len(rows) != len(others):
        yield f"{where}: report has {len(rows)} rows, recomputed {len(others)}"
    for i, (row, other) in enumerate(zip(rows, others, strict=False), start=1):
        if row == other:
            continue
        if len(row) != len(other):
            yield f"{where} row {i}: report has {len(row)} cells, recomputed {len(other)}"
        for column, a, b in zip(found["columns"], row, other, strict=False):
            yield from differences(a, b, f"{where} row {i} {column}", tolerance)


def _contained(
    stated: list[Any], found: list[Any], where: str, names: tuple[str, ...], tolerance: float
) -> Iterator[str]:
    """Find every recomputed entry among those of the report, which may hold others that need the image."""
    for item in found:
        if any(not any(differences(other, item, "", tolerance)) for other in stated):
            continue
        alike = [other for other in stated if names and all(other[name] == item[name] for name in names)]
        label = f"{where} {_label(item, 0)}".strip()
        if len(alike) == 1:
            yield from differences(alike[0], item, label, tolerance)
        else:
            yield f"{label}: recomputed {_short(item)}, which the report does not state"


def _label(item: Any, number: int) -> str:
    if isinstance(item, Mapping):
        name = item.get("quantity") or item.get("title") or item.get("name") or item.get("feature")
        specimen = f" of specimen {item['specimen']}" if item.get("specimen") else ""
        if name:
            return f"'{name}'{specimen}"
    return f"{number}" if number else ""


def _equal(one: Any, other: Any, tolerance: float) -> bool:
    if isinstance(one, bool) or isinstance(other, bool) or not isinstance(one, int | float):
        return bool(one == other)
    if not isinstance(other, int | float):
        return False
    return bool(abs(one - other) <= tolerance * max(abs(one), abs(other)))


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


# ----------------------------------------------------------------------------------------------------- the pages


def _look(dossier: Dossier, template: Path | None) -> pages.Look:
    """How far the look of the pages can be compared here; where there are none, there is nothing to miss."""
    report, folder = dossier.report, dossier.folder
    printed = folder is None or (folder / "report.pdf").is_file()
    found = pages.look(report, template, printed)
    some = printed or (folder is not None and (folder / "report.html").is_file())
    return found if some or pages.is_own(report, template) else replace(found, gap="")


def pages_findings(dossier: Dossier, work: Path, look: pages.Look) -> Iterator[Finding]:
    """Compare the pages of a report with what its data render to."""
    if dossier.folder is None:
        yield from _readable(_pdf(dossier, dossier, work, look))
        return
    html, pdf = dossier.folder / "report.html", dossier.folder / "report.pdf"
    if html.is_file():
        yield from _html(dossier.report, html, look)
    else:
        yield Finding(part="HTML page", state="not checked", text="there is none in the folder")
    if pdf.is_file():
        try:
            printed = of_pdf(pdf.read_bytes(), pdf.name)
        except (ReadError, OSError) as error:
            yield Finding(part="PDF pages", state="differs", text=str(error))
            return
        yield from _readable(_pdf(dossier, printed, work, look))
    else:
        yield Finding(part="PDF pages", state="not checked", text="there is none in the folder")


def _html(report: Report, path: Path, look: pages.Look) -> Iterator[Finding]:
    shown = path.read_bytes().decode(errors="replace")
    unlike = pages.html_contradictions(report, shown) if look.gap else []
    if look.template is not None or look.gap != pages.OWN:
        unlike += pages.html_differences(report, path, look.template, path.parent)
    said = "".join(pages.page_text(shown))
    yield from _page("HTML page", unlike, look, look.template is not None, report, said)


def _readable(findings: Iterator[Finding]) -> Iterator[Finding]:
    """Findings on a PDF, ended by one that says so where it cannot be read further."""
    try:
        yield from findings
    except InspectError as error:
        yield Finding(part="PDF pages", state="differs", text=str(error))
    except Exception as error:  # a broken document fails in any way inside the reader
        text = " ".join(str(error).split())[:80] or type(error).__name__
        yield Finding(part="PDF pages", state="differs", text=f"cannot be read: {text}")


def _pdf(dossier: Dossier, printed: Dossier, work: Path, look: pages.Look) -> Iterator[Finding]:
    """Compare the PDF ``printed`` with a report, which lies in a folder or is the one that the PDF carries."""
    report, document = dossier.report, printed.document
    unlike: list[str] = []
    if printed is not dossier:
        unlike += [] if printed.json == dossier.json else ["its report.json is not that of the folder"]
        unlike += [f"attachment {item.text}" for item in _files(printed) if item.state == "differs"]
    unlike += pages.pdf_contradictions(report, document) if look.gap else []
    if look.prints and look.template is not None:
        files = pages.Files(json=dossier.json, read=dossier.read, pictures=dossier.folder)
        unlike += pages.pdf_differences(report, document, look.template, files, work)
    else:
        unlike += pages.pdf_doubts(report, document, look.gap == pages.OWN)
    said = pages.pdf_words(document) if look.gap == pages.OWN and not unlike else ""
    yield from _page("PDF pages", unlike, look, look.prints, report, said)
    yield from _signatures(printed)


def _page(
    part: Literal["HTML page", "PDF pages"],
    unlike: Sequence[str],
    look: pages.Look,
    again: bool,
    report: Report,
    said: str,
) -> Iterator[Finding]:
    """What came out for one kind of pages; ``again``: they were made again, ``said``: all that they say."""
    for text in unlike:
        yield Finding(part=part, state="differs", text=text)
    if unlike:
        return
    if again:
        text = "made again from the data: the same in every part"
        yield Finding(part=part, state="verified", text=text)
    elif look.gap != pages.OWN:
        text = f"holds every main result, limit and verdict; its look was not checked: {look.gap}"
        yield Finding(part=part, state="verified", text=text)
    else:
        text = "made with a template of its own; give --template with the folder as it was"
        yield Finding(part=part, state="not checked", text=text)
    if look.gap == pages.OWN:
        for text in pages.missing(report, said):
            yield Finding(part=part, state="not checked", text=text)


def _signatures(printed: Dossier) -> Iterator[Finding]:
    """Whether the signatures of a PDF fit it, where the extra for them is installed."""
    from inspect_tool.verify import pdf_check

    count = pdf_compare.signatures(printed.document)
    if not count or printed.pdf is None:
        return
    try:
        found = pdf_check.signatures(printed.pdf, None, printed.name)
    except OutputError:
        text = f"{count} signatures: validate-pdf tells whether they fit the file"
        yield Finding(part="PDF pages", state="not checked", text=text)
        return
    problems = [f"signature {item.number} ({item.name}): {text}" for item in found for text in item.problems]
    for text in problems:
        yield Finding(part="PDF pages", state="differs", text=text)
    if not problems:
        text = f"{count} signatures: they fit the file; validate-pdf --trust tells whose they are"
        yield Finding(part="PDF pages", state="verified", text=text)


# ---------------------------------------------------------------------------------------------------- the images


def _images(dossier: Dossier, work: _Work, folder: Path, progress: Progress) -> Iterator[Finding]:
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
        with shelf(work.standards):
            job = load_job(work.folder / "job.toml")
            sources = tuple(_source(job, record, path) for record, path in zip(report.micrographs, files, strict=True))
            asked = _asked(work, report)
            planned = job_plan.plan(
                work.folder / "job.toml", folder=folder, sources=sources, spec_files=asked.spec_files
            )
            figures: list[quality.Figure] = []
            for i, record in enumerate(report.micrographs):
                progress(i, len(files), f"segmenting {record.image}")
                entries = edits.of_image(asked.ledger, record.sha256)
                found, judged = _segmented_again(dossier, planned, i, record, entries)
                yield from found
                figures += judged
            yield from _judged_again(report, planned, figures)
    except InspectError as error:
        yield Finding(part="segmentation", state="not checked", text=str(error))


def _source(job: Job, record: MicrographRecord, path: Path) -> job_plan.Source:
    """The image of a record as the job would name it."""
    own = [one for one in job.specimens if (one.id, one.section) == (record.specimen, record.section)]
    return job_plan.Source(
        path=path,
        name=record.image,
        sha256=record.sha256,
        specimen=record.specimen,
        section=record.section,
        plane=record.plane,
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
    micrograph = one_field.read_source(planned, planned.sources[index])
    _, stated = masks.field(record, _reader(dossier))
    kept = {"": stated, **dict(stated.alternatives())}
    unlike: list[str] = []

    def compare(name: str, segmentation: Segmentation) -> None:
        one = kept.pop(name, None)
        what = f"other segmentation '{name}'" if name else "mask"
        if one is None or one.labels.shape != segmentation.labels.shape:
            unlike.append(f"{what}: is not among the kept ones")
            return
        share = float(np.count_nonzero(one.labels != segmentation.labels)) / one.labels.size
        if share:
            unlike.append(f"{what}: {100 * share:.3g} % of the pixels differ")
        if (one.objects is None) != (segmentation.objects is None) or (
            one.objects is not None and not np.array_equal(one.objects, segmentation.objects)  # type: ignore[arg-type]
        ):
            unlike.append(f"{what}: the numbers of the objects differ")

    taken, measured, _ = one_field.measured_field(
        planned, planned.sources[index], micrograph, one_field.model_of(planned), keep=compare, entries=entries
    )
    unlike += [f"other segmentation '{name}': was not made again" for name in kept if name]
    said = record.evidence.read_off if record.evidence is not None else {}
    unlike += differences(plain(said), plain(measured.read_off), "read off the image:", LOOSE)
    found = [Finding(part="segmentation", state="differs", text=f"{record.image}: {text}") for text in unlike]
    if not unlike:
        text, read = f"{record.image}: segmented again, the same masks", tuple(_read_off(measured))
        found.append(Finding(part="segmentation", state="verified", text=text, of_images=read))
    picture = _shown(dossier)(record.picture)
    if picture is not None and not drawn_again.same_picture(picture, figures.field_picture(micrograph)[0]):
        text = f"{record.picture}: is not the picture of the image {record.image}"
        found.append(Finding(part="pictures", state="differs", text=text))
    seen = quality.image_figures(micrograph.pixels, micrograph.roi, planned.limits, record.image)
    return found, quality.structure_figures(taken, measured.values, seen, planned.limits)


def _judged_again(report: Report, planned: job_plan.Plan, figures: Sequence[quality.Figure]) -> Iterator[Finding]:
    """Compare the table and the checks of the image quality with figures that were read off the images again."""
    again = quality.with_acceptances(figures, planned.job.accept)
    table = quality.table(again, [record.image for record in report.micrographs])
    checks = quality.as_checks(again, planned.limits, quality.default_limits(planned.job.recipe))
    unlike = [
        *_contained(plain(report.tables), [plain(table)], "tables", ("title",), LOOSE),
        *_contained(plain(report.checks), plain(checks), "checks", ("name", "specimen", "scope"), LOOSE),
    ]
    read = (_table(table), *map(_check, checks))
    for text in unlike:
        yield Finding(part="image quality", state="differs", text=text, of_images=read)
    if not unlike:
        text = f"{len(checks)} checks and the figures of {len(report.micrographs)} images: read off again, the same"
        yield Finding(part="image quality", state="verified", text=text, of_images=read)


def _silent(done: int, total: int, text: str) -> None:
    """Report no progress."""
