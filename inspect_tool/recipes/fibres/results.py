"""Results of the recipe for fibers with their budgets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, hypot, log, sqrt

import numpy as np
from numpy.typing import NDArray

from inspect_tool.languages import Text
from inspect_tool.measure.share_scatter import HIDDEN, ShareScatter, sampling_lines, unseen_percent
from inspect_tool.model import Component, Editions, Result
from inspect_tool.recipes._common import groups_of, limit_lines, name_of_groups, scale_line
from inspect_tool.recipes.fibres.settings import COMPONENTS, QUANTITIES, Settings
from inspect_tool.recipes.fibres.values import Measured, Phase, Unit
from inspect_tool.standards.editions import designation
from inspect_tool.standards.formulas import fiber_sections
from inspect_tool.statistics import samples
from inspect_tool.statistics.fields import field_statistics, scatter_line
from inspect_tool.statistics.samples import Floats, Limits, Sample
from inspect_tool.statistics.uncertainty import coverage_factor, evaluated, expanded, half_range

LEAST = 10  # whole fibers; with fewer no mean is stated
_OUTLINE_PX = 1.0  # what half a pixel on either side does to the difference of the axes over their mean, times diameter
_STEEPEST = 0.4  # sine of the tilt below which an axis that is a little off is a matter of noise
_NOISE_KNOWN = 0.25  # what noise explains is itself known to this share of it
_FAR = 4.0  # robust standard deviations from the median: one of 15 000 normal diameters lies beyond
_FEW = 0.1  # more fibers than this share that are far from the others are a kind of their own, and no wrong outlines
_MAIN = ("fibre_percent", "void_percent", "mean_fibre_diameter_um")
_RANGE = {"%": (0.0, 100.0), "deg": (0.0, 90.0), "1": (0.0, 1.0)}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fibers:
    """Whole fibers of all fields of one specimen."""

    diameter: Floats  # um, or px without a scale
    diameter_px: Floats
    diameter_noise: Floats  # variance of each that is noise of its outline; um², or px² without a scale
    tilt_deg: Floats
    trace_deg: Floats
    noise: Floats  # standard deviation of a component of the elongation, see ``fiber_sections.without_noise`` [1]
    by_number: Sample  # each by its chance to be whole
    by_area: Sample  # and by the area of its section


def results_of(fields: Sequence[Measured], settings: Settings, editions: Editions) -> list[Result]:
    """All results of one specimen."""
    clause = designation(editions.job)
    phases: tuple[Phase, ...] = ("fibre", "void", "resin_rich")
    made = [_share(fields, phase, clause) for phase in phases if all(phase in f.values.numbers.area for f in fields)]
    fibers = fibers_of(fields, settings)
    if len(fibers.diameter) >= LEAST:
        if all(field.calibration.pixel_um is not None for field in fields):
            made += [_diameter(fields, fibers, clause), _diameter_sd(fields, fibers, clause)]
            made.append(_count(fields, fibers, made[0], clause))
        made += _directions(fields, fibers, clause)
    return [_within(result) for result in made]


def fibers_of(fields: Sequence[Measured], settings: Settings) -> Fibers:
    """Whole fibers of all fields of one specimen; groups are fields, or sections where there are several."""
    unit = "um" if all(field.calibration.pixel_um is not None for field in fields) else "px"

    def joined(name: str) -> Floats:
        return np.concatenate([np.asarray(field.curves[name], dtype=np.float64) for field in fields])

    each = [len(field.curves["fiber_weight"]) for field in fields]
    groups = groups_of(fields)
    diameter, weight = joined(f"fiber_diameter_{unit}"), joined("fiber_weight")
    pixel = np.repeat([float(field.calibration.pixel_um or 1.0) if unit == "um" else 1.0 for field in fields], each)
    sample = Sample(
        size=diameter,
        weight=weight,
        group=np.repeat(groups, each),
        groups=int(groups.max()) + 1,
    )
    return Fibers(
        diameter=diameter,
        diameter_px=diameter / pixel,
        diameter_noise=joined("fiber_noise_px2") * pixel**2,
        tilt_deg=joined("fiber_tilt_deg"),
        trace_deg=joined("fiber_trace_deg"),
        noise=np.hypot(settings.roundness / sqrt(2), _OUTLINE_PX / np.maximum(diameter / pixel, 1e-9)),
        by_number=sample,
        by_area=replace(sample, weight=weight * joined("fiber_area_px2")),
    )


def tilts_without_noise(fibers: Fibers) -> Floats:
    """Tilt of each fiber were the elongation of its outline not partly noise. [deg]"""
    ratio = fiber_sections.without_noise(np.cos(np.radians(fibers.tilt_deg)), fibers.noise)
    return np.asarray(np.degrees(np.arccos(np.clip(ratio, 0.0, 1.0))), dtype=np.float64)


def _diameters_without_noise(fibers: Fibers) -> Floats:
    """Minor axis of each fiber were the elongation of its outline not partly noise, its area being right."""
    longer = np.cos(np.radians(tilts_without_noise(fibers))) / np.cos(np.radians(fibers.tilt_deg))
    return np.asarray(fibers.diameter * np.sqrt(longer), dtype=np.float64)


def _as_long_as_others(fibers: Fibers) -> NDArray[np.bool_]:
    """Which fibers are not among the few whose sections are far longer than all others: two in one, or a piece of one.

    Noise of outlines leaves one amplitude in 1500 so far out; each of these few moves a component as ten others do.
    """
    ratio = np.cos(np.radians(fibers.tilt_deg)) ** 2
    length = (1 - ratio) / (1 + ratio)
    beyond = length - np.median(length)
    near = np.asarray(beyond <= _FAR * 1.4826 * float(np.median(np.abs(beyond))), np.bool_)
    return near if near.mean() > 1 - _FEW else np.ones(len(near), np.bool_)


def _within(result: Result) -> Result:
    """Neither a share nor an angle nor a component, nor the interval of one, lies beyond what it can be."""
    low, high = (-0.5, 0.5) if result.quantity.endswith("a12") else _RANGE.get(result.unit, (0.0, float("inf")))
    if result.interval is None:
        return result
    return replace(result, interval=(max(low, result.interval[0]), min(high, result.interval[1])))


# ------------------------------------------------------------------------------------------------------- area shares


def _share(fields: Sequence[Measured], phase: Phase, clause: str) -> Result:
    name = f"{phase}_percent"
    sections = [field.section for field in fields]
    shares = [field.values.numbers.area[phase] for field in fields]
    found = field_statistics(shares, sections)
    others = {
        other: field_statistics(
            [
                field.alternatives.get(other, field.values.numbers).area.get(phase, share)
                for field, share in zip(fields, shares, strict=True)
            ],
            sections,
        ).mean
        for other in dict.fromkeys(title for field in fields for title in field.alternatives)
    }
    if others:
        listed = ", ".join(f"{other}: {value:.4g}" for other, value in others.items())
        u = half_range([found.mean, *others.values()])
        basis = Text("fibres.basis_alternatives", unit="%", listed=listed)
    else:
        half = field_statistics([f.values.scatter[phase].half_pixel_percent for f in fields], sections).mean
        u, basis = half / sqrt(3), Text("fibres.basis_half_pixel", half=half)
    return evaluated(
        Result(
            quantity=name,
            specimen=fields[0].specimen,
            value=found.mean,
            unit="%",
            n=len(fields),
            clause=clause,
            definition=_definition(fields, phase),
            budget=(
                *_share_lines(fields, phase),
                Component(name=Text("budget.segmentation"), u=u, kind="B", basis=basis),
            ),
            title=QUANTITIES[name].title,
            main=name in _MAIN,
        )
    )


def _share_lines(fields: Sequence[Measured], phase: Phase) -> tuple[Component, ...]:
    """What the fields leave open of a share: their scatter, that inside them, or what voids may lie beside them."""
    shares = [field.values.numbers.area[phase] for field in fields]
    if phase == "void" and not any(shares):
        most = unseen_percent(len(fields))
        basis = Text("fibres.basis_voids_beside_fields", hidden=1 / HIDDEN, most=most)
        return (Component(name=Text("budget.no_void_found"), u=most / coverage_factor(None), kind="B", basis=basis),)
    kept = [field.values.scatter[phase] for field in fields]
    inner = [ShareScatter(u=one.inner_scatter_percent / 100, dof=one.inner_scatter_dof) for one in kept]
    return sampling_lines(field_statistics(shares, [field.section for field in fields]), shares, inner)


def _definition(fields: Sequence[Measured], phase: Phase) -> Text:
    if phase != "resin_rich":
        return Text("fibres.definition_share" if phase == "fibre" else "fibres.definition_void")
    unit: Unit = "um" if all(field.calibration.pixel_um is not None for field in fields) else "px"
    beyond = float(np.mean([field.values.numbers.resin_rich_beyond[unit] for field in fields]))
    return Text("fibres.definition_resin_rich", beyond=beyond, unit=unit)


# ------------------------------------------------------------------------------------------- means over whole fibers


def _segmentation_line(fields: Sequence[Measured], name: str, value: float) -> tuple[Component, ...]:
    """Half range of the value over alternative segmentations, by their mean change over fields."""
    found = {}
    relative = QUANTITIES[name].unit in ("um", "1/mm2")
    for other in dict.fromkeys(name for field in fields for name in field.alternatives):
        changes = []
        for field in fields:
            before, after = field.values.get(name), field.alternatives.get(other, field.values).get(name)
            if before is None or after is None or (relative and not (before and after)):
                continue
            change = log(float(after) / float(before)) if relative else float(after) - float(before)
            changes.append((field.values.numbers.fibers, change))
        if changes:
            number, change_of = zip(*changes, strict=True)
            mean = float(np.average(change_of, weights=number))
            found[other] = value * exp(mean) if relative else value + mean
    if not found:
        return ()
    listed = ", ".join(f"{other}: {moved:.4g}" for other, moved in found.items())
    basis = Text("fibres.basis_alternatives", unit=QUANTITIES[name].unit, listed=listed)
    u = half_range([value, *found.values()])
    return (Component(name=Text("budget.segmentation"), u=u, kind="B", basis=basis),)


def _sampling(found: Limits, fields: Sequence[Measured], groups: int, n: int) -> list[Component]:
    """Fibers, and what groups of them differ beyond that; each with the wider side of its limits."""
    what = name_of_groups(fields)
    return limit_lines(
        found,
        groups,
        alone=(Text("budget.between_fibers"), Text("fibres.basis_fibers", n=n, effective=found.effective)),
        beyond=(Text("budget.between", what=what), Text("fibres.basis_groups", n=groups, what=what)),
    )


def _made(
    fields: Sequence[Measured],
    name: str,
    found: Limits,
    lines: Sequence[Component],
    groups: int,
    clause: str,
    definition: Text,
    noise: float = 0.0,
    why: tuple[str, str] = ("budget.roundness", "fibres.basis_roundness"),
) -> Result:
    """A result whose interval reaches to where the value would lie without noise; U is that of the wider side.

    Noise moves the value to one side: what it explains, ``noise``, is added to what the other lines leave open on the
    side that it came from, and only how well it is known goes with them. ``why`` names the line and says what it is.
    """
    n = sum(len(field.curves["fiber_weight"]) for field in fields)
    budget = [*_sampling(found, fields, groups, n), *lines]
    if noise:
        rest = expanded(budget)
        budget.append(
            Component(
                name=Text(why[0]),
                u=sqrt(_reach(rest, abs(noise)) ** 2 - rest**2) / coverage_factor(None),
                kind="B",
                basis=Text(why[1], without=found.value - noise),
            )
        )
    others = expanded(lines)
    low, high = found.together
    return evaluated(
        Result(
            quantity=name,
            specimen=fields[0].specimen,
            value=found.value,
            unit=QUANTITIES[name].unit,
            n=n,
            n_of=Text("fibres.n_of_fibers"),
            clause=clause,
            definition=definition,
            budget=tuple(budget),
            interval=(
                found.value - _reach(hypot(found.value - low, others), max(noise, 0.0)),
                found.value + _reach(hypot(high - found.value, others), max(-noise, 0.0)),
            ),
            title=QUANTITIES[name].title,
            main=name in _MAIN,
        )
    )


def _reach(rest: float, noise: float) -> float:
    """How far a limit lies from a value that noise has moved away from it, the other lines leaving ``rest`` open."""
    return noise + hypot(rest, _NOISE_KNOWN * noise)


def _edge_line(fields: Sequence[Measured]) -> Component:
    """Both outlines across a fiber: to half a pixel as drawn, to a quarter where another level is a line of its own."""
    pixel_um = max(float(field.calibration.pixel_um or 0.0) for field in fields)
    half_px, basis = _outline_of(fields)
    return Component(name=Text("budget.fiber_edge"), u=2 * half_px / sqrt(3) * pixel_um, kind="B", basis=basis)


def _outline_of(fields: Sequence[Measured]) -> tuple[float, Text]:
    """How well an outline is known, and why. [px]"""
    if any(field.alternatives for field in fields):
        return 0.25, Text("fibres.basis_parting")
    return 0.5, Text("fibres.basis_edge")


def _diameter(fields: Sequence[Measured], fibers: Fibers, clause: str) -> Result:
    name = "mean_fibre_diameter_um"
    found = samples.average(fibers.by_number, fibers.diameter)
    noise = found.value - float(np.average(_diameters_without_noise(fibers), weights=fibers.by_number.weight))
    lines = [
        *_segmentation_line(fields, name, found.value),
        _edge_line(fields),
        scale_line(fields, found.value, 1, "fibres.basis_scale"),
    ]
    definition = Text("fibres.definition_diameter")
    return _made(fields, name, found, lines, fibers.by_number.groups, clause, definition, noise)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiameterVariance:
    """Variance of the diameters, and what of it is no scatter of fibers. [um² or px²]"""

    seen: Limits  # with the limits that chance leaves
    noise: float  # of outlines, see ``measure.outline_noise``
    own: float  # without noise, and without the few fibers far from all others

    @property
    def doubtful(self) -> float:
        """Share that is noise of outlines or rests on a few fibers. [1]"""
        return 1 - self.own / self.seen.value if self.seen.value else 0.0


def diameter_variance(fibers: Fibers) -> DiameterVariance:
    """Mean squared deviation of the diameters with its limits, the noise in it, and what is left of it.

    Diameters farther than four robust standard deviations from the median are mostly of two fibers in one or of a piece
    of one, and few as they are they make much of the variance.
    """
    far = np.abs(fibers.diameter - np.median(fibers.diameter))
    near = far <= _FAR * 1.4826 * float(np.median(far))
    seen = samples.average(fibers.by_number, _squares(fibers, np.ones(len(far), np.bool_)))
    noise = float(np.average(fibers.diameter_noise, weights=fibers.by_number.weight))
    own = seen.value - noise
    if not near.all():
        left = _squares(fibers, near) - fibers.diameter_noise
        own = float(np.average(left[near], weights=fibers.by_number.weight[near]))
    return DiameterVariance(seen=seen, noise=noise, own=max(own, 0.0))


def _squares(fibers: Fibers, used: NDArray[np.bool_]) -> Floats:
    """Squared deviations from the mean of the fibers that are used."""
    mean = float(np.average(fibers.diameter[used], weights=fibers.by_number.weight[used]))
    n = np.count_nonzero(used)
    return np.asarray((fibers.diameter - mean) ** 2 * n / max(n - 1, 1), dtype=np.float64)


def _diameter_sd(fields: Sequence[Measured], fibers: Fibers, clause: str) -> Result:
    name = "fibre_diameter_sd_um"
    found = diameter_variance(fibers)
    seen = found.seen

    def root(square: float) -> float:  # on the logarithm, where the limits of a variance lie evenly
        return sqrt(max(seen.value * exp(square / seen.value - 1) - found.noise, 0.0)) if seen.value else 0.0

    sd = replace(
        seen,
        value=root(seen.value),
        alone=(root(seen.alone[0]), root(seen.alone[1])),
        together=(root(seen.together[0]), root(seen.together[1])),
    )
    more, less = (sqrt(max(seen.value - times * found.noise, 0.0)) for times in (1 - _NOISE_KNOWN, 1 + _NOISE_KNOWN))
    lines = [
        *_segmentation_line(fields, name, sd.value),
        Component(
            name=Text("budget.roundness"),
            u=(more - less) / 2,
            kind="B",
            basis=Text("fibres.basis_noise", noise=sqrt(found.noise), known=100 * _NOISE_KNOWN),
        ),
        scale_line(fields, sd.value, 1, "fibres.basis_scale"),
    ]
    return _made(
        fields,
        name,
        sd,
        lines,
        fibers.by_number.groups,
        clause,
        Text("fibres.definition_diameter_sd"),
        max(sd.value - sqrt(found.own), 0.0),
        ("budget.far_fibers", "fibres.basis_far"),
    )


def _count(fields: Sequence[Measured], fibers: Fibers, share: Result, clause: str) -> Result:
    """Fibers per area; in a single field their number scatters as their share does, and their sizes on top."""
    name = "fibre_count_per_mm2"
    areas = np.asarray([field.values.field_area["mm2"] for field in fields])
    value = float(sum(field.values.numbers.fibers_counted for field in fields)) / float(areas.sum())
    area = fibers.by_area.weight / fibers.by_number.weight
    mean = float(np.average(area, weights=fibers.by_number.weight))
    spread = float(np.average((area - mean) ** 2, weights=fibers.by_number.weight)) / mean**2
    n = len(area)
    per_field = [float(field.values.numbers.fibre_count_per_mm2 or 0.0) for field in fields]
    lines = [*scatter_line(field_statistics(per_field, [field.section for field in fields]))]
    if not lines:
        factor = value / share.value if share.value else 0.0
        lines = [replace(line, u=line.u * factor) for line in _share_lines(fields, "fibre")]
        lines.append(
            Component(
                name=Text("budget.between_fibers"),
                u=value * sqrt(spread / n),
                kind="A",
                dof=float(max(n - 1, 1)),
                basis=Text("fibres.basis_sizes", n=n),
            )
        )
    lines += [*_segmentation_line(fields, name, value), scale_line(fields, value, 2, "fibres.basis_scale")]
    return evaluated(
        Result(
            quantity=name,
            specimen=fields[0].specimen,
            value=value,
            unit="1/mm2",
            n=n,
            n_of=Text("fibres.n_of_fibers"),
            clause=clause,
            definition=Text("fibres.definition_count"),
            budget=tuple(lines),
            title=QUANTITIES[name].title,
        )
    )


def _axis_lines(fields: Sequence[Measured], fibers: Fibers) -> dict[str, Component]:
    """What an outline at the ends of one axis does to tilt and components, the other axis being right."""
    half_px, basis = _outline_of(fields)
    ratio = np.cos(np.radians(fibers.tilt_deg))
    off = 2 * half_px / np.maximum(fibers.diameter_px, 1e-9) * ratio**2  # change of the ratio of the axes
    slope = np.maximum(np.sin(np.radians(fibers.tilt_deg)), _STEEPEST)  # below, noise to one side is more than this
    normal = float(np.average(2 * ratio * off, weights=fibers.by_area.weight))
    parts = fiber_sections.direction_tensor(fibers.tilt_deg, fibers.trace_deg)
    mean = {name: float(np.average(parts[name], weights=fibers.by_area.weight)) for name in COMPONENTS}
    flat = max(mean["a11"] + mean["a22"], 1e-9)
    moved = {name: normal * abs(mean[name]) / flat for name in ("a11", "a22", "a12")} | {"a33": normal}
    every = {f"orientation_{name}": one for name, one in moved.items()} | {
        "mean_fibre_tilt_deg": float(np.degrees(np.average(off / slope, weights=fibers.by_number.weight)))
    }
    return {
        name: Component(name=Text("budget.fiber_edge"), u=one / sqrt(3), kind="B", basis=basis)
        for name, one in every.items()
    }


def _directions(fields: Sequence[Measured], fibers: Fibers, clause: str) -> list[Result]:
    """Mean tilt by number and direction tensor by area, each with what noise and wrong outlines make of it."""
    left, kept = tilts_without_noise(fibers), _as_long_as_others(fibers)
    name = "mean_fibre_tilt_deg"
    found = samples.average(fibers.by_number, fibers.tilt_deg)
    noise = found.value - float(np.average(left[kept], weights=fibers.by_number.weight[kept]))
    groups = fibers.by_number.groups
    edges = _axis_lines(fields, fibers)
    lines = [*_segmentation_line(fields, name, found.value), edges[name]]
    why = "budget.roundness", "fibres.basis_direction"
    made = [_made(fields, name, found, lines, groups, clause, Text("fibres.definition_tilt"), noise, why)]
    parts, without = (fiber_sections.direction_tensor(tilt, fibers.trace_deg) for tilt in (fibers.tilt_deg, left))
    for component in COMPONENTS:
        name = f"orientation_{component}"
        found = samples.average(fibers.by_area, np.asarray(parts[component]))
        noise = found.value - float(np.average(without[component][kept], weights=fibers.by_area.weight[kept]))
        lines = [*_segmentation_line(fields, name, found.value), edges[name]]
        definition = Text("fibres.definition_tensor", component=component)
        made.append(_made(fields, name, found, lines, groups, clause, definition, noise, why))
    return made
