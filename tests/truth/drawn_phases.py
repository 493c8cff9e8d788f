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


def disks(
    seed: int, shape: tuple[int, int], count: int, radii: tuple[float, float], gap_px: float
) -> NDArray[np.float64]:
    """Distance of every pixel to the outline of the nearest of some disks that keep apart; negative inside. [px]"""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    placed: list[tuple[float, float, float]] = []
    for _ in range(20_000):
        if len(placed) == count:
            break
        radius = rng.uniform(*radii)
        row, column = (rng.uniform(radius + gap_px, side - radius - gap_px) for side in shape)
        if all(np.hypot(row - y, column - x) > radius + r + gap_px for y, x, r in placed):
            placed.append((row, column, radius))
    distances = [np.hypot(rows - y, columns - x) - r for y, x, r in placed]
    nearest: NDArray[np.float64] = np.min(distances, axis=0)
    return nearest


def rimmed_pores(
    seed: int,
    rim_px: float,
    *,
    grays: tuple[float, float, float] = (40, 150, 250),
    shape: tuple[int, int] = (360, 480),
    blur_px: float = 0.8,
    noise: float = 3.0,
) -> Scene:
    """Dark pores in a gray metal with the bright rim that an electron microscope gives them; class 0 is pore."""
    distance = disks(seed, shape, 40, (4.0, 14.0), 12.0)
    pore = np.clip(0.5 - distance, 0, 1)
    rim = np.clip(0.5 - distance + rim_px, 0, 1)
    gray = (grays[1] + (grays[2] - grays[1]) * rim) * (1 - pore) + grays[0] * pore
    pixels = photographed(gray, seed, blur_px=blur_px, noise=noise)
    return Scene(pixels=pixels, classes=np.where(distance <= 0, 0, 1).astype(np.uint8))


def lattice(
    seed: int,
    pitch_px: int,
    radius_px: float,
    *,
    shape: tuple[int, int] = (300, 400),
    blur_px: float = 0.6,
    noise: float = 3.0,
) -> tuple[NDArray[np.uint8], float]:
    """Dense small dark disks at a pitch, one in every cell; picture and true share of the disks. [%]"""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    cell = rows // pitch_px, columns // pitch_px
    at = rng.uniform(0.38 * pitch_px, 0.62 * pitch_px, (2, shape[0] // pitch_px + 1, shape[1] // pitch_px + 1))
    distance = np.hypot(rows % pitch_px - at[0][cell], columns % pitch_px - at[1][cell]) - radius_px
    cover = np.clip(0.5 - distance, 0, 1)
    return photographed(190 - 150 * cover, seed, blur_px=blur_px, noise=noise), 100 * float(cover.mean())


def relief_network(
    seed: int, *, shape: tuple[int, int] = (400, 500), blur_px: float = 1.0, noise: float = 8.0, width: float = 0.11
) -> Scene:
    """A bright network in relief: it shines as it is turned to the detector, so that it has every gray and none.

    Class 1 is the network.
    """
    network = np.abs(smooth_field(seed, shape, 9.0) - 0.5) < width
    shine = smooth_field(seed + 1, shape, 6.0)
    gray = 60.0 + np.where(network, 10 + 150 * shine**2, 0.0)
    return Scene(pixels=photographed(gray, seed, blur_px=blur_px, noise=noise), classes=network.astype(np.uint8))
