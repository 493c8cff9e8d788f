"""Star-shaped outlines of exactly known area, placed without contact and drawn by their cover."""

from collections.abc import Callable, Sequence
from math import cos, pi, sin, sqrt

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import SettingsError
from inspect_tool.model import LabelImage
from inspect_tool.synthetic._drawing import window_about
from inspect_tool.synthetic.field import Gray, Shape


class Outline:
    """A star-shaped outline, r(angle) = scale * (1 + harmonics), then stretched; its area is exact."""

    def __init__(
        self,
        row: float,
        column: float,
        ecd: float,
        harmonics: Sequence[tuple[int, float, float]],
        stretch: float,
        turn: float,
    ) -> None:
        self.row, self.column, self.ecd = row, column, ecd
        self.harmonics, self.stretch, self.turn = harmonics, stretch, turn
        # area = 1/2 int r^2 = pi scale^2 (1 + sum a^2 / 2); the stretch keeps it
        self.scale = ecd / 2 / sqrt(1 + sum(a * a for _, a, _ in harmonics) / 2)
        angles = np.linspace(0, 2 * pi, 180, endpoint=False)
        radius = self._radius(angles)
        u, v = radius * np.cos(angles) * sqrt(stretch), radius * np.sin(angles) / sqrt(stretch)
        self.points = np.stack([u * sin(turn) + v * cos(turn), u * cos(turn) - v * sin(turn)], axis=1)
        self.reach = float(np.hypot(u, v).max())

    @classmethod
    def disc(cls, row: float, column: float, radius: float) -> "Outline":
        return cls(row, column, 2 * radius, (), 1.0, 0.0)

    @classmethod
    def star(
        cls, rng: np.random.Generator, row: float, column: float, ecd: float, *, rough: float, stretch: float
    ) -> "Outline":
        """Random outline; ``rough`` is the rms of its harmonics, kept so small that the radius stays positive."""
        if rough == 0:
            return cls(row, column, ecd, (), stretch, rng.uniform(0, pi))
        orders = np.arange(2, 7)
        sizes = np.abs(rng.normal(0, 1, len(orders))) / orders**1.4
        sizes *= rough / np.sqrt((sizes**2).sum() / 2)
        sizes *= min(1.0, 0.66 / sizes.sum())
        phases = rng.uniform(0, 2 * pi, len(orders))
        harmonics = [(int(k), float(a), float(p)) for k, a, p in zip(orders, sizes, phases, strict=True)]
        return cls(row, column, ecd, harmonics, stretch, rng.uniform(0, pi))

    def _radius(self, angles: NDArray[np.float64]) -> NDArray[np.float64]:
        total = np.ones_like(angles)
        for order, size, phase in self.harmonics:
            total += size * np.cos(order * angles + phase)
        return self.scale * total

    def patch(self, shape: Shape, outward_px: float = 0.0) -> tuple[tuple[slice, slice], Gray, NDArray[np.uint8]]:
        """Window of the image, share of each of its pixels covered, and whether its center lies inside, or no farther
        outside than ``outward_px``; below 0: at least as far inside."""
        window, _ = window_about(shape, self.row, self.column, self.reach + 2)
        y = np.arange(window[0].start, window[0].stop)[:, None] - self.row
        x = np.arange(window[1].start, window[1].stop)[None, :] - self.column
        if not y.size or not x.size:
            nothing = np.zeros((y.size, x.size))
            return window, nothing.astype(np.float32), nothing.astype(np.uint8)
        s, c = sin(self.turn), cos(self.turn)
        u, v = (x * c + y * s) / sqrt(self.stretch), (y * c - x * s) * sqrt(self.stretch)
        rho = np.hypot(u, v)
        if not self.harmonics and self.stretch == 1:
            distance = self.scale - rho
        else:
            angle = np.arctan2(v, u)
            gap = self._radius(angle) - rho
            # distance ~ gap / |gradient of the gap| in the image
            slope = np.zeros_like(angle)
            for order, size, phase in self.harmonics:
                slope -= order * size * np.sin(order * angle + phase)
            tangential = self.scale * slope / np.maximum(rho, 0.5)
            cos_a, sin_a = u / np.maximum(rho, 1e-9), v / np.maximum(rho, 1e-9)
            du = (-cos_a - tangential * sin_a) / sqrt(self.stretch)
            dv = (-sin_a + tangential * cos_a) * sqrt(self.stretch)
            distance = gap / np.maximum(np.hypot(du, dv), 0.3)
        # a soft edge of one pixel adds pi/12 px2 to any closed outline (Steiner formula); taken off again
        cover = np.clip(distance + 0.5 - 1 / (12 * self.ecd), 0, 1)
        return window, cover.astype(np.float32), (distance > -outward_px).astype(np.uint8)

    def feret(self) -> float:
        """Largest distance between two points of the outline. [px]"""
        from scipy.spatial.distance import pdist

        return float(pdist(self.points).max())


def placed(
    rng: np.random.Generator,
    shape: Shape,
    one: Callable[[float, float], Outline],
    per_px2: float,
    *,
    largest_px: float,
    gap_px: float,
    near: float = 0.0,
) -> list[Outline]:
    """Place a Poisson number of outlines without contact, in a larger frame so that the edge is not special.

    The number and all outlines are drawn first, then every outline is tried, large ones first, until it fits
    on a torus: the expected count and area of the process are exact, whatever was refused.
    """
    margin = 10 + 0.12 * max(shape) + largest_px
    size = np.array([shape[0] + 2 * margin, shape[1] + 2 * margin])
    count = rng.poisson(per_px2 * size[0] * size[1])
    outlines = sorted((one(0.0, 0.0) for _ in range(count)), key=lambda outline: -outline.reach)
    centers = np.empty((count, 2))
    reaches = np.array([outline.reach for outline in outlines])
    for n, outline in enumerate(outlines):
        least = (reaches[:n] + reaches[n] + gap_px) ** 2
        for _ in range(60):
            # sixteen places at a time; the first that is free is taken
            trial = rng.uniform(0, size, (16, 2))
            if n and near > 0:
                mother = rng.integers(n, size=16)
                away = (reaches[mother] + reaches[n] + gap_px) * rng.uniform(1.02, 1.7, 16)
                angle = rng.uniform(0, 2 * pi, 16)
                beside = centers[mother] + away[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1)
                trial = np.where(rng.uniform(size=(16, 1)) < near, np.mod(beside, size), trial)
            d = np.abs(trial[:, None, :] - centers[None, :n, :])
            d = np.minimum(d, size - d)
            free = np.flatnonzero(((d**2).sum(axis=2) >= least).all(axis=1))
            if free.size:
                centers[n] = trial[free[0]]
                break
        else:
            msg = f"synthetic: {count} objects do not fit in the field without contact; ask for a smaller fraction"
            raise SettingsError(msg)
        outline.row, outline.column = float(centers[n, 0] - margin), float(centers[n, 1] - margin)
    return outlines


def drawn(shape: Shape, outlines: Sequence[Outline]) -> tuple[Gray, NDArray[np.uint8]]:
    """Share of each pixel that the outlines cover, and whether its center lies in one of them."""
    cover = np.zeros(shape, dtype=np.float32)
    hit = np.zeros(shape, dtype=np.uint8)
    for outline in outlines:
        window, part, inside = outline.patch(shape)
        if part.size:
            cover[window] = np.maximum(cover[window], part)
            hit[window] |= inside
    return cover, hit


def numbered(shape: Shape, outlines: Sequence[Outline], outward_px: float = 0.0) -> LabelImage:
    """Number of the outline that the center of each pixel lies in, in their order from 1 on; of outlines that lie
    farther out by a length of up to a pixel, or farther in."""
    found = np.zeros(shape, np.int32)
    for number, outline in enumerate(outlines, start=1):
        window, _, inside = outline.patch(shape, outward_px)
        if inside.size:
            found[window][inside > 0] = number
    return found


def darken(picture: Gray, outline: Outline, depth: float) -> None:
    """Darken what an outline covers, by a share of its gray value, in place."""
    window, cover, _ = outline.patch((picture.shape[0], picture.shape[1]))
    if cover.size:
        picture[window] *= 1 - np.float32(depth) * cover
