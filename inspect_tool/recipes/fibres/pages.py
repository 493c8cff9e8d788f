"""What the report of fibers shows besides its results: tables, charts and the statements of the method."""

from collections.abc import Sequence
from math import atan2, degrees, hypot

import numpy as np
from numpy.typing import NDArray

from inspect_tool.languages import Text, joined, recognized
from inspect_tool.model import Cell, Chart, Result, Series, Standard, Statement, Table, Wording
from inspect_tool.recipes._common import length_unit, specimens_of
from inspect_tool.recipes.fibres.results import LEAST, fibers_of
from inspect_tool.recipes.fibres.settings import Settings
from inspect_tool.recipes.fibres.values import Measured
from inspect_tool.standards.formulas import fiber_sections

_CLASSES = 20  # of diameter and of tilt
_RIGHT, _LINE = 90.0, 180.0  # [deg]

WORDING = Wording(
    titles={
        "count_weight": Text("fibres.column_count_weight"),
        "tilt": Text("fibres.column_tilt"),
        "tilt_deg": Text("fibres.column_tilt"),
        "touching": Text("fibres.column_touching"),
        "diameter_noise_px2": Text("fibres.column_noise"),
        "fibers": Text("fibres.column_fibers"),
        "fibers_cut": Text("fibres.column_cut"),
        "fibers_counted": Text("fibres.column_counted"),
        "fibers_measured": Text("fibres.column_measured"),
        "touching_percent": Text("fibres.column_touching_percent"),
        "fibre_percent": Text("fibres.column_fiber"),
        "void_percent": Text("fibres.column_void"),
        "resin_rich_percent": Text("fibres.column_resin_rich"),
        "resin_rich_beyond": Text("fibres.column_beyond"),
        "fibre_count_per_mm2": Text("fibres.title_count"),
        "mean_fibre_diameter": Text("fibres.title_mean_diameter"),
        "fibre_diameter_sd": Text("fibres.title_diameter_sd"),
        "mean_fibre_tilt": Text("fibres.title_tilt"),
        "mean_fibre_tilt_deg": Text("fibres.title_tilt"),
        "mean_diameter": Text("fibres.title_mean_diameter"),
        "mean_diameter_px": Text("fibres.title_mean_diameter"),
        "orientation_a11": Text("fibres.title_a11"),
        "orientation_a22": Text("fibres.title_a22"),
        "orientation_a33": Text("fibres.title_a33"),
        "orientation_a12": Text("fibres.title_a12"),
        "half_pixel_percent": Text("fibres.column_half_pixel"),
    },
    spreads=frozenset({"fibres.column_low", "fibres.column_high"}),
    feature="fiber",
    judged={
        "fibres.title_diameters": ("mean_fibre_diameter_um",),
        "fibres.title_tilts": ("mean_fibre_tilt_deg",),
    },
)


def statements(fields: Sequence[Measured], settings: Settings, standard: Standard) -> tuple[Statement, ...]:
    """How the numbers were made, for the method block."""
    voids = all("void" in field.values.numbers.area for field in fields)
    made = [
        Statement(
            name=Text("fibres.phases"),
            text=Text("fibres.phases_three") if voids else Text("fibres.phases_two"),
        ),
        Statement(name=Text("fibres.diameter"), text=Text("fibres.diameter_text", minimum_px2=settings.minimum_px2)),
        Statement(name=Text("fibres.edge"), text=Text("fibres.edge_text")),
        Statement(name=Text("fibres.direction"), text=Text("fibres.direction_text")),
        Statement(
            name=Text("fibres.small_tilts"), text=Text("fibres.small_tilts_text", percent=100 * settings.roundness)
        ),
        Statement(name=Text("fibres.resin_rich"), text=Text("fibres.resin_rich_text")),
        Statement(name=Text("fibres.limits"), text=Text("fibres.limits_text")),
    ]
    if standard.notes:
        made.append(
            Statement(
                name=Text("fibres.edition"), text=joined(" ", (recognized("notes", note) for note in standard.notes))
            )
        )
    return tuple(made)


def tables(fields: Sequence[Measured], results: Sequence[Result], settings: Settings) -> tuple[Table, ...]:
    """All tables of the report."""
    made = [_result_table(results), _phase_table(fields), _direction_table(fields, settings)]
    return tuple(table for table in made if table.rows)


def _result_table(results: Sequence[Result]) -> Table:
    rows = tuple(
        (result.specimen, result.title, result.value, *(result.interval or (None, None)), result.unit, result.n)
        for result in results
    )
    return Table(
        title=Text("fibres.title_results"),
        columns=(
            Text("words.specimen"),
            Text("words.quantity"),
            Text("fibres.column_value"),
            Text("fibres.column_low"),
            Text("fibres.column_high"),
            Text("fibres.column_unit"),
            Text("fibres.column_n"),
        ),
        rows=rows,
        note=Text("fibres.note_results"),
    )


def _phase_table(fields: Sequence[Measured]) -> Table:
    """Area shares of fiber, matrix and void of every field; they add up to 100."""
    rows: list[tuple[Cell, ...]] = []
    for field in fields:
        area = field.values.numbers.area
        void = area.get("void")
        rows.append(
            (
                field.specimen,
                field.field,
                area["fibre"],
                100 - area["fibre"] - (void or 0.0),
                void,
                area.get("resin_rich"),
            )
        )
    return Table(
        title=Text("fibres.title_phases"),
        columns=(
            Text("words.specimen"),
            Text("words.field"),
            Text("fibres.column_fiber"),
            Text("fibres.column_matrix"),
            Text("fibres.column_void"),
            Text("fibres.column_resin_rich"),
        ),
        rows=tuple(rows),
        note=Text("fibres.note_phases"),
    )


def _direction_table(fields: Sequence[Measured], settings: Settings) -> Table:
    """Direction of the traces in the section, how much they agree, and the two directions in space that they leave."""
    rows: list[tuple[Cell, ...]] = []
    for specimen, mine in specimens_of(fields):
        fibers = fibers_of(mine, settings)
        if len(fibers.diameter) < LEAST:
            continue
        found = fiber_sections.direction_tensor(fibers.tilt_deg, fibers.trace_deg)
        mean = {name: float(np.average(found[name], weights=fibers.by_area.weight)) for name in found}
        flat, turned = mean["a11"] - mean["a22"], 2 * mean["a12"]
        trace = degrees(atan2(turned, flat)) / 2 % _LINE
        in_plane = mean["a11"] + mean["a22"]
        rows.append(
            (
                specimen,
                trace,
                (trace + _LINE) % (2 * _LINE),
                hypot(flat, turned) / in_plane if in_plane > 0 else 0.0,
                float(np.average(fibers.tilt_deg, weights=fibers.by_number.weight)),
            )
        )
    return Table(
        title=Text("fibres.title_directions"),
        columns=(
            Text("words.specimen"),
            Text("fibres.column_trace"),
            Text("fibres.column_or"),
            Text("fibres.column_agreement"),
            Text("fibres.column_tilt_degrees"),
        ),
        rows=tuple(rows),
        note=Text("fibres.note_directions"),
    )


def charts(fields: Sequence[Measured], settings: Settings) -> tuple[Chart, ...]:
    """Distributions of diameter and tilt, whole fibers weighted for the frame."""
    _, mark = length_unit(fields)
    every = [(name, fibers_of(mine, settings)) for name, mine in specimens_of(fields)]
    every = [one for one in every if len(one[1].diameter) >= LEAST]
    if not every:
        return ()
    sizes = np.concatenate([fibers.diameter for _, fibers in every])
    bounds = np.linspace(float(sizes.min()) * 0.999, float(sizes.max()) * 1.001, _CLASSES + 1)
    angles = np.linspace(0.0, _RIGHT, _CLASSES - 1)
    return tuple(
        Chart(
            kind="histogram",
            title=title,
            x_label=label,
            y_label=Text("fibres.axis_fibers"),
            series=tuple(
                Series(
                    name=name,
                    x=tuple(edges.tolist()),
                    y=_counted(
                        fibers.diameter if of == "diameter" else fibers.tilt_deg, fibers.by_number.weight, edges
                    ),
                )
                for name, fibers in every
            ),
        )
        for of, title, label, edges in (
            (
                "diameter",
                Text("fibres.title_diameters"),
                Text("page.head_with_unit", head=Text("fibres.axis_diameter"), unit=mark),
                bounds,
            ),
            ("tilt_deg", Text("fibres.title_tilts"), Text("fibres.column_tilt_degrees"), angles),
        )
    )


def _counted(values: NDArray[np.float64], weight: NDArray[np.float64], edges: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(np.histogram(values, edges, weights=weight)[0].tolist())
