"""Which page stands where."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

Entries: TypeAlias = list[dict[str, Any] | str]
"""As MkDocs has them: a title to a page, or to the entries of a part; a name alone is the page of the part itself."""

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"
BESIDE = {"CONTRIBUTING.md": "contributing.md", "standards/README.md": "standards_files.md"}
"""Pages that lie elsewhere in the repository, and their names on the site."""


def entries(pages: Mapping[str, str]) -> Entries:
    """Give the parts of the site in order, folders opened.

    Parameters
    ----------
    pages : mapping
        Text of every page by its name on the site.

    Raises
    ------
    ValueError
        A page stands there that there is not, or one that there is does not stand there.
    """
    found = _opened(tomllib.loads((DOCS / "_site" / "navigation.toml").read_text("utf-8")), pages)
    named = list(pages_of(found))
    odd = sorted({*named} ^ {*pages}) + sorted(name for name in {*named} if named.count(name) > 1)
    if odd:
        msg = f"docs/_site/navigation.toml: each page stands there once, but not {', '.join(odd)}"
        raise ValueError(msg)
    return found


def pages_of(listed: Entries) -> Iterator[str]:
    """Name the pages of entries, one after the other."""
    for entry in listed:
        for within in [entry] if isinstance(entry, str) else entry.values():
            yield from pages_of(within) if isinstance(within, list) else [within]


def title_of(page: str) -> str:
    """Read the first heading of a page."""
    return next(line[2:].strip() for line in page.splitlines() if line.startswith("# "))


def _opened(table: Mapping[str, Any], pages: Mapping[str, str]) -> Entries:
    found: Entries = []
    for title, within in table.items():
        if isinstance(within, str) and within.endswith("/"):
            own = f"{within}index.md"
            inside = sorted(name for name in pages if name.startswith(within) and name != own)
            listed = [{title_of(pages[name]).replace("`", ""): name} for name in inside]
            found.append({title: [own, *listed] if own in pages else listed})
        else:
            found.append({title: within if isinstance(within, str) else _opened(within, pages)})
    return found
