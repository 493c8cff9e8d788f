"""Where the level lies between two phases, from profiles that are written down and not measured."""

from dataclasses import replace

import numpy as np
import pytest

from inspect_tool.segmentation.threshold.level_choice import HEIGHTS, OWN_GRAY, SHIFT, Profile, choose, mirrored


def _hump(at, width=0.06):
    return np.exp(-(((HEIGHTS - at) / width) ** 2) / 2)


def _profile(humps, crests, edges=300.0):
    """Plateaus of pixels at some heights (height, pixels) over those on edges; steep at some (height, gradient)."""
    on_edges = np.where(np.abs(HEIGHTS) < 0.6, edges, 0.0)
    pixels = on_edges + sum(n * _hump(at) for at, n in humps)
    steep = 0.001 + sum(gradient / 100 * _hump(at, 0.12) for at, gradient in crests)
    return Profile(field=pixels, pixels=pixels, steepness=steep, edges=0.1)


TWO = _profile([(-0.45, 4000), (0.45, 20000)], [(0.0, 10.0)])


def test_two_phases_keep_the_level_half_way_up_the_edges():
    choice = choose(TWO, "dark")
    assert choice.height == 0
    assert dict(choice.others) == {"threshold -": -SHIFT, "threshold +": SHIFT}
    assert choice.own_gray > 2 * OWN_GRAY


def test_the_negative_of_an_image_has_the_mirrored_choice():
    mixed = _profile([(-0.8, 3000), (-0.1, 30000), (0.5, 900)], [(-0.4, 10.0), (0.2, 8.0)])
    dark = choose(mixed, "dark")
    bright = choose(mirrored(mixed), "bright")
    assert bright.height == pytest.approx(-dark.height)
    assert bright.others["threshold -"] == pytest.approx(-dark.others["threshold +"])
    assert bright.own_gray == dark.own_gray


def test_edges_of_pores_and_of_their_rims_are_not_averaged():
    # pores at -0.8, the metal at -0.1 where half-way up all edges lies, bright rims at 0.5
    choice = choose(_profile([(-0.8, 3000), (-0.1, 30000), (0.5, 900)], [(-0.4, 10.0), (0.2, 8.0)]), "dark")
    assert choice.is_mixed
    assert choice.height == pytest.approx(-0.4, abs=0.05)
    # no alternative calls the metal a pore
    assert max(choice.others.values()) < -0.15


def test_a_few_steep_pits_are_not_the_phase():
    # dark precipitates of 57 % and some pits, far darker and far steeper
    choice = choose(
        _profile([(-1.0, 60), (-0.4, 40000), (0.4, 30000)], [(-0.8, 40.0), (0.0, 10.0)], edges=3000), "dark"
    )
    assert choice.height == 0
    assert set(choice.others) == {"threshold -", "threshold +"}


def test_a_third_gray_on_the_side_of_the_phase_is_carried_as_an_alternative():
    # bright matrix, and two darker grays: does the one in the middle belong to the phase?
    choice = choose(_profile([(-0.9, 9000), (-0.3, 12000), (0.4, 30000)], [(-0.6, 9.0), (0.05, 10.0)]), "dark")
    assert choice.height == 0
    assert [height for name, height in choice.others.items() if name.startswith("another gray")] == [
        pytest.approx(-0.6, abs=0.05)
    ]


def test_grays_that_lie_unevenly_about_the_edges_disagree_with_them():
    choice = choose(_profile([(-0.1, 20000), (0.5, 20000)], [(0.1, 10.0)], edges=4000), "dark")
    assert choice.others["gray values"] == pytest.approx(0.2, abs=0.051)


def test_a_phase_without_a_gray_of_its_own_has_its_level_near_the_foot_of_the_edges():
    # pixels get fewer and fewer from the matrix at -0.45 on; every gray above it is steep
    pixels = 20000 * _hump(-0.45, 0.1) + np.where(HEIGHTS > -0.3, 1200 * np.exp(-2.5 * (HEIGHTS + 0.3)), 0.0)
    steep = 0.01 + 0.09 * np.clip((HEIGHTS + 0.4) / 0.3, 0, 1)
    relief = Profile(field=pixels, pixels=pixels, steepness=steep, edges=0.1)
    choice = choose(relief, "bright")
    assert choice.own_gray < OWN_GRAY
    assert choice.others["half-way up the edges"] == 0
    assert -0.45 < choice.others["foot of the edges"] < choice.height < 0
    # few edges, or a phase of two pixels' width, cannot show a gray of their own: nothing is said
    few = choose(replace(relief, edges=0.01), "bright")
    thin = choose(replace(relief, steepness=5 * steep), "bright")
    soft = choose(replace(relief, blur_px=10.0), "bright")
    assert {(made.own_gray, made.height) for made in (few, thin, soft)} == {(None, 0)}
