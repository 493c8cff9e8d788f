"""Segmentation by a U-Net: classes, grains from their boundaries, or joints with their voids, as the model card says.

The network gives probabilities of the classes. What becomes of them follows from the classes on the card:

- ``grain``, ``boundary``: one label per grain, by a watershed of the boundary probability;
- ``background``, ``joint``, ``void``: joints as objects, voids inside them;
- ``above``, a name, ``below``: a layer that runs through the picture, between two interfaces (``continuous_layer``);
- anything else: every pixel gets a class.

The image is brought to the scale that the network was trained at: by um/px where the card has an absolute scale,
otherwise by the size of the structure, which is estimated and stated.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import product
from math import ceil
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, Literal
from zlib import compress, decompress

import cv2
import numpy as np
from numpy.typing import NDArray
from typing_extensions import Doc

from inspect_tool.errors import BackendError
from inspect_tool.files import CARD, load_model_card
from inspect_tool.languages import Text
from inspect_tool.measure import boundaries
from inspect_tool.model import LabelImage, Mask, Micrograph, ModelCard, Segmentation, Told, stated
from inspect_tool.pixels.parts import strips
from inspect_tool.ranges import Above0, Share
from inspect_tool.segmentation.joints.regions import eight_bit_scale
from inspect_tool.segmentation.joints.shapes import joints_of_mask
from inspect_tool.segmentation.networks import runtime, tiling
from inspect_tool.segmentation.networks.arguments import unet_arguments
from inspect_tool.segmentation.networks.magnification import EQUALIZED, resized, seen, training_scale
from inspect_tool.segmentation.networks.runtime import Batch, Device, Engine, OutOfMemoryError, Precision, Predictor
from inspect_tool.segmentation.networks.unet import UNet
from inspect_tool.segmentation.networks.weights import (
    check_fit,
    described,
    equalized,
    gray_range,
    load_weights,
    model_folder,
    normalized,
    permitted,
)
from inspect_tool.segmentation.unet import continuous_layer, grain_labels, gray_opinion, layer_edge, layer_gray
from inspect_tool.segmentation.unet.joint_labels import FIRST_PX, JOINT, VIA, joint_labels, solder_dark, working_scale
from inspect_tool.segmentation.unet.joint_opinion import unsure_joints

KINDS: tuple[Literal["semantic", "instance"], ...] = ("semantic", "instance")
MODELS = ("model",)  # settings that name a model: a shipped one, or a folder beside the job file
PATHS = ("joint_mask",)

GRAINS = ("grain", "boundary")
"""Classes of a model whose labels are grains."""

JOINTS = ("background", "joint", "void")
"""Classes of a model whose labels are joints and the voids in them."""

GRAY = "gray_separation"
"""Setting of a card whose first two classes differ in gray: by how many spreads at least, see ``gray_opinion``."""

SHIFT = 0.2
"""A class is plausible where its probability is between 0.5 ± this, if the card says nothing else."""

_SAMPLE_PX = 1024  # side of the part of an image on which the size of the structure is estimated
_LARGE_PX = 4_000_000  # from here on memory counts for more than the time of taking it again
_BATCH = 8  # tiles at a time on a GPU; a CPU is fastest with one, which stays in its cache
_SMALLEST_TILE = 128  # to which a lack of device memory shrinks a tile [px]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be set; the model card has the rest."""

    model: Annotated[str, Doc("name of a shipped model, or a folder with weights and model.toml")] = "grain_boundary"
    threshold: Annotated[
        Share | None, Doc("of two classes: probability of the second; grains: of a boundary; None: of the card [1]")
    ] = None
    scale: Annotated[
        Above0[float] | None, Doc("enlargement before the network; None: to the scale of its training [1]")
    ] = None
    mount: Annotated[Literal["auto", "keep"], Doc("grains: dark mounting material at the image edge is left out")] = (
        "auto"
    )
    twins: Annotated[Literal["ignore", "count"], Doc("grains: twins that are etched like grain boundaries")] = "ignore"
    scratches: Annotated[
        Literal["ignore", "count"], Doc("grains: thin lines among boundaries etched wide and dark")
    ] = "ignore"
    joint_mask: Annotated[
        str, Doc("joints: image whose values number the joints, 0 outside; empty: they are found")
    ] = ""
    commercial: Annotated[bool, Doc("false permits models whose licence forbids commercial use")] = True
    device: Annotated[Device, Doc("auto: CUDA if there is a device, else the CPU")] = "auto"
    engine: Annotated[Engine, Doc("auto: OpenVINO where it is installed, else torch")] = "auto"
    precision: Annotated[Precision, Doc("auto: as the model card says, else bfloat16 where the processor has it")] = (
        "auto"
    )
    tile_px: Annotated[Above0[int], Doc("side of a tile; the result depends on it by less than 0.1 % [px]")] = (
        tiling.TILE_PX
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Model:
    """A network made ready, with its card."""

    card: ModelCard
    network: UNet
    predictor: Predictor
    on_cpu: Callable[[], Predictor]  # where the device runs out of memory


def load(settings: Settings) -> Model:
    """Read the model folder and make its network ready.

    Raises
    ------
    BackendError
        There is no such model; its files are missing, damaged or changed; its licence forbids the use; the extra
        is not installed; the device or engine asked for is not there.
    """
    folder = model_folder(settings.model)
    card, weights = load_weights(folder, "unet")
    permitted(card, folder, settings.commercial)
    network = UNet(**unet_arguments(card.network, f"{folder / CARD} network"))
    check_fit(network, weights, folder)
    precision = settings.precision if settings.precision != "auto" else card.settings.get("precision", "auto")
    ready = partial(runtime.predictor, network, weights, folder, engine=settings.engine, precision=precision)
    return Model(
        card=card, network=network, predictor=ready(device=settings.device), on_cpu=cache(partial(ready, device="cpu"))
    )


def outputs(settings: Settings) -> tuple[Literal["classes", "grains"], ...]:
    """Say what the model gives: grains where its classes are grain and boundary, else classes."""
    return ("grains",) if load_model_card(model_folder(settings.model)).classes == GRAINS else ("classes",)


def segment(model: Model, micrograph: Micrograph, settings: Settings) -> Segmentation:
    """Predict one field and make labels of it.

    Raises
    ------
    BackendError
        The image is constant, has not the channels the model needs, the network gives no usable numbers, or its
        classes do not differ in gray where its card says that they do.
    """
    start = perf_counter()
    if model.card.classes == GRAINS:
        return _grains(model, micrograph, settings, start)
    if continuous_layer.described(model.card.classes):
        return _layer(model, micrograph, settings, start)
    if model.card.classes == JOINTS and settings.scale is None:
        scale, how = _joint_scale(model, micrograph, settings)
    else:
        scale, how = training_scale(model.card, micrograph, settings.scale)
    maps, used = _maps(model, micrograph, settings, scale)
    labels, more = _labels(model, maps, micrograph, settings, {})
    _check_gray(model.card, micrograph, labels)
    found = {"scale": round(scale, 4), "scale_from": how, **used}
    made = _segmentation(model, settings, labels, found, start, **more)
    return replace(made, alternatives=partial(_other_classes, model, micrograph, settings, made, maps))


def _layer(model: Model, micrograph: Micrograph, settings: Settings, start: float) -> Segmentation:
    """A layer between two interfaces; others are those by another probability, and by one size of the picture alone."""
    scale, how = training_scale(model.card, micrograph, settings.scale)
    views: dict[float, continuous_layer.Probability] = {}
    used: dict[str, Any] = {}
    for zoom in continuous_layer.ZOOMS:
        maps, told = _maps(model, micrograph, settings, scale * zoom)
        used = used or told
        views[zoom] = _whole(maps, micrograph).astype(np.float32) / np.float32(255)
    found = {"scale": round(scale, 4), "scale_from": how, "zooms": list(continuous_layer.ZOOMS), **used}
    inside = micrograph.roi
    mean = continuous_layer.averaged(views)
    rough = continuous_layer.interfaces(mean, inside)
    own = layer_gray.settled(micrograph.pixels, mean, rough, inside, scale)

    def labels_of(rows: continuous_layer.Lines) -> LabelImage:
        layer = continuous_layer.between(*rows, micrograph.pixels.shape, inside)
        labels = layer_gray.without_open_pores(micrograph.pixels, layer).view(np.uint8)
        labels.setflags(write=False)
        return labels

    def made(labels: LabelImage, start: float) -> Segmentation:
        one = _segmentation(model, settings, labels, found, start)
        return replace(one, classes={0: "rest", 1: model.card.classes[1]})

    def others() -> Iterator[tuple[str, Segmentation]]:
        for name, rows in layer_gray.opinions(own, views, inside):
            start = perf_counter()
            yield name, made(labels_of(rows), start)

    labels = labels_of(own.lines)
    sizes = [continuous_layer.interfaces(one, inside) for one in views.values()]
    found |= stated(
        Told(
            sizes_apart=round(continuous_layer.apart([float((low - up).mean()) for up, low in sizes]), 3),
            grays_apart=round(
                continuous_layer.apart([float(one.sum()) for one in (labels, labels_of(own.farther))]), 3
            ),
            edge_off=round(layer_edge.edge_off(micrograph.pixels, own.lines, inside), 3),
        )
    )
    return replace(made(labels, start), alternatives=others)


def _other_classes(
    model: Model, micrograph: Micrograph, settings: Settings, segmentation: Segmentation, maps: "_Maps"
) -> Iterator[tuple[str, Segmentation]]:
    """Segmentations that the probabilities hold nearly as plausible, from the same prediction."""
    found = segmentation.settings
    shift = _shift(model.card)
    for number, name in enumerate(model.card.classes[1:], 1):
        for sign, change in (("-", -shift), ("+", shift)):
            start = perf_counter()
            labels, more = _labels(model, maps, micrograph, settings, {number: change})
            more.pop("objects", None)  # joints keep the numbers of the reported segmentation
            yield f"probability of {name} {sign}", _segmentation(model, settings, labels, found, start, **more)
            del labels, more
    if GRAY in model.card.settings and (segmentation.labels == 1).any():
        start = perf_counter()
        gray = gray_opinion.smoothed(micrograph.pixels)
        labels = gray_opinion.by_level(gray, segmentation.labels, 1, micrograph.roi)
        yield f"gray level of {model.card.classes[1]}", _segmentation(model, settings, labels, found, start)


def _check_gray(card: ModelCard, micrograph: Micrograph, labels: LabelImage) -> None:
    """Refuse classes of a kind of picture that the network never saw: those that gray values do not know of."""
    if GRAY not in card.settings:
        return
    apart = gray_opinion.separation(gray_opinion.smoothed(micrograph.pixels), labels, 1, micrograph.roi)
    least = float(card.settings[GRAY])
    if apart is not None and apart < least:
        msg = (
            f"{micrograph.path}: model '{card.name}' finds a {card.classes[1]} that gray values do not tell from the "
            f"{card.classes[0]} ({apart:.2g} times their spread apart, {least:g} or more asked): the picture is not of "
            "the kind it was trained on; use backend 'threshold' or 'labels', or train it on such pictures"
        )
        raise BackendError(msg)


def _segmentation(
    model: Model,
    settings: Settings,
    labels: LabelImage,
    found: Mapping[str, object],
    start: float,
    objects: LabelImage | None = None,
    vias: bool = False,
    unsure: int | None = None,
) -> Segmentation:
    card = model.card
    used = {item: getattr(settings, item) for item in settings.__dataclass_fields__}
    named = {
        **described(card),
        **stated(Told(joints_unsure=unsure)),
    }
    grains = card.classes == GRAINS
    classes = {1: "grain"} if grains else dict(enumerate(card.classes))
    return Segmentation(
        labels=labels,
        classes={**classes, VIA: "via"} if vias else classes,
        kind="instance" if grains else "semantic",
        backend="unet",
        weights_sha256=card.sha256,
        settings={**used, **named, "threshold": _threshold(card, settings), **found},
        seconds=perf_counter() - start,
        objects=objects,
        missed_u_rel=float(card.settings.get("missed_u_rel", grain_labels.MISSED_U_REL if grains else 0.0)),
    )


# ------------------------------------------------------------------------------------------------ the network


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Maps:
    """Probabilities of one field at its own scale, band by band, packed to a few percent of their size."""

    bands: tuple[tuple[slice, tuple[int, ...], bytes], ...]

    def __iter__(self) -> Iterator[tuple[slice, NDArray[np.uint8]]]:
        for rows, shape, packed in self.bands:
            yield rows, np.frombuffer(decompress(packed), np.uint8).reshape(shape)


def _joint_scale(model: Model, micrograph: Micrograph, settings: Settings) -> tuple[float, str]:
    """Reduction that brings large joints to the size of the training: given ones, or those of a reduced image."""
    objects = _given_joints(micrograph, settings)
    if objects is not None:
        return working_scale(objects), "size of the given joints"
    first = min(1.0, FIRST_PX / max(micrograph.pixels.shape))
    _, objects = joint_labels(_whole(_maps(model, micrograph, settings, first)[0], micrograph), micrograph.roi)
    return working_scale(objects), f"size of the joints found at scale {first:.3g}"


def _maps(model: Model, micrograph: Micrograph, settings: Settings, scale: float) -> tuple[_Maps, dict[str, Any]]:
    """Predict a field at a scale; its probabilities come back at the scale of the image."""
    card, shape = model.card, micrograph.pixels.shape
    try:
        low, high = gray_range(seen(card, micrograph), card.normalization, micrograph.roi)
    except BackendError as error:
        msg = f"{micrograph.path}: {error}"
        raise BackendError(msg) from None
    equal = bool(card.settings.get(EQUALIZED, False))
    shown = seen(card, micrograph)
    pixels = resized(shown.astype(np.float32) if equal else shown, scale)
    if equal:
        pixels, low, high = equalized(pixels, _resized_region(micrograph.roi, pixels.shape)), 0.0, 1.0
    given = _given_joints(micrograph, settings)
    if card.classes == JOINTS and not solder_dark(micrograph.pixels, micrograph.roi, given):
        low, high = high, low  # an inverted picture: the network knows solder darker than the board

    def read(area: tiling.Area) -> NDArray[np.float32]:
        part = normalized(pixels[area], low, high)
        if part.ndim == 3:
            return np.moveaxis(part, 2, 0)
        return np.broadcast_to(part, (_channels(card), *part.shape))  # a gray image is red, green and blue alike

    run, tile_px, made_on = _affordable(model, settings)
    if card.settings.get("eight_views", False):
        run = partial(_averaged, run)
        made_on["eight_views"] = True
    grid = tiling.Grid(
        tile_px=tile_px,
        overlap_px=min(tiling.OVERLAP_PX, tile_px // 2),
        stride=model.network.stride,
        batch=1 if model.predictor.device == "cpu" else _BATCH,
    )
    made = tiling.predicted(read, (pixels.shape[0], pixels.shape[1]), run, grid, micrograph.path)
    bands = ((rows, tiling.quantized(band)) for rows, band in made)
    if pixels.shape[:2] != shape and card.classes != GRAINS:
        bands = ((rows, band) for rows, band in [(slice(0, shape[0]), _restored(bands, pixels.shape[:2], shape))])
    kept = _kept_levels(card, settings)
    packed = tuple((rows, band.shape, compress(kept(band).tobytes(), 1)) for rows, band in bands)
    if pixels.shape[0] * pixels.shape[1] > _LARGE_PX:
        model.predictor.release()
    values = {EQUALIZED: True} if equal else {"gray_range": [round(low, 3), round(high, 3)]}
    described = {**values, "tile_px": tile_px, "overlap_px": grid.overlap_px}
    return _Maps(bands=packed), {**described, **made_on}


def _resized_region(region: Mask | None, shape: tuple[int, ...]) -> Mask | None:
    if region is None:
        return None
    small = cv2.resize(region.view(np.uint8), (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST)
    return np.asarray(small, np.uint8).view(np.bool_)


def _averaged(run: Callable[[Batch], Batch], batch: Batch) -> Batch:
    """Mean prediction of the eight turned and mirrored views of a batch; a texture has no up and no left."""
    total: Batch | None = None
    for swap, up, left in product((False, True), repeat=3):
        turn = (slice(None), slice(None), slice(None, None, -1 if up else 1), slice(None, None, -1 if left else 1))
        view = (batch.swapaxes(2, 3) if swap else batch)[turn]
        made = run(np.ascontiguousarray(view))[turn]
        made = made.swapaxes(2, 3) if swap else made
        total = made.copy() if total is None else total + made
    assert total is not None
    return total / 8


def _kept_levels(card: ModelCard, settings: Settings) -> Callable[[NDArray[np.uint8]], NDArray[np.uint8]]:
    """What of the probabilities is kept: of two classes which of the levels are reached, which packs to almost nothing.

    Grains and more than two classes need them as they are.
    """
    if card.classes == GRAINS or len(card.classes) > 2:
        return lambda band: band
    threshold, shift = _threshold(card, settings), _shift(card)
    levels = sorted(255 * (threshold + change) for change in (-shift, 0.0, shift))
    reached = np.array(
        [max((ceil(level) for level in levels if 0 <= level <= value), default=0) for value in range(256)]
    )
    table = reached.astype(np.uint8)
    return lambda band: table[band]


def _channels(card: ModelCard) -> int:
    return 3 if card.channels == "rgb" else 1


def _affordable(model: Model, settings: Settings) -> tuple[Callable[[Batch], Batch], int, dict[str, object]]:
    """How to predict a tile, its side, and what was done about a lack of device memory: smaller tiles, then the CPU."""
    predictor, tile_px = model.predictor, settings.tile_px
    channels = _channels(model.card)
    if predictor.device == "cpu":
        return predictor.run, tile_px, predictor.described
    while True:
        try:
            predictor.run(np.zeros((1, channels, tile_px, tile_px), np.float32))
            break
        except OutOfMemoryError:
            if tile_px // 2 < _SMALLEST_TILE:
                break
            tile_px //= 2
    used = dict(predictor.described)
    if tile_px < settings.tile_px:
        used["fallback"] = f"tiles of {tile_px} px: the device has too little memory for {settings.tile_px} px"

    def run(batch: Batch) -> Batch:
        try:
            return predictor.run(batch)
        except OutOfMemoryError:
            used["fallback"] = "CPU for some tiles: the device ran out of memory"
            return model.on_cpu().run(batch)

    return run, tile_px, used


def _restored(
    bands: Iterator[tuple[slice, NDArray[np.uint8]]], scaled: tuple[int, ...], shape: tuple[int, ...]
) -> NDArray[np.uint8]:
    """Maps at the scale of the image: (classes, rows, columns)."""
    whole: NDArray[np.uint8] | None = None
    for rows, band in bands:
        if whole is None:
            whole = np.empty((band.shape[0], *scaled), np.uint8)
        whole[:, rows] = band
    assert whole is not None
    return np.stack([cv2.resize(one, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR) for one in whole])


# ------------------------------------------------------------------------------------------------------ labels


def _threshold(card: ModelCard, settings: Settings) -> float:
    return float(settings.threshold if settings.threshold is not None else card.settings.get("threshold", 0.5))


def _shift(card: ModelCard) -> float:
    return float(card.settings.get("shift", SHIFT))


def _classes(maps: _Maps, micrograph: Micrograph, threshold: float, changes: dict[int, float]) -> LabelImage:
    """Class of every pixel; ``changes`` shifts the probability of a class by so much.

    Of two classes the second is taken from the threshold on; of more the most probable one.
    """
    labels = np.empty(micrograph.pixels.shape, np.uint8)
    for rows, band in maps:
        if band.shape[0] == 1:
            labels[rows] = band[0] >= 255 * (threshold - changes.get(1, 0.0))
            continue
        shifted = band.astype(np.int16)
        for number, change in changes.items():
            shifted[number] += round(255 * change)
        labels[rows] = shifted.argmax(axis=0)
    if micrograph.roi is not None:
        labels[~micrograph.roi] = 0
    return labels


def _labels(
    model: Model, maps: _Maps, micrograph: Micrograph, settings: Settings, changes: dict[int, float]
) -> tuple[LabelImage, dict[str, Any]]:
    """Labels of the classes; of joints their numbers as well."""
    if model.card.classes != JOINTS:
        return _classes(maps, micrograph, _threshold(model.card, settings), changes), {}
    whole = _whole(maps, micrograph)
    _shift_probabilities(whole, changes)
    given = _given_joints(micrograph, settings)
    labels, objects = joint_labels(whole, micrograph.roi, given)
    if not objects.any():
        msg = f"{micrograph.path}: model '{model.card.name}' finds no joint; give [backend] joint_mask"
        raise BackendError(msg)
    found: dict[str, Any] = {"objects": objects, "vias": bool((labels == VIA).any())}
    if not changes:
        image = replace(
            eight_bit_scale(micrograph.pixels), inverted=not solder_dark(micrograph.pixels, micrograph.roi, given)
        )
        found["unsure"] = unsure_joints(image, labels, objects, (labels == JOINT) & (whole[0] > 127))
    return labels, found


def _shift_probabilities(whole: NDArray[np.uint8], changes: dict[int, float]) -> None:
    """Shift the probability of a class of joints by so much, and the others by half of it the other way, in place.

    Of what a network takes for board it does not say whether it would be void or solder: these two stay as they are.
    """
    for number, change in changes.items():
        for top, bottom in strips(whole.shape[1:]):
            visible = np.clip(2 - whole[0, top:bottom].astype(np.float32) / 127.5, 0, 1)
            for other, band in enumerate(whole[:, top:bottom]):
                by = np.float32(255 * (change if other == number else -change / 2))
                band[:] = np.clip(band + (by * visible if other else by), 0, 255)


def _whole(maps: _Maps, micrograph: Micrograph) -> NDArray[np.uint8]:
    whole = np.empty((len(JOINTS), *micrograph.pixels.shape), np.uint8)
    for rows, band in maps:
        whole[:, rows] = band
    return whole


def _given_joints(micrograph: Micrograph, settings: Settings) -> LabelImage | None:
    if not settings.joint_mask:
        return None
    return joints_of_mask(Path(settings.joint_mask), micrograph.pixels.shape)[0]


# ------------------------------------------------------------------------------------------------------ grains


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Parted:
    """Regions of one field before merging, and the shape that their labels are brought to."""

    partition: grain_labels.Partition
    shape: tuple[int, int]

    def at_scale(self, labels: LabelImage) -> LabelImage:
        """Labels of the partition at the scale of the image."""
        if labels.shape == self.shape:
            return labels
        rows, columns = (
            (np.arange(size) + 0.5) * made / size for size, made in zip(self.shape, labels.shape, strict=True)
        )
        return np.ascontiguousarray(labels[rows.astype(np.intp)[:, None], columns.astype(np.intp)])


def _grains(model: Model, micrograph: Micrograph, settings: Settings, start: float) -> Segmentation:
    """One label per grain; the image is brought to a size of the grains that the network knows."""
    card, shape = model.card, micrograph.pixels.shape
    roi = micrograph.roi
    mount: Mask | None = None
    if settings.mount == "auto":
        every = np.ones(shape, bool) if roi is None else roi
        mount = boundaries.mount_mask(micrograph.pixels, every)
        if mount is not None:
            roi = every & ~mount
    counted = replace(micrograph, roi=roi)
    scale, how, maps, used = _sized(model, counted, settings)
    probability = np.vstack([band[0] for _, band in maps])
    if scale < 1:  # few and large grains: their outlines are drawn at the scale of the image
        probability = cv2.resize(probability, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    inside = roi
    if roi is not None and probability.shape != shape:
        inside = cv2.resize(roi.view(np.uint8), probability.shape[::-1], interpolation=cv2.INTER_NEAREST).view(bool)
    chosen = {key: card.settings[key] for key in ("level", "lower", "higher", "smallest_px") if key in card.settings}
    if settings.threshold is not None:
        chosen["level"] = settings.threshold
    chosen |= {"twins": settings.twins, "scratches": settings.scratches}
    parted = _Parted(
        partition=grain_labels.partition(
            probability,
            inside,
            grain_labels.Settings(**chosen),
            micrograph.path,
            enlarged=max(1.0, 1 / scale),
            gray=micrograph.pixels if probability.shape == shape else resized(micrograph.pixels, scale),
        ),
        shape=(shape[0], shape[1]),
    )
    grains = grain_labels.grains_at(parted.partition, where=micrograph.path)
    labels = parted.at_scale(grains.labels)
    found = {
        "scale": round(scale, 4),
        "scale_from": how,
        "mount_percent": 0.0 if mount is None else round(100 * float(mount.mean()), 2),
        "threshold": round(parted.partition.levels[1], 4),
        **grain_labels.found(parted.partition, labels),
        **stated(
            Told(
                twin_lamellae_merged=grains.lamellae,
                scratch_lines_merged=grains.lines,
                scratched_percent=round(100 * grains.scratched, 1),
            )
        ),
        **used,
    }
    made = _segmentation(model, settings, labels, found, start)
    return replace(made, alternatives=partial(_other_grains, model, settings, parted, found, micrograph.path))


def _other_grains(
    model: Model, settings: Settings, parted: "_Parted", found: Mapping[str, object], where: str
) -> Iterator[tuple[str, Segmentation]]:
    """Grains at a lower and a higher level of the probability, from the same prediction."""
    start = perf_counter()
    for name, labels in grain_labels.alternatives(parted.partition, where):
        yield name, _segmentation(model, settings, parted.at_scale(labels), found, start)
        del labels
        start = perf_counter()


def _sized(model: Model, micrograph: Micrograph, settings: Settings) -> tuple[float, str, _Maps, dict[str, object]]:
    """Scale of the prediction, where it comes from, and the prediction; an image that fits is predicted once."""
    card = model.card
    if settings.scale is not None or card.structure_px is None:
        scale, how = training_scale(card, micrograph, settings.scale)
        return scale, how, *_maps(model, micrograph, settings, scale)
    height, width = micrograph.pixels.shape
    sample = tuple(
        slice(max(0, (n - _SAMPLE_PX) // 2), max(0, (n - _SAMPLE_PX) // 2) + _SAMPLE_PX) for n in (height, width)
    )
    part = micrograph
    if max(height, width) > _SAMPLE_PX:
        part = replace(
            micrograph,
            pixels=micrograph.pixels[sample],
            color=None if micrograph.color is None else micrograph.color[sample],
            roi=None if micrograph.roi is None or not micrograph.roi[sample].any() else micrograph.roi[sample],
        )
    tried: dict[float, tuple[_Maps, dict[str, Any]]] = {}

    def predict(scale: float) -> NDArray[np.uint8]:
        tried[scale] = _maps(model, part, settings, scale)
        return np.vstack([band[0] for _, band in tried[scale][0]])

    scale, size = grain_labels.settled_scale(predict, card.structure_px)
    low, high = card.structure_px
    how = Text("segmentation.scale_by_intercept", size=size, low=low, high=high)
    if part is micrograph and scale in tried:
        return scale, how, *tried[scale]
    return scale, how, *_maps(model, micrograph, settings, scale)
