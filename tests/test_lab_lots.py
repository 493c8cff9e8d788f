"""Lots over several reports: the verdict of their sample is that of one report with all specimens."""

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lab_example import put, result
from sqlalchemy import delete, insert, select

from inspect_tool.acceptance import lots as acceptance
from inspect_tool.errors import OutputError, SettingsError
from inspect_tool.files import load_job
from inspect_tool.lab import lots, tables
from inspect_tool.lab.database import connected, init
from inspect_tool.model import Conformity, Lot, Requirement, SamplingPlan

DAY = date(2026, 11, 2)


def a_lot(n=3, ac=0, name="L1", size=280):
    return Lot(id=name, size=size, plan=SamplingPlan(standard="ISO 2859-1", n=n, ac=ac, re=ac + 1, source="QA-118"))


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    return init(tmp_path_factory.mktemp("lab") / "lab")


@pytest.fixture
def connection(lab):
    """A connection whose changes are undone."""
    with connected(lab) as connection:
        yield connection
        connection.rollback()
    for path in (lab.folder / "lots").glob("*"):
        path.unlink()


def in_lot(connection, lot, uid, *rows, **more):
    """A report that states a lot."""
    plan = lot.plan
    row = {"identifier": lot.id, "size": lot.size, "standard": plan.standard, "source": plan.source}
    row |= {"n": plan.n, "ac": plan.ac, "re": plan.re}
    same = [tables.lot.c[key] == value for key, value in row.items()]
    known = connection.scalar(select(tables.lot.c.id).where(*same))
    known = known or connection.scalar(insert(tables.lot).values(**row).returning(tables.lot.c.id))
    made = put(connection, uid, *rows, lot=lot.id, **more)
    connection.execute(insert(tables.lot_report).values(lot=known, report=made))


def report(connection, uid, decisions, lot, *, recipe="porosity", **more):
    """A report on specimens of a lot, with the verdicts on each, as ``{"S1": "pass"}``."""
    rows = [
        result(f"{recipe}_{i}", 1.0, specimen=name, verdict=word)
        for name, words in decisions.items()
        for i, word in enumerate([words] if isinstance(words, str) else words)
    ]
    in_lot(connection, lot, uid, *rows, recipe=recipe, specimens=list(decisions), **more)


def test_a_lot_is_stated_before_anything_is_measured_and_a_job_takes_its_lines(lab, connection, tmp_path):
    path = lots.new(lab, connection, a_lot(), opened=DAY, part="CB-9")
    found = lots.standing(lab, connection, "L1")
    assert (found.lot, found.part, found.decision, found.measured) == (
        a_lot(),
        "CB-9",
        "not decided",
        "0 of 3 specimens measured",
    )
    (tmp_path / "job.toml").write_text(
        'recipe = "porosity"\nimages = ["a.tif"]\n' + lots.of_job(a_lot()), encoding="utf-8"
    )
    assert load_job(tmp_path / "job.toml").lot == a_lot()
    with pytest.raises(OutputError, match="exists already"):
        lots.new(lab, connection, a_lot(n=5), opened=DAY)
    assert path.parent == lab.folder / "lots"


def test_specimens_of_several_days_are_one_sample(lab, connection):
    report(connection, "1", {"S1": "pass"}, a_lot(), day="2026-11-02")
    report(connection, "2", {"S2": ["pass", "pass"]}, a_lot(), day="2026-11-04")
    found = lots.standing(lab, connection, "L1")
    assert (found.decision, found.measured) == ("not decided", "2 of 3 specimens measured")
    report(connection, "3", {"S3": "pass"}, a_lot(), day="2026-11-03")
    found = lots.standing(lab, connection, "L1")
    assert (found.decision, found.measured) == ("accepted", "3 of 3 specimens measured")
    assert [one.uid[0] for one in found.reports] == ["1", "3", "2"]  # the oldest first


WORDS = st.lists(
    st.sampled_from(["pass", "fail", "undecided", "conditional pass", "not stated"]), min_size=1, max_size=3
)


@given(st.lists(st.tuples(WORDS, st.integers(0, 2)), min_size=1, max_size=6), st.integers(0, 2), st.integers(0, 2))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_verdict_is_that_of_one_report_with_all_specimens(lab, specimens, ac, missing):
    lot = a_lot(n=max(len(specimens) + missing, ac + 1), ac=ac)
    with connected(lab) as connection:
        for i in range(3):
            report(
                connection, str(i), {f"S{k}": words for k, (words, where) in enumerate(specimens) if where == i}, lot
            )
        found = lots.standing(lab, connection, "L1")
        connection.rollback()
    as_one = acceptance.verdict(
        lot,
        [f"S{k}" for k in range(len(specimens))],
        [
            Conformity(
                requirement=Requirement(quantity="q"),
                specimen=f"S{k}",
                quantity="q",
                value=1.0,
                unit="1",
                expanded_u=None,
                decision=word,
                probability=None,
                reason="",
            )
            for k, (words, _) in enumerate(specimens)
            for word in words
        ],
    )
    assert found.decision == as_one.verdict
    assert sorted(found.sample.nonconforming) == sorted(as_one.nonconforming)
    assert sorted(found.sample.undecided) == sorted(as_one.undecided)


def test_a_specimen_that_one_of_the_recipes_has_not_seen_is_open(lab, connection):
    report(connection, "1", {"S1": "pass", "S2": "pass"}, a_lot(n=2), recipe="porosity")
    assert lots.standing(lab, connection, "L1").decision == "accepted"
    report(connection, "2", {"S1": "pass"}, a_lot(n=2), recipe="grain_size")
    found = lots.standing(lab, connection, "L1")
    assert (found.decision, found.sample.undecided) == ("not decided", ("S2",))
    report(connection, "3", {"S2": "pass"}, a_lot(n=2), recipe="grain_size")
    found = lots.standing(lab, connection, "L1")
    assert (found.decision, found.notes) == ("accepted", ())


def test_what_was_asked_for_and_not_found_leaves_a_specimen_open(lab, connection):
    in_lot(connection, a_lot(n=1), "1", result("porosity_percent", None, specimen="S1", verdict="not stated"))
    assert lots.standing(lab, connection, "L1").sample.undecided == ("S1",)


def test_a_specimen_without_any_requirement_does_not_conform(lab, connection):
    in_lot(connection, a_lot(n=1), "1", result("porosity_percent", 1.0, specimen="S1"))
    assert lots.standing(lab, connection, "L1").decision == "not decided"


def test_a_superseded_report_does_not_count_and_its_successor_does(lab, connection):
    report(connection, "1", {"S1": "fail"}, a_lot(n=1), superseded_by="2".ljust(64, "0"))
    report(connection, "2", {"S1": "pass"}, a_lot(n=1))
    found = lots.standing(lab, connection, "L1")
    assert (found.decision, [one.report for one in found.reports]) == ("accepted", ["IT-2"])


def test_measuring_again_until_it_passes_does_not_pass(lab, connection):
    report(connection, "1", {"S1": "fail"}, a_lot(n=1))
    report(connection, "2", {"S1": "pass"}, a_lot(n=1))
    found = lots.standing(lab, connection, "L1")
    assert found.decision == "rejected"
    assert found.notes[0].startswith("specimen 'S1' is in IT-1, IT-2 (porosity) and counts once, with the gravest")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda c: report(c, "3", {"S4": "pass"}, a_lot()), "4 specimens were measured, the sample of the plan has 3"),
        (lambda c: in_lot(c, a_lot(), "3", part="CB-8"), "name several parts: CB-8, CB-9"),
        (lambda c: in_lot(c, a_lot(ac=1), "3"), "n = 3, Ac = 0, Re = 1 (QA-118); 280 items, ISO 2859-1 n = 3, Ac = 1"),
    ],
)
def test_what_does_not_fit_together_decides_nothing(lab, connection, make, says):
    lots.new(lab, connection, a_lot(), opened=DAY, part="CB-9")
    report(connection, "1", {"S1": "pass", "S2": "pass", "S3": "pass"}, a_lot(), part="CB-9")
    assert lots.standing(lab, connection, "L1").decision == "accepted"
    make(connection)
    found = lots.standing(lab, connection, "L1")
    assert found.decision == "not decided"
    assert says in found.problems[0]


def test_a_plan_in_the_reports_that_is_not_that_of_the_file_decides_nothing(lab, connection):
    lots.new(lab, connection, a_lot(n=1), opened=DAY)
    report(connection, "1", {"S1": "pass"}, a_lot(n=1, ac=0, size=500))
    found = lots.standing(lab, connection, "L1")
    assert found.decision == "not decided"
    file, reports = (f"{size} items, ISO 2859-1 n = 1, Ac = 0, Re = 1 (QA-118)" for size in (280, 500))
    assert found.problems == (f"its file and its reports state different numbers: {file}; {reports}",)


def test_lots_are_listed_with_the_last_heard_of_first(lab, connection):
    lots.new(lab, connection, a_lot(name="26/11 ü"), opened=date(2026, 11, 20))
    lots.new(lab, connection, a_lot(name=".."), opened=date(2026, 11, 1))
    for name, day in (("A", "2026-11-10"), ("..", "2026-11-25")):
        report(connection, name, {"S1": "pass"}, a_lot(name=name), day=day)
    assert [one.lot.id for one in lots.listed(lab, connection)] == ["..", "26/11 ü", "A"]
    assert [one.lot.id for one in lots.listed(lab, connection, 1)] == [".."]
    assert {path.parent for path in lab.folder.rglob("lot *.toml")} == {lab.folder / "lots"}


def test_both_databases_say_the_same_of_a_lot(tmp_path, database_url):
    lab = init(tmp_path / "lab", database_url)
    with connected(lab) as connection:
        lots.new(lab, connection, a_lot(name="L2"), opened=DAY)
        report(connection, "1", {"S1": "pass", "S2": "undecided"}, a_lot(n=2), day="2026-11-03")
    with connected(lab, read_only=True) as connection:
        first, second = lots.listed(lab, connection)
    assert (first.lot, first.decision, first.sample.undecided) == (a_lot(n=2), "not decided", ("S2",))
    assert (second.lot, second.measured) == (a_lot(name="L2"), "0 of 3 specimens measured")


def test_a_lot_that_only_a_file_states_outlives_the_database(lab, connection):
    lots.new(lab, connection, a_lot(name="L2"), opened=DAY)
    for table in tables.INDEX:
        connection.execute(delete(table))
    assert lots.standing(lab, connection, "L2").lot == a_lot(name="L2")


def test_slips_are_one_line(lab, connection):
    report(connection, "1", {"S1": "pass"}, a_lot())
    with pytest.raises(SettingsError, match=r"^lab lot new: lot\.plan\.ac: got 5, must be from 0 to 4$"):
        lots.new(lab, connection, a_lot(n=5, ac=5, name="L2"), opened=DAY)
    with pytest.raises(SettingsError, match=r"^lot L1: reports state it and its sampling plan already"):
        lots.new(lab, connection, a_lot(), opened=DAY)
    with pytest.raises(SettingsError, match=r"^lot L1b: neither a file nor a report .*; did you mean 'L1'\?$"):
        lots.standing(lab, connection, "L1b")
    path = lots.new(lab, connection, a_lot(name="L2"), opened=DAY)
    path.write_text(path.read_text("utf-8").replace("n = 3", 'n = "3"'), encoding="utf-8")
    with pytest.raises(SettingsError, match=r"lot L2\.toml lot\.plan\.n: got '?\"?3"):
        lots.standing(lab, connection, "L2")
    path.write_text(lots.of_job(a_lot(name="L9")), encoding="utf-8")
    with pytest.raises(SettingsError, match=r"lot L2\.toml opened: is missing"):
        lots.listed(lab, connection)
