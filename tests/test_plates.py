"""Plates burned into a picture carry writing and are no specimen, whoever reads them or not."""

import cv2
import numpy as np
import pytest
from PIL import Image

from inspect_tool import synthetic
from inspect_tool.inspection import job_run
from inspect_tool.scale import bar

PLATE, BAR = (380, 400, 60, 200), (361, 399, 12, 202)  # top, left, height, width


@pytest.fixture(scope="module")
def field():
    return synthetic.two_phase(seed=3, area_percent=30, feature_um=12, shape_px=(480, 640), pixel_um=0.5)


def burned(pixels, ground=255, label="100 um"):
    """The picture with a bar of 200 px with end ticks, and its label on a plate below."""
    made, ink = pixels.copy(), 255 - ground
    cv2.line(made, (400, 367), (600, 367), ground, 2)
    for at in (400, 600):
        cv2.line(made, (at, 362), (at, 372), ground, 2)
    made[380:440, 400:600] = ground
    cv2.putText(made, label, (420, 424), cv2.FONT_HERSHEY_SIMPLEX, 1.3, ink, 3, cv2.LINE_AA)
    return made


@pytest.mark.parametrize("ground", [0, 255])
@pytest.mark.parametrize("quality", [100, 85])
def test_a_plate_is_found_with_the_bar_beside_it(field, ground, quality):
    packed = cv2.imencode(".jpg", burned(field.pixels, ground), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    plate, *bars = bar.written(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE))
    assert plate == pytest.approx(PLATE, abs=2)
    assert any(box == pytest.approx(BAR, abs=3) for box in bars)


@pytest.mark.parametrize("label", ["", "I"])
def test_a_rectangle_without_writing_may_be_specimen(field, label):
    assert bar.written(burned(field.pixels, label=label)) == []


def test_a_specimen_as_white_as_paper_is_no_plate():
    phases = synthetic.two_phase(seed=4, area_percent=30, feature_um=12, shape_px=(480, 640), pixel_um=0.5)
    assert bar.written(np.where(phases.labels > 0, 255, 0).astype(np.uint8)) == []


def test_a_plate_is_not_measured_though_its_bar_is_not_read(tmp_path, field):
    Image.fromarray(burned(field.pixels)).save(tmp_path / "a.png")
    job = tmp_path / "job.toml"
    job.write_text(
        'recipe = "phase_fraction"\nimages = ["a.png"]\nexports = ["json"]\nscale_bar = "off"\n'
        '[calibration]\npixel_um = 0.5\nu_rel = 0.004\nsource = "stage micrometer"\n',
        encoding="utf-8",
    )
    counts = np.ones(field.pixels.shape, bool)
    for top, left, tall, wide in (PLATE, BAR):
        counts[top : top + tall, left : left + wide] = False
    shares = {
        result.quantity: result.value
        for result in job_run.run(job).results
        if result.quantity.startswith("area_percent")
    }
    true = [100 * float(np.mean(field.labels[counts] == number)) for number in (0, 1)]
    assert sorted(shares.values()) == pytest.approx(sorted(true), abs=0.7)
