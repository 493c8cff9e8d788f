"""Steps of a level, and whether the method changed where a step lies.

References
----------
Killick, Fearnhead and Eckley, Optimal detection of changepoints with a linear computational cost, Journal of the
American Statistical Association 107 (2012) 1590 (PELT). Phipson and Smyth, Permutation p-values should never be zero,
Statistical Applications in Genetics and Molecular Biology 9 (2010) 39.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from typing import Literal

import numpy as np

from inspect_tool.lab.trend.charts import Floats, level
from inspect_tool.statistics.uncertainty import coverage_factor

SIDE = 3
"""Values on each side of a step, at least."""
PENALTY = 3.0
"""Price of a step, in ln n and units of the variance."""
CONFIRMED = 0.01
"""A step is one where chance makes as large a one not more often."""
_ORDERS = 999  # drawn at random
_SEED = 15
_AT_ONCE = 500_000  # values of random orders in memory
_PLACE = 0.95  # probability of the places that a step may have
_SHARE = 0.5  # of the values on each side that a change of the method must concern


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the level, in the unit of the quantity."""

    at: int  # number of its first value, from 0
    first: int  # first and last place that it may have, 95 %
    last: int
    start: int  # first value of the level before it, and the end of the level after it
    end: int
    before: float  # means
    after: float
    size: float
    size_u: float  # expanded uncertainty of the size, 95 %: scatter alone
    p: float  # that chance makes as large a step


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A column of the fingerprint that changed where a step lies."""

    column: str
    before: str  # the most frequent value that is gone
    after: str  # the most frequent one that is new
    at: int  # number of the first value of the new method
    share: float  # of the values on both sides that it concerns, at least [1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What a step is put down to; with "not stated" nothing is known of the method on one side."""

    kind: Literal["method", "process", "not stated"]
    changes: tuple[Change, ...] = ()


def steps(
    values: Sequence[float] | Floats, *, penalty: float = PENALTY, confirmed: float = CONFIRMED
) -> tuple[Step, ...]:
    """Find the steps of a level.

    Parameters
    ----------
    values : sequence of float
        In their order.
    penalty : float
        Price of a step, in ln n; the unit is the variance from one value to the next.
    confirmed : float
        Largest p of a step, by permutation of the values of both levels; 1: none is asked for.

    Returns
    -------
    tuple of Step
        In their order. None where there are fewer than six values, or no scatter.
    """
    import ruptures

    x = np.asarray(values, dtype=float)
    if len(x) < 2 * SIDE or float(np.ptp(x)) <= 1e-12 * float(np.abs(x).max()):
        return ()
    sigma = level(x).sigma
    fitted = ruptures.KernelCPD(kernel="linear", min_size=SIDE).fit(((x - x.mean()) / sigma).reshape(-1, 1))
    edges = [0, *(int(edge) for edge in fitted.predict(pen=penalty * log(len(x))))]
    while len(edges) > 2:
        tested = [_chance(x[start:end]) for start, end in zip(edges, edges[2:], strict=False)]
        worst = int(np.argmax(tested))
        if tested[worst] <= confirmed:
            return tuple(
                _step(x, start, at, end, p)
                for start, at, end, p in zip(edges, edges[1:], edges[2:], tested, strict=False)
            )
        del edges[worst + 1]
    return ()


def cause(step: Step, fingerprints: Sequence[Mapping[str, str] | None]) -> Cause:
    """Tell whether the method changed where a step lies.

    A column counts where at least half of the values before the step carry what none after it does, and half of those
    after it what none before it does: operators that take turns do not explain a step.

    Parameters
    ----------
    step : Step
    fingerprints : sequence of mappings
        Column to value for every value of the series; None: it is not known.
    """
    known = fingerprints[step.start : step.at], fingerprints[step.at : step.end]
    if any(sum(one is not None for one in side) < SIDE for side in known):
        return Cause(kind="not stated")
    columns = dict.fromkeys(name for one in fingerprints[step.start : step.end] if one is not None for name in one)
    places = sorted(range(step.first, step.last + 1), key=lambda place: abs(place - step.at))
    found = []
    for column in columns:
        own = [None if one is None else one.get(column, "") for one in fingerprints]
        changes = [_change(column, own[step.start : at], own[at : step.end], at) for at in places]
        best = max(changes, key=lambda one: one.share, default=None)
        if best is not None and best.share >= _SHARE:
            found.append(best)
    return Cause(kind="method" if found else "process", changes=tuple(found))


def _change(column: str, before: Sequence[str | None], after: Sequence[str | None], at: int) -> Change:
    left, right = (Counter(value for value in side if value is not None) for side in (before, after))
    gone, new = (_without(left, right), _without(right, left))
    share = min(gone.total() / left.total(), new.total() / right.total()) if left and right else 0.0
    return Change(column=column, before=_most(gone), after=_most(new), at=at, share=share)


def _without(values: "Counter[str]", others: "Counter[str]") -> "Counter[str]":
    return Counter({value: count for value, count in values.items() if value not in others})


def _most(values: "Counter[str]") -> str:
    return max(values, key=values.__getitem__, default="")


def _step(x: Floats, start: int, at: int, end: int, p: float) -> Step:
    first, last = _places(x[start:end])
    before, after = x[start:at], x[at:end]
    dof = end - start - 2
    pooled = sqrt((float(before.var()) * len(before) + float(after.var()) * len(after)) / dof)
    return Step(
        at=at,
        first=min(start + first, at),
        last=max(start + last, at),
        start=start,
        end=end,
        before=float(before.mean()),
        after=float(after.mean()),
        size=float(after.mean() - before.mean()),
        size_u=coverage_factor(dof) * pooled * sqrt(1 / len(before) + 1 / len(after)),
        p=p,
    )


def _gains(x: Floats) -> Floats:
    """What a step at each place takes from the sum of squares, at least three values on both sides; (..., n - 5)."""
    n = x.shape[-1]
    before = np.arange(SIDE, n - SIDE + 1)
    sums = np.cumsum(x - x.mean(axis=-1, keepdims=True), axis=-1)[..., SIDE - 1 : n - SIDE]
    return np.asarray(sums**2 * n / (before * (n - before)))


def _chance(x: Floats) -> float:
    """Share of random orders of values, their own among them, with a step as large anywhere."""
    random, least = np.random.default_rng(_SEED), _gains(x).max() * (1 - 1e-12)
    as_large, at_once = 0, max(1, _AT_ONCE // len(x))
    for first in range(0, _ORDERS, at_once):  # which does not change what is drawn
        drawn = random.permuted(np.broadcast_to(x, (min(at_once, _ORDERS - first), len(x))), axis=1)
        as_large += int((_gains(drawn).max(axis=-1) >= least).sum())
    return (1 + as_large) / (1 + _ORDERS)


def _places(x: Floats) -> tuple[int, int]:
    """First and last of the places that hold a step with 95 %, each as likely beforehand."""
    gains = _gains(x)
    rest = float(((x - x.mean()) ** 2).sum() - gains.max()) / max(len(x) - 2, 1)
    chances = np.exp((gains - gains.max()) / (2 * max(rest, exp(-600))))
    order = np.argsort(-chances)
    held = order[: int(np.searchsorted(np.cumsum(chances[order]) / chances.sum(), _PLACE)) + 1]
    return SIDE + int(held.min()), SIDE + int(held.max())
