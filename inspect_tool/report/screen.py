"""What the page on the screen holds inside itself, within its budget of bytes, and the data that its script reads.

The page is one file. What does not fit stands in the folder beside it, and the page says so.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from inspect_tool.languages import Text, decimal_sign, key_of, said
from inspect_tool.model import Cell, MicrographRecord, Report, Table, Wording
from inspect_tool.report import text
from inspect_tool.report.selection import worst_fields

MEGABYTE = 1_000_000
_BASE64 = 4 / 3  # a picture in an address takes more bytes than its file
_SHARE_OF_FEATURES = 0.5  # of the budget that the table of features may take; pictures take the rest
_LOOKED_AT = 400  # rows by which the bytes of a row are estimated
_PLACES = ("words.specimen", "words.section", "words.plane")
_SCRIPT_WORDS = {
    "found": ("page.found_features", ("found", "all")),
    "took": ("page.filter_took", ("column",)),
    "also": ("page.filter_also", ("columns",)),
    "unknown": ("page.filter_unknown", ("name", "columns")),
    "unit": ("page.filter_unit", ("name", "unit", "columns")),
    "value": ("page.filter_value", ("name", "value")),
    "yes_no": ("page.filter_yes_no", ("column", "yes", "no")),
    "incomplete": ("page.filter_incomplete", ("part",)),
    "and": ("page.filter_and", ()),
    "or": ("page.filter_or", ()),
    "not": ("page.filter_not", ()),
    "show": ("page.show_feature", ("feature", "field")),
    "object": ("page.feature_in_field", ("feature", "field")),
    "nothing_here": ("page.no_feature_here", ()),
    "dark": ("page.dark", ()),
    "light": ("page.light", ()),
}
"""Sentences that the script of the page says, by the name it knows them by, and the places in them that it fills."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """What of a report stands inside its page."""

    fields: tuple[int, ...]  # places among the images, ascending
    rows: tuple[int, ...] | None  # places among the rows of features, ascending; None: all of them


def inside(report: Report, folder: Path, most_fields: int, most_mb: float) -> Inside:
    """Choose what stands inside the page: of too many fields the worst, and the features of these before others.

    Parameters
    ----------
    report : Report
    folder : Path
        With its pictures; the size of a field is that of its files there.
    most_fields : int
    most_mb : float
        Budget for pictures and features together. One field is always shown. [MB]
    """
    room = most_mb * MEGABYTE
    table = report.features
    of_row = _bytes_of_a_row(table)
    fit = max(0, int(_SHARE_OF_FEATURES * room / of_row)) if of_row else 0
    room -= min(len(table.rows), fit) * of_row
    sizes = [_bytes_of_field(record, folder) for record in report.micrographs]
    order = worst_fields(report.fields, report.micrographs, report.results, report.conformities)
    chosen: list[int] = []
    for i in order[: max(0, most_fields)]:
        room -= sizes[i]
        if room < 0 and chosen:
            break
        chosen.append(i)
    fields = tuple(sorted(chosen))
    if len(table.rows) <= fit:
        return Inside(fields=fields, rows=None)
    first = {i for i, at in enumerate(fields_of_rows(report)) if at in chosen}
    rest = (i for i in range(len(table.rows)) if i not in first)
    rows = sorted(sorted(first)[:fit] + [i for i, _ in zip(rest, range(fit - len(first)), strict=False)])
    return Inside(fields=fields, rows=tuple(rows))


def _bytes_of_field(record: MicrographRecord, folder: Path) -> float:
    files = [folder / file for file in (record.picture, *(layer.file for layer in record.layers))]
    return _BASE64 * sum(file.stat().st_size for file in files if file.is_file())


def _bytes_of_a_row(table: Table) -> float:
    some = table.rows[:: max(1, len(table.rows) // _LOOKED_AT)]
    return len(json.dumps(some, ensure_ascii=False, separators=(",", ":")).encode()) / len(some) if some else 0.0


def fields_of_rows(report: Report) -> list[int]:
    """Place among the images that each feature was found in; -1 where the table does not tell it."""
    table = report.features
    names = [name for name in ("specimen", "section", "field") if name in table.columns]
    if "field" not in names:
        return [-1] * len(table.rows)
    known = {
        tuple(str(getattr(record, name)) for name in names): i
        for i, record in reversed(list(enumerate(report.micrographs)))
    }
    places = [table.columns.index(name) for name in names]
    return [known.get(tuple(str(row[i]) for i in places), -1) for row in table.rows]


def rows_of_worst(report: Report, shown: Inside) -> list[int | None]:
    """Row of each of the worst features among those inside the page; None: it is not there."""
    table = report.features
    names = ("specimen", "field", "feature")
    if not set(names) <= set(table.columns):
        return [None] * len(report.worst)
    places = [table.columns.index(name) for name in names]
    wanted = {(item.specimen, item.field, item.feature) for item in report.worst}
    found: dict[tuple[object, ...], int] = {}
    for at, i in enumerate(range(len(table.rows)) if shown.rows is None else shown.rows):
        key = tuple(table.rows[i][place] for place in places)
        if key in wanted:
            found.setdefault(key, at)
    return [found.get((item.specimen, item.field, item.feature)) for item in report.worst]


def feature_data(report: Report, shown: Inside, language: str, wording: Wording) -> Iterator[str]:
    """Table of features as JSON for the script of the page, column by column; it cannot end the script element.

    A column is ``{"same": value}``, ``{"of": texts, "at": numbers}``, ``{"bits": "01-"}`` or ``{"values": [...]}``.
    ``pictures`` says of each image where it stands; ``runs`` are pairs of an image and the number of rows in it.
    """
    table = report.features
    rows = range(len(table.rows)) if shown.rows is None else shown.rows
    at = fields_of_rows(report)
    runs = [(image, len(list(group))) for image, group in groupby(at[i] for i in rows)]
    words = {
        name: said(Text(key, **{place: f"{{{place}}}" for place in places}), language)
        for name, (key, places) in _SCRIPT_WORDS.items()
    }
    words |= {
        "sign": decimal_sign(language),
        "yes": said(text.cell(True), language),
        "no": said(text.cell(False), language),
        "language": language,
    }
    head: dict[str, object] = {
        "count": len(rows),
        "all": len(table.rows),
        "words": words,
        "pictures": [_picture(record, i, shown) for i, record in enumerate(report.micrographs)],
        "runs": runs,
    }
    yield _plain(head)[:-1] + ',"columns":['
    comma = ""
    for i, name in enumerate(table.columns):
        values = [table.rows[row][i] for row in rows]
        if _is_idle(name, [row[i] for row in table.rows] if shown.rows is not None else values):
            continue
        title = said(text.heading(name, wording), language)
        column: dict[str, object] = {"name": name, "title": title, "place": text.common_place(values)}
        yield comma + _plain(column | _packed(values))
        comma = ",\n"
    yield "]}"


def _is_idle(name: str, values: Sequence[Cell]) -> bool:
    """Whether a column names the only specimen, or holds nothing."""
    return (key_of(name, "words") in _PLACES and len(set(values)) <= 1) or (
        bool(values) and all(value is None for value in values)
    )


def _picture(record: MicrographRecord, place: int, shown: Inside) -> dict[str, object]:
    """Where an image stands, inside the page or beside it, and the scales that lead from a row to a place in it."""
    found: dict[str, object] = {"field": record.field, "scale": record.picture_scale}
    if record.calibration.pixel_um is not None:
        found["pixel_um"] = record.calibration.pixel_um
    return found | ({"id": f"field-{place + 1}"} if place in shown.fields else {"file": record.overlay})


def _packed(values: Sequence[Cell]) -> dict[str, object]:
    """Values of a column in few bytes."""
    kinds = {type(value) for value in values}
    if len(values) > 1 and all(type(value) is type(values[0]) and value == values[0] for value in values):
        return {"same": values[0]}
    if bool in kinds and kinds <= {bool, type(None)}:
        return {"bits": "".join("-" if value is None else str(int(value)) for value in values)}
    if any(issubclass(kind, str) for kind in kinds):
        known = {value: i for i, value in enumerate(dict.fromkeys(values))}
        return {"of": list(known), "at": [known[value] for value in values]}
    return {"values": list(values)}


def _plain(value: object) -> str:
    plain = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return plain.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
