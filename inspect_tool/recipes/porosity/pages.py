"""What the porosity report shows besides its results: tables, charts and the statements of the method."""

from collections.abc import Sequence
from itertools import pairwise
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspect_tool.languages import Text, Words, joined, named, recognized
from inspect_tool.measure.neighbors import expected_center_distance
from inspect_tool.model import Cell, Chart, Result, Series, Standard, Statement, Table, Wording
from inspect_tool.recipes._common import specimens_of
from inspect_tool.recipes.porosity.values import Measured
from inspect_tool.standards.formulas.shape import FORMULAS
from inspect_tool.statistics.fields import field_statistics, fields_for_accuracy

if TYPE_CHECKING:
    from inspect_tool.recipes.porosity import Settings

_BOUNDS_UM = tuple(m * 10.0**e for e in range(-2, 5) for m in (1, 2, 5))
_TO = Text("porosity.to")
_LARGEST = 10  # rows of the table of the largest pores
_CLUSTERS = 8  # rows of the table of clusters
_INTERNAL = (
    *("size_weight", "ecd_weighted_um", "ecd_weighted_px", "area_squared", "pore_neighbour_diameter_px"),
    *("edge_shift_percent", "clusters_least", "clusters_most", "size_weight_squared", "area_squared_most"),
    *("ecd_squared_um2", "ecd_squared_px2", "ecd_linear_um", "ecd_linear_px"),
)
_IF_ANY = ("below_minimum", "below_minimum_percent", "left_out", "left_out_percent", "linear", "linear_percent")
_WHOLE = ("pores", "pores_cut", "below_minimum", "left_out", "linear", "reference_pore_count")
_LEAD = ("specimen", "section", "plane", "field", "image")

WORDING = Wording(
    spreads=frozenset(
        {
            "porosity.column_accuracy_by_chance",
            "porosity.column_ci95",
            "porosity.column_mean",
            "porosity.column_relative_accuracy",
            "porosity.column_share_of_area",
            "porosity.column_share_of_pores",
            "porosity.column_share_of_porosity",
        }
    ),
    judged={
        "porosity.title_pore_diameters": ("mean_pore_ecd_um", "pore_ecd_um.*"),
        "porosity.title_pore_lengths": ("largest_pore_feret_um",),
        "porosity.title_pore_area_by_length": ("largest_pore_feret_um",),
    },
)


def calibrated(fields: Sequence[Measured]) -> bool:
    """Whether every field has a scale."""
    return all(field.calibration.pixel_um is not None for field in fields)


def field_table(fields: Sequence[Measured]) -> pd.DataFrame:
    """One row per field."""
    rows = []
    for field in fields:
        lead = (field.specimen, field.section, field.plane, field.field, field.image)
        row: dict[str, float | int | str] = dict(zip(_LEAD, lead, strict=True))
        row |= {name: value for name, value in field.values.items() if name not in _INTERNAL}
        row |= {name: int(float(field.values[name])) for name in _WHOLE if name in field.values}
        rows.append(row)
    table = pd.DataFrame(rows)
    return table.drop(columns=[name for name in _IF_ANY if name in table and not table[name].any()])


# ---------------------------------------------------------------------------------------------------- statements


def statements(
    fields: Sequence[Measured], settings: "Settings", standard: Standard, shown: str
) -> tuple[Statement, ...]:
    """How the numbers were made, for the method block."""
    smallest = Text("porosity.smallest_pore_min_area", minimum_px2=settings.minimum_px2)
    if calibrated(fields):
        sizes = sorted({float(field.calibration.pixel_um or 0.0) for field in fields})
        ecd = [2 * sqrt(settings.minimum_px2 / np.pi) * size for size in sizes]
        sizes_um = joined(_TO, (Text("porosity.size", size=value) for value in dict.fromkeys((ecd[0], ecd[-1]))))
        smallest += Text("porosity.ecd_of_smallest", sizes=sizes_um)
    if settings.minimum_um:
        smallest += Text("porosity.smallest_pore_min_feret", minimum_um=settings.minimum_um)
    cut = {
        "half": Text("porosity.count_rule_half"),
        "two_edges": Text("porosity.count_rule_two_edges"),
    }[settings.count_rule]
    made = [
        Statement(name=Text("porosity.porosity"), text=Text("porosity.porosity_text")),
        Statement(
            name=Text("porosity.smallest_pore"),
            text=Text("porosity.smallest_pore_text", smallest=smallest),
        ),
        Statement(
            name=Text("porosity.pores_cut_by_edge"),
            text=Text("porosity.pores_cut_by_edge_text", cut=cut),
        ),
        Statement(
            name=Text("porosity.sizes"),
            text=Text("porosity.sizes_text"),
        ),
        Statement(
            name=Text("porosity.shape_factors"),
            text=joined("; ", (joined(" = ", (_factor(name), formula)) for name, formula in FORMULAS.items())),
        ),
        Statement(
            name=Text("porosity.neighbors"),
            text=Text("porosity.neighbors_text", cluster_gap=settings.cluster_gap),
        ),
        Statement(name=Text("porosity.largest_pore_seen"), text=Text("porosity.largest_pore_seen_text")),
    ]
    if shown == "thermal_spray" or settings.linear_elongation:
        made.append(
            Statement(
                name=Text("porosity.linear_detachments"),
                text=Text("porosity.linear_detachments_text"),
            )
        )
    if settings.reference_area is not None:
        area = settings.reference_area
        size = Text("porosity.reference_area_size", size_mm=area.size_mm) + (
            Text("porosity.reference_area_height", height_mm=area.height_mm) if area.height_mm else ""
        )
        made.append(
            Statement(
                name=Text("porosity.reference_area_title"),
                text=Text("porosity.reference_area_text", shape=area.shape, size=size),
            )
        )
    elif shown == "casting":
        made.append(Statement(name=Text("porosity.reference_area_title"), text=Text("porosity.reference_area_not_set")))
    if shown == "hardmetal":
        made.append(
            Statement(
                name=Text("porosity.levels"),
                text=Text("porosity.levels_text"),
            )
        )
    if standard.notes:
        made.append(
            Statement(
                name=Text("porosity.edition"), text=joined(" ", (recognized("notes", note) for note in standard.notes))
            )
        )
    return tuple(made)


def _factor(name: str) -> Words:
    """Name of a shape factor."""
    return named("porosity", name.replace("_", " "))


# ---------------------------------------------------------------------------------------------------------- tables


def tables(
    fields: Sequence[Measured],
    pores: pd.DataFrame,
    results: Sequence[Result],
    settings: "Settings",
    standard: Standard,  # noqa: ARG001 - one shape with statements
    shown: str,
) -> tuple[Table, ...]:
    """All tables of the report; ``pores`` of all fields."""
    made = [_statistics_table(fields, shown)]
    if shown == "hardmetal":
        made.append(_hardmetal_table(results))
    made += [_largest_table(fields, pores)]
    if calibrated(fields):
        made.append(_size_table(fields, pores, settings))
    made.append(_neighbor_table(fields))
    clusters = _cluster_table(fields)
    if clusters is not None:
        made.append(clusters)
    return tuple(table for table in made if table.rows)


def _value(field: Measured, name: str) -> float:
    return float(field.values.get(name, 0.0))


def _statistics_table(fields: Sequence[Measured], shown: str) -> Table:
    """Field statistics of the area shares, with what chance alone would leave."""
    names = [
        (Text("porosity.porosity_alone"), "porosity_percent"),
        (Text("porosity.share_below_smallest_size"), "below_minimum_percent"),
    ]
    if shown == "thermal_spray" or any(_value(field, "linear") for field in fields):
        names.insert(1, (Text("porosity.linear_detachments"), "linear_percent"))
    rows: list[tuple[Cell, ...]] = []
    for specimen, mine in specimens_of(fields):
        for title, name in names:
            found = field_statistics([_value(field, name) for field in mine], [field.section for field in mine])
            chance: float | None = None
            total = sum(_value(field, "porosity_percent") for field in mine) / 100
            if name == "porosity_percent" and total:
                chance = 196 * sqrt(sum(_value(field, "area_squared") for field in mine)) / total
            more = fields_for_accuracy(found, 20.0) if name == "porosity_percent" else None
            rows.append((specimen, title, found.n, found.mean, found.s, found.ci95, found.ra_percent, chance, more))
    return Table(
        title=Text("porosity.title_area_shares_over_fields"),
        columns=(
            Text("words.specimen"),
            Text("words.share"),
            Text("words.fields"),
            Text("porosity.column_mean"),
            "s [%]",
            Text("porosity.column_ci95"),
            Text("porosity.column_relative_accuracy"),
            Text("porosity.column_accuracy_by_chance"),
            Text("porosity.column_fields_for_accuracy"),
        ),
        rows=tuple(rows),
        note=Text("porosity.note_area_shares"),
    )


def _hardmetal_table(results: Sequence[Result]) -> Table:
    rows = tuple(
        (result.specimen, result.title, result.value, result.unit, result.rounded or "-")
        for result in results
        if result.quantity.startswith(("hardmetal_percent", "large_pores_per_cm2"))
    )
    return Table(
        title=Text("porosity.title_apparent_porosity_astm_b276"),
        columns=(
            Text("words.specimen"),
            Text("words.pores"),
            Text("words.found"),
            Text("words.unit"),
            Text("words.level"),
        ),
        rows=rows,
        note=Text("porosity.note_level_nearest"),
    )


def _lengths(fields: Sequence[Measured]) -> tuple[str, str, str]:
    return ("um", "µm", "area_um2") if calibrated(fields) else ("px", "px", "area_px2")


def _largest_table(fields: Sequence[Measured], pores: pd.DataFrame) -> Table:
    unit, mark, area = _lengths(fields)
    pores = pores[~pores["linear"]].sort_values(f"feret_max_{unit}", ascending=False, kind="stable").head(_LARGEST)
    rows = tuple(
        (
            row["specimen"],
            int(row["field"]),
            int(row["feature"]),
            float(row[f"feret_max_{unit}"]),
            float(row[f"feret_min_{unit}"]),
            float(row[f"ecd_{unit}"]),
            float(row[area]),
            float(row["circularity_4pi"]),
            None if pd.isna(row[f"neighbour_gap_{unit}"]) else float(row[f"neighbour_gap_{unit}"]),
            Text("porosity.cell_cut_by_edge") if row["touches_edge"] else Text("terms.no"),
        )
        for _, row in pores.iterrows()
    )
    return Table(
        title=Text("porosity.title_largest_pores"),
        columns=(
            Text("words.specimen"),
            Text("words.field"),
            Text("words.pore"),
            Text("porosity.column_feret_max", mark=mark),
            Text("porosity.column_feret_min", mark=mark),
            Text("porosity.column_ecd", mark=mark),
            Text("porosity.column_area", mark=mark),
            Text("words.circularity"),
            Text("porosity.column_neighbor_gap", mark=mark),
            Text("porosity.column_cut_by_edge"),
        ),
        rows=rows,
    )


def size_bounds(pores: pd.DataFrame, settings: "Settings") -> list[float]:
    """Bounds of the size classes [um]: from the settings, or 1-2-5 steps around what was found."""
    if settings.size_classes_um:
        return [0.0, *settings.size_classes_um, float("inf")]
    values = pores.loc[~pores["linear"], f"{settings.size_by}_um"]
    if values.empty:
        return []
    inner = [bound for bound in _BOUNDS_UM if values.min() < bound]
    upper = next((i for i, bound in enumerate(inner) if bound >= values.max()), len(inner) - 1)
    lower = max((bound for bound in _BOUNDS_UM if bound <= values.min()), default=0.0)
    return [lower, *inner[: upper + 1]]


def _size_table(fields: Sequence[Measured], pores: pd.DataFrame, settings: "Settings") -> Table:
    bounds = size_bounds(pores, settings)
    pores = pores[~pores["linear"]]
    rows: list[tuple[Cell, ...]] = []
    for specimen, mine in specimens_of(fields):
        own = pores[pores["specimen"] == specimen]
        size, area = own[f"{settings.size_by}_um"].to_numpy(), own["area_um2"].to_numpy()
        field_um2 = 1e6 * sum(_value(field, "field_area_mm2") for field in mine)
        for low, high in pairwise(bounds):
            inside = (size > low) & (size <= high)
            name = (
                Text("porosity.size_class_over", low=low)
                if high == float("inf")
                else Text("porosity.size_class_range", low=low, high=high)
            )
            count = int(inside.sum())
            rows.append(
                (
                    specimen,
                    name,
                    count,
                    100 * count / len(own) if len(own) else 0.0,
                    100 * float(area[inside].sum()) / field_um2,
                    100 * float(area[inside].sum()) / float(area.sum()) if len(own) else 0.0,
                    int((inside & own["touches_edge"].to_numpy()).sum()),
                )
            )
    by = "ECD" if settings.size_by == "ecd" else Text("porosity.size_by_largest_feret")
    return Table(
        title=Text("porosity.title_size_classes"),
        columns=(
            Text("words.specimen"),
            f"{by} [µm]",
            Text("words.pores"),
            Text("porosity.column_share_of_pores"),
            Text("porosity.column_share_of_area"),
            Text("porosity.column_share_of_porosity"),
            Text("porosity.column_cut_by_edge"),
        ),
        rows=tuple(rows),
        note=Text("porosity.note_size_classes"),
    )


def _neighbor_table(fields: Sequence[Measured]) -> Table:
    unit, mark, _ = _lengths(fields)
    rows: list[tuple[Cell, ...]] = []
    for specimen, mine in specimens_of(fields):
        for field in mine:
            pores = field.features[~field.features["linear"]]
            if len(pores) < 2:
                continue
            size = field.calibration.pixel_um if unit == "um" and field.calibration.pixel_um else 1.0
            height, width = (side * size for side in field.shape_px)
            area = (
                field.values.numbers.field_area["mm2"] * 1e6 if unit == "um" else field.values.numbers.field_area["px2"]
            )
            expected, error = expected_center_distance(
                len(pores), area, 2 * (height + width) * sqrt(area / (height * width))
            )
            mean = float(pores[f"center_distance_{unit}"].mean())
            gap = pores[f"neighbour_gap_{unit}"]
            ratio = field.values.neighbors.pore_neighbour_ratio_min
            rows.append(
                (
                    specimen,
                    field.field,
                    len(pores),
                    mean,
                    expected,
                    _pattern((mean - expected) / error),
                    float(gap.median()),
                    float(gap.min()),
                    None if ratio is None else float(ratio),
                    field.values.neighbors.clusters,
                    field.values.neighbors.clusters_pores,
                )
            )
    return Table(
        title=Text("porosity.title_neighbors_clusters"),
        columns=(
            Text("words.specimen"),
            Text("words.field"),
            Text("words.pores"),
            Text("porosity.column_center_distance_mean", mark=mark),
            Text("porosity.column_center_distance_by_chance", mark=mark),
            Text("words.pattern"),
            Text("porosity.column_gap_median", mark=mark),
            Text("porosity.column_gap_least", mark=mark),
            Text("porosity.column_gap_over_pore"),
            Text("words.clusters"),
            Text("porosity.column_pores_in_clusters"),
        ),
        rows=tuple(rows),
        note=Text("porosity.note_distance_by_chance"),
    )


def _pattern(z: float) -> Words:
    if z <= -2:
        return Text("porosity.pattern_clustered")
    return Text("porosity.pattern_spaced" if z >= 2 else "porosity.pattern_random")


def _cluster_table(fields: Sequence[Measured]) -> Table | None:
    unit, mark, area = _lengths(fields)
    found: list[tuple[float, tuple[Cell, ...]]] = []
    for field in fields:
        columns = ("cluster", "top_px", "bottom_px", "left_px", "right_px", area, f"feret_max_{unit}")
        cluster, top, bottom, left_px, right, areas, lengths = (field.features[name].to_numpy() for name in columns)
        size = field.calibration.pixel_um if unit == "um" and field.calibration.pixel_um else 1.0
        for number in np.unique(cluster[cluster > 0]):
            own = cluster == number
            height, width = bottom[own].max() - top[own].min(), right[own].max() - left_px[own].min()
            extent = float(max(height, width)) * size
            row = (
                field.specimen,
                field.field,
                int(number),
                int(own.sum()),
                extent,
                float(areas[own].sum()),
                float(lengths[own].max()),
            )
            found.append((extent, row))
    if not found:
        return None
    found.sort(key=lambda item: -item[0])
    left = len(found) - _CLUSTERS
    return Table(
        title=Text("porosity.title_pore_clusters"),
        columns=(
            Text("words.specimen"),
            Text("words.field"),
            Text("words.cluster"),
            Text("words.pores"),
            Text("porosity.column_cluster_extent", mark=mark),
            Text("porosity.column_pore_area", mark=mark),
            Text("porosity.column_largest_member_feret", mark=mark),
        ),
        rows=tuple(row for _, row in found[:_CLUSTERS]),
        note=Text("porosity.note_cluster_extent")
        + (Text("porosity.note_more_clusters_in_table", left=left) if left > 0 else ""),
    )


# ---------------------------------------------------------------------------------------------------------- charts


def charts(fields: Sequence[Measured], pores: pd.DataFrame, settings: "Settings") -> tuple[Chart, ...]:
    """Distributions of diameter, length and shape, and the share of the pore area by size; ``pores`` of all fields."""
    unit, mark, area = _lengths(fields)
    pores = pores[~pores["linear"]]
    if pores.empty:
        return ()
    limits: tuple[tuple[float, str], ...] = ()
    if unit == "um":
        size = max(float(field.calibration.pixel_um or 0.0) for field in fields)
        limits = ((2 * sqrt(settings.minimum_px2 / np.pi) * size, Text("porosity.limit_smallest_size")),)
    groups = [(str(name), group) for name, group in pores.groupby("specimen", sort=False)]
    made = []
    for column, title, bound in (
        (f"ecd_{unit}", Text("porosity.title_pore_diameters"), limits),
        (f"feret_max_{unit}", Text("porosity.title_pore_lengths"), ()),
    ):
        edges = _log_edges(pores[column].to_numpy())
        series = tuple(_counted(name, group[column].to_numpy(), edges) for name, group in groups)
        label = Text("porosity.axis_ecd") if column.startswith("ecd") else Text("porosity.axis_largest_feret")
        made.append(
            Chart(
                kind="histogram",
                title=title,
                x_label=Text("page.head_with_unit", head=label, unit=mark),
                y_label=Text("porosity.axis_pores"),
                series=series,
                x_scale="log",
                limits=bound,
            )
        )
    shape_edges = np.linspace(0.0, max(1.0, float(pores["circularity_4pi"].max())), 21)
    made.append(
        Chart(
            kind="histogram",
            title=Text("porosity.title_circularity"),
            x_label=Text("porosity.axis_circularity"),
            y_label=Text("porosity.axis_pores"),
            series=tuple(_counted(name, group["circularity_4pi"].to_numpy(), shape_edges) for name, group in groups),
        )
    )
    curves = []
    for name, group in groups:
        ordered = group.sort_values(f"feret_max_{unit}")
        share = 100 * ordered[area].cumsum() / ordered[area].sum()
        step = max(1, len(ordered) // 400)
        keep = sorted({*range(0, len(ordered), step), len(ordered) - 1})
        curves.append(
            Series(
                name=name,
                x=tuple(ordered[f"feret_max_{unit}"].iloc[keep].tolist()),
                y=tuple(share.iloc[keep].tolist()),
            )
        )
    made.append(
        Chart(
            kind="cumulative",
            title=Text("porosity.title_pore_area_by_length"),
            x_label=Text("porosity.axis_largest_feret_unit", mark=mark),
            y_label=Text("porosity.axis_share_of_pore_area"),
            series=tuple(curves),
            x_scale="log",
        )
    )
    return tuple(made)


def _log_edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Between 5 and 24 bins of one ratio over the range of the values."""
    low, high = float(values.min()) * 0.999, float(values.max()) * 1.001
    bins = int(np.clip(round(2 * len(values) ** (1 / 3)), 5, 24))
    edges: NDArray[np.float64] = np.geomspace(low, high, bins + 1)
    return edges


def _counted(name: str, values: NDArray[np.float64], edges: NDArray[np.float64]) -> Series:
    counts = np.histogram(values, edges)[0]
    return Series(name=name, x=tuple(edges.tolist()), y=tuple(float(count) for count in counts))
