"""What a report is made of: its digest, its files, and its entry in the audit trail."""

import csv
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

from inspect_tool.errors import ReadError
from inspect_tool.evidence import audit, masks, trail_checks, trail_reports
from inspect_tool.evidence.dossier import Dossier
from inspect_tool.files import plain, sha256_bytes
from inspect_tool.languages import ENGLISH, fingerprint, reworded, sentences
from inspect_tool.model import (
    Report,
)
from inspect_tool.report.build import report_digest, report_id
from inspect_tool.report.exporters import lims
from inspect_tool.report.exporters.csv import csv_text
from inspect_tool.verify.differences import short
from inspect_tool.verify.findings import Finding


def digest_findings(report: Report) -> Iterator[Finding]:
    """Compare the digest and the identification with what the report says."""
    digest = report_digest(report)
    if digest != report.digest:
        yield Finding(
            part="digest",
            state="differs",
            text=f"report.json: its content has the digest {digest[:16]}..., it states "
            f"{report.digest[:16] or 'none'}...: something in it was changed",
        )
    elif (identification := report_id(report, digest)) != report.id:
        yield Finding(
            part="digest", state="differs", text=f"report.json: identification {report.id}, must be {identification}"
        )
    else:
        yield Finding(part="digest", state="verified", text=f"digest {report.digest} and identification {report.id}")


def wording_findings(report: Report) -> Iterator[Finding]:
    """Compare the words of every sentence with those that its key and values have."""
    stated = list(sentences(plain(report)))
    if not stated:  # schema 1 has words alone
        return
    if report.catalogue_sha256 != fingerprint(ENGLISH):
        text = "wording: another version put the sentences into words; their keys and values are what was compared"
        yield Finding(part="digest", state="not checked", text=text)
        return
    for place, text in stated:
        if text != (worded := reworded(text)):
            yield Finding(
                part="digest",
                state="differs",
                text=f"report.json {place}: says {short(str(text))}, its key and values say {short(worded)}",
            )


def file_findings(dossier: Dossier) -> Iterator[Finding]:
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
                text=f"{file}: is not the table of the report{line_of(data, csv_text(table))}",
            )
        elif data is not None:
            good += 1
        elif dossier.pdf is not None and file == "features.csv":
            yield Finding(part="files", state="differs", text=f"{file}: is missing")
    if (data := dossier.read(lims.FILE)) is not None:
        yield from _lims_findings(report, data)
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
    for name, what in _VIEWS.items():
        if dossier.folder is not None and (dossier.folder / name).exists():
            yield Finding(part="files", state="not checked", text=f"{name}: {what} are not looked at")


_VIEWS = {"report.xlsx": "workbooks", "report.docx": "Word files", "pages": "pictures of pages"}


def _lims_findings(report: Report, data: bytes) -> Iterator[Finding]:
    """Compare the lines for a laboratory information system with the report; the laboratory chose their keywords."""
    wanted = list(csv.reader(StringIO(csv_text(lims.lines(report, {})))))
    found = list(csv.reader(StringIO(data.decode(errors="replace"))))
    if (
        found
        and found[0] == list(lims.COLUMNS[: -len(lims.CLASS_COLUMNS)])
        and not any(one.rating for one in report.results)
    ):
        wanted = [row[: len(found[0])] for row in wanted]
    if [row[:1] + row[2:] for row in found] == [row[:1] + row[2:] for row in wanted]:
        yield Finding(part="files", state="verified", text=f"{lims.FILE}: says what the report says")
    else:
        yield Finding(part="files", state="differs", text=f"{lims.FILE}: is not what the report says")


def trail_findings(dossier: Dossier, path: Path) -> Iterator[Finding]:
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


def line_of(data: bytes, wanted: str) -> str:
    """Say which line of a text differs first."""
    found = data.decode(errors="replace").splitlines()
    lines = wanted.splitlines()
    for i, (one, other) in enumerate(zip(found, lines, strict=False), start=1):
        if one != other:
            return f": line {i} is '{one[:60]}', must be '{other[:60]}'"
    return f": {len(found)} lines, must be {len(lines)}"
