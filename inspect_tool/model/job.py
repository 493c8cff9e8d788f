"""What a user asks for: a job and its parts."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default
from typing import Any, Literal, TypeAlias

from inspect_tool.model.image import Calibration, Day, Modality, Plane

Layout: TypeAlias = Literal["certificate", "full"]
"""A certificate of one or two pages and its annex, or all blocks one after the other."""
Annex: TypeAlias = Literal["behind", "apart"]
"""Pages behind the certificate, or ``annex.pdf`` beside it."""
USUAL_EXPORTS = ("json", "html", "pdf", "csv")
"""Files that a report is written as where a job names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which plane of an image file with several; numbers are 0-based. What is None, the file must have once only."""

    page: int | None = None  # of a file whose planes have no names of their own, e.g. a multi-page TIFF
    scene: int | str | None = None  # number or name
    channel: int | str | None = None  # number or name
    z: int | None = None
    time: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Beyond ``advised`` an image gets a remark, beyond ``red`` it is not measured; None: it always is."""

    advised: float
    red: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of the quality of an image, one for every check; docs/quality.md has the basis of each number."""

    focus: Limit = Limit(advised=3.0, red=5.0)  # blur of the edges, at most [px]
    soft_region: Limit = Limit(advised=2.5, red=8.0)  # blur of the softest tile over that of the sharper ones, at most
    contrast: Limit = Limit(advised=10.0, red=4.0)  # height of the edges, at least [steps of the gray scale]
    noise: Limit = Limit(advised=3.0, red=1.5)  # height of the edges over the noise, at least [1]
    saturation: Limit = Limit(advised=5.0, red=65.0)  # clipped at one end of the gray scale, at most [%]
    saturated_joints: Limit = Limit(advised=1.0, red=20.0)  # the same inside solder joints, at most [%]
    shading: Limit = Limit(advised=1.5, red=4.0)  # trend of the brightness over the height of the edges, at most [1]
    compression: Limit = Limit(advised=3.0, red=8.0)  # steps between blocks over the height of the edges, at most [%]
    size: Limit | None = None  # chord of what was found, at least [px]
    resolution: Limit = Limit(advised=10.0, red=6.0)  # that chord over the blur of the edges, at least [1]


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
class Region:
    """The part of an image that is measured; pixels of the image file, 0-based.

    ``footer_px`` rows are cut from the bottom, None: a data bar that is found there; ``rectangle`` is (top, left,
    height, width) and is cut out; ``polygon`` holds (row, column) corners and ``mask`` names a mask file: both leave
    the image whole and mark what counts. Where none of these is given, ``specimen = "auto"`` leaves out what is found
    to be no specimen; "whole" does not look for it. ``colored_marks`` "auto" leaves out lines, boxes and writing in
    color over a gray picture.
    """

    footer_px: int | None = None  # rows cut from the bottom; None: a data bar that is found [px]
    rectangle: tuple[int, int, int, int] | None = None  # top, left, height, width: cut out [px]
    polygon: tuple[tuple[float, float], ...] = ()  # (row, column) corners: what lies inside counts [px]
    mask: str = ""  # image of the same size: what is not 0 counts
    exclude: tuple[tuple[int, int, int, int], ...] = ()  # rectangles that do not count, e.g. a burned-in text
    specimen: Literal["auto", "whole"] = "auto"  # whether mount, fill and the surround of an eyepiece are left out
    colored_marks: Literal["auto", "keep"] = "auto"  # lines and writing in color over a gray picture: left out, or kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Specimen:
    """Images of one section of one specimen; several entries with one id are several sections of it."""

    id: str  # its name
    images: tuple[str, ...]  # file names or patterns, one field each
    section: str = "1"  # name of a plane that was cut through it
    plane: Plane = "not stated"  # how that plane lies in the part
    calibration: Calibration | None = None  # of these images alone; None: that of the job


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What a result must fulfill, and who says so. ``class_string`` holds a code that a recipe expands."""

    quantity: str  # by its name, e.g. "porosity_percent"
    unit: str = ""  # of the limits; empty: that of the quantity
    lower: float | None = None  # the least that passes
    upper: float | None = None  # the most that passes
    rule: Literal["simple", "guarded", "guarded_binary", "non_binary"] = "guarded"  # decision rule, docs/report.md
    guard_band: str = "U"  # width w of rules with a guard band: a factor and U or u, e.g. "1.645 u"
    round_to: float | None = None  # rule "simple": the result is rounded to this first, after ASTM E29 [unit]
    source: str = ""  # who asks for it, e.g. "drawing 4711 rev B"
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

    check: str  # name of the check of image quality, e.g. "focus"
    reason: str  # printed by the report
    by: str = ""  # who accepts it
    images: tuple[str, ...] = ()  # file names or patterns; empty: every image of the job


@dataclass(frozen=True, slots=True, kw_only=True)
class Referee:
    """Answers of a person to a random sample of points or test lines, that correct the results of a job."""

    file: str  # as the page saved it, relative to the job file


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderDefaults:
    """Which fields of the header a person did not state for this job: a laboratory's defaults filled them in."""

    lab: str
    header: tuple[str, ...]  # fields of ``Header``


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One inspection as its job file states it. ``settings`` and ``backend`` are checked by the plug-ins."""

    recipe: str  # which inspection, e.g. "grain_size"
    standard: str = ""  # edition, by name or the path of a file; empty: the default of the recipe
    images: tuple[str, ...] = ()  # file names or patterns, one field each; or ``specimens``
    specimens: tuple[Specimen, ...] = ()  # several specimens or sections in the place of ``images``
    template: str = "inspection"  # a shipped one, or the path of a folder
    language: str = ""  # of the words of the pages, e.g. "de"; empty: that of the template
    layout: Layout = "certificate"  # what the PDF begins with
    annex: Annex = "behind"  # of a certificate: in the same PDF, or in one of its own
    modality: Modality = "unknown"
    page: int | None = None  # these five choose a plane of a file with several, see ``Selection``
    scene: int | str | None = None
    channel: int | str | None = None
    z: int | None = None
    time: int | None = None
    scale_bar: Literal["auto", "off", "required"] = "auto"  # whether a bar in the picture is read and compared
    mixed_scales: bool = False  # images of different pixel size are meant
    skip_damaged: Literal["stop", "report"] = "stop"  # an image that cannot be measured ends the job, or is reported
    exports: tuple[str, ...] = USUAL_EXPORTS
    lims_drop: str = ""  # folder that gets a copy of lims.csv, named by the report; relative to the job file
    header: Header = default(default_factory=Header)
    defaults: HeaderDefaults | None = None  # written by ``run --lab``
    single_user: bool = False  # asked for in a workbench without accounts: nobody had to prove who he or she is
    calibration: Calibration | None = None  # scale of the images; None: what their files say
    region: Region = default(default_factory=Region)  # the part of every image that counts
    settings: Mapping[str, Any] = default(default_factory=dict)  # of the recipe
    backend: Mapping[str, Any] = default(default_factory=dict)  # its name and its settings; empty: that of the recipe
    requirements: tuple[Requirement, ...] = ()  # limits; without one there is no verdict
    spec: str = ""  # acceptance criteria by part and revision, e.g. "4711 rev B"; they join the requirements
    specs: str = ""  # folder or file that holds them; empty: the folder specs beside the job file
    lot: Lot | None = None  # that the specimens are the sample of
    quality: Mapping[str, Any] = default(default_factory=dict)  # limits of image quality, see Limits
    accept: tuple[Acceptance, ...] = ()  # images that image quality would stop, with reasons
    supersedes: str = ""  # report that this one replaces: its folder, report.json or PDF
    supersedes_reason: str = ""
    standards_verified: str = ""  # folder of values compared with published texts; empty: beside the job, or above it
    validation: str = ""  # own file of errors on labeled images, in the place of the one that is shipped
    edit_cap: float = 0.05  # share of edited pixels of a field beyond which the result is marked [1]
    referee: Referee | None = None  # answers of a person that correct the results
