"""Choice of level on drawn scenes whose masks are known to the pixel."""

import numpy as np
import pytest
from drawn_phases import Scene, lattice, relief_network, rimmed_pores, three_phases

from inspect_tool.model import Calibration, Micrograph
from inspect_tool.segmentation import threshold
from inspect_tool.segmentation.threshold import Settings
from inspect_tool.segmentation.threshold.gray_levels import own_gray_between
from inspect_tool.segmentation.threshold.level_choice import OWN_GRAY
from inspect_tool.statistics.uncertainty import half_range


def _segmented(scene: Scene, **settings):
    """Ranks (0 darkest) of the segmentation and of its alternatives; what was found."""
    chosen = Settings(**settings)
    micrograph = Micrograph(
        pixels=scene.pixels, calibration=Calibration(pixel_um=0.5, source="drawn"), path="scene.png"
    )
    found = threshold.segment(None, micrograph, chosen)
    others = [other.labels for _, other in found.alternatives()]
    n = len(found.classes)
    first = 0 if chosen.phase == "bright" else 1  # class 1 is the darkest of phase dark
    return [(labels - first) % n for labels in (found.labels, *others)], found.settings


def _overlap(one, other):
    return (one & other).sum() / (one | other).sum()


# ------------------------------------------------------------------------------------------------- three gray phases


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    "scene",
    [
        {},
        {"size_px": 40.0, "shape": (600, 800)},  # few large patches: they lie unevenly, which looks like shading
        {"shares": (0.08, 0.5)},
        {"noise": 18.0},
        {"vignette": 0.3},
    ],
    ids=["fine", "coarse", "few pores", "noisy", "vignetted"],
)
def test_three_evenly_lit_phases_are_told_apart(scene, seed):
    drawn = three_phases(seed, **scene)
    (ranks, *others), _ = _segmented(drawn, n_classes=3)
    for number, wanted in enumerate((0.96, 0.95, 0.95)):
        assert _overlap(ranks == number, drawn.classes == number) >= wanted
        shares = [100 * float((made == number).mean()) for made in (ranks, *others)]
        # ± 2 u with the half range of the alternatives as a rectangular distribution
        assert shares[0] == pytest.approx(drawn.percent(number), abs=max(0.05, 2 * half_range(shares)))


@pytest.mark.parametrize("seed", range(2))
def test_an_automatic_flat_field_never_mixes_the_classes(seed):
    drawn = three_phases(seed, size_px=30.0)
    as_it_is, _ = _segmented(drawn, n_classes=3, flat_field="off")
    automatic, found = _segmented(drawn, n_classes=3)
    assert found["separation"] > 0.9
    assert np.mean(automatic[0] == drawn.classes) >= np.mean(as_it_is[0] == drawn.classes) - 1e-3


def test_a_class_between_two_others_grows_and_shrinks_among_the_alternatives():
    drawn = three_phases(0)
    (ranks, lower, upper), _ = _segmented(drawn, n_classes=3)
    middle = [float((made == 1).mean()) for made in (lower, ranks, upper)]
    assert middle[0] > middle[1] > middle[2]


def test_a_blurred_edge_from_dark_to_bright_is_no_seam_of_the_gray_between():
    rows = np.repeat(np.arange(120) // 40 % 2, 1)[:, None].repeat(200, axis=1)  # dark, bright, dark bands
    classes = np.where(rows == 0, 0, 2).astype(np.uint8)
    classes[:, 150:] = 1
    gray = np.array([40.0, 110.0, 180.0])[classes]
    blurred = np.rint(gray)
    for _ in range(2):  # the edge passes through the gray of the middle class in one or two rows
        blurred[1:-1] = (blurred[:-2] + 2 * blurred[1:-1] + blurred[2:]) / 4
    scene = Scene(pixels=np.rint(blurred).astype(np.uint8), classes=classes)
    (ranks, *_), _ = _segmented(scene, n_classes=3, denoise_px=1)
    assert not (ranks[:, :146] == 1).any()
    assert (ranks[:, 154:] == 1).all()


# ------------------------------------------------------------------------------------ rims, relief, fine structure


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("rim_px", [2.5, 4.0, 6.0])
def test_a_bright_rim_neither_moves_the_share_of_pores_nor_blows_up_its_range(rim_px, seed):
    drawn = rimmed_pores(seed, rim_px)
    ranks, _ = _segmented(drawn)
    shares = [100 * float((made == 0).mean()) for made in ranks]
    assert shares[0] == pytest.approx(drawn.percent(0), rel=0.06)
    assert max(shares) - min(shares) < 0.15 * shares[0]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("width", [0.08, 0.11])
def test_a_network_that_is_all_relief_is_said_to_have_no_gray_of_its_own(width, seed):
    drawn = relief_network(seed, width=width)
    ranks, found = _segmented(drawn, phase="bright")
    assert found["own_gray"] < OWN_GRAY
    shares = [100 * float((made == 1).mean()) for made in ranks]
    assert shares[0] == pytest.approx(drawn.percent(1), abs=2 * half_range(shares))


@pytest.mark.parametrize("vignette", [0.0, 0.3])
@pytest.mark.parametrize("noise", [4.0, 12.0])
def test_two_phases_with_a_gray_each_have_one_of_their_own(noise, vignette):
    drawn = three_phases(1, shares=(0.3, 0.0), grays=(60, 60, 160), noise=noise, vignette=vignette)
    ranks, found = _segmented(drawn)
    assert found["own_gray"] > 2 * OWN_GRAY
    assert 100 * float((ranks[0] == 0).mean()) == pytest.approx(drawn.percent(0), abs=0.3)


@pytest.mark.parametrize("noise", [6.0, 18.0])
def test_a_class_between_two_levels_makes_a_hump(noise):
    found = _segmented(three_phases(2, noise=noise), n_classes=3)[1]
    assert found["own_gray"] > 2 * OWN_GRAY


def test_a_class_that_is_cut_out_of_a_slope_makes_none():
    # the bright tail of one phase, with another far from it
    gray = np.arange(256)
    histogram = 1e4 * np.exp(-gray / 40) + 3e3 * np.exp(-(((gray - 220) / 8) ** 2))
    assert own_gray_between(histogram, [70.0, 150.0]) <= 1.0
    hump = histogram + 4e3 * np.exp(-(((gray - 110) / 12) ** 2))
    assert own_gray_between(hump, [70.0, 150.0]) > 2


@pytest.mark.parametrize("method", ["auto", "otsu"])
@pytest.mark.parametrize(("pitch_px", "radius_px"), [(8, 2.4), (10, 3.7), (12, 3.3), (12, 4.5), (14, 5.2)])
def test_denoising_does_not_erase_dense_fine_structure(pitch_px, radius_px, method):
    pixels, percent = lattice(3, pitch_px, radius_px)
    scene = Scene(pixels=pixels, classes=np.zeros(pixels.shape, np.uint8))
    ranks, found = _segmented(scene, method=method)
    assert found["denoise_px"] <= 3
    shares = [100 * float((made == 0).mean()) for made in ranks]
    assert shares[0] == pytest.approx(percent, abs=2 * half_range(shares))
