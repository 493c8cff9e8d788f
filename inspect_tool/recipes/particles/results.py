"""Results of the particle recipe with their budgets."""

from collections.abc import Sequence
from dataclasses import replace
from math import exp, log, sqrt

import numpy as np

from inspect_tool.languages import Text
from inspect_tool.model import Component, Editions, Result
from inspect_tool.recipes._common import groups_of, limit_lines, name_of_groups, scale_line
from inspect_tool.recipes.particles import sampling
from inspect_tool.recipes.particles.settings import POWERS, QUANTITIES, SHARES, SIZES, Settings
from inspect_tool.recipes.particles.values import Measured
from inspect_tool.standards.editions import designation, edition_of
from inspect_tool.standards.formulas import iso_9276_2
from inspect_tool.statistics import samples
from inspect_tool.statistics.samples import Limits, Sample
from inspect_tool.statistics.uncertainty import evaluated, expanded, half_range

_EDGE_PX = 0.5 / sqrt(3)  # standard uncertainty of one outline known to half a pixel
_PERIMETER = 0.02  # of a length by chain code: a straight side along the pixels comes out so much short [1]
_FEW = 10.0  # particles; with fewer their scatter is itself hardly known
_MAIN = ("particle_d50_um.volume", "particle_d50_um.number", "particle_count_per_mm2")


def results_of(fields: Sequence[Measured], settings: Settings, editions: Editions) -> list[Result]:
    """All results of one specimen."""
    made: list[Result] = []
    if all(field.calibration.pixel_um is not None for field in fields):
        made.append(_count(fields, settings, editions))
        sample = sample_of(fields, "um")
        if len(sample.size) >= sampling.LEAST:
            made += _sizes(fields, sample, settings, editions)
        if any(field.values.numbers.largest_feret for field in fields):
            made.append(_largest(fields, editions))
    made += _shapes(fields, editions)
    return [_not_negative(result) for result in made]


def sample_of(fields: Sequence[Measured], unit: str) -> Sample:
    """Measured particles of all fields of one specimen; groups are fields, or sections where there are several."""
    group = groups_of(fields)
    sizes = [np.asarray(field.curves[f"whole_particle_ecd_{unit}"]) for field in fields]
    weights = [np.asarray(field.curves["whole_particle_weight"]) for field in fields]
    return Sample(
        size=np.concatenate(sizes),
        weight=np.concatenate(weights),
        group=np.repeat(group, [len(one) for one in sizes]),
        groups=int(group.max()) + 1,
    )


def _not_negative(result: Result) -> Result:
    """Counts, lengths and shares are not below zero, and neither is their interval."""
    if result.interval is None or result.interval[0] >= 0:
        return result
    return replace(result, interval=(0.0, result.interval[1]))


# ------------------------------------------------------------------------------------------------ lines of a budget


def _sampling_lines(found: Limits, fields: Sequence[Measured], n: int, groups: int) -> list[Component]:
    """Particles, and what groups of them differ beyond that; each with the wider side of its limits."""
    basis = Text("particles.basis_particles", n=n, effective=found.effective)
    what = name_of_groups(fields)
    return limit_lines(
        found,
        groups,
        alone=(
            Text("budget.between_particles"),
            basis + Text("particles.basis_modeled") if found.modeled else basis,
        ),
        beyond=(Text("budget.between", what=what), Text("particles.basis_groups", n=groups, what=what)),
    )


def _segmentation_line(fields: Sequence[Measured], name: str, value: float) -> tuple[Component, ...]:
    """Half range of the value over alternative segmentations, by their mean relative change over fields."""
    found = {}
    for other in dict.fromkeys(name for field in fields for name in field.alternatives):
        changes = []
        for field in fields:
            before, after = field.values.get(name), field.alternatives.get(other, field.values).get(name)
            if before and after:
                changes.append((field.values.numbers.particles, log(float(after) / float(before))))
        if changes:
            number, change = zip(*changes, strict=True)
            found[other] = value * exp(float(np.average(change, weights=number)))
    if not found:
        return ()
    listed = ", ".join(f"{other}: {moved:.4g}" for other, moved in found.items())
    basis = Text("particles.basis_alternatives", unit=_unit(name), listed=listed)
    u = half_range([value, *found.values()])
    return (Component(name=Text("budget.segmentation"), u=u, kind="B", basis=basis),)


def _unit(name: str) -> str:
    return QUANTITIES[name].unit


def _edge_line(fields: Sequence[Measured]) -> Component:
    pixel_um = max(float(field.calibration.pixel_um or 0.0) for field in fields)
    return Component(
        name=Text("budget.particle_edge"),
        u=2 * _EDGE_PX * pixel_um,
        kind="B",
        basis=Text("particles.basis_edge"),
    )


def _made(
    fields: Sequence[Measured],
    name: str,
    found: Limits,
    lines: Sequence[Component],
    *,
    n: int,
    groups: int,
    clause: str,
    definition: str,
) -> Result:
    """A result whose interval keeps the skew of its sampling limits; U is that of the wider side."""
    sampled = _sampling_lines(found, fields, n, groups)
    others = expanded(lines)
    low, high = found.together
    return evaluated(
        Result(
            quantity=name,
            specimen=fields[0].specimen,
            value=found.value,
            unit=_unit(name),
            n=n,
            n_of=Text("particles.n_of_particles"),
            clause=clause,
            definition=definition,
            budget=(*sampled, *lines),
            interval=(
                found.value - sqrt((found.value - low) ** 2 + others**2),
                found.value + sqrt((high - found.value) ** 2 + others**2),
            ),
            title=QUANTITIES[name].title,
            main=name in _MAIN,
        )
    )


# ------------------------------------------------------------------------------------------------------- results


def _count(fields: Sequence[Measured], settings: Settings, editions: Editions) -> Result:
    name = "particle_count_per_mm2"
    areas = np.asarray([field.values.field_area["mm2"] for field in fields])
    counts = np.asarray([field.values.numbers.particles_counted for field in fields])
    squares = np.asarray([field.values.counted_squared for field in fields])
    crowding = np.asarray([field.values.crowding for field in fields])
    freedom = np.asarray([field.values.crowding_dof for field in fields])
    total, area = float(counts.sum()), float(areas.sum())
    value = total / area
    few = total < _FEW
    crowded = float(np.average(crowding, weights=np.maximum(freedom, 1e-9))) if freedom.any() else 1.0
    u = sqrt((float(squares.sum()) + few) * crowded) / area
    dof = float(freedom.sum()) if freedom.any() else None
    lines = [
        Component(
            name=Text("budget.counting"),
            u=u,
            kind="A" if freedom.any() else "B",
            dof=dof,
            basis=Text("particles.basis_counting", counted=total, crowding=sqrt(crowded)),
        )
    ]
    sample = sample_of(fields, "um")
    rests = np.bincount(groups_of(fields), (counts - value * areas) / area)
    excess = samples.excess(np.asarray(rests, dtype=np.float64), u)
    if excess > 0:
        what = name_of_groups(fields)
        lines.append(
            Component(
                name=Text("budget.between", what=what),
                u=excess,
                kind="A",
                dof=float(sample.groups - 1),
                basis=Text("particles.basis_groups", n=sample.groups, what=what),
            )
        )
    lines += _segmentation_line(fields, name, value)
    below = sum(field.values.numbers.below_minimum for field in fields)
    if below:
        lines.append(
            Component(
                name=Text("budget.smallest_size"),
                u=below / max(sum(field.values.numbers.particles for field in fields), 1.0) * value / sqrt(3),
                kind="B",
                basis=Text("particles.basis_below", below=below),
            )
        )
    lines.append(scale_line(fields, value, 2, "particles.basis_scale"))
    return evaluated(
        Result(
            quantity=name,
            specimen=fields[0].specimen,
            value=value,
            unit=_unit(name),
            n=max(round(sum(field.values.numbers.particles for field in fields)), 1),
            n_of=Text("particles.n_of_particles"),
            clause=designation(editions.job),
            definition=Text("particles.definition_count", edge=_edge(settings), minimum=_minimum(settings)),
            budget=tuple(lines),
            title=QUANTITIES[name].title,
            main=True,
        )
    )


def _edge(settings: Settings) -> Text:
    if settings.edge == "guard":
        return Text("particles.edge_guard", guard_um=settings.guard_um)
    return Text("particles.edge_weighted")


def _minimum(settings: Settings) -> Text:
    if settings.minimum_um:
        return Text("particles.minimum_um", minimum_px2=settings.minimum_px2, minimum_um=settings.minimum_um)
    return Text("particles.minimum_px2", minimum_px2=settings.minimum_px2)


def _sizes(fields: Sequence[Measured], sample: Sample, settings: Settings, editions: Editions) -> list[Result]:
    moments = designation(edition_of(editions, "ISO 9276-2"))
    n = len(sample.size)
    edge, minimum = _edge(settings), _minimum(settings)
    found: list[tuple[str, Limits, Text]] = []
    for name, share, kind in SIZES:
        limits = sampling.quantile(sample, SHARES[share], POWERS[kind])
        of = Text("particles.of_number" if kind == "number" else "particles.of_volume")
        words = Text("particles.definition_quantile", share=100 * SHARES[share], of=of, edge=edge, minimum=minimum)
        found.append((name, limits, words))
    words = Text("particles.definition_mean", edge=edge, minimum=minimum)
    found.append(("mean_particle_ecd_um", sampling.mean(sample, 1, 0), words))
    words = Text("particles.definition_sauter", edge=edge, minimum=minimum)
    found.append(("sauter_diameter_um", sampling.mean(sample, 3, 2), words))
    made = []
    for name, limits, words in found:
        lines = [*_segmentation_line(fields, name, limits.value)]
        if not lines:
            lines.append(_edge_line(fields))
        lines += _small_line(fields, sample, name, limits.value)
        lines.append(scale_line(fields, limits.value, 1, "particles.basis_scale"))
        made.append(_made(fields, name, limits, lines, n=n, groups=sample.groups, clause=moments, definition=words))
    return made


def _small_line(fields: Sequence[Measured], sample: Sample, name: str, value: float) -> list[Component]:
    """What objects that are too small to be measured would change, were they particles; nothing by volume."""
    below = sum(field.values.numbers.below_minimum for field in fields)
    kind = next((kind for quantity, _, kind in SIZES if quantity == name), None)
    if not below or kind == "volume" or name == "sauter_diameter_um":
        return []
    least = float(sample.size.min())
    size, weight = np.append(sample.size, least), np.append(sample.weight, below)
    shares = {quantity: SHARES[share] for quantity, share, _ in SIZES}
    if name in shares:
        moved = iso_9276_2.quantile(size, weight, shares[name], 0.0)
    else:
        moved = iso_9276_2.mean_diameter(size, weight, 1, 0)
    basis = Text("particles.basis_below", below=below)
    return [Component(name=Text("budget.smallest_size"), u=abs(moved - value) / sqrt(3), kind="B", basis=basis)]


def _largest(fields: Sequence[Measured], editions: Editions) -> Result:
    name = "largest_particle_feret_um"
    seen = [field.values.numbers.largest_feret.get("um", 0.0) for field in fields]
    value, field = max(seen), fields[int(np.argmax(seen))]
    pixel_um = float(field.calibration.pixel_um or 0.0)
    edge = Component(
        name=Text("budget.particle_edge"),
        u=sqrt(2) * _EDGE_PX * pixel_um,
        kind="B",
        basis=Text("particles.basis_feret_ends"),
    )
    return evaluated(
        Result(
            quantity=name,
            specimen=fields[0].specimen,
            value=value,
            unit=_unit(name),
            n=round(sum(field.values.numbers.particles for field in fields)),
            n_of=Text("particles.n_of_particles"),
            clause=designation(editions.job),
            definition=Text("particles.definition_largest_feret"),
            budget=(
                edge,
                *_segmentation_line([field], name, value),
                scale_line(fields, value, 1, "particles.basis_scale"),
            ),
            title=QUANTITIES[name].title,
        )
    )


def _shapes(fields: Sequence[Measured], editions: Editions) -> list[Result]:
    unit = "um" if all(field.calibration.pixel_um is not None for field in fields) else "px"
    sample = sample_of(fields, unit)
    n = len(sample.size)
    if n < sampling.LEAST:
        return []
    pixel = max(float(field.calibration.pixel_um or 1.0) for field in fields) if unit == "um" else 1.0
    mean_px = float(np.average(sample.size, weights=sample.weight)) / pixel
    made = []
    for name, curve, words in (
        ("particle_aspect_ratio", "whole_particle_aspect_ratio", Text("particles.definition_aspect_ratio")),
        ("particle_circularity", "whole_particle_circularity", Text("particles.definition_circularity")),
    ):
        values = np.concatenate([np.asarray(field.curves[curve]) for field in fields])
        limits = samples.average(sample, values)
        if name == "particle_aspect_ratio":
            u, basis = sqrt(2) * _EDGE_PX / mean_px * sqrt(1 + limits.value**2), Text("particles.basis_feret_ends")
        else:
            u, basis = _PERIMETER / sqrt(3) * limits.value, Text("particles.basis_perimeter", percent=100 * _PERIMETER)
        edge = Component(name=Text("budget.particle_edge"), u=u, kind="B", basis=basis)
        lines = [edge, *_segmentation_line(fields, name, limits.value)]
        clause = designation(edition_of(editions, "ISO 9276-6"))
        made.append(_made(fields, name, limits, lines, n=n, groups=sample.groups, clause=clause, definition=words))
    made.append(_satellites(fields, editions))
    return made


def _satellites(fields: Sequence[Measured], editions: Editions) -> Result:
    """Share by number; of none found, what may be there all the same."""
    name = "satellite_percent"
    number = sum(field.values.numbers.satellites for field in fields)
    n = round(sum(field.values.numbers.particles for field in fields))
    value = 100 * number / n
    share = (number + 1) / (n + 2)
    lines = [
        Component(
            name=Text("budget.between_particles"),
            u=100 * sqrt(share * (1 - share) / n),
            kind="A",
            dof=float(max(n - 1, 1)),
            basis=Text("particles.basis_binomial", number=number, n=n),
        ),
        *_segmentation_line(fields, name, value),
    ]
    return evaluated(
        Result(
            quantity=name,
            specimen=fields[0].specimen,
            value=value,
            unit=_unit(name),
            n=n,
            n_of=Text("particles.n_of_particles"),
            clause=designation(editions.job),
            definition=Text("particles.definition_satellites"),
            budget=tuple(lines),
            title=QUANTITIES[name].title,
        )
    )
