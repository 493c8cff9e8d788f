"""Signs of a duplex grain structure: area-weighted distribution of grain sizes, and a map of the local size."""

from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import LabelImage

FloatArray = NDArray[np.float64]

BIN_G = 0.5
GRAINS_PER_TILE = 25  # with fewer, chance alone moves the local number by half a unit and more


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AreaDistribution:
    """Share of the area over the grain size number of the single grains."""

    edges_g: FloatArray
    percent: FloatArray  # of the area, one less than the edges
    low_g: float  # 5 % of the area is coarser
    high_g: float  # 5 % of the area is finer
    mode_distance_g: float  # 0: one mode
    mode_area_percent: float  # within one number of either mode
    modes_g: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LocalIntercepts:
    """Mean intercept in square tiles of a field."""

    tile_px: int
    rows_px: FloatArray  # centres
    columns_px: FloatArray
    mean_intercept_px: FloatArray  # (rows, columns); nan where less than half of the tile is grain


def area_distribution(g: FloatArray, area: FloatArray) -> AreaDistribution:
    """Distribution of the area over the number of the grains, its central 90 % and its modes.

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
    peaks = [i for i in range(1, len(smooth) - 1) if smooth[i] >= smooth[i - 1] and smooth[i] > smooth[i + 1] > -1]
    peaks = sorted((i for i in peaks if smooth[i] > 0.1 * smooth.max()), key=lambda i: -smooth[i])[:2]
    distance, held = 0.0, 0.0
    # two modes only when the area between them really drops
    if len(peaks) == 2:
        a, b = sorted(peaks)
        if smooth[a : b + 1].min() < 0.7 * min(smooth[a], smooth[b]):
            distance = float(middle[b] - middle[a])
            near = (np.abs(middle - middle[a]) <= 1.0) | (np.abs(middle - middle[b]) <= 1.0)
            held = float(percent[near].sum())
    return AreaDistribution(
        edges_g=edges,
        percent=percent,
        low_g=low,
        high_g=high,
        mode_distance_g=distance,
        mode_area_percent=held,
        modes_g=tuple(float(middle[i]) for i in sorted(peaks)) if distance else (),
    )


def local_intercepts(labels: LabelImage, mean_area_px2: float) -> LocalIntercepts | None:
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
        part = labels[row * tile - above : (row + 1) * tile, : columns * tile]
        grain = part > 0
        changes = np.zeros(part.shape, dtype=np.uint8)
        both = grain[:, 1:] & grain[:, :-1]
        changes[:, 1:] += both & (part[:, 1:] != part[:, :-1])
        changes[1:] += grain[1:] & grain[:-1] & (part[1:] != part[:-1])
        for values, of in ((number, changes), (length, grain)):
            down = of[above:].sum(axis=0, dtype=np.int64)
            values[row] = down.reshape(columns, tile).sum(axis=1)
    length *= 2.0
    full = length >= tile * tile  # half of the pixels, two directions each
    mean = np.where(full & (number > 0), length / np.maximum(number, 1.0), np.nan)
    return LocalIntercepts(
        tile_px=tile,
        rows_px=(np.arange(rows) + 0.5) * tile - 0.5,
        columns_px=(np.arange(columns) + 0.5) * tile - 0.5,
        mean_intercept_px=mean,
    )
