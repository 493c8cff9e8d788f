"""The pages of a report printed again, and compared with those it has."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from inspect_tool.errors import InspectError, OutputError, ReadError
from inspect_tool.evidence.dossier import Dossier, of_pdf, pdf_reader
from inspect_tool.model import (
    Report,
)
from inspect_tool.report.certificate import Part, parts_of
from inspect_tool.verify import pages, pdf_compare
from inspect_tool.verify.contents import file_findings
from inspect_tool.verify.findings import Finding


def look_of(dossier: Dossier, template: Path | None) -> pages.Look:
    """How far the look of the pages can be compared here; where there are none, there is nothing to miss."""
    report, folder = dossier.report, dossier.folder
    printed = folder is None or (folder / "report.pdf").is_file()
    found = pages.look(report, template, printed)
    some = printed or (folder is not None and (folder / "report.html").is_file())
    return found if some or pages.is_own(report, template) else replace(found, gap="")


def pages_findings(dossier: Dossier, work: Path, look: pages.Look) -> Iterator[Finding]:
    """Compare the pages of a report with what its data render to."""
    if dossier.folder is None:
        yield from _readable(pdf_findings(dossier, dossier, work, look))
        return
    html = dossier.folder / "report.html"
    if html.is_file():
        yield from html_findings(dossier.report, html, look)
    else:
        yield Finding(part="HTML page", state="not checked", text="there is none in the folder")
    (_, first), *others = parts_of(dossier.report)
    pdf = dossier.folder / first
    if not pdf.is_file():
        yield Finding(part="PDF pages", state="not checked", text="there is none in the folder")
        return
    try:
        printed = of_pdf(pdf.read_bytes(), pdf.name)
    except (ReadError, OSError) as error:
        yield Finding(part="PDF pages", state="differs", text=str(error))
        return
    yield from _readable(pdf_findings(dossier, printed, work, look))
    for part, name in others:
        yield from _readable(_annex_findings(dossier, dossier.folder / name, work, look, part))


def _annex_findings(dossier: Dossier, path: Path, work: Path, look: pages.Look, part: Part) -> Iterator[Finding]:
    """Compare a PDF that carries no data, of a report in a folder, with what it must be."""
    if not path.is_file():
        yield Finding(part="PDF pages", state="differs", text=f"{path.name}: is missing")
        return
    document = pdf_reader(path.read_bytes(), path.name)
    if look.prints and look.template is not None:
        files = pages.Files(json=dossier.json, read=dossier.read, pictures=dossier.folder)
        unlike = pages.pdf_differences(dossier.report, document, look.template, files, work, part)
    else:
        unlike = pages.pdf_doubts(dossier.report, document, look.gap == pages.OWN, part)
    said = pages.pdf_words(document) if look.gap == pages.OWN and not unlike else ""
    unlike = [f"{path.name}: {text}" for text in unlike]
    yield from _page("PDF pages", unlike, look, look.prints, dossier.report, said, part)


def html_findings(report: Report, path: Path, look: pages.Look) -> Iterator[Finding]:
    """Compare the HTML page with one that is made anew."""
    shown = path.read_bytes().decode(errors="replace")
    unlike = pages.html_contradictions(report, shown) if look.gap else []
    if look.template is not None or look.gap != pages.OWN:
        unlike += pages.html_differences(report, path, look.template, path.parent)
    said = "".join(pages.page_text(shown))
    yield from _page("HTML page", unlike, look, look.template is not None, report, said)


def _readable(findings: Iterator[Finding]) -> Iterator[Finding]:
    """Findings on a PDF, ended by one that says so where it cannot be read further."""
    try:
        yield from findings
    except InspectError as error:
        yield Finding(part="PDF pages", state="differs", text=str(error))
    except Exception as error:  # a broken document fails in any way inside the reader
        text = " ".join(str(error).split())[:80] or type(error).__name__
        yield Finding(part="PDF pages", state="differs", text=f"cannot be read: {text}")


def pdf_findings(dossier: Dossier, printed: Dossier, work: Path, look: pages.Look) -> Iterator[Finding]:
    """Compare the PDF ``printed`` with a report, which lies in a folder or is the one that the PDF carries."""
    report, document = dossier.report, printed.document
    assert document is not None  # what is compared is a PDF
    unlike: list[str] = []
    if printed is not dossier:
        unlike += [] if printed.json == dossier.json else ["its report.json is not that of the folder"]
        unlike += [f"attachment {item.text}" for item in file_findings(printed) if item.state == "differs"]
    unlike += pages.pdf_contradictions(report, document) if look.gap else []
    ((part, _), *_) = parts_of(report)
    if look.prints and look.template is not None:
        files = pages.Files(json=dossier.json, read=dossier.read, pictures=dossier.folder)
        unlike += pages.pdf_differences(report, document, look.template, files, work, part)
    else:
        unlike += pages.pdf_doubts(report, document, look.gap == pages.OWN, part)
    said = pages.pdf_words(document) if look.gap == pages.OWN and not unlike else ""
    yield from _page("PDF pages", unlike, look, look.prints, report, said, part)
    yield from signature_findings(printed)


def _page(
    part: Literal["HTML page", "PDF pages"],
    unlike: Sequence[str],
    look: pages.Look,
    again: bool,
    report: Report,
    said: str,
    kind: Part = "whole",
) -> Iterator[Finding]:
    """What came out for one kind of pages; ``again``: they were made again, ``said``: all that they say, ``kind``: what
    of the report they hold."""
    for text in unlike:
        yield Finding(part=part, state="differs", text=text)
    if unlike:
        return
    if again:
        text = "made again from the data: the same in every part"
        yield Finding(part=part, state="verified", text=text)
    elif look.gap != pages.OWN:
        text = f"holds every main result, limit and verdict; its look was not checked: {look.gap}"
        yield Finding(part=part, state="verified", text=text)
    else:
        text = "made with a template of its own; give --template with the folder as it was"
        yield Finding(part=part, state="not checked", text=text)
    if look.gap == pages.OWN:
        for text in pages.missing(report, said, part=kind):
            yield Finding(part=part, state="not checked", text=text)


def signature_findings(printed: Dossier) -> Iterator[Finding]:
    """Whether the signatures of a PDF fit it, where the extra for them is installed."""
    from inspect_tool.verify import pdf_check

    count = pdf_compare.signatures(printed.document)
    if not count or printed.pdf is None:
        return
    try:
        found = pdf_check.signatures(printed.pdf, None, printed.name)
    except OutputError:
        text = f"{count} signatures: validate-pdf tells whether they fit the file"
        yield Finding(part="PDF pages", state="not checked", text=text)
        return
    problems = [f"signature {item.number} ({item.name}): {text}" for item in found for text in item.problems]
    for text in problems:
        yield Finding(part="PDF pages", state="differs", text=text)
    if not problems:
        text = f"{count} signatures: they fit the file; validate-pdf --trust tells whose they are"
        yield Finding(part="PDF pages", state="verified", text=text)
