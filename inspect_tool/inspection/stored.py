"""What was measured of a field as JSON text and back, to the last bit: numbers, arrays, tables, sentences, dataclasses.

No pickle, which runs what it says: a text makes numbers, texts and tables, and dataclasses of modules that this process
has loaded anyway.
"""

import base64
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from inspect_tool.errors import ReadError
from inspect_tool.languages import Text, worded


def dump(value: object) -> bytes:
    """Write a value as JSON text.

    Raises
    ------
    TypeError
        It holds something else than this module knows.
    """
    return json.dumps(_encoded(value), separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def load(data: bytes) -> Any:
    """Read a value back.

    Raises
    ------
    ReadError
        The text is damaged, or of other dataclasses than those of this version.

    >>> load(dump({1: (0.1, float("inf")), "a": [np.float32(0.1)]}))
    {1: (0.1, inf), 'a': [np.float32(0.1)]}
    """
    try:
        return _decoded(json.loads(data.decode("utf-8", "surrogatepass")))
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        msg = f"kept field: cannot be read: {type(error).__name__}: {error}"
        raise ReadError(msg) from None


def _encoded(value: object) -> Any:
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if kind is list:
        return [_encoded(item) for item in value]  # type: ignore[attr-defined]
    for name, known, encode in _KINDS:
        if known(value):
            return {name: encode(value)}
    msg = f"{kind.__qualname__} cannot be kept"
    raise TypeError(msg)


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    if isinstance(value, dict):
        ((name, held),) = value.items()
        return _MADE[name](held)
    return value


def _pairs(value: Mapping[Any, object]) -> list[list[Any]]:
    return [[_encoded(key), _encoded(item)] for key, item in value.items()]


def _array(value: "np.ndarray[Any, Any] | np.generic") -> list[Any]:
    if value.dtype.hasobject:
        msg = "an array of objects cannot be kept"
        raise TypeError(msg)
    held = np.ascontiguousarray(value)
    return [held.dtype.str, list(np.shape(value)), base64.b64encode(held.tobytes()).decode("ascii")]


def _array_of(held: list[Any]) -> Any:
    kind, shape, data = held
    return np.frombuffer(bytearray(base64.b64decode(data)), np.dtype(kind)).reshape(shape)


def _frame(value: pd.DataFrame) -> dict[str, Any]:
    return {
        "rows": len(value),
        "index": None if _is_counted(value.index) else _column(value.index.to_series()),
        "columns": [[_encoded(name), _column(value[name])] for name in value.columns],
    }


def _is_counted(index: pd.Index) -> bool:
    return isinstance(index, pd.RangeIndex) and (index.start, index.step) == (0, 1) and index.name is None


def _column(column: "pd.Series[Any]") -> list[Any]:
    if isinstance(column.dtype, np.dtype) and not column.dtype.hasobject:
        return ["", _array(column.to_numpy())]
    if isinstance(column.dtype, pd.StringDtype) or column.dtype == object:
        missing = column.isna().tolist()
        return [
            str(column.dtype),
            [None if gone else _encoded(item) for gone, item in zip(missing, column, strict=True)],
        ]
    msg = f"a column of {column.dtype} cannot be kept"
    raise TypeError(msg)


def _frame_of(held: dict[str, Any]) -> pd.DataFrame:
    index = pd.RangeIndex(held["rows"]) if held["index"] is None else pd.Index(_column_of(*held["index"]))
    columns = {i: _column_of(*column).set_axis(index) for i, (_, column) in enumerate(held["columns"])}
    made = pd.DataFrame(columns, index=index)
    if columns:
        made.columns = pd.Index([_decoded(name) for name, _ in held["columns"]])
    return made


def _column_of(kind: str, held: list[Any]) -> "pd.Series[Any]":
    return pd.Series([_decoded(item) for item in held], dtype=kind) if kind else pd.Series(_array_of(held))


def _dataclass(value: Any) -> list[Any]:
    kind = type(value)
    return [
        kind.__module__,
        kind.__qualname__,
        {item.name: _encoded(getattr(value, item.name)) for item in fields(value)},
    ]


def _dataclass_of(held: list[Any]) -> Any:
    module, name, values = held
    kind = getattr(sys.modules[module], name)
    if not (isinstance(kind, type) and is_dataclass(kind)):
        msg = f"{module}.{name} is no dataclass"
        raise TypeError(msg)
    return kind(**{key: _decoded(value) for key, value in values.items()})


_KINDS: tuple[tuple[str, Callable[[Any], bool], Callable[[Any], Any]], ...] = (
    ("text", lambda v: isinstance(v, Text), lambda v: [v.key, _pairs(v.values), str(v)]),
    ("tuple", lambda v: type(v) is tuple, lambda v: [_encoded(item) for item in v]),
    ("class", lambda v: is_dataclass(v) and not isinstance(v, type), _dataclass),
    ("map", lambda v: isinstance(v, Mapping), _pairs),
    ("frame", lambda v: isinstance(v, pd.DataFrame), _frame),
    ("array", lambda v: isinstance(v, np.ndarray), _array),
    ("number", lambda v: isinstance(v, np.generic), _array),
    ("day", lambda v: type(v) is date, date.isoformat),
)
"""Name in the text, whether a value is of the kind, and how it is written; the first that fits."""

_MADE: Mapping[str, Callable[[Any], Any]] = {
    "text": lambda held: worded(held[0], {key: _decoded(item) for key, item in held[1]}, held[2]),
    "tuple": lambda held: tuple(_decoded(item) for item in held),
    "class": _dataclass_of,
    "map": lambda held: {_decoded(key): _decoded(item) for key, item in held},
    "frame": _frame_of,
    "array": _array_of,
    "number": lambda held: _array_of(held)[()],
    "day": date.fromisoformat,
}
