import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from inspect_tool.measure.fields import field_statistics, fields_for_accuracy


def test_e562_thirty_fields_of_a_25_point_grid():
    # vector E562-30F: counts of 30 fields, 25 points
    counts = [
        4,
        3.5,
        5,
        2,
        4,
        3,
        6,
        3.5,
        4.5,
        2.5,
        4,
        5,
        3,
        4,
        4.5,
        3.5,
        2,
        5.5,
        4,
        3,
        4.5,
        3,
        3.5,
        4,
        5,
        2.5,
        4,
        3.5,
        4.5,
        3,
    ]
    found = field_statistics([100 * count / 25 for count in counts])
    assert found.mean == pytest.approx(15.2, abs=1e-6)
    assert found.s == pytest.approx(3.9163670709578233, abs=1e-6)
    assert found.ci95 == pytest.approx(1.462395498092996, abs=1e-6)
    assert found.ra_percent == pytest.approx(9.621023013769712, abs=1e-6)


def test_one_field_has_a_mean_and_no_interval():
    found = field_statistics([7.0])
    assert (found.mean, found.n) == (7.0, 1)
    assert found.s is found.ci95 is found.ra_percent is None


@given(st.lists(st.floats(0.1, 100), min_size=2, max_size=30))
def test_the_interval_is_that_of_scipy(values):
    found = field_statistics(values)
    if np.ptp(values) > 1e-6:
        low, high = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
        assert found.mean - found.ci95 == pytest.approx(low, rel=1e-6, abs=1e-9)
        assert found.mean + found.ci95 == pytest.approx(high, rel=1e-6, abs=1e-9)


def test_sections_combine_as_the_mean_of_their_means():
    found = field_statistics([10, 12, 20, 22, 24, 26], ["a", "a", "b", "b", "b", "b"])
    assert found.mean == pytest.approx((11 + 23) / 2)
    assert [(name, n) for name, _, n, _ in found.sections] == [("a", 2), ("b", 4)]
    # variances within sections, pooled: (2 + 20) / 4; of the mean: (5.5/2 + 5.5/4) / 4
    assert found.u_mean == pytest.approx(((5.5 / 2 + 5.5 / 4) / 4) ** 0.5)
    assert found.dof == 4


def test_half_the_relative_accuracy_takes_about_four_times_the_fields():
    found = field_statistics(np.tile([8.0, 10.0, 12.0, 10.0], 10))
    now = fields_for_accuracy(found, found.ra_percent)
    assert now <= 40 <= now + 1
    assert fields_for_accuracy(found, found.ra_percent / 2) == pytest.approx(4 * 40, rel=0.05)
