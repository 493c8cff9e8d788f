"""BDG P 202: porosity key of castings, symbols and values of a drawing; their meaning is data."""

import re

from inspect_tool.errors import SettingsError

GRAMMAR = (
    "symbols with values, separated by '/', ';' or spaces, decimals with point or comma; e.g. %5/Ø2 or '%5; Ø0,5; A1'"
)

_ITEM = re.compile(r"([%ØA-Z]+)=?(\d+(?:[.,]\d+)?)")


def parse_key(text: str) -> tuple[tuple[str, float], ...]:
    """Read a porosity key into (symbol, value) pairs, in order; a wrong one is a ``SettingsError``.

    A leading "P202" or "BDG P202" is skipped. What a symbol means is not known here.

    Examples
    --------
    >>> parse_key("%5/Ø0,5/A1")
    (('%', 5.0), ('Ø', 0.5), ('A', 1.0))
    """
    short = re.sub(r"^\s*(BDG\s*)?P\s*202\s*[:;/-]?", "", text.strip().upper())
    items = [item for item in re.split(r"[/;\s]+", short) if item]
    made: dict[str, float] = {}
    for item in items:
        found = _ITEM.fullmatch(item)
        if found is None:
            msg = f"porosity key '{text}': '{item}' is not a symbol with a value; {GRAMMAR}"
            raise SettingsError(msg)
        if found[1] in made:
            msg = f"porosity key '{text}': symbol {found[1]} stands twice"
            raise SettingsError(msg)
        made[found[1]] = float(found[2].replace(",", "."))
    if not made:
        msg = f"porosity key '{text}': is empty; {GRAMMAR}"
        raise SettingsError(msg)
    return tuple(made.items())
