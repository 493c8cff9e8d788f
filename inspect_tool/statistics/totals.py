"""Limits of a total of objects that are thrown at random, each with a weight of its own: number, length, area."""

from dataclasses import replace
from math import hypot

import numpy as np

from inspect_tool.statistics import samples
from inspect_tool.statistics.samples import Floats, Limits


def total_per_area(weights: Floats, group: np.ndarray[tuple[int], np.dtype[np.int64]], areas: Floats) -> Limits:
    """Total of the weights of objects over an area, with its limits, 95 %.

    The number of objects is Poisson's and their weights are as those that are seen: the limits are those of Fay and
    Feuer, with the mean weight by weight for that of the object which might have been there, too; of equal weights they
    are exact (Garwood). Where groups of fields differ by more than that, the excess comes to it.

    Parameters
    ----------
    weights : array of shape (n,)
        Above 0.
    group : int array of shape (n,)
        Group of each, 0 ... len(areas) - 1: field, or section where there are several.
    areas : array
        Area of every group; the limits are in the unit of the weights over that of the areas.

    Examples
    --------
    Four objects in an area of 2; exact limits of a Poisson number of 4 are 1.09 and 10.24:

    >>> found = total_per_area(np.ones(4), np.zeros(4, np.int64), np.array([2.0]))
    >>> found.value, [round(2 * end, 2) for end in found.alone]
    (2.0, [1.09, 10.24])

    References
    ----------
    Fay and Feuer, Statistics in Medicine 16 (1997) 791; Garwood, Biometrika 28 (1936) 437.
    """
    from scipy.special import chdtri

    area = float(areas.sum())
    y, v = float(weights.sum()), float((weights**2).sum())
    if y == 0:
        return Limits(value=0.0, alone=(0.0, 0.0), dof=1.0, together=(0.0, 0.0), effective=0.0, modeled=False)
    one = v / y
    low = v / (2 * y) * float(chdtri(2 * y**2 / v, 0.975))
    high = (v + one**2) / (2 * (y + one)) * float(chdtri(2 * (y + one) ** 2 / (v + one**2), 0.025))
    found = Limits(
        value=y / area,
        alone=(low / area, high / area),
        dof=float("inf"),
        together=(low / area, high / area),
        effective=y**2 / v,
        modeled=False,
    )
    own = v**0.5 / area
    rests = np.bincount(group, weights, len(areas)) / area - found.value * areas / area
    beyond = samples.factor(len(areas)) * samples.excess(rests, own)
    below, above = (hypot(end - found.value, beyond) for end in found.alone)
    return replace(found, together=(max(found.value - below, 0.0), found.value + above))
