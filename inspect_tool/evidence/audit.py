"""Audit trail of a project folder: an append-only, hash-chained event log in JSON lines.

Every line of ``audit.jsonl`` is one entry. ``sha256`` is the hash of the line without that last key, ``previous`` the
hash of the whole line before it (64 zeros before the first), so that a change, a removal and another order show.
``audit.head`` holds the number of entries and the hash of the last line: without it a cut tail would not show.
``docs/audit_trail.md`` says what is found and what cannot be.
"""

import errno
import getpass
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from inspect_tool import __version__
from inspect_tool.errors import OutputError, ReadError, SettingsError
from inspect_tool.evidence import trail_checks, trail_reports
from inspect_tool.evidence.provenance import now
from inspect_tool.files import NOTHING, plain, read_bytes, write_whole
from inspect_tool.folders import whole
from inspect_tool.locks import lock
from inspect_tool.paths import real

LOG = "audit.jsonl"
HEAD = "audit.head"
PATIENCE_S = 30.0  # how long another process may hold the log [s]

EventKind = Literal[
    "run", "settings change", "edit", "sign", "release", "supersede", "repair", "withdraw", "check by hand",
    "account", "template", "specification", "limits", "classifier",
]  # fmt: skip
_KEYS = (
    *("number", "time", "event", "subject", "user", "software", "reason", "old", "new"),
    *("previous", "sha256"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a report, a job or an account: what is to be remembered. Never hand it a secret."""

    event: EventKind
    subject: str  # identification of the report, or name of the job
    reason: str = ""
    old: Any = None  # plain data: numbers, texts, lists, dictionaries
    new: Any = None
    user: str = ""  # who did it; empty: the person at work, see ``user()``


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the log. The hashes are hexadecimal SHA-256."""

    number: int  # 1-based
    time: str  # UTC, ISO 8601
    event: str
    subject: str
    user: str
    software: str
    reason: str
    old: Any
    new: Any
    previous: str  # of the line before
    sha256: str  # of this line without this key
    line_sha256: str  # of this line; what the next one names


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """A log as it was read: its whole entries, what is wrong with it, and what a reader should know."""

    entries: tuple[Entry, ...]
    problems: tuple[str, ...] = ()  # the chain does not hold; each names the place
    notes: tuple[str, ...] = ()  # the chain holds; e.g. bytes of an entry that was never finished
    uncompared: tuple[str, ...] = ()  # what it tells of and is not at hand, see ``verify``
    torn: bytes = field(default=b"", repr=False)  # after the last whole line
    whole: int = 0  # bytes of whole lines

    @property
    def last(self) -> str:
        """Number and hash of the last entry, as reports and signatures carry it: ``"12 3fa9..."``."""
        return f"{len(self.entries)} {self.entries[-1].line_sha256 if self.entries else NOTHING}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A log that this process holds alone."""

    folder: Path
    file: int  # descriptor
    trail: Trail


def user() -> str:
    """Name of the person at work: ``INSPECT_TOOL_USER``, or the user of the operating system."""
    named = os.environ.get("INSPECT_TOOL_USER", "").strip()
    if named:
        return named
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return f"user {os.getuid()}" if hasattr(os, "getuid") else "not stated"


def append(folder: Path, *events: Event) -> tuple[Entry, ...]:
    """Append events to the log of a folder, one after the other, and make sure that they are on the disk.

    One process writes at a time; the others wait. An unfinished last line, left by a process that was killed,
    is kept in a ``repair`` entry that takes its place.

    Parameters
    ----------
    folder : Path
        Project folder; it and its log are made when they are not there.
    *events : Event

    Returns
    -------
    tuple of Entry
        As written.

    Raises
    ------
    OutputError
        The log cannot be written, or its chain is broken: then nothing is written.
    """
    with held(folder) as log:
        return add(log, *events)


@contextmanager
def held(folder: Path) -> Iterator[Held]:
    """Hold the log of a folder alone, for what must not come between two steps; made where it is not there.

    Raises
    ------
    OutputError
        The log cannot be opened, or its chain is broken.
    """
    with _opened(folder, write=True) as file:
        yield Held(folder=folder, file=file, trail=_sound(folder, file))


def add(log: Held, *events: Event) -> tuple[Entry, ...]:
    """Append events to a log that is held, as ``append`` does; once each time that it is held."""
    folder, trail = log.folder, log.trail
    if trail.torn:
        text = trail.torn.decode("utf-8", "backslashreplace")
        lost = {"bytes": len(trail.torn), "sha256": hashlib.sha256(trail.torn).hexdigest(), "text": text}
        reason = "the last entry was not finished; what was there of it is kept here"
        events = (Event(event="repair", subject=LOG, reason=reason, old=lost), *events)
    written: list[Entry] = []
    data = b""
    number, previous = len(trail.entries), trail.last.split()[1]
    for event in events:
        number += 1
        line = _line(number, previous, event)
        written.append(_entry(line))
        previous = written[-1].line_sha256
        data += line + b"\n"
    try:
        if not trail.entries:
            _write_head(folder, 0, NOTHING)  # from the first line on there is something to compare with
        _write(log.file, trail.whole, data)
        _write_head(folder, number, previous)
    except OSError as error:
        msg = f"{folder / LOG}: cannot be written: {error.strerror}; the event is not in the audit trail"
        raise OutputError(msg) from None
    return tuple(written)


def ready(folder: Path) -> str:
    """Make sure, before long work, that an event can be appended later; gives ``Trail.last``. Writes nothing.

    Raises
    ------
    OutputError
        The log cannot be written, or its chain is broken.
    """
    path = folder / LOG
    if not path.exists():
        return _log_is_gone_or_new(folder).last
    if not os.access(path, os.R_OK | os.W_OK) or not os.access(folder, os.W_OK | os.X_OK):
        msg = f"{path}: cannot be written; every run is recorded here: get write access, or choose another folder"
        raise OutputError(msg)
    with _opened(folder, write=False) as file:
        return _sound(folder, file).last


def read(folder: Path) -> Trail:
    """Read the log of a folder, or the log itself, and follow its chain.

    Returns
    -------
    Trail
        ``problems`` is empty when the chain holds.

    Raises
    ------
    ReadError
        There is no log, or it cannot be read.
    """
    folder = folder.parent if folder.name == LOG else folder
    try:
        with _opened(folder, write=False) as file:
            return _verified(folder, file)
    except OutputError as error:
        raise ReadError(str(error)) from None


def verify(folder: Path) -> Trail:
    """Read the log of a folder as ``read`` does, and compare it with the reports that lie there.

    A report that was made with the log carries its last entry of then (``Trail.last``): the log must still hold
    that entry, and the run. What the entry of the run says of the report (verdict, values, hashes of its files), and
    what it and every entry of an edit or of a check by hand say of their ledgers, must be so; ``uncompared`` names what
    is not there.
    """
    folder = folder.parent if folder.name == LOG else folder
    trail = read(folder)
    problems, notes = list(trail.problems), list(trail.notes)
    ran = {entry.subject for entry in trail.entries if entry.event == "run"}
    for path in whole(folder, "report.json"):
        try:
            report = json.loads(read_bytes(path))
            name, anchor = f"{path.parent.name}/report.json", str(report["provenance"]["audit"])
            made_of = str(report["id"])
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            notes.append(f"{path.parent.name}/report.json cannot be read, or is of a version without an audit trail")
            continue
        if not anchor:
            notes.append(f"{name} ({made_of}) was made without an audit trail")
        elif not holds(trail, anchor):
            problems.append(f"{name} ({made_of}) was made after entry {anchor[:24]}..., which is not in the log")
        elif made_of not in ran:
            problems.append(f"{name} ({made_of}) was made with this log, which has no entry of that run")
    found = trail_reports.compare(trail.entries, folder)
    by_hand, missing = trail_checks.compare(trail.entries, folder)
    return replace(
        trail,
        problems=(*problems, *found.problems, *by_hand),
        notes=tuple(notes),
        uncompared=(*found.uncompared, *missing),
    )


def holds(trail: Trail, anchor: str) -> bool:
    """Tell whether a log holds the entry that a report or a signature carries (``Trail.last`` of an earlier time)."""
    return anchor == f"0 {NOTHING}" or anchor in {f"{entry.number} {entry.line_sha256}" for entry in trail.entries}


def project_folder(report: Path) -> Path:
    """Folder whose audit trail tells of a report file: the nearest one above that has a log.

    Where there is none yet it is the folder above the report folder (as ``run --out`` makes it), or that of a file
    that lies alone.
    """
    here = real(report).parent
    for folder in (here, *list(here.parents)[:2]):
        if (folder / LOG).exists():
            return folder
    return here.parent if (here / "report.json").is_file() else here


def select(
    entries: Sequence[Entry], *, events: Sequence[str] = (), since: str = "", by: str = "", about: str = ""
) -> tuple[Entry, ...]:
    """Give the entries of some kinds, from a day or time (UTC, ISO 8601) on, of one user, on a subject."""
    start = None
    if since:
        try:
            start = datetime.fromisoformat(since)
        except ValueError:
            msg = f"--since: '{since}' is not a date; write for example 2026-03-09 or 2026-03-09T14:00"
            raise SettingsError(msg) from None
        start = start.replace(tzinfo=start.tzinfo or now().tzinfo)
    known = {entry.event for entry in entries} | set(EventKind.__args__)  # type: ignore[attr-defined]
    for event in events:
        if event not in known:
            msg = f"--event: '{event}' is none of {', '.join(sorted(known))}"
            raise SettingsError(msg)
    return tuple(
        entry
        for entry in entries
        if (not events or entry.event in events)
        and (not by or entry.user == by)
        and about.casefold() in entry.subject.casefold()
        and (start is None or datetime.fromisoformat(entry.time) >= start)
    )


def line(entry: Entry) -> bytes:
    """Give the line of an entry as it stands in the log, without the line end: its hash is ``line_sha256``."""
    return _json({key: getattr(entry, key) for key in _KEYS})


def lines(entry: Entry) -> tuple[str, ...]:
    """Print an entry: one line, then one for every value that changed, and the reason."""
    who = f"{_shown(entry.user)}  {_shown(entry.software)}"
    told = [f"{entry.number:>5}  {entry.time}  {_shown(entry.event):<16}{_shown(entry.subject)}  {who}"]
    old = entry.old if isinstance(entry.old, Mapping) else {}
    new = entry.new if isinstance(entry.new, Mapping) else {}
    for key in dict.fromkeys((*old, *new)):
        if key == "settings":  # of a run: they stand in the report, and here where they change
            continue
        before = f"{_shown(old[key])} -> " if key in old else "none -> " if old else ""
        told.append(f"       {key}: {before}{_shown(new[key]) if key in new else 'none'}")
    return (*told, f"       reason: {_shown(entry.reason)}") if entry.reason else tuple(told)


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = "".join(sign if sign.isprintable() else "?" for sign in text)  # a name must not steer the terminal
    return text if len(text) <= 200 else f"{text[:197]}..."


def differences(
    old: Mapping[str, Any], new: Mapping[str, Any], under: str = ""
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Old and new values of what differs between two nested tables, by dotted keys.

    >>> differences({"settings": {"method": "abrams"}}, {"settings": {"method": "heyn", "lines": 5}})
    ({'settings.method': 'abrams'}, {'settings.method': 'heyn', 'settings.lines': 5})
    """
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for key in dict.fromkeys((*old, *new)):
        if key in old and key in new and old[key] == new[key]:
            continue
        if isinstance(old.get(key), Mapping) and isinstance(new.get(key), Mapping):
            deeper = differences(old[key], new[key], f"{under}{key}.")
            before |= deeper[0]
            after |= deeper[1]
            continue
        before |= {f"{under}{key}": old[key]} if key in old else {}
        after |= {f"{under}{key}": new[key]} if key in new else {}
    return before, after


def run_events(entries: Sequence[Entry], report: str, job: str, facts: Mapping[str, Any]) -> tuple[Event, ...]:
    """Events of one run: the run, after a settings change where the job ran before with other ``facts["settings"]``."""
    facts = plain({"job": job, **facts})
    ran = [entry.new for entry in entries if entry.event == "run" and entry.new.get("job") == job]
    events = [Event(event="run", subject=report, new=facts)]
    if ran:
        old, new = differences(ran[-1].get("settings", {}), facts.get("settings", {}))
        if old or new:
            events.insert(0, Event(event="settings change", subject=job, old=old, new=new))
    return tuple(events)


# ---------------------------------------------------------------------------------------------------- one line


def _line(number: int, previous: str, event: Event) -> bytes:
    """One entry as the bytes of its line, without the line end."""
    facts = {
        "number": number,
        "time": now().isoformat().replace("+00:00", "Z"),
        "event": event.event,
        "subject": event.subject,
        "user": event.user or user(),
        "software": f"inspect_tool {__version__}",
        "reason": event.reason,
        "old": plain(event.old),
        "new": plain(event.new),
        "previous": previous,
    }
    body = _json(facts)
    return body[:-1] + b',"sha256":"' + hashlib.sha256(body).hexdigest().encode() + b'"}'


def _json(value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "backslashreplace")  # a name of a file may hold half a surrogate pair


def _entry(line: bytes) -> Entry:
    """Read one line; a ``ValueError`` says in a word what is wrong with it."""
    try:
        data = json.loads(line, parse_constant=_refused)
    except (ValueError, RecursionError):
        data = None
    if not _is_entry(data):
        msg = "is no entry"
        raise ValueError(msg)
    body, tail = line[: -len(',"sha256":""}') - 64], line[-len(',"sha256":""}') - 64 :]
    own = hashlib.sha256(body + b"}").hexdigest()
    if tail != b',"sha256":"' + own.encode() + b'"}':
        msg = "was changed after it was written: it does not fit its own hash"
        raise ValueError(msg)
    return Entry(**data, line_sha256=hashlib.sha256(line).hexdigest())


def _refused(constant: str) -> None:
    raise ValueError(constant)  # NaN and infinity are no JSON; we never write them


def _is_entry(data: object) -> bool:
    if not isinstance(data, dict) or tuple(data) != _KEYS or not isinstance(data["number"], int):
        return False
    texts = ("time", "event", "subject", "user", "software", "reason", "previous", "sha256")
    if not all(isinstance(data[key], str) for key in texts):
        return False
    if data["event"] in ("run", "sign", "release") and not isinstance(data["new"], dict):
        return False
    try:
        return datetime.fromisoformat(data["time"]).tzinfo is not None
    except ValueError:
        return False


# ------------------------------------------------------------------------------------------------------- files


@contextmanager
def _opened(folder: Path, *, write: bool) -> Iterator[int]:
    """Descriptor of the log, held by this process alone; the system lets go of it when the process ends."""
    path = folder / LOG
    try:
        if write:
            folder.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            raise OSError(errno.EINVAL, "it is no regular file")
        file = os.open(path, (os.O_RDWR | os.O_CREAT if write else os.O_RDONLY) | getattr(os, "O_BINARY", 0), 0o644)
    except FileNotFoundError:
        msg = f"{path}: no such file; the folder has no audit trail"
        raise OutputError(msg) from None
    except OSError as error:
        needed = "written" if write else "read"
        msg = f"{path}: cannot be opened: {error.strerror}; the audit trail must lie where it can be {needed}"
        raise OutputError(msg) from None
    try:
        lock(file, path, alone=write, patience_s=PATIENCE_S)
        yield file
    finally:
        os.close(file)  # gives back the lock


def _contents(file: int, path: Path) -> bytes:
    try:
        with open(file, "rb", closefd=False) as stream:
            stream.seek(0)
            return stream.read()
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}"
        raise OutputError(msg) from None


def _write(file: int, start: int, data: bytes) -> None:
    """Write at a place, over an unfinished line (a repair entry is longer than what it holds)."""
    os.lseek(file, start, os.SEEK_SET)
    left = memoryview(data)
    while left:
        left = left[os.write(file, left) :]
    os.fsync(file)


def _write_head(folder: Path, number: int, last: str) -> None:
    data = _json({"entries": number, "sha256": last}) + b"\n"
    write_whole(folder / HEAD, data, folder / f"{HEAD}.partial")


def _head(folder: Path) -> tuple[int, str] | None:
    try:
        data = json.loads(read_bytes(folder / HEAD))
        return int(data["entries"]), str(data["sha256"])
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None


# ------------------------------------------------------------------------------------------------ verification


def _sound(folder: Path, file: int) -> Trail:
    trail = _verified(folder, file)
    if trail.problems:
        msg = (
            f"{folder / LOG}: {trail.problems[0]}; nothing is added to a broken audit trail: see "
            f"`inspect-tool audit {folder} --verify`, keep {LOG} and {HEAD} elsewhere as evidence, and begin a new one"
        )
        raise OutputError(msg)
    return trail


def _log_is_gone_or_new(folder: Path) -> Trail:
    if (folder / HEAD).exists():
        msg = (
            f"{folder / LOG}: is missing, {HEAD} says that there was one; put it back, or move {HEAD} away too to "
            "begin a new audit trail"
        )
        raise OutputError(msg)
    return Trail(entries=())


def _verified(folder: Path, file: int) -> Trail:
    """Follow the chain from the first line to the last, and compare with the head."""
    *lines, torn = _contents(file, folder / LOG).split(b"\n")
    whole = sum(len(line) + 1 for line in lines)
    entries: list[Entry] = []
    problems: list[str] = []
    notes: list[str] = []
    number, previous, hashes = 0, NOTHING, [NOTHING]  # previous "": the line before is wrong itself
    for i, line in enumerate(lines, 1):
        hashes.append(hashlib.sha256(line).hexdigest())
        try:
            entry = _entry(line)
        except ValueError as error:
            problems.append(f"line {i} (entry {number + 1}) {error}")
            number, previous = number + 1, ""
            continue
        if entry.number > number + 1:
            missing = entry.number - number - 1
            gone = f"entry {number + 1} is" if missing == 1 else f"entries {number + 1} to {entry.number - 1} are"
            problems.append(f"line {i}: entry {entry.number} follows entry {number}: {gone} missing here")
        elif entry.number <= number:
            problems.append(f"line {i}: entry {entry.number} follows entry {number}: repeated, or in another order")
        elif previous and entry.previous != previous:
            before = f"line {i - 1} (entry {number}) was replaced" if i > 1 else "lines before it were removed"
            problems.append(f"line {i} (entry {entry.number}) does not continue what stands before it: {before}")
        if entries and entry.time < entries[-1].time:
            notes.append(f"entry {entry.number} is dated before entry {entries[-1].number}: a clock was set back")
        number, previous = entry.number, hashes[-1]
        entries.append(entry)
    if torn:
        notes.append(f"after entry {number} stand {len(torn)} bytes of an entry that was not finished")
    if lines or (folder / HEAD).exists():
        problems += _against_head(_head(folder), hashes, notes)
    return Trail(entries=tuple(entries), problems=tuple(problems), notes=tuple(notes), torn=torn, whole=whole)


def _against_head(head: tuple[int, str] | None, hashes: list[str], notes: list[str]) -> list[str]:
    count = len(hashes) - 1
    if head is None:
        return [f"{HEAD} is missing or unreadable: whether entries were cut off at the end cannot be told"]
    number, last = head
    if number > count:
        gone = f"entry {number} is" if number == count + 1 else f"entries {count + 1} to {number} are"
        return [f"the log ends after line {count}, {HEAD} says entry {number}: {gone} missing at the end"]
    if number < 0 or hashes[number] != last:
        return [f"line {number} is not the one that {HEAD} names: it was replaced, or {HEAD} is of another log"]
    if number < count:
        notes.append(
            f"{HEAD} names entry {number}, the log has {count}: the last writer was stopped before it was done"
        )
    return []
