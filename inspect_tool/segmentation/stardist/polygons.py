"""Star-convex objects: candidates from the network, the choice among them, and their areas on the pixel grid.

Choosing is greedy, as in StarDist: the most probable candidate stays, those that share more than a given part of
the smaller area with it go. A candidate below a probability never removes one above it, so that one choice at the
lowest threshold holds the choices at all higher ones. Candidates of a coarser scale go before those of a finer one:
they are large objects, of which the finer scale sees pieces.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import pi

import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import LabelImage, Mask

HELD = 400_000
"""Candidates held at a time, about 450 MB when 32 rays each; beyond, those far above the last row are settled."""

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


def chosen(stars: Stars, nms_threshold: float) -> Stars:
    """Candidates that remain, most probable first; equal ones by row and column, so that the order is fixed."""
    order = np.lexsort((stars.points[:, 1], stars.points[:, 0], -stars.probability, -stars.level))
    stars = stars[order]
    return stars[remaining(stars, nms_threshold)]


def remaining(stars: Stars, nms_threshold: float) -> NDArray[np.bool_]:
    """Which candidates remain, of those that go before others given first."""
    from stardist.nms import non_maximum_suppression_inds

    if len(stars) < 2:
        return np.ones(len(stars), bool)
    kept = non_maximum_suppression_inds(
        stars.rays, stars.points, stars.probability, thresh=nms_threshold, use_bbox=True, use_kdtree=True, verbose=0
    )
    return np.asarray(kept, bool)


def chosen_in_bands(bands: Iterable[tuple[float, Stars]], rays: int, nms_threshold: float, held: int = HELD) -> Stars:
    """Choose among candidates that come from the top of the image to its bottom.

    Parameters
    ----------
    bands : iterable of (last row, Stars)
        Row down to which candidates are complete [px], and new candidates.
    rays : int
        Number of rays.
    nms_threshold : float
        Largest shared part of the smaller area.
    held : int
        Candidates from which on the upper ones are settled. Up to this number the choice is exactly that among
        all candidates at once; beyond, candidates more than two diameters of the largest object above the last
        row are decided without those that are still to come, which do not reach them.
    """
    parts: list[Stars] = []
    count, limit = 0, held
    for bottom, part in bands:
        parts.append(part)
        count += len(part)
        if count > limit:
            every = joined(parts, rays)
            reach = 4.0 * float(every.rays.max())
            settled = every.points[:, 0] < bottom - reach
            survivors = chosen(every, nms_threshold)
            parts = [survivors[survivors.points[:, 0] < bottom - reach], every[~settled]]
            count = len(parts[0]) + len(parts[1])
            limit = max(held, count + held // 2)
    return chosen(joined(parts, rays), nms_threshold)


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


def drawn(stars: Stars, shape: tuple[int, int], roi: Mask | None, *, smooth: bool, grow_px: float = 0.0) -> Drawn:
    """Put objects on the pixel grid: a pixel belongs to an object when its center lies inside the outline.

    Parameters
    ----------
    stars : Stars
        Objects; they are numbered from the top left.
    shape : tuple of int
        Rows and columns.
    roi : ndarray of bool, optional
        Where pixels count.
    smooth : bool
        Round the outline between the rays instead of joining their ends by straight lines.
    grow_px : float
        Added to every ray. [px]
    """
    from skimage.draw import polygon

    labels = np.zeros(shape, np.int32)
    number = len(stars)
    areas, lost = np.zeros(number + 1, np.intp), np.zeros(number + 1, np.intp)
    order = np.lexsort((stars.points[:, 1], stars.points[:, 0]))
    stars = stars[order]
    by_probability = np.argsort(stars.probability, kind="stable")
    for start in range(0, number, 4096):  # outlines of so many at a time
        which = by_probability[start : start + 4096]
        some = stars[which]
        if grow_px:
            some = replace(some, rays=np.maximum(some.rays + np.float32(grow_px), np.float32(0.1)))
        for index, corners in zip(which, outlines(some, OUTLINE_POINTS if smooth else 1), strict=True):
            rows, columns = polygon(corners[0], corners[1], shape)  # type: ignore[no-untyped-call]
            if roi is not None:
                inside = roi[rows, columns]
                rows, columns = rows[inside], columns[inside]
            under, times = np.unique(labels[rows, columns], return_counts=True)
            lost[under] += times
            labels[rows, columns] = index + 1
            areas[index + 1] = len(rows)
    lost[0] = 0
    visible = areas - lost
    there = visible[1:] > 0
    if not there.all():
        numbers = np.zeros(number + 1, np.int32)
        numbers[1:][there] = np.arange(1, int(there.sum()) + 1)
        for top in range(0, shape[0], 256):
            labels[top : top + 256] = numbers[labels[top : top + 256]]
    return Drawn(
        labels=labels,
        areas_px2=areas[1:][there],
        visible_px2=visible[1:][there],
        covered=int((lost[1:] > 0).sum()),
        hidden=int(((areas[1:] > 0) & ~there).sum()),
    )
