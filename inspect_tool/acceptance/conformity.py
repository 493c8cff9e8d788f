"""Decision rules: a result and a requirement to a verdict, with the risk taken.

Rules after ILAC-G8:09/2019 and ISO 14253-1:2017; the probability of conformity after JCGM 106:2012 (a normal
distribution around the result, or Student's t with the effective degrees of freedom of its budget).
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal
from math import inf, isclose

from inspect_tool.acceptance import plausibility
from inspect_tool.errors import SettingsError
from inspect_tool.languages import Text
from inspect_tool.model import Check, Conformity, Decision, Requirement, Result
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


def guard_band(text: str, u: float, expanded_u: float) -> float:
    """Width w of the guard band of a requirement, in the unit of the result.

    ``text`` is a factor, 1 when it is left out, and "U" for the expanded or "u" for the standard uncertainty.

    >>> guard_band("U", 0.8, 1.6), guard_band("1.645 u", 0.8, 1.6), guard_band("0.83 U", 1.0, 2.0)
    (1.6, 1.316, 1.66)
    """
    found = _GUARD_BAND.fullmatch(text.strip())
    if found is None or (found[1] and not float(found[1]) > 0):
        msg = f"guard_band: got '{text}', must be U or u, with a factor above 0 or without, e.g. 'U' or '1.645 u'"
        raise SettingsError(msg)
    return float(found[1] or 1.0) * (expanded_u if found[2] == "U" else u)


_GUARD_BAND = re.compile(r"(\d+(?:\.\d+)?)?\s*([Uu])")


def check_requirement(requirement: Requirement, where: str) -> None:
    """Refuse a requirement by which nothing can be decided, before anything is measured.

    Raises
    ------
    SettingsError
        No limit, limits that leave nothing between them, a guard band that is none, rounding with a guard band.
    """
    lower, upper = requirement.lower, requirement.upper
    if lower is None and upper is None:
        msg = f"{where}: give 'lower', 'upper' or both"
        raise SettingsError(msg)
    if lower is not None and upper is not None and lower > upper:
        msg = f"{where}: lower {lower:g} is above upper {upper:g}"
        raise SettingsError(msg)
    try:
        guard_band(requirement.guard_band, 1.0, 1.0)
    except SettingsError as error:
        msg = f"{where} {error}"
        raise SettingsError(msg) from None
    if requirement.rule == "simple" and requirement.guard_band != "U":
        msg = f"{where} guard_band: rule 'simple' has none; use guarded, guarded_binary or non_binary"
        raise SettingsError(msg)
    if requirement.round_to is not None and not requirement.round_to > 0:
        msg = f"{where} round_to: got {requirement.round_to:g}, must be > 0, e.g. 0.1"
        raise SettingsError(msg)
    if requirement.round_to is not None and requirement.rule != "simple":
        msg = (
            f"{where} round_to: the rounding method of ASTM E29 knows no guard band; use rule 'simple', or leave it out"
        )
        raise SettingsError(msg)


def decide(result: Result, requirement: Requirement) -> Conformity:
    """Judge one result by one requirement.

    * ``simple`` (ILAC-G8, binary, simple acceptance): pass within the limits, fail outside; up to 50 % risk at the
      limit. With ``round_to`` the result is rounded first (ASTM E29, rounding method), else taken as it is (absolute
      method).
    * ``guarded`` (ISO 14253-1): pass or fail only outside a guard band w on both sides of each limit, otherwise
      undecided.
    * ``guarded_binary`` (ILAC-G8, binary with guard band): pass inside the limits by w or more, otherwise fail.
    * ``non_binary`` (ILAC-G8): as ``guarded``, and inside the band "conditional pass" within the limit, "conditional
      fail" beyond it.

    w is U, or what the requirement says. A rule with a guard band cannot decide about a result without an uncertainty.

    Raises
    ------
    SettingsError
        A requirement on another quantity, in a unit of another kind, or one that ``check_requirement`` refuses.
    """
    where = f"requirement on {requirement.quantity}"
    if requirement.quantity != result.quantity:
        msg = f"{where}: does not judge a result of {result.quantity}"
        raise SettingsError(msg)
    check_requirement(requirement, where)
    unit = requirement.unit or result.unit
    low = -inf if requirement.lower is None else convert(requirement.lower, unit, result.unit)
    high = inf if requirement.upper is None else convert(requirement.upper, unit, result.unit)
    probability = None
    if result.u is not None:
        probability = probability_of_conformity(result.value, result.u, low, high, result.dof)
    decision, reason = (
        _simple(result, requirement, low, high)
        if requirement.rule == "simple"
        else _banded(result, requirement, low, high)
    )
    return Conformity(
        requirement=requirement,
        specimen=result.specimen,
        quantity=result.quantity,
        value=result.value,
        unit=result.unit,
        expanded_u=result.expanded_u,
        decision=decision,
        probability=probability,
        reason=reason,
    )


def _simple(result: Result, requirement: Requirement, low: float, high: float) -> tuple[Decision, str]:
    value, method = result.value, Text("acceptance.absolute_method")
    if requirement.round_to is not None:
        step = convert(requirement.round_to, requirement.unit or result.unit, result.unit)
        steps = (Decimal(repr(value)) / Decimal(repr(step))).to_integral_value(ROUND_HALF_EVEN)
        value, method = (
            float(steps * Decimal(repr(step))),
            Text("acceptance.rounding_method", round_to=requirement.round_to),
        )
    decision: Decision = "pass" if _at_most(low, value) and _at_most(value, high) else "fail"
    reason = Text("acceptance.simple_acceptance", method=method)
    tolerance = high - low
    if result.expanded_u is not None and tolerance not in (inf, 0.0) and result.expanded_u > tolerance / 3:
        reason += Text("acceptance.uncertainty_large_for_tolerance")
    return decision, reason


def _banded(result: Result, requirement: Requirement, low: float, high: float) -> tuple[Decision, str]:
    if result.u is None or result.expanded_u is None:
        return "undecided", Text("acceptance.result_without_uncertainty")
    value = result.value
    guard = guard_band(requirement.guard_band, result.u, result.expanded_u)
    width = requirement.guard_band
    if _at_most(low + guard, value) and _at_most(value, high - guard):
        return "pass", Text("acceptance.within_limits_by", width=width)
    if requirement.rule == "guarded_binary":
        return "fail", Text("acceptance.not_within_limits_by", width=width)
    if not _at_most(low - guard, value) or not _at_most(value, high + guard):
        return "fail", Text("acceptance.beyond_limit_by_more", width=width)
    if requirement.rule == "guarded":
        return "undecided", Text("acceptance.limit_within_interval", width=width)
    within = _at_most(low, value) and _at_most(value, high)
    return (
        "conditional pass" if within else "conditional fail",
        Text("acceptance.limit_within_interval_result_itself", width=width)
        + (Text("acceptance.within_limits") if within else Text("acceptance.beyond_limit")),
    )


def _at_most(one: float, other: float) -> bool:
    """Whether one number is at most another, to the digits that a sum of floats keeps: 26.000000000000004 is 26."""
    return one <= other or isclose(one, other, rel_tol=1e-12)


def doubted(conformity: Conformity, checks: Iterable[Check]) -> Conformity:
    """Take back a pass on a number that cannot be believed: where a check of plausibility is not met, it is undecided.

    A failure stays one: the doubt may hide that a part is bad, it does not make it good.
    """
    doubts = [
        check.name
        for check in checks
        if plausibility.doubts(check, conformity.quantity)
        and check.specimen in ("", conformity.specimen)
        and (not check.rules or conformity.requirement.rule in check.rules)
    ]
    if not doubts or conformity.decision not in ("pass", "conditional pass"):
        return conformity
    return replace(
        conformity,
        decision="undecided",
        reason=Text("acceptance.number_in_doubt", doubts=tuple(doubts)),
    )
