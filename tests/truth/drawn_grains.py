"""Pictures of grains with what surrounds them in real fields: particles, twins, mount; every region is known.

Written apart from ``inspect_tool.synthetic``: other mosaics and other line profiles.
"""

from typing import Literal

import numpy as np
from drawn_tessellations import lognormal
from numpy.typing import NDArray
from scipy import ndimage

Labels = NDArray[np.int32]
Image = NDArray[np.float64]
Mask = NDArray[np.bool_]


def mosaic(shape: tuple[int, int], pitch: float, seed: int, sigma: float = 0.25) -> Labels:
    """Grains 1..n of a field, of lognormal sizes and about one on pitch^2."""
    labels = lognormal(np.random.default_rng(seed), shape, pitch, sigma).labels()
    return (np.unique(labels, return_inverse=True)[1].reshape(shape) + 1).astype(np.int32)


def to_boundary(labels: Labels) -> Image:
    """Distance of every pixel to the nearest boundary between two labels. [px]"""
    beside = np.zeros(labels.shape, bool)
    across, down = labels[:, 1:] != labels[:, :-1], labels[1:] != labels[:-1]
    beside[:, 1:] |= across
    beside[:, :-1] |= across
    beside[1:] |= down
    beside[:-1] |= down
    return np.asarray(ndimage.distance_transform_edt(~beside) + 0.5)


def line(labels: Labels, width_px: float = 3.0) -> Image:
    """Share of every pixel that etched boundaries of a width cover, with soft sides. [1]"""
    return np.asarray(ndimage.gaussian_filter(np.clip(0.5 + width_px / 2 - to_boundary(labels), 0, 1), 0.7))


def etched(labels: Labels, seed: int, *, width_px: float = 3.0, grain: float = 190.0, boundary: float = 60.0) -> Image:
    """Gray picture of bright grains between dark boundaries."""
    return grain + (boundary - grain) * line(labels, width_px) + _noise(labels.shape, seed)


def channeled(labels: Labels, seed: int, *, boundary: float = 200.0) -> Image:
    """Gray picture as a scanning electron microscope makes it: dark grains that differ, bright boundaries."""
    tone = np.random.default_rng(seed).uniform(35, 75, int(labels.max()) + 1)[labels]
    return tone + (boundary - tone) * line(labels) + _noise(labels.shape, seed)


def textured(labels: Labels, seed: int, *, contrast: float = 45.0, texture: float = 14.0) -> Image:
    """Tinted grains without lines, each with blotches of its own tone and a relief that looks like boundaries."""
    rng = np.random.default_rng(seed)
    tone = (130 + contrast * rng.standard_normal(int(labels.max()) + 1))[labels]
    blotches = sum(
        ndimage.gaussian_filter(rng.standard_normal(labels.shape), size) * size * gain
        for size, gain in ((2.0, 1.0), (6.0, 2.0))
    )
    return np.asarray(ndimage.gaussian_filter(tone, 1.2) + texture * blotches + _noise(labels.shape, seed))


def _noise(shape: tuple[int, ...], seed: int, deviation: float = 4.0) -> Image:
    return np.random.default_rng(seed + 9001).normal(0, deviation, shape)


def eight_bit(image: Image) -> NDArray[np.uint8]:
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


# --------------------------------------------------------------------------------------------------- particles


def with_particles(
    image: Image,
    labels: Labels,
    seed: int,
    *,
    share: float,
    radius_px: tuple[float, float],
    look: Literal["dark", "rimmed"],
    on_boundaries: float = 0.5,
) -> Image:
    """Draw round particles that do not touch: dark ones, or ones as gray as the grain round them with a bright rim.

    Parameters
    ----------
    share : float
        Area fraction of the particles. [1]
    radius_px : tuple of float
        Smallest and largest radius. [px]
    on_boundaries : float
        Share of the particles whose center lies on a grain boundary. [1]
    """
    rng = np.random.default_rng(seed + 17)
    made = image.copy()
    free = np.ones(labels.shape, bool)
    boundary = np.argwhere(to_boundary(labels) < 1)
    covered, tries = 0.0, 0
    while covered < share * labels.size and tries < 200_000:
        tries += 1
        radius = rng.uniform(*radius_px)
        if rng.random() < on_boundaries:
            row, column = boundary[rng.integers(len(boundary))]
        else:
            row, column = rng.integers(0, labels.shape[0]), rng.integers(0, labels.shape[1])
        reach = int(radius + 4)
        top, left = max(0, row - reach), max(0, column - reach)
        area = (slice(top, row + reach + 1), slice(left, column + reach + 1))
        r, c = np.ogrid[top : min(labels.shape[0], row + reach + 1), left : min(labels.shape[1], column + reach + 1)]
        distance = np.hypot(r - row, c - column)
        if not free[area][distance <= radius + 3].all():
            continue
        free[area] &= distance > radius + 3
        inside = np.clip(radius + 0.5 - distance, 0, 1)
        if look == "dark":
            made[area] += (30.0 - made[area]) * inside
        else:
            body = float(np.median(image[area]))
            rim = np.clip(1.6 - np.abs(distance - radius), 0, 1)
            made[area] += (body - made[area]) * inside
            made[area] += (235.0 - made[area]) * rim
        covered += np.pi * radius**2
    return made


# ------------------------------------------------------------------------------------------------------- twins


def with_twins(
    grains: Labels,
    seed: int,
    *,
    kind: Literal["single", "double", "crossing"] = "single",
    share: float = 0.7,
    width: tuple[float, float] = (0.15, 0.35),
) -> tuple[Labels, int]:
    """Cut straight lamellae out of grains; returns the regions and the number of lamellae.

    ``width`` is that of a lamella over the diameter of the circle of the grain's area.
    """
    rng = np.random.default_rng(seed + 31)
    cut = grains.copy()
    lamellae = 0
    row, column = np.indices(grains.shape)
    for grain in range(1, int(grains.max()) + 1):
        inside = grains == grain
        size = 2 * np.sqrt(inside.sum() / np.pi)
        if size < 25 or rng.random() > share:
            continue
        angle = rng.uniform(0, np.pi)
        angles = (angle, angle + np.deg2rad(70)) if kind == "crossing" else (angle,)
        for one in angles:
            offset = rng.uniform(-0.1, 0.1) * size
            distance = (
                (column - column[inside].mean()) * np.sin(one) - (row - row[inside].mean()) * np.cos(one) - offset
            )
            half = 0.5 * size * rng.uniform(*width)
            bands = (-0.26 * size, 0.26 * size) if kind == "double" else (0.0,)
            half *= 0.6 if kind == "double" else 1.0
            for center in bands:
                band = inside & (np.abs(distance - center) < half)
                if band.sum() >= 60:
                    lamellae += 1
                    cut[band] = grains.max() + lamellae
    return _pieces(cut), lamellae


def _pieces(labels: Labels) -> Labels:
    made = np.zeros(labels.shape, np.int32)
    count = 0
    for number in np.unique(labels):
        parts, found = ndimage.label(labels == number)
        made[parts > 0] = parts[parts > 0] + count
        count += found
    return made


def with_mount(image: Image, seed: int, *, strip: float = 0.3, mount: float = 25.0) -> tuple[Image, Mask]:
    """Dark mounting material along the top edge with an uneven border; returns the picture and where it is."""
    height, width = image.shape
    rng = np.random.default_rng(seed + 47)
    border = strip * height + ndimage.gaussian_filter1d(rng.normal(0, 30, width), 25)
    outside = np.arange(height)[:, None] < border
    blurred = np.clip(border - np.arange(height)[:, None] + 0.5, 0, 1)
    return image + (mount + rng.normal(0, 4, image.shape) - image) * blurred, outside
