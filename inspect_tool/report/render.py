"""A report and a template folder to one HTML text, for the screen or for paper.

A template prints: every number it shows stands in the report, every text that needs a decision is made
in ``context`` or in ``text``.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from inspect_tool.errors import OutputError
from inspect_tool.languages import ENGLISH
from inspect_tool.model import Report
from inspect_tool.report import field_pictures, screen
from inspect_tool.report.certificate import Part
from inspect_tool.report.context import page_values
from inspect_tool.report.template import (
    MIME,
    PAGES,
    Medium,
    block_on_screen,
    data_uri,
    environment,
    explained,
    font_faces,
    in_language,
    load_settings,
    logo_address,
    search_path,
    source,
)


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
    values = page_values(report, settings, folder, medium, language, anew=anew, part=part)
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
    settings = in_language(load_settings(template), language)
    folders = search_path(template)
    common: dict[str, Any] = {
        "template": settings,
        "medium": medium,
        "source": lambda name: Markup(source(name, folders)),  # noqa: S704 - a file of the template itself
        "logo": logo_address(settings.logo, folders),
        "font_faces": Markup(font_faces() if medium == "print" else ""),  # noqa: S704 - of this software
        "picture": lambda name, max_px=0: _picture(folder, name, max_px, settings.sizes.picture_px),
        "on_screen": lambda block: block_on_screen(block, folders),
    }
    with explained(template, folders):
        yield from environment(folders, language).get_template(page).generate(common | dict(values))


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
    return data_uri(data, MIME[path.suffix.lower()])
