"""What lies open while people look and draw: fields and drafts, a few at a time.

Everything here is read again from files and tables when it is gone: an operation is in the database before it is
answered, and nothing that is only in memory is ever needed.
"""

import json
import threading
from collections import OrderedDict
from dataclasses import dataclass
from dataclasses import field as default
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import ReadError
from inspect_tool.evidence import edits
from inspect_tool.evidence.masks import mask_sha256
from inspect_tool.inspection import correct
from inspect_tool.lab.database import Lab, connected
from inspect_tool.lab.users import Person
from inspect_tool.measure.recall import Recall
from inspect_tool.model import Edit
from inspect_tool.segmentation import prompt
from inspect_tool.web.editing import drafts, fields, numbers, operations, pointed
from inspect_tool.web.editing.drafts import Draft
from inspect_tool.web.editing.fields import Field
from inspect_tool.web.editing.numbers import Numbers
from inspect_tool.web.editing.raster import Box

NAME = "editing"
"""Of the room, in ``Bench.kept``."""
MOST_FIELDS, MOST_SHEETS = 3, 5
_Key: TypeAlias = tuple[str, int]  # name of the inspection, number of the field
_K = TypeVar("_K")
_V = TypeVar("_V")


@dataclass(slots=True, kw_only=True, eq=False)
class Sheet:
    """Labels of a field with the draft of a person."""

    field: Field
    account: int | None
    draft: Draft | None  # as it is in the database
    labels: NDArray[np.int32]
    used: int
    version: int = 0  # grows with every change
    under: list[tuple[Box, NDArray[np.int32], int]] = default(default_factory=list)  # what operations covered
    fault: str = ""  # why the draft does not fit
    results: dict[str, Numbers] = default(default_factory=dict)  # before, and those of the last version asked for
    recall: Recall = default(default_factory=Recall)  # what is known of the last version that was measured
    lock: threading.RLock = default(default_factory=threading.RLock)
    measuring: threading.Lock = default(default_factory=threading.Lock)

    @property
    def position(self) -> int:
        """Operations that are done."""
        return 0 if self.draft is None else self.draft.position


@dataclass(slots=True, kw_only=True, eq=False)
class Desk:
    """Fields and drafts that are open."""

    fields: "OrderedDict[_Key, Field]" = default(default_factory=OrderedDict)
    sheets: "OrderedDict[tuple[_Key, int | None], Sheet]" = default(default_factory=OrderedDict)
    lock: threading.Lock = default(default_factory=threading.Lock)
    opening: dict[_Key, threading.RLock] = default(default_factory=dict)  # who opens one field keeps nobody from others
    outlines: prompt.Model | None = None  # what outlines things that are clicked on, once it was asked for
    loading: threading.Lock = default(default_factory=threading.Lock)


def field_of(desk: Desk, lab: Lab, name: str, number: int, *, fresh: bool = True) -> Field:
    """Open a field, or give the one that lies open; ``fresh``: as its files are at this moment.

    Raises
    ------
    ReadError
        As ``fields.opened``.
    """
    key = (name, number)
    with _opening(desk, key):
        with desk.lock:
            kept = desk.fields.get(key)
        if kept is None or (fresh and kept.stamp != fields.stamp_of(lab, name, lab.folder / kept.place.job)):
            kept = fields.opened(lab, name, number)
        with desk.lock:
            _keep(desk.fields, key, kept, MOST_FIELDS)
        return kept


def _opening(desk: Desk, key: _Key) -> threading.RLock:
    with desk.lock:
        return desk.opening.setdefault(key, threading.RLock())


def _keep(kept: "OrderedDict[_K, _V]", key: _K, value: _V, most: int) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > most:
        kept.popitem(last=False)


def sheet_of(desk: Desk, lab: Lab, field: Field, person: Person, *, fresh: bool = False) -> Sheet:
    """Labels of a field with the draft of a person laid over them; ``fresh``: as it is in the database at this moment.

    Raises
    ------
    ReadError
        The field has no labels that could be corrected.
    """
    if field.measured is None:
        raise ReadError(field.why_not)
    place = (field.inspection, field.number)
    with _opening(desk, place):
        with desk.lock:
            sheet = desk.sheets.get((place, person.id))
        if sheet is None or sheet.field is not field or (fresh and sheet.draft != _kept(lab, field, person)):
            sheet = _opened(lab, field, person)
        with desk.lock:
            _keep(desk.sheets, (place, person.id), sheet, MOST_SHEETS)
        return sheet


def _opened(lab: Lab, field: Field, person: Person) -> Sheet:
    assert field.measured is not None
    draft = _kept(lab, field, person)
    if draft is not None and _is_committed(field, draft):
        with connected(lab) as connection:
            drafts.discard(connection, field.place, person.id)
        draft = None
    sheet = Sheet(
        field=field,
        account=person.id,
        draft=draft,
        labels=field.measured.labels.copy(),
        used=field.measured.present.used,
    )
    if draft is not None and draft.base != field.measured.base:
        sheet.fault = _other_labels(field, draft)
    elif draft is not None:
        _replay(sheet, draft)
    return sheet


def _kept(lab: Lab, field: Field, person: Person) -> Draft | None:
    with connected(lab, read_only=True) as connection:
        return drafts.found(connection, field.place, person.id)


def _replay(sheet: Sheet, draft: Draft) -> None:
    for told in draft.operations[: draft.position]:
        _laid(sheet, *_made(sheet, told))


def _is_committed(field: Field, draft: Draft) -> bool:
    """Whether a draft is in the ledger: the server was stopped after that, and before it gave the draft up."""
    assert field.measured is not None
    present = field.measured.present
    before = [i for i, one in enumerate(present.entries) if one.edit.before_sha256 == draft.base]
    if not before or draft.base == field.measured.base:
        return False
    entries = present.entries[: before[0]]
    sheet = Sheet(
        field=field,
        account=None,
        draft=None,
        labels=np.array(edits.applied(present.raw, entries, field.source.name).labels, np.int32),
        used=edits.used_numbers(present.raw, entries),
    )
    _replay(sheet, draft)
    return mask_sha256(sheet.labels) == present.entries[before[0]].edit.after_sha256


def _other_labels(field: Field, draft: Draft) -> str:
    """Say what became of the labels that a draft was begun on."""
    assert field.measured is not None
    since = [one.edit for one in field.measured.present.entries if one.edit.before_sha256 == draft.base]
    why = f"{since[0].by} corrected the field ({since[0].reason})" if since else "the field was measured anew"
    return (
        f"your draft of {draft.position} correction{'s' if draft.position != 1 else ''} was begun on other labels: "
        f"{why} since. It is kept, and not applied"
    )


def _made(sheet: Sheet, told: str) -> tuple[NDArray[np.int32], Box]:
    field = sheet.field
    assert field.measured is not None
    operation = operations.parsed(told, field.shape)
    part, box = operations.applied(sheet.labels, operation, fields.ground_of(field, sheet.used))
    current = field.measured.present.current
    if current.objects is not None and ((part > 0) != (sheet.labels[box.part] > 0)).any():
        msg = "the outline of a joint comes from the backend; change what lies within joints only"
        raise ReadError(msg)
    return part, box


def _laid(sheet: Sheet, part: NDArray[np.int32], box: Box) -> Box:
    sheet.under.append((box, sheet.labels[box.part].copy(), sheet.used))
    sheet.labels[box.part] = part
    sheet.used = max(sheet.used, int(part.max(initial=0)))
    sheet.version += 1
    return box


def do(lab: Lab, sheet: Sheet, told: object) -> Box:
    """Do an operation: it is in the database before this returns. Gives what it touched.

    Raises
    ------
    ReadError
        It means nothing here, the draft does not fit, or was changed in another window.
    """
    with sheet.lock:
        _check_fits(sheet)
        field = sheet.field
        assert field.measured is not None
        operation = operations.read(told, field.shape)
        text = json.dumps(operations.told(operation), separators=(",", ":"))
        part, box = _made(sheet, text)
        _store(lab, sheet, (sheet.draft or Draft(base=field.measured.base)).done(text))
        return _laid(sheet, part, box)


def pointed_at(desk: Desk, sheet: Sheet, told: dict[str, object]) -> dict[str, object]:
    """Make a click on something that was missed the outline of it, as an operation that can be done.

    Raises
    ------
    InspectError
        It is no click, nothing is seen there, or the weights are not there.
    """
    click = pointed.read(told, sheet.field.shape)
    with desk.loading:  # one network, one question at a time
        if desk.outlines is None:
            desk.outlines = prompt.load(prompt.Settings())
        return operations.told(pointed.outlined(desk.outlines, sheet.field.micrograph, click))


def undo(lab: Lab, sheet: Sheet) -> Box:
    """Undo the last operation."""
    with sheet.lock:
        _check_fits(sheet)
        draft = sheet.draft
        if draft is None or not draft.position:
            msg = "there is nothing to undo"
            raise ReadError(msg)
        _store(lab, sheet, draft.moved(-1))
        box, before, sheet.used = sheet.under.pop()
        sheet.labels[box.part] = before
        sheet.version += 1
        return box


def redo(lab: Lab, sheet: Sheet) -> Box:
    """Do again what was undone last."""
    with sheet.lock:
        _check_fits(sheet)
        draft = sheet.draft
        if draft is None or draft.position == len(draft.operations):
            msg = "there is nothing to do again"
            raise ReadError(msg)
        part, box = _made(sheet, draft.operations[draft.position])
        _store(lab, sheet, draft.moved(1))
        return _laid(sheet, part, box)


def _check_fits(sheet: Sheet) -> None:
    if sheet.fault:
        raise ReadError(sheet.fault)


def _store(lab: Lab, sheet: Sheet, draft: Draft) -> None:
    with connected(lab) as connection:
        drafts.put(connection, sheet.field.place, sheet.account, draft, sheet.draft)
    sheet.draft = draft


def discard(desk: Desk, lab: Lab, sheet: Sheet) -> None:
    """Give the draft of a sheet up."""
    with sheet.lock, connected(lab) as connection:
        drafts.discard(connection, sheet.field.place, sheet.account)
    _put_away(desk, sheet)


def _put_away(desk: Desk, sheet: Sheet) -> None:
    with desk.lock:
        desk.sheets.pop(((sheet.field.inspection, sheet.field.number), sheet.account), None)


def commit(desk: Desk, lab: Lab, sheet: Sheet, reason: str, person: Person) -> Edit:
    """Write what was drawn into the ledger of edits, as one entry with the name of the person and the reason.

    Raises
    ------
    InspectError
        As ``correct.commit``; the draft stays.
    """
    with sheet.lock:
        _check_fits(sheet)
        field = sheet.field
        assert field.measured is not None
        if not sheet.position:
            msg = "nothing was corrected: there is nothing to commit"
            raise ReadError(msg)
        asked = correct.Asked(planned=field.planned, source=field.source, micrograph=field.micrograph, out=lab.reports)
        made = correct.commit(
            asked,
            field.measured.present,
            sheet.labels.copy(),
            reason=reason,
            by=person.full_name,
            user=person.full_name,
        )
        with connected(lab) as connection:
            drafts.discard(connection, field.place, sheet.account)
    _put_away(desk, sheet)
    return made


def compared(sheet: Sheet) -> tuple[numbers.Change, ...] | str:
    """Main results of the field before the draft and with it; or why there are none."""
    field = sheet.field
    assert field.measured is not None
    with sheet.measuring:  # one at a time: it may take seconds
        if "before" not in sheet.results:
            sheet.results["before"] = numbers.of(field, field.measured.labels, sheet.recall)
        with sheet.lock:
            labels, name = sheet.labels.copy(), str(sheet.version)
        if name not in sheet.results:
            after = numbers.of(field, labels, sheet.recall) if sheet.position else sheet.results["before"]
            sheet.results = {"before": sheet.results["before"], name: after}
        before, after = sheet.results["before"], sheet.results[name]
    return numbers.changes(before, after) if after.results or before.results else after.fault
