"""Inspections that the workbench makes: a job that says what was answered, and what the queue makes of it."""

import multiprocessing
import os
import re
import signal
import time

import pytest
from intake_example import SHARE, given
from lab_files import a_lab
from sqlalchemy import select

from inspect_tool.batch import inspections as sent
from inspect_tool.batch import queue, work
from inspect_tool.errors import SettingsError
from inspect_tool.evidence import audit
from inspect_tool.files import dump_calibration, load_job, load_report
from inspect_tool.inspection.job_plan import plan
from inspect_tool.inspection.starter import Answers, Limits
from inspect_tool.lab import inspections, tables
from inspect_tool.lab.database import connected
from inspect_tool.lab.inspections import Group
from inspect_tool.lab.users import Person
from inspect_tool.languages import said
from inspect_tool.model import CalibrationRecord
from inspect_tool.web.bench import Bench
from inspect_tool.web.running import Running

OLGA = Person(id=None, name="olga", full_name="Olga Muster", roles=frozenset(["operator"]))
FIXED = {"name": "threshold", "method": "fixed", "levels": [120.0], "classes": ["pore", "metal"], "phase": "dark"}


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    return a_lab(tmp_path_factory.mktemp("inspections") / "lab")


def made(lab, *names, answers=None, seed=1, **kwargs):
    groups = [Group(images=tuple(given(lab, *names, seed=seed)))]
    answers = answers or Answers(scale="file", backend=FIXED)
    return inspections.make(lab, OLGA, "porosity", groups, answers, **kwargs)


def found(lab, name):
    with connected(lab, read_only=True) as connection:
        return inspections.by_name(lab, connection, name)


def ended(lab, name, running, patience_s=60):
    """Wait until an inspection has ended, while the server does the queue."""
    until = time.monotonic() + patience_s
    steps = []
    while found(lab, name).state in ("waiting", "measuring") and time.monotonic() < until:
        step = running.step(found(lab, name).work)
        if step is not None and step.kind == "step":
            steps.append(step.text)
        time.sleep(0.05)
    return found(lab, name), steps


def test_a_job_says_what_was_answered_and_stays_readable(lab):
    answers = Answers(
        standard="astm_e1245_2016",
        scale="laboratory",
        calibration={"pixel_um": 1.25, "source": "stage micrometer", "u_rel": 0.004},
        header={"part": 'bracket "A"', "heat": "H 7"},
        region={"footer_px": 0, "polygon": [[0, 0], [0, 150], [150.5, 150]]},
        settings={"minimum_px2": 12, "count_rule": "two_edges", "size_classes_um": [1.0, 2.5]},
        backend=FIXED,
        limits=(Limits(quantity="pore_count_per_mm2", upper=1234.5678, rule="simple", source="drawing 7"),),
        language="de",
    )
    numbers = given(lab, "a 1.tif", "a 2.tif")
    groups = [Group(images=(numbers[1],), specimen="B"), Group(images=(numbers[0],), specimen="A", plane="transverse")]
    name = inspections.make(lab, OLGA, "porosity", groups, answers)
    path = found(lab, name).job
    job = load_job(path)
    assert [(one.id, one.plane, one.images) for one in job.specimens] == [
        ("B", "not stated", ("images/a 2.tif",)),
        ("A", "transverse", ("images/a 1.tif",)),
    ]
    assert (job.standard, job.language, job.single_user) == ("astm_e1245_2016", "de", False)
    assert (job.header.part, job.header.heat, job.header.operator) == ('bracket "A"', "H 7", "Olga Muster")
    assert (job.calibration.pixel_um, job.calibration.u_rel) == (1.25, 0.004)
    assert (job.region.footer_px, job.region.polygon[2]) == (0, (150.5, 150.0))
    assert job.settings == answers.settings
    assert job.backend == FIXED
    (limit,) = job.requirements
    assert (limit.quantity, limit.upper, limit.rule, limit.unit) == ("pore_count_per_mm2", 1234.5678, "simple", "1/mm2")
    planned = plan(path)
    assert [source.specimen for source in planned.sources] == ["B", "A"]
    text = path.read_text(encoding="utf-8")
    assert re.search(r"^minimum_px2 = 12 +# smaller dark spots cannot be measured", text, re.MULTILINE)
    assert "# cluster_gap = 1 " in text  # what was not answered stands there as the default


def test_images_leave_the_inbox_once_the_inspection_has_them(lab):
    first, second = given(lab, "x.tif", "X.tif")
    with connected(lab, read_only=True) as connection:
        old = [row.place for row in inspections.images_of(connection, [first, second])]
    name = inspections.make(lab, OLGA, "porosity", [Group(images=(first, second))], Answers(scale="file"))
    assert not any((lab.folder / place).exists() for place in old)
    # names that are one on some disks are two
    assert load_job(found(lab, name).job).images == ("images/x.tif", "images/X_2.tif")
    with connected(lab, read_only=True) as connection:
        rows = inspections.images_of(connection, [first, second], [first, second])
    assert [row.state for row in rows] == ["used", "used"]
    assert all((lab.folder / row.place).is_file() for row in rows)
    groups = [Group(images=(first,))]
    with pytest.raises(SettingsError, match=rf"image {first}: inspection {name} has 'x.tif' meanwhile"):
        inspections.make(lab, OLGA, "grain_size", groups, Answers(scale="file"))  # the second of two people
    again = inspections.make(lab, OLGA, "grain_size", groups, Answers(scale="file"), again=[first])
    assert (lab.folder / rows[0].place).is_file()  # another question to the same image leaves it where it was
    assert load_job(found(lab, again).job).images == ("images/x.tif",)


def calibration(pixel_um):
    record = CalibrationRecord(pixel_um=pixel_um, u_rel=0.01, method="two points on the picture")
    return dump_calibration(record)


def test_a_calibration_that_was_given_in_the_inbox_is_that_of_the_job_and_lies_beside_it(lab):
    first, second, third = given(lab, "p.tif", "q.tif", "r.tif", seed=60)
    folder = lab.folder / "inbox" / "calibrations"
    folder.mkdir(parents=True)
    for number, kind, pixel_um in ((first, "by_hand", 0.51), (first, "instrument", 0.6), (second, "instrument", 0.51)):
        (folder / f"{number}-{kind}.toml").write_text(calibration(pixel_um), encoding="utf-8")
    same = inspections.make(lab, OLGA, "porosity", [Group(images=(first, second))], Answers(scale="file"))
    planned = plan(found(lab, same).job)
    assert planned.job.images == ("images/p.tif", "images/q.tif")
    assert planned.job.calibration.file.startswith("calibrations/")
    assert {source.stated.pixel_um for source in planned.sources} == {0.51}  # who clicked looked at the image
    one = inspections.make(
        lab, OLGA, "porosity", [Group(images=(second, third))], Answers(scale="file"), again=[second]
    )
    planned = plan(found(lab, one).job)
    assert [(source.name, source.specimen, source.field) for source in planned.sources] == [
        ("q.tif", "1", 1),
        ("r.tif", "1", 2),
    ]
    assert [source.stated and source.stated.pixel_um for source in planned.sources] == [0.51, None]


@pytest.mark.parametrize(
    ("chosen", "why"),
    [
        (lambda _: (), "none is chosen"),
        (lambda _: (99999,), "image 99999: there is none"),
        (lambda number: (number, number), "is chosen twice"),
    ],
)
def test_a_wrong_choice_changes_nothing(lab, chosen, why):
    (number,) = given(lab, "once.tif")
    before = sorted((lab.folder / "inspections").glob("*"))
    with pytest.raises(SettingsError, match=why):
        inspections.make(lab, OLGA, "porosity", [Group(images=chosen(number))], Answers())
    assert sorted((lab.folder / "inspections").glob("*")) == before


def test_a_fault_in_the_answers_leaves_the_images_in_the_inbox(lab):
    (number,) = given(lab, "kept.tif")
    hardness = Answers(limits=(Limits(quantity="hardness", upper=1.0, source="x"),))
    with pytest.raises(SettingsError, match="quantity: 'hardness' is none of"):
        inspections.make(lab, OLGA, "porosity", [Group(images=(number,))], hardness)
    with connected(lab, read_only=True) as connection:
        (row,) = inspections.images_of(connection, [number])
    assert row.state == "new"
    assert (lab.folder / row.place).is_file()


@pytest.fixture(scope="module")
def done(lab):
    """A finished inspection of single-user mode, what was said while it ran, and one whose image was damaged."""
    name = made(lab, "d1.tif", "d2.tif", single_user=True, seed=20)
    damaged = made(lab, "broken.tif", seed=40)
    assert found(lab, name).state == "draft"
    sent.send(lab, OLGA, damaged)
    image = found(lab, damaged).job.parent / "images" / "broken.tif"
    image.write_bytes(image.read_bytes()[:200])
    sent.send(lab, OLGA, name)
    assert found(lab, name).state == "waiting"
    running = Running(Bench(lab=lab, origins=(), workers=2))
    running.start()
    finished, steps = ended(lab, name, running)
    failed, _ = ended(lab, damaged, running)
    running.stop()
    return finished, steps, failed


def test_the_server_measures_what_waits_and_says_how_far_it_is(lab, done):
    inspection, steps, _ = done
    assert inspection.state == "done", inspection.error
    assert any("d1.tif" in text or "d2.tif" in text for text in steps)
    report = load_report(lab.reports / inspection.name / "report.json")
    (share,) = [one for one in report.results if one.quantity == "porosity_percent"]
    assert share.value == pytest.approx(SHARE, rel=0.03)
    with connected(lab, read_only=True) as connection:
        assert connection.scalars(select(tables.report.c.uid)).all() == [inspection.report]


def test_who_sent_it_is_the_user_of_its_run_and_single_user_mode_is_stated(lab, done):
    inspection = done[0]
    (run,) = [one for one in audit.read(lab.reports).entries if one.event == "run"]
    assert run.user == "Olga Muster"
    report = load_report(lab.reports / inspection.name / "report.json")
    assert report.header.operator == "Olga Muster"
    (told,) = [one for one in report.statements if one.name.key == "inspection.single_user"]
    assert "without accounts" in said(told.text, "en")
    assert "ohne Konten" in said(told.text, "de")


def test_one_that_is_done_stays_done_and_one_that_waits_is_sent_once(lab, done):
    assert sent.send(lab, OLGA, done[0].name) == done[0].work
    assert found(lab, done[0].name).state == "done"
    name = made(lab, "w1.tif", seed=30)
    sent.send(lab, OLGA, name)
    with pytest.raises(SettingsError, match="is in the queue already, sent by Olga Muster"):
        sent.send(lab, OLGA, name)
    sent.cancel(lab, name)
    assert found(lab, name).state == "canceled"
    with pytest.raises(SettingsError, match="is canceled and cannot be canceled"):
        sent.cancel(lab, name)
    sent.send(lab, OLGA, name)
    assert found(lab, name).state == "waiting"
    sent.cancel(lab, name)


def test_a_failure_is_one_line_and_what_was_mended_is_measured_when_it_is_sent_again(lab, done):
    failed = done[2]
    assert failed.state == "failed"
    assert re.match(r"inspections/\w+/images/broken.tif: the header promises", failed.error)
    assert "\n" not in failed.error
    assert failed.report == ""
    sent.send(lab, OLGA, failed.name)
    waits = found(lab, failed.name)
    assert (waits.state, waits.error) == ("waiting", "")
    sent.cancel(lab, failed.name)


def test_an_unknown_name_is_refused(lab):
    with connected(lab, read_only=True) as connection, pytest.raises(SettingsError, match="there is none"):
        inspections.by_name(lab, connection, "../../etc")


def served_until_killed(lab, told):
    """In a process of its own: serve as the workbench does, and say when a job was begun."""
    running = Running(Bench(lab=lab, origins=()))
    running.start()
    while True:
        with connected(lab, read_only=True) as connection:
            if queue.counts(connection)["doing"]:
                told.send("begun")
                time.sleep(60)
        time.sleep(0.01)


def test_a_server_that_is_killed_loses_nothing(lab):
    name = made(lab, "k1.tif", "k2.tif", seed=50)
    sent.send(lab, OLGA, name)
    context = multiprocessing.get_context("spawn")
    hears, tells = context.Pipe(duplex=False)
    server = context.Process(target=served_until_killed, args=(lab, tells))
    server.start()
    assert hears.poll(60)
    os.kill(server.pid, signal.SIGKILL)
    server.join()
    assert found(lab, name).state == "measuring"  # as the killed one left it
    running = Running(Bench(lab=lab, origins=()))
    running.start()
    after, _ = ended(lab, name, running)
    running.stop()
    assert after.state == "done", after.error
    assert audit.verify(lab.reports).problems == ()
    runs = [one for one in audit.read(lab.reports).entries if one.event == "run" and one.new["job"] == name]
    assert len(runs) == 1


def test_workers_that_cannot_reach_the_lab_say_so_and_go_on(lab, monkeypatch):
    faults = iter([SettingsError("lab.db: cannot be reached")])

    def serve(*args, **kwargs):
        for fault in faults:
            raise fault
        yield work.News(kind="idle")
        time.sleep(0.05)

    monkeypatch.setattr("inspect_tool.web.running.work.serve", serve)
    monkeypatch.setattr("inspect_tool.web.running._PATIENCE_S", 0.2)
    running = Running(Bench(lab=lab, origins=()))
    running.start()
    time.sleep(0.1)
    assert running.fault == "lab.db: cannot be reached"
    time.sleep(0.4)
    assert running.fault == ""
    running.stop()
