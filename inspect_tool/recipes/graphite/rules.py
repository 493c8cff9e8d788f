"""Sampling rules of the edition, and the warnings of one specimen."""

from collections.abc import Sequence

from inspect_tool.languages import Text
from inspect_tool.model import Check, Editions
from inspect_tool.recipes.graphite.field import limits_of
from inspect_tool.recipes.graphite.results import LEAST
from inspect_tool.recipes.graphite.settings import Settings
from inspect_tool.recipes.graphite.values import Measured
from inspect_tool.standards.editions import check_rule


def checks_of(fields: Sequence[Measured], settings: Settings, editions: Editions) -> list[Check]:
    """Rules of the edition for one specimen."""
    standard, specimen = editions.job, fields[0].specimen
    numbers = [field.values.numbers for field in fields]
    sections = [field.section for field in fields]
    counted = sum(one.shares.counted for one in numbers)
    every = counted + sum(one.cut for one in numbers)
    pixel = [field.calibration.pixel_um for field in fields]
    scaled = [um for um in pixel if um is not None]
    feret = limits_of(editions.job, settings).feret_um
    found: dict[str, tuple[float | None, str]] = {
        "fields": (float(min(sections.count(section) for section in set(sections))), ""),
        "particles": (float(counted), ""),
        "smallest_px": (
            feret / max(scaled) if len(scaled) == len(pixel) else None,
            "" if len(scaled) == len(pixel) else Text("graphite.note_scale"),
        ),
        "cut_by_edge": (100 * sum(one.cut for one in numbers) / every if every else 0.0, ""),
    }
    made = [check_rule(standard, name, value, specimen=specimen, note=note) for name, (value, note) in found.items()]
    return [check for check in made if check is not None]


def warnings_of(fields: Sequence[Measured]) -> list[str]:
    """What page 1 must say of one specimen."""
    specimen, counted = fields[0].specimen, sum(field.values.numbers.shares.counted for field in fields)
    made: list[str] = []
    if counted < LEAST:
        made.append(Text("graphite.warning_few", specimen=specimen, n=counted, least=LEAST))
    if not all(field.calibration.pixel_um for field in fields):
        made.append(Text("graphite.warning_scale", specimen=specimen))
    return made
