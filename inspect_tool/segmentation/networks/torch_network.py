"""Networks as torch modules: what is trained, and what runs on a GPU."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from inspect_tool.segmentation.networks.layers import Network

_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": partial(functional.relu, inplace=True),
    "elu": functional.elu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "linear": lambda image: image,
}


class TorchNetwork(nn.Module):
    """A network with weights, drawn at random until others are put in.

    Parameters
    ----------
    network : Network
        What it is made of.

    Examples
    --------
    >>> from inspect_tool.segmentation.networks.unet import UNet
    >>> TorchNetwork(UNet(base=4, depth=2))(torch.zeros(1, 1, 8, 12)).shape
    torch.Size([1, 2, 8, 12])
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self._following = {layer.name: (layer.norm, _ACTIVATIONS[layer.activation]) for layer in network.layers}
        for layer in network.layers:
            convolution = nn.Conv2d(layer.given, layer.made, layer.kernel, padding=layer.padding, bias=layer.bias)
            self._put(layer.name, convolution)
            if layer.norm:
                self._put(layer.norm, nn.BatchNorm2d(layer.made, eps=layer.epsilon, momentum=layer.momentum))

    @property
    def stride(self) -> int | tuple[int, int]:
        """Rows and columns of an image must be multiples of this. [px]"""
        return self.network.stride

    def _put(self, name: str, part: nn.Module) -> None:
        """Hang a part in where its name says, so that its weights are named as in the file."""
        parent: nn.Module = self
        *above, last = name.split(".")
        for step in above:
            if step not in dict(parent.named_children()):
                parent.add_module(step, nn.Module())
            parent = parent.get_submodule(step)
        parent.add_module(last, part)

    def folded(self) -> "TorchNetwork":
        """Copy for prediction, with every batch normalization folded into its convolution."""
        made = deepcopy(self).eval()
        for name, (norm, activation) in self._following.items():
            if norm:
                convolution, normalization = made.get_submodule(name), made.get_submodule(norm)
                assert isinstance(convolution, nn.Conv2d)
                assert isinstance(normalization, nn.BatchNorm2d)
                made._put(name, fuse_conv_bn_eval(convolution, normalization))
                made._following[name] = ("", activation)
        return made

    def forward(self, image: Tensor) -> Tensor:
        """Scores of an image (n, channels, rows, columns)."""
        return self.network.scores(image, self)

    def answer(self, scores: Tensor) -> Tensor:
        """Make probabilities, or what else is asked for, of the scores."""
        return self.network.answer(scores, self)

    def convolved(self, image: Tensor, name: str) -> Tensor:
        """Apply the convolution of that name with what follows it."""
        norm, activation = self._following[name]
        image = self.get_submodule(name)(image)
        return activation(self.get_submodule(norm)(image) if norm else image)

    def pooled(self, image: Tensor, factor: tuple[int, int]) -> Tensor:
        """Largest value of every cell."""
        return functional.max_pool2d(image, factor)

    def widened(self, image: Tensor, factor: tuple[int, int]) -> Tensor:
        """Every pixel repeated."""
        return functional.interpolate(image, scale_factor=(float(factor[0]), float(factor[1])), mode="nearest")

    def joined(self, images: Sequence[Tensor]) -> Tensor:
        """Channels of one image after those of the other."""
        return torch.cat(list(images), dim=1)

    def channels(self, image: Tensor, begin: int, end: int) -> Tensor:
        """Some of the channels."""
        return image[:, begin:end]

    def minus(self, image: Tensor, other: Tensor) -> Tensor:
        """Difference of two images."""
        return image - other

    def at_least(self, image: Tensor, least: float) -> Tensor:
        """Values below become ``least``."""
        return image.clamp(min=least)

    def sigmoid(self, image: Tensor) -> Tensor:
        """1 / (1 + exp(-x))."""
        return image.sigmoid()

    def softmax(self, image: Tensor) -> Tensor:
        """Shares of the channels."""
        return image.softmax(1)
