"""What a run tells the audit trail, and what of it must be there before."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from inspect_tool import folders
from inspect_tool.errors import OutputError
from inspect_tool.evidence import audit, edits, recovery, trail_checks, trail_reports
from inspect_tool.files import (
    plain,
    sha256_file,
)
from inspect_tool.inspection import supersede
from inspect_tool.inspection.job_plan import Plan
from inspect_tool.model import (
    Job,
    Report,
)
from inspect_tool.referee import ledger as referee


def ready(out: Path, name: str) -> str:
    """Make sure that the audit trail of a folder can take a run, and that a run replaces nothing signed or released."""
    before = audit.ready(out)
    if (out / audit.LOG).exists() and (out / name).exists():
        for entry in reversed(audit.read(out).entries):
            if entry.event == "run" and entry.new.get("job") == name:
                break
            pdf = out / name / "report.pdf"
            signed = entry.event == "sign" and entry.new.get("file") == f"{name}/report.pdf" and pdf.exists()
            if signed or (entry.event == "release" and entry.new.get("place") == name):
                what, how = (pdf, "signed") if signed else (out / name, "released")
                msg = (
                    f"{what}: is {how} (entry {entry.number} of the audit trail) and is not replaced; choose another "
                    f"folder with --out, or move the {how} report to where it is kept (a report that supersedes it "
                    "comes from a job file of another name)"
                )
                raise OutputError(msg)
    return before


def check_ledger(planned: Plan, out: Path, name: str) -> None:
    """Refuse a job whose ledgers lack an edit or a check by hand that the audit trail of a folder knows of.

    Raises
    ------
    ReadError
        With what is missing, and how to go on.
    """
    if (out / audit.LOG).exists():
        images = {source.sha256 for source in planned.sources}
        entries = audit.read(out).entries
        file = trail_reports.relative(planned.path, out)
        known = trail_reports.anchor(entries, job=planned.path.stem, name=name, images=images, file=file)
        trail_reports.check(planned.ledger, known, planned.path, out, name)
        trail_checks.check(entries, planned.path, out, name, images)


def issue(
    made: folders.Partial,
    facts: Mapping[str, object] | None,
    report: Report,
    job: Job,
    replaced: supersede.Replaced | None,
    publication: Callable[[Path], AbstractContextManager[object]],
    user: str = "",
) -> None:
    """Give a report its place and record its facts, with nothing of another process in between.

    ``publication`` is entered while the audit trail is held: who waited long for that is asked last of all whether the
    report may still take its place. ``user``: who asked for the run; empty: the person at work. A kill after the first
    of the two leaves in the folder what is to be recorded (``recovery``).
    """
    if facts is None:
        with publication(made.folder):
            folders.put(made)
        return
    name, out = made.target.name, made.target.parent
    with audit.held(out) as log, publication(made.folder):
        more = () if replaced is None else (supersede.event(replaced.report, report, job, name),)
        events = (*audit.run_events(log.trail.entries, report.id, name, facts), *more)
        events = tuple(replace(event, user=user) for event in events)
        recovery.note(made.folder, len(log.trail.entries), events)
        folders.put(made)
        audit.add(log, *events)
        recovery.settled(made.target)


def facts(planned: Plan, report: Report, made: folders.Partial) -> dict[str, object]:
    """What the audit trail tells of a run."""
    job = planned.job
    return {
        "job_sha256": planned.sha256,
        "verdict": report.verdict,
        "conforming": report.conforming,
        "files": {
            file: sha256_file(made.folder / file)
            for file in ("report.json", "report.pdf", "annex.pdf")
            if (made.folder / file).exists()
        },
        "images": len(report.micrographs),
        **({"lost": len(report.lost)} if report.lost else {}),
        "after_entry": int(report.provenance.audit.split(" ")[0]),
        "results": trail_reports.main_values(plain(report.results)),
        "edits": len(planned.ledger),
        "ledger": edits.state(planned.ledger),
        "referee": referee.state(planned.samples, (one.sha256 for one in planned.sources)),
        "job_file": trail_reports.relative(planned.path, made.target.parent),
        "settings": {
            "recipe": job.recipe,
            "standard": {"name": planned.editions.job.name, "sha256": planned.editions.job.sha256},
            "settings": planned.settings,
            "backend": report.provenance.backend,
            "calibration": job.calibration,
            "specimens": {f"{item.id}/{item.section}": item.calibration for item in job.specimens},
            "region": job.region,
            "requirements": planned.requirements,
            **{
                key: getattr(job, key)
                for key in ("modality", "page", "scale_bar", "mixed_scales", "template", "edit_cap")
            },
        },
    }
