"""The worst square against all positions, one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspect_tool.measure.worst_field import fields_of, worst_square, worst_square_of_mask


def every_position(image: np.ndarray, side: int) -> float:
    height, width = min(side, image.shape[0]), min(side, image.shape[1])
    return max(
        float(image[top : top + height, left : left + width].sum())
        for top in range(image.shape[0] - height + 1)
        for left in range(image.shape[1] - width + 1)
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 14), st.integers(0, 30))
def test_no_position_holds_more(seed, side, n):
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(1, 14)), int(rng.integers(1, 14)))
    rows, columns = rng.integers(shape[0], size=n), rng.integers(shape[1], size=n)
    weights = rng.uniform(0, 2, n)
    image = np.zeros(shape)
    np.add.at(image, (rows, columns), weights)
    found = worst_square(rows, columns, weights, shape, side)
    assert found.total == pytest.approx(every_position(image, side))
    here = image[found.top_px : found.top_px + found.height_px, found.left_px : found.left_px + found.width_px]
    assert here.shape == (min(side, shape[0]), min(side, shape[1]))
    assert here.sum() == pytest.approx(found.total)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 14), st.sampled_from([0.0, 0.05, 0.4, 1.0]))
def test_of_a_mask_it_is_the_square_of_its_pixels(seed, side, share):
    rng = np.random.default_rng(seed)
    mask = rng.random((int(rng.integers(1, 14)), int(rng.integers(1, 14)))) < share
    rows, columns = np.nonzero(mask)
    assert worst_square_of_mask(mask, side) == worst_square(rows, columns, np.ones(len(rows)), mask.shape, side)


def test_a_cluster_between_the_squares_of_a_grid_is_found():
    """Four features around the corner of four squares of 50: a coarse grid finds one of them."""
    rows, columns = np.array([48, 48, 52, 52]), np.array([48, 52, 48, 52])
    found = worst_square(rows, columns, np.ones(4), (100, 100), 50)
    assert found.total == 4


def test_a_feature_that_the_square_cuts_counts_with_its_part():
    """A line of 80 px, one unit each, and squares of 30."""
    line = np.arange(10, 90)
    assert worst_square(np.full(80, 40), line, np.ones(80), (100, 100), 30).total == 30


def test_nothing_is_nothing():
    none = np.zeros(0, np.int64)
    found = worst_square(none, none, np.zeros(0), (20, 30), 8)
    assert (found.total, found.top_px, found.left_px, found.width_px) == (0, 0, 0, 8)


def test_an_image_of_less_than_a_field_holds_no_whole_one():
    assert list(fields_of((90, 400), 100)) == []
    assert len(list(fields_of((205, 410), 100))) == 8
