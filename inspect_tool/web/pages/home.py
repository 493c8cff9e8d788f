"""The first page: what waits, and what was done last."""

from starlette.responses import Response

from inspect_tool.batch import queue
from inspect_tool.lab import find
from inspect_tool.lab.database import connected
from inspect_tool.lab.query import Query
from inspect_tool.web.bench import ANYONE, Asked, Page
from inspect_tool.web.html import page

_NEWEST = 8


def home(asked: Asked) -> Response:
    """Show the state of the lab at a glance."""
    with connected(asked.bench.lab, read_only=True) as connection:
        counts = queue.counts(connection)
        found = find.search(connection, Query(terms=()), _NEWEST)
    return page(asked, "home.html", counts=counts, found=found)


PAGES = (Page(path="/", show=home, roles=ANYONE),)
