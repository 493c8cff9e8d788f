"""Is a quantity of the lab steady: lab trend."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inspect_tool.cli.common import EXIT_FAIL, EXIT_PASS, Json, LabFolder, Language, Out, Quiet, showing_progress
from inspect_tool.cli.find import Terms
from inspect_tool.errors import SettingsError

if TYPE_CHECKING:
    from inspect_tool.lab.trend.found import Trend


def trend(
    quantity: Annotated[str, typer.Argument(metavar="QUANTITY", help="As report.json names it: grain_size_number.")],
    query: Terms = None,
    lab: LabFolder = Path(),
    alarm: Annotated[str, typer.Option("--alarm", help="cusum or ewma.")] = "cusum",
    rules: Annotated[str, typer.Option("--rules", help="nelson: look at the eight rules of Nelson too.")] = "",
    freeze: Annotated[
        bool, typer.Option("--freeze", help="Keep the limits of these values, as a new version, for later ones.")
    ] = False,
    by: Annotated[str, typer.Option("--by", help="Who freezes.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why limits are frozen.")] = "",
    proof: Annotated[
        bool, typer.Option("--proof/--no-proof", help="Whether kept images are measured again to prove a step.")
    ] = True,
    out: Out = Path("reports"),
    language: Language = "",
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Is a quantity steady, and if it moved: was it the process or the method?

    Exit status: 0 steady, 3 a step, an alarm or an outlier, 2 something must be fixed first (one line says what).
    """
    if alarm not in ("cusum", "ewma"):
        msg = f"--alarm {alarm}: must be cusum or ewma"
        raise SettingsError(msg)
    if rules not in ("", "nelson"):
        msg = f"--rules {rules}: must be nelson; rule 1 is always looked at"
        raise SettingsError(msg)
    if not freeze and (by or reason):
        msg = "--by and --reason are for --freeze; add it or leave them out"
        raise SettingsError(msg)
    from inspect_tool.lab.database import open_lab
    from inspect_tool.lab.trend.trend import Request
    from inspect_tool.lab.trend.trend import trend as trending

    request = Request(
        quantity=quantity,
        query=" ".join(query or ()),
        alarm="cusum" if alarm == "cusum" else "ewma",
        nelson=bool(rules),
        freeze=freeze,
        by=by,
        reason=reason,
        prove=proof,
    )
    with showing_progress("trend", quiet or as_json) as tell:
        found, folder = trending(open_lab(lab), request, out, language=language, progress=tell)
    if as_json:
        print((folder / "trend.json").read_text(encoding="utf-8"), end="")
    elif not quiet:
        _print_trend(found, folder)
    raise typer.Exit(EXIT_PASS if found.state == "steady" else EXIT_FAIL)


def _print_trend(found: "Trend", folder: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    from inspect_tool.lab.trend.words import summary
    from inspect_tool.report.text import interval, number, quantity, with_unit

    control, points = found.limits, found.points
    table = Table(title=None, show_header=False, pad_edge=False)
    limits = f"{number(control.lower)} to {with_unit(number(control.upper), found.unit)}"
    kind = f"version {control.version}" if control.version else "preliminary"
    rows: dict[str, str] = {
        "values": f"{len(points)}, {points[0].day} to {points[-1].day}",
        "center": quantity(control.center, found.unit),
        "limits": f"{limits} ({kind}, from {control.n} values)",
        "newest": quantity(points[-1].value, found.unit),
        "alarms": str(sum(point.alarm for point in points)),
        "outliers": str(sum(point.outlier for point in points)),
        **{
            index.name: f"{number(index.value, 3)} ({interval((index.low, index.high))})"
            for index in (found.capability.indices if found.capability else ())
        },
    }
    for name, value in rows.items():
        table.add_row(name, value)
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(f"{found.title}: {found.state}", highlight=False, markup=False)
    console.print(table)
    for sentence in summary(found):
        console.print(
            " ".join(filter(None, (sentence.found, sentence.proof))), highlight=False, soft_wrap=True, markup=False
        )
    for warning in found.warnings:
        console.print(f"note: {warning}", highlight=False, soft_wrap=True, markup=False)
    console.print(f"{folder / 'trend.pdf'}", highlight=False, soft_wrap=True, markup=False)
