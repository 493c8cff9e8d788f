"""Voids in solder joints and die attach from one X-ray projection: how much of every joint is void.

Per joint the void share and the share of the largest void; per specimen the worst and the mean joint.
Both areas of a share come from the same image, so no scale is needed unless the denominator is a pad
of known size. What the number is not: a volume, or a statement about the interface a void lies at.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from inspect_tool.errors import MeasurementError
from inspect_tool.languages import Text
from inspect_tool.model import (
    Carried,
    Check,
    Editions,
    Findings,
    Limit,
    Limits,
    Measurements,
    Result,
)
from inspect_tool.recipes._common import feature_table, field_table
from inspect_tool.recipes.solder_voids.field import measure_field, sampled_joints, void_classes
from inspect_tool.recipes.solder_voids.pages import WORDING, charts_of, statements_of, tables_of
from inspect_tool.recipes.solder_voids.phantoms import phantoms
from inspect_tool.recipes.solder_voids.results import budget_lines, results_of
from inspect_tool.recipes.solder_voids.rules import checks_of
from inspect_tool.recipes.solder_voids.settings import QUANTITIES, Settings
from inspect_tool.recipes.solder_voids.values import Measured, Values

__all__ = [
    "ACCEPTS",
    "BACKEND",
    "CARRIED",
    "CLASSES",
    "MASKS",
    "MOUNTED",
    "NETWORK_CLASSES",
    "OBJECTS",
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
    "sampled_joints",
    "void_classes",
]


TITLE = Text("solder_voids.solder_voids")
QUESTION: Literal["coverage", "count"] = "coverage"
ACCEPTS: Mapping[str, str] = {"classes": "as they are"}  # objects of one kind do not say which is joint, which void
USE = Text("solder_voids.backend_to_use")
MOUNTED = False  # the images show no section in its mount
MASKS: tuple[str, ...] = ("binary", "classes")  # what a mask of the user may be
STANDARDS = ("xray_projected_voids", "ipc_a_610_e", "ipc_7095_c", "iec_61191_6_2010", "mil_std_883")
BACKEND: Mapping[str, Any] = {"name": "joints"}
CLASSES: tuple[str, ...] = ("background", "joint", "void", "via")
OBJECTS: Mapping[str, tuple[str, ...]] = {"joint": ("joint", "void", "via"), "void": ("void",)}
NETWORK_CLASSES: tuple[str, ...] = ("background", "joint", "void")
QUALITY = Limits(  # rims of balls are soft, parts lie at several heights, and some of what is beside may be clipped
    focus=Limit(advised=4.0, red=7.0),
    soft_region=Limit(advised=4.0, red=10.0),
    contrast=Limit(advised=10.0, red=6.0),
    saturation=Limit(advised=20.0, red=60.0),
    resolution=Limit(advised=25.0, red=15.0),
)

CARRIED: Mapping[str, Carried] = {  # see validation.line
    "void_percent.max": Carried(of="void_percent.max", over="largest"),
    "void_percent.mean": Carried(of="void_percent.mean"),
    "largest_void_percent.max": Carried(of="largest_void_percent.max", over="largest"),
}


def combine(fields: Sequence[Measured], settings: Settings, editions: Editions) -> Findings:
    """Worst and mean joint of each specimen, with the checks of the method card."""
    results: list[Result] = []
    checks: list[Check] = []
    warnings: list[str] = []
    every = dict.fromkeys(field.specimen for field in fields)
    for specimen in every:
        own = [field for field in fields if field.specimen == specimen]
        joints = feature_table(own)
        whole = np.ones(len(joints), bool) if settings.edge_joints == "counted" else ~joints["touches_edge"].to_numpy()
        used = joints[whole]
        checks += checks_of(own, settings, editions.job, specimen)
        if used.empty:
            msg = (
                f"specimen {specimen}: every joint is cut by the edge of its image; take a wider image, "
                'or set [settings] edge_joints = "counted"'
            )
            raise MeasurementError(msg)
        left_out = len(joints) - len(used)
        if left_out:
            warnings.append(
                Text(
                    "solder_voids.warning_joints_cut_by_edge",
                    specimen=specimen,
                    left_out=left_out,
                    n_joints=len(joints),
                )
            )
        results += results_of(used, budget_lines(own, whole), specimen, settings, editions.job)
        if settings.joints_are == "sample" and used["section"].nunique() == 1:
            warnings.append(Text("solder_voids.warning_one_board", specimen=specimen))
    features = feature_table(fields)
    return Findings(
        results=tuple(results),
        checks=tuple(checks),
        measurements=Measurements(features=features, fields=field_table(fields)),
        statements=statements_of(settings, fields),
        tables=tables_of(fields, features, settings),
        charts=charts_of(fields, features),
        warnings=tuple(warnings),
    )
