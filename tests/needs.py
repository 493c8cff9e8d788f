"""What a test needs of the system and not every system has: such a test is not run, and the summary says how many."""

import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import postgres
import pytest
import verapdf

FONTS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".local/share/fonts")


@cache
def is_there(need):
    """Whether this machine has what a test names in ``@pytest.mark.needs``."""
    return {
        "Pango": _pango,
        "fonts": lambda: sys.platform != "linux" or any(list(folder.rglob("*.[to]tf")) for folder in FONTS),
        "PostgreSQL": lambda: postgres.programs() is not None and find_spec("psycopg") is not None,
        "poppler": lambda: shutil.which("pdftotext") is not None,
        "Chromium": lambda: chromium() is not None and shutil.which("chromedriver") is not None,
        "Playwright": _playwright,
        "veraPDF": verapdf.is_there,
        "python-docx": lambda: find_spec("docx") is not None,
        "pypdfium2": lambda: find_spec("pypdfium2") is not None,
        "strace": lambda: traces("strace", "-f", "-e", "trace=connect"),
        "shared memory": _shared_memory,
        "mount": _mount,
        "another user": lambda: os.name == "posix" and os.geteuid() != 0,
    }[need]()


def chromium():
    """Path of the browser, under one of the names it has."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def traces(*command):
    """Whether a command can be started under these; a container may forbid it."""
    return (
        shutil.which(command[0]) is not None and not subprocess.run([*command, "true"], capture_output=True).returncode
    )


def _shared_memory():
    """Whether processes can share work; a container may forbid it."""
    try:
        multiprocessing.Lock()
    except (ImportError, OSError):
        return False
    return True


def _mount():
    """Whether this user may have disks of its own; a container may forbid it to root."""
    with tempfile.TemporaryDirectory() as folder:
        if (
            sys.platform != "linux"
            or subprocess.run(
                ["mount", "-t", "tmpfs", "-o", "size=100k", "none", folder], capture_output=True
            ).returncode
        ):
            return False
        return not subprocess.run(["umount", folder], capture_output=True).returncode


def _playwright():
    """Whether the program that drives the browser starts; it lacks a library on some machines."""
    from playwright._impl._driver import compute_driver_executable

    program, _ = compute_driver_executable()
    return not subprocess.run([program, "--version"], capture_output=True).returncode


def _pango():
    script = "import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()): import weasyprint"
    return not subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True).returncode


def leave_out(item):
    """Skip a test that needs what is not there."""
    for mark in item.iter_markers("needs"):
        for need in mark.args:
            if not is_there(need):
                pytest.skip(f"{need} is missing")


PDF = "inspect_tool.report.exporters.pdf"
"""The module that cannot be imported without Pango, so that every try to print a PDF looks for it anew."""


def recorder(tries):
    """Finder of modules that finds none and notes when the PDF is asked for."""
    return SimpleNamespace(find_spec=lambda name, *_: tries.append(name) if name == PDF else None)


def not_run(report, tries):
    """The report of a test or file; one that failed where it came to print a PDF without Pango counts as not run."""
    came_to_print = tries or "needs the Pango library" in report.longreprtext
    if report.outcome == "failed" and came_to_print and not is_there("Pango"):
        report.outcome, report.longrepr = "skipped", (report.nodeid, 0, "Skipped: Pango is missing")
    return report


def counted(skipped):
    """Lines of the summary: how many tests were not run, and for lack of what.

    >>> report = SimpleNamespace(longrepr=("a.py", 1, "Skipped: Chromium is missing"), when="setup")
    >>> counted([report, report])
    ['2 tests not run: Chromium is missing']
    """
    reasons = Counter((report.longrepr[2].removeprefix("Skipped: "), report.when == "collect") for report in skipped)
    return [
        f"{number} {'file' if whole else 'test'}{'s' * (number > 1)}{' of tests' * whole} not run: {reason}"
        for (reason, whole), number in reasons.items()
    ]
