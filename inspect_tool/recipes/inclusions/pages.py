"""What the report of inclusions shows besides its results: tables, charts and the statements of the method."""

from collections.abc import Mapping, Sequence

import numpy as np

from inspect_tool.languages import Text, Words, joined, recognized
from inspect_tool.model import Cell, Chart, Editions, Result, Series, Standard, Statement, Table, Wording
from inspect_tool.recipes._common import specimens_of
from inspect_tool.recipes.inclusions.budgets import curve
from inspect_tool.recipes.inclusions.limits import TYPES, limits_of, of_severities, of_sizes
from inspect_tool.recipes.inclusions.results import worst_total
from inspect_tool.recipes.inclusions.settings import SEVERITY, Settings
from inspect_tool.recipes.inclusions.sizes import size_limits_of
from inspect_tool.recipes.inclusions.values import Measured
from inspect_tool.standards.editions import designation
from inspect_tool.standards.formulas.iso_4967 import severity_class

WORDING = Wording(
    titles={
        "inclusion": Text("inclusions.title_percent"),
        "particles": Text("inclusions.column_particles"),
        "count": Text("inclusions.column_count"),
        "length": Text("inclusions.column_length_total"),
        "longest": Text("inclusions.title_longest"),
        "worst": Text("inclusions.column_worst"),
        "below_minimum": Text("inclusions.column_below"),
        "too_thin": Text("inclusions.column_too_thin"),
        "oversize": Text("inclusions.column_oversize"),
        "joined": Text("inclusions.column_joined"),
        "direction": Text("inclusions.column_direction"),
        "direction_found": Text("inclusions.column_direction_found"),
        "aligned": Text("inclusions.column_aligned"),
        "half_pixel": Text("heads.half_a_pixel_of_boundary"),
        "inner_scatter": Text("heads.inner_scatter"),
        "inner_scatter_dof": Text("heads.inner_scatter_dof"),
        "counts": Text("inclusions.column_counts"),
        "count_weight": Text("inclusions.column_count_weight"),
        "darkness": Text("inclusions.column_darkness"),
        "outline_ratio": Text("inclusions.column_outline_ratio"),
        "sulfide": Text("inclusions.column_sulfide"),
        "sulfide_darkness": Text("inclusions.column_sulfide_darkness"),
        "sulfides_told": Text("inclusions.column_sulfides_told"),
        "type": Text("inclusions.column_type"),
        "thickness": Text("inclusions.column_thickness"),
        "width": Text("inclusions.head_width"),
        "whole_width": Text("inclusions.head_whole_width"),
        "unsure": Text("inclusions.head_unsure"),
        **{f"length_um.{kind}": Text("inclusions.head_length", type=kind.upper()) for kind in "abc"},
        **{
            f"worst.{edition}.{series}": Text(
                "inclusions.head_worst", series=Text(f"inclusions.series_{series}"), edition=name
            )
            for edition, name in (("iso_4967_2013", "ISO 4967"), ("astm_e45_2018", "ASTM E45"))
            for series in (*(f"{kind}_{thick}" for kind in "abcd" for thick in ("thin", "heavy")), "ds")
        },
    },
    feature="particle",
)

_BINS = 25


def statements(settings: Settings, editions: Editions) -> tuple[Statement, ...]:
    """How the numbers were made, for the method block."""
    job = limits_of(editions.job)
    gray = Text("inclusions.gray_of_classes") if settings.sulfides else Text("inclusions.gray_text")
    if not settings.sulfides:
        stated = settings.sulfide_darkness
        gray += Text("inclusions.gray_auto") if stated == "auto" else Text("inclusions.gray_stated", darkness=stated)
    direction = (
        Text("inclusions.direction_auto")
        if settings.rolling_direction_deg == "auto"
        else Text("inclusions.direction_stated", direction=settings.rolling_direction_deg)
    )
    made = [
        Statement(
            name=Text("inclusions.types"),
            text=Text(
                "inclusions.types_text",
                elongated=job.elongated,
                globular=job.globular,
                particles=int(job.particles),
                edition=designation(editions.job),
            ),
        ),
        Statement(name=Text("inclusions.sulfides"), text=gray),
        Statement(
            name=Text("inclusions.stringers"),
            text=Text(
                "inclusions.stringers_text",
                along=job.along_um,
                across=job.across_um,
                tolerance=job.direction_deg,
                direction=direction,
            ),
        ),
        Statement(name=Text("inclusions.worst_field"), text=Text("inclusions.worst_field_text", side=job.side_um)),
        Statement(
            name=Text("inclusions.counted"),
            text=Text("inclusions.counted_text", minimum=settings.minimum_um, minimum_px2=settings.minimum_px2),
        ),
    ]
    made += [
        Statement(
            name=Text("inclusions.sizes", edition=designation(edition)),
            text=Text("inclusions.sizes_text", least=size_limits_of(edition).least_size),
        )
        for edition in of_sizes(editions)
    ]
    for edition in (editions.job, *editions.others):
        if edition.notes:
            notes = joined(" ", (recognized("notes", note) for note in edition.notes))
            made.append(Statement(name=designation(edition), text=notes))
    return tuple(made)


def tables(fields: Sequence[Measured], results: Sequence[Result], editions: Editions) -> tuple[Table, ...]:
    """Severities of the worst fields by all editions, inclusions by size, fields by severity, and what is oversize."""
    made = [
        _severities(fields, results, editions),
        *(_by_size(fields, edition) for edition in of_sizes(editions)),
        *_grids(fields, editions),
        _oversize(fields, editions),
    ]
    return tuple(table for table in made if table.rows)


def _severities(fields: Sequence[Measured], results: Sequence[Result], editions: Editions) -> Table:
    by_name = {(result.specimen, result.quantity): result for result in results}
    rows: list[tuple[Cell, ...]] = []
    for specimen, mine in specimens_of(fields):
        for edition in of_severities(editions):
            limits = limits_of(edition)
            for series in limits.series:
                name = f"{SEVERITY}.{series}" + ("" if edition is editions.job else f".{edition.name}")
                result = by_name.get((specimen, name))
                if result is None or (result.value == 0 and not result.u):
                    continue
                rows.append(
                    (
                        specimen,
                        designation(edition),
                        Text(f"inclusions.series_{series}"),
                        worst_total(mine, edition.name, series),
                        result.value,
                        result.expanded_u,
                        _step(float(result.rounded or 0.0)),
                        _sure(result),
                    )
                )
    return Table(
        title=Text("inclusions.title_severities"),
        columns=(
            Text("words.specimen"),
            Text("inclusions.column_edition"),
            Text("inclusions.column_series"),
            Text("inclusions.column_total"),
            Text("inclusions.column_severity"),
            Text("inclusions.column_u"),
            Text("inclusions.column_class"),
            Text("inclusions.column_classes"),
        ),
        rows=tuple(rows),
        note=Text("inclusions.note_severities"),
    )


def _step(value: float) -> Words:
    return Text("inclusions.class_step", value=value)


def _sure(result: Result) -> Words:
    """Classes that are worth naming, each with its probability. [%]"""
    shares = () if result.rating is None else result.rating.classes
    return joined(
        ", ",
        (
            Text("inclusions.class_with_share", value=float(one.name), percent=100 * one.probability)
            for one in shares
            if one.probability is not None
        ),
    )


def _by_size(fields: Sequence[Measured], edition: Standard) -> Table:
    """Number of inclusions of every type by size, of those that lie wholly in a field."""
    limits = size_limits_of(edition)
    first, last = min(one.first for one in limits.types.values()), max(one.last for one in limits.types.values())
    rows: list[tuple[Cell, ...]] = []
    below = 0
    for specimen, mine in specimens_of(fields):
        kinds, sizes, shares = (curve(mine, f"sizes.{limits.name}.{name}") for name in ("type", "size", "share"))
        for kind, own in limits.types.items():
            whole = (kinds == TYPES.index(kind)) & (shares > 0)
            classes = [own.size_class(size) for size in sizes[whole].tolist()]
            below += sum(one < own.first for one in classes)
            if classes:
                rows.append((specimen, kind, *(classes.count(size) for size in range(first, last + 1))))
    return Table(
        title=Text("inclusions.title_sizes", edition=designation(edition)),
        columns=(
            Text("words.specimen"),
            Text("inclusions.column_type"),
            *(Text("inclusions.column_size", size=size) for size in range(first, last + 1)),
        ),
        rows=tuple(rows),
        note=Text("inclusions.note_sizes", below=below),
    )


def _grids(fields: Sequence[Measured], editions: Editions) -> list[Table]:
    """Number of fields of a grid by their severity, a table for each edition."""
    made = []
    for edition in of_severities(editions):
        limits = limits_of(edition)
        every = [
            severity_class(value, limits.highest)
            for series in limits.series
            for value in curve(fields, f"grid.{edition.name}.{series}").tolist()
        ]
        steps = [step / 2 for step in range(int(2 * max(every, default=0.0)) + 1)]
        rows: list[tuple[Cell, ...]] = []
        for specimen, mine in specimens_of(fields):
            for series in limits.series:
                found = curve(mine, f"grid.{edition.name}.{series}")
                classes = [severity_class(value, limits.highest) for value in found.tolist()]
                if any(classes):
                    rows.append(
                        (specimen, Text(f"inclusions.series_{series}"), *(classes.count(step) for step in steps))
                    )
        made.append(
            Table(
                title=Text("inclusions.title_grid", edition=designation(edition)),
                columns=(Text("words.specimen"), Text("inclusions.column_series"), *map(_step, steps)),
                rows=tuple(rows),
                note=Text("inclusions.note_grid"),
            )
        )
    return made


def _oversize(fields: Sequence[Measured], editions: Editions) -> Table:
    limits = limits_of(editions.job)
    rows: list[tuple[Cell, ...]] = []
    for field in fields:
        kinds, lengths, widths = (field.curves[f"inclusion_{name}"] for name in ("type", "length_um", "width_um"))
        for number, length, width in zip(kinds, lengths, widths, strict=True):
            kind = TYPES[int(number)]
            if limits.lines[kind].thickness(width) == "oversize" or (kind != "D" and length > limits.side_um):
                rows.append((field.specimen, field.field, kind, length, width))
    return Table(
        title=Text("inclusions.title_oversize"),
        columns=(
            Text("words.specimen"),
            Text("words.field"),
            Text("inclusions.column_type"),
            Text("inclusions.column_length"),
            Text("inclusions.column_width"),
        ),
        rows=tuple(sorted(rows, key=lambda row: -float(row[3] or 0))[:30]),
        note=Text("inclusions.note_oversize"),
    )


def charts(fields: Sequence[Measured]) -> tuple[Chart, ...]:
    """The darkness by area with the limit of sulfides in it, and the lengths by type."""
    made = []
    if len(curve(fields, "particle_darkness")):
        edges = np.linspace(0.0, 1.2, _BINS + 1)
        made.append(
            Chart(
                kind="histogram",
                title=Text("inclusions.title_darkness"),
                x_label=Text("inclusions.axis_darkness"),
                y_label=Text("inclusions.axis_area"),
                series=tuple(
                    Series(name=name, x=tuple(edges.tolist()), y=_shares(mine, edges))
                    for name, mine in specimens_of(fields)
                ),
                limits=((_limit(fields), Text("inclusions.limit_sulfide")),),
            )
        )
    lengths, kinds = curve(fields, "inclusion_length_um"), curve(fields, "inclusion_type")
    if len(lengths) > 1 and lengths.max() > lengths.min():
        bounds = np.geomspace(float(lengths.min()) * 0.999, float(lengths.max()) * 1.001, _BINS + 1)
        by_type: Mapping[str, Sequence[float]] = {
            kind: np.histogram(lengths[kinds == number], bounds)[0].astype(float).tolist()
            for number, kind in enumerate(TYPES)
        }
        made.append(
            Chart(
                kind="histogram",
                title=Text("inclusions.title_lengths"),
                x_label=Text("page.head_with_unit", head=Text("inclusions.axis_length"), unit="µm"),
                y_label=Text("inclusions.axis_number"),
                series=tuple(
                    Series(name=kind, x=tuple(bounds.tolist()), y=tuple(counts))
                    for kind, counts in by_type.items()
                    if any(counts)
                ),
                x_scale="log",
            )
        )
    return tuple(made)


def _limit(fields: Sequence[Measured]) -> float:
    """Middle one of the limits of the fields."""
    return float(np.median([field.values.sulfide_darkness or 0.0 for field in fields]))


def _shares(fields: Sequence[Measured], edges: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[float, ...]:
    area = curve(fields, "particle_area_px2")
    found, _ = np.histogram(np.minimum(curve(fields, "particle_darkness"), edges[-1]), edges, weights=area)
    return tuple((100 * found / max(float(area.sum()), 1.0)).tolist())
