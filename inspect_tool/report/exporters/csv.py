"""``features.csv`` and ``fields.csv``: the whole tables, safe to open in a spreadsheet.

A text that a spreadsheet would take for a formula gets an apostrophe in front (CWE-1236); numbers are
written as numbers, with a point.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from inspect_tool.files import write_as_it_comes
from inspect_tool.model import Cell, Report, Table

SUFFIX = ".csv"


def write(report: Report, folder: Path, template: Path) -> Path:  # noqa: ARG001 - all exporters are called alike
    """Write both tables into the report folder; gives the path of ``features.csv``."""
    _write(folder / "fields.csv", report.fields)
    path = folder / "features.csv"
    _write(path, report.features)
    return path


def _write(path: Path, table: Table) -> None:
    write_as_it_comes(path, lambda file: write_rows(file, table.columns, table.rows))


def csv_text(table: Table) -> str:
    """Write a table as CSV text (RFC 4180), column names in the first row."""
    file = io.StringIO()
    write_rows(file, table.columns, table.rows)
    return file.getvalue()


def write_rows(file: TextIO, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Write rows as they come; the file was opened with ``newline=""``."""
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow([neutral(name) for name in columns])
    writer.writerows([_csv_cell(value) for value in row] for row in rows)


def neutral(text: str) -> str:
    """Make a text that begins like a formula harmless.

    >>> neutral("=1+1"), neutral("weld 3")
    ("'=1+1", 'weld 3')
    """
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")) else text


def _csv_cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    return str(value) if isinstance(value, int) else neutral(value)
