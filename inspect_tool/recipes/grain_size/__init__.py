"""Grain size after ASTM E112, E1382 and ISO 643: how large the grains are, every method on the same grains.

``measure_field`` counts one field: test lines in four directions over the whole field, grains in a
rectangle (Saltykov), areas of whole grains weighted for the frame, and the test figure of the job's
method, drawn with every counted hit. ``combine`` turns the mean measurement of the fields, never the
mean of their numbers, into G, with its budget, the sampling rules of the edition, and warnings where
one number does not describe the structure (duplex, elongated or lamellar grains, outliers).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from inspect_tool.errors import MeasurementError
from inspect_tool.languages import Text
from inspect_tool.measure import duplex, intercepts
from inspect_tool.measure.recall import Recall
from inspect_tool.measure.seamless.tables import grain_table
from inspect_tool.model import (
    Cell,
    Check,
    Editions,
    FieldMeasurement,
    Findings,
    Limit,
    Limits,
    Mark,
    Measurements,
    Micrograph,
    Notable,
    Requirement,
    Result,
    Segmentation,
    Standard,
)
from inspect_tool.recipes._common import feature_table, field_table, place_of, specimens_of
from inspect_tool.recipes.grain_size.crossings import crossed, crossed_question, crossed_results
from inspect_tool.recipes.grain_size.estimates import estimated
from inspect_tool.recipes.grain_size.field import (
    GrainField,
    check_settings,
    measured_values,
    prepared,
    with_figure,
    with_grain_columns,
)
from inspect_tool.recipes.grain_size.pages import (
    CHORD_EDGES_UM,
    WORDING,
    bound_rows,
    bound_table,
    charts,
    direction_rows,
    direction_table,
    lot_table,
    outlier_table,
    percentile_rows,
    percentile_table,
    statements,
    statistics_rows,
    statistics_table,
    structure_table,
)
from inspect_tool.recipes.grain_size.phantoms import phantoms
from inspect_tool.recipes.grain_size.plausibility import doubts_of, left_out_warnings, plausible, scratch_warnings
from inspect_tool.recipes.grain_size.results import CARRIED, QUANTITIES, results_of
from inspect_tool.recipes.grain_size.rules import (
    checks,
    consistency_warnings,
    largest_grain,
    shape_warnings,
    structure,
)
from inspect_tool.recipes.grain_size.settings import (
    Estimate,
    Settings,
    basis,
    grain_number,
)
from inspect_tool.recipes.grain_size.values import Counted, Measured, Samples, Values
from inspect_tool.segmentation.titles import title_of

__all__ = [
    "BACKEND",
    "CARRIED",
    "CLASSES",
    "MASKS",
    "NETWORK_CLASSES",
    "QUALITY",
    "QUANTITIES",
    "QUESTION",
    "STANDARDS",
    "TITLE",
    "WORDING",
    "Settings",
    "Values",
    "combine",
    "crossed",
    "crossed_question",
    "crossed_results",
    "measure_field",
    "needs_whole",
    "other_editions",
    "phantoms",
    "values_used",
]


TITLE = Text("grain_size.grain_size")
QUESTION = "count"
MASKS: tuple[str, ...] = ("labels", "boundaries")  # what a mask of the user may be
STANDARDS = ("astm_e112_2013", "iso_643_2019", "astm_e1382_1997")  # their other editions join by themselves
BACKEND: Mapping[str, Any] = {"name": "unet", "model": "grain_boundary"}
CLASSES: tuple[str, ...] = ("background", "grain")
NETWORK_CLASSES: tuple[str, ...] = ("grain", "boundary")
# thin lines go first, in blur and in noise; bright grains may be clipped as long as the lines are not
QUALITY = Limits(
    focus=Limit(advised=2.0, red=2.5),
    soft_region=Limit(advised=2.5, red=3.5),
    noise=Limit(advised=5.0, red=2.5),
    saturation=Limit(advised=5.0, red=85.0),
)


def other_editions(
    settings: Settings,  # noqa: ARG001 - a contract
    standard: Standard,  # noqa: ARG001 - a contract
    asked: Sequence[Requirement],  # noqa: ARG001 - a contract
) -> tuple[str, ...]:
    """Name the editions beside that of the job: of duplex structures and of the largest grain."""
    return ("astm_e1181_2002", "astm_e930_2018")


def values_used(settings: Settings, standard: Standard) -> tuple[str, ...]:
    """Name the constants and tables that the numbers rest on: those of the test figures only where one is drawn."""
    figures = {"jeffries_area": ("jeffries",), "tables.abrams_circles": ("abrams", "hilliard")}
    every = (*standard.values, *(f"tables.{name}" for name in standard.tables))
    return tuple(name for name in every if settings.method in figures.get(name, (settings.method,)))


def needs_whole(settings: Settings) -> str:
    """Name the setting by which an image must be held whole; empty: it can be measured by windows."""
    wants = {
        "second_phase": settings.second_phase in ("dark", "bright"),
        "smallest_grain_px": settings.smallest_grain_px > 1,
        "method": settings.method == "jeffries",
    }
    return next((name for name, is_so in wants.items() if is_so), "")


# ------------------------------------------------------------------------------------------------ one field


def measure_field(
    micrograph: Micrograph,
    segmentation: Segmentation,
    settings: Settings,
    editions: Editions,
) -> Measured:
    """Measure the grains of one field by every method.

    Parameters
    ----------
    micrograph : Micrograph
        Without a pixel size only the anisotropy index and the share of the matrix come out.
    segmentation : Segmentation
        Of kind "instance": one label per grain and no boundary pixels. What its alternatives give becomes the
        segmentation line of the budget.
    settings : Settings
    editions : Editions
        That of the job is one of ASTM E112, ASTM E1382 or ISO 643.

    Raises
    ------
    MeasurementError
        No grain boundary was found, or the test figure does not fit into the field.
    SettingsError
        Settings contradict each other.
    """
    return measure_again(micrograph, segmentation, settings, editions, None)


def measure_again(
    micrograph: Micrograph,
    segmentation: Segmentation,
    settings: Settings,
    editions: Editions,
    recall: Recall | None,
) -> Measured:
    """Measure as ``measure_field`` does, with what is known of the field before it was changed."""
    check_settings(settings)
    standard = editions.job
    where = f"grain_size: {micrograph.path or 'image'}"
    pixel_um = micrograph.calibration.pixel_um
    kept: dict[str, tuple[int, ...]] = {}
    field = prepared(micrograph, segmentation, settings, where, kept, recall=recall)
    table = _table(field, pixel_um)
    counted, figure_marks = measured_values(field, table, pixel_um, settings, standard, where)
    doubts, also_kept = doubts_of(micrograph, segmentation, field.labels, field.parts)
    kept |= also_kept
    # other segmentations are counted with the same figure, so that only the grains differ
    same = with_figure(settings, counted.figure)
    other: dict[str, Counted] = {}
    notes = list(field.notes)
    for name, alternative in segmentation.alternatives():
        try:
            changed = prepared(micrograph, alternative, same, where, kept, name)
            other[name], _ = measured_values(changed, _table(changed, pixel_um), pixel_um, same, standard, where)
            del changed
        except MeasurementError as error:
            notes.append(Text("grain_size.note_other_segmentation_failed", name=title_of(name), error=error.reason))
        del alternative  # before the next one is made
    table = with_grain_columns(field.labels, table, field.window, pixel_um, standard)
    local = duplex.local_intercepts(field.labels, float(table["area_px2"].mean()), field.parts)
    samples = Samples()
    marks = list(figure_marks)
    if pixel_um is not None:
        chords = intercepts.chord_lengths(field.labels, field.parts) * pixel_um
        counts = np.histogram(chords, bins=CHORD_EDGES_UM)[0].astype(float)
        samples = replace(samples, intercept_counts=tuple(counts.tolist()))
        if local is not None:
            inside = local.mean_intercept_px[np.isfinite(local.mean_intercept_px)] * pixel_um
            pairs = tuple((float(one), float(other)) for one, other in local.pairs() * pixel_um)
            samples = replace(samples, local_intercept_um=tuple(inside.tolist()), local_pairs_um=pairs)
            marks += _local_marks(local, pixel_um, standard)
    row, column = table["row_px"].to_numpy(), table["column_px"].to_numpy()
    biggest = int(table["area_px2"].to_numpy().argmax())
    marks.append(
        Mark(
            kind="points",
            points=((float(row[biggest]), float(column[biggest])),),
            style="object",
            layer=Text("grain_size.largest_grain"),
            label=Text("grain_size.largest_grain"),
        )
    )
    return FieldMeasurement(
        **place_of(micrograph),
        shape_px=(int(field.labels.shape[0]), int(field.labels.shape[1])),
        values=Values(counted=counted, doubts=doubts, samples=samples),
        features=table.drop(columns=["top_px", "left_px", "bottom_px", "right_px"]),
        alternatives=other,
        marks=tuple(marks),
        worst=_largest(table, pixel_um),
        notes=tuple(notes),
        missed_u_rel=segmentation.missed_u_rel,
        read_off=kept,
    )


def _table(field: GrainField, pixel_um: float | None) -> pd.DataFrame:
    return grain_table(field.labels, pixel_um, field.parts)


def _largest(table: pd.DataFrame, pixel_um: float | None) -> tuple[Notable, ...]:
    column, unit = ("area_px2", "px2") if pixel_um is None else ("area_um2", "um2")
    found = []
    for row in table.nlargest(10, column).to_dict("records"):
        cut = Text("grain_size.caption_cut_by_edge") if row["touches_edge"] else ""
        number = Text("grain_size.caption_g", g=float(row["grain_size_number"])) if pixel_um is not None else ""
        found.append(
            Notable(
                feature=int(row["feature"]),
                value=float(row[column]),
                unit=unit,
                caption=Text("grain_size.caption_grain", feature=int(row["feature"]), number=number, cut=cut),
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
                    layer=Text("grain_size.local_grain_size"),
                    label=f"G {grain_number('n_l_per_mm', 1e3 / (mean * pixel_um), standard):.1f}",
                )


# ---------------------------------------------------------------------------------------------- all fields


def combine(fields: Sequence[Measured], settings: Settings, editions: Editions) -> Findings:
    """Make results, checks, tables and warnings of all fields of a job."""
    standard = editions.job
    scaled = all(field.calibration.pixel_um is not None for field in fields)
    features = feature_table(fields)
    results: list[Result] = []
    judged: list[Check] = []
    warnings: list[str] = []
    measured: list[tuple[Cell, ...]] = []
    bounds: list[tuple[Cell, ...]] = []
    directions: list[tuple[Cell, ...]] = []
    outliers: list[tuple[Cell, ...]] = []
    shapes: list[tuple[Cell, ...]] = []
    sizes: list[tuple[Cell, ...]] = []
    means: list[Estimate] = []
    for specimen, own in specimens_of(fields):
        grains = features[features["specimen"] == specimen]
        estimates = estimated(own, settings, scaled)
        found = tuple(results_of(estimates, own, grains, settings, standard, specimen, scaled))
        results += found
        judged += checks(estimates, found, own, settings, standard, specimen, scaled)
        judged += plausible(own, grains, specimen)
        warnings += left_out_warnings(own, specimen)
        warnings += scratch_warnings(own, specimen)
        warnings += shape_warnings(own, grains, specimen)
        for estimate in estimates.values():
            measured += statistics_rows(estimate, specimen)
            if scaled:
                bounds += bound_rows(estimate, standard, specimen)
        if scaled:
            directions += direction_rows(own, standard, specimen)
            row, warning = largest_grain(grains, editions, specimen)
            outliers.append(row)
            shape = structure(own, grains, editions, specimen)
            shapes.append(shape.row)
            sizes += percentile_rows(grains, specimen)
            warnings += [*warning, *shape.warnings]
            means.append(estimates[basis(settings.method)[0]])
            warnings += consistency_warnings(judged, own, grains, specimen)
    tables = [statistics_table(measured)]
    if scaled:
        tables += [bound_table(bounds, standard), direction_table(directions, settings)]
        tables += [percentile_table(sizes), structure_table(shapes), outlier_table(outliers)]
        if len(means) > 1:
            tables.append(lot_table(means, fields, settings, standard))
    return Findings(
        results=tuple(results),
        checks=tuple(judged),
        measurements=Measurements(features=features, fields=field_table(fields)),
        statements=statements(fields, settings, standard, scaled),
        tables=tuple(tables),
        charts=charts(fields, features, standard) if scaled else (),
        warnings=tuple(warnings),
    )
