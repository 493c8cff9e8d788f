"""A lab: a folder with ``lab.toml``, its database, its reports and its objects. Made, opened, and connected to.

SQLite lies in the folder (``lab.db``, WAL); PostgreSQL is named by a URL. A password is never kept: the URL may say
``${NAME}``, which is read from the environment when the database is connected to.
"""

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, inspect, make_url, select
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, NoSuchModuleError, ProgrammingError

from inspect_tool.errors import InspectError, OutputError, SettingsError
from inspect_tool.evidence.provenance import now
from inspect_tool.files import checked, read_toml, toml_text
from inspect_tool.folders import new_file
from inspect_tool.lab import tables
from inspect_tool.lab.drives import network_drive

FILE, DATABASE = "lab.toml", "lab.db"
SCHEMA = "inspect_tool/lab/1"
PATIENCE_S = 30.0  # how long another process may write [s]

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_SECRET = ("password", "sslpassword")  # what a query of a URL may give too
_UPGRADE_LOCK = 0x1A5B  # of PostgreSQL, while tables are made


class UnusableError(OutputError):
    """The database is missing or damaged: it is made again from the reports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """An open lab."""

    folder: Path  # absolute
    url: str = ""  # as lab.toml says it, without a password; empty: SQLite in the folder
    name: str = ""
    key: str = ""  # tells this lab from others
    password_days: int = 0  # as of ``Settings``

    @property
    def database(self) -> str:
        """How messages name the database."""
        return self.url or str(self.folder / DATABASE)

    @property
    def reports(self) -> Path:
        """Folder of the reports that ``run --lab`` writes."""
        return self.folder / "reports"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What ``lab.toml`` says."""

    schema: str
    key: str
    name: str = ""
    database: str = "sqlite"  # or a URL of PostgreSQL
    password_days: int = 0  # that a password lasts; 0: until its owner changes it


def init(folder: Path, url: str = "", name: str = "") -> Lab:
    """Make a lab; of one that exists, bring the tables up to date.

    Parameters
    ----------
    folder : Path
        Is made where it is missing; what is in it stays.
    url : str
        ``postgresql://user@host/name``; empty: SQLite in the folder.
    name : str
        Of the laboratory; empty: that of the folder.

    Raises
    ------
    SettingsError
        The URL holds a password or is none, the folder lies on a network drive, or the lab has another database.
    OutputError
        The folder or the database cannot be written.
    """
    folder = folder.absolute()
    if (folder / FILE).exists():
        lab = settings_of(folder)
        if url and url != lab.url:
            msg = f"{folder / FILE}: the lab keeps its database in {lab.url or 'SQLite'}; it is not moved to another"
            raise SettingsError(msg)
        if not lab.url and not (folder / DATABASE).exists():
            raise _gone(lab)
        create(lab)
        return lab
    check_place(folder, url)
    if (folder / DATABASE).exists():
        msg = f"{folder / DATABASE}: is there without its {FILE}; put that back, or move the database out of the folder"
        raise SettingsError(msg)
    lab = Lab(folder=folder, url=url, name=name or folder.name, key=secrets.token_hex(16))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for each in ("reports", "objects"):
            (folder / each).mkdir(exist_ok=True)
    except OSError as error:
        msg = f"{error.filename or folder}: cannot be made: {error.strerror}"
        raise OutputError(msg) from None
    kept = Settings(schema=SCHEMA, key=lab.key, name=lab.name, database=url or "sqlite")
    new_file(folder / FILE, toml_text(kept).encode())  # first: whoever stops here leaves no database of nobody
    try:
        create(lab)
    except InspectError:
        (folder / FILE).unlink()
        raise
    return lab


def check_place(folder: Path, url: str) -> None:
    """Check that a database can be kept there: no network drive under SQLite, no password in a URL."""
    if url:
        _checked_url(url)
    elif kind := network_drive(folder):
        msg = (
            f"{folder}: lies on a network drive ({kind}), where SQLite loses data when two computers write; "
            "choose a folder of this computer, or a PostgreSQL server with --database postgresql://user@host/name"
        )
        raise SettingsError(msg)


def create(lab: Lab) -> None:
    """Make the tables of a lab, in a database that is new or of this lab already, and bring them up to date."""
    if not lab.url and not (lab.folder / DATABASE).exists():
        _new_sqlite(lab)
    upgrade(lab)
    with connected(lab) as connection:
        if not _is_of(connection, lab):
            connection.execute(tables.lab.insert().values(key=lab.key, name=lab.name, made=now()))


def settings_of(folder: Path) -> Lab:
    """Read ``lab.toml`` without touching the database.

    Raises
    ------
    SettingsError
        There is none, or it is wrong.
    """
    folder = folder.absolute()
    if not (folder / FILE).is_file():
        msg = f"{folder}: is no lab (it holds no {FILE}); inspect-tool lab init {folder} makes one"
        raise SettingsError(msg)
    settings = checked(Settings, read_toml(folder / FILE), str(folder / FILE))
    if settings.schema != SCHEMA:
        msg = f"{folder / FILE}: schema is '{settings.schema}', this version reads '{SCHEMA}'; use a newer inspect-tool"
        raise SettingsError(msg)
    url = "" if settings.database == "sqlite" else settings.database
    if url:
        _checked_url(url)
    if settings.password_days < 0:
        msg = f"{folder / FILE}: password_days: got {settings.password_days}, must be 0 (they do not end) or more"
        raise SettingsError(msg)
    return Lab(folder=folder, url=url, name=settings.name, key=settings.key, password_days=settings.password_days)


def open_lab(folder: Path) -> Lab:
    """Open a lab whose database can be reached and has the tables of this version.

    Raises
    ------
    SettingsError
        The folder is no lab, or its database is of an older or newer version, or of another lab.
    OutputError
        The database is missing, damaged, or cannot be reached.
    """
    from inspect_tool.lab import migrations

    lab = settings_of(folder)
    check_place(lab.folder, lab.url)
    with connected(lab, read_only=True) as connection:
        has = _revision(connection)
        if has == "" and not inspect(connection).has_table(tables.lab.name):
            raise _damaged(lab, "it holds no tables of a lab")
        if has not in migrations.REVISIONS:
            raise _newer(lab, has)
        if has != migrations.REVISIONS[-1]:
            msg = f"{lab.database}: is of an older version ({has}); inspect-tool lab init {lab.folder} updates it"
            raise SettingsError(msg)
        if not _is_of(connection, lab):
            msg = (
                f"{lab.database}: belongs to another lab than {lab.folder / FILE}; give each lab a database of its own"
            )
            raise SettingsError(msg)
    return lab


def restore(lab: Lab) -> Path | None:
    """Make the database of a lab usable: one that is missing is made, a damaged one too, and kept beside it.

    Returns
    -------
    Path or None
        The damaged database under its new name, where there was one.
    """
    check_place(lab.folder, lab.url)
    path = lab.folder / DATABASE
    aside = None
    if not lab.url and path.exists():
        try:
            _check_whole(lab)
        except UnusableError:
            aside = path.with_name(f"{DATABASE}.damaged-{now():%Y%m%dT%H%M%SZ}")
            try:
                path.rename(aside)
                for ending in ("-wal", "-shm"):  # what belongs to the damaged one must not be taken for the new one's
                    if (beside := path.with_name(f"{DATABASE}{ending}")).exists():
                        beside.rename(f"{aside}{ending}")
            except OSError as error:
                msg = f"{path}: is damaged and cannot be put aside: {error.strerror}"
                raise OutputError(msg) from None
    create(lab)
    return aside


def _check_whole(lab: Lab) -> None:
    with connected(lab, read_only=True) as connection:
        said = str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar())
        if said != "ok":
            raise _damaged(lab, " ".join(said.split()))
        if not inspect(connection).has_table(tables.lab.name):
            raise _damaged(lab, "it holds no tables of a lab")


def upgrade(lab: Lab) -> None:
    """Bring the tables of a database up to those of this version."""
    from inspect_tool.lab import migrations

    with _transaction(lab, "BEGIN IMMEDIATE", foreign_keys=False) as connection:  # tables are copied and renamed
        if lab.url:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_UPGRADE_LOCK})")
        has = _revision(connection)
        if has and has not in migrations.REVISIONS:
            raise _newer(lab, has)
        if has != migrations.REVISIONS[-1]:
            migrations.run(connection)


@contextmanager
def connected(lab: Lab, *, read_only: bool = False) -> Iterator[Connection]:
    """Connect to the database of a lab for one transaction, which is undone when the block raises.

    Under SQLite one process writes at a time and others wait up to ``PATIENCE_S``; ``read_only`` waits for nobody and
    sees what was there when it began.

    Raises
    ------
    OutputError
        The database is missing, damaged, full, read-only, in use for too long, or cannot be reached.
    """
    with _transaction(lab, "BEGIN" if read_only else "BEGIN IMMEDIATE") as connection:
        if read_only:
            connection.exec_driver_sql("SET TRANSACTION READ ONLY" if lab.url else "PRAGMA query_only=ON")
        yield connection


@contextmanager
def _transaction(lab: Lab, begin: str, *, foreign_keys: bool = True) -> Iterator[Connection]:
    engine = _server(lab) if lab.url else _sqlite(lab, begin, foreign_keys)
    try:
        with engine.begin() as connection:
            yield connection
    except (IntegrityError, ProgrammingError, DataError):  # ours, not the user's
        raise
    except DBAPIError as error:
        raise _worded(lab, error) from error
    finally:
        engine.dispose()


# ------------------------------------------------------------------------------------------------------------- SQLite


def _sqlite(lab: Lab, begin: str, foreign_keys: bool) -> Engine:
    import sqlite3

    path = lab.folder / DATABASE
    if not path.exists():
        raise _gone(lab)

    def connect() -> sqlite3.Connection:
        # rw: a missing file is an error, and not a new database; None: transactions begin where we say so
        uri = f"{path.as_uri()}?mode=rw"
        opened = sqlite3.connect(uri, uri=True, timeout=PATIENCE_S, isolation_level=None)
        opened.execute(f"PRAGMA foreign_keys={'ON' if foreign_keys else 'OFF'}")
        opened.execute("PRAGMA synchronous=FULL")  # what was committed outlives a power failure
        return opened

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def _new_sqlite(lab: Lab) -> None:
    import sqlite3

    path = lab.folder / DATABASE
    try:
        opened = sqlite3.connect(path, timeout=PATIENCE_S, isolation_level=None)
        try:
            opened.execute("PRAGMA journal_mode=WAL")  # kept in the file
        finally:
            opened.close()
    except sqlite3.Error as error:
        msg = f"{path}: cannot be made: {error}"
        raise OutputError(msg) from None


# --------------------------------------------------------------------------------------------------------- PostgreSQL


def _checked_url(url: str) -> URL:
    try:
        found = make_url(url)
    except ArgumentError:
        msg = f"database '{_without_password(url)}': is no URL such as postgresql://user@host/name"
        raise SettingsError(msg) from None
    if found.get_backend_name() != "postgresql":
        msg = f"database '{found}': only PostgreSQL is a server of a lab: postgresql://user@host/name"
        raise SettingsError(msg)
    secrets_ = [str(found.password or ""), *(str(found.query.get(key, "")) for key in _SECRET)]
    if any(_VARIABLE.sub("", text) for text in secrets_):
        msg = (
            f"database '{_without_password(url)}': holds a password, which is not kept; write ${{NAME}} in its place "
            "and set NAME in the environment, or use a password file (~/.pgpass) or a service of PostgreSQL"
        )
        raise SettingsError(msg)
    return found


def _without_password(url: str) -> str:
    return re.sub(r"(password=)[^&]*", r"\1***", re.sub(r"(//[^:/@]*:).*(@)", r"\1***\2", url))


def _server(lab: Lab) -> Engine:
    url = _checked_url(lab.url)

    def filled(text: str) -> str:
        def value(match: re.Match[str]) -> str:
            if match[1] not in os.environ:
                msg = f"{lab.url}: the environment holds no {match[1]}; set it to what the URL leaves out"
                raise SettingsError(msg)
            return os.environ[match[1]]

        return _VARIABLE.sub(value, text)

    url = url.set(
        drivername="postgresql+psycopg",
        username=url.username and filled(url.username),
        password=None if url.password is None else filled(str(url.password)),
        host=url.host and filled(url.host),
        database=url.database and filled(url.database),
        query={key: filled(str(value)) for key, value in url.query.items()},
    )
    try:
        return create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": int(PATIENCE_S)})
    except (ImportError, NoSuchModuleError):
        msg = f"{lab.url}: PostgreSQL needs psycopg; install it with: pip install 'inspect_tool[postgresql]'"
        raise SettingsError(msg) from None


# ------------------------------------------------------------------------------------------------------------- faults


def _revision(connection: Connection) -> str:
    """Revision of the tables; empty: there are none."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() or "")


def _is_of(connection: Connection, lab: Lab) -> bool:
    keys = connection.scalars(select(tables.lab.c.key)).all()
    if keys and lab.key not in keys:
        msg = f"{lab.database}: belongs to another lab than {lab.folder}; give each lab a database of its own"
        raise SettingsError(msg)
    return lab.key in keys


def _newer(lab: Lab, has: str) -> SettingsError:
    return SettingsError(f"{lab.database}: is of a newer version ({has}) than this program; use a newer inspect-tool")


def _gone(lab: Lab) -> OutputError:
    return UnusableError(f"{lab.folder / DATABASE}: is missing; {_made_again(lab)}")


def _damaged(lab: Lab, what: str) -> OutputError:
    return UnusableError(f"{lab.database}: is damaged: {what}; {_made_again(lab)}")


def _made_again(lab: Lab) -> str:
    return f"inspect-tool lab rebuild --lab {lab.folder} makes it again from the reports"


def _worded(lab: Lab, error: DBAPIError) -> InspectError:
    """One line for a fault of the database."""
    text = " ".join(str(error.orig).split())
    if lab.url:
        return OutputError(f"{lab.url}: {text[:300] or type(error.orig).__name__}")
    if "locked" in text:
        return OutputError(f"{lab.database}: another program has been writing for {PATIENCE_S:.0f} s; try again")
    if "not a database" in text or "malformed" in text:
        return _damaged(lab, text)
    if "readonly" in text or "unable to open" in text:
        return OutputError(f"{lab.database}: cannot be written ({text}); get write access to the file and its folder")
    if "full" in text:
        return OutputError(f"{lab.database}: the disk is full; nothing was changed there; make room and try again")
    return OutputError(f"{lab.database}: {text}")
