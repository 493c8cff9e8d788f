"""A report that was issued, printed anew in another language or by a newer version: nothing is measured again."""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from inspect_tool.errors import OutputError, SettingsError
from inspect_tool.evidence.dossier import Dossier, open_dossier
from inspect_tool.files import write_text, write_whole
from inspect_tool.languages import ENGLISH
from inspect_tool.report.certificate import parts_of
from inspect_tool.report.render import beside, render
from inspect_tool.report.template import check_language, load_settings
from inspect_tool.report.template_process import confined
from inspect_tool.verify import pages, pdf_compare


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """Pages that were printed anew."""

    report: str  # identification
    language: str
    files: tuple[Path, ...]


def print_report(path: Path, *, language: str = "", out: Path | None = None, template: Path | None = None) -> Printed:
    """Print the pages of a report anew, into a folder of their own; the files of the report are only read.

    Parameters
    ----------
    path : Path
        The report folder or its ``report.json``: both pages are printed; or the PDF, which lacks the layers of the HTML
        page: the PDF alone is.
    language : str
        Code of the language; empty: that of the report.
    out : Path, optional
        Folder to write into; default: beside the report, with the language behind its name.
    template : Path, optional
        Folder of the laboratory's own template, where the report was made with one.

    Raises
    ------
    SettingsError
        There are no words of the language, or the report was made with a template that is not given.
    ReadError
        The report cannot be read, or lacks a file.
    OutputError
        There are pages in that folder already, or no PDF can be made here.
    """
    if language:
        check_language(language, "--language")
    dossier = open_dossier(path)
    language = language or dossier.report.language or ENGLISH
    try:
        used = pages.template_of(dossier.report, template)
    except SettingsError:
        msg = f"{dossier.name}: was made with {dossier.report.template}, a template of its own; give it with --template"
        raise SettingsError(msg) from None
    home = (dossier.folder or path.with_suffix("")).resolve()
    out = out or home.with_name(f"{home.name}.{language}")
    check_unwritten(out, ("report.html", *(name for _, name in parts_of(dossier.report))))
    with tempfile.TemporaryDirectory(prefix="inspect_tool_") as work:
        files = _printed(dossier, used, out, Path(work), language)
    return Printed(report=dossier.report.id, language=language, files=files)


def check_unwritten(out: Path, names: Sequence[str]) -> None:
    """Make the folder of a print; refuse one that holds pages already.

    Raises
    ------
    OutputError
    """
    for name in names:
        if (out / name).exists():
            msg = f"{out / name}: exists already and is left as it is; choose another folder with --out"
            raise OutputError(msg)
    out.mkdir(parents=True, exist_ok=True)


def _printed(dossier: Dossier, template: Path, out: Path, work: Path, language: str) -> tuple[Path, ...]:
    """Write the pages of a report; gives their files."""
    report, made = dossier.report, []
    sizes = load_settings(template).sizes
    if dossier.folder is not None:
        page = confined(
            template, len(report.micrographs), render, report, dossier.folder, template, "screen", language, anew=True
        )
        made.append(out / "report.html")
        write_text(made[-1], page)
        for file in beside(report, dossier.folder, template):
            if (dossier.folder / file).is_file():
                (out / file).parent.mkdir(exist_ok=True)
                shutil.copyfile(dossier.folder / file, out / file)
    pictures = dossier.folder or work / "pictures"
    if dossier.folder is None:
        pages.put_pictures(report, pictures, pdf_compare.pictures(dossier.document), sizes.picture_px)
    files = pages.Files(json=dossier.json, read=dossier.read, pictures=dossier.folder)
    for part, name in parts_of(report) if dossier.folder is not None else parts_of(report)[:1]:
        made.append(out / name)
        data = pages.printed(report, template, pictures, work / "printed", files, language, anew=True, part=part)
        write_whole(made[-1], data)
    return tuple(made)
