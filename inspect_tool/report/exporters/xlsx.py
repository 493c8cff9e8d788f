"""``report.xlsx``: results, checks, budgets and the whole tables as a workbook without formulas."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from inspect_tool.files import whole_file
from inspect_tool.model import Cell, Report
from inspect_tool.report.text import heading, relation, unit

SUFFIX = ".xlsx"

_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")  # not allowed in XML
_LONGEST = 32_767  # characters a cell may hold


def write(report: Report, folder: Path, template: Path) -> Path:  # noqa: ARG001 - all exporters are called alike
    """Write ``report.xlsx`` into the report folder."""
    book = Workbook(write_only=True)
    book.properties.title = _printable(f"{report.title} {report.id}")
    book.properties.creator = _printable(report.header.laboratory or report.provenance.software)
    book.properties.created = book.properties.modified = _time(report.provenance.started)
    for name, columns, rows in _sheets(report):
        _fill(book, name, columns, rows)
    path = folder / "report.xlsx"
    with whole_file(path, book.save) as made:
        made.replace(path)
    return path


def _sheets(report: Report) -> Iterable[tuple[str, Sequence[str], Iterable[Sequence[Cell]]]]:
    decided = {(item.quantity, item.specimen): item for item in report.conformities}
    results = []
    for result in report.results:
        item = decided.get((result.quantity, result.specimen))
        low, high = result.interval or (None, None)
        results.append(
            (
                *(report.id, result.title or result.quantity, result.quantity, result.specimen, result.value),
                *(unit(result.unit), result.u, result.expanded_u, result.coverage_factor, result.dof, low, high),
                *(result.n, result.n_of, result.rounded, result.clause, result.definition),
                *(item.decision if item else None, item.probability if item else None),
                *((item.requirement.rule, item.requirement.source) if item else (None, None)),
            )
        )
    yield (
        "Results",
        (
            *("Report", "Result", "Quantity", "Specimen", "Value", "Unit", "u", "U", "k", "Degrees of freedom"),
            *("Interval from", "Interval to", "n", "n counts", "Rounded by the method", "Clause", "Definition"),
            *("Verdict", "Probability of conformity", "Decision rule", "Requirement from"),
        ),
        results,
    )
    yield (
        "Checks",
        ("Rule", "Found", "Relation", "Limit", "Unit", "Passed", "Scope", "Specimen", "Clause", "Note"),
        [
            (
                *(check.name, check.value, relation(check.relation), check.limit, unit(check.unit)),
                *("yes" if check.passed else "no", check.scope, check.specimen, check.clause, check.note),
            )
            for check in report.checks
        ],
    )
    yield "Fields", [heading(name) for name in report.fields.columns], report.fields.rows
    yield "Features", [heading(name) for name in report.features.columns], report.features.rows
    yield (
        "Budget",
        ("Result", "Specimen", "Component", "Type", "u", "Unit", "Degrees of freedom", "Basis"),
        [
            (
                *(result.title or result.quantity, result.specimen, line.name, line.kind),
                *(line.u, unit(result.unit), line.dof, line.basis),
            )
            for result in report.results
            for line in result.budget
        ],
    )


def _fill(book: Workbook, name: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    sheet = book.create_sheet(name)
    sheet.freeze_panes = "A2"
    rows = list(rows)
    for i, column in enumerate(columns):
        longest = max([len(column), *(len(row[i]) for row in rows[:200] if isinstance(row[i], str))])  # type: ignore[arg-type]
        sheet.column_dimensions[get_column_letter(i + 1)].width = min(46, max(10, longest + 2))
    head = []
    for column in columns:
        cell = WriteOnlyCell(sheet, value=None)
        cell.value = column
        cell.data_type = "s"
        cell.font = Font(bold=True)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        head.append(cell)
    sheet.append(head)
    for row in rows:
        sheet.append([_text_cell(sheet, value) if isinstance(value, str) else value for value in row])
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{max(1, len(rows) + 1)}" if columns else None


def _text_cell(sheet: object, value: str) -> object:
    """Keep a text a text: openpyxl would take one that begins with = for a formula."""
    if not value.startswith("=") and not _FORBIDDEN.search(value) and len(value) <= _LONGEST:
        return value
    cell = WriteOnlyCell(sheet, value=None)  # type: ignore[arg-type]
    cell.value = _printable(value)
    cell.data_type = "s"
    cell.quotePrefix = True
    return cell


def _printable(value: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", value)[:_LONGEST]


def _time(started: str) -> datetime:
    return datetime.fromisoformat(started).replace(tzinfo=None)
