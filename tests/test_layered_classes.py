"""Layers of one gray: a level counts them together, which the recipe doubts; of scattered features it does not."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from inspect_tool.measure.layers import layered_percent
from inspect_tool.model import Calibration, Micrograph
from inspect_tool.recipes import phase_fraction
from inspect_tool.recipes.phase_fraction import Settings
from inspect_tool.segmentation import threshold
from inspect_tool.standards.editions import editions_for

E1245 = editions_for(phase_fraction, Settings(), "astm_e1245_2016")
TITLE = "Share of the variance of a class that lies in layers"


def coating():
    """A bright coating over a layer of oxide, and a base of the gray of the oxide; both have dark pores.

    The oxide is 20 % of the field: rows 140 to 204 of 320.
    """
    scene = np.full((320, 400), 200.0)
    scene[140:] = 120.0
    rng = np.random.default_rng(5)
    for _ in range(160):
        cv2.circle(scene, (int(rng.integers(400)), int(rng.integers(320))), int(rng.integers(2, 6)), 40.0, -1)
    scene[203:205] = 95.0  # a thin dark line parts oxide and base
    return seen(scene)


def seen(scene):
    noise = np.random.default_rng(1).normal(0, 4, scene.shape)
    return np.clip(np.rint(cv2.GaussianBlur(scene, (0, 0), 1.0) + noise), 0, 255).astype(np.uint8)


def found(pixels, settings=None, **backend):
    micrograph = Micrograph(
        pixels=pixels, calibration=Calibration(pixel_um=1.0, source="test"), path="field.png", field=1
    )
    segmentation = threshold.segment(None, micrograph, threshold.Settings(**backend))
    field = phase_fraction.measure_field(micrograph, segmentation, settings or Settings(), E1245)
    return micrograph, segmentation, field


def layer_checks(field, settings=None):
    findings = phase_fraction.combine([field], settings or Settings(), E1245)
    return [one for one in findings.checks if one.name.startswith(TITLE)]


@pytest.fixture(scope="module")
def layered():
    return found(coating(), n_classes=3, classes=("pore", "oxide", "coating"))


def test_two_layers_of_one_gray_are_counted_together_and_that_is_doubted(layered):
    _, segmentation, field = layered
    oxide = 100 * float((segmentation.labels == 2).mean())
    assert oxide > 45  # 20 % is true: no level tells it from the base
    (doubt,) = layer_checks(field)
    assert not doubt.passed
    assert doubt.scope == "plausibility"
    (accepted,) = layer_checks(field, Settings(expected_shape="any"))
    assert accepted.passed


def test_a_report_of_before_is_not_asked(layered):
    micrograph, segmentation, field = layered
    kept = {name: value for name, value in field.read_off.items() if name != "layered_percent"}
    again = phase_fraction.measure_field(replace(micrograph, read_off=kept), segmentation, Settings(), E1245)
    assert "layered_percent" not in again.read_off
    assert not layer_checks(again)
    now = phase_fraction.measure_field(replace(micrograph, read_off=field.read_off), segmentation, Settings(), E1245)
    assert now.read_off["layered_percent"] == field.read_off["layered_percent"]


def test_a_level_that_a_person_gives_is_not_asked():
    _, _, field = found(coating(), method="fixed", levels=(80.0, 160.0))
    assert not layer_checks(field)


@pytest.mark.parametrize("radius", [4, 25])
def test_scattered_features_are_no_layers(radius):
    rng = np.random.default_rng(radius)
    scene = np.full((300, 300), 180.0)
    for _ in range(int(0.3 * scene.size / (np.pi * radius**2))):
        cv2.circle(scene, tuple(int(at) for at in rng.integers(0, 300, 2)), radius, 60.0, -1)
    (check,) = layer_checks(found(seen(scene))[2])
    assert check.passed
    assert check.value < 20


def test_a_region_counts_alone():
    # a class that scatters over the upper part, and nothing below it
    scene = np.zeros((320, 160), bool)
    scene[:160] = np.random.default_rng(2).random((160, 160)) < 0.5
    upper = np.zeros(scene.shape, bool)
    upper[:160] = True
    assert layered_percent(scene, upper) < 2
    assert layered_percent(scene) > 20
    assert layered_percent(upper, upper) == 0  # it fills all that counts
