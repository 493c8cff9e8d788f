"""Capability and performance of a process against its limits, with what so few values leave open.

``Cp`` and ``Cpk`` rest on the scatter from one value to the next, ``Pp`` and ``Ppk`` on that of all. A skewed quantity
is judged by its percentiles 0.135 %, 50 % and 99.865 % (ISO 22514-2), of a lognormal distribution where one fits.

References
----------
Chou, Owen and Borrego, Lower confidence limits on process capability indices, Journal of Quality Technology 22 (1990)
223. Bissell, How reliable is your capability index?, Applied Statistics 39 (1990) 331. D'Agostino, Transformation to
normality of the null distribution of g1, Biometrika 57 (1970) 679.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from typing import Literal

import numpy as np

from inspect_tool.lab.trend.charts import Floats, degrees_of_freedom, level
from inspect_tool.statistics.uncertainty import coverage_factor

LEAST = 20
"""Values that indices are stated from; with 20 the interval of Cpk is a third of it to both sides."""
_SKEWED = 0.01  # a skewness that chance makes as often in a normal sample is none
_TAIL = 2.9999769927034015  # of the normal distribution: 0.135 % beyond it
_DRAWS = 2000
_SEED = 22514


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """One index with its 95 % interval. [1]"""

    name: Literal["Cp", "Cpk", "Pp", "Ppk"]
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """What the process can do against its limits."""

    n: int
    lower: float | None  # limits, in the unit of the quantity
    upper: float | None
    shape: Literal["normal", "lognormal", "not stated"]  # not stated: skewed, and no distribution fits
    skewness_p: float  # that a normal sample is skewed as much
    indices: tuple[Index, ...]  # of a skewed quantity Pp and Ppk alone; Cp and Pp need both limits


def capability(values: Sequence[float] | Floats, lower: float | None, upper: float | None) -> Capability | None:
    """Judge values against limits; None: no limit, or fewer than 20 values.

    Parameters
    ----------
    values : sequence of float
        In their order, of a steady process.
    lower, upper : float or None
        Limits in the unit of the values; None: there is none on that side.

    Raises
    ------
    MeasurementError
        The values have no scatter.
    """
    x = np.asarray(values, dtype=float)
    n = len(x)
    if n < LEAST or (lower is None and upper is None):
        return None
    short = level(x)
    p = skewness_p(x)
    indices: tuple[Index, ...] = ()
    shape: Literal["normal", "lognormal", "not stated"] = "not stated"
    if p >= _SKEWED:
        shape, total = "normal", float(x.std(ddof=1))
        dof = degrees_of_freedom(n)
        found = [
            *_of_normal("Cp", "Cpk", short.center, short.sigma, dof, n, lower, upper),
            *_of_normal("Pp", "Ppk", short.center, total, n - 1, n, lower, upper),
        ]
        indices = tuple(found)
    elif float(x.min()) > 0 and skewness_p(np.log(x)) >= _SKEWED:
        shape, indices = "lognormal", tuple(_of_lognormal(np.log(x), lower, upper))
    return Capability(n=n, lower=lower, upper=upper, shape=shape, skewness_p=p, indices=indices)


def skewness_p(x: Floats) -> float:
    """Probability that the skewness of a normal sample is as far from 0 (D'Agostino 1970), for 8 values or more."""
    from scipy.special import ndtr

    n = len(x)
    apart = x - x.mean()
    g1 = float((apart**3).mean() / (apart**2).mean() ** 1.5)
    y = g1 * sqrt((n + 1) * (n + 3) / (6 * (n - 2)))
    beta2 = 3 * (n**2 + 27 * n - 70) * (n + 1) * (n + 3) / ((n - 2) * (n + 5) * (n + 7) * (n + 9))
    w2 = sqrt(2 * (beta2 - 1)) - 1
    alpha = sqrt(2 / (w2 - 1))
    z = float(np.arcsinh(y / alpha)) / sqrt(log(sqrt(w2)))
    return 2 * float(ndtr(-abs(z)))


def potential_interval(value: float, dof: float) -> tuple[float, float]:
    """95 % interval of Cp or Pp whose standard deviation has so many degrees of freedom.

    >>> low, high = potential_interval(2.29, 19)
    >>> round(low, 2), round(high, 2)
    (1.57, 3.01)
    """
    from scipy.special import chdtri

    low, high = (value * sqrt(float(chdtri(dof, p)) / dof) for p in (0.975, 0.025))
    return low, high


def actual_interval(value: float, n: int, dof: float) -> tuple[float, float]:
    """95 % interval of Cpk or Ppk of ``n`` values (Bissell 1990).

    >>> low, high = actual_interval(1.33, 20, 19)
    >>> round(low, 2), round(high, 2)
    (0.88, 1.78)
    """
    half = coverage_factor(None) * sqrt(1 / (9 * n) + value**2 / (2 * dof))
    return value - half, value + half


def _of_normal(
    potential: Literal["Cp", "Pp"],
    actual: Literal["Cpk", "Ppk"],
    center: float,
    sigma: float,
    dof: float,
    n: int,
    lower: float | None,
    upper: float | None,
) -> list[Index]:
    found = []
    if lower is not None and upper is not None:
        value = (upper - lower) / (6 * sigma)
        low, high = potential_interval(value, dof)
        found.append(Index(name=potential, value=value, low=low, high=high))
    nearest = min(
        (
            distance
            for limit, distance in ((lower, center - (lower or 0)), (upper, (upper or 0) - center))
            if limit is not None
        )
    )
    value = nearest / (3 * sigma)
    low, high = actual_interval(value, n, dof)
    return [*found, Index(name=actual, value=value, low=low, high=high)]


def _of_lognormal(logs: Floats, lower: float | None, upper: float | None) -> list[Index]:
    """Indices by percentiles; their intervals are those of samples drawn from the distribution that was found."""
    center, sigma = float(logs.mean()), float(logs.std(ddof=1))
    found = percentile_indices(center, sigma, lower, upper)
    random = np.random.default_rng(_SEED)
    n = len(logs)
    centers = center + sigma / sqrt(n) * random.standard_normal(_DRAWS)
    sigmas = sigma * np.sqrt((n - 1) / random.chisquare(n - 1, _DRAWS))
    drawn = [percentile_indices(m, s, lower, upper) for m, s in zip(centers, sigmas, strict=True)]
    indices = []
    for name, value in found.items():
        low, high = np.quantile([one[name] for one in drawn], [0.025, 0.975])
        indices.append(Index(name=name, value=value, low=float(low), high=float(high)))
    return indices


def percentile_indices(
    center: float, sigma: float, lower: float | None, upper: float | None
) -> dict[Literal["Pp", "Ppk"], float]:
    """Pp and Ppk of a lognormal quantity by its percentiles.

    Parameters
    ----------
    center, sigma : float
        Mean and standard deviation of the logarithms.
    lower, upper : float or None
        Limits of the quantity itself.

    Examples
    --------
    >>> found = percentile_indices(0.0, 0.2, None, 2.5)
    >>> round(found["Ppk"], 3)  # (2.5 - 1) / (exp(0.6) - 1)
    1.825
    """
    low, middle, high = (exp(center + z * sigma) for z in (-_TAIL, 0.0, _TAIL))
    found: dict[Literal["Pp", "Ppk"], float] = {}
    if lower is not None and upper is not None:
        found["Pp"] = (upper - lower) / (high - low)
    sides = []
    if lower is not None:
        sides.append((middle - lower) / (middle - low))
    if upper is not None:
        sides.append((upper - middle) / (high - middle))
    found["Ppk"] = min(sides)
    return found
