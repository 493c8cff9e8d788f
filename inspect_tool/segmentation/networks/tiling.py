"""Images of any size through a network: tiles that overlap, blended, with proof that every pixel was predicted.

Tiles begin at multiples of the stride of the network, so that pooling falls on the same pixels whatever the
tile size. The outermost quarter of an overlap is context only; in its middle half the two tiles are blended
linearly with weights that add up to 1. Memory: one row of tiles, whatever the size of the image.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import BackendError
from inspect_tool.model import Mask
from inspect_tool.pixels.parts import strips
from inspect_tool.segmentation.networks.runtime import Batch

Area = tuple[slice, slice]
Read = Callable[[Area], NDArray[np.float32]]
"""Gives the normalized pixels of an area inside the image: (channels, rows, columns)."""

TILE_PX = 1024
OVERLAP_PX = 128

_WHOLE = 1e-3  # blending weights of a pixel add up to 1 within this
_FLAT = 0.02  # an image that varies less within a tile may give a constant answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """How an image is cut into tiles."""

    tile_px: int = TILE_PX
    overlap_px: int = OVERLAP_PX
    stride: int = 16  # of the network [px]
    batch: int = 1  # tiles at a time


def middle(roi: Mask | None, shape: Sequence[int], side: int) -> Area:
    """The middle of what counts, at most ``side`` square.

    >>> middle(None, (100, 400), 200)
    (slice(0, 100, None), slice(100, 300, None))
    """
    cut = []
    counts = [np.ones(size, np.bool_) for size in shape[:2]] if roi is None else _filled(roi)
    for line in counts:
        seen = np.flatnonzero(line)
        low, high = int(seen[0]), int(seen[-1]) + 1
        start = max(low, (low + high - side) // 2)
        cut.append(slice(start, min(high, start + side)))
    return cut[0], cut[1]


def _filled(roi: Mask) -> tuple[Mask, Mask]:
    """Which rows and which columns hold a pixel of a mask, held or of bits."""
    rows, columns = np.zeros(roi.shape[0], np.bool_), np.zeros(roi.shape[1], np.bool_)
    for top, bottom in strips(roi.shape):
        part = roi[top:bottom]
        rows[top:bottom] = part.any(axis=1)
        columns |= part.any(axis=0)
    return rows, columns


def wider(area: Area, by: int, shape: Sequence[int]) -> Area:
    """Widen an area on all sides, as far as the image reaches."""
    rows, columns = (
        slice(max(0, cut.start - by), min(size, cut.stop + by)) for cut, size in zip(area, shape, strict=True)
    )
    return rows, columns


def spans(size: int, grid: Grid) -> list[tuple[int, int]]:
    """Begin and end of the tiles along one axis; the last end is the first multiple of the stride beyond ``size``.

    >>> spans(1000, Grid(tile_px=512, overlap_px=128))
    [(0, 512), (384, 896), (768, 1008)]
    """
    end = -(-size // grid.stride) * grid.stride
    step = grid.tile_px - grid.overlap_px
    found = []
    begin = 0
    while True:
        found.append((begin, min(begin + grid.tile_px, end)))
        if begin + grid.tile_px >= end:
            return found
        begin += step


def weights(begin: int, end: int, size: int, overlap: int) -> NDArray[np.float32]:
    """Share that a tile has in the pixels ``begin`` to ``end`` of an axis; the shares of all tiles add up to 1."""
    at = np.arange(begin, end, dtype=np.float32)
    share = np.ones(end - begin, np.float32)
    if begin > 0:
        share = np.minimum(share, (at - begin + 0.5 - overlap / 4) / (overlap / 2))
    if end < size:
        share = np.minimum(share, (end - at - 0.5 - overlap / 4) / (overlap / 2))
    return np.clip(share, 0, 1)


def predicted(
    read: Read,
    shape: tuple[int, int],
    run: Callable[[Batch], Batch],
    grid: Grid,
    where: str,
    first: int = 0,
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Predict an image tile by tile; finished rows come out band by band.

    Parameters
    ----------
    read : callable
        Gives the pixels of an area.
    shape : tuple of int
        Rows and columns of the image.
    run : callable
        (n, channels, rows, columns) to (n, k, rows, columns), both float32.
    grid : Grid
        How to cut.
    where : str
        Name of the image, for errors.
    first : int
        Band to begin with, see ``band_rows``; of those before, only what reaches into it is predicted.

    Yields
    ------
    slice, ndarray of float32
        Rows and what was predicted there: (k, rows, columns).

    Raises
    ------
    BackendError
        A tile gives values that are not finite, or one and the same value all over; a pixel was not predicted.
    """
    _check(grid)
    height, width = shape
    rows, columns = spans(height, grid), spans(width, grid)
    bottom, right = rows[-1][1], columns[-1][1]
    groups = _groups(columns, grid.batch)
    carried: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
    for i, (top, end) in enumerate(rows):
        if i < first - 1:
            continue
        share = weights(top, end, bottom, grid.overlap_px)[:, None]
        band: NDArray[np.float32] | None = None
        covered = np.zeros((end - top, right), np.float32)
        for group in groups:
            batch = np.stack([_padded(read, (top, end), span, shape) for span in group])
            made = run(batch)
            if band is None:
                band = np.zeros((made.shape[1], end - top, right), np.float32)
            for k, (left, stop) in enumerate(group):
                _sound(made[k], batch[k], f"{where}: tile at row {top}, column {left}")
                both = share * weights(left, stop, right, grid.overlap_px)[None]
                band[:, :, left:stop] += made[k] * both
                covered[:, left:stop] += both
        assert band is not None
        if carried is not None:
            shared = carried[1].shape[0]
            band[:, :shared] += carried[0]
            covered[:shared] += carried[1]
        done = (rows[i + 1][0] if i + 1 < len(rows) else bottom) - top
        last = min(done, height - top)
        if last > 0 and i >= first:
            missing = np.abs(covered[:last, :width] - 1) > _WHOLE
            if missing.any():
                row, column = np.argwhere(missing)[0]
                msg = f"{where}: the pixel at row {top + row}, column {column} was not predicted whole"
                raise BackendError(msg)
            yield slice(top, top + last), band[:, :last, :width]
        carried = (band[:, done:].copy(), covered[done:].copy())


def band_rows(shape: tuple[int, int], grid: Grid) -> list[slice]:
    """Rows of the bands in which ``predicted`` gives an image.

    >>> band_rows((1000, 200), Grid(tile_px=512, overlap_px=128))
    [slice(0, 384, None), slice(384, 768, None), slice(768, 1000, None)]
    """
    starts = [top for top, _ in spans(shape[0], grid)]
    return [
        slice(top, min(bottom, shape[0]))
        for top, bottom in pairwise([*starts, shape[0]])
        if top < min(bottom, shape[0])
    ]


def quantized(probability: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Probabilities as whole numbers, 255 for 1: a map that costs one byte per pixel."""
    return np.asarray(np.rint(np.clip(probability, 0, 1) * 255), dtype=np.uint8)


def _check(grid: Grid) -> None:
    if grid.tile_px % grid.stride or grid.overlap_px % grid.stride or grid.tile_px < 2 * grid.overlap_px:
        msg = (
            f"tile_px = {grid.tile_px}: must be a multiple of {grid.stride} and at least twice the overlap of "
            f"{grid.overlap_px} px"
        )
        raise BackendError(msg)


def _groups(spans_: list[tuple[int, int]], batch: int) -> list[list[tuple[int, int]]]:
    """Tiles of one width, at most ``batch`` of them at a time."""
    groups: list[list[tuple[int, int]]] = []
    for span in spans_:
        last = groups[-1] if groups else []
        if last and len(last) < batch and last[0][1] - last[0][0] == span[1] - span[0]:
            last.append(span)
        else:
            groups.append([span])
    return groups


def _padded(read: Read, rows: tuple[int, int], columns: tuple[int, int], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Pixels of a tile; beyond the image its last row and column are mirrored."""
    inside = (slice(rows[0], min(rows[1], shape[0])), slice(columns[0], min(columns[1], shape[1])))
    pixels = read(inside)
    below, beside = rows[1] - inside[0].stop, columns[1] - inside[1].stop
    if not below and not beside:
        return np.ascontiguousarray(pixels)
    return np.pad(pixels, ((0, 0), (0, below), (0, beside)), mode="symmetric")


def _sound(made: NDArray[np.float32], given: NDArray[np.float32], where: str) -> None:
    if not np.isfinite(made).all():
        msg = f'{where}: the network gives values that are not finite numbers; check the weights, or precision = "fp32"'
        raise BackendError(msg)
    if float(np.ptp(given, axis=(1, 2)).max()) > _FLAT and float(np.ptp(made, axis=(1, 2)).max()) == 0:
        msg = f"{where}: the network gives {made.flat[0]:.3g} for every pixel of a tile that is not uniform"
        raise BackendError(msg)
