"""Files that arrive in a folder: what a listing says of them, when they rest, and whether they are whole."""

import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, TypeAlias

from inspect_tool.errors import ReadError
from inspect_tool.files import sha256_source
from inspect_tool.images import readers
from inspect_tool.languages import Text, Words
from inspect_tool.model import Selection

State: TypeAlias = Literal["waiting", "taken", "duplicate", "refused"]
Key: TypeAlias = tuple[str, int, int]
"""Path below the watched folder, size [byte] and time of the last change [ns]: one state of one file."""

BLOCK = 4096
"""Programs that copy and disks write in blocks of so many bytes, or of a multiple. [byte]"""

_LITTER = {"thumbs.db", "desktop.ini"}  # of file managers; what begins with a point is passed over anyway
_UNFINISHED = (".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".download")
_NEAR = 16  # bytes before the end of a block that may be zero in what was written to that end: dark images hold zeros


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a listing says of a file; of a folder that is one image the sum and the latest of its files."""

    size: int  # [byte]
    mtime_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The files of a folder by their paths below it, with / between folders."""

    entries: Mapping[str, Entry]
    refused: Mapping[str, Words] = field(default_factory=dict)  # why others do not count


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One state of a file that arrived."""

    path: str
    size: int  # [byte]
    mtime_ns: int
    seen: datetime  # when it was first seen in this state
    sha256: str = ""  # once it was found whole
    state: State = "waiting"
    job: str = ""
    note: Words = ""

    @property
    def key(self) -> Key:
        """What it is known by."""
        return self.path, self.size, self.mtime_ns


def listed(folder: Path, depth: int) -> Listing:
    """List the files of a folder.

    Hidden files (macOS keeps ``._name`` and ``.DS_Store`` on shares) and those of unfinished downloads and open
    documents are passed over: they are no arrivals.

    Parameters
    ----------
    folder : Path
    depth : int
        Names in the longest path that counts: 1 lists the folder itself only.

    Raises
    ------
    OSError
        The folder itself cannot be listed.
    """
    entries: dict[str, Entry] = {}
    refused: dict[str, str] = {}
    waiting = [("", depth)]
    while waiting:
        below, left = waiting.pop()
        try:
            with os.scandir(folder / below) as scanned:
                found = list(scanned)
        except OSError as error:
            if not below:
                raise
            if not isinstance(error, FileNotFoundError):
                refused[_text(below)] = Text("watch.not_listed", reason=error.strerror)
            continue
        for entry in found:
            path = f"{below}/{entry.name}" if below else entry.name
            if passed_over(entry.name):
                continue
            try:
                entry.name.encode()
                if entry.is_symlink():
                    refused[path] = _of_link(folder, path)
                elif entry.is_dir():
                    if readers.is_image_folder(folder / path):
                        entries[path] = _whole_folder(folder / path)
                    elif left > 1:
                        waiting.append((path, left - 1))
                else:
                    facts = entry.stat()
                    if stat.S_ISREG(facts.st_mode):
                        entries[path] = Entry(size=facts.st_size, mtime_ns=facts.st_mtime_ns)
                    else:
                        refused[path] = Text("watch.no_file")
            except UnicodeEncodeError:
                refused[_text(path)] = Text("watch.no_text")
            except FileNotFoundError:
                continue  # went away between the two calls
            except OSError as error:
                refused[path] = Text("watch.not_looked_at", reason=error.strerror)
    return Listing(entries=entries, refused=refused)


def passed_over(name: str) -> bool:
    """Whether a name is that of no arrival.

    >>> [passed_over(name) for name in ("._a.tif", "~$a.csv", "a.tif.part", "a.tif")]
    [True, True, True, False]
    """
    small = name.casefold()
    return small.startswith((".", "~$")) or small.endswith(("~", *_UNFINISHED)) or small in _LITTER


def _of_link(folder: Path, path: str) -> Words:
    try:
        inside = (folder / path).resolve(strict=True).is_relative_to(folder.resolve())
    except (OSError, RuntimeError):
        return Text("watch.link_to_nothing")
    return Text("watch.link_inside") if inside else Text("watch.link_outside")


def _text(path: str) -> str:
    return path.encode("utf-8", "backslashreplace").decode()


def _whole_folder(path: Path) -> Entry:
    facts = [file.stat() for file in path.rglob("*")]
    files = [each for each in facts if stat.S_ISREG(each.st_mode)]
    return Entry(
        size=sum(each.st_size for each in files),
        mtime_ns=max((each.st_mtime_ns for each in facts), default=path.stat().st_mtime_ns),
    )


def noticed(known: Mapping[Key, Arrival], listing: Listing, now: datetime) -> dict[Key, Arrival]:
    """What is known after a listing: what is new or has changed was seen now, what is gone is forgotten unless taken.

    A clock that was set back makes files rest anew.
    """
    here: dict[Key, Arrival] = {}
    for path, entry in listing.entries.items():
        key = (path, entry.size, entry.mtime_ns)
        before = known.get(key)
        if before is None:
            here[key] = Arrival(path=path, size=entry.size, mtime_ns=entry.mtime_ns, seen=now)
        else:
            here[key] = before if before.seen <= now else replace(before, seen=now)
    return {**{key: each for key, each in known.items() if each.state == "taken"}, **here}


def rests(arrival: Arrival, now: datetime, rest_s: float) -> bool:
    """Whether a file has not changed for so long. [s]"""
    return now - arrival.seen >= timedelta(seconds=rest_s)


def examined(folder: Path, arrival: Arrival, which: Selection | None) -> Arrival:
    """Hash a file that rests, and with ``which`` (a plane) read it as an image to its last strip.

    What is not whole, or changes meanwhile, gets no hash; the note says why.
    """
    path = folder / arrival.path
    try:
        fault = "" if which is None else _fault(path, which)
        digest = "" if fault else sha256_source(path)
    except OSError as error:
        return replace(arrival, note=Text("watch.not_read", reason=error.strerror))
    if not unchanged(folder, arrival):
        return replace(arrival, note=Text("watch.changed_while_read"))
    return replace(arrival, sha256=digest, note=fault)


def unchanged(folder: Path, arrival: Arrival) -> bool:
    """Whether a file is still as it was listed."""
    try:
        entry = _entry(folder / arrival.path)
    except OSError:
        return False
    return (entry.size, entry.mtime_ns) == (arrival.size, arrival.mtime_ns)


def _entry(path: Path) -> Entry:
    if path.is_dir():
        return _whole_folder(path)
    facts = path.stat()
    return Entry(size=facts.st_size, mtime_ns=facts.st_mtime_ns)


def _fault(path: Path, which: Selection) -> Words:
    """What shows that an image is not whole; empty: nothing does."""
    if path.is_file() and (zeros := _zeros_at_end(path)):
        return Text("watch.zeros", n=zeros)
    try:
        readers.read(path, which)
    except ReadError as error:
        return re.sub(f"^{re.escape(str(path))}: ", "", str(error))
    return ""


def _zeros_at_end(path: Path) -> int:
    """Length of the zeros at the end of a file that begin where a block of the disk does; 0 where they do not. [byte]

    Whoever copies may give a file its size at once and its bytes block by block. An image that is black at its end has
    zeros too, but they begin anywhere: one in 256 of such images is taken for one that was not written to its end.
    """
    size = path.stat().st_size
    last = 0  # bytes up to the last one that is not zero
    with path.open("rb") as file:
        end = size
        while end > 0 and not last:
            start = max(0, end - (1 << 20))
            file.seek(start)
            data = file.read(end - start).rstrip(b"\0")
            last = start + len(data) if data else 0
            end = start
    begin = -(-last // BLOCK) * BLOCK
    return size - begin if size - begin >= BLOCK and begin - last < _NEAR else 0


def duplicates(arrivals: Iterable[Arrival]) -> Iterator[tuple[Arrival, Arrival]]:
    """Each waiting file that holds the picture of another one, and that one: what was taken, or what came first."""
    first: dict[str, Arrival] = {}
    for arrival in sorted(arrivals, key=lambda each: (each.state != "taken", each.seen, each.path)):
        if not arrival.sha256:
            continue
        other = first.setdefault(arrival.sha256, arrival)
        if other is not arrival and arrival.state != "taken":
            yield arrival, other
