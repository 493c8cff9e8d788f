"""Fibers: how much of a composite they are, how thick, in which direction, and where resin and voids lie between them.

Area shares of fiber and void in a polished section; diameter of every whole fiber from the minor axis of its ellipse,
its tilt from both axes, and the components of the direction tensor that an ellipse tells without ambiguity; the share
of the area that lies far from any fiber. Shares are of all pixels; fibers that the edge cuts are left out, and each
whole one is weighted by the inverse of its chance to be whole.
"""

from collections.abc import Mapping, Sequence
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
    Measurements,
    Micrograph,
    Result,
    Segmentation,
)
from inspect_tool.recipes import _empty_fields
from inspect_tool.recipes._common import feature_table, field_table, place_of, specimens_of
from inspect_tool.recipes.fibres import field as one
from inspect_tool.recipes.fibres import pages
from inspect_tool.recipes.fibres.field import point_classes
from inspect_tool.recipes.fibres.phantoms import phantoms
from inspect_tool.recipes.fibres.results import results_of
from inspect_tool.recipes.fibres.rules import checks_of, warnings_of
from inspect_tool.recipes.fibres.settings import QUANTITIES, Settings, check_settings
from inspect_tool.recipes.fibres.values import Measured, Numbers, Values

__all__ = [
    "ACCEPTS",
    "BACKEND",
    "CARRIED",
    "CLASSES",
    "MASKS",
    "OBJECTS",
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

TITLE = Text("fibres.fibers")
QUESTION: Literal["coverage", "count"] = "count"
ACCEPTS: Mapping[str, str] = MappingProxyType(
    {"classes": "as they are", "objects": "as they are"}
)  # see segmentation.choice
USE = Text("fibres.backend_to_use")
MASKS: tuple[str, ...] = ("labels", "classes", "binary")  # what a mask of the user may be
STANDARDS: tuple[str, ...] = ("fiber_sections",)
BACKEND: Mapping[str, Any] = MappingProxyType(
    {
        "name": "with_voids",
        "objects": {"name": "threshold", "phase": "bright"},
        "names": ("matrix", "fiber", "void"),
    }
)
CLASSES: tuple[str, ...] = ("matrix", "fiber", "void")
OBJECTS: Mapping[str, tuple[str, ...]] = MappingProxyType({"fiber": ("fiber",), "void": ("void",)})
WORDING = pages.WORDING
CARRIED: Mapping[str, Carried] = MappingProxyType(  # see validation.line; an angle or a tensor errs by no factor
    {
        name: Carried(of=name, relative=quantity.unit != "%", counted=quantity.unit == "1/mm2")
        for name, quantity in QUANTITIES.items()
        if quantity.unit in ("%", "um", "1/mm2")
    }
)


def measure_field(
    micrograph: Micrograph,
    segmentation: Segmentation,
    settings: Settings,
    editions: Editions,  # noqa: ARG001 - a contract
) -> Measured:
    """Measure the fibers of one field.

    Parameters
    ----------
    micrograph : Micrograph
        The field; its scale, place in the job and region are used.
    segmentation : Segmentation
        Classes matrix, fiber and void with the number of the fiber at each pixel; or classes alone, where touching
        fibers are parted at their necks; or one label per fiber, without voids. Its alternatives are taken one at a
        time.
    settings : Settings
        See there.
    editions : Editions
        That of the job is one of ``STANDARDS``.

    Returns
    -------
    FieldMeasurement
        One row per fiber of the least size and more in ``features``.

    Raises
    ------
    MeasurementError
        A class that the segmentation does not have, or an empty region.
    SettingsError
        Settings that this field cannot meet.
    """
    check_settings(settings, micrograph)
    pixel_um = micrograph.calibration.pixel_um
    shifted: dict[str, Numbers] = {}
    for name, other in segmentation.alternatives():
        phases = one.phases_of(other, settings, micrograph.path)
        del other  # before the next one is made
        shifted[name] = one.numbers_of(one.found_in(micrograph, phases, settings), micrograph)
        del phases
    found = one.found_in(micrograph, one.phases_of(segmentation, settings, micrograph.path), settings)
    numbers = one.numbers_of(found, micrograph)
    mean = next(iter(numbers.mean_diameter.values()), 0.0)
    values = Values(
        numbers=numbers,
        field_area={"px2": found.area_px2} if pixel_um is None else {"mm2": found.area_px2 * pixel_um**2 * 1e-6},
        mean_diameter_px=mean / (pixel_um or 1.0),
        scatter=one.scatter_of(found, micrograph),
    )
    return FieldMeasurement(
        **place_of(micrograph),
        shape_px=(micrograph.pixels.shape[0], micrograph.pixels.shape[1]),
        values=values,
        features=found.table,
        alternatives=shifted,
        marks=one.marks_of(found, pixel_um),
        worst=one.worst_of(found.table, pixel_um),
        notes=one.notes_of(numbers),
        curves=one.curves_of(found, pixel_um),
        read_off=_empty_fields.signs_of(micrograph, segmentation, found=bool(numbers.fibers)),
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
        msg = "fibres: no field to measure"
        raise MeasurementError(msg)
    results: list[Result] = []
    checks: list[Check] = []
    warnings: list[str] = []
    for _, mine in specimens_of(fields):
        results += results_of(mine, settings, editions)
        checks += checks_of(mine, settings, editions.job)
        checks += _empty_fields.checks_of(mine, "fibers")
        warnings += warnings_of(mine, settings)
    return Findings(
        results=tuple(results),
        checks=tuple(checks),
        measurements=Measurements(features=feature_table(fields), fields=field_table(fields)),
        statements=pages.statements(fields, settings, editions.job),
        tables=pages.tables(fields, results, settings),
        charts=pages.charts(fields, settings),
        warnings=tuple(warnings),
    )
