"""The gradient of an image, and what stands on it, is the same wherever the pixels lie in memory."""

import numpy as np
import pytest

from inspect_tool.model import Calibration, Micrograph
from inspect_tool.pixels.gradients import magnitude
from inspect_tool.segmentation import threshold

SHAPE = (61, 83)  # rows that end between two registers of a processor


@pytest.fixture
def components():
    rng = np.random.default_rng(3)
    return [rng.normal(0, 60, SHAPE).astype(np.float32) for _ in range(2)]


def moved(values, by):
    """Equal values that begin ``by`` numbers behind the beginning of a memory page."""
    room = np.empty(values.size + 2048, values.dtype)
    start = (-room.ctypes.data % 4096) // values.itemsize + by
    place = room[start : start + values.size].reshape(values.shape)
    place[:] = values
    return place


def test_the_length_of_a_gradient_is_that_of_double_precision_to_the_last_places(components):
    exact = np.hypot(*(part.astype(np.float64) for part in components))
    assert magnitude(*components).dtype == np.float32
    assert np.abs(magnitude(*components) - exact).max() <= 1.5 * np.spacing(np.float32(exact.max()))


def test_the_length_of_a_gradient_does_not_depend_on_the_place_in_memory(components):
    once = magnitude(*components)
    for across in range(0, 32, 3):
        for down in range(0, 32, 5):
            np.testing.assert_array_equal(magnitude(moved(components[0], across), moved(components[1], down)), once)


def test_an_image_is_segmented_with_the_same_levels_however_often():
    """cv2.magnitude gave two levels, apart in the tenth digit, each in about half of all runs."""
    rng = np.random.default_rng(0)
    pixels = np.clip(rng.normal(180, 8, (64, 64)), 0, 255).astype(np.uint8)
    pixels[20:35, 30:50] = 30
    micrograph = Micrograph(pixels=pixels, calibration=Calibration(pixel_um=0.5, source="test"), path="field.png")
    levels, kept = set(), []
    for _ in range(60):
        kept.append(np.zeros(rng.integers(1, 100_000), np.uint8))  # so that the next arrays lie elsewhere
        found = threshold.segment(None, micrograph, threshold.Settings()).settings
        levels.add((found["edge_contrast"], *found["levels_found"]))
    assert len(levels) == 1
