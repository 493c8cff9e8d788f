"""The command line: parse, print, show progress; decide nothing.

Only light modules are imported here; each command imports what it needs, so that help comes at once.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from inspect_tool import __version__
from inspect_tool.errors import InspectError, SettingsError

if TYPE_CHECKING:
    from inspect_tool.model import Report, Table
    from inspect_tool.report.comparison import Comparison
    from inspect_tool.verify import Verification

EXIT_PASS, EXIT_BUG, EXIT_FIX, EXIT_FAIL, EXIT_UNDECIDED = 0, 1, 2, 3, 4

app = typer.Typer(
    name="inspect-tool",
    help="Turn micrographs and X-ray images into inspection reports.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,  # plain help: loads in half the time and reads the same in a log
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class _ManyFiles(TyperCommand):
    """A command whose repeated options take several values in a row, as a shell makes of a pattern."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        names = {name for option in self.params if getattr(option, "multiple", False) for name in option.opts}
        repeated: list[str] = []
        current = ""
        for arg in args:
            if arg.startswith("-") and len(arg) > 1:
                current = arg if arg in names else ""
            elif current and repeated[-1] != current:
                repeated.append(current)
            repeated.append(arg)
        return super().parse_args(ctx, repeated)


Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")]
Workers = Annotated[int, typer.Option("--workers", "-w", min=1, help="Fields measured at the same time.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for the reports.")]


def main() -> None:
    """Entry point of ``inspect-tool``: an ``InspectError`` becomes one line and exit status 2."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a console without "µ" must not stop a run
    try:
        app(standalone_mode=True)
    except InspectError as error:
        _print_error(error)
        sys.exit(EXIT_FIX)
    except KeyboardInterrupt:
        print("stopped; nothing was written for the job in progress", file=sys.stderr)
        sys.exit(130)


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        print(f"inspect-tool {__version__}")
        raise typer.Exit


@app.command()
def run(
    jobs: Annotated[list[Path], typer.Argument(metavar="JOB...", help="Job files (TOML).")],
    out: Out = Path("reports"),
    workers: Workers = 1,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Inspect: measure the images of each job and write its report.

    Exit status: 0 every requirement passed or none was set, 3 a requirement failed, 4 undecided,
    2 something must be fixed first (one line says what), 1 a bug.
    """
    from inspect_tool.pipeline import job_names

    raise typer.Exit(_run_jobs(list(zip(jobs, job_names(jobs), strict=True)), out, workers, quiet, as_json))


@app.command()
def demo(
    out: Out = Path("inspect-demo"),
    workers: Workers = 1,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Run the four sample inspections that come with the tool."""
    from inspect_tool.paths import data_folder

    samples = sorted(data_folder("samples").glob("*/job.toml"))
    if not samples:
        msg = f"{data_folder('samples')}: no samples found; install the package again"
        raise SettingsError(msg)
    status = _run_jobs([(path, path.parent.name) for path in samples], out, workers, quiet, as_json)
    if not quiet and not as_json:
        print("your own images: inspect-tool init grain_size (or another recipe) writes a commented job file")
    raise typer.Exit(status)


@app.command()
def check(
    jobs: Annotated[list[Path], typer.Argument(metavar="JOB...", help="Job files (TOML).")],
    quiet: Quiet = False,
) -> None:
    """Check jobs without measuring: keys, files, images, scale, masks and requirements."""
    from inspect_tool import pipeline
    from inspect_tool.report.text import designation

    status = 0
    for path in jobs:
        try:
            planned = pipeline.check(path)
        except InspectError as error:
            _print_error(error)
            status = EXIT_FIX
            continue
        if not quiet:
            specimens = len({source.specimen for source in planned.sources})
            edition = designation(planned.standard.id, planned.standard.edition)
            print(
                f"{path}: ok: recipe {planned.job.recipe}, {edition}, "
                f"backend {planned.backend}, {_count(specimens, 'specimen')}, {_count(len(planned.sources), 'image')}, "
                f"{_count(len(planned.requirements), 'requirement')}"
            )
    raise typer.Exit(status)


@app.command()
def compare(
    job: Annotated[Path, typer.Argument(metavar="JOB", help="Job file (TOML); its own backend is the reference.")],
    backends: Annotated[
        list[str],
        typer.Option("--backends", "-b", help="Backends: names, NAME:key=value;key=value, or TOML files, by commas."),
    ],
    margin: Annotated[
        list[str] | None,
        typer.Option("--margin", "-m", help="QUANTITY=X, in its unit; X alone is for the main results."),
    ] = None,
    out: Out = Path("reports"),
    alpha: Annotated[float, typer.Option("--alpha", help="Risk of stating equivalence where there is none.")] = 0.05,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Compare backends on the fields of one job: differences in the measurand, and whether they agree.

    Exit status: 0 equivalent within every margin or no margin was given, 4 not shown equivalent, 3 different,
    2 something must be fixed first (one line says what), 1 a bug.
    """
    from inspect_tool import compare as comparing

    with _progress(job.stem, quiet or as_json) as tell:
        found, folder = comparing.compare(job, backends, out, margins=margin or (), alpha=alpha, progress=tell)
    if as_json:
        print((folder / "compare.json").read_text(encoding="utf-8"), end="")
    elif not quiet:
        _print_comparison(found, folder)
    raise typer.Exit(
        {"different": EXIT_FAIL, "not shown equivalent": EXIT_UNDECIDED, "not stated": EXIT_UNDECIDED}.get(
            found.verdict, EXIT_PASS
        )
    )


@app.command()
def init(
    recipe: Annotated[str, typer.Argument(help="Recipe, see: inspect-tool list recipes")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Job file to write.")] = Path("job.toml"),
) -> None:
    """Write a commented starter job for a recipe."""
    from inspect_tool.starter import starter_job

    text = starter_job(recipe, out.name)
    try:
        with out.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        msg = f"{out}: exists already and is left as it is; choose another name with --out"
        raise SettingsError(msg) from None
    except OSError as error:
        msg = f"{out}: cannot be written: {error.strerror}"
        raise SettingsError(msg) from None
    shown = f'"{out}"' if " " in str(out) else out
    print(f"{out}: written; put in the images and the scale, then:")
    print(f"  inspect-tool check {shown}")
    print(f"  inspect-tool run {shown} --out reports")


@app.command(cls=_ManyFiles)
def train(
    recipe: Annotated[str, typer.Option("--recipe", "-r", help="Recipe the model is for.")],
    images: Annotated[
        list[str], typer.Option("--images", metavar="FILES", help="Image, folder or quoted pattern; may be repeated.")
    ],
    masks: Annotated[
        list[str], typer.Option("--masks", metavar="FILES", help="Annotations of the images, paired by name.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Model folder to write.")],
    model: Annotated[str, typer.Option("--model", "-m", help="Shipped model or model folder to start from.")] = "",
    from_scratch: Annotated[bool, typer.Option("--from-scratch", help="Start from nothing.")] = False,
    classes: Annotated[str, typer.Option(help="Names of the classes, background first: matrix,carbide.")] = "",
    name: Annotated[list[str] | None, typer.Option(help="Meaning of a mask: 255=carbide, scratch=ignore.")] = None,
    masks_are: Annotated[str, typer.Option(help="grain_size: labels (a number per grain) or boundaries.")] = "auto",
    unmarked: Annotated[str, typer.Option(help="What is not marked: background or unknown.")] = "background",
    may_be_empty: Annotated[bool, typer.Option("--may-be-empty", help="Masks with nothing marked are meant.")] = False,
    validation: Annotated[list[str] | None, typer.Option(help="Image that judges; may be repeated.")] = None,
    pixel_um: Annotated[float | None, typer.Option(help="Pixel size of every image [um/px].")] = None,
    footer_px: Annotated[int, typer.Option(min=0, help="Rows at the bottom that are no image.")] = 0,
    steps: Annotated[int, typer.Option(min=1, help="Steps of the optimizer at most.")] = 1000,
    batch: Annotated[int, typer.Option(min=1, help="Crops in each step.")] = 8,
    size: Annotated[int, typer.Option(min=1, help="Side of a crop [px].")] = 256,
    upright: Annotated[bool, typer.Option("--upright", help="Images have an up and a down, as layers do.")] = False,
    rate: Annotated[float | None, typer.Option(help="Highest learning rate.")] = None,
    patience: Annotated[int, typer.Option(min=1, help="Stop after so many validations without a better score.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Of everything that is drawn.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    licence: Annotated[str, typer.Option(help="Licence of the images, for the model card.")] = "not stated",
    non_commercial: Annotated[bool, typer.Option("--non-commercial", help="No commercial use of the images.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that did not end.")] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Train a network on annotated images of your own; the result is a model folder for backend unet."""
    import json

    from inspect_tool.training import request

    asked = request.checked_request(
        {
            "recipe": recipe,
            "images": images,
            "masks": masks,
            "out": out,
            "model": model,
            "from_scratch": from_scratch,
            "classes": request.class_names(classes),
            "names": request.name_table(name or []),
            "masks_are": masks_are,
            "unmarked": unmarked,
            "may_be_empty": may_be_empty,
            "validation": validation,
            "pixel_um": pixel_um,
            "footer_px": footer_px,
            "steps": steps,
            "batch": batch,
            "size_px": size,
            "upright": upright,
            "rate": rate,
            "patience": patience,
            "seed": seed,
            "device": device,
            "licence": licence,
            "commercial": not non_commercial,
            "resume": resume,
        }
    )
    try:
        with _progress(out.name, quiet or as_json, only_news=True) as tell:
            trained = request.run(asked, tell)
    except KeyboardInterrupt:
        print("stopped; the same command with --resume goes on from the last validation", file=sys.stderr)
        raise typer.Exit(130) from None
    if as_json:
        print(json.dumps(request.outcome(trained), ensure_ascii=False, indent=1))
    elif not quiet:
        print("\n".join(request.summary(trained)))


@app.command(cls=_ManyFiles)
def score(
    recipe: Annotated[str, typer.Option("--recipe", "-r", help="Recipe whose quantities are compared.")],
    truth: Annotated[
        list[str], typer.Option("--truth", metavar="FILES", help="Annotations, paired with the images by name.")
    ],
    predicted: Annotated[
        list[str] | None, typer.Option("--predicted", metavar="FILES", help="Masks to judge; or give a backend.")
    ] = None,
    images: Annotated[
        list[str] | None, typer.Option("--images", metavar="FILES", help="Images: for a backend, and for the scale.")
    ] = None,
    backend: Annotated[str, typer.Option("--backend", "-b", help="Backend to judge, see: list backends.")] = "",
    model: Annotated[str, typer.Option("--model", "-m", help="Shipped model or model folder of the backend.")] = "",
    set_: Annotated[list[str] | None, typer.Option("--set", help="Setting of the backend: threshold=0.4.")] = None,
    recipe_set: Annotated[list[str] | None, typer.Option(help="Setting of the recipe: method=heyn.")] = None,
    standard: Annotated[str, typer.Option(help="Edition, see: list standards.")] = "",
    classes: Annotated[str, typer.Option(help="Names of the classes, background first: matrix,carbide.")] = "",
    name: Annotated[list[str] | None, typer.Option(help="Meaning of a mask: 255=carbide, scratch=ignore.")] = None,
    kind: Annotated[str, typer.Option(help="Masks hold: semantic (classes) or instance (objects).")] = "auto",
    masks_are: Annotated[str, typer.Option(help="binary, labels, classes or boundaries.")] = "auto",
    unmarked: Annotated[str, typer.Option(help="What is not marked: background or unknown.")] = "background",
    may_be_empty: Annotated[bool, typer.Option("--may-be-empty", help="Masks with nothing marked are meant.")] = False,
    pixel_um: Annotated[float | None, typer.Option(help="Pixel size of every image [um/px].")] = None,
    footer_px: Annotated[int, typer.Option(min=0, help="Rows at the bottom that are no image.")] = 0,
    tolerance_px: Annotated[float, typer.Option(min=0, help="Boundaries this near are the same [px].")] = 2.0,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for score.json, .csv and .html.")] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Judge masks or a backend against annotated images: in pixels, objects and what the recipe measures."""
    import json

    from inspect_tool.training import request, score_files
    from inspect_tool.training import score as scoring

    asked = scoring.checked_request(
        {
            "recipe": recipe,
            "truth": truth,
            "predicted": predicted,
            "images": images,
            "backend": backend,
            "backend_settings": scoring.setting_table(set_ or []) | ({"model": model} if model else {}),
            "classes": request.class_names(classes),
            "kind": kind,
            "marks": {
                "names": request.name_table(name or []),
                "blank": unmarked,
                "mask": masks_are,
                "may_be_empty": may_be_empty,
            },
            "settings": scoring.setting_table(recipe_set or [], "--recipe-set"),
            "standard": standard,
            "pixel_um": pixel_um,
            "footer_px": footer_px,
            "tolerance_px": tolerance_px,
            "picture_px": 640 if out is not None else 0,
        }
    )
    with _progress("score", quiet or as_json) as tell:
        scores = scoring.score(asked, tell)
    page = score_files.write(scores, out) if out is not None else None
    if as_json:
        print(json.dumps(score_files.as_data(scores), ensure_ascii=False, indent=1))
    elif not quiet:
        _print_scores(score_files.tables(scores), (score_files.boundary_line(scores), *scores.notes), page)


@app.command()
def verify(
    report: Annotated[Path, typer.Argument(metavar="REPORT", help="The PDF, report.json, or the folder of a report.")],
    images: Annotated[
        Path | None, typer.Option(help="Folder with the images: compare their hashes and segment them again.")
    ] = None,
    template: Annotated[Path | None, typer.Option(help="Folder of your own template, where there is one.")] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Verify a report: recompute its numbers from the masks it carries and compare everything it says.

    Exit status: 0 verified, 3 something differs (each difference is named), 2 it cannot be read or recomputed.
    """
    import json

    from inspect_tool.files import plain
    from inspect_tool.verify import verify as verified

    with _progress(report.name, quiet or as_json) as tell:
        found = verified(report, images=images, template=template, progress=tell)
    if as_json:
        print(json.dumps(plain(found), ensure_ascii=False, indent=1))
    elif not quiet or not found.verified:
        _print_verification(found)
    raise typer.Exit(EXIT_PASS if found.verified else EXIT_FAIL)


@app.command(name="list")
def list_(
    kind: Annotated[
        str,
        typer.Argument(help="recipes, backends, models, standards, readers, exporters, templates, quantities or units"),
    ],
) -> None:
    """List what there is of one kind."""
    from inspect_tool.starter import listing

    for name, text in listing(kind):
        print(f"{name:<34}{text}".rstrip())


# ------------------------------------------------------------------------------------------------ printing


def _run_jobs(jobs: list[tuple[Path, str]], out: Path, workers: int, quiet: bool, as_json: bool) -> int:
    """Run jobs one after the other, print what came out, and return the exit status."""
    from inspect_tool import pipeline

    rows: list[tuple[str, Report | None, Path, str]] = []
    for path, name in jobs:
        try:
            with _progress(name, quiet or as_json) as tell:
                report = pipeline.run(path, out, name=name, workers=workers, progress=tell)
            rows.append((name, report, out / name, ""))
        except InspectError as error:
            _print_error(error)
            rows.append((name, None, out / name, str(error)))
    if as_json:
        _print_json(rows)
    elif not quiet and any(report is not None for _, report, _, _ in rows):
        _print_table(rows)
    return _status([report for _, report, _, _ in rows])


def _status(reports: "list[Report | None]") -> int:
    """Exit status of several jobs: the gravest first."""
    verdicts = ["fix" if report is None else report.verdict for report in reports]
    for verdict, status in (("fix", EXIT_FIX), ("fail", EXIT_FAIL), ("undecided", EXIT_UNDECIDED)):
        if verdict in verdicts:
            return status
    return EXIT_PASS


@contextmanager
def _progress(name: str, silent: bool, only_news: bool = False) -> "Iterator[Callable[[int, int, str], None] | None]":
    """Show a bar on a terminal, plain lines in a log (``only_news``: where the text is new), nothing when silent."""
    if silent:
        yield None
    elif sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns: tuple[Any, ...] = (
            TextColumn("{task.fields[job]:<16}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
        )
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("reading the job", total=None, job=name)
            yield lambda done, total, text: bar.update(task, completed=done, total=total, description=text)
    else:
        last = ""

        def tell(done: int, total: int, text: str) -> None:
            nonlocal last
            if text != last or not only_news:
                print(f"{name}: {done}/{total} {text}", file=sys.stderr, flush=True)
            last = text

        yield tell


def _print_error(error: InspectError) -> None:
    line = " ".join(str(error).split())
    print(f"{type(error).__name__}: {line}", file=sys.stderr)


def _print_table(rows: "list[tuple[str, Report | None, Path, str]]") -> None:
    from rich.console import Console
    from rich.table import Table

    from inspect_tool.report.build import failed_rules
    from inspect_tool.report.text import pm, quantity, relation

    table = Table(title=None, header_style="bold", pad_edge=False)
    for column in ("Job", "Specimen", "Result (95 %)", "Verdict", "Method"):
        table.add_column(column)
    for name, report, _, _ in rows:
        if report is None:
            table.add_row(name, "", "no report: see the message above", "", "")
            continue
        method = "conforming" if report.conforming else "NOT conforming"
        for result in [result for result in report.results if result.main]:
            text = f"{result.title or result.quantity}: {pm(result.value, result.expanded_u, result.unit)}"
            table.add_row(name, result.specimen, text, report.verdict, method)
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(table)
    for name, report, _, _ in rows:
        for check in failed_rules(report) if report is not None else ():
            found = "nothing" if check.value is None else quantity(check.value, check.unit)
            asked = f"{relation(check.relation)} {quantity(check.limit, check.unit)}"
            line = f"{name}: rule of the method not met: {check.name}: found {found}, asked {asked}"
            console.print(line, highlight=False, soft_wrap=True, markup=False)
    for _, report, folder, _ in rows:
        if report is not None:
            first = next(
                (file for file in ("report.pdf", "report.html", "report.json") if (folder / file).exists()), ""
            )
            console.print(f"{folder / first}", highlight=False, soft_wrap=True, markup=False)


_SHOWN = 12  # differences of one part that are printed


def _print_verification(found: "Verification") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=None, header_style="bold", pad_edge=False)
    for column in ("Part", "Result", "What was looked at"):
        table.add_column(column)
    shown: dict[tuple[str, str], int] = {}
    for item in found.findings:
        number = shown[item.part, item.state] = shown.get((item.part, item.state), 0) + 1
        if number <= _SHOWN:
            table.add_row(item.part, item.state.upper() if item.state == "differs" else item.state, escape(item.text))
    for (part, state), number in shown.items():
        if number > _SHOWN:
            table.add_row(part, state, f"and {number - _SHOWN} more; --json names all")
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(table)
    verdict = "verified" if found.verified else "DOES NOT VERIFY"
    console.print(f"{found.report}: {verdict}", highlight=False, markup=False)


def _print_comparison(found: "Comparison", folder: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    from inspect_tool.report.comparison import difference_text, difference_unit
    from inspect_tool.report.text import as_given, unit

    table = Table(title=None, header_style="bold", pad_edge=False)
    for column in ("Quantity", "Backend", "Fields", "Difference (95 %)", "Margin", "Verdict"):
        table.add_column(column)
    for pair in found.pairs:
        margin = pair.equivalence.margin
        if not pair.main and margin is None:
            continue
        count = str(pair.agreement.n if pair.agreement is not None else 0)
        asked = "" if margin is None else f"± {as_given(margin)} {unit(difference_unit(pair.unit))}"
        verdict = pair.equivalence.decision if margin is not None else "no margin"
        table.add_row(pair.title, pair.other, count, difference_text(pair), asked, verdict)
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(f"reference: {found.candidates[0].label}", highlight=False, markup=False)
    console.print(table)
    for pair in found.pairs:
        if pair.equivalence.margin is not None and pair.equivalence.decision != "equivalent":
            line = f"{pair.quantity}, {pair.other}: {pair.equivalence.decision}: {pair.equivalence.reason}"
            console.print(line, highlight=False, soft_wrap=True, markup=False)
    for warning in found.warnings:
        console.print(f"note: {warning}", highlight=False, soft_wrap=True, markup=False)
    first = next(name for name in ("compare.pdf", "compare.html", "compare.json") if (folder / name).exists())
    console.print(f"{folder / first}", highlight=False, soft_wrap=True, markup=False)


def _print_scores(tables: "tuple[Table, ...]", lines: tuple[str, ...], page: Path | None) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table as Grid

    console = Console(width=None if sys.stdout.isatty() else 140)
    for table in tables:
        grid = Grid(title=table.title, title_justify="left", header_style="bold", pad_edge=False)
        for i, column in enumerate(table.columns):
            grid.add_column(escape(column), justify="left" if i == 0 else "right")
        for row in table.rows:
            grid.add_row(*("" if cell is None else escape(str(cell)) for cell in row))
        console.print(grid)
    for line in (*lines, *([str(page)] if page is not None else [])):
        console.print(line, highlight=False, soft_wrap=True, markup=False)


def _print_json(rows: "list[tuple[str, Report | None, Path, str]]") -> None:
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
                    "results": plain(report.results) if report is not None else [],
                }
                for name, report, folder, error in rows
            ],
            ensure_ascii=False,
            indent=1,
        )
    )


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"
