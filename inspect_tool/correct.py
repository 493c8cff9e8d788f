"""Correct the segmentation of a field by hand: read the corrected mask and record what it changes."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from inspect_tool import audit, edits, pipeline, question, registry
from inspect_tool.backends import labels as masks
from inspect_tool.errors import ReadError, SettingsError
from inspect_tool.evidence import encode
from inspect_tool.folders import new_file
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
        Folder of reports whose audit trail gets an entry, where it has one.

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
    for name, text in (("--reason", reason), ("--by", by)):
        if not text.strip():
            msg = f"{name}: is empty; every edit is recorded with a reason and a name"
            raise SettingsError(msg)
    planned, micrograph, current = current_segmentation(job_path, field=field, image=image)
    if out is not None and (out / audit.LOG).exists():
        audit.ready(out)
    labels = read_corrected(Path(mask), micrograph, current)
    recipe = registry.load("recipe", planned.job.recipe)
    question.answer(planned.job.recipe, recipe, replace(current, labels=labels), micrograph.roi)
    folder = edits.folder_of(Path(job_path))
    edit = edits.record(
        folder, micrograph, current, labels, reason=" ".join(reason.split()), by=" ".join(by.split())
    ).edit
    if out is not None and (out / audit.LOG).exists():
        audit.append(out, _event(edit, planned.path.stem))
    return edit


def export(job_path: str | Path, target: Path, *, field: int | None = None, image: str = "") -> Path:
    """Write the labels of a field as they are measured now, edits so far included, as PNG: what an editor starts from.

    Raises
    ------
    OutputError
        It cannot be written, or there is a file of that name.
    """
    _, _, current = current_segmentation(job_path, field=field, image=image)
    new_file(target, encode(current.labels))
    return target


def current_segmentation(
    job_path: str | Path, *, field: int | None = None, image: str = ""
) -> tuple[pipeline.Plan, Micrograph, Segmentation]:
    """Segment one field of a job as a run does, and lay its edits so far over it."""
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
    source = fitting[0]
    micrograph = pipeline.read_source(planned, source)
    raw = pipeline.segmented(planned, source, micrograph, pipeline.model_of(planned))
    return planned, micrograph, edits.applied(raw, edits.of_image(planned.ledger, source.sha256), source.name)


def read_corrected(path: Path, micrograph: Micrograph, current: Segmentation) -> NDArray[np.int32]:
    """Read a corrected mask as labels that mean what those of the segmentation mean.

    Classes keep their numbers (or 0 and 255 where there are two); objects get the numbers they had, whatever the
    editor wrote (``edits.matched``). Outside the region that counts nothing changes.

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
        labels = _objects(path, values, lossy, micrograph, current)
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
    path: Path, values: NDArray[np.generic], lossy: bool, micrograph: Micrograph, current: Segmentation
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
    return edits.matched(labels, current.labels)


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


def _event(edit: Edit, job: str) -> audit.Event:
    return audit.Event(
        event="edit",
        subject=job,
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
        },
    )
