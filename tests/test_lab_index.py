"""Reports that a lab is given, and its index made again from them."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from lab_files import a_lab, a_report, written
from pypdf import PdfWriter
from sqlalchemy import func, select

from inspect_tool.acceptance.conformity import decide
from inspect_tool.acceptance.lots import verdict
from inspect_tool.errors import OutputError, ReadError
from inspect_tool.files import dump_report, sha256_bytes, sha256_file
from inspect_tool.lab import index, journal, objects, tables
from inspect_tool.lab.database import connected, init, open_lab
from inspect_tool.lab.rebuild import rebuild
from inspect_tool.lab.record import fingerprint, record
from inspect_tool.model import Attachment, Evidence, Lot, MaskFile, Requirement, SamplingPlan


@pytest.fixture
def lab(tmp_path):
    return a_lab(tmp_path / "lab")


@pytest.fixture
def any_lab(tmp_path, database_url):
    return init(tmp_path / "lab", database_url) if database_url else a_lab(tmp_path / "lab")


def rows(lab, table=tables.report, *columns):
    with connected(lab, read_only=True) as connection:
        return connection.execute(select(*(columns or [table]))).all()


def everything(lab):
    """All that an index says, without the numbers of rows: what they point to stands in their place."""
    found = {}
    with connected(lab, read_only=True) as connection:
        names = {
            "report": dict(connection.execute(select(tables.report.c.id, tables.report.c.uid)).all()),
            "fingerprint": dict(connection.execute(select(tables.fingerprint.c.id, tables.fingerprint.c.sha256)).all()),
            "spec": dict(connection.execute(select(tables.spec.c.id, tables.spec.c.sha256)).all()),
            "lot": dict(connection.execute(select(tables.lot.c.id, tables.lot.c.identifier)).all()),
            "instrument": dict(connection.execute(select(tables.instrument.c.id, tables.instrument.c.name)).all()),
            "part": dict(connection.execute(select(tables.part.c.id, tables.part.c.name)).all()),
        }
        for table in (*tables.INDEX, tables.object_):
            points = {column.name: names[key.column.table.name] for column in table.c for key in column.foreign_keys}
            found[table.name] = sorted(
                (
                    tuple(
                        (name, points.get(name, {}).get(value, value))
                        for name, value in row._mapping.items()
                        if name != "id"
                    )
                    for row in connection.execute(select(table))
                ),
                key=repr,
            )
    return found


def with_masks(folder, report):
    """The first image of a report, with a mask in its folder."""
    (folder / "evidence").mkdir(parents=True)
    (folder / "evidence" / "1.png").write_bytes(b"a mask of " + report.id.encode())
    mask = MaskFile(
        file="evidence/1.png", sha256=sha256_file(folder / "evidence" / "1.png"), size=1, shows="labels"
    )  # fmt: skip
    return replace(report.micrographs[0], image="field.tif", evidence=Evidence(masks=(mask,), read_off={}))


# ------------------------------------------------------------------------------------------------------- what is said


def test_the_rows_of_a_report_say_what_it_says(any_lab, tmp_path):
    report = a_report(1, heat="H 1", item="S-1")
    index.add(any_lab, written(tmp_path / "out" / "shaft", report))
    (row,) = rows(any_lab)
    assert row.uid == sha256_bytes(dump_report(report).encode())
    assert (row.number, row.name, row.place) == (report.id, "shaft", str(tmp_path / "out" / "shaft"))
    assert (row.heat, row.sample_id, row.customer, row.part) == ("H 1", "S-1", "Turbine Works Ltd.", report.header.part)
    assert (row.started, row.day) == (datetime(2026, 3, 2, 10, 12, 13, tzinfo=UTC), date(2026, 3, 2))
    assert (row.verdict, row.standard, row.recipe) == (report.verdict, "ASTM E112-13", "grain_size")
    found = {one.quantity: one for one in rows(any_lab, tables.result)}
    told = {one.quantity: one for one in report.results}
    assert list(found) == list(told)
    for name, one in told.items():
        assert (found[name].value, found[name].unit, found[name].u, found[name].n) == (
            one.value,
            one.unit,
            one.u,
            one.n,
        )
        assert (found[name].low, found[name].high) == (one.interval or (None, None))
    assert (found["grain_size_number"].lower, found["grain_size_number"].verdict) == (7.0, report.verdict)
    assert (found["mean_intercept_um"].lower, found["mean_intercept_um"].verdict) == (None, "")
    assert [(one.field, one.sha256) for one in rows(any_lab, tables.micrograph)] == [
        (i, one.sha256) for i, one in enumerate(report.micrographs)
    ]
    (scale,) = rows(any_lab, tables.calibration)
    assert (scale.certificate, scale.valid_until, scale.pixel_um) == ("DAkkS 2025-1142", date(2027, 1, 31), 0.5)


def test_the_strictest_limit_counts_in_the_unit_of_the_result_and_the_gravest_verdict():
    report = a_report()
    result = next(one for one in report.results if one.quantity == "mean_intercept_um")  # 20.53 um
    asked = [
        Requirement(quantity="mean_intercept_um", unit="mm", upper=0.030, rule="simple"),
        Requirement(quantity="mean_intercept_um", unit="um", upper=20.0, lower=1.0, rule="simple"),
        Requirement(quantity="mean_intercept_um", unit="um", lower=5.0, rule="simple"),
    ]
    report = replace(report, conformities=tuple(decide(result, one) for one in asked))
    row = next(one for one in record(report, b"", name="", place="").results if one["quantity"] == result.quantity)
    assert (row["lower"], row["upper"], row["verdict"]) == (5.0, 20.0, "fail")


def test_what_was_asked_for_and_not_found_is_a_row_without_a_value():
    asked = Requirement(quantity="porosity_percent", unit="%", upper=1.0)
    missing = replace(
        a_report().conformities[0],
        requirement=asked,
        quantity="porosity_percent",
        unit="%",
        value=None,
        decision="not stated",
    )
    row = record(replace(a_report(), conformities=(missing,)), b"", name="", place="").results[-1]
    assert (row["quantity"], row["value"], row["upper"], row["verdict"]) == ("porosity_percent", None, 1.0, "undecided")


# -------------------------------------------------------------------------------------------------------- fingerprint


def test_one_method_has_one_fingerprint(lab, tmp_path):
    for i in range(3):
        index.add(lab, written(tmp_path / f"r{i}", a_report(i, heat=f"H {i}")))
    index.add(lab, written(tmp_path / "later", a_report(3, version="0.2.0")))
    marks = rows(lab, tables.fingerprint)
    assert sorted(one.software.split(";")[0] for one in marks) == ["inspect_tool 0.1.0", "inspect_tool 0.2.0"]
    assert len({row.fingerprint for row in rows(lab)}) == 2


def changed(report, **provenance):
    return replace(report, provenance=replace(report.provenance, **provenance))


def of_images(report, **values):
    return replace(report, micrographs=tuple(replace(one, **values) for one in report.micrographs))


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("recipe_settings", lambda one: changed(one, settings={**one.provenance.settings, "circles": 5})),
        ("recipe_settings", lambda one: replace(one, standard=replace(one.standard, sha256="0" * 64))),
        ("backend", lambda one: changed(one, backend={**one.provenance.backend, "sigma_px": 2.0})),
        ("weights", lambda one: of_images(one, segmentation={"weights_sha256": "ab12"})),
        ("software", lambda one: changed(one, version="9")),
        ("software", lambda one: changed(one, packages={**one.provenance.packages, "numpy": "9"})),
        ("scale", lambda one: of_images(one, calibration=replace(one.micrographs[0].calibration, certificate="new"))),
        ("scale", lambda one: of_images(one, calibration=replace(one.micrographs[0].calibration, pixel_um=0.51))),
        ("instrument", lambda one: replace(one, header=replace(one.header, instrument="another"))),
        ("operator", lambda one: replace(one, header=replace(one.header, operator="another"))),
    ],
)
def test_a_change_of_method_changes_its_column_and_no_other(column, change):
    before, after = fingerprint(a_report()), fingerprint(change(a_report()))
    assert [key for key in before if before[key] != after[key]] == [column, "sha256"]


@pytest.mark.parametrize(
    "change",
    [
        lambda one: replace(one, header=replace(one.header, heat="another", customer="another")),
        lambda one: changed(one, packages={**one.provenance.packages, "weasyprint": "99", "torch": "99"}),
        lambda one: changed(one, backend={**one.provenance.backend, "masks": ["a.png"]}),
        lambda one: changed(one, backend={**one.provenance.backend, "model": "/elsewhere/model"}),
        lambda one: of_images(one, sha256="0" * 64),
    ],
)
def test_another_specimen_or_place_of_files_is_the_same_method(change):
    base = changed(a_report(), backend={**a_report().provenance.backend, "masks": [], "model": "/here/model"})
    after = change(base)
    if "model" not in after.provenance.backend:
        base = a_report()
    assert fingerprint(base) == fingerprint(after)


def test_a_table_of_the_job_counts_by_its_content_and_not_by_its_place():
    def report(place, sha256):
        table = Attachment(file="evidence/input-t.csv", sha256=sha256, role="input", key="table")
        made = changed(a_report(), settings={"table": place})
        return replace(made, attachments=(table,))

    assert fingerprint(report("/a/t.csv", "1" * 64)) == fingerprint(report("/b/t.csv", "1" * 64))
    assert fingerprint(report("/a/t.csv", "1" * 64)) != fingerprint(report("/a/t.csv", "2" * 64))


# ------------------------------------------------------------------------------------------------------------- adding


def test_adding_twice_is_adding_once(any_lab, tmp_path):
    folder = written(any_lab.reports / "one", a_report())
    first = index.add(any_lab, folder)
    before = everything(any_lab)
    again = index.add(any_lab, folder / "report.json")
    assert (first.is_new, again.is_new, again.place) == (True, False, "reports/one")
    assert everything(any_lab) == before
    assert len(journal.read(any_lab.folder)[0]) == 1


def test_a_folder_of_reports_means_those_in_it_and_an_audit_trail_is_no_report(tmp_path):
    one, two = (written(tmp_path / "out" / name, a_report()) for name in ("one", "two"))
    (tmp_path / "out" / "audit.jsonl").write_text("{}\n", encoding="utf-8")
    assert index.reports_of(tmp_path / "out") == (one, two)
    assert index.reports_of(one) == (one,)
    assert index.reports_of(tmp_path / "out" / "audit.jsonl") == ()
    assert index.reports_of(tmp_path / "none") == (tmp_path / "none",)  # named, and found to be missing


def test_a_report_is_found_in_the_lab_before_elsewhere(lab, tmp_path):
    index.add(lab, written(tmp_path / "elsewhere", a_report()))
    assert rows(lab)[0].place == str(tmp_path / "elsewhere")
    index.add(lab, written(lab.reports / "one", a_report()))
    index.add(lab, tmp_path / "elsewhere")
    assert [row.place for row in rows(lab)] == ["reports/one"]


def test_a_pdf_that_carries_a_report_is_that_report(lab, tmp_path):
    folder = written(tmp_path / "job", a_report())
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    writer.add_attachment("report.json", (folder / "report.json").read_bytes())
    writer.write(tmp_path / "sent.pdf")
    first = index.add(lab, tmp_path / "sent.pdf")
    assert (first.uid, rows(lab)[0].name) == (sha256_file(folder / "report.json"), "sent")
    assert not index.add(lab, folder).is_new  # there is more in a folder: it is named from now on
    assert [(row.place, row.name) for row in rows(lab)] == [(str(folder), "job")]
    (folder / "report.json").unlink()
    folder.rmdir()
    assert rebuild(lab.folder).missing == ()
    assert [row.place for row in rows(lab)] == [str(tmp_path / "sent.pdf")]


def test_a_replaced_report_names_the_newest_that_replaces_it_in_whatever_order_they_come(any_lab, tmp_path):
    old = a_report(1)
    uid = sha256_bytes(dump_report(old).encode())
    link = Attachment(file="evidence/replaced-report.json", sha256=uid, role="replaced")
    new = replace(a_report(2), attachments=(link,))
    index.add(any_lab, written(tmp_path / "new", new))
    index.add(any_lab, written(tmp_path / "old", old))
    by = {row.uid: row.superseded_by for row in rows(any_lab)}
    assert by == {uid: sha256_bytes(dump_report(new).encode()), sha256_bytes(dump_report(new).encode()): None}


def test_a_report_that_was_written_over_is_forgotten_and_named_unless_it_lies_elsewhere(lab, tmp_path):
    place, copy = lab.reports / "job", tmp_path / "copy"
    for number in (1, 2, 3):
        added = index.add(lab, written(place, a_report(number)))
        if number == 1:
            index.add(lab, written(copy, a_report(1)))
        assert added.gone == {1: (), 2: (), 3: ("IT-0002",)}[number]
    assert {row.number: row.place for row in rows(lab)} == {"IT-0001": str(copy), "IT-0003": "reports/job"}
    assert rebuild(lab.folder).missing == ()  # it was told when it happened


def test_a_lot_and_its_sampling_plan_are_remembered(lab, tmp_path):
    plan = SamplingPlan(standard="ISO 2859-1", n=1, ac=0, re=1, source="QA-118")
    lot = verdict(Lot(id="L-7", size=90, plan=plan), ("1",), a_report().conformities)
    index.add(lab, written(tmp_path / "one", replace(a_report(), lot=lot)))
    (row,) = rows(lab, tables.lot)
    assert (row.identifier, row.size, row.n, row.ac, row.re) == ("L-7", 90, 1, 0, 1)
    assert len(rows(lab, tables.lot_report)) == 1


def test_what_is_no_report_is_one_line_and_changes_nothing(lab, tmp_path):
    (tmp_path / "report.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ReadError, match=r"report.json: schema is None"):
        index.add(lab, tmp_path)
    assert rows(lab) == []
    assert not (lab.folder / journal.FILE).exists()


# --------------------------------------------------------------------------------------------------------- made again


def test_a_lost_index_is_made_again_from_the_reports_to_the_last_value(any_lab, tmp_path, request):
    plan = SamplingPlan(standard="ISO 2859-1", n=1, ac=0, re=1)
    lot = verdict(Lot(id="L-7", size=90, plan=plan), ("1",), a_report().conformities)
    old = written(tmp_path / "outside" / "old", a_report(0, heat="H 0"))
    link = Attachment(file="x.json", sha256=sha256_file(old / "report.json"), role="replaced")
    folder = any_lab.reports / "masks"
    masked = replace(a_report(9), micrographs=(with_masks(folder, a_report(9)),))
    index.add(any_lab, old)
    index.add(any_lab, written(any_lab.reports / "new", replace(a_report(1), attachments=(link,))))
    index.add(any_lab, written(any_lab.reports / "deep" / "lot", replace(a_report(2), lot=lot)))
    index.add(any_lab, written(any_lab.reports / "other", a_report(3, version="0.2.0", instrument="SEM 2")))
    index.add(any_lab, written(folder, masked), index.Keep())
    before = everything(any_lab)
    assert len(before["report"]) == 5
    assert len(before["object"]) == 1
    if any_lab.url:
        with connected(any_lab) as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
    else:
        (any_lab.folder / "lab.db").unlink()
    found = rebuild(any_lab.folder)
    assert (found.reports, found.missing, found.unreadable, found.kept_aside) == (5, (), (), None)
    assert everything(any_lab) == before
    rebuild(any_lab.folder)  # and again on one that is there
    assert everything(any_lab) == before


def test_reports_that_are_missing_changed_or_unreadable_are_listed_and_stay_known(lab, tmp_path):
    for number, name in enumerate(("gone", "damaged", "whole", "replaced")):
        index.add(lab, written(tmp_path / name, a_report(number)))
    (tmp_path / "gone" / "report.json").unlink()
    (tmp_path / "gone").rmdir()
    (tmp_path / "damaged" / "report.json").write_bytes(b'{"schema": ')
    written(tmp_path / "replaced", a_report(77))  # by somebody who did not tell the lab
    found = rebuild(lab.folder)
    assert [(Path(place).name, text) for place, text in found.missing] == [
        ("gone", "IT-0000 is missing; what was known of it stays"),
        ("replaced", "IT-0003 was written over there: it holds another report"),
    ]
    assert len(found.unreadable) == 1
    assert "damaged" in found.unreadable[0]
    assert {row.number for row in rows(lab)} == {"IT-0000", "IT-0001", "IT-0002", "IT-0077"}
    (lab.folder / "lab.db").unlink()  # the journal knows what there was, though not what it said
    found = rebuild(lab.folder)
    assert [(Path(place).name, text.split(" ")[-2:]) for place, text in found.missing] == [("gone", ["is", "missing"])]
    assert {row.number for row in rows(lab)} == {"IT-0002", "IT-0077"}


def test_a_damaged_database_is_kept_aside_and_made_again(lab):
    index.add(lab, written(lab.reports / "one", a_report()))
    before = everything(lab)
    (lab.folder / "lab.db").write_bytes(b"not a database " * 100)
    found = rebuild(lab.folder)
    assert found.kept_aside.read_bytes() == b"not a database " * 100
    assert everything(lab) == before
    assert open_lab(lab.folder) == lab


def test_a_line_of_the_journal_that_was_cut_off_is_counted_and_the_next_one_is_whole(lab):
    line = journal.Line(uid="a" * 64, place="reports/x", added=datetime(2026, 3, 1, tzinfo=UTC))
    journal.append(lab.folder, line)
    with (lab.folder / journal.FILE).open("ab") as file:
        file.write(b'{"uid": "bb')
    journal.append(lab.folder, line)
    assert journal.read(lab.folder) == ([line, line], 1)
    assert rebuild(lab.folder).lost_lines == 1


def test_pdf_files_that_are_no_reports_are_counted_and_are_no_fault(lab):
    (lab.folder / "certificate.pdf").write_bytes(b"%PDF-1.7 nothing of ours")
    found = rebuild(lab.folder)
    assert (found.other_pdfs, found.unreadable) == (1, ())


# ------------------------------------------------------------------------------------------------------------ objects


def test_images_and_masks_are_kept_by_their_hash_and_read_back(lab, tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    (images / "field.tif").write_bytes(b"an image")
    folder = tmp_path / "one"
    first = replace(with_masks(folder, a_report()), sha256=sha256_bytes(b"an image"))
    written(folder, replace(a_report(), micrographs=(first,)))
    index.add(lab, folder, index.Keep(images=(images,)))
    kinds = {row.sha256: row.kind for row in rows(lab, tables.object_)}
    assert kinds == {first.sha256: "image", first.evidence.masks[0].sha256: "mask"}
    assert objects.read(lab.folder, first.sha256) == b"an image"
    place = objects.place_of(lab.folder, first.sha256)
    assert place.relative_to(lab.folder / "objects").as_posix() == f"{first.sha256[:2]}/{first.sha256[2:]}"
    place.write_bytes(b"an imagE")
    with pytest.raises(ReadError, match=rf"{place.name}: is damaged: its SHA-256 is"):
        objects.read(lab.folder, first.sha256)
    assert rebuild(lab.folder, check_objects=True).damaged == (place,)


def test_an_image_of_the_name_but_not_of_the_hash_is_not_kept(lab, tmp_path):
    (tmp_path / "field_01.tif").write_bytes(b"another picture")
    report = replace(a_report(), micrographs=(replace(a_report().micrographs[0], image="field_01.tif"),))
    with pytest.raises(ReadError, match=r"field_01.tif: its SHA-256 is .* it is another file"):
        index.add(lab, written(tmp_path / "one", report), index.Keep(images=(tmp_path,)))
    assert list((lab.folder / "objects").rglob("*.partial")) == []
    assert rows(lab) == []


# ---------------------------------------------------------------------------------------------- what may go wrong here


def test_reports_that_come_at_once_are_all_remembered_and_one_method_is_one_row(any_lab, tmp_path):
    places = [written(tmp_path / f"r{i}", a_report(i)) for i in range(8)]
    with ThreadPoolExecutor(4) as threads:
        added = list(threads.map(lambda path: index.add(any_lab, path), [*places, *places]))
    assert len(added) == 16
    assert {row.number for row in rows(any_lab)} == {f"IT-{i:04d}" for i in range(8)}
    assert len(rows(any_lab, tables.fingerprint)) == len(rows(any_lab, tables.calibration)) == 1
    assert {line.uid for line in journal.read(any_lab.folder)[0]} == {row.uid for row in rows(any_lab)}


@pytest.mark.needs("another user")
def test_a_lab_that_cannot_be_written_is_one_line_and_is_not_changed(lab, tmp_path):
    index.add(lab, written(tmp_path / "one", a_report(1)))
    before = everything(lab)
    lab.folder.chmod(0o555)
    try:
        with pytest.raises(OutputError, match=r"lab.db: cannot be written \(.*\); get write access"):
            index.add(lab, written(tmp_path / "two", a_report(2)))
    finally:
        lab.folder.chmod(0o755)
    assert everything(lab) == before


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_a_kill_while_reports_are_added_leaves_whole_ones_only(lab, tmp_path):
    places = [written(tmp_path / f"r{i}", a_report(i)) for i in range(12)]
    script = (
        "import sys, pathlib\n"
        "from inspect_tool.lab import index\n"
        "from inspect_tool.lab.database import open_lab\n"
        "lab = open_lab(pathlib.Path(sys.argv[1]))\n"
        "for path in sys.argv[2:]:\n"
        "    index.add(lab, pathlib.Path(path))\n"
        "    print(path, flush=True)\n"
    )
    running = subprocess.Popen([sys.executable, "-c", script, lab.folder, *places], stdout=subprocess.PIPE, text=True)
    for _ in range(4):
        running.stdout.readline()
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    with connected(lab, read_only=True) as connection:
        done = connection.scalar(select(func.count()).select_from(tables.report))
        results = select(tables.result.c.report, func.count()).group_by(tables.result.c.report)
        counts = {number for _, number in connection.execute(results)}
    assert 4 <= done < 12
    assert counts == {len(a_report().results)}
    for path in places:
        index.add(lab, path)
    before = everything(lab)
    assert len(before["report"]) == 12
    rebuild(lab.folder)
    assert everything(lab) == before


def test_a_disk_that_fills_up_leaves_no_half_line_in_the_journal(lab, monkeypatch):
    line = journal.Line(uid="a" * 64, place="reports/x", added=datetime(2026, 3, 1, tzinfo=UTC))
    journal.append(lab.folder, line)
    whole = (lab.folder / journal.FILE).read_bytes()
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 10, before[1]))  # no file grows further: a short write
    try:
        with pytest.raises(OutputError, match=r"reports.jsonl: cannot be written"):
            journal.append(lab.folder, line)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert (lab.folder / journal.FILE).read_bytes() == whole
    assert json.loads(whole)["uid"] == "a" * 64
