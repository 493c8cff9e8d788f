"""The first page: what a person should do next, what is measured, and what was done last."""

from collections.abc import Iterator

from starlette.responses import Response

from inspect_tool.batch import queue
from inspect_tool.lab import find, waiting
from inspect_tool.lab.database import connected
from inspect_tool.lab.query import Query
from inspect_tool.lab.users import Person
from inspect_tool.lab.waiting import Waiting
from inspect_tool.report.text import pm
from inspect_tool.web.bench import ANYONE, Asked, Page
from inspect_tool.web.html import page

_NEWEST = 8


def home(asked: Asked) -> Response:
    """Show the state of the lab at a glance."""
    with connected(asked.bench.lab, read_only=True) as connection:
        counts = queue.counts(connection)
        found = find.search(connection, Query(terms=()), _NEWEST)
        steps = list(_next(asked.person, waiting.of(connection, asked.person)))
    return page(asked, "home.html", counts=counts, found=found, steps=steps, pm=pm)


def _next(person: Person, found: Waiting) -> Iterator[tuple[str, str, str]]:
    """What a person should do next, by his or her roles: what it is, in words, where, and what the button says."""
    if "operator" in person.roles:
        if found.failed:
            yield f"{_counted(found.failed, 'inspection')} of yours failed", "/inspections", "Look why"
        if found.red:
            yield f"{_counted(found.red, 'image')} without a scale that can be trusted", "/inbox", "Give the scale"
        if found.images:
            yield f"{_counted(found.images, 'image')} in the inbox to be measured", "/inspections/new", "New inspection"
        else:
            yield "Nothing waits in the inbox", "/inbox", "Give images"
    if "analyst" in person.roles and found.drafts:
        yield f"{_counted(found.drafts, 'correction')} begun and not committed", "/inspections", "Go on"
    if person.roles & {"operator", "analyst"} and found.returned:
        yield f"{_counted(found.returned, 'report')} sent back to you", "/reviews", "Read why"
    if "reviewer" in person.roles:
        says = f"{_counted(found.reviews, 'report')} to review" if found.reviews else "No report to review"
        yield says, "/reviews", "Review"
    if "manager" in person.roles:
        yield "How the laboratory measures", "/templates", "Templates"
    if "auditor" in person.roles:
        yield "What was done, and by whom", "/trail", "Audit trail"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


PAGES = (Page(path="/", show=home, roles=ANYONE),)
