"""Pits lit aslant: a gray level takes their dark side alone, which shares of area doubt."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from test_layered_classes import E1245, found, seen

from inspect_tool.measure.relief import relief_percent
from inspect_tool.recipes import phase_fraction, porosity
from inspect_tool.recipes.phase_fraction import Settings
from inspect_tool.standards.editions import editions_for

TITLE = "Area that shines on one side of the class"
ROWS, COLUMNS = np.mgrid[:300, :400]


def pits(seed, toward, matrix=130.0):
    """Gray values of shallow pits, dark on one side and bright on the other, and the area that they cover. [%]"""
    random = np.random.default_rng(seed)
    gray, covered = np.full(ROWS.shape, matrix), np.zeros(ROWS.shape, bool)
    for top in range(20, 280, 45):
        for left in range(20, 380, 45):
            row, column, radius = top + random.uniform(0, 8), left + random.uniform(0, 8), random.uniform(6, 13)
            here = np.hypot(ROWS - row, COLUMNS - column) < radius
            covered |= here
            slope = ((ROWS - row) * np.sin(toward) + (COLUMNS - column) * np.cos(toward)) / radius
            gray[here] += 75 * slope[here] ** 3
    return gray, 100 * covered.mean()


def relief_checks(findings):
    return [one for one in findings.checks if one.name.startswith(TITLE)]


@pytest.mark.parametrize("toward", [0.4, 3.6])
def test_the_shaded_side_of_pits_is_doubted_whatever_the_light_comes_from(toward):
    gray, truth = pits(3, toward)
    micrograph, segmentation, field = found(seen(gray), phase="dark")
    assert field.values.shares.area_percent["dark"] < truth / 2
    (doubt,) = relief_checks(phase_fraction.combine([field], Settings(), E1245))
    assert not doubt.passed
    assert doubt.scope == "plausibility"
    kept = {name: value for name, value in field.read_off.items() if name != "relief_percent"}
    again = phase_fraction.measure_field(replace(micrograph, read_off=kept), segmentation, Settings(), E1245)
    assert not relief_checks(phase_fraction.combine([again], Settings(), E1245))  # a report of before is not asked
    settings = porosity.Settings()
    editions = editions_for(porosity, settings, "areal_porosity_2026")
    pores = replace(segmentation, classes={0: "metal", 1: "pore"})
    (doubt,) = relief_checks(
        porosity.combine([porosity.measure_field(micrograph, pores, settings, editions)], settings, editions)
    )
    assert not doubt.passed


def test_a_bright_rim_all_around_is_no_relief():
    gray = np.full(ROWS.shape, 130.0)
    for top in range(30, 280, 50):
        for left in range(30, 380, 50):
            away = np.hypot(ROWS - top, COLUMNS - left)
            gray[away < 15], gray[away < 11] = 230, 40
    _, _, field = found(seen(ndimage.gaussian_filter(gray, 0.8)), phase="dark")
    (check,) = relief_checks(phase_fraction.combine([field], Settings(), E1245))
    assert check.passed
    assert check.value < 5


def test_bright_and_dark_things_at_random_are_no_relief_in_either_polarity():
    levels = np.random.default_rng(5).choice([50, 130, 130, 130, 210], (60, 80))
    gray = np.kron(levels, np.ones((5, 5), int))
    for phase in (gray < 90, gray > 170):
        assert relief_percent(gray, phase) < 10


def test_noise_beside_faint_specks_at_the_edge_of_a_picture_is_no_relief():
    gray = 180 + np.random.default_rng(7).normal(0, 2.5, (200, 200))
    specks = np.zeros(gray.shape, bool)
    specks[20:190:30, 196:199] = True
    assert relief_percent(np.rint(gray - 4 * specks), specks) < 10
