"""Locks on files between processes: the system gives them back when a process ends, so that none outlives a kill.

They are written here on the calls of the system, and not taken from filelock, for three reasons: a disk that has no
locks is an error, where filelock marks the place by a file, which outlives a kill; a file that is open already is
locked (the marker of a folder that will be renamed); and readers lock a file beside each other.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from inspect_tool.errors import OutputError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


@contextmanager
def held(path: Path, *, patience_s: float) -> Iterator[None]:
    """Hold a lock file, which is made where it is missing and stays there; other processes wait for it.

    Raises
    ------
    OutputError
        It cannot be made or locked, or another process holds it longer than ``patience_s`` [s].
    """
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        msg = f"{path}: cannot be opened: {error.strerror}; get write access to the folder"
        raise OutputError(msg) from None
    try:
        lock(file, path, alone=True, patience_s=patience_s)
        yield
    finally:
        os.close(file)  # gives back the lock


def lock(file: int, path: Path, *, alone: bool, patience_s: float) -> None:
    """Lock an open file for this process alone, or for reading beside others; closing it gives the lock back.

    Raises
    ------
    OutputError
        It cannot be locked, or another process holds it longer than ``patience_s`` [s].
    """
    ends = time.monotonic() + patience_s
    while not try_lock(file, path, alone):
        if time.monotonic() > ends:
            msg = f"{path}: another process has held it for {patience_s:.0f} s; end that process or try again"
            raise OutputError(msg)
        time.sleep(0.01)


if sys.platform == "win32":

    def try_lock(file: int, path: Path, alone: bool = True) -> bool:  # noqa: ARG001 - Windows has one kind here
        """Lock an open file without waiting; False where another process holds it."""
        os.lseek(file, 2**31 - 2, os.SEEK_SET)  # a byte that is never written: reading stays possible
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:

    def try_lock(file: int, path: Path, alone: bool = True) -> bool:
        """Lock an open file without waiting; False where another process holds it."""
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            msg = f"{path}: cannot be locked: {error.strerror}; choose a folder on a disk that can lock files"
            raise OutputError(msg) from None
        return True
