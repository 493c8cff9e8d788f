"""A re-issued report: it names the one it replaces and why, and shows what differs (ISO/IEC 17025, 7.8.8)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isclose
from pathlib import Path
from typing import Any

from inspect_tool.acceptance.verdict import overall_verdict
from inspect_tool.errors import OutputError, ReadError, SettingsError
from inspect_tool.evidence import audit, edits
from inspect_tool.evidence.dossier import open_dossier
from inspect_tool.files import plain
from inspect_tool.languages import Text, is_text
from inspect_tool.model import Cell, Conformity, Findings, Header, Job, Report, Result, Statement, Table
from inspect_tool.report.build import IDENTIFICATION, report_digest, report_id

TABLE = Text("inspection.title_what_differs")

_EQUAL = 1e-6  # relative difference of numbers that count as equal: what another platform makes of one [1]

_Row = tuple[str, str, Cell, Cell]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Replaced:
    """The report that a job replaces."""

    report: Report
    json: bytes
    folder: Path | None  # that it lies in


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """What the new report says, as far as it is compared."""

    results: Sequence[Result]
    conformities: Sequence[Conformity]
    images: Mapping[str, str]  # SHA-256 to name
    header: Header
    standard: str
    settings: Mapping[str, Any]  # of recipe and backend, plain
    edits: int


def read(job: Job, folder: Path, where: str) -> Replaced | None:
    """Read the report that a job replaces; None where it replaces none.

    Raises
    ------
    SettingsError
        A report without a reason, or the other way round.
    ReadError
        It is not there, cannot be read, or was changed after it was issued.
    """
    if bool(job.supersedes.strip()) != bool(job.supersedes_reason.strip()):
        missing = "supersedes_reason" if job.supersedes.strip() else "supersedes"
        msg = f"{where} {missing}: is missing; a report that replaces another names it and says why"
        raise SettingsError(msg)
    if not job.supersedes.strip():
        return None
    path = folder / job.supersedes
    dossier = open_dossier(path)
    report = dossier.report
    if report.digest != report_digest(report) or report.id != report_id(report, report.digest):
        msg = (
            f"{path}: {report.id} was changed after it was issued (inspect-tool verify tells where); name the report "
            "as it was issued"
        )
        raise ReadError(msg)
    inside = path if path.is_dir() else path.parent
    return Replaced(report=report, json=dossier.json, folder=inside.resolve())


def check_place(replaced: Replaced, out: Path, name: str) -> None:
    """Refuse to write a report over the one it replaces, and to replace one that another report replaces already.

    Raises
    ------
    OutputError
        With what to do instead.
    """
    old = replaced.report.id
    if replaced.folder == (out / name).resolve():
        msg = (
            f"{out / name}: holds {old}, which this job replaces; both are kept: give the job file of the new report "
            "another name, or choose another folder with --out"
        )
        raise OutputError(msg)
    if not (out / audit.LOG).exists():
        return
    for entry in audit.read(out).entries:
        if entry.event != "supersede" or not isinstance(entry.old, dict) or not isinstance(entry.new, dict):
            continue
        if entry.old.get("id") == old and entry.new.get("job") != name:
            msg = (
                f"{out}: {old} is replaced by {entry.subject} already (entry {entry.number} of the audit trail); "
                "replace that one"
            )
            raise OutputError(msg)


def told(findings: Findings, old: Report | None, reason: str, issued: Issued) -> Findings:
    """Add to what was found which report this one replaces, why, and what differs; nothing without an old one."""
    if old is None:
        return findings
    day = old.issued or old.header.date_of_issue or old.provenance.started[:10]
    rows = tuple(_differences(old, issued))
    table = Table(
        title=TABLE,
        columns=(Text("words.what"), Text("words.specimen"), f"{old.id}", Text("words.this_report")),
        rows=rows or (("nothing", "", None, None),),
        note=Text("inspection.note_what_differs"),
    )
    because = " ".join(reason.split()).rstrip(".")
    statement = Statement(
        name=Text("inspection.replaces_report"),
        text=Text(
            "inspection.replaces_report_text", id=old.id, day=day, digest=old.digest, because=because, table=TABLE
        ),
    )
    return replace(
        findings,
        statements=(*findings.statements, statement),
        tables=(*findings.tables, table),
        warnings=(Text("inspection.warning_replaces_report", id=old.id, day=day, because=because), *findings.warnings),
    )


def event(old: Report, new: Report, job: Job, name: str) -> audit.Event:
    """Entry of the audit trail."""
    return audit.Event(
        event="supersede",
        subject=new.id,
        reason=" ".join(job.supersedes_reason.split()),
        old={"id": old.id, "digest": old.digest, "verdict": old.verdict},
        new={"id": new.id, "digest": new.digest, "verdict": new.verdict, "job": name},
    )


def edits_of(tables: Sequence[Table]) -> int:
    """How many edits by hand a report tells of."""
    return sum(len(table.rows) for table in tables if is_text(table.title, edits.TABLE.key))


def _differences(old: Report, new: Issued) -> Iterator[_Row]:
    verdict = overall_verdict(new.conformities)
    if old.verdict != verdict:
        yield "Verdict", "", old.verdict, verdict
    yield from _changes(_results(old.results), _results(new.results))
    yield from _changes(_limits(old.conformities), _limits(new.conformities))
    for sha256, name in _images(old).items():
        if sha256 not in new.images:
            yield "Image", "", f"{name} ({sha256[:12]})", None
    for sha256, name in new.images.items():
        if sha256 not in _images(old):
            yield "Image", "", None, f"{name} ({sha256[:12]})"
    labels = {item.field: item.label for item in IDENTIFICATION}
    yield from _changes(
        *(
            {(labels.get(key, key.capitalize()), ""): value or None for key, value in plain(header).items()}
            for header in (old.header, new.header)
        )
    )
    if old.standard.name != new.standard:
        yield "Standard", "", old.standard.name, new.standard
    yield from _changes(_flat(settings_of(old.provenance.settings, old.provenance.backend)), _flat(new.settings))
    if edits_of(old.tables) != new.edits:
        yield Text("inspection.edits_by_hand"), "", edits_of(old.tables), new.edits


def settings_of(settings: Mapping[str, object], backend: Mapping[str, object]) -> dict[str, object]:
    """Settings of recipe and backend in one table, as they are compared."""
    found: dict[str, object] = plain({"settings": settings, "backend": backend})
    return found


def _images(report: Report) -> dict[str, str]:
    return {record.sha256: record.image for record in report.micrographs}


def _results(results: Sequence[Result]) -> dict[tuple[str, str], Cell]:
    found: dict[tuple[str, str], Cell] = {}
    for result in results:
        if result.main:
            name = result.title or result.quantity
            unit = f" [{result.unit}]" if result.unit not in ("", "1") else ""
            found[f"{name}{unit}", result.specimen] = result.value
            found[f"U of {name}{unit}", result.specimen] = result.expanded_u
    return found


def _limits(conformities: Sequence[Conformity]) -> dict[tuple[str, str], Cell]:
    found: dict[tuple[str, str], Cell] = {}
    counts: dict[tuple[str, str], int] = {}
    for one in conformities:
        asked = one.requirement
        key = (one.quantity, one.specimen)
        counts[key] = counts.get(key, 0) + 1
        name = (
            one.quantity
            if counts[key] == 1
            else Text("inspection.numbered_requirement", quantity=one.quantity, counts=counts[key])
        )
        for what, value in (
            (Text("inspection.lower_limit"), asked.lower),
            (Text("inspection.upper_limit"), asked.upper),
            ("rule", asked.rule),
            (Text("inspection.source_of_limit"), asked.source or None),
            ("decision", one.decision),
        ):
            unit = f" [{asked.unit}]" if "limit" in what and asked.unit and "source" not in what else ""
            found[f"{name}, {what}{unit}", one.specimen] = value
    return found


def _flat(table: Mapping[str, Any], under: str = "") -> dict[tuple[str, str], Cell]:
    found: dict[tuple[str, str], Cell] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{under}{key}.")
        else:
            found[f"{under}{key}", ""] = ", ".join(map(str, value)) if isinstance(value, list) else value
    return found


def _changes(old: Mapping[tuple[str, str], Cell], new: Mapping[tuple[str, str], Cell]) -> Iterator[_Row]:
    for key in dict.fromkeys((*old, *new)):
        was, is_now = old.get(key), new.get(key)
        if not _equal(was, is_now):
            yield (*key, was, is_now)


def _equal(one: Cell, other: Cell) -> bool:
    if isinstance(one, float | int) and isinstance(other, float | int) and not isinstance(one, bool):
        return isclose(one, other, rel_tol=_EQUAL)
    return one == other
