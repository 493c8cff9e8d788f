"""A study printed anew in another language, or by a newer version: nothing is measured again."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from inspect_tool.files import read_bytes
from inspect_tool.languages import ENGLISH
from inspect_tool.report import document
from inspect_tool.report.template import check_language, template_folder
from inspect_tool.verify.reprint import Printed, check_unwritten, print_report


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """How the documents of one kind are read and printed."""

    schema: str
    load: Callable[[Path], Any]
    page: document.Page[Any]
    what: str


def _comparison() -> _Kind:
    from inspect_tool.studies.comparison.compare import load_comparison
    from inspect_tool.studies.comparison.page import SCHEMA, WHAT, page

    return _Kind(schema=SCHEMA, load=load_comparison, page=page, what=WHAT)


def _gauge() -> _Kind:
    from inspect_tool.studies.gauge.gauge import load_gauge
    from inspect_tool.studies.gauge.page import SCHEMA, WHAT, page

    return _Kind(schema=SCHEMA, load=load_gauge, page=page, what=WHAT)


def _selftest() -> _Kind:
    from inspect_tool.studies.selftest.page import SCHEMA, WHAT, page
    from inspect_tool.studies.selftest.selftest import load_selftest

    return _Kind(schema=SCHEMA, load=load_selftest, page=page, what=WHAT)


_KINDS = {"compare": _comparison, "gauge": _gauge, "selftest": _selftest}
"""Documents beside reports, by the name of their files; what one needs is imported when one is printed."""


def print_anew(path: Path, *, language: str = "", out: Path | None = None, template: Path | None = None) -> Printed:
    """Print the pages of a report or of a study anew, into a folder of their own; its files are only read.

    Parameters
    ----------
    path : Path
        The folder of a report or of a study, or its JSON file; of a report also the PDF.
    language, out, template
        See :func:`inspect_tool.verify.reprint.print_report`; a study that was made with a template of the laboratory's
        own is printed with the shipped one where none is given.

    Raises
    ------
    InspectError
        As that does.
    """
    name = _study(path)
    if not name:
        return print_report(path, language=language, out=out, template=template)
    if language:
        check_language(language, "--language")
    kind, file = _KINDS[name](), path / f"{name}.json" if path.is_dir() else path
    found = kind.load(file)
    used = template_folder(str(template.resolve()) if template is not None else "inspection")
    language = language or found.language or ENGLISH
    home = file.resolve().parent
    out = out or home.with_name(f"{home.name}.{language}")
    check_unwritten(out, (f"{name}.html", f"{name}.pdf"))
    made = document.write_pages(
        replace(found, language="" if language == ENGLISH else language),
        read_bytes(file).decode(),
        home,
        out,
        name,
        kind.page,
        used,
        what=kind.what,
    )
    return Printed(report=found.id, language=language, files=made)


def _study(path: Path) -> str:
    """Name of the kind of study that a folder or a file holds; empty: it is a report, or nothing that is known."""
    if path.is_dir():
        return next((name for name in _KINDS if (path / f"{name}.json").is_file()), "")
    if path.suffix != ".json" or not path.is_file():
        return ""
    try:
        schema = json.loads(read_bytes(path)).get("schema", "")
    except (OSError, ValueError, RecursionError, AttributeError):
        return ""  # what is wrong with it is said where it is read as a report
    return next((name for name, kind in _KINDS.items() if kind().schema == schema), "")
