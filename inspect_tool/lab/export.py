"""Results of a lab as one table, a row for every result: CSV, XLSX or Parquet."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

from sqlalchemy import ColumnElement, Connection, Select, func, select

from inspect_tool.errors import SettingsError
from inspect_tool.folders import check_new_file, new_file
from inspect_tool.lab import tables
from inspect_tool.lab.find import check_quantities, conditions, newest_first
from inspect_tool.lab.query import Query
from inspect_tool.languages import ENGLISH
from inspect_tool.model import Cell

Kind: TypeAlias = Literal["text", "number", "whole", "truth", "day", "moment"]

_REPORT, _RESULT, _MADE = tables.report.c, tables.result.c, tables.fingerprint.c
COLUMNS: tuple[tuple[str, ColumnElement[Any], Kind], ...] = (
    ("report", _REPORT.number, "text"),
    ("name", _REPORT.name, "text"),
    ("recipe", _REPORT.recipe, "text"),
    ("title", _REPORT.title, "text"),
    ("day", _REPORT.day, "day"),
    ("customer", _REPORT.customer, "text"),
    ("order", _REPORT.order_, "text"),
    ("part", _REPORT.part, "text"),
    ("heat", _REPORT.heat, "text"),
    ("lot", _REPORT.lot, "text"),
    ("sample", _REPORT.sample_id, "text"),
    ("material", _REPORT.material, "text"),
    ("specimen", _RESULT.specimen, "text"),
    ("quantity", _RESULT.quantity, "text"),
    ("value", _RESULT.value, "number"),
    ("unit", _RESULT.unit, "text"),
    ("u", _RESULT.u, "number"),
    ("expanded_u", _RESULT.expanded_u, "number"),
    ("low", _RESULT.low, "number"),
    ("high", _RESULT.high, "number"),
    ("coverage", _RESULT.coverage, "number"),
    ("n", _RESULT.n, "whole"),
    ("main", _RESULT.main, "truth"),
    ("verdict", _RESULT.verdict, "text"),
    ("lower", _RESULT.lower, "number"),
    ("upper", _RESULT.upper, "number"),
    ("clause", _RESULT.clause, "text"),
    ("report_verdict", _REPORT.verdict, "text"),
    ("conforming", _REPORT.conforming, "truth"),
    ("superseded_by", _REPORT.superseded_by, "text"),
    ("standard", _REPORT.standard, "text"),
    ("laboratory", _REPORT.laboratory, "text"),
    ("operator", _REPORT.operator, "text"),
    ("instrument", _REPORT.instrument, "text"),
    ("software", _MADE.software, "text"),
    ("backend", _MADE.backend, "text"),
    ("weights", _MADE.weights, "text"),
    ("settings", _MADE.recipe_settings, "text"),
    ("scale", _MADE.scale, "text"),
    ("started", _REPORT.started, "moment"),
    ("uid", _REPORT.uid, "text"),
    ("place", _REPORT.place, "text"),
)
"""Name, column of the database, and what kind of value a column of the export is."""

Rows: TypeAlias = Iterator[Sequence[Any]]
_NAMES = [name for name, _, _ in COLUMNS]
_AT_ONCE = 10_000  # rows in memory of a format that is written as they come
_MOST_XLSX = 1_048_575  # rows of a worksheet under its head


def export(connection: Connection, query: Query, out: Path) -> int:
    """Write the results of the reports that a query finds, the newest report first; gives the number of rows.

    Parameters
    ----------
    connection : Connection
    query : Query
    out : Path
        ``.csv`` and ``.xlsx`` are safe to open in a spreadsheet: no text in them is taken for a formula.
        ``.parquet`` keeps every text, day and number as it is.

    Raises
    ------
    SettingsError
        The name has another ending, the extra ``parquet`` is missing, or the rows are more than a worksheet holds.
    OutputError
        The file exists already, or cannot be written; nothing is left of it.
    """
    write = _writer(out)
    check_new_file(out)
    check_quantities(connection, query)
    joined = (
        select(*(column.label(name) for name, column, _ in COLUMNS))
        .join_from(tables.result, tables.report, _RESULT.report == _REPORT.id)
        .join(tables.fingerprint, _REPORT.fingerprint == _MADE.id)
        .where(*conditions(query))
    )
    n = connection.scalar(select(func.count()).select_from(joined.subquery())) or 0
    if out.suffix.lower() == ".xlsx" and n > _MOST_XLSX:
        msg = f"{out}: a worksheet holds {_MOST_XLSX} rows and {n} were found; ask for fewer, or write .csv or .parquet"
        raise SettingsError(msg)
    new_file(out, lambda place: write(place, _rows(connection, joined)))
    return n


def _rows(connection: Connection, joined: Select[Any]) -> Rows:
    ordered = joined.order_by(*newest_first(), _RESULT.position)
    yield from connection.execute(ordered.execution_options(yield_per=_AT_ONCE))


def _writer(out: Path) -> Callable[[Path, Rows], object]:
    match out.suffix.lower():
        case ".csv":
            return _write_csv
        case ".xlsx":
            return _write_xlsx
        case ".parquet":
            try:
                import pyarrow.parquet  # noqa: F401 - before anything is asked of the database
            except ImportError:
                from inspect_tool.segmentation.networks.weights import missing_extra

                msg = f"{out}: {missing_extra('Parquet', 'parquet')}"
                raise SettingsError(msg) from None
            return _write_parquet
        case other:
            msg = f"{out}: cannot be told how to write '{other}'; end the name with .csv, .xlsx or .parquet"
            raise SettingsError(msg)


def _cells(rows: Rows) -> Iterator[list[Cell]]:
    """Rows with days and moments as ISO 8601 writes them."""
    for row in rows:
        yield [
            value.strftime("%Y-%m-%dT%H:%M:%SZ")
            if isinstance(value, datetime)
            else value.isoformat()
            if isinstance(value, date)
            else value
            for value in row
        ]


def _write_csv(place: Path, rows: Rows) -> None:
    from inspect_tool.report.exporters.csv import write_rows

    with place.open("w", encoding="utf-8", newline="") as file:
        write_rows(file, _NAMES, _cells(rows))


def _write_xlsx(place: Path, rows: Rows) -> None:
    from openpyxl import Workbook

    from inspect_tool.report.exporters.xlsx import fill

    book = Workbook(write_only=True)
    fill(book, "results", _NAMES, _cells(rows), ENGLISH)
    book.save(place)


def _write_parquet(place: Path, rows: Rows) -> None:
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    kinds = {
        "text": pa.string(),
        "number": pa.float64(),
        "whole": pa.int64(),
        "truth": pa.bool_(),
        "day": pa.date32(),
        "moment": pa.timestamp("us", tz="UTC"),
    }
    schema = pa.schema([(name, kinds[kind]) for name, _, kind in COLUMNS])
    with ParquetWriter(place, schema) as writer:
        while some := [row for _, row in zip(range(_AT_ONCE), rows, strict=False)]:
            columns = list(zip(*some, strict=True))
            arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
