"""StarDist: folders of every layout, the choice among candidates, outlines and overlap, any size, refusals.

Expected weights are those that were written in the layout of Keras; choices are those of stardist's own function on
the whole; areas are those of circles and lenses; labels and area shares are those that were drawn. That the network
predicts what the original predicts is shown by benchmarks/stardist_equality.py, which needs TensorFlow.
"""

import hashlib
import json
import sys
from dataclasses import replace
from math import acos, pi, sin, sqrt

import cv2
import numpy as np
import pytest
from stardist_example import CONFIG

from inspect_tool import synthetic
from inspect_tool.errors import BackendError, SettingsError
from inspect_tool.files import checked
from inspect_tool.inspection.notebook import measure_fields
from inspect_tool.model import Calibration, Micrograph
from inspect_tool.pixels.bits import BitMask
from inspect_tool.pixels.stored import StoredImage

torch = pytest.importorskip("torch")
h5py = pytest.importorskip("h5py")
pytest.importorskip("stardist", reason="the extra 'stardist' is not installed")

from inspect_tool.segmentation import stardist as backend  # noqa: E402
from inspect_tool.segmentation.networks.runtime import OutOfMemoryError  # noqa: E402
from inspect_tool.segmentation.networks.stardist_net import StarDistNet  # noqa: E402
from inspect_tool.segmentation.networks.torch_network import TorchNetwork  # noqa: E402
from inspect_tool.segmentation.networks.weights import save_model  # noqa: E402
from inspect_tool.segmentation.stardist import agreement, suppression  # noqa: E402
from inspect_tool.segmentation.stardist import polygons as polygons  # noqa: E402
from inspect_tool.segmentation.stardist import stardist_folder as folders  # noqa: E402
from inspect_tool.validation import lookup  # noqa: E402

MODEL = "round_objects"
TINY = {"rays": 8, "grid": (2, 2), "depth": 1, "base": 4, "features": 6, "batch_norm": True}


def micrograph(pixels, **changes):
    pixels = pixels.copy()
    pixels.setflags(write=False)
    return Micrograph(pixels=pixels, calibration=Calibration(pixel_um=1.0, source="test"), path="field.tif", **changes)


def discs(shape, circles, gray=(190, 60)):
    """Dark discs on a light ground, edges of one pixel; the noise is always the same."""
    y, x = np.indices(shape)
    cover = np.zeros(shape)
    for row, column, radius in circles:
        cover = np.maximum(cover, np.clip(radius - np.hypot(y - row, x - column) + 0.5, 0, 1))
    noise = np.random.default_rng(0).normal(0, 2, shape)
    return np.clip(gray[0] + (gray[1] - gray[0]) * cover + noise, 0, 255).astype(np.uint8)


def network():
    """A tiny network whose weights, biases and normalization are all different."""
    torch.manual_seed(3)
    made = TorchNetwork(StarDistNet(**TINY))
    with torch.no_grad():
        for name, values in made.state_dict().items():
            if values.is_floating_point():
                values.copy_(torch.rand(values.shape) * 0.4 + (0.8 if "running_var" in name else -0.1))
    return made.eval()


def keras_layers(made):
    """Layers by the names Keras gives them, kernels turned; numbers do not begin at 0 and pass 9."""
    layers, norms, grids = {}, 9, 9
    for name, block in made.layers.named_children():
        block = dict(block.named_children())
        keras = name
        if name.startswith("grid_"):
            keras, grids = f"conv2d_{grids}", grids + 1
        layers[keras] = {
            "kernel": block["0"].weight.detach().numpy().transpose(2, 3, 1, 0),
            "bias": block["0"].bias.detach().numpy(),
        }
        if "1" in block:
            layers[f"batch_normalization_{norms}"] = {
                "gamma": block["1"].weight.detach().numpy(),
                "beta": block["1"].bias.detach().numpy(),
                "moving_mean": block["1"].running_mean.numpy(),
                "moving_variance": block["1"].running_var.numpy(),
            }
            norms += 1
    kernel, bias = made.head.weight.detach().numpy().transpose(2, 3, 1, 0), made.head.bias.detach().numpy()
    layers["prob"] = {"kernel": kernel[..., :1], "bias": bias[:1]}
    layers["dist"] = {"kernel": kernel[..., 1:], "bias": bias[1:]}
    return layers


def written(path, layers, layout="keras 3"):
    with h5py.File(path, "w") as file:
        root = file.create_group("model_weights") if layout == "whole model" else file
        if layout == "newer":
            for number, (name, parts) in enumerate(layers.items()):
                group = file.create_group(f"layers/layer_{number}/vars")
                group.attrs["name"] = name
                for k, values in enumerate(parts.values()):
                    group[str(k)] = values
            return
        root.attrs["layer_names"] = [name.encode() for name in layers]
        root.create_group("max_0").attrs["weight_names"] = []
        for name, parts in layers.items():
            for part, values in parts.items():
                root[f"{name}/{name}/{part}{':0' if layout == 'keras 2' else ''}"] = values


@pytest.fixture
def folder(tmp_path):
    """A folder as StarDist writes it."""
    made = tmp_path / "theirs"
    made.mkdir()
    (made / "config.json").write_text(json.dumps(CONFIG))
    (made / "thresholds.json").write_text('{"prob": 0.46, "nms": 0.3}')
    written(made / "weights_best.h5", keras_layers(network()))
    return made


@pytest.fixture(scope="module")
def exact():
    """The shipped model in single precision."""
    return backend.load(backend.Settings(model=MODEL, precision="fp32", engine="torch"))


def segmented(model, pixels, roi=None, **settings):
    settings = {"object_px": (10.0, 60.0), "model": MODEL} | settings
    return backend.segment(model, micrograph(pixels, roi=roi), backend.Settings(**settings))


# ------------------------------------------------------------------------------------------ folders of StarDist


@pytest.mark.parametrize("layout", ["keras 2", "keras 3", "whole model", "newer"])
def test_weights_of_every_layout_of_keras_give_the_same_network(folder, layout):
    original = network()
    written(folder / "weights_best.h5", keras_layers(original), layout)
    card, state = folders.read_folder(folder)
    again = TorchNetwork(StarDistNet(**card.network))
    again.load_state_dict({name: torch.from_numpy(values) for name, values in state.items()})
    image = torch.rand(1, 1, 32, 48, generator=torch.manual_seed(0))
    with torch.inference_mode():
        assert torch.equal(original(image), again.eval()(image))


def test_card_of_a_stardist_folder_says_what_the_folder_says(folder):
    model = backend.load(backend.Settings(model=str(folder), engine="torch"))
    assert (model.prob_threshold, model.nms_threshold) == (0.46, 0.3)
    assert model.card.licence == "not stated"
    assert model.card.normalization == (1.0, 99.8)
    result = backend.segment(model, micrograph(discs((64, 80), [(30, 40, 12)])), backend.Settings(model=str(folder)))
    assert result.settings["scales_from"] == "as it is; the model states no size"
    assert result.weights_sha256 == model.card.sha256


def test_folder_of_stardist_is_named_by_the_hash_of_its_weights(folder):
    """A job with such a folder was refused: 'has no model.toml'."""
    found = lookup.backend_of("particles", "stardist", backend, backend.Settings(model=str(folder)))
    assert found.weights_sha256 == hashlib.sha256((folder / "weights_best.h5").read_bytes()).hexdigest()


def test_thresholds_of_stardist_hold_where_the_folder_has_none(folder):
    (folder / "thresholds.json").unlink()
    assert folders.read_folder(folder)[0].settings == {"prob_threshold": 0.5, "nms_threshold": 0.4}


def refused(folder, match):
    with pytest.raises(BackendError, match=match):
        backend.load(backend.Settings(model=str(folder)))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"n_dim": 3}, r"config\.json n_dim: is 3; only StarDist 2D"),
        ({"backbone": "resnet"}, r"backbone: is 'resnet'"),
        ({"unet_kernel_size": [4, 4]}, r"unet_kernel_size: is \[4, 4\]; only odd"),
        ({"n_channel_in": 2}, r"n_channel_in: is 2; gray"),
        ({"unet_activation": "swish"}, r"unet_activation: is 'swish', must be one of relu"),
        ({"n_rays": 16}, r"layer 'prob and dist' has shape \(9, 6, 1, 1\), config.json asks for \(17, 6, 1, 1\)"),
        ({"unet_n_depth": 2}, r"has no 'kernel' of layer 'down_level_1_no_0'"),
    ],
)
def test_network_that_is_not_in_the_file_is_refused(folder, change, match):
    (folder / "config.json").write_text(json.dumps(CONFIG | change))
    refused(folder, match)


def test_damaged_folders_are_refused(folder):
    layers = keras_layers(network())
    spoilt = {**layers, "prob": {**layers["prob"], "bias": np.array([np.nan], np.float32)}}
    written(folder / "weights_best.h5", spoilt)
    refused(folder, r"weights_best\.h5: 'prob/bias' holds values that are not finite")
    (folder / "weights_best.h5").write_bytes(b"no weights")
    refused(folder, r"weights_best\.h5: is no HDF5 file")
    (folder / "weights_best.h5").unlink()
    refused(folder, r"needs weights_best\.h5 or one \.h5 file beside config\.json; there are: none")
    (folder / "config.json").write_text("{")
    refused(folder, r"config\.json: cannot be read")


def test_weights_with_another_hash_than_the_job_says_are_refused(folder):
    with pytest.raises(BackendError, match=r"weights_best\.h5: sha256 is .*the job says 00000000000"):
        backend.load(backend.Settings(model=str(folder), sha256="0" * 64))


def test_pickle_and_unknown_model_are_refused():
    refused("weights.pth", "can run code when they are loaded")
    refused("no such model", "model 'no such model': no such folder, and none of the shipped models")


def test_extra_that_is_not_installed_is_named(folder, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "h5py", None)
        refused(folder, r"needs the extra 'stardist': pip install 'inspect_tool\[stardist\]'")
    for name in ("stardist", "stardist.nms"):
        monkeypatch.setitem(sys.modules, name, None)
    refused(folder, r"backend 'stardist' needs the extra 'stardist'")


def test_polarity_of_a_stardist_folder_is_not_guessed(folder):
    settings = backend.Settings(model=str(folder), phase="bright", engine="torch")
    model = backend.load(settings)
    with pytest.raises(BackendError, match="does not say whether its objects are dark or bright"):
        backend.segment(model, micrograph(discs((64, 64), [(30, 30, 9)])), settings)


def test_color_model_needs_a_color_image(folder):
    (folder / "config.json").write_text(json.dumps(CONFIG | {"n_channel_in": 3}))
    color = network()
    color.layers.grid_0.add_module("0", torch.nn.Conv2d(3, 4, 3, padding=1))
    written(folder / "weights_best.h5", keras_layers(color))
    settings = backend.Settings(model=str(folder), engine="torch")
    model = backend.load(settings)
    pixels = discs((64, 64), [(30, 30, 9)])
    with pytest.raises(BackendError, match="needs a color image, this one is gray"):
        backend.segment(model, micrograph(pixels), settings)
    image = micrograph(pixels, color=np.repeat(pixels[..., None], 3, axis=2))
    assert backend.segment(model, image, settings).labels.shape == (64, 64)


# --------------------------------------------------------------------------------------- choice and outlines


def circles(rows, columns, radii, probability, rays=32):
    number = len(rows)
    return polygons.Stars(
        points=np.stack([rows, columns], axis=1).astype(np.float32),
        rays=np.repeat(np.asarray(radii, np.float32)[:, None], rays, axis=1),
        probability=np.asarray(probability, np.float32),
        level=np.zeros(number, np.int8),
    )


def blank(rows, columns):
    return np.zeros((rows, columns), np.int32)


def scattered(seed, number=3000, height=900):
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.uniform(0, height, number))
    return circles(rows, rng.uniform(0, 300, number), rng.uniform(4, 14, number), rng.permutation(number) / number)


def test_choice_is_that_of_stardist():
    from stardist.nms import non_maximum_suppression_sparse

    stars = scattered(1)
    points, probability, _, _ = non_maximum_suppression_sparse(
        stars.rays, stars.probability, stars.points, nms_thresh=0.4
    )
    mine = suppression.chosen(stars, 0.4)
    assert np.array_equal(mine.probability, probability)
    assert np.array_equal(mine.points, points)


def in_windows(stars, held):
    """The choice among candidates that come in parts of 50."""
    values = suppression.packed(stars)
    parts = [*suppression.parts_of(values, [50] * (len(stars) // 50) + [len(stars) % 50])]
    return suppression.chosen_of(parts, stars.rays.shape[1], 0.4, held=held)


@pytest.mark.parametrize("held", [350, 900])
def test_choice_in_windows_is_the_choice_at_once(held):
    stars = scattered(2)
    whole, cut = suppression.chosen(stars, 0.4), in_windows(stars, held)
    assert np.array_equal(whole.points, cut.points)
    assert np.array_equal(whole.probability, cut.probability)
    assert np.array_equal(whole.rays, cut.rays)


def test_what_follows_from_far_beyond_a_window_is_found():
    # each goes if the next one stays, so that the last of the row decides about the first
    row = circles(np.full(101, 20.0), 6.0 * np.arange(101), np.full(101, 5.0), np.arange(101) / 101)
    whole = suppression.chosen(row, 0.25)
    assert (whole.points[:, 1] % 12 == 0).all()
    assert len(whole) == 51
    values = suppression.packed(row)
    cut = suppression.chosen_of([*suppression.parts_of(values, [20] * 5 + [1])], 32, 0.25, held=40)
    assert np.array_equal(whole.points, cut.points)


def test_lower_threshold_leaves_the_choice_above_it_as_it_is():
    stars = scattered(3)
    low = suppression.chosen(stars, 0.4)
    high = suppression.chosen(stars[stars.probability > 0.6], 0.4)
    assert np.array_equal(low.probability[low.probability > 0.6], high.probability)


def test_coarser_scale_goes_first():
    stars = circles([50, 50], [50, 60], [40, 8], [0.7, 0.9])
    stars = replace(stars, level=np.array([1, 0], np.int8))
    assert suppression.chosen(stars, 0.4).rays.max(axis=1).tolist() == [40.0]


def test_area_of_a_circle():
    stars = circles([60.3], [60.7], [50.0], [0.9])
    smooth = polygons.drawn(stars, blank(121, 121), None, smooth=True).areas_px2[0]
    straight = polygons.drawn(stars, blank(121, 121), None, smooth=False).areas_px2[0]
    assert smooth == pytest.approx(pi * 50**2, rel=1e-3)
    # a regular polygon of n corners has n/2 sin(2 pi / n) of the squared radius
    assert straight == pytest.approx(32 / 2 * sin(2 * pi / 32) * 50**2, rel=1e-3)
    assert polygons.mean_diameters(stars)[0] == pytest.approx(100 * sqrt(32 / (2 * pi) * sin(2 * pi / 32)), rel=1e-5)


def test_objects_that_cover_one_another_keep_their_own_areas():
    r, d = 30.0, 40.0
    stars = circles([50.3, 50.3], [50.7, 50.7 + d], [r, r], [0.9, 0.6])
    found = polygons.drawn(stars, blank(100, 140), None, smooth=True)
    lens = 2 * r**2 * acos(d / (2 * r)) - d / 2 * sqrt(4 * r**2 - d**2)
    assert found.areas_px2 == pytest.approx([pi * r**2] * 2, rel=5e-3)
    assert found.visible_px2.tolist() == [np.count_nonzero(found.labels == n) for n in (1, 2)]
    assert found.areas_px2[0] == found.visible_px2[0]  # the more probable one has the common part
    assert found.areas_px2[1] - found.visible_px2[1] == pytest.approx(lens, rel=0.03)
    assert np.count_nonzero(found.labels) == pytest.approx(2 * pi * r**2 - lens, rel=5e-3)
    assert (found.covered, found.hidden) == (1, 0)


def test_object_of_which_nothing_is_left_is_counted_as_hidden():
    found = polygons.drawn(circles([50, 50], [50, 52], [30, 10], [0.9, 0.6]), blank(100, 100), None, smooth=True)
    assert (len(found.areas_px2), found.hidden, int(found.labels.max())) == (1, 1, 1)


# ---------------------------------------------------------------------------------------------------- scales


def test_scales_bring_all_sizes_into_the_range_of_the_training(exact):
    for smallest, largest in [(3, 20), (8, 70), (8, 300), (30, 1200), (200, 900), (4, 1500)]:
        scales = backend.scales_for(smallest, largest, (6, 80))
        assert largest * scales[-1] <= 80 or len(scales) == 3
        assert smallest * scales[0] >= 6 or len(scales) == 3
    with pytest.raises(BackendError, match=r"object_px = \[60.0, 10.0\]: must be diameters > 0 px"):
        segmented(exact, discs((64, 64), [(30, 30, 9)]), object_px=(60.0, 10.0))


def test_object_far_larger_than_what_the_network_sees_is_found_whole(exact):
    pixels = discs((420, 420), [(200, 200, 160), (30, 30, 14), (390, 395, 16)])
    found = segmented(exact, pixels, object_px=(25.0, 330.0))
    assert found.settings["scales"] == [1.0, 0.25, 0.0625]
    areas = np.sort(np.bincount(found.labels.ravel())[1:])
    assert areas[-3:] == pytest.approx([pi * 14**2, pi * 16**2, pi * 160**2], rel=0.1)
    assert len(areas) == 3


# ------------------------------------------------------------------------------------------- what scales agree on

SIZES = (6.0, 80.0)  # trained on [px]


def test_object_of_two_scales_is_kept_and_has_its_outline_from_the_finest_that_knows_its_size():
    fine, coarse = circles([100], [100], [41.0], [0.6]), circles([101], [99], [40.0], [0.9])
    coarser = circles([100], [102], [39.0], [0.9])
    found = agreement.agreed([(1.0, fine), (0.5, coarse), (0.25, coarser)], SIZES, 0.4)
    assert len(found) == 1
    # 82 px are too many for the finest scale, so its answer counts and its outline does not; expected at
    # two scales, found at three: a probability is at most 1
    assert found.rays[0, 0] == 40.0
    assert found.probability[0] == 1.0


def test_piece_that_one_scale_alone_sees_is_no_object():
    whole_fine, whole_coarse = circles([100], [100], [19.0], [0.6]), circles([100], [101], [19.5], [0.8])
    pieces = circles([90, 110, 200], [95, 108, 200], [9.0, 8.0, 12.0], [0.95, 0.9, 0.99])
    fine = polygons.joined([whole_fine, pieces], 32)
    found = agreement.agreed([(1.0, fine), (0.5, whole_coarse)], SIZES, 0.4)
    assert found.rays[:, 0].tolist() == [19.0]
    assert found.probability == pytest.approx([0.7])


def test_gap_that_grows_with_the_scale_agrees_with_nothing():
    levels = [(1 / 2**n, circles([100], [100], [10.0 * 2**n], [0.95])) for n in range(4)]
    assert len(agreement.agreed(levels, SIZES, 0.4)) == 0


def test_object_that_a_scale_should_see_and_does_not_is_less_probable():
    one, nothing = circles([100], [100], [20.0], [0.9]), polygons.none(32)
    three = agreement.agreed([(1.0, one), (0.5, one), (0.25, one)], SIZES, 0.4)
    two = agreement.agreed([(1.0, one), (0.5, one), (0.25, nothing)], SIZES, 0.4)
    assert three.probability == pytest.approx([0.9])
    assert two.probability == pytest.approx([0.6])  # 0.9, 0.9 and 0 over the three that hold 40, 20 and 10 px
    assert len(agreement.agreed([(1.0, nothing), (0.5, nothing)], SIZES, 0.4)) == 0


def test_weight_is_diameter_by_what_is_sure_and_round():
    stars = circles([50, 90], [50, 90], [10.0, 10.0], [0.9, 0.5])
    corner = 2 * pi / 32  # of a polygon of 32 corners
    area, around = 16 * sin(corner) * 10**2, 64 * sin(corner / 2) * 10
    expected = 2 * sqrt(area / pi) * 0.4**2 * (4 * pi * area / around**2) ** 4
    assert agreement.weight(stars, 0.5) == pytest.approx(expected, rel=1e-4)
    uneven = replace(stars, rays=stars.rays * np.where(np.arange(32) % 2, 1.0, 0.7).astype(np.float32))
    assert agreement.weight(uneven, 0.5) < 0.5 * expected


@pytest.mark.parametrize("turned", [False, True])
def test_polarity_and_scale_are_found(exact, turned):
    places = [(60 + 110 * i, 70 + 120 * j, 24 + 4 * ((i + j) % 6)) for i in range(4) for j in range(4)]
    pixels = discs((460, 500), places)
    made = backend.segment(exact, micrograph(255 - pixels if turned else pixels), backend.Settings(model=MODEL))
    assert made.settings["phase_used"] == ("bright" if turned else "dark")
    found = [int(made.labels[row, column]) for row, column, _ in places]
    assert sorted(set(found)) == list(range(1, len(places) + 1))  # each once, and nothing else
    areas = np.bincount(made.labels.ravel())[found]
    assert areas == pytest.approx([pi * radius**2 for _, _, radius in places], rel=0.1)


# --------------------------------------------------------------------------------------- any size, nothing lost


def packed():
    """Discs of several sizes side by side, many of them on the seams of small tiles."""
    return [(18 + 33 * i, 16 + 29 * j, 8 + (i + 2 * j) % 5) for i in range(7) for j in range(9)]


def test_discs_are_found_once_each_wherever_the_seams_are(exact):
    pixels, places = discs((250, 270), packed()), packed()
    for tile_px in (80, 1024):
        found = segmented(exact, pixels, tile_px=tile_px)
        assert found.settings["objects"] == len(places)
        at = [found.labels[row, column] for row, column, _ in places]
        assert len(set(at)) == len(places)
        assert 0 not in at
        areas = np.bincount(found.labels.ravel())[at]
        assert np.median(areas / [pi * r**2 for _, _, r in places]) == pytest.approx(1, abs=0.05)


def test_area_does_not_depend_on_the_tile_size(exact):
    field = synthetic.pores(seed=71, porosity_percent=8, mean_ecd_um=18, shape_px=(260, 300))
    pixels = synthetic.degrade(field.pixels, 2, seed=1)
    shares = {tile: float((segmented(exact, pixels, tile_px=tile).labels > 0).mean()) for tile in (128, 256, 1024)}
    assert max(shares.values()) - min(shares.values()) <= 1e-3 * min(shares.values())


def test_network_sees_no_further_than_it_says():
    made = network()
    image = torch.rand(1, 1, 96, 96, generator=torch.manual_seed(1))
    with torch.inference_mode():
        before = made(image)
        changed = image.clone()
        changed[:, :, 48, 48] += 10
        rows = np.nonzero((made(changed) != before).any(dim=1)[0].any(dim=1).numpy())[0] * 2
    assert rows.min() >= 48 - made.network.reach[0]
    assert rows.max() <= 48 + made.network.reach[0]


def test_same_image_gives_the_same_labels(exact):
    field = synthetic.pores(seed=72, porosity_percent=6, mean_ecd_um=20, shape_px=(200, 240))
    assert np.array_equal(segmented(exact, field.pixels).labels, segmented(exact, field.pixels).labels)


def spoilt(model, spoil):
    """The model with another answer for tiles that do not begin at the left edge."""
    calls = []

    def run(batch):
        made = model.predictor.run(batch)
        calls.append(1)
        return spoil(made) if len(calls) == 2 else made

    return replace(model, predictor=replace(model.predictor, run=run))


@pytest.mark.parametrize(
    ("spoil", "match"),
    [
        (lambda made: made * np.nan, r"tile at row 0, column 64: the network gives values that are not finite"),
        (lambda made: made * 0 + 0.25, r"tile at row 0, column 64: the network gives 0.25 for every pixel"),
    ],
)
def test_tile_without_an_answer_fails_with_its_place(exact, spoil, match):
    pixels = discs((100, 200), [(30, 40, 10), (60, 150, 10)])
    with pytest.raises(BackendError, match=match):
        segmented(spoilt(exact, spoil), pixels, tile_px=64)


def test_lack_of_device_memory_is_met_with_smaller_tiles_and_stated(exact):
    def run(batch):
        if batch.shape[2] > 400:
            raise OutOfMemoryError
        return exact.predictor.run(batch)

    pixels = discs((500, 300), [(100 + 150 * i, 150, 20) for i in range(3)])
    found = segmented(replace(exact, predictor=replace(exact.predictor, run=run)), pixels, tile_px=512)
    assert found.settings["tile_px"] == 256
    assert "too little memory" in found.settings["fallback"]
    assert np.array_equal(found.labels, segmented(exact, pixels, tile_px=256).labels)


@pytest.mark.parametrize("more", [{}, {"scale": 1.3}, {"object_px": (8.0, 400.0)}])
def test_objects_of_an_image_on_the_disk_are_those_of_the_image_in_memory(exact, tmp_path, monkeypatch, more):
    pixels = discs((250, 270), [*packed(), (190, 60, 55)])
    roi = np.indices(pixels.shape).sum(axis=0) > 60
    stored, held = StoredImage(pixels.shape, np.uint8, tmp_path), micrograph(pixels, roi=roi)
    stored[:] = pixels
    there = replace(held, pixels=stored, roi=BitMask(np.packbits(roi, axis=1), roi.shape))
    settings = backend.Settings(model=MODEL, tile_px=80, **more)
    whole = backend.segment(exact, held, settings)
    monkeypatch.setattr(polygons, "_STRIP_PX", 40 * pixels.shape[1])  # objects lie in several strips
    found = backend.segment(exact, there, settings)
    assert found.settings == whole.settings
    assert np.array_equal(found.labels, whole.labels)
    for (name, one), (other_name, other) in zip(whole.alternatives(), found.alternatives(), strict=True):
        assert (name, one.settings) == (other_name, other.settings)
        assert np.array_equal(one.labels, other.labels)


# ------------------------------------------------------------------------------------------------- the field


def test_porosity_through_the_backend_against_exact_truth(exact):
    errors = []
    for seed in (81, 82):
        field = synthetic.pores(seed=seed, porosity_percent=6, mean_ecd_um=22, shrinkage=0.1, shape_px=(320, 400))
        image = micrograph(synthetic.degrade(field.pixels, 1, seed=seed))
        settings = backend.Settings(model=MODEL)
        made = backend.segment(exact, image, settings)
        findings = measure_fields("porosity", [image], [made])
        value = next(result.value for result in findings.results if result.quantity == "porosity_percent")
        errors.append(value - field.truth["field.porosity_percent"])
        assert made.settings["scales_from"] == "agreement of scales a factor of 2 apart"
        assert made.settings["phase_used"] == "dark"
    assert np.abs(errors).max() <= 0.5


def test_touching_discs_are_told_apart(exact):
    places = [(40 + 36 * i, 40 + 36 * j, 18) for i in range(4) for j in range(5)]
    found = segmented(exact, discs((200, 230), places), object_px=(30.0, 40.0))
    assert len({int(found.labels[row, column]) for row, column, _ in places} - {0}) == len(places)


def test_bright_objects_are_dark_ones_turned_over(exact):
    pixels = discs((160, 200), [(40, 50, 15), (100, 140, 20), (120, 40, 10)])
    dark, bright = segmented(exact, pixels), segmented(exact, 255 - pixels, phase="bright")
    assert dark.settings["objects"] == 3
    assert (dark.labels != bright.labels).mean() < 1e-3  # the percentiles round otherwise
    assert bright.settings["inverted"] is True


def test_nothing_is_labeled_outside_the_region(exact):
    pixels = discs((160, 200), [(40, 50, 15), (100, 140, 20)])
    roi = np.zeros(pixels.shape, bool)
    roi[:, :50] = True
    labels = segmented(exact, pixels, roi=roi).labels
    assert not labels[~roi].any()
    assert np.count_nonzero(labels) == pytest.approx(pi * 15**2 / 2, rel=0.12)


def test_alternatives_are_other_thresholds_and_outlines_of_the_same_prediction(exact):
    field = synthetic.pores(seed=73, porosity_percent=8, mean_ecd_um=16, shape_px=(240, 300))
    image, settings = micrograph(field.pixels), backend.Settings(model=MODEL, object_px=(8.0, 50.0))
    made = backend.segment(exact, image, settings)
    kept = dict(made.alternatives())
    area = {name: np.count_nonzero(other.labels) for name, other in kept.items()}
    assert list(kept) == ["probability -", "probability +", "outline -", "outline +"]
    assert area["outline -"] < np.count_nonzero(made.labels) < area["outline +"]
    count = {name: other.settings["objects"] for name, other in kept.items()}
    assert count["probability +"] <= made.settings["objects"] <= count["probability -"]
    # half a pixel around the outlines: the boundary length of the true pores times half a pixel
    edge = cv2.findContours((made.labels > 0).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
    length = sum(cv2.arcLength(one, closed=True) for one in edge)
    assert area["outline +"] - area["outline -"] == pytest.approx(length, rel=0.15)
    again = dict(made.alternatives())
    assert all(np.array_equal(kept[name].labels, again[name].labels) for name in kept)


def test_constant_image_is_refused_and_an_empty_one_has_no_objects(exact):
    with pytest.raises(BackendError, match=r"field\.tif: the image is constant"):
        segmented(exact, np.full((64, 64), 90, np.uint8))
    nothing = segmented(replace(exact, prob_threshold=0.9999), discs((64, 64), []))
    assert not nothing.labels.any()
    assert nothing.settings["objects"] == 0


@pytest.mark.parametrize("name", ["prob_threshold", "nms_threshold"])
def test_threshold_out_of_range_is_refused(name):
    with pytest.raises(BackendError, match=f"{name} = 1.5: must lie between 0 and 1"):
        backend.load(backend.Settings(model=MODEL, **{name: 1.5}))


def test_settings_are_checked_by_name():
    with pytest.raises(SettingsError, match="threshhold"):
        checked(backend.Settings, {"threshhold": 0.5}, "job.toml", under="backend")


def test_our_folder_holds_any_network(tmp_path):
    card = {
        "name": "tiny",
        "version": "1",
        "title": "random",
        "architecture": "stardist",
        "network": {**TINY, "grid": [2, 2]},
        "classes": ("background", "pore"),
        "licence": "MIT",
        "commercial": False,
        "settings": {"prob_threshold": 0.5, "nms_threshold": 0.4},
    }
    made = network()
    save_model(tmp_path / "tiny", card, made.state_dict(), half=False)
    refused(tmp_path / "tiny", "does not permit commercial use")
    model = backend.load(backend.Settings(model=str(tmp_path / "tiny"), commercial=False, engine="torch"))
    image = torch.rand(1, 1, 16, 16, generator=torch.manual_seed(2))
    with torch.inference_mode():
        np.testing.assert_allclose(model.predictor.run(image.numpy()), made.answer(made(image)).numpy(), atol=1e-5)
    save_model(tmp_path / "tiny", card | {"commercial": True, "settings": {"prob_threshold": 2.0}}, made.state_dict())
    refused(tmp_path / "tiny", r"settings\.prob_threshold: got 2\.0, must lie between 0 and 1")
