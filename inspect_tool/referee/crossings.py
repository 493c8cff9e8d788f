"""Boundaries per length by the marks of a person on random test lines."""

from collections.abc import Sequence
from dataclasses import dataclass

from inspect_tool.errors import MeasurementError
from inspect_tool.languages import Text
from inspect_tool.model import PointClass
from inspect_tool.referee import design
from inspect_tool.referee.estimate import Corrected, Interval
from inspect_tool.referee.intercept_estimate import Counts, counted_alone, field_scatter, mean_count
from inspect_tool.referee.ledger import CANNOT_TELL, Answer
from inspect_tool.referee.lines import TestLines
from inspect_tool.referee.population import Population

_LEAST = 0.01  # of the value: the lower limit of a count that may be none at all, so that it has a mean intercept
_STEP = 1.001  # a small relative change

DONE = "done"
"""Value of the answer to a line; what the person saw stands in its marks."""

METHOD = Text("referee.method_test_lines")
"""For the statement of a report."""


def corrected(
    found: Population, lines: TestLines, counted: Sequence[tuple[design.Place, Answer]], level: float
) -> tuple[Corrected, ...]:
    """Estimate every result of a job that rests on boundaries per length.

    Parameters
    ----------
    found : Population
    lines : TestLines
        Of the population.
    counted : sequence of (Place, Answer)
        Answers that count; what was not answered could not be told.
    level : float
        Coverage of the intervals [1].

    Raises
    ------
    MeasurementError
        So many lines could not be told that there may be no boundary at all.
    """
    return tuple(
        one
        for specimen, weights in design.weights(found.areas).items()
        for one in _of_specimen(
            specimen, weights, found, lines, [pair for pair in counted if pair[0].specimen == specimen], level
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Count:
    """Boundaries on one line, as many as on a line of mean length; None: could not be told."""

    place: design.Place
    boundaries: float | None


def _of_specimen(
    specimen: str,
    weights: dict[int, float],
    found: Population,
    lines: TestLines,
    counted: Sequence[tuple[design.Place, Answer]],
    level: float,
) -> list[Corrected]:
    own = [i for i, area in enumerate(found.areas) if area.specimen == specimen]
    length_mm = sum(lines.fields[i].mean_length_mm for i in own) / len(own)
    counts = [
        _Count(
            place=place,
            boundaries=None
            if one.value == CANNOT_TELL
            else _boundaries(one, found.classes) * length_mm / lines.fields[place.field].mean_length_mm,
        )
        for place, one in counted
    ]
    told = [one.boundaries for one in counts if one.boundaries is not None]
    most = 1 + max(told, default=0.0)  # as many as on any line that was told, and one more
    strata = [
        _counts(weight, code, [one for one in counts if one.place.code == code]) for code, weight in weights.items()
    ]
    by_hand = _per_mm(mean_count(strata, sum(sum(found.areas[i].pixels) for i in own), most, level), length_mm)
    if not by_hand.low > 0:
        msg = (
            f"check by hand: specimen {specimen}: {len(counts) - len(told)} of {len(counts)} lines could not be told "
            f"and {sum(one > 0 for one in told)} show a boundary, so that there may be none; draw more lines"
        )
        raise MeasurementError(msg)
    alone = _per_mm(counted_alone(strata, most, level), length_mm)
    shares = design.field_weights(found.areas)
    machine = sum(shares[i] * lines.fields[i].machine_per_mm for i in own)
    between = field_scatter(
        [
            [
                _counts(
                    found.areas[i].pixels[code] / sum(found.areas[i].pixels),
                    code,
                    [one for one in counts if (one.place.field, one.place.code) == (i, code)],
                )
                for code in weights
            ]
            for i in own
        ]
    )
    at = lines.results
    before, after = at(machine), at(by_hand.value)
    low, high, alone_low, alone_high, moved, moved_before, scattered = (
        at(value)
        for value in (
            *(by_hand.low, by_hand.high, max(alone.low, _LEAST * alone.value), alone.high),
            *(by_hand.value * _STEP, machine * _STEP, by_hand.value + between / length_mm),
        )
    )
    return [
        Corrected(
            specimen=specimen,
            quantity=quantity,
            name="grain boundary",
            definition=Text("referee.definition_boundaries_by_person", quantity=quantity),
            machine=before[quantity][0],
            found=_between(value, low[quantity][0], high[quantity][0]),
            alone=_between(at(alone.value)[quantity][0], alone_low[quantity][0], alone_high[quantity][0]),
            limits=(float("-inf"), float("inf")),
            # N_L scatters relatively with 1 / √(grains), which goes as 1 / N_L
            wider=machine / by_hand.value,
            between=abs(scattered[quantity][0] - value),
            sensitivity=(moved[quantity][0] - value) / (moved_before[quantity][0] - before[quantity][0]),
            rounded=rounded,
        )
        for quantity, (value, rounded) in after.items()
    ]


def _counts(weight: float, code: int, own: Sequence[_Count]) -> Counts:
    told = tuple(one.boundaries for one in own if one.boundaries is not None)
    return Counts(weight=weight, unsure=code % 2 == 1, told=told, untold=len(own) - len(told))


def _boundaries(answer: Answer, kinds: Sequence[PointClass]) -> float:
    worth = {one.name: one.counts for one in kinds}
    return sum(worth[mark.value] for mark in answer.marks)


def _per_mm(one: Interval, length_mm: float) -> Interval:
    return Interval(value=one.value / length_mm, low=one.low / length_mm, high=one.high / length_mm)


def _between(value: float, one: float, other: float) -> Interval:
    return Interval(value=value, low=min(one, other), high=max(one, other))
