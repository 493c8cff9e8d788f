"""Template folders: their settings, the files that they print with, and the sandbox that their pages run in.

What a template folder does not hold is taken from the shipped one, so that a laboratory keeps only what it changes.
Templates run in a sandbox, escape what they print, and fail on a missing value.
"""

import base64
import os
import re
import traceback
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from dataclasses import field as default
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le
from jinja2 import FunctionLoader, StrictUndefined, TemplateError, TemplateNotFound, TemplateSyntaxError, pass_context
from jinja2.loaders import split_template_path
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from inspect_tool.errors import SettingsError
from inspect_tool.files import checked, read_bytes, read_toml, sha256_bytes
from inspect_tool.languages import ENGLISH, Text, is_known, languages, said
from inspect_tool.model import Table
from inspect_tool.paths import data_folder
from inspect_tool.report import field_pictures, text
from inspect_tool.report.tables import cells, numeric_columns
from inspect_tool.report.template_process import is_shipped
from inspect_tool.typos import near

Medium = Literal["screen", "print"]
PAGES: Mapping[Medium, str] = {"screen": "screen.html.j2", "print": "page.html.j2"}
"""File of a template that lays a report out for each medium."""
BLOCKS = (
    "summary",
    "identification",
    "method",
    "decision",
    "results",
    "fields",
    "field_table",
    "charts",
    "budget",
    "checks",
    "features",
    "tables",
    "calibration",
    "provenance",
)
MIME = {".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}
_WRITTEN = (".j2", ".css", ".js")  # files of a template that are texts, besides template.toml
_MOST_FILES = 10_000
_MOST_BYTES = 64 << 20  # of one file; the largest are fonts of all the signs of Chinese


@dataclass(frozen=True, slots=True, kw_only=True)
class Colors:
    """Colors of a template, ``#rrggbb``."""

    ink: str = "#1c2630"
    muted: str = "#5b6774"
    rule: str = "#d3d9df"
    tint: str = "#f4f6f8"
    accent: str = "#0b4f6c"
    good: str = "#1b6e3c"
    bad: str = "#a51d1d"
    doubt: str = "#8a5a00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fonts:
    """Font stacks of a template; "Report Sans", "Report Mono" and "Report Signs" come with this software."""

    text: str = '"Report Sans", "Liberation Sans", "Helvetica Neue", Arial, "Report Signs", "DejaVu Sans", sans-serif'
    mono: str = '"Report Mono", "Liberation Mono", Consolas, Menlo, "Report Signs", "DejaVu Sans Mono", monospace'


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Sentences a laboratory may word itself."""

    kind: str = "Inspection report"
    scope: str = "The results relate only to the items tested."
    as_received: str = "They apply to the sample as received."
    reproduction: str = "This report may be reproduced only in full, unless the laboratory agrees in writing."
    end: str = "End of report"
    footer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is shown on paper; the HTML page and the CSV files hold every number."""

    pairs_up_to: int = 6  # fields; up to here every field is printed twice, as imaged and as measured
    most_fields: int = 12  # pictures on paper
    most_fields_on_screen: int = 48  # pictures inside the HTML page; those of the others stand beside it
    most_mb_on_screen: float = 12.0  # of pictures and features inside the HTML page; the rest stands beside it
    most_rows: int = 60  # of a table on paper
    picture_px: int = 1100  # longest side of a picture on paper
    most_features: int = 60  # a feature table of up to so many rows is printed
    most_columns: int = 9  # a wider table is printed in parts
    most_budgets: int = 4  # budgets on paper


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Pictures of the pages of the PDF."""

    dpi: Annotated[int, Ge(36), Le(600)] = 150
    gray: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateSettings:
    """``template.toml``: what a laboratory changes without touching a template."""

    language: str = "en"
    paper: Literal["A4", "letter"] = "A4"
    logo: str = ""
    blocks: tuple[str, ...] = BLOCKS
    colors: Colors = default(default_factory=Colors)
    fonts: Fonts = default(default_factory=Fonts)
    texts: Texts = default(default_factory=Texts)
    sizes: Sizes = default(default_factory=Sizes)
    docx: str = ""  # Word file of the laboratory that frames report.docx; empty: none
    png: Pages = default(default_factory=Pages)
    lims: Mapping[str, str] = default(default_factory=dict)  # analysis keyword of a quantity in lims.csv


def template_folder(name: str, beside: Path | None = None) -> Path:
    """Find a template: a shipped name, or the path of a folder (relative to ``beside``).

    Raises
    ------
    SettingsError
        When there is no ``template.toml``.
    """
    shipped = data_folder("templates") / name
    folder = shipped if re.fullmatch(r"\w+", name) and shipped.is_dir() else (beside or Path()) / name
    if not (folder / "template.toml").is_file():
        there = ", ".join(sorted(path.parent.name for path in data_folder("templates").glob("*/template.toml")))
        msg = f"template '{name}': {folder / 'template.toml'} not found; shipped templates: {there}"
        raise SettingsError(msg)
    return folder


def load_settings(template: Path) -> TemplateSettings:
    """Read and check ``template.toml``, and in one of a laboratory that the blocks and the logo are there and whole.

    Raises
    ------
    SettingsError
        One line that names the file and, in a template, the line.
    """
    path = template / "template.toml"
    settings = checked(TemplateSettings, read_toml(path), str(path))
    for name in Colors.__slots__:
        value = getattr(settings.colors, name)
        if not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
            msg = f"{path} colors.{name}: got {value!r}, must be a color like '#0b4f6c'"
            raise SettingsError(msg)
    for name in Fonts.__slots__:
        value = getattr(settings.fonts, name)
        if not re.fullmatch(r"""[\w\s,"'\-]+""", value):
            msg = f"{path} fonts.{name}: got {value!r}, must be font names separated by commas"
            raise SettingsError(msg)
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]+)*", settings.language):
        msg = f"{path} language: got {settings.language!r}, must be a code like 'en' or 'de-CH'"
        raise SettingsError(msg)
    folders = search_path(template)
    logo_address(settings.logo, folders)
    if settings.docx:
        frame_of(settings, template)
    if is_shipped(template):  # its blocks are whole, and to compile them all takes longer than to plan a job
        return settings
    with explained(template, folders):
        blocks = [
            name for block in settings.blocks for name in (f"blocks/{block}.html.j2", block_on_screen(block, folders))
        ]
        for name in (*PAGES.values(), *blocks):
            environment(folders, ENGLISH).get_template(name)
    return settings


def frame_of(settings: TemplateSettings, template: Path) -> Path:
    """The Word file that frames ``report.docx``, in the folder of the template.

    Raises
    ------
    SettingsError
        It is not there, its name does not end in .docx, or it is none.
    """
    if not settings.docx.lower().endswith(".docx"):
        msg = f"{template / 'template.toml'} docx: got {settings.docx!r}, must be the name of a .docx file beside it"
        raise SettingsError(msg)
    path = _find(settings.docx, search_path(template))
    with suppress(OSError, zipfile.BadZipFile), zipfile.ZipFile(path) as packed:
        if "word/document.xml" in packed.namelist():
            return path
    msg = f"{path}: is no Word file; save it anew as .docx"
    raise SettingsError(msg)


def language_of(asked: str, template: Path) -> str:
    """Language of pages: what a job asks for, or else what the settings of its template do; empty: English.

    A template may be in a language that there are no words of: then those that it does not word itself are English.
    """
    language = asked or load_settings(template).language.lower()
    return language if language in languages() and language != ENGLISH else ""


def check_language(name: str, where: str) -> None:
    """Refuse a language that there are no words of.

    Raises
    ------
    SettingsError
    """
    if name not in languages():
        msg = f"{where}: there are no words of '{name}'; there are: {', '.join(languages())}{near(name, languages())}"
        raise SettingsError(msg)


def in_language(settings: TemplateSettings, language: str) -> TemplateSettings:
    """Settings for pages of a language: texts that the laboratory did not word itself are in it."""
    if language == ENGLISH:
        return settings
    own = {name: getattr(settings.texts, name) for name in Texts.__slots__}
    texts = {name: said(Text(f"page.{name}"), language) for name, text in own.items() if _is_shipped(name, text)}
    return replace(settings, language=language, texts=replace(settings.texts, **texts))


def _is_shipped(name: str, text: str) -> bool:
    return is_known(f"page.{name}") and text == Text(f"page.{name}")


def font_faces() -> str:
    """Style that names the fonts that come with this software, for paper: the same on every machine.

    Texts are in Liberation, signs that it lacks in DejaVu.
    """
    own = field_pictures.FONTS
    faces = [
        ("Report Sans", own / "LiberationSans-Regular.ttf", "normal", "normal"),
        ("Report Sans", own / "LiberationSans-Bold.ttf", "bold", "normal"),
        ("Report Sans", own / "LiberationSans-Italic.ttf", "normal", "italic"),
        ("Report Sans", own / "LiberationSans-BoldItalic.ttf", "bold", "italic"),
        ("Report Mono", own / "LiberationMono-Regular.ttf", "normal", "normal"),
        ("Report Signs", own / "DejaVuSans.ttf", "normal", "normal"),
        ("Report Signs", own / "DejaVuSans-Bold.ttf", "bold", "normal"),
    ]
    return "".join(
        f'@font-face {{ font-family: "{name}"; font-weight: {weight}; font-style: {shape}; '
        f'src: url("{path.resolve().as_uri()}"); }}\n'
        for name, path, weight, shape in faces
    )


@contextmanager
def explained(template: Path, folders: tuple[Path, ...]) -> Iterator[None]:
    """Turn what is wrong in a template into one line that names the file and the line."""
    try:
        yield
    except TemplateSyntaxError as problem:
        msg = f"{problem.filename or problem.name}:{problem.lineno}: {problem.message}"
        raise SettingsError(msg) from problem
    except TemplateNotFound as problem:
        msg = f"{template}: '{problem.name}' not found; template.toml names a block or a file that is not there"
        raise SettingsError(msg) from problem
    except (RecursionError, MemoryError, SyntaxError):
        msg = f"{template}: blocks, brackets or calls lie too deep in each other, or without end"
        raise SettingsError(msg) from None
    except (TemplateError, TypeError, ValueError, ArithmeticError, AttributeError, LookupError) as problem:
        where = _template_line(problem, folders)
        if where is None:  # not the template's fault
            raise
        msg = f"{where}: {problem}"
        raise SettingsError(msg) from problem


def search_path(template: Path) -> tuple[Path, ...]:
    """Folders in which the files of a template are looked up, in order."""
    shipped = data_folder("templates")
    return tuple(dict.fromkeys(path.resolve() for path in (template, shipped / "inspection", shipped)))


def template_sha256(template: Path) -> str:
    """SHA-256 of all that a template prints with: of the name and the hash of every file that it can use.

    These are its texts (blocks, style sheets, scripts, ``template.toml``), those that it takes from the shipped
    folders, and each file (logo, picture, font) whose name stands in one of them.
    """
    found: dict[str, Path] = {}
    folders = search_path(template)
    for i, folder in enumerate(folders):
        for path in _files(folder):
            if not any(path.is_relative_to(other) for other in folders[:i]):
                found.setdefault(path.relative_to(folder).as_posix(), path)
    texts = {name for name in found if name.endswith(_WRITTEN) or name == "template.toml"}
    said = b"\n".join([load_settings(template).logo.encode(), *(_content(found[name]) for name in sorted(texts))])
    used = sorted(name for name in found if name in texts or found[name].name.encode() in said)
    return sha256_bytes("\n".join(f"{sha256_bytes(_content(found[name]))} {name}" for name in used).encode())


def _files(folder: Path) -> Iterator[Path]:
    """Files of a template folder, hidden ones aside; links to other folders are not followed."""
    count = 0
    for top, inside, names in os.walk(folder):
        inside[:] = sorted(name for name in inside if not name.startswith("."))
        for name in sorted(names):
            count += 1
            if count > _MOST_FILES:
                msg = f"{folder}: holds more than {_MOST_FILES} files; give the template a folder of its own"
                raise SettingsError(msg)
            if not name.startswith("."):
                yield Path(top, name)


def _read(name: str, folders: tuple[Path, ...]) -> tuple[str, str, Callable[[], bool]] | None:
    """Text of a file for Jinja, from the first folder that has it; a link is refused, wherever it leads."""
    for folder in folders:
        path = folder.joinpath(*split_template_path(name))
        if os.path.lexists(path):  # what is no file is named, and not passed over for the shipped one
            _refuse_link(path, folder)
            return _text_of(path), str(path), _unchanged(path)
    return None


def _content(path: Path) -> bytes:
    """All of a file of a template, which is a regular one of bounded size."""
    try:
        return read_bytes(path, _MOST_BYTES)
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}; take it out of the template"
        raise SettingsError(msg) from None


def _text_of(path: Path) -> str:
    try:
        return _content(path).decode()
    except UnicodeDecodeError as error:
        msg = f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8"
        raise SettingsError(msg) from None


def _refuse_link(path: Path, folder: Path) -> None:
    """A link in a template of the laboratory may lead to what nobody sees in its folder."""
    inside = [path, *(parent for parent in path.parents if parent.is_relative_to(folder) and parent != folder)]
    if any(one.is_symlink() for one in inside) and not folder.is_relative_to(data_folder("templates").resolve()):
        msg = f"{path}: is a link, which a template does not follow; put the file itself there"
        raise SettingsError(msg)


def _unchanged(path: Path) -> Callable[[], bool]:
    """Tell, when asked, whether a file is still as it is now."""
    before = path.stat().st_mtime_ns
    return lambda: path.is_file() and path.stat().st_mtime_ns == before


@cache
def environment(folders: tuple[Path, ...], language: str) -> ImmutableSandboxedEnvironment:
    """The sandbox that pages of a template run in: what they may call, and where their files are."""
    sandbox = ImmutableSandboxedEnvironment(
        loader=FunctionLoader(partial(_read, folders=folders)),
        undefined=StrictUndefined,
        optimized=False,  # with ``finalize``: nothing is computed before the page is, whose time and memory are bounded
        finalize=_as_it_is,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    sandbox.filters.update(text.filters(language))
    sandbox.filters["numeric_columns"] = numeric_columns
    sandbox.filters["cells"] = _cells_in(language)
    sandbox.filters["heading"] = _heading_in(language)
    sandbox.globals["t"] = lambda key, **values: said(Text(key, **values), language)
    sandbox.filters["css_string"] = lambda value: Markup(text.css_string(value))  # noqa: S704 - escaped there
    return sandbox


@pass_context
def _as_it_is(_: Context, value: object) -> Any:
    """Print a value unchanged; as it asks for the context of a page, Jinja computes no constant while it compiles."""
    return value


def _cells_in(language: str) -> Callable[[Context, Table], tuple[tuple[str, ...], ...]]:
    return pass_context(lambda page, table: cells(table, language, page.get("wording", text.PLAIN)))


def _heading_in(language: str) -> Callable[[Context, str], str]:
    return pass_context(lambda page, name: said(text.heading(name, page.get("wording", text.PLAIN)), language))


def _template_line(problem: BaseException, folders: tuple[Path, ...]) -> str | None:
    """Find the line of a template in a traceback."""
    for frame in reversed(traceback.extract_tb(problem.__traceback__)):
        path = Path(frame.filename)
        if any(path.is_relative_to(folder) for folder in folders):
            return f"{path}:{frame.lineno}"
    return None


def source(name: str, folders: tuple[Path, ...]) -> str:
    """Text of a style sheet or script of the template, as it is."""
    return _text_of(_find(name, folders)).replace("</", "<\\/")


def block_on_screen(block: str, folders: tuple[Path, ...]) -> str:
    """File of a block for the screen: from the first folder that has it for the screen or for both media."""
    names = [f"{room}/{block}.html.j2" for room in ("screen", "blocks")]
    there = (name for folder in folders for name in names if os.path.lexists(folder / name))
    return next(there, names[-1])


def logo_address(name: str, folders: tuple[Path, ...]) -> str:
    """The logo of a laboratory as an address that holds it; empty without one.

    Raises
    ------
    SettingsError
        It is not there, or no SVG, PNG or JPEG.
    """
    if not name:
        return ""
    path = _find(name, folders)
    if path.suffix.lower() not in MIME:
        msg = f"{path}: a logo must be SVG, PNG or JPEG"
        raise SettingsError(msg)
    return data_uri(_content(path), MIME[path.suffix.lower()])


def _find(name: str, folders: tuple[Path, ...]) -> Path:
    for folder in folders:
        path = folder / name
        if path.resolve().is_relative_to(folder) and path.is_file():
            _refuse_link(path, folder)
            return path.resolve()
    msg = f"{folders[0] / name}: not found; the template names this file"
    raise SettingsError(msg)


def data_uri(data: bytes, mime: str) -> str:
    """Put a file into an address, so that a page holds it."""
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"
