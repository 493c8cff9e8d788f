"""What the measured jobs show: bias, coverage, linearity, repeatability, the smallest size."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from math import sqrt
from statistics import fmean

import numpy as np

from inspect_tool import registry
from inspect_tool.statistics.uncertainty import coverage_factor, proportion_interval
from inspect_tool.studies.selftest import phantom_jobs
from inspect_tool.studies.selftest.measuring import Seen
from inspect_tool.studies.selftest.page import (
    LookSummary,
    Point,
    QuantityTest,
    SizeRow,
    Smallest,
)

FOUND_PERCENT = 90.0  # pores of a measurable size that are found, at least [%]
SIZE_PERCENT = 10.0  # mean error of the diameter of a measurable size, at most [%]


def quantity_tests(seen: Sequence[Seen]) -> Iterator[QuantityTest]:
    """Give what the drawn jobs show of every quantity."""
    for recipe, group in groupby(seen, key=lambda one: one.phantom.recipe):
        own = list(group)
        units = {name: quantity.unit for name, quantity in registry.load("recipe", recipe).QUANTITIES.items()}
        for quantity in phantom_jobs.of(recipe).known:
            given = [one for one in own if quantity in one.values]
            if not given:
                continue
            name, title = given[0].values[quantity][:2]
            points = tuple(_point(one, quantity) for one in given)
            looks = [look for look in phantom_jobs.LOOKS if any(point.look == look for point in points)]
            yield QuantityTest(
                recipe=recipe,
                quantity=quantity,
                reported=name,
                title=title,
                unit=units.get(name) or units[f"{name.split('.')[0]}.*"],
                main=quantity in phantom_jobs.of(recipe).plotted,
                looks=tuple(summary([point for point in points if point.look == look]) for look in looks),
                points=points,
            )


def _point(one: Seen, quantity: str) -> Point:
    _, _, value, u, interval = one.values[quantity]
    truth, held = one.truths[quantity]
    return Point(
        nominal=one.phantom.truth,
        look=one.phantom.look,
        repeat=one.phantom.repeat,
        truth=truth,
        held=held,
        value=value,
        u=u,
        interval=interval,
    )


def summary(points: Sequence[Point]) -> LookSummary:
    """Bias, repeatability, coverage and linearity of the phantoms of one quantity and look."""
    errors = [point.value - point.held for point in points]
    n = len(points)
    bias = fmean(errors)
    spread = _deviation(errors)
    half = coverage_factor(n - 1) * spread / sqrt(n) if spread is not None else None
    s, dof = repeatability(points)
    stated = [point for point in points if point.interval is not None]
    covered = sum(p.interval[0] <= p.truth <= p.interval[1] for p in stated if p.interval is not None)
    uncertainties = [point.u for point in points if point.u is not None]
    slope, slope_ci95 = _slope([point.held for point in points], [point.value for point in points])
    return LookSummary(
        look=points[0].look,
        n=n,
        bias=bias,
        bias_ci95=None if half is None else (bias - half, bias + half),
        s=s,
        dof=dof,
        u_rms=sqrt(fmean(u * u for u in uncertainties)) if uncertainties else None,
        covered=covered,
        stated=len(stated),
        coverage_ci95=proportion_interval(covered, len(stated)) if stated else None,
        slope=slope,
        slope_ci95=slope_ci95,
    )


def in_percent(points: Sequence[Point], look: str) -> LookSummary:
    """Summary of the phantoms of one look, each in percent of what its own fields hold."""
    return summary([_over_held(point) for point in points if point.look == look])


def _over_held(point: Point) -> Point:
    def percent(value: float) -> float:
        return 100 * value / point.held

    return replace(
        point,
        truth=percent(point.truth),
        held=100.0,
        value=percent(point.value),
        u=None if point.u is None else percent(point.u),
        interval=None if point.interval is None else (percent(point.interval[0]), percent(point.interval[1])),
    )


def repeatability(points: Sequence[Point]) -> tuple[float | None, int]:
    """Pooled standard deviation of phantoms drawn for one truth and look, and its degrees of freedom.

    Where each phantom has a truth of its own (voids of joints), the deviation from it is taken.
    """
    squares, dof = 0.0, 0
    for nominal, look in dict.fromkeys((point.nominal, point.look) for point in points):
        values = [point.value - point.truth for point in points if (point.nominal, point.look) == (nominal, look)]
        squares += sum((value - fmean(values)) ** 2 for value in values)
        dof += len(values) - 1
    return (sqrt(squares / dof), dof) if dof else (None, 0)


def _deviation(values: Sequence[float]) -> float | None:
    if len(values) < 2:
        return None
    mean = fmean(values)
    return sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))


def _slope(x: Sequence[float], y: Sequence[float]) -> tuple[float | None, tuple[float, float] | None]:
    """Least-squares slope with its 95 % interval; three points are the least."""
    n = len(x)
    a, b = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    sxx = float(((a - a.mean()) ** 2).sum()) if n else 0.0
    if n < 3 or sxx <= 1e-9 * max(1.0, float((a * a).sum())):
        return None, None
    slope = float(((a - a.mean()) * (b - b.mean())).sum() / sxx)
    rest = b - b.mean() - slope * (a - a.mean())
    half = coverage_factor(n - 2) * sqrt(float((rest**2).sum()) / (n - 2) / sxx)
    return slope, (slope - half, slope + half)


def smallest_size(rows: Sequence[SizeRow], pixel_um: float) -> Smallest:
    """Smallest size from which on every size is found and measured within the limits."""
    size: float | None = None
    for row in sorted(rows, key=lambda row: -row.diameter_px):
        found = row.pores > 0 and 100 * row.detected / row.pores >= FOUND_PERCENT
        if not found or row.ecd_error_percent is None or abs(row.ecd_error_percent) > SIZE_PERCENT:
            break
        size = row.diameter_px
    return Smallest(look=rows[0].look, diameter_px=size, diameter_um=None if size is None else size * pixel_um)
