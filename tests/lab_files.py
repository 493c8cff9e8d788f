"""Reports that a lab is given in tests: their numbers mean nothing, and each is as cheap as a file can be."""

import atexit
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from report_example import example

from inspect_tool.files import dump_report, parse_report
from inspect_tool.lab.database import Lab, init, settings_of
from inspect_tool.model import Report


@cache
def _empty() -> Path:
    folder = Path(mkdtemp())
    atexit.register(shutil.rmtree, folder)
    return init(folder / "lab").folder


def a_lab(folder: Path) -> Lab:
    """Make a lab on SQLite, by copying one: tables are made once."""
    shutil.copytree(_empty(), folder)
    return settings_of(folder)


@cache
def _plain() -> Report:
    with TemporaryDirectory() as folder:
        made = example(Path(folder), fields=2, features=5, size=60, grains=20).report
    return parse_report(dump_report(made).encode(), "report.json")


def a_report(number: int = 1, *, started: str = "", version: str = "0.1.0", **header: str) -> Report:
    """A report of its own number; ``header`` takes the place of what its header says."""
    plain = _plain()
    made = replace(
        plain.provenance, version=version, started=started or f"2026-03-{1 + number % 28:02d}T10:12:13Z", seconds=number
    )
    stated = replace(plain.header, date_of_work=made.started[:10])
    return replace(plain, id=f"IT-{number:04d}", job=f"job_{number}", header=replace(stated, **header), provenance=made)


def written(folder: Path, report: Report) -> Path:
    """Write the folder of a report with what an index reads of it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(dump_report(report), encoding="utf-8")
    return folder
