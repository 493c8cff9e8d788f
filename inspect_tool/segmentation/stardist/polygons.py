"""Star-convex objects: rays from a point, their outlines and areas, and what they cover on the pixel grid."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import pi

import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import LabelImage, Mask
from inspect_tool.pixels.parts import strips

_STRIP_PX = 1 << 22  # that are drawn on at a time
_OUTLINES = 4096  # that are held at a time
_BULGE = 1.2  # an outline between rays is so many times as long as these at most, see ``outlines``
OUTLINE_POINTS = 128  # at least so many corners: a polygon of 32 corners has 0.64 % less area than its circle

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stars:
    """Objects as rays from a point, in pixels of the image."""

    points: Floats  # (n, 2) row and column of the point the rays start from [px]
    rays: Floats  # (n, rays) [px]
    probability: Floats  # (n,)
    level: NDArray[np.int8]  # (n,) 0: finest scale

    def __len__(self) -> int:
        return len(self.probability)

    def __getitem__(self, which: NDArray[np.intp] | NDArray[np.bool_]) -> "Stars":
        return Stars(
            points=self.points[which],
            rays=self.rays[which],
            probability=self.probability[which],
            level=self.level[which],
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawn:
    """Objects on the pixel grid. Where they cover one another, the more probable one has the pixel."""

    labels: LabelImage
    areas_px2: NDArray[np.intp]  # of every object by itself, covered parts included
    visible_px2: NDArray[np.intp]
    covered: int  # objects of which another one has a part
    hidden: int  # objects of which nothing is left


def joined(parts: Iterable[Stars], rays: int) -> Stars:
    """All objects of several sets."""
    every = [none(rays), *parts]
    return Stars(
        points=np.concatenate([part.points for part in every]),
        rays=np.concatenate([part.rays for part in every]),
        probability=np.concatenate([part.probability for part in every]),
        level=np.concatenate([part.level for part in every]),
    )


def none(rays: int) -> Stars:
    """No object."""
    return Stars(
        points=np.zeros((0, 2), np.float32),
        rays=np.zeros((0, rays), np.float32),
        probability=np.zeros(0, np.float32),
        level=np.zeros(0, np.int8),
    )


def mean_diameters(stars: Stars) -> Floats:
    """Diameter of the circle of the same area. [px]"""
    angle = 2 * pi / stars.rays.shape[1]
    twice = (stars.rays * np.roll(stars.rays, 1, axis=1)).sum(axis=1) * np.sin(angle)
    return np.asarray(2 * np.sqrt(twice / 2 / pi), np.float32)


def outlines(stars: Stars, points: int = OUTLINE_POINTS) -> NDArray[np.float32]:
    """Corners of closed outlines, (n, 2, corners): rays between those of the network by trigonometric interpolation.

    >>> circle = replace(none(8), points=np.zeros((1, 2)), rays=np.ones((1, 8)))
    >>> outlines(circle, 16).shape
    (1, 2, 16)
    """
    number = stars.rays.shape[1]
    more = number * max(1, -(-points // number))
    rays = stars.rays
    if more > number:
        spectrum = np.fft.rfft(rays, axis=1)
        if number % 2 == 0:
            spectrum[:, -1] *= 0.5  # the highest frequency stands for two
        rays = np.fft.irfft(spectrum, n=more, axis=1) * (more / number)
        # between rays the outline stays between what its neighbors allow: no ringing at a sharp corner
        low, high = _neighbors(stars.rays, more // number)
        rays = np.clip(rays, low, high)
    angles = np.linspace(0, 2 * pi, more, endpoint=False)
    corners = np.stack([rays * np.sin(angles), rays * np.cos(angles)], axis=1)
    return np.asarray(corners + stars.points[:, :, None], np.float32)


def _neighbors(rays: Floats, factor: int) -> tuple[Floats, Floats]:
    """Bounds of interpolated rays: 15 % beyond the range of the two rays on either side."""
    following = np.roll(rays, -1, axis=1)
    low, high = np.minimum(rays, following), np.maximum(rays, following)
    low, high = np.minimum(low * 0.85, rays), np.maximum(high * 1.15, rays)
    return np.repeat(low, factor, axis=1), np.repeat(high, factor, axis=1)


def drawn(stars: Stars, labels: LabelImage, roi: Mask | None, *, smooth: bool, grow_px: float = 0.0) -> Drawn:
    """Put objects on the pixel grid: a pixel belongs to an object when its center lies inside the outline.

    Parameters
    ----------
    stars : Stars
        Objects; they are numbered from the top left.
    labels : label image, (rows, columns)
        All 0, held or stored; it is filled in place, strip by strip.
    roi : mask, optional
        Where pixels count.
    smooth : bool
        Round the outline between the rays instead of joining their ends by straight lines.
    grow_px : float
        Added to every ray. [px]
    """
    stars = stars[np.lexsort((stars.points[:, 1], stars.points[:, 0]))]
    if grow_px:
        stars = replace(stars, rays=np.maximum(stars.rays + np.float32(grow_px), np.float32(0.1)))
    number = len(stars)
    areas, lost = np.zeros(number + 1, np.intp), np.zeros(number + 1, np.intp)
    by_probability = np.argsort(stars.probability, kind="stable")
    reach = _BULGE * stars.rays.max(axis=1, initial=0.0) + 1
    low, high = stars.points[:, 0] - reach, stars.points[:, 0] + reach
    tall = max(1, _STRIP_PX // labels.shape[1])
    for top in range(0, labels.shape[0], tall):
        rows = slice(top, min(top + tall, labels.shape[0]))
        mine = by_probability[(high[by_probability] >= rows.start) & (low[by_probability] <= rows.stop)]
        if len(mine):
            inside = None if roi is None else roi[rows]
            labels[rows] = _strip(stars, mine, rows, labels.shape[1], inside, areas, lost, smooth=smooth)
    lost[0] = 0
    visible = areas - lost
    there = visible[1:] > 0
    if not there.all():
        numbers = np.zeros(number + 1, np.int32)
        numbers[1:][there] = np.arange(1, int(there.sum()) + 1)
        for top, bottom in strips(labels.shape):
            labels[top:bottom] = numbers[labels[top:bottom]]
    return Drawn(
        labels=labels,
        areas_px2=areas[1:][there],
        visible_px2=visible[1:][there],
        covered=int((lost[1:] > 0).sum()),
        hidden=int(((areas[1:] > 0) & ~there).sum()),
    )


def _strip(
    stars: Stars,
    which: NDArray[np.intp],
    rows: slice,
    width: int,
    roi: Mask | None,
    areas: NDArray[np.intp],
    lost: NDArray[np.intp],
    *,
    smooth: bool,
) -> LabelImage:
    """Draw objects, one above the other, into some rows; what each covers and loses is added to its areas."""
    from skimage.draw import polygon

    part = np.zeros((rows.stop - rows.start, width), np.int32)
    for first in range(0, len(which), _OUTLINES):
        some = which[first : first + _OUTLINES]
        for index, corners in zip(some, outlines(stars[some], OUTLINE_POINTS if smooth else 1), strict=True):
            row, column = polygon(corners[0], corners[1], (rows.stop, width))  # type: ignore[no-untyped-call]
            own = row >= rows.start
            row, column = row[own] - rows.start, column[own]
            if roi is not None:
                inside = roi[row, column]
                row, column = row[inside], column[inside]
            under, times = np.unique(part[row, column], return_counts=True)
            lost[under] += times
            part[row, column] = index + 1
            areas[index + 1] += len(row)
    return part
