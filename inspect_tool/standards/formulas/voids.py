"""Void percentages of solder joints and die attach: numbers to numbers, both areas from one projection.

A void percentage divides void area by joint area, both seen in the same transmission image. It is
an area in projection, not a volume. Overlapping projections count once (see ``disc_union_area``).
"""

from collections.abc import Sequence
from math import acos, atan2, cos, hypot, sin, tau

from inspect_tool.errors import MeasurementError


def void_percent(void_area: float, joint_area: float) -> float:
    """Void share of a joint, from projected areas in one unit.

    Parameters
    ----------
    void_area : float
        Area of the union of all void projections. [any area unit]
    joint_area : float
        Area of the declared denominator, voids included. [same unit]

    Returns
    -------
    float
        100 void_area / joint_area. [%]

    Examples
    --------
    >>> void_percent(2.8, 16.0)
    17.5

    References
    ----------
    Common computation rule of IPC-A-610, IPC-7095 and IEC 61191-6: share of the X-ray image area of the joint.
    """
    if not joint_area > 0:
        msg = f"joint area must be > 0, got {joint_area:g}: the joint has no projection"
        raise MeasurementError(msg)
    if void_area < 0:
        msg = f"void area must be >= 0, got {void_area:g}"
        raise MeasurementError(msg)
    return 100 * void_area / joint_area


def disc_union_area(discs: Sequence[tuple[float, float, float]]) -> float:
    """Exact area covered by discs that may overlap; what is covered twice counts once.

    Parameters
    ----------
    discs : sequence of (x, y, diameter)
        In one length unit.

    Returns
    -------
    float
        Area of the union. [square of that unit]

    Notes
    -----
    Green's theorem over the arcs of each circle that no other disc covers.

    Examples
    --------
    >>> from math import pi
    >>> round(disc_union_area([(0, 0, 2), (0, 0, 1)]) / pi, 12)
    1.0
    """
    circles = [(x, y, d / 2) for x, y, d in dict.fromkeys(discs)]
    outer = [
        a
        for i, a in enumerate(circles)
        if not any(_within(a, b) and (j < i or not _within(b, a)) for j, b in enumerate(circles) if j != i)
    ]
    return sum(_arc_area(circle, [other for other in outer if other is not circle]) for circle in outer)


def _within(a: tuple[float, float, float], b: tuple[float, float, float]) -> bool:
    """Whether b covers a; two circles that differ by less than can be computed cover each other."""
    return hypot(a[0] - b[0], a[1] - b[1]) + a[2] <= b[2]


def _arc_area(circle: tuple[float, float, float], others: Sequence[tuple[float, float, float]]) -> float:
    """Half the line integral of x dy - y dx over the arcs of a circle that the other discs leave free."""
    x, y, r = circle
    covered: list[tuple[float, float]] = []
    for ox, oy, other_r in others:
        d = hypot(ox - x, oy - y)
        if d >= r + other_r or d + other_r <= r:
            continue
        half = acos(max(-1.0, min(1.0, (r * r + d * d - other_r * other_r) / (2 * r * d))))
        start = (atan2(oy - y, ox - x) - half) % tau
        covered += [(start, min(start + 2 * half, tau)), (0.0, max(start + 2 * half - tau, 0.0))]
    area, angle = 0.0, 0.0
    for begin, end in [*sorted(covered), (tau, tau)]:
        if begin > angle:
            area += r * (r * (begin - angle) + x * (sin(begin) - sin(angle)) - y * (cos(begin) - cos(angle))) / 2
        angle = max(angle, end)
    return area
