"""Names of files that people give: as they are shown, and as a file is called on the disk."""

import re
from pathlib import Path
from unicodedata import category, normalize

from inspect_tool.folders import check_name

_LONGEST = 100  # of a name on the disk [byte]
_LONGEST_SHOWN = 200  # letters of a name as it is told


def shown_name(name: str) -> str:
    r"""Name as its owner wrote it, with what cannot be seen, or turns the direction of a text, escaped.

    >>> shown_name("a/b\n\u202egpj.tif")
    'a/b\\n\\u202egpj.tif'
    """
    seen = "".join(letter if _is_plain(letter) else ascii(letter)[1:-1] for letter in name.strip() or "without a name")
    return seen if len(seen) <= _LONGEST_SHOWN else f"{seen[: _LONGEST_SHOWN - 24]}...{seen[-21:]}"


def _is_plain(letter: str) -> bool:
    return category(letter) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def safe_name(name: str) -> str:
    r"""Name that a file can have on every disk, made of the last part of what its owner wrote; its ending is kept.

    >>> [safe_name(name) for name in ("../../etc/passwd", "C:\\lab\\Guß 1.TIF", "a\n.png", "..")]
    ['passwd', 'Guß 1.TIF', 'a_.png', 'image']
    """
    last = re.split(r"[/\\]", normalize("NFC", name))[-1]
    plain = "".join("_" if not _is_plain(letter) or letter in '<>:"|?*' else letter for letter in last)
    plain = plain.strip(" .") or "image"
    suffix = suffix_of(plain)
    stem = plain[: len(plain) - len(suffix)]
    short = stem.encode()[: _LONGEST - len(suffix)].decode(errors="ignore").rstrip(" .") or "image"
    check_name(f"1-{short}{suffix}", shown_name(name))
    return f"{short}{suffix}"


def suffix_of(name: str) -> str:
    """Ending of a name by which a reader may know the format; empty where it can be none."""
    found = re.search(r"(?:\.ome)?\.[A-Za-z0-9]{1,8}$", name)
    return found[0] if found else ""


def free_name(folder: Path, name: str) -> str:
    """The name, or one like it that no file of a folder has."""
    stem, suffix = name[: len(name) - len(suffix_of(name))], suffix_of(name)
    taken = {path.name.casefold() for path in folder.iterdir()}
    names = (name, *(f"{stem}_{i}{suffix}" for i in range(2, len(taken) + 3)))
    return next(each for each in names if each.casefold() not in taken)
