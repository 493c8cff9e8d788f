"""Sections with round pores whose area is known exactly, as pictures, and what programs make of masks of them."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from scipy import ndimage

Image = NDArray[Any]
SHAPE = (300, 400)


def coverage(shape: tuple[int, int], circles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of every pixel inside circles (rows: row, column, radius [px]) that do not overlap, to 1/25 of a pixel."""
    covered = np.zeros(shape)
    steps = (np.arange(5) - 2) / 5
    for row, column, radius in circles:
        top, left = (max(0, int(at - radius) - 1) for at in (row, column))
        bottom, right = (int(at + radius) + 3 for at in (row, column))
        rows, columns = np.arange(top, min(bottom, shape[0])), np.arange(left, min(right, shape[1]))
        y, x = (rows[:, None] + steps).ravel() - row, (columns[:, None] + steps).ravel() - column
        inside = y[:, None] ** 2 + x[None] ** 2 <= radius**2
        covered[top:bottom, left:right] += inside.reshape(len(rows), 5, len(columns), 5).mean(axis=(1, 3))
    return covered


def pores(seed: int, shape: tuple[int, int] = SHAPE, count: int = 40, largest_px: float = 11.0) -> NDArray[np.float64]:
    """Circles at random places that leave room between them (rows: row, column, radius [px])."""
    rng = np.random.default_rng(seed)
    kept: list[tuple[float, float, float]] = []
    for radius in rng.uniform(0.35 * largest_px, largest_px, count):
        for _ in range(200):
            row, column = (rng.uniform(radius + 3, size - radius - 3) for size in shape)
            if all(np.hypot(row - r, column - c) > radius + other + 5 for r, c, other in kept):
                kept.append((row, column, radius))
                break
    return np.array(kept)


def picture(covered: Image, seed: int, metal: float = 185.0, pore: float = 45.0, noise: float = 3.0) -> Image:
    """Gray values of metal with pores, blurred by 0.8 px, with noise."""
    clean = metal + (pore - metal) * ndimage.gaussian_filter(covered, 0.8)
    return clean + np.random.default_rng(seed).normal(0, noise, covered.shape)


def eight_bit(image: Image) -> NDArray[np.uint8]:
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def write_job(folder: Path, images: str, *tables: str, recipe: str = "porosity", scale: str = "") -> Path:
    """Write a job file; ``tables`` are further lines."""
    stated = scale or 'source = "ratio only"'
    lines = [f'recipe = "{recipe}"', f'images = ["{images}"]', 'exports = ["json"]', "[calibration]", stated, *tables]
    path = folder / "job.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_tiff(path: Path, image: Image, **options: Any) -> None:
    tifffile.imwrite(path, image, **options)


def plain_tiff(strips: list[bytes], rows_per_strip: int, size: tuple[int, int], **changed: int) -> bytes:
    """Bytes of a TIFF file of 8-bit gray strips, written tag by tag.

    ``changed`` gives tags another value (``t259 = 8``: deflate); a value below 0 leaves the tag out.
    """
    offsets = (1000 + np.cumsum([0, *map(len, strips)]))[:-1]
    tables = {273: offsets.tolist(), 279: [len(strip) for strip in strips]}
    single = {256: size[1], 257: size[0], 258: 8, 259: 1, 262: 1, 277: 1, 278: rows_per_strip}
    single |= {int(name[1:]): value for name, value in changed.items()}
    head = bytearray(1000)
    head[:8] = struct.pack("<2sHI", b"II", 42, 8)
    at, room = 10, 500
    kept = sorted([*(code for code, value in single.items() if value >= 0), *tables])
    for code in kept:
        values = tables.get(code, [single.get(code, 0)])
        place = values[0]
        if len(values) > 1:
            head[room : room + 4 * len(values)] = struct.pack(f"<{len(values)}I", *values)
            place, room = room, room + 4 * len(values)
        head[at : at + 12] = struct.pack("<HHII", code, 4, len(values), place)
        at += 12
    head[8:10] = struct.pack("<H", len(kept))
    return bytes(head) + b"".join(strips)
