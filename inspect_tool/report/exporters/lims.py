"""``lims.csv``: one line for every result that a laboratory information system takes, in columns that stay.

Numbers and words are those of ``report.json``, unrounded and English whatever the language of the pages. A text that a
spreadsheet would take for a formula is made harmless as in ``features.csv``.
"""

from collections.abc import Mapping
from pathlib import Path

from inspect_tool.files import write_text
from inspect_tool.languages import ENGLISH, said
from inspect_tool.model import Cell, Rating, Report, Table
from inspect_tool.report.build import specimens, worst_first
from inspect_tool.report.exporters.csv import csv_text
from inspect_tool.report.template import load_settings
from inspect_tool.standards.editions import designation

SUFFIX = ".csv"

FILE = "lims.csv"

COLUMNS = (
    *("sample_id", "keyword", "value", "unit", "expanded_u", "coverage_factor", "verdict"),
    *("date", "method", "analyst", "report", "digest", "class", "class_probability"),
)

CLASS_COLUMNS = COLUMNS[-2:]
"""Last columns, which files of earlier versions lack."""

UNNAMED = "1"  # the only specimen of a job that names none
NO_REQUIREMENT = "no requirement"


def write(report: Report, folder: Path, template: Path) -> Path:
    """Write ``lims.csv`` into the report folder; the ``[lims]`` table of the template names the keywords."""
    path = folder / FILE
    write_text(path, csv_text(lines(report, load_settings(template).lims)))
    return path


def lines(report: Report, keywords: Mapping[str, str]) -> Table:
    """Results that are main or have a requirement, each with its gravest verdict.

    Parameters
    ----------
    report : Report
    keywords : mapping
        Analysis keyword of a quantity; one that has none goes by its own name.

    Returns
    -------
    Table
        With the columns ``COLUMNS``. A requirement that no result answers has a line without a value.
    """
    header = report.header
    single = specimens(report) == (UNNAMED,)
    common = (
        header.date_of_work.strip() or report.provenance.started[:10],
        said(designation(report.standard), ENGLISH),
        header.operator,
        report.id,
        report.digest,
    )
    decided = {(one.quantity, one.specimen): one for one in reversed(worst_first(report.conformities))}
    rows: list[tuple[Cell, ...]] = []

    def add(specimen: str, quantity: str, *numbers: Cell, verdict: str, rating: Rating | None = None) -> None:
        sample = header.item.strip() if single and specimen == UNNAMED else ""
        own = rating.classes[0] if rating else None
        classed = (said(own.name, ENGLISH), own.probability) if own else (None, None)
        rows.append((sample or specimen, keywords.get(quantity, quantity), *numbers, verdict, *common, *classed))

    for result in report.results:
        item = decided.pop((result.quantity, result.specimen), None)
        if item is not None or result.main:
            numbers = (result.value, result.unit, result.expanded_u, result.coverage_factor)
            verdict = item.decision if item else NO_REQUIREMENT
            add(result.specimen, result.quantity, *numbers, verdict=verdict, rating=result.rating)
    for item in decided.values():
        add(item.specimen, item.quantity, item.value, item.unit, item.expanded_u, None, verdict=item.decision)
    return Table(title="", columns=COLUMNS, rows=tuple(rows))
