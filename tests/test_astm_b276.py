"""Hardmetal porosity: levels of the plate series."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspect_tool.errors import MeasurementError, SettingsError
from inspect_tool.model import Requirement
from inspect_tool.recipes import porosity
from inspect_tool.recipes.porosity import Settings
from inspect_tool.standards.editions import editions_for, load_standard
from inspect_tool.standards.formulas.astm_b276 import level, level_percent, pore_type

B276 = load_standard("astm_b276_2021")


@pytest.mark.parametrize(
    ("percent", "expected"),
    # plates at 0.02, 0.06, 0.2 and 0.6 vol %
    [
        (0, "A00"),
        (0.001, "A02"),
        (0.02, "A02"),
        (0.021, "A04"),
        (0.06, "A04"),
        (0.2, "A06"),
        (0.3, "A08"),
        (0.61, "> A08"),
    ],
)
def test_level_is_the_nearest_that_is_not_better(percent, expected):
    assert level("A", percent, B276) == expected


@given(st.floats(0, 0.6), st.floats(0, 0.6))
def test_more_pores_never_have_a_better_level(a, b):
    low, high = sorted((a, b))
    assert level("B", low, B276) <= level("B", high, B276)


@given(st.floats(1e-6, 0.6))
def test_level_holds_what_was_measured(percent):
    assert level_percent(level("A", percent, B276), B276) >= percent


def test_types_by_diameter():
    assert [pore_type(d, B276) for d in (1, 9.99, 10, 25, 25.01, 200)] == ["A", "A", "B", "B", "large", "large"]


def test_densities_of_type_b_rise_with_the_level():
    found = [row["pores_per_cm2"] for row in B276.tables["levels"] if row["type"] == "B"]
    assert found == [140, 430, 1300, 4000]


def test_wrong_input():
    with pytest.raises(MeasurementError, match="volume per cent must be >= 0, got -1"):
        level("A", -1, B276)
    with pytest.raises(MeasurementError, match="'A03' is not a level of ASTM B276"):
        level_percent("A03", B276)


def test_class_string_of_a_hardmetal():
    def expanded(text):
        asked = Requirement(quantity="hardmetal_class", class_string=text, source="spec 12")
        return porosity.expand(asked, Settings(), editions_for(porosity, Settings(), asked=[asked]))

    a, b, c = expanded("A02 B00 C00")
    assert (a.quantity, a.upper, b.quantity, b.upper) == ("hardmetal_percent.A", 0.02, "hardmetal_percent.B", 0.0)
    assert c.quantity == "hardmetal_class.C"
    assert expanded("A02B04C02")[1].upper == 0.06
    with pytest.raises(SettingsError, match="'A03' is not a level of ASTM B276"):
        expanded("A03")
