"""Inclusions sorted by size classes: which size one has, and the total index of method K. Numbers to numbers.

Which limits and factors stand in a table of a standard is no matter of this module.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import log

from inspect_tool.errors import MeasurementError

PER_MM2 = 1000.0
"""Area that a total index is stated for. [mm2]"""


def size_reached(value: float, least: Sequence[float], first: int) -> float:
    """Size of an inclusion between the classes: a whole number at the least value of a class, by logarithms between.

    Its class is the whole number below. Beyond the ends it goes on as in the step beside them.

    Parameters
    ----------
    value : float
        Area [um2], length or width [um].
    least : sequence of float
        Least value of every class, ascending, two or more.
    first : int
        Number of the first class.

    Examples
    --------
    Limits made up, each twice the one before:

    >>> [round(size_reached(area, (10.0, 20.0, 40.0), 1), 3) for area in (5.0, 10.0, 14.142, 40.0, 160.0)]
    [0.0, 1.0, 1.5, 3.0, 5.0]
    """
    if value <= 0:
        msg = f"an inclusion has a size above 0, got {value:g}"
        raise MeasurementError(msg)
    if not (len(least) > 1 and least[0] > 0 and all(low < high for low, high in pairwise(least))):
        msg = f"least values of classes must ascend from above 0, and be two or more: got {list(least)}"
        raise MeasurementError(msg)
    below = min(max(sum(one <= value for one in least) - 1, 0), len(least) - 2)
    step = log(least[below + 1] / least[below])
    return first + below + log(value / least[below]) / step


def total_index(weighted: float, area_mm2: float) -> float:
    """Total index of method K, for 1000 mm2. [1]

    Parameters
    ----------
    weighted : float
        Sum of number times factor over all sizes that count.
    area_mm2 : float
        That was inspected. [mm2]

    Examples
    --------
    Factors made up: 10 inclusions with 1, 4 with 2 and 1 with 5 in 200 mm2.

    >>> total_index(10 * 1.0 + 4 * 2.0 + 1 * 5.0, 200.0)
    115.0
    """
    if area_mm2 <= 0:
        msg = f"an inspected area must be above 0, got {area_mm2:g} mm2"
        raise MeasurementError(msg)
    return PER_MM2 * weighted / area_mm2
