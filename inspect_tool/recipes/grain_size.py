"""Grain size after ASTM E112, E1382 and ISO 643: one segmentation, every method on the same grains.

``measure_field`` counts one field: test lines in four directions over the whole field, grains in a
rectangle (Saltykov), areas of whole grains weighted for the frame, and the test figure of the job's
method, drawn with every counted hit. ``combine`` turns the mean measurement of the fields, never the
mean of their numbers, into G, with its budget, the sampling rules of the edition, and warnings where
one number does not describe the structure (duplex, elongated or lamellar grains, outliers).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, log, pi, sqrt
from types import ModuleType
from typing import Any, Literal

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from inspect_tool.errors import MeasurementError, SettingsError, StandardError
from inspect_tool.formulas import astm_e112, astm_e930, astm_e1181, astm_e1382, iso_643
from inspect_tool.measure import duplex, intercepts, planimetric
from inspect_tool.measure.edges import Window, chance_to_be_whole, weighted_mean_area
from inspect_tool.measure.fields import FieldStatistics, field_statistics, fields_for_accuracy
from inspect_tool.measure.intercepts import SECOND_PHASE, LineCount, TestLine
from inspect_tool.measure.regions import region_table
from inspect_tool.model import (
    Cell,
    Chart,
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
    Result,
    Segmentation,
    Series,
    Standard,
    Statement,
    Table,
)
from inspect_tool.preprocess import largest_rectangle
from inspect_tool.standards import check_rule, load_standard
from inspect_tool.uncertainty import combined, coverage_factor, effective_dof, evaluated, half_range

Method = Literal["abrams", "hilliard", "heyn", "jeffries", "saltykov", "mean_area", "intercept"]
FloatArray = NDArray[np.float64]

TITLE = "Grain size"
QUESTION = "count"
STANDARDS = ("astm_e112_2013", "astm_e112_2024", "iso_643_2019", "astm_e1382_1997")
BACKEND: Mapping[str, Any] = {"name": "watershed"}
QUANTITIES: Mapping[str, Quantity] = {
    "grain_size_number": Quantity(title="Grain size number G, method of the job", unit="G", needs_scale=True),
    "grain_size_number.intercept": Quantity(
        title="Grain size number G, test lines over the whole field", unit="G", needs_scale=True
    ),
    "grain_size_number.planimetric": Quantity(
        title="Grain size number G, grains in a rectangle (Saltykov)", unit="G", needs_scale=True
    ),
    "grain_size_number.mean_area": Quantity(
        title="Grain size number G, mean area of whole grains", unit="G", needs_scale=True
    ),
    "grain_size_number.largest": Quantity(
        title="Grain size number G of the largest grain observed", unit="G", needs_scale=True
    ),
    "mean_intercept_um": Quantity(title="Mean lineal intercept", unit="um", needs_scale=True),
    "grains_per_mm2": Quantity(title="Grains per area", unit="1/mm2", needs_scale=True),
    "mean_grain_area_um2": Quantity(title="Mean grain area", unit="um2", needs_scale=True),
    "anisotropy_index": Quantity(title="Anisotropy index", unit="1", needs_scale=False),
    "matrix_percent": Quantity(title="Matrix phase", unit="%", needs_scale=False),
}

METHOD_TITLES: Mapping[str, str] = {
    "abrams": "Abrams three circles",
    "hilliard": "Hilliard single circle",
    "heyn": "Heyn lines",
    "jeffries": "Jeffries circle",
    "saltykov": "Saltykov rectangle",
    "mean_area": "mean area of whole grains",
    "intercept": "test lines over the whole field",
}
_FORMULAS: Mapping[str, ModuleType] = {"ASTM E112": astm_e112, "ISO 643": iso_643, "ASTM E1382": astm_e1382}

# counts a placement is sized for: well inside what the procedures ask for
_ABRAMS_COUNTS = 65.0
_HILLIARD_COUNTS = 45.0
_HEYN_COUNTS = 100.0
_PLACEMENTS_PER_SIDE = 4

# 1 pixel of lost boundary costs 0.1 G at a mean intercept of 30 px
_ADVISED_INTERCEPT_PX = 30.0
# G (intercept) - G (planimetric) is 0.16 for hexagons, 0.36 for a Poisson-Voronoi mosaic; a wide range of
# grain sizes lowers it, curved and ragged boundaries raise it
_KNOWN_DIFFERENCE_G = 0.20
_PLAUSIBLE_DIFFERENCE_G = 0.40
# a count of a Saltykov rectangle is 0.4 of a grain too high on a Poisson-Voronoi mosaic
_RECTANGLE_BIAS_GRAINS = 0.4

_EQUIAXED_INDEX = 1.3
_EQUIAXED_ASPECT = 2.5
_LOCAL_RANGE_G = 2.0

# edges of the chart of intercept lengths [um], steps of a quarter of an octave
_CHORD_EDGES_UM = 2.0 ** (np.arange(-24, 53) / 4.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the grain size is measured."""

    method: Method = "abrams"
    circle_rule: Literal["edition", "minus_one"] = "edition"  # minus_one takes one grain off a Jeffries count
    triple_points: Literal["edition", "alternate"] = "edition"  # alternate: every second one counts two (E1382)
    triple_point_px: float = 0.25  # a line this close to a triple point goes through it, at most 0.5
    figure_magnification: float = 0.0  # figure as large as the standard draws it at this magnification; 0: chosen
    placements: int = 0  # of the figure per side of the field; 0: as many as fit, at most 4
    deformation_axis: Literal["horizontal", "vertical"] = "horizontal"  # in the image; 0 deg of the directions
    twins: Literal["not counted", "counted"] = "not counted"  # as the segmentation treats twin boundaries
    second_phase: Literal["none", "dark", "bright", "unlabeled", "given"] = "none"
    second_phase_threshold: float = 0.0  # gray level; grains darker (brighter) than it are the second phase
    second_phase_percent: float = 0.0  # for "given"
    smallest_grain_px: int = 0  # smaller ones are given to their neighbours


# ------------------------------------------------------------------------------------------------ one field


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Field:
    """Grains of one field, ready to be counted."""

    labels: LabelImage  # grains > 0, SECOND_PHASE, 0
    window: Window
    matrix_fraction: float  # [1]
    given_fraction: float | None  # volume fraction of the matrix that the user states
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Figure:
    """What the test figure of the job's method gave, in pixels."""

    values: Mapping[str, float]  # lengths in px, areas in px2
    marks: tuple[Mark, ...]


def measure_field(
    micrograph: Micrograph,
    segmentation: Segmentation,
    settings: Settings,
    standard: Standard,
    alternatives: Iterable[tuple[str, Segmentation]] = (),
) -> FieldMeasurement:
    """Measure the grains of one field by every method.

    Parameters
    ----------
    micrograph : Micrograph
        Without a pixel size only the anisotropy index and the share of the matrix come out.
    segmentation : Segmentation
        Of kind "instance": one label per grain and no boundary pixels.
    settings : Settings
    standard : Standard
        Edition of ASTM E112, ASTM E1382 or ISO 643.
    alternatives : iterable of (name, Segmentation)
        Other plausible segmentations; their values become the segmentation line of the budget.

    Raises
    ------
    MeasurementError
        No grain boundary was found, or the test figure does not fit into the field.
    SettingsError
        Settings contradict each other.
    """
    _check_settings(settings)
    where = f"grain_size: {micrograph.path or 'image'}"
    pixel_um = micrograph.calibration.pixel_um
    field = _prepared(micrograph, segmentation, settings, where)
    grains = np.maximum(field.labels, 0)
    table = region_table(grains, pixel_um, roi=_roi(field.labels), shape_factors=False)
    values, figure = _measured(field, table, pixel_um, settings, standard, where)
    other: dict[str, Mapping[str, float]] = {}
    for name, alternative in alternatives:
        changed = _prepared(micrograph, alternative, settings, where)
        changed_table = region_table(
            np.maximum(changed.labels, 0), pixel_um, roi=_roi(changed.labels), shape_factors=False
        )
        found, _ = _measured(changed, changed_table, pixel_um, settings, standard, where, like=values)
        other[name] = found
    table = _with_grain_columns(field.labels, table, field.window, pixel_um, standard)
    local = duplex.local_intercepts(field.labels, float(table["area_px2"].mean()))
    curves: dict[str, tuple[float, ...]] = {}
    marks = list(figure.marks)
    if pixel_um is not None:
        chords = intercepts.chord_lengths(field.labels) * pixel_um
        curves["intercept_counts"] = tuple(np.histogram(chords, bins=_CHORD_EDGES_UM)[0].astype(float).tolist())
        if local is not None:
            inside = local.mean_intercept_px[np.isfinite(local.mean_intercept_px)] * pixel_um
            curves["local_intercept_um"] = tuple(inside.tolist())
            marks += _local_marks(local, pixel_um, standard)
    row, column = table["row_px"].to_numpy(), table["column_px"].to_numpy()
    biggest = int(table["area_px2"].to_numpy().argmax())
    marks.append(
        Mark(
            kind="points",
            points=((float(row[biggest]), float(column[biggest])),),
            style="object",
            layer="largest grain",
            label="largest grain",
        )
    )
    return FieldMeasurement(
        specimen=micrograph.specimen,
        section=micrograph.section,
        plane=micrograph.plane,
        field=micrograph.field,
        image=micrograph.path,
        shape_px=(int(field.labels.shape[0]), int(field.labels.shape[1])),
        calibration=micrograph.calibration,
        values=values,
        features=table.drop(columns=["top_px", "left_px", "bottom_px", "right_px"]),
        alternatives=other,
        marks=tuple(marks),
        worst=_largest(table, pixel_um),
        notes=field.notes,
        curves=curves,
    )


def _check_settings(settings: Settings) -> None:
    if settings.second_phase in ("dark", "bright") and not settings.second_phase_threshold > 0:
        msg = (
            f"settings.second_phase_threshold: is not set; second_phase = '{settings.second_phase}' needs a gray level"
        )
        raise SettingsError(msg)
    if settings.second_phase == "given" and not 0 < settings.second_phase_percent < 100:
        msg = f"settings.second_phase_percent: got {settings.second_phase_percent:g}, must be between 0 and 100 %"
        raise SettingsError(msg)
    if not 0 <= settings.triple_point_px <= 0.5:
        msg = f"settings.triple_point_px: got {settings.triple_point_px:g}, must be between 0 and 0.5 px"
        raise SettingsError(msg)
    for name in ("figure_magnification", "placements", "smallest_grain_px"):
        if getattr(settings, name) < 0:
            msg = f"settings.{name}: got {getattr(settings, name):g}, must not be negative"
            raise SettingsError(msg)


def _prepared(micrograph: Micrograph, segmentation: Segmentation, settings: Settings, where: str) -> _Field:
    """Grains as connected pieces, the second phase set apart, and the window for areas."""
    if segmentation.kind != "instance":
        msg = (
            f"{where}: the segmentation has classes, not single grains; use a backend that separates grains "
            '(watershed, or labels with kind = "instance")'
        )
        raise MeasurementError(msg)
    labels = segmentation.labels
    notes = []
    if micrograph.roi is not None:
        labels = np.where(micrograph.roi, labels, 0)
    if settings.smallest_grain_px > 1:
        labels, given = _without_small(labels, settings.smallest_grain_px)
        if given:
            notes.append(f"{given} regions below {settings.smallest_grain_px} px were given to their neighbours.")
    labels, torn = _pieces(labels)
    if torn:
        notes.append(f"{torn} labels were in several pieces; every connected piece counts as a grain.")
    labels = _with_second_phase(labels, micrograph, settings)
    grain = int(np.count_nonzero(labels > 0))
    in_field = int(np.count_nonzero(labels))
    if len(np.unique(labels[labels > 0])) < 2:
        msg = f'{where}: no closed grain found; check focus and etch, or give masks with backend "labels"'
        raise MeasurementError(msg)
    if settings.second_phase in ("dark", "bright", "unlabeled") and grain == in_field:
        notes.append("No second phase was found in this field.")
    window = _window(labels)
    if window != (0, 0, *labels.shape):
        notes.append(
            f"Areas are counted in the largest rectangle of the valid area: {window[2]} x {window[3]} px "
            f"from row {window[0]}, column {window[1]}."
        )
    given_fraction = 1 - settings.second_phase_percent / 100 if settings.second_phase == "given" else None
    return _Field(
        labels=labels,
        window=window,
        matrix_fraction=given_fraction if given_fraction is not None else grain / in_field,
        given_fraction=given_fraction,
        notes=tuple(notes),
    )


def _without_small(labels: LabelImage, smallest_px: int) -> tuple[LabelImage, int]:
    size = np.bincount(labels.ravel())
    small = (size > 0) & (size < smallest_px)
    small[0] = False
    if not small.any():
        return labels, 0
    gone = small[labels]
    kept = np.where(gone, 0, labels)
    nearest = ndimage.distance_transform_edt(kept == 0, return_distances=False, return_indices=True)
    return np.where(gone, kept[nearest[0], nearest[1]], kept).astype(np.int32), int(small.sum())


def _pieces(labels: LabelImage) -> tuple[LabelImage, int]:
    """Give every connected piece a number of its own where a label is in several pieces (grains are 4-connected)."""
    from skimage.measure import label

    pieces, number = label(labels, background=0, connectivity=1, return_num=True)
    present = len(np.unique(labels[labels != 0]))
    if number == present:
        return np.ascontiguousarray(labels, dtype=np.int32), 0
    owner = np.zeros(number + 1, dtype=np.int64)
    owner[pieces.ravel()] = labels.ravel()
    torn = int((np.unique(owner[1:], return_counts=True)[1] > 1).sum())
    return np.ascontiguousarray(pieces, dtype=np.int32), torn


def _with_second_phase(labels: LabelImage, micrograph: Micrograph, settings: Settings) -> LabelImage:
    """Mark the second phase: whole regions by their mean gray value, or what has no label inside the roi."""
    if settings.second_phase == "unlabeled":
        inside = labels == 0 if micrograph.roi is None else (labels == 0) & micrograph.roi
        return np.where(inside, np.int32(SECOND_PHASE), labels)
    if settings.second_phase in ("dark", "bright"):
        flat = labels.ravel()
        number = np.bincount(flat)
        gray = np.bincount(flat, weights=micrograph.pixels.ravel().astype(np.float64)) / np.maximum(number, 1)
        level = settings.second_phase_threshold
        second = (gray < level) if settings.second_phase == "dark" else (gray > level)
        second[0] = False
        return np.where(second[labels], np.int32(SECOND_PHASE), labels)
    return labels


def _window(labels: LabelImage) -> Window:
    """Largest rectangle of the field; specks without a grain that lie inside it are left out of its area."""
    outside = labels == 0
    if not outside.any():
        return (0, 0, int(labels.shape[0]), int(labels.shape[1]))
    number, pieces, stats, _ = cv2.connectedComponentsWithStats(outside.view(np.uint8), connectivity=8)
    rows, columns = labels.shape
    top, left = stats[:, cv2.CC_STAT_TOP], stats[:, cv2.CC_STAT_LEFT]
    bottom, right = top + stats[:, cv2.CC_STAT_HEIGHT], left + stats[:, cv2.CC_STAT_WIDTH]
    inner = (top > 0) & (left > 0) & (bottom < rows) & (right < columns)
    typical = np.count_nonzero(labels > 0) / max(1, len(np.unique(labels[labels > 0])))
    speck = inner & (stats[:, cv2.CC_STAT_AREA] < typical)
    speck[0] = True  # the grains themselves
    del number
    valid: Mask = speck[pieces]
    return largest_rectangle(valid)


def _roi(labels: LabelImage) -> Mask | None:
    return None if labels.all() else labels != 0


def _measured(
    field: _Field,
    table: pd.DataFrame,
    pixel_um: float | None,
    settings: Settings,
    standard: Standard,
    where: str,
    like: Mapping[str, float | int | str] | None = None,
) -> tuple[dict[str, float], _Figure]:
    """Count one field by every method; ``like`` fixes the size of the figure to that of an earlier count."""
    counts = intercepts.directional_counts(field.labels)
    share = field.given_fraction
    per_px = {
        direction: found.intercepts / (found.length_px if share is None else share * found.total_length_px)
        for direction, found in counts.items()
        if found.total_length_px > 0
    }
    n_l_px = float(np.mean(list(per_px.values())))
    if not n_l_px > 0:
        msg = f'{where}: no grain boundary found; check focus and etch, or give masks with backend "labels"'
        raise MeasurementError(msg)
    along, across = (0, 90) if settings.deformation_axis == "horizontal" else (90, 0)
    values: dict[str, float] = {
        "anisotropy_index": per_px[across] / per_px[along] if per_px[along] > 0 else float("inf"),
        "mean_intercept_px": 1.0 / n_l_px,
    }
    if settings.second_phase != "none":
        values["matrix_percent"] = 100 * field.matrix_fraction
    if pixel_um is None:
        return values, _Figure(values={}, marks=())
    mm = pixel_um / 1e3
    values["n_l_per_mm"] = n_l_px / mm
    values["mean_intercept_um"] = pixel_um / n_l_px
    # directions count from the deformation axis
    turn = 0 if settings.deformation_axis == "horizontal" else 90
    values |= {f"n_l_{(direction - turn) % 180}deg_per_mm": n / mm for direction, n in sorted(per_px.items())}
    values["intercepts"] = sum(found.intercepts for found in counts.values())
    values["line_length_mm"] = sum(found.total_length_px for found in counts.values()) * mm

    rectangle = planimetric.count_rectangle(field.labels, field.window)
    area_px2 = rectangle.area_px2 if share is None else share * field.window[2] * field.window[3]
    values["grains_counted"] = rectangle.grains
    values["window_mm2"] = area_px2 * mm**2
    values["grains_per_mm2"] = rectangle.grains / (area_px2 * mm**2)
    whole = _whole_grains(table, field.window)
    values["whole_grains"] = float(whole.inside) if whole is not None else 0.0
    if whole is not None:
        values["mean_grain_area_um2"] = whole.mean_area_px2 * pixel_um**2

    figure = _figure(field, n_l_px, pixel_um, settings, standard, where, rectangle, like)
    for name, value in figure.values.items():
        if name.endswith("_px2"):
            values[name.removesuffix("_px2") + "_mm2"] = value * mm**2
        elif name.endswith("_px"):
            values[name.removesuffix("_px") + "_mm"] = value * mm
        else:
            values[name] = value
    if "figure_length_mm" in values:
        values["figure_n_l_per_mm"] = values["figure_counts"] / values["figure_length_mm"]
    if "figure_area_mm2" in values:
        values["figure_grains_per_mm2"] = values["figure_grains"] / values["figure_area_mm2"]
    key, _ = _basis(settings.method)
    if key in values:
        values["grain_size_number"] = _g(key, values[key], standard)
    return values, figure


def _whole_grains(table: pd.DataFrame, window: Window) -> Any:
    inside = _wholly_inside(table, window)
    part = table[inside]
    height, width = _boxes(part)
    return weighted_mean_area(part["area_px2"].to_numpy(dtype=np.float64), height, width, window)


def _wholly_inside(table: pd.DataFrame, window: Window) -> NDArray[np.bool_]:
    top, left, height, width = window
    return np.asarray(
        (table["top_px"] > top)
        & (table["left_px"] > left)
        & (table["bottom_px"] < top + height)
        & (table["right_px"] < left + width)
    )


def _boxes(table: pd.DataFrame) -> tuple[FloatArray, FloatArray]:
    return (
        (table["bottom_px"] - table["top_px"]).to_numpy(dtype=np.float64),
        (table["right_px"] - table["left_px"]).to_numpy(dtype=np.float64),
    )


def _with_grain_columns(
    labels: LabelImage, table: pd.DataFrame, window: Window, pixel_um: float | None, standard: Standard
) -> pd.DataFrame:
    """Add aspect ratio, weight for the frame, and the number each grain would have from its own area."""
    unit = "px" if pixel_um is None else "um"
    aspect = table[f"ellipse_major_{unit}"] / table[f"ellipse_minor_{unit}"].clip(lower=1e-9)
    chance = np.where(_wholly_inside(table, window), chance_to_be_whole(*_boxes(table), window), 0.0)
    weight = np.divide(1.0, chance, out=np.zeros_like(chance), where=chance > 0)
    columns: dict[str, Any] = {"aspect_ratio": aspect, "edge_weight": weight}
    columns[f"feret_across_{unit}"] = _feret_across(labels, table, 1.0 if pixel_um is None else pixel_um)
    if pixel_um is not None:
        slope, offset = _area_line(standard)
        columns["grain_size_number"] = offset + slope * np.log2(table["area_um2"].to_numpy())
    return table.assign(**columns)


def _feret_across(labels: LabelImage, table: pd.DataFrame, size: float) -> FloatArray:
    """Caliper at right angles to the largest one, for the ten largest grains (nan for the others)."""
    found = np.full(len(table), np.nan)
    box = table[["top_px", "left_px", "bottom_px", "right_px"]].to_numpy()
    numbers = table["feature"].to_numpy()
    angles = np.deg2rad(table["feret_angle_deg"].to_numpy())
    for i in np.argsort(-table["area_px2"].to_numpy(), kind="stable")[:10].tolist():
        top, left, bottom, right = box[i].tolist()
        row, column = np.nonzero(labels[top:bottom, left:right] == numbers[i])
        # across the direction (-sin, cos) of the longest caliper; a pixel reaches half its own width further
        across = np.abs(np.cos(angles[i])), np.abs(np.sin(angles[i]))
        along_row = row * np.cos(angles[i]) + column * np.sin(angles[i])
        found[i] = (float(np.ptp(along_row)) + across[0] + across[1]) * size
    return found


def _largest(table: pd.DataFrame, pixel_um: float | None) -> tuple[Notable, ...]:
    column, unit = ("area_px2", "px2") if pixel_um is None else ("area_um2", "um2")
    found = []
    for row in table.nlargest(10, column).to_dict("records"):
        cut = ", cut by the edge" if row["touches_edge"] else ""
        number = f", G {row['grain_size_number']:.1f}" if pixel_um is not None else ""
        found.append(
            Notable(
                feature=int(row["feature"]),
                value=float(row[column]),
                unit=unit,
                caption=f"grain {int(row['feature'])}{number}{cut}",
                box=(int(row["top_px"]), int(row["left_px"]), int(row["bottom_px"]), int(row["right_px"])),
            )
        )
    return tuple(found)


def _local_marks(local: duplex.LocalIntercepts, pixel_um: float, standard: Standard) -> Iterator[Mark]:
    for i, row in enumerate(local.rows_px):
        for j, column in enumerate(local.columns_px):
            mean = local.mean_intercept_px[i, j]
            if np.isfinite(mean):
                yield Mark(
                    kind="text",
                    points=((float(row), float(column)),),
                    layer="local grain size",
                    label=f"G {_g('n_l_per_mm', 1e3 / (mean * pixel_um), standard):.1f}",
                )


# -------------------------------------------------------------------------------------------- test figures


def _figure(
    field: _Field,
    n_l_px: float,
    pixel_um: float,
    settings: Settings,
    standard: Standard,
    where: str,
    rectangle: planimetric.AreaCount,
    like: Mapping[str, float | int | str] | None,
) -> _Figure:
    """Draw and count the test figure of the job's method."""
    # alternatives are counted with the figure of the first count, so that only the grains differ
    fixed_px = None if like is None else float(like.get("figure_diameter_mm", 0.0)) * 1e3 / pixel_um or None
    if like is not None and n_l_px > 0:
        n_l_px = 1.0 / float(like["mean_intercept_px"])
    match settings.method:
        case "abrams":
            circles = [float(row["circumference_mm"]) for row in standard.tables["abrams_circles"]]
            return _circles(field, n_l_px, pixel_um, settings, where, circles, _ABRAMS_COUNTS, fixed_px)
        case "hilliard":
            return _circles(field, n_l_px, pixel_um, settings, where, [250.0], _HILLIARD_COUNTS, fixed_px)
        case "heyn":
            return _lines(field, n_l_px, settings)
        case "jeffries":
            return _jeffries(field, pixel_um, settings, standard, where)
        case "saltykov" | "mean_area":
            return _rectangle(field, rectangle)
        case "intercept":
            return _Figure(values={}, marks=())


def _diameter(
    window: Window,
    wanted_px: float,
    drawn_mm: float,
    pixel_um: float,
    settings: Settings,
    where: str,
    smallest_px: float,
) -> float:
    """Diameter of the largest circle of a figure. [px]

    With a stated magnification it is as large as the standard draws it, and must fit; else it is as large
    as wanted, and at most as large as the field.
    """
    room = min(window[2], window[3]) - 2.0
    if settings.figure_magnification > 0:
        diameter = drawn_mm * 1e3 / settings.figure_magnification / pixel_um
        if diameter > room:
            msg = (
                f"{where}: the test figure is {diameter * pixel_um:.0f} um wide at {settings.figure_magnification:g}x, "
                f"the field {room * pixel_um:.0f} um; set a higher figure_magnification, or give larger images"
            )
            raise MeasurementError(msg)
        return diameter
    if room < smallest_px:
        msg = (
            f"{where}: the field is smaller than the smallest test figure ({room:.0f} px against {smallest_px:.0f} px, "
            "three mean intercepts round a circle); give larger images or a lower magnification"
        )
        raise MeasurementError(msg)
    return min(wanted_px, room)


def _centres(window: Window, diameter_px: float, settings: Settings) -> list[tuple[float, float]]:
    """Middles of placements that do not overlap, evenly over the window and chosen without looking at the grains."""
    top, left, height, width = window
    most = settings.placements or _PLACEMENTS_PER_SIDE
    down, right = (max(1, min(most, int(side / (diameter_px + 1)))) for side in (height, width))
    return [
        (top + height * (i + 0.5) / down - 0.5, left + width * (j + 0.5) / right - 0.5)
        for i in range(down)
        for j in range(right)
    ]


def _circles(
    field: _Field,
    n_l_px: float,
    pixel_um: float,
    settings: Settings,
    where: str,
    circumferences_mm: Sequence[float],
    wanted_counts: float,
    fixed_px: float | None,
) -> _Figure:
    total, largest = sum(circumferences_mm), max(circumferences_mm)
    wanted = wanted_counts / n_l_px * largest / total / pi
    diameter = fixed_px or _diameter(
        field.window, wanted, largest / pi, pixel_um, settings, where, smallest_px=3.0 / n_l_px / pi
    )
    placements: list[list[tuple[TestLine, LineCount]]] = []
    for centre in _centres(field.window, diameter, settings):
        lines = [intercepts.circle(centre, diameter * one / largest) for one in circumferences_mm]
        placements.append([(line, _count(field, line, settings)) for line in lines])
    flat = [pair for placement in placements for pair in placement]
    values = _line_values(flat, field, settings)
    each = [_scored([count for _, count in placement], settings) for placement in placements]
    values |= {
        "figure_placements": float(len(placements)),
        "figure_counts_smallest": min(each),
        "figure_counts_largest": max(each),
        "figure_diameter_px": diameter,
    }
    return _Figure(values=values, marks=_line_marks(flat))


def _lines(field: _Field, n_l_px: float, settings: Settings) -> _Figure:
    length = 0.9 * (min(field.window[2], field.window[3]) - 1)
    angles = (0.0, 45.0, 90.0, 135.0)
    number = int(np.clip(ceil(_HEYN_COUNTS / (len(angles) * length * n_l_px)), 2, 8))
    number = settings.placements or number
    # on a diagonal a line of this length fits as well: 0.9 of the side stays inside the window
    lines = [line for angle in angles for line in intercepts.parallel_lines(field.window, angle, length, number)]
    counted = [(line, _count(field, line, settings)) for line in lines]
    values = _line_values(counted, field, settings)
    values |= {"figure_lines": float(len(lines)), "figure_orientations": float(len(angles))}
    return _Figure(values=values, marks=_line_marks(counted))


def _count(field: _Field, line: TestLine, settings: Settings) -> LineCount:
    return intercepts.count_line(
        field.labels, line, triple_weight=2.0 if line.closed else 1.5, triple_point_px=settings.triple_point_px
    )


def _scored(counts: Sequence[LineCount], settings: Settings) -> float:
    """Intercepts of several lines; with "alternate" every second triple point counts two, the others one."""
    total = sum(count.intercepts for count in counts)
    if settings.triple_points == "alternate":
        plain = sum(count.intersections for count in counts)
        return total * (intercepts.alternate(counts) / plain if plain else 1.0)
    return total


def _line_values(counted: Sequence[tuple[TestLine, LineCount]], field: _Field, settings: Settings) -> dict[str, float]:
    counts = [count for _, count in counted]
    length = (
        sum(count.grain_length_px for count in counts)
        if field.given_fraction is None
        else field.given_fraction * sum(count.length_px for count in counts)
    )
    return {
        "figure_counts": _scored(counts, settings),
        "figure_intersections": sum(count.intersections for count in counts),
        "figure_length_px": length,
        "figure_triple_points": float(sum(count.triple_points for count in counts)),
        "figure_tangents": float(sum(count.tangents for count in counts)),
    }


def _line_marks(counted: Sequence[tuple[TestLine, LineCount]]) -> tuple[Mark, ...]:
    marks = []
    hits: dict[tuple[str, float], list[FloatArray]] = {}
    for line, count in counted:
        # a drawing needs no more than one point per two pixels
        every = max(1, round(2.0 / line.step_px)) if line.closed else max(1, len(line.points) - 1)
        path = line.points[::every].tolist()
        points = [(float(r), float(c)) for r, c in path]
        if line.closed:
            points.append(points[0])
        marks.append(Mark(kind="path", points=tuple(points), style="figure"))
        for style, found in intercepts.weights_by_style(count).items():
            for positions, weight in found:
                hits.setdefault((style, weight), []).append(positions)
    for (style, weight), groups in sorted(hits.items(), key=lambda item: item[0][1]):
        points = [(float(r), float(c)) for group in groups for r, c in group.tolist()]
        marks.append(
            Mark(kind="points", points=tuple(points), style=style, label=f"counts {weight:g}")  # type: ignore[arg-type]
        )
    return tuple(marks)


def _jeffries(field: _Field, pixel_um: float, settings: Settings, standard: Standard, where: str) -> _Figure:
    room = min(field.window[2], field.window[3]) - 2.0
    drawn_mm = sqrt(4 / pi * standard.values["jeffries_area"].value)
    diameter = _diameter(field.window, room, drawn_mm, pixel_um, settings, where, smallest_px=3.0)
    centres = _centres(field.window, diameter, settings)
    found = [planimetric.count_circle(field.labels, centre, diameter, settings.circle_rule) for centre in centres]
    marks = []
    for centre in centres:
        points = [(float(r), float(c)) for r, c in intercepts.circle(centre, diameter).points[::20].tolist()]
        marks.append(Mark(kind="path", points=(*points, points[0]), style="figure"))
    at = _centroids(field.labels)
    marks += _grain_marks(at, np.concatenate([one.inside for one in found]), "hit", "counts 1")
    marks += _grain_marks(at, np.concatenate([one.cut for one in found]), "half hit", "counts 0.5")
    area = sum(one.area_px2 for one in found)
    if field.given_fraction is not None:
        area = field.given_fraction * pi * diameter**2 / 4 * len(found)
    return _Figure(
        values={
            "figure_placements": float(len(found)),
            "figure_grains": sum(one.grains for one in found),
            "figure_grains_smallest": min(one.grains for one in found),
            "figure_inside": float(sum(len(one.inside) for one in found)),
            "figure_cut": float(sum(len(one.cut) for one in found)),
            "figure_area_px2": area,
            "figure_diameter_px": diameter,
        },
        marks=tuple(marks),
    )


def _rectangle(field: _Field, found: planimetric.AreaCount) -> _Figure:
    top, left, height, width = field.window
    bottom, right = top + height - 1.0, left + width - 1.0
    corners = ((float(top), float(left)), (float(top), right), (bottom, right), (bottom, float(left)))
    at = _centroids(field.labels)
    in_corner = np.asarray(sorted(set(found.corners)), dtype=np.int32)
    marks = (
        Mark(kind="path", points=(*corners, corners[0]), style="figure"),
        *_grain_marks(at, found.inside, "hit", "counts 1"),
        *_grain_marks(at, found.cut, "half hit", "counts 0.5"),
        *_grain_marks(at, in_corner, "half hit", "counts 0.25 per corner"),
    )
    return _Figure(
        values={
            "figure_inside": float(len(found.inside)),
            "figure_cut": float(len(found.cut)),
            "figure_corners": float(len(found.corners)),
        },
        marks=marks,
    )


def _centroids(labels: LabelImage) -> FloatArray:
    flat = np.maximum(labels, 0).ravel()
    number = np.maximum(np.bincount(flat), 1)
    rows, columns = labels.shape
    row = np.bincount(flat, weights=np.repeat(np.arange(rows, dtype=np.float64), columns)) / number
    column = np.bincount(flat, weights=np.tile(np.arange(columns, dtype=np.float64), rows)) / number
    return np.stack([row, column], axis=1)


def _grain_marks(
    at: FloatArray, numbers: NDArray[np.int32], style: Literal["hit", "half hit"], label: str
) -> tuple[Mark, ...]:
    if not len(numbers):
        return ()
    points = tuple((float(r), float(c)) for r, c in at[numbers].tolist())
    return (Mark(kind="points", points=points, style=style, label=label),)


# ---------------------------------------------------------------------------------------------- all fields


@dataclass(frozen=True, slots=True, kw_only=True)
class _Estimate:
    """Mean measurement of one specimen with its relative budget."""

    key: str  # column of the fields table
    mean: float
    n: int
    lines: tuple[Component, ...]  # relative to the mean [1]
    planes: tuple[tuple[str, FieldStatistics], ...]
    note: str = ""

    @property
    def ra_percent(self) -> float | None:
        """95 % confidence interval of the mean measurement over the mean, from the scatter of the fields. [%]"""
        between = [line for line in self.lines if line.kind == "A"]
        if not between:
            return None
        return 100 * coverage_factor(effective_dof(between)) * combined(between)


def combine(fields: Sequence[FieldMeasurement], settings: Settings, standard: Standard) -> Findings:
    """Make results, checks, tables and warnings of all fields of a job."""
    results: list[Result] = []
    checks: list[Check] = []
    warnings: list[str] = []
    statistics: list[tuple[Cell, ...]] = []
    directions: list[tuple[Cell, ...]] = []
    outliers: list[tuple[Cell, ...]] = []
    means: list[_Estimate] = []
    features = pd.concat(
        [field.features.assign(specimen=field.specimen, section=field.section, field=field.field) for field in fields],
        ignore_index=True,
    )
    features = features[["specimen", "section", "field", *[c for c in features if c not in _KEYS]]]
    scaled = all(field.calibration.pixel_um is not None for field in fields)
    for specimen in dict.fromkeys(field.specimen for field in fields):
        own = [field for field in fields if field.specimen == specimen]
        grains = features[features["specimen"] == specimen]
        estimates = _estimates(own, settings, scaled)
        found = tuple(_results(estimates, own, grains, settings, standard, specimen, scaled))
        results += found
        checks += _checks(estimates, found, own, settings, standard, specimen, scaled)
        warnings += _shape_warnings(own, grains, specimen)
        directions += _direction_rows(own, standard, specimen, scaled)
        for estimate in estimates.values():
            statistics += _statistics_rows(estimate, standard, specimen)
        if scaled:
            row, warning = _largest_grain(grains, standard, specimen)
            outliers.append(row)
            warnings += [*warning, *_duplex_warnings(own, grains, standard, specimen)]
            means.append(estimates[_basis(settings.method)[0]])
    tables = [_statistics_table(statistics)]
    if directions:
        tables.append(_direction_table(directions, settings))
    if outliers:
        tables.append(_outlier_table(outliers))
    if len(means) > 1:
        tables.append(_lot_table(means, fields, settings, standard))
    if settings.method in ("abrams", "hilliard", "heyn", "jeffries") and scaled:
        tables.append(_count_table(fields, settings))
    return Findings(
        results=tuple(results),
        checks=tuple(checks),
        measurements=Measurements(
            features=features,
            fields=pd.DataFrame(
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
            ),
        ),
        statements=_statements(fields, settings, standard, scaled),
        tables=tuple(tables),
        charts=_charts(fields, features, standard) if scaled else (),
        warnings=tuple(warnings),
    )


_KEYS = ("specimen", "section", "field")


def _module(standard: Standard) -> ModuleType:
    try:
        return _FORMULAS[standard.id]
    except KeyError:
        msg = (
            f"standards/{standard.name}.toml: id '{standard.id}' is no grain size method; known: {', '.join(_FORMULAS)}"
        )
        raise StandardError(msg) from None


def _basis(method: Method) -> tuple[str, str]:
    """Column that holds the measurement of a method, and what is measured."""
    match method:
        case "abrams" | "hilliard" | "heyn":
            return "figure_n_l_per_mm", "intercepts per length of the test figure"
        case "intercept":
            return "n_l_per_mm", "intercepts per length of test line"
        case "jeffries":
            return "figure_grains_per_mm2", "grains per area of the circle"
        case "saltykov":
            return "grains_per_mm2", "grains per area of the rectangle"
        case "mean_area":
            return "mean_grain_area_um2", "mean area of whole grains"


def _power(key: str) -> float:
    """How many powers of a length a measurement has; lines 1, areas 2."""
    return 1.0 if key.endswith("n_l_per_mm") else 2.0


def _g(key: str, value: float, standard: Standard) -> float:
    """Grain size number of a measurement, by the formulas of the edition."""
    formulas = _module(standard)
    if key.endswith("n_l_per_mm"):
        return float(formulas.g_from_intercepts_per_mm(value, standard))
    if key.endswith("area_um2"):
        return float(formulas.g_from_mean_area(value, standard))
    return float(formulas.g_from_grains_per_mm2(value, standard))


def _area_line(standard: Standard) -> tuple[float, float]:
    """Slope and offset of G over log2 of an area in um2, so that thousands of grains take one step."""
    one, two = (_g("area_um2", value, standard) for value in (1.0, 2.0))
    return two - one, one


def _estimates(fields: Sequence[FieldMeasurement], settings: Settings, scaled: bool) -> dict[str, _Estimate]:
    keys = (
        ("n_l_per_mm", "grains_per_mm2", "mean_grain_area_um2", _basis(settings.method)[0])
        if scaled
        else ("anisotropy_index",)
    )
    keys += ("matrix_percent",) if settings.second_phase not in ("none", "given") else ()
    found = {}
    for key in dict.fromkeys(keys):
        if all(key in field.values for field in fields):
            found[key] = _estimate(key, fields, settings)
    if scaled and _basis(settings.method)[0] not in found:
        msg = (
            "grain_size: no grain lies wholly inside a field, so that there is no mean area; "
            "use larger images or another method"
        )
        raise MeasurementError(msg)
    if scaled:
        found["anisotropy_index"] = _estimate("anisotropy_index", fields, settings)
    return found


def _estimate(key: str, fields: Sequence[FieldMeasurement], settings: Settings) -> _Estimate:
    """Mean over fields; sections cut on different planes are joined as cube roots (ASTM E112, non-equiaxed)."""
    planes = [plane for plane in dict.fromkeys(field.plane for field in fields) if plane != "not stated"]
    several = len(planes) > 1 and all(field.plane != "not stated" for field in fields) and _is_size(key)
    parts: list[tuple[str, FieldStatistics]] = []
    note = ""
    if not several:
        parts.append(("", _statistics(key, fields)))
    elif key == "n_l_per_mm" and set(planes) == {"longitudinal", "transverse"}:
        # directed lines: along and across on the longitudinal plane, across on the transverse one
        along, across = [[f for f in fields if f.plane == plane] for plane in ("longitudinal", "transverse")]
        parts = [
            ("longitudinal, 0 deg", _statistics("n_l_0deg_per_mm", along)),
            ("longitudinal, 90 deg", _statistics("n_l_90deg_per_mm", along)),
            ("transverse, 90 deg", _statistics("n_l_90deg_per_mm", across)),
        ]
        note = "cube root over directed lines: longitudinal 0 deg, longitudinal 90 deg, transverse 90 deg"
    else:
        parts = [(plane, _statistics(key, [f for f in fields if f.plane == plane])) for plane in planes]
        note = f"root of the product over {len(planes)} planes: {', '.join(planes)}"
    mean = astm_e112.geometric_mean([found.mean for _, found in parts]) if len(parts) > 1 else parts[0][1].mean
    lines = [
        Component(
            name="between fields" if not name else f"between fields ({name})",
            u=found.u_mean / abs(found.mean) / len(parts),
            kind="A",
            dof=found.dof,
            basis=f"s / √n over {found.n} fields" + (f", one of {len(parts)} factors" if len(parts) > 1 else ""),
        )
        for name, found in parts
        if found.u_mean is not None and found.mean
    ]
    lines += _systematic(key, fields, settings)
    return _Estimate(
        key=key,
        mean=mean,
        n=len(fields),
        lines=tuple(lines),
        planes=tuple(parts),
        note=note,
    )


def _is_size(key: str) -> bool:
    return key not in ("anisotropy_index", "matrix_percent")


def _statistics(key: str, fields: Sequence[FieldMeasurement]) -> FieldStatistics:
    return field_statistics([float(field.values[key]) for field in fields], [field.section for field in fields])


def _systematic(key: str, fields: Sequence[FieldMeasurement], settings: Settings) -> Iterator[Component]:
    """Relative budget lines that more fields do not shrink."""
    if _is_size(key):
        u_rel = max(field.calibration.u_rel for field in fields)
        yield Component(
            name="scale",
            u=_power(key) * u_rel,
            kind="B",
            basis=f"{_power(key):g} x relative standard uncertainty of the pixel size, {u_rel:.2g}"
            if u_rel
            else "uncertainty of the pixel size not stated, taken as 0",
        )
    base = float(np.mean([float(field.values[key]) for field in fields]))
    names = [name for name in fields[0].alternatives if all(key in f.alternatives.get(name, {}) for f in fields)]
    if names:
        other = [float(np.mean([field.alternatives[name][key] for field in fields])) for name in names]
        yield Component(
            name="segmentation",
            u=half_range([base, *other]) / abs(base),
            kind="B",
            basis=f"half range / √3 over {len(names)} other segmentations: {', '.join(names)}",
        )
    elif _is_size(key):
        yield _half_pixel(key, fields)
    yield from _counting(key, fields, settings)


def _half_pixel(key: str, fields: Sequence[FieldMeasurement]) -> Component:
    """Half a pixel of boundary, where there is no other segmentation to compare with."""
    root3 = sqrt(3)
    intercept_px = float(np.mean([float(field.values["mean_intercept_px"]) for field in fields]))
    if key.endswith("n_l_per_mm"):
        u, text = 0.5 / intercept_px / root3, "half a pixel of boundary per intercept / √3"
    elif key == "mean_grain_area_um2":
        sides = [sqrt(float(f.values[key])) / float(f.calibration.pixel_um or 1.0) for f in fields]
        u, text = 2 * 0.5 / float(np.mean(sides)) / root3, "half a pixel on the side of a grain / √3, twice for an area"
    else:
        # where a closed boundary lies does not change the number of grains, only what the figure holds
        side = min(min(field.shape_px) for field in fields)
        u, text = 4 * 0.5 / side / root3, "half a pixel round the test figure / √3; the count itself does not move"
    return Component(name="segmentation", u=u, kind="B", basis=text)


def _counting(key: str, fields: Sequence[FieldMeasurement], settings: Settings) -> Iterator[Component]:
    """Known leanings of a counting rule that the edition keeps."""
    if key == "figure_n_l_per_mm" and settings.method in ("abrams", "hilliard") and settings.triple_points == "edition":
        triple = sum(float(field.values["figure_triple_points"]) for field in fields)
        counts = sum(float(field.values["figure_counts"]) for field in fields)
        yield Component(
            name="counting rule",
            u=0.5 * triple / counts / sqrt(3) if counts else 0.0,
            kind="B",
            basis=f"{triple:.0f} triple points count 2 and not 1.5 on circles; that share of {counts:.0f} counts / √3",
        )
    if key == "figure_grains_per_mm2" and settings.circle_rule == "edition":
        mean = float(np.mean([float(f.values["figure_grains"]) / float(f.values["figure_placements"]) for f in fields]))
        yield Component(
            name="counting rule",
            u=1.0 / mean / sqrt(3),
            kind="B",
            basis=f"the circle rule counts up to one grain too many of {mean:.0f} / √3",
        )
    if key == "grains_per_mm2":
        mean = float(np.mean([float(field.values["grains_counted"]) for field in fields]))
        yield Component(
            name="counting rule",
            u=_RECTANGLE_BIAS_GRAINS / mean / sqrt(3),
            kind="B",
            basis=f"the rectangle rule counts about {_RECTANGLE_BIAS_GRAINS:g} grains too many of {mean:.0f} / √3",
        )


# ------------------------------------------------------------------------------------------------- results


def _results(
    estimates: Mapping[str, _Estimate],
    fields: Sequence[FieldMeasurement],
    grains: pd.DataFrame,
    settings: Settings,
    standard: Standard,
    specimen: str,
    scaled: bool,
) -> Iterator[Result]:
    edition = f"{standard.id}-{standard.edition}"
    if scaled:
        key, what = _basis(settings.method)
        name = "Grain size index" if standard.id == "ISO 643" else "Grain size number"
        numbers = (
            ("grain_size_number", key, f"{METHOD_TITLES[settings.method]}", settings.method, what),
            ("grain_size_number.intercept", "n_l_per_mm", METHOD_TITLES["intercept"], "intercept", "test lines"),
            ("grain_size_number.planimetric", "grains_per_mm2", METHOD_TITLES["saltykov"], "saltykov", "grains"),
            ("grain_size_number.mean_area", "mean_grain_area_um2", METHOD_TITLES["mean_area"], "mean_area", "areas"),
        )
        for quantity, column, method, short, of in numbers:
            if column in estimates:
                yield _number(
                    estimates[column],
                    quantity=quantity,
                    title=f"{name} G ({standard.id}), {method}",
                    definition=f"{quantity}.{short}/1: G of the mean over fields of {of}",
                    clause=f"{edition}: {method}",
                    standard=standard,
                    specimen=specimen,
                    main=quantity == "grain_size_number",
                )
        by_lines = _power(key) == 1.0
        lines = estimates["n_l_per_mm"]
        yield _size(
            replace(lines, mean=1e3 / lines.mean),
            quantity="mean_intercept_um",
            unit="um",
            clause=f"{edition}: mean intercept, test lines in four directions over the whole field",
            specimen=specimen,
            main=by_lines,
        )
        yield _size(
            estimates["grains_per_mm2"],
            quantity="grains_per_mm2",
            unit="1/mm2",
            clause=f"{edition}: grains in a rectangle, sides 1/2 and corners 1/4",
            specimen=specimen,
            main=not by_lines,
        )
        if "mean_grain_area_um2" in estimates:
            yield _size(
                estimates["mean_grain_area_um2"],
                quantity="mean_grain_area_um2",
                unit="um2",
                clause="whole grains weighted by Miles and Lantuejoul; a deviation from the edge rules of the standards",
                specimen=specimen,
                main=False,
            )
        yield _largest_result(grains, fields, standard, specimen)
    if "anisotropy_index" in estimates and np.isfinite(estimates["anisotropy_index"].mean):
        yield _size(
            estimates["anisotropy_index"],
            quantity="anisotropy_index",
            unit="1",
            clause=f"{edition}: intercepts per length across the deformation axis over those along it",
            specimen=specimen,
            main=not scaled,
        )
    if "matrix_percent" in estimates:
        yield _size(
            estimates["matrix_percent"],
            quantity="matrix_percent",
            unit="%",
            clause=f"{edition}: specimens with two phases, matrix fraction of the same fields",
            specimen=specimen,
            main=False,
        )


def _number(
    estimate: _Estimate,
    *,
    quantity: str,
    title: str,
    definition: str,
    clause: str,
    standard: Standard,
    specimen: str,
    main: bool,
) -> Result:
    """Turn a mean measurement into G; the relative budget becomes one in units of G."""
    g = _g(estimate.key, estimate.mean, standard)
    # G = 2 log2(N_L) + c, or log2(N_A) + c: dG = (2 or 1) / ln 2 x relative change
    sensitivity = (2.0 / _power(estimate.key)) / log(2)
    return evaluated(
        Result(
            quantity=quantity,
            specimen=specimen,
            value=g,
            unit="G",
            n=estimate.n,
            clause=clause + (f"; {estimate.note}" if estimate.note else ""),
            definition=definition,
            budget=tuple(
                replace(line, u=sensitivity * line.u, basis=f"{line.basis}; x {sensitivity:.3f} G per relative change")
                for line in estimate.lines
            ),
            rounded=_rounded(g),
            title=title,
            main=main,
        )
    )


def _size(estimate: _Estimate, *, quantity: str, unit: str, clause: str, specimen: str, main: bool) -> Result:
    return evaluated(
        Result(
            quantity=quantity,
            specimen=specimen,
            value=estimate.mean,
            unit=unit,
            n=estimate.n,
            clause=clause + (f"; {estimate.note}" if estimate.note else ""),
            definition=f"{quantity}/1: mean over fields",
            budget=tuple(replace(line, u=line.u * abs(estimate.mean)) for line in estimate.lines),
            title=QUANTITIES[quantity].title,
            main=main,
        )
    )


def _largest_result(
    grains: pd.DataFrame, fields: Sequence[FieldMeasurement], standard: Standard, specimen: str
) -> Result:
    largest = grains.loc[grains["area_um2"].idxmax()]
    u_rel = max(field.calibration.u_rel for field in fields)
    side_px = sqrt(float(largest["area_px2"]))
    return evaluated(
        Result(
            quantity="grain_size_number.largest",
            specimen=specimen,
            value=float(largest["grain_size_number"]),
            unit="G",
            n=len(grains),
            n_of="grains",
            clause="ASTM E930-18: image area of the largest grain section observed",
            definition="grain_size_number.largest/1: G of the area of the largest section, cut or not",
            budget=(
                Component(
                    name="scale", u=2 / log(2) * u_rel, kind="B", basis="2 x relative uncertainty of the pixel size"
                ),
                Component(
                    name="segmentation",
                    u=2 * 0.5 / side_px / sqrt(3) / log(2),
                    kind="B",
                    basis="half a pixel of boundary / √3",
                ),
            ),
            rounded=_rounded(float(largest["grain_size_number"])),
            title=f"Grain size number of the largest grain observed ({standard.id})",
        )
    )


def _rounded(g: float) -> str:
    """Counted methods are rounded to a tenth.

    >>> _rounded(7.96), _rounded(-0.04)
    ('8.0', '0.0')
    """
    return f"{round(g, 1) + 0.0:.1f}"


# -------------------------------------------------------------------------------------------------- checks


def _checks(
    estimates: Mapping[str, _Estimate],
    results: Sequence[Result],
    fields: Sequence[FieldMeasurement],
    settings: Settings,
    standard: Standard,
    specimen: str,
    scaled: bool,
) -> Iterator[Check]:
    found: dict[str, tuple[float | None, str]] = {}
    method = settings.method

    def values(key: str) -> list[float]:
        return [float(field.values[key]) for field in fields]

    planes = len({(field.section, field.plane) for field in fields})
    per = min(sum((f.section, f.plane) == place for f in fields) for place in {(f.section, f.plane) for f in fields})
    sections = "fewest of a section" if planes > 1 else ""
    found["fields_intercept"] = found["fields_planimetric"] = (float(per), sections)
    if scaled:
        estimate = estimates[_basis(method)[0]]
        found["relative_accuracy"] = (
            estimate.ra_percent,
            f"of {_basis(method)[1]}" if estimate.ra_percent is not None else "one field gives no scatter",
        )
        match method:
            case "jeffries":
                found["grains_per_field"] = (min(values("figure_grains_smallest")), "")
            case "saltykov" | "mean_area":
                found["grains_per_field"] = (min(values("grains_counted")), "")
            case "intercept":
                found["total_counts"] = (sum(values("intercepts")), "")
                found["heyn_orientations"] = (4.0, "0, 45, 90, 135 deg")
            case _:
                found["total_counts"] = (sum(values("figure_counts")), "")
        if method == "abrams":
            found["abrams_counts_low"] = (min(values("figure_counts_smallest")), "")
            found["abrams_counts_high"] = (max(values("figure_counts_largest")), "")
        if method == "heyn":
            found["heyn_counts"] = (min(values("figure_counts")), "")
            found["heyn_orientations"] = (float(min(values("figure_orientations"))), "")
        if method == "hilliard":
            placed = sum(values("figure_placements"))
            diameter_um = min(values("figure_diameter_mm")) * 1e3
            largest_um = max(float(field.features["feret_max_um"].max()) for field in fields)
            found["hilliard_counts"] = (sum(values("figure_counts")) / placed, "")
            found["hilliard_diameter"] = (diameter_um / largest_um, "")
            found["hilliard_circumference"] = (pi * diameter_um / max(values("mean_intercept_um")), "")
    for name, (value, note) in found.items():
        check = check_rule(standard, name, value, method=method, specimen=specimen, note=note)
        if check is not None:
            yield check
    yield _resolution(fields, specimen)
    if scaled:
        yield from _consistency({result.quantity: result for result in results}, settings, specimen)


def _resolution(fields: Sequence[FieldMeasurement], specimen: str) -> Check:
    smallest = min(float(field.values["mean_intercept_px"]) for field in fields)
    return Check(
        name="Mean intercept in pixels, field with the smallest",
        value=smallest,
        relation=">=",
        limit=_ADVISED_INTERCEPT_PX,
        unit="px",
        passed=smallest >= _ADVISED_INTERCEPT_PX,
        clause="advice of this toolkit: below it, one pixel of boundary is worth more than 0.1 G",
        scope="image",
        specimen=specimen,
    )


def _consistency(results: Mapping[str, Result], settings: Settings, specimen: str) -> Iterator[Check]:
    """Compare methods on the same grains, allowing for their known difference and their uncertainty."""
    lines, areas = results["grain_size_number.intercept"], results["grain_size_number.planimetric"]
    expanded = sqrt((lines.expanded_u or 0.0) ** 2 + (areas.expanded_u or 0.0) ** 2)
    difference = lines.value - areas.value
    limit = _PLAUSIBLE_DIFFERENCE_G + expanded
    value = abs(difference - _KNOWN_DIFFERENCE_G)
    yield Check(
        name="Intercept and planimetric G differ as grains do",
        value=value,
        relation="<=",
        limit=limit,
        unit="G",
        passed=value <= limit,
        clause=f"G(intercept) - G(planimetric) is {difference:.2f}; {_KNOWN_DIFFERENCE_G:.2f} ± "
        f"{_PLAUSIBLE_DIFFERENCE_G:.2f} is usual (hexagons 0.16, random mosaic 0.36), and {expanded:.2f} the uncertainty",
        scope="consistency",
        specimen=specimen,
    )
    if settings.method in ("abrams", "hilliard", "heyn", "jeffries"):
        figure = results["grain_size_number"]
        other = areas if settings.method == "jeffries" else lines
        # both saw the same fields: only the part of the figure that the whole field does not share scatters
        limit = max(0.1, sqrt((figure.expanded_u or 0.0) ** 2 + (other.expanded_u or 0.0) ** 2))
        value = abs(figure.value - other.value)
        yield Check(
            name="Test figure and whole field give the same G",
            value=value,
            relation="<=",
            limit=limit,
            unit="G",
            passed=value <= limit,
            clause="expanded uncertainties of both, at least 0.1",
            scope="consistency",
            specimen=specimen,
        )


# ------------------------------------------------------------------------------------------------ warnings


def _shape_warnings(fields: Sequence[FieldMeasurement], grains: pd.DataFrame, specimen: str) -> Iterator[str]:
    """Say so where the grains are not equiaxed: one G does not describe them."""
    planes = {field.plane for field in fields}
    index = float(np.mean([float(field.values["anisotropy_index"]) for field in fields]))
    area = grains["area_px2"].to_numpy(dtype=np.float64)
    order = np.argsort(grains["aspect_ratio"].to_numpy())
    share = np.cumsum(area[order]) / area.sum()
    aspect = float(grains["aspect_ratio"].to_numpy()[order][np.searchsorted(share, 0.5)])
    missing = {"longitudinal", "transverse", "planar"} - planes
    if max(index, 1 / index) > _EQUIAXED_INDEX and len(planes) < 2:
        yield (
            f"Specimen {specimen}: the grains are elongated, anisotropy index {index:.2f}. One section does not "
            "describe them; measure longitudinal, transverse and planar sections."
        )
    elif max(index, 1 / index) > _EQUIAXED_INDEX and missing:
        yield (
            f"Specimen {specimen}: the grains are elongated, anisotropy index {index:.2f}; "
            f"no {' and no '.join(sorted(missing))} section was measured."
        )
    if aspect > _EQUIAXED_ASPECT:
        yield (
            f"Specimen {specimen}: half of the area is in grains more than {aspect:.1f} times as long as wide. "
            "The structure is lamellar or acicular, and G is not meant for it; the number is given for comparison only."
        )


def _duplex_warnings(
    fields: Sequence[FieldMeasurement], grains: pd.DataFrame, standard: Standard, specimen: str
) -> Iterator[str]:
    """Warn of a duplex structure, from the area-weighted distribution and from the local grain size."""
    gates = load_standard("astm_e1181_2002")
    whole = grains[grains["edge_weight"] > 0]
    if len(whole) >= 20:
        area = (whole["area_um2"] * whole["edge_weight"]).to_numpy()
        found = duplex.area_distribution(whole["grain_size_number"].to_numpy(), area)
        coarse, average, largest = _coarse(grains, standard)
        kind = astm_e1181.duplex_type(
            coarsest_difference_g=average - largest,
            coarse_area_percent=coarse,
            range_g=found.high_g - found.low_g,
            mode_distance_g=found.mode_distance_g,
            mode_area_percent=found.mode_area_percent,
            standard=gates,
        )
        figures = f"90 % of the area lies between G {found.low_g:.1f} and {found.high_g:.1f}"
        if kind == "bimodal":
            a, b = found.modes_g
            figures = f"modes near G {a:.1f} and G {b:.1f} hold {found.mode_area_percent:.0f} % of the area"
        elif kind == "isolated coarse grains":
            figures = f"{coarse:.1f} % of the area is at least 3 numbers coarser than the rest, G {average:.1f}"
        if kind != "none":
            yield (
                f"Specimen {specimen}: duplex grain structure, {kind}: {figures}. An average stands for none of its "
                "grains (ASTM E1181; the gates are not verified)."
            )
    local = np.asarray([value for field in fields for value in field.curves.get("local_intercept_um", ())])
    if len(local) >= 8:
        fine, coarse_um = np.quantile(local, [0.1, 0.9])
        low, high = (_g("n_l_per_mm", 1e3 / float(value), standard) for value in (coarse_um, fine))
        if high - low >= _LOCAL_RANGE_G:
            yield (
                f"Specimen {specimen}: the local grain size runs from G {low:.1f} to G {high:.1f} (10 % and 90 % of "
                f"{len(local)} tiles). The structure changes from place to place; report its regions apart (ASTM E1181)."
            )


def _coarse(grains: pd.DataFrame, standard: Standard) -> tuple[float, float, float]:
    """Area of the grains at least 3 G coarser than the rest [%], G of the rest, and G of the largest grain."""
    gate = load_standard("astm_e930_2018").values["outlier_difference"].value
    area, number = grains["area_um2"].to_numpy(), grains["grain_size_number"].to_numpy()
    weight = grains["edge_weight"].to_numpy()
    is_coarse = np.zeros(len(area), dtype=np.bool_)
    average = 0.0
    for _ in range(3):  # leaving the coarse grains out of the average may bring one more of them in
        rest = ~is_coarse & (weight > 0)
        if not rest.any():
            rest = ~is_coarse
            mean = float(area[rest].mean())
        else:
            mean = float((area * weight)[rest].sum() / weight[rest].sum())
        average = _g("area_um2", mean, standard)
        is_coarse = average - number >= gate
        if is_coarse.all():
            break
    return float(100 * area[is_coarse].sum() / area.sum()), average, float(number.min())


def _largest_grain(grains: pd.DataFrame, standard: Standard, specimen: str) -> tuple[tuple[Cell, ...], list[str]]:
    """Row of the outlier table (ASTM E930) and the warning that goes with an eligible outlier."""
    e930 = load_standard("astm_e930_2018")
    largest = grains.loc[grains["area_um2"].idxmax()]
    coarse, average, number = _coarse(grains, standard)
    longest, across = float(largest["feret_max_um"]), float(largest["feret_across_um"])
    by_caliper = astm_e930.caliper_area_um2(longest, across, e930)
    difference = average - number
    eligible = difference >= e930.values["outlier_difference"].value and 0 < coarse <= e930.values["outlier_area"].value
    cut = bool(largest["touches_edge"])
    row: tuple[Cell, ...] = (
        specimen,
        int(largest["field"]),
        int(largest["feature"]),
        float(largest["area_um2"]),
        number,
        longest,
        across,
        _g("area_um2", by_caliper, standard),
        average,
        difference,
        coarse,
        "yes" if eligible else "no",
        "cut by the edge: at least this large" if cut else "",
    )
    if not eligible:
        return row, []
    return row, [
        f"Specimen {specimen}: the largest grain is G {number:.1f}, {difference:.1f} numbers coarser than the rest, and "
        f"such grains cover {coarse:.1f} % of the area: report it as an outlier (ASTM E930)."
    ]


# --------------------------------------------------------------------------------------- tables and charts


def _statistics_rows(estimate: _Estimate, standard: Standard, specimen: str) -> Iterator[tuple[Cell, ...]]:
    size = _is_size(estimate.key)
    unit = _UNIT_OF.get(estimate.key, "1")
    for plane, found in estimate.planes:
        bounds: tuple[Cell, Cell] = (None, None)
        if size and found.ci95 is not None and found.ci95 < found.mean:
            at = [_g(estimate.key, value, standard) for value in (found.mean - found.ci95, found.mean + found.ci95)]
            bounds = (min(at), max(at))
        g = _g(estimate.key, found.mean, standard) if size else None
        yield (
            specimen,
            _NAME_OF.get(estimate.key, estimate.key) + (f", {plane}" if plane else ""),
            unit,
            found.n,
            found.mean,
            found.s,
            found.ci95,
            found.ra_percent,
            g,
            *bounds,
            None if g is None else _rounded(g),
            fields_for_accuracy(found, 10.0),
        )
    if len(estimate.planes) > 1:
        g = _g(estimate.key, estimate.mean, standard)
        yield (
            specimen,
            f"{_NAME_OF.get(estimate.key, estimate.key)}, {estimate.note}",
            unit,
            estimate.n,
            estimate.mean,
            None,
            None,
            estimate.ra_percent,
            g,
            None,
            None,
            _rounded(g),
            None,
        )


_NAME_OF = {
    "n_l_per_mm": "Intercepts per length, whole field",
    "grains_per_mm2": "Grains per area, rectangle",
    "mean_grain_area_um2": "Mean area of whole grains, weighted",
    "figure_n_l_per_mm": "Intercepts per length, test figure",
    "figure_grains_per_mm2": "Grains per area, circle",
    "anisotropy_index": "Anisotropy index",
    "matrix_percent": "Matrix phase",
}
_UNIT_OF = {
    "n_l_per_mm": "1/mm",
    "grains_per_mm2": "1/mm2",
    "mean_grain_area_um2": "um2",
    "figure_n_l_per_mm": "1/mm",
    "figure_grains_per_mm2": "1/mm2",
    "anisotropy_index": "1",
    "matrix_percent": "%",
}


def _statistics_table(rows: Sequence[tuple[Cell, ...]]) -> Table:
    return Table(
        title="Statistics over fields",
        columns=(
            "Specimen",
            "Measurement",
            "Unit",
            "Fields",
            "Mean",
            "s",
            "95 % CI ±",
            "%RA [%]",
            "G of the mean",
            "G low",
            "G high",
            "G rounded",
            "Fields for 10 %RA",
        ),
        rows=tuple(rows),
        note="G is computed from the mean measurement, never as the mean of G; its bounds at mean ± CI. "
        "CI with Student t over fields.",
    )


def _direction_rows(
    fields: Sequence[FieldMeasurement], standard: Standard, specimen: str, scaled: bool
) -> Iterator[tuple[Cell, ...]]:
    if not scaled:
        return
    for plane in dict.fromkeys(field.plane for field in fields):
        own = [field for field in fields if field.plane == plane]
        for direction in intercepts.DIRECTIONS:
            key = f"n_l_{direction}deg_per_mm"
            if not all(key in field.values for field in own):
                continue
            found = _statistics(key, own)
            if found.mean > 0:
                g = _g("n_l_per_mm", found.mean, standard)
                yield (specimen, plane, direction, found.mean, found.ci95, 1e3 / found.mean, g)


def _direction_table(rows: Sequence[tuple[Cell, ...]], settings: Settings) -> Table:
    return Table(
        title="Directional intercepts",
        columns=(
            "Specimen",
            "Plane",
            "Direction [deg]",
            "N_L [1/mm]",
            "95 % CI ± [1/mm]",
            "Mean intercept [um]",
            "G of this direction",
        ),
        rows=tuple(rows),
        note=f"0 deg is the deformation axis ({settings.deformation_axis} in the image). The anisotropy index is "
        "N_L at 90 deg over N_L at 0 deg.",
    )


def _outlier_table(rows: Sequence[tuple[Cell, ...]]) -> Table:
    return Table(
        title="Largest grain observed (ASTM E930)",
        columns=(
            "Specimen",
            "Field",
            "Grain",
            "Area [um2]",
            "G of the area",
            "Longest caliper [um]",
            "Caliper across [um]",
            "G of the calipers",
            "G of the rest",
            "Difference [G]",
            "Area of such grains [%]",
            "Method applies",
            "Note",
        ),
        rows=tuple(rows),
        note="The method is for outliers at least 3 numbers coarser than the rest on at most 5 % of the area.",
    )


def _lot_table(
    means: Sequence[_Estimate], fields: Sequence[FieldMeasurement], settings: Settings, standard: Standard
) -> Table:
    key = _basis(settings.method)[0]
    specimens = list(dict.fromkeys(field.specimen for field in fields))
    found = field_statistics([mean.mean for mean in means])
    rows: list[tuple[Cell, ...]] = [
        (specimen, mean.mean, _g(key, mean.mean, standard)) for specimen, mean in zip(specimens, means, strict=True)
    ]
    rows.append(("mean of the lot", found.mean, _g(key, found.mean, standard)))
    return Table(
        title="All specimens",
        columns=("Specimen", f"{_NAME_OF[key]} [{_UNIT_OF[key]}]", "G"),
        rows=tuple(rows),
        note="G of the lot is that of the mean measurement.",
    )


def _count_table(fields: Sequence[FieldMeasurement], settings: Settings) -> Table:
    by_lines = settings.method != "jeffries"
    names = (
        ("figure_placements", "Placements"),
        ("figure_lines", "Lines"),
        ("figure_counts", "Intercepts N"),
        ("figure_intersections", "Intersections P"),
        ("figure_triple_points", "Triple points"),
        ("figure_tangents", "Tangents"),
        ("figure_length_mm", "Length [mm]"),
        ("figure_n_l_per_mm", "N_L [1/mm]"),
        ("figure_inside", "Inside"),
        ("figure_cut", "Cut"),
        ("figure_grains", "Grains"),
        ("figure_area_mm2", "Area [mm2]"),
        ("figure_grains_per_mm2", "N_A [1/mm2]"),
        ("figure_diameter_mm", "Diameter [mm]"),
    )
    present = [(key, title) for key, title in names if key in fields[0].values]
    return Table(
        title=f"Counts of the test figure: {METHOD_TITLES[settings.method]}",
        columns=("Specimen", "Field", *(title for _, title in present)),
        rows=tuple((field.specimen, field.field, *(field.values[key] for key, _ in present)) for field in fields),
        note="Every counted hit is marked on the pictures."
        if by_lines
        else "Grains inside and cut are marked on the pictures.",
    )


def _charts(fields: Sequence[FieldMeasurement], features: pd.DataFrame, standard: Standard) -> tuple[Chart, ...]:
    area = features["area_um2"].to_numpy()
    found = duplex.area_distribution(features["grain_size_number"].to_numpy(), area)
    number = np.histogram(features["grain_size_number"].to_numpy(), bins=found.edges_g)[0]
    edges = tuple(found.edges_g.tolist())
    charts = [
        Chart(
            kind="histogram",
            title="Grain size number of the single grain sections",
            x_label="G of the section area",
            y_label="Share [%]",
            series=(
                Series(name="of the area", x=edges, y=tuple(found.percent.tolist())),
                Series(name="of the number", x=edges, y=tuple((100 * number / number.sum()).tolist())),
            ),
        )
    ]
    counts = np.sum([field.curves["intercept_counts"] for field in fields], axis=0)
    filled = np.flatnonzero(counts)
    if len(filled):
        low, high = int(filled[0]), int(filled[-1]) + 1
        charts.append(
            Chart(
                kind="histogram",
                title="Intercept lengths of whole chords",
                x_label="Length [um]",
                y_label="Share [%]",
                series=(
                    Series(
                        name="chords along rows and columns",
                        x=tuple(_CHORD_EDGES_UM[low : high + 1].tolist()),
                        y=tuple((100 * counts[low:high] / counts.sum()).tolist()),
                    ),
                ),
                x_scale="log",
            )
        )
    series = tuple(
        Series(
            name=f"specimen {specimen}",
            x=tuple(float(field.field) for field in own),
            y=tuple(float(field.values["grain_size_number"]) for field in own),
        )
        for specimen in dict.fromkeys(field.specimen for field in fields)
        for own in ([f for f in fields if f.specimen == specimen and "grain_size_number" in f.values],)
    )
    charts.append(
        Chart(
            kind="points",
            title="G of each field",
            x_label="Field",
            y_label=f"G ({standard.id})",
            series=series,
        )
    )
    return tuple(charts)


# ---------------------------------------------------------------------------------------------- statements


def _statements(
    fields: Sequence[FieldMeasurement], settings: Settings, standard: Standard, scaled: bool
) -> tuple[Statement, ...]:
    """How the numbers were made, for the method block."""
    edition = f"{standard.id}-{standard.edition}"
    found = [
        Statement(name="Method", text=f"{METHOD_TITLES[settings.method]}, evaluated following {edition}"),
        Statement(name="Test figure", text=_figure_text(fields, settings, scaled)),
        Statement(
            name="Counting",
            text="One grain boundary crossed or touched counts 1; a line end inside a grain leaves half an intercept, "
            "an end on a boundary counts 1/2. A triple point (line within "
            f"{settings.triple_point_px:g} px of it) counts {_triple_text(settings)}. Where a line crosses the same "
            f"boundary again within {intercepts.FLICKER_PX:g} px, that is one crossing, a touch, or the roughness of the "
            "pixels, which does not count.",
        ),
        Statement(
            name="Whole-field lines",
            text="G (intercept) and the mean intercept count the label changes along every pixel row, column and "
            "diagonal (0, 45, 90, 135 deg), each direction with the same weight.",
        ),
        Statement(
            name="Edge grains",
            text="Rectangle: cut by a side 1/2, in a corner 1/4 each, over the area of the rectangle. Mean area: whole "
            "grains only, weighted by Miles and Lantuejoul for their chance to be whole, which removes the bias "
            "(a deviation from the edge rules of the standards).",
        ),
        Statement(name="Twins", text=f"Twin boundaries: {settings.twins}, as far as the segmentation leaves them out."),
    ]
    if settings.method == "jeffries":
        found.append(
            Statement(
                name="Circle rule",
                text="Grains cut by the circle count 1/2. That count is one grain too high on average"
                + (
                    "; this grain was taken off (setting circle_rule = minus_one)."
                    if settings.circle_rule == "minus_one"
                    else ", which the edition keeps; see the budget line 'counting rule'."
                ),
            )
        )
    if settings.second_phase != "none":
        found.append(Statement(name="Second phase", text=_second_phase_text(settings)))
    if standard.notes:
        found.append(Statement(name="Edition", text=" ".join(standard.notes)))
    return tuple(found)


def _triple_text(settings: Settings) -> str:
    if settings.triple_points == "alternate":
        return "2 and 1 in turn (ASTM E1382)"
    return "1.5" if settings.method == "heyn" else "2 on circles, 1.5 on straight lines"


def _figure_text(fields: Sequence[FieldMeasurement], settings: Settings, scaled: bool) -> str:
    if not scaled:
        return "none: without a pixel size only ratios are reported"
    first = fields[0].values
    match settings.method:
        case "abrams" | "hilliard":
            diameter = float(first["figure_diameter_mm"])
            circles = (
                "Three concentric circles, circumferences 3 : 2 : 1, the largest"
                if settings.method == "abrams"
                else "One circle,"
            )
            drawn = 250.0 / pi
            size = (
                f"as drawn at {settings.figure_magnification:g}x"
                if settings.figure_magnification
                else f"sized for the counts the procedure asks for, equal to the standard figure at {drawn / diameter:.0f}x"
            )
            return (
                f"{circles} {diameter * 1e3:.1f} um wide, {size}; {float(first['figure_placements']):.0f} placements "
                "per field on a regular pattern, chosen without looking at the grains (first field)."
            )
        case "heyn":
            return (
                f"{float(first['figure_lines']):.0f} straight lines per field in four orientations "
                "(0, 45, 90, 135 deg), parallel and spread over the field, not radiating from one point (first field)."
            )
        case "jeffries":
            return (
                f"{float(first['figure_placements']):.0f} circle(s) of {float(first['figure_diameter_mm']) * 1e3:.1f} um "
                "diameter per field (first field); the density is the count over the true area."
            )
        case "saltykov" | "mean_area":
            return "The largest rectangle of the measured area of each field."
        case "intercept":
            return "Every pixel row, column and diagonal is a test line; they are too many to draw."


def _second_phase_text(settings: Settings) -> str:
    match settings.second_phase:
        case "dark" | "bright":
            side = "below" if settings.second_phase == "dark" else "above"
            how = f"regions with a mean gray value {side} {settings.second_phase_threshold:g}"
        case "unlabeled":
            how = "what has no grain inside the measured region"
        case _:
            how = f"stated by the user: {settings.second_phase_percent:g} % second phase"
    return (
        f"Only grains of the matrix are counted. The second phase is {how}. Mean intercept: matrix fraction x length of "
        "the test lines / matrix grains intercepted; areas: matrix grains over the area of the matrix."
    )
