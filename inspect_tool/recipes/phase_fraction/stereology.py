"""What lines and contacts say of a class: surface, spacing, contiguity."""

from collections.abc import Callable, Mapping
from math import exp, log, sqrt
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from inspect_tool.languages import Text, named
from inspect_tool.model import (
    Component,
    Editions,
    Result,
)
from inspect_tool.recipes.phase_fraction.groups import Group, clause_of
from inspect_tool.recipes.phase_fraction.settings import QUANTITIES, Settings
from inspect_tool.recipes.phase_fraction.shares import segmentation_line
from inspect_tool.recipes.phase_fraction.values import Lines
from inspect_tool.standards.editions import edition_of
from inspect_tool.standards.formulas import astm_e1245
from inspect_tool.statistics.fields import field_statistics, scatter_line
from inspect_tool.statistics.uncertainty import evaluated

Floats: TypeAlias = NDArray[np.float64]

_PERPENDICULAR: Mapping[str, Callable[[Lines], float | None]] = {
    "none": lambda lines: lines.intercepts_per_mm,
    "vertical": lambda lines: lines.intercepts_per_mm_horizontal,
    "horizontal": lambda lines: lines.intercepts_per_mm_vertical,
}
"""Deformation axis -> interceptions by lines perpendicular to it; none: by both kinds."""

_ELONGATED = 1.5  # N_L in one direction over that in the other, from which a structure has an axis
_SURE = 3.0  # standard deviations of the logarithm of that ratio, about 1 / sqrt(features)


def axis_of(group: Group, name: str, settings: Settings) -> str:
    """Deformation axis in the images: as stated, or along the lines that cross clearly fewer features."""
    if settings.axis != "auto" or any(field.calibration.pixel_um is None for field in group.fields):
        return settings.axis
    horizontal, vertical = (
        field_statistics(group.lines(name, read), group.sections).mean
        for read in (_PERPENDICULAR["vertical"], _PERPENDICULAR["horizontal"])
    )
    features = sum(group.features(name, lambda features: features.count))
    if not features or not max(horizontal, vertical):
        return "none"
    sure = exp(max(log(_ELONGATED), _SURE / sqrt(features)))
    if vertical > sure * horizontal:
        return "horizontal"
    return "vertical" if horizontal > sure * vertical else "none"


def contiguity_results(group: Group, name: str) -> list[Result]:
    """Share of the surface of the objects of a class that they share with each other: C = 2 N_aa / (2 N_aa + N_ab)."""
    found = [field.values.contacts.get(name) for field in group.fields]
    counted = [one for one in found if one is not None]
    if len(counted) < len(found):
        return []
    top = 2 * np.asarray([float(one.contacts_like) for one in counted])
    bottom = top + np.asarray([float(one.contacts_matrix) for one in counted])
    per_field = field_statistics(bottom.tolist(), group.sections).mean
    if not per_field:
        return []
    value = field_statistics(top.tolist(), group.sections).mean / per_field
    scatter = field_statistics(((top - value * bottom) / per_field).tolist(), group.sections)
    return [
        evaluated(
            Result(
                quantity=f"contiguity.{name}",
                specimen=group.specimen,
                value=value,
                unit="1",
                n=len(group.fields),
                clause=Text("phase_fraction.clause_contiguity_gurland"),
                definition=Text("phase_fraction.definition_contiguity"),
                budget=scatter_line(scatter),
                title=Text("phase_fraction.title_contiguity_class", name=named("terms", name)),
            )
        )
    ]


def stereology_results(group: Group, name: str, axis: str, editions: Editions) -> list[Result]:
    """Measures of E1245 from the means of the fields; a ratio of means, with the scatter of both in its budget.

    N_L is taken perpendicular to the axis of an elongated structure, and by lines of both directions where it has none.
    """
    if any(field.calibration.pixel_um is None for field in group.fields):
        return []
    area = np.asarray(group.area_percent(name)) / 100
    # of the features that N_A counts
    counted = area * (1 - np.asarray(group.features(name, lambda features: features.too_small_percent)) / 100)
    lines = np.asarray(group.lines(name, _PERPENDICULAR[axis]))
    count = np.asarray(group.features(name, lambda features: features.count_per_mm2))
    u_scale = max(field.calibration.u_rel for field in group.fields)
    share = field_statistics(area.tolist(), group.sections)
    u_area = segmentation_line(group, name, field_statistics((100 * area).tolist(), group.sections)).u / 100
    n_l = field_statistics(lines.tolist(), group.sections).mean
    n_a = field_statistics(count.tolist(), group.sections).mean
    one = np.ones_like(area)
    made: list[Result] = []

    def add(quantity: str, value: float, top: Floats, bottom: Floats, power: int, u_share: float) -> None:
        """One measure: value, its numerator and denominator per field, power of the scale, sensitivity to A_A."""
        unit = QUANTITIES[f"{quantity}.*"].unit
        per_mean = field_statistics(bottom.tolist(), group.sections).mean
        factor = value / (field_statistics(top.tolist(), group.sections).mean / per_mean)
        rest = factor * (top - bottom * value / factor) / per_mean
        budget = list(scatter_line(field_statistics(rest.tolist(), group.sections)))
        if u_share:
            basis = Text("phase_fraction.basis_area_fraction_carried")
            budget.append(Component(name=Text("budget.segmentation"), u=u_share * u_area, kind="B", basis=basis))
        if u_scale:
            basis = Text("phase_fraction.basis_scale", u_scale=100 * u_scale, power=power)
            budget.append(Component(name=Text("budget.scale"), u=power * u_scale * value, kind="B", basis=basis))
        made.append(
            evaluated(
                Result(
                    quantity=f"{quantity}.{name}",
                    specimen=group.specimen,
                    value=value,
                    unit=unit,
                    n=len(group.fields),
                    clause=clause_of(edition_of(editions, "ASTM E1245"), _CLAUSES[quantity]),
                    definition=Text(_DEFINITIONS[quantity], lines=CROSSING[axis]),
                    budget=tuple(budget),
                    title=Text("words.of_class", title=QUANTITIES[f"{quantity}.*"].title, name=named("terms", name)),
                )
            )
        )

    if n_l > 0:
        path = astm_e1245.mean_free_path_um(share.mean, n_l)
        add("mean_free_path_um", path, 1 - area, lines, 1, 1e3 / n_l)
        add("mean_spacing_um", astm_e1245.mean_spacing_um(n_l), one, lines, 1, 0.0)
        add("mean_intercept_um", astm_e1245.mean_intercept_um(share.mean, n_l), area, lines, 1, 1e3 / n_l)
        add("intercepts_per_mm", n_l, lines, one, 1, 0.0)
    for kind, across in (("horizontal", "vertical"), ("vertical", "horizontal")):
        directed = np.asarray(group.lines(name, _PERPENDICULAR[across]))
        if directed.any():
            mean = field_statistics(directed.tolist(), group.sections).mean
            add(f"intercepts_per_mm_{kind}", mean, directed, one, 1, 0.0)
    if n_a > 0:
        mean_share = field_statistics(counted.tolist(), group.sections).mean
        add("mean_area_um2", astm_e1245.mean_area_um2(mean_share, n_a), counted, count, 2, 1e6 / n_a)
        add("count_per_mm2", n_a, count, one, 2, 0.0)
    return made


CROSSING = {
    "none": Text("phase_fraction.lines_rows_and_columns"),
    "horizontal": Text("phase_fraction.lines_all_columns"),
    "vertical": Text("phase_fraction.lines_all_rows"),
}
"""Deformation axis -> lines that count."""

_CLAUSES = {
    "mean_free_path_um": Text("phase_fraction.clause_mean_free_path"),
    "mean_spacing_um": Text("phase_fraction.clause_mean_spacing"),
    "mean_intercept_um": Text("phase_fraction.clause_mean_intercept_length"),
    "intercepts_per_mm": Text("phase_fraction.clause_interceptions"),
    "intercepts_per_mm_horizontal": Text("phase_fraction.clause_interceptions"),
    "intercepts_per_mm_vertical": Text("phase_fraction.clause_interceptions"),
    "mean_area_um2": Text("phase_fraction.clause_mean_feature_area"),
    "count_per_mm2": Text("phase_fraction.clause_features_per_area"),
}

_DEFINITIONS = {
    "mean_free_path_um": "phase_fraction.definition_mean_free_path",
    "mean_spacing_um": "phase_fraction.definition_mean_spacing",
    "mean_intercept_um": "phase_fraction.definition_mean_intercept_length",
    "intercepts_per_mm": "phase_fraction.definition_interceptions",
    "intercepts_per_mm_horizontal": "phase_fraction.definition_interceptions_rows",
    "intercepts_per_mm_vertical": "phase_fraction.definition_interceptions_columns",
    "mean_area_um2": "phase_fraction.definition_mean_feature_area",
    "count_per_mm2": "phase_fraction.definition_features_per_area",
}
