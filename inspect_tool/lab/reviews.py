"""Review of reports by a second person: who waits for one, who may give it, and what is said.

Nobody reviews his or her own work: not who asked for the review, submitted the inspection or stands as operator in the
report, and not who corrected a mask of it or answered its check by hand. That is refused here, whatever a page shows.
Accounts are compared by their number, and names by their letters, capitals or not: a report that states a short form of
a name cannot tell who is meant. How a report is released stands in :mod:`inspect_tool.lab.release`.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

from sqlalchemy import Connection, Row, select, update

from inspect_tool.errors import InspectError, ReadError
from inspect_tool.evidence.dossier import Dossier, open_dossier
from inspect_tool.evidence.provenance import now
from inspect_tool.files import checked, read_toml
from inspect_tool.lab import rows, tables
from inspect_tool.lab.database import Lab
from inspect_tool.lab.find import state_of
from inspect_tool.lab.index import path_of
from inspect_tool.lab.users import Person
from inspect_tool.model import Edit
from inspect_tool.referee.ledger import ANSWERS_FILE, parsed_answers

State: TypeAlias = Literal["waiting", "returned", "released"]
MOST_LETTERS = 2000
"""Of a remark, or of the reason why a report is sent back."""

_REVIEW, _REPORT = tables.review.c, tables.report.c


class ReviewError(InspectError):
    """A report cannot be reviewed, or not by this person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A review, with what the lab knows of its report."""

    id: int
    uid: str  # of the report
    state: State
    asked_by: str  # full name; empty: not known any more
    asker: int | None
    asked: datetime
    reviewed_by: str
    reviewer: int | None
    decided: datetime | None
    meaning: str
    reason: str
    certificate: str  # subject of the key that sealed the PDF; empty: no seal
    pdf: str | None  # SHA-256 of the sealed PDF
    trail: str | None  # SHA-256 of the entry in the audit trail
    number: str  # of the report; empty: the lab does not know it any more
    name: str
    title: str
    part: str
    heat: str
    verdict: str
    place: str
    superseded_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """What somebody said of a report in its review."""

    by: str
    said: datetime
    text: str


# ------------------------------------------------------------------------------------------------------------ looking


def one(connection: Connection, number: int) -> Review:
    """The review of a number.

    Raises
    ------
    ReviewError
        There is none.
    """
    row = connection.execute(_reviews().where(_REVIEW.id == number)).one_or_none()
    if row is None:
        msg = f"review {number}: there is none"
        raise ReviewError(msg)
    return _review(row)


def of_report(connection: Connection, uid: str) -> tuple[Review, ...]:
    """Reviews of a report, the newest first."""
    found = connection.execute(_reviews().where(_REVIEW.report == uid).order_by(_REVIEW.id.desc()))
    return tuple(map(_review, found))


def states(connection: Connection, uids: Collection[str]) -> dict[str, str]:
    """What the newest review of each of some reports says: released, returned, or waits for review."""
    found = connection.execute(
        select(_REVIEW.report, _REVIEW.state).where(_REVIEW.report.in_(uids)).order_by(_REVIEW.id)
    )
    return {row.report: "waits for review" if row.state == "waiting" else row.state for row in found}


def listed(connection: Connection, state: State, most: int = 200) -> tuple[Review, ...]:
    """Reviews in a state: what waits, the oldest first; what is decided, the newest first."""
    order = _REVIEW.id if state == "waiting" else _REVIEW.id.desc()
    return tuple(map(_review, connection.execute(_reviews().where(_REVIEW.state == state).order_by(order).limit(most))))


def remarks(connection: Connection, number: int) -> tuple[Remark, ...]:
    """What was said in a review, the oldest first."""
    said = tables.remark.c
    found = connection.execute(select(tables.remark).where(said.review == number).order_by(said.id))
    return tuple(Remark(by=row.by, said=row.said, text=row.text) for row in found)


def whose(lab: Lab, connection: Connection, review: Review) -> dict[str, str]:
    """Who has a part in the work that is reviewed, and which.

    Returns
    -------
    dict
        Full names, or whatever the report states, to what the person did.

    Raises
    ------
    InspectError
        The report, or one of its files that tell by whom it was corrected, cannot be read.
    """
    dossier = open_dossier(path_of(lab, review.place))
    parts: dict[str, str] = {}
    submitted = connection.scalars(select(tables.inspection.c.by).where(*_inspection(review))).all()
    for name, part in (
        (review.asked_by, "asked for this review"),
        *((by, "submitted the inspection") for by in submitted),
        (dossier.report.header.operator, "is the operator of the report"),
        *((edit.by, f"corrected a mask of it (edit {edit.number})") for edit in edits_of(dossier)),
        *((person, "answered its check by hand") for person in _counted(dossier)),
    ):
        if name.strip():
            parts.setdefault(" ".join(name.split()), part)
    return parts


def edits_of(dossier: Dossier) -> tuple[Edit, ...]:
    """Corrections by hand that a report carries, in their order.

    Raises
    ------
    ReadError
        The file of one is missing or cannot be read: whose work the report is cannot be told then.
    """
    found = []
    for file in _carried(dossier, "edit", ".toml"):
        where = f"{dossier.name}: {file}"
        table = read_toml(Path(file), _content(dossier, file))
        found.append(checked(Edit, table, where, ReadError))
    return tuple(found)


def own_part(lab: Lab, connection: Connection, review: Review, person: Person) -> str:
    """What part a person has in the work that is reviewed; empty: none.

    Raises
    ------
    InspectError
        As ``whose``.
    """
    if person.id is None:
        return "single-user mode knows no second person"
    accounts = connection.scalars(select(tables.inspection.c.account).where(*_inspection(review))).all()
    if person.id == review.asker:
        return "asked for this review"
    if person.id in accounts:
        return "submitted the inspection"
    names = {_letters(person.name), _letters(person.full_name)}
    return next((part for name, part in whose(lab, connection, review).items() if _letters(name) in names), "")


# -------------------------------------------------------------------------------------------------------------- doing


def ask(lab: Lab, connection: Connection, uid: str, person: Person) -> int:
    """Ask for the review of a report; gives its number.

    Raises
    ------
    ReviewError
        The lab does not know the report, it was changed or replaced, waits for a review already, or is released.
    """
    row = rows.row(connection, uid)
    if row is None:
        msg = f"report {uid[:12]}: the lab does not know it"
        raise ReviewError(msg)
    for known in of_report(connection, uid):
        if known.state != "returned":
            what = "waits for a review already" if known.state == "waiting" else "is released already"
            msg = f"{row.number}: it {what} (review {known.id})"
            raise ReviewError(msg)
    _check_file(lab, row.number, row.place, uid, row.superseded_by)
    values = {"report": uid, "state": "waiting", "asked_by": person.full_name, "asker": person.id, "asked": now()}
    return int(connection.execute(tables.review.insert().values(**values)).inserted_primary_key[0])  # type: ignore[index]


def say(connection: Connection, number: int, person: Person, text: str) -> None:
    """Add a remark to a review, whatever its state.

    Raises
    ------
    ReviewError
        There is no such review, or nothing was said.
    """
    one(connection, number)
    values = {"review": number, "by": person.full_name, "account": person.id, "said": now()}
    connection.execute(tables.remark.insert().values(**values, text=_said(text, "the remark")))


def send_back(lab: Lab, connection: Connection, number: int, person: Person, reason: str) -> None:
    """Send a report back to those whose work it is.

    Raises
    ------
    ReviewError
        As ``check_may_decide``; or there is no reason.
    """
    review = one(connection, number)
    reason = _said(reason, "the reason")
    check_may_decide(lab, connection, review, person)
    decide(connection, number, {"state": "returned", "reason": reason, **decided_by(person)})


def check_may_decide(lab: Lab, connection: Connection, review: Review, person: Person) -> None:
    """Refuse who may not decide a review.

    Raises
    ------
    ReviewError
        The person has not the role, or a part in the work; or the review is decided already.
    """
    what = review.number or review.uid[:12]
    if "reviewer" not in person.roles:
        msg = f"{what}: {person.full_name} has not the role reviewer"
        raise ReviewError(msg)
    if review.state != "waiting":
        msg = f"{what}: review {review.id} is decided already: {review.state} by {review.reviewed_by}"
        raise ReviewError(msg)
    if part := own_part(lab, connection, review, person):
        msg = f"{what}: {person.full_name} {part}; a second person must review it"
        if person.id is None:
            msg = f"{what}: {part}; make accounts, and enter by name and password"
        raise ReviewError(msg)


def check_stands(lab: Lab, review: Review) -> None:
    """Refuse a report that is not any more what was to be reviewed.

    Raises
    ------
    ReviewError
        It is gone or unreadable, was changed, or is replaced by a later report.
    """
    _check_file(lab, review.number, review.place, review.uid, review.superseded_by)


def decide(connection: Connection, number: int, values: dict[str, object]) -> None:
    """Write the decision of a review that still waits.

    Raises
    ------
    ReviewError
        Somebody else has decided it meanwhile.
    """
    done = connection.execute(
        update(tables.review).where(_REVIEW.id == number, _REVIEW.state == "waiting").values(**values)
    )
    if done.rowcount != 1:
        msg = f"review {number}: was decided by somebody else meanwhile; look at it again"
        raise ReviewError(msg)


def decided_by(person: Person) -> dict[str, object]:
    """Columns that say who decides a review now."""
    return {"reviewed_by": person.full_name, "reviewer": person.id, "decided": now()}


# -------------------------------------------------------------------------------------------------------------- parts


def _reviews() -> Any:
    report = tables.report
    known = ("number", "name", "title", "part", "heat", "verdict", "place", "superseded_by")
    columns = (report.c[name] for name in known)
    return select(tables.review, *columns).outerjoin(report, report.c.uid == _REVIEW.report)


def _review(row: Row[Any]) -> Review:
    texts = ("number", "name", "title", "part", "heat", "verdict", "place")
    values: dict[str, Any] = {
        name: getattr(row, name) for name in Review.__dataclass_fields__ if name not in (*texts, "uid")
    }
    values |= {name: getattr(row, name) or "" for name in texts}
    return Review(uid=row.report, **values)


def _inspection(review: Review) -> tuple[Any, ...]:
    """Conditions of the inspection whose report is reviewed: reports of the workbench have the name of theirs."""
    is_ours = review.place == f"reports/{review.name}"
    return (tables.inspection.c.name == (review.name if is_ours else ""),)


def _letters(name: str) -> str:
    return " ".join(name.split()).casefold()


def _said(text: str, what: str) -> str:
    text = text.replace("\r\n", "\n").strip()
    if not text or len(text) > MOST_LETTERS:
        msg = f"{what} is empty" if not text else f"{what} has more than {MOST_LETTERS} letters"
        raise ReviewError(msg)
    return text


def _check_file(lab: Lab, number: str, place: str, uid: str, superseded_by: str | None) -> None:
    what = number or uid[:12]
    if not place:
        msg = f"{what}: the lab does not know the report any more: another one was written in its place"
        raise ReviewError(msg)
    if superseded_by is not None:
        msg = f"{what}: is replaced by a later report ({superseded_by[:12]}); review that one"
        raise ReviewError(msg)
    state, why = state_of(path_of(lab, place), uid)
    if state != "unchanged":
        msg = f"{what}: its file is {state}{f' ({why})' if why else ''}; it cannot be reviewed or released"
        raise ReviewError(msg)


def _carried(dossier: Dossier, role: str, suffix: str) -> Iterator[str]:
    for attachment in dossier.report.attachments:
        if attachment.role == role and attachment.file.endswith(suffix):
            yield attachment.file


def _counted(dossier: Dossier) -> Iterator[str]:
    """Whose answers correct the results of a report."""
    for file in _carried(dossier, "referee", ANSWERS_FILE):
        yield parsed_answers(_content(dossier, file), f"{dossier.name}: {file}").person


def _content(dossier: Dossier, file: str) -> bytes:
    data = dossier.read(file)
    if data is None:
        msg = f"{dossier.name}: its {file} is missing, so that nobody can tell whose work the report is"
        raise ReadError(msg)
    return data
