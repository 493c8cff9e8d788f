"""Folders whose images are taken into the inbox of a lab as soon as they rest.

What was seen of a folder is kept in the table ``arrival``, as ``watch`` does, so that a file is taken once: not again
after a restart, and not again when it was removed from the inbox. A folder is watched by one of the two.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from inspect_tool.batch import arrivals, watch
from inspect_tool.batch.arrivals import Arrival, Key
from inspect_tool.errors import OutputError, SettingsError
from inspect_tool.files import sha256_file
from inspect_tool.images import readers
from inspect_tool.lab import intake, intake_folder
from inspect_tool.lab.database import Lab, connected
from inspect_tool.paths import real

DEPTH = 4
"""Names in the longest path below a watched folder that counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A folder as it was found."""

    arrivals: Mapping[Key, Arrival] = field(default_factory=dict)  # what one look hands to the next
    taken: int = 0  # files that went into the inbox at this look


def begun(lab: Lab, folder: Path) -> Looked:
    """What is known of a folder from before.

    Raises
    ------
    SettingsError
        It is no absolute path, is no folder, or holds the lab, whose own files would arrive.
    """
    if not folder.is_absolute():
        msg = f"{lab.folder / intake.FILE}: watch = '{folder}'; name the whole path of a folder"
        raise SettingsError(msg)
    home, own = real(folder), real(lab.folder)
    if own.is_relative_to(home) or home.is_relative_to(own):
        msg = f"{lab.folder / intake.FILE}: watch = '{folder}': holds the lab or lies in it; watch a folder beside it"
        raise SettingsError(msg)
    return Looked(arrivals=watch.kept(lab, folder))


def look(
    lab: Lab,
    folder: Path,
    before: Looked,
    now: datetime,
    *,
    rest_s: float,
    reading: AbstractContextManager[object] | None = None,
) -> Looked:
    """Look at a folder once, and take what rests into the inbox.

    Parameters
    ----------
    lab : Lab
    folder : Path
        The watched one.
    before : Looked
        What the last look gave, or ``begun``.
    now : datetime
    rest_s : float
        So long a file has not changed before it is taken. [s]
    reading : context manager, optional
        See ``intake.give``.

    Raises
    ------
    OutputError
        The folder cannot be listed, or the disk is full; nothing is lost by trying again.
    """
    try:
        listing = arrivals.listed(folder, DEPTH)
    except OSError as error:
        msg = f"{folder}: cannot be listed: {error.strerror}"
        raise OutputError(msg) from None
    known, suffixes, count = arrivals.noticed(before.arrivals, listing, now), watch.image_suffixes(), 0
    for key, each in list(known.items()):
        path = folder / each.path
        is_image = (path.suffix.casefold() in suffixes and path.is_file()) or readers.is_image_folder(path)
        if each.state != "waiting" or not is_image or not arrivals.rests(each, now, rest_s):
            continue
        taken, is_new = _taken(lab, folder, each, reading)
        if taken is not None:
            known[key] = taken
            count += is_new
    return Looked(arrivals=known, taken=count)


def _taken(
    lab: Lab, folder: Path, each: Arrival, reading: AbstractContextManager[object] | None
) -> tuple[Arrival | None, bool]:
    """Take a file, once whatever its name; gives None where it changed meanwhile or cannot be read just now."""
    path = folder / each.path
    try:
        name, by, number = f"{folder.name}/{each.path}", f"watched folder {folder.name}", None
        is_folder = path.is_dir()
        with _one_file(path) as source:
            digest = sha256_file(source)
            with connected(lab, read_only=True) as connection:
                is_known = intake.is_known(connection, digest)
            if not is_known:
                name = f"{name}.zip" if is_folder else name
                text = None if is_folder else _text_beside(path)
                with source.open("rb") as file:
                    given, _ = intake.give(lab, file, name, by, text=text, reading=reading)
                number, digest = given.id, given.sha256
    except OSError:  # of the share: it is tried again
        return None, False
    if not arrivals.unchanged(folder, each):
        if number is not None:
            intake.remove(lab, [number])
        return None, False
    taken = replace(each, sha256=digest, state="taken", note="")
    with connected(lab) as connection:
        watch.put(connection, folder, taken)
    return taken, number is not None


@contextmanager
def _one_file(path: Path) -> Iterator[Path]:
    """The file itself; of an image that is a folder a ZIP of it, which goes with the block."""
    if not path.is_dir():
        yield path
        return
    with TemporaryDirectory() as folder:
        packed = Path(folder) / "image.zip"
        with packed.open("xb") as file:
            intake_folder.packed(path, file)
        yield packed


def _text_beside(path: Path) -> bytes | None:
    """What a microscope wrote beside an image; None: nothing, or what is too long for that."""
    for suffix in (".txt", ".TXT"):
        with suppress(FileNotFoundError), path.with_suffix(suffix).open("rb") as file:
            text = file.read(intake.LONGEST_TEXT + 1)
            return text if len(text) <= intake.LONGEST_TEXT else None
    return None
