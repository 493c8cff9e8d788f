"""Count one field: grains made ready, every method on them, and the test figure of the job."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, pi, sqrt
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspect_tool.errors import MeasurementError, SettingsError
from inspect_tool.images.region import largest_rectangle
from inspect_tool.languages import Text
from inspect_tool.measure import circles_and_lines, intercepts, planimetric
from inspect_tool.measure.circles_and_lines import CircleGrains
from inspect_tool.measure.edges import Window, chance_to_be_whole, present_labels, weighted_number
from inspect_tool.measure.flooding import strips
from inspect_tool.measure.gray import read_off
from inspect_tool.measure.intercepts import SECOND_PHASE, DirectionCount, LineCount
from inspect_tool.measure.recall import Parts, Recall, parts_of
from inspect_tool.model import LabelImage, Mark, Mask, Micrograph, Segmentation, Standard
from inspect_tool.pixels.parts import connected_parts
from inspect_tool.pixels.parts import strips as row_strips
from inspect_tool.pixels.stored import zeros_like
from inspect_tool.recipes.grain_size.pieces import in_pieces, without_small
from inspect_tool.recipes.grain_size.settings import Settings, area_line, basis, grain_number
from inspect_tool.recipes.grain_size.values import CircleFigure, Counted, Figure, LineFigure, RectangleFigure, Scaled
from inspect_tool.units import convert

FloatArray = NDArray[np.float64]
# counts a placement is sized for: well inside what the procedures ask for
_ABRAMS_COUNTS = 65.0
_HILLIARD_COUNTS = 45.0
_HEYN_COUNTS = 100.0
_SMALLEST_WINDOW_PX = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GrainField:
    """Grains of one field, ready to be counted."""

    labels: LabelImage  # grains > 0, SECOND_PHASE, 0
    window: Window
    matrix_fraction: float  # [1]
    given_fraction: float | None  # volume fraction of the matrix that the user states
    notes: tuple[str, ...]
    parts: Parts  # what is known of the labels


def check_settings(settings: Settings) -> None:
    """Refuse settings that contradict each other, or are out of range."""
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


def prepared(
    micrograph: Micrograph,
    segmentation: Segmentation,
    settings: Settings,
    where: str,
    kept: dict[str, tuple[int, ...]],
    name: str = "",
    recall: Recall | None = None,
) -> GrainField:
    """Grains as connected pieces, the second phase set apart, and the window for areas.

    ``kept`` takes what was read off the gray values; ``name`` is that of an alternative; ``recall`` holds what is
    known of this field.
    """
    if segmentation.kind != "instance":
        msg = (
            f"{where}: the segmentation has classes, not single grains; use a backend that separates grains "
            '(watershed, or labels with kind = "labels" or "boundaries")'
        )
        raise MeasurementError(msg)
    labels = segmentation.labels
    notes = []
    if micrograph.roi is not None:
        labels = _inside(labels, micrograph.roi)
    if settings.smallest_grain_px > 1:
        labels, given = without_small(labels, settings.smallest_grain_px)
        if given:
            notes.append(
                Text("grain_size.note_small_regions_merged", given=given, smallest_grain_px=settings.smallest_grain_px)
            )
    labels, torn = in_pieces(labels, parts_of(recall, "given", labels))
    if torn:
        notes.append(Text("grain_size.note_labels_in_pieces", torn=torn))
    if settings.second_phase in ("dark", "bright"):
        key = f"second_phase {name}".strip()
        kept[key] = tuple(read_off(micrograph, key, lambda: _by_gray(labels, micrograph, settings)))
        second = np.zeros(int(labels.max()) + 1, bool)
        second[list(kept[key])] = True
        labels = np.where(second[labels], np.int32(SECOND_PHASE), labels)
    elif settings.second_phase == "unlabeled":
        labels = _with_second_phase(labels, micrograph.roi)
    grain, in_field = _pixels_of(labels)
    parts = parts_of(recall, "grains", labels)
    if len(present_labels(labels, parts)) < 2:
        raise MeasurementError(Text("grain_size.error_no_closed_grain", where=where))
    if settings.second_phase in ("dark", "bright", "unlabeled") and grain == in_field:
        notes.append(Text("grain_size.note_no_second_phase"))
    window = _window(labels)
    if min(window[2:]) < _SMALLEST_WINDOW_PX:
        raise MeasurementError(Text("grain_size.error_no_rectangle", where=where, px=_SMALLEST_WINDOW_PX))
    if window != (0, 0, *labels.shape):
        notes.append(
            Text(
                "grain_size.note_rectangle_of_valid_area",
                window=window[2],
                window_2=window[3],
                window_3=window[0],
                window_4=window[1],
            )
        )
    given_fraction = 1 - settings.second_phase_percent / 100 if settings.second_phase == "given" else None
    return GrainField(
        labels=labels,
        window=window,
        matrix_fraction=given_fraction if given_fraction is not None else grain / in_field,
        given_fraction=given_fraction,
        notes=tuple(notes),
        parts=parts,
    )


def _inside(labels: LabelImage, roi: Mask) -> LabelImage:
    if not any((labels[rows][~roi[rows]] != 0).any() for rows in strips(labels.shape)):
        return labels
    made: LabelImage = zeros_like(labels, np.int32)
    for rows in strips(labels.shape):
        made[rows] = np.where(roi[rows], labels[rows], 0)
    return made


def _with_second_phase(labels: LabelImage, roi: Mask | None) -> LabelImage:
    """Take what no grain covers for the second phase."""
    made: LabelImage = zeros_like(labels, np.int32)
    for rows in strips(labels.shape):
        free = labels[rows] == 0 if roi is None else (labels[rows] == 0) & roi[rows]
        made[rows] = np.where(free, np.int32(SECOND_PHASE), labels[rows])
    return made


def _pixels_of(labels: LabelImage) -> tuple[int, int]:
    """Pixels of grains, and those of grains and second phase."""
    grain = in_field = 0
    for rows in strips(labels.shape):
        grain += int(np.count_nonzero(labels[rows] > 0))
        in_field += int(np.count_nonzero(labels[rows]))
    return grain, in_field


def _by_gray(labels: LabelImage, micrograph: Micrograph, settings: Settings) -> list[int]:
    """Labels of the second phase: whole regions by their mean gray value."""
    flat = labels.ravel()
    number = np.bincount(flat)
    gray = np.bincount(flat, weights=micrograph.pixels.ravel().astype(np.float64)) / np.maximum(number, 1)
    level = settings.second_phase_threshold
    second = (gray < level) if settings.second_phase == "dark" else (gray > level)
    second &= number > 0
    second[0] = False
    found: list[int] = np.flatnonzero(second).tolist()
    return found


def _window(labels: LabelImage) -> Window:
    """Largest rectangle of the field; specks without a grain that lie inside it are left out of its area."""
    rows, columns = labels.shape
    if labels.all():
        return (0, 0, int(rows), int(columns))
    outside = connected_parts(lambda first, last: labels[first:last] == 0, labels.shape)
    top, left, bottom, right = outside.box.T
    inner = (top > 0) & (left > 0) & (bottom < rows) & (right < columns)
    typical = _pixels_of(labels)[0] / max(1, len(present_labels(labels)))
    speck = inner & (outside.area < typical)
    speck[0] = True  # the grains themselves
    lines = (line for first, last in row_strips(labels.shape) for line in speck[outside.rows(first, last)])
    return largest_rectangle(lines)


def measured_values(
    field: GrainField,
    table: pd.DataFrame,
    pixel_um: float | None,
    settings: Settings,
    standard: Standard,
    where: str,
) -> tuple[Counted, tuple[Mark, ...]]:
    """Count one field by every method."""
    counts = intercepts.directional_counts(field.labels, field.parts)
    share = field.given_fraction
    counted_px, per_px = intercepts_px(field, counts, where)
    n_l_px = float(np.mean(list(per_px.values())))
    along, across = (0, 90) if settings.deformation_axis == "horizontal" else (90, 0)
    is_directed = per_px.get(along, 0.0) > 0 and per_px.get(across, 0.0) > 0
    counted = Counted(
        mean_intercept_px=1.0 / n_l_px,
        anisotropy_index=per_px[across] / per_px[along] if is_directed else None,
        matrix_percent=None if settings.second_phase == "none" else 100 * field.matrix_fraction,
        scaled=None,
        figure=None,
        grain_size_number=None,
    )
    if pixel_um is None:
        return counted, ()
    mm = pixel_um / 1e3
    # directions count from the deformation axis
    turn = 0 if settings.deformation_axis == "horizontal" else 90
    rectangle = planimetric.count_rectangle(field.labels, field.window, field.parts)
    area_px2 = rectangle.area_px2 if share is None else share * (field.window[2] - 1) * (field.window[3] - 1)
    whole = table[_wholly_inside(table, field.window)]
    # the weights count in the window, the rectangle runs through the centers of its outer pixels
    height, width = field.window[2:]
    window_px2 = area_px2 * height * width / ((height - 1) * (width - 1))
    scaled = Scaled(
        n_l_per_mm=n_l_px / mm,
        mean_intercept_um=pixel_um / n_l_px,
        n_l_deg_per_mm={(direction - turn) % 180: n / mm for direction, n in sorted(per_px.items())},
        intercepts=sum(found.intercepts for found in counts.values()),
        lost_chords_percent=100 * (n_l_px / counted_px - 1),
        line_length_mm=sum(found.total_length_px for found in counts.values()) * mm,
        grains_counted=rectangle.grains,
        window_mm2=area_px2 * mm**2,
        grains_per_mm2=rectangle.grains / (area_px2 * mm**2),
        whole_grains=float(len(whole)),
        whole_grains_per_mm2=weighted_number(*_boxes(whole), field.window) / (window_px2 * mm**2),
        largest_grain_um2=float(table["area_px2"].max()) * pixel_um**2,
    )

    at_label = np.zeros((int(table["feature"].max()) + 1, 2))
    at_label[table["feature"].to_numpy()] = table[["row_px", "column_px"]].to_numpy()
    figure, marks = _test_figure(field, at_label, n_l_px, pixel_um, settings, standard, where)
    counted = replace(counted, scaled=scaled, figure=figure)
    if isinstance(figure, LineFigure) and figure.figure_counts == 0:
        raise MeasurementError(Text("grain_size.error_nothing_crossed", where=where))
    key, _ = basis(settings.method)
    size = float(counted.get(key, 0.0))
    return replace(counted, grain_size_number=grain_number(key, size, standard) if size > 0 else None), marks


def intercepts_px(
    field: GrainField, counts: Mapping[int, DirectionCount], where: str
) -> tuple[float, dict[int, float]]:
    """Intercepts per length of lines over the whole field: mean as counted, and by direction corrected. [1/px]"""
    share = field.given_fraction
    per_px = {
        direction: found.intercepts / (found.length_px if share is None else share * found.total_length_px)
        for direction, found in counts.items()
        if found.total_length_px > 0
    }
    mean_px = float(np.mean(list(per_px.values())))
    if not mean_px > 0:
        raise MeasurementError(Text("grain_size.error_no_boundary", where=where))
    return mean_px, _with_lost_chords(field, per_px, mean_px)


def _with_lost_chords(field: GrainField, per_px: Mapping[int, float], mean_px: float) -> dict[int, float]:
    """Add the intercepts of chords that fit between two neighboring pixels of a line, from the triple points.

    So many are lost per length as there are triple points per area, times the step of the line. Where the grains
    are stretched, the line that crosses more boundaries loses more, with the square (an affine change of shape).
    """
    area = float(_pixels_of(field.labels)[0]) * (1.0 if field.given_fraction is None else field.given_fraction)
    lost = intercepts.LOST_PER_JUNCTION * intercepts.junctions(field.labels, field.parts) / area
    return {
        direction: n + lost * (1.0 if direction % 90 == 0 else sqrt(2)) * (n / mean_px) ** 2
        for direction, n in per_px.items()
    }


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


def with_grain_columns(
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
        slope, offset = area_line(standard)
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


def _test_figure(
    field: GrainField,
    at_label: FloatArray,
    n_l_px: float,
    pixel_um: float,
    settings: Settings,
    standard: Standard,
    where: str,
) -> tuple[Figure | None, tuple[Mark, ...]]:
    """Place, count and draw the test figure of the job's method; values in mm."""
    window, mm = field.window, pixel_um / 1e3
    match settings.method:
        case "abrams" | "hilliard":
            drawn = [float(row["circumference_mm"]) for row in standard.tables["abrams_circles"]]
            wanted = _ABRAMS_COUNTS * drawn[0] / sum(drawn)
            if settings.method == "hilliard":
                drawn, wanted = drawn[:1], _HILLIARD_COUNTS
            diameter, magnification = _figure_width(
                field, drawn[0] / pi, wanted / n_l_px / pi, 3.0 / n_l_px / pi, pixel_um, settings, where
            )
            at = circles_and_lines.centers(window, diameter, settings.placements)
            circles = circles_and_lines.count_circles(
                field.labels,
                at,
                [diameter * one / drawn[0] for one in drawn],
                triple_point_px=settings.triple_point_px,
            )
            values = _line_values(circles, field, settings, mm)
            sized = replace(values, figure_diameter_mm=diameter * mm, figure_magnification=magnification)
            return sized, circles_and_lines.line_marks(circles)
        case "heyn":
            per_count = len(circles_and_lines.ORIENTATIONS_DEG) * circles_and_lines.line_length_px(window) * n_l_px
            number = settings.placements or int(np.clip(ceil(_HEYN_COUNTS / max(per_count, 1e-9)), 2, 8))
            lines = circles_and_lines.count_lines(
                field.labels, window, number, triple_point_px=settings.triple_point_px
            )
            values = _line_values(lines, field, settings, mm)
            many, ways = float(len(lines.lines)), float(len(circles_and_lines.ORIENTATIONS_DEG))
            return replace(values, figure_lines=many, figure_orientations=ways), circles_and_lines.line_marks(lines)
        case "jeffries":
            area = standard.values["jeffries_area"]
            room = min(window[2], window[3]) - 1.0
            diameter = room
            if settings.figure_magnification:
                diameter, _ = _figure_width(
                    field, sqrt(4 / pi * convert(area.value, area.unit, "mm2")), room, 3.0, pixel_um, settings, where
                )
            at = circles_and_lines.centers(window, diameter, settings.placements)
            grains = circles_and_lines.count_circle_grains(field.labels, at, diameter, settings.circle_rule)
            return _grain_values(grains, field, mm), circles_and_lines.circle_marks(grains, at_label)
        case "saltykov" | "mean_area":
            found = planimetric.count_rectangle(field.labels, window)
            rectangle = RectangleFigure(
                figure_inside=float(len(found.inside)),
                figure_cut=float(len(found.cut)),
                figure_corners=float(len(found.corners)),
            )
            return rectangle, circles_and_lines.rectangle_marks(window, found, at_label)
        case "intercept":
            return None, ()


def _figure_width(
    field: GrainField,
    drawn_mm: float,
    wanted_px: float,
    smallest_px: float,
    pixel_um: float,
    settings: Settings,
    where: str,
) -> tuple[float, float]:
    """Width of a figure [px] and the magnification [x] at which the standard draws it so large."""
    magnification = settings.figure_magnification or circles_and_lines.magnification_that_fits(
        field.window,
        drawn_mm=drawn_mm,
        wanted_px=wanted_px,
        smallest_px=smallest_px,
        pixel_um=pixel_um,
        where=where,
    )
    diameter = circles_and_lines.fitting_diameter(
        field.window, drawn_mm=drawn_mm, magnification=magnification, pixel_um=pixel_um, where=where
    )
    return diameter, magnification


def with_figure(settings: Settings, figure: Figure | None) -> Settings:
    """Give the settings that put the figure of a field as large and as often into another segmentation of it."""
    if not isinstance(figure, LineFigure):
        return settings
    if figure.figure_magnification is not None:
        settings = replace(settings, figure_magnification=figure.figure_magnification)
    if figure.figure_lines is not None:
        settings = replace(settings, placements=int(figure.figure_lines) // len(circles_and_lines.ORIENTATIONS_DEG))
    return settings


def _line_values(figure: circles_and_lines.LineFigure, field: GrainField, settings: Settings, mm: float) -> LineFigure:
    counts = figure.counts
    length = (
        sum(count.grain_length_px for count in counts)
        if field.given_fraction is None
        else field.given_fraction * sum(count.length_px for count in counts)
    )
    each = [
        _scored(counts[first : first + figure.per_placement], settings)
        for first in range(0, len(counts), figure.per_placement)
    ]
    total = _scored(counts, settings)
    triples = float(sum(count.triple_points for count in counts))
    # a line without width meets 1 1/2 boundaries on average where it passes a triple point: what the two of the
    # procedure adds to that would grow with the size of a pixel
    excess = 0.5 * triples if settings.method != "heyn" and settings.triple_points == "edition" else 0.0
    return LineFigure(
        figure_placements=float(len(each)),
        figure_counts=total,
        figure_counts_smallest=min(each),
        figure_counts_largest=max(each),
        figure_intersections=sum(count.intersections for count in counts),
        figure_triple_points=triples,
        figure_tangents=float(sum(count.tangents for count in counts)),
        figure_length_mm=length * mm,
        figure_n_l_per_mm=(total - excess) / (length * mm),
    )


def _scored(counts: Sequence[LineCount], settings: Settings) -> float:
    """Intercepts of several lines; with "alternate" every second triple point counts two, the others one."""
    total = sum(count.intercepts for count in counts)
    if settings.triple_points == "alternate":
        plain = sum(count.intersections for count in counts)
        return total * (intercepts.alternate(counts) / plain if plain else 1.0)
    return total


def _grain_values(figure: CircleGrains, field: GrainField, mm: float) -> CircleFigure:
    area = sum(count.area_px2 for count in figure.counts)
    if field.given_fraction is not None:
        area = field.given_fraction * pi * figure.diameter_px**2 / 4 * len(figure.counts)
    grains = sum(count.grains for count in figure.counts)
    return CircleFigure(
        figure_placements=float(len(figure.counts)),
        figure_grains=grains,
        figure_grains_smallest=min(count.grains for count in figure.counts),
        figure_inside=float(sum(len(count.inside) for count in figure.counts)),
        figure_cut=float(sum(len(count.cut) for count in figure.counts)),
        figure_diameter_mm=figure.diameter_px * mm,
        figure_area_mm2=area * mm**2,
        figure_grains_per_mm2=grains / (area * mm**2),
    )
