"""How many more answers until a verdict is decided: a forecast for the page, never an estimate that is reported.

The page holds the block that it needs in a code that only keeps it from being read in passing: the person stays blind
to what the program saw. The page computes the same formula.
"""

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import cycle
from math import ceil, sqrt
from typing import Any

FIRST = 30
"""Answers from which on a forecast says anything."""

_K = 1.96
_DOUBTS = 2  # answers added that are 100 % off, so that a run without an error does not seem to be without doubt


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """What a forecast needs of one class of one specimen.

    ``machine_percent`` and ``weights`` belong to the items in their order: 100 where the program took the point for the
    class, else 0, and area per point; items of other specimens have weight 0.
    """

    target: str  # value of the choice that the requirement is on
    limit: float  # nearest limit of the requirement [%]
    machine: float  # area share by the program [%]
    fixed_u: float  # half width of the interval that no answer narrows, the scatter of fields [%]
    machine_percent: tuple[float, ...]
    weights: tuple[float, ...]


def more_answers(plan: Planning, answers: Sequence[str]) -> int | None:
    """Forecast how many more answers decide the verdict.

    With d_i = w_i (100 [person says the class] - machine_i) / mean of w over the n answers (those with w = 0 count
    neither in n nor in the means) the share is machine + mean of d, and s² = (sum of (d_i - mean)² + 2 · 100²) /
    (n + 2). "cannot tell" counts 50. The distance D to the limit is decided by N answers where
    (1.96 s)² / N + fixed_u² <= D².

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
    if len(answers) < FIRST:
        return None
    used = [
        (weight, (100.0 if said == plan.target else 50.0 if said == "cannot tell" else 0.0) - machine)
        for said, weight, machine in zip(answers, plan.weights, plan.machine_percent, strict=False)
        if weight > 0
    ]
    n = len(used)
    if not n:
        return None
    mean_weight = sum(weight for weight, _ in used) / n
    d = [weight * difference / mean_weight for weight, difference in used]
    mean = sum(d) / n
    spread = sqrt((sum((one - mean) ** 2 for one in d) + _DOUBTS * 100.0**2) / (n + _DOUBTS))
    room = (plan.machine + mean - plan.limit) ** 2 - plan.fixed_u**2
    if room <= 0:
        return None
    return max(0, ceil((_K * spread) ** 2 / room) - n)


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


def block(plan: Planning, sample_id: str) -> dict[str, str]:
    """Write what a page needs as base64 of its JSON, each byte XOR with the SHA-256 of the id of the sample."""
    text: dict[str, Any] = {
        "target": plan.target,
        "limit": plan.limit,
        "machine": plan.machine,
        "fixed_U": plan.fixed_u,
        "m": plan.machine_percent,
        "w": plan.weights,
    }
    data = json.dumps(text).encode()
    key = sha256(sample_id.encode()).digest()
    return {"value": b64encode(bytes(one ^ other for one, other in zip(data, cycle(key), strict=False))).decode()}
