"""Scales: what is believed, what is refused, and what is a failed check beside the number."""

import math
import re
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspect_tool.errors import CalibrationError, SettingsError
from inspect_tool.model import Calibration, Micrograph, ScaleSource
from inspect_tool.scale.calibration import agreement, check_stated, checks, magnification_planes, same_scale, settle

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
    stated = Calibration(pixel_um=0.5 * ratio, source="stage micrometer")  # no uncertainty of its own
    if abs(0.5 * ratio / 0.5 - 1) > 0.02:
        with pytest.raises(CalibrationError, match=r"the file says 0\.5 .*ratio"):
            settled(FILE, stated)
    else:
        found = settled(FILE, stated)
        assert found.pixel_um == 0.5 * ratio
        assert "agrees with the file" in found.note


def test_a_contradiction_names_both_numbers_and_their_ratio():
    with pytest.raises(
        CalibrationError, match=r"states 0\.25 um per pixel \(stage.*\), the file says 0\.5 .*; ratio 0\.5, "
    ):
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


# ----------------------------------------------------------------------------------------------------- three ways

BAR = ScaleSource(kind="scale bar", pixel_um=0.5, u_rel=0.005, note="200 um = 400 px")
OBLONG = replace(FILE, pixel_y_um=1.0)


def test_all_that_tells_the_scale_is_kept_and_the_used_one_is_named():
    found = settle(image(FILE), STATED, BAR)
    assert [(item.kind, item.used) for item in found.scale_sources] == [
        ("job", True),
        ("file metadata", False),
        ("scale bar", False),
    ]
    assert found.calibration.pixel_um == 0.5
    assert "agrees with the scale bar within 0 % (200 um = 400 px)" in found.calibration.note
    found = settle(image(FILE), None, BAR)
    assert [(item.kind, item.used) for item in found.scale_sources] == [("file metadata", True), ("scale bar", False)]


@pytest.mark.parametrize("ratio", [0.5, 2.0, 6.5])
@pytest.mark.parametrize("wrong", ["job", "file", "bar"])
def test_one_wrong_scale_of_three_stops_with_all_the_numbers(ratio, wrong):
    # twice, half and 6.5 times are errors of the public record
    job = replace(STATED, pixel_um=0.5 * ratio if wrong == "job" else 0.5)
    file = replace(FILE, pixel_um=0.5 * ratio if wrong == "file" else 0.5)
    bar = replace(BAR, pixel_um=0.5 * ratio if wrong == "bar" else 0.5)
    with pytest.raises(CalibrationError, match=r"^field_03\.tif: the job states .*file says .*scale bar makes it") as e:
        settle(image(file), job, bar)
    # an error of the scale by r is one of 2 log2 r in the ASTM grain size number
    assert re.search(rf"G by [+-]{abs(2 * math.log2(ratio)):.2f};", str(e.value))
    assert "\n" not in str(e.value)


@given(st.floats(-0.2, 0.2), st.floats(0, 0.05), st.floats(0, 0.05))
def test_uncertainties_widen_what_may_differ(apart, u_job, u_bar):
    job = replace(STATED, pixel_um=0.5 * (1 + apart), u_rel=u_job)
    limit = math.sqrt(0.02**2 + (2 * u_job) ** 2 + (2 * u_bar) ** 2)
    if abs(apart) < limit * 0.999:
        assert settle(image(), job, replace(BAR, u_rel=u_bar)).calibration.pixel_um == job.pixel_um
    elif abs(apart) > limit * 1.001:
        with pytest.raises(CalibrationError, match="allowed"):
            settle(image(), job, replace(BAR, u_rel=u_bar))


def test_a_bar_alone_is_used_only_when_the_job_says_so():
    with pytest.raises(CalibrationError, match=r'72 dpi.*scale bar makes it 0\.5 .*source = "scale bar" takes'):
        settle(image(), None, BAR)
    found = settle(image(), Calibration(source="scale bar", u_rel=0.012), BAR).calibration
    assert found.pixel_um == 0.5
    assert found.u_rel == pytest.approx(0.013)  # 5, 12, 13
    with pytest.raises(CalibrationError, match="no bar was read in the picture"):
        settle(image(), Calibration(source="scale bar"))
    (behind,) = [item for item in checks([found], TODAY) if item.name == "Calibration certificate of the scale"]
    assert not behind.passed


def test_heights_of_pixels_are_compared_too():
    assert settled(OBLONG, None).pixel_y_um == 1.0
    assert settled(OBLONG, replace(STATED, pixel_y_um=1.0)).pixel_y_um == 1.0
    with pytest.raises(CalibrationError, match=r"states 0\.5 um per pixel .*file says 0\.5 um per pixel \(height 1\)"):
        settled(OBLONG, STATED)
    assert settle(image(OBLONG), None, BAR).calibration.pixel_y_um == 1.0  # a bar tells the width only


def test_a_height_needs_a_width():
    with pytest.raises(SettingsError, match="stands without pixel_um"):
        check_stated(Calibration(pixel_y_um=0.5), "job.toml")


def test_the_shape_of_a_pixel_alone_leaves_only_ratios_or_both_sides():
    unitless = image(NOTHING, pixel_aspect="TIFF resolution says that pixels are not square (1 : 2) and has no unit")
    for stated in (None, STATED):
        with pytest.raises(CalibrationError, match=r"not square .*give both sides"):
            settle(unitless, stated)
    assert settle(unitless, Calibration(source="ratio only")).calibration.pixel_um is None
    assert settle(unitless, replace(STATED, pixel_y_um=0.25)).calibration.pixel_y_um == 0.25


def test_the_check_names_the_pair_nearest_to_its_limit():
    near, far = (settle(image(FILE), replace(STATED, pixel_um=value)).scale_sources for value in (0.5, 0.507))
    (found,) = agreement([near, far, ()])
    assert found.passed
    assert found.value == pytest.approx(1.4)
    assert found.limit == pytest.approx(100 * math.hypot(0.02, 0.008))
    assert agreement([near[:1], ()]) == ()


def test_an_x_ray_scale_says_in_which_plane_it_holds():
    (bad,) = magnification_planes([STATED, STATED])
    assert not bad.passed
    assert "give [calibration] plane" in bad.note
    (good,) = magnification_planes([replace(STATED, plane="plane of the joints")])
    assert good.passed
    (file,) = magnification_planes([replace(FILE, source="file metadata: DICOM PixelSpacing, calibrated by geometry")])
    assert file.passed
    assert magnification_planes([Calibration(source="ratio only")]) == ()


# ---------------------------------------------------------------------------------------------------------- checks


def named(calibrations, today=TODAY):
    return {item.name: item for item in checks(calibrations, today)}


def test_a_good_certificate_passes_and_an_expired_one_fails():
    good = named([replace(STATED, valid_until=date(2026, 5, 4))])["Certificate of the scale still valid"]
    assert good.passed
    assert (good.value, good.relation, good.limit, good.unit, good.scope) == (0.0, ">=", 0.0, "days", "calibration")
    bad = named([replace(STATED, valid_until=date(2026, 5, 1))])["Certificate of the scale still valid"]
    assert not bad.passed
    assert bad.value == -3.0
    assert "valid until 2026-05-01, work done 2026-05-04" in bad.note


def test_a_scale_without_an_uncertainty_fails_its_check():
    assert named([STATED])["Uncertainty of the scale stated"].passed
    bad = named([replace(STATED, u_rel=0.0)])["Uncertainty of the scale stated"]
    assert not bad.passed
    assert bad.value is None
    assert "uncertainty of the scale not stated" in bad.note


def test_a_scale_from_the_file_needs_a_certificate():
    assert "Calibration certificate of the scale" not in named([STATED])
    bad = named([FILE])["Calibration certificate of the scale"]
    assert not bad.passed
    assert "without a certificate" in bad.note
    assert named([replace(FILE, certificate="C-7")])["Calibration certificate of the scale"].passed


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
