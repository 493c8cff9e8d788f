"""Pages from templates."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, RedirectResponse, Response

from inspect_tool import registry
from inspect_tool.errors import InspectError
from inspect_tool.lab.users import Person
from inspect_tool.languages import ENGLISH, said
from inspect_tool.web.bench import Asked

HOME = Path(__file__).parent
ROOMS = (
    ("/inbox", "Inbox"),
    ("/inspections", "Inspections"),
    ("/reviews", "Review"),
    ("/reports", "Reports"),
    ("/trend", "Trend"),
    ("/specs", "Specifications"),
    ("/instruments", "Instruments"),
    ("/templates", "Templates"),
    ("/scribble", "Classifiers"),
    ("/users", "Users"),
    ("/trail", "Audit trail"),
)
"""Addresses of the rooms and their names, in the order of the bar."""


_TINTS = {
    **dict.fromkeys(("pass", "released", "done"), "good"),
    **dict.fromkeys(("undecided", "returned", "waiting", "measuring"), "warn"),
    **dict.fromkeys(("fail", "failed"), "bad"),
}


def page(asked: Asked, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Render a template of ``templates/``; it knows the person, the lab and the path beside its own values."""
    text = (
        environment()
        .get_template(template)
        .render(
            person=asked.person,
            lab=asked.bench.lab,
            is_open=asked.bench.is_open,
            path=asked.request.url.path,
            is_part=is_part(asked),
            **values,
        )
    )
    return HTMLResponse(text, status_code=status)


def to(address: str) -> Response:
    """Go on to another page after something was done (see other)."""
    return RedirectResponse(address, status_code=303)


def is_part(asked: Asked) -> bool:
    """Whether htmx asks for a part of a page."""
    return asked.request.headers.get("HX-Request") == "true"


def badge(word: str) -> Markup:
    """A verdict or a state with the color of what it means; another word has none."""
    return Markup('<span class="badge {}">{}</span>').format(_TINTS.get(word, ""), word)


def quantity(recipe: str, name: str) -> str:
    """What a result is called on pages; its name where the recipe is not installed, or does not know it."""
    try:
        known = registry.load("recipe", recipe).QUANTITIES
    except InspectError:
        return name
    stem, _, of = name.partition(".")
    if name in known:
        return said(known[name].title, ENGLISH)
    return f"{said(known[f'{stem}.*'].title, ENGLISH)}: {of}" if f"{stem}.*" in known else name


def rooms(person: Person) -> tuple[tuple[str, str], ...]:
    """Addresses and names of what stands in the bar of a person: what he or she may look at."""
    from inspect_tool.web.routes import PAGES

    may = {page.path for page in PAGES if page.method == "GET" and page.roles & person.roles}
    return tuple((address, name) for address, name in ROOMS if address in may)


@cache
def environment() -> Environment:
    """The templates; what they write is escaped, and a name that they do not know is an error."""
    made = Environment(loader=FileSystemLoader(HOME / "templates"), autoescape=True, undefined=StrictUndefined)
    made.trim_blocks = made.lstrip_blocks = True
    made.globals |= {"rooms": rooms, "badge": badge, "quantity": quantity}
    made.filters["moment"] = lambda when: f"{when:%Y-%m-%d %H:%M} UTC" if when else ""
    return made
