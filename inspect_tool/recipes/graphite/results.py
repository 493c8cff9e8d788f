"""Results of the recipe for graphite with their budgets."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import hypot, sqrt

import numpy as np

from inspect_tool.languages import Text, joined
from inspect_tool.measure.share_scatter import ShareScatter, sampling_lines
from inspect_tool.model import Component, Editions, Result, Standard
from inspect_tool.recipes._common import alternatives_line, groups_of, limit_lines, name_of_groups, possible, scale_line
from inspect_tool.recipes.graphite.field import OUTLINE_PX, limits_of
from inspect_tool.recipes.graphite.settings import BY_NUMBER, GRAPHITE, NODULARITY, NODULES, QUANTITIES, Settings
from inspect_tool.recipes.graphite.values import Edge, Measured, Numbers, Shares
from inspect_tool.standards.editions import designation
from inspect_tool.standards.formulas import iso_945_4
from inspect_tool.statistics import samples
from inspect_tool.statistics.classes import rated, steps
from inspect_tool.statistics.fields import field_statistics
from inspect_tool.statistics.samples import Floats, Limits, Sample
from inspect_tool.statistics.uncertainty import coverage_factor, evaluated, expanded, half_range, mid_interval

_RATED_BY_EYE = "ISO 945-4"
LEAST = 10  # whole particles; with fewer nothing of their shape is stated


def results_of(fields: Sequence[Measured], settings: Settings, editions: Editions) -> list[Result]:
    """All results of one specimen."""
    sample = sample_of(fields)
    made = []
    if len(sample.size) >= LEAST:
        made.append(_nodularity(fields, sample, settings, editions.job, main=True))
        made += [_nodularity(fields, sample, settings, other, main=False) for other in editions.others]
        if all(field.calibration.pixel_um is not None for field in fields):
            made.append(_nodules(fields, sample, settings, editions))
        made.append(_by_number(fields, sample, settings, editions))
    made.append(_graphite(fields, editions))
    return [_in_steps(possible(result), editions.job) for result in made]


def sample_of(fields: Sequence[Measured]) -> Sample:
    """Whole particles of all fields of one specimen, each with its area; groups are fields, or sections."""
    each = [len(field.curves["particle_area_px2"]) for field in fields]
    pixel = [float(field.calibration.pixel_um or 1.0) for field in fields]
    groups = groups_of(fields)
    area = np.concatenate(
        [np.asarray(field.curves["particle_area_px2"]) * um**2 for field, um in zip(fields, pixel, strict=True)]
    )
    weight = area * curve(fields, "particle_shape_weight")
    return Sample(size=area, weight=weight, group=np.repeat(groups, each), groups=int(groups.max()) + 1)


def curve(fields: Sequence[Measured], name: str) -> Floats:
    """One number of every whole particle of all fields."""
    return np.concatenate([np.asarray(field.curves[name], np.float64) for field in fields])


def shares_of(fields: Sequence[Measured], found: Sequence[Shares]) -> float:
    """Nodularity by area of all fields together. [%]"""
    pixel = [float(field.calibration.pixel_um or 1.0) ** 2 for field in fields]
    area = sum(one.counted_area_px2 * um for one, um in zip(found, pixel, strict=True))
    return 100 * sum(one.nodular_area_px2 * um for one, um in zip(found, pixel, strict=True)) / area if area else 0.0


def _of(other: str) -> Callable[[Measured], Numbers]:
    return lambda field: field.alternatives.get(other, field.values.numbers)


def _others(fields: Sequence[Measured]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for field in fields for name in field.alternatives))


def _as_share(found: Limits) -> Limits:
    """Limits of a share of particles: uneven near its ends, and none of width 0 where all particles are of one form."""
    share = min(max(found.value / 100, 0.0), 1.0)
    low, high = (100 * end for end in mid_interval(share * found.effective, found.effective))
    beyond2 = max((found.together[1] - found.value) ** 2 - (found.alone[1] - found.value) ** 2, 0.0)
    return replace(
        found,
        alone=(low, high),
        together=(
            found.value - sqrt((found.value - low) ** 2 + beyond2),
            found.value + sqrt((high - found.value) ** 2 + beyond2),
        ),
    )


def _made(
    fields: Sequence[Measured],
    name: str,
    found: Limits,
    lines: Sequence[Component],
    edition: Standard,
    n: int,
) -> Result:
    what = name_of_groups(fields)
    budget = limit_lines(
        found,
        int(groups_of(fields).max()) + 1,
        alone=(Text("budget.between_particles"), Text("graphite.basis_particles", n=n, effective=found.effective)),
        beyond=(Text("budget.between", what=what), Text("graphite.basis_groups", what=what)),
    )
    return evaluated(
        Result(
            quantity=name,
            specimen=fields[0].specimen,
            value=found.value,
            unit=QUANTITIES[name].unit,
            n=n,
            n_of=Text("graphite.n_of_particles"),
            clause=joined(": ", (designation(edition), Text(f"graphite.clause_{_SLUG[name]}"))),
            definition=Text(f"graphite.definition_{_SLUG[name]}"),
            budget=(*budget, *lines),
            interval=(
                found.value - hypot(found.value - found.together[0], expanded(lines)),
                found.value + hypot(found.together[1] - found.value, expanded(lines)),
            ),
            title=QUANTITIES[name].title,
            main=name in (NODULARITY, NODULES),
        )
    )


_SLUG = {NODULARITY: "nodularity", BY_NUMBER: "by_number", NODULES: "nodules", GRAPHITE: "graphite"}


def _shape_limit(value: float, moved: Sequence[float], fields: Sequence[Measured], unit: str) -> Component:
    """What lies near the limit of the shape factor changes sides with half a pixel of outline."""
    area = sum(field.values.numbers.shares.counted_area_px2 for field in fields)
    near = sum(f.values.near_percent * f.values.numbers.shares.counted_area_px2 for f in fields) / area if area else 0.0
    return Component(
        name=Text("budget.shape_limit"),
        u=half_range([value, *moved]),
        kind="B",
        basis=Text("graphite.basis_shape_limit", near=near, low=min(moved), high=max(moved), unit=unit),
    )


def _nodularity(
    fields: Sequence[Measured], sample: Sample, settings: Settings, edition: Standard, *, main: bool
) -> Result:
    """Nodularity by the limits of one edition: that of the job (main), or another one on the same particles."""
    limits = limits_of(edition, settings)
    counts = iso_945_4.nodule_weight(curve(fields, "particle_roundness"), limits.nodule, limits.between, limits.weight)
    found = _as_share(samples.average(sample, 100 * counts))

    def shares(numbers: Numbers) -> Shares:
        return numbers.shares if main else numbers.by_other[edition.name]

    def outline(field: Measured, edge: Edge) -> Shares:
        return field.values.outlines[edge] if main else field.values.outlines_by_other[f"{edition.name}.{edge}"]

    others = {name: shares_of(fields, [shares(_of(name)(field)) for field in fields]) for name in _others(fields)}
    moved = [shares_of(fields, [outline(field, edge) for field in fields]) for edge in OUTLINE_PX]
    lines = [
        *alternatives_line(found.value, others, "graphite.basis_alternatives", unit="%"),
        _shape_limit(found.value, moved, fields, "%"),
    ]
    made = _made(fields, NODULARITY, found, lines, edition, len(sample.size))
    if main:
        return made
    title = Text("graphite.title_nodularity_by", edition=designation(edition))
    return replace(made, quantity=f"{NODULARITY}.{edition.name}", title=title, main=False)


def _by_number(fields: Sequence[Measured], sample: Sample, settings: Settings, editions: Editions) -> Result:
    limits = limits_of(editions.job, settings)
    by_number = replace(sample, weight=curve(fields, "particle_shape_weight"))
    nodules = curve(fields, "particle_roundness") >= limits.nodule
    found = _as_share(samples.average(by_number, 100.0 * nodules))
    others = {name: _number_share([_of(name)(field).shares for field in fields]) for name in _others(fields)}
    moved = [_number_share([field.values.outlines[edge] for field in fields]) for edge in OUTLINE_PX]
    lines = [
        *alternatives_line(found.value, others, "graphite.basis_alternatives", unit="%"),
        _shape_limit(found.value, moved, fields, "%"),
    ]
    return _made(fields, BY_NUMBER, found, lines, editions.job, len(sample.size))


def _number_share(shares: Sequence[Shares]) -> float:
    counted = sum(one.counted_weight for one in shares)
    return 100 * sum(one.nodules_weight for one in shares) / counted if counted else 0.0


def _nodules(fields: Sequence[Measured], sample: Sample, settings: Settings, editions: Editions) -> Result:
    """Nodules per area: whole ones weighted for those that the frame cuts."""
    limits = limits_of(editions.job, settings)
    nodules = curve(fields, "particle_roundness") >= limits.nodule
    weight = np.where(nodules, curve(fields, "particle_weight"), 0.0)
    area = np.asarray([float(field.values.area_mm2 or 0.0) for field in fields])
    groups = groups_of(fields)
    total = float(area.sum())
    value = float(weight.sum()) / total
    counted = weight[weight > 0]
    own = sqrt(float((counted**2).sum())) / total  # nodules thrown at random, each with its weight
    of_group = np.bincount(groups, area, sample.groups)
    rests = np.bincount(sample.group, weight, sample.groups) / total - value * of_group / total
    effective = float(counted.sum()) ** 2 / float((counted**2).sum()) if len(counted) else 0.0
    reach = coverage_factor(None) * own
    beyond = samples.factor(sample.groups) * samples.excess(rests, own)
    found = Limits(
        value=value,
        alone=(value - reach, value + reach),
        dof=samples.freedom(effective) if effective else 1.0,
        together=(value - sqrt(reach**2 + beyond**2), value + sqrt(reach**2 + beyond**2)),
        effective=effective,
        modeled=False,
    )
    others = {name: sum(_of(name)(field).nodules_weighted for field in fields) / total for name in _others(fields)}
    base = max(sum(field.values.numbers.shares.nodules for field in fields), 1)
    moved = [value * sum(field.values.outlines[edge].nodules for field in fields) / base for edge in OUTLINE_PX]
    lines = [
        *alternatives_line(value, others, "graphite.basis_alternatives", unit="1/mm2"),
        _shape_limit(value, moved, fields, "1/mm2"),
        scale_line(fields, value, 2, "graphite.basis_scale"),
    ]
    return _made(fields, NODULES, found, lines, editions.job, len(counted))


def _graphite(fields: Sequence[Measured], editions: Editions) -> Result:
    """Area share of all graphite, particles that are cut or too small among it."""
    sections = [field.section for field in fields]
    shares = [field.values.numbers.graphite_percent for field in fields]
    found = field_statistics(shares, sections)
    scatters = [
        ShareScatter(u=field.values.inner_scatter_percent / 100, dof=field.values.inner_scatter_dof) for field in fields
    ]
    others = {
        name: field_statistics([_of(name)(field).graphite_percent for field in fields], sections).mean
        for name in _others(fields)
    }
    half = field_statistics([field.values.half_pixel_percent for field in fields], sections).mean
    lines = alternatives_line(found.mean, others, "graphite.basis_alternatives", unit="%") or (
        Component(
            name=Text("budget.segmentation"),
            u=half / sqrt(3),
            kind="B",
            basis=Text("graphite.basis_half_pixel", half=half),
        ),
    )
    return evaluated(
        Result(
            quantity=GRAPHITE,
            specimen=fields[0].specimen,
            value=found.mean,
            unit="%",
            n=found.n,
            clause=joined(": ", (designation(editions.job), Text("graphite.clause_graphite"))),
            definition=Text("graphite.definition_graphite"),
            budget=(*sampling_lines(found, shares, scatters), *lines),
            title=QUANTITIES[GRAPHITE].title,
        )
    )


def _in_steps(result: Result, edition: Standard) -> Result:
    """Nodularity in the steps of 5 % that ISO 945-4 rates it in by eye, and how sure the step is."""
    if result.quantity != NODULARITY or edition.follows != _RATED_BY_EYE:
        return result
    return rated(result, steps(5.0, 100.0, "nearest"), Text("graphite.class_nodularity"), bounds=(0.0, 100.0))
