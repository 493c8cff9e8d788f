from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from PIL import Image

from inspect_tool import synthetic
from inspect_tool.errors import CalibrationError, SettingsError
from inspect_tool.files import dump_calibration
from inspect_tool.inspection import job_plan, job_run
from inspect_tool.model import Calibration, CalibrationReading, CalibrationRecord, Component
from inspect_tool.scale.laboratory_files import check_image, read, resolve

RECORD = CalibrationRecord(
    pixel_um=0.25,
    u_rel=0.002,
    instrument="Axio Imager",
    objective="50x",
    zoom=1.0,
    binning=1,
    image_px=(200, 240),
    method="stage micrometer",
    certificate="DAkkS 2025-1142",
    issued=date(2025, 6, 1),
    due=date(2027, 6, 1),
    date=date(2026, 6, 1),
    readings=(CalibrationReading(axis="x", length_um=50.0, length_px=(200.0, 200.1)),),
    budget=(Component(name="certificate", u=0.0016, kind="B"), Component(name="reading", u=0.0012, kind="A", dof=9)),
)


def write(folder: Path, name: str = "axio_50x.toml", **changes: object) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dump_calibration(replace(RECORD, **changes)), encoding="utf-8")
    return path


def test_a_calibration_file_reads_back_as_it_was_written(tmp_path):
    assert read(write(tmp_path)) == RECORD


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"pixel_um": 0.5}, "0.5 um per pixel is stated, its readings along x give 0.249"),
        ({"u_rel": 0.004}, r"u_rel = 0.004, but the lines of its budget add up to 0.002"),
        ({"due": date(2026, 1, 1)}, "due 2026-01-01 lies before the calibration, 2026-06-01"),
        ({"image_px": (0, 10)}, "give rows and columns"),
    ],
)
def test_numbers_of_a_file_that_contradict_each_other_are_refused(tmp_path, changes, found):
    with pytest.raises(CalibrationError, match=found):
        read(write(tmp_path, **changes))


def test_an_unknown_key_is_refused(tmp_path):
    path = write(tmp_path)
    path.write_text("pixelum = 1.0\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(SettingsError, match="pixelum: unknown key"):
        read(path)


def test_a_job_that_names_a_file_gets_what_the_file_says(tmp_path):
    write(tmp_path / "calibrations")
    found = resolve(Calibration(file="calibrations/axio_50x.toml", note="seen"), tmp_path, "job.toml calibration")
    assert (found.pixel_um, found.u_rel, found.certificate) == (0.25, 0.002, "DAkkS 2025-1142")
    assert found.valid_until == date(2027, 6, 1)
    assert found.source == "calibration file axio_50x.toml: stage micrometer"
    assert found.image_px == (200, 240)
    assert found.note.startswith("seen; Axio Imager, 50x")


def test_a_calibration_without_a_file_stays_as_it_is(tmp_path):
    stated = Calibration(pixel_um=0.5, source="stage micrometer")
    assert resolve(stated, tmp_path, "job") is stated


def lab(folder: Path) -> Path:
    write(folder / "calibrations")
    write(folder / "calibrations", "axio_50x_binned.toml", binning=2, pixel_um=0.5, readings=())
    write(folder / "calibrations", "axio_10x/calibration.toml", objective="10x", pixel_um=1.25, readings=())
    return folder


def test_instrument_and_objective_name_a_file_of_a_folder(tmp_path):
    stated = Calibration(file="calibrations", instrument="axio imager", objective="10 x")
    found = resolve(stated, lab(tmp_path), "job")
    assert found.pixel_um == 1.25
    assert found.source == "calibration file axio_10x/calibration.toml: stage micrometer"
    assert found.file == "calibrations/axio_10x/calibration.toml"


def test_binning_tells_two_files_apart(tmp_path):
    stated = Calibration(file="calibrations", instrument="Axio Imager", objective="50x", binning=2)
    assert resolve(stated, lab(tmp_path), "job").pixel_um == 0.5


@pytest.mark.parametrize(
    ("stated", "error", "found"),
    [
        (
            {"instrument": "Axio Imager", "objective": "50x"},
            CalibrationError,
            r"2 calibration files fit instrument 'Axio Imager', objective '50x'.*axio_50x.toml.*axio_50x_binned.toml",
        ),
        (
            {"instrument": "Axio Imager", "objective": "100x"},
            CalibrationError,
            "no calibration file is for .*'100x'; there are: .*axio_10x/calibration.toml: Axio Imager, 10x",
        ),
        ({"instrument": "Axio Imager"}, SettingsError, "is a folder; name instrument and objective"),
        ({"file": "calibrations/none.toml"}, SettingsError, "'calibrations/none.toml' does not exist"),
        (
            {"file": "calibrations/axio_50x.toml", "binning": 2},
            CalibrationError,
            "the job states binning 2, axio_50x.toml was made with binning 1",
        ),
        (
            {"file": "calibrations/axio_50x.toml", "pixel_um": 0.25},
            SettingsError,
            "'file' and 'pixel_um' are both given",
        ),
        ({"file": "calibrations/axio_50x.toml", "u_rel": 0.1}, SettingsError, "'file' and 'u_rel' are both given"),
        ({"file": "empty", "instrument": "a", "objective": "b"}, SettingsError, "'empty' holds no calibration file"),
    ],
)
def test_what_names_no_single_file_is_refused_and_says_what_there_is(tmp_path, stated, error, found):
    (tmp_path / "empty").mkdir()
    with pytest.raises(error, match=found):
        resolve(Calibration(**{"file": "calibrations"} | stated), lab(tmp_path), "job.toml calibration")


def test_an_image_of_another_size_is_refused_with_both_sizes():
    made = Calibration(pixel_um=0.25, source="calibration file a.toml", image_px=(1000, 1200))
    check_image(made, (1000, 1200), "a.png")
    with pytest.raises(
        CalibrationError, match=r"b.png: the image is 600 x 500 px, .*a.toml was made at 1200 x 1000 px"
    ):
        check_image(made, (500, 600), "b.png")


def test_an_image_of_another_binning_is_refused_with_both():
    made = Calibration(pixel_um=0.25, source="calibration file a.toml", binning=1)
    check_image(made, (10, 10), "a.png", "1 x 1")
    check_image(made, (10, 10), "a.png")
    with pytest.raises(CalibrationError, match=r"the image says binning 2 x 2, .* at binning 1"):
        check_image(made, (10, 10), "a.png", "2 x 2")


# ------------------------------------------------------------------------------------------------- whole jobs


def job(folder: Path, calibration: str, header: str = 'date_of_work = "2026-11-01"', size: int = 0) -> Path:
    field = synthetic.two_phase(seed=1, area_percent=30.0, feature_um=3.0, pixel_um=0.25, shape_px=(200, 240))
    image = Image.fromarray(field.pixels)
    (image.resize((240 + size, 200 + size)) if size else image).save(folder / "a.png")
    write(folder)
    path = folder / "job.toml"
    path.write_text(
        'recipe = "phase_fraction"\nimages = ["a.png"]\nexports = ["json"]\n'
        f"[header]\n{header}\n[calibration]\n{calibration}\n"
        '[backend]\nname = "threshold"\nclasses = ["ferrite", "austenite"]\nphase = "dark"\n',
        encoding="utf-8",
    )
    return path


def test_a_job_is_measured_with_the_scale_of_its_calibration_file(tmp_path):
    report = job_run.run(job(tmp_path, 'file = "axio_50x.toml"'))
    used = report.micrographs[0].calibration
    assert (used.pixel_um, used.u_rel) == (0.25, 0.002)
    assert [check.passed for check in report.checks if check.name == "Certificate of the scale still valid"] == [True]


def test_a_resized_image_is_blocked_before_it_is_measured(tmp_path):
    with pytest.raises(CalibrationError, match=r"a.png: the image is 250 x 210 px, .* made at 240 x 200 px"):
        job_run.check(job(tmp_path, 'file = "axio_50x.toml"', size=10))


def test_the_size_that_counts_is_that_before_the_region_is_cut(tmp_path):
    path = job(tmp_path, 'file = "axio_50x.toml"')
    path.write_text(path.read_text(encoding="utf-8") + "[region]\nfooter_px = 20\n", encoding="utf-8")
    assert job_run.check(path).sources[0].stated.pixel_um == 0.25


def test_an_expired_calibration_is_a_failed_check_and_shown_by_check(tmp_path):
    path = job(tmp_path, 'file = "axio_50x.toml"', 'date_of_work = "2027-06-02"')
    report = job_run.run(path)
    failed = [check for check in report.checks if not check.passed and check.scope == "calibration"]
    assert [check.name for check in failed] == ["Certificate of the scale still valid"]
    lines = job_plan.scale_lines(job_run.check(path))
    assert "calibration file axio_50x.toml" in lines[0]
    assert any("Certificate of the scale still valid" in line and "2027-06-01" in line for line in lines[1:])


def test_an_expired_calibration_stops_the_job_that_says_so(tmp_path):
    path = job(tmp_path, 'file = "axio_50x.toml"\nexpired = "stop"', 'date_of_work = "2027-06-02"')
    with pytest.raises(CalibrationError, match="valid until 2027-06-01, work done 2027-06-02"):
        job_plan.plan(path)
    in_time = job(tmp_path, 'file = "axio_50x.toml"\nexpired = "stop"', 'date_of_work = "2027-06-01"')
    assert job_plan.plan(in_time).sources
