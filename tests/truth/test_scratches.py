"""Polishing scratches among grain boundaries whose drawing is known: left out, told, and nothing else is."""

from dataclasses import replace

import drawn_grains
import drawn_scratches
import numpy as np
import pytest
from test_drawn_grains import g_error, given, micrograph

from inspect_tool import measure_fields
from inspect_tool.measure import scratches
from inspect_tool.segmentation import unet, watershed

SHAPE = (480, 560)


@pytest.fixture(scope="module")
def segmented():
    """Grains of a picture by a backend, and what it states."""
    model = unet.load(unet.Settings(engine="torch"))

    def made(backend, image, **settings):
        if backend == "unet":
            return unet.segment(model, image, unet.Settings(engine="torch", **settings))
        return watershed.segment(None, image, watershed.Settings(**settings))

    return made


@pytest.mark.parametrize(
    ("backend", "width_px", "limit"),
    [("unet", 9.0, 0.3), ("unet", 5.0, 0.3), ("watershed", 9.0, 0.6), ("watershed", 5.0, 0.6)],
)
def test_scratches_across_grains_are_left_out(segmented, backend, width_px, limit):
    grains = drawn_grains.mosaic(SHAPE, 60, 2)
    image = micrograph(
        drawn_scratches.scratched(drawn_scratches.grooved(grains, 2, width_px=width_px), 2),
    )
    assert g_error(segmented(backend, image, scratches="count").labels, grains) > 0.9
    found = segmented(backend, image)
    assert found.settings["scratch_lines_merged"] > 20
    assert abs(g_error(found.labels, grains)) < limit


@pytest.mark.parametrize(("backend", "limit"), [("unet", 0.3), ("watershed", 0.6)])
def test_parallel_scratches_as_black_as_thin_boundaries_are_left_out(segmented, backend, limit):
    grains = drawn_grains.mosaic(SHAPE, 60, 8)
    thin = drawn_grains.etched(grains, 8)
    image = micrograph(
        drawn_scratches.scratched(thin, 8, number=60, width_px=(1.5, 3.0), depth=(0.5, 0.8), directions=1)
    )
    assert g_error(segmented(backend, image, scratches="count").labels, grains) > 0.9
    found = segmented(backend, image)
    assert found.told.scratched_percent > 20.0  # which doubts every number of the field
    assert abs(g_error(found.labels, grains)) < limit


def test_what_runs_along_worked_metal_is_no_scratch():
    for drawn_out in (2, 4, 8):
        grains = drawn_grains.mosaic((SHAPE[0], SHAPE[1] // drawn_out), 60 / np.sqrt(drawn_out), 9)
        labels = np.repeat(grains, drawn_out, axis=1).astype(np.int32)
        pixels = np.full(labels.shape, 180, np.uint8)
        assert scratches.etch_of(labels, pixels, scratches=True).direction is None


@pytest.mark.parametrize("backend", ["unet", "watershed"])
@pytest.mark.parametrize("kind", ["grooves", "thin", "uneven", "stretched"])
def test_boundaries_of_one_width_stay(segmented, backend, kind):
    grains = drawn_grains.mosaic(SHAPE, 60, 3)
    if kind == "stretched":  # rolled: long, straight and parallel
        grains = np.repeat(drawn_grains.mosaic((SHAPE[0], SHAPE[1] // 4), 30, 3), 4, axis=1)
    drawn = {
        "grooves": lambda: drawn_scratches.grooved(grains, 3),
        "thin": lambda: drawn_grains.etched(grains, 3),
        "uneven": lambda: drawn_scratches.unevenly_etched(grains, 3, width_px=5.0),
        "stretched": lambda: drawn_scratches.grooved(grains, 3, width_px=6.0),
    }
    image = micrograph(drawn[kind]())
    assert segmented(backend, image).settings["scratch_lines_merged"] == 0


def test_a_faint_boundary_as_wide_as_the_others_is_a_boundary():
    grains = drawn_grains.mosaic(SHAPE, 60, 4)
    pixels = drawn_grains.eight_bit(drawn_scratches.unevenly_etched(grains, 4, width_px=7.0, share=0.3))
    assert scratches.etch_of(grains, pixels, scratches=True).strength is None


def test_black_pits_between_grains_are_no_grains():
    grains = drawn_grains.mosaic(SHAPE, 60, 5)
    image, labels = drawn_scratches.grooved(grains, 5), grains.copy()
    row, column = np.indices(SHAPE)
    centers = ((100, 100), (240, 300), (350, 420))
    for number, (r, c) in enumerate(centers):
        pit = np.hypot(row - r, column - c) < 9
        image[pit], labels[pit] = 15.0, grains.max() + number + 1
    scratches.merge_grooves(labels, drawn_grains.eight_bit(image))
    size = np.bincount(labels.ravel())
    assert all(size[labels[at]] > 4 * np.pi * 9**2 for at in centers)  # each is part of a grain now


@pytest.mark.parametrize(("width_px", "seed"), [(12.0, 11), (16.0, 2)])
def test_the_room_in_a_groove_is_no_grain(segmented, monkeypatch, width_px, seed):
    grains = drawn_grains.mosaic(SHAPE, 100, seed)
    image = micrograph(drawn_scratches.partly_grooved(grains, seed, width_px=width_px))
    assert abs(g_error(segmented("unet", image).labels, grains)) < 0.15
    monkeypatch.setattr(scratches, "etch_of", lambda *_, **__: scratches.Etch())
    assert g_error(segmented("unet", image).labels, grains) > 0.9


def test_what_lies_in_a_groove_goes_to_the_nearest_grain():
    labels = np.repeat(np.array([1, 3, 2], np.int32), [30, 6, 30])[None].repeat(40, axis=0)
    pixels = np.where(labels == 3, 20, 180).astype(np.uint8)
    found = scratches.merge_grooves(labels, pixels)
    assert (labels == np.repeat([1, 2], 33)).all()
    assert found.nodes[0].tolist() == [0, 33 * 40, 33 * 40]
    assert found.pairs.tolist() == [[1, 2]]
    assert found.sides[0] == 40


def test_small_black_grains_among_black_grains_stay():
    grains = drawn_grains.mosaic(SHAPE, 60, 6)
    rng = np.random.default_rng(6)
    pixels = np.where(rng.random(grains.max() + 1) < 0.3, 30.0, 180.0)[grains]
    pixels = drawn_grains.eight_bit(pixels + rng.normal(0, 4, SHAPE))
    assert not scratches.etch_of(grains, pixels, scratches=True).grooved


def test_what_was_left_out_is_told_and_too_much_is_not_believed():
    grains = drawn_grains.mosaic(SHAPE, 45, 7)
    found = given(grains)
    for percent, believed in ((8.0, True), (27.0, False)):
        told = replace(found, settings={**found.settings, "scratch_lines_merged": 31, "scratched_percent": percent})
        report = measure_fields("grain_size", [micrograph(drawn_grains.etched(grains, 7))], [told])
        assert any("31 lines were taken for scratches" in warning for warning in report.warnings)
        check = next(one for one in report.checks if one.name.startswith("Proportion of the boundary length excluded"))
        assert (check.passed, check.scope) == (believed, "plausibility")
