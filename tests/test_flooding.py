import cv2
import diplib as dip
import numpy as np
import pytest
from skimage.segmentation import watershed

from inspect_tool.measure import flooding


def hills(seed, smooth_px):
    noise = np.random.default_rng(seed).normal(size=(300, 410)).astype(np.float32)
    return cv2.GaussianBlur(noise, (0, 0), smooth_px) * 10


@pytest.mark.parametrize(("smooth_px", "height"), [(3, 0.3), (10, 0.05)])
def test_tiles_give_the_answer_of_the_whole_image(monkeypatch, smooth_px, height):
    image = hills(1, smooth_px)
    roi = np.ones(image.shape, bool)
    roi[:50, :70] = False
    # the whole image at once: DIPlib and scikit-image
    peaks = np.asarray(dip.Maxima(dip.Image(np.asarray(dip.HMaxima(dip.Image(image), height))))) & roi
    markers = flooding.numbered(peaks)
    flooded = watershed(-image, markers, mask=roi)
    monkeypatch.setattr(flooding, "TILE_PX", 90)
    at, number = flooding.h_maxima(image, height, roi)
    assert np.array_equal(at, np.flatnonzero(peaks))
    assert np.array_equal(number, markers.ravel()[at])
    labels = flooding.basins(lambda area: -image[area], roi, at, number)
    assert np.mean(labels != flooded) < 1e-4  # ties


def test_a_plateau_over_tiles_is_one_maximum_or_none(monkeypatch):
    image = np.zeros((60, 200), np.float32)
    image[20:30, 10:190] = 5
    image[40, 5:195] = 3
    monkeypatch.setattr(flooding, "TILE_PX", 50)
    everywhere = np.ones(image.shape, bool)
    at, number = flooding.h_maxima(image, 1.0, everywhere)
    assert len(at) == 10 * 180 + 190
    assert number.max() == 2
    image[19, 12] = 9  # the plateau now has something higher beside it
    at, number = flooding.h_maxima(image, 1.0, everywhere)
    assert number.max() == 2
    assert len(at) == 1 + 190


def test_what_no_marker_reaches_stays_without_a_label(monkeypatch):
    monkeypatch.setattr(flooding, "TILE_PX", 20)
    roi = np.ones((60, 60), bool)
    roi[30] = False
    labels = flooding.basins(lambda area: np.zeros(roi[area].shape, np.float32), roi, np.array([5]), np.array([1]))
    assert (labels[:30] == 1).all()
    assert not labels[30:].any()


def test_tiles_cover_an_image_once():
    count = np.zeros((1700, 801), int)
    for tile, wide, inner in flooding.tiles(count.shape, 7):
        count[wide][inner] += 1
        assert count[wide][inner].shape == count[tile].shape
    assert (count == 1).all()
