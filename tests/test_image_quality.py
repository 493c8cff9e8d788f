"""Figures of image quality: each follows its own degradation, and leaves the others alone."""

import numpy as np
import pytest

from inspect_tool import synthetic
from inspect_tool.images import quality_measures
from inspect_tool.images.quality_measures import block_step, clipped_percent, edges, gray_step, trend
from inspect_tool.synthetic import Degradation


def phases(**look):
    """Two phases of 15 % more and less than middle gray, degraded."""
    field = synthetic.two_phase(seed=3, area_percent=30.0, feature_um=12.0, shape_px=(400, 400), pixel_um=0.5)
    return synthetic.degrade(field.pixels, Degradation(**({"read_noise": 1.0} | look)), seed=3)


def blur(pixels, roi=None):
    return float(np.nanmedian(edges(pixels, roi).blur_px))


def height(pixels):
    return float(np.nanmedian(edges(pixels).height))


def test_a_straight_edge_of_known_blur_and_height_is_measured():
    # the integral of a Gaussian of 2.5 px, 120 gray values high, drawn as numbers
    from scipy.special import ndtr

    row = 60 + 120 * ndtr((np.arange(120) - 59.7) / 2.5)
    found = edges(np.tile(row, (120, 1)).astype(np.float32))
    # Gaussians that are cut at three deviations, and crests at whole pixels, make it 2 to 3 % too large
    assert found.blur_px[0, 0] == pytest.approx(2.5, rel=0.03)
    assert found.height[0, 0] == pytest.approx(120, rel=0.02)
    assert found.level[0, 0] == pytest.approx(60 + 120 * ndtr(0.3 / 2.5), abs=0.01)  # at the pixel next to half way


@pytest.mark.parametrize("sigma", [1.0, 2.0, 3.0, 5.0])
def test_the_blur_of_a_picture_is_found(sigma):
    # edges are drawn with the share of each pixel, which is a blur of 1/√12 px by itself; near edges cost up to 15 %
    assert blur(phases(blur_px=sigma)) == pytest.approx(np.hypot(sigma, 0.29), rel=0.15)


def test_blur_grows_with_defocus_and_only_with_it():
    found = [blur(phases(blur_px=s)) for s in (0.5, 1, 2, 4)]
    assert found == sorted(found)
    sharp = blur(phases(blur_px=1.5))
    for look in (
        {"read_noise": 5.0},
        {"read_noise": 20.0},
        {"contrast": 0.2},
        {"exposure": 0.3},
        {"shading": 0.5},
        {"jpeg_quality": 50},
    ):
        assert blur(phases(blur_px=1.5, **look)) == pytest.approx(sharp, abs=0.15), look


def test_the_height_of_edges_follows_contrast_and_not_blur_or_noise():
    whole = height(phases(blur_px=1.0))
    assert height(phases(blur_px=1.0, contrast=0.25)) == pytest.approx(whole / 4, rel=0.05)
    assert height(phases(blur_px=3.0)) == pytest.approx(whole, rel=0.1)
    assert height(phases(blur_px=1.0, read_noise=20.0)) == pytest.approx(whole, rel=0.05)


def test_a_soft_corner_is_found_where_it_is():
    found = edges(phases(blur_px=0.8, soft_corner_px=8.0)).blur_px
    assert found.shape == (4, 4)
    assert np.nanargmax(found) == 15  # bottom right
    assert found[3, 3] > 4 * found[0, 0]


def test_tiles_without_structure_do_not_count():
    pixels = phases(blur_px=1.0)
    pixels[:, 200:] = np.clip(np.random.default_rng(0).normal(150, 1, (400, 200)), 0, 255)
    found = edges(pixels).blur_px
    assert np.isnan(found[:, 3]).all()
    assert np.isfinite(found[:, 0]).all()


@pytest.mark.parametrize(("radius", "depth"), [(0.7, 30.0), (0.7, 120.0), (1.0, 30.0), (1.3, 120.0)])
def test_specks_of_known_depth_are_no_edges_and_as_deep_as_drawn(radius, depth):
    # Gaussian blobs far from each other: variance and depth are those of the formula
    rng, gray = np.random.default_rng(5), np.full((300, 300), 180.0)
    rows, columns = np.mgrid[:25, :25] - 12
    for top in range(0, 300, 25):
        for left in range(0, 300, 25):
            row, column = rng.uniform(-3, 3, 2)
            gray[top : top + 25, left : left + 25] -= depth * np.exp(
                -((rows - row) ** 2 + (columns - column) ** 2) / (2 * radius**2)
            )
    found = edges((gray + 0.5 * rng.standard_normal(gray.shape)).astype(np.float32))
    assert found.is_speck.all()
    assert np.median(found.height) == pytest.approx(depth, rel=0.15)


def test_edges_and_lines_are_no_specks():
    gray = np.full((300, 300), 180.0)
    for left in range(20, 300, 40):
        gray[:, left] -= 100
    assert not edges(gray.astype(np.float32)).is_speck.any()
    assert not edges(phases(blur_px=0.5)).is_speck.any()


def test_an_empty_image_has_no_edges():
    noise = np.clip(np.random.default_rng(1).normal(128, 10, (500, 500)), 0, 255).astype(np.uint8)
    assert np.isnan(edges(noise).blur_px).all()
    assert np.isnan(edges(np.full((300, 300), 7, np.uint8)).blur_px).all()


@pytest.mark.parametrize("shape", [(1, 1), (2, 50), (3, 3), (40, 60), (95, 300)])
def test_tiny_images_give_figures_or_none(shape):
    pixels = np.random.default_rng(2).integers(0, 255, shape).astype(np.uint8)
    found = edges(pixels)
    assert found.blur_px.shape == (1, max(1, shape[1] // 96))
    assert trend(found.level) is None
    assert (block_step(pixels) is None) == (min(shape) < 64)
    clipped_percent(pixels)


def test_gray_values_of_16_bits_give_the_same_figures():
    pixels = phases(blur_px=1.5)
    one, deep = edges(pixels), edges(pixels.astype(np.float32) * 257)
    assert deep.step == 257
    np.testing.assert_allclose(deep.blur_px, one.blur_px, atol=0.02)
    np.testing.assert_allclose(deep.height, one.height * 257, rtol=0.01)


def test_only_the_region_counts():
    pixels = phases(blur_px=0.8)
    soft = synthetic.degrade(pixels, Degradation(blur_px=5.0, read_noise=1.0), seed=1)
    pixels[:, 200:] = soft[:, 200:]
    roi = np.zeros(pixels.shape, bool)
    roi[:, 200:] = True
    assert blur(pixels, ~roi) < 1.2
    assert blur(pixels, roi) > 3.5
    # the outline of the region itself is no edge
    flat = np.clip(np.random.default_rng(0).normal(150, 1, pixels.shape), 0, 255).astype(np.uint8)
    flat[roi] = pixels[roi]
    assert np.isnan(edges(flat, ~roi).blur_px).all()


def test_shading_is_a_trend_of_the_edges_over_the_tiles():
    def depth(**look):
        found = edges(phases(blur_px=1.0, **look))
        return float(np.ptp(trend(found.level)) / np.nanmedian(found.height))

    depths = [depth(shading=s) for s in (0.0, 0.2, 0.5, 0.8)]
    assert depths == sorted(depths)
    assert depths[0] < 0.1
    assert depths[3] > 0.4
    assert depth(read_noise=15.0) < 0.1
    # tiles that differ at random have no trend
    random = np.random.default_rng(4).normal(100, 10, (8, 8))
    assert np.ptp(trend(random)) < 10


def test_blocks_of_jpeg_are_found_in_the_pixels_whatever_their_phase():
    steps = [block_step(phases(jpeg_quality=q)) for q in (90, 50, 20, 5)]
    assert steps == sorted(steps)
    plain = block_step(phases())
    assert 4 * plain < steps[1]  # what noise makes of it
    cut = phases(jpeg_quality=10)[3:, 5:]
    assert block_step(cut) == pytest.approx(block_step(phases(jpeg_quality=10)), rel=0.2)
    assert block_step(phases(read_noise=20.0)) < 0.3


def test_clipped_pixels_are_those_beyond_the_histogram():
    assert clipped_percent(phases()) == (0.0, 0.0)
    dark, bright = clipped_percent(phases(exposure=1.6))
    assert dark == 0
    assert bright == pytest.approx(69, abs=4)  # the bright phase has 70 % of the area, its edges are not clipped
    # a tail that runs out at the end of the scale is no clipping
    pixels = np.repeat(np.arange(256, dtype=np.uint8), np.r_[np.arange(1, 257)[::-1]])
    assert clipped_percent(pixels[None]) == (pytest.approx(100 / pixels.size), 0.0)
    deep = np.minimum(np.random.default_rng(5).normal(30000, 9000, (300, 300)).round(), 40000).astype(np.float32)
    assert clipped_percent(deep)[1] == pytest.approx(100 * (deep == 40000).mean(), abs=0.1)
    roi = np.zeros((300, 300), bool)
    assert clipped_percent(deep, roi) == (0.0, 0.0)


def test_the_step_of_the_gray_scale():
    assert gray_step(np.zeros((4, 4), np.uint8)) == 1.0
    assert gray_step((phases() // 4 * 4).astype(np.uint8)) == 4.0
    # black and white alone are no low contrast
    assert gray_step(np.array([[0.0, 1.0]], np.float32)) == pytest.approx(1 / 255)


def test_the_figures_are_those_of_the_turned_picture():
    pixels = phases(blur_px=1.5, soft_corner_px=6.0)
    turned = edges(np.ascontiguousarray(pixels.T)).blur_px
    np.testing.assert_allclose(turned.T, edges(pixels).blur_px, atol=0.1)


def test_a_large_image_is_looked_at_in_bands_that_change_nothing(monkeypatch):
    pixels = phases(blur_px=1.0)
    whole = edges(pixels).blur_px
    monkeypatch.setattr(quality_measures, "_HALO_PX", 40)
    np.testing.assert_allclose(edges(pixels).blur_px, whole, atol=1e-3)
