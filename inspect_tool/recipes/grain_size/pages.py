"""Tables, charts and statements of a grain size report."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

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
        name = f"{NAMES[estimate.key]}, {estimate.note}"
        yield (specimen, name, unit, estimate.n, estimate.mean, None, None, estimate.ra_percent, None)


def statistics_table(rows: Sequence[tuple[Cell, ...]]) -> Table:
    """Statistics of the measurements over fields."""
    return Table(
        title="Statistics over fields",
        columns=("Specimen", "Measurement", "Unit", "Fields", "Mean", "s", "95 % CI ±", "%RA [%]", "Fields for 10 %RA"),
        rows=tuple(rows),
        note="Confidence interval with Student t over fields; the last column is how many fields of this scatter "
        "would reach 10 % relative accuracy.",
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
        yield (specimen, f"{NAMES[estimate.key]}, {estimate.note}", g, None, None, rounded(g))


def bound_table(rows: Sequence[tuple[Cell, ...]], standard: Standard) -> Table:
    """G at the mean measurement and at the ends of its interval."""
    return Table(
        title=f"G of the mean measurement ({standard.id})",
        columns=("Specimen", "Measurement", "G", "G at the coarse end", "G at the fine end", "G rounded"),
        rows=tuple(rows),
        note="G is computed from the mean measurement, never as the mean of G; its ends are those of the 95 % "
        "confidence interval of the measurement, from the scatter of the fields alone.",
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
        title="Directional intercepts",
        columns=(
            "Specimen",
            "Plane",
            "Direction [deg]",
            "N_L [1/mm]",
            "95 % CI ± [1/mm]",
            "Fewest in a field [1/mm]",
            "Most in a field [1/mm]",
            "Mean intercept [um]",
            "G of this direction",
        ),
        rows=tuple(rows),
        note=f"0° is the deformation axis ({settings.deformation_axis} in the image). The anisotropy index is "
        "N_L at 90° over N_L at 0°; the result is that of the longitudinal plane where there is one.",
    )


def outlier_table(rows: Sequence[tuple[Cell, ...]]) -> Table:
    """Tabulate the largest grain of every specimen."""
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
            "Area of such grains [%]",
            "Method applies",
        ),
        rows=tuple(rows),
        note="The method is for outliers at least 3 numbers coarser than the rest on at most 5 % of the area.",
    )


def percentile_rows(grains: pd.DataFrame, specimen: str) -> Iterator[tuple[Cell, ...]]:
    """Rows of the table of grain sizes: sections below which so much of the number or of the area lies."""
    whole = grains[grains["edge_weight"] > 0].sort_values("area_um2")
    if whole.empty:
        return
    area = whole["area_um2"].to_numpy()
    weight = whole["edge_weight"].to_numpy()
    for name, held in (("number", weight), ("area", weight * area)):
        share = np.cumsum(held) / held.sum()
        at = [min(int(np.searchsorted(share, percent / 100)), len(area) - 1) for percent in _PERCENTILES]
        yield (specimen, f"area of a section [um2], by {name}", *(float(area[i]) for i in at))
        yield (specimen, f"diameter of equal area [um], by {name}", *(float(2 * np.sqrt(area[i] / np.pi)) for i in at))
        numbers = whole["grain_size_number"].to_numpy()
        yield (specimen, f"G of the area, by {name}", *(float(numbers[i]) for i in at))


def percentile_table(rows: Sequence[tuple[Cell, ...]]) -> Table:
    """Tabulate the percentiles of the grain sections."""
    return Table(
        title="Percentiles of the grain sections",
        columns=("Specimen", "Size", *(f"{percent} %" for percent in _PERCENTILES)),
        rows=tuple(rows),
        note="So much of the number or of the area of the grains is in sections that are smaller. Whole grains, "
        "weighted for the frame. Sections of grains, not their sizes in space.",
    )


def structure_table(rows: Sequence[tuple[Cell, ...]]) -> Table:
    """Tabulate how the sizes are distributed, as ASTM E1181 names it."""
    return Table(
        title="Distribution of grain sizes (ASTM E1181)",
        columns=(
            "Specimen",
            "Found",
            "Result",
            "G, 5 % of the area coarser",
            "G, 5 % of the area finer",
            "Distance of the two parts [G]",
            "Area of the coarse part [%]",
        ),
        rows=tuple(rows),
        note="Two populations: the distribution of the area over G has two humps that chance does not make of one (dip "
        "test). Isolated coarse grains: they stand apart from the tail of the others. A wide range in one population "
        "is no duplex structure here. Types that depend on the place (bands, necklace) are not told apart.",
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
    rows.append(("mean of the lot", found.mean, grain_number(key, found.mean, standard)))
    return Table(
        title="All specimens",
        columns=("Specimen", f"{NAMES[key]} [{UNITS[key]}]", "G"),
        rows=tuple(rows),
        note="G of the lot is that of the mean measurement.",
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
            title="Grain sections by their G",
            x_label="G of the area of a section",
            y_label="Share [%]",
            series=(
                Series(name="share of area", x=edges, y=tuple(found.percent.tolist())),
                Series(name="share of number", x=edges, y=tuple((100 * number / number.sum()).tolist())),
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
                title="Lengths of whole chords",
                x_label="Chord length [um]",
                y_label="Share [%]",
                series=(
                    Series(
                        name="chords along rows and columns",
                        x=tuple(CHORD_EDGES_UM[low : high + 1].tolist()),
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
    if len(fields) > 1:
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


def statements(
    fields: Sequence[FieldMeasurement], settings: Settings, standard: Standard, scaled: bool
) -> tuple[Statement, ...]:
    """How the numbers were made, for the method block."""
    edition = designation(standard)
    found = [
        Statement(name="Method", text=f"{METHOD_TITLES[settings.method]}, evaluated following {edition}"),
        Statement(name="Test figure", text=_figure_text(fields, settings, scaled)),
        Statement(
            name="Counting",
            text="One grain boundary crossed or touched counts 1; a line end inside a grain leaves half an intercept, "
            "an end on a boundary counts 1/2. A triple point (line within "
            f"{settings.triple_point_px:g} px of it) counts {_triple_text(settings)}. Where a line crosses the same "
            f"boundary again within {intercepts.FLICKER_PX:g} px, that is one crossing, a touch, or the roughness of "
            "the pixels, which does not count.",
        ),
        Statement(
            name="Whole-field lines",
            text="G (intercept) and the mean intercept count the label changes along every pixel row, column and "
            "diagonal (0°, 45°, 90°, 135°), each direction with the same weight, and add the chords that fit between "
            "two pixels, from the number of triple points.",
        ),
        Statement(
            name="Edge grains",
            text="Rectangle: cut by a side 1/2, in a corner 1/4 each, over the area of the rectangle. Mean area: whole "
            "grains only, weighted by Miles and Lantuéjoul for their chance to be whole, which removes the bias "
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
    if settings.method == "heyn":
        return "1.5"
    return (
        "2 on circles, 1.5 on straight lines; from the intercepts per length on circles half a count per triple point "
        "is taken off, which a line without width does not have (a deviation)"
    )


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
            magnification = float(first["figure_magnification"])
            size = f"as the standard draws it at {magnification:g}×"
            if not settings.figure_magnification:
                size += ", sized for the counts the procedure asks for"
            return (
                f"{circles} {diameter * 1e3:.1f} µm wide, {size}; {float(first['figure_placements']):.0f} placements "
                "per field on a regular pattern, chosen without looking at the grains (first field)."
            )
        case "heyn":
            return (
                f"{float(first['figure_lines']):.0f} straight lines per field in four orientations "
                "(0°, 45°, 90°, 135°), parallel and spread over the field, not radiating from one point (first field)."
            )
        case "jeffries":
            return (
                f"{float(first['figure_placements']):.0f} circle(s) per field, "
                f"{float(first['figure_diameter_mm']) * 1e3:.1f} µm wide (first field); "
                "the density is the count over the true area."
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
        f"Only grains of the matrix are counted. The second phase is {how}. Mean intercept: matrix fraction × length "
        "of the test lines / matrix grains intercepted; areas: matrix grains over the area of the matrix."
    )
