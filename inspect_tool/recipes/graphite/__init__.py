"""Graphite in cast iron: nodularity, nodules per area, forms and sizes by the shape of every particle.

A particle is a nodule by its shape factor, its area over that of the circle around its largest dimension. One
measurement is judged by the edition that the job names: ISO 945-4, ASTM E2567 or, for compacted graphite, ISO 16112.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

from inspect_tool.errors import MeasurementError
from inspect_tool.languages import Text
from inspect_tool.model import Carried, Check, Editions, Findings, Measurements, Requirement, Result, Standard
from inspect_tool.recipes import _empty_fields
from inspect_tool.recipes._common import editions_beside, feature_table, field_table, specimens_of
from inspect_tool.recipes._level_doubts import own_gray_checks
from inspect_tool.recipes.graphite import pages
from inspect_tool.recipes.graphite.field import measure_field, point_classes
from inspect_tool.recipes.graphite.phantoms import phantoms
from inspect_tool.recipes.graphite.results import results_of
from inspect_tool.recipes.graphite.rules import checks_of, warnings_of
from inspect_tool.recipes.graphite.settings import NODULARITY, QUANTITIES, Settings
from inspect_tool.recipes.graphite.values import Measured, Values

__all__ = [
    "ACCEPTS",
    "BACKEND",
    "CARRIED",
    "CLASSES",
    "MASKS",
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
    "point_classes",
]

TITLE = Text("graphite.graphite")
QUESTION: Literal["coverage", "count"] = "count"
ACCEPTS: Mapping[str, str] = MappingProxyType(
    {"classes": "pieces", "objects": "as they are"}
)  # see segmentation.choice
USE = Text("graphite.backend_to_use")
MASKS: tuple[str, ...] = ("binary", "classes", "labels")  # what a mask of the user may be
STANDARDS: tuple[str, ...] = ("iso_945_4_2019", "astm_e2567_2016", "iso_16112_2017")
BACKEND: Mapping[str, Any] = MappingProxyType(
    {"name": "threshold", "phase": "dark", "classes": ("graphite", "matrix"), "fill_holes_px": 200}
)
CLASSES: tuple[str, ...] = ("matrix", "graphite")
WORDING = pages.WORDING
CARRIED: Mapping[str, Carried] = MappingProxyType(  # see validation.line; shares, and a number that errs by a factor
    {
        name: Carried(of=name, relative=quantity.unit != "%", counted=quantity.unit == "1/mm2")
        for name, quantity in QUANTITIES.items()
    }
)


def other_editions(
    settings: Settings,
    standard: Standard,
    asked: Sequence[Requirement],
) -> tuple[str, ...]:
    """Name the editions that the particles are rated by beside that of the job: by the settings, or by a requirement.

    Raises
    ------
    SettingsError
        An edition that this recipe does not know.
    """
    of_requirements = [
        one.quantity.removeprefix(f"{NODULARITY}.") for one in asked if one.quantity.startswith(f"{NODULARITY}.")
    ]
    return editions_beside("graphite", STANDARDS, (*settings.also_by, *of_requirements), standard)


def combine(fields: Sequence[Measured], settings: Settings, editions: Editions) -> Findings:
    """Put the fields of all specimens together: results with budgets, checks, tables, charts.

    Parameters
    ----------
    fields : sequence of FieldMeasurement
        As ``measure_field`` gave them.
    settings : Settings
        See there.
    editions : Editions
        That of the job supplies the limits of the forms and the sampling rules.

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
        msg = "graphite: no field to measure"
        raise MeasurementError(msg)
    results: list[Result] = []
    checks: list[Check] = []
    warnings: list[str] = []
    for _, mine in specimens_of(fields):
        results += results_of(mine, settings, editions)
        checks += checks_of(mine, settings, editions)
        checks += own_gray_checks(mine)
        checks += _empty_fields.checks_of(mine, Text("graphite.subject"))
        warnings += warnings_of(mine)
    return Findings(
        results=tuple(results),
        checks=tuple(checks),
        measurements=Measurements(features=feature_table(fields), fields=field_table(fields)),
        statements=pages.statements(settings, editions),
        tables=pages.tables(fields, settings, editions),
        charts=pages.charts(fields, settings, editions),
        warnings=tuple(warnings),
        deviations=(Text("graphite.deviation_weighted"),) if settings.edge == "weighted" else (),
    )
