import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from inspect_tool.statistics.fields import field_statistics, fields_for_accuracy, scatter_line


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
    # the sections are the sample: s of 11 and 23 is 8.485, over root 2, one degree of freedom
    assert found.u_mean == pytest.approx(6.0)
    assert found.dof == 1
    # between the fields of a section, pooled: (2 + 20) / 4
    assert found.s == pytest.approx(5.5**0.5)


def test_sections_of_one_field_each_are_fields():
    found = field_statistics([4, 5, 9], ["a", "b", "c"])
    assert found.s is None
    assert (found.u_mean, found.dof, found.ci95) == (
        field_statistics([4, 5, 9]).u_mean,
        2,
        field_statistics([4, 5, 9]).ci95,
    )


@pytest.mark.parametrize("between", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("fields", [(4, 4), (3, 3, 3), (2, 5, 3, 8, 1)])
def test_the_interval_over_sections_holds_whatever_differs_between_them(fields, between):
    # fields scatter by 1 within a section, sections by ``between``; the mean of all sections is 10
    random, draws = np.random.default_rng(3), 2000
    names = [f"{i}" for i, n in enumerate(fields) for _ in range(n)]
    shift = between * random.standard_normal((draws, len(fields)))
    values = 10 + np.repeat(shift, fields, axis=1) + random.standard_normal((draws, len(names)))
    found = [field_statistics(row, names) for row in values]
    share = np.mean([abs(one.mean - 10) <= one.ci95 for one in found])
    # equal numbers: exact, 3 standard deviations of 2000 draws; else the means differ a little in variance
    assert share == pytest.approx(0.95, abs=0.0147 if len(set(fields)) == 1 else 0.02)


def test_the_line_of_the_budget_says_what_scatters():
    (one,) = scatter_line(field_statistics([4.0, 6.0, 8.0]))
    assert (one.name, one.u, one.dof, one.kind) == ("between fields", pytest.approx(2 / 3**0.5), 2, "A")
    (several,) = scatter_line(field_statistics([4.0, 6.0, 8.0, 8.0], ["a", "a", "b", "b"]))
    assert (several.name, several.u, several.dof) == ("between sections", pytest.approx(1.5), 1)
    assert scatter_line(field_statistics([4.0])) == ()


def test_half_the_relative_accuracy_takes_about_four_times_the_fields():
    found = field_statistics(np.tile([8.0, 10.0, 12.0, 10.0], 10))
    now = fields_for_accuracy(found, found.ra_percent)
    assert now <= 40 <= now + 1
    assert fields_for_accuracy(found, found.ra_percent / 2) == pytest.approx(4 * 40, rel=0.05)
