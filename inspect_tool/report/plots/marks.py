"""Marks of a plot drawn: curves, bars, bands, lines, and the notes beside them."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from inspect_tool.report.plots.scales import Frame, Scale
from inspect_tool.report.plots.svg import ASCENT, box, hatched, length_of, line, number, text
from inspect_tool.report.plots.values import Band, Bars, Curve, Line, Mark, Note

LABEL_SIZE = 7.5
"""Size of the numbers over bars, of labels of lines and of the legend."""


def drawn(mark: Mark, across: Scale, up: Scale, frame: Frame) -> Iterator[str]:
    """Draw a mark, without the words beside it."""
    match mark:
        case Curve():
            yield from _curve(mark, across, up)
        case Bars():
            yield from _bars(mark, across, up)
        case Band():
            yield from _band(mark, across, up, frame)
        case Line() if mark.width:
            at = (across if mark.upright else up)(mark.at)
            way = (
                f"M{number(at)} {number(frame.bottom)}V{number(frame.top)}"
                if mark.upright
                else f"M{number(frame.left)} {number(at)}H{number(frame.right)}"
            )
            yield line(way, mark.color, mark.width, mark.dash, clipped=True)


def _band(mark: Band, across: Scale, up: Scale, frame: Frame) -> Iterator[str]:
    scale = across if mark.upright else up
    if not (scale.holds(mark.low) and scale.holds(mark.high)):
        return
    low, high = sorted((scale(scale.clipped(mark.low)), scale(scale.clipped(mark.high))))
    if high <= low:
        return
    other = up if mark.upright else across
    whole = (frame.top, frame.bottom) if mark.upright else (frame.left, frame.right)
    start, end = sorted(other(other.clipped(value)) for value in mark.along) if mark.along else whole
    edges = (low, start, high, end) if mark.upright else (start, low, end, high)
    if mark.fill:
        yield box(*edges, mark.fill)
    if mark.hatch:
        yield hatched(*edges, mark.hatch, mark.color, 0.5, 3.6)


def _curve(mark: Curve, across: Scale, up: Scale) -> Iterator[str]:
    places: list[list[tuple[float, float]]] = [[]]
    for x, y in zip(mark.x, mark.y, strict=True):
        if across.holds(x) and up.holds(y):
            places[-1].append((across(x), up(y)))
        elif places[-1]:
            places.append([])  # the line ends where a value lacks
    if mark.width:
        way = "".join(_way(run, stepped=mark.stepped) for run in places if run)
        inside = all(across.within(x) and up.within(y) for x, y in zip(mark.x, mark.y, strict=True))
        yield line(way, mark.color, mark.width, mark.dash, clipped=not inside)
    for x, y, (down, above) in zip(mark.x, mark.y, mark.reach, strict=False):
        if across.within(x) and up.holds(y) and (down or above):
            ends = [up.clipped(end) for end in (y - down, y + above)]
            yield line(
                f"M{number(across(x))} {number(up(ends[0]))}V{number(up(ends[1]))}",
                mark.color,
                0.5 if mark.marker else 1.0,
            )
            if not mark.marker:
                for end in ends:
                    yield line(f"M{number(across(x) - 3)} {number(up(end))}h6", mark.color, 1.0)
    if mark.marker:
        for x, y in zip(mark.x, mark.y, strict=True):
            if across.within(x) and up.within(y):
                yield marker(mark, across(x), up(y))


def _way(places: Sequence[tuple[float, float]], *, stepped: bool) -> str:
    first, *others = ((number(x), number(y)) for x, y in places)
    return f"M{first[0]} {first[1]}" + "".join(f"H{x}V{y}" if stepped else f"L{x} {y}" for x, y in others)


def marker(mark: Curve, x: float, y: float) -> str:
    """Draw the marker of a curve around a point."""
    r = mark.size / 2
    n = number
    way = {
        "circle": f"M{n(x - r)} {n(y)}a{n(r)} {n(r)} 0 1 0 {n(2 * r)} 0a{n(r)} {n(r)} 0 1 0 {n(-2 * r)} 0z",
        "square": f"M{n(x - r)} {n(y - r)}h{n(2 * r)}v{n(2 * r)}h{n(-2 * r)}z",
        "diamond": f"M{n(x)} {n(y - 1.41 * r)}l{n(1.41 * r)} {n(1.41 * r)}l{n(-1.41 * r)} {n(1.41 * r)}"
        f"l{n(-1.41 * r)} {n(-1.41 * r)}z",
        "triangle": f"M{n(x)} {n(y - r)}l{n(r)} {n(2 * r)}h{n(-2 * r)}z",
    }[mark.marker]
    return f'<path d="{way}" fill="{mark.fill}" stroke="{mark.color}" stroke-width="{n(mark.edge)}"/>'


def _bars(mark: Bars, across: Scale, up: Scale) -> Iterator[str]:
    shown = [
        (i, (across(left), up(max(0.0, height)), across(right), up(min(0.0, height))))
        for i, (left, right, height) in enumerate(zip(mark.left, mark.right, mark.height, strict=True))
        if across.holds(left) and across.holds(right) and up.holds(height)
    ]
    gap = 0.25 if mark.parted else 0.0
    boxes = [(x0 + gap, y0, max(x0 + gap, x1 - gap), y1) for _, (x0, y0, x1, y1) in shown if y1 > y0]
    if boxes:
        n = number
        way = "".join(f"M{n(x0)} {n(y0)}H{n(x1)}V{n(y1)}H{n(x0)}z" for x0, y0, x1, y1 in boxes)
        yield f'<path d="{way}" fill="{mark.fill}"/>'
        yield from (hatched(*one, mark.hatch) for one in boxes if mark.hatch)
    room = _have_room([(mark.labels[i], (x0 + x1) / 2) for i, (x0, _, x1, _) in shown if mark.labels])
    for i, (x0, y0, x1, y1) in shown if room else ():
        base = y1 + 1.5 + LABEL_SIZE * ASCENT if mark.height[i] < 0 else y0 - 1.5
        yield text(mark.labels[i], (x0 + x1) / 2, base, "middle", LABEL_SIZE)


def _have_room(labels: Sequence[tuple[str, float]]) -> bool:
    """Whether words that stand side by side, each with its middle, do not run into each other."""
    ends = [(at, length_of(words, LABEL_SIZE) / 2) for words, at in labels]
    return bool(ends) and all(b - a > one + other + 1.5 for (a, one), (b, other) in pairwise(ends))


def noted(mark: Mark, across: Scale, up: Scale, frame: Frame) -> Iterator[str]:
    """Write a note, over all that is drawn."""
    if isinstance(mark, Note) and mark.y is None and mark.x is not None:
        yield text(mark.words, across(mark.x), frame.top - 2.5, "middle", mark.size, color=mark.color)
    elif isinstance(mark, Note) and mark.y is not None:
        if mark.x is None:
            x, y = frame.right + 3, up(mark.y) + ASCENT * mark.size / 2
        else:
            x, y = across(mark.x) + 2, up(mark.y) - 2
        yield text(mark.words, x, y, "start", mark.size, color=mark.color)
