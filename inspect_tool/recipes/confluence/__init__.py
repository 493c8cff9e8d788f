"""Confluence: how much of the ground the cells of a culture cover, and how many nuclei or cells there are per area.

What is covered is asked of classes, or of the union of single cells; a number is asked of a backend that tells objects
apart. Both follow an own procedure: there is no published standard for either.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

from inspect_tool.errors import MeasurementError
from inspect_tool.languages import Text
from inspect_tool.model import Carried, Check, Editions, Findings, Limit, Limits, Measurements, Result
from inspect_tool.recipes import _empty_fields
from inspect_tool.recipes._common import feature_table, field_table, specimens_of
from inspect_tool.recipes._level_doubts import own_gray_checks
from inspect_tool.recipes.confluence import pages
from inspect_tool.recipes.confluence.field import measure_field, point_classes
from inspect_tool.recipes.confluence.phantoms import phantoms
from inspect_tool.recipes.confluence.results import results_of
from inspect_tool.recipes.confluence.rules import checks_of, warnings_of
from inspect_tool.recipes.confluence.settings import COVERED, QUANTITIES, Settings
from inspect_tool.recipes.confluence.values import Measured, Values

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
    "phantoms",
    "point_classes",
]

TITLE = Text("confluence.confluence")
QUESTION: Literal["coverage", "count"] = "coverage"
ACCEPTS: Mapping[str, str] = MappingProxyType(
    {"classes": "as they are", "objects": "as they are"}
)  # see segmentation.choice; objects are counted, or taken together, by ``count``
USE = Text("confluence.backend_to_use")
MOUNTED = False  # a dish is no section in its mount
MASKS: tuple[str, ...] = ("binary", "classes", "labels")  # what a mask of the user may be
STANDARDS: tuple[str, ...] = ("confluence_2026",)
BACKEND: Mapping[str, Any] = MappingProxyType({"name": "texture", "classes": ("ground", "cells")})
CLASSES: tuple[str, ...] = ("ground", "cells")
WORDING = pages.WORDING
QUALITY = Limits(  # cells are faint: what stands out least is what is looked for
    contrast=Limit(advised=6.0, red=2.5), noise=Limit(advised=2.0, red=1.0)
)
CARRIED: Mapping[str, Carried] = MappingProxyType({COVERED: Carried(of=COVERED)})  # see validation.line


def combine(fields: Sequence[Measured], settings: Settings, editions: Editions) -> Findings:
    """Put the fields of all specimens together: results with budgets, checks, tables, charts.

    Parameters
    ----------
    fields : sequence of FieldMeasurement
        As ``measure_field`` gave them.
    settings : Settings
        See there.
    editions : Editions
        That of the job supplies the rules.

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
        msg = "confluence: no field to measure"
        raise MeasurementError(msg)
    results: list[Result] = []
    checks: list[Check] = []
    warnings: list[str] = []
    for _, mine in specimens_of(fields):
        results += results_of(mine, settings, editions.job)
        checks += checks_of(mine, settings, editions.job)
        checks += own_gray_checks(mine)
        checks += _empty_fields.checks_of(mine, Text("confluence.subject_cells"))
        warnings += warnings_of(mine, settings)
    return Findings(
        results=tuple(results),
        checks=tuple(checks),
        measurements=Measurements(features=feature_table(fields), fields=field_table(fields)),
        statements=pages.statements(settings, editions.job),
        tables=pages.tables(fields, results, settings),
        charts=pages.charts(fields, results),
        warnings=tuple(warnings),
    )
