"""Area shares by the answers of a person to random points."""

from collections.abc import Sequence
from math import sqrt

from inspect_tool.languages import Text
from inspect_tool.model import PointClass
from inspect_tool.referee import design
from inspect_tool.referee.estimate import Corrected, Interval, Tally, counted_alone, field_scatter, joined, share
from inspect_tool.referee.ledger import CANNOT_TELL, Answer
from inspect_tool.referee.population import Population

METHOD = Text("referee.method_points")
"""For the statement of a report."""


def corrected(found: Population, counted: Sequence[tuple[design.Place, Answer]], level: float) -> tuple[Corrected, ...]:
    """Estimate every area share of a job.

    Parameters
    ----------
    found : Population
    counted : sequence of (Place, Answer)
        Answers that count; what was not answered could not be told.
    level : float
        Coverage of the intervals [1].
    """
    return tuple(
        _share(specimen, own, counted, found, number, level)
        for specimen, own in design.weights(found.areas).items()
        for number, one in enumerate(found.classes)
        if one.quantity
    )


def _share(
    specimen: str,
    weights: dict[int, float],
    counted: Sequence[tuple[design.Place, Answer]],
    found: Population,
    number: int,
    level: float,
) -> Corrected:
    own = [(place, one.value) for place, one in counted if place.specimen == specimen]
    tallies = {
        code: _tally(weight, [value for place, value in own if place.code == code], found.classes, number)
        for code, weight in weights.items()
    }
    fields = [(i, area) for i, area in enumerate(found.areas) if area.specimen == specimen]
    machine = 100 * sum(weight for code, weight in weights.items() if code // 2 == number)
    by_hand = _percent(share(joined(tallies), level))
    spread = machine * (100 - machine)
    return Corrected(
        specimen=specimen,
        quantity=found.classes[number].quantity,
        name=found.classes[number].name,
        definition=Text("referee.definition_points_of_class"),
        machine=machine,
        found=by_hand,
        alone=_percent(counted_alone(tallies.values(), level)),
        limits=(0.0, 100.0),
        # the scatter of a share p goes as √(p (1 - p))
        wider=sqrt(by_hand.value * (100 - by_hand.value) / spread) if spread > 0 else 1.0,
        between=100
        * field_scatter(
            [
                [
                    _tally(
                        area.pixels[code] / sum(area.pixels),
                        [value for place, value in own if (place.field, place.code) == (i, code)],
                        found.classes,
                        number,
                    )
                    for code in weights
                ]
                for i, area in fields
            ]
        ),
    )


def _percent(one: Interval) -> Interval:
    return Interval(value=100 * one.value, low=100 * one.low, high=100 * one.high)


def _tally(weight: float, said: Sequence[str], classes: Sequence[PointClass], number: int) -> Tally:
    least, untold = said.count(classes[number].name), said.count(CANNOT_TELL)
    return Tally(
        weight=weight,
        points=len(said),
        hits=least + untold / len(classes),
        least=least,
        most=least + untold,
    )
