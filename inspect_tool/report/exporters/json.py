"""``report.json``: the report itself."""

from pathlib import Path

from inspect_tool.files import dump_report, write_text
from inspect_tool.model import Report

SUFFIX = ".json"


def write(report: Report, folder: Path, template: Path) -> Path:  # noqa: ARG001 - all exporters are called alike
    """Write ``report.json`` into the report folder."""
    path = folder / "report.json"
    write_text(path, dump_report(report))
    return path
