"""Networks whose answer is known: weights set by hand, so that a test has a truth."""

from pathlib import Path

import numpy as np
import torch

from inspect_tool.segmentation.networks.torch_network import TorchNetwork
from inspect_tool.segmentation.networks.unet import UNet
from inspect_tool.segmentation.networks.weights import save_model
from inspect_tool.segmentation.pixels import features

STEEP = 40.0
"""Slope of the scores: a normalized gray value of 0.5 ± 0.05 has a probability of 0.88 or 0.12."""


def gray_network(classes: int = 2, in_channels: int = 1, around: float = 0.0) -> TorchNetwork:
    """A U-Net that hands the gray value through its skip connection; class 1 is brighter than half.

    Its other weights are zero: what it sees of its surroundings does not matter, so that every pixel is known; but for
    ``around``, their standard deviation.
    """
    torch.manual_seed(7)
    network = TorchNetwork(UNet(in_channels=in_channels, classes=classes, base=2, depth=1))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(0, around) if around else parameter.zero_()
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.fill_((1 + module.eps) ** 0.5)  # running mean 0 and variance 1: hands through
        network.encoder.get_submodule("0.0").weight[0, 0, 1, 1] = 1
        network.encoder.get_submodule("0.3").weight[0, 0, 1, 1] = 1
        network.decoder.get_submodule("0.0").weight[0, 4, 1, 1] = (
            1  # four channels come from below, then the skipped ones
        )
        network.decoder.get_submodule("0.3").weight[0, 0, 1, 1] = 1
        network.head.weight[1, 0] = STEEP
        network.head.bias[1] = -STEEP / 2
    return network.eval()


def gray_model(folder: Path, *, around: float = 0.0, **card: object) -> Path:
    """Write the model folder of ``gray_network``; values of the card can be changed."""
    classes = len(card.get("classes", ("dark", "bright")))  # type: ignore[arg-type]
    network = gray_network(classes, 3 if card.get("channels") == "rgb" else 1, around)
    values = {
        "name": folder.name,
        "version": "1",
        "title": "brighter than half",
        "architecture": "unet",
        "network": {"classes": network.head.out_channels, "base": 2, "depth": 1},
        "classes": ["dark", "bright"],
        "licence": "Apache-2.0",
        "commercial": True,
        "normalization": [0.0, 100.0],
        **card,
    }
    save_model(folder, values, network.state_dict())
    return folder


def seeing_model(folder: Path, **card: object) -> Path:
    """Write the folder of a network whose answer also depends on what lies around a pixel; else as ``gray_model``."""
    return gray_model(folder, around=0.02, **card)


def bright_pixels(folder: Path, levels: tuple[float, ...] = (0.45, 0.55), **card: object) -> Path:
    """Write the folder of a pixel classifier; each member takes the smoothed gray above its level for class 1.

    The score of class 1 is ``STEEP`` times gray less level: of an image without noise half of it is at the mean level.
    """
    sigmas = (0.7, 1.5)
    count = features.count(sigmas, 1)
    weights = {
        "hidden.weight": np.zeros((len(levels), count, 2), np.float32),
        "hidden.bias": np.zeros((len(levels), 2), np.float32),
        "head.weight": np.zeros((len(levels), 2, 2), np.float32),
        "head.bias": np.zeros((len(levels), 2), np.float32),
    }
    weights["hidden.weight"][:, 0] = (1, -1)  # the rectified gray, and what it is below 0
    weights["head.weight"][:, :, 1] = (STEEP, -STEEP)
    weights["head.bias"][:, 1] = [-STEEP * level for level in levels]
    values = {
        "name": folder.name,
        "version": "1",
        "title": "brighter than half",
        "architecture": "pixels",
        "network": {"classes": 2, "sigmas": sigmas, "hidden": 2, "members": len(levels)},
        "classes": ["dark", "bright"],
        "licence": "Apache-2.0",
        "commercial": True,
        "normalization": [0.0, 100.0],
        **card,
    }
    save_model(folder, values, weights, half=False)
    return folder


def clicked_model(folder: Path, **card: object) -> Path:
    """Write a click-conditioned network that takes every pixel brighter than half for the object.

    It does not look at clicks; which bright piece is meant, the backend tells by them. So the truth is known.
    """
    values = {
        "name": folder.name,
        "version": "1",
        "title": "brighter than half",
        "architecture": "prompt",
        "network": {"base": 2, "depth": 1, "widest": 128},
        "classes": ["background", "object"],
        "licence": "Apache-2.0",
        "commercial": True,
        "normalization": [0.0, 100.0],
        "structure": "equivalent diameter of an object in a crop",
        "structure_px": [16.0, 90.0],
        **card,
    }
    save_model(folder, values, gray_network(2, 5).state_dict())
    return folder
