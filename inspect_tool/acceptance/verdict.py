"""The one word of page 1: over all requirements, and over all rules of the method."""

from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

from inspect_tool.model import Check, ClassVerdict, Conformity, Decision

SEVERITY: tuple[Decision, ...] = ("fail", "not stated", "conditional fail", "undecided", "conditional pass", "pass")
"""Verdicts on a requirement, the gravest first."""

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


def class_verdicts(conformities: Sequence[Conformity]) -> tuple[ClassVerdict, ...]:
    """Verdicts on the classes that requirements name by a code of several limits, specimen by specimen.

    A class is met where each of its limits is. Their results share errors (one segmentation, one scale), so that the
    probability of all of them is not a product: it is at most the least of them, and at least what is left when their
    misses exclude each other (Fréchet 1935).
    """
    made = []
    asked = {(one.requirement.class_string, one.specimen) for one in conformities if one.requirement.class_string}
    for code, specimen in sorted(asked):
        own = [one for one in conformities if (one.requirement.class_string, one.specimen) == (code, specimen)]
        if len(own) < 2:
            continue
        known = [one.probability for one in own if one.probability is not None]
        made.append(
            ClassVerdict(
                class_string=code,
                specimen=specimen,
                decision=min((one.decision for one in own), key=SEVERITY.index),
                probability=(max(0.0, 1 - sum(1 - p for p in known)), min(known)) if len(known) == len(own) else None,
            )
        )
    return tuple(made)
