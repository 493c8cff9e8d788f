"""What a plot is made of: marks, axes, and their names. Lengths are in points of paper."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

INK = "#1f2933"
FAINT = "#9aa5b1"
NAME_SIZE = 8.5
"""Size of numbers and names of an axis."""

Marker: TypeAlias = Literal["", "circle", "square", "diamond", "triangle"]
Hatch: TypeAlias = Literal["", "rising", "dots", "falling"]
Dash: TypeAlias = tuple[float, ...]  # on and off, in widths of the line; empty: a full line
Tick: TypeAlias = tuple[float, str]  # where on the axis, and what stands there


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
    labels: Sequence[str] = ()  # over the bars, where each has room for its own
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A straight line across the axes; its label stands beside its end, above the axes or right of them."""

    at: float
    upright: bool = False
    color: str = INK
    width: float = 0.9
    dash: Dash = ()
    label: str = ""
    name: str = ""  # in the legend, once for all lines of that name


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """All that lies between two values of one axis: a tint, or slanted lines that leave the paper white."""

    low: float
    high: float
    upright: bool = False  # of the axis across
    along: tuple[float, float] | None = None  # how far it reaches on the other axis; None: all of it
    fill: str = ""  # empty: no tint
    hatch: Literal["", "rising", "falling"] = ""
    color: str = FAINT  # of the hatching
    label: str = ""  # as that of a line in its middle
    name: str = ""  # in the legend, once for all bands of that name


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Words that begin over a point; without ``x`` right of the axes, without ``y`` above them and centered."""

    words: str
    x: float | None = None
    y: float | None = None
    color: str = INK
    size: float = 7.0


Mark: TypeAlias = Curve | Bars | Line | Band | Note


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
    size: float = NAME_SIZE


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Marks, one over the other, and the axes below them."""

    marks: Sequence[Mark]
    x: Axis
    y: Axis
