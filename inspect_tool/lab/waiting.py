"""What waits for a person in a lab: images, inspections, corrections and reviews."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, func, select

from inspect_tool.lab import tables
from inspect_tool.lab.users import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How many of each wait."""

    images: int  # in the inbox, that no inspection has yet
    red: int  # of these, without a scale that can be trusted
    failed: int  # inspections that the person sent
    drafts: int  # corrections that the person has not committed
    reviews: int  # of reports that others ask for
    returned: int  # reports of the person that a reviewer sent back


def of(connection: Connection, person: Person) -> Waiting:
    """What waits for a person; what is of the person alone is that of everybody where nobody has an account."""
    intake, work = tables.intake.c, tables.work.c
    inspection, draft, review = tables.inspection.c, tables.draft.c, tables.review.c

    def number(what: Table | Any, *which: ColumnElement[bool]) -> int:
        return connection.scalar(select(func.count()).select_from(what).where(*which)) or 0

    sent = tables.inspection.join(tables.work, inspection.work == work.id)
    others = review.asker.is_distinct_from(person.id) if person.id is not None else review.asker.is_(None)
    return Waiting(
        images=number(tables.intake, intake.state == "new"),
        red=number(tables.intake, intake.state == "new", intake.scale == "red"),
        failed=number(sent, work.state == "failed", inspection.account.is_not_distinct_from(person.id)),
        drafts=number(tables.draft, draft.account.is_not_distinct_from(person.id), draft.position > 0),
        reviews=number(tables.review, review.state == "waiting", others),
        returned=number(tables.review, review.state == "returned", review.asker.is_not_distinct_from(person.id)),
    )
