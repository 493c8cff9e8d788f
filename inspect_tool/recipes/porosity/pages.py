"""What the porosity report shows besides its results: tables, charts and the statements of the method."""

from collections.abc import Sequence
from itertools import pairwise
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspect_tool.measure.neighbours import expected_center_distance
from inspect_tool.model import Cell, Chart, FieldMeasurement, Result, Series, Standard, Statement, Table
from inspect_tool.recipes._common import feature_table
from inspect_tool.standards.formulas.shape import FORMULAS
from inspect_tool.statistics.fields import field_statistics, fields_for_accuracy

if TYPE_CHECKING:
    from inspect_tool.recipes.porosity import Settings

_BOUNDS_UM = tuple(m * 10.0**e for e in range(-2, 5) for m in (1, 2, 5))
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


def calibrated(fields: Sequence[FieldMeasurement]) -> bool:
    """Whether every field has a scale."""
    return all(field.calibration.pixel_um is not None for field in fields)


def field_table(fields: Sequence[FieldMeasurement]) -> pd.DataFrame:
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
    fields: Sequence[FieldMeasurement], settings: "Settings", standard: Standard, shown: str
) -> tuple[Statement, ...]:
    """How the numbers were made, for the method block."""
    smallest = f"{settings.minimum_px2} px in area"
    if calibrated(fields):
        sizes = sorted({float(field.calibration.pixel_um or 0.0) for field in fields})
        ecd = [2 * sqrt(settings.minimum_px2 / np.pi) * size for size in sizes]
        smallest += " (ECD " + " to ".join(f"{value:.3g}" for value in dict.fromkeys((ecd[0], ecd[-1]))) + " µm)"
    if settings.minimum_um:
        smallest += f"; pores with a largest Feret below {settings.minimum_um:g} µm do not count"
    cut = {
        "half": "count one half in the number per area",
        "two_edges": "count when they touch the bottom or right edge only, not the top or left edge",
    }[settings.count_rule]
    made = [
        Statement(
            name="Porosity", text="100 ΣA_pore / A_field, mean over fields; pixels outside the region do not count"
        ),
        Statement(
            name="Smallest pore",
            text=f"{smallest}. Smaller dark spots are not measured; their share is given apart and enters U.",
        ),
        Statement(
            name="Pores cut by the edge",
            text=f"in the area; {cut}; not in the mean size, whose whole pores are weighted by 1/((1 - w/W)(1 - h/H)) "
            "(Miles-Lantuéjoul) in a rectangular field; in the largest pore with what is seen of them",
        ),
        Statement(
            name="Sizes",
            text="ECD = √(4A/π); Feret = caliper over outer pixel edges; perimeter by chain code (Vossepoel-Smeulders)",
        ),
        Statement(
            name="Shape factors",
            text="; ".join(f"{name.replace('_', ' ')} = {formula}" for name, formula in FORMULAS.items()),
        ),
        Statement(
            name="Neighbours",
            text="edge to edge between direct neighbours of one field; clusters: gap below "
            f"{settings.cluster_gap:g} × the Feret diameter of the smaller pore",
        ),
        Statement(name="Largest pore", text="the largest that was seen in these fields, not the largest of the part"),
    ]
    if shown == "thermal_spray" or settings.linear_elongation:
        made.append(
            Statement(
                name="Linear detachments",
                text="features with F_max²/A at or above the limit of the settings or the standard are no pores here; "
                "their area is reported apart",
            )
        )
    if settings.reference_area is not None:
        area = settings.reference_area
        size = f"{area.size_mm:g} mm" + (f" × {area.height_mm:g} mm" if area.height_mm else "")
        made.append(
            Statement(
                name="Reference area",
                text=f"{area.shape}, {size}, slid to the place with the largest share of pores in every field; sides "
                "along the image (a triangle and a rectangle also in quarter turns)",
            )
        )
    elif shown == "casting":
        made.append(Statement(name="Reference area", text="the whole field; none was set in the job"))
    if shown == "hardmetal":
        made.append(
            Statement(
                name="Levels",
                text="area share of pores by type, given the nearest level of the series that is not better; type C "
                "(uncombined carbon) is rated by a person and not stated here",
            )
        )
    if standard.notes:
        made.append(Statement(name="Edition", text=" ".join(standard.notes)))
    return tuple(made)


# ---------------------------------------------------------------------------------------------------------- tables


def tables(
    fields: Sequence[FieldMeasurement],
    results: Sequence[Result],
    settings: "Settings",
    standard: Standard,  # noqa: ARG001 - one shape with statements
    shown: str,
) -> tuple[Table, ...]:
    """All tables of the report."""
    made = [_statistics_table(fields, shown)]
    if shown == "hardmetal":
        made.append(_hardmetal_table(results))
    made += [_largest_table(fields)]
    if calibrated(fields):
        made.append(_size_table(fields, settings))
    made.append(_neighbour_table(fields))
    clusters = _cluster_table(fields)
    if clusters is not None:
        made.append(clusters)
    return tuple(table for table in made if table.rows)


def _specimens(fields: Sequence[FieldMeasurement]) -> list[tuple[str, list[FieldMeasurement]]]:
    names = dict.fromkeys(field.specimen for field in fields)
    return [(name, [field for field in fields if field.specimen == name]) for name in names]


def _value(field: FieldMeasurement, name: str) -> float:
    return float(field.values.get(name, 0.0))


def _statistics_table(fields: Sequence[FieldMeasurement], shown: str) -> Table:
    """Field statistics of the area shares, with what chance alone would leave."""
    names = [("Porosity", "porosity_percent"), ("Below the smallest size", "below_minimum_percent")]
    if shown == "thermal_spray" or any(_value(field, "linear") for field in fields):
        names.insert(1, ("Linear detachments", "linear_percent"))
    rows: list[tuple[Cell, ...]] = []
    for specimen, mine in _specimens(fields):
        for title, name in names:
            found = field_statistics([_value(field, name) for field in mine], [field.section for field in mine])
            chance: float | None = None
            total = sum(_value(field, "porosity_percent") for field in mine) / 100
            if name == "porosity_percent" and total:
                chance = 196 * sqrt(sum(_value(field, "area_squared") for field in mine)) / total
            more = fields_for_accuracy(found, 20.0) if name == "porosity_percent" else None
            rows.append((specimen, title, found.n, found.mean, found.s, found.ci95, found.ra_percent, chance, more))
    return Table(
        title="Area shares over the fields",
        columns=(
            "Specimen",
            "Share",
            "Fields",
            "Mean [%]",
            "s [%]",
            "95 % CI ± [%]",
            "Relative accuracy [%]",
            "Chance alone [%]",
            "Fields for 20 %",
        ),
        rows=tuple(rows),
        note="Student t over the fields. Chance alone: 196 √ΣA²/ΣA, what pores thrown at random would leave.",
    )


def _hardmetal_table(results: Sequence[Result]) -> Table:
    rows = tuple(
        (result.specimen, result.title, result.value, result.unit, result.rounded or "-")
        for result in results
        if result.quantity.startswith(("hardmetal_percent", "large_pores_per_cm2"))
    )
    return Table(
        title="Apparent porosity after ASTM B276",
        columns=("Specimen", "Pores", "Found", "Unit", "Level"),
        rows=rows,
        note="The level is the nearest of the series that is not better than the measured share.",
    )


def _lengths(fields: Sequence[FieldMeasurement]) -> tuple[str, str, str]:
    return ("um", "µm", "area_um2") if calibrated(fields) else ("px", "px", "area_px2")


def _largest_table(fields: Sequence[FieldMeasurement]) -> Table:
    unit, mark, area = _lengths(fields)
    pores = feature_table(fields)
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
            "yes, larger than seen" if row["touches_edge"] else "no",
        )
        for _, row in pores.iterrows()
    )
    return Table(
        title="Largest pores",
        columns=(
            "Specimen",
            "Field",
            "Pore",
            f"Feret max [{mark}]",
            f"Feret min [{mark}]",
            f"ECD [{mark}]",
            f"Area [{mark}²]",
            "Circularity 4πA/P²",
            f"Gap to neighbour [{mark}]",
            "Cut by edge",
        ),
        rows=rows,
    )


def size_bounds(fields: Sequence[FieldMeasurement], settings: "Settings") -> list[float]:
    """Bounds of the size classes [um]: from the settings, or 1-2-5 steps around what was found."""
    if settings.size_classes_um:
        return [0.0, *settings.size_classes_um, float("inf")]
    pores = feature_table(fields)
    values = pores.loc[~pores["linear"], f"{settings.size_by}_um"]
    if values.empty:
        return []
    inner = [bound for bound in _BOUNDS_UM if values.min() < bound]
    upper = next((i for i, bound in enumerate(inner) if bound >= values.max()), len(inner) - 1)
    lower = max((bound for bound in _BOUNDS_UM if bound <= values.min()), default=0.0)
    return [lower, *inner[: upper + 1]]


def _size_table(fields: Sequence[FieldMeasurement], settings: "Settings") -> Table:
    bounds = size_bounds(fields, settings)
    pores = feature_table(fields)
    pores = pores[~pores["linear"]]
    rows: list[tuple[Cell, ...]] = []
    for specimen, mine in _specimens(fields):
        own = pores[pores["specimen"] == specimen]
        size, area = own[f"{settings.size_by}_um"].to_numpy(), own["area_um2"].to_numpy()
        field_um2 = 1e6 * sum(_value(field, "field_area_mm2") for field in mine)
        for low, high in pairwise(bounds):
            inside = (size > low) & (size <= high)
            name = f"over {low:g}" if high == float("inf") else f"{low:g} to {high:g}"
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
    by = "ECD" if settings.size_by == "ecd" else "largest Feret"
    return Table(
        title="Size classes",
        columns=(
            "Specimen",
            f"{by} [µm]",
            "Pores",
            "Of the pores [%]",
            "Of the area [%]",
            "Of the porosity [%]",
            "Cut by edge",
        ),
        rows=tuple(rows),
        note="A class holds its upper bound. Pores cut by the edge stand in the class of what is seen of them.",
    )


def _neighbour_table(fields: Sequence[FieldMeasurement]) -> Table:
    unit, mark, _ = _lengths(fields)
    rows: list[tuple[Cell, ...]] = []
    for specimen, mine in _specimens(fields):
        for field in mine:
            pores = field.features[~field.features["linear"]]
            if len(pores) < 2:
                continue
            size = field.calibration.pixel_um if unit == "um" and field.calibration.pixel_um else 1.0
            height, width = (side * size for side in field.shape_px)
            area = (
                float(field.values["field_area_mm2"]) * 1e6 if unit == "um" else float(field.values["field_area_px2"])
            )
            expected, error = expected_center_distance(
                len(pores), area, 2 * (height + width) * sqrt(area / (height * width))
            )
            mean = float(pores[f"center_distance_{unit}"].mean())
            gap = pores[f"neighbour_gap_{unit}"]
            ratio = field.values.get("pore_neighbour_ratio_min")
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
                    int(float(field.values["clusters"])),
                    int(float(field.values["clusters_pores"])),
                )
            )
    return Table(
        title="Neighbours and clusters",
        columns=(
            "Specimen",
            "Field",
            "Pores",
            f"Centre distance, mean [{mark}]",
            f"By chance [{mark}]",
            "Pattern",
            f"Gap, median [{mark}]",
            f"Gap, least [{mark}]",
            "Least gap / smaller pore",
            "Clusters",
            "Pores in them",
        ),
        rows=tuple(rows),
        note="By chance: 0.5/√λ with the edge term of Donnelly. Pattern: two standard errors from it or more.",
    )


def _pattern(z: float) -> str:
    if z <= -2:
        return "clustered"
    return "spaced" if z >= 2 else "random"


def _cluster_table(fields: Sequence[FieldMeasurement]) -> Table | None:
    unit, mark, area = _lengths(fields)
    found: list[tuple[float, tuple[Cell, ...]]] = []
    for field in fields:
        for number, members in field.features[field.features["cluster"] > 0].groupby("cluster"):
            height = float(members["bottom_px"].max() - members["top_px"].min())
            width = float(members["right_px"].max() - members["left_px"].min())
            size = field.calibration.pixel_um if unit == "um" and field.calibration.pixel_um else 1.0
            extent = max(height, width) * size
            row = (
                field.specimen,
                field.field,
                int(str(number)),
                len(members),
                extent,
                float(members[area].sum()),
                float(members[f"feret_max_{unit}"].max()),
            )
            found.append((extent, row))
    if not found:
        return None
    found.sort(key=lambda item: -item[0])
    left = len(found) - _CLUSTERS
    return Table(
        title="Pore clusters",
        columns=(
            "Specimen",
            "Field",
            "Cluster",
            "Pores",
            f"Extent [{mark}]",
            f"Pore area [{mark}²]",
            f"Largest member, Feret [{mark}]",
        ),
        rows=tuple(row for _, row in found[:_CLUSTERS]),
        note="Extent: longer side of the upright box around the cluster."
        + (f" The largest are shown, {left} more are in the feature table." if left > 0 else ""),
    )


# ---------------------------------------------------------------------------------------------------------- charts


def charts(fields: Sequence[FieldMeasurement], settings: "Settings") -> tuple[Chart, ...]:
    """Distributions of diameter, length and shape, and the share of the pore area by size."""
    unit, mark, area = _lengths(fields)
    pores = feature_table(fields)
    pores = pores[~pores["linear"]]
    if pores.empty:
        return ()
    limits: tuple[tuple[float, str], ...] = ()
    if unit == "um":
        size = max(float(field.calibration.pixel_um or 0.0) for field in fields)
        limits = ((2 * sqrt(settings.minimum_px2 / np.pi) * size, "smallest size"),)
    groups = [(str(name), group) for name, group in pores.groupby("specimen", sort=False)]
    made = []
    for column, title, bound in (
        (f"ecd_{unit}", "Pore diameters (ECD)", limits),
        (f"feret_max_{unit}", "Pore lengths (largest Feret)", ()),
    ):
        edges = _log_edges(pores[column].to_numpy())
        series = tuple(_counted(name, group[column].to_numpy(), edges) for name, group in groups)
        label = "ECD" if column.startswith("ecd") else "Largest Feret"
        made.append(
            Chart(
                kind="histogram",
                title=title,
                x_label=f"{label} [{mark}]",
                y_label="Pores",
                series=series,
                x_scale="log",
                limits=bound,
            )
        )
    shape_edges = np.linspace(0.0, max(1.0, float(pores["circularity_4pi"].max())), 21)
    made.append(
        Chart(
            kind="histogram",
            title="Circularity (1: circle)",
            x_label="Circularity 4πA/P²",
            y_label="Pores",
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
            title="Pore area in pores up to a length",
            x_label=f"Largest Feret [{mark}]",
            y_label="Share of pore area [%]",
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
