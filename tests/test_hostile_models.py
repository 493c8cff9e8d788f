"""Model folders whose numbers, tensors or files lie: one line, before any memory is taken for what they ask."""

import hashlib
import json
import os
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from stardist_example import CONFIG as STARDIST

from inspect_tool.errors import BackendError
from inspect_tool.segmentation.networks import arguments as numbers
from inspect_tool.segmentation.networks import weights
from inspect_tool.segmentation.networks.unet import UNet
from inspect_tool.segmentation.networks.weights import shipped

ODD = [-1, 1.5, 10**7, 10**18, 1e300, "x", None, [], [0, 0], [3, 3, 3], {"a": 1}, float("nan"), float("inf")]


def one_line(found):
    assert len(str(found.value).splitlines()) == 1
    assert len(str(found.value)) < 700


def card(folder: Path, name: str, line: str, table: str = "") -> Path:
    """A shipped model with one line of its card changed."""
    made = folder / "model"
    shutil.copytree(shipped(name), made)
    text = (made / "model.toml").read_text(encoding="utf-8")
    key = line.split(" = ")[0]
    lines, inside = [], ""
    for old in text.splitlines():
        inside = old.strip("[]") if old.startswith("[") else inside
        if not (inside == table and old.split(" = ")[0] == key):
            lines.append(old)
    at = lines.index(f"[{table}]") + 1 if table else 0
    (made / "model.toml").write_text("\n".join([*lines[:at], line, *lines[at:]]) + "\n", encoding="utf-8")
    return made


@pytest.mark.parametrize(
    ("line", "table", "match"),
    [
        ("depth = 1000000", "network", r"network depth: got 1000000, must lie between 0 and 8"),
        ("base = 1000000000", "network", r"network base: got 1000000000, must lie between 1 and 512"),
        ("base = 0", "network", r"network base: got 0"),
        ("depth = 2.5", "network", r"network depth: got 2\.5"),
        ("depth = [4]", "network", r"network depth: got"),
        ("shiny = 3", "network", r"network shiny: unknown key"),
        ("classes = 7", "network", r"network\.classes: got 7, but 2 classes are named"),
        ('channels = "rgb"', "", r"network\.in_channels: got 1, but channels = 'rgb'"),
        ("normalization = [nan, 99.0]", "", r"normalization\.0: got nan"),
        ("normalization = [99.0, 1.0]", "", r"normalization: got \[99, 1\], must be two percentiles"),
        ("normalization = [-5.0, 120.0]", "", r"normalization: got \[-5, 120\]"),
        ("pixel_um = 0.0", "", r"pixel_um: got 0, no possible pixel size"),
        ("pixel_um = 1e-30", "", r"pixel_um: got 1e-30, no possible"),
        ("structure_px = [0.0, 0.0]", "", r"structure_px: got \[0\.0, 0\.0\]"),
    ],
)
def test_a_card_with_a_number_that_cannot_be(tmp_path, line, table, match):
    folder = card(tmp_path, "pores", line, table)
    with pytest.raises(BackendError, match=match) as found:
        weights.load_weights(folder, "unet")
    one_line(found)


@pytest.mark.parametrize("header", [b"", b"\1", struct.pack("<Q", 2**62) + b"{}", b"\x04\0\0\0\0\0\0\0abcd"])
def test_weights_whose_header_lies(tmp_path, header):
    folder = card(tmp_path, "pores", f'sha256 = "{hashlib.sha256(header).hexdigest()}"')
    (folder / "weights.safetensors").write_bytes(header)
    with pytest.raises(BackendError, match="not safetensors") as found:
        weights.load_weights(folder, "unet")
    one_line(found)


def test_the_widest_network_of_a_card_takes_no_memory_before_its_weights_fit(tmp_path):
    widest = UNet(**numbers.unet_arguments({"depth": 8, "base": 512, "widest": 4096}, "card"))
    few = {"encoder.0.0.weight": np.zeros((8, 1, 3, 3), np.float32)}
    with pytest.raises(BackendError, match=r"'encoder\.0\.0\.weight' has the shape \[8, 1, 3, 3\], the network"):
        weights.check_fit(widest, few, tmp_path)


@pytest.mark.parametrize("key", [key for key in STARDIST if key.startswith(("n_r", "grid", "unet", "net")) and key])
def test_a_configuration_of_stardist_is_refused_or_taken(key):
    names = {"rays": "n_rays", "grid": "grid", "depth": "unet_n_depth", "kernel": "unet_kernel_size"}
    own = {value: name for name, value in names.items()} | {
        "unet_n_filter_base": "base",
        "unet_n_conv_per_depth": "convolutions",
        "unet_pool": "pool",
        "unet_activation": "activation",
        "unet_last_activation": "last_activation",
        "unet_batch_norm": "batch_norm",
        "unet_expansion": "expansion",
        "net_conv_after_unet": "features",
    }
    for value in ODD:
        if own[key] == "expansion" and value == 1.5:
            continue  # can be
        if own[key].endswith("activation") and isinstance(value, str):
            continue  # a word: which ones there are, the network says
        with pytest.raises(BackendError, match="config") as found:
            numbers.stardist_arguments({own[key]: value}, "config", names)
        one_line(found)


@pytest.mark.parametrize("grid", [[0, 0], [3, 3], [32, 32]])
def test_a_grid_that_halving_never_reaches(grid):
    with pytest.raises(BackendError, match=r"grid: is .* only powers of 2 up to 16"):
        numbers.stardist_arguments({"grid": grid}, "config")


@pytest.fixture
def theirs(tmp_path):
    h5py = pytest.importorskip("h5py")
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(STARDIST))
    with h5py.File(folder / "weights_best.h5", "w") as file:
        file["down_level_0_no_0/down_level_0_no_0/kernel:0"] = np.ones((3, 3, 1, 4), np.float32)
        file["down_level_0_no_0/down_level_0_no_0/bias:0"] = np.ones(4, np.float32)
    return folder


def test_links_that_loop_are_followed_once(theirs):
    h5py = pytest.importorskip("h5py")
    from inspect_tool.segmentation.stardist.stardist_folder import read_layers

    with h5py.File(theirs / "weights_best.h5", "a") as file:
        file["down_level_0_no_0/again"] = file["/"]
        file["a"] = h5py.SoftLink("/b")
        file["b"] = h5py.SoftLink("/a")
        file["c"] = h5py.ExternalLink("/dev/zero", "/")
        file.create_group("down_level_0_no_1" + "/a" * 500)
    layers = read_layers(theirs / "weights_best.h5")
    assert {name: sorted(parts) for name, parts in layers.items()} == {"down_level_0_no_0": ["bias", "kernel"]}


@pytest.mark.parametrize("what", ["fill value", "chunks", "text", "table", "root", "bomb"])
def test_arrays_that_are_no_weights(theirs, what):
    h5py = pytest.importorskip("h5py")
    from inspect_tool.segmentation.stardist.stardist_folder import read_layers

    with h5py.File(theirs / "weights_best.h5", "a") as file:
        match what:
            case "fill value":
                file.create_dataset("x/kernel:0", shape=(2**40,), dtype="f4", fillvalue=1.0)  # 4 TiB
            case "chunks":
                file.create_dataset("x/kernel:0", (2**20, 2**20), "f4", chunks=(1024, 1024))[0, 0] = 1  # one is there
            case "text":
                file["x/kernel:0"] = "some text"
            case "table":
                file["x/kernel:0"] = np.zeros(3, [("a", "f4"), ("b", "i4")])
            case "root":
                file["model_weights"] = "no group"
            case "bomb":
                file.create_dataset("x/kernel:0", (2**28,), "f4", compression="gzip", fillvalue=0.0)[:4] = 1.0
    with pytest.raises(BackendError, match=r"no HDF5 file of weights that can be read: .* promises") as found:
        read_layers(theirs / "weights_best.h5")
    one_line(found)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_weights_that_are_a_pipe(theirs):
    pytest.importorskip("h5py")
    from inspect_tool.segmentation.stardist.stardist_folder import read_layers

    (theirs / "pipe.h5").unlink(missing_ok=True)
    os.mkfifo(theirs / "pipe.h5")
    with pytest.raises(BackendError, match="pipe"):
        read_layers(theirs / "pipe.h5")
