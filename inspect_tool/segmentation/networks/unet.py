"""U-Net: an encoder-decoder with skip connections, compact enough for a CPU.

O. Ronneberger, P. Fischer, T. Brox, MICCAI 2015, arXiv 1505.04597; here with padded convolutions, batch
normalization and nearest upsampling, so that the output has the size of the input and tiles fit together.
"""

from dataclasses import dataclass

from inspect_tool.segmentation.networks.layers import Convolution, Operations, T


@dataclass(frozen=True, slots=True, kw_only=True)
class UNet:
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
    >>> UNet(depth=2).stride, [layer.made for layer in UNet(base=4, depth=1).layers]
    (4, [4, 4, 8, 8, 4, 4, 2])
    """

    in_channels: int = 1
    classes: int = 2
    base: int = 16
    depth: int = 4
    widest: int = 128

    @property
    def stride(self) -> int:
        """Height and width of an image must be multiples of this. [px]"""
        return 1 << self.depth

    @property
    def layers(self) -> tuple[Convolution, ...]:
        """Convolutions in the order in which weights are stored."""
        width = [min(self.base << level, max(self.widest, self.base)) for level in range(self.depth + 1)]
        given = [self.in_channels, *width]
        encoder = [_double(f"encoder.{level}", given[level], made) for level, made in enumerate(width)]
        decoder = [
            _double(f"decoder.{n}", width[level] + width[level + 1], width[level])
            for n, level in enumerate(reversed(range(self.depth)))
        ]
        head = Convolution(name="head", given=self.base, made=self.classes, kernel=(1, 1))
        return (*(layer for two in (*encoder, *decoder) for layer in two), head)

    def scores(self, image: T, on: Operations[T]) -> T:
        """Class scores before softmax.

        Parameters
        ----------
        image : T
            (n, in_channels, rows, columns), both multiples of ``stride``.
        on : Operations
            The engine.

        Returns
        -------
        T
            (n, classes, rows, columns).
        """

        def two(image: T, block: str) -> T:
            return on.convolved(on.convolved(image, f"{block}.0"), f"{block}.3")

        skipped = [two(image, "encoder.0")]
        for level in range(1, self.depth + 1):
            skipped.append(two(on.pooled(skipped[-1], (2, 2)), f"encoder.{level}"))
        image = skipped.pop()
        for n in range(self.depth):
            image = two(on.joined([on.widened(image, (2, 2)), skipped.pop()]), f"decoder.{n}")
        return on.convolved(image, "head")

    def answer(self, scores: T, on: Operations[T]) -> T:
        """Probabilities of every class; of two classes that of the second is enough."""
        if self.classes == 2:
            return on.sigmoid(on.minus(on.channels(scores, 1, 2), on.channels(scores, 0, 1)))
        return on.softmax(scores)


def _double(block: str, given: int, made: int) -> tuple[Convolution, Convolution]:
    """Two convolutions with batch normalization; numbers count activations too."""
    return (
        Convolution(name=f"{block}.0", given=given, made=made, bias=False, norm=f"{block}.1", activation="relu"),
        Convolution(name=f"{block}.3", given=made, made=made, bias=False, norm=f"{block}.4", activation="relu"),
    )
