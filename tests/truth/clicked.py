"""A simulated person who reads the drawn truth at the points of a sample."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from drawn_joints import Board
from drawn_readings import Reading
from scipy import ndimage

from inspect_tool.referee import design, joint_estimate, joint_sample, regions
from inspect_tool.referee.estimate import Interval, Tally, counted_alone, joined, share


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one specimen gave."""

    truth: float
    machine: float
    found: Interval
    alone: Interval  # the point count of as many points without a segmentation


def answered(found: Reading, points: int, seed: str, coverage: float = 0.95) -> Outcome:
    """Let a person answer a whole sample, and as many points of a plain random sample beside it."""
    truth = np.stack(found.truth)
    strata = [regions.strata_of(seen, differs) for seen, differs in zip(found.seen, found.differs, strict=True)]
    areas = [design.Area(specimen="1", section="1", pixels=regions.counted(one)) for one in strata]
    tallies = tallied(found, strata, areas, design.drawn(areas, points, seed))
    plain = truth.ravel()[[int(design.uniform(f"{seed}/plain/{i}") * truth.size) for i in range(points)]]
    hits = int(plain.sum())
    return Outcome(
        truth=float(truth.mean()),
        machine=float(np.stack(found.seen).mean()),
        found=share(tallies, coverage),
        alone=counted_alone([Tally(weight=1.0, points=points, hits=hits, least=hits, most=hits)], coverage),
    )


def tallied(
    found: Reading, strata: Sequence[regions.Strata], areas: Sequence[design.Area], places: Sequence[design.Place]
) -> list[Tally]:
    """Tally what the person says of class 1."""
    tallies = {}
    for code, weight in design.weights(areas)["1"].items():
        own = [[place.rank for place in places if (place.field, place.code) == (i, code)] for i in range(len(strata))]
        at = [regions.located(one, code, ranks) for one, ranks in zip(strata, own, strict=True)]
        said = [int(truth[place]) for truth, found_at in zip(found.truth, at, strict=True) for place in found_at]
        hits = sum(said)
        tallies[code] = Tally(weight=weight, points=len(said), hits=hits, least=hits, most=hits)
    return joined(tallies)


@dataclass(frozen=True, slots=True, kw_only=True)
class JointOutcome:
    """What one board gave: the mean as ``Outcome`` has it, and the worst joint."""

    mean: Outcome
    worst: float
    machine_worst: float
    bound: Interval


def answered_joints(found: Board, points: int, seed: str, coverage: float = 0.95) -> JointOutcome:
    """Let a person answer points in the joints of a board, and as many plain random ones beside it."""
    wider = ndimage.gaussian_filter(found.seen.astype(np.float32), 1.5) > 0.35
    strata = regions.strata_of(found.seen.astype(np.uint8), found.seen != wider, found.outlines > 0)
    names = {number: str(number) for number in range(1, len(found.shares) + 1)}
    joints = joint_sample.joints_of_field(strata, found.outlines, names, specimen="1", section="1", field=0)
    areas = joint_sample.areas_of(joints, nested=False)
    said = []
    for place in design.drawn(areas, points, seed):
        code = place.code % design.CODES
        row, column = joint_sample.located(strata, found.outlines, joints[place.field], code, place.rank)
        inside, void = found.inside[row, column], found.void[row, column]
        said.append((place, "void" if void else "solder" if inside else "not in the joint"))
    made = joint_estimate.estimated(areas, "1", said, coverage)
    pixels = np.flatnonzero(found.inside)
    plain = found.void.ravel()[pixels[[int(design.uniform(f"{seed}/plain/{i}") * pixels.size) for i in range(points)]]]
    hits = int(plain.sum())
    machine = [one.seen for one in joints]
    return JointOutcome(
        mean=Outcome(
            truth=float(np.mean(found.shares)),
            machine=float(np.mean(machine)),
            found=made.mean,
            alone=counted_alone([Tally(weight=1.0, points=points, hits=hits, least=hits, most=hits)], coverage),
        ),
        worst=max(found.shares),
        machine_worst=max(machine),
        bound=made.worst,
    )
