"""Ledger of edits: corrections of a segmentation by hand, kept as differences in a chain beside the job.

``<job>.edits/0001.toml`` says who changed what, when and why, and ``0001-<hash>.png`` holds the changed pixels. An
entry names the labels before and after by their hash, and the entry before it by its own, so that a changed, missing
or reordered entry shows, and so that an edit is never laid over another segmentation than the one it was made on.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool import __version__
from inspect_tool.errors import InspectError, MeasurementError, OutputError, ReadError
from inspect_tool.evidence.masks import mask_sha256
from inspect_tool.evidence.provenance import now
from inspect_tool.files import NOTHING, checked, dump_edit, read_bytes, read_toml, sha256_bytes, write_whole
from inspect_tool.languages import Text, is_text, joined
from inspect_tool.locks import held
from inspect_tool.model import (
    Cell,
    Check,
    Edit,
    Findings,
    LabelImage,
    Mask,
    Micrograph,
    Report,
    Result,
    Segmentation,
    Statement,
    Table,
    no_alternatives,
)
from inspect_tool.pixels.png import decode, encode

TABLE, RESULTS = Text("evidence.title_edits"), Text("evidence.title_results_before_after_edits")
"""Titles of the tables of a report."""

PATIENCE_S = 30.0
"""How long another process may hold a ledger [s]."""

_MOST = 9999
_SEAL = b'\nsha256 = "'
_LOCK = ".lock"
_NUMBERED = re.compile(r"\d{4}\.toml")
_TWO = "two people edited at once"


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


def picture_name(number: int) -> str:
    """Name, in the folder of a report, of the picture of the place that an edit changed."""
    return f"thumbnails/{_EDITED}{number:04d}.jpg"


def is_picture(name: str) -> bool:
    """Whether a file of the folder of thumbnails shows an edit."""
    return name.startswith(_EDITED)


_EDITED = "edit-"


def read(folder: Path, below: int | None = None) -> tuple[Entry, ...]:
    """Read a ledger and follow its chain; without a folder there are no edits.

    Parameters
    ----------
    folder : Path
    below : int, optional
        Leave out the entries from this number on, whatever they are.

    Raises
    ------
    ReadError
        An entry is missing, was changed, or does not follow the one before it: the message names it, and how to go on.
    """
    if not folder.is_dir():
        return ()
    names = sorted(path.name for path in folder.glob("*.toml") if not path.name.startswith("."))
    strange = next((name for name in names if not _NUMBERED.fullmatch(name)), "")
    if below is not None:
        names = [name for name in names if _NUMBERED.fullmatch(name) and int(name[:4]) < below]
    elif strange:
        msg = (
            f"{folder / strange}: is no entry of this ledger, whose files are 0001.toml, 0002.toml, ...: a program "
            "that copies folders may have left a second edit there; move the file away and make that correction again"
        )
        raise ReadError(msg)
    entries: list[Entry] = []
    for number, name in enumerate(names, start=1):
        if name != f"{number:04d}.toml":
            msg = f"{folder / f'{number:04d}.toml'}: is missing, there is {name}; put the ledger back as it was"
            raise ReadError(msg)
        entry = _read_entry(folder / name)
        _check_follows(folder / name, entry, entries)
        entries.append(entry)
    return tuple(entries)


def _check_follows(path: Path, entry: Entry, before: Sequence[Entry]) -> None:
    """Refuse an entry that does not continue the ones before it, or was made beside one of them."""
    edit, number = entry.edit, len(before) + 1
    give_up = (
        f"give it up: inspect-tool edit withdraw {path.parent.stem}.toml --from {number} "
        '--reason "..." --by "...", and make that correction again'
    )
    predecessors = [NOTHING, *(sha256_bytes(one.text) for one in before)]
    if edit.number != number or edit.previous != predecessors[-1]:
        if edit.previous in predecessors[:-1]:
            other = before[predecessors.index(edit.previous)].edit
            msg = f"{path}: follows the same entry as {text_name(other)} ({_who(other)}): {_TWO}; {give_up}"
            raise ReadError(msg)
        msg = f"{path}: does not follow the entry before it; put the ledger back as it was, or {give_up}"
        raise ReadError(msg)
    last = next((one.edit for one in reversed(before) if one.edit.image_sha256 == edit.image_sha256), None)
    if last is not None and edit.before_sha256 != last.after_sha256:
        msg = f"{path}: was made without {text_name(last)} of the same field ({_who(last)}): {_TWO}; {give_up}"
        raise ReadError(msg)


def _who(edit: Edit) -> str:
    return f"by {edit.by}, {edit.when}"


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
    folder: Path,
    micrograph: Micrograph,
    before: Segmentation,
    labels: LabelImage,
    *,
    reason: str,
    by: str,
    known: Sequence[Entry] = (),
    undoes: int | None = None,
) -> tuple[Entry, ...]:
    """Append one edit to a ledger, while no other process can.

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
    known : sequence of Entry
        The ledger as it was when ``before`` was made of it.
    undoes : int, optional
        Number of the edit that this one takes back.

    Returns
    -------
    tuple of Entry
        The ledger, the new entry last.

    Raises
    ------
    ReadError
        The ledger does not hold, the field was edited meanwhile, or nothing differs.
    OutputError
        It cannot be written, or another process holds it.
    """
    changed = before.labels != labels
    if not changed.any():
        msg = (
            f"{micrograph.path}: the mask is equal to the segmentation that is measured now; there is nothing to record"
        )
        raise ReadError(msg)
    added, removed, altered = objects_changed(before.labels, labels, before.kind)
    difference = encode(np.where(changed, labels.astype(np.int32) + 1, 0))
    edit = Edit(
        number=0,
        image=micrograph.path,
        image_sha256=micrograph.sha256,
        specimen=micrograph.specimen,
        field=micrograph.field,
        by=by,
        when="",
        reason=reason,
        software=f"inspect_tool {__version__}",
        changed_px=int(np.count_nonzero(changed)),
        objects_added=added,
        objects_removed=removed,
        objects_changed=altered,
        before_sha256=mask_sha256(before.labels),
        after_sha256=mask_sha256(labels),
        difference_sha256=sha256_bytes(difference),
        previous=NOTHING,
        undoes=undoes,
    )
    with _alone(folder):
        ledger = read(folder)
        _check_not_edited_meanwhile(folder, micrograph, known, ledger)
        if len(ledger) == _MOST:
            msg = f"{folder}: holds {_MOST} edits; correct the segmentation at its source instead"
            raise OutputError(msg)
        entry = _sealed(
            replace(
                edit,
                number=len(ledger) + 1,
                when=now().isoformat().replace("+00:00", "Z"),
                previous=sha256_bytes(ledger[-1].text) if ledger else NOTHING,
            ),
            difference,
        )
        # the pixels first: with its entry an edit counts
        write_whole(folder / difference_name(entry.edit), difference)
        write_whole(folder / text_name(entry.edit), entry.text)
    return (*ledger, entry)


def _sealed(edit: Edit, difference: bytes) -> Entry:
    body = dump_edit(edit).encode().rpartition(_SEAL)[0] + b"\n"
    edit = replace(edit, sha256=sha256_bytes(body))
    return Entry(edit=edit, text=dump_edit(edit).encode(), difference=difference)


def _check_not_edited_meanwhile(
    folder: Path, micrograph: Micrograph, known: Sequence[Entry], ledger: Sequence[Entry]
) -> None:
    """Compare a ledger with what it was when its field was segmented; edits of other fields do no harm."""
    if [entry.text for entry in ledger[: len(known)]] != [entry.text for entry in known]:
        msg = f"{folder}: edits were taken out of it or changed meanwhile; look who did it, then try again"
        raise ReadError(msg)
    for entry in of_image(ledger[len(known) :], micrograph.sha256):
        msg = (
            f"{micrograph.path}: was edited meanwhile ({text_name(entry.edit)}, {_who(entry.edit)}: "
            f"{entry.edit.reason}); nothing was recorded: export the mask again, correct it and record it then"
        )
        raise ReadError(msg)


def withdraw(folder: Path, first: int = 1) -> tuple[str, ...]:
    """Move the entries of a ledger from one number on aside, into a folder beside it; nothing is deleted.

    Parameters
    ----------
    folder : Path
        Of the ledger; it may be damaged from ``first`` on, or missing.
    first : int
        Number of the first entry that goes.

    Returns
    -------
    tuple of str
        Where the entries lie now, the last one first; empty: there were none.

    Raises
    ------
    OutputError
        They cannot be moved, or another process holds the ledger.
    """
    if not folder.is_dir():
        return ()
    moved: list[str] = []
    with _alone(folder):
        going = sorted(
            (path for path in folder.glob("[0-9][0-9][0-9][0-9]*") if int(path.name[:4]) >= first),
            key=lambda path: (-int(path.name[:4]), path.suffix != ".toml"),  # an entry never stands without its pixels
        )
        if going:
            aside = next(
                path for i in range(1, _MOST) if not (path := folder.with_name(f"{folder.name}.withdrawn-{i}")).exists()
            )
            aside.mkdir()
        for path in going:
            path.rename(aside / path.name)
            moved += [str(aside / path.name)] if path.suffix == ".toml" else []
    return tuple(moved)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a ledger for this process alone, without what killed ones have left; an ``OSError`` is worded."""
    try:
        folder.mkdir(exist_ok=True)
        with held(folder / _LOCK, patience_s=PATIENCE_S):
            for left in folder.glob(".*.partial"):
                left.unlink(missing_ok=True)
            yield
    except OSError as error:
        msg = f"{folder}: cannot write the edit: {error.strerror}"
        raise OutputError(msg) from None


def state(ledger: Sequence[Entry]) -> dict[str, object] | None:
    """Say what an audit trail keeps of a ledger: how many entries, of which fields, and the hash of the last one."""
    if not ledger:
        return None
    images = Counter((entry.edit.image, entry.edit.image_sha256) for entry in ledger)
    return {
        "entries": len(ledger),
        "last_sha256": sha256_bytes(ledger[-1].text),
        "fields": [{"image": image, "sha256": sha256, "edits": count} for (image, sha256), count in images.items()],
    }


# ------------------------------------------------------------------------------------------------ applying them


def applied(raw: Segmentation, entries: Sequence[Entry], image: str) -> Segmentation:
    """Lay the edits of one field over its segmentation and its alternatives, one after the other; itself without edits.

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
    if not entries:
        return raw
    labels.setflags(write=False)
    edited = replace(raw, labels=labels, alternatives=no_alternatives)
    return replace(edited, alternatives=partial(carried_over, raw, edited))


def undone(raw: Segmentation, entries: Sequence[Entry], number: int, image: str) -> NDArray[np.int32]:
    """Give the labels of a field without what one of its edits changed; the others stay.

    Parameters
    ----------
    raw : Segmentation
        As the backend gave it.
    entries : sequence of Entry
        All edits of the field.
    number : int
        Of the edit, in its ledger.
    image : str
        Name of the image, for messages.

    Raises
    ------
    ReadError
        The field has no such edit, or a later one has changed some of its pixels: that one goes first.
    """
    place = next((i for i, entry in enumerate(entries) if entry.edit.number == number), None)
    if place is None:
        there_are = ", ".join(str(entry.edit.number) for entry in entries) or "none"
        msg = f"{image}: has no edit {number}; there are: {there_are}"
        raise ReadError(msg)
    before, after, current = (applied(raw, entries[:count], image).labels for count in (place, place + 1, len(entries)))
    changed = before != after
    again = changed & (current != after)
    if again.any():
        row, column = (int(axis[0]) for axis in np.nonzero(again))
        shape = (raw.labels.shape[0], raw.labels.shape[1])
        later = next(entry.edit for entry in reversed(entries) if decode(entry.difference, shape)[row, column])
        msg = (
            f"{image}: edit {number} cannot be taken back alone: edit {later.number} ({_who(later)}) has changed its "
            f"pixel at row {row}, column {column} again; take that one back first"
        )
        raise ReadError(msg)
    return np.where(changed, before, current).astype(np.int32)


def last_in_force(entries: Sequence[Entry]) -> Edit | None:
    """Give the last edit that neither takes another back nor is taken back."""
    back: set[int] = set()
    for entry in reversed(entries):  # what is taken back takes nothing back
        edit = entry.edit
        if edit.undoes is not None and edit.number not in back:
            back.add(edit.undoes)
    fitting = [one.edit for one in entries if one.edit.undoes is None and one.edit.number not in back]
    return fitting[-1] if fitting else None


def put_back(entries: Sequence[Entry], raw: Segmentation, labels: LabelImage, image: str) -> Edit | None:
    """Give the edit of a field that new labels take back entirely; None: they take none back.

    Who records a mask that was exported before an edit would take that edit back without knowing it.
    """
    current = applied(raw, entries, image).labels
    before = raw
    for entry in entries:
        after = applied(before, [entry], image)
        changed = before.labels != after.labels
        there = entry.edit.undoes is None and np.array_equal(current[changed], after.labels[changed])
        given = labels if raw.kind == "semantic" else matched(labels, before.labels)
        if there and np.array_equal(given[changed], before.labels[changed]):
            return entry.edit
        before = after
    return None


def carried_over(raw: Segmentation, edited: Segmentation) -> Iterator[tuple[str, Segmentation]]:
    """Lay what was edited over every other segmentation of the field too.

    Every changed pixel gets its new class or object; the rest of an object that the edits take away goes with it where
    the other segmentation has drawn it larger.
    """
    for name, other in raw.alternatives():
        corrected = replace(other, labels=_carried_over(other.labels, raw, edited))
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


def numbered(labels: LabelImage, base: LabelImage, used: int = 0) -> NDArray[np.int32]:
    """Give objects the numbers they have in ``base``, so that as few pixels as can be get another number.

    As ``matched``; then, the largest overlap first, an object that is none of ``base`` takes the number of one that is
    no longer there. New numbers are above ``used``: a number that an object had is not given to another.
    """
    table = np.zeros(int(labels.max(initial=0)) + 1, np.int32)
    found = matched(labels, base)
    table[labels] = found
    old = len(np.bincount(base.ravel()))
    free = set(np.unique(base).tolist()) - set(table[table < old].tolist())
    own, known, shared = _overlaps(labels, base)
    for i in np.argsort(-shared, kind="stable").tolist():
        if known[i] in free and table[own[i]] >= old:
            table[own[i]] = known[i]
            free.remove(int(known[i]))
    new = np.flatnonzero(table >= old)
    table[new] = max(used, old - 1) + 1 + np.arange(len(new))
    return table[labels]


def used_numbers(raw: Segmentation, entries: Sequence[Entry]) -> int:
    """Give the largest number that an object of a field ever had."""
    shape = (raw.labels.shape[0], raw.labels.shape[1])
    given = [int(decode(entry.difference, shape).max()) - 1 for entry in entries]
    return max(int(raw.labels.max(initial=0)), *given) if given else int(raw.labels.max(initial=0))


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
    made = Text("evidence.edits_made", count=count, fields=len(fields))
    rows = list(_before_and_after(findings.results, () if before is None else before.results))
    several = len({row[1] for row in rows}) > 1
    changes = [
        Text(
            "evidence.result_of_specimen_changed" if several else "evidence.result_changed",
            title=title,
            specimen=specimen,
            old=_number(old),
            new=_number(new) + ("" if unit == "1" else f" {unit}"),
        )
        for title, specimen, unit, old, new in rows
    ]
    worst = max(fields, key=lambda field: field.share)
    check = Check(
        name=Text("evidence.check_edited_pixels"),
        value=100 * worst.share,
        relation="<=",
        limit=100 * cap,
        unit="%",
        passed=worst.share <= cap,
        clause=Text("evidence.clause_edit_cap"),
        scope="method",
        note=Text(
            "evidence.note_largest_edited_share",
            image=worst.edits[0].image,
            changed_px=worst.changed_px,
            counted_px=worst.counted_px,
        ),
    )
    who = Table(
        title=TABLE,
        columns=(
            *(
                Text("words.number"),
                Text("words.specimen"),
                Text("words.field"),
                Text("words.image"),
                Text("words.when_utc"),
                Text("words.by"),
                Text("words.reason"),
                Text("words.changed_px"),
                Text("evidence.column_edited_share"),
            ),
            *(Text("words.objects_added"), Text("words.removed"), Text("words.changed")),
        ),
        rows=tuple(
            (
                *(edit.number, edit.specimen, edit.field, edit.image, edit.when, edit.by, _reason(edit)),
                *(edit.changed_px, float(f"{100 * edit.changed_px / max(field.counted_px, 1):.3g}")),
                *(edit.objects_added, edit.objects_removed, edit.objects_changed),
            )
            for edit, field in sorted(((e, f) for f in fields for e in f.edits), key=lambda pair: pair[0].number)
        ),
        note=Text("evidence.note_edited_share"),
    )
    results = Table(
        title=RESULTS,
        columns=(
            Text("words.result"),
            Text("words.specimen"),
            Text("words.unit"),
            Text("words.before"),
            Text("words.after"),
        ),
        rows=tuple(rows),
        note=Text("evidence.note_results_before_edits")
        + (Text("evidence.note_before_not_measurable") if before is None else "."),
    )
    statement = Statement(
        name=Text("evidence.edits"),
        text=Text("evidence.edits_text", made=made, fields=_ledger_told(fields)),
    )
    return replace(
        findings,
        checks=(*findings.checks, check),
        statements=(*findings.statements, statement),
        tables=(*findings.tables, who, results),
        warnings=(
            *findings.warnings,
            Text("evidence.warning_edits_change_results", made=made, changes=tuple(changes))
            if changes
            else joined("", (made, ".")),
        ),
    )


def _ledger_told(fields: Sequence[Edited]) -> str:
    """How many entries the ledger holds of which image, and the hash of the last one: as an audit trail keeps it."""
    counts = ", ".join(f"{field.edits[0].image} {len(field.edits)}" for field in fields)
    last = max((edit for field in fields for edit in field.edits), key=lambda edit: edit.number)
    sha256 = sha256_bytes(dump_edit(last).encode())
    return Text("evidence.ledger_of_edits", number=last.number, counts=counts, last=text_name(last), sha256=sha256)


def places(report: Report) -> list[tuple[str, tuple[Cell, ...]]]:
    """Give the pictures of edited places that a report names, each with its row of the table of edits."""
    there = {item.file for item in report.attachments if item.role == "picture"}
    rows = [row for table in report.tables if is_text(table.title, TABLE.key) for row in table.rows]
    numbered_rows = [(picture_name(row[0]), row) for row in rows if isinstance(row[0], int)]
    return [(file, row) for file, row in numbered_rows if file in there]


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


def _reason(edit: Edit) -> str:
    return (
        edit.reason if edit.undoes is None else Text("evidence.takes_back_edit", undoes=edit.undoes, reason=edit.reason)
    )


def _number(value: float | None) -> str:
    return "not measurable" if value is None else f"{value:.4g}"
