"""One row of the fields table as a frozen dataclass: fields for the recipe that measured it, columns for all others."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import cache
from typing import TypeAlias

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
            if name is None or value is None:
                continue
            if isinstance(value, float | int | str):
                made[name] = value
            elif isinstance(value, Row):
                made |= value.columns()
            else:
                for key, one in value.items():
                    parts = one.columns() if isinstance(one, Row) else {name: one}
                    made |= {_keyed(column, key): number for column, number in parts.items()}
        return made

    def __getitem__(self, name: str) -> Number:
        return self.columns()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns())

    def __len__(self) -> int:
        return len(self.columns())


@cache
def _named(kind: type[Row]) -> tuple[tuple[str, str | None], ...]:
    """Attributes of a row and the names of their columns."""
    return tuple((field.name, field.metadata.get(_COLUMN, field.name)) for field in fields(kind))  # type: ignore[arg-type]


def _keyed(name: str, key: object) -> str:
    return name.format(key) if "{}" in name else f"{name}.{key}"


_COLUMN = "column"


def column(name: str | None) -> Mapping[str, str | None]:
    """Give the metadata of a field that has another name in the table, or none: it is no column then."""
    return {_COLUMN: name}
