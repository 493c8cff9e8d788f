"""A plot drawn as SVG: what it needs around its axes, the axes, the marks and the legend.

The same plot gives the same bytes on every machine. Lengths are in points of paper.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from math import ceil, cos, floor, log10, radians, sin

from inspect_tool.languages import ENGLISH
from inspect_tool.report.plots.marks import LABEL_SIZE, drawn, marker, noted
from inspect_tool.report.plots.scales import Frame, Scale, scale_of, ticks_of
from inspect_tool.report.plots.svg import ASCENT, DESCENT, FAMILY, box, hatched, length_of, line, number, text
from inspect_tool.report.plots.values import FAINT, NAME_SIZE, Axis, Band, Bars, Curve, Line, Mark, Note, Plot, Tick

_GRID = "#e4e7eb"
_EDGE = 3.0  # from a text to the edge of the picture
_TICK = 3.0
_TURNED_SIZE = 7.5  # of names that are not level
_SLANT = 40  # of names that would run into each other [degree]
_UPRIGHT = 90  # of names that would do so even when slanted
_ROW = 9.0  # of labels above the axes
_LEGEND_ROW = 10.5
_LINE = NAME_SIZE * (ASCENT + DESCENT) + 1.0  # of the name of an axis
_LEAST = 7.0  # size of the name of an axis on one line


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """Names or numbers under an axis: how they are turned [degree], and in which size."""

    ticks: Sequence[Tick]
    turned: int
    size: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Label:
    """What stands beside a line or band: words, where their base line begins, and the place that they name."""

    words: str
    x: float
    row: int = 0  # above the axes, from below
    y: float = 0.0  # right of the axes
    size: float = LABEL_SIZE


def plot_svg(plot: Plot, width_mm: float, height_mm: float, language: str = ENGLISH) -> str:
    """Draw a plot, with a legend above it: of what has a name, single series aside.

    Words are drawn as they come; numbers of the axes are those of the language.
    """
    marks, x, y = plot.marks, plot.x, plot.y
    width, height = width_mm * 72 / 25.4, height_mm * 72 / 25.4
    across, up = scale_of(x, marks, 0), scale_of(y, marks, 1)
    up_ticks = ticks_of(y, up, language, lambda _: True)
    beside = [length_of(one.words, one.size) + 1.0 for one in _notes(marks) if one.x is None]
    beside += [length_of(label, LABEL_SIZE) for label, _ in _labels(marks, upright=False)]
    frame = Frame(
        left=_EDGE
        + (12.0 if y.label else 0.0)
        + max((length_of(words, y.size) for _, words in up_ticks), default=0)
        + 3.5,
        right=width - 5.5 - max(beside, default=0),
        top=0.0,
        bottom=height,
    )

    def on(frame: Frame) -> Scale:
        return replace(across, start=frame.left, end=frame.right)

    ticks = ticks_of(x, across, language, lambda made: not _collide(made, on(frame), x.size))
    named = _turned(ticks, x, on(frame))
    for _ in range(3):  # what is moved moves the names as well
        sides = [_beside(words, named) for _, words in named.ticks]
        places = [on(frame)(value) for value, _ in named.ticks]
        over = max((side[0] + 2 - at for side, at in zip(sides, places, strict=True)), default=0)
        beyond = max((at + side[1] + 2 - width for side, at in zip(sides, places, strict=True)), default=0)
        frame = replace(frame, left=frame.left + max(0, over), right=frame.right - max(0, beyond))
    named = _turned(ticks, x, on(frame))
    deep = max((length_of(words, named.size) for _, words in named.ticks), default=0) * sin(radians(named.turned))
    below = _TICK + 3.5 + deep + (0.0 if named.turned == _UPRIGHT else named.size * (ASCENT + DESCENT))
    label = _broken(x.label, width)
    rows = _legend_rows(marks, width - frame.left - _EDGE)
    above = _labels_above(marks, on(frame), width)
    top = 6.0 + _LEGEND_ROW * len(rows) + 8.0 * any(one.y is None for one in _notes(marks))
    top += _ROW * max((one.row + 1 for one in above), default=0)
    frame = replace(frame, top=top, bottom=height - _EDGE - below - len(label) * _LINE - (3.0 if label else 0))
    across, up = on(frame), replace(up, start=frame.bottom, end=frame.top)
    parts = chain(
        chain.from_iterable(drawn(mark, across, up, frame) for mark in marks if isinstance(mark, Band)),
        _grid(up_ticks, up, frame, y.size),
        chain.from_iterable(drawn(mark, across, up, frame) for mark in marks if not isinstance(mark, Band)),
        _x_axis(named, across, frame, x),
        _axis_labels(label, y.label, frame, width, height),
        _legend(rows, frame.left, top - 8.5 - _ROW * max((one.row + 1 for one in above), default=0)),
        (text(one.words, one.x, frame.top - 2.5 - _ROW * one.row, "start", one.size) for one in above),
        (text(one.words, one.x, one.y, "start", one.size) for one in _labels_beside(marks, up, frame)),
        chain.from_iterable(noted(mark, across, up, frame) for mark in marks),
    )
    n = number
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{n(width)}pt" height="{n(height)}pt" '
        f'viewBox="0 0 {n(width)} {n(height)}" font-family="{FAMILY}" stroke-linejoin="round">\n'
        f'<clipPath id="axes"><rect x="{n(frame.left)}" y="{n(frame.top)}" width="{n(frame.right - frame.left)}" '
        f'height="{n(frame.bottom - frame.top)}"/></clipPath>\n' + "\n".join(parts) + "\n</svg>\n"
    )


# ------------------------------------------------------------------------------------------------------------- axes


def _turned(ticks: Sequence[Tick], axis: Axis, across: Scale) -> _Named:
    """Names level where they have room, else slanted, else upright; of more than fit even so, every second or so."""
    if axis.names is None or not _collide(ticks, across, axis.size):
        return _Named(ticks=ticks, turned=0, size=axis.size)
    size = min(axis.size, _TURNED_SIZE)
    apart = min((across(b) - across(a) for (a, _), (b, _) in pairwise(ticks)), default=size)
    if apart >= size / sin(radians(_SLANT)):
        return _Named(ticks=ticks, turned=_SLANT, size=size)
    every = max(1, ceil((size + 0.6) / max(apart, 0.1)))
    return _Named(ticks=ticks[::every], turned=_UPRIGHT, size=size)


def _beside(words: str, named: _Named) -> tuple[float, float]:
    """How far the words under a tick reach to its left and right."""
    length = length_of(words, named.size)
    if not named.turned:
        return length / 2, length / 2
    return length * cos(radians(named.turned)) + 0.3 * named.size, 0.3 * named.size


def _collide(ticks: Sequence[Tick], scale: Scale, size: float) -> bool:
    ends = [(scale(value), length_of(words, size) / 2) for value, words in ticks]
    return any(one[0] + one[1] + 3 > other[0] - other[1] for one, other in pairwise(ends))


def _grid(ticks: Sequence[Tick], up: Scale, frame: Frame, size: float) -> Iterator[str]:
    lines = "".join(f"M{number(frame.left)} {number(up(value))}H{number(frame.right)}" for value, _ in ticks)
    yield f'<path d="{lines}" fill="none" stroke="{_GRID}" stroke-width="0.6"/>'
    for value, words in ticks:
        yield text(words, frame.left - 3.5, up(value) + ASCENT * size / 2, "end", size)


def _x_axis(named: _Named, across: Scale, frame: Frame, axis: Axis) -> Iterator[str]:
    n, shown = number, {value for value, _ in named.ticks}
    lines = f"M{n(frame.left)} {n(frame.bottom)}H{n(frame.right)}"
    lines += "".join(f"M{n(across(value))} {n(frame.bottom)}v{n(_TICK)}" for value in shown)
    if axis.log and across.high < 1000 * across.low:
        decades = range(floor(log10(across.low)), ceil(log10(across.high)) + 1)
        between = (factor * 10.0**power for power in decades for factor in range(1, 10))
        lines += "".join(f"M{n(across(v))} {n(frame.bottom)}v2" for v in between if across.within(v))
    yield f'<path d="{lines}" fill="none" stroke="{FAINT}" stroke-width="0.7"/>'
    base, size = frame.bottom + _TICK + 3.5 + ASCENT * named.size, named.size
    for value, words in named.ticks:
        at = across(value)
        if named.turned:
            at, low = (at + 0.35 * size, frame.bottom + _TICK + 3) if named.turned == _UPRIGHT else (at, base - 1)
            shift = 0.0 if named.turned == _UPRIGHT else 0.3 * size
            yield text(words, at + shift, low, "end", size, turned=-named.turned)
        else:
            yield text(words, at, base, "middle", size)


def _axis_labels(x_label: Sequence[str], y_label: str, frame: Frame, width: float, height: float) -> Iterator[str]:
    """Names of the axes in their middle; a line that is longer than the picture is written smaller."""
    for i, words in enumerate(reversed(x_label)):
        at, size = _fitted(words, (frame.left + frame.right) / 2, width)
        yield text(words, at, height - _EDGE - DESCENT * NAME_SIZE - _LINE * i, "middle", size)
    if y_label:
        at, size = _fitted(y_label, (frame.top + frame.bottom) / 2, height - len(x_label) * _LINE)
        yield text(y_label, _EDGE + ASCENT * NAME_SIZE, at, "middle", size, turned=-90)


def _broken(label: str, side: float) -> tuple[str, ...]:
    """A label in lines: two of like length, where it would have to be written too small on one."""
    if not label or " " not in label or length_of(label, _LEAST) <= side - 2 * _EDGE:
        return (label,) if label else ()
    gaps = [i for i, sign in enumerate(label) if sign == " "]
    at = min(gaps, key=lambda i: abs(length_of(label[:i], 1.0) - length_of(label[i:], 1.0)))
    return label[:at], label[at + 1 :]


def _fitted(label: str, middle: float, side: float, most: float = NAME_SIZE) -> tuple[float, float]:
    """Middle and size of a label along a side of the picture, so that nothing of it is cut off."""
    size = most * min(1.0, (side - 2 * _EDGE) / length_of(label, most))
    half = length_of(label, size) / 2
    return min(max(middle, _EDGE + half), side - _EDGE - half), size


# --------------------------------------------------------------------------------------- labels of lines and bands


def _labels(marks: Sequence[Mark], *, upright: bool) -> list[tuple[str, float]]:
    """Labels with the value that each names."""
    found = [mark for mark in marks if isinstance(mark, Line | Band) and mark.label and mark.upright == upright]
    return [(one.label, one.at if isinstance(one, Line) else (one.low + one.high) / 2) for one in found]


def _labels_above(marks: Sequence[Mark], across: Scale, width: float) -> list[_Label]:
    """Labels of upright lines above the axes, each over its line, in as many rows as they need."""
    placed: list[tuple[float, float, _Label]] = []
    for words, value in sorted(_labels(marks, upright=True), key=lambda one: one[1]):
        if not across.within(value):
            continue
        middle, size = _fitted(words, across(value), width, LABEL_SIZE)
        half = length_of(words, size) / 2
        taken = {one.row for left, right, one in placed if left < middle + half + 4 and right > middle - half - 4}
        row = next(row for row in range(len(taken) + 1) if row not in taken)
        placed.append((middle - half, middle + half, _Label(words=words, x=middle - half, row=row, size=size)))
    return [one for *_, one in placed]


def _labels_beside(marks: Sequence[Mark], up: Scale, frame: Frame) -> list[_Label]:
    """Labels of level lines right of the axes, moved apart where they would lie on each other."""
    shown = sorted(
        ((up(value), words) for words, value in _labels(marks, upright=False) if up.within(value)), reverse=True
    )
    made: list[_Label] = []
    lowest = frame.bottom + _ROW / 2
    for at, words in shown:
        lowest = min(at, lowest - _ROW)
        made.append(_Label(words=words, x=frame.right + 3, y=lowest + ASCENT * LABEL_SIZE / 2))
    return made


# ----------------------------------------------------------------------------------------------------------- legend


def _legend_rows(marks: Sequence[Mark], width: float) -> list[list[tuple[float, Curve | Bars | Line | Band]]]:
    """Marks that have a name in rows, each with its place behind the left edge of the axes.

    A series that is alone needs none; lines and bands of one name stand there once.
    """
    series = [mark for mark in marks if isinstance(mark, Curve | Bars) and mark.name]
    keys = {mark.name: mark for mark in marks if isinstance(mark, Line | Band) and mark.name}
    rows: list[list[tuple[float, Curve | Bars | Line | Band]]] = []
    at = width + 1.0  # the first begins a row
    for mark in (*(series if len(series) + len(keys) > 1 else ()), *keys.values()):
        needed = 24.0 + length_of(mark.name, LABEL_SIZE)
        if at + needed > width:
            rows.append([])
            at = 0.0
        rows[-1].append((at, mark))
        at += needed + 10.5
    return rows


def _legend(
    rows: Sequence[Sequence[tuple[float, Curve | Bars | Line | Band]]], left: float, lowest: float
) -> Iterator[str]:
    for i, row in enumerate(reversed(rows)):
        middle = lowest - _LEGEND_ROW * i
        for behind, mark in row:
            x = left + behind
            edges = (x, middle - 2.6, x + 18, middle + 2.6)
            if isinstance(mark, Bars | Band):
                if mark.fill:
                    yield box(*edges, mark.fill)
                if mark.hatch:
                    yield hatched(*edges, mark.hatch, *((mark.color, 0.5, 3.6) if isinstance(mark, Band) else ()))
            elif mark.width:
                yield line(f"M{number(x)} {number(middle)}h18", mark.color, mark.width, mark.dash)
            if isinstance(mark, Curve) and mark.marker:
                yield marker(mark, x + 9, middle)
            yield text(mark.name, x + 24, middle + ASCENT * LABEL_SIZE / 2, "start", LABEL_SIZE)


def _notes(marks: Sequence[Mark]) -> Iterator[Note]:
    return (mark for mark in marks if isinstance(mark, Note))
