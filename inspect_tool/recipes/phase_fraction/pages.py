"""Statements, tables and charts of the report."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from inspect_tool.languages import Text, joined, named
from inspect_tool.model import (
    Cell,
    Chart,
    Result,
    Series,
    Statement,
    Table,
    Wording,
)
from inspect_tool.recipes.phase_fraction.groups import Group
from inspect_tool.recipes.phase_fraction.settings import Settings
from inspect_tool.recipes.phase_fraction.stereology import CROSSING
from inspect_tool.statistics.fields import FieldStatistics, fields_for_accuracy

WORDING = Wording(
    titles={
        "half_pixel": Text("heads.half_a_pixel_of_boundary"),
        "too_small": Text("heads.below_the_counted_size"),
        "points": Text("heads.grid_points_on"),
        "count": Text("heads.features"),
        "count_per_mm2": Text("heads.features_per_area"),
    },
    spreads=frozenset(
        {
            "phase_fraction.column_allowed_difference",
            "phase_fraction.column_area_same_fields",
            "phase_fraction.column_ci95",
            "phase_fraction.column_difference",
            "phase_fraction.column_mean",
            "phase_fraction.column_point_count",
        }
    ),
    feature="feature",
    tells_class=True,
    judged={"phase_fraction.title_area_fraction_by_field": ("area_percent.*", "worst_field_percent.*")},
)


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
    wanted = Text("phase_fraction.wanted_relative_accuracy", wanted_ra_percent=settings.wanted_ra_percent)
    yield Table(
        title=Text("phase_fraction.title_field_statistics"),
        columns=(
            Text("words.specimen"),
            Text("words.class"),
            Text("words.fields"),
            Text("phase_fraction.column_mean"),
            "s [%]",
            Text("phase_fraction.column_ci95"),
            Text("words.relative_accuracy"),
            "U [%]",
            Text("phase_fraction.column_more_fields", wanted=wanted),
        ),
        rows=tuple(summary),
        note=Text("phase_fraction.note_field_statistics"),
    )
    if sections:
        yield Table(
            title=Text("phase_fraction.title_area_fraction_by_section"),
            columns=(
                Text("words.specimen"),
                Text("words.class"),
                Text("words.section"),
                Text("words.fields"),
                Text("phase_fraction.column_mean"),
                Text("phase_fraction.column_ci95"),
            ),
            rows=tuple(sections),
            note=Text("phase_fraction.note_sections_reported_apart"),
        )
    yield Table(
        title=Text("phase_fraction.title_point_count_against_area"),
        columns=(
            Text("words.specimen"),
            Text("words.class"),
            Text("words.count"),
            Text("words.fields"),
            Text("words.points"),
            Text("phase_fraction.column_point_count"),
            Text("phase_fraction.column_ci95"),
            Text("words.relative_accuracy"),
            Text("phase_fraction.column_area_same_fields"),
            Text("phase_fraction.column_difference"),
            Text("phase_fraction.column_allowed_difference"),
        ),
        rows=tuple(referee),
        note=Text("phase_fraction.note_point_count"),
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
                title=Text("phase_fraction.title_area_fraction_by_field")
                + (Text("phase_fraction.title_of_specimen", specimen=group.specimen) if len(groups) > 1 else ""),
                x_label=Text("phase_fraction.axis_field"),
                y_label=Text("phase_fraction.axis_area_fraction"),
                series=tuple(
                    Series(name=named("terms", name), x=at, y=tuple(group.area_percent(name)))
                    for name in group.classes[:-1]
                ),
                categories=names,
            )
        )
    return tuple(charts)


def _crossing(axes: Mapping[tuple[str, str], str], settings: Settings) -> str:
    """Say by which lines N_L was counted, and why; ``axes`` by specimen and class."""
    how = "stated" if settings.axis != "auto" else Text("phase_fraction.structure_axis_found")
    said = [
        Text(
            "phase_fraction.structure_axis_of_class",
            specimen=specimen,
            name=named("terms", name),
            crossing=CROSSING[axis],
            axis=axis,
            how=how,
        )
        for (specimen, name), axis in axes.items()
        if axis not in ("auto", "none")
    ]
    return joined("; ", said) or Text("phase_fraction.structure_axis_none")


def statements_of(axes: Mapping[tuple[str, str], str], settings: Settings) -> tuple[Statement, ...]:
    """Say how shares, points and lines were taken."""
    grid = (
        Text("phase_fraction.grid_points_stated", grid_points=settings.grid_points)
        if settings.grid_points
        else Text("phase_fraction.grid_points_by_e562")
    )
    return (
        Statement(
            name=Text("phase_fraction.title_area_fraction"),
            text=Text("phase_fraction.area_fraction_text"),
        ),
        Statement(
            name=Text("phase_fraction.statistics"),
            text=Text("phase_fraction.statistics_text"),
        ),
        Statement(name=Text("phase_fraction.scale"), text=Text("phase_fraction.scale_text")),
        Statement(
            name=Text("phase_fraction.title_point_count"),
            text=Text("phase_fraction.point_count_text", grid=grid, seed=settings.seed)
            + (
                Text("phase_fraction.point_count_hand_file", name=Path(settings.counts).name) if settings.counts else ""
            ),
        ),
        Statement(
            name=Text("phase_fraction.lines_and_counts"),
            text=Text("phase_fraction.lines_and_counts_text") + _crossing(axes, settings) + ".",
        ),
        Statement(
            name=Text("phase_fraction.features"),
            text=Text("phase_fraction.features_text", smallest_feature_px2=settings.smallest_feature_px2),
        ),
    )
