"""What a self-test says, and its page: the values, the drawings, and how they are worded.

``selftest.json`` holds exactly a ``SelfTest``; the page is a view of it that computes nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from inspect_tool.languages import ENGLISH, Text, Words, joined, named, said, translated
from inspect_tool.model import Check, Header, Provenance, Rule, StandardRecord, Table
from inspect_tool.report import charts, text
from inspect_tool.report.plots import Axis, Curve, Line, Mark, Marker, Plot, plot_svg
from inspect_tool.report.render import render_page
from inspect_tool.report.template import Medium, data_uri, load_settings
from inspect_tool.standards.editions import designation
from inspect_tool.studies.comparison.page import difference_unit

SCHEMA = "inspect_tool/selftest/1"
WHAT = "The self-test as data"
"""Name of the data in the PDF."""


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
    title: Words
    unit: str
    main: bool  # plotted
    looks: tuple[LookSummary, ...]
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfReach:
    """A truth of the kit that was left out, with its reason."""

    truth: float
    unit: str
    reason: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeTest:
    """What was run for one recipe."""

    recipe: str
    title: Words
    standard: str  # designation
    backend: str
    settings: Mapping[str, Any]
    weights_sha256: str
    used: Mapping[str, Any]  # device, engine and precision that were taken
    pixel_um: float
    truths: Words  # what was drawn
    phantoms: int
    fields: int
    repeats: int
    failed: tuple[Words, ...]  # phantoms that could not be measured, with the reason
    left: tuple[OutOfReach, ...]
    refused: Words  # why nothing was run; empty: it was
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
    title: Words
    unit: str
    tiles_px: tuple[int, int] | None
    values: tuple[float, float] | None
    skipped: Words  # why it was not done; empty: it was


@dataclass(frozen=True, slots=True, kw_only=True)
class HashedFile:
    """A file that results depend on. ``intact`` None: nothing to compare its hash with."""

    kind: Literal["weights", "standard", "criteria", "template"]
    name: Words
    sha256: str
    intact: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """IQ: what is installed, and whether it is what was shipped."""

    software: str
    version: str
    python: str
    platform: str
    machine: Mapping[str, Words]
    packages: Mapping[str, str]
    files: tuple[HashedFile, ...]
    package_files: int | None  # that the record of the installation has a hash of; None: no record (a checkout)
    changed_files: tuple[Words, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionCases:
    """OQ: the worked cases of one standards file."""

    standard: str
    cases: int
    passed: int
    failures: tuple[Words, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenRow:
    """PQ: one result of the laboratory's own images."""

    job: str
    specimen: str
    title: Words
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
    tolerance: Words
    rows: tuple[GoldenRow, ...]
    masks: int
    masks_changed: int
    changes: tuple[Words, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One criterion and what was found."""

    rule: str
    recipe: str  # empty: of the whole test
    check: Check
    skipped: Words  # why it was not judged; empty: it was


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
    language: str = ""  # of the words of the page; empty: English


# --------------------------------------------------------------------------------------------------------- page

Say = Callable[[str], str]  # puts a text into the words of the language

_VERDICTS: Mapping[str, Words] = {
    "criteria met": Text("selftest.criteria_met"),
    "criteria not met": Text("selftest.criteria_not_met"),
}
"""Verdict to its words on a page."""
_KINDS: Mapping[str, Words] = {
    "weights": Text("selftest.kind_weights"),
    "standard": Text("selftest.kind_standard"),
    "criteria": Text("selftest.kind_criteria"),
    "template": Text("selftest.kind_template"),
}
"""Kind of a file to its words on a page."""
_MACHINE: Mapping[str, Words] = {
    "system": Text("selftest.system"),
    "processor": Text("selftest.processor"),
    "logical processors": Text("selftest.logical_processors"),
}
"""What is said of a machine, as ``Installation`` calls it, to its words on a page."""
_TOOLKIT = "criterion of this toolkit: "


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
    language = test.language or ENGLISH
    say = partial(said, language=language)
    test = translated(test, language)
    colors = load_settings(template).colors
    judged = [one for one in test.judged if not one.skipped]
    run = tuple(one for one in test.recipes if not one.refused)
    values = {
        "test": test,
        "edition": designation(test.criteria),
        "criteria_title": named("editions", test.criteria.title),
        "verdict": _VERDICTS[test.verdict],
        "sign": "pass" if test.verdict == "criteria met" else "fail",
        "judged": judged,
        "missed": [one for one in judged if not one.check.passed],
        "skipped": [one for one in test.judged if one.skipped],
        "run": run,
        "unjudged": _without_criterion(test),
        "rule_rows": tuple(_rule_row(rule) for rule in test.rules),
        "found": lambda one: say(found_text(one)),
        "asked": lambda one: say(asked_text(one)),
        "left_of": {one.recipe: tuple(_left_out(left) for left in one.left) for one in run},
        "look_name": lambda look: say(look_name(look)),
        "kind_of": _KINDS,
        "machine": tuple(
            Text("selftest.machine_item", name=_MACHINE.get(name, name), value=value)
            for name, value in test.installation.machine.items()
        ),
        "bias_table": _bias_table(test),
        "coverage_table": _coverage_table(test),
        "plots": tuple(_plot(one, test, colors.accent, language) for one in test.quantities if one.main),
        "sizes": _size_table(test),
        "smallest": tuple(_smallest_words(one, test) for one in test.smallest),
        "size_plot": _size_plot(test, language) if test.sizes else None,
        "tiles": tuple(_tile_row(one) for one in test.tiles),
        "cells": tuple(_truth_table(one) for one in test.quantities),
        "golden": _golden_table(test.golden) if test.golden is not None else None,
        "settings_of": lambda settings: "; ".join(f"{k} = {text.setting(v)}" for k, v in settings.items()),
        "weights": [file for file in test.installation.files if file.kind == "weights"],
        "hashed": [file for file in test.installation.files if file.kind != "weights"],
    }
    return render_page("selftest.html.j2", translated(values, language), folder, template, medium, language)


def _in_unit(value: float | None, unit: str, rule: str) -> str:
    """Print a value of a rule; a bias or a difference of a percentage is in points."""
    apart = rule.partition(":")[0] in ("bias", "tiles")
    return text.figure(text.quantity(value, difference_unit(unit) if apart else unit, 3))


def _related(relation: str, limit: float, unit: str, rule: str) -> str:
    return joined(text.NBSP, (text.relation(relation), _in_unit(limit, unit, rule)))


def look_name(look: str) -> Words:
    """Name the quality of drawn images, as ``phantom_jobs.LOOKS`` has it."""
    return Text(f"selftest.look_{look}")


def asked_text(one: Judged) -> str:
    """Print the limit of a criterion."""
    return _related(one.check.relation, one.check.limit, one.check.unit, one.rule)


def found_text(one: Judged) -> str:
    """Print what was found for a criterion."""
    if one.check.value is None:
        return Text("selftest.no_value")
    return _in_unit(one.check.value, one.check.unit, one.rule)


def _rule_row(rule: Rule) -> dict[str, str]:
    return {
        "title": named("rules", rule.title),
        "limit": _related(rule.relation, rule.limit, rule.unit, rule.name),
        "looks": Text("page.listed", names=tuple(map(look_name, rule.methods)))
        if rule.methods
        else Text("selftest.all_looks"),
        "basis": named("clauses", rule.clause.removeprefix(_TOOLKIT)),
    }


def _left_out(left: OutOfReach) -> Words:
    before, unit = ("G ", "1") if left.unit == "G" else ("", left.unit)
    truth = before + text.figure(text.with_unit(text.as_given(left.truth), unit))
    return Text("selftest.left_out_one", truth=truth, reason=left.reason)


def _without_criterion(test: SelfTest) -> tuple[Words, ...]:
    """Say what was found where no criterion of the bias is stated for a plotted quantity and a look."""
    lines = []
    for one in (quantity for quantity in test.quantities if quantity.main):
        rules = [
            rule
            for rule in test.rules
            if rule.name.split(":")[:2] in (["bias", one.quantity], ["relative_bias", one.quantity])
        ]
        for look in one.looks:
            if any(not rule.methods or look.look in rule.methods for rule in rules):
                continue
            lines.append(
                Text(
                    "selftest.bias_without_criterion",
                    title=one.title,
                    look=look_name(look.look),
                    bias=text.with_unit(_signed(look.bias, _half(look.bias_ci95)), difference_unit(one.unit)),
                    covered=look.covered,
                    stated=look.stated,
                )
            )
    return tuple(lines)


def _half(interval: Interval | None) -> float | None:
    return None if interval is None else (interval[1] - interval[0]) / 2


def _signed(value: float | None, half: float | None = None) -> str:
    if value is None:
        return text.NO_VALUE
    shown = text.pm(value, half) if half is not None else text.short(value, 2)
    return shown if shown.startswith(text.MINUS) else f"+{shown}"


def _bias_table(test: SelfTest) -> Table:
    rows = []
    for one in test.quantities:
        for look in one.looks:
            slope, slope_half = look.slope, _half(look.slope_ci95)
            printed = text.NO_VALUE if slope is None else text.at_place(slope, 3)
            rows.append(
                (
                    text.titled(one.title, difference_unit(one.unit)),
                    look_name(look.look),
                    str(look.n),
                    text.figure(_signed(look.bias, _half(look.bias_ci95))),
                    text.figure(text.short(look.s, 2)),
                    text.figure(text.short(look.u_rms, 2)),
                    text.figure(printed if slope_half is None else text.pm(slope, slope_half)),
                )
            )
    return Table(
        title=Text("selftest.bias_head"),
        columns=(
            Text("words.quantity"),
            Text("selftest.look"),
            Text("selftest.phantoms"),
            Text("selftest.bias_95"),
            Text("selftest.repeatability_s"),
            Text("selftest.stated_u"),
            Text("selftest.slope_95"),
        ),
        rows=tuple(rows),
    )


def _coverage_table(test: SelfTest) -> Table:
    rows = []
    for one in test.quantities:
        for look in one.looks:
            ends = look.coverage_ci95
            interval = text.NO_VALUE if ends is None else text.interval((100 * ends[0], 100 * ends[1]), 20.0, "%")
            rows.append(
                (
                    one.title,
                    look_name(look.look),
                    Text("selftest.n_of", n=look.covered, all=look.stated),
                    text.figure(text.percent(look.covered / look.stated) if look.stated else text.NO_VALUE),
                    text.figure(interval),
                )
            )
    return Table(
        title=Text("selftest.coverage_head"),
        columns=(
            Text("words.quantity"),
            Text("selftest.look"),
            Text("selftest.intervals_hold"),
            Text("words.share"),
            Text("selftest.coverage_interval"),
        ),
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
            stated = sum(point.interval is not None for point in own)
            rows.append(
                (
                    text.figure(text.as_given(nominal)),
                    look_name(look.look),
                    text.figure(text.number(_mean([point.truth for point in own]))),
                    text.figure(text.number(_mean([point.held for point in own]))),
                    joined(", ", (text.figure(text.number(point.value)) for point in own)),
                    text.figure(_signed(_mean([point.value - point.held for point in own]))),
                    Text("selftest.n_of", n=covered, all=stated),
                )
            )
    return Table(
        title=text.titled(one.title, one.unit),
        columns=(
            Text("selftest.drawn_for"),
            Text("selftest.look"),
            Text("selftest.truth_of_material"),
            Text("selftest.in_the_fields"),
            Text("selftest.axis_measured"),
            Text("selftest.mean_error"),
            Text("selftest.covered"),
        ),
        rows=tuple(rows),
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


_MARKERS: Mapping[str, tuple[Marker, str]] = {
    "good": ("circle", "white"),
    "ordinary": ("square", "#9db8c6"),
    "poor": ("triangle", "#0b4f6c"),
}


def _plot(one: QuantityTest, test: SelfTest, accent: str, language: str) -> dict[str, str]:
    say = partial(said, language=language)
    names = (f"bias:{one.quantity}", f"relative_bias:{one.quantity}")
    rule = next((rule for rule in test.rules if rule.name in names), None)
    limit, relative = (None, False) if rule is None else (rule.limit, rule.name == names[1])
    every = [value for point in one.points for value in (point.truth, point.value)]
    low, high = min(every), max(every)
    room = 0.06 * ((high - low) or 1.0)
    ends = (low - room, high + room)
    sides: list[tuple[float, ...]] = []
    if limit is not None:
        reach = limit / 100 if relative else limit
        sides = [tuple(end + sign * reach * (end if relative else 1) for end in ends) for sign in (-1, 1)]
    marks: list[Mark] = [
        Curve(x=ends, y=ends, width=0.9),
        *(Curve(x=ends, y=side, width=0.8, dash=(1, 1.6)) for side in sides),
    ]
    for look in one.looks:
        own = [point for point in one.points if point.look == look.look]
        marker, fill = _MARKERS[look.look]
        marks.append(
            Curve(
                x=[point.truth for point in own],
                y=[point.value for point in own],
                color=accent,
                marker=marker,
                size=3.6,
                fill=fill,
                edge=0.8,
                reach=[_reach(point) for point in own],
                name=say(look_name(look.look)),
            )
        )
    plot = Plot(
        marks=marks,
        x=Axis(label=say(text.titled(Text("selftest.axis_true"), one.unit)), low=ends[0], high=ends[1], intervals=8),
        y=Axis(
            label=say(text.titled(Text("selftest.axis_measured"), one.unit)), low=ends[0], high=ends[1], intervals=6
        ),
    )
    phantoms = text.plural(len(one.points), "phantom")
    words = (
        Text("selftest.plot_words", phantoms=phantoms)
        if limit is None
        else Text(
            "selftest.plot_words_limit",
            phantoms=phantoms,
            limit=_in_unit(limit, "%" if relative else one.unit, "relative_bias" if relative else "bias"),
        )
    )
    return {
        "title": one.title,
        "svg": data_uri(plot_svg(plot, 84.0, 72.0, language).encode(), "image/svg+xml"),
        "words": words,
        "alt": Text("selftest.alt_plot", title=one.title, phantoms=phantoms),
    }


def _reach(point: Point) -> tuple[float, float]:
    """How far the interval goes below and above a value; one wider than the range of the plot is cut by its frame."""
    if point.interval is None:
        return 0.0, 0.0
    return abs(point.interval[0] - point.value), abs(point.interval[1] - point.value)


def _size_table(test: SelfTest) -> Table:
    um = next((one.pixel_um for one in test.recipes if one.recipe == "porosity"), 1.0)
    return Table(
        title=Text("selftest.sizes"),
        columns=(
            Text("selftest.diameter_px"),
            Text("selftest.diameter_um"),
            Text("selftest.look"),
            Text("selftest.pores_drawn"),
            Text("selftest.pores_found"),
            Text("selftest.found_percent"),
            Text("selftest.diameter_error"),
            Text("selftest.false_pores"),
        ),
        rows=tuple(
            (
                text.figure(text.as_given(row.diameter_px)),
                text.figure(text.short(row.diameter_px * um, 3)),
                look_name(row.look),
                str(row.pores),
                str(row.detected),
                text.figure(text.short(100 * row.detected / row.pores, 3) if row.pores else text.NO_VALUE),
                text.figure(_signed(row.ecd_error_percent)),
                text.figure(text.short(row.false_per_mpx, 2)),
            )
            for row in sorted(test.sizes, key=lambda row: row.diameter_px)
        ),
    )


def _smallest_words(one: Smallest, test: SelfTest) -> str:
    share, error = test.size_limits
    look = look_name(one.look)
    if one.diameter_px is None:
        return Text("selftest.smallest_none", look=look, share=share, error=error)
    px, um = text.as_given(one.diameter_px), text.quantity(one.diameter_um, "um", 3)
    return Text("selftest.smallest_is", look=look, px=px, um=um, share=share, error=error)


def _size_plot(test: SelfTest, language: str) -> str:
    say = partial(said, language=language)
    looks = tuple(dict.fromkeys(row.look for row in test.sizes))

    marks: list[Mark] = [Line(at=test.size_limits[0], width=0.8, dash=(1, 1.6))]
    for look in looks:
        rows = sorted((row for row in test.sizes if row.look == look and row.pores), key=lambda row: row.diameter_px)
        marker, fill = _MARKERS[look]
        marks.append(
            Curve(
                x=[row.diameter_px for row in rows],
                y=[100 * row.detected / row.pores for row in rows],
                color=charts.LINES[0][0],
                width=0.9,
                marker=marker,
                size=4.0,
                fill=fill,
                edge=0.8,
                name=say(look_name(look)),
            )
        )
    plot = Plot(
        marks=marks,
        x=Axis(label=say(Text("selftest.axis_diameter")), intervals=8, whole=True),
        y=Axis(label=say(Text("selftest.found_percent")), low=-3.0, high=104.0),
    )
    return data_uri(plot_svg(plot, 84.0, 56.0, language).encode(), "image/svg+xml")


def _tile_row(one: TileTest) -> dict[str, str]:
    if one.values is None or one.tiles_px is None:
        words = Text("selftest.tiles_not_checked", reason=one.skipped)
    else:
        first, second = one.values
        difference = text.short(abs(second - first), 2) if second != first else "0"
        words = Text(
            "selftest.tiles_are",
            small=one.tiles_px[0],
            large=one.tiles_px[1],
            first=text.number(first, 6),
            second=text.number(second, 6),
            difference=text.with_unit(difference, difference_unit(one.unit)),
        )
    return {"title": one.title, "backend": one.backend, "words": words}


def _golden_table(golden: GoldenPart) -> Table:
    rows = tuple(
        (
            row.job,
            row.specimen,
            text.titled(row.title, row.unit),
            text.figure(text.pm(row.before, row.expanded_u)),
            text.figure(text.value_text(row.after, row.expanded_u)),
            text.figure("0" if row.difference == 0 else _signed(row.difference)),
            text.figure(text.short(row.tolerance, 2)),
            Text("selftest.yes" if row.within else "selftest.no"),
        )
        for row in golden.rows
    )
    return Table(
        title=Text("selftest.golden_images"),
        columns=(
            Text("selftest.job"),
            Text("words.specimen"),
            Text("words.result"),
            Text("selftest.recorded_u"),
            Text("selftest.now"),
            Text("words.difference"),
            Text("selftest.tolerance"),
            Text("selftest.within"),
        ),
        rows=rows,
    )
