"""A job goes on without a damaged image only where it says so, and its report counts what it has lost."""

import numpy as np
import pytest
import tifffile
from test_folders import JOB, images
from test_look import truncated

from inspect_tool import synthetic
from inspect_tool.errors import MeasurementError, ReadError, SettingsError
from inspect_tool.inspection import correct, field_record, job_run, one_field
from inspect_tool.languages import said
from inspect_tool.verify.verify import verify

SKIP = 'skip_damaged = "report"\n'


def job(folder, text):
    (folder / "job.toml").write_text(text, encoding="utf-8")
    return folder / "job.toml"


def grains(folder, without, more=""):
    """Squares of 20 um as grains on six fields, drawn by hand; fields ``without`` are one grain that has no end."""
    squares = np.add.outer(10 * (np.arange(200) // 20), np.arange(200) // 20) + 1
    gray = synthetic.grains(seed=1, grain_size_number=8, shape_px=(200, 200)).pixels
    for i in range(6):
        tifffile.imwrite(folder / f"g_{i}.tif", gray + np.uint8(i))
        labels = np.ones_like(squares) if i in without else squares
        tifffile.imwrite(folder / f"m_{i}.tif", labels.astype(np.uint16))
    return job(
        folder,
        f'recipe = "grain_size"\nimages = ["g_*.tif"]\nexports = ["json"]\nscale_bar = "off"\n{more}'
        '[calibration]\npixel_um = 1.0\nu_rel = 0.004\nsource = "stage micrometer"\n'
        '[settings]\nmethod = "mean_area"\n[backend]\nname = "labels"\nmasks = ["m_*.tif"]\nkind = "labels"\n'
        '[[requirements]]\nquantity = "mean_grain_area_um2"\nunit = "um2"\nupper = 600.0\nrule = "simple"\n',
    )


def test_without_the_key_a_damaged_last_image_stops_the_job_and_the_way_on_is_said(tmp_path):
    images(tmp_path, 4)
    truncated(tmp_path / "f_3.tif")
    way = r'f_3\.tif: .*; to have the other images measured, .*: skip_damaged = "report"$'
    with pytest.raises(ReadError, match=way):
        job_run.run(job(tmp_path, JOB.format(images="f_*.tif")), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_word_that_the_key_does_not_have_is_refused(tmp_path):
    images(tmp_path, 1)
    with pytest.raises(SettingsError, match="skip_damaged"):
        job_run.run(job(tmp_path, 'skip_damaged = "yes"\n' + JOB.format(images="f_*.tif")), tmp_path / "out")


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    """A job of four images whose second one is cut off, its report, and that of the three others alone."""
    folder = tmp_path_factory.mktemp("damaged")
    images(folder, 4)
    text = JOB.format(images="f_*.tif")
    others = (folder / "others.toml", text.replace('"f_*.tif"', '"f_0.tif", "f_2.tif", "f_3.tif"'))
    others[0].write_text(others[1])
    alone = job_run.run(others[0], folder / "out")
    truncated(folder / "f_1.tif")
    report = job_run.run(job(folder, SKIP + text), folder / "out", workers=2)
    return folder, report, alone


def test_numbers_are_those_of_the_other_images(damaged):
    _, report, alone = damaged
    assert [result.value for result in report.results] == [result.value for result in alone.results]
    assert [result.n for result in report.results] == [result.n for result in alone.results]
    assert [record.image for record in report.micrographs] == ["f_0.tif", "f_2.tif", "f_3.tif"]
    assert [record.field for record in report.micrographs] == [1, 3, 4]


def test_what_is_lost_is_counted_in_a_check_on_page_1_and_in_a_table(damaged):
    _, report, alone = damaged
    (lost,) = report.lost
    assert (lost.image, lost.specimen, lost.field, lost.place, lost.state) == ("f_1.tif", "1", 2, 2, "not read")
    (check,) = (one for one in report.checks if one.name.key == "inspection.check_not_read")
    assert (check.value, check.passed, check.scope) == (1.0, False, "practice")
    assert check.note.startswith(f"1 of 4 fields could not be read: f_1.tif: {lost.reason}; ")
    assert sum("1 of 4 fields could not be read" in sentence for sentence in report.warnings) == 1
    (table,) = (one for one in report.tables if one.title.key == "inspection.title_lost")
    assert table.rows == (("f_1.tif", "1", "1", 2, "not read", lost.reason),)
    assert said(check.note, "de").startswith("1 von 4 Messfeldern konnten nicht gelesen werden: f_1.tif: ")
    assert alone.lost == ()


def test_nothing_of_a_lost_image_is_in_the_folder_and_the_report_verifies(damaged):
    folder, _, _ = damaged
    assert not list((folder / "out" / "job").rglob("002_*"))
    found = verify(folder / "out" / "job", images=folder)
    assert found.verified
    assert any(item.state == "verified" and "f_1.tif" in item.text for item in found.findings)


def test_an_image_that_was_left_out_and_can_be_measured_does_not_verify(tmp_path, monkeypatch):
    """That of the stated hash is measured again, with the images at hand."""
    images(tmp_path, 3)
    read = one_field.read_source

    def failing(planned, source, beside=None):
        if source.name == "f_1.tif":
            msg = "f_1.tif: did not please"
            raise ReadError(msg)
        return read(planned, source, beside)

    with monkeypatch.context() as patched:
        patched.setattr(field_record, "read_source", failing)
        job_run.run(job(tmp_path, SKIP + JOB.format(images="f_*.tif")), tmp_path / "out")
    assert verify(tmp_path / "out" / "job").verified
    found = verify(tmp_path / "out" / "job", images=tmp_path)
    assert [item.text for item in found.findings if item.state == "differs"] == [
        "f_1.tif: can be measured, the report says that it cannot: did not please"
    ]


def test_a_specimen_that_has_lost_all_of_its_images_stops_the_job(tmp_path):
    images(tmp_path, 4)
    truncated(tmp_path / "f_2.tif")
    truncated(tmp_path / "f_3.tif")
    text = SKIP + JOB.format(images="f_*.tif").replace('images = ["f_*.tif"]\n', "")
    text += '[[specimens]]\nid = "A"\nimages = ["f_0.tif", "f_1.tif"]\n'
    text += '[[specimens]]\nid = "B"\nimages = ["f_2.tif", "f_3.tif"]\n'
    with pytest.raises(ReadError, match=r"^specimen 'B': none of its 2 images can be measured.*f_2\.tif.*f_3\.tif"):
        job_run.run(job(tmp_path, text), tmp_path / "out")


def test_a_field_that_cannot_be_measured_passes_no_requirement(tmp_path):
    """It is not lost at random, as a damaged file is."""
    report = job_run.run(grains(tmp_path, {5}, SKIP), tmp_path / "out")
    whole = job_run.run(grains(tmp_path, set()), tmp_path / "whole")
    assert whole.verdict == "pass"
    assert report.verdict == "undecided"
    (lost,) = report.lost
    assert (lost.image, lost.state) == ("g_5.tif", "not measured")
    (check,) = (one for one in report.checks if one.name.key == "inspection.check_not_measured")
    assert (check.value, check.passed, check.scope) == (1.0, False, "plausibility")
    assert "not missing at random" in check.note
    assert not list((tmp_path / "out" / "job").rglob("006_*"))
    assert verify(tmp_path / "out" / "job").verified


def test_sampling_rules_judge_the_fields_that_were_measured(tmp_path):
    def fields(report):
        (rule,) = (one for one in report.checks if "fields" in one.name.lower() and one.scope == "method")
        return rule.value, rule.passed

    assert fields(job_run.run(grains(tmp_path, set()), None)) == (6.0, True)
    assert fields(job_run.run(grains(tmp_path, {0, 1, 3, 4}, SKIP), None)) == (2.0, False)


def test_a_field_that_cannot_be_measured_names_the_way_on(tmp_path):
    with pytest.raises(MeasurementError, match=r"g_5\.tif.*skip_damaged"):
        job_run.run(grains(tmp_path, {5}), tmp_path / "out")


def test_a_lost_image_costs_no_correction_by_hand_of_another_one(damaged, tmp_path):
    folder, report, _ = damaged
    mask = tmp_path / "mask.png"
    correct.export(folder / "job.toml", mask, image="f_0.tif")
    assert report.lost
    assert mask.is_file()
