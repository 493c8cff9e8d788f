"""Objects that several scales of one image agree on, and which way round its gray values are.

A network answers whatever scale it is asked at, also with pieces of large objects and with the ground between small
ones. An object is there at every scale whose trained sizes hold it, at the same place and as large; a piece or a gap
changes its size with the scale. So the probability of an object is the mean over the scales that should see it, 0
for those that do not, and the polarity is the one whose objects agree more.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import pi

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from inspect_tool.segmentation.stardist import polygons, suppression
from inspect_tool.segmentation.stardist.polygons import Floats, Stars

STEP = 2.0  # between scales
SMALLEST_SIDE = 96  # of the image at the coarsest scale: below, an object that is found whole fills it [px]
MOST = 6  # scales
SMALLEST = 1.2  # an object is expected at scales where it has at least this part of the smallest trained size ...
LARGEST = 0.5  # ... and at most this part of the largest: textured large objects fall to pieces before
POLARITY_LARGEST = 0.9  # where the polarity is asked for: the ground between objects does so even more
AWAY = 0.3  # middles of the same object lie nearer than this part of its diameter
LIKE = 0.3  # and the logarithms of their diameters differ by less
NEIGHBORS = 4  # of another scale that are looked at
FEW = 3.0  # where most is smaller than so many smallest trained sizes, the image is enlarged as well


def scales_of(shape: tuple[int, int]) -> list[float]:
    """Scales from that of the image down, finest first.

    >>> scales_of((512, 600)), scales_of((1024, 1536)), scales_of((120, 90))
    ([1.0, 0.5, 0.25], [1.0, 0.5, 0.25, 0.125], [1.0, 0.5])
    """
    scales = [1.0, 1.0 / STEP]
    while len(scales) < MOST and min(shape) * scales[-1] / STEP >= SMALLEST_SIDE:
        scales.append(scales[-1] / STEP)
    return scales


def agreed(
    levels: Sequence[tuple[float, Stars]],
    sizes_px: tuple[float, float],
    nms_threshold: float,
    largest: float = LARGEST,
) -> Stars:
    """Objects that two scales or more give, with their mean probability.

    Parameters
    ----------
    levels : sequence of (scale, Stars)
        What each scale gives, finest first, in pixels of the image, chosen among themselves.
    sizes_px : tuple of float
        Smallest and largest diameters trained on. [px]
    nms_threshold : float
        Largest shared part of the smaller of two objects.
    largest : float
        Part of the largest trained size up to which an object is expected at a scale.

    Returns
    -------
    Stars
        Most probable first. The outline of each is that of the finest scale that was trained for its size.
    """
    low, high = sizes_px[0] * SMALLEST, sizes_px[1] * largest
    rays = levels[0][1].rays.shape[1]
    given = [(scale, stars, polygons.mean_diameters(stars), _middles(stars)) for scale, stars in levels if len(stars)]
    if not given:
        return polygons.none(rays)
    first = np.cumsum([0, *(len(stars) for _, stars, _, _ in given)])
    everything = polygons.joined([stars for _, stars, _, _ in given], rays)
    diameters = np.concatenate([diameter for _, _, diameter, _ in given])
    middles = np.concatenate([middle for _, _, _, middle in given])
    total = np.zeros(len(everything))
    seen, expected = np.zeros(len(everything), int), np.zeros(len(everything), int)
    outline = np.full(len(everything), -1)  # of the finest scale that is trained for the size
    for number, (scale, stars, theirs, places) in enumerate(given):
        near, which = cKDTree(places).query(middles, k=min(NEIGHBORS, len(stars)))
        near, which = near.reshape(len(middles), -1), which.reshape(len(middles), -1)
        same = (near < AWAY * diameters[:, None]) & (np.abs(np.log(theirs[which] / diameters[:, None])) < LIKE)
        found = np.where(same, stars.probability[which], 0.0)
        best = found.argmax(axis=1)
        at = np.arange(len(middles))
        total += found[at, best]
        seen += found[at, best] > 0
        mine = which[at, best] + first[number]
        fits = (found[at, best] > 0) & (outline < 0) & (diameters[mine] * scale >= low)
        fits &= diameters[mine] * scale <= high
        outline[fits] = mine[fits]
    for scale, _ in levels:
        expected += (diameters * scale >= low) & (diameters * scale <= high)
    mean = np.minimum(total / np.maximum(expected, 2), 1).astype(np.float32)
    keep = seen >= 2
    numbered = replace(everything, probability=mean, level=np.zeros(len(mean), np.int8))[keep]
    own = np.where(outline < 0, np.arange(len(mean)), outline)[keep]
    order, kept = _kept(numbered, nms_threshold)
    shown = everything[own[order][kept]]
    return replace(shown, probability=numbered.probability[order][kept], level=np.zeros(len(shown), np.int8))


def _kept(stars: Stars, nms_threshold: float) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Order by probability, and which of it remain."""
    order = np.lexsort((stars.points[:, 1], stars.points[:, 0], -stars.probability))
    return order, suppression.remaining(stars[order], nms_threshold)


def weight(stars: Stars, lowest: float) -> float:
    """How much is agreed on: diameters of the objects, by how sure and how round they are. [px]

    By the square of the probability above ``lowest`` and the fourth power of the roundness 4 pi A / P^2: the ground
    between objects gives few, large, uneven answers. Weights by the area, or without roundness, choose the wrong way
    round more often (docs/stardist.md).
    """
    if not len(stars):
        return 0.0
    diameters = polygons.mean_diameters(stars).astype(np.float64)
    corners = polygons.outlines(stars, stars.rays.shape[1]).astype(np.float64)
    around = np.hypot(*(np.roll(corners, 1, axis=2) - corners).transpose(1, 0, 2)).sum(axis=1)
    roundness = np.minimum((pi * diameters / around) ** 2, 1)
    sure = np.maximum(stars.probability - lowest, 0).astype(np.float64)
    return float((diameters * sure**2 * roundness**4).sum())


def typical_px(stars: Stars) -> float:
    """Diameter above and below which half of the area of all objects lies; 0 without any. [px]"""
    if not len(stars):
        return 0.0
    diameters = np.sort(polygons.mean_diameters(stars).astype(np.float64))
    share = np.cumsum(diameters**2)
    return float(diameters[np.searchsorted(share, share[-1] / 2)])


def _middles(stars: Stars) -> Floats:
    """Centers of area; the point that rays start from may lie anywhere inside."""
    angles = np.linspace(0, 2 * pi, stars.rays.shape[1], endpoint=False)
    cubes = stars.rays.astype(np.float64) ** 3
    arm = 2 / 3 / (stars.rays.astype(np.float64) ** 2).sum(axis=1)
    return np.asarray(
        stars.points + np.stack([cubes @ np.sin(angles) * arm, cubes @ np.cos(angles) * arm], axis=1), np.float32
    )
