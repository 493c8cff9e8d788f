"""What was found: in one field, and of all fields of a job."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default
from math import inf
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias

from typing_extensions import TypeVar

from inspect_tool.languages import Words
from inspect_tool.model import notebook_html
from inspect_tool.model.image import Calibration, Plane
from inspect_tool.model.job import Requirement
from inspect_tool.model.row import Number

if TYPE_CHECKING:
    import pandas as pd


Decision: TypeAlias = Literal["pass", "fail", "undecided", "conditional pass", "conditional fail", "not stated"]
Cell: TypeAlias = float | int | str | bool | None
Values = TypeVar("Values", bound=Mapping[str, Number], default=Mapping[str, Number], covariant=True)
Others = TypeVar("Others", bound=Mapping[str, Number], default=Mapping[str, Number], covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something drawn over a picture so that a reader can count again: a test line, a hit, a joint."""

    kind: Literal["path", "points", "text"]
    points: tuple[tuple[float, float], ...]  # (row, column) [px]; a path is joined in order
    style: Literal["figure", "hit", "half hit", "double hit", "miss", "object", "warning"] = "figure"
    layer: Words = "test figure"  # marks of one layer are switched on and off together
    label: Words = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notable:
    """One of the worst features of a field, to be shown as a thumbnail."""

    feature: int
    value: float
    unit: str
    caption: Words
    box: tuple[int, int, int, int]  # top, left, bottom, right [px], half-open
    apart: bool = True  # a thing of its own; no part of what goes through the field, which is not shown


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FieldMeasurement(Generic[Values, Others]):
    """All that a recipe keeps of one field; small, so that images need not stay in memory.

    ``values`` and those of the alternatives are mappings; a recipe may give rows of its own, see ``row.Row``.
    """

    specimen: str
    section: str
    plane: Plane
    field: int
    image: str
    shape_px: tuple[int, int]
    calibration: Calibration
    values: Values  # one row of the fields table, unit in every name
    features: "pd.DataFrame"  # one row per object: "feature", "row_px", "column_px", ... unit in every name
    alternatives: Mapping[str, Others] = default(default_factory=dict)  # name -> values re-evaluated
    marks: tuple[Mark, ...] = ()
    worst: tuple[Notable, ...] = ()  # worst first, at most ten that are things of their own
    notes: tuple[Words, ...] = ()  # sentences for the report, e.g. what was excluded and why
    missed_u_rel: float = 0.0  # of the segmentation, see there
    curves: Mapping[str, tuple[float, ...]] = default(default_factory=dict)  # numbers behind a chart, no table column
    parts: "pd.DataFrame | None" = None  # one row per part of an object, e.g. per void of a joint
    read_off: Mapping[str, Any] = default(default_factory=dict)  # all that came from gray values and not from labels


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measurements:
    """All objects and all fields of a job: tidy tables with the unit in every column name."""

    features: "pd.DataFrame"
    fields: "pd.DataFrame"


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One line of an uncertainty budget, in the unit of the result. ``dof`` None: known well (infinite)."""

    name: Words
    u: float
    kind: Literal["A", "B"]
    dof: float | None = None
    basis: Words = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassShare:
    """A class, and the probability that the true value belongs to it."""

    name: Words
    probability: float | None  # [1]; None: the result has no uncertainty


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """The class that a result is given on a scale of classes, and how sure it is."""

    scale: Words  # what it is a class of, e.g. "level of ASTM B276"
    classes: tuple[ClassShare, ...]  # that of the value first, then others worth naming, the most probable first


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One number with its unit, its n, its method and its uncertainty."""

    quantity: str
    specimen: str
    value: float
    unit: str
    n: int
    clause: Words
    definition: Words  # name and version of what is measured, e.g. "mean over fields/1"
    n_of: Words = "fields"  # what n counts
    budget: tuple[Component, ...] = ()
    u: float | None = None  # combined standard uncertainty
    expanded_u: float | None = None
    coverage: float = 0.95  # probability of the interval [1]
    coverage_factor: float | None = None
    dof: float | None = None  # effective; None: infinite
    interval: tuple[float, float] | None = None
    rounded: str = ""  # as the method rounds it, e.g. "7.9"
    title: Words = ""  # name for the reader, e.g. "ASTM grain size number G (Abrams)"
    main: bool = False  # shown on page 1
    rating: Rating | None = None  # None: the method gives no class, or the report is of an earlier version


_COLUMNS = (
    *("quantity", "specimen", "title", "value", "unit", "n", "n_of"),
    *("u", "expanded_u", "coverage", "clause", "main"),
)


class Results(tuple[Result, ...]):
    """Results in their order, for a notebook a table too."""

    __slots__ = ()

    def to_frame(self) -> "pd.DataFrame":
        """Give a tidy table, one row per result, named as in ``report.json``.

        Returns
        -------
        DataFrame
            Columns ``quantity, specimen, title, value, unit, n, n_of, u, expanded_u, coverage, clause, main`` and, of
            the interval, ``low, high``; value, uncertainties and limits in ``unit``, NaN where nothing is stated.
        """
        import pandas as pd

        words = ["quantity", "specimen", "title", "unit", "n_of", "clause"]
        numbers = ["value", "u", "expanded_u", "coverage", "low", "high"]
        rows = [[getattr(one, name) for name in _COLUMNS] + list(one.interval or (None, None)) for one in self]
        kinds = {**dict.fromkeys(words, object), **dict.fromkeys(numbers, float), "n": int, "main": bool}
        frame = pd.DataFrame(rows, columns=[*_COLUMNS, "low", "high"]).astype(kinds)
        frame[words] = frame[words].map(str)
        return frame

    def _repr_html_(self) -> str:
        return notebook_html.table(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One rule and what was found.

    Scope "method" (rules of the standard) and "calibration" decide the method conformity; "practice" are rules of this
    toolkit beside it. One of scope "plausibility" that is not met doubts the results of its specimen, so that no
    requirement on them passes by the rules it names.
    """

    name: Words
    value: float | None  # None: could not be determined, which does not pass
    relation: Literal[">=", "<="]
    limit: float
    unit: Words
    passed: bool
    clause: Words
    scope: Literal["method", "calibration", "practice", "image", "consistency", "plausibility"] = "method"
    specimen: str = ""  # empty: the whole job
    note: Words = ""
    accepted: str = ""  # who accepted that it is not met, and why
    quantities: tuple[str, ...] = ()  # plausibility: results it doubts; empty: all of the specimen
    rules: tuple[str, ...] = ()  # plausibility: rules of decision that it takes a pass from; empty: all


@dataclass(frozen=True, slots=True, kw_only=True)
class Conformity:
    """The verdict on one requirement for one specimen, with the risk taken."""

    requirement: Requirement
    specimen: str
    quantity: str
    value: float | None
    unit: str
    expanded_u: float | None
    decision: Decision
    probability: float | None  # that the true value conforms (JCGM 106)
    reason: Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """What a recipe can report under a name. A name that ends in ``.*`` stands for every class."""

    title: Words
    unit: str
    needs_scale: bool
    needs_setting: str = ""  # name of the recipe's setting that must be true for it to come out


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """How pages word the tables of a recipe and what its charts are judged by; what it leaves out is made of names."""

    titles: Mapping[str, Words] = default(default_factory=dict)
    """Title of a column, by its name without its class and, if all units have it, without its unit: "count" is that of
    "count.pearlite", and the unit is put behind; or by its whole name, "count.pearlite", as it is to stand."""
    spreads: frozenset[str] = frozenset()
    """Heads of scatter, differences and shares, which get three digits: keys of sentences, or plain texts."""
    feature: str = ""
    """What one feature is called, in the singular; empty: as its class is."""
    tells_class: bool = False
    """Whether the class is named behind: "12 features of pearlite"."""
    judged: Mapping[str, tuple[str, ...]] = default(default_factory=dict)
    """Quantities whose limits and results belong on the axis of values of a chart, by the key of its title (or its
    words, where it has no key): the axis across of a histogram and of a cumulative curve, the one up of points and
    bars. A name that ends in ``.*`` stands for that of every class. A chart whose series is named as a result is titled
    needs no entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointClass:
    """One of the classes that a person tells apart at a point, or of the marks that stand on a test line."""

    name: str
    quantity: str = ""  # the result that is its area share; empty: none is
    counts: float = 1.0  # boundaries that a mark is


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """How a quantity takes part in an error that is known of another one, or of itself, from labeled images."""

    of: str  # quantity, in % or G unless relative; a name that ends in ``.*`` stands for that of the same class
    factor: float = 1.0  # own error per error of that one; relative error where the own unit is neither % nor G
    relative: bool = False  # the error is a ratio, ln of machine over truth, as that of sizes and numbers is
    counted: bool = False  # it is a number of objects, whose ratio lies the farther from 1 the fewer they are
    most: float = inf  # that the quantity can be, where it is no share
    over: Literal["mean", "largest"] = "mean"  # of the errors of the fields of a specimen


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table for the reader; the unit stands in the column head."""

    title: Words
    columns: tuple[Words, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: Words = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One curve, point cloud or bar row of a chart."""

    name: Words
    x: tuple[float, ...]  # histogram: bin edges (one more than y)
    y: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """The numbers of a chart; the report draws it. ``limits`` are vertical reference lines (x, label)."""

    kind: Literal["histogram", "cumulative", "points", "bars"]
    title: Words
    x_label: Words
    y_label: Words
    series: tuple[Series, ...]
    x_scale: Literal["linear", "log"] = "linear"
    limits: tuple[tuple[float, Words], ...] = ()
    categories: tuple[Words, ...] = ()  # names under the bars


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One line of the method block: how the number was made."""

    name: Words
    text: Words


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Findings:
    """What a recipe makes of all fields."""

    results: tuple[Result, ...]
    checks: tuple[Check, ...]
    measurements: Measurements
    statements: tuple[Statement, ...] = ()
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()
    warnings: tuple[Words, ...] = ()  # printed on page 1, e.g. "duplex structure: ..."
    deviations: tuple[Words, ...] = ()  # from the named standard, that lie in how this recipe measures

    def __post_init__(self) -> None:
        object.__setattr__(self, "results", Results(self.results))

    def __repr__(self) -> str:
        return f"<Findings: {notebook_html.counted(self.results, self.checks, self.warnings)}>"

    def _repr_html_(self) -> str:
        return notebook_html.page("Findings", Results(self.results), self.checks, self.warnings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One correction of a segmentation by hand: an entry of the ledger beside the job. Hashes are SHA-256."""

    number: int  # 1-based, over all fields of the job
    image: str
    image_sha256: str
    specimen: str
    field: int
    by: str
    when: str  # UTC, ISO 8601
    reason: str
    software: str
    changed_px: int
    objects_added: int
    objects_removed: int
    objects_changed: int
    before_sha256: str  # of the labels, see ``evidence.mask_sha256``: raw, or after the edit of this field before
    after_sha256: str
    difference_sha256: str  # of the file that holds the changed pixels
    previous: str  # of the file of the entry before; zeros before the first
    undoes: int | None = None  # number of the edit that this one takes back
    sha256: str = ""  # of this file without its last line
