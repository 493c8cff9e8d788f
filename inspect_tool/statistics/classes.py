"""Classes of a measured quantity, and how sure a class is: the probability of each from the uncertainty of the value.

A class is a bare number or letter, and says nothing of how near its limit the measured value lies. The knowledge of the
true value is the distribution that the result states: Student's t with the effective degrees of freedom of its budget
(JCGM 101:2008, 6.4.9; normal where they are infinite), each side of the value as wide as its interval says. What lies
beyond a bound that the quantity cannot pass, as a share below 0, is at that bound.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import floor, inf, isclose
from typing import Literal

from inspect_tool.errors import MeasurementError
from inspect_tool.languages import Words
from inspect_tool.model import ClassShare, Rating, Result
from inspect_tool.statistics.uncertainty import coverage_factor

WORTH_NAMING = 0.05
"""Probability from which on a class beside that of the value is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassScale:
    """Classes of a quantity, from its smallest values to its largest."""

    names: tuple[Words, ...]
    limits: tuple[float, ...]  # between one class and the next, ascending: one fewer than names [unit of the quantity]
    limit_in: Literal["upper", "lower"] = "upper"  # class that a limit itself belongs to: "upper" is [low, high)

    def __post_init__(self) -> None:
        if len(self.limits) != len(self.names) - 1 or any(low >= high for low, high in pairwise(self.limits)):
            msg = f"{len(self.names)} classes need {len(self.names) - 1} ascending limits, got {list(self.limits)}"
            raise MeasurementError(msg)


def steps(step: float, last: float, rounding: Literal["down", "nearest"] = "down") -> ClassScale:
    """Scale of equal steps from 0 to ``last``, e.g. severities in half steps; the last class has no upper end.

    Parameters
    ----------
    step, last : float
        Width of a step, and the largest class. [unit of the quantity]
    rounding : {"down", "nearest"}
        Whether a value has the class of the step that it has reached, or that of the nearest one.

    Examples
    --------
    >>> found = steps(0.5, 3.0)
    >>> found.names, found.limits
    (('0', '0.5', '1', '1.5', '2', '2.5', '3'), (0.5, 1.0, 1.5, 2.0, 2.5, 3.0))
    """
    count = floor(last / step + 1e-9)
    back = step / 2 if rounding == "nearest" else 0.0
    return ClassScale(
        names=tuple(f"{i * step:g}" for i in range(count + 1)),
        limits=tuple(i * step - back for i in range(1, count + 1)),
    )


def class_of(value: float, scale: ClassScale) -> int:
    """Place of the class of a value on its scale, from 0. A value is at a limit to the digits that a float keeps.

    >>> scale = steps(0.5, 3.0)
    >>> [scale.names[class_of(value, scale)] for value in (0.49, 0.5, 2.4999, 7.0)]
    ['0', '0.5', '2', '3']
    """

    def passed(limit: float) -> bool:
        at = isclose(value, limit, rel_tol=1e-12)
        return (scale.limit_in == "upper") if at else value > limit

    return sum(map(passed, scale.limits))


def probabilities(
    scale: ClassScale,
    value: float,
    u: float | None = None,
    *,
    dof: float | None = None,
    interval: tuple[float, float] | None = None,
    coverage: float = 0.95,
    bounds: tuple[float, float] = (-inf, inf),
) -> tuple[float, ...]:
    """Probability that the true value belongs to each class of a scale. They sum to 1.

    Parameters
    ----------
    scale : ClassScale
    value, u : float
        Measured value and its standard uncertainty; without ``u`` there must be an interval. [unit of the scale]
    dof : float, optional
        Effective degrees of freedom; None: infinite.
    interval : (float, float), optional
        Where the true value lies with the probability ``coverage``, as much of the rest beyond either end; it gives
        each side of the value its width. An end at a bound says nothing of the width, and u does.
    coverage : float
        Of the interval. [1]
    bounds : (float, float)
        Least and largest value that the quantity can have.

    Raises
    ------
    MeasurementError
        Neither an uncertainty nor an interval.

    Examples
    --------
    By hand: the limit 2.5 lies one u above the value, and 15.87 % of the normal distribution are beyond it; 2.28 % are
    below the limit 2.0, which lies two u away on the other side.

    >>> found = probabilities(steps(0.5, 3.0), 7 / 3, 1 / 6)
    >>> [round(p, 3) for p in found]
    [0.0, 0.0, 0.0, 0.023, 0.819, 0.159, 0.0]

    References
    ----------
    JCGM 106:2012, 7.2 to 7.4, for the probability of an interval.
    """
    from scipy.special import ndtr, stdtr

    center, down, up = _widths(value, u, dof, interval, coverage, bounds)

    def below(limit: float) -> float:
        """Probability of all that belongs below a limit: up to it, or the limit included."""
        included = scale.limit_in == "lower"
        if limit < bounds[0] or (limit == bounds[0] and not included):
            return 0.0
        if limit > bounds[1] or (limit == bounds[1] and included):
            return 1.0
        width = down if limit < center else up
        if width == 0:  # nothing of the true value lies on that side
            return float(included if isclose(limit, center, rel_tol=1e-12) else limit > center)
        t = (limit - center) / width
        return float(ndtr(t) if dof is None or dof == inf else stdtr(dof, t))

    cumulated = [0.0, *map(below, scale.limits), 1.0]
    return tuple(high - low for low, high in pairwise(cumulated))


def _widths(
    value: float,
    u: float | None,
    dof: float | None,
    interval: tuple[float, float] | None,
    coverage: float,
    bounds: tuple[float, float],
) -> tuple[float, float, float]:
    """Middle of the distribution, and its scale on either side of it."""
    if interval is None:
        if u is None:
            msg = "how sure a class is needs a standard uncertainty or an interval: neither is stated"
            raise MeasurementError(msg)
        return value, u, u
    k = coverage_factor(dof, coverage)
    low, high = interval
    if not low <= value <= high:  # a value that its own interval corrects
        return (low + high) / 2, (high - low) / 2 / k, (high - low) / 2 / k
    down, up = (value - low) / k, (high - value) / k
    if u is None:
        u = max(down, up)
    return value, u if low <= bounds[0] else down, u if high >= bounds[1] else up


def rated(
    result: Result,
    scale: ClassScale,
    title: Words,
    bounds: tuple[float, float] = (-inf, inf),
    least: float = WORTH_NAMING,
) -> Result:
    """Give a result its class, and how sure it is. Without an uncertainty that is not stated.

    Parameters
    ----------
    result : Result
        Evaluated: with its uncertainty and interval.
    scale : ClassScale
        In the unit of the result.
    title : Words
        What it is a class of, e.g. "level of ASTM B276".
    bounds : (float, float)
        Least and largest value that the quantity can have, as (0, inf) of a length.
    least : float
        Probability from which on another class is named. [1]

    Examples
    --------
    >>> from inspect_tool.model import Component
    >>> from inspect_tool.statistics.uncertainty import evaluated
    >>> line = Component(name="fields", u=1 / 6, kind="A")
    >>> index = Result(quantity="severity", specimen="1", value=7 / 3, unit="1", n=9, clause="", definition="",
    ...     budget=(line,))
    >>> found = rated(evaluated(index), steps(0.5, 3.0), "severity").rating.classes
    >>> [(one.name, round(one.probability, 2)) for one in found]
    [('2', 0.82), ('2.5', 0.16)]
    """
    own = class_of(result.value, scale)
    if not result.u and (result.interval is None or result.interval[0] == result.interval[1]):  # not known, never none
        bare = ClassShare(name=scale.names[own], probability=None)
        return replace(result, rating=Rating(scale=title, classes=(bare,)))
    found = probabilities(
        scale,
        result.value,
        result.u,
        dof=result.dof,
        interval=result.interval,
        coverage=result.coverage,
        bounds=bounds,
    )
    return replace(result, rating=rating_of(scale.names, found, own, title, least))


def rating_of(
    names: Sequence[Words], found: Sequence[float], own: int, title: Words, least: float = WORTH_NAMING
) -> Rating:
    """Name the class at the place ``own``, then those of at least the probability ``least``, the most probable first.

    >>> found = rating_of(["5", "6", "7"], [0.19, 0.8, 0.01], 1, "size class")
    >>> [(one.name, one.probability) for one in found.classes]
    [('6', 0.8), ('5', 0.19)]
    """
    others = sorted((i for i, p in enumerate(found) if i != own and p >= least), key=lambda i: -found[i])
    return Rating(scale=title, classes=tuple(ClassShare(name=names[i], probability=found[i]) for i in (own, *others)))


def limit_of(scale: ClassScale, name: str, side: Literal["at most", "at least"]) -> float:
    """Limit of the quantity behind a requirement on its class: "at most 2" in half steps asks for a value below 2.5.

    Infinite where every value meets it. A requirement passes at its limit: on a scale where that belongs to the upper
    class, a value of just 2.5 is a pass although its class is 2.5; an uncertainty and a guard band leave it undecided.

    >>> limit_of(steps(0.5, 3.0), "2", "at most"), limit_of(steps(0.5, 3.0), "2", "at least")
    (2.5, 2.0)
    """
    names = [str(one) for one in scale.names]
    if name not in names:
        msg = f"no class '{name}'; there are: {', '.join(names)}"
        raise MeasurementError(msg)
    place = names.index(name)
    if side == "at most":
        return scale.limits[place] if place < len(scale.limits) else inf
    return scale.limits[place - 1] if place else -inf
