"""Tables of a report as they are printed: cut to what differs, in parts that fit a page, turned, every cell a text."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest
from statistics import mean, stdev

from inspect_tool.languages import ENGLISH, Text, Words, is_text, joined, key_of, localized, said
from inspect_tool.model import Cell, Table, Wording
from inspect_tool.report import text
from inspect_tool.report.digits import row_place

_SYMBOLS = re.compile(r"^(s|U|%RA)( \[.*)?$|\[%\]$")  # of scatter and shares, the same in every language
_SPREADS = frozenset(
    {
        "words.difference",
        "words.relative_accuracy",
        "report.column_confidence_interval",
        "images.column_blocks",
        "images.column_clipped",
        "images.column_clipped_in_joints",
    }
)
"""Heads of scatter and shares in tables that every recipe has; its own are in its ``Wording``."""
_KEYS = ("specimen", "section", "plane", "field", "image", "feature", "joint")
_NUMBERED = {
    "specimen": ("page.a_specimen", "page.of_specimen"),
    "section": ("page.a_section", "page.of_section"),
    "field": ("page.a_field", "page.of_field"),
}  # at the begin of a head, and behind another
_PLACES = ("words.specimen", "words.section", "words.plane")


def slim(table: Table) -> Table:
    """Leave out columns that name the only specimen or hold nothing, and the folders of file names."""
    keep = [
        i
        for i, name in enumerate(table.columns)
        if (key_of(name, "words") not in _PLACES or len({row[i] for row in table.rows}) > 1)
        and not (table.rows and all(row[i] is None for row in table.rows))
    ]
    names = tuple(table.columns[i] for i in keep)

    def cell(value: Cell, name: str) -> Cell:
        return text.file_name(value) if name == "image" and isinstance(value, str) else value

    return replace(
        table,
        columns=names,
        rows=tuple(tuple(cell(row[i], table.columns[i]) for i in keep) for row in table.rows),
    )


def parts(table: Table, most_columns: int) -> tuple[Table, ...]:
    """Cut a wide table into tables of at most so many columns; the columns that name the row come back in each.

    >>> wide = Table(title="", columns=("field", "a", "b", "c"), rows=((1, 2, 3, 4),))
    >>> [part.columns for part in parts(wide, 3)]
    [('field', 'a', 'b'), ('field', 'c')]
    """
    if len(table.columns) <= most_columns:
        return (table,)
    keys = [i for i, name in enumerate(table.columns) if name in _KEYS and name != "image"]
    others = [i for i, _ in enumerate(table.columns) if i not in keys]
    step = max(1, most_columns - len(keys))
    count = -(-len(others) // step)
    step = -(-len(others) // count)  # parts of equal width
    made = []
    for start in range(0, len(others), step):
        chosen = [*keys, *others[start : start + step]]
        made.append(
            replace(
                table,
                columns=tuple(table.columns[i] for i in chosen),
                rows=tuple(tuple(row[i] for i in chosen) for row in table.rows),
            )
        )
    return tuple(made)


def numeric_columns(table: Table) -> tuple[bool, ...]:
    """Tell which columns hold numbers, to be set flush right."""
    return tuple(
        all(isinstance(row[i], int | float) or row[i] is None for row in table.rows)
        and any(row[i] is not None and not isinstance(row[i], bool) for row in table.rows)
        for i in range(len(table.columns))
    )


def cells(table: Table, language: str = ENGLISH, wording: Wording = text.PLAIN) -> tuple[tuple[str, ...], ...]:
    """Print the rows of a table, every column of numbers to one decimal place.

    A head made for the reader may stand over numbers of several units: they are aligned only when alike. Where a
    column is headed ±, its two significant digits say to which place every row is printed.
    """
    if "±" in table.columns:
        at = table.columns.index("±")
        return tuple(
            tuple(
                text.unit(str(value)) or text.NO_VALUE
                if key_of(name, "words") == "words.unit"
                else text.cell_at(value, row[at], language)
                for name, value in zip(table.columns, row, strict=True)
            )
            for row in table.rows
        )
    if any(key_of(name, "words") == "words.quantity" for name in table.columns):
        return tuple(_quantity_row(row, table.columns, language, wording) for row in table.rows)
    columns = [
        [text.unit(str(row[i])) or text.NO_VALUE for row in table.rows]
        if key_of(name, "words") == "words.unit"
        else text.column(
            [row[i] for row in table.rows],
            digits=3 if _is_spread(name, wording) else 4,
            decades=3.0 if text.heading(name, wording) != name else 1.0,
            language=language,
            percent=_is_percent(text.heading(name, wording)) or key_of(name, "images") == "images.column_shading",
        )
        for i, name in enumerate(table.columns)
    ]
    return tuple(zip(*columns, strict=True))


def _quantity_row(row: Sequence[Cell], columns: Sequence[Words], language: str, wording: Wording) -> tuple[str, ...]:
    """Print a row of a table whose rows are quantities: its numbers to one place, its scatter to two digits."""
    spread = [_is_spread(name, wording) for name in columns]
    found = [cell for cell, is_spread in zip(row, spread, strict=True) if isinstance(cell, float) and not is_spread]
    s = next((row[i] for i, name in enumerate(columns) if name == "s" and isinstance(row[i], float)), None)
    place = row_place(found, s)
    printed = []
    for cell, name, is_spread in zip(row, columns, spread, strict=True):
        if key_of(name, "words") == "words.unit":
            printed.append(text.unit(str(cell)) or text.NO_VALUE)
        elif isinstance(cell, float) and is_spread:
            printed.append(localized(text.uncertainty_text(cell), language))
        elif isinstance(cell, float) and place is not None:
            printed.append(localized(text.at_place(cell, place), language))
        else:
            printed.append(said(text.cell(cell, 3), language))
    return tuple(printed)


def _is_percent(head: str) -> bool:
    return head.endswith("[%]")


def _is_spread(head: str, wording: Wording) -> bool:
    """Tell whether a column holds scatter, differences or shares: by the key of its head, or by its symbol."""
    known = _SPREADS | wording.spreads
    if isinstance(head, Text):
        inner = head.values.get("head") if head.key == "page.head_of" else None  # of one of several
        return head.key in known or (isinstance(inner, Text) and inner.key in known)
    return bool(_SYMBOLS.search(head)) or head in known or any(is_text(head, key) for key in known)


def transposed(fields: Table, first: tuple[str, ...] = (), wording: Wording = text.PLAIN) -> Table:
    """Turn the table of fields: one row per quantity, one column per field, numbers printed.

    Quantities that are the same in every field go to the note; where all fields are of one section, their mean
    and standard deviation s follow.

    Parameters
    ----------
    fields : Table
        The table of fields of a report.
    first : tuple of str
        Columns that lead, those of the main results.

    Examples
    --------
    >>> fields = Table(title="", columns=("specimen", "field", "area_um2"), rows=(("a", 1, 2.5), ("a", 2, 3.0)))
    >>> transposed(fields).columns, transposed(fields).rows
    (('Quantity', 'Field 1', 'Field 2', 'Mean', 's'), (('Area [µm²]', '2.5', '3.0', '2.75', '0.35'),))
    """
    keys = [name for name in ("specimen", "section", "field") if name in slim(fields).columns]
    places = [fields.columns.index(name) for name in keys]
    heads = [
        joined(
            ", ", (_numbered(name, row[i], first=not j) for j, (name, i) in enumerate(zip(keys, places, strict=True)))
        )
        for row in fields.rows
    ]
    statistics = keys in ([], ["field"]) and len(fields.rows) > 1
    names = [name for name in fields.columns if name not in _KEYS and not _in_pixels_only(name, fields.columns)]
    names.sort(key=lambda name: first.index(name) if name in first else len(first))
    rows: list[tuple[Cell, ...]] = []
    same: list[str] = []
    for name in names:
        values = [row[fields.columns.index(name)] for row in fields.rows]
        if not any(value not in (None, "") for value in values):
            continue
        if len(fields.rows) > 1 and len(set(values)) == 1 and name not in first:
            same.append(Text("page.head_and_value", head=text.heading(name, wording), value=text.column(values)[0]))
            continue
        numbers = [float(value) for value in values if isinstance(value, int | float)]
        head = text.heading(name, wording)
        printed = text.column(values, percent=_is_percent(head))
        if len(fields.rows) > 1 and len(set(printed)) == 1 and name not in first:  # they differ by rounding alone
            same.append(Text("page.head_and_value", head=head, value=printed[0]))
            continue
        more: tuple[str, ...] = ()
        if statistics:
            s = stdev(numbers) if len(numbers) > 1 else None
            more = ("–", "–") if s is None else (text.value_text(mean(numbers), s), text.uncertainty_text(s))
        rows.append((head, *map(text.figure, (*printed, *more))))
    columns = (Text("words.quantity"), *heads, *((Text("words.mean"), "s") if statistics else ()))
    if len(heads) == 1:  # one field: two quantities in a row
        half = -(-len(rows) // 2)
        columns = (Text("words.quantity"), Text("words.value")) * 2
        rows = [(*left, *right) for left, right in zip_longest(rows[:half], rows[half:], fillvalue=("", ""))]
    note = Text("page.same_in_every_field", same=tuple(same)) if same else ""
    return replace(fields, columns=columns, rows=tuple(rows), note=joined(" ", filter(None, (note, fields.note))))


def _numbered(name: str, number: Cell, *, first: bool) -> str:
    """Name a field, section or specimen in a head, with a capital letter where it is the first."""
    key, running = _NUMBERED[name]
    return Text(key if first else running, **{name: str(number)})


def _in_pixels_only(name: str, names: Sequence[str]) -> bool:
    """Tell whether a column repeats in pixels what another one says in micrometers."""
    return name.endswith(("_px", "_px2")) and re.sub(r"_px(2?)$", r"_um\1", name) in names
