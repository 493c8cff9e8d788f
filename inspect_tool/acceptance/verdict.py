"""The one word of page 1: over all requirements, and over all rules of the method."""

from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

from inspect_tool.model import Check, Conformity

Verdict: TypeAlias = Literal["pass", "fail", "undecided", "no requirement"]


def overall_verdict(conformities: Iterable[Conformity]) -> Verdict:
    """One word for all requirements: one failure fails, one doubt is doubt.

    Conditional statements and requirements on something that was not reported are doubt.
    """
    decisions = {conformity.decision for conformity in conformities}
    if not decisions:
        return "no requirement"
    if "fail" in decisions:
        return "fail"
    return "pass" if decisions == {"pass"} else "undecided"


def method_conformity(checks: Sequence[Check]) -> bool | None:
    """Whether all checked rules of the named standard and of the calibration were kept; None: it has none here.

    A rule of this toolkit says nothing about the standard, however many of them were kept.
    """
    if any(not check.passed for check in checks if check.scope in ("method", "calibration")):
        return False
    return True if any(check.scope == "method" for check in checks) else None
