"""Counting rules of rectangle and circle, on pictures small enough to count by eye and on random mosaics."""

import numpy as np
import pytest
from scipy import ndimage

from inspect_tool.measure import planimetric


def lattice(rows, columns, pitch):
    r, c = np.mgrid[0:rows, 0:columns]
    return (r // pitch * (columns // pitch + 1) + c // pitch + 1).astype(np.int32)


def mosaic(rng, side, pitch):
    """Voronoi labels around random pixels and the seeds, cut out of a larger picture; one seed per pitch^2."""
    pad = int(3 * pitch)
    size = side + 2 * pad
    n = rng.poisson(size * size / pitch**2)
    row, column = rng.integers(0, size, n), rng.integers(0, size, n)
    seeds = np.zeros((size, size), dtype=np.int32)
    seeds[row, column] = np.arange(1, n + 1)
    nearest = ndimage.distance_transform_edt(seeds == 0, return_distances=False, return_indices=True)
    labels = np.ascontiguousarray(seeds[nearest[0], nearest[1]][pad:-pad, pad:-pad])
    return labels, seeds[pad:-pad, pad:-pad] > 0


def test_nine_squares_in_a_rectangle():
    # 1 inside, 4 cut by a side, 4 in a corner: 1 + 4/2 + 4/4
    found = planimetric.count_rectangle(lattice(9, 9, 3), (0, 0, 9, 9))
    assert (len(found.inside), len(found.cut), len(found.corners)) == (1, 4, 4)
    assert found.grains == pytest.approx(4.0)
    # the sides run through the centers of the outermost pixels
    assert found.area_px2 == 64.0


def test_a_grain_in_two_corners_counts_twice_a_quarter():
    labels = np.ones((5, 5), dtype=np.int32)
    labels[3:] = 2
    found = planimetric.count_rectangle(labels, (0, 0, 5, 5))
    assert found.grains == pytest.approx(4 * 0.25)


def test_specks_without_a_grain_have_no_area():
    labels = lattice(9, 9, 3)
    labels[4, 4] = 0
    assert planimetric.count_rectangle(labels, (0, 0, 9, 9)).area_px2 == pytest.approx(64 * 80 / 81)


def test_a_window_inside_the_picture():
    found = planimetric.count_rectangle(lattice(12, 12, 3), (1, 1, 7, 7))
    # lines at rows and columns 3 and 6 cut the window 1..7: again 1 inside, 4 sides, 4 corners
    assert found.grains == pytest.approx(4.0)
    assert found.area_px2 == 36.0


def test_circle_on_squares():
    # circle of 20 px round the middle of a square of 10 px: that one inside, 8 neighbors cut
    labels = lattice(50, 50, 10)
    found = planimetric.count_circle(labels, (24.5, 24.5), 20.0)
    assert (len(found.inside), len(found.cut)) == (1, 8)
    assert found.grains == pytest.approx(5.0)
    assert found.area_px2 == pytest.approx(np.pi * 10**2)
    assert planimetric.count_circle(labels, (24.5, 24.5), 20.0, "minus_one").grains == pytest.approx(4.0)
    # the square in the middle reaches 6.4 px into its corners and 4.5 px to its sides
    assert planimetric.count_circle(labels, (24.5, 24.5), 9.5).grains == pytest.approx(0.5)


def test_second_phase_is_neither_counted_nor_area():
    labels = lattice(9, 9, 3)
    labels[labels == labels[4, 4]] = -1  # the one inside
    found = planimetric.count_rectangle(labels, (0, 0, 9, 9))
    assert found.grains == pytest.approx(3.0)
    assert found.area_px2 == pytest.approx(64 * 72 / 81)


def test_biases_of_the_rules_on_a_random_mosaic():
    # Steiner's formula and simulation on Poisson-Voronoi: the circle counts one grain too many whatever its size,
    # the minus-one rule none, the rectangle about 0.4. The number of seeds in the figure is the unbiased count
    # that each rule is compared with on the same picture, which takes the scatter of the mosaic out.
    rng = np.random.default_rng(12)
    side, pitch, diameter, window = 160, 16.0, 150.0, (20, 10, 105, 140)
    row, column = np.mgrid[0:side, 0:side]
    disc = (row - 79.5) ** 2 + (column - 79.5) ** 2 <= diameter**2 / 4
    frame = np.zeros((side, side), dtype=bool)
    frame[20:125, 10:150] = True
    circles, rectangles = [], []
    for _ in range(400):
        labels, seeds = mosaic(rng, side, pitch)
        circles.append(planimetric.count_circle(labels, (79.5, 79.5), diameter).grains - seeds[disc].sum())
        rectangles.append(planimetric.count_rectangle(labels, window).grains - seeds[frame].mean() * 104 * 139)
    # the rectangle runs through the centers of its outermost pixels
    assert planimetric.count_rectangle(labels, window).area_px2 == 104 * 139
    for excess, bias in ((circles, 1.0), (rectangles, 0.4)):
        assert abs(np.mean(excess) - bias) < 3 * np.std(excess) / np.sqrt(len(excess))
    assert np.mean(circles) > 3 * np.std(circles) / np.sqrt(len(circles))  # the bias is there and not just allowed
