"""Tables, charts and statements of a grain size report."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from inspect_tool.languages import Text, joined, named, recognized
from inspect_tool.measure import duplex, intercepts
from inspect_tool.model import Cell, Chart, Series, Standard, Statement, Table, Wording
from inspect_tool.recipes.grain_size.settings import (
    METHOD_TITLES,
    NAMES,
    UNITS,
    Estimate,
    Settings,
    basis,
    grain_number,
    is_size,
    rounded,
)
from inspect_tool.recipes.grain_size.values import CircleFigure, LineFigure, Measured, RectangleFigure
from inspect_tool.standards.editions import designation
from inspect_tool.statistics.fields import field_statistics, fields_for_accuracy

_PERCENTILES = (5, 10, 25, 50, 75, 90, 95)
# edges of the chart of intercept lengths [um], steps of a quarter of an octave
CHORD_EDGES_UM = 2.0 ** (np.arange(-24, 53) / 4.0)

WORDING = Wording(
    titles={f"n_l_{direction}deg_per_mm": Text(f"heads.n_l_{direction}") for direction in intercepts.DIRECTIONS},
    spreads=frozenset(
        {
            "grain_size.column_coarse_part_area",
            "grain_size.column_confidence_interval",
            "grain_size.column_n_l_confidence_interval",
            "grain_size.column_outlier_grain_area",
            "grain_size.column_relative_accuracy",
        }
    ),
    judged={
        "grain_size.title_g_of_each_field": ("grain_size_number",),
        "grain_size.title_whole_chord_lengths": ("mean_intercept_um",),
    },
)


def statistics_rows(estimate: Estimate, specimen: str) -> Iterator[tuple[Cell, ...]]:
    """Rows of the table of measurements: mean, scatter and relative accuracy, each plane apart."""
    unit = UNITS[estimate.key]
    for plane, found in estimate.planes:
        yield (
            specimen,
            NAMES[estimate.key] + (f", {plane}" if plane else ""),
            unit,
            found.n,
            found.mean,
            found.s,
            found.ci95,
            found.ra_percent,
            fields_for_accuracy(found, 10.0),
        )
    if len(estimate.planes) > 1:
        name = joined(", ", (NAMES[estimate.key], estimate.note))
        yield (specimen, name, unit, estimate.n, estimate.mean, None, None, estimate.ra_percent, None)


def statistics_table(rows: Sequence[tuple[Cell, ...]]) -> Table:
    """Statistics of the measurements over fields."""
    return Table(
        title=Text("grain_size.title_statistics_over_fields"),
        columns=(
            Text("words.specimen"),
            Text("words.measurement"),
            Text("words.unit"),
            Text("words.fields"),
            Text("words.mean"),
            "s",
            Text("grain_size.column_confidence_interval"),
            Text("grain_size.column_relative_accuracy"),
            Text("grain_size.column_fields_needed"),
        ),
        rows=tuple(rows),
        note=Text("grain_size.note_field_statistics"),
    )


def bound_rows(estimate: Estimate, standard: Standard, specimen: str) -> Iterator[tuple[Cell, ...]]:
    """Rows of the table of G: at the mean measurement and at both ends of its confidence interval."""
    if not is_size(estimate.key):
        return
    for plane, found in estimate.planes:
        g = grain_number(estimate.key, found.mean, standard)
        low, high = None, None
        if found.ci95 is not None and found.ci95 < found.mean:
            ends = (found.mean - found.ci95, found.mean + found.ci95)
            low, high = sorted(grain_number(estimate.key, value, standard) for value in ends)
        yield (
            specimen,
            NAMES[estimate.key] + (f", {plane}" if plane else ""),
            g,
            low,
            high,
            Text("page.number", number=rounded(g)),
        )
    if len(estimate.planes) > 1:
        g = grain_number(estimate.key, estimate.mean, standard)
        yield (
            specimen,
            joined(", ", (NAMES[estimate.key], estimate.note)),
            g,
            None,
            None,
            Text("page.number", number=rounded(g)),
        )


def bound_table(rows: Sequence[tuple[Cell, ...]], standard: Standard) -> Table:
    """G at the mean measurement and at the ends of its interval."""
    return Table(
        title=Text("grain_size.title_g_of_mean_measurement", id=standard.id),
        columns=(
            Text("words.specimen"),
            Text("words.measurement"),
            "G",
            Text("grain_size.column_g_coarse_end"),
            Text("grain_size.column_g_fine_end"),
            Text("words.g_rounded"),
        ),
        rows=tuple(rows),
        note=Text("grain_size.note_g_of_mean_measurement"),
    )


def direction_rows(fields: Sequence[Measured], standard: Standard, specimen: str) -> Iterator[tuple[Cell, ...]]:
    """Give one row per specimen, plane and direction: N_L, its scatter and G."""
    for plane in dict.fromkeys(field.plane for field in fields):
        own = [field for field in fields if field.plane == plane]
        for direction in intercepts.DIRECTIONS:
            scaled = [field.values.counted.scaled for field in own]
            of_fields = [one.n_l_deg_per_mm[direction] for one in scaled if one and direction in one.n_l_deg_per_mm]
            if len(of_fields) < len(own):
                continue
            found = field_statistics(of_fields, [field.section for field in own])
            if found.mean > 0:
                g = grain_number("n_l_per_mm", found.mean, standard)
                ends = (min(of_fields), max(of_fields))
                yield (specimen, plane, direction, found.mean, found.ci95, *ends, 1e3 / found.mean, g)


def direction_table(rows: Sequence[tuple[Cell, ...]], settings: Settings) -> Table:
    """Tabulate the intercepts by direction."""
    return Table(
        title=Text("grain_size.title_directional_intercepts"),
        columns=(
            Text("words.specimen"),
            Text("words.plane"),
            Text("grain_size.column_direction"),
            Text("grain_size.column_n_l"),
            Text("grain_size.column_n_l_confidence_interval"),
            Text("grain_size.column_fewest_in_field"),
            Text("grain_size.column_most_in_field"),
            Text("grain_size.column_mean_intercept"),
            Text("grain_size.column_g_of_direction"),
        ),
        rows=tuple(rows),
        note=Text(
            "grain_size.note_directional_intercepts",
            deformation_axis=named("terms", settings.deformation_axis),
        ),
    )


def outlier_table(rows: Sequence[tuple[Cell, ...]]) -> Table:
    """Tabulate the largest grain of every specimen."""
    return Table(
        title=Text("grain_size.title_largest_grain_observed"),
        columns=(
            Text("words.specimen"),
            Text("words.field"),
            Text("words.grain"),
            Text("grain_size.column_area"),
            Text("grain_size.column_g_of_area"),
            Text("grain_size.column_longest_caliper"),
            Text("grain_size.column_caliper_across"),
            Text("grain_size.column_g_of_calipers"),
            Text("grain_size.column_g_of_rest"),
            Text("grain_size.column_outlier_grain_area"),
            Text("words.method_applies"),
        ),
        rows=tuple(rows),
        note=Text("grain_size.note_outlier_method"),
    )


def percentile_rows(grains: pd.DataFrame, specimen: str) -> Iterator[tuple[Cell, ...]]:
    """Rows of the table of grain sizes: sections below which so much of the number or of the area lies."""
    whole = grains[grains["edge_weight"] > 0].sort_values("area_um2")
    if whole.empty:
        return
    area = whole["area_um2"].to_numpy()
    weight = whole["edge_weight"].to_numpy()
    for name, held in ((Text("terms.number"), weight), (Text("terms.area"), weight * area)):
        share = np.cumsum(held) / held.sum()
        at = [min(int(np.searchsorted(share, percent / 100)), len(area) - 1) for percent in _PERCENTILES]
        yield (specimen, Text("grain_size.row_section_area", name=name), *(float(area[i]) for i in at))
        yield (
            specimen,
            Text("grain_size.row_section_diameter", name=name),
            *(float(2 * np.sqrt(area[i] / np.pi)) for i in at),
        )
        numbers = whole["grain_size_number"].to_numpy()
        yield (specimen, Text("grain_size.row_section_g", name=name), *(float(numbers[i]) for i in at))


def percentile_table(rows: Sequence[tuple[Cell, ...]]) -> Table:
    """Tabulate the percentiles of the grain sections."""
    return Table(
        title=Text("grain_size.title_section_percentiles"),
        columns=(Text("words.specimen"), Text("words.size"), *(f"{percent} %" for percent in _PERCENTILES)),
        rows=tuple(rows),
        note=Text("grain_size.note_section_percentiles"),
    )


def structure_table(rows: Sequence[tuple[Cell, ...]]) -> Table:
    """Tabulate how the sizes are distributed, as ASTM E1181 names it."""
    return Table(
        title=Text("grain_size.title_grain_size_distribution"),
        columns=(
            Text("words.specimen"),
            Text("words.found"),
            Text("words.result"),
            Text("grain_size.column_g_coarsest_area"),
            Text("grain_size.column_g_finest_area"),
            Text("grain_size.column_distance_of_parts"),
            Text("grain_size.column_coarse_part_area"),
        ),
        rows=tuple(rows),
        note=Text("grain_size.note_grain_size_distribution"),
    )


def lot_table(means: Sequence[Estimate], fields: Sequence[Measured], settings: Settings, standard: Standard) -> Table:
    """Tabulate G of the specimens, and of the lot they are the sample of."""
    key = basis(settings.method)[0]
    specimens = list(dict.fromkeys(field.specimen for field in fields))
    found = field_statistics([mean.mean for mean in means])
    rows: list[tuple[Cell, ...]] = [
        (specimen, mean.mean, grain_number(key, mean.mean, standard))
        for specimen, mean in zip(specimens, means, strict=True)
    ]
    rows.append((Text("grain_size.row_mean_of_lot"), found.mean, grain_number(key, found.mean, standard)))
    return Table(
        title=Text("grain_size.title_all_specimens"),
        columns=(Text("words.specimen"), f"{NAMES[key]} [{UNITS[key]}]", "G"),
        rows=tuple(rows),
        note=Text("grain_size.note_g_of_lot"),
    )


def charts(fields: Sequence[Measured], features: pd.DataFrame, standard: Standard) -> tuple[Chart, ...]:
    """Draw the distributions of area and of intercepts."""
    area = features["area_um2"].to_numpy()
    found = duplex.area_distribution(features["grain_size_number"].to_numpy(), area)
    number = np.histogram(features["grain_size_number"].to_numpy(), bins=found.edges_g)[0]
    edges = tuple(found.edges_g.tolist())
    charts = [
        Chart(
            kind="histogram",
            title=Text("grain_size.title_sections_by_g"),
            x_label=Text("grain_size.axis_section_g"),
            y_label=Text("grain_size.axis_share"),
            series=(
                Series(name=Text("grain_size.series_share_of_area"), x=edges, y=tuple(found.percent.tolist())),
                Series(
                    name=Text("grain_size.series_share_of_number"),
                    x=edges,
                    y=tuple((100 * number / number.sum()).tolist()),
                ),
            ),
        )
    ]
    counts = np.sum([field.values.samples.intercept_counts for field in fields], axis=0)
    filled = np.flatnonzero(counts)
    if len(filled):
        low, high = int(filled[0]), int(filled[-1]) + 1
        charts.append(
            Chart(
                kind="histogram",
                title=Text("grain_size.title_whole_chord_lengths"),
                x_label=Text("grain_size.axis_chord_length"),
                y_label=Text("grain_size.axis_share"),
                series=(
                    Series(
                        name=Text("grain_size.series_row_and_column_chords"),
                        x=tuple(CHORD_EDGES_UM[low : high + 1].tolist()),
                        y=tuple((100 * counts[low:high] / counts.sum()).tolist()),
                    ),
                ),
                x_scale="log",
            )
        )
    found_g = [(field.specimen, field.field, field.values.counted.grain_size_number) for field in fields]
    numbers = [(specimen, at, g) for specimen, at, g in found_g if g is not None]
    series = tuple(
        Series(
            name=Text("grain_size.series_of_specimen", specimen=specimen),
            x=tuple(float(at) for at, _ in own),
            y=tuple(g for _, g in own),
        )
        for specimen in dict.fromkeys(field.specimen for field in fields)
        for own in ([(at, g) for name, at, g in numbers if name == specimen],)
    )
    if len(fields) > 1:
        charts.append(
            Chart(
                kind="points",
                title=Text("grain_size.title_g_of_each_field"),
                x_label=Text("grain_size.axis_field"),
                y_label=f"G ({standard.id})",
                series=series,
            )
        )
    return tuple(charts)


def statements(
    fields: Sequence[Measured], settings: Settings, standard: Standard, scaled: bool
) -> tuple[Statement, ...]:
    """How the numbers were made, for the method block."""
    edition = designation(standard)
    found = [
        Statement(
            name=Text("grain_size.method"),
            text=Text("grain_size.method_text", method_titles=METHOD_TITLES[settings.method], edition=edition),
        ),
        Statement(name=Text("grain_size.test_figure"), text=_figure_text(fields, settings, scaled)),
        Statement(
            name=Text("grain_size.counting_rule"),
            text=Text(
                "grain_size.counting_rule_text",
                triple_point_px=settings.triple_point_px,
                settings=_triple_text(settings),
                flicker_px=intercepts.FLICKER_PX,
            ),
        ),
        Statement(
            name=Text("grain_size.whole_field_lines"),
            text=Text("grain_size.whole_field_lines_text"),
        ),
        Statement(
            name=Text("grain_size.edge_grains"),
            text=Text("grain_size.edge_grains_text"),
        ),
        Statement(
            name=Text("grain_size.twins"),
            text=Text("grain_size.twins_text", twins=named("terms", settings.twins)),
        ),
    ]
    if settings.method == "jeffries":
        found.append(
            Statement(
                name=Text("grain_size.circle_rule"),
                text=Text("grain_size.circle_rule_text")
                + (
                    Text("grain_size.circle_rule_grain_taken_off")
                    if settings.circle_rule == "minus_one"
                    else Text("grain_size.circle_rule_kept_by_edition")
                ),
            )
        )
    if settings.second_phase != "none":
        found.append(Statement(name=Text("grain_size.second_phase"), text=_second_phase_text(settings)))
    if standard.notes:
        found.append(
            Statement(
                name=Text("grain_size.edition"),
                text=joined(" ", (recognized("notes", note) for note in standard.notes)),
            )
        )
    return tuple(found)


def _triple_text(settings: Settings) -> str:
    if settings.triple_points == "alternate":
        return Text("grain_size.triple_points_in_turn")
    if settings.method == "heyn":
        return "1.5"
    return Text("grain_size.triple_points_by_figure")


def _figure_text(fields: Sequence[Measured], settings: Settings, scaled: bool) -> str:
    if not scaled:
        return Text("grain_size.test_figure_without_scale")
    match fields[0].values.counted.figure:
        case LineFigure(figure_diameter_mm=diameter, figure_magnification=magnification) as first if (
            diameter is not None and magnification is not None
        ):
            circles = (
                Text("grain_size.test_figure_three_circles")
                if settings.method == "abrams"
                else Text("grain_size.test_figure_one_circle")
            )
            size = Text("grain_size.test_figure_magnification", magnification=float(magnification))
            if not settings.figure_magnification:
                size += Text("grain_size.test_figure_sized_for_counts")
            return Text(
                "grain_size.test_figure_circles",
                circles=circles,
                diameter=diameter * 1e3,
                size=size,
                figure_placements=first.figure_placements,
            )
        case LineFigure(figure_lines=lines) if lines is not None:
            return Text("grain_size.test_figure_heyn", figure_lines=lines)
        case CircleFigure() as circle:
            return Text(
                "grain_size.test_figure_jeffries",
                figure_placements=circle.figure_placements,
                figure_diameter_mm=circle.figure_diameter_mm * 1e3,
            )
        case RectangleFigure():
            return Text("grain_size.test_figure_rectangle")
        case _:
            return Text("grain_size.test_figure_pixel_lines")


def _second_phase_text(settings: Settings) -> str:
    match settings.second_phase:
        case "dark" | "bright":
            side = "below" if settings.second_phase == "dark" else "above"
            how = Text(
                "grain_size.second_phase_by_gray", side=side, second_phase_threshold=settings.second_phase_threshold
            )
        case "unlabeled":
            how = Text("grain_size.second_phase_without_grain")
        case _:
            how = Text("grain_size.second_phase_stated", second_phase_percent=settings.second_phase_percent)
    return Text("grain_size.second_phase_text", how=how)
