"""Rough and smooth areas whose border is drawn."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from inspect_tool import synthetic
from inspect_tool.errors import BackendError, SettingsError
from inspect_tool.model import Calibration, Micrograph
from inspect_tool.segmentation import texture

SETTINGS = texture.Settings()


def image(pixels, roi=None):
    return Micrograph(pixels=pixels, calibration=Calibration(source="ratio only"), path="dish.png", roi=roi)


def rough_disc(halo, radius=70, side=260):
    """A disc of granules in smooth noise of the same gray level, a bright ring of some width outside it."""
    rng = np.random.default_rng(3)
    row, column = np.indices((side, side)) - side / 2
    away = np.hypot(row, column) - radius
    granules = cv2.GaussianBlur(rng.normal(0, 1, (side, side)).astype(np.float32), (0, 0), 1.2)
    picture = 130 + np.where(away < 0, 18 * granules / granules.std(), 0.0)
    if halo:
        picture += np.where(away >= 0, 45 * np.exp(-((away / halo) ** 2)), 0.0)
    picture += rng.normal(0, 1, picture.shape)
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8), np.pi * radius**2


def test_an_area_of_the_same_gray_is_told_by_its_texture():
    pixels, area = rough_disc(halo=0)
    found = texture.segment(None, image(pixels), replace(SETTINGS, reach_px=0.0))  # there is no edge to move to
    assert found.classes == {0: "smooth", 1: "rough"}
    assert np.count_nonzero(found.labels) == pytest.approx(area, rel=0.06)
    assert found.told.texture_separation > 2


def test_a_halo_is_no_part_of_what_it_surrounds():
    pixels, area = rough_disc(halo=6.0)
    moved = np.count_nonzero(texture.segment(None, image(pixels), SETTINGS).labels)
    left = np.count_nonzero(texture.segment(None, image(pixels), replace(SETTINGS, reach_px=0.0)).labels)
    assert left > 1.4 * area
    assert abs(moved - area) < (left - area) / 4


@pytest.mark.parametrize("percent", [20.0, 80.0])
def test_cells_in_phase_contrast_cover_what_was_drawn(percent):
    field = synthetic.culture(seed=11, area_percent=percent, cell_um=45.0, shape_px=(400, 500))
    pixels = synthetic.degrade(field.pixels, 1, seed=1, modality="xray")
    found = texture.segment(None, image(pixels), SETTINGS)
    assert 100 * found.labels.mean() == pytest.approx(field.truth["field.area_percent.covered"], abs=4)
    assert (found.labels == field.labels).mean() > 0.94
    others = {name: other.labels.mean() for name, other in found.alternatives()}
    assert list(others) == ["texture -", "texture +", "reach -", "reach +"]
    assert others["texture +"] <= found.labels.mean() <= others["texture -"]
    assert others["reach +"] <= found.labels.mean() <= others["reach -"]


def test_a_level_that_is_given_finds_nothing_on_empty_ground():
    rng = np.random.default_rng(5)
    empty = np.clip(rng.normal(120, 1.5, (200, 240)), 0, 255).astype(np.uint8)
    pixels, area = rough_disc(halo=0)
    settings = replace(SETTINGS, level=1.5, reach_px=0.0)
    assert not texture.segment(None, image(empty), settings).labels.any()
    full = texture.segment(None, image(pixels), settings)
    assert np.count_nonzero(full.labels) == pytest.approx(area, rel=0.08)
    assert full.told.texture_separation is None


def test_one_kind_of_area_is_not_far_from_itself():
    rng = np.random.default_rng(6)
    empty = np.clip(rng.normal(120, 3.0, (240, 300)), 0, 255).astype(np.uint8)
    assert texture.segment(None, image(empty), SETTINGS).told.texture_separation < 1.5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"window_px": 10}, r"window_px must be odd from 3 to 99, got 10"),
        ({"window_px": 101}, r"window_px must be odd from 3 to 99, got 101"),
        ({"classes": ("cells", "cells")}, r"give two different names of classes, got \['cells', 'cells'\]"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, message):
    with pytest.raises(SettingsError, match=message):
        texture.load(replace(SETTINGS, **changes))


def test_a_constant_image_is_refused():
    with pytest.raises(BackendError, match=r"dish\.png: the image is constant where it counts"):
        texture.segment(None, image(np.full((60, 60), 9, np.uint8)), SETTINGS)
