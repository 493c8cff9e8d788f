"""What a study writes: data that can be read back, an identification made from them, and the page as HTML and PDF."""

import json
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeVar

from inspect_tool.errors import SettingsError
from inspect_tool.files import as_json, parse_json, plain, read_bytes, sha256_bytes, with_sentences, write_text
from inspect_tool.model import Provenance
from inspect_tool.report.template import Medium
from inspect_tool.report.template_process import confined

T = TypeVar("T")


class Document(Protocol):
    """A study as data: a frozen dataclass."""

    @property
    def id(self) -> str:
        """Identification."""

    @property
    def provenance(self) -> Provenance:
        """Where its numbers come from."""


D = TypeVar("D", bound=Document)
Page = Callable[[D, Path, Path, Medium], str]  # document, folder of its pictures, template folder


def identification(prefix: str, timeless: Document) -> str:
    """Identify a document by its day and its content, e.g. ``GS-20260309-3F9A12C4``; how long it took does not count.

    Parameters
    ----------
    prefix : str
        Kind of the document.
    timeless : Document
        Without the times that it states beside its provenance.
    """
    data: dict[str, object] = plain(timeless)
    day = timeless.provenance.started[:10]
    data["provenance"] = plain(replace(timeless.provenance, started=day, seconds=0.0))
    return f"{prefix}-{day.replace('-', '')}-{sha256_bytes(json.dumps(data, sort_keys=True).encode())[:8].upper()}"


def load(kind: type[T], path: Path, schema: str, what: str) -> T:
    """Read the data of a document back; ``what`` it should be stands in the message.

    Raises
    ------
    SettingsError
        It cannot be read, or holds something else.
    """
    try:
        data = read_bytes(path)
    except OSError as error:
        msg = f"{path}: not {what}: {error.strerror}"
        raise SettingsError(msg) from None
    return parse_json(kind, data, schema, str(path), what)


def write(
    found: D,
    folder: Path,
    name: str,
    page: "Page[D]",
    template: Path,
    *,
    what: str,
    exports: Collection[str] = ("html", "pdf"),
) -> None:
    """Write ``NAME.json``, and ``NAME.html`` and ``NAME.pdf`` where they are asked for; the PDF carries the data.

    Parameters
    ----------
    found : Document
        With its identification.
    folder : Path
        Where to, and where the pictures lie that it names.
    name : str
        Of the files.
    page : callable
        A function of a module that renders the document; where the template is a laboratory's, in a process of its own.
    template : Path
        Template folder.
    what : str
        Name of the data for who opens the PDF, e.g. "The study as data".
    exports : collection of str
        "html", "pdf" or both.
    """
    data = as_json(with_sentences(found))
    write_text(folder / f"{name}.json", data)
    write_pages(found, data, folder, folder, name, page, template, what=what, exports=exports)


def write_pages(
    found: D,
    data: str,
    pictures: Path,
    folder: Path,
    name: str,
    page: "Page[D]",
    template: Path,
    *,
    what: str,
    exports: Collection[str] = ("html", "pdf"),
) -> tuple[Path, ...]:
    """Write the pages of a document whose data and pictures are there, e.g. once more in another language.

    Parameters
    ----------
    found : Document
        In the language that it is to be printed in.
    data : str
        What the PDF carries: the data as they were written.
    pictures, folder : Path
        Where the pictures lie, and where the pages go.
    name, page, template, what, exports
        See :func:`write`.

    Returns
    -------
    tuple of Path
        The files.
    """
    made = {kind: folder / f"{name}.{kind}" for kind in ("html", "pdf") if kind in exports}
    if "html" in made:
        write_text(made["html"], confined(template, 0, page, found, pictures, template, "screen"))
    if "pdf" in made:
        confined(template, 0, _print, found, pictures, made["pdf"], name, page, template, what, data)
    return tuple(made.values())


def _print(
    found: D, pictures: Path, file: Path, name: str, page: "Page[D]", template: Path, what: str, data: str
) -> None:
    from inspect_tool.report.exporters.pdf import attachment, print_page

    made = datetime.fromisoformat(found.provenance.started)
    carried = [attachment(f"{name}.json", what, data, "Source", made)]
    print_page(page(found, pictures, template, "print"), file, template, found.id, carried)
