"""The U-Net backend on networks whose answer is known."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from known_networks import STEEP, gray_model

from inspect_tool import synthetic
from inspect_tool.errors import BackendError
from inspect_tool.model import Calibration, Micrograph
from inspect_tool.segmentation import unet
from inspect_tool.segmentation.networks import runtime
from inspect_tool.segmentation.unet import prediction


@pytest.fixture(scope="module")
def gray(tmp_path_factory):
    return gray_model(tmp_path_factory.mktemp("models") / "gray")


def micrograph(pixels, pixel_um=1.0, **more):
    return Micrograph(pixels=pixels, calibration=Calibration(pixel_um=pixel_um, source="test"), path="a.tif", **more)


def segmented(folder, image, *, engine="torch", **settings):
    chosen = unet.Settings(model=str(folder), engine=engine, **settings)
    model = unet.load(chosen)
    return model, chosen, unet.segment(model, image, chosen)


def test_every_pixel_gets_the_class_that_the_network_gives_it(gray):
    pixels = np.random.default_rng(0).integers(0, 256, (333, 451)).astype(np.uint8)
    _, _, found = segmented(gray, micrograph(pixels), precision="fp32")
    np.testing.assert_array_equal(found.labels, pixels >= 128)
    assert found.labels.dtype == np.uint8
    assert found.kind == "semantic"
    assert found.classes == {0: "dark", 1: "bright"}
    assert found.coverage == 1.0
    assert len(found.weights_sha256) == 64


def test_the_area_is_that_of_the_synthetic_truth(gray):
    field = synthetic.two_phase(area_percent=30, feature_um=8, shape_px=(512, 640), pixel_um=0.5, seed=4)
    _, _, found = segmented(gray, micrograph(field.pixels))
    share = np.mean(field.labels == 1)
    dark = np.mean(found.labels == 0)
    assert min(abs(dark - share), abs(1 - dark - share)) < 0.002  # either phase may be the dark one


@pytest.mark.parametrize("tile_px", [256, 1024])
def test_the_size_of_a_tile_does_not_matter(gray, tile_px):
    field = synthetic.two_phase(area_percent=30, feature_um=8, shape_px=(700, 900), pixel_um=0.5, seed=5)
    image = micrograph(synthetic.degrade(field.pixels, 2, seed=1))
    _, _, usual = segmented(gray, image)
    _, _, other = segmented(gray, image, tile_px=tile_px)
    np.testing.assert_array_equal(usual.labels, other.labels)


def test_the_same_image_gives_the_same_labels(gray):
    pixels = np.random.default_rng(1).integers(0, 256, (300, 300)).astype(np.uint8)
    first, second = (segmented(gray, micrograph(pixels))[2].labels for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_outside_the_region_there_is_nothing_and_it_does_not_count(gray):
    pixels = np.full((200, 200), 40, np.uint8)
    pixels[:, 60:] = 80  # bright among what counts
    pixels[:, 150:] = 255  # mount
    roi = np.zeros(pixels.shape, bool)
    roi[:, :150] = True
    _, _, found = segmented(gray, micrograph(pixels, roi=roi))
    assert not found.labels[:, 150:].any()
    assert found.labels[:, 70:150].all()
    assert not found.labels[:, :50].any()


def test_alternatives_are_shifted_probabilities(gray):
    pixels = np.tile(np.arange(256, dtype=np.uint8), (64, 1))
    _, _, found = segmented(gray, micrograph(pixels), precision="fp32")
    made = dict(found.alternatives())
    assert list(made) == ["probability of bright -", "probability of bright +"]
    # a probability p is at the gray value 0.5 + ln(p / (1 - p)) / slope of the full range
    for name, p in (("probability of bright -", 0.7), ("probability of bright +", 0.3)):
        expected = 255 * (0.5 + np.log(p / (1 - p)) / STEEP)
        assert np.count_nonzero(made[name].labels[0]) == pytest.approx(256 - expected, abs=1.5)


def test_alternatives_are_the_same_each_time_they_are_made(gray):
    pixels = np.random.default_rng(2).integers(0, 256, (150, 150)).astype(np.uint8)
    _, _, found = segmented(gray, micrograph(pixels))
    once, again = ([other.labels for _, other in found.alternatives()] for _ in range(2))
    for one, other in zip(once, again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_image_is_brought_to_the_scale_of_the_training(tmp_path):
    folder = gray_model(tmp_path / "gray", pixel_um=1.0)
    field = synthetic.two_phase(area_percent=30, feature_um=8, shape_px=(400, 400), pixel_um=0.5, seed=6)
    _, _, found = segmented(folder, micrograph(field.pixels, 0.5))
    assert found.settings["scale"] == 0.5
    assert found.settings["scale_from"] == "0.5 um/px against 1 um/px of the training"
    assert found.labels.shape == field.pixels.shape
    direct = cv2.resize(field.pixels, (200, 200), interpolation=cv2.INTER_AREA)
    half = (int(field.pixels.min()) + int(field.pixels.max())) / 2  # 0.5 of the range at the scale of the image
    assert np.mean(found.labels) == pytest.approx(np.mean(direct > half), abs=0.002)
    _, _, same = segmented(folder, micrograph(field.pixels, 1.02))
    assert same.settings["scale"] == 1.0
    with pytest.raises(BackendError, match=r"a\.tif: 0\.1 um/px is 0\.1 times the 1 um/px .* was trained at"):
        segmented(folder, micrograph(field.pixels, 0.1))


def test_the_mean_of_eight_views_treats_all_directions_alike():
    seen = []

    def slanted(batch):  # answers with the gray value of the pixel above, as a network with a preference might
        seen.append(batch.shape)
        return np.roll(batch, 1, axis=2)

    pixels = np.zeros((1, 1, 5, 7), np.float32)
    pixels[0, 0, 2, 3] = 8
    made = prediction.averaged(slanted, pixels)[0, 0]
    expected = np.zeros((5, 7))
    expected[[1, 3, 2, 2], [3, 3, 2, 4]] = 2
    np.testing.assert_allclose(made, expected)
    assert sorted(seen) == [(1, 1, 5, 7)] * 4 + [(1, 1, 7, 5)] * 4


def test_a_card_asks_for_eight_views(tmp_path):
    folder = gray_model(tmp_path / "gray", settings={"eight_views": True})
    pixels = np.random.default_rng(0).integers(0, 256, (60, 91)).astype(np.uint8)
    _, _, found = segmented(folder, micrograph(pixels), precision="fp32")
    np.testing.assert_array_equal(found.labels, pixels >= 128)
    assert found.settings["eight_views"]


def test_a_card_asks_for_single_precision_unless_the_job_says_another(monkeypatch):
    asked = []
    monkeypatch.setattr(runtime, "predictor", lambda *_, precision, **_more: asked.append(precision))
    for settings in (
        unet.Settings(model="solder_voids"),
        unet.Settings(model="solder_voids", precision="bf16"),
        unet.Settings(model="pores"),
    ):
        unet.load(settings)
    assert asked == ["fp32", "bf16", "auto"]


def test_more_than_two_classes_take_the_most_probable_one(tmp_path):
    folder = gray_model(tmp_path / "three", classes=["dark", "bright", "none"])
    pixels = np.random.default_rng(0).integers(0, 256, (64, 80)).astype(np.uint8)
    _, _, found = segmented(folder, micrograph(pixels), precision="fp32")
    # class 2 has score 0 as class 0: the first of equals is taken
    np.testing.assert_array_equal(found.labels, np.where(pixels >= 128, 1, 0))
    names = [name for name, _ in found.alternatives()]
    assert names == [
        "probability of bright -",
        "probability of bright +",
        "probability of none -",
        "probability of none +",
    ]


def test_a_color_model_sees_a_gray_image_as_three_equal_colors(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (100, 120)).astype(np.uint8)
    folder = gray_model(tmp_path / "color", channels="rgb", network={"in_channels": 3, "base": 2, "depth": 1})
    _, _, gray_image = segmented(folder, micrograph(pixels), precision="fp32")
    np.testing.assert_array_equal(gray_image.labels, pixels >= 128)
    color = np.zeros((100, 120, 3), np.uint8)
    color[..., 0] = pixels  # the network looks at red
    color[0, 0] = 255
    _, _, color_image = segmented(folder, micrograph(255 - pixels, color=color), precision="fp32")
    np.testing.assert_array_equal(color_image.labels[1:], pixels[1:] >= 128)


def test_a_constant_image_is_an_error(gray):
    with pytest.raises(BackendError, match=r"a\.tif: the image is constant \(gray value 9\)"):
        segmented(gray, micrograph(np.full((64, 64), 9, np.uint8)))


def test_a_full_device_means_smaller_tiles_and_then_the_cpu(gray):
    pixels = np.random.default_rng(0).integers(0, 256, (600, 600)).astype(np.uint8)
    model, settings, expected = segmented(gray, micrograph(pixels), precision="fp32")
    asked = []

    def small(batch, most):
        asked.append(batch.shape[-1])
        if batch.shape[-1] > most:
            raise runtime.OutOfMemoryError
        return model.predictor.run(batch)

    for most, tile, said in ((256, 256, "tiles of 256 px: the device"), (0, 128, "CPU for some tiles")):
        device = replace(model.predictor, device="cuda", run=lambda batch, most=most: small(batch, most))
        found = unet.segment(replace(model, predictor=device), micrograph(pixels), settings)
        np.testing.assert_array_equal(found.labels, expected.labels)
        assert found.settings["tile_px"] == tile
        assert found.settings["fallback"].startswith(said)
    assert asked[:3] == [1024, 512, 256]


def test_a_network_without_weights_is_refused(gray, tmp_path):
    larger = gray_model(tmp_path / "larger")
    card = (gray / "model.toml").read_text()
    assert "base = 2" in card
    (larger / "model.toml").write_text(card.replace("base = 2", "base = 3"))
    with pytest.raises(
        BackendError,
        match=r"weights do not fit the network of model\.toml: 'encoder\.0\.0\.weight' has the shape \[2, 1, 3, 3\], "
        r"the network has the shape \[3, 1, 3, 3\]",
    ):
        unet.load(unet.Settings(model=str(larger)))
    (larger / "model.toml").write_text(card.replace("depth = 1", "depth = 2"))
    with pytest.raises(
        BackendError, match=r"'encoder\.2\.0\.weight' has none, the network has the shape \[8, 4, 3, 3\]"
    ):
        unet.load(unet.Settings(model=str(larger)))
