"""Reports of the lab: found, read, and handed on."""

import io
import mimetypes
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

from sqlalchemy import select
from starlette.responses import Response

from inspect_tool.errors import InspectError, ReadError
from inspect_tool.evidence.dossier import Dossier
from inspect_tool.lab import export, find, reviews, tables
from inspect_tool.lab.database import connected
from inspect_tool.lab.find import Record
from inspect_tool.lab.index import dossier_at
from inspect_tool.lab.query import FIELDS, parse
from inspect_tool.lab.users import Role
from inspect_tool.report.text import pm
from inspect_tool.web.bench import ANYONE, Asked, Page, whole_number
from inspect_tool.web.html import page

ON_A_PAGE = 25
_PAGES = (
    *("report.pdf", "annex.pdf", "report.html", "report.docx", "report.xlsx", "report.json"),
    *("features.csv", "fields.csv", "lims.csv"),
)
"""What a report may be handed on as, in the order in which it is offered."""
_PICTURES = "pages.zip"
"""The pictures of its pages as one file, where there are any."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
_SEALED_OFF = (
    "sandbox allow-scripts; default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""For the report that opens in a browser: it may lay itself out, and reach neither this workbench nor anything else."""
_NOTHING = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
_KINDS = {".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document"}
_KINDS |= {".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".toml": "text/plain"}


def found(asked: Asked) -> Response:
    """Find reports by the language of the lab."""
    text = asked.query.get("q", "").strip()
    at = whole_number(asked.query.get("page", "")) or 1
    fault, hits = "", find.Search(total=0, reports=())
    with connected(asked.bench.lab, read_only=True) as connection:
        try:
            hits = find.search(connection, parse(text), ON_A_PAGE, (at - 1) * ON_A_PAGE)
        except InspectError as error:
            fault = str(error)
        names = find.quantities(connection)
        reviewed = reviews.states(connection, [one.uid for one in hits.reports])
    last = max(1, -(-hits.total // ON_A_PAGE))
    return page(
        asked,
        "reports.html",
        422 if fault else 200,
        text=text,
        fault=fault,
        found=hits,
        reviewed=reviewed,
        at=min(at, last),
        last=last,
        fields=FIELDS,
        quantities=names,
        pm=pm,
        query=lambda **more: urlencode({"q": text, **more}),
        quote=quote,
    )


def exported(asked: Asked) -> Response:
    """Hand on the results of what was found as one table."""
    suffix = str(asked.at["suffix"])
    if suffix not in ("csv", "xlsx"):
        msg = f"results are handed on as csv or xlsx, not as '{suffix}'"
        raise ReadError(msg)
    query = parse(asked.query.get("q", ""))
    with tempfile.TemporaryDirectory(prefix="inspect_tool_") as folder:
        out = Path(folder) / f"results.{suffix}"
        with connected(asked.bench.lab, read_only=True) as connection:
            export.export(connection, query, out)
        return handed_on(out.name, out.read_bytes())


def one(asked: Asked) -> Response:
    """Show a report: what the lab knows of it, its page, and what became of it."""
    lab = asked.bench.lab
    with connected(lab, read_only=True) as connection:
        record = find.show(lab, connection, str(asked.at["uid"]))
        uid = record.report.uid
        history = find.history(connection, uid)
        reviewed = reviews.of_report(connection, uid)
        named = select(tables.inspection.c.name).where(tables.inspection.c.name == record.report.name)
        inspection = connection.scalar(named) if record.report.place == f"reports/{record.report.name}" else None
    dossier = dossier_at(record.file, uid)
    return page(
        asked,
        "report.html",
        record=record,
        report=record.report,
        history=history,
        reviews=reviewed,
        inspection=inspection,
        files=() if dossier is None else tuple(_names(dossier)),
        may_ask=bool(ASKING & asked.person.roles),
        pm=pm,
    )


def file(asked: Asked) -> Response:
    """Hand on a file of a report, in a browser sealed off from this workbench."""
    lab, name = asked.bench.lab, str(asked.at["name"])
    with connected(lab, read_only=True) as connection:
        record = find.show(lab, connection, str(asked.at["uid"]))
    return file_of(record, name)


def file_of(record: Record, name: str) -> Response:
    """A file that a report names, or that it was exported as; a page is shown, anything else but a picture saved.

    Raises
    ------
    ReadError
        The report was changed or is missing, or has no such file.
    """
    dossier = dossier_at(record.file, record.report.uid)
    if dossier is None:
        msg = f"{record.report.report}: its file is {record.state}; nothing of it is handed on"
        raise ReadError(msg)
    if name == _PICTURES and (drawn := _drawn_pages(dossier)):
        return handed_on(name, _zipped(drawn))
    known = {*_names(dossier), *(one.file for one in dossier.report.attachments), *_pictures(dossier)}
    data = _content(dossier, name) if name in known else None
    if data is None:
        msg = f"{record.report.report}: has no file '{name[:100]}'"
        raise ReadError(msg)
    return handed_on(name, data)


def handed_on(name: str, data: bytes) -> Response:
    """A file for a browser: what it may do there depends on its kind."""
    suffix = Path(name).suffix.lower()
    kind = _KINDS.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    headers = {"Content-Security-Policy": _SEALED_OFF if suffix == ".html" else _NOTHING}
    headers["Cross-Origin-Opener-Policy"] = "unsafe-none"  # else a browser refuses a page in a sandbox of its own
    if suffix != ".html" and not kind.startswith("image/"):
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(Path(name).name)}"
    return Response(data, media_type=kind, headers=headers)


def _names(dossier: Dossier) -> Iterator[str]:
    """Files that a report is handed on as; of a PDF alone it is that."""
    for name in _PAGES:
        is_there = (dossier.folder / name).is_file() if dossier.folder is not None else name in dossier.names
        if is_there or (name == "report.pdf" and dossier.pdf is not None):
            yield name

    if _drawn_pages(dossier):
        yield _PICTURES


def _drawn_pages(dossier: Dossier) -> tuple[Path, ...]:
    return tuple(sorted((dossier.folder / "pages").glob("page_*.png"))) if dossier.folder is not None else ()


def _zipped(files: Iterable[Path]) -> bytes:
    """Files as one, the same bytes each time: pictures are compressed already."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as packed:
        for path in files:
            packed.writestr(zipfile.ZipInfo(path.name, _EPOCH), path.read_bytes())
    return made.getvalue()


def _pictures(dossier: Dossier) -> Iterator[str]:
    for record in dossier.report.micrographs:
        yield from (file for file in (record.picture, record.overlay, *(one.file for one in record.layers)) if file)


def _content(dossier: Dossier, name: str) -> bytes | None:
    if name == "report.pdf" and dossier.pdf is not None:
        return dossier.pdf
    return dossier.read(name)


ASKING: frozenset[Role] = frozenset({"operator", "analyst"})
"""Who may ask for a review."""

PAGES = (
    Page(path="/reports", show=found, roles=ANYONE),
    Page(path="/reports/export/{suffix}", show=exported, roles=ANYONE),
    Page(path="/reports/{uid}", show=one, roles=ANYONE),
    Page(path="/reports/{uid}/file/{name:path}", show=file, roles=ANYONE),
)
