"""Results of the confluence recipe with their budgets."""

from collections.abc import Sequence
from dataclasses import replace
from math import sqrt
from typing import Literal

from inspect_tool.languages import Text, joined
from inspect_tool.measure.share_scatter import ShareScatter, sampling_lines
from inspect_tool.model import Component, Result, Standard
from inspect_tool.recipes._common import alternatives_line, possible, scale_line
from inspect_tool.recipes.confluence.settings import COUNTED, COVERED, QUANTITIES, Settings
from inspect_tool.recipes.confluence.values import Measured, Numbers
from inspect_tool.standards.editions import designation
from inspect_tool.statistics.fields import FieldStatistics, field_statistics, scatter_line
from inspect_tool.statistics.uncertainty import evaluated


def results_of(fields: Sequence[Measured], settings: Settings, standard: Standard) -> list[Result]:
    """All results of one specimen."""
    made = []
    if settings.count != "nuclei":
        made.append(_covered(fields, standard))
    if settings.count != "nothing":
        made.append(_counted(fields, settings, standard))
    return made


def shares_of(fields: Sequence[Measured]) -> list[float]:
    """Share that is covered in every field. [%]"""
    return [float(field.values.numbers.covered_percent or 0.0) for field in fields]


def statistics_of(fields: Sequence[Measured], values: Sequence[float]) -> FieldStatistics:
    """Mean and spread of one value per field, sections apart."""
    return field_statistics(values, [field.section for field in fields])


def _covered(fields: Sequence[Measured], standard: Standard) -> Result:
    shares = shares_of(fields)
    found = statistics_of(fields, shares)
    others = _means(fields, "covered_percent")
    if others:
        (segmentation,) = alternatives_line(found.mean, others, "confluence.basis_alternatives", unit="%")
    else:
        half = statistics_of(fields, [float(f.values.numbers.half_pixel_percent or 0.0) for f in fields]).mean
        segmentation = Component(
            name=Text("budget.segmentation"),
            u=half / sqrt(3),
            kind="B",
            basis=Text("confluence.basis_half_pixel", half=half),
        )
    result = evaluated(
        Result(
            quantity=COVERED,
            specimen=fields[0].specimen,
            value=found.mean,
            unit="%",
            n=found.n,
            clause=joined(": ", (designation(standard), Text("confluence.clause_covered"))),
            definition=Text("confluence.definition_covered"),
            budget=(*sampling_lines(found, shares, _scatters(fields, "inner")), segmentation),
            title=QUANTITIES[COVERED].title,
            main=True,
        )
    )
    return possible(result)


def _counted(fields: Sequence[Measured], settings: Settings, standard: Standard) -> Result:
    """Objects per area. Their centers are a share of the pixels, whose scatter is that of any share."""
    name = COUNTED[settings.count]
    counts = [float(field.values.numbers.counted_per_mm2 or 0.0) for field in fields]
    found = statistics_of(fields, counts)
    # number per mm2 at which the centers would be 1 % of the pixels of a field
    percents = [1e-2 * field.values.area_px2 / float(field.values.area_mm2 or 1.0) for field in fields]
    unit = sum(percents) / len(percents)
    shares = [count / unit for count in counts]
    lines = sampling_lines(statistics_of(fields, shares), shares, _scatters(fields, "counted"))
    seen = scatter_line(found)  # the first of them, with its words in the unit of the number
    budget = [*seen, *(replace(line, u=line.u * unit) for line in lines[len(seen) :])]
    others = _means(fields, "counted_per_mm2")
    budget += alternatives_line(found.mean, others, "confluence.basis_alternatives", unit="1/mm2")
    budget.append(scale_line(fields, found.mean, 2, "confluence.basis_scale"))
    result = evaluated(
        Result(
            quantity=name,
            specimen=fields[0].specimen,
            value=found.mean,
            unit="1/mm2",
            n=found.n,
            clause=joined(": ", (designation(standard), Text("confluence.clause_counted"))),
            definition=Text("confluence.definition_counted", minimum_px2=settings.minimum_px2),
            budget=tuple(budget),
            title=QUANTITIES[name].title,
            main=True,
        )
    )
    return possible(result)


def _scatters(fields: Sequence[Measured], what: Literal["inner", "counted"]) -> list[ShareScatter]:
    values = [field.values for field in fields]
    return [
        ShareScatter(u=float(one[f"{what}_scatter_percent"]) / 100, dof=float(one[f"{what}_scatter_dof"]))
        for one in values
    ]


def _means(fields: Sequence[Measured], name: str) -> dict[str, float]:
    """Mean over the fields in every alternative; a field without it keeps its own."""
    names = dict.fromkeys(other for field in fields for other in field.alternatives)

    def value(numbers: Numbers) -> float:
        return float(getattr(numbers, name) or 0.0)

    return {
        other: statistics_of(
            fields, [value(field.alternatives.get(other, field.values.numbers)) for field in fields]
        ).mean
        for other in names
    }
