"""The line of a budget that labelled images add: what the error of a segmentation is beyond what its method states."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log, sqrt
from types import ModuleType
from typing import Any

from inspect_tool import plausibility
from inspect_tool.model import (
    Carried,
    Check,
    Component,
    FieldMeasurement,
    Findings,
    Result,
    Standard,
    Statement,
)
from inspect_tool.uncertainty import coverage_factor, evaluated, expanded
from inspect_tool.validation import conformal
from inspect_tool.validation.features import features_of
from inspect_tool.validation.values import Validation, all_parents, parent_of

LINE = "error on labelled images"
STATEMENT = "Error of the segmentation on real images"

OF_SEGMENTATION = frozenset(
    {
        "segmentation",
        "boundaries never seen",
        "twins left",
        "pore edge",
        "smallest size",
        "choice of the largest",
        *(f"{part} {what}" for part in ("void", "joint") for what in ("edge", "quarter pixel", "half pixel")),
        "faint voids",
    }
)
"""Names of lines that state a part of the error of a segmentation; what labelled images show holds them too."""

_LEAST_U = 1e-3  # in points or G: below it a method states no error
_GUARDED = ("guarded", "guarded_binary", "non_binary")


def own_u(budget: Iterable[Component]) -> float:
    """Standard uncertainty that a method itself states for its segmentation, in the unit of the result."""
    return sqrt(sum(line.u**2 for line in budget if line.name in OF_SEGMENTATION))


def matching(pattern: str, quantity: str) -> str | None:
    """Class that a quantity has where a pattern has ``*``, empty where both are the same name; None: no match.

    >>> matching("area_percent.*", "area_percent.ferrite"), matching("porosity_percent", "porosity_percent")
    ('ferrite', '')
    """
    if pattern.endswith(".*"):
        return quantity[len(pattern) - 1 :] if quantity.startswith(pattern[:-1]) else None
    return "" if pattern == quantity else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    """One field of a job beside the labelled images."""

    results: Mapping[str, Result]  # of the field alone
    features: Mapping[str, float]
    far: float  # distance to the labelled images over the usual one


def applied(
    findings: Findings,
    recipe: ModuleType,
    fields: Sequence[FieldMeasurement],
    settings: Any,
    standard: Standard,
    validation: Validation | None,
) -> Findings:
    """Add the error on labelled images to the budgets that it reaches.

    Parameters
    ----------
    findings : Findings
        Of the recipe.
    recipe : ModuleType
        ``CARRIED`` says which quantities the error reaches; a recipe without it is left as it is.
    fields : sequence of FieldMeasurement
        Without the features of the image (masks of a person, reports of before them) nothing is added or said.
    settings, standard
        Of the recipe.
    validation : Validation or None
        None: there is none for this backend as it is set; a statement says so.

    Returns
    -------
    Findings
        The errors of the fields of one specimen are taken to go the same way, so that many fields do not lessen them.
    """
    carried: Mapping[str, Carried] = getattr(recipe, "CARRIED", {})
    if not carried or not all(features_of(field) for field in fields):
        return findings
    if validation is None:
        return replace(findings, statements=(*findings.statements, Statement(name=STATEMENT, text=_NONE)))
    beside = [_beside(field, recipe, settings, standard, validation) for field in fields]
    results: list[Result] = []
    checks: list[Check] = []
    reached: dict[str, list[str]] = {}
    for result in findings.results:
        mine = [one for field, one in zip(fields, beside, strict=True) if field.specimen == result.specimen]
        made = _with_line(result, carried, mine, validation)
        results.append(made)
        if made is not result:
            reached.setdefault(result.specimen, []).append(result.quantity)
    for specimen, quantities in reached.items():
        far = max(one.far for field, one in zip(fields, beside, strict=True) if field.specimen == specimen)
        checks.append(_distance(specimen, far, tuple(quantities)))
    warnings = [_FAR.format(specimen=check.specimen, far=check.value) for check in checks if not check.passed]
    known = {quantity for quantities in reached.values() for quantity in quantities}
    left = [result.quantity for result in findings.results if result.quantity not in known]
    return replace(
        findings,
        results=tuple(results),
        checks=(*findings.checks, *checks),
        warnings=(*findings.warnings, *warnings),
        statements=(*findings.statements, Statement(name=STATEMENT, text=_told(validation, left))),
    )


_NONE = (
    "not validated on labelled real images with this backend as it is set: the budgets hold what the image and other "
    "segmentations of it tell, and no error that all of them share"
)
_FAR = (
    "Specimen {specimen}: its images are unlike all that were labelled ({far:.2g} times the usual distance): the error "
    "of the segmentation is that of the group it failed most on, and no rule with a guard band is passed. Check the "
    "number by hand, or validate with images of this kind."
)


def _beside(
    field: FieldMeasurement, recipe: ModuleType, settings: Any, standard: Standard, validation: Validation
) -> _Field:
    alone: Findings = recipe.combine([field], settings, standard)
    features = features_of(field)
    names = sorted(validation.fields[0].features)
    known = [[one.features[name] for name in names] for one in validation.fields]
    found = conformal.distance(known, all_parents(validation), [features.get(name, 0.0) for name in names])
    return _Field(
        results={result.quantity: result for result in alone.results},
        features=features,
        far=found.value / found.limit if found.limit > 0 else float(found.value > 0) * 2,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Labelled:
    """The labelled values of one quantity."""

    errors: tuple[float, ...]
    terms: tuple[tuple[float, ...], ...]
    parents: tuple[str, ...]
    groups: tuple[str, ...]


def _labelled(validation: Validation, of: str, percent: bool) -> _Labelled:
    rows = [
        (field, error)
        for field in validation.fields
        for quantity, error in field.errors.items()
        if matching(of, quantity) is not None
    ]
    return _Labelled(
        errors=tuple(error.machine - error.truth for _, error in rows),
        terms=tuple(terms(error.machine, error.own_u, field.features, percent=percent) for field, error in rows),
        parents=tuple(parent_of(field) for field, _ in rows),
        groups=tuple(field.group for field, _ in rows),
    )


def terms(value: float, own: float, features: Mapping[str, float], *, percent: bool) -> tuple[float, ...]:
    """What the error of a segmentation may grow with, as logarithms.

    The uncertainty that the method states itself; how far the share of a simple gray level lies off; little contrast;
    blurred outlines; and of shares √(p (1 - p)), as none can err at 0 or 100 %.
    """
    found = [
        log(max(own, _LEAST_U)),
        features.get("disagreement", 0.0),
        -features.get("contrast", 0.0),
        -features.get("sharpness", 0.0),
    ]
    if percent:
        share = min(max(value, 0.01), 99.99)
        found.append(0.5 * log(share * (100 - share)))
    return tuple(found)


def half_width(
    validation: Validation,
    of: str,
    value: float,
    own: float,
    features: Mapping[str, float],
    *,
    percent: bool,
    far: bool,
) -> conformal.Bound | None:
    """Half width of the error of one field, in the unit of the quantity; None: no labelled image has it.

    Parameters
    ----------
    validation : Validation
        The labelled images.
    of : str
        Quantity or pattern that the errors are known of.
    value, own : float
        The quantity of this field alone, and the standard uncertainty of its segmentation by its own method.
    features : mapping
        Of its image.
    percent : bool
        The quantity is a share.
    far : bool
        It is unlike the labelled images: no less than what the group needs that the backend failed most on.
    """
    known = _labelled(validation, of, percent)
    if not known.errors:
        return None
    at = terms(value, own, features, percent=percent)
    found = conformal.half_width(known.errors, known.terms, known.parents, at)
    if not far:
        return found
    widest = found.half_width
    for group in dict.fromkeys(known.groups):
        rows = [i for i, name in enumerate(known.groups) if name == group]
        sizes, weights = [abs(known.errors[i]) for i in rows], conformal.weights_of([known.parents[i] for i in rows])
        widest = max(widest, conformal.quantile(sizes, weights).half_width)
    return replace(found, half_width=widest)


def _with_line(
    result: Result, carried: Mapping[str, Carried], mine: Sequence[_Field], validation: Validation
) -> Result:
    """A result with its line; itself where the error does not reach it."""
    found = next(
        (
            (carry, name)
            for pattern, carry in carried.items()
            if (name := matching(pattern, result.quantity)) is not None
        ),
        None,
    )
    if found is None or not result.budget:
        return result
    carry, name = found
    of = f"{carry.of[:-1]}{name}" if carry.of.endswith(".*") else carry.of
    bounds = [
        bound
        for one in mine
        if (alone := one.results.get(of)) is not None
        and (
            bound := half_width(
                validation,
                carry.of,
                alone.value,
                own_u(alone.budget),
                one.features,
                percent=alone.unit == "%",
                far=one.far > 1,
            )
        )
        is not None
    ]
    if not bounds:
        return result
    widths = [bound.half_width for bound in bounds]
    coverage = min(bound.coverage for bound in bounds)
    whole = carry.factor * (max(widths) if carry.over == "largest" else sum(widths) / len(widths))
    whole *= 1.0 if result.unit in ("%", "G") else abs(result.value)
    wide = whole * coverage_factor(None) / coverage_factor(None, coverage)
    stated = expanded(line for line in result.budget if line.name in OF_SEGMENTATION)
    parents = len(set(all_parents(validation)))
    basis = (
        f"{len(validation.fields)} labelled images of {parents} parents ({validation.name}, {validation.person}, "
        f"{validation.date}): half width {whole:.3g} {result.unit} for {100 * coverage:.3g} % by split "
        "conformal prediction"
    )
    if coverage < result.coverage:
        basis += f", all that {parents} parents permit; widened to {wide:.3g} as a normal distribution would be"
    basis += f"; less the ± {stated:.3g} of the lines of the segmentation"
    line = Component(name=LINE, u=sqrt(max(wide**2 - stated**2, 0.0)) / coverage_factor(None), kind="B", basis=basis)
    made = evaluated(replace(result, budget=(*result.budget, line), interval=None))
    if result.interval is None or made.interval is None:
        return made
    # an interval that a recipe has drawn to one side keeps what it holds
    return replace(
        made, interval=(min(result.interval[0], made.interval[0]), max(result.interval[1], made.interval[1]))
    )


def _distance(specimen: str, far: float, quantities: tuple[str, ...]) -> Check:
    made = plausibility.check(
        "Distance to the labelled images",
        far,
        "<=",
        1.0,
        "1",
        clause="rule of this toolkit: 95 % of the labelled images lie nearer to one of another parent",
        specimen=specimen,
        advice="not validated on images of this kind",
        quantities=quantities,
    )
    return replace(made, rules=_GUARDED)


def _told(validation: Validation, left: Sequence[str]) -> str:
    sources = "; ".join(f"{source.name} ({source.images} images, {source.licence})" for source in validation.sources)
    parents = len(set(all_parents(validation)))
    text = (
        f"{validation.name}: {len(validation.fields)} labelled images of {parents} parents, {validation.person}, "
        f"{validation.date}. Images: {sources}."
    )
    if parents < 19:
        text += f" {parents} parents tell {100 * parents / (parents + 1):.3g} % of such errors, 19 are needed for 95 %."
    if validation.note:
        text += f" {validation.note}"
    if left:
        text += f" Not validated: {', '.join(dict.fromkeys(left))}."
    return text
