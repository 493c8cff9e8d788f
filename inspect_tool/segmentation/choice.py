"""Which segmentation answers which question: the one table of what a recipe takes from a backend.

A recipe asks *coverage* (how much of the area) or *count* (how many, how large); a backend gives *classes*
(every pixel belongs to one, touching objects are not told apart), *objects* (a number for each, background
between them) or *grains* (objects without background). What happens where the two meet:

=====================  ====================  =======================  ==================
question of a recipe   classes               objects                  grains
=====================  ====================  =======================  ==================
coverage               as they are           union, stated            refused
count                  refused               as they are              as they are
=====================  ====================  =======================  ==================

A recipe that knows better has its own row, ``ACCEPTS``: porosity takes classes apart into connected pieces,
solder voids need classes that name joint and void. What was done besides taking labels as they are stands in the
method block of the report.

A backend may have ``outputs(settings) -> tuple[Output, ...]``, all that it can give with these settings; without
it, ``KINDS`` tells: semantic is classes, instance is objects.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from inspect_tool.errors import MeasurementError, SettingsError
from inspect_tool.languages import Text, named
from inspect_tool.model import Mask, Segmentation, Statement, no_alternatives
from inspect_tool.pixels.parts import strips
from inspect_tool.plugins import (
    Backend,
    Output,
    Question,
    Recipe,
    StatesOutputs,
    Step,
    accepts_of,
    advice_of,
    masks_of,
    phase_of,
)

_Settings = TypeVar("_Settings", bound=Any)

_ASKS: Mapping[Question, str] = {
    "coverage": Text("segmentation.question_coverage"),
    "count": Text("segmentation.question_count"),
}
_GIVES: Mapping[Output, str] = {
    "classes": Text("segmentation.output_classes"),
    "objects": Text("segmentation.output_objects"),
    "grains": Text("segmentation.output_grains"),
}


def step(recipe: Recipe, output: Output) -> Step:
    """Tell what a recipe does with one kind of output."""
    return accepts_of(recipe).get(output, "refused")


def outputs(backend: Backend, settings: object) -> tuple[Output, ...]:
    """Name what a backend can give with these settings; several, where only the image or a mask decides."""
    if isinstance(backend, StatesOutputs):
        return tuple(backend.outputs(settings))
    return tuple("classes" if kind == "semantic" else "objects" for kind in backend.KINDS)


def suited(recipe: Recipe, settings: _Settings) -> _Settings:
    """Settings of a backend in which the recipe decides what the job leaves open: kinds of masks, dark or bright."""
    if getattr(settings, "kinds", None) == ():
        settings = replace(settings, kinds=masks_of(recipe))
    if getattr(settings, "phase", "") is None:
        settings = replace(settings, phase=phase_of(recipe))
    return settings


def output_of(segmentation: Segmentation, roi: Mask | None = None) -> Output:
    """Tell what a segmentation is: objects that leave no pixel of the region to a background are grains."""
    if segmentation.kind == "semantic":
        return "classes"
    labels = segmentation.labels
    rows = [slice(top, bottom) for top, bottom in strips(labels.shape)]
    filled = all(bool((labels[one] != 0).all() if roi is None else (labels[one][roi[one]] != 0).all()) for one in rows)
    return "grains" if filled else "objects"


def check_backend(recipe_name: str, recipe: Recipe, backend_name: str, backend: Backend, settings: object) -> None:
    """Refuse a backend before any work when nothing it can give answers the question of the recipe.

    Raises
    ------
    SettingsError
        With the question, what the backend gives, and what to use.
    """
    found = outputs(backend, settings)
    if all(step(recipe, output) == "refused" for output in found):
        raise SettingsError(_refusal(recipe_name, recipe, backend_name, found[0]))


def answer(
    recipe_name: str, recipe: Recipe, segmentation: Segmentation, roi: Mask | None = None
) -> tuple[Segmentation, Statement | None]:
    """Make a segmentation and its alternatives what the recipe takes, and state the step for the reader.

    Returns
    -------
    Segmentation
        Itself, or the union of its objects as class 1 before class 0, "matrix".
    Statement or None
        For the method block; None when labels are taken as they are and mean what the question asks.

    Raises
    ------
    MeasurementError
        A segmentation that does not answer the question.
    """

    def taken_of(named: tuple[str, Segmentation]) -> tuple[str, Segmentation]:
        return named[0], _taken(recipe_name, recipe, named[1], roi)[0]

    def others() -> Iterator[tuple[str, Segmentation]]:
        return map(taken_of, segmentation.alternatives())  # which, unlike a generator, holds none while it is measured

    taken, statement = _taken(recipe_name, recipe, segmentation, roi)
    if segmentation.alternatives is no_alternatives:
        return taken, statement
    return replace(taken, alternatives=others), statement


def _taken(
    recipe_name: str, recipe: Recipe, segmentation: Segmentation, roi: Mask | None
) -> tuple[Segmentation, Statement | None]:
    output = output_of(segmentation, roi)
    match step(recipe, output):
        case "refused":
            read_as = segmentation.settings.get("kind")  # of the user's own masks
            where = f"the mask was read as {read_as}: " if read_as else ""
            raise MeasurementError(where + _refusal(recipe_name, recipe, segmentation.backend, output))
        case "union":
            return union(segmentation), _statement(recipe, segmentation, _UNION)
        case "pieces":
            return segmentation, _statement(recipe, segmentation, _PIECES)
        case _ if recipe.QUESTION == "coverage" and output == "objects":
            return segmentation, _statement(recipe, segmentation, _OBJECTS)
    return segmentation, None


_UNION = Text("segmentation.backend_gives_union")
_PIECES = Text("segmentation.backend_gives_classes")
_OBJECTS = Text("segmentation.backend_gives_objects")


def union(segmentation: Segmentation) -> Segmentation:
    """Take the objects of an instance segmentation together as one class; which pixel is of which object is kept."""
    labels = (segmentation.labels > 0).astype(np.int32)
    labels.setflags(write=False)
    name = segmentation.classes.get(1, "object")
    matrix = segmentation.classes.get(0, "matrix" if name != "matrix" else "background")
    return replace(
        segmentation, labels=labels, classes={0: matrix, 1: name}, kind="semantic", objects=segmentation.labels
    )


def _statement(recipe: Recipe, segmentation: Segmentation, text: str) -> Statement:
    return Statement(
        name=Text("segmentation.question_separation"),
        text=Text(
            "segmentation.question_separation_text",
            question=named("segmentation", recipe.QUESTION),
            asks=_ASKS[recipe.QUESTION],
            backend=segmentation.backend,
            text=text,
        ),
    )


def _refusal(recipe_name: str, recipe: Recipe, backend: str, output: Output) -> str:
    question = recipe.QUESTION
    asks, gives, use = f"{question} ({_ASKS[question]})", _GIVES[output], advice_of(recipe)
    return f"recipe {recipe_name} asks {asks}, the backend '{backend}' gives {gives}; {use}"
