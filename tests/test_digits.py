"""Digits: no more than mean something, never so few that a number seems to be another one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspect_tool.languages import Text
from inspect_tool.model import Table
from inspect_tool.report import tables, text
from inspect_tool.report.digits import common_place, found_place, uncertainty_place

NBSP = "\N{NO-BREAK SPACE}"
REAL = st.floats(1e-4, 1e6).map(lambda value: float(f"{value:.6g}"))


def number_of(printed):
    return float(printed.replace("\N{MINUS SIGN}", "-").replace(NBSP, "").lstrip("<"))


@given(u=st.floats(2e-5, 1e6), share=st.floats(0, 1))
def test_lines_of_a_budget_add_up_to_the_combined_u_as_printed(u, share):
    """Two lines of any share: their root sum of squares is the printed total but for what is rounded away."""
    lines = [u * share**0.5, u * (1 - share) ** 0.5]
    printed = [text.budget_u(line, u) for line in (*lines, u)]
    unit = 10.0 ** -(2 - np.floor(np.log10(u)))  # of the third digit
    *shown, total = (number_of(one) for one in printed)
    assert np.hypot(*shown) == pytest.approx(total, abs=1.6 * max(unit, 1e-12) if u < 1000 else 1.6 * unit + 1.6)


def test_a_line_that_is_nothing_beside_the_others_is_said_to_be_less_and_not_nothing():
    assert text.budget_u(5.793e-4, 2.31) == f"<{NBSP}0.01"
    assert text.budget_u(0.0, 2.31) == "0"
    assert text.budget_u(0.00749, 0.0765) == "0.0075"


@given(st.lists(REAL, min_size=3, max_size=12))
def test_a_column_tells_apart_what_its_scatter_tells_apart(values):
    """A printed number is within a twentieth of the scatter of the column, or has four digits of the largest."""
    place = common_place(values)
    if place is None:
        return
    off = max(abs(number_of(one) - value) for one, value in zip(text.column(values), values, strict=True))
    assert off <= max(0.051 * np.std(values, ddof=1), 0.51 * 10.0 ** np.floor(np.log10(max(values)) - 3), 0.5)


def test_a_column_has_no_digits_beyond_its_scatter():
    assert text.column([0.7838, 0.8265, 0.7998, 0.8787]) == ["0.784", "0.826", "0.800", "0.879"]
    assert text.column([9.252, 9.316, 9.282, 9.132]) == ["9.252", "9.316", "9.282", "9.132"]
    assert text.column([2.5, 3.0]) == ["2.5", "3.0"]


def test_shares_in_per_cent_have_two_decimals_or_two_digits_and_are_never_a_bare_nothing():
    assert text.column([0.0, 0.003476, 0.0], percent=True) == ["0.0000", "0.0035", "0.0000"]
    assert text.column([0.4518, 0.4634, 0.4407], percent=True) == ["0.45", "0.46", "0.44"]
    assert text.column([0.0854, 0.00031, 0.0], percent=True, decades=1.0) == ["0.085", f"<{NBSP}0.001", "0"]


@given(value=REAL, limit=REAL)
def test_what_a_check_found_is_never_printed_onto_or_across_its_limit(value, limit):
    place = found_place(value, limit)
    shown = value if place is None else round(value, place)
    assert np.sign(shown - limit) == np.sign(value - limit)


@pytest.mark.parametrize(
    ("value", "limit", "printed"),
    [(0.0675, 3.0, "0.07"), (0.00487, 3.0, f"<{NBSP}0.01"), (0.0169, 0.271, "0.017"), (4.7905, 10.0, "4.8"),
     (2.998, 3.0, "2.998"), (3.0004, 3.0, "3.0004"), (0.4, 0.0, "0.4"), (88.0, 50.0, "88")],
)  # fmt: skip
def test_what_a_check_found_has_digits_that_mean_something_beside_its_limit(value, limit, printed):
    assert text.found(value, "1", limit) == printed


def test_not_below_zero_is_said_in_words():
    assert text.asked(">=", 0.0, "%") == "not negative"
    assert text.asked(">=", 0.5, "%") == f"≥{NBSP}0.5{NBSP}%"
    assert text.asked("<=", 0.0, "%") == f"≤{NBSP}0{NBSP}%"


def test_the_place_of_an_uncertainty_is_that_of_its_second_digit():
    assert [uncertainty_place(u) for u in (0.2345, 0.0996, 1.0, 96.0, 99.6)] == [2, 2, 1, 0, -1]


def test_a_trend_of_the_brightness_ends_at_a_hundredth_of_the_edges():
    """A ratio like a share: what is nothing beside the largest is said to be less than that."""
    table = Table(
        title="", columns=(Text("words.image"), Text("images.column_shading")), rows=(("a", 0.000541), ("b", 0.287))
    )
    assert [row[1] for row in tables.cells(table)] == [f"<{NBSP}0.01", "0.29"]
