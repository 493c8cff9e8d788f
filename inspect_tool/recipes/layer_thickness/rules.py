"""Rules of the edition, doubts of the numbers, and the warnings of one specimen."""

from collections.abc import Sequence

from inspect_tool.languages import Text
from inspect_tool.model import Check, Result, Standard
from inspect_tool.recipes._common import only
from inspect_tool.recipes._worst_field import worst_check
from inspect_tool.recipes.layer_thickness.results import layers_in, of_layer
from inspect_tool.recipes.layer_thickness.settings import MEAN, Settings
from inspect_tool.recipes.layer_thickness.values import Measured
from inspect_tool.standards.editions import check_rule, constant

_OPINIONS_APART = 20.0  # by a network and gray values, in several ways [%]; see docs/validation_layer_thickness.md
_OFF_EDGE = 10.0  # of the thickness from an interface to the step of gray along it [%]; see the same page
_INSIDE = 50.0  # of the step at the fainter interface is what gray changes by inside [%]; see the same page
_APART = 10.0  # between chords and area over length [%]; see docs/layer_thickness.md


def checks_of(
    fields: Sequence[Measured], results: Sequence[Result], settings: Settings, standard: Standard
) -> list[Check]:
    """Rules of the edition and doubts, for one specimen and every layer of it."""
    specimen = fields[0].specimen
    made: list[Check | None] = [
        check_rule(
            standard,
            "tilt",
            settings.tilt_deg,
            specimen=specimen,
            note="" if settings.tilt_deg is not None else Text("layer_thickness.note_tilt"),
        )
    ]
    without = [(float(field.values.others_without_layer), field.image) for field in fields]
    made += _worst("others", without, 0.0, "1", specimen)
    for what, fact, limit in (
        ("sizes", "sizes_apart", _OPINIONS_APART),
        ("grays", "grays_apart", _OPINIONS_APART),
        ("edge", "edge_off", _OFF_EDGE),
        ("inside", "gray_inside", _INSIDE),
    ):
        apart = [(100 * float(one.read_off[fact]), one.image) for one in fields if fact in one.read_off]
        made += _worst(what, apart, limit, "%", specimen)
    for name in layers_in(fields):
        layers = of_layer(fields, name)
        note = Text("layer_thickness.note_layer", layer=name)
        least = min(
            (only(one.minimum_thickness) / float(field.calibration.pixel_um or 1.0), field.image)
            for one, field in zip(layers, fields, strict=True)
        )[0]
        seen = sum(one.chords for one in layers)
        found: dict[str, float | None] = {
            "places": float(seen),
            "uncertainty": _over_allowed(results, name, standard),
            "thickness_px": least,
            "seen": 100 * seen / (seen + sum(one.chords_missed for one in layers)),
        }
        made += [check_rule(standard, rule, value, specimen=specimen, note=note) for rule, value in found.items()]
        apart = [
            (100 * abs(only(one.area_over_length) / only(one.mean_thickness) - 1), field.image)
            for one, field in zip(layers, fields, strict=True)
        ]
        quantities = tuple(one.quantity for one in results if one.quantity.endswith(f".{name}"))
        made += _worst("area", apart, _APART, "%", specimen, quantities)
    return [check for check in made if check is not None]


def _worst(
    what: str,
    found: Sequence[tuple[float, str]],
    most: float,
    unit: str,
    specimen: str,
    quantities: tuple[str, ...] = (),
) -> tuple[Check, ...]:
    """Doubt of the field in which the most was found of what casts a doubt on a thickness."""
    return worst_check(
        Text(f"layer_thickness.check_{what}"),
        found,
        "<=",
        most,
        unit,
        clause=Text("layer_thickness.clause_own"),
        specimen=specimen,
        advice=Text(f"layer_thickness.advice_{what}"),
        quantities=quantities,
    )


def _over_allowed(results: Sequence[Result], name: str, standard: Standard) -> float | None:
    """Expanded uncertainty of the mean over what the edition allows: a length or a share, whichever is more."""
    mean = next((one for one in results if one.quantity == MEAN.replace("*", name)), None)
    if mean is None or mean.expanded_u is None:
        return None
    allowed = max(
        constant(standard, "allowed_um").value, constant(standard, "allowed_percent").value / 100 * mean.value
    )
    return mean.expanded_u / allowed


def warnings_of(fields: Sequence[Measured]) -> list[str]:
    """What page 1 must say of one specimen."""
    names = {name for field in fields for name in field.values.numbers.layers}
    missing = sorted(names - set(layers_in(fields)))
    return [Text("layer_thickness.warning_missing", specimen=fields[0].specimen, layer=name) for name in missing]
