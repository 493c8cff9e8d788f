"""Entering and leaving, and the first account."""

from datetime import timedelta

from starlette.responses import Response

from inspect_tool.errors import SettingsError
from inspect_tool.lab import accounts, users
from inspect_tool.lab.database import connected
from inspect_tool.web import tries
from inspect_tool.web.bench import PUBLIC, Asked, Page
from inspect_tool.web.guard import cookie
from inspect_tool.web.html import page, to

_DEVICE = timedelta(days=180)  # that a device is known, from the last entry on


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
        person = _let_in(asked, name.strip().lower(), password)
    except users.EntryRefusedError as error:
        return page(asked, "enter.html", 422, reason=str(error), name=name, then=then)
    return entered(asked, person, then)


def _let_in(asked: Asked, name: str, password: str) -> users.Person:
    """Look at a name and password, as often as it is allowed at this place.

    Raises
    ------
    EntryRefusedError
        They are wrong, or there were too many wrong ones.
    """
    lab, counted = asked.bench.lab, asked.bench.kept[tries.NAME]
    with connected(lab, read_only=True) as connection:
        owner = users.known(connection, name)
    kept = "" if owner is None else asked.request.cookies.get(_device(asked, owner.person), "")
    if owner is not None and owner.person.id is not None and tries.is_known(kept, owner.person.id, owner.kept):
        place = kept
    else:
        place, owner = _address(asked), None
    if counted.are_over(place, name):
        users.is_right(None, password)  # which takes as long as looking at it
        raise users.EntryRefusedError(accounts.REFUSED)
    try:
        if owner is not None:
            person = accounts.checked_on_known_device(lab, owner, password)
        else:
            person = accounts.checked(lab, name, password, users.STRANGERS)
    except users.EntryRefusedError:
        is_over = counted.count(place, name, right=False)
        if is_over:
            accounts.refused_at(lab, name, "a device of its owner" if owner is not None else place)
        raise
    counted.count(place, name, right=True)
    return person


def _address(asked: Asked) -> str:
    return asked.request.client.host if asked.request.client else ""


def _device(asked: Asked, person: users.Person) -> str:
    """Name of the cookie by which a device shows that a person entered on it."""
    return f"{cookie(asked.bench)}-device-{person.id}"


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
        known = users.known(connection, person.name)
    assert known is not None
    assert person.id is not None
    answer = to(then)
    for key, value, lasts in (
        (name, token, users.SESSION),
        (_device(asked, person), tries.device(person.id, known.kept), _DEVICE),
    ):
        answer.set_cookie(
            key,
            value,
            max_age=int(lasts.total_seconds()),
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
