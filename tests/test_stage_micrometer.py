from datetime import date

import numpy as np
import pypdf
import pytest
from PIL import Image
from typer.testing import CliRunner

from inspect_tool import cli
from inspect_tool.errors import CalibrationError, MeasurementError, OutputError, SettingsError
from inspect_tool.model import Calibration, Micrograph
from inspect_tool.scale.laboratory_files import read
from inspect_tool.statistics.uncertainty import combined, coverage_factor, effective_dof
from inspect_tool.studies.micrometer.request import Request
from inspect_tool.studies.micrometer.stage_micrometer import calibrate, checked_request, evaluated, measured
from inspect_tool.synthetic import stage_micrometer

SHAPE = (240, 320)
REQUEST = Request(pitch_um=10.0, u_certificate_um=0.1, certificate="K 1", instrument="scope", objective="20x")


def draw(axis="x", seed=1, **changes):
    settings = {"pixel_um": 0.5, "pitch_um": 10.0, "shape_px": SHAPE, "blur_px": 0.8} | changes
    return stage_micrometer(seed=seed, axis=axis, **settings).pixels


def micrograph(pixels, path="a.png", pixel_um=None):
    return Micrograph(pixels=pixels, calibration=Calibration(pixel_um=pixel_um), path=path)


@pytest.fixture(scope="module")
def four():
    """Two images along each axis of one setting."""
    images = [micrograph(draw(axis, seed), f"{axis}{seed}.png") for axis in "xy" for seed in (1, 2)]
    return measured(images, 10.0)


def test_the_pixel_size_lies_within_its_uncertainty(four):
    record = evaluated(four, REQUEST).record
    assert record.pixel_y_um is None
    assert abs(record.pixel_um - 0.5) <= record.coverage_factor * record.u_rel * 0.5
    assert record.image_px == SHAPE
    assert len(record.readings) == 4


def test_the_budget_adds_up_to_the_stated_uncertainty(four):
    record = evaluated(four, REQUEST).record
    assert [line.name for line in record.budget] == [
        "certificate",
        "line reading",
        "repeatability",
        "x/y difference",
        "non-linearity",
    ]
    assert record.u_rel == pytest.approx(combined(record.budget), rel=1e-3)
    assert record.coverage_factor == pytest.approx(coverage_factor(effective_dof(record.budget)), rel=1e-3)
    # by hand: 0.1 um over the length that the lines span, which is 150 um along x and 110 um along y
    spans = [reading.length_um for reading in record.readings]
    assert record.budget[0].u == pytest.approx(np.mean([0.1 / span for span in spans]), rel=1e-3)


def test_a_wider_certificate_never_lowers_the_uncertainty(four):
    stated = [evaluated(four, Request(pitch_um=10.0, u_certificate_um=u)).record.u_rel for u in (0.001, 0.01, 0.1, 1.0)]
    assert stated == sorted(stated)


def test_without_the_uncertainty_of_the_certificate_none_is_stated(four):
    found = evaluated(four, Request(pitch_um=10.0))
    assert found.record.u_rel == 0.0
    assert "uncertainty of the certificate is not stated" in found.warnings[0]


def test_twice_the_pitch_gives_twice_the_pixel(four):
    twice = measured([image.micrograph for image in four[::2]], 20.0)
    assert evaluated(twice, Request(pitch_um=20.0)).record.pixel_um == pytest.approx(1.0, rel=2e-4)


def test_pixels_that_are_not_square_get_two_sizes():
    images = [micrograph(draw("x", pixel_y_um=0.52), "x.png"), micrograph(draw("y", pixel_y_um=0.52), "y.png")]
    record = evaluated(measured(images, 10.0), REQUEST).record
    assert (record.pixel_um, record.pixel_y_um) == pytest.approx((0.5, 0.52), rel=2e-4)
    assert record.x_over_y_percent == pytest.approx(100 * (0.5 / 0.52 - 1), abs=0.05)


def test_one_axis_is_not_enough_unless_pixels_are_known_to_be_square(four):
    with pytest.raises(CalibrationError, match="nothing tells the pixel size along y"):
        evaluated(four[:2], REQUEST)
    known = evaluated(four[:2], Request(pitch_um=10.0, square=True))
    assert known.record.pixel_um == pytest.approx(0.5, rel=1e-4)
    assert any("states that pixels are square" in warning for warning in known.warnings)


def test_images_of_different_magnification_are_refused(four):
    other = micrograph(draw("x", 3, pixel_um=0.52), "other.png")
    with pytest.raises(CalibrationError, match="not of one setting"):
        evaluated(measured([*(image.micrograph for image in four), other], 10.0), REQUEST)


def test_images_of_different_size_are_refused():
    pixels = draw()
    with pytest.raises(CalibrationError, match=r"b.png: 300 x 240 px, but a.png has 320 x 240 px"):
        measured([micrograph(pixels), micrograph(pixels[:, :300], "b.png")], 10.0)


def test_another_pixel_size_than_expected_is_refused(four):
    # every tenth line taken for every line, or another objective
    with pytest.raises(CalibrationError, match=r"um per pixel was measured, 0\.05 was expected: ratio 10;"):
        evaluated(four, Request(pitch_um=10.0, expected_um=0.05))


def test_a_scale_in_the_files_that_differs_is_named(four):
    images = [micrograph(image.micrograph.pixels, image.micrograph.path, pixel_um=0.25) for image in four]
    assert any("files say 0.25 um per pixel" in line for line in evaluated(measured(images, 10.0), REQUEST).warnings)


@pytest.mark.parametrize(
    ("option", "value", "found"),
    [
        ("pitch_um", "10", "--pitch: '10' is not a length"),
        ("pitch_um", "10 parsec", "--pitch: '10 parsec' is not a length"),
        ("u_certificate_um", "0.15", "--u-certificate: '0.15' is not a length"),
        ("due", "1.5.2027", "--due: '1.5.2027' is not a date"),
        ("made", "yesterday", "--date: 'yesterday' is not a date"),
    ],
)
def test_what_is_no_length_or_date_is_refused(option, value, found):
    stated = {"pitch_um": "10um", "u_certificate_um": "", "issued": "", "due": "", "made": ""}
    with pytest.raises(SettingsError, match=found):
        checked_request(stated | {option: value})


@pytest.mark.parametrize(
    "request_", [Request(pitch_um=0.0), Request(pitch_um=10.0, due=date(2020, 1, 1)), Request(pitch_um=1.0, zoom=-1.0)]
)
def test_a_request_that_cannot_be_meant_is_refused_before_an_image_is_read(request_):
    with pytest.raises(SettingsError, match="calibrate: "):
        calibrate([], request_)


def test_the_command_writes_a_file_that_jobs_read_and_a_page_that_carries_it(tmp_path):
    for axis in "xy":
        Image.fromarray(draw(axis)).save(tmp_path / f"{axis}.png")
    out = tmp_path / "calibrations" / "scope_20x"
    asked = ["calibrate", "--stage-micrometer", str(tmp_path / "x.png"), str(tmp_path / "y.png"), "--pitch", "0.01mm"]
    stated = ["--u-certificate", "0.1um", "--certificate", "K 1", "--instrument", "scope", "--due", "2099-01-01"]
    result = CliRunner().invoke(cli.app, [*asked, *stated, "--out", str(out)])
    assert result.exit_code == 0, result.output
    record = read(out / "calibration.toml")
    assert record.pixel_um == pytest.approx(0.5, rel=2e-4)
    assert (record.instrument, record.certificate, record.due) == ("scope", "K 1", date(2099, 1, 1))
    assert all(len(image.sha256) == 64 for image in record.images)
    pdf = pypdf.PdfReader(out / "calibration.pdf")
    words = " ".join(page.extract_text() for page in pdf.pages)
    assert len(pdf.pages) == 1
    assert "K 1" in words
    assert "not stated" in words  # the objective
    assert pdf.attachments["calibration.toml"][0] == (out / "calibration.toml").read_bytes()


def test_nothing_is_written_when_an_image_shows_no_micrometer(tmp_path):
    Image.fromarray(draw("x")).save(tmp_path / "x.png")
    noise = np.random.default_rng(1).integers(0, 255, SHAPE).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    with pytest.raises(MeasurementError, match=r"noise.png: .*found"):
        calibrate([tmp_path / "x.png", tmp_path / "noise.png"], REQUEST, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_with_other_files_is_not_replaced(tmp_path):
    # a laboratory keeps the files of all its objectives in one folder
    folder = tmp_path / "calibrations"
    folder.mkdir()
    (folder / "axio_20x.toml").write_text("pixel_um = 0.5", encoding="utf-8")
    with pytest.raises(OutputError, match=r"calibrations: holds axio_20x\.toml and no list of what inspect_tool wrote"):
        calibrate([tmp_path / "x.png"], REQUEST, folder)
    assert (folder / "axio_20x.toml").is_file()
