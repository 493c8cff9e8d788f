"""The share of a class over all fields, with its budget."""

from dataclasses import replace
from math import sqrt

from inspect_tool.languages import Text, joined, named
from inspect_tool.measure.share_scatter import ShareScatter, sampling_lines
from inspect_tool.model import (
    Component,
    Editions,
    Result,
)
from inspect_tool.recipes.phase_fraction.groups import MANUAL, Group, clause_of
from inspect_tool.segmentation.titles import title_of
from inspect_tool.standards.editions import edition_of
from inspect_tool.statistics.fields import FieldStatistics, field_statistics
from inspect_tool.statistics.uncertainty import evaluated, half_range


def segmentation_line(group: Group, name: str, found: FieldStatistics) -> Component:
    """Half range over the alternatives of the field means; else half a pixel of boundary."""
    others = alternative_means(group, name)
    if others:
        means = [found.mean, *others.values()]
        return Component(
            name=Text("budget.segmentation"),
            u=half_range(means),
            kind="B",
            basis=Text(
                "phase_fraction.basis_alternative_means",
                others=joined(", ", map(title_of, others)),
                means=min(means),
                means_2=max(means),
            ),
        )
    half = field_statistics(group.lines(name, lambda lines: lines.half_pixel_percent), group.sections).mean
    return Component(
        name=Text("budget.segmentation"),
        u=half / sqrt(3),
        kind="B",
        basis=Text("phase_fraction.basis_half_pixel_boundary", half=half),
    )


def alternative_means(group: Group, name: str) -> dict[str, float]:
    """Mean area share over the fields in every alternative; a field without it keeps its own. [%]"""
    names = dict.fromkeys(other for field in group.fields for other in field.alternatives)
    return {
        other: field_statistics(
            [field.alternatives.get(other, field.values.shares).area_percent[name] for field in group.fields],
            group.sections,
        ).mean
        for other in names
    }


def sampling_of(group: Group, name: str, found: FieldStatistics) -> tuple[Component, ...]:
    """Give the lines of what the fields leave open: their scatter, or that inside a single one."""
    kept = [field.values.inner_scatter[name] for field in group.fields]
    scatters = [
        ShareScatter(u=one.inner_scatter_percent / 100, dof=one.inner_scatter_dof, areas=one.areas) for one in kept
    ]
    return sampling_lines(found, group.area_percent(name), scatters)


def area_result(group: Group, name: str, found: FieldStatistics, editions: Editions, *, main: bool) -> Result:
    """Give the area share of a class, with its budget."""
    return evaluated(
        Result(
            quantity=f"area_percent.{name}",
            specimen=group.specimen,
            value=found.mean,
            unit="%",
            n=found.n,
            clause=clause_of(edition_of(editions, "ASTM E1245"), Text("phase_fraction.clause_area_fraction")),
            definition=Text("phase_fraction.definition_area_fraction"),
            budget=(*sampling_of(group, name, found), segmentation_line(group, name, found)),
            title=Text("phase_fraction.title_area_fraction_class", name=named("terms", name))
            + (Text("phase_fraction.title_by_image_analysis") if editions.job.follows in MANUAL else ""),
            main=main,
        )
    )


def worst_field_result(group: Group, name: str, editions: Editions) -> Result:
    """The field with the largest share: one observed maximum, whose U is that of the segmentation of this field."""
    worst = max(group.fields, key=lambda field: field.values.shares.area_percent[name])
    alone = replace(group, fields=(worst,), sections=(worst.section,))
    found = field_statistics(alone.area_percent(name))
    return evaluated(
        Result(
            quantity=f"worst_field_percent.{name}",
            specimen=group.specimen,
            value=found.mean,
            unit="%",
            n=len(group.fields),
            clause=clause_of(edition_of(editions, "ASTM E1245"), Text("phase_fraction.clause_worst_field")),
            definition=Text("phase_fraction.definition_worst_field"),
            budget=(segmentation_line(alone, name, found),),
            title=Text("phase_fraction.title_worst_field_class", name=named("terms", name), field=worst.field),
        )
    )
