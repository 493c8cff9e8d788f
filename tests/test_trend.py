"""The trend of a lab: what it says of a hidden change of the method, of the process, and of neither."""

from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

import numpy as np
import pytest

from inspect_tool.errors import MeasurementError, SettingsError
from inspect_tool.lab import tables
from inspect_tool.lab.database import connected, init
from inspect_tool.lab.trend import proof
from inspect_tool.lab.trend.found import Pair
from inspect_tool.lab.trend.series import COLUMNS, series
from inspect_tool.lab.trend.steps import Step
from inspect_tool.lab.trend.trend import Request, load_trend, trend

DAY = date(2026, 10, 1)
PRINT = dict.fromkeys(COLUMNS, "") | {"backend": "unet 12ab", "weights": "a" * 64, "software": "inspect_tool 1.0"}
QUANTITY = "grain_size_number"


def drawn(n=40, step=0.0, at=20, seed=7):
    values = 8.0 + 0.1 * np.random.default_rng(seed).standard_normal(n)
    values[at:] += 0.1 * step
    return values.tolist()


def filled(lab, values, prints=None, *, quantity=QUANTITY, unit="G", first=DAY, specimens=("1",), **columns):
    """Put one report a day into the database, each with one result for each specimen."""
    prints = prints or [PRINT] * len(values)
    with connected(lab) as connection:
        for i, (value, own) in enumerate(zip(values, prints, strict=True)):
            day = first + timedelta(days=i)
            digest = sha256(repr(sorted(own.items())).encode()).hexdigest()
            known = tables.fingerprint.c
            found = connection.scalar(
                tables.fingerprint.select().with_only_columns(known.id).where(known.sha256 == digest)
            )
            if found is None:
                found = connection.execute(
                    tables.fingerprint.insert().values(sha256=digest, **own)
                ).inserted_primary_key[0]
            started = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
            report = connection.execute(
                tables.report.insert().values(
                    uid=sha256(f"{quantity}{day}{columns}".encode()).hexdigest(),
                    **{"recipe": "grain_size", "number": f"GS-{i}", "place": f"gone/{i}", **columns},
                    started=started,
                    day=day,
                    added=started,
                    fingerprint=found,
                )
            ).inserted_primary_key[0]
            for position, specimen in enumerate(specimens):
                connection.execute(
                    tables.result.insert().values(
                        report=report,
                        position=position,
                        specimen=specimen,
                        quantity=quantity,
                        value=value,
                        unit=unit,
                        u=0.04,
                        expanded_u=0.08,
                        main=True,
                        lower=7.0,
                    )
                )
    return lab


@pytest.fixture
def lab(tmp_path):
    return init(tmp_path / "lab", name="Lab North")


def new_weights(at, n=40):
    return [PRINT] * at + [{**PRINT, "weights": "b" * 64}] * (n - at)


def test_a_hidden_change_of_weights_is_found_as_method(lab, tmp_path):
    filled(lab, drawn(step=3), new_weights(20))
    found, folder = trend(lab, Request(quantity=QUANTITY), tmp_path)
    assert [one.cause.kind for one in found.steps] == ["method"]
    (change,) = found.steps[0].cause.changes
    assert (change.column, change.before, change.after, change.at) == ("weights", "a" * 64, "b" * 64, 20)
    assert found.steps[0].day == "2026-10-21"
    assert found.steps[0].proof.state == "no kept images"
    assert found.state == "step"
    assert load_trend(folder / "trend.json") == load_trend(folder / "trend.json")
    page = (folder / "trend.html").read_text(encoding="utf-8")
    assert "method: weights aaaaaaaaaa… → bbbbbbbbbb…" in page
    assert (folder / "trend.pdf").stat().st_size > 10_000


def test_a_step_without_a_change_of_the_method_is_the_process(lab, tmp_path):
    filled(lab, drawn(step=3), new_weights(34))
    found, folder = trend(lab, Request(quantity=QUANTITY), tmp_path, language="de")
    assert [one.cause.kind for one in found.steps] == ["process"]
    assert found.steps[0].proof is None
    assert "Sprung am 2026-10-21" in (folder / "trend.html").read_text(encoding="utf-8")


def test_a_change_of_weights_that_moves_nothing_is_no_step(lab, tmp_path):
    filled(lab, drawn(), new_weights(20))
    found, _ = trend(lab, Request(quantity=QUANTITY, prove=False), tmp_path)
    assert (found.steps, found.state) == ((), "steady")
    assert len(found.fingerprints) == 2
