"""Features of less contrast than the others: a level leaves them to the matrix, which the recipe doubts."""

from dataclasses import replace

import numpy as np
import pytest
from test_layered_classes import E1245, found, seen

from inspect_tool.measure.gray_of_matrix import paler_percent
from inspect_tool.recipes import phase_fraction
from inspect_tool.recipes.phase_fraction import Settings

TITLE = "Proportion of the matrix at a gray level of its own, toward that of the phase"


def rods(pale):
    """Dark rods on a bright ground; every third of them has a gray of its own."""
    scene = np.full((300, 360), 220.0)
    for number, left in enumerate(range(12, 340, 24)):
        scene[20:280, left : left + 14] = pale if number % 3 == 0 else 40.0
    return seen(scene)


def pale_checks(field):
    return [one for one in phase_fraction.combine([field], Settings(), E1245).checks if one.name.startswith(TITLE)]


def test_pale_features_that_a_level_leaves_to_the_matrix_are_doubted():
    micrograph, segmentation, field = found(rods(150.0), phase="dark")
    assert field.values.shares.area_percent["dark"] < 32  # 47 % is true
    (doubt,) = pale_checks(field)
    assert not doubt.passed
    assert doubt.scope == "plausibility"
    kept = {name: value for name, value in field.read_off.items() if name != "paler_percent"}
    again = phase_fraction.measure_field(replace(micrograph, read_off=kept), segmentation, Settings(), E1245)
    assert not pale_checks(again)  # a report of before is not asked


@pytest.mark.parametrize("pale", [70.0, 200.0])
def test_features_of_nearly_one_gray_are_not_doubted(pale):
    _, _, field = found(rods(pale), phase="dark")
    (check,) = pale_checks(field)
    assert check.passed


def test_evenly_spread_grays_are_no_two_levels():
    gray = np.tile(np.arange(80, 240), (160, 1))
    phase = np.zeros(gray.shape, bool)
    phase[:60] = True
    assert paler_percent(np.where(phase, 20, gray), phase, ~phase) == 0
