"""Results of the recipe for inclusions with their budgets."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf, sqrt

import numpy as np

from inspect_tool.languages import Text, joined
from inspect_tool.measure.share_scatter import ShareScatter, sampling_lines
from inspect_tool.model import Component, Editions, Result, Standard
from inspect_tool.recipes._common import alternatives_line, possible, scale_line
from inspect_tool.recipes.inclusions.budgets import curve, names_of_others, numbers_of, per_area, varied_lines
from inspect_tool.recipes.inclusions.limits import TYPES, Limits, limits_of, of_severities, of_sizes
from inspect_tool.recipes.inclusions.settings import COUNT, LENGTH, LONGEST, PERCENT, QUANTITIES, SEVERITY
from inspect_tool.recipes.inclusions.size_results import results_by_size
from inspect_tool.recipes.inclusions.values import Measured, Numbers
from inspect_tool.standards.editions import designation
from inspect_tool.statistics.classes import class_of, rated, steps
from inspect_tool.statistics.fields import field_statistics
from inspect_tool.statistics.uncertainty import evaluated

_FEW = 4  # inclusions of a type: from there on they say themselves how long another one might be


def results_of(fields: Sequence[Measured], editions: Editions) -> list[Result]:
    """All results of one specimen."""
    made, by_size = [], []
    rating = of_severities(editions)
    if all(field.calibration.pixel_um is not None for field in fields):
        for edition in rating:
            limits = limits_of(edition)
            made += [_severity(fields, edition, limits, series, editions) for series in limits.series]
        for edition in of_sizes(editions):
            by_size += results_by_size(fields, edition)
        made.append(_count(fields, editions.job))
        made += [_length(fields, kind, editions.job) for kind in ("a", "b", "c")]
        made.append(_longest(fields, editions.job))
    made.append(_percent(fields, editions.job))
    highest = {edition.name: limits_of(edition).highest for edition in rating}
    return [*(_rated(possible(result), editions.job.name, highest) for result in made if result.budget), *by_size]


def _rated(result: Result, job: str, highest: Mapping[str, float]) -> Result:
    """Give a severity its class, rounded down to half steps, and how sure it is."""
    quantity, _, rest = result.quantity.partition(".")
    if quantity != SEVERITY:
        return result
    scale = steps(0.5, highest[rest.partition(".")[2] or job])
    found = replace(result, rounded=f"{float(scale.names[class_of(result.value, scale)]):.1f}")
    return rated(found, scale, Text("inclusions.class_severity"), bounds=(0.0, inf))


def worst_total(fields: Sequence[Measured], edition: str, series: str) -> float:
    """Total of one series in the worst field of a specimen."""
    return max(float(field.values.numbers.worst[f"{edition}.{series}"]) for field in fields)


def _with_one(total: float, limits: Limits, series: str) -> float:
    """Total with one inclusion of the least size more; the largest globule is at least the smallest that counts."""
    if series == "ds":
        return max(total, limits.globule.minimum_um if limits.globule else 0.0)
    return total + (1.0 if series.startswith("d") else limits.lines["D"].thin_um)


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
            budget=(*varied_lines(fields, value, measure, ""), missed, scale),
            title=Text("inclusions.title_severity_of", series=named)
            if is_job
            else Text("inclusions.title_severity_by", series=named, edition=designation(edition)),
            main=is_job and value > 0,
        )
    )


def _count(fields: Sequence[Measured], edition: Standard) -> Result:
    area = sum(float(field.values.area_mm2 or 0.0) for field in fields)
    weights = curve(fields, "inclusion_particles")  # a stringer is thrown as one thing
    stringer = (curve(fields, "inclusion_members") > 1).astype(np.int64)
    return per_area(
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
    made = per_area(
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
    lines = [*varied_lines(fields, value, measure, "um"), scale_line(fields, value, 1, "inclusions.basis_scale")]
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
        name: field_statistics([one.inclusion_percent for one in numbers_of(fields, name)], sections).mean
        for name in names_of_others(fields)
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
