"""What the shape of a class says of it: lines where a phase or pores are meant, for recipes of areas."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

from inspect_tool.acceptance import plausibility
from inspect_tool.languages import Text, named
from inspect_tool.model import Check, FieldMeasurement

Expected: TypeAlias = Literal["auto", "compact", "any"]
"""What a class may look like: compact; one shape, compact or a network of lines ("auto"); any."""

_LINES_PERCENT = 20.0  # polished pores and particles have 0 to 9, pores among scratches of twice their area 65
_NETWORK_PERCENT = 90.0  # from here on all of the class is lines: a network, cracks, films
_CELLS_PERCENT = 50.0  # and it is all over the field: 61 of a mesh of a third of the field, 13 to 35 of one scratch
_RIMS_PERCENT = (
    50.0  # a third phase has 10 to 40, its own edges with it; what blur leaves between two phases 95 and more
)
_HOLES_PERCENT = 5.0  # rough pores have 0 to 2, pores with a bright floor of half their radius up to 25


def line_check(fields: Sequence[FieldMeasurement], name: str, area: str, expected: Expected) -> Check:
    """Doubt of a class that is lines in part, or few lines and nothing else: scratches or boundaries may count with it.

    Parameters
    ----------
    fields : sequence of FieldMeasurement
        Of one specimen, with ``line_percent.<name>`` and ``cells_percent.<name>`` in their values.
    name : str
        Of the class.
    area : str
        Name of the value that holds its area share.
    expected : Expected
        What the job says of the shape.
    """
    share = _of_area(fields, f"line_percent.{name}", area)
    is_network = share >= _NETWORK_PERCENT and _of_area(fields, f"cells_percent.{name}", area) >= _CELLS_PERCENT
    accepted = expected == "any" or (expected == "auto" and is_network)
    return plausibility.check(
        Text("recipes.check_area_in_lines", name=named("terms", name)),
        share,
        "<=",
        100.0 if accepted else _LINES_PERCENT,
        "%",
        clause=Text("recipes.clause_area_in_lines"),
        specimen=fields[0].specimen,
        note=Text("recipes.note_area_in_lines"),
    )


def rim_check(fields: Sequence[FieldMeasurement], name: str, area: str, expected: Expected) -> Check:
    """Doubt of a class that is a rim where two others touch: it may be nothing but the gray between them.

    Parameters
    ----------
    fields : sequence of FieldMeasurement
        Of one specimen, with ``rim_percent.<name>`` in their values.
    name : str
        Of the class.
    area : str
        Name of the value that holds its area share.
    expected : Expected
        What the job says of the shape.
    """
    return plausibility.check(
        Text("recipes.check_area_in_rims", name=named("terms", name)),
        _of_area(fields, f"rim_percent.{name}", area),
        "<=",
        100.0 if expected == "any" else _RIMS_PERCENT,
        "%",
        clause=Text("recipes.clause_area_in_rims"),
        specimen=fields[0].specimen,
        note=Text("recipes.note_area_in_rims"),
    )


def hole_check(fields: Sequence[FieldMeasurement], area: str) -> Check:
    """Doubt of pores with holes: a floor that reflects light has the gray of the metal."""
    share = _of_area(fields, "hole_percent", area)
    return plausibility.check(
        Text("recipes.check_holes_in_pores"),
        share,
        "<=",
        _HOLES_PERCENT,
        "%",
        clause=Text("recipes.clause_holes_in_pores"),
        specimen=fields[0].specimen,
        note=Text("recipes.note_holes_in_pores"),
    )


def _of_area(fields: Sequence[FieldMeasurement], share: str, area: str) -> float:
    """Mean of a share of the area over fields, weighted by that area. [%]"""
    areas = [float(field.values[area]) for field in fields]
    parts = [float(field.values[share]) for field in fields]
    # the mean of nothing but 100 may come out a rounding error above it
    return min(100.0, sum(a * part for a, part in zip(areas, parts, strict=True)) / sum(areas)) if any(areas) else 0.0
