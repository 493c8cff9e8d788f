"""Does the stated interval hold the truth? On real images with hand-made truth; writes docs/validation-real.md.

    python benchmarks/real_coverage.py --runs FOLDER [--only RECIPE] [--again WAY] [--page] [--before FOLDER]

Every image is run as a job of its own, with the settings that a user would choose, and its mask through the backend
``labels``; reports are kept in the folder, and what is there is not run again. ``--page``: from the reports alone.
``--only``: one recipe; its part of the page is printed and the page left as it is.
``--again``: a way whose reports are made anew, e.g. ``stardist`` after a training.
``--before``: reports of the same cases by an earlier version, in the same places, to be compared with.
"""

import argparse
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
import pandas as pd
from _real_images import DATA, ROOT, TRUTH, Case, Table, cases, place, report_of, simple_value, write_job
from make_validations import LATER, Judged, every, together

import inspect_tool
from inspect_tool import registry
from inspect_tool.acceptance import plausibility
from inspect_tool.model import Findings, Measurements, Report, Result
from inspect_tool.statistics.uncertainty import evaluated
from inspect_tool.validation import line as line_of_error
from inspect_tool.validation import lookup
from inspect_tool.validation.values import Validation, parent_of

ALPHA = 0.05  # the stated intervals are to miss this often


def run_case(runs: Path, case: Case, way: str, table: Table) -> None:
    """Run one case one way, unless its report or its refusal is there; without the shipped errors, which it is for."""
    folder = place(runs, case, way)
    refusal = folder / "refused.txt"
    if refusal.exists() or (folder / "out" / "report.json").exists():
        return
    job = write_job(case, table, folder)
    clock = time.perf_counter()
    try:
        with patch.object(lookup, "shipped", lambda _: None):
            inspect_tool.run(job, folder, name="out", trail=False)
    except inspect_tool.InspectError as error:
        refusal.write_text(str(error), encoding="utf-8")
    seconds = time.perf_counter() - clock
    print(f"{case.source} {case.name} {way} {seconds:.1f} s {'refused' if refusal.exists() else ''}", flush=True)


# ----------------------------------------------------------------------------------------------------- outcomes


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One quantity of one image by one way, beside the truth; NaN where there is no number."""

    recipe: str
    source: str
    parent: str
    name: str
    way: str
    quantity: str
    unit: str
    value: float
    low: float  # of the stated interval
    high: float
    of_segmentation: float  # half width that the lines of the segmentation make alone, without scatter and scale
    truth: tuple[float, float]  # lowest and highest; the same where it is one number
    simple: float
    stopped: tuple[str, ...] = ()  # checks of image quality that stop the image unless it is accepted
    doubts: tuple[str, ...] = ()  # checks that keep it from passing
    refused: str = ""
    over: float = 1.0  # what the numbers above are over: sizes and numbers are in percent of the truth

    @property
    def error(self) -> float:
        """Machine less truth."""
        return self.value - float(np.clip(self.value, *self.truth))

    @property
    def stated(self) -> bool:
        """Whether there is an interval that no check of image quality would have stopped."""
        return not np.isnan(self.low) and not self.stopped

    @property
    def held(self) -> bool:
        """Whether the stated interval holds the truth."""
        return self.low <= self.truth[1] and self.truth[0] <= self.high

    @property
    def held_alone(self) -> bool:
        """Whether the lines of the segmentation reach the truth."""
        return abs(self.error) <= self.of_segmentation

    @property
    def alone(self) -> "Row":
        """The same with the interval that the lines of the segmentation make alone."""
        return replace(self, low=self.value - self.of_segmentation, high=self.value + self.of_segmentation)

    @property
    def score(self) -> float:
        """Interval score: width, and 2 / alpha times what the interval misses the truth by (Gneiting, Raftery 2007)."""
        missed = max(self.low - self.truth[1], 0.0) + max(self.truth[0] - self.high, 0.0)
        return self.high - self.low + 2 / ALPHA * missed


def result_of(report: Report, quantity: str) -> Result | None:
    return next((result for result in report.results if result.quantity == quantity), None)


def of_segmentation(result: Result) -> float:
    """Half width for 95 % that the lines of the segmentation, and that of labeled images, make of a result alone."""
    lines = [line for line in result.budget if line.name == line_of_error.LINE]
    return 1.96 * float(np.hypot(line_of_error.own_u(result.budget), sum(line.u for line in lines)))


def rows(runs: Path, case: Case, machine: Path | None = None) -> Iterator[Row]:
    """What the kept reports say of a case; nothing of a way that was not run.

    ``machine`` keeps the reports of the ways where they are not beside those of the masks.
    """
    truth = report_of(place(runs, case, TRUTH))
    if truth is None:
        return
    for way in case.ways:
        folder = place(machine or runs, case, way)
        report, refusal = report_of(folder), folder / "refused.txt"
        if report is None and not refusal.exists():
            continue
        for quantity in case.main:
            true = result_of(truth, quantity)
            if true is None:
                continue
            found = None if report is None else result_of(report, quantity)
            nothing = float("nan")
            relative = case.recipe == "particles" and true.unit != "%"
            if relative and not true.value > 0:
                continue
            over = true.value / 100 if relative else 1.0
            low, high = (nothing, nothing) if found is None or found.interval is None else found.interval
            value = nothing if found is None else found.value
            moved = case.unseen.get(quantity, value) - value
            yield Row(
                recipe=case.recipe,
                source=case.source,
                parent=f"{case.source}/{case.parent}",
                name=case.name,
                way=way,
                quantity=quantity,
                unit="% of the truth" if relative else true.unit,
                value=(value + moved) / over,
                low=(low + moved) / over,
                high=(high + moved) / over,
                of_segmentation=nothing if found is None else of_segmentation(found) / over,
                truth=case.known.get(quantity, (true.value / over, true.value / over)),
                simple=simple_value(case, quantity) / over,
                over=over,
                stopped=() if report is None else tuple(check.name for check in report.checks if check.accepted),
                doubts=()
                if report is None
                else tuple(check.name for check in report.checks if plausibility.doubts(check, quantity)),
                refused=refusal.read_text(encoding="utf-8") if refusal.exists() else "",
            )


# ------------------------------------------------------------------------------------- with the labeled images


def judged_by_others(runs: Path, found: Sequence[Row], only: str = "") -> list[Row]:
    """The same rows with the line of the error on labeled images, made from the images of other parents only."""
    with_line: dict[tuple[str, str, str, str], Result] = {}
    for some in every(runs, only).values():
        whole = together(some)
        for one in some:
            (field,) = one.validation.fields
            others = tuple(known for known in whole.fields if parent_of(known) != parent_of(field))
            if others:
                findings = widened(runs, one, replace(whole, fields=others))
                for result in findings.results:
                    with_line[one.case.source, one.case.name, one.way, result.quantity] = result
    return [
        row
        if result is None or result.interval is None
        else replace(
            row,
            low=result.interval[0] / row.over,
            high=result.interval[1] / row.over,
            of_segmentation=of_segmentation(result) / row.over,
        )
        for row in found
        for result in (with_line.get((row.source, row.name, row.way, row.quantity)),)
    ]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KeptField:
    """What the line asks of a field, from its report."""

    specimen: str
    read_off: Mapping[str, object]
    features: pd.DataFrame


def widened(runs: Path, one: Judged, known: Validation) -> Findings:
    """Findings of a kept report as they are with a validation, whatever validation it was run with."""
    report = report_of(place(runs, one.case, one.way))
    assert report is not None  # it was judged
    recipe = registry.load("recipe", report.recipe)
    results = tuple(moved(without_line(result), one.case.unseen) for result in report.results)
    checks = tuple(check for check in report.checks if not check.name.startswith(LATER))
    nothing = Measurements(features=pd.DataFrame(), fields=pd.DataFrame())
    findings = Findings(results=results, checks=checks, measurements=nothing)
    alone = SimpleNamespace(CARRIED=recipe.CARRIED, combine=lambda *_: findings)
    (record,) = report.micrographs
    field = KeptField(specimen=record.specimen, read_off=record.evidence.read_off, features=nothing.features)
    stopped = any(check.accepted for check in report.checks)
    return line_of_error.applied(findings, alone, [field], None, None, known, stopped=stopped)


def without_line(result: Result) -> Result:
    budget = tuple(line for line in result.budget if line.name != line_of_error.LINE)
    return result if budget == result.budget else evaluated(replace(result, budget=budget, interval=None))


def moved(result: Result, unseen: Mapping[str, float]) -> Result:
    """A result with the value of a network that did not see the image."""
    if result.quantity not in unseen or result.interval is None:
        return result
    by = unseen[result.quantity] - result.value
    return replace(result, value=result.value + by, interval=(result.interval[0] + by, result.interval[1] + by))


# -------------------------------------------------------------------------------------------------------- figures


def weights(some: Sequence[Row]) -> np.ndarray:
    """Weights that let images of one parent together count once."""
    counts: dict[str, int] = {}
    for row in some:
        counts[row.parent] = counts.get(row.parent, 0) + 1
    return np.array([1 / counts[row.parent] for row in some])


def weighted_quantile(values: Sequence[float], weight: np.ndarray, share: float) -> float:
    """Smallest value that at least a share of the weight does not exceed."""
    order = np.argsort(values)
    reached = np.cumsum(weight[order]) / weight.sum()
    return float(np.asarray(values)[order][np.searchsorted(reached, share - 1e-9)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of the images of one line of a table; images of one parent count once."""

    images: int  # with a number
    parents: int
    held: int
    coverage: float  # [1]
    half_width: float  # median
    alone: float  # coverage of the lines of the segmentation alone [1]
    width_alone: float  # median
    error: float  # median of its size
    worst_tenth: float  # 90th percentile of its size
    score: float  # mean interval score
    simple: float  # median size of the error of the simple way


def figures(some: Sequence[Row]) -> Figures:
    weight = weights(some)
    sizes = [abs(row.error) for row in some]
    plain = [abs(row.simple - float(np.clip(row.simple, *row.truth))) for row in some]
    return Figures(
        images=len(some),
        parents=len({row.parent for row in some}),
        held=sum(row.held for row in some),
        coverage=float(np.average([row.held for row in some], weights=weight)),
        half_width=weighted_quantile([(row.high - row.low) / 2 for row in some], weight, 0.5),
        alone=float(np.average([row.held_alone for row in some], weights=weight)),
        width_alone=weighted_quantile([row.of_segmentation for row in some], weight, 0.5),
        error=weighted_quantile(sizes, weight, 0.5),
        worst_tenth=weighted_quantile(sizes, weight, 0.9),
        score=float(np.average([row.score for row in some], weights=weight)),
        simple=weighted_quantile(plain, weight, 0.5),
    )


# ----------------------------------------------------------------------------------------------------------- page

PHASE = """\
## Phase fraction

One phase of each picture, said by the person who set up the job to be the darker or the brighter one. Points of area %.
"""

POROSITY = """\
## Porosity

Points of area %, and pores per mm2 at a nominal 1 um per pixel. In the printed metal (lpbf) the outlines are drawn
loosely: its porosity is taken as right anywhere between the dark part of the outlines and all of it, and fine pores
have no outline.
"""

GRAINS = """\
## Grain size

G, at a nominal 1 um per pixel where the scale is not known. Truth is what the recipe counts on the traced boundaries.
Of the textured, colored metal (TBM) only pictures that the network did not learn from, and that the watershed was not
tuned on.
"""

SOLDER = """\
## Solder voids

Points of void %. True is what lies within the outlines drawn by hand, not all that they touch. Joints given (their
outline is that of the truth) or found. Shares of the worst joint, and the mean.
"""

PARTICLES = """\
## Particles

Sizes, number and shape, in percent of what the recipe makes of the hand-made labels of the same picture (the share of
satellites: points). Watershed and threshold were told whether the particles are dark or bright. Simple way: Otsu's
level and connected pieces. The rules of `watershed` were chosen on one half of the parents, those of `stardist` on one
half of the figures; two pictures of powder that `stardist` and `maskrcnn` learned from, and one of TEM for the latter,
are left out for them. `maskrcnn` is run where torchvision is installed.
"""

SECTIONS = {
    "phase_fraction": PHASE,
    "porosity": POROSITY,
    "grain_size": GRAINS,
    "solder_voids": SOLDER,
    "particles": PARTICLES,
}
HEAD = (
    "images", "by", "quantity", "images (parents)", "no number", "held the truth", "coverage", "median half width",
    "segmentation alone: coverage, half width",
    "median size of the error", "90th percentile", "interval score", "simple way: median size of the error",
)  # fmt: skip
SUMMARY = (
    "recipe", "by", "images (parents)", "no number", "coverage", "not doubted: held", "median half width",
    "segmentation alone: coverage, half width",
    "median size of the error", "90th percentile", "interval score", "simple way: median size of the error",
)  # fmt: skip
PRINTED = {
    "phase_fraction": "area_percent",
    "porosity": "porosity_percent",
    "grain_size": "grain_size_number",
    "solder_voids": "void_percent.max",
    "particles": "particle_d50_um.volume",
}
WORST = 5


def line(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def number(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def alone(some: Figures) -> str:
    return f"{100 * some.alone:.0f} %, {number(some.width_alone)}"


def grouped(some: Sequence[Row], *keys: str) -> dict[tuple[str, ...], list[Row]]:
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in some:
        groups.setdefault(tuple(getattr(row, key) for key in keys), []).append(row)
    return groups


def kind(row: Row) -> str:
    """Quantity without the name of a class."""
    return row.quantity.split(".")[0] if row.recipe == "phase_fraction" else row.quantity


def summary(found: Sequence[Row]) -> Iterator[str]:
    """One line per recipe and way, all data together, the worst coverage first."""
    yield line(*SUMMARY)
    yield line(*("---" for _ in SUMMARY))
    lines = []
    for (recipe, way), group in grouped(found, "recipe", "way").items():
        own = [row for row in group if kind(row) == PRINTED[recipe]]
        some = [row for row in own if row.stated]
        if some:
            f = figures(some)
            certain = [row for row in some if not row.doubts]
            cells = (
                f"`{recipe}`", f"`{way}`", f"{f.images} ({f.parents})", len(own) - f.images,
                f"{100 * f.coverage:.0f} %", f"{sum(row.held for row in certain)} of {len(certain)}",
                number(f.half_width), alone(f), *map(number, (f.error, f.worst_tenth, f.score, f.simple)),
            )  # fmt: skip
            lines.append((f.coverage, line(*cells)))
    yield from (text for _, text in sorted(lines, key=lambda pair: pair[0]))


def table(found: Sequence[Row]) -> Iterator[str]:
    """One line per data set, way and quantity, the worst coverage first."""
    lines = []
    for (source, way), group in grouped(found, "source", "way").items():
        for quantity in dict.fromkeys(map(kind, group)):
            own = [row for row in group if kind(row) == quantity]
            some = [row for row in own if row.stated]
            if some:
                f = figures(some)
                cells = (
                    source, f"`{way}`", f"`{quantity}`", f"{f.images} ({f.parents})", len(own) - len(some),
                    f"{f.held} of {f.images}", f"{100 * f.coverage:.0f} %",
                    number(f.half_width), alone(f), *map(number, (f.error, f.worst_tenth, f.score, f.simple)),
                )  # fmt: skip
            else:
                cells = (source, f"`{way}`", f"`{quantity}`", 0, len(own), *("–",) * 8)
            lines.append((figures(some).coverage if some else -1.0, line(*cells)))
    yield line(*HEAD)
    yield line(*("---" for _ in HEAD))
    yield from (text for _, text in sorted(lines, key=lambda pair: pair[0]))


def worst(found: Sequence[Row]) -> Iterator[str]:
    """Images whose interval misses the truth by most, measured in half widths of it, one line each."""
    missed = [row for row in found if row.stated and not row.held]
    sizes = sorted(missed, key=lambda row: -abs(row.error) / max(row.high - row.low, 1e-9))
    seen: set[tuple[str, str]] = set()
    for row in sizes:
        if (row.source, row.name) not in seen and len(seen) < WORST:
            seen.add((row.source, row.name))
            true = (
                number(row.truth[0])
                if row.truth[0] == row.truth[1]
                else f"{number(row.truth[0])} to {number(row.truth[1])}"
            )
            doubt = f"; doubted by: {', '.join(row.doubts)}" if row.doubts else "; not doubted"
            yield (
                f"- {row.source}, {row.name}, `{row.way}`, `{row.quantity}`: {number(row.value)} "
                f"({number(row.low)} to {number(row.high)}), truth {true}{doubt}"
            )
    if not seen:
        yield "- none"


INTRO = """\
# Does the stated interval hold the truth?

Made by `python benchmarks/real_coverage.py`, on real images with hand-made masks that lie outside this project. Each
image was run as a job of its own with the settings a user would choose, and its mask through the backend `labels`. What
a lab manager wants to know is how often the printed 95 % interval holds what a person found on the same image, and
whether it is narrow enough to be of use. What is bad stands first.

- *held the truth*: images whose interval holds the number of the mask. *Coverage* is the same with images of one parent
  (specimen, large picture, paper, series) counted once together; it should be 95 %.
- *no number*: the image was refused, by the quality gate or because nothing was found. It does not count in the columns
  behind it.
- *not doubted*: of the images whose result no check keeps from passing, those whose interval holds the truth.
- *segmentation alone*: the same for the lines of the segmentation, and that of labeled images, without the others. A
  report speaks for the specimen, so that its interval also holds how fields scatter; the mask is of the same image and
  cannot test that part. Where this coverage is low and the other high, it is the scatter that covers up an error.
- *interval score*: width of the interval plus 40 times what it misses the truth by, averaged; small is good (Winkler).
- *simple way*: Otsu's level on the smoothed picture (in solder: within the joints of the truth), without an interval.
- Hand-made masks have errors of their own: 1 to 3 points in solder, some points at soft outlines, half a grain size
  number where boundaries are a matter of taste.
"""


WITH_LINE = """
With the line [error on labeled images](validate.md). Each image is judged by those of other parents only, as a new
image of one of these kinds would be. What no labeled image looks like may still be wrong by more: for that there is
the check "Dissimilarity to the labeled images". Of the superalloy network too few spots are labeled that it did not
learn from: it has no line.

Coverage above 95 % is no merit. Of 11 parents it can only be 100 or 91 % (joints), of 23 only 100 or 96 %; and in
porosity the interval holds how fields scatter besides: the segmentation alone has the coverage that is to be judged.
"""


BEFORE = """
## Before and after

The same images by the version before faults on real images were mended ("before"), by this one as the methods state
it themselves ("now"), and by this one with the line, each image judged by those of other parents. Only images that
both versions give a number for. The earlier version had no particles.
The last column is the interval score before over that with the line: above 1 is better now.

- An interval speaks for the specimen, a mask for its image alone. Since then the scatter inside a single field counts
  in it. Where a method was already right on the image, as the networks mostly were, the score is worse for that.
- *segmentation alone* leaves that scatter out on both sides: it is the error that the mask can tell.
- Of few parents the line is as wide as the worst of them, unless what the method states held the truth in all of them.
- *all*: the ways of a recipe together. Of a handful of parents a ratio is a rough one.
"""
COMPARED = (
    "recipe", "by", "images (parents)", "no number: before, now", "coverage: before, now, line",
    "median half width: before, now, line", "median size of the error: before, now",
    "interval score: before, now, line", "times better", "segmentation alone: interval score: before, line",
    "times better",
)  # fmt: skip


def key(row: Row) -> tuple[str, ...]:
    return row.recipe, row.way, row.source, row.name, row.quantity


def compared(before: Sequence[Row], found: Sequence[Row], judged: Sequence[Row]) -> Iterator[str]:
    """One line per recipe and way, the images that an earlier version gave a number for beside the same images now.

    A recipe with several ways ends in a line of all of them, in which each way of an image counts.
    """
    earlier, now, with_line = ({key(row): row for row in some} for some in (before, found, judged))
    yield line(*COMPARED)
    yield line(*("---" for _ in COMPARED))
    for (recipe,), of_recipe in grouped(before, "recipe").items():
        own = [row for row in of_recipe if kind(row) == PRINTED[recipe] and key(row) in now]
        ways = {way: some for (way,), some in grouped(own, "way").items()}
        for way, some in {**ways, **({"all": own} if len(ways) > 1 else {})}.items():
            both = [row for row in some if row.stated and now[key(row)].stated]
            if both:
                every = [
                    figures(rows)
                    for rows in (both, [now[key(row)] for row in both], [with_line[key(row)] for row in both])
                ]
                alone = [figures([rows[key(row)].alone for row in both]).score for rows in (earlier, with_line)]
                lacking = (sum(not row.stated for row in some), sum(not now[key(row)].stated for row in some))
                yield line(
                    f"`{recipe}`",
                    f"`{way}`" if way in ways else f"**{way}**",
                    f"{every[0].images} ({every[0].parents})",
                    "{}, {}".format(*lacking),
                    ", ".join(f"{100 * one.coverage:.0f} %" for one in every),
                    ", ".join(number(one.half_width) for one in every),
                    ", ".join(number(one.error) for one in every[:2]),
                    ", ".join(number(one.score) for one in every),
                    number(every[0].score / every[2].score),
                    ", ".join(map(number, alone)),
                    number(alone[0] / alone[1]),
                )


def page(found: Sequence[Row], judged: Sequence[Row], before: Sequence[Row] = ()) -> Iterator[str]:
    """The page: ``found`` as the methods state it, ``judged`` with the line of the error on labeled images."""
    yield INTRO
    yield "## All together\n\nAs the methods state it themselves, without the labeled images:\n"
    yield from summary(found)
    yield WITH_LINE
    yield from summary(judged)
    yield ""
    if before:
        yield BEFORE
        yield from compared(before, found, judged)
        yield ""
    for recipe, text in SECTIONS.items():
        own, with_line = (
            [replace(row, source="all sets") if recipe == "particles" else row for row in some if row.recipe == recipe]
            for some in (found, judged)
        )  # of thirteen quantities there would be a line for each set
        yield text
        yield from table(own)
        yield "\nWith the line:\n"
        yield from table(with_line)
        yield "\nMissed by most, in widths of the interval:\n"
        yield from worst(own)
        yield ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, required=True, help="folder that keeps the reports")
    parser.add_argument("--only", default="", help="recipe that is run")
    parser.add_argument("--page", action="store_true", help="run nothing")
    parser.add_argument("--before", type=Path, help="folder with the reports of an earlier version")
    parser.add_argument("--again", default="", help="way that is run although its reports are there")
    arguments = parser.parse_args()
    if not DATA.is_dir():
        print(f"{DATA}: not there; nothing to measure")
        return
    for case in cases():
        if arguments.only in case.recipe and not arguments.page:
            for way, settings in {TRUTH: {"name": "labels", **case.labels}, **case.ways}.items():
                if way == arguments.again:
                    shutil.rmtree(place(arguments.runs, case, way), ignore_errors=True)
                run_case(arguments.runs, case, way, settings)
    found = [row for case in cases() if arguments.only in case.recipe for row in rows(arguments.runs, case)]
    earlier = arguments.before
    before = [row for case in cases() if earlier for row in rows(arguments.runs, case, earlier)]
    text = "\n".join(page(found, judged_by_others(arguments.runs, found, arguments.only), before))
    if arguments.only:  # the page is of all recipes
        print(text)
    else:
        (ROOT / "docs" / "validation-real.md").write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
