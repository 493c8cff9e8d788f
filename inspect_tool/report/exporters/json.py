"""``report.json``: the report itself."""

from pathlib import Path

from inspect_tool.files import report_pieces, write_as_it_comes
from inspect_tool.model import Report

SUFFIX = ".json"


def write(report: Report, folder: Path, template: Path) -> Path:  # noqa: ARG001 - all exporters are called alike
    """Write ``report.json`` into the report folder."""
    path = folder / "report.json"
    write_as_it_comes(path, lambda file: file.writelines(report_pieces(report)))
    return path
