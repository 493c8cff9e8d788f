"""Results of the porosity recipe with their budgets, the sampling rules and the warnings of one specimen."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import pi, sqrt
from types import MappingProxyType
from typing import Literal

import numpy as np

from inspect_tool.languages import Text, Words, joined, named
from inspect_tool.measure.share_scatter import HIDDEN, ShareScatter, sampling_lines, unseen_percent
from inspect_tool.model import Check, Component, Editions, Result, Standard
from inspect_tool.recipes._common import scale_line
from inspect_tool.recipes._level_doubts import disagreement, own_gray_checks, relief_checks, shallower_checks
from inspect_tool.recipes.porosity.field import large_class
from inspect_tool.recipes.porosity.settings import QUANTITIES, Presentation, Settings
from inspect_tool.recipes.porosity.sizes import size_results
from inspect_tool.recipes.porosity.values import Measured
from inspect_tool.segmentation.titles import title_of
from inspect_tool.standards.editions import check_rule, constant, designation, edition_of
from inspect_tool.standards.formulas import areal_porosity, astm_b276
from inspect_tool.statistics.classes import rated
from inspect_tool.statistics.fields import FieldStatistics, field_statistics, scatter_line
from inspect_tool.statistics.uncertainty import coverage_factor, evaluated, half_range

_EDGE_PX = 0.5 / sqrt(3)  # standard uncertainty of one pore edge known to half a pixel
_SMALLEST_PX2 = 9.0  # a pore that may be missed where none was found [px2]
_DARK_PERCENT = 50.0  # of the pore pixels; images of pores of 15 px have 80 to 97, of 7 px 50 to 80
_FEW = 30  # pores; with fewer the scatter between fields is itself hardly known
_DEFINITION = Text("porosity.definition_minimum_pore")
_LEVELED: Mapping[str, Literal["A", "B"]] = MappingProxyType({"hardmetal_percent.A": "A", "hardmetal_percent.B": "B"})
"""Quantities that have a level of ASTM B276, and the pore type of each."""


def results_of(fields: Sequence[Measured], settings: Settings, editions: Editions, shown: Presentation) -> list[Result]:
    """All results of one specimen."""
    minimum = Text("porosity.definition_minimum_area", definition=_DEFINITION, minimum_px2=settings.minimum_px2)
    if settings.minimum_um:
        minimum += Text("porosity.definition_minimum_feret", minimum_um=settings.minimum_um)
    clause = designation(editions.job)
    made = [_porosity(fields, clause, minimum, shown)]
    calibrated = all(field.calibration.pixel_um is not None for field in fields)
    if calibrated:
        made.append(_count_density(fields, clause, minimum, settings))
        made += _sizes(fields, clause, minimum)
        made += size_results(fields, clause, minimum, settings)
    if calibrated or settings.reference_area is None:
        made += _reference_results(fields, clause, minimum, whole_field=settings.reference_area is None)
    if calibrated and settings.worst_field_um:
        made.append(_worst_field(fields, clause, settings))
    made += _neighbor_results(fields, clause, settings)
    if shown == "thermal_spray" or settings.linear_elongation:
        made.append(
            _share(fields, "linear_percent", clause, Text("porosity.definition_linear_detachments"), main=False)
        )
    b276 = edition_of(editions, "ASTM B276") if shown == "hardmetal" and calibrated else None
    if b276 is not None:
        made += _hardmetal_results(fields, b276)
    made = [_not_negative(evaluated(result)) for result in made]
    return made if b276 is None else [_leveled(result, b276) for result in made]


def _not_negative(result: Result) -> Result:
    """Shares, counts and lengths are not below zero, and neither is their interval."""
    if result.interval is None or result.interval[0] >= 0:
        return result
    return replace(result, interval=(0.0, result.interval[1]))


def _numbers_of(fields: Sequence[Measured], name: str) -> list[float]:
    return [float(field.values[name]) for field in fields]


def _alternative_names(fields: Sequence[Measured]) -> list[str]:
    return list(dict.fromkeys(name for field in fields for name in field.alternatives))


def _shifted(fields: Sequence[Measured], alternative: str, name: str) -> list[float]:
    """Values of all fields in one alternative; a field without it keeps its own."""
    return [float(field.alternatives.get(alternative, field.values)[name]) for field in fields]


def _statistics(fields: Sequence[Measured], values: Sequence[float]) -> FieldStatistics:
    return field_statistics(values, [field.section for field in fields])


def _between(fields: Sequence[Measured], name: str) -> tuple[FieldStatistics, tuple[Component, ...]]:
    """Statistics of one value per field, and its line of the budget: none with one field."""
    found = _statistics(fields, _numbers_of(fields, name))
    return found, scatter_line(found)


def _segmentation_line(fields: Sequence[Measured], name: str, unit: str) -> tuple[Component, ...]:
    """Half range of the mean over the alternative segmentations; none where there are no alternatives."""
    others = _alternative_means(fields, name)
    if not others:
        return ()
    main = _statistics(fields, _numbers_of(fields, name)).mean
    return (_segmentation(main, list(others.values()), list(others), unit),)


def _alternative_means(fields: Sequence[Measured], name: str) -> dict[str, float]:
    return {other: _statistics(fields, _shifted(fields, other, name)).mean for other in _alternative_names(fields)}


def _segmentation(main: float, others: Sequence[float], names: Sequence[str], unit: str) -> Component:
    listed = joined(", ", map(_share_of, names, others))
    return Component(
        name=Text("budget.segmentation"),
        u=half_range([main, *others]),
        kind="B",
        basis=Text("porosity.basis_alternative_results", unit=named("terms", unit), listed=listed),
    )


def _share_of(name: str, value: float) -> Words:
    return Text("porosity.alternative_result", name=title_of(name), value=value)


def _sampling(fields: Sequence[Measured], found: FieldStatistics) -> tuple[Component, ...]:
    """What sampling does to the porosity; where there is no pore, what pores may lie beside the fields."""
    if sum(field.values.numbers.pores for field in fields) == 0:
        most = unseen_percent(len(fields))
        line = Component(
            name=Text("budget.no_pore_found"),
            u=most / coverage_factor(None),
            kind="B",
            basis=Text("porosity.basis_pores_beside_fields", hidden=1 / HIDDEN, most=most),
        )
        return (line,)
    scatters = [
        ShareScatter(
            u=field.values.inner_scatter_percent / 100,
            dof=field.values.inner_scatter_dof,
            largest=sqrt(field.values.numbers.area_squared_most),
            areas=field.values.areas,
        )
        for field in fields
    ]
    return sampling_lines(found, [field.values.numbers.porosity_percent for field in fields], scatters)


def _missed(fields: Sequence[Measured]) -> Component:
    """What may be in a field in which no pore was seen."""
    smallest = max(_SMALLEST_PX2 / (field.shape_px[0] * field.shape_px[1]) for field in fields)
    basis = Text("porosity.basis_pore_missed_in_field")
    return Component(name=Text("budget.no_pore_found"), u=100 * smallest, kind="B", basis=basis)


def _porosity(fields: Sequence[Measured], clause: str, minimum: str, shown: Presentation) -> Result:
    name = "porosity_percent"
    found = _statistics(fields, _numbers_of(fields, name))
    lines = list(_sampling(fields, found))
    segmentation = _segmentation_line(fields, name, "%")
    if segmentation:
        lines += segmentation
    else:
        shift = _statistics(fields, [field.values.numbers.edge_shift_percent for field in fields]).mean
        lines.append(
            Component(
                name=Text("budget.pore_edge"),
                u=shift / sqrt(3),
                kind="B",
                basis=Text("porosity.basis_pore_edge_area"),
            )
        )
    below = _statistics(fields, [field.values.numbers.below_minimum_percent for field in fields]).mean
    if below:
        basis = Text("porosity.basis_spots_too_small", below=below)
        lines.append(Component(name=Text("budget.smallest_size"), u=below / sqrt(3), kind="B", basis=basis))
    return Result(
        quantity=name,
        specimen=fields[0].specimen,
        value=found.mean,
        unit="%",
        n=found.n,
        clause=clause,
        definition=Text("porosity.definition_areal_porosity", minimum=minimum),
        budget=tuple(lines),
        title=Text("porosity.title_porosity_without_detachments")
        if shown == "thermal_spray"
        else Text("porosity.title_areal_porosity"),
        main=True,
    )


def _share(fields: Sequence[Measured], name: str, clause: str, definition: str, *, main: bool) -> Result:
    """Mean over fields of an area share that has no lines of its own."""
    found, between = _between(fields, name)
    lines = [*between, *_segmentation_line(fields, name, "%")]
    if not lines:
        lines = [
            Component(
                name=Text("budget.segmentation"),
                u=0.0,
                kind="B",
                basis=Text("porosity.basis_one_field_one_segmentation"),
            )
        ]
    wild = QUANTITIES.get(name) or QUANTITIES[name.split(".")[0] + ".*"]
    part = name.partition(".")[2]
    return Result(
        quantity=name,
        specimen=fields[0].specimen,
        value=found.mean,
        unit=wild.unit,
        n=found.n,
        clause=clause,
        definition=definition,
        budget=tuple(lines),
        title=joined(", ", filter(None, (wild.title, part))),
        main=main,
    )


def _count_density(fields: Sequence[Measured], clause: str, minimum: str, settings: Settings) -> Result:
    name = "pore_count_per_mm2"
    found, between = _between(fields, name)
    lines = list(between)
    counted = sum(field.values.numbers.pores_counted for field in fields)
    if not between or counted < _FEW:
        # pores in clusters scatter more than single ones: in number as in area
        inner = sum(value**2 for value in [field.values.inner_scatter_percent for field in fields]) / 1e4
        single = sum(field.values.numbers.area_squared for field in fields)
        clustered = max(1.0, inner / single) if single else 1.0
        u = sqrt((counted + 1) * clustered) / sum(field.values.numbers.field_area["mm2"] for field in fields)
        floor = sqrt(max(u**2 - (between[0].u ** 2 if between else 0.0), 0.0))
        lines.append(
            Component(
                name=Text("budget.counting"),
                u=floor,
                kind="B",
                basis=Text("porosity.basis_poisson_floor", counted=counted, clustered=sqrt(clustered)),
            )
        )
    lines += _segmentation_line(fields, name, "1/mm2")
    lines.append(scale_line(fields, found.mean, 2, "porosity.basis_scale_power"))
    rule = (
        Text("porosity.definition_count_rule_half")
        if settings.count_rule == "half"
        else Text("porosity.definition_count_rule_two_edges")
    )
    return Result(
        quantity=name,
        specimen=fields[0].specimen,
        value=found.mean,
        unit="1/mm2",
        n=found.n,
        clause=clause,
        definition=Text("porosity.definition_pores_per_area", minimum=minimum, rule=rule),
        budget=tuple(lines),
        title=Text("porosity.title_pores_per_area"),
    )


def _mean_ecd(weights: Sequence[float], sums: Sequence[float]) -> float:
    return sum(sums) / sum(weights) if sum(weights) else 0.0


def _sizes(fields: Sequence[Measured], clause: str, minimum: str) -> list[Result]:
    """Largest pore, and mean diameter where there is a whole pore."""
    pixel_um = max(float(field.calibration.pixel_um or 0.0) for field in fields)
    pores = int(sum(field.values.numbers.pores for field in fields))
    names = _alternative_names(fields)
    largest = max(field.values.numbers.largest_pore_feret["um"] for field in fields)
    lines = [
        Component(
            name=Text("budget.pore_edge"),
            u=sqrt(2) * _EDGE_PX * pixel_um,
            kind="B",
            basis=Text("porosity.basis_feret_ends"),
        ),
        scale_line(fields, largest, 1, "porosity.basis_scale_power"),
    ]
    if names:
        others = [max(_shifted(fields, name, "largest_pore_feret_um")) for name in names]
        lines.append(_segmentation(largest, others, names, "um"))
    if pores == 0:
        lines.append(
            Component(
                name=Text("budget.no_pore_found"),
                u=sqrt(4 * _SMALLEST_PX2 / pi) * pixel_um / sqrt(3),
                kind="B",
                basis=Text("porosity.basis_smallest_pore_missed"),
            )
        )
    made = [
        Result(
            quantity="largest_pore_feret_um",
            specimen=fields[0].specimen,
            value=largest,
            unit="um",
            n=max(pores, 1),
            n_of=Text("porosity.n_of_pores"),
            clause=clause,
            definition=Text("porosity.definition_largest_pore_feret"),
            budget=tuple(lines),
            title=Text("porosity.title_largest_pore_largest_feret"),
            main=True,
        )
    ]
    weights, sums = (
        [field.values.numbers.size_weight for field in fields],
        [field.values.numbers.ecd_weighted["um"] for field in fields],
    )
    if not sum(weights):
        return made
    mean = _mean_ecd(weights, sums)
    lines = []
    between = _ratio_scatter(fields, weights, sums, mean)
    # two or three fields may agree by chance: the scatter of the pores themselves is then the wider of the two
    scatter = [_pore_scatter(fields, mean), *([between] if between is not None else [])]
    lines.append(max(scatter, key=lambda line: coverage_factor(line.dof) * line.u))
    if names:
        others = [
            _mean_ecd(_shifted(fields, name, "size_weight"), _shifted(fields, name, "ecd_weighted_um"))
            for name in names
        ]
        lines.append(_segmentation(mean, others, names, "um"))
    else:
        lines.append(
            Component(
                name=Text("budget.pore_edge"),
                u=2 * _EDGE_PX * pixel_um,
                kind="B",
                basis=Text("porosity.basis_pore_edge"),
            )
        )
    lines.append(scale_line(fields, mean, 1, "porosity.basis_scale_power"))
    made.append(
        Result(
            quantity="mean_pore_ecd_um",
            specimen=fields[0].specimen,
            value=mean,
            unit="um",
            n=int(pores - sum(field.values.numbers.pores_cut for field in fields)),
            n_of=Text("porosity.n_of_pores"),
            clause=clause,
            definition=Text("porosity.definition_mean_pore_ecd", minimum=minimum),
            budget=tuple(lines),
            title=Text("porosity.title_mean_pore_ecd_number"),
        )
    )
    return made


def _ratio_scatter(
    fields: Sequence[Measured], weights: Sequence[float], sums: Sequence[float], mean: float
) -> Component | None:
    """Scatter between fields of a mean over all pores: fields with more pores weigh more (ratio estimator).

    With several sections the residuals of each are added up: the sections are the sample.
    """
    rest = np.asarray(sums) - mean * np.asarray(weights)
    sections = dict.fromkeys(field.section for field in fields)
    what = Text("terms.fields")
    if len(sections) > 1:
        of = np.asarray([field.section for field in fields])
        rest, what = np.asarray([rest[of == section].sum() for section in sections]), Text("terms.sections")
    n = len(rest)
    if n < 2:
        return None
    return Component(
        name=Text("budget.between", what=what),
        u=sqrt(n / (n - 1) * float((rest**2).sum())) / sum(weights),
        kind="A",
        dof=float(n - 1),
        basis=Text("porosity.basis_ratio_of_sums", n=n, what=what),
    )


def _pore_scatter(fields: Sequence[Measured], mean: float) -> Component:
    """Scatter between pores of a weighted mean: for one field, and where few fields agree by chance."""
    whole = sum(field.values.numbers.pores for field in fields) - sum(
        field.values.numbers.pores_cut for field in fields
    )
    squares = (
        sum(field.values.numbers.ecd_squared["um"] for field in fields)
        - 2 * mean * sum(field.values.numbers.ecd_linear["um"] for field in fields)
        + mean**2 * sum(field.values.numbers.size_weight_squared for field in fields)
    )
    if whole < 2:
        return Component(
            name=Text("budget.one_pore"),
            u=mean / sqrt(3),
            kind="B",
            basis=Text("porosity.basis_one_whole_pore"),
        )
    u = sqrt(max(squares, 0.0) * whole / (whole - 1)) / sum(field.values.numbers.size_weight for field in fields)
    basis = Text("porosity.basis_between_whole_pores", whole=whole)
    return Component(name=Text("budget.between_pores"), u=u, kind="A", dof=whole - 1, basis=basis)


def _reference_results(fields: Sequence[Measured], clause: str, minimum: str, *, whole_field: bool) -> list[Result]:
    """The worst place decides, never a mean over fields; without a reference area that place is a whole field."""
    made = []
    for name, unit in (("reference_porosity_percent", "%"), ("reference_pore_count", "counts")):
        column = _OF_A_FIELD[name] if whole_field else name
        values = _numbers_of(fields, column)
        names = _alternative_names(fields)
        worst = max(values)
        if names:
            lines = [_segmentation(worst, [max(_shifted(fields, other, column)) for other in names], names, unit)]
        else:
            share = max(field.values.numbers.edge_shift_percent for field in fields) / max(
                max(field.values.numbers.porosity_percent for field in fields), 1e-9
            )
            u = worst * share / sqrt(3) if unit == "%" else 0.0
            lines = [
                Component(
                    name=Text("budget.pore_edge"),
                    u=u,
                    kind="B",
                    basis=Text("porosity.basis_pore_edge"),
                )
            ]
        if unit == "counts":
            basis = Text("porosity.basis_smallest_pore_count")
            lines.append(Component(name=Text("budget.smallest_pores"), u=1 / sqrt(3), kind="B", basis=basis))
        elif not worst:
            lines.append(_missed(fields))
        if not whole_field:
            lines.append(scale_line(fields, worst, 2, "porosity.basis_scale_power"))
        made.append(
            Result(
                quantity=name,
                specimen=fields[0].specimen,
                value=worst,
                unit=unit,
                n=len(fields),
                clause=clause,
                definition=Text(
                    "porosity.definition_worst_field" if whole_field else "porosity.definition_worst_place",
                    minimum=minimum,
                ),
                budget=tuple(lines),
                title=QUANTITIES[name].title + (Text("porosity.title_of_whole_field") if whole_field else ""),
                main=unit == "%" and not whole_field,
            )
        )
    return made


def _worst_field(fields: Sequence[Measured], clause: str, settings: Settings) -> Result:
    """Share of pores in the worst square of all fields: a number of this area, without a line for sampling."""
    worst = max(_numbers_of(fields, "worst_field_percent"))
    names = _alternative_names(fields)
    if names:
        others = [max(_shifted(fields, other, "worst_field_percent")) for other in names]
        line = _segmentation(worst, others, names, "%")
    else:
        moved = sum(field.values.numbers.edge_shift_percent for field in fields)
        whole = max(sum(field.values.numbers.porosity_percent for field in fields), 1e-9)
        basis = Text("porosity.basis_pore_edge")
        line = Component(name=Text("budget.pore_edge"), u=worst * moved / whole / sqrt(3), kind="B", basis=basis)
    return Result(
        quantity="worst_field_percent",
        specimen=fields[0].specimen,
        value=worst,
        unit="%",
        n=len(fields),
        clause=clause,
        definition=Text("porosity.definition_worst_square", side=settings.worst_field_um),
        budget=(line, scale_line(fields, worst, 2, "porosity.basis_scale_power")),
        title=QUANTITIES["worst_field_percent"].title,
    )


_OF_A_FIELD = {"reference_porosity_percent": "porosity_percent", "reference_pore_count": "pores_counted"}
"""What a reference area asks for, of a whole field."""


def _neighbor_results(fields: Sequence[Measured], clause: str, settings: Settings) -> list[Result]:
    specimen = fields[0].specimen
    clusters = int(sum(field.values.neighbors.clusters for field in fields))
    least, most = (
        sum(field.values.neighbors.clusters_least for field in fields),
        sum(field.values.neighbors.clusters_most for field in fields),
    )
    line = Component(
        name=Text("budget.pore_edge"),
        u=half_range([clusters, least, most]),
        kind="B",
        basis=Text("porosity.basis_cluster_gaps", least=least, most=most),
    )
    made = [
        Result(
            quantity="pore_nests",
            specimen=specimen,
            value=float(clusters),
            unit="counts",
            n=len(fields),
            clause=clause,
            definition=Text("porosity.definition_pore_clusters", cluster_gap=settings.cluster_gap),
            budget=(line,),
            title=Text("porosity.title_pore_clusters"),
        )
    ]
    nearest = [
        (near.pore_neighbour_ratio_min, near.pore_neighbour_diameter_px)
        for near in (field.values.neighbors for field in fields)
        if near.pore_neighbour_ratio_min is not None and near.pore_neighbour_diameter_px is not None
    ]
    if not nearest:
        return made
    ratio, diameter = min(nearest, key=lambda pair: pair[0])
    u = sqrt(2) * _EDGE_PX / diameter * sqrt(1 + ratio**2)
    made.append(
        Result(
            quantity="pore_neighbour_ratio_min",
            specimen=specimen,
            value=ratio,
            unit="1",
            n=len(fields),
            clause=clause,
            definition=Text("porosity.definition_neighbour_gap_ratio"),
            budget=(
                Component(
                    name=Text("budget.pore_edge"),
                    u=u,
                    kind="B",
                    basis=Text("porosity.basis_neighbour_gap_ends", diameter=diameter),
                ),
            ),
            title=QUANTITIES["pore_neighbour_ratio_min"].title,
        )
    )
    return made


def _hardmetal_results(fields: Sequence[Measured], b276: Standard) -> list[Result]:
    clause = designation(b276)
    made = []
    for kind in _LEVELED.values():
        magnification = constant(b276, f"magnification_{kind.lower()}").value
        result = _share(
            fields,
            f"hardmetal_percent.{kind}",
            clause,
            Text("porosity.definition_apparent_porosity_type", kind=kind, magnification=magnification),
            main=True,
        )
        made.append(replace(result, title=Text("porosity.title_apparent_porosity_type", kind=kind)))
    for row in b276.tables["large_classes"]:
        name = f"large_pores_per_cm2.{large_class(row)}"
        result = _share(fields, name, clause, Text("porosity.definition_large_pores"), main=False)
        counted = result.value * sum(field.values.numbers.field_area["mm2"] for field in fields) / 100
        line = Component(
            name=Text("budget.counting"),
            u=sqrt(counted + 1) * 100 / sum(field.values.numbers.field_area["mm2"] for field in fields),
            kind="B",
            basis=Text("porosity.basis_poisson_count", counted=counted),
        )
        others = tuple(item for item in result.budget if item.kind == "B" and item.u > 0)
        made.append(replace(result, budget=(line, *others)))
    return made


def _leveled(result: Result, b276: Standard) -> Result:
    """Give the share of a pore type its level, and how sure that is."""
    kind = _LEVELED.get(result.quantity)
    if kind is None:
        return result
    title = Text("porosity.class_level", edition=designation(b276))
    level = astm_b276.level(kind, result.value, b276)
    return rated(replace(result, rounded=level), astm_b276.level_scale(kind, b276), title, bounds=(0.0, 100.0))


# ------------------------------------------------------------------------------------------- checks and warnings


def checks_of(fields: Sequence[Measured], settings: Settings, standard: Standard) -> list[Check]:
    """Every sampling rule that the standard has, judged for one specimen."""
    specimen = fields[0].specimen
    stats = _statistics(fields, [field.values.numbers.porosity_percent for field in fields])
    per_section = min(n for _, _, n, _ in stats.sections)
    pores = sum(field.values.numbers.pores for field in fields)
    small = sum(field.values.numbers.below_minimum_percent for field in fields)
    dark = (
        small
        + sum(field.values.numbers.porosity_percent for field in fields)
        + sum(field.values.numbers.linear_percent for field in fields)
    )
    smallest = min(_smallest_px2(field, settings) for field in fields)
    areas = sum(field.values.numbers.area_squared for field in fields)
    chance = ""
    if pores:
        share = sum(field.values.numbers.porosity_percent for field in fields) / 100
        accuracy = areal_porosity.chance_ra_percent(areas, share)
        chance = Text("porosity.note_accuracy_by_chance", areas=accuracy, pores=pores)
    found: dict[str, tuple[float | None, str]] = {
        "fields": (float(per_section), ""),
        "fields_for_spread": (float(per_section), ""),
        "pores": (pores, chance),
        "relative_accuracy": (
            stats.ra_percent,
            chance if stats.ra_percent is not None else Text("porosity.note_accuracy_not_known"),
        ),
        "smallest_feature": (smallest, Text("porosity.note_smallest_size_declared")),
        "below_minimum": (
            100 * small / dark if dark else 0.0,
            Text(
                "porosity.note_spots_below_minimum", fields=sum(field.values.numbers.below_minimum for field in fields)
            ),
        ),
        "lower_limit": (None if stats.ci95 is None else stats.mean - stats.ci95, ""),
    }
    made = [
        *_gray_check(fields),
        *own_gray_checks(fields),
        *relief_checks(fields),
        *shallower_checks(fields),
    ]
    for name in standard.rules:
        if name not in found:
            continue
        value, note = found[name]
        check = check_rule(standard, name, value, specimen=specimen, note=note)
        if check is not None:
            made.append(check)
    return made


def _gray_check(fields: Sequence[Measured]) -> list[Check]:
    """Whether what was taken for pores is all about as dark as the darkest of it."""
    shallow = [share for field in fields if (share := field.values.shallow_percent) is not None]
    if not shallow:
        return []
    dark = 100 - max(shallow)
    return [
        Check(
            name=Text("porosity.check_pore_pixels_dark"),
            value=dark,
            relation=">=",
            limit=_DARK_PERCENT,
            unit="%",
            passed=dark >= _DARK_PERCENT,
            clause=Text("porosity.clause_pores_are_darkest"),
            scope="consistency",
            specimen=fields[0].specimen,
            note=Text("porosity.note_worst_field"),
        )
    ]


def _smallest_px2(field: Measured, settings: Settings) -> float:
    declared = 0.0
    if field.calibration.pixel_um is not None:
        declared = pi / 4 * (settings.minimum_um / field.calibration.pixel_um) ** 2
    return max(float(settings.minimum_px2), declared)


def warnings_of(fields: Sequence[Measured]) -> list[str]:
    """What page 1 must say of one specimen."""
    made: list[str] = []
    specimen = fields[0].specimen
    if any(not check.passed for check in _gray_check(fields)):
        made.append(Text("porosity.warning_pores_not_dark", specimen=specimen))
    share = _statistics(fields, [field.values.numbers.porosity_percent for field in fields]).mean
    if apart := disagreement(share, _alternative_means(fields, "porosity_percent")):
        made.append(Text("porosity.warning_gray_levels_disagree", specimen=specimen, share=share, apart=apart))
    unit, mark = ("um", "µm") if fields[0].calibration.pixel_um is not None else ("px", "px")
    cut, whole = (max(one) for one in zip(*(_longest(field, unit) for field in fields), strict=True))
    if cut > whole:
        made.append(Text("porosity.warning_largest_pore_cut", specimen=specimen, cut=cut, mark=mark))
    areas = [float(field.values.get("field_area_mm2", field.values.get("field_area_px2", 0.0))) for field in fields]
    if max(areas) > 1.1 * min(areas):
        made.append(Text("porosity.warning_field_areas_differ", specimen=specimen))
    pores, seen = int(fields[0].values.numbers.pores), fields[0].values.areas
    # not in a report from before shares were as skewed as their features, nor without pores, which are doubted
    if len(fields) == 1 and 0 < pores < _FEW and seen is not None and seen.if_skewed:
        made.append(Text("porosity.warning_few_pores_one_field", specimen=specimen, pores=pores))
    return made


def _longest(field: Measured, unit: str) -> tuple[float, float]:
    """Length of the longest pore that the edge cuts, and of the longest whole one; 0: there is none."""
    names = (f"feret_max_{unit}", "touches_edge", "linear")
    length, cut, linear = (field.features[name].to_numpy() for name in names)
    return float(length[cut & ~linear].max(initial=0.0)), float(length[~cut & ~linear].max(initial=0.0))
