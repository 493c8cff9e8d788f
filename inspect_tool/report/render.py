"""A report and a template folder to one HTML text, for the screen or for paper.

A template prints: every number it shows stands in the report, every text that needs a decision is made
here or in ``text``. Templates run in a sandbox, escape what they print, and fail on a missing value.
What a template folder does not hold is taken from the shipped one, so that a laboratory keeps only
what it changes.
"""

import base64
import os
import re
import traceback
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from dataclasses import field as default
from functools import cache, partial
from itertools import combinations, zip_longest
from pathlib import Path
from statistics import mean, stdev
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le
from jinja2 import FunctionLoader, StrictUndefined, TemplateError, TemplateNotFound, TemplateSyntaxError, pass_context
from jinja2.loaders import split_template_path
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from inspect_tool.errors import OutputError, SettingsError
from inspect_tool.evidence import edits
from inspect_tool.evidence.masks import attached, masks_of
from inspect_tool.files import checked, read_bytes, read_toml, sha256_bytes
from inspect_tool.languages import (
    ENGLISH,
    Text,
    Words,
    is_known,
    is_text,
    joined,
    key_of,
    languages,
    localized,
    named,
    recognized,
    said,
    translated,
)
from inspect_tool.model import Cell, Chart, Component, EditionValue, MicrographRecord, Report, Result, Table, Wording
from inspect_tool.paths import data_folder
from inspect_tool.report import certificate, charts, field_pictures, judged, screen, text
from inspect_tool.report.build import (
    IDENTIFICATION,
    SECTION_STATISTICS,
    failed_rules,
    main_results,
    missing_in_case,
    specimens,
    wording_of,
    worst_first,
)
from inspect_tool.report.certificate import Part
from inspect_tool.report.digits import row_place
from inspect_tool.report.selection import deciding, shortened, shown_fields
from inspect_tool.report.template_process import is_shipped
from inspect_tool.scale.calibration import difference
from inspect_tool.standards.editions import designation
from inspect_tool.statistics.uncertainty import dominant
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
_MIME = {".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}
_COUNTS = ("figure", "grid", "hit", "count")  # layers with marks that a reader counts again
_QUIET = "grain_size.local_grain_size"  # layer of labels: switched off until a reader asks for it
_SYMBOLS = re.compile(r"^(s|U|%RA)( \[.*)?$|\[%\]$")  # of scatter and shares, the same in every language
_SPREADS = frozenset(
    {
        "words.difference",
        "words.relative_accuracy",
        "report.column_confidence_interval",
        "images.column_blocks",
        "images.column_clipped",
        "images.column_clipped_in_joints",
    }
)
"""Heads of scatter and shares in tables that every recipe has; its own are in its ``Wording``."""
_WRITTEN = (".j2", ".css", ".js")  # files of a template that are texts, besides template.toml
_MOST_FILES = 10_000
_MOST_BYTES = 64 << 20  # of one file; the largest are fonts of all the signs of Chinese
_KEYS = ("specimen", "section", "plane", "field", "image", "feature", "joint")
_NUMBERED = {
    "specimen": ("page.a_specimen", "page.of_specimen"),
    "section": ("page.a_section", "page.of_section"),
    "field": ("page.a_field", "page.of_field"),
}  # at the begin of a head, and behind another
_TOOLKIT_RULE = "standards.clause_toolkit_rule"
_STATED = "scale.check_uncertainty_stated"  # a check whose limit of 0 says no more than that there must be a value
_PLACES = ("words.specimen", "words.section", "words.plane")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetLine:
    """A line of an uncertainty budget and its share of the variance."""

    component: Component
    share: float
    dominant: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The budget of one result, largest line first."""

    result: Result
    lines: tuple[BudgetLine, ...]


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
    _logo(settings.logo, folders)
    if settings.docx:
        frame_of(settings, template)
    if is_shipped(template):  # its blocks are whole, and to compile them all takes longer than to plan a job
        return settings
    with _explained(template, folders):
        blocks = [name for block in settings.blocks for name in (f"blocks/{block}.html.j2", _on_screen(block, folders))]
        for name in (*PAGES.values(), *blocks):
            _environment(folders, ENGLISH).get_template(name)
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


def render(
    report: Report,
    folder: Path,
    template: Path,
    medium: Medium,
    language: str = "",
    *,
    anew: bool = False,
    part: Part = "whole",
) -> str:
    """Render a report to HTML with every picture inside.

    Parameters
    ----------
    report : Report
    folder : Path
        The report folder that holds the pictures the report names.
    template : Path
        The template folder.
    medium : "screen" or "print"
        The offline page, or the source of the PDF.
    language : str
        What the page is written in; empty: what the report states.
    anew : bool
        Whether this is a print of a report that has pages of its own, which it then says.
    part : "whole", "certificate" or "annex"
        What of it, on paper.

    Raises
    ------
    SettingsError
        A template or ``template.toml`` is wrong; the message names file and line.
    OutputError
        A picture of the report is missing.
    """
    return "".join(rendered(report, folder, template, medium, language, anew=anew, part=part))


def rendered(
    report: Report,
    folder: Path,
    template: Path,
    medium: Medium,
    language: str = "",
    *,
    anew: bool = False,
    part: Part = "whole",
) -> Iterator[str]:
    """Render a report piece by piece, see ``render``: no more than one picture of it is in memory at a time."""
    language = language or report.language or ENGLISH
    settings = load_settings(template)
    values = _context(report, settings, folder, medium, language, anew=anew, part=part)
    yield from _page_pieces(PAGES[medium], values, folder, template, medium, language)


def beside(report: Report, folder: Path, template: Path) -> tuple[str, ...]:
    """Files of the report folder that its page on the screen leads to, as they do not fit into it."""
    sizes = load_settings(template).sizes
    shown = screen.inside(report, folder, sizes.most_fields_on_screen, sizes.most_mb_on_screen)
    left_out = (record for i, record in enumerate(report.micrographs) if i not in shown.fields)
    files = [file for record in left_out for file in (record.picture, record.overlay)]
    return tuple(dict.fromkeys([*files, *(["features.csv"] if shown.rows is not None else [])]))


def render_page(
    page: str, values: Mapping[str, object], folder: Path, template: Path, medium: Medium, language: str = ENGLISH
) -> str:
    """Render one page of a template: with its settings, style sheets, logo and pictures at hand.

    Parameters
    ----------
    page : str
        File name in the template, or in the shipped one.
    values : mapping
        What the page shows, by name.
    folder : Path
        The folder that holds the pictures the page names.
    template : Path
        The template folder.
    medium : "screen" or "print"
    language : str
        Of the words of the page.
    """
    return "".join(_page_pieces(page, values, folder, template, medium, language))


def _page_pieces(
    page: str, values: Mapping[str, object], folder: Path, template: Path, medium: Medium, language: str
) -> Iterator[str]:
    settings = _in_language(load_settings(template), language)
    folders = search_path(template)
    common: dict[str, Any] = {
        "template": settings,
        "medium": medium,
        "source": lambda name: Markup(_source(name, folders)),  # noqa: S704 - a file of the template itself
        "logo": _logo(settings.logo, folders),
        "font_faces": Markup(font_faces() if medium == "print" else ""),  # noqa: S704 - of this software
        "picture": lambda name, max_px=0: _picture(folder, name, max_px, settings.sizes.picture_px),
        "on_screen": lambda block: _on_screen(block, folders),
    }
    with _explained(template, folders):
        yield from _environment(folders, language).get_template(page).generate(common | dict(values))


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


def _in_language(settings: TemplateSettings, language: str) -> TemplateSettings:
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
def _explained(template: Path, folders: tuple[Path, ...]) -> Iterator[None]:
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
def _environment(folders: tuple[Path, ...], language: str) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=FunctionLoader(partial(_read, folders=folders)),
        undefined=StrictUndefined,
        optimized=False,  # with ``finalize``: nothing is computed before the page is, whose time and memory are bounded
        finalize=_as_it_is,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(text.filters(language))
    environment.filters["numeric_columns"] = numeric_columns
    environment.filters["cells"] = _cells_in(language)
    environment.filters["heading"] = _heading_in(language)
    environment.globals["t"] = lambda key, **values: said(Text(key, **values), language)
    environment.filters["css_string"] = lambda value: Markup(text.css_string(value))  # noqa: S704 - escaped there
    return environment


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


def _context(
    report: Report, settings: TemplateSettings, folder: Path, medium: Medium, language: str, *, anew: bool, part: Part
) -> dict[str, object]:
    """What a page shows of a report: what it is called by, in words of the language."""
    wording = wording_of(report.recipe)
    places = edits.places(report)
    layers = [layer.name for record in report.micrographs for layer in record.layers]
    standard = replace(report.standard, title=recognized("editions", report.standard.title))
    checks = tuple(replace(check, clause=_clause(check.clause)) for check in report.checks)
    on_axes = [judged.on_axis(chart, report, wording) for chart in report.charts]
    strips = judged.strips(report)
    report = translated(replace(report, standard=standard, checks=checks), language)
    to_be_stated = {text.prose(check.name) for check in checks if is_text(check.name, _STATED)}
    edits_title = next((text.prose(made.title) for made in report.tables if is_text(made.title, edits.TABLE.key)), None)
    report = _worded(report, language)
    axes = dict(zip(report.charts, on_axes, strict=True))
    report = replace(report, header=replace(report.header, date_of_issue=report.issued or report.header.date_of_issue))
    stated = replace(report.header, deviations=_deviations(report))
    main = main_results(report.results)
    across = _better_across(report)
    shown, others = _budgets_shown(report, main, settings, medium)
    sizes, printed = settings.sizes, medium == "print"
    inside = None if printed else screen.inside(report, folder, sizes.most_fields_on_screen, sizes.most_mb_on_screen)
    pictured = (
        shown_fields(report.fields, report.micrographs, report.results, sizes.most_fields)
        if inside is None
        else inside.fields
    )

    identified = [
        {
            "field": item.field,
            "letter": item.letter,
            "label": said(item.label, language),
            "text": str(getattr(stated, item.field)).strip(),
        }
        for item in IDENTIFICATION
    ]
    annexed = printed and report.layout == "certificate"
    pictures = [report.micrographs[i] for i in pictured]
    on_certificate = certificate.field_of(report, pictures) if annexed else None

    def shorten(table: Table) -> Table:
        return translated(shortened(table, sizes.most_rows), language) if printed else table

    found = {
        "report": report,
        "wording": wording,
        "edition": designation(report.standard),
        "main": main,
        "uneven": _some_uneven(report.results),
        "uneven_main": _some_uneven(main),
        "failed_rules": failed_rules(report),
        "specimens": specimens(report),
        "identification": identified,
        "missing_in_case": missing_in_case(stated),
        "deviations": stated.deviations,
        "rules": [
            {"name": said(name, language), "text": said(meaning, language)}
            for name, meaning in dict.fromkeys(
                (text.rule(item.requirement), text.rule_text(item.requirement)) for item in report.conformities
            )
        ],
        "budgets": [_budget(result) for result in shown],
        "other_budgets": [_budget(result) for result in others],
        "worst_first": worst_first(report.conformities),
        "marked": any(word in name for name in layers for word in _COUNTS),
        "figure_drawn": any("figure" in name for name in layers),
        "anew": anew,
        "to_be_stated": translated(tuple(to_be_stated), language),
        "dense": _is_dense(report, main, more=anew + _longer(report, language)),  # English is the shortest
        "images": _image_notes(report),
        **_scales(report, language),
        "evidence": _evidence_note(report),
        "values_compared": _values_compared(report, language),
        "fields_across": transposed(report.fields, tuple(result.quantity for result in main), wording)
        if across
        else None,
        "tables": [shorten(made) for made in report.tables if not (across and _is_section_statistics(made))],
        "places": translated(tuple(places), language),
        "edits_title": edits_title,
        "objects": _object_counts(report, wording),
        "annexed": annexed,
        "part": part,
        "certificate": certificate.shown(
            report, identified, on_certificate, settings.blocks, settings.paper, language, translated(strips, language)
        )
        if annexed
        else None,
        "fields_shown": [record for record in pictures if record is not on_certificate],
        "shown_by": text.heading(deciding(report.fields, report.results), wording),
        "fields_beside": [record for i, record in enumerate(report.micrographs) if i not in pictured],
        "field_tables": parts(slim(shorten(report.fields)), sizes.most_columns),
        "images_listed": report.micrographs[: sizes.most_rows] if printed else report.micrographs,
        "feature_tables": _feature_tables(report, settings),
        "main_of": lambda specimen: [result for result in main if result.specimen == specimen],
        "verdict_of": lambda result: [
            item for item in report.conformities if (item.quantity, item.specimen) == (result.quantity, result.specimen)
        ],
        "title_of": lambda item: next(
            (result.title for result in report.results if result.quantity == item.quantity and result.title),
            item.quantity,
        ),
        "parts": lambda table: parts(slim(table), settings.sizes.most_columns + 2),
        "legend": lambda record: _legend(record, language),
        "quiet": tuple(said(name, language) for name in layers if is_text(name, _QUIET)),
        "chart": lambda chart, width=84.0, height=56.0: _chart(
            chart, width, height, language, axes.get(chart, judged.NOTHING)
        ),
        "strips": strips,
        "strip": lambda strip, width=84.0: _strip(strip, width, language),
        **({} if inside is None else _inside(report, inside, language, wording)),
    }
    return translated(found, language)


def _inside(report: Report, inside: screen.Inside, language: str, wording: Wording) -> dict[str, object]:
    """What only the page on the screen shows."""
    return {
        "numbers_shown": [place + 1 for place in inside.fields],
        "features_inside": len(report.features.rows if inside.rows is None else inside.rows),
        "reading": certificate.reading(report),
        "rows_of_worst": screen.rows_of_worst(report, inside),
        "feature_data": lambda: map(Markup, screen.feature_data(report, inside, language, wording)),
    }


def _clause(clause: Words) -> Words:
    """Make the words of a rule of a standard, behind the name of its edition, the sentence that they are."""
    if is_text(clause, _TOOLKIT_RULE) and isinstance(clause, Text):
        return Text(_TOOLKIT_RULE, clause=recognized("clauses", str(clause.values.get("clause", ""))))
    edition, colon, words = clause.partition(": ")
    rule = recognized("clauses", words)
    return joined("", (edition + colon, rule)) if isinstance(rule, Text) else clause


def _is_section_statistics(table: Table) -> bool:
    found = [key_of(name, "words") for name in table.columns[:3]]
    return found == [key_of(name, "words") for name in SECTION_STATISTICS]


def _deviations(report: Report) -> str:
    """Deviations that the laboratory states, and those in how was measured, which a "none" does not deny."""
    said = report.header.deviations.strip()
    if report.deviations and said.lower() == "none":
        said = ""
    return "; ".join(filter(None, (said, *report.deviations)))


def _worded(report: Report, language: str) -> Report:
    """Word the texts of a report for the reader: units, signs and editions as on paper."""
    standard = report.standard
    names = [
        text.prose(said(designation(standard), each)) for each in (language, ENGLISH)
    ]  # as plain words in old ones
    say = text.prose

    def say_clause(words: str) -> str:
        return "" if say(words) in names else say(words)  # the whole standard: its name stands in the head

    def say_rule(words: str) -> str:
        return say(words).removeprefix(f"{names[0]}: ").removeprefix(f"{names[1]}: ")

    def say_table(table: Table) -> Table:
        units = {
            i for i, name in enumerate(table.columns) if key_of(name, "words") == "words.unit"
        }  # for ``text.unit``
        rows = tuple(
            tuple(say(cell) if isinstance(cell, str) and i not in units else cell for i, cell in enumerate(row))
            for row in table.rows
        )
        return replace(table, title=say(table.title), rows=rows, note=say(table.note))

    return replace(
        report,
        warnings=tuple(say(warning) for warning in report.warnings),
        criteria=replace(
            report.criteria,
            conflicts=tuple(say(conflict) for conflict in report.criteria.conflicts),
            agreements=tuple(say(agreement) for agreement in report.criteria.agreements),
        ),
        statements=tuple(replace(made, name=say(made.name), text=say(made.text)) for made in report.statements),
        results=tuple(
            replace(
                result,
                title=say(result.title),
                clause=say_clause(result.clause),
                definition=say(text.definition(result.definition)),
                budget=tuple(replace(line, basis=say(line.basis)) for line in result.budget),
            )
            for result in report.results
        ),
        checks=tuple(
            replace(check, name=say(check.name), clause=say_rule(check.clause), note=say(check.note))
            for check in report.checks
        ),
        conformities=tuple(replace(item, reason=say(item.reason)) for item in report.conformities),
        tables=tuple(say_table(table) for table in report.tables),
        micrographs=tuple(
            replace(record, notes=tuple(say(note) for note in record.notes)) for record in report.micrographs
        ),
        worst=tuple(replace(item, caption=say(item.caption)) for item in report.worst),
    )


def _values_compared(report: Report, language: str) -> list[dict[str, object]]:
    """Values of published texts that are used, edition by edition: who compared them, and which nobody did."""
    found: list[dict[str, object]] = []
    for edition in report.editions:
        groups: dict[tuple[str, str, str, str], list[str]] = {}
        for value in edition.values:
            day = text.day(value.day) if value.day is not None else ""
            groups.setdefault((value.state, value.by, day, value.text), []).append(_value_of(value, language))
        lines = [
            said(Text("page.values_open", values=tuple(values)), language)
            if state == "not compared"
            else said(Text(_STATES[state], by=by, day=day, text=copy, values=tuple(values)), language)
            for (state, by, day, copy), values in groups.items()
        ]
        if edition.outdated:
            lines.append(said(Text("page.values_outdated"), language))
        if lines:
            found.append({"head": said(Text("page.values_head", edition=edition.edition), language), "lines": lines})
    return found


_STATES = {"agrees": "page.values_agree", "differs": "page.values_differ"}


def _value_of(value: EditionValue, language: str) -> str:
    """A value of an edition as a page names it: "Counts in all fields ≥ 400"."""
    if value.value is None:
        shown: Words = Text("page.values_table", name=value.name)
    else:
        sign = text.relation(value.relation) if value.relation else "="
        name = text.prose(said(value.name, language)) if value.relation else value.name
        shown = f"{name} {sign} {said(text.found(value.value, value.unit), language)}"
    return said(Text("page.values_note", value=shown, note=value.note) if value.note else shown, language)


def _some_uneven(results: Sequence[Result]) -> bool:
    return any(text.uneven(one.value, one.expanded_u, one.interval) for one in results)


def _budgets_shown(
    report: Report, main: tuple[Result, ...], settings: TemplateSettings, medium: Medium
) -> tuple[list[Result], list[Result]]:
    """Sort results into those whose budget is printed line by line and those of which one line is enough."""
    found = [result for result in main if result.budget]
    rest = [result for result in report.results if result.budget and result not in found]
    if medium == "screen":
        return found + rest, []
    if not found:
        found, rest = rest, []
    return found[: settings.sizes.most_budgets], found[settings.sizes.most_budgets :] + rest


def _object_counts(report: Report, wording: Wording) -> str:
    """Count what was measured one by one: 1905 grains, 41 joints; empty without features."""
    if not report.features.rows:
        return ""
    names = {
        str(name)
        for record in report.micrographs
        for number, name in dict(record.segmentation.get("classes", {})).items()
        if int(number) > 0
    }
    own = names.pop() if len(names) == 1 else ""
    count = text.plural(len(report.features.rows), wording.feature or own or "feature")
    return Text("page.features_of", features=count, name=text.term(own)) if own and wording.tells_class else count


def _budget(result: Result) -> Budget:
    total = sum(line.u**2 for line in result.budget)
    largest = dominant(result.budget)
    lines = [
        BudgetLine(component=line, share=line.u**2 / total if total else 0.0, dominant=line is largest)
        for line in result.budget
    ]
    return Budget(result=result, lines=tuple(sorted(lines, key=lambda line: -line.share)))


def slim(table: Table) -> Table:
    """Leave out columns that name the only specimen or hold nothing, and the folders of file names."""
    keep = [
        i
        for i, name in enumerate(table.columns)
        if (key_of(name, "words") not in _PLACES or len({row[i] for row in table.rows}) > 1)
        and not (table.rows and all(row[i] is None for row in table.rows))
    ]
    names = tuple(table.columns[i] for i in keep)

    def cell(value: Cell, name: str) -> Cell:
        return text.file_name(value) if name == "image" and isinstance(value, str) else value

    return replace(
        table,
        columns=names,
        rows=tuple(tuple(cell(row[i], table.columns[i]) for i in keep) for row in table.rows),
    )


def parts(table: Table, most_columns: int) -> tuple[Table, ...]:
    """Cut a wide table into tables of at most so many columns; the columns that name the row come back in each.

    >>> wide = Table(title="", columns=("field", "a", "b", "c"), rows=((1, 2, 3, 4),))
    >>> [part.columns for part in parts(wide, 3)]
    [('field', 'a', 'b'), ('field', 'c')]
    """
    if len(table.columns) <= most_columns:
        return (table,)
    keys = [i for i, name in enumerate(table.columns) if name in _KEYS and name != "image"]
    others = [i for i, _ in enumerate(table.columns) if i not in keys]
    step = max(1, most_columns - len(keys))
    count = -(-len(others) // step)
    step = -(-len(others) // count)  # parts of equal width
    made = []
    for start in range(0, len(others), step):
        chosen = [*keys, *others[start : start + step]]
        made.append(
            replace(
                table,
                columns=tuple(table.columns[i] for i in chosen),
                rows=tuple(tuple(row[i] for i in chosen) for row in table.rows),
            )
        )
    return tuple(made)


def numeric_columns(table: Table) -> tuple[bool, ...]:
    """Tell which columns hold numbers, to be set flush right."""
    return tuple(
        all(isinstance(row[i], int | float) or row[i] is None for row in table.rows)
        and any(row[i] is not None and not isinstance(row[i], bool) for row in table.rows)
        for i in range(len(table.columns))
    )


def cells(table: Table, language: str = ENGLISH, wording: Wording = text.PLAIN) -> tuple[tuple[str, ...], ...]:
    """Print the rows of a table, every column of numbers to one decimal place.

    A head made for the reader may stand over numbers of several units: they are aligned only when alike. Where a
    column is headed ±, its two significant digits say to which place every row is printed.
    """
    if "±" in table.columns:
        at = table.columns.index("±")
        return tuple(
            tuple(
                text.unit(str(value)) or text.NO_VALUE
                if key_of(name, "words") == "words.unit"
                else text.cell_at(value, row[at], language)
                for name, value in zip(table.columns, row, strict=True)
            )
            for row in table.rows
        )
    if any(key_of(name, "words") == "words.quantity" for name in table.columns):
        return tuple(_quantity_row(row, table.columns, language, wording) for row in table.rows)
    columns = [
        [text.unit(str(row[i])) or text.NO_VALUE for row in table.rows]
        if key_of(name, "words") == "words.unit"
        else text.column(
            [row[i] for row in table.rows],
            digits=3 if _is_spread(name, wording) else 4,
            decades=3.0 if text.heading(name, wording) != name else 1.0,
            language=language,
            percent=_is_percent(text.heading(name, wording)) or key_of(name, "images") == "images.column_shading",
        )
        for i, name in enumerate(table.columns)
    ]
    return tuple(zip(*columns, strict=True))


def _quantity_row(row: Sequence[Cell], columns: Sequence[Words], language: str, wording: Wording) -> tuple[str, ...]:
    """Print a row of a table whose rows are quantities: its numbers to one place, its scatter to two digits."""
    spread = [_is_spread(name, wording) for name in columns]
    found = [cell for cell, is_spread in zip(row, spread, strict=True) if isinstance(cell, float) and not is_spread]
    s = next((row[i] for i, name in enumerate(columns) if name == "s" and isinstance(row[i], float)), None)
    place = row_place(found, s)
    printed = []
    for cell, name, is_spread in zip(row, columns, spread, strict=True):
        if key_of(name, "words") == "words.unit":
            printed.append(text.unit(str(cell)) or text.NO_VALUE)
        elif isinstance(cell, float) and is_spread:
            printed.append(localized(text.uncertainty_text(cell), language))
        elif isinstance(cell, float) and place is not None:
            printed.append(localized(text.at_place(cell, place), language))
        else:
            printed.append(said(text.cell(cell, 3), language))
    return tuple(printed)


def _is_percent(head: str) -> bool:
    return head.endswith("[%]")


def _is_spread(head: str, wording: Wording) -> bool:
    """Tell whether a column holds scatter, differences or shares: by the key of its head, or by its symbol."""
    known = _SPREADS | wording.spreads
    if isinstance(head, Text):
        inner = head.values.get("head") if head.key == "page.head_of" else None  # of one of several
        return head.key in known or (isinstance(inner, Text) and inner.key in known)
    return bool(_SYMBOLS.search(head)) or head in known or any(is_text(head, key) for key in known)


def transposed(fields: Table, first: tuple[str, ...] = (), wording: Wording = text.PLAIN) -> Table:
    """Turn the table of fields: one row per quantity, one column per field, numbers printed.

    Quantities that are the same in every field go to the note; where all fields are of one section, their mean
    and standard deviation s follow.

    Parameters
    ----------
    fields : Table
        The table of fields of a report.
    first : tuple of str
        Columns that lead, those of the main results.

    Examples
    --------
    >>> fields = Table(title="", columns=("specimen", "field", "area_um2"), rows=(("a", 1, 2.5), ("a", 2, 3.0)))
    >>> transposed(fields).columns, transposed(fields).rows
    (('Quantity', 'Field 1', 'Field 2', 'Mean', 's'), (('Area [µm²]', '2.5', '3.0', '2.75', '0.35'),))
    """
    keys = [name for name in ("specimen", "section", "field") if name in slim(fields).columns]
    places = [fields.columns.index(name) for name in keys]
    heads = [
        joined(
            ", ", (_numbered(name, row[i], first=not j) for j, (name, i) in enumerate(zip(keys, places, strict=True)))
        )
        for row in fields.rows
    ]
    statistics = keys in ([], ["field"]) and len(fields.rows) > 1
    names = [name for name in fields.columns if name not in _KEYS and not _in_pixels_only(name, fields.columns)]
    names.sort(key=lambda name: first.index(name) if name in first else len(first))
    rows: list[tuple[Cell, ...]] = []
    same: list[str] = []
    for name in names:
        values = [row[fields.columns.index(name)] for row in fields.rows]
        if not any(value not in (None, "") for value in values):
            continue
        if len(fields.rows) > 1 and len(set(values)) == 1 and name not in first:
            same.append(Text("page.head_and_value", head=text.heading(name, wording), value=text.column(values)[0]))
            continue
        numbers = [float(value) for value in values if isinstance(value, int | float)]
        head = text.heading(name, wording)
        printed = text.column(values, percent=_is_percent(head))
        if len(fields.rows) > 1 and len(set(printed)) == 1 and name not in first:  # they differ by rounding alone
            same.append(Text("page.head_and_value", head=head, value=printed[0]))
            continue
        more: tuple[str, ...] = ()
        if statistics:
            s = stdev(numbers) if len(numbers) > 1 else None
            more = ("–", "–") if s is None else (text.value_text(mean(numbers), s), text.uncertainty_text(s))
        rows.append((head, *map(text.figure, (*printed, *more))))
    columns = (Text("words.quantity"), *heads, *((Text("words.mean"), "s") if statistics else ()))
    if len(heads) == 1:  # one field: two quantities in a row
        half = -(-len(rows) // 2)
        columns = (Text("words.quantity"), Text("words.value")) * 2
        rows = [(*left, *right) for left, right in zip_longest(rows[:half], rows[half:], fillvalue=("", ""))]
    note = Text("page.same_in_every_field", same=tuple(same)) if same else ""
    return replace(fields, columns=columns, rows=tuple(rows), note=joined(" ", filter(None, (note, fields.note))))


def _numbered(name: str, number: Cell, *, first: bool) -> str:
    """Name a field, section or specimen in a head, with a capital letter where it is the first."""
    key, running = _NUMBERED[name]
    return Text(key if first else running, **{name: str(number)})


def _in_pixels_only(name: str, names: Sequence[str]) -> bool:
    """Tell whether a column repeats in pixels what another one says in micrometers."""
    return name.endswith(("_px", "_px2")) and re.sub(r"_px(2?)$", r"_um\1", name) in names


def _better_across(report: Report) -> bool:
    return 0 < len(report.fields.rows) <= 10


def _is_dense(report: Report, main: tuple[Result, ...], more: int) -> bool:
    """Tell whether page 1 has more to say than fits in its ordinary size; ``more``: lines besides those of the data."""
    said = [f"{check.name} {check.clause}" for check in failed_rules(report)[:7]] + list(report.warnings[:8])
    lines = sum(1 + len(sentence) // 85 for sentence in said) + bool(report.not_stated)
    lines += 4 * (report.lot is not None)
    lines += 3 * min(len(report.conformities), 4) + 2 * max(0, min(len(main), 13) - 2)
    return lines + more + len(report.title) // 40 > 12


def _longer(report: Report, language: str) -> int:
    """Lines that page 1 has more in another language than in English, which is the shortest: of a verdict two."""
    return 0 if language == ENGLISH else 1 + 2 * min(len(report.conformities), 4)


def _image_notes(report: Report) -> dict[str, object]:
    """Sort what is known of every image into what all have in common and what differs."""
    records = report.micrographs
    asked = {name: text.setting(value, 4) for name, value in report.provenance.backend.items()}
    known: list[dict[str, Words]] = []
    for record in records:
        facts = {} if record.scale_sources else {"scale": text.prose(record.calibration.note)}
        whole = {"crop_offset_px": "0, 0", "original_shape_px": f"{record.height_px} x {record.width_px}"}
        facts |= {
            name: value
            for name, value in record.meta.items()
            if value not in record.calibration.note and whole.get(name) != value
        }
        notes: dict[str, Words] = {name: joined(": ", (_fact(name), value)) for name, value in facts.items()}
        found = {name: text.setting(value, 4) for name, value in record.segmentation.get("settings", {}).items()}
        notes |= {name: joined(" = ", (name, value)) for name, value in found.items() if asked.get(name) != value}
        # long lists stand in report.json
        known.append({name: note for name, note in notes.items() if len(note) <= len(name) + 3 + _LONGEST_NOTE})
    first = known[0] if known else {}
    same = {name: value for name, value in first.items() if all(notes.get(name) == value for notes in known)}

    weights = (record.segmentation.get("weights_sha256") for record in records)
    return {
        "weights": tuple(dict.fromkeys(filter(None, weights))),
        "common": tuple(same.values()),
        "single": tuple(tuple(note for name, note in notes.items() if name not in same) for notes in known),
    }


def _fact(name: str) -> Words:
    """Name of what a reader or the region says of an image."""
    return named("readers", name.replace("_", " "))


_LONGEST_NOTE = 160  # letters
_MOST_SCALES = 4  # groups of images whose scale is told alike; more would fill pages with the same numbers


def _scales(report: Report, language: str) -> dict[str, object]:
    """Group the images whose scale is told by the same sources with the same numbers."""
    groups: dict[Any, list[MicrographRecord]] = {}
    for record in report.micrographs:
        key = replace(record.calibration, note=""), tuple((s.kind, s.pixel_um, s.used) for s in record.scale_sources)
        groups.setdefault(key, []).append(record)
    shown = []
    for records in list(groups.values())[:_MOST_SCALES]:
        first = records[0]
        pairs = [difference(one, other) for one, other in combinations(first.scale_sources, 2)]
        apart, limit = max(pairs, key=lambda pair: pair[0] / pair[1], default=(None, None))
        shown.append(
            {
                "calibration": first.calibration,
                "sources": first.scale_sources,
                "images": said(text.listed([text.file_name(record.image) for record in records]), language),
                "apart": apart,
                "limit": limit,
                "xray": first.modality == "xray",
                "pixels": [record.meta["pixels"] for record in records[:1] if "pixels" in record.meta],
            }
        )
    return {"scales": shown, "scales_left_out": sum(len(r) for r in list(groups.values())[_MOST_SCALES:])}


def _evidence_note(report: Report) -> str:
    """Say what travels with the report to recompute it from; empty when there is none."""
    masks = masks_of(report)
    gaps = dict.fromkeys(
        record.evidence.gap for record in report.micrographs if record.evidence is not None and record.evidence.gap
    )
    if gaps:
        return Text("page.evidence_incomplete", gaps=tuple(gaps))
    if not masks:
        return ""
    key = "page.evidence_attached" if attached(report) else "page.evidence_in_folder"
    size = text.short(sum(mask.size for mask in masks) / 1e6, 2)
    return Text(key, images=text.plural(len(masks), "label image"), size=size)


def _feature_tables(report: Report, settings: TemplateSettings) -> tuple[Table, ...]:
    if not 0 < len(report.features.rows) <= settings.sizes.most_features:
        return ()
    table = slim(report.features)
    left_out = {"row_px", "column_px"} | ({"feature"} if "joint" in table.columns else set())
    keep = [i for i, name in enumerate(table.columns) if name not in left_out]
    columns = tuple(table.columns[i] for i in keep)
    rows = tuple(tuple(row[i] for i in keep) for row in table.rows)
    return parts(replace(table, columns=columns, rows=rows), settings.sizes.most_columns + 2)


def _legend(record: MicrographRecord, language: str) -> list[dict[str, str]]:
    """Colors of the classes of a semantic segmentation, as they are drawn on the overlay."""
    classes = record.segmentation.get("classes", {})
    if not isinstance(classes, Mapping):
        return []
    if record.segmentation.get("kind") == "instance":
        color = "#{:02x}{:02x}{:02x}".format(*field_pictures.BOUNDARY)
        names = [str(name) for number, name in classes.items() if int(number) > 0]
        return [{"name": said(_outline_of(name), language), "color": color} for name in names]
    named = sorted((int(number), str(name)) for number, name in classes.items() if int(number) > 0)
    return [
        {
            "name": said(text.term(name), language),
            "color": "#{:02x}{:02x}{:02x}".format(*field_pictures.CLASS_COLORS[i % len(field_pictures.CLASS_COLORS)]),
        }
        for i, (_, name) in enumerate(named)
    ]


def _source(name: str, folders: tuple[Path, ...]) -> str:
    """Text of a style sheet or script of the template, as it is."""
    return _text_of(_find(name, folders)).replace("</", "<\\/")


def _on_screen(block: str, folders: tuple[Path, ...]) -> str:
    """File of a block for the screen: from the first folder that has it for the screen or for both media."""
    names = [f"{room}/{block}.html.j2" for room in ("screen", "blocks")]
    there = (name for folder in folders for name in names if os.path.lexists(folder / name))
    return next(there, names[-1])


def _logo(name: str, folders: tuple[Path, ...]) -> str:
    if not name:
        return ""
    path = _find(name, folders)
    if path.suffix.lower() not in _MIME:
        msg = f"{path}: a logo must be SVG, PNG or JPEG"
        raise SettingsError(msg)
    return data_uri(_content(path), _MIME[path.suffix.lower()])


def _find(name: str, folders: tuple[Path, ...]) -> Path:
    for folder in folders:
        path = folder / name
        if path.resolve().is_relative_to(folder) and path.is_file():
            _refuse_link(path, folder)
            return path.resolve()
    msg = f"{folders[0] / name}: not found; the template names this file"
    raise SettingsError(msg)


def _picture(folder: Path, name: str, max_px: int, printed_px: int) -> str:
    """A picture of the report as an address; one that is smaller than on paper (``printed_px``) is made of that one, so
    that the pictures in a PDF are all that it is printed again from."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        msg = f"{folder / name}: this picture of the report is missing; run the job again"
        raise OutputError(msg)
    data = path.read_bytes()
    if max_px and path.suffix == ".jpg":
        data = field_pictures.reduced(field_pictures.reduced(data, max(max_px, printed_px)), max_px)
    return data_uri(data, _MIME[path.suffix.lower()])


def _outline_of(name: str) -> str:
    return Text("page.outline_of", name=text.term(name))


def _chart(chart: Chart, width_mm: float, height_mm: float, language: str, on: judged.OnAxis) -> str:
    return data_uri(charts.chart_svg(chart, width_mm, height_mm, language, on).encode(), _MIME[".svg"])


def _strip(strip: judged.Strip, width_mm: float, language: str) -> str:
    return data_uri(charts.strip_svg(strip, width_mm, language).encode(), _MIME[".svg"])


def data_uri(data: bytes, mime: str) -> str:
    """Put a file into an address, so that a page holds it."""
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"
