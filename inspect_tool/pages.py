"""Pages against data: whether the HTML and the PDF of a report show what its ``report.json`` renders to."""

import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from html.parser import HTMLParser
from itertools import zip_longest
from pathlib import Path
from typing import Any

from inspect_tool import edits
from inspect_tool.dossier import pdf_reader
from inspect_tool.errors import InspectError, SettingsError
from inspect_tool.files import plain
from inspect_tool.model import Report
from inspect_tool.paths import data_folder
from inspect_tool.report import figures, text
from inspect_tool.report.build import main_results
from inspect_tool.report.confined import confined
from inspect_tool.report.render import render, template_folder

_OBJECT = re.compile(rb"/(i[0-9a-f]{32}\w*|x\d+)(?=\s+Do\b)")
_DEPTH = 8  # of drawings within drawings
_SHOWN = 5  # differences of one page that are named
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


def pdf_contradictions(report: Report, data: bytes) -> list[str]:
    """Verdicts that stand alone on page 1 of a PDF and that the report does not state."""
    try:
        said = pdf_reader(data, "report.pdf").pages[0].extract_text()
    except Exception:  # a broken page fails in any way inside the reader, and shows no verdict
        return []
    lines = said.replace("\0", "").splitlines()  # zeros come of fonts that lack signs
    return list(_contradictions(report, lines))


def html_differences(report: Report, path: Path, template: Path, folder: Path, same: bool) -> list[str]:
    """Compare the HTML page with the one that the report renders to; ``same``: made with these versions here."""
    shown = path.read_bytes().decode(errors="replace")
    if not same:
        return list(_missing(report, "".join(page_text(shown))))
    try:
        wanted = confined(template, len(report.micrographs), render, report, folder, template, "screen")
    except InspectError as error:
        return [f"cannot be rendered again: {error}"]
    if shown == wanted:
        return []
    unlike = list(_unlike(page_text(shown), page_text(wanted)))
    return unlike or [f"its text is as it must be, but something else in it was changed (byte {_first(shown, wanted)})"]


def pdf_differences(
    report: Report, data: bytes, template: Path, pictures: Path | None, work: Path, same: bool
) -> list[str]:
    """Compare the pages of a PDF with those that the report prints to.

    Parameters
    ----------
    report : Report
    data : bytes
        The PDF.
    template : Path
    pictures : Path or None
        Report folder with its pictures; None: blank ones of the same size take their place.
    work : Path
        Folder for what is printed again.
    same : bool
        Made with these versions here; else only the main results are looked for.
    """
    try:
        shown = _pdf_pages(data, "report.pdf")
    except InspectError as error:
        return [str(error)]
    if not same:
        return list(_missing(report, "".join(word for page in shown for word in page.words)))
    try:
        wanted = _pdf_pages(_printed(report, template, pictures, work), "report.pdf, printed again")
    except InspectError as error:
        return [f"cannot be printed again: {error}"]
    if len(shown) != len(wanted):
        return [f"it has {len(shown)} pages, must have {len(wanted)}"]
    found: list[str] = []
    for number, (page, other) in enumerate(zip(shown, wanted, strict=True), start=1):
        found += [f"page {number}: {text}" for text in _unlike(page.words, other.words)]
        if page.words == other.words and page.drawing != other.drawing:
            found.append(f"page {number}: its text reads as it must, but is drawn in another way")
        if pictures is not None and page.pictures != other.pictures:
            found.append(f"page {number}: its pictures are not those of the report folder")
        if page.fonts != other.fonts:
            found.append(f"page {number}: its fonts are not those it was printed with")
        if page.notes:
            found.append(f"page {number}: carries {page.notes} that may cover what is printed")
    return found


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
    said = [*map(str, plain(report.header).values()), *report.warnings, *(one.reason for one in report.conformities)]
    for run in dict.fromkeys(runs):
        words = re.findall(r"[^\W\d_]+", run.casefold())
        unlike = {_VERDICT_WORDS[word] for word in words if word in _VERDICT_WORDS} - known
        if unlike and len(words) <= _LONGEST_STATEMENT and not any(run in text for text in said):
            yield f"it shows '{_clipped(run.split())}', the verdict of the report is '{report.verdict}'"


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
        yield f"after '{before}' it shows '{_clipped(shown[a:b])}', the data say '{_clipped(wanted[c:d])}'"
    if len(places) > _SHOWN:
        yield f"and {len(places) - _SHOWN} more places"


def _clipped(words: Sequence[str]) -> str:
    said = " ".join(words)
    return said if len(said) <= 80 else said[:77] + "..."


def _missing(report: Report, said: str) -> Iterator[str]:
    """Main results, limits, verdict, identification and digest that a text does not hold, spaces aside."""
    joined = "".join(said.split())
    wanted = [("identification", report.id), ("digest", report.digest), ("verdict", report.verdict)]
    wanted += [
        (result.title or result.quantity, text.pm(result.value, result.expanded_u, result.unit))
        for result in main_results(report.results)
    ]
    wanted += [(f"limit of {item.quantity}", text.requirement_text(item)) for item in report.conformities]
    for name, value in wanted:
        if "".join(value.split()).casefold() not in joined.casefold():
            yield f"does not show the {name}: {value}"


def _first(one: str, other: str) -> int:
    return next((i for i, (a, b) in enumerate(zip_longest(one, other)) if a != b), 0)


# -------------------------------------------------------------------------------------------------------- PDF


class _Page:
    """What a page of a PDF says and how it is drawn."""

    def __init__(self, page: Any) -> None:
        self.words: list[str] = page.extract_text().split()
        contents = page.get_contents()
        self.pictures: list[str] = []
        self.drawing = self._drawn(contents.get_data(), page["/Resources"]) if contents is not None else b""
        self.fonts = _fonts(page)
        kinds = [item.get_object() for item in page.get("/Annots") or ()]
        over = [
            str(one.get("/Subtype", "?"))
            for one in kinds
            if one.get("/Subtype") != "/Link" and (one.get("/Subtype"), one.get("/FT")) != ("/Widget", "/Sig")
        ]
        self.notes = f"{len(over)} annotations ({', '.join(dict.fromkeys(over))})" if over else ""

    def _drawn(self, data: bytes, resources: Any, depth: int = 0) -> bytes:
        """Drawing with that of every form it uses, without names: those of pictures are made of their content."""
        objects = resources.get_object().get("/XObject", {}).get_object()
        drawing = _OBJECT.sub(b"/object", data)
        for name in _OBJECT.findall(data):
            one = objects["/" + name.decode()].get_object()
            if one.get("/Subtype") == "/Image":
                self.pictures.append(sha256(one._data).hexdigest())  # as it is stored: not decoded
            elif depth < _DEPTH:
                drawing += self._drawn(one.get_data(), one.get("/Resources", resources), depth + 1)
        return drawing


def _pdf_pages(data: bytes, name: str) -> list[_Page]:
    reader = pdf_reader(data, name)
    pages: list[_Page] = []
    for number, page in enumerate(reader.pages, start=1):
        try:
            pages.append(_Page(page))
        except Exception as error:  # a broken page fails in any way inside the reader
            said = " ".join(str(error).split())[:80]
            msg = f"{name}: page {number} cannot be read: {said or type(error).__name__}"
            raise SettingsError(msg) from None
    return pages


def _fonts(page: Any) -> str:
    """Hash of every font program and of what its signs mean."""
    digest = sha256()
    fonts = page["/Resources"].get("/Font", {}).get_object()
    for name in sorted(fonts):
        font = fonts[name].get_object()
        inner = font["/DescendantFonts"][0].get_object() if "/DescendantFonts" in font else font
        described = inner.get("/FontDescriptor", {}).get_object()
        for stream in (
            font.get("/ToUnicode"),
            *(described.get(key) for key in ("/FontFile", "/FontFile2", "/FontFile3")),
        ):
            if stream is not None:
                digest.update(stream.get_object().get_data())
        digest.update(str(font.get("/Encoding")).encode())
    return digest.hexdigest()


def _printed(report: Report, template: Path, pictures: Path | None, work: Path) -> bytes:
    """Print a report again, without attachments."""
    folder = pictures
    if folder is None:
        folder = work / "pictures of pages"
        _stand_ins(report, folder)
    out = work / "printed"
    out.mkdir(exist_ok=True)
    return confined(
        template, len(report.micrographs), _print, report, folder, template, out / "report.pdf"
    ).read_bytes()


def _print(report: Report, folder: Path, template: Path, path: Path) -> Path:
    from inspect_tool.exporters.pdf import print_page

    return print_page(render(report, folder, template, "print"), path, template, report.id, ())


def _stand_ins(report: Report, folder: Path) -> None:
    """Blank pictures of the size of those that the pages show."""
    for record in report.micrographs:
        shape, pixel_um = (record.height_px, record.width_px), record.calibration.pixel_um
        blank = figures.blank_field(shape, pixel_um, record.picture_scale)
        for name in (record.picture, record.overlay):
            _put(folder / name, blank)
    scales = {(record.image, record.specimen): record.calibration.pixel_um for record in report.micrographs}
    for item in report.worst:
        _put(folder / item.file, figures.blank_thumbnail(scales.get((item.image, item.specimen))))
    for file, (_, specimen, _, image, *_) in edits.places(report):
        _put(folder / file, figures.blank_place(scales.get((str(image), str(specimen)))))


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
