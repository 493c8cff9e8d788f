"""Distances between objects: against geometry and against all pairs of pixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from inspect_tool.measure.neighbors import (
    center_distances,
    cluster_numbers,
    edge_gaps,
    expected_center_distance,
    nearest_gap,
    pair_ratios,
)
from inspect_tool.measure.reference_area import stencil, worst_place
from inspect_tool.measure.regions import connected
from inspect_tool.measure.triangulation import neighbors_of_others


def all_pairs(labels):
    """Smallest pixel distance of every pair, pixel by pixel: the slow independent answer."""
    numbers = np.unique(labels[labels > 0])
    points = {number: np.argwhere(labels == number) for number in numbers}
    found = {}
    for i, a in enumerate(numbers):
        for b in numbers[i + 1 :]:
            delta = points[a][:, None] - points[b][None]
            found[int(a), int(b)] = np.sqrt((delta**2).sum(-1)).min() - 1
    return found


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.floats(0.01, 0.3))
def test_nearest_gap_is_that_of_all_pairs(seed, share):
    labels = connected(np.random.default_rng(seed).uniform(size=(24, 30)) < share)
    numbers = np.unique(labels[labels > 0]).astype(np.int64)
    pairs, gaps = edge_gaps(labels)
    gap, which = nearest_gap(numbers, pairs, gaps)
    truth = all_pairs(labels)
    for number, found, other in zip(numbers, gap, which, strict=True):
        mine = [value for pair, value in truth.items() if number in pair]
        if not mine:
            assert np.isnan(found)
            continue
        assert found == pytest.approx(min(mine))
        assert truth[min(number, other), max(number, other)] == pytest.approx(min(mine))


@pytest.mark.parametrize("drawn", ["blobs", "a hole in few", "noise", "along the frame"])
def test_tiles_have_the_neighbors_of_one_triangulation(drawn):
    rng = np.random.default_rng(len(drawn))
    mask = np.zeros((500, 600), np.bool_)
    if drawn == "along the frame":
        mask[[0, -1], ::3] = mask[::2, [0, -1]] = True
    elif drawn == "a hole in few":
        mask[rng.integers(500, size=300), rng.integers(600, size=300)] = True
        mask[100:400, 100:500] = False
    else:
        noise = gaussian_filter(rng.random(mask.shape), 3 if drawn == "blobs" else 0)
        mask = noise > np.quantile(noise, 0.95)
    points = np.argwhere(mask).astype(np.int32)
    label = connected(mask)[mask]
    one, tiles = (
        {frozenset(pair) for pair in neighbors_of_others(points, label, most).tolist()} for most in (10**6, 300)
    )
    assert tiles == one


def test_gap_of_discs_is_center_distance_less_radii():
    rows, columns = np.mgrid[:80, :200]
    labels = (((rows - 40) ** 2 + (columns - 50) ** 2) <= 20**2).astype(np.int32)
    labels[((rows - 40) ** 2 + (columns - 130) ** 2) <= 10**2] = 7
    pairs, gaps = edge_gaps(labels)
    assert pairs.tolist() == [[1, 7]]
    assert gaps[0] == pytest.approx(80 - 30, abs=1)
    # smaller pore: 21 px across
    assert pair_ratios(np.array([1, 7]), np.array([41.0, 21.0]), pairs, gaps) == pytest.approx(gaps / 21)


def test_objects_on_one_line_and_a_single_object():
    labels = np.zeros((1, 20), dtype=np.int32)
    assert len(edge_gaps(labels)[0]) == 0
    labels[0, 2] = 1
    assert len(edge_gaps(labels)[0]) == 0
    labels[0, 8], labels[0, 15] = 2, 3
    pairs, gaps = edge_gaps(labels)
    assert pairs.tolist() == [[1, 2], [2, 3]]
    assert gaps.tolist() == [5.0, 6.0]


def test_turning_the_field_changes_no_gap():
    labels = connected(np.random.default_rng(2).uniform(size=(50, 70)) < 0.05)
    numbers = np.unique(labels[labels > 0]).astype(np.int64)
    one = nearest_gap(numbers, *edge_gaps(labels))[0]
    two = nearest_gap(numbers, *edge_gaps(np.ascontiguousarray(np.rot90(labels))))[0]
    assert two == pytest.approx(one)


def test_clusters_join_through_their_members():
    numbers = np.array([2, 4, 6, 8, 10])
    pairs = np.array([[2, 4], [4, 6], [8, 10]], dtype=np.int32)
    assert cluster_numbers(numbers, pairs, [True, True, False]).tolist() == [1, 1, 1, 0, 0]
    assert cluster_numbers(numbers, pairs, [False, False, False]).tolist() == [0] * 5


def test_random_centers_have_the_expected_distance():
    # Poisson points: mean 0.5/sqrt(density), with the edge term of Donnelly for a square; 200 fields of 100
    rng = np.random.default_rng(7)
    means = []
    for _ in range(200):
        points = rng.uniform(size=(100, 2))
        means.append(center_distances(points[:, 0], points[:, 1]).mean())
    expected, error = expected_center_distance(100, 1.0, 4.0)
    assert np.mean(means) == pytest.approx(expected, abs=4 * error / np.sqrt(200))
    assert np.std(means) == pytest.approx(error, rel=0.25)
    assert np.mean(means) > expected_center_distance(100, 1.0)[0]


@pytest.mark.parametrize("shape", ["square", "circle", "triangle", "rectangle"])
def test_reference_area_has_its_area_and_finds_the_only_pore(shape):
    area = stencil(shape, 200.0, 100.0 if shape in ("triangle", "rectangle") else 0.0)
    exact = {"square": 40000, "circle": np.pi * 1e4, "triangle": 10000, "rectangle": 20000}[shape]
    assert area.sum() == pytest.approx(exact, rel=0.01)
    field = np.zeros((600, 700), dtype=bool)
    field[400:420, 500:520] = True
    place = worst_place(field, area)
    # anywhere that holds the whole pore
    assert place.share == pytest.approx(400 / area.sum())


def test_reference_area_is_brute_force_on_a_small_field():
    field = np.random.default_rng(1).uniform(size=(40, 50)) < 0.1
    field[10:16, 30:36] = True
    area = stencil("circle", 11.0)
    best = max(
        np.count_nonzero(field[r : r + 11, c : c + 11] & area) for r in range(40 - 11 + 1) for c in range(50 - 11 + 1)
    )
    assert worst_place(field, area).share == pytest.approx(best / area.sum())


def test_reference_area_stays_inside_the_region_and_may_not_fit():
    field = np.zeros((300, 300), dtype=bool)
    field[:50, :50] = True
    roi = np.ones((300, 300), dtype=bool)
    roi[:100] = False
    assert worst_place(field, stencil("square", 60.0)).share > 0.6
    assert worst_place(field, stencil("square", 60.0), roi).share == 0
    assert worst_place(field, stencil("square", 301.0)) is None
    assert worst_place(field, stencil("square", 250.0), roi) is None


def test_worst_place_at_the_far_edge_is_found_when_reduced():
    # 200 px area: reduced four-fold; a pore in the last corner that no whole block covers
    field = np.zeros((603, 701), dtype=bool)
    field[-40:, -40:] = True
    assert worst_place(field, stencil("square", 200.0)).share == pytest.approx(1600 / 40000)
