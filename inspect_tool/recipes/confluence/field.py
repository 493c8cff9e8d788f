"""One field: what is covered, and what is counted in it."""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspect_tool.errors import MeasurementError, SettingsError
from inspect_tool.languages import Text, Words
from inspect_tool.measure.edges import BLURRED_PX, whole_weights
from inspect_tool.measure.fraction import line_counts
from inspect_tool.measure.gray import read_off
from inspect_tool.measure.regions import connected, region_table
from inspect_tool.measure.share_scatter import share_scatter
from inspect_tool.model import Editions, FieldMeasurement, LabelImage, Mask, Micrograph, PointClass, Segmentation
from inspect_tool.recipes import _empty_fields
from inspect_tool.recipes._common import largest_features, place_of
from inspect_tool.recipes._level_doubts import facts_of_level
from inspect_tool.recipes.confluence.settings import COVERED, Settings
from inspect_tool.recipes.confluence.values import Measured, Numbers, Values
from inspect_tool.standards.formulas import confluence

SEPARATION = "texture_separation"


def measure_field(
    micrograph: Micrograph,
    segmentation: Segmentation,
    settings: Settings,
    editions: Editions,  # noqa: ARG001 - a contract
) -> Measured:
    """Measure one field.

    Parameters
    ----------
    micrograph : Micrograph
        The field; its scale, place in the job and region are used.
    segmentation : Segmentation
        Classes, of which all but 0 are cells, or single objects. Its alternatives are taken one at a time.
    settings : Settings
        See there.
    editions : Editions
        Of the procedure.

    Returns
    -------
    FieldMeasurement
        One row per connected patch of cells in ``features``, or per object that is counted.

    Raises
    ------
    MeasurementError
        Objects are to be counted in a segmentation that does not tell them apart.
    SettingsError
        Objects are to be counted per area without a scale.
    """
    pixel_um, roi = micrograph.calibration.pixel_um, micrograph.roi
    if settings.count != "nothing":
        _check_countable(micrograph, segmentation, settings)
    shifted: dict[str, Numbers] = {}
    for name, other in segmentation.alternatives():
        shifted[name] = _numbers(other.labels, _table(other.labels, micrograph, settings), micrograph, settings)
        del other  # before the next one is made
    labels = segmentation.labels
    table = _table(labels, micrograph, settings)
    numbers = _numbers(labels, table, micrograph, settings)
    area_px2 = _area_px2(labels, roi)
    of_cells = None if settings.count == "nuclei" else share_scatter(labels > 0, roi)
    of_centers = None if settings.count == "nothing" else share_scatter(_centers(table, labels.shape), roi)
    shape = labels.shape[0], labels.shape[1]
    return FieldMeasurement(
        **place_of(micrograph),
        shape_px=shape,
        values=Values(
            numbers=numbers,
            area_px2=area_px2,
            area_mm2=None if pixel_um is None else area_px2 * pixel_um**2 * 1e-6,
            inner_scatter_percent=None if of_cells is None else 100 * of_cells.u,
            inner_scatter_dof=None if of_cells is None else of_cells.dof,
            counted_scatter_percent=None if of_centers is None else 100 * of_centers.u,
            counted_scatter_dof=None if of_centers is None else of_centers.dof,
        ),
        features=table,
        alternatives=shifted,
        # a sheet of cells is no separate thing that could be the worst one
        worst=() if settings.count == "nothing" else largest_features(table, pixel_um, _caption, shape),
        read_off={
            **_empty_fields.signs_of(micrograph, segmentation, found=bool(np.any(labels))),
            **facts_of_level(segmentation, micrograph),
            SEPARATION: read_off(micrograph, SEPARATION, lambda: segmentation.told.texture_separation),
        },
    )


def point_classes(segmentation: Segmentation, settings: Settings) -> tuple[NDArray[np.uint8], tuple[PointClass, ...]]:
    """Give every pixel the class that a person would name there; the classes, each with the result that it is.

    Raises
    ------
    MeasurementError
        What is covered is not asked for: a number of objects is not corrected by points.
    """
    if settings.count == "nuclei":
        msg = "confluence: settings.count is 'nuclei': points correct what is covered, and no number of objects"
        raise MeasurementError(msg)
    named = (PointClass(name="ground"), PointClass(name="cells", quantity=COVERED))
    return (segmentation.labels > 0).astype(np.uint8), named


def _check_countable(micrograph: Micrograph, segmentation: Segmentation, settings: Settings) -> None:
    if segmentation.kind != "instance":
        msg = (
            f"{micrograph.path}: settings.count is '{settings.count}', and the backend '{segmentation.backend}' gives "
            "classes, in which objects that touch are one; use a backend that gives objects (watershed with mode "
            "particles, stardist, cellpose, or labels)"
        )
        raise MeasurementError(msg)
    if micrograph.calibration.pixel_um is None:
        msg = f"{micrograph.path}: settings.count: a number per area needs a scale; the calibration is 'ratio only'"
        raise SettingsError(msg)


def _area_px2(labels: LabelImage, roi: Mask | None) -> float:
    return float(labels.size if roi is None else np.count_nonzero(roi))


def _table(labels: LabelImage, micrograph: Micrograph, settings: Settings) -> pd.DataFrame:
    """Patches of cells, or the objects that are counted.

    ``counts`` says which have the least size, ``count_weight`` for how many each stands.
    """
    numbered = np.asarray(labels, np.int32) if settings.count != "nothing" else connected(labels > 0)
    table = region_table(numbered, micrograph.calibration.pixel_um, roi=micrograph.roi, shape_factors=False)
    if settings.count != "nothing":
        table["counts"] = table["area_px2"].to_numpy() >= settings.minimum_px2
        weights = whole_weights(numbered, table, micrograph.roi, margin_px=BLURRED_PX)
        table["count_weight"] = np.where(table["counts"], weights, 0.0)
    return table


def _numbers(labels: LabelImage, table: pd.DataFrame, micrograph: Micrograph, settings: Settings) -> Numbers:
    roi, pixel_um = micrograph.roi, micrograph.calibration.pixel_um
    area_px2 = _area_px2(labels, roi)
    covered = half = per_mm2 = None
    counted = cut = below = None
    if settings.count != "nuclei":
        cells = labels > 0 if roi is None else (labels > 0) & roi
        covered = confluence.covered_percent(float(np.count_nonzero(cells)), area_px2)
        half = 100 * 0.5 * line_counts(cells, roi).boundary_density
    if settings.count != "nothing":
        counts = table["counts"].to_numpy(bool)
        counted = int(counts.sum())
        cut = int((table["touches_edge"].to_numpy(bool) & counts).sum())
        below = int((~counts & ~table["touches_edge"].to_numpy(bool)).sum())  # a rest at the edge is no small object
        if pixel_um is not None:
            per_mm2 = confluence.per_area(float(table["count_weight"].sum()), area_px2 * pixel_um**2 * 1e-6)
    return Numbers(
        covered_percent=covered,
        half_pixel_percent=half,
        counted=counted,
        counted_cut=cut,
        below_minimum=below,
        counted_per_mm2=per_mm2,
    )


def _centers(table: pd.DataFrame, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """One pixel for each object that counts."""
    found = np.zeros(shape, np.bool_)
    chosen = table[table["counts"]]
    at = [
        np.clip(chosen[name].to_numpy(np.float64).round().astype(np.intp), 0, size - 1)
        for name, size in zip(("row_px", "column_px"), shape, strict=True)
    ]
    found[at[0], at[1]] = True
    return found


def _caption(row: Mapping[Hashable, Any]) -> Words:
    return Text("confluence.caption_area") + (Text("confluence.caption_cut") if row["touches_edge"] else "")
