"""Crossings of all chords from those of the longer ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspect_tool import synthetic
from inspect_tool.measure.short_chords import LONGEST_PX, all_crossings, crossings_without

PX = np.arange(1, LONGEST_PX + 1)


@given(st.floats(1.0, 1e4), st.floats(0.0, 0.1), st.floats(0.3, 3.0), st.floats(0.5, 2.0))
def test_by_the_law_of_short_chords_the_first_ones_do_not_matter(number, rate, first, second):
    """Whatever blur and noise make of chords of 1 and 2 px."""
    law = number * np.exp(-rate * PX * (PX - 1) / 2)
    seen = law * np.concatenate([[first, second], np.ones(LONGEST_PX - 2)])
    assert all_crossings(seen) == pytest.approx(number, rel=1e-6)


def test_without_longer_chords_the_count_stays():
    assert all_crossings([0.3, 0.1, 0.05, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]) == 0.3
    assert all_crossings(np.zeros(LONGEST_PX)) == 0.0


@pytest.mark.parametrize("spacing", [20.0, 32.0])
def test_a_drawn_phase_has_as_many_crossings_as_its_longer_chords_tell(spacing):
    """Exact labels of a Gaussian field: nothing is lost in them, and so nothing is to be added."""
    drawn = synthetic.bands(
        seed=5, area_percent=45.0, spacing_um=spacing, anisotropy=2.0, shape_px=(500, 600), pixel_um=1.0
    )
    banded = drawn.labels == 1
    for mask in (banded, banded.T):
        without = crossings_without(mask, np.ones(mask.shape, bool))
        assert all_crossings(without) == pytest.approx(without[0], rel=0.03)
        assert without[3] < 0.98 * without[0]  # a good part of the chords is short


def test_pixels_outside_the_region_make_no_pairs():
    labels = np.zeros((20, 10), bool)
    labels[5:15] = True
    known = np.ones(labels.shape, bool)
    known[10:] = False
    assert crossings_without(labels, known)[0] == pytest.approx(1 / 9)
