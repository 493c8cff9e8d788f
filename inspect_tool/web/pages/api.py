"""The JSON interface for programs, and its description (OpenAPI)."""

import json
from collections.abc import Callable
from typing import Any

from starlette.datastructures import UploadFile
from starlette.responses import JSONResponse, Response

from inspect_tool.batch import inspections as queued
from inspect_tool.errors import ReadError, SettingsError
from inspect_tool.evidence.dossier import Dossier
from inspect_tool.files import plain
from inspect_tool.inspection.starter_form import answers_of
from inspect_tool.lab import find, inspections, intake, submitted
from inspect_tool.lab.database import Lab, connected
from inspect_tool.lab.find import FoundReport
from inspect_tool.lab.index import dossier_at
from inspect_tool.lab.query import parse
from inspect_tool.lab.users import Role
from inspect_tool.web import openapi
from inspect_tool.web.bench import ANYONE, Asked, Page, whole_number

_GIVERS: frozenset[Role] = frozenset(["operator", "analyst"])
_RUNNING: frozenset[Role] = frozenset(["operator"])
_OF_INSPECTION = ("name", "title", "recipe", "by", "added", "state", "report", "started", "ended")
_USUAL, _MOST = 50, 1000  # reports of a search


def described(asked: Asked) -> Response:
    """Describe the interface."""
    return JSONResponse(openapi.document(asked.bench.origins[0]))


# ------------------------------------------------------------------------------------------------------------- reports


def search(asked: Asked) -> Response:
    """Find reports by the query language of the lab, the newest first."""
    stated = asked.query.get("limit", str(_USUAL))
    limit = whole_number(stated)
    if limit is None or not 1 <= limit <= _MOST:
        msg = f"limit: got '{stated[:20]}', must be a whole number from 1 to {_MOST}"
        raise SettingsError(msg)
    with connected(asked.bench.lab, read_only=True) as connection:
        found = find.search(connection, parse(asked.query.get("query", "")), limit)
    facts = {"total": found.total, "reports": [_report(one) for one in found.reports], "hints": plain(found.hints)}
    return JSONResponse(facts)


def report(asked: Asked) -> Response:
    """Give all that the lab remembers of a report."""
    record = _record(asked)
    facts = plain(record)
    kept = {key: value for key, value in facts.items() if key not in ("report", "file", "state_reason")}
    kept["images"] = [{"file": name, "sha256": sha256} for name, sha256 in record.images]
    return JSONResponse({**_report(record.report), **kept})


def report_json(asked: Asked) -> Response:
    """Give the report as data, byte by byte as it was made."""
    return _file(asked, "report.json", "application/json", lambda dossier: dossier.json)


def report_pdf(asked: Asked) -> Response:
    """Give the report as pages."""
    return _file(asked, "report.pdf", "application/pdf", lambda dossier: dossier.pdf or dossier.read("report.pdf"))


def _record(asked: Asked) -> find.Record:
    with connected(asked.bench.lab, read_only=True) as connection:
        return find.show(asked.bench.lab, connection, str(asked.at["uid"]))


def _report(found: FoundReport) -> dict[str, Any]:
    """A report as programs see it: where it lies on this computer is none of their business."""
    facts: dict[str, Any] = plain(found)
    del facts["place"]
    return facts


def _file(asked: Asked, name: str, kind: str, content: Callable[[Dossier], bytes | None]) -> Response:
    record = _record(asked)
    dossier = dossier_at(record.file, record.report.uid)
    data = None if dossier is None else content(dossier)
    if data is None:
        state = f"is {record.state}" if dossier is None else f"has no {name}"
        msg = f"{record.report.report}: its file {state}; nothing of it is given"
        raise ReadError(msg)
    headers = {"Content-Disposition": f'attachment; filename="{record.report.uid[:12]}.{name}"'}
    return Response(data, media_type=kind, headers=headers)


# -------------------------------------------------------------------------------------------------------------- images


def give(asked: Asked) -> Response:
    """Take one image; a file of the same content is taken once."""
    files = [each for each in asked.form.getlist("file") if isinstance(each, UploadFile) and each.filename]
    if len(files) != 1:
        msg = f"file: {len(files) or 'no'} files; send one as the part 'file' of multipart/form-data, with its name"
        raise SettingsError(msg)
    given, is_new = intake.give(
        asked.bench.lab,
        files[0].file,
        files[0].filename or "",
        asked.person.full_name,
        reading=asked.bench.kept.get("reading"),
    )
    names = ("id", "name", "sha256", "state", "scale", "note", "pixel_um", "rows", "columns")
    return JSONResponse({name: plain(getattr(given, name)) for name in names}, status_code=201 if is_new else 200)


# --------------------------------------------------------------------------------------------------------- inspections


def submit(asked: Asked) -> Response:
    """Have images of the inbox inspected."""
    lab = asked.bench.lab
    job = submitted.checked_job(_body(asked))
    form, groups = submitted.form_of(lab, job), submitted.groups_of(job)
    recipe, again = form["recipe"], submitted.numbers_of(job) if job.again else ()
    inspections.draft(lab, recipe, groups, answers_of(recipe, form, inspections.CHECKED), again=again)
    answers = answers_of(recipe, form, inspections.LAB)
    name = inspections.make(lab, asked.person, recipe, groups, answers, again=again, single_user=asked.bench.is_open)
    queued.send(lab, asked.person, name)
    return JSONResponse(_inspection(lab, name), status_code=201, headers={"Location": f"/api/v1/inspections/{name}"})


def status(asked: Asked) -> Response:
    """Tell how far an inspection is."""
    return JSONResponse(_inspection(asked.bench.lab, str(asked.at["name"])))


def _inspection(lab: Lab, name: str) -> dict[str, Any]:
    with connected(lab, read_only=True) as connection:
        found = inspections.by_name(lab, connection, name)
    facts = {key: plain(getattr(found, key)) for key in _OF_INSPECTION}
    return {**facts, "error": found.error.replace(f"{lab.folder}/", "")}


def _body(asked: Asked) -> dict[str, Any]:
    """The JSON object of a request.

    Raises
    ------
    SettingsError
        It is none.
    """
    kind = asked.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        found = json.loads(asked.body, parse_constant=_refused) if kind == "application/json" else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        msg = "the body is no JSON object of the type application/json"
        raise SettingsError(msg)
    return found


def _refused(constant: str) -> None:
    raise ValueError(constant)  # NaN and infinity are no JSON


PAGES = (
    Page(path="/api/v1/openapi.json", show=described, roles=ANYONE),
    Page(path="/api/v1/reports", show=search, roles=ANYONE),
    Page(path="/api/v1/reports/{uid}", show=report, roles=ANYONE),
    Page(path="/api/v1/reports/{uid}/report.json", show=report_json, roles=ANYONE),
    Page(path="/api/v1/reports/{uid}/report.pdf", show=report_pdf, roles=ANYONE),
    Page(path="/api/v1/inspections", show=submit, roles=_RUNNING, method="POST"),
    Page(path="/api/v1/inspections/{name}", show=status, roles=ANYONE),
    Page(path="/api/v1/images", show=give, roles=_GIVERS, method="POST", most_bytes=(intake.MOST_MB + 1) << 20),
)
