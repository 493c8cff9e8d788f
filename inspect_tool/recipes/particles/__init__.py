"""Particles: how many, how large and of what shape the particles of a powder or a dispersion are.

Area-equivalent diameter and calipers of every particle; D10, D50 and D90 by number and by volume, mean and Sauter
diameter, number per area, aspect ratio, circularity and satellites. Particles that the edge of the field cuts are
left out, and each whole one is weighted by the inverse of its chance to be whole.
"""

from collections.abc import Mapping, Sequence
from math import inf
from types import MappingProxyType
from typing import Any, Literal

from inspect_tool.errors import MeasurementError
from inspect_tool.languages import Text
from inspect_tool.model import (
    Carried,
    Check,
    Editions,
    FieldMeasurement,
    Findings,
    Limit,
    Limits,
    Measurements,
    Micrograph,
    Requirement,
    Result,
    Segmentation,
    Standard,
)
from inspect_tool.recipes import _empty_fields
from inspect_tool.recipes._common import feature_table, field_table, place_of, specimens_of
from inspect_tool.recipes._level_doubts import facts_of_level, own_gray_checks
from inspect_tool.recipes.particles import field as one
from inspect_tool.recipes.particles import pages
from inspect_tool.recipes.particles.phantoms import phantoms
from inspect_tool.recipes.particles.results import results_of
from inspect_tool.recipes.particles.rules import checks_of, told_of, warnings_of
from inspect_tool.recipes.particles.settings import QUANTITIES, Settings, check_settings
from inspect_tool.recipes.particles.values import Measured, Numbers, Values

__all__ = [
    "ACCEPTS",
    "BACKEND",
    "CARRIED",
    "CLASSES",
    "MASKS",
    "MOUNTED",
    "QUALITY",
    "QUANTITIES",
    "QUESTION",
    "STANDARDS",
    "TITLE",
    "USE",
    "WORDING",
    "Settings",
    "Values",
    "combine",
    "measure_field",
    "other_editions",
    "phantoms",
]

TITLE = Text("particles.particles")
QUESTION: Literal["coverage", "count"] = "count"
ACCEPTS: Mapping[str, str] = MappingProxyType(
    {"classes": "pieces", "objects": "as they are"}
)  # see segmentation.choice
USE = Text("particles.backend_to_use")
MOUNTED = False  # powder lies on tape or a stub: no section in its mount
MASKS: tuple[str, ...] = ("labels", "binary")  # what a mask of the user may be
STANDARDS: tuple[str, ...] = ("iso_13322_1_2014",)
BACKEND: Mapping[str, Any] = MappingProxyType({"name": "watershed", "mode": "particles", "phase": "bright"})
CLASSES: tuple[str, ...] = ("background", "particle")
WORDING = pages.WORDING
CARRIED: Mapping[str, Carried] = MappingProxyType(  # see validation.line; sizes and numbers err by a factor
    {
        name: Carried(
            of=name,
            relative=quantity.unit != "%",
            counted=quantity.unit == "1/mm2",
            most=1.0 if quantity.unit == "1" else inf,
        )
        for name, quantity in QUANTITIES.items()
    }
)
QUALITY = Limits(  # bright rims and charging may be clipped as long as outlines are not
    saturation=Limit(advised=20.0, red=80.0)
)


def other_editions(
    settings: Settings,  # noqa: ARG001 - a contract
    standard: Standard,  # noqa: ARG001 - a contract
    asked: Sequence[Requirement],  # noqa: ARG001 - a contract
) -> tuple[str, ...]:
    """Name the editions beside that of the job: of moments and quantiles, and of shape."""
    return ("iso_9276_2_2014", "iso_9276_6_2008")


def measure_field(
    micrograph: Micrograph,
    segmentation: Segmentation,
    settings: Settings,
    editions: Editions,  # noqa: ARG001 - a contract
) -> Measured:
    """Measure the particles of one field.

    Parameters
    ----------
    micrograph : Micrograph
        The field; its scale, place in the job and region are used.
    segmentation : Segmentation
        One label per particle, or classes whose connected pieces are taken for particles. Its alternatives are taken
        one at a time.
    settings : Settings
        See there.
    editions : Editions
        That of the job is one of ``STANDARDS``.

    Returns
    -------
    FieldMeasurement
        One row per particle of the least size and more in ``features``.

    Raises
    ------
    MeasurementError
        Settings that this field cannot meet.
    SettingsError
        Settings that contradict each other.
    """
    check_settings(settings, micrograph)
    pixel_um = micrograph.calibration.pixel_um
    shifted: dict[str, Numbers] = {}
    for name, other in segmentation.alternatives():
        objects = one.objects_of(other, settings)
        del other  # before the next one is made
        shifted[name] = one.numbers_of(one.particles_of(micrograph, objects, settings), micrograph)
        del objects
    found = one.particles_of(micrograph, one.objects_of(segmentation, settings), settings)
    numbers = one.numbers_of(found, micrograph)
    counted = found.table["count_weight"].to_numpy()
    crowding, crowding_dof = one.crowding(found, micrograph.roi)
    values = Values(
        numbers=numbers,
        field_area={"px2": found.area_px2} if pixel_um is None else {"mm2": found.area_px2 * pixel_um**2 * 1e-6},
        counted_squared=float((counted**2).sum()),
        crowding=crowding,
        crowding_dof=crowding_dof,
        largest_of_frame_percent=one.largest_of_frame_percent(found),
    )
    return FieldMeasurement(
        **place_of(micrograph),
        shape_px=found.size_px,
        values=values,
        features=found.table,
        alternatives=shifted,
        marks=one.marks_of(found.table),
        worst=one.worst_of(found.table, pixel_um),
        notes=one.notes_of(numbers, settings),
        curves=one.curves_of(found, pixel_um),
        read_off={
            **_empty_fields.signs_of(micrograph, segmentation, found=bool(numbers.particles)),
            **facts_of_level(segmentation, micrograph),
            **told_of(segmentation, micrograph, found.labels),
        },
    )


def combine(fields: Sequence[FieldMeasurement[Values, Numbers]], settings: Settings, editions: Editions) -> Findings:
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
        msg = "particles: no field to measure"
        raise MeasurementError(msg)
    results: list[Result] = []
    checks: list[Check] = []
    warnings: list[str] = []
    for _, mine in specimens_of(fields):
        results += results_of(mine, settings, editions)
        checks += checks_of(mine, settings, editions.job)
        checks += own_gray_checks(mine)
        checks += _empty_fields.checks_of(mine, "particles")
        warnings += warnings_of(mine, settings)
    return Findings(
        results=tuple(results),
        checks=tuple(checks),
        measurements=Measurements(features=feature_table(fields), fields=field_table(fields)),
        statements=pages.statements(fields, settings, editions.job),
        tables=pages.tables(fields, results),
        charts=pages.charts(fields),
        warnings=tuple(warnings),
    )
