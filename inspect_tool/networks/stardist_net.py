"""The U-Net of StarDist 2D: object probability and distances to the outline along rays, on a coarse grid.

U. Schmidt, M. Weigert, C. Broaddus, G. Myers, MICCAI 2018, arXiv 1806.03535. Layers carry the names that the
original Keras model gives them, so that its weights can be put in layer by layer; the two heads are one
convolution here, probability first.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "elu": nn.ELU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "linear": nn.Identity,
}
KERAS_EPSILON = 1e-3  # of batch normalization


class StarDistNet(nn.Module):
    """Scores and ray distances of every grid point.

    Parameters
    ----------
    in_channels : int
        Channels of the image.
    rays : int
        Number of directions, counted from the direction of growing columns towards growing rows.
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
    >>> StarDistNet(rays=8, grid=(2, 2), depth=2, base=4, features=8)(torch.zeros(1, 1, 16, 24)).shape
    torch.Size([1, 9, 8, 12])
    """

    def __init__(
        self,
        in_channels: int = 1,
        rays: int = 32,
        grid: Sequence[int] = (2, 2),
        depth: int = 3,
        base: int = 32,
        convolutions: int = 2,
        kernel: Sequence[int] = (3, 3),
        pool: Sequence[int] = (2, 2),
        features: int = 128,
        activation: str = "relu",
        last_activation: str = "relu",
        batch_norm: bool = False,
        expansion: float = 2.0,
    ) -> None:
        super().__init__()
        self.rays, self.depth, self.convolutions = rays, depth, convolutions
        self.grid, self.pool, self.kernel = _pair(grid), _pair(pool), _pair(kernel)
        self.grid_pools = _halvings(self.grid)
        self.layers = nn.ModuleDict()
        width = in_channels

        def add(name: str, made: int, act: str, normalized: bool) -> None:
            nonlocal width
            padding = (self.kernel[0] // 2, self.kernel[1] // 2)
            parts: list[nn.Module] = [nn.Conv2d(width, made, self.kernel, padding=padding)]
            if normalized:
                parts.append(nn.BatchNorm2d(made, eps=KERAS_EPSILON, momentum=0.01))
            parts.append(ACTIVATIONS[act]())
            self.layers[name] = nn.Sequential(*parts)
            width = made

        for n in range(len(self.grid_pools) * convolutions):
            add(f"grid_{n}", base, activation, normalized=False)
        skipped: list[int] = []
        for level in range(depth):
            for n in range(convolutions):
                add(f"down_level_{level}_no_{n}", int(base * expansion**level), activation, batch_norm)
            skipped.append(width)
        for n in range(convolutions - 1):
            add(f"middle_{n}", int(base * expansion**depth), activation, batch_norm)
        add(f"middle_{convolutions}", int(base * expansion ** max(0, depth - 1)), activation, batch_norm)
        for level in reversed(range(depth)):
            width += skipped[level]
            for n in range(convolutions - 1):
                add(f"up_level_{level}_no_{n}", int(base * expansion**level), activation, batch_norm)
            act = activation if level else last_activation
            add(f"up_level_{level}_no_{convolutions}", int(base * expansion ** max(0, level - 1)), act, batch_norm)
        if features:
            add("features", features, activation, normalized=False)
        self.head = nn.Conv2d(width, 1 + rays, 1)

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
            for pool in self.grid_pools:
                reach += self.convolutions * half * step + (pool[axis] - 1) * step
                step *= pool[axis]
            for _level in range(self.depth):
                # down and up again on this level, and what pooling and the upsampling cell add
                reach += 2 * self.convolutions * half * step + 2 * (self.pool[axis] - 1) * step
                step *= self.pool[axis]
            reach += self.convolutions * half * step
            found.append(reach + (half * self.grid[axis] if "features" in self.layers else 0))
        return found[0], found[1]

    def forward(self, image: Tensor) -> Tensor:
        """Score of the object (before the sigmoid) and ray distances in image pixels.

        Parameters
        ----------
        image : Tensor
            (n, in_channels, height, width), multiples of ``stride``.

        Returns
        -------
        Tensor
            (n, 1 + rays, height / grid, width / grid).
        """
        layers = self.layers
        for n, pool in enumerate(self.grid_pools):
            for k in range(self.convolutions):
                image = layers[f"grid_{n * self.convolutions + k}"](image)
            image = functional.max_pool2d(image, pool)
        skipped: list[Tensor] = []
        for level in range(self.depth):
            for n in range(self.convolutions):
                image = layers[f"down_level_{level}_no_{n}"](image)
            skipped.append(image)
            image = functional.max_pool2d(image, self.pool)
        for n in range(self.convolutions - 1):
            image = layers[f"middle_{n}"](image)
        image = layers[f"middle_{self.convolutions}"](image)
        scale = (float(self.pool[0]), float(self.pool[1]))
        for level in reversed(range(self.depth)):
            wide = functional.interpolate(image, scale_factor=scale, mode="nearest")
            image = torch.cat([wide, skipped.pop()], dim=1)
            for n in range(self.convolutions - 1):
                image = layers[f"up_level_{level}_no_{n}"](image)
            image = layers[f"up_level_{level}_no_{self.convolutions}"](image)
        if "features" in layers:
            image = layers["features"](image)
        made: Tensor = self.head(image)
        return made


def probability_and_distances(output: Tensor) -> Tensor:
    """Sigmoid of the first channel; distances as they are, but for what would turn a polygon inside out."""
    return torch.cat([output[:, :1].sigmoid(), output[:, 1:].clamp(min=1e-3)], dim=1)


def _pair(values: Sequence[int]) -> tuple[int, int]:
    rows, columns = values
    return int(rows), int(columns)


def _halvings(grid: tuple[int, int]) -> list[tuple[int, int]]:
    """Pooling steps from the image to the grid, as the original takes them.

    >>> _halvings((4, 2))
    [(2, 2), (2, 1)]
    """
    done, steps = (1, 1), []
    while done != grid:
        step = (1 + (grid[0] > done[0]), 1 + (grid[1] > done[1]))
        done = (done[0] * step[0], done[1] * step[1])
        steps.append(step)
    return steps
