"""Model folders: what is wrong with one is said in one line, before anything is loaded."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from known_networks import gray_model, gray_network
from safetensors.torch import load_file

from inspect_tool.errors import BackendError
from inspect_tool.files import load_model_card, plain, sha256_file
from inspect_tool.segmentation import unet
from inspect_tool.segmentation.networks.torch_network import TorchNetwork
from inspect_tool.segmentation.networks.unet import UNet
from inspect_tool.segmentation.networks.weights import (
    fitted,
    gray_range,
    load_weights,
    model_folder,
    normalized,
    save_model,
    shipped_names,
)


def test_a_model_comes_back_as_it_was_written(tmp_path):
    folder = gray_model(
        tmp_path / "gray",
        training=[{"name": "a set", "licence": "MIT", "images": 3}],
        scores={"IoU, unseen": 0.93},
        structure_px=[12.0, 80.0],
    )
    card, weights = load_weights(folder, "unet")
    assert card.training[0].licence == "MIT"
    assert card.scores == {"IoU, unseen": 0.93}
    assert card.structure_px == (12.0, 80.0)
    assert card.sha256 == sha256_file(folder / "weights.safetensors")
    expected = gray_network().state_dict()
    assert weights.keys() == expected.keys()
    for name, values in weights.items():
        assert values.dtype != np.float16
        np.testing.assert_allclose(values, expected[name].numpy(), rtol=1e-3, atol=1e-6)  # half precision on disk


def test_weights_that_were_changed_are_refused(tmp_path):
    folder = gray_model(tmp_path / "gray")
    path = folder / "weights.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(BackendError, match=r"weights\.safetensors: sha256 is .* model\.toml says .* was changed"):
        load_weights(folder)


def test_weights_that_are_missing_are_named(tmp_path):
    folder = gray_model(tmp_path / "gray")
    (folder / "weights.safetensors").unlink()
    with pytest.raises(BackendError, match=r"weights\.safetensors: no such file; model\.toml names it"):
        load_weights(folder)


def test_a_card_that_is_missing_or_wrong_is_named(tmp_path):
    folder = gray_model(tmp_path / "gray")
    text = (folder / "model.toml").read_text()
    (folder / "model.toml").write_text("licens = 1\n" + text)
    with pytest.raises(BackendError, match=r"model\.toml licens: unknown key"):
        load_model_card(folder)
    (folder / "model.toml").unlink()
    with pytest.raises(BackendError, match=r"gray has no model\.toml; a model is a folder"):
        load_model_card(folder)


def test_another_architecture_is_refused(tmp_path):
    folder = gray_model(tmp_path / "gray")
    with pytest.raises(BackendError, match=r"architecture: is 'unet', this backend uses 'stardist' models"):
        load_weights(folder, "stardist")


@pytest.mark.parametrize("name", ["model.pt", "model.pth", "a/b.ckpt"])
def test_a_pickle_is_refused_with_the_way_out(name):
    with pytest.raises(BackendError, match=r"can run code when they are loaded and are refused; .*save_file"):
        model_folder(name)


def test_a_card_cannot_name_a_pickle_or_a_file_elsewhere(tmp_path):
    folder = gray_model(tmp_path / "gray")
    text = (folder / "model.toml").read_text()
    for name in ("weights.pt", "../gray/weights.safetensors"):
        (folder / "model.toml").write_text(text.replace("weights.safetensors", name))
        with pytest.raises(BackendError, match=r"must name a \.safetensors file in this folder"):
            load_weights(folder)


def test_a_file_that_only_looks_like_weights_is_refused(tmp_path):
    folder = gray_model(tmp_path / "gray")
    (folder / "weights.safetensors").write_bytes(b"not weights at all")
    text = (folder / "model.toml").read_text()
    card = load_model_card(folder)
    (folder / "model.toml").write_text(text.replace(card.sha256, sha256_file(folder / "weights.safetensors")))
    with pytest.raises(BackendError, match=r"weights\.safetensors: not safetensors"):
        load_weights(folder)


def test_weights_that_are_not_numbers_are_refused(tmp_path):
    state = gray_network().state_dict()
    state["head.bias"] = torch.tensor([0.0, float("nan")])
    folder = gray_model(tmp_path / "gray")
    card = plain(load_model_card(folder))
    del card["sha256"]
    save_model(folder, card, state)
    with pytest.raises(BackendError, match=r"'head\.bias' holds values that are not finite numbers"):
        load_weights(folder)


def test_weights_of_another_network_are_refused(tmp_path):
    folder = gray_model(tmp_path / "gray")
    _, weights = load_weights(folder)
    with pytest.raises(BackendError, match=r"the weights do not fit the network of model\.toml: "):
        fitted(TorchNetwork(UNet(base=4, depth=1)), weights, folder)


def test_a_network_that_does_not_exist_is_refused(tmp_path):
    folder = gray_model(tmp_path / "gray", network={"bass": 16})
    with pytest.raises(BackendError, match=r"model\.toml network bass: unknown key; did you mean 'base'"):
        unet.load(unet.Settings(model=str(folder)))


def test_a_licence_that_forbids_commercial_use_is_kept(tmp_path):
    folder = gray_model(tmp_path / "gray", commercial=False, licence="CC BY-NC 4.0")
    settings = unet.Settings(model=str(folder))
    with pytest.raises(BackendError, match=r"licence 'CC BY-NC 4\.0' does not permit commercial use"):
        unet.load(settings)
    assert unet.load(replace(settings, commercial=False)).card.licence == "CC BY-NC 4.0"


def test_a_model_that_is_not_there_is_told_from_those_that_are():
    with pytest.raises(BackendError, match=r"model 'steel': no such folder, and none of the shipped models"):
        model_folder("steel")


def test_every_shipped_model_can_be_loaded_and_used_commercially():
    assert shipped_names()
    for name in shipped_names():
        card, weights = load_weights(model_folder(name))
        assert weights
        assert card.commercial
        assert card.training, f"{name}: the card must name the training data"
        assert all(data.licence for data in card.training)
        assert card.scores, f"{name}: the card must state scores"


def test_shipped_models_are_small():
    folders = [model_folder(name) for name in shipped_names()]
    assert sum(path.stat().st_size for folder in folders for path in folder.iterdir()) <= 30e6  # of the wheel


def test_writing_a_model_leaves_nothing_half_done(tmp_path):
    with pytest.raises(BackendError, match=r"model\.toml architecture: got 'vgg'"):
        gray_model(tmp_path / "gray", architecture="vgg")
    assert not list(tmp_path.iterdir())


def test_gray_values_are_normalized_by_percentiles_of_the_region():
    pixels = np.zeros((100, 101), np.uint8)
    pixels[:, :] = np.arange(101)
    assert gray_range(pixels, (1.0, 99.0)) == (1.0, 99.0)
    roi = np.zeros(pixels.shape, bool)
    roi[:, 50:] = True
    assert gray_range(pixels, (0.0, 100.0), roi) == (50.0, 100.0)
    made = normalized(np.array([[0, 50, 100, 250]], np.uint8), 50.0, 100.0)
    assert made.tolist() == [[-0.5, 0.0, 1.0, 1.5]]
    with pytest.raises(BackendError, match=r"constant \(gray value 7\)"):
        gray_range(np.full((10, 10), 7, np.uint8))


def test_safetensors_on_disk_are_half_the_size(tmp_path):
    stored = load_file(gray_model(tmp_path / "gray") / "weights.safetensors")
    assert {values.dtype for values in stored.values() if values.is_floating_point()} == {torch.float16}
