"""Weights of Miles and Lantuejoul undo what the frame takes away."""

import numpy as np
import pytest

from inspect_tool.measure import edges
from inspect_tool.measure.regions import region_table


def test_chance_is_the_share_of_places_where_a_grain_is_whole():
    # every place of a 3 x 2 box in a 6 x 7 window, counted one by one: it must not touch the outer pixels
    height, width, window = 3, 2, (0, 0, 6, 7)
    places = [
        (top, left)
        for top in range(window[2])
        for left in range(window[3])
        if top > 0 and left > 0 and top + height < window[2] and left + width < window[3]
    ]
    chance = edges.chance_to_be_whole(np.array([float(height)]), np.array([float(width)]), window)
    assert chance[0] == pytest.approx(len(places) / (window[2] * window[3]))


def test_a_grain_as_large_as_the_window_is_never_whole():
    assert edges.weighted_number(np.array([6.0]), np.array([6.0]), (0, 0, 6, 6)) == 0


def test_squares_on_a_lattice_keep_their_number_over_all_its_places():
    # 30 px squares in a window of 100 px, from every place of the lattice: 100 * 100 / 900 on average, exactly
    whole = [sum(start > 0 and start + 30 < 100 for start in range(at, 100, 30)) for at in range(30)]
    numbers = []
    for rows in whole:
        for columns in whole:
            side = np.full(rows * columns, 30.0)
            numbers.append(edges.weighted_number(side, side, (0, 0, 100, 100)))
    assert np.mean(numbers) == pytest.approx(100 * 100 / 900, rel=1e-12)


def test_frame_labels_of_a_window():
    labels = np.arange(1, 26, dtype=np.int32).reshape(5, 5)
    assert edges.labels_on_frame(labels, (1, 1, 3, 3)).tolist() == [7, 8, 9, 12, 14, 17, 18, 19]


def test_two_sizes_of_squares_thrown_at_random_keep_their_number():
    # squares of 5 and 40 px, one of each for every pixel of a window of 100 px: exact expectation by counting their
    # places; unweighted, the whole ones are much too few
    window = (0, 0, 100, 100)
    sides = np.array([5.0, 40.0])
    chance = edges.chance_to_be_whole(sides, sides, window)
    frequent = np.round(chance * 1e4).astype(int)
    side = np.repeat(sides, frequent)
    assert edges.weighted_number(side, side, window) == pytest.approx(2 * 100**2, rel=1e-3)
    assert len(side) < 0.65 * 2 * 100**2


@pytest.mark.parametrize("margin_px", [1, 2, 3])
def test_a_margin_at_the_edge_keeps_the_number_over_all_places_of_a_lattice(margin_px):
    numbers = []
    for down in range(9):
        for right in range(9):
            every = np.zeros((60, 60), np.int32)
            starts = [(top, left) for top in range(down, 56, 9) for left in range(right, 56, 9)]
            for number, (top, left) in enumerate(starts, 1):
                every[top : top + 4, left : left + 4] = number
            labels = np.ascontiguousarray(every[9:51, 9:51])
            weights = edges.whole_weights(labels, region_table(labels), None, margin_px=margin_px)
            numbers.append(weights.sum())
    assert np.mean(numbers) == pytest.approx(42 * 42 / 81, rel=1e-12)


def test_what_lies_within_the_margin_counts_as_cut():
    labels = np.zeros((30, 30), np.int32)
    labels[1:6, 10:15], labels[2:7, 20:25] = 1, 2
    weights = edges.whole_weights(labels, region_table(labels), None, margin_px=2)
    assert weights[0] == 0
    assert weights[1] == pytest.approx(30**2 / (30 - 2 * 2 - 5 + 1) ** 2)  # places of the upper left corner
