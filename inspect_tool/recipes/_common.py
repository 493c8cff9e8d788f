"""What every recipe tells of its fields: where they lie in the job, and their tables."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from math import cos, isfinite, radians, sqrt
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypedDict, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspect_tool.errors import MeasurementError, SettingsError
from inspect_tool.languages import Text, Words, joined
from inspect_tool.model import (
    Calibration,
    Component,
    FieldMeasurement,
    Micrograph,
    Notable,
    Plane,
    Result,
    Segmentation,
    Standard,
)
from inspect_tool.segmentation.titles import title_of
from inspect_tool.standards.formulas import iso_1463
from inspect_tool.statistics.samples import Limits
from inspect_tool.statistics.uncertainty import coverage_factor, half_range
from inspect_tool.typos import near

_SHOWN = 10  # largest features of a field

Field = TypeVar("Field", bound=FieldMeasurement[Any, Any])


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


def specimens_of(fields: Sequence[Field]) -> list[tuple[str, list[Field]]]:
    """Name of every specimen with its fields, in the order of the job."""
    names = dict.fromkeys(field.specimen for field in fields)
    return [(name, [field for field in fields if field.specimen == name]) for name in names]


def editions_beside(recipe: str, known: Sequence[str], asked: Sequence[str], standard: Standard) -> tuple[str, ...]:
    """Name the editions that rate beside that of the job, each once, of those that are asked for.

    Files of the laboratory's own end in ``.toml``; a requirement names one by its stem.

    Raises
    ------
    SettingsError
        An edition that the recipe does not know.
    """
    own = {Path(name).stem for name in asked if name.endswith(".toml")}
    names = tuple(name for name in dict.fromkeys(asked) if name != standard.name and name not in own)
    for name in names:
        if name not in known and not name.endswith(".toml"):
            msg = f"{recipe}: settings.also_by: no edition '{name}'; there are: {', '.join(known)}{near(name, known)}"
            raise SettingsError(msg)
    return names


def numbers_of_classes(segmentation: Segmentation, names: Sequence[str], where: str) -> list[int]:
    """Numbers of the classes of these names; ``where`` begins the line of the error.

    Raises
    ------
    MeasurementError
        A class that the segmentation does not have.
    """
    by_name = {name: number for number, name in segmentation.classes.items()}
    for name in names:
        if name not in by_name:
            msg = f"{where}: no class '{name}' in the segmentation; there are: {', '.join(by_name)}"
            raise MeasurementError(msg)
    return [by_name[name] for name in names]


def alternatives_line(value: float, others: Mapping[str, float], basis: str, **more: Words) -> tuple[Component, ...]:
    """Line of the other plausible segmentations, half the range of their values over √3; none where there is none.

    ``basis`` is the key of its words, which have the values ``others``, ``low``, ``high`` and those of ``more``.
    """
    if not others:
        return ()
    values = [value, *others.values()]
    listed = joined(", ", map(title_of, others))
    words = Text(basis, others=listed, low=min(values), high=max(values), **more)
    return (Component(name=Text("budget.segmentation"), u=half_range(values), kind="B", basis=words),)


Length: TypeAlias = Mapping[Literal["um", "px"], float]
"""A length under its one unit."""


def length_in(px: float, pixel_um: float | None) -> Length:
    """A length of pixels under its unit: um, or px where there is no scale."""
    return {"px": px} if pixel_um is None else {"um": px * pixel_um}


def only(length: Length) -> float:
    """A length in its own unit."""
    (value,) = length.values()
    return value


def length_unit(fields: Sequence[FieldMeasurement]) -> tuple[Literal["um", "px"], str]:
    """Unit of the lengths of fields, and its mark on pages: um where all of them have a scale, else px."""
    return ("um", "µm") if all(field.calibration.pixel_um is not None for field in fields) else ("px", "px")


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


def tilt_line(value: float, tilt_deg: float | None, basis: str) -> tuple[Component, ...]:
    """Line of a section that is not normal to the surface and shows lengths too long: from nothing to the most.

    ``basis`` is the key of its words, which have the values ``tilt`` [deg] and ``percent``. None without a tilt.
    """
    if not tilt_deg:
        return ()
    most = value - iso_1463.true_thickness(value, tilt_deg)
    words = Text(basis, tilt=tilt_deg, percent=100 * (1 / cos(radians(tilt_deg)) - 1))
    return (Component(name=Text("budget.tilt_of_the_section"), u=most / sqrt(3), kind="B", basis=words),)


def possible(result: Result) -> Result:
    """Cut the interval of a length, number or share to what that can be: not below 0, and a share not above 100 %."""
    if result.interval is None:
        return result
    low, high = result.interval
    return replace(result, interval=(max(low, 0.0), min(high, 100.0) if result.unit == "%" else high))


def limit_lines(
    found: Limits, groups: int, *, alone: tuple[Words, Words], beyond: tuple[Words, Words]
) -> list[Component]:
    """Lines of what chance leaves, each with the wider side of its limits.

    Parameters
    ----------
    found : Limits
        By the objects alone, and with what groups of them differ beyond that.
    groups : int
        Fields of one section, or sections where there are several.
    alone, beyond : tuple of words
        Name and basis of either line.
    """
    own, together = (max(found.value - low, high - found.value) for low, high in (found.alone, found.together))
    (name, basis), (name_beyond, basis_beyond) = alone, beyond
    dof = found.dof if isfinite(found.dof) else None
    lines = [Component(name=name, u=own / coverage_factor(dof), kind="A", dof=dof, basis=basis)]
    if groups > 1 and together > own * (1 + 1e-9):
        u = sqrt(together**2 - own**2) / coverage_factor(groups - 1)
        lines.append(Component(name=name_beyond, u=u, kind="A", dof=float(groups - 1), basis=basis_beyond))
    return lines


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
    filled = [field for field in fields if len(field.features)] or fields[:1]
    made = pd.concat([field.features for field in filled], ignore_index=True)
    counts = [len(field.features) for field in filled]
    for i, (name, places) in enumerate(
        (
            ("specimen", [field.specimen for field in filled]),
            ("section", [field.section for field in filled]),
            ("field", [field.field for field in filled]),
        )
    ):
        made.insert(i, name, pd.Series(places).repeat(counts).array)
    return made


def largest_features(
    features: pd.DataFrame,
    pixel_um: float | None,
    caption: Callable[[Mapping[Hashable, Any]], Words],
    shape: tuple[int, int],
) -> tuple[Notable, ...]:
    """Features with the largest areas of a field, to be shown.

    A class of which one feature is at least half as high or as wide as the field goes through it: what of it is seen in
    one piece says where the section was cut, and none of its features is a thing of its own.

    Parameters
    ----------
    features : DataFrame
        With area, box and, where there are several, the "class" of each.
    pixel_um : float or None
    caption : callable
        Says what a row of the table is.
    shape : (rows, columns)
        Of the field. [px]

    Returns
    -------
    tuple of Notable
        Largest first: ten things of their own, as far as there are so many, and what is larger than they.
    """
    column, unit = ("area_px2", "px2") if pixel_um is None else ("area_um2", "um2")
    if column not in features:
        return ()
    high, wide = features["bottom_px"] - features["top_px"], features["right_px"] - features["left_px"]
    goes_through = (2 * high >= shape[0]) | (2 * wide >= shape[1])
    if "class" in features:
        apart = ~features["class"].isin(features["class"][goes_through])
    else:
        apart = pd.Series(not goes_through.any(), index=features.index)
    largest = features.nlargest(_SHOWN, column)
    others = features[apart].drop(index=largest.index, errors="ignore").nlargest(_SHOWN, column)
    kept = pd.concat([largest, others.head(_SHOWN - int(apart[largest.index].sum()))])
    return tuple(
        Notable(
            feature=int(row["feature"]),
            value=float(row[column]),
            unit=unit,
            caption=caption(row),
            box=(int(row["top_px"]), int(row["left_px"]), int(row["bottom_px"]), int(row["right_px"])),
            apart=bool(is_apart),
        )
        for row, is_apart in zip(kept.to_dict("records"), apart[kept.index], strict=True)
    )


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
