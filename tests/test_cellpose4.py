"""Cellpose-SAM (cellpose >= 4): the real architecture with random weights, wired and refused as it must be.

Runs in an environment of its own, which `.ci/cellpose4` makes: this version needs torch and torchvision in their
default builds (several gigabytes) and cannot stand beside Cellpose 3.
"""

import socket
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import pytest

from inspect_tool import synthetic
from inspect_tool.errors import BackendError
from inspect_tool.model import Calibration, Micrograph


def installed():
    try:
        return version("cellpose")
    except PackageNotFoundError:
        return "none"


if int(installed().split(".")[0].replace("none", "0")) < 4:
    pytest.skip(
        f"cellpose >= 4 is not installed here (found: {installed()}); .ci/cellpose4 makes an environment that has it",
        allow_module_level=True,
    )

torch = pytest.importorskip("torch")

from inspect_tool.segmentation import cellpose as backend  # noqa: E402
from inspect_tool.segmentation.networks.weights import gray_range, load_weights, normalized, save_model  # noqa: E402

FIELD = synthetic.particles(seed=10**6, area_percent=45, mean_ecd_um=30, shape_px=(200, 240))
MICROGRAPH = Micrograph(
    pixels=FIELD.pixels, calibration=Calibration(pixel_um=1.0, source="stage micrometer"), path="field.tif"
)
LICENCE = "weights trained on data for non-commercial use"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Model folder converted from a weight file that Cellpose itself saved: the real network, random weights."""
    from cellpose import vit

    torch.manual_seed(0)
    network = vit.CPSAM()
    where = tmp_path_factory.mktemp("sam")
    network.save_model(where / "cpsam_random")
    card = backend.convert(where / "cpsam_random", where / "sam", licence=LICENCE, commercial=False, objects="particle")
    assert card.architecture == "cellpose4"
    assert card.network == {"ps": 8, "nout": 3, "bsize": 256}
    (where / "cpsam_random").unlink()
    return where / "sam"


@pytest.fixture(scope="module")
def model(folder):
    return backend.load(settings(folder))


def settings(folder, **changes):
    chosen = {"diameter_px": 30.0, "commercial": False, "device": "cpu", "flow_threshold": 0.0, "tile_batch": 1}
    return backend.Settings(model=str(folder), **{**chosen, **changes})


def test_a_commercial_job_is_refused(folder):
    with pytest.raises(BackendError, match=f"licence '{LICENCE}' does not permit commercial use.*commercial = false"):
        backend.load(settings(folder, commercial=True))


def test_weights_of_cellpose_3_are_refused(tmp_path):
    card = {
        "name": "three",
        "version": "1",
        "title": "of another version",
        "architecture": "cellpose3",
        "network": {"nbase": [2, 4], "nout": 3, "sz": 3},
        "classes": ("background", "object"),
        "licence": "MIT",
        "commercial": True,
    }
    save_model(tmp_path / "three", card, {"a": torch.zeros(1)})
    with pytest.raises(BackendError, match=r"is a model of Cellpose 3, installed is cellpose 4.*'cellpose>=3\.1,<4'"):
        backend.load(settings(tmp_path / "three", commercial=True))


def test_flows_are_those_of_cellpose_itself_and_nothing_is_downloaded(folder, model, monkeypatch):
    from cellpose import vit
    from cellpose.core import run_net

    def refuse(*_, **__):
        pytest.fail("a connection was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    kept = {}
    compute = backend.import_module("cellpose.dynamics").compute_masks

    def seen(flows, score, **options):
        kept["flows"] = np.concatenate([flows, score[None]])
        return compute(flows, score, **options)

    monkeypatch.setattr("cellpose.dynamics.compute_masks", seen)
    found = backend.segment(model, MICROGRAPH, settings(folder))
    assert found.labels.shape == FIELD.pixels.shape
    assert found.labels.dtype == np.int32
    assert found.coverage == 1.0
    assert found.settings["architecture"] == "cellpose4"
    assert found.settings["cellpose"] == installed()
    assert found.settings["commercial"] is False
    assert found.settings["licence"] == LICENCE

    theirs = vit.CPSAM()  # Cellpose's own network, called by Cellpose's own tiling
    theirs.load_state_dict({name: torch.from_numpy(values) for name, values in load_weights(folder)[1].items()})
    theirs.dtype = torch.bfloat16 if found.settings["precision"] == "bf16" else torch.float32
    image = np.zeros((*FIELD.pixels.shape, 3), np.float32)
    image[..., 0] = normalized(FIELD.pixels, *gray_range(FIELD.pixels))
    expected = run_net(theirs.eval(), image[None], batch_size=1, bsize=256)[0][0].transpose(2, 0, 1)
    # float16 keeps 11 bits
    assert np.abs(kept["flows"] - expected).max() <= 1e-3 * max(1.0, np.abs(expected).max())


def test_damaged_weights(folder, tmp_path):
    cut = tmp_path / "cut"
    cut.mkdir()
    (cut / "model.toml").write_bytes((folder / "model.toml").read_bytes())
    (cut / "weights.safetensors").write_bytes(b"\0" * 1000)
    with pytest.raises(BackendError, match="the file was changed"):
        backend.load(settings(cut))


def test_no_numbers_are_refused_with_their_place(folder, model):
    honest = model.network.run
    model.network.run = lambda batch: np.full((len(batch), 3, *batch.shape[2:]), np.nan, np.float32)
    try:
        with pytest.raises(BackendError, match=r"field\.tif: row 0, column 0: .* not finite numbers"):
            backend.segment(model, replace(MICROGRAPH), settings(folder))
    finally:
        model.network.run = honest
