"""All value types: frozen, keyword-only, without behaviour.

Four groups: what a user asks for (``Job`` and its parts), what an image is (``Calibration``,
``Micrograph``, ``Segmentation``), what was found (``FieldMeasurement`` ... ``Conformity``), and what
is reported (``Report`` and its parts: plain numbers, texts and tuples only, so that ``report.json``
is the report). Floats with a dimension carry the unit in their name. Positions are (row, column)
with the origin at the centre of the top-left pixel.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as default
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

GrayImage: TypeAlias = NDArray[np.uint8] | NDArray[np.float32]
LabelImage: TypeAlias = NDArray[np.int32] | NDArray[np.uint8]  # class numbers fit into 8 bits, object numbers do not
Mask: TypeAlias = NDArray[np.bool_]
Modality: TypeAlias = Literal["optical", "sem", "xray", "unknown"]
Plane: TypeAlias = Literal["longitudinal", "transverse", "planar", "not stated"]
Decision: TypeAlias = Literal["pass", "fail", "undecided", "conditional pass", "conditional fail", "not stated"]
Cell: TypeAlias = float | int | str | bool | None
Day: TypeAlias = date  # where a field is called date

# ---------------------------------------------------------------------------------- what a user asks for


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which plane of an image file with several; numbers are 0-based. What is None, the file must have once only."""

    page: int | None = None  # of a file whose planes have no names of their own, e.g. a multi-page TIFF
    scene: int | str | None = None  # number or name
    channel: int | str | None = None  # number or name
    z: int | None = None
    time: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Identification of the work (ISO/IEC 17025, 7.8.2); what stays empty is printed as "not stated"."""

    title: str = ""
    laboratory: str = ""
    address: str = ""
    place_of_work: str = ""
    customer: str = ""
    customer_contact: str = ""
    order: str = ""
    part: str = ""
    item: str = ""
    condition: str = ""
    material: str = ""
    heat: str = ""
    preparation: str = ""
    section_location: str = ""
    instrument: str = ""
    sampling: str = ""
    date_sampled: str = ""
    date_received: str = ""
    date_of_work: str = ""
    date_of_issue: str = ""
    operator: str = ""
    authorised_by: str = ""
    external_providers: str = ""
    customer_supplied: str = ""
    deviations: str = ""
    remarks: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Scale of an image. ``pixel_um`` is None when only ratios may be reported (``source = "ratio only"``)."""

    pixel_um: float | None = None  # width of a pixel; height too where pixel_y_um is None [um/px]
    pixel_y_um: float | None = None  # height of a pixel that is not square [um/px]
    u_rel: float = 0.0  # relative standard uncertainty [1]
    source: str = ""
    certificate: str = ""
    valid_until: date | None = None
    note: str = ""  # what the reader or the job said about the scale, e.g. "TIFF tag, 10 px/mm"
    file: str = ""  # calibration file of the laboratory, or the folder that holds them
    instrument: str = ""  # with the objective it names one calibration file of the folder
    objective: str = ""
    zoom: float | None = None
    binning: int | None = None
    expired: Literal["report", "stop"] = "report"  # what a date of work after ``valid_until`` does
    plane: str = ""  # X-ray: the plane in which the scale holds, e.g. "plane of the joints"
    image_px: tuple[int, int] | None = None  # rows and columns of the images that it is for; None: of any size


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleSource:
    """One thing that tells the scale of an image: the job, the file, or a bar burned into the picture."""

    kind: Literal["job", "calibration file", "file metadata", "scale bar"]
    pixel_um: float  # [um/px]
    pixel_y_um: float | None = None  # where the pixel is not square [um/px]
    u_rel: float = 0.0  # relative standard uncertainty; 0: not stated [1]
    note: str = ""  # what was found, in words
    used: bool = False  # the one that the measurement uses


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """The part of an image that is measured; pixels of the image file, 0-based.

    ``footer_px`` rows are cut from the bottom, None: a data bar that is found there; ``rectangle`` is (top, left,
    height, width) and is cut out; ``polygon`` holds (row, column) corners and ``mask`` names a mask file: both leave
    the image whole and mark what counts. Where none of these is given, ``specimen = "auto"`` leaves out what is found
    to be no specimen; "whole" does not look for it. ``colored_marks`` "auto" leaves out lines, boxes and writing in
    color over a gray picture.
    """

    footer_px: int | None = None
    rectangle: tuple[int, int, int, int] | None = None
    polygon: tuple[tuple[float, float], ...] = ()
    mask: str = ""
    exclude: tuple[tuple[int, int, int, int], ...] = ()  # rectangles that do not count, e.g. a burned-in text
    specimen: Literal["auto", "whole"] = "auto"  # whether mount, fill and the surround of an eyepiece are left out
    colored_marks: Literal["auto", "keep"] = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Specimen:
    """Images of one section of one specimen; several entries with one id are several sections of it."""

    id: str
    images: tuple[str, ...]
    section: str = "1"
    plane: Plane = "not stated"
    calibration: Calibration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What a result must fulfil, and who says so. ``class_string`` holds a code that a recipe expands."""

    quantity: str
    unit: str = ""
    lower: float | None = None
    upper: float | None = None
    rule: Literal["simple", "guarded", "guarded_binary", "non_binary"] = "guarded"
    guard_band: str = "U"  # width w of rules with a guard band: a factor and U or u, e.g. "1.645 u"
    round_to: float | None = None  # rule "simple": the result is rounded to this first, after ASTM E29 [unit]
    source: str = ""
    specimen: str = ""  # empty: every specimen of the job
    class_string: str = ""  # e.g. "D5/2/A1" with quantity "porosity_class"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """Acceptance criteria of one revision of a part, as one source states them: a file of the folder ``specs``."""

    part: str
    revision: str
    valid_from: Day
    requirements: tuple[Requirement, ...]
    valid_to: Day | None = None  # last day; None: until a newer revision is valid
    title: str = ""
    source: str = ""  # of every requirement that names none, e.g. "customer QS-17 rev 3"
    recipe: str = ""  # the only inspection that it is for; empty: every one


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingPlan:
    """A single sampling plan by attributes: the numbers that the contract or a standard gives, never looked up here."""

    standard: str  # e.g. "ISO 2859-1"
    n: int  # sample size [specimens]
    ac: int  # acceptance number: as many nonconforming specimens at most
    re: int  # rejection number: as many at least
    source: str = ""  # who fixed it, e.g. "supply agreement QA-118: level II, AQL 0.65, normal inspection"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """The lot that the specimens of a job are the sample of."""

    id: str
    size: int  # items in the lot
    plan: SamplingPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """Leave to measure images that a check of image quality would stop, with the reason that the report prints."""

    check: str
    reason: str
    by: str = ""
    images: tuple[str, ...] = ()  # file names or patterns; empty: every image of the job


@dataclass(frozen=True, slots=True, kw_only=True)
class Referee:
    """Answers of a person to a random sample of points or test lines, that correct the results of a job."""

    file: str  # as the page saved it, relative to the job file


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One inspection as its job file states it. ``settings`` and ``backend`` are checked by the plug-ins."""

    recipe: str
    standard: str = ""
    images: tuple[str, ...] = ()
    specimens: tuple[Specimen, ...] = ()
    template: str = "inspection"
    modality: Modality = "unknown"
    page: int | None = None  # these five choose a plane of a file with several, see ``Selection``
    scene: int | str | None = None
    channel: int | str | None = None
    z: int | None = None
    time: int | None = None
    scale_bar: Literal["auto", "off", "required"] = "auto"  # whether a bar in the picture is read and compared
    mixed_scales: bool = False  # images of different pixel size are meant
    exports: tuple[str, ...] = ("json", "html", "pdf", "csv")
    header: Header = default(default_factory=Header)
    calibration: Calibration | None = None
    region: Region = default(default_factory=Region)
    settings: Mapping[str, Any] = default(default_factory=dict)
    backend: Mapping[str, Any] = default(default_factory=dict)
    requirements: tuple[Requirement, ...] = ()
    spec: str = ""  # acceptance criteria by part and revision, e.g. "4711 rev B"; they join the requirements
    specs: str = ""  # folder or file that holds them; empty: the folder specs beside the job file
    lot: Lot | None = None
    quality: Mapping[str, Any] = default(default_factory=dict)  # limits of image quality, see quality.Limits
    accept: tuple[Acceptance, ...] = ()
    supersedes: str = ""  # report that this one replaces: its folder, report.json or PDF
    supersedes_reason: str = ""
    validation: str = ""  # own file of errors on labelled images, in the place of the one that is shipped
    edit_cap: float = 0.05  # share of edited pixels of a field beyond which the result is marked [1]
    referee: Referee | None = None


# ---------------------------------------------------------------------------------------- what an image is


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Micrograph:
    """One field: gray pixels (rows, columns), its scale and where it comes from."""

    pixels: GrayImage  # read-only
    calibration: Calibration
    modality: Modality = "unknown"
    path: str = ""  # as the job names it
    sha256: str = ""
    specimen: str = "1"
    section: str = "1"
    plane: Plane = "not stated"
    field: int = 1  # 1-based, counted within its specimen
    color: NDArray[np.uint8] | None = None  # (rows, columns, 3) RGB when the file is a color image
    roi: Mask | None = None  # True where the image counts; None: everywhere
    mount: Mask | None = None  # True on mount, surround or gap that were left out: beyond it the specimen ends
    shown: NDArray[Any] | None = None  # the picture, gray or RGB, where what is no specimen was blanked in the pixels
    meta: Mapping[str, str] = default(default_factory=dict)  # notes for the report: bit depth, page, crop, ...
    scale_sources: tuple[ScaleSource, ...] = ()  # all that tells the scale, as compared
    read_off: Mapping[str, Any] | None = None  # of a field whose image is gone: what was read off its gray values


Alternatives: TypeAlias = "Callable[[], Iterator[tuple[str, Segmentation]]]"
"""Gives name and labels of every other segmentation of a field, one in memory at a time; anew at every call."""


def no_alternatives() -> "Iterator[tuple[str, Segmentation]]":
    """Give none: of what a person drew, and of an alternative itself."""
    return iter(())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Segmentation:
    """Labels of one field: class numbers (semantic) or object numbers (instance); 0 is background or matrix."""

    labels: LabelImage
    classes: Mapping[int, str]  # semantic: class number -> name, 0 included; instance: {1: name of the objects}
    kind: Literal["semantic", "instance"]
    backend: str
    weights_sha256: str = ""
    settings: Mapping[str, Any] = default(default_factory=dict)  # every value that was used, found ones included
    seconds: float = 0.0
    coverage: float = 1.0  # share of the pixels that the backend looked at [1]
    missed_u_rel: float = 0.0  # standard uncertainty of the boundary length that no alternative shows; from validation
    doubtful: tuple[NDArray[np.intp], NDArray[np.intp]] | None = None  # flat pixels that just count, just do not count
    objects: LabelImage | None = None  # semantic: number of the object (joint, particle) a pixel belongs to, 0: none
    alternatives: Alternatives = no_alternatives  # other segmentations of the field, as plausible, made when asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingData:
    """One set of images that a network learned from."""

    name: str
    licence: str
    images: int
    source: str = ""  # where they come from, or which generator made them


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What is known of trained weights: ``model.toml`` beside them."""

    name: str
    version: str
    title: str
    architecture: Literal["unet", "stardist", "cellpose3", "cellpose4"]
    network: Mapping[str, Any]  # arguments of the network
    classes: tuple[str, ...]  # of the output channels, background first; instance: name of the objects
    sha256: str  # of the weights
    licence: str
    commercial: bool  # whether the licence of weights and data permits commercial use
    weights: str = "weights.safetensors"
    channels: Literal["gray", "rgb"] = "gray"
    normalization: tuple[float, float] = (1.0, 99.0)  # percentiles of the image that become 0 and 1
    pixel_um: float | None = None  # scale of the training images, where the structure has an absolute size [um/px]
    structure: str = ""  # what structure_px measures, e.g. "mean lineal intercept of the grains"
    structure_px: tuple[float, float] | None = None  # range of it in the training images [px]
    recipes: tuple[str, ...] = ()
    modality: Modality = "unknown"
    settings: Mapping[str, Any] = default(default_factory=dict)  # of what turns the output into labels
    training: tuple[TrainingData, ...] = ()
    procedure: Mapping[str, Any] = default(default_factory=dict)  # script, seed, steps
    scores: Mapping[str, float] = default(default_factory=dict)  # on data that was not trained on


# ------------------------------------------------------------------------------------------ what was found


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something drawn over a picture so that a reader can count again: a test line, a hit, a joint."""

    kind: Literal["path", "points", "text"]
    points: tuple[tuple[float, float], ...]  # (row, column) [px]; a path is joined in order
    style: Literal["figure", "hit", "half hit", "double hit", "miss", "object", "warning"] = "figure"
    layer: str = "test figure"  # marks of one layer are switched on and off together
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notable:
    """One of the worst features of a field, to be shown as a thumbnail."""

    feature: int
    value: float
    unit: str
    caption: str
    box: tuple[int, int, int, int]  # top, left, bottom, right [px], half-open


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FieldMeasurement:
    """All that a recipe keeps of one field; small, so that images need not stay in memory."""

    specimen: str
    section: str
    plane: Plane
    field: int
    image: str
    shape_px: tuple[int, int]
    calibration: Calibration
    values: Mapping[str, float | int | str]  # one row of the fields table, unit in every name
    features: "pd.DataFrame"  # one row per object: "feature", "row_px", "column_px", ... unit in every name
    alternatives: Mapping[str, Mapping[str, float]] = default(default_factory=dict)  # name -> values re-evaluated
    marks: tuple[Mark, ...] = ()
    worst: tuple[Notable, ...] = ()  # worst first, at most ten
    notes: tuple[str, ...] = ()  # sentences for the report, e.g. what was excluded and why
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

    function: str  # "module.function" of inspect_tool.standards.formulas
    given: Mapping[str, Any]
    expect: Mapping[str, float]
    tol: float
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """One edition of one standard, as data."""

    name: str  # file name without suffix, e.g. "astm_e112_2013"
    id: str  # "ASTM E112"
    edition: str
    title: str
    values: Mapping[str, Constant]
    tables: Mapping[str, tuple[Mapping[str, Any], ...]]
    rules: Mapping[str, Rule]
    worked: tuple[Worked, ...]
    notes: tuple[str, ...] = ()
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One line of an uncertainty budget, in the unit of the result. ``dof`` None: known well (infinite)."""

    name: str
    u: float
    kind: Literal["A", "B"]
    dof: float | None = None
    basis: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One number with its unit, its n, its method and its uncertainty."""

    quantity: str
    specimen: str
    value: float
    unit: str
    n: int
    clause: str
    definition: str  # name and version of what is measured, e.g. "mean over fields/1"
    n_of: str = "fields"  # what n counts
    budget: tuple[Component, ...] = ()
    u: float | None = None  # combined standard uncertainty
    expanded_u: float | None = None
    coverage: float = 0.95  # probability of the interval [1]
    coverage_factor: float | None = None
    dof: float | None = None  # effective; None: infinite
    interval: tuple[float, float] | None = None
    rounded: str = ""  # as the method rounds it, e.g. "7.9"
    title: str = ""  # name for the reader, e.g. "ASTM grain size number G (Abrams)"
    main: bool = False  # shown on page 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One rule and what was found.

    Scope "method" (rules of the standard) and "calibration" decide the method conformity; "practice" are rules of this
    toolkit beside it. One of scope "plausibility" that is not met doubts the results of its specimen, so that no
    requirement on them passes by the rules it names.
    """

    name: str
    value: float | None  # None: could not be determined, which does not pass
    relation: Literal[">=", "<="]
    limit: float
    unit: str
    passed: bool
    clause: str
    scope: Literal["method", "calibration", "practice", "image", "consistency", "plausibility"] = "method"
    specimen: str = ""  # empty: the whole job
    note: str = ""
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
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """What a recipe can report under a name. A name that ends in ``.*`` stands for every class."""

    title: str
    unit: str
    needs_scale: bool
    needs_setting: str = ""  # name of the recipe's setting that must be true for it to come out


@dataclass(frozen=True, slots=True, kw_only=True)
class PointClass:
    """One of the classes that a person tells apart at a point, or of the marks that stand on a test line."""

    name: str
    quantity: str = ""  # the result that is its area share; empty: none is
    counts: float = 1.0  # boundaries that a mark is


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """How a quantity takes part in an error that is known of another one, or of itself, from labelled images."""

    of: str  # quantity, in % or G; a name that ends in ``.*`` stands for that of the same class
    factor: float = 1.0  # own error per error of that one; relative error where the own unit is neither % nor G
    over: Literal["mean", "largest"] = "mean"  # of the errors of the fields of a specimen


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table for the reader; the unit stands in the column head."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One curve, point cloud or bar row of a chart."""

    name: str
    x: tuple[float, ...]  # histogram: bin edges (one more than y)
    y: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """The numbers of a chart; the report draws it. ``limits`` are vertical reference lines (x, label)."""

    kind: Literal["histogram", "cumulative", "points", "bars"]
    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    x_scale: Literal["linear", "log"] = "linear"
    limits: tuple[tuple[float, str], ...] = ()
    categories: tuple[str, ...] = ()  # names under the bars


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One line of the method block: how the number was made."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Findings:
    """What a recipe makes of all fields."""

    results: tuple[Result, ...]
    checks: tuple[Check, ...]
    measurements: Measurements
    statements: tuple[Statement, ...] = ()
    tables: tuple[Table, ...] = ()
    charts: tuple[Chart, ...] = ()
    warnings: tuple[str, ...] = ()  # printed on page 1, e.g. "duplex structure: ..."
    deviations: tuple[str, ...] = ()  # from the named standard, that lie in how this recipe measures


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


# ------------------------------------------------------------------------------------------ what is calibrated


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceImage:
    """An image that a calibration was read from."""

    file: str
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationReading:
    """A known length as it appears along one axis; several ``length_px`` are repeated readings of it."""

    axis: Literal["x", "y"]
    length_um: float
    length_px: tuple[float, ...]
    image: str = ""
    lines: int | None = None  # that were read to find it
    tilt_deg: float | None = None  # of the lines; taken out of ``length_px``


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationRecord:
    """What a laboratory keeps of the calibration of one setting of an instrument: ``calibration.toml``."""

    pixel_um: float  # width of a pixel; height too where pixel_y_um is None [um/px]
    pixel_y_um: float | None = None  # height of a pixel that is not square [um/px]
    u_rel: float = 0.0  # relative standard uncertainty; 0: not stated [1]
    coverage_factor: float | None = None  # for 95 %
    laboratory: str = ""
    instrument: str = ""
    objective: str = ""
    zoom: float | None = None
    binning: int | None = None
    camera: str = ""
    image_px: tuple[int, int] | None = None  # rows and columns of the images that it was made at
    method: str = ""  # e.g. "stage micrometer"
    reference: str = ""  # the artefact and its number, e.g. "stage micrometer 1 mm / 0.01 mm, serial 20-1187"
    certificate: str = ""  # of the reference
    u_certificate_um: float | None = None  # standard uncertainty of the length between its lines, U / 2 [um]
    pitch_um: float | None = None
    x_over_y_percent: float | None = None  # how much wider than high a pixel was found [%]
    non_linearity_um: float | None = None  # largest distance of a line from its place on an even scale [um]
    non_linearity_px: float | None = None
    local_scale_percent: tuple[float, float] | None = None  # of the field against its mean; None: none shown [%]
    images: tuple[EvidenceImage, ...] = ()
    readings: tuple[CalibrationReading, ...] = ()
    budget: tuple[Component, ...] = ()  # relative, of the pixel size [1]
    operator: str = ""
    note: str = ""
    issued: Day | None = None  # of the certificate
    due: Day | None = None  # last day on which the calibration may be used
    date: Day | None = None  # of the calibration


# ------------------------------------------------------------------------------------------ what is reported


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One transparent picture over a field, to be switched on and off."""

    name: str
    file: str  # relative to the report folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnail:
    """One of the worst features of the job."""

    image: str
    specimen: str
    field: int
    feature: int
    value: float
    unit: str
    caption: str
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskFile:
    """A label image of a field as a PNG file: 8 or 16 bit gray, or RGB with number = R + 256 G + 65536 B."""

    file: str  # relative to the report folder; in the PDF its last part
    sha256: str
    size: int  # of the file [bytes]
    shows: Literal["labels", "objects", "region", "mount"]
    alternative: str = ""  # name of the other segmentation; empty: the one that was measured
    difference: bool = False  # 0 where equal to that of the measured segmentation, else number + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the numbers of one field are recomputed from without its image."""

    masks: tuple[MaskFile, ...]  # as the backend gave them; edits by hand are attachments of the report
    read_off: Mapping[str, Any]  # what was read off the gray values: taken as stated
    missed_u_rel: float = 0.0  # of the segmentation, see there
    read_off_before: Mapping[str, Any] = default(default_factory=dict)  # of an edited field: before the edits
    gap: str = ""  # why the masks do not suffice; empty: they do


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that a report rests on or shows, with its hash."""

    file: str  # relative to the report folder; in the PDF its last part
    sha256: str
    role: Literal[
        "job", "standard", "own standard", "spec", "input", "picture", "edit", "replaced", "referee", "validation"
    ]
    key: str = ""  # input: the setting that names it
    printed_sha256: str = ""  # picture: as it stands on paper, where it is reduced for that


@dataclass(frozen=True, slots=True, kw_only=True)
class MicrographRecord:
    """What the report says of one image, and its pictures (files relative to the report folder)."""

    image: str
    sha256: str
    specimen: str
    section: str
    plane: Plane
    field: int
    height_px: int
    width_px: int
    calibration: Calibration
    modality: Modality
    meta: Mapping[str, str]
    segmentation: Mapping[str, Any]  # backend, kind, classes, settings, coverage, seconds, weights
    picture: str
    picture_scale: float  # picture pixels per image pixel
    layers: tuple[Layer, ...] = ()
    overlay: str = ""  # the picture with every layer burned in, for paper
    notes: tuple[str, ...] = ()
    scale_sources: tuple[ScaleSource, ...] = ()
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardRecord:
    """The method and edition that were followed."""

    name: str
    id: str
    edition: str
    title: str
    sha256: str
    unverified: tuple[str, ...] = ()  # names of used constants that nobody compared with the bought text


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where the numbers come from: software, files, settings, host."""

    software: str
    version: str
    python: str
    platform: str
    packages: Mapping[str, str]
    job_sha256: str
    settings: Mapping[str, Any]
    backend: Mapping[str, Any]
    started: str  # UTC, ISO 8601
    seconds: float
    audit: str = ""  # last entry of the audit trail when the run began: number and SHA-256; empty: without a trail
    typesetting: str = ""  # SHA-256 of a sheet of samples as this machine prints it; empty: without a PDF


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecRecord:
    """A file of acceptance criteria of the part, and whether its requirements count."""

    file: str
    sha256: str
    revision: str
    source: str
    valid_from: Day
    valid_to: Day | None = None
    left_out: str = ""  # why its requirements do not count; empty: they do


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """Where the requirements of a report come from, and how their sources go together."""

    spec: str = ""  # part and revision; empty: the job names its requirements itself
    day: Day | None = None  # that decided which files are valid
    files: tuple[SpecRecord, ...] = ()
    conflicts: tuple[str, ...] = ()  # sources that limit one quantity differently, and which is the stricter
    agreements: tuple[str, ...] = ()  # sources that state the same limits


@dataclass(frozen=True, slots=True, kw_only=True)
class LotVerdict:
    """What the sample says of its lot. Specimens are counted, not requirements."""

    lot: Lot
    verdict: Literal["accepted", "rejected", "not decided"]
    reason: str
    inspected: int  # specimens
    nonconforming: tuple[str, ...]  # specimens that failed a requirement
    undecided: tuple[str, ...]  # specimens that failed none, and of which not every requirement was passed


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The product: ``report.json`` holds exactly this, and every page is a view of it."""

    schema: str
    id: str
    job: str
    recipe: str
    title: str
    template: str
    header: Header
    standard: StandardRecord
    verdict: Literal["pass", "fail", "undecided", "no requirement"]
    conforming: bool | None  # every method and calibration check passed; None: the method has no rule that was checked
    not_stated: tuple[str, ...]
    deviations: tuple[str, ...] = ()  # from the named standard, besides those of the header
    warnings: tuple[str, ...]
    statements: tuple[Statement, ...]
    micrographs: tuple[MicrographRecord, ...]
    results: tuple[Result, ...]
    checks: tuple[Check, ...]
    conformities: tuple[Conformity, ...]
    fields: Table
    features: Table
    tables: tuple[Table, ...]
    charts: tuple[Chart, ...]
    worst: tuple[Thumbnail, ...]
    provenance: Provenance
    attachments: tuple[Attachment, ...] = ()
    criteria: Criteria = default(default_factory=Criteria)
    lot: LotVerdict | None = None
    digest: str = ""  # SHA-256 of all that is reported, the hashes of masks and attachments included
    template_sha256: str = ""  # of all files that the template prints with; empty: by an earlier version
