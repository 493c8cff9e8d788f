"""Pictures at any size, their layers, and the numbers of what is seen."""

from typing import Any

from starlette.responses import JSONResponse, Response

from inspect_tool.errors import ReadError
from inspect_tool.lab.users import Role
from inspect_tool.model import LabelImage
from inspect_tool.plugins import Output
from inspect_tool.web.bench import ANYONE, Asked, Page
from inspect_tool.web.editing import desk, objects, tiles
from inspect_tool.web.editing.fields import Field
from inspect_tool.web.html import page

FIELD = "/inspections/{name}/fields/{n:int}"
CORRECTS: frozenset[Role] = frozenset(["analyst"])
"""Who may correct."""
TILES = "tiles/{layer}/{level:int}/{x:int}_{y:int}.png"


def opened(asked: Asked, *, fresh: bool = False) -> Field:
    """The field that a path names."""
    return desk.field_of(asked.bench.kept[desk.NAME], asked.bench.lab, asked.at["name"], asked.at["n"], fresh=fresh)


def show(asked: Asked) -> Response:
    """Show a field: picture, layers, and the table of what was found."""
    field = opened(asked, fresh=True)
    may_correct = bool(CORRECTS & asked.person.roles)
    return page(asked, "viewer.html", field=field, facts=facts(field), may_correct=may_correct)


def facts(field: Field) -> dict[str, Any]:
    """What the scripts of a page know of a field."""
    rows, columns = field.shape
    return {
        "base": f"/inspections/{field.inspection}/fields/{field.number}",
        "number": field.number,
        "count": field.count,
        "rows": rows,
        "columns": columns,
        "side": tiles.SIDE,
        "levels": tiles.levels(field.shape),
        "pixel_um": field.micrograph.calibration.pixel_um,
        "has_labels": field.measured is not None,
        "kind": "" if field.measured is None else field.measured.kind,
    }


def tile(asked: Asked) -> Response:
    """Give a tile of the picture or of the labels as they are in the ledger."""
    field = opened(asked)
    if asked.at["layer"] == "picture":
        return png(tiles.picture(field.picture, tile_of(asked)))
    if field.measured is None:
        raise ReadError(field.why_not)
    return png(drawn(asked, field.measured.labels, field.measured.kind))


def tile_of(asked: Asked) -> tiles.Tile:
    """The tile that a path names."""
    return tiles.Tile(level=asked.at["level"], x=asked.at["x"], y=asked.at["y"])


def drawn(asked: Asked, labels: LabelImage, kind: Output) -> bytes:
    """Draw a tile of labels, of the layer that a path names."""
    match asked.at["layer"]:
        case "outlines":
            return tiles.outlines(labels, tile_of(asked))
        case "labels":
            return tiles.labels(labels, kind, tile_of(asked))
    msg = f"there is no layer '{asked.at['layer']}'"
    raise ReadError(msg)


def png(data: bytes) -> Response:
    """A picture as an answer."""
    return Response(data, media_type="image/png")


def features(asked: Asked) -> Response:
    """Give the rows of the table of features of a field."""
    field = opened(asked)
    if field.measured is None:
        raise ReadError(field.why_not)
    found = field.measured.features
    return JSONResponse({"columns": found.columns, "rows": found.rows})


def lit(asked: Asked) -> Response:
    """Find an object by a point, or by its row in the table: its outlines and its row."""
    field = opened(asked)
    if field.measured is None:
        raise ReadError(field.why_not)
    given = {key: asked.query.get(key, "") for key in ("row", "x", "y")}
    try:
        if given["row"]:
            found = objects.of_row(field.measured, int(given["row"]))
        else:
            found = objects.at(field.measured, int(given["x"]), int(given["y"]))
    except ValueError:
        msg = "an object is asked for by row, or by x and y"
        raise ReadError(msg) from None
    except ReadError as error:
        return JSONResponse({"row": None, "outlines": [], "fault": str(error)})
    return JSONResponse({"row": found.row, "outlines": found.outlines, "fault": ""})


PAGES = (
    Page(path=FIELD, show=show, roles=ANYONE),
    Page(path=f"{FIELD}/{TILES}", show=tile, roles=ANYONE),
    Page(path=f"{FIELD}/features", show=features, roles=ANYONE),
    Page(path=f"{FIELD}/object", show=lit, roles=ANYONE),
)
