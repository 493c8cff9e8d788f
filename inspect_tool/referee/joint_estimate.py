"""Void shares of joints by the answers of a person: the mean, joints that have points of their own, and the worst.

A point that is not in the joint leaves both areas, so that a share is a ratio of two estimates. The worst joint
has a lower limit from the joints with strata of their own, and an upper one that holds for all joints at once, those of
which the person saw no point included.

References
----------
Cochran, Sampling Techniques, 3rd ed. (1977), 6.11: ratio estimates in stratified sampling.
Korn and Graubard, Confidence intervals for proportions with small expected number of positive counts estimated from
survey data, Survey Methodology 24 (1998) 193: effective number of points.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt

from inspect_tool.referee import design
from inspect_tool.referee.estimate import Interval, Tally, jeffreys, joined, share
from inspect_tool.referee.joint_sample import BESIDE, SOLDER, VOID
from inspect_tool.statistics.uncertainty import coverage_factor


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Answers in one stratum."""

    weight: float  # share of the stratum in the outlines of its joints [1]
    void: int = 0
    solder: int = 0
    outside: int = 0  # not in the joint
    untold: int = 0

    @property
    def inside(self) -> int:
        """Points that count; what could not be told is void or solder."""
        return self.void + self.solder + self.untold


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """Answers in one joint."""

    strata: Mapping[int, Said]  # by what the program saw and how sure it was, the same codes in all joints
    own: bool  # these strata are of this joint alone, so that points were drawn in it


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimated:
    """What the answers say of the joints of a specimen. [1]"""

    mean: Interval
    alone: Interval  # mean by the same answers without the segmentation
    worst: Interval
    joints: Mapping[int, Interval]  # by index: those with strata of their own, which hold together
    outside: Interval  # part of the outlines that is no joint


def estimated(
    areas: Sequence[design.Area], specimen: str, said: Sequence[tuple[design.Place, str]], coverage: float = 0.95
) -> Estimated:
    """Estimate the void shares of a specimen.

    Parameters
    ----------
    areas : sequence of Area
        Joints of all specimens.
    specimen : str
        Which.
    said : sequence of (Place, str)
        Points and what the person named there: ``VOID``, ``SOLDER``, ``BESIDE``, or anything else (could not tell).
    coverage : float
        Of every interval; those of single joints hold together.
    """
    found = [(place, value) for place, value in said if place.specimen == specimen]
    alike: dict[int, list[Said]] = {}
    for code, weight in design.weights(areas)[specimen].items():
        values = [value for place, value in found if place.code == code]
        alike.setdefault(code % design.CODES, []).append(_said(weight, values))
    strata = [one for group in alike.values() for one in group]
    joints = {i: _joint(area, i, found) for i, area in enumerate(areas) if area.specimen == specimen}
    own = [i for i, one in joints.items() if one.own]
    mean = ratio(alike, coverage)
    inside = sum(one.inside for one in strata)
    low, high = jeffreys(mean.value * inside, inside, coverage)
    return Estimated(
        mean=mean,
        alone=Interval(value=mean.value, low=min(low, mean.value), high=max(high, mean.value)),
        worst=worst(list(joints.values()), coverage, alike),
        joints={i: ratio(_alone(joints[i]), 1 - (1 - coverage) / len(own)) for i in own},
        outside=share([_outside(one) for one in strata], coverage),
    )


def _alone(joint: Joint) -> dict[int, list[Said]]:
    return {code: [one] for code, one in joint.strata.items()}


def _said(weight: float, values: Sequence[str]) -> Said:
    counts = [values.count(value) for value in (VOID, SOLDER, BESIDE)]
    return Said(weight=weight, void=counts[0], solder=counts[1], outside=counts[2], untold=len(values) - sum(counts))


def _joint(area: design.Area, number: int, found: Sequence[tuple[design.Place, str]]) -> Joint:
    mine = [(place.code, value) for place, value in found if place.field == number]
    codes = [code for code, pixels in enumerate(area.pixels) if pixels]
    return Joint(
        strata={
            code % design.CODES: _said(
                area.pixels[code] / sum(area.pixels), [value for at, value in mine if at == code]
            )
            for code in codes
        },
        own=codes[0] >= design.CODES,
    )


def _outside(said: Said) -> Tally:
    return Tally(
        weight=said.weight,
        points=said.inside + said.outside,
        hits=said.outside,
        least=said.outside,
        most=said.outside + said.untold,
    )


def ratio(strata: Mapping[int, Sequence[Said]], coverage: float = 0.95) -> Interval:
    """Estimate the void share of what is joint.

    With no point outside it is ``share`` of the voids. Else strata weigh by their part that is joint, and what is
    not known of that part widens the interval (linearized variance of a ratio).

    Parameters
    ----------
    strata : mapping of int to sequence of Said
        By what the program saw (twice the class, plus 1 where it was unsure), in one joint or in several groups of
        them: these are one for the limits, with as many points as give their weighted mean its variance.
    coverage : float
        Of the interval.

    Examples
    --------
    A quarter of the outline is no joint, a third of the rest is void:

    >>> found = ratio({0: [Said(weight=0.5, void=25, solder=25)], 2: [Said(weight=0.5, solder=25, outside=25)]})
    >>> round(found.value, 3)
    0.333
    """
    inside = {
        code: [replace(one, weight=one.weight * one.inside / (one.inside + one.outside)) for one in alike if one.inside]
        for code, alike in strata.items()
    }
    whole = sum(one.weight for alike in inside.values() for one in alike)
    if not whole:
        return Interval(value=0.0, low=0.0, high=1.0)
    found = share(joined({code: _merged(alike, whole) for code, alike in inside.items() if alike}), coverage)
    more = coverage_factor(None, coverage) ** 2 * sum(
        _of_outline(one, found.value, whole) for alike in strata.values() for one in alike
    )
    return Interval(
        value=found.value,
        low=max(0.0, found.value - sqrt((found.value - found.low) ** 2 + more)),
        high=min(1.0, found.value + sqrt((found.high - found.value) ** 2 + more)),
    )


def _merged(alike: Sequence[Said], whole: float) -> Tally:
    """Make one tally of strata with weights; effective number of points after Korn and Graubard."""
    weight = sum(one.weight for one in alike)
    least, hits, most = (
        sum(one.weight * (one.void + part * one.untold) / one.inside for one in alike) / weight
        for part in (0.0, 0.5, 1.0)
    )
    rates = [(one.void + one.untold / 2) / one.inside for one in alike]
    equal = sum((one.weight / weight) ** 2 / one.inside for one in alike)
    own = sum(
        (one.weight / weight) ** 2 * rate * (1 - rate) / one.inside for one, rate in zip(alike, rates, strict=True)
    )
    points = 1 / max(equal, own / (hits * (1 - hits)) if 0 < hits < 1 else 0.0)
    return Tally(weight=weight / whole, points=points, hits=hits * points, least=least * points, most=most * points)


def _of_outline(said: Said, value: float, whole: float) -> float:
    """What the unknown part q of a stratum that is joint adds to the variance of the share. [1]

    Of x = 1 (void), 0 (solder) less the share, 0 outside, the variance has the part q (1 - q) (x̄ - share)².
    """
    if not said.outside:
        return 0.0
    points = said.inside + said.outside
    part = (said.inside + 0.5) / (points + 1)  # not certain even where all points of a small stratum are outside
    away = (said.void + said.untold / 2) / said.inside - value if said.inside else max(value, 1 - value)
    return (said.weight * away / whole) ** 2 * part * (1 - part) / points


def worst(
    joints: Sequence[Joint], coverage: float = 0.95, every: Mapping[int, Sequence[Said]] | None = None
) -> Interval:
    """Bound the largest void share of all joints.

    The lower limit is the largest one of the joints with strata of their own and of the mean, each at the level that
    lets all of them hold. For the upper one the void rates that a stratum has in the joints are taken to scatter as a
    beta distribution whose mean is the upper limit of the mean rate, and whose standard deviation is as large as the
    mean, or as the answers show; the points that lie in a joint sharpen it for that joint. The largest of the joints'
    quantiles, at a level at which all of them hold, is the limit.

    Parameters
    ----------
    joints : sequence of Joint
        All of a specimen, those without a point included.
    coverage : float
        Of the interval; either limit may fail with half of the rest.
    every : mapping of int to sequence of Said, optional
        Strata of the mean over all joints, as ``ratio`` takes them: the largest share is not below the mean.

    Examples
    --------
    Three pads of which the program sees no void, with as many points in each; one has voids:

    >>> sound = Joint(strata={0: Said(weight=1.0, solder=50)}, own=True)
    >>> found = worst([sound, sound, Joint(strata={0: Said(weight=1.0, void=10, solder=40)}, own=True)])
    >>> round(found.low, 2), round(found.value, 2), round(found.high, 2)
    (0.09, 0.18, 0.34)
    """
    if len(joints) == 1:
        return ratio(_alone(joints[0]), coverage)
    alpha = (1 - coverage) / 2
    below = [*(_alone(one) for one in joints if one.own), *([] if every is None else [every])]
    low = max((ratio(one, 1 - 2 * alpha / len(below)).low for one in below), default=0.0)
    codes = sorted({code for one in joints for code in one.strata})
    pooled = {code: _pooled([one.strata[code] for one in joints if code in one.strata]) for code in codes}
    likely = [_posterior(one, pooled, None, alpha)[0] for one in joints]
    limits = [_posterior(one, pooled, coverage, alpha / len(joints)) for one in joints]
    high = max(mean + way for mean, way in limits)
    value = max(likely)
    return Interval(value=min(max(value, low), high), low=low, high=min(1.0, high))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pooled:
    """One stratum in all joints."""

    said: Said
    spread: float  # square of standard deviation over mean of its rates in the joints [1]
    part: float  # that is joint [1]


def _pooled(strata: Sequence[Said]) -> _Pooled:
    said = Said(
        weight=0.0,
        void=sum(one.void for one in strata),
        solder=sum(one.solder for one in strata),
        outside=sum(one.outside for one in strata),
        untold=sum(one.untold for one in strata),
    )
    # two points of one joint are both void with the mean of the squares of its rates
    pairs = sum(one.inside * (one.inside - 1) for one in strata)
    both = sum(one.void * (one.void - 1) for one in strata)
    spread = both / pairs / (said.void / said.inside) ** 2 - 1 if pairs and said.void else 1.0
    points = said.inside + said.outside
    return _Pooled(said=said, spread=max(1.0, spread), part=said.inside / points if points else 1.0)


def _posterior(joint: Joint, pooled: Mapping[int, _Pooled], coverage: float | None, tail: float) -> tuple[float, float]:
    """Mean share of a joint and how far its upper limit lies above; ``coverage`` of the mean rate, None: likely one."""
    from scipy.special import betaincinv

    whole = sum(one.weight * pooled[code].part for code, one in joint.strata.items())
    middle = square = 0.0
    for code, one in joint.strata.items():
        every, spread = pooled[code].said, pooled[code].spread
        untold = 0 if coverage is None else every.untold
        if coverage is None:
            mean = (every.void + 0.5) / (every.void + every.solder + 1)
        else:
            mean = min(jeffreys(every.void + untold, every.inside, coverage)[1], 0.999) if every.inside else 0.999
        size = max(1.0, 1 / (spread * mean * (1 - mean)) - 1)  # of a sample that says as much as the other joints
        a = mean * size + one.void + (0 if coverage is None else one.untold)
        b = (1 - mean) * size + one.solder
        weight = one.weight * pooled[code].part / whole
        middle += weight * a / (a + b)
        square += (weight * (float(betaincinv(a, b, 1 - tail)) - a / (a + b))) ** 2
    return middle, sqrt(square)
