"""What the report of graphite shows besides its results: tables, charts and the statements of the method."""

from collections.abc import Sequence

import numpy as np

from inspect_tool.languages import Text, joined, recognized
from inspect_tool.model import Cell, Chart, Editions, Series, Statement, Table, Wording
from inspect_tool.recipes._common import length_unit, specimens_of
from inspect_tool.recipes.graphite.field import limits_of
from inspect_tool.recipes.graphite.results import LEAST, curve, sample_of
from inspect_tool.recipes.graphite.settings import Settings
from inspect_tool.recipes.graphite.values import Measured
from inspect_tool.standards.formulas import iso_945_4

WORDING = Wording(
    titles={
        "counted": Text("graphite.column_counted"),
        "nodules": Text("graphite.column_nodules"),
        "counted_weight": Text("graphite.column_counted_weight"),
        "nodules_weight": Text("graphite.column_nodules_weighted"),
        "shape_weight": Text("graphite.column_shape_weight"),
        "counted_area": Text("graphite.column_counted_area"),
        "nodular_area": Text("graphite.column_nodular_area"),
        "nodules_weighted": Text("graphite.column_nodules_weighted"),
        "graphite": Text("graphite.title_graphite"),
        "below_minimum": Text("graphite.column_below"),
        "cut": Text("graphite.column_cut"),
        "near": Text("graphite.column_near"),
        "half_pixel": Text("heads.half_a_pixel_of_boundary"),
        "form": Text("graphite.column_form"),
        "counts": Text("graphite.column_counts"),
        "count_weight": Text("graphite.column_count_weight"),
        "inner_scatter": Text("heads.inner_scatter"),
        "inner_scatter_dof": Text("heads.inner_scatter_dof"),
    },
    feature="particle",
)

_BINS = 20  # of the shape factor


def statements(settings: Settings, editions: Editions) -> tuple[Statement, ...]:
    """How the numbers were made, for the method block."""
    limits = limits_of(editions.job, settings)
    between = (
        Text("graphite.between_text", between=limits.between, nodule=limits.nodule, weight=limits.weight)
        if limits.weight
        else ""
    )
    made = [
        Statement(
            name=Text("graphite.form"),
            text=Text("graphite.form_text", nodule=limits.nodule) + between,
        ),
        Statement(
            name=Text("graphite.counted"),
            text=Text("graphite.counted_text", feret=limits.feret_um, minimum_px2=settings.minimum_px2)
            + (Text("graphite.weighted_text") if settings.edge == "weighted" else ""),
        ),
        Statement(name=Text("graphite.shape_limit"), text=Text("graphite.shape_limit_text")),
    ]
    if editions.job.notes:
        notes = joined(" ", (recognized("notes", note) for note in editions.job.notes))
        made.append(Statement(name=Text("graphite.edition"), text=notes))
    return tuple(made)


def tables(fields: Sequence[Measured], settings: Settings, editions: Editions) -> tuple[Table, ...]:
    """Forms and size classes of the particles of every specimen."""
    made = [_forms(fields, settings, editions), _sizes(fields)]
    return tuple(table for table in made if table.rows)


def _forms(fields: Sequence[Measured], settings: Settings, editions: Editions) -> Table:
    limits = limits_of(editions.job, settings)
    bounds = [("nodule", limits.nodule, np.inf), ("other", -np.inf, limits.between)]
    if limits.between < limits.nodule:
        bounds.insert(1, ("intermediate", limits.between, limits.nodule))
    rows: list[tuple[Cell, ...]] = []
    for specimen, mine in specimens_of(fields):
        area, roundness = sample_of(mine).weight, curve(mine, "particle_roundness")
        number = curve(mine, "particle_shape_weight")
        if len(area) < LEAST:
            continue
        for form, low, high in bounds:
            inside = (roundness >= low) & (roundness < high)
            rows.append(
                (
                    specimen,
                    Text(f"graphite.form_{form}"),
                    int(inside.sum()),
                    100 * float(number[inside].sum() / number.sum()),
                    100 * float(area[inside].sum() / area.sum()),
                )
            )
    return Table(
        title=Text("graphite.title_forms"),
        columns=(
            Text("words.specimen"),
            Text("graphite.column_form"),
            Text("graphite.column_counted"),
            Text("graphite.column_share_number"),
            Text("graphite.column_share_area"),
        ),
        rows=tuple(rows),
        note=Text("graphite.note_forms"),
    )


def _sizes(fields: Sequence[Measured]) -> Table:
    """Size classes of ISO 945-1 by the largest dimension; without a scale there are none."""
    rows: list[tuple[Cell, ...]] = []
    for specimen, mine in specimens_of(fields):
        if not all(field.calibration.pixel_um is not None for field in mine):
            continue
        feret, area = curve(mine, "particle_feret"), sample_of(mine).weight
        number = curve(mine, "particle_shape_weight")
        if len(feret) < LEAST:
            continue
        classes = np.asarray([iso_945_4.size_class(one) for one in feret.tolist()])
        for size in range(1, 9):
            inside = classes == size
            if inside.any():
                rows.append(
                    (
                        specimen,
                        size,
                        int(inside.sum()),
                        100 * float(number[inside].sum() / number.sum()),
                        100 * float(area[inside].sum() / area.sum()),
                    )
                )
    return Table(
        title=Text("graphite.title_sizes"),
        columns=(
            Text("words.specimen"),
            Text("graphite.column_size_class"),
            Text("graphite.column_counted"),
            Text("graphite.column_share_number"),
            Text("graphite.column_share_area"),
        ),
        rows=tuple(rows),
        note=Text("graphite.note_sizes"),
    )


def charts(fields: Sequence[Measured], settings: Settings, editions: Editions) -> tuple[Chart, ...]:
    """The shape factor by area with the limit of a nodule in it, and the largest dimension by number."""
    limits = limits_of(editions.job, settings)
    every = [(name, mine) for name, mine in specimens_of(fields) if len(sample_of(mine).size) >= LEAST]
    if not every:
        return ()
    edges = np.linspace(0.0, 1.0, _BINS + 1)
    feret = [curve(mine, "particle_feret") for _, mine in every]
    together = np.concatenate(feret)
    bounds = np.geomspace(float(together.min()) * 0.999, float(together.max()) * 1.001, _BINS + 1)
    _, mark = length_unit(fields)

    def shares(mine: Sequence[Measured]) -> tuple[float, ...]:
        area = sample_of(mine).weight
        found, _ = np.histogram(np.minimum(curve(mine, "particle_roundness"), 1.0), edges, weights=area)
        return tuple((100 * found / area.sum()).tolist())

    return (
        Chart(
            kind="histogram",
            title=Text("graphite.title_roundness"),
            x_label=Text("graphite.axis_roundness"),
            y_label=Text("graphite.column_share_area"),
            series=tuple(Series(name=name, x=tuple(edges.tolist()), y=shares(mine)) for name, mine in every),
            limits=((limits.nodule, Text("graphite.limit_nodule")),),
        ),
        Chart(
            kind="histogram",
            title=Text("graphite.title_dimensions"),
            x_label=Text("page.head_with_unit", head=Text("graphite.axis_dimension"), unit=mark),
            y_label=Text("graphite.column_counted"),
            series=tuple(
                Series(
                    name=name,
                    x=tuple(bounds.tolist()),
                    y=tuple(np.histogram(values, bounds)[0].astype(float).tolist()),
                )
                for (name, _), values in zip(every, feret, strict=True)
            ),
            x_scale="log",
        ),
    )
