"""Class strings of drawings as requirements: VDG P 201, BDG P 202 and ASTM B276."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from inspect_tool.errors import SettingsError
from inspect_tool.languages import Text, joined
from inspect_tool.model import Editions, Requirement, Standard
from inspect_tool.recipes.porosity.settings import QUANTITIES, Settings, presentation
from inspect_tool.standards.editions import edition_of
from inspect_tool.standards.formulas import astm_b276, bdg_p202, vdg_p201
from inspect_tool.units import dimension

_KEY, _HARDMETAL = "porosity_key", "hardmetal_class"  # quantities of class strings
_HOLDERS: Mapping[str, str] = MappingProxyType(
    {_KEY: "bdg_p202_2010", _HARDMETAL: "astm_b276_2021", "hardmetal": "astm_b276_2021"}
    | {"thermal_spray": "astm_e2109_2014"}
)
"""Shipped editions that a class string or a presentation takes numbers from where that of the job is of another
standard."""


def other_editions(settings: Settings, standard: Standard, asked: Sequence[Requirement]) -> tuple[str, ...]:
    """Name the editions beside that of the job: of its class strings, and of the presentation of its results."""
    wanted = [requirement.quantity for requirement in asked if requirement.class_string]
    return tuple(dict.fromkeys(_HOLDERS[one] for one in (*wanted, presentation(settings, standard)) if one in _HOLDERS))


def expand(requirement: Requirement, settings: Settings, editions: Editions) -> tuple[Requirement, ...]:
    """Turn a class string into requirements on quantities of this recipe.

    What an image alone cannot show becomes a requirement on a quantity that is never measured, so
    that its verdict is "not stated" and not a silent pass.

    Parameters
    ----------
    requirement : Requirement
        ``quantity`` names the kind: "porosity_class" (VDG P 201), "porosity_key" (BDG P 202) or
        "hardmetal_class" (ASTM B276); ``class_string`` holds the string.
    settings : Settings
        ``reference_area`` and ``key_symbols`` are used.
    editions : Editions
        Among them that of the class, see ``other_editions``.

    Raises
    ------
    SettingsError
        An unknown kind, or a string against its grammar, which is then explained.
    """
    kinds = {"porosity_class": _expand_p201, _KEY: _expand_p202, _HARDMETAL: _expand_b276}
    if requirement.quantity not in kinds:
        msg = (
            f"'{requirement.class_string}': quantity '{requirement.quantity}' is no kind of class; "
            f"use {', '.join(kinds)}"
        )
        raise SettingsError(msg)
    return kinds[requirement.quantity](requirement, settings, editions)


def _asked(
    requirement: Requirement,
    quantity: str,
    unit: str = "",
    lower: float | None = None,
    upper: float | None = None,
    why: str = "",
) -> Requirement:
    source = joined(": ", filter(None, (requirement.source, why)))
    return replace(requirement, quantity=quantity, unit=unit, lower=lower, upper=upper, source=source)


def _expand_p201(
    requirement: Requirement,
    settings: Settings,
    editions: Editions,  # noqa: ARG001 - one shape
) -> tuple[Requirement, ...]:
    asked = vdg_p201.parse(requirement.class_string)
    made = []
    if asked.load == "F":
        made.append(
            _asked(
                requirement,
                "reference_pore_count",
                "counts",
                upper=asked.number,
                why=Text("porosity.class_f_pore_count"),
            )
        )
    else:
        where = "worst field" if settings.reference_area is None else "reference area in its worst place"
        why = joined(": ", (asked.load, where))
        made.append(_asked(requirement, "reference_porosity_percent", "%", upper=asked.number, why=why))
    if asked.diameter_mm is not None:
        made.append(
            _asked(
                requirement,
                "largest_pore_feret_um",
                "mm",
                upper=asked.diameter_mm,
                why=Text("porosity.class_largest_pore"),
            )
        )
    if asked.neighbour_ratio is not None:
        made.append(
            _asked(
                requirement,
                "pore_neighbour_ratio_min",
                "1",
                lower=asked.neighbour_ratio,
                why=Text("porosity.class_a_neighbor_gap"),
            )
        )
    unseen = (
        (
            asked.nests_mid_wall,
            "M",
            Text("porosity.class_m_nests_mid_wall"),
        ),
        (
            asked.nests_in_junctions,
            "C",
            Text("porosity.class_c_nests_in_junctions"),
        ),
        (
            asked.inner_third,
            "R",
            Text("porosity.class_r_inner_third"),
        ),
        (
            asked.pore_size is not None,
            "P",
            Text("porosity.class_p_pore_size", pore_size=asked.pore_size or 0),
        ),
    )
    made += [
        _asked(requirement, f"porosity_class.{option}", why=joined(": ", (option, why)))
        for says, option, why in unseen
        if says
    ]
    return tuple(made)


def _expand_p202(requirement: Requirement, settings: Settings, editions: Editions) -> tuple[Requirement, ...]:
    """Symbols that the standards file or the job knows become limits; all others are not stated."""
    known = {row["symbol"]: row for row in edition_of(editions, "BDG P 202").tables["symbols"]}
    made = []
    for symbol, value in bdg_p202.parse_key(requirement.class_string):
        quantity = settings.key_symbols.get(symbol, known[symbol]["quantity"] if symbol in known else "")
        if not quantity:
            why = Text("porosity.key_symbol_unknown", symbol=symbol, value=value)
            made.append(_asked(requirement, f"porosity_key.{symbol}", why=why))
            continue
        if quantity not in QUANTITIES:
            msg = f"settings.key_symbols.{symbol}: no quantity '{quantity}'; there are: {', '.join(QUANTITIES)}"
            raise SettingsError(msg)
        if quantity == "porosity_percent":
            quantity = "reference_porosity_percent"
        unit = QUANTITIES[quantity].unit
        # lengths of a drawing are in millimeters
        unit = "mm" if dimension(unit) == "length" else unit
        side = {"lower": value} if quantity == "pore_neighbour_ratio_min" else {"upper": value}
        made.append(_asked(requirement, quantity, unit, why=Text("porosity.key_symbol", symbol=symbol), **side))
    return tuple(made)


def _expand_b276(
    requirement: Requirement,
    settings: Settings,  # noqa: ARG001 - one shape
    editions: Editions,
) -> tuple[Requirement, ...]:
    """Levels such as "A02 B00 C00"."""
    text = requirement.class_string.upper()
    parts = text.replace("/", " ").replace(",", " ").split()
    if len(parts) == 1:
        parts = [text[i : i + 3] for i in range(0, len(text), 3)]
    b276 = edition_of(editions, "ASTM B276")
    made = []
    for part in parts:
        if len(part) != 3 or part[0] not in "ABC" or part[1:] not in ("00", "02", "04", "06", "08"):
            msg = (
                f"hardmetal class '{requirement.class_string}': '{part}' is not a level of ASTM B276; "
                "<A|B|C><00|02|04|06|08>, e.g. A02 B00 C00"
            )
            raise SettingsError(msg)
        if part[0] == "C":
            why = Text("porosity.uncombined_carbon_by_person", part=part)
            made.append(_asked(requirement, "hardmetal_class.C", why=why))
        else:
            upper = astm_b276.level_percent(part, b276)
            made.append(_asked(requirement, f"hardmetal_percent.{part[0]}", "%", upper=upper, why=part))
    return tuple(made)
