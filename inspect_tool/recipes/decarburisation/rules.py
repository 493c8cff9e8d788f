"""Rules of the edition, doubts of the numbers, and the warnings of one specimen."""

from collections.abc import Sequence

from inspect_tool.languages import Text
from inspect_tool.model import Check, Standard
from inspect_tool.recipes._common import only
from inspect_tool.recipes._worst_field import worst_check
from inspect_tool.recipes.decarburisation.results import depth_of, is_unchanged, no_ferrite_layer, structure_of
from inspect_tool.recipes.decarburisation.settings import Settings
from inspect_tool.recipes.decarburisation.values import Measured
from inspect_tool.standards.editions import check_rule

_RIM = 25.0  # more of other structure at the surface than below it, over that of the core [%]
_BEYOND = 10.0  # probability that the depth goes on where hardly any core is seen [%]
_APART = 15.0  # mean of the places against the depth of the mean profile [%]


def checks_of(fields: Sequence[Measured], settings: Settings, standard: Standard) -> list[Check]:
    """Rules of the edition and doubts, for one specimen."""
    specimen = fields[0].specimen
    unchanged = is_unchanged(fields)
    transverse = sum(field.plane == "transverse" for field in fields)
    stated = all(field.plane != "not stated" for field in fields)
    depths = [depth_of(field.values.numbers, "total") for field in fields]
    least_px = min(
        depth / float(field.calibration.pixel_um or 1.0) for depth, field in zip(depths, fields, strict=True)
    )
    behind = min(
        100 * (only(field.values.reach) - depth) / max(depth, 1e-9) for depth, field in zip(depths, fields, strict=True)
    )
    column = "total_depth_px"
    largest = max(float(field.features[column].max() / field.features[column].mean()) for field in fields)
    found: dict[str, tuple[float | None, str]] = {
        "places": (float(sum(len(field.features) for field in fields)), ""),
        "plane": (
            100 * transverse / len(fields) if stated else None,
            "" if stated else Text("decarburisation.note_plane"),
        ),
        "tilt": (settings.tilt_deg, "" if settings.tilt_deg is not None else Text("decarburisation.note_tilt")),
    }
    if not unchanged:
        found |= {"depth_px": (least_px, ""), "core_seen": (behind, ""), "evenness": (largest, "")}
    made: list[Check | None] = [
        check_rule(standard, rule, value, specimen=specimen, note=note) for rule, (value, note) in found.items()
    ]
    doubts = {
        "others": ([float(field.values.others_without_depth) for field in fields], 0.0, "1"),
        "rim": ([field.values.rim_percent for field in fields], _RIM, "%"),
    }
    if not unchanged:
        doubts["places_apart"] = ([field.values.places_apart_percent for field in fields], _APART, "%")
        doubts["beyond"] = ([field.values.beyond_percent for field in fields], _BEYOND, "%")
    images = [field.image for field in fields]
    for name, (values, limit, unit) in doubts.items():
        made += worst_check(
            Text(f"decarburisation.check_{name}"),
            zip(values, images, strict=True),
            "<=",
            limit,
            unit,
            clause=Text("decarburisation.clause_own"),
            specimen=specimen,
            advice=Text(f"decarburisation.advice_{name}"),
        )
    return [check for check in made if check is not None]


def warnings_of(fields: Sequence[Measured]) -> list[str]:
    """What page 1 must say of one specimen: what was not found."""
    specimen = fields[0].specimen
    made: list[str] = []
    if is_unchanged(fields):
        made.append(Text("decarburisation.warning_none", specimen=specimen))
    elif all(field.calibration.pixel_um is not None for field in fields) and no_ferrite_layer(fields):
        made.append(Text("decarburisation.warning_no_ferrite", specimen=specimen, structure=structure_of(fields)))
    return made
