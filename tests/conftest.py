"""Fixtures that several test modules share."""

import gc
import os
import sys
from pathlib import Path

import hypothesis
import made_once
import needs
import postgres
import pytest

# an example that takes long says something of the machine, and nothing of the code
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")

ROOT = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items):
    """Long tests come first: begun last, one keeps a processor busy while the others have nothing left to do.

    With them come those that look at the demo: a process that begins one while another makes the demo waits for it.
    """
    items.sort(
        key=lambda item: item.get_closest_marker("long") is None and "demo" not in getattr(item, "fixturenames", ())
    )


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Tests and libraries live until the end: they are not searched for what nothing refers to, and the rest seldom."""
    gc.disable()  # a third of the time to collect all
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(100_000)  # five times what the tool does for a command: 3 % of the time of all
        gc.enable()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real micrographs with ground truth; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("INSPECT_TOOL_SHARED", ROOT.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip(f"no real images at {folder}")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _drawn_images_are_not_judged_by_real_ones():
    """Drawn images are unlike the labeled real ones: what is tested on them is tested without the shipped errors."""
    from inspect_tool.validation import lookup

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lookup, "shipped", lambda _: None)
        yield


@pytest.fixture(scope="session")
def installed(tmp_path_factory) -> Path:
    """Folder with the built wheel, ``site`` where it is installed, and ``elsewhere``, outside of the checkout."""
    return made_once.made_once(tmp_path_factory, "installed", made_once.wheel)


@pytest.fixture(scope="session")
def demo(installed, tmp_path_factory):
    """The reports of the demo of the installed wheel, to be read only, and what it said."""
    folder = made_once.made_once(tmp_path_factory, "demo", lambda folder: made_once.demo(installed, folder))
    return folder / "out", made_once.said_in(folder)


@pytest.fixture(scope="session")
def postgresql_server():
    """A PostgreSQL server of this test process: ``new()`` gives the URL of an empty database."""
    with postgres.server() as running:
        yield running


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("PostgreSQL"))])
def database_url(request) -> str:
    """What a laboratory names as its database: nothing, which is SQLite, and the URL of an empty PostgreSQL."""
    return "" if request.param == "sqlite" else request.getfixturevalue("postgresql_server").new()


# ----------------------------------------------------------------------------- what a test needs and this machine lacks

TRIES: list[str] = []
"""To print a PDF, of the test that runs."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """One test process more than processors: some always wait, for a browser, a disk or a process that starts."""
    return len(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)) + 1


def pytest_configure(config):
    if getattr(config.option, "numprocesses", None):
        # one thread per process: threads that wait for each other cost more than they give. Said before the processes
        # begin, because a plug-in of zarr loads numpy in them before anything of ours
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")
    config.addinivalue_line("markers", "long: takes a minute or more, see pytest_collection_modifyitems")
    config.addinivalue_line("markers", "needs(*names): not run where one of these is missing, see tests/needs.py")
    sys.meta_path.insert(0, needs.recorder(TRIES))


def pytest_runtest_setup(item):
    TRIES.clear()
    needs.leave_out(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    return needs.not_run((yield), TRIES)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report():
    return needs.not_run((yield), ())


def pytest_terminal_summary(terminalreporter):
    for line in needs.counted(terminalreporter.stats.get("skipped", ())):
        terminalreporter.write_line(line)
