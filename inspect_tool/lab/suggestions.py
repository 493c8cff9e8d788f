"""What a header may be filled with: values of earlier reports, and the defaults of the lab."""

from collections.abc import Mapping

from sqlalchemy import Connection, func, select

from inspect_tool.errors import SettingsError
from inspect_tool.lab import defaults, tables
from inspect_tool.lab.database import Lab
from inspect_tool.lab.find import COLUMNS

_SUGGESTED = ("title", "laboratory", "customer", "order", "part", "heat", "material", "instrument")
_MOST = 30


def of_reports(connection: Connection) -> dict[str, tuple[str, ...]]:
    """Values of fields of a header that reports have, the newest first."""
    found = {}
    for field in _SUGGESTED:
        column = tables.report.c[COLUMNS.get(field, field)]
        newest = select(column).where(column != "").group_by(column).order_by(func.max(tables.report.c.id).desc())
        found[field] = tuple(connection.scalars(newest.limit(_MOST)))
    return found


def of_lab(lab: Lab) -> Mapping[str, str]:
    """What the lab fills in where a header leaves a field empty; nothing where its defaults cannot be read."""
    try:
        return defaults.read(lab).header
    except SettingsError:
        return {}
