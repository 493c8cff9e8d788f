"""The command line: parse, print, show progress; decide nothing.

Only light modules are imported here; each command imports what it needs, so that help comes at once.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from inspect_tool import __version__
from inspect_tool.errors import InspectError, OutputError, ReadError, SettingsError

if TYPE_CHECKING:
    from inspect_tool.inspection.preview import Preview
    from inspect_tool.model import Report, Table
    from inspect_tool.studies.comparison.page import Comparison
    from inspect_tool.studies.gauge.page import GaugeReport
    from inspect_tool.studies.golden import GoldenCheck
    from inspect_tool.studies.selftest.page import SelfTest
    from inspect_tool.verify.verify import Verification

EXIT_PASS, EXIT_BUG, EXIT_FIX, EXIT_FAIL, EXIT_UNDECIDED = 0, 1, 2, 3, 4

app = typer.Typer(
    name="inspect-tool",
    help="Turn micrographs and X-ray images into inspection reports.",
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
    sys.stdout, sys.stderr = _reliable(sys.stdout), _reliable(sys.stderr)
    status: str | int | None = EXIT_FIX
    try:
        with _stoppable():
            app(standalone_mode=True)
    except SystemExit as ended:
        status = ended.code
    except InspectError as error:
        _print_error(error)
    except _Stopped as stopped:
        print(f"stopped by {stopped.name}; the job in progress left nothing half written", file=sys.stderr)
        status = 128 + stopped.number
    except OSError as error:
        if error.filename is None:
            raise
        _print_error(ReadError(f"{error.filename}: {error.strerror}"))  # a name too long, a file that vanished
    try:
        sys.stdout.flush()
    except OutputError as error:
        _print_error(error)
        status = EXIT_FIX
    sys.exit(status)


class _Stream(TextIOWrapper):
    """Standard output or error: a full disk, or a pipe that nobody reads, is one line and no traceback."""

    def write(self, text: str) -> int:
        with self._delivered():
            super().write(text)
        return len(text)

    def flush(self) -> None:
        with self._delivered():
            super().flush()

    @contextmanager
    def _delivered(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())  # what is still to come, up to the last flush of the interpreter
            os.close(nowhere)
            if self.name != "<stderr>":  # without messages the exit status is still right
                msg = f"standard output: {error.strerror}; what was printed is not complete, send it elsewhere"
                raise OutputError(msg) from None


def _reliable(stream: Any) -> Any:
    """The stream of a console, a pipe or a file with its faults told; one of a test as it is."""
    if stream is None:  # closed: what is printed goes nowhere, and not into the next file that is opened
        return Path(os.devnull).open("w", encoding="utf-8")
    if type(stream) is not TextIOWrapper:
        return stream
    lines, through, encoding = stream.line_buffering, stream.write_through, stream.encoding
    # a console without "µ" must not stop a run
    return _Stream(stream.detach(), encoding, "replace", line_buffering=lines, write_through=through)


class _Stopped(BaseException):
    """Somebody ended the program; not a KeyboardInterrupt, which Typer takes for itself."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.name = signal.Signals(number).name


@contextmanager
def _stoppable() -> "Iterator[None]":
    """Let Ctrl-C, SIGTERM and the end of a terminal unwind the program; what is ignored (nohup) stays so."""

    def stop(number: int, _: object) -> None:
        raise _Stopped(number)

    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        print(f"inspect-tool {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(_FIRST_STEPS)


_FIRST_STEPS = """\
inspect-tool turns micrographs and X-ray images into inspection reports. First steps:

  inspect-tool demo              run the four sample inspections and look at their reports
  inspect-tool init              answer a few questions, get a job file for your own images
  inspect-tool check job.toml    is all there? With --preview FOLDER: see what will be measured
  inspect-tool run job.toml      measure, and write the report

All commands: inspect-tool --help. One of them: inspect-tool run --help."""


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
    from inspect_tool.inspection.job_plan import job_names

    raise typer.Exit(_run_jobs(list(zip(jobs, job_names(jobs), strict=True)), out, workers, quiet, as_json))


@app.command()
def demo(
    out: Out = Path("inspect-demo"),
    workers: Workers = 1,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Run the four sample inspections that come with the tool.

    Where the library that lays out PDF pages is missing, the other files of a report are written, and the last line
    says how to get it.
    """
    from inspect_tool import registry
    from inspect_tool.paths import data_folder

    samples = sorted(data_folder("samples").glob("*/job.toml"))
    if not samples:
        msg = f"{data_folder('samples')}: no samples found; install the package again"
        raise SettingsError(msg)
    exports, lacking = None, ""
    try:
        registry.load("exporter", "pdf")
    except OutputError as error:
        exports, lacking = ("json", "html", "csv"), str(error)
    jobs = [(path, path.parent.name) for path in samples]
    status = _run_jobs(jobs, out, workers, quiet, as_json, exports=exports, trail=False)
    if not quiet and not as_json:
        print("your own images: inspect-tool init grain_size (or another recipe) writes a commented job file")
    if lacking:
        print(f"no report.pdf was written: {lacking}", file=sys.stderr)
    raise typer.Exit(status)


@app.command()
def check(
    jobs: Annotated[list[Path], typer.Argument(metavar="JOB...", help="Job files (TOML).")],
    preview: Annotated[
        Path | None, typer.Option("--preview", help="Folder for a picture of each field: what will be measured.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Check jobs without measuring: keys, files, images, scale, masks and requirements."""
    from inspect_tool.inspection import job_plan, job_run
    from inspect_tool.standards.editions import designation

    status = 0
    for path, name in zip(jobs, job_plan.job_names(jobs), strict=True):
        try:
            planned = job_run.check(path)
            pictures: tuple[Preview, ...] = ()
            if preview is not None:
                from inspect_tool.inspection.preview import preview as previewed

                with _progress(name, quiet) as tell:
                    pictures = previewed(planned, preview / name, tell)
        except InspectError as error:
            _print_error(error)
            status = EXIT_FIX
            continue
        if not quiet:
            specimens = len({source.specimen for source in planned.sources})
            edition = designation(planned.standard)
            print(
                f"{path}: ok: recipe {planned.job.recipe}, {edition}, "
                f"backend {planned.backend}, {_count(specimens, 'specimen')}, {_count(len(planned.sources), 'image')}, "
                f"{_count(len(planned.requirements), 'requirement')}"
            )
            for line in job_plan.scale_lines(planned):
                print(f"  scale: {line}")
            for line in (*planned.criteria.conflicts, *planned.criteria.agreements):
                print(f"  criteria: {line}")
            for shown in pictures:
                print(f"  {shown.image}: {'; '.join(shown.lines)}")
                print(f"    {shown.picture}")
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
    from inspect_tool.studies.comparison import compare as comparing

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


@app.command(cls=_ManyFiles)
def calibrate(
    image: Annotated[Path | None, typer.Argument(metavar="[IMAGE]", help="Image with a scale bar burned in.")] = None,
    line: Annotated[str, typer.Option(help="By hand: column and row of both ends, x1,y1,x2,y2 [px].")] = "",
    length: Annotated[str, typer.Option(help="By hand: what the line stands for, e.g. 200um.")] = "",
    page: Annotated[int | None, typer.Option(min=0, help="Page of a file with several, from 0.")] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Bar: PNG that shows what was read. Micrometer: folder for file and report."),
    ] = None,
    stage_micrometer: Annotated[
        list[Path] | None,
        typer.Option("--stage-micrometer", metavar="FILES", help="Images of it along x and y, or of a grid."),
    ] = None,
    pitch: Annotated[str, typer.Option(help="Distance of neighboring lines, the short ones counted: 10um.")] = "",
    pixel: Annotated[
        float | None, typer.Option(help="Pixel size that is expected [um/px]; another is refused.")
    ] = None,
    square_pixels: Annotated[bool, typer.Option("--square-pixels", help="Known: one axis is enough.")] = False,
    laboratory: Annotated[str, typer.Option(help="For the report.")] = "",
    instrument: Annotated[str, typer.Option(help="Name by which jobs find the file.")] = "",
    objective: Annotated[str, typer.Option(help="And the objective.")] = "",
    zoom: Annotated[float | None, typer.Option(help="Factor of the zoom.")] = None,
    binning: Annotated[int | None, typer.Option(min=1, help="Of the camera.")] = None,
    camera: Annotated[str, typer.Option(help="For the report.")] = "",
    reference: Annotated[str, typer.Option(help="The micrometer and its number.")] = "",
    certificate: Annotated[str, typer.Option(help="Of the micrometer.")] = "",
    u_certificate: Annotated[str, typer.Option(help="Its standard uncertainty U/2 of the length seen: 0.15um.")] = "",
    issued: Annotated[str, typer.Option(help="Date of the certificate, YYYY-MM-DD.")] = "",
    due: Annotated[str, typer.Option(help="Last day of use, YYYY-MM-DD.")] = "",
    operator: Annotated[str, typer.Option(help="Who took the images.")] = "",
    date: Annotated[str, typer.Option("--date", help="Of the calibration, YYYY-MM-DD; default today.")] = "",
    template: Annotated[str, typer.Option(help="Template folder: colors, fonts and logo.")] = "inspection",
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Read the scale bar of an image, or measure the pixel size on images of a stage micrometer or pitch grid.

    A bar gives um per pixel with its uncertainty and the block for a job; a micrometer a calibration file and its
    report. Exit status: 0 read, 2 refused, with one line that says what was seen.
    """
    if stage_micrometer:
        if image is not None or line or length or page is not None or as_json:
            msg = "--stage-micrometer stands beside what is for a scale bar; give one of them"
            raise SettingsError(msg)
        if not pitch or out is None:
            msg = "--stage-micrometer needs --pitch (distance of its lines, e.g. 10um) and --out (folder)"
            raise SettingsError(msg)
        from inspect_tool.studies.micrometer import stage_micrometer as micrometer

        asked = micrometer.checked_request(
            {
                "pitch": pitch,
                "expected_um": pixel,
                "square": square_pixels,
                "laboratory": laboratory,
                "instrument": instrument,
                "objective": objective,
                "zoom": zoom,
                "binning": binning,
                "camera": camera,
                "reference": reference,
                "certificate": certificate,
                "u_certificate": u_certificate,
                "issued": issued,
                "due": due,
                "operator": operator,
                "made": date,
            }
        )
        calibrated = micrometer.calibrate(stage_micrometer, asked, out, template)
        if not quiet:
            written = [str(out / "calibration.toml"), str(out / "calibration.pdf")]
            print("\n".join([*micrometer.summary(calibrated), *written]))
        return
    if image is None:
        msg = "give an image with a scale bar, or --stage-micrometer FILES --pitch 10um --out FOLDER"
        raise SettingsError(msg)
    import json

    from inspect_tool.model import Selection
    from inspect_tool.studies import scale_bar

    reading = scale_bar.measure(image, which=Selection(page=page), line=line, length=length, out=out)
    if as_json:
        print(json.dumps(scale_bar.as_data(reading, image), ensure_ascii=False, indent=1))
    scale_bar.check_read(reading, image)
    if not (as_json or quiet):
        print("\n".join(scale_bar.summary(reading, image, out)))


@app.command()
def gauge(
    inputs: Annotated[
        list[Path],
        typer.Argument(metavar="STUDY...", help="CSV file, study file (TOML), or jobs and report.json files."),
    ],
    out: Out = Path("reports"),
    method: Annotated[str | None, typer.Option("--method", help="anova or range (average and range).")] = None,
    nested: Annotated[bool, typer.Option("--nested", help="Every appraiser has parts of his own.")] = False,
    type1: Annotated[bool, typer.Option("--type1", help="One part of known value: Cg, Cgk, bias.")] = False,
    quantity: Annotated[str | None, typer.Option(help="Result of the reports, see: list quantities.")] = None,
    unit: Annotated[str | None, typer.Option(help="Unit of a CSV file that does not state it.")] = None,
    tolerance: Annotated[float | None, typer.Option(help="Upper less lower limit, in the unit of the values.")] = None,
    lower: Annotated[float | None, typer.Option(help="Lower limit; with --upper, in place of --tolerance.")] = None,
    upper: Annotated[float | None, typer.Option(help="Upper limit.")] = None,
    reference: Annotated[float | None, typer.Option(help="Type 1: known value of the part.")] = None,
    resolution: Annotated[float | None, typer.Option(help="Type 1: smallest step of the gauge.")] = None,
    criteria: Annotated[
        str | None,
        typer.Option(help="By commas: study, tolerance, ndc; type 1: cg, cgk, resolution; or none. Default: all."),
    ] = None,
    standard: Annotated[str | None, typer.Option(help="Edition or file with constants and limits.")] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Judge the gauge: repeatability and reproducibility of a study with parts, appraisers and trials.

    Exit status: 0 acceptable or no criterion was asked, 4 conditional, 3 not acceptable,
    2 something must be fixed first (one line says what), 1 a bug.
    """
    from inspect_tool.studies.gauge import gauge as gauging

    options = {
        "method": method,
        "nested": nested or None,
        "type1": type1 or None,
        "quantity": quantity,
        "unit": unit,
        "tolerance": tolerance,
        "lower": lower,
        "upper": upper,
        "reference": reference,
        "resolution": resolution,
        "criteria": criteria,
        "standard": standard,
    }
    with _progress(inputs[0].stem, quiet or as_json) as tell:
        given = {name: value for name, value in options.items() if value is not None}
        found, folder = gauging.gauge(inputs, out, given, progress=tell)
    if as_json:
        print((folder / "gauge.json").read_text(encoding="utf-8"), end="")
    elif not quiet:
        _print_gauge(found, folder)
    raise typer.Exit({"not acceptable": EXIT_FAIL, "conditional": EXIT_UNDECIDED}.get(found.verdict, EXIT_PASS))


@app.command()
def init(
    recipe: Annotated[str, typer.Argument(help="Recipe, see: inspect-tool list recipes. On a terminal: asked.")] = "",
    out: Annotated[Path, typer.Option("--out", "-o", help="Job file to write.")] = Path("job.toml"),
    blank: Annotated[bool, typer.Option("--blank", help="Ask nothing; images and scale are put in later.")] = False,
) -> None:
    """Write a commented job for a recipe; on a terminal, images, scale and limit are asked for and the job runs."""
    from inspect_tool import registry
    from inspect_tool.folders import new_file
    from inspect_tool.inspection import questions
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
    answers = Answers()
    if asks:
        recipe = recipe or questions.recipe(_ask, print)
        answers = questions.answers(recipe, out.parent, _ask, print)
    new_file(out, starter_job(recipe, out.name, answers).encode())
    shown = f'"{out}"' if " " in str(out) else out
    print(f"{out}: written; {'look it through' if asks else 'put in the images and the scale'}, then:")
    print(f"  inspect-tool check {shown}")
    print(f"  inspect-tool run {shown} --out reports")


def _ask(question: str, default: str) -> str:
    return str(typer.prompt(question, default=default, show_default=bool(default)))


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
    except _Stopped:
        print("the same command with --resume goes on from the last validation", file=sys.stderr)
        raise
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

    from inspect_tool import folders
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
    if out is not None:
        folders.check(out)
    with _progress("score", quiet or as_json) as tell:
        scores = scoring.score(asked, tell)
    page = score_files.write(scores, out) if out is not None else None
    if as_json:
        print(json.dumps(score_files.as_data(scores), ensure_ascii=False, indent=1))
    elif not quiet:
        _print_scores(score_files.tables(scores), (score_files.boundary_line(scores), *scores.notes), page)


@app.command(cls=_ManyFiles)
def validate(
    job: Annotated[Path, typer.Argument(metavar="JOB", help="Job file (TOML) with the images and the backend.")],
    truth: Annotated[
        list[str], typer.Option("--truth", metavar="MASKS", help="Masks, one per image in the order of the images.")
    ],
    person: Annotated[str, typer.Option("--person", help="Who drew the masks.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Validation file to write (TOML).")],
    parents: Annotated[
        Path | None, typer.Option("--parents", help="Table (CSV): image,parent,group; one parent counts once.")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="Name of the set of images; default: that of the job.")] = "",
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Compare the backend of a job with masks of a person, and keep its errors for the budgets of later jobs."""
    import json

    from inspect_tool import folders
    from inspect_tool.evidence.provenance import now
    from inspect_tool.files import plain
    from inspect_tool.studies.validation import measure, summary
    from inspect_tool.validation.values import dump_validation

    if not person.strip():
        msg = "--person: is empty; the report prints who drew the masks"
        raise SettingsError(msg)
    if out.suffix != ".toml" or out.is_dir() or not out.absolute().parent.is_dir():
        msg = f"--out {out}: must be a file that ends in .toml, in a folder that exists"
        raise SettingsError(msg)
    folders.check_new_file(out)
    machine, by_hand = measure.plans_of(job, truth)
    images = [source.name for source in machine.sources]
    labels = measure.read_labels(parents, images) if parents is not None else {}
    with _progress("validate", quiet or as_json) as tell:
        made = measure.validate(
            machine,
            by_hand,
            name=name or job.stem,
            person=person.strip(),
            date=now().date(),
            labels=labels,
            tell=None if tell is None else lambda done, image: tell(done, len(images), image),
        )
    folders.new_file(out, dump_validation(made).encode())
    if as_json:
        print(json.dumps(plain(summary.summaries(made)), ensure_ascii=False, indent=1))
    elif not quiet:
        line = f'name it in a job, above its first table: validation = "{out.name}" (relative to the job file)'
        _print_scores(summary.tables(made), (line,), out)


@app.command()
def selftest(
    pixel_um: Annotated[float | None, typer.Option(help="The laboratory's pixel size [um/px].")] = None,
    backend: Annotated[str, typer.Option("--backend", "-b", help="Instead of the default of each recipe.")] = "",
    recipe: Annotated[list[str] | None, typer.Option("--recipe", "-r", help="Recipe; may be repeated.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="Setting of the backend: threshold=0.4.")] = None,
    golden: Annotated[Path | None, typer.Option(help="Golden images of the laboratory, see: golden record.")] = None,
    criteria: Annotated[Path | None, typer.Option(help="Criteria of the laboratory's own (TOML).")] = None,
    laboratory: Annotated[str, typer.Option(help="Name for the report.")] = "",
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")] = Path("selftest"),
    quick: Annotated[bool, typer.Option("--quick", help="Fewer phantoms: a look, not a validation.")] = False,
    workers: Annotated[int, typer.Option("--workers", "-w", min=1, help="Phantoms measured at the same time.")] = 2,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Does the method work here? Measure drawn images of known truth and judge bias, coverage, linearity ...

    Exit status: 0 every criterion that applies is met, 3 one is not met, 2 something must be fixed first, 1 a bug.
    """
    from inspect_tool.studies.selftest import phantoms
    from inspect_tool.studies.selftest import selftest as testing
    from inspect_tool.training.score import setting_table

    with _progress("selftest", quiet or as_json) as tell:
        found = testing.selftest(
            out,
            recipes=recipe or (),
            backend=backend,
            settings=setting_table(set_ or []),
            pixel_um=pixel_um,
            kit=phantoms.QUICK if quick else phantoms.FULL,
            criteria=criteria,
            golden_folder=golden,
            laboratory=laboratory,
            workers=workers,
            progress=tell,
        )
    if as_json:
        print((out / "selftest.json").read_text(encoding="utf-8"), end="")
    elif not quiet:
        _print_selftest(found, out)
    raise typer.Exit(EXIT_PASS if found.verdict == "criteria met" else EXIT_FAIL)


golden_app = typer.Typer(
    name="golden", help="Keep the results of your own images, and compare with them later.", no_args_is_help=True
)
app.add_typer(golden_app)


@golden_app.command("record")
def golden_record(
    jobs: Annotated[list[Path], typer.Argument(metavar="JOB...", help="Job files (TOML).")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")],
    copy: Annotated[bool, typer.Option("--copy", help="Copy jobs and images into the folder.")] = False,
    quiet: Quiet = False,
) -> None:
    """Measure jobs and keep results, uncertainties, hashes of masks, weights and versions as the expected ones."""
    from inspect_tool.studies import golden

    with _progress("golden", quiet) as tell:
        made = golden.record(jobs, out, copy=copy, progress=tell)
    if not quiet:
        results = sum(len(job.results) for job in made.jobs)
        print(f"{out / golden.FILE}: {_count(len(made.jobs), 'job')}, {_count(results, 'result')}; later:")
        print(f"  inspect-tool golden check {out}")


@golden_app.command("check")
def golden_check(
    folder: Annotated[Path, typer.Argument(help="Folder of golden record.")],
    tolerance: Annotated[
        list[str] | None, typer.Option("--tolerance", "-t", help="Share of the recorded U, or QUANTITY=X in its unit.")
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Measure the recorded jobs again: what has a change of version, weights, settings or device done to the results?

    Exit status: 0 every result within its tolerance, 3 one beyond it, 2 an image is missing or changed, 1 a bug.
    """
    import json

    from inspect_tool.files import plain
    from inspect_tool.studies import golden

    with _progress("golden", quiet or as_json) as tell:
        found = golden.check(folder, tolerances=tolerance or (), progress=tell)
    if as_json:
        print(json.dumps(plain(found), ensure_ascii=False, indent=1))
    elif not quiet:
        _print_golden(found)
    raise typer.Exit(EXIT_PASS if found.verdict == "within tolerance" else EXIT_FAIL)


class _WithDefault(TyperGroup):
    """A group that is itself its first command: what is not the name of another one is an argument of that."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        named = args and args[0] in {*self.commands, "-h", "--help"}
        return super().parse_args(ctx, args if named else [next(iter(self.commands)), *args])


edit_app = typer.Typer(
    name="edit", help="Correct a segmentation by hand; take a correction back, or give it up.", cls=_WithDefault
)
app.add_typer(edit_app)
Reason = Annotated[str, typer.Option(help="Why, in a few words.")]
By = Annotated[str, typer.Option(help="Name of the person who does it.")]


@edit_app.command("record")
def edit(
    job: Annotated[Path, typer.Argument(metavar="JOB", help="Job file (TOML).")],
    field: Annotated[int | None, typer.Option(min=1, help="Number of the field within its specimen.")] = None,
    image: Annotated[str, typer.Option(help="Name of the image, where the number does not tell.")] = "",
    mask: Annotated[Path | None, typer.Option(help="Corrected mask, from any editor.")] = None,
    reason: Reason = "",
    by: By = "",
    export: Annotated[
        Path | None, typer.Option(help="Write what is measured now, to correct it, and record nothing (.png, .ora).")
    ] = None,
    kind: Annotated[
        str, typer.Option("--as", help="Of --export: labels (numbers), overlay (color picture to paint on) or layers.")
    ] = "auto",
    out: Out = Path("reports"),
    quiet: Quiet = False,
) -> None:
    """Record a corrected segmentation of one field in the ledger of edits that lies beside the job.

    The next run measures it and reports who changed what, why, and every main result before and after.
    """
    from inspect_tool.evidence import edits
    from inspect_tool.inspection import correct

    if (export is None) == (mask is None):
        msg = "edit: give --mask with the corrected mask, or --export with a file to write the present one to"
        raise SettingsError(msg)
    if export is not None:
        brushes = correct.export(job, export, field=field, image=image, kind=kind)
        if not quiet:
            print("\n".join(f"paint with {brush}" for brush in brushes))
            print(f"{export}: correct it in any editor, then: inspect-tool edit {job} ... --mask {export}")
        return
    assert mask is not None
    made = correct.correct(job, mask, reason=reason, by=by, field=field, image=image, out=out)
    if not quiet:
        objects = f"{made.objects_added} added, {made.objects_removed} removed, {made.objects_changed} changed"
        print(f"{edits.folder_of(job) / edits.text_name(made)}: {made.image}: {made.changed_px} px; objects: {objects}")


@edit_app.command("undo")
def edit_undo(
    job: Annotated[Path, typer.Argument(metavar="JOB", help="Job file (TOML).")],
    number: Annotated[
        int | None, typer.Argument(metavar="[NUMBER]", help="Of the edit; default: the last that is in force.")
    ] = None,
    reason: Reason = "",
    by: By = "",
    out: Out = Path("reports"),
    quiet: Quiet = False,
) -> None:
    """Take an edit back by a new entry of the ledger; later edits of other pixels stay."""
    from inspect_tool.evidence import edits
    from inspect_tool.inspection import correct

    made = correct.undo(job, number, reason=reason, by=by, out=out)
    if not quiet:
        print(f"{edits.folder_of(job) / edits.text_name(made)}: {made.image}: takes edit {made.undoes} back")


@edit_app.command("withdraw")
def edit_withdraw(
    job: Annotated[Path, typer.Argument(metavar="JOB", help="Job file (TOML).")],
    first: Annotated[int, typer.Option("--from", min=1, help="Number of the first edit that is given up.")] = 1,
    reason: Reason = "",
    by: By = "",
    out: Out = Path("reports"),
    quiet: Quiet = False,
) -> None:
    """Give up edits whose ledger is damaged or lost: the files are moved aside, and the audit trail says why."""
    from inspect_tool.inspection import correct

    moved = correct.withdraw(job, first, reason=reason, by=by, out=out)
    if not quiet:
        where = f"{Path(moved[0]).parent}" if moved else "nothing was left of them"
        print(f"{job}: edits from {first} on are given up ({where}); recorded in the audit trail of {out}")


@app.command()
def referee(
    job: Annotated[Path, typer.Argument(metavar="JOB", help="Job file (TOML).")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Page to write (.html); it opens offline.")] = None,
    answers: Annotated[Path | None, typer.Option(help="Answers that the page saved: check and record them.")] = None,
    points: Annotated[
        int | None, typer.Option(help="Points, or test lines, of every specimen; default: 150 points, 60 lines.")
    ] = None,
    nonce: Annotated[str, typer.Option(help="Text that makes it another sample; default: a random one.")] = "",
    give_up: Annotated[
        bool, typer.Option("--give-up", help="Give up the last sample (page or answers are lost), or a damaged ledger.")
    ] = False,
    reason: Reason = "",
    by: By = "",
    reports: Annotated[Path, typer.Option(help="Folder of the reports; its audit trail is told.")] = Path("reports"),
    workers: Workers = 1,
    quiet: Quiet = False,
) -> None:
    """Let a person correct the results of a job: draw random points or lines, blind, on a page; record the answers."""
    from inspect_tool.inspection import hand_check
    from inspect_tool.referee import ledger

    if [out is not None, answers is not None, give_up].count(True) != 1:
        msg = (
            "referee: give --out with the page to write, --answers with the file that the page saved, or --give-up "
            "with --reason and --by"
        )
        raise SettingsError(msg)
    if give_up:
        made = hand_check.give_up(job, reason=reason, by=by, reports=reports)
        gone = made.given_up
        if not quiet and gone is not None:
            ids = ", ".join(sample[:12] for sample in gone.samples) or "none is known by its id"
            print(f"{ledger.folder_of(job) / ledger.name_of(made)}: given up, {gone.answers} answers known: {ids}")
            print(f"another sample may be drawn: inspect-tool referee {job} --out PAGE.html")
        return
    with _progress(job.stem, quiet) as progress:
        if answers is None:
            assert out is not None
            drawn = hand_check.draw(
                job, out, points=points, nonce=nonce, reports=reports, workers=workers, progress=progress
            )
        else:
            made, standing = hand_check.record(job, answers, reports=reports, workers=workers, progress=progress)
    if quiet:
        return
    if answers is None:
        print(f"{out}: sample {drawn.id[:12]}, {drawn.points} for every specimen, nonce {drawn.nonce}")
        print(f"answer it in a browser, then: inspect-tool referee {job} --answers FILE")
        return
    found = standing.correction
    entry = ledger.folder_of(job) / ledger.name_of(made)
    print(f"{entry}: {found.points} of {found.planned} {found.what} by {found.person}")
    for old, new in standing.results:
        u = "" if new.expanded_u is None else f" ± {new.expanded_u:.3g}"
        print(f"specimen {new.specimen}, {new.quantity}: {old.value:.4g} -> {new.value:.4g}{u} {new.unit}")
    for one in standing.conformities:
        print(f"specimen {one.specimen}, {one.quantity}: {one.decision} ({one.reason})")
    if standing.more:
        print(
            f"about {standing.more} more {found.what} until the verdict is decided; one may stop at the end of a stage"
        )
    print(f'name it in the job: [referee] file = "{answers.name}"')


@app.command()
def audit(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder given to --out of run.")] = Path("reports"),
    verify: Annotated[bool, typer.Option("--verify", help="Print only whether the trail is whole.")] = False,
    event: Annotated[list[str] | None, typer.Option("--event", help="Only entries of this kind, e.g. run.")] = None,
    since: Annotated[str, typer.Option(help="Only entries from this day or time on (UTC).")] = "",
    user: Annotated[str, typer.Option(help="Only entries of this person.")] = "",
    as_json: Json = False,
) -> None:
    """Print the audit trail of a project folder, and verify that it is whole.

    Exit status: 0 whole, 3 the chain is broken (each line says where), 2 it cannot be read.
    """
    import json

    from inspect_tool.evidence import audit as auditing
    from inspect_tool.evidence.recovery import recover
    from inspect_tool.files import plain

    recover(folder.parent if folder.name == auditing.LOG else folder)
    trail = auditing.verify(folder)
    shown = () if verify else auditing.select(trail.entries, events=event or (), since=since, by=user)
    if as_json:
        facts = {"whole": not trail.problems, "last": trail.last, "problems": trail.problems, "notes": trail.notes}
        facts |= {"uncompared": trail.uncompared}
        print(json.dumps(facts | {"entries": plain(shown)}, ensure_ascii=False, indent=1))
    else:
        for entry in shown:
            print("\n".join(auditing.lines(entry)))
        for note in trail.notes:
            print(f"note: {note}")
        for text in trail.uncompared:
            print(f"not compared: {text}")
        for problem in trail.problems:
            print(f"BROKEN: {problem}")
        if not trail.problems:
            print(f"whole; number and SHA-256 of the last entry: {trail.last}")
    raise typer.Exit(EXIT_FAIL if trail.problems else EXIT_PASS)


@app.command()
def sign(
    report: Annotated[Path, typer.Argument(metavar="REPORT.pdf", help="Report that a run wrote.")],
    key: Annotated[Path, typer.Option("--key", "-k", help="Key and certificate: PKCS#12 file (.p12, .pfx).")],
    name: Annotated[str, typer.Option(help="Name of the person who signs.")],
    role: Annotated[str, typer.Option(help="In which role.")],
    meaning: Annotated[str, typer.Option(help="What the signature means.")] = "released",
    reason: Annotated[str, typer.Option(help="Why, in a few words.")] = "",
    passphrase_env: Annotated[str, typer.Option(help="Environment variable that holds the passphrase.")] = "",
    passphrase_file: Annotated[Path | None, typer.Option(help="File whose first line is the passphrase.")] = None,
    timestamp: Annotated[str, typer.Option(help="URL of a time-stamping server (RFC 3161).")] = "",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to write; default: the report itself.")] = None,
    project: Annotated[Path | None, typer.Option(help="Folder of the audit trail; default: that of the run.")] = None,
    font: Annotated[Path | None, typer.Option(help="Font (.ttf, .otf) that has the letters of the names.")] = None,
    quiet: Quiet = False,
) -> None:
    """Sign a report with a visible block; a second person signs the same file once more."""
    from inspect_tool.verify import signing

    _recover(report)
    signer = signing.load_key(key, signing.passphrase(passphrase_env, passphrase_file, key))
    done = signing.sign(
        report,
        signer,
        name=name,
        role=role,
        meaning=meaning,
        reason=reason,
        timestamp=timestamp,
        out=out,
        project=project,
        font=font,
    )
    if not quiet:
        print(f"{done.path}: {done.report}: signature {done.number} of at most {signing.MOST}, by {name}")
        print(f"recorded as entry {done.entry.number} of the audit trail of {done.folder}")


@app.command(name="validate-pdf")
def validate_pdf(
    file: Annotated[Path, typer.Argument(metavar="FILE.pdf", help="PDF to check.")],
    trust: Annotated[
        list[Path] | None, typer.Option("--trust", help="Certificate to trust (PEM or DER); may be repeated.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check the signatures and the structure of a PDF, and compare it with its audit trail.

    Exit status: 0 nothing speaks against it, 3 something does (each line says what), 2 it cannot be read.
    """
    import json

    from inspect_tool.files import plain
    from inspect_tool.verify import pdf_check

    _recover(file)
    found = pdf_check.validate(file, trust or ())
    if as_json:
        print(json.dumps(plain(found), ensure_ascii=False, indent=1))
    else:
        print("\n".join(pdf_check.lines(found)))
    raise typer.Exit(EXIT_FAIL if found.problems else EXIT_PASS)


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
    from inspect_tool.verify.verify import verify as verified

    _recover(report)
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
    from inspect_tool.inspection.starter import listing

    for name, text in listing(kind):
        print(f"{name:<34}{text}".rstrip())


# ------------------------------------------------------------------------------------------------ printing


def _run_jobs(
    jobs: list[tuple[Path, str]],
    out: Path,
    workers: int,
    quiet: bool,
    as_json: bool,
    *,
    exports: tuple[str, ...] | None = None,
    trail: bool = True,
) -> int:
    """Run jobs one after the other, print what came out, and return the exit status."""
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
            with _progress(name, quiet or as_json) as tell:
                report = job_run.run(path, out, name=name, workers=workers, exports=exports, progress=tell, trail=trail)
            rows.append((name, report, out / name, ""))
        except InspectError as error:
            _print_error(error)
            rows.append((name, None, out / name, str(error)))
    if as_json:
        _print_json(rows)
    elif not quiet and any(report is not None for _, report, _, _ in rows):
        _print_table(rows)
    return _status([report for _, report, _, _ in rows])


def _faults(jobs: list[tuple[Path, str]], out: Path, silent: bool) -> dict[str, str]:
    """Check every job before the first is measured: a slip in the last must not be found hours later."""
    from inspect_tool.inspection import job_run

    faults = {}
    for path, name in jobs:
        try:
            with _progress(name, silent) as tell:
                if tell is not None:
                    tell(0, 1, "checking the job and its images")
                job_run.check(path, out, name)
        except InspectError as error:
            _print_error(error)
            faults[name] = str(error)
    return faults


def _recover(report: Path) -> None:
    """Put right what a killed process left around a report, before it is looked at."""
    from inspect_tool.evidence import audit
    from inspect_tool.evidence.recovery import recover

    for folder in dict.fromkeys((report.parent, report.parent.parent, audit.project_folder(report))):
        recover(folder)


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
    print(f"error: {line}", file=sys.stderr)


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
        method = {True: "conforming", False: "NOT conforming", None: "not stated"}[report.conforming]
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
_NAMED = 3  # values in one line


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
    verdict = "verified" if found.verified else "DOES NOT VERIFY"
    if found.verified and found.unseen:
        verdict = f"numbers verified; the look of the pages was not checked: {found.unseen}"
    if found.verified and found.as_stated:
        more = len(found.as_stated) - _NAMED
        named = ", ".join(found.as_stated[:_NAMED]) + (f" and {more} more" if more > 0 else "")
        verdict += f"; taken as stated, since they are read off the images (--images DIR checks them): {named}"
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(f"{found.report}: {verdict}", highlight=False, soft_wrap=True, markup=False)
    console.print(table)


def _print_comparison(found: "Comparison", folder: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    from inspect_tool.report.text import as_given, unit
    from inspect_tool.studies.comparison.page import difference_text, difference_unit

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


def _print_gauge(found: "GaugeReport", folder: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    from inspect_tool.report.text import number, quantity, with_unit
    from inspect_tool.studies.gauge.page import limit_text, value_text

    console = Console(width=None if sys.stdout.isatty() else 140)
    table = Table(title=None, header_style="bold", pad_edge=False)
    if found.capability is not None:
        for column in ("Values", "Mean", "s", "Bias", "Cg", "Cgk"):
            table.add_column(column)
        one = found.capability
        figures = (quantity(value, found.unit) for value in (one.mean, one.s, one.bias))
        table.add_row(str(one.n), *figures, number(one.cg, 3), number(one.cgk, 3))
    else:
        columns = ("Component", "s", "of the variance", "of the study variation", "of the tolerance")
        for column in columns[: 4 if found.tolerance is None else 5]:
            table.add_column(column)
        for item in found.variations:
            shares = (item.percent_contribution, item.percent_study, item.percent_tolerance)
            table.add_row(
                item.title,
                with_unit(number(item.s), found.unit),
                *(f"{share:.2f} %" for share in shares if share is not None),
            )
    console.print(table)
    for asked in found.criteria:
        line = f"{asked.title}: {value_text(asked)}, asked {limit_text(asked)}: {asked.decision}"
        console.print(line, highlight=False, soft_wrap=True, markup=False)
    first = next(name for name in ("gauge.pdf", "gauge.html", "gauge.json") if (folder / name).exists())
    for line in (*(f"note: {warning}" for warning in found.warnings), found.verdict, str(folder / first)):
        console.print(line, highlight=False, soft_wrap=True, markup=False)


def _print_selftest(found: "SelfTest", folder: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    from inspect_tool.studies.selftest.page import asked_text, found_text

    table = Table(title=None, header_style="bold", pad_edge=False)
    for column in ("Criterion", "Found", "Asked", "Met", "Remark"):
        table.add_column(column)
    judged = [one for one in found.judged if not one.skipped]
    for one in judged:
        met = "yes" if one.check.passed else "NO"
        table.add_row(one.check.name, found_text(one.check), asked_text(one.check), met, one.check.note)
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table)
    for one in found.judged:
        if one.skipped:
            console.print(f"not judged: {one.check.name}: {one.skipped}", highlight=False, soft_wrap=True, markup=False)
    passed = sum(one.check.passed for one in judged)
    line = f"{found.verdict}: {passed} of {len(judged)}; {found.seconds:g} s, {found.cpu_seconds:g} s of processor time"
    console.print(line, highlight=False, soft_wrap=True, markup=False)
    console.print(f"{folder / 'selftest.pdf'}", highlight=False, soft_wrap=True, markup=False)


def _print_golden(found: "GoldenCheck") -> None:
    from rich.console import Console
    from rich.table import Table

    from inspect_tool.report.text import number, pm, short, unit, value_text
    from inspect_tool.studies.comparison.page import difference_unit

    console = Console(width=None if sys.stdout.isatty() else 160)
    table = Table(title=None, header_style="bold", pad_edge=False)
    for column in ("Job", "Specimen", "Result", "Recorded (95 %)", "Now", "Difference", "Tolerance", "Within"):
        table.add_column(column)
    for job in found.jobs:
        for one in job.differences:
            if one.within and not one.main:
                continue
            table.add_row(
                one.job,
                one.specimen,
                one.title,
                pm(one.before, one.expanded_u, one.unit),
                value_text(one.after, one.expanded_u),
                f"{number(one.difference, 3)} {unit(difference_unit(one.unit))}",
                short(one.tolerance, 2) if one.tolerance is not None else "no U",
                "yes" if one.within else "NO",
            )
    console.print(table)
    for job in found.jobs:
        for change in job.changes:
            console.print(f"{job.name}: not as recorded: {change}", highlight=False, soft_wrap=True, markup=False)
        line = f"{job.name}: {job.masks - job.masks_changed} of {_count(job.masks, 'mask')} as recorded"
        console.print(line, highlight=False, soft_wrap=True, markup=False)
    line = f"{found.verdict} ({found.tolerance}); recorded {found.recorded}"
    console.print(line, highlight=False, soft_wrap=True, markup=False)


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
                    "lot": plain(report.lot) if report is not None else None,
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
