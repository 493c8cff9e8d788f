"""ASTM E562 formulas: recomputed cases, the table of fields, and refusals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspect_tool.errors import MeasurementError
from inspect_tool.standards.editions import load_standard
from inspect_tool.standards.formulas import astm_e562

E562 = load_standard("astm_e562_2019")
# 30 fields on a grid of 25 points; expected values recomputed with the definitions
P_I = [4, 3.5, 5, 2, 4, 3, 6, 3.5, 4.5, 2.5, 4, 5, 3, 4, 4.5, 3.5, 2, 5.5, 4, 3, 4.5, 3, 3.5, 4, 5, 2.5, 4, 3.5, 4.5, 3]


def test_thirty_fields_on_a_grid_of_25_points():
    found = astm_e562.point_count(P_I, 25)
    assert found.mean_percent == pytest.approx(15.2, abs=1e-6)
    assert found.s_percent == pytest.approx(3.9163670709578233, abs=1e-6)
    assert found.t == pytest.approx(2.045229642132703, abs=1e-6)
    assert found.ci95_percent == pytest.approx(1.462395498092996, abs=1e-6)
    assert found.ra_percent == pytest.approx(9.621023013769712, abs=1e-6)


def test_number_of_fields_of_the_table_value():
    assert astm_e562.fields_needed(0.1, 25, 10.0, E562) == pytest.approx(160.0, abs=1e-9)


@pytest.mark.parametrize("row", E562.tables["fields"], ids=lambda row: f"{row['volume_percent']}-{row['ra_percent']}")
@pytest.mark.parametrize("grid", [16, 25, 49, 100])
def test_the_table_of_fields_follows_the_relation_to_its_rounding(row, grid):
    # the table prints steps of 5 fields below 100 and of 5 to 10 above, and no less than 4
    computed = astm_e562.fields_needed(row["volume_percent"] / 100, grid, row["ra_percent"], E562)
    printed = row[f"points_{grid}"]
    assert printed >= 4
    assert abs(printed - max(4.0, computed)) <= max(4.9, 0.03 * computed)


@pytest.mark.parametrize(
    ("percent", "points"),
    [(0.5, 100), (2, 100), (4.99, 100), (5, 49), (9.9, 49), (10, 25), (20, 16), (60, 16), (100, 16)],
)
def test_the_grid_follows_the_estimate(percent, points):
    assert astm_e562.grid_points(percent, E562) == points


def test_half_the_relative_accuracy_takes_four_times_the_fields():
    assert astm_e562.fields_for_finer_accuracy(30, 20.0, 10.0) == 120
    assert astm_e562.fields_for_finer_accuracy(30, 8.0, 10.0) == 30


@given(st.lists(st.integers(0, 50), min_size=2, max_size=40))
def test_statistics_agree_with_numpy(halves):
    counts = [half / 2 for half in halves]
    found = astm_e562.point_count(counts, 25)
    assert found.mean_percent == pytest.approx(np.mean(counts) * 4)
    assert found.s_percent == pytest.approx(np.std(counts, ddof=1) * 4, abs=1e-9)


def test_one_field_has_no_scatter():
    found = astm_e562.point_count([4], 16)
    assert (found.mean_percent, found.s_percent, found.ra_percent) == (25.0, None, None)


def test_no_hit_has_no_relative_accuracy():
    assert astm_e562.point_count([0, 0, 0], 25).ra_percent is None


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: astm_e562.point_percent(26, 25), "not between 0 and the 25 points"),
        (lambda: astm_e562.point_percent(0, 0), "at least 1 point"),
        (lambda: astm_e562.point_count([], 25), "at least one field"),
        (lambda: astm_e562.grid_points(101, E562), "must be 0 to 100 %"),
        (lambda: astm_e562.fields_needed(0, 25, 10, E562), "needs 0 < V_V < 1"),
        (lambda: astm_e562.fields_for_finer_accuracy(1, 10, 10), "at least 2 fields"),
    ],
)
def test_what_makes_no_sense_is_refused(call, match):
    with pytest.raises(MeasurementError, match=match):
        call()
