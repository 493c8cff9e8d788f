"""Threshold backend: exact synthetic truth, independent implementations of the classic methods, real images."""

import subprocess
import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from skimage import filters

from inspect_tool import synthetic
from inspect_tool.errors import BackendError, SettingsError
from inspect_tool.model import Calibration, Micrograph
from inspect_tool.pixels import parts
from inspect_tool.pixels.bits import BitMask
from inspect_tool.pixels.stored import StoredImage
from inspect_tool.segmentation import threshold
from inspect_tool.segmentation.threshold import Settings, bands
from inspect_tool.segmentation.threshold.window_levels import window_levels, window_sums


def _micrograph(pixels, **kwargs):
    return Micrograph(pixels=pixels, calibration=Calibration(pixel_um=0.5, source="test"), path="field.png", **kwargs)


def _segment(pixels, roi=None, color=None, **kwargs):
    return threshold.segment(None, _micrograph(pixels, roi=roi, color=color), Settings(**kwargs))


def _percent(segmentation, roi=None):
    phase = segmentation.labels == 1
    return 100 * float(phase.mean() if roi is None else phase[roi].mean())


def _two_phase(percent=20.0, seed=1, feature_um=8.0, shape=(400, 500), **kwargs):
    return synthetic.two_phase(seed=seed, area_percent=percent, feature_um=feature_um, shape_px=shape, **kwargs)


def _noise(sigma, blur, seed=3, shape=(400, 500)):
    noise = np.random.default_rng(seed).standard_normal(shape)
    if blur:
        noise = cv2.GaussianBlur(noise, (0, 0), blur)
    return np.clip(np.rint(noise / noise.std() * sigma + 120), 0, 255).astype(np.uint8)


# ------------------------------------------------------------------------------------------- the default method


@pytest.mark.parametrize(("level", "limit"), [(0, 0.15), (1, 0.2), (2, 0.3), (3, 0.4)])
def test_the_default_finds_the_true_share_whatever_the_degradation(level, limit):
    field = _two_phase()
    found = _percent(_segment(synthetic.degrade(field.pixels, level, seed=5)))
    assert found == pytest.approx(field.truth["field.area_percent.second"], abs=limit)


def test_dense_structure_in_a_dark_corner_is_not_taken_for_noise():
    # no place of such an image is quiet, so that its noise cannot be seen apart from its edges
    field = _two_phase(50.0, seed=0, shape=(500, 600))
    found = _percent(_segment(synthetic.degrade(field.pixels, 3, seed=0)))
    assert found == pytest.approx(field.truth["field.area_percent.second"], abs=0.4)


@pytest.mark.parametrize("percent", [0.5, 2.0, 8.0])
def test_the_default_does_not_depend_on_how_much_of_the_phase_there_is(percent):
    field = synthetic.pores(seed=2, porosity_percent=percent, mean_ecd_um=12.0, shape_px=(500, 600), pixel_um=0.5)
    truth = field.truth["field.porosity_percent"]
    assert _percent(_segment(synthetic.degrade(field.pixels, 1, seed=2))) == pytest.approx(truth, rel=0.06, abs=0.02)


@pytest.mark.parametrize("sigma", [0.5, 2, 8, 25])
@pytest.mark.parametrize("blur", [0.0, 1.0, 3.0])
def test_noise_alone_holds_no_phase(sigma, blur):
    found = _segment(_noise(sigma, blur))
    assert _percent(found) == 0
    assert found.settings["method_taken"] == "nothing found"
    assert found.settings["levels_found"] == []


def test_noise_alone_holds_no_bright_phase_either():
    assert _percent(_segment(_noise(6, 1.0), phase="bright")) == 0


def test_a_phase_under_strong_noise_is_found():
    field = _two_phase()
    noisy = field.pixels + 40 * np.random.default_rng(1).standard_normal(field.pixels.shape)
    found = _percent(_segment(np.clip(noisy, 0, 255).astype(np.uint8)))
    assert found == pytest.approx(field.truth["field.area_percent.second"], abs=0.8)


def test_shading_does_not_move_the_share():
    field = _two_phase(40.0)
    ramp = np.linspace(0.7, 1.0, field.pixels.shape[1])
    shaded = np.rint(field.pixels * ramp).astype(np.uint8)
    assert _percent(_segment(shaded)) == pytest.approx(_percent(_segment(field.pixels)), abs=0.3)


@hypothesis_settings(max_examples=8)
@given(st.integers(0, 50), st.sampled_from([5.0, 30.0, 60.0]))
def test_a_turned_image_has_the_same_share(seed, percent):
    pixels = synthetic.degrade(_two_phase(percent, seed, shape=(160, 200)).pixels, 1, seed=seed)
    turned = np.ascontiguousarray(np.rot90(pixels))
    assert _percent(_segment(turned)) == pytest.approx(_percent(_segment(pixels)), abs=0.05)


@hypothesis_settings(max_examples=8)
@given(st.integers(0, 50))
def test_a_negative_with_the_other_phase_has_the_same_share(seed):
    pixels = synthetic.degrade(_two_phase(25.0, seed, shape=(160, 200)).pixels, 1, seed=seed)
    assert _percent(_segment(255 - pixels, phase="bright")) == pytest.approx(_percent(_segment(pixels)), abs=0.1)


def test_a_deep_image_gives_what_its_eight_bit_image_gives():
    field = _two_phase()
    deep = (field.pixels.astype(np.float32) * 257 + 12).astype(np.float32)
    found, plain = _segment(deep), _segment(field.pixels)
    assert _percent(found) == pytest.approx(_percent(plain), abs=0.1)
    # the level is a gray value of the image as it was read
    assert found.settings["levels_found"][0] == pytest.approx(plain.settings["levels_found"][0] * 257 + 12, rel=0.01)


@pytest.mark.parametrize("method", ["auto", "edge"])
def test_one_large_step_is_no_shading(method):
    pixels = np.full((200, 240), 200, np.uint8)
    pixels[:60] = 60
    assert _percent(_segment(pixels, method=method)) == pytest.approx(30, abs=0.3)


def test_what_lies_outside_the_region_does_not_matter():
    field = _two_phase(shape=(400, 600))
    roi = np.zeros(field.pixels.shape, bool)
    roi[20:380, 30:400] = True
    other = field.pixels.copy()
    other[:, 420:] = 3
    one, two = _segment(field.pixels, roi=roi), _segment(other, roi=roi)
    assert not two.labels[~roi].any()
    assert _percent(two, roi) == pytest.approx(_percent(one, roi), abs=0.15)


def test_alternatives_bracket_the_share_and_come_one_at_a_time():
    field = _two_phase(30.0)
    micrograph = _micrograph(synthetic.degrade(field.pixels, 2, seed=1))
    nominal = threshold.segment(None, micrograph, Settings())
    others = nominal.alternatives()
    shares = {name: _percent(other) for name, other in others}
    assert shares["threshold -"] < _percent(nominal) < shares["threshold +"]
    # straight edges of constant slope: a step of 10 % of the contrast moves both alike
    low, high = _percent(nominal) - shares["threshold -"], shares["threshold +"] - _percent(nominal)
    assert low == pytest.approx(high, rel=0.4)


def test_an_image_without_a_phase_has_no_alternatives():
    micrograph = _micrograph(_noise(4, 1.0))
    nominal = threshold.segment(None, micrograph, Settings())
    assert list(nominal.alternatives()) == []


def test_scratches_and_stains_below_the_wanted_contrast_are_not_a_phase():
    blank = synthetic.degrade(np.full((400, 500), 190, np.uint8), replace(synthetic.LEVELS[2], pits=0), seed=23)
    assert _percent(_segment(blank, min_contrast=30)) == 0


def test_nickel_superalloy_fields_that_nothing_was_tuned_on(shared_data):
    overlaps, errors = [], []
    for path in sorted((shared_data / "nasa-ni-superalloy" / "images").glob("val*.png")):
        truth = cv2.imread(str(path.parent.parent / "masks" / path.name), cv2.IMREAD_UNCHANGED) > 0
        found = _segment(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)).labels == 1
        overlaps.append((found & truth).sum() / (found | truth).sum())
        errors.append(100 * abs(found.mean() - truth.mean()))
    # hand masks; Otsu on the smoothed image has 0.78 and 4.7 points here
    assert np.mean(overlaps) > 0.9
    assert np.mean(errors) < 2.5


# ------------------------------------------------------------------------------------------ the classic methods


@pytest.fixture(scope="module")
def plain():
    return _two_phase(35.0, seed=4, shape=(200, 240), texture=(0.04, 0.05)).pixels


@pytest.mark.parametrize(
    ("method", "independent", "within"),
    [
        ("otsu", filters.threshold_otsu, 1),
        ("li", filters.threshold_li, 1),
        ("triangle", filters.threshold_triangle, 1),
    ],
)
def test_one_level_agrees_with_an_independent_implementation(plain, method, independent, within):
    found = _segment(plain, method=method, flat_field="off", denoise_px=1)
    assert found.settings["levels_found"][0] == pytest.approx(independent(plain), abs=within)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_multi_otsu_agrees_with_an_independent_implementation(plain, n):
    found = _segment(plain, method="multi_otsu", n_classes=n, flat_field="off", denoise_px=1)
    assert found.settings["levels_found"] == pytest.approx(filters.threshold_multiotsu(plain, n).tolist(), abs=1)


def test_local_and_sauvola_follow_shading(plain):
    shaded = np.rint(plain * np.linspace(0.4, 1.0, plain.shape[1])).astype(np.uint8)
    truth = _percent(_segment(plain, method="otsu"))
    assert _percent(_segment(shaded, method="local", window_px=81)) == pytest.approx(truth, abs=6)
    sauvola = _segment(shaded, method="sauvola", window_px=81, sauvola_k=0.1)
    assert _percent(sauvola) == pytest.approx(truth, abs=6)
    assert sauvola.settings["window_px"] == 81


def test_a_flat_field_is_taken_where_shading_is_large_and_says_so(plain):
    shaded = np.rint(plain * np.linspace(0.4, 1.0, plain.shape[1])).astype(np.uint8)
    flattened = _segment(shaded, method="otsu")
    assert flattened.settings["flat_field_taken"] is True
    truth = _percent(_segment(plain, method="otsu"))
    assert abs(_percent(flattened) - truth) < abs(_percent(_segment(shaded, method="otsu", flat_field="off")) - truth)


def test_fixed_levels_take_pixels_as_they_are():
    pixels = np.array([[10, 100, 101, 200, 201, 255]], np.uint8)
    dark = _segment(pixels, method="fixed", levels=(100.0, 200.0), classes=("pore", "oxide", "metal"))
    # a pixel at the level belongs to the darker class; the matrix (0) is the bright end
    assert dark.labels.tolist() == [[1, 1, 2, 2, 0, 0]]
    assert dark.classes == {1: "pore", 2: "oxide", 0: "metal"}
    bright = _segment(pixels, method="fixed", levels=(100.0, 200.0), phase="bright")
    assert bright.labels.tolist() == [[0, 0, 1, 1, 2, 2]]
    assert bright.classes == {0: "dark", 1: "gray", 2: "bright"}


def test_phase_auto_is_the_one_with_less_area_and_names_stay_with_their_gray():
    pixels = np.full((40, 50), 200, np.uint8)
    pixels[:10] = 50
    few_dark = _segment(pixels, method="otsu", phase="auto", denoise_px=1, flat_field="off")
    few_bright = _segment(255 - pixels, method="otsu", phase="auto", denoise_px=1, flat_field="off")
    assert few_dark.classes == {1: "dark", 0: "bright"}
    assert few_bright.classes == {1: "bright", 0: "dark"}
    assert _percent(few_dark) == _percent(few_bright) == 25


@pytest.mark.parametrize("window_px", [1, 9, 41])
def test_sums_over_a_window_are_those_of_the_pixels_in_it(monkeypatch, window_px):
    gray = np.random.default_rng(2).integers(0, 256, (40, 47)).astype(np.uint8)
    monkeypatch.setattr(bands, "_BAND_PX", 1)
    around = np.pad(gray.astype(np.int64), window_px // 2, mode="symmetric")
    for power in (1, 2):
        found = np.concatenate([sums for _, sums in window_sums(gray, window_px, power)])
        seen = np.lib.stride_tricks.sliding_window_view(around**power, (window_px, window_px)).sum(axis=(2, 3))
        assert np.array_equal(found, seen)


def test_sauvola_knows_the_contrast_of_a_wide_window_on_a_bright_image():
    """Of which the squares of the gray values do not go into 32 bits."""
    gray = np.full((260, 260), 255, np.uint8)
    gray[::2] = 251  # every window has the same contrast, and the largest there is: the level is the mean
    assert np.abs(window_levels(gray, 257, 0.5) - 253).max() < 0.05


def test_small_objects_go_and_small_holes_are_filled():
    pixels = np.full((40, 50), 200, np.uint8)
    pixels[5:25, 5:25] = 50  # 400 px2
    pixels[10:12, 10:12] = 200  # a hole of 4 px2
    pixels[30:32, 40:43] = 50  # an object of 6 px2
    found = _segment(pixels, method="fixed", levels=(100.0,), min_object_px=7, fill_holes_px=5)
    assert int((found.labels == 1).sum()) == 400


@pytest.mark.parametrize(
    "settings",
    [
        {"min_object_px": 40, "fill_holes_px": 40},
        {"method": "edge", "phase": "auto"},
        {"method": "otsu"},
        {"n_classes": 3},
        {"method": "local"},
        {"method": "sauvola", "window_px": 61},
    ],
)
def test_where_a_band_begins_does_not_matter_nor_where_the_image_lies(monkeypatch, settings):
    pixels = synthetic.degrade(_two_phase(feature_um=12.0, shape=(221, 303)).pixels, 3, seed=5)
    roi = np.ones(pixels.shape, bool)
    roi[:90, :70] = False
    whole = _segment(pixels, roi, **settings)
    monkeypatch.setattr(bands, "_BAND_PX", 1)  # bands of the least height: 32 rows
    monkeypatch.setattr(parts, "_PIXELS", 3000)  # strips of eight rows
    banded = _segment(pixels, roi, **settings)
    stored = StoredImage(pixels.shape, pixels.dtype)
    stored[:] = pixels
    on_disk = _segment(stored, BitMask(np.packbits(roi, axis=1), roi.shape), **settings)
    for name in ("levels_found", "edge_contrast"):
        assert banded.settings[name] == pytest.approx(whole.settings[name], rel=1e-6)  # float32 rounding
    others = [dict(one.alternatives()) for one in (whole, banded, on_disk)]
    assert others[0].keys() == others[1].keys() == others[2].keys() != set()
    for one, cut, kept in ((whole, banded, on_disk), *(tuple(each[name] for each in others) for name in others[0])):
        assert np.array_equal(one.labels, cut.labels)
        assert np.array_equal(one.labels, np.asarray(kept.labels))
        assert kept.settings == cut.settings


def test_a_color_channel_can_be_chosen():
    color = np.zeros((40, 50, 3), np.uint8)
    color[:20, :, 1] = 200
    found = _segment(
        np.full((40, 50), 7, np.uint8), color=color, method="otsu", channel="green", denoise_px=1, flat_field="off"
    )
    assert _percent(found) == 50


# ------------------------------------------------------------------------------------------------------ refusals


def test_a_constant_image_is_refused():
    with pytest.raises(BackendError, match=r"field\.png: the image is constant \(gray value 90\)"):
        _segment(np.full((40, 50), 90, np.uint8))


def test_a_gray_image_has_no_red_channel():
    with pytest.raises(BackendError, match="no red channel"):
        _segment(_noise(5, 0), channel="red")


def test_more_classes_than_gray_values_are_refused():
    pixels = np.full((40, 50), 90, np.uint8)
    pixels[:5] = 10
    with pytest.raises(BackendError, match="2 gray values cannot make 3 classes"):
        _segment(pixels, method="multi_otsu", n_classes=3, denoise_px=1, flat_field="off")


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"method": "fixed"}, "needs 'levels'"),
        ({"method": "otsu", "levels": (3.0,)}, "only for method 'fixed'"),
        ({"method": "fixed", "levels": (9.0, 3.0)}, "must ascend"),
        ({"classes": ("a", "a")}, "must differ"),
        ({"classes": ("a", "b", "c"), "n_classes": 2}, "3 class names for 2 classes"),
        ({"n_classes": 9}, "from 2 to 8"),
        ({"method": "li", "n_classes": 3}, "makes 2 classes"),
        ({"n_classes": 3, "phase": "auto"}, "phase 'auto' is for 2 classes"),
        ({"denoise_px": 4}, "must be odd"),
        ({"min_object_px": -1}, "must not be negative"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings, match):
    with pytest.raises(SettingsError, match=match):
        threshold.load(Settings(**settings))


@pytest.mark.parametrize("method", ["local", "sauvola"])
def test_a_window_wider_than_the_image_is_refused(plain, method):
    with pytest.raises(SettingsError, match=r"^field\.png: backend\.window_px: got 5000, the image [^\n]*shorter side"):
        _segment(plain, method=method, window_px=5000)


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read as Linux tells it")
def test_a_window_as_large_as_the_image_takes_memory_with_its_pixels():
    script = (
        "import resource, sys, numpy as np\n"
        "from inspect_tool.segmentation import threshold\n"
        "from inspect_tool.model import Calibration, Micrograph\n"
        "gray = np.random.default_rng(1).integers(0, 255, (1500, 2000)).astype(np.uint8)\n"
        "field = Micrograph(pixels=gray, calibration=Calibration(), path='field.png')\n"
        "threshold.segment(None, field, threshold.Settings(method='sauvola', window_px=int(sys.argv[1])))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)\n"
    )
    small, large = (
        int(subprocess.run([sys.executable, "-c", script, window], capture_output=True, text=True, check=True).stdout)
        for window in ("101", "1500")
    )
    assert large - small < 16 * 1500 * 2000  # a double per pixel for the sums, and as much to spare
