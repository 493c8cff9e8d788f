"""What is no specimen is found, left out and stated; what belongs to the structure never is."""

import numpy as np
import pytest
from drawn_sections import coverage, eight_bit, picture, pores, write_job, write_tiff
from PIL import Image
from scipy import ndimage
from scipy.spatial import cKDTree

from inspect_tool import run
from inspect_tool.images.specimen_area import Area, areas, packed, unpacked, without
from inspect_tool.model import Calibration, Micrograph
from inspect_tool.verify.verify import verify

SHAPE = (360, 480)
ROWS, COLUMNS = np.mgrid[: SHAPE[0], : SHAPE[1]]


def over(image, share, level, noise, seed):
    """Another material over a part of the picture."""
    return image * (1 - share) + (level + np.random.default_rng(seed + 900).normal(0, noise, SHAPE)) * share


def strip(depth, seed):
    return np.clip(depth + 8 * np.sin(COLUMNS / 55 + seed) - ROWS + 0.5, 0, 1)


def outside(kind, seed):
    """Picture with something that is no specimen, and where that is."""
    covered = coverage(SHAPE, pores(seed, SHAPE, 45, 11))
    image = picture(covered, seed)
    if kind in ("dark mount", "thin mount", "mount on two sides"):
        share = strip(24 if kind == "thin mount" else 80, seed)
        share = np.clip(share + share[::-1], 0, 1) if kind == "mount on two sides" else share
        return covered, over(image, share, 40, 4, seed), share > 0.5
    if kind == "gray mount behind a gap":
        mount, both = strip(70, seed), strip(80, seed)
        return covered, over(over(image, both, 28, 2, seed), mount, 115, 5, seed), both > 0.5
    if kind == "corner of a part":
        share = np.clip(180 - (0.8 * ROWS + COLUMNS) / np.hypot(0.8, 1) + 0.5, 0, 1)
        return covered, over(image, share, 30, 4, seed), share > 0.5
    if kind == "eyepiece":
        share = np.clip(np.hypot(ROWS - 180, COLUMNS - 240) - 172 + 0.5, 0, 1)
        return covered, over(image, share, 6, 1, seed), share > 0.5
    where = np.zeros(SHAPE, np.bool_)
    where[:35, 250:], where[300:, :200] = True, True
    value = {"black fill": 0, "white fill": 255, "gray fill": 128}[kind]
    return covered, np.where(where, value, np.clip(image, 1, 254)), where


KINDS = ["dark mount", "thin mount", "mount on two sides", "gray mount behind a gap", "corner of a part", "eyepiece"]
FILLS = ["black fill", "white fill", "gray fill"]


@pytest.mark.parametrize("kind", [*KINDS, *FILLS])
@pytest.mark.parametrize("seed", [31, 32])
def test_what_is_no_specimen_is_found_to_the_pixel(kind, seed):
    _, image, where = outside(kind, seed)
    found = np.logical_or.reduce([area.where for area in areas(eight_bit(image)) if area.kind != "doubtful"])
    assert not (where & ~found).any()
    # a blurred edge of a few pixels along the border goes with it
    assert ndimage.distance_transform_edt(~where)[found].max() < 16
    assert (found & ~where).sum() < 0.04 * (~where).sum()


@pytest.mark.parametrize("kind", ["dark mount", "gray mount behind a gap", "eyepiece", "black fill"])
def test_the_share_of_the_specimen_is_measured_and_the_rest_is_stated(tmp_path, kind):
    truth = []
    for seed in (41, 42):
        covered, image, where = outside(kind, seed)
        write_tiff(tmp_path / f"f_{seed}.tif", eight_bit(image))
        truth.append(100 * covered[~where].mean())
    job = write_job(tmp_path, "f_*.tif")
    report = run(job, tmp_path / "out")
    (result,) = [item for item in report.results if item.quantity == "porosity_percent"]
    assert result.value == pytest.approx(np.mean(truth), abs=0.35)
    assert abs(result.value - np.mean(truth)) <= result.expanded_u
    (check,) = [item for item in report.checks if item.name.startswith("Area of a field excluded as not")]
    assert check.value == pytest.approx(100 * where.mean(), abs=2.5)
    assert report.warnings[0].startswith("Excluded as not belonging to the specimen: up to ") or any(
        line.startswith("Excluded as not belonging to the specimen: up to ") for line in report.warnings
    )
    assert verify(tmp_path / "out" / "job", images=tmp_path).verified
    # who says that all is specimen, or what counts, is believed
    for region in ('specimen = "whole"', "rectangle = [0, 0, 360, 480]"):
        stated = run(write_job(tmp_path, "f_*.tif", "[region]", region))
        assert not any("not belonging to the specimen" in line for line in stated.warnings)
        assert next(item.value for item in stated.results) > result.value + 1


# ------------------------------------------------------------------------------------- what belongs to the structure


def grains(seed, count, levels):
    rng = np.random.default_rng(seed)
    centers = np.c_[rng.uniform(-60, SHAPE[0] + 60, count), rng.uniform(-60, SHAPE[1] + 60, count)]
    labels = cKDTree(centers).query(np.c_[ROWS.ravel(), COLUMNS.ravel()])[1].reshape(SHAPE)
    return ndimage.gaussian_filter(rng.choice(levels, count)[labels].astype(float), 0.8)


def structure(kind, seed):
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 3, SHAPE)
    if kind == "coarse phases":
        field = ndimage.gaussian_filter(rng.normal(0, 1, SHAPE), 22)
        return 190 - 140 * ndimage.gaussian_filter((field < np.quantile(field, 0.35)).astype(float), 0.8) + noise
    if kind == "large pores at the edge":
        large = np.array([[5.3, 150.2, 90.4], [200.8, 470.1, 70.2]])
        small = np.array(
            [circle for circle in pores(seed, SHAPE, 20, 8) if np.hypot(*(circle[:2] - large[0, :2])) > 110]
        )
        return picture(np.clip(coverage(SHAPE, large) + coverage(SHAPE, small), 0, 1), seed)
    if kind == "dark grains":
        return grains(seed, 120, [45, 190, 190, 190]) + noise
    if kind == "tinted grains":
        return grains(seed, 60, np.arange(40, 220)) + noise
    if kind == "bands":
        return 190 - 130 * (np.sin((ROWS + 5 * np.sin(COLUMNS / 50)) / 24 * np.pi) > 0.2) + noise
    if kind == "shading":
        away = ((ROWS - 180) ** 2 + (COLUMNS - 240) ** 2) / 300**2
        return picture(coverage(SHAPE, pores(seed, SHAPE)), seed) * (1 - 0.8 * away)
    if kind == "clipped":
        return picture(coverage(SHAPE, pores(seed, SHAPE, 45, 14)), seed, metal=262, pore=-12)
    return 190.0 - 150 * (np.hypot(ROWS - 10, COLUMNS - 20) < 120) - 60 * (np.hypot(ROWS - 250, COLUMNS - 300) < 70)


STRUCTURES = ["coarse phases", "large pores at the edge", "dark grains", "tinted grains", "bands", "shading", "clipped"]


@pytest.mark.parametrize("kind", [*STRUCTURES, "drawn without noise"])
@pytest.mark.parametrize("seed", [51, 52, 53])
def test_nothing_of_the_structure_is_left_out(kind, seed):
    assert [area.kind for area in areas(eight_bit(structure(kind, seed)))] == []


@pytest.mark.parametrize("seed", [91, 92])
def test_the_surround_of_a_specimen_is_found_though_a_phase_of_it_is_nearly_as_dark(seed):
    surround = np.hypot(ROWS - 180, COLUMNS - 240) > 175
    image = np.where(surround, 8.0, grains(seed, 160, [80, 80, 180, 180, 180]))
    (found,) = areas(eight_bit(image + np.random.default_rng(seed).normal(0, 2, SHAPE)))
    assert found.kind == "mount"
    assert found.where[surround].mean() >= 0.99
    assert found.where[~surround].mean() <= 0.15  # a ring where the levels of both phases are mixed


@pytest.mark.parametrize("seed", [93, 94])
def test_an_area_at_a_corner_with_a_wavy_border_may_be_mount(seed):
    share = np.clip(190 - (0.8 * ROWS + 0.6 * COLUMNS) + 10 * np.sin(COLUMNS / 32 + seed) + 0.5, 0, 1)
    image = over(picture(coverage(SHAPE, pores(seed, SHAPE, 45, 11)), seed), share, 40, 3, seed)
    assert [area.kind for area in areas(eight_bit(image))] == ["doubtful"]


def test_one_value_alone_is_left_out_where_there_is_no_mount():
    _, image, _ = outside("dark mount", 61)
    assert areas(eight_bit(image), mounted=False) == []
    _, image, where = outside("black fill", 61)
    found = areas(eight_bit(image), mounted=False)
    assert np.array_equal(np.logical_or.reduce([area.where for area in found]), where)


def test_a_layer_that_may_be_mount_stays_and_its_pass_is_undecided(tmp_path):
    image = over(picture(coverage(SHAPE, pores(71, SHAPE, 40, 9)), 71), strip(90, 71), 95, 4, 71)
    write_tiff(tmp_path / "f.tif", eight_bit(image))
    limit = '[[requirements]]\nquantity = "porosity_percent"\nunit = "%"\nupper = 99.0\nrule = "simple"'
    report = run(write_job(tmp_path, "f.tif", limit))
    (check,) = [item for item in report.checks if item.name.startswith("Uniform area at the edge that may not")]
    assert not check.passed
    assert check.value == pytest.approx(100 * (strip(90, 71) > 0.5).mean(), abs=1)
    assert report.verdict == "undecided"
    assert check.name in report.conformities[0].reason
    settled = run(write_job(tmp_path, "f.tif", '[region]\nspecimen = "whole"', limit))
    assert check.name not in {item.name for item in settled.checks}


def test_the_picture_in_the_report_still_shows_what_was_left_out(tmp_path):
    _, image, where = outside("dark mount", 81)
    write_tiff(tmp_path / "f.tif", eight_bit(image))
    report = run(write_job(tmp_path, "f.tif"), tmp_path / "out")
    shown = np.asarray(Image.open(tmp_path / "out" / "job" / report.micrographs[0].picture).convert("L"), float)
    scale = report.micrographs[0].picture_scale
    rows = slice(int(20 * scale), int(50 * scale))
    assert shown[rows].mean() == pytest.approx(40 / 2 + 128, abs=4)  # the mount, half way to white
    assert where[20:50].all()


SCALE = 'pixel_um = 0.5\nu_rel = 0.005\nsource = "stage micrometer"\ncertificate = "C-1"\nvalid_until = 2099-01-01'


@pytest.mark.parametrize(
    ("kind", "seed"),
    [("dark mount", 59), ("dark mount", 72), ("corner of a part", 74), ("gray mount behind a gap", 69)],
)
def test_pores_lie_as_far_from_the_surface_as_drawn_and_it_is_verified(tmp_path, kind, seed):
    _, image, where = outside(kind, seed)
    away = ndimage.distance_transform_edt(~where)
    circles = pores(seed, SHAPE, 45, 11)
    # seeds in which no pore is cut by the mount or touches it
    drawn = [away[round(row), round(column)] - radius - 0.5 for row, column, radius in circles]
    inside = np.array([distance for distance in drawn if distance > 8])
    assert len(inside) == sum(distance > -3 for distance in drawn)
    write_tiff(tmp_path / "f.tif", eight_bit(image))
    report = run(write_job(tmp_path, "f.tif", scale=SCALE), tmp_path / "out")
    found = {item.quantity: item for item in report.results if item.quantity.startswith("pore_surface_distance_um.")}
    nearest = found["pore_surface_distance_um.min"]
    assert abs(nearest.value - 0.5 * inside.min()) <= nearest.expanded_u < 2
    tenth = found["pore_surface_distance_um.d10"]
    assert abs(tenth.value - 0.5 * np.quantile(inside, 0.1)) <= tenth.expanded_u
    assert [mask.shows for mask in report.micrographs[0].evidence.masks if mask.shows == "mount"] == ["mount"]
    assert verify(tmp_path / "out" / "job").verified


def test_without_a_surface_there_is_no_distance_from_it(tmp_path):
    write_tiff(tmp_path / "f.tif", eight_bit(picture(coverage(SHAPE, pores(52, SHAPE, 45, 11)), 52)))
    report = run(write_job(tmp_path, "f.tif", scale=SCALE), tmp_path / "out")
    assert not [item for item in report.results if item.quantity.startswith("pore_surface_distance_um.")]


def test_a_strip_of_mount_that_is_no_wider_than_its_blurred_rim_shows_no_surface():
    """Distances to a surface that is not there would be infinite."""
    pixels = np.full((60, 80), 150, np.uint8)
    strip, wide = np.zeros((2, 60, 80), np.bool_)
    strip[:, :3], wide[:, :9] = True, True
    micrograph = Micrograph(pixels=pixels, calibration=Calibration(pixel_um=1.0))
    found = {
        name: without(micrograph, [Area(kind="mount", where=where)])
        for name, where in (("strip", strip), ("wide", wide))
    }
    assert found["strip"].mount is None
    assert np.array_equal(found["strip"].roi, ~strip)
    assert np.array_equal(np.flatnonzero(found["wide"].mount.all(axis=0)), range(6))
    for area in (strip, wide):
        again = unpacked(packed(Area(kind="fill", where=area)))
        assert np.array_equal(again.where, area)
