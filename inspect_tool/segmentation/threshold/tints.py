"""Things in a matrix of grains of many tints: no gray of the image is theirs, but they are darkest where they lie.

The matrix around every pixel is, color by color, the median of a window that grains and dark things share; each color
is taken over its own matrix, and all count the same. What is darker than half of it is surely no grain, and says how
dark black is here. Half-way between black and the matrix the level is at most: dark grains beside bright ones lie below
it too. From the darkest level on, contours follow the edges of what is black farther and farther, until one runs
through a grain; the level before that is taken. Bright things are dark in the negative.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import BackendError
from inspect_tool.images import color
from inspect_tool.model import Mask, Micrograph
from inspect_tool.pixels.stored import StoredImage
from inspect_tool.segmentation.threshold.bands import bands
from inspect_tool.segmentation.threshold.by_edges import OnEdges, by_one_level
from inspect_tool.segmentation.threshold.contours import contours, darkest_level
from inspect_tool.segmentation.threshold.edges import find_edges
from inspect_tool.segmentation.threshold.image import Ready, eight_bit
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

    Raises
    ------
    BackendError
        The image is too large to be held.
    """
    if isinstance(micrograph.pixels, StoredImage):
        msg = (
            f"{micrograph.path}: has grains of many tints; what is dark in them is told by medians over wide parts of"
            " the image, which are not taken by windows yet; give matrix = 'even' to tell it by gray alone, or measure"
            " fields of the image (inspect-tool fields cut)"
        )
        raise BackendError(msg)
    roi = micrograph.roi
    side = _DENOISE_PX if settings.denoise_px == "auto" else settings.denoise_px
    picture = micrograph.color if micrograph.color is not None else eight_bit(micrograph.pixels, roi, "")[0]
    window_px = window_of(picture.shape[:2], settings, micrograph.path, _SPECK_WINDOWS if settings.specks else 1)
    gray = over_matrix(
        picture if settings.phase == "dark" else np.asarray(cv2.bitwise_not(picture), np.uint8), roi, window_px, side
    )
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
    pixels = ready.gray.size if ready.roi is None else int(np.count_nonzero(ready.roi))
    darkest = darkest_level(levels, pixels)
    if darkest is None:
        return None
    return by_one_level(ready, min(float(darkest), (MATRIX + black) / 2), method=OVER_MATRIX)


def over_matrix(picture: NDArray[np.uint8], roi: Mask | None, window_px: int, denoise_px: int) -> NDArray[np.uint8]:
    """Divide an image by the matrix around every pixel, color by color, and take the mean of all colors.

    Parameters
    ----------
    picture : array of shape (rows, columns) or (rows, columns, 3)
        0 is black.
    roi : bool array, optional
        Pixels that count; the median of all of them stands for the others.
    window_px : int
        Side of the window: grains are smaller or as large, and dark things fill less than half of it.
    denoise_px : int
        Side of a median before, odd; 1: none.

    Returns
    -------
    uint8 array of shape (rows, columns)
        ``MATRIX`` times the share.
    """
    shape = picture.shape[:2]
    channels = [picture] if picture.ndim == 2 else [np.ascontiguousarray(picture[..., k]) for k in range(3)]
    factor = max(1, -(-window_px // _MEDIAN_PX))
    size = (max(1, shape[1] // factor), max(1, shape[0] // factor))
    total = np.zeros(shape, np.float32)
    for one in channels:
        smooth = np.asarray(cv2.medianBlur(one, denoise_px), np.uint8) if denoise_px > 1 else one
        counted = smooth if roi is None else np.where(roi, smooth, np.uint8(np.median(smooth[roi])))
        small = counted if factor == 1 else cv2.resize(counted, size, interpolation=cv2.INTER_AREA)
        median = np.asarray(cv2.medianBlur(small, (window_px // factor) | 1), np.float32)
        matrix = median if factor == 1 else cv2.resize(median, shape[::-1], interpolation=cv2.INTER_LINEAR)
        total += smooth / np.maximum(matrix, 1.0)
    return np.asarray(np.clip(np.rint(MATRIX / len(channels) * total), 0, 255), np.uint8)


def black_of(gray: NDArray[np.uint8], roi: Mask | None) -> float | None:
    """Gray value of what is black in an image over its matrix; None: nothing is clearly darker than the matrix."""
    dark = gray < _SURE * MATRIX
    if roi is not None:
        dark &= roi
    n, numbers = cv2.connectedComponents(dark.view(np.uint8), connectivity=8)
    pieces = np.asarray(numbers, np.int32)
    area = np.bincount(pieces.ravel(), minlength=n)
    darkest = np.full(n, np.inf)
    np.minimum.at(darkest, pieces[dark], gray[dark])
    telling = area >= _FEWEST_PX
    telling[0] = False
    if not telling.any():
        return None
    order = np.argsort(darkest[telling], kind="stable")
    reached = np.cumsum(area[telling][order])
    at = int(np.searchsorted(reached, reached[-1] / 2))
    return float(darkest[telling][order][at])
