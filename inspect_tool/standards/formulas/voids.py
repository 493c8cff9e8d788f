"""Void percentages of solder joints and die attach: numbers to numbers, both areas from one projection.

A void percentage divides void area by joint area, both seen in the same transmission image. It is
an area in projection, not a volume. Overlapping projections count once (see ``disc_union_area``).
"""

from collections.abc import Mapping, Sequence
from math import acos, atan2, cos, hypot, pi, sin, tau

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


def void_percents_of_ball(joint_diameter_mm: float, void_diameters_mm: Sequence[float]) -> dict[str, float]:
    """Total and largest void percentage of a round joint with separate round voids.

    Parameters
    ----------
    joint_diameter_mm : float
        Diameter of the ball's projection. [mm]
    void_diameters_mm : sequence of float
        Diameters of voids whose projections do not overlap. [mm]

    Returns
    -------
    dict
        ``total_pct`` and ``largest_pct``. [%]

    Examples
    --------
    >>> found = void_percents_of_ball(0.5, [0.2, 0.1, 0.08])
    >>> round(found["total_pct"], 2), round(found["largest_pct"], 2)
    (22.56, 16.0)
    """
    areas = [pi / 4 * diameter**2 for diameter in void_diameters_mm]
    joint = pi / 4 * joint_diameter_mm**2
    return {
        "total_pct": void_percent(sum(areas), joint),
        "largest_pct": void_percent(max(areas, default=0.0), joint),
    }


def area_percent(diameter_percent: float) -> float:
    """Area share of a round void whose diameter is given as a share of the joint's diameter.

    >>> [area_percent(d) for d in (60, 45, 30)]
    [36.0, 20.25, 9.0]
    """
    if diameter_percent < 0:
        msg = f"diameter share must be >= 0 %, got {diameter_percent:g} %"
        raise MeasurementError(msg)
    return diameter_percent**2 / 100


def die_attach_percents(
    length_mm: float, width_mm: float, quadrant_voids_mm2: Sequence[Sequence[float]]
) -> dict[str, float]:
    """Total, largest and worst-quadrant void percentage of a rectangular die attach.

    Parameters
    ----------
    length_mm, width_mm : float
        Sides of the die. [mm]
    quadrant_voids_mm2 : four sequences of float
        Void areas in each quadrant. A void that lies in two quadrants counts in each with its
        own part; the largest void is then the caller's to state, not these parts. [mm2]

    Returns
    -------
    dict
        ``total_pct``, ``largest_pct`` (of the whole die) and ``worst_quadrant_pct`` (of one quadrant). [%]

    Examples
    --------
    >>> die_attach_percents(4.0, 4.0, [[1.9], [0.4], [], [0.3, 0.2]])["worst_quadrant_pct"]
    47.5

    References
    ----------
    The quantities MIL-STD-883 method 2030 looks at: total, single void, one quadrant.
    """
    if len(quadrant_voids_mm2) != 4:
        msg = f"give the void areas of 4 quadrants, got {len(quadrant_voids_mm2)}"
        raise MeasurementError(msg)
    die = length_mm * width_mm
    every = [area for quadrant in quadrant_voids_mm2 for area in quadrant]
    return {
        "total_pct": void_percent(sum(every), die),
        "largest_pct": void_percent(max(every, default=0.0), die),
        "worst_quadrant_pct": max(void_percent(sum(quadrant), die / 4) for quadrant in quadrant_voids_mm2),
    }


def percent_of_other_denominator(percent: float, area: float, other_area: float) -> float:
    """Express a void percentage of one denominator as one of another (joint projection, pad, wetted area).

    A ball of 0.5 mm on a pad of 0.45 mm: the same voids are 1.235 times the percentage of the pad.

    >>> round(percent_of_other_denominator(10.0, 0.5**2, 0.45**2), 3)
    12.346
    """
    return void_percent(percent / 100 * area, other_area)


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
    >>> round(disc_union_area([(0, 0, 2), (0, 0, 1)]) / pi, 12)
    1.0
    """
    circles = [(x, y, d / 2) for x, y, d in dict.fromkeys(discs)]
    outer = [
        a
        for i, a in enumerate(circles)
        if not any(j != i and hypot(a[0] - b[0], a[1] - b[1]) + a[2] <= b[2] for j, b in enumerate(circles))
    ]
    return sum(_arc_area(circle, [other for other in outer if other is not circle]) for circle in outer)


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


def quadrant_shares(voids_by_quadrant: Mapping[str, float], joint_by_quadrant: Mapping[str, float]) -> dict[str, float]:
    """Void percentage of each quadrant, from areas in one unit.

    >>> quadrant_shares({"NW": 1.9, "NE": 0.4}, {"NW": 4.0, "NE": 4.0})
    {'NW': 47.5, 'NE': 10.0}
    """
    return {name: void_percent(voids_by_quadrant[name], area) for name, area in joint_by_quadrant.items()}
