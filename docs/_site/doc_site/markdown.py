"""Pieces of Markdown pages that are made of code: what stands in them is shown as it is, whatever signs it has."""

import re
from collections.abc import Iterable, Sequence
from html import escape

_SIGNS = str.maketrans({sign: f"&#{ord(sign)};" for sign in "*_`[]|\\~^"})
_ROLE = re.compile(r":\w+:(?=`)")
_CODE = re.compile(r"``(.+?)``|`([^`]+?)`", re.DOTALL)
_PAGE = re.compile(r"docs/([\w/-]+\.md)")


def code(text: object) -> str:
    """A word of a program; empty for none.

    >>> code("a | b_c")
    '<code>a &#124; b&#95;c</code>'
    """
    return f"<code>{_plain(str(text))}</code>" if text not in ("", None) else ""


def prose(text: object, up: str = "../") -> str:
    """A sentence of a docstring or of a comment: double or single quotes of code, and pages of ``docs/`` by name.

    Parameters
    ----------
    text : object
    up : str
        The way from the page that shows it to the folder of all pages.
    """
    at, found = 0, []
    text = _ROLE.sub("", str(text))
    for quoted in _CODE.finditer(text):
        found += [_named(text[at : quoted.start()], up), code((quoted[1] or quoted[2]).lstrip("~"))]
        at = quoted.end()
    return "".join([*found, _named(text[at:], up)])


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells in Markdown; empty where there is no row, and without columns that hold no word."""
    rows = [[" ".join(cell.split()) for cell in row] for row in rows]
    kept = [i for i in range(len(heads)) if any(row[i] for row in rows)]
    lines = [[heads[i] for i in kept], ["---"] * len(kept), *([row[i] for i in kept] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n" if rows else ""


def block(text: str, language: str = "") -> str:
    """A block of code."""
    return f"```{language}\n{text.rstrip()}\n```\n"


def page(*parts: str, boost: float = 1.0) -> str:
    """A page of its parts; ``boost``: its weight in a search beside written pages, which have 1."""
    head = f"---\nsearch:\n  boost: {boost:g}\n---\n\n" if boost != 1.0 else ""
    return head + "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"


def _named(text: str, up: str) -> str:
    at, found = 0, []
    for name in _PAGE.finditer(text):
        found += [_plain(text[at : name.start()]), f"[{_plain(name[1])}]({up}{name[1]})"]
        at = name.end()
    return "".join([*found, _plain(text[at:])])


def _plain(text: str) -> str:
    return escape(text, quote=False).translate(_SIGNS)
