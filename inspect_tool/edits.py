"""Ledger of edits: corrections of a segmentation by hand, kept as differences in a chain beside the job.

``<job>.edits/0001.toml`` says who changed what, when and why, and ``0001-<hash>.png`` holds the changed pixels. An
entry names the labels before and after by their hash, and the entry before it by its own, so that a changed, missing
or reordered entry shows, and so that an edit is never laid over another segmentation than the one it was made on.
"""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool import __version__
from inspect_tool.errors import InspectError, MeasurementError, OutputError, ReadError
from inspect_tool.evidence import decode, encode, mask_sha256
from inspect_tool.files import checked, dump_edit, read_bytes, read_toml, sha256_bytes
from inspect_tool.model import (
    Check,
    Edit,
    Findings,
    LabelImage,
    Mask,
    Micrograph,
    Result,
    Segmentation,
    Statement,
    Table,
)
from inspect_tool.provenance import now

NOTHING = "0" * 64
"""Hash that stands for the entry before the first."""

TABLE, RESULTS = "Edits by hand", "Results before and after the edits"
"""Titles of the tables of a report."""

_MOST = 9999
_SEAL = b'\nsha256 = "'


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entry:
    """One edit as it lies in the ledger."""

    edit: Edit
    text: bytes  # of its TOML file
    difference: bytes  # PNG: 0 where nothing changed, else the new number + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """What the edits of one field did to it, all together."""

    edits: tuple[Edit, ...]
    changed_px: int
    counted_px: int  # pixels of the field that count

    @property
    def share(self) -> float:
        """Share of the pixels that were changed [1]."""
        return self.changed_px / max(self.counted_px, 1)


# ------------------------------------------------------------------------------------------------- the ledger


def folder_of(job: Path) -> Path:
    """Folder of the ledger of a job file."""
    return job.with_name(f"{job.stem}.edits")


def text_name(edit: Edit) -> str:
    """Name of the file that holds an edit."""
    return f"{edit.number:04d}.toml"


def difference_name(edit: Edit) -> str:
    """Name of the file that holds the changed pixels of an edit."""
    return f"{edit.number:04d}-{edit.difference_sha256[:8]}.png"


def read(folder: Path) -> tuple[Entry, ...]:
    """Read a ledger and follow its chain; without a folder there are no edits.

    Raises
    ------
    ReadError
        An entry is missing, was changed, or does not follow the one before it: the message names it.
    """
    if not folder.is_dir():
        return ()
    names = sorted(path.name for path in folder.glob("*.toml") if re.fullmatch(r"\d{4}\.toml", path.name))
    entries: list[Entry] = []
    previous = NOTHING
    for number, name in enumerate(names, start=1):
        if name != f"{number:04d}.toml":
            msg = f"{folder / f'{number:04d}.toml'}: is missing, there is {name}; put the ledger back as it was"
            raise ReadError(msg)
        entry = _read_entry(folder / name)
        if entry.edit.number != number or entry.edit.previous != previous:
            msg = f"{folder / name}: does not follow the entry before it; put the ledger back as it was"
            raise ReadError(msg)
        previous = sha256_bytes(entry.text)
        entries.append(entry)
    return tuple(entries)


def _read_entry(path: Path) -> Entry:
    try:
        text = read_bytes(path)
        edit = checked(Edit, read_toml(path), str(path), ReadError)
        body, seal, _ = text.rpartition(_SEAL)
        if not seal or edit.sha256 != sha256_bytes(body + b"\n") or text != dump_edit(edit).encode():
            msg = f"{path}: was changed after it was written; put the ledger back as it was"
            raise ReadError(msg)
        name = difference_name(edit)
        difference = read_bytes(path.parent / name)
    except OSError as error:
        msg = f"{error.filename or path}: cannot be read: {error.strerror}; put the ledger back as it was"
        raise ReadError(msg) from None
    except ReadError:
        raise
    except InspectError as error:
        raise ReadError(str(error)) from None
    if sha256_bytes(difference) != edit.difference_sha256:
        msg = f"{path.parent / name}: was changed after it was written; put the ledger back as it was"
        raise ReadError(msg)
    return Entry(edit=edit, text=text, difference=difference)


def of_image(ledger: Sequence[Entry], sha256: str) -> tuple[Entry, ...]:
    """Give the edits of one image, in their order."""
    return tuple(entry for entry in ledger if entry.edit.image_sha256 == sha256)


def record(
    folder: Path, micrograph: Micrograph, before: Segmentation, labels: LabelImage, *, reason: str, by: str
) -> Entry:
    """Append one edit to a ledger.

    Parameters
    ----------
    folder : Path
        Of the ledger; it is made when it is not there.
    micrograph : Micrograph
        The field.
    before : Segmentation
        Raw, or with the edits of this field so far.
    labels : int array (rows, columns)
        As they are to be.
    reason, by : str
        Why, and who says so.

    Raises
    ------
    ReadError
        The ledger does not hold, or nothing differs.
    OutputError
        It cannot be written.
    """
    ledger = read(folder)
    changed = before.labels != labels
    if not changed.any():
        msg = (
            f"{micrograph.path}: the mask is equal to the segmentation that is measured now; there is nothing to record"
        )
        raise ReadError(msg)
    if len(ledger) == _MOST:
        msg = f"{folder}: holds {_MOST} edits; correct the segmentation at its source instead"
        raise OutputError(msg)
    added, removed, altered = objects_changed(before.labels, labels, before.kind)
    difference = encode(np.where(changed, labels.astype(np.int32) + 1, 0))
    edit = Edit(
        number=len(ledger) + 1,
        image=micrograph.path,
        image_sha256=micrograph.sha256,
        specimen=micrograph.specimen,
        field=micrograph.field,
        by=by,
        when=now().isoformat().replace("+00:00", "Z"),
        reason=reason,
        software=f"inspect_tool {__version__}",
        changed_px=int(np.count_nonzero(changed)),
        objects_added=added,
        objects_removed=removed,
        objects_changed=altered,
        before_sha256=mask_sha256(before.labels),
        after_sha256=mask_sha256(labels),
        difference_sha256=sha256_bytes(difference),
        previous=sha256_bytes(ledger[-1].text) if ledger else NOTHING,
    )
    body = dump_edit(edit).encode().rpartition(_SEAL)[0] + b"\n"
    edit = replace(edit, sha256=sha256_bytes(body))
    entry = Entry(edit=edit, text=dump_edit(edit).encode(), difference=difference)
    _write(folder, entry)
    return entry


def _write(folder: Path, entry: Entry) -> None:
    """Write the pixels first, then the entry under its number, which only one process can take."""
    target = folder / text_name(entry.edit)
    partial = folder / f".{target.name}.{os.getpid()}.partial"
    try:
        folder.mkdir(exist_ok=True)
        (folder / difference_name(entry.edit)).write_bytes(entry.difference)
        partial.write_bytes(entry.text)
        os.link(partial, target)
    except FileExistsError:
        msg = f"{target}: another edit was recorded at the same moment; try again"
        raise OutputError(msg) from None
    except OSError as error:
        msg = f"{folder}: cannot write the edit: {error.strerror}"
        raise OutputError(msg) from None
    finally:
        partial.unlink(missing_ok=True)


# ------------------------------------------------------------------------------------------------ applying them


def applied(raw: Segmentation, entries: Sequence[Entry], image: str) -> Segmentation:
    """Lay the edits of one field over its segmentation, one after the other; itself without edits.

    Raises
    ------
    MeasurementError
        The segmentation is not the one that the edits were made on.
    ReadError
        The changed pixels cannot be read, or do not lead to what the entry states.
    """
    labels = raw.labels
    for entry in entries:
        edit, name = entry.edit, f"edit {entry.edit.number:04d}"
        if mask_sha256(labels) != edit.before_sha256:
            if entry is not entries[0]:
                msg = f"{image}: {name} does not follow the edit of this field before it; put the ledger back as it was"
                raise ReadError(msg)
            msg = (
                f"{image}: {name} was made on another segmentation: the backend, its settings, the weights or the "
                "region changed since; move the folder of the edits aside and make them again"
            )
            raise MeasurementError(msg)
        shape = (labels.shape[0], labels.shape[1])
        difference = decode(entry.difference, shape, f"{image}: {name}")
        labels = np.where(difference == 0, labels, difference - 1).astype(np.int32)
        if mask_sha256(labels) != edit.after_sha256:
            msg = f"{image}: {name}: its pixels do not lead to the labels it states; put the ledger back as it was"
            raise ReadError(msg)
    if entries:
        labels.setflags(write=False)
    return replace(raw, labels=labels) if entries else raw


def carried_over(
    others: Iterable[tuple[str, Segmentation]], raw: Segmentation, edited: Segmentation
) -> Iterator[tuple[str, Segmentation]]:
    """Lay what was edited over every other segmentation of the field too.

    Every changed pixel gets its new class or object; the rest of an object that the edits take away goes with it where
    the other segmentation has drawn it larger.
    """
    for name, other in others:
        corrected = other if edited is raw else replace(other, labels=_carried_over(other.labels, raw, edited))
        del other
        yield name, corrected
        del corrected  # or two of them are held at a time


def _carried_over(other: LabelImage, raw: Segmentation, edited: Segmentation) -> NDArray[np.int32]:
    changed = raw.labels != edited.labels
    labels = other.astype(np.int32)
    pieces = labels if raw.kind == "instance" else _pieces(labels > 0)
    taken = np.bincount(pieces[changed & (edited.labels == 0)], minlength=int(pieces.max(initial=0)) + 1)
    gone = 2 * taken >= np.maximum(np.bincount(pieces.ravel(), minlength=len(taken)), 1)
    gone[0] = False
    labels = np.where(gone[pieces], 0, labels).astype(np.int32)
    if raw.kind == "semantic":
        labels[changed] = edited.labels[changed]
        return labels
    free = max(int(labels.max(initial=0)), int(edited.labels.max(initial=0))) + 1
    there = labels.copy()
    for number in np.unique(edited.labels[changed]).tolist():
        own = there[(raw.labels == number) & ~changed] if number else np.zeros(0, np.int32)
        own = own[own > 0]
        if number and not own.size:  # an object that only the edit has
            free += 1
        labels[changed & (edited.labels == number)] = (
            0 if not number else int(np.bincount(own).argmax()) if own.size else free
        )
    return labels


def edited_field(entries: Sequence[Entry], raw: Segmentation, edited: Segmentation, roi: Mask | None) -> Edited:
    """Count what the edits of one field changed."""
    return Edited(
        edits=tuple(entry.edit for entry in entries),
        changed_px=int(np.count_nonzero(raw.labels != edited.labels)),
        counted_px=int(edited.labels.size if roi is None else np.count_nonzero(roi)),
    )


# ---------------------------------------------------------------------------------------------------- the labels


def _pieces(mask: Mask) -> NDArray[np.int32]:
    return cv2.connectedComponents(mask.astype(np.uint8), connectivity=8, ltype=cv2.CV_32S)[1].astype(np.int32)


def pieces_of(labels: LabelImage) -> dict[int, int]:
    """Count the 8-connected pieces of every object."""
    from skimage import measure

    pieces = measure.label(labels, background=0, connectivity=2)  # type: ignore[no-untyped-call]
    flat, first = np.unique(pieces, return_index=True)
    numbers, counts = np.unique(labels.ravel()[first[flat > 0]], return_counts=True)
    return dict(zip(numbers.tolist(), counts.tolist(), strict=True))


def _overlaps(one: LabelImage, other: LabelImage) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of numbers that share pixels, neither of them 0, and how many pixels."""
    both = (one > 0) & (other > 0)
    pairs = one[both].astype(np.int64) << 32 | other[both].astype(np.int64)
    keys, counts = np.unique(pairs, return_counts=True)
    return keys >> 32, keys & 0xFFFFFFFF, counts


def matched(labels: LabelImage, base: LabelImage) -> NDArray[np.int32]:
    """Give objects the numbers they have in ``base``, whatever numbers an editor gave them.

    An object is that of ``base`` with which it shares more than half of their union; there is one at most. The others
    get numbers that ``base`` does not use.
    """
    sizes, base_sizes = np.bincount(labels.ravel()), np.bincount(base.ravel())
    own, known, shared = _overlaps(labels, base)
    same = 2 * shared > sizes[own] + base_sizes[known] - shared
    table = np.zeros(len(sizes), np.int32)
    table[own[same]] = known[same]
    new = np.flatnonzero((sizes > 0) & (table == 0))
    new = new[new > 0]
    table[new] = len(base_sizes) + np.arange(len(new))
    return table[labels]


def objects_changed(before: LabelImage, after: LabelImage, kind: str) -> tuple[int, int, int]:
    """Count the objects that were added, removed, and changed in shape; of classes their connected pieces.

    An object is the same while it is ``matched``: two grains made one are one removed and one changed, or, where
    neither makes up more than half of the union, two removed and one added.
    """
    if kind == "instance":
        return _objects_changed(before, after)
    numbers = sorted({*np.unique(before).tolist(), *np.unique(after).tolist()} - {0})
    found = [_objects_changed(_pieces(before == number), _pieces(after == number)) for number in numbers]
    return sum(one[0] for one in found), sum(one[1] for one in found), sum(one[2] for one in found)


def _objects_changed(before: LabelImage, after: LabelImage) -> tuple[int, int, int]:
    numbered = matched(after, before)
    old, new = (set(np.unique(labels).tolist()) - {0} for labels in (before, numbered))
    differ = before != numbered
    touched = {*np.unique(before[differ]).tolist(), *np.unique(numbered[differ]).tolist()}
    return len(new - old), len(old - new), len(old & new & touched)


# ---------------------------------------------------------------------------------------------------- the report


def told(findings: Findings, before: Findings | None, fields: Sequence[Edited], cap: float) -> Findings:
    """Add to what was found that it was edited: by whom, why, and what every main result was before.

    Parameters
    ----------
    findings : Findings
        With the edits.
    before : Findings or None
        Without them; None: the raw segmentation cannot be measured.
    fields : sequence of Edited
        The fields that were edited; none: ``findings`` as they are.
    cap : float
        Largest share of edited pixels of a field [1].
    """
    if not fields:
        return findings
    count = sum(len(field.edits) for field in fields)
    made = f"{count} edit{'s' if count > 1 else ''} by hand in {len(fields)} field{'s' if len(fields) > 1 else ''}"
    rows = list(_before_and_after(findings.results, () if before is None else before.results))
    changes = "; ".join(
        f"{title}{f' of {specimen}' if len({row[1] for row in rows}) > 1 else ''} "
        f"{_number(old)} -> {_number(new)} {'' if unit == '1' else unit}".rstrip()
        for title, specimen, unit, old, new in rows
    )
    worst = max(fields, key=lambda field: field.share)
    check = Check(
        name="Edited pixels of a field",
        value=100 * worst.share,
        relation="<=",
        limit=100 * cap,
        unit="%",
        passed=worst.share <= cap,
        clause="edit_cap of the job",
        scope="method",
        note=f"largest share: {worst.edits[0].image}, {worst.changed_px} of {worst.counted_px} px",
    )
    who = Table(
        title=TABLE,
        columns=(
            *("No.", "Specimen", "Field", "Image", "When (UTC)", "By", "Reason", "Changed px", "Share %"),
            *("Objects added", "Removed", "Changed"),
        ),
        rows=tuple(
            (
                *(edit.number, edit.specimen, edit.field, edit.image, edit.when, edit.by, edit.reason),
                *(edit.changed_px, float(f"{100 * edit.changed_px / max(field.counted_px, 1):.3g}")),
                *(edit.objects_added, edit.objects_removed, edit.objects_changed),
            )
            for edit, field in sorted(((e, f) for f in fields for e in f.edits), key=lambda pair: pair[0].number)
        ),
        note="Share: of the pixels of the field that count. Of classes, objects are connected pieces.",
    )
    results = Table(
        title=RESULTS,
        columns=("Result", "Specimen", "Unit", "Before", "After"),
        rows=tuple(rows),
        note="Before: of the segmentation as the backend gave it"
        + ("; it cannot be measured." if before is None else "."),
    )
    statement = Statement(
        name="Edits",
        text=f"{made}: the corrected segmentation is what was measured, and the same pixels were changed in every "
        "other segmentation of the uncertainty budget. Who, when and why stands in the table of the edits; that the "
        "correction is right is the judgment of the person named there.",
    )
    return replace(
        findings,
        checks=(*findings.checks, check),
        statements=(*findings.statements, statement),
        tables=(*findings.tables, who, results),
        warnings=(*findings.warnings, f"{made}: {changes}." if changes else f"{made}."),
    )


def _before_and_after(
    results: Sequence[Result], before: Sequence[Result]
) -> Iterator[tuple[str, str, str, float | None, float | None]]:
    """Title, specimen, unit, value before and after of every main result."""
    old = {(one.quantity, one.specimen): one for one in before if one.main}
    new = {(one.quantity, one.specimen): one for one in results if one.main}
    for key in dict.fromkeys((*new, *old)):
        shown = new.get(key) or old[key]
        values = (found[key].value if key in found else None for found in (old, new))
        was, now_is = values
        yield shown.title or shown.quantity, shown.specimen, shown.unit, was, now_is


def _number(value: float | None) -> str:
    return "not measurable" if value is None else f"{value:.4g}"
