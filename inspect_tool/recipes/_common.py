"""What every recipe tells of its fields: where they lie in the job, and their tables."""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspect_tool.languages import Text
from inspect_tool.model import Calibration, Component, FieldMeasurement, Micrograph, Plane


class Place(TypedDict):
    """Where a field lies in the job, and its scale: the first entries of a ``FieldMeasurement``."""

    specimen: str
    section: str
    plane: Plane
    field: int
    image: str
    calibration: Calibration


def place_of(micrograph: Micrograph) -> Place:
    """Say where a field lies in the job."""
    return Place(
        specimen=micrograph.specimen,
        section=micrograph.section,
        plane=micrograph.plane,
        field=micrograph.field,
        image=micrograph.path,
        calibration=micrograph.calibration,
    )


def scale_line(fields: Sequence[FieldMeasurement], value: float, power: int, basis: str) -> Component:
    """Line of the pixel size in the budget of a result that goes with its power; ``basis`` is the key of its words."""
    u_rel = max(field.calibration.u_rel for field in fields)
    times = "" if power == 1 else f"{power} x "
    return Component(
        name=Text("budget.scale"),
        u=power * u_rel * abs(value),
        kind="B",
        basis=Text(basis, times=times, u_rel=100 * u_rel),
    )


def groups_of(fields: Sequence[FieldMeasurement]) -> NDArray[np.int64]:
    """Number of the group of each field of a specimen: its section where there are several, else itself."""
    sections = list(dict.fromkeys(field.section for field in fields))
    if len(sections) == 1:
        return np.arange(len(fields), dtype=np.int64)
    return np.asarray([sections.index(field.section) for field in fields], dtype=np.int64)


def name_of_groups(fields: Sequence[FieldMeasurement]) -> Text:
    """Name what the groups of the fields of a specimen are."""
    return Text("terms.sections" if len({field.section for field in fields}) > 1 else "terms.fields")


def feature_table(fields: Sequence[FieldMeasurement]) -> pd.DataFrame:
    """Tabulate the features of all fields, one row each, led by specimen, section and field."""
    tables = []
    for field in fields:
        table = field.features.copy()
        table.insert(0, "specimen", field.specimen)
        table.insert(1, "section", field.section)
        table.insert(2, "field", field.field)
        tables.append(table)
    filled = [table for table in tables if len(table)]
    return pd.concat(filled or tables[:1], ignore_index=True)


def field_table(fields: Sequence[FieldMeasurement]) -> pd.DataFrame:
    """Tabulate the values of all fields, one row each, led by their places in the job."""
    return pd.DataFrame(
        [
            {
                "specimen": field.specimen,
                "section": field.section,
                "plane": field.plane,
                "field": field.field,
                "image": field.image,
                **field.values,
            }
            for field in fields
        ]
    )
