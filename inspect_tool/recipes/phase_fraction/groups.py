"""Fields of one specimen and section together."""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from inspect_tool.errors import MeasurementError, ReadError
from inspect_tool.languages import Text, joined
from inspect_tool.measure import points
from inspect_tool.model import Standard
from inspect_tool.recipes._common import specimens_of
from inspect_tool.recipes.phase_fraction.settings import Settings
from inspect_tool.recipes.phase_fraction.values import Features, Lines, Measured, Values
from inspect_tool.standards.editions import designation

MANUAL = ("ASTM E562", "ISO 9042")
"""Standards of points that a person counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The fields of one specimen and what they share."""

    specimen: str
    fields: tuple[Measured, ...]
    sections: tuple[str, ...]  # of every field
    classes: tuple[str, ...]  # the matrix last
    manual: Mapping[int, points.ManualCount]  # by field

    def area_percent(self, name: str) -> list[float]:
        """Give the share of a class in every field, in their order. [%]"""
        return [field.values.shares.area_percent[name] for field in self.fields]

    def lines(self, name: str, read: Callable[[Lines], float | None]) -> list[float]:
        """Give one number of the lines across a class, field by field; 0 where there is none."""
        return [read(field.values.shares.lines[name]) or 0.0 for field in self.fields]

    def features(self, name: str, read: Callable[[Features], float | None]) -> list[float]:
        """Give one number of the features of a class, field by field; 0 where there is none."""
        return [read(field.values.features[name]) or 0.0 for field in self.fields]


def check_tables(settings: Settings, fields: Set[tuple[str, int]]) -> None:
    """Read the table of a job before a field (specimen, number) is measured; its classes are known after that only.

    Raises
    ------
    ReadError
        With file, line and column, or where a row is of no field of the job.
    """
    for specimen, rows in manual_counts(settings, None).items():
        for field in rows:
            if (specimen, field) not in fields:
                msg = (
                    f"{settings.counts}: specimen '{specimen}' field {field} is not a field of this job; "
                    "fields are numbered from 1 in the order of the images"
                )
                raise ReadError(msg)


def manual_counts(settings: Settings, classes: tuple[str, ...] | None) -> dict[str, dict[int, points.ManualCount]]:
    """Manual counts of every specimen and field of the table, also of fields that were lost or are not looked at."""
    manual: dict[str, dict[int, points.ManualCount]] = {}
    for count in points.read_counts(Path(settings.counts), classes) if settings.counts else ():
        manual.setdefault(count.specimen, {})[count.field] = count
    return manual


def groups_of(fields: Sequence[Measured], settings: Settings) -> list[Group]:
    """Put the fields of each specimen together; all must have the same classes."""
    if not fields:
        msg = "phase fraction: no field was measured"
        raise MeasurementError(msg)
    classes = classes_of(fields[0].values)
    for field in fields[1:]:
        others = classes_of(field.values)
        if others != classes:
            msg = (
                f"phase_fraction: {field.image} has classes {', '.join(others)}, {fields[0].image} has "
                f"{', '.join(classes)}; give every field the same classes"
            )
            raise MeasurementError(msg)
    manual = manual_counts(settings, classes)
    groups = []
    for specimen, mine in specimens_of(fields):
        own = manual.get(specimen, {})
        groups.append(
            Group(
                specimen=specimen,
                fields=tuple(mine),
                sections=tuple(field.section for field in mine),
                classes=classes,
                manual={field.field: own[field.field] for field in mine if field.field in own},
            )
        )
    return groups


def classes_of(values: Values) -> tuple[str, ...]:
    """Name the classes of a field, the matrix last."""
    return tuple(values.shares.area_percent)


def who(group: Group) -> str:
    """Name the specimen, for a message."""
    return Text("phase_fraction.group_specimen", specimen=group.specimen)


def clause_of(standard: Standard, text: str) -> str:
    """Say what is done, after the name of the edition."""
    return joined(": ", (designation(standard), text))
