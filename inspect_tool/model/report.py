"""What is reported: plain numbers, texts and tuples only, so that ``report.json`` is the report."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default
from typing import Any, Literal, TypeAlias

from inspect_tool.languages import Words
from inspect_tool.model import notebook_html
from inspect_tool.model.findings import Chart, Check, Conformity, Decision, Result, Results, Statement, Table
from inspect_tool.model.image import Calibration, Day, Modality, Plane, ScaleSource
from inspect_tool.model.job import Annex, Header, Layout, Lot


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One transparent picture over a field, to be switched on and off."""

    name: Words
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
    caption: Words
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskFile:
    """A label image of a field as a PNG file: 8 or 16 bit gray, or RGB with number = R + 256 G + 65536 B.

    Of a field that was measured by windows: 1 bit where there is one class, else 8 bit gray.
    """

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


Role: TypeAlias = Literal[
    "job",
    "standard",
    "own standard",
    "comparison",
    "spec",
    "input",
    "picture",
    "edit",
    "replaced",
    "referee",
    "validation",
]
"""What an attached file is to a report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that a report rests on or shows, with its hash."""

    file: str  # relative to the report folder; in the PDF its last part
    sha256: str
    role: Role
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
    notes: tuple[Words, ...] = ()
    scale_sources: tuple[ScaleSource, ...] = ()
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LostField:
    """An image of a job that its report goes on without, because the job says so (``skip_damaged``)."""

    image: str
    sha256: str  # empty: not even the bytes of the file can be read
    specimen: str
    section: str
    field: int
    place: int  # among the images of the job, from 1
    state: Literal["not read", "not measured"]  # the file is at fault; what it shows may be
    reason: Words


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
class EditionValue:
    """A value of a published text that a report uses, and what the laboratory found when it compared it."""

    key: str  # as the file of the edition has it
    name: Words  # of a rule: its title
    relation: Literal["", ">=", "<="] = ""  # of a rule
    value: float | None = None  # None: a table
    unit: str = ""
    state: Literal["not compared", "agrees", "differs"] = "not compared"
    by: str = ""
    day: Day | None = None
    text: str = ""  # the copy that was read
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionRecord:
    """An edition that a report draws on, and the values of its published text that are used."""

    name: str
    edition: Words  # as its publisher names it
    sha256: str
    values: tuple[EditionValue, ...] = ()
    outdated: bool = False  # what the laboratory compared was another file of the edition


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
    left_out: Words = ""  # why its requirements do not count; empty: they do


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """Where the requirements of a report come from, and how their sources go together."""

    spec: str = ""  # part and revision; empty: the job names its requirements itself
    day: Day | None = None  # that decided which files are valid
    files: tuple[SpecRecord, ...] = ()
    conflicts: tuple[Words, ...] = ()  # sources that limit one quantity differently, and which is the stricter
    agreements: tuple[Words, ...] = ()  # sources that state the same limits


@dataclass(frozen=True, slots=True, kw_only=True)
class LotVerdict:
    """What the sample says of its lot. Specimens are counted, not requirements."""

    lot: Lot
    verdict: Literal["accepted", "rejected", "not decided"]
    reason: Words
    inspected: int  # specimens
    nonconforming: tuple[str, ...]  # specimens that failed a requirement
    undecided: tuple[str, ...]  # specimens that failed none, and of which not every requirement was passed


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassVerdict:
    """The verdict on a class that a requirement names, which is several limits, for one specimen."""

    class_string: str
    specimen: str
    decision: Decision  # the gravest of its limits
    probability: tuple[float, float] | None  # that all are met: at least, at most [1]; None: one is not known of


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence of ``report.json`` as data, beside its words, so that a program need not read them."""

    key: str
    values: Mapping[str, Any]  # name -> text, number, list of them, or a sentence of its own (key and values)
    at: tuple[str, ...]  # where its words stand: JSON pointers (RFC 6901)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentences:
    """The key of ``report.json`` that its pages are not views of."""

    sentences: tuple[Sentence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The product: ``report.json`` holds exactly this, and every page is a view of it."""

    schema: str
    id: str
    job: str
    recipe: str
    title: Words
    template: str
    header: Header
    standard: StandardRecord
    verdict: Literal["pass", "fail", "undecided", "no requirement"]
    conforming: bool | None  # every method and calibration check passed; None: the method has no rule that was checked
    not_stated: tuple[Words, ...]
    deviations: tuple[Words, ...] = ()  # from the named standard, besides those of the header
    warnings: tuple[Words, ...]
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
    language: str = ""  # of the pages; empty: English
    catalogue_sha256: str = ""  # of the English catalogues that its sentences were worded by
    lost: tuple[LostField, ...] = ()  # images that the numbers are without
    layout: Layout = "full"  # of the PDF
    annex: Annex = "behind"
    issued: str = ""  # day of issue: that of the job, else that of the run; empty: by an earlier version
    editions: tuple[EditionRecord, ...] = ()  # that of the method first; empty: by an earlier version
    class_verdicts: tuple[ClassVerdict, ...] = ()  # of classes that are several limits

    def __post_init__(self) -> None:
        object.__setattr__(self, "results", Results(self.results))

    def __repr__(self) -> str:
        found = notebook_html.counted(self.results, self.checks, self.warnings)
        return f"<Report {self.id}: {self.job}, {self.recipe}, verdict {self.verdict}, {found}>"

    def _repr_html_(self) -> str:
        head = f"{self.header.title or self.title}: {self.verdict} ({self.job}, report {self.id})"
        return notebook_html.page(head, Results(self.results), self.checks, self.warnings, self.conformities)
