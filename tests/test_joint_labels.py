"""Joints and voids from class probabilities: drawn maps with a known answer."""

import numpy as np
import pytest
from numpy.typing import NDArray

from inspect_tool.segmentation.unet.joint_labels import JointSettings, joint_labels, solder_dark, working_scale


def maps(classes: NDArray[np.int_], certainty: int = 255) -> NDArray[np.uint8]:
    """Probabilities of a network that is right, and so certain; the rest is shared."""
    share = np.full((3, *classes.shape), (255 - certainty) // 2, np.uint8)
    for k in range(3):
        share[k][classes == k] = certainty
    return share


def disc(shape: tuple[int, int], row: float, column: float, radius: float) -> NDArray[np.bool_]:
    y, x = np.ogrid[: shape[0], : shape[1]]
    return (y - row) ** 2 + (x - column) ** 2 <= radius**2


def two_balls() -> NDArray[np.int_]:
    classes = np.zeros((80, 120), int)
    classes[disc(classes.shape, 30, 30, 20)] = 1
    classes[disc(classes.shape, 45, 85, 22)] = 1
    classes[disc(classes.shape, 30, 34, 6)] = 2
    return classes


def test_joints_and_voids_are_those_of_the_map() -> None:
    classes = two_balls()
    labels, objects = joint_labels(maps(classes))
    assert np.array_equal(labels, classes)
    assert objects.max() == 2
    assert np.array_equal(objects > 0, classes > 0)


@pytest.mark.parametrize("radius", [2, 5])
def test_what_is_small_beside_the_joints_is_none(radius: int) -> None:
    classes = two_balls()
    classes[disc(classes.shape, 70, 20, radius)] = 1
    _, objects = joint_labels(maps(classes))
    assert objects.max() == 2


@pytest.mark.parametrize("inside", [0, 2])
def test_the_ring_of_a_plated_hole_is_no_joint(inside: int) -> None:
    classes = two_balls()
    classes[disc(classes.shape, 66, 20, 12)] = 1
    classes[disc(classes.shape, 66, 20, 9)] = inside
    _, objects = joint_labels(maps(classes))
    assert objects.max() == 2


def test_an_unsure_part_is_no_joint() -> None:
    classes = two_balls()
    share = maps(classes)
    right = np.zeros(classes.shape, bool)
    right[:, 60:] = True
    share[:, right & (classes == 1)] = np.array([120, 130, 5])[:, None]
    _, objects = joint_labels(share)
    assert objects.max() == 1
    assert not objects[:, 60:].any()


def test_a_round_hole_is_a_via_and_a_ragged_one_a_void() -> None:
    classes = np.zeros((100, 100), int)
    classes[10:90, 10:90] = 1
    round_hole, slit = disc(classes.shape, 30, 30, 7), np.zeros(classes.shape, bool)
    slit[60:64, 30:70] = True
    classes[round_hole | slit] = 0
    labels, objects = joint_labels(maps(classes))
    assert (labels[round_hole] == 3).all()
    assert (labels[slit] == 2).all()
    assert (objects[10:90, 10:90] == 1).all()


def test_given_outlines_stay_and_only_voids_are_looked_for() -> None:
    classes = two_balls()
    given = np.zeros(classes.shape, np.int32)
    given[8:52, 8:52] = 7
    labels, objects = joint_labels(maps(classes), given=given)
    assert np.array_equal(objects, given)
    assert np.array_equal(labels == 2, classes == 2)


def test_nothing_is_found_outside_the_region() -> None:
    roi = np.zeros((80, 120), bool)
    roi[:, :60] = True
    _, objects = joint_labels(maps(two_balls()), roi)
    assert objects.max() == 1
    assert not objects[~roi].any()


def test_an_empty_map_has_no_joint() -> None:
    labels, objects = joint_labels(maps(np.zeros((40, 40), int)))
    assert not labels.any()
    assert not objects.any()


def test_a_lower_bar_lets_the_unsure_part_in() -> None:
    share = maps(two_balls(), certainty=130)
    share[0] = np.where(two_balls() == 0, 130, 62)
    assert joint_labels(share, settings=JointSettings(sure=0.9))[1].max() == 0
    assert joint_labels(share, settings=JointSettings(sure=0.5))[1].max() == 2


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("known", [False, True])
def test_an_inverted_picture_is_told(inverted: bool, known: bool) -> None:
    classes = two_balls()
    pixels = np.where(classes == 1, 40, np.where(classes == 2, 120, 210)).astype(np.uint8)
    given = (classes > 0).astype(np.int32) if known else None
    assert solder_dark(255 - pixels if inverted else pixels, given=given) is not inverted


def test_solder_that_fills_the_picture_counts_as_dark() -> None:
    pixels = np.full((50, 50), 90, np.uint8)
    pixels[10:20, 10:20] = 160
    given = np.ones((50, 50), np.int32)
    assert solder_dark(pixels, given=given)
    pixels[:6, 20:40], given[:6, 20:40] = 30, 0  # a speck at the edge is not all that lies around a joint
    assert solder_dark(pixels, given=given)


def test_background_that_solder_encloses_in_a_given_joint_is_void() -> None:
    classes = np.zeros((100, 100), int)
    classes[10:90, 10:90] = 1
    enclosed, at_rim = np.zeros(classes.shape, bool), np.zeros(classes.shape, bool)
    enclosed[40:60, 30:70] = True
    at_rim[10:20, 10:90] = True
    truth = (classes > 0).astype(np.int32)
    classes[enclosed | at_rim] = 0
    labels, objects = joint_labels(maps(classes), given=truth)
    assert np.array_equal(objects, truth)
    assert (labels[enclosed] == 2).all()
    assert (labels[at_rim] == 1).all()


def test_small_joints_are_looked_at_as_they_are_and_large_ones_reduced() -> None:
    shape = (600, 600)
    assert working_scale(disc(shape, 300, 300, 60).astype(np.int32)) == 1
    assert working_scale(disc(shape, 300, 300, 260).astype(np.int32)) == pytest.approx(0.5, abs=0.01)
    assert working_scale(np.zeros(shape, np.int32)) == 1
