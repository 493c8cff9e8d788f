"""Phases that color tells apart and gray does not: shares are the drawn ones, and doubt stands where gray fails."""

import cv2
import numpy as np
import pytest
from drawn_colors import eight_bit, gray_pores, micrograph, mosaic, smooth, tinted_grains, two_hues

import inspect_tool
from inspect_tool import measure_fields
from inspect_tool.images import color
from inspect_tool.model import Calibration, Micrograph
from inspect_tool.segmentation import threshold

TAN, BLUE = (170, 95, 55), (60, 110, 200)
PAIRS = [
    (TAN, BLUE),
    ((200, 60, 60), (60, 160, 60)),
    ((130, 115, 110), (110, 120, 130)),
    ((190, 150, 60), (150, 110, 170)),
]


def share(picture, **settings):
    found = threshold.segment(None, micrograph(picture), threshold.Settings(**settings))
    return 100 * float((found.labels == 1).mean()), found


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize(("part", "noise"), [(0.04, 2.0), (0.35, 6.0)])
def test_hues_of_equal_gray_have_their_drawn_share(pair, part, noise):
    picture, truth = two_hues(31, *pair, share=part, noise=noise)
    assert share(picture, channel="gray")[0] == pytest.approx(0, abs=0.5)  # gray sees none of it
    value, found = share(picture)
    assert value == pytest.approx(truth, abs=0.3)
    assert found.settings["color_separation"] > 6
    bright = share(picture, phase="bright")[0]
    assert bright == pytest.approx(truth, abs=0.3)  # a hue is neither dark nor bright: the one of less area counts


@pytest.mark.parametrize("luminance", [(90, 150), (150, 90)])
def test_gray_is_kept_where_it_separates_as_well(luminance):
    picture, truth = two_hues(32, TAN, BLUE, luminance=luminance, share=0.3)
    value, found = share(picture, phase="dark" if luminance[0] < luminance[1] else "bright")
    assert "color_weights" not in found.settings
    assert value == pytest.approx(truth, abs=0.4)


@pytest.mark.parametrize("picture", [tinted_grains(33)[0], gray_pores(34)[0]], ids=["many tints", "gray"])
def test_axis_is_refused_where_color_does_not_fall_in_two(picture):
    assert color.axis_of(picture) is None


@pytest.mark.parametrize(("seed", "inclusions"), [(4, 20), (1, 150), (4, 150)])
def test_what_is_darker_than_all_tinted_grains_has_its_drawn_share(seed, inclusions):
    # half-way up the edges, which are those between grains, lie 71, 1 and 50 %
    picture, truth = tinted_grains(seed, inclusions=inclusions)
    value, found = share(picture)
    assert value == pytest.approx(truth, rel=0.1)
    assert found.settings["outline_on_edges"] > 0.95
    negative, _ = share(255 - picture, phase="bright")
    assert negative == pytest.approx(truth, rel=0.1)
    assert share(picture, channel="gray")[0] != pytest.approx(truth, rel=0.5)  # color is not looked at, by request


@pytest.mark.parametrize("phase", ["dark", "bright"])
@pytest.mark.parametrize(("part", "grains"), [(0.08, 64), (0.4, 200)])  # few, and more than half of many a place
def test_a_phase_as_coarse_as_the_tinted_grains_has_its_drawn_share(part, grains, phase):
    rng = np.random.default_rng(3)
    cells = mosaic((300, 400), grains, rng)
    tints = np.array([[200, 180, 90], [150, 170, 130], [130, 150, 210], [170, 150, 170], [190, 200, 200]])
    colors = tints[rng.integers(0, 5, cells.max() + 1)] + rng.normal(0, 8, (cells.max() + 1, 3))
    dark = rng.random(cells.max() + 1) < part
    colors[dark] = 45
    drawn = np.dstack([smooth(colors[cells][..., i]) for i in range(3)]) + rng.normal(0, 4, (300, 400, 3))
    picture = eight_bit(drawn if phase == "dark" else 255 - drawn)
    assert share(picture, phase=phase)[0] == pytest.approx(100 * dark[cells].mean(), rel=0.05)


def test_axis_lies_along_the_difference_of_the_hues_and_ignores_what_does_not_count():
    picture, _ = two_hues(35, TAN, BLUE, share=0.3)
    picture[:, :100] = (250, 20, 20)  # another thing, outside the region
    inside = np.ones(picture.shape[:2], bool)
    inside[:, :110] = False
    axis = color.axis_of(picture, inside)
    weights = np.array(axis.weights)
    assert abs(weights @ (1, 1, 1)) < 0.35 * np.linalg.norm(weights)  # nearly blind to brightness
    assert weights @ np.array(TAN) < weights @ np.array(BLUE)  # the lesser hue lies low
    along = color.along_axis(picture, axis)
    assert along[5, 300] == pytest.approx(float(weights @ picture[5, 300].astype(float)), abs=1e-3)


def test_spread_is_the_distance_of_two_hues_in_one_class():
    # halves of two colors of equal gray that differ by d in one class: standard deviation d / 2
    picture = np.zeros((200, 300, 3), np.uint8)
    picture[:, :150], picture[:, 150:] = (150, 100, 115), (110, 120, 115)
    one = np.zeros((200, 300), np.int32)
    two = one.copy()
    two[:, 150:] = 1
    # differences of channels: (R - G)/sqrt 2 and (2B - R - G)/sqrt 6
    first, second = (
        np.array([(r - g) / 2**0.5, (2 * b - r - g) / 6**0.5])
        for r, g, b in (picture[0, 0] * 1.0, picture[0, -1] * 1.0)
    )
    assert color.spread_inside(picture, one) == pytest.approx(np.hypot(*(first - second)) / 2, rel=0.06)
    assert color.spread_inside(picture, two) < 0.5
    assert color.spread_inside(picture, one, classes=(1,)) == 0


def doubts(picture, recipe, **settings):
    image = micrograph(picture)
    chosen = threshold.Settings(channel="gray")
    found = measure_fields(recipe, [image], [threshold.segment(None, image, chosen)], **settings)
    return [check for check in found.checks if check.name.startswith("Color inside")]


@pytest.mark.parametrize("recipe", ["phase_fraction", "porosity"])
def test_gray_that_mistakes_tints_for_phases_is_doubted(recipe):
    picture, truth = tinted_grains(36)
    assert abs(share(picture, channel="gray")[0] - truth) > 10  # what is doubted is wrong indeed
    (check,) = doubts(picture, recipe)
    assert not check.passed
    assert check.scope == "plausibility"


def test_hue_that_gray_does_not_see_is_doubted():
    (check,) = doubts(two_hues(37, TAN, BLUE)[0], "phase_fraction")
    assert not check.passed


def test_one_tint_is_no_doubt_and_gray_images_are_not_asked():
    lamp = np.array([1.0, 0.85, 0.65])
    gray, _ = gray_pores(38)
    (check,) = doubts(eight_bit(gray * lamp), "porosity")
    assert check.passed
    plain = Micrograph(pixels=gray[..., 0], calibration=Calibration(pixel_um=None, source="ratio only"), path="g.png")
    found = measure_fields("porosity", [plain], [threshold.segment(None, plain, threshold.Settings())])
    assert not any(check.name.startswith("Color") for check in found.checks)


def test_tinted_grains_that_are_meant_leave_the_phase_to_be_judged():
    rng = np.random.default_rng(39)
    cells = mosaic((360, 480), 60, rng)
    tints = np.array([[210, 190, 150], [160, 200, 220], [200, 170, 210]])[rng.integers(0, 3, cells.max() + 1)]
    picture = tints[cells] + rng.normal(0, 3, (360, 480, 3))
    rows, columns = np.mgrid[:360, :480]
    for row, column in rng.uniform(30, 330, (12, 2)):
        picture[(rows - row) ** 2 + (columns - column) ** 2 < 12**2] = 25  # black inclusions, clear in gray
    assert not doubts(eight_bit(picture), "phase_fraction")[0].passed
    assert doubts(eight_bit(picture), "phase_fraction", tinted_grains=True)[0].passed


JOB = """recipe = "phase_fraction"
images = ["*.png"]
exports = ["json"]

[calibration]
source = "ratio only"

[[requirements]]
quantity = "area_percent.dark"
unit = "%"
upper = 5.0
source = "drawing"
"""


def report_of(folder, pictures):
    for i, picture in enumerate(pictures):
        cv2.imwrite(str(folder / f"f_{i}.png"), picture[..., ::-1])
    (folder / "job.toml").write_text(JOB)
    return inspect_tool.run(folder / "job.toml")


def test_color_etch_fails_its_limit_and_page_1_says_how_it_was_told(tmp_path):
    drawn = [two_hues(40 + seed, TAN, BLUE) for seed in range(3)]
    report = report_of(tmp_path, [picture for picture, _ in drawn])
    result = report.results[0]
    assert result.value == pytest.approx(np.mean([truth for _, truth in drawn]), abs=0.3)
    assert report.verdict == "fail"
    assert any("separated by color" in warning and "3 of 3" in warning for warning in report.warnings)
    same = next(check for check in report.checks if check.name.startswith("Same color axis"))
    assert same.passed


def test_fields_whose_lesser_hue_differs_are_doubted(tmp_path):
    pictures = [two_hues(50, TAN, BLUE, share=0.3)[0], two_hues(51, BLUE, TAN, share=0.3)[0]]
    report = report_of(tmp_path, pictures)
    same = next(check for check in report.checks if check.name.startswith("Same color axis"))
    assert same.value < -0.7
    assert not same.passed
