"""A simulated person who marks the drawn boundaries on the test lines of a sample."""

from dataclasses import dataclass

import numpy as np
from drawn_mosaics import GrainReading, crossed

from inspect_tool.measure import intercepts
from inspect_tool.referee import design, lines
from inspect_tool.referee.estimate import Interval
from inspect_tool.referee.intercept_estimate import Counts, counted_alone, mean_count


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """What one specimen gave: boundaries per length. [1/px]"""

    truth: float
    machine: float
    found: Interval
    alone: Interval  # the count of as many plain random lines without a segmentation
    marks: int


def answered(found: GrainReading, count: int, seed: str, missed: float = 0.0, coverage: float = 0.95) -> Marked:
    """Let a person answer a whole sample, and as many lines of a plain random sample beside it.

    ``missed`` is the share of the boundaries that the person does not see [1].
    """
    rng = np.random.default_rng(int(2**32 * design.uniform(seed)))
    per_px = [
        np.mean([one.intercepts / one.length_px for one in intercepts.directional_counts(seen).values()])
        for seen in found.seen
    ]
    drawn = [
        lines.drawn(seen, [other], float(own), 1e3, f"{seed}/{i}")
        for i, (seen, other, own) in enumerate(zip(found.seen, found.other, per_px, strict=True))
    ]
    areas = [design.Area(specimen="1", section="1", pixels=one.areas) for one in drawn]
    edges = [one.edges() for one in found.truth]
    reference = float(np.mean([one.mean_length_mm for one in drawn]))

    def said(field: int, line: tuple[tuple[float, float], tuple[float, float]]) -> float:
        return rng.binomial(crossed(edges[field], *line), 1 - missed) * reference / drawn[field].mean_length_mm

    places = design.drawn(areas, count, seed, lines.STAGE)
    strata = [
        Counts(
            weight=weight,
            unsure=code % 2 == 1,
            told=tuple(
                said(place.field, drawn[place.field].located(code, place.rank))
                for place in places
                if place.code == code
            ),
        )
        for code, weight in design.weights(areas)["1"].items()
    ]
    plain = []
    for i in range(count):
        field, number = i % len(drawn), design.uniform(f"{seed}/plain/{i}")
        r0, c0, r1, c1 = drawn[field].ends[int(number * len(drawn[field].ends))].tolist()
        plain.append(said(field, ((r0, c0), (r1, c1))))
    most = 1 + max(max(one.told) for one in strata)
    return Marked(
        truth=float(np.mean([one.n_l_px() for one in found.truth])),
        machine=float(np.mean(per_px)),
        found=scaled(mean_count(strata, sum(len(one.ends) for one in drawn), most, coverage), reference),
        alone=scaled(counted_alone([Counts(weight=1.0, unsure=False, told=tuple(plain))], most, coverage), reference),
        marks=sum(round(count) for one in strata for count in one.told),
    )


def scaled(one: Interval, length: float) -> Interval:
    """Boundaries per length from boundaries per line."""
    return Interval(value=one.value / length, low=one.low / length, high=one.high / length)
