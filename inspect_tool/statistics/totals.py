"""Limits of a total of objects that are thrown at random, each with a weight of its own: number, length, area."""

from collections.abc import Sequence
from math import hypot, inf, sqrt

import numpy as np
from numpy.typing import NDArray

from inspect_tool.statistics import samples
from inspect_tool.statistics.samples import Floats, Limits

Ints = NDArray[np.int64]

_NONE = 2.996  # upper limit of a Poisson number of which none was seen: half of exp(-x) is 2.5 %


def total_per_area(
    weights: Floats, group: Ints, areas: Floats, kind: Ints | None = None, unseen: Sequence[float] = ()
) -> Limits:
    """Total of the weights of objects over an area, with its limits, 95 %.

    The number of objects of a kind is Poisson's and their weights are as those that are seen: the limits of each kind
    are the mid-P ones of Fay and Kim, with the mean weight by weight for that of the object which might have been
    there, too. The number that was seen counts half beyond its own limit: over all true numbers they hold 95 % on
    average, where limits that are never too narrow (Garwood) hold 97 to 99 % of few objects. Those of several kinds go
    together by the squares of their distances (the method of variance estimates recovery). Where groups of fields
    differ by more, the excess comes to it.

    Parameters
    ----------
    weights : array of shape (n,)
        Above 0.
    group : int array of shape (n,)
        Group of each, 0 ... len(areas) - 1: field, or section where there are several.
    areas : array
        Area of every group; the limits are in the unit of the weights over that of the areas.
    kind : int array of shape (n,), optional
        0, 1 ...: heavy objects that are few do not then hide among many light ones.
    unseen : sequence of float
        By kind, what an object weighs at least that might have been there, too: of those that are seen some may be cut,
        and where none was seen it is all that says anything. Empty: as those that are seen.

    Examples
    --------
    Four objects in an area of 2; mid-P limits of a Poisson number of 4 are 1.27 and 9.65:

    >>> found = total_per_area(np.ones(4), np.zeros(4, np.int64), np.array([2.0]))
    >>> found.value, [round(2 * end, 2) for end in found.alone]
    (2.0, [1.27, 9.65])

    References
    ----------
    Fay and Kim, Biometrical Journal 59 (2017) 377, after Fay and Feuer, Statistics in Medicine 16 (1997) 791; Zou and
    Donner, Statistics in Medicine 27 (2008) 1693.
    """
    area = float(areas.sum())
    kinds = np.zeros(len(weights), np.int64) if kind is None else kind
    below2 = above2 = 0.0
    for number in range(max(int(kinds.max(initial=0)) + 1, len(unseen))):
        mine, least = weights[kinds == number], unseen[number] if number < len(unseen) else 0.0
        low, high = _limits(mine, least) if len(mine) else (0.0, _NONE * least)
        below2 += (float(mine.sum()) - low) ** 2
        above2 += (high - float(mine.sum())) ** 2
    total, squares = float(weights.sum()), float((weights**2).sum())
    value, alone = total / area, ((total - sqrt(below2)) / area, (total + sqrt(above2)) / area)
    rests = np.bincount(group, weights, len(areas)) / area - value * areas / area
    beyond = samples.factor(len(areas)) * samples.excess(rests, sqrt(squares) / area)
    below, above = (hypot(end - value, beyond) for end in alone)
    return Limits(
        value=value,
        alone=alone,
        dof=inf,
        together=(max(value - below, 0.0), value + above),
        effective=total**2 / squares if squares else 0.0,
        modeled=False,
    )


def _limits(weights: Floats, least: float) -> tuple[float, float]:
    """Where the mean of both gamma distributions, without and with the object that might have been there, has 2.5 %."""
    from scipy.optimize import brentq
    from scipy.special import gammainc, gammaincinv

    y, v = float(weights.sum()), float((weights**2).sum())
    one = max(v / y, least)
    without, also = (y**2 / v, v / y), ((y + one) ** 2 / (v + one**2), (v + one**2) / (y + one))
    made = []
    for share in (0.025, 0.975):
        ends = [scale * float(gammaincinv(shape, share)) for shape, scale in (without, also)]

        def beyond(x: float, share: float = share) -> float:
            return sum(float(gammainc(shape, x / scale)) for shape, scale in (without, also)) / 2 - share

        made.append(float(brentq(beyond, ends[0], ends[1])) if ends[1] > ends[0] else ends[0])
    return made[0], made[1]
