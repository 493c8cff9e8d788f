"""Boundaries per length by the answers of a person to a stratified sample of test lines, with an interval.

The weighted mean of the counts per stratum: it has no bias, whatever the segmentation is. What the program counted on
a line is its stratum, so that the mean is that of the program everywhere plus the mean difference between person and
program, with the weight that loses least.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from inspect_tool.referee.estimate import Interval, beyond_chance
from inspect_tool.statistics.uncertainty import coverage_factor

DOUBTS = 1.0
"""Lines added to each half of the strata, sure and unsure, that are one boundary off: no error seen is not no error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Answers of one stratum."""

    weight: float  # share of the stratum [1]
    unsure: bool
    told: tuple[float, ...]  # boundaries on the lines that were answered
    untold: int = 0  # lines that could not be told

    @property
    def lines(self) -> int:
        """All lines of the stratum that count."""
        return len(self.told) + self.untold


def mean_count(strata: Sequence[Counts], population: int, most: float, coverage: float = 0.95) -> Interval:
    """Estimate the mean number of boundaries on a line.

    The variance of a line is pooled over the strata of sure lines, and over those of unsure ones, each with ``DOUBTS``
    lines more that are one boundary off. A line that could not be told has 0 boundaries in the lower limit, ``most`` in
    the upper one, and the mean of its stratum in the estimate.

    Parameters
    ----------
    strata : sequence of Counts
        With one line or more each; one line or more of all was told.
    population : int
        Lines that the weights of the strata were counted on.
    most : float
        Boundaries that a line has at most.
    coverage : float
        Of the interval [1].

    Examples
    --------
    Sixty lines on which the program was right, half with one boundary and half with two:

    >>> found = mean_count([Counts(weight=0.5, unsure=False, told=(1.0,) * 30),
    ...                     Counts(weight=0.5, unsure=False, told=(2.0,) * 30)], 4000, 4)
    >>> round(found.value, 3), round(found.high - found.value, 3)
    (1.5, 0.037)
    """
    whole = _mean(tuple(count for one in strata for count in one.told))
    means = [_mean(one.told) if one.told else whole for one in strata]
    value = sum(one.weight * mean for one, mean in zip(strata, means, strict=True))
    parts = [(_between(strata, means, value) / population, float(population))]
    for unsure in (False, True):
        own = [(one, mean) for one, mean in zip(strata, means, strict=True) if one.unsure == unsure]
        if own:
            dof = DOUBTS + sum(max(0, len(one.told) - 1) for one, _ in own)
            square = (DOUBTS + sum((count - mean) ** 2 for one, mean in own for count in one.told)) / dof
            parts.append((square * sum(one.weight**2 / one.lines for one, _ in own), dof))
    variance = sum(part for part, _ in parts)
    wide = coverage_factor(variance**2 / sum(part**2 / dof for part, dof in parts), coverage) * sqrt(variance)
    shares = [one.weight * one.untold / one.lines for one in strata]
    least = sum(share * mean for share, mean in zip(shares, means, strict=True))
    more = sum(share * (max(most, mean) - mean) for share, mean in zip(shares, means, strict=True))
    return Interval(value=value, low=max(0.0, value - least - wide), high=value + more + wide)


def counted_alone(strata: Sequence[Counts], most: float, coverage: float = 0.95) -> Interval:
    """The same answers as a plain count on random lines: what they say without the segmentation."""
    lines = sum(one.lines for one in strata)
    whole = _mean(tuple(count for one in strata for count in one.told))
    means = [_mean(one.told) if one.told else whole for one in strata]
    value = sum(one.weight * mean for one, mean in zip(strata, means, strict=True))
    inside = sum(
        one.weight * _mean(tuple((count - mean) ** 2 for count in one.told))
        for one, mean in zip(strata, means, strict=True)
        if one.told
    )
    variance = (_between(strata, means, value) + inside) / max(1, lines - 1)
    wide = coverage_factor(max(1, lines - 1), coverage) * sqrt(variance)
    untold = sum(one.weight * one.untold / one.lines for one in strata)
    return Interval(
        value=value, low=max(0.0, value * (1 - untold) - wide), high=value + untold * max(0.0, most - value) + wide
    )


def field_scatter(fields: Sequence[Sequence[Counts]]) -> float:
    """Standard deviation of the true mean counts of fields, as far as the answers show it; 0: they show none.

    As ``estimate.field_scatter``: a stratum of a field without a line has the mean of the stratum over all fields.

    Parameters
    ----------
    fields : sequence of sequence of Counts
        Of every field the same strata in the same order, weighted by their share in the field; ``told`` may be empty.
    """
    columns = [tuple(count for one in own for count in one.told) for own in zip(*fields, strict=True)]
    means = [_mean(own) for own in columns]
    squares = [_mean(tuple((count - mean) ** 2 for count in own)) for own, mean in zip(columns, means, strict=True)]
    found = [
        sum(one.weight * (_mean(one.told) if one.told else mean) for one, mean in zip(field, means, strict=True))
        for field in fields
    ]
    chance = sum(
        one.weight**2 * square / len(one.told)
        for field in fields
        for one, square in zip(field, squares, strict=True)
        if one.told
    )
    return beyond_chance(found, chance)


def _between(strata: Sequence[Counts], means: Sequence[float], value: float) -> float:
    """Variance between the strata."""
    return sum(one.weight * (mean - value) ** 2 for one, mean in zip(strata, means, strict=True))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
