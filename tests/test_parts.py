"""Parts numbered strip by strip against OpenCV's labeling of the whole mask, an independent implementation."""

from typing import Literal

import cv2
import numpy as np
import pytest
from scipy import ndimage

from inspect_tool.pixels import parts


@pytest.mark.parametrize("pixels", [1, 300, 1 << 18])  # strips of two rows, of a few, and the whole
@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 0.5, 1.0])
def test_parts_are_those_of_the_whole_mask(monkeypatch: pytest.MonkeyPatch, pixels: int, share: float) -> None:
    monkeypatch.setattr(parts, "_PIXELS", pixels)
    rng = np.random.default_rng(1)
    for shape in ((1, 40), (61, 1), (61, 40), (64, 33)):
        mask = rng.random(shape) < share
        count, whole, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
        found = parts.connected_parts(lambda top, bottom, mask=mask: mask[top:bottom], shape)
        numbered = np.concatenate([found.rows(top, bottom) for top, bottom in parts.strips(shape)])
        assert np.array_equal(numbered, whole)
        assert len(found.box) == count
        assert np.array_equal(found.box[1:, :2], stats[1:, [1, 0]])
        assert np.array_equal(found.box[1:, 2:] - found.box[1:, :2], stats[1:, [3, 2]])


def test_parts_that_share_a_corner_alone_are_apart_if_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_PIXELS", 100)
    mask = np.random.default_rng(2).random((61, 40)) < 0.55
    _, whole, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    found = parts.connected_parts(lambda top, bottom: mask[top:bottom], mask.shape, connectivity=4)
    numbered = np.concatenate([found.rows(top, bottom) for top, bottom in parts.strips(mask.shape)])
    pairs = np.unique(np.stack([numbered.ravel(), whole.ravel()]), axis=1)  # the same parts by other numbers
    assert pairs.shape[1] == len(found.area) == len(stats)
    assert np.array_equal(found.area[pairs[0, 1:]], stats[pairs[1, 1:], cv2.CC_STAT_AREA])


def test_rows_are_the_same_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_PIXELS", 200)
    image = np.arange(60 * 40).reshape(60, 40)
    rows = parts.Rows(lambda top, bottom: image[top:bottom], image.shape)
    for box in ((slice(3, 50), slice(2, 40)), (slice(55, 60), slice(0, 1)), (slice(0, 2), slice(5, 9))):
        assert np.array_equal(rows[box], image[box])


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("share", [0.3, 0.45, 0.6])  # islands, about to join, one net with holes
def test_parts_that_are_chosen_by_their_sums_lie_where_those_of_the_whole_mask_do(
    monkeypatch: pytest.MonkeyPatch, connectivity: Literal[4, 8], share: float
) -> None:
    mask = np.random.default_rng(5).uniform(size=(150, 41)) < share
    numbers, n = ndimage.label(mask, np.ones((3, 3)) if connectivity == 8 else None)
    large = np.flatnonzero(np.bincount(numbers.ravel(), minlength=n + 1)[1:] >= 20) + 1
    monkeypatch.setattr(parts, "_PIXELS", 32 * 41)
    whole = parts.connected_parts(lambda top, bottom: mask[top:bottom], mask.shape, connectivity)
    (pixels,) = whole.sums(lambda _, __, numbers, n: np.bincount(numbers.ravel(), minlength=n)[None])
    assert np.array_equal(pixels, whole.area)
    found = np.zeros_like(mask)
    for rows, chosen in whole.places(pixels >= 20):
        found[rows] = chosen
    assert len(large) > 0
    assert np.array_equal(found, np.isin(numbers, large))
