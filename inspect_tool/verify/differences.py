"""Two values compared as data: what differs, and where."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from inspect_tool.languages import RUN_ON, Text, as_data, of_data, reworded

_TABLE = {"title", "columns", "rows", "note"}


def differences(
    stated: object, found: object, where: str, tolerance: float, only: Iterable[str] | None = None
) -> Iterator[str]:
    """Name every place where plain data differ: the report first, then what was recomputed.

    >>> list(differences({"results": [{"quantity": "g", "value": 7.0}]}, {"results": [{"quantity": "g", "value": 8.0}]},
    ...     "report", 1e-9))
    ["report results 'g' value: report 7.0, recomputed 8.0"]
    """
    if isinstance(stated, Mapping) and isinstance(found, Mapping):
        if found.keys() >= _TABLE and _alike(stated.get("columns"), found["columns"]):
            yield from _cells(stated, found, where, tolerance)
            return
        keys = only if only is not None else dict.fromkeys([*stated, *found])
        for key in keys:
            yield from differences(stated.get(key), found.get(key), f"{where} {key}", tolerance)
    elif isinstance(stated, list | tuple) and isinstance(found, list | tuple) and (stated or found):
        if len(stated) != len(found):
            yield f"{where}: report has {len(stated)} entries, recomputed {len(found)}"
        for i, (one, other) in enumerate(zip(stated, found, strict=False), start=1):
            yield from differences(one, other, f"{where} {_label(other, i)}", tolerance)
    elif not equal(stated, found, tolerance):
        yield f"{where}: report {short(stated)}, recomputed {short(found)}"


def _alike(stated: object, found: object) -> bool:
    return not any(differences(stated, found, "", 0.0))


def _cells(stated: Mapping[str, Any], found: Mapping[str, Any], where: str, tolerance: float) -> Iterator[str]:
    yield from differences([stated.get("title"), stated.get("note")], [found["title"], found["note"]], where, tolerance)
    rows, others = stated.get("rows", []), found["rows"]
    if len(rows) != len(others):
        yield f"{where}: report has {len(rows)} rows, recomputed {len(others)}"
    for i, (row, other) in enumerate(zip(rows, others, strict=False), start=1):
        if row == other and not any(isinstance(cell, Text) for cell in other):
            continue
        if len(row) != len(other):
            yield f"{where} row {i}: report has {len(row)} cells, recomputed {len(other)}"
        for column, a, b in zip(found["columns"], row, other, strict=False):
            yield from differences(a, b, f"{where} row {i} {column}", tolerance)


def contained(
    stated: list[Any], found: list[Any], where: str, names: tuple[str, ...], tolerance: float
) -> Iterator[str]:
    """Find every recomputed entry among those of the report, which may hold others that need the image."""
    for item in found:
        if any(not any(differences(other, item, "", tolerance)) for other in stated):
            continue
        alike = [
            other for other in stated if names and all(equal(other[name], item[name], tolerance) for name in names)
        ]
        label = f"{where} {_label(item, 0)}".strip()
        if len(alike) == 1:
            yield from differences(alike[0], item, label, tolerance)
        else:
            yield f"{label}: recomputed {short(item)}, which the report does not state"


def _label(item: object, number: int) -> str:
    if isinstance(item, Mapping):
        name = item.get("quantity") or item.get("title") or item.get("name") or item.get("feature")
        specimen = f" of specimen {item['specimen']}" if item.get("specimen") else ""
        if name:
            return f"'{name}'{specimen}"
    return f"{number}" if number else ""


def equal(one: object, other: object, tolerance: float) -> bool:
    """Whether two values are the same, numbers within a relative tolerance."""
    if isinstance(one, Text) and isinstance(other, Text):  # whatever their words
        if one.key == other.key and not any(differences(as_data(one), as_data(other), "", tolerance)):
            return True
        return one.key == other.key == RUN_ON and reworded(one) == reworded(other)  # parted otherwise
    if _is_sentence(one) != _is_sentence(other):  # what one version says in words, and another as a sentence
        return _words(one) == _words(other)
    if isinstance(one, bool) or isinstance(other, bool) or not isinstance(one, int | float):
        return bool(one == other)
    if not isinstance(other, int | float):
        return False
    return bool(abs(one - other) <= tolerance * max(abs(one), abs(other)))


def _is_sentence(value: object) -> bool:
    return isinstance(value, Mapping) and value.keys() == {"key", "values"}


def _words(value: object) -> object:
    return of_data(value["key"], value["values"]) if isinstance(value, Mapping) and _is_sentence(value) else value


def short(value: object) -> str:
    """Show a value, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
