"""The index of a lab made again from the reports, which are the evidence."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select

from inspect_tool.errors import InspectError
from inspect_tool.evidence.dossier import open_dossier
from inspect_tool.evidence.provenance import now
from inspect_tool.lab import database, journal, objects, release, rows, tables
from inspect_tool.lab.database import Lab, connected
from inspect_tool.lab.index import path_of, rank, record_of
from inspect_tool.lab.record import Record

_AT_ONCE = 100  # reports of one transaction: others wait as long to write


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What an index was made again of, and what is lacking."""

    reports: int
    kept_aside: Path | None  # damaged database, under its new name
    missing: tuple[tuple[str, str], ...]  # place, and what is said of it
    unreadable: tuple[str, ...]  # reports that cannot be read: one line each
    other_pdfs: int  # in the lab that are no reports
    damaged: tuple[Path, ...]  # objects that are not what was kept
    lost_lines: int  # of reports.jsonl
    releases: int  # that audit trails tell of and the database had lost


def rebuild(
    folder: Path, *, check_objects: bool = False, progress: Callable[[int, int, str], None] | None = None
) -> Rebuilt:
    """Make the index of a lab again from the reports in its folder and at every place it was ever given.

    Nothing is dropped in silence: of a report that is missing the rows stay where there are any, and it is listed.

    Parameters
    ----------
    folder : Path
        Of the lab; its database may be missing or damaged.
    check_objects : bool
        Read every object and compare its hash.
    progress : callable, optional
        Called with (reports done, reports in all, place).

    Raises
    ------
    InspectError
        The folder is no lab, or its database cannot be written.
    """
    lab = database.settings_of(folder)
    aside = database.restore(lab)
    lines, lost = journal.read(lab.folder)
    with connected(lab, read_only=True) as connection:
        known = connection.execute(select(tables.report)).all()
    added: dict[str, datetime] = {}
    for uid, moment in [*((line.uid, line.added) for line in lines), *((row.uid, row.added) for row in known)]:
        added[uid] = min(moment, added.get(uid, moment))
    recorded = {*(line.place for line in lines), *(row.place for row in known)}
    places = sorted({*_below(lab), *recorded}, key=lambda at: rank(lab, at))
    other_pdfs = 0
    seen: dict[str, str] = {}
    unreadable: dict[str, str] = {}
    kinds: dict[str, str] = {}
    waiting: list[Record] = []
    for i, place in enumerate(places):
        if progress is not None:
            progress(i, len(places), place)
        if not path_of(lab, place).exists():
            continue
        try:
            row = record_of(lab, open_dossier(path_of(lab, place)), place)
        except InspectError as error:
            if place not in recorded and path_of(lab, place).is_file():
                other_pdfs += 1  # a certificate, a drawing
            else:
                unreadable[place] = str(error)
            continue
        if row.uid in seen:
            continue
        seen[row.uid] = place
        if row.uid not in added:
            added[row.uid] = now()
            journal.append(lab.folder, journal.Line(uid=row.uid, place=place, added=added[row.uid]))
        kinds |= dict.fromkeys(row.masks, "mask") | {one["sha256"]: "image" for one in row.micrographs}
        waiting.append(row)
        if len(waiting) == _AT_ONCE:
            _put(lab, waiting, added)
            waiting.clear()
    _put(lab, waiting, added)
    missing: list[tuple[str, str]] = []
    with rows.adding(lab) as connection:
        held = {*seen.values()}
        for old in known:
            if old.uid not in seen and old.place in held:
                rows.forget(connection, old)
        missing += [one for one in _missing(lines, known, seen) if one[0] not in unreadable]
        rows.tidy(connection)
        connection.execute(delete(tables.object_))
        rows.put_objects(connection, ((one, kinds.get(one.sha256, "")) for one in objects.kept(lab.folder)))
        releases = release.recalled(connection, release.trails_of(lab, seen.values()))
    return Rebuilt(
        reports=len(seen),
        kept_aside=aside,
        missing=tuple(missing),
        unreadable=tuple(f"{place}: {fault}" for place, fault in unreadable.items()),
        other_pdfs=other_pdfs,
        damaged=tuple(objects.damaged(lab.folder)) if check_objects else (),
        lost_lines=lost,
        releases=releases,
    )


def _put(lab: Lab, waiting: Iterable[Record], added: Mapping[str, datetime]) -> None:
    with rows.adding(lab) as connection:
        for row in waiting:
            rows.put(connection, row, added[row.uid])


def _below(lab: Lab) -> Iterator[str]:
    """Report folders in the folder of a lab, and PDF files, which may be reports."""
    for at, folders, files in os.walk(lab.folder):
        here = Path(at)
        if "report.json" in files and here != lab.folder:
            folders.clear()
            yield here.relative_to(lab.folder).as_posix()
            continue
        folders[:] = [
            name for name in folders if not name.startswith(".") and not (here == lab.folder and name == objects.FOLDER)
        ]
        for name in files:
            if name.lower().endswith(".pdf") and not name.startswith("."):
                yield (here / name).relative_to(lab.folder).as_posix()


def _missing(lines: list[journal.Line], known: Sequence[Any], seen: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Places of reports that the lab was given and that were not found, and what is said of each."""
    held = {*seen.values()}
    last = {line.place: line.uid for line in lines}
    places = {row.uid: row.place for row in known} | {line.uid: line.place for line in lines}
    numbers = {row.uid: row.number for row in known}
    for uid, place in places.items():
        if uid in seen:
            continue
        who = numbers.get(uid) or f"a report of SHA-256 {uid[:12]}..."
        if place in held:
            if uid in numbers or last.get(place) == uid:
                yield place, f"{who} was written over there: it holds another report"
        elif last.get(place) in (uid, None):
            kept = "; what was known of it stays" if uid in numbers else ""
            yield place, f"{who} is missing{kept}"
