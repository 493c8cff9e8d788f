"""Sizes of pores beyond the mean: percentiles, root of the area of the largest one, and the largest to be expected."""

from collections.abc import Sequence
from dataclasses import replace
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import MeasurementError
from inspect_tool.languages import Text, joined
from inspect_tool.model import Component, Result
from inspect_tool.recipes.porosity.field import SIZE_SHARES, SURFACE_SHARES
from inspect_tool.recipes.porosity.settings import QUANTITIES, Settings
from inspect_tool.recipes.porosity.values import Measured
from inspect_tool.segmentation.titles import title_of
from inspect_tool.standards.formulas import astm_e2283
from inspect_tool.statistics.uncertainty import coverage_factor, half_range
from inspect_tool.statistics.weighted import weighted_quantile

_LEAST_FIELDS = 12  # half of what E2283 asks for
_LEAST_PORES = 10  # whole pores; with fewer a tenth of them is less than one
_SURFACE_PX = 1.5  # half width of what the border between specimen and mount is known to (drawn sections: -1 to +1)
_EDGE_PX = 0.5 / sqrt(3)  # standard uncertainty of one pore edge known to half a pixel


def size_results(fields: Sequence[Measured], clause: str, minimum: str, settings: Settings) -> list[Result]:
    """Percentiles of the diameter, √area of the largest pore, and what may be expected in the part."""
    made = [*_percentiles(fields, clause, minimum), *_from_surface(fields, clause, minimum)]
    largest = [field.values.numbers.largest_pore_sqrt_area["um"] for field in fields]
    if max(largest) > 0:
        made.append(_largest(fields, largest, clause))
        if settings.part_area_mm2 and not why_no_extreme(fields, settings):
            made.append(_extreme(fields, largest, settings, made[-1]))
    return made


def why_no_extreme(fields: Sequence[Measured], settings: Settings) -> str:
    """Say why no largest pore of the part can be told; empty: it can, or nobody asked."""
    if not settings.part_area_mm2:
        return ""
    largest = [field.values.numbers.largest_pore_sqrt_area["um"] for field in fields]
    if len(fields) < _LEAST_FIELDS or min(largest) == 0:
        empty = sum(value == 0 for value in largest)
        return Text("porosity.no_extreme_too_few_fields", least_fields=_LEAST_FIELDS, n_fields=len(fields), empty=empty)
    if settings.part_area_mm2 <= _field_mm2(fields):
        return Text("porosity.no_extreme_part_too_small")
    try:
        astm_e2283.fit(largest)
    except MeasurementError as error:
        return Text("porosity.no_extreme_fit_failed", error=error.reason)
    return ""


def _field_mm2(fields: Sequence[Measured]) -> float:
    return float(np.mean([field.values.numbers.field_area["mm2"] for field in fields]))


def _systematic(fields: Sequence[Measured], value: float, column: str, edge_px: float) -> list[Component]:
    """Lines of pore edge and scale of a length; the fields' own other segmentations where there are any."""
    pixel_um = max(float(field.calibration.pixel_um or 0.0) for field in fields)
    u_rel = max(field.calibration.u_rel for field in fields)
    names = list(dict.fromkeys(name for field in fields for name in field.alternatives))
    if names:
        columns = [
            [float(field.alternatives.get(name, field.values).get(column, np.nan)) for field in fields]
            for name in ("", *names)
        ]
        means = [sum(values) / len(values) for values in columns]
        known = [mean for mean in means if np.isfinite(mean)]
        edge = Component(
            name=Text("budget.segmentation"),
            u=half_range(known),
            kind="B",
            basis=Text("porosity.basis_alternative_means", names=joined(", ", map(title_of, names))),
        )
    else:
        edge = Component(
            name=Text("budget.pore_edge"),
            u=edge_px * pixel_um,
            kind="B",
            basis=Text("porosity.basis_pore_edge"),
        )
    return [
        edge,
        Component(
            name=Text("budget.scale"), u=u_rel * value, kind="B", basis=Text("porosity.basis_scale", u_rel=100 * u_rel)
        ),
    ]


def _quantile(
    values: NDArray[np.float64], weight: NDArray[np.float64], share: float, what: str, of: str
) -> tuple[float, Component]:
    """Weighted quantile and its scatter between pores.

    The share is known to a binomial standard deviation, read as values on both sides (Woodruff, J. Am. Stat. Assoc. 47
    (1952) 635).
    """
    off = sqrt(share * (1 - share) * float((weight**2).sum())) / float(weight.sum())
    value, low, high = (weighted_quantile(values, weight, at) for at in (share, share - off, share + off))
    basis = Text(
        "porosity.basis_percentile_interval",
        what=what,
        share=100 * (share - off),
        share_2=100 * (share + off),
        n_values=len(values),
        of=of,
    )
    return value, Component(
        name=Text("budget.between_pores"), u=(high - low) / 2, kind="A", dof=len(values) - 1, basis=basis
    )


def _of_pores(
    fields: Sequence[Measured],
    quantity: str,
    value: float,
    lines: Sequence[Component],
    *,
    n: int,
    clause: str,
    definition: str,
    title: str,
) -> Result:
    """A length over single pores."""
    return Result(
        quantity=quantity,
        specimen=fields[0].specimen,
        value=value,
        unit="um",
        n=n,
        n_of=Text("porosity.n_of_pores"),
        clause=clause,
        definition=definition,
        budget=tuple(lines),
        title=title,
    )


def _from_surface(fields: Sequence[Measured], clause: str, minimum: str) -> list[Result]:
    """Distance of the nearest pore from the surface, and that a tenth of them does not reach; none without one."""
    seen = [field for field in fields if field.values.whole.surface_distance]
    if not seen:
        return []
    distance = np.concatenate([np.asarray(field.values.whole.surface_distance) for field in seen])
    made = []
    for name, share in SURFACE_SHARES.items():
        if share and len(distance) < _LEAST_PORES:
            continue
        value, lines, what = float(distance.min()), [], Text("porosity.definition_surface_distance_shortest")
        if share:
            of, among = Text("porosity.distances"), Text("porosity.n_of_pores")
            value, scatter = _quantile(distance, np.ones(len(distance)), share, of, among)
            lines, what = [scatter], Text("porosity.definition_surface_distance_share", share=100 * share)
        lines += _systematic(seen, value, f"surface_distance_{name}_um", _EDGE_PX)
        pixel_um = max(float(field.calibration.pixel_um or 0.0) for field in seen)
        basis = Text("porosity.basis_surface_border", surface_px=_SURFACE_PX)
        lines.append(Component(name=Text("budget.surface"), u=_SURFACE_PX * pixel_um / sqrt(3), kind="B", basis=basis))
        made.append(
            _of_pores(
                fields,
                f"pore_surface_distance_um.{name}",
                value,
                lines,
                n=len(distance),
                clause=clause,
                definition=Text("porosity.definition_surface_distance", what=what, minimum=minimum),
                title=Text("porosity.title_surface_distance_percentile", name=name),
            )
        )
    return made


def _percentiles(fields: Sequence[Measured], clause: str, minimum: str) -> list[Result]:
    ecd = np.concatenate([np.asarray(field.values.whole.ecd) for field in fields])
    weight = np.concatenate([np.asarray(field.values.whole.weight) for field in fields])
    if len(ecd) < _LEAST_PORES:
        return []
    made = []
    for name, share in SIZE_SHARES.items():
        value, scatter = _quantile(
            ecd, weight, share, Text("porosity.diameters"), Text("porosity.percentile_of_whole_pores")
        )
        lines = [scatter, *_systematic(fields, value, f"pore_ecd_{name}_um", 2 * _EDGE_PX)]
        made.append(
            _of_pores(
                fields,
                f"pore_ecd_um.{name}",
                value,
                lines,
                n=len(ecd),
                clause=clause,
                definition=Text("porosity.definition_pore_ecd_percentile", share=100 * share, minimum=minimum),
                title=Text("porosity.title_pore_ecd_percentile_number", name=name.upper()),
            )
        )
    return made


def _largest(fields: Sequence[Measured], largest: Sequence[float], clause: str) -> Result:
    name = "largest_pore_sqrt_area_um"
    value = max(largest)
    # a disc whose outline moves by e changes √(πD²/4) by √π e
    lines = _systematic([fields[int(np.argmax(largest))]], value, name, sqrt(np.pi) * _EDGE_PX)
    return Result(
        quantity=name,
        specimen=fields[0].specimen,
        value=value,
        unit="um",
        n=len(fields),
        clause=clause,
        definition=Text("porosity.definition_largest_pore_sqrt_area"),
        budget=tuple(lines),
        title=QUANTITIES[name].title,
    )


def _extreme(fields: Sequence[Measured], largest: Sequence[float], settings: Settings, seen: Result) -> Result:
    found = astm_e2283.fit(largest)
    areas = settings.part_area_mm2 / _field_mm2(fields)
    value, u = astm_e2283.largest_in(found, areas)
    # U of the two lines together is the half width that holds the true value
    fit = coverage_factor(found.n - 1) * u
    beyond = sqrt(max(astm_e2283.half_width(found, areas) ** 2 - fit**2, 0.0)) / coverage_factor(None)
    lines = (
        Component(
            name=Text("budget.between_fields"),
            u=u,
            kind="A",
            dof=found.n - 1,
            basis=Text("porosity.basis_gumbel_fit", n=found.n),
        ),
        Component(
            name=Text("budget.few_fields"),
            u=beyond,
            kind="B",
            basis=Text("porosity.basis_gumbel_few_fields", n=found.n),
        ),
        *(replace(line, u=line.u * value / seen.value) for line in seen.budget),
    )
    return Result(
        quantity="part_pore_sqrt_area_um",
        specimen=fields[0].specimen,
        value=value,
        unit="um",
        n=found.n,
        clause=Text("porosity.clause_astm_e2283_gumbel_fit"),
        definition=Text("porosity.definition_largest_pore_expected", part_area_mm2=settings.part_area_mm2, areas=areas),
        budget=lines,
        title=QUANTITIES["part_pore_sqrt_area_um"].title,
    )
