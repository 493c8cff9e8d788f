"""Locks of the operating system on open files: it gives them back when a process ends, however it ends."""

import os
import sys

if sys.platform == "win32":
    import msvcrt

    def try_lock(file: int, *, alone: bool = True) -> bool:  # noqa: ARG001 - Windows has one kind here
        """Lock an open file without waiting; False where another process holds it."""
        os.lseek(file, 2**31 - 2, os.SEEK_SET)  # a byte that is never written: reading stays possible
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def try_lock(file: int, *, alone: bool = True) -> bool:
        """Lock an open file without waiting; False where another process holds it.

        ``alone`` False: together with others that only read. An ``OSError`` says that the disk cannot lock files.
        """
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
