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
from inspect_tool.measure import boundaries, twins
from inspect_tool.measure.strength import line_strength, step_strength
from inspect_tool.model import Calibration, Micrograph
from inspect_tool.segmentation import watershed


def micrograph(pixels, **changes):
    pixels = pixels.copy()
    pixels.setflags(write=False)
    return Micrograph(pixels=pixels, calibration=Calibration(pixel_um=1.0, source="test"), path="field.tif", **changes)


def segmented(pixels, roi=None, **settings):
    return watershed.segment(None, micrograph(pixels, roi=roi), watershed.Settings(**settings))


def mean_intercept_px(labels):
    """Test lines along all rows, columns and both diagonals; each orientation counts the same."""
    crossings = []
    for a, b, step in (
        (labels[:, :-1], labels[:, 1:], 1.0),
        (labels[:-1], labels[1:], 1.0),
        (labels[:-1, :-1], labels[1:, 1:], 2**0.5),
        (labels[:-1, 1:], labels[1:, :-1], 2**0.5),
    ):
        counted = (a > 0) & (b > 0)
        crossings.append(np.count_nonzero((a != b) & counted) / (np.count_nonzero(counted) * step))
    return 1 / np.mean(crossings)


def g_error(labels, truth):
    return 2 * log2(mean_intercept_px(truth) / mean_intercept_px(labels))


def grains(look="etched", level=1, seed=3, **changes):
    field = synthetic.grains(
        seed=seed, grain_size_number=4.5, pixel_um=1.0, shape_px=(360, 420), look=look, curvature=0.1, **changes
    )
    return synthetic.degrade(field.pixels, level, seed=seed), field.labels


def parts_of(labels):
    """Number of 4-connected parts over all labels."""
    return sum(ndimage.label(labels == number)[1] for number in np.unique(labels[labels > 0]))


# ---------------------------------------------------------------------------------------------------- labels


@pytest.mark.parametrize(("look", "found"), [("etched", "dark"), ("bright", "bright"), ("tinted", "gradient")])
def test_grains_fill_the_field_and_are_connected(look, found):
    pixels, truth = grains(look)
    segmentation = segmented(pixels)
    labels = segmentation.labels
    assert labels.dtype == np.int32
    assert labels.min() == 1  # no boundary pixels
    assert np.array_equal(np.unique(labels), np.arange(1, labels.max() + 1))
    assert parts_of(labels) == labels.max()
    assert segmentation.settings["boundaries_found"] == found
    # truth is the label image the field was drawn from
    assert g_error(labels, truth) == pytest.approx(0, abs=0.2)


@pytest.mark.parametrize(("level", "limit"), [(1, 0.2), (2, 0.25), (3, 0.4)])
def test_grain_size_of_degraded_images(level, limit):
    pixels, truth = grains(level=level, seed=7)
    assert g_error(segmented(pixels).labels, truth) == pytest.approx(0, abs=limit)


def test_gaps_in_boundaries_are_bridged():
    # a square lattice of 40 px; every third part of every line is missing: 25 % of its length
    pixels = np.full((241, 241), 200, np.uint8)
    pixels[::40] = pixels[:, ::40] = 80
    for start in range(15, 241, 40):
        pixels[:, start : start + 10] = pixels[start : start + 10] = 200
    pixels = cv2.GaussianBlur(pixels, (0, 0), 1.0)
    pixels = (pixels + np.random.default_rng(0).normal(0, 2, pixels.shape)).astype(np.uint8)
    assert segmented(pixels).labels.max() == 36


def test_lines_with_free_ends_are_no_boundaries():
    pixels, _ = grains(level=1, seed=9)
    with_spurs = pixels.copy()
    labels = segmented(pixels).labels
    largest = np.argmax(np.bincount(labels.ravel()))
    rows, columns = np.nonzero(cv2.erode((labels == largest).astype(np.uint8), np.ones((15, 15), np.uint8)))
    row, column = int(np.median(rows)), int(np.median(columns))
    with_spurs[row - 3 : row + 3, column] = 60
    assert abs(segmented(with_spurs).labels.max() - labels.max()) <= 1


def test_nothing_outside_the_region_has_a_label():
    pixels, _ = grains()
    roi = np.zeros(pixels.shape, bool)
    roi[50:300, 40:380] = True
    labels = segmented(pixels, roi=roi).labels
    assert np.array_equal(labels > 0, roi)


def test_dark_mount_with_its_scale_bar_is_left_out():
    pixels, _ = grains()
    framed = np.full((pixels.shape[0] + 200, pixels.shape[1]), 35, np.uint8)
    framed[100:-100] = pixels
    framed[-40:-34, 300:380] = 230
    framed = (framed + np.random.default_rng(0).normal(0, 2, framed.shape)).clip(0, 255).astype(np.uint8)
    segmentation = segmented(framed)
    assert not segmentation.labels[:100].any()
    assert not segmentation.labels[-100:].any()
    assert (segmentation.labels[120:-120] > 0).all()
    assert segmentation.settings["mount_percent"] == pytest.approx(100 * 200 / framed.shape[0], abs=6)
    assert segmented(pixels).settings["mount_percent"] == 0


def test_a_higher_level_never_gives_more_grains():
    pixels, _ = grains(level=2)
    image, settings = micrograph(pixels), watershed.Settings(twins="count")
    reported = watershed.segment(None, image, settings)
    found = dict(reported.alternatives())
    lower, higher = found["boundary level -"].labels.max(), found["boundary level +"].labels.max()
    assert lower >= reported.labels.max() >= higher


def test_alternatives_are_the_same_each_time_they_are_made():
    pixels, _ = grains(level=1)
    image, settings = micrograph(pixels), watershed.Settings()
    reported = watershed.segment(None, image, settings)
    once, again = (dict(reported.alternatives()) for _ in range(2))
    assert once.keys() == again.keys()
    for name, segmentation in once.items():
        assert np.array_equal(segmentation.labels, again[name].labels)
        assert segmentation.settings == again[name].settings


# ----------------------------------------------------------------------------------------------------- twins


def lattice_with_lamella():
    labels = np.repeat(np.repeat(np.arange(1, 10).reshape(3, 3), 60, 0), 60, 1).astype(np.int32)
    image = np.full(labels.shape, 1.0, np.float32)
    labels[60:120, 82:92] = 10  # a band through the middle grain ...
    labels[60:120, 92:120] = 11  # ... parts it
    image[labels == 10] = 0.7
    return labels, image


def without_twins(labels, image):
    rows, pairs = len(labels), len(boundaries.touching(labels, len(labels))[0])
    regions = boundaries.region_sums(labels, rows, 0, int(labels.max()), image, image, [np.ones(pairs)])
    owner, count = twins.without_twins(regions)
    return owner[labels], count


def test_a_straight_band_through_a_grain_is_a_twin():
    labels, image = lattice_with_lamella()
    merged, count = without_twins(labels, image)
    assert count == 1
    assert merged.max() == 9
    assert len(np.unique(merged[60:120, 60:120])) == 1


def test_a_band_between_unlike_grains_is_a_grain():
    labels, image = lattice_with_lamella()
    image[labels == 11] = 0.4
    assert without_twins(labels, image)[1] == 0


def test_bands_as_wide_as_their_neighbors_are_lamellar_structure():
    labels = np.repeat(np.arange(1, 11), 12)[None].repeat(40, 0).astype(np.int32)
    assert without_twins(labels, np.ones(labels.shape, np.float32))[1] == 0


# -------------------------------------------------------------------------------------------------- particles


def test_touching_discs_are_parted():
    pixels = np.full((200, 300), 210, np.uint8)
    centers = [(50, 50), (50, 84), (120, 60), (140, 200), (140, 234), (140, 268)]
    for row, column in centers:
        cv2.circle(pixels, (column, row), 19, 60, -1)
    together = segmented(pixels, mode="particles")
    assert together.labels.max() == len(centers)
    assert len({int(together.labels[center]) for center in centers}) == len(centers)
    assert segmented(255 - pixels, mode="particles", phase="bright").labels.max() == len(centers)
    assert together.labels[0, 0] == 0


# --------------------------------------------------------------------------------------------------- functions


def chain_merged(count, weights, level):
    """One merge at a time, the slow way."""
    owner = list(range(count + 1))
    edges = {pair: list(value) for pair, value in weights.items()}
    while edges:
        pair = min(edges, key=lambda item: edges[item][0] / edges[item][1])
        if edges[pair][0] / edges[pair][1] >= level:
            break
        keep, gone = pair
        owner = [keep if item == gone else item for item in owner]
        joined = {}
        for (a, b), value in edges.items():
            new = tuple(sorted((keep if a == gone else a, keep if b == gone else b)))
            if new[0] != new[1]:
                old = joined.setdefault(new, [0.0, 0.0])
                old[0] += value[0]
                old[1] += value[1]
        edges = joined
    return owner


@trials(max_examples=40)
@given(st.integers(0, 10_000), st.integers(3, 12), st.floats(0.1, 0.9))
def test_merging_in_rounds_equals_merging_one_by_one(seed, count, level):
    rng = np.random.default_rng(seed)
    pairs = sorted({tuple(sorted(rng.choice(count, 2, replace=False) + 1)) for _ in range(3 * count)})
    length = rng.integers(1, 30, len(pairs)).astype(float)
    support = rng.random(len(pairs)) * length
    owner = boundaries.merge_unsupported(count, np.array(pairs), support, length, level)
    slow = chain_merged(count, {p: (s, n) for p, s, n in zip(pairs, support, length, strict=True)}, level)
    groups = {tuple(np.flatnonzero(owner == number)) for number in owner[1:]}
    assert groups == {tuple(i for i, o in enumerate(slow) if o == number) for number in slow[1:]}


@pytest.mark.parametrize("angle", [0, 20, 45, 90])
def test_line_strength_of_a_gaussian_line_is_its_depth(angle):
    rows, columns = np.mgrid[:101, :101] - 50.0
    across = columns * np.sin(np.deg2rad(angle)) - rows * np.cos(np.deg2rad(angle))
    image = (1 - 0.3 * np.exp(-(across**2) / (2 * 2.0**2))).astype(np.float32)
    everywhere = np.ones(image.shape, bool)
    dark, _ = line_strength(image, everywhere, 2.0, "dark")
    assert dark[50, 50] == pytest.approx(0.3, rel=0.05)
    # its side lobes are bright lines of 2 exp(-3/2) = 0.45 times the depth (second derivative of a Gaussian)
    bright, _ = line_strength(image, everywhere, 2.0, "bright")
    assert bright.max() == pytest.approx(0.3 * 0.45, rel=0.15)


def test_step_strength_is_the_height_of_the_step():
    image = np.zeros((60, 60, 2), np.float32)
    image[:, 30:, 0], image[:, 30:, 1] = 3, 4
    strength, _ = step_strength(image, np.ones(image.shape[:2], bool), 2.0)
    assert strength.max() == pytest.approx(5, rel=0.05)


# ------------------------------------------------------------------------------------------------------ errors


def test_a_constant_image_is_an_error():
    with pytest.raises(BackendError, match=r"field.tif: the image is constant where it counts; check the exposure"):
        segmented(np.full((100, 100), 90, np.uint8))
    with pytest.raises(BackendError, match="the image is constant"):
        segmented(np.full((100, 100), 90, np.uint8), mode="particles")


def test_noise_alone_has_no_grains():
    noise = np.random.default_rng(1).normal(128, 10, (300, 300)).astype(np.uint8)
    with pytest.raises(BackendError, match=r"field.tif: no .* check focus and etch"):
        segmented(noise)


# ------------------------------------------------------------------------------------------------- real images


def test_grain_size_of_the_nist_steel(shared_data):
    # 10.34: intercept G of the NIST grain size tools on the same picture, 8.90 um mean intercept at 0.2252 um/px
    path = shared_data / "nist-grain-size" / "images" / "steel_optical_original.tif"
    labels = segmented(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)).labels
    g = 2 * log2(320 / (mean_intercept_px(labels) * 0.2252))
    assert g == pytest.approx(10.34, abs=0.3)
