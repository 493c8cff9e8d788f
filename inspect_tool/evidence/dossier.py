"""A report and the files that travel with it, read from a report folder or out of a PDF, within limits.

What is read here may come from anybody: names that lead out of the folder, files that unpack to more than they should,
encrypted or cut documents are one line of error. Nothing is unpacked to disk.
"""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from inspect_tool.errors import InspectError, ReadError
from inspect_tool.files import parse_report, read_bytes
from inspect_tool.model import Report

if TYPE_CHECKING:
    from pypdf import PdfReader

LARGEST_FILE = 200_000_000
LARGEST_PDF = 1_000_000_000
MOST_ATTACHMENTS = 20_000
_NAMED = re.compile(r"(?:(?:evidence|pictures|overlays|thumbnails)/)?[^/\\:\x00-\x1f.][^/\\:\x00-\x1f]*")

logging.getLogger("pypdf").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dossier:
    """A report with its files at hand."""

    name: str
    report: Report
    json: bytes
    read: Callable[[str], bytes | None]  # content of a file that the report names; None: it is not there
    names: tuple[str, ...]  # of a PDF: what is attached to it
    folder: Path | None = None
    pdf: bytes | None = None
    document: "PdfReader | None" = None  # the PDF, opened


def open_dossier(path: Path) -> Dossier:
    """Read a report folder, its ``report.json``, or the PDF.

    Raises
    ------
    ReadError
        Nothing that can be read as a report of this tool.
    """
    if path.is_dir():
        return _of_folder(path, path)
    if not path.is_file():
        msg = f"{path}: no such file or folder"
        raise ReadError(msg)
    data = _content(path, LARGEST_PDF)
    if b"%PDF-" in data[:1024]:
        return of_pdf(data, path.name)
    if path.suffix.lower() != ".json":
        msg = f"{path}: is neither a PDF nor a report.json nor a report folder"
        raise ReadError(msg)
    return _of_folder(path.parent, path)


def of_pdf(data: bytes, name: str) -> Dossier:
    """Read the report that a PDF carries."""
    reader = pdf_reader(data, name)
    found: dict[str, Callable[[], list[bytes]]] = {}
    try:
        attachments = reader.attachments
        names = list(attachments)
        if len(names) > MOST_ATTACHMENTS:
            msg = f"{name}: carries {len(names)} attachments, more than {MOST_ATTACHMENTS}"
            raise ReadError(msg)
        for key in names:
            found[key] = lambda key=key: attachments[key]  # type: ignore[misc]
    except InspectError:
        raise
    except Exception as error:  # a broken PDF fails in any way inside the reader
        raise _unreadable(name, error) from None

    def read(file: str) -> bytes | None:
        key = file.rsplit("/", 1)[-1]
        _named(file, name)
        if key not in found:
            return None
        try:
            copies = found[key]()
        except Exception as error:  # a broken PDF fails in any way inside the reader
            where = f"{name}: attachment {key}"
            raise _unreadable(where, error) from None
        if len(copies) != 1:
            msg = f"{name}: carries {len(copies)} attachments called {key}"
            raise ReadError(msg)
        return copies[0]

    json = read("report.json")
    if json is None:
        msg = f"{name}: carries no report.json: not a report of inspect_tool, or cut off"
        raise ReadError(msg)
    report = _parsed(json, f"{name}: report.json")
    return Dossier(name=name, report=report, json=json, read=read, names=tuple(found), pdf=data, document=reader)


def pdf_reader(data: bytes, name: str) -> "PdfReader":
    """Open a PDF; an encrypted or broken one is a ``ReadError``."""
    from pypdf import PdfReader

    try:
        reader = PdfReader(BytesIO(data))
        encrypted = reader.is_encrypted
        len(reader.pages)
    except Exception as error:  # a broken PDF fails in any way inside the reader
        if "encrypted" in str(error) or "decrypt" in str(error):
            encrypted = True
        else:
            raise _unreadable(name, error) from None
    if encrypted:
        msg = f"{name}: is encrypted; give the PDF as it was issued"
        raise ReadError(msg)
    return reader


def _of_folder(folder: Path, json_path: Path) -> Dossier:
    json_path = json_path / "report.json" if json_path.is_dir() else json_path
    if not json_path.is_file():
        msg = f"{folder}: holds no report.json; name the folder of one report, its report.json or its PDF"
        raise ReadError(msg)
    json = _content(json_path, LARGEST_FILE)
    name = folder.name or str(folder)
    root = folder.resolve()

    def read(file: str) -> bytes | None:
        _named(file, name)
        path = (root / file).resolve()
        if not path.is_relative_to(root):
            msg = f"{name}: '{file}' leads out of the report folder"
            raise ReadError(msg)
        return _content(path, LARGEST_FILE) if path.is_file() else None

    report = _parsed(json, f"{name}: {json_path.name}")
    return Dossier(name=name, report=report, json=json, read=read, names=(), folder=folder)


def _parsed(json: bytes, where: str) -> Report:
    try:
        return parse_report(json, where)
    except InspectError as error:
        raise ReadError(str(error)) from None


def _named(file: str, where: str) -> None:
    if not _NAMED.fullmatch(file):
        msg = f"{where}: names the file {file!r}, which lies outside the report"
        raise ReadError(msg)


def _content(path: Path, largest: int) -> bytes:
    try:
        return read_bytes(path, largest)
    except OSError as error:
        msg = f"{path.name}: cannot be read: {error.strerror}"
        raise ReadError(msg) from None


def _unreadable(where: str, error: Exception) -> ReadError:
    text = " ".join(str(error).split())[:120]
    return ReadError(f"{where}: cannot be read as PDF: {text or type(error).__name__}")
