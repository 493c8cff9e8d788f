"""Things in a matrix of grains of many tints: no gray of the image is theirs, but they are darkest where they lie.

The matrix around every pixel is, color by color, the median of a window that grains and dark things share; each color
is taken over its own matrix, and all count the same. What is darker than half of it is surely no grain, and says how
dark black is here. Half-way between black and the matrix the level is at most: dark grains beside bright ones lie below
it too. From the darkest level on, contours follow the edges of what is black farther and farther, until one runs
through a grain; the level before that is taken. Bright things are dark in the negative.
"""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.images import color
from inspect_tool.model import Mask, Micrograph
from inspect_tool.pixels.parts import connected_parts, strips
from inspect_tool.pixels.reduced import area_mean, bilinear
from inspect_tool.pixels.stored import zeros_like
from inspect_tool.segmentation.threshold.bands import bands, by_bands
from inspect_tool.segmentation.threshold.by_edges import OnEdges, by_one_level
from inspect_tool.segmentation.threshold.contours import contours, darkest_level
from inspect_tool.segmentation.threshold.edges import find_edges
from inspect_tool.segmentation.threshold.gray_levels import histogram_of, median_of
from inspect_tool.segmentation.threshold.image import Ready, eight_bit, median
from inspect_tool.segmentation.threshold.settings import Settings, number_of_classes, window_of

MATRIX = 170.0
"""Gray value that the matrix has in an image over it; brighter things are cut at one and a half times as much."""

OVER_MATRIX = "over the matrix"
"""Name of the method, among those that were taken."""

_SURE = 0.5  # of the matrix around: darker pieces are no grains
_FEWEST_PX = 9  # of a piece that tells how dark black is
_MEDIAN_PX = 127  # side of the median; where the window is wider, on a smaller picture
_SPECK_WINDOWS = 8  # along the shorter side, where faint specks count: they are dark beside their own grain
_DENOISE_PX = 3  # median before


def may_hide(ready: Ready, micrograph: Micrograph, settings: Settings) -> bool:
    """Whether grains of many tints may hide a phase from its gray level, as far as settings and image say."""
    return (
        settings.matrix == "auto"
        and settings.method == "auto"
        and settings.phase != "auto"
        and settings.channel == "auto"
        and number_of_classes(settings) == 2
        and micrograph.color is not None
        and ready.axis is None
    )


def vary_inside(ranks: NDArray[np.uint8], micrograph: Micrograph, *only: int) -> bool:
    """Whether classes have areas of several tints: all classes, or those named."""
    picture = micrograph.color
    return picture is not None and color.spread_inside(picture, ranks, micrograph.roi, only) > color.MANY_TINTS


def made_ready(micrograph: Micrograph, settings: Settings) -> tuple[Ready, float | None]:
    """The image over its matrix, and the gray value of what is black in it; None: nothing is clearly darker.

    Of a bright phase it is that of the negative.
    """
    roi, picture = micrograph.roi, micrograph.color
    channels = (
        [eight_bit(micrograph.pixels, roi, "")[0]]
        if picture is None
        else [color.channel(picture, number) for number in range(3)]
    )
    if settings.phase == "bright":
        channels = [by_bands(cv2.bitwise_not, one) for one in channels]
    side = _DENOISE_PX if settings.denoise_px == "auto" else settings.denoise_px
    window_px = window_of(channels[0].shape, settings, micrograph.path, _SPECK_WINDOWS if settings.specks else 1)
    gray = over_matrix([median(one, side) for one in channels], roi, window_px)
    ready = Ready(
        gray=gray,
        roi=roi,
        path=micrograph.path,
        offset=0.0,
        step=1 / MATRIX,
        denoise_px=side,
        edges=find_edges(gray, roi, 0.0),
    )
    return ready, black_of(gray, roi)


def on_edges(ready: Ready, black: float) -> OnEdges | None:
    """The darkest level whose contour lies on edges, at most half-way between black and the matrix; None: none does."""
    if not ready.edges.n:
        return None
    levels = contours(ready.gray, ready.edges.mask, ready.roi, bands(ready.gray.shape))
    pixels = ready.gray.size if ready.roi is None else int(ready.roi.sum())
    darkest = darkest_level(levels, pixels)
    if darkest is None:
        return None
    return by_one_level(ready, min(float(darkest), (MATRIX + black) / 2), method=OVER_MATRIX)


def over_matrix(channels: Sequence[NDArray[np.uint8]], roi: Mask | None, window_px: int) -> NDArray[np.uint8]:
    """Divide an image by the matrix around every pixel, color by color, and take the mean of all colors.

    Parameters
    ----------
    channels : arrays of shape (rows, columns)
        One, or red, green and blue, without noise; 0 is black.
    roi : bool array, optional
        Pixels that count; the median of all of them stands for the others.
    window_px : int
        Side of the window: grains are smaller or as large, and dark things fill less than half of it.

    Returns
    -------
    uint8 array of shape (rows, columns)
        ``MATRIX`` times the share; it lies where the channels do.
    """
    matrices = [_matrix(one, roi, window_px) for one in channels]
    made = zeros_like(channels[0], np.uint8)
    for rows in bands(made.shape):
        total = sum(one[rows] / np.maximum(matrix(rows), 1.0) for one, matrix in zip(channels, matrices, strict=True))
        made[rows] = np.clip(np.rint(MATRIX / len(channels) * total), 0, 255)
    return made


def _matrix(image: NDArray[np.uint8], roi: Mask | None, window_px: int) -> Callable[[slice], NDArray[np.float32]]:
    """Median of the window around every pixel of some rows; of a wide one on a smaller picture."""
    shape, factor = image.shape, max(1, -(-window_px // _MEDIAN_PX))
    size, side = (max(1, shape[1] // factor), max(1, shape[0] // factor)), (window_px // factor) | 1
    other = np.uint8(0 if roi is None else median_of(histogram_of(image, roi)))

    def counted(rows: slice) -> NDArray[np.uint8]:
        return image[rows] if roi is None else np.where(roi[rows], image[rows], other)

    if factor > 1:
        found = cv2.medianBlur(np.asarray(area_mean(image, size, counted), np.uint8), side).astype(np.float32)
        return lambda rows: bilinear(found, shape, (rows, slice(0, shape[1])))
    filled = image if roi is None else by_bands(lambda part, inside: np.where(inside, part, other), image, roi)
    whole = median(filled, side)
    return lambda rows: whole[rows].astype(np.float32)


def black_of(gray: NDArray[np.uint8], roi: Mask | None) -> float | None:
    """Gray value of what is black in an image over its matrix; None: nothing is clearly darker than the matrix."""

    def dark(top: int, bottom: int) -> Mask:
        found: Mask = gray[top:bottom] < _SURE * MATRIX
        return found if roi is None else found & roi[top:bottom]

    pieces = connected_parts(dark, gray.shape)
    darkest = np.full(len(pieces.area), np.inf)
    for top, bottom in strips(gray.shape):
        numbers = pieces.rows(top, bottom)
        inside = numbers > 0
        np.minimum.at(darkest, numbers[inside], gray[top:bottom][inside])
    telling = pieces.area >= _FEWEST_PX
    if not telling.any():
        return None
    order = np.argsort(darkest[telling], kind="stable")
    reached = np.cumsum(pieces.area[telling][order])
    at = int(np.searchsorted(reached, reached[-1] / 2))
    return float(darkest[telling][order][at])
