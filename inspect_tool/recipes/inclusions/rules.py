"""Sampling rules of the edition for one specimen, and the warnings."""

from collections.abc import Sequence

from inspect_tool.languages import Text
from inspect_tool.model import Check, Editions
from inspect_tool.recipes._worst_field import worst_check
from inspect_tool.recipes.inclusions.limits import limits_of
from inspect_tool.recipes.inclusions.settings import Settings
from inspect_tool.recipes.inclusions.values import Measured
from inspect_tool.standards.editions import check_rule

_MOST_PERCENT = 10.0  # of a field; wrought steels have a few percent at most, free-cutting ones 2


def checks_of(fields: Sequence[Measured], editions: Editions) -> list[Check]:
    """Rules of the edition."""
    standard, specimen = editions.job, fields[0].specimen
    pixel = [field.calibration.pixel_um for field in fields]
    scaled = [um for um in pixel if um is not None]
    has_scale = len(scaled) == len(pixel)
    no_scale = "" if has_scale else Text("inclusions.note_scale")
    longitudinal = sum(field.plane == "longitudinal" for field in fields)
    stated = all(field.plane != "not stated" for field in fields)
    aligned = [field.values.aligned_percent for field in fields if field.values.aligned_percent is not None]
    # a field of 710 um is as many whole pixels as come nearest to it
    shorter = [(min(field.shape_px) + 0.5) * um for field, um in zip(fields, scaled, strict=False)]
    thinnest = min(line.thin_um for line in limits_of(standard).lines.values())
    found: dict[str, tuple[float | None, str]] = {
        "area": (sum(float(field.values.area_mm2 or 0) for field in fields) if has_scale else None, no_scale),
        "plane": (
            100 * longitudinal / len(fields) if stated else None,
            "" if stated else Text("inclusions.note_plane"),
        ),
        "field_side": (min(shorter) if has_scale else None, no_scale),
        "direction": (
            min(aligned) if aligned else 100.0,
            Text("inclusions.note_direction") if aligned else Text("inclusions.note_none_elongated"),
        ),
        "width_px": (thinnest / max(scaled) if has_scale else None, no_scale),
    }
    made = [check_rule(standard, name, value, specimen=specimen, note=note) for name, (value, note) in found.items()]
    return [check for check in made if check is not None]


def area_check(fields: Sequence[Measured]) -> tuple[Check, ...]:
    """Doubt of inclusions that take more of a field than they do in any metal: a structure was taken for them."""
    return worst_check(
        Text("inclusions.check_area"),
        ((field.values.numbers.inclusion_percent, field.image) for field in fields),
        "<=",
        _MOST_PERCENT,
        "%",
        clause=Text("inclusions.clause_area"),
        specimen=fields[0].specimen,
        advice=Text("inclusions.advice_area"),
    )


def warnings_of(fields: Sequence[Measured], settings: Settings) -> list[str]:
    """What page 1 must say of one specimen."""
    specimen = fields[0].specimen
    made: list[str] = []
    if not all(field.calibration.pixel_um for field in fields):
        made.append(Text("inclusions.warning_scale", specimen=specimen))
    lost = sum(not field.values.direction_found for field in fields)
    if settings.rolling_direction_deg == "auto" and lost:
        made.append(Text("inclusions.warning_direction", specimen=specimen, n=lost, n_fields=len(fields)))
    untold = sum(not field.values.sulfides_told for field in fields)
    if untold:
        made.append(Text("inclusions.warning_gray", specimen=specimen, n=untold, n_fields=len(fields)))
    oversize = sum(field.values.oversize for field in fields)
    if oversize:
        made.append(Text("inclusions.warning_oversize", specimen=specimen, n=oversize))
    return made
