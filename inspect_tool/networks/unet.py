"""U-Net: an encoder-decoder with skip connections, compact enough for a CPU.

O. Ronneberger, P. Fischer, T. Brox, MICCAI 2015, arXiv 1505.04597; here with padded convolutions, batch
normalization and nearest upsampling, so that the output has the size of the input and tiles fit together.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


class UNet(nn.Module):
    """Class scores of every pixel.

    Parameters
    ----------
    in_channels : int
        Channels of the image.
    classes : int
        Number of classes, background included.
    base : int
        Channels of the first level; every level below has twice as many, up to ``widest``.
    depth : int
        Number of times the image is halved.
    widest : int
        Most channels of a level.

    Examples
    --------
    >>> UNet(base=4, depth=2)(torch.zeros(1, 1, 8, 12)).shape
    torch.Size([1, 2, 8, 12])
    """

    def __init__(self, in_channels: int = 1, classes: int = 2, base: int = 16, depth: int = 4, widest: int = 128):
        super().__init__()
        width = [min(base << level, max(widest, base)) for level in range(depth + 1)]
        self.depth = depth
        self.encoder = nn.ModuleList(
            _double(in_channels if level == 0 else width[level - 1], width[level]) for level in range(depth + 1)
        )
        self.decoder = nn.ModuleList(
            _double(width[level] + width[level + 1], width[level]) for level in reversed(range(depth))
        )
        self.head = nn.Conv2d(base, classes, 1)

    @property
    def stride(self) -> int:
        """Height and width of an image must be multiples of this. [px]"""
        return 1 << self.depth

    def forward(self, image: Tensor) -> Tensor:
        """Class scores before softmax.

        Parameters
        ----------
        image : Tensor
            (n, in_channels, height, width), both multiples of ``stride``.

        Returns
        -------
        Tensor
            (n, classes, height, width).
        """
        skipped: list[Tensor] = []
        for level, block in enumerate(self.encoder):
            image = block(functional.max_pool2d(image, 2) if level else image)
            skipped.append(image)
        image = skipped.pop()
        for block in self.decoder:
            wide = functional.interpolate(image, scale_factor=2.0, mode="nearest")
            image = block(torch.cat([wide, skipped.pop()], dim=1))
        scores: Tensor = self.head(image)
        return scores


def _double(given: int, made: int) -> nn.Sequential:
    """Two convolutions; batch normalization is folded into them before prediction."""
    return nn.Sequential(
        nn.Conv2d(given, made, 3, padding=1, bias=False),
        nn.BatchNorm2d(made),
        nn.ReLU(inplace=True),
        nn.Conv2d(made, made, 3, padding=1, bias=False),
        nn.BatchNorm2d(made),
        nn.ReLU(inplace=True),
    )
