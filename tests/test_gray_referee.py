"""Gray values as a second opinion on a network: drawn phases whose share is exact."""

import numpy as np
import pytest
from known_networks import gray_model
from scipy.ndimage import binary_erosion, gaussian_filter

from inspect_tool.errors import BackendError
from inspect_tool.model import Calibration, Micrograph
from inspect_tool.segmentation import unet
from inspect_tool.segmentation.unet import gray_opinion


def discs(noise=3.0):
    """Bright discs of 35 % in a dark matrix, blurred and with noise; where they are."""
    rows, columns = np.mgrid[:240, :240]
    inside = ((rows % 60 - 30) ** 2 + (columns % 60 - 30) ** 2) < 20**2
    gray = gaussian_filter(np.where(inside, 170.0, 90.0), 1.0)
    return np.clip(gray + np.random.default_rng(3).normal(0, noise, gray.shape), 0, 255).astype(np.uint8), inside


def image(pixels, roi=None):
    return Micrograph(pixels=pixels, calibration=Calibration(pixel_um=1.0, source="test"), path="a.tif", roi=roi)


def test_the_level_between_the_classes_finds_the_border_that_a_network_missed():
    pixels, inside = discs()
    thin = binary_erosion(inside, iterations=3).astype(np.uint8)  # 26 % where 35 % are true
    found = gray_opinion.by_level(gray_opinion.smoothed(pixels), thin, 1, classes=(1,))
    assert 100 * thin.mean() < 27
    assert 100 * found.mean() == pytest.approx(100 * inside.mean(), abs=0.3)


def test_other_classes_and_what_lies_outside_the_region_stay():
    pixels, inside = discs()
    labels = inside.astype(np.uint8)
    labels[:60] = 2
    roi = np.ones(labels.shape, bool)
    roi[:, :60] = False
    labels[~roi] = 0
    found = gray_opinion.by_level(gray_opinion.smoothed(pixels), labels, 1, roi, classes=(1, 2))
    assert (found[:60, 60:] == 2).all()
    assert not found[:, :60].any()


def test_classes_drawn_by_lot_do_not_differ_in_gray():
    pixels, inside = discs()
    by_lot = np.random.default_rng(4).integers(0, 2, pixels.shape).astype(np.uint8)
    gray = gray_opinion.smoothed(pixels)
    assert gray_opinion.separation(gray, by_lot, 1) < 0.1
    assert gray_opinion.separation(gray, inside.astype(np.uint8), 1) > 10
    assert gray_opinion.separation(gray, np.zeros_like(by_lot), 1) is None


def test_a_card_that_knows_of_gray_refuses_what_gray_does_not_show_and_adds_its_level(tmp_path):
    folder = gray_model(tmp_path / "gray", settings={"gray_separation": 2.0})
    settings = unet.Settings(model=str(folder), engine="torch")
    model = unet.load(settings)
    pixels, inside = discs()
    found = unet.segment(model, image(pixels), settings)
    made = dict(found.alternatives())
    assert 100 * made["gray level of bright"].labels.mean() == pytest.approx(100 * inside.mean(), abs=0.3)
    noise = np.random.default_rng(5).integers(0, 256, (200, 200)).astype(np.uint8)  # no phases at all
    with pytest.raises(BackendError, match=r"a.tif: model 'gray' finds a bright that gray values do not tell from the"):
        unet.segment(model, image(noise), settings)
