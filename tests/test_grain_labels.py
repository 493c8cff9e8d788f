from dataclasses import replace
from math import log2

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st
from scipy import ndimage

from inspect_tool import synthetic
from inspect_tool.errors import BackendError
from inspect_tool.measure import flooding
from inspect_tool.segmentation.unet import grain_labels
from inspect_tool.segmentation.unet.grain_labels import Settings

DEFAULT = Settings()


def truth(seed=3, intercept_px=24.0, shape_px=(240, 280), **changes):
    density = (np.pi / 4 / intercept_px) ** 2 * 1e6  # Poisson-Voronoi, one pixel is one micrometer
    return synthetic.grains(seed=seed, grains_per_mm2=density, pixel_um=1.0, shape_px=shape_px, **changes).labels


def probability(labels, certain=0.95):
    """Map of a perfect network: sure of the pixels beside another grain, blurred by the pixels of an image."""
    values = labels.astype(np.float32)
    kernel = np.ones((3, 3), np.uint8)
    line = (cv2.dilate(values, kernel) != cv2.erode(values, kernel)).astype(np.float32)
    return np.minimum(1.25 * cv2.GaussianBlur(line, (0, 0), 0.8), 1) * np.float32(certain)


def eight_bit(image):
    return np.rint(255 * image).astype(np.uint8)


def partition(image, roi=None, settings=DEFAULT):
    return grain_labels.partition(image, roi, settings)


def grains(image, roi=None, settings=DEFAULT):
    return grain_labels.labels_at(partition(image, roi, settings))


def crossings(labels):
    return np.count_nonzero(labels[:, 1:] != labels[:, :-1]) + np.count_nonzero(labels[1:] != labels[:-1])


def g_difference(labels, other):
    """Change of G: crossings of test lines per length go with 2 ** (G / 2)."""
    return 2 * log2(crossings(labels) / crossings(other))


# ---------------------------------------------------------------------------------------------------- labels


# lines three pixels wide run into each other in sharp corners, of which long grains have many
@pytest.mark.parametrize(("kind", "tol"), [("poisson_voronoi", 0.05), ("laguerre", 0.05), ("elongated", 0.1)])
def test_a_perfect_map_gives_the_drawn_grains(kind, tol):
    drawn = truth(kind=kind)
    found = grains(eight_bit(probability(drawn)))
    assert abs(g_difference(found, drawn)) < tol
    assert found.max() == pytest.approx(drawn.max(), rel=0.12)  # necks narrower than the lines part a grain


@given(st.integers(0, 10_000))
@trials(max_examples=5)
def test_every_pixel_belongs_to_a_grain_and_every_grain_is_one_piece(seed):
    noise = np.random.default_rng(seed).random((90, 110), dtype=np.float32)
    image = np.maximum(probability(truth(seed=seed, shape_px=(90, 110))), 0.6 * noise)
    found = grains(image)
    assert found.dtype == np.int32
    assert (found > 0).all()
    assert set(np.unique(found)) == set(range(1, found.max() + 1))
    assert sum(ndimage.label(found == number)[1] for number in range(1, found.max() + 1)) == found.max()


def test_what_lies_outside_the_region_gets_no_grain():
    roi = np.zeros((240, 280), bool)
    roi[40:210, 30:250] = True
    found = grains(probability(truth()), roi)
    assert np.array_equal(found > 0, roi)


def test_uint8_and_float_maps_give_the_same_grains():
    image = eight_bit(probability(truth()))
    ratio = g_difference(grains(image), grains(image.astype(np.float32) / np.float32(255)))
    assert abs(ratio) < 0.002


# ---------------------------------------------------------------------------------------------------- gaps and lines


def square_grains(side=48, across=6):
    row, column = np.indices((side * across, side * across))
    return (row // side * across + column // side + 1).astype(np.int32)


def test_gaps_are_closed():
    drawn = square_grains()
    image = probability(drawn)
    for k in range(1, 6):  # a hole of 14 px in the middle of every side
        for n in range(6):
            image[48 * k - 4 : 48 * k + 4, 48 * n + 17 : 48 * n + 31] = 0
            image[48 * n + 17 : 48 * n + 31, 48 * k - 4 : 48 * k + 4] = 0
    found = grains(image)
    assert found.max() == 36
    assert abs(g_difference(found, drawn)) < 0.02


def test_a_line_with_a_free_end_is_dropped():
    drawn = square_grains()
    image = probability(drawn)
    for k in range(6):
        cv2.line(image, (48 * k + 24, 0), (48 * k + 24, 14), 0.95, 2)
        cv2.line(image, (48 * k + 10, 48 * 3 + 24), (48 * k + 24, 48 * 3 + 24), 0.95, 2)
    found = grains(image)
    assert found.max() == 36
    assert abs(g_difference(found, drawn)) < 0.06  # lines are drawn toward it


def test_a_boundary_that_is_hardly_believed_goes_with_the_level():
    drawn = square_grains()
    image = probability(drawn)
    left, right = image.copy(), probability(drawn, certain=0.5)
    left[:, 48 * 3 - 4 : 48 * 3 + 4] = right[:, 48 * 3 - 4 : 48 * 3 + 4]  # one line of six boundaries, half believed
    part = partition(left)
    assert grain_labels.labels_at(part, 0.3).max() > 32
    assert grain_labels.labels_at(part, 0.7).max() == 30


def test_alternatives_bracket_what_is_found_and_leave_the_partition_as_it_is():
    rng = np.random.default_rng(5)
    drawn = truth()
    believed = rng.uniform(0.5, 1, 1 + int(drawn.max())).astype(np.float32)[drawn]
    part = partition(eight_bit(probability(drawn) * cv2.GaussianBlur(believed, (0, 0), 3)))
    found = grain_labels.labels_at(part)
    others = dict(grain_labels.alternatives(part))
    assert list(others) == ["boundary level -", "boundary level +"]
    assert crossings(others["boundary level -"]) >= crossings(found) >= crossings(others["boundary level +"])
    assert np.array_equal(grain_labels.labels_at(part), found)


def test_a_pit_with_a_line_about_it_is_no_grain():
    image = probability(square_grains())
    for k in range(6):
        cv2.circle(image, (48 * k + 24, 48 * k + 24), 4, 0.95, 2)
    assert grains(image).max() == 36


def test_doubtful_boundaries_count_where_the_others_are_clear_and_not_where_all_are_doubtful():
    drawn = square_grains()
    clear = probability(drawn)
    clear[:, 48 * 3 - 4 : 48 * 3 + 4] *= 0.5
    part = partition(clear)
    assert part.doubtful == pytest.approx(6 / 60, abs=0.05)  # 60 sides, junctions count less
    assert grain_labels.labels_at(part).max() > 32
    doubtful = probability(drawn, certain=0.78)
    doubtful[:, 48 * 3 - 4 : 48 * 3 + 4] *= 0.57
    part = partition(doubtful)
    assert part.doubtful > 0.9
    assert grain_labels.labels_at(part).max() == 30


# ---------------------------------------------------------------------------------------------------- invariance


def test_tiles_do_not_matter(monkeypatch):
    image = eight_bit(probability(truth(), certain=0.8))
    whole = grains(image)
    monkeypatch.setattr(flooding, "TILE_PX", 128)
    tiled = grains(image)
    assert tiled.max() == whole.max()
    assert abs(g_difference(tiled, whole)) < 0.005


def test_turning_the_map_turns_the_grains():
    image = eight_bit(probability(truth(shape_px=(240, 240))))
    assert abs(g_difference(grains(np.rot90(image).copy()), grains(image))) < 0.01


def test_twice_the_magnification_gives_as_many_grains():
    image = probability(truth())
    large = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    assert grains(large).max() == pytest.approx(grains(image).max(), rel=0.03)


def test_a_map_that_was_enlarged_gives_boundaries_without_kinks():
    drawn = truth()
    small = grains(eight_bit(probability(drawn)))
    large = cv2.resize(eight_bit(probability(drawn)), None, fx=3, fy=3, interpolation=cv2.INTER_LINEAR)
    found = grain_labels.labels_at(grain_labels.partition(large, None, DEFAULT, enlarged=3.0))
    # crossings with the rows and columns of a picture of three times the size are three times as many
    assert crossings(found) / 3 == pytest.approx(crossings(small), rel=0.02)


# ---------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_a_map_that_is_all_alike_has_no_grain(level):
    with pytest.raises(BackendError, match=r"field\.tif: no closed grain found"):
        grain_labels.partition(np.full((60, 60), level, np.float32), None, DEFAULT, "field.tif")


def test_one_grain_is_no_grain():
    image = np.zeros((80, 80), np.float32)
    image[:, 39:42] = 0.2  # a line that no level of belief keeps
    with pytest.raises(BackendError, match=r"field.tif: no closed grain found.*backend 'labels'"):
        grain_labels.labels_at(partition(image), 0.9, "field.tif")


def test_an_empty_region_is_an_error():
    with pytest.raises(BackendError, match="no pixel lies in the region"):
        partition(np.zeros((60, 60), np.float32), np.zeros((60, 60), bool))


# ---------------------------------------------------------------------------------------------------- magnification


def test_size_of_the_grains_is_estimated():
    drawn = truth(intercept_px=30.0)
    expected = drawn.size * 2 / crossings(drawn)  # crossings of the drawn grains with rows and columns
    # lines run into each other at triple points and along the rows: a tenth is good enough to choose a magnification
    assert grain_labels.grain_size_px(probability(drawn)) == pytest.approx(expected, rel=0.12)
    assert grain_labels.grain_size_px(np.zeros((20, 20), np.uint8)) == float("inf")


@pytest.mark.parametrize(("size_px", "low", "high"), [(300.0, 0.05, 0.25), (5.0, 3.0, 16.0), (40.0, 1.0, 1.0)])
def test_the_image_is_brought_to_a_size_of_grains_that_the_network_knows(size_px, low, high):
    def predict(scale):
        pitch = max(2, round(size_px * scale))
        row, column = np.indices((600, 600))
        lines = (row % pitch == 0) | (column % pitch == 0)
        return np.where(lines, np.float32(0.9), np.float32(0))

    scale, found_px = grain_labels.settled_scale(predict, (12.0, 90.0))
    assert low <= scale <= high
    assert 12 <= size_px * scale <= 90
    assert found_px == pytest.approx(size_px, rel=0.25)


def test_a_level_that_is_set_is_kept_and_has_alternatives_on_both_sides():
    part = partition(probability(truth()), settings=replace(DEFAULT, level=0.5))
    assert part.levels == pytest.approx((0.2994, 0.5, 0.7006), abs=1e-4)  # log odds less and plus 0.85
    assert part.settings.level == 0.5


def test_settings_reach_the_grains():
    image = probability(truth(), certain=0.6)
    strict = replace(DEFAULT, level=0.95)
    with pytest.raises(BackendError, match="no closed grain"):
        grains(image, settings=strict)
