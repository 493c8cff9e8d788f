"""Shading and noise of an image. Linear cost throughout."""

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import GrayImage, Mask
from inspect_tool.pixels.parts import strips
from inspect_tool.pixels.reduced import area_mean, between_rows, bilinear
from inspect_tool.pixels.stored import zeros_like

_SMALL = 256  # long side of the picture on which a background is estimated [px]


def background(pixels: GrayImage, *, sigma_px: float) -> NDArray[np.float32]:
    """Slow change of brightness over an image, by a Gaussian.

    Estimated on a picture shrunk to 256 px, so that the cost is one pass over the image.

    Parameters
    ----------
    pixels : array, (rows, columns)
        Gray values.
    sigma_px : float
        Width of the Gaussian. [px]

    Returns
    -------
    array, (rows, columns) float32
        Gray values of the background.
    """
    size, shrink = _small_size(pixels.shape)
    small = area_mean(pixels, size).astype(np.float32)
    smooth = cv2.GaussianBlur(small, (0, 0), sigma_px / shrink, borderType=cv2.BORDER_REFLECT)
    full = cv2.resize(smooth, pixels.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return full.astype(np.float32, copy=False)


def flat_field(
    pixels: GrayImage, *, model: Literal["divide", "subtract"] = "divide", roi: Mask | None = None
) -> GrayImage:
    """Take shading out of an image and keep its mean gray value and type.

    The background is a polynomial of second degree in row and column, on a picture shrunk to 256 px, fitted again
    without the darkest and brightest pixels (phases, pores), so that they do not pull it. ``divide`` suits light that
    falls unevenly (optical), ``subtract`` an offset that varies (X-ray scatter, SEM). Division needs a background that
    is positive everywhere; where it is not, the offset is subtracted.

    Parameters
    ----------
    pixels : array or stored image, (rows, columns)
        Gray values; what is given lies where they do.
    roi : array of bool, optional
        Pixels that count.
    """
    rows, columns = pixels.shape
    small = _polynomial(pixels, roi)
    wide = bilinear(small, (len(small), columns), (slice(0, len(small)), slice(0, columns)))
    total, n, least = 0.0, 0, np.inf
    for top, bottom in strips(pixels.shape):
        slow = between_rows(wide, rows, slice(top, bottom))
        counted = slow if roi is None else slow[roi[top:bottom]]
        total, n, least = total + float(counted.sum(dtype=np.float64)), n + counted.size, min(least, float(slow.min()))
    mean = total / n
    made = zeros_like(pixels, pixels.dtype)
    for top, bottom in strips(pixels.shape):
        slow = between_rows(wide, rows, slice(top, bottom))
        if model == "divide" and least > 0.05 * mean > 0:
            np.divide(np.float32(mean), slow, out=slow)
            np.multiply(slow, pixels[top:bottom], out=slow)
        else:
            np.subtract(np.float32(mean), slow, out=slow)
            np.add(slow, pixels[top:bottom], out=slow)
        made[top:bottom] = slow if pixels.dtype == np.float32 else np.clip(np.rint(slow), 0, 255)
    return made


def _small_size(shape: tuple[int, ...]) -> tuple[tuple[int, int], float]:
    """Columns and rows of a picture whose long side is 256 px, and how many pixels are one of its own."""
    height, width = shape
    shrink = max(1.0, max(height, width) / _SMALL)
    return (max(1, round(width / shrink)), max(1, round(height / shrink))), shrink


def _polynomial(pixels: GrayImage, roi: Mask | None) -> NDArray[np.float32]:
    size, _ = _small_size(pixels.shape)
    if roi is None:
        small = area_mean(pixels, size).astype(np.float32)
        return _fitted(small, np.ones_like(small))
    weight = area_mean(pixels, size, lambda rows: roi[rows].astype(np.uint8) * np.uint8(255)) / np.float32(255)
    inside = area_mean(pixels, size, lambda rows: pixels[rows] * roi[rows]).astype(np.float32)
    return _fitted(inside / np.maximum(weight, np.float32(1e-6)), weight)


def _fitted(small: NDArray[np.float32], weight: NDArray[np.float32]) -> NDArray[np.float32]:
    rows, columns = np.mgrid[-1 : 1 : small.shape[0] * 1j, -1 : 1 : small.shape[1] * 1j]
    terms = np.stack([np.ones_like(rows), rows, columns, rows * columns, rows**2, columns**2], axis=-1).reshape(-1, 6)
    values, counted = small.ravel().astype(float), weight.ravel() > 0.5
    solution = _least_squares(terms, values, counted)
    for _ in range(4):
        rest = values - terms @ solution
        middle = np.median(rest[counted])
        spread = 1.4826 * np.median(np.abs(rest[counted] - middle))
        near = counted & (np.abs(rest - middle) <= 2 * spread)
        if np.count_nonzero(near) < 60:
            break
        solution = _least_squares(terms, values, near)
    fitted: NDArray[np.float32] = (terms @ solution).reshape(small.shape).astype(np.float32)
    return fitted


def _least_squares(
    terms: NDArray[np.float64], values: NDArray[np.float64], counted: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Fit by the normal equations: six terms on -1 .. 1 are well conditioned, and 20 times as fast as by SVD."""
    weighted = terms * counted[:, None]
    solution: NDArray[np.float64] = np.linalg.lstsq(weighted.T @ terms, weighted.T @ values, rcond=None)[0]
    return solution


def noise_sigma(pixels: GrayImage) -> float:
    """Standard deviation of pixel noise, robust against structure. [gray values]

    Median absolute second difference in both directions (the mask of Immerkaer, CVIU 64, 1996, p. 300), which
    sloping and straight edges leave at zero. At most 4 Mpx are looked at, in strips spread over the image.
    Noise that is correlated between pixels (JPEG, interpolation) comes out too small.
    """
    height, width = pixels.shape
    if height < 3 or width < 3:
        return 0.0
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float32)
    tall = max(3, min(height, 4_000_000 // width // 16))
    tops = range(0, height - tall + 1, max(tall, height // 16))
    found = [np.abs(cv2.filter2D(pixels[top : top + tall], cv2.CV_32F, kernel)[1:-1, 1:-1]).ravel() for top in tops]
    values = np.concatenate(found)
    middle = float(np.median(values))
    # whole gray values make the median coarse: below one step the mean is finer
    if middle > 6 or pixels.dtype != np.uint8:
        return middle / 0.6744897501960817 / 6
    inner = values[values <= np.percentile(values, 95)]
    return float(np.sqrt(np.mean(inner.astype(float) ** 2) / _SECOND_MOMENT_95) / 6)


# mean of z² over |z| below its 95th percentile, z standard normal
_SECOND_MOMENT_95 = 0.7588
