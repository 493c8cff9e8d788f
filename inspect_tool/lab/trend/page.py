"""The page of a trend: its charts and how they are worded. It computes nothing that the data do not hold."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from inspect_tool.lab.trend.alarms import ewma_limit
from inspect_tool.lab.trend.found import FoundStep, Point, Trend
from inspect_tool.lab.trend.steps import Cause, Change
from inspect_tool.languages import ENGLISH, Text, Words, joined, said, translated
from inspect_tool.model import Table
from inspect_tool.report import charts, plots, text
from inspect_tool.report.plots import Axis, Curve, Line, Mark, Marker, Plot, plot_svg
from inspect_tool.report.render import Medium, data_uri, render_page

Say = Callable[[str], str]  # puts a text into the words of the language

SIGNS = {"steady": "pass", "outlier": "undecided", "alarm": "undecided", "step": "fail"}
"""State to the word whose shape and color of the template it gets."""
SAID: dict[str, Words] = {
    "steady": Text("trend.steady"),
    "outlier": Text("trend.outlier"),
    "alarm": Text("trend.alarm"),
    "step": Text("trend.step"),
}
"""State to its words on a page."""
COLUMNS: dict[str, Words] = {
    "recipe_settings": Text("trend.column_recipe_settings"),
    "backend": Text("trend.column_backend"),
    "weights": Text("trend.column_weights"),
    "software": Text("trend.column_software"),
    "scale": Text("trend.column_scale"),
    "instrument": Text("trend.column_instrument"),
    "operator": Text("trend.column_operator"),
}
"""Columns of the fingerprint to their words."""
_CAUSES: dict[str, Words] = {
    "method": Text("trend.method"),
    "process": Text("trend.process"),
    "not stated": Text("trend.cause_not_stated"),
}
_PROOFS: dict[str, Words] = {
    "proven": Text("trend.proven"),
    "not proven": Text("trend.not_proven"),
    "no kept images": Text("trend.no_kept_images"),
}
_MOST_NAMES = 110  # letters under a chart of the whole width
_MOST_ROWS = 300  # of the table of values
_ROOM, _MARGIN = 0.3, 0.06  # beyond values and limits, in their range
_MARKED = charts.LINES[1][0]


def page(found: Trend, folder: Path, template: Path, medium: Medium) -> str:
    """Render a trend to HTML with every picture inside.

    Parameters
    ----------
    found : Trend
    folder : Path
        Folder the page is written to.
    template : Path
        Template folder: its colors, fonts and logo.
    medium : "screen" or "print"
    """
    language = found.language or ENGLISH
    say = partial(said, language=language)
    found = translated(found, language)
    values = {
        "trend": found,
        "title": found.title,
        "unit": text.unit(found.unit),
        "in_unit": lambda value, u=None: say(text.figure(text.pm(value, u, found.unit))),
        "sign": SIGNS,
        "said_of": SAID,
        "cause_of": _CAUSES,
        "proof_of": _PROOFS,
        "change_text": lambda change: say(change_text(change)),
        "scatter": _scatter(found),
        "capability_table": _capability_table(found),
        "summary": summary(found),
        "charts": _charts(found, language),
        "capability_text": _capability_text(found),
        "reports": len({point.uid for point in found.points}),
        "fingerprints_table": _fingerprints_table(found),
        "points_table": points_table(found),
    }
    return render_page("trend.html.j2", translated(values, language), folder, template, medium, language)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """What was found, and how far it is proven."""

    found: Words
    proof: Words = ""


def summary(found: Trend) -> tuple[Sentence, ...]:
    """What was found: a sentence for each step, or one for all."""
    if found.steps:
        return tuple(_step_text(found, one) for one in found.steps)
    days = [point.day for point in found.points if point.alarm]
    out = sum(point.outlier for point in found.points)
    match found.state:
        case "alarm":
            words = Text("trend.alarm_text", n=len(days), day=days[0], kind=found.alarm.upper())
        case "outlier" if out:
            words = Text("trend.outlier_text", n=out)
        case "outlier":
            words = Text("trend.rules_text", n=sum(bool(point.rules) for point in found.points))
        case _:
            words = Text("trend.steady_text", n=len(found.points))
    return (Sentence(found=words),)


def _step_text(found: Trend, one: FoundStep) -> Sentence:
    size = text.figure(text.pm(one.step.size, one.step.size_u, found.unit))
    return Sentence(
        found=Text("trend.step_text", day=one.day, size=size, cause=cause_text(one.cause)),
        proof=""
        if one.proof is None
        else Text("trend.proof_text", proof=_PROOFS[one.proof.state], reason=one.proof.reason),
    )


def cause_text(cause: Cause) -> Words:
    """What a step is put down to, with the columns that changed."""
    if not cause.changes:
        return _CAUSES[cause.kind]
    return Text("trend.method_text", changes=tuple(change_text(one) for one in cause.changes))


def change_text(change: Change) -> Words:
    """Name a column that changed and its values before and after.

    >>> change_text(Change(column="weights", before="ab" * 32, after="cd" * 32, at=20, share=1.0))
    'weights ababababab… → cdcdcdcdcd…'
    """
    before, after = (_short(one) if one else Text("trend.no_value") for one in (change.before, change.after))
    return Text("trend.change", column=COLUMNS[change.column], before=before, after=after)


def _short(value: str) -> str:
    """A value of a fingerprint with its hashes cut to ten digits."""
    words = value.split(" ")
    return " ".join(f"{word[:10]}…" if len(word) > 32 and word.isalnum() else word for word in words)


def points_table(found: Trend) -> Table:
    """Every value with what speaks up at it."""
    stated = [point.expanded_u for point in found.points if point.expanded_u]
    values = [point.value for point in found.points]
    place = text.uncertainty_place(max(stated)) if stated else text.common_place(values, digits=4, decades=5.0)

    def printed(value: float) -> str:
        return text.figure(text.at_place(value, place) if place is not None else text.number(value, 5))

    return Table(
        title=Text("trend.values"),
        columns=(
            Text("words.number"),
            Text("trend.day"),
            Text("trend.report"),
            Text("words.specimen"),
            Text("words.value"),
            "U",
            Text("trend.method_number"),
            Text("trend.signals"),
        ),
        rows=tuple(
            (
                i,
                point.day,
                point.report,
                point.specimen,
                printed(point.value),
                "" if point.expanded_u is None else text.figure(text.uncertainty_text(point.expanded_u)),
                point.fingerprint + 1,
                joined(", ", _signals(found, i - 1, point)),
            )
            for i, point in [*enumerate(found.points, start=1)][-_MOST_ROWS:]
        ),
    )


def _scatter(found: Trend) -> Words:
    """How much of the scatter is that of the measurement."""
    if found.measurement_share is None:
        return Text("trend.no_uncertainty")
    return Text("trend.measurement_share", share=text.figure(text.percent(found.measurement_share, 2)))


def _capability_table(found: Trend) -> Table | None:
    able = found.capability
    if able is None or not able.indices:
        return None
    return Table(
        title=Text("trend.capability"),
        columns=(Text("trend.index"), Text("words.value"), Text("trend.interval")),
        rows=tuple(
            (one.name, text.figure(text.number(one.value, 3)), _from_to(one.low, one.high)) for one in able.indices
        ),
    )


def _from_to(low: float, high: float) -> Words:
    return Text("trend.from_to", low=text.figure(text.number(low, 3)), high=text.figure(text.number(high, 3)))


def _capability_text(found: Trend) -> Words:
    """What the capability is that of, and against which limits."""
    able = found.capability
    if able is None:
        return Text("trend.no_capability")
    sides = [
        f"{sign}{text.NBSP}{text.with_unit(text.as_given(limit), found.unit)}"
        for sign, limit in (("≥", able.lower), ("≤", able.upper))
        if limit is not None
    ]
    limits = text.figure(", ".join(sides))
    return Text("trend.capability_of" if found.steps else "trend.capability_of_all", n=able.n, limits=limits)


def _fingerprints_table(found: Trend) -> Table:
    """Methods by their number; columns that are the same in all of them are said once."""
    prints = found.fingerprints
    names = [name for name in COLUMNS if any(one[name] for one in prints)]
    counts = [sum(point.fingerprint == i for point in found.points) for i in range(len(prints))]
    columns = (Text("trend.method_number"), *(COLUMNS[name] for name in names), Text("trend.values"))
    return Table(
        title=Text("trend.fingerprints"),
        columns=columns,
        rows=tuple(
            (i + 1, *(_short(one[name]) for name in names), count)
            for i, (one, count) in enumerate(zip(prints, counts, strict=True))
        ),
    )


def _signals(found: Trend, number: int, point: Point) -> list[Words]:
    spoken: list[Words] = []
    if any(one.step.at == number for one in found.steps):
        spoken.append(Text("trend.signal_step"))
    if point.alarm:
        spoken.append(found.alarm.upper())
    if point.outlier:
        spoken.append(Text("trend.signal_outlier"))
    spoken += [Text("trend.signal_rule", rule=rule) for rule in point.rules if rule != 1]
    return spoken


# ------------------------------------------------------------------------------------------------------ drawings


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawing:
    """A chart over the whole width, and what it shows in words."""

    title: Words
    words: Words
    plot: Plot
    height_mm: float


def _charts(found: Trend, language: str) -> tuple[dict[str, Any], ...]:
    say = partial(said, language=language)
    drawn = (
        _Drawing(
            title=Text("trend.chart_values"), words=_values_words(found), plot=_values(found, say), height_mm=66.0
        ),
        _Drawing(
            title=Text("trend.chart_cusum") if found.alarm == "cusum" else Text("trend.chart_ewma"),
            words=Text("trend.cusum_words", h=text.short(found.limits.alarm, 3))
            if found.alarm == "cusum"
            else Text("trend.ewma_words", factor=text.short(found.limits.alarm, 3)),
            plot=_sums(found, say),
            height_mm=42.0,
        ),
        _Drawing(
            title=Text("trend.chart_ranges"), words=Text("trend.ranges_words"), plot=_ranges(found, say), height_mm=36.0
        ),
    )
    return tuple(
        {"title": one.title, "words": one.words, "svg": data_uri(svg.encode(), "image/svg+xml")}
        for one in drawn
        for svg in (plot_svg(one.plot, 174.0, one.height_mm, language),)
    )


def _values_words(found: Trend) -> Words:
    parts = [Text("trend.values_words", single=text.short(found.limits.single, 3))]
    if any(point.outlier or point.alarm for point in found.points):
        parts.append(Text("trend.marked_words"))
    if found.steps:
        parts.append(Text("trend.steps_words"))
    return joined(" ", parts)


def _values(found: Trend, say: Say) -> Plot:
    numbers, y = range(1, len(found.points) + 1), [point.value for point in found.points]
    bars = [(point.expanded_u or 0.0,) * 2 for point in found.points]
    accent = charts.LINES[0][0]
    marks: list[Mark] = [
        Line(at=found.limits.center),
        Line(at=found.limits.lower, dash=(5, 2)),
        Line(at=found.limits.upper, dash=(5, 2)),
        Curve(x=numbers, y=y, color=plots.FAINT, width=0.6),
        Curve(x=numbers, y=y, color=accent, marker="circle", size=_size(found), fill=accent, reach=bars),
    ]
    for one in found.steps:
        for start, end, mean in (
            (one.step.start, one.step.at, one.step.before),
            (one.step.at, one.step.end, one.step.after),
        ):
            marks.append(Curve(x=[start + 0.6, end + 0.4], y=[mean, mean], color=_MARKED, width=1.6))
    out = [i for i, point in zip(numbers, found.points, strict=True) if point.outlier]
    alarms = [i for i, point in zip(numbers, found.points, strict=True) if point.alarm]
    marks += [_marked(out, [y[i - 1] for i in out], "square"), _marked(alarms, [y[i - 1] for i in alarms], "diamond")]
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
    """Put a frame around values."""
    return Curve(x=at, y=y, color=_MARKED, marker=marker, size=6.5, fill="none", edge=1.1)


def _step_lines(found: Trend, say: Say) -> list[Mark]:
    return [
        Line(at=one.step.at + 0.5, upright=True, color=_MARKED, dash=(4, 2), label=say(_step_label(one.cause)))
        for one in found.steps
    ]


def _step_label(cause: Cause) -> Words:
    if not cause.changes:
        return _CAUSES[cause.kind]
    return Text("trend.method_label", columns=tuple(COLUMNS[one.column] for one in cause.changes))


def _sums(found: Trend, say: Say) -> Plot:
    numbers, accent = range(1, len(found.points) + 1), charts.LINES[0][0]
    limit = found.limits.alarm if found.alarm == "cusum" else ewma_limit(found.limits.alarm)
    marks: list[Mark] = [
        Line(at=0.0),
        *(Line(at=side * limit, dash=(5, 2)) for side in (1, -1)),
        Curve(x=numbers, y=[point.up for point in found.points], color=accent, width=1.1, marker="circle", size=2.6),
    ]
    if found.alarm == "cusum":
        down = [-point.down for point in found.points]
        marks.append(Curve(x=numbers, y=down, color=charts.LINES[2][0], width=1.1, marker="square", size=2.6))
    at = [i for i, point in zip(numbers, found.points, strict=True) if point.alarm]
    own = [found.points[i - 1] for i in at]
    y = [point.up if found.alarm == "ewma" or point.up > limit else -point.down for point in own]
    marks.append(_marked(at, y, "diamond"))
    lines = [Line(at=one.step.at + 0.5, upright=True, color=_MARKED, dash=(4, 2)) for one in found.steps]
    return Plot(marks=[*marks, *lines], x=_days(found), y=Axis(label=say(Text("trend.in_sigmas"))))


def _ranges(found: Trend, say: Say) -> Plot:
    numbers = range(2, len(found.points) + 1)
    y = [point.moving_range for point in found.points if point.moving_range is not None]
    color = charts.LINES[0][0]
    return Plot(
        marks=[
            Line(at=found.limits.range_upper, dash=(5, 2)),
            Curve(x=numbers, y=y, color=color, width=0.8, marker="circle", size=_size(found)),
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
