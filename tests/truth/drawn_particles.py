"""Particles as an electron microscope shows them: each of its own brightness, shaded and rough, on a dark ground."""

import numpy as np
from drawn_phases import Scene, photographed, smooth_field


def powder(seed: int, *, shape: tuple[int, int] = (400, 560)) -> Scene:
    """A dozen large balls of 230 and many small ones from 60 to 110 between them, grained, on a ground of 18.

    A level half-way up the outlines of the large ones lies among the gray values of the small ones.
    """
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    gray = np.full(shape, 18.0)
    classes = np.zeros(shape, np.uint8)
    grain = smooth_field(seed, shape, 1.2) - 0.5
    placed: list[tuple[float, float, float]] = []
    for number in range(3000):
        radius = rng.uniform(30, 45) if number < 60 else rng.uniform(8, 16)
        row, column = (rng.uniform(radius + 2, side - radius - 2) for side in shape)
        if any(np.hypot(row - y, column - x) < radius + r + 2 for y, x, r in placed):
            continue
        placed.append((row, column, radius))
        inside = np.hypot(rows - row, columns - column) <= radius
        bright = 230 if radius > 20 else rng.uniform(60, 110)
        gray[inside] = (bright * (1 + 0.35 * grain))[inside]
        classes[inside] = 1
    return Scene(pixels=photographed(gray, seed, blur_px=1.0, noise=2.0), classes=classes)


def labeled(seed: int, *, shape: tuple[int, int] = (400, 500)) -> Scene:
    """Eight dark disks on the left of an uneven ground, and white writing in a corner on the right.

    The level half-way up the edges of the writing lies above the gray of the ground around it.
    """
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    gray = 140.0 + 25 * (smooth_field(seed, shape, 60.0) - 0.5)
    classes = np.zeros(shape, np.uint8)
    for _ in range(8):
        row, column = rng.uniform(30, shape[0] - 30), rng.uniform(30, 0.5 * shape[1])
        inside = np.hypot(rows - row, columns - column) <= 14
        gray[inside], classes[inside] = 70.0, 1
    for column in range(shape[1] - 130, shape[1] - 20, 14):
        gray[shape[0] - 34 : shape[0] - 16, column : column + 5] = 235.0
    return Scene(pixels=photographed(gray, seed, blur_px=1.0, noise=2.0), classes=classes)


def packed(seed: int, *, shape: tuple[int, int] = (400, 500)) -> Scene:
    """Balls that lie on each other and turn as dark at their limb as the gaps between them; all are the class."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    gray = np.full(shape, 25.0)
    classes = np.zeros(shape, np.uint8)
    for depth in np.linspace(0.4, 1, 60):
        row, column, radius = rng.uniform(0, shape[0]), rng.uniform(0, shape[1]), rng.uniform(35, 60)
        away = np.hypot(rows - row, columns - column) / radius
        inside = away <= 1
        gray[inside] = (25 + 150 * depth * (1 - away**2))[inside]
        classes[inside] = 1
    return Scene(pixels=photographed(gray, seed, blur_px=1.5, noise=3.0), classes=classes)
