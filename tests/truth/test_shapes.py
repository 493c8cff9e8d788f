"""Classes that hold more than what is meant: scratches among pores, boundaries among grains, bright floors."""

import cv2
import numpy as np
import pytest
from drawn_colors import discs, eight_bit, mosaic, smooth
from drawn_structures import cut_gaussian
from scipy import ndimage

from inspect_tool import measure_fields
from inspect_tool.model import Calibration, Micrograph
from inspect_tool.segmentation import threshold

SHAPE = (480, 640)


def judged(gray, recipe="porosity", **settings):
    """Area share and checks by name of a drawn field with the defaults."""
    calibration = Calibration(pixel_um=None, source="ratio only")
    image = Micrograph(pixels=eight_bit(gray), calibration=calibration, path="field.tif")
    found = measure_fields(recipe, [image], [threshold.segment(None, image, threshold.Settings())], **settings)
    return found.results[0].value, {check.name.split(",")[0]: check for check in found.checks}


def pores(seed, scratches):
    """Pores in metal crossed by scratches of one direction."""
    rng = np.random.default_rng(seed)
    covered = discs(SHAPE, 60, (4, 14), rng)
    lines = np.zeros(SHAPE, np.uint8)
    for _ in range(scratches):
        angle, length = rng.uniform(0.3, 0.5), rng.uniform(150, 500)
        row, column = rng.uniform(0, 480), rng.uniform(0, 640)
        step = length * np.array([np.cos(angle), np.sin(angle)])
        ends = [(int(column + sign * step[0]), int(row + sign * step[1])) for sign in (-1, 1)]
        cv2.line(lines, ends[0], ends[1], 255, int(rng.integers(1, 4)), cv2.LINE_AA)
    dark = np.maximum(covered, 0.75 * lines / 255)
    return 190 - 150 * smooth(dark) + rng.normal(0, 3, SHAPE), 100 * float(covered.mean())


@pytest.mark.parametrize("seed", range(3))
def test_scratches_among_pores_are_doubted_and_pores_alone_are_not(seed):
    clean, truth = pores(seed, 0)
    value, checks = judged(clean)
    assert value == pytest.approx(truth, abs=0.3)
    assert checks["Area of thin"].passed
    assert checks["Holes in the pores"].passed
    scratched, truth = pores(seed, 25)
    value, checks = judged(scratched)
    assert value > 2 * truth
    assert not checks["Area of thin"].passed
    assert checks["Area of thin"].scope == "plausibility"
    assert checks["Area of thin"].value == pytest.approx(100 * (1 - truth / value), abs=10)
    assert judged(scratched, expected_shape="any")[1]["Area of thin"].passed


def etched(seed, share, width_px):
    """Dark grains, and dark boundaries of all grains."""
    rng = np.random.default_rng(seed)
    cells = mosaic(SHAPE, 80, rng)
    dark = (rng.random(int(cells.max()) + 1) < share)[cells]
    edge = np.zeros(SHAPE, np.uint8)
    edge[:-1] |= cells[:-1] != cells[1:]
    edge[:, :-1] |= cells[:, :-1] != cells[:, 1:]
    lines = cv2.dilate(edge, np.ones((width_px, width_px), np.uint8)) > 0 if width_px else np.zeros(SHAPE, bool)
    return 200 - 140 * smooth((dark | lines).astype(float)) + rng.normal(0, 3, SHAPE), 100 * float(dark.mean())


def test_boundaries_among_dark_grains_are_doubted_and_a_network_is_not():
    plain, truth = etched(11, 0.15, 0)
    value, checks = judged(plain, "phase_fraction")
    assert value == pytest.approx(truth, abs=0.4)
    assert checks["Area of thin"].passed
    mixed, truth = etched(11, 0.15, 4)
    value, checks = judged(mixed, "phase_fraction")
    assert value > truth + 5
    assert not checks["Area of thin"].passed
    assert judged(mixed, "phase_fraction", expected_shape="any")[1]["Area of thin"].passed
    network, _ = etched(11, 0.0, 4)
    assert judged(network, "phase_fraction")[1]["Area of thin"].passed  # all of it is lines: one shape
    assert not judged(network, "phase_fraction", expected_shape="compact")[1]["Area of thin"].passed


@pytest.mark.parametrize("seed", range(2))
def test_pores_with_a_bright_floor_are_doubted_until_their_holes_are_filled(seed):
    rng = np.random.default_rng(20 + seed)
    covered = discs(SHAPE, 40, (8, 14), rng)
    depth = cv2.distanceTransform((covered > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    gray = 190 - 150 * covered + 120 * (depth > 5)
    value, checks = judged(smooth(gray, 1.0) + rng.normal(0, 3, SHAPE))
    assert value < 100 * covered.mean() - 0.5
    assert not checks["Holes in the pores"].passed


def two_or_three(seed, third, blur_px):
    """Dark and bright phase, with or without a gray one of a quarter of the area, and the shares of all three. [%]"""
    rng = np.random.default_rng(seed)
    gray = np.where(cut_gaussian(rng, 0.4, 12, size=400), 60.0, 200.0)
    if third:
        gray = np.where(cut_gaussian(rng, 0.25, 12, size=400), 130.0, gray)
    shares = [100 * float((gray == value).mean()) for value in (60, 130, 200)]
    return ndimage.gaussian_filter(gray, blur_px) + rng.normal(0, 3, gray.shape), shares


@pytest.mark.parametrize("blur_px", [0.8, 1.6])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_class_that_is_only_the_gray_between_two_others_is_doubted(seed, blur_px):
    levels = threshold.Settings(method="fixed", levels=(95, 165), classes=("dark", "gray", "bright"))
    found = {}
    for third in (False, True):
        gray, shares = two_or_three(seed, third, blur_px)
        image = Micrograph(pixels=eight_bit(gray), calibration=Calibration(source="ratio only"), path="field.tif")
        made = measure_fields("phase_fraction", [image], [threshold.segment(None, image, levels)])
        (check,) = (one for one in made.checks if one.name.endswith("other classes, gray"))
        (share,) = (one.value for one in made.results if one.quantity == "area_percent.gray")
        found[third] = check, share, shares[1]
    check, share, truth = found[False]
    assert truth == 0 < 2 < share
    assert check.value > 95
    assert not check.passed
    assert check.scope == "plausibility"
    check, share, truth = found[True]
    assert share > truth > 20  # it has such rims as well
    assert check.passed
