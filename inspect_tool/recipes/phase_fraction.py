"""Phase fraction: area share of every class, with field statistics, a point count and stereology.

The value is the area share by image analysis with the field statistics of ASTM E1245; ASTM E562 gives
the point count by a person that checks it on the same fields, the sampling rules and the planning of fields.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from math import exp, log, sqrt
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal
from zlib import crc32

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspect_tool import plausibility
from inspect_tool.errors import MeasurementError, ReadError, SettingsError
from inspect_tool.formulas import astm_e562, astm_e1245
from inspect_tool.measure import points
from inspect_tool.measure.class_shape import cells_percent, line_percent, rim_percent
from inspect_tool.measure.fields import FieldStatistics, field_statistics, fields_for_accuracy, scatter_line
from inspect_tool.measure.fraction import LineCounts, area_percent, contacts, line_counts
from inspect_tool.measure.regions import connected, region_table
from inspect_tool.measure.share_scatter import ShareScatter, sampling_lines, share_scatter
from inspect_tool.model import (
    Carried,
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
    PointClass,
    Quantity,
    Result,
    Segmentation,
    Series,
    Standard,
    Statement,
    Table,
)
from inspect_tool.ranges import Above0, From0
from inspect_tool.recipes import _colors, _shapes, _unseen
from inspect_tool.recipes._level_doubts import (
    disagreement,
    facts_of_level,
    matrix_check,
    outline_checks,
    own_gray_checks,
)
from inspect_tool.standards import check_rule, designation, load_standard
from inspect_tool.uncertainty import evaluated, half_range

TITLE = "Phase fraction"
QUESTION: Literal["coverage", "count"] = "coverage"
MASKS: tuple[str, ...] = ("binary", "classes")  # what a mask of the user may be
STANDARDS: tuple[str, ...] = ("astm_e1245_2016", "astm_e562_2019", "iso_9042_1988")
BACKEND: Mapping[str, Any] = MappingProxyType({"name": "threshold", "phase": "dark"})
PATHS: tuple[str, ...] = ("counts",)
QUANTITIES: Mapping[str, Quantity] = MappingProxyType(
    {
        "area_percent.*": Quantity(title="Area fraction", unit="%", needs_scale=False),
        "point_percent.*": Quantity(title="Point count", unit="%", needs_scale=False),
        "mean_free_path_um.*": Quantity(title="Mean free path", unit="um", needs_scale=True),
        "mean_spacing_um.*": Quantity(title="Mean spacing along a line", unit="um", needs_scale=True),
        "mean_intercept_um.*": Quantity(title="Mean intercept length", unit="um", needs_scale=True),
        "worst_field_percent.*": Quantity(title="Largest area fraction of a field", unit="%", needs_scale=False),
        "mean_area_um2.*": Quantity(title="Mean area of a feature", unit="um2", needs_scale=True),
        "intercepts_per_mm.*": Quantity(title="Interceptions per line length", unit="1/mm", needs_scale=True),
        "intercepts_per_mm_horizontal.*": Quantity(
            title="Interceptions per length of horizontal lines", unit="1/mm", needs_scale=True
        ),
        "intercepts_per_mm_vertical.*": Quantity(
            title="Interceptions per length of vertical lines", unit="1/mm", needs_scale=True
        ),
        "contiguity.*": Quantity(title="Contiguity", unit="1", needs_scale=False),
        "count_per_mm2.*": Quantity(title="Features per area", unit="1/mm2", needs_scale=True),
    }
)
CARRIED: Mapping[str, Carried] = MappingProxyType(  # see validation.line
    {
        "area_percent.*": Carried(of="area_percent.*"),
        "worst_field_percent.*": Carried(of="area_percent.*", over="largest"),
    }
)

_TOO_SMALL_PERCENT = 5.0  # of the area of a class may lie in features below the declared size
_SIGMAS = 3.0  # a point count that differs by more is not chance (3 in 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of the recipe."""

    wanted_ra_percent: Above0[float] = 10.0  # relative accuracy that the planning of fields aims at [%]
    grid_points: From0[int] = 0  # 16, 25, 49, 100 ...; 0: from the area share of the field, after E562
    seed: From0[int] = 1  # of the random start of the grid
    smallest_feature_px2: Above0[int] = 9  # smaller features are not counted; they stay in the area share [px2]
    axis: Literal["auto", "none", "horizontal", "vertical"] = "auto"  # deformation axis in the images; auto: from N_L
    expected_shape: _shapes.Expected = "auto"  # auto: compact, or a network of lines; any: lines among it too, or few
    tinted_grains: bool = False  # grains of a class differ in color: color inside a class is no doubt then
    counts: str = ""  # table of a manual point count: specimen, field, grid_points and one column per class


# ------------------------------------------------------------------------------------------------------ one field


def measure_field(
    micrograph: Micrograph,
    segmentation: Segmentation,
    settings: Settings,
    standard: Standard,
    alternatives: Iterable[tuple[str, Segmentation]] = (),
) -> FieldMeasurement:
    """Measure the classes of one field.

    Parameters
    ----------
    micrograph : Micrograph
        The field; of its pixels only the color is looked at, and only to doubt the classes.
    segmentation : Segmentation
        Semantic labels of the same size; class 0 is the matrix.
    settings : Settings
        See there.
    standard : Standard
        E562 or E1245; the other of the two gives what this one has no rule for.
    alternatives : iterable of (name, Segmentation)
        Plausible other segmentations of the field, taken one at a time.

    Returns
    -------
    FieldMeasurement
        ``values``: ``area_percent.<class>`` and more; see the page of the recipe.

    Raises
    ------
    MeasurementError
        Settings out of range, an instance segmentation, or a class without a name.
    """
    _check(settings, segmentation, micrograph.path)
    roi, pixel_um = micrograph.roi, micrograph.calibration.pixel_um
    labels, classes = segmentation.labels, _ordered(segmentation.classes)
    values: dict[str, float | int | str] = dict(_values(labels, classes, roi, pixel_um))
    for number, name in classes.items():
        scatter = share_scatter(labels == number, roi)
        values[f"inner_scatter_percent.{name}"] = 100 * scatter.u
        values[f"inner_scatter_dof.{name}"] = scatter.dof
    shifted: dict[str, dict[str, float]] = {}
    for name, other in alternatives:
        shifted[name] = _values(other.labels, classes, roi, pixel_um)
        del other  # let go before the next one is made

    counted, marks = _point_count(micrograph, labels, classes, values, settings, standard)
    values["grid_points"] = counted.n
    for number, name in classes.items():
        values[f"points.{name}"] = counted.count(number)

    if segmentation.objects is not None:
        for key, count in zip(("like", "matrix"), contacts(segmentation.objects, roi), strict=True):
            values[f"contacts_{key}.{segmentation.classes[1]}"] = count

    tables: list[pd.DataFrame] = []
    for number, name in classes.items():
        if number:
            table = _features(labels == number, name, roi, pixel_um)
            values |= _feature_counts(table, name, labels, roi, settings, pixel_um)
            table["feature"] += sum(len(other) for other in tables)
            tables.append(table)
            inside = (labels == number) if roi is None else (labels == number) & roi
            values[f"line_percent.{name}"] = line_percent(inside)
            values[f"cells_percent.{name}"] = cells_percent(inside)
            if len(classes) > 2:
                values[f"rim_percent.{name}"] = rim_percent(
                    labels if roi is None else np.where(roi, labels, -1), number
                )
    features = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame({"feature": [], "class": []})
    judged = tuple(number for number in classes if number) if settings.tinted_grains else ()
    spread = _colors.spread_of(micrograph, segmentation.backend, labels, judged)
    values |= _colors.values_of(spread, segmentation)
    return FieldMeasurement(
        specimen=micrograph.specimen,
        section=micrograph.section,
        plane=micrograph.plane,
        field=micrograph.field,
        image=micrograph.path,
        shape_px=(labels.shape[0], labels.shape[1]),
        calibration=micrograph.calibration,
        values=values,
        features=features,
        alternatives=shifted,
        marks=marks,
        worst=_largest(features, pixel_um),
        notes=_notes(segmentation),
        read_off={
            _colors.SPREAD: spread,
            **_unseen.signs_of(micrograph, segmentation, found=bool(np.any(labels))),
            **facts_of_level(segmentation),
        },
    )


def point_classes(segmentation: Segmentation, settings: Settings) -> tuple[NDArray[np.uint8], tuple[PointClass, ...]]:  # noqa: ARG001
    """Give every pixel the class that a person would name there; the classes, each with the result that it is."""
    classes = segmentation.classes
    table = np.zeros(max(classes) + 1, np.uint8)
    table[list(classes)] = np.arange(len(classes))
    named = tuple(PointClass(name=name, quantity=f"area_percent.{name}") for name in classes.values())
    return table[segmentation.labels], named


def _check(settings: Settings, segmentation: Segmentation, where: str) -> None:
    if segmentation.kind != "semantic":
        msg = f"{where}: phase fraction needs classes, the backend '{segmentation.backend}' gives single objects"
        raise MeasurementError(msg)
    if len(segmentation.classes) < 2:
        msg = f"{where}: phase fraction needs two classes or more, got {', '.join(segmentation.classes.values())}"
        raise MeasurementError(msg)
    names = list(segmentation.classes.values())
    if len(set(names)) < len(names):
        msg = f"{where}: two classes have the same name: {', '.join(names)}"
        raise MeasurementError(msg)
    if not settings.wanted_ra_percent > 0:
        msg = f"settings.wanted_ra_percent: got {settings.wanted_ra_percent:g}, must be > 0"
        raise SettingsError(msg)
    if settings.smallest_feature_px2 < 1:
        msg = f"settings.smallest_feature_px2: got {settings.smallest_feature_px2}, must be 1 or more"
        raise SettingsError(msg)
    if settings.grid_points < 0 or round(settings.grid_points**0.5) ** 2 != settings.grid_points:
        msg = f"settings.grid_points: got {settings.grid_points}, must be a square number (16, 25, 49, 100) or 0"
        raise SettingsError(msg)


def _ordered(classes: Mapping[int, str]) -> dict[int, str]:
    """Classes of interest first, the matrix (0) last: ``combine`` takes the last one for the matrix."""
    return {number: classes[number] for number in sorted(classes, key=lambda number: (number == 0, number))}


def _values(
    labels: LabelImage, classes: Mapping[int, str], roi: Mask | None, pixel_um: float | None
) -> dict[str, float]:
    """Field values that follow from the class image alone."""
    shares = area_percent(labels, tuple(classes), roi)
    values = {f"area_percent.{name}": shares[number] for number, name in classes.items()}
    for number, name in classes.items():
        lines = line_counts(labels == number, roi)
        values[f"half_pixel_percent.{name}"] = 100 * 0.5 * lines.boundary_density
        if number and pixel_um is not None:
            for direction, per_px in _per_px(lines).items():
                values[f"intercepts_per_mm{direction}.{name}"] = 1e3 * per_px / pixel_um
    return values


def _per_px(lines: LineCounts) -> dict[str, float]:
    """Interceptions per length of line by the end of their names: all lines, horizontal and vertical ones. [1/px]"""
    return {
        _LINES["none"]: lines.per_px,
        _LINES["vertical"]: lines.across_rows / max(lines.length_rows_px, 1.0),
        _LINES["horizontal"]: lines.across_columns / max(lines.length_columns_px, 1.0),
    }


_LINES = {"none": "", "vertical": "_horizontal", "horizontal": "_vertical"}
"""Deformation axis -> end of the name of the interceptions by lines perpendicular to it; none: by both kinds."""


def _point_count(
    micrograph: Micrograph,
    labels: LabelImage,
    classes: Mapping[int, str],
    values: Mapping[str, float | int | str],
    settings: Settings,
    standard: Standard,
) -> tuple[points.GridCount, tuple[Mark, ...]]:
    """Count a systematic grid with a random start that depends on specimen and field, and on nothing in the image."""
    of_interest = {number: name for number, name in classes.items() if number}
    smallest = min(float(values[f"area_percent.{name}"]) for name in of_interest.values())
    n = settings.grid_points or astm_e562.grid_points(smallest, _edition(standard, "astm_e562_2019"))
    seed = (settings.seed, micrograph.field, crc32(micrograph.specimen.encode()))
    grid = points.grid((labels.shape[0], labels.shape[1]), n, seed)
    counted = points.count_points(labels, tuple(classes), grid, micrograph.roi)
    marks: list[Mark] = []
    for number, name in of_interest.items():
        layer = "point grid" if len(of_interest) == 1 else f"point grid, {name}"
        marks += points.marks(counted, number, name, layer)
    return counted, tuple(marks)


def _features(phase: Mask, name: str, roi: Mask | None, pixel_um: float | None) -> pd.DataFrame:
    inside = phase if roi is None else phase & roi
    table = region_table(connected(inside), pixel_um, roi=roi, shape_factors=False)
    table.insert(1, "class", name)
    return table


def _feature_counts(
    table: pd.DataFrame, name: str, labels: LabelImage, roi: Mask | None, settings: Settings, pixel_um: float | None
) -> dict[str, float | int | str]:
    """Features from the declared size on; those cut by the frame count 1/2 in the number per area (E1245)."""
    area = table["area_px2"].to_numpy()
    large = area >= settings.smallest_feature_px2
    weight = np.where(table["touches_edge"].to_numpy(bool), 0.5, 1.0)
    total = float(area.sum())
    values: dict[str, float | int | str] = {
        f"count.{name}": int(large.sum()),
        f"too_small_percent.{name}": 100 * float(area[~large].sum()) / total if total else 0.0,
    }
    if pixel_um is not None:
        field_mm2 = (labels.size if roi is None else int(np.count_nonzero(roi))) * pixel_um**2 * 1e-6
        values[f"count_per_mm2.{name}"] = float(weight[large].sum()) / field_mm2
    return values


def _largest(features: pd.DataFrame, pixel_um: float | None) -> tuple[Notable, ...]:
    column, unit = ("area_px2", "px2") if pixel_um is None else ("area_um2", "um2")
    if column not in features:
        return ()
    return tuple(
        Notable(
            feature=int(row["feature"]),
            value=float(row[column]),
            unit=unit,
            caption=f"largest features: {row['class']}" + (" (cut by the edge)" if row["touches_edge"] else ""),
            box=(int(row["top_px"]), int(row["left_px"]), int(row["bottom_px"]), int(row["right_px"])),
        )
        for row in features.nlargest(10, column).to_dict("records")
    )


def _notes(segmentation: Segmentation) -> tuple[str, ...]:
    if segmentation.settings.get("method_taken") == "nothing found":
        return ("No edge stands clear of the noise of this image: no phase was found.",)
    return ()


def _edition(standard: Standard, name: str) -> Standard:
    """The edition of the job if it is the one asked for, else the shipped one."""
    return standard if standard.id == _ID[name] else load_standard(name)


_ID = {"astm_e562_2019": "ASTM E562", "astm_e1245_2016": "ASTM E1245"}
_MANUAL = ("ASTM E562", "ISO 9042")
"""Standards of points that a person counts."""

_OWN_GRID = "own rule: grid of points on the class image, which no person looked at"


# ----------------------------------------------------------------------------------------------------- all fields


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """The fields of one specimen and what they share."""

    specimen: str
    fields: tuple[FieldMeasurement, ...]
    sections: tuple[str, ...]  # of every field
    classes: tuple[str, ...]  # the matrix last
    manual: Mapping[int, points.ManualCount]  # by field

    def column(self, name: str) -> list[float]:
        return [float(field.values[name]) for field in self.fields]


def combine(fields: Sequence[FieldMeasurement], settings: Settings, standard: Standard) -> Findings:
    """Make results, checks and tables of all fields; every specimen apart.

    Parameters
    ----------
    fields : sequence of FieldMeasurement
        All fields of a job, from ``measure_field``.
    settings : Settings
        See there.
    standard : Standard
        E562 or E1245.

    Raises
    ------
    MeasurementError
        No field; fields with different classes.
    ReadError
        The table of a manual point count is wrong.
    """
    groups = _groups(fields, settings)
    results: list[Result] = []
    checks: list[Check] = []
    warnings: list[str] = []
    summary: list[tuple[Cell, ...]] = []
    referee: list[tuple[Cell, ...]] = []
    sections: list[tuple[Cell, ...]] = []
    axes = {(group.specimen, name): _axis(group, name, settings) for group in groups for name in group.classes[:-1]}
    for group in groups:
        for name in group.classes:
            found = field_statistics(group.column(f"area_percent.{name}"), group.sections)
            is_matrix = name == group.classes[-1]
            area = _area_result(group, name, found, standard, main=not is_matrix)
            results.append(area)
            summary.append(_summary_row(group, name, found, area, settings))
            sections += _section_rows(group, name, found)
            points_found = _point_statistics(group, name)
            main = points_found.by_hand and standard.id in _MANUAL and not is_matrix
            results.append(_point_result(group, name, points_found, standard, main=main))
            check, row = _referee(group, name, points_found, area, standard)
            checks.append(check)
            referee.append(row)
            if is_matrix:
                continue
            checks += _class_checks(group, name, found, standard)
            if apart := disagreement(found.mean, _alternative_means(group, name)):
                warnings.append(
                    f"{_who(group)}{name}: two ways to choose the gray level disagree: {found.mean:.3g} %, but "
                    f"{apart}; U holds both"
                )
            checks.append(_shapes.line_check(group.fields, name, f"area_percent.{name}", settings.expected_shape))
            if len(group.classes) > 2:
                checks.append(_shapes.rim_check(group.fields, name, f"area_percent.{name}", settings.expected_shape))
            checks += matrix_check(group.fields, name)
            if found.ci95 is not None and found.mean - found.ci95 < 0:
                warnings.append(
                    f"{_who(group)}{name}: the 95 % interval of the fields reaches below zero "
                    f"({found.mean:.3g} ± {found.ci95:.3g} %): too few fields for so small a share, "
                    "outside the validity of the method"
                )
            results.append(_worst_field(group, name, standard))
            results += _contiguity(group, name)
            results += _stereology(group, name, axes[group.specimen, name], standard)
        checks += _specimen_checks(group, settings, standard)
        checks += own_gray_checks(group.fields)
        checks += outline_checks(group.fields)
        checks += _unseen.checks_of(group.fields, "any phase of interest")
        checks += _colors.checks_of(
            group.fields, "the classes of interest" if settings.tinted_grains else "the classes"
        )
        warnings += _colors.warnings_of(group.fields, group.classes[0])
        if len(group.fields) == 1:
            warnings.append(
                f"{_who(group)}one field only: U takes the scatter between fields from the arrangement inside this "
                "one; differences between places that are farther apart are not in it"
            )
    return Findings(
        results=tuple(results),
        checks=tuple(checks),
        measurements=_measurements(fields),
        statements=_statements(axes, settings),
        deviations=tuple(dict.fromkeys(text for group in groups for text in _deviations(group, standard))),
        tables=tuple(_tables(summary, referee, sections, settings)),
        charts=_charts(groups),
        warnings=tuple(warnings),
    )


def check_tables(settings: Settings, fields: Set[tuple[str, int]]) -> None:
    """Read the table of a job before a field (specimen, number) is measured; its classes are known after that only.

    Raises
    ------
    ReadError
        With file, line and column.
    """
    _manual(settings, None, fields)


def _manual(
    settings: Settings, classes: tuple[str, ...] | None, known: Set[tuple[str, int]]
) -> dict[str, dict[int, points.ManualCount]]:
    """Manual counts of every specimen and field."""
    manual: dict[str, dict[int, points.ManualCount]] = {}
    for count in points.read_counts(Path(settings.counts), classes) if settings.counts else ():
        if (count.specimen, count.field) not in known:
            msg = (
                f"{settings.counts}: specimen '{count.specimen}' field {count.field} is not a field of this job; "
                "fields are numbered from 1 in the order of the images"
            )
            raise ReadError(msg)
        manual.setdefault(count.specimen, {})[count.field] = count
    return manual


def _groups(fields: Sequence[FieldMeasurement], settings: Settings) -> list[_Group]:
    if not fields:
        msg = "phase fraction: no field was measured"
        raise MeasurementError(msg)
    classes = _classes(fields[0])
    for field in fields[1:]:
        if _classes(field) != classes:
            msg = (
                f"phase_fraction: {field.image} has classes {', '.join(_classes(field))}, {fields[0].image} has "
                f"{', '.join(classes)}; give every field the same classes"
            )
            raise MeasurementError(msg)
    manual = _manual(settings, classes, {(field.specimen, field.field) for field in fields})
    groups = []
    for specimen in dict.fromkeys(field.specimen for field in fields):
        own = tuple(field for field in fields if field.specimen == specimen)
        groups.append(
            _Group(
                specimen=specimen,
                fields=own,
                sections=tuple(field.section for field in own),
                classes=classes,
                manual=manual.get(specimen, {}),
            )
        )
    return groups


def _classes(field: FieldMeasurement) -> tuple[str, ...]:
    prefix = "area_percent."
    return tuple(name.removeprefix(prefix) for name in field.values if name.startswith(prefix))


def _who(group: _Group) -> str:
    return f"specimen {group.specimen}, "


def _segmentation(group: _Group, name: str, found: FieldStatistics) -> Component:
    """Half range over the alternatives of the field means; else half a pixel of boundary."""
    others = _alternative_means(group, name)
    if others:
        means = [found.mean, *others.values()]
        return Component(
            name="segmentation",
            u=half_range(means),
            kind="B",
            basis=f"field means with {', '.join(others)}: {min(means):.4g} to {max(means):.4g} %, rectangular",
        )
    half = field_statistics(group.column(f"half_pixel_percent.{name}"), group.sections).mean
    return Component(
        name="segmentation",
        u=half / sqrt(3),
        kind="B",
        basis=f"± half a pixel of boundary: ± {half:.3g} %, rectangular",
    )


def _alternative_means(group: _Group, name: str) -> dict[str, float]:
    """Mean area share over the fields in every alternative; a field without it keeps its own. [%]"""
    key = f"area_percent.{name}"
    names = dict.fromkeys(other for field in group.fields for other in field.alternatives)
    return {
        other: field_statistics(
            [float(field.alternatives.get(other, field.values)[key]) for field in group.fields], group.sections
        ).mean
        for other in names
    }


def _sampling(group: _Group, name: str, found: FieldStatistics) -> tuple[Component, ...]:
    u, dof = (group.column(f"inner_scatter_{what}.{name}") for what in ("percent", "dof"))
    scatters = [ShareScatter(u=one / 100, dof=two) for one, two in zip(u, dof, strict=True)]
    return sampling_lines(found, group.column(f"area_percent.{name}"), scatters)


def _area_result(group: _Group, name: str, found: FieldStatistics, standard: Standard, *, main: bool) -> Result:
    return evaluated(
        Result(
            quantity=f"area_percent.{name}",
            specimen=group.specimen,
            value=found.mean,
            unit="%",
            n=found.n,
            clause=_clause(_edition(standard, "astm_e1245_2016"), "area fraction by image analysis, mean over fields"),
            definition="pixels of the class / pixels of the region, mean over fields (mean of section means)/1",
            budget=(*_sampling(group, name, found), _segmentation(group, name, found)),
            title=f"Area fraction {name}" + (", image analysis" if standard.id in _MANUAL else ""),
            main=main,
        )
    )


def _clause(standard: Standard, text: str) -> str:
    return f"{designation(standard)}: {text}"


# ----------------------------------------------------------------------------------------------------- point count


@dataclass(frozen=True, slots=True, kw_only=True)
class _Points:
    """A point count of one class, by hand where the job has one, else by the grid on the class image."""

    statistics: FieldStatistics  # of P_P(i) [%]
    total: int  # points of all fields
    by_hand: bool
    area_mean: float  # area share of the same fields [%]


def _point_statistics(group: _Group, name: str) -> _Points:
    manual = {i: count for i, count in group.manual.items() if name in count.counts}
    chosen = [field for field in group.fields if not manual or field.field in manual]
    shares, grids = [], []
    for field in chosen:
        if manual:
            n, count = manual[field.field].grid_points, manual[field.field].counts[name]
        else:
            n, count = int(field.values["grid_points"]), float(field.values[f"points.{name}"])
        if n:
            shares.append(astm_e562.point_percent(count, n))
            grids.append((field, n))
    if not grids:
        msg = f"phase_fraction: specimen {group.specimen}: no point of the grid inside the region; take more points"
        raise MeasurementError(msg)
    sections = [field.section for field, _ in grids]
    areas = [float(field.values[f"area_percent.{name}"]) for field, _ in grids]
    return _Points(
        statistics=field_statistics(shares, sections),
        total=sum(n for _, n in grids),
        by_hand=bool(manual),
        area_mean=field_statistics(areas, sections).mean,
    )


def _point_result(group: _Group, name: str, found: _Points, standard: Standard, *, main: bool) -> Result:
    by = "counted by hand" if found.by_hand else "systematic grid on the class image"
    return evaluated(
        Result(
            quantity=f"point_percent.{name}",
            specimen=group.specimen,
            value=found.statistics.mean,
            unit="%",
            n=found.statistics.n,
            clause=_clause(
                standard if standard.id in _MANUAL else load_standard("astm_e562_2019"), "point count, mean P_P"
            )
            if found.by_hand
            else f"{_OWN_GRID}, mean P_P",
            definition=f"points on the class / points of the grid, boundary 1/2, mean over fields, {by}/1",
            budget=scatter_line(found.statistics),
            title=f"Point count {name}",
            main=main,
        )
    )


def _referee(
    group: _Group, name: str, counted: _Points, area: Result, standard: Standard
) -> tuple[Check, tuple[Cell, ...]]:
    """Compare point count and area share of the same fields, allowing for the chance of the points.

    Independent points have the variance p (1 - p) / P; a systematic grid has less, so the limit is on
    the safe side. A half point more allows for the whole number of points. By hand the phase border is
    another one than that of the program, so the segmentation line counts too.
    """
    p = min(max(counted.area_mean / 100, 0.0), 1.0)
    u_points = 100 * sqrt(p * (1 - p) / counted.total)
    u_border = sum(line.u for line in area.budget if line.name == "segmentation") if counted.by_hand else 0.0
    allowed = _SIGMAS * sqrt(u_points**2 + u_border**2) + 100 * astm_e562.HALF / counted.total
    difference = abs(counted.statistics.mean - counted.area_mean)
    by = "by hand" if counted.by_hand else "by grid"
    check = Check(
        name=f"Point count {by} against area, {name}",
        value=difference,
        relation="<=",
        limit=allowed,
        unit="%",
        passed=difference <= allowed,
        clause=_clause(_edition(standard, "astm_e562_2019"), "point count as referee on the same fields")
        if counted.by_hand
        else f"{_OWN_GRID}: checks the sampling, and not the segmentation",
        scope="consistency",
        specimen=group.specimen,
        note=f"{counted.total} points on {counted.statistics.n} fields; limit: 3 standard deviations of it",
    )
    row: tuple[Cell, ...] = (
        group.specimen,
        name,
        by,
        counted.statistics.n,
        counted.total,
        counted.statistics.mean,
        counted.statistics.ci95,
        counted.statistics.ra_percent,
        counted.area_mean,
        difference,
        allowed,
    )
    return check, row


# ---------------------------------------------------------------------------------------------------------- checks


def _rule(
    standard: Standard, name: str, value: float | None, specimen: str, what: str = "", note: str = ""
) -> tuple[Check, ...]:
    """Judge a value by the rule of the edition of the job, or of another one where this has none.

    The rule of another edition is good practice: no conformity to that of the job follows from it.
    """
    holder = standard
    if name not in standard.rules:
        holder = next(edition for edition in (load_standard(other) for other in STANDARDS) if name in edition.rules)
    check = check_rule(holder, name, value, specimen=specimen, note=note)
    if check is None:
        return ()
    if holder is not standard:
        check = replace(check, scope="practice")
    return (replace(check, name=f"{check.name}, {what}") if what else check,)


def _class_checks(group: _Group, name: str, found: FieldStatistics, standard: Standard) -> tuple[Check, ...]:
    checks = _rule(
        standard,
        "relative_accuracy",
        found.ra_percent,
        group.specimen,
        name,
        "" if found.ra_percent is not None else "needs two fields in every section and a share above zero",
    )
    if found.ci95 is not None:
        checks += _rule(standard, "lower_limit", found.mean - found.ci95, group.specimen, name)
    if len(found.sections) > 1:
        gap = _section_gap(found)
        checks += _rule(
            standard,
            "sections_overlap",
            gap,
            group.specimen,
            name,
            "sections are combined as the mean of their means"
            if gap is not None and gap <= 0
            else "the sections differ: read them apart, the mean describes none of them",
        )
    if found.mean in (0.0, 100.0):
        # nothing varies, so that no scatter can be told, neither between the fields nor inside them
        checks += (
            plausibility.check(
                f"Standard uncertainty by sampling, {name}",
                None,
                "<=",
                100.0,
                "%",
                clause="own rule: what was not seen at all has no sampling uncertainty that could be stated",
                specimen=group.specimen,
                quantities=(f"area_percent.{name}",),
            ),
        )
    small = max(group.column(f"too_small_percent.{name}"))
    checks += (
        Check(
            name=f"Area in features below the smallest counted size, {name}",
            value=small,
            relation="<=",
            limit=_TOO_SMALL_PERCENT,
            unit="%",
            passed=small <= _TOO_SMALL_PERCENT,
            clause="own rule: what is too small to be resolved must not matter",
            scope="image",
            specimen=group.specimen,
            note="of the area of the class, worst field",
        ),
    )
    return checks


def _section_gap(found: FieldStatistics) -> float | None:
    """Largest gap between the 95 % intervals of any two sections; 0 or less when all overlap."""
    ends = [(mean - ci95, mean + ci95) for _, mean, _, ci95 in found.sections if ci95 is not None]
    if len(ends) < len(found.sections):
        return None
    return max(low for low, _ in ends) - min(high for _, high in ends)


def _specimen_checks(group: _Group, settings: Settings, standard: Standard) -> tuple[Check, ...]:
    per_section = min(group.sections.count(section) for section in group.sections)
    grid = min(int(field.values["grid_points"]) for field in group.fields)
    if group.manual:
        grid = min(count.grid_points for count in group.manual.values())
    by_hand: tuple[Check, ...] = ()
    if standard.id in _MANUAL:
        share = 100 * len({field.field for field in group.fields} & set(group.manual)) / len(group.fields)
        by_hand = _rule(standard, "counted_by_hand", share, group.specimen)
    return (
        *by_hand,
        *_rule(standard, "fields", float(per_section), group.specimen, note="smallest section of the specimen"),
        *_rule(standard, "grid_points", float(grid), group.specimen, note="points of the grid inside the region"),
        *_rule(standard, "smallest_feature", float(settings.smallest_feature_px2), group.specimen),
    )


def _deviations(group: _Group, standard: Standard) -> tuple[str, ...]:
    """Say what is done otherwise than the edition of the job says."""
    if standard.id not in _MANUAL or len(group.manual) == len(group.fields):
        return ()
    said = f"{_who(group)}the area fraction is by image analysis, and a program counts the points of the grid: "
    return (f"{said}{designation(standard)} is a count by a person (give the table of a count in settings.counts)",)


# ------------------------------------------------------------------------------------------------------ stereology


_ELONGATED = 1.5  # N_L in one direction over that in the other, from which a structure has an axis
_SURE = 3.0  # standard deviations of the logarithm of that ratio, about 1 / sqrt(features)


def _axis(group: _Group, name: str, settings: Settings) -> str:
    """Deformation axis in the images: as stated, or along the lines that cross clearly fewer features."""
    if settings.axis != "auto" or any(field.calibration.pixel_um is None for field in group.fields):
        return settings.axis
    horizontal, vertical = (
        field_statistics(group.column(f"intercepts_per_mm_{lines}.{name}"), group.sections).mean
        for lines in ("horizontal", "vertical")
    )
    features = sum(group.column(f"count.{name}"))
    if not features or not max(horizontal, vertical):
        return "none"
    sure = exp(max(log(_ELONGATED), _SURE / sqrt(features)))
    if vertical > sure * horizontal:
        return "horizontal"
    return "vertical" if horizontal > sure * vertical else "none"


def _worst_field(group: _Group, name: str, standard: Standard) -> Result:
    """The field with the largest share: one observed maximum, whose U is that of the segmentation of this field."""
    worst = max(group.fields, key=lambda field: float(field.values[f"area_percent.{name}"]))
    alone = replace(group, fields=(worst,), sections=(worst.section,))
    found = field_statistics(alone.column(f"area_percent.{name}"))
    return evaluated(
        Result(
            quantity=f"worst_field_percent.{name}",
            specimen=group.specimen,
            value=found.mean,
            unit="%",
            n=len(group.fields),
            clause=_clause(_edition(standard, "astm_e1245_2016"), "worst field"),
            definition="largest area share of a field that was measured, not of the specimen/1",
            budget=(_segmentation(alone, name, found),),
            title=f"Largest area fraction of a field {name} (field {worst.field})",
        )
    )


def _contiguity(group: _Group, name: str) -> list[Result]:
    """Share of the surface of the objects of a class that they share with each other: C = 2 N_aa / (2 N_aa + N_ab)."""
    if any(f"contacts_like.{name}" not in field.values for field in group.fields):
        return []
    top = 2 * np.asarray(group.column(f"contacts_like.{name}"))
    bottom = top + np.asarray(group.column(f"contacts_matrix.{name}"))
    per_field = field_statistics(bottom.tolist(), group.sections).mean
    if not per_field:
        return []
    value = field_statistics(top.tolist(), group.sections).mean / per_field
    scatter = field_statistics(((top - value * bottom) / per_field).tolist(), group.sections)
    return [
        evaluated(
            Result(
                quantity=f"contiguity.{name}",
                specimen=group.specimen,
                value=value,
                unit="1",
                n=len(group.fields),
                clause="J. Gurland, Trans. AIME 212 (1958) 452: 2 N_aa / (2 N_aa + N_ab)",
                definition="crossings from object to object and to matrix by all rows and columns, over all fields/1",
                budget=scatter_line(scatter),
                title=f"Contiguity {name}",
            )
        )
    ]


def _stereology(group: _Group, name: str, axis: str, standard: Standard) -> list[Result]:
    """Measures of E1245 from the means of the fields; a ratio of means, with the scatter of both in its budget.

    N_L is taken perpendicular to the axis of an elongated structure, and by lines of both directions where it has none.
    """
    if any(field.calibration.pixel_um is None for field in group.fields):
        return []
    area = np.asarray(group.column(f"area_percent.{name}")) / 100
    # of the features that N_A counts
    counted = area * (1 - np.asarray(group.column(f"too_small_percent.{name}")) / 100)
    lines = np.asarray(group.column(f"intercepts_per_mm{_LINES[axis]}.{name}"))
    count = np.asarray(group.column(f"count_per_mm2.{name}"))
    u_scale = max(field.calibration.u_rel for field in group.fields)
    share = field_statistics(area.tolist(), group.sections)
    u_area = _segmentation(group, name, field_statistics((100 * area).tolist(), group.sections)).u / 100
    n_l = field_statistics(lines.tolist(), group.sections).mean
    n_a = field_statistics(count.tolist(), group.sections).mean
    one = np.ones_like(area)
    made: list[Result] = []

    def add(quantity: str, value: float, top: Any, bottom: Any, power: int, u_share: float) -> None:
        """One measure: value, its numerator and denominator per field, power of the scale, sensitivity to A_A."""
        unit = QUANTITIES[f"{quantity}.*"].unit
        per_mean = field_statistics(bottom.tolist(), group.sections).mean
        factor = value / (field_statistics(top.tolist(), group.sections).mean / per_mean)
        rest = factor * (top - bottom * value / factor) / per_mean
        budget = list(scatter_line(field_statistics(rest.tolist(), group.sections)))
        if u_share:
            basis = "that of the area fraction carried over; the interceptions and the count are taken as found"
            budget.append(Component(name="segmentation", u=u_share * u_area, kind="B", basis=basis))
        if u_scale:
            basis = f"relative standard uncertainty {100 * u_scale:.3g} % of the pixel size, {power} times"
            budget.append(Component(name="scale", u=power * u_scale * value, kind="B", basis=basis))
        made.append(
            evaluated(
                Result(
                    quantity=f"{quantity}.{name}",
                    specimen=group.specimen,
                    value=value,
                    unit=unit,
                    n=len(group.fields),
                    clause=_clause(_edition(standard, "astm_e1245_2016"), _CLAUSES[quantity]),
                    definition=f"{_DEFINITIONS[quantity].format(lines=_CROSSING[axis])}/1",
                    budget=tuple(budget),
                    title=f"{QUANTITIES[f'{quantity}.*'].title} {name}",
                )
            )
        )

    if n_l > 0:
        path = astm_e1245.mean_free_path_um(share.mean, n_l)
        add("mean_free_path_um", path, 1 - area, lines, 1, 1e3 / n_l)
        add("mean_spacing_um", astm_e1245.mean_spacing_um(n_l), one, lines, 1, 0.0)
        add("mean_intercept_um", astm_e1245.mean_intercept_um(share.mean, n_l), area, lines, 1, 1e3 / n_l)
        add("intercepts_per_mm", n_l, lines, one, 1, 0.0)
    for kind in ("horizontal", "vertical"):
        directed = np.asarray(group.column(f"intercepts_per_mm_{kind}.{name}"))
        if directed.any():
            mean = field_statistics(directed.tolist(), group.sections).mean
            add(f"intercepts_per_mm_{kind}", mean, directed, one, 1, 0.0)
    if n_a > 0:
        mean_share = field_statistics(counted.tolist(), group.sections).mean
        add("mean_area_um2", astm_e1245.mean_area_um2(mean_share, n_a), counted, count, 2, 1e6 / n_a)
        add("count_per_mm2", n_a, count, one, 2, 0.0)
    return made


_CROSSING = {
    "none": "all rows and columns",
    "horizontal": "all columns, perpendicular to the axis of the structure",
    "vertical": "all rows, perpendicular to the axis of the structure",
}
"""Deformation axis -> lines that count."""
_CLAUSES = {
    "mean_free_path_um": "mean free path, lambda = (1 - A_A) / N_L",
    "mean_spacing_um": "mean spacing, 1 / N_L",
    "mean_intercept_um": "mean intercept length, A_A / N_L",
    "intercepts_per_mm": "interceptions per length of line, N_L",
    "intercepts_per_mm_horizontal": "interceptions per length of line, N_L",
    "intercepts_per_mm_vertical": "interceptions per length of line, N_L",
    "mean_area_um2": "mean area, A_A / N_A",
    "count_per_mm2": "features per area, N_A",
}
_DEFINITIONS = {
    "mean_free_path_um": "(1 - mean A_A) / mean N_L over fields, N_L by {lines}",
    "mean_spacing_um": "1 / mean N_L over fields, from one interception to the same place of the next",
    "mean_intercept_um": "mean A_A / mean N_L over fields, N_L by {lines}",
    "intercepts_per_mm": "interceptions by {lines} / their length, chords cut by the frame 1/2, mean",
    "intercepts_per_mm_horizontal": "interceptions by all rows / their length, chords cut by the frame 1/2, mean",
    "intercepts_per_mm_vertical": "interceptions by all columns / their length, chords cut by the frame 1/2, mean",
    "mean_area_um2": "mean area share of the counted features / mean N_A over fields",
    "count_per_mm2": "8-connected features of the declared size and more / area, cut by the frame 1/2, mean",
}


# ---------------------------------------------------------------------------------------------- tables and charts


def _summary_row(
    group: _Group, name: str, found: FieldStatistics, area: Result, settings: Settings
) -> tuple[Cell, ...]:
    total = fields_for_accuracy(found, settings.wanted_ra_percent) if len(found.sections) == 1 else None
    return (
        group.specimen,
        name,
        found.n,
        found.mean,
        found.s,
        found.ci95,
        found.ra_percent,
        area.expanded_u,
        None if total is None else max(0, total - found.n),
    )


def _section_rows(group: _Group, name: str, found: FieldStatistics) -> list[tuple[Cell, ...]]:
    if len(found.sections) < 2:
        return []
    return [(group.specimen, name, section, n, mean, ci95) for section, mean, n, ci95 in found.sections]


def _tables(
    summary: Sequence[tuple[Cell, ...]],
    referee: Sequence[tuple[Cell, ...]],
    sections: Sequence[tuple[Cell, ...]],
    settings: Settings,
) -> Iterable[Table]:
    wanted = f"{settings.wanted_ra_percent:g} %RA"
    yield Table(
        title="Area fraction by field statistics",
        columns=(
            "Specimen",
            "Class",
            "Fields",
            "Mean [%]",
            "s [%]",
            "95 % CI ± [%]",
            "%RA",
            "U [%]",
            f"More fields for {wanted}",
        ),
        rows=tuple(summary),
        note="95 % CI: Student's t over fields, scatter only. U: with the segmentation line of the budget. "
        "More fields: with the scatter found here, at places that do not overlap.",
    )
    if sections:
        yield Table(
            title="Area fraction by section",
            columns=("Specimen", "Class", "Section", "Fields", "Mean [%]", "95 % CI ± [%]"),
            rows=tuple(sections),
            note="Sections are reported apart; the result is the mean of their means.",
        )
    yield Table(
        title="Point count against area",
        columns=(
            "Specimen",
            "Class",
            "Count",
            "Fields",
            "Points",
            "Point count [%]",
            "95 % CI ± [%]",
            "%RA",
            "Area, same fields [%]",
            "Difference [%]",
            "Allowed [%]",
        ),
        rows=tuple(referee),
        note="Inside 1, on the boundary 1/2. The difference must be within the chance of the points.",
    )


def _charts(groups: Sequence[_Group]) -> tuple[Chart, ...]:
    charts = []
    for group in groups:
        if len(group.fields) < 2:
            continue
        names = tuple(str(field.field) for field in group.fields)
        at = tuple(float(i) for i in range(len(names)))
        charts.append(
            Chart(
                kind="bars",
                title="Area fraction by field" + (f", specimen {group.specimen}" if len(groups) > 1 else ""),
                x_label="Field",
                y_label="Area fraction [%]",
                series=tuple(
                    Series(name=name, x=at, y=tuple(group.column(f"area_percent.{name}")))
                    for name in group.classes[:-1]
                ),
                categories=names,
            )
        )
    return tuple(charts)


def _crossing(axes: Mapping[tuple[str, str], str], settings: Settings) -> str:
    """Say by which lines N_L was counted, and why; ``axes`` by specimen and class."""
    how = "stated" if settings.axis != "auto" else "found: lines of the other direction cross fewer features"
    said = [
        f"specimen {specimen}, {name}: by {_CROSSING[axis]} ({axis}, {how})"
        for (specimen, name), axis in axes.items()
        if axis not in ("auto", "none")
    ]
    return "; ".join(said) or "by rows and columns together: the structure has no axis along them"


def _statements(axes: Mapping[tuple[str, str], str], settings: Settings) -> tuple[Statement, ...]:
    grid = (
        f"{settings.grid_points} points" if settings.grid_points else "points by the E562 guidance from the area share"
    )
    return (
        Statement(
            name="Area fraction",
            text="Area share of each class by image analysis (ASTM E1245 type). A grid of points on the same fields is "
            "its referee where a person counted it (a table of the job); the grid that the program lays on its own "
            "class image checks the sampling alone. Volume fraction equals the area share where the plane is random.",
        ),
        Statement(
            name="Statistics",
            text="The field is the statistical unit. Fields are taken to lie apart and at random or systematic places; "
            "tiles of one panorama are not independent fields. Several sections are the sample; with one section "
            "U does not hold what differs between sections.",
        ),
        Statement(name="Scale", text="Area and point fractions are ratios: the pixel size has no effect on them."),
        Statement(
            name="Point count",
            text=f"Systematic grid, {grid}, random start (seed {settings.seed}); a point within half a pixel of the "
            "boundary counts 1/2." + (f" By hand: {Path(settings.counts).name}." if settings.counts else ""),
        ),
        Statement(
            name="Lines and counts",
            text="Mean free path, spacing and intercept after ASTM E1245, from interceptions "
            + _crossing(axes, settings)
            + ".",
        ),
        Statement(
            name="Features",
            text=f"8-connected, {settings.smallest_feature_px2} px² and more are counted; smaller ones stay in "
            "the area share. Features cut by the frame count 1/2 in the number per area.",
        ),
    )


def _measurements(fields: Sequence[FieldMeasurement]) -> Measurements:
    rows = [
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
    tables = []
    for field in fields:
        table = field.features.copy()
        table.insert(0, "specimen", field.specimen)
        table.insert(1, "section", field.section)
        table.insert(2, "field", field.field)
        tables.append(table)
    filled = [table for table in tables if len(table)] or tables[:1]
    return Measurements(features=pd.concat(filled, ignore_index=True), fields=pd.DataFrame(rows))
