"""Distance of objects from the surface: drawn at known distances, and through a run and its verification."""

import numpy as np
import pytest

from inspect_tool.measure.surface_distance import surface_distances

ROWS, COLUMNS = np.mgrid[:200, :300]


@pytest.mark.parametrize("angle", [0.0, 0.3, 0.8, np.pi / 2])
def test_discs_lie_as_far_from_a_slanted_surface_as_drawn(angle):
    along = (ROWS - 100) * np.sin(angle) + (COLUMNS - 150) * np.cos(angle)
    labels, drawn = np.zeros(ROWS.shape, np.int32), {}
    for number, (row, column, radius) in enumerate(((60, 80, 9.0), (150, 120, 4.0), (100, 150, 12.0)), start=1):
        labels[np.hypot(ROWS - row, COLUMNS - column) <= radius] = number
        drawn[number] = 70 - ((row - 100) * np.sin(angle) + (column - 150) * np.cos(angle)) - radius
    found = surface_distances(labels, along > 70)
    for number, distance in drawn.items():
        assert found[number] == pytest.approx(distance, abs=1.0)  # both outlines are whole pixels


def test_an_object_at_the_surface_has_no_distance_and_without_a_surface_there_is_none():
    labels = np.zeros((20, 30), np.int32)
    labels[5:8, 10:15], labels[5:8, 2:4] = 2, 4
    mount = np.zeros((20, 30), np.bool_)
    assert np.isinf(surface_distances(labels, mount)).all()
    mount[:, 15:] = True
    assert surface_distances(labels, mount).tolist() == [np.inf, np.inf, 0.0, np.inf, 11.0]
