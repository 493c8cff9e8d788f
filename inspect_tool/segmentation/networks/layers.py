"""What networks are made of, whichever engine runs them: named convolutions, and the operations between them.

A network states its convolutions once and how an image passes through them once; torch, which trains it and runs it
on a GPU, and OpenVINO, which runs it on a CPU, both follow that statement.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from numpy.typing import NDArray

T = TypeVar("T")
"""An image inside an engine: (n, channels, rows, columns)."""

Weights = dict[str, NDArray[Any]]
"""Weights by name; floating-point ones as float32."""

NORMALIZATION = ("weight", "bias", "running_mean", "running_var")
"""Weights of a batch normalization, one per channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Convolution:
    """A convolution, padded with zeros so that the image keeps its size, and what follows it."""

    name: str  # of its weights: <name>.weight, and <name>.bias where it has one
    given: int  # channels it takes
    made: int  # channels it gives
    kernel: tuple[int, int] = (3, 3)  # rows and columns, odd [px]
    bias: bool = True
    norm: str = ""  # name of the weights of the batch normalization that follows; empty: none
    epsilon: float = 1e-5  # of the batch normalization
    momentum: float = 0.1  # of its running mean and variance in training
    activation: str = "linear"  # relu, elu, tanh, sigmoid or linear

    @property
    def padding(self) -> tuple[int, int]:
        """Zeros on each side, rows and columns. [px]"""
        return self.kernel[0] // 2, self.kernel[1] // 2

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of its weights by name, in the order of torch."""
        found: dict[str, tuple[int, ...]] = {f"{self.name}.weight": (self.made, self.given, *self.kernel)}
        if self.bias:
            found[f"{self.name}.bias"] = (self.made,)
        if self.norm:
            found |= {f"{self.norm}.{part}": (self.made,) for part in NORMALIZATION}
            found[f"{self.norm}.num_batches_tracked"] = ()
        return found


class Operations(Protocol[T]):
    """What an engine does with images."""

    def convolved(self, image: T, name: str) -> T:
        """Apply the convolution of that name with what follows it."""

    def pooled(self, image: T, factor: tuple[int, int]) -> T:
        """Largest value of every cell of ``factor`` pixels, rows and columns."""

    def widened(self, image: T, factor: tuple[int, int]) -> T:
        """Every pixel repeated ``factor`` times, rows and columns."""

    def joined(self, images: Sequence[T]) -> T:
        """Channels of one image after those of the other."""

    def channels(self, image: T, begin: int, end: int) -> T:
        """Channels ``begin`` to ``end``, the last one not included."""

    def minus(self, image: T, other: T) -> T:
        """Difference of two images."""

    def at_least(self, image: T, least: float) -> T:
        """Values below ``least`` become ``least``."""

    def sigmoid(self, image: T) -> T:
        """1 / (1 + exp(-x)) of every value."""

    def softmax(self, image: T) -> T:
        """Share of each channel: exp(x) over its sum over the channels."""


class Network(Protocol):
    """A network without weights and without an engine."""

    @property
    def in_channels(self) -> int:
        """Channels of the image."""

    @property
    def stride(self) -> int | tuple[int, int]:
        """Rows and columns of an image must be multiples of this. [px]"""

    @property
    def layers(self) -> tuple[Convolution, ...]:
        """Convolutions in the order in which weights are stored."""

    def scores(self, image: T, on: Operations[T]) -> T:
        """Pass an image through the network, up to and without the last activation."""

    def answer(self, scores: T, on: Operations[T]) -> T:
        """Make probabilities, or what else is asked for, of the scores."""


def shapes(network: Network) -> dict[str, tuple[int, ...]]:
    """Shapes of all weights of a network by name."""
    return {name: shape for layer in network.layers for name, shape in layer.shapes.items()}
