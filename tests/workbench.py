"""A workbench for tests: people with accounts, a client that speaks to it without a network, and a served one."""

import socket
import threading
import time
from contextlib import contextmanager
from functools import cache

import pytest
import uvicorn
from browsing import ARGUMENTS
from needs import chromium
from starlette.testclient import TestClient

from inspect_tool.bounded import Answer
from inspect_tool.errors import InspectError
from inspect_tool.lab import database, intake_reading, users
from inspect_tool.lab.database import connected
from inspect_tool.web import serve
from inspect_tool.web.app import application
from inspect_tool.web.guard import COOKIE

ORIGIN = "http://127.0.0.1:8765"
PASSWORD = "a sentence is easy"
NAMES = {"olga": "operator", "anna": "analyst", "rolf": "reviewer", "mara": "manager", "axel": "auditor"}
"""Accounts and the one role of each."""


_hashed = cache(users._hashed)


def bench(folder, **kwargs):
    """A workbench of a new lab in ``folder``."""
    lab = database.init(folder, name="Works 3")
    return serve.bench_of(lab, serve.Place(port=8765), **kwargs)


def with_people(made, names=NAMES):
    """Give a lab accounts: one of each role."""
    with connected(made.lab) as connection, pytest.MonkeyPatch.context() as patch:
        patch.setattr(users, "_hashed", _hashed)  # once: it is slow on purpose
        for name, role in names.items():
            users.add(connection, name, f"{name.title()} Muster", PASSWORD, frozenset([role]))
    return made


def client(made, name=""):
    """Who speaks to a workbench as a browser on its own pages does; ``name``: whose session it has."""
    spoken = TestClient(application(made), base_url=ORIGIN, headers={"Origin": ORIGIN}, follow_redirects=False)
    if name:
        with connected(made.lab) as connection:
            person = next(one for one in users.every(connection) if one.name == name)
            spoken.cookies.set(COOKIE, users.enter(connection, person))
    return spoken


def free_port():
    """A port of this computer that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def served(lab, certificate=None, **kwargs):
    """A workbench that listens on a free port of this computer, set up as the command does; gives its address."""
    place = serve.Place(port=free_port(), certificate=certificate)
    made = serve.bench_of(lab, place, **kwargs)
    server = uvicorn.Server(serve.configured(made, place))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield made
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def browser(**kwargs):
    """A page of Chromium that cannot leave this computer: what it asks of elsewhere is in ``page.elsewhere``."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=chromium(), args=[one for one in ARGUMENTS if one != "--headless"]
        )
        page = started.new_page(**kwargs)
        page.elsewhere, page.trouble = [], []
        page.on("pageerror", lambda error: page.trouble.append(str(error)))
        page.on("console", lambda said: page.trouble.append(said.text) if said.type == "error" else None)

        def asked(route):
            if route.request.url.startswith(("http://127.0.0.1:", "blob:", "data:")):
                route.continue_()
            else:
                page.elsewhere.append(route.request.url)
                route.abort()

        page.route("**/*", asked)
        try:
            yield page
        finally:
            started.close()


def reads_here(patch):
    """Let the readers look at a file that is given in this process, which is quicker, and finds the same."""

    def answered(work, bounds, args):
        try:
            return Answer(value=work(*args))
        except InspectError as error:
            return Answer(error=error)

    patch.setattr(intake_reading, "answered", answered)


def enters(page, made, name):
    """Enter by the form."""
    page.goto(f"{made.origins[0]}/enter")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Enter").click()
