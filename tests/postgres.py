"""A PostgreSQL server of the tests: started where it is asked for, with nothing of the system's own, and gone after."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

PATIENCE_S = 60.0
# one that ends with the pipe that its starter holds: killed tests leave neither a server nor its folder behind
ENDS_WITH_ITS_STARTER = '"$@" & server=$!; read -r _; kill -QUIT $server; wait $server; rm -rf "$HERE"'
# nothing has to outlive a power failure here
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=16MB", "max_connections=60")


def programs():
    """Folder of the newest server on this machine; None where there is none."""
    on_path = shutil.which("postgres")
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    newest = sorted(folders, key=lambda folder: float(folder.parent.name))
    return newest[-1] if newest else Path(on_path).resolve().parent if on_path else None


class Server:
    """A running server: ``new()`` is the URL of an empty database."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._numbers = folder, count(1)

    def url(self, database: str) -> str:
        """URL of a database, by the socket of the server: it listens on no port."""
        return f"postgresql+psycopg://postgres@/{database}?host={self._folder}"

    def new(self) -> str:
        """Make an empty database and give its URL."""
        import psycopg

        name = f"lab_{next(self._numbers)}"
        with psycopg.connect(dbname="postgres", user="postgres", host=str(self._folder), autocommit=True) as connection:
            connection.execute(f"create database {name}")
        return self.url(name)


@contextmanager
def server() -> Iterator[Server]:
    """Start a server; a test that asks for one which does not start is skipped, with the reason."""
    folder = Path(tempfile.mkdtemp(prefix="pg_"))  # a short path: that of a socket has 107 bytes at most
    rights = {}
    if os.geteuid() == 0:  # which the server refuses to run as
        shutil.chown(folder, "postgres", "postgres")
        rights = {"user": "postgres", "group": "postgres", "extra_groups": []}
    here = {"cwd": folder, "env": {**os.environ, "LC_ALL": "C", "HERE": str(folder)}, **rights}
    try:
        made = ("-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        try:
            done = subprocess.run([programs() / "initdb", *made], capture_output=True, text=True, **here)
        except PermissionError as error:  # a folder on the way to it is closed to the user postgres
            pytest.skip(f"PostgreSQL cannot be set up: {error.filename}: {error.strerror}")
        if done.returncode:
            pytest.skip(f"PostgreSQL cannot be set up: {done.stderr.strip().splitlines()[-1]}")
        options = [part for option in FAST for part in ("-c", option)]
        command = (programs() / "postgres", "-D", "data", "-k", folder, "-c", "listen_addresses=", *options)
        with (folder / "log").open("w") as log:
            running = subprocess.Popen(
                ["sh", "-c", ENDS_WITH_ITS_STARTER, "sh", *command], stdin=subprocess.PIPE, stderr=log, **here
            )
        try:
            _wait(folder)
            yield Server(folder)
        finally:
            running.communicate(timeout=PATIENCE_S)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(folder: Path) -> None:
    import psycopg

    ends = time.monotonic() + PATIENCE_S
    while True:
        try:
            psycopg.connect(dbname="postgres", user="postgres", host=str(folder)).close()
        except psycopg.OperationalError:
            said = (folder / "log").read_text().strip()
            if ("FATAL" in said and "starting up" not in said) or time.monotonic() > ends:
                pytest.skip(f"PostgreSQL does not start here: {(said or 'it is silent').splitlines()[-1]}")
            time.sleep(0.05)
        else:
            return
