"""The blind sample of the referee, drawn, answered and taken over inside the workbench."""

import json
import re
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from starlette.responses import HTMLResponse, JSONResponse, Response

from inspect_tool.batch import queue, work
from inspect_tool.errors import InspectError, ReadError, SettingsError
from inspect_tool.files import dump_toml, load_job, read_bytes, read_toml, sha256_bytes, write_whole
from inspect_tool.inspection import hand_check
from inspect_tool.inspection.job_plan import Progress
from inspect_tool.lab import find, reviews, second_counts, tables
from inspect_tool.lab.database import connected
from inspect_tool.lab.second_counts import Count
from inspect_tool.lab.users import Role
from inspect_tool.referee import history, ledger
from inspect_tool.referee import page as sheets
from inspect_tool.report.text import pm
from inspect_tool.web import counting
from inspect_tool.web.bench import ANYONE, Asked, Page, whole_number
from inspect_tool.web.counting import Counting
from inspect_tool.web.html import page, to
from inspect_tool.web.pages import reports

_COUNTING: frozenset[Role] = frozenset({"analyst", "reviewer"})
_MOST_BYTES = 4 << 20  # of answers
_SHEET = "sample-{}.json"  # what a page of a sample shows, by the first digits of its id
_ID = re.compile(r"[0-9a-f]{64}")


def room(asked: Asked) -> Response:
    """Show where the check by hand of an inspection stands."""
    name, job = _inspection(asked)
    entries = ledger.read(ledger.folder_of(job))
    count = second_counts.kept(job)
    used = load_job(job).referee
    with connected(asked.bench.lab, read_only=True) as connection:
        record = _record(asked, connection, name)
    return page(
        asked,
        "referee.html",
        name=name,
        entries=entries,
        open_sample=_last(entries, job, asked.person.full_name),
        count=count,
        is_used=count is not None and used is not None and used.file == count.answers,
        record=record,
        task=_tasks(asked).of(name),
        may=bool(_COUNTING & asked.person.roles),
        points=hand_check.POINTS,
        lines=hand_check.LINES,
        pm=pm,
    )


def draw(asked: Asked) -> Response:
    """Draw a sample, or the page of the one that waits again."""
    name, job = _inspection(asked)
    text = str(asked.form.get("points", "")).strip()
    points = whole_number(text)
    if text and points is None:
        msg = f"number of points or lines: '{text[:20]}' is no whole number"
        raise SettingsError(msg)
    reports, by = asked.bench.lab.reports, asked.person.full_name

    def work(tell: Progress) -> str:
        drawn, shown = hand_check.asked_by_hand(job, points=points, reports=reports, name=name, by=by, progress=tell)
        write_whole(_sheet(job, drawn.id), json.dumps(shown, ensure_ascii=False, allow_nan=False).encode())
        return f"{_room(name)}/{drawn.id}"

    return to(_tasks(asked).begin(name, "Drawing a sample", work).then or _room(name))


def sheet(asked: Asked) -> Response:
    """Show the page that asks a sample: blind, and to nobody but who is in."""
    name, job = _inspection(asked)
    sample = str(asked.at["sample"])
    if not _ID.fullmatch(sample) or not _sheet(job, sample).is_file():
        msg = f"{name}: there is no page of sample {sample[:12]}; draw it again"
        raise ReadError(msg)
    back = _room(name)
    server = {"person": asked.person.full_name, "address": f"{back}/answers", "back": back}
    shown = json.loads(read_bytes(_sheet(job, sample))) | {"job": name}
    return HTMLResponse(
        sheets.served(shown, script="/referee/page.js", style="/referee/page.css", server=server),
    )


def answers(asked: Asked) -> Response:
    """Record the answers of the person who is in, and measure with them."""
    name, job = _inspection(asked)
    where = f"answers of {asked.person.full_name}"
    given = ledger.parsed_answers(asked.body, where)
    if given.person != asked.person.full_name:
        msg = f"{where}: they are by {given.person}; everybody answers with his or her own account"
        raise ReadError(msg)
    if other := _other(ledger.read(ledger.folder_of(job)), given.sample, given.person):
        msg = f"{where}: sample {given.sample[:12]} is answered by {other}; draw another one"
        raise ReadError(msg)
    file = job.with_name(f"answers-{sha256_bytes(asked.body)[:12]}.json")
    reports, by = asked.bench.lab.reports, asked.person.full_name

    def work(tell: Progress) -> str:
        is_new = not file.exists()
        write_whole(file, asked.body)
        try:
            made, standing = hand_check.record(job, file, reports=reports, name=name, by=by, progress=tell)
        except InspectError:
            if is_new:
                file.unlink()
            raise
        count = second_counts.count_of(file, made, standing)
        second_counts.keep(job, count)
        _told(asked, name, count)
        return _room(name)

    done = _tasks(asked).begin(name, "Taking answers over", work).ended.is_set()
    return JSONResponse({"points": len(given.answers)}, status_code=200 if done else 202)


def progress(asked: Asked) -> Response:
    """Say how far a sample or answers are; when they are done, the page is loaded anew."""
    name, _ = _inspection(asked)
    task = _tasks(asked).of(name)
    if task is None or task.ended.is_set():
        return Response(headers={"HX-Refresh": "true"})
    return page(asked, "referee_state.html", name=name, task=task)


def measure_again(asked: Asked) -> Response:
    """Name the answers in the job, and measure it again so that its report carries them."""
    lab, (name, job) = asked.bench.lab, _inspection(asked)
    count = second_counts.kept(job)
    if count is None:
        msg = f"{name}: no answers were handed in"
        raise ReadError(msg)
    with connected(lab, read_only=True) as connection:
        record = _record(asked, connection, name)
        known = () if record is None else reviews.of_report(connection, record.report.uid)
    if any(one.state == "released" for one in known):
        msg = f"{name}: its report is released and is not replaced; make a new inspection that supersedes it"
        raise SettingsError(msg)
    before = read_bytes(job)
    table = read_toml(job)
    write_whole(job, dump_toml({**table, "referee": {**table.get("referee", {}), "file": count.answers}}).encode())
    taken = work.put_in(lab, [queue.order(job, lab.reports, name)])
    if taken.faults:
        write_whole(job, before)
        msg = next(iter(taken.faults.values()))
        raise SettingsError(msg)
    with connected(lab) as connection:
        values = {"work": taken.works[0].id}
        connection.execute(update(tables.inspection).where(tables.inspection.c.name == name).values(**values))
    return to(f"/inspections/{name}")


def give_up(asked: Asked) -> Response:
    """Give up the last sample, so that another may be drawn."""
    name, job = _inspection(asked)
    reason = str(asked.form.get("reason", ""))
    hand_check.give_up(job, reason=reason, by=asked.person.full_name, reports=asked.bench.lab.reports, name=name)
    return to(_room(name))


def script(asked: Asked) -> Response:  # noqa: ARG001 - the same for everybody
    """The scripts of the page of a sample."""
    return Response(sheets.script_text(), media_type="text/javascript")


def style(asked: Asked) -> Response:  # noqa: ARG001 - the same for everybody
    """The styles of the page of a sample."""
    return Response(sheets.style_text(), media_type="text/css")


# -------------------------------------------------------------------------------------------------------------- parts


def _inspection(asked: Asked) -> tuple[str, Path]:
    """Name and job file of an inspection.

    Raises
    ------
    ReadError
        There is none.
    """
    name, lab = str(asked.at["name"]), asked.bench.lab
    with connected(lab, read_only=True) as connection:
        job = connection.scalar(select(tables.inspection.c.job).where(tables.inspection.c.name == name))
    if not job or not (lab.folder / job).is_file():
        msg = f"inspection '{name[:80]}': there is none"
        raise ReadError(msg)
    return name, lab.folder / job


def _room(name: str) -> str:
    return f"/inspections/{name}/referee"


def _tasks(asked: Asked) -> Counting:
    found: Counting = asked.bench.kept[counting.NAME]
    return found


def _record(asked: Asked, connection: Any, name: str) -> find.Record | None:
    """The report of an inspection; None: it has none yet."""
    uid = connection.scalar(select(tables.report.c.uid).where(tables.report.c.place == f"reports/{name}"))
    return None if uid is None else find.show(asked.bench.lab, connection, uid)


def _sheet(job: Path, sample: str) -> Path:
    return job.with_name(_SHEET.format(sample[:16]))


def _last(entries: tuple[ledger.Entry, ...], job: Path, person: str) -> str:
    """Id of the last sample that was drawn, where this person may answer it, or more of it; empty: none."""
    last = next((one.sample.id for one in reversed(entries) if one.sample is not None), "")
    is_open = last and last not in history.given_up(entries) and _sheet(job, last).is_file()
    return last if is_open and not _other(entries, last, person) else ""


def _other(entries: tuple[ledger.Entry, ...], sample: str, person: str) -> str:
    """Who else has answered a sample; empty: nobody."""
    said = (one.answers.person for one in entries if one.answers is not None and one.answers.sample == sample)
    return next((name for name in said if name != person), "")


def _told(asked: Asked, name: str, count: Count) -> None:
    """Say in the review of the report, where it waits for one, what a reviewer has counted."""
    if "reviewer" not in asked.person.roles:
        return
    with connected(asked.bench.lab) as connection:
        record = _record(asked, connection, name)
        known = () if record is None else reviews.of_report(connection, record.report.uid)
        for one in known:
            if one.state == "waiting":
                values = "; ".join(
                    f"{pair.quantity}, specimen {pair.specimen}: {pm(pair.old, pair.old_u, pair.unit)} by the program, "
                    f"{pm(pair.new, pair.new_u, pair.unit, pair.limits)} with the count"
                    for pair in count.pairs
                )
                text = f"Counted again, blind: {count.points} {count.what}. {values}"
                reviews.say(connection, one.id, asked.person, text[: reviews.MOST_LETTERS])


PAGES = (
    Page(path="/referee/page.js", show=script, roles=ANYONE),
    Page(path="/referee/page.css", show=style, roles=ANYONE),
    Page(path="/inspections/{name}/referee", show=room, roles=ANYONE),
    Page(path="/inspections/{name}/referee/draw", show=draw, roles=_COUNTING, method="POST"),
    Page(
        path="/inspections/{name}/referee/answers", show=answers, roles=_COUNTING, method="POST", most_bytes=_MOST_BYTES
    ),
    Page(path="/inspections/{name}/referee/measure", show=measure_again, roles=reports.ASKING, method="POST"),
    Page(path="/inspections/{name}/referee/give-up", show=give_up, roles=_COUNTING, method="POST"),
    Page(path="/inspections/{name}/referee/state", show=progress, roles=ANYONE),
    Page(path="/inspections/{name}/referee/{sample}", show=sheet, roles=_COUNTING),
)
