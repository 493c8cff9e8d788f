"""A lab: its folder, its database, and what is said when either is not as it should be."""

import sqlite3
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from lab_files import a_lab
from sqlalchemy import func, insert, inspect, select, text
from sqlalchemy.exc import IntegrityError

from inspect_tool.errors import OutputError, SettingsError
from inspect_tool.lab import database, drives, migrations, tables
from inspect_tool.lab.database import connected, init, open_lab


@pytest.fixture
def lab(tmp_path):
    return a_lab(tmp_path / "lab")


@pytest.fixture
def any_lab(tmp_path, database_url):
    """A lab on SQLite, and one on PostgreSQL."""
    return init(tmp_path / "lab", database_url, name="Werkstoffprüfung")


def a_report(connection, **columns):
    """A report with as little as the tables ask for."""
    mark = insert(tables.fingerprint).values(sha256=columns.get("uid", "a" * 64)).returning(tables.fingerprint.c.id)
    moment = datetime(2026, 10, 1, 12, tzinfo=UTC)
    row = {"uid": "a" * 64, "started": moment, "day": date(2026, 10, 1), "added": moment} | columns
    values = insert(tables.report).values(fingerprint=connection.scalar(mark), **row)
    return connection.scalar(values.returning(tables.report.c.id))


# ---------------------------------------------------------------------------------------------------------- a lab


def test_a_lab_is_a_folder_that_is_opened_again(any_lab, tmp_path):
    assert open_lab(tmp_path / "lab") == any_lab
    assert any_lab.name == "Werkstoffprüfung"
    there = sorted(path.name for path in any_lab.folder.iterdir())
    assert there == [*([] if any_lab.url else ["lab.db"]), "lab.toml", "objects", "reports"]
    assert init(any_lab.folder) == any_lab  # a second time: brought up to date, nothing is lost


def test_what_is_no_lab_says_how_one_is_made(tmp_path):
    with pytest.raises(SettingsError, match=r"is no lab .*inspect-tool lab init"):
        open_lab(tmp_path)


def test_a_lab_of_a_later_format_is_refused(lab):
    text_ = (lab.folder / "lab.toml").read_text(encoding="utf-8")
    (lab.folder / "lab.toml").write_text(text_.replace("lab/1", "lab/2"), encoding="utf-8")
    with pytest.raises(SettingsError, match=r"lab.toml: schema is 'inspect_tool/lab/2'.*newer inspect-tool"):
        open_lab(lab.folder)


def test_a_database_that_is_gone_or_damaged_says_that_it_is_made_again(lab):
    path = lab.folder / "lab.db"
    whole = path.read_bytes()
    for damaged in (b"no database at all, but long enough to be looked at" * 40, whole[:4096] + b"\xff" * 60_000):
        path.write_bytes(damaged)
        with pytest.raises(OutputError, match=r"lab.db: is damaged: .*inspect-tool lab rebuild"):
            open_lab(lab.folder)
    path.write_bytes(b"")  # which SQLite takes for a new database
    with pytest.raises(OutputError, match=r"is damaged: it holds no tables of a lab; inspect-tool lab rebuild"):
        open_lab(lab.folder)
    path.unlink()
    with pytest.raises(OutputError, match=r"lab.db: is missing; inspect-tool lab rebuild"):
        open_lab(lab.folder)
    assert not path.exists()  # opening made no empty one


def test_the_database_of_another_lab_is_not_taken(lab, tmp_path):
    other = init(tmp_path / "other")
    (lab.folder / "lab.db").replace(other.folder / "lab.db")
    with pytest.raises(SettingsError, match="belongs to another lab"):
        open_lab(other.folder)


def test_a_database_without_its_settings_is_left_alone(lab):
    (lab.folder / "lab.toml").unlink()
    with pytest.raises(SettingsError, match=r"lab.db: is there without its lab.toml"):
        init(lab.folder)


# ---------------------------------------------------------------------------------------------------------- versions


# of SQLite the two cannot be compared in indexes of lower(...), which test_lab_find sees used
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection:sqlalchemy.exc.SAWarning")
@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
def test_the_migrations_make_the_tables_of_this_version(any_lab):
    with connected(any_lab) as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, tables.METADATA) == []
        assert (
            connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == migrations.REVISIONS[-1]
        )


def test_a_newer_database_is_refused_in_one_line_also_by_init(lab):
    with connected(lab) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    for opened in (open_lab, init):
        with pytest.raises(SettingsError, match=r"is of a newer version \(9999\) than this program") as found:
            opened(lab.folder)
        assert "\n" not in str(found.value)


def test_an_older_database_says_which_command_brings_it_up_to_date(lab, monkeypatch):
    monkeypatch.setattr(migrations, "REVISIONS", (*migrations.REVISIONS, "0099"))
    with pytest.raises(SettingsError, match=r"older version \(.*\); inspect-tool lab init .* updates it"):
        open_lab(lab.folder)


@pytest.mark.parametrize("version", range(1, len(migrations.REVISIONS)))
def test_a_lab_of_every_released_version_keeps_what_it_holds_when_it_is_brought_up_to_date(
    version, tmp_path, monkeypatch
):
    monkeypatch.setattr(migrations, "REVISIONS", migrations.REVISIONS[:version])
    old = init(tmp_path / "lab", name="Works 3")
    with connected(old) as connection:
        connection.execute(tables.part.insert().values(name="bracket"))
    monkeypatch.undo()
    assert open_lab(init(tmp_path / "lab").folder) == old
    with connected(old, read_only=True) as connection:
        assert connection.scalars(select(tables.part.c.name)).all() == ["bracket"]
        assert set(inspect(connection).get_table_names()) == {*tables.METADATA.tables, "alembic_version"}


def test_init_that_was_stopped_before_the_tables_goes_on(lab):
    (lab.folder / "lab.db").unlink()
    database._new_sqlite(lab)  # a kill came here
    assert init(lab.folder) == lab
    assert open_lab(lab.folder) == lab


# ------------------------------------------------------------------------------------------------------ transactions


def test_moments_are_kept_as_utc(any_lab):
    moment = datetime(2026, 10, 1, 12, 0, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    with connected(any_lab) as connection:
        a_report(connection, started=moment)
    with connected(any_lab, read_only=True) as connection:
        found = connection.scalar(select(tables.report.c.started))
        assert found == moment
        assert found.tzinfo is UTC
        assert connection.scalar(select(func.count()).where(tables.report.c.started >= moment)) == 1
        later = moment + timedelta(seconds=1)
        assert connection.scalar(select(func.count()).where(tables.report.c.started >= later)) == 0


def test_a_block_that_raises_changes_nothing(lab):
    with pytest.raises(ZeroDivisionError), connected(lab) as connection:
        1 / len(a_report(connection) and ())
    with connected(lab, read_only=True) as connection:
        assert connection.scalar(select(func.count()).select_from(tables.report)) == 0


def test_what_belongs_to_a_report_goes_with_it_and_needs_it(any_lab):
    with connected(any_lab) as connection:
        key = a_report(connection)
        connection.execute(insert(tables.specimen).values(report=key, specimen="A"))
        connection.execute(tables.report.delete())
        assert connection.scalar(select(func.count()).select_from(tables.specimen)) == 0
    with pytest.raises(IntegrityError), connected(any_lab) as connection:
        connection.execute(insert(tables.specimen).values(report=77, specimen="A"))


def test_a_reader_writes_nothing_and_is_not_kept_waiting(lab, monkeypatch):
    monkeypatch.setattr(database, "PATIENCE_S", 0.2)
    with connected(lab) as writer:
        a_report(writer)
        with connected(lab, read_only=True) as reader:
            assert reader.scalar(select(func.count()).select_from(tables.report)) == 0
        with pytest.raises(OutputError, match=r"another program has been writing for"), connected(lab):
            pass
    with pytest.raises(OutputError, match=r"readonly|read-only"), connected(lab, read_only=True) as reader:
        a_report(reader)


def test_a_full_disk_is_said_and_changes_nothing(lab):
    def fill(connection):
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")  # SQLite's own SQLITE_FULL
        for i in range(2000):
            connection.execute(insert(tables.part).values(name=f"part {i} " + "x" * 500))

    with pytest.raises(OutputError, match="the disk is full; nothing was changed there"), connected(lab) as connection:
        fill(connection)
    with connected(lab, read_only=True) as connection:
        assert connection.scalar(select(func.count()).select_from(tables.part)) == 0


def test_what_is_committed_lies_in_a_log_beside_the_database(lab):
    opened = sqlite3.connect(lab.folder / "lab.db")
    assert opened.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    opened.close()
    with connected(lab) as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL: flushed at every commit


# -------------------------------------------------------------------------------------------------- where it may lie


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "fuse.rclone", "virtiofs"])
def test_a_network_drive_is_refused_with_a_way_out(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(drives, "of_mounts", lambda *_: kind)
    with pytest.raises(SettingsError, match=rf"network drive \({kind}\).*PostgreSQL"):
        init(tmp_path / "lab")
    assert not (tmp_path / "lab").exists()


@pytest.mark.parametrize("kind", ["ext4", "btrfs", "tmpfs", "overlay", "fuseblk", "fuse.gocryptfs", "apfs", "zfs"])
def test_a_drive_of_this_computer_is_taken(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(drives, "of_mounts", lambda *_: kind)
    assert drives.network_drive(tmp_path) == ""


def test_a_lab_that_was_moved_to_a_network_drive_is_refused_when_opened(lab, monkeypatch):
    monkeypatch.setattr(database, "network_drive", lambda _: "nfs")
    with pytest.raises(SettingsError, match=r"network drive \(nfs\).*PostgreSQL"):
        open_lab(lab.folder)


def test_the_nearest_mount_counts_and_the_later_one_covers_the_earlier():
    mounts = [("/", "ext4"), ("/mnt", "nfs"), ("/mnt/local", "xfs"), ("/mnt", "autofs"), ("/mnt", "cifs")]
    assert drives.of_mounts(Path("/mnt/a"), mounts) == "cifs"
    assert drives.of_mounts(Path("/mnt/local/a"), mounts) == "xfs"
    assert drives.of_mounts(Path("/mntx"), mounts) == "ext4"


# ---------------------------------------------------------------------------------------------------- PostgreSQL: URL


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://lab:geheim@db.example/lab",
        "postgresql://lab@db.example/lab?password=geheim",
        "postgresql://lab:geheim${LAB}@db.example/lab",
    ],
)
def test_a_password_is_neither_kept_nor_printed(tmp_path, url):
    with pytest.raises(SettingsError, match=r"holds a password.*\$\{NAME\}") as found:
        init(tmp_path / "lab", url)
    assert "geheim" not in str(found.value)
    assert not (tmp_path / "lab").exists()


def test_a_password_comes_from_the_environment(tmp_path, monkeypatch):
    lab = database.Lab(folder=tmp_path, url="postgresql://lab:${LAB_PASSWORD}@db.example/lab")
    with pytest.raises(SettingsError, match="the environment holds no LAB_PASSWORD"):
        database._server(lab)
    monkeypatch.setenv("LAB_PASSWORD", "p@ss/w:rd%")
    url = database._server(lab).url
    assert (url.password, url.host, url.database) == ("p@ss/w:rd%", "db.example", "lab")
    assert "p@ss" not in repr(lab)


@pytest.mark.parametrize(("url", "said"), [("mysql://a@b/c", "only PostgreSQL"), ("db.example", "is no URL")])
def test_another_database_is_refused(tmp_path, url, said):
    with pytest.raises(SettingsError, match=said):
        init(tmp_path / "lab", url)


def test_a_server_that_cannot_be_reached_leaves_no_lab(tmp_path):
    pytest.importorskip("psycopg")
    with pytest.raises(OutputError, match=r"^postgresql://lab@127.0.0.1:9/lab: .*refused"):
        init(tmp_path / "lab", "postgresql://lab@127.0.0.1:9/lab")
    assert not (tmp_path / "lab" / "lab.toml").exists()


def test_a_lab_is_not_moved_to_another_database(lab):
    with pytest.raises(SettingsError, match="keeps its database in SQLite; it is not moved"):
        init(lab.folder, "postgresql://lab@db.example/lab")


def test_every_table_of_the_index_can_be_emptied_in_its_order(lab):
    with connected(lab) as connection:
        connection.execute(insert(tables.specimen).values(report=a_report(connection), specimen="A"))
        for table in tables.INDEX:
            connection.execute(table.delete())
        counts = [connection.execute(text(f'SELECT count(*) FROM "{table.name}"')).scalar() for table in tables.INDEX]
    assert counts == [0] * len(tables.INDEX)
