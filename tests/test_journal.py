"""A job of many fields that was killed goes on where it was, and its report is that of a run that nobody stopped."""

import json
import logging
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import tifffile

from inspect_tool.errors import InspectError, ReadError
from inspect_tool.inspection import field_record, job_plan, job_run, journal, stored
from inspect_tool.languages import Text

COUNT = 7
JOB = (
    'recipe = "porosity"\nimages = ["f_*.tif"]\nexports = ["json", "csv"]\nscale_bar = "off"\n'
    '[calibration]\nsource = "ratio only"\n'
)


@pytest.fixture
def job(tmp_path, monkeypatch):
    """Seven fields, which are worth a journal here."""
    monkeypatch.setattr(journal, "LEAST", 6)
    rng = np.random.default_rng(0)
    for i in range(COUNT):
        pixels = np.clip(rng.normal(180, 8, (64, 64)), 0, 255).astype(np.uint8)
        pixels[20 : 32 + i % 9, 30:50] = 30
        tifffile.imwrite(tmp_path / f"f_{i:02d}.tif", pixels)
    (tmp_path / "job.toml").write_text(JOB)
    return tmp_path / "job.toml"


@pytest.fixture
def measured(monkeypatch):
    """Names of the images that are measured."""
    names = []
    measure = field_record._measure_one

    def told(planned, index, *given):
        names.append(planned.sources[0].name)
        return measure(planned, index, *given)

    monkeypatch.setattr(field_record, "_measure_one", told)
    return names


def timeless(folder):
    """Files of a report without the times, and without what follows from them."""
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    report = json.loads(files["report.json"])
    for record in report["micrographs"]:
        del record["segmentation"]["seconds"]
    for key in ("started", "seconds", "audit"):
        del report["provenance"][key]
    del files[".inspect-tool.json"]
    return files | {"report.json": json.dumps(report).encode()}


def stopped(job, out, after):
    """Run a job in a process of its own that ends by SIGKILL when so many fields are kept."""
    code = (
        "import os, signal, sys\nfrom inspect_tool.inspection import field_record, job_run, journal\n"
        "journal.LEAST, kept, keep = 6, [], field_record.keep\n"
        "def counted(*given):\n    keep(*given)\n    kept.append(1)\n"
        "    if len(kept) == int(sys.argv[3]):\n        os.kill(os.getpid(), signal.SIGKILL)\n"
        "field_record.keep = counted\njob_run.run(sys.argv[1], sys.argv[2])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(job), str(out), str(after)], check=False, capture_output=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def interrupted(job, out, at):
    """Run a job until so many fields were told of."""

    def tell(done, *_):
        if done == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        job_run.run(job, out, progress=tell)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_killed_job_goes_on_and_its_report_is_that_of_a_run_nobody_stopped(job, measured, caplog):
    out, whole = job.parent / "out", job.parent / "whole"
    job_run.run(job, whole)
    measured.clear()
    stopped(job, out, 3)
    interrupted(job, out, 5)
    assert measured == ["f_03.tif", "f_04.tif"]
    measured.clear()
    assert len(list((out / ".job.fields" / "entries").glob("*.json"))) == 5
    with caplog.at_level(logging.WARNING):
        job_run.run(job, out)
    assert measured == [f"f_{i:02d}.tif" for i in range(5, COUNT)]
    resumed, alone = timeless(out / "job"), timeless(whole / "job")
    assert json.loads(resumed.pop("report.json")) == json.loads(alone.pop("report.json"))
    assert resumed == alone
    assert [path.name for path in out.iterdir() if not path.name.startswith("audit.")] == ["job"]


def test_a_field_whose_image_or_kept_file_is_another_one_is_measured_again(job, measured):
    out = job.parent / "out"
    interrupted(job, out, 5)
    assert len(measured) == 5
    measured.clear()
    tifffile.imwrite(job.parent / "f_03.tif", tifffile.imread(job.parent / "f_03.tif") - np.uint8(1))
    mask = next((out / ".job.fields" / "evidence").glob("003_*"))
    mask.write_bytes(mask.read_bytes()[:-9])  # as a failing disk leaves it
    entry = out / ".job.fields" / "entries" / "000002.json"
    entry.write_bytes(entry.read_bytes()[:500])
    report = job_run.run(job, out)
    assert measured == ["f_01.tif", "f_02.tif", "f_03.tif", "f_05.tif", "f_06.tif"]
    assert len(report.micrographs) == COUNT
    again = job_run.run(job, job.parent / "again")
    assert timeless(out / "job") == timeless(job.parent / "again" / "job")
    assert again.digest == report.digest


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('scale_bar = "off"', 'scale_bar = "off"\nmodality = "xray"', "other region, plane or image quality"),
        ("[calibration]", "[settings]\nminimum_px2 = 30\n[calibration]", "other settings"),
    ],
)
def test_what_was_measured_in_another_way_is_not_taken_and_that_is_said(job, measured, caplog, old, new, told):
    out = job.parent / "out"
    interrupted(job, out, 5)
    measured.clear()
    job.write_text(JOB.replace(old, new).replace("ratio only", 'x"\npixel_um = 0.5\nu_rel = 0.01\n#"'))
    with caplog.at_level(logging.WARNING):
        job_run.run(job, out)
    assert len(measured) == COUNT
    (message,) = (record.getMessage() for record in caplog.records if "begins anew" in record.getMessage())
    assert message.endswith(told)


def test_what_does_not_reach_the_fields_may_change_in_between(job, measured):
    """As the header, or the word by which the job goes on without a damaged image."""
    out = job.parent / "out"
    interrupted(job, out, 5)
    measured.clear()
    (job.parent / "f_06.tif").write_bytes(b"")
    job.write_text('skip_damaged = "report"\n' + JOB + '[header]\npart = "4711"\n')
    report = job_run.run(job, out)
    assert measured == ["f_05.tif"]
    assert [lost.image for lost in report.lost] == ["f_06.tif"]
    assert report.header.part == "4711"


def test_a_job_that_fails_at_its_last_field_keeps_the_others(job, measured, monkeypatch):
    out = job.parent / "out"
    measure = field_record.measured_field

    def failing(planned, source, *given, **more):
        if source.name == f"f_{COUNT - 1:02d}.tif":
            msg = f"{source.name}: no light"
            raise ReadError(msg)
        return measure(planned, source, *given, **more)

    with monkeypatch.context() as patched:
        patched.setattr(field_record, "measured_field", failing)
        with pytest.raises(InspectError, match="no light"):
            job_run.run(job, out)
    assert not (out / "job").exists()
    measured.clear()
    job_run.run(job, out)
    assert measured == [f"f_{COUNT - 1:02d}.tif"]


def test_a_journal_that_another_process_holds_is_left_alone(job):
    planned = job_plan.plan(job)
    target = job.parent / "out" / "job"
    with journal.opened(planned, target) as first, journal.opened(planned, target) as second:
        assert first is not None
        assert second is None


def test_a_folder_of_that_name_that_is_not_ours_is_left_alone(job):
    mine = job.parent / "out" / ".job.fields"
    mine.mkdir(parents=True)
    (mine / "notes.txt").write_text("mine")
    job_run.run(job, job.parent / "out")
    assert [path.name for path in mine.iterdir()] == ["notes.txt"]


def test_few_fields_have_no_journal(job):
    for i in (5, 6):
        (job.parent / f"f_{i:02d}.tif").unlink()
    with journal.opened(job_plan.plan(job), job.parent / "out" / "job") as found:
        assert found is None


# ------------------------------------------------------------------------------------------------ what is stored


@pytest.mark.parametrize(
    "value",
    [
        (1, 0.1, -0.0, 1e-320, float("inf"), "ä\udcff", None, True, [1.5, 2]),
        {1: "a", "b": {(1, 2): np.float32(0.1)}},
        Text("words.pair", one=Text("words.and"), other="b"),
        [np.arange(6, dtype=np.uint16).reshape(2, 3), np.int64(2**62), np.bool_(True)],
    ],
)
def test_a_value_comes_back_to_the_last_bit_and_type(value):
    back = stored.load(stored.dump(value))
    assert repr(back) == repr(value)
    assert stored.dump(back) == stored.dump(value)


def test_a_table_comes_back_with_its_types():
    table = pd.DataFrame(
        {
            "n": np.arange(3),
            "x": [0.1, np.nan, -np.inf],
            "near": [True, False, True],
            "name": ["a", None, "c"],
            "odd": np.array(["a", 1, None], dtype=object),
            "small": np.array([1, 2, 3], np.float32),
        }
    )
    for one in (table, table.iloc[[2, 0]], table.iloc[:0], pd.DataFrame()):
        pd.testing.assert_frame_equal(stored.load(stored.dump(one)), one, check_index_type=False)


@pytest.mark.parametrize(
    "text",
    [
        b"{",
        b'{"class":["os","system",{"command":"true"}]}',
        b'{"class":["pathlib","Path",{}]}',
        b'{"pickle":[]}',
        b'{"array":["|O",[1],"AAAAAAAAAAA="]}',
    ],
)
def test_what_is_no_value_of_ours_is_refused(text):
    with pytest.raises(ReadError, match="kept field"):
        stored.load(text)


def test_what_cannot_be_kept_is_said():
    with pytest.raises(TypeError, match="cannot be kept"):
        stored.dump({"a": object()})
