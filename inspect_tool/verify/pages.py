"""Pages against data: whether the HTML and the PDF of a report show what its ``report.json`` renders to."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from io import BytesIO
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from inspect_tool import __version__
from inspect_tool.errors import InspectError, OutputError, ReadError, SettingsError
from inspect_tool.evidence import edits, masks
from inspect_tool.evidence.dossier import pdf_reader
from inspect_tool.evidence.provenance import package_versions, platform_name
from inspect_tool.files import plain, sha256_bytes
from inspect_tool.languages import ENGLISH, Text, languages, said
from inspect_tool.model import Report
from inspect_tool.paths import data_folder
from inspect_tool.report import certificate, field_pictures, text
from inspect_tool.report.build import main_results
from inspect_tool.report.certificate import Part
from inspect_tool.report.certificate_space import LEAST_ROWS
from inspect_tool.report.render import render
from inspect_tool.report.template import load_settings, template_folder, template_sha256
from inspect_tool.report.template_process import confined
from inspect_tool.verify import pdf_compare

if TYPE_CHECKING:
    from pypdf import PdfReader

OWN = "own template"
"""Why the look of pages is not proved that are made by a template of the laboratory, which may print anything."""

_SHOWN = 5  # differences of one page that are named
_LONGEST_BEFORE = 60  # signs before a difference that are told
_LONG_ALIKE = 40  # signs that two texts begin alike with, of which only the last are told
_MOST = 40  # differences of one document that are named
_LONGEST_STATEMENT = 6  # words of a verdict that stands alone on a page; a longer text speaks about verdicts
_VERDICT_WORDS = {
    "pass": "pass",
    "passed": "pass",
    "accepted": "pass",
    "fail": "fail",
    "failed": "fail",
    "rejected": "fail",
    "undecided": "undecided",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How far the look of the pages of a report can be compared here."""

    template: Path | None  # what the HTML page is rendered with again; None: it is not
    prints: bool  # the PDF is printed again, too
    gap: str  # why the look of the pages is not proved; empty: it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What travels with the pages of a report."""

    json: bytes  # report.json
    read: Callable[[str], bytes | None]  # content of a file that the report names; None: it is not there
    pictures: Path | None  # report folder with the pictures; None: there is only a PDF, which shows them


def look(report: Report, given: Path | None, printed: bool) -> Look:
    """Find out with what the pages of a report can be made again; ``printed``: there is a PDF."""
    own = is_own(report, given)
    try:
        template = template_of(report, given)
    except SettingsError:
        return Look(template=None, prints=False, gap=OWN)
    if report.template_sha256 and template_sha256(template) != report.template_sha256:
        gap = OWN if own else f"the template '{report.template}' of this version is another one"
        return Look(template=None, prints=False, gap=gap)
    made = report.provenance
    if made.version != __version__:
        gap = f"made by version {made.version or '?'}, this is {__version__}"
    elif (made.platform, dict(made.packages)) != (platform_name(), package_versions()):
        gap = "made on another platform or with other libraries"
    else:
        gap = _unprintable(report, template) if printed else ""
        return Look(template=template, prints=printed and not gap, gap=OWN if own else gap)
    return Look(template=None, prints=False, gap=OWN if own else gap)


def _unprintable(report: Report, template: Path) -> str:
    """Why this machine cannot print a report as it was printed; empty: it can."""
    try:
        from inspect_tool.report.exporters.pdf import typesetting
    except OutputError:
        return "printing needs Pango, which is not installed here"
    if report.provenance.typesetting not in ("", typesetting(template)):
        return "fonts or text layout of this machine are others"
    return ""


def template_of(report: Report, given: Path | None) -> Path:
    """Folder of the template a report was made with: a shipped one, or the one that is given.

    Raises
    ------
    SettingsError
        The template is the laboratory's own and was not given.
    """
    if given is not None:
        return template_folder(str(given.resolve()))
    if not re.fullmatch(r"\w+", report.template):
        msg = f"template '{report.template}'"
        raise SettingsError(msg)
    return template_folder(report.template)


def is_own(report: Report, given: Path | None) -> bool:
    """Whether the template of a report is the laboratory's own, which may print what the data do not say."""
    try:
        return template_of(report, given).resolve().parent != data_folder("templates").resolve()
    except SettingsError:
        return True


def html_contradictions(report: Report, page: str) -> list[str]:
    """Verdicts that stand alone in the first section of a page and that the report does not state.

    A page of an own template is compared with what that template makes of the data, so it shows as it must whatever
    the template prints; its verdicts are therefore compared with the report as well.
    """
    reader = _Words()
    reader.feed(page.partition("</section>")[0])
    reader.close()
    return list(_contradictions(report, reader.runs))


def pdf_contradictions(report: Report, document: "PdfReader") -> list[str]:
    """Verdicts that stand alone on page 1 of a PDF, in its metadata or in what is read aloud, and that the report does
    not state."""
    try:
        shown = document.pages[0].extract_text().replace("\0", "")  # zeros come of fonts that lack signs
        beside = [re.split(r"\s*[,;·]\s*", line.strip()) for line in pdf_compare.said_beside(document)]
    except Exception:  # a broken page fails in any way inside the reader, and shows no verdict
        return []
    return list(_contradictions(report, [*shown.splitlines(), *(part for parts in beside for part in parts)]))


def html_differences(report: Report, path: Path, template: Path | None, folder: Path) -> list[str]:
    """Compare the HTML page with the one that the report renders to; without a template look for the main results."""
    shown = path.read_bytes().decode(errors="replace")
    if template is None:
        return list(missing(report, "".join(page_text(shown))))
    try:
        wanted = confined(template, len(report.micrographs), render, report, folder, template, "screen")
    except InspectError as error:
        return [f"cannot be rendered again: {error}"]
    if shown == wanted:
        return []
    unlike = list(_unlike(page_text(shown), page_text(wanted)))
    return unlike or [f"its text is as it must be, but something else in it was changed (byte {_first(shown, wanted)})"]


def pdf_differences(
    report: Report, shown: "PdfReader", template: Path, files: Files, work: Path, part: Part = "whole"
) -> list[str]:
    """Compare a PDF with the one that the report prints to, object by object: nothing else may be in it.

    Parameters
    ----------
    report : Report
    shown : pypdf.PdfReader
        The PDF.
    template : Path
        What it was printed with.
    files : Files
    work : Path
        Folder for what is printed again.
    part : "whole", "certificate" or "annex"
        What of the report the PDF holds.
    """
    try:
        folder, blanks = files.pictures, dict[str, str]()
        if folder is None:
            folder = work / "pictures of pages"
            blanks = put_pictures(report, folder, pdf_compare.pictures(shown), load_settings(template).sizes.picture_px)
        language = pdf_language(shown, report)
        anew = is_anew(shown, report, language)
        made = printed(report, template, folder, work / "printed", files, language, anew=anew, part=part)
        if isinstance(shown.stream, BytesIO) and shown.stream.getvalue() == made:
            return []
        wanted = pdf_reader(made, "report.pdf, printed again")
    except InspectError as error:
        return [f"cannot be printed again: {error}"]
    blank = [blanks[digest] for digest in pdf_compare.pictures(wanted) if digest in blanks]
    known = report.template_sha256 and not is_own(report, template)  # what paper shows is stated by its hash
    stated = blank if known else []
    try:
        found = [f"does not show the picture that the report names: {file}" for file in stated]
        found += _other_words(shown, wanted)
        for said in pdf_compare.differences(shown, wanted, pictures=not blank):
            found.append(said)
            if len(found) > _MOST:
                return [*found, "and more"]
    except Exception as error:  # a broken document fails in any way inside the reader
        return [f"cannot be read: {' '.join(str(error).split())[:80] or type(error).__name__}"]
    return list(dict.fromkeys(found))


def pdf_doubts(report: Report, shown: "PdfReader", own: bool, part: Part = "whole") -> list[str]:
    """What speaks against a PDF that cannot be printed again here: structure that no report has, and, of a shipped
    template, main results that it does not show; of those a certificate or an annex alone need not show all."""
    try:
        found = [] if own else list(missing(report, pdf_words(shown), pdf_language(shown, report), part))
        return list(dict.fromkeys([*found, *pdf_compare.foreign(shown, links=own)]))
    except Exception as error:  # a broken document fails in any way inside the reader
        return [f"cannot be read: {' '.join(str(error).split())[:80] or type(error).__name__}"]


def pdf_language(document: "PdfReader", report: Report) -> str:
    """Language that a PDF says its words are in; that of the report where there are no words of it."""
    try:
        found = str(document.root_object.get("/Lang", ""))
    except Exception:  # a broken document fails in any way inside the reader
        found = ""
    return found if found in languages() else report.language or ENGLISH


def is_anew(document: "PdfReader", report: Report, language: str) -> bool:
    """Whether page 1 of a PDF says that it is a print of a report that has pages of its own."""
    mark = said(Text("page.print_of", report=report.id), language)
    try:
        return "".join(mark.split()) in "".join(document.pages[0].extract_text().split())
    except Exception:  # a broken page fails in any way inside the reader
        return False


def pdf_words(document: "PdfReader") -> str:
    """All that the pages of a PDF say."""
    return "".join(page.extract_text() for page in document.pages)


def _other_words(shown: "PdfReader", wanted: "PdfReader") -> Iterator[str]:
    """Name the words that differ on the pages that are drawn in another way."""
    for number, (page, other) in enumerate(zip(shown.pages, wanted.pages, strict=False), start=1):
        drawings = [contents and contents.get_data() for contents in (page.get_contents(), other.get_contents())]
        if drawings[0] == drawings[1]:
            continue
        words = page.extract_text().split()
        yield from (f"page {number}: {text}" for text in _unlike(words, other.extract_text().split()))


# ------------------------------------------------------------------------------------------------------ texts


def page_text(html: str) -> list[str]:
    """Words that a page shows or holds for its script, in their order.

    >>> page_text("<p>G = <b>7.9</b><style>p {}</style></p>")
    ['G', '=', '7.9']
    """
    reader = _Words()
    reader.feed(html)
    reader.close()
    return reader.words


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.runs: list[str] = []  # texts between two tags
        self._skip = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._skip = tag == "style"
        self.words += [
            word for name, value in attrs if name in ("content", "alt", "title") for word in (value or "").split()
        ]

    def handle_endtag(self, tag: str) -> None:
        del tag
        self._skip = False

    def handle_data(self, data: str) -> None:
        if not self._skip:
            self.words += data.split()
            self.runs.append(" ".join(data.split()))


def _contradictions(report: Report, runs: Sequence[str]) -> Iterator[str]:
    """Short texts with a verdict that neither the report, a requirement nor the lot has; texts of the data aside."""
    lots = [report.lot.verdict] if report.lot is not None else []
    stated = " ".join([report.verdict, *(item.decision for item in report.conformities), *lots]).split()
    known = {_VERDICT_WORDS[word] for word in stated if word in _VERDICT_WORDS}
    written = [*map(str, plain(report.header).values()), *report.warnings, *(one.reason for one in report.conformities)]
    meant = {said(text.rule_text(one.requirement), each) for one in report.conformities for each in languages()}
    for run in dict.fromkeys(runs):
        words = re.findall(r"[^\W\d_]+", run.casefold())
        unlike = _verdicts_in(words) - known
        explains = len(words) > 2 and any(" ".join(run.split()) in " ".join(one.split()) for one in meant)
        if (
            unlike
            and len(words) <= _LONGEST_STATEMENT
            and not explains  # the end of a rule that is put into words
            and not any(run in text for text in written)
        ):
            yield f"it shows '{_clipped(run.split())}', the verdict of the report is '{report.verdict}'"


def _verdicts_in(words: Sequence[str]) -> set[str]:
    """Verdicts that words say, in any language: those of the longest first, as "not passed" holds "passed"."""
    text, found = f" {' '.join(words)} ", set()
    for phrase, verdict in _verdict_phrases():
        if f" {phrase} " in text:
            found.add(verdict)
            text = text.replace(f" {phrase} ", " ")
    return found


@cache
def _verdict_phrases() -> tuple[tuple[str, str], ...]:
    phrases = {
        said(text.term(word), language).casefold(): verdict
        for language in languages()
        for word, verdict in _VERDICT_WORDS.items()
    }
    return tuple(sorted(phrases.items(), key=lambda item: -len(item[0])))


def _unlike(shown: Sequence[str], wanted: Sequence[str]) -> Iterator[str]:
    """Name the words that differ, with a word before them, a few at most."""
    if shown == wanted:
        return
    from difflib import SequenceMatcher

    if len(shown) == len(wanted):
        places = [(i, i + 1, i, i + 1) for i, (a, b) in enumerate(zip(shown, wanted, strict=True)) if a != b]
    else:
        matcher = SequenceMatcher(None, shown, wanted, autojunk=False)
        places = [(a, b, c, d) for tag, a, b, c, d in matcher.get_opcodes() if tag != "equal"]
    for a, b, c, d in places[:_SHOWN]:
        before = " ".join(wanted[max(0, c - 4) : c])
        before = before if len(before) <= _LONGEST_BEFORE else f"...{before[-_LONGEST_BEFORE:]}"
        found, data = _from_difference(" ".join(shown[a:b]), " ".join(wanted[c:d]))
        yield f"after '{before}' it shows '{_clipped([found])}', the data say '{_clipped([data])}'"
    if len(places) > _SHOWN:
        yield f"and {len(places) - _SHOWN} more places"


def _from_difference(shown: str, wanted: str) -> tuple[str, str]:
    """Two texts from a little before they differ: a table that the script of a page reads is one long word.

    >>> _from_difference("12," * 40 + "7]", "12," * 40 + "8]")
    ('...2,12,12,12,12,12,12,7]', '...2,12,12,12,12,12,12,8]')
    """
    alike = next((i for i, (a, b) in enumerate(zip(shown, wanted, strict=False)) if a != b), 0)
    if alike <= _LONG_ALIKE:
        return shown, wanted
    start = alike - _LONG_ALIKE // 2
    return f"...{shown[start:]}", f"...{wanted[start:]}"


def _clipped(words: Sequence[str]) -> str:
    told = " ".join(words)
    return told if len(told) <= 80 else told[:77] + "..."


def missing(report: Report, shown: str, language: str = "", part: Part = "whole") -> Iterator[str]:
    """Main results, limits, verdict, identification and digest that a text in a language does not hold, spaces aside;
    without a language in that of the report. A certificate alone shows the worst of many results, an annex no verdict.
    """
    joined = "".join(shown.split())
    written = text.filters(language or report.language or ENGLISH)
    rows = certificate.rows(report)
    few = part == "certificate" and len(rows) > LEAST_ROWS
    known = {(row.quantity, row.specimen) for row in rows[:LEAST_ROWS]} if few else None
    wanted = [("identification", [report.id]), ("digest", [report.digest])]
    if part != "annex":
        wanted.append(("verdict", [written["term"](report.verdict)]))
    for result in main_results(report.results):
        if known is not None and (result.quantity, result.specimen) not in known:
            continue
        stated = result.value, result.expanded_u, result.unit
        # limits that lie unevenly in brackets, or value ± U as earlier versions printed all results
        wanted.append(
            (result.title or result.quantity, [written["pm"](*stated, result.interval), written["pm"](*stated)])
        )
    wanted += [
        (f"limit of {item.quantity}", [written["requirement_text"](item)])
        for item in report.conformities
        if known is None or (item.quantity, item.specimen) in known
    ]
    for name, ways in wanted:
        if not any("".join(value.split()).casefold() in joined.casefold() for value in ways):
            yield f"does not show the {name}: {ways[0]}"


def _first(one: str, other: str) -> int:
    return next((i for i, (a, b) in enumerate(zip_longest(one, other)) if a != b), 0)


# -------------------------------------------------------------------------------------------------------- PDF


def printed(
    report: Report,
    template: Path,
    folder: Path,
    out: Path,
    files: Files,
    language: str = "",
    *,
    anew: bool = False,
    part: Part = "whole",
) -> bytes:
    """Print a report again into a folder, with its attachments, in the bounds in which it was made.

    Parameters
    ----------
    folder, out : Path
        The folder that holds the pictures, and the one to print into.
    language : str
        Of the words; empty: what the report states.
    anew : bool
        Whether the pages say that they are a print of the report.
    part : "whole", "certificate" or "annex"
        What of the report the PDF holds; an annex carries no data.
    """
    out.mkdir(exist_ok=True)
    names = [item.file for item in report.attachments] if part != "annex" else []
    if masks.attached(report) and part != "annex":
        names += [mask.file for record in report.micrographs if record.evidence for mask in record.evidence.masks]
    held = {name: files.read(name) for name in names}
    pdf = out / "report.pdf"
    confined(
        template, len(report.micrographs), _print, report, folder, template, files.json, held, pdf, language, anew, part
    )
    return pdf.read_bytes()


def _print(
    report: Report,
    folder: Path,
    template: Path,
    data: bytes,
    held: Mapping[str, bytes | None],
    pdf: Path,
    language: str,
    anew: bool,
    part: Part,
) -> None:
    from inspect_tool.report.exporters.pdf import attachments, print_page

    def read(file: str) -> bytes:
        content = held[file]
        if content is None:
            msg = f"{file}: is missing"
            raise ReadError(msg)
        return content

    page = render(report, folder, template, "print", language, anew=anew, part=part)
    print_page(page, pdf, template, report.id, () if part == "annex" else attachments(report, data, read))


def put_pictures(report: Report, folder: Path, shown: dict[str, bytes], max_px: int) -> dict[str, str]:
    """Write the pictures that the report names: those that a PDF shows, known by their hashes, and blank ones for the
    others. Gives the files of the blank ones by their hashes."""
    scales = {(record.image, record.specimen): record.calibration.pixel_um for record in report.micrographs}
    square = (field_pictures.THUMBNAIL_PX, field_pictures.THUMBNAIL_PX)
    drawn: dict[str, tuple[tuple[int, int], float | None, float]] = {
        item.file: (square, scales.get((item.image, item.specimen)), 1.0) for item in report.worst
    }
    for record in report.micrographs:
        shape = (record.height_px, record.width_px)
        scale = min(max(record.picture_scale, 0.0), field_pictures.PICTURE_PX / max(shape))
        about = (shape, record.calibration.pixel_um, scale)
        drawn |= {record.picture: about, record.overlay: about}
    pair = (field_pictures.PLACE_PX, 2 * field_pictures.PLACE_PX + field_pictures.PLACE_GAP_PX)
    for file, (_, specimen, _, image, *_) in edits.places(report):
        drawn[file] = (pair, scales.get((str(image), str(specimen))), 1.0)

    @cache
    def blank(shape: tuple[int, int], pixel_um: float | None, scale: float) -> bytes:
        return field_pictures.reduced(field_pictures.blank_field(shape, pixel_um, scale), max_px)

    stated = {item.file: {item.sha256, item.printed_sha256} for item in report.attachments if item.role == "picture"}
    blanks = {}
    for name, about in drawn.items():
        data = next((shown[digest] for digest in stated.get(name, ()) if digest in shown), None)
        if data is None:
            data = field_pictures.marked(blank(*about), name)
            blanks[sha256_bytes(data)] = name
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return blanks
