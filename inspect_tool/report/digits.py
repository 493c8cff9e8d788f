"""How many digits a number is printed with: as many as mean something, by its uncertainty, its scatter or its limit.

A place counts digits behind the decimal point; a negative one lies left of it.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from math import floor, isfinite, log10
from statistics import stdev

_LARGEST, _SMALLEST = 1e9, 1e-5  # sizes that are printed without a power of ten


def place_of(value: float, digits: int) -> int:
    """Decimal place of so many significant digits.

    >>> place_of(0.2345, 3), place_of(1234.0, 2)
    (3, -2)
    """
    return digits - 1 - floor(log10(abs(value)))


def uncertainty_place(expanded_u: float) -> int:
    """Decimal place of the second significant digit of an uncertainty; negative left of the point.

    >>> uncertainty_place(0.2345), uncertainty_place(1234.0), uncertainty_place(0.0996)
    (2, -2, 2)
    """
    exact = Decimal(repr(float(expanded_u)))
    place = 1 - exact.adjusted()
    rounded = exact.quantize(Decimal(1).scaleb(-place), rounding=ROUND_HALF_EVEN)
    return 1 - rounded.adjusted()  # 0.0996 becomes 0.10


def common_place(
    values: Sequence[object],
    digits: int = 4,
    decades: float = 3.0,
    *,
    percent: bool = False,
    by_scatter: bool = True,
) -> int | None:
    """Decimal place for all numbers of a column; None when they span more than so many decades.

    The largest number gets three digits, or as many as ``digits`` where the second digit of the scatter of three values
    or more lies as far behind; the smallest gets two, as far as the largest has not more than ``digits`` then. A column
    of shares ends at the second decimal or, of small ones, at the second digit of the largest. Not ``by_scatter``: the
    largest number gets all ``digits``.

    >>> common_place([45.98, 46.71, 44.95]), common_place([9.252, 9.316, 9.282]), common_place([2.5, 3.0])
    (2, 3, 1)
    >>> common_place([0.0, 0.003476, 0.0], percent=True)
    4
    """
    numbers = [value for value in values if isinstance(value, float) and isfinite(value)]
    sizes = [abs(value) for value in numbers if value]
    if not sizes or max(sizes) >= _LARGEST or min(sizes) < _SMALLEST or max(sizes) / min(sizes) > 10**decades:
        return None
    most = place_of(max(sizes), digits)
    if percent:
        most = min(most, share_place(max(sizes)))
    place = most
    scatter = stdev(numbers) if by_scatter and len(numbers) > 2 else 0.0
    if scatter:
        least = max(place_of(max(sizes), 3), place_of(min(sizes), 2))
        place = min(most, max(least, uncertainty_place(scatter)))
    return min(max(0, place), max(_decimals(value) for value in sizes))


def row_place(values: Sequence[float], scatter: object) -> int | None:
    """Decimal place for the numbers of one quantity: three digits of the largest, four where its scatter lets them mean
    something; None when they span more than three decades.

    >>> row_place([0.9545, 0.8847, 0.9764], None), row_place([9.223, 9.132], 0.0859)
    (3, 3)
    """
    sizes = [abs(value) for value in values if isfinite(value) and value]
    if not sizes or max(sizes) >= _LARGEST or min(sizes) < _SMALLEST or max(sizes) / min(sizes) > 1e3:
        return None
    place = place_of(max(sizes), 3)
    if isinstance(scatter, float) and scatter > 0:
        place = min(place + 1, max(place, uncertainty_place(scatter)))
    return max(0, place)


def share_place(largest: float) -> int:
    """Decimal place of shares in per cent: the second one, or that of two digits of the largest.

    >>> share_place(46.0), share_place(0.0346)
    (2, 3)
    """
    return max(2, place_of(largest, 2))


def found_place(value: float, limit: float) -> int | None:
    """Decimal place of what a check found: three digits, none of them below a hundredth of the limit's own size.

    A number that would be printed as its limit, or beyond it, gets more digits; None: as many as it has.

    >>> found_place(0.0675, 3.0), found_place(0.54015, 0.5), found_place(2.9996, 3.0)
    (2, 3, 4)
    """
    if not value or not limit:
        return None
    place = min(place_of(value, 3), place_of(limit, 3))
    for more in range(4):
        shown = round(value, place + more)
        if (shown > limit) == (value > limit) and (shown < limit) == (value < limit):
            return place + more
    return None


def _decimals(value: float) -> int:
    """Decimals that a number has, to six significant digits."""
    exponent = Decimal(f"{value:.6g}").normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
