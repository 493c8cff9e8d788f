"""How strong a line or a step is at every pixel of an image: what grain boundaries are seen by.

Line strength is an oriented second derivative, for boundaries that are etched dark or stand out bright; step strength
the gradient over all channels, for grains that differ in gray level or tint.
"""

from math import ceil, sqrt
from typing import Literal

import cv2
import numpy as np

from inspect_tool.measure.flooding import FloatImage
from inspect_tool.model import Mask

ELONGATION = 2.5  # length of the line filter over its width; longer bridges noise, shorter follows curves


def line_strength(
    image: FloatImage, at: Mask, sigma_px: float, polarity: Literal["dark", "bright"], orientations: int = 12
) -> tuple[FloatImage, list[FloatImage]]:
    """Strength of thin lines: largest response of an oriented, elongated second-derivative filter.

    The response to a long line of Gaussian profile with standard deviation ``sigma_px`` is its depth in
    the unit of ``image``; lines of the other polarity and flat regions give 0.

    Parameters
    ----------
    image : array, shape (rows, columns), float32
    at : array of bool, shape (rows, columns)
        Where the noise is looked at.
    sigma_px : float
        Standard deviation of the line profile. [px]
    polarity : "dark" or "bright"
        Lines darker or brighter than their surroundings.

    Returns
    -------
    strength : array, shape (rows, columns), float32
        [unit of image]
    responses : list of arrays
        Size of the response to every orientation at the pixels ``at``: see ``line_noise``. [unit of image]
    """
    sign = 1.0 if polarity == "dark" else -1.0
    best = np.zeros(image.shape, np.float32)
    responses = []
    for angle in np.arange(orientations) * np.pi / orientations:
        response = cv2.filter2D(
            image, cv2.CV_32F, sign * _line_kernel(sigma_px, float(angle)), borderType=cv2.BORDER_REFLECT_101
        )
        responses.append(np.asarray(np.abs(response[at]), np.float32))
        np.maximum(best, response, out=best)
    return best, responses


def line_reach(sigma_px: float) -> int:
    """Distance over which the line filter sees. [px]"""
    return ceil(2.5 * ELONGATION * sigma_px)


def line_noise(responses: list[FloatImage]) -> float:
    """Robust standard deviation of one oriented response, from its median absolute deviation. [unit of image]"""
    return 1.4826 * float(np.median([float(np.median(part)) for part in responses]))


def line_contrast(image: FloatImage, roi: Mask, sigma_px: float, orientations: int = 8) -> tuple[float, float, float]:
    """How strongly dark and bright lines of one width stand out: 97th percentiles of both strengths, and the noise.

    Parameters
    ----------
    roi : array of bool, shape (rows, columns)
        Where the image counts.

    Returns
    -------
    dark, bright, noise : float
        [unit of image]
    """
    dark = np.zeros(image.shape, np.float32)
    bright = dark.copy()
    spread = []
    for angle in np.arange(orientations) * np.pi / orientations:
        response = np.asarray(
            cv2.filter2D(image, cv2.CV_32F, _line_kernel(sigma_px, float(angle)), borderType=cv2.BORDER_REFLECT_101),
            np.float32,
        )
        spread.append(float(np.median(np.abs(response[roi][::7]))))
        np.maximum(dark, response, out=dark)
        np.minimum(bright, response, out=bright)
    strong_dark, strong_bright = (float(np.percentile(part[roi][::3], 97)) for part in (dark, -bright))
    return strong_dark, strong_bright, 1.4826 * float(np.median(spread))


def _line_kernel(sigma_px: float, angle: float) -> FloatImage:
    along = ELONGATION * sigma_px
    half = line_reach(sigma_px)
    rows, columns = np.mgrid[-half : half + 1, -half : half + 1].astype(float)
    s = columns * np.sin(angle) - rows * np.cos(angle)  # across the line
    t = columns * np.cos(angle) + rows * np.sin(angle)
    window = np.exp(-(t**2) / (2 * along**2) - s**2 / (2 * sigma_px**2))
    kernel = (s**2 / sigma_px**2 - 1) * window
    kernel -= window * kernel.sum() / window.sum()  # flat regions must give 0
    line = np.exp(-(s**2) / (2 * sigma_px**2))
    return np.asarray(kernel / -(kernel * line).sum(), np.float32)


def step_strength(channels: FloatImage, at: Mask, sigma_px: float) -> tuple[FloatImage, list[FloatImage]]:
    """Strength of steps between regions: height of the step, over all channels.

    Parameters
    ----------
    channels : array, shape (rows, columns, n), float32
        Gray level or color coordinates of one unit.
    at : array of bool, shape (rows, columns)
        Where the noise is looked at.
    sigma_px : float
        Standard deviation of the Gaussian derivative. [px]

    Returns
    -------
    strength : array, shape (rows, columns), float32
        Largest eigenvalue of the multi-channel gradient (Di Zenzo), scaled so that an ideal step gives its height.
    responses : list of arrays
        Size of the derivative along the rows of every channel at the pixels ``at``: see ``step_noise``.
    """
    xx = np.zeros(channels.shape[:2], np.float32)
    yy, xy = xx.copy(), xx.copy()
    responses = []
    for channel in cv2.split(channels):
        smooth = cv2.GaussianBlur(channel, (0, 0), sigma_px)
        dx = cv2.Scharr(smooth, cv2.CV_32F, 1, 0) / 32
        dy = cv2.Scharr(smooth, cv2.CV_32F, 0, 1) / 32
        xx += dx * dx
        yy += dy * dy
        xy += dx * dy
        responses.append(np.asarray(np.abs(dx[at]), np.float32))
    largest = (xx + yy + np.sqrt((xx - yy) ** 2 + 4 * xy**2)) / 2
    return (np.sqrt(largest) * _step_scale(sigma_px)).astype(np.float32), responses


def step_reach(sigma_px: float) -> int:
    """Distance over which the step filter sees. [px]"""
    return ceil(4 * sigma_px) + 2


def step_noise(responses: list[FloatImage], sigma_px: float) -> float:
    """Robust standard deviation of the strength that noise alone gives. [unit of channels]"""
    return 1.4826 * sqrt(sum(float(np.median(part)) ** 2 for part in responses)) * _step_scale(sigma_px)


def _step_scale(sigma_px: float) -> float:
    return sqrt(2 * np.pi * (sigma_px**2 + 1 / 3))  # 1/3: the central difference averages over two pixels
