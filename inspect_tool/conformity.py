"""Decision rules: a result and a requirement to a verdict, with the risk taken.

Rules after ILAC-G8:09/2019; the probability of conformity after JCGM 106:2012 (a normal
distribution around the result, or Student's t with the effective degrees of freedom of its budget).
"""

from collections.abc import Iterable
from dataclasses import replace
from math import inf

from inspect_tool.errors import SettingsError
from inspect_tool.model import Check, Conformity, Requirement, Result
from inspect_tool.units import convert


def probability_of_conformity(
    value: float, u: float, lower: float = -inf, upper: float = inf, dof: float | None = None
) -> float:
    """Probability that the true value lies within the limits (JCGM 106, 7.2 to 7.4).

    >>> round(1 - probability_of_conformity(28.4, 0.8, upper=30.0), 4)
    0.0228
    """
    from scipy.special import ndtr, stdtr

    if u == 0:
        return float(lower <= value <= upper)

    def below(limit: float) -> float:
        if limit in (inf, -inf):
            return float(limit > 0)
        t = (limit - value) / u
        return float(ndtr(t) if dof is None else stdtr(dof, t))

    return below(upper) - below(lower)


def decide(result: Result, requirement: Requirement) -> Conformity:
    """Judge one result by one requirement.

    * ``simple``: pass within the limits, fail outside; up to 50 % risk at the limit.
    * ``guarded``: guard band w = U on both sides of each limit; pass or fail only outside it,
      otherwise undecided.
    * ``non_binary``: as guarded, and inside the band "conditional pass" within the limit,
      "conditional fail" beyond it.

    A rule with a guard band cannot decide about a result without an uncertainty.
    """
    if requirement.lower is None and requirement.upper is None:
        msg = f"requirement on {requirement.quantity}: give 'lower', 'upper' or both"
        raise SettingsError(msg)
    unit = requirement.unit or result.unit
    low = -inf if requirement.lower is None else convert(requirement.lower, unit, result.unit)
    high = inf if requirement.upper is None else convert(requirement.upper, unit, result.unit)
    if low > high:
        msg = f"requirement on {requirement.quantity}: lower {requirement.lower:g} is above upper {requirement.upper:g}"
        raise SettingsError(msg)

    within = low <= result.value <= high
    probability = None
    if result.u is not None:
        probability = probability_of_conformity(result.value, result.u, low, high, result.dof)

    decision: str
    if requirement.rule == "simple":
        decision = "pass" if within else "fail"
        reason = "simple acceptance: uncertainty not taken into account; up to 50 % risk at the limit"
        tolerance = high - low
        if result.expanded_u is not None and tolerance not in (inf, 0.0) and result.expanded_u > tolerance / 3:
            reason += "; U is more than a third of the tolerance"
    elif result.expanded_u is None:
        decision = "undecided"
        reason = "the result has no uncertainty, which this rule needs"
    else:
        guard = result.expanded_u
        if low + guard <= result.value <= high - guard:
            decision = "pass"
            reason = "result and U within the limits"
        elif result.value < low - guard or result.value > high + guard:
            decision = "fail"
            reason = "result and U beyond the limit"
        elif requirement.rule == "guarded":
            decision = "undecided"
            reason = "a limit lies within result ± U"
        else:
            decision = "conditional pass" if within else "conditional fail"
            reason = "a limit lies within result ± U; the result itself is " + (
                "within the limits" if within else "beyond the limit"
            )
    return Conformity(
        requirement=requirement,
        specimen=result.specimen,
        quantity=result.quantity,
        value=result.value,
        unit=result.unit,
        expanded_u=result.expanded_u,
        decision=decision,  # type: ignore[arg-type]
        probability=probability,
        reason=reason,
    )


def doubted(conformity: Conformity, checks: Iterable[Check]) -> Conformity:
    """Take back a pass on a number that cannot be believed: where a check of plausibility is not met, it is undecided.

    A failure stays one: the doubt may hide that a part is bad, it does not make it good.
    """
    doubts = [
        check.name
        for check in checks
        if check.scope == "plausibility"
        and not check.passed
        and check.specimen in ("", conformity.specimen)
        and (not check.quantities or conformity.quantity in check.quantities)
    ]
    if not doubts or conformity.decision not in ("pass", "conditional pass"):
        return conformity
    return replace(
        conformity,
        decision="undecided",
        reason=f"the number is in doubt, so it cannot pass: {'; '.join(doubts)}",
    )
