"""Marks in color over gray pictures: pores beside them have the drawn share, and specimens keep their colors."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from drawn_colors import annotate, discs, gray_pores, micrograph, tinted_grains, two_hues

import inspect_tool
from inspect_tool.errors import MeasurementError
from inspect_tool.images import colored_marks
from inspect_tool.segmentation import threshold


def compressed(picture, quality):
    return cv2.imdecode(cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 1)[..., ::-1]


@pytest.mark.parametrize("quality", [None, 70])
@pytest.mark.parametrize(
    ("color", "name", "width_px"),
    [((255, 0, 0), "red", 3), ((0, 0, 255), "blue", 1), ((255, 255, 0), "yellow", 6), ((0, 200, 0), "green", 2)],
)
def test_pores_beside_marks_are_the_drawn_ones(color, name, width_px, quality):
    picture, covered = gray_pores(11)
    drawn = annotate(picture, color, width_px)
    marked = drawn if quality is None else np.ascontiguousarray(compressed(drawn, quality))
    found = colored_marks.leave_out(micrograph(marked))
    assert found.roi is not None
    assert not (found.roi & (drawn != picture).any(axis=2)).any()  # no pixel of a mark counts
    assert found.roi.mean() > 0.9
    assert name in found.meta[colored_marks.META]
    labels = threshold.segment(None, found, threshold.Settings()).labels
    assert 100 * (labels == 1)[found.roi].mean() == pytest.approx(100 * covered[found.roi].mean(), abs=0.35)


def test_share_is_that_of_the_region():
    picture, _ = gray_pores(12)
    marked = annotate(picture, (255, 0, 0))
    left = np.zeros(picture.shape[:2], bool)
    left[:, :40] = True  # no mark reaches it
    beside = colored_marks.leave_out(micrograph(marked, left))
    assert beside.roi is left
    assert colored_marks.META not in beside.meta
    whole = colored_marks.leave_out(micrograph(marked))
    assert whole.meta[colored_marks.META].startswith(f"{100 * (~whole.roi).mean():.2g} %")


@pytest.mark.parametrize(
    "picture",
    [
        two_hues(1, (170, 95, 55), (60, 110, 200))[0],
        two_hues(2, (190, 60, 60), (120, 120, 120), share=0.03)[0],
        tinted_grains(3)[0],
        gray_pores(4)[0],
    ],
    ids=["color etch", "few reddish grains", "tinted grains", "plain gray"],
)
def test_specimens_keep_their_colors(picture):
    plain = micrograph(picture)
    assert colored_marks.leave_out(plain) is plain


def test_golden_particles_and_dark_blue_pores_are_specimen():
    rng = np.random.default_rng(5)
    golden, blue = (discs((360, 480), 25, (3, 9), rng)[..., None] for _ in range(2))
    picture = 170 + (np.array([225, 180, 105]) - 170) * golden
    picture = picture * (1 - blue) + np.array([12, 20, 60]) * blue + rng.normal(0, 3, (360, 480, 3))
    plain = micrograph(np.clip(picture, 0, 255).astype(np.uint8))
    assert colored_marks.leave_out(plain) is plain


def test_phases_painted_over_stop_the_measurement():
    picture, covered = gray_pores(6)
    painted = np.where(covered[..., None] > 0.5, np.array([255, 0, 0], np.uint8), picture)
    with pytest.raises(MeasurementError, match="areas of a gray picture are painted red"):
        colored_marks.leave_out(micrograph(painted))


def test_picture_of_nothing_but_marks_is_refused():
    picture, _ = gray_pores(7)
    marked = annotate(picture, (255, 0, 0))
    found = colored_marks.find(marked)
    with pytest.raises(MeasurementError, match="leave nothing of the region"):
        colored_marks.leave_out(replace(micrograph(marked), roi=found.mask))


JOB = """recipe = "porosity"
images = ["*.png"]
exports = ["json"]

[calibration]
source = "ratio only"
"""


def test_page_1_says_what_was_left_out_and_the_job_can_keep_it(tmp_path):
    covered = []
    for seed in range(4):
        picture, cover = gray_pores(20 + seed)
        covered.append(cover)
        cv2.imwrite(str(tmp_path / f"f_{seed}.png"), annotate(picture, (255, 0, 0))[..., ::-1])
    (tmp_path / "job.toml").write_text(JOB)
    report = inspect_tool.run(tmp_path / "job.toml")
    result = next(result for result in report.results if result.quantity == "porosity_percent")
    truth = 100 * float(np.mean(covered))
    assert abs(result.value - truth) <= result.expanded_u
    said = next(warning for warning in report.warnings if "boxes or writing on a gray" in warning)
    assert "f_0.png" in said
    assert "and 1 more" in said
    (tmp_path / "keep.toml").write_text(JOB + '\n[region]\ncolored_marks = "keep"\n')
    kept = inspect_tool.run(tmp_path / "keep.toml")
    assert not any("boxes or writing on a gray" in warning for warning in kept.warnings)
    assert kept.results[0].value > result.value + 0.5  # the marks are measured as pores
