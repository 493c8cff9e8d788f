"""Statements, tables and charts of the report."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from inspect_tool.languages import Text, joined
from inspect_tool.model import (
    Cell,
    Chart,
    Result,
    Series,
    Statement,
    Table,
)
from inspect_tool.recipes.phase_fraction.groups import Group
from inspect_tool.recipes.phase_fraction.settings import Settings
from inspect_tool.recipes.phase_fraction.stereology import CROSSING
from inspect_tool.statistics.fields import FieldStatistics, fields_for_accuracy


def summary_row(group: Group, name: str, found: FieldStatistics, area: Result, settings: Settings) -> tuple[Cell, ...]:
    """Give the row of one class of one specimen."""
    total = fields_for_accuracy(found, settings.wanted_ra_percent) if len(found.sections) == 1 else None
    return (
        group.specimen,
        name,
        found.n,
        found.mean,
        found.s,
        found.ci95,
        found.ra_percent,
        area.expanded_u,
        None if total is None else max(0, total - found.n),
    )


def section_rows(group: Group, name: str, found: FieldStatistics) -> list[tuple[Cell, ...]]:
    """Give one row per section."""
    if len(found.sections) < 2:
        return []
    return [(group.specimen, name, section, n, mean, ci95) for section, mean, n, ci95 in found.sections]


def tables_of(
    summary: Sequence[tuple[Cell, ...]],
    referee: Sequence[tuple[Cell, ...]],
    sections: Sequence[tuple[Cell, ...]],
    settings: Settings,
) -> Iterable[Table]:
    """Tabulate shares, sections, point counts and features."""
    wanted = Text("phase_fraction.ra", wanted_ra_percent=settings.wanted_ra_percent)
    yield Table(
        title=Text("phase_fraction.area_fraction_field_statistics"),
        columns=(
            Text("words.specimen"),
            Text("words.class"),
            Text("words.fields"),
            Text("phase_fraction.mean"),
            "s [%]",
            Text("phase_fraction.n95_ci"),
            Text("words.ra"),
            "U [%]",
            Text("phase_fraction.more_fields", wanted=wanted),
        ),
        rows=tuple(summary),
        note=Text("phase_fraction.n95_ci_student_s_t"),
    )
    if sections:
        yield Table(
            title=Text("phase_fraction.area_fraction_section"),
            columns=(
                Text("words.specimen"),
                Text("words.class"),
                Text("words.section"),
                Text("words.fields"),
                Text("phase_fraction.mean"),
                Text("phase_fraction.n95_ci"),
            ),
            rows=tuple(sections),
            note=Text("phase_fraction.sections_reported_apart_result_mean"),
        )
    yield Table(
        title=Text("phase_fraction.point_count_against_area"),
        columns=(
            Text("words.specimen"),
            Text("words.class"),
            Text("words.count"),
            Text("words.fields"),
            Text("words.points"),
            Text("phase_fraction.point_count"),
            Text("phase_fraction.n95_ci"),
            Text("words.ra"),
            Text("phase_fraction.area_same_fields"),
            Text("phase_fraction.difference"),
            Text("phase_fraction.allowed"),
        ),
        rows=tuple(referee),
        note=Text("phase_fraction.inside_1_boundary_1_2"),
    )


def charts_of(groups: Sequence[Group]) -> tuple[Chart, ...]:
    """Draw the share of every field."""
    charts = []
    for group in groups:
        if len(group.fields) < 2:
            continue
        names = tuple(str(field.field) for field in group.fields)
        at = tuple(float(i) for i in range(len(names)))
        charts.append(
            Chart(
                kind="bars",
                title=Text("phase_fraction.area_fraction_field")
                + (Text("phase_fraction.specimen_2", specimen=group.specimen) if len(groups) > 1 else ""),
                x_label=Text("phase_fraction.field"),
                y_label=Text("phase_fraction.area_fraction"),
                series=tuple(
                    Series(name=name, x=at, y=tuple(group.column(f"area_percent.{name}")))
                    for name in group.classes[:-1]
                ),
                categories=names,
            )
        )
    return tuple(charts)


def _crossing(axes: Mapping[tuple[str, str], str], settings: Settings) -> str:
    """Say by which lines N_L was counted, and why; ``axes`` by specimen and class."""
    how = "stated" if settings.axis != "auto" else Text("phase_fraction.found_lines_other_direction_cross")
    said = [
        Text("phase_fraction.specimen_3", specimen=specimen, name=name, crossing=CROSSING[axis], axis=axis, how=how)
        for (specimen, name), axis in axes.items()
        if axis not in ("auto", "none")
    ]
    return joined("; ", said) or Text("phase_fraction.rows_columns_together_structure_has")


def statements_of(axes: Mapping[tuple[str, str], str], settings: Settings) -> tuple[Statement, ...]:
    """Say how shares, points and lines were taken."""
    grid = (
        Text("phase_fraction.points", grid_points=settings.grid_points)
        if settings.grid_points
        else Text("phase_fraction.points_e562_guidance_from_area")
    )
    return (
        Statement(
            name=Text("phase_fraction.area_fraction_2"),
            text=Text("phase_fraction.area_share_each_class_image"),
        ),
        Statement(
            name=Text("phase_fraction.statistics"),
            text=Text("phase_fraction.field_statistical_unit_fields_taken"),
        ),
        Statement(name=Text("phase_fraction.scale"), text=Text("phase_fraction.area_point_fractions_ratios_pixel")),
        Statement(
            name=Text("phase_fraction.point_count_2"),
            text=Text("phase_fraction.systematic_grid_random_start_seed", grid=grid, seed=settings.seed)
            + (Text("phase_fraction.hand", name=Path(settings.counts).name) if settings.counts else ""),
        ),
        Statement(
            name=Text("phase_fraction.lines_counts"),
            text=Text("phase_fraction.mean_free_path_spacing_intercept") + _crossing(axes, settings) + ".",
        ),
        Statement(
            name=Text("phase_fraction.features"),
            text=Text(
                "phase_fraction.n8_connected_px_more_counted", smallest_feature_px2=settings.smallest_feature_px2
            ),
        ),
    )
