"""Scores against hand-made cases and against stardist.matching, which shares no code with ours."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree, distance

from inspect_tool.errors import MeasurementError
from inspect_tool.training.metrics import (
    THRESHOLDS,
    BoundaryMatch,
    Match,
    Overlap,
    boundary_match,
    class_overlaps,
    match,
    matched,
    matches,
    mean_of,
    object_pairs,
)


def cells(rng, count, shape=(60, 80), background=0.3):
    """Cells of random points, some of them background: objects that touch, of any size."""
    at = rng.uniform((0, 0), shape, (count, 2))
    grid = np.stack(np.mgrid[: shape[0], : shape[1]], axis=-1)
    numbers = np.arange(1, count + 1) * (rng.random(count) > background)
    return numbers[cKDTree(at).query(grid)[1]].astype(np.int32), at


def altered(rng, at, shape=(60, 80), background=0.3, shift=2.0):
    """The same cells with their points moved and some left out: many good and many bad matches."""
    kept = rng.random(len(at)) > 0.1
    kept[0] = True
    moved = at[kept] + rng.normal(0, shift, (1, 2))
    moved = moved + rng.normal(0, shift / 2, moved.shape)
    grid = np.stack(np.mgrid[: shape[0], : shape[1]], axis=-1)
    numbers = rng.permutation(len(moved) * 3)[: len(moved)] + 1
    numbers = numbers * (rng.random(len(moved)) > background)
    return numbers[cKDTree(moved).query(grid)[1]].astype(np.int32)


def stardist_matching():
    """Their module, with its loop over pixels run as plain Python: compiling takes longer than these images."""
    module = pytest.importorskip("stardist.matching")
    module._label_overlap = getattr(module._label_overlap, "py_func", module._label_overlap)
    return module


# --------------------------------------------------------------------------------------------------------- pixels


def test_class_overlaps_by_hand():
    truth = np.array([[0, 0, 1, 1], [2, 2, 1, -1]], np.int32)
    predicted = np.array([[0, 1, 1, 1], [2, 0, 1, 2]], np.int32)
    assert class_overlaps(truth, predicted, 4) == (
        Overlap(both=1, truth=2, predicted=2),
        Overlap(both=3, truth=3, predicted=4),
        Overlap(both=1, truth=2, predicted=1),
        Overlap(both=0, truth=0, predicted=0),
    )
    found = class_overlaps(truth, predicted, 4)
    assert [overlap.iou for overlap in found] == [pytest.approx(1 / 3), pytest.approx(3 / 4), 1 / 2, None]
    assert [overlap.dice for overlap in found] == [1 / 2, pytest.approx(6 / 7), pytest.approx(2 / 3), None]
    assert mean_of(overlap.iou for overlap in found) == pytest.approx((1 / 3 + 3 / 4 + 1 / 2) / 3)
    assert mean_of([None, None]) is None
    assert found[0] + found[1] == Overlap(both=4, truth=5, predicted=6)


def test_images_of_different_size_are_refused():
    for compare in (lambda a, b: class_overlaps(a, b, 2), boundary_match, object_pairs):
        with pytest.raises(MeasurementError, match="only images of one size can be compared"):
            compare(np.zeros((3, 4), np.int32), np.zeros((4, 3), np.int32))


# ----------------------------------------------------------------------------------------------------- boundaries


def halves(edge, shape=(40, 50)):
    labels = np.zeros(shape, np.int32)
    labels[:, edge:] = 1
    return labels


def test_a_shift_is_a_distance():
    for shift in range(5):
        for turned in (False, True):
            truth, predicted = halves(20), halves(20 + shift)
            if turned:
                truth, predicted = truth.T, predicted.T
            for tolerance in (0, 1, 2, 3):
                found = boundary_match(truth, predicted, tolerance)
                assert found.f1 == (1.0 if shift <= tolerance else 0.0)
    found = boundary_match(halves(20), halves(20), 0)
    assert found == BoundaryMatch(truth_near=40, truth=40, predicted_near=40, predicted=40)


def test_a_missed_and_an_invented_boundary():
    one, two = halves(20), halves(20)
    two[:, 40:] = 2  # a line more, as long as the other
    more = boundary_match(one, two)
    assert (more.recall, more.precision, more.f1) == (1.0, 0.5, pytest.approx(2 / 3))
    less = boundary_match(two, one)
    assert (less.recall, less.precision, less.f1) == (0.5, 1.0, pytest.approx(2 / 3))
    assert (more + less).f1 == pytest.approx(2 / 3)  # 80 of 120 boundary pixels on either side


def test_images_without_boundaries():
    flat = np.zeros((9, 9), np.int32)
    assert boundary_match(flat, flat).f1 is None
    assert boundary_match(flat, halves(4, (9, 9))).f1 == 0.0
    assert boundary_match(halves(4, (9, 9)), flat).f1 == 0.0


@pytest.mark.parametrize("tolerance", [0, 1, 1.5, 3])
def test_boundaries_are_near_as_found_by_all_pairs(tolerance):
    rng = np.random.default_rng(4)
    truth, at = cells(rng, 30)
    predicted = altered(rng, at)

    def lines(labels):  # between a pixel and its right or lower neighbor
        rows, columns = labels.shape
        return [
            (i, j)
            for i in range(rows)
            for j in range(columns)
            if (i + 1 < rows and labels[i, j] != labels[i + 1, j])
            or (j + 1 < columns and labels[i, j] != labels[i, j + 1])
        ]

    one, other = lines(truth), lines(predicted)
    near = distance.cdist(one, other) <= tolerance
    assert boundary_match(truth, predicted, tolerance) == BoundaryMatch(
        truth_near=int(near.any(axis=1).sum()),
        truth=len(one),
        predicted_near=int(near.any(axis=0).sum()),
        predicted=len(other),
    )


def test_boundaries_where_nothing_was_annotated_do_not_count():
    truth, predicted = halves(20), halves(20)
    truth[:, 30:] = -1
    predicted[:, 40:] = 2
    assert boundary_match(truth, predicted).f1 == 1.0
    truth[:10] = -1
    assert boundary_match(truth, predicted).truth == 30


# -------------------------------------------------------------------------------------------------------- objects


def test_objects_by_hand():
    truth, predicted = np.zeros((10, 20), np.int32), np.zeros((10, 20), np.int32)
    truth[0:4, 0:5] = 7  # 20 px
    predicted[0:4, 0:4] = 3  # 16 of them: IoU 0.8
    truth[6:10, 0:5] = 8  # missed
    predicted[6:10, 10:15] = 1  # invented
    pairs = object_pairs(truth, predicted)
    assert pairs.iou.tolist() == [0.8]
    assert match(pairs) == Match(tp=1, fp=1, fn=1, iou_sum=0.8)
    assert match(pairs, 0.8).tp == 1  # equal to the threshold is a match
    assert match(pairs, 0.85) == Match(tp=0, fp=2, fn=2, iou_sum=0.0)
    found = match(pairs)
    assert (found.ap, found.f1, found.mean_iou, found.pq) == (pytest.approx(1 / 3), 0.5, 0.8, pytest.approx(0.4))
    assert (found + found).pq == pytest.approx(0.4)
    empty = match(object_pairs(truth * 0, predicted * 0))
    assert (empty.ap, empty.pq, empty.mean_iou) == (None, None, None)
    with pytest.raises(MeasurementError, match="threshold of the overlap is 0; it must be above 0"):
        match(pairs, 0)


def test_half_an_object_each_is_one_match():
    truth = np.ones((4, 4), np.int32)
    predicted = np.ones((4, 4), np.int32)
    predicted[:, 2:] = 2  # both have an IoU of exactly 0.5
    assert match(object_pairs(truth, predicted)) == Match(tp=1, fp=1, fn=0, iou_sum=0.5)


def test_objects_where_nothing_was_annotated():
    truth = np.full((10, 20), -1, np.int32)
    truth[:, :10] = 0
    truth[0:4, 0:4] = 1
    predicted = np.zeros((10, 20), np.int32)
    predicted[0:4, 0:4] = 1
    predicted[5:8, 12:18] = 2  # nobody looked there
    predicted[8:10, 8:12] = 3  # half of it: counts with the half that was annotated
    assert match(object_pairs(truth, predicted)) == Match(tp=1, fp=1, fn=0, iou_sum=1.0)
    predicted[8:10, 8:10] = 0
    assert match(object_pairs(truth, predicted)) == Match(tp=1, fp=0, fn=0, iou_sum=1.0)


@given(seed=st.integers(0, 10_000), count=st.integers(1, 60), shift=st.floats(0, 8))
@settings(max_examples=25)
def test_matching_equals_that_of_stardist(seed, count, shift):
    reference = stardist_matching()
    rng = np.random.default_rng(seed)
    truth, at = cells(rng, count)
    predicted = altered(rng, at, shift=shift)
    pairs = object_pairs(truth, predicted)
    levels = (0.05, 0.1, 0.2, 0.3, 0.4, *THRESHOLDS)
    for level, theirs in zip(levels, reference.matching(truth, predicted, thresh=levels), strict=True):
        ours = match(pairs, level)
        assert (ours.tp, ours.fp, ours.fn) == (theirs.tp, theirs.fp, theirs.fn)
        assert (ours.ap or 0) == pytest.approx(theirs.accuracy)
        assert (ours.f1 or 0) == pytest.approx(theirs.f1)
        sum_of_theirs = theirs.mean_matched_score * theirs.tp
        if level > 0.5:  # their overlaps are float32
            assert ours.iou_sum == pytest.approx(sum_of_theirs, rel=1e-5, abs=1e-6)
            assert (ours.pq or 0) == pytest.approx(theirs.panoptic_quality, rel=1e-5)
        else:  # they also weigh pairs below the threshold, which then do not count: never a larger sum than ours
            assert ours.iou_sum >= sum_of_theirs * (1 - 1e-5)


def test_scores_of_several_images_equal_those_of_stardist():
    reference = stardist_matching()
    rng = np.random.default_rng(3)
    images = []
    for count in (5, 40, 90):
        truth, at = cells(rng, count)
        images.append((truth, altered(rng, at)))
    theirs = reference.matching_dataset(*zip(*images, strict=True), thresh=THRESHOLDS, show_progress=False)
    ours = [matches(object_pairs(*image)) for image in images]
    for level, stated in zip(THRESHOLDS, theirs, strict=True):
        found = ours[0][level] + ours[1][level] + ours[2][level]
        assert (found.tp, found.fp, found.fn) == (stated.tp, stated.fp, stated.fn)
        assert found.pq == pytest.approx(stated.panoptic_quality, rel=1e-5)


@given(seed=st.integers(0, 10_000), level=st.floats(0.01, 0.5))
@settings(max_examples=30)
def test_low_thresholds_have_the_best_assignment(seed, level):
    rng = np.random.default_rng(seed)
    truth, _ = cells(rng, 25, background=0.1)
    predicted, _ = cells(rng, 30, background=0.1)
    pairs = object_pairs(truth, predicted)
    chosen = matched(pairs, level)
    assert len(set(pairs.at_truth[chosen])) == len(set(pairs.at_predicted[chosen])) == len(chosen)
    iou = np.zeros((len(pairs.truth), len(pairs.predicted)))
    iou[pairs.at_truth, pairs.at_predicted] = pairs.iou
    value = np.where(iou >= level, 1 + iou / (2 * len(pairs.truth)), 0)
    best = linear_sum_assignment(value, maximize=True)
    assert np.count_nonzero(value[best]) == len(chosen)
    assert iou[best][value[best] > 0].sum() == pytest.approx(pairs.iou[chosen].sum())


def test_permuting_the_numbers_changes_nothing():
    rng = np.random.default_rng(1)
    truth, at = cells(rng, 50)
    predicted = altered(rng, at)
    order = np.concatenate([[0], rng.permutation(1000) + 1])
    assert matches(object_pairs(truth, predicted)) == matches(object_pairs(order[truth], order[predicted]))
