"""What a Word document is made of: paragraphs, pictures, tables, bookmarks and styles."""

import re
from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any, TypeAlias

from docx.document import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_BREAK
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.table import Table, _Cell
from docx.text.paragraph import Paragraph
from docx.text.run import Run
from PIL import Image

from inspect_tool.report.text import in_xml
from inspect_tool.report.word.lines import Piece, Writing, tidy

Holder: TypeAlias = Document | _Cell
"""What paragraphs and tables are added to."""

CELL_MM = 0.9
"""Between the border of a cell and its text."""

_SIGN_MM = 3.4
_MOST_HIGH_MM = 96.0
_FIRST_MARK = 9000  # a frame has bookmarks of its own


def add_paragraph(writing: Writing, holder: Holder, line: Iterable[Piece], width_mm: float) -> Paragraph | None:
    """Add a paragraph of pieces; None where they say nothing."""
    pieces = tidy(line)
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


def _run(paragraph: Paragraph, piece: Piece) -> None:
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


def _bookmark(writing: Writing, paragraph: Paragraph, name: str) -> None:
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


def _picture(writing: Writing, paragraph: Paragraph, piece: Piece, width_mm: float) -> None:
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


def add_table(
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
        margin.set(qn("w:w"), str(round(CELL_MM * 1440 / 25.4)))
        margin.set(qn("w:type"), "dxa")
        margins.append(margin)
    later[-1].addprevious(margins)  # before the look, behind the layout
    return table


def keep_whole(row: Any) -> None:
    """Let no page end within a row."""
    row.get_or_add_trPr().append(OxmlElement("w:cantSplit"))


def repeat(row: Any) -> None:
    """Show a row again at the head of every page that its table goes on."""
    row.get_or_add_trPr().append(OxmlElement("w:tblHeader"))


def part_tables(holder: Holder) -> None:
    """Part a table from the next one, which Word would join."""
    if not isinstance(holder, _Cell):
        paragraph = holder.add_paragraph()
        paragraph.paragraph_format.space_after = Pt(0)
        paragraph.paragraph_format.line_spacing = Pt(6)


def begin_page(holder: Holder) -> None:
    """Begin a new page, unless nothing stands before."""
    if not isinstance(holder, _Cell) and len(holder.element.body) > 1:
        paragraph = holder.add_paragraph()
        paragraph.paragraph_format.space_after = Pt(0)
        run = paragraph.add_run()
        run.font.size = Pt(1)
        run.add_break(WD_BREAK.PAGE)


def set_style(paragraph: Paragraph, name: str) -> None:
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
