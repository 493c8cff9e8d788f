"""How many more answers until a verdict is decided: a forecast for the page, never an estimate that is reported.

The page holds the block that it needs in a code that only keeps it from being read in passing: the person stays blind
to what the program saw. The page computes the same formula.
"""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import cycle
from math import ceil, sqrt
from typing import TypeAlias

from inspect_tool.referee.ledger import CANNOT_TELL, Answer

FIRST, FIRST_LINES = 30, 20
"""Answers, or lines, from which on a forecast says anything."""

_K = 1.96
_DOUBTS = 2.0  # answers added that are as far off as one can be, so that a run without an error is not without doubt


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """What a forecast needs of one class of one specimen, or of one joint.

    ``machine_percent`` and ``weights`` belong to the items in their order: 100 where the program took the point for the
    class, else 0, and area per point; items of other specimens have weight 0.
    """

    target: str  # value of the choice that the requirement is on
    limit: float  # nearest limit of the requirement [%]
    machine: float  # area share by the program [%]
    fixed_u: float  # half width of the interval that no answer narrows, the scatter of fields [%]
    machine_percent: tuple[float, ...]
    weights: tuple[float, ...]
    beside: str = ""  # value of the choice that leaves the area: what is no joint
    k: float = _K  # half width of the interval in standard deviations
    doubts: float = _DOUBTS  # answers added that are 100 % off


@dataclass(frozen=True, slots=True, kw_only=True)
class LinePlanning:
    """What a forecast needs of the lines of one specimen; a boundary counts as on a line of mean length."""

    limit: float  # mean boundaries on a line at which a verdict changes
    machine: float  # by the program
    fixed_u: float  # half width of the interval that no answer narrows
    counted: tuple[float, ...]  # boundaries by the program, of every item
    weights: tuple[float, ...]  # lines of the population per item; 0: of another specimen
    worth: Mapping[str, float]  # of the kinds of marks
    scales: tuple[float, ...]  # mean length of all lines over that of the field, of every item


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstPlanning:
    """What a forecast needs of the worst joint of one specimen."""

    joints: tuple[Planning, ...]  # those with strata of their own
    others: Planning | None  # all others: what the program missed in them on average, and how much that may be


Plan: TypeAlias = Planning | LinePlanning | WorstPlanning


def more_answers(plan: Planning, answers: Sequence[str]) -> int | None:
    """Forecast how many more answers decide the verdict.

    With d_i = w_i (100 [person says the class] - machine_i) / mean of w over the n answers (those with w = 0 count
    neither in n nor in the means) the share is machine + mean of d, and s² = (sum of (d_i - mean)² + 2 · 100²) /
    (n + 2). "cannot tell" counts 50, what is no joint does not count. The distance D to the limit is decided by N
    answers where (k s)² / N + fixed_u² <= D².

    Returns
    -------
    int or None
        0: decided by now. None: fewer than 30 answers, or D is not above ``fixed_u``, so that no number is enough.

    Examples
    --------
    >>> plan = Planning(target="pore", limit=20.0, machine=10.0, fixed_u=2.0, machine_percent=(0.0,) * 90,
    ...                 weights=(1.0,) * 90)
    >>> more_answers(plan, ["metal"] * 30), more_answers(plan, ["metal"] * 27 + ["pore"] * 3)
    (0, None)
    """
    return None if len(answers) < FIRST else _share(plan, answers).more


def more_counted(plan: LinePlanning, answers: Sequence[Sequence[str] | None]) -> int | None:
    """Forecast how many more lines decide the verdict.

    As ``more_answers`` with boundaries in place of 100 or 0: two lines are added that are one boundary off.

    Parameters
    ----------
    plan : LinePlanning
    answers : sequence of (sequence of str, or None)
        Kinds of the marks on every line; None: it could not be told, and counts as the mean of the program.

    Examples
    --------
    The program is right on 20 lines with one boundary each; half a boundary more or less is the limit:

    >>> from dataclasses import replace
    >>> plan = LinePlanning(limit=1.5, machine=1.0, fixed_u=0.0, counted=(1.0,) * 60, weights=(1.0,) * 60,
    ...                     worth={"crossing": 1.0}, scales=(1.0,) * 60)
    >>> more_counted(plan, [["crossing"]] * 20), more_counted(replace(plan, limit=1.1), [["crossing"]] * 20)
    (0, 15)
    """
    if len(answers) < FIRST_LINES:
        return None
    used = [
        (weight, (plan.machine if marks is None else scale * sum(plan.worth[mark] for mark in marks)) - counted)
        for marks, weight, counted, scale in zip(answers, plan.weights, plan.counted, plan.scales, strict=False)
        if weight > 0
    ]
    return _outlook(used, plan.machine, plan.limit, plan.fixed_u, doubt=1.0, doubts=_DOUBTS, k=_K).more


def more_of_worst(plan: WorstPlanning, answers: Sequence[str]) -> int | None:
    """Forecast how many more answers decide the verdict on the worst joint.

    It fails where one joint is above the limit, and passes where no joint with strata of its own is above it and the
    others are below what the program saw in them by a margin. Every joint gets its part of further answers.

    Returns
    -------
    int or None
        0: decided by now. None: fewer than 30 answers, or no number is known to be enough.
    """
    if len(answers) < FIRST:
        return None
    joints = [(_share(one, answers), one.limit) for one in plan.joints]
    above = [_of_all(one, len(answers)) for one, limit in joints if one.value > limit]
    failing = [more for more in above if more is not None]
    if failing:
        return min(failing)
    passing = [_of_all(one, len(answers)) for one, _ in joints]
    if plan.others is not None:
        rest = _share(plan.others, answers)
        passing.append(_of_all(rest, len(answers)) if rest.value < plan.others.limit else None)
    known = [more for more in passing if more is not None]
    return None if above or len(known) < len(passing) else max(known, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outlook:
    n: int  # answers that count
    value: float  # of what is estimated by now
    more: int | None  # of these answers that decide


def _of_all(one: _Outlook, answers: int) -> int | None:
    """Answers to all items, of which only some are to one joint."""
    return None if one.more is None else ceil(one.more * answers / one.n)


def _share(plan: Planning, answers: Sequence[str]) -> _Outlook:
    used = [
        (weight, (100.0 if said == plan.target else 50.0 if said == CANNOT_TELL else 0.0) - machine)
        for said, weight, machine in zip(answers, plan.weights, plan.machine_percent, strict=False)
        if weight > 0 and (not plan.beside or said != plan.beside)
    ]
    return _outlook(used, plan.machine, plan.limit, plan.fixed_u, doubt=100.0, doubts=plan.doubts, k=plan.k)


def _outlook(
    used: Sequence[tuple[float, float]],
    machine: float,
    limit: float,
    fixed_u: float,
    *,
    doubt: float,
    doubts: float,
    k: float,
) -> _Outlook:
    """Forecast from weights and differences between person and program, with ``doubts`` more that are ``doubt`` off."""
    n = len(used)
    if not n:
        return _Outlook(n=0, value=machine, more=None)
    mean_weight = sum(weight for weight, _ in used) / n
    d = [weight * difference / mean_weight for weight, difference in used]
    mean = sum(d) / n
    spread = sqrt((sum((one - mean) ** 2 for one in d) + doubts * doubt**2) / (n + doubts))
    room = (machine + mean - limit) ** 2 - fixed_u**2
    return _Outlook(n=n, value=machine + mean, more=None if room <= 0 else max(0, ceil((k * spread) ** 2 / room) - n))


def more_lines(lines: int, *, side: float, distance: float, fixed_u: float) -> int | None:
    """Forecast how many more lines decide the verdict, for an interval whose width goes as 1 / √lines.

    Parameters
    ----------
    lines : int
        Answered by now.
    side, distance, fixed_u : float
        Half width of the interval for the fields as they are, distance of the result to the limit, and half width
        that no answer narrows; in one unit.

    Returns
    -------
    int or None
        0: decided by now. None: the distance is not above ``fixed_u``.

    Examples
    --------
    >>> [more_lines(60, side=0.3, distance=distance, fixed_u=0.1) for distance in (0.1, 0.2, 0.5)]
    [None, 120, 0]
    """
    room = distance**2 - fixed_u**2
    return None if room <= 0 else max(0, ceil(lines * side**2 / room) - lines)


def more(plan: Plan, answers: Sequence[Answer]) -> int | None:
    """Forecast how many more answers decide the verdict; ``answers`` are to the items in their order."""
    if isinstance(plan, LinePlanning):
        return more_counted(
            plan, [None if one.value == CANNOT_TELL else [mark.value for mark in one.marks] for one in answers]
        )
    said = [one.value for one in answers]
    return more_of_worst(plan, said) if isinstance(plan, WorstPlanning) else more_answers(plan, said)


def block(plan: Plan, sample_id: str) -> dict[str, str]:
    """Write what a page needs as base64 of its JSON, each byte XOR with the SHA-256 of the id of the sample."""
    data = json.dumps(shown(plan)).encode()
    key = sha256(sample_id.encode()).digest()
    return {"value": b64encode(bytes(one ^ other for one, other in zip(data, cycle(key), strict=False))).decode()}


def shown(plan: Plan) -> dict[str, object]:
    """What the page is given: the keys of the plan as its script knows them."""
    if isinstance(plan, WorstPlanning):
        others = None if plan.others is None else shown(plan.others)
        return {"kind": "worst", "joints": [shown(one) for one in plan.joints], "others": others}
    common = {"limit": plan.limit, "machine": plan.machine, "fixed_U": plan.fixed_u, "w": plan.weights}
    if isinstance(plan, LinePlanning):
        return {**common, "kind": "lines", "m": plan.counted, "worth": dict(plan.worth), "scales": plan.scales}
    return {
        **common,
        "kind": "share",
        "m": plan.machine_percent,
        "target": plan.target,
        "beside": plan.beside,
        "k": plan.k,
        "doubts": plan.doubts,
    }
