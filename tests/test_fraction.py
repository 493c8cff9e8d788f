"""Area fractions and line counts: sums by hand, a slow count, and geometry with a closed formula."""

from math import pi

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from inspect_tool.errors import MeasurementError
from inspect_tool.measure.fraction import area_percent, class_areas, line_counts

LABELS = arrays.arrays(
    np.int32, arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=30), elements=st.integers(0, 3)
)


@given(LABELS)
def test_area_shares_sum_to_100(labels):
    assert sum(area_percent(labels, (0, 1, 2, 3)).values()) == pytest.approx(100, abs=1e-9)


@given(LABELS, st.permutations([0, 1, 2, 3]))
def test_area_shares_do_not_depend_on_class_numbers(labels, order):
    renamed = np.asarray(order, np.int32)[labels]
    before, after = area_percent(labels, (0, 1, 2, 3)), area_percent(renamed, (0, 1, 2, 3))
    assert all(after[order[number]] == before[number] for number in before)


@given(LABELS)
def test_a_turned_image_has_the_same_areas_and_interceptions(labels):
    turned = np.ascontiguousarray(np.rot90(labels))
    assert area_percent(turned, (0, 1, 2, 3)) == area_percent(labels, (0, 1, 2, 3))
    one, two = line_counts(labels == 1), line_counts(turned == 1)
    assert (one.across_rows, one.length_rows_px) == (two.across_columns, two.length_columns_px)
    assert one.per_px == pytest.approx(two.per_px)


@settings(max_examples=40)
@given(LABELS, st.integers(0, 1000))
def test_interceptions_agree_with_a_slow_count(labels, seed):
    phase = labels == 1
    roi = np.random.default_rng(seed).random(labels.shape) < 0.8
    found = line_counts(phase, roi)
    crossings = pairs = 0
    for row in range(labels.shape[0]):
        for column in range(labels.shape[1] - 1):
            if roi[row, column] and roi[row, column + 1]:
                pairs += 1
                crossings += phase[row, column] != phase[row, column + 1]
    assert (found.across_rows, found.length_rows_px) == (crossings / 2, pairs)


def test_boundary_density_of_a_disc():
    rows, columns = np.mgrid[:400, :500]
    radius = 120.3
    phase = (rows - 200.2) ** 2 + (columns - 250.4) ** 2 <= radius**2
    # circumference over the area of the field
    assert line_counts(phase).boundary_density == pytest.approx(2 * pi * radius / (400 * 500), rel=0.01)


def test_interceptions_of_stripes():
    phase = np.zeros((50, 200), bool)
    phase[:, 10::20] = True  # 10 stripes of one pixel
    found = line_counts(phase)
    assert found.across_rows == 10 * 50
    assert found.across_columns == 0


def test_areas_inside_a_region_only():
    labels = np.array([[0, 1, 1], [0, 2, 2]], np.int32)
    roi = np.array([[True, True, False], [True, False, False]])
    assert class_areas(labels, (0, 1, 2), roi) == {0: 2, 1: 1, 2: 0}


def test_a_tall_image_is_counted_whole():
    labels = np.zeros((700, 3), np.int32)
    labels[300:] = 2
    assert class_areas(labels, (0, 1, 2)) == {0: 900, 1: 0, 2: 1200}


def test_a_class_without_a_name_is_an_error():
    with pytest.raises(MeasurementError, match="holds class 7, which has no name; named are 0, 1"):
        class_areas(np.array([[0, 7]], np.int32), (0, 1))


def test_an_empty_region_is_an_error():
    with pytest.raises(MeasurementError, match="the region holds no pixel"):
        class_areas(np.zeros((3, 3), np.int32), (0,), np.zeros((3, 3), bool))


def test_negative_class_numbers_are_an_error():
    with pytest.raises(MeasurementError, match="negative"):
        class_areas(np.array([[-1, 0]], np.int32), (0,))


def test_a_single_pixel_has_no_line():
    assert line_counts(np.ones((1, 1), bool)).per_px == 0.0
