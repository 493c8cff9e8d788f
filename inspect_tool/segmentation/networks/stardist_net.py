"""The U-Net of StarDist 2D: object probability and distances to the outline along rays, on a coarse grid.

U. Schmidt, M. Weigert, C. Broaddus, G. Myers, MICCAI 2018, arXiv 1806.03535. Layers carry the names that the
original Keras model gives them, so that its weights can be put in layer by layer; the two heads are one
convolution here, probability first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from inspect_tool.segmentation.networks.layers import Convolution, Operations, T

ACTIVATIONS = ("relu", "elu", "tanh", "sigmoid", "linear")
KERAS_EPSILON, KERAS_MOMENTUM = 1e-3, 0.01  # of batch normalization
SHORTEST_PX = 1e-3  # a ray that is not longer would turn a polygon inside out


@dataclass(frozen=True, slots=True, kw_only=True)
class StarDistNet:
    """Scores and ray distances of every grid point.

    Parameters
    ----------
    in_channels : int
        Channels of the image.
    rays : int
        Number of directions, counted from the direction of growing columns toward growing rows.
    grid : tuple of int
        Image pixels per grid point, down and across; powers of 2. [px]
    depth, base, convolutions : int
        Levels below the first one, channels of the first level, convolutions on each level.
    kernel, pool : tuple of int
        Size of the convolutions (odd) and factor between levels, down and across.
    features : int
        Channels of the convolution before the heads; 0: none.
    activation, last_activation : str
        Of all layers, and of the last layer of the U-Net.
    batch_norm : bool
        Batch normalization in the U-Net.
    expansion : float
        Channels of a level over those of the one above.

    Examples
    --------
    >>> net = StarDistNet(rays=8, grid=(2, 2), depth=2, base=4, features=8)
    >>> net.stride, net.layers[-1].made
    ((8, 8), 9)
    """

    in_channels: int = 1
    rays: int = 32
    grid: Sequence[int] = (2, 2)
    depth: int = 3
    base: int = 32
    convolutions: int = 2
    kernel: Sequence[int] = (3, 3)
    pool: Sequence[int] = (2, 2)
    features: int = 128
    activation: str = "relu"
    last_activation: str = "relu"
    batch_norm: bool = False
    expansion: float = 2.0

    @property
    def layers(self) -> tuple[Convolution, ...]:
        """Convolutions in the order in which weights are stored."""
        found = list(self._stack())
        head = Convolution(name="head", given=found[-1].made, made=1 + self.rays, kernel=(1, 1))
        return (*found, head)

    def _stack(self) -> Iterator[Convolution]:
        """All convolutions but the heads, in the order in which an image passes through them."""
        last, expansion = self.convolutions, self.expansion
        width = self.in_channels

        def layer(name: str, made: float, activation: str, normalized: bool) -> Convolution:
            nonlocal width
            given, width = width, int(made)
            return Convolution(
                name=f"layers.{name}.0",
                given=given,
                made=width,
                kernel=_pair(self.kernel),
                norm=f"layers.{name}.1" if normalized else "",
                epsilon=KERAS_EPSILON,
                momentum=KERAS_MOMENTUM,
                activation=activation,
            )

        def inner(name: str, made: float, activation: str = self.activation) -> Convolution:
            return layer(name, made, activation, self.batch_norm)

        for n in range(len(_halvings(self.grid)) * last):
            yield layer(f"grid_{n}", self.base, self.activation, False)
        skipped = []
        for level in range(self.depth):
            for n in range(last):
                yield inner(f"down_level_{level}_no_{n}", self.base * expansion**level)
            skipped.append(width)
        for n in range(last - 1):
            yield inner(f"middle_{n}", self.base * expansion**self.depth)
        yield inner(f"middle_{last}", self.base * expansion ** max(0, self.depth - 1))
        for level in reversed(range(self.depth)):
            width += skipped[level]
            for n in range(last - 1):
                yield inner(f"up_level_{level}_no_{n}", self.base * expansion**level)
            activation = self.activation if level else self.last_activation
            yield inner(f"up_level_{level}_no_{last}", self.base * expansion ** max(0, level - 1), activation)
        if self.features:
            yield layer("features", self.features, self.activation, False)

    @property
    def stride(self) -> tuple[int, int]:
        """Height and width of an image must be multiples of these. [px]"""
        rows, columns = (p**self.depth * g for p, g in zip(self.pool, self.grid, strict=True))
        return rows, columns

    @property
    def reach(self) -> tuple[int, int]:
        """How far from a grid point the image has a say in its answer, down and across. [px]"""
        found = []
        for axis in (0, 1):
            half, step, reach = self.kernel[axis] // 2, 1, 0
            for pool in _halvings(self.grid):
                reach += self.convolutions * half * step + (pool[axis] - 1) * step
                step *= pool[axis]
            for _level in range(self.depth):
                # down and up again on this level, and what pooling and the upsampling cell add
                reach += 2 * self.convolutions * half * step + 2 * (self.pool[axis] - 1) * step
                step *= self.pool[axis]
            reach += self.convolutions * half * step
            found.append(reach + (half * self.grid[axis] if self.features else 0))
        return found[0], found[1]

    def scores(self, image: T, on: Operations[T]) -> T:
        """Score of the object (before the sigmoid) and ray distances in image pixels.

        Parameters
        ----------
        image : T
            (n, in_channels, rows, columns), multiples of ``stride``.
        on : Operations
            The engine.

        Returns
        -------
        T
            (n, 1 + rays, rows / grid, columns / grid).
        """
        last, pool = self.convolutions, _pair(self.pool)

        def passed(image: T, *names: str) -> T:
            for name in names:
                image = on.convolved(image, f"layers.{name}.0")
            return image

        for step, factor in enumerate(_halvings(self.grid)):
            image = passed(image, *(f"grid_{step * last + n}" for n in range(last)))
            image = on.pooled(image, factor)
        skipped = []
        for level in range(self.depth):
            image = passed(image, *(f"down_level_{level}_no_{n}" for n in range(last)))
            skipped.append(image)
            image = on.pooled(image, pool)
        image = passed(image, *(f"middle_{n}" for n in (*range(last - 1), last)))
        for level in reversed(range(self.depth)):
            image = on.joined([on.widened(image, pool), skipped.pop()])
            image = passed(image, *(f"up_level_{level}_no_{n}" for n in (*range(last - 1), last)))
        if self.features:
            image = passed(image, "features")
        return on.convolved(image, "head")

    def answer(self, scores: T, on: Operations[T]) -> T:
        """Probability from the score; distances as they are, but for what would turn a polygon inside out."""
        probability = on.sigmoid(on.channels(scores, 0, 1))
        return on.joined([probability, on.at_least(on.channels(scores, 1, 1 + self.rays), SHORTEST_PX)])


def _pair(values: Sequence[int]) -> tuple[int, int]:
    rows, columns = values
    return int(rows), int(columns)


def _halvings(grid: Sequence[int]) -> list[tuple[int, int]]:
    """Pooling steps from the image to the grid, as the original takes them.

    >>> _halvings((4, 2))
    [(2, 2), (2, 1)]
    """
    done, steps = (1, 1), []
    while done != _pair(grid):
        step = (1 + (grid[0] > done[0]), 1 + (grid[1] > done[1]))
        done = (done[0] * step[0], done[1] * step[1])
        steps.append(step)
    return steps
