"""What a gauge study says, and its page: the values, the drawings, and how they are worded.

``gauge.json`` holds exactly a ``GaugeReport``; the page is a view of it that computes nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

from markupsafe import Markup

from inspect_tool.languages import ENGLISH, Text, Words, joined, localized, said, translated
from inspect_tool.model import Header, Provenance, StandardRecord, Table
from inspect_tool.report import charts, digits, plots, text
from inspect_tool.report.plots import Axis, Bars, Curve, Line, Mark, Note, Plot, plot_svg
from inspect_tool.report.render import render_page
from inspect_tool.report.template import Medium, data_uri, load_settings
from inspect_tool.standards.editions import designation
from inspect_tool.standards.formulas.aiag_msa import ControlLimits, GaugeStudy
from inspect_tool.standards.formulas.type_1 import Type1

SCHEMA = "inspect_tool/gauge/1"
WHAT = "The study as data"
"""Name of the data in the PDF."""


Design = Literal["crossed", "nested", "type 1"]
Decision = Literal["acceptable", "conditional", "not acceptable"]
Verdict = Literal["acceptable", "conditional", "not acceptable", "no criterion"]
Say = Callable[[str], str]  # puts a text into the words of the language


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One measured value of a study and the images it rests on."""

    part: str
    appraiser: str  # an operator or a backend
    trial: str
    value: float
    images: tuple[str, ...] = ()  # SHA-256 of each; empty: not known
    source: str = ""  # line of a table, or file of a report


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyInput:
    """One file the values come from."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """One component of the variation, in the unit of the quantity and as shares."""

    name: str  # as GaugeStudy calls it: ev, av, interaction, grr, pv, tv
    title: Words
    s: float  # standard deviation
    percent_contribution: float  # of the total variance
    percent_study: float  # of the total variation
    percent_tolerance: float | None  # six s of the tolerance; None: no tolerance


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One criterion that was stated beforehand, and what was found."""

    name: str
    title: Words
    value: float
    unit: str
    relation: Literal[">=", "<="]
    limit: float  # acceptable
    conditional: float | None  # acceptable under conditions up to here; None: there is no such range
    decision: Decision
    clause: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class GaugeReport:
    """One gauge study: values, evaluation, verdict."""

    schema: str
    id: str
    study: str  # name of the file
    title: Words
    header: Header
    design: Design
    method: Literal["anova", "range", "capability"]
    quantity: str
    quantity_title: Words
    unit: str
    tolerance: float | None  # upper less lower limit
    limits: tuple[float, float] | None  # where these were given
    reference: float | None
    resolution: float | None
    parts: tuple[str, ...]  # nested: of each appraiser, in order
    appraisers: tuple[str, ...]
    trials: int
    found: GaugeStudy | None  # None: type 1
    capability: Type1 | None  # None: crossed and nested
    variations: tuple[Variation, ...]
    control: ControlLimits | None  # None: type 1, or no factors for that many trials
    criteria: tuple[Criterion, ...]
    verdict: Verdict
    standard: StandardRecord
    warnings: tuple[Words, ...]
    observations: tuple[Observation, ...]  # appraiser by appraiser, part by part
    files: tuple[StudyInput, ...]
    provenance: Provenance
    language: str = ""  # of the words of the pages; empty: English


_GRAVEST: tuple[Decision, ...] = ("not acceptable", "conditional", "acceptable")
SIGNS: Mapping[str, str] = {
    "acceptable": "pass",
    "conditional": "undecided",
    "not acceptable": "fail",
    "no criterion": "not stated",
}
"""Decision to the word whose shape and color of the template it gets."""
_SAID: Mapping[str, Words] = {
    "acceptable": Text("gauge.acceptable"),
    "conditional": Text("gauge.conditional"),
    "not acceptable": Text("gauge.not_acceptable"),
    "no criterion": Text("gauge.no_criterion"),
}
"""Decision to its words on a page."""
_SOURCES: Mapping[str, Words] = {
    "appraiser": Text("gauge.source_appraiser"),
    "part": Text("gauge.source_part"),
    "appraiser x part": Text("gauge.source_interaction"),
    "part within appraiser": Text("gauge.source_part_in_appraiser"),
    "repeatability": Text("gauge.source_repeatability"),
    "total": Text("gauge.source_total"),
}
"""Line of an analysis of variance to its words on a page."""


def overall(criteria: Sequence[Criterion]) -> Verdict:
    """One word for all criteria: the gravest."""
    decisions = {criterion.decision for criterion in criteria}
    return next((decision for decision in _GRAVEST if decision in decisions), "no criterion")


def page(report: GaugeReport, folder: Path, template: Path, medium: Medium) -> str:
    """Render a gauge study to HTML with every picture inside.

    Parameters
    ----------
    report : GaugeReport
    folder : Path
        Folder the page is written to.
    template : Path
        Template folder: its colors, fonts and logo.
    medium : "screen" or "print"
    """
    language = report.language or ENGLISH
    say = partial(said, language=language)
    report = translated(report, language)
    colors = load_settings(template).colors
    values = {
        "report": report,
        "edition": designation(report.standard),
        "unit": text.unit(report.unit),
        "sign": SIGNS,
        "said_of": _SAID,
        "source_of": _SOURCES,
        "criteria": sorted(report.criteria, key=lambda item: _GRAVEST.index(item.decision)),
        "limit_text": lambda item: say(limit_text(item)),
        "value_text": lambda item: say(text.figure(value_text(item))),
        "in_unit": lambda number: text.with_unit(number, report.unit),
        "strip": lambda percent: _strip(percent, colors.accent, colors.rule, language),
        "charts": _charts(report, language),
        "values_table": _values_table(report),
        "settings": "; ".join(
            f"{name} = {text.setting(value)}"
            for name, value in report.provenance.settings.items()
            if value is not None and value is not False and value != ""
            if name != "method" or report.design == "crossed"
        ),
        "hashed": [item for item in report.observations if item.images],
    }
    return render_page("gauge.html.j2", translated(values, language), folder, template, medium, language)


def limit_text(criterion: Criterion) -> str:
    """Print what a criterion asks.

    >>> limit_text(Criterion(name="ndc", title="", value=6.0, unit="1", relation=">=", limit=5.0, conditional=None,
    ...     decision="acceptable", clause=""))
    '≥\\xa05'
    """
    asked = f"{text.relation(criterion.relation)}{text.NBSP}{text.found(criterion.limit, criterion.unit)}"
    if criterion.conditional is None:
        return text.figure(asked)
    fair = text.found(criterion.conditional, criterion.unit)
    return Text("gauge.limit_conditional", asked=asked, limit=fair)


def value_text(criterion: Criterion) -> str:
    """Print what was found for a criterion, with as many digits as it takes to see on which side of a limit it is.

    >>> def of(value):
    ...     return Criterion(name="study", title="", value=value, unit="%", relation="<=", limit=10.0, conditional=30.0,
    ...         decision="conditional", clause="")
    >>> value_text(of(27.861)), value_text(of(10.00012))
    ('27.86\xa0%', '10.0001\xa0%')
    """
    value, limits = criterion.value, (criterion.limit, criterion.conditional)
    digits = next(
        (n for n in range(4, 12) if not any(float(f"{value:.{n}g}") == limit != value for limit in limits)), 12
    )
    return text.quantity(value, criterion.unit, digits)


def _strip(percent: float, accent: str, rule: str, language: str) -> Markup:
    """Draw a share of 100 % as a bar."""
    wide = min(max(percent, 0.0), 100.0)
    return Markup(
        '<svg class="strip" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="{said}">'
        '<rect x="0" y="1" width="100" height="8" fill="{rule}"/>'
        '<rect x="0" y="1" width="{wide:.2f}" height="8" fill="{accent}"/></svg>'
    ).format(said=localized(text.with_unit(text.short(percent, 3), "%"), language), rule=rule, accent=accent, wide=wide)


def _values_table(report: GaugeReport) -> Table:
    """Every value as text, at one decimal place: one row per appraiser and part, one column per trial."""
    values = [item.value for item in report.observations]
    place = digits.common_place(values, digits=6, decades=6.0, by_scatter=False)

    def printed(value: float, more: int = 0) -> str:
        return text.figure(text.at_place(value, place + more) if place is not None else text.number(value, 6))

    if report.reference is not None:
        apart = [value - report.reference for value in values]
        return Table(
            title=Text("gauge.values"),
            columns=(Text("words.number"), Text("words.value"), Text("gauge.value_less_reference")),
            rows=tuple(
                (str(i), printed(value), printed(difference))
                for i, (value, difference) in enumerate(zip(values, apart, strict=True), start=1)
            ),
        )
    return Table(
        title=Text("gauge.values"),
        columns=(
            Text("words.appraiser"),
            Text("words.part"),
            *(Text("gauge.trial", i=i) for i in range(1, report.trials + 1)),
            Text("words.mean"),
            Text("words.range"),
        ),
        rows=tuple(
            (appraiser, part, *map(printed, own), printed(fmean(own), 1), printed(max(own) - min(own)))
            for appraiser, part, own in _cells(report)
        ),
    )


def _cells(report: GaugeReport) -> list[tuple[str, str, list[float]]]:
    """Values of every appraiser and part, in the order of the study."""
    found: dict[tuple[str, str], list[float]] = {}
    for item in report.observations:
        found.setdefault((item.appraiser, item.part), []).append(item.value)
    return [(appraiser, part, values) for (appraiser, part), values in found.items()]


# ------------------------------------------------------------------------------------------------------ drawings


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawing:
    """A chart, and what it shows in words; a ``wide`` one takes the whole width."""

    title: Words
    words: Words
    plot: Plot
    wide: bool = False


def _charts(report: GaugeReport, language: str) -> tuple[dict[str, Any], ...]:
    """Every drawing of a study, and what it shows in words."""
    say = partial(said, language=language)
    drawn = _type_1_charts(report, say) if report.capability is not None else _study_charts(report, say)
    return tuple(
        {"title": one.title, "words": one.words, "wide": one.wide, "svg": data_uri(svg.encode(), "image/svg+xml")}
        for one in drawn
        for svg in (plot_svg(one.plot, *((174.0, 40.0) if one.wide else (84.0, 50.0)), language),)
    )


def _study_charts(report: GaugeReport, say: Say) -> list[_Drawing]:
    cells, control = _cells(report), report.control
    r_limits = (control.lower_range, control.center_range, control.upper_range) if control else None
    x_limits = (control.lower_mean, control.center_mean, control.upper_mean) if control else None
    ranges = [max(values) - min(values) for _, _, values in cells]
    means = [fmean(values) for _, _, values in cells]
    limits = Text("gauge.dashed_limits") if control else Text("gauge.no_limits")
    beyond, outside = _outside(ranges, r_limits), _outside(means, x_limits)
    in_ranges = [Text("gauge.ranges_words", limits=limits)]
    if beyond:
        in_ranges.append(Text("gauge.ranges_beyond", ranges=text.plural(beyond, "range")))
    in_means = [Text("gauge.means_words", limits=limits)]
    if control:
        in_means.append(Text("gauge.means_outside", outside=outside, n=len(means)))
    drawings = [
        _Drawing(
            title=Text("gauge.chart_ranges"),
            words=joined("", in_ranges),
            plot=_by_cell(report, ranges, r_limits, "range", say),
            wide=True,
        ),
        _Drawing(
            title=Text("gauge.chart_means"),
            words=joined("", in_means),
            plot=_by_cell(report, means, x_limits, "mean", say),
            wide=True,
        ),
        _Drawing(
            title=Text("gauge.components"),
            words=Text("gauge.bars_words"),
            plot=_components(report, say),
        ),
    ]
    if len(report.appraisers) > 1:
        drawings.append(
            _Drawing(
                title=Text("gauge.chart_by_appraiser"),
                words=Text("gauge.by_appraiser_words"),
                plot=_by_appraiser(report, say),
            )
        )
    if report.design == "crossed":
        drawings.append(
            _Drawing(
                title=Text("gauge.chart_by_part"),
                words=Text("gauge.by_part_words"),
                plot=_by_part(report, say),
            )
        )
    if report.design == "crossed" and len(report.appraisers) > 1:
        drawings.append(
            _Drawing(
                title=Text("gauge.chart_interaction"),
                words=Text("gauge.interaction_words"),
                plot=_interaction(report, say),
            )
        )
    return drawings


def _type_1_charts(report: GaugeReport, say: Say) -> list[_Drawing]:
    values = [item.value for item in report.observations]
    return [
        _Drawing(
            title=Text("gauge.chart_in_order"),
            words=Text("gauge.in_order_words"),
            plot=_run_chart(report, values, say),
            wide=True,
        )
    ]


def _outside(values: Sequence[float], limits: tuple[float, float, float] | None) -> int:
    return sum(not limits[0] <= value <= limits[2] for value in values) if limits else 0


def _value_axis(report: GaugeReport, word: str, low: float | None = None) -> Axis:
    return Axis(label=text.on_axis(word, report.unit), low=low)


def _name_axis(label: str, names: Sequence[str], most: int, ends: tuple[float, float] | None = None) -> Axis:
    """Names under their places; those that would run into each other are left out."""
    longest = max(len(name) for name in names)
    step = max(1, -(-len(names) * (longest + 1) // most))
    shown = [(float(i), _short(names[i], max(14, most // len(names)))) for i in range(0, len(names), step)]
    low, high = ends or (None, None)
    return Axis(label=label, low=low, high=high, names=shown, size=7.0)


def _short(name: str, most: int) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"


def _by_cell(
    report: GaugeReport,
    points: Sequence[float],
    limits: tuple[float, float, float] | None,
    of: Literal["range", "mean"],
    say: Say,
) -> Plot:
    """One value per cell in blocks of the appraisers, with control limits."""
    cells = _cells(report)
    size = len(report.parts)
    accent = charts.LINES[0][0]
    marks: list[Mark] = []
    for i, appraiser in enumerate(report.appraisers):
        at = range(i * size, (i + 1) * size)
        own = [points[j] for j in at]
        marks.append(Curve(x=at, y=own, color=accent, width=1.0, marker="circle", size=3.4))
        if i:
            marks.append(Line(at=i * size - 0.5, upright=True, color=plots.FAINT, width=0.7))
        name = _short(appraiser, max(6, 90 // len(report.appraisers)))
        marks.append(Note(words=name, x=i * size + (size - 1) / 2, size=8.0))
    if limits is not None:
        low, center, high = limits
        marks.append(Line(at=center))
        marks += [Line(at=value, dash=(5, 2)) for value in ((low, high) if low else (high,))]
        out = [j for j, value in enumerate(points) if not low <= value <= high]
        if out and of == "range":
            values = [points[j] for j in out]
            color = charts.LINES[1][0]
            marks.append(Curve(x=out, y=values, color=color, marker="square", size=6.5, fill="none", edge=1.2))
    return Plot(
        marks=marks,
        x=_name_axis(say(Text("words.part")), [part for _, part, _ in cells], 110, (-0.6, len(cells) - 0.4)),
        y=_value_axis(report, say(Text("words.range")), 0.0)
        if of == "range"
        else _value_axis(report, say(Text("words.mean"))),
    )


def _values(at: int, own: Sequence[float]) -> Mark:
    """Single values over the name of what they are of."""
    return Curve(x=[at] * len(own), y=own, marker="circle", size=3.4, edge=0.8)


def _by_part(report: GaugeReport, say: Say) -> Plot:
    by_part = [[item.value for item in report.observations if item.part == part] for part in report.parts]
    means = [fmean(own) for own in by_part]
    return Plot(
        marks=[
            Curve(x=range(len(means)), y=means, color=charts.LINES[0][0], width=1.4),
            *(_values(i, own) for i, own in enumerate(by_part)),
        ],
        x=_name_axis(say(Text("words.part")), report.parts, 44),
        y=_value_axis(report, say(Text("words.value"))),
    )


def _by_appraiser(report: GaugeReport, say: Say) -> Plot:
    marks: list[Mark] = []
    for i, appraiser in enumerate(report.appraisers):
        own = [item.value for item in report.observations if item.appraiser == appraiser]
        mean = [fmean(own)] * 2
        marks += [_values(i, own), Curve(x=(i - 0.22, i + 0.22), y=mean, color=charts.LINES[0][0], width=2.2)]
    return Plot(
        marks=marks,
        x=_name_axis(say(Text("words.appraiser")), report.appraisers, 52, (-0.6, len(report.appraisers) - 0.4)),
        y=_value_axis(report, say(Text("words.value"))),
    )


def _interaction(report: GaugeReport, say: Say) -> Plot:
    means = {(appraiser, part): fmean(values) for appraiser, part, values in _cells(report)}
    marks = [
        Curve(
            x=range(len(report.parts)),
            y=[means[appraiser, part] for part in report.parts],
            color=charts.LINES[i % len(charts.LINES)][0],
            dash=charts.LINES[i % len(charts.LINES)][1],
            width=1.2,
            marker=charts.MARKERS[i % len(charts.MARKERS)],
            size=3.6,
            fill="white" if i < len(charts.MARKERS) else charts.LINES[i % len(charts.LINES)][0],
            name=_short(appraiser, 18),
        )
        for i, appraiser in enumerate(report.appraisers)
    ]
    x = _name_axis(say(Text("words.part")), report.parts, 44)
    return Plot(marks=marks, x=x, y=_value_axis(report, say(Text("words.mean"))))


def _components(report: GaugeReport, say: Say) -> Plot:
    """The shares of every component side by side; their numbers stand in the table."""
    shown = [item for item in report.variations if item.name != "tv"]
    series = [
        (say(Text("gauge.bar_contribution")), [item.percent_contribution for item in shown]),
        (say(Text("gauge.bar_study")), [item.percent_study for item in shown]),
        (
            say(Text("gauge.bar_tolerance")),
            [item.percent_tolerance for item in shown if item.percent_tolerance is not None],
        ),
    ]
    series = [(name, shares) for name, shares in series if shares]
    width = 0.8 / len(series)
    marks = [
        Bars(
            left=[j + (i - len(series) / 2 + 0.03) * width for j in range(len(shares))],
            right=[j + (i - len(series) / 2 + 0.97) * width for j in range(len(shares))],
            height=shares,
            fill=charts.FILLS[i],
            hatch=charts.HATCHES[i],
            name=name,
        )
        for i, (name, shares) in enumerate(series)
    ]
    names = [(float(i), _LETTERS[item.name]) for i, item in enumerate(shown)]
    return Plot(marks=marks, x=Axis(names=names), y=Axis(label=f"{say(Text('words.share'))} [%]", low=0.0))


_LETTERS = {"grr": "GRR", "ev": "EV", "av": "AV", "interaction": "INT", "pv": "PV"}


def _run_chart(report: GaugeReport, values: Sequence[float], say: Say) -> Plot:
    assert report.reference is not None
    assert report.capability is not None
    accent = charts.LINES[0][0]
    bias = report.capability.allowed_bias
    return Plot(
        marks=[
            Curve(x=range(1, len(values) + 1), y=values, color=accent, width=0.9, marker="circle", size=3.4),
            Line(at=report.reference),
            Line(at=report.capability.mean, color=accent, width=1.0, dash=(1, 1.6)),
            *(Line(at=report.reference + side, dash=(5, 2)) for side in (-bias, bias)),
        ],
        x=Axis(label=say(Text("words.measurement")), low=0.0, high=len(values) + 1.0, intervals=12, whole=True),
        y=_value_axis(report, say(Text("words.value"))),
    )
