"""Rows of a lab written and removed: what a report says goes in as a whole, in one transaction."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, exists, insert, select, update

from inspect_tool.lab import tables
from inspect_tool.lab.database import Lab, connected
from inspect_tool.lab.objects import Object
from inspect_tool.lab.record import Record

_ADDING_LOCK = 0x1A5C  # of PostgreSQL: one report is written at a time


@contextmanager
def adding(lab: Lab) -> Iterator[Connection]:
    """A transaction in which no other report is written."""
    with connected(lab) as connection:
        if lab.url:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADDING_LOCK})")
        yield connection


def row(connection: Connection, uid: str) -> Any:
    """Give what is known of a report; None: nothing."""
    return connection.execute(select(tables.report).where(tables.report.c.uid == uid)).first()


def forget(connection: Connection, row: Any) -> None:
    """Remove a report and all that belongs to it."""
    connection.execute(delete(tables.report).where(tables.report.c.id == row.id))
    if row.supersedes:
        _link(connection, row.supersedes)


def put(connection: Connection, row: Record, added: datetime) -> None:
    """Write a report in the place of what was known of it."""
    report = tables.report
    before = connection.scalar(select(report.c.id).where(report.c.uid == row.uid))
    connection.execute(delete(report).where(report.c.uid == row.uid))
    values = {
        **row.report,
        **({} if before is None else {"id": before}),
        "added": added,
        "fingerprint": _id(connection, tables.fingerprint, row.fingerprint),
        "spec": None if row.spec is None else _spec(connection, row.spec),
    }
    key = connection.scalar(insert(report).values(**values).returning(report.c.id))
    for table, rows in (
        (tables.specimen, [{"specimen": name} for name in row.specimens]),
        (tables.result, row.results),
        (tables.micrograph, row.micrographs),
    ):
        if rows:
            connection.execute(insert(table), [{"report": key, **one} for one in rows])
    if row.report["part"]:
        _id(connection, tables.part, {"name": row.report["part"]})
    instrument = row.report["instrument"]
    by = _id(connection, tables.instrument, {"name": instrument}) if instrument else None
    for one in row.calibrations:
        _id(connection, tables.calibration, {"instrument": by, **one})
    if row.lot is not None:
        lot = _id(connection, tables.lot, row.lot)
        connection.execute(insert(tables.lot_report).values(lot=lot, report=key))
    for uid in filter(None, (row.uid, row.report["supersedes"])):
        _link(connection, uid)


def _id(connection: Connection, table: Table, values: Any) -> int:
    """Number of the row of these values, which is made where it is missing."""
    same = [table.c[key].is_not_distinct_from(value) for key, value in values.items()]
    found = connection.scalar(select(table.c.id).where(*same))
    if found is None:
        found = connection.scalar(insert(table).values(**values).returning(table.c.id))
    return int(found)


def _spec(connection: Connection, row: Any) -> int:
    part = _id(connection, tables.part, {"name": row["part"]})
    return _id(connection, tables.spec, {**row, "part": part})


def _link(connection: Connection, uid: str) -> None:
    """Name at a report the newest one that replaces it."""
    report = tables.report
    newest = select(report.c.uid).where(report.c.supersedes == uid).order_by(report.c.started.desc(), report.c.uid)
    values = {"superseded_by": connection.scalar(newest.limit(1))}
    connection.execute(update(report).where(report.c.uid == uid).values(**values))


def put_objects(connection: Connection, found: Iterable[tuple[Object, str]]) -> None:
    """Write objects and what they are; one that is known stays as it is."""
    for one, kind in found:
        known = select(tables.object_.c.sha256).where(tables.object_.c.sha256 == one.sha256)
        if connection.scalar(known) is None:
            values = {"sha256": one.sha256, "size": one.size, "kind": kind, "added": one.added}
            connection.execute(insert(tables.object_).values(**values))


def tidy(connection: Connection) -> None:
    """Remove what no report names any more."""
    report = tables.report
    for table, used in (
        (tables.fingerprint, (report.c.fingerprint == tables.fingerprint.c.id,)),
        (tables.spec, (report.c.spec == tables.spec.c.id,)),
        (tables.lot, (tables.lot_report.c.lot == tables.lot.c.id,)),
        (tables.part, (report.c.part == tables.part.c.name, tables.spec.c.part == tables.part.c.id)),
        (
            tables.instrument,
            (
                report.c.instrument == tables.instrument.c.name,
                tables.calibration.c.instrument == tables.instrument.c.id,
            ),
        ),
    ):
        connection.execute(delete(table).where(*(~exists().where(one) for one in used)))
