"""Banding and orientation of a microstructure: how often lines across and along the deformation axis meet it.

From the interceptions per length of both directions follow the anisotropy index, the degree of orientation and, across
the bands, their spacing and the mean free path between them.
"""

from collections.abc import Mapping, Sequence
from math import inf
from types import MappingProxyType
from typing import Any, Literal

from inspect_tool.errors import MeasurementError
from inspect_tool.languages import Text
from inspect_tool.model import Carried, Check, Editions, Findings, Measurements, Result
from inspect_tool.recipes import _empty_fields
from inspect_tool.recipes._common import feature_table, field_table, specimens_of
from inspect_tool.recipes._level_doubts import own_gray_checks
from inspect_tool.recipes.banding import pages
from inspect_tool.recipes.banding.field import measure_field
from inspect_tool.recipes.banding.phantoms import phantoms
from inspect_tool.recipes.banding.results import results_of
from inspect_tool.recipes.banding.rules import checks_of, warnings_of
from inspect_tool.recipes.banding.settings import DEGREE, QUANTITIES, Settings
from inspect_tool.recipes.banding.values import Measured, Values

__all__ = [
    "BACKEND",
    "CARRIED",
    "CLASSES",
    "MASKS",
    "QUANTITIES",
    "QUESTION",
    "STANDARDS",
    "TITLE",
    "WORDING",
    "Settings",
    "Values",
    "combine",
    "measure_field",
    "phantoms",
]

TITLE = Text("banding.banding")
QUESTION: Literal["coverage", "count"] = "coverage"
MASKS: tuple[str, ...] = ("binary", "classes")  # what a mask of the user may be
STANDARDS: tuple[str, ...] = ("astm_e1268_2019",)
BACKEND: Mapping[str, Any] = MappingProxyType({"name": "threshold", "phase": "dark", "classes": ("banded", "matrix")})
CLASSES: tuple[str, ...] = ("matrix", "banded")
WORDING = pages.WORDING
CARRIED: Mapping[str, Carried] = MappingProxyType(  # see validation.line
    {name: Carried(of=name, relative=True, most=1.0 if name == DEGREE else inf) for name in QUANTITIES}
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
        msg = "banding: no field to measure"
        raise MeasurementError(msg)
    results: list[Result] = []
    checks: list[Check] = []
    warnings: list[str] = []
    for _, mine in specimens_of(fields):
        results += results_of(mine, editions.job)
        checks += checks_of(mine, editions.job)
        checks += own_gray_checks(mine)
        checks += _empty_fields.checks_of(mine, Text("banding.subject"))
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
