"""What a pixel looks like: gray, edges, ridges and roughness around it, at several scales.

All are local: rows of an image need only a margin of other rows, so that memory does not grow with the image.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.pixels.parts import strips

SIGMAS_PX = (0.7, 1.5, 3.0, 6.0, 10.0)
"""Widths of the Gaussian bells over which a pixel is looked at. [px]"""

_ROUGH_PX = 1.5  # narrower bells hold too few pixels to say how rough they are
_CUT = 4.0  # widths of a bell after which nothing is left of it

Image = NDArray[np.float32]


def count(sigmas: Sequence[float], channels: int) -> int:
    """Number of features of a pixel.

    >>> count((1.0, 2.0), 1), count((1.0, 2.0), 3)
    (11, 15)
    """
    rough = sum(sigma >= _ROUGH_PX for sigma in sigmas)
    return 4 * len(sigmas) + 3 * rough + (2 * len(sigmas) if channels == 3 else 0)


def features(image: Image, sigmas: Sequence[float] = SIGMAS_PX) -> NDArray[np.float32]:
    """Compute the features of every pixel.

    Parameters
    ----------
    image : ndarray of float32
        (rows, columns, channels), one channel or red, green and blue, normalized. Beyond its edge it is mirrored.
    sigmas : sequence of float
        Widths of the bells. [px]

    Returns
    -------
    ndarray of float32
        (features, rows, columns): at each width the smoothed gray, its gradient, the larger and the smaller curvature;
        from 1.5 px on the standard deviation and the two eigenvalues of the structure tensor; of a color image two
        differences of the smoothed colors.
    """
    gray = np.ascontiguousarray(image.mean(axis=2, dtype=np.float32))
    across, down = _slopes(gray)
    products = (across * across, down * down, across * down)
    found: list[Image] = []
    for sigma in sigmas:
        smooth = _smoothed(gray, sigma)
        right, below = (slope * np.float32(sigma) for slope in _slopes(smooth))
        found += [smooth, np.hypot(right, below)]
        xx, xy = _slopes(right)
        _, yy = _slopes(below)
        found += _eigenvalues(xx * np.float32(sigma), yy * np.float32(sigma), xy * np.float32(sigma))
        if sigma >= _ROUGH_PX:
            found.append(np.sqrt(np.maximum(_smoothed(gray * gray, sigma) - smooth * smooth, 0)))
            tensor = [_smoothed(product, sigma) for product in products]
            found += [np.sqrt(np.maximum(value, 0)) for value in _eigenvalues(*tensor)]
        if image.shape[2] == 3:
            red, green, blue = (_smoothed(np.ascontiguousarray(image[..., channel]), sigma) for channel in range(3))
            found += [red - green, blue - (red + green) / 2]
    return np.stack(found)


def margin_px(sigmas: Sequence[float]) -> int:
    """Rows and columns around a pixel on which its features depend. [px]"""
    return ceil(_CUT * max(sigmas)) + 3


def by_strips(image: Image, sigmas: Sequence[float]) -> "list[tuple[slice, slice]]":
    """Rows of the strips of an image, each with the rows that its features depend on."""
    margin, height = margin_px(sigmas), image.shape[0]
    return [
        (slice(top, bottom), slice(max(0, top - margin), min(height, bottom + margin)))
        for top, bottom in strips(image.shape)
    ]


def of_strip(image: Image, strip: tuple[slice, slice], sigmas: Sequence[float]) -> NDArray[np.float32]:
    """Features of the rows of one strip of ``by_strips``: the same as those of the whole image."""
    rows, around = strip
    return features(image[around], sigmas)[:, rows.start - around.start : rows.stop - around.start]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Looks:
    """Features of an image, strip by strip: those that are kept, and the others made anew each time."""

    image: Image  # (rows, columns, channels), as ``features`` takes it
    sigmas: tuple[float, ...]
    kept: tuple[NDArray[np.float32], ...] = ()  # of the first strips, (features, rows, columns)

    def __iter__(self) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Rows, and their features."""
        for number in range(len(self.strips)):
            yield self.strips[number][0], self.of(number)

    @property
    def strips(self) -> "list[tuple[slice, slice]]":
        """Rows of each strip, and the rows that its features depend on."""
        return by_strips(self.image, self.sigmas)

    def of(self, number: int) -> NDArray[np.float32]:
        """Features of a strip: (features, rows, columns)."""
        return self.kept[number] if number < len(self.kept) else of_strip(self.image, self.strips[number], self.sigmas)

    @property
    def size(self) -> int:
        """Of the image and what is kept. [byte]"""
        return self.image.nbytes + sum(one.nbytes for one in self.kept)


def kept(image: Image, sigmas: Sequence[float], most: int) -> Looks:
    """Make the features of an image, and keep those of as many strips as ``most`` bytes hold."""
    made: list[NDArray[np.float32]] = []
    each = 4 * count(sigmas, image.shape[2]) * image.shape[1]
    for strip in by_strips(image, sigmas):
        if sum(one.nbytes for one in made) + each * (strip[0].stop - strip[0].start) > most:
            break
        made.append(np.ascontiguousarray(of_strip(image, strip, sigmas)))
    return Looks(image=image, sigmas=tuple(sigmas), kept=tuple(made))


def _smoothed(image: Image, sigma: float) -> Image:
    side = 2 * ceil(_CUT * sigma) + 1
    return np.asarray(cv2.GaussianBlur(image, (side, side), sigma, borderType=cv2.BORDER_REFLECT), np.float32)


def _slopes(image: Image) -> tuple[Image, Image]:
    """Derivatives along rows and along columns. [1/px]"""
    across, down = (
        cv2.Sobel(image, cv2.CV_32F, *order, ksize=3, scale=1 / 8, borderType=cv2.BORDER_REFLECT)
        for order in ((1, 0), (0, 1))
    )
    return np.asarray(across, np.float32), np.asarray(down, np.float32)


def _eigenvalues(xx: Image, yy: Image, xy: Image) -> list[Image]:
    """Larger and smaller eigenvalue of a symmetric matrix in every pixel."""
    middle, half = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    return [middle + half, middle - half]
