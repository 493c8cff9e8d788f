"""Reports given to a lab: what they say goes into its database, where they lie into its journal."""

import glob
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Connection, select, update

from inspect_tool.errors import InspectError, ReadError
from inspect_tool.evidence.audit import HEAD, LOG
from inspect_tool.evidence.dossier import LARGEST_FILE, Dossier, open_dossier
from inspect_tool.evidence.provenance import now
from inspect_tool.files import read_bytes, sha256_bytes
from inspect_tool.folders import whole
from inspect_tool.lab import journal, objects, rows, tables
from inspect_tool.lab.database import Lab, connected
from inspect_tool.lab.record import Record, record


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What became of a report that a lab was given."""

    uid: str  # SHA-256 of report.json
    number: str  # the report's own id
    place: str
    is_new: bool  # the lab did not know it
    gone: tuple[str, ...] = ()  # numbers of reports that lay there before, were written over, and lie nowhere else


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """What is kept of a report besides its numbers."""

    images: tuple[Path, ...] = ()  # files, and folders in which the images of the report are looked for
    masks: bool = True


def add(lab: Lab, path: Path, keep: Keep | None = None) -> Added:
    """Remember a report; one that is known already stays as it is.

    Parameters
    ----------
    lab : Lab
    path : Path
        Report folder, its ``report.json``, or the PDF.
    keep : Keep, optional
        Copy images and masks into the objects of the lab.

    Raises
    ------
    ReadError
        It is no report that can be read, or an image that is to be kept is not found.
    OutputError
        The lab cannot be written.
    """
    place = place_of(lab, path)
    if keep is None and (known := _known(lab, path, place)):
        return known
    dossier = open_dossier(path)
    row = record_of(lab, dossier, place)
    kept = () if keep is None else _kept(lab, dossier, row, keep)
    moment = now()
    journal.append(lab.folder, journal.Line(uid=row.uid, place=place, added=moment))
    with rows.adding(lab) as connection:
        before = rows.row(connection, row.uid)
        if before is not None and rank(lab, before.place) <= rank(lab, place) and _holds(lab, before.place, row.uid):
            row = replace(row, report={**row.report, "place": before.place, "name": before.name})
        gone = _written_over(lab, connection, place, row.uid)
        rows.put(connection, row, before.added if before is not None else moment)
        rows.put_objects(connection, kept)
    return Added(uid=row.uid, number=row.report["number"], place=place, is_new=before is None, gone=gone)


def reports_of(path: Path) -> tuple[Path, ...]:
    """Reports that are meant by a path: those in a folder of reports, and none by the audit trail beside them."""
    if path.name in (LOG, HEAD):
        return ()
    if not path.is_dir() or (path / "report.json").exists():
        return (path,)
    return tuple(each.parent for each in whole(path, "report.json")) or (path,)


def place_of(lab: Lab, path: Path) -> str:
    """Name a report folder or PDF: from the folder of the lab where it lies in it, else absolute."""
    found = path.resolve()
    if found.name == "report.json" and not found.is_dir():
        found = found.parent
    root = lab.folder.resolve()
    return found.relative_to(root).as_posix() if found.is_relative_to(root) else str(found)


def path_of(lab: Lab, place: str) -> Path:
    """Where a place of a lab is on this computer."""
    return lab.folder / place


# --------------------------------------------------------------------------------------------------------- one report


def record_of(lab: Lab, dossier: Dossier, place: str) -> Record:
    """Make rows of a report that lies at a place of a lab."""
    return record(dossier.report, dossier.json, name=_name(lab, place), place=place)


def _name(lab: Lab, place: str) -> str:
    path = path_of(lab, place)
    return path.name if path.is_dir() else path.stem


def _known(lab: Lab, path: Path, place: str) -> Added | None:
    """A report folder that was added as it is, told by its hash alone."""
    try:
        uid = sha256_bytes(read_bytes(path / "report.json" if path.is_dir() else path, LARGEST_FILE))
    except OSError:
        return None
    with connected(lab, read_only=True) as connection:
        row = rows.row(connection, uid)
    if row is None or row.place != place:
        return None
    return Added(uid=uid, number=row.number, place=place, is_new=False)


def rank(lab: Lab, place: str) -> tuple[bool, bool, str]:
    """Which of several places of one report is remembered: one in the lab first, folders before PDF files."""
    return Path(place).is_absolute(), not path_of(lab, place).is_dir(), place


def dossier_at(path: Path, uid: str) -> Dossier | None:
    """A report that was added from here; None: it is not there any more, or was changed."""
    try:
        found = open_dossier(path)
    except InspectError:
        return None
    return found if sha256_bytes(found.json) == uid else None


def _holds(lab: Lab, place: str, uid: str) -> bool:
    """Whether a report still lies at a place."""
    return dossier_at(path_of(lab, place), uid) is not None


def _written_over(lab: Lab, connection: Connection, place: str, uid: str) -> tuple[str, ...]:
    """Forget reports that lay at a place which holds another one now, unless they lie elsewhere too."""
    gone = []
    other = select(tables.report).where(tables.report.c.place == place, tables.report.c.uid != uid)
    for row in connection.execute(other).all():
        lines, _ = journal.read(lab.folder)
        places = sorted({line.place for line in lines if line.uid == row.uid} - {place}, key=lambda at: rank(lab, at))
        still = next((at for at in places if _holds(lab, at, row.uid)), None)
        if still is None:
            rows.forget(connection, row)
            gone.append(row.number)
        else:
            moved = update(tables.report).where(tables.report.c.id == row.id)
            connection.execute(moved.values(place=still, name=_name(lab, still)))
    return tuple(gone)


# ------------------------------------------------------------------------------------------------------------ objects


def _kept(lab: Lab, dossier: Dossier, row: Record, keep: Keep) -> list[tuple[objects.Object, str]]:
    """Copy images and masks of a report into the objects of a lab."""
    found: list[tuple[objects.Object, str]] = []
    if keep.images:
        found += [(_kept_image(lab, one["file"], one["sha256"], keep.images), "image") for one in row.micrographs]
    if keep.masks:
        for micrograph in dossier.report.micrographs:
            for mask in micrograph.evidence.masks if micrograph.evidence is not None else ():
                data = dossier.read(mask.file)
                made = None if data is None else objects.keep_bytes(lab.folder, data, mask.sha256)
                if made is None:
                    msg = f"{dossier.name}: its {mask.file} is missing or was changed; it is not kept"
                    raise ReadError(msg)
                found.append((made, "mask"))
    return found


def _kept_image(lab: Lab, name: str, sha256: str, places: Iterable[Path]) -> objects.Object:
    named = [at for place in places for at in ([place] if place.is_file() else sorted(place.rglob(glob.escape(name))))]
    tried = [at for at in named if at.name == name and at.is_file()]
    fault = ReadError(f"{name}: is not in {', '.join(map(str, places))}; name the folder of the images")
    for at in tried:
        try:
            return objects.keep(lab.folder, at, sha256)
        except ReadError as error:
            fault = error
    raise fault
