"""Scenes of two and three phases drawn from masks, so that the share of every class is known to the pixel.

Nothing here comes from ``inspect_tool.synthetic``: shapes are level sets of smooth random fields, cuboids on a grid,
and networks; gray values, blur, noise, vignetting and bright rims are laid over them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """A picture and the class of every pixel, numbered from dark to bright."""

    pixels: NDArray[np.uint8]
    classes: NDArray[np.uint8]

    def percent(self, number: int) -> float:
        """Area share of a class. [%]"""
        return 100 * float((self.classes == number).mean())


def photographed(
    gray: NDArray[np.float64], seed: int, *, blur_px: float, noise: float, vignette: float = 0.0
) -> NDArray[np.uint8]:
    """Blur, a corner that is darker by a share, and white noise."""
    rows, columns = np.mgrid[-1 : 1 : gray.shape[0] * 1j, -1 : 1 : gray.shape[1] * 1j]
    light = 1 - vignette * (rows**2 + columns**2) / 2
    seen = ndimage.gaussian_filter(gray, blur_px) * light + np.random.default_rng(seed).normal(0, noise, gray.shape)
    return np.clip(np.rint(seen), 0, 255).astype(np.uint8)


def smooth_field(seed: int, shape: tuple[int, int], size_px: float) -> NDArray[np.float64]:
    """Gaussian random field, as ranks from 0 to 1."""
    field = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(shape), size_px, mode="wrap")
    return (np.argsort(np.argsort(field.ravel())).reshape(shape) + 0.5) / field.size


def three_phases(
    seed: int,
    *,
    shares: tuple[float, float] = (0.2, 0.35),
    grays: tuple[float, float, float] = (45, 120, 185),
    shape: tuple[int, int] = (400, 500),
    size_px: float = 9.0,
    blur_px: float = 1.0,
    noise: float = 6.0,
    vignette: float = 0.0,
) -> Scene:
    """Pores and two solids of a porous composite: every phase touches both others."""
    pore = smooth_field(seed, shape, size_px) < shares[0]
    solid = smooth_field(seed + 1000, shape, size_px)
    middle = ~pore & (solid < np.quantile(solid[~pore], shares[1] / (1 - shares[0])))
    classes = np.where(pore, 0, np.where(middle, 1, 2)).astype(np.uint8)
    pixels = photographed(np.asarray(grays, float)[classes], seed, blur_px=blur_px, noise=noise, vignette=vignette)
    return Scene(pixels=pixels, classes=classes)
