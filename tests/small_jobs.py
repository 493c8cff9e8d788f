"""Jobs that take a blink: a drawn field of 64 pixels, and the areal porosity in it."""

from pathlib import Path

import numpy as np
from PIL import Image

JOB = """
recipe = "porosity"
images = ["field_*.png"]
exports = ["json"]
[calibration]
pixel_um = 0.5
u_rel = 0.004
source = "stage micrometer"
"""


def field(seed: int) -> Image.Image:
    """One dark square on a bright, slightly noisy ground; its size and place follow from the seed."""
    rng = np.random.default_rng(seed)
    pixels = 200 + rng.normal(0, 3, (64, 64))
    row, column, size = rng.integers(8, 30), rng.integers(8, 30), rng.integers(8, 16)
    pixels[row : row + size, column : column + size] -= 140
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def small_jobs(folder: Path, number: int, first: int = 0) -> list[Path]:
    """Write jobs, each with its image, and give their files."""
    made = []
    for i in range(first, first + number):
        place = folder / f"part_{i}"
        place.mkdir(parents=True)
        field(i).save(place / "field_1.png")
        made.append(place / f"part_{i}.toml")
        made[-1].write_text(JOB, encoding="utf-8")
    return made
