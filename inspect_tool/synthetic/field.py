"""What the generators give: a field with its truth; types and the check of shares that they have in common."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import SettingsError
from inspect_tool.model import LabelImage

Image: TypeAlias = NDArray[np.uint8]
Gray: TypeAlias = NDArray[np.float32]
Shape: TypeAlias = tuple[int, ...]  # rows, columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """True geometry of one solder joint; positions in pixels, percentages of the joint's projected area."""

    joint: int  # 1-based, row by row
    row_px: float
    column_px: float
    area_um2: float
    void_percent: float  # union of the projected voids
    largest_void_percent: float  # largest connected projected void
    quadrants: tuple[float, ...] = ()  # void % of the quadrants: top left, top right, bottom left, bottom right


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Field:
    """One synthetic field and everything that is known about it."""

    pixels: Image  # (rows, columns)
    labels: LabelImage  # (rows, columns): grain numbers (kind "instance") or class numbers ("semantic")
    classes: Mapping[int, str]
    kind: Literal["semantic", "instance"]
    pixel_um: float  # [um/px]
    truth: Mapping[str, float]  # "process.<quantity>" and "field.<quantity>"
    joints: tuple[Joint, ...] = ()
    sizes_um: tuple[
        float, ...
    ] = ()  # diameters of the particles centered in the field, where they are one by one known
    vias_px: tuple[tuple[float, float, float], ...] = ()  # row, column, radius: light discs that are not voids
    objects: LabelImage | None = None  # of class labels: number of the fiber at each pixel, 0: none


@dataclass(frozen=True, slots=True, kw_only=True)
class Degradation:
    """What is done to perfect pixels; 0 everywhere is nothing. Gray values run from 0 to 255."""

    shading: float = 0.0  # darkening toward one corner, share of the gray value [1]
    blur_px: float = 0.0  # standard deviation of the point spread
    soft_corner_px: float = 0.0  # more blur from the middle to one corner, where it reaches this deviation
    contrast: float = 1.0  # factor about the mean gray value [1]
    exposure: float = 1.0  # factor of the gray value before the camera clips it [1]
    electrons: float = 0.0  # full well of the camera: shot noise is sqrt(signal); 0 is no shot noise
    read_noise: float = 0.0  # standard deviation [gray levels]
    scratches: int = 0  # per megapixel
    pits: int = 0  # small dark spots per megapixel; nobody can tell them from pores
    stains: float = 0.0  # depth of soft spots and etch clouds [gray levels]
    jpeg_quality: int = 0  # 1-100; 0 is no round trip


def checked_share(percent: float, where: str) -> float:
    """Percent as a share, which must lie between 0 and 1; ``where`` is the generator that the error names."""
    if not 0 < percent < 100:
        msg = f"synthetic.{where}: area fraction is {percent:g} %, must lie between 0 and 100"
        raise SettingsError(msg)
    return percent / 100
