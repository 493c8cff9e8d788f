"""Results of the recipe for decarburization with their budgets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np

from inspect_tool.languages import Text, joined
from inspect_tool.model import Component, Result, Standard
from inspect_tool.recipes._common import alternatives_line, only, possible, scale_line, tilt_line
from inspect_tool.recipes.decarburisation.settings import (
    CORE,
    DEPTHS,
    QUANTITIES,
    WHICH,
    Depth,
    Settings,
    Which,
    quantity_of,
)
from inspect_tool.recipes.decarburisation.values import Doubt, Measured, Numbers
from inspect_tool.standards.editions import designation
from inspect_tool.statistics.fields import FieldStatistics, field_statistics, scatter_line
from inspect_tool.statistics.uncertainty import coverage_factor, evaluated, excess_of_largest

_SURFACE_PX = 0.5  # the surface is known to half a pixel
_CHANCE = 50.0  # probability that nothing changed, from which no decarburization is told of [%]
_MAIN = (quantity_of("mean", "total"), quantity_of("maximum", "total"), quantity_of("mean", "complete"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """One place of one field; lengths in um."""

    depth: float
    u: float
    factor: float  # over the depth of its field


def results_of(fields: Sequence[Measured], settings: Settings, standard: Standard) -> list[Result]:
    """All results of one specimen; without a scale only the ferrite of the core."""
    scaled = all(field.calibration.pixel_um is not None for field in fields)
    made = []
    if scaled:
        made += [_depth(fields, which, depth, settings, standard) for depth in DEPTHS for which in WHICH]
    return [*made, _core(fields, standard, main=not scaled)]


def depth_of(numbers: Numbers, depth: Depth) -> float:
    """A depth of one segmentation of one field, in its own unit."""
    return only(getattr(numbers, f"{depth}_depth"))


def doubt_of(field: Measured, depth: Depth) -> Doubt:
    """What one field leaves open of a depth."""
    return field.values.doubts[depth]


def is_unchanged(fields: Sequence[Measured]) -> bool:
    """Whether the core reaches the surface in every field of a specimen: there is no decarburization to tell of."""
    return all(field.values.unchanged_percent >= _CHANCE for field in fields)


def structure_of(fields: Sequence[Measured]) -> float:
    """Depth over which neighbors go together, about a grain: no layer of ferrite is told that is thinner."""
    return float(np.mean([only(field.values.structure) for field in fields]))


def no_ferrite_layer(fields: Sequence[Measured]) -> bool:
    """Whether complete decarburization is not thicker than a grain."""
    return _means(fields, "complete").mean <= structure_of(fields)


def _means(fields: Sequence[Measured], depth: Depth) -> FieldStatistics:
    return field_statistics(
        [depth_of(field.values.numbers, depth) for field in fields], [field.section for field in fields]
    )


def _places(fields: Sequence[Measured], depth: Depth) -> list[_Place]:
    made = []
    for field in fields:
        mean, total = (depth_of(field.values.numbers, one) for one in (depth, "total"))
        for row in field.features.to_dict("records"):
            factor = row["total_depth_um"] / total if total > 0 else 1.0
            u_rel = row["total_depth_u_um"] / row["total_depth_um"] if row["total_depth_um"] > 0 else 0.0
            made.append(_Place(depth=factor * mean, u=u_rel * factor * mean, factor=factor))
    return made


def _chosen(places: Sequence[_Place], which: Which) -> _Place:
    pick = max if which == "maximum" else min
    return pick(places, key=lambda one: one.depth)


def _depth(fields: Sequence[Measured], which: Which, depth: Depth, settings: Settings, standard: Standard) -> Result:
    found = _means(fields, depth)
    places = _places(fields, depth)
    factor = 1.0 if which == "mean" else _chosen(places, which).factor
    value = found.mean if which == "mean" else _chosen(places, which).depth
    budget = [
        *(_by_chance(fields, depth, found) if which == "mean" else _of_a_place(places, which)),
        *_others(fields, depth, found.mean, factor),
        _shapes(fields, depth, factor),
        *_surface(fields, depth),
        scale_line(fields, value, 1, "decarburisation.basis_scale"),
        *tilt_line(value, settings.tilt_deg, "decarburisation.basis_tilt"),
    ]
    if depth != "total":
        budget.append(_structure(fields))
    quantity = quantity_of(which, depth)
    result = evaluated(
        Result(
            quantity=quantity,
            specimen=fields[0].specimen,
            value=value,
            unit="um",
            n=len(places),
            n_of=Text("decarburisation.n_of_places"),
            clause=joined(
                ": ",
                (
                    designation(standard),
                    Text(f"decarburisation.clause_{depth}", reached=_shown(depth, settings.reached_percent)),
                ),
            ),
            definition=Text(f"decarburisation.definition_{which}", reached=settings.reached_percent),
            budget=tuple(budget),
            title=Text(
                "decarburisation.title_to",
                title=QUANTITIES[quantity].title,
                reached=_shown(depth, settings.reached_percent),
            ),
            main=quantity in _MAIN,
        )
    )
    if is_unchanged(fields):
        bound = max(only(field.values.bound) for field in fields) * factor
        return _none(result, bound, Text("decarburisation.basis_none", bound=bound))
    if depth == "complete" and no_ferrite_layer(fields):
        bound = value + float(result.expanded_u or 0.0)
        words = Text("decarburisation.basis_no_ferrite", structure=structure_of(fields), bound=bound)
        return _none(result, bound, words)
    return possible(result)


def _shown(depth: Depth, reached: float) -> float:
    """Share of the core's structure that a depth ends at. [%]"""
    return 100 - reached if depth == "complete" else reached


def _none(result: Result, bound: float, basis: Text) -> Result:
    """A depth of nothing, up to a bound: what is less is not told."""
    line = Component(name=Text("budget.least_depth"), u=bound / coverage_factor(None), kind="B", basis=basis)
    bare = replace(result, value=0.0, budget=(line,), u=None, expanded_u=None, interval=(0.0, bound))
    return evaluated(bare)


def _by_chance(fields: Sequence[Measured], depth: Depth, found: FieldStatistics) -> tuple[Component, ...]:
    """What varies between the fields, or along the surface inside a single one."""
    between = scatter_line(found)
    if between:
        return between
    doubt = doubt_of(fields[0], depth)
    name = Text("budget.scatter_inside_the_fields")
    if not doubt.inner:
        words = Text("decarburisation.basis_few")
        return (Component(name=name, u=max(found.mean, 1e-9), kind="B", dof=1.0, basis=words),)
    words = Text("decarburisation.basis_along", surface=only(fields[0].values.surface))
    return (Component(name=name, u=only(doubt.inner), kind="B", dof=doubt.inner_dof, basis=words),)


def _of_a_place(places: Sequence[_Place], which: Which) -> tuple[Component, ...]:
    """How well one place is known, and that the largest of several is more than it is, as each has an error."""
    chosen = _chosen(places, which)
    sign = 1.0 if which == "maximum" else -1.0
    rivals, excess = excess_of_largest([sign * one.depth for one in places], [one.u for one in places])
    made = [
        Component(name=Text("budget.one_place"), u=chosen.u, kind="B", basis=Text("decarburisation.basis_one_place"))
    ]
    if excess > 0:
        words = Text("decarburisation.basis_chosen", rivals=rivals, excess=excess)
        made.append(Component(name=Text("budget.chosen_place"), u=excess, kind="B", basis=words))
    return tuple(made)


def _others(fields: Sequence[Measured], depth: Depth, mean: float, factor: float) -> tuple[Component, ...]:
    names = dict.fromkeys(name for field in fields for name in field.alternatives)
    others = {
        name: factor
        * field_statistics(
            [depth_of(field.alternatives.get(name, field.values.numbers), depth) for field in fields],
            [field.section for field in fields],
        ).mean
        for name in names
    }
    return alternatives_line(factor * mean, others, "decarburisation.basis_alternatives")


def _shapes(fields: Sequence[Measured], depth: Depth, factor: float) -> Component:
    u = factor * float(np.mean([only(doubt_of(field, depth).shapes) for field in fields]))
    return Component(
        name=Text("budget.shape_of_the_profile"), u=u, kind="B", basis=Text("decarburisation.basis_shapes")
    )


def _surface(fields: Sequence[Measured], depth: Depth) -> tuple[Component, ...]:
    """The line that depths are measured from; the partial depth does not begin at it."""
    if depth == "partial":
        return ()
    pixel_um = max(float(field.calibration.pixel_um or 0.0) for field in fields)
    words = Text("decarburisation.basis_surface", half=_SURFACE_PX)
    return (Component(name=Text("budget.surface_line"), u=_SURFACE_PX / sqrt(3) * pixel_um, kind="B", basis=words),)


def _structure(fields: Sequence[Measured]) -> Component:
    """A layer of ferrite ends between two grains of pearlite: somewhere within a grain."""
    size = structure_of(fields)
    return Component(
        name=Text("budget.size_of_the_structure"),
        u=size / sqrt(12),
        kind="B",
        basis=Text("decarburisation.basis_structure", size=size),
    )


def _core(fields: Sequence[Measured], standard: Standard, *, main: bool) -> Result:
    found = field_statistics(
        [field.values.numbers.core_ferrite_percent for field in fields], [field.section for field in fields]
    )
    names = dict.fromkeys(name for field in fields for name in field.alternatives)
    others = {
        name: field_statistics(
            [field.alternatives.get(name, field.values.numbers).core_ferrite_percent for field in fields],
            [field.section for field in fields],
        ).mean
        for name in names
    }
    values = fields[0].values
    inner = Component(
        name=Text("budget.scatter_inside_the_fields"),
        u=found.mean if values.core_inner_percent is None else values.core_inner_percent,
        kind="B",
        dof=1.0 if values.core_inner_percent is None else values.core_inner_dof,
        basis=Text("decarburisation.basis_core"),
    )
    result = evaluated(
        Result(
            quantity=CORE,
            specimen=fields[0].specimen,
            value=found.mean,
            unit="%",
            n=found.n,
            clause=joined(": ", (designation(standard), Text("decarburisation.clause_core"))),
            definition=Text("decarburisation.definition_core"),
            budget=(
                *(scatter_line(found) or (inner,)),
                *alternatives_line(found.mean, others, "decarburisation.basis_alternatives_core"),
            ),
            title=QUANTITIES[CORE].title,
            main=main,
        )
    )
    return possible(result)
