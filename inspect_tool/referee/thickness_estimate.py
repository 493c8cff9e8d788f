"""Mean thickness by the marks of a person on a stratified sample of lines across a layer, with an interval.

The difference estimator of two-phase sampling with the weight that loses least (power tuning): the mean of the person
in the sample, plus λ times what the program says everywhere less what it says in the sample. It has no bias to speak
of, however bad the segmentation is, and where that is useless λ is near 0.

References
----------
Särndal, Swensson and Wretman, Model Assisted Survey Sampling (1992), 6.
Angelopoulos, Duchi and Zrnic, PPI++: efficient prediction-powered inference (2023).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from inspect_tool.referee.estimate import Interval
from inspect_tool.statistics.uncertainty import coverage_factor

DOUBTS = 1.0
"""Lines added to each stratum that are a pixel off: no error seen is not no error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """Answers of one stratum."""

    weight: float  # share of the stratum [1]
    machine: float  # mean of the program over the whole stratum
    pairs: tuple[tuple[float, float], ...]  # thickness by person and by program on the lines that were answered
    untold: int = 0  # lines that could not be told

    @property
    def lines(self) -> int:
        """All lines of the stratum that count."""
        return len(self.pairs) + self.untold


@dataclass(frozen=True, slots=True, kw_only=True)
class Thickness:
    """What the marks say."""

    found: Interval
    alone: Interval  # without the segmentation
    weight: float  # of the program, λ [1]


def mean_thickness(strata: Sequence[Marked], pixel: float, coverage: float = 0.95) -> Thickness:
    """Estimate the mean thickness of a layer.

    A line that could not be told is of no thickness in the lower limit, as thick as the thickest that was told in the
    upper one, and has the mean of its stratum in the estimate. Where the program makes the interval no narrower than it
    is without it, that one is taken.

    Parameters
    ----------
    strata : sequence of Marked
        With one line or more each; one line or more of all was told.
    pixel : float
        Size of a pixel, in the unit of the thickness.
    coverage : float
        Of the intervals [1].

    Examples
    --------
    Sixty lines on which the program is a tenth too thick:

    >>> pairs = tuple((0.9 * machine, machine) for machine in [9.0, 10.0, 11.0] * 20)
    >>> found = mean_thickness([Marked(weight=1.0, machine=10.0, pairs=pairs)], 0.1)
    >>> round(found.found.value, 3), round(found.found.high - found.found.value, 3), round(found.weight, 2)
    (9.0, 0.003, 0.9)
    >>> round(found.alone.high - found.alone.value, 2)
    0.19
    """
    weight = _tuned(strata)
    alone = _interval(strata, 0.0, pixel, coverage)
    plain = _plain(strata, alone.value, coverage)
    found = _interval(strata, weight, pixel, coverage)
    narrower = found.high - found.low < plain.high - plain.low
    return Thickness(found=found if narrower else plain, alone=plain, weight=weight if narrower else 0.0)


def _tuned(strata: Sequence[Marked]) -> float:
    """Weight of the program that loses least: the slope of person by program inside the strata, not below 0."""
    both = square = 0.0
    for one in strata:
        if len(one.pairs) > 1:
            person, machine = np.asarray(one.pairs).T
            share = one.weight**2 / len(one.pairs) ** 2
            both += share * float(((person - person.mean()) * (machine - machine.mean())).sum())
            square += share * float(((machine - machine.mean()) ** 2).sum())
    return max(both / square, 0.0) if square > 0 else 0.0


def _interval(strata: Sequence[Marked], weight: float, pixel: float, coverage: float) -> Interval:
    value, parts = 0.0, []
    whole = _mean([person - weight * machine for one in strata for person, machine in one.pairs])
    for one in strata:
        rests = [person - weight * machine for person, machine in one.pairs]
        mean = _mean(rests) if rests else whole
        value += one.weight * (mean + weight * one.machine)
        dof = DOUBTS + max(0, len(rests) - 1 - (weight > 0))
        spread = (DOUBTS * pixel**2 + sum((rest - mean) ** 2 for rest in rests)) / dof
        parts.append((one.weight**2 * spread / max(one.lines, 1), dof))
    variance = sum(part for part, _ in parts)
    wide = coverage_factor(variance**2 / sum(part**2 / dof for part, dof in parts), coverage) * sqrt(variance)
    return _widened(strata, value, wide)


def _plain(strata: Sequence[Marked], value: float, coverage: float) -> Interval:
    """The same answers as a plain mean over random lines: what they say without the segmentation."""
    lines = sum(one.lines for one in strata)
    means = [_mean([person for person, _ in one.pairs]) if one.pairs else value for one in strata]
    between = sum(one.weight * (mean - value) ** 2 for one, mean in zip(strata, means, strict=True))
    inside = sum(
        one.weight * _mean([(person - mean) ** 2 for person, _ in one.pairs])
        for one, mean in zip(strata, means, strict=True)
        if one.pairs
    )
    wide = coverage_factor(max(1, lines - 1), coverage) * sqrt((between + inside) / max(1, lines - 1))
    return _widened(strata, value, wide)


def _widened(strata: Sequence[Marked], value: float, wide: float) -> Interval:
    """Add what lines that could not be told may hide."""
    untold = sum(one.weight * one.untold / max(one.lines, 1) for one in strata)
    most = max(person for one in strata for person, _ in one.pairs)
    return Interval(
        value=value, low=max(0.0, value - untold * value - wide), high=value + untold * max(0.0, most - value) + wide
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
