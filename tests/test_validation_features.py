"""Features of an image and its segmentation, against drawings whose numbers are known and sums over whole images."""

from math import log

import numpy as np
import pytest

from inspect_tool.model import Calibration, Micrograph, Segmentation
from inspect_tool.validation.features import image_features

SHAPE = (600, 400)


def drawn(noise: float, *, seed: int = 0, step: float = 80.0, base: float = 60.0) -> tuple[np.ndarray, np.ndarray]:
    """Squares of 40 px on a pitch of 100 px: 16 % of the area."""
    labels = np.zeros(SHAPE, np.int32)
    for row in range(30, SHAPE[0], 100):
        for column in range(30, SHAPE[1], 100):
            labels[row : row + 40, column : column + 40] = 1
    pixels = base + step * labels + np.random.default_rng(seed).normal(0, noise, SHAPE)
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8), labels


def features(pixels: np.ndarray, labels: np.ndarray, roi: np.ndarray | None = None, objects: int = 24):
    micrograph = Micrograph(pixels=pixels, calibration=Calibration(), roi=roi)
    segmentation = Segmentation(labels=labels, classes={0: "a", 1: "b"}, kind="semantic", backend="x")
    return image_features(micrograph, segmentation, objects)


def test_features_are_those_of_the_drawing():
    """Squares of 40 px on a pitch of 100: 160 of 10 000 steps to a neighbor below or beside it cross an outline."""
    found = features(*drawn(5.0))
    assert found["contrast"] == pytest.approx(log(80 / 5.0), abs=0.02)
    assert found["share"] == pytest.approx(log(0.16 / 0.84), abs=1e-4)
    crossing, steps = 24 * 160, 599 * 400 + 600 * 399
    assert found["outline"] == pytest.approx(log(crossing / steps), abs=1e-4)
    assert found["fineness"] == pytest.approx(log(25 / 0.24), abs=1e-4)
    assert found["disagreement"] == pytest.approx(log(1e-3))  # Otsu's level finds the same squares
    assert found["valley"] > 0.95
    # the step of two pixels of one label is |N(0, 2 sigma²)|, 2 sigma / sqrt(pi) on average
    scatter = (0.16 * 0.84 * 80**2 + 5**2) ** 0.5
    assert found["noise"] == pytest.approx(log(2 * 5 / np.pi**0.5 / scatter), abs=0.02)
    assert found["sharpness"] == pytest.approx(log(80 / (2 * 5 / np.pi**0.5)), abs=0.02)
    assert found["separation"] == pytest.approx(0.16 * 0.84 * 80**2 / scatter**2, abs=0.01)


def test_brightness_and_contrast_of_the_camera_do_not_matter():
    one = features(*drawn(4.0))
    pixels, labels = drawn(8.0, step=160.0, base=40.0)
    other = features(pixels, labels)
    assert other == pytest.approx(one, abs=0.03)
    stretched = features((pixels.astype(np.float32) * 0.01 - 3).astype(np.float32), labels)
    assert stretched["contrast"] == pytest.approx(other["contrast"], abs=0.02)


def test_bands_of_rows_add_up_to_the_whole_image():
    """Steps and sides, summed over the whole image at once."""
    pixels, labels = drawn(12.0)
    found = features(pixels, labels)
    gray = pixels.astype(float)
    across, beside = [], []
    for axis in (0, 1):
        step, crosses = np.abs(np.diff(gray, axis=axis)), np.diff(labels, axis=axis) != 0
        across.append(step[crosses])
        beside.append(step[~crosses])
    ratio = np.concatenate(across).mean() / np.concatenate(beside).mean()
    assert found["sharpness"] == pytest.approx(log(ratio), abs=1e-5)
    inner = np.sqrt(np.mean((gray - np.where(labels, gray[labels == 1].mean(), gray[labels == 0].mean())) ** 2))
    assert found["contrast"] == pytest.approx(
        log((gray[labels == 1].mean() - gray[labels == 0].mean()) / inner), abs=1e-5
    )
    tiles = [gray[r : r + 75, c : c + 50].mean() for r in range(0, 600, 75) for c in range(0, 400, 50)]
    assert found["shading"] == pytest.approx(log(np.std(tiles) / gray.std()), abs=1e-5)


def test_only_the_region_counts():
    pixels, labels = drawn(5.0)
    roi = np.zeros(SHAPE, np.bool_)
    roi[:300] = True
    spoiled = pixels.copy()
    spoiled[300:] = np.random.default_rng(1).integers(0, 256, (300, 400))
    inside = features(spoiled, labels, roi)
    assert inside == pytest.approx(features(pixels, labels, roi))
    assert inside["contrast"] == pytest.approx(features(pixels[:300], labels[:300])["contrast"], abs=1e-5)


def test_a_segmentation_that_is_off_shows_as_a_disagreement_and_less_contrast():
    pixels, labels = drawn(5.0)
    wrong = np.roll(labels, 10, axis=1)
    wrong[:, :200] = 0
    found, right = features(pixels, wrong), features(pixels, labels)
    assert found["disagreement"] == pytest.approx(log(0.08), abs=0.05)
    assert found["contrast"] < right["contrast"] - 1


@pytest.mark.parametrize("value", [0, 255])
def test_an_image_of_one_gray_level_has_finite_features(value):
    found = features(np.full(SHAPE, value, np.uint8), np.zeros(SHAPE, np.int32), objects=0)
    assert all(np.isfinite(number) for number in found.values())
