"""What is kept in memory of each measured field: a job may have thousands.

What the job needs no more is let go. What is the same in every field (names of values and columns, scale, limits,
sentences) is held once: fields that come from another process or from the disk have it each for itself.
"""

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

import pandas as pd

from inspect_tool.inspection import stored
from inspect_tool.languages import Text
from inspect_tool.model import Calibration, Layer, Limit, ScaleSource, Statement

T = TypeVar("T")

_ALIKE = (Text, Calibration, ScaleSource, Limit, Statement, Layer)
"""Kinds of values of which most are the same in every field."""


def shared(known: dict[object, Any]) -> Callable[[T], T]:
    """Give a function that makes a value of parts that are ``known``, to any depth; what is not, it adds.

    >>> share = shared({})
    >>> one, other = (share({"".join(("name", " of a value")): (value, [])}) for value in (1, 1.0))
    >>> one, other, next(iter(one)) is next(iter(other))
    ({'name of a value': (1, [])}, {'name of a value': (1.0, [])}, True)
    """

    def share(value: Any) -> Any:
        kind = type(value)
        if kind is str:
            return known.setdefault(value, value)
        if isinstance(value, _ALIKE):
            return known.setdefault((kind, stored.dump(value)), value)
        if kind is tuple:
            return tuple([share(item) for item in value])
        if kind is dict:
            return {share(key): share(item) for key, item in value.items()}
        if isinstance(value, pd.DataFrame):
            made = value.copy()  # in as few arrays as there are types
            names = made.columns
            made.columns = known.setdefault((str(names.dtype), *names), names)
            return made
        if is_dataclass(value) and not isinstance(value, type):
            parts = {item.name: getattr(value, item.name) for item in fields(value) if item.init}
            return replace(value, **{name: share(part) for name, part in parts.items()})
        return value

    return share
