"""What an edition of a standard states."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from inspect_tool.model.image import Day


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """A number of a standard. ``verified_by`` is empty until a person compared it with the bought text."""

    value: float
    unit: str
    clause: str
    verified_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A sampling rule of a standard: ``value relation limit``; it becomes a ``Check``."""

    name: str
    title: str
    relation: Literal[">=", "<="]
    limit: float
    unit: str
    clause: str
    methods: tuple[str, ...] = ()  # empty: every method of the standard
    own: bool = False  # of this toolkit and not of the standard: no conformity follows from it
    verified_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worked:
    """A worked case that comes with a standard and is run as a test."""

    function: str  # "module.function" of inspect_tool.standards.formulas, or "fields.field_statistics"
    given: Mapping[str, Any]
    expect: Mapping[str, float]
    tol: float
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What a person found who compared one value of an edition with the published text."""

    key: str  # as the file of the edition has it: "intercept_g0", "rules.total_counts", "tables.abrams_circles"
    value: str  # as it was compared, e.g. ">= 400 counts"
    agrees: bool
    by: str
    day: Day
    text: str  # the copy that was read, e.g. "ASTM E112-13, printed copy no. 12"
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonFile:
    """File of a laboratory: what it found at the values of one edition. It is bound to the bytes of the edition."""

    edition: str  # name, e.g. "astm_e112_2013"
    edition_sha256: str  # of the file of the edition that was compared
    values: tuple[Comparison, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """One edition of one standard, as data."""

    name: str  # file name without suffix, e.g. "astm_e112_2013"
    id: str  # "ASTM E112"
    follows: str  # id of the standard whose formulas and place in a recipe it takes; its own unless its file says so
    edition: str
    title: str
    values: Mapping[str, Constant]
    tables: Mapping[str, tuple[Mapping[str, Any], ...]]
    rules: Mapping[str, Rule]
    worked: tuple[Worked, ...]
    notes: tuple[str, ...] = ()
    sha256: str = ""
    compared: ComparisonFile | None = None  # with the published text, by the laboratory; None: no file says so


@dataclass(frozen=True, slots=True, kw_only=True)
class Editions:
    """The edition that a job is judged by, and those that its recipe draws on beside it, read once."""

    job: Standard
    others: tuple[Standard, ...] = ()
    files: Mapping[str, Path] = field(default_factory=dict)  # of all of them, by the name of the copy in a report
