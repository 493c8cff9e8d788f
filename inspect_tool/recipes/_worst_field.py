"""Doubts of a specimen by the worst of its fields."""

from collections.abc import Iterable
from typing import Literal

from inspect_tool.acceptance import plausibility
from inspect_tool.languages import Text
from inspect_tool.model import Check


def worst_check(
    name: str,
    found: Iterable[tuple[float, str]],
    relation: Literal[">=", "<="],
    limit: float,
    unit: str,
    *,
    clause: str,
    specimen: str,
    advice: str = "",
    quantities: tuple[str, ...] = (),
) -> tuple[Check, ...]:
    """Check the field that is nearest to the limit or farthest beyond it, and name its image; none without a field.

    Parameters
    ----------
    found : iterable of (float, str)
        What was found in each field, and its image.
    name, relation, limit, unit, clause, specimen, advice, quantities
        See ``plausibility.check``.

    Examples
    --------
    >>> (made,) = worst_check("Holes", [(4.0, "a.tif"), (6.0, "b.tif")], "<=", 5.0, "%", clause="own", specimen="1")
    >>> made.value, made.passed, str(made.note)
    (6.0, False, 'worst field b.tif')
    >>> worst_check("Holes", [], "<=", 5.0, "%", clause="own", specimen="1")
    ()
    """
    fields = list(found)
    if not fields:
        return ()
    value, image = max(fields) if relation == "<=" else min(fields)
    return (
        plausibility.check(
            name,
            value,
            relation,
            limit,
            unit,
            clause=clause,
            specimen=specimen,
            note=Text("recipes.note_worst_field", image=image),
            advice=advice,
            quantities=quantities,
        ),
    )
