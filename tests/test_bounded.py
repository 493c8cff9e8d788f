"""Work in a process of its own: what comes back, and that what it takes too much ends that process alone."""

import os
import signal
import sys
import time

import pytest

from inspect_tool.bounded import Answer, Bounds, answered
from inspect_tool.errors import ReadError

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of processes are those of POSIX")
BOUNDS = Bounds(seconds=20, patience_s=60.0, memory=256 << 20)


def told(what, *, times=1):
    """Work that gives an answer, or an error."""
    if what == "missing":
        msg = "a.tif: no such file"
        raise ReadError(msg)
    return what * times


def died():
    """Work at which a library crashes."""
    os.kill(os.getpid(), signal.SIGSEGV)


def grown():
    """Work that takes all memory."""
    parts = []
    while True:
        parts.append(bytearray(32 << 20))


def looped():
    """Work that computes for ever."""
    while True:
        pass


def waited():
    """Work that never ends, and computes nothing."""
    time.sleep(3600)


def test_the_answer_and_the_error_come_back():
    assert answered(told, BOUNDS, ("ab",), {"times": 2}) == Answer(value="abab")
    found = answered(told, BOUNDS, ("missing",))
    assert (type(found.error), str(found.error)) == (ReadError, "a.tif: no such file")
    assert answered(told, BOUNDS, (3,), {"times": "x"}).error is None
    assert answered(told, BOUNDS, (None,)).error.startswith("TypeError: ")


@posix
@pytest.mark.parametrize(
    ("work", "bounds"),
    [
        (died, BOUNDS),
        (grown, BOUNDS),
        (looped, Bounds(seconds=1, patience_s=60.0, memory=256 << 20)),
        (waited, Bounds(seconds=20, patience_s=0.5, memory=256 << 20)),
    ],
)
def test_a_crash_and_every_bound_end_that_process_alone(work, bounds):
    assert answered(work, bounds) is None
