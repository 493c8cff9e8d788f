"""A copy of ``lims.csv`` in the folder that a laboratory information system takes files from."""

from pathlib import Path

from inspect_tool.errors import OutputError, SettingsError
from inspect_tool.folders import new_file
from inspect_tool.inspection.job_plan import Plan


def folder_of(planned: Plan) -> Path | None:
    """Find the drop folder of a job; None: it asks for none.

    Raises
    ------
    SettingsError
        It is not there, which is said before anything is measured, or the job does not ask for the file.
    """
    job, where = planned.job, planned.path.name
    if not job.lims_drop:
        return None
    if "lims" not in job.exports:
        msg = f'{where} lims_drop: lims.csv is not written; add "lims" to exports'
        raise SettingsError(msg)
    place = planned.path.parent / job.lims_drop
    if not place.is_dir():
        msg = f"{where} lims_drop: {place} is not a folder; make it, or connect the drive"
        raise SettingsError(msg)
    return place


def drop(made: Path, place: Path, report: str) -> Path:
    """Put the file of a report into a drop folder, whole or not at all, under the identification of the report.

    It is written there under a hidden name and then gets its own: no reader sees it half done, on another drive too.

    Parameters
    ----------
    made : Path
        Folder of the report.
    place : Path
        The drop folder.
    report : str
        Identification of the report.

    Raises
    ------
    OutputError
        It cannot be written, or a file of that name holds something else. The report itself is there.
    """
    from inspect_tool.report.exporters.lims import FILE

    data, path = (made / FILE).read_bytes(), place / f"{report}.csv"
    try:
        if not path.exists():
            new_file(path, data)
        same = path.read_bytes() == data
    except (OSError, OutputError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error).removeprefix(f"{path}: ")
        msg = f"{path}: {why}; the report is whole, copy {made / FILE} there by hand"
        raise OutputError(msg) from None
    if not same:
        msg = f"{path}: is there and holds something else; it was left alone, look at it beside {made / FILE}"
        raise OutputError(msg)
    return path
