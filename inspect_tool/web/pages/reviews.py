"""Review by a second person, and release."""

from typing import Any

from sqlalchemy import select
from starlette.responses import Response

from inspect_tool.errors import InspectError
from inspect_tool.evidence.dossier import Dossier
from inspect_tool.lab import accounts, find, release, reviews, tables
from inspect_tool.lab.database import connected
from inspect_tool.lab.index import dossier_at
from inspect_tool.lab.release import LONGEST_REASON, MEANINGS, Said
from inspect_tool.lab.reviews import Review
from inspect_tool.lab.users import Role
from inspect_tool.report.text import number, pm, with_unit
from inspect_tool.web.bench import ANYONE, Asked, Page, whole_number
from inspect_tool.web.html import page, to
from inspect_tool.web.pages.reports import ASKING

_REVIEWERS: frozenset[Role] = frozenset({"reviewer"})
_SAYING: frozenset[Role] = ASKING | _REVIEWERS | frozenset[Role]({"manager"})


def queue(asked: Asked) -> Response:
    """Show what waits for a second person, what was sent back, and what was released last."""
    with connected(asked.bench.lab, read_only=True) as connection:
        waiting = reviews.listed(connection, "waiting")
        returned = reviews.listed(connection, "returned", 50)
        released = reviews.listed(connection, "released", 50)
    again = {one.uid for one in (*waiting, *released)}
    mine = asked.person.id
    return page(
        asked,
        "reviews.html",
        waiting=waiting,
        returned=sorted(
            (one for one in returned if one.uid not in again and one.number), key=lambda one: one.asker != mine
        ),
        released=released,
        mine=mine,
    )


def ask(asked: Asked) -> Response:
    """Ask for the review of a report."""
    with connected(asked.bench.lab) as connection:
        made = reviews.ask(asked.bench.lab, connection, str(asked.form.get("uid", "")), asked.person)
    return to(f"/reviews/{made}")


def one(asked: Asked) -> Response:
    """Show a report to whoever reviews it: numbers, checks, corrections and pictures, and what was said."""
    return _shown(asked, _asked_for(asked))


def remark(asked: Asked) -> Response:
    """Say something of a report."""
    review = _asked_for(asked)
    with connected(asked.bench.lab) as connection:
        reviews.say(connection, review.id, asked.person, str(asked.form.get("text", "")))
    return to(f"/reviews/{review.id}#said")


def send_back(asked: Asked) -> Response:
    """Send a report back with a reason."""
    review = _asked_for(asked)
    try:
        release.send_back(asked.bench.lab, review.id, asked.person, str(asked.form.get("reason", "")))
    except InspectError as error:
        return _shown(asked, review, str(error))
    return to(f"/reviews/{review.id}")


def approve(asked: Asked) -> Response:
    """Release a report: the password again, what the signature means, and why."""
    bench, review = asked.bench, _asked_for(asked)
    said = Said(meaning=str(asked.form.get("meaning", "")), reason=str(asked.form.get("reason", "")))
    try:
        release.check_said(said)
        person = accounts.checked(bench.lab, asked.person.name, str(asked.form.get("password", "")))
        release.release(bench.lab, review.id, person, said, bench.key)
    except InspectError as error:
        return _shown(asked, review, str(error), said)
    return to(f"/reviews/{review.id}")


# -------------------------------------------------------------------------------------------------------------- parts


def _asked_for(asked: Asked) -> Review:
    with connected(asked.bench.lab, read_only=True) as connection:
        return reviews.one(connection, whole_number(str(asked.at["id"])) or 0)


def _shown(asked: Asked, review: Review, fault: str = "", said: Said | None = None) -> Response:
    lab = asked.bench.lab
    with connected(lab, read_only=True) as connection:
        record = find.show(lab, connection, review.uid) if review.number else None
        others = () if record is None else find.of_same_part(connection, record)
        wanted = asked.query.get("with", "")
        other = next((find.show(lab, connection, one.uid) for one in others if one.uid == wanted), None)
        why_not = _why_not(asked, connection, review)
        remarks = reviews.remarks(connection, review.id)
        named = select(tables.inspection.c.name).where(tables.inspection.c.name == review.name)
        inspection = connection.scalar(named) if review.place == f"reports/{review.name}" else None
    dossier = None if record is None else dossier_at(record.file, review.uid)
    beside = None if other is None else dossier_at(other.file, other.report.uid)
    return page(
        asked,
        "review.html",
        422 if fault else 200,
        review=review,
        record=record,
        report=None if dossier is None else dossier.report,
        edits=() if dossier is None else _edits(dossier),
        others=others,
        other=other,
        other_report=None if beside is None else beside.report,
        remarks=remarks,
        inspection=inspection,
        why_not=why_not,
        seal=_seal(asked, record) if not why_not and record is not None else ("", ""),
        meanings=MEANINGS,
        longest=LONGEST_REASON,
        said=said or Said(meaning=MEANINGS[0], reason=""),
        fault=fault,
        may_say=bool(_SAYING & asked.person.roles),
        pm=pm,
        amount=lambda value, unit: "not determined" if value is None else with_unit(number(value), str(unit)),
    )


def _why_not(asked: Asked, connection: Any, review: Review) -> str:
    """Why the person cannot decide a review now; empty: he or she can."""
    try:
        reviews.check_may_decide(asked.bench.lab, connection, review, asked.person)
        reviews.check_stands(asked.bench.lab, review)
    except InspectError as error:
        return str(error)
    return ""


def _edits(dossier: Dossier) -> tuple[Any, ...]:
    try:
        return reviews.edits_of(dossier)
    except InspectError:
        return ()  # why nobody can decide then is said beside it


def _seal(asked: Asked, record: find.Record) -> tuple[str, str]:
    """By whose certificate a release is sealed, or else why the PDF carries no seal."""
    key = asked.bench.key
    try:
        why = release.why_no_seal(record.file, key)
        return ("", why) if why or key is None else (str(release.key_of(key).signing_cert.subject.human_friendly), "")
    except InspectError as error:
        return "", f"it cannot be sealed, and so not be released: {error}"


PAGES = (
    Page(path="/reviews", show=queue, roles=ANYONE),
    Page(path="/reviews", show=ask, roles=ASKING, method="POST"),
    Page(path="/reviews/{id}", show=one, roles=ANYONE),
    Page(path="/reviews/{id}/remark", show=remark, roles=_SAYING, method="POST"),
    Page(path="/reviews/{id}/return", show=send_back, roles=_REVIEWERS, method="POST"),
    Page(path="/reviews/{id}/release", show=approve, roles=_REVIEWERS, method="POST"),
)
