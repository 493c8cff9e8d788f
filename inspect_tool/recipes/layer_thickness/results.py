"""Results of the recipe for layers with their budgets."""

from collections.abc import Sequence
from math import sqrt
from typing import Literal, TypeAlias

import numpy as np

from inspect_tool.languages import Text, joined, named
from inspect_tool.model import Component, Result, Standard
from inspect_tool.recipes._common import alternatives_line, only, scale_line, tilt_line
from inspect_tool.recipes.layer_thickness.settings import LEAST, MEAN, MOST, SPREAD, VARIATION, Settings
from inspect_tool.recipes.layer_thickness.values import Layer, Measured
from inspect_tool.standards.editions import designation
from inspect_tool.statistics.fields import FieldStatistics, field_statistics, scatter_line
from inspect_tool.statistics.uncertainty import evaluated

_OUTLINE_PX = 0.5  # one interface is known to half a pixel
_BESIDE_PX = 0.25  # and to a quarter where another level is a line of its own

Extreme: TypeAlias = Literal["minimum", "maximum"]


def layers_in(fields: Sequence[Measured]) -> tuple[str, ...]:
    """Layers that every field of a specimen has."""
    first, *others = (field.values.numbers.layers for field in fields)
    return tuple(name for name in first if all(name in other for other in others))


def results_of(fields: Sequence[Measured], settings: Settings, standard: Standard) -> list[Result]:
    """All results of one specimen; without a scale only how much the thickness varies, over its mean."""
    made = []
    for name in layers_in(fields):
        if _scaled(fields):
            made += [
                _mean(fields, name, settings, standard),
                _extreme(fields, name, "minimum", settings, standard),
                _extreme(fields, name, "maximum", settings, standard),
                _sd(fields, name, standard),
            ]
        made.append(_variation(fields, name, standard))
    return made


def _scaled(fields: Sequence[Measured]) -> bool:
    return all(field.calibration.pixel_um is not None for field in fields)


def of_layer(fields: Sequence[Measured], name: str) -> list[Layer]:
    """Numbers of one layer in every field."""
    return [field.values.numbers.layers[name] for field in fields]


def statistics_of(fields: Sequence[Measured], values: Sequence[float]) -> FieldStatistics:
    """Mean and spread of one value per field, sections apart."""
    return field_statistics(values, [field.section for field in fields])


def _mean(fields: Sequence[Measured], name: str, settings: Settings, standard: Standard) -> Result:
    found = statistics_of(fields, [one.mean_thickness["um"] for one in of_layer(fields, name)])
    others = {
        other: statistics_of(
            fields,
            [field.alternatives.get(other, field.values.numbers).layers[name].mean_thickness["um"] for field in fields],
        ).mean
        for other in _others(fields)
    }
    budget = [
        *(scatter_line(found) or (_inside(fields, name),)),
        *alternatives_line(found.mean, others, "layer_thickness.basis_alternatives"),
        _interfaces(fields, bool(others)),
        scale_line(fields, found.mean, 1, "layer_thickness.basis_scale"),
        *tilt_line(found.mean, settings.tilt_deg, "layer_thickness.basis_tilt"),
    ]
    return evaluated(
        Result(
            quantity=MEAN.replace("*", name),
            specimen=fields[0].specimen,
            value=found.mean,
            unit="um",
            n=found.n,
            clause=joined(": ", (designation(standard), Text("layer_thickness.clause_mean"))),
            definition=Text("layer_thickness.definition_mean"),
            budget=tuple(budget),
            title=Text("layer_thickness.title_mean_of", layer=named("terms", name)),
            main=True,
        )
    )


def _extreme(fields: Sequence[Measured], name: str, which: Extreme, settings: Settings, standard: Standard) -> Result:
    """The thinnest or thickest place that was seen; how much thinner others are that were not, nobody can say."""
    pick = min if which == "minimum" else max
    column = f"{which}_thickness_um"
    layers = of_layer(fields, name)
    value = float(pick(float(one[column]) for one in layers))
    others = {
        other: float(
            pick(float(field.alternatives.get(other, field.values.numbers).layers[name][column]) for field in fields)
        )
        for other in _others(fields)
    }
    budget = [
        *alternatives_line(value, others, "layer_thickness.basis_alternatives"),
        _interfaces(fields, bool(others)),
        scale_line(fields, value, 1, "layer_thickness.basis_scale"),
        *tilt_line(value, settings.tilt_deg, "layer_thickness.basis_tilt"),
    ]
    return evaluated(
        Result(
            quantity=(LEAST if which == "minimum" else MOST).replace("*", name),
            specimen=fields[0].specimen,
            value=value,
            unit="um",
            n=sum(one.chords for one in layers),
            n_of=Text("layer_thickness.n_of_chords"),
            clause=joined(": ", (designation(standard), Text(f"layer_thickness.clause_{which}"))),
            definition=Text(f"layer_thickness.definition_{which}"),
            budget=tuple(budget),
            title=Text(f"layer_thickness.title_{which}_of", layer=named("terms", name)),
            main=which == "minimum",
        )
    )


def _sd(fields: Sequence[Measured], name: str, standard: Standard) -> Result:
    """Standard deviation of the local thickness, all chords together."""
    chords = np.asarray([value for field in fields for value in field.curves[f"thickness.{name}"]])
    value = float(chords.std(ddof=1)) if len(chords) > 1 else 0.0
    each = [one.thickness_sd["um"] for one in of_layer(fields, name)]
    return evaluated(
        Result(
            quantity=SPREAD.replace("*", name),
            specimen=fields[0].specimen,
            value=value,
            unit="um",
            n=len(chords),
            n_of=Text("layer_thickness.n_of_chords"),
            clause=joined(": ", (designation(standard), Text("layer_thickness.clause_sd"))),
            definition=Text("layer_thickness.definition_sd"),
            budget=(
                *(scatter_line(statistics_of(fields, each)) or (_inside_of_sd(fields, name, value),)),
                _interfaces(fields, bool(_others(fields))),
            ),
            title=Text("layer_thickness.title_sd_of", layer=named("terms", name)),
        )
    )


def _variation(fields: Sequence[Measured], name: str, standard: Standard) -> Result:
    """Standard deviation over the mean of a field, mean over fields."""
    found = statistics_of(fields, [one.thickness_variation_percent for one in of_layer(fields, name)])
    half_px = _BESIDE_PX if _others(fields) else _OUTLINE_PX
    return evaluated(
        Result(
            quantity=VARIATION.replace("*", name),
            specimen=fields[0].specimen,
            value=found.mean,
            unit="%",
            n=found.n,
            clause=joined(": ", (designation(standard), Text("layer_thickness.clause_variation"))),
            definition=Text("layer_thickness.definition_variation"),
            budget=(
                *(scatter_line(found) or (_inside_of_sd(fields, name, found.mean),)),
                Component(
                    name=Text("budget.interfaces"),
                    u=100 * sqrt(2) * half_px / sqrt(3) / min(_px(field, name) for field in fields),
                    kind="B",
                    basis=Text("layer_thickness.basis_interfaces", half=half_px),
                ),
            ),
            title=Text("layer_thickness.title_variation_of", layer=named("terms", name)),
            main=not _scaled(fields),
        )
    )


def _px(field: Measured, name: str) -> float:
    """Mean thickness of a field in pixels."""
    return only(field.values.numbers.layers[name].mean_thickness) / float(field.calibration.pixel_um or 1.0)


def _inside_of_sd(fields: Sequence[Measured], name: str, value: float) -> Component:
    """How well one field tells a standard deviation: by as many independent chords as its mean is known from."""
    (field,) = fields
    sd = only(field.values.numbers.layers[name].thickness_sd)
    inner = next(iter(field.values.scatter[name].inner_scatter.values()), 0.0)
    independent = max((sd / inner) ** 2 if inner > 0 else 1.0, 1.0)
    return Component(
        name=Text("budget.scatter_inside_the_fields"),
        u=value / sqrt(2 * independent),
        kind="B",
        dof=max(independent - 1, 1.0),
        basis=Text("layer_thickness.basis_independent", independent=independent),
    )


def _others(fields: Sequence[Measured]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for field in fields for name in field.alternatives))


def _inside(fields: Sequence[Measured], name: str) -> Component:
    """What varies along the layer inside a single field."""
    (field,) = fields
    scatter = field.values.scatter[name]
    if not scatter.inner_scatter:
        one = field.values.numbers.layers[name]
        return Component(
            name=Text("budget.scatter_inside_the_fields"),
            u=one.thickness_sd["um"] or one.mean_thickness["um"],
            kind="B",
            dof=1.0,
            basis=Text("layer_thickness.basis_few"),
        )
    return Component(
        name=Text("budget.scatter_inside_the_fields"),
        u=scatter.inner_scatter["um"],
        kind="B",
        dof=scatter.inner_scatter_dof,
        basis=Text("layer_thickness.basis_along", line=scatter.line["um"]),
    )


def _interfaces(fields: Sequence[Measured], has_others: bool) -> Component:
    """Two interfaces, each known to a part of a pixel, the same all along a layer in line with the pixels."""
    pixel_um = max(float(field.calibration.pixel_um or 0.0) for field in fields)
    half_px = _BESIDE_PX if has_others else _OUTLINE_PX
    return Component(
        name=Text("budget.interfaces"),
        u=sqrt(2) * half_px / sqrt(3) * pixel_um,
        kind="B",
        basis=Text("layer_thickness.basis_interfaces", half=half_px),
    )
