"""The limits of a self-test, and the verdict by them."""

from collections.abc import Iterator, Sequence
from math import sqrt
from pathlib import Path
from statistics import fmean

from inspect_tool.errors import SettingsError
from inspect_tool.languages import Text, Words
from inspect_tool.model import Rule, Standard
from inspect_tool.paths import data_folder
from inspect_tool.report import text
from inspect_tool.standards import editions
from inspect_tool.statistics.uncertainty import proportion_interval
from inspect_tool.studies.selftest import phantom_jobs
from inspect_tool.studies.selftest.page import (
    GoldenPart,
    Judged,
    LookSummary,
    QuantityTest,
    SelfTest,
    look_name,
)
from inspect_tool.studies.selftest.statistics import in_percent, repeatability

CRITERIA = "selftest/selftest_2026.toml"
"""In the folder of the standards."""

_MEASURES = (
    "bias",
    "relative_bias",
    "coverage",
    "scatter",
    "slope",
    "smallest",
    "tiles",
    "measured",
    "same",
    "worked",
    "weights",
    "files",
    "golden",
)


def load_criteria(path: Path | None = None) -> Standard:
    """Load the criteria: those of the toolkit, or a file in the same format.

    Raises
    ------
    StandardError, SettingsError
        The file is not there or wrong, or a rule names what is not measured.
    """
    name = str(path) if path is not None else str(data_folder("standards") / CRITERIA)
    if not name.endswith(".toml"):
        msg = f"{name}: criteria are a file that ends in .toml; copy standards/{CRITERIA}"
        raise SettingsError(msg)
    rules = editions.load_standard(name)
    known = {quantity for recipe in phantom_jobs.recipes() for quantity in phantom_jobs.of(recipe).known}
    for rule in rules.rules.values():
        measure, quantity = parts_of(rule)
        if measure not in _MEASURES or (quantity and quantity not in known):
            msg = f"{Path(name).name} rule '{rule.name}': write measure or measure:quantity; {', '.join(_MEASURES)}"
            raise SettingsError(msg)
        for look in rule.methods:
            if look not in phantom_jobs.LOOKS:
                looks = ", ".join(phantom_jobs.LOOKS)
                msg = f"{Path(name).name} rule '{rule.name}' methods: got '{look}', must be {looks}"
                raise SettingsError(msg)
    return rules


def parts_of(rule: Rule) -> tuple[str, str]:
    """Measure and quantity of a rule; the quantity is empty where the rule is for the whole test."""
    measure, _, rest = rule.name.partition(":")
    return measure, rest.split(":", 1)[0]


def judged_by(found: SelfTest, rules: Standard) -> Iterator[Judged]:
    """Judge a self-test by the rules of its criteria."""
    tested = [one.recipe for one in found.recipes if not one.refused]
    owners = {quantity: one for one in reversed(phantom_jobs.recipes()) for quantity in phantom_jobs.of(one).known}
    for rule in rules.rules.values():
        measure, quantity = parts_of(rule)
        recipe = owners.get(quantity, "")
        value: float | None = None
        note: Words = ""
        skipped: Words = ""
        if recipe and recipe not in tested:
            skipped = next((one.refused for one in found.recipes if one.recipe == recipe), "") or Text(
                "selftest.not_tested"
            )
        else:
            value, note, skipped = _found(found, rule, measure, quantity, recipe)
        check = editions.check_rule(rules, rule.name, value, method=rule.methods[0] if rule.methods else "", note=note)
        assert check is not None  # the method is one of the rule
        yield Judged(rule=rule.name, recipe=recipe, check=check, skipped=skipped)


def _found(found: SelfTest, rule: Rule, measure: str, quantity: str, recipe: str) -> tuple[float | None, Words, Words]:
    """Value to be judged, a note, and why there is none to be judged."""
    if measure in ("bias", "relative_bias", "coverage", "scatter", "slope"):
        one = next((one for one in found.quantities if one.quantity == quantity), None)
        wanted = [look for look in (one.looks if one else ()) if not rule.methods or look.look in rule.methods]
        drawn = {point.look for other in found.quantities for point in other.points if other.recipe == recipe}
        if one is None or not wanted:
            missed = bool(drawn) and rule.methods and not set(rule.methods) & drawn
            left = next((r for r in found.recipes if r.recipe == recipe), None)
            if missed:
                return None, "", Text("selftest.run_without_looks", looks=tuple(map(look_name, rule.methods)))
            if left is not None and not left.phantoms:
                return None, "", Text("selftest.nothing_measurable_here")
            return None, Text("selftest.no_phantom_result"), ""
        return (*_statistic(measure, wanted, one), "")
    match measure:
        case "smallest":
            own = [one for one in found.smallest if not rule.methods or one.look in rule.methods]
            if not own:
                return None, "", Text("selftest.no_pores_of_sizes")
            sizes = [one.diameter_px for one in own]
            known = [size for size in sizes if size is not None]
            return (max(known) if len(known) == len(sizes) and known else None), Text("selftest.worst_look"), ""
        case "tiles":
            tile = next((one for one in found.tiles if one.quantity == quantity), None)
            if tile is None or tile.values is None:
                return None, "", tile.skipped if tile is not None else Text("selftest.nothing_measurable")
            return abs(tile.values[1] - tile.values[0]), "", ""
        case "measured":
            drawn_, failed = (
                sum(x) for x in ([one.phantoms for one in found.recipes], [len(one.failed) for one in found.recipes])
            )
            return (
                _percent(drawn_ - failed, drawn_),
                _of(drawn_ - failed, drawn_),
                "" if drawn_ else Text("selftest.none_drawn"),
            )
        case "same":
            same, again = sum(one.same_masks for one in found.recipes), sum(one.masks_again for one in found.recipes)
            return _percent(same, again), _of(same, again), "" if again else Text("selftest.nothing_measured")
        case "worked":
            cases, passed = sum(one.cases for one in found.worked), sum(one.passed for one in found.worked)
            return _percent(passed, cases), _of(passed, cases), ""
        case "weights":
            weights = [file.intact for file in found.installation.files if file.kind == "weights"]
            return _percent(weights.count(True), len(weights)), _of(weights.count(True), len(weights)), ""
        case "files":
            files = found.installation.package_files
            if files is None:
                return None, "", Text("selftest.checkout")
            good = files - len(found.installation.changed_files)
            return _percent(good, files), _of(good, files), ""
        case _:
            if found.golden is None:
                return None, "", Text("selftest.no_golden")
            return worst_of(found.golden), text.plural(len(found.golden.rows), "result"), ""


def _statistic(measure: str, looks: Sequence[LookSummary], one: QuantityTest) -> tuple[float | None, Words]:
    match measure:
        case "bias":  # shown to be within the limit: the far end of its interval counts
            ends = [max(abs(end) for end in look.bias_ci95 or (look.bias,)) for look in looks]
            worst = looks[ends.index(max(ends))]
            return max(ends), _worst("selftest.far_end", worst)
        case "relative_bias":
            return _statistic("bias", [in_percent(one.points, look.look) for look in looks], one)
        case "coverage":  # not shown to be below the limit: the near end of its interval counts
            covered, stated = sum(look.covered for look in looks), sum(look.stated for look in looks)
            if not stated:
                return None, Text("selftest.no_interval")
            note = Text("selftest.intervals_held", covered=covered, stated=stated)
            return 100 * proportion_interval(covered, stated)[1], note
        case "scatter":
            names = {look.look for look in looks}
            points = [point for point in one.points if point.look in names]
            s, dof = repeatability(points)
            u = [point.u for point in points if point.u is not None]
            if s is None or not u or not any(u):
                return None, Text("selftest.no_scatter")
            return s / sqrt(fmean(value * value for value in u)), Text("selftest.degrees_of_freedom", dof=dof)
        case _:
            slopes = [(abs(look.slope - 1), look) for look in looks if look.slope is not None]
            if not slopes:
                return None, Text("selftest.too_few_for_slope")
            off, worst = max(slopes, key=lambda pair: pair[0])
            return 100 * off, _worst("selftest.worst_slope", worst)


def _worst(key: str, look: LookSummary) -> Words:
    return Text(key, look=look_name(look.look), phantoms=text.plural(look.n, "phantom"))


def _of(part: int, whole: int) -> Words:
    return Text("selftest.n_of", n=part, all=whole)


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None


def worst_of(part: GoldenPart) -> float | None:
    """Give the largest difference of a golden image, in tolerances; None without one."""
    ratios = []
    for row in part.rows:
        if row.within:
            ratios.append(abs(row.difference or 0.0) / row.tolerance if row.tolerance else 0.0)
        elif row.difference is None or not row.tolerance:
            return None
        else:
            ratios.append(abs(row.difference) / row.tolerance)
    return max(ratios, default=0.0)
