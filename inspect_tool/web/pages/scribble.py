"""A few strokes for each class train a classifier of pixels."""

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

import numpy as np
from sqlalchemy import select
from starlette.responses import JSONResponse, Response

from inspect_tool.errors import InspectError, SettingsError
from inspect_tool.files import checked
from inspect_tool.inspection import job_plan
from inspect_tool.lab import classifiers, defaults, intake, tables
from inspect_tool.lab.database import connected
from inspect_tool.lab.users import Role
from inspect_tool.training.annotations import UNKNOWN
from inspect_tool.training.strokes import Stroke
from inspect_tool.web import scribbling
from inspect_tool.web.bench import ANYONE, Asked, Page
from inspect_tool.web.editing import fields
from inspect_tool.web.html import page
from inspect_tool.web.scribbling import Desk, Drawn, Source

_DRAWERS: frozenset[Role] = frozenset({"analyst"})
_NEWEST = 30
_MOST_BYTES = 4 << 20  # of strokes
_MOST_PERCENT = 100.0
_MOST_OTHERS = 9  # pictures whose strokes teach with those of the one that is shown
_PAGE = re.compile(r"/scribble/(?:inbox|inspections/([^/]{1,200}))/(\d{1,9})")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Also:
    """Strokes on another picture, which teach with these."""

    page: str  # its address
    strokes: tuple[Stroke, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What the page sends: strokes and what they are to teach."""

    strokes: tuple[Stroke, ...]
    classes: tuple[str, ...]
    recipe: str = ""
    name: str = ""  # under which a classifier is kept
    also: tuple[_Also, ...] = ()


def show(asked: Asked) -> Response:
    """List what can be drawn on, of one inspection every field, and the classifiers of the lab."""
    inspection, chosen = tables.inspection.c, str(asked.at.get("name", ""))
    with connected(asked.bench.lab, read_only=True) as connection:
        images = intake.listed(connection, ("new", "used"))[:_NEWEST]
        inspections = connection.execute(select(tables.inspection).order_by(inspection.id.desc()).limit(_NEWEST)).all()
    return page(
        asked,
        "scribbles.html",
        images=images,
        inspections=inspections,
        kept=classifiers.every(asked.bench.lab),
        may_draw=bool(asked.person.roles & _DRAWERS),
        chosen=chosen,
        names=[source.path.name for source in _planned(asked, chosen).sources] if chosen else (),
    )


def draw(asked: Asked) -> Response:
    """Give the page on which strokes are drawn."""
    source = _source(asked)
    sheet = _desk(asked).sheet(source)
    rows, columns = sheet.shape
    return page(
        asked,
        "scribble.html",
        source=source,
        rows=rows,
        columns=columns,
        recipes=classifiers.recipes(),
        colors=[f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in scribbling.COLORS],
        most=len(scribbling.COLORS),
        unsure=scribbling.UNSURE,
    )


def picture(asked: Asked) -> Response:
    """Give the picture."""
    return Response(scribbling.picture(_desk(asked).sheet(_source(asked))), media_type="image/png")


def learn(asked: Asked) -> Response:
    """Teach a classifier by strokes, and show what it makes of the picture."""

    def taught(said: _Said, drawn: list[Drawn]) -> dict[str, object]:
        shown = scribbling.learned(drawn, said.classes)
        counts = np.bincount(shown.labels.ravel(), minlength=len(said.classes))
        return {
            "percent": [_MOST_PERCENT * int(count) / shown.labels.size for count in counts],
            "unsure_percent": _MOST_PERCENT * float((shown.sure < scribbling.UNSURE).mean()),
            "overlay": f"data:image/png;base64,{base64.b64encode(scribbling.overlay(shown)).decode()}",
        }

    return _answered(asked, taught)


def agree(asked: Asked) -> Response:
    """Say how many marked pixels classifiers find that did not see their stroke."""
    return _answered(asked, lambda said, drawn: {"scores": scribbling.agreement(drawn, said.classes)})


def keep(asked: Asked) -> Response:
    """Keep the classifier in the folder of the lab."""

    def kept(said: _Said, drawn: list[Drawn]) -> dict[str, object]:
        if said.recipe not in classifiers.recipes():
            msg = f"recipe '{said.recipe}': takes no classes of single pixels"
            raise SettingsError(msg)
        footer = ((0, drawn[0].sheet.footer_px), (0, 0))
        pairs = zip(drawn, scribbling.targets(drawn, said.classes), strict=True)
        taught = [(one.sheet.source.path, target) for one, target in pairs if one.strokes]
        teaching = classifiers.Drawn(
            images=tuple(path for path, _ in taught),
            targets=tuple(np.pad(target, footer, constant_values=UNKNOWN) for _, target in taught),
            classes=said.classes,
            recipe=said.recipe,
            footer_px=drawn[0].sheet.footer_px,
            pixel_um=drawn[0].sheet.source.pixel_um,
        )
        with drawn[0].sheet.lock:
            trained = classifiers.keep(asked.bench.lab, said.name, teaching, asked.person.full_name)
        return {
            "name": trained.folder.name,
            "sha256": trained.card.sha256,
            "scores": dict(trained.card.scores),
            "how": str(trained.how),
            "notes": [str(note) for note in trained.notes],
        }

    return _answered(asked, kept)


def close(asked: Asked) -> Response:
    """Put the picture away: its page was left."""
    _desk(asked).close(_source(asked))
    return Response(status_code=204)


# -------------------------------------------------------------------------------------------------------------- parts


def _answered(asked: Asked, work: Callable[[_Said, list[Drawn]], dict[str, object]]) -> Response:
    """Do what strokes ask for; what is wrong with them is one line."""
    try:
        try:
            data = json.loads(asked.body)
        except ValueError:
            msg = "strokes: what was sent cannot be read"
            raise SettingsError(msg) from None
        said = checked(_Said, data, "strokes")
        classifiers.check_classes(said.classes)
        if len(said.classes) > len(scribbling.COLORS):
            msg = f"classes: {len(said.classes)} are named, at most {len(scribbling.COLORS)} can be drawn"
            raise SettingsError(msg)
        if len(said.also) > _MOST_OTHERS:
            msg = f"strokes: of {len(said.also)} other pictures, at most {_MOST_OTHERS} are taken"
            raise SettingsError(msg)
        pictures = [(_source(asked), said.strokes), *((_at(asked, one.page), one.strokes) for one in said.also)]
        if len({source.path for source, _ in pictures}) < len(pictures):
            msg = "strokes: one picture is named twice"
            raise SettingsError(msg)
        desk = _desk(asked)
        return JSONResponse(work(said, [Drawn(sheet=desk.sheet(source), strokes=on) for source, on in pictures]))
    except InspectError as error:
        return JSONResponse({"fault": str(error)}, status_code=422)


def _desk(asked: Asked) -> Desk:
    desk: Desk = asked.bench.kept[scribbling.NAME]
    return desk


def _source(asked: Asked) -> Source:
    number = asked.at["number"]
    return _of_inspection(asked, asked.at["name"], number) if "name" in asked.at else _of_inbox(asked, number)


def _at(asked: Asked, page: str) -> Source:
    """The picture of another page for strokes, by its address."""
    found = _PAGE.fullmatch(page)
    if found is None:
        msg = f"strokes: '{page[:80]}' is no page that strokes are drawn on"
        raise SettingsError(msg)
    name, number = found[1], int(found[2])
    return _of_inbox(asked, number) if name is None else _of_inspection(asked, unquote(name), number)


def _of_inbox(asked: Asked, number: int) -> Source:
    lab = asked.bench.lab
    with connected(lab, read_only=True) as connection:
        given = intake.one(connection, number)
    return Source(name=given.name, path=intake.file_of(lab, given), pixel_um=given.pixel_um)


def _of_inspection(asked: Asked, name: str, number: int) -> Source:
    planned = _planned(asked, name)
    if not 1 <= number <= len(planned.sources):
        msg = f"inspection '{name}' has no field {number}; it has {len(planned.sources)}"
        raise SettingsError(msg)
    source = planned.sources[number - 1]
    return Source(
        name=f"{name}, field {number}: {source.path.name}",
        path=source.path,
        footer_px=planned.job.region.footer_px,
        pixel_um=None if source.stated is None else source.stated.pixel_um,
    )


def _planned(asked: Asked, name: str) -> job_plan.Plan:
    path = fields.job_of(asked.bench.lab, name)
    return job_plan.plan(path, text=defaults.completed(asked.bench.lab, path))


_PLACES = ("/scribble/inbox/{number:int}", "/scribble/inspections/{name}/{number:int}")

PAGES = (
    Page(path="/scribble", show=show, roles=ANYONE),
    Page(path="/scribble/inspections/{name}", show=show, roles=_DRAWERS),
    *(
        page_
        for place in _PLACES
        for page_ in (
            Page(path=place, show=draw, roles=_DRAWERS),
            Page(path=f"{place}/picture.png", show=picture, roles=_DRAWERS),
            Page(path=f"{place}/learn", show=learn, roles=_DRAWERS, method="POST", most_bytes=_MOST_BYTES),
            Page(path=f"{place}/agree", show=agree, roles=_DRAWERS, method="POST", most_bytes=_MOST_BYTES),
            Page(path=f"{place}/keep", show=keep, roles=_DRAWERS, method="POST", most_bytes=_MOST_BYTES),
            Page(path=f"{place}/close", show=close, roles=_DRAWERS, method="POST"),
        )
    ),
)
