"""What the report of a layer shows besides its results: tables, charts and the statements of the method."""

from collections.abc import Sequence

import numpy as np

from inspect_tool.languages import Text, joined, named, recognized
from inspect_tool.model import Cell, Chart, Series, Standard, Statement, Table, Wording
from inspect_tool.recipes._common import length_unit, specimens_of
from inspect_tool.recipes.layer_thickness.results import layers_in
from inspect_tool.recipes.layer_thickness.settings import LEAST, MEAN, MOST, Settings
from inspect_tool.recipes.layer_thickness.values import Measured

_CLASSES = 16  # of the histogram

WORDING = Wording(
    titles={
        "mean_thickness": Text("layer_thickness.title_mean"),
        "minimum_thickness": Text("layer_thickness.title_minimum"),
        "maximum_thickness": Text("layer_thickness.title_maximum"),
        "thickness_sd": Text("layer_thickness.title_sd"),
        "thickness_variation": Text("layer_thickness.title_variation"),
        "thickness": Text("layer_thickness.column_thickness"),
        "along": Text("layer_thickness.column_along"),
        "line": Text("layer_thickness.column_line"),
        "chords": Text("layer_thickness.column_chords"),
        "chords_missed": Text("layer_thickness.column_missed"),
        "area_over_length": Text("layer_thickness.column_area_over_length"),
        "inner_scatter": Text("layer_thickness.column_inner"),
        "others_without_layer": Text("layer_thickness.column_others"),
        "inner_scatter_dof": Text("layer_thickness.column_inner_dof"),
    },
    feature="chord",
    judged={
        "layer_thickness.title_profile": (MEAN, LEAST, MOST),
        "layer_thickness.title_distribution": (MEAN, LEAST, MOST),
    },
)


def tables(fields: Sequence[Measured]) -> tuple[Table, ...]:
    """Every layer of every field, as a standard asks them to be reported."""
    unit, mark = length_unit(fields)
    rows: list[tuple[Cell, ...]] = []
    for field in fields:
        for name, layer in field.values.numbers.layers.items():
            rows.append(
                (
                    field.specimen,
                    field.field,
                    named("terms", name),
                    layer.chords,
                    layer.mean_thickness[unit],
                    layer.thickness_sd[unit],
                    layer.minimum_thickness[unit],
                    layer.maximum_thickness[unit],
                    field.values.scatter[name].line[unit],
                )
            )
    return (
        Table(
            title=Text("layer_thickness.title_fields"),
            columns=(
                Text("words.specimen"),
                Text("words.field"),
                Text("layer_thickness.column_layer"),
                Text("layer_thickness.column_chords"),
                *(
                    Text("page.head_with_unit", head=Text(f"layer_thickness.column_{name}"), unit=mark)
                    for name in ("mean", "sd", "minimum", "maximum", "seen_over")
                ),
            ),
            rows=tuple(rows),
            note=Text("layer_thickness.note_fields"),
        ),
    )


def charts(fields: Sequence[Measured]) -> tuple[Chart, ...]:
    """The thickness along the layer, field by field, and its distribution."""
    made = []
    _, mark = length_unit(fields)
    for specimen, mine in specimens_of(fields):
        for name in layers_in(mine):
            profiles = tuple(
                Series(
                    name=Text("page.a_field", field=str(field.field)),
                    x=field.curves[f"along.{name}"],
                    y=field.curves[f"thickness.{name}"],
                )
                for field in mine
            )
            every = np.concatenate([series.y for series in profiles])
            edges = np.linspace(float(every.min()) * 0.999, float(every.max()) * 1.001 + 1e-9, _CLASSES + 1)
            label = Text("page.head_with_unit", head=Text("layer_thickness.column_thickness"), unit=mark)
            made += [
                Chart(
                    kind="points",
                    title=Text("layer_thickness.title_profile", layer=named("terms", name), specimen=specimen),
                    x_label=Text("page.head_with_unit", head=Text("layer_thickness.column_along"), unit=mark),
                    y_label=label,
                    series=profiles,
                ),
                Chart(
                    kind="histogram",
                    title=Text("layer_thickness.title_distribution", layer=named("terms", name), specimen=specimen),
                    x_label=label,
                    y_label=Text("layer_thickness.column_chords"),
                    series=(
                        Series(
                            name=specimen,
                            x=tuple(edges.tolist()),
                            y=tuple(np.histogram(every, edges)[0].astype(float).tolist()),
                        ),
                    ),
                ),
            ]
    return tuple(made)


def statements(settings: Settings, standard: Standard) -> tuple[Statement, ...]:
    """How the numbers were made, for the method block."""
    inside = joined(", ", (named("terms", name) for name in settings.inside))
    made = [
        Statement(
            name=Text("layer_thickness.chords"), text=Text("layer_thickness.chords_text", chords=settings.chords)
        ),
        Statement(
            name=Text("layer_thickness.interfaces"),
            text=Text("layer_thickness.interfaces_text", bridge=settings.bridge_px),
        ),
        Statement(name=Text("layer_thickness.extremes"), text=Text("layer_thickness.extremes_text")),
    ]
    if settings.inside:
        made.insert(
            2, Statement(name=Text("layer_thickness.inside"), text=Text("layer_thickness.inside_text", inside=inside))
        )
    made.append(
        Statement(
            name=Text("layer_thickness.edition"),
            text=joined(" ", (recognized("notes", note) for note in standard.notes)),
        )
    )
    return tuple(made)
