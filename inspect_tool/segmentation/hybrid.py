"""Objects that one backend proposes and another one refines: a detector, StarDist or pieces, and edges.

A detector knows which objects there are and guesses their outlines; growing knows outlines and not what an object is.
``proposals`` names the backend that proposes, with its settings, ``refine`` one that takes seeds
(``plugins.TakesSeeds``). The proposals as they are stand among the alternatives, so that what the parts disagree by is
in the segmentation line of the budget.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from time import perf_counter
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Doc

from inspect_tool import registry
from inspect_tool.errors import SettingsError
from inspect_tool.measure.regions import connected
from inspect_tool.model import LabelImage, Micrograph, Segmentation, stated
from inspect_tool.plugins import TakesSeeds
from inspect_tool.segmentation import choice, inner
from inspect_tool.segmentation.inner import Inner

KINDS: tuple[Literal["semantic", "instance"], ...] = ("instance",)
BACKENDS = ("proposals", "refine")  # settings that are themselves a [backend] table

_NAME = "hybrid"
_NAMED = ("model_title", "licence")  # of a part, and stand on the pages one by one
_SAME = 0.5  # overlap of an object with its proposal from which both are one, intersection over union [1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be set: two backends, each with its settings."""

    proposals: Annotated[Mapping[str, Any], Doc("backend that proposes objects, with its settings")] = field(
        default_factory=lambda: {"name": "watershed", "mode": "particles", "phase": "bright"}
    )
    refine: Annotated[Mapping[str, Any], Doc("backend that grows them anew, with its settings")] = field(
        default_factory=lambda: {"name": "watershed"}
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parts:
    """Both backends made ready."""

    proposals: Inner
    refine: Inner


def load(settings: Settings) -> Parts:
    """Load both parts; each looks after its own weights and their licence.

    Raises
    ------
    SettingsError
        A part has no name or is no backend that can take this place.
    BackendError
        The weights of a part are missing, damaged, or not licensed for this use.
    """
    proposals, refine = (inner.load(_NAME, key, getattr(settings, key)) for key in BACKENDS)
    if "objects" not in (given := choice.outputs(proposals.backend, proposals.settings)) and "classes" not in given:
        msg = (
            f"backend hybrid: proposals: '{proposals.name}' gives {', '.join(given)}, which leave no ground to grow "
            "from; name one of objects or classes (stardist, cellpose, threshold, watershed with mode particles)"
        )
        raise SettingsError(msg)
    if not isinstance(refine.backend, TakesSeeds):
        known = [name for name in registry.names("backend") if isinstance(registry.load("backend", name), TakesSeeds)]
        msg = f"backend hybrid: refine: '{refine.name}' takes no seeds; those that do: {', '.join(known)}"
        raise SettingsError(msg)
    return Parts(proposals=proposals, refine=refine)


def outputs(settings: Settings) -> tuple[Literal["objects"], ...]:  # noqa: ARG001 - a contract
    """Objects before a background."""
    return ("objects",)


def segment(model: Parts, micrograph: Micrograph, settings: Settings) -> Segmentation:  # noqa: ARG001 - the parts hold theirs
    """Let one backend propose objects and the other grow them anew.

    Raises
    ------
    BackendError
        As its parts.
    """
    start = perf_counter()
    part = model.proposals
    proposed = part.backend.segment(part.model, micrograph, part.settings)
    made = _refined(model, micrograph, proposed, start)
    return replace(made, alternatives=partial(_others, model, micrograph, proposed))


def _others(model: Parts, micrograph: Micrograph, proposed: Segmentation) -> Iterator[tuple[str, Segmentation]]:
    """What was proposed, as it is, and what grows from the alternatives of the proposals."""
    start = perf_counter()
    objects = _objects(proposed)
    yield "proposals", _segmentation(model, proposed, proposed, objects, objects, start)
    del objects
    for name, other in proposed.alternatives():
        start = perf_counter()
        yield name, _refined(model, micrograph, other, start)
        del other


def _refined(model: Parts, micrograph: Micrograph, proposed: Segmentation, start: float) -> Segmentation:
    part = model.refine
    assert isinstance(part.backend, TakesSeeds)
    objects = _objects(proposed)
    refined = part.backend.refined(part.model, micrograph, objects, part.settings)
    return _segmentation(model, proposed, refined, objects, np.asarray(refined.labels, np.int32), start)


def _objects(proposed: Segmentation) -> NDArray[np.int32]:
    """Number of each object; of classes the connected pieces of all but the first."""
    if proposed.kind == "instance":
        return np.asarray(proposed.labels, np.int32)
    return np.asarray(connected(proposed.labels > 0), np.int32)


def _segmentation(
    model: Parts,
    proposed: Segmentation,
    refined: Segmentation,
    objects: NDArray[np.int32],
    labels: NDArray[np.int32],
    start: float,
) -> Segmentation:
    labels = np.ascontiguousarray(labels)
    labels.setflags(write=False)
    parts = {"proposals": proposed, "refine": refined}
    named = {
        f"{key}_{name}": part.settings[name] for key, part in parts.items() for name in _NAMED if name in part.settings
    }
    weights = [one.weights_sha256 for one in (proposed, refined) if one.weights_sha256]
    return Segmentation(
        labels=labels,
        classes={1: proposed.classes.get(1, "object")},
        kind="instance",
        backend=_NAME,
        weights_sha256=" ".join(dict.fromkeys(weights)),
        settings={
            "proposals": model.proposals.told(proposed),
            "refine": model.refine.told(refined),
            "agreement": round(agreement(objects, labels), 4),
            **named,
            **stated(proposed.told),
        },
        seconds=perf_counter() - start,
        coverage=proposed.coverage,
    )


def agreement(proposed: LabelImage, refined: LabelImage) -> float:
    """Share of the proposed objects that are the same object refined: an overlap of half and more. [1]

    Parameters
    ----------
    proposed, refined : array of int32, (rows, columns)
        Number of each object, the same for the same one.

    Examples
    --------
    >>> agreement(np.array([[1, 1, 2, 2]], np.int32), np.array([[1, 1, 2, 0]], np.int32))
    1.0
    >>> agreement(np.array([[1, 1, 2, 2]], np.int32), np.array([[1, 1, 0, 0]], np.int32))
    0.5
    """
    count = int(max(proposed.max(initial=0), refined.max(initial=0))) + 1
    first, second = (np.bincount(one.ravel(), minlength=count) for one in (proposed, refined))
    both = np.bincount(proposed[proposed == refined].ravel(), minlength=count)
    known = first[1:] > 0
    if not known.any():
        return 1.0
    overlap = both[1:] / np.maximum(first + second - both, 1)[1:]
    return float((overlap[known] >= _SAME).mean())
