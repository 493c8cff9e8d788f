"""Jobs: run, demo, check, init, list."""

import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inspect_tool.errors import InspectError, OutputError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from inspect_tool.batch.cluster import Cluster
    from inspect_tool.inspection.job_plan import Progress
    from inspect_tool.inspection.preview import Preview
    from inspect_tool.model import Report
from inspect_tool.cli.common import (
    EXIT_FIX,
    ClusterAddress,
    Json,
    Out,
    Quiet,
    Workers,
    print_error,
    showing_progress,
    status_of,
)


def run(
    jobs: Annotated[list[Path], typer.Argument(metavar="JOB...", help="Job files (TOML).")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="For the reports; by default 'reports', with --lab that of the lab."),
    ] = None,
    lab: Annotated[
        Path | None,
        typer.Option("--lab", metavar="FOLDER", help="Fills in the header, keeps the report and remembers it."),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="With --lab: copy images and masks into it.")] = False,
    workers: Workers = 1,
    cluster: ClusterAddress = "",
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Inspect: measure the images of each job and write its report.

    Exit status: 0 every requirement passed or none was set, 3 a requirement failed, 4 undecided,
    2 something must be fixed first (one line says what), 1 a bug.
    """
    from inspect_tool.inspection.job_plan import job_names

    if cluster and workers > 1:
        msg = "--workers is of this machine and --cluster of others; give one of them"
        raise SettingsError(msg)
    named = list(zip(jobs, job_names(jobs), strict=True))
    if lab is None:
        with _machines(cluster) as machines:
            raise typer.Exit(_run_jobs(named, out or Path("reports"), workers, quiet, as_json, machines=machines))
    from inspect_tool.lab import run as for_lab
    from inspect_tool.lab.database import settings_of

    known = settings_of(lab)
    faults: list[str] = []

    def measured(path: Path, name: str, tell: "Progress | None") -> "Report":
        made = for_lab.run(path, known, out, name=name, workers=workers, executor=machines, progress=tell, keep=keep)
        if made.fault:
            faults.append(made.fault)
            print_error(OutputError(made.fault))
        return made.report

    with _machines(cluster) as machines:
        status = _run_jobs(named, out or known.reports, workers, quiet, as_json, measured=measured)
    raise typer.Exit(EXIT_FIX if faults else status)


def demo(
    recipes: Annotated[
        list[str] | None, typer.Argument(metavar="[RECIPE]...", help="Whose samples are run; none: all.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Run the samples of all recipes, whatever is named.")] = False,
    out: Out = Path("inspect-demo"),
    workers: Workers = 1,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Run the sample inspections that come with the tool, and make a lab of them for the workbench.

    Where the library that lays out PDF pages is missing, the other files of a report are written, and the last line
    says how to get it.
    """
    from inspect_tool import registry, typos
    from inspect_tool.lab import database
    from inspect_tool.paths import data_folder
    from inspect_tool.web.samples import take

    samples = sorted(data_folder("samples").glob("*/job.toml"))
    if not samples:
        msg = f"{data_folder('samples')}: no samples found; install the package again"
        raise SettingsError(msg)
    if recipes and not every:
        there = [path.parent.name for path in samples]
        for name in recipes:
            if name not in there:
                msg = f"there is no sample of '{name}'; there are: {', '.join(there)}{typos.near(name, there)}"
                raise SettingsError(msg)
        samples = [path for path in samples if path.parent.name in recipes]
    exports, lacking = None, ""
    try:
        registry.load("exporter", "pdf")
    except OutputError as error:
        exports, lacking = ("json", "html", "csv"), str(error)
    jobs = [(path, path.parent.name) for path in samples]
    status = _run_jobs(jobs, out, workers, quiet, as_json, exports=exports, trail=False)
    lab = database.init(out / "lab", name="Demonstration")
    take(lab, [(path.parent, out / name) for path, name in jobs])
    if not quiet and not as_json:
        print(f"look around on a screen: inspect-tool workbench {out / 'lab'}")
        name = recipes[0] if recipes else "grain_size"
        print(f"your own images: inspect-tool init {name} (or another recipe) writes a commented job file")
    if lacking:
        print(f"no report.pdf was written: {lacking}", file=sys.stderr)
    raise typer.Exit(status)


def check(
    jobs: Annotated[list[Path], typer.Argument(metavar="JOB...", help="Job files (TOML).")],
    preview: Annotated[
        Path | None, typer.Option("--preview", help="Folder for a picture of each field: what will be measured.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Check jobs without measuring: keys, files, images, scale, masks and requirements."""
    from inspect_tool.inspection import job_plan, job_run
    from inspect_tool.languages import ENGLISH, Text, said
    from inspect_tool.report.template import language_of
    from inspect_tool.standards.editions import designation

    status = 0
    for path, name in zip(jobs, job_plan.job_names(jobs), strict=True):
        try:
            planned = job_run.check(path)
            pictures: tuple[Preview, ...] = ()
            if preview is not None:
                from inspect_tool.inspection.preview import preview as previewed

                with showing_progress(name, quiet) as tell:
                    pictures = previewed(planned, preview / name, tell)
        except InspectError as error:
            print_error(error)
            status = EXIT_FIX
            continue
        if not quiet:
            ok = Text(
                "console.check_ok",
                path=str(path),
                recipe=planned.job.recipe,
                edition=designation(planned.editions.job),
                backend=planned.backend,
                specimens=len({source.specimen for source in planned.sources}),
                images=len(planned.sources),
                requirements=len(planned.requirements),
            )
            criteria = (*planned.criteria.conflicts, *planned.criteria.agreements)
            scales = [Text("console.scale", line=line) for line in job_plan.scale_lines(planned)]
            language = language_of(planned.job.language, planned.template) or ENGLISH
            print(said(ok, language))
            for line in (*scales, *(Text("console.criteria", line=line) for line in criteria)):
                print(f"  {said(line, language)}")
            for shown in pictures:
                print(f"  {shown.image}: {'; '.join(shown.lines)}")
                print(f"    {shown.picture}")
    raise typer.Exit(status)


def init(
    recipe: Annotated[str, typer.Argument(help="Recipe, see: inspect-tool list recipes. On a terminal: asked.")] = "",
    out: Annotated[Path, typer.Option("--out", "-o", help="Job file to write.")] = Path("job.toml"),
    blank: Annotated[bool, typer.Option("--blank", help="Ask nothing; images and scale are put in later.")] = False,
    lab: Annotated[
        Path | None, typer.Option("--lab", metavar="FOLDER", help="Lab whose defaults are written into the header.")
    ] = None,
) -> None:
    """Write a commented job for a recipe; on a terminal, images, scale and limit are asked for and the job runs."""
    from inspect_tool import registry
    from inspect_tool.folders import new_file
    from inspect_tool.inspection import starter_questions
    from inspect_tool.inspection.starter import Answers, starter_job

    asks = sys.stdin.isatty() and sys.stdout.isatty() and not blank
    if not recipe and not asks:
        msg = (
            f"give a recipe, for example inspect-tool init grain_size; there are: {', '.join(registry.names('recipe'))}"
        )
        raise SettingsError(msg)
    if recipe:
        registry.load("recipe", recipe)
    if out.exists():
        msg = f"{out}: exists already and is left as it is; choose another name with --out"
        raise SettingsError(msg)
    header: dict[str, str] = {}
    if lab is not None:
        from inspect_tool.lab import defaults
        from inspect_tool.lab.database import settings_of
        from inspect_tool.model import Header

        header = defaults.filled_in(defaults.read(settings_of(lab)), Header())
    answers = Answers()
    if asks:
        recipe = recipe or starter_questions.recipe(_ask, print)
        answers = starter_questions.answers(recipe, out.parent, _ask, print)
    new_file(out, starter_job(recipe, out.name, replace(answers, header=header)).encode())
    shown = f'"{out}"' if " " in str(out) else out
    print(f"{out}: written; {'look it through' if asks else 'put in the images and the scale'}, then:")
    print(f"  inspect-tool check {shown}")
    print(f"  inspect-tool run {shown} --out reports")


def _ask(question: str, default: str) -> str:
    return str(typer.prompt(question, default=default, show_default=bool(default)))


def list_(
    kind: Annotated[
        str,
        typer.Argument(
            help="recipes, backends, models, standards, readers, exporters, templates, quantities, units or specs"
        ),
    ],
    folder: Annotated[
        Path | None, typer.Argument(help="Of specs: the folder or file of the acceptance criteria; default: specs.")
    ] = None,
) -> None:
    """List what there is of one kind; of specs also which are valid today."""
    from inspect_tool.inspection.starter import listing

    for name, text in listing(kind, folder):
        print(f"{name:<34}{text}".rstrip())


def _run_jobs(
    jobs: list[tuple[Path, str]],
    out: Path,
    workers: int,
    quiet: bool,
    as_json: bool,
    *,
    exports: tuple[str, ...] | None = None,
    trail: bool = True,
    machines: "Cluster | None" = None,
    measured: "Callable[[Path, str, Progress | None], Report] | None" = None,
) -> int:
    """Run jobs one after the other, print what came out, and return the exit status.

    ``measured`` takes the place of a plain run: called with the job file, the name and the progress.
    """
    from inspect_tool.evidence.recovery import recover
    from inspect_tool.inspection import job_run

    recover(out)
    faults = _faults(jobs, out, quiet or as_json) if trail and len(jobs) > 1 else {}
    rows: list[tuple[str, Report | None, Path, str]] = []
    for path, name in jobs:
        if name in faults:
            rows.append((name, None, out / name, faults[name]))
            continue
        try:
            with showing_progress(name, quiet or as_json) as tell:
                report = (
                    job_run.run(
                        path,
                        out,
                        name=name,
                        workers=workers,
                        executor=machines,
                        exports=exports,
                        progress=tell,
                        trail=trail,
                    )
                    if measured is None
                    else measured(path, name, tell)
                )
            rows.append((name, report, out / name, ""))
        except InspectError as error:
            print_error(error)
            rows.append((name, None, out / name, str(error)))
    if as_json:
        print_json(rows)
    elif not quiet and any(report is not None for _, report, _, _ in rows):
        print_table(rows)
    return status_of([report for _, report, _, _ in rows])


def _machines(address: str) -> "AbstractContextManager[Cluster | None]":
    """The machines of a cluster while jobs run; None: there is none."""
    if not address:
        return nullcontext()
    from inspect_tool.batch import cluster

    return cluster.connected(address)


def _faults(jobs: list[tuple[Path, str]], out: Path, silent: bool) -> dict[str, str]:
    """Check every job before the first is measured: a slip in the last must not be found hours later."""
    from inspect_tool.inspection import job_run

    faults = {}
    for path, name in jobs:
        try:
            with showing_progress(name, silent) as tell:
                if tell is not None:
                    tell(0, 1, "checking the job and its images")
                job_run.check(path, out, name)
        except InspectError as error:
            print_error(error)
            faults[name] = str(error)
    return faults


def print_table(rows: "list[tuple[str, Report | None, Path, str]]") -> None:
    """Print what came out of jobs: name, report where there is one, its folder, else what is wrong."""
    from rich.console import Console
    from rich.table import Table

    from inspect_tool.languages import ENGLISH, Text, said
    from inspect_tool.report.build import failed_rules
    from inspect_tool.report.text import figure, quantity, relation
    from inspect_tool.report.text import filters as in_language

    used = {report.language or ENGLISH for _, report, _, _ in rows if report is not None}
    common = used.pop() if len(used) == 1 else ENGLISH  # of the heads
    table = Table(title=None, header_style="bold", pad_edge=False)
    for column in ("console.job", "words.specimen", "console.result", "console.verdict", "console.method"):
        table.add_column(said(Text(column), common))
    methods = {True: "console.conforming", False: "console.not_conforming", None: "terms.not_stated"}
    for name, report, _, _ in rows:
        if report is None:
            table.add_row(name, "", said(Text("console.no_report"), common), "", "")
            continue
        own = report.language or ENGLISH
        filters = in_language(own)
        method = said(Text(methods[report.conforming]), own)
        table.add_row(name, "", said(report.title, own), filters["term"](report.verdict), method)
        decided: dict[tuple[str, str], list[str]] = {}
        for one in report.conformities:
            decided.setdefault((one.specimen, one.quantity), []).append(filters["term"](one.decision))
        for result in report.results:
            decisions = decided.get((result.specimen, result.quantity), [])
            if not result.main and not decisions:
                continue
            printed = filters["pm"](result.value, result.expanded_u, result.unit, result.interval)
            text = f"{said(result.title or result.quantity, own)}: {printed}"
            table.add_row("", result.specimen, text, ", ".join(dict.fromkeys(decisions)), "")
        reported = {(result.specimen, result.quantity) for result in report.results}
        for one in report.conformities:
            if (one.specimen, one.quantity) not in reported:
                table.add_row("", one.specimen, said(one.reason, own), filters["term"](one.decision), "")
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(table)
    for name, report, _, _ in rows:
        for check in failed_rules(report) if report is not None else ():
            assert report is not None
            found = Text("console.nothing") if check.value is None else figure(quantity(check.value, check.unit))
            asked = figure(f"{relation(check.relation)} {quantity(check.limit, check.unit)}")
            line = Text("console.rule_not_met", job=name, name=check.name, found=found, asked=asked)
            console.print(said(line, report.language or ENGLISH), highlight=False, soft_wrap=True, markup=False)
    for _, report, folder, _ in rows:
        if report is not None:
            first = next(
                (file for file in ("report.pdf", "report.html", "report.json") if (folder / file).exists()), ""
            )
            console.print(f"{folder / first}", highlight=False, soft_wrap=True, markup=False)


def print_json(rows: "list[tuple[str, Report | None, Path, str]]") -> None:
    """Print what came out of jobs as a list of objects, see ``print_table``."""
    import json

    from inspect_tool.files import plain

    print(
        json.dumps(
            [
                {
                    "job": name,
                    "folder": str(folder) if report is not None else None,
                    "error": error or None,
                    "verdict": report.verdict if report is not None else None,
                    "conforming": report.conforming if report is not None else None,
                    "lot": plain(report.lot) if report is not None else None,
                    "results": plain(report.results) if report is not None else [],
                }
                for name, report, folder, error in rows
            ],
            ensure_ascii=False,
            indent=1,
        )
    )
