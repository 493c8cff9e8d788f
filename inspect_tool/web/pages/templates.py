"""Inspections that a supervisor has prepared for others."""

from starlette.responses import Response

from inspect_tool import registry
from inspect_tool.errors import SettingsError
from inspect_tool.inspection.starter_form import under
from inspect_tool.lab import suggestions
from inspect_tool.lab import templates as prepared
from inspect_tool.lab.database import connected
from inspect_tool.lab.templates import Template
from inspect_tool.lab.users import Role
from inspect_tool.languages import languages
from inspect_tool.web.bench import ANYONE, Asked, Page
from inspect_tool.web.html import page, to
from inspect_tool.web.pages.new_inspection import header_fields, of_recipe, recipes, scales, settings

_MANAGER: frozenset[Role] = frozenset({"manager"})
_TABLES = ("settings", "backend", "requirements", "quality", "header", "exports", "calibration", "region")
_KEYS = ("standard", "language", "layout", "annex", "scale", "spec")


def listed(asked: Asked) -> Response:
    """List the templates of the lab."""
    titles = {name: title for name, title, *_ in recipes()}
    found, faults = prepared.listed(asked.bench.lab)
    return page(asked, "templates.html", found=found, faults=faults, titles=titles)


def form(asked: Asked) -> Response:
    """Show the form of a new template, or of one that is to be changed."""
    name = str(asked.at.get("name", ""))
    found = prepared.by_name(asked.bench.lab, name) if name else None
    recipe = found.recipe if found else asked.query.get("recipe", "") or registry.names("recipe")[0]
    given = dict(found.values) if found else {}
    opened = found.open if found else _usually_open(asked)
    return _form(asked, found, recipe, given, opened, {}, "")


def save(asked: Asked) -> Response:
    """Keep a template, new or changed."""
    given = {key: " ".join(str(value).split()) for key, value in asked.form.multi_items()}
    opened = tuple(str(key) for key in asked.form.getlist("open"))
    values = {f"{table}.{key}": text for table in _TABLES for key, text in under(given, table).items() if text}
    values |= {key: given[key] for key in _KEYS if given.get(key)}
    name = str(asked.at.get("name", "")) or given.get("name", "")
    made = Template(
        name=name,
        title=given.get("title", ""),
        recipe=given.get("recipe", ""),
        by=asked.person.full_name,
        open=opened,
        values=values,
        sha256=given.get("sha256", ""),
    )
    registry.load("recipe", made.recipe)
    try:
        prepared.save(asked.bench.lab, asked.person, made, given.get("reason", ""))
    except SettingsError as error:
        return _form(asked, made if made.sha256 else None, made.recipe, values, opened, given, str(error))
    return to("/templates")


def _form(
    asked: Asked,
    found: Template | None,
    recipe: str,
    given: dict[str, str],
    opened: tuple[str, ...],
    typed: dict[str, str],
    reason: str,
) -> Response:
    lab = asked.bench.lab
    with connected(lab, read_only=True) as connection:
        suggested = suggestions.of_reports(connection)
    return page(
        asked,
        "template_form.html",
        422 if reason else 200,
        found=found,
        given=given,
        opened=opened,
        typed=typed,
        reason=reason,
        recipes=recipes(),
        header=header_fields(lab, None),
        suggested=suggested,
        scales=scales(lab),
        languages=languages(),
        **of_recipe(lab, recipe, given.get("backend.name", "")),
    )


def _usually_open(asked: Asked) -> tuple[str, ...]:
    """Fields that belong to one job, which a lab has no default for."""
    usual = suggestions.of_lab(asked.bench.lab)
    each_time = ("title", "customer", "order", "part", "item", "heat", "date_received", "date_of_work", "remarks")
    return tuple(f"header.{name}" for name in each_time if name not in usual)


PAGES = (
    Page(path="/templates", show=listed, roles=ANYONE),
    Page(path="/templates/new", show=form, roles=_MANAGER),
    Page(path="/templates/new", show=save, roles=_MANAGER, method="POST"),
    Page(path="/templates/new/settings", show=settings, roles=_MANAGER),
    Page(path="/templates/{name}", show=form, roles=_MANAGER),
    Page(path="/templates/{name}", show=save, roles=_MANAGER, method="POST"),
)
