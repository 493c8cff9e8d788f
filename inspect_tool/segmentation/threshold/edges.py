"""Where the edges of an image are, and what they say of the level between two phases.

Edges are found where the gray gradient stands clear of the gradient that noise and fine texture make; the half-rise
level is read there and carried over the image by a weighted average, near edges first.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import Mask
from inspect_tool.pixels.gradients import magnitude
from inspect_tool.pixels.stored import zeros_like
from inspect_tool.segmentation.threshold.bands import BLOCK, bands

PLATEAU_PX = 4
"""Half width of the window in which an edge reaches both its plateaus."""

_GRADIENT_SIGMA = 1.5  # [px] derivative of a Gaussian
_GATE = 5.0  # an edge has a gradient of at least this many times what noise and texture make
_SURE = 6.0  # and somewhere in the image some of them reach this; one pixel of noise in 10^7 does
_SURE_PIXELS = 12
_COARSE = 0.15  # [gray levels/px] what whole gray values make of noise below one level; an edge has 3 levels or more
_SUPPORT = 0.5  # of the gradient of a typical edge: enough for the outline of an object
_QUIET = 0.25  # share of the pixels that are surely no edge: their gradient is that of noise and texture

Level: TypeAlias = Callable[[slice], NDArray[np.float32] | float]
"""The level between two phases in some rows: one number, or one for each of their pixels."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Edges:
    """Where the edges are, and what they say of the level between two phases (gray values of the 8-bit image)."""

    mask: NDArray[np.uint8]  # bits, eight columns in a byte: 1 on edges and on what is half as steep as they are
    noise: float  # gradient that noise and texture make (Rayleigh parameter) [1/px]
    n: int  # edge pixels
    level: float  # half-rise level over all edges
    contrast: float
    level_map: NDArray[np.float32]  # on the block grid
    contrast_map: NDArray[np.float32]


def floats(image: object) -> NDArray[np.float32]:
    """What OpenCV gives, as an array of its type."""
    return np.asarray(image, dtype=np.float32)


def gradients(
    gray: NDArray[np.uint8],
) -> Iterator[tuple[slice, slice, NDArray[np.float32], NDArray[np.float32]]]:
    """Smoothed gray values and gradient magnitude, in bands: rows, where they lie in the former, which is wider."""
    margin = 2 * PLATEAU_PX + 8
    for rows in bands(gray.shape):
        low, high = max(0, rows.start - margin), min(gray.shape[0], rows.stop + margin)
        smooth = floats(cv2.GaussianBlur(gray[low:high].astype(np.float32), (0, 0), _GRADIENT_SIGMA))
        across = floats(cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=1 / 8))
        down = floats(cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=1 / 8))
        inner = slice(rows.start - low, rows.stop - low)
        yield rows, inner, smooth, magnitude(across, down)[inner]


def find_edges(gray: NDArray[np.uint8], roi: Mask | None, min_contrast: float) -> Edges:
    """Find the edges of an 8-bit image that have a least contrast, where pixels count. [gray levels]"""
    histogram = np.zeros(4096, np.int64)
    for rows, _, _, gradient in gradients(gray):
        inside = gradient.ravel() if roi is None else gradient[roi[rows]]
        histogram += np.bincount(np.minimum(inside * 50, 4095).astype(np.int32), minlength=4096)
    share = np.cumsum(histogram) / max(1, histogram.sum())
    quiet = float(np.interp(_QUIET, share, (np.arange(4096) + 1) / 50))
    # the gradient of noise is Rayleigh distributed
    noise = max(_COARSE, quiet / float(np.sqrt(-2 * np.log(1 - _QUIET))))
    gate, sure = _GATE * noise, _SURE * noise
    # dense structure leaves few quiet places and the gate comes out high: an outline may then be weaker than it
    centers = (np.arange(4096) + 0.5) / 50
    strong = histogram * np.where(centers > gate, centers, 0)
    typical = float((strong * centers).sum() / strong.sum()) if strong.any() else gate
    support = min(gate, _SUPPORT * typical)

    height, width = gray.shape
    blocks = ((height + BLOCK - 1) // BLOCK, (width + BLOCK - 1) // BLOCK)
    mask = np.zeros((height, (width + 7) // 8), np.uint8)
    # of an image of a gigapixel each of these has 250 MB: they lie where the image does
    weights, levels, contrasts = (zeros_like(gray, np.float32, blocks) for _ in range(3))
    totals = np.zeros(3)
    n_edge = n_sure = 0
    window = np.ones((2 * PLATEAU_PX + 1, 2 * PLATEAU_PX + 1), np.uint8)
    for rows, inner, smooth, gradient in gradients(gray):
        edge = gradient > gate
        n = rows.stop - rows.start
        contrast = (cv2.dilate(smooth, window) - cv2.erode(smooth, window))[inner]
        visible = contrast >= min_contrast
        if roi is not None:
            visible &= roi[rows]
        edge &= visible
        n_edge += int(np.count_nonzero(edge))
        mask[rows] = np.packbits(visible & (gradient > support), axis=1)
        n_sure += int(np.count_nonzero(edge & (gradient > sure)))
        weight = np.where(edge, np.minimum(gradient, 3 * gate), 0).astype(np.float32)
        band = slice(rows.start // BLOCK, (rows.stop + BLOCK - 1) // BLOCK)
        for i, (grid, values) in enumerate(
            zip((weights, levels, contrasts), (weight, weight * smooth[inner], weight * contrast), strict=True)
        ):
            padded = cv2.copyMakeBorder(values, 0, -n % BLOCK, 0, -width % BLOCK, cv2.BORDER_CONSTANT, value=0)
            of_blocks = floats(cv2.resize(padded, None, fx=1 / BLOCK, fy=1 / BLOCK, interpolation=cv2.INTER_AREA))
            grid[band] = of_blocks
            totals[i] += of_blocks.sum(dtype=np.float64)
    total, level, of_contrast = (float(one) for one in totals)
    if n_sure < _SURE_PIXELS or total == 0:
        empty = zeros_like(gray, np.float32, blocks)
        return Edges(mask=mask, noise=noise, n=0, level=0.0, contrast=0.0, level_map=empty, contrast_map=empty)
    far = 1e-6 * total / weights.size  # what the mean of the image weighs beside what is near
    near = _spread(weights)
    near += far
    for grid, mean in ((levels, level / total), (contrasts, of_contrast / total)):
        spread = _spread(grid)
        spread += far * mean
        spread /= near
        grid[:] = spread
    return Edges(
        mask=mask,
        noise=noise,
        n=n_edge,
        level=level / total,
        contrast=of_contrast / total,
        level_map=levels,
        contrast_map=contrasts,
    )


def _spread(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sum of Gaussian means over octaves of width, each half the weight of the one before: near counts more."""
    size = (image.shape[1], image.shape[0])
    total, octave, share = None, image[:], 1.0  # all of it in memory
    while True:
        smooth = floats(cv2.GaussianBlur(octave, (0, 0), 1.0, borderType=cv2.BORDER_REFLECT))
        tall, wide = octave.shape
        octave = floats(cv2.resize(smooth, ((wide + 1) // 2, (tall + 1) // 2), interpolation=cv2.INTER_AREA))
        if total is None:
            total = smooth  # and no other image as large is made
        else:
            grown = floats(cv2.resize(smooth, size, interpolation=cv2.INTER_LINEAR))
            grown *= share
            total += grown
        if min(tall, wide) < 8:
            return total
        share /= 2


def same_everywhere(level: float) -> Level:
    """One level for all pixels."""
    return lambda _: level


def carried_level(edges: Edges, width: int, shift: float) -> Callable[[slice], NDArray[np.float32]]:
    """Level of every pixel of some rows."""

    def level(blocks: slice) -> NDArray[np.float32]:
        return edges.level_map[blocks] + shift * edges.contrast_map[blocks]

    return carried(level, edges.level_map.shape, width)


def carried(
    values: Callable[[slice], NDArray[np.float32]], blocks: tuple[int, ...], width: int
) -> Callable[[slice], NDArray[np.float32]]:
    """Values of the block grid in every pixel of some rows; no image of full size is held.

    ``values``: gives those of some rows of the grid. ``blocks``: its rows and columns.
    """

    def every(rows: slice) -> NDArray[np.float32]:
        # a block more on both sides: between block centers the level is linear
        low, high = max(0, rows.start // BLOCK - 1), min(blocks[0], -(-rows.stop // BLOCK) + 1)
        size = (blocks[1] * BLOCK, (high - low) * BLOCK)
        first = low * BLOCK
        full = floats(cv2.resize(values(slice(low, high)), size, interpolation=cv2.INTER_LINEAR))
        return full[rows.start - first : rows.stop - first, :width]

    return every


def above(gray: NDArray[np.uint8], level: Level) -> NDArray[np.uint8]:
    """1 where the gray value is above the level, else 0; in bands, so that no second float image is made."""
    made = zeros_like(gray, np.uint8)
    for rows in bands(gray.shape):
        made[rows] = gray[rows] > level(rows)
    return made
