"""Results by the sizes of an edition of the laboratory's own: total indexes (method K), largest sizes (method M)."""

from collections.abc import Sequence
from dataclasses import replace
from math import inf, sqrt

import numpy as np

from inspect_tool.languages import Text, joined
from inspect_tool.model import Component, Result, Standard
from inspect_tool.recipes._common import possible
from inspect_tool.recipes.inclusions.budgets import curve, per_area, varied_lines
from inspect_tool.recipes.inclusions.limits import Type
from inspect_tool.recipes.inclusions.settings import INDEX, LARGEST
from inspect_tool.recipes.inclusions.sizes import GROUPS, SizeLimits, Sizes, factors_of, size_limits_of
from inspect_tool.recipes.inclusions.values import Measured, Numbers
from inspect_tool.standards.editions import designation
from inspect_tool.standards.formulas import inclusion_sizes
from inspect_tool.statistics.classes import ClassScale, rated
from inspect_tool.statistics.samples import Floats
from inspect_tool.statistics.uncertainty import evaluated

_ENOUGH = 100  # inclusions that count: of fewer the largest sizes may all be missing


def results_by_size(fields: Sequence[Measured], edition: Standard) -> list[Result]:
    """Total index of sulfides, oxides and all, and the largest size of every type, of one specimen."""
    limits = size_limits_of(edition)
    made = [_index(fields, edition, limits, group) for group in GROUPS]
    made += [_largest(fields, edition, limits, kind, sizes) for kind, sizes in limits.types.items()]
    return made


def _index(fields: Sequence[Measured], edition: Standard, limits: SizeLimits, group: str) -> Result:
    """Sum of number times factor over the area: a number of the steel, with what chance leaves of it."""
    area = sum(float(field.values.area_mm2 or 0.0) for field in fields)
    kind, size, share = (curve(fields, f"sizes.{limits.name}.{name}") for name in ("type", "size", "share"))
    factors = factors_of(kind.astype(np.int64), size, limits, group)

    def measure(numbers: Sequence[Numbers]) -> float:
        total = sum(float(one.index_sums[f"{limits.name}.{group}"]) for one in numbers)
        return inclusion_sizes.total_index(total, area)

    made = per_area(
        fields,
        f"{INDEX}.{group}.{limits.name}",
        inclusion_sizes.PER_MM2 * factors * share,
        measure,
        edition,
        power=2,
        key="index",
        unseen=(inclusion_sizes.PER_MM2 * unseen_factor(limits, factors, group),),
        of=f"sizes.{limits.name}.type",
    )
    named = Text(f"inclusions.group_{group}")
    title = Text("inclusions.title_index_by", group=named, least=limits.least_size, edition=designation(edition))
    return possible(replace(made, title=title))


def unseen_factor(limits: SizeLimits, factors: Floats, group: str) -> float:
    """Factor of an inclusion that might have been there, too: of the size next to the largest that was seen, and of the
    largest of all where few were seen. Rare large inclusions carry much of an index."""
    counting = {
        sizes.factor(size, limits.least_size)
        for kind, sizes in limits.types.items()
        if kind in GROUPS[group]
        for size in range(sizes.first, sizes.last + 1)
    }
    if np.count_nonzero(factors) < _ENOUGH:
        return max(counting, default=0.0)
    seen = float(factors.max())
    return min((one for one in counting if one > seen), default=seen)


def _largest(fields: Sequence[Measured], edition: Standard, limits: SizeLimits, kind: Type, sizes: Sizes) -> Result:
    """Size of the largest inclusion of a type: a number of this area, of the cut ones as far as they are seen."""
    key, least = f"{limits.name}.{kind.lower()}", float(sizes.first - 1)

    def measure(numbers: Sequence[Numbers]) -> float:
        return max(least, *(float(one.largest_sizes.get(key, least)) for one in numbers))

    value = measure([field.values.numbers for field in fields])
    u_rel = max(field.calibration.u_rel for field in fields)
    scale = Component(
        name=Text("budget.scale"),
        u=sizes.per_scale * u_rel if value > least else 0.0,
        kind="B",
        basis=Text("inclusions.basis_scale_size", u_rel=100 * u_rel),
    )
    missed = Component(
        name=Text("budget.one_inclusion"),
        u=max(sizes.first - value, 0.0) / sqrt(3),
        kind="B",
        basis=Text("inclusions.basis_one_size", size=sizes.first),
    )
    result = evaluated(
        Result(
            quantity=f"{LARGEST}.{kind.lower()}.{limits.name}",
            specimen=fields[0].specimen,
            value=value,
            unit="1",
            n=len(fields),
            clause=joined(": ", (designation(edition), Text("inclusions.clause_largest"))),
            definition=Text("inclusions.definition_largest"),
            budget=(*varied_lines(fields, value, measure, ""), missed, scale),
            title=Text("inclusions.title_largest_by", type=kind, edition=designation(edition)),
        )
    )
    low, high = result.interval or (value, value)
    bounded = replace(result, interval=(max(low, least), high), rounded=str(sizes.size_class(value)))
    names = (Text("inclusions.size_below", size=sizes.first), *map(str, range(sizes.first, sizes.last + 1)))
    classes = ClassScale(names=names, limits=tuple(map(float, range(sizes.first, sizes.last + 1))))
    return rated(bounded, classes, Text("inclusions.class_size"), bounds=(least, inf))
