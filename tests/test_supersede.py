"""A report that replaces another names it, says why, shows what differs, and keeps both."""

import numpy as np
import pytest
from PIL import Image

from inspect_tool.errors import OutputError, ReadError, SettingsError
from inspect_tool.evidence import audit
from inspect_tool.files import dump_report, load_report
from inspect_tool.inspection import job_run, supersede
from inspect_tool.verify import verify

JOB = """
recipe = "phase_fraction"
images = ["*.png"]
exports = ["json"]
{more}
[header]
heat = "{heat}"
[calibration]
pixel_um = 1.0
source = "stage micrometer"
[backend]
name = "threshold"
method = "fixed"
levels = [{level}]
classes = ["ferrite", "austenite"]
[[requirements]]
quantity = "area_percent.ferrite"
unit = "%"
rule = "simple"
upper = {upper}
source = "drawing 12"
"""
AGAIN = 'supersedes = "reports/first"\nsupersedes_reason = "wrong heat number"'


def write(path, *, more="", heat="H 1", level=128.0, upper=50.0):
    path.write_text(JOB.format(more=more, heat=heat, level=level, upper=upper), encoding="utf-8")
    return path


@pytest.fixture
def first(tmp_path):
    """A folder with one image, half of it dark but for a band of gray 100, and the report of its job."""
    gray = np.full((120, 160), 200, np.uint8)
    gray[:, :60] = 50
    gray[:, 60:80] = 100
    gray = np.clip(gray + np.random.default_rng(1).normal(0, 4, gray.shape), 0, 255).astype(np.uint8)
    Image.fromarray(gray).save(tmp_path / "a.png")
    job_run.run(write(tmp_path / "first.toml"), tmp_path / "reports")
    return tmp_path


def rows(report):
    (table,) = [table for table in report.tables if table.title == supersede.TABLE]
    return {row[0]: row[2:] for row in table.rows}


def test_a_new_report_names_the_old_one_and_what_differs(first):
    old = load_report(first / "reports" / "first" / "report.json")
    again = write(first / "second.toml", more=AGAIN, heat="H 2", level=75.0, upper=40.0)
    report = job_run.run(again, first / "reports")
    assert report.warnings[0].startswith(f"This report replaces report {old.id} of ")
    assert report.warnings[0].endswith(": wrong heat number.")
    statement = next(item.text for item in report.statements if item.name == "Replaces report")
    assert old.digest in statement
    found = rows(report)
    # dark columns: 80 of 160 below gray 128, 60 of 160 below 75
    assert found["Area fraction ferrite [%]"] == pytest.approx((50.0, 37.5), abs=0.01)
    assert found["area_percent.ferrite, upper limit [%]"] == (50.0, 40.0)
    assert found["Heat or lot"] == ("H 1", "H 2")
    assert found["backend.levels"] == ("128.0", "75.0")
    assert "Image" not in found
    entry = audit.read(first / "reports").entries[-1]
    assert (entry.event, entry.subject, entry.reason) == ("supersede", report.id, "wrong heat number")
    assert (entry.old["digest"], entry.new["digest"]) == (old.digest, report.digest)
    assert load_report(first / "reports" / "first" / "report.json") == old


def test_only_what_differs_is_named(first):
    report = job_run.run(write(first / "second.toml", more=AGAIN, heat="H 2"), first / "reports")
    assert rows(report) == {"Heat or lot": ("H 1", "H 2")}
    same = job_run.run(write(first / "third.toml", more=AGAIN.replace("first", "second"), heat="H 2"))
    assert rows(same) == {"nothing": (None, None)}


def test_another_image_is_named_by_its_hash(first):
    with Image.open(first / "a.png") as image:
        turned = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    (first / "a.png").unlink()
    turned.save(first / "b.png")
    report = job_run.run(write(first / "second.toml", more=AGAIN))
    (table,) = [table for table in report.tables if table.title == supersede.TABLE]
    images = [row[2:] for row in table.rows if row[0] == "Image"]
    assert [tuple(text and text[:6] for text in row) for row in images] == [("a.png ", None), (None, "b.png ")]


def test_a_report_that_replaces_another_is_recomputed_from_what_it_carries(first):
    again = write(first / "second.toml", more=AGAIN, heat="H 2", level=75.0)
    job_run.run(again, first / "reports")
    (first / "reports" / "first").rename(first / "moved away")
    folder = first / "reports" / "second"
    assert [item.text for item in verify.verify(folder).findings if item.state == "differs"] == []
    carried = folder / "evidence" / "replaced-report.json"
    carried.write_bytes(carried.read_bytes().replace(b"H 1", b"H 3"))
    wrong = [item.text for item in verify.verify(folder).findings if item.state == "differs"]
    assert any("replaced-report.json: was changed" in text for text in wrong)
    assert any(supersede.TABLE in text for text in wrong)


def test_a_report_is_not_written_over_the_one_it_replaces(first):
    again = write(first / "first.toml", more=AGAIN)
    with pytest.raises(OutputError, match=r"holds IT-\d+-\w+, which this job replaces; both are kept"):
        job_run.run(again, first / "reports")
    assert job_run.run(again, first / "elsewhere").warnings[0].startswith("This report replaces")


def test_a_report_is_replaced_once(first):
    job_run.run(write(first / "second.toml", more=AGAIN, heat="H 2"), first / "reports")
    job_run.run(first / "second.toml", first / "reports")  # the same job again
    with pytest.raises(OutputError, match=r"is replaced by IT-\S+ already \(entry \d of the audit trail\); replace"):
        job_run.run(write(first / "third.toml", more=AGAIN), first / "reports")


def test_a_reason_is_asked_for_and_so_is_a_report(first):
    for more, missing in (
        ('supersedes = "reports/first"', "supersedes_reason"),
        ('supersedes_reason = "x"', "supersedes"),
    ):
        with pytest.raises(SettingsError, match=f"second.toml {missing}: is missing"):
            job_run.check(write(first / "second.toml", more=more))


def test_a_report_that_was_changed_or_is_not_there_cannot_be_replaced(first):
    from dataclasses import replace

    again = write(first / "second.toml", more=AGAIN)
    path = first / "reports" / "first" / "report.json"
    report = load_report(path)
    path.write_text(dump_report(replace(report, verdict="pass", conforming=True, recipe="x")), encoding="utf-8")
    with pytest.raises(ReadError, match=r"was changed after it was issued"):
        job_run.run(again)
    path.unlink()
    with pytest.raises(ReadError, match=r"holds no report.json"):
        job_run.run(again)
