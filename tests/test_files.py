import json
import math
import os
import re
import stat
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import inspect_tool
from inspect_tool import folders
from inspect_tool.errors import OutputError, SettingsError
from inspect_tool.files import checked, load_job, plain, whole_file, write_text
from inspect_tool.folders import new_folder
from inspect_tool.inspection.job_plan import job_names
from inspect_tool.model import Region, Requirement

JOB = 'recipe = "porosity"\nimages = ["a.tif"]\n'


def job_file(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "job.toml"
    path.write_bytes(text.encode(encoding))
    return path


def test_a_job_of_a_windows_editor_reads_the_same(tmp_path):
    plain_job = load_job(job_file(tmp_path, JOB))
    assert load_job(job_file(tmp_path, JOB.replace("\n", "\r\n"), "utf-8-sig")) == plain_job


@pytest.mark.parametrize(
    ("text", "encoding", "message"),
    [
        (JOB + '[header]\noperator = "Müller"\n', "latin-1", "not UTF-8 text"),
        (JOB + "images = 3\n", "utf-8", "line 3, .*: this key stands twice"),
        ('images = ["a.tif"]\n', "utf-8", "recipe: is missing"),
        ('recipe = "porosity"\n', "utf-8", r"give either 'images' or \[\[specimens\]\]"),
        (JOB + "[calibration]\npixel_um = true\n", "utf-8", "calibration.pixel_um: got True"),
        (JOB + "[calibration]\nvalid_until = 2027-13-41\n", "utf-8", "line 4, .*: is no date"),
        (JOB + '[[requirements]]\nquantity = "x"\nlower = "7"\n', "utf-8", r"requirements.0.lower: got '7'"),
        (JOB + "[region]\nrectangle = [1, 2, 3]\n", "utf-8", "region.rectangle"),
        (JOB.replace('["a.tif"]', '"a.tif"'), "utf-8", "images: got 'a.tif'"),
        (JOB + "page = 1.5\n", "utf-8", "page: got 1.5"),
    ],
)
def test_what_is_wrong_in_a_job_is_named_in_one_line(tmp_path, text, encoding, message):
    with pytest.raises(SettingsError, match=message) as caught:
        load_job(job_file(tmp_path, text, encoding))
    assert "\n" not in str(caught.value)


values = st.recursive(
    st.one_of(st.text(), st.integers(-9, 9), st.floats(), st.booleans()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(values)
def test_any_table_is_taken_or_refused_cleanly(value):
    data = value if isinstance(value, dict) else {"quantity": value}
    try:
        found = checked(Requirement, data, "job.toml")
    except SettingsError as error:
        found = str(error)
    assert isinstance(found, Requirement) or found.startswith("job.toml ")


def test_unknown_keys_of_nested_and_plug_in_settings_are_refused():
    @dataclass(frozen=True, slots=True, kw_only=True)
    class Settings:
        region: Region = field(default_factory=Region)
        level: float = 0.5

    assert checked(Settings, {"region": {"footer_px": 3}}, "x").region.footer_px == 3
    with pytest.raises(SettingsError, match=r"job settings.region.foot: unknown key"):
        checked(Settings, {"region": {"foot": 3}}, "job", under="settings")


@given(st.floats())
def test_json_holds_every_float_to_twelve_digits_or_null(value):
    text = json.dumps(plain({"x": value, "y": np.float64(value)}), allow_nan=False)
    back = json.loads(text)
    if math.isfinite(value):
        assert back["x"] == back["y"] == pytest.approx(value, rel=1e-11)
    else:
        assert back["x"] is back["y"] is None


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    target = tmp_path / "deep" / "report"

    def stop_half_way():
        with new_folder(target) as folder:
            (folder / "a.txt").write_text("half")
            return 1 // 0

    with pytest.raises(ZeroDivisionError, match="integer division"):
        stop_half_way()
    assert list((tmp_path / "deep").iterdir()) == []
    with new_folder(target) as folder:
        (folder / "a.txt").write_text("first")
    with new_folder(target) as folder:
        assert (target / "a.txt").read_text() == "first"  # the old one stays until the new one is whole
        (folder / "b.txt").write_text("second")
    assert sorted(path.name for path in target.iterdir()) == [folders.MARKER, "b.txt"]
    assert [path.name for path in target.parent.iterdir()] == ["report"]


def test_a_file_in_the_way_is_left_alone(tmp_path):
    (tmp_path / "report").write_text("mine")
    with pytest.raises(OutputError, match="a file of that name is in the way"), new_folder(tmp_path / "report"):
        pass
    assert (tmp_path / "report").read_text() == "mine"


def test_text_is_written_whole_with_unix_line_ends(tmp_path):
    write_text(tmp_path / "t.txt", "µ\nend\n")
    assert (tmp_path / "t.txt").read_bytes() == "µ\nend\n".encode()
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_is_on_the_disk_before_it_has_its_name_and_its_name_after_that(tmp_path, monkeypatch):
    steps = []
    flush, name = os.fsync, Path.replace

    def flushed(number):
        steps.append("folder" if stat.S_ISDIR(os.fstat(number).st_mode) else f"{os.fstat(number).st_size} byte")
        flush(number)

    def named(self, target):
        steps.append("name")
        return name(self, target)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(Path, "replace", named)
    write_text(tmp_path / "t.txt", "whole")
    assert steps == ["5 byte", "name", *([] if sys.platform == "win32" else ["folder"])]


@pytest.mark.parametrize("fails", ["while it is written", "before it is named", "nobody names it"])
def test_a_file_that_does_not_come_to_its_name_leaves_the_older_one_and_nothing_else(tmp_path, fails):
    (tmp_path / "t.bin").write_bytes(b"older")

    def write(place):
        place.write_bytes(b"half")
        return 1 // (fails != "while it is written")

    with suppress(ZeroDivisionError), whole_file(tmp_path / "t.bin", write):
        assert 1 // (fails != "before it is named")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"t.bin": b"older"}


def test_two_jobs_that_would_share_a_folder_are_refused(tmp_path):
    with pytest.raises(SettingsError, match="is called 'x' too"):
        job_names([Path("a/x/job.toml"), Path("b/x/job.toml")])


def test_a_schema_is_named_for_its_document_and_not_for_where_the_code_lies():
    # a document of before is read for as long as this name stays, wherever its module moves
    found = set()
    for path in Path(inspect_tool.__file__).parent.rglob("*.py"):
        found |= set(re.findall(r'"(inspect_tool/[a-z_/]+/\d+)"', path.read_text(encoding="utf-8")))
    documents = (
        "comparison/1",
        "fields/1",
        "folder/1",
        "gauge/1",
        "golden/1",
        "journal/1",
        "lab/1",
        "lab_defaults/1",
        "lab_template/1",
        "report/1",
        "report/2",
        "score/1",
        "selftest/1",
        "trend/1",
    )
    assert found == {f"inspect_tool/{name}" for name in (*documents, *(f"validation/{i}" for i in range(1, 7)))}
