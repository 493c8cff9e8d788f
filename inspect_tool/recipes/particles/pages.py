"""What the report of particles shows besides its results: tables, charts and the statements of the method."""

from collections.abc import Sequence
from itertools import pairwise
from math import exp, log, pi, sqrt

import numpy as np
from numpy.typing import NDArray

from inspect_tool.languages import Text, joined, recognized
from inspect_tool.model import Cell, Chart, Result, Series, Standard, Statement, Table, Wording
from inspect_tool.recipes._common import feature_table, length_unit, specimens_of
from inspect_tool.recipes.particles import sampling
from inspect_tool.recipes.particles.results import sample_of
from inspect_tool.recipes.particles.settings import POWERS, Settings
from inspect_tool.recipes.particles.values import Measured
from inspect_tool.standards.formulas import iso_13322_1
from inspect_tool.standards.formulas.shape import FORMULAS
from inspect_tool.statistics.weighted import cumulated

_CLASSES = 10  # of size, in equal steps of the logarithm
_LARGEST = 10  # rows of the table of the largest particles
_POINTS = 200  # of a curve
_ERROR = 0.05  # relative, that the number of particles is planned for

WORDING = Wording(
    titles={
        "count_weight": Text("particles.column_count_weight"),
        "size_weight": Text("particles.column_size_weight"),
        "contact_percent": Text("particles.column_contact"),
        "satellite_of": Text("particles.column_satellite_of"),
        "concave": Text("particles.column_concave"),
        "particles_cut": Text("particles.column_cut"),
        "particles_counted": Text("particles.column_counted"),
        "particles_measured": Text("particles.column_measured"),
        "particles_concave": Text("particles.column_particles_concave"),
        "concave_area_percent": Text("particles.column_concave_area"),
        "touching_percent": Text("particles.column_touching"),
        "counted_squared": Text("particles.column_counted_squared"),
        "crowding": Text("particles.column_crowding"),
        "crowding_dof": Text("particles.column_crowding_dof"),
        "largest_of_frame_percent": Text("particles.column_of_frame"),
        "particle_d10": Text("particles.column_d10"),
        "particle_d50": Text("particles.column_d50"),
        "particle_d90": Text("particles.column_d90"),
        "mean_particle_ecd": Text("particles.column_mean_ecd"),
        "sauter_diameter": Text("particles.title_sauter"),
        "largest_particle_feret": Text("particles.title_largest_feret"),
        "particle_count_per_mm2": Text("particles.column_count"),
        "particle_aspect_ratio": Text("particles.title_aspect_ratio"),
        "particle_circularity": Text("particles.title_circularity"),
        "satellite_percent": Text("particles.title_satellites"),
        "below_minimum": Text("particles.column_below"),
    },
    spreads=frozenset({"particles.column_low", "particles.column_high", "particles.column_share_number"}),
    feature="particle",
    judged={
        "particles.title_cumulative": tuple(
            f"particle_d{k}_um.{by}" for by in ("volume", "number") for k in (10, 50, 90)
        ),
        "particles.title_histogram": ("mean_particle_ecd_um", "sauter_diameter_um"),
        "particles.title_aspect_ratio": ("particle_aspect_ratio",),
    },
)


def statements(fields: Sequence[Measured], settings: Settings, standard: Standard) -> tuple[Statement, ...]:
    """How the numbers were made, for the method block."""
    smallest = Text("particles.minimum_px2", minimum_px2=settings.minimum_px2)
    unit, mark = length_unit(fields)
    sizes = [float(field.calibration.pixel_um or 1.0) if unit == "um" else 1.0 for field in fields]
    diameter = sqrt(4 * settings.minimum_px2 / pi) * max(sizes)
    edge = {
        "weighted": Text("particles.edge_weighted_text"),
        "guard": Text("particles.edge_guard_text", guard_um=settings.guard_um),
    }
    overlap = {
        "separate": Text("particles.overlap_separate_text", concave=settings.concave),
        "reject": Text("particles.overlap_reject_text", concave=settings.concave),
    }
    satellites = {
        "counted": Text("particles.satellites_counted"),
        "left out": Text("particles.satellites_left_out"),
        "with host": Text("particles.satellites_with_host"),
    }
    made = [
        Statement(name=Text("particles.diameter"), text=Text("particles.diameter_text")),
        Statement(name=Text("particles.volume"), text=Text("particles.volume_text")),
        Statement(name=Text("particles.quantiles"), text=Text("particles.quantiles_text")),
        Statement(
            name=Text("particles.smallest"),
            text=Text("particles.smallest_text", smallest=smallest, diameter=diameter, mark=mark),
        ),
        Statement(name=Text("particles.edge"), text=edge[settings.edge]),
        Statement(name=Text("particles.overlap"), text=overlap[settings.overlap]),
        Statement(
            name=Text("particles.satellites"),
            text=Text("particles.satellites_text", ratio=settings.satellite_ratio, how=satellites[settings.satellites]),
        ),
        Statement(name=Text("particles.limits"), text=Text("particles.limits_text")),
        Statement(
            name=Text("particles.shape_factors"),
            text="; ".join(f"{name.replace('_', ' ')} = {formula}" for name, formula in FORMULAS.items()),
        ),
    ]
    if standard.notes:
        made.append(
            Statement(
                name=Text("particles.edition"), text=joined(" ", (recognized("notes", note) for note in standard.notes))
            )
        )
    return tuple(made)


def tables(fields: Sequence[Measured], results: Sequence[Result]) -> tuple[Table, ...]:
    """All tables of the report."""
    made = [_size_table(results), _class_table(fields), _largest_table(fields), _planning_table(fields)]
    return tuple(table for table in made if table.rows)


def _size_table(results: Sequence[Result]) -> Table:
    rows = tuple(
        (result.specimen, result.title, result.value, *(result.interval or (None, None)), result.n)
        for result in results
        if result.unit == "um"
    )
    return Table(
        title=Text("particles.title_sizes"),
        columns=(
            Text("words.specimen"),
            Text("words.quantity"),
            Text("particles.column_value"),
            Text("particles.column_low"),
            Text("particles.column_high"),
            Text("particles.n_of_particles"),
        ),
        rows=rows,
        note=Text("particles.note_sizes"),
    )


def _class_table(fields: Sequence[Measured]) -> Table:
    unit, mark = length_unit(fields)
    rows: list[tuple[Cell, ...]] = []
    for specimen, mine in specimens_of(fields):
        sample = sample_of(mine, unit)
        if len(sample.size) < sampling.LEAST:
            continue
        edges = _edges(sample.size)
        volume = sample.weight * sample.size**3
        for low, high in pairwise(edges.tolist()):
            inside = (sample.size > low) & (sample.size <= high)
            rows.append(
                (
                    specimen,
                    Text("particles.class_range", low=low, high=high),
                    int(inside.sum()),
                    100 * float(sample.weight[inside].sum() / sample.weight.sum()),
                    100 * float(volume[inside].sum() / volume.sum()),
                )
            )
    return Table(
        title=Text("particles.title_classes"),
        columns=(
            Text("words.specimen"),
            Text("particles.column_class", mark=mark),
            Text("particles.column_measured"),
            Text("particles.column_share_number"),
            Text("particles.column_share_volume"),
        ),
        rows=tuple(rows),
        note=Text("particles.note_classes"),
    )


def _edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bounds of classes of one ratio over the range of the values."""
    low, high = log(float(values.min()) * 0.999), log(float(values.max()) * 1.001)
    return np.asarray(np.exp(np.linspace(low, high, _CLASSES + 1)), dtype=np.float64)


def _largest_table(fields: Sequence[Measured]) -> Table:
    unit, mark = length_unit(fields)
    particles = feature_table(fields)
    particles = particles.sort_values(f"ecd_{unit}", ascending=False, kind="stable").head(_LARGEST)
    rows = tuple(
        (
            row["specimen"],
            int(row["field"]),
            int(row["feature"]),
            float(row[f"ecd_{unit}"]),
            float(row[f"feret_max_{unit}"]),
            float(row[f"feret_min_{unit}"]),
            float(row["aspect_ratio"]),
            float(row["circularity_iso"]),
            Text("particles.cell_cut") if row["touches_edge"] else Text("terms.no"),
        )
        for _, row in particles.iterrows()
    )
    return Table(
        title=Text("particles.title_largest"),
        columns=(
            Text("words.specimen"),
            Text("words.field"),
            Text("particles.column_particle"),
            Text("particles.column_ecd", mark=mark),
            Text("particles.column_feret_max", mark=mark),
            Text("particles.column_feret_min", mark=mark),
            Text("particles.title_aspect_ratio"),
            Text("particles.title_circularity"),
            Text("particles.column_cut"),
        ),
        rows=rows,
    )


def _planning_table(fields: Sequence[Measured]) -> Table:
    """How many particles a wanted accuracy takes with the width that was found: to plan by, no limit of a standard."""
    unit, _ = length_unit(fields)
    rows: list[tuple[Cell, ...]] = []
    for specimen, mine in specimens_of(fields):
        sample = sample_of(mine, unit)
        if len(sample.size) < sampling.LEAST:
            continue
        gsd = exp(sampling.width_of(sample)[1])
        if gsd <= 1:
            continue
        needed = [iso_13322_1.particles_needed(gsd, _ERROR, 0.0, POWERS[kind]) for kind in ("number", "volume")]
        rows.append((specimen, gsd, len(sample.size), *(round(one) for one in needed)))
    return Table(
        title=Text("particles.title_planning"),
        columns=(
            Text("words.specimen"),
            Text("particles.column_gsd"),
            Text("particles.column_measured"),
            Text("particles.column_needed_number"),
            Text("particles.column_needed_volume"),
        ),
        rows=tuple(rows),
        note=Text("particles.note_planning"),
    )


def charts(fields: Sequence[Measured]) -> tuple[Chart, ...]:
    """Distributions of the diameter by number and by volume, and of the aspect ratio."""
    unit, mark = length_unit(fields)
    samples = [(name, mine, sample_of(mine, unit)) for name, mine in specimens_of(fields)]
    samples = [one for one in samples if len(one[2].size) >= sampling.LEAST]
    if not samples:
        return ()
    label = Text("page.head_with_unit", head=Text("particles.axis_diameter"), unit=mark)
    curves = []
    for name, _, sample in samples:
        for kind in ("number", "volume"):
            words = Text("particles.by_number") if kind == "number" else Text("particles.by_volume")
            x, share = cumulated(sample.size, sample.weight * sample.size ** POWERS[kind])
            keep = np.unique(np.linspace(0, len(x) - 1, _POINTS).astype(int))
            title = Text("particles.series", specimen=name, kind=words)
            curves.append(Series(name=title, x=tuple(x[keep].tolist()), y=tuple((100 * share[keep]).tolist())))
    sizes = np.concatenate([sample.size for _, _, sample in samples])
    bounds = np.geomspace(float(sizes.min()) * 0.999, float(sizes.max()) * 1.001, 21)
    ratios = np.linspace(0.0, 1.0, 21)
    return (
        Chart(
            kind="cumulative",
            title=Text("particles.title_cumulative"),
            x_label=label,
            y_label=Text("particles.axis_share"),
            series=tuple(curves),
            x_scale="log",
        ),
        Chart(
            kind="histogram",
            title=Text("particles.title_histogram"),
            x_label=label,
            y_label=Text("particles.axis_particles"),
            series=tuple(
                Series(name=name, x=tuple(bounds.tolist()), y=_counted(sample.size, sample.weight, bounds))
                for name, _, sample in samples
            ),
            x_scale="log",
        ),
        Chart(
            kind="histogram",
            title=Text("particles.title_aspect_ratio"),
            x_label=Text("particles.axis_aspect_ratio"),
            y_label=Text("particles.axis_particles"),
            series=tuple(
                Series(
                    name=name,
                    x=tuple(ratios.tolist()),
                    y=_counted(
                        np.concatenate([np.asarray(f.curves["whole_particle_aspect_ratio"]) for f in mine]),
                        sample.weight,
                        ratios,
                    ),
                )
                for name, mine, sample in samples
            ),
        ),
    )


def _counted(values: NDArray[np.float64], weight: NDArray[np.float64], edges: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(np.histogram(values, edges, weights=weight)[0].tolist())
