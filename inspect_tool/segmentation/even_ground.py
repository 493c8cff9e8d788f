"""The gray level of an image over its surroundings: shading taken out, part by part."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.images.filters import background
from inspect_tool.measure.flooding import Area, FloatImage, strips
from inspect_tool.model import GrayImage, Mask, Micrograph
from inspect_tool.pixels.reduced import area_mean, bilinear


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Flat:
    """Gray level over its surroundings, 1 on average: shading taken out. Made part by part, never held whole."""

    pixels: GrayImage
    slow: FloatImage  # surroundings, on a small picture
    least: float
    color: NDArray[np.uint8] | None
    slow_color: tuple[FloatImage, ...]

    def gray(self, area: Area) -> FloatImage:
        """Gray level of a part over its surroundings; 1 on average."""
        wide = bilinear(self.slow, self.pixels.shape, area)
        return np.asarray(self.pixels[area].astype(np.float32) / np.maximum(wide, self.least), np.float32)

    def channels(self, area: Area) -> FloatImage:
        """CIE L*a*b* coordinates less their surroundings; without color the gray level."""
        if self.color is None:
            return self.gray(area)[..., None]
        wide = [bilinear(slow, self.pixels.shape, area) for slow in self.slow_color]
        return np.asarray(_lab(self.color[area]) - np.dstack(wide), np.float32)


def flattened(micrograph: Micrograph, roi: Mask) -> Flat:
    """Find the surroundings of every place inside the region."""
    color, pixels = micrograph.color, micrograph.pixels
    return Flat(
        pixels=pixels,
        slow=surroundings(partial(real, pixels), roi),
        least=1e-3 * max(float(pixels[rows].max(where=roi[rows], initial=0)) for rows in strips(roi.shape)),
        color=color,
        slow_color=() if color is None else tuple(surroundings(partial(_lab_channel, color, n), roi) for n in range(3)),
    )


def real(pixels: GrayImage, rows: slice) -> FloatImage:
    """Gray values of some rows as real numbers."""
    return np.asarray(pixels[rows].astype(np.float32))


def _lab_channel(color: NDArray[np.uint8], channel: int, rows: slice) -> FloatImage:
    part = color[rows]
    return np.concatenate([_lab(part[some])[..., channel] for some in strips(part.shape[:2])])


def _lab(color: NDArray[np.uint8]) -> FloatImage:
    return np.asarray(cv2.cvtColor(color.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)


def surroundings(image: Callable[[slice], FloatImage], roi: Mask) -> FloatImage:
    """Mean over the wide surroundings inside the region, on a picture of 256 px; ``image`` makes rows of it anew."""
    shrink = max(1.0, max(roi.shape) / 256)
    size = (max(1, round(roi.shape[1] / shrink)), max(1, round(roi.shape[0] / shrink)))
    share = np.asarray(area_mean(roi, size, lambda rows: roi[rows].astype(np.uint8) * np.uint8(255)) / 255.0)

    def counted(rows: slice) -> FloatImage:
        made = image(rows)
        np.multiply(made, roi[rows], out=made)
        return made

    inside = np.asarray(area_mean(roi, size, counted), np.float32)
    sigma_px = max(roi.shape) / 8 / shrink
    top, base = (background(part, sigma_px=sigma_px) for part in (inside, share.astype(np.float32)))
    return np.asarray(top / np.maximum(base, 1e-6), np.float32)
