"""Needles, plates and fibers in many directions that end inside the field or at its edge.

Long waves hardly tell them from clusters of small features, and say too little of their scatter. How long a feature
is through each of its pixels, and how wide, tells its area, and with that what a few more or fewer of them would do.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from math import pi
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.measure.through_lines import COVERED, is_aligned, reduced, turned_mask
from inspect_tool.model import Mask

_DIRECTIONS = 48  # half a step of them turns a run of 64 px by one pixel at each end
_ASPECT = 5.0  # times as long as wide: a needle
_LONG = 0.25  # of the side of the field: shorter ones are many
_MOST = 0.6  # of the field: its needles are looked for
_MUCH = 0.5  # of the phase in needles, at least
_CROSSING = 2.0  # times the median width of needles: wider, it is that of a crossing
_COARSE = 3  # one direction in three is looked at first, in which a run is a third as long or more

Lengths = NDArray[np.uint16]
Array = NDArray[np.float64]
Back = Callable[[NDArray[Any]], NDArray[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedleScatter:
    """Standard uncertainty of the area share of a field whose needles are thrown at random."""

    u: float  # [1]
    dof: float


def needle_scatter(phase: Mask, roi: Mask | None = None) -> NeedleScatter | None:
    """Scatter of the share of a field where needles in many directions are much of the phase, or of the rest.

    The variance of the area of a compound Poisson number of needles is the sum of the squares of the areas of their
    pieces in the field: over all their pixels, the sum of the area of the piece that each lies in. That area is the
    longest run on the phase through the pixel times the run across it. Of a piece more only that part counts that
    lies on no other. The degrees of freedom are those that the spread of the sizes leaves this sum (Satterthwaite, by
    the fourth powers).

    Parameters
    ----------
    phase : array of bool, (rows, columns)
        True on the phase.
    roi : array of bool, (rows, columns), optional
        True where the image counts.

    Returns
    -------
    NeedleScatter or None
        None: needles are less than half of either side, or lie in one direction or in those of a mesh, whose power
        spectrum tells how they are spaced.

    References
    ----------
    Boolean model and its compound Poisson number: Chiu et al., Stochastic Geometry and its Applications, 3rd ed.
    (2013) chapter 3.
    """
    inside = reduced(phase)
    counts = np.ones(inside.shape, bool) if roi is None else reduced(roi) > 1 - COVERED
    total = int(np.count_nonzero(counts))
    if total == 0:
        return None
    share = float(inside[counts].mean())
    sides = sorted(((share, inside), (1 - share, 1 - inside)), key=lambda side: side[0])
    found = (_of_side((side >= COVERED) & counts, total, part) for part, side in sides if 0 < part <= _MOST)
    return next((one for one in found if one is not None), None)


def _of_side(on: Mask, total: int, share: float) -> NeedleScatter | None:
    """Scatter by the needles of what covers this share of the field."""
    seen = int(np.count_nonzero(on))
    if seen == 0:
        return None
    runs = np.empty((_DIRECTIONS, *on.shape), np.uint16)
    for first in range(_COARSE):
        runs[first::_COARSE] = _runs(on, range(first, _DIRECTIONS, _COARSE))
        if first == 0:  # these few directions tell most fields without needles
            long = runs[::_COARSE].max(axis=0) >= _LONG * total**0.5 / _COARSE
            if np.count_nonzero(long) < _MUCH * seen:
                return None
    rows, columns = np.nonzero(on)
    turns = _longest(runs)[rows, columns]
    length = runs[turns, rows, columns].astype(float)
    width = runs[(turns + _DIRECTIONS // 2) % _DIRECTIONS, rows, columns].astype(float)
    needle = (length >= _ASPECT * width) & (length >= _LONG * total**0.5) & (width > 0)
    if np.count_nonzero(needle) < _MUCH * seen or is_aligned(turns[needle] * pi / _DIRECTIONS):
        return None
    # where needles cross, a run across one of them goes on along another
    width = np.minimum(width, _CROSSING * float(np.median(width[needle])))
    # a needle looks that much wider in the reduced field
    area = length[needle] * width[needle] / total * (share * total / seen)
    # sums over the pieces: of each, as many pixels as its area
    pieces, squares, fourth = (float((area**power).sum()) * share / seen for power in (-1, 1, 3))
    of_sizes = fourth - squares**2 / pieces  # pieces of one size leave their number open alone, which U knows
    dof = 2 * squares**2 / of_sizes if of_sizes > 0 else float(len(area))
    return NeedleScatter(u=squares**0.5 * (1 - share), dof=dof)


def _longest(runs: Lengths) -> NDArray[np.intp]:
    """Answer of ``runs.argmax(axis=0)``, in a third of its time."""
    along, longest = np.zeros(runs.shape[1:], np.intp), runs[0].copy()
    for k, run in enumerate(runs):
        along[run > longest] = k
        np.maximum(longest, run, out=longest)
    return along


def _runs(mask: Mask, directions: Iterable[int]) -> Lengths:
    """Length of the run on a mask through each of its pixels, (directions, rows, columns). [px]"""
    found = np.stack([back(_lengths(turned)) for turned, back in _turned(mask, directions)])
    return np.where(mask, found, np.uint16(0))


def _lengths(on: NDArray[np.uint8]) -> Lengths:
    """Length of the run along its row through each pixel that is on; the first and the last of a row are off. [px]

    >>> _lengths(np.array([[0, 1, 0, 1, 1, 0]], np.uint8)).tolist()
    [[0, 1, 0, 2, 2, 0]]
    """
    flat = on.ravel()
    ends = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    each = np.diff(ends, prepend=0, append=len(flat))  # pixels off and on in turn, off first and last
    length = each.astype(np.uint16)
    length[::2] = 0
    return np.repeat(length, each).reshape(on.shape)


def _turned(mask: Mask, directions: Iterable[int]) -> Iterator[tuple[NDArray[np.uint8], Back]]:
    """Give a mask with each direction along its rows, and what turns an answer back."""
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    for k in directions:
        turned, turn = turned_mask(mask, k * pi / _DIRECTIONS)
        yield turned, partial(cv2.warpAffine, M=turn, dsize=mask.shape[::-1], flags=flags)
