"""``report.html``: one file with everything inside, which opens without a network."""

from pathlib import Path

from inspect_tool.files import write_as_it_comes
from inspect_tool.model import Report
from inspect_tool.report.render import rendered

SUFFIX = ".html"


def write(report: Report, folder: Path, template: Path) -> Path:
    """Write ``report.html`` into the report folder, which holds the pictures the report names."""
    path = folder / "report.html"
    write_as_it_comes(path, lambda file: file.writelines(rendered(report, folder, template, "screen")))
    return path
