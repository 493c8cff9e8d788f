"""Networks as OpenVINO graphs, made from their weights alone: what runs on a CPU, without torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from inspect_tool import offline
from inspect_tool.segmentation.networks.layers import NORMALIZATION, Convolution, Network, Weights

openvino = offline.openvino()
opset = openvino.opset15

_ACTIVATIONS = {
    "relu": opset.relu,
    "elu": lambda image: opset.elu(image, 1.0),
    "tanh": opset.tanh,
    "sigmoid": opset.sigmoid,
}


def graph(network: Network, weights: Weights) -> Any:
    """Make the graph from an image (n, in_channels, rows, columns) of any size to the answer of the network.

    Parameters
    ----------
    network : Network
        What it is made of.
    weights : Weights
        All that the network names, in its shapes.
    """
    image = opset.parameter([-1, network.in_channels, -1, -1], np.float32)
    on = _Operations(weights=weights, layers={layer.name: layer for layer in network.layers})
    return openvino.Model([network.answer(network.scores(image.output(0), on), on)], [image])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Operations:
    """Operations of ``layers.Operations`` as nodes of a graph; images are outputs of nodes."""

    weights: Weights
    layers: Mapping[str, Convolution]

    def convolved(self, image: Any, name: str) -> Any:
        layer = self.layers[name]
        kernel, border = opset.constant(self.weights[f"{name}.weight"]), list(layer.padding)
        made = opset.convolution(image, kernel, [1, 1], border, border, [1, 1]).output(0)
        if layer.bias:
            made = opset.add(made, opset.constant(self.weights[f"{name}.bias"].reshape(1, -1, 1, 1))).output(0)
        if layer.norm:
            parts = [opset.constant(self.weights[f"{layer.norm}.{part}"]) for part in NORMALIZATION]
            made = opset.batch_norm_inference(made, *parts, layer.epsilon).output(0)
        return made if layer.activation == "linear" else _ACTIVATIONS[layer.activation](made).output(0)

    def pooled(self, image: Any, factor: tuple[int, int]) -> Any:
        return opset.max_pool(image, list(factor), [1, 1], [0, 0], [0, 0], list(factor)).output(0)

    def widened(self, image: Any, factor: tuple[int, int]) -> Any:
        scales, axes = np.array(factor, np.float32), np.array([2, 3], np.int64)
        nearest = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return opset.interpolate(image, scales, "nearest", "scales", axes=axes, **nearest).output(0)

    def joined(self, images: Sequence[Any]) -> Any:
        return opset.concat(list(images), 1).output(0)

    def channels(self, image: Any, begin: int, end: int) -> Any:
        first, last, step, axis = (np.array([value], np.int64) for value in (begin, end, 1, 1))
        return opset.slice(image, first, last, step, axis).output(0)

    def minus(self, image: Any, other: Any) -> Any:
        return opset.subtract(image, other).output(0)

    def at_least(self, image: Any, least: float) -> Any:
        return opset.maximum(image, opset.constant(np.float32(least))).output(0)

    def sigmoid(self, image: Any) -> Any:
        return opset.sigmoid(image).output(0)

    def softmax(self, image: Any) -> Any:
        return opset.softmax(image, 1).output(0)
