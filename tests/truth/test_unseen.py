"""Nothing found: pictures that could not have shown a pore or a phase are doubted, dense sections are not."""

import itertools

import numpy as np
import pytest
import tifffile
from drawn_sections import coverage
from scipy import ndimage

import inspect_tool
from inspect_tool.errors import MeasurementError
from inspect_tool.images.quality_measures import contrast_of_black, sharpest_detail
from inspect_tool.model import Calibration, Micrograph, Segmentation
from inspect_tool.recipes import phase_fraction, porosity
from inspect_tool.segmentation import threshold
from inspect_tool.standards.editions import editions_for

SHAPE = (400, 500)
JOB = """
recipe = "porosity"
images = ["field.tif"]
exports = ["json"]
[calibration]
pixel_um = 0.5
u_rel = 0.005
source = "stage micrometer"
certificate = "C-1"
valid_until = 2099-01-01
[[requirements]]
quantity = "porosity_percent"
unit = "%"
upper = 5.0
rule = "simple"
source = "drawing"
"""


def noise(level, sigma, seed):
    return level + sigma * np.random.default_rng(seed).standard_normal(SHAPE)


def defocused(sigma_px, seed):
    """A section with pores behind a blur that leaves nothing of them, with the noise of the camera."""
    pores = np.random.default_rng(seed).random(SHAPE) < 0.002
    section = np.where(ndimage.binary_dilation(pores, iterations=2), 40.0, 190.0)
    return ndimage.gaussian_filter(section, sigma_px) + noise(0, 3, seed)


def specks(seed):
    """An even polished section with sharp spots smaller than any pore that is measured."""
    gray = np.full(SHAPE, 180.0)
    rng = np.random.default_rng(seed)
    for row, column in itertools.product((50, 150, 250, 350), (50, 250, 450)):
        top, left = row + rng.integers(-20, 20), column + rng.integers(-20, 20)
        gray[top, left] = 100
    return ndimage.gaussian_filter(gray, 0.6) + noise(0, 2.5, seed)


def dust(diameter_px, depth, per_field, seed):
    """An even polished section with dark discs of one small size, none nearer than 8 px to another."""
    rng, found = np.random.default_rng(seed), []
    while len(found) < per_field:
        row, column = rng.uniform(8, SHAPE[0] - 8), rng.uniform(8, SHAPE[1] - 8)
        if all(np.hypot(row - r, column - c) > 8 for r, c, _ in found):
            found.append((row, column, diameter_px / 2))
    return ndimage.gaussian_filter(180 - depth * coverage(SHAPE, np.array(found)), 0.6) + noise(0, 2.5, seed)


def scratched(width_px, seed, lines=1):
    """An even section with nothing in it but bright straight scratches."""
    rng, bright = np.random.default_rng(seed), np.zeros(SHAPE)
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    for _ in range(lines):
        angle, row, column = rng.uniform(0, np.pi), rng.uniform(100, 300), rng.uniform(100, 400)
        away = np.abs((rows - row) * np.cos(angle) - (columns - column) * np.sin(angle))
        bright = np.maximum(bright, np.clip(width_px / 2 + 0.5 - away, 0, 1))
    return ndimage.gaussian_filter(180 + 60 * bright, 0.7) + noise(0, 2.5, seed)


def in_bytes(gray):
    return np.clip(np.rint(gray), 0, 255).astype(np.uint8)


def measured(folder, gray, recipe="porosity", quantity="porosity_percent", phase="dark"):
    """Report of one field, its main result, and the signs that were asked."""
    tifffile.imwrite(folder / "field.tif", in_bytes(gray))
    text = JOB.replace('recipe = "porosity"', f'recipe = "{recipe}"').replace("porosity_percent", quantity)
    if recipe == "phase_fraction":
        text += f'[backend]\nname = "threshold"\nphase = "{phase}"\n'
    (folder / "job.toml").write_text(text, encoding="utf-8")
    report = inspect_tool.run(folder / "job.toml")
    (result,) = (one for one in report.results if one.quantity == quantity)
    seen = {one.name.partition(": ")[2]: one for one in report.checks if one.name.startswith("Fields without")}
    return report, result, seen


UNSEEN = {
    "white noise": lambda seed: np.random.default_rng(seed).uniform(0, 255, SHAPE),
    "faint noise": lambda seed: noise(128, 2, seed),
    "lamp off": lambda seed: noise(3, 1, seed),
    "lamp off, clipped": lambda seed: noise(0, 2, seed),
    "near white": lambda seed: noise(251, 1.5, seed),
    "total defocus": lambda seed: defocused(60, seed),
}


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("kind", UNSEEN)
def test_nothing_seen_is_no_pass(tmp_path, kind, seed):
    report, result, seen = measured(tmp_path, UNSEEN[kind](seed))
    assert result.value == 0
    assert report.verdict == "undecided"
    assert any(not check.passed for check in seen.values())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_dense_section_with_specks_passes(tmp_path, seed):
    report, result, seen = measured(tmp_path, specks(seed))
    assert result.value == 0
    assert result.expanded_u > 0
    assert report.verdict == "pass"
    assert list(seen) == [
        "sharpest detail over noise",
        "tiles containing only specks of 1 to 3 px",
        "gray level over noise",
        "clipped at white",
    ]


@pytest.mark.parametrize(
    ("diameter_px", "depth", "per_field"), [(1, 40, 600), (1, 100, 150), (2, 40, 12), (2, 40, 100), (3, 100, 12)]
)
def test_a_section_of_specks_is_measured_or_doubted_for_them(tmp_path, diameter_px, depth, per_field):
    report, result, seen = measured(tmp_path, dust(diameter_px, depth, per_field, 1))
    drawn = 100 * per_field * np.pi * diameter_px**2 / 4 / (SHAPE[0] * SHAPE[1])
    if report.verdict == "pass":
        # blurred by the optics to about 3 px: what they cover is overestimated, or within U where none is found
        assert drawn < result.interval[1]
        assert result.value < drawn + 1.0
    else:
        assert [name for name, check in seen.items() if not check.passed] == [
            "tiles containing only specks of 1 to 3 px"
        ]


@pytest.mark.parametrize("kind", UNSEEN)
def test_no_phase_seen_is_no_pass(tmp_path, kind):
    report, result, seen = measured(tmp_path, UNSEEN[kind](3), "phase_fraction", "area_percent.dark")
    assert result.value == 0
    assert report.verdict == "undecided"
    assert any(not check.passed for check in seen.values())


@pytest.mark.parametrize("phase", ["dark", "bright"])
def test_a_matrix_without_the_phase_could_have_shown_it(tmp_path, phase):
    gray = specks(2) if phase == "dark" else 300 - specks(2)
    _, result, seen = measured(tmp_path, gray, "phase_fraction", f"area_percent.{phase}", phase)
    assert result.value == 0
    assert all(check.passed for check in seen.values())
    # black does not matter to a bright phase
    assert len(seen) == (4 if phase == "dark" else 2)


@pytest.mark.parametrize(("width_px", "lines"), [(2, 1), (5, 1), (12, 1), (4, 4)])
@pytest.mark.parametrize("seed", [1, 2])
def test_scratches_in_an_even_field_do_not_make_pores_of_the_rest(tmp_path, width_px, lines, seed):
    with pytest.raises(MeasurementError, match=r"field.tif: 9\d\.\d % would be pores: .* something bright"):
        measured(tmp_path, scratched(width_px, seed, lines))


@pytest.mark.parametrize("seed", [1, 2])
def test_scratches_in_an_even_field_are_no_reason_to_believe_in_a_phase_around_them(tmp_path, seed):
    gray = scratched(4, seed)
    report, result, _ = measured(tmp_path, gray, "phase_fraction", "area_percent.dark")
    assert result.value > 98
    (doubt,) = (one for one in report.checks if one.name.startswith("Area of a field on one side"))
    assert not doubt.passed
    # a person who gives the level says that the phase is there
    settings = phase_fraction.Settings()
    editions = editions_for(phase_fraction, settings)
    field = Micrograph(pixels=in_bytes(gray), calibration=Calibration(source="ratio only"), path="field.tif")
    given = threshold.segment(None, field, threshold.Settings(method="fixed", levels=(210,)))
    found = phase_fraction.combine([phase_fraction.measure_field(field, given, settings, editions)], settings, editions)
    assert not [one for one in found.checks if one.name.startswith("Area of a field on one side")]


def doubts(gray, backend="threshold"):
    """Checks of a field in which a backend found nothing, by what they say."""
    field = Micrograph(pixels=in_bytes(gray), calibration=Calibration(pixel_um=0.5, source="stage"), path="field.tif")
    nothing = Segmentation(
        labels=np.zeros(SHAPE, np.int32), classes={0: "metal", 1: "pore"}, kind="semantic", backend=backend
    )
    settings = porosity.Settings()
    editions = editions_for(porosity, settings)
    found = porosity.combine([porosity.measure_field(field, nothing, settings, editions)], settings, editions)
    return {one.name.partition(": ")[2]: one for one in found.checks if one.name.startswith("Fields without pores")}


def test_white_is_doubted_whatever_is_sharp_in_it():
    gray = specks(1)
    gray[:250] = 255  # 62.5 % of the rows
    found = doubts(gray)
    assert found["sharpest detail over noise"].passed
    assert not found["clipped at white"].passed
    assert found["clipped at white"].value == pytest.approx(62.5)
    assert found["clipped at white"].note == "worst field field.tif: overexposed: the features sought may be washed out"


def test_a_mask_of_a_person_is_not_doubted_for_its_picture():
    assert not doubts(noise(3, 1, 1))["gray level over noise"].passed
    assert doubts(noise(3, 1, 1), backend="labels") == {}


@pytest.mark.parametrize("sigma", [1.0, 5.0, 60.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_noise_has_no_detail_whatever_its_strength(sigma, seed):
    gray = noise(1000, sigma, seed).astype(np.float32)
    assert 3.5 < sharpest_detail(gray) < 6
    assert contrast_of_black(gray) == pytest.approx(1000 / sigma, rel=0.02)


@pytest.mark.parametrize("row", [40, 510, 511, 512, 513, 600])
def test_detail_is_that_of_two_gaussians_wherever_it_lies(row):
    rng = np.random.default_rng(1)
    gray = 100 + rng.standard_normal((700, 200))
    gray[row - 1 : row + 2, 99:102] -= 40
    apart = ndimage.gaussian_filter(gray, 1.0, truncate=8) - ndimage.gaussian_filter(gray, 2.0, truncate=4)
    point = np.zeros((41, 41))
    point[20, 20] = 1
    gain = np.linalg.norm(ndimage.gaussian_filter(point, 1.0) - ndimage.gaussian_filter(point, 2.0))
    # the noise is 1 to within what its own estimate scatters
    assert sharpest_detail(gray.astype(np.float32)) == pytest.approx(np.abs(apart).max() / gain, rel=0.03)


def test_single_pixels_and_what_lies_outside_the_region_are_no_detail():
    gray = noise(100, 2, 4)
    gray[50, 60] = gray[200, 300] = 250
    assert sharpest_detail(in_bytes(gray)) < 6
    gray[300:303, 400:403] = 20
    assert sharpest_detail(in_bytes(gray)) > 30
    roi = np.ones(SHAPE, bool)
    roi[280:] = False
    assert sharpest_detail(in_bytes(gray), roi) < 6


@pytest.mark.parametrize("shape", [(1, 1), (2, 90), (3, 3)])
def test_tiny_pictures_have_none(shape):
    assert sharpest_detail(np.full(shape, 9, np.uint8)) == 0
    assert contrast_of_black(np.full(shape, 9, np.uint8), np.zeros(shape, bool)) == 0
