"""Depth of decarburization of steel: complete, partial and total, on a section normal to the surface.

The share of ferrite is averaged along the surface at every depth normal to it. Complete decarburization ends where the
first structure with carbon comes back, the total one where there is as much of it as in the core.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

from inspect_tool.errors import MeasurementError
from inspect_tool.languages import Text
from inspect_tool.model import Carried, Check, Editions, Findings, Limit, Limits, Measurements, Result
from inspect_tool.recipes._common import feature_table, field_table, specimens_of
from inspect_tool.recipes._level_doubts import own_gray_checks
from inspect_tool.recipes.decarburisation import pages
from inspect_tool.recipes.decarburisation.field import measure_field
from inspect_tool.recipes.decarburisation.phantoms import phantoms
from inspect_tool.recipes.decarburisation.results import results_of
from inspect_tool.recipes.decarburisation.rules import checks_of, warnings_of
from inspect_tool.recipes.decarburisation.settings import DEPTHS, QUANTITIES, WHICH, Settings, quantity_of
from inspect_tool.recipes.decarburisation.values import Measured, Values

__all__ = [
    "BACKEND",
    "CARRIED",
    "CLASSES",
    "MASKS",
    "QUALITY",
    "QUANTITIES",
    "QUESTION",
    "STANDARDS",
    "SURFACE",
    "TITLE",
    "WORDING",
    "Settings",
    "Values",
    "combine",
    "measure_field",
    "phantoms",
]

TITLE = Text("decarburisation.decarburisation")
QUESTION: Literal["coverage", "count"] = "coverage"
SURFACE = True  # depths are measured from it: what may be mount is taken for it
MASKS: tuple[str, ...] = ("binary", "classes")  # what a mask of the user may be
STANDARDS: tuple[str, ...] = ("iso_3887_2023", "astm_e1077_2014")
BACKEND: Mapping[str, Any] = MappingProxyType(
    {"name": "threshold", "phase": "dark", "classes": ("pearlite", "ferrite")}
)
CLASSES: tuple[str, ...] = ("ferrite", "pearlite", "mount")
WORDING = pages.WORDING
QUALITY = Limits(  # more ferrite on the side of the surface is brighter there: that is no shading
    shading=Limit(advised=30.0)
)
CARRIED: Mapping[str, Carried] = MappingProxyType(  # see validation.line
    {
        quantity_of(which, depth): Carried(of=quantity_of("mean", depth), relative=True)
        for depth in DEPTHS
        for which in WHICH
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
        msg = "decarburisation: no field to measure"
        raise MeasurementError(msg)
    results: list[Result] = []
    checks: list[Check] = []
    warnings: list[str] = []
    for _, mine in specimens_of(fields):
        results += results_of(mine, settings, editions.job)
        checks += checks_of(mine, settings, editions.job)
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
