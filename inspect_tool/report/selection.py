"""Which fields of a job, and which rows of a table, a page shows where all of them would be too many to read."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from inspect_tool.languages import Text, joined
from inspect_tool.model import Conformity, MicrographRecord, Result, Table


def deciding(fields: Table, results: Sequence[Result]) -> str:
    """Name the result whose values decide which fields are shown: the first, those of page 1 before the others, that
    the table of fields holds; empty where it holds none."""
    ordered = sorted(results, key=lambda result: not result.main)
    return next((result.quantity for result in ordered if result.quantity in fields.columns), "")


def shown_fields(
    fields: Table, records: Sequence[MicrographRecord], results: Sequence[Result], most: int
) -> tuple[int, ...]:
    """Choose the fields whose pictures are shown, of too many the smallest, the largest and some between.

    Parameters
    ----------
    fields : Table
        The table of fields of a report.
    records : sequence of MicrographRecord
    results : sequence of Result
        Of the report; see ``deciding``. Where none has a value in each field, the order of the job decides.
    most : int
        Number of fields shown.

    Returns
    -------
    tuple of int
        Their places among ``records``, ascending: a third of them of the smallest values, a third of the largest, and
        the rest at equal steps of rank between; a field without a value counts as the smallest.
    """
    count = len(records)
    if count <= most:
        return tuple(range(count))
    order = np.arange(count)
    values = _values(fields, records, deciding(fields, results))
    if values is not None:
        order = np.argsort(values, kind="stable")
    ends = max(0, most) // 3
    middle = order[ends : count - ends]
    steps = max(0, most) - 2 * ends
    between = middle[((np.arange(steps) + 0.5) * len(middle) / max(1, steps)).astype(int)]
    return tuple(sorted({int(i) for i in (*order[:ends], *between, *order[count - ends :])}))


def _values(fields: Table, records: Sequence[MicrographRecord], name: str) -> NDArray[np.float64] | None:
    """Value of each image in a column of the table of fields, -inf for none; None: the table has not all of them."""
    images = [row[fields.columns.index("image")] for row in fields.rows] if "image" in fields.columns else []
    if name not in fields.columns or images != [record.image for record in records]:
        return None
    cells = [row[fields.columns.index(name)] for row in fields.rows]
    return np.array([float(cell) if isinstance(cell, int | float) else -np.inf for cell in cells])


def worst_fields(
    fields: Table, records: Sequence[MicrographRecord], results: Sequence[Result], conformities: Sequence[Conformity]
) -> tuple[int, ...]:
    """All fields, the worst first: those whose own value is furthest outside a limit, then the extreme ones.

    Parameters
    ----------
    fields : Table
        The table of fields of a report.
    records : sequence of MicrographRecord
    results, conformities : sequence
        Of the report. A limit is looked at where the table of fields has a column of its quantity, in the unit of the
        result.

    Returns
    -------
    tuple of int
        Places among ``records``. Fields that are outside no limit take turns: that of the smallest value of the
        deciding result (see ``deciding``), that of the largest, that of the second smallest; without a value for each
        field they follow the order of the job.
    """
    beyond = np.zeros(len(records))
    for item in conformities:
        asked, values = item.requirement, _values(fields, records, item.quantity)
        if values is None or asked.unit not in ("", item.unit):
            continue
        there = np.isfinite(values) & np.array([record.specimen == item.specimen for record in records])
        for limit, sign in ((asked.lower, -1.0), (asked.upper, 1.0)):
            if limit is not None:
                outside = sign * (np.where(there, values, limit) - limit) / (abs(limit) or 1.0)
                beyond = np.maximum(beyond, outside)
    values = _values(fields, records, deciding(fields, results))
    order = np.arange(len(records)) if values is None else np.argsort(values, kind="stable")
    ends = order if values is None else [order[-1 - i // 2] if i % 2 else order[i // 2] for i in range(len(order))]
    failing = sorted(np.flatnonzero(beyond > 0).tolist(), key=lambda i: -beyond[i])
    return tuple(dict.fromkeys(int(i) for i in (*failing, *ends)))


def shortened(table: Table, most: int) -> Table:
    """The first rows of a table that has more than so many, with a note that says where all of them stand."""
    if len(table.rows) <= most:
        return table
    shown = Text("page.rows_shown", most=most, rows=len(table.rows))
    return replace(table, rows=table.rows[:most], note=joined(" ", filter(None, (table.note, shown))))
