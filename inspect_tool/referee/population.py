"""The fields of a measured job as the population that a sample is drawn from, read back from their kept masks."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from inspect_tool import edits, evidence, question
from inspect_tool.errors import MeasurementError
from inspect_tool.model import MicrographRecord, PointClass
from inspect_tool.referee import design, regions
from inspect_tool.referee.ledger import Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """What is known of the fields of a job before a person looks."""

    recipe: str
    classes: tuple[PointClass, ...]
    areas: tuple[design.Area, ...]
    fields: tuple[str, ...]  # SHA-256 of the image and the strata of every field


def strata_of_field(
    name: str,
    recipe: ModuleType,
    settings: Any,
    record: MicrographRecord,
    read: Callable[[str], bytes],
    ledger: Sequence[edits.Entry],
) -> tuple[regions.Strata, tuple[PointClass, ...]]:
    """Cut one field into strata by its kept masks, corrections by hand included.

    Raises
    ------
    MeasurementError
        The recipe has nothing that points could correct, too many classes, or the masks were not kept.
    """
    if not hasattr(recipe, "point_classes"):
        msg = f"recipe {name}: has no area share that a person could correct by points"
        raise MeasurementError(msg)
    if record.evidence is None or record.evidence.gap:
        why = record.evidence.gap if record.evidence is not None else "the masks were not kept"
        msg = f"{record.image}: no sample can be drawn: {why}"
        raise MeasurementError(msg)
    micrograph, raw, others = evidence.field(record, read)
    corrected = edits.applied(raw, edits.of_image(ledger, record.sha256), record.image)
    classes, known = recipe.point_classes(question.answer(name, recipe, corrected, micrograph.roi)[0], settings)
    if not 2 <= len(known) <= regions.MOST_CLASSES:
        msg = f"{record.image}: {len(known)} classes; a person can tell 2 to {regions.MOST_CLASSES} by keys"
        raise MeasurementError(msg)
    differs = regions.differing(
        classes,
        (
            recipe.point_classes(question.answer(name, recipe, other, micrograph.roi)[0], settings)[0]
            for _, other in edits.carried_over(others, raw, corrected)
        ),
    )
    return regions.strata_of(classes, differs, micrograph.roi), known


def population(
    name: str,
    recipe: ModuleType,
    settings: Any,
    records: Sequence[MicrographRecord],
    read: Callable[[str], bytes],
    ledger: Sequence[edits.Entry] = (),
) -> Population:
    """Read all fields of a job, one in memory at a time.

    Raises
    ------
    MeasurementError
        As ``strata_of_field``; the fields have different classes.
    """
    areas, fields = [], []
    classes: tuple[PointClass, ...] = ()
    for record in records:
        strata, known = strata_of_field(name, recipe, settings, record, read, ledger)
        if classes and known != classes:
            msg = f"{record.image}: has other classes than {records[0].image}; give every field the same"
            raise MeasurementError(msg)
        classes = known
        areas.append(design.Area(specimen=record.specimen, section=record.section, pixels=regions.counted(strata)))
        digest = hashlib.sha256(f"{record.sha256} {strata.shape} ".encode())
        digest.update(np.ascontiguousarray(strata).data)
        fields.append(digest.hexdigest())
    return Population(recipe=name, classes=classes, areas=tuple(areas), fields=tuple(fields))


def sample(found: Population, points: int, nonce: str) -> Sample:
    """Describe a sample of a population; its places follow from it (``design.drawn``).

    Raises
    ------
    SettingsError
        A number of points that is none.
    """
    design.stages_of(points)
    return Sample(
        nonce=nonce,
        points=points,
        recipe=found.recipe,
        classes=tuple(one.name for one in found.classes),
        fields=found.fields,
    )
