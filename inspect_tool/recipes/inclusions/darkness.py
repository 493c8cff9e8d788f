"""How much darker than the matrix an inclusion is: sulfides are gray, oxides and silicates nearly black."""

from dataclasses import dataclass
from math import erf, exp, pi, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray

from inspect_tool.model import GrayImage, LabelImage, Mask
from inspect_tool.statistics.weighted import weighted_quantile

_BLOCK_PX = 48  # side of the blocks in which the gray of the matrix is taken: inclusions fill less than half of each
_MOST = 1.5  # noise can make a few pixels darker than black
_LIKELY = 0.68  # between sulfides (0.4 to 0.6) and oxides (0.8 to 0.9) of steel under a camera without offset
_STEP = 0.05  # what that is not known by
_PART = 0.15  # of the distance of two humps of darkness: what the limit between them is not known by
_LEAST = 3  # particles of either hump
_APART = 3.0  # standard deviations inside the humps that they lie apart
_LIGHTER = 0.8  # darkness of the lighter hump over that of the darker one, at most
_RING_PX = 8  # and beyond it, where the shade of the matrix is taken
_CORES_PX = (1.0, 2.0)  # from the outline of a particle, beyond the reach of blur: its own gray is seen, better seen
_REACH = 2.0  # standard deviations of the blur, from an edge: 2 % of its height are left there
_SHARP_PX = 0.5  # blur where no particle is wide enough to tell it
_BLUR_U = 0.05  # of the blur: what it is known by
_BLURS_PX = (0.05, 20.0)  # that are possible
_DEEP_PX, _DEEP_LEAST = 3.5, 5  # from the outline, and pixels there: particles whose outline tells the blur
_CORE_LEAST = 3  # pixels
_RATIOS = (0.02, 1.5)  # of areas by gray and by mask
_ALIKE = 0.9  # of the darkness of its kind, from which on the middle of a particle is its own gray and no flank
_RIM_PX = 4  # around a particle: what blur has spread of its darkness
_PEAK_PX = 3  # side of the square over which the deepest place of a particle is averaged
_PEAK_SPREAD = float(np.sqrt((_PEAK_PX**2 - 1) / 12))  # standard deviation of that square along a side [px]
_ALONG = 0.8  # of the length beyond the width: deepest places of a long particle lie along all of it
_WIDTHS_PX = np.geomspace(0.25, 16.0, 160)  # that a particle without a middle of its own may have

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class GrayLimit:
    """Darkness below which an inclusion is a sulfide, what it is not known by, and whether the field tells it."""

    darkness: float
    step: float
    found: bool


def stated_limit(darkness: float) -> GrayLimit:
    """Take the limit that a person states."""
    return GrayLimit(darkness=darkness, step=_STEP, found=True)


def found_limit(dark: Floats, area_px2: Floats) -> GrayLimit:
    """Find the limit between two humps of darkness, where there are two.

    Gain and offset of a camera move all of them: no darkness is that of sulfides in every picture. The split is that
    with the largest variance between its sides, each particle with the square root of its area.

    Parameters
    ----------
    dark, area_px2 : arrays of shape (n,)
        Of the particles that are wide enough for their gray to be told.

    Examples
    --------
    >>> found_limit(np.array([0.5, 0.52, 0.48, 0.85, 0.9, 0.86]), np.full(6, 50.0)).found
    True
    >>> found_limit(np.full(9, 0.8), np.full(9, 50.0))
    GrayLimit(darkness=0.68, step=0.05, found=False)
    """
    nothing = GrayLimit(darkness=_LIKELY, step=_STEP, found=False)
    if len(dark) < 2 * _LEAST:
        return nothing
    order = np.argsort(dark, kind="stable")
    x, w = dark[order], np.sqrt(area_px2[order])
    below, summed = np.cumsum(w), np.cumsum(w * x)
    splits = np.arange(_LEAST - 1, len(x) - _LEAST)
    light, deep = summed[splits] / below[splits], (summed[-1] - summed[splits]) / (below[-1] - below[splits])
    between = below[splits] * (below[-1] - below[splits]) * (deep - light) ** 2
    at = int(splits[int(between.argmax())])
    low, high = summed[at] / below[at], (summed[-1] - summed[at]) / (below[-1] - below[at])
    rest = np.where(np.arange(len(x)) <= at, x - low, x - high)
    inside = float(np.sqrt(np.average(rest**2, weights=w)))
    if high - low < _APART * inside or low > _LIGHTER * high:
        return nothing
    return GrayLimit(darkness=float(low + high) / 2, step=float(high - low) * _PART, found=True)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gray:
    """What the gray values say of n particles; the matrix around each is 0 and black 1."""

    missing: Floats  # (n,) all that is missing in the particle and its rim, over its area
    core: Floats  # (n,) in its middle, where blur does not reach; -1: it has no such middle
    own: Floats  # (n,) of such ones without blur, by their deepest places and all that is missing; -1: not known
    own_u: Floats  # (n,) by how much that may be wrong; 0 where it is not known

    @property
    def darkness(self) -> Floats:
        """What tells the kind: a mask too wide would hide it in the missing gray of small particles."""
        wide = np.maximum(self.missing, self.core)
        return np.where((self.core < 0) & (self.own > 0), self.own, wide)


def read_gray(
    pixels: GrayImage,
    labels: LabelImage,
    length_px: Floats,
    width_px: Floats,
    outline_px: Floats,
    roi: Mask | None = None,
    *,
    drawn: bool = False,
) -> Gray:
    """Read the darkness of every particle, as a share of the gray of the matrix around it.

    The gray that is missing in a particle and its rim is added up and spread over its own area: blur moves it, and
    takes nothing away, so that thin particles are not taken for lighter ones. What is missing in the ring around the
    rim is the shade of the matrix there. Of particles that blur reaches all through, all that is missing over what is
    missing at their deepest places says how wide they are without it, and so how dark.

    Parameters
    ----------
    pixels : array of shape (rows, columns)
        Gray image; a level of 0 is black.
    labels : int32 array of shape (rows, columns)
        Numbers of the particles, 1 to n without gaps.
    length_px, width_px, outline_px : arrays of shape (n,)
        Largest caliper, width and perimeter of their masks, which may lie a little too far out or in.
    roi : bool array, optional
        Where the image counts.
    drawn : bool
        A person drew the outlines: they are taken as they are, also of particles that blur reaches all through.
    """
    n = int(labels.max(initial=0))
    if not n:
        return Gray(missing=np.zeros(0), core=np.zeros(0), own=np.zeros(0), own_u=np.zeros(0))
    gray = np.asarray(pixels, np.float32)
    missing = (1 - gray / _matrix(gray, roi)).astype(np.float64)
    counts = np.ones(labels.shape, bool) if roi is None else np.asarray(roi)
    around = np.where(labels > 0, labels, _grown(labels, _RIM_PX))
    ring = np.where(around > 0, 0, _grown(labels, _RING_PX))
    shade = _sums(ring, missing, counts, n) / np.maximum(_sums(ring, None, counts, n), 1)
    lost = _sums(around, missing, counts, n) - shade * _sums(around, None, counts, n)
    area = np.maximum(_sums(labels, None, counts, n), 1)
    deep = np.asarray(cv2.distanceTransform((labels > 0).astype(np.uint8), cv2.DIST_L2, 5), np.float32)
    seen = _Seen(missing=missing, labels=labels, deep=deep, shade=shade, counts=counts)
    blur = None if drawn else _blur(seen, lost, outline_px)
    core = np.full(n, -1.0)
    for least in _CORES_PX:  # the deeper one last
        own_gray, number = seen.middle(least + _REACH * (_SHARP_PX if blur is None else blur))
        core[number >= _CORE_LEAST] = own_gray[number >= _CORE_LEAST]
    own, own_u = np.full(n, -1.0), np.zeros(n)
    peak = seen.ridge(np.maximum(_ALONG * (length_px - width_px), 1)) - shade
    thin = (core < 0) & (lost > 0) & (peak > 0)
    if thin.any() and blur is not None:
        of = (lost[thin], peak[thin], length_px[thin], width_px[thin])
        low, middle, high = (
            np.minimum(_without_blur(*of, float(np.hypot(blur * factor, _PEAK_SPREAD))), _MOST)
            for factor in (1 - _BLUR_U, 1.0, 1 + _BLUR_U)
        )
        own[thin], own_u[thin] = middle, np.abs(high - low) / 2
    return Gray(missing=np.clip(lost / area, 0.0, _MOST), core=core, own=own, own_u=own_u)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Seen:
    """Missing gray of an image, and where its particles lie."""

    missing: Floats  # (rows, columns)
    labels: LabelImage
    deep: NDArray[np.float32]  # of pixels in particles, from their outline [px]
    shade: Floats  # (n,)
    counts: NDArray[np.bool_]

    def middle(self, least_px: float) -> tuple[Floats, Floats]:
        """Mean darkness of the pixels so far inside each particle, and their number; (n,) both."""
        n = len(self.shade)
        inside = np.where(self.deep >= least_px, self.labels, 0)
        number = _sums(inside, None, self.counts, n)
        return _sums(inside, self.missing, self.counts, n) / np.maximum(number, 1) - self.shade, number

    def ridge(self, longest_px: Floats) -> Floats:
        """Mean darkness, without the shade, at the deepest places of each particle, (n,): as many as are given."""
        mean = cv2.blur(self.missing, (_PEAK_PX, _PEAK_PX), borderType=cv2.BORDER_REPLICATE)
        inside = (self.labels > 0) & self.counts
        label, value = self.labels[inside] - 1, mean[inside]
        order = np.lexsort((-value, label))
        number = np.bincount(label, minlength=len(longest_px))
        summed = np.concatenate([[0.0], np.cumsum(value[order])])
        first = np.cumsum(number) - number
        taken = np.clip(np.rint(longest_px).astype(np.int64), 1, np.maximum(number, 1))
        last = np.minimum(first + taken, len(value))
        return np.asarray((summed[last] - summed[first]) / taken)


def _blur(seen: _Seen, lost: Floats, outline_px: Floats) -> float | None:
    """Standard deviation of the blur, from what it carried over the outlines of wide particles. [px]

    Behind a Gaussian an edge of height 1 has s / √(2π) outside and lacks as much inside, per length; with an outline
    that lies a distance d too far out both together are s √(2/π) exp(-d²/2s²) + d erf(d/s√2), and d is what more is
    lacking inside than there is outside. None: no particle is wide enough.
    """
    from scipy.optimize import brentq

    core, number = seen.middle(_DEEP_PX)
    wide = (number >= _DEEP_LEAST) & (core > 0)
    if not wide.any():
        return None
    n = len(lost)
    area = _sums(seen.labels, None, seen.counts, n)
    within = _sums(seen.labels, seen.missing, seen.counts, n) - seen.shade * area
    lacks, beyond, edge = (float(x[wide].sum()) for x in (core * area - within, lost - within, core * outline_px))
    off, carried = (lacks - beyond) / edge, max(lacks + beyond, 0.0) / edge

    def surplus(blur: float) -> float:
        return blur * sqrt(2 / pi) * exp(-((off / blur) ** 2) / 2) + off * erf(off / blur / sqrt(2)) - carried

    low, high = _BLURS_PX
    return low if surplus(low) >= 0 else high if surplus(high) <= 0 else float(brentq(surplus, low, high))


def _without_blur(lost: Floats, deepest: Floats, length_px: Floats, width_px: Floats, spread_px: float) -> Floats:
    """Darkness that particles would have without blur.

    All that is missing over what is missing at the deepest places is the area over the share that blur leaves there: it
    rises with the width, and the width that gives what was measured is taken. Their masks are as much too long as they
    are too wide. The share is that of a rectangle of the same area and length behind a Gaussian, the product of two
    error functions.
    """
    from scipy import special

    width = _WIDTHS_PX[None, :]
    length = np.maximum(length_px[:, None] - (width_px[:, None] - width), width)

    def left(side: Floats) -> Floats:
        return np.asarray(special.erf(np.sqrt(np.pi / 4) * side / (2 * np.sqrt(2) * spread_px)))

    area = np.pi / 4 * width * length
    apart = np.abs(np.log(area / (left(width) * left(length))) - np.log(lost / deepest)[:, None])
    best = apart.argmin(axis=1)
    return np.asarray(lost / area[np.arange(len(best)), best])


def outline_ratios(gray: Gray, sulfide: NDArray[np.bool_], area_px2: Floats) -> Floats:
    """Area of each particle by its gray over that of its mask; 1 where the gray of its kind is not known.

    A level cuts a particle of a few pixels too wide or too narrow, by the blur, by the level, and by the kinds that it
    must serve together. The gray that is missing does not depend on it: over the darkness of its middle, or of the
    middles of particles of that kind where it has none as dark as these, it is the area.
    """
    ratio = np.ones(len(gray.missing))
    for kind in (True, False):
        known = (sulfide == kind) & (gray.core > 0)
        if np.count_nonzero(known) < _LEAST:
            continue
        own = weighted_quantile(gray.core[known], np.sqrt(area_px2[known]), 0.5)  # one thing of another kind is no half
        mine = sulfide == kind
        itself = np.where(gray.core >= _ALIKE * own, gray.core, own)
        ratio[mine] = np.clip(gray.missing[mine] / itself[mine], *_RATIOS)
    return ratio


def _grown(labels: LabelImage, reach_px: int) -> LabelImage:
    """Label of a particle within reach of each pixel, 0: none."""
    ball = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach_px + 1, 2 * reach_px + 1))
    return np.asarray(cv2.dilate(labels.astype(np.float32), ball), np.int32)


def _sums(labels: LabelImage, values: Floats | None, counts: NDArray[np.bool_], n: int) -> Floats:
    inside = (labels > 0) & counts
    weights = None if values is None else values[inside]
    return np.asarray(np.bincount(labels[inside], weights, n + 1)[1:], np.float64)


def _matrix(gray: NDArray[np.float32], roi: Mask | None) -> NDArray[np.float32]:
    """Gray of the matrix at every pixel: medians of blocks, carried between their centers."""
    rows, columns = (max(round(side / _BLOCK_PX), 1) for side in gray.shape)
    top, left = (
        np.linspace(0, side, number + 1).astype(int) for side, number in zip(gray.shape, (rows, columns), strict=True)
    )
    whole = float(np.median(gray if roi is None else gray[roi]))
    grid = np.full((rows, columns), whole, np.float32)
    for i in range(rows):
        for j in range(columns):
            block = gray[top[i] : top[i + 1], left[j] : left[j + 1]]
            if roi is not None:
                block = block[roi[top[i] : top[i + 1], left[j] : left[j + 1]]]
            if block.size:
                grid[i, j] = np.median(block)
    carried = cv2.resize(grid, (gray.shape[1], gray.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.maximum(carried, 1.0)
