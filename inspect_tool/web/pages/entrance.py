"""Entering and leaving, and the first account."""

from starlette.responses import Response

from inspect_tool.errors import SettingsError
from inspect_tool.lab import users
from inspect_tool.lab.database import connected
from inspect_tool.web.bench import PUBLIC, Asked, Page
from inspect_tool.web.guard import COOKIE
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
    with connected(asked.bench.lab) as connection:
        found = users.checked(connection, name, password)
        token = users.enter(connection, found) if isinstance(found, users.Person) else ""
    if not token:
        return page(asked, "enter.html", 422, reason=str(found), name=name, then=then)
    return _in(asked, token, then)


def first(asked: Asked) -> Response:
    """Make the first account, which manages the others."""
    name, full_name = str(asked.form.get("name", "")), str(asked.form.get("full_name", ""))
    password = str(asked.form.get("password", ""))
    try:
        with connected(asked.bench.lab) as connection:
            if users.exist(connection):
                return to("/enter")
            if password != asked.form.get("again"):
                msg = "the two passwords differ"
                raise SettingsError(msg)
            person = users.add(connection, name, full_name, password, frozenset(users.ROLES))
            token = users.enter(connection, person)
    except SettingsError as error:
        return page(
            asked, "first.html", 422, reason=str(error), name=name, full_name=full_name, shortest=users.SHORTEST
        )
    return _in(asked, token, "/")


def leave(asked: Asked) -> Response:
    """End the session."""
    with connected(asked.bench.lab) as connection:
        users.leave(connection, asked.request.cookies.get(COOKIE, ""))
    answer = to("/enter")
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict", secure=asked.bench.is_secure)
    return answer


def _in(asked: Asked, token: str, then: str) -> Response:
    answer = to(then)
    answer.set_cookie(
        COOKIE,
        token,
        max_age=int(users.SESSION.total_seconds()),
        path="/",
        httponly=True,
        samesite="strict",
        secure=asked.bench.is_secure,
    )
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
