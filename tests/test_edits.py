"""Corrections by hand are recorded as differences, replayed exactly, told on the report, and never lost unseen."""

import pickle
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from inspect_tool.cli import app
from inspect_tool.errors import InspectError, MeasurementError, ReadError, SettingsError
from inspect_tool.evidence import audit, edits
from inspect_tool.files import dump_report, load_report
from inspect_tool.inspection import correct, job_plan, job_run, one_field
from inspect_tool.model import Calibration, Edit, Findings, Measurements, Micrograph, Result, Segmentation
from inspect_tool.pixels import png
from inspect_tool.report.build import report_digest, report_id
from inspect_tool.verify import verify

JOB = """
recipe = "phase_fraction"
images = ["*.png"]
exports = ["json"]
{more}
[calibration]
pixel_um = 1.0
u_rel = 0.004
source = "stage micrometer"
[backend]
name = "threshold"
method = "fixed"
levels = [128.0]
classes = ["ferrite", "austenite"]
phase = "dark"
"""
SHAPE = (120, 160)
EDIT = Edit(
    **dict.fromkeys(("image", "image_sha256", "specimen", "by", "when", "reason", "software"), "x"),
    **dict.fromkeys(("number", "field", "changed_px", "objects_added", "objects_removed", "objects_changed"), 1),
    **dict.fromkeys(("before_sha256", "after_sha256", "difference_sha256", "previous"), "0" * 64),
)


def disk(row, column, radius, shape=SHAPE):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return np.hypot(rows - row, columns - column) < radius


@pytest.fixture
def job(tmp_path):
    return drawn_job(tmp_path)


def drawn_job(tmp_path):
    """Two fields of three dark disks each, sharp but for a little noise."""
    rng = np.random.default_rng(1)
    for i in (1, 2):
        dark = disk(30, 30, 12) | disk(60, 100 + i, 20) | disk(95, 40, 10)
        gray = np.where(dark, 60.0, 190.0) + rng.normal(0, 5, SHAPE)
        Image.fromarray(np.clip(gray, 0, 255).astype(np.uint8)).save(tmp_path / f"f{i}.png")
    path = tmp_path / "job.toml"
    path.write_text(JOB.format(more=""), encoding="utf-8")
    return path


def labels_of(job, field):
    return correct.current_segmentation(job, field=field)[2].labels.copy()


def save(path, labels):
    path.write_bytes(png.encode(labels))
    return path


def edited(job, field, where, number, reason="an artifact of polishing", out=None):
    """Record an edit that gives the pixels of a mask a number."""
    labels = labels_of(job, field)
    labels[where] = number
    mask = save(job.parent / "corrected.tmp", labels).rename(job.parent / "corrected.tif")
    return correct.correct(job, mask, field=field, reason=reason, by="M. Example", out=out)


def area(report):
    return next(result.value for result in report.results if result.quantity == "area_percent.ferrite")


# --------------------------------------------------------------------------------------------------- the result


def test_an_edit_changes_the_result_by_its_pixels_and_the_report_says_so(job):
    before = area(job_run.run(job))
    made = edited(job, 2, disk(95, 40, 12), 0)
    assert (made.objects_added, made.objects_removed, made.objects_changed) == (0, 1, 0)
    report = job_run.run(job, job.parent / "reports")
    # two fields of equal size: the mean area fraction falls by the changed pixels over all pixels
    assert area(report) == pytest.approx(before - 100 * made.changed_px / (2 * SHAPE[0] * SHAPE[1]), rel=1e-9)
    tables = {table.title: table for table in report.tables}
    (row,) = tables[edits.TABLE].rows
    assert row[3:8] == ("f2.png", made.when, "M. Example", "an artifact of polishing", made.changed_px)
    (main,) = tables[edits.RESULTS].rows
    assert main[3:] == pytest.approx((before, area(report)), rel=1e-9)
    assert any(
        text.startswith("1 edit by hand in 1 field: Area fraction ferrite 10.35 -> 9.555 %") for text in report.warnings
    )
    assert {item.role for item in report.attachments} >= {"edit"}


def test_without_edits_a_report_does_not_speak_of_them(job):
    report = job_run.run(job)
    assert not any("edit" in text.lower() for text in (*report.warnings, *(item.name for item in report.statements)))
    assert not {edits.TABLE, edits.RESULTS} & {table.title for table in report.tables}


def test_edits_of_one_field_stack_and_replaying_them_from_the_raw_segmentation_gives_the_same(job):
    raw = labels_of(job, 1)
    edited(job, 1, disk(30, 30, 14), 0)
    edited(job, 2, disk(20, 140, 6), 1)
    edited(job, 1, disk(100, 120, 9), 1, reason="missed by the threshold")
    wanted = raw.copy()
    wanted[disk(30, 30, 14)] = 0
    wanted[disk(100, 120, 9)] = 1
    ledger = edits.read(edits.folder_of(job))
    assert [entry.edit.field for entry in ledger] == [1, 2, 1]
    planned = job_plan.plan(job)
    source = planned.sources[0]
    segmentation = one_field.segmented(planned, source, one_field.read_source(planned, source), None)
    replayed = edits.applied(segmentation, edits.of_image(ledger, source.sha256), source.name)
    assert np.array_equal(replayed.labels, wanted)
    assert area(job_run.run(job)) == area(job_run.run(job))


def test_the_same_pixels_are_changed_in_every_other_segmentation(job):
    made = job_run.run(job)
    edited(job, 1, disk(30, 30, 16), 0)
    edited(job, 2, disk(30, 30, 16), 0)
    report = job_run.run(job)

    def line(found):
        result = next(item for item in found.results if item.quantity == "area_percent.ferrite")
        return next(part.u for part in result.budget if "segmentation" in part.name.lower())

    # had the disk come back in the other segmentations, the line would be its area, 2.4 % of the field / sqrt 3
    assert line(report) <= line(made) + 1e-9


def test_too_many_edited_pixels_mark_the_result(job):
    job.write_text(JOB.format(more="edit_cap = 0.01"), encoding="utf-8")
    made = edited(job, 2, disk(95, 40, 12), 0)
    report = job_run.run(job)
    check = next(item for item in report.checks if item.name == "Edited pixels of a field")
    assert check.value == pytest.approx(100 * made.changed_px / (SHAPE[0] * SHAPE[1]))
    assert (check.scope, check.passed, check.limit) == ("method", False, 1.0)
    assert not report.conforming


def test_a_cap_that_is_no_share_is_refused(job):
    job.write_text(JOB.format(more="edit_cap = 5.0"), encoding="utf-8")
    with pytest.raises(SettingsError, match="edit_cap: 5 is no share of pixels"):
        job_plan.plan(job)


def test_what_could_not_be_measured_before_is_not_given_a_value():
    result = Result(
        quantity="g", specimen="1", value=7.0, unit="1", n=1, clause="", definition="g/1", title="Grain size", main=True
    )
    nothing = Measurements(features=pd.DataFrame(), fields=pd.DataFrame())
    field = edits.Edited(edits=(EDIT,), changed_px=1, counted_px=100)
    findings = edits.told(Findings(results=(result,), checks=(), measurements=nothing), None, [field], 0.05)
    assert findings.warnings == ("1 edit by hand in 1 field: Grain size not measurable -> 7.",)
    assert findings.tables[1].rows == (("Grain size", "1", "1", None, 7.0),)
    assert "it cannot be measured" in findings.tables[1].note


# ---------------------------------------------------------------------------------------------------- refusals


def test_an_edit_is_not_laid_over_another_segmentation(job):
    edited(job, 2, disk(95, 40, 12), 0)
    job.write_text(job.read_text(encoding="utf-8").replace("128.0", "70.0"), encoding="utf-8")
    with pytest.raises(MeasurementError, match=r"f2.png: edit 0001 was made on another segmentation: the backend"):
        job_run.run(job)


def test_an_edit_of_an_image_that_is_no_longer_there_is_not_lost_unseen(job):
    edited(job, 2, disk(95, 40, 12), 0)
    (job.parent / "f2.png").unlink()
    with pytest.raises(SettingsError, match=r"0001.toml: f2.png as it was edited is not among the images"):
        job_plan.plan(job)


def other_reason(folder):
    path = folder / "0002.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("polishing", "etching"), encoding="utf-8")


def other_pixels(folder):
    path = next(folder.glob("0001-*.png"))
    path.write_bytes(png.encode(np.ones(SHAPE, np.int32)))


def one_gone(folder):
    (folder / "0001.toml").unlink()


def other_order(folder):
    first, second = folder / "0001.toml", folder / "0002.toml"
    text = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(text)


def sealed_anew(folder):
    """As a forger would: the first entry with another name and a hash that fits."""
    path = folder / "0001.toml"
    entry = edits.read(folder)[0]
    edit = replace(entry.edit, by="Nobody")
    body = edits.dump_edit(edit).encode().rpartition(edits._SEAL)[0] + b"\n"
    path.write_text(edits.dump_edit(replace(edit, sha256=edits.sha256_bytes(body))), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (other_reason, r"0002.toml: was changed after it was written"),
        (other_pixels, r"0001-\w{8}.png: was changed after it was written"),
        (one_gone, r"0001.toml: is missing, there is 0002.toml"),
        (other_order, r"0001.toml: does not follow the entry before it"),
        (sealed_anew, r"0002.toml: does not follow the entry before it"),
    ],
)
def test_a_ledger_that_was_tampered_with_is_refused_and_the_entry_named(job, change, message):
    edited(job, 1, disk(95, 40, 12), 0)
    edited(job, 2, disk(95, 40, 12), 0)
    change(edits.folder_of(job))
    with pytest.raises(ReadError, match=message):
        job_plan.plan(job)


def test_an_entry_that_is_no_toml_or_lacks_keys_is_one_line(job):
    folder = edits.folder_of(job)
    folder.mkdir()
    for text in ("", "number = 1\n", "number = [\n", "\x00"):
        (folder / "0001.toml").write_text(text, encoding="utf-8")
        with pytest.raises(ReadError, match=r"0001.toml"):
            job_plan.plan(job)


def test_masks_that_cannot_be_taken_are_refused(job, tmp_path):
    folder = tmp_path / "masks"
    folder.mkdir()
    labels = labels_of(job, 1)
    same = save(folder / "same.png", labels)
    small = save(folder / "small.png", labels[:50])
    three = save(folder / "three.png", labels + 7 * disk(60, 60, 3))
    why = {"reason": "r", "by": "b"}
    with pytest.raises(ReadError, match=r"equal to the segmentation"):
        correct.correct(job, same, field=1, **why)
    with pytest.raises(ReadError, match=r"small.png: mask has 50 x 160 px"):
        correct.correct(job, small, field=1, **why)
    with pytest.raises(InspectError, match=r"three.png: the mask has the value"):
        correct.correct(job, three, field=1, **why)
    with pytest.raises(SettingsError, match=r"--reason: is empty"):
        correct.correct(job, three, field=1, reason=" ", by="b")
    with pytest.raises(SettingsError, match=r"no field is meant .* f1.png \(field 1 of 1\), f2.png"):
        correct.correct(job, three, field=3, **why)
    with pytest.raises(SettingsError, match=r"several fields are meant"):
        correct.correct(job, three, **why)
    assert not edits.folder_of(job).exists()


def test_a_mask_of_black_and_white_means_the_two_classes(job, tmp_path):
    labels = labels_of(job, 1)
    labels[disk(30, 30, 14)] = 0
    mask = tmp_path / "mask.tif"
    Image.fromarray((255 * labels).astype(np.uint8)).save(mask)
    made = correct.correct(job, mask, image="f1.png", reason="r", by="b")
    assert np.array_equal(labels_of(job, 1), labels)
    assert made.objects_removed == 1


# ------------------------------------------------------------------------------------------------------- objects


def objects(*parts):
    labels = np.zeros(SHAPE, np.int32)
    for number, part in parts:
        labels[part] = number
    return labels


def field_of(labels, roi=None, numbers=None):
    micrograph = Micrograph(
        pixels=np.zeros(labels.shape, np.uint8),
        calibration=Calibration(pixel_um=1.0, source="x"),
        path="f.png",
        roi=roi,
    )
    return micrograph, Segmentation(
        labels=labels, classes={1: "object"}, kind="instance", backend="stardist", objects=numbers
    )


A, B, C = disk(30, 30, 12), disk(60, 100, 20), disk(95, 40, 10)


def test_objects_keep_their_numbers_whatever_the_editor_wrote(tmp_path):
    micrograph, raw = field_of(objects((1, A), (2, B), (3, C)))
    wanted = objects((1, A), (2, disk(60, 102, 20)), (4, disk(20, 140, 6)))
    renumbered = save(tmp_path / "m.png", objects((9, A), (1, disk(60, 102, 20)), (3, disk(20, 140, 6))))
    found = correct.read_corrected(renumbered, micrograph, raw)
    assert np.array_equal(found, wanted)
    # one object is new, one is gone, one was moved
    assert edits.objects_changed(raw.labels, found, "instance") == (1, 1, 1)


def test_an_object_cut_in_two_needs_two_numbers(tmp_path):
    micrograph, raw = field_of(objects((1, A), (2, B)))
    cut = raw.labels.copy()
    cut[:, 99:101] = 0
    with pytest.raises(ReadError, match=r"object 2 \(at row 41, column 9\d\) lies in 2 pieces"):
        correct.read_corrected(save(tmp_path / "m.png", cut), micrograph, raw)
    halves = cut.copy()
    halves[(cut == 2) & (np.arange(SHAPE[1]) > 100)] = 7
    found = correct.read_corrected(save(tmp_path / "n.png", halves), micrograph, raw)
    assert sorted(np.unique(found).tolist()) in ([0, 1, 2, 3], [0, 1, 3, 4])


def test_grains_may_be_given_as_their_boundaries(tmp_path):
    columns = np.arange(SHAPE[1]) // 40
    grains = np.broadcast_to(columns + 1, SHAPE).astype(np.int32)
    micrograph, raw = field_of(grains.copy())
    lines = np.zeros(SHAPE, np.uint8)
    lines[:, [40, 120]] = 255  # the boundary at column 80 is gone: grains 2 and 3 are one
    mask = tmp_path / "lines.png"
    Image.fromarray(lines).save(mask)
    found = correct.read_corrected(mask, micrograph, raw)
    assert len(np.unique(found)) == 3
    assert found.all()
    assert found[60, 60] == found[60, 100]


def test_a_shard_of_a_drawn_boundary_goes_to_the_nearest_grain_and_is_told(tmp_path):
    columns = np.arange(SHAPE[1]) // 40
    grains = np.broadcast_to(columns + 1, SHAPE).astype(np.int32).copy()
    micrograph, raw = field_of(grains)
    lines = np.zeros(SHAPE, np.uint8)
    lines[:, [40, 80, 120]] = 255
    # the boundary at 80 is drawn anew 4 px to the left, and one pixel beside the old one was left
    lines[:, 80] = 0
    lines[:, 76] = 255
    lines[60, 79] = 255
    mask, said = tmp_path / "lines.png", []
    Image.fromarray(lines).save(mask)
    found = correct.read_corrected(mask, micrograph, raw, tell=said.append)
    assert edits.pieces_of(found) == {1: 1, 2: 1, 3: 1, 4: 1}
    assert found[60, 79] == 3
    told = (
        "1 shard that a boundary cut off from a grain, smaller than 10 px each and 1 px together, went to the nearest"
    )
    assert said == [f"{mask}: {told} grain"]


def test_nothing_changes_outside_the_region_that_counts(tmp_path):
    roi = np.zeros(SHAPE, bool)
    roi[:, :80] = True
    micrograph, raw = field_of(objects((1, A), (3, C)), roi)
    mask = save(tmp_path / "m.png", objects((1, A), (2, disk(60, 130, 10))))
    found = correct.read_corrected(mask, micrograph, raw)
    assert np.array_equal(found, objects((1, A)))


def test_the_outline_of_a_joint_is_not_changed_by_hand(tmp_path):
    inside = objects((1, B), (2, disk(60, 100, 5)))
    micrograph, raw = field_of(inside, numbers=objects((1, B)))
    raw = replace(raw, kind="semantic", classes={0: "background", 1: "joint", 2: "void"})
    void = correct.read_corrected(save(tmp_path / "m.png", objects((1, B), (2, disk(60, 100, 8)))), micrograph, raw)
    assert np.count_nonzero(void == 2) == np.count_nonzero(disk(60, 100, 8))
    with pytest.raises(ReadError, match=r"changes the outline of a joint \(at row 36, column 94\)"):
        correct.read_corrected(save(tmp_path / "n.png", objects((1, disk(60, 100, 25)), (2, C))), micrograph, raw)


def test_other_segmentations_number_their_objects_differently_and_still_get_the_edit():
    _, raw = field_of(objects((1, A), (2, B), (3, C)))
    # as before, but numbered otherwise and drawn one pixel larger
    other = replace(raw, labels=objects((5, disk(30, 30, 13)), (1, disk(60, 100, 21)), (2, disk(95, 40, 11))))
    new, grown = disk(20, 140, 6), disk(60, 100, 20) | disk(60, 115, 8)
    after = replace(raw, labels=objects((1, A), (2, grown), (4, new)))
    ((name, found),) = edits.carried_over(replace(raw, alternatives=lambda: iter([("larger", other)])), after)
    larger = disk(60, 100, 21) | grown
    assert name == "larger"
    # A untouched, B grown under its own number there, C gone with its rim, the new object under a free number
    assert set(np.unique(found.labels)) == {0, 1, 5, int(found.labels[20, 140])}
    assert np.array_equal(found.labels == 1, larger)
    assert np.array_equal(found.labels == 5, disk(30, 30, 13))
    assert np.array_equal(found.labels == found.labels[20, 140], new)
    assert not found.labels[95, 30:52].any()


def test_a_split_piece_and_a_merged_one_are_counted(tmp_path):
    before = objects((1, A), (1, B), (1, C))
    after = objects((1, A), (1, disk(60, 101, 20)), (1, disk(20, 140, 6)))
    assert edits.objects_changed(before, after, "semantic") == (1, 1, 1)


def test_merged_grains_are_counted_so_that_the_number_of_objects_comes_out():
    columns = np.arange(SHAPE[1])
    equal = np.broadcast_to(1 + columns // 80, SHAPE).astype(np.int32)
    assert edits.objects_changed(equal, np.ones(SHAPE, np.int32), "instance") == (1, 2, 0)
    unequal = np.broadcast_to(1 + (columns >= 100), SHAPE).astype(np.int32)
    assert edits.objects_changed(unequal, np.full(SHAPE, 5, np.int32), "instance") == (0, 1, 1)


def test_a_plan_with_edits_goes_to_other_processes(job):
    edited(job, 1, disk(30, 30, 14), 0)
    planned = pickle.loads(pickle.dumps(job_plan.plan(job)))
    assert [entry.edit.number for entry in planned.ledger] == [1]


# ------------------------------------------------------------------------------------- verification, trail, command


def test_a_report_with_edits_is_recomputed_from_what_it_carries(job):
    edited(job, 1, disk(30, 30, 14), 0)
    edited(job, 1, disk(20, 140, 6), 1)
    job_run.run(job, job.parent / "reports")
    folder = job.parent / "reports" / "job"
    shutil.rmtree(edits.folder_of(job))
    found = verify.verify(folder, images=job.parent)
    assert [item.text for item in found.findings if item.state == "differs"] == []
    assert any(item.part == "segmentation" and item.state == "verified" for item in found.findings)
    report = load_report(folder / "report.json")
    attached = [item.file for item in report.attachments if item.role == "edit"]
    assert len(attached) == 4
    path = folder / attached[0]
    path.write_bytes(path.read_bytes().replace(b"M. Example", b"N. Example"))
    wrong = [item.text for item in verify.verify(folder).findings if item.state == "differs"]
    assert any(attached[0] in text for text in wrong)


def test_a_report_that_names_another_person_or_another_value_before_does_not_verify(job):
    edited(job, 1, disk(30, 30, 14), 0)
    job_run.run(job, job.parent / "reports")
    path = job.parent / "reports" / "job" / "report.json"
    good = load_report(path)

    def changed(title, column, value):
        tables = [
            replace(t, rows=((*t.rows[0][:column], value, *t.rows[0][column + 1 :]),)) if t.title == title else t
            for t in good.tables
        ]
        forged = replace(good, tables=tuple(tables))
        forged = replace(forged, id=report_id(forged, report_digest(forged)), digest=report_digest(forged))
        path.write_text(dump_report(forged), encoding="utf-8")
        return [item.text for item in verify.verify(path.parent).findings if item.state == "differs"]

    assert any("Edits by hand" in text for text in changed(edits.TABLE, 5, "Nobody"))
    assert any("before and after" in text for text in changed(edits.RESULTS, 3, 9.9))


@pytest.mark.parametrize("name", ["edit-", "edit-.."])
def test_an_attachment_whose_name_leads_out_is_one_line(job, name):
    edited(job, 1, disk(30, 30, 14), 0)
    job_run.run(job, job.parent / "reports")
    folder = job.parent / "reports" / "job"
    good = load_report(folder / "report.json")
    first = next(item for item in good.attachments if item.role == "edit")
    (folder / "evidence" / name).write_bytes((folder / first.file).read_bytes())
    other = replace(first, file=f"evidence/{name}")
    forged = replace(good, attachments=tuple(other if item == first else item for item in good.attachments))
    forged = replace(forged, id=report_id(forged, report_digest(forged)), digest=report_digest(forged))
    (folder / "report.json").write_text(dump_report(forged), encoding="utf-8")
    with pytest.raises(ReadError, match=rf"evidence/{name}: is no name of such a file"):
        verify.verify(folder)


def test_an_edit_and_its_reason_stand_in_the_audit_trail_of_the_reports(job):
    out = job.parent / "reports"
    job_run.run(job, out)
    mask = job.parent / "m.tif"
    labels = labels_of(job, 2)
    labels[disk(95, 40, 12)] = 0
    save(mask, labels)
    made = correct.correct(job, mask, field=2, reason="scratch", by="M. Example", out=out)
    entry = audit.read(out).entries[-1]
    assert (entry.event, entry.subject, entry.reason) == ("edit", "job", "scratch")
    assert entry.new["entry_sha256"] == made.sha256
    assert audit.verify(out).problems == ()


def test_the_command_exports_a_mask_and_takes_it_back(job, tmp_path):
    mask = tmp_path / "present mask.tif"
    runner = CliRunner()
    asked = ["edit", str(job), "--field", "2", "--out", str(tmp_path / "reports")]
    assert runner.invoke(app, [*asked, "--export", str(mask)]).exit_code == 0
    with Image.open(mask) as image:
        labels = np.array(image)
    labels[disk(95, 40, 12)] = 0
    Image.fromarray(labels).save(mask)
    found = runner.invoke(app, [*asked, "--mask", str(mask), "--reason", "scratch", "--by", "M. Example"])
    assert found.exit_code == 0
    assert "0001.toml: f2.png: 305 px; objects: 0 added, 1 removed, 0 changed" in found.output.replace("\n", "")
    assert isinstance(runner.invoke(app, asked).exception, SettingsError)
    with pytest.raises(InspectError, match="exists already and is left as it is"):
        correct.export(job, mask, field=2)
