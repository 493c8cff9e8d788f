"""What a self-test says, and its page: the values, the drawings, and how they are worded.

``selftest.json`` holds exactly a ``SelfTest``; the page is a view of it that computes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from inspect_tool.model import Check, Header, Provenance, Rule, StandardRecord, Table
from inspect_tool.report import charts, text
from inspect_tool.report.render import Medium, data_uri, load_settings, render_page
from inspect_tool.standards.editions import designation
from inspect_tool.studies.comparison.page import difference_unit

SCHEMA = "inspect_tool/selftest/1"

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One quantity of one phantom."""

    nominal: float  # truth of the kit, which the phantom was drawn for
    look: str
    repeat: int
    truth: float  # of the material
    held: float  # what the fields that were drawn happen to hold
    value: float
    u: float | None
    interval: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LookSummary:
    """All phantoms of one quantity with one look."""

    look: str
    n: int  # phantoms
    bias: float  # mean of value - held
    bias_ci95: Interval | None  # Student t; None: one phantom
    s: float | None  # repeatability: pooled standard deviation of phantoms of one truth
    dof: int
    u_rms: float | None  # root mean square of the stated standard uncertainties
    covered: int  # stated intervals that hold the truth of the material
    stated: int  # intervals
    coverage_ci95: Interval | None  # exact binomial interval of the probability [1]
    slope: float | None  # least squares, value over held [1]
    slope_ci95: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantityTest:
    """One quantity of a recipe over the whole kit."""

    recipe: str
    quantity: str  # name of the kit: without the class
    reported: str  # name in the report, with the class
    title: str
    unit: str
    main: bool  # plotted
    looks: tuple[LookSummary, ...]
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfReach:
    """A truth of the kit that was left out, with its reason."""

    truth: float
    unit: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeTest:
    """What was run for one recipe."""

    recipe: str
    title: str
    standard: str  # designation
    backend: str
    settings: Mapping[str, Any]
    weights_sha256: str
    used: Mapping[str, Any]  # device, engine and precision that were taken
    pixel_um: float
    truths: str  # what was drawn, in words
    phantoms: int
    fields: int
    repeats: int
    failed: tuple[str, ...]  # phantoms that could not be measured, with the reason
    left: tuple[OutOfReach, ...]
    refused: str  # why nothing was run; empty: it was
    cpu_seconds: float
    same_masks: int
    masks_again: int
    pictures: tuple[tuple[str, str], ...]  # look and file, relative to the folder


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRow:
    """Round pores of one size."""

    look: str
    diameter_px: float
    pores: int
    detected: int
    ecd_error_percent: float | None  # mean, of those that were found; None: none was
    false_per_mpx: float  # found where none was drawn


@dataclass(frozen=True, slots=True, kw_only=True)
class Smallest:
    """Smallest diameter from which on pores are found and measured; None: not in the range that was drawn."""

    look: str
    diameter_px: float | None
    diameter_um: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TileTest:
    """One phantom measured with two tile sizes."""

    recipe: str
    backend: str
    quantity: str
    title: str
    unit: str
    tiles_px: tuple[int, int] | None
    values: tuple[float, float] | None
    skipped: str  # why it was not done; empty: it was


@dataclass(frozen=True, slots=True, kw_only=True)
class HashedFile:
    """A file that results depend on. ``intact`` None: nothing to compare its hash with."""

    kind: Literal["weights", "standard", "criteria", "template"]
    name: str
    sha256: str
    intact: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """IQ: what is installed, and whether it is what was shipped."""

    software: str
    version: str
    python: str
    platform: str
    machine: Mapping[str, str]
    packages: Mapping[str, str]
    files: tuple[HashedFile, ...]
    package_files: int | None  # that the record of the installation has a hash of; None: no record (a checkout)
    changed_files: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionCases:
    """OQ: the worked cases of one standards file."""

    standard: str
    cases: int
    passed: int
    failures: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenRow:
    """PQ: one result of the laboratory's own images."""

    job: str
    specimen: str
    title: str
    unit: str
    before: float | None
    after: float | None
    difference: float | None
    expanded_u: float | None
    tolerance: float | None
    within: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenPart:
    """PQ: the laboratory's golden images."""

    folder: str
    recorded: str
    tolerance: str
    rows: tuple[GoldenRow, ...]
    masks: int
    masks_changed: int
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One criterion and what was found."""

    rule: str
    recipe: str  # empty: of the whole test
    check: Check
    skipped: str  # why it was not judged; empty: it was


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """Whether the method gives, on drawn images, what was drawn."""

    schema: str
    id: str
    verdict: Literal["criteria met", "criteria not met"]
    header: Header
    quick: bool
    criteria: StandardRecord
    rules: tuple[Rule, ...]
    judged: tuple[Judged, ...]
    recipes: tuple[RecipeTest, ...]
    quantities: tuple[QuantityTest, ...]
    sizes: tuple[SizeRow, ...]
    smallest: tuple[Smallest, ...]
    size_limits: tuple[float, float]  # least share of pores found [%], largest error of the diameter [%]
    tiles: tuple[TileTest, ...]
    installation: Installation
    worked: tuple[EditionCases, ...]
    golden: GoldenPart | None
    seconds: float
    cpu_seconds: float
    provenance: Provenance


# --------------------------------------------------------------------------------------------------------- page


def page(test: SelfTest, folder: Path, template: Path, medium: Medium) -> str:
    """Render a self-test to HTML with every picture inside.

    Parameters
    ----------
    test : SelfTest
    folder : Path
        The folder that holds the pictures the test names.
    template : Path
        Template folder: its colors, fonts and logo.
    medium : "screen" or "print"
    """
    colors = load_settings(template).colors
    judged = [one for one in test.judged if not one.skipped]
    run = [one for one in test.recipes if not one.refused]
    values = {
        "test": test,
        "edition": designation(test.criteria),
        "sign": "pass" if test.verdict == "criteria met" else "fail",
        "judged": judged,
        "missed": [one for one in judged if not one.check.passed],
        "skipped": [one for one in test.judged if one.skipped],
        "run": run,
        "unjudged": _without_criterion(test),
        "rule_rows": [_rule_row(rule) for rule in test.rules],
        "found": found_text,
        "asked": asked_text,
        "title_of": {one.recipe: one.title for one in test.recipes},
        "bias_table": _bias_table(test),
        "coverage_table": _coverage_table(test),
        "plots": [_plot(one, test, colors.accent) for one in test.quantities if one.main],
        "sizes": _size_table(test),
        "smallest": [_smallest_words(one, test) for one in test.smallest],
        "size_plot": _size_plot(test) if test.sizes else None,
        "tiles": [_tile_row(one) for one in test.tiles],
        "cells": [_truth_table(one) for one in test.quantities],
        "golden": _golden_table(test.golden) if test.golden is not None else None,
        "settings_of": lambda settings: "; ".join(f"{k} = {text.setting(v)}" for k, v in settings.items()),
        "weights": [file for file in test.installation.files if file.kind == "weights"],
        "hashed": [file for file in test.installation.files if file.kind != "weights"],
    }
    return render_page("selftest.html.j2", values, folder, template, medium)


def _in_unit(value: float | None, unit: str, name: str) -> str:
    """Print a value; an error of a percentage is in points."""
    points = unit == "%" and name.startswith(("Bias", "Difference"))
    return text.quantity(value, "points" if points else unit, 3)


def asked_text(check: Check) -> str:
    """Print the limit of a criterion."""
    return f"{text.relation(check.relation)} {_in_unit(check.limit, check.unit, check.name)}"


def found_text(check: Check) -> str:
    """Print what was found for a criterion."""
    return _in_unit(check.value, check.unit, check.name) if check.value is not None else "no value"


def _rule_row(rule: Rule) -> dict[str, str]:
    basis = rule.clause.removeprefix("criterion of this toolkit: ")
    return {
        "title": rule.title,
        "limit": f"{text.relation(rule.relation)} {_in_unit(rule.limit, rule.unit, rule.title)}",
        "looks": text.listed(rule.methods) if rule.methods else "all",
        "basis": basis,
    }


def _without_criterion(test: SelfTest) -> list[str]:
    """Say what was found where no criterion of the bias is stated for a plotted quantity and a look."""
    lines = []
    for one in (quantity for quantity in test.quantities if quantity.main):
        rules = [rule for rule in test.rules if rule.name.split(":")[:2] == ["bias", one.quantity]]
        for look in one.looks:
            if any(not rule.methods or look.look in rule.methods for rule in rules):
                continue
            half = None if look.bias_ci95 is None else (look.bias_ci95[1] - look.bias_ci95[0]) / 2
            unit = text.unit(difference_unit(one.unit))
            bias = f"{_signed(look.bias, half)}{f' {unit}' if unit else ''}"
            held = f"{look.covered} of {look.stated} intervals hold the truth"
            lines.append(f"{one.title}, {look.look} images: bias {bias}; {held}")
    return lines


def _signed(value: float | None, half: float | None = None) -> str:
    if value is None:
        return text.NO_VALUE
    shown = text.pm(value, half) if half is not None else text.short(value, 2)
    return shown if shown.startswith(text.MINUS) else f"+{shown}"


def _bias_table(test: SelfTest) -> Table:
    rows = []
    for one in test.quantities:
        for look in one.looks:
            half = None if look.bias_ci95 is None else (look.bias_ci95[1] - look.bias_ci95[0]) / 2
            slope = text.NO_VALUE if look.slope is None else text.at_place(look.slope, 3)
            slope_half = None if look.slope_ci95 is None else (look.slope_ci95[1] - look.slope_ci95[0]) / 2
            rows.append(
                (
                    _named(one),
                    look.look,
                    str(look.n),
                    _signed(look.bias, half),
                    text.short(look.s, 2) if look.s is not None else text.NO_VALUE,
                    text.short(look.u_rms, 2) if look.u_rms is not None else text.NO_VALUE,
                    slope if slope_half is None else text.pm(look.slope, slope_half),
                )
            )
    return Table(
        title="Bias, repeatability, linearity",
        columns=("Quantity", "Look", "Phantoms", "Bias ± 95 %", "Repeatability s", "Stated u", "Slope ± 95 %"),
        rows=tuple(rows),
    )


def _named(one: QuantityTest) -> str:
    unit = text.unit(difference_unit(one.unit) if one.unit == "%" else one.unit)
    return f"{one.title} [{unit}]" if unit else one.title


def _coverage_table(test: SelfTest) -> Table:
    rows = []
    for one in test.quantities:
        for look in one.looks:
            ends = look.coverage_ci95
            rows.append(
                (
                    one.title,
                    look.look,
                    f"{look.covered} of {look.stated}",
                    text.percent(look.covered / look.stated) if look.stated else text.NO_VALUE,
                    text.NO_VALUE if ends is None else text.interval((100 * ends[0], 100 * ends[1]), 20.0, "%"),
                )
            )
    return Table(
        title="Coverage",
        columns=("Quantity", "Look", "Intervals that hold the truth", "Share", "95 % interval of the coverage"),
        rows=tuple(rows),
    )


def _truth_table(one: QuantityTest) -> Table:
    """Every truth and look of a quantity in one line."""
    rows = []
    for nominal in sorted({point.nominal for point in one.points}):
        for look in one.looks:
            own = [point for point in one.points if (point.nominal, point.look) == (nominal, look.look)]
            if not own:
                continue
            covered = sum(p.interval is not None and p.interval[0] <= p.truth <= p.interval[1] for p in own)
            rows.append(
                (
                    text.as_given(nominal),
                    look.look,
                    text.number(_mean([point.truth for point in own])),
                    text.number(_mean([point.held for point in own])),
                    ", ".join(text.number(point.value) for point in own),
                    _signed(_mean([point.value - point.held for point in own])),
                    f"{covered} of {sum(point.interval is not None for point in own)}",
                )
            )
    unit = text.unit(one.unit)
    return Table(
        title=f"{one.title} [{unit}]" if unit else one.title,
        columns=("Drawn for", "Look", "Truth of the material", "In the fields", "Measured", "Mean error", "Covered"),
        rows=tuple(rows),
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


_MARKERS: Mapping[str, tuple[str, str]] = {
    "good": ("o", "white"),
    "ordinary": ("s", "#9db8c6"),
    "poor": ("^", "#0b4f6c"),
}


def _plot(one: QuantityTest, test: SelfTest, accent: str) -> dict[str, str]:
    limit = next((rule.limit for rule in test.rules if rule.name == f"bias:{one.quantity}"), None)
    unit = text.unit(one.unit)

    def draw(axes: Axes) -> None:
        axes.spines[["top", "right"]].set_visible(False)
        every = [value for point in one.points for value in (point.truth, point.value)]
        low, high = min(every), max(every)
        room = 0.06 * ((high - low) or 1.0)
        ends = (low - room, high + room)
        axes.plot(ends, ends, color=charts.INK, lw=0.9, zorder=1)
        if limit is not None:
            for sign in (-1, 1):
                axes.plot(
                    ends, [end + sign * limit for end in ends], color=charts.INK, lw=0.8, ls=(0, (1, 1.6)), zorder=1
                )
        for look in one.looks:
            own = [point for point in one.points if point.look == look.look]
            marker, fill = _MARKERS[look.look]
            axes.errorbar(
                [point.truth for point in own],
                [point.value for point in own],
                yerr=[_reach(own, 0), _reach(own, 1)],
                fmt=marker,
                ms=3.6,
                mec=accent,
                mfc=fill,
                mew=0.8,
                ecolor=accent,
                elinewidth=0.5,
                label=look.look,
                zorder=2,
            )
        axes.set_xlim(*ends)
        axes.set_ylim(*ends)
        axes.set_xlabel(f"True{f' [{unit}]' if unit else ''}")
        axes.set_ylabel(f"Measured{f' [{unit}]' if unit else ''}")
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.yaxis.set_major_locator(MaxNLocator(6))
        axes.legend(loc="upper left", frameon=False, fontsize=7, handletextpad=0.3)

    words = "full line, measured = true"
    if limit is not None:
        words += f"; dotted, the limit of the bias, ± {_in_unit(limit, one.unit, 'Bias')}"
    return {
        "title": one.title,
        "svg": data_uri(charts.drawn_svg(draw, 84.0, 72.0).encode(), "image/svg+xml"),
        "words": f"{len(one.points)} phantoms with their stated 95 % intervals; {words}.",
        "alt": f"{one.title}: measured over true, {len(one.points)} phantoms",
    }


def _reach(points: Sequence[Point], end: int) -> list[float]:
    """Length of the error bars: an interval wider than the range of the plot is cut by its frame."""
    return [0.0 if p.interval is None else abs(p.interval[end] - p.value) for p in points]


def _size_table(test: SelfTest) -> Table:
    um = next((one.pixel_um for one in test.recipes if one.recipe == "porosity"), 1.0)
    return Table(
        title="Pores of one size",
        columns=(
            "Diameter [px]",
            "Diameter [µm]",
            "Look",
            "Pores drawn",
            "Found",
            "Found [%]",
            "Error of the diameter [%]",
            "False pores per Mpx",
        ),
        rows=tuple(
            (
                text.as_given(row.diameter_px),
                text.short(row.diameter_px * um, 3),
                row.look,
                str(row.pores),
                str(row.detected),
                text.short(100 * row.detected / row.pores, 3) if row.pores else text.NO_VALUE,
                _signed(row.ecd_error_percent),
                text.short(row.false_per_mpx, 2),
            )
            for row in sorted(test.sizes, key=lambda row: row.diameter_px)
        ),
    )


def _smallest_words(one: Smallest, test: SelfTest) -> str:
    share, error = test.size_limits
    asked = f"at least {share:g} % found, diameter within {error:g} %"
    if one.diameter_px is None:
        return f"{one.look} images: no size that was drawn is measurable ({asked})"
    size = f"{text.as_given(one.diameter_px)} px = {text.quantity(one.diameter_um, 'um', 3)}"
    return f"{one.look} images: {size} and every larger size drawn ({asked})"


def _size_plot(test: SelfTest) -> str:
    looks = tuple(dict.fromkeys(row.look for row in test.sizes))

    def draw(axes: Axes) -> None:
        axes.spines[["top", "right"]].set_visible(False)
        axes.axhline(test.size_limits[0], color=charts.INK, lw=0.8, ls=(0, (1, 1.6)))
        for look in looks:
            rows = sorted(
                (row for row in test.sizes if row.look == look and row.pores), key=lambda row: row.diameter_px
            )
            marker, fill = _MARKERS[look]
            axes.plot(
                [row.diameter_px for row in rows],
                [100 * row.detected / row.pores for row in rows],
                marker=marker,
                ms=4,
                mec="#0b4f6c",
                mfc=fill,
                mew=0.8,
                color="#0b4f6c",
                lw=0.9,
                label=look,
            )
        axes.set_ylim(-3, 104)
        axes.set_xlabel("Diameter of the pores [px]")
        axes.set_ylabel("Found [%]")
        axes.xaxis.set_major_locator(MaxNLocator(7, integer=True))
        axes.legend(loc="lower right", frameon=False, fontsize=7)

    return data_uri(charts.drawn_svg(draw, 84.0, 56.0).encode(), "image/svg+xml")


def _tile_row(one: TileTest) -> dict[str, str]:
    if one.values is None or one.tiles_px is None:
        return {"title": one.title, "backend": one.backend, "words": f"not checked: {one.skipped}"}
    first, second = one.values
    difference = text.short(abs(second - first), 2) if second != first else "0"
    unit = text.unit(difference_unit(one.unit) if one.unit == "%" else one.unit)
    return {
        "title": one.title,
        "backend": one.backend,
        "words": f"tiles of {one.tiles_px[0]} and {one.tiles_px[1]} px: {text.number(first, 6)} and "
        f"{text.number(second, 6)}, difference {difference}{f' {unit}' if unit else ''}",
    }


def _golden_table(golden: GoldenPart) -> Table:
    rows = []
    for row in golden.rows:
        unit = text.unit(row.unit)
        rows.append(
            (
                row.job,
                row.specimen,
                f"{row.title} [{unit}]" if unit else row.title,
                text.pm(row.before, row.expanded_u),
                text.value_text(row.after, row.expanded_u),
                "0" if row.difference == 0 else _signed(row.difference),
                text.short(row.tolerance, 2) if row.tolerance is not None else text.NO_VALUE,
                "yes" if row.within else "NO",
            )
        )
    return Table(
        title="Golden images",
        columns=("Job", "Specimen", "Result", "Recorded ± U", "Now", "Difference", "Tolerance", "Within"),
        rows=tuple(rows),
    )
