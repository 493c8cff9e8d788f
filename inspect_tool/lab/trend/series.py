"""The results of one quantity in the order of the work, each with its uncertainty and what made it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, select

from inspect_tool.errors import SettingsError
from inspect_tool.lab import tables
from inspect_tool.lab.find import check_quantity, conditions
from inspect_tool.lab.query import Match, Pattern, parse

COLUMNS = ("recipe_settings", "backend", "weights", "software", "scale", "instrument", "operator")
"""Columns of a fingerprint: what a result depends on besides the specimen."""

MOST = 20_000
"""Values of a series: steps are sought among all of them at once."""

_DAYS = re.compile(r"-?(since|until|day):", re.IGNORECASE)
_TERM = re.compile(r'(?:"(?:\\.|[^"\\])*"|[^\s"])+')


class Value(NamedTuple):
    """One result of one specimen; a tuple, as a dataclass takes ten times as long to be made of a row."""

    uid: str  # SHA-256 of the report
    place: str  # of its folder or PDF, from the folder of the lab
    report: str  # its own number
    recipe: str
    specimen: str
    day: date
    value: float
    unit: str
    u: float | None  # standard uncertainty, in ``unit``
    expanded_u: float | None
    lower: float | None  # limits asked
    upper: float | None
    fingerprint: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Values of one quantity and one unit, the oldest first."""

    quantity: str
    unit: str
    recipe: str
    values: tuple[Value, ...]
    without: int  # results that have no value


def series(connection: Connection, quantity: str, query: str = "") -> Series:
    """Read the results of a quantity; those of reports that a later one replaces are left out.

    Parameters
    ----------
    connection : Connection
    quantity : str
        As ``report.json`` names it.
    query : str
        Which reports, as ``lab search`` asks for them. ``specimen:`` chooses results too.

    Raises
    ------
    SettingsError
        No report has it, the query is wrong or finds none, or what it finds are results of two recipes or units.
    """
    asked = parse(query)
    check_quantity(connection, quantity, "trend")
    report, result = tables.report.c, tables.result.c
    rows = connection.execute(
        select(
            *(report.uid, report.place, report.number, report.recipe, result.specimen, report.day),
            *(result.value, result.unit, result.u, result.expanded_u, result.lower, result.upper),
            report.fingerprint,
        )
        .join(tables.result, result.report == report.id)
        .where(result.quantity == quantity, report.superseded_by.is_(None), *conditions(asked))
        .order_by(report.day, report.started, report.id, result.position)
    ).all()
    terms = [term for term in asked.terms if isinstance(term, Match) and term.field == "specimen"]
    chosen = [row for row in rows if _is_asked(terms, row.specimen)] if terms else rows
    if not chosen:
        msg = f"trend '{query}': no report that it finds has a result '{quantity}'"
        raise SettingsError(msg)
    # column by column: to ask ten thousand rows for each of theirs by its name takes longer than the database
    uids, places, numbers, recipes, specimens, days, values, units, *rest, made_by = zip(*chosen, strict=True)
    for column, texts, how in (("recipe", recipes, "add recipe:NAME"), ("unit", units, "narrow the query")):
        if len(found := sorted(set(texts))) > 1:
            msg = f"{quantity}: results of more than one {column} ({', '.join(found)}); {how}"
            raise SettingsError(msg)
    if len(chosen) > MOST:
        first = days[-MOST]
        msg = f"{quantity}: {len(chosen)} values, at most {MOST} are looked at; narrow the query, e.g. since:{first}"
        raise SettingsError(msg)
    made = tables.fingerprint.c
    methods = {
        key: dict(zip(COLUMNS, texts, strict=True))
        for key, *texts in connection.execute(select(made.id, *(made[name] for name in COLUMNS)))
    }
    prints = [methods[key] for key in made_by]
    columns = (uids, places, numbers, recipes, specimens, days, values, units, *rest, prints)
    kept = tuple(value for value in map(Value._make, zip(*columns, strict=True)) if value.value is not None)
    return Series(
        quantity=quantity,
        unit=units[0],
        recipe=recipes[0],
        values=kept,
        without=len(chosen) - len(kept),
    )


def without_days(query: str) -> str:
    """Terms of a query but for those of time, in the order of the alphabet: what frozen limits are for.

    >>> without_days('since:2026-10 recipe:grain_size heat:"73 18"')
    'heat:"73 18" recipe:grain_size'
    """
    return " ".join(sorted(term for term in _TERM.findall(query) if not _DAYS.match(term)))


def _is_asked(terms: Sequence[Match], specimen: str) -> bool:
    return all(any(_fits(pattern, specimen) for pattern in term.patterns) is not term.negated for term in terms)


def _fits(pattern: Pattern, text: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern)), text, re.IGNORECASE | re.DOTALL) is not None
