"""Plots as SVG: curves, bars and straight lines over two axes, whose words and numbers stay text.

Texts are measured by the font of the pages, whatever fonts a machine has: the same plot gives the same bytes.
Lengths are in points of paper.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from html import escape
from itertools import chain, count, pairwise
from math import ceil, cos, floor, isfinite, log10, radians, sin
from typing import Any, Literal, TypeAlias

from PIL import ImageFont

from inspect_tool.languages import ENGLISH, localized
from inspect_tool.paths import data_folder
from inspect_tool.report.text import MINUS, short

INK = "#1f2933"
FAINT = "#9aa5b1"

Marker: TypeAlias = Literal["", "circle", "square", "diamond", "triangle"]
Hatch: TypeAlias = Literal["", "rising", "dots", "falling"]
Dash: TypeAlias = tuple[float, ...]  # on and off, in widths of the line; empty: a full line
Tick: TypeAlias = tuple[float, str]  # where on the axis, and what stands there

_GRID = "#e4e7eb"
_FAMILY = "'Report Sans', 'Liberation Sans', Arial, Helvetica, 'DejaVu Sans', sans-serif"
_SIZE = 8.5
_ASCENT, _DESCENT = 0.73, 0.21  # of Liberation Sans, in sizes of the font
_EDGE = 3.0  # from a text to the edge of the picture
_TICK = 3.0
_SLANT = 40  # of names that would run into each other [degree]
_LARGEST = 1e300  # beyond it sums overflow: no instrument gives such a number


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Values that a line joins, markers show, or both; ``width`` 0: no line."""

    x: Sequence[float]
    y: Sequence[float]
    color: str = INK
    width: float = 0.0
    dash: Dash = ()
    stepped: bool = False  # a value holds until the next
    marker: Marker = ""
    size: float = 4.2  # of a marker
    fill: str = "white"
    edge: float = 0.9  # width of the line around a marker
    reach: Sequence[tuple[float, float]] = ()  # how far the interval of each value goes below and above it
    name: str = ""  # in the legend; empty: not there


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Bars that stand on 0."""

    left: Sequence[float]
    right: Sequence[float]
    height: Sequence[float]
    fill: str
    hatch: Hatch = ""
    parted: bool = False  # by a fine white line, where bars touch
    labels: Sequence[str] = ()  # over the bars
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A straight line across the axes; the label of an upright one stands beside its upper end."""

    at: float
    upright: bool = False
    color: str = INK
    width: float = 0.9
    dash: Dash = ()
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Words that begin over a point; without ``x`` right of the axes, without ``y`` above them and centered."""

    words: str
    x: float | None = None
    y: float | None = None
    color: str = INK
    size: float = 7.0


Mark: TypeAlias = Curve | Bars | Line | Note


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """An axis: what it is called, its range and its numbers."""

    label: str = ""
    low: float | None = None  # None: what is drawn, and ``margin``
    high: float | None = None
    margin: float = 0.05  # of the range
    log: bool = False
    intervals: int = 5  # between its numbers, at most
    whole: bool = False  # its numbers are counts
    names: Sequence[Tick] | None = None  # in the place of numbers
    size: float = _SIZE  # of numbers and names


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Marks, one over the other, and the axes below them."""

    marks: Sequence[Mark]
    x: Axis
    y: Axis


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    """From the values of an axis to their places in the picture."""

    low: float
    high: float
    log: bool = False
    start: float = 0.0
    end: float = 1.0

    def holds(self, value: float) -> bool:
        """Whether a value has a place, be it beyond the axis."""
        return isfinite(value) and abs(value) < _LARGEST and not (self.log and value <= 0)

    def within(self, value: float) -> bool:
        """Whether a value lies on the axis, to its last digits."""
        return self.holds(value) and -1e-9 <= (self(value) - self.start) / (self.end - self.start) <= 1 + 1e-9

    def __call__(self, value: float) -> float:
        low, high, at = (log10(v) if self.log else v for v in (self.low, self.high, value))
        return self.start + (at - low) / (high - low) * (self.end - self.start)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """Where the axes lie in the picture."""

    left: float
    right: float
    top: float
    bottom: float


def plot_svg(plot: Plot, width_mm: float, height_mm: float, language: str = ENGLISH) -> str:
    """Draw a plot, with a legend above it where two marks or more have names.

    Words are drawn as they come; numbers of the axes are those of the language.
    """
    marks, x, y = plot.marks, plot.x, plot.y
    width, height = width_mm * 72 / 25.4, height_mm * 72 / 25.4
    across, up = _scale(x, marks, 0), _scale(y, marks, 1)
    up_ticks = _ticks(y, up, language, lambda _: True)
    frame = _Frame(
        left=_EDGE + (12.0 if y.label else 0.0) + max((_length(text, y.size) for _, text in up_ticks), default=0) + 3.5,
        right=width
        - 5.5
        - max((_length(one.words, one.size) + 1.0 for one in _notes(marks) if one.x is None), default=0),
        top=0.0,
        bottom=height,
    )

    def on(frame: _Frame) -> _Scale:
        return replace(across, start=frame.left, end=frame.right)

    ticks = _ticks(x, across, language, lambda made: not _collide(made, on(frame), x.size))
    slanted = x.names is not None and _collide(ticks, on(frame), x.size)
    for _ in range(3):  # what is moved moves the names as well
        sides = [_beside(text, x.size, slanted=slanted) for _, text in ticks]
        places = [on(frame)(value) for value, _ in ticks]
        over = max((side[0] + 2 - at for side, at in zip(sides, places, strict=True)), default=0)
        beyond = max((at + side[1] + 2 - width for side, at in zip(sides, places, strict=True)), default=0)
        frame = replace(frame, left=frame.left + max(0, over), right=frame.right - max(0, beyond))
    deep = max((_length(text, x.size) for _, text in ticks), default=0) * sin(radians(_SLANT)) if slanted else 0
    below = _TICK + 3.5 + x.size * (_ASCENT + _DESCENT) + deep
    rows = _legend_rows(marks, width - frame.left - _EDGE)
    top = 6.0 + 10.5 * len(rows) + 8.0 * any(one.y is None for one in _notes(marks))
    frame = replace(
        frame, top=top, bottom=height - _EDGE - below - (_SIZE * (_ASCENT + _DESCENT) + 4 if x.label else 0)
    )
    across, up = on(frame), replace(up, start=frame.bottom, end=frame.top)
    parts = chain(
        _grid(up_ticks, up, frame, y.size),
        chain.from_iterable(_drawn(mark, across, up, frame) for mark in marks),
        _x_axis(ticks, across, frame, x, slanted=slanted),
        _axis_labels(x.label, y.label, frame, width, height),
        _legend(rows, frame),
        chain.from_iterable(_worded(mark, across, up, frame) for mark in marks),
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(width)}pt" height="{_n(height)}pt" '
        f'viewBox="0 0 {_n(width)} {_n(height)}" font-family="{_FAMILY}" stroke-linejoin="round">\n'
        f'<clipPath id="axes"><rect x="{_n(frame.left)}" y="{_n(frame.top)}" width="{_n(frame.right - frame.left)}" '
        f'height="{_n(frame.bottom - frame.top)}"/></clipPath>\n' + "\n".join(parts) + "\n</svg>\n"
    )


# ---------------------------------------------------------------------------------------------- ranges and numbers


def _scale(axis: Axis, marks: Sequence[Mark], which: Literal[0, 1]) -> _Scale:
    plain = _Scale(low=0.0, high=1.0, log=axis.log)
    there = [value for mark in marks for value in _values(mark)[which] if plain.holds(value)]
    low, high = (min(there), max(there)) if there else (1.0, 10.0) if axis.log else (0.0, 1.0)
    low, high = (log10(low), log10(high)) if axis.log else (low, high)
    if low == high:
        room = 0.06 * abs(low) or 0.5
        low, high = low - room, high + room
    room = axis.margin * (high - low)
    low, high = low - room, high + room
    low, high = (10**low, 10**high) if axis.log else (low, high)
    low = low if axis.low is None else axis.low
    high = high if axis.high is None else axis.high
    if high <= low:
        high = low + 1.0
    if (
        axis.high is None
        and which == 1
        and any(isinstance(mark, Line) and mark.upright and mark.label for mark in marks)
    ):
        high += 0.1 * (high - low)  # room for the labels
    return _Scale(low=low, high=high, log=axis.log)


def _values(mark: Mark) -> tuple[Sequence[float], Sequence[float]]:
    """Values that the axes have room for."""
    match mark:
        case Curve():
            ends = (
                [end for y, (down, up) in zip(mark.y, mark.reach, strict=True) for end in (y - down, y + up)]
                if mark.reach
                else []
            )
            both = [(x, y) for x, y in zip(mark.x, mark.y, strict=True) if isfinite(x) and isfinite(y)]
            return [x for x, _ in both], [*(y for _, y in both), *ends]
        case Bars():
            return [*mark.left, *mark.right], [0.0, *mark.height]
        case Line():
            return ([mark.at], []) if mark.upright else ([], [mark.at])
        case Note():
            return [], []


def _ticks(axis: Axis, scale: _Scale, language: str, fit: Callable[[Sequence[Tick]], bool]) -> Sequence[Tick]:
    """Numbers of an axis, as many as fit."""
    if axis.names is not None:
        return [(value, name) for value, name in axis.names if scale.within(value)]
    made: list[Tick] = []
    for numbers in _decades(scale) if scale.log else _by_steps(scale, axis):
        made = [(value, localized(text.replace("-", MINUS), language)) for value, text in numbers]
        if fit(made):
            break
    return made


def _by_steps(scale: _Scale, axis: Axis) -> Iterator[list[Tick]]:
    """Multiples of 1, 2, 2.5 or 5 times a power of ten, in wider and wider steps."""
    span = scale.high - scale.low
    for intervals in range(axis.intervals, 0, -1):
        for factor, power in _steps(span / intervals):
            step = factor * 10.0**power
            places = max(0, -power + (factor == 2.5))
            if axis.whole and places:
                continue
            first, last = ceil(scale.low / step - 1e-9), floor(scale.high / step + 1e-9)
            values = [i * step for i in range(first, last + 1)]
            plain = places <= 6 and max(map(abs, values), default=0) < 1e6
            yield [(v, f"{v:.{places}f}" if plain else short(v, 4)) for v in values]
            break


def _steps(least: float) -> Iterator[tuple[float, int]]:
    for power in count(floor(log10(least))):
        yield from ((factor, power) for factor in (1.0, 2.0, 2.5, 5.0) if factor * 10.0**power >= least * (1 - 1e-9))


def _decades(scale: _Scale) -> Iterator[list[Tick]]:
    """Powers of ten, for few decades with numbers between them, or steps where there are no two of these."""
    decades = range(floor(log10(scale.low)), ceil(log10(scale.high)) + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)) if scale.high < 300 * scale.low else ((1,),):
        values = [v for power in decades for v in (factor * 10.0**power for factor in factors) if scale.within(v)]
        if len(values) > 1:
            yield [(v, f"{v:g}") for v in values]
    for every in (2, 3, 5):
        values = [10.0**power for power in decades if power % every == 0 and scale.within(10.0**power)]
        if len(values) > 1:
            yield [(v, f"{v:g}") for v in values]
    if scale.high < 10 * scale.low:
        yield from _by_steps(scale, Axis(intervals=4))


# ------------------------------------------------------------------------------------------------------------ texts


@cache
def _font() -> Any:
    """The font of the pages, laid out without the help of libraries that other machines lack."""
    path = data_folder("templates") / "fonts" / "LiberationSans-Regular.ttf"
    return ImageFont.truetype(str(path), 1000, layout_engine=ImageFont.Layout.BASIC)


def _length(words: str, size: float) -> float:
    return float(_font().getlength(words)) * size / 1000


def _beside(words: str, size: float, *, slanted: bool) -> tuple[float, float]:
    """How far the words under a tick reach to its left and right."""
    length = _length(words, size)
    return (length * cos(radians(_SLANT)), 0.3 * size) if slanted else (length / 2, length / 2)


def _collide(ticks: Sequence[Tick], scale: _Scale, size: float) -> bool:
    ends = [(scale(value), _length(text, size) / 2) for value, text in ticks]
    return any(one[0] + one[1] + 3 > other[0] - other[1] for one, other in pairwise(ends))


def _text(
    words: str,
    x: float,
    y: float,
    anchor: Literal["start", "middle", "end"],
    size: float = _SIZE,
    *,
    turned: int = 0,
    color: str = INK,
) -> str:
    turn = f' transform="rotate({turned} {_n(x)} {_n(y)})"' if turned else ""
    return (
        f'<text x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}" text-anchor="{anchor}" fill="{color}"{turn}>'
        f"{escape(words, quote=False)}</text>"
    )


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


# ------------------------------------------------------------------------------------------------------------- axes


def _grid(ticks: Sequence[Tick], up: _Scale, frame: _Frame, size: float) -> Iterator[str]:
    lines = "".join(f"M{_n(frame.left)} {_n(up(value))}H{_n(frame.right)}" for value, _ in ticks)
    yield f'<path d="{lines}" fill="none" stroke="{_GRID}" stroke-width="0.6"/>'
    for value, words in ticks:
        yield _text(words, frame.left - 3.5, up(value) + _ASCENT * size / 2, "end", size)


def _x_axis(ticks: Sequence[Tick], across: _Scale, frame: _Frame, axis: Axis, *, slanted: bool) -> Iterator[str]:
    shown = {value for value, _ in ticks}
    lines = f"M{_n(frame.left)} {_n(frame.bottom)}H{_n(frame.right)}"
    lines += "".join(f"M{_n(across(value))} {_n(frame.bottom)}v{_n(_TICK)}" for value in shown)
    if axis.log and across.high < 1000 * across.low:
        decades = range(floor(log10(across.low)), ceil(log10(across.high)) + 1)
        between = (factor * 10.0**power for power in decades for factor in range(1, 10))
        lines += "".join(f"M{_n(across(v))} {_n(frame.bottom)}v2" for v in between if across.within(v))
    yield f'<path d="{lines}" fill="none" stroke="{FAINT}" stroke-width="0.7"/>'
    base = frame.bottom + _TICK + 3.5 + _ASCENT * axis.size
    for value, words in ticks:
        if slanted:
            yield _text(words, across(value) + 0.3 * axis.size, base - 1, "end", axis.size, turned=-_SLANT)
        else:
            yield _text(words, across(value), base, "middle", axis.size)


def _axis_labels(x_label: str, y_label: str, frame: _Frame, width: float, height: float) -> Iterator[str]:
    """Names of the axes in their middle; one that is longer than the picture is written smaller."""
    if x_label:
        at, size = _fitted(x_label, (frame.left + frame.right) / 2, width)
        yield _text(x_label, at, height - _EDGE - _DESCENT * _SIZE, "middle", size)
    if y_label:
        at, size = _fitted(y_label, (frame.top + frame.bottom) / 2, height)
        yield _text(y_label, _EDGE + _ASCENT * _SIZE, at, "middle", size, turned=-90)


def _fitted(label: str, middle: float, side: float) -> tuple[float, float]:
    """Middle and size of a label along a side of the picture, so that nothing of it is cut off."""
    size = _SIZE * min(1.0, (side - 2 * _EDGE) / _length(label, _SIZE))
    half = _length(label, size) / 2
    return min(max(middle, _EDGE + half), side - _EDGE - half), size


# ------------------------------------------------------------------------------------------------------------ marks


def _drawn(mark: Mark, across: _Scale, up: _Scale, frame: _Frame) -> Iterator[str]:
    match mark:
        case Curve():
            yield from _curve(mark, across, up)
        case Bars():
            yield from _bars(mark, across, up)
        case Line():
            at = (across if mark.upright else up)(mark.at)
            way = (
                f"M{_n(at)} {_n(frame.bottom)}V{_n(frame.top)}"
                if mark.upright
                else f"M{_n(frame.left)} {_n(at)}H{_n(frame.right)}"
            )
            yield _line(way, mark.color, mark.width, mark.dash, clipped=True)


def _curve(mark: Curve, across: _Scale, up: _Scale) -> Iterator[str]:
    places: list[list[tuple[float, float]]] = [[]]
    for x, y in zip(mark.x, mark.y, strict=True):
        if across.holds(x) and up.holds(y):
            places[-1].append((across(x), up(y)))
        elif places[-1]:
            places.append([])  # the line ends where a value lacks
    if mark.width:
        way = "".join(_way(run, stepped=mark.stepped) for run in places if run)
        inside = all(across.within(x) and up.within(y) for x, y in zip(mark.x, mark.y, strict=True))
        yield _line(way, mark.color, mark.width, mark.dash, clipped=not inside)
    for x, y, (down, above) in zip(mark.x, mark.y, mark.reach, strict=False):
        if across.within(x) and up.holds(y) and (down or above):
            ends = [min(max(end, up.low), up.high) for end in (y - down, y + above)]
            yield _line(
                f"M{_n(across(x))} {_n(up(ends[0]))}V{_n(up(ends[1]))}", mark.color, 0.5 if mark.marker else 1.0
            )
            if not mark.marker:
                for end in ends:
                    yield _line(f"M{_n(across(x) - 3)} {_n(up(end))}h6", mark.color, 1.0)
    if mark.marker:
        for x, y in zip(mark.x, mark.y, strict=True):
            if across.within(x) and up.within(y):
                yield _marker(mark, across(x), up(y))


def _way(places: Sequence[tuple[float, float]], *, stepped: bool) -> str:
    first, *others = ((_n(x), _n(y)) for x, y in places)
    return f"M{first[0]} {first[1]}" + "".join(f"H{x}V{y}" if stepped else f"L{x} {y}" for x, y in others)


def _line(way: str, color: str, width: float, dash: Dash = (), *, clipped: bool = False) -> str:
    dashes = f' stroke-dasharray="{" ".join(_n(part * width) for part in dash)}"' if dash else ""
    clip = ' clip-path="url(#axes)"' if clipped else ""
    return f'<path d="{way}" fill="none" stroke="{color}" stroke-width="{_n(width)}"{dashes}{clip}/>'


def _marker(mark: Curve, x: float, y: float) -> str:
    r = mark.size / 2
    way = {
        "circle": f"M{_n(x - r)} {_n(y)}a{_n(r)} {_n(r)} 0 1 0 {_n(2 * r)} 0a{_n(r)} {_n(r)} 0 1 0 {_n(-2 * r)} 0z",
        "square": f"M{_n(x - r)} {_n(y - r)}h{_n(2 * r)}v{_n(2 * r)}h{_n(-2 * r)}z",
        "diamond": f"M{_n(x)} {_n(y - 1.41 * r)}l{_n(1.41 * r)} {_n(1.41 * r)}l{_n(-1.41 * r)} {_n(1.41 * r)}"
        f"l{_n(-1.41 * r)} {_n(-1.41 * r)}z",
        "triangle": f"M{_n(x)} {_n(y - r)}l{_n(r)} {_n(2 * r)}h{_n(-2 * r)}z",
    }[mark.marker]
    return f'<path d="{way}" fill="{mark.fill}" stroke="{mark.color}" stroke-width="{_n(mark.edge)}"/>'


def _bars(mark: Bars, across: _Scale, up: _Scale) -> Iterator[str]:
    shown = [
        (i, (across(left), up(max(0.0, height)), across(right), up(min(0.0, height))))
        for i, (left, right, height) in enumerate(zip(mark.left, mark.right, mark.height, strict=True))
        if across.holds(left) and across.holds(right) and up.holds(height)
    ]
    gap = 0.25 if mark.parted else 0.0
    boxes = [(x0 + gap, y0, max(x0 + gap, x1 - gap), y1) for _, (x0, y0, x1, y1) in shown if y1 > y0]
    if boxes:
        way = "".join(f"M{_n(x0)} {_n(y0)}H{_n(x1)}V{_n(y1)}H{_n(x0)}z" for x0, y0, x1, y1 in boxes)
        yield f'<path d="{way}" fill="{mark.fill}"/>'
        yield from (_hatched(*box, mark.hatch) for box in boxes if mark.hatch)
    for i, (x0, y0, x1, y1) in shown if mark.labels else ():
        base = y1 + 1.5 + 7.5 * _ASCENT if mark.height[i] < 0 else y0 - 1.5
        yield _text(mark.labels[i], (x0 + x1) / 2, base, "middle", 7.5)


def _hatched(x0: float, y0: float, x1: float, y1: float, hatch: Hatch) -> str:
    """White lines or dots on a bar, which tell it from others in a black-and-white print."""
    if hatch == "dots":
        dots = (
            f"M{_n(x - 0.7)} {_n(y)}a0.7 0.7 0 1 0 1.4 0a0.7 0.7 0 1 0 -1.4 0z"
            for j, y in enumerate(_every(2.5, y0 + 1, y1 - 1))
            for x in _every(5.0, x0 + 1 + 2.5 * (j % 2), x1 - 1)
        )
        return f'<path d="{"".join(dots)}" fill="white"/>'
    # along a rising line x + y is the same everywhere
    ways = (
        ((max(x0, c - y1), min(y1, c - x0)), (min(x1, c - y0), max(y0, c - x1)))
        for c in _every(5.5, x0 + y0 + 2, x1 + y1)
    )
    mirror, sign = (0.0, 1) if hatch == "rising" else (x0 + x1, -1)
    lines = (f"M{_n(mirror + sign * a[0])} {_n(a[1])}L{_n(mirror + sign * b[0])} {_n(b[1])}" for a, b in ways)
    return _line("".join(lines), "white", 0.9)


def _every(step: float, start: float, end: float) -> Iterator[float]:
    while start < end:
        yield start
        start += step


# ------------------------------------------------------------------------------------------------- legend and notes


def _legend_rows(marks: Sequence[Mark], width: float) -> list[list[tuple[float, Curve | Bars]]]:
    """Marks that have a name in rows, each with its place behind the left edge of the axes; one alone needs none."""
    named = [mark for mark in marks if isinstance(mark, Curve | Bars) and mark.name]
    rows: list[list[tuple[float, Curve | Bars]]] = []
    at = width + 1.0  # the first begins a row
    for mark in named if len(named) > 1 else ():
        needed = 24.0 + _length(mark.name, 7.5)
        if at + needed > width:
            rows.append([])
            at = 0.0
        rows[-1].append((at, mark))
        at += needed + 10.5
    return rows


def _legend(rows: Sequence[Sequence[tuple[float, Curve | Bars]]], frame: _Frame) -> Iterator[str]:
    for i, row in enumerate(reversed(rows)):
        middle = frame.top - 8.5 - 10.5 * i
        for behind, mark in row:
            x = frame.left + behind
            if isinstance(mark, Bars):
                yield f'<path d="M{_n(x)} {_n(middle - 2.6)}h18v5.2h-18z" fill="{mark.fill}"/>'
                if mark.hatch:
                    yield _hatched(x, middle - 2.6, x + 18, middle + 2.6, mark.hatch)
            elif mark.width:
                yield _line(f"M{_n(x)} {_n(middle)}h18", mark.color, mark.width, mark.dash)
            if isinstance(mark, Curve) and mark.marker:
                yield _marker(mark, x + 9, middle)
            yield _text(mark.name, x + 24, middle + _ASCENT * 7.5 / 2, "start", 7.5)


def _notes(marks: Sequence[Mark]) -> Iterator[Note]:
    return (mark for mark in marks if isinstance(mark, Note))


def _worded(mark: Mark, across: _Scale, up: _Scale, frame: _Frame) -> Iterator[str]:
    """What stands beside a line, and notes, over all that is drawn."""
    if isinstance(mark, Line) and mark.upright and mark.label:
        at, length = across(mark.at), _length(mark.label, 7.5)
        on_the_left = at > frame.left + 0.7 * (frame.right - frame.left)
        x, y = at - 3 if on_the_left else at + 3, frame.top + 1 + _ASCENT * 7.5
        yield (
            f'<rect x="{_n((x - length if on_the_left else x) - 0.6)}" y="{_n(frame.top + 0.4)}" '
            f'width="{_n(length + 1.2)}" height="8.3" fill="white" fill-opacity="0.85"/>'
        )
        yield _text(mark.label, x, y, "end" if on_the_left else "start", 7.5)
    elif isinstance(mark, Note) and mark.y is None and mark.x is not None:
        yield _text(mark.words, across(mark.x), frame.top - 2.5, "middle", mark.size, color=mark.color)
    elif isinstance(mark, Note) and mark.y is not None:
        if mark.x is None:
            x, y = frame.right + 3, up(mark.y) + _ASCENT * mark.size / 2
        else:
            x, y = across(mark.x) + 2, up(mark.y) - 2
        yield _text(mark.words, x, y, "start", mark.size, color=mark.color)
