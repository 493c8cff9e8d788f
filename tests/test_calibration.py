"""Scales: what is believed, what is refused, and what is a failed check beside the number."""

import math
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from inspect_tool.calibration import check_stated, checks, same_scale, settle
from inspect_tool.errors import CalibrationError, SettingsError
from inspect_tool.model import Calibration, Micrograph
from inspect_tool.readers import read

PIXELS = np.arange(64, dtype=np.uint8).reshape(8, 8)
FILE = Calibration(pixel_um=0.5, source="file metadata: OME PhysicalSizeX", note="OME PhysicalSizeX: 0.5 um per pixel")
NOTHING = Calibration(note="TIFF resolution is 72 dpi: a screen or print setting, not a scale")
STATED = Calibration(pixel_um=0.5, u_rel=0.004, source="stage micrometer", certificate="C-1")
TODAY = date(2026, 5, 4)


def image(found=NOTHING, **meta):
    return Micrograph(pixels=PIXELS, calibration=found, path="field_03.tif", meta=meta)


def settled(found, stated):
    return settle(image(found), stated).calibration


def test_a_stated_scale_stands_where_the_file_has_none():
    found = settled(NOTHING, STATED)
    assert (found.pixel_um, found.u_rel, found.source, found.certificate) == (0.5, 0.004, "stage micrometer", "C-1")
    assert "72 dpi" in found.note


def test_no_scale_anywhere_says_what_was_found_and_what_to_do():
    with pytest.raises(CalibrationError, match=r"field_03\.tif: TIFF resolution is 72 dpi: a screen or print") as e:
        settled(NOTHING, None)
    assert "[calibration] pixel_um = ..." in str(e.value)
    assert 'source = "ratio only"' in str(e.value)
    assert "\n" not in str(e.value)


def test_the_scale_of_the_file_stands_where_the_job_states_none():
    assert settled(FILE, None) == FILE


def test_a_job_may_state_the_uncertainty_of_the_scale_in_the_file():
    found = settled(FILE, Calibration(u_rel=0.01, certificate="C-7", source="checked with a stage micrometer"))
    assert (found.pixel_um, found.u_rel, found.certificate) == (0.5, 0.01, "C-7")
    assert found.source == "file metadata: OME PhysicalSizeX"
    assert "checked with a stage micrometer" in found.note
    with pytest.raises(CalibrationError, match=r"give \[calibration\] pixel_um"):
        settled(NOTHING, Calibration(u_rel=0.01))


@given(st.floats(0.9, 1.1))
def test_stated_and_found_scale_must_agree_within_two_percent(ratio):
    stated = replace(STATED, pixel_um=0.5 * ratio)
    if abs(0.5 * ratio / 0.5 - 1) > 0.02:
        with pytest.raises(CalibrationError, match=r"the file says 0\.5 .*ratio"):
            settled(FILE, stated)
    else:
        found = settled(FILE, stated)
        assert found.pixel_um == 0.5 * ratio
        assert "agrees with the file" in found.note


def test_a_contradiction_names_both_numbers_and_their_ratio():
    with pytest.raises(CalibrationError, match=r"states 0\.25 um per pixel, the file says 0\.5 .*; ratio 0\.5;"):
        settled(FILE, replace(STATED, pixel_um=0.25))


def test_ratio_only_is_explicit_and_wins_over_the_file():
    for file in (FILE, NOTHING):
        found = settled(file, Calibration(source="ratio only"))
        assert found.pixel_um is None
        assert found.source == "ratio only"
    assert settled(FILE, Calibration(source="ratio only")).note == FILE.note


def test_ratio_only_beside_a_pixel_size_is_a_slip():
    with pytest.raises(SettingsError, match=r'source = "ratio only" stands beside pixel_um = 0\.5; give one of them'):
        check_stated(Calibration(pixel_um=0.5, source="ratio only"), "job.toml [calibration]")


@pytest.mark.parametrize("pixel_um", [0.0, -0.5, math.nan, math.inf, 1e-6, 1e5])
def test_pixel_sizes_that_cannot_be_meant(pixel_um):
    with pytest.raises(SettingsError, match=r"job\.toml \[calibration\]: pixel_um = "):
        check_stated(Calibration(pixel_um=pixel_um, source="x"), "job.toml [calibration]")


@pytest.mark.parametrize("u_rel", [-0.001, 0.5, 4.0, math.nan, math.inf])
def test_uncertainties_that_cannot_be_meant(u_rel):
    with pytest.raises(SettingsError, match=r"u_rel = .*0\.004 means 0\.4 %"):
        check_stated(Calibration(pixel_um=0.5, u_rel=u_rel, source="x"), "job.toml [calibration]")


def test_pixels_that_are_not_square_leave_only_ratios(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PIXELS, resolution=(20000, 10000), resolutionunit="CENTIMETER")
    found = read(path)
    for stated in (None, STATED):
        with pytest.raises(CalibrationError, match=r"not square: 0\.5 um wide, 1 um high; lengths cannot"):
            settle(found, stated)
    assert settle(found, Calibration(source="ratio only")).calibration.pixel_um is None


# ---------------------------------------------------------------------------------------------------------- checks


def named(calibrations, today=TODAY):
    return {item.name: item for item in checks(calibrations, today)}


def test_a_good_certificate_passes_and_an_expired_one_fails():
    good = named([replace(STATED, valid_until=date(2026, 5, 4))])["certificate of the scale valid"]
    assert good.passed
    assert (good.value, good.relation, good.limit, good.unit, good.scope) == (0.0, ">=", 0.0, "days", "calibration")
    bad = named([replace(STATED, valid_until=date(2026, 5, 1))])["certificate of the scale valid"]
    assert not bad.passed
    assert bad.value == -3.0
    assert "valid until 2026-05-01, work done 2026-05-04" in bad.note


def test_a_scale_without_an_uncertainty_fails_its_check():
    assert named([STATED])["uncertainty of the scale stated"].passed
    bad = named([replace(STATED, u_rel=0.0)])["uncertainty of the scale stated"]
    assert not bad.passed
    assert bad.value is None
    assert "uncertainty of the scale not stated" in bad.note


def test_a_scale_from_the_file_needs_a_certificate():
    assert "certificate behind the scale" not in named([STATED])
    bad = named([FILE])["certificate behind the scale"]
    assert not bad.passed
    assert "no certificate stands behind it" in bad.note
    assert named([replace(FILE, certificate="C-7")])["certificate behind the scale"].passed


def test_ratio_only_has_no_scale_to_judge_and_equal_scales_are_judged_once():
    assert checks([Calibration(source="ratio only")], TODAY) == ()
    assert len(checks([STATED] * 5, TODAY)) == len(checks([STATED], TODAY))
    # the note of the file differs from image to image, the scale does not
    assert len(checks([STATED, replace(STATED, note="other")], TODAY)) == len(checks([STATED], TODAY))


# ------------------------------------------------------------------------------------------------------ mixed scales


def test_mixed_scales_must_be_meant():
    mixed = [STATED, replace(STATED, pixel_um=0.25), STATED]
    with pytest.raises(CalibrationError, match=r"0\.5 um per pixel \(2 images\), 0\.25 um per pixel \(1 image\)"):
        same_scale(mixed, allowed=False)
    with pytest.raises(CalibrationError, match=r"\(1 image, e\.g\. b\.tif\); say mixed_scales = true"):
        same_scale(mixed, names=["a.tif", "b.tif", "c.tif"])
    same_scale(mixed, allowed=True)
    same_scale([STATED, replace(STATED, pixel_um=0.5005)])
    same_scale([Calibration(source="ratio only")] * 2)
    same_scale([])
    with pytest.raises(CalibrationError, match=r"ratio only \(1 image\)"):
        same_scale([STATED, Calibration(source="ratio only")])
