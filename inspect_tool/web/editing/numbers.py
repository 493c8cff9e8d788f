"""The main results of one field alone, as its labels are and as a draft would make them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from inspect_tool import registry
from inspect_tool.errors import InspectError
from inspect_tool.inspection import one_field
from inspect_tool.measure.recall import Recall
from inspect_tool.model import Result, no_alternatives
from inspect_tool.report.text import unit
from inspect_tool.web.editing.fields import Field


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A result before and after; None: it cannot be measured."""

    title: str
    unit: str
    before: float | None
    after: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """Main results of one field."""

    results: tuple[Result, ...] = ()
    fault: str = ""  # why there are none


def of(field: Field, labels: NDArray[np.int32], recall: Recall) -> Numbers:
    """Measure labels of a field with the recipe of its job, that field alone and without other segmentations.

    ``recall`` holds what is known of the field; the labels must not be changed afterwards.
    """
    assert field.measured is not None
    planned = field.planned
    segmentation = replace(field.measured.present.current, labels=labels, alternatives=no_alternatives)
    recipe = registry.load("recipe", planned.job.recipe)
    try:
        _, measurement, _ = one_field.measured_labels(
            planned.job.recipe, field.micrograph, segmentation, planned.settings, planned.editions, recall
        )
        found = recipe.combine([measurement], planned.settings, planned.editions).results
    except InspectError as error:
        return Numbers(fault=str(error))
    return Numbers(results=tuple(one for one in found if one.main))


def changes(before: Numbers, after: Numbers) -> tuple[Change, ...]:
    """Put results of one field beside each other, in the order of the recipe."""
    pairs = (_by_quantity(before.results), _by_quantity(after.results))
    return tuple(
        Change(
            title=str(shown.title or shown.quantity),
            unit="" if shown.unit == "1" else unit(shown.unit),
            before=pairs[0][key].value if key in pairs[0] else None,
            after=pairs[1][key].value if key in pairs[1] else None,
        )
        for key, shown in {**pairs[0], **pairs[1]}.items()
    )


def _by_quantity(results: Sequence[Result]) -> dict[tuple[str, str], Result]:
    return {(one.quantity, one.specimen): one for one in results}
