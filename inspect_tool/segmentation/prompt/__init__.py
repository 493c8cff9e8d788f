"""Objects that somebody clicked on, or that are found at the points of a grid.

A network is told where an object is, by clicks inside and outside of it or by a box, and answers with the object.
Without a table of clicks it is asked at the points of a grid, as Segment Anything does: masks that are steady under
the threshold and that the engine thinks well of are kept, and of those that share their area the better one.

Two engines, chosen by the model card: ``clicked``, a small network of our own, and ``sam``, encoder and decoder of the
SAM family in files of the user.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, Literal

import numpy as np
from typing_extensions import Doc

from inspect_tool.errors import SettingsError
from inspect_tool.files import load_model_card, sha256_file
from inspect_tool.model import Micrograph, ModelCard, Segmentation
from inspect_tool.ranges import Above0, From0, Share
from inspect_tool.segmentation.networks.runtime import Device, Precision
from inspect_tool.segmentation.networks.runtime import Engine as RunBy
from inspect_tool.segmentation.networks.weights import described, model_folder, permitted
from inspect_tool.segmentation.prompt import clicked, sam
from inspect_tool.segmentation.prompt.engine import Engine, Search
from inspect_tool.segmentation.prompt.patches import Drawing, Patch, labels_of
from inspect_tool.segmentation.prompt.prompts import read_clicks

KINDS: tuple[Literal["semantic", "instance"], ...] = ("instance",)
MODELS = ("model",)  # settings that name a model: shipped, or a folder beside the job file
PATHS = ("clicks",)  # settings that name a file of the user

THRESHOLD = 0.5
SHIFT = 0.2  # of the threshold of the probability, as plausible; if the card says nothing else [1]
DOUBT = 0.1  # of the least predicted quality, as plausible [1]
QUALITY, STABILITY = 0.7, 0.6  # least ones of a mask that nobody asked for; if the card says nothing else [1]
SHARED = 0.5  # an object that shares more of its area with better ones is none of its own [1]
LEAST_PX2 = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be set; the model card has the rest."""

    model: Annotated[str, Doc("shipped model, or a folder with model.toml and weights")] = "clicked_objects"
    clicks: Annotated[str, Doc("table of clicks: image, object, label, x, y, x2, y2; empty: found on a grid")] = ""
    object_px: Annotated[
        tuple[Above0[float], Above0[float]] | None, Doc("smallest and largest diameters looked for; None: any [px]")
    ] = None
    grid: Annotated[Above0[int] | None, Doc("points along what is seen at once; None: of the engine")] = None
    threshold: Annotated[Share, Doc("probability from which a pixel is of the object [1]")] = THRESHOLD
    quality: Annotated[Share | None, Doc("least predicted quality of what is found; None: of the model [1]")] = None
    stability: Annotated[Share | None, Doc("least stability of what is found; None: of the model [1]")] = None
    shared: Annotated[Share, Doc("larger part of an object in better ones: it is none of its own [1]")] = SHARED
    min_object_px: Annotated[From0[int], Doc("smaller objects are dropped [px2]")] = LEAST_PX2
    device: Annotated[Device, Doc("auto: CUDA if there is a device, else the CPU")] = "auto"
    engine: Annotated[RunBy, Doc("of our own networks; auto: OpenVINO where it is installed, else torch")] = "auto"
    precision: Annotated[Precision, Doc("auto: bfloat16 where the processor has it")] = "auto"
    commercial: Annotated[bool, Doc("false permits models whose licence forbids commercial use")] = True
    tile_px: Annotated[Above0[int], Doc("side of what a model of the SAM family sees at once [px]")] = 1024


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Model:
    """An engine made ready, and from where on it believes a mask that nobody asked for."""

    card: ModelCard
    engine: Engine
    quality: float
    stability: float


def outputs(settings: Settings) -> tuple[Literal["classes", "objects", "grains"], ...]:  # noqa: ARG001
    """Single objects with background between them."""
    return ("objects",)


def load(settings: Settings) -> Model:
    """Check licence and weights, and make the engine that the model card names ready.

    Raises
    ------
    SettingsError
        Sizes or tiles that cannot be.
    BackendError
        There is no such model; its files are missing, damaged or changed; its licence forbids the use; the extra is
        not installed; the device or engine asked for is not there.
    """
    if settings.object_px is not None and settings.object_px[0] > settings.object_px[1]:
        msg = f"backend object_px: got {list(settings.object_px)}, must be two diameters, the smaller first"
        raise SettingsError(msg)
    if settings.tile_px < 256:
        msg = f"backend tile_px: got {settings.tile_px}, must be at least 256"
        raise SettingsError(msg)
    folder = model_folder(settings.model)
    card = load_model_card(folder)
    permitted(card, folder, settings.commercial)
    engine: Engine
    if card.architecture == "sam":
        engine = sam.ready(folder, device=settings.device, tile_px=settings.tile_px)
    else:
        engine = clicked.ready(folder, device=settings.device, engine=settings.engine, precision=settings.precision)
    least = {
        key: float(card.settings.get(key, usual)) if getattr(settings, key) is None else getattr(settings, key)
        for key, usual in (("quality", QUALITY), ("stability", STABILITY))
    }
    return Model(card=card, engine=engine, **least)


def segment(model: Model, micrograph: Micrograph, settings: Settings) -> Segmentation:
    """Label the objects of one field: those that were clicked on, or all that are found.

    Raises
    ------
    SettingsError
        The table of clicks says what cannot be, or nothing of this image.
    BackendError
        The image is constant, or the network gives no usable numbers.
    """
    start = perf_counter()
    field = model.engine.field(micrograph)
    shape = (micrograph.pixels.shape[0], micrograph.pixels.shape[1])
    if settings.clicks:
        path = Path(settings.clicks)
        patches = tuple(field.answer(prompt) for prompt in read_clicks(path, micrograph.path, shape))
        how: dict[str, Any] = {"prompts": "clicks of a person", "clicks_sha256": sha256_file(path)}
    else:
        search = Search(
            grid=settings.grid,
            object_px=settings.object_px,
            quality=max(0.0, model.quality - DOUBT),
            stability=model.stability,
        )
        patches = tuple(sorted(field.found(search), key=lambda one: -one.quality * one.stability))
        how = {"prompts": "points of a grid"}
    how |= field.described
    made = _segmentation(model, micrograph, settings, patches, how, start)
    return replace(made, alternatives=partial(_others, model, micrograph, settings, patches, how))


def _others(
    model: Model, micrograph: Micrograph, settings: Settings, patches: Sequence[Patch], how: dict[str, Any]
) -> Iterator[tuple[str, Segmentation]]:
    """Segmentations that are as plausible: other outlines, and other objects where nobody named them."""
    shift = float(model.card.settings.get("shift", SHIFT))
    changes = [("probability -", -shift, 0.0), ("probability +", shift, 0.0)]
    if not settings.clicks:
        changes += [("quality -", 0.0, -DOUBT), ("quality +", 0.0, DOUBT)]
    for name, by, doubt in changes:
        start = perf_counter()
        yield name, _segmentation(model, micrograph, settings, patches, how, start, by=by, doubt=doubt)


def _segmentation(
    model: Model,
    micrograph: Micrograph,
    settings: Settings,
    patches: Sequence[Patch],
    how: dict[str, Any],
    start: float,
    *,
    by: float = 0.0,
    doubt: float = 0.0,
) -> Segmentation:
    threshold = float(np.clip(settings.threshold + by, 0.02, 0.98))
    drawing = _drawing(model, micrograph, settings, patches, threshold, doubt)
    used = {item: getattr(settings, item) for item in settings.__dataclass_fields__ if item not in PATHS}
    labels = drawing.labels
    labels.setflags(write=False)
    return Segmentation(
        labels=labels,
        classes={1: model.card.classes[-1]},
        kind="instance",
        backend="prompt",
        weights_sha256=model.card.sha256,
        settings={
            **used,
            **described(model.card),
            **how,
            "threshold": round(threshold, 4),
            "quality": round(model.quality + doubt, 4),
            "stability": model.stability,
            "objects": drawing.kept,
            "hidden_objects": drawing.hidden,
        },
        seconds=perf_counter() - start,
    )


def _drawing(
    model: Model,
    micrograph: Micrograph,
    settings: Settings,
    patches: Sequence[Patch],
    threshold: float,
    doubt: float,
) -> Drawing:
    """Labels: of what was clicked on, everything in the order of the table; of what was found, what is sure enough."""
    shape = (micrograph.pixels.shape[0], micrograph.pixels.shape[1])
    if settings.clicks:
        return labels_of(patches, threshold, shape, micrograph.roi, shared=1.0, least_px2=1)
    sure = [one for one in patches if one.quality >= model.quality + doubt]
    return labels_of(sure, threshold, shape, micrograph.roi, shared=settings.shared, least_px2=settings.min_object_px)
