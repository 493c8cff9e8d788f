"""What a killed process left between two steps that belong together: the next command brings it to its end.

A report takes its place, then its run is recorded: in between, the report folder holds what is to be recorded. A
signature is recorded, then the signed file takes its place: in between, the finished file lies beside it.
"""

import json
import logging
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from inspect_tool import folders
from inspect_tool.errors import OutputError
from inspect_tool.evidence import audit
from inspect_tool.files import flush_folder, plain, sha256_file, whole_file, write_text
from inspect_tool.folders import PENDING

_LOG = logging.getLogger(__name__)
_SIGNED = re.compile(r"\.(?P<name>.+)\.[a-z0-9_]{8}\.(?P<where>here|elsewhere)\.partial", re.DOTALL)


def recover(folder: Path) -> None:
    """Put right what was left in a project folder, and say so in the log of the program.

    Nothing is recorded where the audit trail cannot be written or is broken: whoever asks for it is told then.
    """
    folders.recover(folder)
    pending = folders.whole(folder, PENDING)
    if not (folder / audit.LOG).exists() and not pending:
        return
    with suppress(OSError, OutputError):
        for path in pending:
            record(path.parent)
        if any(True for _ in _signed_files(folder)):
            _finish_signatures(folder)


# ----------------------------------------------------------------------------------------------------------- reports


def note(folder: Path, after: int, events: Sequence[audit.Event]) -> None:
    """Keep in a report folder what is to be recorded of it, after which entry of the audit trail."""
    write_text(folder / PENDING, json.dumps({"after": after, "events": plain(events)}, ensure_ascii=False) + "\n")


def settled(folder: Path) -> None:
    """Say that a report folder is recorded."""
    (folder / PENDING).unlink(missing_ok=True)


def record(report: Path) -> None:
    """Record the run of a report folder whose process was stopped before it did.

    Raises
    ------
    OutputError
        The audit trail cannot be written, or is broken.
    """
    path = report / PENDING
    with audit.held(report.parent) as log:
        try:
            data = json.loads(path.read_bytes())
        except FileNotFoundError:  # it is recorded, perhaps by its own process meanwhile
            return
        known = {(entry.event, entry.subject) for entry in log.trail.entries[data["after"] :]}
        events = [audit.Event(**event) for event in data["events"]]
        missing = [event for event in events if (event.event, event.subject) not in known]
        if missing:
            audit.add(log, *missing)
            _LOG.warning("%s: its run was stopped before it was recorded; it is recorded now", report)
        settled(report)


# -------------------------------------------------------------------------------------------------------- signatures


@contextmanager
def signed_file(target: Path, data: bytes, folder: Path) -> Iterator[Path]:
    """Give a temporary file beside the target that holds signed data on the disk; it is gone after the block.

    ``folder`` is that of the audit trail, which is held meanwhile: where nobody holds it, the writer is dead.
    """
    where = "here" if audit.project_folder(target) == folder.resolve() else "elsewhere"

    def write(place: Path) -> None:
        place.write_bytes(data)
        if target.exists():
            place.chmod(target.stat().st_mode & 0o777)

    try:
        with whole_file(target.resolve().with_name(target.name), write, mark=f".{where}") as made:
            yield made
    except OSError as error:
        msg = f"{target}: cannot be written: {error.strerror}"
        raise OutputError(msg) from None


def put(partial: Path, target: Path) -> None:
    """Give a signed file that is recorded its place; where the system refuses that, it stays for the next command.

    Raises
    ------
    OutputError
        The target is open in a program that holds it (on Windows), or the disk refuses; the message names the file.
    """
    match = _SIGNED.fullmatch(partial.name)
    assert match is not None
    try:
        partial.replace(target)
    except OSError as error:
        kept = partial.with_name(f".{match['name']}.{secrets.token_hex(4)}.{match['where']}.partial")
        partial.replace(kept)
        msg = (
            f"{target}: the signature is recorded, but the signed file cannot take its place: {error.strerror}; close "
            f"the report in other programs: the next command puts it there. Until then it is {kept.name} beside it"
        )
        raise OutputError(msg) from None


def _signed_files(folder: Path) -> Iterator[tuple[Path, str]]:
    """Signed files of a project that did not take their place, and which audit trail was to tell of them."""
    for path in (*folder.glob(".*.partial"), *folder.glob("*/.*.partial")):
        match = _SIGNED.fullmatch(path.name)
        if match and path.is_file():
            yield path, match["where"]


def _finish_signatures(folder: Path) -> None:
    with audit.held(folder) as log:
        recorded = {
            entry.new.get("sha256"): (entry.new.get("file"), entry.old.get("sha256"))
            for entry in log.trail.entries
            if entry.event == "sign" and isinstance(entry.new, dict) and isinstance(entry.old, dict)
        }
        for path, where in _signed_files(folder):
            file, before = recorded.get(sha256_file(path), ("", ""))
            if file:
                target = folder / str(file)
                if not target.exists() or sha256_file(target) == before:
                    path.replace(target)
                    flush_folder(target.parent)
                    _LOG.warning("%s: its signing was stopped; the signed file is in its place now", target)
            elif where == "here":  # not recorded: it was never signed
                path.unlink()
