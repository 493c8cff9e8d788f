"""Values as JSON text, piece by piece, so that a report of many fields is never whole in memory beside itself.

A piece is a row of a table, or a value of one image: what of a report grows with the job is in lists of such.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from inspect_tool.languages import is_bare

_LEVELS = 3  # of a report that are taken apart: itself, its lists and tables, and the rows of these


def plain(value: object) -> Any:
    """Make a value JSON can hold: finite numbers of at most 12 digits, texts, lists and dictionaries.

    >>> from inspect_tool.model import Specimen
    >>> plain(Specimen(id="A", images=("a.tif",)))
    {'id': 'A', 'images': ['a.tif'], 'section': '1', 'plane': 'not stated', 'calibration': None}
    """
    if value is None or isinstance(value, bool | int | str):  # most of what a report holds comes first
        return value
    if isinstance(value, float):
        return float(f"{value:.12g}") if abs(value) < float("inf") else None
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if hasattr(value, "item"):  # numpy scalar
        return plain(value.item())
    return str(value)  # date, path


def json_pieces(value: object) -> Iterator[str]:
    """Write a value as JSON text with a line for each of its items; NaN and infinity become null.

    >>> print("".join(json_pieces({"rows": ((1, 2.5), ()), "note": "a"})))
    {
     "rows": [
      [
       1,
       2.5
      ],
      []
     ],
     "note": "a"
    }
    """
    return _lines(value, "\n", _LEVELS)


def _lines(value: object, end: str, levels: int) -> Iterator[str]:
    """Text of a value whose lines begin with ``end``."""
    inner = f"{end} "
    if isinstance(value, list | tuple) and value and is_bare(value):  # in one line the encoder in C writes it
        cells = json.dumps(plain(value), ensure_ascii=False, allow_nan=False, separators=(f",{inner}", ": "))
        yield f"[{inner}{cells[1:-1]}{end}]"
    elif levels and (parts := _parts(value)):
        for i, (name, item) in enumerate(parts):
            key = "" if name is None else f"{json.dumps(name, ensure_ascii=False)}: "
            yield ("," if i else "[" if name is None else "{") + inner + key
            yield from _lines(item, inner, levels - 1)
        yield f"{end}{']' if parts[0][0] is None else '}'}"
    else:
        yield json.dumps(plain(value), ensure_ascii=False, indent=1, allow_nan=False).replace("\n", end)


def canonical_pieces(value: object, said: Callable[[Any], object]) -> Iterator[str]:
    """Write a value as JSON text in the one spelling that is hashed: sorted keys, every number as a float.

    ``said`` gives what is hashed of a dataclass, down to the items of the lists of a report.

    >>> "".join(canonical_pieces({"b": (1, True), "a": [{"d": None, "c": "x"}]}, lambda value: value))
    '{"a": [{"c": "x", "d": null}], "b": [1.0, true]}'
    """
    return _sorted(value, said, _LEVELS)


def _sorted(value: object, said: Callable[[Any], object], levels: int) -> Iterator[str]:
    value = said(value) if is_dataclass(value) else value
    parts = () if isinstance(value, list | tuple) and is_bare(value) else _parts(value)
    if levels and parts:
        named = parts[0][0] is not None
        for i, (name, item) in enumerate(sorted(parts, key=lambda part: str(part[0])) if named else parts):
            yield (", " if i else "{" if named else "[") + (f"{json.dumps(name)}: " if named else "")
            yield from _sorted(item, said, levels - 1)
        yield "}" if named else "]"
    else:
        # one spelling of a number, whether it comes from a run (1.0) or from a file that was read back (1)
        yield _SORTED.encode(_AS_FLOATS.decode(_FINITE.encode(plain(value))))


_FINITE = json.JSONEncoder(allow_nan=False)
_AS_FLOATS = json.JSONDecoder(parse_int=float)
_SORTED = json.JSONEncoder(sort_keys=True)


def _parts(value: object) -> Sequence[tuple[str | None, object]]:
    """What a dataclass, a mapping or a list holds, by name; a list has no names. Empty: it is taken as a whole."""
    if is_dataclass(value) and not isinstance(value, type):
        return [(item.name, getattr(value, item.name)) for item in fields(value)]
    if isinstance(value, Mapping):
        return [(str(key), item) for key, item in value.items()]
    return [(None, item) for item in value] if isinstance(value, list | tuple) else ()
