"""Thickness of layers in cross sections: mean, least and most, normal to the layer.

A layer runs through the field from edge to edge. It is measured along chords normal to its middle line, so that a slope
in the picture does not lengthen them; the tilt of the section itself is a line of the budget.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

from inspect_tool.errors import MeasurementError
from inspect_tool.languages import Text
from inspect_tool.model import Carried, Check, Editions, Findings, Limit, Limits, Measurements, Result
from inspect_tool.recipes._common import feature_table, field_table, specimens_of
from inspect_tool.recipes._level_doubts import own_gray_checks
from inspect_tool.recipes.layer_thickness import pages
from inspect_tool.recipes.layer_thickness.by_hand import layer_chords, layer_question
from inspect_tool.recipes.layer_thickness.field import measure_field
from inspect_tool.recipes.layer_thickness.phantoms import phantoms
from inspect_tool.recipes.layer_thickness.results import results_of
from inspect_tool.recipes.layer_thickness.rules import checks_of, warnings_of
from inspect_tool.recipes.layer_thickness.settings import LEAST, MEAN, MOST, QUANTITIES, Settings
from inspect_tool.recipes.layer_thickness.values import Measured, Values

__all__ = [
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
    "WORDING",
    "Settings",
    "Values",
    "combine",
    "layer_chords",
    "layer_question",
    "measure_field",
    "phantoms",
]

TITLE = Text("layer_thickness.layer_thickness")
QUESTION: Literal["coverage", "count"] = "coverage"
MOUNTED = False  # a mount beside the layer is one of its two sides
MASKS: tuple[str, ...] = ("binary", "classes")  # what a mask of the user may be
STANDARDS: tuple[str, ...] = ("iso_1463_2021", "astm_b487_2020")
BACKEND: Mapping[str, Any] = MappingProxyType(
    {"name": "threshold", "method": "multi_otsu", "classes": ("dark", "gray", "layer")}
)
CLASSES: tuple[str, ...] = ("rest", "layer")
WORDING = pages.WORDING
QUALITY = Limits(  # one side of a layer is brighter than the other: that is no shading
    size=Limit(advised=10.0, red=5.0), shading=Limit(advised=30.0)
)
CARRIED: Mapping[str, Carried] = MappingProxyType(  # see validation.line
    {
        MEAN: Carried(of=MEAN, relative=True),
        LEAST: Carried(of=MEAN, relative=True),
        MOST: Carried(of=MEAN, relative=True),
    }
)


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
        msg = "layer_thickness: no field to measure"
        raise MeasurementError(msg)
    results: list[Result] = []
    checks: list[Check] = []
    warnings: list[str] = []
    for _, mine in specimens_of(fields):
        found = results_of(mine, settings, editions.job)
        results += found
        checks += checks_of(mine, found, settings, editions.job)
        checks += own_gray_checks(mine)
        warnings += warnings_of(mine)
    return Findings(
        results=tuple(results),
        checks=tuple(checks),
        measurements=Measurements(features=feature_table(fields), fields=field_table(fields)),
        statements=pages.statements(settings, editions.job),
        tables=pages.tables(fields),
        charts=pages.charts(fields),
        warnings=tuple(warnings),
    )
