"""The line of a budget that labeled images add: what the error of a segmentation is beyond what its method states."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp, log, sqrt
from statistics import median

import pandas as pd

from inspect_tool.acceptance import plausibility
from inspect_tool.languages import Text, joined, key_of
from inspect_tool.model import (
    Carried,
    Check,
    Component,
    Editions,
    FieldMeasurement,
    Findings,
    Result,
    Statement,
)
from inspect_tool.plugins import Recipe, carried_of
from inspect_tool.statistics.uncertainty import coverage_factor, evaluated, expanded
from inspect_tool.validation import conformal
from inspect_tool.validation.features import features_of
from inspect_tool.validation.reach import (
    KNOWN,
    Reach,
    Scale,
    distances_of,
    factors,
    half_width,
    kind_at,
    matching,
    space_of,
)
from inspect_tool.validation.values import DOUBTS_ALONE, SCHEMA, WITHOUT_GATE, Validation, all_parents, later

LINE = Text("budget.error_on_labeled_images")
STATEMENT = Text("validation.segmentation_error_title")

_OF_PIXELS = tuple(f"{part}_{step}_pixel" for part in ("void", "joint") for step in ("quarter", "half"))
OF_SEGMENTATION = frozenset(
    f"budget.{name}"
    for name in (
        *("segmentation", "boundaries_never_seen", "twins_left", "pore_edge", "smallest_size", "choice_of_the_largest"),
        *("void_edge", "joint_edge", *_OF_PIXELS, "faint_voids", "probability_of_joint", "probability_of_void"),
    )
)
"""Keys of lines that state a part of the error of a segmentation; what labeled images show holds them too."""

_FIRM = frozenset(f"budget.{name}" for name in ("pore_edge", *_OF_PIXELS))
"""Keys of lines that pixels make whatever the method; they never give way."""

_TELLS = 2.0  # factor from which on a result is said to tell little, and is none of page 1

_GUARDED = ("guarded", "guarded_binary", "non_binary")


def own_u(budget: Iterable[Component]) -> float:
    """Standard uncertainty that a method itself states for its segmentation, in the unit of the result."""
    return sqrt(sum(line.u**2 for line in budget if key_of(line.name, "budget") in OF_SEGMENTATION))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Alone:
    """What a field alone says of a quantity: all that is kept of its results, as a job may have thousands of fields."""

    value: float
    unit: str
    own_u: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    """One field of a job beside the labeled images."""

    results: Mapping[str, _Alone]  # by quantity, those that an error is known of
    doubted: frozenset[str]  # quantities
    kind: str  # group of labeled images that it is most like
    far: float  # distance to the labeled images over the usual one


def applied(
    findings: Findings,
    recipe: Recipe,
    fields: Sequence[FieldMeasurement],
    settings: object,
    editions: Editions,
    validation: Validation | None,
    *,
    stopped: bool = False,
) -> Findings:
    """Add the error on labeled images to the budgets that it reaches.

    Parameters
    ----------
    findings : Findings
        Of the recipe.
    recipe : Recipe
        ``CARRIED`` says which quantities the error reaches; a recipe without it is left as it is.
    fields : sequence of FieldMeasurement
        Without the features of the image (masks of a person, reports of before them) nothing is added or said.
    settings, editions
        Of the recipe.
    validation : Validation or None
        None: there is none for this backend as it is set; a statement says so.
    stopped : bool
        The quality gate would stop an image of the job, which accepts it.

    Returns
    -------
    Findings
        The errors of the fields of one specimen are taken to go the same way, so that many fields do not lessen them.
    """
    carried = carried_of(recipe)
    if not carried or not all(features_of(field) for field in fields):
        return findings
    if validation is None:
        return replace(findings, statements=(*findings.statements, Statement(name=STATEMENT, text=_NONE)))
    widened: dict[tuple[str, str], Result] = {}
    checks: list[Check] = []
    known = space_of(validation)
    usual = conformal.usual_distance(known, all_parents(validation))
    for specimen in dict.fromkeys(field.specimen for field in fields):
        reached = [
            (result, *found)
            for result in findings.results
            if result.specimen == specimen
            and result.budget
            and (found := _reaching(carried, result.quantity)) is not None
        ]
        wanted = {of for _, _, of in reached}
        mine = [
            _beside(one, recipe.combine([_apart(one)], settings, editions), wanted, validation, known, usual)
            for one in fields
            if one.specimen == specimen
        ]
        far = median(one.far for one in mine)  # one field in twenty lies beyond the limit by chance
        reaches = {of: _reaches(carry, of, mine, validation, far=far > 1, stopped=stopped) for _, carry, of in reached}
        made = [
            _with_line(result, carry, reaches[of], validation, far=far > 1)
            for result, carry, of in reached
            if reaches[of]
        ]
        widened |= {(specimen, result.quantity): result for result in made}
        if made:
            checks.append(_distance(specimen, far, tuple(result.quantity for result in made)))
    ratios = {
        quantity for quantity, carry in carried.items() if carry.relative and later(validation.schema, DOUBTS_ALONE)
    }
    untold = {key: one for key, one in widened.items() if key[1] in ratios and _factor(one) >= _TELLS}
    warnings = [
        Text("validation.warning_images_unlike_labeled", specimen=check.specimen, far=check.value)
        for check in checks
        if not check.passed
    ]
    for specimen in dict.fromkeys(result.specimen for result in untold.values()):
        named = [
            Text("validation.factor_of_result", name=result.title or result.quantity, factor=_factor(result))
            for result in untold.values()
            if result.specimen == specimen
        ]
        warnings.append(Text("validation.warning_tells_little", specimen=specimen, results=joined("; ", named)))
    widened |= {key: replace(result, main=False) for key, result in untold.items()}
    left = [
        result.title or result.quantity
        for result in findings.results
        if (result.specimen, result.quantity) not in widened
    ]
    return replace(
        findings,
        results=tuple(widened.get((result.specimen, result.quantity), result) for result in findings.results),
        checks=(*findings.checks, *checks),
        warnings=(*findings.warnings, *warnings),
        statements=(*findings.statements, Statement(name=STATEMENT, text=_told(validation, left))),
    )


_NONE = Text("validation.segmentation_not_validated")


def _apart(field: FieldMeasurement) -> FieldMeasurement:
    """A field with a table of its own that is gone with it.

    A table remembers where views of it were, hundreds of them after they are gone: for each of thousands of fields that
    is more than what they hold.
    """
    made, index = field.features.copy(), field.features.index
    if isinstance(index, pd.RangeIndex):
        made.index = pd.RangeIndex(index.start, index.stop, index.step)
    else:
        made.index = index.copy(deep=True)
    return replace(field, features=made)


def _beside(
    field: FieldMeasurement,
    alone: Findings,
    wanted: Collection[str],
    validation: Validation,
    known: conformal.Space,
    usual: float,
) -> _Field:
    found = [result for result in alone.results if result.quantity in wanted]
    away = distances_of(known, validation, features_of(field))
    nearest = float(away.min())
    return _Field(
        results={
            one.quantity: _Alone(value=one.value, unit=one.unit, own_u=own_u(one.budget), n=one.n) for one in found
        },
        doubted=frozenset(one.quantity for one in found if is_judged_apart(one, alone.checks, validation.schema)),
        kind=kind_at(validation, away),
        far=nearest / usual if usual > 0 else float(nearest > 0) * 2,
    )


def is_judged_apart(result: Result, checks: Iterable[Check], schema: str = SCHEMA) -> bool:
    """Whether a recipe itself doubts a result, or its own interval, without labeled images, reaches to zero."""
    doubted = any(plausibility.doubts(check, result.quantity) for check in checks)
    return doubted or (later(schema, DOUBTS_ALONE) and plausibility.reaches_zero(result))


def objects_of(result: Result, carried: Mapping[str, Carried]) -> int:
    """Objects that a number of objects rests on; 0: the quantity is no such number."""
    counted = any(carry.counted and matching(carry.of, result.quantity) is not None for carry in carried.values())
    return result.n if counted else 0


def _reaching(carried: Mapping[str, Carried], quantity: str) -> tuple[Carried, str] | None:
    """How an error reaches a quantity, and the quantity of a field that the error is of; None: it does not."""
    for pattern, carry in carried.items():
        name = matching(pattern, quantity)
        if name is not None:
            return carry, f"{carry.of[:-1]}{name}" if carry.of.endswith(".*") else carry.of
    return None


def scale_of(carry: Carried, unit: str, schema: str = SCHEMA) -> Scale:
    """What errors of the quantity are measured in that an error is known of, which has this unit."""
    if carry.relative:
        return "count" if carry.counted and later(schema, DOUBTS_ALONE) else "ratio"
    return "share" if unit == "%" else "difference"


def _reaches(
    carry: Carried, of: str, mine: Sequence[_Field], validation: Validation, *, far: bool, stopped: bool
) -> list[Reach]:
    """How far every field of a specimen errs that has the quantity ``of``, where labeled images have it too."""
    found = (
        half_width(
            validation,
            carry.of,
            alone.value,
            alone.own_u,
            scale=scale_of(carry, alone.unit, validation.schema),
            doubted=of in one.doubted,
            kind=one.kind,
            far=far,
            stopped=stopped,
            n=alone.n,
        )
        for one in mine
        if (alone := one.results.get(of)) is not None and (alone.value > 0 or not carry.relative)
    )
    return [reach for reach in found if reach is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Width:
    """How far the segmentation of a result errs, all fields together. Of a ratio the wider side, which is upward."""

    told: float  # half width that the labeled images tell, in the unit of the result
    coverage: float  # with this probability, at least [1]
    wide: float  # half width for 95 %
    confirmed: bool  # it is what the method states, for every field


def _width(result: Result, carry: Carried, reaches: Sequence[Reach], stated: float) -> _Width:
    """Half width of a result; from what few parents tell it goes to 95 % as that of a normal distribution does."""
    ranked = [reach.coverage for reach in reaches if not reach.as_stated]
    as_normal = coverage_factor(None, min(ranked)) if ranked else coverage_factor(None)

    def whole(widths: Sequence[float]) -> float:
        one = carry.factor * (max(widths) if carry.over == "largest" else sum(widths) / len(widths))
        if carry.relative:
            return one
        return one * (1.0 if result.unit in ("%", "G") else abs(result.value))

    told = whole([reach.half_width for reach in reaches])
    alike = [reach.half_width * (as_normal / coverage_factor(None) if reach.as_stated else 1.0) for reach in reaches]
    wide = whole(alike) * coverage_factor(None) / as_normal
    if carry.relative:  # what a method states itself is no ratio
        told, wide = (abs(result.value) * (exp(one) - 1 if ranked else one) for one in (told, wide))
    elif result.unit == "%":  # the truth is a share too
        told, wide = (min(one, max(result.value, 100 - result.value)) for one in (told, wide))
    return _Width(
        told=told,
        coverage=min(reach.coverage for reach in reaches),
        wide=max(wide, stated) if len(ranked) < len(reaches) else wide,
        confirmed=not ranked,
    )


def _with_line(
    result: Result, carry: Carried, reaches: Sequence[Reach], validation: Validation, *, far: bool
) -> Result:
    """A result with its line."""
    stated = expanded(line for line in result.budget if key_of(line.name, "budget") in OF_SEGMENTATION)
    width = _width(result, carry, reaches, stated)
    firm = frozenset() if validation.schema == WITHOUT_GATE else _FIRM
    loose = OF_SEGMENTATION - firm if width.coverage >= KNOWN and not far else frozenset()
    narrower = _narrowing(result.budget, width.wide, loose)
    told = Text("validation.basis_method_states", stated=stated)
    told = told if narrower < 1 else Text("validation.basis_less_segmentation", stated=stated)
    missing = width.wide**2 - stated**2
    line = Component(
        name=LINE,
        u=sqrt(missing) / coverage_factor(None) if missing > 1e-12 * stated**2 else 0.0,
        kind="B",
        basis=_basis(validation, width, result, carry) + told,
    )
    budget = (_narrowed(one, narrower) if key_of(one.name, "budget") in loose else one for one in result.budget)
    made = evaluated(replace(result, budget=(*budget, line), interval=None))
    if result.interval is None or made.interval is None:
        return made
    scale = scale_of(carry, result.unit, validation.schema)
    low, high = _sides(result, made, stated, scale) if carry.relative else made.interval
    if narrower == 1:  # an interval that a recipe has drawn to one side keeps what it holds
        low, high = min(result.interval[0], low), max(result.interval[1], high)
    if result.unit == "%":
        low, high = max(low, 0.0), min(high, 100.0)
    return replace(made, interval=(low, max(min(high, carry.most), made.value)))


def _sides(before: Result, made: Result, stated: float, scale: Scale) -> tuple[float, float]:
    """Interval by an error that is a ratio, which reaches farther upward than downward.

    ``stated``: half width of the lines of the segmentation in the interval of before, in the place of which it comes.
    A number of objects lies as far below as above by its root.
    """
    assert before.interval is not None
    low, high = before.interval
    value = made.value
    below, above = factors(log(_factor(made)), scale)
    downward, upward = value * (1 - below), value * (above - 1)
    down, up = (
        sqrt(max(side**2 - stated**2, 0.0) + own**2) for side, own in ((value - low, downward), (high - value, upward))
    )
    return max(value - down, 0.0), value + up


def _factor(result: Result) -> float:
    """Factor, upward, that the lines of the segmentation and that of labeled images together make of a ratio."""
    lines = (line for line in result.budget if line.name == LINE or key_of(line.name, "budget") in OF_SEGMENTATION)
    return 1 + expanded(lines) / result.value if result.value > 0 else 1.0


def _basis(validation: Validation, width: _Width, result: Result, carry: Carried) -> str:
    parents = len(set(all_parents(validation)))
    alike = round(width.coverage / (1 - width.coverage))
    text = Text(
        "validation.basis_labeled_images",
        n_fields=len(validation.fields),
        parents=parents,
        name=validation.name,
        person=validation.person,
        date=str(validation.date),
    )
    if width.confirmed:
        return text + (
            Text(
                "validation.basis_half_width_kept",
                wide=width.wide,
                unit=result.unit,
                alike=alike,
                alike_2=alike + 1,
            )
        )
    if carry.relative:
        factor, wide = (1 + half / abs(result.value) for half in (width.told, width.wide))
        counted = scale_of(carry, result.unit, validation.schema) == "count"
        how = "validation.basis_number_conformal" if counted else "validation.basis_factor_conformal"
        text += Text(how, factor=factor, coverage=100 * width.coverage)
    else:
        wide = width.wide
        text += Text(
            "validation.basis_half_width_conformal",
            told=width.told,
            unit=result.unit,
            coverage=100 * width.coverage,
        )
    if width.coverage < result.coverage:
        text += Text("validation.basis_half_width_widened", alike=alike, wide=wide)
    return text


def _narrowing(budget: Iterable[Component], wide: float, loose: Collection[str]) -> float:
    """Factor of the lines that may give way, so that all of the segmentation together reach no farther than ``wide``.

    The others stay, also where they alone reach farther.
    """
    of_segmentation = [line for line in budget if key_of(line.name, "budget") in OF_SEGMENTATION]
    yields = expanded(line for line in of_segmentation if key_of(line.name, "budget") in loose)
    stays = expanded(line for line in of_segmentation if key_of(line.name, "budget") not in loose)
    return min(sqrt(max(wide**2 - stays**2, 0.0)) / yields, 1.0) if yields > 0 else 1.0


def _narrowed(line: Component, factor: float) -> Component:
    """A line of the segmentation as far as the errors on labeled images bear it out."""
    if factor == 1:
        return line
    basis = Text("validation.basis_segmentation_narrowed", factor=factor, u=line.u, basis=line.basis)
    return replace(line, u=factor * line.u, basis=basis)


def _distance(specimen: str, far: float, quantities: tuple[str, ...]) -> Check:
    made = plausibility.check(
        Text("validation.check_distance_to_labeled"),
        far,
        "<=",
        1.0,
        "1",
        clause=Text("validation.clause_distance_to_labeled"),
        specimen=specimen,
        advice=Text("validation.advice_not_validated"),
        quantities=quantities,
    )
    return replace(made, rules=_GUARDED)


def _told(validation: Validation, left: Sequence[str]) -> str:
    sources = joined(
        "; ",
        (
            Text("validation.segmentation_error_source", name=source.name, images=source.images, licence=source.licence)
            for source in validation.sources
        ),
    )
    parents = len(set(all_parents(validation)))
    text = Text(
        "validation.segmentation_error_text",
        name=validation.name,
        n_fields=len(validation.fields),
        parents=parents,
        person=validation.person,
        date=str(validation.date),
        sources=sources,
    )
    if parents < 19:
        text += Text("validation.parents_too_few", parents=parents, parents_2=100 * parents / (parents + 1))
    if validation.note:
        text += f" {validation.note}"
    if left:
        text += Text("validation.results_not_validated", left=tuple(dict.fromkeys(left)))
    return text
