"""Where files lie: the shipped standards, templates and samples, and those that a pattern of a user means."""

import os
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal
from unicodedata import normalize

MOST_VISITED = 200_000  # names that are looked at for one pattern

_PACKAGE = Path(__file__).resolve().parent


def data_folder(name: Literal["standards", "templates", "samples"]) -> Path:
    """Return the folder of shipped data: the checkout's own, or the copy inside an installed wheel."""
    installed = _PACKAGE / f"_{name}"
    return installed if installed.is_dir() else _PACKAGE.parent / name


def real(path: Path) -> Path:
    """Return the absolute path, links followed; a link to itself stays, and to open it is an ``OSError``."""
    return Path(os.path.realpath(path))  # Path.resolve() raises a RuntimeError there


def same_name(name: str) -> str:
    """What names have in common that are one file on some disk: capitals, and how an accent is written."""
    return normalize("NFC", name).casefold()


def natural(name: str) -> list[tuple[int, str]]:
    """What to sort names by, so that field_2 comes before field_10.

    >>> sorted(["f_10.tif", "f_2.tif"], key=natural)
    ['f_2.tif', 'f_10.tif']
    """
    parts = [(int(part), "") if part.isdecimal() else (-1, part.casefold()) for part in re.split(r"(\d+)", name)]
    return [*parts, (-1, name)]  # of names that differ in capitals alone: always in the same order


def matching(base: Path, pattern: str) -> list[Path]:
    """Files and folders below a folder that a pattern means, in no order.

    As ``Path.glob``: ``*``, ``?`` and ``[...]`` stand for letters of one name, ``**`` for any folders between, links
    to folders left out. A folder that cannot be read, or vanishes, holds nothing.

    Raises
    ------
    ValueError
        ``**`` is a part of a name, or so many names would have to be looked at that the pattern means a whole disk.
    """
    parts = tuple(part for part in Path(pattern).parts if part != ".")
    if any("**" in part and part != "**" for part in parts):
        msg = "** stands for whole folders: write **/*.tif"
        raise ValueError(msg)
    found: dict[Path, None] = {}
    seen: set[tuple[Path, int]] = set()
    waiting = [(base, 0)]
    visited = 0
    while waiting:
        folder, at = waiting.pop()
        if (folder, at) in seen:
            continue
        seen.add((folder, at))
        if at == len(parts):
            found[folder] = None
            continue
        part = parts[at]
        if not any(sign in part for sign in "*?["):
            if (folder / part).exists():
                waiting.append((folder / part, at + 1))
            continue
        if part == "**":
            waiting.append((folder, at + 1))
        for entry in _entries(folder):
            visited += 1
            if visited > MOST_VISITED:
                msg = f"it looks through more than {MOST_VISITED} files; begin it with the folder of the images"
                raise ValueError(msg)
            if part == "**":
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((folder / entry.name, at))
            elif fnmatchcase(os.path.normcase(entry.name), os.path.normcase(part)):
                waiting.append((folder / entry.name, at + 1))
    return list(found)


def _entries(folder: Path) -> Iterator["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError:
        return
