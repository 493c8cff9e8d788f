"""Charts of a report: histograms, curves, points and bars as SVG whose numbers are text of a language.

Lines differ by color and dash, fills by color and hatch: a black-and-white print tells them apart. The same input
gives the same bytes.
"""

from collections.abc import Iterator
from functools import lru_cache

from inspect_tool.languages import ENGLISH, localized
from inspect_tool.model import Chart
from inspect_tool.report.plots import Axis, Bars, Curve, Dash, Hatch, Line, Mark, Marker, Plot, plot_svg
from inspect_tool.report.text import MINUS, heading, short

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
_MOST_NAMES = 14  # under the bars; of more, some are left out
_MOST_LABELED = 12  # bars that have their numbers above them


@lru_cache(maxsize=64)
def chart_svg(chart: Chart, width_mm: float = 84.0, height_mm: float = 56.0, language: str = ENGLISH) -> str:
    """Draw a chart as SVG: thin axes, direct labels, distinguishable without color.

    The picture has no title: the report prints ``chart.title`` as text. Its own words are text too, so that
    they can be searched. The same chart gives the same bytes.
    """
    match chart.kind:
        case "histogram":
            marks = _histogram(chart)
        case "cumulative":
            marks = _curves(chart)
        case "points":
            marks = _points(chart)
        case "bars":
            marks = _bars(chart, language)
    limits = [
        Line(at=x, upright=True, dash=(4, 2), label=f"{MINUS}{label[1:]}" if label.startswith("-") else label)
        for x, label in chart.limits
    ]
    plot = Plot(marks=[*marks, *limits], x=_x_axis(chart), y=_y_axis(chart))
    return plot_svg(plot, width_mm, height_mm, language)


def _histogram(chart: Chart) -> Iterator[Mark]:
    for i, series in enumerate(chart.series):
        edges, counts = series.x, series.y
        if i == 0:
            yield Bars(left=edges[:-1], right=edges[1:], height=counts, fill=FILLS[0], parted=True, name=series.name)
        else:
            color, dash = LINES[i % len(LINES)]
            x = [edge for edge in edges for _ in range(2)]
            y = [0.0, *(count for count in counts for _ in range(2)), 0.0]
            yield Curve(x=x, y=y, color=color, width=1.3, dash=dash, name=series.name)


def _curves(chart: Chart) -> Iterator[Mark]:
    for i, series in enumerate(chart.series):
        color, dash = LINES[i % len(LINES)]
        yield Curve(x=series.x, y=series.y, color=color, width=1.5, dash=dash, stepped=True, name=series.name)


def _points(chart: Chart) -> Iterator[Mark]:
    for i, series in enumerate(chart.series):
        color, _ = LINES[i % len(LINES)]
        fill = color if i % 2 == 0 else "white"
        yield Curve(x=series.x, y=series.y, color=color, marker=MARKERS[i % 4], fill=fill, name=series.name)


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
            name=series.name,
        )


def _x_axis(chart: Chart) -> Axis:
    label = heading(chart.x_label) if "[" in chart.x_label else chart.x_label
    margin = 0.05 if chart.kind == "cumulative" else 0.03
    if chart.kind == "bars":
        step = max(1, -(-len(chart.categories) // _MOST_NAMES))
        names = tuple(enumerate(chart.categories))[::step]
        return Axis(label=label, margin=margin, names=names)
    whole = all(float(x).is_integer() for series in chart.series for x in series.x)
    return Axis(label=label, margin=margin, log=chart.x_scale == "log", intervals=6, whole=whole)


def _y_axis(chart: Chart) -> Axis:
    label = heading(chart.y_label) if "[" in chart.y_label else chart.y_label
    if chart.kind == "points":
        return Axis(label=label)
    lowest = min((value for series in chart.series for value in series.y), default=0.0)
    return Axis(label=label, low=min(0.0, lowest) if chart.kind == "bars" else 0.0)
