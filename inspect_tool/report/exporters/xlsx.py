"""``report.xlsx``: the lot, results, checks, budgets and the whole tables as a workbook without formulas."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from inspect_tool.files import whole_file
from inspect_tool.languages import ENGLISH, Text, joined, said
from inspect_tool.model import Cell, LotVerdict, Report, Result
from inspect_tool.report.build import specimens, wording_of, worst_first
from inspect_tool.report.text import cell, class_share, heading, in_xml, relation, term, unit

SUFFIX = ".xlsx"

_LONGEST = 32_767  # characters a cell may hold


def write(report: Report, folder: Path, template: Path) -> Path:  # noqa: ARG001 - all exporters are called alike
    """Write ``report.xlsx`` into the report folder, its sheets, heads and sentences in the language of the report."""
    book = Workbook(write_only=True)
    book.properties.title = _printable(f"{report.title} {report.id}")
    book.properties.creator = _printable(report.header.laboratory or report.provenance.software)
    book.properties.created = book.properties.modified = _time(report.provenance.started)
    for name, columns, rows in _sheets(report):
        fill(book, name, columns, rows, report.language or ENGLISH)
    path = folder / "report.xlsx"
    with whole_file(path, book.save) as made:
        made.replace(path)
    return path


_Sheet: TypeAlias = tuple[str, Sequence[str], Iterable[Sequence[Cell]]]
"""Name, heads and rows."""


def _sheets(report: Report) -> Iterable[_Sheet]:
    if report.lot is not None:
        yield _lot(report, report.lot)
    wording = wording_of(report.recipe)
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
                *(term(item.decision) if item else None, item.probability if item else None),
                *((item.requirement.rule, item.requirement.source) if item else (None, None)),
                *_classes(result),
            )
        )
    yield (
        Text("page.results"),
        (
            *(Text("workbook.report"), Text("words.result"), Text("words.quantity"), Text("words.specimen")),
            *(Text("words.value"), Text("words.unit"), "u", "U", "k", Text("workbook.degrees_of_freedom")),
            *(Text("workbook.interval_from"), Text("workbook.interval_to"), "n", Text("workbook.n_counts")),
            *(Text("workbook.rounded_by_the_method"), Text("workbook.clause"), Text("workbook.definition")),
            *(Text("workbook.verdict"), Text("page.probability_of_conformity")),
            *(Text("workbook.decision_rule"), Text("workbook.requirement_from")),
            *(Text("workbook.class_of"), Text("workbook.class"), Text("workbook.class_probability")),
            Text("workbook.other_classes"),
        ),
        results,
    )
    yield (
        Text("page.checks"),
        (
            *(Text("page.rule"), Text("page.found"), Text("workbook.relation"), Text("page.limit")),
            *(Text("words.unit"), Text("workbook.passed"), Text("workbook.scope"), Text("words.specimen")),
            *(Text("workbook.clause"), Text("workbook.note")),
        ),
        [
            (
                *(check.name, check.value, relation(check.relation), check.limit, unit(check.unit)),
                *(cell(check.passed), check.scope, check.specimen, check.clause, check.note),
            )
            for check in report.checks
        ],
    )
    for name, made in ((Text("words.fields"), report.fields), (Text("words.features"), report.features)):
        yield name, [heading(column, wording) for column in made.columns], made.rows
    yield (
        Text("workbook.budget"),
        (
            *(Text("words.result"), Text("words.specimen"), Text("page.component"), Text("page.type_of_line")),
            *("u", Text("words.unit"), Text("workbook.degrees_of_freedom"), Text("workbook.basis")),
        ),
        [
            (
                *(result.title or result.quantity, result.specimen, line.name, line.kind),
                *(line.u, unit(result.unit), line.dof, line.basis),
            )
            for result in report.results
            for line in result.budget
        ],
    )


def _classes(result: Result) -> tuple[Cell, ...]:
    """What a class is of, the class, its probability, and the other classes that are worth naming."""
    if result.rating is None:
        return (None, None, None, None)
    own, *others = result.rating.classes
    told = joined("; ", (class_share(one) for one in others))
    return (result.rating.scale, own.name, own.probability, told or None)


def _lot(report: Report, found: LotVerdict) -> _Sheet:
    """One row for every specimen of the sample: its results and verdicts, and the plan that judged the lot by them."""
    asked = {item.quantity for item in report.conformities}
    shown = [result for result in report.results if result.main or result.quantity in asked]
    titles = {result.quantity: result for result in shown}
    known = {(result.quantity, result.specimen): result for result in shown}
    lot, plan = found.lot, found.lot.plan
    heads: list[str] = [Text("workbook.lot"), Text("words.specimen"), Text("workbook.verdict")]
    for result in titles.values():
        heads += [_title(result), "U", Text("workbook.verdict")]
    heads += [
        *(Text("workbook.lot_verdict"), Text("words.reason"), Text("workbook.lot_size"), Text("workbook.plan")),
        *("n", "Ac", "Re", Text("workbook.plan_from")),
    ]
    rows = []
    for specimen in specimens(report):
        own = worst_first(item for item in report.conformities if item.specimen == specimen)
        row: list[Cell] = [lot.id, specimen, term(own[0].decision) if own else None]
        for quantity in titles:
            one = known.get((quantity, specimen))
            decided = [item for item in own if item.quantity == quantity]
            row += [one.value, one.expanded_u] if one else [None, None]
            row.append(term(decided[0].decision) if decided else None)
        row += [term(found.verdict), found.reason, lot.size, plan.standard, plan.n, plan.ac, plan.re, plan.source]
        rows.append(row)
    return Text("workbook.lot"), heads, rows


def _title(result: Result) -> str:
    title, mark = result.title or result.quantity, unit(result.unit)
    return Text("page.head_with_unit", head=title, unit=mark) if mark else title


def fill(book: Workbook, name: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]], language: str) -> None:
    """Add a sheet of rows to a workbook that is only written; its head is fixed, no text becomes a formula."""
    sheet = book.create_sheet(said(name, language))
    sheet.freeze_panes = "A2"
    columns = [said(column, language) for column in columns]
    rows = [[said(value, language) if isinstance(value, str) else value for value in row] for row in rows]
    for i, column in enumerate(columns):
        longest = max([len(column), *(len(row[i]) for row in rows[:200] if isinstance(row[i], str))])  # type: ignore[arg-type]
        sheet.column_dimensions[get_column_letter(i + 1)].width = min(46, max(10, longest + 2))
    head = []
    for column in columns:
        made = WriteOnlyCell(sheet, value=None)
        made.value = column
        made.data_type = "s"
        made.font = Font(bold=True)
        made.alignment = Alignment(wrap_text=True, vertical="top")
        head.append(made)
    sheet.append(head)
    for row in rows:
        sheet.append([_text_cell(sheet, value) if isinstance(value, str) else value for value in row])
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{max(1, len(rows) + 1)}" if columns else None


def _text_cell(sheet: object, value: str) -> object:
    """Keep a text a text: openpyxl would take one that begins with = for a formula."""
    if not value.startswith("=") and in_xml(value) == value and len(value) <= _LONGEST:
        return value
    cell = WriteOnlyCell(sheet, value=None)  # type: ignore[arg-type]
    cell.value = _printable(value)
    cell.data_type = "s"
    cell.quotePrefix = True
    return cell


def _printable(value: str) -> str:
    return in_xml(value)[:_LONGEST]


def _time(started: str) -> datetime:
    return datetime.fromisoformat(started).replace(tzinfo=None)
