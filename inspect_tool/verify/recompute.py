"""The numbers of a report computed again from the masks it carries."""

import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import fields as fields_of
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import inspect_tool
from inspect_tool import __version__, plugins, registry
from inspect_tool.acceptance import criteria, specs
from inspect_tool.errors import InspectError, ReadError
from inspect_tool.evidence import edits, masks
from inspect_tool.evidence.dossier import Dossier
from inspect_tool.evidence.provenance import package_versions, platform_name
from inspect_tool.files import SCHEMA, checked, load_job, parse_report, plain
from inspect_tool.images import quality
from inspect_tool.inspection import field_record, one_field, reporting, supersede
from inspect_tool.inspection.conclusion import Asked, Measured, correction_of, findings_of
from inspect_tool.inspection.job_plan import Progress
from inspect_tool.languages import FIRST_SCHEMA, is_text, same, translated
from inspect_tool.model import (
    Check,
    Editions,
    FieldMeasurement,
    Job,
    MicrographRecord,
    Report,
    Requirement,
    Segmentation,
    Statement,
    Table,
    Thumbnail,
)
from inspect_tool.referee import ledger as referee
from inspect_tool.report.dates import date_checks, day_of_issue
from inspect_tool.standards import verified
from inspect_tool.standards.editions import OWN, editions_for
from inspect_tool.validation.features import with_features
from inspect_tool.validation.values import load_validation
from inspect_tool.verify import overlays, pdf_compare
from inspect_tool.verify.differences import contained, differences, equal
from inspect_tool.verify.findings import LOOSE, STRICT, Finding


class Work:
    """A passing folder with the job, the standards, the acceptance criteria and the tables that a report carries."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.standards = folder / "standards"
        self.standards.mkdir()
        self.specs = folder / "specs"
        self.specs.mkdir()
        self.compared = folder / "compared"
        self.edits = folder / "edits"
        self.referee = folder / "referee"
        self.replaced = folder / "replaced.json"
        self.validation = folder / "validation.toml"
        self.inputs: dict[str, str] = {}

    def fill(self, dossier: Dossier) -> None:
        """Put what a report carries where the program reads it."""
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
            elif item.role == "comparison":
                self.compared.mkdir(exist_ok=True)
                path = self.compared / name.removeprefix(verified.COPY)
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
                path = (self.folder / name.removeprefix(OWN)) if item.role == "own standard" else self.standards / name
            if path.exists():  # a name that is nothing but its prefix, leads out, or stands for another file
                msg = f"{item.file}: is no name of such a file"
                raise ReadError(msg)
            path.write_bytes(data)


def job_of(work: Work, report: Report) -> Job:
    """Read the job that a report carries; what it leaves to the program is as the version that made it had it.

    A report of this very version is held to the defaults of this version.
    """
    job = load_job(work.folder / "job.toml")
    if not report.issued:  # by a version that knew this layout alone
        job = replace(job, layout="full", annex="behind")
    if report.provenance.version == __version__:
        return job
    made = report.provenance
    recipe = registry.load("recipe", job.recipe)
    table = {**(job.backend or {"name": made.backend["name"]})}
    backend = registry.load("backend", str(table["name"]))
    files = {*plugins.paths_of(backend), *plugins.models_of(backend), "masks"}
    return replace(
        job,
        settings={**_known(made.settings, recipe.Settings, {*plugins.paths_of(recipe)}), **job.settings},
        backend={**_known(made.backend, backend.Settings, files), **table},
    )


def _known(stated: Mapping[str, Any], kind: type[Any], files: Collection[str]) -> dict[str, Any]:
    """Settings that a plug-in still has, but for those that name files."""
    return {item.name: stated[item.name] for item in fields_of(kind) if item.name in stated and item.name not in files}


def _left_open(work: Work, asked: Asked) -> list[str]:
    """Settings that the job leaves to the program and that have another default today."""
    job = load_job(work.folder / "job.toml")
    now = plain(checked(asked.recipe.Settings, job.settings, "job.toml"))
    taken = asked.job.settings.items()
    return [f"{key} {value} (now {now[key]})" for key, value in taken if not equal(plain(value), now[key], STRICT)]


def asked_of(work: Work, report: Report) -> Asked:
    """Read what the report was asked for, as the run did."""
    job = job_of(work, report)
    recipe = registry.load("recipe", job.recipe)
    settings = checked(recipe.Settings, job.settings, "job.toml", under="settings")
    inputs = {key: path for key, path in work.inputs.items() if key in plugins.paths_of(recipe)}
    settings = replace(settings, **inputs)
    day = date.fromisoformat(report.provenance.started[:10])
    spec_files: tuple[specs.SpecFile, ...] = ()
    if job.spec:
        spec_files = criteria.spec_files_of(replace(job, specs=work.specs.name), work.folder, day, "job.toml")

    def editions_of(asked: Sequence[Requirement]) -> Editions:
        name = job.standard or recipe.STANDARDS[0]
        path = str(work.folder / Path(name).name) if name.endswith(".toml") else name
        compared = work.compared if work.compared.is_dir() else None
        return verified.with_comparisons(
            editions_for(recipe, settings, path, asked, work.standards, work.folder), compared
        )

    found = criteria.resolved(job, recipe, settings, "job.toml", spec_files, day, editions_of)
    return Asked(
        job=job,
        recipe=recipe,
        settings=settings,
        editions=found.editions,
        requirements=found.requirements,
        criteria=found.criteria,
        spec_files=spec_files,
        ledger=edits.read(work.edits),
        refereed=referee.given(work.folder / referee.ANSWERS_FILE, work.referee) if job.referee is not None else None,
        samples=referee.read(work.referee),
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


def number_findings(dossier: Dossier, work: Work, changed: set[str], progress: Progress) -> Iterator[Finding]:
    """Recompute the report from its masks and compare."""
    report = dossier.report
    try:
        work.fill(dossier)
        asked = asked_of(work, report)
        found, seen, pictures = _recomputed(dossier, asked, progress)
        if report.schema != SCHEMA:
            found = translated(found, FIRST_SCHEMA)
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
    same = same_libraries(report)
    unlike = [*stated(report, asked), *compared(report, found, STRICT if same else LOOSE)]
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
    if left := _left_open(work, asked):
        text = f"settings that the job left to the program, taken as the report states them: {', '.join(left)}"
        yield Finding(part="numbers", state="not checked", text=text)
    checks = [name_of_check(check) for check in report.checks if not has_check(check, found.checks)]
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
    dossier: Dossier, asked: Asked, progress: Progress
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
    earlier: list[Thumbnail] = []  # what earlier versions showed: also parts of what goes through a field
    records: list[MicrographRecord] = []
    seen: dict[str, None] = {}
    before: dict[int, FieldMeasurement | None] = {}
    corrected: list[edits.Edited] = []
    pictures: list[tuple[int, list[str]]] = []
    left = {one.place for one in report.lost}
    places = [i for i in range(len(report.micrographs) + len(left)) if i + 1 not in left]
    shown, exact = pictures_shown(dossier), dossier.folder is not None and same_libraries(report)
    for i, record in enumerate(report.micrographs):
        progress(i, len(report.micrographs), record.image)
        taken, measured, step = measured_again(dossier, asked, record)
        pictures.append(overlays.differences(record, taken, measured, shown, exact))
        if mine := edits.of_image(asked.ledger, record.sha256):
            edited, before[i] = _edited_again(dossier, asked, record, mine)
            corrected.append(edited)
        fields.append(measured)
        chords.append(quality.structure_px(taken.labels, taken.kind))
        steps += [step] if step is not None else []
        for shown_of, apart in ((worst, True), (earlier, False)):
            notables = [one for one in measured.worst if one.apart or not apart]
            shown_of += [
                field_record.thumbnail(places[i], measured, notable) for notable in notables[: field_record.WORST]
            ]
        records.append(replace(record, notes=measured.notes))
        seen |= dict.fromkeys(names_read_off(measured))
    seen_tables = [  # figures of the images, and the chords of what was segmented in them
        quality.with_chords(table, chords) for table in report.tables if is_text(table.title, quality.TABLE.key)
    ]
    seen |= dict.fromkeys(name_of_table(table) for table in seen_tables)
    again = Measured(
        fields=fields,
        records=records,
        steps=steps,
        seen=seen_tables,
        stopped=any(check.accepted for check in report.checks),
        edited=corrected,
        before=before,
        read=reader_of(dossier),
        made_with=supersede.settings_of(report.provenance.settings, report.provenance.backend),
        lost=report.lost,
    )
    findings = findings_of(asked, again, correction_of(asked, again))
    run = date.fromisoformat(report.provenance.started[:10])
    known = reporting.scale_checks(records, criteria.date_of_work(asked.job.header, run))
    known += date_checks(asked.job.header, run) if report.issued else ()
    others = [check for check in report.checks[len(findings.checks) :] if not has_check(check, known)]
    made = reporting.report_of(
        asked,
        again,
        findings,
        job_name=report.job,
        checks=[*known, *others],
        worst=_as_stated(report, reporting.worst_first(worst), reporting.worst_first(earlier)),
        provenance=report.provenance,
        attachments=report.attachments,
        issued=day_of_issue(asked.job.header, run) if report.issued else "",
        told=bool(report.editions),
    )
    return replace(made, checks=(*findings.checks, *known)), list(seen), pictures


def _as_stated(report: Report, *ways: list[Thumbnail]) -> list[Thumbnail]:
    """The worst features of a report by the rule that it goes by; by that of this version where it goes by none."""
    stated = plain(report.worst)
    return next((way for way in ways if not any(differences(stated, plain(way), "worst", LOOSE))), ways[0])


def names_read_off(measured: FieldMeasurement) -> list[str]:
    """Names of what a field read off its image."""
    names = [
        name for key, value in measured.read_off.items() for name in (value if isinstance(value, Mapping) else [key])
    ]
    return [name.replace("_", " ") for name in names]


def name_of_table(table: Table) -> str:
    """Name a table, for a finding."""
    return f"table '{table.title}'"


def name_of_check(check: Check) -> str:
    """Name a check, for a finding."""
    return f"check '{check.name}'"


def same_libraries(report: Report) -> bool:
    """Whether this platform and these libraries are those of the run."""
    return (report.provenance.platform, dict(report.provenance.packages)) == (platform_name(), package_versions())


def pictures_shown(dossier: Dossier) -> Callable[[str], bytes | None]:
    """Reader of the pictures that a report shows: its files, or what its PDF holds of them, known by the hashes."""
    if dossier.folder is not None:
        return dossier.read
    stored = pdf_compare.pictures(dossier.document)
    stated = {item.file: (item.sha256, item.printed_sha256) for item in dossier.report.attachments}
    return lambda file: next((stored[one] for one in stated.get(file, ()) if one in stored), None)


def has_check(check: Check, known: Sequence[Check]) -> bool:
    """Whether a check of the same name, specimen and scope is among those known."""
    return any(
        same(check.name, one.name) and (check.specimen, check.scope) == (one.specimen, one.scope) for one in known
    )


def measured_again(
    dossier: Dossier, asked: Asked, record: MicrographRecord
) -> tuple[Segmentation, FieldMeasurement, Statement | None]:
    """Measure one field on its kept masks, as the run did on its segmentations; with what it was measured on."""
    micrograph, segmentation = masks.field(record, reader_of(dossier))
    corrected = edits.applied(segmentation, edits.of_image(asked.ledger, record.sha256), record.image)
    taken, measured, step = one_field.measured_labels(
        asked.job.recipe, micrograph, corrected, asked.settings, asked.editions
    )
    return taken, with_features(measured, micrograph, taken), step


def _edited_again(
    dossier: Dossier, asked: Asked, record: MicrographRecord, entries: Sequence[edits.Entry]
) -> tuple[edits.Edited, FieldMeasurement | None]:
    """What the edits of one field did to it, and its measurement without them."""
    micrograph, raw = masks.field(record, reader_of(dossier))
    assert record.evidence is not None
    edited = edits.edited_field(entries, raw, edits.applied(raw, entries, record.image), micrograph.roi)
    micrograph = replace(micrograph, read_off=record.evidence.read_off_before)
    before = one_field.measured_before(
        asked.job.recipe, micrograph, raw, settings=asked.settings, editions=asked.editions
    )
    return edited, before


def reader_of(dossier: Dossier) -> Callable[[str], bytes]:
    """Give the bytes of a file of a report; one that is not there is a ``ReadError``."""

    def read(file: str) -> bytes:
        data = dossier.read(file)
        if data is None:
            msg = f"{file}: is missing"
            raise ReadError(msg)
        return data

    return read


def stated(report: Report, asked: Asked) -> Iterator[str]:
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
                if asks and not equal(plain(said), plain(asks), STRICT):
                    yield f"{where} calibration {name}: report {plain(said)!r}, the job states {plain(asks)!r}"
        if record.segmentation["backend"] != made.backend["name"]:
            yield f"{where} segmentation backend: '{record.segmentation['backend']}', run with '{made.backend['name']}'"


def compared(report: Report, found: Report, tolerance: float) -> Iterator[str]:
    """Every number and text that follows from masks and rules, report against recomputed."""
    ours, theirs = plain(found), plain(report)
    if not any(one.rating for one in report.results):  # an earlier version, which said nothing of classes
        ours["results"] = [{**one, "rating": None} for one in ours["results"]]
    for key in (
        "title",
        "recipe",
        "template",
        "header",
        "standard",
        "editions",
        "verdict",
        "conforming",
        "not_stated",
        "layout",
        "annex",
        "issued",
        "criteria",
        "lot",
    ):
        yield from differences(theirs[key], ours[key], key, tolerance)
    classes = ("class_verdicts",) if report.class_verdicts else ()  # earlier versions had none
    for key in ("results", "conformities", *classes, "fields", "features", "tables", "charts", "worst"):
        yield from differences(theirs[key], ours[key], key, tolerance)
    for key, names in (("checks", ("name", "specimen", "scope")), ("statements", ("name",)), ("warnings", ())):
        yield from contained(theirs[key], ours[key], key, names, tolerance)
    for i, (record, again) in enumerate(zip(theirs["micrographs"], ours["micrographs"], strict=True), start=1):
        yield from contained(record["notes"], again["notes"], f"micrograph {i} notes", (), tolerance)
    for check in report.checks:
        judged = check.value is not None and (
            check.value >= check.limit if check.relation == ">=" else check.value <= check.limit
        )
        if check.scope == "image" and check.value is not None and judged != check.passed:
            yield f"checks '{check.name}' passed: {check.passed}, but {check.value:g} {check.relation} {check.limit:g}"
        elif not has_check(check, found.checks) and check.scope not in ("image", "calibration"):
            yield f"checks '{check.name}': in the report, not found by recomputing"
