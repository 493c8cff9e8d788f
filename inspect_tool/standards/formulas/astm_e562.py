"""ASTM E562: volume fraction by systematic manual point count.

The share of grid points that fall on a phase estimates its area fraction and so its volume
fraction. The unit of the statistics is the field, never the point.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from inspect_tool.errors import MeasurementError, StandardError
from inspect_tool.model import Standard
from inspect_tool.standards.editions import constant
from inspect_tool.statistics.uncertainty import coverage_factor

HALF = 0.5
"""What a point on the boundary of the phase counts; a doubtful point counts the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointCount:
    """Statistics of a point count over fields, all in per cent of the grid points."""

    mean_percent: float
    n: int  # fields
    s_percent: float | None  # between fields, n - 1
    t: float | None  # Student factor, 95 %, n - 1
    ci95_percent: float | None  # half width
    ra_percent: float | None  # 100 ci95 / mean


def point_percent(points: float, grid_points: int) -> float:
    """Share of the grid points of one field that fall on the phase. [%]

    Parameters
    ----------
    points : float
        Points on the phase: 1 for a point inside, 1/2 for a point on the boundary or in doubt.
    grid_points : int
        Points of the grid, P_T.

    Raises
    ------
    MeasurementError
        A count below 0, above P_T, or not a whole number of halves.

    Examples
    --------
    >>> point_percent(3.5, 25)
    14.0

    References
    ----------
    ASTM E562, calculation of P_P(i).
    """
    if grid_points < 1:
        msg = f"a point count needs a grid of at least 1 point, got {grid_points}"
        raise MeasurementError(msg)
    if not 0 <= points <= grid_points:
        msg = f"point count {points:g} is not between 0 and the {grid_points} points of the grid"
        raise MeasurementError(msg)
    return 100.0 * points / grid_points


def point_count(counts: Sequence[float], grid_points: int) -> PointCount:
    """Mean, standard deviation, 95 % interval and relative accuracy of a point count. [%]

    Parameters
    ----------
    counts : sequence of float
        P_i of every field, boundary points counted 1/2.
    grid_points : int
        Points of the grid, P_T; the same for every field.

    Examples
    --------
    >>> found = point_count([4, 3.5, 5, 2, 4], 25)
    >>> round(found.mean_percent, 2), round(found.s_percent, 4), round(found.t, 3)
    (14.8, 4.3818, 2.776)

    References
    ----------
    ASTM E562, statistical analysis: s with n - 1, 95 % CI = t s / sqrt(n), %RA = 100 CI / mean.
    """
    if not counts:
        msg = "a point count needs at least one field"
        raise MeasurementError(msg)
    shares = [point_percent(points, grid_points) for points in counts]
    n = len(shares)
    mean = sum(shares) / n
    if n < 2:
        return PointCount(mean_percent=mean, n=n, s_percent=None, t=None, ci95_percent=None, ra_percent=None)
    s = (sum((share - mean) ** 2 for share in shares) / (n - 1)) ** 0.5
    t = coverage_factor(n - 1)
    ci95 = t * s / n**0.5
    return PointCount(
        mean_percent=mean,
        n=n,
        s_percent=s,
        t=t,
        ci95_percent=ci95,
        ra_percent=100 * ci95 / mean if mean else None,
    )


def grid_points(percent: float, standard: Standard) -> int:
    """Suggest the size of the grid from an estimate of the volume fraction.

    Parameters
    ----------
    percent : float
        Estimated volume fraction. [%]
    standard : Standard
        Edition with the table ``grid_choice``.

    Examples
    --------
    >>> from inspect_tool.standards.editions import load_standard
    >>> [grid_points(percent, load_standard("astm_e562_2019")) for percent in (3.0, 7.0, 15.0, 30.0)]
    [100, 49, 25, 16]

    References
    ----------
    ASTM E562, guidance on the grid size. Below the range of the guidance the largest grid is taken.
    """
    if not 0 <= percent <= 100:
        msg = f"estimate of the volume fraction must be 0 to 100 %, got {percent:g} %"
        raise MeasurementError(msg)
    for row in _table(standard, "grid_choice"):
        if percent < row["below_percent"]:
            return int(row["grid_points"])
    return int(_table(standard, "grid_choice")[-1]["grid_points"])


def fields_needed(
    volume_fraction: float, grid_points: int, relative_accuracy_percent: float, standard: Standard
) -> float:
    """Plan the number of fields for a wanted relative accuracy; not rounded.

    Parameters
    ----------
    volume_fraction : float
        Estimated volume fraction. [1]
    grid_points : int
        Points of the grid, P_T.
    relative_accuracy_percent : float
        Wanted %RA. [%]
    standard : Standard
        Edition with the value ``field_planning_factor``.

    Examples
    --------
    >>> from inspect_tool.standards.editions import load_standard
    >>> round(fields_needed(0.10, 25, 10.0, load_standard("astm_e562_2019")), 6)
    160.0

    References
    ----------
    ASTM E562, table of the number of fields: n = 4 / (E^2 P_T V_V) with E = %RA / 100 gives it to its rounding.
    """
    if not (0 < volume_fraction < 1 and grid_points >= 1 and relative_accuracy_percent > 0):
        msg = (
            f"field planning needs 0 < V_V < 1, a grid and a relative accuracy > 0; got V_V {volume_fraction:g}, "
            f"{grid_points} points, {relative_accuracy_percent:g} %"
        )
        raise MeasurementError(msg)
    factor = constant(standard, "field_planning_factor").value
    return factor / ((relative_accuracy_percent / 100) ** 2 * grid_points * volume_fraction)


def fields_for_finer_accuracy(fields: int, ra_percent: float, wanted_percent: float) -> int:
    """Total number of fields that brings a found %RA down to a wanted one: (found / wanted)^2 times as many.

    Examples
    --------
    >>> fields_for_finer_accuracy(30, 20.0, 10.0)
    120

    References
    ----------
    ASTM E562: half the relative accuracy takes four times the fields.
    """
    if not (fields >= 2 and ra_percent >= 0 and wanted_percent > 0):
        msg = f"needs at least 2 fields and a wanted %RA > 0; got {fields} fields, {wanted_percent:g} %"
        raise MeasurementError(msg)
    return max(fields, ceil(fields * (ra_percent / wanted_percent) ** 2 - 1e-9))


def _table(standard: Standard, name: str) -> Sequence[dict[str, float]]:
    try:
        return standard.tables[name]  # type: ignore[return-value]  # numbers by the check of the file's relations
    except KeyError:
        msg = f"standards/{standard.name}.toml: no table [[tables.{name}]]"
        raise StandardError(msg) from None
