"""The closed list of units, and conversion inside one dimension.

An unknown unit is an error, never 1. The micrometer is written ``um`` in names, files and
code; the report prints ``µm``, and what it prints is understood.
"""

import re
import unicodedata

from inspect_tool.errors import SettingsError

# unit -> (dimension, size in the first unit of that dimension)
_UNITS: dict[str, tuple[str, float]] = {
    "um": ("length", 1.0),
    "pm": ("length", 1e-6),
    "nm": ("length", 1e-3),
    "mm": ("length", 1e3),
    "cm": ("length", 1e4),
    "m": ("length", 1e6),
    "in": ("length", 25400.0),
    "um2": ("area", 1.0),
    "mm2": ("area", 1e6),
    "cm2": ("area", 1e8),
    "in2": ("area", 645.16e6),
    "1/um": ("per length", 1.0),
    "1/mm": ("per length", 1e-3),
    "1/um2": ("per area", 1.0),
    "1/mm2": ("per area", 1e-6),
    "1/cm2": ("per area", 1e-8),
    "1/in2": ("per area", 1.0 / 645.16e6),
    "1": ("ratio", 1.0),
    "%": ("ratio", 0.01),
    "G": ("grain size number", 1.0),
    "px": ("pixel length", 1.0),
    "px2": ("pixel area", 1.0),
    "x": ("magnification", 1.0),
    "deg": ("angle", 1.0),
    "days": ("time", 1.0),
    "fields": ("number of fields", 1.0),
    "grains": ("number of grains", 1.0),
    "counts": ("number of counts", 1.0),
    "points": ("number of points", 1.0),
    "lines": ("number of lines", 1.0),
    "joints": ("number of joints", 1.0),
    "pores": ("number of pores", 1.0),
    "particles": ("number of particles", 1.0),
    "objects": ("number of objects", 1.0),
    "gray levels": ("gray value", 1.0),
}

UNITS: tuple[str, ...] = tuple(_UNITS)
"""Every unit the toolkit knows, in the spelling of files and code."""


def spelled(unit: str) -> str:
    """Spell a unit as files and code do, from how a report prints it; a unit that is not known comes back as it is.

    >>> [spelled(unit) for unit in ("µm", "μm²", "mm⁻²", "1/mm²", "°", "um")]
    ['um', 'um2', '1/mm2', '1/mm2', 'deg', 'um']
    """
    # the micro sign becomes the Greek letter, raised figures become plain ones, the raised minus a minus
    plain = unicodedata.normalize("NFKC", unit.strip()).replace("μ", "u")
    power = re.fullmatch("([a-z]+)\N{MINUS SIGN}([12])", plain)
    if power is not None:
        plain = f"1/{power[1]}{power[2].replace('1', '')}"
    plain = {"×": "x", "°": "deg"}.get(plain, plain)
    return plain if plain in _UNITS else unit


def dimension(unit: str) -> str:
    """Name the dimension of a unit; an unknown unit is a ``SettingsError``.

    >>> dimension("mm2"), dimension("µm")
    ('area', 'length')
    """
    try:
        return _UNITS[spelled(unit)][0]
    except KeyError:
        msg = f"unknown unit '{unit}'; known units: {', '.join(UNITS)}"
        raise SettingsError(msg) from None


def convert(value: float, unit: str, to: str) -> float:
    """Convert a value between two units of one dimension.

    >>> convert(0.32, "mm", "um")
    320.0
    >>> convert(1.0, "in2", "mm2")
    645.16
    """
    if spelled(unit) == spelled(to):
        dimension(unit)
        return value
    if dimension(unit) != dimension(to):
        msg = f"cannot convert '{unit}' ({dimension(unit)}) to '{to}' ({dimension(to)})"
        raise SettingsError(msg)
    return value * (_UNITS[spelled(unit)][1] / _UNITS[spelled(to)][1])


def length_um(text: str) -> float:
    """Read a length with its unit, as a person writes it.

    >>> length_um("10um"), length_um("0.01 mm"), length_um("200 µm"), length_um("1,5 nm")
    (10.0, 10.0, 200.0, 0.0015)
    """
    found = re.fullmatch(r"\s*(\d+(?:[.,]\d+)?)\s*([a-zµμ]+)\s*", text)
    unit = spelled(found[2]) if found else ""
    if found is None or unit not in _UNITS or dimension(unit) != "length":
        msg = f"'{text}' is not a length; give a number and its unit, for example 10um or 0.01mm"
        raise SettingsError(msg)
    return convert(float(found[1].replace(",", ".")), unit, "um")
