"""Where a check by hand of an inspection stands, kept beside its job: what a page shows without measuring again.

What counts is the ledger of samples and answers beside the job; a file of this room is made again by handing the same
answers in once more.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from inspect_tool.errors import InspectError, ReadError
from inspect_tool.files import checked, plain, read_bytes, write_whole
from inspect_tool.inspection.hand_check import Standing
from inspect_tool.referee import ledger
from inspect_tool.statistics.agreement import LEAST_FIELDS, agreement

FILE = "check-by-hand.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A result of the program alone, and with the answers of a person."""

    specimen: str
    quantity: str
    unit: str
    old: float
    old_u: float | None  # expanded uncertainty
    new: float
    new_u: float | None
    limits: tuple[float, float] | None  # interval of the new one


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """How person and program agree in a quantity, over specimens (``statistics.agreement``), person minus program."""

    quantity: str
    unit: str
    n: int
    mean: float
    limits: tuple[float, float] | None  # of agreement; None: fewer than three specimens


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Where a check by hand stands."""

    answers: str  # name of the file beside the job
    answers_sha256: str
    sample: str
    person: str
    day: str
    what: str  # points or lines
    points: int
    planned: int
    pairs: tuple[Pair, ...]
    agreed: tuple[Agreed, ...]
    decisions: tuple[tuple[str, str, str], ...]  # specimen, quantity and decision
    more: int | None  # answers that should decide the verdict; None: not known


def count_of(answers: Path, entry: ledger.Entry, standing: Standing) -> Count:
    """Make a value of what recording the answers gave."""
    found = standing.correction
    pairs = tuple(
        Pair(
            specimen=new.specimen,
            quantity=new.quantity,
            unit=new.unit,
            old=old.value,
            old_u=old.expanded_u,
            new=new.value,
            new_u=new.expanded_u,
            limits=new.interval,
        )
        for old, new in standing.results
    )
    return Count(
        answers=answers.name,
        answers_sha256=entry.answers_sha256,
        sample=found.sample,
        person=found.person,
        day=found.day,
        what=found.what,
        points=found.points,
        planned=found.planned,
        pairs=pairs,
        agreed=tuple(_agreed(pairs)),
        decisions=tuple((one.specimen, one.quantity, one.decision) for one in standing.conformities),
        more=standing.more,
    )


def _agreed(pairs: Sequence[Pair]) -> list[Agreed]:
    by_quantity: dict[str, list[Pair]] = {}
    for pair in pairs:
        by_quantity.setdefault(pair.quantity, []).append(pair)
    made = []
    for quantity, own in by_quantity.items():
        found = agreement([one.old for one in own], [one.new for one in own])
        limits = found.limits if found.n >= LEAST_FIELDS else None
        made.append(Agreed(quantity=quantity, unit=own[0].unit, n=found.n, mean=found.mean, limits=limits))
    return made


def keep(job: Path, count: Count) -> None:
    """Write where the check by hand of a job stands."""
    write_whole(job.with_name(FILE), (json.dumps(plain(count), ensure_ascii=False, indent=1) + "\n").encode())


def kept(job: Path) -> Count | None:
    """Where the check by hand of a job stands; None: nothing was handed in, or it cannot be read."""
    try:
        return checked(Count, json.loads(read_bytes(job.with_name(FILE))), FILE, ReadError, by_hand=False)
    except (OSError, ValueError, InspectError):
        return None
