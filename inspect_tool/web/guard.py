"""What stands before every page: which hosts are answered, where a change may come from, who is in and may do it.

A page of another site cannot read or change anything: hosts that are not ours are refused (a name that was made to
point here too), every request that changes something must state an origin of ours, cookies are not sent along from
elsewhere, and a page loads from nowhere else. A program that states a token needs no origin: no browser adds one.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace

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

COOKIE = "session"
SAFE = ("GET", "HEAD")
API = "/api/"
STATIC = "/static/"
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
        if scope["type"] != "http":
            await app(scope, receive, send)
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
        return await _answered(asked, page)

    return answer


async def _answered(asked: Asked, page: Page) -> Response:
    request = asked.request
    if page.method not in SAFE:
        size = request.headers.get("content-length", "")
        if not size.isdecimal():
            return refused(asked, 411, "the request does not say how long it is")
        if int(size) > page.most_bytes:
            return refused(asked, 413, f"more than {page.most_bytes >> 20} MB at once")
        kind = request.headers.get("content-type", "").partition(";")[0]
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
        return await run_in_threadpool(page.show, asked)
    except InspectError as error:
        return await run_in_threadpool(refused, asked, 422, str(error))
    finally:
        await asked.form.close()


def refused(asked: Asked, status: int, reason: str) -> Response:
    """Say in one line why not: as a page, as a part of one, or to a program."""
    if asked.request.url.path.startswith(API):
        return JSONResponse({"error": reason}, status_code=status)
    if status == 401 and not html.is_part(asked):
        there = asked.request.url.path
        return RedirectResponse("/enter" if there == "/" else f"/enter?then={there}", status_code=303)
    answer = html.page(asked, "refused.html", status, reason=reason, code=status)
    if status == 401:
        answer.headers["HX-Redirect"] = "/enter"
    return answer


def _person(request: Request, bench: Bench) -> tuple[Person | None, tuple[int, str] | None]:
    """Who makes a request; None: nobody is in."""
    bearer = request.headers.get("authorization", "")
    if bearer:
        kind, _, token = bearer.partition(" ")
        with connected(bench.lab) as connection:
            person = tokens.owner(connection, token.strip()) if kind.lower() == "bearer" else None
        return person, None if person else (401, "the token is unknown, or has ended")
    if bench.is_open:
        return alone(), None
    token = request.cookies.get(COOKIE, "")
    if not token:
        return None, None
    with connected(bench.lab, read_only=True) as connection:
        person = users.inside(connection, token)
        is_due = person is not None and users.is_due(connection, token)
    if is_due:
        with connected(bench.lab) as connection:
            users.seen(connection, token)
    return person, None


def _forbidden(request: Request, bench: Bench, page: Page, person: Person | None) -> tuple[int, str] | None:
    """Why a request is not let through; None: it is."""
    by_token = "authorization" in request.headers
    origin = request.headers.get("origin")
    if page.method not in SAFE and not by_token and origin not in bench.origins:
        return 403, f"a change from '{origin or 'nowhere'}' is refused: it must come from a page of this workbench"
    if page.roles == PUBLIC:
        return None
    if person is None:
        return 401, "nobody is in; enter first"
    if not page.roles & person.roles:
        may = ", ".join(sorted(page.roles))
        return 403, f"{person.full_name} may not do this; it takes one of the roles: {may}"
    return None
