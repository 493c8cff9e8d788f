"""Entering and leaving, and the first account."""

from starlette.responses import Response

from inspect_tool.errors import SettingsError
from inspect_tool.lab import accounts, users
from inspect_tool.lab.database import connected
from inspect_tool.web.bench import PUBLIC, Asked, Page
from inspect_tool.web.guard import cookie
from inspect_tool.web.html import page, to


def form(asked: Asked) -> Response:
    """Ask for name and password, or for the first account where there is none."""
    if asked.bench.is_open:
        return to("/")
    with connected(asked.bench.lab, read_only=True) as connection:
        is_first = not users.exist(connection)
    if is_first:
        return page(asked, "first.html", reason="", name="", full_name="", shortest=users.SHORTEST)
    return page(asked, "enter.html", reason="", name="", then=_local(asked.query.get("then", "")))


def enter(asked: Asked) -> Response:
    """Let somebody in."""
    name, password = str(asked.form.get("name", "")), str(asked.form.get("password", ""))
    then = _local(str(asked.form.get("then", "")))
    try:
        person = accounts.checked(asked.bench.lab, name, password)
    except users.EntryRefusedError as error:
        return page(asked, "enter.html", 422, reason=str(error), name=name, then=then)
    return entered(asked, person, then)


def first(asked: Asked) -> Response:
    """Make the first account, which manages the others."""
    if asked.bench.is_open:
        return to("/")
    name, full_name = str(asked.form.get("name", "")), str(asked.form.get("full_name", ""))
    try:
        password = new_password(asked)
        person = accounts.first(asked.bench.lab, name, full_name, password)
    except SettingsError as error:
        return page(
            asked, "first.html", 422, reason=str(error), name=name, full_name=full_name, shortest=users.SHORTEST
        )
    return to("/enter") if person is None else entered(asked, person, "/")


def new_password(asked: Asked) -> str:
    """The password of a form that asks for it twice.

    Raises
    ------
    SettingsError
        The two differ.
    """
    password = str(asked.form.get("password", ""))
    if password != asked.form.get("again"):
        msg = "the two passwords differ"
        raise SettingsError(msg)
    return password


def entered(asked: Asked, person: users.Person, then: str) -> Response:
    """Begin a session of a person, in place of the one that the browser has, and go on to an address."""
    name = cookie(asked.bench)
    with connected(asked.bench.lab) as connection:
        users.leave(connection, asked.request.cookies.get(name, ""))
        token = users.enter(connection, person)
    answer = to(then)
    answer.set_cookie(
        name,
        token,
        max_age=int(users.SESSION.total_seconds()),
        path="/",
        httponly=True,
        samesite="strict",
        secure=asked.bench.is_secure,
    )
    return answer


def leave(asked: Asked) -> Response:
    """End the session."""
    name = cookie(asked.bench)
    with connected(asked.bench.lab) as connection:
        users.leave(connection, asked.request.cookies.get(name, ""))
    answer = to("/enter")
    answer.delete_cookie(name, path="/", httponly=True, samesite="strict", secure=asked.bench.is_secure)
    return answer


def _local(address: str) -> str:
    """An address of this workbench; anything else leads home."""
    is_ours = address.startswith("/") and not address.startswith(("//", "/\\", "/enter")) and address.isprintable()
    return address if is_ours else "/"


PAGES = (
    Page(path="/enter", show=form, roles=PUBLIC),
    Page(path="/enter", show=enter, roles=PUBLIC, method="POST"),
    Page(path="/first", show=first, roles=PUBLIC, method="POST"),
    Page(path="/leave", show=leave, roles=PUBLIC, method="POST"),
)
