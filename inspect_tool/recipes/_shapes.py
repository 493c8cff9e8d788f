"""What the shape of a class says of it: lines where a phase or pores are meant, for recipes of areas."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from inspect_tool.acceptance import plausibility
from inspect_tool.languages import Text, named
from inspect_tool.model import Check

Expected: TypeAlias = Literal["auto", "compact", "any"]
"""What a class may look like: compact; one shape, compact or a network of lines ("auto"); any."""

_LINES_PERCENT = 20.0  # polished pores and particles have 0 to 9, pores among scratches of twice their area 65
_NETWORK_PERCENT = 90.0  # from here on all of the class is lines: a network, cracks, films
_CELLS_PERCENT = 50.0  # and it is all over the field: 61 of a mesh of a third of the field, 13 to 35 of one scratch
_RIMS_PERCENT = (
    50.0  # a third phase has 10 to 40, its own edges with it; what blur leaves between two phases 95 and more
)
_HOLES_PERCENT = 5.0  # rough pores have 0 to 2, pores with a bright floor of half their radius up to 25


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareOfClass:
    """What one field says of a class: its area, and a part of that area."""

    area_percent: float  # of the field
    part_percent: float  # of the area of the class


def line_check(
    lines: Sequence[ShareOfClass], cells: Sequence[ShareOfClass], name: str, specimen: str, expected: Expected
) -> Check:
    """Doubt of a class that is lines in part, or few lines and nothing else: scratches or boundaries may count with it.

    Parameters
    ----------
    lines, cells : sequence of ShareOfClass
        Of the fields of one specimen: what of the class is thin lines, and what lies in cells that they close.
    name : str
        Of the class.
    specimen : str
    expected : Expected
        What the job says of the shape.
    """
    share = _of_area(lines)
    is_network = share >= _NETWORK_PERCENT and _of_area(cells) >= _CELLS_PERCENT
    accepted = expected == "any" or (expected == "auto" and is_network)
    return plausibility.check(
        Text("recipes.check_area_in_lines", name=named("terms", name)),
        share,
        "<=",
        100.0 if accepted else _LINES_PERCENT,
        "%",
        clause=Text("recipes.clause_area_in_lines"),
        specimen=specimen,
        note=Text("recipes.note_area_in_lines"),
    )


def rim_check(rims: Sequence[ShareOfClass], name: str, specimen: str, expected: Expected) -> Check:
    """Doubt of a class that is a rim where two others touch: it may be nothing but the gray between them.

    Parameters
    ----------
    rims : sequence of ShareOfClass
        Of the fields of one specimen: what of the class is rims.
    name : str
        Of the class.
    specimen : str
    expected : Expected
        What the job says of the shape.
    """
    return plausibility.check(
        Text("recipes.check_area_in_rims", name=named("terms", name)),
        _of_area(rims),
        "<=",
        100.0 if expected == "any" else _RIMS_PERCENT,
        "%",
        clause=Text("recipes.clause_area_in_rims"),
        specimen=specimen,
        note=Text("recipes.note_area_in_rims"),
    )


def hole_check(holes: Sequence[ShareOfClass], specimen: str) -> Check:
    """Doubt of pores with holes: a floor that reflects light has the gray of the metal."""
    return plausibility.check(
        Text("recipes.check_holes_in_pores"),
        _of_area(holes),
        "<=",
        _HOLES_PERCENT,
        "%",
        clause=Text("recipes.clause_holes_in_pores"),
        specimen=specimen,
        note=Text("recipes.note_holes_in_pores"),
    )


def _of_area(fields: Sequence[ShareOfClass]) -> float:
    """Mean of a part of the area over fields, weighted by that area. [%]"""
    total = sum(field.area_percent for field in fields)
    # the mean of nothing but 100 may come out a rounding error above it
    return min(100.0, sum(field.area_percent * field.part_percent for field in fields) / total) if total else 0.0
