"""Axes as numbers: where a value lies in the picture, and which numbers stand on an axis."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from math import ceil, floor, isfinite, log10
from typing import Literal

from inspect_tool.languages import localized
from inspect_tool.report.plots.values import Axis, Band, Bars, Curve, Line, Mark, Note, Tick
from inspect_tool.report.text import MINUS, short

_LARGEST = 1e300  # beyond it sums overflow: no instrument gives such a number


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
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

    def clipped(self, value: float) -> float:
        """The nearest value on the axis."""
        return min(max(value, self.low), self.high)

    def __call__(self, value: float) -> float:
        """Place of a value in the picture."""
        low, high, at = (log10(v) if self.log else v for v in (self.low, self.high, value))
        return self.start + (at - low) / (high - low) * (self.end - self.start)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Where the axes lie in the picture."""

    left: float
    right: float
    top: float
    bottom: float


def scale_of(axis: Axis, marks: Sequence[Mark], which: Literal[0, 1]) -> Scale:
    """Range of the axis across (0) or up (1)."""
    plain = Scale(low=0.0, high=1.0, log=axis.log)
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
    return Scale(low=low, high=high, log=axis.log)


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
        case Band():
            return ([mark.low, mark.high], []) if mark.upright else ([], [mark.low, mark.high])
        case Note():
            return [], []


def ticks_of(axis: Axis, scale: Scale, language: str, fit: Callable[[Sequence[Tick]], bool]) -> Sequence[Tick]:
    """Numbers of an axis, as many as fit."""
    if axis.names is not None:
        return [(value, name) for value, name in axis.names if scale.within(value)]
    made: list[Tick] = []
    for numbers in _decades(scale) if scale.log else _by_steps(scale, axis):
        made = [(value, localized(text.replace("-", MINUS), language)) for value, text in numbers]
        if fit(made):
            break
    return made


def _by_steps(scale: Scale, axis: Axis) -> Iterator[list[Tick]]:
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


def _decades(scale: Scale) -> Iterator[list[Tick]]:
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
