"""Pores beside inclusions that are half as dark: a gray level takes both, which the recipe doubts."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from test_layered_classes import seen

from inspect_tool.model import Calibration, Micrograph
from inspect_tool.recipes import porosity
from inspect_tool.segmentation import threshold
from inspect_tool.standards.editions import editions_for

SETTINGS = porosity.Settings()
EDITIONS = editions_for(porosity, SETTINGS, "areal_porosity_2026")
TITLE = "Proportion of the pores at a gray level of its own"


def section(inclusions):
    """Discs of 14 px in metal of 190: pores of 40, every third an inclusion of this gray."""
    scene = np.full((300, 400), 190.0)
    for number, (row, column) in enumerate(
        (row, column) for row in range(20, 290, 30) for column in range(20, 390, 30)
    ):
        cv2.circle(scene, (column, row), 7, inclusions if number % 3 == 0 else 40.0, -1)
    micrograph = Micrograph(pixels=seen(scene), calibration=Calibration(source="ratio only"), path="f.png", field=1)
    return micrograph, threshold.segment(None, micrograph, threshold.Settings(phase="dark", classes=["pore", "metal"]))


def checks(micrograph, segmentation):
    field = porosity.measure_field(micrograph, segmentation, SETTINGS, EDITIONS)
    found = porosity.combine([field], SETTINGS, EDITIONS).checks
    return field, [one for one in found if one.name.startswith(TITLE)]


def test_inclusions_among_pores_are_doubted():
    micrograph, segmentation = section(110.0)
    field, (doubt,) = checks(micrograph, segmentation)
    assert not doubt.passed
    assert doubt.scope == "plausibility"
    assert doubt.value == pytest.approx(100 / 3, abs=4)
    kept = {name: value for name, value in field.read_off.items() if name != "shallower_percent"}
    assert not checks(replace(micrograph, read_off=kept), segmentation)[1]  # a report of before is not asked


@pytest.mark.parametrize("gray", [40.0, 60.0])
def test_pores_of_nearly_one_gray_are_not(gray):
    _, (check,) = checks(*section(gray))
    assert check.passed
