"""Agreement of two methods on the same fields: paired differences, limits of agreement, equivalence.

The statistical unit is the field: each gives one difference, *other minus reference*, in the unit of the quantity.
Nothing is known here of fields, backends or pages; numbers in, numbers out.

References
----------
Bland and Altman, Statistical methods for assessing agreement between two methods of clinical measurement,
Lancet 1986. Carkeet, Exact parametric confidence intervals for Bland-Altman limits of agreement, Optometry and
Vision Science 2015. Schuirmann, A comparison of the two one-sided tests procedure and the power approach for
assessing the equivalence of average bioavailability, J. Pharmacokinetics and Biopharmaceutics 1987.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Literal

from inspect_tool.errors import SettingsError
from inspect_tool.languages import Text, Words
from inspect_tool.statistics.uncertainty import coverage_factor

Decision = Literal["equivalent", "not shown equivalent", "different", "not stated"]
Interval = tuple[float, float]

LEAST_FIELDS = 3
"""With two differences the interval of their mean is a dozen standard deviations wide: no statement is made."""
_TREND_FIELDS = 5  # a line through fewer points says nothing
_Z = 1.959963984540054  # limits of agreement hold 95 % of normal differences


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Differences of two methods, other minus reference, in the unit of the quantity. None: too few fields."""

    n: int  # fields with a value of both
    mean: float  # bias
    s: float | None  # standard deviation of the differences (n - 1)
    ci95: Interval | None  # of the mean, Student t
    limits: Interval | None  # of agreement: mean ± 1.96 s
    lower_limit_ci95: Interval | None
    upper_limit_ci95: Interval | None
    trend: float | None  # slope of the difference over the mean of both methods [1]
    trend_ci95: Interval | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Equivalence:
    """Verdict of two one-sided tests of the mean difference against ± margin."""

    margin: float | None  # in the unit of the quantity
    alpha: float
    interval: Interval | None  # of the mean difference, at 1 - 2 alpha
    p: float | None  # the larger of the two one-sided tests
    decision: Decision
    reason: Words


def agreement(reference: Sequence[float], other: Sequence[float]) -> Agreement:
    """Compare two methods on the same fields.

    Parameters
    ----------
    reference, other : sequences of float
        One value per field, in the same order and unit.

    Returns
    -------
    Agreement
        The confidence intervals of the limits are exact for normal differences (noncentral t, Carkeet 2015);
        the common formula with s √(3/n) is too narrow on the far side for few fields.

    Examples
    --------
    >>> found = agreement([7.9, 8.1, 8.4, 8.0], [8.0, 8.1, 8.6, 8.1])
    >>> round(found.mean, 3), round(found.s, 4)
    (0.1, 0.0816)
    """
    if len(reference) != len(other):
        msg = f"agreement: {len(reference)} values of the reference and {len(other)} of the other method; give pairs"
        raise SettingsError(msg)
    differences = [b - a for a, b in zip(reference, other, strict=True)]
    n = len(differences)
    if n == 0 or not all(isfinite(value) for value in differences):
        msg = "agreement: needs at least one pair, and finite numbers"
        raise SettingsError(msg)
    mean = sum(differences) / n
    if n == 1:
        return Agreement(
            n=1,
            mean=mean,
            s=None,
            ci95=None,
            limits=None,
            lower_limit_ci95=None,
            upper_limit_ci95=None,
            trend=None,
            trend_ci95=None,
        )
    s = sqrt(sum((value - mean) ** 2 for value in differences) / (n - 1))
    half = coverage_factor(n - 1) * s / sqrt(n)
    near, far = limit_factors(n)
    enough = n >= LEAST_FIELDS
    trend = _trend([(a + b) / 2 for a, b in zip(reference, other, strict=True)], differences)
    return Agreement(
        n=n,
        mean=mean,
        s=s,
        ci95=(mean - half, mean + half),
        limits=(mean - _Z * s, mean + _Z * s) if enough else None,
        lower_limit_ci95=(mean - far * s, mean - near * s) if enough else None,
        upper_limit_ci95=(mean + near * s, mean + far * s) if enough else None,
        trend=trend[0] if trend else None,
        trend_ci95=trend[1] if trend else None,
    )


def limit_factors(n: int, z: float = _Z, coverage: float = 0.95) -> Interval:
    """Factors on s between which the limit ``mean + z s`` lies: quantiles of the noncentral t distribution.

    >>> near, far = limit_factors(10)
    >>> round(near, 3), round(far, 3)
    (1.163, 3.801)
    """
    from scipy.special import nctdtrit

    tail = (1 - coverage) / 2
    near, far = (float(nctdtrit(n - 1, z * sqrt(n), p)) / sqrt(n) for p in (tail, 1 - tail))
    return near, far


def equivalence(found: Agreement | None, margin: float | None, alpha: float = 0.05) -> Equivalence:
    """Judge whether two methods agree within a margin that was stated beforehand (two one-sided t tests).

    * *equivalent*: the interval of the mean difference at 1 - 2 ``alpha`` lies within ± ``margin``, that is, both
      one-sided tests reject at ``alpha``;
    * *different*: that interval lies wholly beyond one margin;
    * *not shown equivalent*: neither; more fields may decide;
    * *not stated*: no margin, or fewer than three fields.

    Parameters
    ----------
    found : Agreement or None
        None: no field with a value of both.
    margin : float or None
        Largest mean difference that does not matter, in the unit of the quantity.
    alpha : float
        Risk of stating equivalence where there is none.

    Raises
    ------
    SettingsError
        A margin that is not above 0, or ``alpha`` out of range.
    """
    if margin is not None and not (isfinite(margin) and margin > 0):
        msg = f"margin: got {margin:g}, must be above 0: the largest mean difference that does not matter"
        raise SettingsError(msg)
    if not 0 < alpha < 0.5:
        msg = f"alpha: got {alpha:g}, must be between 0 and 0.5; 0.05 is usual"
        raise SettingsError(msg)

    def not_stated(reason: Words, interval: Interval | None = None) -> Equivalence:
        return Equivalence(margin=margin, alpha=alpha, interval=interval, p=None, decision="not stated", reason=reason)

    if found is None:
        return not_stated(Text("statistics.no_field_of_both"))
    if found.n < LEAST_FIELDS or found.s is None:
        return not_stated(Text("statistics.too_few_fields", n=found.n, least=LEAST_FIELDS))
    dof, error = found.n - 1, found.s / sqrt(found.n)
    half = coverage_factor(dof, 1 - 2 * alpha) * error
    interval = (found.mean - half, found.mean + half)
    if margin is None:
        return not_stated(Text("statistics.no_margin_given"), interval)
    p = _larger_p(found.mean, error, dof, margin)
    decision: Decision
    share = 100 * (1 - 2 * alpha)
    if p < alpha:
        decision, reason = "equivalent", Text("statistics.within_the_margin", share=share)
    elif interval[0] > margin or interval[1] < -margin:
        decision, reason = "different", Text("statistics.beyond_the_margin", share=share)
    else:
        decision, reason = "not shown equivalent", Text("statistics.over_the_margin", share=share)
    return Equivalence(margin=margin, alpha=alpha, interval=interval, p=p, decision=decision, reason=reason)


def _larger_p(mean: float, error: float, dof: int, margin: float) -> float:
    from scipy.special import stdtr

    if error == 0:  # the same difference in every field
        return 0.0 if abs(mean) < margin else 1.0
    below, above = (float(stdtr(dof, t)) for t in (-(mean + margin) / error, (mean - margin) / error))
    return max(below, above)


def _trend(means: Sequence[float], differences: Sequence[float]) -> tuple[float, Interval] | None:
    """Slope of the differences over the means of both methods, by least squares, and its 95 % interval."""
    n = len(means)
    x0, d0 = sum(means) / n, sum(differences) / n
    spread = sum((x - x0) ** 2 for x in means)
    if n < _TREND_FIELDS or spread <= 1e-18 * max(x * x for x in means):
        return None
    slope = sum((x - x0) * (d - d0) for x, d in zip(means, differences, strict=True)) / spread
    rest = sum((d - d0 - slope * (x - x0)) ** 2 for x, d in zip(means, differences, strict=True))
    half = coverage_factor(n - 2) * sqrt(rest / (n - 2) / spread)
    return slope, (slope - half, slope + half)
