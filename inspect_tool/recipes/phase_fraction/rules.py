"""Rules of the edition, judged on one specimen."""

from dataclasses import replace

from inspect_tool.acceptance import plausibility
from inspect_tool.languages import Text, joined, named
from inspect_tool.model import (
    Check,
    Editions,
    Standard,
)
from inspect_tool.recipes.phase_fraction.groups import MANUAL, Group, who
from inspect_tool.recipes.phase_fraction.settings import Settings
from inspect_tool.standards.editions import check_rule, designation
from inspect_tool.statistics.fields import FieldStatistics

TOO_SMALL_PERCENT = 5.0  # of the area of a class may lie in features below the declared size


def _rule(
    editions: Editions, name: str, value: float | None, specimen: str, what: str = "", note: str = ""
) -> tuple[Check, ...]:
    """Judge a value by the rule of the edition of the job, or of another one where this has none.

    The rule of another edition is good practice: no conformity to that of the job follows from it.
    """
    holder = next(edition for edition in (editions.job, *editions.others) if name in edition.rules)
    check = check_rule(holder, name, value, specimen=specimen, note=note)
    if check is None:
        return ()
    if holder is not editions.job:
        check = replace(check, scope="practice")
    return (replace(check, name=joined(", ", (check.name, what))) if what else check,)


def class_checks(group: Group, name: str, found: FieldStatistics, editions: Editions) -> tuple[Check, ...]:
    """Judge the rules that are asked of a class."""
    checks = _rule(
        editions,
        "relative_accuracy",
        found.ra_percent,
        group.specimen,
        name,
        "" if found.ra_percent is not None else Text("phase_fraction.note_accuracy_not_known"),
    )
    if found.ci95 is not None:
        checks += _rule(editions, "lower_limit", found.mean - found.ci95, group.specimen, name)
    if len(found.sections) > 1:
        gap = section_gap(found)
        checks += _rule(
            editions,
            "sections_overlap",
            gap,
            group.specimen,
            name,
            Text("phase_fraction.note_sections_combined")
            if gap is not None and gap <= 0
            else Text("phase_fraction.note_sections_differ"),
        )
    if found.mean in (0.0, 100.0):
        # nothing varies, so that no scatter can be told, neither between the fields nor inside them
        checks += (
            plausibility.check(
                Text("phase_fraction.check_sampling_uncertainty", name=named("terms", name)),
                None,
                "<=",
                100.0,
                "%",
                clause=Text("phase_fraction.clause_class_not_seen"),
                specimen=group.specimen,
                quantities=(f"area_percent.{name}",),
            ),
        )
    small = max(group.features(name, lambda features: features.too_small_percent))
    checks += (
        Check(
            name=Text("phase_fraction.check_too_small_features", name=named("terms", name)),
            value=small,
            relation="<=",
            limit=TOO_SMALL_PERCENT,
            unit="%",
            passed=small <= TOO_SMALL_PERCENT,
            clause=Text("phase_fraction.clause_too_small_features"),
            scope="image",
            specimen=group.specimen,
            note=Text("phase_fraction.note_too_small_worst_field"),
        ),
    )
    return checks


def section_gap(found: FieldStatistics) -> float | None:
    """Largest gap between the 95 % intervals of any two sections; 0 or less when all overlap."""
    ends = [(mean - ci95, mean + ci95) for _, mean, _, ci95 in found.sections if ci95 is not None]
    if len(ends) < len(found.sections):
        return None
    return max(low for low, _ in ends) - min(high for _, high in ends)


def specimen_checks(group: Group, settings: Settings, editions: Editions) -> tuple[Check, ...]:
    """Judge the rules that are asked of a specimen."""
    per_section = min(group.sections.count(section) for section in group.sections)
    grid = min(field.values.grid_points for field in group.fields)
    if group.manual:
        grid = min(count.grid_points for count in group.manual.values())
    by_hand: tuple[Check, ...] = ()
    if editions.job.follows in MANUAL:
        share = 100 * len({field.field for field in group.fields} & set(group.manual)) / len(group.fields)
        by_hand = _rule(editions, "counted_by_hand", share, group.specimen)
    return (
        *by_hand,
        *_rule(
            editions,
            "fields",
            float(per_section),
            group.specimen,
            note=Text("phase_fraction.note_smallest_section"),
        ),
        *_rule(
            editions, "grid_points", float(grid), group.specimen, note=Text("phase_fraction.note_grid_points_in_region")
        ),
        *_rule(editions, "smallest_feature", float(settings.smallest_feature_px2), group.specimen),
    )


def deviations(group: Group, standard: Standard) -> tuple[str, ...]:
    """Say what is done otherwise than the edition of the job says."""
    if standard.follows not in MANUAL or len(group.manual) == len(group.fields):
        return ()
    said = Text("phase_fraction.deviation_image_analysis", group=who(group))
    return (Text("phase_fraction.deviation_not_counted_by_person", said=said, standard=designation(standard)),)
