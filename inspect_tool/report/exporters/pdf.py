"""``report.pdf``: PDF/A-3b with tags and the data attached, by WeasyPrint; of a job that asks for it ``annex.pdf``."""

import gc
import html
import logging
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from datetime import datetime
from functools import cache
from importlib.util import find_spec
from io import BytesIO, StringIO
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any

from inspect_tool.errors import OutputError
from inspect_tool.evidence.masks import attached
from inspect_tool.files import report_pieces, sha256_bytes, whole_file
from inspect_tool.languages import ENGLISH, Text, Words, said
from inspect_tool.model import Report
from inspect_tool.report import text
from inspect_tool.report.certificate import parts_of
from inspect_tool.report.exporters.csv import csv_text
from inspect_tool.report.render import render
from inspect_tool.report.template import font_faces, load_settings, search_path

_GET_PANGO = {
    "win32": "`pip install gstreamer-libs`, which brings it",
    "darwin": "`brew install pango`, and `export DYLD_FALLBACK_LIBRARY_PATH=$(brew --prefix)/lib` for a Python that is "
    "not Homebrew's",
    "linux": "`apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0` (Debian, Ubuntu) or "
    "`dnf install pango harfbuzz` (Fedora)",
}


def _show_bundled_pango() -> None:
    """On Windows, tell WeasyPrint where Pango lies: in ``gstreamer-libs``, unless the user names another folder."""
    bundle = find_spec("gstreamer_libs") if sys.platform == "win32" else None
    if bundle is not None and bundle.origin is not None:
        os.environ.setdefault("WEASYPRINT_DLL_DIRECTORIES", str(Path(bundle.origin).parent / "bin"))


@contextmanager
def _by_soname() -> Iterator[None]:
    """On Linux, load libraries by the names of their files: for any other name Python asks a compiler, 0.4 s in all."""
    if sys.platform != "linux":
        yield
        return
    import ctypes.util

    def not_found(name: str) -> str | None:  # noqa: ARG001 - called as the one it stands for
        return None

    search, ctypes.util.find_library = ctypes.util.find_library, not_found
    try:
        yield
    finally:
        ctypes.util.find_library = search


try:
    _show_bundled_pango()
    with (
        _by_soname(),
        redirect_stdout(StringIO()),
    ):  # of a missing library the error says in one line what the banner says
        import pydyf  # type: ignore[import-untyped]
        import weasyprint
    from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse
except OSError as problem:  # the Python package is there, the C library is not
    msg = (
        f"WeasyPrint needs the Pango library, which cannot be loaded ({str(problem).splitlines()[0][:80]}): "
        f'{_GET_PANGO.get(sys.platform, "install it")}; or leave "pdf" out of exports'
    )
    raise OutputError(msg) from problem

SUFFIX = ".pdf"

_RARE = re.compile(r"[^\u0000-\u058f\u2000-\u2bff]")  # beyond letters and signs that the fonts of every report have
_PICTURE = re.compile(r'(?<= src=")data:[a-z/+]+;base64,[A-Za-z0-9+/=]+')
_SIGN = re.compile(r"(<svg\b[^>]*>)")
"""A sign within the text. The words beside it say what it says, so that nothing is read aloud for it: PDF/UA asks for a
text (ISO 14289-1, 7.3), and WeasyPrint takes that of the title."""
_NAMED = 6  # characters without a font that page 1 names
_SAMPLES = """<!DOCTYPE html><html lang="en"><head><title>samples</title><style>{faces}
body {{ font: 9pt {text} }} code {{ font: 8pt {mono} }} td {{ padding: 1mm }}
</style></head><body><p>{signs}</p><p><b>{signs}</b></p><p><i>{signs}</i></p><p><code>{signs}</code></p>
<table><tr><th>fi ffl AV To</th><td>1.234 ± 0.056 µm²</td></tr></table></body></html>"""
_SIGNS = "".join(map(chr, [*range(48, 127), *range(192, 384), *range(913, 970), *range(1040, 1104)])) + "±×−≤≥–…·°²³µ√∑"

_LOG = logging.getLogger(__name__)

for _name in ("weasyprint", "fontTools"):
    logging.getLogger(_name).setLevel(logging.ERROR)


def write(report: Report, folder: Path, template: Path) -> Path:
    """Write ``report.pdf`` into the report folder, and ``annex.pdf`` where the annex is a file of its own.

    The first carries ``report.json``, ``features.csv``, the job, the standards and the masks that the report names, so
    that a third party can recompute the result from the paper.
    """
    (first, main), *others = parts_of(report)
    page = render(report, folder, template, "print", part=first)
    with NamedTemporaryFile() as data:  # of a job of many fields it is not held while pages are laid out
        for piece in report_pieces(report):
            data.write(piece.encode())
        data.seek(0)
        carried = attachments(report, data, lambda file: (folder / file).read_bytes())
        made = print_page(page, folder / main, template, report.id, carried)
    for part, name in others:
        page = render(report, folder, template, "print", part=part)
        print_page(page, folder / name, template, report.id, ())
    return made


@cache
def typesetting(template: Path) -> str:
    """SHA-256 of a sheet of samples as this machine prints it in the fonts of a template.

    Where it is the same, fonts and text layout are, and a report prints to the same bytes.
    """
    fonts = load_settings(template).fonts
    page = _SAMPLES.format(faces=font_faces(), text=fonts.text, mono=fonts.mono, signs=html.escape(_SIGNS))
    return sha256_bytes(weasyprint.HTML(string=page).write_pdf(pdf_identifier=b"samples"))


def print_page(page: str, path: Path, template: Path, identifier: str, attachments: Sequence[Any]) -> Path:
    """Print a rendered page as PDF/A-3b with tags; it may show files of its folder and of its template only.

    A character that no font here has is printed as its code; page 1 says so, and a line of the log.
    """
    page, pictures = _with_short_addresses(_SIGN.sub(r"\1<title> </title>", page))
    files = _OwnFiles((path.parent.resolve(), *search_path(template)), pictures)

    def source(words: str) -> Any:
        return weasyprint.HTML(string=words, base_url=f"{template.resolve().as_uri()}/", url_fetcher=files)

    crisp = "img { image-rendering: crisp-edges }"  # PDF/A: no /Interpolate

    def put(words: str, place: Path, style: str, carried: Sequence[Any]) -> None:
        source(words).write_pdf(
            place,
            attachments=list(carried),
            pdf_variant="pdf/a-3b",
            pdf_tags=True,
            pdf_identifier=identifier.encode(),
            optimize_images=False,
            finisher=_finish,
            stylesheets=[weasyprint.CSS(string=style)],
        )

    def write(place: Path) -> None:
        with _lacking() as lacking, warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # WeasyPrint leaves its color profile to the collector
            if _RARE.search(page):  # attachments can be read once, so the first try goes without
                put(page, place, crisp, ())
            remark = _remark(lacking) if lacking else ""
            if remark:
                _LOG.warning("%s: %s", path.name, remark)
            style = _above_page_1(said(remark, _language(page))) if remark else ""
            put(_by_code(page, lacking), place, crisp + style, attachments)

    try:
        with _uncollected(), whole_file(path, write) as made:
            made.replace(path)
    except FatalURLFetchingError as refused:
        message = f"{template}: {refused.__cause__ or refused}"
        raise OutputError(message) from refused
    return path


def _with_short_addresses(page: str) -> tuple[str, dict[str, str]]:
    """Put a short address into the place of each that holds a picture, and give what they stand for.

    WeasyPrint reads a page letter by letter, and most letters are of pictures.
    """
    addresses: dict[str, str] = {}
    page = _PICTURE.sub(lambda found: addresses.setdefault(found[0], f"data:,{len(addresses)}"), page)
    return page, {short: long for long, short in addresses.items()}


@contextmanager
def _uncollected() -> Iterator[None]:
    """Let Python look for no cycles of dead values: a page is laid out in millions of values that live until it is
    written, and looking through them again and again takes a seventh of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _finish(document: Any, pdf: Any) -> None:
    _with_scopes(document, pdf)
    _compress_once(pdf)


def _compress_once(pdf: Any) -> None:
    """Keep what a stream is when compressed: it is asked for twice, for the file and for the hash of all in it."""
    for one in pdf.objects:
        if isinstance(one, pydyf.Stream) and one.compress:
            _, _, rest = one.data.partition(b"\nstream\n")
            one.stream, one.compress = [rest.removesuffix(b"\nendstream")], False
            one.extra["Filter"] = "/FlateDecode"


def _with_scopes(document: Any, pdf: Any) -> None:
    """Say of every header cell what it is the header of, and where each is found, as PDF/UA asks (ISO 14289-1, 7.5).

    WeasyPrint names the headers of every cell by their IDs, and writes neither scopes nor the tree of the IDs.
    """
    headers = {}
    boxes = [page._page_box for page in document.pages]
    while boxes:
        box = boxes.pop()
        box = getattr(box, "_box", box)  # of what is placed absolutely
        boxes += getattr(box, "children", ())
        cell = getattr(box, "mark", None)
        if isinstance(cell, pydyf.Dictionary) and cell["S"] == "/TH" and "ID" in cell:
            across = box.element.attrib.get("scope") in ("row", "rowgroup")
            cell["A"]["Scope"] = "/Row" if across else "/Column"
            headers[cell["ID"].string] = cell
    if headers:
        names = [part for key, cell in sorted(headers.items()) for part in (cell["ID"], cell.reference)]
        tree = pydyf.Dictionary({"Names": pydyf.Array(names)})
        pdf.add_object(tree)
        pdf.objects[int(pdf.catalog["StructTreeRoot"].split()[0])]["IDTree"] = tree.reference


@contextmanager
def _lacking() -> Iterator[dict[int, None]]:
    """Collect the code points that WeasyPrint finds no font for, in their order."""
    found: dict[int, None] = {}

    def collect(record: logging.LogRecord) -> bool:
        if str(record.msg).startswith(".notdef glyph") and isinstance(record.args, tuple):
            found[int(str(record.args[1]))] = None
        return record.levelno >= logging.ERROR

    logger = logging.getLogger("weasyprint")
    before = logger.level
    logger.addFilter(collect)
    logger.setLevel(logging.WARNING)
    try:
        yield found
    finally:
        logger.setLevel(before)
        logger.removeFilter(collect)


def _by_code(page: str, lacking: Iterable[int]) -> str:
    """Put the code of a character into the place of each that has no font, so that no empty box stands for it.

    >>> _by_code("<p>a\ue123</p>", [0xE123])
    '<p>a[U+E123]</p>'
    """
    for code in lacking:
        page = page.replace(chr(code), f"[U+{code:04X}]").replace(f"\\{code:x} ", f"[U+{code:04X}]")
    return page


def _remark(lacking: Iterable[int]) -> Words:
    """Say which characters have no font."""
    codes = [f"U+{code:04X}" for code in lacking]
    named = ", ".join(codes[:_NAMED]) + (", ..." if len(codes) > _NAMED else "")
    return Text("page.no_font", characters=text.plural(len(codes), "character"), codes=named)


def _above_page_1(words: str) -> str:
    """Style that writes something above page 1."""
    look = "width: 100%; font: 8pt var(--text); color: #a51d1d"
    return f" @page :first {{ @top-left {{ content: {text.css_string(words)}; {look} }} }}"


def _language(page: str) -> str:
    found = re.search(r'<html lang="(\w+)', page)
    return found[1] if found else ENGLISH


def attachments(report: Report, data: bytes | IO[bytes], read: Callable[[str], bytes]) -> list[Any]:
    """Files that the PDF of a report carries; ``data``: the report as JSON, ``read``: gives the files it names."""
    started = datetime.fromisoformat(report.provenance.started)
    parts: list[tuple[str, str, str | bytes | IO[bytes], str]] = [
        ("report.json", "The report as data", data, "Source"),
        ("features.csv", "Every measured feature", csv_text(report.features), "Data"),
    ]
    parts += [
        (Path(item.file).name, _ROLES[item.role][0], read(item.file), _ROLES[item.role][1])
        for item in report.attachments
        if item.role in _ROLES
    ]
    if attached(report):
        parts += [
            (
                Path(mask.file).name,
                f"{mask.shows.capitalize()} of {record.image}"
                + (f", other segmentation: {mask.alternative}" if mask.alternative else ""),
                read(mask.file),
                "Data",
            )
            for record in report.micrographs
            if record.evidence is not None
            for mask in record.evidence.masks
        ]
    return [attachment(*part, started) for part in parts]


_ROLES = {
    "job": ("What was asked for", "Source"),
    "standard": ("Edition of a standard that was used, as data", "Supplement"),
    "own standard": ("Edition of the laboratory that was followed, as data", "Supplement"),
    "spec": ("Acceptance criteria of the part, as data", "Supplement"),
    "edit": ("Edit by hand: who, when, why, and the changed pixels", "Data"),
    "referee": ("Check by hand: samples that were drawn, and answers", "Data"),
    "replaced": ("The report that this one replaces, as data", "Supplement"),
    "input": ("Table that the job names", "Supplement"),
    "validation": ("Errors of the segmentation on labeled images", "Supplement"),
    "comparison": ("Values of a standard as the laboratory compared them with the published text", "Supplement"),
}


def attachment(name: str, description: str, content: str | bytes | IO[bytes], relationship: str, made: datetime) -> Any:
    """Make a file that a PDF carries; what it holds may be an open file, which is read when the PDF is written."""
    if isinstance(content, str):
        content = content.encode()
    return weasyprint.Attachment(
        file_obj=BytesIO(content) if isinstance(content, bytes) else content,
        name=name,
        description=description,
        created=made,
        modified=made,
        relationship=relationship,
    )


class _OwnFiles(URLFetcher):  # type: ignore[misc]  # WeasyPrint has no type information
    """Fetch files of the report and of its template, and nothing else: no network, no other folder."""

    def __init__(self, folders: tuple[Path, ...], pictures: Mapping[str, str]) -> None:
        super().__init__(allowed_protocols=("file", "data"), allow_redirects=False, fail_on_errors=True)
        self._folders = folders
        self._pictures = pictures  # what short addresses stand for

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
        """Give the bytes of a URL, or refuse it."""
        if not url.startswith("data:"):
            path = Path(URLFetcherResponse(url, b"").path or "/").resolve() if url.startswith("file:") else None
            if path is None or not any(path.is_relative_to(folder) for folder in self._folders):
                refused = f"{url}: a report shows only files of its own folder and of its template"
                raise OutputError(refused)
        return super().fetch(self._pictures.get(url, url), headers)
