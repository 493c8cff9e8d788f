"""How much of a report its certificate has room for, reckoned before the page is laid out.

Heights are those of ``print.css`` [mm], and texts are as long as the font of the pages makes them: what is reckoned is
a little too high, so that page 1 keeps its room for signatures and the certificate ends on page 2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from math import ceil
from typing import Any

from PIL import ImageFont

from inspect_tool.paths import data_folder

_HIGH = {"A4": 260.0, "letter": 242.0}  # of a page without its margins
_WIDE = {"A4": 174.0, "letter": 179.9}
_LINE = 4.35  # of 9 to 9.4 pt
_ROOM = 30.0  # for signatures, with the line above
_ENTRIES = 46.0  # that rows of results leave to the identification
LEAST_ROWS = 3
CHART_WIDE_MM = 122.0  # as it is drawn; it is enlarged to the width of the page, and its letters to 9 pt or more
_LEGAL = 40.0
_MOST_LINES = 9  # of remarks
_FIRST_LINES = 4  # of remarks, that a chart leaves
_RAGGED = 1.05  # lines end before the margin


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """How many of each kind page 1 shows, of those that were given, and whether it has room for the field."""

    rows: int
    rules: int
    entries: int
    field: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """How many remarks page 2 shows, and how high its chart is drawn [mm]; 0: there is none."""

    remarks: int
    chart_mm: float


def lines(words: str, size_pt: float, wide_mm: float, *, bold: bool = False) -> int:
    """Lines that a text takes in the font of the pages, so many of this size and width.

    >>> lines("", 9, 100), lines("ten words " * 5, 9, 60)
    (1, 2)
    """
    length_mm = float(_font(bold).getlength(words)) * size_pt / 1000 * 25.4 / 72
    return max(1, ceil(_RAGGED * length_mm / wide_mm))


@cache
def _font(bold: bool) -> Any:
    path = data_folder("templates") / "fonts" / f"LiberationSans-{'Bold' if bold else 'Regular'}.ttf"
    return ImageFont.truetype(str(path), 1000, layout_engine=ImageFont.Layout.BASIC)


def front(
    paper: str,
    *,
    title: str,
    lede: str,
    sentence: str,
    rows: Sequence[tuple[str, int]],
    doubts: str,
    rules: Sequence[str],
    entries: Sequence[str],
    lot: bool,
    field_mm: float,
) -> Front:
    """Choose what stands on page 1: results and their doubts before rules before the identification before a field.

    Parameters
    ----------
    paper : "A4" or "letter"
    title, lede, sentence : str
        Heading, the line below it, and the sentence on acceptance.
    rows : sequence of (str, int)
        Title of a result, and how many lines stand below it.
    doubts : str
        Why results cannot be believed as they stand; empty: nothing doubts them.
    rules, entries : sequence of str
        Decision rules in words; entries of the identification, the weightiest first.
    lot : bool
        Whether the verdict of a lot is said.
    field_mm : float
        Height of the pictures of a field with what is said of them; 0: there is none.
    """
    wide = _WIDE[paper]
    left = _HIGH[paper] - _ROOM - 17  # room for signatures, head
    left -= 5 + 8 * lines(title, 19, wide, bold=True) + 1 + _LINE * lines(lede, 9.6, wide) + 5
    left -= max(24.0, 11 + 4.9 * lines(sentence, 10.4, wide - 66, bold=True)) + (2 * _LINE + 3 if lot else 0)
    if doubts:
        left -= 2.4 + 4.3 * (1 + lines(doubts, 9.2, wide))
    if len(rows) == 1:
        left -= 34
        shown = 1
    else:
        left -= 11 + 2 * _LINE  # head, source of the requirements, and what is said of the others
        shown = 0
        for name, below in rows:
            high = 1.9 + _LINE * (lines(name, 9.4, wide / 2.4) + below)
            if shown >= LEAST_ROWS and left - high < _ENTRIES:
                break
            left -= high
            shown += 1
    said = 0
    for rule in rules:
        high = 2.4 + 4.3 * lines(rule, 9.2, wide)
        if said and left - high < _ENTRIES:
            break
        left -= high
        said += 1
    left -= 7.5
    kept = 0
    measured = 1.5 + 2 * _LINE  # on how many fields is said at the end
    for pair in zip_longest(entries[::2], entries[1::2], fillvalue=""):
        high = 1.6 + 4.2 * (1 + max(lines(one, 9.2, wide / 2 - 4, bold=True) for one in pair))
        if left - high < measured:
            break
        left -= high
        kept += 2
    field = 0 < field_mm <= left - measured and kept >= len(entries)
    return Front(rows=shown, rules=said, entries=min(kept, len(entries)), field=field)


def field_mm(paper: str, plate_mm: float, caption: str) -> float:
    """Height of the pictures of a field, so high each, with a legend and how the field was made below them."""
    return plate_mm + 13 + _LINE * lines(caption, 9, _WIDE[paper] - 90)


def back(
    paper: str,
    *,
    failed: Sequence[str],
    remarks: Sequence[str],
    field_mm: float,
    charts_mm: Sequence[float],
) -> Back:
    """Choose what stands on page 2: pictures and chart before remarks, and these before the chart alone.

    Parameters
    ----------
    paper : "A4" or "letter"
    failed, remarks : sequence of str
        Rules that were not kept, and sentences to be read with the result.
    field_mm : float
        Height of the pictures of a field with what is said of them; 0: they stand on page 1, or there is none.
    charts_mm : sequence of float
        Heights that a chart may be drawn with, the best first; none: there is no chart.
    """
    wide = _WIDE[paper]
    left = _HIGH[paper] - _LEGAL - 2 * _LINE - sum(0.8 + _LINE * lines(one, 9.2, wide - 60) for one in failed)
    left -= 9 + 3 * (_LINE + 0.8)  # head of the remarks, how many more there are, what is not stated
    left -= field_mm
    counted = [lines(remark, 9.2, wide - 5) for remark in remarks]
    first = (_LINE + 0.4) * min(_FIRST_LINES, sum(counted))  # a lower chart, and not none of them
    high = {drawn: 13 + drawn * wide / CHART_WIDE_MM for drawn in charts_mm}
    drawn = next((one for one in charts_mm if high[one] + first <= left), 0.0)
    left -= high.get(drawn, 0.0)
    shown = taken = 0
    for count in counted:
        taken += count
        if taken > _MOST_LINES or taken * (_LINE + 0.4) > left:
            break
        shown += 1
    return Back(remarks=shown, chart_mm=drawn)
