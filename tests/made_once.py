"""What is made once for all test processes: the first that asks makes it, the others wait and read it.

A test reads there and writes nothing: what it changes, it copies first.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from inspect_tool.locks import held

ROOT = Path(__file__).resolve().parent.parent


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Folder that ``make`` has filled, the same for every process of this run of the tests."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder, whole = base / name, base / f"{name}.whole"
    with held(base / f"{name}.lock", patience_s=900):
        if not whole.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a process in which it failed
            folder.mkdir()
            make(folder)
            whole.touch()
    return folder


def wheel(folder: Path) -> None:
    """Build the wheel, and install it into ``site``; ``elsewhere`` is a folder outside of the checkout."""
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    subprocess.run(build, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    install = [sys.executable, "-m", "pip", "install", "--no-deps", "--quiet", "--target", folder / "site", built]
    subprocess.run(install, check=True)
    (folder / "elsewhere").mkdir()


def demo(installed: Path, folder: Path) -> None:
    """Run the demo as a user has it, from the installed wheel; what it said stands in ``said.json``."""
    done = subprocess.run(
        [sys.executable, "-m", "inspect_tool", "demo", "--out", folder / "out"],
        capture_output=True,
        text=True,
        cwd=installed / "elsewhere",
        env={**os.environ, "PYTHONPATH": str(installed / "site")},
        timeout=600,
    )
    said = {"returncode": done.returncode, "stdout": done.stdout, "stderr": done.stderr}
    (folder / "said.json").write_text(json.dumps(said), encoding="utf-8")


def said_in(folder: Path) -> SimpleNamespace:
    """Exit status and output of a demo."""
    return SimpleNamespace(**json.loads((folder / "said.json").read_text(encoding="utf-8")))
