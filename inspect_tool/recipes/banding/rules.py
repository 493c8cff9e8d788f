"""Sampling rules of the edition for one specimen, and the warnings."""

from collections.abc import Sequence

from inspect_tool.languages import Text
from inspect_tool.model import Check, Standard
from inspect_tool.recipes.banding.values import Measured
from inspect_tool.standards.editions import check_rule


def checks_of(fields: Sequence[Measured], standard: Standard) -> list[Check]:
    """Rules of the edition."""
    specimen = fields[0].specimen
    sections = [field.section for field in fields]
    longitudinal = sum(field.plane == "longitudinal" for field in fields)
    stated = all(field.plane != "not stated" for field in fields)
    bands = sum(field.values.numbers.across_per_px * field.values.across_px for field in fields)
    across = min(field.values.numbers.across_per_px for field in fields)
    found: dict[str, tuple[float | None, str]] = {
        "fields": (float(min(sections.count(section) for section in set(sections))), ""),
        "plane": (
            100 * longitudinal / len(fields) if stated else None,
            "" if stated else Text("banding.note_plane"),
        ),
        "bands": (bands, ""),
        "spacing_px": (1 / across if across > 0 else None, ""),
    }
    made = [check_rule(standard, name, value, specimen=specimen, note=note) for name, (value, note) in found.items()]
    return [check for check in made if check is not None]


def warnings_of(fields: Sequence[Measured]) -> list[str]:
    """What page 1 must say of one specimen."""
    specimen = fields[0].specimen
    if not any(field.values.numbers.across_per_px > 0 for field in fields):
        return [Text("banding.warning_none", specimen=specimen)]
    if not any(field.values.numbers.along_per_px > 0 for field in fields):
        return [Text("banding.warning_unbroken", specimen=specimen)]
    return []
