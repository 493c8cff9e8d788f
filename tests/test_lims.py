"""``lims.csv`` and its copy for a laboratory information system."""

import csv
import io
import os
from dataclasses import replace
from pathlib import Path

import pytest
from report_example import HEADER, example

from inspect_tool import synthetic
from inspect_tool.errors import OutputError, SettingsError
from inspect_tool.inspection import job_run, lims_drop
from inspect_tool.model import ClassShare, Rating, Requirement
from inspect_tool.paths import data_folder
from inspect_tool.report.exporters import lims
from inspect_tool.verify.verify import verify

SHIPPED = data_folder("templates") / "inspection"
HEAD = (
    "sample_id,keyword,value,unit,expanded_u,coverage_factor,verdict,date,method,analyst,report,digest,"
    "class,class_probability"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return example(tmp_path_factory.mktemp("report"), fields=1, features=8, size=160, grains=12)


def read(text):
    return list(csv.DictReader(io.StringIO(text)))


def rows(report, folder, template=SHIPPED):
    return read(lims.write(report, folder, template).read_text(encoding="utf-8"))


def test_a_line_says_what_is_measured_how_well_and_the_verdict(made, tmp_path):
    text = lims.write(made.report, tmp_path, SHIPPED).read_bytes().decode("utf-8")
    assert text.splitlines()[0] == HEAD
    (size, intercept) = read(text)  # main results; grains per area and anisotropy are neither main nor asked for
    result = made.report.results[0]
    assert float(size["value"]) == result.value
    assert float(size["expanded_u"]) == result.expanded_u
    assert float(size["coverage_factor"]) == result.coverage_factor
    assert (size["keyword"], size["unit"], size["verdict"]) == ("grain_size_number", "G", made.report.verdict)
    assert (intercept["keyword"], intercept["unit"], intercept["verdict"]) == (
        *("mean_intercept_um", "um"),
        "no requirement",
    )
    assert (size["date"], size["method"], size["analyst"]) == ("2026-03-09", "ASTM E112-13", "M. Example")
    assert (size["report"], size["digest"]) == (made.report.id, made.report.digest)


def test_the_only_specimen_goes_by_the_item_and_others_by_their_names(made, tmp_path):
    assert {row["sample_id"] for row in rows(made.report, tmp_path)} == {"S-12"}
    unnamed = replace(made.report, header=replace(HEADER, item="", date_of_work=""))
    assert {row["sample_id"] for row in rows(unnamed, tmp_path)} == {"1"}
    assert {row["date"] for row in rows(unnamed, tmp_path)} == {made.report.provenance.started[:10]}
    named = example(tmp_path / "b", fields=1, features=8, size=160, grains=12, specimen="B2")
    assert {row["sample_id"] for row in rows(named.report, tmp_path)} == {"B2"}


def test_a_line_says_the_class_and_how_sure_it_is(made, tmp_path):
    shares = ClassShare(name="6", probability=0.81), ClassShare(name="5", probability=0.19)
    size, *others = made.report.results
    rated = replace(size, rating=Rating(scale="size class", classes=shares))
    first, second = rows(replace(made.report, results=(rated, *others)), tmp_path)
    assert (first["class"], first["class_probability"]) == ("6", "0.81")
    assert (second["class"], second["class_probability"]) == ("", "")


def test_the_gravest_verdict_stands_and_what_was_asked_in_vain_has_a_line(made, tmp_path):
    (item,) = made.report.conformities
    undecided = replace(item, decision="undecided")
    asked = Requirement(quantity="grains_per_mm2", unit="1/mm2", upper=9000.0, source="drawing")
    density = replace(item, requirement=asked, quantity="grains_per_mm2", decision="conditional pass")
    missing = replace(item, quantity="duplex", value=None, expanded_u=None, decision="not stated")
    report = replace(made.report, conformities=(item, undecided, density, missing), language="de")
    found = {row["keyword"]: row for row in rows(report, tmp_path)}
    assert {name: row["verdict"] for name, row in found.items()} == {
        "grain_size_number": "undecided",
        "mean_intercept_um": "no requirement",
        "grains_per_mm2": "conditional pass",
        "duplex": "not stated",
    }
    assert found["duplex"]["value"] == found["duplex"]["expanded_u"] == ""


def test_keywords_are_those_of_the_laboratory_and_no_text_is_a_formula(made, tmp_path):
    (tmp_path / "template.toml").write_text('[lims]\ngrain_size_number = "G-ASTM"\n', encoding="utf-8")
    odd = replace(made.report, header=replace(HEADER, item="=1+1", operator="@SUM(A1)"))
    first, second = rows(odd, tmp_path, tmp_path)
    assert (first["keyword"], second["keyword"]) == ("G-ASTM", "mean_intercept_um")
    assert (first["sample_id"], first["analyst"]) == ("'=1+1", "'@SUM(A1)")


# ------------------------------------------------------------------------------------------------------ drop folder


@pytest.fixture
def job(tmp_path):
    field = synthetic.pores(seed=1, porosity_percent=3.0, mean_ecd_um=12.0, shape_px=(256, 256))
    import tifffile

    tifffile.imwrite(tmp_path / "a.tif", field.pixels)
    (tmp_path / "to_lims").mkdir()
    (tmp_path / "plate.toml").write_text(
        'recipe = "porosity"\nimages = ["a.tif"]\nexports = ["json", "lims"]\nlims_drop = "to_lims"\n'
        '[calibration]\npixel_um = 1.0\nu_rel = 0.005\nsource = "stage micrometer"\n'
    )
    return tmp_path / "plate.toml"


def test_a_run_puts_its_lines_into_the_drop_folder_under_the_name_of_the_report(job):
    report = job_run.run(job, job.parent / "out")
    (dropped,) = (job.parent / "to_lims").iterdir()
    assert dropped.name == f"{report.id}.csv"
    assert dropped.read_bytes() == (job.parent / "out" / "plate" / "lims.csv").read_bytes()
    assert read(dropped.read_text())[0]["keyword"] == "porosity_percent"
    file = job.parent / "out" / "plate" / "lims.csv"
    assert verify(file.parent).verified
    file.write_bytes(file.read_bytes().replace(b"no requirement", b"pass", 1))
    told = [one.text for one in verify(file.parent).findings if one.state == "differs"]
    assert told == ["lims.csv: is not what the report says"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"to_lims"', '"gone"', r"plate.toml lims_drop: .*gone is not a folder; make it, or connect the drive"),
        (', "lims"]', "]", r'plate.toml lims_drop: lims.csv is not written; add "lims" to exports'),
    ],
)
def test_a_drop_that_cannot_be_is_said_before_anything_is_measured(job, old, new, message):
    job.write_text(job.read_text().replace(old, new))
    with pytest.raises(SettingsError, match=message):
        job_run.check(job)


def test_what_lies_in_the_drop_folder_is_never_written_over(tmp_path):
    made, place = tmp_path / "made", tmp_path / "place"
    made.mkdir(), place.mkdir()
    (made / "lims.csv").write_bytes(b"one")
    assert lims_drop.drop(made, place, "IT-1").read_bytes() == b"one"
    assert lims_drop.drop(made, place, "IT-1").read_bytes() == b"one"  # the same once more
    (made / "lims.csv").write_bytes(b"two")
    with pytest.raises(OutputError, match=r"IT-1.csv: is there and holds something else; it was left alone"):
        lims_drop.drop(made, place, "IT-1")
    assert (place / "IT-1.csv").read_bytes() == b"one"


def test_a_full_drive_leaves_nothing_and_the_report_is_whole(tmp_path, monkeypatch):
    made, place = tmp_path / "made", tmp_path / "place"
    made.mkdir(), place.mkdir()
    (made / "lims.csv").write_bytes(b"one")

    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"IT-1.csv: .*No space left on device; the report is whole, copy .*lims.csv"):
        lims_drop.drop(made, place, "IT-1")
    assert not list(Path(place).iterdir())
