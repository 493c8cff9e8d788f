"""Whether a number can be believed: one gate that every result on page 1, or asked for, passes before any verdict.

What fails it stays in the report, with a remark on page 1, and passes no requirement (``conformity.doubted``).
Recipes add checks of what only they can know.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from inspect_tool.model import Check, Findings, Result

_SHARE_POINTS = (
    20.0  # U of a share [%] from which an interval says little: it is a fifth of all there is to either side
)
_GRADES = 1.0  # U of a grain size number [G]: a factor of two in grains per area
_OF_VALUE = 100.0  # U of a length, an area or a density over its value [%]: the interval reaches to zero
_CLAUSE = "rule of this toolkit, plausibility"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gate:
    """One question that is asked of results: its number, the limit, and what a failure means."""

    name: str
    unit: str
    limit: float
    number: Callable[[Result], float | None]  # None: the question is not for this result
    note: str


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
        check
        for specimen in dict.fromkeys(result.specimen for result in judged)
        for gate in _GATES
        if (check := _check(gate, [result for result in judged if result.specimen == specimen])) is not None
    ]
    return replace(findings, checks=(*findings.checks, *made))


def _check(gate: _Gate, results: Iterable[Result]) -> Check | None:
    numbers = {result: number for result in results if (number := gate.number(result)) is not None}
    if not numbers:
        return None
    worst = max(numbers, key=lambda result: numbers[result])
    failed = tuple(dict.fromkeys(result.quantity for result, number in numbers.items() if number > gate.limit))
    return Check(
        name=gate.name,
        value=numbers[worst],
        relation="<=",
        limit=gate.limit,
        unit=gate.unit,
        passed=not failed,
        clause=_CLAUSE,
        scope="plausibility",
        specimen=worst.specimen,
        note=f"{worst.title or worst.quantity}{f': {gate.note}' if failed else ''}",
        quantities=failed,
    )


def _share_u(result: Result) -> float | None:
    return result.expanded_u if result.unit == "%" and result.budget else None


def _grade_u(result: Result) -> float | None:
    return result.expanded_u if result.unit == "G" and result.budget else None


def _relative_u(result: Result) -> float | None:
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
        name="Half width of the 95 % interval of a share",
        unit="%",
        limit=_SHARE_POINTS,
        number=_share_u,
        note="the interval is too wide to say anything; see its budget",
    ),
    _Gate(
        name="Half width of the 95 % interval of a grain size number",
        unit="G",
        limit=_GRADES,
        number=_grade_u,
        note="the interval is too wide to say anything; see its budget",
    ),
    _Gate(
        name="Half width of the 95 % interval over the value",
        unit="%",
        limit=_OF_VALUE,
        number=_relative_u,
        note="the interval reaches to zero; see its budget",
    ),
    _Gate(
        name="Results without any uncertainty",
        unit="1",
        limit=0.0,
        number=_without_u,
        note="nothing was found, or no error was: U = 0 says that nothing is known of it",
    ),
    _Gate(name="Share outside of 0 to 100 %", unit="%", limit=0.0, number=_beyond, note="no share can have this value"),
)
