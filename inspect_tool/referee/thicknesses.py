"""Mean thickness of a layer by the marks of a person on random lines across it."""

from collections.abc import Sequence

import numpy as np

from inspect_tool.errors import MeasurementError
from inspect_tool.languages import Text
from inspect_tool.referee import design
from inspect_tool.referee.estimate import Corrected, beyond_chance
from inspect_tool.referee.layer_lines import LayerLines
from inspect_tool.referee.ledger import CANNOT_TELL, Answer
from inspect_tool.referee.population import Population
from inspect_tool.referee.thickness_estimate import Marked, mean_thickness

METHOD = Text("referee.method_layer_lines")
"""For the statement of a report."""


def corrected(
    found: Population, lines: LayerLines, counted: Sequence[tuple[design.Place, Answer]], level: float
) -> tuple[Corrected, ...]:
    """Estimate the mean thickness of the layer in every specimen.

    Parameters
    ----------
    found : Population
    lines : LayerLines
        Of the population.
    counted : sequence of (Place, Answer)
        Answers that count; what was not answered could not be told.
    level : float
        Coverage of the intervals [1].

    Raises
    ------
    MeasurementError
        No line of a specimen could be told.
    """
    shares = design.field_weights(found.areas)
    return tuple(
        _of_specimen(
            specimen, weights, shares, found, lines, [pair for pair in counted if pair[0].specimen == specimen], level
        )
        for specimen, weights in design.weights(found.areas).items()
    )


def _of_specimen(
    specimen: str,
    weights: dict[int, float],
    shares: Sequence[float],
    found: Population,
    lines: LayerLines,
    counted: Sequence[tuple[design.Place, Answer]],
    level: float,
) -> Corrected:
    own = [i for i, area in enumerate(found.areas) if area.specimen == specimen]
    told = [(place, *_pair(lines, place, one)) for place, one in counted if one.value != CANNOT_TELL]
    if not told:
        msg = f"check by hand: specimen {specimen}: none of {len(counted)} lines could be told; draw more lines"
        raise MeasurementError(msg)
    strata = [
        Marked(
            weight=weight,
            machine=sum(shares[i] * _machine(lines, i, code) for i in own) / weight,
            pairs=tuple((person, machine) for place, person, machine in told if place.code == code),
            untold=sum(place.code == code and one.value == CANNOT_TELL for place, one in counted),
        )
        for code, weight in weights.items()
    ]
    pixel = max(lines.fields[i].pixel_um for i in own)
    by_hand = mean_thickness(strata, pixel, level)
    machine = sum(shares[i] * float(lines.fields[i].machine_um.mean()) for i in own)
    value = by_hand.found.value
    return Corrected(
        specimen=specimen,
        quantity=lines.quantity,
        name="layer",
        definition=Text("referee.definition_layer_by_person"),
        machine=machine,
        found=by_hand.found,
        alone=by_hand.alone,
        limits=(0.0, float("inf")),
        wider=max(1.0, machine / value),
        between=_between(told, own, lines, by_hand.weight),
        sensitivity=value / machine,
    )


def _pair(lines: LayerLines, place: design.Place, answer: Answer) -> tuple[float, float]:
    """Thickness by person and by program on one line. [um]"""
    field = lines.fields[place.field]
    number = field.number(place.code, place.rank)
    first, second = (mark.position for mark in answer.marks)
    return field.marked_um(number, (first, second)), float(field.machine_um[number])


def _machine(lines: LayerLines, field: int, code: int) -> float:
    """Part of the mean thickness of a field that one stratum has."""
    own = lines.fields[field]
    return float(own.machine_um[own.codes == code].sum()) / len(own.codes)


def _between(
    told: Sequence[tuple[design.Place, float, float]], own: Sequence[int], lines: LayerLines, weight: float
) -> float:
    """Standard deviation of the true means of fields, as far as the marks show it; 0: they show none. [um]"""
    rests = [[person - weight * machine for place, person, machine in told if place.field == i] for i in own]
    seen = [(i, one) for i, one in zip(own, rests, strict=True) if one]
    spread = float(np.mean([(rest - np.mean(one)) ** 2 for _, one in seen for rest in one]))
    means = [float(np.mean(one)) + weight * float(lines.fields[i].machine_um.mean()) for i, one in seen]
    return beyond_chance(means, sum(spread / len(one) for _, one in seen))
