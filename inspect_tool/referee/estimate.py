"""Share of a class by the answers of a person to a stratified sample, with an interval that holds for rare errors too.

The difference estimator of two-phase sampling, which prediction-powered inference is: the mean of what the program says
everywhere, plus the mean difference between person and program in the sample, with the weight that the power tuning
would find. Here the answer of the program is itself a stratum, so that its mean in the sample is its mean in the
population: whatever weight is taken, the estimate is the same, the weighted mean of the answers per stratum. It has no
bias, however bad the segmentation is, and nothing is tuned on the answers.

References
----------
Särndal, Swensson and Wretman, Model Assisted Survey Sampling (1992), 6.3 and 9.
Angelopoulos, Bates, Fannjiang, Jordan and Zrnic, Prediction-powered inference, Science 382 (2023) 669.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

LOOKS = 0.1
"""Share of the allowed error that pays for the looks before the last stage; they split it evenly [1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Answers of one stratum for one class."""

    weight: float  # share of the stratum [1]
    points: float  # whole ones, or an effective number
    hits: float  # points of the class; where the person could not tell, an equal part of every class
    least: float  # points that are certainly of the class
    most: float  # those and the ones that could not be told


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A value and the limits of its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """What the answers say of one result, in its unit."""

    specimen: str
    quantity: str
    name: str  # of what a person tells apart or marks
    definition: str  # of the corrected result
    machine: float  # what the program says of the same fields by the same rule
    found: Interval  # for the fields as they are
    alone: Interval  # the same answers without the segmentation
    limits: tuple[float, float]  # that no value lies beyond
    wider: float  # scatter of the fields of the corrected structure over that of the structure the program saw [1]
    between: float  # standard deviation of the fields, as far as the answers show it
    sensitivity: float = 1.0  # to a relative change of what was counted, over that of the result of the program [1]
    rounded: str = ""  # as the standard rounds it; empty: by its uncertainty
    scatters: bool = True  # it speaks of more than the fields; not: of all joints in the images, which do not scatter


def levels(stages: int, coverage: float = 0.95) -> tuple[float, ...]:
    """Coverage of the interval at the end of every stage, so that all of them together hold with ``coverage``.

    However the person decides to stop: the allowed errors add up (Bonferroni). Who goes to the end pays little.

    >>> [round(level, 4) for level in levels(3)], levels(1)
    ([0.9975, 0.9975, 0.955], (0.95,))
    """
    if stages == 1:
        return (coverage,)
    before = LOOKS * (1 - coverage) / (stages - 1)
    return (*[1 - before] * (stages - 1), 1 - (1 - LOOKS) * (1 - coverage))


def jeffreys(hits: float, points: float, coverage: float = 0.95) -> tuple[float, float]:
    """Two-sided interval of a probability: quantiles of the beta distribution, 0 and 1 where none or all are hits.

    Its coverage is the nominal one on average over the probabilities, where the exact interval of Clopper and
    Pearson always has more.

    >>> low, high = jeffreys(0, 100)
    >>> low, round(high, 4)
    (0.0, 0.0247)

    References
    ----------
    Brown, Cai and DasGupta, Interval estimation for a binomial proportion, Statistical Science 16 (2001) 101.
    """
    from scipy.special import betaincinv

    tail = (1 - coverage) / 2
    a, b = hits + 0.5, points - hits + 0.5
    low = float(betaincinv(a, b, tail)) if hits > 0 else 0.0
    high = float(betaincinv(a, b, 1 - tail)) if hits < points else 1.0
    return low, high


def share(tallies: Sequence[Tally], coverage: float = 0.95) -> Interval:
    """Estimate the share of a class over all strata.

    The squares of how far the limits of the strata lie from their estimates add up on either side, each weighted
    (method of variance estimates recovery): a stratum without a single error still has the limit that its number of
    points allows. What could not be told counts for the class in the upper limit and against it in the lower one.

    Examples
    --------
    No error among 40 points on the phase and 110 on the matrix:

    >>> found = share([Tally(weight=0.3, points=40, hits=40, least=40, most=40),
    ...                Tally(weight=0.7, points=110, hits=0, least=0, most=0)])
    >>> round(found.value, 3), round(found.low, 3), round(found.high, 3)
    (0.3, 0.282, 0.316)

    References
    ----------
    Zou and Donner, Construction of confidence limits about effect measures: a general approach, Statistics in
    Medicine 27 (2008) 1693; limits of the strata after Brown, Cai and DasGupta.
    """
    value = sum(one.weight * one.hits / one.points for one in tallies)
    below = above = 0.0
    for one in tallies:
        middle = one.hits / one.points
        below += (one.weight * (middle - min(middle, jeffreys(one.least, one.points, coverage)[0]))) ** 2
        above += (one.weight * (max(middle, jeffreys(one.most, one.points, coverage)[1]) - middle)) ** 2
    return Interval(value=value, low=max(0.0, value - sqrt(below)), high=min(1.0, value + sqrt(above)))


def joined(strata: Mapping[int, Tally]) -> list[Tally]:
    """Make one of the sure and the unsure stratum of a class where no answer differs from the program.

    Nothing says then that their rates differ; limits of their own would add up to more than one of all their points,
    of as many as give their weighted mean its variance (Kish).

    Parameters
    ----------
    strata : mapping of int to Tally
        By code: twice the class that the program saw, plus 1 where it was unsure.

    Examples
    --------
    >>> sure, unsure = Tally(weight=0.6, points=60, hits=0, least=0, most=0), Tally(weight=0.2, points=20, hits=0,
    ...                                                                          least=0, most=0)
    >>> [(round(one.weight, 3), round(one.points, 3), one.hits) for one in joined({0: sure, 1: unsure})]
    [(0.8, 80.0, 0.0)]

    References
    ----------
    Kish, Survey Sampling (1965), 11.7: effective number of a weighted sample.
    """
    found: list[Tally] = []
    for number in sorted({code // 2 for code in strata}):
        alike = [one for code, one in sorted(strata.items()) if code // 2 == number]
        rates = {one.least / one.points for one in alike} | {one.most / one.points for one in alike}
        if rates in ({0.0}, {1.0}):
            weight = sum(one.weight for one in alike)
            points = weight**2 / sum(one.weight**2 / one.points for one in alike)
            hits = points * rates.pop()
            alike = [Tally(weight=weight, points=points, hits=hits, least=hits, most=hits)]
        found += alike
    return found


def field_scatter(fields: Sequence[Sequence[Tally]]) -> float:
    """Standard deviation of the true shares of fields, as far as the answers show it; 0: they show none. [1]

    The variance of the shares that the answers give for every field, less what the chance of the points makes of it
    (method of moments). A stratum of a field without a point has the rate of the stratum over all fields.

    Parameters
    ----------
    fields : sequence of sequence of Tally
        Of every field the same strata in the same order, weighted by their share in the field; ``points`` may be 0.

    Examples
    --------
    Ten of forty points here and thirty of forty there scatter more than chance does; twenty here and there do not:

    >>> def field(hits):
    ...     return [Tally(weight=1.0, points=40, hits=hits, least=hits, most=hits)]
    >>> round(field_scatter([field(10), field(30)]), 3), field_scatter([field(20), field(20)])
    (0.345, 0.0)
    """
    columns = list(zip(*fields, strict=True))
    rates = [sum(one.hits for one in own) / max(sum(one.points for one in own), 1) for own in columns]
    found = [
        sum(
            one.weight * (one.hits / one.points if one.points else rate) for one, rate in zip(field, rates, strict=True)
        )
        for field in fields
    ]
    chance = [
        one.weight**2 * rate * (1 - rate) / one.points
        for field in fields
        for one, rate in zip(field, rates, strict=True)
        if one.points
    ]
    return beyond_chance(found, sum(chance))


def beyond_chance(found: Sequence[float], chance: float) -> float:
    """Standard deviation of values that is not chance, which has the given sum of variances; 0: there is none.

    >>> beyond_chance([1.0, 3.0], 2.0), beyond_chance([1.0, 1.1], 2.0), beyond_chance([1.0], 0.0)
    (1.0, 0.0, 0.0)
    """
    if len(found) < 2:
        return 0.0
    mean = sum(found) / len(found)
    return sqrt(max(0.0, sum((one - mean) ** 2 for one in found) / (len(found) - 1) - chance / len(found)))


def counted_alone(tallies: Iterable[Tally], coverage: float = 0.95) -> Interval:
    """The same answers as a plain point count: what they say without the segmentation."""
    found = tuple(tallies)
    total = sum(one.points for one in found)
    value = sum(one.weight * one.hits / one.points for one in found)
    low, high = jeffreys(value * total, total, coverage)
    return Interval(value=value, low=min(low, value), high=max(high, value))
