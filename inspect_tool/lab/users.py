"""Who may enter the workbench of a lab: accounts, their passwords and roles, and who is in at the moment.

A password is kept as its Argon2 hash, a session as the hash of what the browser keeps. After ``TRIES`` wrong passwords
an account is locked, each time for longer. Nobody has an account at first: the first one is made by who starts the
workbench.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Literal, TypeAlias, get_args

from sqlalchemy import Connection, Row, delete, func, select, update

from inspect_tool.errors import InspectError, SettingsError
from inspect_tool.evidence.provenance import now
from inspect_tool.lab.tables import account, session

Role: TypeAlias = Literal["operator", "analyst", "reviewer", "manager", "auditor"]
ROLES: tuple[Role, ...] = get_args(Role)
SHORTEST = 12
"""Letters of a password, at least."""
LONGEST = 200
TRIES = 5
"""Wrong passwords after which an account is locked."""
LOCKED = timedelta(minutes=5)  # the first time; then twice as long each time, up to a day
SESSION = timedelta(hours=10)
"""How long one entry lasts; without a click for ``IDLE`` it ends sooner."""
IDLE = timedelta(minutes=30)
_LONGEST_LOCK = timedelta(days=1)
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_SEEN = timedelta(minutes=1)  # a click is noted no oftener


class EntryRefusedError(InspectError):
    """Name or password are wrong, or the account is locked or closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who is at work, and what he or she may do."""

    id: int | None  # of the account; None: single-user mode
    name: str
    full_name: str  # as it stands in reports
    roles: frozenset[Role]
    active: bool = True
    locked_until: datetime | None = None


def exist(connection: Connection) -> bool:
    """Whether anybody has an account."""
    return bool(connection.scalar(select(func.count()).select_from(account)))


def every(connection: Connection) -> tuple[Person, ...]:
    """All who have or had an account, by name."""
    return tuple(_person(row) for row in connection.execute(select(account).order_by(account.c.name)))


def add(connection: Connection, name: str, full_name: str, password: str, roles: frozenset[Role]) -> Person:
    """Make an account.

    Raises
    ------
    SettingsError
        The name is taken or unusable, the password too short, or there is no role.
    """
    name = name.strip().lower()
    if not _NAME.fullmatch(name):
        msg = f"account '{name}': a name has 1 to 40 letters a to z, digits, '.', '_' or '-'"
        raise SettingsError(msg)
    if connection.scalar(select(account.c.id).where(account.c.name == name)):
        msg = f"account '{name}': there is one already; names are not given twice, also not that of a closed account"
        raise SettingsError(msg)
    full_name = " ".join(full_name.split())
    if not full_name:
        msg = f"account '{name}': the full name is empty; it stands in reports and under signatures"
        raise SettingsError(msg)
    check_password(password, name)
    moment = now()
    values = {
        "name": name,
        "full_name": full_name,
        "password": _hashed(password),
        "roles": _roles(roles, name),
        "active": True,
        "made": moment,
        "changed": moment,
    }
    number = connection.scalar(account.insert().values(values).returning(account.c.id))
    return Person(id=number, name=name, full_name=full_name, roles=roles)


def change(
    connection: Connection,
    number: int,
    *,
    roles: frozenset[Role] | None = None,
    active: bool | None = None,
    password: str | None = None,
) -> Person:
    """Change the roles of an account, close or open it, or set its password; its sessions end.

    Raises
    ------
    SettingsError
        There is no such account, the password is too short, or nobody would be left who manages accounts.
    """
    person = by_number(connection, number)
    values: dict[str, object] = {}
    if roles is not None:
        values["roles"] = _roles(roles, person.name)
    if active is not None:
        values["active"] = active
    if password is not None:
        check_password(password, person.name)
        values |= {"password": _hashed(password), "changed": now(), "failures": 0, "locked_until": None}
    connection.execute(update(account).where(account.c.id == number).values(values))
    if not any("manager" in one.roles and one.active for one in every(connection)):
        msg = f"account '{person.name}': nobody would be left who manages accounts; give another one the role first"
        raise SettingsError(msg)
    connection.execute(delete(session).where(session.c.account == number))
    return by_number(connection, number)


def by_number(connection: Connection, number: int) -> Person:
    """The account of a number.

    Raises
    ------
    SettingsError
        There is none.
    """
    row = connection.execute(select(account).where(account.c.id == number)).one_or_none()
    if row is None:
        msg = f"account {number}: there is none"
        raise SettingsError(msg)
    return _person(row)


def check_password(password: str, name: str) -> None:
    """Refuse a password that is too short, too long, or the name.

    Raises
    ------
    SettingsError
    """
    if not SHORTEST <= len(password) <= LONGEST:
        msg = f"account '{name}': a password has {SHORTEST} to {LONGEST} letters; a sentence is easy to remember"
        raise SettingsError(msg)
    if len(set(password)) < 5 or name in password.lower():
        msg = f"account '{name}': the password is the name, or has too few different letters"
        raise SettingsError(msg)


# ------------------------------------------------------------------------------------------------------------ entering


def checked(connection: Connection, name: str, password: str) -> Person | EntryRefusedError:
    """The person of a name and password, or why nobody; what was tried is noted in any case.

    Given back and not raised, because the note must outlast the transaction. Who has no account is told the same, and
    as late, as who has a wrong password.
    """
    wrong = EntryRefusedError("name or password are wrong")
    row = connection.execute(
        select(account).where(account.c.name == name.strip().lower()).with_for_update()
    ).one_or_none()
    if row is None or not row.active:
        _verified(_NOBODY, password)
        return wrong
    moment = now()
    if row.locked_until is not None and row.locked_until > moment:
        minutes = ceil((row.locked_until - moment).total_seconds() / 60)
        return EntryRefusedError(f"after {TRIES} wrong passwords the account is locked for {minutes} min more")
    if not _verified(row.password, password):
        failures = row.failures + 1
        longer = min(LOCKED * 2 ** min(failures // TRIES - 1, 20), _LONGEST_LOCK) if failures >= TRIES else None
        until = moment + longer if longer is not None and failures % TRIES == 0 else None
        connection.execute(update(account).where(account.c.id == row.id).values(failures=failures, locked_until=until))
        return wrong
    connection.execute(update(account).where(account.c.id == row.id).values(failures=0, locked_until=None))
    return _person(row)


def enter(connection: Connection, person: Person) -> str:
    """Begin a session; gives what the browser keeps."""
    token = secrets.token_urlsafe(32)
    moment = now()
    connection.execute(delete(session).where(session.c.until < moment))
    connection.execute(
        session.insert().values(
            token=_digest(token), account=person.id, made=moment, seen=moment, until=moment + SESSION
        )
    )
    return token


def inside(connection: Connection, token: str) -> Person | None:
    """Who is in by what a browser keeps; None: nobody, or not any more."""
    moment = now()
    row = connection.execute(
        select(account, session.c.seen)
        .join(session, session.c.account == account.c.id)
        .where(session.c.token == _digest(token), session.c.until > moment, session.c.seen > moment - IDLE)
        .where(account.c.active)
    ).one_or_none()
    return None if row is None else _person(row)


def is_due(connection: Connection, token: str) -> bool:
    """Whether a click is to be noted: not every one is, because that writes."""
    since = now() - _SEEN
    return bool(connection.scalar(select(session.c.seen < since).where(session.c.token == _digest(token))))


def seen(connection: Connection, token: str) -> None:
    """Note a click."""
    moment = now()
    connection.execute(update(session).where(session.c.token == _digest(token)).values(seen=moment))


def leave(connection: Connection, token: str) -> None:
    """End a session."""
    connection.execute(delete(session).where(session.c.token == _digest(token)))


# --------------------------------------------------------------------------------------------------------------- parts


def _person(row: Row[Any]) -> Person:
    return Person(
        id=row.id,
        name=row.name,
        full_name=row.full_name,
        roles=frozenset(role for role in ROLES if role in row.roles.split()),
        active=row.active,
        locked_until=row.locked_until,
    )


def _roles(roles: frozenset[Role], name: str) -> str:
    unknown = sorted(set(roles) - set(ROLES))
    if unknown or not roles:
        what = f"'{unknown[0]}' is no role" if unknown else "has no role"
        msg = f"account '{name}': {what}; there are: {', '.join(ROLES)}"
        raise SettingsError(msg)
    return " ".join(role for role in ROLES if role in roles)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


_NOBODY = (
    "$argon2id$v=19$m=65536,t=3,p=4$c29tZXRoaW5nIGVsc2U$zwAfYKm3pLTxSmDPb0hxpTbGm0/nQkZMHvVmUSwy8gk"  # of no password
)


def _hashed(password: str) -> str:
    return str(_hasher().hash(password))


def _verified(kept: str, password: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return bool(_hasher().verify(kept, password))
    except (VerificationError, InvalidHashError):
        return False


def _hasher() -> Any:
    try:
        from argon2 import PasswordHasher
    except ImportError:
        msg = "accounts need argon2-cffi; install it with: pip install 'inspect_tool[workbench]'"
        raise SettingsError(msg) from None
    return PasswordHasher()
