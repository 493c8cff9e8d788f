"""How far the area share of a field may lie from that of the specimen, by the arrangement inside the field.

The variance of the share of a field is the integral of the covariance of the phase over the field, divided by
its area (the integral range): the power of a wave of endless length. The longest waves that fit into the field
tell it. Blocks of pixels have the same integral as pixels, so a coarse grid is enough.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from math import cos, log, pi, prod, sin, sqrt
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri

from inspect_tool.languages import Text, Words
from inspect_tool.measure.feature_sizes import (
    WIDE,
    FeatureAreas,
    LognormalLimit,
    feature_areas,
    lognormal_limit,
    sums_of_powers,
)
from inspect_tool.measure.needles import needle_scatter
from inspect_tool.measure.through_lines import ThroughLines, through_lines
from inspect_tool.model import Component, Mask
from inspect_tool.statistics.fields import FieldStatistics, scatter_line
from inspect_tool.statistics.uncertainty import coverage_factor, expanded

_BLOCKS = 32  # per side of a square field
_WAVES = 10.0  # per side: shorter ones tell of outlines, not of the arrangement
_LONG = 1.5  # waves per side that are always read, whatever the model says of them
_LEVEL = 12  # strongest waves of a model: enough for a Student factor near 2, and longer than the pitch of a pattern
_UNLIKELY = 1e-12  # beside the likeliest model: is not looked at
_ROUNDING = 1e-9  # relative: powers that differ by less are equal
_LEFT = 0.1  # of the power of a wave that is not in the mean of a ragged region: at least
_STRONG = 0.5  # of the power at endless length: weaker waves are not read for it
# model covariances: what is known of a place alone (nugget), and a bell of this range, longer in one direction
_NUGGETS = (0.0, 0.5, 0.8, 0.9)
_RANGES = (0.4, 0.8, 1.6, 3.2, 6.4)  # blocks
_ASPECTS = (2, 4, 8, 16)
# and lines of this width [blocks] that run through the field, in fans of directions: spread [rad], number of fans
_LINE = 0.7
_FANS = ((0.03, 64), (0.12, 16), (0.4, 4))
_TURNS = 128
_FEW = 30  # features; with fewer the scatter between fields is itself hardly known
_SIGNIFICANCE = 0.05
_LARGEST = 3.0  # times the effective feature: touching features make one that is no feature
_SKEWED = 1.05  # from here on the reader is told
HIDDEN = 0.1
"""Diameter of the largest feature that fields of this size are meant for, over the side of a field."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareScatter:
    """Standard uncertainty of the area share of one field as an estimate of that of the specimen."""

    u: float  # [1]
    dof: float
    largest: float = 0.0  # area of the largest feature over that of the field; 0: not looked for [1]
    areas: FeatureAreas | None = None  # of the features; None: not looked for


def share_scatter(phase: Mask, roi: Mask | None = None, *, needles: bool = False) -> ShareScatter:
    """Estimate the scatter of the area share between fields like this one from the arrangement inside it.

    Model covariances of all ranges, directions and nuggets are weighed by how likely they make the powers of the
    waves in the field. Each model then says only by how much the power at endless length differs from that of its
    strongest waves; the level of these is measured. Structures that keep apart are therefore no wider than they
    are: their long waves are weak. The degrees of freedom are those of the waves that were read, less what the
    models disagree by. Lines that run through the field in many directions are counted one by one instead, where
    that is more.

    Parameters
    ----------
    phase : array of bool, (rows, columns)
        True on the phase.
    roi : array of bool, (rows, columns), optional
        True where the image counts.
    needles : bool
        Needles that end in the field are counted by their sizes too, where that is more.

    Returns
    -------
    ShareScatter
        ``u`` is 0 where the phase fills nothing or all of the field. Differences between places of the specimen
        that are farther apart than a field is wide are not in it.

    References
    ----------
    Matheron, Estimating and Choosing (1989); Lantuejoul, Ergodicity and integral range, Journal of Microscopy
    161 (1991) 387. Variance of a mean from the spectrum near 0: Heidelberger and Welch, Communications of the
    ACM 24 (1981) 233. Likelihood of a periodogram with its expectation over a finite field: Sykulski et al.,
    The debiased Whittle likelihood, Biometrika 106 (2019) 251.
    """
    side = max(1.0, sqrt(phase.size) / _BLOCKS)
    edges = [np.round(np.linspace(0, n, max(round(n / side), 1) + 1)).astype(int) for n in phase.shape]
    found = scatter_of_blocks(_block_sums(phase, edges, roi), _block_sums(None, edges, roi))
    lines = through_lines(phase, roi)
    if lines is not None:
        found = _with_lines(found, lines)
    elif needles and (ending := needle_scatter(phase, roi)) is not None and ending.u > found.u:
        found = replace(found, u=ending.u, dof=min(found.dof, ending.dof))
    return replace(found, areas=feature_areas(phase, roi))


def of_the_rest(found: ShareScatter, rest: Mask, roi: Mask | None = None) -> ShareScatter:
    """Scatter of the share of all that is not a phase, from that of the phase: the same, of other features.

    Parameters
    ----------
    found : ShareScatter
        Of the phase.
    rest : array of bool, (rows, columns)
        True outside of it.
    roi : array of bool, (rows, columns), optional
        True where the image counts.
    """
    return replace(found, areas=feature_areas(rest, roi))


def _with_lines(found: ShareScatter, lines: ThroughLines) -> ShareScatter:
    """Scatter of lines thrown at random, where it is more.

    The sum of the squares of their areas is the variance of a compound Poisson number; its own variance, the sum of
    the fourth powers, gives the degrees of freedom (Satterthwaite). Of one line more only that part counts that lies
    on no other line.
    """
    squares = sum(area**2 for area in lines.areas)
    u = sqrt(squares) * prod(1 - area for area in lines.areas)
    if u <= found.u:
        return found
    dof = 2 * squares**2 / sum(area**4 for area in lines.areas)
    return replace(found, u=u, dof=min(found.dof, dof))


def scatter_of_blocks(on: Array, all_: Array) -> ShareScatter:
    """Answer of ``share_scatter`` from the pixels of the phase and those that count, both by block."""
    box = tuple(slice(counts.argmax(), counts.size - counts[::-1].argmax()) for counts in (all_.any(1), all_.any(0)))
    on, all_ = on[box], all_[box]
    total = float(all_.sum())
    share = float(on.sum()) / total
    most = share * (1 - share)  # as if all of the field were one feature or none
    uneven = on - share * all_
    # an exact repeat says nothing of other fields: its blocks then count as if they were independent
    alone = sqrt(min(float((uneven**2).sum()) / total**2, most))
    per_side, read = _waves(on.shape)
    power = np.abs(np.fft.fft2(uneven)[read]) ** 2
    if not power.any():  # nothing varies at this length, or there is no wave that could
        return ShareScatter(u=alone if power.size else sqrt(most), dof=float(max(power.size, 1)))
    expected, endless, prior = _models(np.ascontiguousarray(all_, float).tobytes(), on.shape)
    # blocks that do not count make the waves depend on each other: fewer tell as much
    filled = total**2 / (all_.size * float((all_**2).sum()))
    misfit = filled * (power.size * np.log((power / expected).mean(axis=1)) + np.log(expected).sum(axis=1))
    weight = prior * np.exp(misfit.min() - misfit)
    likely = weight > _UNLIKELY * weight.max()
    expected, endless, weight = expected[likely], endless[likely], weight[likely] / weight[likely].sum()
    # equal models prefer long waves; those of equal length stay together
    order = expected * (1 - 1e-3 * per_side / _WAVES)
    least = np.sort(order, axis=1)[:, -min(_LEVEL, power.size)] * (1 - _ROUNDING)
    strong = (order >= least[:, None]) & (expected >= _STRONG * endless[:, None]) | (per_side <= _LONG)
    known = np.where(strong, expected, 0.0)
    variance = np.minimum(endless * (strong @ power) / known.sum(axis=1) / total**2, most)
    mean = float(weight @ variance)
    if mean <= _ROUNDING * most:
        return ShareScatter(u=alone, dof=float(power.size))
    waves = known.sum(axis=1) ** 2 / (known**2).sum(axis=1) * filled
    unsure = float(weight @ (1 / waves)) + float(weight @ (variance / mean - 1) ** 2)
    return ShareScatter(u=sqrt(mean), dof=max(2 / unsure, 1.0))


def _waves(shape: tuple[int, ...]) -> tuple[Array, Mask]:
    """Waves per side of a square of equal area by element of ``fft2`` that is read, and which these are.

    One of each pair of opposite waves is read, and not the mean.
    """
    rows, columns = np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1])[None]
    per_side = np.hypot(rows, columns) * sqrt(shape[0] * shape[1])
    read = ((rows > 0) | ((rows == 0) & (columns > 0))) & (per_side <= _WAVES)
    return per_side[read], read


@lru_cache(maxsize=2)  # the classes of a field, and mostly its fellows, have the same region; a part of it the other
def _models(counts: bytes, shape: tuple[int, int]) -> tuple[Array, Array, Array]:
    """What each model covariance lets expect, per unit of variance of a block that counts for one.

    Parameters
    ----------
    counts : bytes
        Pixels that count, by block: an array of float of this shape.
    shape : tuple of int
        Number of blocks, (rows, columns).

    Returns
    -------
    expected : array, (models, waves)
        Power of the waves that are read, over this very region.
    endless : array, (models,)
        Variance of the sum over the region.
    prior : array, (models,)
        A third each for blocks that do not depend on each other, structures without a direction and with one.
    """
    height, width = shape
    all_ = np.frombuffer(counts).reshape(shape)
    _, read = _waves(shape)
    pairs = _pairs(all_)[:, :width]
    pairs[:, 1:] *= 2  # the opposite lags, for which all of this is the same
    row = np.fft.fftfreq(2 * height, 0.5 / height)[:, None]
    column = np.arange(width, dtype=float)
    shapes = list(_bells())
    bells = np.array([_bell(row, column, *shape) for shape in shapes])
    fans = _fans()
    turns = np.arange(fans.shape[1]) * pi / fans.shape[1]
    lines = np.array([_bell(row, column, 2.0 * _BLOCKS, _LINE, turn) for turn in turns])
    alone = np.where((row == 0) & (column == 0), 1.0, 0.0)
    found = np.concatenate([alone[None], np.tensordot(fans, lines, 1), bells]) * pairs
    endless = found.sum(axis=(1, 2))
    # to a wave, lags are the same that differ by the side of the field
    waves = np.fft.fft2(found[:, :height] + found[:, height:]).real[:, read]
    waves = np.maximum(waves, _ROUNDING * endless[:, None])
    window = np.abs(np.fft.fft2(all_)[read] / all_.sum()) ** 2  # the mean of the field is taken out of it
    expected = np.maximum(waves - endless[:, None] * window, _LEFT * waves)
    nugget = np.array([0.0] * (1 + len(fans)) + [one for one in _NUGGETS for _ in shapes])
    which = np.concatenate([np.arange(1 + len(fans)), *[np.arange(1 + len(fans), len(found))] * len(_NUGGETS)])
    directed = np.array([False, *([True] * len(fans)), *(along > across for along, across, _ in shapes)])[which]
    prior = np.where(directed, 1 / directed.sum(), 1 / ((~directed).sum() - 1))
    prior[0] = 1.0
    return (
        nugget[:, None] * expected[0] + (1 - nugget[:, None]) * expected[which],
        nugget * endless[0] + (1 - nugget) * endless[which],
        prior / 3,
    )


def _bell(row: Array, column: Array, along: float, across: float, turn: float) -> Array:
    """Covariance by lag, 1 at lag 0, that falls as a Gaussian function of both ranges."""
    far = (row * sin(turn) + column * cos(turn)) / along, (row * cos(turn) - column * sin(turn)) / across
    return np.asarray(np.exp(-(far[0] ** 2) - far[1] ** 2))


def _bells() -> Iterator[tuple[float, float, float]]:
    """Ranges along and across the direction of each bell, and the direction. [blocks, blocks, rad]"""
    for across in _RANGES:
        yield across, across, 0.0
        for aspect in _ASPECTS:
            turns = max(6, 2 * aspect)  # two neighbors still overlap
            if across * aspect <= 2 * _BLOCKS:  # longer ones run through the field like these
                for k in range(turns):
                    yield across * aspect, across, pi * k / turns


def _fans() -> Array:
    """Share of each direction in lines that run through the field, by fan of directions, (fans, directions)."""
    turns = np.arange(_TURNS) * pi / _TURNS
    apart = np.abs((turns[:, None] - turns + pi / 2) % pi - pi / 2)
    fans = [np.exp(-((apart[:: _TURNS // number] / spread) ** 2) / 2) for spread, number in _FANS]
    every = np.concatenate(fans)
    return np.asarray(every / every.sum(axis=1, keepdims=True))


def sampling_lines(
    found: FieldStatistics, shares: Sequence[float], scatters: Sequence[ShareScatter]
) -> tuple[Component, ...]:
    """Lines of the budget for what sampling does to a mean area share. [%]

    With one field the arrangement inside it takes the place of the scatter between fields. With several it is a
    floor where the features are so few that fields can agree by chance: the scatter of skewed values is then
    mostly seen too small. The floor is left out where the fields agree better than the arrangement allows
    (index of dispersion, chi-square at 5 %): features that keep apart or touch are not thrown at random. However
    many features there are, it is kept where their sizes are lognormal and so widely spread that the few largest
    ones decide. Where the features are thrown at random their areas tell how skewed the mean of the fields is, and
    the upper limit lies farther off than Student's by the first term of its expansion.

    Parameters
    ----------
    found : FieldStatistics
        Of ``shares``.
    shares : sequence of float
        Area share of every field. [%]
    scatters : sequence of ShareScatter
        Of the same fields.

    References
    ----------
    Hall, On the removal of skewness by transformation, Journal of the Royal Statistical Society B 54 (1992) 221.
    """
    seen = scatter_line(found)
    if not seen:
        return (_line(shares, scatters, Text("measure.basis_one_field")),)
    known = expanded(seen)
    wider = [_skewed(found, seen[0].u, shares, scatters)]
    if why := _why_a_floor(found, seen[0].u, shares, scatters):
        model = _line(shares, scatters, why)
        wider.append((expanded([model]), Text("measure.basis_floor_for_u", basis=model.basis)))
    wide, basis = max(wider, key=itemgetter(0))
    if wide <= known:
        return seen
    name, u = Text("budget.scatter_inside_the_fields"), sqrt(wide**2 - known**2) / coverage_factor(None)
    return (*seen, Component(name=name, u=u, kind="B", basis=basis))


def _why_a_floor(found: FieldStatistics, u: float, shares: Sequence[float], scatters: Sequence[ShareScatter]) -> Words:
    """Why the arrangement inside the fields is a floor of U; empty: it is none."""
    if _agree_by_chance(found, u, shares, scatters):
        return Text("measure.basis_fields_agree_by_chance", n_shares=len(shares))
    if _lack_the_largest(shares, scatters):
        return Text("measure.basis_fields_lack_the_largest", n_shares=len(shares))
    return ""


def _skewed(
    found: FieldStatistics, u: float, shares: Sequence[float], scatters: Sequence[ShareScatter]
) -> tuple[float, Words]:
    """How far the upper limit is above the mean of fields that scatter by u, and what to say of it. [%]

    Of a studentized mean with skewness γ the quantile is z + γ (1 + 2 z²) / 6 to the first order, where Student's
    factor stands for z. The nearer the share comes to one half, the less skewed it is (``_line``). Features thrown at
    random tell the scatter of the mean by their areas as well, which fields that agree by chance do not lower; that
    they are not thrown at random is shown by fields that agree better than they could then do.
    """
    normal, known = coverage_factor(None), coverage_factor(found.dof) * u
    areas = [one.areas for one in scatters if one.areas is not None and one.areas.if_skewed]
    rare, waves = _rare(shares), sqrt(sum(one.u**2 for one in scatters)) / len(scatters)
    sums = sums_of_powers(areas, rare, waves) if len(areas) == len(scatters) else None
    if sums is None or not _scatter_as_by_chance(found, u, len(shares), 1e4 * sums[0] / len(shares)):
        return known, ""
    skewness = sums[1] / sums[0] ** 1.5 * (1 - 2 * rare) / (1 - rare)
    farther = skewness * (1 + 2 * normal**2) / 6
    own = 100 * min(sqrt(sums[0]) / len(shares), waves)
    upper = max(known + u * farther, own * (normal + farther))
    if upper <= _SKEWED * known:
        return known, ""
    return upper, Text("measure.basis_skewed_fields", wider=upper / known, skewness=skewness)


def unseen_percent(fields: int) -> float:
    """Share of features thrown at random of which this many fields show none, at most in 97.5 of 100 cases. [%]

    They are as large as fields of this size are meant for; the limit of a Poisson number of which none was found is
    3.69 (Garwood, Biometrika 28 (1936) 437).

    >>> round(unseen_percent(1), 2), round(unseen_percent(5), 2)
    (2.9, 0.58)
    """
    return -100 * log(0.025) * pi / 4 * HIDDEN**2 / fields


def _agree_by_chance(
    found: FieldStatistics, u: float, shares: Sequence[float], scatters: Sequence[ShareScatter]
) -> bool:
    """Whether fields show so few features that they can agree by chance, and agree no better than chance allows."""
    u2 = sum(one.u**2 for one in scatters) / len(scatters) * 1e4
    return 0 < _features(shares, scatters) < _FEW and u2 > 0 and _scatter_as_by_chance(found, u, len(shares), u2)


def _scatter_as_by_chance(found: FieldStatistics, u: float, fields: int, variance: float) -> bool:
    """Whether fields whose mean has this u scatter no less than by the variance of one (index of dispersion)."""
    s = found.s if found.s is not None else u * sqrt(len(found.sections))
    dof = max(fields - len(found.sections), len(found.sections) - 1)
    return dof * s**2 / variance >= float(chdtri(dof, 1 - _SIGNIFICANCE))


def _lack_the_largest(shares: Sequence[float], scatters: Sequence[ShareScatter]) -> bool:
    """Whether the sizes of the features tell of larger ones that several fields may not show."""
    if not all(one.areas is not None and one.areas.if_few for one in scatters):
        return False
    sizes = _by_sizes(shares, scatters)
    return sizes is not None and sizes.spread >= WIDE


def _by_sizes(shares: Sequence[float], scatters: Sequence[ShareScatter]) -> LognormalLimit | None:
    """Upper limit of the share by the sizes of the features, where they are known of all fields."""
    known = [one.areas for one in scatters if one.areas is not None]
    u = sqrt(sum(one.u**2 for one in scatters)) / len(scatters)
    return lognormal_limit(known, _rare(shares), u) if len(known) == len(scatters) else None


def _rare(shares: Sequence[float]) -> float:
    """Mean share of the phase or of the rest, whichever is rarer. [1]"""
    return min(sum(shares), sum(100 - share for share in shares)) / len(shares) / 100


def _features(shares: Sequence[float], scatters: Sequence[ShareScatter]) -> float:
    """Number of equal features that would scatter as much if they were thrown at random."""
    share = sum(shares) / 100
    u2 = sum(one.u**2 for one in scatters)
    return min(share, len(shares) - share) ** 2 / u2 if u2 else 0.0


def _line(shares: Sequence[float], scatters: Sequence[ShareScatter], why: str) -> Component:
    """Line for fields whose own arrangement tells their scatter, as wide as the upper limit is far. [%]

    The rarer side (phase or rest) has as many effective features as a Poisson process with this scatter. Its
    upper limit lies farther off than the lower one when they are few: U is for a limit above as well. The nearer
    its share p comes to one half, the less: a binomial number has (1 - 2 p) / (1 - p) of the skewness of a Poisson
    number with the same mean and scatter. Few features tell little of their own scatter, which bounds the degrees
    of freedom. Where their areas are lognormal and widely spread, larger ones than these fields show decide: the line
    is then as wide as the upper 95 % limit of that distribution is far.

    References
    ----------
    Fay and Feuer, Confidence intervals for directly standardized rates: a method based on the gamma distribution,
    Statistics in Medicine 16 (1997) 791; for equal features Garwood, Biometrika 28 (1936) 437.
    """
    squares = sum(one.u**2 for one in scatters)
    features = _features(shares, scatters)
    if features == 0:
        return Component(
            name=Text("budget.scatter_inside_the_fields"),
            u=0.0,
            kind="B",
            basis=Text("measure.basis_no_scatter_inside", why=why),
        )
    mean = sqrt(squares / features)  # area of the effective feature, over that of a field
    largest = min(max(mean, *(one.largest for one in scatters)), _LARGEST * mean)
    area = sqrt(squares * features)
    # upper 97.5 % limit of a sum of Poisson numbers with unequal weights, the next one as heavy as the heaviest
    weight = (squares + largest**2) / (area + largest)
    above = weight * float(chdtri(2 * (area + largest) / weight, 0.025)) / 2 - area
    rare = _rare(shares)
    skew = 1 + max(0.0, above / sqrt(squares) / coverage_factor(None) - 1) * (1 - 2 * rare) / (1 - rare)
    u, dof = sqrt(squares) / len(scatters), max(min(sum(one.dof for one in scatters), features + 1), 2.0)
    sizes = _by_sizes(shares, scatters)
    unseen = sizes.above / coverage_factor(dof) / u if sizes is not None else 0.0
    wider: Words = ""
    if sizes is not None and unseen > max(skew, _SKEWED):
        wider = Text("measure.basis_unseen_features", wider=unseen, number=sizes.number, spread=sizes.spread)
    elif skew > _SKEWED:
        wider = Text("measure.basis_wider_upwards", skew=skew)
    return Component(
        name=Text("budget.scatter_inside_the_fields"),
        u=100 * u * max(skew, unseen),
        kind="B",
        dof=dof,
        basis=Text("measure.basis_longest_waves", why=why, features=features) + wider,
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
