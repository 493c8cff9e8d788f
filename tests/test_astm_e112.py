"""ASTM E112 formulas against the worked vectors (published anchors and exact derivations) and their properties."""

from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspect_tool.errors import MeasurementError
from inspect_tool.standards.editions import constant, load_standard
from inspect_tool.standards.formulas import astm_e112, astm_e1382

E112 = load_standard("astm_e112_2013")
E1382 = load_standard("astm_e1382_1997")


def test_constants_follow_from_the_definition():
    # N_AE = 2**(G-1) grains per square inch at 100x, 1 in2 = 645.16 mm2; mean intercept of G 0 is 0.32 mm
    assert -astm_e112.g_from_grains_per_mm2(1.0, E112) == pytest.approx(2.9541991957798426, abs=1e-9)
    assert astm_e112.g_from_mean_intercept(1000.0, E112) == pytest.approx(-3.287712379549449, abs=1e-9)
    assert astm_e112.grains_per_mm2(0.0, E112) == pytest.approx(7.750015500031, abs=1e-9)
    assert astm_e112.mean_intercept_um(0.0, E112) == pytest.approx(320.0)


@pytest.mark.parametrize(
    ("g", "density", "area_um2", "intercept_um"),
    [  # rows of the published value table
        (-1.0, 3.88, 258064, 452.5),
        (0.0, 7.75, 129032, 320.0),
        (5.0, 248.00, 4032.25, 56.57),
        (8.0, 1984.00, 504.031, 20.0),
        (10.0, 7936.02, 126.008, 10.0),
        (14.0, 126976.25, 7.87549, 2.5),
    ],
)
def test_value_table(g, density, area_um2, intercept_um):
    assert astm_e112.g_from_grains_per_mm2(density, E112) == pytest.approx(g, abs=0.002)
    assert astm_e112.g_from_mean_area(area_um2, E112) == pytest.approx(g, abs=1e-4)
    assert astm_e112.g_from_mean_intercept(intercept_um, E112) == pytest.approx(g, abs=5e-4)


def test_anchors():
    assert astm_e112.g_from_grains_per_mm2(1984.0, E112) == pytest.approx(7.999997114607032, abs=1e-9)  # E112-ANCHOR-NA
    assert astm_e112.g_from_mean_intercept(20.0, E112) == pytest.approx(8.0, abs=1e-12)  # E112-ANCHOR-L


def test_62_intersections_on_1984_um():
    # E112-EX62
    assert astm_e112.g_from_intercepts_per_mm(62 / 1.984, E112) == pytest.approx(6.643856189774724, abs=1e-9)


def test_25_grains_per_square_inch_at_75x():
    # textbook exercise (Callister 4.36)
    assert astm_e112.g_from_grains_per_in2(25, 75, E112) == pytest.approx(4.813781191217037, abs=1e-9)


def test_jeffries_at_100x():
    # E112-JEFF-100x: 60 inside, 32 cut
    f = astm_e112.jeffries_multiplier(100, E112)
    assert f == pytest.approx(2.0)
    density = f * astm_e112.grains_in_circle(60, 32)
    assert density == pytest.approx(152.0)
    assert astm_e112.g_from_grains_per_mm2(density, E112) == pytest.approx(4.293728317663742, abs=1e-9)
    less_one = f * astm_e112.grains_in_circle(60, 32, "minus_one")
    assert less_one == pytest.approx(150.0)
    assert astm_e112.g_from_grains_per_mm2(less_one, E112) == pytest.approx(4.274619494716038, abs=1e-9)


@pytest.mark.parametrize(
    ("magnification", "f"), [(1, 0.0002), (50, 0.5), (75, 1.125), (150, 4.5), (500, 50), (1000, 200)]
)
def test_jeffries_multipliers(magnification, f):
    # the published table of multipliers
    assert astm_e112.jeffries_multiplier(magnification, E112) == pytest.approx(f)


def test_saltykov_counts_four_corners_as_one_grain():
    # N_edge without the corner grains, so that the constant is +1
    assert astm_e112.grains_in_rectangle(60, 32) == 60 + 16 + 1


def test_abrams_at_200x():
    # E112-ABRAMS-200x
    found = astm_e112.g_from_counts([85, 92, 78, 88, 95], 500.0, 200.0, E112)
    assert found.n_l_mean_per_mm == pytest.approx(35.04, abs=1e-9)
    assert found.s == pytest.approx(2.632109420217936, abs=1e-9)
    assert found.ci95 == pytest.approx(3.2681955064175936, abs=1e-6)
    assert found.ra_percent == pytest.approx(9.327041970369844, abs=1e-6)
    assert found.mean_intercept_um == pytest.approx(28.538812785388128, abs=1e-9)
    assert found.g == pytest.approx(6.974149360103448, abs=1e-9)
    assert (found.g_low, found.g_high) == pytest.approx((6.691637871978228, 7.231449949702072), abs=1e-6)


def test_one_field_has_no_interval():
    with pytest.raises(MeasurementError, match="at least two"):
        astm_e112.g_from_counts([85], 500.0, 200.0, E112)


def test_a_lot_is_averaged_before_the_logarithm():
    # E112-MEANRULE: the mean of the numbers would be 7.0
    assert astm_e112.g_of_lot([20, 40], E112) == pytest.approx(6.830074998557688, abs=1e-9)


def test_three_directed_lines():
    # E112-ANISO
    n_l = astm_e112.geometric_mean([24, 36, 36])
    assert n_l == pytest.approx(31.448896730506753, abs=1e-9)
    assert astm_e112.g_from_intercepts_per_mm(n_l, E112) == pytest.approx(6.662162622854404, abs=1e-9)
    assert astm_e112.anisotropy_index(36, 24) == pytest.approx(1.5)


def test_a_wrong_scale_shifts_g():
    # E112-SCALEERR
    assert astm_e112.g_error_of_scale(0.05) == pytest.approx(0.140778655782796, abs=1e-12)


def test_random_mosaic():
    # VORONOI: boundary length per area 2 sqrt(N_A), hence mean intercept pi / (4 sqrt(N_A))
    intercept_um = 17.632709293534127
    by_lines = astm_e112.g_from_mean_intercept(intercept_um, E112)
    by_area = astm_e112.g_from_grains_per_mm2(1984.0, E112)
    assert by_lines == pytest.approx(8.363491671892788, abs=1e-6)
    assert by_lines - by_area == pytest.approx(0.3634945572857564, abs=1e-6)


def test_matrix_of_two_phases():
    # 70 % matrix on 10 mm of lines, 140 matrix grains: 7000 um / 140
    assert astm_e112.matrix_mean_intercept_um(0.7, 10_000.0, 140) == pytest.approx(50.0)


@pytest.mark.parametrize("intercept_um", [2.5, 20.0, 100.0, 320.0])
def test_e1382_stays_within_its_rounded_constants(intercept_um):
    # -6.6457 log10(l) - 3.298 differs by -0.0055 to -0.0094 for G 0 to 14
    difference = astm_e1382.g_from_mean_intercept(intercept_um, E1382) - astm_e112.g_from_mean_intercept(
        intercept_um, E112
    )
    assert -0.0110 < difference < -0.0050


def test_boundary_length_gives_the_mean_intercept():
    # square lattice of pitch 10 um: 0.2 um of boundary per um2, isotropic mean intercept pi a / 4
    assert astm_e1382.intercept_from_boundary_length_um(200.0) == pytest.approx(7.853981633974483)


@pytest.mark.parametrize(
    "call",
    [
        lambda: astm_e112.g_from_mean_intercept(0.0, E112),
        lambda: astm_e112.g_from_intercepts_per_mm(0.0, E112),
        lambda: astm_e112.g_from_grains_per_mm2(-1.0, E112),
        lambda: astm_e112.g_from_mean_area(float("nan"), E112),
        lambda: astm_e112.matrix_mean_intercept_um(0.7, 100.0, 0),
    ],
)
def test_nothing_counted_is_no_grain_size(call):
    with pytest.raises(MeasurementError, match="must be > 0"):
        call()


@given(st.floats(-3, 16))
def test_round_trips(g):
    assert astm_e112.g_from_mean_intercept(astm_e112.mean_intercept_um(g, E112), E112) == pytest.approx(g, abs=1e-9)
    assert astm_e112.g_from_grains_per_mm2(astm_e112.grains_per_mm2(g, E112), E112) == pytest.approx(g, abs=1e-9)


@given(st.floats(0.5, 2000), st.floats(1.01, 4))
def test_coarser_grain_never_has_a_larger_number(intercept_um, ratio):
    fine, coarse = (astm_e112.g_from_mean_intercept(value, E112) for value in (intercept_um, intercept_um * ratio))
    assert coarse < fine


@given(st.floats(0.5, 2000))
def test_twice_the_scale_is_two_numbers_less(intercept_um):
    once, twice = (astm_e112.g_from_mean_intercept(value, E112) for value in (intercept_um, 2 * intercept_um))
    assert twice - once == pytest.approx(-2.0, abs=1e-9)
    dense = [astm_e112.g_from_grains_per_mm2(value, E112) for value in (intercept_um, 2 * intercept_um)]
    assert dense[1] - dense[0] == pytest.approx(1.0, abs=1e-9)


def test_both_editions_of_e112_agree_where_they_are_known_to():
    newer = load_standard("astm_e112_2024")
    for name in ("intercept_g0", "density_g1", "reference_magnification", "jeffries_area"):
        assert constant(newer, name).value == constant(E112, name).value
    assert any("not known" in note for note in newer.notes)  # whether it takes one grain off a circle
    assert log2(astm_e112.grains_per_mm2(1.0, newer) / astm_e112.grains_per_mm2(0.0, newer)) == pytest.approx(1.0)


def test_circles_of_abrams_are_500_mm_together():
    # circumferences 250 : 166.7 : 83.3 mm, diameters 79.58, 53.05, 26.53 mm
    drawn = [row["circumference_mm"] for row in E112.tables["abrams_circles"]]
    assert sum(drawn) == pytest.approx(500.0, abs=1e-12)
    assert [one / 3.141592653589793 for one in drawn] == pytest.approx([79.5775, 53.0516, 26.5258], abs=1e-4)
