"""Porosity: how much, how many, how large and how close together the pores of a polished section are.

Area share and counts with field statistics; sizes, shapes, neighbors and clusters of every pore; the
largest pores; a reference area in its worst place for castings; class strings of drawings as
requirements; presentations for castings, thermal spray coatings and hardmetals.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import MeasurementError
from inspect_tool.languages import Text
from inspect_tool.measure.class_shape import cells_percent, hole_percent, line_percent
from inspect_tool.measure.gray import read_off
from inspect_tool.measure.share_scatter import share_scatter
from inspect_tool.model import (
    Carried,
    Check,
    Editions,
    FieldMeasurement,
    Findings,
    LabelImage,
    Limit,
    Limits,
    Mask,
    Measurements,
    Micrograph,
    PointClass,
    Result,
    Segmentation,
)
from inspect_tool.recipes import _colors, _empty_fields, _feature_sizes, _shapes
from inspect_tool.recipes._common import feature_table, place_of, specimens_of
from inspect_tool.recipes._level_doubts import check_pores_are_no_matrix, facts_of_level, relief_of, shallower_of
from inspect_tool.recipes.porosity import field as one
from inspect_tool.recipes.porosity import pages
from inspect_tool.recipes.porosity.class_strings import expand, other_editions
from inspect_tool.recipes.porosity.phantoms import phantoms
from inspect_tool.recipes.porosity.results import checks_of, results_of, warnings_of
from inspect_tool.recipes.porosity.settings import QUANTITIES, ReferenceArea, Settings, presentation
from inspect_tool.recipes.porosity.sizes import why_no_extreme
from inspect_tool.recipes.porosity.values import Measured, Numbers, Values

__all__ = [
    "ACCEPTS",
    "BACKEND",
    "CARRIED",
    "CLASSES",
    "MASKS",
    "PHASE",
    "QUALITY",
    "QUANTITIES",
    "QUESTION",
    "STANDARDS",
    "TITLE",
    "WORDING",
    "ReferenceArea",
    "Settings",
    "Values",
    "combine",
    "expand",
    "measure_field",
    "needs_whole",
    "other_editions",
    "phantoms",
    "point_classes",
]

TITLE = Text("porosity.porosity")
QUESTION: Literal["coverage", "count"] = "coverage"
ACCEPTS: Mapping[str, str] = MappingProxyType({"classes": "pieces", "objects": "as they are"})  # see question.py
MASKS: tuple[str, ...] = ("binary", "labels")  # what a mask of the user may be
STANDARDS: tuple[str, ...] = (
    "areal_porosity_2026",
    "astm_e1245_2016",
    "vdg_p201_2002",
    "bdg_p202_2010",
    "astm_e2109_2021",
    "astm_b276_2021",
)
BACKEND: Mapping[str, Any] = MappingProxyType(
    {"name": "threshold", "phase": "dark", "classes": ("pore", "metal"), "channel": "gray"}
)
CLASSES: tuple[str, ...] = ("background", "pore")
PHASE = "dark"  # pores are darker than the metal, whatever a backend would find more likely
WORDING = pages.WORDING
QUALITY = Limits(  # the metal may be clipped as long as the pores are not washed out
    saturation=Limit(advised=5.0, red=95.0), size=Limit(advised=6.0, red=3.5)
)
CARRIED: Mapping[str, Carried] = MappingProxyType(  # see validation.line
    {"porosity_percent": Carried(of="porosity_percent")}
)


def measure_field(
    micrograph: Micrograph,
    segmentation: Segmentation,
    settings: Settings,
    editions: Editions,
) -> Measured:
    """Measure the pores of one field.

    Parameters
    ----------
    micrograph : Micrograph
        The field; its scale, place in the job and region are used.
    segmentation : Segmentation
        Semantic (pores are the classes of ``settings.classes``, else class 1) or instance (one label per pore).
        Its alternatives are taken one at a time.
    settings : Settings
        See there.
    editions : Editions
        That of the job is one of ``STANDARDS``.

    Returns
    -------
    FieldMeasurement
        One row per measurable pore in ``features``.

    Raises
    ------
    MeasurementError
        Settings that this field cannot meet, e.g. a size in um without a scale.
    """
    one.check(settings, micrograph)
    pixel_um = micrograph.calibration.pixel_um

    def numbers(objects: LabelImage | Mask) -> tuple[one.Pores, one.Place | None, Numbers]:
        pores = one.pores_of(micrograph, objects, settings, editions)
        place = one.worst_reference(pores, micrograph, settings)
        return pores, place, one.numbers_of(pores, place, micrograph, settings, editions)

    # the alternatives first, and of each only its objects: two label images at a time and not four
    shifted: dict[str, Numbers] = {}
    for name, other in segmentation.alternatives():
        objects = one.objects_of(other, settings)
        del other
        shifted[name] = numbers(objects)[2]
        del objects
    pores, place, found = numbers(one.objects_of(segmentation, settings))
    check_pores_are_no_matrix(segmentation, found.porosity_percent, micrograph.path)
    mask = pores.labels != 0
    sizes = _feature_sizes.facts_of(micrograph)
    inner = share_scatter(mask, micrograph.roi, needles=_feature_sizes.needles_count(sizes))
    features, near, marks = one.with_neighbors(pores, settings, pixel_um)
    shallow = read_off(micrograph, "shallow_percent", lambda: one.shallow_percent(micrograph, mask))
    judged = (1,) if settings.tinted_grains else ()
    spread = _colors.spread_of(micrograph, segmentation.backend, mask, judged)
    if place is not None:
        marks += one.reference_marks(place)
    worst = one.worst_field(pores, micrograph, settings)
    if worst is not None:
        marks = (*marks, one.worst_field_mark(worst))
    values = Values(
        numbers=found,
        inner_scatter_percent=100 * inner.u,
        inner_scatter_dof=inner.dof,
        areas=_feature_sizes.that_count(inner.areas, sizes),
        neighbors=near,
        shallow_percent=shallow,
        line_percent={"pores": line_percent(mask)},
        cells_percent={"pores": cells_percent(mask)},
        hole_percent=hole_percent(mask),
        color=_colors.color_of(spread, segmentation),
        whole=one.whole_sizes(pores, pixel_um),
    )
    return FieldMeasurement(
        **place_of(micrograph),
        shape_px=(segmentation.labels.shape[0], segmentation.labels.shape[1]),
        values=values,
        features=features.drop(columns=["count_weight", "size_weight"]),
        alternatives=shifted,
        marks=marks,
        worst=one.worst_of(features, pixel_um),
        notes=one.notes_of(found, features, pixel_um),
        read_off={
            "shallow_percent": shallow,
            _colors.SPREAD: spread,
            **_empty_fields.signs_of(micrograph, segmentation, found=bool(found.pores)),
            **facts_of_level(segmentation, micrograph),
            **relief_of(segmentation, micrograph, mask),
            **shallower_of(segmentation, micrograph, mask),
            **sizes,
        },
    )


def needs_whole(settings: Settings) -> str:
    """Name the setting by which an image is not measured by windows; empty: there is none."""
    return "" if settings.reference_area is None else "reference_area"


def point_classes(segmentation: Segmentation, settings: Settings) -> tuple[NDArray[np.uint8], tuple[PointClass, ...]]:
    """Give every pixel the class that a person would name there; the classes, each with the result that it is.

    A pore is one at whatever size: a person who sees it does not measure it first.
    """
    pores = one.objects_of(segmentation, settings)
    named = (PointClass(name="metal"), PointClass(name="pore", quantity="porosity_percent"))
    return (pores != 0).astype(np.uint8), named


def combine(fields: Sequence[Measured], settings: Settings, editions: Editions) -> Findings:
    """Put the fields of all specimens together: results with budgets, checks, tables, charts.

    Parameters
    ----------
    fields : sequence of FieldMeasurement
        As ``measure_field`` gave them.
    settings : Settings
        See there.
    editions : Editions
        That of the job supplies the sampling rules.

    Returns
    -------
    Findings
        One set of results per specimen.

    Raises
    ------
    MeasurementError
        No field at all.
    """
    if not fields:
        msg = "porosity: no field to measure"
        raise MeasurementError(msg)
    standard = editions.job
    shown = presentation(settings, standard)
    results: list[Result] = []
    checks: list[Check] = []
    warnings: list[str] = []
    for specimen, mine in specimens_of(fields):
        made = results_of(mine, settings, editions, shown)
        results += made
        checks += checks_of(mine, settings, standard)
        seen = [(field.values.color, field.image) for field in mine]
        subject = "porosity.subject_pores" if settings.tinted_grains else "porosity.subject_pores_and_metal"
        checks += _colors.checks_of(seen, specimen, Text(subject))
        warnings += _colors.warnings_of(seen, specimen, Text("porosity.subject_pores"))
        lines, cells, holes = ([_part(field.values, read) for field in mine] for read in _PARTS)
        checks.append(_shapes.line_check(lines, cells, "pores", specimen, settings.expected_shape))
        checks.append(_shapes.hole_check(holes, specimen))
        checks += _empty_fields.checks_of(mine, "pores")
        warnings += warnings_of(mine)
        why = why_no_extreme(mine, settings)
        if why:
            warnings.append(Text("porosity.warning_no_extreme", specimen=specimen, why=why))
    pores = feature_table(fields)
    return Findings(
        results=tuple(results),
        checks=tuple(checks),
        measurements=Measurements(features=pores, fields=pages.field_table(fields)),
        statements=pages.statements(fields, settings, standard, shown),
        tables=pages.tables(fields, pores, results, settings, standard, shown),
        charts=pages.charts(fields, pores, settings),
        warnings=tuple(warnings),
    )


_PARTS: tuple[Callable[[Values], float], ...] = (
    lambda values: values.line_percent["pores"],
    lambda values: values.cells_percent["pores"],
    lambda values: values.hole_percent,
)
"""Of the area of the pores: thin lines, what lies in cells that they close, holes."""


def _part(values: Values, read: Callable[[Values], float]) -> _shapes.ShareOfClass:
    """Area of the pores of a field and a part of it."""
    return _shapes.ShareOfClass(area_percent=values.numbers.porosity_percent, part_percent=read(values))
