"""What a validation says: the error of every image, and how wide the intervals are and how often they hold."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import exp, log
from statistics import median

from inspect_tool import registry
from inspect_tool.model import Table
from inspect_tool.plugins import carried_of
from inspect_tool.statistics.uncertainty import coverage_factor
from inspect_tool.validation.line import scale_of
from inspect_tool.validation.reach import RATIOS, Reach, Scale, factors, half_width, kind_of, matching
from inspect_tool.validation.values import Validation, parent_of

_ROUNDED = 1e-9  # that an exponential of a logarithm is off at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Errors of one quantity, each image judged by the images of other parents."""

    quantity: str
    scale: Scale  # of ``RATIOS`` the numbers below are logarithms
    images: int
    parents: int
    bias: float  # median of machine less truth
    size: float  # median of its absolute value
    held: int  # images whose error lies within the half width
    half_width: float  # median over images
    coverage: float  # that the half widths claim, at least [1]
    own_held: int  # images whose error lies within what the method states itself, at 95 %


def summaries(validation: Validation, *, doubted: bool | None = None) -> tuple[Summary, ...]:
    """Judge every image by those of other parents; a quantity with images of one parent only is left out.

    ``doubted``: only of the images of which the recipe doubts the quantity, or does not.
    """
    names = dict.fromkeys(name for field in validation.fields for name in field.errors)
    return tuple(found for name in names if (found := _summary(validation, name, doubted)) is not None)


def _summary(validation: Validation, quantity: str, doubted: bool | None) -> Summary | None:
    scale = _scale(validation, quantity)
    mine = [
        field
        for field in validation.fields
        if (error := field.errors.get(quantity)) is not None
        and (scale not in RATIOS or (error.machine > 0 and error.truth > 0))
        and (scale != "count" or error.n > 0)
    ]
    asked = [field for field in mine if doubted in (None, field.errors[quantity].doubted)]
    parents = {parent_of(field) for field in asked}
    if len(parents) < 2:
        return None
    bounds, errors, own = [], [], []
    for field in asked:
        error = field.errors[quantity]
        others = replace(validation, fields=tuple(other for other in mine if parent_of(other) != parent_of(field)))
        bound = half_width(
            others,
            quantity,
            error.machine,
            error.own_u,
            scale=scale,
            doubted=error.doubted,
            kind=kind_of(others, field.features),
            far=False,
            stopped=field.stopped,
            n=error.n,
        )
        assert bound is not None  # the others have the quantity
        bounds.append(bound)
        errors.append(log(error.machine / error.truth) if scale in RATIOS else error.machine - error.truth)
        own.append(abs(error.machine - error.truth) <= coverage_factor(None) * error.own_u)
    return Summary(
        quantity=quantity,
        scale=scale,
        images=len(asked),
        parents=len(parents),
        bias=median(errors),
        size=median(abs(error) for error in errors),
        held=sum(_held(error, bound, scale) for error, bound in zip(errors, bounds, strict=True)),
        half_width=median(bound.half_width for bound in bounds),
        coverage=min(bound.coverage for bound in bounds),
        own_held=sum(own),
    )


def _held(error: float, bound: Reach, scale: Scale) -> bool:
    """Whether a half width reaches the truth; errors are machine less truth, of ``RATIOS`` the logarithm."""
    if scale not in RATIOS:
        return abs(error) <= bound.half_width
    below, above = factors(bound.half_width, scale)
    return below * (1 - _ROUNDED) <= exp(-error) <= above * (1 + _ROUNDED)


def _scale(validation: Validation, quantity: str) -> Scale:
    """What errors of a quantity are measured in, by the recipe."""
    unit = "%" if quantity.split(".")[0].endswith("percent") else ""
    for carry in carried_of(registry.load("recipe", validation.recipe)).values():
        if matching(carry.of, quantity) is not None:
            return scale_of(carry, unit, validation.schema)
    return "share" if unit else "difference"


def tables(validation: Validation) -> tuple[Table, Table]:
    """The errors image by image, and what follows from them."""
    columns = ("Image", "Parent", "Quantity", "Machine", "Truth", "Error", "Own U (95 %)")
    each = Table(title="Errors", columns=columns, rows=tuple(_rows(validation)))
    whole = Table(
        title="Each image judged by those of other parents",
        columns=(
            *("Quantity", "Images", "Parents", "Median error", "Median size", "Half width"),
            *("Claimed [%]", "Held [%]", "Held by the method's own U [%]"),
        ),
        rows=tuple(
            (
                f"{one.quantity}{among}",
                one.images,
                one.parents,
                *_printed(one),
                f"{100 * one.coverage:.3g}",
                f"{100 * one.held / one.images:.3g}",
                f"{100 * one.own_held / one.images:.3g}",
            )
            for among, one in _groups(validation)
        ),
    )
    return each, whole


def _groups(validation: Validation) -> Iterator[tuple[str, Summary]]:
    """All images, then those that are not doubted and those that are, where there are both."""
    whole = summaries(validation)
    yield from (("", one) for one in whole)
    images = {one.quantity: one.images for one in whole}
    for name, doubted in ((", not doubted", False), (", doubted", True)):
        some = summaries(validation, doubted=doubted)
        yield from ((name, one) for one in some if one.images < images[one.quantity])


def _printed(one: Summary) -> tuple[str, str, str]:
    """Median error, its median size and the half width; of a ratio as factors."""
    if one.scale in RATIOS:
        return f"× {exp(one.bias):.3g}", f"×÷ {exp(one.size):.3g}", f"×÷ {exp(one.half_width):.3g}"
    return f"{one.bias:+.3g}", f"{one.size:.3g}", f"{one.half_width:.3g}"


def _rows(validation: Validation) -> Iterator[tuple[str, ...]]:
    for field in validation.fields:
        for quantity, error in field.errors.items():
            numbers = (error.machine, error.truth)
            yield (
                *(field.image, field.parent, quantity),
                *(f"{number:.4g}" for number in numbers),
                f"{error.machine - error.truth:+.3g}",
                f"{coverage_factor(None) * error.own_u:.3g}",
            )
