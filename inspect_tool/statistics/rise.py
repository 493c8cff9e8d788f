"""Where a share that rises with the depth has come back to parts of its level deep inside.

The profile is zero up to a start, jumps to a part of the level of the core or not, and rises to the core in one of
three shapes. All starts, jumps, lengths and shapes are weighed by how likely they make the profile, and what is told
is their mean: no single fit decides. What the shapes disagree by stands apart.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, erfinv

_GROUPS = 16  # of the blocks: their scatter tells the noise of the profile
_STARTS, _LENGTHS = 20, 28  # of the grid
_JUMPS = np.concatenate([[0.0], np.arange(0.025, 0.95, 0.05)])  # part of the core's level at the start of the rise
_JUMPS_LIKELY = np.asarray([0.5, *[0.5 / (len(_JUMPS) - 1)] * (len(_JUMPS) - 1)])
_ROUNDS = 3  # the grid is narrowed to where its weight lies
_KEPT = 1e-4  # of the largest weight
_FARTHEST = 1.6  # reaches of the profile: longest rise that is tried
_LEAST_SHARE = 0.02  # whose noise is that of all smaller ones
_SMOOTH = 9  # steps of depth over which the share is averaged to tell its noise
_PLACES = np.geomspace(0.25, 4.0, 161)  # of the depth of a place over that of the whole
_PRIOR = 0.5  # standard deviation of the logarithm of that factor
_HALF = 0.5  # part of the core's level at the surface: a layer that has more is not bounded
_REACHED = 0.95  # of the core's level, at the length of a rise

Floats = NDArray[np.float64]
Rise = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Shape:
    """A rise from 0 that comes to 95 % at 1, and its inverse."""

    of: Rise
    inverse: Rise


def _smoothstep(z: Floats) -> Floats:
    inside = np.clip(z, 0, 1)
    return np.asarray(inside * inside * (3 - 2 * inside))


def _smoothstep_inverse(share: Floats) -> Floats:
    return np.asarray(0.5 - np.sin(np.arcsin(1 - 2 * share) / 3))


def _scaled(of: Rise, inverse: Rise) -> _Shape:
    by = float(inverse(np.asarray(_REACHED)))
    return _Shape(of=lambda z: of(np.maximum(z, 0) * by), inverse=lambda share: inverse(share) / by)


_SHAPES = (
    _scaled(lambda z: np.asarray(erf(z)), lambda share: np.asarray(erfinv(share))),
    _scaled(lambda z: np.minimum(z, 1), lambda share: share),
    _scaled(_smoothstep, _smoothstep_inverse),
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reached:
    """Depth at which a part of the core's level is reached; lengths in the unit of the depths."""

    depth: float
    by_place: Floats  # what each block of the surface adds to it: their mean is 0, (blocks,)
    shapes: float  # standard deviation between the shapes of the rise
    u: float  # standard deviation over all that is likely within a shape, by the noise of the profile
    absent: float  # probability that the part is reached at the very surface
    bound: float  # it is less with 97.5 %, were the level at the surface half of the core's or less
    least: float  # and more with 97.5 %


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Between:
    """Distance from the depth of the first part to that of the last, as ``Reached``."""

    depth: float
    by_place: Floats
    shapes: float
    u: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Risen:
    """What a profile tells."""

    reached: tuple[Reached, ...]  # in the order of the parts that were asked for
    between: Between
    structure: float  # depth over which neighbors go together: about a grain
    core: float  # level deep inside [1]
    mean: Floats  # profile as it is fitted, (depths,) [1]
    beyond: float  # probability that the last part is reached nearer to the end of the profile than ``margin``, or not
    factor: Floats  # depth of every place over that of the whole, (places,) [1]
    factor_u: Floats  # their standard uncertainty, (places,) [1]


def risen(
    depth: Floats, known: Floats, counted: Floats, parts: tuple[float, float], places: int, margin: float
) -> Risen:
    """Read the depths off a profile.

    Parameters
    ----------
    depth : array, (depths,)
        Ascending, at even distances.
    known, counted : array, (blocks, depths)
        What a share is taken of, and what is counted, by place along the surface.
    parts : two floats
        Of the core's level, that the depths are wanted of, ascending. [1]
    places : int
        Into which the blocks are parted, each with a depth of its own.
    margin : float
        Share of the reach of the profile that must lie behind the last depth. [1]

    Examples
    --------
    A rise in a straight line from 10 to 30:

    >>> depth = np.arange(0.5, 100)
    >>> share = 0.7 * np.clip((depth - 10) / 20, 0, 1)
    >>> found = risen(depth, np.full((8, 100), 1e4), 1e4 * np.tile(share, (8, 1)), (0.05, 0.95), 4, 0.1)
    >>> [round(one.depth, 1) for one in found.reached], round(found.core, 3)
    ([11.0, 29.0], 0.7)
    """
    total = known.sum(axis=0)
    share = counted.sum(axis=0) / total
    precision, together = _precision(known, counted, share)
    grid = _Grid(depth=depth, share=share, precision=precision, parts=parts)
    reach = float(depth[-1])
    made = [_narrowed(grid, shape, reach) for shape in _SHAPES]
    best = min(one.least for one in made)
    weights = [np.exp((best - one.misfit) / 2) * one.cell * _JUMPS_LIKELY for one in made]
    # an unchanged core has no start and no length; as probable, before anything is seen, as one shape of a rise
    flat = _flat(grid)
    prior = float(np.log(_FARTHEST * len(depth))) * reach
    nothing = float(np.exp(np.clip((best - flat[0]) / 2, -500, 500))) * prior
    sums = np.asarray([float(weight.sum()) for weight in weights])
    all_ = float(sums.sum())
    mean = np.asarray(sum(one.profile(weight) for one, weight in zip(made, weights, strict=True)) / all_)
    core = sum(float((weight * one.core).sum()) for one, weight in zip(made, weights, strict=True)) / all_
    deviation = (counted - known * share) / total * len(known)
    reached, slopes, by_shape = [], [], []
    for k in range(len(parts)):
        each = np.asarray([float((weight * one.at[k]).sum()) for one, weight in zip(made, weights, strict=True)])
        each = np.divide(each, sums, out=np.zeros_like(each), where=sums > 0)  # of a shape that does not fit at all: 0
        value = float(sums @ each) / all_
        slope = sum(one.slope(weight, one.at[k] - value) for one, weight in zip(made, weights, strict=True)) / all_
        slopes.append(slope * precision)
        by_shape.append(each)
        absent = (
            nothing
            + sum(float(weight[one.at[k] <= depth[0] / 2].sum()) for one, weight in zip(made, weights, strict=True))
        ) / (nothing + all_)
        reached.append(
            Reached(
                depth=value,
                by_place=deviation @ slopes[-1],
                shapes=_spread(each, sums),
                u=_within([one.at[k] for one in made], weights, each),
                absent=absent,
                bound=max(_quantile(made, weights, k, 0.975), float(depth[0])),
                least=_quantile(made, weights, k, 0.025),
            )
        )
    late = sum(
        float(weight[one.at[-1] > (1 - margin) * reach].sum()) for one, weight in zip(made, weights, strict=True)
    )
    factor, factor_u = _places(depth, known, counted, mean, core, precision, places)
    return Risen(
        reached=tuple(reached),
        between=Between(
            depth=reached[-1].depth - reached[0].depth,
            by_place=deviation @ (slopes[-1] - slopes[0]),
            shapes=_spread(by_shape[-1] - by_shape[0], sums),
            u=_within([one.at[-1] - one.at[0] for one in made], weights, by_shape[-1] - by_shape[0]),
        ),
        structure=together * float(depth[1] - depth[0]),
        core=core,
        mean=mean,
        beyond=late / (nothing + all_),
        factor=factor,
        factor_u=factor_u,
    )


def _spread(values: Floats, weights: Floats) -> float:
    mean = float(weights @ values) / float(weights.sum())
    return float(np.sqrt(weights @ (values - mean) ** 2 / weights.sum()))


def _precision(known: Floats, counted: Floats, share: Floats) -> tuple[Floats, float]:
    """One over the variance of the share at every depth times the depths that go together, and how many these are."""
    blocks = len(known)
    edges = np.linspace(0, blocks, min(_GROUPS, blocks) + 1).astype(np.intp)[:-1]
    n = np.add.reduceat(known, edges)
    apart = np.add.reduceat(counted, edges) - n * share
    groups = len(edges)
    total = known.sum(axis=0)
    window = np.ones(min(_SMOOTH, len(share)))
    smooth = np.convolve(share, window, "same") / np.convolve(np.ones_like(share), window, "same")
    binomial = np.clip(smooth, _LEAST_SHARE, 1 - _LEAST_SHARE) * (1 - np.clip(smooth, _LEAST_SHARE, 1 - _LEAST_SHARE))
    variance = (apart**2).sum(axis=0) * groups / max(groups - 1, 1) / total**2
    noise = max(float(variance.sum() / binomial.sum()), 1e-12)
    standard = apart / total / np.sqrt(binomial)
    power = float((standard**2).mean()) or 1.0
    together = 1.0
    for lag in range(1, len(share) // 3):
        alike = float((standard[:, lag:] * standard[:, :-lag]).mean()) / power
        if alike < 0.05:
            break
        together += 2 * alike
    return np.asarray(1 / (noise * binomial * together)), together


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Grid:
    depth: Floats
    share: Floats
    precision: Floats
    parts: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Weighed:
    """One shape on one grid of starts, lengths and jumps, (starts, lengths, jumps)."""

    misfit: Floats
    core: Floats
    at: tuple[Floats, ...]  # depths of the parts
    step: Floats  # 1 behind the start, (starts, depths)
    rise: Floats  # (starts, lengths, depths)
    cell: float
    starts: Floats
    lengths: Floats

    @property
    def least(self) -> float:
        return float(self.misfit.min())

    def slope(self, weight: Floats, values: Floats) -> Floats:
        """Sum of weighted values times the profiles, (depths,)."""
        product = weight * values * self.core
        of_step = (product * _JUMPS).sum(axis=(1, 2))
        of_rise = (product * (1 - _JUMPS)).sum(axis=2)
        return np.asarray(of_step @ self.step + np.einsum("ij,ijk->k", of_rise, self.rise))

    def profile(self, weight: Floats) -> Floats:
        return self.slope(weight, np.ones_like(weight))


def _weighed(grid: _Grid, shape: _Shape, starts: Floats, lengths: Floats, cell: float) -> _Weighed:
    width = float(grid.depth[1] - grid.depth[0])
    behind = grid.depth - starts[:, None]
    step = np.clip(behind / width + 0.5, 0, 1)
    rise = shape.of(behind[:, None, :] / lengths[:, None])
    w, wy = grid.precision, grid.precision * grid.share
    aa, ay = (step * step) @ w, step @ wy
    gg, gy = (rise * rise) @ w, rise @ wy
    ag = np.einsum("ik,ijk->ij", step * w, rise)
    up, rest = _JUMPS, 1 - _JUMPS
    square = aa[:, None, None] * up**2 + 2 * ag[..., None] * up * rest + gg[..., None] * rest**2
    product = ay[:, None, None] * up + gy[..., None] * rest
    core = np.clip(product / np.maximum(square, 1e-300), 0, 1)
    misfit = float(wy @ grid.share) - 2 * core * product + core**2 * square
    at = tuple(
        starts[:, None, None]
        + np.where(up < part, lengths[:, None] * shape.inverse(np.clip((part - up) / rest, 0, 1 - 1e-12)), 0.0)
        for part in grid.parts
    )
    return _Weighed(misfit=misfit, core=core, at=at, step=step, rise=rise, cell=cell, starts=starts, lengths=lengths)


def _narrowed(grid: _Grid, shape: _Shape, reach: float) -> _Weighed:
    """The grid of one shape, where its weight lies."""
    width = float(grid.depth[1] - grid.depth[0])
    low, high = 0.0, 0.8 * reach
    short, long = np.log(width), np.log(_FARTHEST * reach)
    for turn in range(_ROUNDS):
        starts = np.linspace(low, high, _STARTS)
        lengths = np.linspace(short, long, _LENGTHS)
        cell = float((starts[1] - starts[0]) * (lengths[1] - lengths[0]))
        found = _weighed(grid, shape, starts, np.exp(lengths), cell)
        if turn == _ROUNDS - 1:
            break
        likely = (found.misfit < found.least - 2 * np.log(_KEPT)).any(axis=2)
        rows, columns = np.flatnonzero(likely.any(axis=1)), np.flatnonzero(likely.any(axis=0))
        low, high = float(starts[max(rows[0] - 1, 0)]), float(starts[min(rows[-1] + 1, _STARTS - 1)])
        short = float(lengths[max(columns[0] - 1, 0)])
        long = float(lengths[min(columns[-1] + 1, _LENGTHS - 1)])
    return found


def _flat(grid: _Grid) -> tuple[float, float]:
    """Misfit and level of a profile that does not rise."""
    w = grid.precision
    level = float(w @ grid.share / w.sum())
    return float(w @ (grid.share - level) ** 2), level


def _within(values: list[Floats], weights: list[Floats], means: Floats) -> float:
    """Standard deviation of a depth within the shapes."""
    square = sum(
        float((weight * (value - mean) ** 2).sum()) for value, weight, mean in zip(values, weights, means, strict=True)
    )
    return float(np.sqrt(square / sum(float(weight.sum()) for weight in weights)))


def _quantile(made: list[_Weighed], weights: list[Floats], k: int, share: float) -> float:
    """Quantile of a depth over what is likely, where the surface has half of the core's level or less."""
    low = _JUMPS <= _HALF
    at = np.concatenate([one.at[k][..., low].ravel() for one in made])
    weight = np.concatenate([one[..., low].ravel() for one in weights])
    order = np.argsort(at)
    reached = np.cumsum(weight[order])
    return float(at[order][min(int(np.searchsorted(reached, share * reached[-1])), len(at) - 1)])


def _places(
    depth: Floats, known: Floats, counted: Floats, mean: Floats, core: float, precision: Floats, places: int
) -> tuple[Floats, Floats]:
    """Depth of every place over that of the whole, by how much its profile is stretched, with its uncertainty."""
    blocks = len(known)
    edges = np.linspace(0, blocks, places + 1).astype(np.intp)[:-1]
    n, hits = np.add.reduceat(known, edges), np.add.reduceat(counted, edges)
    stretched = np.asarray([np.interp(depth / factor, depth, mean, right=core) for factor in _PLACES])
    share = np.divide(hits, n, out=np.zeros_like(hits), where=n > 0)
    weight = precision * n / known.sum(axis=0)
    misfit = (weight[:, None, :] * (share[:, None, :] - stretched) ** 2).sum(axis=2)
    logs = np.log(_PLACES)
    log = -misfit / 2 - (logs / _PRIOR) ** 2 / 2
    likely = np.exp(log - log.max(axis=1, keepdims=True))
    likely /= likely.sum(axis=1, keepdims=True)
    middle = likely @ logs
    spread = np.sqrt(np.maximum(likely @ logs**2 - middle**2, 0))
    factor = np.exp(middle)
    return factor, factor * spread
