"""ASTM B276: apparent porosity of hardmetals: type by pore size, level by volume per cent."""

from typing import Literal

from inspect_tool.errors import MeasurementError
from inspect_tool.model import Standard
from inspect_tool.statistics.classes import ClassScale, class_of


def pore_type(diameter_um: float, standard: Standard) -> Literal["A", "B", "large"]:
    """Type of a pore by its largest dimension: A below 10 um, B to 25 um, counted one by one above.

    Parameters
    ----------
    diameter_um : float
        Largest dimension of the pore (largest Feret diameter). [um]
    standard : Standard
        Edition of B276 with ``type_a_below`` and ``type_b_up_to``.

    Examples
    --------
    >>> from inspect_tool.standards.editions import load_standard
    >>> b276 = load_standard("astm_b276_2021")
    >>> [pore_type(d, b276) for d in (9.9, 10.0, 25.0, 25.1)]
    ['A', 'B', 'B', 'large']
    """
    if diameter_um < standard.values["type_a_below"].value:
        return "A"
    return "B" if diameter_um <= standard.values["type_b_up_to"].value else "large"


def level(kind: Literal["A", "B"], percent: float, standard: Standard) -> str:
    """Level of a measured volume per cent: the best level of the series that is not better than it.

    The series is a set of comparison plates; a measured number between two plates takes the worse
    one. Nothing found is level 00. Beyond the last plate the answer says so.

    Parameters
    ----------
    kind : {"A", "B"}
        Pore type.
    percent : float
        Areal porosity of the pores of that type, taken as volume per cent. [%]
    standard : Standard
        Edition of B276 with the table ``levels``.

    Examples
    --------
    >>> from inspect_tool.standards.editions import load_standard
    >>> b276 = load_standard("astm_b276_2021")
    >>> level("A", 0.0, b276), level("A", 0.02, b276), level("A", 0.03, b276), level("B", 0.7, b276)
    ('A00', 'A02', 'A04', '> B08')
    """
    if not percent >= 0:
        msg = f"volume per cent must be >= 0, got {percent:g}"
        raise MeasurementError(msg)
    scale = level_scale(kind, standard)
    return scale.names[class_of(percent, scale)]


def level_scale(kind: Literal["A", "B"], standard: Standard) -> ClassScale:
    """Levels of a pore type by volume per cent; each holds what is worse than the one before, up to its own. [%]

    Examples
    --------
    >>> from inspect_tool.standards.editions import load_standard
    >>> found = level_scale("B", load_standard("astm_b276_2021"))
    >>> found.names, found.limits
    (('B00', 'B02', 'B04', 'B06', 'B08', '> B08'), (0.0, 0.02, 0.06, 0.2, 0.6))
    """
    series = sorted((row["volume_percent"], row["level"]) for row in standard.tables["levels"] if row["type"] == kind)
    names = [str(name) for _, name in series]
    return ClassScale(
        names=(f"{kind}00", *names, f"> {names[-1]}"),
        limits=(0.0, *(float(limit) for limit, _ in series)),
        limit_in="lower",
    )


def level_percent(name: str, standard: Standard) -> float:
    """Volume per cent of a level of type A or B. [%]

    Examples
    --------
    >>> from inspect_tool.standards.editions import load_standard
    >>> level_percent("B06", load_standard("astm_b276_2021"))
    0.2
    """
    if name in ("A00", "B00"):
        return 0.0
    for row in standard.tables["levels"]:
        if row["level"] == name:
            return float(row["volume_percent"])
    known = ", ".join(str(row["level"]) for row in standard.tables["levels"])
    msg = f"'{name}' is not a level of {standard.id}; there are: A00, B00, {known}"
    raise MeasurementError(msg)
