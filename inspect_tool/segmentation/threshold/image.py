"""The image that levels are applied to: which channel it is, in 8 bits, flat and smooth, and its edges."""

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import BackendError
from inspect_tool.images import color
from inspect_tool.images.filters import flat_field, noise_sigma
from inspect_tool.model import GrayImage, Mask, Micrograph, Samples
from inspect_tool.pixels.reduced import every
from inspect_tool.pixels.stored import StoredImage
from inspect_tool.segmentation.threshold.bands import by_bands
from inspect_tool.segmentation.threshold.edges import Edges, find_edges
from inspect_tool.segmentation.threshold.gray_levels import has_two_humps, histogram_of, separation
from inspect_tool.segmentation.threshold.settings import Settings, may_take_hues, number_of_classes

_CLEAR = 8.0  # contrast / noise that denoising aims at: a pixel then lies wrong once in 30 000
_WIDEST_MEDIAN = 9  # [px]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ready:
    """An image made ready for its levels."""

    gray: NDArray[np.uint8]  # smooth; of methods by edges flat, too
    roi: Mask | None  # pixels that count
    path: str
    offset: float  # gray value of the file = offset + step * value
    step: float
    denoise_px: int  # side of the median behind it
    edges: Edges
    axis: color.Axis | None = None  # along which color was taken in place of gray


def made_ready(micrograph: Micrograph, settings: Settings) -> Ready:
    """Bring an image to 8 bits, flat and smooth, and find its edges.

    Raises
    ------
    BackendError
        An image without contrast, a region without a pixel, a color channel of a gray image.
    """
    roi = micrograph.roi
    image, axis = _channel(micrograph, settings)
    gray, offset, step = eight_bit(image, roi, micrograph.path)
    if settings.method in ("auto", "edge") and settings.flat_field != "off" and number_of_classes(settings) == 2:
        gray = cast("NDArray[np.uint8]", flat_field(gray, model="subtract", roi=roi))
    edges = find_edges(gray, roi, settings.min_contrast / step)
    gray, denoise_px = _denoised(gray, roi, edges, settings)
    if denoise_px > 1 and edges.n:
        # a median makes patches of noise, with edges of their own: where there was none before, there is none
        edges = find_edges(gray, roi, settings.min_contrast / step)
    return Ready(
        gray=gray,
        roi=roi,
        path=micrograph.path,
        offset=offset,
        step=step,
        denoise_px=denoise_px,
        edges=edges,
        axis=axis,
    )


def _channel(micrograph: Micrograph, settings: Settings) -> tuple[GrayImage, color.Axis | None]:
    """The image that levels are applied to, and the axis where it was made from color."""
    if settings.channel in ("auto", "gray"):
        if micrograph.color is None or not may_take_hues(settings):
            return micrograph.pixels, None
        axis = color.axis_of(micrograph.color, micrograph.roi)
        if axis is None:
            return micrograph.pixels, None
        # two hues are neither dark nor bright: the one of less area takes the place of the phase of interest
        axis = color.reversed_axis(axis) if settings.phase == "bright" else axis
        return color.along_axis(micrograph.color, axis), axis
    if micrograph.color is None:
        msg = f"{micrograph.path}: a gray image has no {settings.channel} channel; set channel = 'gray'"
        raise BackendError(msg)
    return color.channel(micrograph.color, ("red", "green", "blue").index(settings.channel)), None


def eight_bit(image: GrayImage, roi: Mask | None, path: str) -> tuple[NDArray[np.uint8], float, float]:
    """Bring an image to 8 bits: gray = offset + step * value; extreme outliers are clipped."""
    counted = image.size if roi is None else int(roi.sum())
    if counted == 0:
        msg = f"{path}: the region holds no pixel; check [region] of the job"
        raise BackendError(msg)
    if image.dtype == np.uint8:
        filled = np.flatnonzero(histogram_of(cast("NDArray[np.uint8]", image), roi))
        low, high = float(filled[0]), float(filled[-1])
        offset, step = 0.0, 1.0
    else:
        low, high = ends_of(every(image, sample_step(counted), roi))
        offset, step = low, (high - low) / 255
    if not high > low:
        msg = f"{path}: the image is constant (gray value {low:g}); there is nothing to tell apart"
        raise BackendError(msg)
    if image.dtype == np.uint8:
        return (image if isinstance(image, StoredImage) else np.ascontiguousarray(image)), offset, step
    return by_bands(lambda part: in_eight_bits(part, offset, step), image), offset, step


def sample_step(pixels: int) -> int:
    """Every how many pixels of an image tell its range of gray values."""
    return max(1, pixels // 1_000_000)


def ends_of(sample: Samples) -> tuple[float, float]:
    """Gray values that become 0 and 255: without extreme outliers."""
    low, high = (float(value) for value in np.percentile(sample, (0.01, 99.99)))
    return low, high


def in_eight_bits(band: Samples, offset: float, step: float) -> NDArray[np.uint8]:
    """Bring real gray values to 8 bits: gray = offset + step * value."""
    made: NDArray[np.uint8] = np.clip(np.rint((band - offset) / step), 0, 255).astype(np.uint8)
    return made


def _denoised(
    gray: NDArray[np.uint8], roi: Mask | None, edges: Edges, settings: Settings
) -> tuple[NDArray[np.uint8], int]:
    """Image behind the smallest median that shows the classes clear of the noise, and its side.

    They are clear where the contrast of the edges is; where no edge is found, where the gray values have two humps. A
    median that takes noise away moves the classes apart, one that takes fine structure away brings them together:
    a wider one is tried only as long as the separation of the classes does not fall.
    """
    if settings.denoise_px != "auto":
        return median(gray, settings.denoise_px), settings.denoise_px
    if settings.method == "fixed":
        return gray, 1  # who gives a level means the pixels as they are
    n, noise = number_of_classes(settings), noise_sigma(gray)
    side = 3 if edges.n else 1
    taken = median(gray, side)
    histogram = histogram_of(taken, roi)
    while side < _WIDEST_MEDIAN:
        # a median of n pixels leaves 1.25 / sqrt(n) of the noise
        if edges.contrast >= _CLEAR * noise * 1.25 / side if edges.n else has_two_humps(histogram):
            break
        wider = median(gray, side + 2)
        then = histogram_of(wider, roi)
        if separation(then, n) < separation(histogram, n):
            break
        taken, side, histogram = wider, side + 2, then
    return taken, side


def median(gray: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Median of the square of a side around every pixel; it lies where the image does."""
    if side == 1:
        return gray
    return by_bands(lambda part: cv2.medianBlur(part, side), gray, rim=side // 2)
