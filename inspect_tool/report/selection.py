"""Which fields of a job, and which rows of a table, a page shows where all of them would be too many to read."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from inspect_tool.languages import Text, joined
from inspect_tool.model import MicrographRecord, Result, Table


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
    name = deciding(fields, results)
    images = [row[fields.columns.index("image")] for row in fields.rows] if "image" in fields.columns else []
    if name and images == [record.image for record in records]:
        cells = [row[fields.columns.index(name)] for row in fields.rows]
        order = np.argsort([float(cell) if isinstance(cell, int | float) else -np.inf for cell in cells], kind="stable")
    ends = max(0, most) // 3
    middle = order[ends : count - ends]
    steps = max(0, most) - 2 * ends
    between = middle[((np.arange(steps) + 0.5) * len(middle) / max(1, steps)).astype(int)]
    return tuple(sorted({int(i) for i in (*order[:ends], *between, *order[count - ends :])}))


def shortened(table: Table, most: int) -> Table:
    """The first rows of a table that has more than so many, with a note that says where all of them stand."""
    if len(table.rows) <= most:
        return table
    shown = Text("page.rows_shown", most=most, rows=len(table.rows))
    return replace(table, rows=table.rows[:most], note=joined(" ", filter(None, (table.note, shown))))
