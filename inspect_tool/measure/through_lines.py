"""Straight lines that run through a field in many directions: scratches, plates, needles, fibers.

They are few and each of them is much of the phase, which its power spectrum does not tell from clusters of small
features: what a line is lies in the phases of its waves. A chord of the field that lies wholly on the phase tells it.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import cos, hypot, pi, sin

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from inspect_tool.model import Mask
from inspect_tool.pixels.reduced import area_mean

COVERED = 0.3
"""Share of a pixel of a reduced field from which on it belongs to the phase."""

_SIDE = 256  # pixels of the field of equal area in which lines are looked for
_DIRECTIONS = 192  # half a step of them turns a chord by one pixel over half its length
_FULL = 0.95  # of a chord on the phase: a line
_SHARP = 3  # px of the reduced field between where a chord is full and half-way down to the rest, both sides together
_LONG = 0.5  # of the side of the field: shorter chords cut a corner
_LEAST = 3  # lines
_MOST = 0.6  # of the field: its lines are looked for
_FULLEST = 0.8  # of the reduced field: as wide as lines look there, the rest still tells them apart
_STRIP = 4.0  # times as long as wide: what runs through a strip is not asked
_MUCH = 1 / 2  # of the phase in lines, at least
_ALIGNED = 0.9  # resultant length of the directions: one of them, or those of a square or a hexagonal mesh
_FOLDS = (2, 4, 6)

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThroughLines:
    """Lines through a field that are not all in one direction, nor in those of a mesh."""

    areas: tuple[float, ...]  # of each, over that of the field [1]


def through_lines(phase: Mask, roi: Mask | None = None) -> ThroughLines | None:
    """Find the straight lines through a field where they are much of the phase or of the rest, the rarer one first.

    Parameters
    ----------
    phase : array of bool, (rows, columns)
        True on the phase.
    roi : array of bool, (rows, columns), optional
        True where the image counts.

    Returns
    -------
    ThroughLines or None
        None: there are none, too few of them, or they lie in one direction or in those of a mesh, whose power
        spectrum tells how they are spaced.

    References
    ----------
    Lines as peaks of the chords of an image: Deans, The Radon Transform and Some of Its Applications (1983).
    """
    if max(phase.shape) > _STRIP * min(phase.shape):
        return None
    inside = phase.size if roi is None else int(roi.sum())
    share = int((phase if roi is None else phase & roi).sum()) / inside
    covered = reduced(phase)
    counts = np.ones(covered.shape, bool) if roi is None else reduced(roi) > 1 - COVERED
    sides = sorted(((share, covered), (1 - share, 1 - covered)), key=lambda side: side[0])
    found = (_of_side(side >= COVERED, counts, part, whole=roi is None) for part, side in sides if 0 < part <= _MOST)
    return next((one for one in found if one is not None), None)


def _of_side(side: Mask, counts: Mask, share: float, *, whole: bool) -> ThroughLines | None:
    """Lines of what covers this share of the field."""
    on = side & counts
    total, seen = int(np.count_nonzero(counts)), int(np.count_nonzero(on))
    if not 0 < seen <= _FULLEST * total:
        return None
    chords = _chords_of_all(on.shape) if whole else _chords(counts)
    filled = np.where(chords >= _LONG * total**0.5, _chords(on) / np.maximum(chords, 1), 0.0)
    # a line near the first direction is met from both ends: the list begins where there is none
    first = int((filled >= _FULL).sum(axis=1).argmin())
    filled, length = (np.concatenate([one[first:], one[:first, ::-1]]) for one in (filled, chords))
    labels, found = ndimage.label(filled >= _FULL, np.ones((3, 3)))
    if found < _LEAST:
        return None
    half = (1 + seen / total) / 2  # a chord beside a line is as full as any other
    sizes, directions = [], []
    for i, place in enumerate(ndimage.find_objects(labels), 1):
        own = labels[place] == i
        along = int(own.sum(axis=1).argmax())  # the direction in which most chords are full
        middle = place[1].start + int(np.nonzero(own[along])[0].mean())
        across = ndimage.label(filled[place[0].start + along] >= half)[0]
        width = int(np.count_nonzero(across == across[middle]))
        if width <= np.count_nonzero(own[along]) + _SHARP:  # a row of features has no such sides
            sizes.append(width * length[place][own].mean() / total)
            directions.append((place[0].start + np.nonzero(own)[0].mean() + first) * pi / _DIRECTIONS)
    areas, turns = np.array(sizes), np.array(directions)
    if len(areas) < _LEAST or 1 - np.prod(1 - areas) < _MUCH * seen / total or is_aligned(turns, areas):
        return None
    wider = seen / total / share  # a line looks that much wider in the reduced field
    return ThroughLines(areas=tuple((areas / wider).tolist()))


def is_aligned(turns: Array, weights: Array | None = None) -> bool:
    """Whether directions are those of one bundle of lines, or of a square or hexagonal mesh. [rad]"""
    each = np.ones(len(turns)) if weights is None else weights
    return any(abs(each @ np.exp(1j * fold * turns)) > _ALIGNED * each.sum() for fold in _FOLDS)


def reduced(mask: Mask) -> NDArray[np.float32]:
    """Share of a mask in each pixel of a field of about ``_SIDE`` squared, or the mask where it has fewer."""
    step = max(1.0, mask.size**0.5 / _SIDE)
    columns, rows = (max(1, round(n / step)) for n in mask.shape[::-1])
    return np.asarray(area_mean(mask, (columns, rows), lambda part: mask[part] * np.uint8(255)) / np.float32(255))


@lru_cache(maxsize=1)  # the fields of a job have the same shape
def _chords_of_all(shape: tuple[int, int]) -> Array:
    return _chords(np.ones(shape, bool))


def _chords(mask: Mask) -> Array:
    """Length of a mask on every chord of the field, (directions, offsets). [px]"""
    turned = (turned_mask(mask, k * pi / _DIRECTIONS)[0] for k in range(_DIRECTIONS))
    # summed as integers, a chord takes a fiftieth of the time
    sums = [cv2.reduce(one, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S)[:, 0] for one in turned]
    return np.asarray(np.stack(sums), np.float64)


def turned_mask(mask: Mask, turn: float) -> tuple[NDArray[np.uint8], Array]:
    """Turn a mask about its middle, so that a direction lies along the rows of a square as large as its diagonal.

    Parameters
    ----------
    mask : array of bool, (rows, columns)
    turn : float
        Of the direction from that of the rows. [rad]

    Returns
    -------
    uint8 array of shape (side, side)
        1 on the mask.
    array of shape (2, 3)
        The affine map from the mask to it.
    """
    rows, columns = mask.shape
    side = int(hypot(rows, columns)) + 3
    c, s = cos(turn), sin(turn)
    x, y, middle = (columns - 1) / 2, (rows - 1) / 2, (side - 1) / 2
    to = np.array([[c, s, middle - c * x - s * y], [-s, c, middle + s * x - c * y]])
    image = np.ascontiguousarray(mask).view(np.uint8)
    return np.asarray(cv2.warpAffine(image, to, (side, side), flags=cv2.INTER_NEAREST)), to
