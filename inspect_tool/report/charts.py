"""Charts of a report: histograms, curves, points and bars as SVG whose numbers are text of a language.

Lines differ by color and dash, fills by color and hatch, markers by shape: a black-and-white print tells them apart.
Limits are full dark lines with their number, guard bands are hatched, results are gray bands. The same input gives the
same bytes.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from math import log10, sqrt

from inspect_tool.languages import ENGLISH, Text, Words, localized, said
from inspect_tool.model import Chart, Series
from inspect_tool.report.judged import NOTHING, Limit, OnAxis, Stated, Strip
from inspect_tool.report.plots import INK, Axis, Band, Bars, Curve, Dash, Hatch, Line, Mark, Marker, Plot, plot_svg
from inspect_tool.report.text import MINUS, NBSP, heading, short
from inspect_tool.report.text import on_axis as unit_on_axis

# dark to light: the order of curves can be read in gray; dashes tell them apart as well
LINES: tuple[tuple[str, Dash], ...] = (
    ("#0b4f6c", ()),
    ("#c4560a", (5, 2)),
    ("#4f9d69", (1.5, 1.5)),
    ("#7a6f9b", (6, 2, 1, 2)),
)
FILLS = ("#35647e", "#d89a5b", "#9cc5a9", "#c3bcd4")
HATCHES: tuple[Hatch, ...] = ("", "rising", "dots", "falling")
MARKERS: tuple[Marker, ...] = ("circle", "square", "diamond", "triangle")
LIMIT = "#8f1d1d"
RESULT = "#d9e0e6"
_MOST_LABELED = 12  # bars that have their numbers above them
_FEW = 10  # values below which each is a dot
_FAR, _FAR_OF_DOTS = 2.0, 8.0  # a limit farther off, in ranges of all else, is named at the edge: else all is pressed

_ROW_MM, _AROUND_MM = 9.0, 19.0  # of a strip: each specimen, and axis, legend and labels


@lru_cache(maxsize=64)
def chart_svg(
    chart: Chart, width_mm: float = 84.0, height_mm: float = 56.0, language: str = ENGLISH, on: OnAxis = NOTHING
) -> str:
    """Draw a chart as SVG: thin axes, direct labels, distinguishable without color.

    The picture has no title: the report prints ``chart.title`` as text. Its own words are text too, so that
    they can be searched. Fewer than ten counted things are dots on each other; bars that start far above 0 are dots.

    Parameters
    ----------
    chart : Chart
    width_mm, height_mm : float
        Of the picture on paper; its words have one size whatever these are. [mm]
    language : str
        Of numbers and of the words in the legend.
    on : OnAxis
        Limits and results on its axis of values: across for histograms and cumulative curves, else up.
    """
    upright = chart.kind in ("histogram", "cumulative")
    scattered = chart.kind == "bars" and _far_from_zero(chart.series)
    match chart.kind:
        case "histogram":
            marks = list(_dots(chart) if _are_few(chart.series) else _histogram(chart))
        case "cumulative":
            marks = list(_curves(chart))
        case "points":
            marks = list(_points(chart))
        case "bars":
            marks = list(_points(chart) if scattered else _bars(chart, language))
    own = [
        Line(at=x, upright=True, dash=(4, 2), label=f"{MINUS}{label[1:]}" if label.startswith("-") else label)
        for x, label in chart.limits
    ]
    drawn = [value for series in chart.series for value in (series.x if upright else series.y)]
    if chart.kind == "bars" and not scattered:
        drawn.append(0.0)
    far = _FAR_OF_DOTS if chart.kind == "points" or scattered else _FAR
    judged = _judged(on, drawn, far, upright=upright, log=upright and chart.x_scale == "log", language=language)
    plot = Plot(marks=[*marks, *own, *judged], x=_x_axis(chart), y=_y_axis(chart, scattered=scattered))
    return plot_svg(plot, width_mm, height_mm, language)


def strip_mm(strip: Strip) -> float:
    """Height of a strip. [mm]"""
    return _AROUND_MM + _ROW_MM * len(strip.rows)


@lru_cache(maxsize=64)
def strip_svg(strip: Strip, width_mm: float = 84.0, language: str = ENGLISH) -> str:
    """Draw where results lie against their limits: a row for each specimen, with the values of its fields over it."""
    rows = len(strip.rows)
    marks: list[Mark] = []
    for i, row in enumerate(strip.rows):
        marks += _guards(row.limits, language, upright=True, along=(rows - i - 0.45, rows - i + 0.45))
    limits = {(limit.at, limit.words): limit for row in strip.rows for limit in row.limits}
    marks += _limit_lines(limits.values(), language, upright=True)
    values = [(value, rows - i + 0.16) for i, row in enumerate(strip.rows) for value in row.values]
    if values:
        x, y = zip(*values, strict=True)
        name = said(Text("page.chart_fields"), language)
        marks.append(Curve(x=x, y=y, marker="circle", size=3.4, edge=0.7, name=name))
    for i, row in enumerate(strip.rows):
        name = "" if i else said(Text("page.chart_result"), language)
        marks += _whiskers(row.result, rows - i - (0.16 if row.values else 0.0), name)
    plot = Plot(
        marks=marks,
        x=Axis(label=unit_on_axis(said(strip.title, language), strip.unit), intervals=6),
        y=Axis(low=0.45, high=rows + 0.55, names=[(rows - i, row.name) for i, row in enumerate(strip.rows)]),
    )
    return plot_svg(plot, width_mm, strip_mm(strip), language)


def _whiskers(result: Stated, at: float, name: str) -> Iterator[Mark]:
    """A result with its interval on a level."""
    yield Curve(x=[result.low, result.high], y=[at, at], width=1.3)
    for end in (result.low, result.high):
        yield Curve(x=[end, end], y=[at - 0.09, at + 0.09], width=1.3)
    yield Curve(x=[result.value], y=[at], marker="diamond", size=4.6, fill=INK, name=name)


def _judged(
    on: OnAxis, drawn: Sequence[float], far: float, *, upright: bool, log: bool, language: str
) -> Iterator[Mark]:
    """Results as gray bands, guard bands hatched, limits as lines, or as words at the edge where they are far off."""
    everything = [*drawn, *(end for one in on.results for end in (one.low, one.high))]
    for i, one in enumerate(on.results):
        name = "" if i else said(Text("page.chart_result"), language)
        yield Band(low=one.low, high=one.high, upright=upright, fill=RESULT, name=name)
    near = [limit for limit in on.limits if _is_near(limit, everything, far, log=log)]
    yield from _guards(near, language, upright=upright)
    for one in on.results:
        yield Line(at=one.value, upright=upright, width=0.8, label=said(one.words, language))
    yield from _limit_lines(near, language, upright=upright)
    for limit in on.limits:
        if limit not in near:
            end, beyond = (max(everything), True) if limit.at > max(everything) else (min(everything), False)
            label = _limit_label(limit, language)
            if not upright:
                label = f"{label}{NBSP}{'↑' if beyond else '↓'}"
            else:
                label = f"{label}{NBSP}→" if beyond else f"←{NBSP}{label}"
            yield Line(at=end, upright=upright, width=0.0, label=label)


def _guards(
    limits: Iterable[Limit], language: str, *, upright: bool, along: tuple[float, float] | None = None
) -> Iterator[Mark]:
    name = said(Text("page.chart_guard"), language)
    for limit in limits:
        if limit.guard:
            low, high = limit.guard
            yield Band(low=low, high=high, upright=upright, along=along, hatch="rising", color=LIMIT, name=name)


def _limit_lines(limits: Iterable[Limit], language: str, *, upright: bool) -> Iterator[Mark]:
    for limit in limits:
        yield Line(at=limit.at, upright=upright, color=LIMIT, width=1.4, label=_limit_label(limit, language))


def _limit_label(limit: Limit, language: str) -> str:
    return localized(said(limit.words, language), language)


def _is_near(limit: Limit, others: Sequence[float], far: float, *, log: bool) -> bool:
    """Whether a limit can be drawn without pressing all else into a corner."""
    if log and limit.at <= 0:
        return False
    there = [log10(value) if log else value for value in others if value > 0 or not log]
    if not there:
        return True
    at = log10(limit.at) if log else limit.at
    span = (max(there) - min(there)) or abs(at)
    return min(there) - far * span <= at <= max(there) + far * span


def _are_few(series: Sequence[Series]) -> bool:
    """Whether a histogram counts so few things that each can be shown."""
    counts = [count for one in series for count in one.y]
    return 0 < sum(counts) < _FEW and all(float(count).is_integer() and count >= 0 for count in counts)


def _far_from_zero(series: Sequence[Series]) -> bool:
    """Whether bars would be long and alike: 0 is farther from the values than they are from each other."""
    values = [value for one in series for value in one.y]
    return len(values) > 1 and 0 < max(values) < 2 * min(values)


def _name(series: Series, chart: Chart) -> Words:
    return series.name if len(chart.series) > 1 else ""


def _dots(chart: Chart) -> Iterator[Mark]:
    """A dot for each thing that a histogram counts, on each other in the middle of its class."""
    below = [0.0] * max(len(series.y) for series in chart.series)
    for i, series in enumerate(chart.series):
        x, y = [], []
        for j, (left, right, count) in enumerate(zip(series.x[:-1], series.x[1:], series.y, strict=True)):
            middle = sqrt(left * right) if chart.x_scale == "log" and left > 0 else (left + right) / 2
            x += [middle] * int(count)
            y += [below[j] + k + 1 for k in range(int(count))]
            below[j] += count
        color, _ = LINES[i % len(LINES)]
        fill = color if i % 2 == 0 else "white"
        yield Curve(x=x, y=y, color=color, marker=MARKERS[i % 4], size=5.0, fill=fill, name=_name(series, chart))
    yield Curve(x=[chart.series[0].x[0], chart.series[0].x[-1]], y=[0.0, 0.0])  # the axis is that of the classes


def _histogram(chart: Chart) -> Iterator[Mark]:
    for i, series in enumerate(chart.series):
        edges, counts, name = series.x, series.y, _name(series, chart)
        if i == 0:
            yield Bars(left=edges[:-1], right=edges[1:], height=counts, fill=FILLS[0], parted=True, name=name)
        else:
            color, dash = LINES[i % len(LINES)]
            x = [edge for edge in edges for _ in range(2)]
            y = [0.0, *(count for count in counts for _ in range(2)), 0.0]
            yield Curve(x=x, y=y, color=color, width=1.3, dash=dash, name=name)


def _curves(chart: Chart) -> Iterator[Mark]:
    for i, series in enumerate(chart.series):
        color, dash = LINES[i % len(LINES)]
        name = _name(series, chart)
        yield Curve(x=series.x, y=series.y, color=color, width=1.5, dash=dash, stepped=True, name=name)


def _points(chart: Chart) -> Iterator[Mark]:
    for i, series in enumerate(chart.series):
        color, _ = LINES[i % len(LINES)]
        fill = color if i % 2 == 0 else "white"
        name = _name(series, chart)
        yield Curve(x=series.x, y=series.y, color=color, marker=MARKERS[i % 4], fill=fill, name=name)


def _bars(chart: Chart, language: str) -> Iterator[Mark]:
    n = len(chart.series)
    width = 0.72 / n if n else 0.0
    for i, series in enumerate(chart.series):
        middles = [j + (i - (n - 1) / 2) * width for j in range(len(series.y))]
        labeled = len(series.y) * n <= _MOST_LABELED
        yield Bars(
            left=[middle - 0.47 * width for middle in middles],
            right=[middle + 0.47 * width for middle in middles],
            height=series.y,
            fill=FILLS[i % 4],
            hatch=HATCHES[i % 4],
            labels=[localized(short(value, 3), language) for value in series.y] if labeled else (),
            name=_name(series, chart),
        )


def _x_axis(chart: Chart) -> Axis:
    label = heading(chart.x_label) if "[" in chart.x_label else chart.x_label
    margin = 0.05 if chart.kind == "cumulative" else 0.03
    if chart.kind == "bars":
        return Axis(label=label, margin=margin, names=tuple(enumerate(chart.categories)))
    whole = all(float(x).is_integer() for series in chart.series for x in series.x)
    return Axis(label=label, margin=margin, log=chart.x_scale == "log", intervals=6, whole=whole)


def _y_axis(chart: Chart, *, scattered: bool) -> Axis:
    label = heading(chart.y_label) if "[" in chart.y_label else chart.y_label
    if chart.kind == "points" or scattered:
        return Axis(label=label, margin=0.08)
    values = [value for series in chart.series for value in series.y]
    lowest = min(values, default=0.0)
    counted = chart.kind == "histogram" and all(float(value).is_integer() for value in values)
    return Axis(label=label, low=min(0.0, lowest) if chart.kind == "bars" else 0.0, whole=counted)
