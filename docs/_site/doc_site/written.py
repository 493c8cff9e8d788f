"""The pages that people write: those of ``docs/``, and a few beside them, as the site has them."""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from doc_site.navigation import BESIDE, DOCS, ROOT, title_of

_FENCE = re.compile(r"^(?:```.*?^```|~~~.*?^~~~)[^\n]*$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
_NAMED = re.compile(r"(?<![\[`])`(docs/[\w/-]+\.md)`(?!`)")
_MARK = re.compile(r"(?:[-*]|\d+\.) +(?=\S)")
_ELSEWHERE = ("http:", "https:", "mailto:", "#")


def pages() -> dict[str, str]:
    """Give every written page by its name on the site."""
    found = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in _files()}
    return {on_site(name): with_lists(_between_code(text, name)) for name, text in found.items()}


def decisions(found: dict[str, str]) -> str:
    """List the decisions: their titles, in order."""
    listed = sorted(name for name in found if name.startswith("decisions/"))
    rows = [f"- [{title_of(found[name])}]({name.removeprefix('decisions/')})" for name in listed]
    return "\n".join(["# Decisions", "", "What was decided about the shape of this software, and why.", "", *rows, ""])


def on_site(name: str) -> str:
    """Name on the site of a file of the repository.

    >>> on_site("docs/decisions/0004-networks.md"), on_site("CONTRIBUTING.md")
    ('decisions/0004-networks.md', 'contributing.md')
    """
    return BESIDE.get(name, name.removeprefix("docs/"))


def with_lists(text: str) -> str:
    """Lay lists out as Python-Markdown reads them, which wants four spaces before what belongs to an entry.

    CommonMark, by which the pages are written, wants as many as the mark is wide, and no empty line before a list.

    >>> with_lists("Two:\\n- one\\n- two:\\n\\n  more")
    'Two:\\n\\n- one\\n- two:\\n\\n    more'
    """
    found: list[str] = []
    width, in_code, is_parted = 0, False, False  # of the mark of the list that a line stands in; 0: in none
    for line in text.split("\n"):
        mark = None if in_code else _MARK.match(line)
        after_gap = not found or not found[-1].strip()
        if mark:
            found += [""] if not after_gap and (not width or is_parted) else []
            width, is_parted = len(mark[0]), False
        elif width and line.startswith(" " * width):
            line = " " * 4 + line[width:]
        elif width and after_gap and line:
            width = 0
        is_parted |= not line
        in_code ^= line.lstrip().startswith("```")
        found.append(line)
    return "\n".join(found)


def links(text: str) -> Iterator[str]:
    """Targets of the links and pictures of a page, code left out."""
    for part in _FENCE.split(text):
        yield from (target for _, _, target in _LINK.findall(re.sub(r"`[^`\n]+`", "", part)))


def _files() -> Iterator[Path]:
    yield from (path for path in sorted(DOCS.rglob("*.md")) if "_site" not in path.parts)
    yield from (ROOT / name for name in BESIDE)


def _between_code(text: str, name: str) -> str:
    """A page with its links as they are on the site; what stands in a block of code stays."""
    at, found = 0, []
    for block in _FENCE.finditer(text):
        found += [_linked(text[at : block.start()], name), block[0]]
        at = block.end()
    return "".join([*found, _linked(text[at:], name)])


def _linked(text: str, name: str) -> str:
    text = _LINK.sub(lambda link: f"{link[1]}[{_called(link[2], link[3], name)}]({_moved(link[3], name)})", text)
    if name in BESIDE:  # names pages of docs, as a reader of the repository finds them
        text = _NAMED.sub(lambda page: f"[{title_of((ROOT / page[1]).read_text('utf-8'))}]({on_site(page[1])})", text)
    return text


def _called(words: str, link: str, name: str) -> str:
    """Words of a link; one that is called by its file has the title of the page on the site."""
    path = ROOT / posixpath.dirname(name) / link.partition("#")[0]
    if words != path.name or path.suffix != ".md":
        return words
    return title_of(path.read_text("utf-8")).partition(":")[0]


def _moved(link: str, name: str) -> str:
    """A link of a file of the repository as it leads from the page of the site."""
    target, mark, anchor = link.partition("#")
    if link.startswith(_ELSEWHERE) or not target:
        return link
    to = on_site(posixpath.normpath(posixpath.join(posixpath.dirname(name), target)))
    if to == "decisions":
        to = "decisions/index.md"
    return f"{posixpath.relpath(to, posixpath.dirname(on_site(name)) or '.')}{mark}{anchor}"
