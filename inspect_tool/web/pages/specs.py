"""Part specifications: listed, looked at, made and changed by a form."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from starlette.responses import Response

from inspect_tool import registry
from inspect_tool.acceptance import specs
from inspect_tool.errors import InspectError, SettingsError
from inspect_tool.evidence.provenance import now
from inspect_tool.files import checked
from inspect_tool.lab import specifications
from inspect_tool.lab.database import connected
from inspect_tool.lab.find import FoundReport, search
from inspect_tool.lab.query import Query, parse, quoted
from inspect_tool.lab.specifications import Listed
from inspect_tool.lab.users import Role
from inspect_tool.model import Requirement, Spec
from inspect_tool.web.bench import ANYONE, Asked, Page, whole_number
from inspect_tool.web.html import page, to

_MANAGER: frozenset[Role] = frozenset({"manager"})
_SHOWN = 20  # reports
_MOST = 100  # requirements of a form
_RULES = (
    ("guarded", "guarded: pass only beyond U"),
    ("guarded_binary", "guarded, pass or fail only"),
    ("non_binary", "non-binary: four verdicts"),
    ("simple", "simple: the value alone"),
)
_OF_FILE = ("part", "revision", "title", "valid_from", "valid_to", "source", "recipe")
_OF_REQUIREMENT = tuple(item.name for item in fields(Requirement))


def show(asked: Asked) -> Response:
    """List the specifications of the lab."""
    return page(asked, "specs.html", listed=_listed(asked), may_change="manager" in asked.person.roles)


def one(asked: Asked) -> Response:
    """Show one specification, the other revisions of its part, and what it judged."""
    listed = _listed(asked)
    shown = specifications.find(listed, asked.at["name"])
    others: list[Listed] = []
    reports: tuple[FoundReport, ...] = ()
    if shown.file is not None:
        part = " ".join(shown.file.spec.part.split())
        others = [
            item for item in listed if item.file and item is not shown and " ".join(item.file.spec.part.split()) == part
        ]
        with connected(asked.bench.lab, read_only=True) as connection:
            reports = search(connection, _judged_by(shown.file.spec), _SHOWN).reports
    return page(
        asked, "spec.html", shown=shown, others=others, reports=reports, may_change="manager" in asked.person.roles
    )


def form(asked: Asked) -> Response:
    """Give an empty form, or that of a file that is to be changed."""
    name = asked.at.get("name", "")
    values: dict[str, str] = {"valid_from": f"{now():%Y-%m-%d}"}
    rows: list[dict[str, str]] = [{} for _ in range(2)]
    sha256 = ""
    if name:
        shown = specifications.find(_listed(asked), name)
        if shown.file is None:
            raise SettingsError(shown.fault)
        sha256 = shown.file.sha256
        values = {key: _typed(getattr(shown.file.spec, key)) for key in _OF_FILE}
        rows = [
            {
                key: _typed(getattr(item, key))
                for key in _OF_REQUIREMENT
                if key != "source" or item.source != values["source"]
            }
            for item in shown.file.spec.requirements
        ]
        if shown.reports:
            values |= {"revision": "", "valid_from": f"{now():%Y-%m-%d}"}
    return _form(asked, values, rows, sha256=sha256)


def save(asked: Asked) -> Response:
    """Write what was typed, or give the form back with what is wrong."""
    values = {key: str(asked.form.get(key, "")).strip() for key in (*_OF_FILE, "reason")}
    count = min(whole_number(str(asked.form.get("count", ""))) or 0, _MOST)
    rows = [{key: str(asked.form.get(f"{key}.{i}", "")) for key in _OF_REQUIREMENT} for i in range(count)]
    sha256 = str(asked.form.get("sha256", ""))
    if asked.form.get("more"):
        return _form(asked, values, [*rows, {}], sha256=sha256)
    try:
        requirements = [specifications.requirement(row, i) for i, row in enumerate(rows, 1)]
        named = {key: values[key] for key in _OF_FILE if values[key]}
        spec = checked(Spec, {**named, "requirements": []}, "specification")
        spec = Spec(
            **{key: getattr(spec, key) for key in _OF_FILE}, requirements=tuple(item for item in requirements if item)
        )
        made = specifications.save(
            asked.bench.lab,
            spec,
            values["reason"],
            asked.person.full_name,
            before=asked.at.get("name", ""),
            before_sha256=sha256,
        )
    except InspectError as error:
        return _form(asked, values, rows, sha256=sha256, fault=str(error))
    return to(f"/specs/{made}")


def _form(
    asked: Asked, values: Mapping[str, str], rows: list[dict[str, str]], *, sha256: str, fault: str = ""
) -> Response:
    known = specifications.recipes()
    quantities: dict[str, Any] = {}
    for recipe in known:
        quantities |= dict(recipe.QUANTITIES)
    return page(
        asked,
        "spec_form.html",
        422 if fault else 200,
        name=asked.at.get("name", ""),
        values={**dict.fromkeys((*_OF_FILE, "reason"), ""), **values},
        rows=[{**dict.fromkeys(_OF_REQUIREMENT, ""), **row} for row in rows],
        rules=_RULES,
        recipes=registry.names("recipe"),
        quantities=sorted(quantities.items()),
        sha256=sha256,
        fault=fault,
        most=_MOST,
    )


def _listed(asked: Asked) -> tuple[Listed, ...]:
    with connected(asked.bench.lab, read_only=True) as connection:
        return specifications.every(connection, asked.bench.lab, now().date())


def _judged_by(spec: Spec) -> Query:
    return parse(f"spec:{quoted(specs.designation(spec))}")


def _typed(value: object) -> str:
    return "" if value is None else f"{value:.12g}" if isinstance(value, float) else str(value)


PAGES = (
    Page(path="/specs", show=show, roles=ANYONE),
    Page(path="/specs/new", show=form, roles=_MANAGER),
    Page(path="/specs/new", show=save, roles=_MANAGER, method="POST"),
    Page(path="/specs/{name}", show=one, roles=ANYONE),
    Page(path="/specs/{name}/change", show=form, roles=_MANAGER),
    Page(path="/specs/{name}/change", show=save, roles=_MANAGER, method="POST"),
)
