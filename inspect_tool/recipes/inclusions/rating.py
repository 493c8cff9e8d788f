"""The worst field of every series of an edition, and the severity of every field of a grid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import hypot

import numpy as np

from inspect_tool.measure.worst_field import Floats, Ints, WorstField, fields_of, worst_square
from inspect_tool.recipes.inclusions.limits import Limits
from inspect_tool.recipes.inclusions.stringers import Inclusion


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Points:
    """What of a series counts where: pieces of length [um], or whole globules."""

    row: Ints
    column: Ints
    weight: Floats


def worst_fields(
    inclusions: Sequence[Inclusion], limits: Limits, shape: tuple[int, int], pixel_um: float
) -> Mapping[str, WorstField]:
    """Worst square of every series: total length [um] of types A to C, number of D, largest diameter [um] of DS."""
    side = round(limits.side_um / pixel_um)
    made = {}
    for series in limits.series:
        if series == "ds":
            made[series] = _largest(inclusions, limits, shape, side)
            continue
        points = _points(inclusions, series, limits, shape)
        made[series] = worst_square(points.row, points.column, points.weight, shape, side)
    return made


def grid_severities(
    inclusions: Sequence[Inclusion], limits: Limits, shape: tuple[int, int], pixel_um: float
) -> Mapping[str, tuple[float, ...]]:
    """Severity of every whole field of a grid, series by series; none where no whole field fits in the image."""
    side = round(limits.side_um / pixel_um)
    places = list(fields_of(shape, side))
    across = max(shape[1] // side, 1)
    made = {}
    for series in limits.series:
        if series == "ds":
            totals = [
                max(
                    (one.largest_um for one in inclusions if is_ds(one, limits) and _in(one, top, left, side)),
                    default=0,
                )
                for top, left in places
            ]
        else:
            points = _points(inclusions, series, limits, shape)
            whole = (points.row < shape[0] // side * side) & (points.column < shape[1] // side * side)
            number = points.row[whole] // side * across + points.column[whole] // side
            totals = np.bincount(number, points.weight[whole], len(places)).tolist()
        made[series] = tuple(limits.index(series, total) for total in totals)
    return made


def is_ds(one: Inclusion, limits: Limits) -> bool:
    """Whether it is a single large globule, where the edition has that type."""
    return limits.globule is not None and one.type == "D" and one.largest_um >= limits.globule.minimum_um


def series_of(one: Inclusion, limits: Limits) -> str:
    """Key of the series that an inclusion counts in; empty: it is too thin."""
    if is_ds(one, limits):
        return "ds"
    thickness = limits.lines[one.type].thickness(one.width_um)
    if thickness == "below":
        return ""
    return f"{one.type.lower()}_{'thin' if thickness == 'thin' else 'heavy'}"


def _points(inclusions: Sequence[Inclusion], series: str, limits: Limits, shape: tuple[int, int]) -> _Points:
    mine = [one for one in inclusions if series_of(one, limits) == series]
    rows, columns, weights = [np.zeros(0)], [np.zeros(0)], [np.zeros(0)]
    for one in mine:
        (row, column), (last_row, last_column) = one.start_px, one.end_px
        pieces = 1 if one.type == "D" else max(round(hypot(last_row - row, last_column - column)), 1)
        part = (np.arange(pieces) + 0.5) / pieces
        rows.append(row + part * (last_row - row))
        columns.append(column + part * (last_column - column))
        weights.append(np.full(pieces, one.weight if one.type == "D" else one.length_um / pieces))
    # what reaches out of the frame by the half pixel of its outline lies in the frame
    row_px = np.clip(np.rint(np.concatenate(rows)), 0, shape[0] - 1).astype(np.int64)
    column_px = np.clip(np.rint(np.concatenate(columns)), 0, shape[1] - 1).astype(np.int64)
    return _Points(row=row_px, column=column_px, weight=np.concatenate(weights))


def _largest(inclusions: Sequence[Inclusion], limits: Limits, shape: tuple[int, int], side: int) -> WorstField:
    """A square about the largest globule."""
    large = [one for one in inclusions if is_ds(one, limits)]
    height, width = min(side, shape[0]), min(side, shape[1])
    if not large:
        return WorstField(top_px=0, left_px=0, height_px=height, width_px=width, total=0.0)
    worst = max(large, key=lambda one: one.largest_um)
    row, column = _middle(worst)
    return WorstField(
        top_px=int(np.clip(round(row - height / 2), 0, shape[0] - height)),
        left_px=int(np.clip(round(column - width / 2), 0, shape[1] - width)),
        height_px=height,
        width_px=width,
        total=worst.largest_um,
    )


def _middle(one: Inclusion) -> tuple[float, float]:
    return (one.start_px[0] + one.end_px[0]) / 2, (one.start_px[1] + one.end_px[1]) / 2


def _in(one: Inclusion, top: int, left: int, side: int) -> bool:
    row, column = _middle(one)
    return top <= row < top + side and left <= column < left + side
