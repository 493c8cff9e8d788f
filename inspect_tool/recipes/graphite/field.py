"""One field: which particles of graphite count, and which of them are nodules."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspect_tool.errors import MeasurementError
from inspect_tool.languages import Text, Words
from inspect_tool.measure.edges import BLURRED_PX, whole_weights
from inspect_tool.measure.fraction import line_counts
from inspect_tool.measure.regions import connected, region_table
from inspect_tool.measure.share_scatter import share_scatter
from inspect_tool.model import (
    Editions,
    FieldMeasurement,
    LabelImage,
    Mark,
    Mask,
    Micrograph,
    PointClass,
    Segmentation,
    Standard,
)
from inspect_tool.recipes import _empty_fields
from inspect_tool.recipes._common import largest_features, numbers_of_classes, place_of
from inspect_tool.recipes._level_doubts import facts_of_level
from inspect_tool.recipes.graphite.settings import GRAPHITE, Settings
from inspect_tool.recipes.graphite.values import Edge, Measured, Numbers, Shares, Values
from inspect_tool.standards.editions import constant
from inspect_tool.standards.formulas import iso_945_4, shape

OUTLINE_PX: Mapping[Edge, float] = {"wider": 0.5, "narrower": -0.5}
_NEAR = 0.05  # of the shape factor
_MARKED = 80  # particles of one form, as many as a reader can tell apart

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Numbers of the edition, and the least size that counts."""

    nodule: float  # shape factor from which on a particle is a nodule [1]
    between: float  # and from which on it lies in between [1]
    weight: float  # what those in between count [1]
    feret_um: float  # least largest dimension [um]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """Particles of one segmentation."""

    table: pd.DataFrame
    graphite: Mask
    below: int


def limits_of(edition: Standard, settings: Settings) -> Limits:
    """Take the numbers that a form is told by from an edition."""
    return Limits(
        nodule=constant(edition, "nodule_roundness").value,
        between=constant(edition, "intermediate_roundness").value,
        weight=constant(edition, "intermediate_weight").value,
        feret_um=settings.minimum_feret_um or constant(edition, "minimum_feret_um").value,
    )


def measure_field(
    micrograph: Micrograph, segmentation: Segmentation, settings: Settings, editions: Editions
) -> Measured:
    """Measure the graphite of one field.

    Parameters
    ----------
    micrograph : Micrograph
        The field; its scale, place in the job and region are used.
    segmentation : Segmentation
        Classes, whose connected pieces are taken for particles, or one label per particle. Its alternatives are taken
        one at a time.
    settings : Settings
        See there.
    editions : Editions
        That of the job says which shape is a nodule.

    Returns
    -------
    FieldMeasurement
        One row per particle in ``features``; ``counts`` says which are whole and of the least size.

    Raises
    ------
    MeasurementError
        A class that the segmentation does not have, or an empty region.
    """
    roi, pixel_um = micrograph.roi, micrograph.calibration.pixel_um
    if roi is not None and not roi.any():
        msg = f"{micrograph.path}: the region holds no pixel; check [region] of the job"
        raise MeasurementError(msg)
    limits = limits_of(editions.job, settings)
    others = {
        edition.name: replace(limits_of(edition, settings), feret_um=limits.feret_um) for edition in editions.others
    }
    shifted: dict[str, Numbers] = {}
    for name, other in segmentation.alternatives():
        found = _found(other, micrograph, settings, limits)
        del other  # before the next one is made
        shifted[name] = _numbers(found, limits, others, roi)
        del found
    found = _found(segmentation, micrograph, settings, limits)
    table = found.table
    area_px2 = float(found.graphite.size if roi is None else np.count_nonzero(roi))
    inside = share_scatter(found.graphite, roi)
    counted = table[table["counts"]]
    near = np.abs(counted["roundness"].to_numpy() - limits.nodule) < _NEAR
    area = counted["area_px2"].to_numpy(np.float64)
    return FieldMeasurement(
        **place_of(micrograph),
        shape_px=(found.graphite.shape[0], found.graphite.shape[1]),
        values=Values(
            numbers=_numbers(found, limits, others, roi),
            outlines={edge: _moved(table, limits, pixel_um, px) for edge, px in OUTLINE_PX.items()},
            outlines_by_other={
                f"{name}.{edge}": _moved(table, other, pixel_um, px)
                for name, other in others.items()
                for edge, px in OUTLINE_PX.items()
            },
            near_percent=100 * float(area[near].sum() / area.sum()) if len(area) else 0.0,
            area_px2=area_px2,
            area_mm2=None if pixel_um is None else area_px2 * pixel_um**2 * 1e-6,
            half_pixel_percent=100 * 0.5 * line_counts(found.graphite, roi).boundary_density,
            inner_scatter_percent=100 * inside.u,
            inner_scatter_dof=inside.dof,
        ),
        features=table,
        alternatives=shifted,
        marks=_marks(table),
        worst=largest_features(table, pixel_um, _caption, (found.graphite.shape[0], found.graphite.shape[1])),
        curves={
            "particle_area_px2": tuple(area.tolist()),
            "particle_roundness": tuple(counted["roundness"].tolist()),
            "particle_feret": tuple(counted[f"feret_max_{'px' if pixel_um is None else 'um'}"].tolist()),
            "particle_weight": tuple(counted["count_weight"].tolist()),
            "particle_shape_weight": tuple(counted["shape_weight"].tolist()),
        },
        read_off={
            **_empty_fields.signs_of(micrograph, segmentation, found=bool(len(table))),
            **facts_of_level(segmentation, micrograph),
        },
    )


def point_classes(segmentation: Segmentation, settings: Settings) -> tuple[NDArray[np.uint8], tuple[PointClass, ...]]:
    """Give every pixel the class that a person would name there; the classes, each with the result that it is."""
    named = (PointClass(name="matrix"), PointClass(name="graphite", quantity=GRAPHITE))
    return _graphite(segmentation, settings).astype(np.uint8), named


def _graphite(segmentation: Segmentation, settings: Settings) -> Mask:
    """Pixels of graphite."""
    if segmentation.kind == "instance":
        return np.asarray(segmentation.labels > 0)
    if not settings.classes:
        return np.asarray(segmentation.labels == 1)
    return np.isin(segmentation.labels, numbers_of_classes(segmentation, settings.classes, "graphite"))


def _found(segmentation: Segmentation, micrograph: Micrograph, settings: Settings, limits: Limits) -> Found:
    """Number and measure the particles; which count, and what form they have."""
    graphite, pixel_um = _graphite(segmentation, settings), micrograph.calibration.pixel_um
    labels: LabelImage = (
        np.asarray(segmentation.labels, np.int32) if segmentation.kind == "instance" else connected(graphite)
    )
    table = region_table(labels, pixel_um, roi=micrograph.roi)
    weight = whole_weights(labels, table, micrograph.roi, margin_px=BLURRED_PX)
    whole = weight > 0
    table["shape_weight"] = weight if settings.edge == "weighted" else whole.astype(np.float64)
    large = _large(table, limits, pixel_um, 0.0) & (table["area_px2"].to_numpy() >= settings.minimum_px2)
    table["counts"] = whole & large
    table["count_weight"] = np.where(large, weight, 0.0)
    table["form"] = _forms(table["roundness"].to_numpy(), limits)
    return Found(table=table, graphite=graphite, below=int((whole & ~large).sum()))


def _large(table: pd.DataFrame, limits: Limits, pixel_um: float | None, outline_px: float) -> NDArray[np.bool_]:
    """Which particles reach the least size; all of them without a scale."""
    if pixel_um is None:
        return np.ones(len(table), bool)
    return np.asarray(table["feret_max_um"].to_numpy() + 2 * outline_px * pixel_um >= limits.feret_um)


def _forms(roundness: Floats, limits: Limits) -> NDArray[np.str_]:
    """Form of each particle by its shape factor."""
    return np.where(
        roundness >= limits.nodule, "nodule", np.where(roundness >= limits.between, "intermediate", "other")
    )


def _shares(weight: Floats, area: Floats, roundness: Floats, limits: Limits) -> Shares:
    nodules = roundness >= limits.nodule
    return Shares(
        counted=len(area),
        nodules=int(nodules.sum()),
        counted_weight=float(weight.sum()),
        nodules_weight=float(weight[nodules].sum()),
        counted_area_px2=float(np.dot(weight, area)),
        nodular_area_px2=iso_945_4.nodular_area(weight * area, roundness, limits.nodule, limits.between, limits.weight),
    )


def _moved(table: pd.DataFrame, limits: Limits, pixel_um: float | None, outline_px: float) -> Shares:
    """Shares were every outline moved outward by so many pixels."""
    whole = table[table["shape_weight"] > 0]
    size = 1.0 if pixel_um is None else pixel_um
    unit = "px" if pixel_um is None else "um"
    area = whole["area_px2"].to_numpy(np.float64)
    moved = np.maximum(area + outline_px * whole[f"perimeter_{unit}"].to_numpy() / size, 1.0)
    feret = np.maximum(whole[f"feret_max_{unit}"].to_numpy() / size + 2 * outline_px, 1.0)
    large = _large(whole, limits, pixel_um, outline_px)
    weight = whole["shape_weight"].to_numpy()[large]
    return _shares(weight, moved[large], np.asarray(shape.roundness(moved, feret))[large], limits)


def _numbers(found: Found, limits: Limits, others: Mapping[str, Limits], roi: Mask | None) -> Numbers:
    table = found.table
    counted = table[table["counts"]]
    graphite = found.graphite if roi is None else found.graphite[roi]
    weight, area = counted["shape_weight"].to_numpy(), counted["area_px2"].to_numpy(np.float64)
    roundness = counted["roundness"].to_numpy()
    return Numbers(
        shares=_shares(weight, area, roundness, limits),
        by_other={name: _shares(weight, area, roundness, other) for name, other in others.items()},
        nodules_weighted=float(table["count_weight"].to_numpy()[(table["form"] == "nodule").to_numpy()].sum()),
        graphite_percent=100 * float(graphite.mean()),
        below_minimum=found.below,
        cut=int(table["touches_edge"].sum()),
    )


def _marks(table: pd.DataFrame) -> tuple[Mark, ...]:
    """Name the form of the largest particles, one layer for each form."""
    made = []
    counted = table[table["counts"]]
    styles: tuple[tuple[str, Literal["hit", "half hit", "miss"]], ...] = (
        ("nodule", "hit"),
        ("intermediate", "half hit"),
        ("other", "miss"),
    )
    for form, style in styles:
        shown = counted[counted["form"] == form].nlargest(_MARKED, "area_px2")
        if len(shown):
            points = tuple((float(row), float(column)) for row, column in shown[["row_px", "column_px"]].to_numpy())
            made.append(Mark(kind="points", points=points, style=style, layer=Text(f"graphite.layer_{form}")))
    return tuple(made)


def _caption(row: Mapping[Hashable, Any]) -> Words:
    cut = Text("graphite.caption_cut") if row["touches_edge"] else ""
    return Text("graphite.caption", form=Text(f"graphite.form_{row['form']}"), roundness=float(row["roundness"])) + cut
