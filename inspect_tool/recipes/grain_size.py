"""Grain size after ASTM E112, E1382 and ISO 643: one segmentation, every method on the same grains.

``measure_field`` counts one field: test lines in four directions over the whole field, grains in a
rectangle (Saltykov), areas of whole grains weighted for the frame, and the test figure of the job's
method, drawn with every counted hit. ``combine`` turns the mean measurement of the fields, never the
mean of their numbers, into G, with its budget, the sampling rules of the edition, and warnings where
one number does not describe the structure (duplex, elongated or lamellar grains, outliers).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import log, sqrt
from typing import Any

import numpy as np
import pandas as pd

from inspect_tool.errors import MeasurementError
from inspect_tool.formulas import astm_e112
from inspect_tool.measure import duplex, figures, intercepts
from inspect_tool.measure.fields import FieldStatistics, scatter_line
from inspect_tool.measure.regions import region_table
from inspect_tool.model import (
    Cell,
    Check,
    Component,
    FieldMeasurement,
    Findings,
    Mark,
    Measurements,
    Micrograph,
    Notable,
    Quantity,
    Result,
    Segmentation,
    Standard,
)
from inspect_tool.recipes._grain_field import (
    GrainField,
    check_settings,
    measured_values,
    prepared,
    valid_area,
    with_grain_columns,
)
from inspect_tool.recipes._grain_method import (
    METHOD_TITLES,
    Estimate,
    Settings,
    basis,
    grain_number,
    is_size,
    power,
    rounded,
    statistics,
)
from inspect_tool.recipes._grain_pages import (
    CHORD_EDGES_UM,
    bound_rows,
    bound_table,
    charts,
    direction_rows,
    direction_table,
    lot_table,
    outlier_table,
    statements,
    statistics_rows,
    statistics_table,
)
from inspect_tool.recipes._grain_rules import (
    checks,
    consistency_warnings,
    duplex_warnings,
    largest_grain,
    shape_warnings,
)
from inspect_tool.uncertainty import evaluated, half_range

__all__ = [
    "BACKEND",
    "MASKS",
    "QUANTITIES",
    "QUESTION",
    "STANDARDS",
    "TITLE",
    "Settings",
    "combine",
    "measure_field",
]


TITLE = "Grain size"
QUESTION = "count"
MASKS: tuple[str, ...] = ("labels", "boundaries")  # what a mask of the user may be
STANDARDS = ("astm_e112_2013", "astm_e112_2024", "iso_643_2019", "astm_e1382_1997")
BACKEND: Mapping[str, Any] = {"name": "unet", "model": "grain_boundary"}
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


# a count of a Saltykov rectangle is 0.4 of a grain too high on a Poisson-Voronoi mosaic
_RECTANGLE_BIAS_GRAINS = 0.4


# ------------------------------------------------------------------------------------------------ one field


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
    check_settings(settings)
    where = f"grain_size: {micrograph.path or 'image'}"
    pixel_um = micrograph.calibration.pixel_um
    kept: dict[str, tuple[int, ...]] = {}
    field = prepared(micrograph, segmentation, settings, where, kept)
    table = _table(field, pixel_um)
    values, figure_marks = measured_values(field, table, pixel_um, settings, standard, where)
    # other segmentations are counted with the same figure, so that only the grains differ
    same = replace(settings, figure_magnification=values.get("figure_magnification", settings.figure_magnification))
    if "figure_lines" in values:
        same = replace(same, placements=int(values["figure_lines"]) // len(figures.ORIENTATIONS_DEG))
    other: dict[str, Mapping[str, float]] = {}
    notes = list(field.notes)
    for name, alternative in alternatives:
        try:
            changed = prepared(micrograph, alternative, same, where, kept, name)
            other[name], _ = measured_values(changed, _table(changed, pixel_um), pixel_um, same, standard, where)
            del changed
        except MeasurementError as error:
            notes.append(f"The other segmentation '{name}' could not be measured: {error}")
        del alternative  # before the next one is made
    table = with_grain_columns(field.labels, table, field.window, pixel_um, standard)
    local = duplex.local_intercepts(field.labels, float(table["area_px2"].mean()))
    curves: dict[str, tuple[float, ...]] = {}
    marks = list(figure_marks)
    if pixel_um is not None:
        chords = intercepts.chord_lengths(field.labels) * pixel_um
        curves["intercept_counts"] = tuple(np.histogram(chords, bins=CHORD_EDGES_UM)[0].astype(float).tolist())
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
        notes=tuple(notes),
        curves=curves,
        missed_u_rel=segmentation.missed_u_rel,
        read_off=kept,
    )


def _table(field: GrainField, pixel_um: float | None) -> pd.DataFrame:
    labels = field.labels
    grains = labels if int(labels.min()) >= 0 else np.maximum(labels, 0)
    return region_table(grains, pixel_um, roi=valid_area(labels), shape_factors=False)


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
                    label=f"G {grain_number('n_l_per_mm', 1e3 / (mean * pixel_um), standard):.1f}",
                )


# -------------------------------------------------------------------------------------------- test figures


# ---------------------------------------------------------------------------------------------- all fields


def combine(fields: Sequence[FieldMeasurement], settings: Settings, standard: Standard) -> Findings:
    """Make results, checks, tables and warnings of all fields of a job."""
    scaled = all(field.calibration.pixel_um is not None for field in fields)
    features = _features(fields)
    results: list[Result] = []
    judged: list[Check] = []
    warnings: list[str] = []
    measured: list[tuple[Cell, ...]] = []
    bounds: list[tuple[Cell, ...]] = []
    directions: list[tuple[Cell, ...]] = []
    outliers: list[tuple[Cell, ...]] = []
    means: list[Estimate] = []
    for specimen in dict.fromkeys(field.specimen for field in fields):
        own = [field for field in fields if field.specimen == specimen]
        grains = features[features["specimen"] == specimen]
        estimates = _estimates(own, settings, scaled)
        found = tuple(_results(estimates, own, grains, settings, standard, specimen, scaled))
        results += found
        judged += checks(estimates, found, own, settings, standard, specimen, scaled)
        warnings += shape_warnings(own, grains, specimen)
        for estimate in estimates.values():
            measured += statistics_rows(estimate, specimen)
            if scaled:
                bounds += bound_rows(estimate, standard, specimen)
        if scaled:
            directions += direction_rows(own, standard, specimen)
            row, warning = largest_grain(grains, standard, specimen)
            outliers.append(row)
            warnings += [*warning, *duplex_warnings(own, grains, standard, specimen)]
            means.append(estimates[basis(settings.method)[0]])
            warnings += consistency_warnings(judged, own, grains, specimen)
    tables = [statistics_table(measured)]
    if scaled:
        tables += [bound_table(bounds, standard), direction_table(directions, settings), outlier_table(outliers)]
        if len(means) > 1:
            tables.append(lot_table(means, fields, settings, standard))
    return Findings(
        results=tuple(results),
        checks=tuple(judged),
        measurements=Measurements(features=features, fields=_field_rows(fields)),
        statements=statements(fields, settings, standard, scaled),
        tables=tuple(tables),
        charts=charts(fields, features, standard) if scaled else (),
        warnings=tuple(warnings),
    )


def _features(fields: Sequence[FieldMeasurement]) -> pd.DataFrame:
    keys = ("specimen", "section", "field")
    named = [f.features.assign(specimen=f.specimen, section=f.section, field=f.field) for f in fields]
    features = pd.concat(named, ignore_index=True)
    return features[[*keys, *(column for column in features if column not in keys)]]


def _field_rows(fields: Sequence[FieldMeasurement]) -> pd.DataFrame:
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


def _estimates(fields: Sequence[FieldMeasurement], settings: Settings, scaled: bool) -> dict[str, Estimate]:
    keys: tuple[str, ...] = (
        ("n_l_per_mm", "grains_per_mm2", "mean_grain_area_um2", basis(settings.method)[0], "anisotropy_index")
        if scaled
        else ("anisotropy_index",)
    )
    if settings.second_phase not in ("none", "given"):
        keys += ("matrix_percent",)
    found = {}
    for key in dict.fromkeys(keys):
        if all(key in field.values for field in fields):
            found[key] = _estimate(key, fields, settings)
    if scaled and basis(settings.method)[0] not in found:
        msg = (
            "grain_size: no grain lies wholly inside a field, so that there is no mean area; "
            "use larger images or another method"
        )
        raise MeasurementError(msg)
    return found


def _estimate(key: str, fields: Sequence[FieldMeasurement], settings: Settings) -> Estimate:
    """Mean over fields; sections cut on different planes are joined as cube roots (ASTM E112, non-equiaxed)."""
    planes = [plane for plane in dict.fromkeys(field.plane for field in fields) if plane != "not stated"]
    several = len(planes) > 1 and all(field.plane != "not stated" for field in fields) and is_size(key)
    parts: list[tuple[str, FieldStatistics]] = []
    note = ""
    if not several:
        parts.append(("", statistics(key, fields)))
    elif key == "n_l_per_mm" and set(planes) == {"longitudinal", "transverse"}:
        # directed lines: along and across on the longitudinal plane, across on the transverse one
        along, across = [[f for f in fields if f.plane == plane] for plane in ("longitudinal", "transverse")]
        parts = [
            ("longitudinal, 0 deg", statistics("n_l_0deg_per_mm", along)),
            ("longitudinal, 90 deg", statistics("n_l_90deg_per_mm", along)),
            ("transverse, 90 deg", statistics("n_l_90deg_per_mm", across)),
        ]
        note = "cube root over directed lines: longitudinal 0 deg, longitudinal 90 deg, transverse 90 deg"
    else:
        parts = [(plane, statistics(key, [f for f in fields if f.plane == plane])) for plane in planes]
        note = f"root of the product over {len(planes)} planes: {', '.join(planes)}"
    mean = astm_e112.geometric_mean([found.mean for _, found in parts]) if len(parts) > 1 else parts[0][1].mean
    lines = [
        replace(
            line,
            name=f"{line.name} ({name})" if name else line.name,
            u=line.u / abs(found.mean) / len(parts),
            basis=line.basis + (f", one of {len(parts)} factors" if len(parts) > 1 else ""),
        )
        for name, found in parts
        if found.mean
        for line in scatter_line(found)
    ]
    if is_size(key) and not lines:
        lines.append(_one_field(key, fields))
    lines += _systematic(key, fields, settings)
    return Estimate(
        key=key,
        mean=mean,
        n=len(fields),
        lines=tuple(lines),
        planes=tuple(parts),
        note=note,
    )


def _one_field(key: str, fields: Sequence[FieldMeasurement]) -> Component:
    """Sampling line where a section has one field: the scatter of a random mosaic of so many grains.

    The factors are those of Poisson-Voronoi mosaics: number of grains 1 / sqrt(grains) exactly; intercepts of
    lines over the whole field 0.5 / sqrt(grains) and of test figures 0.65 / sqrt(counts) by simulation.
    """
    if key == "figure_n_l_per_mm":
        counted = sum(float(field.values["figure_counts"]) for field in fields)
        factor, what = 0.65, "counts"
    elif key == "figure_grains_per_mm2":
        counted = sum(float(field.values["figure_grains"]) for field in fields)
        factor, what = 1.0, "grains"
    else:
        counted = sum(float(field.values["grains_counted"]) for field in fields)
        factor, what = (0.5 if key == "n_l_per_mm" else 1.0), "grains"
    return Component(
        name="sampling, from a model",
        u=factor / sqrt(max(counted, 1.0)),
        kind="B",
        basis=f"one field gives no scatter; random mosaic: {factor:g} / √{counted:.0f} {what}. "
        "Differences between places of the specimen are not in it",
    )


def _systematic(key: str, fields: Sequence[FieldMeasurement], settings: Settings) -> Iterator[Component]:
    """Relative budget lines that more fields do not shrink."""
    if is_size(key):
        u_rel = max(field.calibration.u_rel for field in fields)
        yield Component(
            name="scale",
            u=power(key) * u_rel,
            kind="B",
            basis=f"{power(key):g} x relative standard uncertainty of the pixel size, {u_rel:.2g}"
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
    elif is_size(key):
        yield _half_pixel(key, fields)
    missed = max(field.missed_u_rel for field in fields)
    if missed and is_size(key):
        yield Component(
            name="boundaries never seen",
            u=power(key) * missed,
            kind="B",
            basis=f"{power(key):g} x {missed:.2g} of the boundary length, from the validation of the backend",
        )
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
    estimates: Mapping[str, Estimate],
    fields: Sequence[FieldMeasurement],
    grains: pd.DataFrame,
    settings: Settings,
    standard: Standard,
    specimen: str,
    scaled: bool,
) -> Iterator[Result]:
    edition = f"{standard.id}-{standard.edition}"
    if scaled:
        key, what = basis(settings.method)
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
        by_lines = power(key) == 1.0
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
                clause="whole grains weighted after Miles and Lantuéjoul; a deviation from the standards",
                specimen=specimen,
                main=False,
            )
        yield _largest_result(grains, fields, standard, specimen)
    if "anisotropy_index" in estimates:
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
    estimate: Estimate,
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
    g = grain_number(estimate.key, estimate.mean, standard)
    # G = 2 log2(N_L) + c, or log2(N_A) + c: dG = (2 or 1) / ln 2 x relative change
    sensitivity = (2.0 / power(estimate.key)) / log(2)
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
            rounded=rounded(g),
            title=title,
            main=main,
        )
    )


def _size(estimate: Estimate, *, quantity: str, unit: str, clause: str, specimen: str, main: bool) -> Result:
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
    largest = grains.nlargest(1, "area_um2").to_dict("records")[0]
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
            rounded=rounded(float(largest["grain_size_number"])),
            title=f"Grain size number of the largest grain observed ({standard.id})",
        )
    )
