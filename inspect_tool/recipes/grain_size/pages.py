"""Tables, charts and statements of a grain size report."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from inspect_tool.languages import Text, joined, named
from inspect_tool.measure import duplex, intercepts
from inspect_tool.model import Cell, Chart, FieldMeasurement, Series, Standard, Statement, Table
from inspect_tool.recipes.grain_size.method import (
    METHOD_TITLES,
    NAMES,
    UNITS,
    Estimate,
    Settings,
    basis,
    grain_number,
    is_size,
    rounded,
    statistics,
)
from inspect_tool.standards.editions import designation
from inspect_tool.statistics.fields import field_statistics, fields_for_accuracy

_PERCENTILES = (5, 10, 25, 50, 75, 90, 95)
# edges of the chart of intercept lengths [um], steps of a quarter of an octave
CHORD_EDGES_UM = 2.0 ** (np.arange(-24, 53) / 4.0)


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
        title=Text("grain_size.statistics_over_fields"),
        columns=(
            Text("words.specimen"),
            Text("words.measurement"),
            Text("words.unit"),
            Text("words.fields"),
            Text("words.mean"),
            "s",
            Text("grain_size.n95_ci"),
            Text("grain_size.ra"),
            Text("grain_size.fields_10_ra"),
        ),
        rows=tuple(rows),
        note=Text("grain_size.confidence_interval_student_t_over"),
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
        yield (specimen, NAMES[estimate.key] + (f", {plane}" if plane else ""), g, low, high, rounded(g))
    if len(estimate.planes) > 1:
        g = grain_number(estimate.key, estimate.mean, standard)
        yield (specimen, joined(", ", (NAMES[estimate.key], estimate.note)), g, None, None, rounded(g))


def bound_table(rows: Sequence[tuple[Cell, ...]], standard: Standard) -> Table:
    """G at the mean measurement and at the ends of its interval."""
    return Table(
        title=Text("grain_size.g_mean_measurement", id=standard.id),
        columns=(
            Text("words.specimen"),
            Text("words.measurement"),
            "G",
            Text("grain_size.g_coarse_end"),
            Text("grain_size.g_fine_end"),
            Text("words.g_rounded"),
        ),
        rows=tuple(rows),
        note=Text("grain_size.g_computed_from_mean_measurement"),
    )


def direction_rows(fields: Sequence[FieldMeasurement], standard: Standard, specimen: str) -> Iterator[tuple[Cell, ...]]:
    """Give one row per specimen, plane and direction: N_L, its scatter and G."""
    for plane in dict.fromkeys(field.plane for field in fields):
        own = [field for field in fields if field.plane == plane]
        for direction in intercepts.DIRECTIONS:
            key = f"n_l_{direction}deg_per_mm"
            if not all(key in field.values for field in own):
                continue
            found = statistics(key, own)
            if found.mean > 0:
                g = grain_number("n_l_per_mm", found.mean, standard)
                of_fields = [float(field.values[key]) for field in own]
                ends = (min(of_fields), max(of_fields))
                yield (specimen, plane, direction, found.mean, found.ci95, *ends, 1e3 / found.mean, g)


def direction_table(rows: Sequence[tuple[Cell, ...]], settings: Settings) -> Table:
    """Tabulate the intercepts by direction."""
    return Table(
        title=Text("grain_size.directional_intercepts"),
        columns=(
            Text("words.specimen"),
            Text("words.plane"),
            Text("grain_size.direction_deg"),
            Text("grain_size.n_l_1_mm"),
            Text("grain_size.n95_ci_1_mm"),
            Text("grain_size.fewest_field_1_mm"),
            Text("grain_size.most_field_1_mm"),
            Text("grain_size.mean_intercept_um"),
            Text("grain_size.g_direction"),
        ),
        rows=tuple(rows),
        note=Text(
            "grain_size.n0_deformation_axis_image_anisotropy",
            deformation_axis=named("terms", settings.deformation_axis),
        ),
    )


def outlier_table(rows: Sequence[tuple[Cell, ...]]) -> Table:
    """Tabulate the largest grain of every specimen."""
    return Table(
        title=Text("grain_size.largest_grain_observed_astm_e930"),
        columns=(
            Text("words.specimen"),
            Text("words.field"),
            Text("words.grain"),
            Text("grain_size.area_um2"),
            Text("grain_size.g_area"),
            Text("grain_size.longest_caliper_um"),
            Text("grain_size.caliper_across_um"),
            Text("grain_size.g_calipers"),
            Text("grain_size.g_rest"),
            Text("grain_size.area_such_grains"),
            Text("words.method_applies"),
        ),
        rows=tuple(rows),
        note=Text("grain_size.method_outliers_least_3_numbers"),
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
        yield (specimen, Text("grain_size.area_section_um2", name=name), *(float(area[i]) for i in at))
        yield (
            specimen,
            Text("grain_size.diameter_equal_area_um", name=name),
            *(float(2 * np.sqrt(area[i] / np.pi)) for i in at),
        )
        numbers = whole["grain_size_number"].to_numpy()
        yield (specimen, Text("grain_size.g_area_2", name=name), *(float(numbers[i]) for i in at))


def percentile_table(rows: Sequence[tuple[Cell, ...]]) -> Table:
    """Tabulate the percentiles of the grain sections."""
    return Table(
        title=Text("grain_size.percentiles_grain_sections"),
        columns=(Text("words.specimen"), Text("words.size"), *(f"{percent} %" for percent in _PERCENTILES)),
        rows=tuple(rows),
        note=Text("grain_size.much_number_area_grains_sections"),
    )


def structure_table(rows: Sequence[tuple[Cell, ...]]) -> Table:
    """Tabulate how the sizes are distributed, as ASTM E1181 names it."""
    return Table(
        title=Text("grain_size.distribution_grain_sizes_astm_e1181"),
        columns=(
            Text("words.specimen"),
            Text("words.found"),
            Text("words.result"),
            Text("grain_size.g_5_area_coarser"),
            Text("grain_size.g_5_area_finer"),
            Text("grain_size.distance_two_parts_g"),
            Text("grain_size.area_coarse_part"),
        ),
        rows=tuple(rows),
        note=Text("grain_size.two_populations_distribution_area_over"),
    )


def lot_table(
    means: Sequence[Estimate], fields: Sequence[FieldMeasurement], settings: Settings, standard: Standard
) -> Table:
    """Tabulate G of the specimens, and of the lot they are the sample of."""
    key = basis(settings.method)[0]
    specimens = list(dict.fromkeys(field.specimen for field in fields))
    found = field_statistics([mean.mean for mean in means])
    rows: list[tuple[Cell, ...]] = [
        (specimen, mean.mean, grain_number(key, mean.mean, standard))
        for specimen, mean in zip(specimens, means, strict=True)
    ]
    rows.append((Text("grain_size.mean_lot"), found.mean, grain_number(key, found.mean, standard)))
    return Table(
        title=Text("grain_size.all_specimens"),
        columns=(Text("words.specimen"), f"{NAMES[key]} [{UNITS[key]}]", "G"),
        rows=tuple(rows),
        note=Text("grain_size.g_lot_mean_measurement"),
    )


def charts(fields: Sequence[FieldMeasurement], features: pd.DataFrame, standard: Standard) -> tuple[Chart, ...]:
    """Draw the distributions of area and of intercepts."""
    area = features["area_um2"].to_numpy()
    found = duplex.area_distribution(features["grain_size_number"].to_numpy(), area)
    number = np.histogram(features["grain_size_number"].to_numpy(), bins=found.edges_g)[0]
    edges = tuple(found.edges_g.tolist())
    charts = [
        Chart(
            kind="histogram",
            title=Text("grain_size.grain_sections_their_g"),
            x_label=Text("grain_size.g_area_section"),
            y_label=Text("grain_size.share"),
            series=(
                Series(name=Text("grain_size.share_area"), x=edges, y=tuple(found.percent.tolist())),
                Series(name=Text("grain_size.share_number"), x=edges, y=tuple((100 * number / number.sum()).tolist())),
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
                title=Text("grain_size.lengths_whole_chords"),
                x_label=Text("grain_size.chord_length_um"),
                y_label=Text("grain_size.share"),
                series=(
                    Series(
                        name=Text("grain_size.chords_along_rows_columns"),
                        x=tuple(CHORD_EDGES_UM[low : high + 1].tolist()),
                        y=tuple((100 * counts[low:high] / counts.sum()).tolist()),
                    ),
                ),
                x_scale="log",
            )
        )
    series = tuple(
        Series(
            name=Text("grain_size.specimen", specimen=specimen),
            x=tuple(float(field.field) for field in own),
            y=tuple(float(field.values["grain_size_number"]) for field in own),
        )
        for specimen in dict.fromkeys(field.specimen for field in fields)
        for own in ([f for f in fields if f.specimen == specimen and "grain_size_number" in f.values],)
    )
    if len(fields) > 1:
        charts.append(
            Chart(
                kind="points",
                title=Text("grain_size.g_each_field"),
                x_label=Text("grain_size.field"),
                y_label=f"G ({standard.id})",
                series=series,
            )
        )
    return tuple(charts)


def statements(
    fields: Sequence[FieldMeasurement], settings: Settings, standard: Standard, scaled: bool
) -> tuple[Statement, ...]:
    """How the numbers were made, for the method block."""
    edition = designation(standard)
    found = [
        Statement(
            name=Text("grain_size.method"),
            text=Text("grain_size.evaluated_following", method_titles=METHOD_TITLES[settings.method], edition=edition),
        ),
        Statement(name=Text("grain_size.test_figure"), text=_figure_text(fields, settings, scaled)),
        Statement(
            name=Text("grain_size.counting"),
            text=Text(
                "grain_size.one_grain_boundary_crossed_touched",
                triple_point_px=settings.triple_point_px,
                settings=_triple_text(settings),
                flicker_px=intercepts.FLICKER_PX,
            ),
        ),
        Statement(
            name=Text("grain_size.whole_field_lines"),
            text=Text("grain_size.g_intercept_mean_intercept_count"),
        ),
        Statement(
            name=Text("grain_size.edge_grains"),
            text=Text("grain_size.rectangle_cut_side_1_2"),
        ),
        Statement(
            name=Text("grain_size.twins"),
            text=Text("grain_size.twin_boundaries_far_segmentation_leaves", twins=named("terms", settings.twins)),
        ),
    ]
    if settings.method == "jeffries":
        found.append(
            Statement(
                name=Text("grain_size.circle_rule"),
                text=Text("grain_size.grains_cut_circle_count_1")
                + (
                    Text("grain_size.grain_taken_off_setting_circle")
                    if settings.circle_rule == "minus_one"
                    else Text("grain_size.which_edition_keeps_see_budget")
                ),
            )
        )
    if settings.second_phase != "none":
        found.append(Statement(name=Text("grain_size.second_phase"), text=_second_phase_text(settings)))
    if standard.notes:
        found.append(Statement(name=Text("grain_size.edition"), text=" ".join(standard.notes)))
    return tuple(found)


def _triple_text(settings: Settings) -> str:
    if settings.triple_points == "alternate":
        return Text("grain_size.n2_1_turn_astm_e1382")
    if settings.method == "heyn":
        return "1.5"
    return Text("grain_size.n2_circles_1_5_straight")


def _figure_text(fields: Sequence[FieldMeasurement], settings: Settings, scaled: bool) -> str:
    if not scaled:
        return Text("grain_size.none_without_pixel_size_only")
    first = fields[0].values
    match settings.method:
        case "abrams" | "hilliard":
            diameter = float(first["figure_diameter_mm"])
            circles = (
                Text("grain_size.three_concentric_circles_circumferences_3")
                if settings.method == "abrams"
                else Text("grain_size.one_circle")
            )
            magnification = float(first["figure_magnification"])
            size = Text("grain_size.standard_draws", magnification=magnification)
            if not settings.figure_magnification:
                size += Text("grain_size.sized_counts_procedure_asks")
            return Text(
                "grain_size.m_wide_placements_per_field",
                circles=circles,
                diameter=diameter * 1e3,
                size=size,
                figure_placements=float(first["figure_placements"]),
            )
        case "heyn":
            return Text("grain_size.straight_lines_per_field_four", figure_lines=float(first["figure_lines"]))
        case "jeffries":
            return Text(
                "grain_size.circle_s_per_field_m",
                figure_placements=float(first["figure_placements"]),
                figure_diameter_mm=float(first["figure_diameter_mm"]) * 1e3,
            )
        case "saltykov" | "mean_area":
            return Text("grain_size.largest_rectangle_measured_area_each")
        case "intercept":
            return Text("grain_size.every_pixel_row_column_diagonal")


def _second_phase_text(settings: Settings) -> str:
    match settings.second_phase:
        case "dark" | "bright":
            side = "below" if settings.second_phase == "dark" else "above"
            how = Text(
                "grain_size.regions_mean_gray_value", side=side, second_phase_threshold=settings.second_phase_threshold
            )
        case "unlabeled":
            how = Text("grain_size.what_has_no_grain_inside")
        case _:
            how = Text("grain_size.stated_user_second_phase", second_phase_percent=settings.second_phase_percent)
    return Text("grain_size.only_grains_matrix_counted_second", how=how)
