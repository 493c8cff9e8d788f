"""A job run for a lab: its defaults fill the header, its report is kept first and remembered then."""

from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from inspect_tool.errors import InspectError, OutputError
from inspect_tool.evidence.dossier import open_dossier
from inspect_tool.inspection import job_run
from inspect_tool.inspection.job_plan import Progress, images_of, plan
from inspect_tool.inspection.workers import Machines
from inspect_tool.lab import defaults, index
from inspect_tool.lab.database import Lab, open_lab
from inspect_tool.model import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A report that was made, and whether the lab remembers it."""

    report: Report
    folder: Path
    fault: str = ""  # why it does not, and what to do; empty: it does


def run(
    job_path: Path,
    lab: Lab,
    out: Path | None = None,
    *,
    name: str = "",
    workers: int = 1,
    executor: Executor | Machines | None = None,
    progress: Progress | None = None,
    keep: bool = False,
) -> Kept:
    """Run a job, and remember its report.

    Parameters
    ----------
    job_path : Path
    lab : Lab
        Its database need not be reachable: the report is kept, and what is to be done is said.
    out : Path, optional
        Folder of the reports; by default that of the lab.
    name, workers, executor, progress
        As those of ``job_run.run``.
    keep : bool
        Keep the images and masks among the objects of the lab.

    Raises
    ------
    InspectError
        For whatever the user must fix in the job; nothing is written then.
    """
    text = defaults.completed(lab, job_path)
    folder = (out or lab.reports) / (name or job_path.stem)
    if out is None:
        check_same(job_path, text, folder)
    report = job_run.run(
        job_path,
        folder.parent,
        name=folder.name,
        text=text,
        workers=workers,
        executor=executor,
        progress=progress,
    )
    try:
        images = tuple(images_of(job_path, text)) if keep else ()
        index.add(open_lab(lab.folder), folder, index.Keep(images=images) if keep else None)
    except InspectError as error:
        fault = (
            f"{folder}: the report is kept, and the lab does not remember it: {error}; then: "
            f"inspect-tool lab add {folder} --lab {lab.folder}"
        )
        return Kept(report=report, folder=folder, fault=fault)
    return Kept(report=report, folder=folder)


def check_same(job_path: Path, text: bytes | None, folder: Path) -> None:
    """Refuse to write over the report of other images, which only shares the name of its job file."""
    if not (folder / "report.json").exists():
        return
    old = open_dossier(folder).report
    if {one.sha256 for one in old.micrographs} & {one.sha256 for one in plan(job_path, text=text).sources}:
        return
    what = f" (heat {old.header.heat})" if old.header.heat else ""
    msg = (
        f"{folder}: holds {old.id} on other images{what}; a lab loses no report: give this job file another name, "
        "or choose another folder with --out"
    )
    raise OutputError(msg)
