"""What chance does to sizes of particles: quantiles and means of weighted particles, with limits that may be skewed.

Particles are taken as thrown at random: each counts with the square of its weight (compound Poisson). Where fields, or
sections, differ by more than that, the excess is a line of its own with the Student factor of so few of them. The
limits of a quantile are the quantiles at the share less and plus its own uncertainty (Woodruff, J. Am. Stat. Assoc. 47
(1952) 635). By volume a few large particles carry the sum, and the largest of the powder may not be among them: with
fewer than ``_ENOUGH`` effective particles, or where a limit lies beyond the last one, the limits are also those of a
lognormal distribution with the median and the width of these particles (Zou, Huo, Taleban, Environmetrics 20 (2009)
172): by volume of those of the mode that carries it, as specks beside particles of one size are no wide powder. The
value never is that of the model.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import exp, log, sqrt

import numpy as np

from inspect_tool.standards.formulas import iso_9276_2
from inspect_tool.statistics import samples
from inspect_tool.statistics.samples import Floats, Limits, Sample
from inspect_tool.statistics.uncertainty import coverage_factor
from inspect_tool.statistics.weighted import cumulated, effective_number

LEAST = 10  # whole particles; with fewer a tenth of them is less than one
_ENOUGH = 1000.0  # effective particles from which on limits by volume need no model (docs/validation_particles.md)
_FARTHEST = log(1000.0)  # of ln: limits a factor of a thousand away say nothing, and farther ones cannot be computed
_STEPS = 33  # widths between the limits of the width: the quantile of a model may turn with it
_NO_VOLUME = 0.01  # of the volume: particles up to here are first taken for another mode [1]
_FEWEST = 5.0  # effective particles of a mode; the width of fewer says nothing
_ROUNDS = 30  # of expectation and maximization
_NARROWEST = 0.02  # of ln: nothing drawn on pixels is known to be narrower


def quantile(sample: Sample, share: float, power: float) -> Limits:
    """Quantile by number (``power`` 0) or volume (3), with its limits.

    Parameters
    ----------
    sample : Sample
        Of ``LEAST`` particles or more.
    share : float
        0.5 for the median. [1]
    """
    from scipy.special import ndtri

    heavy = sample.weight * sample.size**power
    value = iso_9276_2.quantile(sample.size, sample.weight, share, power)
    effective = effective_number(heavy)
    # a particle at the quantile itself lies half below it
    below = 0.5 * ((sample.size < value).astype(np.float64) + (sample.size <= value))
    halves = samples.half_widths(sample, heavy * (below - share), float(heavy.sum()), effective)
    x, middle = cumulated(sample.size, heavy)
    own = [(float(np.interp(share - half, middle, x)), float(np.interp(share + half, middle, x))) for half in halves]
    beyond = [(share - half < middle[0], share + half > middle[-1]) for half in halves]
    model = _modeled(_carrying(sample) if power else sample, power, float(ndtri(share)))
    return _limits(value, effective, own, beyond, model, few=power > 0 and effective < _ENOUGH)


def mean(sample: Sample, p: float, q: float) -> Limits:
    """Mean diameter D[p,q] as a ratio of moments, p - q = 1, with its limits; 1, 0: by number, 3, 2: of Sauter."""
    value = iso_9276_2.mean_diameter(sample.size, sample.weight, p, q)
    heavy = sample.weight * sample.size**q
    effective = effective_number(sample.weight * sample.size**p)
    halves = samples.half_widths(sample, heavy * (sample.size - value), float(heavy.sum()), effective)
    own = [(value - half, value + half) for half in halves]
    beyond = [(half > value, False) for half in halves]
    # D[p,q] of lognormal sizes is the median times exp((p + q) σ² / 2)
    model = _modeled(_carrying(sample) if q else sample, (p + q) / 2, 0.0)
    return _limits(value, effective, own, beyond, model, few=effective < _ENOUGH)


def _limits(
    value: float,
    effective: float,
    own: Sequence[tuple[float, float]],
    beyond: Sequence[tuple[bool, bool]],
    model: Sequence[tuple[float, float]],
    *,
    few: bool,
) -> Limits:
    """Limits by the particles, and also by the model where they are few or end before the limit."""
    found, used = [], False
    for (low, high), (no_low, no_high), (model_low, model_high) in zip(own, beyond, model, strict=True):
        if few or no_low:
            low, used = min(low, model_low), True
        if few or no_high:
            high, used = max(high, model_high), True
        found.append((min(low, value), max(high, value)))
    return Limits(
        value=value,
        alone=found[0],
        dof=samples.freedom(effective),
        together=(min(found[0][0], found[1][0]), max(found[0][1], found[1][1])),
        effective=effective,
        modeled=used,
    )


def width_of(sample: Sample) -> tuple[float, float]:
    """Median by number and standard deviation of the logarithm of the sizes, of a lognormal distribution."""
    logs = np.log(sample.size)
    n = effective_number(sample.weight)
    middle = float(np.average(logs, weights=sample.weight))
    spread = sqrt(float(np.average((logs - middle) ** 2, weights=sample.weight)) * n / max(n - 1, 1.0))
    return exp(middle), spread


def few_by_volume(sample: Sample) -> bool:
    """Whether the limits by volume rest on a model."""
    return effective_number(sample.weight * sample.size**3) < _ENOUGH


def distance_from_lognormal(sample: Sample) -> float:
    """Largest distance from a lognormal distribution, over what chance makes of it in 1 of 100 samples. [1]

    References
    ----------
    Lilliefors, J. Am. Stat. Assoc. 62 (1967) 399; 1 % point after Stephens.
    """
    from scipy.special import ndtr

    median, sigma = width_of(sample)
    if sigma == 0:
        return 0.0
    x, middle = cumulated(sample.size, sample.weight)
    n = effective_number(sample.weight)
    apart = float(np.abs(ndtr((np.log(x) - log(median)) / sigma) - middle).max()) + 0.5 / n
    return apart * (sqrt(n) - 0.01 + 0.85 / sqrt(n)) / 1.035


def _carrying(sample: Sample) -> Sample:
    """Particles of the mode that carries the volume, where two lognormal distributions fit better than one.

    Each particle counts with the probability that it is of that mode. Where one distribution does, or the mode holds
    too few particles to have a width, all of them.

    References
    ----------
    Mixture by expectation and maximization: Dempster, Laird, Rubin, J. R. Stat. Soc. B 39 (1977) 1. Three parameters
    more must be worth it: Schwarz, Ann. Stat. 6 (1978) 461.
    """
    logs, weight = np.log(sample.size), sample.weight / sample.weight.sum()
    order = np.argsort(logs)
    carried = np.cumsum((weight * sample.size**3)[order])
    large = np.zeros(len(logs))
    large[order] = carried > _NO_VOLUME * carried[-1]
    one = _logs_of_density(logs, weight, np.ones((1, len(logs))))
    belongs = np.stack([1 - large, large])
    for _ in range(_ROUNDS):
        if not (belongs @ weight > 0).all():
            return sample
        two = _logs_of_density(logs, weight, belongs)
        every = np.logaddexp(*two)
        belongs = np.exp(two - every)
    n = effective_number(sample.weight)
    mode = belongs[int(np.argmax(belongs @ (weight * sample.size**3)))]
    if 2 * n * float(weight @ (every - one[0])) <= 3 * log(n) or effective_number(sample.weight * mode) < _FEWEST:
        return sample
    held = mode > 0
    return replace(sample, size=sample.size[held], weight=(sample.weight * mode)[held], group=sample.group[held])


def _logs_of_density(logs: Floats, weight: Floats, belongs: Floats) -> Floats:
    """Logarithm of the density of each mode at each size, with the share, mean and width of what belongs to it."""
    held = belongs * weight
    share = held.sum(axis=1)[:, None]
    middle = (held @ logs)[:, None] / share
    spread = np.maximum((held * (logs - middle) ** 2).sum(axis=1)[:, None] / share, _NARROWEST**2)
    return np.asarray(np.log(share) - 0.5 * np.log(spread) - (logs - middle) ** 2 / (2 * spread))


def _modeled(sample: Sample, square: float, z: float) -> Sequence[tuple[float, float]]:
    """Limits of a lognormal size: by the particles alone, and with what groups differ beyond them."""
    from scipy.special import chdtri

    median, sigma = width_of(sample)
    if sigma == 0:
        return [(median, median)] * 2
    n = effective_number(sample.weight)
    dof = samples.freedom(n)

    def moved(width: Floats) -> Floats:
        return square * width**2 + z * width

    wide = sigma * np.sqrt(dof / chdtri(dof, np.array([0.025, 0.975])))
    shift = moved(np.linspace(wide[0], wide[1], _STEPS))
    at = float(moved(np.array([sigma]))[0])
    middle = coverage_factor(dof) * sigma / sqrt(n)
    down, up = sqrt(middle**2 + (at - float(shift.min())) ** 2), sqrt(middle**2 + (float(shift.max()) - at) ** 2)
    logs = np.log(sample.size) - log(median)
    parts = sample.weight * (logs + (2 * square * sigma + z) / (2 * sigma) * (logs**2 - sigma**2))
    between = samples.factor(sample.groups) * samples.errors(sample, parts, float(sample.weight.sum()))[1]
    center = iso_9276_2.lognormal_size(median, sigma, square, z)
    reach = [[min(sqrt(side**2 + b**2), _FARTHEST) for side in (down, up)] for b in (0.0, between)]
    return [(center * exp(-low), center * exp(high)) for low, high in reach]
