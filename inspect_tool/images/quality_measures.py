"""Figures of image quality from plain arrays: blur and height of the edges tile by tile, shading, clipping, blocks.

Edges are where the gradient of the image, smoothed by a Gaussian, has a crest. An edge of height h that was blurred
by a standard deviation σ has the gradient h / √(2π (σ² + s²)) behind a Gaussian of s, so that the gradients behind
two Gaussians give σ and h apart. What noise adds to the square of a gradient is known and taken off. What loses more
of its gradient behind the wider Gaussian than any edge does is a speck of about their width: its height is that of a
blob, which is gray to a depth that no plateau shows. All cost is linear in pixels.
"""

from dataclasses import dataclass
from math import e, pi, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.images.filters import noise_sigma
from inspect_tool.model import GrayImage, Mask
from inspect_tool.pixels.gradients import magnitude
from inspect_tool.pixels.reduced import every

FloatArray = NDArray[np.float64]
Gray = NDArray[np.float32]

_SCALES = (1.0, 2.0, 4.0)  # standard deviations of the Gaussians [px]
_SOFT_PX = 2.0  # blur above which the wider pair of Gaussians tells it better [px]
_WIDEST_PX = 20.0  # more than that is not told apart [px]
_ABOVE_NOISE = 5.0  # an edge has a gradient of at least so many standard deviations of what noise makes of it
_STRONG = 0.5  # edges count from this share of the gradient that the steepest tenth of their tile has
_HALO_PX = 14  # beyond the reach of the widest Gaussian
_FEW = 25  # pixels of edges below which a tile has no structure
_SPECK = 5.0  # ratio of squared gradients behind two Gaussians; of a sharp edge or a line 4, of a point up to 12.7
_PIXEL = 1 / (2 * pi)  # squared standard deviation of the blob as high and as large as one pixel [px²]
_FAINT = 0.3  # tiles with lower edges than this share of the highest ones have only texture
_TILE_PX = 96  # shortest side of a tile
_MOST = 8  # tiles along a side
_QUANTIZATION = 0.2887  # noise of rounding to whole steps, 1/√12 [steps]
_DRAWN = 8  # gray values of a drawing, at most
_FIT_TILES = 12  # tiles below which a trend of six terms is no trend
_SAMPLE = 1_000_000  # pixels that are looked at for steps of the gray scale and for blocks


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Edges:
    """Edges of an image tile by tile, (tile rows, tile columns) each; NaN where a tile has no structure."""

    blur_px: FloatArray  # standard deviation of the blur of the strongest edges; a thin line counts as a sharper edge
    height: FloatArray  # change of gray value over them
    level: FloatArray  # gray value half way up
    is_speck: Mask  # what is steepest there is no edge: specks that are hardly wider than the blur
    noise: float  # standard deviation of the noise, at least that of rounding [gray values]
    step: float  # of the gray scale [gray values]


def edges(pixels: GrayImage, roi: Mask | None = None) -> Edges:
    """Blur, height and level of the strongest edges in every tile.

    Parameters
    ----------
    pixels : array, (rows, columns)
        Gray values, uint8 or float32.
    roi : array of bool, optional
        Pixels that count; edges of the region itself do not.
    """
    shape = pixels.shape
    tiles = (_tiles_along(shape[0]), _tiles_along(shape[1]))
    step = gray_step(pixels)
    noise = max(noise_sigma(pixels), _QUANTIZATION * step)
    blank = np.full(tiles, np.nan)
    if min(shape) < 3:
        nowhere = np.zeros(tiles, np.bool_)
        return Edges(blur_px=blank, height=blank, level=blank, is_speck=nowhere, noise=noise, step=step)
    found = np.full((2, 4, *tiles), np.nan)
    for i in range(tiles[0]):  # one row of tiles at a time keeps the gradients of a large image out of memory
        rows = slice(_start(i, tiles[0], shape[0]), _start(i + 1, tiles[0], shape[0]))
        around = slice(max(0, rows.start - _HALO_PX), min(shape[0], rows.stop + _HALO_PX))
        band = np.ascontiguousarray(pixels[around])
        counts = np.zeros(band.shape, np.bool_)
        own = slice(rows.start - around.start, rows.stop - around.start)
        counts[own] = True if roi is None else _eroded(roi[around])[own]
        gradients = [_gradient(band, scale) for scale in _SCALES]
        for k in (0, 1):
            found[k, :, i] = _by_tile(band, gradients[k : k + 2], _SCALES[k : k + 2], noise, counts, tiles[1])
    fine, coarse = found
    # soft edges are found behind the wider Gaussians, where noise does not make crests of its own
    is_soft = (coarse[0] > _SOFT_PX) | np.isnan(fine[0])
    blur, height, level, depth = np.where(is_soft, coarse, fine)
    if np.isfinite(height).any():
        faint = height < _FAINT * np.nanpercentile(height, 90)
        blur[faint] = height[faint] = level[faint] = depth[faint] = np.nan
    is_speck = np.isfinite(depth)
    height = np.where(is_speck, depth, height)
    return Edges(blur_px=blur, height=height, level=level, is_speck=is_speck, noise=noise, step=step)


def _tiles_along(side: int) -> int:
    return max(1, min(_MOST, side // _TILE_PX))


def _start(tile: int, tiles: int, side: int) -> int:
    return tile * side // tiles


def _eroded(roi: Mask) -> Mask:
    """Pixels whose surroundings belong to the region too, so that its own outline is no edge."""
    side = 2 * int(2 * _SCALES[-1]) + 1
    kept = cv2.erode(roi.astype(np.uint8), np.ones((side, side), np.uint8), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(kept > 0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Gradient:
    """Gradient behind one Gaussian, and what white noise of standard deviation 1 makes of one component."""

    across: Gray
    down: Gray
    gain: float


def _gradient(pixels: GrayImage, scale: float) -> _Gradient:
    smooth = cv2.getGaussianKernel(2 * int(3 * scale + 0.5) + 1, scale, cv2.CV_32F).ravel()
    slope = smooth * (np.arange(len(smooth), dtype=np.float32) - len(smooth) // 2)
    slope /= np.float32((slope * (np.arange(len(smooth)) - len(smooth) // 2)).sum())
    across = cv2.sepFilter2D(pixels, cv2.CV_32F, slope, smooth, borderType=cv2.BORDER_REFLECT_101)
    down = cv2.sepFilter2D(pixels, cv2.CV_32F, smooth, slope, borderType=cv2.BORDER_REFLECT_101)
    gain = sqrt(float((slope.astype(float) ** 2).sum() * (smooth.astype(float) ** 2).sum()))
    return _Gradient(across=np.asarray(across), down=np.asarray(down), gain=gain)


def _by_tile(
    pixels: GrayImage,
    gradients: list[_Gradient],
    scales: tuple[float, ...],
    noise: float,
    counts: Mask,
    tiles: int,
) -> FloatArray:
    """Blur, height, level and depth of specks in the tiles of one row, (4, tiles), from behind two Gaussians."""
    narrow, wide = gradients
    rows, columns = _crests(wide, _ABOVE_NOISE * wide.gain * noise, counts)
    one, two = (
        made.across[rows, columns].astype(float) ** 2 + made.down[rows, columns].astype(float) ** 2
        for made in (narrow, wide)
    )
    gray = pixels[rows, columns].astype(float)
    found = np.full((4, tiles), np.nan)
    for i in range(tiles):
        start, stop = (_start(k, tiles, pixels.shape[1]) for k in (i, i + 1))
        own = np.flatnonzero((columns >= start) & (columns < stop))
        if len(own) < _FEW:
            continue
        own = own[two[own] >= _STRONG**2 * np.percentile(two[own], 90)]
        # both components of the noise add to the square
        squares = [
            float(values[own].mean()) - 2 * (noise * made.gain) ** 2
            for values, made in zip((one, two), (narrow, wide), strict=True)
        ]
        # behind a wider Gaussian an edge is less steep; a pair of opposite edges may not be, and has no blur to tell
        if squares[0] > squares[1] > 0:
            ratio = squares[0] / squares[1]
            blur = _blur(ratio, *scales)
            height = sqrt(2 * pi * squares[1] * (blur**2 + scales[1] ** 2))
            depth = _depth(ratio, sqrt(squares[1]), *scales) if ratio > _SPECK else np.nan
            found[:, i] = blur, height, gray[own].mean(), depth
    return found


def _crests(gradient: _Gradient, lowest: float, counts: Mask) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pixels where the gradient is steepest along the axis that it follows more."""
    steep = magnitude(gradient.across, gradient.down)
    middle = steep[1:-1, 1:-1]
    sideways = np.abs(gradient.across[1:-1, 1:-1]) >= np.abs(gradient.down[1:-1, 1:-1])
    crest = np.where(
        sideways,
        (middle >= steep[1:-1, :-2]) & (middle > steep[1:-1, 2:]),
        (middle >= steep[:-2, 1:-1]) & (middle > steep[2:, 1:-1]),
    )
    crest &= (middle > lowest) & counts[1:-1, 1:-1]
    rows, columns = np.nonzero(crest)
    return rows + 1, columns + 1


def _blur(ratio: float, narrow: float, wide: float) -> float:
    """Blur from the ratio of squared gradients, (σ² + wide²) / (σ² + narrow²). [px]

    >>> round(_blur((1.5**2 + 4) / (1.5**2 + 1), 1.0, 2.0), 9)
    1.5
    """
    return min(_WIDEST_PX, sqrt(max(0.0, (wide**2 - ratio * narrow**2) / (ratio - 1))))


def _depth(ratio: float, gradient: float, narrow: float, wide: float) -> float:
    """Depth of a Gaussian blob of h exp(-r² / 2τ²) from its gradients where the wider one is steepest. [gray values]

    Behind a Gaussian of s the blob has the variance t² = τ² + s² and is steepest at r = t, with h τ² / t³ √e. There the
    squared gradients have the ratio x⁴ exp(1 - x), where x is that of the variances. A blob is no smaller than a pixel.

    >>> tau, depth = 1.0, 100.0
    >>> narrow, wide = tau**2 + 1.0**2, tau**2 + 2.0**2
    >>> gradient = depth * tau**2 / wide**1.5 * e**-0.5
    >>> round(_depth((wide / narrow) ** 4 * e ** (1 - wide / narrow), gradient, 1.0, 2.0), 2)
    100.0
    """
    x = np.linspace(1.0, (wide / narrow) ** 2, 1000)[1:]
    of_variances = float(np.interp(ratio, x**4 * np.exp(1 - x), x))
    variance = max(_PIXEL, (wide**2 - of_variances * narrow**2) / (of_variances - 1))
    return float(gradient * (variance + wide**2) ** 1.5 * sqrt(e) / variance)


def gray_step(pixels: GrayImage) -> float:
    """Smallest difference between two gray values that occur, from a sample. [gray values]

    An image of few values was drawn and not taken by a camera: it has no steps, a 255th of its range stands for one.

    >>> gray_step(np.arange(0, 60, 3, dtype=np.uint8)), gray_step(np.array([0, 255, 255], dtype=np.uint8))
    (3.0, 1.0)
    """
    seen = np.unique(every(pixels, max(1, pixels.size // (_SAMPLE // 10)))).astype(float)
    if len(seen) < 2:
        return 1.0
    return float(np.diff(seen).min()) if len(seen) > _DRAWN else float(seen[-1] - seen[0]) / 255


def trend(level: FloatArray) -> FloatArray | None:
    """Smooth trend of the edge level over the tiles, as far as their scatter lets it be told.

    A surface of second degree in row and column is fitted to the tiles, and shrunk by the share of the scatter that
    it does not explain (adjusted coefficient of determination).

    Parameters
    ----------
    level : array, (tile rows, tile columns)
        NaN for tiles that do not count.

    Returns
    -------
    array, (tile rows, tile columns), or None
        Gray value above the mean of the fit; None below twelve tiles.
    """
    known = np.isfinite(level)
    n = int(known.sum())
    if n < _FIT_TILES:
        return None
    rows, columns = np.mgrid[-1 : 1 : level.shape[0] * 1j, -1 : 1 : level.shape[1] * 1j]
    terms = np.stack([np.ones_like(rows), rows, columns, rows * columns, rows**2, columns**2], axis=-1)
    values = level[known]
    solution, _, rank, _ = np.linalg.lstsq(terms[known], values, rcond=None)
    surface = terms @ solution
    left = float(((values - surface[known]) ** 2).sum()) / max(1, n - int(rank))
    whole = float(values.var(ddof=1))
    explained = max(0.0, 1 - left / whole) if whole > 0 else 0.0
    return np.asarray(explained * (surface - surface[known].mean()), dtype=np.float64)


def clipped_percent(pixels: GrayImage, roi: Mask | None = None) -> tuple[float, float]:
    """Pixels at the dark and at the bright end of the gray scale beyond what the histogram beside it leads to expect.

    The end of an 8-bit image is 0 or 255, that of another one its smallest or largest value. A histogram that only
    runs out there has fewer pixels in its last step than in the one before.

    Returns
    -------
    dark, bright : float
        Share of the pixels that count. [%]
    """
    counted = pixels.ravel() if roi is None else pixels[roi]
    if counted.size == 0:
        return 0.0, 0.0
    if pixels.dtype == np.uint8:
        histogram = np.bincount(counted, minlength=256)
        dark, bright = histogram[0] - histogram[1], histogram[255] - histogram[254]
    else:
        low, high, step = float(counted.min()), float(counted.max()), gray_step(pixels)
        if high - low < 2 * step:
            return 0.0, 0.0
        dark, bright = (
            np.count_nonzero(counted == end) - np.count_nonzero(np.abs(counted - beside) < step / 2)
            for end, beside in ((low, low + step), (high, high - step))
        )
    return 100 * max(0, int(dark)) / counted.size, 100 * max(0, int(bright)) / counted.size


def sharpest_detail(pixels: GrayImage, roi: Mask | None = None) -> float:
    """Strongest detail of 1 to 2 px, dark or bright, over what the noise of the image makes of it. [1]

    The difference of two Gaussians is looked at: white noise alone reaches 4 to 6 in images of 0.1 to 20 Mpx, whatever
    its strength; specks, scratches and fine texture in focus reach more, the same out of focus do not. Single pixels
    that stick out are defects of a camera, which has them without light and out of focus too. The outermost 8 px do
    not count.

    Parameters
    ----------
    pixels : array, (rows, columns)
        Gray values, uint8 or float32.
    roi : array of bool, optional
        Pixels that count; the outline of the region itself is no detail.
    """
    halo, (height, width) = _DETAIL_HALO_PX, pixels.shape
    noise = max(noise_sigma(pixels), _QUANTIZATION * gray_step(pixels))
    inner = None if roi is None else _eroded(roi)
    fine, coarse = (cv2.getGaussianKernel(2 * halo - 1, scale).ravel() for scale in _SCALES[:2])
    gain = float(np.linalg.norm(np.outer(fine, fine) - np.outer(coarse, coarse)))
    strongest = 0.0
    # a mirrored border would make noise stronger than it is
    for top in range(halo, height - halo, _BAND):
        bottom = min(top + _BAND, height - halo)
        gray = pixels[top - halo : bottom + halo].astype(np.float32)
        # a single pixel that sticks out of all its neighbors is set back among them
        high, low = cv2.dilate(gray, _RING), cv2.erode(gray, _RING)
        gray = np.where(gray > high + _ABOVE_NOISE * noise, high, gray)
        gray = np.where(gray < low - _ABOVE_NOISE * noise, low, gray)
        apart = cv2.sepFilter2D(gray, cv2.CV_32F, fine, fine) - cv2.sepFilter2D(gray, cv2.CV_32F, coarse, coarse)
        own = np.abs(apart[halo:-halo, halo : width - halo])
        counted = own if inner is None else own[inner[top:bottom, halo : width - halo]]
        strongest = max(strongest, float(counted.max(initial=0.0)))
    return strongest / (gain * noise) if strongest else 0.0


_DETAIL_HALO_PX = 8
_RING = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], np.uint8)
_BAND = 512  # rows that are looked at together


def contrast_of_black(pixels: GrayImage, roi: Mask | None = None) -> float:
    """Median gray value, which is the contrast that a black spot has to it, over the noise, at least two steps. [1]"""
    counted = pixels.ravel() if roi is None else pixels[roi]
    if counted.size == 0:
        return 0.0
    middle = float(np.median(counted[:: max(1, counted.size // _SAMPLE)]))
    return middle / max(noise_sigma(pixels), 2 * gray_step(pixels))


def block_step(pixels: GrayImage) -> float | None:
    """Step of the gray value at the borders of 8 x 8 blocks beyond that within them. [gray values]

    Differences between neighbors are averaged along rows and columns by their place in a period of 8 px, whatever its
    phase; the smaller of the two directions is given, as lines of a scan run in one direction only. None below
    64 px a side.
    """
    if min(pixels.shape) < 64:
        return None
    return min(_period_step(pixels), _period_step(pixels.T))


def _period_step(pixels: NDArray[np.generic]) -> float:
    every = max(1, pixels.size // _SAMPLE)
    part = np.ascontiguousarray(pixels[::every]).astype(np.float32)
    steps = np.abs(np.diff(part, axis=1))
    np.minimum(steps, 4 * steps.mean(), out=steps)  # edges of the structure are no steps of blocks
    profile = steps.mean(axis=0, dtype=np.float64)
    beside = profile[1:-1] - (profile[:-2] + profile[2:]) / 2
    phases = np.sort(np.median(beside[: len(beside) // 8 * 8].reshape(-1, 8), axis=0))
    return float(phases[-1] - phases[-2])  # without blocks no phase stands out from the rest
