"""Instruments of a lab with their calibrations: how long each is valid, and which reports used it.

What the folder ``calibrations`` holds comes first; then what reports state of calibrations that no file there is of.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeAlias

from sqlalchemy import Connection, Row, select

from inspect_tool.errors import InspectError
from inspect_tool.lab import tables
from inspect_tool.lab.database import Lab
from inspect_tool.lab.record import scale
from inspect_tool.model import Calibration, CalibrationRecord
from inspect_tool.scale import laboratory_files

FOLDER = "calibrations"
SOON_DAYS = 30
"""A calibration that ends within so many days is said to."""

State: TypeAlias = Literal["valid", "ends soon", "expired", "not stated"]

_Use: TypeAlias = tuple[str, str, date]  # uid, number and day of a report

_SHOWN = 20  # newest reports of a calibration


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """A report that used a calibration."""

    uid: str
    report: str
    day: date
    late: bool  # the work was done after the last day of the calibration


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    """A calibration of one setting of an instrument."""

    instrument: str
    setting: str  # objective, zoom and binning
    pixel_um: float | None
    u_rel: float | None  # None: reports do not tell it here
    certificate: str
    source: str
    made: date | None
    due: date | None
    state: State
    days: int | None  # until its last day; negative: since
    file: str  # in the folder of the lab; empty: only reports state it
    reports: int
    late: int  # of them, made after its last day
    newest: tuple[Used, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruments:
    """All calibrations, by instrument, and files that cannot be read, with the reason."""

    calibrations: tuple[Calibrated, ...]
    faults: tuple[tuple[str, str], ...]


def every(connection: Connection, lab: Lab, today: date) -> Instruments:
    """Read the calibrations of a lab."""
    folder = lab.folder / FOLDER
    found: list[Calibrated] = []
    faults: list[tuple[str, str]] = []
    uses = _uses(connection)
    stated_in_files: set[str] = set()
    for path in sorted([*folder.glob("*.toml"), *folder.glob(f"*/{laboratory_files.FILE}")]):
        name = path.relative_to(folder).as_posix()
        try:
            record = laboratory_files.read(path)
        except InspectError as error:
            faults.append((name, str(error).replace(f"{path}", name)))
            continue
        text = scale(laboratory_files.resolve(Calibration(file=path.name), path.parent, name))
        stated_in_files.add(text)
        found.append(_of_file(record, name, uses.get(text, ()), today))
    for row in _stated(connection):
        text = scale(Calibration(certificate=row.certificate, source=row.source, pixel_um=row.pixel_um))
        if text not in stated_in_files:
            found.append(_of_reports(row, uses.get(text, ()), today))
    order = sorted(found, key=lambda one: (not one.file, one.instrument.casefold(), one.setting, one.due or date.max))
    return Instruments(calibrations=tuple(order), faults=tuple(faults))


def state(due: date | None, today: date) -> State:
    """Whether a calibration may still be used.

    >>> state(date(2026, 12, 1), date(2026, 11, 29)), state(date(2026, 11, 28), date(2026, 11, 29))
    ('ends soon', 'expired')
    """
    if due is None:
        return "not stated"
    days = (due - today).days
    return "expired" if days < 0 else "ends soon" if days <= SOON_DAYS else "valid"


def _of_file(record: CalibrationRecord, name: str, uses: Sequence[_Use], today: date) -> Calibrated:
    said = (
        record.objective,
        f"zoom {record.zoom:g}" if record.zoom is not None else "",
        f"binning {record.binning}" if record.binning is not None else "",
    )
    return _calibrated(
        uses,
        today,
        instrument=record.instrument or Path(name).stem,
        setting=", ".join(filter(None, said)),
        pixel_um=record.pixel_um,
        u_rel=record.u_rel or None,
        certificate=record.certificate,
        source=record.method,
        made=record.date,
        due=record.due,
        file=name,
    )


def _of_reports(row: Row[Any], uses: Sequence[_Use], today: date) -> Calibrated:
    return _calibrated(
        uses,
        today,
        instrument=row.name or "",
        setting="",
        pixel_um=row.pixel_um,
        u_rel=None,
        certificate=row.certificate,
        source=row.source,
        made=None,
        due=row.valid_until,
        file="",
    )


def _calibrated(uses: Sequence[_Use], today: date, *, due: date | None, **values: Any) -> Calibrated:
    used = [Used(uid=uid, report=number, day=day, late=due is not None and day > due) for uid, number, day in uses]
    return Calibrated(
        **values,
        due=due,
        state=state(due, today),
        days=None if due is None else (due - today).days,
        reports=len(used),
        late=sum(one.late for one in used),
        newest=tuple(used[:_SHOWN]),
    )


def _stated(connection: Connection) -> Sequence[Row[Any]]:
    """Calibrations that reports state."""
    calibration, instrument = tables.calibration, tables.instrument
    return connection.execute(
        select(calibration, instrument.c.name).outerjoin(instrument, instrument.c.id == calibration.c.instrument)
    ).all()


def _uses(connection: Connection) -> dict[str, list[_Use]]:
    """Reports, the newest first, by what their fingerprint says of a calibration."""
    report, fingerprint = tables.report.c, tables.fingerprint.c
    rows = connection.execute(
        select(report.uid, report.number, report.day, fingerprint.scale)
        .join(tables.fingerprint, fingerprint.id == report.fingerprint)
        .order_by(report.day.desc(), report.id.desc())
    )
    found: dict[str, list[_Use]] = {}
    for uid, number, day, text in rows:
        for one in str(text).split("; "):
            found.setdefault(one, []).append((uid, number, day))
    return found
