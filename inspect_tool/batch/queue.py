"""The queue: jobs and their leases in the table ``work`` of a lab. Functions over a connection, in its transaction.

A worker that takes a job owns it until its lease ends, and renews it while it works. One that was killed renews
nothing: its jobs are taken again. Whoever comes back after its lease was taken finds that it owns nothing any more,
and publishes nothing. Moments are those of the database server, so that a wrong clock of a computer takes no job away;
SQLite serves the programs of one computer, and has its clock.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, get_args

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from inspect_tool.errors import SettingsError
from inspect_tool.files import sha256_bytes
from inspect_tool.lab.tables import Instant
from inspect_tool.lab.tables import work as table

State = Literal["todo", "doing", "done", "failed", "canceled"]
STATES: tuple[State, ...] = get_args(State)
LEASE_S = 60.0
"""How long a job belongs to a worker that is not heard of [s]."""
TRIES = 2
"""As often a job may fail; tries that ended with the computer do not count."""
_LONGEST = 2000  # letters of an error that are kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A job to be done: its file, the folder for its report, and the name of that."""

    job: Path
    out: Path
    name: str

    @property
    def folder(self) -> Path:
        """Where the report will be."""
        return self.out / self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A job in the queue."""

    id: int
    key: str
    order: Order
    state: State
    tries: int  # that failed, or are under way
    owner: str  # of the lease; empty: nobody
    until: datetime | None  # end of the lease
    error: str  # of the last try
    report_uid: str  # SHA-256 of the report.json that has its place, or was about to take it; empty: none yet
    added: datetime
    started: datetime | None  # of the last try
    ended: datetime | None


def order(job: Path, out: Path, name: str) -> Order:
    """Name a job by places that hold from wherever a worker looks."""
    return Order(job=job.absolute(), out=out.absolute(), name=name)


def key_of(asked: Order) -> str:
    """What makes a job itself: SHA-256 of its file, where that lies (its images do), and where its report goes.

    Raises
    ------
    SettingsError
        The file cannot be read.
    """
    try:
        text = asked.job.read_bytes()
    except OSError as error:
        msg = f"{asked.job}: cannot be read: {error.strerror}"
        raise SettingsError(msg) from None
    parts = "\n".join((str(asked.job), str(asked.out), asked.name, sha256_bytes(text)))
    try:
        return sha256_bytes(parts.encode())
    except UnicodeEncodeError:
        msg = f"{asked.job}: its path is no text in UTF-8, which a database could keep; rename it"
        raise SettingsError(msg) from None


def clock(connection: Connection) -> datetime:
    """What the database takes for now (UTC)."""
    if connection.dialect.name == "sqlite":
        return datetime.now(UTC)
    found: datetime = connection.execute(select(func.clock_timestamp(type_=Instant()))).scalar_one()
    return found


# ------------------------------------------------------------------------------------------------------- into the queue


def submit(connection: Connection, orders: Sequence[Order], priority: int = 0) -> tuple[int, ...]:
    """Put jobs into the queue; one that is there stays as it is. Gives their ids, in order.

    A job that waits or failed, and whose report would go to the same place, is canceled: its file was changed since.
    """
    now, ids = clock(connection), []
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    for asked in orders:
        key = key_of(asked)
        row = {"job": str(asked.job), "out": str(asked.out), "name": asked.name}
        new = insert(table).values(key=key, added=now, priority=priority, **row)
        connection.execute(new.on_conflict_do_nothing(index_elements=[table.c.key]))
        ids.append(connection.execute(select(table.c.id).where(table.c.key == key)).scalar_one())
        same_place = and_(table.c.out == row["out"], table.c.name == row["name"], table.c.id != ids[-1])
        open_ = table.c.state.in_(("todo", "doing", "failed"))
        changed = {"state": "canceled", "error": "the job file was changed; its new text is in the queue"}
        connection.execute(update(table).where(same_place, open_).values(ended=now, owner="", until=None, **changed))
    return tuple(ids)


def again(connection: Connection, ids: Iterable[int], by: datetime | None = None) -> int:
    """Put jobs that ended, however, back into the queue, with all their tries. Gives how many.

    Which report they announced stays: where that is in its place, it is not made again. ``by``: those alone that had
    ended by then, as who asks has seen it; another program may have done them since.
    """
    over = table.c.state.in_(("done", "failed", "canceled"))
    seen = () if by is None else (table.c.ended <= by,)
    reset = {"state": "todo", "tries": 0, "error": "", "started": None, "ended": None}
    return connection.execute(update(table).where(_of(ids), over, *seen).values(reset)).rowcount


def cancel(connection: Connection, ids: Iterable[int]) -> int:
    """Cancel jobs that wait or are under way; their workers stop them at the next heartbeat. Gives how many."""
    open_ = table.c.state.in_(("todo", "doing"))
    now = clock(connection)
    over = {"state": "canceled", "owner": "", "until": None, "error": "canceled"}
    return connection.execute(update(table).where(_of(ids), open_).values(ended=now, **over)).rowcount


# --------------------------------------------------------------------------------------------------------- of a worker


def claim(
    connection: Connection,
    owner: str,
    *,
    among: Iterable[int] | None = None,
    without: Iterable[int] = (),
    lease_s: float = LEASE_S,
) -> Work | None:
    """Take the next job: one that waits, or, where none does, one whose lease has ended. None: there is none.

    Parameters
    ----------
    owner : str
        Who takes it; no two workers have the same name.
    among : iterable of int, optional
        Ids of the jobs that are looked at; None: all.
    without : iterable of int
        Ids of jobs that the owner is at work on: where their lease has ended, it must not take them a second time.
    lease_s : float
        How long it belongs to the owner without a heartbeat [s].
    """
    now = clock(connection)
    asked = [] if among is None else [_of(among)]
    if at_work := list(without):
        asked.append(table.c.id.not_in(at_work))
    for free in (table.c.state == "todo", and_(table.c.state == "doing", table.c.until < now)):
        # jobs that failed once come after the others: what was wrong may pass
        best = (table.c.priority.desc(), table.c.tries, table.c.id)
        # SQLite, which knows no locks of rows, is held alone by the transaction
        found = connection.execute(
            select(table).where(free, *asked).order_by(*best).limit(1).with_for_update(skip_locked=True)
        ).one_or_none()
        if found is not None:
            lease = {"owner": owner, "until": now + timedelta(seconds=lease_s), "heartbeat": now, "started": now}
            connection.execute(update(table).where(table.c.id == found.id).values(state="doing", **lease))
            return _work(connection.execute(select(table).where(table.c.id == found.id)).one())
    return None


def beat(connection: Connection, owner: str, ids: Iterable[int], lease_s: float = LEASE_S) -> set[int]:
    """Renew leases. Gives the ids of those that are still the owner's; until the transaction ends nobody takes them."""
    now = clock(connection)
    renewed = {"until": now + timedelta(seconds=lease_s), "heartbeat": now}
    mine = _mine(owner, ids)
    connection.execute(update(table).where(mine).values(renewed))
    return set(connection.execute(select(table.c.id).where(mine)).scalars())


def announce(connection: Connection, owner: str, id_: int, report_uid: str) -> bool:
    """Note which report is about to take its place; False where the job is not the owner's any more."""
    return connection.execute(update(table).where(_mine(owner, [id_])).values(report_uid=report_uid)).rowcount == 1


def done(connection: Connection, owner: str, id_: int, report_uid: str) -> bool:
    """Mark a job done; False where it was not the owner's any more."""
    return _end(connection, owner, id_, state="done", report_uid=report_uid, error="")


def failed(connection: Connection, owner: str, id_: int, error: str) -> State | None:
    """Count a try that failed: the job waits for its next one, or has failed. None: it was not the owner's any more."""
    tries = connection.execute(select(table.c.tries).where(_mine(owner, [id_]))).scalar_one_or_none()
    if tries is None:
        return None
    state: State = "failed" if tries + 1 >= TRIES else "todo"
    return state if _end(connection, owner, id_, state=state, tries=tries + 1, error=error[:_LONGEST]) else None


def release(connection: Connection, owner: str, ids: Iterable[int] | None = None) -> int:
    """Give jobs back that nobody works on any more, as they were; None: all of the owner. Gives how many."""
    mine = _mine(owner, ids)
    free = {"state": "todo", "owner": "", "until": None}
    return connection.execute(update(table).where(mine).values(free)).rowcount


def owners(connection: Connection) -> set[str]:
    """Who owns jobs."""
    return set(connection.execute(select(table.c.owner).where(table.c.state == "doing").distinct()).scalars())


# ------------------------------------------------------------------------------------------------------------ a look


def listed(
    connection: Connection, ids: Iterable[int] | None = None, *, names: Iterable[str] = (), states: Iterable[State] = ()
) -> tuple[Work, ...]:
    """Give jobs of the queue, in the order in which they came: all, or those of some ids, names or states."""
    query = select(table).order_by(table.c.id)
    if ids is not None:
        query = query.where(_of(ids))
    if names := tuple(names):
        query = query.where(table.c.name.in_(names))
    if states := tuple(states):
        query = query.where(table.c.state.in_(states))
    return tuple(_work(row) for row in connection.execute(query))


def counts(connection: Connection, ids: Iterable[int] | None = None) -> dict[State, int]:
    """Tell how many jobs there are of each state: of all, or of some."""
    query = select(table.c.state, func.count()).group_by(table.c.state)
    if ids is not None:
        query = query.where(_of(ids))
    found = {row[0]: row[1] for row in connection.execute(query)}
    return {state: found.get(state, 0) for state in STATES}


def _of(ids: Iterable[int]) -> ColumnElement[bool]:
    # written out in the statement: databases limit how many values are bound to it
    return table.c.id.in_(bindparam("ids", list(ids), expanding=True, literal_execute=True))


def _mine(owner: str, ids: Iterable[int] | None) -> ColumnElement[bool]:
    mine = and_(table.c.owner == owner, table.c.state == "doing")
    return mine if ids is None else and_(mine, _of(ids))


def _end(connection: Connection, owner: str, id_: int, **values: object) -> bool:
    over = {"owner": "", "until": None, "ended": clock(connection), **values}
    return connection.execute(update(table).where(_mine(owner, [id_])).values(over)).rowcount == 1


def _work(row: Row[tuple[object, ...]]) -> Work:
    return Work(
        id=row.id,
        key=row.key,
        order=Order(job=Path(row.job), out=Path(row.out), name=row.name),
        state=row.state,
        tries=row.tries,
        owner=row.owner,
        until=row.until,
        error=row.error,
        report_uid=row.report_uid or "",
        added=row.added,
        started=row.started,
        ended=row.ended,
    )
