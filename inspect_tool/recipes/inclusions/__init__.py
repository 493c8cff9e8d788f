"""Inclusions in steel: severities of the worst fields by ISO 4967 and ASTM E45, area share, number and lengths.

One measurement of the particles is rated by every edition that is asked for, side by side: each joins them to
stringers and tells types and thickness by its own limits, which stand in its file.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

from inspect_tool.errors import MeasurementError
from inspect_tool.languages import Text
from inspect_tool.model import Carried, Check, Editions, Findings, Measurements, Requirement, Result, Standard
from inspect_tool.recipes import _colors, _empty_fields
from inspect_tool.recipes._common import editions_beside, feature_table, field_table, specimens_of
from inspect_tool.recipes.inclusions import pages
from inspect_tool.recipes.inclusions.field import measure_field, point_classes
from inspect_tool.recipes.inclusions.phantoms import phantoms
from inspect_tool.recipes.inclusions.results import results_of
from inspect_tool.recipes.inclusions.rules import area_check, checks_of, warnings_of
from inspect_tool.recipes.inclusions.settings import (
    COUNT,
    INDEX,
    LARGEST,
    LENGTH,
    LONGEST,
    PERCENT,
    QUANTITIES,
    SEVERITY,
    Settings,
)
from inspect_tool.recipes.inclusions.values import Measured, Values

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

TITLE = Text("inclusions.inclusions")
QUESTION: Literal["coverage", "count"] = "count"
ACCEPTS: Mapping[str, str] = MappingProxyType(
    {"classes": "pieces", "objects": "as they are"}
)  # see segmentation.choice
USE = Text("inclusions.backend_to_use")
MASKS: tuple[str, ...] = ("binary", "classes", "labels")  # what a mask of the user may be
STANDARDS: tuple[str, ...] = ("iso_4967_2013", "astm_e45_2018")
BACKEND: Mapping[str, Any] = MappingProxyType(
    {"name": "threshold", "phase": "dark", "classes": ("inclusion", "matrix"), "matrix": "auto", "specks": True}
)
CLASSES: tuple[str, ...] = ("matrix", "inclusion")
WORDING = pages.WORDING
CARRIED: Mapping[str, Carried] = MappingProxyType(  # see validation.line; a severity of 0 has no error that is a factor
    {
        PERCENT: Carried(of=PERCENT),
        COUNT: Carried(of=COUNT, relative=True, counted=True),
        f"{LENGTH}.*": Carried(of=f"{LENGTH}.*", relative=True),
        LONGEST: Carried(of=LONGEST, relative=True),
    }
)


def other_editions(
    settings: Settings,
    standard: Standard,
    asked: Sequence[Requirement],
) -> tuple[str, ...]:
    """Name the editions that rate the inclusions beside that of the job: by the settings, or by a requirement.

    Raises
    ------
    SettingsError
        An edition that this recipe does not know.
    """
    of_requirements = [
        one.quantity.split(".", 2)[2]
        for one in asked
        if one.quantity.split(".")[0] in (SEVERITY, INDEX, LARGEST) and one.quantity.count(".") == 2
    ]
    return editions_beside("inclusions", STANDARDS, (*settings.also_by, *of_requirements), standard)


def combine(fields: Sequence[Measured], settings: Settings, editions: Editions) -> Findings:
    """Put the fields of all specimens together: results with budgets, checks, tables, charts.

    Parameters
    ----------
    fields : sequence of FieldMeasurement
        As ``measure_field`` gave them.
    settings : Settings
        See there.
    editions : Editions
        That of the job supplies the sampling rules; all of them give severities.

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
        msg = "inclusions: no field to measure"
        raise MeasurementError(msg)
    results: list[Result] = []
    checks: list[Check] = []
    warnings: list[str] = []
    for specimen, mine in specimens_of(fields):
        results += results_of(mine, editions)
        checks += checks_of(mine, editions)
        checks += area_check(mine)
        seen = [(field.values.color, field.image) for field in mine]
        checks += _colors.checks_of(seen, specimen, Text("inclusions.subject_color"))
        checks += _empty_fields.checks_of(mine, Text("inclusions.subject"))
        warnings += warnings_of(mine, settings)
        warnings += _colors.warnings_of(seen, specimen, Text("inclusions.subject"))
    return Findings(
        results=tuple(results),
        checks=tuple(checks),
        measurements=Measurements(features=feature_table(fields), fields=field_table(fields)),
        statements=pages.statements(settings, editions),
        tables=pages.tables(fields, results, editions),
        charts=pages.charts(fields),
        warnings=tuple(warnings),
    )
