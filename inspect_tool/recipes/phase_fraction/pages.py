"""Statements, tables and charts of the report."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

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
    wanted = f"{settings.wanted_ra_percent:g} %RA"
    yield Table(
        title="Area fraction by field statistics",
        columns=(
            "Specimen",
            "Class",
            "Fields",
            "Mean [%]",
            "s [%]",
            "95 % CI ± [%]",
            "%RA",
            "U [%]",
            f"More fields for {wanted}",
        ),
        rows=tuple(summary),
        note="95 % CI: Student's t over fields, scatter only. U: with the segmentation line of the budget. "
        "More fields: with the scatter found here, at places that do not overlap.",
    )
    if sections:
        yield Table(
            title="Area fraction by section",
            columns=("Specimen", "Class", "Section", "Fields", "Mean [%]", "95 % CI ± [%]"),
            rows=tuple(sections),
            note="Sections are reported apart; the result is the mean of their means.",
        )
    yield Table(
        title="Point count against area",
        columns=(
            "Specimen",
            "Class",
            "Count",
            "Fields",
            "Points",
            "Point count [%]",
            "95 % CI ± [%]",
            "%RA",
            "Area, same fields [%]",
            "Difference [%]",
            "Allowed [%]",
        ),
        rows=tuple(referee),
        note="Inside 1, on the boundary 1/2. The difference must be within the chance of the points.",
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
                title="Area fraction by field" + (f", specimen {group.specimen}" if len(groups) > 1 else ""),
                x_label="Field",
                y_label="Area fraction [%]",
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
    how = "stated" if settings.axis != "auto" else "found: lines of the other direction cross fewer features"
    said = [
        f"specimen {specimen}, {name}: by {CROSSING[axis]} ({axis}, {how})"
        for (specimen, name), axis in axes.items()
        if axis not in ("auto", "none")
    ]
    return "; ".join(said) or "by rows and columns together: the structure has no axis along them"


def statements_of(axes: Mapping[tuple[str, str], str], settings: Settings) -> tuple[Statement, ...]:
    """Say how shares, points and lines were taken."""
    grid = (
        f"{settings.grid_points} points" if settings.grid_points else "points by the E562 guidance from the area share"
    )
    return (
        Statement(
            name="Area fraction",
            text="Area share of each class by image analysis (ASTM E1245 type). A grid of points on the same fields is "
            "its referee where a person counted it (a table of the job); the grid that the program lays on its own "
            "class image checks the sampling alone. Volume fraction equals the area share where the plane is random.",
        ),
        Statement(
            name="Statistics",
            text="The field is the statistical unit. Fields are taken to lie apart and at random or systematic places; "
            "tiles of one panorama are not independent fields. Several sections are the sample; with one section "
            "U does not hold what differs between sections.",
        ),
        Statement(name="Scale", text="Area and point fractions are ratios: the pixel size has no effect on them."),
        Statement(
            name="Point count",
            text=f"Systematic grid, {grid}, random start (seed {settings.seed}); a point within half a pixel of the "
            "boundary counts 1/2." + (f" By hand: {Path(settings.counts).name}." if settings.counts else ""),
        ),
        Statement(
            name="Lines and counts",
            text="Mean free path, spacing and intercept after ASTM E1245, from interceptions "
            + _crossing(axes, settings)
            + ".",
        ),
        Statement(
            name="Features",
            text=f"8-connected, {settings.smallest_feature_px2} px² and more are counted; smaller ones stay in "
            "the area share. Features cut by the frame count 1/2 in the number per area.",
        ),
    )
