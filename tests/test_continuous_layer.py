"""A layer that runs through: two lines through probabilities, and a network that learns its sides."""

import cv2
import numpy as np
import pytest
import torch

from inspect_tool import synthetic
from inspect_tool.errors import SettingsError
from inspect_tool.model import Calibration, Micrograph
from inspect_tool.segmentation import unet
from inspect_tool.segmentation.networks.weights import equalized
from inspect_tool.segmentation.unet import continuous_layer, layer_edge, layer_gray
from inspect_tool.training import layer_pictures
from inspect_tool.training.request import Request
from inspect_tool.training.samples import Sample
from inspect_tool.training.train import train

SHAPE = (90, 160)
UPPER = 25 + np.arange(SHAPE[1]) // 8  # slopes by one row in eight columns
LOWER = UPPER + 30


def maps_of(upper, lower, shape=SHAPE, sure=1.0):
    """Probabilities of the sides of two interfaces; ``sure`` is that of the right class."""
    rows = np.arange(shape[0])[:, None]
    side = np.where(rows < upper, 0, np.where(rows < lower, 1, 2))
    return np.stack([np.where(side == k, sure, (1 - sure) / 2) for k in range(3)]).astype(np.float32)


def test_the_lines_are_those_of_the_probabilities():
    upper, lower = continuous_layer.interfaces(maps_of(UPPER, LOWER, sure=0.6), None)
    np.testing.assert_array_equal(upper, UPPER)
    np.testing.assert_array_equal(lower, LOWER)


def test_noise_that_turns_a_fifth_of_the_pixels_moves_a_line_by_less_than_a_pixel_on_average():
    maps = maps_of(UPPER, LOWER, sure=0.8)
    wrong = np.random.default_rng(0).random(SHAPE) < 1 / 5
    maps[:, wrong] = maps[[1, 2, 0]][:, wrong]
    upper, lower = continuous_layer.interfaces(maps, None)
    assert abs((upper - UPPER).mean()) < 1
    assert abs((lower - LOWER).mean()) < 1
    assert np.abs(np.diff(lower)).max() <= 4


def test_a_place_that_looks_like_no_interface_is_bridged():
    maps = maps_of(UPPER, LOWER)
    maps[:, :, 70:90] = maps_of(
        UPPER[70:90], np.full(20, 90), (90, 20), sure=0.55
    )  # faint: held to be layer down to the end
    faint = maps[:, 30:, 70:90]
    faint[:] = 1 / 3
    faint[2] += 1 / 6  # as likely below the interface as above it
    faint[:2] -= 1 / 12
    lower = continuous_layer.interfaces(maps, None)[1]
    np.testing.assert_allclose(lower[70:90], LOWER[70:90], atol=3)


def test_the_lower_line_does_not_cross_the_upper_one():
    maps = maps_of(UPPER, LOWER)
    maps[:, 5:15, 40:60] = np.array([0, 0, 1], np.float32)[:, None, None]  # held to lie below, above the layer
    upper, lower = continuous_layer.interfaces(maps, None)
    assert (lower >= upper).all()
    np.testing.assert_array_equal(lower[[0, -1]], LOWER[[0, -1]])


def test_outside_the_region_nothing_counts():
    maps = maps_of(UPPER, LOWER)
    inside = np.ones(SHAPE, bool)
    inside[:, 100:] = False
    maps[:, :, 100:] = maps_of(np.full(60, 2), np.full(60, 4), (90, 60))
    upper, lower = continuous_layer.interfaces(maps, inside)
    np.testing.assert_array_equal(upper[:100], UPPER[:100])
    layer = continuous_layer.between(upper, lower, SHAPE, inside)
    assert not layer[:, 100:].any()
    assert layer[:, 0].sum() == 30


# ------------------------------------------------------------------------------------------------- gray values


def picture_of(upper, lower, grays, noise=5.0, shape=SHAPE):
    rows = np.arange(shape[0])[:, None]
    side = np.where(rows < upper, 0, np.where(rows < lower, 1, 2))
    return np.clip(np.asarray(grays)[side] + np.random.default_rng(1).normal(0, noise, shape), 0, 255).astype(np.uint8)


def blurred(maps, width):
    return np.stack([cv2.GaussianBlur(one, (0, 0), width) for one in maps])


@pytest.mark.parametrize("off", [-6, 6])
@pytest.mark.parametrize(("step", "left"), [(10, 1.0), (5, 3.5)])
def test_gray_values_mend_an_interface_that_the_network_sees_6_rows_off(off, step, left):
    """The layer is ``step`` of 255 gray values darker than what lies below it, in noise of 5; ``left`` [rows] of 6."""
    pixels = picture_of(UPPER, LOWER, (200, 80, 80 + step))
    maps = blurred(maps_of(UPPER + 3, LOWER + off), 5.0)
    rough = continuous_layer.interfaces(maps, None)
    found = layer_gray.settled(pixels, maps, rough, None, 1 / 4)
    assert abs(abs((rough[1] - LOWER).mean()) - 6) < 1
    assert abs((found.lines[1] - LOWER).mean()) < left
    assert abs((found.lines[0] - UPPER).mean()) < 1  # of 3; the row whose gray is of both sides may go to either


def test_where_gray_values_say_nothing_the_network_decides():
    pixels = picture_of(UPPER, LOWER, (200, 80, 80))
    maps = blurred(maps_of(UPPER, LOWER), 5.0)
    found = layer_gray.settled(pixels, maps, continuous_layer.interfaces(maps, None), None, 1 / 4)
    assert abs((found.lines[1] - LOWER).mean()) < 1
    assert np.abs(found.lines[1] - LOWER).max() < 6


def test_a_gap_below_a_lifted_layer_is_none_of_it():
    """The network sees the interface in the middle of the gap; materials above and below it are of one gray."""
    pixels = picture_of(UPPER, LOWER, (200, 80, 80))
    rows = np.arange(SHAPE[0])[:, None]
    pixels[(rows >= LOWER) & (rows < LOWER + 10)] = 20
    maps = blurred(maps_of(UPPER, LOWER + 5), 5.0)
    found = layer_gray.settled(pixels, maps, continuous_layer.interfaces(maps, None), None, 1 / 4)
    assert abs((found.lines[1] - LOWER).mean()) < 1


def test_a_pore_below_a_layer_that_has_pores_is_none_of_it():
    """Layer and substrate are nearly of one gray and have dark pores both: those in the layer say nothing of others."""
    pixels = picture_of(UPPER, LOWER, (200, 80, 85))
    pixels[LOWER[0] - 18 : LOWER[0] - 10, 10:90] = 20  # in the layer
    pixels[LOWER[120] + 3 : LOWER[120] + 11, 110:126] = 20
    maps = blurred(maps_of(UPPER, LOWER, sure=0.8), 5.0)
    found = layer_gray.settled(pixels, maps, continuous_layer.interfaces(maps, None), None, 1 / 4)
    assert abs(found.lines[1] - LOWER)[105:131].max() <= 4


@pytest.mark.parametrize("off", [-6, -3, 0, 3, 6])
def test_a_line_off_a_step_that_no_column_shows_is_seen_along_it(off):
    """The layer is 30 rows thick, and as much darker than what lies below it as the noise of a pixel is."""
    pixels = picture_of(UPPER, LOWER, (200, 80, 90), noise=10)
    found = layer_edge.edge_off(pixels, (UPPER, LOWER + off), None)
    assert found == pytest.approx(abs(off) / (30 + off), abs=1.5 / 30)


def test_a_third_of_a_line_that_is_off_is_enough_and_a_region_hides_it():
    pixels = picture_of(UPPER, LOWER, (200, 80, 90), noise=10)
    lines = UPPER, LOWER - 6 * (np.arange(SHAPE[1]) < SHAPE[1] // 3)
    inside = np.ones(SHAPE, bool)
    assert layer_edge.edge_off(pixels, lines, inside) == pytest.approx(6 / 30, abs=1.5 / 30)
    inside[:, : SHAPE[1] // 3] = False
    assert layer_edge.edge_off(pixels, lines, inside) < 1.5 / 30


def test_where_both_sides_are_of_one_gray_no_step_says_otherwise():
    pixels = picture_of(UPPER, LOWER, (200, 80, 80), noise=10)
    assert layer_edge.edge_off(pixels, (UPPER, LOWER), None) == 0


def test_open_pores_are_no_layer_and_closed_ones_and_cracks_are():
    layer = np.zeros((120, 200), bool)
    layer[30:90] = True
    pixels = np.full(layer.shape, 90, np.uint8)
    pixels[:30] = 220
    pixels[30:45, 40:60] = 15  # open to what lies above
    pixels[50:65, 100:120] = 15  # closed
    pixels[30:90, 150:153] = 15  # a crack through the layer
    expected = layer.copy()
    expected[30:45, 40:60] = False
    found = layer_gray.without_open_pores(pixels, layer)
    assert (found != expected).sum() < 40  # corners of a rectangle that a disc does not reach
    dark = np.where(layer, 30, 200).astype(np.uint8) + np.random.default_rng(0).integers(0, 12, layer.shape, np.uint8)
    np.testing.assert_array_equal(layer_gray.without_open_pores(dark, layer), layer)  # a dark layer is no pore


def test_opinions_move_an_interface_as_far_as_it_is_unsure():
    """A probability that rises by 0.025 a row is 0.5 ± 0.3 at 12 rows to either side; gray values are alike."""
    share = np.clip(0.25 + 0.5 * (np.arange(SHAPE[0]) + 0.5 - 50) / 20, 0.02, 0.98)[:, None] * np.ones(SHAPE[1])
    above = (np.arange(SHAPE[0]) < 20)[:, None] * np.ones(SHAPE[1])
    below = np.where(above, 0, share)
    maps = np.stack([above, 1 - above - below, below]).astype(np.float32)
    pixels = picture_of(np.full(SHAPE[1], 20), np.full(SHAPE[1], 60), (200, 80, 80), noise=0)
    own = layer_gray.settled(pixels, maps, continuous_layer.interfaces(maps, None), None, 1.0)
    moved = {name: lower.mean() for name, (_, lower) in layer_gray.opinions(own, {1.0: maps}, None)}
    assert own.lines[1].mean() == pytest.approx(60, abs=0.6)
    assert moved["lower interface -"] == pytest.approx(48, abs=0.6)  # where it is 0.2
    assert moved["lower interface +"] == pytest.approx(72, abs=0.6)
    assert moved["shown as it is"] == pytest.approx(60, abs=0.6)


@pytest.mark.parametrize("off", [0, 10])
def test_gray_values_farther_off_contradict_a_line_that_those_beside_it_confirm(off):
    """The network is sure of an upper interface ``off`` rows inside a layer of 30: all that is beside it is layer."""
    pixels = picture_of(UPPER, LOWER, (200, 80, 120))
    maps = blurred(maps_of(UPPER + off, LOWER), 1.0)
    found = layer_gray.settled(pixels, maps, continuous_layer.interfaces(maps, None), None, 1 / 4)
    assert abs((found.lines[0] - UPPER).mean() - off) < 1
    assert abs((found.farther[0] - UPPER).mean()) < 1
    opinions = dict(layer_gray.opinions(found, {1.0: maps}, None))
    np.testing.assert_array_equal(opinions["gray values farther off"], found.farther)


def test_two_nearly_equal_grays_are_spread():
    """Three grays of 40, 30 and 30 % of the pixels, the first two 1 % of the range apart."""
    image = np.repeat(np.float32([0.40, 0.41, 1.0]), [40, 30, 30]).reshape(10, 10)
    found = equalized(image)
    assert np.unique(found) == pytest.approx([0.2, 0.55, 0.85])
    inside = image < 0.9
    assert np.unique(equalized(image, inside)[inside]) == pytest.approx([20 / 70, 55 / 70])


# ------------------------------------------------------------------------------------------------------ pictures


def sample_of(pixels, layer, name="a.png"):
    return Sample(
        name=name,
        image=np.asarray(pixels, np.float32)[..., None],
        target=layer.astype(np.int32),
        image_sha256="",
        mask_sha256="",
    )


def test_a_mask_becomes_above_layer_and_below():
    layer = np.zeros((50, 60), bool)
    layer[20:30] = True
    layer[22:24, 10:14] = False  # a pore, upper half
    found = layer_pictures.prepared(sample_of(np.linspace(0, 1, 3000).reshape(50, 60), layer)).target
    assert (found[:20] == 0).all()
    assert (found[30:] == 2).all()
    assert (found[22:24, 10:14] == 0).all()
    layer[:, :20] = False
    with pytest.raises(SettingsError, match=r"a\.png: the mask shows the layer in 67 % of the columns"):
        layer_pictures.prepared(sample_of(np.zeros((50, 60)), layer))


def test_a_changed_picture_fits_its_target():
    """Grays 0.9, 0.4 and 0.6 of the sides; what is drawn may shift them by 0.05, and paints pores and gaps dark."""
    grays = np.array([0.9, 0.4, 0.6])
    target = np.repeat([0, 1, 2], [40, 20, 60])[:, None] * np.ones(100, np.int32)
    image = grays[target].astype(np.float32)
    image[:4] = 0.02
    thick, gaps = [], 0
    for seed in range(40):
        made, sides = layer_pictures.changed(image[..., None], target, np.random.default_rng(seed), 96)
        gray = made[..., 0]
        for side in (1, 2):
            seen = gray[(sides == side) & (gray > 0.2)]
            assert len(seen) == 0 or abs(np.median(seen) - grays[side]) < 0.2
        assert (np.diff(np.where(gray > 0.2, sides, 0).max(axis=1)) >= -2).all()
        thick.append((sides == 1).sum(axis=0).mean())
        last = 95 - (sides == 1)[::-1].argmax(axis=0)
        under = gray[np.minimum(last + 2, 95), np.arange(96)]
        gaps += bool((under < 0.2).mean() > 0.8)
    assert max(thick) / min(thick) > 2
    assert 2 <= gaps <= 16  # some lie off what is below them


# ------------------------------------------------------------------------------------------------------ learning


def drawn_coating(seed, lifted=0, thickness_um=34.0):
    """A layer hardly darker than what lies below it; ``lifted``: a dark gap between the two. [px]"""
    field = synthetic.layer(
        seed=seed,
        thickness_um=thickness_um,
        shape_px=(160, 200),
        pixel_um=1.0,
        gray=(0.85, 0.40, 0.44),
        pores=200,
        scratches=0,
        texture=0.01,
        waviness_um=4.0,
    )
    pixels, layer = field.pixels.copy(), field.labels == 1
    if lifted:
        last = 160 - layer[::-1].argmax(axis=0)
        rows = np.arange(160)[:, None]
        pixels = np.where(rows < last, pixels, np.roll(pixels, lifted, axis=0))
        pixels[(rows >= last) & (rows < last + lifted)] = 20
    return pixels, layer, field.truth["field.mean_thickness_um.layer"]


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("coatings")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    for seed in range(4):
        pixels, layer, _ = drawn_coating(seed, thickness_um=26 + 5 * seed)
        cv2.imwrite(str(folder / f"c{seed}.png"), pixels)
        cv2.imwrite(str(folder / f"c{seed}_mask.png"), layer.astype(np.uint8) * 255)
    asked = Request(
        recipe="layer_thickness",
        images=tuple(str(folder / f"c{seed}.png") for seed in range(4)),
        masks=(str(folder / "*_mask.png"),),
        out=folder / "coating",
        from_scratch=True,
        continuous=True,
        reduce=2.0,
        network={"base": 6, "depth": 4, "widest": 24},
        steps=90,
        every=45,
        batch=4,
        size_px=64,
        rate=8e-3,
        validation=("c1.png",),
    )
    found = train(asked)
    torch.set_num_threads(before)
    return found


@pytest.mark.parametrize("lifted", [0, 9])
def test_a_layer_of_a_picture_nobody_saw_is_as_thick_as_it_was_drawn(learned, lifted):
    pixels, _, truth = drawn_coating(7, lifted)
    image = Micrograph(pixels=pixels, calibration=Calibration(pixel_um=None), path="unseen")
    settings = unet.Settings(model=str(learned.folder), engine="torch")
    found = unet.segment(unet.load(settings), image, settings)
    assert found.classes == {0: "rest", 1: "layer"}
    assert found.settings["scale"] == 0.5  # as its training
    assert max(found.told.sizes_apart, found.told.grays_apart) < 0.2
    assert found.told.edge_off < 0.1
    assert (found.labels == 1).sum(axis=0).mean() == pytest.approx(truth, rel=0.06)
    names = [name for name, _ in found.alternatives()]
    assert len(names) == 10
    assert "shown smaller" in names


def test_the_card_says_what_was_learned(learned):
    assert learned.card.classes == ("above", "layer", "below")
    assert learned.card.settings == {"equalized": True, "reduced": 2.0}


def test_a_layer_needs_two_classes_and_starts_from_nothing(tmp_path):
    given = {"recipe": "layer_thickness", "images": ("a",), "masks": ("b",), "out": tmp_path / "m", "continuous": True}
    with pytest.raises(SettingsError, match="--continuous: no shipped model knows the sides of a layer"):
        train(Request(**given))
    with pytest.raises(
        SettingsError, match="--continuous: one layer and the rest are learned, two classes; got a, b, c"
    ):
        train(Request(**given, from_scratch=True, classes=("a", "b", "c")))
