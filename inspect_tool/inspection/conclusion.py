"""From measured fields to the findings of a report; written once for a run, a check by hand and a verification.

Whatever changes a number after the recipe combined its fields, doubts it before a verdict, or tells what was done to
it, happens here and in this order, so that a report that is computed again goes the same way.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from inspect_tool.acceptance import plausibility, specs
from inspect_tool.acceptance.criteria import judged
from inspect_tool.errors import MeasurementError
from inspect_tool.evidence import edits
from inspect_tool.images import quality, specimen_area
from inspect_tool.inspection import lost_fields, supersede
from inspect_tool.languages import Text, joined
from inspect_tool.model import (
    Check,
    Conformity,
    Criteria,
    Editions,
    FieldMeasurement,
    Findings,
    Job,
    LostField,
    MicrographRecord,
    Report,
    Requirement,
    Statement,
    Table,
)
from inspect_tool.plugins import Recipe
from inspect_tool.referee import correction as referee
from inspect_tool.referee import ledger as hand_checks
from inspect_tool.referee.population import Population, population
from inspect_tool.report.build import IDENTIFICATION
from inspect_tool.validation import line
from inspect_tool.validation.values import Validation


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a job asks for: as a run plans it, or read again from what its report carries."""

    job: Job
    recipe: Recipe
    settings: object
    editions: Editions
    requirements: tuple[Requirement, ...]
    criteria: Criteria
    spec_files: tuple[specs.SpecFile, ...]
    ledger: tuple[edits.Entry, ...]  # corrections by hand
    refereed: hand_checks.Given | None  # answers of a person to a random sample
    samples: tuple[hand_checks.Entry, ...]  # ledger of such samples, and of the answers to them
    validation: Validation | None  # errors of the segmentation on labeled images
    replaced: Report | None  # the report that this one replaces


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """What the fields of a job gave, in the order of its images: on its images, or again on its kept masks."""

    fields: Sequence[FieldMeasurement]
    records: Sequence[MicrographRecord]
    steps: Sequence[Statement]  # that made labels answer the question
    seen: Sequence[Table]  # image quality
    stopped: bool  # the quality gate would stop an image of the job, which accepts it
    edited: Sequence[edits.Edited]  # what corrections by hand changed
    before: Mapping[int, FieldMeasurement | None]  # edited fields as the backend saw them, where that can be measured
    read: Callable[[str], bytes]  # gives a kept mask
    made_with: Mapping[str, object]  # settings of recipe and backend, from ``supersede.settings_of``
    lost: Sequence[LostField] = ()  # images that the job goes on without


def findings_of(asked: Asked, measured: Measured, correction: referee.Correction | None = None) -> Findings:
    """What a job finds, with all that was done to its numbers.

    Parameters
    ----------
    asked : Asked
    measured : Measured
    correction : Correction, optional
        What a person found at a random sample, see ``correction_of``.

    Raises
    ------
    MeasurementError
        What the recipe says.
    """
    findings = concluded(
        asked.recipe,
        measured.fields,
        asked.settings,
        asked.editions,
        [requirement.quantity for requirement in asked.requirements],
        asked.validation,
        correction,
        stopped=measured.stopped,
    )
    findings = replace(findings, checks=(*findings.checks, *specimen_area.checks(measured.records)))
    findings = edits.told(findings, _before_edits(asked, measured), measured.edited, asked.job.edit_cap)
    findings = supersede.told(findings, asked.replaced, asked.job.supersedes_reason, _issued(asked, measured, findings))
    return replace(
        findings,
        checks=(
            *findings.checks,
            *_doubted_fields(asked.job, measured),
            *lost_fields.checks(measured.lost, measured.records),
        ),
        statements=(
            *dict.fromkeys(measured.steps),
            *findings.statements,
            *_filled_in(asked.job),
            *_unproved(asked.job),
        ),
        tables=(*findings.tables, *measured.seen, *lost_fields.tables(measured.lost)),
    )


def _filled_in(job: Job) -> Iterator[Statement]:
    """Which items of the header nobody stated for this job."""
    if job.defaults is not None:
        labels = {item.field: item.label for item in IDENTIFICATION}
        items = joined(", ", [labels.get(name, name) for name in job.defaults.header])
        yield Statement(
            name=Text("inspection.of_defaults"),
            text=Text("inspection.of_defaults_text", lab=job.defaults.lab, items=items),
        )


def _unproved(job: Job) -> Iterator[Statement]:
    """That nobody had to prove who he or she is."""
    if job.single_user:
        yield Statement(name=Text("inspection.single_user"), text=Text("inspection.single_user_text"))


def verdicts(asked: Asked, measured: Measured, findings: Findings) -> tuple[Conformity, ...]:
    """Judge every requirement of a job for every specimen it is for."""
    return judged(asked.requirements, findings, [record.specimen for record in measured.records])


def population_of(asked: Asked, measured: Measured) -> Population:
    """What a random sample of a job is drawn from."""
    return population(
        asked.job.recipe,
        asked.recipe,
        asked.settings,
        asked.editions,
        measured.records,
        measured.read,
        asked.ledger,
    )


def correction_of(asked: Asked, measured: Measured) -> referee.Correction | None:
    """What the answers that a job names say of its results; None: it names none."""
    return None if asked.refereed is None else referee.corrected(population_of(asked, measured), asked.refereed)


def _before_edits(asked: Asked, measured: Measured) -> Findings | None:
    """What a job finds without its edits by hand; None where it has none, or that cannot be measured.

    Values only: without other segmentations the budgets lack a line.
    """
    if not measured.edited:
        return None
    fields = (measured.before.get(i, field) for i, field in enumerate(measured.fields))
    raw = [replace(field, alternatives={}) for field in fields if field is not None]
    if len(raw) < len(measured.fields):
        return None
    try:
        findings: Findings = asked.recipe.combine(raw, asked.settings, asked.editions)
    except MeasurementError:
        return None
    return findings


def _issued(asked: Asked, measured: Measured, findings: Findings) -> supersede.Issued:
    """What a new report says, as far as it is compared with the one it replaces."""
    return supersede.Issued(
        results=findings.results,
        conformities=verdicts(asked, measured, findings),
        images={record.sha256: record.image for record in measured.records},
        header=asked.job.header,
        standard=asked.editions.job.name,
        settings=measured.made_with,
        edits=supersede.edits_of(findings.tables),
    )


def _doubted_fields(job: Job, measured: Measured) -> list[Check]:
    """Doubts on specimens with fields in which what was found is too fine or blurred; none on masks of a person."""
    if any(record.segmentation["backend"] == "labels" for record in measured.records):
        return []
    specimens, limits = [record.specimen for record in measured.records], quality.limits_of(job, "job")
    return [doubt for table in measured.seen for doubt in quality.doubts(table, specimens, limits, job.accept)]


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
