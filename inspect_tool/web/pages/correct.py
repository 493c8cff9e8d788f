"""Corrections by hand, drawn on the picture."""

import json
from collections.abc import Callable
from typing import Any

from starlette.responses import JSONResponse, Response

from inspect_tool.batch import inspections as queued
from inspect_tool.errors import InspectError, ReadError
from inspect_tool.lab.database import connected
from inspect_tool.web.bench import Asked, Page
from inspect_tool.web.editing import desk, drafts, pointed
from inspect_tool.web.editing.desk import Sheet
from inspect_tool.web.editing.raster import Box
from inspect_tool.web.html import page, to
from inspect_tool.web.pages import viewer

_TOOLS = (
    # name, key, what it does, for which outputs, how it is drawn: along a line, at a point, at several points
    ("brush", "b", "Paint what you begin on; on background: something new", "grains objects classes", "line"),
    ("eraser", "e", "Rub out; grains: the nearest ones grow into it", "grains objects classes", "line"),
    ("boundary", "l", "Draw a missing boundary; it splits whatever it crosses", "grains objects classes", "line"),
    ("split", "s", "Cut one object along a line", "objects classes", "line"),
    ("merge", "m", "Draw from one object to another: they become one", "grains objects classes", "line"),
    ("new", "o", "Draw around a missing object", "grains objects classes", "outline"),
    ("click", "k", "Click on what was missed: its outline is found", "objects classes", "point"),
    ("fill", "f", "Fill the holes of an object, or one hole", "grains objects classes", "point"),
    ("delete", "d", "Take an object away", "grains objects classes", "point"),
    ("class", "c", "Give a piece the chosen class", "classes", "point"),
)


def _sheet(asked: Asked, *, fresh: bool = False) -> Sheet:
    field = viewer.opened(asked, fresh=fresh)
    return desk.sheet_of(asked.bench.kept[desk.NAME], asked.bench.lab, field, asked.person, fresh=fresh)


def show(asked: Asked) -> Response:
    """Show the field with tools to correct it."""
    sheet = _sheet(asked, fresh=True)
    field = sheet.field
    assert field.measured is not None
    current = field.measured.present.current
    classes = dict(sorted(current.classes.items())) if current.kind == "semantic" else {}
    facts = {**viewer.facts(field), **_state(asked, sheet), "is_draft": True}
    tools = [tool for tool in _TOOLS if field.measured.kind in tool[3]]
    return page(asked, "correct.html", field=field, sheet=sheet, facts=facts, tools=tools, classes=classes)


def _state(asked: Asked, sheet: Sheet) -> dict[str, Any]:
    with connected(asked.bench.lab, read_only=True) as connection:
        others = drafts.others(connection, sheet.field.place, sheet.account)
    return {
        "position": sheet.position,
        "operations": 0 if sheet.draft is None else len(sheet.draft.operations),
        "others": drafts.told(others),
        "fault": sheet.fault,
    }


def _answered(asked: Asked, change: Callable[[Sheet], Box]) -> Response:
    """Change a draft, and say what was touched; what cannot be done is one line for the script of the page."""
    try:
        sheet = _sheet(asked)
        box = change(sheet)
    except InspectError as error:
        return JSONResponse({"error": str(error)}, status_code=422)
    touched = {"box": [box.top, box.left, box.bottom, box.right]}
    return JSONResponse({**_state(asked, sheet), **touched})


def do(asked: Asked) -> Response:
    """Do one operation on the draft; it is kept before it is answered."""

    def change(sheet: Sheet) -> Box:
        try:
            told = json.loads(asked.body)
        except (ValueError, RecursionError):
            msg = "the correction is no JSON"
            raise ReadError(msg) from None
        if isinstance(told, dict) and told.get("do") == pointed.NAME:
            told = desk.pointed_at(asked.bench.kept[desk.NAME], sheet, told)
        return desk.do(asked.bench.lab, sheet, told)

    return _answered(asked, change)


def undo(asked: Asked) -> Response:
    """Undo the last operation of the draft."""
    return _answered(asked, lambda sheet: desk.undo(asked.bench.lab, sheet))


def redo(asked: Asked) -> Response:
    """Do again what was undone last."""
    return _answered(asked, lambda sheet: desk.redo(asked.bench.lab, sheet))


def tile(asked: Asked) -> Response:
    """Give a tile of the labels of the draft."""
    sheet = _sheet(asked)
    assert sheet.field.measured is not None
    return viewer.png(viewer.drawn(asked, sheet.labels, sheet.field.measured.kind))


def compare(asked: Asked) -> Response:
    """Give the main results of this field before the draft and with it."""
    return page(asked, "numbers.html", found=desk.compared(_sheet(asked)))


def discard(asked: Asked) -> Response:
    """Give the draft up."""
    desk.discard(asked.bench.kept[desk.NAME], asked.bench.lab, _sheet(asked, fresh=True))
    return to(_here(asked))


def commit(asked: Asked) -> Response:
    """Write what was drawn into the ledger of edits, with a reason."""
    reason = str(asked.form.get("reason", ""))
    desk.commit(asked.bench.kept[desk.NAME], asked.bench.lab, _sheet(asked), reason, asked.person)
    return to(_here(asked).removesuffix("/correct"))


def measure(asked: Asked) -> Response:
    """Put the inspection into the queue again, so that its report has the corrections."""
    queued.send(asked.bench.lab, asked.person, asked.at["name"])
    return to(f"/inspections/{asked.at['name']}")


def _here(asked: Asked) -> str:
    return f"/inspections/{asked.at['name']}/fields/{asked.at['n']}/correct"


_CORRECT = f"{viewer.FIELD}/correct"
PAGES = (
    Page(path=_CORRECT, show=show, roles=viewer.CORRECTS),
    Page(path=f"{_CORRECT}/{viewer.TILES}", show=tile, roles=viewer.CORRECTS),
    Page(path=f"{_CORRECT}/numbers", show=compare, roles=viewer.CORRECTS),
    Page(path=f"{_CORRECT}/do", show=do, roles=viewer.CORRECTS, method="POST"),
    Page(path=f"{_CORRECT}/undo", show=undo, roles=viewer.CORRECTS, method="POST"),
    Page(path=f"{_CORRECT}/redo", show=redo, roles=viewer.CORRECTS, method="POST"),
    Page(path=f"{_CORRECT}/discard", show=discard, roles=viewer.CORRECTS, method="POST"),
    Page(path=f"{_CORRECT}/commit", show=commit, roles=viewer.CORRECTS, method="POST"),
    Page(path=f"{_CORRECT}/measure", show=measure, roles=viewer.CORRECTS | {"operator"}, method="POST"),
)
