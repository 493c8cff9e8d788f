"""From measured fields to the findings that a verdict may rest on; written once for a run and for its verification.

Whatever changes a number after the recipe combined its fields, or doubts it before a verdict, happens here and in this
order, so that a report that is computed again goes the same way.
"""

from collections.abc import Iterable, Sequence

from inspect_tool.acceptance import plausibility
from inspect_tool.model import Editions, FieldMeasurement, Findings
from inspect_tool.plugins import Recipe
from inspect_tool.referee import correction as referee
from inspect_tool.validation import line
from inspect_tool.validation.values import Validation


def concluded(
    recipe: Recipe,
    fields: Sequence[FieldMeasurement],
    settings: object,
    editions: Editions,
    asked: Iterable[str] = (),
    validation: Validation | None = None,
    correction: referee.Correction | None = None,
    *,
    stopped: bool = False,
) -> Findings:
    """Combine the fields of a job, correct them by hand where a person did, and ask whether they can be believed.

    Parameters
    ----------
    recipe : Recipe
        Recipe of the job.
    fields : sequence of FieldMeasurement
        In the order of the images.
    settings : Any
        Settings of the recipe.
    editions : Editions
        That of the job, and those that the recipe draws on beside it.
    asked : iterable of str
        Quantities of requirements; they are doubted like those on page 1.
    validation : Validation, optional
        Errors of the segmentation on labeled images.
    correction : Correction, optional
        What a person found at a random sample of points: it replaces the results that it is for.
    stopped : bool
        The quality gate would stop an image of the job, which accepts it.

    Raises
    ------
    MeasurementError
        What the recipe says.
    """
    findings: Findings = recipe.combine(fields, settings, editions)
    findings = line.applied(findings, recipe, fields, settings, editions, validation, stopped=stopped)
    return plausibility.gated(referee.applied(findings, correction), asked)
