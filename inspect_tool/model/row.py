"""One row of the fields table as a frozen dataclass: fields for the recipe that measured it, columns for all others."""

from collections.abc import ItemsView, Iterator, Mapping, ValuesView
from dataclasses import fields
from functools import cache
from typing import Any, TypeAlias

Number: TypeAlias = float | int | str


class Row(Mapping[str, Number]):
    """Base of the ``Values`` of a recipe, a dataclass whose fields are columns, the unit in every name.

    A field that is None is no column of this row. A row in a row stands in its place. A mapping, by class, gives a
    column for each of its keys, ``<field>.<key>`` or where ``{}`` stands in its name; one whose values are rows gives
    theirs, key by key.
    """

    __slots__ = ()

    def columns(self) -> dict[str, Number]:
        """Give the columns in the order of the fields."""
        made: dict[str, Number] = {}
        for attribute, name in _named(type(self)):
            value = getattr(self, attribute)
            if isinstance(value, float | int | str) and name is not None:
                made[name] = value
            else:
                made |= _several(name, value)
        return made

    def __getitem__(self, name: str) -> Number:
        found = self._column(name)
        if found is None:
            raise KeyError(name)
        return found

    def _column(self, name: str) -> Number | None:
        """One column without the others; None: there is none of this name."""
        attribute = _attributes(type(self)).get(name)
        value = None if attribute is None else getattr(self, attribute)
        if isinstance(value, float | int | str):
            return value
        for attribute, title in _named(type(self)):
            value = getattr(self, attribute)
            if title is None or value is None or isinstance(value, float | int | str):
                continue
            found = value._column(name) if isinstance(value, Row) else _several(title, value).get(name)
            if found is not None:
                return found
        return None

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns())

    def __len__(self) -> int:
        return len(self.columns())

    def items(self) -> ItemsView[str, Number]:
        """Give names and values; not by looking each name up."""
        return self.columns().items()

    def values(self) -> ValuesView[Number]:
        """Give the values; as ``items``."""
        return self.columns().values()


def _several(name: str | None, value: Any) -> Mapping[str, Number]:
    """Columns of a field that is a row or a mapping; of one that is None, or has no column, none."""
    if name is None or value is None:
        return {}
    if isinstance(value, Row):
        return value.columns()
    made: dict[str, Number] = {}
    for key, one in value.items():
        parts = one.columns() if isinstance(one, Row) else {name: one}
        made |= {_keyed(column, key): number for column, number in parts.items()}
    return made


@cache
def _named(kind: type[Row]) -> tuple[tuple[str, str | None], ...]:
    """Attributes of a row and the names of their columns."""
    return tuple((field.name, field.metadata.get(_COLUMN, field.name)) for field in fields(kind))  # type: ignore[arg-type]


@cache
def _attributes(kind: type[Row]) -> Mapping[str, str]:
    """Attributes of a row by the names of their columns."""
    return {name: attribute for attribute, name in _named(kind) if name is not None}


def _keyed(name: str, key: object) -> str:
    return name.format(key) if "{}" in name else f"{name}.{key}"


_COLUMN = "column"


def column(name: str | None) -> Mapping[str, str | None]:
    """Give the metadata of a field that has another name in the table, or none: it is no column then."""
    return {_COLUMN: name}
