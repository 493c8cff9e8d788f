"""Stage micrometers and pitch grids, seen through optics with known pixel size, tilt and distortion."""

from math import ceil, cos, radians, sin
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import SettingsError
from inspect_tool.synthetic._drawing import blurred, to_8bit
from inspect_tool.synthetic._outlines import Outline, darken
from inspect_tool.synthetic._random import cloud
from inspect_tool.synthetic.field import Field, Gray

MicrometerKind: TypeAlias = Literal["lines", "grid", "dots"]
_LENGTHS = (1.0, 0.78, 0.56)  # of every tenth, every fifth and every other line


def stage_micrometer(
    *,
    seed: int,
    pixel_um: float = 0.5,
    pitch_um: float = 10.0,
    kind: MicrometerKind = "lines",
    axis: Literal["x", "y"] = "x",
    pixel_y_um: float | None = None,
    shape_px: tuple[int, int] = (600, 800),
    tilt_deg: float = 0.0,
    k1: float = 0.0,
    line_share: float = 0.2,
    length_um: float | None = None,
    graduated: bool = False,
    missing: tuple[int, ...] = (),
    contrast: float = 0.6,
    blur_px: float = 1.0,
    noise: float = 2.0,
    shading: float = 0.0,
    dirt: int = 0,
) -> Field:
    """Draw dark lines, a grid or dots at a constant pitch on a bright ground.

    Parameters
    ----------
    seed : int
        Of everything that is drawn at random: the place of the lines, dirt, illumination, noise.
    pixel_um, pixel_y_um : float
        Width and height of a pixel at the optical axis, the middle of the image; height None: square. [um/px]
    pitch_um : float
        Distance of neighboring lines or dots. [um]
    kind : str
        "lines" (of an object micrometer), "grid" (lines both ways) or "dots" (both ways).
    axis : str
        Direction in which lines follow each other.
    tilt_deg : float
        Rotation of the micrometer against the image, clockwise as seen.
    k1 : float
        Radial distortion: a point at distance r of the middle appears at r (1 + k1 (r / R)^2), R half the
        diagonal; negative: barrel. [1]
    line_share : float
        Width of a line (diameter of a dot) over the pitch. [1]
    length_um : float, optional
        Length of the longest lines; None: from edge to edge. Only kind "lines". [um]
    graduated : bool
        Every fifth and every tenth line is longer than the others, which start at one common end.
    missing : tuple of int
        Numbers of lines that are not there, counted from the line nearest to the middle.
    contrast : float
        Depth of the lines under the ground, share of the gray value. [1]
    blur_px, noise : float
        Standard deviations of point spread [px] and noise [gray levels].
    shading : float
        Darkening toward the sides, share of the gray value. [1]
    dirt : int
        Number of dark specks.

    Returns
    -------
    Field
        Labels: 1 where the middle of a pixel lies on a line. Truth: ``field.pixel_um``, ``field.pixel_y_um``,
        ``field.tilt_deg``, ``field.k1``.
    """
    pixel_y = pixel_um if pixel_y_um is None else pixel_y_um
    if not (0 < line_share < 1 and pixel_um > 0 and pixel_y > 0 and pitch_um > 0):
        msg = "synthetic.stage_micrometer: pixel sizes and pitch must be > 0, line_share between 0 and 1"
        raise SettingsError(msg)
    rng = np.random.default_rng(seed)
    column, row = ideal_positions(shape_px, k1)
    angle = radians(tilt_deg)
    along = column * (pixel_um * cos(angle)) + row * (pixel_y * sin(angle))
    across = row * (pixel_y * cos(angle)) - column * (pixel_um * sin(angle))
    if axis == "y":
        along, across = across, along
    along = along + rng.uniform(-0.5, 0.5) * pitch_um
    across = across + rng.uniform(-0.5, 0.5) * pitch_um
    step = pixel_um if axis == "x" else pixel_y
    other = pixel_y if axis == "x" else pixel_um
    width = line_share * pitch_um
    numbers = np.rint(along / pitch_um).astype(int)
    off = np.abs(along - numbers * pitch_um)
    if kind == "dots":
        rows = np.rint(across / pitch_um).astype(int)
        distance = width / 2 - np.hypot(off, across - rows * pitch_um)
        cover = _cover(distance, step)
    else:
        cover = _cover(width / 2 - off, step)
        if length_um is not None and kind == "lines":
            share = np.ones(shape_px)
            if graduated:
                share = np.where(numbers % 10 == 0, _LENGTHS[0], np.where(numbers % 5 == 0, _LENGTHS[1], _LENGTHS[2]))
            cover = cover * _cover(across + length_um / 2, other) * _cover(length_um * (share - 0.5) - across, other)
    if missing:
        cover = np.where(np.isin(numbers, missing), 0, cover)
    if kind == "grid":
        rows = np.rint(across / pitch_um).astype(int)
        second = _cover(width / 2 - np.abs(across - rows * pitch_um), other)
        cover = np.maximum(cover, second)
    picture = (0.8 * (1 - contrast * cover)).astype(np.float32)
    for _ in range(dirt):
        speck = Outline.disc(rng.uniform(0, shape_px[0]), rng.uniform(0, shape_px[1]), rng.uniform(2.0, 9.0))
        darken(picture, speck, rng.uniform(0.3, 0.8))
    if blur_px > 0:
        picture = blurred(picture, blur_px)
    if shading > 0:
        picture *= 1 - shading * _vignette(rng, shape_px)
    if noise > 0:
        picture += np.float32(noise / 255) * rng.standard_normal(shape_px, dtype=np.float32)
    return Field(
        pixels=to_8bit(picture),
        labels=(cover > 0.5).astype(np.uint8),
        classes={0: "ground", 1: "line"},
        kind="semantic",
        pixel_um=pixel_um,
        truth={
            "field.pixel_um": pixel_um,
            "field.pixel_y_um": pixel_y,
            "field.tilt_deg": tilt_deg,
            "field.k1": k1,
        },
    )


def ideal_positions(shape_px: tuple[int, int], k1: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where every pixel would lie without distortion: column and row from the middle of the image. [px]"""
    height, width = shape_px
    column = np.arange(width)[None, :] - (width - 1) / 2 + np.zeros((height, 1))
    row = np.arange(height)[:, None] - (height - 1) / 2 + np.zeros((1, width))
    if k1 == 0:
        return column, row
    corner = np.hypot(height, width) / 2
    seen = np.hypot(column, row) / corner
    ideal = seen.copy()
    for _ in range(12):  # Newton steps: r (1 + k1 r^2) = seen
        ideal -= (ideal * (1 + k1 * ideal**2) - seen) / (1 + 3 * k1 * ideal**2)
    shrink = 1 / (1 + k1 * ideal**2)
    return column * shrink, row * shrink


def _cover(inside_um: NDArray[np.float64], pixel_um: float) -> NDArray[np.float64]:
    """Share of a pixel that is covered, from the distance of its middle to the outline."""
    return np.asarray(np.clip(0.5 + inside_um / pixel_um, 0, 1))


def _vignette(rng: np.random.Generator, shape_px: tuple[int, int]) -> Gray:
    """Illumination that falls off from a place near the middle, with soft clouds; 0 to about 1."""
    height, width = shape_px
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None] - np.float32(rng.uniform(-0.5, 0.5))
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :] - np.float32(rng.uniform(-0.5, 0.5))
    fall = (x**2 + y**2) / np.float32(4.5)
    return np.asarray(fall + np.float32(0.1) * cloud(rng, shape_px, ceil(0.4 * min(shape_px))), dtype=np.float32)
