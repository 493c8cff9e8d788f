"""A lab to look around in: the sample inspections, as if somebody had made and run them at the workbench."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import exists, select

from inspect_tool import folders
from inspect_tool.batch import queue
from inspect_tool.errors import OutputError
from inspect_tool.evidence.provenance import now
from inspect_tool.files import load_report
from inspect_tool.lab import index, tables
from inspect_tool.lab.database import Lab, connected
from inspect_tool.lab.inspections import FOLDER, JOB

_OWNER = "demo"


def take(lab: Lab, samples: Iterable[tuple[Path, Path]]) -> None:
    """Take sample inspections into a lab, each with its report; those that it has stay, with what was done to them.

    Parameters
    ----------
    samples : iterable of (Path, Path)
        Folder of a sample, with ``job.toml`` and its images, and folder of its report.

    Raises
    ------
    OutputError
        The folder of the lab cannot be written.
    """
    for sample, report in samples:
        name = sample.name
        with connected(lab, read_only=True) as connection:
            if connection.scalar(select(exists().where(tables.inspection.c.name == name))):
                continue
        try:
            shutil.copytree(sample, lab.folder / FOLDER / name, dirs_exist_ok=True)
            with folders.new_folder(lab.reports / name) as new:
                shutil.copytree(report, new, ignore=lambda _, __: [folders.MARKER], dirs_exist_ok=True)
        except OSError as error:
            msg = f"{error.filename or lab.folder}: cannot be written: {error.strerror}"
            raise OutputError(msg) from None
        _enter(lab, name)


def _enter(lab: Lab, name: str) -> None:
    """Let the lab know an inspection that is done."""
    job, folder = lab.folder / FOLDER / name / JOB, lab.reports / name
    uid = index.add(lab, folder).uid
    report = load_report(folder / "report.json")
    with connected(lab) as connection:
        (work,) = queue.submit(connection, [queue.order(job, lab.reports, name)])
        queue.claim(connection, _OWNER, among=[work])
        queue.done(connection, _OWNER, work, uid)
        connection.execute(
            tables.inspection.insert().values(
                name=name,
                title=report.header.title or report.title,
                recipe=report.recipe,
                job=f"{FOLDER}/{name}/{JOB}",
                by=report.header.operator,
                added=now(),
                work=work,
            )
        )
