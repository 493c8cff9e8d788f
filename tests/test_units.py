import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspect_tool.errors import SettingsError
from inspect_tool.report.text import unit as printed
from inspect_tool.units import UNITS, convert, dimension, spelled


def test_an_inch_is_25_4_mm_and_a_square_inch_645_16_mm2():
    # exact by definition of the inch
    assert convert(1, "in", "mm") == pytest.approx(25.4)
    assert convert(1, "in2", "mm2") == pytest.approx(645.16)
    assert convert(1, "1/in2", "1/mm2") == pytest.approx(1 / 645.16)


@given(st.sampled_from(UNITS), st.sampled_from(UNITS), st.floats(1e-6, 1e6))
def test_conversion_there_and_back_is_the_identity(unit, other, value):
    if dimension(unit) != dimension(other):
        with pytest.raises(SettingsError, match="cannot convert"):
            convert(value, unit, other)
    else:
        assert convert(convert(value, unit, other), other, unit) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("unit", ["percent", "µx", "micron", "", "mm3", "mm⁻³"])
def test_an_unknown_unit_is_an_error_never_one(unit):
    with pytest.raises(SettingsError, match="unknown unit"):
        convert(1.0, unit, unit)


@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit not in ("1", "G")])
def test_a_unit_is_understood_as_the_report_prints_it(unit):
    # of "1" and "G" the report prints nothing
    assert spelled(printed(unit)) == unit
    assert convert(2.0, printed(unit), unit) == 2.0


@pytest.mark.parametrize("mu", ["\N{MICRO SIGN}", "\N{GREEK SMALL LETTER MU}"])
def test_both_signs_for_micro_are_micrometers(mu):
    assert convert(3.0, f"{mu}m", "nm") == pytest.approx(3000)
    assert convert(1.0, "mm²", f"{mu}m²") == pytest.approx(1e6)
