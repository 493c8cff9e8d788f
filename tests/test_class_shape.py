"""Lines and holes in a class: the shares are the geometry of what is drawn."""

import cv2
import numpy as np
import pytest

from inspect_tool.measure.class_shape import cells_percent, hole_percent, line_percent, rim_percent


def blank():
    return np.zeros((300, 400), np.uint8)


def drawn(mask):
    return mask > 0


@pytest.mark.parametrize("width_px", [1, 3, 6, 12])
@pytest.mark.parametrize("end", [(380, 150), (380, 290), (20, 290)])
def test_line_of_any_direction_is_all_line(width_px, end):
    assert line_percent(drawn(cv2.line(blank(), (20, 20), end, 1, width_px))) == pytest.approx(100, abs=8)


@pytest.mark.parametrize("axes_px", [(10, 10), (40, 40), (30, 10), (60, 20)])
def test_discs_and_ellipses_are_no_lines(axes_px):
    mask = cv2.ellipse(blank(), (200, 150), axes_px, 30, 0, 360, 1, -1)
    assert line_percent(drawn(mask)) == 0


def test_ragged_outline_is_no_line():
    rng = np.random.default_rng(1)
    mask = drawn(cv2.circle(blank(), (200, 150), 60, 1, -1))
    rim = mask ^ drawn(cv2.circle(blank(), (200, 150), 57, 1, -1))
    assert line_percent(mask & ~(rim & (rng.random(mask.shape) < 0.5))) < 5


def test_line_that_crosses_discs_counts_by_what_lies_outside_them():
    discs = blank()
    for column in (80, 200, 320):
        cv2.circle(discs, (column, 150), 25, 1, -1)
    both = cv2.line(discs.copy(), (5, 150), (394, 150), 1, 3)
    lines = np.count_nonzero(both & ~discs)
    assert line_percent(drawn(both)) == pytest.approx(100 * lines / np.count_nonzero(both), abs=2)
    assert line_percent(drawn(discs)) == 0


@pytest.mark.parametrize("shape", [(64, 64), (61, 83), (240, 160), (5, 3)])
def test_cells_that_hold_a_class_are_counted_on_a_grid_of_eight(shape):
    """Cell by cell, from the definition; a field of fewer than eight rows has as many cells as rows."""
    rng = np.random.default_rng(5)
    mask = rng.random(shape) < 0.5 / np.sqrt(shape[0] * shape[1])
    edges = [[i * length // min(8, length) for i in range(min(8, length) + 1)] for length in shape]
    held = [
        mask[top:bottom, left:right].any()
        for top, bottom in zip(edges[0], edges[0][1:], strict=False)
        for left, right in zip(edges[1], edges[1][1:], strict=False)
    ]
    assert cells_percent(mask) == pytest.approx(100 * np.mean(held))


def test_a_mesh_is_in_most_cells_and_a_line_in_few():
    mesh = blank()
    mesh[50::100], mesh[:, 66::133] = 1, 1
    assert cells_percent(drawn(mesh)) > 50
    assert cells_percent(drawn(cv2.line(blank(), (5, 5), (395, 295), 1, 3))) < 36  # through the corners of cells


def test_empty_class_has_neither_lines_nor_holes():
    assert line_percent(drawn(blank())) == 0
    assert hole_percent(drawn(blank())) == 0


def test_rings_have_the_holes_that_are_drawn():
    mask = blank()
    for row, column in ((60, 70), (200, 100), (150, 300)):
        cv2.circle(mask, (column, row), 30, 1, -1)
        cv2.circle(mask, (column, row), 15, 0, -1)
    filled = 3 * np.count_nonzero(cv2.circle(blank(), (100, 100), 30, 1, -1))
    holes = filled - np.count_nonzero(mask)
    assert hole_percent(drawn(mask)) == pytest.approx(100 * holes / filled)


def test_what_is_larger_than_the_object_around_it_is_no_hole():
    mask = cv2.rectangle(blank(), (20, 20), (380, 280), 1, 3)  # a frame encloses far more than it covers
    assert hole_percent(drawn(mask)) == 0


def test_hole_open_to_the_frame_is_none():
    mask = np.ones((50, 50), bool)
    mask[20:25, :10] = False
    assert hole_percent(mask) == 0


@pytest.mark.parametrize("width_px", [1, 3, 6])
def test_rim_between_two_classes_is_all_rim_and_they_are_none(width_px):
    labels = np.zeros((200, 300), np.int32)
    cv2.circle(labels, (150, 100), 60, 2, -1)
    cv2.circle(labels, (150, 100), 60, 1, width_px)
    assert rim_percent(labels, 1) == 100
    assert rim_percent(labels, 2) < 2  # pixels that its own circle leaves over
    # a film in one class touches no second one
    assert rim_percent(np.where(labels == 2, 0, labels), 1) == 0


def test_a_band_and_a_particle_across_a_border_are_no_rims():
    labels = np.zeros((200, 300), np.int32)
    labels[:, 150:] = 2
    labels[:, 145:157] = 1
    assert rim_percent(labels, 1) == 0
    labels[:, 145:150], labels[:, 150:157] = 0, 2
    for row in (40, 100, 160):
        cv2.circle(labels, (150, row), 12, 1, -1)
    assert rim_percent(labels, 1) < 5


def test_what_lies_outside_the_region_is_no_second_class():
    labels = np.full((100, 100), -1, np.int32)
    labels[:, 50:53], labels[:, 53:] = 1, 2
    assert rim_percent(labels, 1) == 0


def test_nothing_has_no_rim():
    assert rim_percent(np.zeros((10, 10), np.int32), 1) == 0
