"""The fields of a measured job as the population that a sample is drawn from, read back from their kept masks."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np

from inspect_tool.errors import MeasurementError
from inspect_tool.evidence import edits, masks
from inspect_tool.model import Editions, LabelImage, Micrograph, MicrographRecord, PointClass, Samples, Segmentation
from inspect_tool.plugins import AskedByChords, AskedByJoints, AskedByLines, AskedByPoints, Recipe
from inspect_tool.referee import design, joint_sample, layer_lines, lines, regions
from inspect_tool.referee.layer_lines import LayerLines
from inspect_tool.referee.ledger import Sample
from inspect_tool.referee.lines import TestLines
from inspect_tool.segmentation import choice

KINDS = (
    PointClass(name="crossing"),
    PointClass(name="triple point", counts=1.5),
    PointClass(name="tangent"),
    PointClass(name="end on a boundary", counts=0.5),
)
"""Marks on a test line, and what each counts (ASTM E112, intercept procedure)."""

EDGE = (PointClass(name="edge of the layer"),)
"""Mark on a line across a layer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """What is known of the fields of a job before a person looks."""

    recipe: str
    classes: tuple[PointClass, ...]  # or kinds of marks on a line
    areas: tuple[design.Area, ...]
    fields: tuple[str, ...]  # SHA-256 of the image and the strata of every field
    lines: TestLines | LayerLines | None = None  # that are drawn in place of points
    joints: tuple[joint_sample.Joint, ...] = ()  # what the areas are in place of fields
    nested: bool = False  # the joints are a sample: means over boards of means over images

    @property
    def what(self) -> Literal["points", "lines"]:
        """What the sample is of."""
        return "points" if self.lines is None else "lines"

    @property
    def stage(self) -> int:
        """Points or lines of a specimen between two places where one may stop."""
        return stage_of(self.what)

    def image_of(self, place: design.Place) -> int:
        """Index of the image in which a point or line lies."""
        return self.joints[place.field].field if self.joints else place.field


def what_is_drawn(name: str, recipe: Recipe) -> Literal["points", "lines"]:
    """What the sample of a recipe is of.

    Raises
    ------
    MeasurementError
        The recipe has nothing that a person could correct.
    """
    if isinstance(recipe, AskedByLines | AskedByChords):
        return "lines"
    if not isinstance(recipe, AskedByJoints | AskedByPoints):
        raise MeasurementError(_nothing_to_ask(name))
    return "points"


def _nothing_to_ask(name: str) -> str:
    return f"recipe {name}: has no result that a person could correct by points or lines"


def stage_of(what: Literal["points", "lines"]) -> int:
    """Points or lines of a specimen between two places where one may stop."""
    return design.FIRST if what == "points" else lines.STAGE


def strata_of_field(
    name: str,
    recipe: AskedByPoints,
    settings: object,
    record: MicrographRecord,
    read: Callable[[str], bytes],
    ledger: Sequence[edits.Entry],
) -> tuple[regions.Strata, tuple[PointClass, ...]]:
    """Cut one field into strata by its kept masks, corrections by hand included.

    Raises
    ------
    MeasurementError
        Too many classes, or the masks were not kept.
    """
    micrograph, corrected = _seen(name, recipe, record, read, ledger)
    classes, known = recipe.point_classes(corrected, settings)
    if not 2 <= len(known) <= regions.MOST_CLASSES:
        msg = f"{record.image}: {len(known)} classes; a person can tell 2 to {regions.MOST_CLASSES} by keys"
        raise MeasurementError(msg)
    differs = regions.differing(
        classes, (recipe.point_classes(other, settings)[0] for _, other in corrected.alternatives())
    )
    return regions.strata_of(classes, differs, micrograph.roi), known


def lines_of_field(
    name: str,
    recipe: AskedByLines,
    settings: object,
    record: MicrographRecord,
    read: Callable[[str], bytes],
    ledger: Sequence[edits.Entry],
) -> tuple[lines.FieldLines, str]:
    """Draw the test lines of one field by its kept masks, corrections by hand included; and the digest of its grains.

    Raises
    ------
    MeasurementError
        The recipe counts them in a way that a person does not, there is no scale, or the masks were not kept.
    """
    micrograph, corrected = _seen(name, recipe, record, read, ledger)
    pixel_um = record.calibration.pixel_um
    if pixel_um is None:
        msg = f"{record.image}: no sample of test lines can be drawn: there is no scale; give [calibration] pixel_um"
        raise MeasurementError(msg)
    grains, per_px = recipe.crossed(micrograph, corrected, settings)
    grains_le = np.ascontiguousarray(grains, "<i4")
    differing = (recipe.crossed(micrograph, other, settings)[0] for _, other in corrected.alternatives())
    found = lines.drawn(grains, differing, per_px, pixel_um, _digest(record, grains_le))
    return found, _digest(record, grains_le, found.codes)


def chords_of_field(
    name: str,
    recipe: AskedByChords,
    settings: object,
    record: MicrographRecord,
    read: Callable[[str], bytes],
    ledger: Sequence[edits.Entry],
) -> tuple[layer_lines.FieldChords, str, str]:
    """Draw the lines across the layer of one field by its kept masks; with its quantity, and the digest of the masks.

    Raises
    ------
    MeasurementError
        There are several layers, or none that parts the field, no scale, or the masks were not kept.
    """
    micrograph, corrected = _seen(name, recipe, record, read, ledger)
    pixel_um = record.calibration.pixel_um
    if pixel_um is None:
        msg = f"{record.image}: no sample of lines can be drawn: there is no scale; give [calibration] pixel_um"
        raise MeasurementError(msg)
    quantity, first, second = recipe.layer_chords(micrograph, corrected, settings)

    def chords(other: Segmentation) -> tuple[Any, Any] | None:
        try:
            return recipe.layer_chords(micrograph, other, settings)[1:]
        except MeasurementError:  # no layer in it
            return None

    labels = np.ascontiguousarray(corrected.labels, "<i4")
    others = (chords(other) for _, other in corrected.alternatives())
    found = layer_lines.drawn(first, second, others, labels.shape, pixel_um, _digest(record, labels))
    return found, quantity, _digest(record, labels, found.codes)


def joints_of_field(
    name: str,
    recipe: AskedByJoints,
    settings: object,
    record: MicrographRecord,
    read: Callable[[str], bytes],
    ledger: Sequence[edits.Entry],
) -> tuple[regions.Strata, LabelImage, Mapping[int, str]]:
    """Cut the joints of one field into strata by its kept masks; with their numbers and names.

    Raises
    ------
    MeasurementError
        The voids are a share of what no person sees, or the masks were not kept.
    """
    micrograph, corrected = _seen(name, recipe, record, read, ledger)
    joints, names = recipe.sampled_joints(corrected, settings, micrograph.roi, record.image)
    classes = recipe.void_classes(corrected)
    differs = regions.differing(classes, (recipe.void_classes(other) for _, other in corrected.alternatives()))
    return regions.strata_of(classes, differs, joints > 0), joints, names


def _seen(
    name: str,
    recipe: Recipe,
    record: MicrographRecord,
    read: Callable[[str], bytes],
    ledger: Sequence[edits.Entry],
) -> tuple[Micrograph, Segmentation]:
    """Read the segmentation of a field with its alternatives, as the recipe takes them."""
    if why := masks.why_not_by_hand(record):
        msg = f"{record.image}: no sample can be drawn: {why}"
        raise MeasurementError(msg)
    micrograph, raw = masks.field(record, read)
    corrected = edits.applied(raw, edits.of_image(ledger, record.sha256), record.image)
    return micrograph, choice.answer(name, recipe, corrected, micrograph.roi)[0]


def population(
    name: str,
    recipe: Recipe,
    settings: object,
    editions: Editions,
    records: Sequence[MicrographRecord],
    read: Callable[[str], bytes],
    ledger: Sequence[edits.Entry] = (),
) -> Population:
    """Read all fields of a job, one in memory at a time.

    Raises
    ------
    MeasurementError
        The recipe has nothing that a person could correct; as ``strata_of_field`` and ``lines_of_field``; the fields
        have different classes, or lie on several planes.
    """
    if isinstance(recipe, AskedByLines):
        return _of_lines(name, recipe, settings, editions, records, read, ledger)
    if isinstance(recipe, AskedByChords):
        return _of_chords(name, recipe, settings, records, read, ledger)
    if isinstance(recipe, AskedByJoints):
        return _of_joints(name, recipe, settings, records, read, ledger)
    if not isinstance(recipe, AskedByPoints):
        raise MeasurementError(_nothing_to_ask(name))
    areas, fields = [], []
    classes: tuple[PointClass, ...] = ()
    for record in records:
        strata, known = strata_of_field(name, recipe, settings, record, read, ledger)
        if classes and known != classes:
            msg = f"{record.image}: has other classes than {records[0].image}; give every field the same"
            raise MeasurementError(msg)
        classes = known
        areas.append(design.Area(specimen=record.specimen, section=record.section, pixels=regions.counted(strata)))
        fields.append(_digest(record, strata))
    return Population(recipe=name, classes=classes, areas=tuple(areas), fields=tuple(fields))


def _of_lines(
    name: str,
    recipe: AskedByLines,
    settings: object,
    editions: Editions,
    records: Sequence[MicrographRecord],
    read: Callable[[str], bytes],
    ledger: Sequence[edits.Entry],
) -> Population:
    planes = sorted({record.plane for record in records})
    if len(planes) > 1:
        msg = (
            f"recipe {name}: fields lie on several planes ({', '.join(planes)}), whose mean is over directions that "
            "random test lines do not have; check each plane by hand in a job of its own"
        )
        raise MeasurementError(msg)
    found = [lines_of_field(name, recipe, settings, record, read, ledger) for record in records]
    return Population(
        recipe=name,
        classes=KINDS,
        areas=tuple(
            design.Area(specimen=record.specimen, section=record.section, pixels=own.areas)
            for record, (own, _) in zip(records, found, strict=True)
        ),
        fields=tuple(digest for _, digest in found),
        lines=TestLines(
            fields=tuple(own for own, _ in found),
            question=recipe.crossed_question(settings),
            results=partial(recipe.crossed_results, settings=settings, editions=editions),
        ),
    )


def _of_chords(
    name: str,
    recipe: AskedByChords,
    settings: object,
    records: Sequence[MicrographRecord],
    read: Callable[[str], bytes],
    ledger: Sequence[edits.Entry],
) -> Population:
    found = [chords_of_field(name, recipe, settings, record, read, ledger) for record in records]
    question, rule = recipe.layer_question()
    return Population(
        recipe=name,
        classes=EDGE,
        areas=tuple(
            design.Area(specimen=record.specimen, section=record.section, pixels=own.areas)
            for record, (own, _, _) in zip(records, found, strict=True)
        ),
        fields=tuple(digest for _, _, digest in found),
        lines=LayerLines(fields=tuple(own for own, _, _ in found), question=question, rule=rule, quantity=found[0][1]),
    )


def _of_joints(
    name: str,
    recipe: AskedByJoints,
    settings: Any,
    records: Sequence[MicrographRecord],
    read: Callable[[str], bytes],
    ledger: Sequence[edits.Entry],
) -> Population:
    joints: list[joint_sample.Joint] = []
    fields = []
    for i, record in enumerate(records):
        strata, numbers, names = joints_of_field(name, recipe, settings, record, read, ledger)
        joints += joint_sample.joints_of_field(
            strata, numbers, names, specimen=record.specimen, section=record.section, field=i
        )
        fields.append(_digest(record, strata, np.ascontiguousarray(numbers, "<i4")))
    return Population(
        recipe=name,
        classes=joint_sample.CLASSES,
        areas=joint_sample.areas_of(joints, nested=settings.joints_are == "sample"),
        fields=tuple(fields),
        joints=tuple(joints),
        nested=settings.joints_are == "sample",
    )


def _digest(record: MicrographRecord, *seen: Samples) -> str:
    """SHA-256 of an image and of what was seen in it."""
    digest = hashlib.sha256(f"{record.sha256} {seen[0].shape} ".encode())
    for image in seen:
        digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


def sample(found: Population, points: int, nonce: str) -> Sample:
    """Describe a sample of a population; its places follow from it (``design.drawn``).

    Raises
    ------
    SettingsError
        A number of points that is none.
    """
    design.stages_of(points, found.stage, found.what)
    return Sample(
        nonce=nonce,
        points=points,
        recipe=found.recipe,
        classes=tuple(one.name for one in found.classes),
        fields=found.fields,
    )
