"""What specimen, microscope and camera do to perfect pixels."""

from itertools import pairwise
from typing import Literal

import cv2
import numpy as np

from inspect_tool.errors import SettingsError
from inspect_tool.synthetic._drawing import blurred, scratch_depths
from inspect_tool.synthetic._outlines import Outline, darken
from inspect_tool.synthetic._random import cloud
from inspect_tool.synthetic.field import Degradation, Gray, Image, Shape

LEVELS: tuple[Degradation, ...] = (
    Degradation(),
    Degradation(shading=0.05, blur_px=0.5, electrons=20000, read_noise=1.0, stains=1.5),
    Degradation(
        shading=0.14, blur_px=0.8, contrast=0.9, electrons=8000, read_noise=2.0, scratches=4, pits=12, stains=4.0
    ),
    Degradation(
        shading=0.28,
        blur_px=1.3,
        contrast=0.7,
        electrons=2500,
        read_noise=4.5,
        scratches=14,
        pits=45,
        stains=9.0,
        jpeg_quality=70,
    ),
)
"""0 as drawn, 1 good laboratory image, 2 ordinary, 3 poor."""


def degrade(
    pixels: Image, level: int | Degradation = 2, *, seed: int, modality: Literal["optical", "xray"] = "optical"
) -> Image:
    """Do to perfect pixels what specimen, microscope and camera do.

    Parameters
    ----------
    pixels : ndarray of uint8
        (rows, columns).
    level : int or Degradation
        0 as drawn, 1 good laboratory image, 2 ordinary, 3 poor (``LEVELS``), or explicit settings.
    seed : int
        The same seed gives the same picture.
    modality : str
        "xray" leaves out scratches, pits and stains, and vignettes evenly.

    Returns
    -------
    ndarray of uint8
        (rows, columns).

    Examples
    --------
    >>> degrade(np.full((4, 4), 100, dtype=np.uint8), 0, seed=1)[0, 0]
    np.uint8(100)
    """
    if isinstance(level, int):
        if not 0 <= level < len(LEVELS):
            msg = f"synthetic.degrade: level is {level}, must lie between 0 and {len(LEVELS) - 1}"
            raise SettingsError(msg)
        level = LEVELS[level]
    rng = np.random.default_rng(seed)
    shape = (pixels.shape[0], pixels.shape[1])
    picture = pixels.astype(np.float32)
    if modality == "optical":
        if level.stains > 0:
            picture += level.stains * cloud(rng, shape, 0.22 * min(shape))
            drops = np.clip(cloud(rng, shape, 0.06 * min(shape)) - 1.9, 0, 1)
            picture -= 3 * level.stains * drops
        megapixels = shape[0] * shape[1] / 1e6
        for _ in range(rng.poisson(level.pits * megapixels)):
            spot = Outline.disc(rng.uniform(0, shape[0]), rng.uniform(0, shape[1]), rng.uniform(0.8, 2.4))
            darken(picture, spot, rng.uniform(0.3, 0.8))
        if level.scratches:
            picture *= 1 - 0.16 * scratch_depths(rng, shape, level.scratches, 1.0)
    if level.contrast != 1:
        picture = picture.mean() + level.contrast * (picture - picture.mean())
    if level.blur_px > 0:
        picture = blurred(picture, level.blur_px)
    if level.soft_corner_px > 0:
        picture = _soft_corner(picture, level.soft_corner_px)
    if level.shading > 0:
        picture *= _shading(rng, shape, level.shading, even=modality == "xray")
    if level.exposure != 1:
        picture *= level.exposure
    variance = np.full(shape, level.read_noise**2, dtype=np.float32)
    if level.electrons > 0:
        # shot noise of n electrons is sqrt(n); thousands of them are as good as normal
        variance += np.clip(picture, 0, None) * (255 / level.electrons)
    picture += np.sqrt(variance) * rng.standard_normal(shape, dtype=np.float32)
    result: Image = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    if level.jpeg_quality:
        packed = cv2.imencode(".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, level.jpeg_quality])[1]
        result = np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)
    return result


def _soft_corner(picture: Gray, deepest_px: float) -> Gray:
    """Focus lost evenly from the middle of the image to its bottom right corner, as on a tilted section.

    Between pictures of stepwise stronger blur the gray value is interpolated in the variance of the blur.
    """
    rows, columns = picture.shape
    along = np.add.outer(np.linspace(-1, 1, rows, dtype=np.float32), np.linspace(-1, 1, columns, dtype=np.float32))
    variance = (deepest_px * np.clip(along / 2, 0, 1)) ** 2
    steps = deepest_px * np.arange(9) / 8
    result = picture.copy()
    sharp = picture
    for low, high in pairwise(steps):
        soft = blurred(picture, float(high))
        share = np.clip((variance - low**2) / (high**2 - low**2), 0, 1)
        result = np.where(variance > low**2, sharp + share * (soft - sharp), result)
        sharp = soft
    return np.asarray(result, dtype=np.float32)


def _shading(rng: np.random.Generator, shape: Shape, depth: float, *, even: bool) -> Gray:
    """Illumination: brightest near the middle, or off to one side."""
    row = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    column = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :]
    r0, c0 = (0.0, 0.0) if even else rng.uniform(-0.7, 0.7, 2)
    d2 = (row - np.float32(r0)) ** 2 + (column - np.float32(c0)) ** 2
    return np.asarray(1 - depth * d2 / d2.max(), dtype=np.float32)
