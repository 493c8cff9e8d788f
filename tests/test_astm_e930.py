"""Largest grain observed (E930) and duplex conditions (E1181)."""

from math import pi

import numpy as np
import pytest

from inspect_tool.measure import duplex
from inspect_tool.standards.editions import load_standard
from inspect_tool.standards.formulas import astm_e930, astm_e1181

E112 = load_standard("astm_e112_2013")
E930 = load_standard("astm_e930_2018")
E1181 = load_standard("astm_e1181_2002")


def test_gate():
    # E930-GATE
    found = astm_e930.largest_grain(500, 20000, 0.03, E930, E112)
    assert found.g_average == pytest.approx(8.011585088882244, abs=1e-6)
    assert found.g_ala == pytest.approx(2.689656993994882, abs=1e-6)
    assert found.eligible


@pytest.mark.parametrize(
    ("largest_um2", "share"), [(20000, 0.06), (3900, 0.03)], ids=["too much area", "not coarse enough"]
)
def test_the_method_is_for_outliers_only(largest_um2, share):
    # 500 -> 3900 um2 is 2.96 numbers
    assert not astm_e930.largest_grain(500, largest_um2, share, E930, E112).eligible


def test_calipers_of_a_circle():
    # 0.785 is pi / 4 rounded
    assert astm_e930.caliper_area_um2(100, 100, E930) == pytest.approx(pi / 4 * 1e4, rel=6e-4)


def conditions(**changes):
    given = {
        "coarsest_difference_g": 1.0,
        "coarse_area_percent": 0.0,
        "range_g": 3.0,
        "mode_distance_g": 0.0,
        "mode_area_percent": 0.0,
    }
    return astm_e1181.duplex_conditions(**(given | changes), standard=E1181)


def test_duplex_conditions():
    none = conditions()
    assert (none.isolated_coarse, none.wide_range, none.bimodal) == (False, False, False)
    assert conditions(coarsest_difference_g=3.0, coarse_area_percent=5.0).isolated_coarse
    assert not conditions(coarsest_difference_g=3.0, coarse_area_percent=5.1).isolated_coarse
    assert conditions(range_g=5.0).wide_range
    assert conditions(mode_distance_g=4.0, mode_area_percent=75.0).bimodal
    assert not conditions(mode_distance_g=4.0, mode_area_percent=74.0).bimodal


def test_two_populations_have_two_modes():
    # half of the area at G 10, half at G 5, each with a spread of 0.3
    rng = np.random.default_rng(5)
    g = np.concatenate([rng.normal(10, 0.3, 3200), rng.normal(5, 0.3, 100)])
    found = duplex.area_distribution(g, 2.0**-g)
    assert found.mode_distance_g == pytest.approx(5.0, abs=0.51)
    assert found.mode_area_percent > 90
    assert found.percent.sum() == pytest.approx(100.0)


def test_one_population_has_one_mode():
    rng = np.random.default_rng(6)
    g = rng.normal(8, 0.6, 2000)
    found = duplex.area_distribution(g, 2.0**-g)
    assert found.mode_distance_g == 0.0
    # normal in G with weight 2^-g: shifted by ln 2 x 0.36, same spread; central 90 % is 2 x 1.645 x 0.6
    assert found.high_g - found.low_g == pytest.approx(2 * 1.645 * 0.6, abs=0.15)


def test_local_intercepts_of_squares():
    # squares of 10 px left, 20 px right: every tile finds its own pitch
    rows, columns = np.mgrid[0:400, 0:400]
    left = rows // 10 * 100 + columns // 10 + 1
    right = rows // 20 * 100 + columns // 20 + 10_001
    labels = np.where(columns < 200, left, right).astype(np.int32)
    found = duplex.local_intercepts(labels, mean_area_px2=64.0)  # tiles of 40 px
    assert found.tile_px == 40
    # the tile grid falls on the lattice, so that every pitch of a tile holds one of its boundaries
    assert np.allclose(found.mean_intercept_px[1:, 1:5], 10.0)
    assert np.allclose(found.mean_intercept_px[1:, 6:], 20.0)


def test_no_map_of_a_small_field():
    assert duplex.local_intercepts(np.ones((50, 50), dtype=np.int32), mean_area_px2=100.0) is None
