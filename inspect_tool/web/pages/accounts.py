"""Accounts of the lab for who manages them, and for everybody the own password and tokens."""

from starlette.responses import Response

from inspect_tool.errors import SettingsError
from inspect_tool.evidence.provenance import now
from inspect_tool.lab import accounts, tokens, users
from inspect_tool.lab.database import Lab, connected
from inspect_tool.lab.users import ROLES, Person, Role
from inspect_tool.web.bench import ANYONE, Asked, Page, whole_number
from inspect_tool.web.html import page, to
from inspect_tool.web.pages.entrance import entered, new_password

MAY: dict[Role, str] = {
    "operator": "gives images, makes inspections and runs them",
    "analyst": "corrects segmentations, calibrates, trains",
    "reviewer": "approves the work of others, never the own",
    "manager": "specifications, templates and accounts",
    "auditor": "reads everything, and the audit trails",
}
"""What each role is for, in a few words."""
_MANAGER: frozenset[Role] = frozenset(["manager"])
_DAYS = 90  # that a token lasts, where nothing else is said


# ---------------------------------------------------------------------------------------------------------- management


def everybody(asked: Asked) -> Response:
    """List the accounts, and ask for a new one."""
    return _list(asked)


def make(asked: Asked) -> Response:
    """Make an account."""
    form = {key: str(asked.form.get(key, "")) for key in ("name", "full_name")}
    try:
        accounts.make(_lab(asked), asked.person.full_name, **form, password=new_password(asked), roles=_roles(asked))
    except SettingsError as error:
        return _list(asked, 422, str(error), {**form, "roles": asked.form.getlist("roles")})
    return to("/users")


def one(asked: Asked) -> Response:
    """Show an account, and ask for changes of it."""
    with connected(asked.bench.lab, read_only=True) as connection:
        found = users.by_number(connection, asked.at["number"])
        known = tokens.of(connection, found)
    is_locked = found.locked_until is not None and found.locked_until > now()
    return page(asked, "user.html", one=found, tokens=known, may=MAY, shortest=users.SHORTEST, is_locked=is_locked)


def give_roles(asked: Asked) -> Response:
    """Give an account other roles."""
    had = frozenset(role for role in ROLES if role in str(asked.form.get("had", "")).split())
    accounts.give_roles(_lab(asked), asked.person.full_name, asked.at["number"], _roles(asked), instead=had)
    return to(f"/users/{asked.at['number']}")


def close(asked: Asked) -> Response:
    """Close an account, or open it again."""
    change = accounts.reopen if asked.form.get("active") == "yes" else accounts.close
    reason = str(asked.form.get("reason", "")).strip()
    if not reason:
        msg = "an account is closed or opened with a reason: it stands in the audit trail"
        raise SettingsError(msg)
    change(_lab(asked), asked.person.full_name, asked.at["number"], reason)
    return to(f"/users/{asked.at['number']}")


def set_password(asked: Asked) -> Response:
    """Set the password of another person."""
    if asked.at["number"] == asked.person.id:
        msg = "your own password is changed on your own page, where the old one is asked for"
        raise SettingsError(msg)
    accounts.set_password(_lab(asked), asked.person.full_name, asked.at["number"], new_password(asked))
    return to(f"/users/{asked.at['number']}")


def _list(asked: Asked, status: int = 200, reason: str = "", form: dict[str, object] | None = None) -> Response:
    with connected(asked.bench.lab, read_only=True) as connection:
        found = users.every(connection)
    moment = now()
    locked = {one.id for one in found if one.locked_until is not None and one.locked_until > moment}
    form = form or {"name": "", "full_name": "", "roles": []}
    values = {"everybody": found, "locked": locked, "reason": reason, "form": form}
    return page(asked, "users.html", status, may=MAY, shortest=users.SHORTEST, **values)


def _roles(asked: Asked) -> frozenset[Role]:
    stated = asked.form.getlist("roles")
    unknown = [role for role in stated if role not in ROLES]
    if unknown or not stated:
        msg = f"roles: '{unknown[0]}' is none" if unknown else "roles: choose at least one"
        raise SettingsError(msg)
    return frozenset(role for role in ROLES if role in stated)


def _lab(asked: Asked) -> Lab:
    """The lab, where people have accounts.

    Raises
    ------
    SettingsError
        It is in single-user mode.
    """
    if asked.bench.is_open:
        msg = "nobody has an account in single-user mode; start the workbench without --single-user"
        raise SettingsError(msg)
    return asked.bench.lab


# ---------------------------------------------------------------------------------------------------------- one's own


def me(asked: Asked) -> Response:
    """Show who one is, and one's tokens."""
    return _me(asked)


def change_password(asked: Asked) -> Response:
    """Change the own password; one stays in, here alone."""
    lab, old = _lab(asked), str(asked.form.get("old", ""))
    try:
        person = accounts.change_own_password(lab, asked.person, old, new_password(asked))
    except users.EntryRefusedError:
        return _me(asked, 422, "the old password is wrong, or the account is locked after too many wrong ones")
    except SettingsError as error:
        return _me(asked, 422, str(error))
    return entered(asked, person, "/me")


def make_token(asked: Asked) -> Response:
    """Make a token, and show it this once."""
    days = whole_number(str(asked.form.get("days", "")))
    try:
        if days is None:
            msg = "token: say for how many days it lasts, as a whole number"
            raise SettingsError(msg)
        token = accounts.make_token(_lab(asked), asked.person, str(asked.form.get("name", "")), days)
    except SettingsError as error:
        return _me(asked, 422, str(error))
    return _me(asked, token=token)


def end_token(asked: Asked) -> Response:
    """End a token of one's own."""
    accounts.end_token(_lab(asked), asked.person, asked.at["number"])
    return to("/me")


def _me(asked: Asked, status: int = 200, reason: str = "", token: str = "") -> Response:
    person: Person = asked.person
    with connected(asked.bench.lab, read_only=True) as connection:
        known = () if person.id is None else tokens.of(connection, person)
    values = {"tokens": known, "reason": reason, "token": token, "moment": now()}
    values["must_change"] = users.must_change(person, asked.bench.lab.password_days)
    longest = tokens.LONGEST.days
    return page(asked, "me.html", status, may=MAY, shortest=users.SHORTEST, days=_DAYS, longest=longest, **values)


PAGES = (
    Page(path="/users", show=everybody, roles=_MANAGER | {"auditor"}),
    Page(path="/users", show=make, roles=_MANAGER, method="POST"),
    Page(path="/users/{number:int}", show=one, roles=_MANAGER),
    Page(path="/users/{number:int}/roles", show=give_roles, roles=_MANAGER, method="POST"),
    Page(path="/users/{number:int}/active", show=close, roles=_MANAGER, method="POST"),
    Page(path="/users/{number:int}/password", show=set_password, roles=_MANAGER, method="POST"),
    Page(path="/me", show=me, roles=ANYONE),
    Page(path="/me/password", show=change_password, roles=ANYONE, method="POST"),
    Page(path="/me/tokens", show=make_token, roles=ANYONE, method="POST"),
    Page(path="/me/tokens/{number:int}/end", show=end_token, roles=ANYONE, method="POST"),
)
