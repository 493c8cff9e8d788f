"""ISO 643 and its relatives against the definition m = 8 x 2^G and the worked vectors."""

import pytest

from inspect_tool.standards.editions import load_standard
from inspect_tool.standards.formulas import iso_643

E112 = load_standard("astm_e112_2013")
ISO = load_standard("iso_643_2019")


def test_16_grains_per_mm2_are_index_1():
    assert iso_643.g_from_grains_per_mm2(16.0, ISO) == 1.0


@pytest.mark.parametrize("g", [-1, 0, 5, 8.5, 14])
def test_m_is_eight_times_two_to_the_g(g):
    assert iso_643.g_from_grains_per_mm2(8 * 2.0**g, ISO) == pytest.approx(g, abs=1e-12)


def test_iso_is_below_astm():
    # ISO643-OFFSET; the sign is often printed the wrong way round
    assert iso_643.g_from_grains_per_mm2(1984.0, ISO) == pytest.approx(7.954196310386875, abs=1e-9)
    assert iso_643.astm_minus_iso(1984.0, E112, ISO) == pytest.approx(0.04580080422015742, abs=1e-9)


def test_intercept_constant_of_the_value_table():
    # sqrt(0.8) of the mean grain diameter: G = 2 log2(N_L) - 3.3219, 0.034 below ASTM; 3.577 mm at G = -7
    assert iso_643.g_from_intercepts_per_mm(1.0, ISO) == pytest.approx(-3.3219, abs=1e-4)
    assert iso_643.g_from_mean_intercept(3577.0, ISO) == pytest.approx(-7.0, abs=0.001)


def test_jis_ferrite_intercepts():
    # JIS-INTERCEPT: 7 per mm both ways
    assert iso_643.jis_ferrite_grains(7.0, 7.0) == pytest.approx(2.45)
    assert iso_643.g_from_jis_ferrite(7.0, 7.0) == pytest.approx(2.2927817492278457, abs=1e-9)


def test_mean_area_is_the_inverse_density():
    assert iso_643.g_from_mean_area(1e6 / 16, ISO) == pytest.approx(1.0, abs=1e-12)
