"""The PostgreSQL server of the tests: a real one, an empty database for each that asks, and nothing left of it."""

import subprocess
import sys
from pathlib import Path

import postgres
import pytest
from sqlalchemy import create_engine, text

HERE = Path(__file__).parent


@pytest.mark.needs("PostgreSQL")
def test_each_new_database_is_empty_and_its_own(postgresql_server):
    first, second = (create_engine(postgresql_server.new()) for _ in range(2))
    with first.begin() as connection:
        connection.execute(text("create table work (id int)"))
    with second.begin() as connection:
        assert connection.execute(text("select to_regclass('work')")).scalar() is None
        assert connection.execute(text("show server_version")).scalar().split(".")[0].isdecimal()
    first.dispose()
    second.dispose()


@pytest.mark.needs("PostgreSQL")
@pytest.mark.usefixtures("postgresql_server")  # which says why there can be none
def test_a_killed_test_process_leaves_no_server():
    script = (
        "import os, postgres\n"
        "with postgres.server() as running:\n"
        "    print(running._folder, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=HERE, capture_output=True, text=True)
    folder = Path(done.stdout.strip())
    assert folder.name.startswith("pg_"), done.stderr
    for _ in range(200):
        if not folder.exists():
            return
        subprocess.run(["sleep", "0.05"])
    assert not folder.exists()


def test_the_newest_server_is_taken(monkeypatch):
    there = [Path(f"/usr/lib/postgresql/{number}/bin/postgres") for number in ("9.6", "15", "10")]
    monkeypatch.setattr(Path, "glob", lambda *_: iter(there))
    assert postgres.programs() == Path("/usr/lib/postgresql/15/bin")
