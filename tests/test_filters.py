"""Shading and noise, against known ones."""

import cv2
import numpy as np
import pytest

from inspect_tool.images.filters import background, flat_field, noise_sigma

# ----------------------------------------------------------------------------------------------------------- shading


def shaded(kind):
    """Two phases of known gray values under a known shading."""
    rng = np.random.default_rng(1)
    rows, columns = np.mgrid[-1:1:400j, -1:1:500j]
    slow = 1 + 0.25 * columns - 0.15 * rows - 0.2 * (rows**2 + columns**2)
    flat = np.full(rows.shape, 180.0)
    for row, column in rng.integers(0, 400, (60, 2)):
        cv2.circle(flat, (int(column), int(row)), 12, 60.0, -1)
    return flat, slow, (flat * slow).astype(np.float32) if kind == "divide" else (flat + 60 * slow).astype(np.float32)


@pytest.mark.parametrize("model", ["divide", "subtract"])
def test_flat_field_takes_known_shading_out(model):
    flat, _, pixels = shaded(model)
    before = float(pixels[flat == 180].std())
    found = flat_field(pixels, model=model)
    assert found.dtype == np.float32
    assert found[flat == 180].std() < 0.06 * before  # a polynomial fits this shading almost exactly
    assert found.mean() == pytest.approx(pixels.mean(), rel=0.15)


def test_flat_field_leaves_an_even_image_as_it_is():
    pixels = np.full((100, 120), 130, np.uint8)
    pixels[20:30, 20:30] = 90
    assert np.abs(flat_field(pixels).astype(int) - pixels).max() <= 1
    assert flat_field(pixels).dtype == np.uint8


def test_what_lies_outside_the_roi_does_not_pull_the_background():
    flat, _, pixels = shaded("divide")
    roi = np.ones(pixels.shape, bool)
    roi[:, :150] = False
    black = pixels.copy()
    black[~roi] = 0
    a, b = (flat_field(image, roi=roi)[:, 170:] for image in (black, pixels))
    assert np.abs(a - b).max() < 3
    matrix = a[flat[:, 170:] == 180]
    assert matrix.std() / matrix.mean() < 0.03


def test_a_gaussian_background_follows_shading_and_no_small_things():
    rows, columns = np.mgrid[:300, :400]
    slow = (100 + 0.1 * columns).astype(np.float32)
    pixels = slow + np.where((rows % 40 < 4) & (columns % 40 < 4), np.float32(50), 0)  # half a gray value on average
    found = background(pixels, sigma_px=40)
    assert found.dtype == np.float32
    assert np.abs(found - slow - 0.5)[100:200, 100:300].max() < 0.5


# ------------------------------------------------------------------------------------------------------------- noise


@pytest.mark.parametrize("sigma", [0.7, 1.0, 3.0, 12.0])
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_noise_is_found_beside_structure(sigma, kind):
    rng = np.random.default_rng(2)
    pixels = np.full((500, 600), 100.0)
    pixels[:, 300:] = 180
    pixels += np.linspace(0, 20, 600)
    for row, column in rng.integers(0, 500, (40, 2)):
        cv2.circle(pixels, (int(column), int(row)), 15, 60.0, -1)
    pixels = pixels + rng.normal(0, sigma, pixels.shape)
    pixels = np.rint(pixels).astype(np.uint8) if kind is np.uint8 else pixels.astype(np.float32)
    rounding = 1 / 12 if kind is np.uint8 else 0.0
    # known: sigma of the noise that was added, plus that of rounding
    assert noise_sigma(pixels) == pytest.approx((sigma**2 + rounding) ** 0.5, rel=0.1)


def test_noise_of_a_noiseless_and_of_a_tiny_image():
    assert noise_sigma(np.tile(np.arange(100, dtype=np.uint8), (50, 1))) == 0
    assert noise_sigma(np.zeros((2, 2), np.uint8)) == 0
