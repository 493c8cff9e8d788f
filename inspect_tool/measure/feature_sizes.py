"""What the sizes of the features of a field say of larger ones that it does not show.

Most of the area of features whose sizes are widely spread lies in a few large ones, and a field that shows none of
them has a small share and little scatter. Nothing but the distribution of the sizes that it does show tells of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri

from inspect_tool.model import Mask
from inspect_tool.pixels.parts import connected_parts, strips
from inspect_tool.statistics.uncertainty import coverage_factor

WIDE = 1.0
"""Standard deviation of the logarithm of the area from which on the few largest features decide."""

_FEWEST = 12  # features; fewer do not show their distribution
_FEWEST_WIDE = 5  # but these that it is wide, and of fewer the limit says nothing
_APART = 2.5  # times the variance by waves, of features thrown at random: more keep apart, or are cells of a mosaic
# of a lognormal distribution, standard errors of the moments of the logarithms: pieces cut by the edge of the field
# and level sets lean to small sizes, features among specks to large ones, and equal numbers of both have no tails
_LEANS = (-1.3, 2.0)
_TAILS = -1.6
_WIDEST = 2.5  # spread of the logarithm of the area: more than one kind of features
_ONE_SIDED = 0.90  # two-sided coverage whose upper limit is that of 95 %: nothing lies below the interval

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeatureAreas:
    """Areas of the connected features of the rarer side of a field, over that of the field."""

    of_phase: Array  # empty: the rest is rarer [1]
    of_rest: Array
    if_few: bool = True  # they count with few features and with several fields; not in a report from before they did
    if_skewed: bool = True  # how skewed their sum is counts; not in a report from before it did


@dataclass(frozen=True, slots=True, kw_only=True)
class LognormalLimit:
    """Upper limit of a share by the lognormal distribution of the areas of its features."""

    above: float  # the share [1]
    number: int  # of features
    spread: float  # standard deviation of the logarithm of their area


def feature_areas(phase: Mask, roi: Mask | None = None) -> FeatureAreas:
    """Measure the 8-connected features of the phase, or of the rest where that is rarer.

    Parameters
    ----------
    phase : array of bool, (rows, columns)
        True on the phase.
    roi : array of bool, (rows, columns), optional
        True where the image counts.

    Examples
    --------
    >>> feature_areas(np.array([[True, False, False, False, False, False, True, True]])).of_phase.tolist()
    [0.125, 0.25]
    """
    total = phase.size if roi is None else int(roi.sum())
    held = sum(
        int(np.count_nonzero(phase[top:bottom] if roi is None else phase[top:bottom] & roi[top:bottom]))
        for top, bottom in strips(phase.shape)
    )
    common = 2 * held > total

    def inside(top: int, bottom: int) -> Mask:
        rows: Mask = ~phase[top:bottom] if common else phase[top:bottom]
        return rows if roi is None else rows & roi[top:bottom]

    areas, none = connected_parts(inside, phase.shape).area[1:] / total, np.zeros(0)
    return FeatureAreas(of_phase=none if common else areas, of_rest=areas if common else none)


def sums_of_powers(found: Sequence[FeatureAreas], share: float, u: float) -> tuple[float, float] | None:
    """Sums of the squares and of the cubes of the areas of features thrown at random, over that of one field.

    They are the second and third cumulant of the sum of the areas (compound Poisson).

    Parameters
    ----------
    found : sequence of FeatureAreas
        Of the fields.
    share : float
        Mean share of the rarer side. [1]
    u : float
        Standard uncertainty of that by the waves inside the fields. [1]

    Returns
    -------
    (float, float) or None
        None: there is no feature, or they are not thrown at random.

    Examples
    --------
    >>> sums_of_powers([FeatureAreas(of_phase=np.full(4, 0.5), of_rest=np.zeros(0))], 0.5, 0.25)
    (1.0, 0.5)
    """
    areas = _thrown_at_random(found, share, u)
    return None if areas is None else (float((areas**2).sum()), float((areas**3).sum()))


def _thrown_at_random(found: Sequence[FeatureAreas], share: float, u: float) -> Array | None:
    """Areas of the features of all fields; None: there is none, or they keep apart, or are cells of a mosaic."""
    sides = [[one.of_phase for one in found], [one.of_rest for one in found]]
    filled = [side for side in sides if any(len(areas) for areas in side)]
    if len(filled) != 1 or not share > 0:
        return None
    areas = np.concatenate(filled[0])
    at_random = float((areas**2).sum()) / float(areas.sum()) ** 2  # relative variance of such a sum
    return None if at_random > _APART * (u / share) ** 2 else areas


def lognormal_limit(found: Sequence[FeatureAreas], share: float, u: float) -> LognormalLimit | None:
    """Upper 95 % limit of the share of features thrown at random whose areas are lognormal.

    With n features of all fields, m and s the mean and standard deviation of the logarithms of their areas, the
    features of a field are expected to have the area n exp(m + s² / 2) / fields. Its logarithm is known by the
    limits of the three parts put together (MOVER): n that of a Poisson number, m Student's, s² by chi-square. What
    lies on features already is not covered twice: a share p that grows by a factor r is 1 - (1 - p)^r.

    Parameters
    ----------
    found : sequence of FeatureAreas
        Of the fields.
    share : float
        Mean share of the rarer side. [1]
    u : float
        Standard uncertainty of that by the waves inside the fields. [1]

    Returns
    -------
    LognormalLimit or None
        None: the sizes are no lognormal distribution, the features are not thrown at random, or fewer than 12, or
        than 5 where their areas are widely spread.

    References
    ----------
    Limits of a lognormal mean: Zou, Huo and Taleban, Simple confidence intervals for lognormal means and their
    differences with environmental applications, Environmetrics 20 (2009) 172. Boolean model: Chiu et al., Stochastic
    Geometry and its Applications, 3rd ed. (2013) chapter 3.
    """
    areas = _thrown_at_random(found, share, u)
    if areas is None or len(areas) < _FEWEST_WIDE:
        return None
    n = len(areas)
    logs = np.log(areas)
    off = logs - logs.mean()
    variance, dof = float((off**2).mean()), n - 1
    spread = sqrt(variance * n / dof)
    if (n < _FEWEST and not (spread >= WIDE and all(one.if_few for one in found))) or not 0 < spread <= _WIDEST:
        return None
    lean = float((off**3).mean()) / variance**1.5 / sqrt(6 / n)
    tails = (float((off**4).mean()) / variance**2 - 3) / sqrt(24 / n)
    if not _LEANS[0] <= lean <= _LEANS[1] or tails < _TAILS:
        return None
    of_mean = coverage_factor(dof, _ONE_SIDED) ** 2 * (spread**2 + 1) / n
    of_spread = spread**2 / 2 * (dof / float(chdtri(dof, (1 + _ONE_SIDED) / 2)) - 1)
    upper = float(logs.mean()) + spread**2 / 2 + sqrt(of_mean + of_spread**2)
    times = n * exp(upper) / float(areas.sum())
    return LognormalLimit(above=1 - (1 - share) ** times - share, number=n, spread=spread)
