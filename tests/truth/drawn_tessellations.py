"""Grain mosaics whose boundaries are known as polygons: nothing of their truth is counted on pixels.

Power diagrams (Laguerre tessellations) of discs, by the convex hull of the lifted centers: lognormal
sizes, two populations, stretched grains. Intercepts follow from the lengths of the straight boundaries
(integral geometry) or from their crossings with one very test line, areas from the corners of the cells.
"""

from dataclasses import dataclass
from math import pi, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, cKDTree

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tessellation:
    """Cells of a field (rows, columns), with a margin round it; positions are (row, column). [px]"""

    shape: tuple[int, int]
    centers: FloatArray  # (cells, 2)
    weights: FloatArray  # (cells,) squared radii of the discs [px2]
    scale: tuple[float, float]  # of rows and columns, to turn the diagram of the discs into that of the field

    def labels(self) -> NDArray[np.int32]:
        """Cell of every pixel center."""
        grid = np.stack(np.meshgrid(*(np.arange(n, dtype=float) for n in self.shape), indexing="ij"), axis=-1)
        at = grid.reshape(-1, 2) / self.scale
        # a smaller power distance is a smaller distance in space to centers lifted by what their weight lacks
        lifted = np.column_stack([self.centers, np.sqrt(self.weights.max() - self.weights)])
        nearest = cKDTree(lifted).query(np.column_stack([at, np.zeros(len(at))]))[1]
        return np.asarray(nearest.reshape(self.shape) + 1, dtype=np.int32)

    def corners(self) -> tuple[FloatArray, NDArray[np.intp], NDArray[np.intp]]:
        """Triple points (n, 2), pairs of them that a boundary joins (m, 2), and the cells round each (n, 3)."""
        lifted = np.column_stack([self.centers, (self.centers**2).sum(axis=1) - self.weights])
        hull = ConvexHull(lifted)
        a, b, c, _ = hull.equations.T
        below = c < -1e-12
        # the plane of a lower facet is tangent to the paraboloid over the point of equal power
        points = np.full((len(hull.simplices), 2), np.nan)
        points[below] = np.column_stack([a, b])[below] / (-2 * c[below, None])
        first = np.repeat(np.arange(len(hull.simplices)), 3)
        second = hull.neighbors.ravel()
        pairs = np.column_stack([first, second])[(first < second) & below[first] & below[second]]
        return points * self.scale, pairs, np.asarray(hull.simplices)

    def edges(self) -> FloatArray:
        """Boundaries that lie in the field, cut at its frame: (n, 2, 2) from (row, column) to (row, column)."""
        points, pairs, _ = self.corners()
        ends = points[pairs]
        start, along = ends[:, 0], ends[:, 1] - ends[:, 0]
        low, high = np.zeros(len(ends)), np.ones(len(ends))
        for axis, size in enumerate(self.shape):
            with np.errstate(divide="ignore", invalid="ignore"):
                t = np.sort((np.array([[0.0, size - 1.0]]) - start[:, axis, None]) / along[:, axis, None], axis=1)
            low, high = np.fmax(low, t[:, 0]), np.fmin(high, t[:, 1])
        inside = low < high
        at = np.stack([start + low[:, None] * along, start + high[:, None] * along], axis=1)
        return np.asarray(at[inside])

    def n_l_px(self, angle_deg: float | None = None) -> float:
        """Boundaries per length of lines between the outer pixel centers: of one direction, or of all. [1/px]"""
        along = np.diff(self.edges(), axis=1)[:, 0]
        area = (self.shape[0] - 1) * (self.shape[1] - 1)
        if angle_deg is None:
            return float(2 / pi * np.hypot(*along.T).sum() / area)
        across = np.array([np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))])
        return float(np.abs(along @ across).sum() / area)

    def crossings(self, center: tuple[float, float], diameter: float) -> int:
        """How often a circle crosses a boundary."""
        start, end = (self.edges() - np.asarray(center)).transpose(1, 0, 2)
        along = end - start
        a, b = (along**2).sum(axis=1), 2 * (start * along).sum(axis=1)
        c = (start**2).sum(axis=1) - diameter**2 / 4
        root = np.sqrt(np.maximum(b**2 - 4 * a * c, 0))
        real = b**2 > 4 * a * c
        at = np.stack([(-b - root) / (2 * a), (-b + root) / (2 * a)])
        return int((real & (at > 0) & (at <= 1)).sum())

    def areas(self) -> FloatArray:
        """Areas of the cells whose center lies in the field, whole. [px2]"""
        points, _, cells = self.corners()
        found = np.zeros(len(self.centers))
        inside = np.all((self.centers >= 0) & (self.centers * self.scale < self.shape), axis=1)
        cell, at = cells.ravel(), np.repeat(points, 3, axis=0)
        order = np.argsort(cell, kind="stable")
        cell, at = cell[order], at[order]
        for one, own in zip(np.unique(cell), np.split(at, np.flatnonzero(np.diff(cell)) + 1), strict=True):
            if inside[one] and len(own) >= 3 and np.isfinite(own).all():
                middle = own - own.mean(axis=0)
                r, c = middle[np.argsort(np.arctan2(*middle.T))].T
                found[one] = abs(np.dot(r, np.roll(c, -1)) - np.dot(c, np.roll(r, -1))) / 2
        return found[inside & (found > 0)]


def poisson(rng: np.random.Generator, shape: tuple[int, int], pitch: float, stretch: float = 1.0) -> Tessellation:
    """Poisson-Voronoi mosaic: N_A = 1 / pitch^2 and N_L = 4 / (pi pitch) at stretch 1; area is kept by a stretch."""
    rows, columns, pad = _room(shape, pitch, stretch)
    count = rng.poisson(rows * columns / pitch**2)
    centers = rng.uniform(0, 1, (count, 2)) * [rows, columns] - pad
    return _stretched(shape, centers, np.zeros(count), stretch)


def lognormal(
    rng: np.random.Generator, shape: tuple[int, int], pitch: float, sigma: float, stretch: float = 1.0
) -> Tessellation:
    """Laguerre cells of discs whose radii are lognormal, packed without overlap from the largest on.

    ``sigma`` is the standard deviation of the logarithm of the radius; about one cell per pitch^2.
    """
    rows, columns, _ = _room(shape, pitch, stretch)
    count = rng.poisson(rows * columns / pitch**2)
    return packed(rng, shape, pitch, np.exp(sigma * rng.standard_normal(count)), stretch)


def packed(
    rng: np.random.Generator, shape: tuple[int, int], pitch: float, radii: FloatArray, stretch: float = 1.0
) -> Tessellation:
    """Laguerre cells of discs thrown without overlap, the largest first; radii in any unit."""
    rows, columns, pad = _room(shape, pitch, stretch)
    size = np.sort(radii)[::-1] * np.sqrt(0.5 * rows * columns / (pi * (radii**2).sum()))
    step = pitch / 8
    free = np.full((int(rows / step), int(columns / step)), np.inf)  # from a place to the nearest disc so far
    centers = np.empty((len(size), 2))
    for i, radius in enumerate(size.tolist()):
        tried = np.column_stack([rng.integers(0, n, 40) for n in free.shape])
        room = free[tuple(tried.T)]
        at = tried[int(np.argmax(room > radius))] if (room > radius).any() else tried[int(room.argmax())]
        centers[i] = at + rng.uniform(0, 1, 2)
        # smaller discs follow: further off than two radii there is room for any of them
        reach = int(2 * radius / step) + 2
        low, high = np.maximum(at - reach, 0), at + reach + 1
        row, column = np.ogrid[low[0] : min(high[0], free.shape[0]), low[1] : min(high[1], free.shape[1])]
        near = free[low[0] : high[0], low[1] : high[1]]
        distance = np.hypot(row + 0.5 - centers[i, 0], column + 0.5 - centers[i, 1]) * step - radius
        np.minimum(near, distance, out=near)
    return _stretched(shape, centers * step - pad, size**2, stretch)


def _room(shape: tuple[int, int], pitch: float, stretch: float) -> tuple[float, float, float]:
    """Height and width of what is drawn, and the margin, before the stretch."""
    pad = 4 * pitch
    return shape[0] * sqrt(stretch) + 2 * pad, shape[1] / sqrt(stretch) + 2 * pad, pad


def _stretched(shape: tuple[int, int], centers: FloatArray, weights: FloatArray, stretch: float) -> Tessellation:
    return Tessellation(shape=shape, centers=centers, weights=weights, scale=(1 / sqrt(stretch), sqrt(stretch)))
