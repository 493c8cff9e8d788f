"""Pictures of particles that the instance networks learn from: drawn bodies as an electron microscope shows them, and
parts of real pictures of powder whose licence permits it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool import synthetic
from inspect_tool.synthetic import BodyLook, Degradation

DATA = Path(os.environ.get("INSPECT_TOOL_SHARED", Path(__file__).resolve().parent.parent.parent / "shared")) / "data"
LEARNED = ("Sc1Tile_001-001-000_0-000", "Sc1Tile_001-002-000_0-000")  # of ampis-powder; the others judge
WORKING_PX = (14.0, 60.0)  # median diameters at which the networks see particles
SMALLEST_PX2 = 16  # what is left of a particle at the edge of a part counts from here

Image = NDArray[np.uint8]
Labels = NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """A picture without noise, its particles as far as they are seen, and whether they are brighter than the ground."""

    pixels: Image
    labels: Labels
    bright: bool


def uniform_log(rng: np.random.Generator, low: float, high: float) -> float:
    return exp(rng.uniform(log(low), log(high)))


def drawn_scene(rng: np.random.Generator, side: int) -> Scene:
    """Powder, crystals, rods or packed spheres by secondary electrons or in transmission."""
    tem = rng.uniform() < 0.35
    packed = rng.uniform() < 0.2
    kinds: Sequence[synthetic.BodyKind] = ("spheres", "nodules", "crystals", "plates", "rods")
    kind = "spheres" if packed else str(rng.choice(kinds, p=[0.36, 0.16, 0.17, 0.07, 0.24]))
    ground = rng.uniform(0.5, 0.92) if tem else rng.choice([rng.uniform(0.02, 0.2), rng.uniform(0.15, 0.5)])
    surface = ground * rng.uniform(0.08, 0.65) if tem else min(ground + uniform_log(rng, 0.08, 0.5), 0.8)
    field = synthetic.bodies(
        seed=int(rng.integers(2**31)),
        area_percent=rng.uniform(75, 94) if packed else uniform_log(rng, 4, 80),
        mean_ecd_um=uniform_log(rng, *WORKING_PX),
        spread=rng.uniform(0.02, 0.1) if packed else rng.uniform(0.03, 0.55),
        kind=kind,  # type: ignore[arg-type]
        signal="tem" if tem else "sem",
        overlap=rng.uniform(0.02, 0.3) if tem or packed else rng.uniform(0.0, 0.42),
        clusters=0.9 if packed else rng.uniform(0, 1),
        satellites=rng.choice([0.0, 0.0, rng.uniform(0.1, 1.5)]),
        roughness=rng.choice([0.0, rng.uniform(0.01, 0.06)]),
        aspect=uniform_log(rng, 1.5, 5.0) if kind == "rods" else rng.choice([1.0, uniform_log(rng, 1, 3)]),
        shape_px=(side, side),
        gray=(float(ground), float(surface)),
        look=BodyLook(
            rim=rng.choice([rng.uniform(0, 0.6), rng.uniform(0.4, 2.0)]),
            light=rng.uniform(0, 0.3),
            texture=uniform_log(rng, 0.004, 0.06),
            variation=rng.uniform(0, 0.15),
            shadow=rng.uniform(0, 0.9),
            depth=rng.uniform(0, 0.6),
            ground=uniform_log(rng, 0.004, 0.05),
        ),
    )
    pixels, labels = field.pixels, np.asarray(field.labels, np.int32)
    if not tem and rng.uniform() < 0.15:
        pixels = charged(rng, pixels)
    if rng.uniform() < 0.3:
        pixels = cluttered(rng, pixels, labels)
    if rng.uniform() < 0.35:
        pixels, labels = lettered(rng, pixels, labels)
    if rng.uniform() < 0.3:
        pixels, labels = barred(rng, pixels, labels)
    return Scene(pixels=pixels, labels=labels, bright=not tem)


def charged(rng: np.random.Generator, pixels: Image) -> Image:
    """Streaks along the scan lines, as from charging and from a rough ground."""
    side = pixels.shape[0]
    rows = cv2.GaussianBlur(rng.normal(0, 1, (side, 1)).astype(np.float32), (1, 0), 0.1, sigmaY=rng.uniform(0.6, 3))
    streaks = rng.uniform(4, 14) * rows / max(float(rows.std()), 1e-6)
    if rng.uniform() < 0.3:
        streaks = streaks.T
    return np.clip(pixels + streaks, 0, 255).astype(np.uint8)


def cluttered(rng: np.random.Generator, pixels: Image, labels: Labels) -> Image:
    """Scratches, cracks, filaments and residue on the ground: uneven, not much darker or lighter, and no particles."""
    side = pixels.shape[0]
    drawn = np.zeros((side, side), np.float32)
    for _ in range(int(rng.integers(2, 40))):
        turns = np.cumsum(rng.normal(rng.uniform(0, 6), rng.uniform(0, 1), int(rng.integers(3, 40))))
        steps = rng.uniform(2, 14) * np.column_stack([np.cos(0.3 * turns), np.sin(0.3 * turns)])
        path = (rng.uniform(0, side, 2) + np.cumsum(steps, axis=0)).astype(np.int32)
        cv2.polylines(drawn, [path], False, rng.uniform(-1, 1), int(rng.choice([1, 1, 2, 3])), cv2.LINE_AA)
    residue = cv2.GaussianBlur(rng.normal(0, 1, (side, side)).astype(np.float32), (0, 0), rng.uniform(2, 12))
    drawn += rng.uniform(0, 0.6) * np.clip(residue / max(float(residue.std()), 1e-6) - rng.uniform(0.5, 2), 0, 1)
    drawn = cv2.GaussianBlur(drawn, (0, 0), rng.uniform(0.5, 1.5)) * (labels == 0) * rng.choice([-1, 1])
    return np.clip(pixels + rng.uniform(8, 60) * drawn, 0, 255).astype(np.uint8)


def lettered(rng: np.random.Generator, pixels: Image, labels: Labels) -> tuple[Image, Labels]:
    """Burn in what journals and microscopes burn in: a letter, a bar, a line of text; nothing counts."""
    pixels, labels = pixels.copy(), labels.copy()
    side = pixels.shape[0]
    for _ in range(int(rng.integers(1, 3))):
        size = rng.uniform(0.4, 2.2)
        text = str(rng.choice(["a", "(b)", "C", "d)", "1 um", "200 nm", "5.0kV x10k", "B"]))
        font = int(rng.choice([cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_TRIPLEX]))
        weight = int(rng.integers(1, 4))
        (wide, high), below = cv2.getTextSize(text, font, size, weight)
        left, bottom = int(rng.integers(0, max(side - wide, 1))), int(rng.integers(min(high + 4, side), side + 1))
        ink = int(rng.choice([0, 255]))
        if rng.uniform() < 0.5:  # on a box of the other color
            box = (slice(max(bottom - high - 6, 0), bottom + below), slice(max(left - 5, 0), left + wide + 5))
            pixels[box] = 255 - ink
            labels[box] = 0
        cv2.putText(pixels, text, (left, bottom - 2), font, size, ink, weight, cv2.LINE_AA)
        if rng.uniform() < 0.4:
            cv2.rectangle(pixels, (left, bottom + 4), (left + wide, bottom + 4 + int(rng.integers(2, 7))), ink, -1)
    return pixels, labels


def barred(rng: np.random.Generator, pixels: Image, labels: Labels) -> tuple[Image, Labels]:
    """Put the data bar of a microscope over one edge: lines of small text, fields, a scale bar; nothing counts."""
    pixels, labels = pixels.copy(), labels.copy()
    side = pixels.shape[0]
    high = int(side * rng.uniform(0.05, 0.22))
    wide = side if rng.uniform() < 0.7 else int(side * rng.uniform(0.3, 0.9))
    left = int(rng.integers(0, side - wide + 1))
    ground = int(rng.choice([0, 255, rng.integers(0, 90), rng.integers(160, 256)]))
    ink = 255 if ground < 128 else 0
    bar = np.full((high, wide), ground, np.uint8)
    size = rng.uniform(0.25, 0.8)
    line = max(int(30 * size), 7)
    for below in range(line, high, line):
        across = int(rng.integers(0, 30))
        while across < wide:
            text = str(
                rng.choice(["WD = 8.1 mm", "EHT = 5.00 kV", "Mag = 2.00 K X", "SE2", "10 um", "12 Jan 2018", "x5,000"])
            )
            cv2.putText(bar, text, (across, below - 1), cv2.FONT_HERSHEY_SIMPLEX, size, ink, 1, cv2.LINE_AA)
            across += cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, 1)[0][0] + int(rng.integers(8, 90))
    for _ in range(int(rng.integers(0, 3))):  # a scale bar, a logo
        row, column = int(rng.integers(0, high)), int(rng.integers(0, wide))
        corner = (column + int(rng.integers(8, 90)), row + int(rng.integers(2, max(high // 2, 3))))
        cv2.rectangle(bar, (column, row), corner, ink, int(rng.choice([-1, 1, 2])))
    edge = slice(side - high, side) if rng.uniform() < 0.85 else slice(0, high)
    pixels[edge, left : left + wide] = bar
    labels[edge, left : left + wide] = 0
    return pixels, labels


def powders() -> list[tuple[Image, Labels, float]]:
    """Real pictures of powder that may be learned from, with labels and median diameter. [px]"""
    made = []
    for name in LEARNED:
        folder = DATA / "ampis-powder"
        pixels = cv2.imread(str(folder / "images" / f"{name}.png"), cv2.IMREAD_GRAYSCALE)
        labels = cv2.imread(str(folder / "instances" / f"{name}.png"), cv2.IMREAD_UNCHANGED)
        assert pixels is not None, f"{folder}: is needed for training"
        assert labels is not None, f"{folder}: is needed for training"
        areas = np.bincount(labels.ravel())[1:]
        made.append(
            (
                np.asarray(pixels, np.uint8),
                np.asarray(labels, np.int32),
                2 * float(np.sqrt(np.median(areas[areas > 0]) / np.pi)),
            )
        )
    return made


def real_scene(rng: np.random.Generator, side: int, pictures: Sequence[tuple[Image, Labels, float]]) -> Scene:
    """Part of a real picture, turned by any angle, at a scale at which a network sees particles."""
    pixels, labels, ecd = pictures[int(rng.integers(len(pictures)))]
    scale = uniform_log(rng, *WORKING_PX) / ecd
    scale = max(min(scale, 1.2), side / (0.9 * min(pixels.shape)))
    angle, reach = rng.uniform(0, 360), 0.5 * side / scale
    row, column = (rng.uniform(min(reach, n / 2), max(n - reach, n / 2)) for n in pixels.shape)
    turn = cv2.getRotationMatrix2D((column, row), angle, scale)
    turn[:, 2] += np.array([side / 2 - column, side / 2 - row])
    soft = cv2.GaussianBlur(pixels, (0, 0), 0.4 / scale) if scale < 0.8 else pixels
    size = (side, side)
    image = cv2.warpAffine(soft, turn, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    truth = cv2.warpAffine(labels.astype(np.float32), turn, size, flags=cv2.INTER_NEAREST).astype(np.int32)
    return Scene(pixels=np.asarray(image, np.uint8), labels=whole(truth), bright=True)


def whole(labels: Labels) -> Labels:
    """Number anew from 1 what is large enough to be seen."""
    areas = np.bincount(labels.ravel())
    good = areas >= SMALLEST_PX2
    good[0] = False
    order = np.zeros(len(areas), np.int32)
    order[good] = np.arange(1, np.count_nonzero(good) + 1)
    return np.asarray(order[labels], np.int32)


def degradation(rng: np.random.Generator) -> Degradation:
    """Blur, contrast, noise and compression of an electron micrograph that was printed."""
    return Degradation(
        shading=rng.uniform(0, 0.3),
        blur_px=rng.choice([0.0, rng.uniform(0.3, 1.6)]),
        contrast=rng.uniform(0.5, 1.2),
        electrons=uniform_log(rng, 300, 20000),
        read_noise=rng.choice([rng.uniform(0, 5), rng.uniform(0, 16)]),
        jpeg_quality=int(rng.choice([0, 0, 40, 60, 80])),
    )
