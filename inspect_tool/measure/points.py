"""Point counting on a class image: a systematic grid with a random start, and manual counts from a table.

This is the referee of an area measurement: the same field, another estimator, its own statistics.
"""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inspect_tool.errors import MeasurementError, ReadError
from inspect_tool.files import read_bytes
from inspect_tool.model import LabelImage, Mark, Mask

_OWN_COLUMNS = ("specimen", "field", "grid_points")  # of a manual count; the others are classes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GridCount:
    """A point count of one field."""

    points: NDArray[np.float64]  # (n, 2) positions (row, column) inside the region [px]
    shares: Mapping[int, NDArray[np.float64]]  # class -> what each point counts for it: 1, 1/2 (boundary), 0

    @property
    def n(self) -> int:
        """Points of the grid that lie inside the region."""
        return len(self.points)

    def count(self, number: int) -> float:
        """Points on a class, boundary points counted 1/2."""
        return float(self.shares[number].sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualCount:
    """One field of a manual point count."""

    specimen: str
    field: int
    grid_points: int
    counts: Mapping[str, float]  # class name -> P_i


def grid(shape: tuple[int, int], grid_points: int, seed: int | tuple[int, ...]) -> NDArray[np.float64]:
    """Lay a square number of points evenly over a whole field, with a random start.

    Parameters
    ----------
    shape : (rows, columns)
        Size of the field. [px]
    grid_points : int
        Points; the nearest square number is taken (16, 25, 49 and 100 are squares).
    seed : int or tuple of int
        The same seed gives the same grid on every machine.

    Returns
    -------
    array of float, (n, 2)
        (row, column) of every point, inside the field. [px]

    Examples
    --------
    >>> points = grid((100, 200), 16, seed=1)
    >>> points.shape, bool((np.diff(np.unique(points[:, 1])) - 50 < 1e-9).all())
    ((16, 2), True)

    References
    ----------
    ASTM E562: the array is placed systematically, without looking at the structure.
    """
    side = round(grid_points**0.5)
    if side < 1:
        msg = f"a point grid needs at least 1 point, got {grid_points}"
        raise MeasurementError(msg)
    start = np.random.default_rng(seed).random(2)
    # positions in [-1/2, size - 1/2): the origin is the center of the first pixel
    rows = (np.arange(side) + start[0]) * shape[0] / side - 0.5
    columns = (np.arange(side) + start[1]) * shape[1] / side - 0.5
    points: NDArray[np.float64] = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)
    return points


def count_points(
    labels: LabelImage, classes: tuple[int, ...], points: NDArray[np.float64], roi: Mask | None = None
) -> GridCount:
    """Count the points of a grid on every class.

    A point lies on a boundary when the four pixel centers around it are not all of one class, that is
    when it is within half a pixel of the boundary; it then counts in equal parts for the classes it
    touches: 1/2 for each of two. Points outside the region do not count at all.

    Parameters
    ----------
    labels : array of int32, (rows, columns)
        Class numbers.
    classes : tuple of int
        The class numbers to count.
    points : array of float, (n, 2)
        (row, column) positions. [px]
    roi : array of bool, (rows, columns), optional
        True where the image counts.

    Examples
    --------
    >>> labels = np.array([[0, 0, 1, 1], [0, 0, 1, 1]], dtype=np.int32)
    >>> found = count_points(labels, (0, 1), np.array([[0.5, 0.5], [0.5, 1.5], [0.5, 2.5]]))
    >>> found.count(0), found.count(1)
    (1.5, 1.5)
    """
    nearest = np.rint(points).astype(np.intp)
    rows = np.clip(nearest[:, 0], 0, labels.shape[0] - 1)
    columns = np.clip(nearest[:, 1], 0, labels.shape[1] - 1)
    inside = np.ones(len(points), dtype=bool) if roi is None else roi[rows, columns]
    points, rows, columns = points[inside], rows[inside], columns[inside]
    low = np.floor(points).astype(np.intp)
    around = []
    for row_step in (0, 1):
        for column_step in (0, 1):
            r = np.clip(low[:, 0] + row_step, 0, labels.shape[0] - 1)
            c = np.clip(low[:, 1] + column_step, 0, labels.shape[1] - 1)
            if roi is not None:  # a neighbor outside the region says nothing: take the point's own pixel
                outside = ~roi[r, c]
                r, c = np.where(outside, rows, r), np.where(outside, columns, c)
            around.append(labels[r, c])
    found = np.stack(around)  # (4, n)
    present = {number: (found == number).any(axis=0) for number in classes}
    touched = np.maximum(sum(mask.astype(float) for mask in present.values()), 1.0)
    return GridCount(points=points, shares={number: mask / touched for number, mask in present.items()})


def marks(counted: GridCount, number: int, name: str, layer: str = "point grid") -> tuple[Mark, ...]:
    """Draw a point count of one class: hits, half hits and misses, so that a reader can count again."""
    share = counted.shares[number]
    groups = (
        ("hit", share > 0.99, f"points on {name}: 1"),
        ("half hit", (share > 0) & (share <= 0.99), f"points on the boundary of {name}: 1/2"),
        ("miss", share == 0, f"points not on {name}: 0"),
    )
    return tuple(
        Mark(
            kind="points",
            points=tuple((float(row), float(column)) for row, column in counted.points[chosen]),
            style=style,  # type: ignore[arg-type]  # the three texts above are styles of a mark
            layer=layer,
            label=label,
        )
        for style, chosen, label in groups
        if chosen.any()
    )


def read_counts(path: Path, classes: tuple[str, ...] | None = None) -> tuple[ManualCount, ...]:
    """Read a manual point count: one row per field, columns specimen, field, grid_points and one per class.

    Comma, semicolon, tab or bar may separate the columns and a comma may be the decimal sign where it
    does not separate. ``specimen`` may be left out ("1"). A class that is left out is not compared. What spreadsheets
    add is passed over: a first line such as ``sep=;``, and empty columns at the right.

    Parameters
    ----------
    path : Path
        Text file, UTF-8 or Windows-1252.
    classes : tuple of str, optional
        Names that count as classes; another column is an error. None: every other column counts as one.

    Raises
    ------
    ReadError
        With file, line and column.
    """
    lines = [(i, line) for i, line in enumerate(_text(path).splitlines(), start=1) if line.strip()]
    told = re.fullmatch(r"\s*sep=(.)\s*", lines[0][1], re.IGNORECASE) if lines else None
    lines = lines[1:] if told else lines
    if not lines:
        msg = f"{path}: empty; give a head line 'specimen;field;grid_points;<class>' and one line per field"
        raise ReadError(msg)
    delimiter = told[1] if told else max("\t;|,", key=lambda sign: (lines[0][1].count(sign), sign != ","))
    head = _without_empty_end(_cells(path, *lines[0], delimiter), 0)
    if classes is None:
        classes = tuple(name for name in head if name not in _OWN_COLUMNS)
    _check_head(path, lines[0][0], head, classes)
    rows: list[ManualCount] = []
    seen: dict[tuple[str, int], int] = {}
    for number, line in lines[1:]:
        cells = _without_empty_end(_cells(path, number, line, delimiter), len(head))
        if len(cells) != len(head):
            msg = f"{path} line {number}: {len(cells)} columns, the head has {len(head)}; check the delimiter"
            raise ReadError(msg)
        row = dict(zip(head, cells, strict=True))
        grid_points = _whole(path, number, "grid_points", row["grid_points"])
        if grid_points < 1:
            msg = f"{path} line {number} column 'grid_points': got {grid_points}, must be at least 1"
            raise ReadError(msg)
        counts = {name: _points(path, number, name, row[name], grid_points) for name in head if name in classes}
        key = (row.get("specimen") or "1", _whole(path, number, "field", row["field"]))
        if key in seen:
            msg = f"{path} line {number}: specimen '{key[0]}' field {key[1]} was given in line {seen[key]} already"
            raise ReadError(msg)
        seen[key] = number
        rows.append(ManualCount(specimen=key[0], field=key[1], grid_points=grid_points, counts=counts))
    if not rows:
        msg = f"{path}: no field below the head line; give one line per field"
        raise ReadError(msg)
    return tuple(rows)


def _cells(path: Path, number: int, line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter))
    except csv.Error as error:
        msg = f"{path} line {number}: no CSV: {error}"
        raise ReadError(msg) from None


def _without_empty_end(cells: list[str], width: int) -> list[str]:
    """Cells without blanks around them, and without the empty ones beyond a width."""
    kept = [cell.strip() for cell in cells]
    while len(kept) > width and not kept[-1]:
        kept.pop()
    return kept


def _text(path: Path) -> str:
    try:
        data = read_bytes(path)
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}; give the table of the manual point count"
        raise ReadError(msg) from None
    if b"\0" in data:
        msg = f"{path}: not a text table; save it as CSV (UTF-8)"
        raise ReadError(msg)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _check_head(path: Path, line: int, head: list[str], classes: tuple[str, ...]) -> None:
    for name in ("field", "grid_points"):
        if name not in head:
            msg = f"{path} line {line}: no column '{name}'; found: {', '.join(head)}"
            raise ReadError(msg)
    for i, name in enumerate(head, start=1):
        if name not in (*_OWN_COLUMNS, *classes):
            msg = f"{path} line {line} column {i}: '{name}' is no class; classes are {', '.join(classes)}"
            raise ReadError(msg)
        if head.count(name) > 1:
            msg = f"{path} line {line} column {i}: '{name}' is there twice"
            raise ReadError(msg)
    if not any(name in classes for name in head):
        msg = f"{path} line {line}: no class column; give one or more of {', '.join(classes)}"
        raise ReadError(msg)


def _whole(path: Path, line: int, column: str, cell: str) -> int:
    value = _number(path, line, column, cell)
    if value != int(value):
        msg = f"{path} line {line} column '{column}': got '{cell}', must be a whole number"
        raise ReadError(msg)
    return int(value)


def _points(path: Path, line: int, column: str, cell: str, grid_points: int) -> float:
    value = _number(path, line, column, cell)
    if not 0 <= value <= grid_points or value * 2 != int(value * 2):
        msg = f"{path} line {line} column '{column}': got '{cell}', must be 0 to {grid_points} in steps of 1/2"
        raise ReadError(msg)
    return value


def _number(path: Path, line: int, column: str, cell: str) -> float:
    try:
        value = float(cell.replace(",", "."))
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):
        msg = f"{path} line {line} column '{column}': got '{cell}', must be a number"
        raise ReadError(msg)
    return value
