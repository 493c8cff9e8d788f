"""Whether a number can be believed: one gate that every result on page 1, or asked for, passes before any verdict.

What fails it stays in the report, with a remark on page 1, and passes no requirement (``conformity.doubted``).
Recipes add checks of what only they can know.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from inspect_tool.languages import Text, joined
from inspect_tool.model import Check, Findings, Result
from inspect_tool.standards.editions import is_met

_SHARE_POINTS = 20.0  # U of a share [%] from which an interval says little: a fifth of all there is to either side
_GRADES = 1.0  # U of a grain size number [G]: a factor of two in grains per area
_OF_VALUE = 100.0  # U of a length, an area or a density over its value [%]: the interval reaches to zero
_CLAUSE = Text("acceptance.clause_plausibility")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gate:
    """One question that is asked of results: its number, the limit, and what a failure means."""

    name: str
    unit: str
    limit: float
    number: Callable[[Result], float | None]  # None: the question is not for this result
    note: str


def doubts(check: Check, quantity: str) -> bool:
    """Whether a check of plausibility keeps a quantity of its specimen from being believed."""
    unmet = check.scope == "plausibility" and not check.passed
    return unmet and (not check.quantities or quantity in check.quantities)


def gated(findings: Findings, asked: Iterable[str] = ()) -> Findings:
    """Add the checks of plausibility of all results that are on page 1 or asked for by name.

    Parameters
    ----------
    findings : Findings
        Of a recipe, results evaluated.
    asked : iterable of str
        Quantities of requirements.

    Returns
    -------
    Findings
        One check more per specimen and question that has an answer, with its worst number; the quantities that it
        doubts are those that fail it.
    """
    wanted = set(asked)
    judged = [result for result in findings.results if result.main or result.quantity in wanted]
    made = [
        one
        for specimen in dict.fromkeys(result.specimen for result in judged)
        for gate in _GATES
        if (one := _answer(gate, [result for result in judged if result.specimen == specimen])) is not None
    ]
    return replace(findings, checks=(*findings.checks, *made))


def _answer(gate: _Gate, results: Iterable[Result]) -> Check | None:
    numbers = {result: number for result in results if (number := gate.number(result)) is not None}
    if not numbers:
        return None
    worst = max(numbers, key=lambda result: numbers[result])
    failed = tuple(dict.fromkeys(result.quantity for result, number in numbers.items() if number > gate.limit))
    return check(
        gate.name,
        numbers[worst],
        "<=",
        gate.limit,
        gate.unit,
        clause=_CLAUSE,
        specimen=worst.specimen,
        note=worst.title or worst.quantity,
        advice=gate.note,
        quantities=failed,
    )


def reaches_zero(result: Result) -> bool:
    """Whether U of a length, an area or a density is larger than its value."""
    return (_relative_u(result) or 0.0) > _OF_VALUE


def check(
    name: str,
    value: float | None,
    relation: Literal[">=", "<="],
    limit: float,
    unit: str,
    *,
    clause: str,
    specimen: str,
    note: str = "",
    advice: str = "",
    quantities: tuple[str, ...] = (),
) -> Check:
    """Make a check of plausibility; ``advice`` stands behind the note where it is not met.

    >>> made = check("Holes", 6.0, "<=", 5.0, "%", clause="own rule", specimen="1", advice="fill them")
    >>> made.passed, made.note
    (False, 'fill them')
    """
    passed = is_met(value, relation, limit)
    return Check(
        name=name,
        value=value,
        relation=relation,
        limit=limit,
        unit=unit,
        passed=passed,
        clause=clause,
        scope="plausibility",
        specimen=specimen,
        note=note if passed else joined(": ", filter(None, (note, advice))),
        quantities=quantities,
    )


def _share_u(result: Result) -> float | None:
    return result.expanded_u if result.unit == "%" and result.budget else None


def _grade_u(result: Result) -> float | None:
    return result.expanded_u if result.unit == "G" and result.budget else None


def _relative_u(result: Result) -> float | None:
    if result.unit == "1" and result.rating is not None:  # of a step near 0 U is no share of it; its class tells
        return None
    if result.unit in ("%", "G") or not result.budget or result.expanded_u is None or not result.value > 0:
        return None
    return 100 * result.expanded_u / result.value


def _without_u(result: Result) -> float | None:
    return float(result.u == 0) if result.budget else None


def _beyond(result: Result) -> float | None:
    """How far a share lies outside of 0 to 100 %."""
    return max(0.0, -result.value, result.value - 100) if result.unit == "%" else None


_GATES = (
    _Gate(
        name=Text("acceptance.check_share_interval"),
        unit="%",
        limit=_SHARE_POINTS,
        number=_share_u,
        note=Text("acceptance.note_interval_too_wide"),
    ),
    _Gate(
        name=Text("acceptance.check_grain_size_interval"),
        unit="G",
        limit=_GRADES,
        number=_grade_u,
        note=Text("acceptance.note_interval_too_wide"),
    ),
    _Gate(
        name=Text("acceptance.check_relative_interval"),
        unit="%",
        limit=_OF_VALUE,
        number=_relative_u,
        note=Text("acceptance.note_interval_reaches_zero"),
    ),
    _Gate(
        name=Text("acceptance.check_results_without_uncertainty"),
        unit="1",
        limit=0.0,
        number=_without_u,
        note=Text("acceptance.note_no_uncertainty"),
    ),
    _Gate(
        name=Text("acceptance.check_share_possible"),
        unit="%",
        limit=0.0,
        number=_beyond,
        note=Text("acceptance.note_share_impossible"),
    ),
)
