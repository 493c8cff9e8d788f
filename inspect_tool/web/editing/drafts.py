"""Corrections of a field that are not in its ledger yet: kept in the lab, by person, with undo and redo.

A draft is bound to the labels that it was begun on, by their hash: on others it is told and never applied.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, insert, select, update

from inspect_tool.errors import ReadError
from inspect_tool.evidence.provenance import now
from inspect_tool.lab.tables import account as accounts
from inspect_tool.lab.tables import draft as table

MOST_OPERATIONS = 2000
"""Operations of one draft, at most: then it is time to commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The field that a draft is of."""

    job: str  # its file, relative to the folder of the lab
    image: str  # SHA-256


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Operations in their order, as ``operations.told`` gives them; those from ``position`` on were undone."""

    base: str  # SHA-256 of the labels that it starts from
    operations: tuple[str, ...] = ()  # JSON each
    position: int = 0
    changed: datetime | None = field(default=None, compare=False)
    by: str = field(default="", compare=False)  # full name; empty: single-user mode

    def done(self, operation: str) -> "Draft":
        """With one operation more; what was undone before is given up."""
        if self.position >= MOST_OPERATIONS:
            msg = f"the draft holds {MOST_OPERATIONS} corrections; commit them first"
            raise ReadError(msg)
        kept = self.operations[: self.position]
        return Draft(base=self.base, operations=(*kept, operation), position=self.position + 1)

    def moved(self, by: int) -> "Draft":
        """Undone (-1) or done again (+1)."""
        position = self.position + by
        if not 0 <= position <= len(self.operations):
            msg = f"there is nothing to {'undo' if by < 0 else 'do again'}"
            raise ReadError(msg)
        return Draft(base=self.base, operations=self.operations, position=position)


def found(connection: Connection, place: Place, account: int | None) -> Draft | None:
    """The draft of a person, ``account`` None: of who works alone; None: there is none."""
    row = connection.execute(_of(place).where(_is(account))).first()
    return None if row is None else _draft(row)


def others(connection: Connection, place: Place, account: int | None) -> tuple[Draft, ...]:
    """Drafts of other people on the same field that hold something."""
    rows = connection.execute(_of(place)).all()
    return tuple(_draft(row) for row in rows if row.account != account and row.position)


def put(connection: Connection, place: Place, account: int | None, draft: Draft, known: Draft | None) -> None:
    """Keep the draft of a person in the place of the one that is known.

    Raises
    ------
    ReadError
        It was changed meanwhile, in another window.
    """
    kept = found(connection, place, account)
    if kept != known:
        msg = "the draft was changed in another window; load this page again"
        raise ReadError(msg)
    values = {
        "base": draft.base,
        "operations": "[" + ",".join(draft.operations) + "]",
        "position": draft.position,
        "changed": now(),
    }
    if kept is None:
        connection.execute(insert(table).values(job=place.job, image=place.image, account=account, **values))
    else:
        connection.execute(update(table).where(*_where(place), _is(account)).values(values))


def discard(connection: Connection, place: Place, account: int | None) -> None:
    """Give a draft up."""
    connection.execute(delete(table).where(*_where(place), _is(account)))


def told(drafts: Sequence[Draft]) -> tuple[str, ...]:
    """Say who else corrects a field, one sentence each."""
    return tuple(
        f"{one.by or 'Somebody'} corrects this field too: {one.position} correction{'s' if one.position > 1 else ''} "
        f"not committed, the last {one.changed:%Y-%m-%d %H:%M} UTC. Whoever commits first is in the ledger; the other "
        "draft is kept, and does not fit any more."
        for one in drafts
    )


def _where(place: Place) -> tuple[ColumnElement[bool], ...]:
    return table.c.job == place.job, table.c.image == place.image


def _is(account: int | None) -> ColumnElement[bool]:
    return table.c.account.is_(None) if account is None else table.c.account == account


def _of(place: Place) -> Select[Any]:
    joined = table.outerjoin(accounts, accounts.c.id == table.c.account)
    return select(table, accounts.c.full_name).select_from(joined).where(*_where(place)).order_by(table.c.id)


def _draft(row: Row[Any]) -> Draft:
    kept = tuple(json.dumps(one, separators=(",", ":")) for one in json.loads(row.operations or "[]"))
    return Draft(base=row.base, operations=kept, position=row.position, changed=row.changed, by=row.full_name or "")
