"""Rounding and wording. Expected texts follow GUM 7.2.6 (JCGM 100:2008) and plain typography."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspect_tool.model import Requirement
from inspect_tool.report import digits, text

finite = st.floats(1e-4, 1e6)


@pytest.mark.parametrize(
    ("value", "expanded_u", "unit", "expected"),
    [
        # JCGM 100:2008, 7.2.4: m = (100.021 47 ± 0.000 79) g
        (100.02147, 0.00079, "1", "100.02147 ± 0.00079"),
        # JCGM 100:2008, 7.2.6: 10.057 62 ohm with 27 mohm is rounded to 10.058 ohm
        (10.05762, 0.027, "1", "10.058 ± 0.027"),
        (0.996, 0.0996, "%", "1.00 ± 0.10 %"),  # the uncertainty itself moves up a decade
        (45678.0, 1234.0, "1/mm2", "45 700 ± 1200 mm⁻²"),
        (-1.25, 0.5, "um", "−1.25 ± 0.50 µm"),
        (7.93, None, "G", "7.930"),
        (7.93, 0.0, "%", "7.930 ± 0 %"),
        (float("nan"), 0.1, "%", "–"),
        (None, None, "%", "–"),
    ],
)
def test_result_is_printed_to_the_place_of_its_uncertainty(value, expanded_u, unit, expected):
    assert text.pm(value, expanded_u, unit) == expected.replace(" ", text.NBSP)


@pytest.mark.parametrize(
    ("value", "expanded_u", "limits", "expected"),
    [
        (25.13, 15.9, (20.31, 41.03), "25.1 (20.3 … 41.0) µm"),
        (3.2, 5.1, (0.0, 8.3), "3.2 (0.0 … 8.3) µm"),  # a limit that is cut off at zero
        (25.13, 9000.0, (20.31, 9025.0), "25.1 (20.3 … 9000) µm"),  # far limit: two digits of its own distance
        (20.0, 5.0, (20.0, 25.0), "20.0 (20.0 … 25.0) µm"),  # one side alone
        (25.13, 4.0, (21.16, 29.13), "25.1 ± 4.0 µm"),  # differs by less than the place that is printed
        (25.13, 4.0, (21.13, 29.13), "25.1 ± 4.0 µm"),
        (25.13, 4.0, None, "25.1 ± 4.0 µm"),
        (25.13, None, (21.0, 22.0), "25.13 µm"),
        (25.13, 4.0, (21.13, float("inf")), "25.1 ± 4.0 µm"),
    ],
)
def test_limits_that_lie_unevenly_are_printed_themselves(value, expanded_u, limits, expected):
    assert text.pm(value, expanded_u, "um", limits) == expected.replace(" ", text.NBSP)


@pytest.mark.parametrize(("value", "expected"), [(999.4, "999"), (1000.0, "∞"), (267383.4, "∞"), (12.34, "12.3")])
def test_so_many_degrees_of_freedom_that_k_no_longer_shows_them_are_infinite(value, expected):
    """At 1000 the Student factor, 1.9623, is printed as 1.96 as well."""
    assert text.dof(value) == expected


@given(finite, finite)
def test_printed_value_differs_by_at_most_half_the_second_digit_of_u(value, expanded_u):
    shown = Decimal(text.value_text(value, expanded_u).replace(text.NBSP, "").replace(text.MINUS, "-"))
    place = digits.uncertainty_place(expanded_u)
    assert abs(shown - Decimal(repr(value))) <= Decimal(5).scaleb(-place - 1)


@given(finite)
def test_printed_uncertainty_has_two_significant_digits(expanded_u):
    shown = text.uncertainty_text(expanded_u).replace(text.NBSP, "").replace(".", "").lstrip("0")
    assert len(shown.rstrip("0") or "0") <= 2
    assert len(shown) >= 2


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("area_um2", "Area [µm²]"),
        ("area_percent.sigma_phase", "Area, sigma phase [%]"),
        ("mean_intercept_um", "Mean intercept [µm]"),
        ("pore_count_per_mm2", "Pore count per area [mm⁻²]"),
        ("orientation_deg", "Orientation [°]"),
        ("row_px", "Row [px]"),
        ("ecd_um", "ECD [µm]"),
        ("count", "Count"),
        ("s", "s"),
        ("Grains [mm⁻²]", "Grains [mm⁻²]"),
        ("Area of the pore", "Area of the pore"),
    ],
)
def test_column_name_becomes_a_head_with_its_unit(column, expected):
    assert text.heading(column) == expected


def test_grain_size_number_and_ratio_print_no_unit():
    assert text.unit("G") == text.unit("1") == ""


def test_limits_are_printed_as_given_and_not_rounded():
    both = Requirement(quantity="x", unit="um", lower=1.23456, upper=20000.0)
    assert text.limits(both, "um") == "1.23456 … 20 000 µm".replace(" ", text.NBSP)
    assert text.limits(Requirement(quantity="x", class_string="D5/2"), "%") == "D5/2"


@pytest.mark.parametrize("p", [0.0, 1e-9, 0.5, 0.99999999, 1.0])
def test_probability_is_never_certain(p):
    assert text.probability(p).replace(text.NBSP, " ") not in ("0 %", "100 %", "0.0 %", "100.0 %")


def test_numbers_of_one_column_end_at_one_place():
    assert text.column([1.5, 12.25, 100.0]) == ["1.5", "12.2", "100.0"]  # four digits for the largest, half to even
    assert text.column([1, True, None, "a"]) == ["1", "yes", "–", "a"]
    assert text.column([0.001, 1000.0]) == ["0.001", "1000"]  # too wide for one place


def test_large_and_tiny_numbers_stay_readable():
    assert text.number(1.5e12).replace(text.NBSP, " ") == "1.500 × 10¹²"
    assert text.number(-2e-7).replace(text.NBSP, " ") == "−2.000 × 10⁻⁷"
    assert text.number(-0.0) == "0"


@given(st.text())
def test_style_sheet_string_cannot_end_early(anything):
    quoted = text.css_string(anything)
    assert quoted[0] == quoted[-1] == '"'
    assert not set(quoted[1:-1]) & set('"<>{}\n')


def test_empty_fields_say_so():
    assert text.stated("  ") == text.stated(None) == text.day("") == "not stated"


def test_file_name_loses_folders_of_either_system():
    assert text.file_name("C:\\images\\field 1.tif") == text.file_name("../images/field 1.tif") == "field 1.tif"
