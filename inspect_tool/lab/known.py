"""What the reports of a lab name: quantities, recipes and parts, to choose from."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from inspect_tool import registry
from inspect_tool.acceptance.criteria import quantity_of
from inspect_tool.errors import InspectError
from inspect_tool.lab.tables import report, result
from inspect_tool.languages import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A quantity of a recipe."""

    quantity: str
    recipe: str
    title: Words  # empty: its recipe is not installed here
    count: int  # results that have a value


def quantities(connection: Connection) -> tuple[Known, ...]:
    """Quantities of all reports that no later one replaces, by recipe and name."""
    rows = connection.execute(
        select(result.c.quantity, report.c.recipe, func.count(result.c.value))
        .join(report, report.c.id == result.c.report)
        .where(report.c.superseded_by.is_(None))
        .group_by(result.c.quantity, report.c.recipe)
        .order_by(report.c.recipe, result.c.quantity)
    )
    return tuple(
        Known(quantity=quantity, recipe=recipe, title=_title(recipe, quantity), count=count)
        for quantity, recipe, count in rows
    )


def parts(connection: Connection) -> tuple[str, ...]:
    """Parts that reports name, in the order of the alphabet."""
    named = select(report.c.part).where(report.c.part != "").distinct().order_by(report.c.part)
    return tuple(connection.scalars(named))


def _title(recipe: str, quantity: str) -> Words:
    try:
        stated = quantity_of(registry.load("recipe", recipe), quantity)
    except InspectError:  # of a package that is not installed here
        return ""
    return "" if stated is None else stated.title
