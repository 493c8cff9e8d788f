"""Reports of a lab by what is known of them: the search, and all that is kept of one report.

What a query asks becomes conditions of SQLAlchemy Core, its texts and numbers bound parameters.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias, assert_never

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Row,
    and_,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
)

from inspect_tool import typos
from inspect_tool.errors import InspectError, SettingsError
from inspect_tool.evidence.dossier import open_dossier
from inspect_tool.files import sha256_bytes
from inspect_tool.lab import tables
from inspect_tool.lab.database import Lab
from inspect_tool.lab.query import PRINTS, Compare, Days, Match, Pattern, Query, Relation, Superseded, Words, quoted

COLUMNS = {"order": "order_", "sample": "sample_id", "report": "number", "settings": "recipe_settings"}
"""Columns of the fields of a query that are called otherwise in their table."""

_IDENTIFYING = (
    *("number", "name", "title", "laboratory", "customer", "order_", "part", "heat", "lot", "sample_id", "material"),
    *("operator", "instrument"),
)
_LEAST_UID = 6  # letters that name a report by its hash
_NAMED = 3  # reports that an error names
_NEAR = 1000  # newest reports whose names a mistyped one is compared with


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundResult:
    """A result as the database holds it. A value of None: a requirement asks for it, and it was not found."""

    specimen: str
    quantity: str
    value: float | None
    unit: str
    u: float | None
    expanded_u: float | None
    low: float | None
    high: float | None
    coverage: float | None
    n: int | None
    main: bool
    verdict: str
    lower: float | None
    upper: float | None
    clause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundReport:
    """What a search shows of a report: its identification and the results of page 1, or those that were asked for."""

    uid: str
    report: str
    name: str
    recipe: str
    title: str
    day: date
    started: datetime
    customer: str
    order: str
    part: str
    heat: str
    lot: str
    sample: str
    verdict: str
    superseded_by: str | None
    place: str
    results: tuple[FoundResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What was found, newest first, and how many there are in all."""

    total: int
    reports: tuple[FoundReport, ...]
    hints: tuple[str, ...] = ()  # where nothing was found: queries that find something


FileState: TypeAlias = Literal["unchanged", "changed", "missing", "unreadable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """All that the database holds of one report, and what became of its file."""

    report: FoundReport
    laboratory: str
    operator: str
    instrument: str
    material: str
    standard: str
    language: str
    conforming: bool | None
    added: datetime
    spec: str  # part and revision
    fingerprint: dict[str, str]
    images: tuple[tuple[str, str], ...]  # name and SHA-256
    file: Path
    state: FileState
    state_reason: str = ""


# ------------------------------------------------------------------------------------------------------------- search


def search(connection: Connection, query: Query, limit: int | None = 50, first: int = 0) -> Search:
    """Find reports, the newest first.

    Parameters
    ----------
    connection : Connection
    query : Query
    limit : int or None
        As many reports at most; None: all of them.
    first : int
        So many of the newest are left out: those of the pages before.

    Raises
    ------
    SettingsError
        A result is asked for that no report has.
    """
    check_quantities(connection, query)
    found = conditions(query)
    total = connection.scalar(select(func.count()).select_from(tables.report).where(*found)) or 0
    if not total:
        return Search(total=0, reports=(), hints=tuple(_hints(connection, query)))
    chosen = select(tables.report).where(*found).order_by(*newest_first())
    rows = connection.execute((chosen if limit is None else chosen.limit(limit)).offset(first or None)).all()
    shown = {term.quantity for term in query.terms if isinstance(term, Compare)}
    results = _results_of(connection, [row.id for row in rows], shown)
    return Search(total=total, reports=tuple(_report(row, results.get(row.id, ())) for row in rows))


def newest_first() -> tuple[ColumnElement[Any], ...]:
    """Order of reports: by the day of the work, then the start of the run."""
    return tables.report.c.day.desc(), tables.report.c.started.desc(), tables.report.c.id.desc()


def conditions(query: Query) -> tuple[ColumnElement[bool], ...]:
    """What a report must fulfill; comparisons of one quantity ask for one result that fulfills all of them."""
    compared: dict[str, list[Compare]] = {}
    found: list[ColumnElement[bool]] = []
    for term in query.terms:
        match term:
            case Compare(negated=False):
                compared.setdefault(term.quantity, []).append(term)
            case Compare():
                found.append(not_(_has_result(term.quantity, [term])))
            case Words():
                found.append(_unless(term.negated, _has_words(term.text)))
            case Match():
                found.append(_unless(term.negated, _matches(term)))
            case Days():
                found.append(_unless(term.negated, _within(term)))
            case Superseded():
                found.append(_unless(term.negated, tables.report.c.superseded_by.is_not(None)))
            case _:
                assert_never(term)
    found += [_has_result(quantity, terms) for quantity, terms in compared.items()]
    return tuple(found)


def check_quantities(connection: Connection, query: Query) -> None:
    """Refuse results that no report has: a slip in a name must not read as "nothing found".

    Raises
    ------
    SettingsError
    """
    for name in dict.fromkeys(term.quantity for term in query.terms if isinstance(term, Compare)):
        check_quantity(connection, name, "query")


def check_quantity(connection: Connection, name: str, where: str) -> None:
    """Refuse a result that no report has; ``where`` it was asked for begins the message.

    Raises
    ------
    SettingsError
    """
    if connection.scalar(select(exists().where(tables.result.c.quantity == name))):
        return
    there = connection.scalars(select(tables.result.c.quantity).distinct()).all()
    advice = typos.near(name, there) or (f"; there are: {', '.join(sorted(there)[:20])}" if there else "")
    msg = f"{where}: no report of this lab has a result '{name}'{advice}"
    raise SettingsError(msg)


def _unless(negated: bool, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return not_(condition) if negated else condition


def _has_result(quantity: str, terms: Iterable[Compare]) -> ColumnElement[bool]:
    result = tables.result.alias().c
    return exists().where(
        result.report == tables.report.c.id,
        result.quantity == quantity,
        *(_compared(result.value, term.relation, term.number) for term in terms),
    )


def _compared(value: Column[Any], relation: Relation, number: float) -> ColumnElement[bool]:
    match relation:
        case "<":
            return value < number
        case "<=":
            return value <= number
        case ">":
            return value > number
        case ">=":
            return value >= number
        case "=":
            return value == number


def _within(term: Days) -> ColumnElement[bool]:
    day = tables.report.c.day
    sides = [] if term.first is None else [day >= term.first]
    return and_(*sides, *([] if term.before is None else [day < term.before]))


def _has_words(text: str) -> ColumnElement[bool]:
    specimen = tables.specimen.alias().c
    words = ("", text, "")
    return or_(
        *(_is(tables.report.c[name], words) for name in _IDENTIFYING),
        exists().where(specimen.report == tables.report.c.id, _is(specimen.specimen, words)),
    )


def _matches(term: Match) -> ColumnElement[bool]:
    report = tables.report.c
    field = term.field

    def any_of(column: ColumnElement[str]) -> ColumnElement[bool]:
        return or_(*(_is(column, pattern) for pattern in term.patterns))

    # aliases: whoever searches may join the same tables
    match field:
        case "specimen":
            specimen = tables.specimen.alias().c
            return exists().where(specimen.report == report.id, any_of(specimen.specimen))
        case "quantity":
            result = tables.result.alias().c
            return exists().where(result.report == report.id, any_of(result.quantity))
        case "image":
            image = tables.micrograph.alias().c
            return exists().where(image.report == report.id, or_(any_of(image.file), any_of(image.sha256)))
        case "spec":
            spec, part = tables.spec.alias(), tables.part.alias()
            name = part.c.name + " rev " + spec.c.revision
            return exists().where(spec.c.id == report.spec, part.c.id == spec.c.part, any_of(name))
    if field in PRINTS:
        made = tables.fingerprint.alias().c
        return report.fingerprint.in_(select(made.id).where(any_of(made[COLUMNS.get(field, field)])))
    return any_of(report[COLUMNS.get(field, field)])


def _is(column: ColumnElement[str], pattern: Pattern) -> ColumnElement[bool]:
    """Whether a text fits, small letters and capitals alike as far as the database knows them."""
    if len(pattern) == 1:
        return func.lower(column) == func.lower(literal(pattern[0]))
    escaped = (part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for part in pattern)
    return func.lower(column).like(func.lower(literal("%".join(escaped))), escape="\\")


def _hints(connection: Connection, query: Query) -> Iterator[str]:
    """Fields that nowhere are the text that was sought, and somewhere hold it, with the number of reports."""

    def number(term: Match) -> int:
        return connection.scalar(select(func.count()).select_from(tables.report).where(_matches(term))) or 0

    for term in query.terms:
        if not isinstance(term, Match) or term.negated or len(term.patterns) != 1 or len(term.patterns[0]) != 1:
            continue
        sought = term.patterns[0][0]
        if sought and not number(term) and (n := number(replace(term, patterns=(("", sought, ""),)))):
            yield f"{term.field}:*{quoted(sought)}* finds {n}"


def _results_of(connection: Connection, ids: list[int], shown: set[str]) -> dict[int, tuple[FoundResult, ...]]:
    """Results of page 1 of reports, or those of these quantities."""
    result = tables.result.c
    which = result.quantity.in_(sorted(shown)) if shown else result.main
    found: dict[int, list[FoundResult]] = {}
    for first in range(0, len(ids), tables.AT_ONCE):
        some = result.report.in_(ids[first : first + tables.AT_ONCE])
        for row in connection.execute(
            select(tables.result).where(some, which).order_by(result.report, result.position)
        ):
            found.setdefault(row.report, []).append(_result(row))
    return {report: tuple(results) for report, results in found.items()}


def _result(row: Row[Any]) -> FoundResult:
    return FoundResult(**{name: getattr(row, name) for name in FoundResult.__dataclass_fields__})


def _report(row: Row[Any], results: tuple[FoundResult, ...]) -> FoundReport:
    kept = {
        name: getattr(row, COLUMNS.get(name, name)) for name in FoundReport.__dataclass_fields__ if name != "results"
    }
    return FoundReport(**kept, results=results)


# --------------------------------------------------------------------------------------------------------- one report


def show(lab: Lab, connection: Connection, name: str) -> Record:
    """All of one report.

    Parameters
    ----------
    lab : Lab
    connection : Connection
    name : str
        The report's own number, the name of its folder or PDF, or at least the first six digits of its hash.

    Raises
    ------
    SettingsError
        No report, or several, have this name.
    """
    row = _named(connection, name)
    everything = select(tables.result).where(tables.result.c.report == row.id).order_by(tables.result.c.position)
    results = tuple(_result(result) for result in connection.execute(everything))
    made = connection.execute(select(tables.fingerprint).where(tables.fingerprint.c.id == row.fingerprint)).one()
    spec = connection.scalar(
        select(tables.part.c.name + " rev " + tables.spec.c.revision)
        .join(tables.spec, tables.part.c.id == tables.spec.c.part)
        .where(tables.spec.c.id == row.spec)
    )
    image = tables.micrograph.c
    images = connection.execute(select(image.file, image.sha256).where(image.report == row.id).order_by(image.field))
    file = lab.folder / row.place
    state, reason = state_of(file, row.uid)
    return Record(
        report=_report(row, results),
        laboratory=row.laboratory,
        operator=row.operator,
        instrument=row.instrument,
        material=row.material,
        standard=row.standard,
        language=row.language,
        conforming=row.conforming,
        added=row.added,
        spec=spec or "",
        fingerprint={
            column: value for column, value in made._mapping.items() if column not in ("id", "sha256") and value
        },
        images=tuple((each.file, each.sha256) for each in images),
        file=file,
        state=state,
        state_reason=reason,
    )


def history(connection: Connection, uid: str) -> tuple[FoundReport, ...]:
    """The reports that one replaces and that replace it, the oldest first, itself among them; without results."""
    report = tables.report
    found: dict[str, FoundReport] = {}

    def follow(link: str) -> None:
        at: str | None = uid
        while at is not None and (at == uid or at not in found):
            row = connection.execute(select(report).where(report.c.uid == at)).one_or_none()
            if row is None:
                return
            found[at] = _report(row, ())
            at = getattr(row, link)

    follow("supersedes")
    older = list(reversed(found.values()))
    found.clear()
    follow("superseded_by")
    return (*older, *list(found.values())[1:])


def of_same_part(connection: Connection, record: Record, most: int = 20) -> tuple[FoundReport, ...]:
    """Other reports of the same recipe and part, the newest first; none where no part is stated."""
    own, report = record.report, tables.report.c
    if not own.part:
        return ()
    same = (report.recipe == own.recipe, _is(report.part, (own.part,)), report.uid != own.uid)
    found = select(tables.report).where(*same).order_by(*newest_first()).limit(most)
    return tuple(_report(row, ()) for row in connection.execute(found))


def quantities(connection: Connection) -> tuple[str, ...]:
    """Names of all results that reports of the lab have."""
    return tuple(connection.scalars(select(tables.result.c.quantity).distinct().order_by(tables.result.c.quantity)))


def state_of(file: Path, uid: str) -> tuple[FileState, str]:
    """Whether the file of a report is what was added, and else why not.

    Parameters
    ----------
    file : Path
        Folder or PDF of a report.
    uid : str
        SHA-256 of its ``report.json``.
    """
    if not file.exists():
        return "missing", ""
    try:
        found = sha256_bytes(open_dossier(file).json)
    except InspectError as error:
        return "unreadable", str(error)
    return ("unchanged", "") if found == uid else ("changed", f"SHA-256 of its report.json is {found}")


def _named(connection: Connection, name: str) -> Row[Any]:
    report = tables.report.c
    is_hash = len(name) >= _LEAST_UID and set(name.lower()) <= set("0123456789abcdef")
    begins = report.uid.like(f"{name.lower()}%") if is_hash else report.uid == name
    ways = (_is(report.number, (name,)), report.name == name, begins)
    for way in ways:
        rows = connection.execute(select(tables.report).where(way).order_by(*newest_first()).limit(_NAMED + 1)).all()
        if len(rows) == 1:
            return rows[0]
        if rows:
            first = ", ".join(f"{row.uid[:12]} ({row.number}, {row.day})" for row in rows[:_NAMED])
            more = ", ..." if len(rows) > _NAMED else ""
            msg = f"{name}: several reports are called so; give the first digits of a hash: {first}{more}"
            raise SettingsError(msg)
    newest = select(report.name, report.number).order_by(*newest_first()).limit(_NEAR)
    there = [text for row in connection.execute(newest) for text in row]
    msg = f"{name}: no report of this lab has this number, name or hash{typos.near(name, there)}"
    raise SettingsError(msg)
