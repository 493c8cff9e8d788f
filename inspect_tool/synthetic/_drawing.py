"""Strokes on gray values: windows, rectangles, lines, scratches, blur, 8 bit."""

from itertools import pairwise
from math import ceil, cos, hypot, pi, sin

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.synthetic.field import Gray, Image, Shape


def window_about(shape: Shape, row: float, column: float, reach: float) -> tuple[tuple[slice, slice], bool]:
    """Window of the image about a point, cut at its edges, and whether anything of it is left."""
    top, left = max(int(row - reach), 0), max(int(column - reach), 0)
    bottom, right = min(ceil(row + reach) + 1, shape[0]), min(ceil(column + reach) + 1, shape[1])
    return (slice(top, max(bottom, top)), slice(left, max(right, left))), bottom > top and right > left


def around(
    shape: Shape, row: float, column: float, reach: float, window: tuple[slice, slice] | None = None
) -> tuple[tuple[slice, slice], NDArray[np.float64]]:
    """Window about a point and squared distances to the point in it. [px2]"""
    if window is None:
        window = window_about(shape, row, column, reach)[0]
    y = np.arange(window[0].start, window[0].stop, dtype=float)[:, None] - row
    x = np.arange(window[1].start, window[1].stop, dtype=float)[None, :] - column
    return window, y**2 + x**2


def rectangle(shape: Shape, center: tuple[float, float], height: float, width: float, corner: float) -> Gray:
    """Cover of a rectangle with rounded corners."""
    y = np.abs(np.arange(shape[0])[:, None] - center[0]) - (height / 2 - corner)
    x = np.abs(np.arange(shape[1])[None, :] - center[1]) - (width / 2 - corner)
    outside = np.hypot(np.maximum(y, 0), np.maximum(x, 0)) + np.minimum(np.maximum(y, x), 0)
    return np.asarray(np.clip(corner - outside + 0.5, 0, 1), dtype=np.float32)


def line(canvas: NDArray[np.uint8], a: tuple[float, float], b: tuple[float, float], width: int) -> None:
    """Draw a line with soft edges, 0 to 255, between two points to a sixteenth of a pixel."""
    points = [(round(p[1] * 16), round(p[0] * 16)) for p in (a, b)]
    cv2.line(canvas, points[0], points[1], 255, width, cv2.LINE_AA, shift=4)


def scratch_depths(rng: np.random.Generator, shape: Shape, per_megapixel: int, width_px: float) -> Gray:
    """Long, nearly straight lines, most of them in one grinding direction; depth 0 to 1."""
    total = np.zeros(shape, dtype=np.float32)
    main = rng.uniform(0, pi)
    reach = hypot(*shape)
    for _ in range(rng.poisson(per_megapixel * shape[0] * shape[1] / 1e6)):
        canvas = np.zeros(shape, dtype=np.uint8)
        angle = main + rng.normal(0, 0.12) if rng.uniform() < 0.75 else rng.uniform(0, pi)
        row, column = rng.uniform(0, shape[0]), rng.uniform(0, shape[1])
        half = reach * rng.uniform(0.1, 0.7)
        bend = rng.normal(0, 0.01) * half
        ends = [
            (row - half * sin(angle), column - half * cos(angle)),
            (row + bend * cos(angle), column - bend * sin(angle)),
            (row + half * sin(angle), column + half * cos(angle)),
        ]
        for a, b in pairwise(ends):
            line(canvas, a, b, 1)
        total = np.maximum(total, canvas.astype(np.float32) * np.float32(rng.uniform(0.25, 1.0) / 255))
    if width_px > 0 and total.any():
        total = blurred(total, 0.5 * width_px)
    return total


def blurred(picture: Gray, sigma_px: float) -> Gray:
    """Blur by a Gaussian point spread."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma_px), dtype=np.float32)


def to_8bit(picture: Gray) -> Image:
    """Shares of the full range to 8 bit."""
    return np.asarray(np.clip(np.rint(picture * 255), 0, 255), dtype=np.uint8)
