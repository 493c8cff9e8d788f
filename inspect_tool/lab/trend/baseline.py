"""Frozen limits: kept in the database under a quantity and a filter, in versions; none is ever changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, select

from inspect_tool.errors import SettingsError
from inspect_tool.evidence.provenance import now
from inspect_tool.lab import tables
from inspect_tool.lab.trend.charts import Level, level
from inspect_tool.lab.trend.constants import constants
from inspect_tool.lab.trend.series import Value

LEAST = 10
"""Values that limits are frozen from: of fewer, those of a single value are four standard deviations wide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """One version of frozen limits, in the unit of the quantity."""

    version: int
    first: date  # days of the work of the values that it is made of
    last: date
    n: int
    center: float
    sigma: float
    made: datetime
    by: str
    reason: str

    @property
    def level(self) -> Level:
        """Its center and its scatter."""
        mean_range = self.sigma * constants(2).d2
        return Level(n=self.n, center=self.center, sigma=self.sigma, mean_range=mean_range)


def newest(connection: Connection, quantity: str, filter_: str) -> Baseline | None:
    """Read the newest frozen limits of a quantity under a filter; None: there are none."""
    kept = tables.baseline.c
    row = connection.execute(
        select(tables.baseline)
        .where(kept.quantity == quantity, kept.filter == filter_)
        .order_by(kept.version.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    return Baseline(
        version=row.version,
        first=row.from_,
        last=row.to,
        n=row.n,
        center=row.center,
        sigma=row.sigma,
        made=row.made,
        by=row.by,
        reason=row.reason,
    )


def next_version(values: Sequence[Value], before: Baseline | None, *, by: str = "", reason: str = "") -> Baseline:
    """Make limits of values, to be frozen after those that were so far.

    Raises
    ------
    SettingsError
        Fewer than ten values.
    MeasurementError
        They have no scatter.
    """
    if len(values) < LEAST:
        msg = f"--freeze: {len(values)} values, at least {LEAST} are needed; 25 or more are better"
        raise SettingsError(msg)
    found = level([one.value for one in values])
    return Baseline(
        version=before.version + 1 if before else 1,
        first=values[0].day,
        last=values[-1].day,
        n=len(values),
        center=found.center,
        sigma=found.sigma,
        made=now(),
        by=by,
        reason=reason,
    )


def freeze(connection: Connection, quantity: str, filter_: str, made: Baseline) -> None:
    """Keep limits of a quantity.

    Raises
    ------
    SettingsError
        Somebody else froze this version in the meantime.
    """
    before = newest(connection, quantity, filter_)
    if before is not None and before.version >= made.version:
        msg = f"--freeze: version {before.version} of these limits was frozen in the meantime; look at it first"
        raise SettingsError(msg)
    connection.execute(
        tables.baseline.insert().values(
            quantity=quantity,
            filter=filter_,
            version=made.version,
            from_=made.first,
            to=made.last,
            n=made.n,
            center=made.center,
            sigma=made.sigma,
            made=made.made,
            by=made.by,
            reason=made.reason,
        )
    )
