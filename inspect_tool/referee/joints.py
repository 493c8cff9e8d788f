"""Void shares of solder joints by the answers of a person to random points in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from inspect_tool.acceptance import plausibility
from inspect_tool.languages import Text
from inspect_tool.model import Check, Table
from inspect_tool.referee import design
from inspect_tool.referee.estimate import Corrected, Interval
from inspect_tool.referee.joint_estimate import Estimated, estimated
from inspect_tool.referee.joint_sample import BESIDE, MEAN, VOID, WORST
from inspect_tool.referee.ledger import Answer
from inspect_tool.referee.population import Population

METHOD = Text("referee.method_joints")
"""For the statement of a report."""

_MOST_BESIDE = 2.0  # % of the outlines: the rim of a joint of 100 px that is half a pixel too wide


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What a report says beside corrected results."""

    tables: tuple[Table, ...] = ()
    checks: tuple[Check, ...] = ()
    warnings: tuple[str, ...] = ()


def corrected(
    found: Population, counted: Sequence[tuple[design.Place, Answer]], level: float
) -> tuple[tuple[Corrected, ...], Beside]:
    """Estimate the mean void share and the worst joint of every specimen.

    Parameters
    ----------
    found : Population
        With joints.
    counted : sequence of (Place, Answer)
        Answers that count; what was not answered could not be told.
    level : float
        Coverage of every interval [1].
    """
    said = [(place, one.value) for place, one in counted]
    made = {specimen: estimated(found.areas, specimen, said, level) for specimen in design.weights(found.areas)}
    return (
        tuple(one for specimen, own in made.items() for one in _results(found, specimen, own)),
        Beside(
            tables=(_table(found, made, said),),
            checks=tuple(_outlines(specimen, own) for specimen, own in made.items()),
            warnings=tuple(_told(found, specimen, own, said) for specimen, own in made.items()),
        ),
    )


def _results(found: Population, specimen: str, own: Estimated) -> tuple[Corrected, Corrected]:
    joints = [
        (area, joint) for area, joint in zip(found.areas, found.joints, strict=True) if joint.specimen == specimen
    ]
    machine = 100 * sum((area.weight or 0.0) * joint.seen for area, joint in joints)
    mean = _percent(own.mean)
    spread = machine * (100 - machine)
    return (
        Corrected(
            specimen=specimen,
            quantity=MEAN,
            name=VOID,
            definition=Text("referee.definition_mean_void_points"),
            machine=machine,
            found=mean,
            alone=_percent(own.alone),
            limits=(0.0, 100.0),
            wider=sqrt(mean.value * (100 - mean.value) / spread) if spread > 0 else 1.0,
            between=0.0,
            scatters=found.nested,
        ),
        Corrected(
            specimen=specimen,
            quantity=WORST,
            name=VOID,
            definition=Text("referee.definition_worst_void_points"),
            machine=100 * max(joint.seen for _, joint in joints),
            found=_percent(own.worst),
            alone=Interval(value=100 * own.worst.value, low=0.0, high=100.0),
            limits=(0.0, 100.0),
            wider=1.0,
            between=0.0,
            scatters=False,
        ),
    )


def _percent(one: Interval) -> Interval:
    return Interval(value=100 * one.value, low=100 * one.low, high=100 * one.high)


def _table(found: Population, made: dict[str, Estimated], said: Sequence[tuple[design.Place, str]]) -> Table:
    rows = [
        (
            *(found.joints[i].specimen, found.joints[i].name, 100 * found.joints[i].seen),
            sum(place.field == i for place, _ in said),
            *(100 * one.value, 100 * max(one.value - one.low, one.high - one.value), 100 * one.low, 100 * one.high),
        )
        for own in made.values()
        for i, one in own.joints.items()
    ]
    return Table(
        title=Text("referee.title_joints_checked_by_hand"),
        columns=(
            Text("words.specimen"),
            Text("words.joint"),
            Text("referee.column_machine_alone"),
            Text("words.points"),
            Text("referee.column_by_hand"),
            "±",
            Text("words.from_percent"),
            Text("words.to_percent"),
        ),
        rows=tuple(rows),
        note=Text("referee.note_joints_checked"),
    )


def _outlines(specimen: str, own: Estimated) -> Check:
    """What lies beside an outline was not looked at: one that is too wide in one place may be too narrow in another."""
    return plausibility.check(
        Text("referee.check_joint_outlines"),
        100 * own.outside.low,
        "<=",
        _MOST_BESIDE,
        "%",
        clause=Text("referee.clause_toolkit_rule"),
        specimen=specimen,
        advice=Text("referee.advice_joint_outlines"),
    )


def _told(found: Population, specimen: str, own: Estimated, said: Sequence[tuple[design.Place, str]]) -> str:
    joints = [i for i, one in enumerate(found.joints) if one.specimen == specimen]
    mine = [(place, value) for place, value in said if place.specimen == specimen]
    looked = len({place.field for place, _ in mine})
    beside = sum(value == BESIDE for _, value in mine)
    of = (
        Text("referee.checked_joints_of_specimen", specimen=specimen)
        if len({one.specimen for one in found.joints}) > 1
        else ""
    )
    worst = _percent(own.worst)
    more = "" if looked == len(joints) else Text("referee.checked_joints_without_point", n_joints=len(joints) - looked)
    return Text(
        "referee.checked_by_hand_joints",
        of=of,
        looked=looked,
        n_joints=len(joints),
        low=worst.low,
        high=worst.high,
        more=more,
        beside=beside,
        n_mine=len(mine),
    )
