"""Inspections: in the queue, under way, done; what a job asks for is on the page ``new_inspection``."""

from pathlib import Path

from sqlalchemy import select
from starlette.responses import Response

from inspect_tool.batch import inspections as queued
from inspect_tool.errors import InspectError, ReadError
from inspect_tool.files import load_job, load_report
from inspect_tool.inspection import journal
from inspect_tool.inspection.job_plan import plan
from inspect_tool.lab import inspections, tables
from inspect_tool.lab.database import connected
from inspect_tool.lab.inspections import Inspection
from inspect_tool.model import Report
from inspect_tool.report import text
from inspect_tool.web import running
from inspect_tool.web.bench import ANYONE, Asked, Page
from inspect_tool.web.html import page, to
from inspect_tool.web.pages import new_inspection
from inspect_tool.web.pages.new_inspection import RUNNING

_LIVE = 8  # fields that are shown while others are measured


def listed(asked: Asked) -> Response:
    """List the inspections; as a part: the list alone, which asks for itself while something runs."""
    part = "inspections_list.html" if asked.request.url.path.endswith("/list") else "inspections.html"
    with connected(asked.bench.lab, read_only=True) as connection:
        found = inspections.listed(lab=asked.bench.lab, connection=connection)
        is_open = inspections.is_any_open(connection)
    workers = running.of(asked.bench)
    steps = {} if workers is None else {one.name: workers.step(one.work) for one in found}
    fault = "" if workers is None else workers.fault
    return page(asked, part, found=found, is_any_open=is_open, steps=steps, fault=fault)


def one(asked: Asked) -> Response:
    """Show an inspection; as a part: its state alone."""
    part = "inspection_state.html" if asked.request.url.path.endswith("/state") else "inspection.html"
    found = _found(asked)
    workers = running.of(asked.bench)
    report, fault, live = None, "", []
    try:
        job = load_job(found.job)
        images = [name for group in (job.specimens or (job,)) for name in group.images]
        if found.state == "draft":
            plan(found.job)
        if found.state == "measuring":
            live = [number for number in journal.overlays(_folder(asked, found)) if number <= len(images)][-_LIVE:]
        if found.state == "done":
            report = _report(asked, found)
    except InspectError as error:
        job, images, fault = None, [], str(error)
    return page(
        asked,
        part,
        one=found,
        job=job,
        images=[name.rpartition("/")[2] for name in images],
        report=report,
        fault=fault,
        live=live,
        step=None if workers is None else workers.step(found.work),
        workers_fault="" if workers is None else workers.fault,
        text=text,
    )


def job(asked: Asked) -> Response:
    """Give the job file, as it is run."""
    found = _found(asked)
    return Response(found.job.read_bytes(), media_type="text/plain; charset=utf-8")


def overlay(asked: Asked) -> Response:
    """Give the picture of a measured field, counted from 1, with what was found burned in."""
    found = _found(asked)
    number = int(asked.at["number"])
    if found.state == "measuring":
        return _so_far(asked, found, number)
    fields = _report(asked, found).micrographs
    if not 1 <= number <= len(fields):
        msg = f"{found.name}: has no field {number}"
        raise ReadError(msg)
    field = fields[number - 1]
    folder = _folder(asked, found).resolve()
    file = (folder / (field.overlay or field.picture)).resolve()
    if not file.is_relative_to(folder) or not file.is_file():
        msg = f"{found.name}: the picture of field {number} is not there"
        raise ReadError(msg)
    return Response(file.read_bytes(), media_type=f"image/{'png' if file.suffix == '.png' else 'jpeg'}")


def send(asked: Asked) -> Response:
    """Put an inspection into the queue, the first time or again."""
    found = _found(asked)
    queued.send(asked.bench.lab, asked.person, found.name)
    return to(f"/inspections/{found.name}")


def cancel(asked: Asked) -> Response:
    """Cancel an inspection that waits or is measured."""
    found = _found(asked)
    queued.cancel(asked.bench.lab, found.name)
    return to(f"/inspections/{found.name}")


def _found(asked: Asked) -> Inspection:
    with connected(asked.bench.lab, read_only=True) as connection:
        return inspections.by_name(asked.bench.lab, connection, str(asked.at["name"]))


def _folder(asked: Asked, found: Inspection) -> Path:
    return asked.bench.lab.reports / found.name


def _so_far(asked: Asked, found: Inspection, number: int) -> Response:
    """The picture of a field of a report that is being made."""
    try:
        data = journal.overlays(_folder(asked, found))[number].read_bytes()
    except (KeyError, OSError):  # not measured yet, or the report has just taken its place
        msg = f"{found.name}: field {number} is not measured yet"
        raise ReadError(msg) from None
    return Response(data, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=60"})


def _report(asked: Asked, found: Inspection) -> Report:
    with connected(asked.bench.lab, read_only=True) as connection:
        place = connection.scalar(select(tables.report.c.place).where(tables.report.c.uid == found.report))
    return load_report(asked.bench.lab.folder / (place or f"reports/{found.name}") / "report.json")


PAGES = (
    Page(path="/inspections", show=listed, roles=ANYONE),
    Page(path="/inspections/list", show=listed, roles=ANYONE),
    *new_inspection.PAGES,
    Page(path="/inspections/{name}", show=one, roles=ANYONE),
    Page(path="/inspections/{name}/state", show=one, roles=ANYONE),
    Page(path="/inspections/{name}/job.toml", show=job, roles=ANYONE),
    Page(path="/inspections/{name}/overlay/{number:int}", show=overlay, roles=ANYONE),
    Page(path="/inspections/{name}/send", show=send, roles=RUNNING, method="POST"),
    Page(path="/inspections/{name}/cancel", show=cancel, roles=RUNNING, method="POST"),
)
