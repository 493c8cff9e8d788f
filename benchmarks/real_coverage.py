"""Does the stated interval hold the truth? On real images with hand-made truth; writes docs/validation-real.md.

    python benchmarks/real_coverage.py --runs FOLDER [--only RECIPE] [--page]

Every image is run as a job of its own, with the settings that a user would choose, and its mask through the backend
``labels``; reports are kept in the folder, and what is there is not run again. ``--page``: from the reports alone.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from _real_images import DATA, ROOT, Case, Table, cases, simple_value, write_job

import inspect_tool
from inspect_tool.model import Report, Result

TRUTH = "truth"
ALPHA = 0.05  # the stated intervals are to miss this often


def slug(text: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-." else "_" for letter in text)


def place(runs: Path, case: Case, way: str) -> Path:
    return runs / case.recipe / case.source / slug(f"{case.name} {way}")


def run_case(runs: Path, case: Case, way: str, table: Table) -> None:
    """Run one case one way, unless its report or its refusal is there."""
    folder = place(runs, case, way)
    refusal = folder / "refused.txt"
    if refusal.exists() or (folder / "out" / "report.json").exists():
        return
    job = write_job(case, table, folder)
    clock = time.perf_counter()
    try:
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
    truth: tuple[float, float]  # lowest and highest; the same where it is one number
    simple: float
    stopped: tuple[str, ...] = ()  # checks of image quality that stop the image unless it is accepted
    doubts: tuple[str, ...] = ()  # checks that keep it from passing
    refused: str = ""

    @property
    def error(self) -> float:
        """Machine less truth."""
        return self.value - float(np.clip(self.value, *self.truth))

    @property
    def held(self) -> bool:
        """Whether the stated interval holds the truth."""
        return self.low <= self.truth[1] and self.truth[0] <= self.high

    @property
    def score(self) -> float:
        """Interval score: width, and 2 / alpha times what the interval misses the truth by (Gneiting, Raftery 2007)."""
        missed = max(self.low - self.truth[1], 0.0) + max(self.truth[0] - self.high, 0.0)
        return self.high - self.low + 2 / ALPHA * missed


def report_of(folder: Path) -> Report | None:
    path = folder / "out" / "report.json"
    return inspect_tool.load_report(path) if path.exists() else None


def result_of(report: Report, quantity: str) -> Result | None:
    return next((result for result in report.results if result.quantity == quantity), None)


def rows(runs: Path, case: Case) -> Iterator[Row]:
    """What the kept reports say of a case; nothing of a way that was not run."""
    truth = report_of(place(runs, case, TRUTH))
    if truth is None:
        return
    for way in case.ways:
        folder = place(runs, case, way)
        report, refusal = report_of(folder), folder / "refused.txt"
        if report is None and not refusal.exists():
            continue
        for quantity in case.main:
            true = result_of(truth, quantity)
            if true is None:
                continue
            found = None if report is None else result_of(report, quantity)
            nothing = float("nan")
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
                unit=true.unit,
                value=value + moved,
                low=low + moved,
                high=high + moved,
                truth=case.known.get(quantity, (true.value, true.value)),
                simple=simple_value(case, quantity),
                stopped=() if report is None else tuple(check.name for check in report.checks if check.accepted),
                doubts=()
                if report is None
                else tuple(
                    check.name
                    for check in report.checks
                    if check.scope == "plausibility"
                    and not check.passed
                    and (not check.quantities or quantity in check.quantities)
                ),
                refused=refusal.read_text(encoding="utf-8") if refusal.exists() else "",
            )


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

Points of void %. Joints given (their outline is that of the truth) or found. Shares of the worst joint, and the mean.
"""

SECTIONS = {"phase_fraction": PHASE, "porosity": POROSITY, "grain_size": GRAINS, "solder_voids": SOLDER}
HEAD = (
    "images", "by", "quantity", "images (parents)", "no number", "held the truth", "coverage", "median half width",
    "median size of the error", "90th percentile", "interval score", "simple way: median size of the error",
)  # fmt: skip
SUMMARY = (
    "recipe", "by", "images (parents)", "no number", "coverage", "not doubted: held", "median half width",
    "median size of the error", "90th percentile", "interval score", "simple way: median size of the error",
)  # fmt: skip
PRINTED = {
    "phase_fraction": "area_percent",
    "porosity": "porosity_percent",
    "grain_size": "grain_size_number",
    "solder_voids": "void_percent.max",
}
WORST = 5


def line(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def number(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


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
        some = [row for row in own if not np.isnan(row.low) and not row.stopped]
        if some:
            f = figures(some)
            certain = [row for row in some if not row.doubts]
            cells = (
                f"`{recipe}`", f"`{way}`", f"{f.images} ({f.parents})", len(own) - f.images,
                f"{100 * f.coverage:.0f} %", f"{sum(row.held for row in certain)} of {len(certain)}",
                *map(number, (f.half_width, f.error, f.worst_tenth, f.score, f.simple)),
            )  # fmt: skip
            lines.append((f.coverage, line(*cells)))
    yield from (text for _, text in sorted(lines, key=lambda pair: pair[0]))


def table(found: Sequence[Row]) -> Iterator[str]:
    """One line per data set, way and quantity, the worst coverage first."""
    lines = []
    for (source, way), group in grouped(found, "source", "way").items():
        for quantity in dict.fromkeys(map(kind, group)):
            own = [row for row in group if kind(row) == quantity]
            some = [row for row in own if not np.isnan(row.low) and not row.stopped]
            if some:
                f = figures(some)
                cells = (
                    source, f"`{way}`", f"`{quantity}`", f"{f.images} ({f.parents})", len(own) - len(some),
                    f"{f.held} of {f.images}", f"{100 * f.coverage:.0f} %",
                    *map(number, (f.half_width, f.error, f.worst_tenth, f.score, f.simple)),
                )  # fmt: skip
            else:
                cells = (source, f"`{way}`", f"`{quantity}`", 0, len(own), *("–",) * 7)
            lines.append((figures(some).coverage if some else -1.0, line(*cells)))
    yield line(*HEAD)
    yield line(*("---" for _ in HEAD))
    yield from (text for _, text in sorted(lines, key=lambda pair: pair[0]))


def worst(found: Sequence[Row]) -> Iterator[str]:
    """Images whose interval misses the truth by most, measured in half widths of it, one line each."""
    missed = [row for row in found if not np.isnan(row.low) and not row.stopped and not row.held]
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
- *interval score*: width of the interval plus 40 times what it misses the truth by, averaged; small is good (Winkler).
- *simple way*: Otsu's level on the smoothed picture (in solder: within the joints of the truth), without an interval.
- Hand-made masks have errors of their own: 1 to 3 points in solder, some points at soft outlines, half a grain size
  number where boundaries are a matter of taste.
"""


def page(found: Sequence[Row]) -> Iterator[str]:
    yield INTRO
    yield from summary(found)
    yield ""
    for recipe, text in SECTIONS.items():
        own = [row for row in found if row.recipe == recipe]
        yield text
        yield from table(own)
        yield "\nMissed by most, in widths of the interval:\n"
        yield from worst(own)
        yield ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, required=True, help="folder that keeps the reports")
    parser.add_argument("--only", default="", help="recipe that is run")
    parser.add_argument("--page", action="store_true", help="run nothing")
    arguments = parser.parse_args()
    if not DATA.is_dir():
        print(f"{DATA}: not there; nothing to measure")
        return
    for case in cases():
        if arguments.only in case.recipe and not arguments.page:
            for way, settings in {TRUTH: {"name": "labels", **case.labels}, **case.ways}.items():
                run_case(arguments.runs, case, way, settings)
    found = [row for case in cases() for row in rows(arguments.runs, case)]
    text = "\n".join(page(found))
    (ROOT / "docs" / "validation-real.md").write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
