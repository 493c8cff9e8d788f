"""The list of all reports that a lab was ever given: what tells, after its database is lost, which one is missing.

``reports.jsonl`` lies beside the database. A line is added before a report is written to the database, none is ever
changed: the report, where it lay, and when it came.
"""

import errno
import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from inspect_tool import locks
from inspect_tool.errors import OutputError
from inspect_tool.files import read_bytes

FILE = "reports.jsonl"

_PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A report that came."""

    uid: str  # SHA-256 of report.json
    place: str  # folder or PDF: relative to the lab's folder where it lies in it, else absolute
    added: datetime  # UTC


def append(folder: Path, line: Line) -> None:
    """Add a line, which is on the disk when this returns.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    path = folder / FILE
    entry = {"uid": line.uid, "place": line.place, "added": line.added.isoformat()}
    data = json.dumps(entry, ensure_ascii=False).encode() + b"\n"
    try:
        with locks.held(folder / f".{FILE}.lock", patience_s=_PATIENCE_S), path.open("a+b", buffering=0) as file:
            start = file.seek(0, os.SEEK_END)
            if start:
                file.seek(start - 1)
                data = data if file.read(1) == b"\n" else b"\n" + data  # after a line that a kill has cut off
            if file.write(data) != len(data):
                file.truncate(start)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file.fileno())
    except OSError as error:
        msg = f"{path}: cannot be written: {error.strerror}"
        raise OutputError(msg) from None


def read(folder: Path) -> tuple[list[Line], int]:
    """Read all lines, oldest first, and count those that cannot be read (cut off, or changed by hand).

    Raises
    ------
    OutputError
        The file cannot be read.
    """
    try:
        data = read_bytes(folder / FILE)
    except FileNotFoundError:
        return [], 0
    except OSError as error:
        msg = f"{folder / FILE}: cannot be read: {error.strerror}"
        raise OutputError(msg) from None
    lines, unreadable = [], 0
    for text in data.splitlines():
        try:
            found = json.loads(text)
            lines.append(Line(uid=found["uid"], place=found["place"], added=datetime.fromisoformat(found["added"])))
        except (ValueError, TypeError, KeyError):
            unreadable += 1
    return lines, unreadable
