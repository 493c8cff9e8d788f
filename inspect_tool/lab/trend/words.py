"""How a trend is worded: its state, what was found, and what a step is put down to."""

from dataclasses import dataclass

from inspect_tool.lab.trend.found import FoundStep, Trend
from inspect_tool.lab.trend.steps import Cause, Change
from inspect_tool.languages import Text, Words
from inspect_tool.report import text

SIGNS = {"steady": "pass", "outlier": "undecided", "alarm": "undecided", "step": "fail"}
"""State to the word whose shape and color of the template it gets."""
SAID: dict[str, Words] = {
    "steady": Text("trend.steady"),
    "outlier": Text("trend.outlier"),
    "alarm": Text("trend.alarm"),
    "step": Text("trend.step"),
}
"""State to its words on a page."""
COLUMNS: dict[str, Words] = {
    "recipe_settings": Text("trend.column_recipe_settings"),
    "backend": Text("trend.column_backend"),
    "weights": Text("trend.column_weights"),
    "software": Text("trend.column_software"),
    "scale": Text("trend.column_scale"),
    "instrument": Text("trend.column_instrument"),
    "operator": Text("trend.column_operator"),
}
"""Columns of the fingerprint to their words."""
CAUSES: dict[str, Words] = {
    "method": Text("trend.method"),
    "process": Text("trend.process"),
    "not stated": Text("trend.cause_not_stated"),
}
"""Kind of a cause to its words."""
PROOFS: dict[str, Words] = {
    "proven": Text("trend.proven"),
    "not proven": Text("trend.not_proven"),
    "no kept images": Text("trend.no_kept_images"),
}
"""State of a proof to its words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """What was found, and how far it is proven."""

    found: Words
    proof: Words = ""


def summary(found: Trend) -> tuple[Sentence, ...]:
    """What was found: a sentence for each step, or one for all."""
    if found.steps:
        return tuple(_step_text(found, one) for one in found.steps)
    days = [point.day for point in found.points if point.alarm]
    out = sum(point.outlier for point in found.points)
    match found.state:
        case "alarm":
            words = Text("trend.alarm_text", n=len(days), day=days[0], kind=found.alarm.upper())
        case "outlier" if out:
            words = Text("trend.outlier_text", n=out)
        case "outlier":
            words = Text("trend.rules_text", n=sum(bool(point.rules) for point in found.points))
        case _:
            words = Text("trend.steady_text", n=len(found.points))
    return (Sentence(found=words),)


def _step_text(found: Trend, one: FoundStep) -> Sentence:
    size = text.figure(text.pm(one.step.size, one.step.size_u, found.unit))
    return Sentence(
        found=Text("trend.step_text", day=one.day, size=size, cause=cause_text(one.cause)),
        proof=""
        if one.proof is None
        else Text("trend.proof_text", proof=PROOFS[one.proof.state], reason=one.proof.reason),
    )


def cause_text(cause: Cause) -> Words:
    """What a step is put down to, with the columns that changed."""
    if not cause.changes:
        return CAUSES[cause.kind]
    return Text("trend.method_text", changes=tuple(change_text(one) for one in cause.changes))


def change_text(change: Change) -> Words:
    """Name a column that changed and its values before and after.

    >>> change_text(Change(column="weights", before="ab" * 32, after="cd" * 32, at=20, share=1.0))
    'weights ababababab… → cdcdcdcdcd…'
    """
    before, after = (shortened(one) if one else Text("trend.no_value") for one in (change.before, change.after))
    return Text("trend.change", column=COLUMNS[change.column], before=before, after=after)


def shortened(value: str) -> str:
    """A value of a fingerprint with its hashes cut to ten digits."""
    words = value.split(" ")
    return " ".join(f"{word[:10]}…" if len(word) > 32 and word.isalnum() else word for word in words)
