"""The page of a trend and its tables. It computes nothing that the data do not hold."""

from functools import partial
from pathlib import Path
from statistics import median

from inspect_tool.lab.trend.drawings import drawings
from inspect_tool.lab.trend.found import Point, Trend
from inspect_tool.lab.trend.words import CAUSES, COLUMNS, PROOFS, SAID, SIGNS, change_text, shortened, summary
from inspect_tool.languages import ENGLISH, Text, Words, joined, said, translated
from inspect_tool.model import Table
from inspect_tool.report import digits, text
from inspect_tool.report.render import render_page
from inspect_tool.report.template import Medium

_MOST_ROWS = 300  # of the table of values


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
        "cause_of": CAUSES,
        "proof_of": PROOFS,
        "change_text": lambda change: say(change_text(change)),
        "scatter": _scatter(found),
        "capability_table": _capability_table(found),
        "summary": summary(found),
        "charts": drawings(found, language),
        "capability_text": _capability_text(found),
        "reports": len({point.uid for point in found.points}),
        "fingerprints_table": _fingerprints_table(found),
        "points_table": points_table(found),
    }
    return render_page("trend.html.j2", translated(values, language), folder, template, medium, language)


def points_table(found: Trend) -> Table:
    """Every value with what speaks up at it."""
    stated = [point.expanded_u for point in found.points if point.expanded_u]
    values = [point.value for point in found.points]
    common = (
        digits.uncertainty_place(median(stated))
        if stated
        else digits.common_place(values, digits=4, decades=5.0, by_scatter=False)
    )

    def printed(point: Point) -> str:
        """A value to the place of its own uncertainty; where it has none, to that of the others."""
        place = digits.uncertainty_place(point.expanded_u) if point.expanded_u else common
        return text.figure(text.at_place(point.value, place) if place is not None else text.number(point.value, 5))

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
                printed(point),
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
            (i + 1, *(shortened(one[name]) for name in names), count)
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
