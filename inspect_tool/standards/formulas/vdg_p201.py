"""VDG P 201: porosity classes of castings, a string on a drawing that carries all limits."""

import re
from dataclasses import dataclass

from inspect_tool.errors import SettingsError

GRAMMAR = (
    "<S|D|F|G><number>[/<largest pore in mm>][/<options>]: S static, D dynamic, G not specified with porosity in %, "
    "F functional surface with a count of pores; options A<n> (gap >= n x smaller pore), M, C, R, P<n>; "
    "e.g. S5/2/C or D5/2/A1"
)

_NUMBER = r"\d+(?:[.,]\d+)?"
_WHOLE = re.compile(rf"([SDFG])({_NUMBER})(?:/({_NUMBER}))?((?:/(?:A{_NUMBER}|P{_NUMBER}|M|C|R)+)*)")
_OPTION = re.compile(rf"([AP])({_NUMBER})|([MCR])")


@dataclass(frozen=True, slots=True, kw_only=True)
class PorosityClass:
    """What a class string says; None and False: says nothing about it."""

    text: str
    load: str  # S, D, F or G
    number: float  # porosity [%]; for F the count of pores per reference area
    diameter_mm: float | None = None  # largest pore [mm]
    neighbour_ratio: float | None = None  # A: least gap over the diameter of the smaller pore [1]
    pore_size: float | None = None  # P
    nests_mid_wall: bool = False  # M: pore nests only in the middle of the wall
    nests_in_junctions: bool = False  # C: pore nests only in hot spots and junctions
    inner_third: bool = False  # R: the share is for the inner third of the wall, the outer thirds are D4


def parse(text: str) -> PorosityClass:
    """Read a class string; a wrong one is a ``SettingsError`` that explains the grammar.

    Examples
    --------
    >>> found = parse("S5/2/C")
    >>> found.load, found.number, found.diameter_mm, found.nests_in_junctions
    ('S', 5.0, 2.0, True)
    >>> parse("D5/0,5/A2").neighbour_ratio
    2.0

    References
    ----------
    VDG Merkblatt P 201 (2002), designation of the classes.
    """
    found = _WHOLE.fullmatch(re.sub(r"\s+", "", text).upper())
    if found is None:
        msg = f"porosity class '{text}': not a class string of VDG P 201; {GRAMMAR}"
        raise SettingsError(msg)
    load, number, diameter, rest = found.groups()
    options: dict[str, float] = {}
    for letter, value, flag in _OPTION.findall(rest):
        name = letter or flag
        if name in options:
            msg = f"porosity class '{text}': option {name} stands twice"
            raise SettingsError(msg)
        options[name] = _number(value) if value else 1.0
    made = PorosityClass(
        text=text.strip(),
        load=load,
        number=_number(number),
        diameter_mm=None if diameter is None else _number(diameter),
        neighbour_ratio=options.get("A"),
        pore_size=options.get("P"),
        nests_mid_wall="M" in options,
        nests_in_junctions="C" in options,
        inner_third="R" in options,
    )
    if made.load == "F" and made.number != int(made.number):
        msg = f"porosity class '{text}': the number after F is a count of pores, got {made.number:g}"
        raise SettingsError(msg)
    if made.load != "F" and made.number > 100:
        msg = f"porosity class '{text}': {made.number:g} % porosity is more than everything"
        raise SettingsError(msg)
    if made.inner_third and not (made.load == "D" and 10 <= made.number <= 30):
        msg = f"porosity class '{text}': option R is for D10 to D30 only"
        raise SettingsError(msg)
    return made


def _number(text: str) -> float:
    return float(text.replace(",", "."))
