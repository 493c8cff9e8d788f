"""Samples that were drawn and answers that were given, in a chain beside the job.

``<job>.referee/0001.json`` holds one of them with the hash of the entry before it, so that a sample which was drawn and
not answered, answered twice, or given up, shows: nobody draws until he likes the answer.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from dataclasses import field as default
from pathlib import Path
from typing import Literal

from inspect_tool import __version__
from inspect_tool.errors import InspectError, OutputError, ReadError
from inspect_tool.evidence import trail_checks
from inspect_tool.evidence.provenance import now
from inspect_tool.files import NOTHING, checked, plain, read_bytes, sha256_bytes, write_whole
from inspect_tool.locks import held

SAMPLE, ANSWERS = "inspect_tool/referee-sample/1", "inspect_tool/referee-answers/1"
"""Schemas of what a page shows and of what it saves."""

CANNOT_TELL = "cannot tell"
_NUMBERED = re.compile(r"\d{4}\.json")
_PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What a sample is drawn from: whoever has the masks draws the same one again."""

    nonce: str  # so that a second sample of the same masks is another one
    points: int  # of every specimen
    recipe: str
    classes: tuple[str, ...]
    fields: tuple[str, ...]  # SHA-256 of the image and the strata of every field

    @property
    def id(self) -> str:
        """SHA-256 of all of it, which is the seed too."""
        return sha256_bytes(json.dumps(plain(self), sort_keys=True).encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """A mark on a test line."""

    position: float  # along the line, 0 to 1
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the person said at one point, or on one line."""

    n: int  # of the item, from 0
    value: str
    at: str = ""  # UTC, ISO 8601
    seconds: float | None = None
    changes: int = 0  # answers that were taken back before this one
    marks: tuple[Crossing, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The file that the page saves."""

    schema: str
    sample: str  # its id
    person: str
    started: str
    saved: str
    finished: bool
    answers: tuple[Answer, ...]
    undone: Mapping[str, int] = default(default_factory=dict)  # answers that were taken back and not given again


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenUp:
    """Samples that nobody answers any more, and why."""

    samples: tuple[str, ...]  # ids, as far as they are known
    answers: int  # to them that were recorded: so much of what they would say was known
    by: str
    reason: str
    lost: int = 0  # entries that a damaged ledger had; this is the first one of the ledger in its place


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of the ledger."""

    number: int  # 1-based
    event: Literal["drawn", "answered", "given up"]
    when: str  # UTC, ISO 8601
    software: str
    previous: str  # SHA-256 of the file of the entry before; zeros before the first
    sample: Sample | None = None  # drawn
    answers_sha256: str = ""  # answered: of the file
    answers: Answers | None = None
    given_up: GivenUp | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The answers that a job names, with the sample they belong to and the whole ledger."""

    where: str  # file of the answers, for messages
    data: bytes  # of it
    answers: Answers
    sample: Sample
    entries: tuple[Entry, ...]


def folder_of(job: Path) -> Path:
    """Folder of the ledger of a job file."""
    return job.with_name(f"{job.stem}{trail_checks.SUFFIX}")


def name_of(entry: Entry) -> str:
    """Name of the file of an entry."""
    return f"{entry.number:04d}.json"


def text_of(entry: Entry) -> bytes:
    """Content of the file of an entry."""
    # without what only one kind of entry has: those of earlier versions keep their bytes
    kept = {key: value for key, value in plain(entry).items() if key != "given_up" or value is not None}
    return (json.dumps(kept, ensure_ascii=False, indent=1) + "\n").encode()


def parsed_answers(data: bytes, where: str) -> Answers:
    """Read a file of answers.

    Raises
    ------
    ReadError
        It is none, names nobody, or answers a point twice.
    """
    found = checked(Answers, _json(data, where), where, ReadError)
    if found.schema != ANSWERS:
        msg = f"{where}: schema is {found.schema!r}, must be {ANSWERS!r}"
        raise ReadError(msg)
    if not found.person.strip():
        msg = f"{where}: person is empty; an answer counts with the name of who gave it"
        raise ReadError(msg)
    counts = Counter(one.n for one in found.answers)
    twice = next((number for number, count in counts.items() if count > 1), None)
    if twice is not None:
        msg = f"{where}: item {twice} is answered twice; save the answers from the page again"
        raise ReadError(msg)
    return found


def parsed_entry(data: bytes, where: str) -> Entry:
    """Read one entry, without the chain.

    Raises
    ------
    ReadError
        It is none.
    """
    return checked(Entry, _json(data, where), where, ReadError)


def _json(data: bytes, where: str) -> dict[str, object]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        msg = f"{where}: is no file of answers (not JSON: {error}); give the one that the page saved, as it was saved"
        raise ReadError(msg) from None
    if not isinstance(found, dict):
        msg = f"{where}: holds no table; save the answers from the page again"
        raise ReadError(msg)
    return found


def read(folder: Path) -> tuple[Entry, ...]:
    """Read a ledger and follow its chain; without a folder nothing was drawn.

    Raises
    ------
    ReadError
        An entry is missing, was changed, or does not follow the one before it.
    """
    if not folder.is_dir():
        return ()
    entries: list[Entry] = []
    previous, back = NOTHING, _back(folder)
    for number, path in enumerate(sorted(p for p in folder.glob("*.json") if not p.name.startswith(".")), start=1):
        if not _NUMBERED.fullmatch(path.name) or path.name != f"{number:04d}.json":
            msg = f"{folder / f'{number:04d}.json'}: is missing, there is {path.name}; {back}"
            raise ReadError(msg)
        try:
            data = read_bytes(path)
            entry = parsed_entry(data, str(path))
        except OSError as error:
            msg = f"{path}: cannot be read: {error.strerror}; {back}"
            raise ReadError(msg) from None
        except ReadError:
            raise
        except InspectError as error:
            raise ReadError(str(error)) from None
        if (entry.number, entry.previous) != (number, previous) or text_of(entry) != data:
            msg = f"{path}: was changed, or does not follow the entry before it; {back}"
            raise ReadError(msg)
        entries.append(entry)
        previous = sha256_bytes(data)
    return tuple(entries)


def _back(folder: Path) -> str:
    return (
        f"put the ledger back as it was, or give it up: inspect-tool referee {folder.stem}.toml --give-up "
        '--reason "..." --by "..."'
    )


def record(
    folder: Path, event: Literal["drawn", "answered"], *, sample: Sample | None = None, answers: bytes = b""
) -> Entry:
    """Append a sample or answers to a ledger; what it holds already is not written twice.

    Raises
    ------
    ReadError
        The ledger does not hold, or the answers are to no sample of it, or to one that was given up.
    OutputError
        It cannot be written, or another process holds it.
    """
    with alone(folder):
        entries = read(folder)
        made = following(entries, event)
        if event == "drawn":
            made = replace(made, sample=sample)
        else:
            given = parsed_answers(answers, "answers")
            sample_of(entries, given.sample, str(folder))
            made = replace(made, answers_sha256=sha256_bytes(answers), answers=given)
        same = [
            one
            for one in entries
            if (one.sample, one.answers_sha256) == (made.sample, made.answers_sha256) and one.event == event
        ]
        if same:
            return same[0]
        write_whole(folder / name_of(made), text_of(made))
    return made


def following(entries: Sequence[Entry], event: Literal["drawn", "answered", "given up"]) -> Entry:
    """Begin the entry that follows those of a ledger."""
    return Entry(
        number=len(entries) + 1,
        event=event,
        when=now().isoformat().replace("+00:00", "Z"),
        software=f"inspect_tool {__version__}",
        previous=sha256_bytes(text_of(entries[-1])) if entries else NOTHING,
    )


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a ledger for this process alone; an ``OSError`` is worded."""
    try:
        folder.mkdir(exist_ok=True)
        with held(folder / ".lock", patience_s=_PATIENCE_S):
            yield
    except OSError as error:
        msg = f"{folder}: cannot be written: {error.strerror}"
        raise OutputError(msg) from None


def given(file: Path, folder: Path) -> Given:
    """Read the answers that a job names, and find them in its ledger.

    Raises
    ------
    ReadError
        They cannot be read, are to no sample of the ledger, or were not recorded in it.
    """
    try:
        data = read_bytes(file)
    except OSError as error:
        msg = f"{file}: cannot be read: {error.strerror}; save the answers from the page again"
        raise ReadError(msg) from None
    answers, entries = parsed_answers(data, str(file)), read(folder)
    if not entries:
        msg = f"{file}: {folder}, which would hold its sample, is empty or not there; {_back(folder)}"
        raise ReadError(msg)
    sample = sample_of(entries, answers.sample, str(file))
    if sha256_bytes(data) not in {entry.answers_sha256 for entry in entries}:
        msg = f"{file}: is not recorded in {folder}; record it: inspect-tool referee JOB --answers {file.name}"
        raise ReadError(msg)
    return Given(where=str(file), data=data, answers=answers, sample=sample, entries=entries)


def sample_of(entries: Sequence[Entry], sample_id: str, where: str) -> Sample:
    """Find a sample by its id.

    Raises
    ------
    ReadError
        The ledger has no such sample: it was not drawn by this program for this job; or it was given up.
    """
    for entry in entries:
        if entry.given_up and sample_id in entry.given_up.samples:
            by, day = entry.given_up.by, entry.when[:10]
            msg = f"{where}: sample {sample_id[:12]}... was given up by {by}, {day}; draw one with inspect-tool referee"
            raise ReadError(msg)
    for entry in entries:
        if entry.sample is not None and entry.sample.id == sample_id:
            return entry.sample
    msg = f"{where}: no sample {sample_id[:12]}... was drawn for this job; draw one with inspect-tool referee"
    raise ReadError(msg)


ANSWERS_FILE = "answers.json"
"""Name under which a report carries the answers; entries of the ledger have their numbers."""


def files(found: Given | None, entries: Iterable[Entry]) -> list[tuple[str, bytes]]:
    """Name and content of all that a report carries of a check by hand: the answers it uses, and the ledger."""
    own = [] if found is None else [(ANSWERS_FILE, found.data)]
    return own + [(name_of(entry), text_of(entry)) for entry in entries]


def state(entries: Sequence[Entry], images: Iterable[str]) -> dict[str, object] | None:
    """Say what an audit trail keeps of a ledger: number of entries, hash of the last one, and those of the images."""
    if not entries:
        return None
    return {"entries": len(entries), "last_sha256": sha256_bytes(text_of(entries[-1])), "images": sorted(set(images))}
