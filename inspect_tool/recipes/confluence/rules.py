"""Rules of the procedure and doubts of the numbers, judged on one specimen."""

from collections.abc import Sequence
from functools import partial

from inspect_tool.languages import Text
from inspect_tool.model import Check, Standard
from inspect_tool.recipes._worst_field import worst_check
from inspect_tool.recipes.confluence.field import SEPARATION
from inspect_tool.recipes.confluence.results import shares_of, statistics_of
from inspect_tool.recipes.confluence.settings import COVERED, Settings
from inspect_tool.recipes.confluence.values import Measured
from inspect_tool.standards.editions import check_rule

_APART = 1.5  # see docs/validation_confluence.md: below, the share of drawn cultures was off by up to all of it
_MOST, _LEAST = 98.0, 2.0  # share of a field that an automatic level may leave to the other side [%]


def checks_of(fields: Sequence[Measured], settings: Settings, standard: Standard) -> list[Check]:
    """Rules of the procedure, and doubts, for one specimen."""
    specimen = fields[0].specimen
    sections = [field.section for field in fields]
    found: dict[str, tuple[float | None, str]] = {
        "fields": (float(min(sections.count(section) for section in set(sections))), ""),
        "well": (_well_percent(fields, settings), "" if settings.well_area_mm2 else Text("confluence.note_well")),
    }
    if settings.count != "nuclei":
        statistics = statistics_of(fields, shares_of(fields))
        note = "" if statistics.ra_percent is not None else Text("confluence.note_accuracy")
        found["relative_accuracy"] = (statistics.ra_percent, note)
    if settings.count != "nothing":
        numbers = [field.values.numbers for field in fields]
        counted = sum(one.counted or 0 for one in numbers)
        below = sum(one.below_minimum or 0 for one in numbers)
        cut = sum(one.counted_cut or 0 for one in numbers)
        found["counted"] = (float(counted - cut), "")
        found["below_minimum"] = (100 * below / (counted + below) if counted + below else 0.0, "")
        found["cut_by_edge"] = (100 * cut / counted if counted else 0.0, "")
        found["smallest_object"] = (float(settings.minimum_px2), Text("confluence.note_declared"))
    rules = [check_rule(standard, name, value, specimen=specimen, note=note) for name, (value, note) in found.items()]
    return [*(check for check in rules if check is not None), *_doubts(fields, settings)]


def _well_percent(fields: Sequence[Measured], settings: Settings) -> float | None:
    """Area of the fields over that of the well; None: one of them is not stated. [%]"""
    areas = [field.values.area_mm2 for field in fields]
    if not settings.well_area_mm2 or None in areas:
        return None
    return 100 * sum(area for area in areas if area is not None) / settings.well_area_mm2


def _doubts(fields: Sequence[Measured], settings: Settings) -> list[Check]:
    """Whether smooth and rough could be told apart at all, and whether a field shows both."""
    if settings.count == "nuclei":
        return []
    told = [(float(value), field) for field in fields if (value := field.read_off.get(SEPARATION)) is not None]
    shares = [(float(field.values.numbers.covered_percent or 0.0), field.image) for _, field in told]
    check = partial(
        worst_check, clause=Text("confluence.clause_own"), specimen=fields[0].specimen, quantities=(COVERED,)
    )
    one_kind = Text("confluence.advice_one_kind")
    return [
        *check(
            Text("confluence.check_apart"),
            [(value, field.image) for value, field in told],
            ">=",
            _APART,
            "1",
            advice=Text("confluence.advice_apart"),
        ),
        *check(Text("confluence.check_most"), shares, "<=", _MOST, "%", advice=one_kind),
        *check(Text("confluence.check_least"), shares, ">=", _LEAST, "%", advice=one_kind),
    ]


def warnings_of(fields: Sequence[Measured], settings: Settings) -> list[str]:
    """What page 1 must say of one specimen."""
    if len(fields) > 1:
        return []
    return [Text("confluence.warning_one_field", specimen=fields[0].specimen)] if settings.count != "nuclei" else []
