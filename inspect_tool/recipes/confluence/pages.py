"""What the report of a culture shows besides its results: tables, charts and the statements of the method."""

from collections.abc import Sequence

from inspect_tool.languages import Text, joined, recognized
from inspect_tool.model import Cell, Chart, Result, Series, Standard, Statement, Table, Wording
from inspect_tool.recipes._common import specimens_of
from inspect_tool.recipes.confluence.results import statistics_of
from inspect_tool.recipes.confluence.settings import COUNTED, COVERED, Settings
from inspect_tool.recipes.confluence.values import Measured
from inspect_tool.statistics.fields import fields_for_accuracy

WORDING = Wording(
    titles={
        "covered": Text("confluence.title_covered"),
        "half_pixel": Text("heads.half_a_pixel_of_boundary"),
        "counted": Text("confluence.column_counted"),
        "counted_cut": Text("confluence.column_cut"),
        "below_minimum": Text("confluence.column_below"),
        "counted_per_mm2": Text("confluence.column_per_area"),
        "counts": Text("confluence.column_counts"),
        "count_weight": Text("confluence.column_count_weight"),
        "inner_scatter": Text("confluence.column_inner"),
        "inner_scatter_dof": Text("confluence.column_inner_dof"),
        "counted_scatter": Text("confluence.column_counted_scatter"),
        "counted_scatter_dof": Text("confluence.column_counted_scatter_dof"),
    },
    spreads=frozenset({"confluence.column_mean", "confluence.column_ci95"}),
    feature="feature",
)

_MARKS = {"%": "%", "1/mm2": "mm⁻²"}  # units as a chart has them


def values_of(fields: Sequence[Measured], quantity: str) -> list[float]:
    """Value of a quantity in every field."""
    numbers = [field.values.numbers for field in fields]
    return [float((one.covered_percent if quantity == COVERED else one.counted_per_mm2) or 0.0) for one in numbers]


def tables(fields: Sequence[Measured], results: Sequence[Result], settings: Settings) -> tuple[Table, ...]:
    """Statistics over the fields of every specimen."""
    rows: list[tuple[Cell, ...]] = []
    for _, mine in specimens_of(fields):
        for result in results:
            if result.specimen != mine[0].specimen:
                continue
            found = statistics_of(mine, values_of(mine, result.quantity))
            total = fields_for_accuracy(found, settings.wanted_ra_percent) if len(found.sections) == 1 else None
            rows.append(
                (
                    result.specimen,
                    result.title,
                    found.n,
                    found.mean,
                    found.s,
                    found.ci95,
                    found.ra_percent,
                    result.expanded_u,
                    None if total is None else max(0, total - found.n),
                )
            )
    return (
        Table(
            title=Text("confluence.title_statistics"),
            columns=(
                Text("words.specimen"),
                Text("words.quantity"),
                Text("words.fields"),
                Text("confluence.column_mean"),
                "s",
                Text("confluence.column_ci95"),
                Text("words.relative_accuracy"),
                "U",
                Text("confluence.column_more", wanted=settings.wanted_ra_percent),
            ),
            rows=tuple(rows),
            note=Text("confluence.note_statistics"),
        ),
    )


def charts(fields: Sequence[Measured], results: Sequence[Result]) -> tuple[Chart, ...]:
    """Draw every quantity field by field."""
    made = []
    for quantity, result in {result.quantity: result for result in results}.items():
        for _, mine in specimens_of(fields):
            if len(mine) < 2:
                continue
            at = tuple(float(k) for k in range(len(mine)))
            made.append(
                Chart(
                    kind="bars",
                    title=Text("confluence.title_by_field", title=result.title, specimen=mine[0].specimen),
                    x_label=Text("words.field"),
                    y_label=Text("page.head_with_unit", head=result.title, unit=_MARKS[result.unit]),
                    series=(Series(name=result.title, x=at, y=tuple(values_of(mine, quantity))),),
                    categories=tuple(str(field.field) for field in mine),
                )
            )
    return tuple(made)


def statements(settings: Settings, standard: Standard) -> tuple[Statement, ...]:
    """How the numbers were made, for the method block."""
    made = []
    if settings.count != "nuclei":
        made.append(Statement(name=Text("confluence.title_covered"), text=Text("confluence.covered_text")))
    if settings.count != "nothing":
        made.append(
            Statement(
                name=Text("confluence.counting"),
                text=Text(
                    "confluence.counting_text",
                    what=Text(
                        "confluence.nuclei" if COUNTED[settings.count] == "nuclei_per_mm2" else "confluence.cells"
                    ),
                    minimum_px2=settings.minimum_px2,
                ),
            )
        )
    made.append(Statement(name=Text("confluence.statistics"), text=Text("confluence.statistics_text")))
    made.append(
        Statement(
            name=Text("confluence.edition"), text=joined(" ", (recognized("notes", note) for note in standard.notes))
        )
    )
    return tuple(made)
