"""The workbench as an ASGI application."""

from dataclasses import replace

from starlette.applications import Starlette
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from inspect_tool.web import guard, html, scribbling
from inspect_tool.web.bench import NOBODY, Asked, Bench
from inspect_tool.web.routes import PAGES


def application(bench: Bench) -> ASGIApp:
    """Build the application of a workbench."""
    bench = replace(bench, kept={**bench.kept, scribbling.NAME: scribbling.Desk()})

    async def missing(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        nobody = Asked(bench=bench, person=NOBODY, at={}, query={}, form=FormData(), body=b"", request=request)
        what = {404: "there is no such page", 405: "this page cannot be asked for in this way"}
        answer = guard.refused(nobody, error.status_code, what.get(error.status_code, error.detail))
        answer.headers.update(error.headers or {})
        return answer

    app = Starlette(
        routes=[
            *(Route(page.path, guard.guarded(page, bench), methods=[page.method]) for page in PAGES),
            Mount("/static", StaticFiles(directory=html.HOME / "static")),
        ],
        exception_handlers={HTTPException: missing},
    )
    app.router.redirect_slashes = False  # one address for one page
    return guard.headed(app, bench)
