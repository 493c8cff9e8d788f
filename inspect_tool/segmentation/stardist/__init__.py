"""Round objects one by one with StarDist: pores, particles, voids, also where they touch or cover one another.

The network gives, on a coarse grid, the probability of being well inside an object and the distances to
its outline along rays; rays, polygons and the choice among candidates are those of the package ``stardist``, whose
own network needs TensorFlow and is not used. Model folders of StarDist itself are read as they are.

The network only sees so far. Where nobody states how large the objects are, the image is predicted at scales a factor
of two apart, both ways round in gray if need be, and what the scales agree on is taken; where sizes are stated, up to
three scales follow from them.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Any, Literal

import numpy as np

from inspect_tool.errors import BackendError
from inspect_tool.model import Micrograph, ModelCard, Samples, Segmentation
from inspect_tool.pixels.stored import zeros_like
from inspect_tool.segmentation.networks.overlap import overlap_facts
from inspect_tool.segmentation.networks.tiling import middle
from inspect_tool.segmentation.networks.weights import described, gray_range
from inspect_tool.segmentation.stardist import agreement, polygons
from inspect_tool.segmentation.stardist.polygons import Stars
from inspect_tool.segmentation.stardist.prediction import Model, Seen, candidates_of, load, shift_of
from inspect_tool.segmentation.stardist.settings import Settings
from inspect_tool.segmentation.stardist.suppression import Part, chosen_of

__all__ = ["KINDS", "MODELS", "Model", "Settings", "load", "scales_for", "segment"]

KINDS: tuple[Literal["semantic", "instance"], ...] = ("instance",)
MODELS = ("model",)  # names of settings that name a model: shipped, or a folder beside the job file

OUTLINE_PX = 0.5  # shift of every outline that is as plausible [px]

_LEVELS = 3  # scales at most
_STEP = 4.0  # between scales
_COMFORT = 4.0  # the finest scale is made coarser while the smallest objects stay so many times the smallest trained on
_PILOT_PX = 1024  # side of the middle of the image in which both polarities are tried [px]


def segment(model: Model, micrograph: Micrograph, settings: Settings) -> Segmentation:
    """Find and outline every object of one field.

    Raises
    ------
    BackendError
        The image is constant, has not the channels the model needs, or the network gives no usable numbers.
    """
    start = perf_counter()
    stars, found = _stars(model, micrograph, settings)
    made = _segmentation(model, micrograph, settings, stars, found, start=start)
    return replace(made, alternatives=partial(_others, model, micrograph, settings, stars, found))


def _others(
    model: Model, micrograph: Micrograph, settings: Settings, stars: Stars, found: dict[str, Any]
) -> Iterator[tuple[str, Segmentation]]:
    """Segmentations that are as plausible: other probability thresholds, outlines half a pixel further in or out.

    Nothing is predicted again for them: ``stars`` hold the objects a little below the threshold too.
    """
    shift = shift_of(model.card)
    for name, change, grow_px in (
        ("probability -", -shift, 0.0),
        ("probability +", shift, 0.0),
        ("outline -", 0.0, -OUTLINE_PX),
        ("outline +", 0.0, OUTLINE_PX),
    ):
        start = perf_counter()
        yield (
            name,
            _segmentation(model, micrograph, settings, stars, found, start=start, change=change, grow_px=grow_px),
        )


def _segmentation(
    model: Model,
    micrograph: Micrograph,
    settings: Settings,
    stars: Stars,
    found: dict[str, Any],
    *,
    start: float,
    change: float = 0.0,
    grow_px: float = 0.0,
) -> Segmentation:
    card = model.card
    threshold = model.prob_threshold + change
    drawn = polygons.drawn(
        stars[stars.probability > threshold],
        zeros_like(micrograph.pixels, np.int32),
        micrograph.roi,
        smooth=settings.outline == "smooth",
        grow_px=grow_px,
    )
    used = {item: getattr(settings, item) for item in settings.__dataclass_fields__}
    named = described(card)
    labels = drawn.labels
    if isinstance(labels, np.ndarray):
        labels.setflags(write=False)
    return Segmentation(
        labels=labels,
        classes={1: card.classes[-1]},
        kind="instance",
        backend="stardist",
        weights_sha256=card.sha256,
        settings={
            **used,
            **named,
            **found,
            "prob_threshold": round(threshold, 4),
            "nms_threshold": model.nms_threshold,
            "outline_shift_px": grow_px,
            **overlap_facts(drawn.areas_px2, drawn.visible_px2, drawn.covered, drawn.hidden),
        },
        seconds=perf_counter() - start,
    )


# -------------------------------------------------------------------------------------------------- scales


def _scales(model: Model, micrograph: Micrograph, settings: Settings) -> tuple[list[float] | None, dict[str, object]]:
    """Enlargements at which the image is predicted, finest first, and what they follow from; None: to be found."""
    card = model.card
    if settings.scale is not None:
        if not settings.scale > 0:
            msg = f"scale = {settings.scale:g}: must be > 0"
            raise BackendError(msg)
        return [settings.scale], {"scales": [settings.scale], "scales_from": "set"}
    pixel_um = micrograph.calibration.pixel_um
    if card.pixel_um is not None and pixel_um is not None:
        scale = pixel_um / card.pixel_um
        how = f"{pixel_um:.4g} um/px against {card.pixel_um:.4g} um/px of the training"
        return [scale], {"scales": [round(scale, 4)], "scales_from": how}
    if card.structure_px is None:
        return [1.0], {"scales": [1.0], "scales_from": "as it is; the model states no size"}
    if settings.object_px is None:
        return None, {"scales_from": "agreement of scales a factor of 2 apart"}
    smallest, largest = settings.object_px
    if not 0 < smallest <= largest:
        msg = f"object_px = {list(settings.object_px)}: must be diameters > 0 px, the smaller first"
        raise BackendError(msg)
    scales = scales_for(smallest, largest, card.structure_px)
    return scales, {"scales_from": "object_px of the job", **_sizes(scales, smallest, largest, card.structure_px)}


def _sizes(scales: list[float], smallest: float, largest: float, trained: tuple[float, float]) -> dict[str, object]:
    """What the report states of scales and sizes."""
    low, high = round(trained[0] / scales[0], 1), round(trained[1] / scales[-1], 1)
    found: dict[str, object] = {
        "scales": [round(scale, 4) for scale in scales],
        "object_sizes_px": [round(smallest, 1), round(largest, 1)],
        "trained_sizes_px": [low, high],
    }
    if largest > high:
        found["size_note"] = f"objects of up to {largest:.0f} px; the model is trained for at most {high:g} px here"
    return found


def scales_for(smallest: float, largest: float, trained: tuple[float, float]) -> list[float]:
    """Enlargements, finest first, that bring objects of all sizes into the range of the training.

    >>> scales_for(10, 60, (6, 80)), scales_for(4, 60, (6, 80)), scales_for(10, 500, (6, 80))
    ([1.0], [2.0, 0.5], [1.0, 0.25, 0.0625])
    """
    low, high = trained
    scale = 1.0
    if smallest < low and largest * 2 <= high * _STEP ** (_LEVELS - 1):
        scale = 2.0
    while smallest * scale / 2 >= _COMFORT * low and largest * scale > high:
        scale /= 2
    scales = [scale]
    while largest * scales[-1] > high and len(scales) < _LEVELS:
        scales.append(scales[-1] / _STEP)
    return scales


# ---------------------------------------------------------------------------------------------- prediction


def _stars(model: Model, micrograph: Micrograph, settings: Settings) -> tuple[Stars, dict[str, object]]:
    """Objects down to the lowest threshold of the alternatives, in pixels of the image."""
    if settings.tile_px < model.network.stride[0]:
        msg = f"tile_px = {settings.tile_px}: must be at least {model.network.stride[0]}"
        raise BackendError(msg)
    pixels = _channels(model.card, micrograph)
    try:
        low, high = gray_range(pixels, settings.normalization or model.card.normalization, micrograph.roi)
    except BackendError as error:
        msg = f"{micrograph.path}: {error}"
        raise BackendError(msg) from None
    seen = Seen(model=model, pixels=pixels, gray=(low, high), path=micrograph.path, settings=settings, described={})
    scales, found = _scales(model, micrograph, settings)
    inverted = _inverted(model.card, settings)
    if scales is not None:
        stars = _of_sizes(seen, scales, inverted=bool(inverted))
    else:
        if inverted is None:
            inverted, weights = _agreed_polarity(seen, micrograph)
            found |= weights
        stars, more = _agreed(seen, inverted=inverted)
        found |= more
    found["phase_used"] = _phase_used(model.card, inverted=bool(inverted))
    facts = {"inverted": bool(inverted), "gray_range": [round(low, 3), round(high, 3)], "predicted_percent": 100.0}
    return stars, {**found, **facts, **seen.described}


def _of_sizes(seen: Seen, scales: list[float], *, inverted: bool) -> Stars:
    """Objects of known sizes: each scale gives those of its range."""
    model = seen.model
    sure = model.prob_threshold + shift_of(model.card)

    parts: list[Part] = []
    for level, scale in enumerate(scales):
        keep = partial(_of_level, card=model.card, level=level, scales=scales, sure=sure)
        parts += candidates_of(seen, scale, inverted=inverted, keep=keep)
    return chosen_of(parts, model.network.rays, model.nms_threshold)


def _agreed(seen: Seen, *, inverted: bool, largest: float = agreement.LARGEST) -> tuple[Stars, dict[str, object]]:
    """Objects that scales agree on, and what the report states of scales and sizes."""
    model, trained = seen.model, seen.model.card.structure_px
    assert trained is not None, "agreement needs the sizes of the training"
    rays, nms = model.network.rays, model.nms_threshold

    def chosen(scale: float) -> tuple[float, Stars]:
        return scale, chosen_of(candidates_of(seen, scale, inverted=inverted), rays, nms)

    levels = [chosen(scale) for scale in agreement.scales_of((seen.pixels.shape[0], seen.pixels.shape[1]))]
    stars = agreement.agreed(levels, trained, nms, largest)
    if agreement.typical_px(stars) < agreement.FEW * trained[0]:
        levels.insert(0, chosen(agreement.STEP))
        stars = agreement.agreed(levels, trained, nms, largest)
    scales = [scale for scale, _ in levels]
    sizes = np.sort(polygons.mean_diameters(stars)) if len(stars) else np.zeros(1)
    return stars, _sizes(scales, float(np.quantile(sizes, 0.25)), float(sizes[-1]), trained)


def _agreed_polarity(seen: Seen, micrograph: Micrograph) -> tuple[bool, dict[str, object]]:
    """Which way round the scales agree on more, in the middle of what counts."""
    rows, columns = middle(micrograph.roi, (seen.pixels.shape[0], seen.pixels.shape[1]), _PILOT_PX)
    part = replace(seen, pixels=seen.pixels[rows, columns], described={})
    weights = {}
    for inverted in (False, True):
        stars, _ = _agreed(part, inverted=inverted, largest=agreement.POLARITY_LARGEST)
        weights[inverted] = agreement.weight(stars, seen.model.lowest)
    return weights[True] > weights[False], {
        "phase_from": "agreement of the scales [px of diameter that they agree on]",
        "phase_agreement": {
            _phase_used(seen.model.card, inverted=inverted): round(value, 2) for inverted, value in weights.items()
        },
    }


def _of_level(part: Stars, card: ModelCard, level: int, scales: list[float], sure: float) -> Stars:
    """Candidates of the sizes that a scale is there for, when there are several scales."""
    part = replace(part, level=np.full(len(part), level, np.int8))
    if len(scales) == 1 or card.structure_px is None or not len(part):
        return part
    diameters = polygons.mean_diameters(part)
    high = card.structure_px[1]
    keep = np.ones(len(part), bool)
    if level < len(scales) - 1:
        keep &= diameters <= 1.25 * high / scales[level]
    if level > 0:  # what the next finer scale sees whole is left to it; what remains must be sure
        keep &= (diameters > high / scales[level - 1]) & (part.probability > sure)
    return part[keep]


def _inverted(card: ModelCard, settings: Settings) -> bool | None:
    """Whether the gray scale is turned over; None: to be found."""
    trained = card.settings.get("phase")
    if settings.phase == "as trained":
        return False
    if settings.phase in (None, "auto"):
        return None if trained in ("dark", "bright") else False
    if trained not in ("dark", "bright"):
        msg = (
            f"model '{card.name}' does not say whether its objects are dark or bright; set phase = \"as trained\", "
            "and turn the image over beforehand if its objects look otherwise"
        )
        raise BackendError(msg)
    return bool(settings.phase != trained)


def _phase_used(card: ModelCard, *, inverted: bool) -> str:
    trained = str(card.settings.get("phase", "as trained"))
    other = {"dark": "bright", "bright": "dark"}
    return other[trained] if inverted else trained


def _channels(card: ModelCard, micrograph: Micrograph) -> Samples:
    """What the network sees: gray values, or colors."""
    if card.channels == "gray":
        return micrograph.pixels
    if micrograph.color is None:
        msg = f"{micrograph.path}: model '{card.name}' needs a color image, this one is gray; choose another model"
        raise BackendError(msg)
    return micrograph.color
