"""Uncertainty budgets: lines a reader can add up, expanded uncertainty, effective degrees of freedom.

Lines are independent by construction; each is already in the unit of the result (sensitivity
applied), so that the combined uncertainty is their root sum of squares (GUM 5.1, JCGM 100:2008).
Every line is expanded by the Student factor of its own degrees of freedom, and U is the root sum of
squares of the expanded lines (docs/decisions/0007).
"""

from collections.abc import Iterable
from dataclasses import replace
from math import inf, sqrt

import numpy as np
from numpy.typing import ArrayLike

from inspect_tool.model import Component, Result


def combined(budget: Iterable[Component]) -> float:
    """Root sum of squares of the lines of a budget.

    >>> combined([Component(name="fields", u=3.0, kind="A"), Component(name="scale", u=4.0, kind="B")])
    5.0
    """
    return sqrt(sum(line.u**2 for line in budget))


def expanded(budget: Iterable[Component], coverage: float = 0.95) -> float:
    """Expanded uncertainty: root sum of squares of the lines, each times the Student factor of its own dof.

    For independent normal errors the interval value ± U covers the true value with at least the probability
    ``coverage``, whatever the weights of the lines, and with exactly that for a single line. A line that is
    added or widened never lowers it. Welch and Satterthwaite's factor has neither property: a line of one
    degree of freedom beside a type B line of the same size leaves it with 83 to 92 %.

    Examples
    --------
    Two fields beside a type B line:

    >>> round(expanded([Component(name="fields", u=1.0, kind="A", dof=1), Component(name="edge", u=1.0, kind="B")]), 2)
    12.86

    References
    ----------
    Banerjee, Approximate confidence interval for linear functions of means of k populations when the
    population variances are not equal, Sankhya 22 (1960) 357.
    """
    return sqrt(sum((coverage_factor(line.dof, coverage) * line.u) ** 2 for line in budget))


def effective_dof(budget: Iterable[Component], coverage: float = 0.95) -> float | None:
    """Degrees of freedom of the Student distribution whose factor is U / u; None: infinite.

    So ``u`` and these alone give back U, and the probabilities of a verdict agree with it.

    >>> round(effective_dof([Component(name="fields", u=1.0, kind="A", dof=4)]), 9)
    4.0
    """
    from scipy.special import stdtridf

    lines = tuple(budget)
    u = combined(lines)
    if u == 0:
        return None
    factor = expanded(lines, coverage) / u
    # a factor this near to the normal one belongs to some 10^8 degrees of freedom: rounding alone
    if factor <= coverage_factor(None, coverage) * (1 + 1e-8):
        return None
    return float(stdtridf(0.5 + coverage / 2, factor))


def coverage_factor(dof: float | None, coverage: float = 0.95) -> float:
    """Two-sided Student factor for a coverage probability; ``dof`` None means infinite.

    The degrees of freedom are not truncated to a whole number.

    >>> round(coverage_factor(4), 3), round(coverage_factor(None), 3)
    (2.776, 1.96)
    """
    # scipy.stats takes a third of a second to import; scipy.special has the same quantiles
    from scipy.special import ndtri, stdtrit

    p = 0.5 + coverage / 2
    return float(ndtri(p) if dof is None or dof == inf else stdtrit(dof, p))


def proportion_interval(hits: float, trials: float, coverage: float = 0.95) -> tuple[float, float]:
    """Exact two-sided interval of a probability from hits among trials (Clopper and Pearson 1934). [1]

    >>> low, high = proportion_interval(19, 20)
    >>> round(low, 4), round(high, 4)
    (0.7513, 0.9987)
    """
    from scipy.special import betaincinv

    tail = (1 - coverage) / 2
    low = float(betaincinv(hits, trials - hits + 1, tail)) if hits > 0 else 0.0
    high = float(betaincinv(hits + 1, trials - hits, 1 - tail)) if hits < trials else 1.0
    return low, high


def mid_interval(hits: float, trials: float, coverage: float = 0.95) -> tuple[float, float]:
    """Two-sided mid-P interval of a probability from hits among trials: what was seen counts half beyond its own limit.

    Over all probabilities it holds as often as it says on average; the exact interval is never too narrow, and so too
    wide where trials are few (G. Berry, P. Armitage, The Statistician 44, 1995, 417). [1]

    Of twenty trials without a hit half of (1 - p)^20 is 2.5 %:

    >>> low, high = mid_interval(0, 20)
    >>> low, round(high, 4), round(1 - 0.05 ** (1 / 20), 4)
    (0.0, 0.1391, 0.1391)
    """
    from scipy.optimize import brentq
    from scipy.special import betainc

    def as_many(p: float) -> float:
        """Probability of more hits, and half of that of as many."""
        more = betainc(hits + 1, trials - hits, p) if hits < trials else 0.0
        return float(more + (betainc(hits, trials - hits + 1, p) if hits > 0 else 1.0)) / 2

    tail = (1 - coverage) / 2
    low = float(brentq(lambda p: as_many(p) - tail, 0.0, 1.0)) if hits > 0 else 0.0
    high = float(brentq(lambda p: as_many(p) - 1 + tail, 0.0, 1.0)) if hits < trials else 1.0
    return low, high


def half_range(values: Iterable[float]) -> float:
    """Standard uncertainty of a quantity known to lie somewhere between the extremes of ``values``.

    Rectangular distribution over the range (GUM 4.3.7): half width / sqrt(3).

    >>> round(half_range([9.0, 10.0, 11.0]), 4)
    0.5774
    """
    numbers = tuple(values)
    return (max(numbers) - min(numbers)) / 2 / sqrt(3) if numbers else 0.0


def excess_of_largest(values: ArrayLike, u: ArrayLike) -> tuple[int, float]:
    """Expected excess of the largest of measured values over the largest true one, at most.

    The values that differ from the largest by no more than their errors do in 99 % are its rivals. The excess is the
    mean of the largest of their errors, independent and normal, were they all equal: if they are not, it is less. A
    rival with a wider error that lies lower than errors like that of the largest explain stays lower by the rest.

    Parameters
    ----------
    values, u : one-dimensional arrays
        Measured values and their standard uncertainties, in one unit.

    Returns
    -------
    int, float
        Number of rivals, the largest itself among them, and the excess in the unit of the values; 0 without rival.

    Examples
    --------
    Two equal values: 1 / √π of their standard uncertainty; the third is no rival.

    >>> rivals, excess = excess_of_largest([7.0, 7.0, 1.0], [1.0, 1.0, 1.0])
    >>> rivals, round(excess, 4)
    (2, 0.5642)

    References
    ----------
    Rivals as in the subset selection of Gupta, Technometrics 7 (1965) 225.
    """
    from scipy.special import ndtr

    x, s = np.asarray(values, dtype=float), np.asarray(u, dtype=float)
    top = int(x.argmax())
    gap, far = x[top] - x, coverage_factor(None, 0.99)
    near = gap <= far * np.hypot(s, s[top])
    rivals, lower = s[near], np.maximum(gap[near] - far * sqrt(2) * s[top], 0.0)
    widest = float(rivals.max())
    if len(rivals) < 2 or widest == 0:
        return len(rivals), 0.0
    step = 0.02 * widest
    z = step * np.arange(401)[:, None]
    width = np.maximum(rivals, 1e-9 * widest)  # an exact value among them
    # the mean of a variable is the integral over z > 0 of 1 - F(z) - F(-z)
    tail = 1 - np.prod(ndtr((z + lower) / width), axis=1) - np.prod(ndtr((lower - z) / width), axis=1)
    return len(rivals), step * float(tail.sum() - tail[0] / 2)


def dominant(budget: Iterable[Component]) -> Component | None:
    """Return the largest line of a budget, or None for an empty one."""
    return max(budget, key=lambda line: line.u, default=None)


def evaluated(result: Result, coverage: float = 0.95) -> Result:
    """Fill in u, U, coverage factor, degrees of freedom and interval of a result from its budget.

    A result without a budget stays as it is. An interval that the caller has set is kept.
    """
    if not result.budget:
        return result
    u, wide = combined(result.budget), expanded(result.budget, coverage)
    return replace(
        result,
        u=u,
        expanded_u=wide,
        coverage=coverage,
        coverage_factor=wide / u if u > 0 else coverage_factor(None, coverage),
        dof=effective_dof(result.budget, coverage),
        interval=result.interval or (result.value - wide, result.value + wide),
    )
