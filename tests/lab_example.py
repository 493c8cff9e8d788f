"""A lab with a few made-up reports, written into its tables directly: no file stands behind them."""

from datetime import UTC, date, datetime

from sqlalchemy import insert, select

from inspect_tool.lab import tables
from inspect_tool.lab.database import connected, init

NUMBERS = ("value", "u", "expanded_u", "low", "high", "coverage", "n", "lower", "upper")


def result(quantity, value, *, specimen="A", u=None, unit="1", verdict="", main=True, **more):
    """A row of the table of results; ``u`` its expanded uncertainty."""
    row = dict.fromkeys(NUMBERS) | {"value": value, "expanded_u": u, "u": u and u / 2, "coverage": 0.95, "n": 5}
    if u is not None:
        row |= {"low": value - u, "high": value + u}
    return row | {"specimen": specimen, "quantity": quantity, "unit": unit, "verdict": verdict, "main": main} | more


def put(connection, uid, *results, day="2026-10-05", made=None, specimens=(), images=(), **columns):
    """Put a report into the tables; gives its id there."""
    prints = {"software": "inspect_tool 0.1.0", "backend": "threshold"} | (made or {})
    mark = "".join(f"{key}={prints[key]};" for key in sorted(prints))[:64]
    known = connection.scalar(select(tables.fingerprint.c.id).where(tables.fingerprint.c.sha256 == mark))
    if known is None:
        known = connection.scalar(
            insert(tables.fingerprint).values(sha256=mark, **prints).returning(tables.fingerprint.c.id)
        )
    worked = date.fromisoformat(day)
    moment = datetime(worked.year, worked.month, worked.day, 9, 30, tzinfo=UTC)
    row = {"uid": uid.ljust(64, "0"), "started": moment, "added": moment, "day": worked, "fingerprint": known}
    row |= {"number": f"IT-{uid}", "name": f"job_{uid}", "place": f"reports/job_{uid}", "verdict": "no requirement"}
    report = connection.scalar(insert(tables.report).values(**row | columns).returning(tables.report.c.id))
    for position, each in enumerate(results):
        connection.execute(insert(tables.result).values(report=report, position=position, **each))
    for name in dict.fromkeys([*specimens, *(each["specimen"] for each in results)]):
        connection.execute(insert(tables.specimen).values(report=report, specimen=name))
    for field, (file, sha256) in enumerate(images):
        image = {"report": report, "field": field, "file": file, "sha256": sha256}
        connection.execute(insert(tables.micrograph).values(**image))
    return report


def a_spec(connection, part, revision):
    """A file of acceptance criteria; gives its id."""
    known = connection.scalar(insert(tables.part).values(name=part).returning(tables.part.c.id))
    row = {"part": known, "revision": revision, "sha256": "5" * 64}
    return connection.scalar(insert(tables.spec).values(**row).returning(tables.spec.c.id))


def filled(folder, url=""):
    """A lab with six reports."""
    lab = init(folder, url)
    with connected(lab) as connection:
        grain = {"recipe": "grain_size", "title": "Grain size", "heat": "730218", "part": "Shaft 4711"}
        put(
            connection,
            "aaaa01",
            result("grain_size_number", 7.93, u=0.21, unit="G", verdict="pass", lower=7.0),
            result("mean_intercept_um", 20.5, u=1.5, unit="um", main=False),
            day="2026-09-30",
            verdict="pass",
            customer="Meier, Sohn & Co",
            order_="PO 1",
            images=[("field_1.tif", "1" * 64)],
            made={"weights": "04f2", "operator": "M. Curie"},
            operator="M. Curie",
            **grain,
        )
        put(
            connection,
            "aaaa02",
            result("grain_size_number", 6.2, u=0.2, unit="G", specimen="A", verdict="fail", lower=7.0),
            result("grain_size_number", 9.1, u=0.2, unit="G", specimen="B", verdict="pass", lower=7.0),
            day="2026-10-01",
            verdict="fail",
            customer="MEIER",
            spec=a_spec(connection, "Shaft 4711", "B"),
            **grain,
        )
        put(
            connection,
            "aaaa03",
            result("porosity_percent", 1.5, u=0.3, unit="%"),
            day="2026-10-31",
            recipe="porosity",
            title="100 % plate",
            heat="h_88",
            lot="2611-04",
            made={"software": "inspect_tool 0.2.0"},
        )
        put(
            connection,
            "aaaa04",
            result("porosity_percent", None, unit="%", verdict="not stated", upper=2.0),
            day="2026-11-01",
            recipe="porosity",
            title="weld 3",
            heat="hx88",
            verdict="undecided",
            superseded_by="aaaa05".ljust(64, "0"),
        )
        put(
            connection,
            "aaaa05",
            result("porosity_percent", 0.0, u=0.1, unit="%", specimen="weld 3"),
            day="2026-11-02",
            recipe="porosity",
            name="job_aaaa04",
            heat="H_88",
        )
        put(
            connection, "aaaa06", day="2025-12-31", recipe="solder_voids", specimens=["Board 9"], instrument="X-ray \\1"
        )
    return lab
