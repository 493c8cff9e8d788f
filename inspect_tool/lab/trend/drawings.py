"""The charts of a trend. Of very many values those are drawn that stand out of their neighbors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from inspect_tool.lab.trend.alarms import ewma_limit
from inspect_tool.lab.trend.found import Trend
from inspect_tool.lab.trend.steps import Cause
from inspect_tool.lab.trend.words import CAUSES, COLUMNS
from inspect_tool.languages import Text, Words, joined, said
from inspect_tool.report import charts, plots, text
from inspect_tool.report.plots import Axis, Curve, Line, Mark, Marker, Plot, plot_svg
from inspect_tool.report.template import data_uri

Say = Callable[[str], str]  # puts a text into the words of the language

MOST = 1200
"""Values that a curve shows: 174 mm have no room for more."""
_MOST_NAMES = 110  # letters under a chart of the whole width
_ROOM, _MARGIN = 0.3, 0.06  # beyond values and limits, in their range
_MARKED = charts.LINES[1][0]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawing:
    """A chart over the whole width, and what it shows in words."""

    title: Words
    words: Words
    plot: Plot
    height_mm: float


def drawings(found: Trend, language: str) -> tuple[dict[str, Any], ...]:
    """Title, words and picture (SVG as a data URI) of each chart; the first one is that of the values."""
    say = partial(said, language=language)
    drawn = (
        _Drawing(title=Text("trend.chart_values"), words=_of_values(found), plot=_values(found, say), height_mm=66.0),
        _Drawing(
            title=Text("trend.chart_cusum") if found.alarm == "cusum" else Text("trend.chart_ewma"),
            words=_thinned(
                found,
                Text("trend.cusum_words", h=text.short(found.limits.alarm, 3))
                if found.alarm == "cusum"
                else Text("trend.ewma_words", factor=text.short(found.limits.alarm, 3)),
            ),
            plot=_sums(found, say),
            height_mm=42.0,
        ),
        _Drawing(
            title=Text("trend.chart_ranges"),
            words=_thinned(found, Text("trend.ranges_words")),
            plot=_ranges(found, say),
            height_mm=36.0,
        ),
    )
    return tuple(
        {"title": one.title, "words": one.words, "svg": data_uri(svg.encode(), "image/svg+xml")}
        for one in drawn
        for svg in (plot_svg(one.plot, 174.0, one.height_mm, language),)
    )


def shown(sizes: Sequence[float]) -> list[int]:
    """Which values of a curve are drawn: all, or of as many neighbors as it needs the least and the greatest.

    >>> shown([3.0, 1.0, 2.0])
    [0, 1, 2]
    >>> many = [0.0] * 5000
    >>> many[2117], many[4999] = 9.0, -9.0
    >>> drawn = shown(many)
    >>> len(drawn) <= MOST, {2117, 4999} <= set(drawn)
    (True, True)
    """
    several = _neighbors(len(sizes))
    kept = set()
    for first in range(0, len(sizes), several):
        part = range(first, min(first + several, len(sizes)))
        kept |= {min(part, key=sizes.__getitem__), max(part, key=sizes.__getitem__)}
    return sorted(kept)


def _neighbors(n: int) -> int:
    return 1 if n <= MOST else -(-2 * n // MOST)


def _thinned(found: Trend, words: Words) -> Words:
    """What a chart shows, and that it does not show all."""
    several = _neighbors(len(found.points))
    return words if several == 1 else joined(" ", [words, Text("trend.thinned_words", n=several)])


def _curve(y: Sequence[float], **look: Any) -> Curve:
    """A curve of values by their numbers, as far as there is room for them."""
    drawn = shown(y)
    return Curve(x=[i + 1 for i in drawn], y=[y[i] for i in drawn], **look)


def _of_values(found: Trend) -> Words:
    parts = [Text("trend.values_words", single=text.short(found.limits.single, 3))]
    if any(point.outlier or point.alarm for point in found.points):
        parts.append(Text("trend.marked_words"))
    if found.steps:
        parts.append(Text("trend.steps_words"))
    return _thinned(found, joined(" ", parts))


def _values(found: Trend, say: Say) -> Plot:
    y = [point.value for point in found.points]
    drawn = shown(y)
    bars = [(found.points[i].expanded_u or 0.0,) * 2 for i in drawn]
    accent = charts.LINES[0][0]
    marks: list[Mark] = [
        Line(at=found.limits.center),
        Line(at=found.limits.lower, dash=(5, 2)),
        Line(at=found.limits.upper, dash=(5, 2)),
        _curve(y, color=plots.FAINT, width=0.6),
        _curve(y, color=accent, marker="circle", size=_size(found), fill=accent, reach=bars),
    ]
    for one in found.steps:
        for start, end, mean in (
            (one.step.start, one.step.at, one.step.before),
            (one.step.at, one.step.end, one.step.after),
        ):
            marks.append(Curve(x=[start + 0.6, end + 0.4], y=[mean, mean], color=_MARKED, width=1.6))
    marks += [
        _marked([i for i in drawn if found.points[i].outlier], y, "square"),
        _marked([i for i in drawn if found.points[i].alarm], y, "diamond"),
    ]
    # bars far longer than the values scatter are cut off, so that the values can be told apart
    least, most = min(*y, found.limits.lower), max(*y, found.limits.upper)
    room = min(max(reach for reach, _ in bars), _ROOM * (most - least)) + _MARGIN * (most - least)
    low, high = least - room, most + room
    return Plot(
        marks=[*marks, *_step_lines(found, say)],
        x=_days(found),
        y=Axis(label=text.on_axis(say(Text("words.value")), found.unit), low=low, high=high),
    )


def _marked(at: Sequence[int], y: Sequence[float], marker: Marker) -> Curve:
    """Put a frame around some values."""
    return Curve(
        x=[i + 1 for i in at], y=[y[i] for i in at], color=_MARKED, marker=marker, size=6.5, fill="none", edge=1.1
    )


def _step_lines(found: Trend, say: Say) -> list[Mark]:
    return [
        Line(at=one.step.at + 0.5, upright=True, color=_MARKED, dash=(4, 2), label=say(_step_label(one.cause)))
        for one in found.steps
    ]


def _step_label(cause: Cause) -> Words:
    if not cause.changes:
        return CAUSES[cause.kind]
    return Text("trend.method_label", columns=tuple(COLUMNS[one.column] for one in cause.changes))


def _sums(found: Trend, say: Say) -> Plot:
    limit = found.limits.alarm if found.alarm == "cusum" else ewma_limit(found.limits.alarm)
    up, down = [point.up for point in found.points], [-point.down for point in found.points]
    marks: list[Mark] = [
        Line(at=0.0),
        *(Line(at=side * limit, dash=(5, 2)) for side in (1, -1)),
        _curve(up, color=charts.LINES[0][0], width=1.1, marker="circle", size=2.6),
    ]
    if found.alarm == "cusum":
        marks.append(_curve(down, color=charts.LINES[2][0], width=1.1, marker="square", size=2.6))
    alarm = [
        up[i] if found.alarm == "ewma" or up[i] > limit else down[i] if point.alarm else 0.0
        for i, point in enumerate(found.points)
    ]
    marks.append(_marked([i for i in shown(alarm) if found.points[i].alarm], alarm, "diamond"))
    lines = [Line(at=one.step.at + 0.5, upright=True, color=_MARKED, dash=(4, 2)) for one in found.steps]
    return Plot(marks=[*marks, *lines], x=_days(found), y=Axis(label=say(Text("trend.in_sigmas"))))


def _ranges(found: Trend, say: Say) -> Plot:
    y = [point.moving_range for point in found.points if point.moving_range is not None]
    drawn, color = shown(y), charts.LINES[0][0]
    return Plot(
        marks=[
            Line(at=found.limits.range_upper, dash=(5, 2)),
            Curve(
                x=[i + 2 for i in drawn],  # the first value has none
                y=[y[i] for i in drawn],
                color=color,
                width=0.8,
                marker="circle",
                size=_size(found),
            ),
        ],
        x=_days(found),
        y=Axis(label=text.on_axis(say(Text("words.range")), found.unit), low=0.0),
    )


def _size(found: Trend) -> float:
    return 3.4 if len(found.points) <= 120 else 2.0


def _days(found: Trend) -> Axis:
    """Days under a chart, as many as there is room for."""
    n = len(found.points)
    step = max(1, -(-n * 13 // _MOST_NAMES))
    names = [(float(i + 1), found.points[i].day) for i in range(0, n, step)]
    return Axis(low=0.3, high=n + 0.7, names=names, size=7.0)
