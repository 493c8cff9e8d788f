"""Statements, tables and charts of the report."""

from collections.abc import Sequence
from math import sqrt

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspect_tool.measure import joints as measure
from inspect_tool.model import (
    Cell,
    Chart,
    FieldMeasurement,
    Series,
    Statement,
    Table,
)
from inspect_tool.recipes.solder_voids.settings import Settings

_BARS = 20
_VOID_ROWS = 25


def statements_of(settings: Settings, fields: Sequence[FieldMeasurement]) -> tuple[Statement, ...]:
    """Say how the joints were found, what a share is a share of, and what it is not."""
    denominators = {
        "joint projection": "projected area of the joint in the same image, voids included"
        + ("; vias left out" if settings.vias == "left out" else "; vias are part of it"),
        "pad": "area of the pad as the job states it",
        "wetted area": "area of the pad as the job states it, less the vias",
    }
    pad = (
        f" (diameter {settings.pad_diameter_um:g} µm)"
        if settings.pad_diameter_um is not None
        else f" ({settings.pad_length_um:g} × {settings.pad_width_um:g} µm)"
        if settings.pad_length_um is not None and settings.pad_width_um is not None
        else ""
    )
    if settings.denominator == "joint projection":
        pad = ""
    statements = [
        Statement(name="Denominator", text=denominators[settings.denominator] + pad),
        Statement(
            name="Void area",
            text="union of the projected voids of a joint, each pixel counted once; "
            f"voids below {settings.min_void_px:g} px equivalent diameter are not counted",
        ),
        Statement(
            name="What the number is",
            text="an area share in a two-dimensional X-ray projection; of a ball it stands for the mid-plane, not for "
            "the volume, and it does not tell at which interface a void lies",
        ),
        Statement(
            name="Outlines",
            text="a void percentage depends on the gray level at which outlines are drawn; the budget moves the "
            "outlines over plausible levels",
        ),
        Statement(
            name="Joints",
            text="all joints of interest are in the images: the mean has no sampling line"
            if settings.joints_are == "all"
            else "the joints are a sample of more joints: the mean carries the spread between joints",
        ),
    ]
    if settings.quadrants:
        statements.append(
            Statement(
                name="Die attach",
                text="quadrants meet at the center of the smallest rectangle around the joint; a corner void reaches "
                "two adjacent sides, a void across two opposite sides, within 2.5 px",
            )
        )
    statements += [Statement(name="Note", text=note) for field in fields for note in field.notes]
    return tuple(statements)


def tables_of(fields: Sequence[FieldMeasurement], features: pd.DataFrame, settings: Settings) -> tuple[Table, ...]:
    """Tabulate the joints, the largest voids and the images."""
    voids = pd.concat(
        [
            field.parts.assign(specimen=field.specimen, field=field.field)
            for field in fields
            if field.parts is not None and not field.parts.empty
        ]
        or [pd.DataFrame()],
        ignore_index=True,
    )
    tables = []
    if not voids.empty:
        voids = voids.sort_values("void_percent", ascending=False, kind="stable")
        size = next(column for column in voids.columns if column.startswith("void_diameter_"))
        unit = "µm" if size.endswith("um") else "px"
        rows = [
            (
                str(row["specimen"]),
                int(row["field"]),
                str(row["joint"]),
                round(float(row["void_percent"]), 3),
                round(float(row[size]), 2),
                round(float(row["row_px"]), 1),
                round(float(row["column_px"]), 1),
            )
            for _, row in voids.head(_VOID_ROWS).iterrows()
        ]
        tables.append(
            Table(
                title="Largest voids",
                columns=(
                    *("Specimen", "Field", "Joint", "Share of joint [%]"),
                    *(f"Equivalent diameter [{unit}]", "Row [px]", "Column [px]"),
                ),
                rows=tuple(rows),
                note=f"{len(rows)} of {len(voids)} voids",
            )
        )
    if settings.quadrants:
        quadrants = [f"{name.replace(' ', '_')}_void_percent" for name in measure.QUADRANTS]
        facts: list[tuple[Cell, ...]] = [
            (
                str(row["specimen"]),
                int(row["field"]),
                str(row["joint"]),
                *(round(float(row[column]), 2) for column in quadrants),
                str(row["worst_quadrant"]),
                round(float(row["corner_void_percent"]), 2),
                round(float(row["across_void_percent"]), 2),
                str(row["across"]) or "none",
            )
            for _, row in features.iterrows()
        ]
        tables.append(
            Table(
                title="Die attach: where the voids lie",
                columns=(
                    *("Specimen", "Field", "Joint", *(f"{name.capitalize()} [%]" for name in measure.QUADRANTS)),
                    *("Worst quadrant", "Corner void [%]", "Void across [%]", "Across"),
                ),
                rows=tuple(facts),
                note="facts about the geometry, judged by nothing unless the job states a requirement",
            )
        )
    return tuple(tables)


def charts_of(fields: Sequence[FieldMeasurement], features: pd.DataFrame) -> tuple[Chart, ...]:
    """Draw the void share of each joint, and how the shares are distributed."""
    charts = []
    if len(features) > 1:
        many = len(features) > _BARS
        worst = features.sort_values("void_percent", ascending=False, kind="stable").head(_BARS) if many else features
        places = tuple(range(len(worst)))
        # a joint is named as far as its name alone does not tell it
        names = [name for name in ("specimen", "field") if features[name].nunique() > 1] + ["joint"]
        charts.append(
            Chart(
                kind="bars",
                title=f"Void share of the worst {_BARS} of {len(features)} joints"
                if many
                else "Void share of each joint",
                x_label=" / ".join(names),
                y_label="void share [%]",
                series=(
                    Series(name="all voids", x=places, y=tuple(worst["void_percent"].tolist())),
                    Series(name="largest void", x=places, y=tuple(worst["largest_void_percent"].tolist())),
                ),
                categories=tuple("/".join(str(row[name]) for name in names) for _, row in worst.iterrows()),
            )
        )
        if many:
            charts.append(
                _histogram(features["void_percent"].to_numpy(), "Void share of the joints", "void share [%]", "joints")
            )
    parts = [field.parts for field in fields if field.parts is not None and len(field.parts)]
    if parts:
        column = next(name for name in parts[0].columns if name.startswith("void_diameter_"))
        sizes = np.concatenate([part[column].to_numpy() for part in parts if column in part.columns])
        unit = "µm" if column.endswith("um") else "px"
        charts.append(_histogram(sizes, "Void sizes", f"equivalent diameter [{unit}]", "voids"))
    return tuple(charts)


def _histogram(values: NDArray[np.float64], title: str, x_label: str, y_label: str) -> Chart:
    edges = np.histogram_bin_edges(values, bins=min(30, max(5, round(sqrt(len(values))))))
    counts, _ = np.histogram(values, edges)
    return Chart(
        kind="histogram",
        title=title,
        x_label=x_label,
        y_label=y_label,
        series=(Series(name=y_label, x=tuple(edges.tolist()), y=tuple(float(c) for c in counts)),),
    )
