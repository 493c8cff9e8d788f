"""Areas of joints and voids from labels: counted by hand on small images."""

import numpy as np
import pytest

from inspect_tool.measure import joints
from inspect_tool.model import LabelImage


def die(voids: list[tuple[int, int, int, int]], size: int = 40) -> LabelImage:
    """Draw one joint of size x size px in a larger image, with rectangular voids (top, left, height, width)."""
    labels = np.zeros((size + 20, size + 20), np.int32)
    labels[10 : 10 + size, 10 : 10 + size] = 1
    for top, left, height, width in voids:
        labels[10 + top : 10 + top + height, 10 + left : 10 + left + width] = 2
    return labels


def test_areas_are_counted_and_overlaps_count_once() -> None:
    labels = die([(5, 5, 10, 10), (10, 10, 10, 10)])  # 100 + 100 - 25 px
    found, voids = joints.measure_voids(labels, joints.number_joints(labels))
    assert found.area.tolist() == [1600]
    assert found.void_area.tolist() == [175]
    assert found.voids.tolist() == [1]
    assert found.largest_void.tolist() == [175]
    assert voids.area.tolist() == [175]
    assert (found.row[0], found.column[0]) == (29.5, 29.5)
    assert found.joint_edge.tolist() == [160]


def test_small_voids_do_not_count() -> None:
    labels = die([(5, 5, 10, 10), (25, 25, 2, 2)])
    found, _ = joints.measure_voids(labels, joints.number_joints(labels), min_void_px=3.0)
    assert found.void_area.tolist() == [100]  # 4 px is less than a disc of 3 px, 7.07 px


def test_a_void_across_two_touching_joints_is_one_in_each() -> None:
    labels = np.ones((10, 20), np.int32)
    labels[4:6, 8:14] = 2
    objects = np.ones((10, 20), np.int32)
    objects[:, 10:] = 2
    found, voids = joints.measure_voids(labels, objects)
    assert found.void_area.tolist() == [4, 8]
    assert sorted(voids.area.tolist()) == [4, 8]
    assert found.touches_edge.all()


def test_quadrants_of_a_die_of_four_by_four_millimeters() -> None:
    # 4 x 4 mm at 0.05 mm/px, 80 px: voids of 1.9, 0.4, 0.3 and 0.2 mm2 are 760, 160, 120 and 80 px
    labels = die([(5, 1, 20, 38), (5, 50, 10, 16), (50, 50, 10, 12), (70, 50, 8, 10)], size=80)
    found = joints.die_attach(labels, joints.number_joints(labels), 1)
    assert found.quadrants == pytest.approx(
        {"upper left": 47.5, "upper right": 10, "lower left": 0, "lower right": 12.5}
    )
    assert found.worst_quadrant == "upper left"
    assert found.corner_void == 0
    assert found.across == ""


def test_corner_void_and_void_across() -> None:
    corner = die([(0, 0, 10, 10)])
    found = joints.die_attach(corner, joints.number_joints(corner), 1)
    assert found.corner_void == pytest.approx(6.25)  # 100 of 1600 px
    across = die([(20, 0, 4, 40)])
    found = joints.die_attach(across, joints.number_joints(across), 1)
    assert found.across_void == pytest.approx(10.0)
    assert found.across != ""


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_turning_the_image_changes_no_share(turns: int) -> None:
    labels = die([(5, 5, 10, 18), (30, 30, 6, 6), (0, 30, 4, 8)])
    turned = np.ascontiguousarray(np.rot90(labels, turns))
    a, _ = joints.measure_voids(labels, joints.number_joints(labels))
    b, _ = joints.measure_voids(turned, joints.number_joints(turned))
    assert a.void_area.tolist() == b.void_area.tolist()
    assert a.largest_void.tolist() == b.largest_void.tolist()
    first = joints.die_attach(labels, joints.number_joints(labels), 1)
    second = joints.die_attach(turned, joints.number_joints(turned), 1)
    assert sorted(first.quadrants.values()) == pytest.approx(sorted(second.quadrants.values()))


def test_numbers_of_the_joints_do_not_matter() -> None:
    labels = np.zeros((30, 60), np.int32)
    labels[5:25, 5:25] = labels[5:25, 35:55] = 1
    labels[10:14, 10:14] = 2
    objects = joints.number_joints(labels)
    a, _ = joints.measure_voids(labels, objects)
    b, _ = joints.measure_voids(labels, np.where(objects > 0, 3 - objects, 0).astype(np.int32))
    assert a.void_area.tolist() == b.void_area[::-1].tolist()


def test_a_moved_outline_keeps_the_numbers_of_the_joints() -> None:
    objects = np.zeros((40, 60), np.int32)
    objects[10:20, 10:20], objects[10:20, 23:33] = 5, 7
    labels = np.zeros_like(objects)
    labels[9:21, 9:21] = labels[9:21, 22:34] = 1  # a pixel wider all round
    labels[12:14, 12:14] = 2
    labels[38:, 58:] = 1  # more than 16 px from any joint
    found, _ = joints.measure_voids(labels, objects, moved=True)
    assert found.number.tolist() == [5, 7]
    assert found.area.tolist() == [144, 144]
    assert found.void_area.tolist() == [4, 0]
    assert found.box.tolist() == [[9, 9, 21, 21], [9, 22, 21, 34]]
    narrow, _ = joints.measure_voids(np.where(labels == 2, 1, 0).astype(np.int32), objects, moved=True)
    assert narrow.number.tolist() == [5]
    assert narrow.area.tolist() == [4]


def test_noise_of_a_noisy_ramp() -> None:
    rng = np.random.default_rng(1)
    ramp = np.linspace(0, 100, 200)[None, :] + rng.normal(0, 3.0, (200, 200))
    # standard deviation of the generator
    assert joints.gray_noise(ramp.astype(np.float32), np.ones(ramp.shape, bool)) == pytest.approx(3.0, rel=0.05)
