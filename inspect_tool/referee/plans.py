"""What a forecast needs of the sample of a job whose requirement is on a result that answers correct."""

from collections import Counter
from collections.abc import Sequence
from math import log

from inspect_tool.model import Requirement, Result
from inspect_tool.referee import design
from inspect_tool.referee.correction import scatter_of
from inspect_tool.referee.joint_sample import BESIDE, VOID, WORST
from inspect_tool.referee.layer_lines import LayerLines
from inspect_tool.referee.lines import TestLines
from inspect_tool.referee.planning import LinePlanning, Plan, Planning, WorstPlanning
from inspect_tool.referee.population import Population
from inspect_tool.statistics.uncertainty import coverage_factor
from inspect_tool.units import convert

_TAIL = 0.025  # error that either limit of the worst joint may have
_DOUBTS = 0.5  # answers 100 % off that a joint of a few points is given, as Jeffreys gives half a one
_OCTAVES = 40  # up and down, in which a count is looked for that gives a result


def corrected_quantities(found: Population) -> frozenset[str]:
    """Results that the answers to a sample correct."""
    if isinstance(found.lines, LayerLines):
        return frozenset({found.lines.quantity})
    if found.lines is not None:
        return frozenset(found.lines.results(found.lines.fields[0].machine_per_mm))
    classes = frozenset(one.quantity for one in found.classes if one.quantity)
    return classes | {WORST} if found.joints else classes


def plan_of(
    found: Population, places: Sequence[design.Place], asked: tuple[Requirement, Result], value: float | None = None
) -> Plan | None:
    """Make the plan of a requirement and its result.

    Parameters
    ----------
    found : Population
        Of the job.
    places : sequence of Place
        All of the sample.
    asked : (Requirement, Result)
        The result is the machine's.
    value : float, optional
        Where the nearest limit is looked for; default: what the program found. [unit of the result]

    Returns
    -------
    Plan or None
        None: the limit is beyond whatever can be counted, or the page has no forecast for such a result.
    """
    if isinstance(found.lines, LayerLines):
        return None
    requirement, result = asked
    unit, at = requirement.unit or result.unit, result.value if value is None else value
    limits = [convert(one, unit, result.unit) for one in (requirement.lower, requirement.upper) if one is not None]
    limit = min(limits, key=lambda one: abs(one - at))
    if found.lines is not None:
        return _of_lines(found, found.lines, places, result, limit)
    if result.quantity == WORST:
        return _of_worst(found, places, result.specimen, limit)
    number = next(i for i, one in enumerate(found.classes) if one.quantity == result.quantity)
    shares = design.weights(found.areas)[result.specimen]
    return Planning(
        target=found.classes[number].name,
        limit=limit,
        machine=100 * sum(share for code, share in shares.items() if code % design.CODES // 2 == number),
        fixed_u=scatter_of(result),
        machine_percent=_percent(places, number),
        weights=_weights(found, places, result.specimen),
        beside=BESIDE if found.joints else "",
    )


def _percent(places: Sequence[design.Place], number: int) -> tuple[float, ...]:
    return tuple(100.0 * (place.code % design.CODES // 2 == number) for place in places)


def _weights(found: Population, places: Sequence[design.Place], specimen: str) -> tuple[float, ...]:
    """Share of the specimen that every item stands for; 0: it is of another one."""
    shares = design.weights(found.areas)[specimen]
    points = Counter(place.code for place in places if place.specimen == specimen)
    return tuple(shares[place.code] / points[place.code] if place.specimen == specimen else 0.0 for place in places)


# -------------------------------------------------------------------------------------------------------------- lines


def _of_lines(
    found: Population, lines: TestLines, places: Sequence[design.Place], result: Result, limit: float
) -> LinePlanning | None:
    own = [i for i, area in enumerate(found.areas) if area.specimen == result.specimen]
    length_mm = sum(lines.fields[i].mean_length_mm for i in own) / len(own)
    weights = design.field_weights(found.areas)
    machine = sum(weights[i] * lines.fields[i].machine_per_mm for i in own)
    at_limit = _per_mm(lines, result.quantity, limit, machine)
    if at_limit is None:
        return None
    step = 1.001
    moved = [lines.results(one)[result.quantity][0] for one in (machine, step * machine)]
    slope = abs(moved[1] - moved[0]) / ((step - 1) * machine)
    shares = design.weights(found.areas)[result.specimen]
    return LinePlanning(
        limit=at_limit * length_mm,
        # by the counts of the strata, not of the recipe: the differences on the lines are from these
        machine=sum(share * (code // 2) for code, share in shares.items()),
        fixed_u=scatter_of(result) / slope * length_mm,
        counted=tuple(float(place.code // 2) for place in places),
        weights=_weights(found, places, result.specimen),
        worth={one.name: one.counts for one in found.classes},
        scales=tuple(
            length_mm / lines.fields[place.field].mean_length_mm if place.specimen == result.specimen else 1.0
            for place in places
        ),
    )


def _per_mm(lines: TestLines, quantity: str, limit: float, start: float) -> float | None:
    """Boundaries per length that give a result; None: none near ``start`` does. [1/mm]"""

    def at(octaves: float) -> float:
        return lines.results(start * 2**octaves)[quantity][0]

    low, high = -float(_OCTAVES), float(_OCTAVES)
    if not min(at(low), at(high)) < limit < max(at(low), at(high)):
        return None
    rising = at(high) > at(low)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if (at(middle) < limit) is rising else (low, middle)
    return float(start * 2**low)


# ----------------------------------------------------------------------------------------------------- the worst joint


def _of_worst(found: Population, places: Sequence[design.Place], specimen: str, limit: float) -> WorstPlanning:
    number = [one.name for one in found.classes].index(VOID)
    mine = [i for i, area in enumerate(found.areas) if area.specimen == specimen]
    own = {i for i in mine if not any(found.areas[i].pixels[: design.CODES])}
    percent = _percent(places, number)
    k = coverage_factor(None, 1 - 2 * _TAIL / len(mine))
    rest = {i for i in mine if i not in own}
    return WorstPlanning(
        joints=tuple(
            Planning(
                target=VOID,
                limit=limit,
                machine=100 * found.joints[i].seen,
                fixed_u=0.0,
                machine_percent=percent,
                weights=_weights_in(found, places, i),
                beside=BESIDE,
                k=k,
                doubts=_DOUBTS,
            )
            for i in sorted(own)
        ),
        others=None
        if not rest
        else Planning(
            target=VOID,
            limit=_most_missed(limit - 100 * max(found.joints[i].seen for i in rest), len(mine)),
            machine=0.0,
            fixed_u=0.0,
            machine_percent=percent,
            weights=tuple(
                weight if place.field in rest else 0.0
                for weight, place in zip(_weights(found, places, specimen), places, strict=True)
            ),
            beside=BESIDE,
        ),
    )


def _weights_in(found: Population, places: Sequence[design.Place], joint: int) -> tuple[float, ...]:
    """Part of one joint that every item stands for; 0: it is of another one."""
    pixels = found.areas[joint].pixels
    whole, points = sum(pixels), Counter(place.code for place in places if place.field == joint)
    return tuple(pixels[place.code] / whole / points[place.code] if place.field == joint else 0.0 for place in places)


def _most_missed(room: float, joints: int) -> float:
    """Mean of what is missed in a joint, so that no joint has more than ``room`` missed. [%]

    A beta distribution whose standard deviation is as large as its mean m has its first parameter near 1 and its
    quantiles near 1 - tail^(m / (1 - m)); the tail is one that holds for all joints.

    >>> round(_most_missed(30.0, 20), 1), _most_missed(-5.0, 20)
    (5.1, 0.0)
    """
    if room <= 0:
        return 0.0
    if room >= 100:
        return 100.0
    ratio = log(1 - room / 100) / log(_TAIL / joints)
    return 100 * ratio / (1 + ratio)
