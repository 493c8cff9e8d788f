"""What is done to the accounts of a lab, as it is recorded: nothing without an entry in their audit trail.

The trail lies in a folder of its own, because that of the reports goes with them to others, whom the accounts of the
lab do not concern. An entry is written before the database keeps the change; it holds no password, nor a hash of one.
"""

from pathlib import Path
from typing import Any

from inspect_tool.errors import SettingsError
from inspect_tool.evidence import audit
from inspect_tool.lab import tokens, users
from inspect_tool.lab.database import Lab, connected
from inspect_tool.lab.users import ROLES, EntryRefusedError, Person, Role

FOLDER = "accounts"
REFUSED = f"name or password are wrong, or the account is locked here, as it is after {users.TRIES} wrong passwords"
"""All that is said to who is not let in."""


def trail(lab: Lab) -> Path:
    """Folder of the audit trail of the accounts."""
    return lab.folder / FOLDER


# ---------------------------------------------------------------------------------------------------------- management


def first(lab: Lab, name: str, full_name: str, password: str) -> Person | None:
    """Make the first account, with every role; None: there is one already."""
    with connected(lab) as connection:
        users.alone(connection)
        if users.exist(connection):
            return None
        made = users.add(connection, name, full_name, password, frozenset(ROLES))
        _record(lab, made, made.full_name, "made", new={"full_name": made.full_name, "roles": _named(made.roles)})
    return made


def make(lab: Lab, by: str, name: str, full_name: str, password: str, roles: frozenset[Role]) -> Person:
    """Make an account, whose password its owner must change at once; ``by``: full name of who makes it.

    Raises
    ------
    SettingsError
        As of ``users.add``.
    """
    with connected(lab) as connection:
        made = users.add(connection, name, full_name, password, roles, temporary=True)
        _record(lab, made, by, "made", new={"full_name": made.full_name, "roles": _named(made.roles)})
    return made


def give_roles(
    lab: Lab, by: str, number: int, roles: frozenset[Role], *, instead: frozenset[Role] | None = None
) -> Person:
    """Give an account these roles; its sessions end.

    Parameters
    ----------
    instead : frozenset of Role, optional
        Roles that it had when somebody decided to change them.

    Raises
    ------
    SettingsError
        It has others meanwhile, or nobody would be left who manages accounts.
    """
    with connected(lab) as connection:
        users.alone(connection)
        before = users.by_number(connection, number)
        if instead is not None and before.roles != instead:
            msg = (
                f"account '{before.name}': another person has changed its roles meanwhile; look at them and decide anew"
            )
            raise SettingsError(msg)
        after = users.change(connection, number, roles=roles)
        if before.roles != after.roles:
            old, new = {"roles": _named(before.roles)}, {"roles": _named(after.roles)}
            _record(lab, after, by, "roles changed", old=old, new=new)
    return after


def close(lab: Lab, by: str, number: int, reason: str = "") -> Person:
    """Close an account: nobody enters by it any more, and its sessions and tokens end. Its name stays taken."""
    return _set_active(lab, by, number, reason, active=False)


def reopen(lab: Lab, by: str, number: int, reason: str = "") -> Person:
    """Open an account that was closed."""
    return _set_active(lab, by, number, reason, active=True)


def set_password(lab: Lab, by: str, number: int, password: str) -> Person:
    """Set the password of another person, who must change it at once; a lock ends, sessions and tokens too."""
    with connected(lab) as connection:
        after = users.change(connection, number, password=password, temporary=True)
        _record(lab, after, by, "password set")
    return after


def _set_active(lab: Lab, by: str, number: int, reason: str, *, active: bool) -> Person:
    with connected(lab) as connection:
        before = users.by_number(connection, number)
        after = users.change(connection, number, active=active)
        if before.active != after.active:
            _record(lab, after, by, "opened" if active else "closed", reason=reason)
    return after


# -------------------------------------------------------------------------------------------------------- one's own


def checked(lab: Lab, name: str, password: str, most: int = users.TRIES) -> Person:
    """The person of a name and password; every try counts, also those at the same time.

    After ``most`` wrong passwords the account is locked.

    The password is looked at between two transactions: it is slow on purpose, and nobody could write meanwhile.

    Raises
    ------
    EntryRefusedError
        The password is wrong, or the account is locked, closed or unknown.
    """
    with connected(lab) as connection:
        tried = users.tried(connection, name, most)
    if users.is_right(tried, password):
        assert tried is not None
        with connected(lab) as connection:
            if users.passed(connection, tried):
                return tried.person
    elif tried is not None and tried.locked_until is not None:
        until = f"{tried.locked_until:%Y-%m-%dT%H:%M:%SZ}"
        _record(lab, tried.person, "not stated", "locked", reason="wrong passwords", new={"until": until})
    raise EntryRefusedError(REFUSED)


def refused_at(lab: Lab, name: str, place: str) -> None:
    """Record that a place is refused for an account after too many wrong passwords; an unknown name is not kept."""
    with connected(lab, read_only=True) as connection:
        owner = users.known(connection, name)
    if owner is not None:
        _record(lab, owner.person, "not stated", "refused", reason="wrong passwords", new={"place": place})


def checked_on_known_device(lab: Lab, known: users.Try, password: str) -> Person:
    """The person of a device on which he or she entered before; a lock that others brought about does not keep it out.

    Raises
    ------
    EntryRefusedError
        The password is wrong, or was changed in between.
    """
    if users.is_right(known, password):
        with connected(lab, read_only=True) as connection:
            if users.known(connection, known.person.name) == known:
                return known.person
    raise EntryRefusedError(REFUSED)


def change_own_password(lab: Lab, person: Person, old: str, password: str) -> Person:
    """Change one's own password; all sessions and tokens of the account end.

    Raises
    ------
    EntryRefusedError
        The old one is wrong.
    SettingsError
        The new one is that, or cannot be used.
    """
    known = checked(lab, person.name, old)
    if old == password:
        msg = f"account '{person.name}': the new password is the old one"
        raise SettingsError(msg)
    assert known.id is not None
    with connected(lab) as connection:
        after = users.change(connection, known.id, password=password)
        _record(lab, after, after.full_name, "password changed")
    return after


def make_token(lab: Lab, person: Person, name: str, days: int) -> str:
    """Make a token for a person; it is given once and never again.

    Raises
    ------
    SettingsError
        As of ``tokens.make``.
    """
    with connected(lab) as connection:
        token = tokens.make(connection, person, name, days)
        _record(lab, person, person.full_name, "token made", new={"token": name, "days": days})
    return token


def end_token(lab: Lab, person: Person, number: int) -> None:
    """End a token of a person; one that is no more stays so."""
    with connected(lab) as connection:
        name = tokens.end(connection, person, number)
        if name is not None:
            _record(lab, person, person.full_name, "token ended", old={"token": name})


# --------------------------------------------------------------------------------------------------------------- parts


def _record(
    lab: Lab,
    person: Person,
    by: str,
    did: str,
    *,
    reason: str = "",
    old: dict[str, Any] | None = None,
    new: dict[str, Any] | None = None,
) -> None:
    facts = {"did": did, **(new or {})}
    audit.append(
        trail(lab), audit.Event(event="account", subject=person.name, user=by, reason=reason, old=old, new=facts)
    )


def _named(roles: frozenset[Role]) -> list[Role]:
    return [role for role in ROLES if role in roles]
