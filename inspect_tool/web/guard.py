"""What stands before every page: which hosts are answered, where a change may come from, who is in and may do it.

A page of another site cannot read or change anything: hosts that are not ours are refused (a name that was made to
point here too), every request that changes something must state an origin of ours, cookies are not sent along from
elsewhere, and a page loads from nowhere else. A program that states a token needs no origin: no browser adds one. A
token opens ``/api/`` alone: who makes accounts, corrects or signs is a person who entered.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from urllib.parse import quote

from anyio import CapacityLimiter, to_thread
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, MutableHeaders
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inspect_tool.errors import InspectError
from inspect_tool.lab import tokens, users
from inspect_tool.lab.database import connected
from inspect_tool.lab.users import Person
from inspect_tool.web import html
from inspect_tool.web.bench import NOBODY, PUBLIC, Asked, Bench, Page, alone

COOKIE = "inspect-tool"  # not a common name: cookies of one computer are not told apart by port
SAFE = ("GET", "HEAD")
API = "/api/"
STATIC = "/static/"
OWN = ("/me", "/me/password", "/leave")
"""All that is open to who must change the password."""
UNATTENDED = "X-Unattended"
"""Header of what a page asks by itself, without a person who did something: it keeps nobody in."""
_AT_ONCE = 2  # requests to one change that is open to everybody; checking a password takes 64 MB and both cores
POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'self'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def headed(app: ASGIApp, bench: Bench) -> ASGIApp:
    """Answer only under our own hosts, and give every answer the headers that keep a browser to them."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        if scope["type"] != "http":  # there is no page of another kind, and what follows would not guard it
            await send({"type": "websocket.close", "code": 1008})
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-cache" if scope["path"].startswith(STATIC) else "no-store")
                if bench.is_secure:
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
            await send(message)

        host = Request(scope).headers.get("host", "").lower()
        if host not in bench.hosts:
            refused = PlainTextResponse(f"this workbench is not '{host[:100]}'\n", status_code=421)
            await refused(scope, receive, sent)
            return
        await app(scope, receive, sent)

    return answer


def guarded(page: Page, bench: Bench) -> Callable[[Request], Awaitable[Response]]:
    """Let a request through to a page whose person may make it."""
    is_open_to_all = page.roles == PUBLIC and page.method not in SAFE
    limit = CapacityLimiter(_AT_ONCE) if is_open_to_all else None

    async def answer(request: Request) -> Response:
        person, refusal = await run_in_threadpool(_person, request, bench)
        if refusal is None:
            refusal = _forbidden(request, bench, page, person)
        asked = Asked(
            bench=bench,
            person=person or NOBODY,
            at=request.path_params,
            query=request.query_params,
            form=FormData(),
            body=b"",
            request=request,
        )
        if refusal is not None:
            return refused(asked, *refusal)
        is_due = users.must_change(asked.person, bench.lab.password_days)
        if is_due and page.path not in OWN and not _is_by_token(request):
            return RedirectResponse(OWN[0], status_code=303)
        return await _answered(asked, page, limit)

    return answer


async def _answered(asked: Asked, page: Page, limit: CapacityLimiter | None) -> Response:
    request = asked.request
    if not _is_text(request.url.path, *request.query_params.keys(), *request.query_params.values()):
        return refused(asked, 400, "the address holds signs that are no text")
    if page.method not in SAFE:
        size = request.headers.get("content-length", "")
        # a body in pieces has no length, whatever the request says beside it
        if not size.isdecimal() or "transfer-encoding" in request.headers:
            return refused(asked, 411, "the request does not say how long it is")
        if int(size) > page.most_bytes:
            return refused(asked, 413, f"more than {page.most_bytes >> 20} MB at once")
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            if kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
                asked = replace(asked, form=await request.form(max_files=500, max_fields=2000))
            else:
                asked = replace(asked, body=await request.body())
        except (MultiPartException, ValueError) as error:
            return refused(asked, 400, f"the form cannot be read: {error}")
        except OSError as error:  # where forms wait that are too large for memory
            return refused(asked, 507, f"what was sent cannot be kept: {error.strerror}")
    try:
        values = (value if isinstance(value, str) else value.filename or "" for value in asked.form.values())
        if not _is_text(*asked.form.keys(), *values):
            return refused(asked, 400, "the form holds signs that are no text")
        return await to_thread.run_sync(page.show, asked, limiter=limit)
    except InspectError as error:
        return await run_in_threadpool(refused, asked, 422, str(error))
    finally:
        await asked.form.close()


def _is_text(*values: str) -> bool:
    """Whether a database can keep what was sent: no zeros, no halves of letters."""
    return not any("\0" in value or (not value.isascii() and _has_half(value)) for value in values)


def _has_half(value: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in value)


def refused(asked: Asked, status: int, reason: str) -> Response:
    """Say in one line why not: as a page, as a part of one, or to a program."""
    if asked.request.url.path.startswith(API):
        return JSONResponse({"error": reason}, status_code=status)
    if status == 401 and not html.is_part(asked):
        there = asked.request.url.path
        asked_for = f"{there}?{asked.request.url.query}" if asked.request.url.query else there
        is_lost = there == "/" or asked.request.method not in SAFE  # what was sent is gone: nothing to go back to
        return RedirectResponse("/enter" if is_lost else f"/enter?then={quote(asked_for)}", status_code=303)
    answer = html.page(asked, "refused.html", status, reason=reason, code=status)
    if status == 401:
        answer.headers["HX-Redirect"] = "/enter"
    return answer


def cookie(bench: Bench) -> str:
    """Name of the cookie; by TLS one that no other host can set."""
    return f"__Host-{COOKIE}" if bench.is_secure else COOKIE


def _person(request: Request, bench: Bench) -> tuple[Person | None, tuple[int, str] | None]:
    """Who makes a request; None: nobody is in."""
    if _is_by_token(request):
        return _bearer(request, bench)
    if bench.is_open:
        return alone(), None
    token = request.cookies.get(cookie(bench), "")
    if not token:
        return None, None
    with connected(bench.lab, read_only=True) as connection:
        person = users.inside(connection, token)
        is_due = person is not None and UNATTENDED not in request.headers and users.is_due(connection, token)
    if is_due:
        with connected(bench.lab) as connection:
            users.seen(connection, token)
    return person, None


def _is_by_token(request: Request) -> bool:
    return "authorization" in request.headers


def _bearer(request: Request, bench: Bench) -> tuple[Person | None, tuple[int, str] | None]:
    """Whose token a request states."""
    if not request.url.path.startswith(API):
        return None, (403, f"a token opens {API} alone; enter by name and password")
    kind, _, token = request.headers["authorization"].partition(" ")
    if kind.lower() != "bearer":
        return None, (401, "the token is not stated as 'Authorization: Bearer TOKEN'")
    token = token.strip()
    with connected(bench.lab, read_only=True) as connection:
        person = tokens.owner(connection, token)
        is_due = person is not None and tokens.is_due(connection, token)
    if is_due:
        with connected(bench.lab) as connection:
            tokens.seen(connection, token)
    return person, None if person else (401, "the token is unknown, or has ended")


def _forbidden(request: Request, bench: Bench, page: Page, person: Person | None) -> tuple[int, str] | None:
    """Why a request is not let through; None: it is."""
    origin = request.headers.get("origin")
    if page.method not in SAFE and not _is_by_token(request) and origin not in bench.origins:
        return 403, f"a change from '{origin or 'nowhere'}' is refused: it must come from a page of this workbench"
    site, mode = request.headers.get("sec-fetch-site", ""), request.headers.get("sec-fetch-mode", "")
    if site in ("cross-site", "same-site") and mode != "navigate":  # a link from elsewhere is followed, no more
        return 403, "a page of another site asks for this, and is refused"
    if page.roles == PUBLIC:
        return None
    if person is None:
        return 401, "nobody is in; enter first"
    if not page.roles & person.roles:
        may = ", ".join(sorted(page.roles))
        return 403, f"{person.full_name} may not do this; it takes one of the roles: {may}"
    return None
