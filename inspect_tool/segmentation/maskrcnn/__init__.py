"""Objects one by one with Mask R-CNN of torchvision: first where they are, then which pixels; they may overlap.

Every object is found in a box of its own, with a score and a mask, whatever its neighbors cover of it. Labels cannot
overlap: the object with the higher score lies on top, and the report states how much of others it hides.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import Annotated, Any, Literal

import numpy as np
from typing_extensions import Doc

from inspect_tool.errors import BackendError
from inspect_tool.files import CARD
from inspect_tool.model import Micrograph, ModelCard, Segmentation
from inspect_tool.ranges import Above0, From0, Share
from inspect_tool.segmentation.maskrcnn.detection import Seen, Sizes, detections
from inspect_tool.segmentation.maskrcnn.network import Detections, build, prepare, shapes
from inspect_tool.segmentation.maskrcnn.painting import painted
from inspect_tool.segmentation.maskrcnn.torchvision_file import convert
from inspect_tool.segmentation.networks.arguments import MaskRCNNArguments, maskrcnn_arguments
from inspect_tool.segmentation.networks.magnification import seen, training_scale
from inspect_tool.segmentation.networks.overlap import overlap_facts
from inspect_tool.segmentation.networks.runtime import Device, used_device
from inspect_tool.segmentation.networks.weights import (
    check_shapes,
    described,
    fitted,
    gray_range,
    load_weights,
    missing_extra,
    model_folder,
    permitted,
)

__all__ = ["KINDS", "MODELS", "Model", "Settings", "convert", "load", "segment"]

KINDS: tuple[Literal["semantic", "instance"], ...] = ("instance",)
MODELS = ("model",)  # names of settings that name a model: shipped, or a folder beside the job file

THRESHOLDS = {"score_threshold": 0.5, "mask_threshold": 0.5, "nms_threshold": 0.5}  # where neither job nor card says
SCORE_SHIFT = 0.1  # of the score threshold, as plausible as the one used; if the card says nothing else [1]
MASK_SHIFT = 0.15  # of the mask threshold: about half a pixel of the outline of an object of 28 px [1]
HIDDEN_SHARE = 0.5  # an object of which more lies below others is one of them, seen again [1]
SIZES = (8.0, 256.0)  # diameters that a network sees whole, where its card does not say [px]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be set; thresholds come from the model card by default."""

    model: Annotated[str, Doc("shipped model, or a folder with model.toml and weights")] = "particles_maskrcnn"
    score_threshold: Annotated[Share | None, Doc("from which an object counts; None: of the model [1]")] = None
    mask_threshold: Annotated[
        Share | None, Doc("probability from which a pixel belongs to its object; None: of the model [1]")
    ] = None
    nms_threshold: Annotated[
        Share | None, Doc("largest overlap (IoU) of the boxes of two objects; None: of the model [1]")
    ] = None
    object_px: Annotated[
        tuple[Above0[float], Above0[float]] | None, Doc("smallest and largest diameters; None: any [px]")
    ] = None
    scale: Annotated[
        Above0[float] | None, Doc("enlargement before the network, and no other scale; None: found [1]")
    ] = None
    min_size_px: Annotated[From0[int], Doc("smaller objects are dropped [px]")] = 15
    invert: Annotated[bool, Doc("light and dark change places before the network sees the image")] = False
    commercial: Annotated[bool, Doc("false permits models whose licence forbids commercial use")] = True
    device: Annotated[Device, Doc("auto: CUDA if there is a device, else the CPU")] = "auto"
    tile_px: Annotated[Above0[int], Doc("side of a part without its margin; bounds the memory [px]")] = 512


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Model:
    """A network made ready, with its card."""

    card: ModelCard
    network: Any  # torch module, in evaluation mode on its device
    arguments: MaskRCNNArguments
    thresholds: dict[str, float]


def load(settings: Settings) -> Model:
    """Read the model folder and make its network ready.

    Raises
    ------
    BackendError
        The extra is not installed, or its parts do not fit one another; there is no such model; its files are missing,
        damaged or changed; its licence forbids the use; the device asked for is not there.
    """
    try:
        import torchvision.ops  # noqa: F401 - told now, not after the first image
    except ImportError:
        raise BackendError(missing_extra("backend 'maskrcnn'", "maskrcnn")) from None
    except RuntimeError as error:  # its operators are those of one version of torch
        first = str(error).strip().split("\n")[0]
        msg = f"torchvision is installed but for another torch ({first[:120]}); install both together"
        raise BackendError(msg) from None
    folder = model_folder(settings.model)
    card, weights = load_weights(folder, "maskrcnn")
    permitted(card, folder, settings.commercial)
    if len(card.classes) != 2:
        msg = (
            f"{folder / CARD} classes: {', '.join(card.classes)}; this backend finds objects of one class, "
            "named after the background"
        )
        raise BackendError(msg)
    arguments = maskrcnn_arguments(card.network, f"{folder} network")
    check_shapes(shapes(arguments), weights, folder)
    network = fitted(build(arguments), weights, folder)
    thresholds = {}
    for name, usual in THRESHOLDS.items():
        given = getattr(settings, name)
        value = card.settings.get(name, usual) if given is None else given
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
            msg = f"{name} = {value}: must lie between 0 and 1"
            raise BackendError(msg)
        thresholds[name] = float(value)
    prepare(network, score=max(thresholds["score_threshold"] - _shift(card), 0.01), nms=thresholds["nms_threshold"])
    network.to(used_device(settings.device))
    return Model(card=card, network=network, arguments=arguments, thresholds=thresholds)


def segment(model: Model, micrograph: Micrograph, settings: Settings) -> Segmentation:
    """Find every object of one field.

    Returns
    -------
    Segmentation
        Instance labels, numbered in the order of the scores; 0 outside of the region. Settings hold thresholds and
        scales, how many objects lie below others and by how much, and every retreat to smaller parts or the CPU.

    Raises
    ------
    BackendError
        The image is constant; the network gives no usable numbers, or proposes more than can be looked at.
    """
    start = perf_counter()
    found, facts = _found(model, micrograph, settings)
    made = _segmentation(model, micrograph, settings, found, facts, start=start)
    return replace(made, alternatives=partial(_others, model, micrograph, settings, found, facts))


def _others(
    model: Model, micrograph: Micrograph, settings: Settings, found: Detections, facts: dict[str, Any]
) -> Iterator[tuple[str, Segmentation]]:
    """Segmentations that are as plausible: other thresholds of the score, and of the masks (outlines in or out).

    Nothing is predicted again for them: ``found`` holds the objects a little below the threshold too.
    """
    shift = _shift(model.card)
    for name, score, mask in (
        ("object score -", -shift, 0.0),
        ("object score +", shift, 0.0),
        ("outline -", 0.0, MASK_SHIFT),
        ("outline +", 0.0, -MASK_SHIFT),
    ):
        start = perf_counter()
        yield name, _segmentation(model, micrograph, settings, found, facts, start=start, score=score, mask=mask)


def _shift(card: ModelCard) -> float:
    return float(card.settings.get("shift", SCORE_SHIFT))


def _segmentation(
    model: Model,
    micrograph: Micrograph,
    settings: Settings,
    found: Detections,
    facts: dict[str, Any],
    *,
    start: float,
    score: float = 0.0,
    mask: float = 0.0,
) -> Segmentation:
    card = model.card
    score_threshold = model.thresholds["score_threshold"] + score
    mask_threshold = min(max(model.thresholds["mask_threshold"] + mask, 0.01), 0.99)
    drawn = painted(
        found[found.scores >= score_threshold],
        (micrograph.pixels.shape[0], micrograph.pixels.shape[1]),
        micrograph.roi,
        mask_threshold=mask_threshold,
        hidden_share=HIDDEN_SHARE,
        least_px2=settings.min_size_px,
    )
    drawn.labels.setflags(write=False)
    return Segmentation(
        labels=drawn.labels,
        classes={1: card.classes[-1]},
        kind="instance",
        backend="maskrcnn",
        weights_sha256=card.sha256,
        settings={
            **{item: getattr(settings, item) for item in settings.__dataclass_fields__},
            **described(card),
            **facts,
            "score_threshold": round(score_threshold, 4),
            "mask_threshold": round(mask_threshold, 4),
            "nms_threshold": model.thresholds["nms_threshold"],
            **overlap_facts(drawn.areas_px2, drawn.visible_px2, drawn.covered, drawn.hidden),
        },
        seconds=perf_counter() - start,
    )


# ------------------------------------------------------------------------------------------------- the image


def _found(model: Model, micrograph: Micrograph, settings: Settings) -> tuple[Detections, dict[str, Any]]:
    """Objects down to the lowest threshold of the alternatives, and what the report states of how they were found."""
    card = model.card
    pixels = seen(card, micrograph)
    if settings.tile_px < 64:
        msg = f"backend tile_px: got {settings.tile_px}, must be at least 64"
        raise BackendError(msg)
    try:
        low, high = gray_range(pixels, card.normalization, micrograph.roi)
    except BackendError as error:
        msg = f"{micrograph.path}: {error}"
        raise BackendError(msg) from None
    sizes, how = _sizes(card, micrograph, settings)
    looked = Seen(
        network=model.network,
        channels=model.arguments.in_channels,
        inclusive=model.arguments.body != "narrow",
        pixels=pixels,
        gray=(high, low) if settings.invert else (low, high),
        path=micrograph.path,
        roi=micrograph.roi,
        tile_px=settings.tile_px,
    )
    found, facts = detections(looked, sizes)
    return found, {
        "scales": [round(scale, 4) for scale in sizes.scales],
        "scales_from": how,
        "gray_range": [round(low, 3), round(high, 3)],
        **facts,
    }


def _sizes(card: ModelCard, micrograph: Micrograph, settings: Settings) -> tuple[Sizes, str]:
    """Scales at which the image is looked at, finest first, and where they come from."""
    trained = card.structure_px or SIZES
    shape = micrograph.pixels.shape[:2]
    if settings.scale is not None or (card.pixel_um is not None and micrograph.calibration.pixel_um is not None):
        scale, how = training_scale(card, micrograph, settings.scale)
        return Sizes(scales=(scale,), trained_px=trained), how
    if "short_side_px" in card.settings:
        longest = float(card.settings.get("long_side_px", np.inf))
        scale = min(float(card.settings["short_side_px"]) / min(shape), longest / max(shape))
        return Sizes(scales=(scale,), trained_px=trained), "sides of the training images"
    if settings.object_px is not None:
        smallest, largest = settings.object_px
        if smallest > largest:
            msg = f"object_px = {list(settings.object_px)}: must be diameters > 0 px, the smaller first"
            raise BackendError(msg)
        return Sizes(scales=Sizes.covering(smallest, largest, trained), trained_px=trained), "object_px of the job"
    return Sizes(
        scales=Sizes.covering(trained[0], max(shape) / 2, trained), trained_px=trained
    ), "sizes of the training, and larger"
