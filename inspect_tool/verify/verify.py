"""Verify a report: recompute all it states from the masks and rules it carries, and compare with what it says.

Without the images and without a backend; with the images at hand they are compared by their hashes and segmented
again. What this proves: the report, its pages and its files belong together, and its numbers follow from its masks by
the stated rules. What it does not prove: who made it (that is what a signature is for), and that a mask shows the
structure (that is what the pictures, and the images, are for).
"""

import tempfile
from pathlib import Path

from inspect_tool.errors import ReadError
from inspect_tool.evidence import masks
from inspect_tool.evidence.dossier import Dossier, open_dossier
from inspect_tool.inspection.job_plan import Progress, silent
from inspect_tool.languages import ENGLISH
from inspect_tool.verify.contents import digest_findings, file_findings, trail_findings, wording_findings
from inspect_tool.verify.findings import PARTS, Verification
from inspect_tool.verify.printed import look_of, pages_findings
from inspect_tool.verify.recompute import Work, number_findings
from inspect_tool.verify.segmented_again import image_findings


def verify(
    path: str | Path, *, images: Path | None = None, template: Path | None = None, progress: Progress | None = None
) -> Verification:
    """Verify a report.

    Parameters
    ----------
    path : path
        The PDF, ``report.json``, or the folder of a report.
    images : Path, optional
        Folder that holds the images, at any depth: they are compared by their hashes and segmented again.
    template : Path, optional
        Folder of the laboratory's own template, where the report was made with one.
    progress : callable, optional
        Called with (fields done, fields in all, text).

    Raises
    ------
    ReadError
        The report cannot be read, or holds nothing that it could be recomputed from.
    """
    dossier = open_dossier(Path(path))
    report = dossier.report
    _check_evidence(dossier)
    findings = [*digest_findings(report), *wording_findings(report), *file_findings(dossier)]
    changed = {item.text.split(":", 1)[0] for item in findings if item.state == "differs"}
    findings += trail_findings(dossier, Path(path))
    with tempfile.TemporaryDirectory(prefix="inspect_tool_") as folder:
        work = Work(Path(folder))
        findings += number_findings(dossier, work, changed, progress or silent)
        look = look_of(dossier, template)
        findings += pages_findings(dossier, work.folder, look)
        if images is not None:
            again = list(image_findings(dossier, work, images, progress or silent))
            read = {name for item in again for name in item.of_images}
            findings = [item for item in findings if not item.of_images or not read.issuperset(item.of_images)]
            findings += again
    ordered = sorted(findings, key=lambda item: PARTS.index(item.part))
    return Verification(
        report=report.id,
        digest=report.digest,
        made_with=f"{report.provenance.software} {report.provenance.version}",
        verified=all(item.state != "differs" for item in ordered),
        unseen=look.gap,
        as_stated=tuple(name for item in ordered if item.state == "not checked" for name in item.of_images),
        findings=tuple(ordered),
        language=report.language or ENGLISH,
    )


def _check_evidence(dossier: Dossier) -> None:
    """Refuse a report that holds nothing to recompute it from."""
    report, name = dossier.report, dossier.name
    if not report.digest and not report.attachments and not any(record.evidence for record in report.micrographs):
        msg = f"{name}: cannot be recomputed: made without masks (by an earlier version)"
        raise ReadError(msg)
    for record in report.micrographs:
        if record.evidence is None or record.evidence.gap:
            why = record.evidence.gap if record.evidence is not None else "the report names no masks of it"
            msg = f"{name}: cannot be recomputed: {record.image}: {why}"
            raise ReadError(msg)
    if dossier.pdf is not None and not masks.attached(report):
        msg = f"{name}: cannot be recomputed: its masks are too large for the PDF; verify the report folder"
        raise ReadError(msg)
