"""What the report of banding shows besides its results: tables, charts and the statements of the method."""

from collections.abc import Sequence

from inspect_tool.languages import Text, joined, recognized
from inspect_tool.model import Cell, Chart, Series, Standard, Statement, Table, Wording
from inspect_tool.recipes._common import specimens_of
from inspect_tool.recipes.banding.results import counted_of
from inspect_tool.recipes.banding.settings import ACROSS, ALONG, Settings
from inspect_tool.recipes.banding.values import Measured
from inspect_tool.standards.formulas import astm_e1268

WORDING = Wording(
    titles={
        "across_per": Text("banding.title_across"),
        "along_per": Text("banding.title_along"),
        "across_whole_per": Text("banding.column_across_whole"),
        "along_whole_per": Text("banding.column_along_whole"),
        "banded": Text("banding.column_banded"),
        "across": Text("banding.column_size_across"),
    },
    feature="feature",
    judged={"banding.title_by_field": (ACROSS, ALONG)},
)


def tables(fields: Sequence[Measured]) -> tuple[Table, ...]:
    """Counts of every field, as the method asks them to be reported."""
    scaled = all(field.calibration.pixel_um is not None for field in fields)
    mark = "mm⁻¹" if scaled else "px⁻¹"
    rows: list[tuple[Cell, ...]] = []
    for field in fields:
        one = counted_of(field)
        both = one.across > 0 and one.along > 0
        rows.append(
            (
                field.specimen,
                field.field,
                one.across,
                one.along,
                astm_e1268.anisotropy_index(one.across, one.along) if both else None,
                astm_e1268.orientation_degree(one.across, one.along) if one.across > 0 else None,
                100 * one.share,
            )
        )
    return (
        Table(
            title=Text("banding.title_fields"),
            columns=(
                Text("words.specimen"),
                Text("words.field"),
                Text("page.head_with_unit", head=Text("banding.title_across"), unit=mark),
                Text("page.head_with_unit", head=Text("banding.title_along"), unit=mark),
                Text("banding.title_index"),
                Text("banding.title_degree"),
                Text("page.head_with_unit", head=Text("banding.column_banded"), unit="%"),
            ),
            rows=tuple(rows),
            note=Text("banding.note_fields"),
        ),
    )


def charts(fields: Sequence[Measured]) -> tuple[Chart, ...]:
    """Interceptions across and along the axis, field by field."""
    scaled = all(field.calibration.pixel_um is not None for field in fields)
    made = []
    for specimen, mine in specimens_of(fields):
        if len(mine) < 2:
            continue
        at = tuple(float(k) for k in range(len(mine)))
        found = [counted_of(field) for field in mine]
        made.append(
            Chart(
                kind="bars",
                title=Text("banding.title_by_field", specimen=specimen),
                x_label=Text("words.field"),
                y_label=Text(
                    "page.head_with_unit", head=Text("banding.axis_interceptions"), unit="mm⁻¹" if scaled else "px⁻¹"
                ),
                series=(
                    Series(name=Text("banding.series_across"), x=at, y=tuple(one.across for one in found)),
                    Series(name=Text("banding.series_along"), x=at, y=tuple(one.along for one in found)),
                ),
                categories=tuple(str(field.field) for field in mine),
            )
        )
    return tuple(made)


def statements(settings: Settings, standard: Standard) -> tuple[Statement, ...]:
    """How the numbers were made, for the method block."""
    axis = Text("banding.axis_horizontal") if settings.axis == "horizontal" else Text("banding.axis_vertical")
    made = [
        Statement(name=Text("banding.counting"), text=Text("banding.counting_text", axis=axis)),
        Statement(name=Text("banding.measures"), text=Text("banding.measures_text")),
    ]
    if standard.notes:
        notes = joined(" ", (recognized("notes", note) for note in standard.notes))
        made.append(Statement(name=Text("banding.edition"), text=notes))
    return tuple(made)
