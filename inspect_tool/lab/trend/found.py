"""What a trend says: ``trend.json`` holds exactly a ``Trend``, and the page is a view of it."""

from dataclasses import dataclass
from typing import Literal

from inspect_tool.lab.trend.capability import Capability
from inspect_tool.lab.trend.steps import Cause, Step
from inspect_tool.languages import Words
from inspect_tool.model import Provenance

SCHEMA = "inspect_tool/trend/1"
WHAT = "The trend as data"
"""Name of the data in the PDF."""

Alarm = Literal["cusum", "ewma"]
State = Literal["steady", "outlier", "alarm", "step"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One value of the series, and what speaks up at it."""

    report: str
    uid: str
    specimen: str
    day: str  # of the work, ISO 8601
    value: float
    expanded_u: float | None
    moving_range: float | None  # None: the first
    up: float  # upper sum of the CUSUM, or the average of the EWMA [standard deviations]
    down: float  # lower sum of the CUSUM; 0 of an EWMA
    fingerprint: int  # its number among those of the trend, from 0
    outlier: bool  # beyond the limits of a single value
    alarm: bool
    rules: tuple[int, ...]  # of Nelson, where they were asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Control limits, in the unit of the quantity; widths in standard deviations."""

    version: int  # 0: preliminary, of the values themselves
    n: int  # values that they are made of
    first: str  # days of these, ISO 8601
    last: str
    made: str  # UTC, ISO 8601; empty: preliminary
    by: str
    reason: str
    center: float
    sigma: float
    lower: float  # of a single value
    upper: float
    range_upper: float  # of a moving range
    single: float  # half width of the limits of a single value
    alarm: float  # h of the CUSUM, or L of the EWMA
    unwidened: float  # what that is from 100 values on


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Kept images of one specimen, measured before and again."""

    report: str
    specimen: str
    before: float
    after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Whether the new method moves the results of kept images as far as the step."""

    state: Literal["proven", "not proven", "no kept images"]
    reason: Words
    pairs: tuple[Pair, ...] = ()
    difference: float | None = None  # mean of new less old
    difference_u: float | None = None  # expanded uncertainty of the mean, 95 %: its scatter alone


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundStep:
    """A step with its day, its cause and, of a change of the method, its proof."""

    step: Step
    day: str  # of its first value, ISO 8601
    cause: Cause
    proof: Proof | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """One quantity over time."""

    schema: str
    id: str
    laboratory: str
    quantity: str
    title: Words  # of the quantity, for the reader
    recipe: str
    unit: str
    query: str
    state: State
    alarm: Alarm
    nelson: bool
    limits: Limits
    points: tuple[Point, ...]
    fingerprints: tuple[dict[str, str], ...]
    steps: tuple[FoundStep, ...]
    capability: Capability | None  # of the values after the last step
    measurement_share: float | None  # of the variance, that the uncertainty of the values explains [1]
    warnings: tuple[Words, ...]
    provenance: Provenance
    language: str = ""  # of the words of the pages; empty: English
