"""Results of the recipe for banding with their budgets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from inspect_tool.languages import Text, joined
from inspect_tool.model import Component, Result, Standard
from inspect_tool.recipes._common import alternatives_line, scale_line
from inspect_tool.recipes.banding.settings import ACROSS, ALONG, DEGREE, INDEX, PATH, QUANTITIES, SPACING
from inspect_tool.recipes.banding.values import Measured, Numbers, Whole
from inspect_tool.standards.editions import designation
from inspect_tool.standards.formulas import astm_e1268
from inspect_tool.statistics.fields import field_statistics, scatter_line
from inspect_tool.statistics.series import series_scatter
from inspect_tool.statistics.uncertainty import evaluated

Floats = NDArray[np.float64]
_STEP = 1e-4  # relative, of the numbers that a measure is differentiated by


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Interceptions per mm (per px without a scale) and area share [1] of one or all fields."""

    across: float
    along: float
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A number that follows from the counts."""

    name: str
    slug: str
    of: Callable[[Counted], float]
    power: int  # of the scale


MEASURES = (
    Measure(name=INDEX, slug="index", of=lambda one: astm_e1268.anisotropy_index(one.across, one.along), power=0),
    Measure(name=DEGREE, slug="degree", of=lambda one: astm_e1268.orientation_degree(one.across, one.along), power=0),
    Measure(name=SPACING, slug="spacing", of=lambda one: astm_e1268.band_spacing_um(one.across), power=1),
    Measure(name=PATH, slug="path", of=lambda one: astm_e1268.mean_free_path_um(one.share, one.across), power=1),
    Measure(name=ACROSS, slug="across", of=lambda one: one.across, power=1),
    Measure(name=ALONG, slug="along", of=lambda one: one.along, power=1),
)


def results_of(fields: Sequence[Measured], standard: Standard) -> list[Result]:
    """All results of one specimen; those of lengths only with a scale, those that have no value left out."""
    scaled = all(field.calibration.pixel_um is not None for field in fields)
    found = mean_of(fields)
    if found.across <= 0:
        return []
    made = []
    for measure in MEASURES:
        if (measure.power and not scaled) or (measure.name == INDEX and found.along <= 0):
            continue
        made.append(_made(fields, measure, found, standard))
    return made


def counted_of(field: Measured, numbers: Numbers | None = None, whole: Whole | None = None) -> Counted:
    """Counts of one field per mm, or per px without a scale.

    Where a machine found the bands, and has others to offer, they are those of all chords as the longer ones tell them;
    what a person drew is taken as it is.
    """
    per_mm = 1e3 / field.calibration.pixel_um if field.calibration.pixel_um is not None else 1.0
    one = field.values.numbers if numbers is None else numbers
    share = one.banded_percent / 100
    if not field.alternatives:
        return Counted(across=one.across_per_px * per_mm, along=one.along_per_px * per_mm, share=share)
    all_of = whole or one.whole
    return Counted(across=all_of.across_whole_per_px * per_mm, along=all_of.along_whole_per_px * per_mm, share=share)


def mean_of(fields: Sequence[Measured], other: str = "") -> Counted:
    """Means over the fields, sections apart; ``other``: of an alternative, where a field has it."""
    return _mean([counted_of(field, field.alternatives.get(other)) for field in fields], fields)


def _mean(each: Sequence[Counted], fields: Sequence[Measured]) -> Counted:
    sections = [field.section for field in fields]
    across, along, share = (
        field_statistics([getattr(one, name) for one in each], sections).mean for name in ("across", "along", "share")
    )
    return Counted(across=across, along=along, share=share)


def _slopes(measure: Measure, at: Counted) -> tuple[float, float, float]:
    """Derivatives of a measure by across, along and share."""
    found = []
    for name in ("across", "along", "share"):
        here = getattr(at, name)
        step = _STEP * here if here > 0 else 0.0
        if not step:
            found.append(0.0)
            continue
        up, down = (measure.of(replace(at, **{name: here + sign * step})) for sign in (1, -1))
        found.append((up - down) / (2 * step))
    return found[0], found[1], found[2]


def _made(fields: Sequence[Measured], measure: Measure, found: Counted, standard: Standard) -> Result:
    value = measure.of(found)
    slopes = _slopes(measure, found)
    rests = [
        value
        + slopes[0] * (one.across - found.across)
        + slopes[1] * (one.along - found.along)
        + slopes[2] * (one.share - found.share)
        for one in map(counted_of, fields)
    ]
    statistics = field_statistics(rests, [field.section for field in fields])
    budget = [*(scatter_line(statistics) or (_inside(fields[0], slopes, value),))]
    names = dict.fromkeys(name for field in fields for name in field.alternatives)
    others = {name: other for name in names if (other := _value(measure, mean_of(fields, name))) is not None}
    if others:
        budget += alternatives_line(value, others, "banding.basis_alternatives")
        budget.append(_resolution(fields, measure, value))
    if measure.power:
        budget.append(scale_line(fields, value, measure.power, "banding.basis_scale"))
    return evaluated(
        Result(
            quantity=measure.name,
            specimen=fields[0].specimen,
            value=value,
            unit=QUANTITIES[measure.name].unit,
            n=statistics.n,
            clause=joined(": ", (designation(standard), Text(f"banding.clause_{measure.slug}"))),
            definition=Text(f"banding.definition_{measure.slug}"),
            budget=tuple(budget),
            title=QUANTITIES[measure.name].title,
            main=measure.name in (INDEX, DEGREE, SPACING),
        )
    )


def _resolution(fields: Sequence[Measured], measure: Measure, value: float) -> Component:
    """What short chords do to a measure: half of what was put right for them, or what the choice of the first chord
    that counts does."""
    as_counted = [replace(one, whole=_as_counted(one)) for one in (field.values.numbers for field in fields)]
    counted = _value(measure, _mean([counted_of(*pair) for pair in zip(fields, as_counted, strict=True)], fields))
    others = [
        _value(measure, _mean([counted_of(field, whole=field.values.whole_from[name]) for field in fields], fields))
        for name in fields[0].values.whole_from
    ]
    away = [abs(other - value) for other in others if other is not None]
    if counted is not None:
        away.append(abs(counted - value) / 2)
    return Component(
        name=Text("budget.short_chords"),
        u=max(away, default=0.0) / sqrt(3),
        kind="B",
        basis=Text("banding.basis_short", counted=value if counted is None else counted, half=max(away, default=0.0)),
    )


def _as_counted(numbers: Numbers) -> Whole:
    return Whole(across_whole_per_px=numbers.across_per_px, along_whole_per_px=numbers.along_per_px)


def _value(measure: Measure, mean: Counted) -> float | None:
    return measure.of(mean) if mean.across > 0 and (mean.along > 0 or measure.name != INDEX) else None


def _inside(field: Measured, slopes: tuple[float, float, float], value: float) -> Component:
    """What varies across the bands inside a single field; the share goes with the counts and is not in it."""
    per_mm = 1e3 / field.calibration.pixel_um if field.calibration.pixel_um is not None else 1.0
    across, along = (np.asarray(field.curves[name]) * per_mm for name in ("across_per_px", "along_per_px"))
    scatter = series_scatter(slopes[0] * across + slopes[1] * along)
    if scatter is None:
        return Component(
            name=Text("budget.scatter_inside_the_fields"),
            u=abs(value),
            kind="B",
            dof=1.0,
            basis=Text("banding.basis_small_field"),
        )
    return Component(
        name=Text("budget.scatter_inside_the_fields"),
        u=scatter.u,
        kind="B",
        dof=scatter.dof,
        basis=Text("banding.basis_inside", across=field.values.across_px),
    )
