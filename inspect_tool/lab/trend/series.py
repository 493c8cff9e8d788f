"""The results of one quantity in the order of the work, each with its uncertainty and what made it."""

import re
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, select

from inspect_tool.errors import SettingsError
from inspect_tool.lab import tables
from inspect_tool.lab.find import check_quantity, conditions
from inspect_tool.lab.query import Match, Pattern, Query, parse

COLUMNS = ("recipe_settings", "backend", "weights", "software", "scale", "instrument", "operator")
"""Columns of a fingerprint: what a result depends on besides the specimen."""

MOST = 5000
"""Values of a series: steps are sought among all of them at once."""

_DAYS = re.compile(r"-?(since|until|day):", re.IGNORECASE)
_TERM = re.compile(r'(?:"(?:\\.|[^"\\])*"|[^\s"])+')


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One result of one specimen."""

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
    fingerprint: dict[str, str]


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
            *(report[name] for name in ("uid", "place", "number", "recipe", "day")),
            *(result[name] for name in ("specimen", "value", "unit", "u", "expanded_u", "lower", "upper")),
            report.fingerprint,
        )
        .join(tables.result, result.report == report.id)
        .where(result.quantity == quantity, report.superseded_by.is_(None), *conditions(asked))
        .order_by(report.day, report.started, report.id, result.position)
    ).all()
    chosen = [row for row in rows if _is_asked(asked, row.specimen)]
    if not chosen:
        msg = f"trend '{query}': no report that it finds has a result '{quantity}'"
        raise SettingsError(msg)
    for column, how in (("recipe", "add recipe:NAME"), ("unit", "narrow the query")):
        found = sorted({getattr(row, column) for row in chosen})
        if len(found) > 1:
            msg = f"{quantity}: results of more than one {column} ({', '.join(found)}); {how}"
            raise SettingsError(msg)
    if len(chosen) > MOST:
        first = chosen[-MOST].day
        msg = f"{quantity}: {len(chosen)} values, at most {MOST} are drawn; narrow the query, e.g. since:{first}"
        raise SettingsError(msg)
    made = tables.fingerprint.c
    methods = {
        key: dict(zip(COLUMNS, texts, strict=True))
        for key, *texts in connection.execute(select(made.id, *(made[name] for name in COLUMNS)))
    }
    values = tuple(
        Value(
            uid=uid,
            place=place,
            report=number,
            recipe=recipe,
            specimen=specimen,
            day=day,
            value=value,
            unit=unit,
            u=u,
            expanded_u=expanded_u,
            lower=lower,
            upper=upper,
            fingerprint=methods[method],
        )
        # one value after the other: to ask a row for each by its name takes twice as long
        for uid, place, number, recipe, day, specimen, value, unit, u, expanded_u, lower, upper, method in chosen
        if value is not None
    )
    return Series(
        quantity=quantity,
        unit=chosen[0].unit,
        recipe=chosen[0].recipe,
        values=values,
        without=len(chosen) - len(values),
    )


def without_days(query: str) -> str:
    """Terms of a query but for those of time, in the order of the alphabet: what frozen limits are for.

    >>> without_days('since:2026-10 recipe:grain_size heat:"73 18"')
    'heat:"73 18" recipe:grain_size'
    """
    return " ".join(sorted(term for term in _TERM.findall(query) if not _DAYS.match(term)))


def _is_asked(query: Query, specimen: str) -> bool:
    terms = [term for term in query.terms if isinstance(term, Match) and term.field == "specimen"]
    return all(any(_fits(pattern, specimen) for pattern in term.patterns) is not term.negated for term in terms)


def _fits(pattern: Pattern, text: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern)), text, re.IGNORECASE | re.DOTALL) is not None
