"""Who may enter the workbench of a lab: accounts, their passwords and roles, and who is in at the moment.

A password is kept as its Argon2 hash, a session as the hash of what the browser keeps. After too many wrong passwords
an account is locked, each time for longer. Nobody has an account at first: the first one is made by who starts the
workbench. What is done here is recorded by :mod:`inspect_tool.lab.accounts`.
"""

import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias, get_args

from sqlalchemy import Connection, Row, delete, func, select, update

from inspect_tool.errors import InspectError, SettingsError
from inspect_tool.evidence.provenance import now
from inspect_tool.files import sha256_bytes
from inspect_tool.lab.tables import account, api_token, session

Role: TypeAlias = Literal["operator", "analyst", "reviewer", "manager", "auditor"]
ROLES: tuple[Role, ...] = get_args(Role)
SHORTEST = 12
"""Letters of a password, at least."""
LONGEST = 200
TRIES = 5
"""Wrong passwords after which an account is locked, where somebody is in; and a place, for a name, at the door."""
STRANGERS = 25
"""Wrong passwords from places that are not known after which an account is locked for such places."""
LOCKED = timedelta(minutes=5)  # the first time; then twice as long each time, up to a day
SESSION = timedelta(hours=10)
"""How long one entry lasts; without a click for ``IDLE`` it ends sooner."""
IDLE = timedelta(minutes=30)
NOTED = timedelta(minutes=1)
"""How often that somebody was seen is written down, at most."""
_LONGEST_LOCK = timedelta(days=1)
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")


class EntryRefusedError(InspectError):
    """Name or password are wrong, or the account is locked or closed: which of them is not told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who is at work, and what he or she may do."""

    id: int | None  # of the account; None: single-user mode
    name: str
    full_name: str  # as it stands in reports
    roles: frozenset[Role]
    active: bool = True
    locked_until: datetime | None = None
    changed: datetime | None = None  # the password
    temporary: bool = False  # another person set the password: it opens nothing until it is changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """A password that is to be looked at."""

    person: Person
    kept: str  # hash of the right one
    locked_until: datetime | None  # where this try is the last one


def exist(connection: Connection) -> bool:
    """Whether anybody has an account."""
    return bool(connection.scalar(select(func.count()).select_from(account)))


def every(connection: Connection) -> tuple[Person, ...]:
    """All who have or had an account, by name."""
    return tuple(_person(row) for row in connection.execute(select(account).order_by(account.c.name)))


def add(
    connection: Connection,
    name: str,
    full_name: str,
    password: str,
    roles: frozenset[Role],
    *,
    temporary: bool = False,
) -> Person:
    """Make an account.

    Parameters
    ----------
    temporary : bool
        Another person knows the password.

    Raises
    ------
    SettingsError
        The name or the full name is taken or unusable, the password too short, or there is no role.
    """
    alone(connection)
    name = name.strip().lower()
    if not _NAME.fullmatch(name):
        msg = f"account '{name}': a name has 1 to 40 letters a to z, digits, '.', '_' or '-'"
        raise SettingsError(msg)
    if connection.scalar(select(account.c.id).where(account.c.name == name)):
        msg = f"account '{name}': there is one already; names are not given twice, also not that of a closed account"
        raise SettingsError(msg)
    full_name = unicodedata.normalize("NFC", " ".join(full_name.split()))
    if not full_name or not full_name.isprintable():
        msg = f"account '{name}': the full name is empty, or no text; it stands in reports and under signatures"
        raise SettingsError(msg)
    if any(one.full_name.casefold() == full_name.casefold() for one in every(connection)):
        msg = (
            f"account '{name}': there is a '{full_name}' already, and reports and signatures tell people apart by the "
            "full name; add what tells them apart, for example a second first name"
        )
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
        "temporary": temporary,
    }
    number = connection.execute(account.insert().values(values).returning(account.c.id)).scalar_one()
    return by_number(connection, number)


def change(
    connection: Connection,
    number: int,
    *,
    roles: frozenset[Role] | None = None,
    active: bool | None = None,
    password: str | None = None,
    temporary: bool = False,
) -> Person:
    """Change the roles of an account, close or open it, or set its password; its sessions end.

    With another password, and where it is closed, its tokens end too.

    Raises
    ------
    SettingsError
        There is no such account, the password is too short, or nobody would be left who manages accounts.
    """
    alone(connection)
    person = by_number(connection, number)
    values: dict[str, object] = {}
    if roles is not None:
        values["roles"] = _roles(roles, person.name)
    if active is not None:
        values["active"] = active
    if password is not None:
        check_password(password, person.name)
        values |= {"password": _hashed(password), "changed": now(), "temporary": temporary}
        values |= {"failures": 0, "locked_until": None}
    if values:
        connection.execute(update(account).where(account.c.id == number).values(values))
    if not any("manager" in one.roles and one.active for one in every(connection)):
        msg = f"account '{person.name}': nobody would be left who manages accounts; give another one the role first"
        raise SettingsError(msg)
    connection.execute(delete(session).where(session.c.account == number))
    if active is False or password is not None:
        connection.execute(delete(api_token).where(api_token.c.account == number))
    return by_number(connection, number)


def alone(connection: Connection) -> None:
    """Change accounts alone until the transaction ends: what two do at once must not be checked beside each other."""
    if connection.dialect.name == "postgresql":  # SQLite is held alone by whoever writes
        connection.exec_driver_sql(f"LOCK TABLE {account.name} IN SHARE ROW EXCLUSIVE MODE")


def by_name(connection: Connection, name: str) -> Person:
    """The account of a name.

    Raises
    ------
    SettingsError
        There is none.
    """
    row = connection.execute(select(account).where(account.c.name == name.strip().lower())).one_or_none()
    if row is None:
        there = ", ".join(one.name for one in every(connection)) or "none"
        msg = f"account '{name}': there is no such account; there are: {there}"
        raise SettingsError(msg)
    return _person(row)


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
    if len(set(password)) < 5 or len(password.lower().replace(name, "")) < SHORTEST - 4:
        msg = f"account '{name}': the password is the name, or has too few different letters"
        raise SettingsError(msg)


# ------------------------------------------------------------------------------------------------------------ entering


def tried(connection: Connection, name: str, most: int = TRIES) -> Try | None:
    """Count a try before its password is looked at, so that tries at the same time count too; None: it is refused.

    After ``most`` wrong ones the account is locked.

    Who has no account is as much work for the disk as who has one: what takes longer tells.
    """
    row = connection.execute(
        select(account).where(account.c.name == name.strip().lower()).with_for_update()
    ).one_or_none()
    moment = now()
    if row is None or not row.active or (row.locked_until is not None and row.locked_until > moment):
        any_one = select(func.min(account.c.id)).scalar_subquery()
        connection.execute(update(account).where(account.c.id == any_one).values(failures=account.c.failures))
        return None
    failures = row.failures + 1
    until = None
    if failures % most == 0:
        until = moment + min(LOCKED * 2 ** min(failures // most - 1, 20), _LONGEST_LOCK)
    connection.execute(update(account).where(account.c.id == row.id).values(failures=failures, locked_until=until))
    return Try(person=_person(row), kept=row.password, locked_until=until)


def must_change(person: Person, days: int) -> bool:
    """Whether a person enters nothing before the password is changed: another set it, or it is older than ``days``.

    ``days`` 0: no password is too old.
    """
    is_old = days > 0 and person.changed is not None and person.changed < now() - timedelta(days=days)
    return person.temporary or is_old


def known(connection: Connection, name: str) -> Try | None:
    """What the password of an account is compared with, without counting; None: there is no such account in use."""
    row = connection.execute(select(account).where(account.c.name == name.strip().lower())).one_or_none()
    return None if row is None or not row.active else Try(person=_person(row), kept=row.password, locked_until=None)


def is_right(tried: Try | None, password: str) -> bool:
    """Whether the password of a try is the right one; as slow where there is nothing to compare it with."""
    right = _verified(_NOBODY if tried is None else tried.kept, password)
    return right and tried is not None


def passed(connection: Connection, tried: Try) -> bool:
    """Forget the wrong passwords before a right one; False: the account was closed, or has another one, meanwhile."""
    same = (account.c.id == tried.person.id) & account.c.active & (account.c.password == tried.kept)
    return connection.execute(update(account).where(same).values(failures=0, locked_until=None)).rowcount == 1


def enter(connection: Connection, person: Person) -> str:
    """Begin a session; gives what the browser keeps."""
    token = secrets.token_urlsafe(32)
    moment = now()
    connection.execute(delete(session).where(session.c.until < moment))
    connection.execute(
        session.insert().values(
            token=sha256_bytes(token.encode()), account=person.id, made=moment, seen=moment, until=moment + SESSION
        )
    )
    return token


def inside(connection: Connection, token: str) -> Person | None:
    """Who is in by what a browser keeps; None: nobody, or not any more."""
    moment = now()
    row = connection.execute(
        select(account, session.c.seen)
        .join(session, session.c.account == account.c.id)
        .where(
            session.c.token == sha256_bytes(token.encode()), session.c.until > moment, session.c.seen > moment - IDLE
        )
        .where(account.c.active)
    ).one_or_none()
    return None if row is None else _person(row)


def is_due(connection: Connection, token: str) -> bool:
    """Whether a click is to be noted: not every one is, because that writes."""
    since = now() - NOTED
    return bool(
        connection.scalar(select(session.c.seen < since).where(session.c.token == sha256_bytes(token.encode())))
    )


def seen(connection: Connection, token: str) -> None:
    """Note a click."""
    moment = now()
    connection.execute(update(session).where(session.c.token == sha256_bytes(token.encode())).values(seen=moment))


def leave(connection: Connection, token: str) -> None:
    """End a session."""
    connection.execute(delete(session).where(session.c.token == sha256_bytes(token.encode())))


# --------------------------------------------------------------------------------------------------------------- parts


def _person(row: Row[Any]) -> Person:
    return Person(
        id=row.id,
        name=row.name,
        full_name=row.full_name,
        roles=frozenset(role for role in ROLES if role in row.roles.split()),
        active=row.active,
        locked_until=row.locked_until,
        changed=row.changed,
        temporary=row.temporary,
    )


def _roles(roles: frozenset[Role], name: str) -> str:
    unknown = sorted(set(roles) - set(ROLES))
    if unknown or not roles:
        what = f"'{unknown[0]}' is no role" if unknown else "has no role"
        msg = f"account '{name}': {what}; there are: {', '.join(ROLES)}"
        raise SettingsError(msg)
    return " ".join(role for role in ROLES if role in roles)


_NOBODY = (
    "$argon2id$v=19$m=65536,t=3,p=4$c29tZXRoaW5nIGVsc2U$zwAfYKm3pLTxSmDPb0hxpTbGm0/nQkZMHvVmUSwy8gk"  # of no password
)


def _hashed(password: str) -> str:
    return str(_hasher().hash(_spelled(password)))


def _verified(kept: str, password: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return bool(_hasher().verify(kept, _spelled(password)))
    except (VerificationError, InvalidHashError):
        return False


def _spelled(password: str) -> bytes:
    """A password in one spelling: keyboards and systems compose accents differently."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "backslashreplace")


def _hasher() -> Any:
    try:
        from argon2 import PasswordHasher
    except ImportError:
        msg = "accounts need argon2-cffi; install it with: pip install 'inspect_tool[workbench]'"
        raise SettingsError(msg) from None
    return PasswordHasher()
