"""Correct the segmentation of a field by hand: read the corrected mask and record what it changes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from inspect_tool import registry
from inspect_tool.errors import OutputError, ReadError, SettingsError
from inspect_tool.evidence import audit, edits, trail_reports
from inspect_tool.files import load_job
from inspect_tool.folders import new_file
from inspect_tool.images.readers import read_values
from inspect_tool.images.region import crop_like
from inspect_tool.inspection import job_plan, job_trail, one_field, painted
from inspect_tool.model import Edit, Mask, Micrograph, Samples, Segmentation
from inspect_tool.pixels.png import encode
from inspect_tool.report.field_pictures import full_size
from inspect_tool.segmentation import choice
from inspect_tool.segmentation import labels as masks


def correct(
    job_path: str | Path,
    mask: str | Path,
    *,
    reason: str,
    by: str,
    field: int | None = None,
    image: str = "",
    out: Path | None = None,
    tell: Callable[[str], None] | None = None,
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
    tell : callable, optional
        Called with what was mended of the mask, in one line.

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
    asked = asked_for(job_path, field=field, image=image, out=out)
    check_mask(Path(mask), asked.micrograph)  # before anything long is done
    present = segmented(asked)
    labels = read_corrected(Path(mask), asked.micrograph, present.current, present.used, tell)
    name = asked.source.name
    stale = edits.put_back(present.entries, present.raw, labels, name)
    if stale is not None:
        msg = (
            f"{mask}: takes edit {stale.number} of {name} back (by {stale.by}, {stale.when}: {stale.reason}): was it "
            f"exported before? Export again and correct that; to take the edit back: inspect-tool edit undo {job_path} "
            f"{stale.number}"
        )
        raise ReadError(msg)
    return commit(asked, present, labels, reason=reason, by=by)


def commit(
    asked: "Asked", present: "Present", labels: NDArray[np.int32], *, reason: str, by: str, user: str = ""
) -> Edit:
    """Record corrected labels of one field, wherever they were drawn: one entry of the ledger, and the audit trail.

    Parameters
    ----------
    asked : Asked
        The field, and the folder of reports whose audit trail is told.
    present : Present
        As it is measured now.
    labels : int array (rows, columns)
        As they are to be; outside the region that counts as they are now.
    reason, by : str
        Why, and who says so.
    user : str
        Who was at work, for the audit trail; empty: the user of this computer.

    Raises
    ------
    SettingsError
        No reason, no name.
    ReadError
        Nothing differs, the outline of a joint does, or the ledger does not hold or has an edit of this field that
        ``present`` lacks.
    MeasurementError
        What is corrected does not answer the question of the recipe.
    """
    _check_said(reason, by)
    _check_trail(asked.planned, asked.out)
    check_outline(asked.source.name, labels, present.current)
    recipe = registry.load("recipe", asked.planned.job.recipe)
    choice.answer(asked.planned.job.recipe, recipe, replace(present.current, labels=labels), asked.micrograph.roi)
    return _recorded(asked, present, labels, reason=reason, by=by, user=user)


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
    planned = job_plan.plan(job_path)
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
    file = trail_reports.relative(path, out)
    known = trail_reports.anchor(entries, job=path.stem, name=path.stem, file=file)
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

    planned: job_plan.Plan
    source: job_plan.Source
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
    asked: Asked,
    present: Present,
    labels: NDArray[np.int32],
    *,
    reason: str,
    by: str,
    user: str = "",
    undoes: int | None = None,
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
        audit.append(out, _event(ledger, planned.path, out, user))
    return ledger[-1].edit


def _event(ledger: Sequence[edits.Entry], job: Path, out: Path, user: str) -> audit.Event:
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
        user=user,
    )


def export(
    job_path: str | Path,
    target: Path,
    *,
    field: int | None = None,
    image: str = "",
    kind: str = "auto",
) -> tuple[painted.Brush, ...]:
    """Write a field as it is measured now, edits so far included: what an editor starts from.

    Parameters
    ----------
    job_path : path
        Job file (TOML).
    target : Path
        File to write.
    field, image : int, str
        As of ``correct``.
    kind : str
        *labels*: PNG of the numbers of objects or classes. *overlay*: color PNG of the micrograph to paint on.
        *layers*: OpenRaster. *auto*: layers where the file is called ``.ora``, else labels.

    Returns
    -------
    tuple of Brush
        The colors to paint with; of labels none.

    Raises
    ------
    OutputError
        It cannot be written, or there is a file of that name.
    """
    if kind not in ("auto", "labels", "overlay", "layers"):
        msg = f"--as: got '{kind}', must be labels, overlay or layers"
        raise SettingsError(msg)
    if target.exists():
        msg = f"{target}: exists already and is left as it is; choose another name"
        raise OutputError(msg)
    _, micrograph, current = current_segmentation(job_path, field=field, image=image)
    if kind == "auto":
        kind = "layers" if target.suffix.lower() == painted.SUFFIX else "labels"
    match kind:
        case "overlay":
            data = painted.png(painted.overlay(micrograph, current))
        case "layers":
            data = painted.layered(micrograph, current)
        case _:
            data = encode(current.labels)
    new_file(target, data)
    return () if kind == "labels" else painted.brushes(current)


def current_segmentation(
    job_path: str | Path, *, field: int | None = None, image: str = ""
) -> tuple[job_plan.Plan, Micrograph, Segmentation]:
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
    planned = job_plan.plan(job_path)
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


def _asked_for(planned: job_plan.Plan, source: job_plan.Source, out: Path | None) -> Asked:
    _check_trail(planned, out)
    return Asked(planned=planned, source=source, micrograph=one_field.read_source(planned, source), out=out)


def _check_trail(planned: job_plan.Plan, out: Path | None) -> None:
    """Make sure, before long work, that the trail can take an event and knows of no edit that the ledger lacks."""
    if out is not None:
        audit.ready(out)
        job_trail.check_ledger(planned, out, planned.path.stem)


def segmented(asked: Asked) -> Present:
    """Segment a field as a run does, and lay its edits over it."""
    planned, source = asked.planned, asked.source
    return present_of(
        planned, source, one_field.segmented(planned, source, asked.micrograph, one_field.model_of(planned))
    )


def present_of(planned: job_plan.Plan, source: job_plan.Source, raw: Segmentation) -> Present:
    """Lay the edits of a field over its segmentation, as the backend gave it or as a report keeps it."""
    entries = edits.of_image(planned.ledger, source.sha256)
    return Present(
        raw=raw,
        current=edits.applied(raw, entries, source.name),
        entries=entries,
        used=edits.used_numbers(raw, entries),
    )


def read_corrected(
    path: Path,
    micrograph: Micrograph,
    current: Segmentation,
    used: int = 0,
    tell: Callable[[str], None] | None = None,
) -> NDArray[np.int32]:
    """Read a corrected mask as labels that mean what those of the segmentation mean.

    Classes keep their numbers (or 0 and 255 where there are two); objects get the numbers they had, whatever the
    editor wrote (``edits.numbered``); new ones are above ``used``. Outside the region that counts nothing changes.
    What a drawn boundary cuts off from a grain and is no region itself (``min_region_px`` of the backend "labels") goes
    to the nearest grain, and is told.

    Raises
    ------
    ReadError
        Another size, a class that the segmentation does not have, an object in several pieces, or a change that a
        mask of this kind cannot express.
    """
    if painted.is_layered(path):
        labels = painted.from_layers(path, micrograph, current, used)
        return _checked(path, _like(micrograph, current, labels, path), current)
    values, lossy = read_values(path, colors=True)
    if painted.is_overlay(values, micrograph, current):
        return _checked(path, painted.from_overlay(path, values[..., :3], micrograph, current, used), current)
    picture = values.ndim == 3 and len(np.unique(_flat(values))) > _MOST_COLORS
    if picture and choice.output_of(current, micrograph.roi) != "grains":
        raise _not_the_overlay(path, values)
    values, lossy = read_values(path)
    crop_like(micrograph, values, str(path))
    if current.kind == "semantic":
        _check_classes(path, values, current)
        names = {str(number): name for number, name in current.classes.items()}
        settings = masks.Settings(classes=names, kinds=("binary", "classes"))
        meant = masks.interpreted(path, values, lossy, settings, where="the mask")
        labels = _like(micrograph, current, meant.labels, path)
    else:
        labels = _objects(path, values, lossy, micrograph, current, used, tell)
    return _checked(path, labels, current)


def check_mask(path: Path, micrograph: Micrograph) -> None:
    """Refuse a mask of another size, or a photograph, before anything is segmented.

    Raises
    ------
    ReadError
        With what was found.
    """
    if painted.is_layered(path):
        crop_like(micrograph, np.empty(painted.layered_shape(path), np.bool_), str(path))
        return
    values, _ = read_values(path, colors=True)
    crop_like(micrograph, values, str(path))
    why = masks.signs_of_photograph(_flat(values))
    if not why or (
        values.ndim == 3 and values.shape[:2] == micrograph.pixels.shape and _is_drawn_on(values, micrograph)
    ):
        return
    msg = f"{path}: is a photograph and no mask: {why}; give the mask, or what --export has written, painted on"
    raise ReadError(msg)


_ALIKE = 0.5  # correlation of the gray values of a micrograph with itself, painted on; with another picture it is 0 [1]
_MOST_COLORS = 1000  # no mask has more classes


def _is_drawn_on(picture: NDArray[np.generic], micrograph: Micrograph) -> bool:
    """Whether a picture is that of a micrograph, with whatever is painted on it."""
    step = max(1, round((picture[..., 0].size / 1e6) ** 0.5))
    shown, own = (one[::step, ::step].mean(axis=2) for one in (picture, full_size(micrograph)))
    varied = shown.std() > 0 and own.std() > 0
    return bool(varied and np.corrcoef(shown.ravel(), own.ravel())[0, 1] > _ALIKE)


def _flat(values: NDArray[np.generic]) -> Samples:
    """One number per pixel: colors packed."""
    if values.ndim == 2:
        return values
    bits = 8 if values.dtype == np.uint8 else 16
    channels: list[Samples] = [values[..., i].astype(np.int32 if bits == 8 else np.int64) for i in range(3)]
    packed: Samples = channels[0] << 2 * bits | channels[1] << bits | channels[2]
    return packed


def _not_the_overlay(path: Path, values: NDArray[np.generic]) -> ReadError:
    return ReadError(
        f"{path}: is a picture with {len(np.unique(_flat(values)))} colors and not that of --export: it was saved with "
        "loss or other colors, or exported before another edit; save it as PNG, or export it again"
    )


def _check_classes(path: Path, values: NDArray[np.generic], current: Segmentation) -> None:
    """Name the place of a class that the segmentation does not have."""
    known = sorted(current.classes)
    if values.ndim != 2 or values.dtype.kind not in "iu" or int(values.max()) > 31:
        return  # gray levels or colors stand for classes: the mask tells what they may be
    wrong = ~np.isin(values, known)
    if len(np.unique(values)) > 2 and wrong.any():
        row, column = (int(axis[0]) for axis in np.nonzero(wrong))
        named = ", ".join(f"{number} {current.classes[number]}" for number in known)
        msg = (
            f"{path}: the mask has the value {values[row, column]} at row {row}, column {column}, a class that the "
            f"segmentation does not have; there are: {named}"
        )
        raise ReadError(msg)


def _checked(path: Path, labels: NDArray[np.int32], current: Segmentation) -> NDArray[np.int32]:
    check_outline(str(path), labels, current)
    return labels


def check_outline(where: str, labels: NDArray[np.int32], current: Segmentation) -> None:
    """Refuse what an edit cannot change: the outline of a joint.

    Raises
    ------
    ReadError
        With the place.
    """
    if current.objects is not None:
        outline = (labels > 0) != (current.labels > 0)
        if outline.any():
            row, column = (int(axis[0]) for axis in np.nonzero(outline))
            msg = (
                f"{where}: changes the outline of a joint (at row {row}, column {column}), whose number comes from the "
                "backend; change what lies within joints only"
            )
            raise ReadError(msg)


def _objects(
    path: Path,
    values: NDArray[np.generic],
    lossy: bool,
    micrograph: Micrograph,
    current: Segmentation,
    used: int,
    tell: Callable[[str], None] | None,
) -> NDArray[np.int32]:
    grains = choice.output_of(current, micrograph.roi) == "grains"
    traced = values.ndim == 3 and len(np.unique(_flat(values))) > _MOST_COLORS
    lines = grains and (traced or len(np.unique(_flat(values))) == 2)
    kind: Literal["boundaries", "labels"] = "boundaries" if lines else "labels"
    # what an editor left 0 is no object; only where the segmentation fills the region are lines of 0 boundaries
    settings = masks.Settings(kind=kind, boundary_pixels="kept")
    try:
        meant = masks.interpreted(path, values, lossy, settings, where="the mask")
    except ReadError:
        if traced:  # nothing is drawn on it in one color
            raise _not_the_overlay(path, values) from None
        raise
    labels = _like(micrograph, current, meant.labels, path)
    line = _line_of(crop_like(micrograph, values, str(path)), meant) if lines else labels == 0
    if not grains or not line.any():
        labels = edits.numbered(labels, current.labels, used)
        _check_pieces(path, labels, current)
        return labels
    # a line says where one grain ends and another begins, not to which of them its pixels belong: they stay where they
    # are, as far as their grain is still there
    inside = line if micrograph.roi is None else line & micrograph.roi
    labels = edits.numbered(np.where(inside, 0, labels).astype(np.int32), current.labels, used)
    stays = inside & np.isin(current.labels, np.unique(labels))
    labels[stays] = current.labels[stays]
    shards, pixels = _clear_shards(labels, inside, settings.min_region_px)
    if shards and tell is not None:
        tell(
            f"{path}: {shards} shard{'s' if shards > 1 else ''} that a boundary cut off from a grain, smaller than "
            f"{settings.min_region_px} px each and {pixels} px together, went to the nearest grain"
        )
    _check_pieces(path, labels, current)
    return painted.cut(labels, inside, True, max(used, int(labels.max())))


def _clear_shards(labels: NDArray[np.int32], line: Mask, smallest_px: int) -> tuple[int, int]:
    """Set to 0 what lies on lines, apart from the grain that it is numbered as; gives how many pieces and pixels."""
    shards, pixels = 0, 0
    boxes = ndimage.find_objects(labels)
    for number in np.unique(labels[line & (labels > 0)]).tolist():
        part, drawn = labels[boxes[number - 1]], line[boxes[number - 1]]
        count, pieces = cv2.connectedComponents((part == number).view(np.uint8), connectivity=8)
        areas = np.bincount(pieces.ravel(), minlength=count)
        outside = np.bincount(pieces[~drawn], minlength=count)
        small = (areas < smallest_px) & (outside == 0)
        small[[0, 1 + int(areas[1:].argmax())]] = False
        part[small[pieces]] = 0
        shards, pixels = shards + int(small.sum()), pixels + int(areas[small].sum())
    return shards, pixels


def _line_of(values: NDArray[np.generic], meant: masks.Meaning) -> Mask:
    """Pixels of the lines of an image of boundaries; of lines traced on a photograph they are not known."""
    if values.ndim == 3 or "traced_in" in meant.found:
        return np.zeros(values.shape[:2], np.bool_)
    bright: Mask = values.astype(np.int64) > (int(values.min()) + int(values.max())) / 2
    return bright if meant.found["lines"] == "bright" else ~bright


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
                "every object a number of its own, or draw the cut in red on an overlay (--as overlay)"
            )
            raise ReadError(msg)
