"""Porosity: how much, how many, how large and how close together the pores of a polished section are.

Area share and counts with field statistics; sizes, shapes, neighbours and clusters of every pore; the
largest pores; a reference area in its worst place for castings; class strings of drawings as
requirements; presentations for castings, thermal spray coatings and hardmetals.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as default
from math import isfinite, pi, sqrt
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspect_tool.errors import MeasurementError, SettingsError
from inspect_tool.formulas import areal_porosity, astm_b276, astm_e2109, bdg_p202, vdg_p201
from inspect_tool.measure import neighbours, reference_area
from inspect_tool.measure.fields import FieldStatistics, field_statistics
from inspect_tool.measure.regions import connected, region_table
from inspect_tool.model import (
    Check,
    Component,
    FieldMeasurement,
    Findings,
    LabelImage,
    Mark,
    Mask,
    Measurements,
    Micrograph,
    Notable,
    Quantity,
    Requirement,
    Result,
    Segmentation,
    Standard,
)
from inspect_tool.recipes import _porosity_pages as pages
from inspect_tool.standards import check_rule, constant, load_standard
from inspect_tool.uncertainty import evaluated, half_range
from inspect_tool.units import dimension

TITLE = "Porosity"
QUESTION: Literal["coverage", "count"] = "coverage"
STANDARDS: tuple[str, ...] = (
    "areal_porosity_2026",
    "astm_e1245_2016",
    "vdg_p201_2002",
    "bdg_p202_2010",
    "astm_e2109_2014",
    "astm_b276_2021",
)
BACKEND: Mapping[str, Any] = MappingProxyType({"name": "threshold", "phase": "dark"})
QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        "porosity_percent": Quantity(title="Porosity", unit="%", needs_scale=False),
        "pore_count_per_mm2": Quantity(title="Pores per area", unit="1/mm2", needs_scale=True),
        "largest_pore_feret_um": Quantity(title="Largest pore observed (Feret)", unit="um", needs_scale=True),
        "mean_pore_ecd_um": Quantity(title="Mean pore diameter (ECD)", unit="um", needs_scale=True),
        "pore_neighbour_ratio_min": Quantity(
            title="Smallest gap over diameter of the smaller pore", unit="1", needs_scale=False
        ),
        "pore_nests": Quantity(title="Pore clusters", unit="counts", needs_scale=False),
        "reference_porosity_percent": Quantity(
            title="Porosity of the reference area in its worst place", unit="%", needs_scale=True
        ),
        "reference_pore_count": Quantity(
            title="Pores in the reference area in its worst place", unit="counts", needs_scale=True
        ),
        "linear_percent": Quantity(title="Linear detachments and cracks", unit="%", needs_scale=False),
        "hardmetal_percent.*": Quantity(title="Apparent porosity", unit="%", needs_scale=True),
        "large_pores_per_cm2.*": Quantity(title="Large pores per area", unit="1/cm2", needs_scale=True),
    }
)

Presentation = Literal["auto", "areal", "casting", "thermal_spray", "hardmetal"]

_PRESENTATIONS: Mapping[str, Presentation] = MappingProxyType(
    {
        "vdg_p201_2002": "casting",
        "bdg_p202_2010": "casting",
        "astm_e2109_2014": "thermal_spray",
        "astm_b276_2021": "hardmetal",
    }
)
_EDGE_PX = 0.5 / sqrt(3)  # standard uncertainty of one pore edge known to half a pixel
_FEW = 30  # pores; with fewer the scatter between fields is itself hardly known
_DEFINITION = "pores of at least the smallest measured size"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceArea:
    """Reference area of a casting; it is slid over every field to its worst place."""

    shape: reference_area.Shape = "square"
    size_mm: float = 0.0  # side, diameter, base of the triangle or width of the rectangle [mm]
    height_mm: float = 0.0  # of a triangle or rectangle; 0: as size_mm [mm]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of the recipe."""

    presentation: Presentation = "auto"  # auto: by the standard of the job
    classes: tuple[str, ...] = ()  # names of the classes that are pores; empty: class 1
    minimum_px2: int = 9  # smaller dark spots cannot be measured: their share is reported apart [px2]
    minimum_um: float = 0.0  # pores of a smaller largest Feret do not count, e.g. by the drawing; 0: all [um]
    count_rule: Literal["half", "two_edges"] = "half"  # pores cut by the edge: half each, or those at two edges only
    size_by: Literal["ecd", "feret_max"] = "ecd"  # diameter of the size classes
    size_classes_um: tuple[float, ...] = ()  # upper bounds, ascending; empty: 1, 2, 5, 10 ... [um]
    cluster_gap: float = 1.0  # pores closer than this times the smaller diameter make a cluster [1]
    linear_elongation: float = 0.0  # F_max²/A from which a feature is a crack; 0: as the standard says, else never [1]
    reference_area: ReferenceArea | None = None
    key_symbols: Mapping[str, str] = default(default_factory=dict)  # BDG P 202: symbol of the drawing -> quantity


# ------------------------------------------------------------------------------------------------------ one field


def measure_field(
    micrograph: Micrograph,
    segmentation: Segmentation,
    settings: Settings,
    standard: Standard,
    alternatives: Iterable[tuple[str, Segmentation]] = (),
) -> FieldMeasurement:
    """Measure the pores of one field.

    Parameters
    ----------
    micrograph : Micrograph
        The field; its scale, place in the job and region are used.
    segmentation : Segmentation
        Semantic (pores are the classes of ``settings.classes``, else class 1) or instance (one label per pore).
    settings : Settings
        See there.
    standard : Standard
        One of ``STANDARDS``.
    alternatives : iterable of (name, Segmentation)
        Plausible other segmentations of the field, taken one at a time.

    Returns
    -------
    FieldMeasurement
        One row per measurable pore in ``features``.

    Raises
    ------
    MeasurementError
        Settings that this field cannot meet, e.g. a size in um without a scale.
    """
    _check(settings, micrograph)
    pixel_um = micrograph.calibration.pixel_um
    found = _pores(micrograph, segmentation, settings, standard)
    values: dict[str, float | int | str] = dict(_numbers(found, micrograph, settings, standard))
    shifted = {
        name: _numbers(_pores(micrograph, other, settings, standard), micrograph, settings, standard)
        for name, other in alternatives
    }
    features, marks = _with_neighbours(found, settings, pixel_um, values)
    place = _worst_reference(found, micrograph, settings)
    if place is not None:
        marks += _reference_marks(place[0], place[1], values)
    return FieldMeasurement(
        specimen=micrograph.specimen,
        section=micrograph.section,
        plane=micrograph.plane,
        field=micrograph.field,
        image=micrograph.path,
        shape_px=(segmentation.labels.shape[0], segmentation.labels.shape[1]),
        calibration=micrograph.calibration,
        values=values,
        features=features.drop(columns=["count_weight", "size_weight"]),
        alternatives=shifted,
        marks=marks,
        worst=_worst(features, pixel_um),
        notes=_notes(values, features, pixel_um),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Pores:
    """The objects of one segmentation: those that are measured, and the share of those that are too small."""

    labels: LabelImage  # measured pores only, without linear detachments
    table: pd.DataFrame  # one row per measured object, in pixels and um
    counted: Mask  # pore pixels that make the porosity
    field_px2: int
    small_px2: int  # area of objects below the smallest measurable size
    small: int
    left_out_px2: int  # area of objects that do not count because of minimum_um
    left_out: int


def _check(settings: Settings, micrograph: Micrograph) -> None:
    where = micrograph.path
    if settings.minimum_px2 < 1:
        msg = f"porosity: minimum_px2 must be at least 1, got {settings.minimum_px2}"
        raise MeasurementError(msg)
    if settings.minimum_um < 0 or settings.cluster_gap <= 0:
        msg = "porosity: minimum_um must not be negative and cluster_gap must be > 0"
        raise MeasurementError(msg)
    if list(settings.size_classes_um) != sorted(set(settings.size_classes_um)) or any(
        bound <= 0 for bound in settings.size_classes_um
    ):
        msg = f"porosity: size_classes_um must be > 0 and ascend, got {list(settings.size_classes_um)}"
        raise MeasurementError(msg)
    if settings.count_rule == "two_edges" and micrograph.roi is not None:
        msg = f'{where}: count_rule "two_edges" needs a rectangular field; use "half" with a polygon or mask'
        raise MeasurementError(msg)
    if micrograph.calibration.pixel_um is None and (settings.minimum_um or settings.reference_area):
        msg = f"{where}: minimum_um and reference_area need a scale; the calibration is 'ratio only'"
        raise MeasurementError(msg)
    if settings.reference_area is not None and not settings.reference_area.size_mm > 0:
        msg = f"porosity: reference_area.size_mm must be > 0, got {settings.reference_area.size_mm:g}"
        raise MeasurementError(msg)


def _pores(micrograph: Micrograph, segmentation: Segmentation, settings: Settings, standard: Standard) -> _Pores:
    """Number the pores, measure them and put those aside that are too small or linear."""
    roi, pixel_um = micrograph.roi, micrograph.calibration.pixel_um
    if segmentation.kind == "instance":
        labels = segmentation.labels
    else:
        labels = connected(np.isin(segmentation.labels, _classes(segmentation, settings)))
    table = region_table(labels, pixel_um, roi=roi)
    feret = table["feret_max_px" if pixel_um is None else "feret_max_um"].to_numpy()
    area = table["area_px2"].to_numpy()
    left_out = feret < settings.minimum_um
    small = (area < settings.minimum_px2) & ~left_out
    measured = ~(small | left_out)
    limit = _linear_limit(settings, standard)
    size = 1.0 if pixel_um is None else pixel_um
    linear = np.array([astm_e2109.is_linear(f / size, float(a), limit) for f, a in zip(feret, area, strict=True)], bool)
    weight = np.where(table["touches_edge"], 0.5, 1.0)
    if settings.count_rule == "two_edges":
        weight = np.where((table["top_px"] == 0) | (table["left_px"] == 0), 0.0, 1.0)
    height, width = labels.shape
    share = np.ones(len(table))
    if roi is None:
        # a whole pore of box h x w can lie in (H - h)(W - w) places; large ones are cut more often
        h, w = table["bottom_px"] - table["top_px"], table["right_px"] - table["left_px"]
        share = np.asarray(np.maximum((1 - h / (height + 1)) * (1 - w / (width + 1)), 1e-6))
    table["linear"] = linear
    table["count_weight"] = np.where(linear, 0.0, weight)
    table["size_weight"] = np.where(linear | table["touches_edge"], 0.0, 1.0 / share)
    keep = np.zeros(int(table["feature"].max()) + 1 if len(table) else 1, dtype=np.int32)
    inside = table["feature"].to_numpy()[measured & ~linear]
    whole = segmentation.kind == "instance"
    kept = table[measured].reset_index(drop=True)
    if not whole:  # numbers without gaps for the reader; instance labels are the user's own
        renumbered = np.arange(1, len(kept) + 1)
        keep[kept["feature"].to_numpy()] = np.where(kept["linear"], 0, renumbered)
        kept["feature"] = renumbered
    else:
        keep[inside] = inside
    pores = keep[labels]
    field_px2 = int(labels.size if roi is None else np.count_nonzero(roi))
    if field_px2 == 0:
        msg = f"{micrograph.path}: the region holds no pixel; check [region] of the job"
        raise MeasurementError(msg)
    return _Pores(
        labels=pores,
        table=kept,
        counted=pores != 0,
        field_px2=field_px2,
        small_px2=int(area[small].sum()),
        small=int(small.sum()),
        left_out_px2=int(area[left_out].sum()),
        left_out=int(left_out.sum()),
    )


def _classes(segmentation: Segmentation, settings: Settings) -> list[int]:
    if not settings.classes:
        return [1]
    by_name = {name: number for number, name in segmentation.classes.items()}
    for name in settings.classes:
        if name not in by_name:
            msg = f"porosity: no class '{name}' in the segmentation; there are: {', '.join(by_name)}"
            raise MeasurementError(msg)
    return [by_name[name] for name in settings.classes]


def _linear_limit(settings: Settings, standard: Standard) -> float:
    """Elongation from which a feature is linear: the setting, else the standard's, else none."""
    if settings.linear_elongation:
        return settings.linear_elongation
    if presentation(settings, standard) == "thermal_spray":
        return constant(load_standard("astm_e2109_2014"), "linear_elongation").value
    return float("inf")


def _numbers(found: _Pores, micrograph: Micrograph, settings: Settings, standard: Standard) -> dict[str, float]:
    """Numbers of one segmentation of one field; the same for the main one and for its alternatives."""
    pixel_um = micrograph.calibration.pixel_um
    unit, size = ("px", 1.0) if pixel_um is None else ("um", pixel_um)
    pores = found.table[~found.table["linear"]]
    field_px2 = float(found.field_px2)
    area = pores["area_px2"].to_numpy(dtype=float)
    weight, size_weight = pores["count_weight"].to_numpy(), pores["size_weight"].to_numpy()
    ecd, feret = pores[f"ecd_{unit}"].to_numpy(), pores[f"feret_max_{unit}"].to_numpy()
    whole = size_weight > 0
    values = {
        "porosity_percent": areal_porosity.porosity_percent(float(area.sum()), field_px2),
        "pores": float(len(pores)),
        "pores_cut": float(pores["touches_edge"].sum()),
        "pores_counted": float(weight.sum()),
        f"mean_pore_ecd_{unit}": float(np.average(ecd[whole], weights=size_weight[whole])) if whole.any() else 0.0,
        f"largest_pore_feret_{unit}": float(feret.max(initial=0.0)),
        "below_minimum_percent": areal_porosity.porosity_percent(float(found.small_px2), field_px2),
        "below_minimum": float(found.small),
        "left_out_percent": areal_porosity.porosity_percent(float(found.left_out_px2), field_px2),
        "left_out": float(found.left_out),
        "edge_shift_percent": areal_porosity.edge_shift_percent(
            0.5, float(pores[f"perimeter_{unit}"].sum()) / size, field_px2
        ),
        "linear_percent": areal_porosity.porosity_percent(
            float(found.table.loc[found.table["linear"], "area_px2"].sum()), field_px2
        ),
        "linear": float(found.table["linear"].sum()),
        "size_weight": float(size_weight.sum()),
        f"ecd_weighted_{unit}": float((size_weight * ecd).sum()),
        "area_squared": float((area**2).sum()) / field_px2**2,
        f"field_area_{'px2' if pixel_um is None else 'mm2'}": field_px2 * size**2 * (1.0 if pixel_um is None else 1e-6),
    }
    if pixel_um is not None:
        values["pore_count_per_mm2"] = values["pores_counted"] / values["field_area_mm2"]
        if presentation(settings, standard) == "hardmetal":
            values |= _hardmetal_numbers(feret, area / field_px2, weight, values["field_area_mm2"])
    place = _worst_reference(found, micrograph, settings)
    if place is not None:
        values["reference_porosity_percent"] = 100 * place[0].share
        values["reference_pore_count"] = _reference_count(place[1], pores, found.labels.shape, micrograph.roi)
    return values


def _hardmetal_numbers(
    feret_um: NDArray[np.float64], share: NDArray[np.float64], weight: NDArray[np.float64], field_mm2: float
) -> dict[str, float]:
    b276 = load_standard("astm_b276_2021")
    kinds = np.array([astm_b276.pore_type(diameter, b276) for diameter in feret_um], dtype=object)
    values = {f"hardmetal_percent.{kind}": 100 * float(share[kinds == kind].sum()) for kind in ("A", "B")}
    for row in b276.tables["large_classes"]:
        inside = (feret_um > row["from_um"]) & (feret_um <= row["to_um"])
        values[f"large_pores_per_cm2.{large_class(row)}"] = 100 * float(weight[inside].sum()) / field_mm2
    return values


def large_class(row: Mapping[str, Any]) -> str:
    """Name of a class of large pores, e.g. "25-75 um"."""
    return f"{row['from_um']:g}-{row['to_um']:g} um" if isfinite(row["to_um"]) else f"over {row['from_um']:g} um"


def _stencil(settings: ReferenceArea, pixel_um: float) -> Mask:
    return reference_area.stencil(
        settings.shape, settings.size_mm * 1e3 / pixel_um, settings.height_mm * 1e3 / pixel_um
    )


def _turns(settings: ReferenceArea) -> int:
    if settings.shape == "triangle":
        return 4
    return 2 if settings.shape == "rectangle" else 1


def _worst_reference(
    found: _Pores, micrograph: Micrograph, settings: Settings
) -> tuple[reference_area.Worst, Mask] | None:
    asked, pixel_um = settings.reference_area, micrograph.calibration.pixel_um
    if asked is None or pixel_um is None:
        return None
    area = _stencil(asked, pixel_um)
    place = reference_area.worst_place(found.counted, area, micrograph.roi, turns=_turns(asked))
    if place is None:
        height, width = (side * pixel_um / 1e3 for side in found.labels.shape)
        msg = (
            f"{micrograph.path}: the reference area ({asked.shape}, {asked.size_mm:g} mm) does not fit into the "
            f"field of {width:.3g} x {height:.3g} mm; take larger fields or a smaller reference area"
        )
        raise MeasurementError(msg)
    return place, np.rot90(area, place.turn)


def _reference_count(area: Mask, pores: pd.DataFrame, shape: tuple[int, ...], roi: Mask | None) -> float:
    """Largest number of pore centres in the reference area, wherever it lies."""
    centers = np.zeros(shape, dtype=bool)
    centers[pores["row_px"].round().astype(int), pores["column_px"].round().astype(int)] = True
    place = reference_area.worst_place(centers, np.ascontiguousarray(area), roi)
    return 0.0 if place is None else round(place.share * int(area.sum()))


def _with_neighbours(
    found: _Pores, settings: Settings, pixel_um: float | None, values: dict[str, float | int | str]
) -> tuple[pd.DataFrame, tuple[Mark, ...]]:
    """Add neighbour and cluster columns to the pores; their numbers to ``values``; clusters as marks."""
    unit, size = ("px", 1.0) if pixel_um is None else ("um", pixel_um)
    table = found.table.copy()
    pores = ~table["linear"].to_numpy()
    numbers = table["feature"].to_numpy()[pores]
    diameter = table[f"feret_max_{unit}"].to_numpy()[pores] / size
    pairs, gaps = neighbours.edge_gaps(found.labels)
    gap, which = neighbours.nearest_gap(numbers, pairs, gaps)
    ratios = neighbours.pair_ratios(numbers, diameter, pairs, gaps)
    clusters = neighbours.cluster_numbers(numbers, pairs, ratios < settings.cluster_gap)
    centers = neighbours.center_distances(table["row_px"].to_numpy()[pores], table["column_px"].to_numpy()[pores])
    for name, column, empty in (
        (f"center_distance_{unit}", centers * size, np.nan),
        (f"neighbour_gap_{unit}", gap * size, np.nan),
        ("neighbour", which, 0),
        ("cluster", clusters, 0),
    ):
        filled = np.full(len(table), empty, dtype=column.dtype)
        filled[pores] = column
        table[name] = filled
    values["clusters"] = int(clusters.max(initial=0))
    values["clusters_pores"] = int((clusters > 0).sum())
    # edges known to half a pixel each: the gap may be a pixel longer or shorter
    for name, shift in (("clusters_least", 1.0), ("clusters_most", -1.0)):
        moved = neighbours.pair_ratios(numbers, diameter - shift, pairs, np.maximum(gaps + shift, 0))
        values[name] = int(neighbours.cluster_numbers(numbers, pairs, moved < settings.cluster_gap).max(initial=0))
    if len(pairs):
        least = int(ratios.argmin())
        values["pore_neighbour_ratio_min"] = float(ratios[least])
        values["pore_neighbour_diameter_px"] = float(diameter[np.searchsorted(numbers, pairs[least])].min())
    return table, _cluster_marks(table)


def _cluster_marks(table: pd.DataFrame) -> tuple[Mark, ...]:
    marks = []
    for number, members in table[table["cluster"] > 0].groupby("cluster"):
        top, left = members["top_px"].min() - 3.5, members["left_px"].min() - 3.5
        bottom, right = members["bottom_px"].max() + 2.5, members["right_px"].max() + 2.5
        box = ((top, left), (top, right), (bottom, right), (bottom, left), (top, left))
        marks.append(Mark(kind="path", points=box, style="object", layer="clusters", label=f"{number}"))
    return tuple(marks)


def _reference_marks(
    place: reference_area.Worst, area: Mask, values: Mapping[str, float | int | str]
) -> tuple[Mark, ...]:
    """Outline of the reference area in its worst place."""
    rows = np.flatnonzero(area.any(axis=1))
    left = area[rows].argmax(axis=1)
    right = area.shape[1] - 1 - area[rows, ::-1].argmax(axis=1)
    every = slice(None, None, max(1, len(rows) // 60))
    down = [(float(r), float(c)) for r, c in zip(rows[every], left[every], strict=True)]
    down += [(float(rows[-1]), float(left[-1])), (float(rows[-1]), float(right[-1]))]
    up = [(float(r), float(c)) for r, c in zip(rows[every], right[every], strict=True)][::-1]
    points = tuple((r + place.top, c + place.left) for r, c in [*down, *up, down[0]])
    label = f"{values['reference_porosity_percent']:.3g} %"
    return (Mark(kind="path", points=points, style="figure", layer="reference area", label=label),)


def _worst(features: pd.DataFrame, pixel_um: float | None) -> tuple[Notable, ...]:
    unit = "px" if pixel_um is None else "um"
    pores = features[~features["linear"]].sort_values(f"feret_max_{unit}", ascending=False, kind="stable").head(10)
    return tuple(
        Notable(
            feature=int(row["feature"]),
            value=float(row[f"feret_max_{unit}"]),
            unit=unit,
            caption="cut by the edge: larger than this" if row["touches_edge"] else "Feret diameter",
            box=(int(row["top_px"]), int(row["left_px"]), int(row["bottom_px"]), int(row["right_px"])),
        )
        for _, row in pores.iterrows()
    )


def _notes(values: Mapping[str, float | int | str], features: pd.DataFrame, pixel_um: float | None) -> tuple[str, ...]:
    unit, mark = ("px", "px") if pixel_um is None else ("um", "µm")
    notes = []
    pores = features[~features["linear"]]
    if values["pores_cut"]:
        notes.append(
            f"{int(float(values['pores_cut']))} of {len(pores)} pores are cut by the edge: in the area, not in the "
            "mean size."
        )
    if values["below_minimum"]:
        notes.append(
            f"{int(float(values['below_minimum']))} dark spots are too small to be measured; they cover "
            f"{float(values['below_minimum_percent']):.2g} % of the field and are not in the porosity."
        )
    cut = pores.loc[pores["touches_edge"], f"feret_max_{unit}"].max()
    whole = pores.loc[~pores["touches_edge"], f"feret_max_{unit}"].max()
    if cut > whole or (pd.isna(whole) and not pd.isna(cut)):
        notes.append(f"The largest pore of this field is cut by the edge: it is larger than the {cut:.3g} {mark} seen.")
    return tuple(notes)


def presentation(settings: Settings, standard: Standard) -> Presentation:
    """How the results are presented: the setting, or what belongs to the standard."""
    if settings.presentation != "auto":
        return settings.presentation
    return _PRESENTATIONS.get(standard.name, "areal")


# -------------------------------------------------------------------------------------------------- all fields


def combine(fields: Sequence[FieldMeasurement], settings: Settings, standard: Standard) -> Findings:
    """Put the fields of all specimens together: results with budgets, checks, tables, charts.

    Parameters
    ----------
    fields : sequence of FieldMeasurement
        As ``measure_field`` gave them.
    settings : Settings
        See there.
    standard : Standard
        Supplies the sampling rules.

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
        msg = "porosity: no field to measure"
        raise MeasurementError(msg)
    shown = presentation(settings, standard)
    results: list[Result] = []
    checks: list[Check] = []
    warnings: list[str] = []
    for specimen in dict.fromkeys(field.specimen for field in fields):
        mine = [field for field in fields if field.specimen == specimen]
        made = _results(mine, settings, standard, shown)
        results += made
        checks += _checks(mine, settings, standard)
        warnings += _warnings(mine)
    return Findings(
        results=tuple(results),
        checks=tuple(checks),
        measurements=Measurements(features=pages.feature_table(fields), fields=pages.field_table(fields)),
        statements=pages.statements(fields, settings, standard, shown),
        tables=pages.tables(fields, results, settings, standard, shown),
        charts=pages.charts(fields, settings),
        warnings=tuple(warnings),
    )


def _results(
    fields: Sequence[FieldMeasurement], settings: Settings, standard: Standard, shown: Presentation
) -> list[Result]:
    """All results of one specimen."""
    minimum = f"{_DEFINITION}, {settings.minimum_px2} px2"
    if settings.minimum_um:
        minimum += f" and {settings.minimum_um:g} um Feret"
    clause = f"{standard.id}-{standard.edition}"
    made = [_porosity(fields, clause, minimum, shown)]
    calibrated = all(field.calibration.pixel_um is not None for field in fields)
    if calibrated:
        made.append(_count_density(fields, clause, minimum, settings))
        made += _sizes(fields, clause, minimum)
        if settings.reference_area is not None:
            made += _reference_results(fields, clause, minimum)
    made += _neighbour_results(fields, clause, settings)
    if shown == "thermal_spray" or settings.linear_elongation:
        made.append(
            _share(fields, "linear_percent", clause, "linear features by F_max²/A, mean over fields/1", main=False)
        )
    if shown == "hardmetal" and calibrated:
        made += _hardmetal_results(fields)
    return [_not_negative(evaluated(result)) for result in made]


def _not_negative(result: Result) -> Result:
    """Shares, counts and lengths are not below zero, and neither is their interval."""
    if result.interval is None or result.interval[0] >= 0:
        return result
    return replace(result, interval=(0.0, result.interval[1]))


def _numbers_of(fields: Sequence[FieldMeasurement], name: str) -> list[float]:
    return [float(field.values[name]) for field in fields]


def _alternative_names(fields: Sequence[FieldMeasurement]) -> list[str]:
    return list(dict.fromkeys(name for field in fields for name in field.alternatives))


def _shifted(fields: Sequence[FieldMeasurement], alternative: str, name: str) -> list[float]:
    """Values of all fields in one alternative; a field without it keeps its own."""
    return [float(field.alternatives.get(alternative, field.values)[name]) for field in fields]


def _statistics(fields: Sequence[FieldMeasurement], values: Sequence[float]) -> FieldStatistics:
    return field_statistics(values, [field.section for field in fields])


def _between(fields: Sequence[FieldMeasurement], name: str) -> tuple[FieldStatistics, tuple[Component, ...]]:
    """Statistics of one value per field, and its line of the budget: none with one field."""
    found = _statistics(fields, _numbers_of(fields, name))
    if found.u_mean is None:
        return found, ()
    line = Component(
        name="between fields",
        u=found.u_mean,
        kind="A",
        dof=float(found.dof or 0),
        basis=f"s / √n over {found.n} fields, s = {found.s:.3g}",
    )
    return found, (line,)


def _segmentation_line(fields: Sequence[FieldMeasurement], name: str, unit: str) -> tuple[Component, ...]:
    """Half range of the mean over the alternative segmentations; none where there are no alternatives."""
    names = _alternative_names(fields)
    if not names:
        return ()
    means = [_statistics(fields, _shifted(fields, alternative, name)).mean for alternative in names]
    main = _statistics(fields, _numbers_of(fields, name)).mean
    return (_segmentation(main, means, names, unit),)


def _segmentation(main: float, others: Sequence[float], names: Sequence[str], unit: str) -> Component:
    listed = ", ".join(f"{name}: {value:.4g}" for name, value in zip(names, others, strict=True))
    return Component(
        name="segmentation",
        u=half_range([main, *others]),
        kind="B",
        basis=f"half range / √3 of re-evaluated results [{unit}]: {listed}",
    )


def _scale_line(fields: Sequence[FieldMeasurement], value: float, power: int) -> Component:
    u_rel = max(field.calibration.u_rel for field in fields)
    times = "" if power == 1 else f"{power} x "
    return Component(
        name="scale", u=power * u_rel * abs(value), kind="B", basis=f"{times}{100 * u_rel:.3g} % of the pixel size"
    )


def _scatter_line(fields: Sequence[FieldMeasurement], value: float, between: Sequence[Component]) -> Component | None:
    """What chance alone does to the summed pore area: with one field, and as a floor with few pores."""
    pores = sum(_numbers_of(fields, "pores"))
    if pores == 0:
        smallest = max(0.0, *(9.0 / _field_px2(field) for field in fields))
        return Component(
            name="no pore found",
            u=100 * smallest / len(fields),
            kind="B",
            basis="one pore of the smallest measurable size may be missed in all fields",
        )
    if between and pores >= _FEW:
        return None
    relative = sqrt(sum(_numbers_of(fields, "area_squared"))) / (sum(_numbers_of(fields, "porosity_percent")) / 100)
    u = value * relative
    found = between[0].u if between else 0.0
    if u <= found:
        return None
    why = "one field tells nothing of the others" if not between else f"{pores:.0f} pores tell little of the scatter"
    return Component(
        name="random scatter of pores",
        u=sqrt(u**2 - found**2),
        kind="B",
        basis=f"{why}: pores thrown at random scatter by √ΣA²/ΣA = {100 * relative:.3g} %; a floor",
    )


def _field_px2(field: FieldMeasurement) -> float:
    if "field_area_px2" in field.values:
        return float(field.values["field_area_px2"])
    assert field.calibration.pixel_um is not None
    return float(field.values["field_area_mm2"]) * 1e6 / field.calibration.pixel_um**2


def _porosity(fields: Sequence[FieldMeasurement], clause: str, minimum: str, shown: Presentation) -> Result:
    name = "porosity_percent"
    found, between = _between(fields, name)
    lines = list(between)
    scatter = _scatter_line(fields, found.mean, between)
    if scatter is not None:
        lines.append(scatter)
    segmentation = _segmentation_line(fields, name, "%")
    if segmentation:
        lines += segmentation
    else:
        shift = _statistics(fields, _numbers_of(fields, "edge_shift_percent")).mean
        lines.append(
            Component(
                name="pore edge",
                u=shift / sqrt(3),
                kind="B",
                basis="half a pixel around every pore, outline times shift",
            )
        )
    below = _statistics(fields, _numbers_of(fields, "below_minimum_percent")).mean
    lines.append(
        Component(
            name="smallest size",
            u=below / sqrt(3),
            kind="B",
            basis=f"dark spots too small to be measured: {below:.2g} %",
        )
    )
    return Result(
        quantity=name,
        specimen=fields[0].specimen,
        value=found.mean,
        unit="%",
        n=found.n,
        clause=clause,
        definition=f"areal porosity, {minimum}, mean over fields/1",
        budget=tuple(lines),
        title="Porosity (pores without linear detachments)" if shown == "thermal_spray" else "Porosity (areal)",
        main=True,
    )


def _share(fields: Sequence[FieldMeasurement], name: str, clause: str, definition: str, *, main: bool) -> Result:
    """Mean over fields of an area share that has no lines of its own."""
    found, between = _between(fields, name)
    lines = [*between, *_segmentation_line(fields, name, "%")]
    if not lines:
        lines = [Component(name="segmentation", u=0.0, kind="B", basis="one field, no other segmentation to compare")]
    wild = QUANTITIES.get(name) or QUANTITIES[name.split(".")[0] + ".*"]
    part = name.partition(".")[2]
    return Result(
        quantity=name,
        specimen=fields[0].specimen,
        value=found.mean,
        unit=wild.unit,
        n=found.n,
        clause=clause,
        definition=definition,
        budget=tuple(lines),
        title=f"{wild.title}, {part}" if part else wild.title,
        main=main,
    )


def _count_density(fields: Sequence[FieldMeasurement], clause: str, minimum: str, settings: Settings) -> Result:
    name = "pore_count_per_mm2"
    found, between = _between(fields, name)
    lines = list(between)
    counted = sum(_numbers_of(fields, "pores_counted"))
    if not between or counted < _FEW:
        u = max(sqrt(counted), 1.0) / sum(_numbers_of(fields, "field_area_mm2"))
        floor = sqrt(max(u**2 - (between[0].u ** 2 if between else 0.0), 0.0))
        lines.append(
            Component(name="counting", u=floor, kind="B", basis=f"√{counted:.0f} pores counted (Poisson), as a floor")
        )
    lines += _segmentation_line(fields, name, "1/mm2")
    lines.append(_scale_line(fields, found.mean, 2))
    rule = (
        "pores cut by the edge count half"
        if settings.count_rule == "half"
        else "pores at top and left edge not counted"
    )
    return Result(
        quantity=name,
        specimen=fields[0].specimen,
        value=found.mean,
        unit="1/mm2",
        n=found.n,
        clause=clause,
        definition=f"{minimum}; {rule}, mean over fields/1",
        budget=tuple(lines),
        title="Pores per area",
    )


def _mean_ecd(weights: Sequence[float], sums: Sequence[float]) -> float:
    return sum(sums) / sum(weights) if sum(weights) else 0.0


def _sizes(fields: Sequence[FieldMeasurement], clause: str, minimum: str) -> list[Result]:
    """Largest pore, and mean diameter where there is a whole pore."""
    pixel_um = max(float(field.calibration.pixel_um or 0.0) for field in fields)
    pores = int(sum(_numbers_of(fields, "pores")))
    names = _alternative_names(fields)
    largest = max(_numbers_of(fields, "largest_pore_feret_um"))
    lines = [
        Component(
            name="pore edge",
            u=sqrt(2) * _EDGE_PX * pixel_um,
            kind="B",
            basis="both ends known to half a pixel, rectangular",
        ),
        _scale_line(fields, largest, 1),
    ]
    if names:
        others = [max(_shifted(fields, name, "largest_pore_feret_um")) for name in names]
        lines.append(_segmentation(largest, others, names, "um"))
    if pores == 0:
        lines.append(
            Component(
                name="no pore found",
                u=sqrt(4 * 9 / pi) * pixel_um / sqrt(3),
                kind="B",
                basis="a pore of the smallest measurable size may be missed",
            )
        )
    made = [
        Result(
            quantity="largest_pore_feret_um",
            specimen=fields[0].specimen,
            value=largest,
            unit="um",
            n=max(pores, 1),
            n_of="pores",
            clause=clause,
            definition="largest Feret diameter seen in these fields, not the largest pore of the part/1",
            budget=tuple(lines),
            title="Largest pore observed (largest Feret)",
            main=True,
        )
    ]
    weights, sums = _numbers_of(fields, "size_weight"), _numbers_of(fields, "ecd_weighted_um")
    if not sum(weights):
        return made
    mean = _mean_ecd(weights, sums)
    lines = []
    between = _ratio_scatter(fields, weights, sums, mean)
    if between is not None:
        lines.append(between)
    if names:
        others = [
            _mean_ecd(_shifted(fields, name, "size_weight"), _shifted(fields, name, "ecd_weighted_um"))
            for name in names
        ]
        lines.append(_segmentation(mean, others, names, "um"))
    else:
        lines.append(
            Component(name="pore edge", u=2 * _EDGE_PX * pixel_um, kind="B", basis="half a pixel around every pore")
        )
    lines.append(_scale_line(fields, mean, 1))
    made.append(
        Result(
            quantity="mean_pore_ecd_um",
            specimen=fields[0].specimen,
            value=mean,
            unit="um",
            n=int(pores - sum(_numbers_of(fields, "pores_cut"))),
            n_of="pores",
            clause=clause,
            definition=f"mean by number of √(4A/π), whole pores, weighted for those cut by the edge, {minimum}/1",
            budget=tuple(lines),
            title="Mean pore diameter (ECD, by number)",
        )
    )
    return made


def _ratio_scatter(
    fields: Sequence[FieldMeasurement], weights: Sequence[float], sums: Sequence[float], mean: float
) -> Component | None:
    """Scatter between fields of a mean over all pores: fields with more pores weigh more (ratio estimator)."""
    n = len(fields)
    sections = len({field.section for field in fields})
    if n - sections < 1:
        return None
    rest = np.asarray(sums) - mean * np.asarray(weights)
    u = sqrt(n / (n - 1) * float((rest**2).sum())) / sum(weights)
    return Component(
        name="between fields",
        u=u,
        kind="A",
        dof=float(n - sections),
        basis=f"ratio of sums over {n} fields, residuals of the fields",
    )


def _reference_results(fields: Sequence[FieldMeasurement], clause: str, minimum: str) -> list[Result]:
    made = []
    for name, unit in (("reference_porosity_percent", "%"), ("reference_pore_count", "counts")):
        values = _numbers_of(fields, name)
        names = _alternative_names(fields)
        worst = max(values)
        if names:
            lines = [_segmentation(worst, [max(_shifted(fields, other, name)) for other in names], names, unit)]
        else:
            share = max(_numbers_of(fields, "edge_shift_percent")) / max(
                max(_numbers_of(fields, "porosity_percent")), 1e-9
            )
            u = worst * share / sqrt(3) if unit == "%" else 0.0
            lines = [Component(name="pore edge", u=u, kind="B", basis="half a pixel around every pore")]
        lines.append(_scale_line(fields, worst, 2))
        made.append(
            Result(
                quantity=name,
                specimen=fields[0].specimen,
                value=worst,
                unit=unit,
                n=len(fields),
                clause=clause,
                definition=f"worst place of the reference area over all fields, {minimum}/1",
                budget=tuple(lines),
                title=QUANTITIES[name].title,
                main=unit == "%",
            )
        )
    return made


def _neighbour_results(fields: Sequence[FieldMeasurement], clause: str, settings: Settings) -> list[Result]:
    specimen = fields[0].specimen
    clusters = int(sum(_numbers_of(fields, "clusters")))
    least, most = sum(_numbers_of(fields, "clusters_least")), sum(_numbers_of(fields, "clusters_most"))
    line = Component(
        name="pore edge",
        u=half_range([clusters, least, most]),
        kind="B",
        basis=f"half range / √3 with all gaps a pixel longer and shorter: {least:.0f} to {most:.0f}",
    )
    made = [
        Result(
            quantity="pore_nests",
            specimen=specimen,
            value=float(clusters),
            unit="counts",
            n=len(fields),
            clause=clause,
            definition=f"groups of pores whose gap is below {settings.cluster_gap:g} x the smaller Feret diameter/1",
            budget=(line,),
            title="Pore clusters",
        )
    ]
    with_pairs = [field for field in fields if "pore_neighbour_ratio_min" in field.values]
    if not with_pairs:
        return made
    least_field = min(with_pairs, key=lambda field: float(field.values["pore_neighbour_ratio_min"]))
    ratio = float(least_field.values["pore_neighbour_ratio_min"])
    diameter = float(least_field.values["pore_neighbour_diameter_px"])
    u = sqrt(2) * _EDGE_PX / diameter * sqrt(1 + ratio**2)
    made.append(
        Result(
            quantity="pore_neighbour_ratio_min",
            specimen=specimen,
            value=ratio,
            unit="1",
            n=len(fields),
            clause=clause,
            definition="smallest edge-to-edge gap of direct neighbours over the smaller Feret diameter/1",
            budget=(
                Component(
                    name="pore edge",
                    u=u,
                    kind="B",
                    basis=f"ends of gap and of the smaller pore ({diameter:.3g} px) known to half a pixel",
                ),
            ),
            title=QUANTITIES["pore_neighbour_ratio_min"].title,
        )
    )
    return made


def _hardmetal_results(fields: Sequence[FieldMeasurement]) -> list[Result]:
    b276 = load_standard("astm_b276_2021")
    clause = f"{b276.id}-{b276.edition}"
    made = []
    kinds: tuple[Literal["A", "B"], ...] = ("A", "B")
    for kind in kinds:
        magnification = constant(b276, f"magnification_{kind.lower()}").value
        result = _share(
            fields,
            f"hardmetal_percent.{kind}",
            clause,
            f"areal share of pores of type {kind} by largest Feret; plates are for {magnification:g}x/1",
            main=True,
        )
        made.append(
            replace(result, rounded=astm_b276.level(kind, result.value, b276), title=f"Apparent porosity, type {kind}")
        )
    for row in b276.tables["large_classes"]:
        name = f"large_pores_per_cm2.{large_class(row)}"
        result = _share(fields, name, clause, "pores by largest Feret; cut by the edge count half/1", main=False)
        counted = result.value * sum(_numbers_of(fields, "field_area_mm2")) / 100
        line = Component(
            name="counting",
            u=max(sqrt(counted), 1.0) * 100 / sum(_numbers_of(fields, "field_area_mm2")),
            kind="B",
            basis=f"√{counted:.0f} pores counted (Poisson)",
        )
        others = tuple(item for item in result.budget if item.kind == "B" and item.u > 0)
        made.append(replace(result, budget=(line, *others)))
    return made


# ------------------------------------------------------------------------------------------- checks and warnings


def _checks(fields: Sequence[FieldMeasurement], settings: Settings, standard: Standard) -> list[Check]:
    """Every sampling rule that the standard has, judged for one specimen."""
    specimen = fields[0].specimen
    stats = _statistics(fields, _numbers_of(fields, "porosity_percent"))
    per_section = min(n for _, _, n, _ in stats.sections)
    pores = sum(_numbers_of(fields, "pores"))
    small = sum(_numbers_of(fields, "below_minimum_percent"))
    dark = small + sum(_numbers_of(fields, "porosity_percent")) + sum(_numbers_of(fields, "linear_percent"))
    smallest = min(_smallest_px2(field, settings) for field in fields)
    areas = sum(_numbers_of(fields, "area_squared"))
    chance = ""
    if pores:
        share = sum(_numbers_of(fields, "porosity_percent")) / 100
        chance = f"chance alone leaves {196 * sqrt(areas) / share:.0f} % with these {pores:.0f} pores"
    found: dict[str, tuple[float | None, str]] = {
        "fields": (float(per_section), ""),
        "fields_for_spread": (float(per_section), ""),
        "pores": (pores, chance),
        "relative_accuracy": (
            stats.ra_percent,
            chance if stats.ra_percent is not None else "one field or no pore: not known",
        ),
        "smallest_feature": (smallest, "declared in the settings"),
        "below_minimum": (
            100 * small / dark if dark else 0.0,
            f"{sum(_numbers_of(fields, 'below_minimum')):.0f} spots",
        ),
        "lower_limit": (None if stats.ci95 is None else stats.mean - stats.ci95, ""),
    }
    made = []
    for name in standard.rules:
        if name not in found:
            continue
        value, note = found[name]
        check = check_rule(standard, name, value, specimen=specimen, note=note)
        if check is not None:
            made.append(check)
    return made


def _smallest_px2(field: FieldMeasurement, settings: Settings) -> float:
    declared = 0.0
    if field.calibration.pixel_um is not None:
        declared = pi / 4 * (settings.minimum_um / field.calibration.pixel_um) ** 2
    return max(float(settings.minimum_px2), declared)


def _warnings(fields: Sequence[FieldMeasurement]) -> list[str]:
    made = []
    specimen = fields[0].specimen
    if len(fields) == 1:
        made.append(
            f"Specimen {specimen}: one field; the spread between fields is not known and U holds a floor for it only."
        )
    unit, mark = ("um", "µm") if fields[0].calibration.pixel_um is not None else ("px", "px")
    cut = max((_longest(field, unit, cut=True) for field in fields), default=0.0)
    whole = max((_longest(field, unit, cut=False) for field in fields), default=0.0)
    if cut > whole:
        made.append(
            f"Specimen {specimen}: the largest pore is cut by the edge of its field; {cut:.4g} {mark} is what is seen, "
            "the pore is larger."
        )
    areas = [float(field.values.get("field_area_mm2", field.values.get("field_area_px2", 0.0))) for field in fields]
    if max(areas) > 1.1 * min(areas):
        made.append(
            f"Specimen {specimen}: the fields differ in area by more than 10 %; each counts the same in the mean."
        )
    return made


def _longest(field: FieldMeasurement, unit: str, *, cut: bool) -> float:
    table = field.features
    chosen = table.loc[(table["touches_edge"] == cut) & ~table["linear"], f"feret_max_{unit}"]
    return float(chosen.max()) if len(chosen) else 0.0


# --------------------------------------------------------------------------------------------------- class strings


def expand(requirement: Requirement, settings: Settings) -> tuple[Requirement, ...]:
    """Turn a class string into requirements on quantities of this recipe.

    What an image alone cannot show becomes a requirement on a quantity that is never measured, so
    that its verdict is "not stated" and not a silent pass.

    Parameters
    ----------
    requirement : Requirement
        ``quantity`` names the kind: "porosity_class" (VDG P 201), "porosity_key" (BDG P 202) or
        "hardmetal_class" (ASTM B276); ``class_string`` holds the string.
    settings : Settings
        ``reference_area`` and ``key_symbols`` are used.

    Raises
    ------
    SettingsError
        An unknown kind, or a string against its grammar, which is then explained.
    """
    kinds = {"porosity_class": _expand_p201, "porosity_key": _expand_p202, "hardmetal_class": _expand_b276}
    if requirement.quantity not in kinds:
        msg = (
            f"requirement with class_string '{requirement.class_string}': quantity '{requirement.quantity}' is "
            f"no class; use {', '.join(kinds)}"
        )
        raise SettingsError(msg)
    return kinds[requirement.quantity](requirement, settings)


def _asked(
    requirement: Requirement,
    quantity: str,
    unit: str = "",
    lower: float | None = None,
    upper: float | None = None,
    why: str = "",
) -> Requirement:
    source = f"{requirement.source}: {why}" if requirement.source and why else requirement.source or why
    return replace(requirement, quantity=quantity, unit=unit, lower=lower, upper=upper, source=source)


def _expand_p201(requirement: Requirement, settings: Settings) -> tuple[Requirement, ...]:
    asked = vdg_p201.parse(requirement.class_string)
    made = []
    if asked.load == "F":
        made.append(
            _asked(requirement, "reference_pore_count", "counts", upper=asked.number, why="F: pores per reference area")
        )
    else:
        quantity = "porosity_percent" if settings.reference_area is None else "reference_porosity_percent"
        where = (
            "whole field as reference area" if settings.reference_area is None else "reference area in its worst place"
        )
        made.append(_asked(requirement, quantity, "%", upper=asked.number, why=f"{asked.load}: {where}"))
    if asked.diameter_mm is not None:
        made.append(_asked(requirement, "largest_pore_feret_um", "mm", upper=asked.diameter_mm, why="largest pore"))
    if asked.neighbour_ratio is not None:
        made.append(
            _asked(
                requirement, "pore_neighbour_ratio_min", "1", lower=asked.neighbour_ratio, why="A: gap of neighbours"
            )
        )
    unseen = (
        (
            asked.nests_mid_wall,
            "M",
            "pore nests only in the middle of the wall: their place in the wall is judged by a person",
        ),
        (
            asked.nests_in_junctions,
            "C",
            "pore nests only in hot spots and junctions: their place is judged by a person",
        ),
        (
            asked.inner_third,
            "R",
            "inner third of the wall, outer thirds D4: thirds of the wall cannot be told from images",
        ),
        (
            asked.pore_size is not None,
            "P",
            f"pore size {asked.pore_size or 0:g}: its meaning is taken from the drawing",
        ),
    )
    made += [
        _asked(requirement, f"porosity_class.{option}", why=f"{option}: {why}") for says, option, why in unseen if says
    ]
    return tuple(made)


def _expand_p202(requirement: Requirement, settings: Settings) -> tuple[Requirement, ...]:
    """Symbols that the standards file or the job knows become limits; all others are not stated."""
    known = {row["symbol"]: row for row in load_standard("bdg_p202_2010").tables["symbols"]}
    made = []
    for symbol, value in bdg_p202.parse_key(requirement.class_string):
        quantity = settings.key_symbols.get(symbol, known[symbol]["quantity"] if symbol in known else "")
        if not quantity:
            why = f"{symbol} {value:g}: say what it means in settings.key_symbols"
            made.append(_asked(requirement, f"porosity_key.{symbol}", why=why))
            continue
        if quantity not in QUANTITIES:
            msg = f"settings.key_symbols.{symbol}: no quantity '{quantity}'; there are: {', '.join(QUANTITIES)}"
            raise SettingsError(msg)
        if quantity == "porosity_percent" and settings.reference_area is not None:
            quantity = "reference_porosity_percent"
        unit = QUANTITIES[quantity].unit
        # lengths of a drawing are in millimetres
        unit = "mm" if dimension(unit) == "length" else unit
        side = {"lower": value} if quantity == "pore_neighbour_ratio_min" else {"upper": value}
        made.append(_asked(requirement, quantity, unit, why=f"key symbol {symbol}", **side))
    return tuple(made)


def _expand_b276(requirement: Requirement, settings: Settings) -> tuple[Requirement, ...]:  # noqa: ARG001 - one shape
    """Levels such as "A02 B00 C00"."""
    text = requirement.class_string.upper()
    parts = text.replace("/", " ").replace(",", " ").split()
    if len(parts) == 1:
        parts = [text[i : i + 3] for i in range(0, len(text), 3)]
    b276 = load_standard("astm_b276_2021")
    made = []
    for part in parts:
        if len(part) != 3 or part[0] not in "ABC" or part[1:] not in ("00", "02", "04", "06", "08"):
            msg = (
                f"hardmetal class '{requirement.class_string}': '{part}' is not a level of ASTM B276; "
                "<A|B|C><00|02|04|06|08>, e.g. A02 B00 C00"
            )
            raise SettingsError(msg)
        if part[0] == "C":
            why = f"{part}: uncombined carbon is rated by a person"
            made.append(_asked(requirement, "hardmetal_class.C", why=why))
        else:
            upper = astm_b276.level_percent(part, b276)
            made.append(_asked(requirement, f"hardmetal_percent.{part[0]}", "%", upper=upper, why=part))
    return tuple(made)
