"""X-ray pictures of solder balls with spherical voids that may overlap, drawn apart from ``inspect_tool.synthetic``.

Beer-Lambert law along every ray: light = ground * exp(-absorption * path through solder) * exp(-shadow). A ball is a
sphere, or a barrel (a sphere that two plates cut flat); a void takes its chord away from the path. The void share is
the projected area of the union of the voids over that of the ball, counted on the fine grid of the drawing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Voids: TypeAlias = Callable[[np.random.Generator, float], tuple[tuple[float, float, float], ...]]
FINE = 4  # rays per pixel and direction


@dataclass(frozen=True, slots=True, kw_only=True)
class Ball:
    """A ball and its voids in pixels; voids are (row, column, radius) from the center of the ball."""

    row: float
    column: float
    radius: float
    voids: tuple[tuple[float, float, float], ...] = ()
    height: float = 1.0  # of the barrel over the diameter; 1: a sphere [1]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """A picture with the void share of every ball. [%]."""

    pixels: NDArray[np.uint8]
    balls: tuple[Ball, ...]
    void_percent: tuple[float, ...]


def draw(
    shape: tuple[int, int],
    balls: Sequence[Ball],
    *,
    seed: int,
    absorption: float = 1.2,
    ground: float = 215.0,
    blur: float = 1.0,
    noise: float = 2.0,
    shadow: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]] | None = None,
) -> Picture:
    """Draw balls on an even ground.

    Parameters
    ----------
    absorption : float
        Over the height of the first ball. [1]
    ground : float
        Gray value without solder.
    blur, noise : float
        Standard deviations of the focal spot [px] and of the gray noise [gray levels].
    shadow : callable, optional
        Absorption of what else lies in the way of the rays, from rows and columns. [1]
    """
    rows, columns = (np.arange(size * FINE) / FINE + (0.5 / FINE - 0.5) for size in shape)
    path = np.zeros((len(rows), len(columns)))
    share = []
    unit = absorption / (2 * balls[0].radius * balls[0].height)
    for ball in balls:
        near = np.abs(rows - ball.row) <= ball.radius, np.abs(columns - ball.column) <= ball.radius
        r, c = rows[near[0]][:, None] - ball.row, columns[near[1]][None] - ball.column
        solder = chord(r, c, ball.radius, 2 * ball.radius * ball.height)
        holes = [chord(r - a, c - b, radius, 2 * radius) for a, b, radius in ball.voids]
        left = np.clip(solder - sum(holes, np.zeros_like(solder)), 0, None)
        path[np.ix_(*near)] += left
        void = np.any([hole > 0 for hole in holes], axis=0) if holes else np.zeros_like(solder, bool)
        share.append(100 * float((void & (solder > 0)).sum() / (solder > 0).sum()))
    beside = 0.0 if shadow is None else shadow(rows[:, None], columns[None])
    light = ground * np.exp(-(unit * path + beside))
    picture = ndimage.gaussian_filter(light.reshape(shape[0], FINE, shape[1], FINE).mean((1, 3)), blur)
    picture += np.random.default_rng(seed).normal(0, noise, shape)
    return Picture(
        pixels=np.clip(np.rint(picture), 0, 255).astype(np.uint8), balls=tuple(balls), void_percent=tuple(share)
    )


def chord(r: NDArray[np.float64], c: NDArray[np.float64], radius: float, longest: float) -> NDArray[np.float64]:
    """Length of rays inside a sphere that plates cut to a height. [px]."""
    return np.minimum(2 * np.sqrt(np.clip(radius**2 - r**2 - c**2, 0, None)), longest)


def array(
    rng: np.random.Generator,
    *,
    rows: int,
    columns: int,
    radius: float,
    voids: Voids,
    height: float = 1.0,
) -> tuple[tuple[int, int], tuple[Ball, ...]]:
    """Balls of an array at 1.6 diameters, with what ``voids(rng, radius)`` gives; the shape of the picture first."""
    pitch = 3.2 * radius
    shape = round((rows + 0.1) * pitch), round((columns + 0.1) * pitch)
    return shape, tuple(
        Ball(
            row=(i + 0.55) * pitch + rng.uniform(-0.5, 0.5),
            column=(j + 0.55) * pitch + rng.uniform(-0.5, 0.5),
            radius=radius,
            height=height,
            voids=voids(rng, radius),
        )
        for i in range(rows)
        for j in range(columns)
    )


def overlapping(rng: np.random.Generator, radius: float) -> tuple[tuple[float, float, float], ...]:
    """Two or three voids, each of which overlaps the one before, all inside the ball."""
    found: list[tuple[float, float, float]] = []
    for _ in range(int(rng.integers(2, 4))):
        for _ in range(100):
            size = rng.uniform(0.16, 0.38) * radius
            if found:
                row, column, other = found[-1]
                away, angle = rng.uniform(0.3, 0.95) * (size + other), rng.uniform(0, 2 * np.pi)
            else:
                row = column = other = 0.0
                away, angle = rng.uniform(0, 0.6) * radius, rng.uniform(0, 2 * np.pi)
            row, column = row + away * np.sin(angle), column + away * np.cos(angle)
            if np.hypot(row, column) + size < 0.92 * radius:
                found.append((row, column, size))
                break
    return tuple(found)


def apart(rng: np.random.Generator, radius: float) -> tuple[tuple[float, float, float], ...]:
    """Up to three voids that stand apart, all inside the ball."""
    found: list[tuple[float, float, float]] = []
    for _ in range(int(rng.integers(0, 4))):
        for _ in range(100):
            size = rng.uniform(0.14, 0.35) * radius
            away, angle = rng.uniform(0, 0.9 * radius - size), rng.uniform(0, 2 * np.pi)
            row, column = away * np.sin(angle), away * np.cos(angle)
            if all(np.hypot(row - a, column - b) > 1.25 * (size + other) for a, b, other in found):
                found.append((row, column, size))
                break
    return tuple(found)
