"""Backend ``maskrcnn`` with torchvision: detections are torchvision's own; loaded, refused and run as it must be.

Runs where torchvision fits the installed torch; `.ci/cellpose4` makes an environment that has both.
"""

import socket
import sys
from dataclasses import replace

import numpy as np
import pytest

from inspect_tool import synthetic
from inspect_tool.errors import BackendError
from inspect_tool.model import Calibration, Micrograph
from inspect_tool.segmentation import maskrcnn as backend
from inspect_tool.segmentation.maskrcnn import network as networks
from inspect_tool.segmentation.maskrcnn.painting import patch
from inspect_tool.segmentation.networks.arguments import MaskRCNNArguments
from inspect_tool.segmentation.networks.weights import save_model
from inspect_tool.training.metrics import match, object_pairs

try:
    import torch
    import torchvision
except (ImportError, RuntimeError) as error:
    pytest.skip(
        f"torchvision cannot be used here ({str(error).splitlines()[0]}); .ci/cellpose4 makes an environment with it",
        allow_module_level=True,
    )

TINY = {"widths": [16, 16, 24], "blocks": 1, "features": 16, "hidden": 32, "mask_layers": 1}
LICENCE = "weights of a test"


def card(name, **changes):
    return {
        "name": name,
        "version": "1",
        "title": "of a test",
        "architecture": "maskrcnn",
        "network": TINY,
        "classes": ("background", "particle"),
        "licence": LICENCE,
        "commercial": True,
        "structure_px": (8.0, 110.0),
        **changes,
    }


def picture(shape=(150, 190)):
    rng = np.random.default_rng(4)
    made = rng.normal(90, 12, shape)
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    for row, column, radius in ((30, 40, 14), (32, 62, 12), (90, 120, 22), (120, 40, 9), (60, 170, 11)):
        made[(rows - row) ** 2 + (columns - column) ** 2 < radius**2] += 70
    return np.clip(made, 0, 255).astype(np.uint8)


MICROGRAPH = Micrograph(pixels=picture(), calibration=Calibration(source="ratio only"), path="field.tif")


def selective(network, image, share):
    """Give random weights opinions: a share of the places is proposed, and scores spread around one half."""
    with torch.no_grad():
        for part in network.modules():
            if isinstance(part, torch.nn.BatchNorm2d):  # without statistics values grow beyond all bounds
                part.momentum = None
        mean, spread = (
            torch.tensor(numbers)[:, None, None]
            for numbers in (network.transform.image_mean, network.transform.image_std)
        )
        image = (image - mean) / spread
        network.backbone.train()(image)
        network.eval()
        features = network.backbone(image)
        head = network.rpn.head
        scores = torch.cat([level.flatten() for level in head(list(features.values()))[0]])
        wanted = torch.logit(torch.tensor(networks.LEAST_PROPOSAL))
        head.cls_logits.weight /= scores.std()
        head.cls_logits.bias += (
            wanted - (torch.quantile(scores, 1 - share) - head.cls_logits.bias.mean()) / scores.std()
        )
        network.roi_heads.box_predictor.cls_score.weight *= 20
        network.roi_heads.mask_predictor.mask_fcn_logits.weight *= 5
    return network


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Model folder of a small network with random weights."""
    torch.manual_seed(3)
    made = tmp_path_factory.mktemp("maskrcnn") / "tiny"
    seen = torch.from_numpy(MICROGRAPH.pixels / np.float32(255))[None, None]
    save_model(made, card("tiny"), selective(networks.build(MaskRCNNArguments(**TINY)), seen, 0.03).state_dict())
    return made


def settings(folder, **changes):
    chosen = {"device": "cpu", "score_threshold": 0.52, "scale": 1.0, **changes}
    return backend.Settings(model=str(folder), **chosen)


def one_line(found):
    assert len(str(found.value).splitlines()) == 1


# ---------------------------------------------------------------------------------------- against torchvision


@pytest.mark.parametrize("body", ["narrow", "resnet50_fpn", "resnet50_fpn_v2"])
def test_detections_are_those_of_torchvision_itself(body):
    """Its own pipeline, with its limit of 100 detections lifted, on an image that it does not resize."""
    torch.manual_seed(0)
    narrow = body == "narrow"
    arguments = MaskRCNNArguments(**TINY) if narrow else MaskRCNNArguments(body=body, in_channels=3)
    network = networks.build(arguments)
    image = torch.rand(3 if not narrow else 1, 96, 128)
    selective(network, image[None], 0.2)
    networks.prepare(network, score=0.0, nms=0.5)
    network.transform.min_size, network.transform.max_size = (96,), 128
    network.transform.postprocess = lambda result, *_: result  # masks as they are, before they are painted
    with torch.no_grad():
        theirs = {name: value.numpy() for name, value in network([image])[0].items()}
    ours = networks.detected(network, image[None].numpy(), inclusive=not narrow)
    assert len(ours) == len(theirs["scores"]) > 100
    assert ours.scores == pytest.approx(theirs["scores"], abs=1e-5)
    outward = np.array([-0.5, -0.5, 0.5, 0.5]) if not narrow else np.where(theirs["boxes"] <= 0, -0.5, 0)
    assert ours.boxes == pytest.approx(theirs["boxes"] + outward, abs=1e-2)
    assert ours.masks / 255 == pytest.approx(theirs["masks"][:, 0], abs=0.01)


def test_masks_are_painted_where_torchvision_paints_them():
    """It cuts positions to whole pixels: boxes are compared for which there is nothing to cut."""
    from torchvision.models.detection.roi_heads import paste_masks_in_image

    at = (np.arange(networks.CELLS) + 0.5) / (networks.CELLS / 2) - 1
    mask = np.rint(255 / (1 + np.exp(20 * (np.hypot(at[:, None], at) - 0.9)))).astype(np.uint8)
    for box in ([20.0, 30.0, 48.0, 58.0], [5.0, 8.0, 61.0, 64.0]):
        inclusive = np.array(box, np.float32) + np.array([-0.5, -0.5, 0.5, 0.5], np.float32)
        rows, columns, inside = patch(inclusive, mask, (96, 128), 0.5)
        mine = np.zeros((96, 128), bool)
        mine[rows, columns] = inside
        given = torch.from_numpy(mask / np.float32(255))[None, None]
        theirs = paste_masks_in_image(given, torch.tensor([box]), (96, 128))[0, 0].numpy() >= 0.5
        assert (mine & theirs).sum() / (mine | theirs).sum() > 0.97


def test_a_network_of_torchvision_is_converted_and_sees_what_it_saw_there(tmp_path):
    torch.manual_seed(0)
    theirs = torchvision.models.detection.maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=2)
    with torch.no_grad():
        for part in theirs.modules():
            if isinstance(part, torch.nn.BatchNorm2d):
                part.momentum = None
        theirs.backbone.train()(torch.rand(1, 3, 96, 128))
    frozen = {name: value for name, value in theirs.state_dict().items() if "num_batches_tracked" not in name}
    torch.save({"model": frozen, "epoch": 3}, tmp_path / "best.pth")
    made = backend.convert(
        tmp_path / "best.pth", tmp_path / "steel", licence=LICENCE, commercial=False, epsilon=0.0, objects="grit"
    )
    assert made.network == {"body": "resnet50_fpn", "in_channels": 3, "classes": 2, "epsilon": 0.0}
    assert made.settings == {"short_side_px": 800, "long_side_px": 1333}
    model = backend.load(settings(tmp_path / "steel", commercial=False))
    assert {part.eps for part in model.network.modules() if isinstance(part, torch.nn.BatchNorm2d)} == {0.0}
    image = torch.rand(1, 3, 64, 64)
    for part in theirs.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.eps = 0.0
    with torch.no_grad():
        expected = theirs.eval().backbone(image)
        found = model.network.backbone(image)
    assert all(torch.allclose(found[level], expected[level], atol=1e-4) for level in expected)
    assert backend._sizes(model.card, MICROGRAPH, backend.Settings())[0].scales == (800 / 150,)
    with pytest.raises(BackendError, match="licence 'weights of a test' does not permit commercial use"):
        backend.load(settings(tmp_path / "steel"))


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ({"a": torch.zeros(1)}, "is not a Mask R-CNN of torchvision"),
        ({"a": 1}, "is not the state of a network"),
        ([1, 2], "is not the state of a network"),
    ],
)
def test_a_file_of_something_else_is_not_converted(tmp_path, content, match):
    torch.save(content, tmp_path / "some.pth")
    with pytest.raises(BackendError, match=match) as found:
        backend.convert(tmp_path / "some.pth", tmp_path / "made", licence="x", commercial=True, epsilon=1e-5)
    one_line(found)
    assert not (tmp_path / "made").exists()


# ------------------------------------------------------------------------------------------------- loading


def refused(folder, match, **changes):
    with pytest.raises(BackendError, match=match) as found:
        backend.load(settings(folder, **changes))
    one_line(found)


def test_an_extra_that_is_not_installed_or_does_not_fit_is_named(folder, monkeypatch):
    with monkeypatch.context() as patched:
        for name in ("torchvision", "torchvision.ops"):
            patched.setitem(sys.modules, name, None)
        refused(folder, r"backend 'maskrcnn' needs the extra 'maskrcnn': pip install 'inspect_tool\[maskrcnn\]'")

    class Unfit:
        """Import of a torchvision that was made for another torch."""

        def find_spec(self, name, *_):
            if name == "torchvision.ops":
                msg = "operator torchvision::nms does not exist"
                raise RuntimeError(msg)

    monkeypatch.delitem(sys.modules, "torchvision.ops")
    monkeypatch.setattr(sys, "meta_path", [Unfit(), *sys.meta_path])
    refused(folder, r"torchvision is installed but for another torch \(operator torchvision::nms does not exist\)")


def test_weights_that_do_not_fit_and_other_networks_are_refused(folder, tmp_path):
    state = networks.build(MaskRCNNArguments(**TINY)).state_dict()
    save_model(tmp_path / "wider", card("wider", network={**TINY, "hidden": 40}), state)
    refused(tmp_path / "wider", r"do not fit the network .*box_head\.fc6\.weight' has the shape \[32, 784\]")
    save_model(tmp_path / "huge", card("huge", network={**TINY, "widths": [512] * 3, "blocks": 8}), {})
    refused(tmp_path / "huge", "do not fit the network")
    save_model(tmp_path / "star", card("star", architecture="stardist", network={"rays": 32}), state)
    refused(tmp_path / "star", "architecture: is 'stardist', this backend uses 'maskrcnn' models")
    three = {"network": {**TINY, "classes": 3}, "classes": ("background", "powder", "satellite")}
    save_model(tmp_path / "three", card("three", **three), {})
    refused(tmp_path / "three", "classes: background, powder, satellite; this backend finds objects of one class")
    refused("weights.pth", "can run code when they are loaded")
    refused(folder, "score_threshold = 1.0: must lie between 0 and 1", score_threshold=1.0)


def test_damaged_weights(folder, tmp_path):
    cut = tmp_path / "cut"
    cut.mkdir()
    (cut / "model.toml").write_bytes((folder / "model.toml").read_bytes())
    (cut / "weights.safetensors").write_bytes(b"\0" * 1000)
    refused(cut, "the file was changed")


# ------------------------------------------------------------------------------------------------- running


def test_labels_and_alternatives_are_what_is_stated_and_nothing_is_downloaded(folder, monkeypatch):
    def refuse(*_, **__):
        pytest.fail("a connection was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    chosen = settings(folder)
    model = backend.load(chosen)
    roi = np.ones(MICROGRAPH.pixels.shape, bool)
    roi[:40] = False
    image = replace(MICROGRAPH, roi=roi)
    found = backend.segment(model, image, chosen)
    again = backend.segment(model, image, chosen)
    assert np.array_equal(found.labels, again.labels)
    assert found.labels.dtype == np.int32
    assert found.labels.any()
    assert not found.labels[~roi].any()
    assert found.kind == "instance"
    assert found.classes == {1: "particle"}
    assert found.weights_sha256 == model.card.sha256
    stated = found.settings
    assert stated["objects"] == len(np.unique(found.labels)) - 1
    assert stated["scales"] == [1.0]
    assert stated["licence"] == LICENCE
    assert stated["device"] == "cpu"
    others = dict(found.alternatives())
    assert list(others) == ["object score -", "object score +", "outline -", "outline +"]
    low, high = others["object score -"].settings, others["object score +"].settings
    assert (low["score_threshold"], high["score_threshold"]) == (0.42, 0.62)
    assert low["objects"] + low["hidden_objects"] > stated["objects"] + stated["hidden_objects"]
    assert (others["outline +"].labels > 0).sum() > (others["outline -"].labels > 0).sum()


@pytest.mark.parametrize(
    ("scene", "least"),
    [
        ({"area_percent": 88.0, "mean_ecd_um": 30.0, "spread": 0.05, "overlap": 0.3}, 0.85),
        ({"area_percent": 40.0, "mean_ecd_um": 20.0, "clusters": 0.8, "signal": "tem", "gray": (0.7, 0.2)}, 0.8),
    ],
)
def test_the_shipped_network_finds_more_than_a_hundred_particles_that_overlap(scene, least):
    field = synthetic.bodies(seed=31, shape_px=(300, 360), **scene)
    pixels = synthetic.degrade(field.pixels, 1, seed=2)
    chosen = backend.Settings(device="cpu")
    found = backend.segment(backend.load(chosen), replace(MICROGRAPH, pixels=pixels), chosen)
    result = match(object_pairs(np.asarray(field.labels, np.int32), found.labels))
    assert result.tp > 100
    assert 2 * result.tp / (2 * result.tp + result.fp + result.fn) > least


def test_light_and_dark_change_places(folder):
    chosen = settings(folder)
    model = backend.load(chosen)
    turned = replace(MICROGRAPH, pixels=255 - MICROGRAPH.pixels)
    one = backend.segment(model, MICROGRAPH, chosen).labels
    two = backend.segment(model, turned, replace(chosen, invert=True)).labels
    assert np.array_equal(one, two)


def test_values_that_are_no_numbers_stop_the_run(folder, tmp_path):
    state = networks.build(MaskRCNNArguments(**TINY)).state_dict()
    state = {name: value * 1e20 if "fpn" in name else value for name, value in state.items()}
    save_model(tmp_path / "loud", card("loud"), state, half=False)
    model = backend.load(settings(tmp_path / "loud"))
    with pytest.raises(BackendError, match=r"field\.tif: part at row 0, column 0: .* not finite numbers") as found:
        backend.segment(model, MICROGRAPH, settings(tmp_path / "loud"))
    one_line(found)


def test_a_constant_image_is_refused(folder):
    flat = replace(MICROGRAPH, pixels=np.full((80, 80), 7, np.uint8))
    with pytest.raises(BackendError, match=r"field\.tif: the image is constant"):
        backend.segment(backend.load(settings(folder)), flat, settings(folder))
