"""Tokens by which a program enters the workbench as an account; kept as their hash, shown once."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, or_, select, update

from inspect_tool.errors import SettingsError
from inspect_tool.evidence.provenance import now
from inspect_tool.files import sha256_bytes
from inspect_tool.lab.tables import account, api_token
from inspect_tool.lab.users import NOTED, Person, by_number

LONGEST = timedelta(days=400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What is known of a token: not the token."""

    id: int
    name: str  # what it is for
    made: datetime
    until: datetime
    seen: datetime | None


def make(connection: Connection, person: Person, name: str, days: int) -> str:
    """Make a token for a person; it is given once and never again.

    Raises
    ------
    SettingsError
        It has no name, or would last too long.
    """
    if not name.strip():
        msg = "token: say what it is for, so that it can be told from others later"
        raise SettingsError(msg)
    if not 1 <= days <= LONGEST.days:
        msg = f"token: lasts {days} days, must be 1 to {LONGEST.days}"
        raise SettingsError(msg)
    token, moment = f"it_{secrets.token_urlsafe(32)}", now()
    connection.execute(
        api_token.insert().values(
            token=sha256_bytes(token.encode()),
            account=person.id,
            name=" ".join(name.split()),
            made=moment,
            until=moment + timedelta(days=days),
        )
    )
    return token


def of(connection: Connection, person: Person) -> tuple[Token, ...]:
    """Tokens of a person, the newest first."""
    rows = connection.execute(select(api_token).where(api_token.c.account == person.id).order_by(api_token.c.id.desc()))
    return tuple(Token(id=row.id, name=row.name, made=row.made, until=row.until, seen=row.seen) for row in rows)


def owner(connection: Connection, token: str) -> Person | None:
    """Whose token this is; None: nobody's, or not any more."""
    number = connection.scalar(
        select(api_token.c.account)
        .join(account, account.c.id == api_token.c.account)
        .where(api_token.c.token == sha256_bytes(token.encode()), api_token.c.until > now(), account.c.active)
    )
    return None if number is None else by_number(connection, number)


def is_due(connection: Connection, token: str) -> bool:
    """Whether the use of a token is to be noted: not every one is, because that writes."""
    before = or_(api_token.c.seen.is_(None), api_token.c.seen < now() - NOTED)
    return bool(connection.scalar(select(before).where(api_token.c.token == sha256_bytes(token.encode()))))


def seen(connection: Connection, token: str) -> None:
    """Note that a token was used."""
    connection.execute(update(api_token).where(api_token.c.token == sha256_bytes(token.encode())).values(seen=now()))


def end(connection: Connection, person: Person, number: int) -> str | None:
    """End a token of a person; gives its name, None: there is none."""
    own = (api_token.c.id == number) & (api_token.c.account == person.id)
    return connection.scalar(delete(api_token).where(own).returning(api_token.c.name))
