"""Folders that a command writes: they appear whole or not at all, and replace only what the tool wrote itself.

A folder is made under a hidden name beside its place, ``.NAME.xxxxxxxx.partial``, and takes its name when all of it is
on the disk. It then holds a list of its files with their SHA-256 (``MARKER``). An older folder of the name goes only
if it has such a list and every file in it stands there unchanged: nothing foreign, edited or signed is lost. It is
moved aside as ``.NAME.xxxxxxxx.old`` for the moment between the two renames (no system that Windows is one of can
exchange two folders in one step); ``recover`` puts right what a process left that was killed.
"""

import json
import logging
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from inspect_tool.errors import OutputError, SettingsError
from inspect_tool.files import flush_file, flush_folder, sha256_file, whole_file
from inspect_tool.locks import lock, try_lock
from inspect_tool.paths import real

MARKER = ".inspect-tool.json"
"""File in every folder that was written as a whole: its files and their SHA-256."""
PENDING = ".audit-pending.json"
"""File in a report folder that is not in the audit trail yet: what is to be recorded."""
SCHEMA = "inspect_tool/folder/1"

_HIDDEN = re.compile(r"\.(?P<name>.+)\.(?P<token>[a-z0-9_]{8})\.(?P<state>partial|old)", re.DOTALL)
_LITTER = {".DS_Store", "Thumbs.db", "desktop.ini"}  # of file managers that only looked into the folder
_LONGEST = 200  # bytes of a name: the hidden names are longer, and file systems stop at 255
_RESERVED = re.compile(r"(CON|PRN|AUX|NUL|(COM|LPT)[0-9\u00b9\u00b2\u00b3])(\..*)?", re.IGNORECASE)  # on Windows
_FLUSHED_AT_ONCE = 8  # files
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial:
    """A folder that is being written, and the place it is for."""

    folder: Path
    target: Path
    held: int  # descriptor of its marker, locked as long as the process lives


def check_name(name: str, where: str) -> None:
    """Refuse a name that cannot be that of a folder everywhere, or would lead out of the one it is put into.

    Raises
    ------
    SettingsError

    >>> check_name("..", "...toml")
    Traceback (most recent call last):
    ...
    inspect_tool.errors.SettingsError: ...toml: no folder can be called '..' (begins with a point); rename the file
    """
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        length = 0
    wrong = (
        (not name, "is empty"),
        (name.startswith("."), "begins with a point"),
        (name.endswith((".", " ")), "ends with a point or a space"),
        (any(sign in "/\\" or not sign.isprintable() for sign in name), "holds a separator or a control character"),
        (_RESERVED.fullmatch(name) is not None, "is reserved on Windows"),
        (length == 0, "is no text"),
        (length > _LONGEST, f"has {length} bytes, at most {_LONGEST} fit"),
    )
    for found, reason in wrong:
        if found:
            shown = name if len(name) <= 40 else f"{name[:37]}..."
            msg = f"{where}: no folder can be called {ascii(shown) if length == 0 else repr(shown)} ({reason}); "
            raise SettingsError(msg + "rename the file")


def check(target: Path, inputs: Iterable[Path] = ()) -> None:
    """Refuse, before any work, a place where a folder may not be written.

    ``inputs`` are files and folders that the command reads: they are neither replaced nor written into.

    Raises
    ------
    OutputError
        Says what lies there, and what to do.
    """
    here = Path(os.path.abspath(target))  # noqa: PTH100 - keeps links, which resolve() follows
    wrong = _of_inputs(real(here), inputs) or in_the_way(here)
    if wrong:
        msg = f"{target}: {wrong}"
        raise OutputError(msg)


def in_the_way(target: Path) -> str:
    """What lies at a place and is not ours to replace, and what to do; empty where nothing does."""
    other = "choose another folder with --out"
    if target.is_symlink():
        return f"is a link to another place, which is not replaced; {other}"
    if not target.exists():
        return ""
    if not target.is_dir():
        return f"a file of that name is in the way; {other}"
    if Path.cwd().is_relative_to(target.resolve()):
        return f"is the folder you are in, which is not replaced; {other}"
    found = sorted(path for path in target.rglob("*") if path.name not in _LITTER)
    if not found:
        return ""
    ours = listed(target)
    if ours is None:
        first = next((path for path in found if path.is_file()), found[0]).relative_to(target).as_posix()
        return (
            f"holds {first} and no list of what inspect_tool wrote ({MARKER}): it is yours, or of an earlier version; "
            f"nothing is replaced: {other}, or move it away"
        )
    kept = [told for path in found if (told := _not_ours(path, path.relative_to(target).as_posix(), ours))]
    if not kept:
        return ""
    more = f", and {len(kept) - 1} more" if len(kept) > 1 else ""
    return f"{kept[0]}{more}; nothing is replaced: {other}, or move it to where it is kept"


@contextmanager
def new_folder(target: Path, inputs: Iterable[Path] = ()) -> Iterator[Path]:
    """Give a temporary folder that becomes ``target`` when the block ends well, and vanishes when it does not.

    Nothing half-written is ever seen under the final name. A full disk, a missing permission or something in the way
    (``check``) is an ``OutputError``.
    """
    with partial_folder(target, inputs) as new:
        yield new.folder
        seal(new)
        put(new)


@contextmanager
def partial_folder(target: Path, inputs: Iterable[Path] = ()) -> Iterator[Partial]:
    """As ``new_folder``; the caller gives the folder its name, by ``seal`` and ``put``."""
    recover(target.parent)
    check(target, inputs)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        new = _begun(target)
    except OSError as error:
        msg = f"{target}: cannot write here: {error.strerror}; choose another folder with --out"
        raise OutputError(msg) from None
    try:
        with _writing(target):
            yield new
    finally:
        with suppress(OSError):  # closed already, where open files keep a folder from being renamed
            os.close(new.held)
        with suppress(OSError):  # not there, when it has its name
            _remove(new.folder)


def seal(new: Partial) -> None:
    """Write the list of the files of a folder, and make sure that all of it is on the disk."""
    with _writing(new.target):
        paths = [path for path in sorted(new.folder.rglob("*")) if path.is_file() and path.name != MARKER]
        with ThreadPoolExecutor(_FLUSHED_AT_ONCE) as several:  # a disk takes many together in the time of one
            sums = several.map(_flushed, paths)
            files = {path.relative_to(new.folder).as_posix(): found for path, found in zip(paths, sums, strict=True)}
        data = json.dumps({"schema": SCHEMA, "files": files}, ensure_ascii=False, indent=1) + "\n"
        os.lseek(new.held, 0, os.SEEK_SET)
        os.ftruncate(new.held, 0)
        with open(new.held, "wb", closefd=False) as stream:
            stream.write(data.encode())
        os.fsync(new.held)
        for path in (*(path for path in new.folder.rglob("*") if path.is_dir()), new.folder):
            flush_folder(path)


def put(new: Partial) -> None:
    """Give a sealed folder its name; an older one that is ours goes, and nothing else.

    Raises
    ------
    OutputError
        Something came to lie there meanwhile, or the system does not rename; the older folder is as it was.
    """
    target = new.target
    old = new.folder.with_suffix(".old")
    with _writing(target), _claimed(target):
        wrong = in_the_way(Path(os.path.abspath(target)))  # noqa: PTH100 - as in check
        if wrong:
            msg = f"{target}: {wrong}"
            raise OutputError(msg)
        if sys.platform == "win32":
            os.close(new.held)  # a folder with an open file cannot be renamed there
        try:
            if target.exists():
                target.rename(old)
            new.folder.rename(target)
        except BaseException:
            if old.exists() and not target.exists():
                old.rename(target)
            raise
        flush_folder(target.parent)
    _discard(old, target)


def whole(folder: Path, file: str) -> list[Path]:
    """Files of one name in the folders of a folder of results; those that are being written have no name yet."""
    return sorted(path for path in folder.glob(f"*/{file}") if not path.parent.name.startswith("."))


def recover(folder: Path) -> None:
    """Put right what killed processes left in a folder of results, and say so in the log of the program.

    An older result that was moved aside and not yet replaced comes back; what was never finished is removed. What a
    living process works on is left alone.
    """
    try:
        left = sorted(entry.name for entry in os.scandir(folder) if entry.name.startswith(".") and entry.is_dir())
    except OSError:
        return
    matches = [match for name in left if (match := _HIDDEN.fullmatch(name))]
    for match in sorted(matches, key=lambda match: match["state"]):  # "old" first
        path, target = folder / match[0], folder / match["name"]
        if path.is_symlink():
            continue
        with suppress(OSError, OutputError):
            _recovered(path, target, match["state"])


_TAKEN = "exists already and is left as it is; choose another name"


def check_new_file(path: Path) -> None:
    """Refuse, before any work, a place where ``new_file`` would find a file, or no folder.

    Raises
    ------
    OutputError
    """
    if os.path.lexists(path):
        msg = f"{path}: {_TAKEN}"
        raise OutputError(msg)
    if not path.absolute().parent.is_dir():
        msg = f"{path}: there is no folder {path.parent}; make it, or choose another"
        raise OutputError(msg)


def new_file(path: Path, data: bytes | Callable[[Path], object]) -> None:
    """Write a file as a whole under a name that is free: its content, or what fills a file of another name.

    Raises
    ------
    OutputError
        There is a file of that name, which is left as it is; or it cannot be written.
    """
    write = data if callable(data) else lambda place: place.write_bytes(data)
    try:
        with whole_file(path, write) as made:
            _name(made, path)
    except FileExistsError:
        msg = f"{path}: {_TAKEN}"
        raise OutputError(msg) from None
    except OSError as error:
        msg = f"{path}: cannot be written: {error.strerror}"
        raise OutputError(msg) from None


def _name(partial: Path, path: Path) -> None:
    """Give a file a second name that must be free; on a disk that has no second names, rename it."""
    try:
        os.link(partial, path)
    except FileExistsError:
        raise
    except OSError:
        if path.exists():
            raise FileExistsError from None
        partial.rename(path)


# ------------------------------------------------------------------------------------------------------ what is ours


def _of_inputs(target: Path, inputs: Iterable[Path]) -> str:
    for path in inputs:
        read = real(path)
        if read.is_relative_to(target):
            return f"holds {path.name}, which is read; nothing is replaced: choose another folder with --out"
        if read.is_dir() and target.is_relative_to(read):
            return f"lies in {path}, which is read; choose another folder with --out"
    return ""


def listed(folder: Path) -> Mapping[str, str] | None:
    """Files that the tool wrote into a folder and their SHA-256; None: it has no whole list of them."""
    try:
        data = json.loads((folder / MARKER).read_bytes())
        files = data["files"] if data["schema"] == SCHEMA else None
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    return files if isinstance(files, dict) else None


def _not_ours(path: Path, name: str, ours: Mapping[str, str]) -> str:
    """What is to be said of something in a folder that must not be lost; empty: it is ours and unchanged."""
    if name in (MARKER, PENDING) or (path.is_dir() and not path.is_symlink() and _parent(name, ours)):
        return ""
    if path.is_symlink() or not path.is_file() or name not in ours:
        return f"holds {name}, which {'is signed' if _signed(path) else 'inspect_tool did not write'}"
    if sha256_file(path) == ours[name]:
        return ""
    return f"its {name} {'is signed' if _signed(path) else 'was changed after it was written'}"


def _parent(name: str, ours: Mapping[str, str]) -> bool:
    return any(file.startswith(f"{name}/") for file in ours)


def _signed(path: Path) -> bool:
    return path.suffix.lower() == ".pdf" and path.is_file() and b"/ByteRange" in path.read_bytes()


# ------------------------------------------------------------------------------------------------------------- steps


def _begun(target: Path) -> Partial:
    """Make a temporary folder with a locked marker; one that ``recover`` took in between is made anew."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".partial", dir=target.parent))
        with suppress(FileNotFoundError):
            folder.chmod(0o755)
            held = os.open(folder / MARKER, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
            locked = True
            with suppress(OutputError):  # a disk without locks: nobody can tell who lives, so nothing is cleaned up
                locked = try_lock(held, folder / MARKER)
            if locked and (folder / MARKER).exists():
                return Partial(folder=folder, target=target, held=held)
            os.close(held)


@contextmanager
def _writing(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        msg = f"{target}: cannot be written: {error.strerror or error}; nothing was changed there"
        raise OutputError(msg) from error


@contextmanager
def _claimed(folder: Path) -> Iterator[None]:
    """Lock the marker of a folder that is about to be moved aside, so that nobody takes it for left behind."""
    if sys.platform == "win32" or not (folder / MARKER).exists():  # an open file keeps its folder from being renamed
        yield
        return
    marker = os.open(folder / MARKER, os.O_RDWR)
    try:
        lock(marker, folder / MARKER, alone=True, patience_s=10.0)
        yield
    finally:
        os.close(marker)


def _flushed(path: Path) -> str:
    """SHA-256 of a file that is on the disk for sure."""
    flush_file(path)
    return sha256_file(path)


def _discard(old: Path, target: Path) -> None:
    """Remove a folder that was replaced, file by file of its list; what else lies in it is kept in sight."""
    if not old.exists():
        return
    for name in (*(listed(old) or ()), PENDING):
        (old / name).unlink(missing_ok=True)
    for path in sorted(old.rglob("*"), reverse=True):
        if path.name in _LITTER:
            path.unlink()
        elif path.is_dir():
            with suppress(OSError):  # not empty
                path.rmdir()
    if [path.name for path in old.iterdir()] == [MARKER]:
        _remove(old)
    else:
        kept = target.with_name(f"{target.name}.kept{old.with_suffix('').suffix}")
        old.rename(kept)
        _LOG.warning("%s: holds what came into the replaced %s in its last moment", kept, target.name)


def _remove(folder: Path) -> None:
    """Remove a folder of ours, its marker last: until then whoever finds it knows whose it is."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != MARKER:
            path.unlink()
    (folder / MARKER).unlink(missing_ok=True)
    folder.rmdir()


def _recovered(path: Path, target: Path, state: str) -> None:
    try:
        held = os.open(path / MARKER, os.O_RDWR | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        path.rmdir()  # a folder that was only begun; with anything in it, it is not ours
        return
    try:
        if not try_lock(held, path / MARKER):
            return
        if sys.platform == "win32":
            os.close(held)
        if state == "partial":
            _remove(path)
            _LOG.warning("%s: removed what a run that was stopped had begun to write", target)
        elif target.exists():
            _discard(path, target)
        else:
            path.rename(target)
            flush_folder(target.parent)
            _LOG.warning("%s: a run that was stopped had moved it aside; it is back", target)
    finally:
        with suppress(OSError):
            os.close(held)
