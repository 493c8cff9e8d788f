"""Augmentation: image and annotation stay together, and only what was meant changes."""

from functools import partial

import cv2
import numpy as np
import pytest

from inspect_tool.training import augment
from inspect_tool.training.losses import UNKNOWN


def random_state(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture
def disc():
    """A soft disc, and its annotation: 1 where the image is above one half."""
    rows, columns = np.mgrid[:120, :160]
    distance = np.hypot(rows - 60, columns - 80)
    image = np.clip(30.5 - distance, 0, 1).astype(np.float32)[..., np.newaxis]
    return image, (image[..., 0] > 0.5).astype(np.int32)


def test_turning_reaches_the_eight_ways_and_keeps_pixels():
    image = np.arange(12, dtype=np.float32).reshape(3, 4, 1)
    target = np.arange(12, dtype=np.int32).reshape(3, 4)
    found = set()
    for seed in range(60):
        turned, labels = augment.turn(image, target, random_state(seed))
        assert np.array_equal(turned[..., 0], labels)
        found.add((labels.shape, labels.tobytes()))
    assert len(found) == 8


def test_mirroring_keeps_up_and_down():
    image = np.arange(12, dtype=np.float32).reshape(3, 4, 1)
    target = np.arange(12, dtype=np.int32).reshape(3, 4)
    found = {augment.mirror(image, target, random_state(seed))[1].tobytes() for seed in range(20)}
    assert found == {target.tobytes(), np.ascontiguousarray(target[:, ::-1]).tobytes()}


def test_a_cut_without_turn_and_scale_is_a_piece_of_the_image(disc):
    image, target = disc
    cut, labels = augment.cut(image, target, random_state(), size=65, angle_deg=0, center=(60, 80))
    assert np.array_equal(cut, image[28:93, 48:113])
    assert np.array_equal(labels, target[28:93, 48:113])


@pytest.mark.parametrize("scale", [0.5, 0.8, 1.25, 2.0])
def test_the_area_of_a_disc_goes_with_the_square_of_the_scale(disc, scale):
    image, target = disc
    size = 150
    cut, labels = augment.cut(image, target, random_state(), size=size, scale=(scale, scale), center=(60, 80))
    # radius 30 px: area = pi 30^2 scale^2 [px2]
    assert int((labels == 1).sum()) == pytest.approx(np.pi * 900 * scale**2, rel=0.02)
    inside = cut[..., 0] * (labels != UNKNOWN)  # beyond the edge stands its mirror image
    assert float(inside.sum()) == pytest.approx(np.pi * 900 * scale**2, rel=0.06)


@pytest.mark.parametrize("seed", range(5))
def test_image_and_annotation_go_the_same_way(disc, seed):
    image, target = disc
    cut, labels = augment.cut(image, target, random_state(seed), size=96, scale=(0.7, 1.4))
    known = labels != UNKNOWN
    agree = ((cut[..., 0] > 0.5) == (labels == 1))[known]
    assert agree.mean() > 0.985  # all but the pixels of the outline


def test_beyond_the_edge_nothing_is_known_and_class_numbers_stay(disc):
    image, target = disc
    _, labels = augment.cut(image, 7 * target, random_state(1), size=64, scale=(0.3, 0.3), center=(0, 0))
    assert set(np.unique(labels)) == {UNKNOWN, 0, 7}
    assert (labels == UNKNOWN).mean() > 0.5


def test_large_object_numbers_survive():
    target = np.full((40, 40), 2**31 - 1, dtype=np.int32)
    _, labels = augment.cut(np.zeros((40, 40, 1), np.float32), target, random_state(), size=16, center=(20, 20))
    assert set(np.unique(labels)) == {2**31 - 1}


@pytest.mark.parametrize("alter", [alter for _, alter in augment.LOOK] + [augment.invert])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_look_changes_but_form_and_kind_stay(alter, channels):
    image = random_state(5).random((48, 56, channels), dtype=np.float32)
    image = np.clip(cv2.GaussianBlur(image, (0, 0), 2).reshape(image.shape) * 3 - 1, -0.4, 1.4)
    given = image.copy()
    changed = alter(image, random_state(1))
    assert changed.shape == image.shape
    assert changed.dtype == np.float32
    assert np.isfinite(changed).all()
    assert not np.array_equal(changed, given)
    assert np.array_equal(image, given)  # the sample is used again
    assert np.array_equal(changed, alter(image, random_state(1)))


def test_shading_darkens_by_no_more_than_asked():
    light = augment.shade(np.ones((64, 64, 1), np.float32), random_state(), depth=(0.3, 0.3))
    assert float(light.max()) == pytest.approx(1.0, abs=1e-6)
    assert float(light.min()) == pytest.approx(0.7, abs=1e-6)


def test_noise_has_the_strength_asked_for():
    noisy = augment.add_noise(np.zeros((200, 200, 1), np.float32), random_state(), sigma=(0.05, 0.05))
    assert float(noisy.std()) == pytest.approx(0.05, rel=0.03)


def test_steps_are_applied_with_their_probability():
    image = np.zeros((2, 2, 1), np.float32)
    add = partial(lambda image, _, by: image + np.float32(by), by=1)
    rng = random_state()
    means = [float(augment.altered(image, rng, [(0.25, add)]).mean()) for _ in range(2000)]
    assert np.mean(means) == pytest.approx(0.25, abs=0.03)  # three standard errors of a share of 2000


def test_all_that_is_random_comes_from_the_generator(disc):
    image, target = disc

    def once(seed):
        rng = random_state(seed)
        cut, labels = augment.cut(image, target, rng, size=64, scale=(0.7, 1.4))
        cut, labels = augment.turn(cut, labels, rng)
        return augment.altered(cut, rng, augment.LOOK), labels

    assert all(np.array_equal(a, b) for a, b in zip(once(3), once(3), strict=True))
    assert not np.array_equal(once(3)[0], once(4)[0])
