"""A new inspection: the question, the images, how they are measured, whose they are, what counts, and whether it fits.

One page with a form; what depends on the question, and what is wrong with the answers, are parts that it asks for.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast, get_args

from sqlalchemy import func, or_, select
from starlette.responses import Response

from inspect_tool import registry
from inspect_tool.acceptance import specs
from inspect_tool.batch import inspections as queued
from inspect_tool.errors import InspectError, OutputError, SettingsError
from inspect_tool.evidence.provenance import now
from inspect_tool.images import quality, readers
from inspect_tool.images.region import orientation
from inspect_tool.inspection import starter_form
from inspect_tool.inspection.one_field import model_of
from inspect_tool.inspection.preview import preview
from inspect_tool.inspection.starter import first_quantity, listing
from inspect_tool.lab import inspections, intake, suggestions, tables
from inspect_tool.lab import templates as prepared
from inspect_tool.lab.database import Lab, connected
from inspect_tool.lab.inspections import Group
from inspect_tool.lab.users import Role
from inspect_tool.languages import languages
from inspect_tool.model import Header, Plane, Requirement
from inspect_tool.plugins import ExpandsRequirements
from inspect_tool.report.build import IDENTIFICATION
from inspect_tool.report.field_pictures import bare_picture
from inspect_tool.report.text import rule
from inspect_tool.standards import editions
from inspect_tool.web.bench import Asked, Page
from inspect_tool.web.html import HOME, is_part, page, to

RUNNING: frozenset[Role] = frozenset({"operator"})
"""Who may ask for inspections, and cancel them."""

_SMALL_PX, _LARGEST_PX = 240, 900  # of a picture to choose by, and of one that a region is drawn on
_FIRST = ("title", "customer", "order", "part", "item", "material", "heat", "preparation", "section_location")
_FIRST_TOO = ("instrument", "date_received", "date_of_work")
_DATES = ("date_sampled", "date_received", "date_of_work", "date_of_issue")
_MOST_IMAGES = 400  # that a form shows
_AT_ONCE = 4  # settings of a recipe that are not folded away
_NUMBER = re.compile(r"\d{1,9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of a header."""

    name: str
    label: str
    kind: str  # of the input
    value: str
    usual: str  # what the lab fills in


def form(asked: Asked) -> Response:
    """Show the form of a new inspection of images that were chosen, or of a template of the lab."""
    lab = asked.bench.lab
    template = asked.query.get("template", "")
    found = prepared.by_name(lab, template) if template else None
    recipe = found.recipe if found else asked.query.get("recipe", "") or registry.names("recipe")[0]
    chosen = [int(part) for part in asked.query.get("images", "").split(",") if _NUMBER.fullmatch(part)]
    with connected(lab, read_only=True) as connection:
        suggested = suggestions.of_reports(connection)
        known = tables.intake.c
        mine, new = known.id.in_(chosen) & known.state.in_(("new", "used")), known.state == "new"
        shown = or_(mine, new) if not chosen or asked.query.get("all") else mine
        images = connection.execute(select(tables.intake).where(shown).order_by(known.id).limit(_MOST_IMAGES)).all()
        others = connection.scalar(select(func.count()).select_from(tables.intake).where(new, known.id.not_in(chosen)))
        others = (others or 0) - sum(image.state == "new" and image.id not in chosen for image in images)
    return page(
        asked,
        "inspection_new.html",
        prepared=found,
        templates=prepared.listed(lab)[0],
        recipes=recipes(),
        images=images,
        others=others,
        chosen=chosen,
        given=dict(found.values) if found else {},
        scales=scales(lab),
        header=header_fields(lab, found, f"{now():%Y-%m-%d}"),
        first=(*_FIRST, *_FIRST_TOO),
        suggested=suggested,
        planes=get_args(Plane),
        languages=languages(),
        lot=tuple(starter_form.LOT),
        selection=starter_form.PLANE,
        **of_recipe(lab, recipe, ""),
    )


def settings(asked: Asked) -> Response:
    """Give what depends on the recipe and the backend."""
    recipe = asked.query.get("recipe", "")
    given = dict(asked.query)
    if asked.query.get("more"):  # one more limit than there are fields for
        given[f"{starter_form.REQUIREMENTS}.{starter_form.requirements_in(given)}.quantity"] = ""
    return page(
        asked,
        "inspection_settings.html",
        given=given,
        **of_recipe(asked.bench.lab, recipe, given.get("backend.name", "")),
    )


def check(asked: Asked) -> Response:
    """Check what was answered until now, as ``inspect-tool check`` does."""
    answered = values(asked)
    try:
        planned = _planned(asked, answered)
    except InspectError as error:
        return _fault(asked, error, answered)
    return page(asked, "inspection_check.html", reason="", key="", planned=planned, shown=())


def show(asked: Asked) -> Response:
    """Check all of it, the backend too, and draw what will be measured of the first image."""
    answered = values(asked)
    try:
        planned = _planned(asked, answered)
        model_of(planned)
        with TemporaryDirectory() as folder:
            first = replace(planned, sources=planned.sources[:1])
            drawn = [
                (one, base64.b64encode(one.picture.read_bytes()).decode()) for one in preview(first, Path(folder) / "p")
            ]
    except InspectError as error:
        return _fault(asked, error, answered)
    return page(asked, "inspection_check.html", reason="", key="", planned=planned, shown=drawn)


def run(asked: Asked) -> Response:
    """Make the inspection and put it into the queue."""
    answered = values(asked)
    lab = asked.bench.lab
    try:
        recipe = answered["recipe"]
        _planned(asked, answered)
        answers = starter_form.answers_of(recipe, answered, inspections.LAB)
        if template := answered.get("template"):
            says = f"Made from the template {template} of the laboratory, SHA-256 {answered['version']}."
            answers = replace(answers, origin=says)
        name = inspections.make(
            lab, asked.person, recipe, groups(asked), answers, again=_again(asked), single_user=asked.bench.is_open
        )
    except InspectError as error:
        if is_part(asked):
            return _fault(asked, error, answered)
        raise
    queued.send(lab, asked.person, name)
    answer = to(f"/inspections/{name}")
    if is_part(asked):
        answer = Response(headers={"HX-Redirect": f"/inspections/{name}"})
    return answer


def picture(asked: Asked) -> Response:
    """Give an image of the intake as a picture to choose it by, or to draw on."""
    lab = asked.bench.lab
    with connected(lab, read_only=True) as connection:
        number = int(asked.at["number"])
        (row,) = inspections.images_of(connection, [number], [number])
    small = intake.thumbnail_file(lab, row.id)
    if asked.query.get("small") and small.is_file():
        data = small.read_bytes()
    else:
        found = readers.read(lab.folder / row.place)
        if not asked.query.get("small") and orientation(found.meta) != 1:
            msg = f"{row.name}: is turned by its orientation tag; positions are those of the file as it is stored"
            raise SettingsError(msg)
        data = bare_picture(found, _SMALL_PX if asked.query.get("small") else _LARGEST_PX)
    return Response(data, media_type="image/jpeg")


# ------------------------------------------------------------------------------------------------------ what is asked


def values(asked: Asked) -> dict[str, str]:
    """The texts of a form; where it is of a template of the lab, what that says takes the place of what it locks."""
    given = {key: value for key, value in asked.form.multi_items() if isinstance(value, str)}
    name = given.get("template", "")
    if not name:
        return {"recipe": registry.names("recipe")[0], **given}
    return prepared.filled(prepared.by_name(asked.bench.lab, name), given)


def groups(asked: Asked) -> tuple[Group, ...]:
    """Images that were chosen, by specimen, section and plane in the order in which these come.

    Raises
    ------
    SettingsError
        A plane that there is not.
    """
    given = asked.form
    found: dict[tuple[str, str, str], list[int]] = {}
    for number in given.getlist("image"):
        if not isinstance(number, str) or not _NUMBER.fullmatch(number):
            msg = "images: one is no image of the inbox"
            raise SettingsError(msg)
        of = [str(given.get(f"{key}.{number}", "")).strip() for key in ("specimen", "section", "plane")]
        found.setdefault((of[0] or "1", of[1] or "1", of[2] or "not stated"), []).append(int(number))
    for _, _, plane in found:
        if plane not in get_args(Plane):
            msg = f"plane: '{plane[:20]}' is none of {', '.join(get_args(Plane))}"
            raise SettingsError(msg)
    return tuple(
        Group(images=tuple(images), specimen=specimen, section=section, plane=cast(Plane, plane))
        for (specimen, section, plane), images in found.items()
    )


def _planned(asked: Asked, answered: Mapping[str, str]) -> Any:
    answers = starter_form.answers_of(answered["recipe"], answered, inspections.CHECKED)
    return inspections.draft(asked.bench.lab, answered["recipe"], groups(asked), answers, _again(asked))


def _again(asked: Asked) -> frozenset[int]:
    """Images that an inspection had already when they were offered."""
    texts = (text for text in asked.form.getlist("again") if isinstance(text, str))
    return frozenset(int(text) for text in texts if _NUMBER.fullmatch(text))


def _fault(asked: Asked, error: InspectError, answered: Mapping[str, str]) -> Response:
    reason = str(error).replace(f"{asked.bench.lab.folder / inspections.FOLDER / 'new.toml'}", "new.toml")
    reason = re.sub(r"^new\.toml:? ", "", reason).replace(f"{asked.bench.lab.folder}/", "")
    key = starter_form.key_of(reason, answered)
    return page(asked, "inspection_check.html", 422, reason=reason, key=key, planned=None, shown=())


# ------------------------------------------------------------------------------------------------- what can be chosen


def recipes() -> list[tuple[str, str, str, bool]]:
    """Name, title and a sentence of every recipe, and whether it has a picture: one of another package has none."""
    said = {name: says.partition(": ")[2] or says for name, says in listing("recipe")}
    return [
        (
            name,
            str(registry.load("recipe", name).TITLE),
            said[name][:1].upper() + said[name][1:],
            (HOME / "static" / "recipes" / f"{name}.jpg").is_file(),
        )
        for name in registry.names("recipe")
    ]


def of_recipe(lab: Lab, recipe: str, backend: str) -> dict[str, Any]:
    """What the form offers for a recipe and one of its backends; another one's is not taken over."""
    module = registry.load("recipe", recipe)
    backends = starter_form.backends_for(recipe)
    backend = backend if backend in backends else backends[0]
    said = dict(listing("backend"))
    asked = starter_form.items_of("recipe", recipe)
    return {
        "recipe": recipe,
        "standards": [
            (name, editions.designation(editions.load_standard(name))) for name in editions.names_for(module)
        ],
        "settings": asked[:_AT_ONCE],
        "more_settings": asked[_AT_ONCE:],
        "backend": backend,
        "backends": [(name, said[name]) for name in backends],
        "backend_settings": starter_form.items_of("backend", backend, recipe),
        "quantities": [
            (name, f"{quantity.title}{'' if quantity.unit == '1' else f' [{quantity.unit}]'}")
            for name, quantity in module.QUANTITIES.items()
        ],
        "quantity": first_quantity(module)[0],
        "limits": starter_form.requirements_in,
        "most_limits": starter_form.MOST_REQUIREMENTS,
        "has_classes": isinstance(module, ExpandsRequirements),
        "quality": quality_checks(recipe),
        "exporters": exporters(),
        "accepted": range(starter_form.MOST_ACCEPTED),
        "rules": [(name, rule(Requirement(quantity="", rule=name))) for name in _rules()],
        "specs": spec_names(lab, recipe),
    }


def quality_checks(recipe: str) -> list[tuple[str, str, str, dict[str, str]]]:
    """Name, title and unit of every check of image quality, and the limits of a recipe for it as they are typed."""
    limits = quality.default_limits(recipe)
    found = []
    for name in quality.NAMES:
        limit, (title, unit) = getattr(limits, name), quality.title_of(name)
        usual = {key: starter_form.typed(limit and getattr(limit, key)) for key in starter_form.QUALITY}
        found.append((name, str(title), unit, usual))
    return found


def exporters() -> list[tuple[str, str]]:
    """Files that a report may also be written as, and what is lacking for it here; empty: nothing."""
    found = []
    for name in starter_form.more_exports():
        try:
            registry.load("exporter", name)
            found.append((name, ""))
        except OutputError as lacking:
            found.append((name, str(lacking)))
    return found


def _rules() -> tuple[Any, ...]:
    return get_args(next(item.type for item in fields(Requirement) if item.name == "rule"))


def spec_names(lab: Lab, recipe: str) -> tuple[str, ...]:
    """Parts with their revisions whose acceptance criteria a job of a recipe may name."""
    folder = lab.folder / specs.FOLDER
    if not any(folder.glob("*.toml")):
        return ()
    try:
        found = specs.read(folder)
    except InspectError:  # the check says it, once a specification is named
        return ()
    return tuple(dict.fromkeys(specs.designation(file.spec) for file in found if file.spec.recipe in ("", recipe)))


def scales(lab: Lab) -> list[tuple[str, str]]:
    """Where the scale may come from."""
    folder = lab.folder / "calibrations"
    own = sorted(path.name for path in folder.glob("*.toml")) if folder.is_dir() else []
    return [
        ("file", "as the image files say"),
        ("scale bar", "the bar in every picture"),
        *((f"calibrations/{name}", f"calibration {name.removesuffix('.toml')}") for name in own),
        ("stated", "stated here"),
        ("ratio only", "no scale: shares only"),
    ]


def header_fields(lab: Lab, template: prepared.Template | None, day: str = "") -> list[Field]:
    """Fields of the header but the operator, who is the person at work; ``day`` of the work."""
    labels = {item.field: str(item.label) for item in IDENTIFICATION}
    usual = suggestions.of_lab(lab)
    names = [item.name for item in fields(Header) if item.name != "operator"]
    names.sort(key=lambda name: name not in (*_FIRST, *_FIRST_TOO))
    if template is not None:
        names = [name for name in names if f"header.{name}" in template.open]
    return [
        Field(
            name=name,
            label=labels.get(name, name.replace("_", " ").capitalize()),
            kind="date" if name in _DATES else "text",
            value=day if name == "date_of_work" else "",
            usual=usual.get(name, ""),
        )
        for name in names
    ]


PAGES = (
    Page(path="/inspections/new", show=form, roles=RUNNING),
    Page(path="/inspections/new/settings", show=settings, roles=RUNNING),
    Page(path="/inspections/new/picture/{number:int}", show=picture, roles=RUNNING),
    Page(path="/inspections/check", show=check, roles=RUNNING, method="POST"),
    Page(path="/inspections/preview", show=show, roles=RUNNING, method="POST"),
    Page(path="/inspections", show=run, roles=RUNNING, method="POST"),
)
