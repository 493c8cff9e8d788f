"""Correct the segmentation of a field by hand: read the corrected mask and record what it changes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from inspect_tool import audit, edits, pipeline, question, registry, trail_reports
from inspect_tool.backends import labels as masks
from inspect_tool.errors import OutputError, ReadError, SettingsError
from inspect_tool.evidence import encode
from inspect_tool.files import load_job
from inspect_tool.model import Edit, Micrograph, Segmentation
from inspect_tool.preprocess import crop_like
from inspect_tool.readers import read_values


def correct(
    job_path: str | Path,
    mask: str | Path,
    *,
    reason: str,
    by: str,
    field: int | None = None,
    image: str = "",
    out: Path | None = None,
) -> Edit:
    """Record what a corrected mask changes in the segmentation of one field.

    Parameters
    ----------
    job_path : path
        Job file (TOML).
    mask : path
        Label or class image from any editor, of the size of the image or of the part that is measured.
    reason, by : str
        Why, and who says so.
    field, image : int, str
        Which field: its number within its specimen, the name of its image, or both.
    out : Path, optional
        Folder of reports whose audit trail gets an entry, as that of every run there; it is made where it is missing.

    Returns
    -------
    Edit
        As it stands in the ledger.

    Raises
    ------
    ReadError
        The mask cannot be read, has another size or other classes, or changes nothing; the ledger does not hold.
    SettingsError
        No or several such fields; no reason, no name.
    MeasurementError
        The segmentation is not the one that the edits of this field so far were made on, or what is corrected does
        not answer the question of the recipe.
    """
    _check_said(reason, by)
    values = read_values(Path(mask))
    asked = asked_for(job_path, field=field, image=image, out=out)
    crop_like(asked.micrograph, values[0], str(mask))  # before anything long is done
    present = segmented(asked)
    labels = read_corrected(Path(mask), asked.micrograph, present.current, present.used)
    recipe = registry.load("recipe", asked.planned.job.recipe)
    question.answer(asked.planned.job.recipe, recipe, replace(present.current, labels=labels), asked.micrograph.roi)
    name = asked.source.name
    stale = edits.put_back(present.entries, present.raw, labels, name)
    if stale is not None:
        msg = (
            f"{mask}: takes edit {stale.number} of {name} back (by {stale.by}, {stale.when}: {stale.reason}): was it "
            f"exported before? Export again and correct that; to take the edit back: inspect-tool edit undo {job_path} "
            f"{stale.number}"
        )
        raise ReadError(msg)
    return _recorded(asked, present, labels, reason=reason, by=by)


def undo(
    job_path: str | Path,
    number: int | None = None,
    *,
    reason: str,
    by: str,
    out: Path | None = None,
) -> Edit:
    """Take back one edit of a job by a new entry of its ledger; nothing is removed from the ledger.

    Parameters
    ----------
    job_path : path
        Job file (TOML).
    number : int, optional
        Of the edit; default: the last one that was not taken back. Later edits of other pixels stay.
    reason, by, out
        As of ``correct``.

    Raises
    ------
    ReadError
        There is no such edit, or a later one has changed some of its pixels.
    """
    _check_said(reason, by)
    planned = pipeline.plan(job_path)
    _check_trail(planned, out)
    chosen = edits.last_in_force(planned.ledger) if number is None else None
    found = chosen or next((entry.edit for entry in planned.ledger if entry.edit.number == number), None)
    if found is None:
        what = "no edit that could be taken back" if number is None else f"no edit {number}"
        msg = f"{edits.folder_of(Path(job_path))}: holds {what}"
        raise ReadError(msg)
    source = next(source for source in planned.sources if source.sha256 == found.image_sha256)
    asked = _asked_for(planned, source, out)
    present = segmented(asked)
    labels = edits.undone(present.raw, present.entries, found.number, source.name)
    return _recorded(asked, present, labels, reason=reason, by=by, undoes=found.number)


def withdraw(job_path: str | Path, first: int = 1, *, reason: str, by: str, out: Path) -> tuple[str, ...]:
    """Give up the edits of a job from one number on: their files are moved aside, and the audit trail says why.

    For a ledger that is damaged or gone, so that the job can run again. Where the edits are only wrong, ``undo`` is
    right.

    Parameters
    ----------
    job_path : path
        Job file (TOML).
    first : int
        Number of the first edit that is given up.
    reason, by : str
        Why, and who says so.
    out : Path
        Folder of reports, whose audit trail gets the entry.

    Returns
    -------
    tuple of str
        Where the entries lie now.

    Raises
    ------
    SettingsError
        No reason, no name, no such job.
    ReadError
        What is kept of the ledger does not hold, or neither ledger nor audit trail knows an edit to give up.
    OutputError
        The files cannot be moved, or the audit trail cannot be written.
    """
    _check_said(reason, by)
    path = Path(job_path)
    load_job(path)
    audit.ready(out)
    entries = audit.read(out).entries if (out / audit.LOG).exists() else ()
    known = trail_reports.anchor(entries, job=path.stem, name=path.stem)
    folder = edits.folder_of(path)
    kept = edits.read(folder, first)
    moved = edits.withdraw(folder, first)
    if not moved and (known is None or known.entries < first):
        msg = f"{folder}: holds no edit from {first} on, and the audit trail of {out} knows of none"
        raise ReadError(msg)
    audit.append(
        out,
        audit.Event(
            event="withdraw",
            subject=path.stem,
            reason=_one_line(reason),
            old={"edits": max(first - 1 + len(moved), 0 if known is None else known.entries)},
            new={
                "edits": len(kept),
                "by": _one_line(by),
                "files": [trail_reports.relative(Path(file), out) for file in moved],
                "ledger": edits.state(kept),
                "job_file": trail_reports.relative(path, out),
            },
        ),
    )
    return moved


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asked:
    """One field of a job, read and not yet segmented."""

    planned: pipeline.Plan
    source: pipeline.Source
    micrograph: Micrograph
    out: Path | None  # folder of reports whose audit trail is told


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Present:
    """A field as it is measured now."""

    raw: Segmentation  # as the backend gave it
    current: Segmentation  # with the edits of the field
    entries: tuple[edits.Entry, ...]  # of the field
    used: int  # the largest number that an object ever had


def _check_said(reason: str, by: str) -> None:
    for name, text in (("--reason", reason), ("--by", by)):
        if not text.strip():
            msg = f"{name}: is empty; every edit is recorded with a reason and a name"
            raise SettingsError(msg)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _recorded(
    asked: Asked, present: Present, labels: NDArray[np.int32], *, reason: str, by: str, undoes: int | None = None
) -> Edit:
    """Append to the ledger, and then tell the audit trail."""
    planned, out = asked.planned, asked.out
    ledger = edits.record(
        edits.folder_of(planned.path),
        asked.micrograph,
        present.current,
        labels,
        reason=_one_line(reason),
        by=_one_line(by),
        known=planned.ledger,
        undoes=undoes,
    )
    if out is not None:
        audit.append(out, _event(ledger, planned.path, out))
    return ledger[-1].edit


def _event(ledger: Sequence[edits.Entry], job: Path, out: Path) -> audit.Event:
    """What the audit trail of a folder keeps of the last edit of a ledger."""
    edit = ledger[-1].edit
    return audit.Event(
        event="edit",
        subject=job.stem,
        reason=edit.reason,
        old={"labels_sha256": edit.before_sha256},
        new={
            "labels_sha256": edit.after_sha256,
            "number": edit.number,
            "image": edit.image,
            "image_sha256": edit.image_sha256,
            "by": edit.by,
            "changed_px": edit.changed_px,
            "entry_sha256": edit.sha256,
            **({} if edit.undoes is None else {"undoes": edit.undoes}),
            "ledger": edits.state(ledger),
            "job_file": trail_reports.relative(job, out),
        },
    )


def export(job_path: str | Path, target: Path, *, field: int | None = None, image: str = "") -> Path:
    """Write the labels of a field as they are measured now, edits so far included, as PNG: what an editor starts from.

    Raises
    ------
    OutputError
        It cannot be written, or there is a file of that name.
    """
    _, _, current = current_segmentation(job_path, field=field, image=image)
    try:
        with target.open("xb") as file:
            file.write(encode(current.labels))
    except FileExistsError:
        msg = f"{target}: is there already; choose another name"
        raise OutputError(msg) from None
    except OSError as error:
        msg = f"{target}: cannot be written: {error.strerror}"
        raise OutputError(msg) from None
    return target


def current_segmentation(
    job_path: str | Path, *, field: int | None = None, image: str = ""
) -> tuple[pipeline.Plan, Micrograph, Segmentation]:
    """Segment one field of a job as a run does, and lay its edits so far over it."""
    asked = asked_for(job_path, field=field, image=image)
    return asked.planned, asked.micrograph, segmented(asked).current


def asked_for(job_path: str | Path, *, field: int | None = None, image: str = "", out: Path | None = None) -> Asked:
    """Read one field of a job.

    Parameters
    ----------
    job_path : path
        Job file (TOML).
    field, image : int, str
        Number of the field within its specimen, name of its image, or both.
    out : Path, optional
        Folder of reports: its audit trail must know no edit that the ledger of the job lacks.

    Raises
    ------
    SettingsError
        No or several such fields.
    ReadError
        The image cannot be read, or the ledger lacks an edit.
    """
    planned = pipeline.plan(job_path)
    fitting = [
        source
        for source in planned.sources
        if (field is None or source.field == field) and (not image or source.name == image)
    ]
    if len(fitting) != 1:
        there_are = ", ".join(f"{one.name} (field {one.field} of {one.specimen})" for one in planned.sources[:8])
        more = ", ..." if len(planned.sources) > 8 else ""
        count = "several fields are" if fitting else "no field is"
        msg = f"{planned.path.name}: {count} meant by --field and --image; there are: {there_are}{more}"
        raise SettingsError(msg)
    return _asked_for(planned, fitting[0], out)


def _asked_for(planned: pipeline.Plan, source: pipeline.Source, out: Path | None) -> Asked:
    _check_trail(planned, out)
    return Asked(planned=planned, source=source, micrograph=pipeline.read_source(planned, source), out=out)


def _check_trail(planned: pipeline.Plan, out: Path | None) -> None:
    """Make sure, before long work, that the trail can take an event and knows of no edit that the ledger lacks."""
    if out is not None:
        audit.ready(out)
        pipeline.check_ledger(planned, out, planned.path.stem)


def segmented(asked: Asked) -> Present:
    """Segment a field as a run does, and lay its edits over it."""
    planned, source = asked.planned, asked.source
    raw = pipeline.segmented(planned, source, asked.micrograph, pipeline.model_of(planned))
    entries = edits.of_image(planned.ledger, source.sha256)
    return Present(
        raw=raw,
        current=edits.applied(raw, entries, source.name),
        entries=entries,
        used=edits.used_numbers(raw, entries),
    )


def read_corrected(path: Path, micrograph: Micrograph, current: Segmentation, used: int = 0) -> NDArray[np.int32]:
    """Read a corrected mask as labels that mean what those of the segmentation mean.

    Classes keep their numbers (or 0 and 255 where there are two); objects get the numbers they had, whatever the
    editor wrote (``edits.numbered``); new ones are above ``used``. Outside the region that counts nothing changes.

    Raises
    ------
    ReadError
        Another size, a class that the segmentation does not have, an object in several pieces, or a change that a
        mask of this kind cannot express.
    """
    values, lossy = read_values(path)
    crop_like(micrograph, values, str(path))
    if current.kind == "semantic":
        names = {str(number): name for number, name in current.classes.items()}
        settings = masks.Settings(classes=names, kinds=("binary", "classes"))
        meant = masks.interpreted(path, values, lossy, settings, where="the mask")
        unknown = sorted({*np.unique(meant.labels).tolist()} - set(current.classes))
        if unknown:
            known = ", ".join(f"{number} {name}" for number, name in sorted(current.classes.items()))
            msg = f"{path}: holds the class {unknown[0]}, which the segmentation does not have; there are: {known}"
            raise ReadError(msg)
        labels = _like(micrograph, current, meant.labels, path)
    else:
        labels = _objects(path, values, lossy, micrograph, current, used)
    if current.objects is not None:
        outline = (labels > 0) != (current.labels > 0)
        if outline.any():
            row, column = (int(axis[0]) for axis in np.nonzero(outline))
            msg = (
                f"{path}: changes the outline of a joint (at row {row}, column {column}), whose number comes from the "
                "backend; change what lies within joints only"
            )
            raise ReadError(msg)
    return labels


def _objects(
    path: Path, values: NDArray[np.generic], lossy: bool, micrograph: Micrograph, current: Segmentation, used: int
) -> NDArray[np.int32]:
    grains = question.output_of(current, micrograph.roi) == "grains"
    lines = grains and len(np.unique(values)) == 2
    kind: Literal["boundaries", "labels"] = "boundaries" if lines else "labels"
    # what an editor left 0 is no object; only where the segmentation fills the region are lines of 0 boundaries
    settings = masks.Settings(kind=kind, boundary_pixels="kept")
    meant = masks.interpreted(path, values, lossy, settings, where="the mask")
    labels = np.asarray(crop_like(micrograph, meant.labels, str(path)), np.int32)
    _check_pieces(path, labels, current)
    if grains and not lines and (labels == 0).any():
        settings = replace(settings, boundary_pixels="given back")
        meant = masks.interpreted(path, values, lossy, settings, where="the mask")
    labels = _like(micrograph, current, meant.labels, path)
    return edits.numbered(labels, current.labels, used)


def _like(micrograph: Micrograph, current: Segmentation, labels: NDArray[np.generic], path: Path) -> NDArray[np.int32]:
    """Cut labels like the image, with those of the segmentation outside the region."""
    cut = np.array(crop_like(micrograph, labels, str(path)), np.int32)
    if micrograph.roi is not None:
        cut[~micrograph.roi] = current.labels[~micrograph.roi]
    return cut


def _check_pieces(path: Path, labels: NDArray[np.int32], current: Segmentation) -> None:
    """Refuse one number for two objects: cutting an object in two needs a second number."""
    numbered = edits.matched(labels, current.labels)
    before = edits.pieces_of(current.labels)
    for number, count in edits.pieces_of(numbered).items():
        if count > before.get(number, 1):
            row, column = (int(axis[0]) for axis in np.nonzero(numbered == number))
            msg = (
                f"{path}: object {labels[row, column]} (at row {row}, column {column}) lies in {count} pieces; give "
                "every object a number of its own"
            )
            raise ReadError(msg)
