"""Which pixels are particles, by one gray level: on even ground, smoothed as the particles are large, without holes.

The rules and their constants were chosen on one half of real pictures (docs/validation_particles.md).
"""

from dataclasses import dataclass
from math import pi, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from inspect_tool.measure import boundaries
from inspect_tool.measure.boundaries import FloatImage
from inspect_tool.model import GrayImage, Mask
from inspect_tool.pixels.reduced import bilinear

BLUR_PX = 1.0  # standard deviation of the least blur ...
BLUR_SHARE = 0.03  # ... it is this share of the usual diameter, so that the grain of a surface parts no particle ...
MOST_BLUR_PX = 4.0  # ... up to here
SHALLOW = 0.2  # a hole whose mean gray is so near to the level, over the difference of the classes, is a texture ...
SMALL_HOLE = 0.1  # ... if its area is at most this share of the disc about it that the outline holds


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Leveled:
    """A picture that one level parts."""

    gray: FloatImage  # smoothed; less its surroundings where the ground is uneven
    level: float  # of least spread in the two classes (Otsu 1979)
    apart: float  # difference of the mean gray of the two
    separation: float  # share of the variance that lies between them [1]
    flattened: bool  # the ground was uneven
    blur_px: float  # standard deviation of all smoothing together


def leveled(pixels: GrayImage, slow: FloatImage, roi: Mask, *, dark: bool) -> Leveled:
    """Smooth a picture, take out what its ground is uneven by, and part it at one gray level.

    The ground is taken out where the two classes are farther apart without it, so that it never lowers the separation.

    Parameters
    ----------
    pixels : array, shape (rows, columns)
        Gray values; inside the region they are not all the same.
    slow : array
        Mean gray of the wide surroundings, on a small picture.
    roi : array of bool
        What counts.
    dark : bool
        The particles are the darker class.
    """
    gray = np.asarray(cv2.GaussianBlur(pixels.astype(np.float32), (0, 0), BLUR_PX), np.float32)
    whole = (slice(0, gray.shape[0]), slice(0, gray.shape[1]))
    even = np.asarray(gray - bilinear(slow, gray.shape, whole), np.float32)
    as_it_is, found = _parted(gray[roi]), _parted(even[roi])
    flattened = found[2] > as_it_is[2]
    gray, found = (even, found) if flattened else (gray, as_it_is)
    mask = _side(gray, found[0], dark) & roi
    blur_px = min(max(BLUR_PX, BLUR_SHARE * _usual_diameter_px(mask)), MOST_BLUR_PX)
    if blur_px > BLUR_PX:
        gray = np.asarray(cv2.GaussianBlur(gray, (0, 0), sqrt(blur_px**2 - BLUR_PX**2)), np.float32)
        found = _parted(gray[roi])
    level, apart, separation = found
    return Leveled(gray=gray, level=level, apart=apart, separation=separation, flattened=flattened, blur_px=blur_px)


def mask_of(picture: Leveled, roi: Mask, *, dark: bool, shift: float = 0.0) -> Mask:
    """Pixels of particles, small shallow holes filled.

    Parameters
    ----------
    picture : Leveled
        As ``leveled`` gave it.
    roi : array of bool
        What counts.
    dark : bool
        The particles are the darker class.
    shift : float
        Of the level toward white, over the difference of the two classes. [1]
    """
    level = picture.level + shift * picture.apart
    mask = _side(picture.gray, level, dark) & roi
    beyond = picture.gray - level if dark else level - picture.gray
    return without_shallow_holes(mask, beyond, SHALLOW * picture.apart)


def without_shallow_holes(mask: Mask, beyond: FloatImage, shallow: float) -> Mask:
    """Fill holes that are hardly less than what surrounds them and small beside it: texture, no gap.

    A gap between particles that touch shows the ground, and is as large as they let it be; the grain of a surface goes
    just across the level. Between three equal discs lies 16 % of the disc about the gap that their outline holds.

    Parameters
    ----------
    mask : array of bool
        Particles.
    beyond : array
        How far each pixel lies beyond the level, on the side of the ground.
    shallow : float
        Mean of it up to which a hole is filled.
    """
    count, pieces, stats, _ = cv2.connectedComponentsWithStats((~mask).astype(np.uint8), connectivity=4)
    height, width = mask.shape
    left, top, wide, tall = (stats[:, i] for i in range(4))
    hole = (left > 0) & (top > 0) & (left + wide < width) & (top + tall < height)
    hole[0] = False  # the particles themselves
    if not hole.any():
        return mask
    numbers = np.arange(count)
    depth = np.asarray(ndimage.mean(beyond, pieces, numbers))
    around = cv2.distanceTransform((mask | hole[pieces]).astype(np.uint8), cv2.DIST_L2, 5)
    room = pi * np.asarray(ndimage.maximum(around, pieces, numbers)) ** 2
    filled = hole & (depth < shallow) & (stats[:, cv2.CC_STAT_AREA] <= SMALL_HOLE * room)
    return np.asarray(mask | filled[pieces], bool)


def _side(gray: FloatImage, level: float, dark: bool) -> Mask:
    return np.asarray(gray <= level if dark else gray > level, bool)


def _parted(inside: NDArray[np.float32]) -> tuple[float, float, float]:
    """Otsu's level, the difference of the means of the two classes, and the share of the variance between them."""
    level = boundaries.otsu(inside)
    below = inside <= level
    share = float(below.mean())
    apart = float(inside[~below].mean()) - float(inside[below].mean())
    return level, apart, share * (1 - share) * apart**2 / float(inside.var(dtype=np.float64))


def _usual_diameter_px(mask: Mask) -> float:
    """Diameter by the mean distance to the ground, which is a sixth of it in a disc: large ones count most. [px]"""
    if not mask.any():
        return 0.0
    distance = np.asarray(cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5), np.float32)
    return 6 * float(distance[mask].mean())
