"""Whole jobs: run and check."""

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from inspect_tool import folders
from inspect_tool.acceptance.criteria import date_of_work
from inspect_tool.evidence.provenance import now, provenance
from inspect_tool.files import read_back
from inspect_tool.images import quality
from inspect_tool.inspection import journal, lims_drop, supersede, windowed
from inspect_tool.inspection.conclusion import correction_of, findings_of
from inspect_tool.inspection.field_record import Outcome, look, measure_all
from inspect_tool.inspection.job_plan import Plan, Progress, inputs_of, plan, silent
from inspect_tool.inspection.job_trail import check_ledger, facts, issue, ready
from inspect_tool.inspection.lean import shared
from inspect_tool.inspection.one_field import model_of
from inspect_tool.inspection.reporting import (
    asked_of,
    carried_files,
    export,
    measured_of,
    picture_files,
    remove_pictures,
    report_of,
    scale_checks,
    typesetting,
    worst_first,
)
from inspect_tool.inspection.workers import Machines
from inspect_tool.model import LostField, Report


def run(
    job_path: str | Path,
    out: str | Path | None = None,
    *,
    name: str = "",
    text: bytes | None = None,
    workers: int = 1,
    executor: Executor | Machines | None = None,
    backend: Mapping[str, object] | None = None,
    exports: tuple[str, ...] | None = None,
    progress: Progress | None = None,
    trail: bool = True,
    user: str = "",
    publication: Callable[[Path], AbstractContextManager[object]] = nullcontext,
) -> Report:
    """Run one job.

    Parameters
    ----------
    job_path : path
        Job file (TOML).
    out : path, optional
        Folder that gets ``<name>/report.json``, ``report.html``, ``report.pdf``, tables and
        pictures. None: nothing is kept but the returned report.
    name : str, optional
        Name of the folder; default: the name of the job file without its suffix.
    text : bytes, optional
        Takes the place of what is in the job file, and is kept with the report.
    workers : int
        Number of fields measured at the same time, each in a process of its own.
    executor : Executor or Machines, optional
        Measures the fields in the place of ``workers``: any executor of ``concurrent.futures`` or made like one, of
        threads or of processes, or the machines of a cluster (``batch.cluster.connected``), which must see the images
        and the folder ``out`` under the same paths. It is left open.
    backend : mapping, optional
        A ``[backend]`` table that takes the place of the job's own.
    exports : tuple of str, optional
        Files that are written, in the place of the job's own.
    progress : callable, optional
        Called with (steps done, steps in all, text).
    trail : bool
        Record the run in the audit trail of ``out``.
    user : str
        Who asked for it, as the audit trail names him or her; empty: the person at work (``audit.user``).
    publication : callable
        Given the folder that is about to take its place, gives what is entered before and left behind that, see
        ``batch.work``; it may refuse.

    Raises
    ------
    InspectError
        For whatever the user must fix; nothing is written then. An audit trail that is broken or cannot be
        written stops the run before it measures.
    """
    started, clock = now(), time.perf_counter()
    planned = plan(job_path, backend, text=text, exports=exports)
    drop = lims_drop.folder_of(planned)
    name = name or planned.path.stem
    replaced, before = place_of(planned, out, name, trail=trail, edited=backend is None)
    records = None if out is None else windowed.records_of(Path(out) / name)
    with output_of(out, name, (planned.path, *inputs_of(planned))) as (folder, made), journal_of(planned, made) as kept:
        report = _reported(
            planned,
            folder,
            lambda: measure_all(planned, folder, workers, progress or silent, executor, kept, records),
            replaced=replaced,
            before=before,
            started=started,
            clock=clock,
            printed=out is not None,
        )
        if out is not None:
            export(planned, report, folder, progress or silent, len(report.micrographs))
        if made is not None:
            folders.seal(made)
            told = facts(planned, report, made) if trail else None
            issue(made, told, report, planned.job, replaced, publication, user)
        if kept is not None:
            journal.finished(kept)
    if records is not None:
        windowed.forget(records)
    if drop is not None and made is not None:
        lims_drop.drop(made.target, drop, report.id)
    return report


def _reported(
    planned: Plan,
    folder: Path,
    measure: Callable[[], tuple[list[Outcome], tuple[LostField, ...]]],
    *,
    replaced: supersede.Replaced | None,
    before: str,
    started: datetime,
    clock: float,
    printed: bool,
) -> Report:
    """The report of the fields that ``measure`` gives: they are many, and let go as soon as the findings are there."""
    from inspect_tool.report.dates import date_checks, day_of_issue
    from inspect_tool.report.template import language_of, template_sha256

    asked = asked_of(planned, None if replaced is None else replaced.report)
    outcomes, lost = measure()
    measured = measured_of(planned, outcomes, folder, lost)
    findings = findings_of(asked, measured, correction_of(asked, measured))
    figures = [figure for outcome in outcomes for figure in outcome.figures]
    worst = worst_first([shown for outcome in outcomes for shown in outcome.thumbnails])
    remove_pictures(folder, worst)
    del outcomes
    measured = replace(measured, fields=(), before={})
    report = report_of(
        asked,
        measured,
        findings,
        job_name=planned.path.stem,
        checks=(
            *scale_checks(measured.records, date_of_work(planned.job.header, started.date())),
            *date_checks(planned.job.header, started.date()),
            *quality.as_checks(figures, planned.limits, quality.default_limits(planned.job.recipe)),
        ),
        worst=worst,
        provenance=provenance(
            job_sha256=planned.sha256,
            settings=planned.settings,
            backend=planned.backend,
            backend_settings=planned.backend_settings,
            started=started,
            seconds=time.perf_counter() - clock,
            audit=before,
            typesetting=typesetting(planned) if printed else "",
        ),
        attachments=(
            *carried_files(planned, asked.recipe, folder, replaced),
            *picture_files(planned, folder, measured.records, findings),
        ),
        template_sha256=template_sha256(planned.template),
        language=language_of(planned.job.language, planned.template),
        issued=day_of_issue(planned.job.header, started.date()),
    )
    del measured, findings
    return read_back(report, shared({}))  # pages are views of report.json, to the last of its digits


def place_of(
    planned: Plan, out: str | Path | None, name: str, *, trail: bool = True, edited: bool = True
) -> tuple[supersede.Replaced | None, str]:
    """Check that a report may be written to its place: the report that it replaces, and the state of the audit trail.

    ``edited``: corrections by hand count (another backend measures without them).
    """
    folders.check_name(name, str(planned.path))
    replaced = supersede.read(planned.job, planned.path.parent, planned.path.name)
    if out is None:
        return replaced, ""
    if replaced is not None:
        supersede.check_place(replaced, Path(out), name)
    before = ready(Path(out), name) if trail else ""
    if trail and edited:
        check_ledger(planned, Path(out), name)
    return replaced, before


def check(job_path: str | Path, out: str | Path | None = None, name: str = "") -> Plan:
    """Check a job without measuring: its keys, files, images and their quality, scales, masks and requirements.

    With ``out`` also that a run of it into this folder would find its place there, see ``run``.
    """
    planned = plan(job_path)
    lims_drop.folder_of(planned)
    place_of(planned, out, name or planned.path.stem)
    model_of(planned)  # a backend checks its own settings and files when it loads
    look(planned)
    return planned


def journal_of(planned: Plan, made: folders.Partial | None) -> AbstractContextManager[journal.Journal | None]:
    """Hold the journal of a run that keeps its report; None: nothing is kept, or there are few fields."""
    return nullcontext() if made is None else journal.opened(planned, made.target)


@contextmanager
def output_of(
    out: str | Path | None, name: str, inputs: Iterable[Path]
) -> Iterator[tuple[Path, folders.Partial | None]]:
    """The folder of a run: one that gets its name when it is whole, or a passing one when nothing is kept."""
    if out is None:
        with tempfile.TemporaryDirectory(prefix="inspect_tool_") as folder:
            yield Path(folder), None
    else:
        with folders.partial_folder(Path(out) / name, inputs) as made:
            yield made.folder, made
