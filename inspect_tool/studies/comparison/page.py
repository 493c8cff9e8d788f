"""What a comparison of backends says, and its page: the values, the drawings, and how they are worded.

``compare.json`` holds exactly a ``Comparison``; the page is a view of it that computes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Any, Literal

from markupsafe import Markup

from inspect_tool.languages import ENGLISH, Text, Words, joined, localized, said, translated
from inspect_tool.model import Header, Provenance, StandardRecord, Table
from inspect_tool.report import charts, plots, text
from inspect_tool.report.plots import Axis, Curve, Dash, Line, Mark, Note, Plot, plot_svg
from inspect_tool.report.render import render_page
from inspect_tool.report.template import Medium, data_uri, load_settings
from inspect_tool.standards.editions import designation
from inspect_tool.statistics.agreement import Agreement, Decision, Equivalence

SCHEMA = "inspect_tool/comparison/1"
WHAT = "The comparison as data"
"""Name of the data in the PDF."""


Verdict = Literal["equivalent", "not shown equivalent", "different", "not stated", "no margin"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A field that a backend could not measure."""

    image: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One backend of a comparison: what it was told, how long it took, what it refused."""

    label: str  # as the reader sees it
    backend: str
    settings: Mapping[str, Any]  # every one, defaults included
    weights_sha256: str  # empty: no weights
    load_seconds: float
    first_seconds_per_mpx: float | None  # of the first field, with whatever had to warm up; None: not measured
    later_seconds_per_mpx: float | None  # median of the other fields
    refused: tuple[Refusal, ...]
    steps: tuple[Words, ...]  # how its labels were made to answer the question


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedField:
    """One image of a comparison."""

    image: str
    sha256: str
    specimen: str
    section: str
    field: int
    height_px: int
    width_px: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One quantity by one backend and by the reference; values are in the order of the fields."""

    quantity: str
    title: Words
    unit: str
    main: bool
    other: str  # label of the backend
    reference_values: tuple[float | None, ...]  # None: no such result in that field
    other_values: tuple[float | None, ...]
    agreement: Agreement | None  # None: no field has both
    equivalence: Equivalence


@dataclass(frozen=True, slots=True, kw_only=True)
class Plate:
    """Where a backend and the reference differ most; pictures are relative to the folder."""

    other: str
    quantity: str
    image: str
    specimen: str
    field: int
    box: tuple[int, int, int, int]  # part of the field that is shown: top, left, bottom, right [px], half-open
    reference_value: float
    other_value: float
    reference_picture: str
    other_picture: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Several backends on the same fields of one job, each against the first."""

    schema: str
    id: str
    job: str
    recipe: str
    question: str
    title: Words
    header: Header
    standard: StandardRecord
    alpha: float
    verdict: Verdict
    candidates: tuple[Candidate, ...]  # the reference first
    fields: tuple[ComparedField, ...]
    pairs: tuple[Pair, ...]
    plates: tuple[Plate, ...]
    warnings: tuple[Words, ...]
    provenance: Provenance
    language: str = ""  # of the words of the pages; empty: English


def overall(pairs: Sequence[Pair]) -> Verdict:
    """One word for all quantities with a margin; one difference is a difference, one doubt is doubt."""
    judged = [pair.equivalence for pair in pairs if pair.equivalence.margin is not None]
    if not judged:
        return "no margin"
    decisions: set[Decision] = {found.decision for found in judged}
    order: tuple[Decision, ...] = ("different", "not shown equivalent", "not stated")
    return next((decision for decision in order if decision in decisions), "equivalent")


def page(comparison: Comparison, folder: Path, template: Path, medium: Medium) -> str:
    """Render a comparison to HTML with every picture inside.

    Parameters
    ----------
    comparison : Comparison
    folder : Path
        The folder that holds the pictures the comparison names.
    template : Path
        Template folder of the job: its colors, fonts and logo.
    medium : "screen" or "print"
    """
    language = comparison.language or ENGLISH
    comparison = translated(comparison, language)
    colors = load_settings(template).colors
    reference, *others = comparison.candidates
    shown = [pair for pair in comparison.pairs if pair.main or pair.equivalence.margin is not None]
    judged = [pair for pair in comparison.pairs if pair.equivalence.margin is not None]
    values = {
        "comparison": comparison,
        "edition": designation(comparison.standard),
        "reference": reference,
        "others": others,
        "specimens": tuple(dict.fromkeys(field.specimen for field in comparison.fields)),
        "sign": SIGNS,
        "said_of": _SAID,
        "margin_of": lambda pair: text.with_unit(text.as_given(pair.equivalence.margin), difference_unit(pair.unit)),
        "steps": tuple(dict.fromkeys(step for candidate in comparison.candidates for step in candidate.steps)),
        "judged": sorted(judged, key=lambda pair: _GRAVEST.index(pair.equivalence.decision)),
        "shown": shown,
        "rows_of": lambda label: translated(
            tuple(_row(pair, colors.accent, colors.rule, language) for pair in shown if pair.other == label), language
        ),
        "plots": tuple(
            _plot(pair, reference.label, comparison, language) for pair in shown if pair.agreement is not None
        ),
        "value_tables": _value_tables(comparison, shown),
        "all_quantities": _all_quantities(comparison),
        "times": _times(comparison),
        "title_of": {pair.quantity: pair.title for pair in comparison.pairs},
        "unit_of": {pair.quantity: pair.unit for pair in comparison.pairs},
        "parts": joined(" ", (_part(plate, comparison) for plate in comparison.plates)),
        "settings_of": lambda candidate: "; ".join(f"{k} = {text.setting(v)}" for k, v in candidate.settings.items()),
    }
    return render_page("comparison.html.j2", translated(values, language), folder, template, medium, language)


def _part(plate: Plate, comparison: Comparison) -> str:
    """Say which part of which field a plate shows."""
    top, left, bottom, right = plate.box
    field = next(item for item in comparison.fields if item.image == plate.image)
    whose = f"{plate.other}: " if len(comparison.candidates) > 2 else ""
    image = f"{whose}{text.file_name(plate.image)}"
    if (bottom - top, right - left) == (field.height_px, field.width_px):
        return Text("comparison.whole_field", image=image)
    return Text("comparison.part_of_field", image=image, top=top, bottom=bottom - 1, left=left, right=right - 1)


SIGNS: Mapping[str, str] = {
    "equivalent": "pass",
    "different": "fail",
    "not shown equivalent": "undecided",
    "not stated": "not stated",
    "no margin": "not stated",
}
"""Decision to the word whose shape and color of the template it gets."""
_SAID: Mapping[str, Words] = {
    "equivalent": Text("comparison.equivalent"),
    "different": Text("comparison.different"),
    "not shown equivalent": Text("comparison.not_shown_equivalent"),
    "not stated": Text("comparison.not_judged"),
    "no margin": Text("comparison.no_margin"),
}
"""Decision to its words on a page."""
_GRAVEST: tuple[Decision, ...] = ("different", "not shown equivalent", "not stated", "equivalent")


def difference_unit(unit: str) -> str:
    """Name the unit of a difference: two percentages differ by points.

    >>> difference_unit("%"), difference_unit("um")
    ('points', 'um')
    """
    return Text("studies.points") if unit == "%" else unit


def difference_text(pair: Pair, *, unit: bool = True) -> str:
    """Print the mean difference with the half width of its 95 % interval."""
    found = pair.agreement
    if found is None:
        return text.NO_VALUE
    half = (found.ci95[1] - found.ci95[0]) / 2 if found.ci95 is not None else None
    return text.pm(*_rounding(found.mean, half), difference_unit(pair.unit) if unit else "1")


def _rounding(value: float, half: float | None) -> tuple[float, float | None]:
    """Take differences that are only rounding of equal numbers for 0."""
    tiny = half is not None and abs(value) < 1e-9 and half < 1e-9
    return (0.0, 0.0) if tiny else (value, half)


def means(pair: Pair) -> tuple[float | None, float | None]:
    """Means of the reference and of the other backend over the fields that have both."""
    both = [(a, b) for a, b in zip(pair.reference_values, pair.other_values, strict=True) if None not in (a, b)]
    if not both:
        return None, None
    first, second = ([float(value or 0.0) for value in values] for values in zip(*both, strict=True))
    return sum(first) / len(first), sum(second) / len(second)


def _row(pair: Pair, accent: str, rule: str, language: str) -> dict[str, object]:
    """Texts of one line of the table on page 1."""
    found, verdict = pair.agreement, pair.equivalence
    reference, other = means(pair)
    place = found.s if found is not None and found.s else None
    return {
        "pair": pair,
        "reference": _number(reference, place),
        "other": _number(other, place),
        "difference": text.figure(difference_text(pair, unit=False)),
        "n": found.n if found is not None else 0,
        "margin": text.figure(f"±{text.NBSP}{text.as_given(verdict.margin)}") if verdict.margin else "",
        "strip": _strip(pair, accent, rule, language),
    }


def _number(value: float | None, place: float | None) -> str:
    return text.figure(text.value_text(value, place) if None not in (place, value) else text.number(value))


def _strip(pair: Pair, accent: str, rule: str, language: str) -> Markup:
    """Draw the interval of the mean difference against ± margin: a band, zero, the interval and the mean."""
    verdict, found = pair.equivalence, pair.agreement
    if verdict.margin is None or verdict.interval is None or found is None:
        return Markup("")

    def x(value: float) -> float:
        return 50 + 25 * min(max(value / verdict.margin, -2.0), 2.0)  # type: ignore[operator]

    low, high = (x(value) for value in verdict.interval)
    low, high = (low, high) if high - low > 1 else ((low + high) / 2 - 0.5, (low + high) / 2 + 0.5)
    interval = text.interval(verdict.interval, None, difference_unit(pair.unit))
    alt = Text("comparison.alt_interval", interval=interval, margin=text.as_given(verdict.margin))
    beyond = " ".join(
        f"M{50 + 50 * side} 8l{-4 * side} -3.4v6.8z"
        for side, edge in ((-1, verdict.interval[0]), (1, verdict.interval[1]))
        if abs(edge) > 2 * verdict.margin and edge * side > 0
    )
    return Markup(
        '<svg class="strip" viewBox="0 0 100 16" role="img" aria-label="{said}">'
        '<rect x="25" y="1" width="50" height="14" fill="{rule}"/>'
        '<path d="M50 0v16" stroke="#ffffff" stroke-width="1"/>'
        '<path d="M0.5 8h99" stroke="{rule}" stroke-width="0.8"/>'
        '<path d="M25 0v16M75 0v16" stroke="{accent}" stroke-width="0.8" stroke-dasharray="2 1.4"/>'
        '<path d="M{low:.2f} 8H{high:.2f}" stroke="{accent}" stroke-width="3"/>'
        '<circle cx="{mean:.2f}" cy="8" r="3.2" fill="{accent}"/><path d="{beyond}" fill="{accent}"/></svg>'
    ).format(said=said(alt, language), rule=rule, accent=accent, low=low, high=high, mean=x(found.mean), beyond=beyond)


def _plot(pair: Pair, reference: str, comparison: Comparison, language: str) -> dict[str, object]:
    """Bland-Altman plot of one pair, and what it says in words."""
    found = pair.agreement
    assert found is not None
    fields = text.plural(found.n, "field")
    words = [Text("comparison.mean_difference_is", difference=difference_text(pair), fields=fields)]
    if found.limits is not None and found.lower_limit_ci95 is not None and found.upper_limit_ci95 is not None:
        spread = found.s or None
        low, high = (text.value_text(value, spread) for value in found.limits)
        ci_low, ci_high = (text.interval(ci, spread) for ci in (found.lower_limit_ci95, found.upper_limit_ci95))
        high = text.with_unit(high, difference_unit(pair.unit))
        words.append(Text("comparison.limits_are", low=low, low_interval=ci_low, high=high, high_interval=ci_high))
    else:
        words.append(Text("comparison.limits_not_stated"))
    trend: Words = ""
    if found.trend is not None and found.trend_ci95 is not None and not found.trend_ci95[0] <= 0 <= found.trend_ci95[1]:
        low, high = (text.short(value, 2) for value in found.trend_ci95)
        trend = Text("comparison.trend_is", slope=text.short(found.trend, 2), low=low, high=high)
    title, other = pair.title, pair.other
    several = len(comparison.candidates) > 2
    return {
        "title": Text("comparison.title_of_pair", title=title, other=other, reference=reference) if several else title,
        "svg": data_uri(bland_altman_svg(pair, reference, language=language).encode(), "image/svg+xml"),
        "words": joined("; ", words),
        "trend": trend,
        "alt": Text("comparison.alt_plot", title=title, other=other, reference=reference),
    }


def bland_altman_svg(
    pair: Pair, reference: str, width_mm: float = 84.0, height_mm: float = 56.0, language: str = ENGLISH
) -> str:
    """Draw the difference of every field over the mean of both backends.

    Full line: mean difference, with its 95 % interval as a band; dashed lines: limits of agreement, with theirs;
    dotted: the margin, where one was stated.
    """
    found = pair.agreement
    assert found is not None
    both = [(a, b) for a, b in zip(pair.reference_values, pair.other_values, strict=True)]
    points = [((a + b) / 2, b - a) for a, b in both if a is not None and b is not None]
    say = partial(said, language=language)
    plain = pair.unit.replace("mm2", "mm²").replace("um", "µm") if pair.unit.startswith("1/") else text.unit(pair.unit)
    unit = f" [{plain}]" if plain else ""  # few fonts have a superscript minus
    apart = f" [{say(difference_unit(plain))}]" if plain else ""

    accent = charts.LINES[0][0]
    x_values = [x for x, _ in points]
    wide = (max(x_values) - min(x_values)) or abs(max(x_values)) or 1.0
    low, high = min(x_values) - 0.08 * wide, max(x_values) + 0.18 * wide
    flat = found.s is not None and found.s < 1e-12 * max(1.0, abs(found.mean))
    lines: list[tuple[float, tuple[float, float] | None, Dash, str]] = [
        (found.mean, found.ci95, (), say(Text("comparison.mean_line")))
    ]
    if found.limits is not None and not flat:
        ends = zip(found.limits, (found.lower_limit_ci95, found.upper_limit_ci95), (text.MINUS, "+"), strict=True)
        lines += [(value, ci, (5, 2), f"{sign}{localized('1.96', language)} s") for value, ci, sign in ends]
    margin = pair.equivalence.margin
    reach = max(abs(end) for value, ci, _, _ in lines for end in (value, *(ci or ())))
    marks: list[Mark] = [Line(at=0.0, color=plots.FAINT, width=0.8)]
    if margin is not None and margin < 2 * reach:
        marks += [Line(at=side, width=1.0, dash=(1, 1.6)) for side in (-margin, margin)]
        marks.append(Note(words=f"± {say(Text('comparison.margin_line'))}", x=low, y=margin))
    for i, (value, ci, dash, label) in enumerate(lines):
        marks.append(Line(at=value, color=accent, width=1.3, dash=dash))
        if ci is not None and not flat:  # at the edge, where no field lies
            edge, interval = low + (0.94 + 0.02 * i) * (high - low), (value - ci[0], ci[1] - value)
            marks.append(Curve(x=[edge], y=[value], color=accent, reach=[interval]))
        marks.append(Note(words=label, y=value, color=accent))
    marks.append(Curve(x=x_values, y=[y for _, y in points], marker="circle", size=4.4, edge=1.0))
    named = f"{say(pair.other)} {text.MINUS} {say(reference)}"
    label = f"{named if len(pair.other) < 24 else say(Text('words.difference'))}{apart}"
    bounds = ((-1.5 * margin, 1.5 * margin) if margin else (-1.0, 1.0)) if flat and reach < 1e-12 else (None, None)
    plot = Plot(
        marks=marks,
        x=Axis(label=f"{say(Text('comparison.mean_of_both'))}{unit}", low=low, high=high),
        y=Axis(label=label, low=bounds[0], high=bounds[1], intervals=6),
    )
    return plot_svg(plot, width_mm, height_mm, language)


def _value_tables(comparison: Comparison, shown: Sequence[Pair]) -> tuple[Table, ...]:
    """One table per quantity: the value of every field by every backend, and the differences."""
    reference, *others = comparison.candidates
    specimens = len({field.specimen for field in comparison.fields}) > 1
    tables = []
    for quantity in dict.fromkeys(pair.quantity for pair in shown):
        own = [pair for pair in shown if pair.quantity == quantity]
        rows = []
        for i, field in enumerate(comparison.fields):
            first = own[0].reference_values[i]
            values = [pair.other_values[i] for pair in own]
            rows.append(
                (
                    *((field.specimen,) if specimens else ()),
                    field.field,
                    text.file_name(field.image),
                    first,
                    *values,
                    *(None if None in (first, value) else value - first for value in values),  # type: ignore[operator]
                )
            )
        difference = Text("words.difference")
        single = len(others) == 1
        tables.append(
            Table(
                title=text.titled(own[0].title, own[0].unit),
                columns=(
                    *((Text("words.specimen"),) if specimens else ()),
                    Text("words.field"),
                    Text("words.image"),
                    Text("comparison.by", backend=reference.label),
                    *(Text("comparison.by", backend=pair.other) for pair in own),
                    *(difference if single else Text("page.head_of", head=difference, part=pair.other) for pair in own),
                ),
                rows=tuple(rows),
            )
        )
    return tuple(tables)


def _all_quantities(comparison: Comparison) -> Table:
    """Every quantity of every backend, in words."""
    several = len(comparison.candidates) > 2
    rows = []
    for pair in comparison.pairs:
        found = pair.agreement
        reference, _ = means(pair)
        limits = text.interval(found.limits, found.s or None) if found is not None and found.limits else text.NO_VALUE
        spread = text.short(found.s, 2) if found is not None and found.s is not None else text.NO_VALUE
        share = 100 * found.mean / reference if found is not None and reference else None
        rows.append(
            (
                text.titled(pair.title, pair.unit),
                *((pair.other,) if several else ()),
                str(found.n if found is not None else 0),
                _number(reference, found.s if found is not None and found.s else None),
                text.figure(difference_text(pair, unit=False)),
                text.figure(text.short(share, 2) if share is not None and isfinite(share) else text.NO_VALUE),
                text.figure(spread),
                text.figure(limits),
            )
        )
    return Table(
        title=Text("comparison.all_quantities"),
        columns=(
            Text("words.quantity"),
            *((Text("studies.backend"),) if several else ()),
            Text("words.fields"),
            Text("comparison.mean_of_reference"),
            Text("comparison.mean_difference_95"),
            Text("comparison.of_the_mean"),
            Text("comparison.s_of_differences"),
            Text("studies.limits_of_agreement"),
        ),
        rows=tuple(rows),
    )


def _times(comparison: Comparison) -> Table:
    def seconds(value: float | None) -> str:
        if value is None:
            return text.NOT_STATED
        return text.figure(text.short(value, 2) if value >= 0.01 else f"<{text.NBSP}0.01")

    return Table(
        title=Text("comparison.time"),
        columns=(
            Text("studies.backend"),
            Text("comparison.loading"),
            Text("comparison.first_field"),
            Text("comparison.further_fields"),
        ),
        rows=tuple(
            (
                candidate.label,
                seconds(candidate.load_seconds),
                seconds(candidate.first_seconds_per_mpx),
                seconds(candidate.later_seconds_per_mpx),
            )
            for candidate in comparison.candidates
        ),
    )
