"""Huge drawn mosaics of grains measured by windows: time and peak memory against the size, and the grains drawn.

    python benchmarks/gigapixel_grains.py [gigapixels ...] [--backend unet|watershed|labels] [--verify]

Drawn: a grain about a point in every cell of a grid of 40 px, etched boundaries of 3 px, noise; a square of 64 cells a
side is repeated without a seam. ``labels`` gives the drawn grains as a tiled label image. A run is the ordinary job,
with its report as JSON, CSV, HTML and PDF, in a process of its own whose peak is its resident set (``ru_maxrss``);
drawing is not in the time.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile
from gigapixel import RUN, TILE, VERIFY

CELL, CELLS = 40, 64
BLOCK = CELL * CELLS  # a multiple of the tile
JOB = """
recipe = "grain_size"
images = ["mosaic.tif"]
[calibration]
pixel_um = 0.5
u_rel = 0.004
source = "drawn"
certificate = "1"
{backend}
"""
BACKENDS = {
    "unet": "",  # the default of the recipe
    "watershed": '[backend]\nname = "watershed"',
    "labels": '[backend]\nname = "labels"\nkind = "labels"\nmasks = ["labels.tif"]',
}


def block() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gray values of a square that goes on without a seam when it is repeated, and the cell of the grain at each pixel.

    The cells are those of the square, numbered by row and by column; -1 and ``CELLS`` are those beside it.
    """
    moved = np.random.default_rng(7).uniform(-0.4, 0.4, (2, CELLS, CELLS))
    rows, columns = np.mgrid[:BLOCK, :BLOCK].astype(np.float32)
    nearest, beyond = np.full(rows.shape, 1e9, np.float32), np.full(rows.shape, 1e9, np.float32)
    own = np.zeros((2, *rows.shape), np.int32)
    for down in range(-2, 3):
        for right in range(-2, 3):
            i, j = np.int32(rows) // CELL + down, np.int32(columns) // CELL + right
            shift = moved[:, i % CELLS, j % CELLS]
            away = np.hypot(rows - (i + 0.5 + shift[0]) * CELL, columns - (j + 0.5 + shift[1]) * CELL)
            closer = away < nearest
            beyond = np.where(closer, nearest, np.minimum(beyond, away))
            nearest, own = np.where(closer, away, nearest), np.where(closer, np.stack([i, j]), own)
    tint = 175 + 12 * np.sin((own[0] % CELLS * CELLS + own[1] % CELLS) * 2.4)
    gray = tint - 120 * np.exp(-(((beyond - nearest) / 2) ** 2) / (2 * 1.3**2))
    noise = np.random.default_rng(8).normal(0, 5, gray.shape)
    return np.clip(np.rint(gray + noise), 1, 254).astype(np.uint8), own[0], own[1]


def draw(folder: Path, side: int, *, with_labels: bool) -> None:
    """Write the mosaic, and its grains."""
    gray, row, column = block()
    wide = -(-side // CELL) + 2
    how = {"shape": (side, side), "tile": (TILE, TILE), "bigtiff": True, "compression": "zlib"}

    def tiles(*, numbered: bool) -> Iterator[np.ndarray]:
        for top in range(0, side, TILE):
            for left in range(0, side, TILE):
                at = slice(top % BLOCK, top % BLOCK + TILE), slice(left % BLOCK, left % BLOCK + TILE)
                below, beside = top // BLOCK * CELLS + 1, left // BLOCK * CELLS + 1
                number = (row[at] + below) * wide + column[at] + beside + 1
                yield number.astype(np.uint32) if numbered else gray[at]

    tifffile.imwrite(folder / "mosaic.tif", tiles(numbered=False), dtype=np.uint8, **how)
    if with_labels:
        tifffile.imwrite(folder / "labels.tif", tiles(numbered=True), dtype=np.uint32, **how)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("gigapixels", nargs="*", type=float, default=[0.1, 0.4])
    parser.add_argument("--backend", choices=list(BACKENDS), default="unet")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--verify", action="store_true")
    asked = parser.parse_args()
    for size in asked.gigapixels:
        side = round((size * 1e9) ** 0.5 / TILE) * TILE
        with tempfile.TemporaryDirectory(dir=asked.folder) as name:
            folder = Path(name)
            begun = time.perf_counter()
            draw(folder, side, with_labels=asked.backend == "labels")
            print(f"drawn in {time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)
            (folder / "job.toml").write_text(JOB.format(backend=BACKENDS[asked.backend]), encoding="utf-8")
            shown = ("grain_size_number", "mean_intercept_um", "grains_per_mm2", "anisotropy_index")
            command = [sys.executable, "-c", RUN, str(folder / "job.toml"), str(folder / "out"), *shown]
            said = subprocess.run(command, capture_output=True, text=True, check=False)
            if said.returncode:
                sys.exit(said.stderr)
            found = sum(1 for _ in (folder / "out" / "job" / "features.csv").open(encoding="utf-8")) - 1
            count = f"{found} grains, {(side / CELL) ** 2:.0f} cells"
            print(f"{asked.backend}, {side**2 / 1e9:.3f} Gpx, {count}: {said.stdout}", flush=True)
            if asked.verify:
                command = [sys.executable, "-c", VERIFY, str(folder / "out" / "job")]
                print(subprocess.run(command, capture_output=True, text=True, check=True).stdout, flush=True)


if __name__ == "__main__":
    main()
