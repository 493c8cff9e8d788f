"""Lines of a page: pieces of text with their font, pictures and links, as they follow each other."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as default
from typing import Any

from inspect_tool.report.word.drawings import SVG, bytes_of, size_mm, svg_text

SPACE = re.compile(r"[ \t\r\n\f]+")
"""What a page shows as one space; one that keeps words together is none of it."""
SILENT = frozenset({"script", "style", "template", "head", "title"})
"""Elements that say nothing."""
LEFT_OUT = frozenset({"meter", "up", "signatures"})
"""Classes of what paper alone has: a bar, a link to the top, the room of digital signatures."""

_BLOCKS = frozenset(
    {"main", "article", "section", "header", "footer", "nav", "div", "blockquote", "pre", "hr"}
    | {"h1", "h2", "h3", "h4", "p", "ul", "ol", "li", "dl", "dt", "dd", "table", "figure", "figcaption"}
)
_SMALL = {"note": 8.0, "reason": 8.0, "clause": 8.0, "legal": 8.0, "caption": 8.0, "hash": 6.5, "digest": 6.5}  # [pt]
_LARGE = {"value": 20.0, "word": 18.0}  # the answer and the verdict [pt]
_WIDEST_MM = {"logo": 12.0, "glance": 44.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a document looks."""

    text_mm: float  # width of its text
    ink: str  # colors, ``#rrggbb``
    muted: str
    rule: str
    tones: Mapping[str, str]  # of verdicts
    framed: bool = False  # it is the frame of a laboratory, which has a logo and fonts of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Font:
    """How a piece of text is set."""

    bold: bool = False
    italic: bool = False
    color: str = ""
    size_pt: float | None = None
    mono: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A piece of a line: a text, a picture, or the place of a link."""

    text: str = ""
    font: Font = Font()
    picture: bytes = b""
    alt: str = ""
    link: str = ""  # bookmark that it leads to
    small: bool = False  # a sign within the line
    widest_mm: float = 1000.0  # of a picture


@dataclass(slots=True, kw_only=True)
class Writing:
    """A document in the making: what is known of the page, and what was counted."""

    look: Look
    drawn: Mapping[str, bytes]  # PNG of every SVG of the page
    targets: frozenset[str]  # identifiers of the page that a link leads to
    pending: list[str] = default(default_factory=list)  # of them, those that the next paragraph is
    marked: int = 0  # bookmarks
    pictures: int = 0


def line_of(writing: Writing, element: Any, font: Font) -> Iterator[Piece]:
    """All that an element says, in one line; blocks within it are parted by breaks."""
    yield from texts(element.text, font)
    for child in element:
        if is_block(child):
            yield Piece(text="\n", font=font)
        yield from inline(writing, child, font)
        yield from texts(child.tail, font)


def inline(writing: Writing, element: Any, font: Font) -> Iterator[Piece]:
    """What an element within a line says; blocks within it are parted by breaks."""
    classes = classes_of(element)
    if element.tag in SILENT or classes & LEFT_OUT:
        return
    note_target(writing, element)
    if element.tag == "br":
        yield Piece(text="\n", font=font)
    elif element.tag == "img":
        if not (writing.look.framed and "logo" in classes):
            source = element.get("src", "")
            picture = writing.drawn.get(source) or bytes_of(source)
            widest = min((_WIDEST_MM[name] for name in classes if name in _WIDEST_MM), default=1000.0)
            if source in writing.drawn and not classes & set(_WIDEST_MM):
                widest = size_mm(bytes_of(source).decode())[0]
            yield Piece(picture=picture, alt=element.get("alt", ""), widest_mm=widest)
    elif element.tag == f"{SVG}svg":
        drawn = writing.drawn[svg_text(element, writing.look.ink)]
        yield Piece(picture=drawn, alt=element.get("aria-label", ""), small=True)
    elif "swatch" in classes:
        color = re.search(r"#[0-9a-fA-F]{6}", element.get("style", ""))
        yield Piece(text="\N{BLACK SQUARE}", font=replace(font, color=color[0] if color else font.color))
    else:
        address = element.get("href", "")
        link = address[1:] if address.startswith("#") else ""
        for piece in line_of(writing, element, font_of(writing, element, font)):
            yield replace(piece, link=link) if link and not piece.picture else piece


def texts(text: str | None, font: Font) -> Iterator[Piece]:
    """A text of the page, its spaces as they are shown; nothing where there is none."""
    if text:
        yield Piece(text=SPACE.sub(" ", text), font=font)


def font_of(writing: Writing, element: Any, font: Font) -> Font:
    """Font within an element: its own marks on top of those around it."""
    look, classes = writing.look, classes_of(element)
    if element.tag in ("b", "strong", "th") or classes & {"word", "value"}:
        font = replace(font, bold=True)
    if element.tag in ("i", "em") or "missing" in classes:
        font = replace(font, italic=True)
    if classes & (frozenset(_SMALL) | {"missing", "lede"}):
        font = replace(font, color=look.muted)
    sizes = [size for name, size in (*_SMALL.items(), *_LARGE.items()) if name in classes]
    if sizes:
        font = replace(font, size_pt=sizes[0] if font.size_pt is None else min(font.size_pt, sizes[0]))
    if "why" in classes:
        font = replace(font, bold=False, color=look.ink, size_pt=None)
    if classes & {"hash", "digest"} or element.tag in ("code", "pre"):
        font = replace(font, mono=True)
    tones = [color for name, color in look.tones.items() if name in classes]
    return replace(font, color=tones[0]) if tones and classes & {"verdict", "badge", "lot"} else font


def tidy(line: Iterable[Piece]) -> list[Piece]:
    """Pieces without spaces at the ends of a line, and without empty ones."""
    pieces: list[Piece] = []
    for piece in line:
        before = pieces[-1] if pieces else None
        at_start = before is None or (not before.picture and before.text.endswith((" ", "\n")))
        text = piece.text.lstrip(" ") if at_start and not piece.picture else piece.text
        if text == "\n" and (before is None or before.text == "\n"):
            continue
        if text or piece.picture:
            pieces.append(replace(piece, text=text))
    while pieces and not pieces[-1].picture and not pieces[-1].text.strip(" \n"):
        pieces.pop()
    if pieces and not pieces[-1].picture:
        pieces[-1] = replace(pieces[-1], text=pieces[-1].text.rstrip(" "))
    return pieces


def note_target(writing: Writing, element: Any) -> None:
    """Remember that a link leads to an element: the next paragraph gets the bookmark."""
    name = element.get("id", "")
    if name in writing.targets:
        writing.pending.append(name)


def classes_of(element: Any) -> frozenset[str]:
    """Classes of an element of the page."""
    return frozenset(element.get("class", "").split())


def is_block(element: Any) -> bool:
    """Whether an element begins a paragraph of its own."""
    return element.tag in _BLOCKS
