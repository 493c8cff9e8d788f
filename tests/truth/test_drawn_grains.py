"""Twins, mount and particles among grains whose drawing is known."""

from dataclasses import replace
from math import log, log2

import drawn_grains
import numpy as np
import pytest

from inspect_tool import measure_fields
from inspect_tool.measure import boundaries, intercepts, twins
from inspect_tool.measure.mount import mount_mask
from inspect_tool.model import Calibration, Micrograph, Segmentation
from inspect_tool.segmentation import unet, watershed

SHAPE = (420, 520)


def micrograph(image):
    calibration = Calibration(pixel_um=1.0, u_rel=0.001, source="drawn")
    return Micrograph(pixels=drawn_grains.eight_bit(image), calibration=calibration, path="field.tif")


def given(labels):
    return Segmentation(labels=labels, classes={1: "grain"}, kind="instance", backend="labels")


def regions(labels):
    flat = np.zeros(labels.shape, np.float32)
    return boundaries.region_sums(labels, len(labels), 0, int(labels.max()), flat, flat, [])


def g_error(labels, truth):
    """Difference in G by lines of four directions over the whole field."""
    n_l = [
        np.mean([one.intercepts / one.length_px for one in intercepts.directional_counts(part).values()])
        for part in (labels, truth)
    ]
    return 2 * log2(n_l[0] / n_l[1])


# ------------------------------------------------------------------------------------------------------- twins


@pytest.mark.parametrize(("kind", "limit"), [("single", 0.3), ("double", 0.3), ("crossing", 1.0)])
@pytest.mark.parametrize("seed", [1, 2])
def test_lamellae_are_merged_by_how_their_lines_end(kind, limit, seed):
    grains = drawn_grains.mosaic(SHAPE, 75, seed)
    cut, lamellae = drawn_grains.with_twins(grains, seed, kind=kind)
    assert g_error(cut, grains) > 0.9
    merged = cut.copy()
    found = twins.merge_twin_lines(merged, regions(cut))
    assert found >= 0.7 * lamellae
    assert abs(g_error(merged, grains)) < limit


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("sigma", [0.0, 0.5])
def test_grains_without_twins_stay_as_they_are(seed, sigma):
    grains = drawn_grains.mosaic(SHAPE, 32, seed, sigma)
    merged = grains.copy()
    assert twins.merge_twin_lines(merged, regions(grains)) == 0
    assert np.array_equal(merged, grains)


def test_a_lattice_of_squares_has_no_twins():
    row, column = np.indices((300, 300))
    squares = (row // 30 * 10 + column // 30 + 1).astype(np.int32)
    assert twins.merge_twin_lines(squares.copy(), regions(squares)) == 0


def test_twins_etched_like_boundaries_are_left_out_and_told():
    grains = drawn_grains.mosaic(SHAPE, 75, 5)
    image = micrograph(drawn_grains.etched(drawn_grains.with_twins(grains, 5)[0], 5))
    settings = unet.Settings(engine="torch")
    counted = unet.Settings(engine="torch", twins="count")
    model = unet.load(settings)
    assert g_error(unet.segment(model, image, counted).labels, grains) > 0.9
    found = unet.segment(model, image, settings)
    assert abs(g_error(found.labels, grains)) < 0.5
    checks = measure_fields("grain_size", [image], [found]).checks
    twinned = next(check for check in checks if check.name.key == "grain_size.check_twin_lamellae")
    assert not twinned.passed
    assert twinned.scope == "plausibility"


@pytest.mark.parametrize("lamellae", [0, 30])
def test_merged_twins_widen_the_interval_by_those_that_are_left(lamellae):
    labels = drawn_grains.mosaic(SHAPE, 45, 7)
    found = replace(given(labels), settings={"twin_lamellae_merged": lamellae})
    report = measure_fields("grain_size", [micrograph(np.full(SHAPE, 100.0))], [found])
    for quantity in ("grain_size_number.intercept", "grain_size_number.planimetric"):
        (result,) = (one for one in report.results if one.quantity == quantity)
        # 15 % of the boundary length per lamella and grain: of G by lines and by areas the same
        lines = [line.u for line in result.budget if line.name == "residual twin boundaries"]
        assert lines == pytest.approx([2 / log(2) * 0.15 * lamellae / labels.max()] if lamellae else [])


def test_the_watershed_leaves_twins_out_as_well():
    grains = drawn_grains.mosaic(SHAPE, 75, 6)
    image = micrograph(drawn_grains.etched(drawn_grains.with_twins(grains, 6)[0], 6))
    errors = [
        g_error(watershed.segment(None, image, watershed.Settings(twins=twin)).labels, grains)
        for twin in ("count", "ignore")
    ]
    assert errors[0] > 0.9
    assert abs(errors[1]) < 0.6


# ------------------------------------------------------------------------------------------------------- mount


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_dark_matrix_between_bright_particles_is_no_mount(seed):
    image = drawn_grains.channeled(drawn_grains.mosaic(SHAPE, 90, seed), seed)
    rng = np.random.default_rng(seed)
    row, column = np.indices(SHAPE)
    for _ in range(100):
        near = np.hypot(row - rng.uniform(0, SHAPE[0]), column - rng.uniform(0, SHAPE[1])) < rng.uniform(6, 14)
        image[near] = 200
    assert mount_mask(drawn_grains.eight_bit(image), np.ones(SHAPE, bool)) is None


@pytest.mark.parametrize("look", [drawn_grains.etched, drawn_grains.channeled])
def test_a_strip_of_mount_is_left_out(look):
    image, outside = drawn_grains.with_mount(look(drawn_grains.mosaic(SHAPE, 60, 3), 3), 3, mount=8)
    found = mount_mask(drawn_grains.eight_bit(image), np.ones(SHAPE, bool))
    assert found is not None
    assert np.mean(found & outside) == pytest.approx(np.mean(outside), abs=0.005)
    assert np.mean(found & ~outside) < 0.03  # a rim as wide as the smoothing


# ------------------------------------------------------------------------------------------- what is no grain


def judged(labels, image=None):
    image = np.full(labels.shape, 100.0) if image is None else image
    report = measure_fields("grain_size", [micrograph(image)], [given(labels)])
    return {check.name: check for check in report.checks if check.scope == "plausibility"}, report.warnings


def test_grains_are_plausible():
    checks, warnings = judged(drawn_grains.mosaic(SHAPE, 40, 8, 0.4))
    assert [name for name, check in checks.items() if not check.passed] == []
    assert "Proportion of a field covered by one grain" in checks
    assert not any("was excluded" in warning for warning in warnings)


def test_the_share_left_out_is_a_number_and_has_a_limit():
    labels = drawn_grains.mosaic(SHAPE, 40, 8)
    labels[: round(0.8 * SHAPE[0])] = 0
    checks, warnings = judged(labels)
    check = checks["Excluded area of a field, field with the most"]
    assert check.value == pytest.approx(80, abs=0.2)
    assert not check.passed
    assert any("80 % of the fields, " in warning for warning in warnings)


def test_particles_that_are_most_of_the_grains_are_not_believed():
    labels = drawn_grains.mosaic(SHAPE, 120, 9)
    for number in range(1, 100):
        row, column = 20 + number // 12 * 45, 20 + number % 12 * 40
        labels[row : row + 8, column : column + 8] = labels.max() + 1
    checks, _ = judged(labels)
    assert not checks["Proportion of grains much smaller than those that make up the area"].passed
    assert checks["Proportion of the edge of a field occupied by one grain"].passed


def test_one_region_round_the_field_is_not_believed():
    labels = np.ones(SHAPE, np.int32)
    labels[20:-20, 20:-20] = drawn_grains.mosaic((SHAPE[0] - 40, SHAPE[1] - 40), 40, 8) + 1
    checks, _ = judged(labels)
    assert not checks["Proportion of the edge of a field occupied by one grain"].passed


@pytest.mark.parametrize(("dark", "believed"), [(0.5, False), (0.1, True)])
def test_dark_particles_counted_as_grains_are_not_believed(dark, believed):
    labels = drawn_grains.mosaic(SHAPE, 40, 11)
    rng = np.random.default_rng(11)
    particle = rng.random(int(labels.max()) + 1) < dark
    tone = np.where(particle, 40, 180) + rng.normal(0, 5, len(particle))
    checks, _ = judged(labels, tone[labels])
    check = checks["Proportion of grains with a distinct gray level"]
    held = np.bincount(labels.ravel())
    minor = particle[1:] if held[particle].sum() < held.sum() / 2 else ~particle[1:]
    assert check.value == pytest.approx(100 * minor.mean(), abs=0.5)
    assert check.passed == believed


def among_channeled(seed, share):
    """Grains of any tone between wide dark boundaries, and small squares among them that are ``share`` of all."""
    labels = drawn_grains.mosaic(SHAPE, 55, seed, 0.4)
    grains = int(labels.max())
    corners = [(row, column) for row in range(8, SHAPE[0] - 16, 26) for column in range(8, SHAPE[1] - 16, 26)]
    rng = np.random.default_rng(seed)
    for row, column in rng.permutation(corners)[: round(share / (1 - share) * grains)].tolist():
        labels[row : row + 10, column : column + 10] = labels.max() + 1
    return labels, grains, rng.uniform(60, 190, int(labels.max()) + 1)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("particle", "believed"), [(25, False), (None, True), (235, False)])
def test_fine_grains_that_all_are_darker_or_brighter_than_the_others_are_particles(seed, particle, believed):
    labels, grains, tone = among_channeled(seed, 0.4)
    if particle is not None:
        tone[grains + 1 :] = particle
    image = tone[labels] + (40 - tone[labels]) * drawn_grains.line(labels)
    checks, _ = judged(labels, image)
    check = checks["Proportion of grains that are smaller and darker, or brighter, than the others"]
    assert check.passed == believed
    if not believed:
        assert check.value == pytest.approx(40, abs=6)  # a square that parts a grain leaves other fine pieces
    # neither of the two signs is enough by itself
    assert checks["Proportion of grains much smaller than those that make up the area"].passed
    assert checks["Proportion of grains with a distinct gray level"].passed


@pytest.mark.parametrize("dark", [False, True])
def test_dark_particles_nearly_as_large_as_the_grains_are_told_by_number_and_area(dark):
    # squares of 14 px among grains of about 45 px, too large to be fine: half of the number, a seventh of the area
    labels = drawn_grains.mosaic(SHAPE, 45, 4, 0.25)
    grains = int(labels.max())
    for row in range(10, SHAPE[0] - 20, 36):
        for column in range(10, SHAPE[1] - 20, 36):
            labels[row : row + 14, column : column + 14] = labels.max() + 1
    tone = np.random.default_rng(4).uniform(60, 190, int(labels.max()) + 1)
    if dark:
        tone[grains + 1 :] = 45
    checks, _ = judged(labels, tone[labels])
    check = checks["Proportion of grains that are smaller and darker, or brighter, than the others"]
    assert check.passed != dark
    if dark:
        particle = np.arange(1, labels.max() + 1) > grains
        present = np.bincount(labels.ravel())[1:] > 0
        exact = np.mean(particle[present]) - np.mean(labels > grains)
        assert check.value == pytest.approx(100 * exact, abs=1.5)  # a grain more or less, and whole percent
    assert checks["Proportion of grains with a distinct gray level"].passed


def test_evenly_spread_tints_are_one_level():
    labels = drawn_grains.mosaic(SHAPE, 40, 12)
    tone = np.random.default_rng(12).uniform(40, 210, int(labels.max()) + 1)
    checks, _ = judged(labels, tone[labels])
    assert checks["Proportion of grains with a distinct gray level"].value == 0
