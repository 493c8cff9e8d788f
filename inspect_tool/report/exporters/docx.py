"""``report.docx``: the printed pages as a Word file, for who must put them into a document of their own.

It is made of the page that the PDF is printed of, element by element: the same blocks, words and digits. Equal reports
give equal bytes.
"""

import io
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

from inspect_tool.errors import OutputError, SettingsError
from inspect_tool.files import write_whole
from inspect_tool.languages import ENGLISH, Text, said
from inspect_tool.model import Report
from inspect_tool.report.render import render
from inspect_tool.report.template import TemplateSettings, frame_of, load_settings
from inspect_tool.report.text import in_xml

try:
    import docx
except ImportError:
    msg = "report.docx needs python-docx; install it with: pip install 'inspect_tool[docx]'"
    raise OutputError(msg) from None
from docx.document import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_TAB_ALIGNMENT
from docx.opc.exceptions import OpcError
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.styles.style import ParagraphStyle

from inspect_tool.report.word import elements, lines, pages

SUFFIX = ".docx"

PLACE = "{{report}}"
"""Text of the paragraph of a frame that the report takes the place of."""
BOOKMARK = "report"
"""Name of the bookmark of a frame behind whose paragraph the report stands."""

_PAPER_MM = {"A4": (210, 297), "letter": (215.9, 279.4)}
_MARGIN_MM = (18, 16)  # left and right, top and bottom: as on paper
_FONT = "Arial"  # every Word has it, and it is as wide as the font of the PDF
_HEADINGS_PT = (20, 13, 10.5)
_EPOCH = (1980, 1, 1, 0, 0, 0)  # of the entries of every Word file


def write(report: Report, folder: Path, template: Path) -> Path:
    """Write ``report.docx`` into the report folder, in the language of the report.

    Raises
    ------
    SettingsError
        The frame that the template names is no Word file.
    """
    settings = load_settings(template)
    framed = bool(settings.docx)
    document = _frame(frame_of(settings, template)) if framed else _plain(report, settings)
    page = render(report, folder, template, "print")
    before = list(document.element.body)
    look = lines.Look(
        text_mm=_text_mm(document),
        ink=settings.colors.ink,
        muted=settings.colors.muted,
        rule=settings.colors.rule,
        tones={name: getattr(settings.colors, name) for name in ("good", "bad", "doubt")},
        framed=framed,
    )
    pages.put(page, document, look)
    if framed:
        _move(document, before)
    _describe(document, report)
    path = folder / "report.docx"
    write_whole(path, _packed(document))
    return path


def _frame(path: Path) -> Document:
    """Open the Word file of the laboratory."""
    try:
        return docx.Document(str(path))
    except (OSError, ValueError, KeyError, SyntaxError, zipfile.BadZipFile, OpcError) as problem:
        msg = f"{path}: cannot be opened as a Word file ({str(problem)[:80]}); save it anew as .docx"
        raise SettingsError(msg) from None


def _plain(report: Report, settings: TemplateSettings) -> Document:
    """An empty document that looks like the PDF, with identification, title and page number in its foot."""
    document = docx.Document()
    section = document.sections[0]
    width, height = _PAPER_MM[settings.paper]
    section.page_width, section.page_height = Mm(width), Mm(height)
    section.left_margin = section.right_margin = Mm(_MARGIN_MM[0])
    section.top_margin = section.bottom_margin = Mm(_MARGIN_MM[1])
    section.footer_distance = Mm(8)
    ink = RGBColor.from_string(settings.colors.ink[1:].upper())
    for name, size in (("Normal", 9.0), *((f"Heading {i}", size) for i, size in enumerate(_HEADINGS_PT, start=1))):
        style = document.styles[name]
        assert isinstance(style, ParagraphStyle)
        style.font.size, style.font.color.rgb = Pt(size), ink
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for key in list(fonts.attrib):
            del fonts.attrib[key]  # of the theme, which would win
        for key in ("ascii", "hAnsi", "cs", "eastAsia"):
            fonts.set(qn(f"w:{key}"), _FONT)
        style.paragraph_format.space_after = Pt(3)
        style.paragraph_format.space_before = Pt(0 if name == "Normal" else 12)
    language = report.language or ENGLISH
    foot = section.footer.paragraphs[0]
    foot.style = document.styles["Normal"]  # that of feet has tab stops of its own
    foot.paragraph_format.tab_stops.add_tab_stop(Mm(width - 2 * _MARGIN_MM[0]), WD_TAB_ALIGNMENT.RIGHT)
    foot.alignment = WD_ALIGN_PARAGRAPH.LEFT
    of_pages = f" {said(Text('page.of_pages'), language)} "
    words = f"{report.id} · {settings.texts.footer or report.title}\t{said(Text('page.page'), language)} "
    for part in (words, "PAGE", of_pages, "NUMPAGES"):
        run = elements.field(foot, part) if part.isupper() else foot.add_run(in_xml(part))
        run.font.size = Pt(7.5)
    return document


def _text_mm(document: Document) -> float:
    """Width of the text of the last section [mm]."""
    last = document.sections[-1]
    width, left, right = last.page_width or Mm(210), last.left_margin or Mm(25), last.right_margin or Mm(25)
    return (width - left - right) / Mm(1)


def _move(document: Document, before: list[Any]) -> None:
    """Move what was added behind the text of a frame to the place that the frame keeps for it."""
    body = document.element.body
    added = [one for one in body if one not in before]
    for paragraph in document.paragraphs:
        if paragraph.text.strip() == PLACE:
            for one in added:
                paragraph._p.addprevious(one)
            body.remove(paragraph._p)
            return
    marks = (mark for mark in body.iter(qn("w:bookmarkStart")) if mark.get(qn("w:name")) == BOOKMARK)
    for mark in marks:
        place = mark
        while place.getparent() is not body:
            place = place.getparent()
        for one in reversed(added):
            place.addnext(one)
        return


def _describe(document: Document, report: Report) -> None:
    """Say in the properties of the file what it is, and in which language it is to be spelled."""
    language = report.language or ENGLISH
    made = datetime.fromisoformat(report.provenance.started).replace(tzinfo=None, microsecond=0)
    about = document.core_properties
    about.title = in_xml(f"{report.title} {report.id}")[:255]
    about.author = in_xml(report.header.laboratory or report.provenance.software)[:255]
    about.last_modified_by = about.author
    about.comments, about.revision, about.language = "", 1, language
    about.created = about.modified = made
    for tag in document.styles.element.iter(qn("w:lang")):
        tag.set(qn("w:val"), {"en": "en-US", "de": "de-DE"}.get(language, language))


def _packed(document: Document) -> bytes:
    """The file, its entries without the time at which they were packed."""
    loose, packed = io.BytesIO(), io.BytesIO()
    document.save(loose)
    with zipfile.ZipFile(loose) as found, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as made:
        for entry in found.infolist():
            fixed = zipfile.ZipInfo(entry.filename, _EPOCH)
            fixed.compress_type, fixed.create_system, fixed.external_attr = zipfile.ZIP_DEFLATED, 3, 0o600 << 16
            made.writestr(fixed, found.read(entry))
    return packed.getvalue()
