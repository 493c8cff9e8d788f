"""Statements, tables and charts of the report."""

from collections.abc import Sequence
from math import sqrt

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from inspect_tool.languages import Text, joined
from inspect_tool.measure import joints as measure
from inspect_tool.model import (
    Cell,
    Chart,
    FieldMeasurement,
    Series,
    Statement,
    Table,
    Wording,
)
from inspect_tool.recipes.solder_voids.settings import Settings

_BARS = 20
_VOID_ROWS = 25

WORDING = Wording(
    spreads=frozenset(
        {
            "solder_voids.column_corner_void",
            "solder_voids.column_share_of_joint",
            "solder_voids.column_void_across",
        }
    ),
    feature="joint",
    judged={
        f"solder_voids.{title}": ("void_percent.max", "void_percent.mean", "largest_void_percent.max")
        for title in ("title_void_share_each_joint", "title_void_share_worst_joints", "title_void_share_of_joints")
    },
)


def statements_of(settings: Settings, fields: Sequence[FieldMeasurement]) -> tuple[Statement, ...]:
    """Say how the joints were found, what a share is a share of, and what it is not."""
    denominators = {
        "joint projection": Text("solder_voids.denominator_joint_projection")
        + (
            Text("solder_voids.denominator_vias_left_out")
            if settings.vias == "left out"
            else Text("solder_voids.denominator_vias_included")
        ),
        "pad": Text("solder_voids.denominator_pad"),
        "wetted area": Text("solder_voids.denominator_wetted_area"),
    }
    pad = (
        Text("solder_voids.denominator_pad_diameter", pad_diameter_um=settings.pad_diameter_um)
        if settings.pad_diameter_um is not None
        else f" ({settings.pad_length_um:g} × {settings.pad_width_um:g} µm)"
        if settings.pad_length_um is not None and settings.pad_width_um is not None
        else ""
    )
    if settings.denominator == "joint projection":
        pad = ""
    statements = [
        Statement(name=Text("solder_voids.denominator"), text=denominators[settings.denominator] + pad),
        Statement(
            name=Text("solder_voids.void_area"),
            text=Text("solder_voids.void_area_text", min_void_px=settings.min_void_px),
        ),
        Statement(
            name=Text("solder_voids.meaning_of_number"),
            text=Text("solder_voids.meaning_of_number_text"),
        ),
        Statement(
            name=Text("solder_voids.outlines"),
            text=Text("solder_voids.outlines_text"),
        ),
        Statement(
            name=Text("solder_voids.joints"),
            text=Text("solder_voids.joints_all_text")
            if settings.joints_are == "all"
            else Text("solder_voids.joints_sample_text"),
        ),
    ]
    if settings.quadrants:
        statements.append(
            Statement(
                name=Text("solder_voids.die_attach"),
                text=Text("solder_voids.die_attach_text"),
            )
        )
    statements += [Statement(name=Text("solder_voids.note"), text=note) for field in fields for note in field.notes]
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
                title=Text("solder_voids.title_largest_voids"),
                columns=(
                    *(
                        Text("words.specimen"),
                        Text("words.field"),
                        Text("words.joint"),
                        Text("solder_voids.column_share_of_joint"),
                    ),
                    *(
                        Text("solder_voids.column_equivalent_diameter", unit=unit),
                        Text("solder_voids.column_image_row"),
                        Text("solder_voids.column_image_column"),
                    ),
                ),
                rows=tuple(rows),
                note=Text("solder_voids.note_voids_shown", n_rows=len(rows), n_voids=len(voids)),
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
                title=Text("solder_voids.title_die_attach"),
                columns=(
                    *(
                        Text("words.specimen"),
                        Text("words.field"),
                        Text("words.joint"),
                        *(f"{name.capitalize()} [%]" for name in measure.QUADRANTS),
                    ),
                    *(
                        Text("words.worst_quadrant"),
                        Text("solder_voids.column_corner_void"),
                        Text("solder_voids.column_void_across"),
                        Text("words.across"),
                    ),
                ),
                rows=tuple(facts),
                note=Text("solder_voids.note_die_attach"),
            )
        )
    return tuple(tables)


_AXIS = {
    "specimen": Text("solder_voids.axis_specimen"),
    "field": Text("solder_voids.axis_field"),
    "joint": Text("solder_voids.axis_joint"),
}


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
                title=Text("solder_voids.title_void_share_worst_joints", bars=_BARS, n_features=len(features))
                if many
                else Text("solder_voids.title_void_share_each_joint"),
                x_label=joined(" / ", (_AXIS[name] for name in names)),
                y_label=Text("solder_voids.axis_void_share"),
                series=(
                    Series(
                        name=Text("solder_voids.series_all_voids"), x=places, y=tuple(worst["void_percent"].tolist())
                    ),
                    Series(
                        name=Text("solder_voids.series_largest_void"),
                        x=places,
                        y=tuple(worst["largest_void_percent"].tolist()),
                    ),
                ),
                categories=tuple("/".join(str(row[name]) for name in names) for _, row in worst.iterrows()),
            )
        )
        if many:
            charts.append(
                _histogram(
                    features["void_percent"].to_numpy(),
                    Text("solder_voids.title_void_share_of_joints"),
                    Text("solder_voids.axis_void_share"),
                    Text("solder_voids.axis_joints"),
                )
            )
    parts = [field.parts for field in fields if field.parts is not None and len(field.parts)]
    if parts:
        column = next(name for name in parts[0].columns if name.startswith("void_diameter_"))
        sizes = np.concatenate([part[column].to_numpy() for part in parts if column in part.columns])
        unit = "µm" if column.endswith("um") else "px"
        charts.append(
            _histogram(
                sizes,
                Text("solder_voids.title_void_sizes"),
                Text("solder_voids.axis_equivalent_diameter", unit=unit),
                Text("solder_voids.axis_voids"),
            )
        )
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
