"""Signs of a duplex grain structure: area-weighted distribution of grain sizes, and a map of the local size.

A wide distribution alone is none: grains of one population may be lognormal, and their sections span many
numbers. Two populations have two humps that chance does not make of one (dip test), an outlier stands
apart from the tail of the others, and regions differ when tiles resemble their neighbors.
"""

from dataclasses import dataclass
from functools import partial
from math import ceil, log, sqrt

import numpy as np
from numpy.typing import NDArray

from inspect_tool.measure.recall import ANEW, Parts, rows_of
from inspect_tool.model import LabelImage

FloatArray = NDArray[np.float64]

BIN_G = 0.5
DIP_BIN_G = 0.1
DIP_LIMIT = 0.55  # over the root of the number of grains
GRAINS_PER_TILE = 25  # with fewer, chance alone moves the local number by half a unit and more


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AreaDistribution:
    """Share of the area over the grain size number of the single grains."""

    edges_g: FloatArray
    percent: FloatArray  # of the area, one less than the edges
    low_g: float  # 5 % of the area is coarser
    high_g: float  # 5 % of the area is finer
    mode_distance_g: float  # 0: one population
    mode_area_percent: float  # within one number of either mode
    modes_g: tuple[float, ...]  # of the coarse and of the fine population
    split_g: float | None  # between the two
    coarse_percent: float  # of the area, coarser than the split


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LocalIntercepts:
    """Mean intercept in square tiles of a field."""

    tile_px: int
    rows_px: FloatArray  # centers
    columns_px: FloatArray
    mean_intercept_px: FloatArray  # (rows, columns); nan where less than half of the tile is grain

    def pairs(self) -> FloatArray:
        """Mean intercepts of tiles that lie side by side, (pairs, 2). [px]"""
        mean = self.mean_intercept_px
        sides = ((mean[1:], mean[:-1]), (mean[:, 1:], mean[:, :-1]))
        found = np.concatenate([np.column_stack([a.ravel(), b.ravel()]) for a, b in sides])
        return np.asarray(found[np.isfinite(found).all(axis=1)], dtype=np.float64)


def area_distribution(g: FloatArray, area: FloatArray) -> AreaDistribution:
    """Distribution of the area over the number of the grains, its central 90 %, and its modes where it has two.

    Parameters
    ----------
    g : float array of shape (grains,)
        Grain size number of each grain section, from its own area.
    area : float array of shape (grains,)
        Weight of each grain. [any unit]
    """
    order = np.argsort(g)
    share = np.cumsum(area[order]) / area.sum()
    low, high = (float(g[order][np.searchsorted(share, q)]) for q in (0.05, 0.95))
    first = np.floor(g.min() / BIN_G) * BIN_G - 2 * BIN_G
    edges = first + BIN_G * np.arange(ceil((g.max() - first) / BIN_G) + 3)
    percent = np.histogram(g, bins=edges, weights=area)[0] / area.sum() * 100
    smooth = np.convolve(np.convolve(percent, [0.25, 0.5, 0.25], "same"), [0.25, 0.5, 0.25], "same")
    middle = (edges[:-1] + edges[1:]) / 2
    split = _split(g, area / area.sum())
    modes: tuple[float, ...] = ()
    held = coarse = 0.0
    if split is not None:
        modes = tuple(float(middle[side][smooth[side].argmax()]) for side in (middle < split, middle >= split))
        held = float(percent[np.abs(middle[:, None] - modes).min(axis=1) <= 1.0].sum())
        coarse = float(100 * area[g < split].sum() / area.sum())
    return AreaDistribution(
        edges_g=edges,
        percent=percent,
        low_g=low,
        high_g=high,
        mode_distance_g=modes[1] - modes[0] if modes else 0.0,
        mode_area_percent=held,
        modes_g=modes,
        split_g=split,
        coarse_percent=coarse,
    )


def _split(g: FloatArray, share: FloatArray) -> float | None:
    """Number between two populations; None where one explains the distribution of the area.

    The dip of the distribution is judged as that of so many equal grains as have the same spread of their shares,
    against 0.55 / √n, which a uniform distribution, the hardest one for the test, exceeds once in 100. The split is
    where the two parts differ most (Otsu).

    References
    ----------
    Hartigan and Hartigan, The dip test of unimodality, Annals of Statistics 13 (1985) 70.
    """
    edges = np.arange(np.floor(g.min() / DIP_BIN_G), np.ceil(g.max() / DIP_BIN_G) + 2) * DIP_BIN_G
    held = np.histogram(g, bins=edges, weights=share)[0]
    below = np.concatenate([[0.0], np.cumsum(held)])
    if dip(below) <= DIP_LIMIT * sqrt(float((share**2).sum())):
        return None
    first = np.cumsum(held * (edges[:-1] + edges[1:]) / 2)
    inner = below[1:-1]
    between = (first[-1] * inner - first[:-1]) ** 2 / np.maximum(inner * (1 - inner), 1e-12)
    return float(edges[1:-1][between.argmax()])


def dip(below: FloatArray) -> float:
    """Distance of a distribution from the nearest one with a single hump. [1]

    Parameters
    ----------
    below : float array
        Share of the values up to evenly spaced places, from 0 to 1.

    Examples
    --------
    Half of all at either end:

    >>> round(dip(np.array([0.0, 0.5, 0.5, 0.5, 1.0])), 6)
    0.125
    """
    rising = [_above_convex(below[: i + 1]) for i in range(len(below))]
    falling = [_above_convex(1 - below[i:][::-1]) for i in range(len(below))]
    return float(np.maximum(rising, falling).min()) / 2


def _above_convex(values: FloatArray) -> float:
    """Largest height of a curve over the highest convex curve below it."""
    height, hull = values.tolist(), [0]
    for i in range(1, len(height)):
        while len(hull) > 1:
            a, b = hull[-2:]
            if (height[b] - height[a]) * (i - b) <= (height[i] - height[b]) * (b - a):
                break
            hull.pop()
        hull.append(i)
    return float((values - np.interp(np.arange(len(values)), hull, values[hull])).max())


def coarse_group(g: FloatArray) -> int:
    """Number of the coarsest grains that stand apart from the others by more than one tail leaves open; 0: none.

    In an exponential tail of the number, heavier than that of lognormal grains, the step below the m coarsest
    grains is exponential with a mean of 1/m of the scale of the tail. That scale is that of the 30 next grains. Of all
    steps among the coarsest quarter the least likely one counts, where chance makes such a one once in 200 structures.

    Parameters
    ----------
    g : float array of shape (grains,)
        Grain size number of each grain section.

    References
    ----------
    Rényi, On the theory of order statistics, Acta Mathematica Hungarica 4 (1953) 191; Hill, A simple general
    approach to inference about the tail of a distribution, Annals of Statistics 3 (1975) 1163.

    Examples
    --------
    >>> rest = np.linspace(8, 12, 200)
    >>> coarse_group(np.append(rest, [4.0, 4.5])), coarse_group(np.append(rest, 7.9))
    (2, 0)
    """
    ordered = np.sort(g)
    tail = min(30, len(ordered) // 4)
    most = len(ordered) // 4
    if tail < 3:
        return 0
    # steps between neighbors in order, times their rank: one exponential distribution all along such a tail
    steps = np.arange(1, most + tail + 1) * np.diff(ordered[: most + tail + 1])
    total = np.concatenate([[0.0], np.cumsum(steps)])
    scale = (total[tail + 1 :] - total[1 : most + 1]) / tail
    unlikely = steps[:most] / np.maximum(scale, 1e-9)
    best = int(unlikely.argmax())
    return best + 1 if unlikely[best] > -log(0.005 / most) else 0


def neighbor_correlation(pairs: FloatArray) -> float:
    """Correlation of tiles with their neighbors, in standard errors of that of tiles without a pattern.

    Parameters
    ----------
    pairs : float array of shape (pairs, 2)
        A value of either tile.
    """
    away = pairs - pairs.mean()
    variance = float((away**2).mean())
    return float(away.prod(axis=1).mean() / variance * sqrt(len(pairs))) if variance > 0 else 0.0


def local_intercepts(labels: LabelImage, mean_area_px2: float, parts: Parts = ANEW) -> LocalIntercepts | None:
    """Mean intercept in tiles that hold about 25 grains each; None when fewer than four tiles fit.

    Label changes along rows and columns are counted in each tile.
    """
    tile = ceil(sqrt(GRAINS_PER_TILE * mean_area_px2))
    rows, columns = labels.shape[0] // tile, labels.shape[1] // tile
    if rows * columns < 4:
        return None
    number, length = np.empty((rows, columns)), np.empty((rows, columns))
    for row in range(rows):
        above = min(row, 1)  # a row more, for the changes on the upper side of the tiles
        rows_px = slice(row * tile - above, (row + 1) * tile)
        counted = partial(_in_tiles, labels[rows_px, : columns * tile], above, tile)
        number[row], length[row] = parts.part(("tiles", tile), rows_of(labels, rows_px), counted)
    length *= 2.0
    full = length >= tile * tile  # half of the pixels, two directions each
    mean = np.where(full & (number > 0), length / np.maximum(number, 1.0), np.nan)
    return LocalIntercepts(
        tile_px=tile,
        rows_px=(np.arange(rows) + 0.5) * tile - 0.5,
        columns_px=(np.arange(columns) + 0.5) * tile - 0.5,
        mean_intercept_px=mean,
    )


def _in_tiles(part: LabelImage, above: int, tile: int) -> tuple[FloatArray, FloatArray]:
    """Label changes and pixels of grains in a row of tiles; the first ``above`` rows belong to the tiles before."""
    grain = part > 0
    changes = np.zeros(part.shape, dtype=np.uint8)
    both = grain[:, 1:] & grain[:, :-1]
    changes[:, 1:] += both & (part[:, 1:] != part[:, :-1])
    changes[1:] += grain[1:] & grain[:-1] & (part[1:] != part[:-1])
    number, length = (
        of[above:].sum(axis=0, dtype=np.int64).reshape(-1, tile).sum(axis=1).astype(np.float64)
        for of in (changes, grain)
    )
    return number, length
