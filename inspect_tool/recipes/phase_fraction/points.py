"""The point count, and what it says of the share."""

from dataclasses import dataclass
from math import sqrt

from inspect_tool.errors import MeasurementError
from inspect_tool.languages import Text, key_of, named
from inspect_tool.model import (
    Cell,
    Check,
    Editions,
    Result,
)
from inspect_tool.recipes.phase_fraction.groups import MANUAL, Group, clause_of
from inspect_tool.standards.editions import edition_of
from inspect_tool.standards.formulas import astm_e562
from inspect_tool.statistics.fields import FieldStatistics, field_statistics, scatter_line
from inspect_tool.statistics.uncertainty import evaluated

_SIGMAS = 3.0  # a point count that differs by more is not chance (3 in 1000)
OWN_GRID = Text("phase_fraction.clause_own_grid")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Points:
    """A point count of one class, by hand where the job has one, else by the grid on the class image."""

    statistics: FieldStatistics  # of P_P(i) [%]
    total: int  # points of all fields
    by_hand: bool
    area_mean: float  # area share of the same fields [%]


def point_statistics(group: Group, name: str) -> _Points:
    """Give the share by points over the fields of a specimen."""
    manual = {i: count for i, count in group.manual.items() if name in count.counts}
    chosen = [field for field in group.fields if not manual or field.field in manual]
    shares, grids = [], []
    for field in chosen:
        if manual:
            n, count = manual[field.field].grid_points, manual[field.field].counts[name]
        else:
            n, count = field.values.grid_points, field.values.points[name]
        if n:
            shares.append(astm_e562.point_percent(count, n))
            grids.append((field, n))
    if not grids:
        msg = f"phase_fraction: specimen {group.specimen}: no point of the grid inside the region; take more points"
        raise MeasurementError(msg)
    sections = [field.section for field, _ in grids]
    areas = [field.values.shares.area_percent[name] for field, _ in grids]
    return _Points(
        statistics=field_statistics(shares, sections),
        total=sum(n for _, n in grids),
        by_hand=bool(manual),
        area_mean=field_statistics(areas, sections).mean,
    )


def point_result(group: Group, name: str, found: _Points, editions: Editions, *, main: bool) -> Result:
    """Give the result of the point count, with its budget."""
    by = Text("phase_fraction.counted_by_hand") if found.by_hand else Text("phase_fraction.counted_by_grid")
    counted = editions.job if editions.job.follows in MANUAL else edition_of(editions, "ASTM E562")
    return evaluated(
        Result(
            quantity=f"point_percent.{name}",
            specimen=group.specimen,
            value=found.statistics.mean,
            unit="%",
            n=found.statistics.n,
            clause=clause_of(counted, Text("phase_fraction.clause_point_count"))
            if found.by_hand
            else Text("phase_fraction.clause_own_grid_count", own_grid=OWN_GRID),
            definition=Text("phase_fraction.definition_point_count", by=by),
            budget=scatter_line(found.statistics),
            title=Text("phase_fraction.title_point_count_class", name=named("terms", name)),
            main=main,
        )
    )


def referee_check(
    group: Group, name: str, counted: _Points, area: Result, editions: Editions
) -> tuple[Check, tuple[Cell, ...]]:
    """Compare point count and area share of the same fields, allowing for the chance of the points.

    Independent points have the variance p (1 - p) / P; a systematic grid has less, so the limit is on
    the safe side. A half point more allows for the whole number of points. By hand the phase border is
    another one than that of the program, so the segmentation line counts too.
    """
    p = min(max(counted.area_mean / 100, 0.0), 1.0)
    u_points = 100 * sqrt(p * (1 - p) / counted.total)
    u_border = (
        sum(line.u for line in area.budget if key_of(line.name, "budget") == "budget.segmentation")
        if counted.by_hand
        else 0.0
    )
    allowed = _SIGMAS * sqrt(u_points**2 + u_border**2) + 100 * astm_e562.HALF / counted.total
    difference = abs(counted.statistics.mean - counted.area_mean)
    by = Text("phase_fraction.point_count_by_hand") if counted.by_hand else Text("phase_fraction.point_count_by_grid")
    check = Check(
        name=Text("phase_fraction.check_point_count_against_area", by=by, name=named("terms", name)),
        value=difference,
        relation="<=",
        limit=allowed,
        unit="%",
        passed=difference <= allowed,
        clause=clause_of(edition_of(editions, "ASTM E562"), Text("phase_fraction.clause_point_count_check"))
        if counted.by_hand
        else Text("phase_fraction.clause_own_grid_check", own_grid=OWN_GRID),
        scope="consistency",
        specimen=group.specimen,
        note=Text("phase_fraction.note_point_count_limit", total=counted.total, n=counted.statistics.n),
    )
    row: tuple[Cell, ...] = (
        group.specimen,
        name,
        by,
        counted.statistics.n,
        counted.total,
        counted.statistics.mean,
        counted.statistics.ci95,
        counted.statistics.ra_percent,
        counted.area_mean,
        difference,
        allowed,
    )
    return check, row
