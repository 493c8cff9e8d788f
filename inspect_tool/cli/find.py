"""The laboratory's memory: lab search, show, export, lot."""

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from inspect_tool.cli.common import EXIT_FAIL, EXIT_PASS, EXIT_UNDECIDED, Json, LabFolder, Quiet, counted, group

if TYPE_CHECKING:
    from inspect_tool.lab.find import FoundReport, FoundResult, Record
    from inspect_tool.lab.lots import Standing


class QueryTerms(TyperCommand):
    """A command whose arguments are terms of a query, some of which begin with a minus: ``-verdict:fail``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Keep what has one minus and several letters from being read as options of one letter each."""
        return super().parse_args(
            ctx, [f" {arg}" if arg[:1] == "-" != arg[1:2] and len(arg) > 2 else arg for arg in args]
        )


Terms = Annotated[
    list[str] | None,
    typer.Argument(metavar="[QUERY]", help='E.g. "heat:730218 since:2026-10 -verdict:fail"; none: all.'),
]
Limit = Annotated[int, typer.Option("--limit", "-n", min=0, help="As many at most, the newest; 0: all.")]

_RESULTS = 4  # of a report in a list


def search(query: Terms = None, lab: LabFolder = Path(), limit: Limit = 50, as_json: Json = False) -> None:
    """Find reports in the lab, the newest first.

    QUERY has terms that all hold: FIELD:VALUE (recipe, verdict, part, heat, order, lot, sample, customer, material,
    operator, instrument, specimen, ...), since:, until: and day: with a year, month or day, RESULT>NUMBER, free words,
    and a minus before what is not wanted. docs/lab.md has all fields.
    """
    from inspect_tool.lab import find
    from inspect_tool.lab.database import connected, open_lab
    from inspect_tool.lab.query import parse

    asked = parse(" ".join(query or ()))
    with connected(open_lab(lab), read_only=True) as connection:
        found = find.search(connection, asked, limit or None)
    if as_json:
        _print_json({"total": found.total, "reports": found.reports})
        return
    if not found.total:
        print("no report found" + "".join(f"; {hint}" for hint in found.hints))
        return
    _print_reports(found.reports)
    shown = len(found.reports)
    print(
        counted(found.total, "report") + (f", the newest {shown} shown (--limit 0: all)" if shown < found.total else "")
    )


def show(
    report: Annotated[str, typer.Argument(metavar="REPORT", help="Its number, name, or first digits of its hash.")],
    lab: LabFolder = Path(),
    as_json: Json = False,
) -> None:
    """Show all that the lab knows of a report, and whether its file is still there as it was added.

    Exit status: 0 it is, 3 the file is missing or another one.
    """
    from inspect_tool.lab import find
    from inspect_tool.lab.database import connected, open_lab

    opened = open_lab(lab)
    with connected(opened, read_only=True) as connection:
        record = find.show(opened, connection, report)
    if as_json:
        _print_json(record)
    else:
        _print_record(record)
    raise typer.Exit(EXIT_PASS if record.state == "unchanged" else EXIT_FAIL)


def export(
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write: .csv, .xlsx or .parquet.")],
    query: Terms = None,
    lab: LabFolder = Path(),
    quiet: Quiet = False,
) -> None:
    """Write the results of the reports that a query finds as one table, a row for every result."""
    from inspect_tool.lab import export as exporting
    from inspect_tool.lab.database import connected, open_lab
    from inspect_tool.lab.query import parse

    asked = parse(" ".join(query or ()))
    with connected(open_lab(lab), read_only=True) as connection:
        n = exporting.export(connection, asked, out)
    if not quiet:
        print(f"{out}: {counted(n, 'result')}")


def lot_new(
    identifier: Annotated[str, typer.Argument(metavar="LOT", help="Its name, as the jobs state it.")],
    size: Annotated[int, typer.Option(help="Items in the lot.")],
    n: Annotated[int, typer.Option("--n", help="Sample size [specimens].")],
    ac: Annotated[int, typer.Option("--ac", help="Acceptance number: nonconforming specimens at most.")],
    standard: Annotated[str, typer.Option(help="Of the sampling plan, e.g. ISO 2859-1.")],
    source: Annotated[str, typer.Option(help="Who fixed the numbers, e.g. a supply agreement.")],
    part: Annotated[str, typer.Option(help="Of the lot, as the headers of the jobs name it.")] = "",
    lab: LabFolder = Path(),
    quiet: Quiet = False,
) -> None:
    """State a lot and its sampling plan, and print the lines for the jobs of its specimens."""
    from inspect_tool.lab import lots
    from inspect_tool.lab.database import connected, open_lab
    from inspect_tool.model import Lot, SamplingPlan

    plan = SamplingPlan(standard=standard, n=n, ac=ac, re=ac + 1, source=source)
    lot = Lot(id=identifier, size=size, plan=plan)
    opened = open_lab(lab)
    with connected(opened, read_only=True) as connection:
        path = lots.new(opened, connection, lot, opened=datetime.now(tz=UTC).date(), part=part)
    if not quiet:
        print(f"{path}: lot {identifier}; put these lines at the end of each job of its specimens:\n")
        print(lots.of_job(lot), end="")


def lot_show(
    identifier: Annotated[str, typer.Argument(metavar="LOT")], lab: LabFolder = Path(), as_json: Json = False
) -> None:
    """Show how far the sample of a lot is inspected, and the verdict when it is complete.

    Exit status: 0 accepted, 3 rejected, 4 not decided (yet).
    """
    from inspect_tool.lab import lots
    from inspect_tool.lab.database import connected, open_lab

    opened = open_lab(lab)
    with connected(opened, read_only=True) as connection:
        standing = lots.standing(opened, connection, identifier)
    if as_json:
        _print_json(standing)
    else:
        _print_lot(standing)
    raise typer.Exit({"accepted": EXIT_PASS, "rejected": EXIT_FAIL}.get(standing.decision, EXIT_UNDECIDED))


def lot_list(lab: LabFolder = Path(), limit: Limit = 50, as_json: Json = False) -> None:
    """List lots, those that something was last heard of first."""
    from inspect_tool.lab import lots
    from inspect_tool.lab.database import connected, open_lab

    opened = open_lab(lab)
    with connected(opened, read_only=True) as connection:
        found = lots.listed(opened, connection, limit or None)
    if as_json:
        _print_json(found)
    elif not found:
        print("no lot is stated; inspect-tool lab lot new states one, or a job with [lot]")
    else:
        rows = [
            (
                *(one.lot.id, one.part, str(one.lot.size), one.measured, str(len(one.sample.nonconforming))),
                *(one.decision, str(one.reports[-1].day) if one.reports else ""),
            )
            for one in found
        ]
        _print_table(("lot", "part", "items", "sample", "nonconforming", "verdict", "last report"), rows)


# ------------------------------------------------------------------------------------------------------------ printing


def _print_json(value: object) -> None:
    from inspect_tool.files import as_json

    print(as_json(value))


def _print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print an aligned table without the columns in which nothing stands."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=None, header_style="bold", pad_edge=False)
    kept = [i for i in range(len(head)) if any(row[i] for row in rows)]
    for i in kept:
        table.add_column(head[i], overflow="fold")
    for row in rows:
        table.add_row(*(Text(_printable(row[i])) for i in kept))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _printable(text: str) -> str:
    """A text of a report without what a terminal would take for a command."""
    return "".join(
        letter if letter.isprintable() or letter in "\n\xa0" else "\N{REPLACEMENT CHARACTER}" for letter in text
    )


def _print_facts(facts: Iterable[tuple[str, object]]) -> None:
    for name, value in facts:
        if value not in ("", None):
            print(f"  {name:<16}{_printable(str(value))}")


def _print_reports(reports: "Sequence[FoundReport]") -> None:
    rows = [
        (
            *(str(one.day), one.report, one.name, one.recipe, one.customer, one.order, one.part, one.heat, one.lot),
            *(
                one.sample,
                "\n".join(_result_lines(one.results)),
                one.verdict + (" (superseded)" if one.superseded_by else ""),
            ),
        )
        for one in reports
    ]
    head = (
        "day",
        "report",
        "name",
        "recipe",
        "customer",
        "order",
        "part",
        "heat",
        "lot",
        "sample",
        "results",
        "verdict",
    )
    _print_table(head, rows)


def _result_lines(results: "Sequence[FoundResult]") -> Iterable[str]:
    from inspect_tool.report.text import pm

    several = len({one.specimen for one in results}) > 1
    for one in results[:_RESULTS]:
        specimen = f"{one.specimen}: " if several else ""
        yield f"{specimen}{one.quantity} {pm(one.value, one.expanded_u, one.unit)}"
    if len(results) > _RESULTS:
        yield f"and {len(results) - _RESULTS} more"


def _print_record(record: "Record") -> None:
    from inspect_tool.report.text import interval, pm

    report = record.report
    print(_printable(f"{report.report}: {report.title or report.recipe}: {report.verdict}"))
    kept = {True: "yes", False: "no", None: "it has none that was checked"}
    _print_facts(
        [
            *(("name", report.name), ("recipe", report.recipe), ("standard", record.standard)),
            *(("rules kept", kept[record.conforming]), ("criteria", record.spec), ("day", report.day)),
            *(("laboratory", record.laboratory), ("customer", report.customer), ("order", report.order)),
            *(("part", report.part), ("heat", report.heat), ("lot", report.lot), ("sample", report.sample)),
            *(("material", record.material), ("operator", record.operator), ("instrument", record.instrument)),
            *(
                ("superseded by", report.superseded_by),
                ("started", _moment(report.started)),
                ("added", _moment(record.added)),
            ),
        ]
    )
    rows = [
        (
            *(one.specimen, one.quantity, pm(one.value, one.expanded_u, one.unit)),
            interval((one.low, one.high), one.expanded_u) if one.low is not None and one.high is not None else "",
            *("" if one.n is None else str(one.n), _limits(one), one.verdict, one.clause),
        )
        for one in report.results
    ]
    if rows:
        _print_table(("specimen", "quantity", "value ± U", "interval", "n", "asked", "verdict", "clause"), rows)
    print("made by")
    _print_facts((name.replace("_", " "), value) for name, value in record.fingerprint.items())
    print(f"{counted(len(record.images), 'image')}")
    for name, sha256 in record.images:
        print(f"  {_printable(name)}  {sha256[:16]}")
    states = {
        "unchanged": "is there as it was added",
        "changed": "IS NOT THE FILE THAT WAS ADDED",
        "missing": "IS NOT THERE ANY MORE",
        "unreadable": "CANNOT BE READ ANY MORE",
    }
    print(f"{record.file}: {states[record.state]}{f': {record.state_reason}' if record.state_reason else ''}")
    print(f"  SHA-256 {report.uid}")


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _limits(result: "FoundResult") -> str:
    from inspect_tool.report.text import as_given

    if result.lower is not None and result.upper is not None:
        return f"{as_given(result.lower)} … {as_given(result.upper)}"
    if result.lower is not None:
        return f"≥ {as_given(result.lower)}"
    return f"≤ {as_given(result.upper)}" if result.upper is not None else ""


def _print_lot(standing: "Standing") -> None:
    plan = standing.lot.plan
    print(_printable(f"lot {standing.lot.id}: {standing.measured}, {standing.decision}"))
    _print_facts(
        [
            *(("part", standing.part), ("items", standing.lot.size)),
            ("plan", f"{plan.standard}: n = {plan.n}, Ac = {plan.ac}, Re = {plan.re}"),
            *(("fixed by", plan.source or "not stated"), ("sample", standing.sample.reason)),
            *(
                ("nonconforming", ", ".join(standing.sample.nonconforming)),
                ("undecided", ", ".join(standing.sample.undecided)),
            ),
        ]
    )
    for problem in standing.problems:
        print(_printable(f"NOT DECIDED: {problem}"))
    for note in standing.notes:
        print(_printable(f"note: {note}"))
    rows = [
        (str(one.day), one.report, one.recipe, one.part, ", ".join(one.specimens), one.verdict)
        for one in standing.reports
    ]
    if rows:
        _print_table(("day", "report", "recipe", "part", "specimens", "verdict"), rows)


lot_app = group("lot", "Lots: a sampling plan, its specimens over several days, a verdict.")
lot_app.command("new")(lot_new)
lot_app.command("show")(lot_show)
lot_app.command("list")(lot_list)
