"""How far the area share of a field may lie from that of the specimen, by the arrangement inside the field.

The variance of the share of a field is the integral of the covariance of the phase over the field, divided by
its area (the integral range). Blocks of pixels have the same integral as pixels, so a coarse grid is enough.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri

from inspect_tool.model import Component, Mask
from inspect_tool.statistics.fields import FieldStatistics, scatter_line
from inspect_tool.statistics.uncertainty import coverage_factor, expanded

_BLOCKS = 32  # per side of a square field
_REACH = 0.25  # of the shorter side: how far apart blocks may be and still count as dependent
_SECTORS = 6  # directions in which the covariance ends on its own: lamellae are longer than wide
_REACH_OF_BANDS = 0.5  # the same for blocks on one line along bands, which run through the field
_LINES = 16  # directions of such lines
_BANDS = 3  # times as far as in all directions: shorter runs are found in structures without a direction by chance
_FEW = 30  # features; with fewer the scatter between fields is itself hardly known
_SIGNIFICANCE = 0.05
_LARGEST = 3.0  # times the effective feature: touching features make one that is no feature
_SKEWED = 1.05  # from here on the reader is told

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareScatter:
    """Standard uncertainty of the area share of one field as an estimate of that of the specimen."""

    u: float  # [1]
    dof: float
    largest: float = 0.0  # area of the largest feature over that of the field; 0: not looked for [1]


def share_scatter(phase: Mask, roi: Mask | None = None) -> ShareScatter:
    """Estimate the scatter of the area share between fields like this one from the covariance inside it.

    The covariance of the blocks is added up to the ring where it first is not positive, in each direction and in
    all together, whichever is farther, at most a quarter of the field; along a line on which it goes on beyond that,
    at most half of the field. The mean is that of the field itself, which lowers every covariance by the variance
    that is looked for: the sum is divided by the share of the pairs that it leaves out.

    Parameters
    ----------
    phase : array of bool, (rows, columns)
        True on the phase.
    roi : array of bool, (rows, columns), optional
        True where the image counts.

    Returns
    -------
    ShareScatter
        ``u`` is 0 where the phase fills nothing or all of the field. Differences between places of the specimen
        that are farther apart than a field is wide are not in it.

    References
    ----------
    Matheron, Estimating and Choosing (1989); Lantuejoul, Ergodicity and integral range, Journal of Microscopy
    161 (1991) 387. Degrees of freedom: those of a sum over so many lags (Priestley, Spectral Analysis 1981).
    """
    side = max(1.0, sqrt(phase.size) / _BLOCKS)
    edges = [np.round(np.linspace(0, n, max(round(n / side), 1) + 1)).astype(int) for n in phase.shape]
    return scatter_of_blocks(_block_sums(phase, edges, roi), _block_sums(None, edges, roi))


def scatter_of_blocks(on: Array, all_: Array) -> ShareScatter:
    """Answer of ``share_scatter`` from the pixels of the phase and those that count, both by block."""
    total = float(all_.sum())
    share = float(on.sum()) / total
    rest = on - share * all_
    lags, pairs = _pairs(rest), _pairs(all_)
    rows, columns = (np.fft.fftfreq(n, 1 / n) for n in lags.shape)
    distance = np.ceil(np.hypot(rows[:, None], columns) - 1e-9).astype(int)
    reach, far = (int(part * min(on.shape)) for part in (_REACH, _REACH_OF_BANDS))
    near = (distance >= 1) & (distance <= reach)
    # all directions together are the steadier, each by itself knows bands: what either holds for dependent
    inside = _dependent(lags, distance, near)
    least = max(reach, _BANDS * int(distance[inside].max(initial=0)))
    angle = np.arctan2(rows[:, None], columns) % np.pi
    sector = np.minimum(angle / np.pi * _SECTORS, _SECTORS - 1).astype(int)
    for number in range(_SECTORS):
        inside |= _dependent(lags, distance, near & (sector == number))
    near = (distance >= 1) & (distance <= far)
    for turn in np.arange(_LINES) * np.pi / _LINES:
        aside = np.abs(rows[:, None] * np.cos(turn) - columns * np.sin(turn))
        along = _dependent(lags, distance, near & (aside <= 1))
        if distance[along].max(initial=0) >= least:
            inside |= along
    left_out = 1 - (pairs[0, 0] + float(pairs[inside].sum())) / total**2
    variance = most = share * (1 - share)  # as if all of the field were one feature or none
    if left_out > 0:
        variance = min(max(lags[0, 0] + float(lags[inside].sum()), 0.0) / total**2 / left_out, most)
    taken = 1 + np.count_nonzero(inside)
    return ShareScatter(u=sqrt(variance), dof=max(on.size / taken - 1, 1.0))


def _dependent(lags: Array, distance: NDArray[np.int_], among: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Lags among some up to the ring in which their covariance first is not positive."""
    ring = np.bincount(distance[among], lags[among])[1:]
    ends = 1 + int(np.argmin(np.append(ring > 0, [False])))
    return among & (distance < ends)


def sampling_lines(
    found: FieldStatistics, shares: Sequence[float], scatters: Sequence[ShareScatter]
) -> tuple[Component, ...]:
    """Lines of the budget for what sampling does to a mean area share. [%]

    With one field the arrangement inside it takes the place of the scatter between fields. With several it is a
    floor where the features are so few that fields can agree by chance: the scatter of skewed values is then
    mostly seen too small. The floor is left out where the fields agree better than the arrangement allows
    (index of dispersion, chi-square at 5 %): features that keep apart or touch are not thrown at random.

    Parameters
    ----------
    found : FieldStatistics
        Of ``shares``.
    shares : sequence of float
        Area share of every field. [%]
    scatters : sequence of ShareScatter
        Of the same fields.
    """
    seen = scatter_line(found)
    if not seen:
        return (_line(shares, scatters, "one field does not show the scatter between fields"),)
    features = _features(shares, scatters)
    u2 = sum(one.u**2 for one in scatters) / len(scatters) * 1e4
    if not 0 < features < _FEW or u2 == 0:
        return seen
    s = found.s if found.s is not None else seen[0].u * sqrt(len(found.sections))
    dof = max(len(shares) - len(found.sections), len(found.sections) - 1)
    if dof * s**2 / u2 < float(chdtri(dof, 1 - _SIGNIFICANCE)):
        return seen
    model = _line(shares, scatters, f"fields with so few features agree by chance, {len(shares)} fields")
    more = expanded([model]) ** 2 - expanded(seen) ** 2
    if more <= 0:
        return seen
    return (
        *seen,
        replace(model, u=sqrt(more) / coverage_factor(None), dof=None, basis=f"{model.basis}; a floor for U"),
    )


def _features(shares: Sequence[float], scatters: Sequence[ShareScatter]) -> float:
    """Number of equal features that would scatter as much if they were thrown at random."""
    share = sum(shares) / 100
    u2 = sum(one.u**2 for one in scatters)
    return min(share, len(shares) - share) ** 2 / u2 if u2 else 0.0


def _line(shares: Sequence[float], scatters: Sequence[ShareScatter], why: str) -> Component:
    """Line for fields whose own arrangement tells their scatter, as wide as the upper limit is far. [%]

    The rarer side (phase or rest) has as many effective features as a Poisson process with this scatter. Its
    upper limit lies farther off than the lower one when they are few: U is for a limit above as well. Few
    features tell little of their own scatter, which bounds the degrees of freedom.

    References
    ----------
    Fay and Feuer, Confidence intervals for directly standardized rates: a method based on the gamma distribution,
    Statistics in Medicine 16 (1997) 791; for equal features Garwood, Biometrika 28 (1936) 437.
    """
    squares = sum(one.u**2 for one in scatters)
    features = _features(shares, scatters)
    if features == 0:
        return Component(name="scatter inside the fields", u=0.0, kind="B", basis=f"{why}: nor does anything in it")
    mean = sqrt(squares / features)  # area of the effective feature, over that of a field
    largest = min(max(mean, *(one.largest for one in scatters)), _LARGEST * mean)
    area = sqrt(squares * features)
    # upper 97.5 % limit of a sum of Poisson numbers with unequal weights, the next one as heavy as the heaviest
    weight = (squares + largest**2) / (area + largest)
    above = weight * float(chdtri(2 * (area + largest) / weight, 0.025)) / 2 - area
    skew = max(1.0, above / sqrt(squares) / coverage_factor(None))
    return Component(
        name="scatter inside the fields",
        u=100 * sqrt(squares) / len(scatters) * skew,
        kind="B",
        dof=max(min(sum(one.dof for one in scatters), features + 1), 2.0),
        basis=f"{why}; from the covariance inside, as {features:.3g} features at random would scatter"
        + (f", {skew:.3g} times wider upwards" if skew > _SKEWED else ""),
    )


def _block_sums(mask: Mask | None, edges: Sequence[NDArray[np.int_]], roi: Mask | None) -> Array:
    """Pixels of a mask inside the region by block, shape (row edges - 1, column edges - 1); None: all pixels."""
    rows, columns = edges
    sums = np.empty((len(rows) - 1, len(columns) - 1))
    for k, (top, end) in enumerate(pairwise(rows)):
        parts = [image[top:end] for image in (mask, roi) if image is not None]
        band = np.logical_and.reduce(parts) if parts else np.ones((end - top, columns[-1]), bool)
        sums[k] = np.add.reduceat(band.sum(axis=0), columns[:-1])
    return sums


def _pairs(values: Array) -> Array:
    """Sum of the products of all pairs at each lag, shape (2 rows, 2 columns), lag 0 first, negative ones last."""
    shape = (2 * values.shape[0], 2 * values.shape[1])
    found: Array = np.fft.irfft2(np.abs(np.fft.rfft2(values, shape)) ** 2, shape)
    return found
