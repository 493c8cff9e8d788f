"""Compare a backend with the masks of a person, image by image: what a validation file is made of."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from inspect_tool import registry, typos
from inspect_tool.errors import MeasurementError, ReadError, SettingsError
from inspect_tool.files import load_job, read_csv
from inspect_tool.images import quality
from inspect_tool.inspection import job_plan, one_field
from inspect_tool.inspection.job_plan import Plan
from inspect_tool.model import Day, FieldMeasurement, Micrograph, Result, Segmentation
from inspect_tool.plugins import Recipe, carried_of
from inspect_tool.segmentation import choice
from inspect_tool.validation.features import features_of
from inspect_tool.validation.line import is_judged_apart, objects_of, own_u
from inspect_tool.validation.lookup import backend_of
from inspect_tool.validation.reach import matching
from inspect_tool.validation.values import (
    SCHEMA,
    FieldError,
    LabeledImages,
    ValidatedField,
    Validation,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What a person says of a labeled image besides its mask."""

    parent: str = ""  # specimen, large picture or series that it is a part of; empty: itself
    group: str = ""  # kind of material or modality


def validate(
    machine: Plan,
    truth: Plan,
    *,
    name: str,
    person: str,
    date: Day,
    labels: Mapping[str, Label] | None = None,
    sources: Sequence[LabeledImages] = (),
    note: str = "",
    tell: Callable[[int, str], None] | None = None,
) -> Validation:
    """Measure every image of a job by its backend and by the masks of a person.

    Parameters
    ----------
    machine : Plan
        The job with the backend that is judged.
    truth : Plan
        The same job with the backend ``labels`` and one mask per image.
    name : str
        Of the validation, e.g. that of the set of images.
    person : str
        Who drew the masks.
    date : datetime.date
        Of the comparison.
    labels : mapping, optional
        File name of an image to its parent and group; an image that is not named is its own parent.
    sources : sequence of LabeledImages, optional
        Where the images come from; default: the images of the job.
    note : str
        For the reader.
    tell : callable, optional
        Called with (images done, name of the image).

    Raises
    ------
    InspectError
        An image or mask that cannot be used, classes of the masks that the backend does not know, a recipe that says
        of no quantity how an error of the segmentation reaches it.
    """
    recipe = registry.load("recipe", machine.job.recipe)
    carried = carried_of(recipe)
    if not carried:
        msg = f"{machine.path.name} recipe: {machine.job.recipe} says of no quantity how an error of the segmentation "
        msg += "reaches it (CARRIED), so that it cannot be validated"
        raise SettingsError(msg)
    backend = registry.load("backend", machine.backend)
    judged = backend_of(machine.job.recipe, machine.backend, backend, machine.backend_settings)
    model = one_field.model_of(machine)
    fields = []
    for i in range(len(machine.sources)):
        if tell is not None:
            tell(i, machine.sources[i].name)
        label = (labels or {}).get(machine.sources[i].name, Label())
        fields.append(_field(machine, truth, i, model, recipe, label))
    return Validation(
        schema=SCHEMA,
        name=name,
        date=date,
        person=person,
        recipe=machine.job.recipe,
        backend=machine.backend,
        model=judged.model,
        weights_sha256=judged.weights_sha256,
        settings=judged.settings,
        note=note,
        sources=tuple(sources) or (LabeledImages(name=name, licence="own", images=len(fields)),),
        fields=tuple(fields),
    )


def plans_of(job_path: Path, masks: Sequence[str]) -> tuple[Plan, Plan]:
    """Plan a job with its own backend, without edits, and with the masks of a person in its place.

    Parameters
    ----------
    job_path : Path
        Job file.
    masks : sequence of str
        Files or patterns, relative to the working directory: one mask per image, in the order of the images.

    Raises
    ------
    InspectError
        What is wrong with the job, or the masks are not as many as the images.
    """
    job = load_job(job_path)
    backend = dict(job.backend or registry.load("recipe", job.recipe).BACKEND)
    machine = job_plan.plan(job_path, backend)
    if any(source.mask for source in machine.sources):
        msg = f"{job_path} backend.name: '{machine.backend}' are masks of a person; name the backend that is validated"
        raise SettingsError(msg)
    given = [path for mask in masks for path in job_plan.files_of(mask, Path(), "--truth")]
    by_hand = {"name": "labels", "masks": [str(path.absolute()) for path in given]}
    return machine, job_plan.plan(job_path, by_hand)


def read_labels(path: Path, images: Sequence[str]) -> Mapping[str, Label]:
    """Read what is said of labeled images: a table (CSV) with the columns image, parent and, if wanted, group.

    Raises
    ------
    SettingsError
        The table cannot be read, lacks a column, names an image twice or one that the job does not have.
    """
    _, rows = read_csv(path)
    found: dict[str, Label] = {}
    for number, row in enumerate(rows, start=2):
        image, parent = row.get("image"), row.get("parent")
        if not image or not parent:
            msg = f"{path} line {number}: needs an image and a parent; the first line is: image,parent,group"
            raise SettingsError(msg)
        if image not in images:
            msg = f"{path} line {number}: '{image}' is no image of the job{typos.near(image, images)}"
            raise SettingsError(msg)
        if image in found:
            msg = f"{path} line {number}: '{image}' stands in an earlier line too"
            raise SettingsError(msg)
        found[image] = Label(parent=parent, group=row.get("group") or "")
    return found


def merged(validations: Sequence[Validation], *, name: str, note: str = "") -> Validation:
    """Put validations of one backend together; its settings are those that were the same in all of them.

    Raises
    ------
    SettingsError
        They are of different recipes, backends, models or weights.
    """
    first = validations[0]
    for other in validations[1:]:
        for key in ("recipe", "backend", "model", "weights_sha256"):
            if getattr(other, key) != getattr(first, key):
                msg = f"validation '{other.name}': {key} is '{getattr(other, key)}', that of '{first.name}' is "
                msg += f"'{getattr(first, key)}'; only validations of one backend go together"
                raise SettingsError(msg)
    common = {
        key: value
        for key, value in first.settings.items()
        if all(key in other.settings and other.settings[key] == value for other in validations)
    }
    return replace(
        first,
        schema=min(one.schema for one in validations),  # the earliest
        name=name,
        note=note,
        date=max(one.date for one in validations),
        person=", ".join(dict.fromkeys(one.person for one in validations)),
        settings=common,
        sources=tuple(dict.fromkeys(source for one in validations for source in one.sources)),
        fields=tuple(field for one in validations for field in one.fields),
    )


def _field(machine: Plan, truth: Plan, index: int, model: object, recipe: Recipe, label: Label) -> ValidatedField:
    source = machine.sources[index]
    micrograph = one_field.read_source(machine, source)
    segmentation, measured, _ = one_field.measured_field(machine, source, micrograph, model)
    by_hand = _by_hand(truth, index, micrograph, segmentation, recipe)
    findings = recipe.combine([measured], machine.settings, machine.editions)
    found = of_quantities(recipe, findings.results)
    stated = of_quantities(recipe, recipe.combine([by_hand], machine.settings, machine.editions).results)
    errors = {
        name: FieldError(
            machine=_short(result.value),
            truth=_short(stated[name].value),
            own_u=_short(own_u(result.budget)),
            doubted=is_judged_apart(result, findings.checks),
            n=objects_of(result, carried_of(recipe)),
        )
        for name, result in found.items()
        if name in stated
    }
    if not errors:
        msg = f"{source.name}: the mask tells none of {', '.join(found) or 'the quantities of the recipe'}; it has "
        msg += f"{', '.join(stated) or 'none'}"
        raise MeasurementError(msg)
    return ValidatedField(
        image=source.name,
        sha256=source.sha256,
        parent=label.parent or Path(source.name).stem,
        group=label.group or "not stated",
        stopped=_stopped(machine, source.name, micrograph, segmentation, measured),
        features=features_of(measured),
        errors=errors,
    )


def _stopped(
    machine: Plan, image: str, micrograph: Micrograph, segmentation: Segmentation, measured: FieldMeasurement
) -> bool:
    """Whether the quality gate would stop an image; it is compared all the same."""
    seen = quality.image_figures(micrograph.pixels, micrograph.roi, machine.limits, image)
    return any(map(quality.is_red, quality.structure_figures(segmentation, measured.values, seen, machine.limits)))


def of_quantities(recipe: Recipe, results: Iterable[Result]) -> Mapping[str, Result]:
    """Results whose errors a validation holds, by quantity."""
    kept = {carry.of for carry in carried_of(recipe).values()}
    return {
        result.quantity: result
        for result in results
        if any(matching(pattern, result.quantity) is not None for pattern in kept)
    }


def _by_hand(
    truth: Plan, index: int, micrograph: Micrograph, machine: Segmentation, recipe: Recipe
) -> FieldMeasurement:
    """Measure the mask of a person; its numbers are those of the classes of the machine, by whatever name."""
    source = truth.sources[index]
    drawn = one_field.segmented(truth, source, micrograph, one_field.model_of(truth))
    taken, _ = choice.answer(truth.job.recipe, recipe, drawn, micrograph.roi)
    if taken.kind == machine.kind == "semantic":
        unknown = sorted(set(taken.classes) - set(machine.classes))
        if unknown:
            known = ", ".join(f"{number}: {name}" for number, name in machine.classes.items())
            msg = f"{source.mask}: has the class numbers {', '.join(str(n) for n in unknown)} that backend "
            msg += f"'{machine.backend}' does not give; its classes are {known}"
            raise ReadError(msg)
        taken = replace(taken, classes=machine.classes)
    measured: FieldMeasurement = recipe.measure_field(micrograph, taken, truth.settings, truth.editions)
    return measured


def _short(number: float) -> float:
    return float(f"{number:.6g}")
