"""Images and masks by their SHA-256: a file is found by what is in it, and one that was damaged is known."""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from inspect_tool.errors import OutputError, ReadError
from inspect_tool.files import flush_folder, read_bytes, sha256_bytes, sha256_file, whole_file

FOLDER = "objects"

_BLOCK = 1 << 20  # [byte]
_NAMES = re.compile(r"[0-9a-f]{2}/[0-9a-f]{62}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """A file of the folder ``objects``."""

    sha256: str
    size: int  # [byte]
    added: datetime  # UTC


def place_of(folder: Path, sha256: str) -> Path:
    """Where an object of a lab's folder lies.

    >>> place_of(Path("lab"), "ab12").as_posix()
    'lab/objects/ab/12'
    """
    return folder / FOLDER / sha256[:2] / sha256[2:]


def keep(folder: Path, source: Path, sha256: str) -> Object:
    """Copy a file into the objects of a lab, under its hash; one that is there already is left.

    Raises
    ------
    ReadError
        The file cannot be read, or is not the one of this hash.
    OutputError
        It cannot be written.
    """

    def write(partial: Path) -> None:
        digest = hashlib.sha256()
        with _opened(source) as read, partial.open("wb") as made:
            while block := read.read(_BLOCK):
                digest.update(block)
                made.write(block)
        if digest.hexdigest() != sha256:
            msg = (
                f"{source}: its SHA-256 is {digest.hexdigest()[:12]}..., and not {sha256[:12]}...: "
                "it is another file, or was changed"
            )
            raise ReadError(msg)

    return _kept(folder, sha256, write)


def keep_bytes(folder: Path, data: bytes, sha256: str) -> Object | None:
    """Keep bytes among the objects of a lab; None: they are not those of this hash.

    Raises
    ------
    OutputError
        They cannot be written.
    """
    if sha256_bytes(data) != sha256:
        return None
    return _kept(folder, sha256, lambda partial: partial.write_bytes(data))


def read(folder: Path, sha256: str) -> bytes:
    """Read an object back, and make sure that it is what was kept.

    Raises
    ------
    ReadError
        It is not there, cannot be read, or was damaged since.
    """
    place = place_of(folder, sha256)
    try:
        data = read_bytes(place)
    except OSError as error:
        msg = f"{place}: cannot be read: {error.strerror}"
        raise ReadError(msg) from None
    if sha256_bytes(data) != sha256:
        msg = f"{place}: is damaged: its SHA-256 is {sha256_bytes(data)[:12]}...; put it back from a copy, or remove it"
        raise ReadError(msg)
    return data


def kept(folder: Path) -> Iterator[Object]:
    """Every object of a lab, in the order of the hashes; what is in them is not looked at."""
    root = folder / FOLDER
    for place in sorted(root.glob("??/*")):
        if _NAMES.fullmatch(place.relative_to(root).as_posix()):
            yield _object(place)


def damaged(folder: Path) -> Iterator[Path]:
    """Objects of a lab that are not what was kept: every one is read."""
    for one in kept(folder):
        place = place_of(folder, one.sha256)
        try:
            whole = sha256_file(place) == one.sha256
        except OSError:
            whole = False
        if not whole:
            yield place


def _kept(folder: Path, sha256: str, write: Callable[[Path], object]) -> Object:
    place = place_of(folder, sha256)
    if not place.exists():
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(place, write) as made:
                made.replace(place)
            flush_folder(place.parent.parent)
        except OSError as error:
            msg = f"{place}: cannot be written: {error.strerror}"
            raise OutputError(msg) from None
    return _object(place)


def _object(place: Path) -> Object:
    found = place.stat()
    made = datetime.fromtimestamp(int(found.st_mtime), UTC)
    return Object(sha256=place.parent.name + place.name, size=found.st_size, added=made)


def _opened(source: Path) -> BinaryIO:
    try:
        return source.open("rb")
    except OSError as error:
        msg = f"{source}: cannot be read: {error.strerror}"
        raise ReadError(msg) from None
