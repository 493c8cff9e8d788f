"""A field of an inspection, opened: its picture, and its labels as they are measured now.

The labels are those that the report keeps, with the corrections of the ledger laid over them: what a person corrects
is what was measured, and no backend runs again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import InspectError, ReadError
from inspect_tool.evidence import edits, masks
from inspect_tool.evidence.dossier import Dossier, open_dossier
from inspect_tool.evidence.masks import mask_sha256
from inspect_tool.inspection import correct, job_plan, one_field
from inspect_tool.lab import defaults, inspections
from inspect_tool.lab.database import Lab, connected
from inspect_tool.languages import is_text
from inspect_tool.model import Cell, Mask, Micrograph, MicrographRecord, Report, Segmentation
from inspect_tool.plugins import Output
from inspect_tool.report.field_pictures import full_size
from inspect_tool.segmentation import choice
from inspect_tool.web.editing.drafts import Place
from inspect_tool.web.editing.operations import Ground


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Features:
    """Rows of the table of features that are of one field."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """What is known of a field that was measured."""

    present: correct.Present
    kind: Output
    base: str  # SHA-256 of the labels as they are now
    region: Mask | None  # where they may be changed; None: everywhere
    features: Features
    is_corrected_since: bool  # the report lacks corrections that are in the ledger

    @property
    def labels(self) -> NDArray[np.int32]:
        """As they are now."""
        return np.asarray(self.present.current.labels, np.int32)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Field:
    """One field, opened."""

    inspection: str
    number: int  # from 1, over all fields of the job
    count: int  # fields of the job
    place: Place
    planned: job_plan.Plan
    source: job_plan.Source
    micrograph: Micrograph
    picture: NDArray[np.uint8]  # (rows, columns), or with 3 colors
    measured: Measured | None
    why_not: str  # what stands in the way of labels; empty: nothing does
    stamp: tuple[object, ...]  # of the files that it was read from

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.micrograph.pixels.shape[0], self.micrograph.pixels.shape[1]

    @property
    def asked(self) -> correct.Asked:
        """As corrections of mask files take it; the folder of reports is added there."""
        return correct.Asked(planned=self.planned, source=self.source, micrograph=self.micrograph, out=None)


def job_of(lab: Lab, name: str) -> Path:
    """Job file of an inspection.

    Raises
    ------
    SettingsError
        There is no such inspection.
    """
    with connected(lab, read_only=True) as connection:
        return inspections.by_name(lab, connection, name).job


def stamp_of(lab: Lab, name: str, job: Path) -> tuple[object, ...]:
    """What tells whether a field that was opened is still as it was."""
    files = [lab.reports / name / "report.json", job, lab.folder / defaults.FILE]
    folder = edits.folder_of(job)
    stats = [path.stat() if path.exists() else None for path in files]
    seen = [None if one is None else (one.st_mtime_ns, one.st_size, one.st_ino) for one in stats]
    return (*seen, tuple(sorted(path.name for path in folder.glob("*.toml"))) if folder.is_dir() else ())


def opened(lab: Lab, name: str, number: int) -> Field:
    """Read a field of an inspection: its image, and the masks of its report where it was measured.

    Raises
    ------
    SettingsError
        There is no such inspection.
    ReadError
        It has no such field, or the image or the ledger cannot be read.
    """
    job = job_of(lab, name)
    stamp = stamp_of(lab, name, job)
    planned = job_plan.plan(job, text=defaults.completed(lab, job))
    if not 1 <= number <= len(planned.sources):
        msg = f"inspection '{name}' has no field {number}; it has {len(planned.sources)}"
        raise ReadError(msg)
    source = planned.sources[number - 1]
    micrograph = one_field.read_source(planned, source)
    measured, why_not = None, ""
    try:
        measured = _measured(lab, name, planned, source, micrograph)
    except InspectError as error:
        why_not = str(error)
    rgb = full_size(micrograph)
    is_gray = bool((rgb[..., 0] == rgb[..., 1]).all() and (rgb[..., 1] == rgb[..., 2]).all())
    return Field(
        inspection=name,
        number=number,
        count=len(planned.sources),
        place=Place(job=job.relative_to(lab.folder).as_posix(), image=source.sha256),
        planned=planned,
        source=source,
        micrograph=micrograph,
        picture=np.ascontiguousarray(rgb[..., 0] if is_gray else rgb),
        measured=measured,
        why_not=why_not,
        stamp=stamp,
    )


def ground_of(field: Field, used: int) -> Ground:
    """What operations are drawn on."""
    assert field.measured is not None
    current = field.measured.present.current
    return Ground(
        kind=field.measured.kind,
        region=field.measured.region,
        classes=tuple(sorted(current.classes)) if current.kind == "semantic" else (),
        under=0 if current.objects is None else min(number for number in current.classes if number),
        used=used,
    )


def _measured(lab: Lab, name: str, planned: job_plan.Plan, source: job_plan.Source, micrograph: Micrograph) -> Measured:
    folder = lab.reports / name
    if not (folder / "report.json").exists():
        msg = f"{source.name}: is not measured yet"
        raise ReadError(msg)
    dossier = open_dossier(folder)
    report = dossier.report
    if report.provenance.job_sha256 != planned.sha256:
        msg = f"{source.name}: the job was changed since it was measured; measure it again"
        raise ReadError(msg)
    record = next((one for one in report.micrographs if (one.image, one.sha256) == (source.name, source.sha256)), None)
    if record is None:
        msg = f"{source.name}: the report is without this field; measure the inspection again"
        raise ReadError(msg)
    if why := masks.why_not_by_hand(record):
        msg = f"{source.name}: the report keeps no masks of this field to work on: {why}"
        raise ReadError(msg)
    raw = _raw(dossier, record, micrograph)
    present = correct.present_of(planned, source, raw)
    return Measured(
        present=present,
        kind=choice.output_of(present.current, micrograph.roi),
        base=mask_sha256(present.current.labels),
        region=_region(present.current, micrograph),
        features=_features(report, record),
        is_corrected_since=bool({entry.edit.number for entry in present.entries} - _edits_of(report)),
    )


def _region(current: Segmentation, micrograph: Micrograph) -> Mask | None:
    """What counts; of joints, whose outlines come from the backend, what lies within them."""
    if current.objects is None:
        return micrograph.roi
    inside: Mask = current.labels > 0
    return inside if micrograph.roi is None else inside & micrograph.roi


def _raw(dossier: Dossier, record: MicrographRecord, micrograph: Micrograph) -> Segmentation:
    def read(file: str) -> bytes:
        data = dossier.read(file)
        if data is None:
            msg = f"{dossier.name}: its {file} is missing; measure the inspection again"
            raise ReadError(msg)
        return data

    _, raw = masks.field(record, read)
    if raw.labels.shape != micrograph.pixels.shape:
        msg = f"{record.image}: has another size than its masks; measure the inspection again"
        raise ReadError(msg)
    return raw


def _edits_of(report: Report) -> set[object]:
    """Numbers of the corrections that a report tells of."""
    return {row[0] for table in report.tables if is_text(table.title, edits.TABLE.key) for row in table.rows}


def _features(report: Report, record: MicrographRecord) -> Features:
    """Rows of one field, without what is the same in all of them."""
    columns = report.features.columns
    of: Mapping[str, object] = {
        "specimen": record.specimen,
        "section": record.section,
        "plane": record.plane,
        "field": record.field,
        "image": record.image,
    }
    own = {i: of[str(name)] for i, name in enumerate(columns) if str(name) in of}
    kept = [i for i in range(len(columns)) if i not in own]
    rows = [row for row in report.features.rows if all(row[i] == value for i, value in own.items())]
    return Features(
        columns=tuple(str(columns[i]) for i in kept), rows=tuple(tuple(row[i] for i in kept) for row in rows)
    )
