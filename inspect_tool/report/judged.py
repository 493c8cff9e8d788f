"""What the results of a report say on the axis of a chart: limits with their guard bands, and intervals of results.

Nothing is measured or decided here: limits are those of the verdicts, intervals those of the results.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from inspect_tool.acceptance.conformity import guard_band
from inspect_tool.languages import Text, Words, is_text, named, same
from inspect_tool.model import Chart, Conformity, Report, Result, Table, Wording
from inspect_tool.report import text
from inspect_tool.units import convert

_MOST_RESULTS = 3  # on one axis; more bands hide each other
_MOST_ROWS = 12  # specimens of one strip


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One limit, in the unit of the result."""

    at: float
    upper: bool
    words: Words  # as the requirement gives it, e.g. "≤ 25 %"
    guard: tuple[float, float] | None = None  # where the rule does not pass, or not decide, by its guard band


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """A result with its interval; without an uncertainty the interval is the value."""

    value: float
    low: float
    high: float
    words: Words = ""  # which one it is, where an axis has several


@dataclass(frozen=True, slots=True, kw_only=True)
class OnAxis:
    """All that belongs on one axis besides what is drawn over it."""

    limits: tuple[Limit, ...] = ()
    results: tuple[Stated, ...] = ()


NOTHING = OnAxis()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One specimen of a strip: its result, and the values of its fields where the result is of such."""

    name: Words  # empty: it is the only one
    result: Stated
    limits: tuple[Limit, ...]
    values: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """A judged quantity on an axis of its own: limits, and the specimens below each other."""

    title: Words
    unit: str
    rows: tuple[Row, ...]


def on_axis(chart: Chart, report: Report, wording: Wording) -> OnAxis:
    """Limits and results that belong on the axis of values of a chart.

    Their quantities are those that the recipe names for it in its ``wording``, or those of the results that a series is
    named as. Where no quantity of the axis is judged, the results of page 1 are shown.
    """
    parts = tuple(_parts(chart.title))
    names = [
        name for key, some in wording.judged.items() if any(_is_title(part, key) for part in parts) for name in some
    ]
    specimen, layer = _named_in(parts, "specimen"), _named_in(parts, "layer")
    titled = {
        result.quantity
        for result in report.results
        if result.title and any(same(series.name, result.title) for series in chart.series)
    }

    def belongs(item: Result | Conformity) -> bool:
        known = item.quantity in titled or any(_is_named(item.quantity, name) for name in names)
        own = named("terms", item.quantity.partition(".")[2])
        return known and specimen in ("", item.specimen) and (layer == "" or same(own, layer))

    results = [result for result in report.results if belongs(result)]
    judged = [item for item in report.conformities if belongs(item)]
    places = {(item.quantity, item.specimen) for item in judged}
    shown = [one for one in results if ((one.quantity, one.specimen) in places if places else one.main)]
    return OnAxis(
        limits=_limits(judged, report.results),
        results=tuple(_stated(one, shown) for one in shown) if len(shown) <= _MOST_RESULTS else (),
    )


def strips(report: Report) -> tuple[Strip, ...]:
    """Every judged quantity with its limits, its results and the values of its fields, in the order of the verdicts."""
    made = []
    for quantity in dict.fromkeys(item.quantity for item in report.conformities):
        judged = [item for item in report.conformities if item.quantity == quantity]
        specimens = {item.specimen for item in judged}
        shown = [one for one in report.results if one.quantity == quantity and one.specimen in specimens]
        rows = tuple(
            Row(
                name=result.specimen if len(shown) > 1 else "",
                result=_stated(result, [result]),
                limits=_limits([item for item in judged if item.specimen == result.specimen], report.results),
                values=_of_fields(report.fields, quantity, result.specimen),
            )
            for result in shown[:_MOST_ROWS]
        )
        if rows:
            made.append(Strip(title=shown[0].title or quantity, unit=shown[0].unit, rows=rows))
    return tuple(made)


def _parts(title: str) -> Iterator[str]:
    """A text and the sentences that it was joined of."""
    yield title
    parts = title.values.get("parts") if isinstance(title, Text) else None
    for part in parts if isinstance(parts, tuple) else ():
        if isinstance(part, Text):
            yield from _parts(part)


def _is_title(part: str, key: str) -> bool:
    return is_text(part, key) or str(part) == key


def _named_in(parts: Sequence[str], what: str) -> str:
    """The specimen or the layer that a title names; empty: none, or it is in plain words."""
    found = (part.values.get(what) for part in parts if isinstance(part, Text))
    return next((name if isinstance(name, Text) else str(name) for name in found if name is not None), "")


def _is_named(quantity: str, name: str) -> bool:
    return quantity.startswith(name[:-1]) if name.endswith(".*") else quantity == name


def _limits(judged: Sequence[Conformity], results: Sequence[Result]) -> tuple[Limit, ...]:
    """Limits of verdicts, each once; where specimens differ in their guard band, it is the widest."""
    quantities = {item.quantity for item in judged}
    found: dict[tuple[float, bool, Words], float] = {}
    for item in judged:
        asked = item.requirement
        result = next((one for one in results if (one.quantity, one.specimen) == (item.quantity, item.specimen)), None)
        width = 0.0
        if asked.rule != "simple" and result is not None and result.u is not None and result.expanded_u is not None:
            width = guard_band(asked.guard_band, result.u, result.expanded_u)
        for value, upper in ((asked.lower, False), (asked.upper, True)):
            if value is None:
                continue
            unit = asked.unit or item.unit
            words = text.with_unit(f"{'≤' if upper else '≥'}{text.NBSP}{text.as_given(value)}", unit)
            if len(quantities) > 1:
                words = Text("page.head_and_value", head=_title_of(item, results), value=words)
            key = (convert(value, unit, item.unit), upper, words)
            found[key] = max(width, found.get(key, 0.0))
    both_sides = any(item.requirement.rule in ("guarded", "non_binary") for item in judged)
    return tuple(
        Limit(at=at, upper=upper, words=words, guard=_band(at, upper, width, both_sides) if width else None)
        for (at, upper, words), width in found.items()
    )


def _band(at: float, upper: bool, width: float, both_sides: bool) -> tuple[float, float]:
    inner = at - width if upper else at + width
    outer = (at + width if upper else at - width) if both_sides else at
    return min(inner, outer), max(inner, outer)


def _title_of(item: Conformity, results: Sequence[Result]) -> Words:
    return next((one.title for one in results if one.quantity == item.quantity and one.title), item.quantity)


def _stated(result: Result, among: Sequence[Result]) -> Stated:
    """A result on an axis, named by what tells it from the others there."""
    low, high = result.interval or (result.value, result.value)
    if result.interval is None and result.expanded_u is not None:
        low, high = result.value - result.expanded_u, result.value + result.expanded_u
    words = ""
    if len({one.specimen for one in among}) > 1:
        words = result.specimen
    elif len({one.quantity for one in among}) > 1:
        words = result.title or result.quantity
    return Stated(value=result.value, low=low, high=high, words=words)


def _of_fields(fields: Table, quantity: str, specimen: str) -> tuple[float, ...]:
    """Values that the table of fields has of a quantity; none where it is no value of a field."""
    if quantity not in fields.columns:
        return ()
    at = fields.columns.index(quantity)
    own = fields.columns.index("specimen") if "specimen" in fields.columns else None
    found = [row[at] for row in fields.rows if own is None or str(row[own]) == specimen]
    return tuple(float(value) for value in found if isinstance(value, int | float) and not isinstance(value, bool))
