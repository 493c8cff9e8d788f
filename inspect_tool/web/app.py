"""The workbench as an ASGI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from inspect_tool.web import counting, guard, html, running, scribbling, tries, watching
from inspect_tool.web.bench import NOBODY, READING, Asked, Bench
from inspect_tool.web.editing import desk
from inspect_tool.web.routes import PAGES


def application(bench: Bench) -> ASGIApp:
    """Build the application of a workbench.

    Where a server starts it, its workers do the jobs of the queue, and images of watched folders come into the inbox.
    """
    workers, watcher = running.Running(bench), watching.Watching(bench.lab, bench.kept.get(READING))
    kept = {running.NAME: workers, watching.NAME: watcher, desk.NAME: desk.Desk(), scribbling.NAME: scribbling.Desk()}
    kept |= {tries.NAME: tries.Tries(), counting.NAME: counting.Counting()}
    bench = replace(bench, kept={**bench.kept, **kept})

    @asynccontextmanager
    async def working(_: Starlette) -> AsyncIterator[None]:
        workers.start()
        watcher.start()
        try:
            yield
        finally:
            await run_in_threadpool(watcher.stop)
            await run_in_threadpool(workers.stop)

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
        lifespan=working,
    )
    app.router.redirect_slashes = False  # one address for one page
    return guard.headed(app, bench)
