"""A printed page as the paragraphs, tables and pictures of a Word document.

What a block of a template says is taken from the page as it stands, so that a block of a laboratory comes along as one
of ours does. Where things stand beside each other on paper (pictures, head and number), a table without lines holds
them. Charts and signs are drawn as PNG by WeasyPrint and PDFium, from the same SVG as on paper.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import tinyhtml5
from docx.document import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Pt
from docx.table import _Cell

from inspect_tool.report.word.drawings import SVG, drawn
from inspect_tool.report.word.elements import (
    CELL_MM,
    Holder,
    add_paragraph,
    add_table,
    begin_page,
    keep_whole,
    part_tables,
    repeat,
    set_style,
)
from inspect_tool.report.word.lines import (
    LEFT_OUT,
    SILENT,
    SPACE,
    Font,
    Look,
    Piece,
    Writing,
    classes_of,
    font_of,
    inline,
    is_block,
    line_of,
    note_target,
    texts,
)

_BESIDE = frozenset({"plates", "thumbs", "masthead", "verdict"})  # children that stand beside each other
_THUMBS = 5  # pictures of features in a row
_TERM_MM = 40.0  # what a term takes beside what it means
_LETTER_EM = 0.56  # mean width of a letter
_BOLD = 1.15  # times as wide is a bold one
_SIGN_LETTERS = 3  # as wide as so many is a sign
_LONGEST_WORD, _LONGEST_LINE = 24, 60  # letters that a column is made wide for


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
    writing = Writing(look=look, drawn=drawn(body, look.ink), targets=links)
    _blocks(writing, document, body, look.text_mm, Font())


def _blocks(writing: Writing, holder: Holder, parent: Any, width_mm: float, font: Font) -> None:
    """Add what an element holds: runs of text between blocks become paragraphs."""
    line: list[Piece] = list(texts(parent.text, font))
    for child in parent:
        if is_block(child):
            add_paragraph(writing, holder, line, width_mm)
            line = []
            _block(writing, holder, child, width_mm, font_of(writing, child, font))
        else:
            line += inline(writing, child, font)
        line += texts(child.tail, font)
    add_paragraph(writing, holder, line, width_mm)


def _block(writing: Writing, holder: Holder, element: Any, width_mm: float, font: Font) -> None:
    classes = classes_of(element)
    if element.tag in SILENT or classes & LEFT_OUT:
        return
    if "annex" in classes:
        begin_page(holder)
    note_target(writing, element)
    if element.tag in ("h1", "h2", "h3", "h4"):
        made = add_paragraph(writing, holder, list(line_of(writing, element, Font())), width_mm)
        if made is not None:
            set_style(made, f"Heading {min(3, int(element.tag[1]))}")
    elif element.tag == "table":
        _table(writing, holder, element, width_mm, font)
    elif element.tag == "dl":
        _facts(writing, holder, element, width_mm, font)
    elif element.tag in ("ul", "ol"):
        for number, item in enumerate(element.iter("li"), start=1):
            mark = f"{number}. " if element.tag == "ol" else ""
            made = add_paragraph(
                writing, holder, [Piece(text=mark, font=font), *line_of(writing, item, font)], width_mm
            )
            if made is not None and not mark:
                set_style(made, "List Bullet")
    elif classes & _BESIDE and len(element) > 1:
        _beside(writing, holder, element, width_mm, font)
    else:
        _blocks(writing, holder, element, width_mm, font)
    if "summary" in classes:
        begin_page(holder)


def _beside(writing: Writing, holder: Holder, element: Any, width_mm: float, font: Font) -> None:
    """A table whose cells stand beside each other, without lines but for the frame of a verdict."""
    items, is_verdict = list(element), "verdict" in classes_of(element)
    each = width_mm / max(len(items), _THUMBS if "thumbs" in classes_of(element) else 0)
    widths = [54.0, width_mm - 54.0] if is_verdict and len(items) == 2 else [each] * len(items)
    table = add_table(holder, 1, len(items), widths, frame=font.color if is_verdict else "")
    for item, cell, width in zip(items, table.rows[0].cells, widths, strict=True):
        _fill(writing, cell, item, width - 4.0, font_of(writing, item, font))
        if "number" in classes_of(item):
            for paragraph in cell.paragraphs:
                paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    keep_whole(table.rows[0]._tr)
    part_tables(holder)


def _fill(writing: Writing, cell: _Cell, element: Any, width_mm: float, font: Font) -> None:
    """Put what an element holds into an empty cell, which keeps one paragraph whatever happens."""
    empty = cell.paragraphs[0]._p
    if element.tag in ("dl", "table"):
        _block(writing, cell, element, width_mm, font)
    else:
        note_target(writing, element)
        _blocks(writing, cell, element, width_mm, font)
    children = [one for one in cell._tc if one.tag in (qn("w:p"), qn("w:tbl"))]
    if len(children) > 1 and children[-1].tag == qn("w:p"):  # a cell ends with a paragraph
        cell._tc.remove(empty)
    for paragraph in cell.paragraphs:
        paragraph.paragraph_format.space_after = Pt(1)


def _facts(writing: Writing, holder: Holder, element: Any, width_mm: float, font: Font) -> None:
    """A list of terms as a table of two columns."""
    rows = []
    for term in element.iter("dt"):
        following = [one for one in _parent(element, term) if one.tag == "dd"]
        rows.append((term, following[0] if following else None))
    if not rows:
        return
    first = min(_TERM_MM, width_mm * 0.42)
    table = add_table(holder, len(rows), 2, [first, width_mm - first], ruled=writing.look.rule)
    for (term, value), row in zip(rows, table.rows, strict=True):
        _fill(writing, row.cells[0], term, first, replace(font, color=writing.look.muted))
        if value is not None:
            _fill(writing, row.cells[1], value, width_mm - first, replace(font, bold=True))
        keep_whole(row._tr)


def _parent(root: Any, child: Any) -> Any:
    return next(one for one in root.iter() if child in list(one))


def _table(writing: Writing, holder: Holder, element: Any, width_mm: float, font: Font) -> None:
    """A table with its heads repeated on every page; cells over several columns stay so."""
    rows = [(row, part.tag) for part in element if part.tag in ("thead", "tbody", "tfoot") for row in part]
    rows += [(row, "tbody") for row in element if row.tag == "tr"]
    rows = [(row, part) for row, part in rows if row.tag == "tr"]
    count = max((sum(_span(cell) for cell in row) for row, _ in rows), default=0)
    if not count:
        return
    size = 7.0 if "compact" in classes_of(element) else 8.0
    set_in = replace(font, size_pt=size)
    if "facts" in classes_of(element) and count == 2:
        widths = [_TERM_MM, width_mm - _TERM_MM]
    else:
        widths = _widths([row for row, _ in rows], count, width_mm, size)
    table = add_table(holder, len(rows), count, widths, ruled=writing.look.rule)
    for (row, part), made in zip(rows, table.rows, strict=True):
        keep_whole(made._tr)
        if part == "thead":
            repeat(made._tr)
        at, places = 0, made.cells
        for cell in row:
            span = _span(cell)
            place = places[at]
            if span > 1:
                place = place.merge(places[min(at + span, count) - 1])
            head = cell.tag == "th" or "strong" in classes_of(cell) or (not at and "main" in classes_of(row))
            own = font_of(writing, cell, replace(set_in, bold=head or part == "tfoot"))
            _fill(writing, place, cell, sum(widths[at : at + span]), own)
            if classes_of(cell) & {"n"} or (at and classes_of(element) & {"transposed"}):
                for paragraph in place.paragraphs:
                    paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
            at += span
    part_tables(holder)


def _span(cell: Any) -> int:
    text = cell.get("colspan", "1")
    return max(1, int(text)) if text.isdecimal() else 1


def _widths(rows: Sequence[Any], count: int, width_mm: float, size_pt: float) -> list[float]:
    """Widths of columns: room for the longest word of each, and what is left by how much text stands in them [mm]."""
    least, wanted = [0.0] * count, [1.0] * count
    for row in rows:
        at = 0
        for cell in row:
            if _span(cell) == 1 and at < count:
                text = SPACE.sub(" ", "".join(cell.itertext())).strip()
                signs = _SIGN_LETTERS * sum(1 for _ in cell.iter(f"{SVG}svg"))
                bold = _BOLD if cell.tag == "th" else 1.0
                least[at] = max(least[at], *(bold * len(word) + signs for word in re.split(r"[ \u00ad-]", text)))
                wanted[at] = max(wanted[at], min(len(text), _LONGEST_LINE))
            at += _span(cell)
    letter = size_pt * _LETTER_EM * 25.4 / 72
    needed = [letter * min(one, _LONGEST_WORD) + 2 * CELL_MM for one in least]
    left = width_mm - sum(needed)
    if left <= 0:
        return [width_mm * one / sum(needed) for one in needed]
    more = [max(0, letter * one + 2 * CELL_MM - own) for one, own in zip(wanted, needed, strict=True)]
    total = sum(more)
    return [own + left * (one / total if total else 1 / count) for own, one in zip(needed, more, strict=True)]
