"""Budgets of the results for inclusions: other ways to measure them, and inclusions at random places."""

from collections.abc import Callable, Sequence
from math import hypot, sqrt

import numpy as np
from numpy.typing import NDArray

from inspect_tool.languages import Text, Words, joined
from inspect_tool.model import Component, Result, Standard
from inspect_tool.recipes._common import groups_of, limit_lines, name_of_groups, scale_line
from inspect_tool.recipes.inclusions.settings import QUANTITIES
from inspect_tool.recipes.inclusions.values import Measured, Numbers, Variant
from inspect_tool.segmentation.titles import title_of
from inspect_tool.standards.editions import designation
from inspect_tool.statistics.samples import Floats
from inspect_tool.statistics.totals import total_per_area
from inspect_tool.statistics.uncertainty import evaluated, expanded

_VARIED: tuple[tuple[str, str, tuple[Variant, ...]], ...] = (
    ("inclusion_outline", "outline", ("wider", "narrower")),
    ("specks", "specks", ("without specks",)),
    ("gray_of_sulfides", "gray", ("gray lower", "gray higher")),
    ("limits_of_type", "aspect", ("aspect lower", "aspect higher")),
    ("joining_distance", "joined", ("joined less", "joined more")),
    ("cut_by_the_frame", "cut", ("cut less", "cut more", "cut wider", "cut longer")),
)
"""Line of the budget, end of the key of its basis, and the variants whose range it is."""


def curve(fields: Sequence[Measured], name: str) -> Floats:
    """One number of every inclusion of all fields."""
    return np.concatenate([np.asarray(field.curves.get(name, ()), np.float64) for field in fields])


def numbers_of(fields: Sequence[Measured], other: str) -> list[Numbers]:
    """Numbers of all fields by another segmentation; of fields that have it not by their own."""
    return [field.alternatives.get(other, field.values.numbers) for field in fields]


def _varied(fields: Sequence[Measured], variant: Variant) -> list[Numbers]:
    return [field.values.variants.get(variant, field.values.numbers) for field in fields]


def names_of_others(fields: Sequence[Measured]) -> tuple[str, ...]:
    """Name the other segmentations of all fields."""
    return tuple(dict.fromkeys(name for field in fields for name in field.alternatives))


def varied_lines(
    fields: Sequence[Measured],
    value: float,
    measure: Callable[[Sequence[Numbers]], float],
    unit: Words,
    varied: int = len(_VARIED),
) -> list[Component]:
    """Lines of other segmentations, and of other ways to measure the same particles, as far as they matter."""
    made = []
    others = {name: measure(numbers_of(fields, name)) for name in names_of_others(fields)}
    if others:
        listed = joined(", ", map(title_of, others))
        made.append(_line(Text("budget.segmentation"), value, [*others.values()], "alternatives", unit, others=listed))
    for line, basis, variants in _VARIED[:varied]:
        moved = [measure(_varied(fields, variant)) for variant in variants]
        made.append(_line(Text(f"budget.{line}"), value, moved, basis, unit))
    return made


def _line(name: Words, value: float, moved: Sequence[float], basis: str, unit: Words, **more: Words) -> Component:
    """Line of other values that are as plausible: totals jump where an inclusion changes its series, so that the value
    may lie at an end of their range; its error is then as large as the largest change, and even up to there."""
    return Component(
        name=name,
        u=max(abs(one - value) for one in moved) / sqrt(3),
        kind="B",
        basis=Text(f"inclusions.basis_{basis}", low=min(value, *moved), high=max(value, *moved), unit=unit, **more),
    )


def per_area(
    fields: Sequence[Measured],
    name: str,
    weights: Floats,
    measure: Callable[[Sequence[Numbers]], float],
    edition: Standard,
    *,
    power: int,
    key: str,
    varied: int = len(_VARIED),
    kind: NDArray[np.int64] | None = None,
    unseen: Sequence[float] = (),
    of: str = "inclusion_type",
) -> Result:
    """Something per area of inclusions that lie at random: the sampling line is uneven, as a Poisson number has it.

    ``of`` names a curve of the inclusions that have the weights, field after field.
    """
    quantity = QUANTITIES[name] if name in QUANTITIES else QUANTITIES[f"{name.split('.')[0]}.*"]
    groups = groups_of(fields)
    each = [len(field.curves.get(of, ())) for field in fields]
    group = np.repeat(groups, each)
    areas = np.asarray(np.bincount(groups, [float(field.values.area_mm2 or 0.0) for field in fields]), np.float64)
    counted = weights > 0
    found = total_per_area(weights[counted], group[counted], areas, None if kind is None else kind[counted], unseen)
    lines = [*varied_lines(fields, found.value, measure, quantity.unit, varied)]
    lines.append(scale_line(fields, found.value, power, "inclusions.basis_scale"))
    what = name_of_groups(fields)
    budget = limit_lines(
        found,
        len(areas),
        alone=(
            Text("budget.between_inclusions"),
            Text("inclusions.basis_inclusions", n=int(counted.sum()), effective=found.effective),
        ),
        beyond=(Text("budget.between", what=what), Text("inclusions.basis_groups", what=what)),
    )
    return evaluated(
        Result(
            quantity=name,
            specimen=fields[0].specimen,
            value=found.value,
            unit=quantity.unit,
            n=len(fields),
            clause=joined(": ", (designation(edition), Text(f"inclusions.clause_{key}"))),
            definition=Text(f"inclusions.definition_{key}"),
            budget=(*budget, *lines) if counted.any() or unseen else (),
            interval=(
                found.value - hypot(found.value - found.together[0], expanded(lines)),
                found.value + hypot(found.together[1] - found.value, expanded(lines)),
            )
            if counted.any() or unseen
            else None,
            title=quantity.title,
        )
    )
