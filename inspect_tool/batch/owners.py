"""Which programs that own jobs are still alive: each holds a lock below the lab that the system frees when it ends."""

import os
import platform
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from inspect_tool.batch import queue
from inspect_tool.errors import OutputError
from inspect_tool.lab.database import Lab, connected
from inspect_tool.locks import try_lock


@contextmanager
def alive(lab: Lab) -> Iterator[str]:
    """Give the name of a new owner, and hold a lock by which programs of this computer see that it lives."""
    owner = f"{_host()}-{os.getpid()}-{secrets.token_hex(4)}"
    path = _sign_of_life(lab, owner)
    try:
        path.parent.mkdir(exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
    except OSError as error:
        msg = f"{path}: cannot be made: {error.strerror}; get write access to the folder"
        raise OutputError(msg) from None
    try:
        with suppress(OutputError):  # a disk without locks: leases tell
            try_lock(file, path)
        yield owner
    finally:
        os.close(file)
        path.unlink(missing_ok=True)


def take_from_the_dead(lab: Lab, owner: str) -> int:
    """Give back the jobs of programs of this computer that were killed: their leases need not be waited for."""
    with connected(lab, read_only=True) as connection:
        others = queue.owners(connection) - {owner}
    dead = [other for other in others if other.rsplit("-", 2)[0] == _host() and _is_dead(_sign_of_life(lab, other))]
    if not dead:
        return 0
    with connected(lab) as connection:
        freed = sum(queue.release(connection, other) for other in dead)
    for other in dead:
        _sign_of_life(lab, other).unlink(missing_ok=True)
    return freed


def _is_dead(path: Path) -> bool:
    try:
        file = os.open(path, os.O_RDWR)
    except OSError:  # nothing tells: the lease is waited for
        return False
    try:
        return try_lock(file, path)
    except OutputError:
        return False
    finally:
        os.close(file)


def _sign_of_life(lab: Lab, owner: str) -> Path:
    return lab.folder / "workers" / f"{owner}.lock"


def _host() -> str:
    return re.sub(r"[^\w.-]", "_", platform.node()) or "host"
