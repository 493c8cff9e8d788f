"""Studies of the method: compare, calibrate, gauge, validate, selftest, golden."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inspect_tool.errors import SettingsError

if TYPE_CHECKING:
    from inspect_tool.studies.comparison.page import Comparison
    from inspect_tool.studies.gauge.page import GaugeReport
    from inspect_tool.studies.golden import GoldenCheck
    from inspect_tool.studies.selftest.page import SelfTest
from inspect_tool.cli.asked import options_of
from inspect_tool.cli.common import (
    EXIT_FAIL,
    EXIT_PASS,
    EXIT_UNDECIDED,
    Json,
    Language,
    Out,
    Quiet,
    counted,
    group,
    showing_progress,
)
from inspect_tool.cli.learn import print_scores
from inspect_tool.studies.gauge.plan import Plan
from inspect_tool.studies.micrometer.request import Request as Micrometer


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

    with showing_progress(job.stem, quiet or as_json) as tell:
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


@options_of(Micrometer)
def calibrate(
    *,
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
    asked: Mapping[str, Any],
    template: Annotated[str, typer.Option(help="Template folder: colors, fonts and logo.")] = "inspection",
    language: Language = "",
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
        if not asked["pitch_um"] or out is None:
            msg = "--stage-micrometer needs --pitch (distance of its lines, e.g. 10um) and --out (folder)"
            raise SettingsError(msg)
        from inspect_tool.studies.micrometer import stage_micrometer as micrometer

        calibrated = micrometer.calibrate(stage_micrometer, micrometer.checked_request(asked), out, template, language)
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


@options_of(Plan, given=True)
def gauge(
    *,
    inputs: Annotated[
        list[Path],
        typer.Argument(metavar="STUDY...", help="CSV file, study file (TOML), or jobs and report.json files."),
    ],
    out: Out = Path("reports"),
    asked: Mapping[str, Any],
    language: Language = "",
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Judge the gauge: repeatability and reproducibility of a study with parts, appraisers and trials.

    Exit status: 0 acceptable or no criterion was asked, 4 conditional, 3 not acceptable,
    2 something must be fixed first (one line says what), 1 a bug.
    """
    from inspect_tool.studies.gauge import gauge as gauging

    with showing_progress(inputs[0].stem, quiet or as_json) as tell:
        found, folder = gauging.gauge(inputs, out, asked, language=language, progress=tell)
    if as_json:
        print((folder / "gauge.json").read_text(encoding="utf-8"), end="")
    elif not quiet:
        _print_gauge(found, folder)
    raise typer.Exit({"not acceptable": EXIT_FAIL, "conditional": EXIT_UNDECIDED}.get(found.verdict, EXIT_PASS))


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
    with showing_progress("validate", quiet or as_json) as tell:
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
        print_scores(summary.tables(made), (line,), out)


def selftest(
    pixel_um: Annotated[float | None, typer.Option(help="The laboratory's pixel size [um/px].")] = None,
    backend: Annotated[str, typer.Option("--backend", "-b", help="Instead of the default of each recipe.")] = "",
    recipe: Annotated[list[str] | None, typer.Option("--recipe", "-r", help="Recipe; may be repeated.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="Setting of the backend: threshold=0.4.")] = None,
    golden: Annotated[Path | None, typer.Option(help="Golden images of the laboratory, see: golden record.")] = None,
    criteria: Annotated[Path | None, typer.Option(help="Criteria of the laboratory's own (TOML).")] = None,
    laboratory: Annotated[str, typer.Option(help="Name for the report.")] = "",
    language: Language = "",
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")] = Path("selftest"),
    quick: Annotated[bool, typer.Option("--quick", help="Fewer phantoms: a look, not a validation.")] = False,
    workers: Annotated[int, typer.Option("--workers", "-w", min=1, help="Phantoms measured at the same time.")] = 2,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Does the method work here? Measure drawn images of known truth and judge bias, coverage, linearity ...

    Exit status: 0 every criterion that applies is met, 3 one is not met, 2 something must be fixed first, 1 a bug.
    """
    from inspect_tool.studies.selftest import phantom_jobs
    from inspect_tool.studies.selftest import selftest as testing
    from inspect_tool.training.score import setting_table

    with showing_progress("selftest", quiet or as_json) as tell:
        found = testing.selftest(
            out,
            recipes=recipe or (),
            backend=backend,
            settings=setting_table(set_ or []),
            pixel_um=pixel_um,
            kit=phantom_jobs.QUICK if quick else phantom_jobs.FULL,
            criteria=criteria,
            golden_folder=golden,
            laboratory=laboratory,
            language=language,
            workers=workers,
            progress=tell,
        )
    if as_json:
        print((out / "selftest.json").read_text(encoding="utf-8"), end="")
    elif not quiet:
        _print_selftest(found, out)
    raise typer.Exit(EXIT_PASS if found.verdict == "criteria met" else EXIT_FAIL)


def golden_record(
    jobs: Annotated[list[Path], typer.Argument(metavar="JOB...", help="Job files (TOML).")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")],
    copy: Annotated[bool, typer.Option("--copy", help="Copy jobs and images into the folder.")] = False,
    quiet: Quiet = False,
) -> None:
    """Measure jobs and keep results, uncertainties, hashes of masks, weights and versions as the expected ones."""
    from inspect_tool.studies import golden

    with showing_progress("golden", quiet) as tell:
        made = golden.record(jobs, out, copy=copy, progress=tell)
    if not quiet:
        results = sum(len(job.results) for job in made.jobs)
        print(f"{out / golden.FILE}: {counted(len(made.jobs), 'job')}, {counted(results, 'result')}; later:")
        print(f"  inspect-tool golden check {out}")


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

    with showing_progress("golden", quiet or as_json) as tell:
        found = golden.check(folder, tolerances=tolerance or (), progress=tell)
    if as_json:
        print(json.dumps(plain(found), ensure_ascii=False, indent=1))
    elif not quiet:
        _print_golden(found)
    raise typer.Exit(EXIT_PASS if found.verdict == "within tolerance" else EXIT_FAIL)


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
        line = f"{asked.title}: {value_text(asked)}, required {limit_text(asked)}: {asked.decision}"
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
        table.add_row(one.check.name, found_text(one), asked_text(one), met, one.check.note)
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
        line = f"{job.name}: {job.masks - job.masks_changed} of {counted(job.masks, 'mask')} as recorded"
        console.print(line, highlight=False, soft_wrap=True, markup=False)
    line = f"{found.verdict} ({found.tolerance}); recorded {found.recorded}"
    console.print(line, highlight=False, soft_wrap=True, markup=False)


golden_app = group("golden", "Keep the results of your own images, and compare with them later.")
golden_app.command("record")(golden_record)
golden_app.command("check")(golden_check)
