"""Fixtures that several test modules share."""

import os
from pathlib import Path

import pytest

# one thread per test process: threads that wait for each other cost more than they give
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real micrographs with ground truth; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("INSPECT_TOOL_SHARED", ROOT.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip(f"no real images at {folder}")
    return folder
