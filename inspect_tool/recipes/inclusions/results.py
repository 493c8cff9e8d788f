"""Results of the recipe for inclusions with their budgets."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import hypot, inf, sqrt

import numpy as np
from numpy.typing import NDArray

from inspect_tool.languages import Text, Words, joined
from inspect_tool.measure.share_scatter import ShareScatter, sampling_lines
from inspect_tool.model import Component, Editions, Result, Standard
from inspect_tool.recipes._common import alternatives_line, groups_of, limit_lines, name_of_groups, possible, scale_line
from inspect_tool.recipes.inclusions.limits import TYPES, Limits, limits_of
from inspect_tool.recipes.inclusions.settings import COUNT, LENGTH, LONGEST, PERCENT, QUANTITIES, SEVERITY
from inspect_tool.recipes.inclusions.values import Measured, Numbers, Variant
from inspect_tool.segmentation.titles import title_of
from inspect_tool.standards.editions import designation
from inspect_tool.statistics.classes import class_of, rated, steps
from inspect_tool.statistics.fields import field_statistics
from inspect_tool.statistics.samples import Floats
from inspect_tool.statistics.totals import total_per_area
from inspect_tool.statistics.uncertainty import evaluated, expanded

_FEW = 4  # inclusions of a type: from there on they say themselves how long another one might be
_VARIED: tuple[tuple[str, str, tuple[Variant, ...]], ...] = (
    ("inclusion_outline", "outline", ("wider", "narrower")),
    ("specks", "specks", ("without specks",)),
    ("gray_of_sulfides", "gray", ("gray lower", "gray higher")),
    ("limits_of_type", "aspect", ("aspect lower", "aspect higher")),
    ("joining_distance", "joined", ("joined less", "joined more")),
    ("cut_by_the_frame", "cut", ("cut less", "cut more", "cut wider", "cut longer")),
)
"""Line of the budget, end of the key of its basis, and the variants whose range it is."""


def results_of(fields: Sequence[Measured], editions: Editions) -> list[Result]:
    """All results of one specimen."""
    made = []
    if all(field.calibration.pixel_um is not None for field in fields):
        for edition in (editions.job, *editions.others):
            limits = limits_of(edition)
            made += [_severity(fields, edition, limits, series, editions) for series in limits.series]
        made.append(_count(fields, editions.job))
        made += [_length(fields, kind, editions.job) for kind in ("a", "b", "c")]
        made.append(_longest(fields, editions.job))
    made.append(_percent(fields, editions.job))
    highest = {edition.name: limits_of(edition).highest for edition in (editions.job, *editions.others)}
    return [_rated(possible(result), editions.job.name, highest) for result in made if result.budget]


def _rated(result: Result, job: str, highest: Mapping[str, float]) -> Result:
    """Give a severity its class, rounded down to half steps, and how sure it is."""
    quantity, _, rest = result.quantity.partition(".")
    if quantity != SEVERITY:
        return result
    scale = steps(0.5, highest[rest.partition(".")[2] or job])
    found = replace(result, rounded=f"{float(scale.names[class_of(result.value, scale)]):.1f}")
    return rated(found, scale, Text("inclusions.class_severity"), bounds=(0.0, inf))


def curve(fields: Sequence[Measured], name: str) -> Floats:
    """One number of every inclusion of all fields."""
    return np.concatenate([np.asarray(field.curves.get(name, ()), np.float64) for field in fields])


def worst_total(fields: Sequence[Measured], edition: str, series: str) -> float:
    """Total of one series in the worst field of a specimen."""
    return max(float(field.values.numbers.worst[f"{edition}.{series}"]) for field in fields)


def _with_one(total: float, limits: Limits, series: str) -> float:
    """Total with one inclusion of the least size more; the largest globule is at least the smallest that counts."""
    if series == "ds":
        return max(total, limits.globule.minimum_um if limits.globule else 0.0)
    return total + (1.0 if series.startswith("d") else limits.lines["D"].thin_um)


def _of(fields: Sequence[Measured], other: str) -> list[Numbers]:
    return [field.alternatives.get(other, field.values.numbers) for field in fields]


def _varied(fields: Sequence[Measured], variant: Variant) -> list[Numbers]:
    return [field.values.variants.get(variant, field.values.numbers) for field in fields]


def _others(fields: Sequence[Measured]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for field in fields for name in field.alternatives))


def _lines(
    fields: Sequence[Measured],
    value: float,
    measure: Callable[[Sequence[Numbers]], float],
    unit: Words,
    varied: int = len(_VARIED),
) -> list[Component]:
    """Lines of other segmentations, and of other ways to measure the same particles, as far as they matter."""
    made = []
    others = {name: measure(_of(fields, name)) for name in _others(fields)}
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


def _severity(fields: Sequence[Measured], edition: Standard, limits: Limits, series: str, editions: Editions) -> Result:
    """Severity of one series in the worst field: a number of this area, not of a population of fields."""

    def measure(numbers: Sequence[Numbers]) -> float:
        return limits.index(series, max(float(one.worst[f"{limits.name}.{series}"]) for one in numbers))

    value = measure([field.values.numbers for field in fields])
    total = worst_total(fields, limits.name, series)
    power = 0.0
    if value > 0:
        step = 1e-4
        power = (limits.index(series, total * (1 + step)) - value) / step
    u_rel = max(field.calibration.u_rel for field in fields)
    scale = Component(
        name=Text("budget.scale"),
        u=abs(power) * u_rel,
        kind="B",
        basis=Text("inclusions.basis_scale_severity", u_rel=100 * u_rel),
    )
    missed = Component(
        name=Text("budget.one_inclusion"),
        u=(limits.index(series, _with_one(total, limits, series)) - value) / sqrt(3),
        kind="B",
        basis=Text("inclusions.basis_one", series=Text(f"inclusions.series_{series}")),
    )
    is_job = edition.name == editions.job.name
    named = Text(f"inclusions.series_{series}")
    return evaluated(
        Result(
            quantity=f"{SEVERITY}.{series}" if is_job else f"{SEVERITY}.{series}.{edition.name}",
            specimen=fields[0].specimen,
            value=value,
            unit="1",
            n=len(fields),
            clause=joined(": ", (designation(edition), Text("inclusions.clause_severity"))),
            definition=Text("inclusions.definition_severity"),
            budget=(*_lines(fields, value, measure, ""), missed, scale),
            title=Text("inclusions.title_severity_of", series=named)
            if is_job
            else Text("inclusions.title_severity_by", series=named, edition=designation(edition)),
            main=is_job and value > 0,
        )
    )


def _per_area(
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
) -> Result:
    """Something per area of inclusions that lie at random: the sampling line is uneven, as a Poisson number has it."""
    quantity = QUANTITIES[name] if name in QUANTITIES else QUANTITIES[f"{LENGTH}.*"]
    groups = groups_of(fields)
    each = [len(field.curves["inclusion_type"]) for field in fields]
    group = np.repeat(groups, each)
    areas = np.asarray(np.bincount(groups, [float(field.values.area_mm2 or 0.0) for field in fields]), np.float64)
    counted = weights > 0
    found = total_per_area(weights[counted], group[counted], areas, None if kind is None else kind[counted], unseen)
    lines = [*_lines(fields, found.value, measure, quantity.unit, varied)]
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


def _count(fields: Sequence[Measured], edition: Standard) -> Result:
    area = sum(float(field.values.area_mm2 or 0.0) for field in fields)
    weights = curve(fields, "inclusion_particles")  # a stringer is thrown as one thing
    stringer = (curve(fields, "inclusion_members") > 1).astype(np.int64)
    return _per_area(
        fields,
        COUNT,
        weights,
        lambda numbers: sum(one.count for one in numbers) / area,
        edition,
        power=2,
        key="count",
        varied=2,
        kind=stringer,
        unseen=(1.0, 2 * limits_of(edition).particles),
    )


def _length(fields: Sequence[Measured], kind: str, edition: Standard) -> Result:
    area = sum(float(field.values.area_mm2 or 0.0) for field in fields)
    mine = curve(fields, "inclusion_type") == TYPES.index(next(one for one in TYPES if one.lower() == kind))
    length = curve(fields, "inclusion_length_um") * 1e-3
    weights = np.where(mine, length, 0.0)
    long = length[curve(fields, "inclusion_type") != TYPES.index("D")]
    few = int(mine.sum()) < _FEW  # pieces that the frame leaves of a few tell nothing of the length of whole ones
    typical = float((long**2).sum() / long.sum()) if few and len(long) else 0.0
    made = _per_area(
        fields,
        f"{LENGTH}.{kind}",
        weights,
        lambda numbers: 1e-3 * sum(float(one.length_um[kind]) for one in numbers) / area,
        edition,
        power=1,
        key="length",
        unseen=(typical,) if typical else (),
    )
    return replace(made, title=Text("inclusions.title_length_of", type=kind.upper()))


def _longest(fields: Sequence[Measured], edition: Standard) -> Result:
    def measure(numbers: Sequence[Numbers]) -> float:
        return max(one.longest_um for one in numbers)

    value = measure([field.values.numbers for field in fields])
    lines = [*_lines(fields, value, measure, "um"), scale_line(fields, value, 1, "inclusions.basis_scale")]
    return evaluated(
        Result(
            quantity=LONGEST,
            specimen=fields[0].specimen,
            value=value,
            unit="um",
            n=len(fields),
            clause=joined(": ", (designation(edition), Text("inclusions.clause_longest"))),
            definition=Text("inclusions.definition_longest"),
            budget=tuple(lines),
            title=QUANTITIES[LONGEST].title,
        )
    )


def _percent(fields: Sequence[Measured], edition: Standard) -> Result:
    """Area share of all particles that count."""
    sections = [field.section for field in fields]
    shares = [field.values.numbers.inclusion_percent for field in fields]
    found = field_statistics(shares, sections)
    scatters = [
        ShareScatter(u=field.values.inner_scatter_percent / 100, dof=field.values.inner_scatter_dof) for field in fields
    ]
    others = {
        name: field_statistics([one.inclusion_percent for one in _of(fields, name)], sections).mean
        for name in _others(fields)
    }
    half = field_statistics([field.values.half_pixel_percent for field in fields], sections).mean
    lines = alternatives_line(found.mean, others, "inclusions.basis_share", unit="%") or (
        Component(
            name=Text("budget.segmentation"),
            u=half / sqrt(3),
            kind="B",
            basis=Text("inclusions.basis_half_pixel", half=half),
        ),
    )
    return evaluated(
        Result(
            quantity=PERCENT,
            specimen=fields[0].specimen,
            value=found.mean,
            unit="%",
            n=found.n,
            clause=joined(": ", (designation(edition), Text("inclusions.clause_percent"))),
            definition=Text("inclusions.definition_percent"),
            budget=(*sampling_lines(found, shares, scatters), *lines),
            title=QUANTITIES[PERCENT].title,
            main=True,
        )
    )
