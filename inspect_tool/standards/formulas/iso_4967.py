"""Severity of inclusions, ISO 4967 (Annex D) and ASTM E45: numbers to numbers."""

from math import floor, log10
from typing import Literal, TypeAlias

from inspect_tool.errors import MeasurementError

Thickness: TypeAlias = Literal["below", "thin", "heavy", "oversize"]
"""What the width of an inclusion makes of it: too thin to be rated, a series, or wider than the widest series."""


def severity_index(size: float, slope: float, intercept: float) -> float:
    """Severity of a total length [um] or a number of inclusions in one field of 0.50 mm2. [1]

    lg i = slope * lg size + intercept; nothing is 0.

    >>> round(severity_index(500.0, 0.5605, -1.179), 4), round(severity_index(16, 0.5, -0.301), 2)
    (2.1566, 2.0)
    """
    if size < 0:
        msg = f"a total of inclusions cannot be {size:g}"
        raise MeasurementError(msg)
    return 10.0 ** (slope * log10(size) + intercept) if size > 0 else 0.0


def severity_of_globule(diameter_um: float, slope: float, intercept: float) -> float:
    """Severity of one large globule, type DS; not below 0. [1]

    i = slope * lg d + intercept

    >>> round(severity_of_globule(27.0, 3.311, -3.22), 2)
    1.52
    """
    return max(slope * log10(diameter_um) + intercept, 0.0) if diameter_um > 0 else 0.0


def severity_class(index: float, highest: float) -> float:
    """Half step that a severity has reached: rounded down, and no higher than the series goes. [1]

    >>> severity_class(2.4999, 5.0), severity_class(0.49, 5.0), severity_class(3.6, 3.0)
    (2.0, 0.0, 3.0)
    """
    return min(floor(2 * index * (1 + 1e-12)) / 2, highest)


def thickness(width_um: float, thin_um: float, heavy_um: float, oversize_um: float) -> Thickness:
    """Series of an inclusion by its width: thin up to the one limit, heavy up to the other. [um]

    >>> [thickness(width, 2.0, 4.0, 12.0) for width in (1.9, 4.0, 4.1, 13.0)]
    ['below', 'thin', 'heavy', 'oversize']
    """
    if width_um < thin_um:
        return "below"
    if width_um <= heavy_um:
        return "thin"
    return "heavy" if width_um <= oversize_um else "oversize"
