"""Which level: particles of many gray values, writing in a field, particles that no gray level bounds."""

import cv2
import numpy as np
import pytest
from drawn_particles import labeled, packed, powder
from drawn_phases import smooth_field

import inspect_tool
from inspect_tool.model import Calibration, Micrograph
from inspect_tool.segmentation import threshold
from inspect_tool.segmentation.threshold import Settings
from inspect_tool.segmentation.threshold.contours import contours

OUTLINE = "Outline of the phase that lies on edges of the image"


def _shares(scene, phase):
    """Share of the phase, and in every alternative. [%]"""
    settings = Settings(phase=phase)
    micrograph = Micrograph(
        pixels=scene.pixels, calibration=Calibration(pixel_um=0.5, source="drawn"), path="scene.png"
    )
    found = threshold.segment(None, micrograph, settings)
    return [100 * float((made.labels == 1).mean()) for made in (found, *(other for _, other in found.alternatives()))]


@pytest.mark.parametrize("seed", range(3))
def test_dim_particles_among_bright_ones_are_not_lost(seed):
    # a level carried from the bright ones finds 6 to 10 points too little
    drawn = powder(seed)
    shares = _shares(drawn, "bright")
    assert shares[0] == pytest.approx(drawn.percent(1), abs=1.0)
    assert min(shares) < drawn.percent(1) < max(shares)


@pytest.mark.parametrize("seed", range(3))
def test_white_writing_makes_no_phase_of_the_ground_around_it(seed):
    # a level carried from the writing finds 22 to 30 %
    drawn = labeled(seed)
    assert _shares(drawn, "dark")[0] == pytest.approx(drawn.percent(1), abs=0.05)


@pytest.mark.parametrize("seed", range(3))
def test_particles_that_no_level_bounds_pass_nothing(tmp_path, seed):
    drawn = packed(seed)
    cv2.imwrite(str(tmp_path / "field.png"), drawn.pixels)
    (tmp_path / "job.toml").write_text(
        'recipe = "phase_fraction"\nimages = ["field.png"]\nscale_bar = "off"\nexports = ["json"]\n'
        'backend = { name = "threshold", phase = "bright", classes = ["gap", "particle"] }\n'
        'calibration = { source = "ratio only" }\n'
        'requirements = [{ quantity = "area_percent.particle", unit = "%", upper = 200, rule = "simple" }]\n'
        'accept = [{ check = "size", reason = "drawn" }, { check = "resolution", reason = "drawn" }]\n',
        encoding="utf-8",
    )
    report = inspect_tool.run(tmp_path / "job.toml", tmp_path / "out", trail=False)
    share = next(result.value for result in report.results if result.quantity == "area_percent.particle")
    assert abs(share - drawn.percent(1)) > 5
    assert report.verdict == "undecided"
    if 0 < share < 100:  # nothing and all are doubted as such
        (check,) = [check for check in report.checks if check.name == OUTLINE]
        assert not check.passed
        assert check.value < 60


@pytest.mark.parametrize(
    ("picture", "phase", "doubted"),
    [
        # asked for the network, found are brighter particles: 10.0 % for 2.6 and 10.2 for 16.3
        ("uhcs-microconstituents/images/uhcs0235.png", "bright", True),
        ("uhcs-microconstituents/images/uhcs1150.png", "bright", True),
        # the right one whose outline lies on edges least: 6.9 % by hand and found
        ("mlography-inclusions/images_crops/67.jpg", "dark", False),
    ],
)
def test_real_fields_in_which_another_phase_is_found_are_doubted(shared_data, picture, phase, doubted):
    micrograph = inspect_tool.read(shared_data / picture, calibration=Calibration(source="ratio only"))
    found = inspect_tool.segment(micrograph, "threshold", phase=phase)
    checks = inspect_tool.measure_fields("phase_fraction", [micrograph], [found]).checks
    (check,) = [check for check in checks if check.name == OUTLINE]
    assert check.passed is not doubted


def test_contours_of_every_level_are_those_of_each_mask():
    gray = (255 * smooth_field(1, (60, 83), 3.0)).astype(np.uint8)
    roi = smooth_field(2, gray.shape, 5.0) > 0.3
    edges = smooth_field(3, gray.shape, 2.0) > 0.6
    bands = [slice(0, 16), slice(16, 48), slice(48, 60)]
    everywhere, on_edges = contours(gray, np.packbits(edges, axis=1), roi, bands)
    for level in (20, 128, 230):
        bright = np.pad(gray > level, 1, mode="edge")
        around = [bright[1 + i : 61 + i, 1 + j : 84 + j] for i, j in ((0, 1), (1, 0), (0, -1), (-1, 0))]
        outline = (gray > level) & ~np.logical_and.reduce(around) & roi
        assert everywhere[level] == outline.sum()
        assert on_edges[level] == (outline & edges).sum()
