"""A printed page as the paragraphs, tables and pictures of a Word document.

What a block of a template says is taken from the page as it stands, so that a block of a laboratory comes along as one
of ours does. Where things stand beside each other on paper (pictures, head and number), a table without lines holds
them. Charts and signs are drawn as PNG by WeasyPrint and PDFium, from the same SVG as on paper.
"""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as default
from io import BytesIO
from typing import Any, TypeAlias
from xml.etree import ElementTree

import tinyhtml5
import weasyprint
from docx.document import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_BREAK, WD_TAB_ALIGNMENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.table import Table, _Cell
from docx.text.paragraph import Paragraph
from docx.text.run import Run
from PIL import Image

from inspect_tool.report import pdf_pictures
from inspect_tool.report.text import in_xml

Element: TypeAlias = Any
"""Of the page or of the document; neither library says of which type."""

RIGHT = WD_TAB_ALIGNMENT.RIGHT

_SVG = "{http://www.w3.org/2000/svg}"
_BLOCKS = frozenset(
    {
        *(
            "main",
            "article",
            "section",
            "header",
            "footer",
            "nav",
            "div",
            "h1",
            "h2",
            "h3",
            "h4",
            "p",
            "ul",
            "ol",
            "li",
        ),
        *("dl", "dt", "dd", "table", "figure", "figcaption", "blockquote", "pre", "hr"),
    }
)
_SILENT = frozenset({"script", "style", "template", "head", "title"})
_LEFT_OUT = frozenset({"meter", "up", "signatures"})  # a bar, a link to the top, the room of digital signatures
_BESIDE = frozenset({"plates", "thumbs", "masthead", "verdict"})  # children that stand beside each other
_THUMBS = 5  # pictures of features in a row
_WIDEST_MM = {"logo": 12.0, "glance": 44.0}
_SMALL = {"note": 8.0, "reason": 8.0, "clause": 8.0, "legal": 8.0, "caption": 8.0, "hash": 6.5, "digest": 6.5}
_LARGE = {"value": 20.0, "word": 18.0}  # the answer and the verdict
_CELL_MM = 0.9  # between a line of a table and its text
_TERM_MM = 40.0  # what a term takes beside what it means
_LETTER_EM = 0.56  # mean width of a letter
_BOLD = 1.15  # times as wide is a bold one
_SIGN_LETTERS = 3  # as wide as so many is a sign
_LONGEST_WORD, _LONGEST_LINE = 24, 60  # letters that a column is made wide for
_DPI = 250  # of charts and signs
_SIGN_MM = 3.4
_MOST_HIGH_MM = 96.0
_SPACE = re.compile(r"[ \t\r\n\f]+")


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
class _Font:
    """How a piece of text is set."""

    bold: bool = False
    italic: bool = False
    color: str = ""
    size_pt: float | None = None
    mono: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """A piece of a line: a text, a picture, or the place of a link."""

    text: str = ""
    font: _Font = _Font()
    picture: bytes = b""
    alt: str = ""
    link: str = ""  # bookmark that it leads to
    small: bool = False  # a sign within the line
    widest_mm: float = 1000.0  # of a picture


@dataclass(slots=True, kw_only=True)
class _Writing:
    """A document in the making: what is known of the page, and what was counted."""

    look: Look
    drawn: Mapping[str, bytes]  # PNG of every SVG of the page
    targets: frozenset[str]  # identifiers of the page that a link leads to
    pending: list[str] = default(default_factory=list)  # of them, those that the next paragraph is
    marked: int = 0  # bookmarks
    pictures: int = 0


Holder: TypeAlias = Document | _Cell


def put(page: str, document: Document, look: Look) -> None:
    """Add a page, as the PDF is printed of, at the end of a document.

    Parameters
    ----------
    page : str
        HTML with every picture inside.
    document : Document
    look : Look
    """
    root = tinyhtml5.parse(page, namespace_html_elements=False)
    body = root.find("body")
    links = frozenset(one.get("href", "")[1:] for one in body.iter("a") if one.get("href", "").startswith("#"))
    writing = _Writing(look=look, drawn=_drawn(body, look), targets=links)
    _blocks(writing, document, body, look.text_mm, _Font())


# ------------------------------------------------------------------------------------------------------ blocks


def _blocks(writing: _Writing, holder: Holder, parent: Element, width_mm: float, font: _Font) -> None:
    """Add what an element holds: runs of text between blocks become paragraphs."""
    line: list[_Piece] = list(_text(parent.text, font))
    for child in parent:
        if _is_block(child):
            _paragraph(writing, holder, line, width_mm)
            line = []
            _block(writing, holder, child, width_mm, _font_of(writing, child, font))
        else:
            line += _inline(writing, child, font)
        line += _text(child.tail, font)
    _paragraph(writing, holder, line, width_mm)


def _block(writing: _Writing, holder: Holder, element: Element, width_mm: float, font: _Font) -> None:
    classes = _classes(element)
    if element.tag in _SILENT or classes & _LEFT_OUT:
        return
    if "annex" in classes:
        _new_page(holder)
    _noted(writing, element)
    if element.tag in ("h1", "h2", "h3", "h4"):
        made = _paragraph(writing, holder, list(_line(writing, element, _Font())), width_mm)
        if made is not None:
            _style(made, f"Heading {min(3, int(element.tag[1]))}")
    elif element.tag == "table":
        _table(writing, holder, element, width_mm, font)
    elif element.tag == "dl":
        _facts(writing, holder, element, width_mm, font)
    elif element.tag in ("ul", "ol"):
        for number, item in enumerate(element.iter("li"), start=1):
            mark = f"{number}. " if element.tag == "ol" else ""
            made = _paragraph(writing, holder, [_Piece(text=mark, font=font), *_line(writing, item, font)], width_mm)
            if made is not None and not mark:
                _style(made, "List Bullet")
    elif classes & _BESIDE and len(element) > 1:
        _beside(writing, holder, element, width_mm, font)
    else:
        _blocks(writing, holder, element, width_mm, font)
    if "summary" in classes:
        _new_page(holder)


def _new_page(holder: Holder) -> None:
    """Begin a new page, unless nothing stands before."""
    if not isinstance(holder, _Cell) and len(holder.element.body) > 1:
        paragraph = holder.add_paragraph()
        paragraph.paragraph_format.space_after = Pt(0)
        run = paragraph.add_run()
        run.font.size = Pt(1)
        run.add_break(WD_BREAK.PAGE)


def _beside(writing: _Writing, holder: Holder, element: Element, width_mm: float, font: _Font) -> None:
    """A table whose cells stand beside each other, without lines but for the frame of a verdict."""
    items, is_verdict = list(element), "verdict" in _classes(element)
    each = width_mm / max(len(items), _THUMBS if "thumbs" in _classes(element) else 0)
    widths = [54.0, width_mm - 54.0] if is_verdict and len(items) == 2 else [each] * len(items)
    table = _new_table(holder, 1, len(items), widths, frame=font.color if is_verdict else "")
    for item, cell, width in zip(items, table.rows[0].cells, widths, strict=True):
        _fill(writing, cell, item, width - 4.0, _font_of(writing, item, font))
        if "number" in _classes(item):
            for paragraph in cell.paragraphs:
                paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    _unsplit(table.rows[0]._tr)
    _space_behind(holder)


def _fill(writing: _Writing, cell: _Cell, element: Element, width_mm: float, font: _Font) -> None:
    """Put what an element holds into an empty cell, which keeps one paragraph whatever happens."""
    empty = cell.paragraphs[0]._p
    if element.tag in ("dl", "table"):
        _block(writing, cell, element, width_mm, font)
    else:
        _noted(writing, element)
        _blocks(writing, cell, element, width_mm, font)
    children = [one for one in cell._tc if one.tag in (qn("w:p"), qn("w:tbl"))]
    if len(children) > 1 and children[-1].tag == qn("w:p"):  # a cell ends with a paragraph
        cell._tc.remove(empty)
    for paragraph in cell.paragraphs:
        paragraph.paragraph_format.space_after = Pt(1)


def _facts(writing: _Writing, holder: Holder, element: Element, width_mm: float, font: _Font) -> None:
    """A list of terms as a table of two columns."""
    rows = []
    for term in element.iter("dt"):
        following = [one for one in _parent(element, term) if one.tag == "dd"]
        rows.append((term, following[0] if following else None))
    if not rows:
        return
    first = min(_TERM_MM, width_mm * 0.42)
    table = _new_table(holder, len(rows), 2, [first, width_mm - first], ruled=writing.look.rule)
    for (term, value), row in zip(rows, table.rows, strict=True):
        _fill(writing, row.cells[0], term, first, replace(font, color=writing.look.muted))
        if value is not None:
            _fill(writing, row.cells[1], value, width_mm - first, replace(font, bold=True))
        _unsplit(row._tr)


def _parent(root: Element, child: Element) -> Element:
    return next(one for one in root.iter() if child in list(one))


def _table(writing: _Writing, holder: Holder, element: Element, width_mm: float, font: _Font) -> None:
    """A table with its heads repeated on every page; cells over several columns stay so."""
    rows = [(row, part.tag) for part in element if part.tag in ("thead", "tbody", "tfoot") for row in part]
    rows += [(row, "tbody") for row in element if row.tag == "tr"]
    rows = [(row, part) for row, part in rows if row.tag == "tr"]
    count = max((sum(_span(cell) for cell in row) for row, _ in rows), default=0)
    if not count:
        return
    size = 7.0 if "compact" in _classes(element) else 8.0
    set_in = replace(font, size_pt=size)
    if "facts" in _classes(element) and count == 2:
        widths = [_TERM_MM, width_mm - _TERM_MM]
    else:
        widths = _widths([row for row, _ in rows], count, width_mm, size)
    table = _new_table(holder, len(rows), count, widths, ruled=writing.look.rule)
    for (row, part), made in zip(rows, table.rows, strict=True):
        _unsplit(made._tr)
        if part == "thead":
            _repeated(made._tr)
        at, places = 0, made.cells
        for cell in row:
            span = _span(cell)
            place = places[at]
            if span > 1:
                place = place.merge(places[min(at + span, count) - 1])
            head = cell.tag == "th" or "strong" in _classes(cell) or (not at and "main" in _classes(row))
            own = _font_of(writing, cell, replace(set_in, bold=head or part == "tfoot"))
            _fill(writing, place, cell, sum(widths[at : at + span]), own)
            if _classes(cell) & {"n"} or (at and _classes(element) & {"transposed"}):
                for paragraph in place.paragraphs:
                    paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
            at += span
    _space_behind(holder)


def _span(cell: Element) -> int:
    text = cell.get("colspan", "1")
    return max(1, int(text)) if text.isdecimal() else 1


def _widths(rows: Sequence[Element], count: int, width_mm: float, size_pt: float) -> list[float]:
    """Widths of columns: room for the longest word of each, and what is left by how much text stands in them [mm]."""
    least, wanted = [0.0] * count, [1.0] * count
    for row in rows:
        at = 0
        for cell in row:
            if _span(cell) == 1 and at < count:
                text = _SPACE.sub(" ", "".join(cell.itertext())).strip()
                signs = _SIGN_LETTERS * sum(1 for _ in cell.iter(f"{_SVG}svg"))
                bold = _BOLD if cell.tag == "th" else 1.0
                least[at] = max(least[at], *(bold * len(word) + signs for word in re.split(r"[ \u00ad-]", text)))
                wanted[at] = max(wanted[at], min(len(text), _LONGEST_LINE))
            at += _span(cell)
    letter = size_pt * _LETTER_EM * 25.4 / 72
    needed = [letter * min(one, _LONGEST_WORD) + 2 * _CELL_MM for one in least]
    left = width_mm - sum(needed)
    if left <= 0:
        return [width_mm * one / sum(needed) for one in needed]
    more = [max(0, letter * one + 2 * _CELL_MM - own) for one, own in zip(wanted, needed, strict=True)]
    total = sum(more)
    return [own + left * (one / total if total else 1 / count) for own, one in zip(needed, more, strict=True)]


# ------------------------------------------------------------------------------------------------------ lines


def _line(writing: _Writing, element: Element, font: _Font) -> Iterator[_Piece]:
    """All that an element says, in one line; blocks within it are parted by breaks."""
    yield from _text(element.text, font)
    for child in element:
        if _is_block(child):
            yield _Piece(text="\n", font=font)
        yield from _inline(writing, child, font)
        yield from _text(child.tail, font)


def _inline(writing: _Writing, element: Element, font: _Font) -> Iterator[_Piece]:
    classes = _classes(element)
    if element.tag in _SILENT or classes & _LEFT_OUT:
        return
    _noted(writing, element)
    if element.tag == "br":
        yield _Piece(text="\n", font=font)
    elif element.tag == "img":
        if not (writing.look.framed and "logo" in classes):
            source = element.get("src", "")
            picture = writing.drawn.get(source) or _bytes_of(source)
            widest = min((_WIDEST_MM[name] for name in classes if name in _WIDEST_MM), default=1000.0)
            if source in writing.drawn and not classes & set(_WIDEST_MM):
                widest = _size_mm(_bytes_of(source).decode())[0]
            yield _Piece(picture=picture, alt=element.get("alt", ""), widest_mm=widest)
    elif element.tag == f"{_SVG}svg":
        drawn = writing.drawn[_svg_text(element, writing.look)]
        yield _Piece(picture=drawn, alt=element.get("aria-label", ""), small=True)
    elif "swatch" in classes:
        color = re.search(r"#[0-9a-fA-F]{6}", element.get("style", ""))
        yield _Piece(text="\N{BLACK SQUARE}", font=replace(font, color=color[0] if color else font.color))
    else:
        address = element.get("href", "")
        link = address[1:] if address.startswith("#") else ""
        for piece in _line(writing, element, _font_of(writing, element, font)):
            yield replace(piece, link=link) if link and not piece.picture else piece


def _text(text: str | None, font: _Font) -> Iterator[_Piece]:
    if text:
        yield _Piece(text=_SPACE.sub(" ", text), font=font)


def _font_of(writing: _Writing, element: Element, font: _Font) -> _Font:
    """Font within an element: its own marks on top of those around it."""
    look, classes = writing.look, _classes(element)
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


def _paragraph(writing: _Writing, holder: Holder, line: Iterable[_Piece], width_mm: float) -> Paragraph | None:
    """Add a paragraph of pieces; None where they say nothing."""
    pieces = _tidy(line)
    if not pieces:
        return None
    paragraph = holder.add_paragraph()
    for name in writing.pending:
        _bookmark(writing, paragraph, name)
    writing.pending.clear()
    pictures = sum(bool(piece.picture) and not piece.small for piece in pieces)
    for piece in pieces:
        if piece.picture:
            _picture(writing, paragraph, piece, width_mm / max(1, pictures) - (2.5 if pictures > 1 else 0.0))
        else:
            _run(paragraph, piece)
    if pictures and not any(piece.text.strip() for piece in pieces):
        paragraph.paragraph_format.keep_with_next = True  # its caption
    return paragraph


def _tidy(line: Iterable[_Piece]) -> list[_Piece]:
    """Pieces without spaces at the ends of a line, and without empty ones."""
    pieces: list[_Piece] = []
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


def _run(paragraph: Paragraph, piece: _Piece) -> None:
    parent = paragraph._p
    if piece.link:
        parent = OxmlElement("w:hyperlink")
        parent.set(qn("w:anchor"), _mark_name(piece.link))
        paragraph._p.append(parent)
    element = OxmlElement("w:r")
    parent.append(element)
    run, font = Run(element, paragraph), piece.font
    if piece.text == "\n":
        run.add_break()
        return
    run.text = in_xml(piece.text)
    run.bold, run.italic = font.bold or None, font.italic or None
    if font.color:
        run.font.color.rgb = RGBColor.from_string(font.color[1:].upper())
    if font.size_pt is not None:
        run.font.size = Pt(font.size_pt)
    if font.mono:
        run.font.name = "Courier New"
        run.font.no_proof = True


def field(paragraph: Paragraph, name: str) -> Run:
    """Add a field that Word fills in, as ``PAGE`` or ``NUMPAGES``."""
    outer = OxmlElement("w:fldSimple")
    outer.set(qn("w:instr"), name)
    element = OxmlElement("w:r")
    outer.append(element)
    paragraph._p.append(outer)
    run = Run(element, paragraph)
    run.text = "1"
    return run


def _bookmark(writing: _Writing, paragraph: Paragraph, name: str) -> None:
    writing.marked += 1
    for tag in ("w:bookmarkStart", "w:bookmarkEnd"):
        mark = OxmlElement(tag)
        mark.set(qn("w:id"), str(writing.marked + _FIRST_MARK))
        if tag.endswith("Start"):
            mark.set(qn("w:name"), _mark_name(name))
        paragraph._p.append(mark)


def _mark_name(identifier: str) -> str:
    """Name of a bookmark, in which Word has no hyphens."""
    return "r_" + re.sub(r"\W", "_", identifier)[:38]


_FIRST_MARK = 9000  # a frame has bookmarks of its own


def _noted(writing: _Writing, element: Element) -> None:
    name = element.get("id", "")
    if name in writing.targets:
        writing.pending.append(name)


# ------------------------------------------------------------------------------------------------------ pictures


def _picture(writing: _Writing, paragraph: Paragraph, piece: _Piece, width_mm: float) -> None:
    """Add a picture as wide as its place, or as high as paper shows it, with what it shows in words."""
    with Image.open(BytesIO(piece.picture)) as opened:
        wide, high = opened.size
    widest = min(width_mm, piece.widest_mm, _MOST_HIGH_MM * wide / high)
    width = _SIGN_MM * wide / high if piece.small else widest
    shape = paragraph.add_run().add_picture(BytesIO(piece.picture), width=Mm(width))
    writing.pictures += 1
    for side in ("distT", "distB", "distL", "distR"):
        shape._inline.set(side, "0")
    about = shape._inline.docPr
    about.set("descr", in_xml(piece.alt))
    about.set("name", f"Picture {writing.pictures}")


def _bytes_of(source: str) -> bytes:
    """Bytes of a picture that stands in its address."""
    head, _, data = source.partition(",")
    return base64.b64decode(data) if head.startswith("data:image/") and head.endswith(";base64") else b""


def _drawn(body: Element, look: Look) -> dict[str, bytes]:
    """Draw every SVG of a page once: those in addresses under the address, those in the text under their text."""
    sources = {one.get("src", "") for one in body.iter("img")}
    found = {one: _bytes_of(one).decode() for one in sorted(sources) if one.startswith("data:image/svg+xml")}
    found |= {text: text for one in body.iter(f"{_SVG}svg") for text in [_svg_text(one, look)]}
    names = list(found)
    return dict(zip(names, _pngs([found[name] for name in names]), strict=True))


def _svg_text(element: Element, look: Look) -> str:
    """An SVG of the page as a file of its own, in the color that it takes from what is around it."""
    alone = ElementTree.Element(element.tag, dict(element.attrib))
    alone.extend(element)
    if "width" not in alone.attrib and (box := alone.get("viewBox", "").split())[2:]:
        alone.attrib |= {"width": box[2], "height": box[3]}
    color = alone.get("color") or look.ink
    return ElementTree.tostring(alone, encoding="unicode").replace("currentColor", color)


def _pngs(drawings: Sequence[str]) -> Iterator[bytes]:
    """Draw SVG files as PNG, each on a page of its own size."""
    rules, pages = [], []
    for i, text in enumerate(drawings):
        width, height = _size_mm(text)
        rules.append(f"@page p{i} {{ size: {width}mm {height}mm; margin: 0 }} .p{i} {{ page: p{i}; }}")
        address = f"data:image/svg+xml;base64,{base64.b64encode(text.encode()).decode()}"
        pages.append(f'<img class="p{i}" style="width: {width}mm; height: {height}mm; display: block" src="{address}">')
    if not pages:
        return
    page = f"<style>body {{ margin: 0 }} {''.join(rules)}</style>{''.join(pages)}"
    for picture in pdf_pictures.pages(weasyprint.HTML(string=page).write_pdf(), _DPI):
        yield pdf_pictures.png(picture, _DPI)


def _size_mm(svg: str) -> tuple[float, float]:
    """Width and height that a drawing states."""
    head = svg[svg.find("svg") :].partition(">")[0]
    stated = re.search(r'\bwidth="([\d.]+)(mm|pt|px)?"[^>]*\bheight="([\d.]+)(mm|pt|px)?"', head)
    if stated:
        per = {"mm": 1.0, "pt": 25.4 / 72, "px": 25.4 / 96}[stated[2] or "px"]
        return float(stated[1]) * per, float(stated[3]) * per
    return (30.0, 30.0)


# ------------------------------------------------------------------------------------------------------ tables of Word


def _new_table(
    holder: Holder, rows: int, columns: int, widths_mm: Sequence[float], *, ruled: str = "", frame: str = ""
) -> Table:
    """A table of fixed widths; ``ruled``: color of the lines below its rows, ``frame``: of that around it, or none."""
    table = holder.add_table(rows, columns)
    table.autofit = False
    for column, width in zip(table.columns, widths_mm, strict=True):
        column.width = Mm(width)
    for row in table.rows:
        for cell, width in zip(row.cells, widths_mm, strict=True):
            cell.width = Mm(width)
    lines = OxmlElement("w:tblBorders")
    for side in ("top", "left", "bottom", "right", "insideH", "insideV"):
        color = ruled if side in ("bottom", "insideH") else ""
        color = frame or color if not side.startswith("inside") else color
        line = OxmlElement(f"w:{side}")
        line.set(qn("w:val"), "single" if color else "nil")
        if color:
            line.set(qn("w:sz"), "12" if frame else "4")
            line.set(qn("w:color"), color[1:].upper())
        lines.append(line)
    properties = table._tbl.tblPr
    later = [
        one for one in properties if one.tag in (qn("w:shd"), qn("w:tblLayout"), qn("w:tblCellMar"), qn("w:tblLook"))
    ]
    later[0].addprevious(lines)
    margins = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        margin = OxmlElement(f"w:{side}")
        margin.set(qn("w:w"), str(round(_CELL_MM * 1440 / 25.4)))
        margin.set(qn("w:type"), "dxa")
        margins.append(margin)
    later[-1].addprevious(margins)  # before the look, behind the layout
    return table


def _unsplit(row: Element) -> None:
    row.get_or_add_trPr().append(OxmlElement("w:cantSplit"))


def _repeated(row: Element) -> None:
    row.get_or_add_trPr().append(OxmlElement("w:tblHeader"))


def _space_behind(holder: Holder) -> None:
    """Part a table from the next one, which Word would join."""
    if not isinstance(holder, _Cell):
        paragraph = holder.add_paragraph()
        paragraph.paragraph_format.space_after = Pt(0)
        paragraph.paragraph_format.line_spacing = Pt(6)


def _style(paragraph: Paragraph, name: str) -> None:
    """Set a built-in style, which is made where a frame lacks it."""
    styles = paragraph.part.document.styles  # type: ignore[attr-defined]
    if name not in styles:
        made = styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH, builtin=True)
        made.base_style = styles.default(WD_STYLE_TYPE.PARAGRAPH)
        if name.startswith("Heading "):
            made.font.bold = True
            level = OxmlElement("w:outlineLvl")
            level.set(qn("w:val"), str(int(name[-1]) - 1))
            made.element.get_or_add_pPr().append(level)
        else:
            made.paragraph_format.left_indent = Mm(5)
    paragraph.style = styles[name]


def _classes(element: Element) -> frozenset[str]:
    return frozenset(element.get("class", "").split())


def _is_block(element: Element) -> bool:
    return element.tag in _BLOCKS
