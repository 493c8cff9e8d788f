"""The ledger of edits: two people at once, kills, lost entries, and edits that are taken back."""

import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from test_edits import JOB, SHAPE, area, disk, drawn_job, edited, labels_of, save
from typer.testing import CliRunner

from inspect_tool.cli import app
from inspect_tool.errors import InspectError, OutputError, ReadError, SettingsError
from inspect_tool.evidence import audit, edits, trail_reports
from inspect_tool.files import dump_edit, sha256_bytes
from inspect_tool.inspection import correct, job_plan, job_run, job_trail, one_field
from inspect_tool.verify import verify

WHO = {"reason": "a scratch", "by": "B. Second"}
LEFT, RIGHT, LOW = disk(30, 30, 14), disk(60, 100, 24), disk(95, 40, 12)


@pytest.fixture
def job(tmp_path):
    return drawn_job(tmp_path)


def mask_of(path, job, field, *where):
    """A mask of a field on which some pixels are background."""
    labels = labels_of(job, field)
    for part in where:
        labels[part] = 0
    return save(path, labels)


def numbers(job):
    return [entry.edit.number for entry in edits.read(edits.folder_of(job))]


def forged(entry, **changes):
    """An entry with other values and hashes that fit, as an old version or a person would write it."""
    edit = replace(entry.edit, **changes)
    body = dump_edit(edit).encode().rpartition(edits._SEAL)[0] + b"\n"
    edit = replace(edit, sha256=sha256_bytes(body))
    return replace(entry, edit=edit, text=dump_edit(edit).encode())


def write_entry(folder, entry):
    (folder / edits.text_name(entry.edit)).write_bytes(entry.text)
    (folder / edits.difference_name(entry.edit)).write_bytes(entry.difference)


# ---------------------------------------------------------------------------------------------- two people at once


def test_the_second_of_two_people_is_told_who_edited_the_field_meanwhile(job, monkeypatch):
    first, second = (mask_of(job.parent / f"{i}.tif", job, 1, part) for i, part in enumerate((LEFT, LOW)))
    other = mask_of(job.parent / "other.tif", job, 2, LEFT)
    segmented = one_field.segmented

    def while_another_records(*given):
        monkeypatch.setattr(one_field, "segmented", segmented)
        correct.correct(job, first, field=1, reason="a pore of polishing", by="A. First")
        correct.correct(job, other, field=2, reason="a stain", by="A. First")
        return segmented(*given)

    monkeypatch.setattr(one_field, "segmented", while_another_records)
    told = r"f1.png: was edited meanwhile \(0001.toml, by A. First, 20.*Z: a pore of polishing\).*export the mask again"
    with pytest.raises(ReadError, match=told):
        correct.correct(job, second, field=1, **WHO)
    assert numbers(job) == [1, 2]
    job_run.run(job)


def test_two_people_may_edit_two_fields_at_once(job, monkeypatch):
    one, two = (mask_of(job.parent / f"{i}.tif", job, i, LEFT) for i in (1, 2))
    segmented = one_field.segmented

    def while_another_records(*given):
        monkeypatch.setattr(one_field, "segmented", segmented)
        correct.correct(job, two, field=2, reason="a stain", by="A. First")
        return segmented(*given)

    monkeypatch.setattr(one_field, "segmented", while_another_records)
    assert correct.correct(job, one, field=1, **WHO).number == 2
    assert job_run.run(job).warnings[0].startswith("2 edits by hand in 2 fields")


def test_a_mask_that_was_exported_before_an_edit_does_not_take_it_back_unseen(job):
    stale = mask_of(job.parent / "stale.tif", job, 1, LOW)
    edited(job, 1, LEFT, 0)
    with pytest.raises(ReadError, match=r"takes edit 1 of f1.png back \(by M. Example.*exported before.*edit undo"):
        correct.correct(job, stale, field=1, **WHO)
    assert numbers(job) == [1]


WRITER = """
import sys
from pathlib import Path
import numpy as np
from inspect_tool.evidence import edits
from inspect_tool.model import Calibration, Micrograph, Segmentation
folder, name = Path(sys.argv[1]), sys.argv[2]
labels = np.zeros((20, 20), np.int32)
field = Micrograph(
    pixels=np.zeros((20, 20), np.uint8), calibration=Calibration(pixel_um=1.0, source="x"), path=name, sha256=name
)
for i in range(15):
    before = Segmentation(labels=labels, classes={0: "a", 1: "b"}, kind="semantic", backend="x")
    labels = labels.copy()
    labels[i] = 1
    edits.record(folder, field, before, labels, reason="r", by=name, known=edits.read(folder))
"""


def test_processes_that_record_at_once_make_one_chain(tmp_path):
    folder = tmp_path / "job.edits"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(folder), name]) for name in "ab"]
    assert [process.wait(timeout=300) for process in writers] == [0, 0]
    ledger = edits.read(folder)
    assert [entry.edit.number for entry in ledger] == list(range(1, 31))
    assert {name: len(edits.of_image(ledger, name)) for name in "ab"} == {"a": 15, "b": 15}


def test_a_ledger_that_another_process_holds_is_one_line(job, monkeypatch):
    mask = mask_of(job.parent / "m.tif", job, 1, LEFT)
    monkeypatch.setattr(edits, "PATIENCE_S", 0.05)
    with edits._alone(edits.folder_of(job)), pytest.raises(OutputError, match="another process has held it"):
        correct.correct(job, mask, field=1, **WHO)
    assert numbers(job) == []
    correct.correct(job, mask, field=1, **WHO)


# ------------------------------------------------------------------------------------------------------------ kills

KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from inspect_tool.inspection import correct
from inspect_tool.evidence import audit
from inspect_tool.evidence import edits
job, mask, base = (Path(name) for name in sys.argv[1:4])
home = job.parent
asked = correct.asked_for(job, field=1, out=home / "reports")
present = correct.segmented(asked)
labels = correct.read_corrected(mask, asked.micrograph, present.current, present.used)
for step in range(1, 200):
    there = base / str(step)
    shutil.copytree(home, there)
    child = os.fork()
    if child == 0:
        steps = 0
        def count(event, given):
            global steps
            if event in ("open", "os.rename", "os.remove", "os.mkdir") and str(there) in str(given[0]):
                steps += 1
                if steps == step:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(count)
        here = correct.asked_for(there / job.name, field=1, out=there / "reports")
        steps = 0
        correct._recorded(here, present, labels, reason="a scratch", by="B. Second")
        os._exit(0)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
        print(step)
        break
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no kill -9 here")
def test_a_kill_at_any_step_of_recording_leaves_the_edit_whole_or_not_there_and_a_trail_that_holds(job, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    for path in [*tmp_path.glob("*.png"), job]:
        shutil.move(path, home / path.name)
    job = home / job.name
    edited(job, 2, LEFT, 0)
    job_run.run(job, home / "reports")
    mask = mask_of(tmp_path / "m.tif", job, 1, LEFT)
    done = subprocess.run([sys.executable, "-c", KILLED, job, mask, tmp_path / "killed"], check=True, stdout=-1)
    steps = int(done.stdout)
    assert steps > 8  # lock, two files and their names, log and head
    wholes = []
    for step in range(1, steps + 1):
        there = tmp_path / "killed" / str(step) / job.name
        wholes.append(len(numbers(there)))
        trail = audit.verify(there.parent / "reports")
        assert trail.problems == ()
        job_trail.check_ledger(job_plan.plan(there), there.parent / "reports", "job")
    assert wholes == sorted(wholes)  # not there up to the step that writes the entry, there from then on
    assert set(wholes) == {1, 2}
    again = tmp_path / "killed" / "5" / job.name
    correct.correct(again, mask, field=1, **WHO)
    assert not list(edits.folder_of(again).glob(".*.partial"))
    assert job_run.run(again, again.parent / "reports").warnings[0].startswith("2 edits by hand in 2 fields")


# --------------------------------------------------------------------------------------------- damaged and cut ledgers


def test_two_entries_that_follow_one_are_one_line_that_says_how_to_go_on(job):
    edited(job, 1, LEFT, 0)
    edited(job, 2, LEFT, 0)
    folder = edits.folder_of(job)
    _, second = edits.read(folder)
    write_entry(folder, forged(second, number=3, by="A. First"))  # a copy by a program that gave it a free name
    told = r"0003.toml: follows the same entry as 0002.toml \(by M. Example.*edit withdraw job.toml --from 3"
    with pytest.raises(ReadError, match=told):
        job_plan.plan(job)
    done = CliRunner().invoke(
        app,
        ["edit", "withdraw", str(job), "--from", "3", "--reason", "twice", "--by", "B", "--out", f"{job.parent}/out"],
    )
    assert (done.exit_code, numbers(job)) == (0, [1, 2])
    assert sorted(path.name[:4] for path in (job.parent / "job.edits.withdrawn-1").iterdir()) == ["0003", "0003"]
    job_run.run(job)


def test_two_edits_of_one_field_made_on_the_same_labels_are_one_line(job):
    edited(job, 1, LEFT, 0)
    edited(job, 1, LOW, 0)
    folder = edits.folder_of(job)
    first, second = edits.read(folder)
    write_entry(folder, forged(second, before_sha256=first.edit.before_sha256))
    with pytest.raises(ReadError, match=r"0002.toml: was made without 0001.toml of the same field .*--from 2"):
        job_plan.plan(job)


def test_a_second_file_of_one_number_is_not_passed_over(job):
    edited(job, 1, LEFT, 0)
    folder = edits.folder_of(job)
    shutil.copy(folder / "0001.toml", folder / "0001 (conflicted copy).toml")
    with pytest.raises(
        ReadError, match=r"0001 \(conflicted copy\).toml: is no entry of this ledger.*move the file away"
    ):
        job_plan.plan(job)


def cut(folder, first):
    for path in folder.glob("[0-9]*"):
        if int(path.name[:4]) >= first:
            path.unlink()


@pytest.mark.parametrize(("first", "missing"), [(2, "0002.toml is missing"), (1, "0001.toml to 0002.toml are missing")])
def test_edits_that_are_gone_stop_the_next_run_and_the_next_edit(job, first, missing):
    out = job.parent / "reports"
    edited(job, 1, LEFT, 0, out=out)
    edited(job, 2, LEFT, 0, out=out)
    wanted = area(job_run.run(job, out))
    folder = edits.folder_of(job)
    shutil.copytree(folder, job.parent / "backup")
    cut(folder, first)
    told = rf"job.edits: holds {first - 1} edits?, entry 3 of the audit trail .* tells of 2: {missing}.*edit-0001.toml"
    with pytest.raises(ReadError, match=told):
        job_run.run(job, out, progress=lambda *_: pytest.fail("measured"))
    with pytest.raises(ReadError, match=told):
        edited(job, 1, LOW, 0, out=out)
    with pytest.raises(ReadError, match=told):
        correct.undo(job, out=out, **WHO)
    assert any(missing in problem for problem in audit.verify(out).problems)
    shutil.rmtree(folder)
    for path in (out / "job" / "evidence").glob("edit-*"):  # as the message says
        (job.parent / "job.edits").mkdir(exist_ok=True)
        shutil.copy(path, folder / path.name.removeprefix("edit-"))
    assert area(job_run.run(job, out)) == wanted


def test_an_entry_that_was_replaced_by_another_stops_the_run(job):
    out = job.parent / "reports"
    edited(job, 1, LEFT, 0, out=out)
    folder = edits.folder_of(job)
    write_entry(folder, forged(edits.read(folder)[0], by="Nobody"))
    with pytest.raises(ReadError, match=r"0001.toml is not the one that entry 1 of the audit trail \(f1.png by M. Ex"):
        job_run.run(job, out)


def test_edits_can_be_given_up_with_a_reason_and_the_trail_says_so(job):
    out = job.parent / "reports"
    raw = area(job_run.run(job, out))
    edited(job, 1, LEFT, 0, out=out)
    edited(job, 2, LEFT, 0, out=out)
    shutil.rmtree(edits.folder_of(job))
    with pytest.raises(SettingsError, match="--reason: is empty"):
        correct.withdraw(job, reason=" ", by="B", out=out)
    assert correct.withdraw(job, reason="disk lost", by="B. Second", out=out) == ()
    entry = audit.read(out).entries[-1]
    assert (entry.event, entry.subject, entry.reason) == ("withdraw", "job", "disk lost")
    assert (entry.old["edits"], entry.new["edits"], entry.new["by"]) == (2, 0, "B. Second")
    assert area(job_run.run(job, out)) == raw
    assert audit.verify(out).problems == ()
    with pytest.raises(ReadError, match="holds no edit from 1 on"):
        correct.withdraw(job, reason="again", by="B", out=out)
    edited(job, 1, LOW, 0, out=out)
    cut(edits.folder_of(job), 1)
    with pytest.raises(ReadError, match="holds 0 edits"):
        job_run.run(job, out)


def test_another_job_of_that_name_with_other_images_is_not_stopped(job):
    out = job.parent / "reports"
    edited(job, 1, LEFT, 0, out=out)
    other = job.parent / "other"
    other.mkdir()
    Image.fromarray(np.where(disk(50, 50, 20), 60, 190).astype(np.uint8)).save(other / "g.png")
    (other / "job.toml").write_text(JOB.format(more=""), encoding="utf-8")
    job_run.run(other / "job.toml", out)


def test_an_edit_of_an_earlier_version_is_an_anchor_too(job):
    out = job.parent / "reports"
    edited(job, 1, LEFT, 0, out=out)
    entry = audit.read(out).entries[0]
    old = replace(entry, new={key: entry.new[key] for key in ("number", "image", "image_sha256", "by", "entry_sha256")})
    known = trail_reports.anchor([old], job="job", name="job")
    assert trail_reports.lacking(edits.read(edits.folder_of(job)), known) == ""
    assert "0001.toml is missing" in trail_reports.lacking((), known)


# --------------------------------------------------------------------------------------- the trail and the reports


def rewritten(out, change):
    """Change the last entry of a log and give it, and the head, hashes that fit: as a forger would."""
    *before, last = (out / audit.LOG).read_bytes().splitlines()
    body = change(last[: -len(',"sha256":""}') - 64] + b"}")
    line = body[:-1] + b',"sha256":"' + sha256_bytes(body).encode() + b'"}'
    (out / audit.LOG).write_bytes(b"".join(one + b"\n" for one in [*before, line]))
    audit._write_head(out, len(before) + 1, sha256_bytes(line))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (b'"verdict":"no requirement"', b'"verdict":"pass"', "verdict is no requirement, entry 2 says pass"),
        (b'"images":2', b'"images":3', "images is 2, entry 2 says 3"),
        (b'"edits":1', b'"edits":0', "edits is 1, entry 2 says 0"),
        (b'"area_percent.ferrite","1",', b'"area_percent.ferrite","1",1', "results is"),
        (b'"report.json":"', b'"report.json":"0', "is not, byte for byte, the file that entry 2 tells of"),
    ],
)
def test_a_trail_whose_last_entry_was_rewritten_is_compared_with_the_report(job, old, new, told):
    out = job.parent / "reports"
    edited(job, 1, LEFT, 0, out=out)
    job_run.run(job, out)
    assert (audit.verify(out).problems, audit.verify(out).uncompared) == ((), ())
    rewritten(out, lambda body: body.replace(old, new, 1))
    assert audit.read(out).problems == ()  # the chain holds
    assert any(told in problem for problem in audit.verify(out).problems)
    found = verify.verify(out / "job")
    assert any(told in item.text for item in found.findings if (item.part, item.state) == ("audit trail", "differs"))


def test_what_the_trail_tells_of_and_is_not_at_hand_is_named(job):
    out = job.parent / "reports"
    edited(job, 1, LEFT, 0, out=out)
    job_run.run(job, out)
    job_run.run(job, out)
    assert audit.verify(out).uncompared == (
        "runs of entries 2: their reports are not here or were replaced by a later run",
    )
    (out / "job").rename(job.parent / "elsewhere")
    job.rename(job.parent / "job.old")
    assert audit.verify(out).problems == ()
    assert [text.split(":")[0] for text in audit.verify(out).uncompared] == [
        "runs of entries 2, 3",
        "edits of job (entry 3)",
    ]
    done = CliRunner().invoke(app, ["audit", str(out), "--verify"])
    assert "not compared: edits of job (entry 3): the job file ../job.toml is not there" in done.output


def test_a_run_of_an_old_version_without_the_edits_is_named_by_the_trail_and_by_verify(job, monkeypatch):
    out = job.parent / "reports"
    edited(job, 1, LEFT, 0, out=out)
    cut(edits.folder_of(job), 1)
    monkeypatch.setattr(job_run, "check_ledger", lambda *_: None)
    job_run.run(job, out)
    told = "tells of 1"
    assert any("was run with 0 edits" in text and told in text for text in audit.verify(out).problems)
    differing = [item.text for item in verify.verify(out / "job").findings if item.state == "differs"]
    assert any("the report holds 0 edits, entry 1" in text and told in text for text in differing)


# ------------------------------------------------------------------------------------------------------------- undo


def test_an_edit_is_taken_back_by_a_new_entry_and_the_report_verifies(job):
    out = job.parent / "reports"
    raw = labels_of(job, 1)
    edited(job, 1, LEFT, 0, out=out)
    edited(job, 1, LOW, 0, out=out)
    made = correct.undo(job, 1, out=out, **WHO)
    assert (made.number, made.undoes, made.by, made.reason) == (3, 1, "B. Second", "a scratch")
    wanted = raw.copy()
    wanted[LOW] = 0
    assert np.array_equal(labels_of(job, 1), wanted)
    assert tomllib.loads((edits.folder_of(job) / "0003.toml").read_text(encoding="utf-8"))["undoes"] == 1
    assert "undoes" not in (edits.folder_of(job) / "0002.toml").read_text(encoding="utf-8")
    report = job_run.run(job, out)
    (table,) = (table for table in report.tables if table.title == edits.TABLE)
    assert [row[6] for row in table.rows] == ["an artifact of polishing"] * 2 + ["reverts no. 1: a scratch"]
    (statement,) = (one.text for one in report.statements if one.name == "Edits")
    ledger = audit.read(out).entries[-1].new["ledger"]
    last = sha256_bytes((edits.folder_of(job) / "0003.toml").read_bytes())
    assert statement.endswith(f"The ledger holds 3: f1.png 3; SHA-256 of 0003.toml: {last}.")
    assert (ledger["entries"], ledger["last_sha256"]) == (3, last)
    assert [(one["image"], one["edits"]) for one in ledger["fields"]] == [("f1.png", 3)]
    assert audit.read(out).entries[2].new["undoes"] == 1
    assert [item.text for item in verify.verify(out / "job").findings if item.state == "differs"] == []


def test_taking_back_again_and_again_leads_to_what_the_backend_gave(job):
    raw = [labels_of(job, field) for field in (1, 2)]
    edited(job, 1, LEFT, 0)
    edited(job, 2, LOW, 0)
    edited(job, 1, disk(30, 40, 14), 1)  # touches pixels of the first
    with pytest.raises(ReadError, match=r"edit 1 cannot be taken back alone: edit 3 \(by M. Example.*row \d+, column"):
        correct.undo(job, 1, **WHO)
    assert [correct.undo(job, **WHO).undoes for _ in range(3)] == [3, 2, 1]
    assert all(np.array_equal(labels_of(job, field), raw[field - 1]) for field in (1, 2))
    with pytest.raises(ReadError, match="holds no edit that could be taken back"):
        correct.undo(job, **WHO)
    with pytest.raises(ReadError, match="holds no edit 9"):
        correct.undo(job, 9, **WHO)
    assert correct.undo(job, 6, **WHO).undoes == 6  # what was taken back can be had again
    assert not labels_of(job, 1)[LEFT & ~disk(30, 40, 14)].any()


def test_the_command_takes_back(job):
    edited(job, 1, LEFT, 0)
    asked = ["edit", "undo", str(job), "--reason", "r", "--by", "b", "--out", str(job.parent / "reports")]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0
    assert "0002.toml: f1.png: takes edit 1 back" in done.output.replace("\n", "")


# ----------------------------------------------------------------------------------------------- how much is booked


def test_objects_that_are_made_one_are_booked_by_the_pixels_of_the_smaller():
    columns = np.arange(SHAPE[1])
    three = np.broadcast_to(1 + (columns >= 50) + (columns >= 100), SHAPE).astype(np.int32)
    merged = np.where(three == 3, 7, 9).astype(np.int32)  # an editor renumbers
    found = edits.numbered(merged, three)
    assert np.count_nonzero(found != three) == 50 * SHAPE[0]
    assert edits.objects_changed(three, found, "instance") == (1, 2, 0)


def test_a_number_that_an_object_had_is_not_given_to_another():
    base = np.zeros(SHAPE, np.int32)
    base[LEFT] = 1
    new = base.copy()
    new[LOW] = 4
    assert set(np.unique(edits.numbered(new, base, used=7))) == {0, 1, 8}


def test_a_mask_of_another_size_is_refused_before_anything_is_segmented(job, monkeypatch):
    small = save(job.parent / "small.tif", np.zeros((50, 60), np.int32))
    monkeypatch.setattr(one_field, "model_of", lambda *_: pytest.fail("a model was loaded"))
    with pytest.raises(InspectError, match=r"small.tif: mask has 50 x 60 px"):
        correct.correct(job, small, field=1, **WHO)


# ---------------------------------------------------------------------------------------------------- the pictures


def test_the_report_shows_every_edited_place_before_and_after(job):
    """Both halves are equal outside the edit, and its outline stands on one of them only."""
    job.write_text(job.read_text(encoding="utf-8").replace('exports = ["json"]', 'exports = ["json", "html", "pdf"]'))
    out = job.parent / "reports"
    edited(job, 1, disk(95, 40, 12), 0, out=out)
    report = job_run.run(job, out)
    (shown,) = edits.places(report)
    assert (shown[0], shown[1][0]) == ("thumbnails/edit-0001.jpg", 1)
    with Image.open(out / "job" / shown[0]) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    left, right = pixels[:480, :480], pixels[:480, 492:972]
    yellow = [(half[..., 0] - half[..., 2] > 80).sum() for half in (left, right)]
    assert yellow[0] > 10 * max(1, yellow[1])
    assert np.abs(left - right)[:60].max() < 30  # far from the edit, compression aside
    page = (out / "job" / "report.html").read_text(encoding="utf-8")
    assert "<b>Edit 1</b> · f1.png · M. Example: an artifact of polishing" in page
    assert [item.text for item in verify.verify(out / "job").findings if item.state == "differs"] == []
    alone = shutil.copy(out / "job" / "report.pdf", job.parent / "alone.pdf")
    assert [item.text for item in verify.verify(alone).findings if item.state == "differs"] == []
