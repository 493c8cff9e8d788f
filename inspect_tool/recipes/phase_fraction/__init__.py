"""Phase fraction: area share of every class, with field statistics, a point count and stereology.

The value is the area share by image analysis with the field statistics of ASTM E1245; ASTM E562 gives
the point count by a person that checks it on the same fields, the sampling rules and the planning of fields.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

from inspect_tool.languages import Text
from inspect_tool.model import (
    Carried,
    Cell,
    Check,
    Editions,
    Findings,
    Limit,
    Limits,
    Measurements,
    Requirement,
    Result,
    Standard,
)
from inspect_tool.recipes import _colors, _empty_fields, _shapes
from inspect_tool.recipes._common import feature_table, field_table
from inspect_tool.recipes._level_doubts import (
    disagreement,
    layer_checks,
    matrix_check,
    outline_checks,
    own_gray_checks,
    paler_checks,
    relief_checks,
)
from inspect_tool.recipes.phase_fraction.field import measure_field, point_classes
from inspect_tool.recipes.phase_fraction.groups import MANUAL, Group, check_tables, groups_of, who
from inspect_tool.recipes.phase_fraction.pages import (
    WORDING,
    charts_of,
    section_rows,
    statements_of,
    summary_row,
    tables_of,
)
from inspect_tool.recipes.phase_fraction.phantoms import phantoms
from inspect_tool.recipes.phase_fraction.points import point_result, point_statistics, referee_check
from inspect_tool.recipes.phase_fraction.rules import class_checks, deviations, specimen_checks
from inspect_tool.recipes.phase_fraction.settings import ANALYSIS, COUNT, QUANTITIES, STANDARDS, Settings
from inspect_tool.recipes.phase_fraction.shares import alternative_means, area_result, worst_field_result
from inspect_tool.recipes.phase_fraction.stereology import axis_of, contiguity_results, stereology_results
from inspect_tool.recipes.phase_fraction.values import Features, Measured, Values
from inspect_tool.statistics.fields import field_statistics

__all__ = [
    "BACKEND",
    "CARRIED",
    "MASKS",
    "PATHS",
    "QUALITY",
    "QUANTITIES",
    "QUESTION",
    "STANDARDS",
    "TITLE",
    "WORDING",
    "Settings",
    "Values",
    "check_tables",
    "combine",
    "measure_field",
    "needs_whole",
    "other_editions",
    "phantoms",
    "point_classes",
]


TITLE = Text("phase_fraction.phase_fraction")
QUESTION: Literal["coverage", "count"] = "coverage"
MASKS: tuple[str, ...] = ("binary", "classes")  # what a mask of the user may be
BACKEND: Mapping[str, Any] = MappingProxyType({"name": "threshold", "phase": "dark"})
PATHS: tuple[str, ...] = ("counts",)
QUALITY = Limits(size=Limit(advised=15.0, red=9.0))

CARRIED: Mapping[str, Carried] = MappingProxyType(  # see validation.line
    {
        "area_percent.*": Carried(of="area_percent.*"),
        "worst_field_percent.*": Carried(of="area_percent.*", over="largest"),
    }
)


def other_editions(
    settings: Settings,  # noqa: ARG001 - a contract
    standard: Standard,
    asked: Sequence[Requirement],  # noqa: ARG001 - a contract
) -> tuple[str, ...]:
    """Name the editions beside that of the job: image analysis and point count check each other."""
    return tuple(name for name in (ANALYSIS, COUNT) if name != standard.name)


def needs_whole(settings: Settings) -> str:  # noqa: ARG001
    """Name the setting by which an image is not measured by windows: there is none."""
    return ""


def combine(fields: Sequence[Measured], settings: Settings, editions: Editions) -> Findings:
    """Make results, checks and tables of all fields; every specimen apart.

    Parameters
    ----------
    fields : sequence of FieldMeasurement
        All fields of a job, from ``measure_field``.
    settings : Settings
        See there.
    editions : Editions
        Of E1245 and E562, or ISO 9042.

    Raises
    ------
    MeasurementError
        No field; fields with different classes.
    ReadError
        The table of a manual point count is wrong.
    """
    groups = groups_of(fields, settings)
    results: list[Result] = []
    checks: list[Check] = []
    warnings: list[str] = []
    summary: list[tuple[Cell, ...]] = []
    referee: list[tuple[Cell, ...]] = []
    sections: list[tuple[Cell, ...]] = []
    axes = {(group.specimen, name): axis_of(group, name, settings) for group in groups for name in group.classes[:-1]}
    for group in groups:
        for name in group.classes:
            found = field_statistics(group.area_percent(name), group.sections)
            is_matrix = name == group.classes[-1]
            area = area_result(group, name, found, editions, main=not is_matrix)
            results.append(area)
            summary.append(summary_row(group, name, found, area, settings))
            sections += section_rows(group, name, found)
            points_found = point_statistics(group, name)
            main = points_found.by_hand and editions.job.follows in MANUAL and not is_matrix
            results.append(point_result(group, name, points_found, editions, main=main))
            check, row = referee_check(group, name, points_found, area, editions)
            checks.append(check)
            referee.append(row)
            if is_matrix:
                continue
            checks += class_checks(group, name, found, editions)
            if apart := disagreement(found.mean, alternative_means(group, name)):
                warnings.append(
                    Text(
                        "phase_fraction.warning_gray_levels_disagree",
                        group=who(group),
                        name=name,
                        mean=found.mean,
                        apart=apart,
                    )
                )
            lines, cells, rims = (_parts(group, name, read) for read in _PARTS)
            checks.append(_shapes.line_check(lines, cells, name, group.specimen, settings.expected_shape))
            if len(group.classes) > 2:
                checks.append(_shapes.rim_check(rims, name, group.specimen, settings.expected_shape))
            checks += matrix_check(group.fields, group.area_percent(name), name)
            if found.ci95 is not None and found.mean - found.ci95 < 0:
                warnings.append(
                    Text(
                        "phase_fraction.warning_interval_below_zero",
                        group=who(group),
                        name=name,
                        mean=found.mean,
                        ci95=found.ci95,
                    )
                )
            results.append(worst_field_result(group, name, editions))
            results += contiguity_results(group, name)
            results += stereology_results(group, name, axes[group.specimen, name], editions)
        checks += specimen_checks(group, settings, editions)
        checks += own_gray_checks(group.fields)
        checks += outline_checks(group.fields)
        checks += paler_checks(group.fields)
        checks += relief_checks(group.fields)
        checks += layer_checks(group.fields, expected=settings.expected_shape == "any")
        checks += _empty_fields.checks_of(group.fields, Text("phase_fraction.subject_any_phase"))
        seen = [(field.values.color, field.image) for field in group.fields]
        subject = (
            "phase_fraction.subject_classes_of_interest" if settings.tinted_grains else "phase_fraction.subject_classes"
        )
        checks += _colors.checks_of(seen, group.specimen, Text(subject))
        warnings += _colors.warnings_of(seen, group.specimen, group.classes[0])
        if len(group.fields) == 1:
            warnings.append(Text("phase_fraction.warning_one_field", group=who(group)))
    return Findings(
        results=tuple(results),
        checks=tuple(checks),
        measurements=Measurements(features=feature_table(fields), fields=field_table(fields)),
        statements=statements_of(axes, settings),
        deviations=tuple(dict.fromkeys(text for group in groups for text in deviations(group, editions.job))),
        tables=tuple(tables_of(summary, referee, sections, settings)),
        charts=charts_of(groups),
        warnings=tuple(warnings),
    )


_PARTS: tuple[Callable[[Features], float | None], ...] = (
    lambda features: features.line_percent,
    lambda features: features.cells_percent,
    lambda features: features.rim_percent,
)
"""Of the area of a class: thin lines, what lies in cells that they close, rims between two others."""


def _parts(group: Group, name: str, read: Callable[[Features], float | None]) -> list[_shapes.ShareOfClass]:
    """Area of a class and a part of it, field by field."""
    return [
        _shapes.ShareOfClass(area_percent=area, part_percent=part)
        for area, part in zip(group.area_percent(name), group.features(name, read), strict=True)
    ]
